"""The sentences of the command `compare`; bench/report/words/sureness.py says how sure it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.slowdown import LEAST_PAIRS
from bench.report.words.lists import and_list
from bench.report.words.sureness import Bracket, bracketed, share
from bench.text import counted

#: What bounds mean that hold however often one looks.
WHENEVER = "whenever one stops"


#: What holds of the figures beside the confidence sequence.
SINGLE_LOOK = (
    "The other figures are valid for a single look only, after a number of sittings that was fixed "
    "beforehand:"
)


@dataclass(frozen=True)
class QuantityWords:
    """A quantity that is compared: its name, its unit, the factor from seconds, and its meaning."""

    name: str
    unit: str
    factor: float
    meaning: str


QUANTITIES: Mapping[str, QuantityWords] = {
    "step": QuantityWords(
        "mean step", "ms", 1000.0, "the time of the steady epochs over their steps"
    ),
    "total": QuantityWords("total", "s", 1.0, "the time of the whole job"),
    "p10": QuantityWords("p10 step", "ms", 1000.0, "the fast tenth of the steady steps"),
}


def title(names: Sequence[str], by: str, cells: int) -> str:
    """Return what is compared, by what, and over how many kinds of job."""
    kinds = counted(cells, "kind") + " of job"
    return f"{and_list(names)} by {QUANTITIES[by].name} ({QUANTITIES[by].meaning}), over {kinds}"


def relative_to(baseline: str) -> str:
    """Return what a speed is relative to, and what stands in brackets."""
    return (
        f"A speed is how many times as fast a machine is as {baseline}, with the bracket for "
        "another day (95%)."
    )


def mean_of(cells: int) -> str:
    """Return the head of the row of the mean."""
    return f"mean of {cells}, equal weights" if cells > 1 else "mean"


def sittings_of(name: str, sittings: int, jobs: int, instance: str | None, instances: int) -> str:
    """Return what a side rests on; `instance` is the type that the side stands for."""
    rests = f"{name}: {counted(sittings, 'sitting')}, {counted(jobs, 'job')}"
    if instance is None:
        return rests
    return f"{rests}, on {counted(instances, 'instance')} of the type {instance}"


def claim_about_type(name: str, instances: int) -> str:
    """Return that the claim is about a type of machine and not about one machine."""
    if instances == 1:
        return (
            f"{name} is a type, but only one instance of it was measured: the bracket is for "
            "this instance alone, and there is none for the type."
        )
    return (
        f"The claim is about the type {name} and rests on {instances} instances. All "
        "sittings of an instance count as one, so only a further instance counts as a further one."
    )


def unlike_instances(name: str, facts: Sequence[str]) -> str:
    """Return in which facts the instances of a type differ."""
    return f"The instances of {name} differ in these facts: {', '.join(facts)}."


def other_quantities(found: Iterable[tuple[str, Bracket]]) -> str:
    """Return the ratio by other quantities, in the order of the verdict."""
    told = [f"by {QUANTITIES[by].name} {bracketed(ratio)}" for by, ratio in found]
    return f"For comparison, {and_list(told)}."


def range_of_cells(first: str, second: str, low: float, high: float) -> str:
    """Return how the ratio ranges over the kinds of job."""
    least, most = rounded_pair(low, high)
    if least == most:
        return f"{first} is {least} times as fast as {second} in every kind of job."
    return f"By kind of job, {first} is {least} to {most} times as fast as {second}."


def rounded_pair(low: float, high: float) -> tuple[str, str]:
    """Return two ratios with two decimals."""
    return f"{low:.2f}", f"{high:.2f}"


def disturbed(name: str, aside: int, used: int) -> str:
    """Return what became of the disturbed jobs of a side; an empty text if it has none."""
    parts = []
    if aside:
        have = "has" if aside == 1 else "have"
        parts.append(
            f"{counted(aside, 'disturbed job')} of {name} {have} no weight, because a quiet job of "
            "the same kind was measured"
        )
    if used:
        has = "counts" if used == 1 else "count"
        parts.append(
            f"{counted(used, 'disturbed job')} of {name} {has}, because no quiet job of its kind "
            "was measured"
        )
    return f"{'; '.join(parts)}." if parts else ""


def sittings_aside(name: str, sittings: int) -> str:
    """Return that sittings count for nothing; an empty text if there is none."""
    if not sittings:
        return ""
    does, its = ("does", "its") if sittings == 1 else ("do", "their")
    return (
        f"{counted(sittings, 'sitting')} of {name} {does} not count: all of {its} jobs were "
        "disturbed, and other sittings have quiet jobs of the same kinds."
    )


def all_wrong(name: str) -> str:
    """Return that a side was left out, because it trains everything wrong."""
    return (
        f"{name} trains every kind of job wrong, so its speed is not compared. The report says in "
        "which metrics."
    )


def best_of_many(best: Sequence[str]) -> str:
    """Return the beginning of the verdict on more than two sides; `best` may be the fastest."""
    if len(best) == 1:
        return f"Only {best[0]} may be the fastest."
    return f"{and_list(best)} may be the fastest: no machine is shown to be faster than them."


def differs(first: str, second: str) -> str:
    """Return the heading of what differs between two sides."""
    return f"What differs between {first} and {second}, most telling first:"


def nothing_differs(first: str, second: str) -> str:
    """Return that the records show no difference between two sides."""
    return f"The records show nothing that differs between {first} and {second}."


def sittings_differ(first: str, second: str) -> str:
    """Return the heading of what differs between the two sittings that are farthest apart."""
    return f"{first} and {second} differ most in speed. What changed, most telling first:"


def changed_speed(name: str, began: Sequence[str], speed: str, lines: Sequence[str]) -> str:
    """Return what changed between two sittings of a machine that were called different.

    `began` are the times of their starts, `speed` says how they compare, and `lines` what changed.
    """
    when = f"The sittings of {name} that began at {began[0]} and {began[1]} (UTC)"
    changed = "; ".join(line.rstrip(".") for line in lines)
    if not changed:
        return f"{when} differ most in speed: {speed} The records show nothing that changed."
    return f"{when} differ most in speed: {speed} What changed, most telling first: {changed}."


def no_sittings_differ(first: str, second: str) -> str:
    """Return that the records show no difference between these two sittings."""
    return f"{first} and {second} differ most in speed. The records show nothing that changed."


def with_itself(name: str, by: str, pairs: int, different: int) -> str:
    """Return how many pairs of a machine's own sittings were called different."""
    called = f"{different} of the {counted(pairs, 'pair')} of its sittings"
    was = "was" if different == 1 else "were"
    part = f" ({100 * different / pairs:.0f}%)" if pairs else ""
    return (
        f"{name} compared with itself by {QUANTITIES[by].name}: {called} {was} called different"
        f"{part}. Each such finding is a false alarm, because it is one machine. Up to 5% are "
        "expected."
    )


def called_different(sentence: str) -> str:
    """Return the pair of sittings that was called different by the largest ratio."""
    return f"The largest of them: {sentence}"


def more_differences(count_: int) -> str:
    """Return how many differences are not shown."""
    return f"{count_} more (all of them: --json)"


def floor(name: str, value: float) -> str:
    """Return the noise floor of a machine, given as a share."""
    return (
        f"Noise floor: two sittings of {name} differ by less than {share(value)} in 95 of 100 "
        "cases. A smaller difference between single sittings shows nothing."
    )


def time_ratio(candidate: str, baseline: str, time: Bracket) -> str:
    """Return how much time the candidate takes, with bounds that hold whenever one stops."""
    return f"{candidate} takes {bracketed(time, WHENEVER)} times the time of {baseline}"


def no_bounds(pairs: int) -> str:
    """Return that there are too few pairs of sittings."""
    give = "gives" if pairs == 1 else "give"
    return (
        f"{counted(pairs, 'pair')} of sittings {give} no bounds yet. At least "
        f"{LEAST_PAIRS} sittings of each are needed, and 5 or more are usual."
    )


def sequence_apart(ratio: str, pairs: int) -> str:
    """Return that the two sides are told apart, sitting by sitting."""
    return f"Told apart after {pairs} pairs of sittings: {ratio}."


def sequence_equal(ratio: str, margin: float, pairs: int) -> str:
    """Return that the two sides are equal, sitting by sitting."""
    return f"Equal within {share(margin)} after {pairs} pairs of sittings: {ratio}."


def sequence_open(ratio: str, pairs: int) -> str:
    """Return that the two sides are not told apart yet, sitting by sitting."""
    return f"Not told apart after {pairs} pairs of sittings: {ratio}."


def measure_elsewhere(commands: Sequence[tuple[str, str, bool]]) -> str:
    """Return which command to give where: labels, commands, and whether this is the machine."""
    lines = [
        f"  {'here' if here else f'on the machine of {label}'}: {command}"
        for label, command, here in commands
    ]
    return "\n".join(
        (
            "--until-told cannot measure both from this machine. Give these commands in turn, "
            "bring the journals together in one folder, and compare again:",
            *lines,
        )
    )


def slowdown(
    candidate: str, baseline: str, limit: float, met: bool | None, time: Bracket, pairs: int
) -> str:
    """Return what `--fail-if-slower` found; `time` is the ratio of times, candidate to baseline.

    `met` is None if the bounds neither exclude the slowdown nor show it.
    """
    asked = f"--fail-if-slower {share(limit)}"
    ratio = time_ratio(candidate, baseline, time)
    if not time.known:
        return f"{asked} is not met (exit code 0): {no_bounds(pairs)}"
    if met:
        return (
            f"{asked} is met (exit code 3): {ratio}, so it is slower by more than {share(limit)}. "
            f"The bounds rest on {pairs} pairs of sittings and hold however often one looks."
        )
    shown = (
        f"so it is not slower by more than {share(limit)}"
        if met is False
        else f"which neither shows nor excludes a slowdown of more than {share(limit)}"
    )
    return f"{asked} is not met (exit code 0): {ratio}, {shown} ({pairs} pairs of sittings)."
