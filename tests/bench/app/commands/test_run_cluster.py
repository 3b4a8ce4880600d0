"""The cluster after a run: what is said if it cannot be taken down."""

from __future__ import annotations

from command_line import PROGRAM

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
