"""The cluster after a run: what is said if it cannot be taken down."""

from __future__ import annotations

import signal

from command_line import PROGRAM

from bench import stops
from bench.app.commands import run_cluster
from bench.cluster.config import ClusterFile
from bench.cluster.find import Cluster
from bench.errors import DispatchError


def test_a_cluster_that_cannot_be_taken_down_is_a_warning_that_names_the_program(
    tmp_path, monkeypatch, capsys
):
    def fail(file, say):
        raise DispatchError("planted", next_step="{program} cluster check")

    monkeypatch.setattr(run_cluster, "down", fail)
    file = ClusterFile(tmp_path / "c.yaml", "lab", "local", None, {}, (), None)
    assert run_cluster.leave(Cluster("lab", file), PROGRAM, take_down=True) == 1
    printed = capsys.readouterr().out
    assert "not all of the cluster is down: planted. Next: mnist-bench cluster check" in printed


def test_a_signal_while_the_cluster_is_taken_down_says_that_it_may_still_be_up(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(run_cluster, "down", lambda file, say: signal.raise_signal(signal.SIGINT))
    file = ClusterFile(tmp_path / "c.yaml", "lab", "local", None, {}, (), None)
    codes = []

    def work():
        codes.append(run_cluster.leave(Cluster("lab", file), PROGRAM, take_down=True))
        return 0

    assert stops.guarded(work, lambda: print("nothing was measured")) == 130
    assert codes == [130], "a series ends with it"
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "WARNING: interrupted while lab was taken down: it may still be up"
    assert said[1].endswith(f"ray down {tmp_path / 'c.yaml'}")
    assert len(said) == 2
