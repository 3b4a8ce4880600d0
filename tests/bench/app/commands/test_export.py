"""`mnist-bench export`: the real programs read what it writes, and find the figures that we do."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from builders import a_job, a_measurement, a_record, a_run, watched
from command_line import run_command
from junitparser import Error, JUnitXml, Skipped
from junitparser import Failure as Failed
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from sittings_on_disk import CELLS, FIRST, a_sitting, machine, write

from bench.record.failure import REASONS, Failure
from bench.record.journal import Journal
from bench.record.lines import MachineEntry, OutOfTime, Skip

LAST = "bench_last_job_timestamp_seconds"

STEPS = {"mlp": 0.004, "cnn": 0.020}

#: A label that breaks what does not escape it.
HOSTILE = '<script>"a"&b\\\n]]>\u202e|x'


@pytest.fixture
def folder(tmp_path):
    """A folder of reports with desk, and with rack, which is twice as fast."""
    runs = [a_sitting("desk", STEPS, hour=hour, jobs=2) for hour in (0, 1, 2)]
    fast = {name: step / 2 for name, step in STEPS.items()}
    runs += [a_sitting("rack", fast, hour=hour + 0.5) for hour in (0, 1, 2)]
    return write(tmp_path / "reports", runs)


def export(folder, form, *words):
    return run_command(["export", str(folder / "journals"), "--format", form, *words])


def pyperf(*words):
    """Run the real pyperf; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "pyperf", *map(str, words)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_pyperf_compares_two_machines_kind_by_kind(folder, tmp_path):
    out = tmp_path / "perf"
    assert export(folder, "pyperf", "--out", str(out)) == 0
    assert sorted(path.name for path in out.iterdir()) == ["desk.json", "rack.json"]
    text = pyperf("compare_to", out / "desk.json", out / "rack.json", "--table")
    rows = {
        cells[1]: cells[2:4]
        for line in text.splitlines()
        if len(cells := [cell.strip() for cell in line.split("|")]) > 4
    }
    assert rows["mlp-sgd-e2-mnist"] == ["4.00 ms", "2.00 ms: 2.00x faster"]
    assert rows["cnn-adam-e2-mnist"][1].endswith(": 2.00x faster")


def test_pyperf_shows_a_run_for_each_job_and_a_warm_up_epoch(folder, tmp_path, capsys):
    file = tmp_path / "desk.json"
    assert export(folder, "pyperf", "--only", "desk", "--out", str(file)) == 0
    text = pyperf("stats", file)
    assert "Number of benchmarks: 2" in text
    part = text.partition("cnn-adam-e2-mnist")[2]
    assert "Total number of run: 6" in part
    assert "Number of warmup per run: 1" in part
    assert "Mean +- std dev: 20.0 ms +- 0.0 ms" in part
    told = pyperf("metadata", file)
    assert "- cpu_model_name: Planted CPU" in told
    assert "- machine: desk" in told
    assert "- unit: second" in told
    assert pyperf("check", file)


def test_disturbed_jobs_beside_quiet_ones_and_wrongly_trained_kinds_are_left_out(tmp_path):
    runs = [
        a_sitting("desk", STEPS, hour=0, **watched("quiet")),
        a_sitting(
            "desk", {name: 9 * s for name, s in STEPS.items()}, hour=1, **watched("disturbed")
        ),
        a_sitting("desk", {"large": 0.009}, hour=2, diverged=True),
    ]
    file = tmp_path / "desk.json"
    assert export(write(tmp_path, runs), "pyperf", "--out", str(file)) == 0
    found = {one["metadata"]["name"]: one for one in json.loads(file.read_text())["benchmarks"]}
    assert set(found) == {"mlp-sgd-e2-mnist", "cnn-adam-e2-mnist"}
    values = [run["values"] for run in found["mlp-sgd-e2-mnist"]["runs"]]
    assert values == [[pytest.approx(0.004)]]


def test_the_mean_of_pyperf_is_the_mean_step_of_the_report(folder, tmp_path):
    file = tmp_path / "desk.json"
    assert export(folder, "pyperf", "--only", "desk", "--out", str(file)) == 0
    assert run_command(["report", "--out", str(folder)]) == 0
    rows = json.loads((folder / "summary.json").read_text())["capacity"]
    ours = {row["job"]: row["step_mean_ms"] for row in rows if row["machine"] == "desk"}
    for one in json.loads(file.read_text())["benchmarks"]:
        mean = statistics.fmean(value for run in one["runs"] for value in run["values"])
        heads = one["metadata"]["name"].removesuffix("-e2-mnist").replace("-", " ")
        assert ours[f"{heads} 2 ep"] == pytest.approx(1000 * mean)


def test_kinds_of_unlike_data_under_one_name_stay_apart(tmp_path):
    runs = [a_sitting("desk", {"mlp": 0.004}, hour=hour) for hour in (0, 1)]
    measurement = runs[1].records[0].measurement
    digests = measurement.digests.model_copy(update={"data": "0" * 64})
    other = measurement.model_copy(update={"digests": digests})
    record = runs[1].records[0].model_copy(update={"measurement": other})
    runs[1] = replace(runs[1], records=(record,))
    file = tmp_path / "desk.json"
    assert export(write(tmp_path, runs), "pyperf", "--out", str(file)) == 0
    names = [one["metadata"]["name"] for one in json.loads(file.read_text())["benchmarks"]]
    assert len(set(names)) == 2
    assert "mlp-sgd-e2-mnist-00000000" in names
    assert pyperf("stats", file)


def failing_run():
    """Return a run with every outcome that a job may have, and an unavailable machine."""
    ok = a_record(a_job(seed=1), a_measurement([[0.2, 0.1]] * 2), label="desk")
    failures = [
        a_record(
            a_job(seed=10 + number),
            Failure(
                reason=reason,
                message=f"it broke\x00\x1b[31m <&> {reason}",
                traceback="Traceback: ]]> \x07",
            ),
            label="desk",
        )
        for number, reason in enumerate(REASONS)
    ]
    lost = a_record(a_job(seed=2), Failure(reason="lost", message="gone"), label="desk")
    again = a_record(a_job(seed=2), a_measurement([[0.2, 0.1]] * 2), label="desk", attempt=2)
    late, never = a_job(seed=98), a_job(seed=99)
    skip = Skip(job=a_job(seed=3), reason="needs a GPU")
    records = [ok, *failures, lost, again]
    jobs = list({record.job_id: record.job for record in records}.values())
    run = a_run(records, planned=[*jobs, late, never], skipped=(skip,), minutes=5.0)
    gone = MachineEntry(run_id="run-1", label="node", reason="no answer on port 22")
    end = OutOfTime(run_id="run-1", label="desk", jobs=(late.job_id,))
    return replace(run, machines=(*run.machines, gone), ends=(end,))


@pytest.fixture
def failing(tmp_path):
    run = failing_run()
    folder = write(tmp_path / "failing", [run])
    (journal,) = (folder / "journals").glob("*.jsonl")
    for end in run.ends:
        Journal(journal).append(end)
    return folder


def junit(folder, tmp_path):
    """Export to JUnit; return the file as the real parser reads it."""
    file = tmp_path / "junit.xml"
    assert export(folder, "junit", "--out", str(file)) == 0
    return JUnitXml.fromfile(str(file))


def test_junit_has_a_test_case_for_each_job_with_its_time_and_figures(folder, tmp_path):
    found = junit(folder, tmp_path)
    assert (found.tests, found.failures, found.errors, found.skipped) == (18, 0, 0, 0)
    suites = list(found)
    assert len(suites) == 6
    cases = [case for suite in suites for case in suite]
    assert {case.classname for case in cases} == {"mnist.desk", "mnist.rack"}
    assert {case.time for case in cases} == {50.0}
    assert any("mean step 20 ms" in case.system_out for case in cases)
    assert found.time == pytest.approx(18 * 50)


def test_junit_gives_each_failure_its_reason_and_what_to_do(failing, tmp_path):
    found = junit(failing, tmp_path)
    # five reasons are the job's own; the others, a job that never ran, and a machine are errors
    own = {"exception", "crash", "time limit", "diverged", "wrong digest"}
    errors = len(REASONS) - len(own) + 2
    assert (found.failures, found.errors, found.skipped) == (len(own), errors, 2)
    assert found.tests == len(REASONS) + 6
    results = {
        result.type: result
        for suite in found
        for case in suite
        for result in case.result
        if isinstance(result, Failed | Error)
    }
    for reason, row in REASONS.items():
        assert f"Next: {row.advice}." in results[reason].text
        assert results[reason].message.startswith(f"{reason}: it broke??[31m <&>")
        assert isinstance(results[reason], Error) == (reason not in own)
    assert "no answer on port 22" in results["unavailable"].message
    assert "no record" in results["not run"].message
    skipped = [
        result.message
        for suite in found
        for case in suite
        for result in case.result
        if isinstance(result, Skipped)
    ]
    assert any("needs a GPU" in text for text in skipped)
    assert any("5 minutes" in text for text in skipped)


def test_junit_counts_a_job_that_was_measured_later_as_measured(failing, tmp_path):
    cases = [case for suite in junit(failing, tmp_path) for case in suite if "-s2-" in case.name]
    assert [case.is_passed for case in cases] == [True]


def test_junit_shows_a_job_that_trained_wrong_as_a_failure(tmp_path):
    runs = [a_sitting("desk", {"mlp": 0.004}, diverged=True), a_sitting("rack", {"mlp": 0.004})]
    found = junit(write(tmp_path / "reports", runs), tmp_path)
    failed = [case for suite in found for case in suite if not case.is_passed]
    assert [case.classname for case in failed] == ["mnist.desk"]
    assert failed[0].result[0].type == "trained wrong"
    assert "desk trains mlp sgd 2 ep wrong" in failed[0].result[0].message


def openmetrics(folder, capsys):
    """Export to OpenMetrics; return the families as the real parser reads them, by name."""
    capsys.readouterr()
    assert export(folder, "openmetrics") == 0
    text = capsys.readouterr().out
    assert text.endswith("# EOF\n")
    return {family.name: family for family in text_string_to_metric_families(text)}


def test_openmetrics_has_gauges_with_units_and_labels_and_no_timestamps(folder, capsys):
    found = openmetrics(folder, capsys)
    step = found["bench_step_mean_seconds"]
    assert (step.type, step.unit) == ("gauge", "seconds")
    values = {(one.labels["machine"], one.labels["model"]): one.value for one in step.samples}
    assert values == {
        ("desk", "mlp"): pytest.approx(0.004),
        ("desk", "cnn"): pytest.approx(0.020),
        ("rack", "mlp"): pytest.approx(0.002),
        ("rack", "cnn"): pytest.approx(0.010),
    }
    labels = step.samples[0].labels
    assert labels["optimizer"] in {"sgd", "adam"}
    assert labels["batch_size"] == "128"
    assert labels["epochs"] == "2"
    assert labels["as_published"] == "false"
    samples = [one for family in found.values() for one in family.samples]
    assert len(samples) > 60
    assert [one for one in samples if one.timestamp is not None] == []
    assert len({(one.name, *sorted(one.labels.items())) for one in samples}) == len(samples)


def test_openmetrics_brackets_hold_the_estimate_and_speeds_are_beside_the_fastest(folder, capsys):
    found = openmetrics(folder, capsys)
    values = {
        end: [one.value for one in found[f"bench_step_mean{end}_seconds"].samples]
        for end in ("_low", "", "_high")
    }
    for low, estimate, high in zip(*values.values(), strict=True):
        assert low < estimate < high
    speeds = {one.labels["machine"]: one for one in found["bench_speed_ratio"].samples}
    assert set(speeds) == {"desk"}
    assert speeds["desk"].labels["baseline"] == "rack"
    assert speeds["desk"].value == pytest.approx(0.5)
    assert [one.value for one in found["bench_sittings"].samples] == [3, 3]
    ended = {one.labels["machine"]: one.value for one in found[LAST].samples}
    assert ended["desk"] == (FIRST + timedelta(hours=2, minutes=3, seconds=50)).timestamp()


def test_openmetrics_counts_the_jobs_by_what_became_of_them(failing, capsys):
    found = openmetrics(failing, capsys)
    counts = {one.labels["outcome"]: one.value for one in found["bench_jobs"].samples}
    assert counts == {
        "measured": 2,
        "failed": len(REASONS),
        "not_run": 1,
        "skipped": 1,
        "no_time": 1,
    }


@pytest.mark.parametrize("form", ["pyperf", "junit", "openmetrics"])
def test_text_from_a_machine_breaks_no_file(tmp_path, capsys, form):
    run = a_sitting(HOSTILE, STEPS, machine_facts=machine("x", cpu_model=HOSTILE))
    run = replace(run, header=run.header.model_copy(update={"run_id": "r", "label": HOSTILE}))
    folder = tmp_path / "reports"
    records = tuple(one.model_copy(update={"run_id": "r"}) for one in run.records)
    entries = tuple(one.model_copy(update={"run_id": "r"}) for one in run.machines)
    write(folder, [replace(run, records=records, machines=entries)])
    file = tmp_path / "file.json"
    assert export(folder, form, "--out", str(file)) == 0
    if form == "pyperf":
        assert "script" in pyperf("metadata", file)
    elif form == "junit":
        (suite,) = JUnitXml.fromfile(str(file))
        assert next(iter(suite)).classname.startswith('mnist.<script>"a"&b\\')
    else:
        families = list(text_string_to_metric_families(file.read_text()))
        step = next(one for one in families if one.name == "bench_step_mean_seconds")
        assert step.samples[0].labels["machine"] == HOSTILE


@pytest.mark.parametrize(
    ("words", "answers"),
    [
        (["--format", "pypref"], ["'pypref' is unknown", "did you mean pyperf?"]),
        ([], ["Missing option '--format'"]),
        (["--format", "pyperf"], ["holds one machine", "desk, rack", "--only 'desk'"]),
        (["--format", "pyperf", "--out", "a.json"], ["holds one machine"]),
        (["--format", "junit", "--out", "reports"], ["reports is a folder", "name a file"]),
        (["--format", "openmetrics", "--out", "reports"], ["reports is a folder"]),
        (["--format", "junit", "--only", "dekc"], ["did you mean desk?"]),
        (["nowhere.jsonl", "--format", "junit"], ["cannot read the journal nowhere.jsonl"]),
        (["empty", "--format", "junit"], ["no journal in this folder"]),
    ],
    ids=str,
)
def test_a_wrong_request_is_refused(folder, tmp_path, monkeypatch, capsys, words, answers):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    assert run_command(["export", *words]) == 2
    printed = capsys.readouterr()
    assert [answer for answer in answers if answer not in printed.err] == []
    assert printed.out == ""


def test_a_file_that_cannot_be_written_ends_with_code_1(folder, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert export(folder, "junit", "--out", str(tmp_path / "file" / "x.xml")) == 1
    assert "cannot write" in capsys.readouterr().err


def test_journals_without_a_measured_job_give_no_pyperf_file(tmp_path, capsys):
    run = a_run([a_record(a_job(), Failure(reason="crash", message="gone"), label="desk")])
    assert export(write(tmp_path / "reports", [run]), "pyperf") == 2
    assert "no job of these journals gave a mean step" in capsys.readouterr().err


def test_machines_whose_names_differ_in_no_letter_of_a_file_get_two_files(tmp_path):
    runs = [a_sitting("a/b", STEPS), a_sitting("a b", STEPS, hour=1)]
    for number, run in enumerate(runs):
        change = {"run_id": f"r{number}"}
        runs[number] = replace(
            run,
            header=run.header.model_copy(update=change),
            records=tuple(one.model_copy(update=change) for one in run.records),
            machines=tuple(one.model_copy(update=change) for one in run.machines),
        )
    out = tmp_path / "perf"
    assert export(write(tmp_path / "reports", runs), "pyperf", "--out", str(out)) == 0
    assert sorted(path.name for path in out.iterdir()) == ["a-b-2.json", "a-b.json"]


def test_a_batch_that_is_not_the_default_stands_in_the_name(tmp_path):
    assert CELLS["large"]["batch_size"] == 512
    folder = write(tmp_path / "reports", [a_sitting("desk", {"large": 0.009})])
    file = tmp_path / "desk.json"
    assert export(folder, "pyperf", "--out", str(file)) == 0
    (one,) = json.loads(file.read_text())["benchmarks"]
    assert one["metadata"]["name"] == "mlp-sgd-e2-b512-mnist"


@pytest.mark.parametrize(
    "words", [("export", "--format", "junit"), ("share",), ("report", "--no-figures")]
)
def test_a_path_that_could_control_the_terminal_is_printed_with_code_points(
    folder, tmp_path, capsys, words
):
    out = tmp_path / "odd\x1b[2J\u202e"
    file = out / "all.xml" if "export" in words else out
    command, *options = words
    assert run_command([command, str(folder / "journals"), *options, "--out", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "oddU+001B[2JU+202E" in printed
    assert not {"\x1b", "\u202e"} & set(printed)
    assert any(out.iterdir())
