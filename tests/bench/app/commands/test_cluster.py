"""`cluster prepare` and `cluster check`: what they say of a file, and that no byte of it acts."""

from __future__ import annotations

import pytest
import yaml
from command_line import run_command

from bench.cluster import firewall
from bench.text import printable

#: The name of a file that clears a terminal.
NAME = "c\x1b[2J\u202e.yaml"


def typed(*, name="c", provider=None, **labels):
    node = {"resources": {"CPU": 0}, "node_config": {}, "labels": {"bench-type": "vm", **labels}}
    return {
        "cluster_name": name,
        "provider": provider or {"type": "azure", "location": "x"},
        "head_node_type": "vm",
        "available_node_types": {"vm": node},
    }


def said(capsys, command, path, document):
    """Return the exit code and the lines that a subcommand prints of a cluster file."""
    path.write_text(yaml.safe_dump(document))
    code = run_command(["cluster", command, str(path)])
    told = capsys.readouterr()
    lines = (told.out + told.err).splitlines()
    assert all(printable(line) == line for line in lines)
    return code, lines


@pytest.mark.parametrize("kind", ["GPU", "gpu", " Cpu "])
def test_a_kind_that_the_reader_takes_is_no_finding(tmp_path, capsys, kind):
    _, lines = said(capsys, "check", tmp_path / "c.yaml", typed(**{"bench-kind": kind}))
    assert not [line for line in lines if "bench-kind" in line]


def test_a_type_without_its_kind_is_a_finding(tmp_path, capsys):
    code, lines = said(capsys, "check", tmp_path / "c.yaml", typed())
    assert code == 1
    assert "- vm: its label bench-kind is not one of cpu, gpu" in lines


@pytest.mark.parametrize("command", ["check", "prepare"])
def test_a_file_s_name_and_words_do_not_act_on_the_terminal(tmp_path, capsys, command):
    mounts = {"file_mounts": {"/x": "/no\x1b[2J"}}
    code, lines = said(capsys, command, tmp_path / NAME, {**typed(name="\x1b[2J"), **mounts})
    assert code
    assert lines


def test_hosts_that_were_closed_are_told_with_the_file(tmp_path, capsys, monkeypatch):
    """No host is there to log in to: what lays the rules is tested in test_firewall.py."""
    monkeypatch.setattr(firewall, "close", lambda file: None)
    on_site = {"type": "local", "head_ip": "10.0.0.1", "worker_ips": ["10.0.0.2"]}
    document = {"cluster_name": "c", "provider": on_site, "auth": {"ssh_user": "me"}}
    code, lines = said(capsys, "prepare", tmp_path / NAME, document)
    assert code == 0
    assert "10.0.0.1, 10.0.0.2" in lines[0]
    assert lines[1].endswith("cU+001B[2JU+202E.yaml")


def test_a_label_without_a_value_is_refused_with_its_key(tmp_path, capsys):
    nothing = typed(**{"bench-usd-per-hour": None})
    code, (line,) = said(capsys, "check", tmp_path / "c.yaml", nothing)
    assert code == 2
    assert "vm.labels.bench-usd-per-hour: Input should be a valid string" in line
    assert "None" not in line


def test_a_cache_folder_that_keeps_no_host_s_key_is_a_finding(tmp_path, capsys, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    _, lines = said(capsys, "check", tmp_path / "c.yaml", typed(**{"bench-kind": "cpu"}))
    assert [line for line in lines if "no key of a host can be kept" in line]
