"""The second stage of a series with `--precision`: planned, said, and cut to the limits."""

from __future__ import annotations

import math

from bench.app.commands import run_cluster
from bench.app.commands.run_series import Rest, SecondStage
from bench.app.out_folder import journals_in
from bench.app.series import runs_of_series
from bench.record.journal import find_journals
from bench.spec.description import Outline
from bench.spec.request import Program, RunRequest, SeriesRequest


def second_stage(
    request: RunRequest, asked: SeriesRequest, outline: Outline, program: Program
) -> SecondStage:
    """Return what plans the second stage of a series and prints the plan before it is spent."""

    def plan(series_id: str, left_s: float | None, passed_s: float) -> Rest | None:
        from bench.analysis.precision import precision_plan, reachable  # --help need not wait
        from bench.report.words.precision import plan_lines, reached

        journals = find_journals(journals_in(request.out))
        runs = runs_of_series(journals, series_id)[: asked.sittings]
        half = math.log1p(asked.precision or 0.0)
        found = precision_plan(runs, outline, half)
        if found is None:
            print("nothing was measured, so there is no plan for the precision")
            return None
        usd = request.limits.max_usd
        spent_usd = (found.usd_per_hour or 0.0) * passed_s / 3600
        left_usd = None if usd is None else max(0.0, usd - spent_usd)
        reach = reachable(found, asked.gap_s, left_s, left_usd)
        print()
        for line in plan_lines(found, asked.gap_s, reach):
            print(line, flush=True)
        if reach.sittings == found.first and request.cluster.down:  # no sitting follows
            cluster, _ = run_cluster.find(request.cluster, request.limits)
            run_cluster.leave(cluster, program, take_down=True)
        closing = reached(found, reach.sittings) if reach.sittings > found.first else ""
        return Rest(found.sittings, reach.sittings, left_usd, closing)

    return plan
