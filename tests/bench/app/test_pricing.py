"""`--price` of a report and of a run that is taken up: it goes before the journal's own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from builders import a_job, a_measurement, a_record, a_run, facts
from command_line import run_command
from conftest import ROOT
from sealing import cut_last_record
from toy_runs import look_shortly, toy_words

from bench.app import pricing
from bench.cluster import prices
from bench.errors import RequestError
from bench.record.journal import Journal
from bench.record.lines import MachineEntry
from bench.record.price import read_rules

pytestmark = pytest.mark.slow

MEASURED = a_measurement([[1.0, 0.01]], total_s=36.0)
DESK, NODE = facts(machine_id="desk"), facts(machine_id="node")


def written(path, *machines, price=None, nodes=()):
    """Write a journal of one job on each machine, given by label; return its path.

    `nodes` are those of the machines that are a cluster's.
    """
    run_id = path.stem
    records = [a_record(a_job(), MEASURED, label=m, machine=f, run_id=run_id) for m, f in machines]
    prices = read_rules(price) if price else ()
    run = a_run(records, run_id=run_id, prices=prices)
    journal = Journal(path)
    journal.create(run.header)
    for label, machine in machines:
        own = (label, machine) not in nodes
        fields = {"run_id": run_id, "label": label, "machine": machine, "own": own}
        journal.append(MachineEntry(**fields, jobs=(a_job().job_id,)))
    for record in records:
        journal.append(record)
    return str(path)


def costs(out):
    """Return hour's price and source by machine, as the report in `out` has them."""
    table = json.loads((out / "summary.json").read_text())["cost"]
    return {row["machine"]: (row["usd_per_hour"], row["price_source"]) for row in table}


def a_priced_run(label="desk", price=None, **changes):
    record = a_record(a_job(), MEASURED, label=label, machine=DESK, run_id=f"run-{label}")
    return a_run([record], prices=read_rules(price) if price else (), **changes)


def test_rules_that_say_nothing_new_leave_a_run_as_it_is():
    run = a_priced_run(price="0.5")
    assert pricing.repriced(run, ()) is run
    assert pricing.repriced(run, read_rules("0.5")) is run
    assert pricing.repriced(run, read_rules("0.6")).header.prices[0].usd_per_hour == 0.6
    assert run.header.prices[0].usd_per_hour == 0.5


def test_a_bare_price_of_a_report_is_given_to_its_one_machine_by_name():
    (run,) = pricing.repriced_report([a_priced_run()], read_rules("2"))
    assert [(rule.label, rule.usd_per_hour) for rule in run.header.prices] == [("desk", 2)]
    with pytest.raises(RequestError, match="applies to one machine"):
        pricing.repriced_report([a_priced_run(), a_priced_run("rack")], read_rules("2"))


def test_the_price_of_the_newest_run_is_given_to_its_machine_in_older_runs_and_to_no_other():
    newest, older, rack = a_priced_run(price="2"), a_priced_run(price="1"), a_priced_run("rack")
    runs = pricing.repriced_sittings([older, rack, newest], newest)
    first = [run.header.prices[0] for run in runs]
    assert [(rule.label, rule.usd_per_hour) for rule in first] == [
        ("desk", 2),
        ("desk", 2),
        (None, 2),
    ]
    assert runs[2] is newest
    assert pricing.repriced_sittings([older], older) == [older]


def test_a_run_under_another_name_takes_the_rules_of_its_own_name_along(tmp_path):
    path = tmp_path / "prices.yaml"
    path.write_text(
        "- {label: desk, usd_per_hour: 1, source: bill, date: 2026-11}\n"
        "- {label: rack, usd_per_hour: 2, source: bill, date: 2026-11}\n"
    )
    run = pricing.renamed(a_priced_run(price=str(path)), "box")
    assert [rule.label for rule in run.header.prices] == ["box", "rack"]
    assert run.shares[0].label == run.records[0].label == "box"


def test_a_price_for_a_report_goes_before_the_journal_s_own(tmp_path):
    path = written(tmp_path / "a.jsonl", ("desk", DESK), price="0.5")
    before = Path(path).read_bytes()
    assert run_command(["report", path, "--out", str(tmp_path / "r")]) == 0
    assert costs(tmp_path / "r") == {"desk": (0.5, "--price")}
    assert run_command(["report", path, "--out", str(tmp_path / "r"), "--price", "0.75"]) == 0
    assert costs(tmp_path / "r") == {"desk": (0.75, "--price")}
    assert Path(path).read_bytes() == before


def test_a_bare_price_is_refused_where_the_report_is_of_several_machines(tmp_path, capsys):
    paths = [
        written(tmp_path / "a.jsonl", ("desk", DESK)),
        written(tmp_path / "b.jsonl", ("node", NODE)),
    ]
    assert run_command(["report", *paths, "--out", str(tmp_path / "r"), "--price", "1"]) == 2
    error = capsys.readouterr().err
    assert "applies to one machine" in error
    assert "desk, node" in error
    assert "YAML file with a label" in error
    assert not (tmp_path / "r").exists()


def test_two_journals_of_one_machine_take_a_bare_price(tmp_path):
    paths = [written(tmp_path / f"{name}.jsonl", ("desk", DESK)) for name in "ab"]
    assert run_command(["report", *paths, "--out", str(tmp_path / "r"), "--price", "1"]) == 0
    assert costs(tmp_path / "r") == {"desk": (1.0, "--price")}


def test_a_file_of_prices_speaks_of_every_machine_of_every_journal_that_it_names(tmp_path):
    nodes = (("vm", NODE),)
    first = written(tmp_path / "a.jsonl", ("desk", DESK), *nodes, price="0.5", nodes=nodes)
    second = written(tmp_path / "b.jsonl", ("rack", NODE), price="0.6")
    rules = tmp_path / "prices.yaml"
    rules.write_text(
        "- {label: vm, usd_per_hour: 1, source: bill, date: 2026-11}\n"
        "- {label: rack, usd_per_hour: 2, source: contract, date: 2026}\n"
    )
    words = ["report", first, second, "--out", str(tmp_path / "r"), "--price", str(rules)]
    assert run_command(words) == 0
    found = costs(tmp_path / "r")
    assert found == {"desk": (0.5, "--price"), "vm": (1.0, "bill"), "rack": (2.0, "contract")}


def test_a_machine_that_the_report_calls_otherwise_keeps_the_price_of_its_own_name(tmp_path):
    rules = tmp_path / "prices.yaml"
    rules.write_text("- {label: desk, usd_per_hour: 1, source: bill, date: 2026-11}\n")
    path = written(tmp_path / "a.jsonl", ("desk", DESK), price=str(rules))
    out = tmp_path / "r"
    assert run_command(["report", path, "--out", str(out), "--label", "box"]) == 0
    assert costs(out) == {"box": (1.0, "bill")}
    new = tmp_path / "new.yaml"
    new.write_text("- {label: box, usd_per_hour: 2, source: contract, date: 2026-11}\n")
    words = ["report", path, "--out", str(out), "--label", "box", "--price", str(new)]
    assert run_command(words) == 0
    assert costs(out) == {"box": (2.0, "contract")}


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Give a run of two toys with a price; return code and output."""
    look_shortly(monkeypatch)
    words = toy_words(tmp_path, "reports", "[1, 2]")
    return lambda *price: (run_command([*words, *price]), capsys.readouterr().out)


@pytest.fixture
def cut_run(run, tmp_path):
    """A run at 0.5 USD an hour whose journal was cut off after its first record."""
    code, output = run("--price", "0.5")
    assert code == 0, output
    (path,) = (tmp_path / "reports/journals").iterdir()
    cut_last_record(path)
    return path


NEW = "note: --price differs from the prices in this run's journal"


def test_a_run_that_is_taken_up_at_another_price_reports_the_new_one_and_says_so(
    run, cut_run, tmp_path
):
    header = cut_run.read_text().splitlines()[0]
    code, output = run("--price", "0.75")
    assert code == 0, output
    assert NEW in output
    assert costs(tmp_path / "reports") == {"desk": (0.75, "--price")}
    assert cut_run.read_text().splitlines()[0] == header


@pytest.mark.parametrize("price", [["--price", "0.5"], []], ids=["same", "none"])
def test_a_run_that_is_taken_up_at_its_own_price_says_nothing_of_it(run, cut_run, tmp_path, price):
    code, output = run(*price)
    assert code == 0, output
    assert "--price" not in output
    assert list((tmp_path / "reports/journals").iterdir()) == [cut_run]
    assert costs(tmp_path / "reports") == {"desk": (0.5, "--price")}


def test_every_dollar_of_a_dry_run_has_its_source_and_date_beside_it(capsys):
    words = ["run", "--grid", "smoke", "--dataset", "synthetic", "--dry-run"]
    assert run_command([*words, "--cluster", str(ROOT / "clusters/gcp.yaml")]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if " USD" in line]
    assert len(lines) == 4
    for line in lines[:-1]:  # the last is their sum
        assert re.search(
            r" USD an hour: .+, \d{4}-\d\d(-\d\d)?(, \d+ (day|month)s? old.*)?\)$", line
        )
    assert "Google Cloud on-demand list price, us-west1 (" in lines[1]
    assert "this machine" not in lines[1]  # the file's region is in the table


def test_a_dry_run_says_what_this_machine_costs_and_how_old_that_price_is(capsys, tmp_path):
    rules = tmp_path / "prices.yaml"
    rules.write_text('- {label: desk, usd_per_hour: 0.3, date: "2024-01-01", source: a list}\n')
    words = ["run", "--grid", "smoke", "--dataset", "synthetic", "--dry-run", "--local-only"]
    assert run_command([*words, "--label", "desk", "--price", str(rules)]) == 0
    said = capsys.readouterr().out
    assert "this machine: 0.3 USD an hour: a list, 2024-01-01, " in said
    assert "months old, over a year: check it\n" in said


def test_a_dry_run_marks_a_price_that_is_older_than_a_year(capsys, monkeypatch):
    monkeypatch.setattr(prices, "utc_today", lambda: "2027-09-01")
    words = ["run", "--grid", "smoke", "--dataset", "synthetic", "--dry-run"]
    assert run_command([*words, "--cluster", str(ROOT / "clusters/gcp.yaml")]) == 0
    said = capsys.readouterr().out
    assert "2026-08-03, 13 months old, over a year: check it)" in said
