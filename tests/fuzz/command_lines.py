"""Command lines for the fuzz: the words of every command, most of them valid, in a sound folder."""

from __future__ import annotations

import importlib
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click
import yaml
from builders import a_measurement, a_record, a_run, an_evaluation, digest, facts
from hypothesis import strategies as st
from mutations import HOSTILE
from quick_workload import GRID, WORKLOAD
from sittings_on_disk import write

from bench.app.amounts import Amount, Dollars, Duration, Number, Percent
from bench.app.doctor.checks import NAMES
from bench.app.lists import ThreadCounts, Values
from bench.app.main import COMMANDS, command_line
from bench.errors import BenchError
from bench.outside.words import check_words
from bench.record.run import Run
from bench.spec.job import make_job
from bench.spec.request import Program

#: The workload whose command lines are made, and the program that is given them.
FILE = str(Path(__file__).with_name("quick_workload.py"))
PROGRAM = Program("mnist-bench", FILE, ("mnist-bench",))

#: Words that a command always gets: `run` measures nothing, `report` draws no figures (which takes
#: five times as long).
ALWAYS: Mapping[str, Sequence[Sequence[str]]] = {
    "run": (["--list", "--local-only"], ["--dry-run", "--local-only"]),
    "report": (["--no-figures"],),
    "doctor": (["results"], ["clock", "file"]),
}

#: Checks of `doctor` that are never asked for: they take seconds, or ask another program for them.
SLOW_CHECKS = frozenset({"quiet", "ray", "head"})

#: How many more lines `run` gets than another command: it has most of the options.
MORE_RUNS = 3

#: Options that are never given: they measure or watch this machine.
LEFT_OUT = frozenset({"--until-told", "--look"})

#: Valid values of parameters by their names; of the others, by their types.
NAMED: Mapping[str, Sequence[str]] = {
    "address": ("http://127.0.0.1:8265",),
    "baseline": ("desk", "laptop"),
    "checks": tuple(name for name in NAMES if name not in SLOW_CHECKS),
    "cluster": ("cluster.yaml",),
    "collect": ("facts.tar.gz",),
    "data": ("data.npz",),
    "dataset": ("auto",),
    "file": ("cluster.yaml",),
    "grid": ("quick", "grid.yaml"),
    "journals": ("reports", "reports/journals", "reports/journals/run-desk-0.jsonl"),
    "label": ("desk", "a lab's machine"),
    "labels": ("desk", "laptop"),
    "left": ("desk", "here"),
    "machine": ("desk", "laptop"),
    "names": ("desk", "laptop"),
    "only": ("desk", "desk,laptop"),
    "out": ("reports",),
    "price": ("0.35", "1800/4y", "prices.yaml"),
    "right": ("laptop", "here"),
    "root": ("root",),
    "source": ("192.0.2.1",),
    "workload": (FILE,),
}

#: Valid values of `--out` where it names no folder of reports, by what the help calls it.
WRITTEN: Mapping[str, Sequence[str]] = {
    "FILE": ("results.txt",),
    "FILE|FOLDER": ("shared", "shared.jsonl"),
}

TYPED: Mapping[type[click.ParamType], Sequence[str]] = {
    ThreadCounts: ("1", "1,max"),
    Duration: ("10m", "1h30m"),
    Dollars: ("5usd", "0.40"),
    Number: ("0.5", "0.98"),
    Amount: ("2", "0.5"),
    Percent: ("3%", "0.03"),
}
LISTED: Mapping[str, Sequence[str]] = {
    "int": ("64", "64,128"),
    "float": ("0.5", "0.25,1e-3"),
    "bool": ("yes", "yes,no"),
}

#: Parameters whose file is only read, and files that no reader likes.
READ = frozenset({"cluster", "file", "grid", "journals", "price", "root", "workload"})
SPECIAL = ("/dev/null", "/proc/self/mem", "/proc/self/environ", "/")

#: Words beside a command's own.
STRAY = (
    *("quick", "1", "1,2", "max", "inline", "10m", "3%", "1800/4y", "step", "junit", "here", "-"),
    *("100000", "4294967296", "1e9", "1e300/1e-300y", "1,,2", ",", "0", "٣", "½", "--", "--help"),
)


def commands() -> dict[str, list[click.Parameter]]:
    """Return the parameters of each command that does something, by its words."""
    found: dict[str, list[click.Parameter]] = {}

    def add(command: click.Command, words: str) -> None:
        if isinstance(command, click.Group):
            for name, each in command.commands.items():
                add(each, f"{words} {name}")
            return
        command.make_context(words, [], resilient_parsing=True)  # a workload's options come now
        found[words] = [one for one in command.params if not LEFT_OUT & set(one.opts)]

    for name, about, module in COMMANDS:
        made = importlib.import_module(f"bench.app.commands.{module}").command(PROGRAM, about)
        add(made, name)
    return found


def valid(parameter: click.Parameter) -> Sequence[str]:
    """Return valid values of a parameter. A KeyError means that its kind has none here yet."""
    kind = parameter.type
    if parameter.name == "out" and parameter.metavar in WRITTEN:
        return WRITTEN[parameter.metavar]
    if isinstance(kind, click.Choice) and parameter.name not in NAMED:
        return list(map(str, kind.choices))
    if isinstance(kind, click.IntRange):
        least = int(kind.min or 0)
        return [str(least), str(least + 1)]
    if isinstance(kind, Values):
        axis = kind._axis
        return list(map(str, axis.known)) or LISTED[axis.type]
    return TYPED[type(kind)] if type(kind) in TYPED else NAMED[str(parameter.name)]


def _mostly(usual: st.SearchStrategy[str], odd: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return a usual word seven times of eight. (`one_of` counts a strategy once.)"""
    return st.integers(0, 7).flatmap(lambda number: usual if number else odd)


def inside(word: str) -> str:
    """Return `word` as a path that lies below the working folder, if it is one at all."""
    return re.sub("(^|=)/+", r"\1", word)


_odd = st.one_of(
    st.sampled_from([str(value) for value in HOSTILE] + ["B\udcfcro", "9" * 400, "9" * 5000]),
    st.text(st.characters(exclude_characters="\0"), max_size=20),
).map(inside)


def _value(parameter: click.Parameter) -> st.SearchStrategy[str]:
    odd = st.one_of(_odd, st.sampled_from(SPECIAL)) if parameter.name in READ else _odd
    return _mostly(st.sampled_from(list(valid(parameter))), odd)


def _given(parameter: click.Parameter) -> st.SearchStrategy[list[str]]:
    """Return the words that give an option."""
    word = st.sampled_from([*parameter.opts, *parameter.secondary_opts])
    if getattr(parameter, "is_flag", False):
        return st.tuples(word).map(list)
    pair = st.tuples(word, _value(parameter))
    return st.one_of(pair.map(list), pair.map(lambda two: ["=".join(two)]))


def _arguments(parameter: click.Argument) -> st.SearchStrategy[list[str]]:
    least = 1 if parameter.required or parameter.name == "names" else 0
    most = 3 if parameter.nargs < 0 else 1
    return st.lists(_value(parameter), min_size=least, max_size=most)


def lines_of(words: str, parameters: Iterable[click.Parameter]) -> st.SearchStrategy[list[str]]:
    """Return lines of one command."""
    options = [one for one in parameters if isinstance(one, click.Option)]
    parts = [st.sampled_from([[*words.split(), *more] for more in ALWAYS.get(words, ([],))])]
    parts += [_given(one) for one in options if one.required]
    if options:
        some = st.lists(st.one_of([_given(one) for one in options]), max_size=3)
        parts.append(some.map(lambda found: [word for each in found for word in each]))
    parts += [_arguments(one) for one in parameters if isinstance(one, click.Argument)]
    stray = _mostly(st.just(""), st.one_of(st.sampled_from(STRAY), _odd))
    parts.append(stray.map(lambda word: [word] if word else []))
    return st.tuples(*parts).map(lambda found: [word for part in found for word in part])


def lines() -> st.SearchStrategy[list[str]]:
    """Return command lines of every command, and a few of none."""
    each = {words: lines_of(words, made) for words, made in commands().items()}
    each[""] = st.lists(st.one_of(st.sampled_from(STRAY), _odd), max_size=2)
    return st.sampled_from([*each, *["run"] * MORE_RUNS]).flatmap(each.__getitem__)


def past_the_parser(words: Sequence[str], known: Iterable[str]) -> str | None:
    """Return the command of `words` (one of `known`) if the parser takes them and it is called."""
    try:
        check_words(words)
        found = command_line(PROGRAM).main(
            list(words), prog_name=PROGRAM.name, standalone_mode=False
        )
    except (BenchError, click.ClickException):
        return None
    names = (" ".join(words[:length]) for length in (2, 1))
    return next(name for name in names if name in known) if callable(found) else None


def _runs() -> list[Run]:
    axes, runs = WORKLOAD.description.axes, []
    jobs = [
        make_job(axes, {"size": 64, "dtype": "float32"}, epochs=2, seed=seed) for seed in (1, 2)
    ]
    for label, step_s in (("desk", 0.01), ("laptop", 0.02)):
        machine = facts(machine_id=digest(label)[:16])
        for day in range(2):
            ended = an_evaluation(2, 30.0, metrics={"score": 0.9})
            measured = a_measurement([[step_s * (1 + day / 100)] * 10] * 2, evaluations=[ended])
            run_id = f"run-{label}-{day}"
            records = [
                a_record(job, measured, label=label, machine=machine, run_id=run_id) for job in jobs
            ]
            runs.append(a_run(records, workload=WORKLOAD.description.outline, grid="quick"))
    return runs


class SoundFolder:
    """A folder with sound journals and files, made anew for each line, which may change it.

    It lies so deep that `../../etc/passwd` lies in the fuzz's own folder. No cloud and no host is
    asked for the cluster of its cluster file.
    """

    def __init__(self, folder: Path) -> None:
        self._sound, self._used = folder / "sound", folder / "a" / "b" / "c" / "used"
        write(self._sound / "reports", _runs())
        (self._sound / "root").mkdir()
        (self._sound / "grid.yaml").write_text(yaml.safe_dump(GRID))
        rules = [{"label": "desk", "usd_per_hour": 0.1, "source": "bill", "date": "2026"}]
        (self._sound / "prices.yaml").write_text(yaml.safe_dump(rules))
        root = Path(__file__).resolve().parents[2]
        cluster = yaml.safe_load((root / "cluster.yaml").read_text())
        cluster["provider"] = {"type": "azure", "location": "westeurope"}
        (self._sound / "cluster.yaml").write_text(yaml.safe_dump(cluster))

    def fresh(self) -> Path:
        """Return the folder as it was at first."""
        shutil.rmtree(self._used.parents[2], ignore_errors=True)
        shutil.copytree(self._sound, self._used)
        return self._used
