"""The sentences on threads: what more of them give, and from which number on they cost."""

from __future__ import annotations

from collections.abc import Mapping

from bench.analysis.ratios import Finding, Ratio
from bench.analysis.threads import ThreadScaling
from bench.report.words.sureness import Bracket, bracketed
from bench.text import counted

#: What the jobs show of more threads beside fewer.
FINDINGS: Mapping[Finding, str] = {
    Finding.FASTER: "help",
    Finding.SLOWER: "cost",
    Finding.EQUAL: "make no difference",
    Finding.OPEN: "not shown",
}

#: What stands there in the row of the fewest threads.
FEWEST = "fewest"

THREADS_NOTE = (
    "Brackets hold 95 % intervals of the noise between jobs of the same sittings. All threads of a "
    "machine share a sitting's effect, which drops out. A finding takes a difference of more than "
    "3 % that is sure among all threads of the cell (Holm). tables/threads.csv holds the bracket "
    "beside fewer threads too. If fewer CPUs are used than the job has threads, the threads wait "
    "for each other, for work, or for the CPUs that other processes hold."
)


def scaling(job: str, found: ThreadScaling) -> str:
    """Return what more threads give in one cell; `job` names its machine and job."""
    base, fastest = found.base, found.fastest
    if fastest.speedup is not None:
        times = _times(fastest.speedup, base.threads)
        are = "is" if fastest.threads == 1 else "are"
        first = (
            f"{job}: {counted(fastest.threads, 'thread')} {are} {times}; the efficiency is "
            f"{found.efficiency(fastest):.2f}."
        )
    else:
        next_up = found.points[1]
        assert next_up.speedup is not None, "only the fewest threads have no speed-up"
        first = (
            f"{job}: {counted(base.threads, 'thread')} took the least time. {next_up.threads} "
            f"threads are {_times(next_up.speedup, base.threads)}."
        )
    return f"{first} {_cost(found)}"


def _cost(found: ThreadScaling) -> str:
    """Return from which number of threads on more of them cost."""
    if not found.slower:
        return f"No larger number than {found.fastest.threads} was measured."
    if found.costs_from is not None:
        return f"From {found.costs_from} threads on, more threads cost."
    return (
        f"Whether more threads than {found.fastest.threads} cost is not shown: the difference is "
        "not larger than the noise."
    )


def _times(speedup: Ratio, base: int) -> str:
    return bracketed(
        Bracket.of(speedup.interval()), "in these sittings", f"times as fast as {base}"
    )
