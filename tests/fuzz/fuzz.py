"""`make fuzz`: inputs of every kind, bent at random with a seed, and what became of them.

    python tests/fuzz/fuzz.py [--inputs 20000] [--seed 12] [--only NAME] [--renew]

Each kind runs in a process of its own, whose peak memory is told. An input is taken (it is still
sound) or refused (by an error of ours with a message). Anything else is a fault: another
exception, more than LIMIT_S of CPU time, a message that is empty, too long or not printable. The
exit code is 1 if there is a fault, or if a process needed more than MOST_MIB. With --renew, the
table of docs/faults.md is replaced.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "faults.md"
INPUTS, SEED = 20_000, 12

#: CPU seconds and memory that no input may take more of. On a machine that does other work, only
#: CPU time says how long an input takes; one that waits is ended by the clock.
LIMIT_S, MOST_MIB = 10.0, 1024
WAIT_S = 60.0

#: No signal is handled while code in C runs. If that takes this long, the process is ended.
HANG_S = 90.0

#: The file with the input that is being read, within a process's folder.
LAST = "last-input.txt"

#: Faults of one kind that are told one by one.
TOLD = 10

#: Characters of an input that is told as it is.
TEXT = 500


@dataclass
class Outcome:
    """What became of the inputs of one kind."""

    kind: str
    inputs: int = 0
    taken: int = 0
    refused: int = 0
    slowest_s: float = 0.0
    peak_mib: int = 0
    faults: list[str] = field(default_factory=list)
    past_the_parser: dict[str, int] = field(default_factory=dict)


class TooSlow(BaseException):
    """An input took more than LIMIT_S."""


def _stop(number: int, frame: object) -> None:
    what = f"{LIMIT_S:g} CPU seconds" if number == signal.SIGPROF else f"{WAIT_S:g} s of waiting"
    raise TooSlow(f"more than {what}")


def _told(error: BaseException, given: Any) -> str:
    """Return a fault in words, with the input."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{place.filename}:{place.lineno}"
    return f"{type(error).__name__}: {error!s:.300}, at {where}; input: {_kept(repr(given))}"


def _kept(text: str) -> str:
    """Return the text of an input; a long one is kept in a file, which is named."""
    if len(text) > TEXT:
        with tempfile.NamedTemporaryFile("w", prefix="bench-fuzz-input-", delete=False) as file:
            file.write(text)
        text = file.name
    return text


def _alarm(cpu_s: float, wait_s: float) -> None:
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    signal.setitimer(signal.ITIMER_REAL, wait_s)
    if wait_s:
        faulthandler.dump_traceback_later(HANG_S, exit=True)
    else:
        faulthandler.cancel_dump_traceback_later()


def fuzzed(name: str, inputs: int, seed: int, folder: Path) -> Outcome:
    """Feed `inputs` inputs of a kind, as files in `folder`; return what became of them."""
    import hypothesis
    from messages import check_message
    from targets import PAST, kinds

    from bench.errors import BenchError

    kind, outcome, last = kinds()[name], Outcome(name), folder / LAST
    signal.signal(signal.SIGALRM, _stop)
    signal.signal(signal.SIGPROF, _stop)

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=inputs,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(kind.inputs)
    def feed(given: Any) -> None:
        outcome.inputs += 1
        last.write_text(repr(given), encoding="utf-8")
        began_s = time.process_time()
        _alarm(LIMIT_S, WAIT_S)
        try:
            try:
                taken = kind.read(given, folder, outcome.inputs)
            except BenchError as error:
                check_message(str(error))
                taken = False
            outcome.taken += taken
            outcome.refused += not taken
        except (Exception, TooSlow) as error:
            outcome.faults.append(_told(error, given))
        finally:
            _alarm(0, 0)
        outcome.slowest_s = max(outcome.slowest_s, time.process_time() - began_s)

    feed()
    outcome.past_the_parser = dict(sorted(PAST.items()))
    outcome.peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return outcome


def _in_a_process(name: str, inputs: int, seed: int) -> Outcome:
    words = [sys.executable, __file__, "--kind", name, "--inputs", str(inputs), "--seed", str(seed)]
    with tempfile.TemporaryDirectory(prefix="bench-fuzz-") as folder:
        words += ["--folder", folder]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return Outcome(**json.loads(done.stdout.splitlines()[-1]))
        last = Path(folder, LAST)
        given = last.read_text(encoding="utf-8") if last.exists() else "none"
    ended = f"the process ended with {done.returncode}: {done.stderr}"
    return Outcome(name, faults=[f"{ended}; last input: {_kept(given)}"])


HEADINGS = ("kind", "inputs", "taken", "refused", "faults", "slowest, CPU s", "peak memory, MiB")


def table(outcomes: list[Outcome]) -> str:
    """Return the outcomes as a table of Markdown."""
    rows: list[tuple[object, ...]] = [
        (one.kind, one.inputs, one.taken, one.refused, len(one.faults),
         f"{one.slowest_s:.1f}", one.peak_mib)
        for one in outcomes
    ]  # fmt: skip
    sums = [sum(int(str(row[place])) for row in rows) for place in range(1, 5)]
    worst = (max(one.slowest_s for one in outcomes), max(one.peak_mib for one in outcomes))
    rows.append(("all", *sums, f"{worst[0]:.1f}", worst[1]))
    lines = [HEADINGS, ("---",) + ("---:",) * (len(HEADINGS) - 1), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _renew(text: str) -> None:
    before = DOCUMENT.read_text(encoding="utf-8")
    after = re.sub(r"\| kind \| inputs .*?\n\| all [^\n]*", lambda _: text, before, flags=re.DOTALL)
    DOCUMENT.write_text(after, encoding="utf-8")


def main() -> int:
    """Fuzz as the command line asks; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=INPUTS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only")
    parser.add_argument("--kind", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--renew", action="store_true")
    wanted = parser.parse_args()
    sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent)]
    if wanted.kind:
        with tempfile.TemporaryDirectory(prefix="bench-fuzz-") as own:
            folder = Path(wanted.folder or own)
            found = fuzzed(wanted.kind, wanted.inputs, wanted.seed, folder)
        print(json.dumps(asdict(found)))
        return 0
    from targets import kinds

    outcomes = []
    for name, kind in kinds().items():
        if wanted.only in (None, name):
            outcomes.append(_in_a_process(name, round(wanted.inputs * kind.share), wanted.seed))
            print(asdict(outcomes[-1]) | {"faults": len(outcomes[-1].faults)}, flush=True)
            for fault in outcomes[-1].faults[:TOLD]:
                print(f"  {fault}", flush=True)
    print(table(outcomes))
    if wanted.renew and wanted.only is None:
        _renew(table(outcomes))
    return int(any(one.faults or one.peak_mib > MOST_MIB for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
