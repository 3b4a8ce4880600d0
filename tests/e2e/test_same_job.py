"""The same job is the same job: whatever places it, its weights are equal to the last bit."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.e2e import journey

pytestmark = pytest.mark.slow


def test_a_job_run_bare_twice_and_by_ray_gives_bit_identical_weights(tmp_path, data_environment):
    arguments = ["--grid", "smoke", *journey.SHORT, "--optimizers", "rmsprop"]
    out = tmp_path / "reports"
    code, output = journey.run(*arguments, out=out, **data_environment)
    assert code == 0, output
    (by_ray,) = journey.records(journey.journals(out)[0])

    code, listed = journey.run(*arguments, "--list", "--json", **data_environment)
    assert code == 0, listed
    bare = _bare_twice(listed)

    digests = [r["measurement"]["digests"] for r in (by_ray, *bare)]
    assert digests[0] == digests[1] == digests[2]
    assert [r["placed_by"] for r in (by_ray, *bare)] == ["ray", "bare", "bare"]


def _bare_twice(description: str) -> list[dict]:
    """Run the job in two children side by side: no time of theirs is looked at."""
    words = [sys.executable, "-m", "bench.child.entry", "-", "-"]
    pipe = subprocess.PIPE
    both = [
        subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(2)
    ]
    for child in both:
        child.stdin.write(description)
        child.stdin.close()
        child.stdin = None
    ended = [(*child.communicate(timeout=300), child.returncode) for child in both]
    for _, errors, code in ended:
        assert code == 0, errors
    return [json.loads(record) for record, _, _ in ended]


def test_without_data_and_network_synthetic_digits_take_the_place_and_every_table_says_so(
    tmp_path,
):
    home = tmp_path / "home"
    home.mkdir()
    nowhere = {"HOME": str(home), "KERAS_HOME": str(home), "XDG_CACHE_HOME": str(home)}
    out = tmp_path / "reports"
    code, output = journey.run(
        *["--grid", "smoke", *journey.SHORT, "--dispatch", "inline"],
        out=out,
        **nowhere,
        MNIST_BENCH_DATA="",
        MNIST_BENCH_OFFLINE="1",
    )
    assert code == 0, output
    assert "Synthetic digits took the place of MNIST" in output
    (record,) = journey.records(journey.journals(out)[0])
    assert record["job"]["dataset"] == "synthetic"
    assert record["measurement"]["evaluations"][-1]["metrics"]["test_accuracy"] > 0.9
    first_screen, detail, *sections = (out / "summary.md").read_text().split("\n## ")
    assert "- **Data**: " in first_screen and "Synthetic digits" in first_screen
    assert detail.startswith("The verdict in detail\n")
    assert sections.pop().startswith("Notes\n\n2020 figures: ")
    assert len(sections) >= 6
    for section in sections:  # of tables, and of what does not apply
        assert "Synthetic digits" in section, section.splitlines()[0]
