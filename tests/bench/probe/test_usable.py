"""What a job may use: the process's own affinity and its group's quota, whichever is less."""

from __future__ import annotations

import os

import pytest
from faked_roots import faked_root

import bench.probe.usable as usable
from bench.probe.machine import probe


def test_a_job_may_use_no_more_cpus_than_it_is_bound_to(monkeypatch):
    monkeypatch.setattr(usable, "cpu_quota", lambda root: None)
    if not hasattr(os, "sched_getaffinity"):
        assert usable.usable_cpus() == os.cpu_count()
        return
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable.usable_cpus() == 1.0
    finally:
        os.sched_setaffinity(0, before)
    assert usable.usable_cpus() == len(before)


def test_a_quota_below_the_bound_cpus_is_what_a_job_may_use(monkeypatch):
    """The quota is planted; tests/e2e/test_limits.py sets a real one."""
    monkeypatch.setattr(usable, "cpu_quota", lambda root: 0.5)
    assert usable.usable_cpus() == 0.5


@pytest.mark.parametrize(("allowed", "cores"), [("0-1,4", 2), ("0,99", None)])
def test_threads_of_one_core_are_told_by_the_cpus_that_share_it(tmp_path, allowed, cores):
    lists = ("0,4", "1,5", "2,6", "3,7", "0,4", "1,5", "2,6", "3,7")
    files = {
        f"/sys/devices/system/cpu/cpu{number}/topology/thread_siblings_list": text
        for number, text in enumerate(lists)
    }
    files["/proc/self/status"] = f"Name:\tpython\nCpus_allowed_list:\t{allowed}"
    assert usable.cores(faked_root(tmp_path, files)) == cores


def test_a_job_has_threads_however_little_can_be_read(monkeypatch):
    """The group's reader is made to fail with an error that it never expects."""

    def fail(root):
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(usable, "cpu_quota", fail)
    assert usable.threads() == os.cpu_count()


def test_a_machine_that_names_no_cpus_has_an_unknown_number_of_them(tmp_path):
    facts = probe(root=faked_root(tmp_path, {"/proc/meminfo": "MemTotal: 1024 kB"}))
    assert (facts.affinity_cpus, facts.usable_cpus) == (None, None)
    assert {"affinity_cpus", "usable_cpus"} <= facts.unknown.keys()
