"""`mnist-bench machine` and `machines diff`: readable, as JSON, without a framework's import."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile

import pytest
from builders import a_job, a_measurement, a_record, a_run, facts
from command_line import run_command
from conftest import ROOT

from bench.app.facts_text import sections
from bench.probe.machine import SUBJECTS, all_facts
from bench.record.facts import MachineFacts
from bench.record.journal import Journal
from bench.record.lines import MachineEntry
from bench.report.words.facts import field_words


def test_every_fact_has_its_line_with_a_value_or_a_reason(capsys):
    assert run_command(["machine"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = " ".join(line[:28].strip() for line in lines)
    assert [f.name for f in all_facts() if field_words(f.name) not in names] == []
    assert [title for title in (subject.TITLE for subject in SUBJECTS) if title not in lines] == []
    for line in lines:
        assert line.strip() not in {"None", "n/a"}
        assert len(line) <= 102


def test_facts_unknown_for_one_reason_share_their_lines():
    unknown = {"cpu_max_hz": "no driver", "cpu_governor": "no driver", "cpu_boost": "no driver"}
    found = facts(unknown=unknown, cpu_now_hz=2.0e9)
    rows = dict(dict(sections(found))["CPU"])
    assert rows["CPU governor, CPU boost"] == "n/a (no driver)"
    assert rows["CPU now"] == "2.00 GHz"


def test_what_is_open_of_the_cpu_s_weaknesses_is_named():
    stated = {"meltdown": "Mitigation: PTI", "mds": "Vulnerable: no microcode", "x": "Unknown: y"}
    rows = dict(dict(sections(facts(mitigations=stated)))["Software"])
    assert rows["mitigations"] == "1 in force; open: mds, x"


@pytest.mark.slow
def test_a_look_says_whether_the_machine_is_quiet(capsys):
    assert run_command(["machine", "--look"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(("the machine is quiet (other", "the machine is not quiet: "))


def test_the_json_is_the_record_of_a_journal(capsys):
    assert run_command(["machine", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    document.pop("price")  # what an hour costs is no fact
    assert MachineFacts.model_validate(document).logical_cores > 0


def test_a_price_is_shown_with_source_and_date(capsys):
    assert run_command(["machine", "--price", "0.25"]) == 0
    assert "0.25 USD (--price, 20" in capsys.readouterr().out


def test_a_host_name_is_shown_only_if_the_user_asks_for_it(capsys):
    assert run_command(["machine", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["host_name"] is None
    assert run_command(["machine", "--json", "--show-hostnames"]) == 0
    assert json.loads(capsys.readouterr().out)["host_name"]


def test_no_framework_is_imported_unless_it_is_asked_for():
    source = (
        "import sys\nfrom mnist_bench.cli import main\nmain(['machine'])\n"
        "print(sorted({'tensorflow', 'keras', 'jax', 'torch', 'ray', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.slow
def test_frameworks_say_how_they_were_built_where_that_is_asked_for():
    done = subprocess.run(
        [sys.executable, "-m", "mnist_bench", "machine", "--json", "--frameworks"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    runtime = json.loads(done.stdout)["runtime"]
    built = runtime["frameworks"]["tensorflow"]
    assert built["oneDNN"] in {"yes", "no"}
    assert built["is_cuda_build"] in {"yes", "no"}
    assert all(pool["threads"] >= 1 for pool in runtime["thread_pools"])


def test_a_collected_machine_is_read_by_its_unpacked_folder(tmp_path, capsys):
    archive = tmp_path / "own.tar.gz"
    assert run_command(["machine", "--collect", str(archive)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{archive} holds ")
    assert "Removed or replaced:" in said
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path / "root", filter="data")
    assert run_command(["machine", "--root", str(tmp_path / "root"), "--json"]) == 0
    there = json.loads(capsys.readouterr().out)
    assert run_command(["machine", "--json"]) == 0
    assert there["machine_type"] == json.loads(capsys.readouterr().out)["machine_type"]
    assert run_command(["machine", "--collect", str(archive)]) == 2
    assert "collecting replaces no file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--root", "{0}"], "it has no folder `proc`"),
        (["--root", "{0}", "--look"], "--root does not go with --look"),
        (["--root", "{0}", "--collect", "x"], "--root does not go with --collect"),
        (["--collect", "x", "--frameworks"], "--collect does not go with --frameworks"),
    ],
)
def test_a_root_that_is_none_and_options_that_exclude_each_other_are_wrong_requests(
    tmp_path, capsys, words, error
):
    assert run_command(["machine", *(word.format(tmp_path) for word in words)]) == 2
    assert error in capsys.readouterr().err


@pytest.fixture
def saved(tmp_path):
    """Write facts as `machine --json` prints them; return the path."""

    def save(name, **changes):
        path = tmp_path / name
        path.write_text(facts(**changes).model_dump_json())
        return str(path)

    return save


def test_machines_whose_types_were_not_read_are_not_said_to_be_of_two_types(saved, capsys):
    left = saved("a.json", machine_type=None, machine_id="a")
    right = saved("b.json", machine_type=None, machine_id="b")
    assert run_command(["machines", "diff", left, right]) == 0
    found = "two machines, perhaps of one type: facts that tell a type are missing\n"
    assert capsys.readouterr().out.endswith(found)


def test_two_machines_are_set_side_by_side(saved, capsys):
    left = saved("a.json", machine_type="t", machine_id="a", kernel="6.1", boot_hash="c")
    right = saved("b.json", machine_type="t", machine_id="b", kernel="6.2", boot_hash="d")
    assert run_command(["machines", "diff", left, right]) == 0
    out = capsys.readouterr().out
    assert "kernel\n  A: 6.1\n  B: 6.2\n" in out
    assert out.endswith("2 fields differ; two machines of one type\n")
    assert run_command(["machines", "diff", left, right, "--json"]) == 0
    differ = json.loads(capsys.readouterr().out)["differ"]
    assert differ == {"machine_id": ["a", "b"], "kernel": ["6.1", "6.2"]}


def test_of_lists_and_tables_only_what_differs_is_shown(saved, capsys):
    left = saved(
        "a.json",
        machine_id="a",
        machine_type="s",
        instruction_sets=("AVX", "AVX2"),
        caches_bytes={"L1d": 32768, "L2": 2**20},
        cpu_model="Old",
        swap_total_bytes=None,
        unknown={"swap_total_bytes": "gave no answer"},
        packages={"numpy": "2.0", "torch": None},
    )
    right = saved(
        "b.json",
        machine_id="b",
        machine_type="t",
        instruction_sets=("AVX", "AVX2", "AVX512F"),
        caches_bytes={"L1d": 49152, "L2": 2**20},
        cpu_model="New",
        swap_total_bytes=2**30,
        packages={"numpy": "2.0", "torch": "2.9"},
    )
    assert run_command(["machines", "diff", left, right]) == 0
    out = capsys.readouterr().out
    assert "sets\n  A: only here: none\n  B: only here: AVX512F\n" in out
    assert "caches\n  A: L1d 32 KiB\n  B: L1d 48 KiB\n" in out
    assert "swap total\n  A: n/a (gave no answer)\n  B: 1024 MiB\n" in out
    assert "torch\n  A: not installed\n  B: 2.9\n" in out
    found = "two machines of two types: they differ in CPU model, instruction sets, caches\n"
    assert out.endswith(found)


@pytest.fixture
def two_machines(tmp_path):
    """A journal of a run on two machines, in a folder of reports; return that folder."""
    measured = a_measurement([[1.0, 0.1]])
    here, there = facts(machine_id="a" * 16), facts(machine_id="b" * 16, cpu_model="Other CPU")
    records = [
        a_record(a_job(), measured, machine=here, label="desk"),
        a_record(a_job(), measured, machine=there, label="vm"),
    ]
    run = a_run(records)
    journal = Journal(tmp_path / "reports/journals/20260101T000000Z-run.jsonl")
    journal.create(run.header.model_copy(update={"label": "desk"}))
    for label, machine, own in (("desk", here, True), ("vm", there, False)):
        entry = MachineEntry(run_id=run.header.run_id, label=label, machine=machine, own=own)
        journal.append(entry)
    for record in records:
        journal.append(record)
    return tmp_path / "reports"


@pytest.mark.parametrize(
    ("first", "second"), [("desk", "vm"), ("aaaaaa", "bbbbbb"), ("{0}:desk", "{0}:vm")]
)
def test_machines_of_a_report_are_compared_by_label_id_or_journal(
    two_machines, capsys, first, second
):
    (journal,) = (two_machines / "journals").iterdir()
    names = [name.format(journal) for name in (first, second)]
    assert run_command(["machines", "diff", *names, "--out", str(two_machines)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"A: desk ({journal})\nB: vm ({journal})\n")
    assert "CPU model\n  A: Planted CPU\n  B: Other CPU\n" in out


def test_a_machine_that_is_not_there_is_answered_with_those_that_are(two_machines, capsys):
    assert run_command(["machines", "diff", "desk", "rack", "--out", str(two_machines)]) == 2
    assert "desk, vm" in capsys.readouterr().err
    assert run_command(["machines", "diff", "dask", "vm", "--out", str(two_machines)]) == 2
    assert "did you mean desk?" in capsys.readouterr().err
    (journal,) = (two_machines / "journals").iterdir()
    assert run_command(["machines", "diff", str(journal), "here"]) == 2
    error = capsys.readouterr().err
    assert "holds several machines" in error
    assert f"{journal}:desk" in error
    assert run_command(["machines", "diff", f"{journal}:dask", "here"]) == 2
    assert "did you mean desk?" in capsys.readouterr().err


def test_the_machines_of_a_report_are_listed(two_machines, tmp_path, capsys):
    assert run_command(["machines", "list", "--out", str(two_machines)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("desk: Planted CPU; ")
    assert "\nvm: Other CPU; " in out
    assert out.count(", 1 job measured, last run 20") == 2
    assert run_command(["machines", "list", "--json", "--out", str(two_machines)]) == 0
    assert [row["label"] for row in json.loads(capsys.readouterr().out)] == ["desk", "vm"]
    assert run_command(["machines", "list", "--out", str(tmp_path / "none")]) == 0
    assert "measure first: mnist-bench run\n" in capsys.readouterr().out


def test_a_journal_and_this_machine_can_be_compared(tmp_path, capsys):
    run = a_run([a_record(a_job(), a_measurement([[1.0, 0.1]]))])
    journal = Journal(tmp_path / "run.jsonl")
    journal.create(run.header)
    for line in (*run.machines, *run.records):
        journal.append(line)
    assert run_command(["machines", "diff", str(journal.path), "here"]) == 0
    assert "CPU model\n  A: Planted CPU\n" in capsys.readouterr().out
    assert run_command(["machines", "diff", "here", "here", "--all"]) == 0
    assert "0 fields differ; one machine" in capsys.readouterr().out


@pytest.mark.parametrize("text", [None, "no JSON", "[1]", '{"machine_id": 3}'])
def test_a_file_that_does_not_describe_a_machine_is_a_wrong_request(tmp_path, capsys, text):
    path = tmp_path / "x.json"
    if text is not None:
        path.write_text(text)
    assert run_command(["machines", "diff", str(path), "here"]) == 2
    assert "does not describe a machine" in capsys.readouterr().err


def test_a_wrong_price_is_a_wrong_request_before_anything_runs(capsys):
    assert run_command(["run", "--list", "--dataset", "synthetic", "--price", "cheap"]) == 2
    assert "the price cannot be read" in capsys.readouterr().err


def test_escape_sequences_of_a_machine_reach_no_terminal(saved, capsys):
    left, right = saved("a.json", os="\x1b[31mred"), saved("b.json")
    assert run_command(["machines", "diff", left, right]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_a_price_rule_finds_this_machine_by_the_label_that_it_is_given(tmp_path, capsys):
    rules = tmp_path / "prices.yaml"
    rules.write_text("- {label: desk, usd_per_hour: 0.5, source: contract, date: 2026-11}\n")
    words = ["machine", "--price", str(rules)]
    assert run_command([*words, "--label", "desk"]) == 0
    assert "0.5 USD (contract, 2026-11, " in capsys.readouterr().out
    assert run_command(words) == 0
    assert "contract" not in capsys.readouterr().out


def test_the_json_says_what_an_hour_costs_or_why_that_is_not_known(tmp_path, capsys):
    assert run_command(["machine", "--json", "--price", "0.5"]) == 0
    printed = capsys.readouterr().out
    price = json.loads(printed)["price"]
    assert (price["usd_per_hour"], price["source"], price["reason"]) == (0.5, "--price", None)
    assert len(price["date"]) == 10
    assert run_command(["machine", "--json"]) == 0
    price = json.loads(capsys.readouterr().out)["price"]
    assert (price["usd_per_hour"] is None) == (price["reason"] is not None)
    path = tmp_path / "saved.json"
    path.write_text(printed)
    assert run_command(["machines", "diff", str(path), "here"]) == 0


def test_a_fact_that_an_older_journal_lacks_is_unknown_in_a_diff_and_no_finding(tmp_path, capsys):
    for name, more in (("old", {}), ("new", {"cpu_signature": "family 25", "cpu_quota": 1.5})):
        text = MachineFacts(machine_id=name, **more).model_dump_json()
        (tmp_path / f"{name}.json").write_text(text)
    places = [str(tmp_path / f"{name}.json") for name in ("old", "new")]
    assert run_command(["machines", "diff", *places]) == 0
    said = capsys.readouterr().out
    assert "CPU signature\n  A: n/a (its journal does not say)\n" in said
    assert "CPU quota\n  A: none\n" in said  # no limit is a finding
