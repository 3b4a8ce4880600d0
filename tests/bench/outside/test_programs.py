"""What a program prints: any bytes, the last of them, and not for longer than its time."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.outside.programs import MOST_PRINTED, run_to_end


def python(code, timeout_s=30.0, environment=None):
    return run_to_end([sys.executable, "-Ic", code], timeout_s, environment)


def test_both_outputs_and_the_exit_code_are_taken():
    said = python("import sys; print('out'); print('late', file=sys.stderr); sys.exit(3)")
    assert (said.code, said.out, said.errors, said.complaint) == (3, "out\n", "late\n", "late")


def test_bytes_of_another_encoding_are_replaced():
    said = python(r"import os; os.write(1, b'Gr\xfc\xdfe\n'); os.write(2, b'\xfc')")
    assert said.out == "Gr\ufffd\ufffde\n"
    assert said.errors == "\ufffd"


def test_of_a_flood_the_end_is_kept():
    code = f"import os\nfor _ in range(40): os.write(1, b'x' * {MOST_PRINTED // 10})\nprint('end')"
    said = python(code)
    assert len(said.out) == MOST_PRINTED
    assert said.out.endswith("xend\n")


def test_a_program_that_is_silent_for_too_long_is_ended():
    with pytest.raises(subprocess.TimeoutExpired, match=r"0\.5 seconds"):
        python("import time; time.sleep(60)", timeout_s=0.5)


def test_a_program_that_prints_without_end_is_ended():
    with pytest.raises(subprocess.TimeoutExpired):
        python("while True: print('x' * 1000)", timeout_s=0.5)


def test_a_program_that_closed_its_outputs_is_ended_too():
    with pytest.raises(subprocess.TimeoutExpired):
        python("import os, time; os.close(1); os.close(2); time.sleep(60)", timeout_s=0.5)


def test_a_program_that_ends_without_a_word_is_told_by_its_exit_code():
    assert python("raise SystemExit(7)").complaint == "exit code 7"
    assert run_to_end(["/bin/sh", "-c", "echo $GIVEN"], 30, {"GIVEN": "x"}).out == "x\n"


def test_a_program_that_is_not_there_is_an_error_of_the_system():
    with pytest.raises(FileNotFoundError):
        run_to_end(["/no/such/program"], 1)
