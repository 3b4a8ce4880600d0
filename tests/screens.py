"""First screens of reports, and planted runs that leave something to say in every line of one."""

from __future__ import annotations

from collections.abc import Sequence

from builders import a_job, a_measurement, a_record, a_run, conditions, digest, facts, steady_run

from bench.record.conditions import EnergyReading
from bench.record.facts import MachineFacts
from bench.record.failure import Failure
from bench.record.lines import Skip
from bench.record.price import PriceRule
from bench.record.run import Run
from bench.report.column import Report
from bench.report.markdown import render

#: The most lines that a reader sees without scrolling.
LINES = 40


def first_screen(report: Report) -> list[str]:
    """Return the lines before the annex."""
    lines = render(report).splitlines()
    return lines[: next(n for n, line in enumerate(lines) if line.startswith(("Annex:", "Anexo:")))]


def machine(label: str) -> MachineFacts:
    """Return the facts of a machine of its own."""
    return facts(machine_id=digest(label)[:16], host_hash=digest(f"host {label}")[:16])


def a_loud_run(label: str, step_s: float) -> Run:
    """Return a run of a machine that leaves something to say in every remark."""
    jobs = [a_job(seed=seed) for seed in (1, 2, 3, 4)]
    records = []
    for place, job in enumerate(jobs[:3]):
        epochs = [[10 * step_s, *[step_s] * 9], [step_s * (1 + place / 100)] * 10]
        seen = conditions("disturbed" if place else "quiet", *["foreign CPU (0.9 CPUs)"] * place)
        energy = (EnergyReading(source="RAPL package-0", covers="x", joules=90, basis="measured"),)
        seen = seen.model_copy(update={"whole": seen.whole.model_copy(update={"energy": energy})})
        more = {"label": label, "run_id": f"run-{label}", "machine": machine(label)}
        records.append(a_record(job, a_measurement(epochs), conditions=seen, **more))
    failed = Failure(reason="time limit", message="not done after 600 s")
    records.append(a_record(jobs[3], failed, **more))
    skip = Skip(job=a_job(backend="jax"), reason="jax is not installed")
    rule = PriceRule(usd_per_hour=0.5, source="contract", date="2026-11")
    note = "synthetic digits, because the data set could not be downloaded from any of its mirrors"
    return a_run(
        records,
        planned=[*jobs, a_job(seed=5)],
        prices=(rule,),
        skipped=(skip,),
        machine=machine(label),
        dataset_note=note,
    )


def loud_runs(machines: int) -> Sequence[Run]:
    """Return runs of so many machines, and of two that share no job with them."""
    names = [f"rack-{number:02d}.with-a-long-name.example" for number in range(machines)]
    runs = [a_loud_run(name, 0.01 * 1.01**place) for place, name in enumerate(names)]
    apart = [steady_run("apart", 0.01, jobs=[a_job(model="mlp", seed=1)], machine=machine("apart"))]
    return runs if machines == 1 else [*runs, *apart]
