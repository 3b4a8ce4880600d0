"""The main journey: one command measures this machine through Ray and leaves a report."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import psutil
import pytest

from tests.e2e import journey

pytestmark = pytest.mark.slow

TABLES = ("machines", "capacity", "epochs", "quality", "memory", "failures")


@pytest.fixture(scope="module")
def smoke(tmp_path_factory, data_environment):
    """`run --grid smoke` through a real Ray: (exit code, output, results folder, what was seen)."""
    out = tmp_path_factory.mktemp("smoke") / "reports"
    process = journey.start(
        journey.command("--grid", "smoke", "--label", "this|box", out=out, whole=True),
        **data_environment,
    )
    child = journey.wait_for(lambda: journey.job_child_of(process))
    seen = {
        "open ports": _listening(process),
        "processes": [p.pid for p in journey.children_of(process)],
        "child priority": child.nice(),
    }
    code, output = journey.finish(process)
    return code, output, out, seen


def _listening(process) -> set[str]:
    addresses = set()
    for member in journey.children_of(process):
        try:
            found = member.net_connections(kind="inet")
        except psutil.Error:
            continue
        addresses |= {c.laddr.ip for c in found if c.status == psutil.CONN_LISTEN}
    return addresses


def test_the_smoke_grid_measures_both_networks_and_says_where_the_report_lies(smoke):
    code, output, out, _ = smoke
    assert code == 0, output
    assert "2 of 2 jobs measured, 0 failed" in output
    assert str(out / "summary.md") in output
    models = {
        record["job"]["axes"]["model"] for record in journey.records(journey.journals(out)[0])
    }
    assert models == {"mlp", "cnn"}


def test_off_a_terminal_there_is_one_line_a_job_with_its_figures(smoke):
    _, output, _, _ = smoke
    lines = [line for line in output.splitlines() if line.startswith("[")]
    assert [line.split()[0] for line in lines] == ["[1/2]", "[2/2]"]
    assert all("ms/step" in line and "test accuracy 0.9" in line for line in lines)


def test_summary_json_has_every_table_as_a_list_of_rows(smoke):
    tables = journey.summary(smoke[2])
    for name in TABLES:
        assert isinstance(tables[name], list), name
        assert all(isinstance(row, dict) for row in tables[name]), name
    assert tables["failures"] == []
    measured = [row for row in tables["capacity"] if row["source"] == "measured"]
    assert {row["model"] for row in measured} == {"mlp", "cnn"}
    assert all(row["total_s"] > 0 for row in measured)


def test_the_published_machines_stand_in_the_tables_marked_as_published(smoke):
    tables = journey.summary(smoke[2])
    published = [row for row in tables["capacity"] if "published" in row["source"]]
    assert {281.6, 169.3} <= {round(row["total_s"], 1) for row in published if row["total_s"]}
    markdown = (smoke[2] / "summary.md").read_text()
    assert "2020" in markdown
    assert "rounded" in markdown


def test_the_csv_tables_hold_the_rows_of_the_json(smoke):
    tables = journey.summary(smoke[2])
    for name in TABLES:
        with (smoke[2] / "tables" / f"{name}.csv").open(newline="") as file:
            assert len(list(csv.DictReader(file))) == len(tables[name]), name


def test_the_best_model_has_a_picture_of_its_confusion_matrix(smoke):
    picture = (smoke[2] / "figures" / "confusion.svg").read_text()
    assert "cnn adam 1 ep" in picture
    assert "this|box" in picture


def test_a_label_is_shown_escaped(smoke):
    markdown = (smoke[2] / "summary.md").read_text()
    assert r"this\|box" in markdown
    assert "this|box" not in markdown


def test_every_line_of_the_journal_fits_the_exported_schema(smoke):
    schema = json.loads(Path("docs/journal.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    for line in journey.journals(smoke[2])[0].read_text().splitlines():
        validator.validate(json.loads(line))


def test_a_record_holds_what_the_issue_of_trust_needs(smoke):
    for record in journey.records(journey.journals(smoke[2])[0]):
        measurement = record["measurement"]
        assert record["placed_by"] == "ray"
        assert record["machine"]["cpu_model"]
        assert record["machine"]["memory_total_bytes"] > 2**29
        for package in ("keras", "tensorflow", "numpy", "ray"):
            assert record["machine"]["packages"][package], package
        assert measurement["threads"]["intra_op"] == measurement["threads"]["asked"]
        assert measurement["threads"]["niceness"] == os.getpriority(os.PRIO_PROCESS, 0)
        assert measurement["step_times"]["count"] == 469 * record["job"]["epochs"]
        for epoch in measurement["epochs"]:
            assert epoch["steps"] == 469
            assert epoch["rss_bytes"] > 2**27
            assert epoch["cpu_s"] > 0
        confusion = measurement["evaluations"][-1]["confusion"]["counts"]
        assert sum(map(sum, confusion)) == 10_000
        assert record["conditions"]["rss_peak_bytes"] > 2**27


def test_the_child_s_runtime_says_how_its_framework_was_built(smoke):
    for record in journey.records(journey.journals(smoke[2])[0]):
        assert record["runtime"]["frameworks"]["tensorflow"]["oneDNN"] in {"yes", "no"}
        assert record["runtime"]["thread_pools"] is not None


def test_a_job_run_bare_and_by_ray_gives_bit_identical_weights(smoke, data_environment):
    """Whatever places it, the same job is the same job."""
    words = ["--grid", "smoke", "--models", "mlp", "--list", "--json"]
    code, listed = journey.run(*words, **data_environment)
    assert code == 0, listed
    assert json.loads(listed)["measure_ceilings"] is False, "none were asked for"
    words = [sys.executable, "-m", "bench.child.entry", "-", "-"]
    child = subprocess.run(words, input=listed, capture_output=True, text=True, timeout=300)
    assert child.returncode == 0, child.stderr
    bare = json.loads(child.stdout)
    (by_ray,) = (
        record
        for record in journey.records(journey.journals(smoke[2])[0])
        if record["job_id"] == bare["job_id"]
    )
    assert by_ray["measurement"]["digests"] == bare["measurement"]["digests"]
    assert (by_ray["placed_by"], bare["placed_by"]) == ("ray", "bare")


def test_ray_listens_on_loopback_alone(smoke):
    assert smoke[3]["open ports"], "no listening socket was seen at all"
    assert all(ip.endswith("127.0.0.1") or ip == "::1" for ip in smoke[3]["open ports"])


def test_ray_does_not_lower_the_priority_of_a_job(smoke):
    assert smoke[3]["child priority"] == os.getpriority(os.PRIO_PROCESS, 0)


def test_nothing_is_left_running(smoke):
    gone = [pid for pid in smoke[3]["processes"] if not psutil.pid_exists(pid)]
    assert gone == smoke[3]["processes"]


def test_the_report_is_written_again_from_the_journal_without_measuring(smoke, tmp_path):
    journal = journey.journals(smoke[2])[0]
    words = [sys.executable, "-m", "mnist_bench.report", str(journal), "--out", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    for name in TABLES:
        assert journey.summary(tmp_path)[name] == journey.summary(smoke[2])[name], name


def test_two_journals_stand_side_by_side_under_their_labels(smoke, tmp_path):
    journal = str(journey.journals(smoke[2])[0])
    words = [sys.executable, "-m", "mnist_bench.report", journal, journal]
    words += ["--label", "desk", "--label", "rack", "--out", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    tables = journey.summary(tmp_path)
    measured = {r["machine"] for r in tables["capacity"] if r["source"] == "measured"}
    assert measured == {"desk", "rack"}
    ratios = [row["speed_p10"] for row in tables["comparison"]]
    assert ratios
    assert all(ratio == pytest.approx(1.0) for ratio in ratios)
