"""A short fuzz with a seed of its own: no input of any kind gets further than an error of ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import command_lines
import fuzz
import hypothesis
import messages
import pytest
import targets

pytestmark = pytest.mark.slow

FUZZ = Path(__file__).with_name("fuzz.py")

#: Inputs of each kind. The long fuzz (`make fuzz`) has hundreds of times as many.
SHORT = {
    "journals": 60,
    "grids": 150,
    "cluster files": 80,
    "prices": 100,
    "job descriptions": 100,
    "command lines": 100,
}


#: What runs the fuzz of one kind, whose reader is given; a signal's handler waits for a hang in C.
HANGING = """
import itertools, sys
from pathlib import Path
sys.path[:0] = sys.argv[1:4]
import fuzz, targets
from hypothesis import strategies as st
reader = lambda given, folder, number: sum(itertools.repeat(0))
targets.kinds = lambda: {"hang": targets.Kind(st.just("the input"), reader, 1)}
fuzz.LIMIT_S, fuzz.WAIT_S, fuzz.HANG_S = 0.2, 0.2, 1.0
fuzz.fuzzed("hang", 1, 1, Path(sys.argv[4]))
"""


@pytest.mark.parametrize("kind", SHORT)
def test_no_input_causes_more_than_an_error_of_ours(kind):
    words = [sys.executable, str(FUZZ), "--kind", kind, "--inputs", str(SHORT[kind]), "--seed", "3"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["faults"] == []
    assert found["taken"] + found["refused"] == found["inputs"] >= SHORT[kind]
    assert found["refused"] > 0
    assert found["peak_mib"] < 1024
    if kind == "command lines":
        assert 2 * sum(found["past_the_parser"].values()) > found["inputs"]


@pytest.mark.parametrize("name", command_lines.commands())
def test_some_lines_of_each_command_get_past_the_parser(name, monkeypatch, tmp_path):
    monkeypatch.chdir(command_lines.SoundFolder(tmp_path).fresh())
    known = command_lines.commands()
    few = hypothesis.settings(
        max_examples=50,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    found = hypothesis.find(
        command_lines.lines_of(name, known[name]),
        lambda words: command_lines.past_the_parser(words, known) == name,
        settings=few,
    )
    assert found[: len(name.split())] == name.split()


@pytest.mark.parametrize("text", ["", " ", "two\nlines", "\x1b[31m", "\u202egnp", "\x7f", "\x85"])
def test_a_message_that_is_empty_or_not_printable_is_a_fault(text):
    with pytest.raises(messages.Fault):
        messages.check_message(text)
    if text.strip() and "\n" not in text:
        with pytest.raises(messages.Fault):
            messages.check_output(f"a line\n{text}\n")


def test_a_message_that_is_too_long_is_a_fault():
    messages.check_message("x" * messages.MOST)
    with pytest.raises(messages.Fault):
        messages.check_message("x" * (messages.MOST + 1))


@pytest.mark.parametrize("word", ["/etc/passwd", "--out=/etc/passwd", "//x", "a=//etc"])
def test_no_command_line_of_the_fuzz_writes_outside_its_folder(word):
    assert not command_lines.inside(word).partition("=")[2].startswith("/")
    assert not command_lines.inside(word).startswith("/")


def test_a_job_of_the_fuzz_leaves_the_niceness_of_the_process(tmp_path):
    kind = targets.kinds()["job descriptions"]
    given = {**targets.a_description(), "niceness": os.getpriority(os.PRIO_PROCESS, 0) + 1}
    before = os.getpriority(os.PRIO_PROCESS, 0)
    assert kind.read(json.dumps(given).encode(), tmp_path, 1)
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


def test_an_input_that_hangs_in_c_ends_its_process_and_is_kept(tmp_path):
    folders = [str(FUZZ.parents[2]), str(FUZZ.parents[1]), str(FUZZ.parent)]
    words = [sys.executable, "-c", HANGING, *folders, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=40)
    assert done.returncode == 1
    assert "Timeout" in done.stderr
    assert (tmp_path / fuzz.LAST).read_text() == "'the input'"
