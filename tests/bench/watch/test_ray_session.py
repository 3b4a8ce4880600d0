"""Which processes belong to the Ray session of a run."""

from __future__ import annotations

import bench.watch.ray_session as ray_session
from bench.watch.process_table import ProcessLook


def a_look(pid, parent, name="python"):
    return ProcessLook(pid, parent, name, 0.0, 0.0, 0, 0)


def test_the_processes_of_our_ray_session_are_our_own_and_other_sessions_are_not(monkeypatch):
    """Process lists and command lines are planted: a daemon's Ray cannot be had in every test."""
    ours, theirs = "session_2026-11-24_12-00-00_1_1", "session_2026-11-24_13-00-00_2_2"
    looks = {
        look.pid: look
        for look in (
            a_look(10, 1),  # the driver
            a_look(11, 10, "gcs_server"),
            a_look(12, 10, "raylet"),
            a_look(13, 12, "ray::_run_as_js"),  # the worker that watches
            a_look(14, 12, "ray::IDLE"),
            a_look(15, 1, "gcs_server"),  # of another session
            a_look(16, 1, "python"),
        )
    }
    lines = {11: f"--log=/tmp/ray/{ours}/logs", 12: f"--s={ours}", 15: f"--s={theirs}"}
    monkeypatch.setattr(ray_session, "command_line", lambda pid: lines.get(pid, ""))
    monkeypatch.setattr(ray_session, "executable", lambda pid: "/usr/bin/python" if pid else None)
    session = ray_session.RaySession(looks, 13)
    assert session.own(looks) == {10, 11, 12, 13, 14}
    later = {**looks, 17: a_look(17, 12), 18: a_look(18, 1)}
    assert session.own(later) == {10, 11, 12, 13, 14, 17}
    assert ray_session.RaySession(looks, 16).own(looks) == set()
