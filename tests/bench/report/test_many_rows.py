"""Reports of many machines: what is cut says where the rest is."""

from __future__ import annotations

import itertools

from builders import a_job, facts, rows, sittings_of
from reporting import report_of

from bench.report import markdown_tables
from bench.report.markdown import render
from bench.report.tables import comparison

JOBS = [a_job(seed=seed) for seed in (1, 2)]


def machines(count):
    return [
        run
        for number in range(count)
        for run in sittings_of(
            f"vm-{number}",
            0.01 * 1.2**number,
            jobs=JOBS,
            machine=facts(machine_id=f"machine {number}"),
        )
    ]


def pairs(report):
    return [(row["machine"], row["against"]) for row in rows(report, "comparison")]


def test_of_too_many_pairs_the_table_holds_neighbours_and_each_machine_beside_the_first(
    monkeypatch,
):
    every = report_of(machines(5))
    monkeypatch.setattr(comparison, "MOST_PAIRS", 9)
    some = report_of(machines(5))
    assert len(pairs(every)) == 10
    first, *others = [f"vm-{number}" for number in range(5)]
    beside = [(first, other) for other in others]
    assert pairs(some) == [*beside, *itertools.pairwise(others)]
    told = {(row["machine"], row["against"]): row for row in rows(every, "comparison")}
    assert all(told[row["machine"], row["against"]] == row for row in rows(some, "comparison"))
    assert "holds them and each machine beside the first one" in " ".join(render(some).split())
    assert "tables/comparison.csv holds all pairs" in " ".join(render(every).split())


def test_ranks_do_not_depend_on_how_many_pairs_are_told(monkeypatch):
    every = rows(report_of(machines(5)), "ranking")
    monkeypatch.setattr(comparison, "MOST_PAIRS", 0)
    assert rows(report_of(machines(5)), "ranking") == every


def test_a_long_table_shows_its_first_rows_and_says_where_the_rest_is(monkeypatch):
    monkeypatch.setattr(markdown_tables, "MOST_ROWS", 3)
    page = render(report_of(machines(5)))
    ranking = page.split("## Ranking")[1].split("\n## ")[0]
    assert "vm-2" in ranking
    assert "| vm-3" not in ranking
    assert "The first 3 of 5 rows are shown; tables/ranking.csv holds all of them." in ranking
