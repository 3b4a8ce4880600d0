"""`mnist-bench machine` and `machines diff`: readable, as JSON, without a framework's import."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from builders import a_job, a_measurement, a_record, a_run, facts
from conftest import ROOT

from bench.facts import MachineFacts
from bench.probe import all_facts
from bench.probe.identity import SHOW_VARIABLE
from bench.store import Journal
from mnist_bench.commands import run_command


@pytest.fixture(autouse=True)
def no_names(monkeypatch):
    """Forget a wish for host names that another test made, and ours afterwards."""
    monkeypatch.setenv(SHOW_VARIABLE, "")


def test_every_fact_has_its_line_with_a_value_or_a_reason(capsys):
    assert run_command(["machine"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = {line.split()[0] for line in lines if not line.startswith(" ")}
    assert {fact.name for fact in all_facts()} - names == {"cpu_flags"}
    for line in lines:
        assert line.strip() not in {"None", "n/a"}
        assert len(line) <= 100


def test_the_json_is_the_record_of_a_journal(capsys):
    assert run_command(["machine", "--json"]) == 0
    found = MachineFacts.model_validate_json(capsys.readouterr().out)
    assert found.logical_cores > 0


def test_a_price_is_shown_with_source_and_date(capsys):
    assert run_command(["machine", "--price", "0.25"]) == 0
    assert "0.25 USD (--price, 20" in capsys.readouterr().out


def test_a_host_name_is_shown_where_it_is_asked_for(capsys):
    assert run_command(["machine", "--json", "--show-hostnames"]) == 0
    assert json.loads(capsys.readouterr().out)["host_name"]


def test_no_framework_is_imported_unless_it_is_asked_for():
    source = (
        "import sys\nfrom mnist_bench.commands import run_command\nrun_command(['machine'])\n"
        "print(sorted({'tensorflow', 'keras', 'jax', 'torch', 'ray', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


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


@pytest.fixture
def saved(tmp_path):
    """Write facts as `machine --json` prints them; return the path."""

    def save(name, **changes):
        path = tmp_path / name
        path.write_text(facts(**changes).model_dump_json())
        return str(path)

    return save


def test_two_machines_are_set_side_by_side(saved, capsys):
    left = saved("a.json", machine_type="t", machine_id="a", kernel="6.1")
    right = saved("b.json", machine_type="t", machine_id="b", kernel="6.2")
    assert run_command(["machines", "diff", left, right]) == 0
    out = capsys.readouterr().out
    assert "kernel\n  A: 6.1\n  B: 6.2\n" in out
    assert out.endswith("2 fields differ; two machines of one type\n")


def test_a_journal_and_this_machine_can_be_compared(tmp_path, capsys):
    run = a_run([a_record(a_job(), a_measurement([[1.0, 0.1]]))])
    journal = Journal(tmp_path / "run.jsonl")
    journal.create(run.header)
    for record in run.records:
        journal.append(record)
    assert run_command(["machines", "diff", str(journal.path), "here"]) == 0
    assert "cpu_model\n  A: Planted CPU\n" in capsys.readouterr().out
    assert run_command(["machines", "diff", "here", "here", "--all"]) == 0
    assert "0 fields differ; one machine" in capsys.readouterr().out


@pytest.mark.parametrize("text", [None, "no JSON", "[1]", '{"machine_id": 3}'])
def test_a_file_that_tells_of_no_machine_is_a_wrong_request(tmp_path, capsys, text):
    path = tmp_path / "x.json"
    if text is not None:
        path.write_text(text)
    assert run_command(["machines", "diff", str(path), "here"]) == 2
    assert "tells of no machine" in capsys.readouterr().err


def test_a_wrong_price_is_a_wrong_request_before_anything_runs(capsys):
    assert run_command(["run", "--list", "--dataset", "synthetic", "--price", "cheap"]) == 2
    assert "the price cannot be read" in capsys.readouterr().err


def test_escape_sequences_of_a_machine_reach_no_terminal(saved, capsys):
    left, right = saved("a.json", os="\x1b[31mred"), saved("b.json")
    assert run_command(["machines", "diff", left, right]) == 0
    assert "\x1b" not in capsys.readouterr().out
