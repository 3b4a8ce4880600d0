"""Checks are independent: one that raises or hangs is a problem, and the others are made."""

from __future__ import annotations

import time

from command_line import PROGRAM

from bench.app.doctor.check_result import ok
from bench.app.doctor.checks import CHECKS, Check, examined
from bench.app.doctor.patient import Patient
from bench.errors import DispatchError
from bench.spec.request import DoctorRequest

PATIENT = Patient(DoctorRequest("doctors:NEEDY"), PROGRAM)


def raises(patient):
    yield ok("the first half")
    raise ZeroDivisionError("planted")


def hangs(patient):
    time.sleep(60)
    yield ok("late")


def refuses(patient):
    raise DispatchError("no way", seen="a wall", next_step="go round")
    yield


def twice(patient):
    yield ok("one")
    yield ok("two")


def test_a_check_that_raises_or_hangs_is_a_problem_and_the_others_are_made():
    checks = [Check("bad", raises), Check("slow", hangs, 0.05), Check("good", twice)]
    bad, slow, first, second = examined(PATIENT, checks)
    assert (bad.check, bad.state) == ("bad", "problem")
    assert "ZeroDivisionError: planted" in bad.seen
    assert "doctor --json" in bad.cure
    assert (slow.check, slow.state) == ("slow", "problem")
    assert "0.05 s" in slow.seen
    assert [(one.check, one.seen) for one in (first, second)] == [("good", "one"), ("good", "two")]


def leaves(patient):
    yield ok("first")
    raise SystemExit(3)


def test_a_workload_that_ends_the_program_is_a_problem_of_that_check_alone():
    bad, good, _ = examined(PATIENT, [Check("bad", leaves), Check("good", twice)])
    assert bad.state == "problem"
    assert "the workload's code ended the program" in bad.seen
    assert (good.check, good.state) == ("good", "ok")


def test_an_error_of_our_own_brings_its_value_and_its_next_step():
    (one,) = examined(PATIENT, [Check("wall", refuses)])
    assert (one.state, one.seen, one.cure) == ("problem", "no way (seen: a wall)", "go round")


def test_a_workload_that_cannot_be_imported_spoils_no_check_that_needs_none():
    patient = Patient(DoctorRequest("planted_nowhere:X"), PROGRAM)
    chosen = [row for row in CHECKS if row.name in {"python", "memory"}]
    python, memory = examined(patient, chosen)
    assert python.state == "ok"
    assert memory.state == "problem"
    assert "planted_nowhere" in memory.seen


def test_the_names_of_the_checks_are_unlike_and_fit_their_column():
    names = [row.name for row in CHECKS]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= 11
