"""The look before the first job: it goes on while Ray starts, and a doubt is looked at again."""

from __future__ import annotations

from dataclasses import replace

import psutil
import pytest
from plans import a_plan

from bench.app import early_look
from bench.app.early_look import EarlyLook, looked_at
from bench.app.own_machine import own_transport
from bench.record.conditions import Interference
from bench.watch import look as looks
from bench.watch.look import Look

DISTURBED = Interference(wall_s=1.0, flag="disturbed", causes=("foreign CPU (1 CPUs)",))


def a_look(flag):
    causes = ("foreign CPU (1 CPUs)",) if flag == "disturbed" else ()
    foreign = {"quiet": 0.02, "disturbed": 1.0, "unknown": None}[flag]
    return Look(Interference(wall_s=3.0, flag=flag, causes=causes, foreign_cpus=foreign), ())


@pytest.mark.parametrize(
    ("flags", "said_quiet"),
    [
        (["quiet"], [True]),
        (["disturbed", "quiet"], [True]),
        (["unknown", "quiet"], [True]),
        (["disturbed", "disturbed"], [False]),
    ],
)
def test_only_a_machine_that_was_not_seen_to_be_quiet_is_looked_at_again(
    monkeypatch, tmp_path, flags, said_quiet
):
    """The looks are planted: whether this machine is quiet is not up to a test."""
    left = [a_look(flag) for flag in flags]
    starting = []

    def planted(threads, seconds, **how):
        starting.append(how.get("starting", False))
        return left.pop(0)

    monkeypatch.setattr(early_look, "look", planted)
    monkeypatch.setattr(looks, "look", planted)
    early, said = EarlyLook(a_plan(tmp_path), seconds=0.1), []
    early.begin()
    found = early.settled(said.append)
    assert not left
    assert all(starting), "what this process has started, such as a Ray, is no stranger"
    assert [line.startswith("the machine is quiet") for line in said] == said_quiet
    assert found.words == said[-1]


def test_a_real_look_has_a_finding_and_its_words(tmp_path):
    early, said = EarlyLook(a_plan(tmp_path), seconds=0.3), []
    early.begin()
    found = early.settled(said.append)
    assert said[-1] == found.words
    assert found.seen.wall_s >= 0.3
    assert found.seen.job_cpu_s is None


@pytest.mark.slow
def test_a_ray_that_starts_meanwhile_is_no_stranger(tmp_path, monkeypatch):
    """Also the second look, when Ray's own helpers still start, names none of its processes."""
    plan = a_plan(tmp_path, dispatch="ray")
    first = early_look.look
    monkeypatch.setattr(  # so that there is a second one
        early_look, "look", lambda *args, **how: replace(first(*args, **how), seen=DISTURBED)
    )
    said = []
    with looked_at(own_transport(plan), EarlyLook(plan, seconds=2.0), said.append) as (ray, found):
        ours = {process.name() for process in psutil.Process().children(recursive=True)}
        assert ray.name == "ray" and "raylet" in ours
    assert not [one.name for one in found.busiest if one.name.startswith(("ray", "gcs_server"))]
    assert len(said) == 1
