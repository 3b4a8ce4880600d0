"""Whose price counts for whose records: each journal's for its own, and what nodes cost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import a_job, a_measurement, a_record, a_run, facts, rows
from reporting import notes, report_of, table

from bench.record.conditions import Conditions, EnergyReading, Interference
from bench.record.lines import MachineEntry
from bench.record.price import PriceRule, listed_price, read_rules

DESK = facts(machine_id="desk")
NODE = facts(
    machine_id="node",
    cloud_provider="aws",
    cloud_instance_type="m5.large",
    cloud_region="us-east-1",
    cloud_lifecycle="on-demand",
)
LISTED = listed_price("aws", "m5.large", "us-east-1")
EVERYWHERE = PriceRule(usd_per_hour=7.0, source="contract", date="2026-01")


def typed(usd, date="2026-11-01"):
    (rule,) = read_rules(usd)
    return rule.model_copy(update={"date": date})


def record(label, machine, run_id="run-1", seed=1, total_s=36.0):
    measured = a_measurement([[1.0, 0.01]], total_s=total_s)
    return a_record(a_job(seed=seed), measured, label=label, machine=machine, run_id=run_id)


def on_a_cluster(*prices, node=NODE, **entry):
    """A run on this machine and on one node of a cluster."""
    run = a_run([record("desk", DESK), record("vm 1", node)], label="desk", prices=prices)
    told = MachineEntry(run_id="run-1", label="vm 1", machine=node, **entry)
    return replace(run, machines=(*run.machines, told))


def costs(*runs):
    """The rows of the cost table by machine, and its note."""
    report = report_of(runs)
    return {row["machine"]: row for row in rows(report, "cost")}, notes(report, "cost")


def test_the_price_of_one_journal_is_not_that_of_another_s_machine():
    cheap = a_run([record("desk", DESK, "run-1")], prices=(typed("0.05"),))
    other = a_run([record("vm", NODE, "run-2")])
    found, _ = costs(cheap, other)
    assert (found["desk"]["usd_per_hour"], found["desk"]["price_source"]) == (0.05, "--price")
    assert found["vm"]["usd_per_hour"] == LISTED.usd_per_hour
    assert found["vm"]["price_source"] == LISTED.source


def test_one_machine_at_two_prices_has_a_row_for_each():
    first = a_run([record("desk", DESK, "run-1")], prices=(typed("0.5"),))
    second = a_run([record("desk", DESK, "run-2", seed=2)], prices=(typed("1"),))
    priced = rows(report_of([first, second]), "cost")
    assert [(row["n"], row["usd_per_hour"]) for row in priced] == [(1, 0.5), (1, 1.0)]
    assert [row["usd_per_1000_jobs"] for row in priced] == pytest.approx([5.0, 10.0])


def test_one_price_that_was_typed_on_two_days_is_one_row_of_the_later_date():
    first = a_run([record("desk", DESK, "run-1")], prices=(typed("0.5", "2026-11-02"),))
    second = a_run([record("desk", DESK, "run-2", seed=2)], prices=(typed("0.5", "2026-11-01"),))
    (row,) = rows(report_of([first, second]), "cost")
    assert (row["n"], row["usd_per_hour"], row["price_date"]) == (2, 0.5, "2026-11-02")


def test_a_bare_figure_speaks_of_the_machine_at_which_it_was_typed_alone():
    found, _ = costs(on_a_cluster(typed("0.05")))
    assert found["desk"]["usd_per_hour"] == 0.05
    assert found["vm 1"]["usd_per_hour"] == LISTED.usd_per_hour


def test_a_rule_of_a_file_without_a_name_speaks_of_the_nodes_too():
    found, _ = costs(on_a_cluster(EVERYWHERE, usd_per_hour=0.5))
    assert found["desk"]["usd_per_hour"] == found["vm 1"]["usd_per_hour"] == 7.0


def test_a_node_s_recorded_figure_goes_before_the_table_and_a_named_rule_before_it():
    found, _ = costs(on_a_cluster(usd_per_hour=0.5))
    row = found["vm 1"]
    assert (row["usd_per_hour"], row["price_source"]) == (
        0.5,
        "the cluster's label bench-usd-per-hour",
    )
    assert row["price_date"] == "2026-11-01"  # of the run's start
    named = PriceRule(label="vm 1", usd_per_hour=0.6, source="contract", date="2026-01")
    found, _ = costs(on_a_cluster(named, usd_per_hour=0.5))
    assert (found["vm 1"]["usd_per_hour"], found["vm 1"]["price_source"]) == (0.6, "contract")
    assert found["desk"]["usd_per_hour"] is None


def test_a_recorded_figure_that_is_the_list_price_has_the_table_s_source_and_date():
    found, _ = costs(on_a_cluster(usd_per_hour=LISTED.usd_per_hour))
    assert found["vm 1"]["price_source"] == LISTED.source
    assert found["vm 1"]["price_date"] == LISTED.date


def test_the_list_price_is_not_that_of_a_spot_node_though_the_run_reckoned_with_it():
    spot = NODE.model_copy(update={"cloud_lifecycle": "spot"})
    found, note = costs(on_a_cluster(node=spot, usd_per_hour=LISTED.usd_per_hour))
    assert found["vm 1"]["usd_per_hour"] is None
    assert "No price for vm 1: the price of a spot instance changes every hour" in note
    found, _ = costs(on_a_cluster(node=spot, usd_per_hour=0.03))
    assert found["vm 1"]["usd_per_hour"] == 0.03


def test_a_figure_that_the_run_took_from_the_cluster_file_s_type_has_its_source_and_date():
    unnamed = NODE.model_copy(update={"cloud_instance_type": None})
    known = {"usd_source": "a list", "usd_date": "2025-01"}
    found, _ = costs(on_a_cluster(node=unnamed, usd_per_hour=0.096, **known))
    row = found["vm 1"]
    assert (row["usd_per_hour"], row["price_source"], row["price_date"]) == (
        0.096,
        "a list",
        "2025-01",
    )


def test_the_age_of_a_price_stands_beside_it_and_one_older_than_a_year_is_marked():
    def priced(date):
        rule = PriceRule(usd_per_hour=1, source="x", date=date)
        run = a_run([record("desk", DESK)], prices=(rule,))
        report = report_of([run], day="2026-12-01")
        (row,) = rows(report, "cost")
        return row["price_age"], "older than a year" in notes(report, "cost")

    assert priced("2026-08-03") == ("4 months", False)
    assert priced("2025-01") == ("23 months, over a year: check it", True)
    assert priced(None) == (None, False)


def test_a_price_without_a_date_is_told():
    rule = PriceRule(usd_per_hour=1, source="prices.yaml")
    _, told = costs(a_run([record("desk", DESK)], prices=(rule,)))
    assert "No date was given for the price from prices.yaml" in told


def test_the_list_price_of_a_node_is_that_of_its_region():
    node = NODE.model_copy(
        update={
            "cloud_provider": "gcp",
            "cloud_instance_type": "e2-standard-2",
            "cloud_region": "europe-west1",
        }
    )
    listed = listed_price("gcp", "e2-standard-2", "europe-west1")
    found, _ = costs(on_a_cluster(node=node, usd_per_hour=listed.usd_per_hour))
    assert found["vm 1"]["price_source"] == listed.source
    assert listed.date == found["vm 1"]["price_date"]


def test_the_source_is_shown_whole_with_what_it_says_of_the_region():
    away = NODE.model_copy(update={"cloud_region": "eu-west-1"})
    report = report_of([a_run([record("vm", away)])])
    assert "; this machine is in eu-west-1" in table(report, "cost").constants["price_source"]


def test_dollars_and_joules_are_means_because_they_add_up_over_jobs():
    """Two jobs take 10 s and 100 J, one 40 s and 400 J: together 60 s and 600 J."""
    jobs = []
    for seed, total_s in ((1, 10.0), (2, 10.0), (3, 40.0)):
        one = record("desk", DESK, "run-1", seed=seed, total_s=total_s)
        energy = EnergyReading(
            source="RAPL package-0", covers="x", joules=10 * total_s, basis="measured"
        )
        seen = Interference(wall_s=total_s, flag="quiet", energy=(energy,))
        watched = Conditions(period_s=0.1, samples=9, rss_peak_bytes=None, whole=seen)
        jobs.append(one.model_copy(update={"conditions": watched}))
    (row,) = rows(report_of([a_run(jobs, prices=(typed("3.6"),))]), "cost")
    assert row["usd_per_1000_jobs"] == pytest.approx(20.0)
    assert row["joules"] == row["joules_per_epoch"] == pytest.approx(200.0)
