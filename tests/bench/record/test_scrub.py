"""A shared journal tells how fast machines are, and not whose they are."""

from __future__ import annotations

import dataclasses
import json
import typing
from dataclasses import replace

import pytest
from builders import (
    a_job,
    a_measurement,
    a_record,
    a_run,
    an_evaluation,
    digest,
    facts,
    watched,
)
from command_line import run_command
from conftest import ROOT
from jsonschema import Draft202012Validator
from pydantic import BaseModel
from reporting import report_of, table
from sittings_on_disk import a_sitting, machine, write

from bench.app.commands.schema import KINDS
from bench.app.named_runs import named_runs
from bench.errors import RequestError
from bench.record.conditions import Conditions, ForeignProcess, Interference, LookRecord
from bench.record.confusion import Confusion
from bench.record.facts import GpuFacts, MachineFacts, RuntimeFacts
from bench.record.failure import Failure
from bench.record.lines import (
    ClusterEntry,
    MachineEntry,
    OutOfTime,
    ReportEntry,
    SeriesPlace,
    Skip,
)
from bench.record.measurement import ThreadFacts
from bench.record.price import PriceRule
from bench.record.scrub import Scrubber, names_of
from bench.record.shared_fields import SHARED

SECRET = "s3cr3t"

#: Lines and parts of lines that `share` does not write.
NOT_OF_A_SHARE = (ClusterEntry, ReportEntry, ForeignProcess)

#: A text as nobody may see it: a path of a user, a host, and an address.
TEXT = f"/home/{SECRET}/run.py on {SECRET}.example said no"


def scrubber(**changes):
    fields = {
        "labels": {"desk": "desk", "rack": "rack"},
        "grids": frozenset({"quick"}),
        "variables": frozenset({"OMP_NUM_THREADS", "LD_PRELOAD", "CUDA_VISIBLE_DEVICES"}),
    }
    return Scrubber(SHARED, **{**fields, **changes})


def shared_types():
    """Return every type of record that a line of a journal may hold, but a cluster's line."""
    found = {}

    def visit(kind):
        for part in typing.get_args(kind):
            visit(part)
        is_record = isinstance(kind, type) and (
            issubclass(kind, BaseModel) or dataclasses.is_dataclass(kind)
        )
        if is_record and kind not in found and kind not in NOT_OF_A_SHARE:
            found[kind] = names_of(kind)
            for hint in typing.get_type_hints(kind).values():
                visit(hint)

    for kind in KINDS:
        visit(kind)
    return found


def test_somebody_has_decided_on_every_field_of_the_schema():
    types = shared_types()
    assert len(types) > 25
    assert types.keys() == SHARED.keys()
    for kind, names in types.items():
        assert set(SHARED[kind]) == set(names), kind.__name__


def test_a_field_that_nobody_decided_on_is_not_shared():
    rules = {name: rule for name, rule in SHARED[MachineFacts].items() if name != "os"}
    run = a_run([a_record(a_job(), a_measurement([[0.2, 0.1]] * 2), label="desk")])
    whole, less = (
        Scrubber(known, labels={"desk": "desk"}).run(run)[1].machine
        for known in (SHARED, {**SHARED, MachineFacts: rules})
    )
    assert whole.os == "Planted Linux"
    assert less.os is None


def secret_run():
    """Return a run that holds something private wherever a text can stand."""
    serial = "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6"
    own = facts(
        host_hash=digest("host")[:16],
        boot_hash=digest("boot")[:16],
        host_name=f"{SECRET}-host",
        kernel=f"6.1.0-{SECRET}",
        environment={
            "OMP_NUM_THREADS": "2",
            "LD_PRELOAD": f"/home/{SECRET}/lib.so",
            "CUDA_VISIBLE_DEVICES": serial,
            f"VARIABLE_OF_{SECRET}": "1",
        },
        packages={"keras": "3.10.0", "own": f"1.0 @ file:///home/{SECRET}/own"},
        unknown={"gpu_driver": TEXT},
        gpus=(GpuFacts(index=0, model="GPU", uuid_hash=digest("gpu")[:16], unknown={"mig": TEXT}),),
    )
    seen = Interference(wall_s=1.0, flag="disturbed", causes=("other processes (0.3 CPUs)",))
    confusion = Confusion(classes=("a", "b"), counts=((3, 1), (0, 4)))
    process = ForeignProcess(pid=1, name=f"{SECRET}-app", cpus=0.3)
    measured = a_record(
        a_job(seed=1),
        a_measurement(
            [[0.2, 0.1]] * 2,
            notes=(TEXT,),
            threads=ThreadFacts(asked=2, environment={"LD_PRELOAD": TEXT, "OMP_NUM_THREADS": "2"}),
            versions={"keras": f"1 from /home/{SECRET}"},
            evaluations=[an_evaluation(2, 1.0, confusion=confusion)],
        ),
        label="desk",
        machine=own,
        conditions=Conditions(
            period_s=0.1,
            samples=1,
            rss_peak_bytes=None,
            whole=seen,
            foreign_processes=(process,),
            unknown={"RAPL": TEXT},
        ),
        runtime=RuntimeFacts(
            frameworks={"keras": {"built in": f"/home/{SECRET}/build"}}, unknown={"x": TEXT}
        ),
    )
    failed = a_record(
        a_job(seed=2),
        Failure(
            reason="exception",
            message=TEXT,
            exception=f"{SECRET}.Error",
            traceback=TEXT,
            log_tail=TEXT,
        ),
        label="desk",
        machine=own,
    )
    look = LookRecord(
        quiet=False,
        words=f"the machine is not quiet: close {SECRET}-app (pid 1)",
        seen=seen,
        busiest=(process,),
    )
    run = a_run(
        [measured, failed],
        look=look,
        skipped=(Skip(job=a_job(seed=3), reason=TEXT),),
        command=f"mnist-bench run --data /home/{SECRET}/x.npz",
        grid=f"{SECRET}-grid",
        dataset_source=f"/home/{SECRET}/x.npz",
        dataset_note=TEXT,
        prices=(
            PriceRule(label="desk", usd_per_hour=1, source=TEXT, date="2026"),
            PriceRule(label=f"{SECRET}-node", usd_per_hour=2, source=TEXT, date="2026"),
        ),
        series=SeriesPlace(series_id=f"{SECRET}-series", number=1, of=3),
        request_digest=digest(SECRET),
    )
    gone = MachineEntry(run_id="run-1", label="rack", reason=TEXT, host_type=f"{SECRET}-type")
    cluster = ClusterEntry(run_id="run-1", cluster=SECRET, job=SECRET, at="2026-11-01T10:00:00Z")
    late = OutOfTime(run_id="run-1", label="desk", jobs=())
    entry = run.machines[0].model_copy(update={"usd_source": TEXT, "usd_per_hour": 1.0})
    return dataclasses.replace(
        run, machines=(entry, gone), clusters=(cluster,), ends=(late,), warnings=(TEXT,)
    )


def test_nothing_private_is_left_in_any_line():
    run = secret_run()
    assert SECRET in run.header.model_dump_json()
    scrub = scrubber()
    lines = [line.model_dump_json() for line in scrub.run(run)]
    assert len(lines) == 6  # the header, two machines, two records and an end
    text = "\n".join(lines)
    own = run.records[0].machine
    private = [SECRET, "/home", "8932f937", own.machine_id, own.host_hash, own.boot_hash]
    private += [own.gpus[0].uuid_hash, run.header.request_digest, '"run-1"']
    assert [word for word in private if word in text] == []


def test_what_a_comparison_needs_is_left():
    _, entry, _, measured, failed, _ = scrubber().run(secret_run())
    machine_facts = measured.machine
    assert machine_facts.environment["OMP_NUM_THREADS"] == "2"
    assert machine_facts.environment["LD_PRELOAD"].startswith("hidden-")
    assert len(machine_facts.environment) == 4
    assert machine_facts.kernel == "6.1.0"
    assert machine_facts.cpu_model == "Planted CPU"
    assert machine_facts.gpus[0].model == "GPU"
    assert machine_facts.unknown == {"gpu_driver": "not shared"}
    assert measured.conditions.whole.causes == ("other processes (0.3 CPUs)",)
    assert measured.measurement.step_times == secret_run().records[0].measurement.step_times
    assert (entry.look.quiet, entry.look.words) == (False, "the machine is not quiet")
    assert (failed.failure.reason, failed.failure.message) == ("exception", "not shared")
    assert failed.failure.exception is None
    assert entry.usd_per_hour == 1.0
    assert measured.measurement.final.confusion.counts == ((3, 1), (0, 4))


def test_every_kind_of_removed_value_is_told():
    scrub = scrubber()
    scrub.run(secret_run())
    assert set(scrub.removed) == {
        *("ids", "serials", "runs", "host names", "commands", "data sources", "notes", "reasons"),
        *("failures", "variables", "processes", "clusters", "kernels", "grids", "prices", "paths"),
        "lines",
    }
    assert scrub.removed["processes"] == {f"{SECRET}-app"}
    assert {name.split("=")[0] for name in scrub.removed["variables"]} == {
        *("LD_PRELOAD", "CUDA_VISIBLE_DEVICES", f"VARIABLE_OF_{SECRET}")
    }


def test_the_name_of_an_exception_of_python_is_shared_and_no_other_one():
    failures = [
        Failure(reason="exception", message="m", exception=name)
        for name in ("MemoryError", "acme.Error", "print")
    ]
    kept = [scrubber().fields(failure).exception for failure in failures]
    assert kept == ["MemoryError", None, None]


@pytest.mark.parametrize("change", [{"model": "/home/me/net.h5"}, {"dataset": "~/mine"}])
def test_a_job_whose_axis_or_data_is_a_path_is_refused(change):
    job = a_job().model_copy(
        update={"dataset": change["dataset"]}
        if "dataset" in change
        else {"axes": {**a_job().axes, **change}}
    )
    run = a_run([a_record(job, a_measurement([[0.2, 0.1]] * 2), label="desk")])
    with pytest.raises(RequestError, match="is a path"):
        scrubber().run(run)


def test_a_path_in_a_job_for_ceilings_that_has_no_record_is_refused():
    run = a_run([a_record(a_job(), a_measurement([[0.2, 0.1]] * 2), label="desk")])
    bare = a_job().model_copy(update={"axes": {**a_job().axes, "backend": "/home/me/lib.so"}})
    machines = tuple(one.model_copy(update={"ceiling_jobs": (bare,)}) for one in run.machines)
    assert machines
    with pytest.raises(RequestError, match="is a path"):
        scrubber().run(replace(run, machines=machines))


def test_an_id_of_facts_that_were_not_all_read_still_says_so():
    run = a_run(
        [a_record(a_job(), a_measurement([[0.2, 0.1]]), machine=facts(machine_id="unknown-ab"))]
    )
    shared = scrubber().run(run)[1].machine.machine_id
    assert shared.startswith("unknown-")
    assert not shared.endswith("-ab")


STEPS = {"mlp": 0.004, "cnn": 0.020}

#: Keys of rows that hold ids, which a share replaces.
IDS = {"machine_key", "machine_id", "run_id", "run", "host_hash", "boot_hash", "why"}


@pytest.fixture
def folder(tmp_path):
    """A folder of reports: a machine of three sittings, and two machines with one label."""
    runs = [
        *(a_sitting("desk", STEPS, hour=hour, jobs=2) for hour in (0, 1, 2)),
        a_sitting("rack", {name: step / 2 for name, step in STEPS.items()}, hour=3),
        a_sitting("rack", STEPS, hour=4, machine_facts=machine("other rack")),
    ]
    return write(tmp_path / "reports", runs)


def share(folder, *words):
    return run_command(["share", str(folder / "journals"), *words])


def times(folder, name):
    """Return the rows of a table of the report of a folder, without ids."""
    runs = [run for one in named_runs((folder,), folder) for run in one.runs]
    return [
        {key: value for key, value in row.items() if key not in IDS}
        for row in table(report_of(runs), name).rows
    ]


@pytest.mark.parametrize(
    "name",
    ["ranking", "comparison", "capacity", "sittings", "limits", "memory", "quality", "epochs"],
)
def test_the_report_of_shared_journals_shows_the_same_figures(folder, tmp_path, name):
    assert share(folder, "--out", str(tmp_path / "sent")) == 0
    before, after = times(folder, name), times(tmp_path / "sent", name)
    assert len(before) > 2
    assert after == before


def test_machines_stay_apart_and_one_machine_stays_one(folder, tmp_path, capsys):
    ids = []
    for place in ("first", "second"):
        assert share(folder, "--out", str(tmp_path / place)) == 0
        runs = [run for one in named_runs((tmp_path / place,), folder) for run in one.runs]
        ids.append([run.records[0].machine.machine_id for run in runs])
    old = {machine(name).machine_id for name in ("desk", "rack", "other rack")}
    for found in ids:
        assert len(set(found)) == 3
        assert len(set(found[:3])) == 1
        assert not set(found) & old
    assert not set(ids[0]) & set(ids[1]), "the salt is drawn anew each time"
    assert "3 ids of machines" not in capsys.readouterr().out  # there are six with their hosts


def test_the_shared_lines_are_lines_of_a_journal(folder, tmp_path):
    assert share(folder, "--out", str(tmp_path / "sent")) == 0
    schema = json.loads((ROOT / "docs" / "journal.schema.json").read_text())
    check = Draft202012Validator(schema)
    lines = [
        line
        for path in (tmp_path / "sent").glob("*.jsonl")
        for line in path.read_text().splitlines()
    ]
    assert len(lines) == 5 + 5 + 3 * 4 + 2 * 2
    for line in lines:
        check.validate(json.loads(line))


def test_labels_are_replaced_in_turn_and_a_left_out_machine_is_not_named(folder, tmp_path, capsys):
    out = tmp_path / "sent"
    assert share(folder, "--out", str(out), "--as", "A", "--as", "B") == 0
    labels = {run.header.label for one in named_runs((out,), out) for run in one.runs}
    assert labels == {"A", "B"}
    only = tmp_path / "only"
    assert share(folder, "--out", str(only), "--only", "desk") == 0
    text = "".join(path.read_text() for path in only.glob("*.jsonl"))
    assert "rack" not in text
    assert "desk" in text
    printed = capsys.readouterr().out
    assert "1 command line\n" in printed
    assert "The label desk can be read; --as NAME replaces a label." in printed


def test_one_run_becomes_one_file(folder, tmp_path):
    (first, *_) = sorted((folder / "journals").glob("*.jsonl"))
    assert run_command(["share", str(first), "--out", str(tmp_path / "one.jsonl")]) == 0
    ((run,),) = [one.runs for one in named_runs((tmp_path / "one.jsonl",), tmp_path)]
    assert run.header.grid == "own"
    assert run.warnings == ()
    assert run.header.command == "not shared"


@pytest.mark.parametrize(
    ("words", "answers"),
    [
        (["--out", "x.jsonl"], ["a journal holds one run", "--out x"]),
        (["--out", "taken.txt"], ["is a file that is no journal"]),
        (["--out", "new", "--as", "A"], ["--as 1 times, for desk, rack"]),
        (["--out", "new", "--as", "A", "--as", "A"], ["a name of its own"]),
        (["--out", "new", "--only", "dsek"], ["did you mean desk?"]),
        ([], ["Missing option '--out'"]),
    ],
    ids=str,
)
def test_a_wrong_request_is_refused_and_nothing_is_written(
    folder, tmp_path, monkeypatch, capsys, words, answers
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    assert share(folder, *words) == 2
    printed = capsys.readouterr()
    assert [answer for answer in answers if answer not in printed.err] == []
    assert sorted(tmp_path.rglob("*")) == before


def test_a_journal_is_never_overwritten(folder, capsys):
    (first, *_) = sorted((folder / "journals").glob("*.jsonl"))
    before = first.read_text()
    assert run_command(["share", str(first), "--out", str(first)]) == 2
    assert "never overwritten" in capsys.readouterr().err
    assert first.read_text() == before


def test_a_folder_that_cannot_be_written_ends_with_code_1(folder, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert share(folder, "--out", str(tmp_path / "file" / "sent")) == 1
    assert "cannot write" in capsys.readouterr().err


def test_no_journal_is_a_clear_error(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run_command(["share", "--out", "sent"]) == 2
    assert "there is no journal yet" in capsys.readouterr().err


def test_a_label_that_holds_this_user_s_name_is_warned_of(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("USER", "alice")
    words = ["--out", str(tmp_path / "sent"), "--only", "desk", "--as", "Alice's desk"]
    assert share(folder, *words) == 0
    assert "warning: the label Alice's desk holds this user's name" in capsys.readouterr().out


def test_a_quiet_look_and_conditions_keep_their_figures():
    seen = watched("quiet", steal_share=0.01)["conditions"]
    assert scrubber().fields(seen) == seen
