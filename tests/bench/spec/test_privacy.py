"""What may be shown of whose machine this is."""

from __future__ import annotations

import platform

import pytest

from bench.spec.privacy import Privacy, name_hash, salted

UUID = "8932f937-d72c-4106-c12f-20bd9faed9f6"


@pytest.fixture
def owner(monkeypatch):
    """Plant a host name and a home folder, which no other text can hold."""
    monkeypatch.setattr(platform, "node", lambda: "bobs-box.lab.example")
    monkeypatch.setenv("HOME", "/home/bob")
    return f"host-{name_hash('bobs-box.lab.example')}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GPU-" + UUID, "GPU-" + salted("GPU-" + UUID)),
        ("0,GPU-8932f937,1", f"0,GPU-{salted('GPU-8932f937')},1"),
        ("MIG-" + UUID, "MIG-" + salted("MIG-" + UUID)),
        ("MIG-GPU-8932f937/1/0", "MIG-" + salted("MIG-GPU-8932f937/1/0")),
        ("GPU-accelerated, 0,1, GPU-0", "GPU-accelerated, 0,1, GPU-0"),
        ("at bobs-box.lab.example:22", "at HOST:22"),
        ("BOBS-BOX is bobs-boxes", "HOST is bobs-boxes"),
        ('File "/home/bob/x.py"', 'File "~/x.py"'),
        ("/home/bobby /srv/home/bob:/home/bob", "/home/bobby /srv/home/bob:~"),
        ("--xla_dump_to=/home/bob", "--xla_dump_to=~"),
        ("odd \udcff", "odd ?"),
    ],
)
def test_what_tells_whose_machine_it_is_does_not_stay_in_a_text(owner, text, shown):
    assert Privacy().redacted(text) == shown.replace("HOST", owner)


def test_names_stay_where_they_were_asked_for_and_serials_never_do(owner):
    text = Privacy(show_hostnames=True).redacted(f"bobs-box /home/bob GPU-{UUID}")
    assert text == f"bobs-box /home/bob GPU-{salted('GPU-' + UUID)}"


@pytest.mark.parametrize("name", ["localhost", "vm", ""])
def test_a_name_that_tells_nothing_is_left_in_the_text(monkeypatch, name):
    monkeypatch.setattr(platform, "node", lambda: name)
    assert Privacy().redacted("vm at localhost") == "vm at localhost"


@pytest.mark.parametrize("host", ["full.secret-lab.example.org", "full"])
def test_a_word_of_the_program_stays_and_the_host_s_name_with_its_domain_does_not(
    monkeypatch, host
):
    monkeypatch.setattr(platform, "node", lambda: host)
    shown = f"host-{name_hash(host)}"
    command = "run --grid full --price full.yaml --label {}"
    text = Privacy().redacted(command.format("FULL.secret-lab.example.org"), own=["full"])
    rest = "" if "." in host else ".secret-lab.example.org"
    assert text == command.format(f"{shown}{rest}")
    assert Privacy().redacted("at full") == f"at {shown}"
