"""Workloads of one file, which bench/ has never heard of: measured, reported, sent to a cluster."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import run_command

from bench.app.cluster_share import REQUEST
from bench.app.commands import run_cluster
from bench.dispatch.head import CODE
from bench.record.journal import read_run
from tests.e2e import journey

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]

#: Two repeats of one job that takes a tenth of a second.
MATMUL = ["--workload", str(ROOT / "examples" / "matmul.py"), "--grid", "quick"]
MATMUL += ["--sizes", "128", "--seeds", "1", "--repeats", "2", "--repeat-disturbed", "0"]

KERAS_MODEL = ["--workload", str(ROOT / "examples" / "keras_model.py"), "--grid", "quick"]
KERAS_MODEL += ["--batch-sizes", "64", "--epochs", "2", "--repeats", "1"]

#: What no report of another workload may speak of.
OTHERS = re.compile(r"\bmnist|\bcnn\b|\bmlp\b|\b2020\b|_2020", re.IGNORECASE)


def measured_rows(out, table="capacity"):
    """Return the rows of a table, without those of published figures."""
    rows = journey.summary(out)[table]
    return [row for row in rows if row.get("source", "measured") == "measured"]


def words_of(out):
    """Return the text of a report without figures, process ids and the command that was typed."""
    lines = (out / "summary.md").read_text().splitlines()
    headings = {place - 1 for place, line in enumerate(lines) if line.startswith("|:--")}
    prose = [line for place, line in enumerate(lines) if line[:1] != "|" or place in headings]
    return re.sub(r"pid \d+", "", "\n".join(prose))


@pytest.fixture(scope="module")
def products(tmp_path_factory):
    """The matrix products through the embedded Ray: (exit code, output, results folder)."""
    out = tmp_path_factory.mktemp("matmul") / "reports"
    code, output = journey.run(*MATMUL, "--local-only", "--label", "first", out=out, whole=True)
    return code, output, out


def test_matrix_products_are_measured_by_the_embedded_ray(products):
    code, output, out = products
    assert code == 0, output
    assert "2 of 2 jobs measured, 0 failed" in output
    assert {record["placed_by"] for record in journey.records(journey.journals(out)[0])} == {"ray"}
    lines = [line for line in output.splitlines() if line.startswith("[")]
    assert len(lines) == 2
    assert all("ms/step, residual " in line for line in lines)


def test_the_tables_show_the_axes_and_the_metric_of_the_workload(products):
    out = products[2]
    for table in ("capacity", "quality", "memory", "conditions", "epochs", "cost"):
        rows = measured_rows(out, table)
        assert rows, table
        assert {(row["size"], row["dtype"]) for row in rows} == {(128, "float32")}, table
    (capacity,) = measured_rows(out)
    assert capacity["n"] == 2
    assert 0 < capacity["step_p10_ms"] <= capacity["step_median_ms"]
    assert capacity["flops_per_s"] > 0 and capacity["ceiling_flops_per_s"] > 0
    (quality,) = measured_rows(out, "quality")
    assert 0 < quality["residual"] < 1e-3
    markdown = (out / "summary.md").read_text()
    assert markdown.startswith("# Compute-capacity annex: NumPy matrix products\n")
    assert "| residual |" in markdown


def test_the_report_has_the_figures_for_which_there_are_data(products):
    names = {path.stem for path in (products[2] / "figures").glob("*.svg")}
    assert {"steps", "spread", "phases"} <= names
    assert not names & {"confusion", "network-mlp"}


def test_the_report_has_no_word_of_another_workload(products):
    out = products[2]
    assert OTHERS.findall(words_of(out)) == []
    keys = {key for rows in journey.summary(out).values() for row in rows for key in row}
    assert OTHERS.findall(" ".join(keys)) == []
    assert not [row for row in journey.summary(out)["machines"] if row["source"] != "measured"]


def test_journals_of_two_machines_are_compared(products, tmp_path):
    """The second run is bare: what places a job makes no difference to the report."""
    second, both = tmp_path / "second", tmp_path / "both"
    words = [*MATMUL, "--local-only", "--label", "second", "--dispatch", "inline"]
    code, output = journey.run(*words, out=second)
    assert code == 0, output
    journals = [str(journey.journals(out)[0]) for out in (products[2], second)]
    words = [sys.executable, "-m", "mnist_bench.report", *journals, "--out", str(both)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = journey.summary(both)["comparison"]
    assert {row["machine"], row["against"]} == {"first", "second"}
    assert row["speed_p10"] > 0
    assert row["conclusion"] in {"faster", "equal", "open"}
    same = [row for row in journey.summary(both)["sameness"] if row["machine"] != row["against"]]
    assert same, "two machines that measured the same job are set side by side"
    assert "times as fast as" in (both / "summary.md").read_text()
    assert OTHERS.findall(words_of(both)) == []


def test_a_user_s_keras_model_is_measured(tmp_path):
    words = [*KERAS_MODEL, "--local-only", "--dispatch", "inline"]
    code, output = journey.run(*words, out=tmp_path)
    assert code == 0, output
    assert "1 of 1 jobs measured, 0 failed" in output
    (row,) = measured_rows(tmp_path)
    assert (row["optimizer"], row["batch_size"], row["epochs"]) == ("adam", 64, 2)
    assert row["step_p10_ms"] > 0 and row["epoch_s"] > 0
    (quality,) = measured_rows(tmp_path, "quality")
    assert quality["loss"] > 0
    (record,) = journey.records(journey.journals(tmp_path)[0])
    assert record["measurement"]["versions"].keys() == {"keras", "tensorflow"}
    assert record["measurement"]["digests"]["final_weights"]
    assert OTHERS.findall(words_of(tmp_path)) == []


class SimulatedCluster:
    """A cluster of simulated hosts: what is shipped to it lies in `folder`, and runs there."""

    name, file = "simulated", None

    def __init__(self, folder, *hosts):
        self.folder, self.hosts = folder, hosts
        self.ended = False

    @contextlib.contextmanager
    def connected(self):
        """Yield this object as the Jobs API of its head."""
        yield self

    def state(self, job):
        """Return the state of the detached job; None if it was never sent."""
        if not self.folder.exists():
            return None
        return ("SUCCEEDED", "") if self.ended else ("RUNNING", "")

    def submit(self, job, folder, entrypoint):
        """Keep what is shipped."""
        shutil.copytree(folder, self.folder)

    def follow(self, job):
        """Run the head, with the code that was shipped and no other; yield its lines."""
        head = ROOT / "tests" / "simulated_head.py"
        done = subprocess.run(
            [sys.executable, str(head), REQUEST, *self.hosts],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder / CODE)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        self.ended = True
        yield from done.stdout.splitlines()


def test_matrix_products_are_measured_on_a_cluster_of_simulated_hosts(
    tmp_path, monkeypatch, capsys
):
    """The workload's file is sent with the engine alone: the hosts have no package of MNIST."""
    cluster = SimulatedCluster(tmp_path / "shipped", "alpha", "beta")
    monkeypatch.setattr(run_cluster, "find", lambda *asked: (cluster, "cluster: simulated"))
    out = tmp_path / "reports"
    words = ["run", *MATMUL, "--dispatch", "inline", "--label", "laptop", "--show-hostnames"]
    words += ["--no-figures", "--no-ceilings"]
    code = run_command([*words, "--out", str(out)])
    assert code == 0, capsys.readouterr().out
    assert "6 of 6 jobs measured on 3 machines, 0 failed" in capsys.readouterr().out
    assert sorted(path.name for path in (cluster.folder / CODE).iterdir()) == ["bench", "workload"]

    (journal,) = journey.journals(out)
    records = read_run(journal).records
    assert {record.label for record in records} == {"laptop", "cpu alpha", "cpu beta"}
    assert {record.measurement.ceilings for record in records} == {None}, "none were asked for"
    digests = [record.measurement.digests for record in records]
    assert len({each.initial_weights for each in digests}) == 1
    assert len({each.code for each in digests}) == 1  # the code that was sent is the laptop's
    compared = {row["machine"] for row in measured_rows(out)}
    assert compared == {"laptop", "cpu alpha", "cpu beta"}
    assert len(journey.summary(out)["comparison"]) == 3
