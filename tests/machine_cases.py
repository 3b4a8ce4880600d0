"""Runs cases of machines: `python tests/machine_cases.py DIR...` prints ok or WRONG for each.

A case is a folder. `case.json` says how it is run (`how`), what is right, and where it was reported
in public; `root/` holds the machine's files; `1/`, `2/`, ... hold the files that changed at the
look of that number, a second apart; `driver.py` says what differs in tests/fake_nvml.py. DIR is a
case or a folder of cases. pytest runs the cases of tests/machine_cases/ in the same way.

Keys of case.json that say what a folder cannot hold: `links` (links by name), `closed` (files whose
reading fails), `gone` (files that are deleted at a look), `dying` (files whose reading fails from
look 1 on), `listed_first` (folders that the system lists first), and the answers `system`,
`machine` (its architecture), `systemd`, `sysctl` (a file below root/) and `environment`.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CASES = HERE / "machine_cases"

sys.path[:0] = [folder for folder in (str(HERE.parent), str(HERE)) if folder not in sys.path]

import bench.probe.system as system  # noqa: E402  (the path is set above)
from bench.probe.root import Answers, Root  # noqa: E402

#: The modules that know how to run a case: each has a table `HOW` of functions by the word `how`.
RUNNERS = ("machine_probes", "machine_meters")


@dataclass
class Case:
    """One case, with a fresh copy of its root."""

    folder: Path
    told: Mapping[str, Any]
    place: Path
    _dying: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def root(self) -> Root:
        """The faked root."""
        told = self.told
        sysctl = {}
        if "sysctl" in told:
            sysctl = system.parse_sysctl((self.place / told["sysctl"]).read_text())
        answers = Answers(
            system=told.get("system", "Linux"),
            architecture=told.get("machine", "x86_64"),
            node=told.get("node"),
            hypervisor=told.get("systemd"),
            sysctl=sysctl,
            environment=told.get("environment", {}),
        )
        return Root(self.place.resolve(), answers, links_lead_out=bool(told.get("dying")))

    def go_to(self, look: int | str) -> None:
        """Change the files to what they are at `look`, a number, or at `root`."""
        self._copy(str(look))
        for link, target in self.told.get("links", {}).items():
            path = self.place / link
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.is_symlink():
                path.symlink_to(target)
        for name in self.told.get("closed", []):  # to read a folder as a file fails
            (self.place / name).mkdir(parents=True, exist_ok=True)
        for name in self.told.get("gone", {}).get(str(look), []):
            (self.place / name).unlink()
        if look == "root":
            self._plant_dying()
        if look == 1:
            self.end()

    def end(self) -> None:
        """End the processes whose files are dying."""
        while self._dying:
            process = self._dying.pop()
            process.kill()
            process.wait()

    def _copy(self, name: str) -> None:
        source = self.folder / name
        first = self.told.get("listed_first") or []

        def rank(path: Path) -> int:
            return next((len(first) - n for n, f in enumerate(first) if f"/{f}/" in str(path)), 0)

        for path in sorted((p for p in source.rglob("*") if p.is_file()), key=rank):
            target = self.place / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes().replace(b"@ROOT@", b""))

    def _plant_dying(self) -> None:
        """Put files of a process in place of sensors: reading an open one fails when it ends."""
        for name in self.told.get("dying", []):
            process = subprocess.Popen(["sleep", "60"])
            self._dying.append(process)
            (self.place / name).unlink()
            (self.place / name).symlink_to(f"/proc/{process.pid}/oom_score")


@contextlib.contextmanager
def opened(folder: Path, told: Mapping[str, Any] | None = None) -> Iterator[Case]:
    """Yield the case in `folder` with its files as they are at first.

    /dev/shm lists the newest file first, which `listed_first` needs.
    """
    told = told or json.loads((folder / "case.json").read_text())
    base = "/dev/shm" if told.get("listed_first") and os.path.isdir("/dev/shm") else None
    place = Path(tempfile.mkdtemp(prefix="machine-case-", dir=base))
    case = Case(folder, told, place)
    try:
        case.go_to("root")
        yield case
    finally:
        case.end()
        shutil.rmtree(place, ignore_errors=True)


def _is(said: Any, want: Any) -> bool:
    return said == want or (isinstance(said, tuple) and list(said) == want)


def _under(said: Any, bound: float) -> bool:
    values = said if isinstance(said, list | tuple) else [said]
    return all(value is None or value < bound for value in values)


def _about(said: Any, want: float) -> bool:
    value = (said or [None])[0] if isinstance(said, list | tuple) else said
    return value is not None and abs(value - want) <= 0.2 * abs(want)


def _words(said: Any) -> str:
    return "" if said is None else str(said).lower()


#: What a rule of `right` may ask, by its verb.
VERBS: Mapping[str, Callable[[Any, Any], bool]] = {
    "is": _is,
    "not": lambda said, want: not _is(said, want),
    "one of": lambda said, want: said in want,
    "under": _under,
    "about": _about,
    "has": lambda said, want: want.lower() in _words(said),
    "has one of": lambda said, want: any(word.lower() in _words(said) for word in want),
    "lacks": lambda said, want: want.lower() not in _words(said),
}


def holds(said: Any, rule: Mapping[str, Any]) -> bool:
    """Say whether a value agrees with all that a rule asks of it, such as `{"is": 4}`."""
    return all(VERBS[verb](said, want) for verb, want in rule.items())


def run(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what was said in the case of `folder`, and the part of `right` that it is not."""
    told = json.loads((folder / "case.json").read_text())
    runners = {
        how: runner for name in RUNNERS for how, runner in importlib.import_module(name).HOW.items()
    }
    said = runners[told["how"]](folder, told)
    wrong = {key: rule for key, rule in told["right"].items() if not holds(said.get(key), rule)}
    return said, wrong


def cases_in(folder: Path) -> list[Path]:
    """Return the case that `folder` is, or the cases that it holds."""
    if (folder / "case.json").is_file():
        return [folder]
    return sorted(path.parent for path in folder.glob("*/case.json"))


def main(names: list[str]) -> int:
    """Run the cases of the folders `names` and print the outcome of each; 1 if one is wrong."""
    found = [case for name in names or [str(CASES)] for case in cases_in(Path(name))]
    count = 0
    for folder in found:
        title = json.loads((folder / "case.json").read_text()).get("title", "")
        try:
            said, wrong = run(folder)
        except Exception as error:  # one case must not keep the others from being run
            count += 1
            print(f"WRONG {folder.name}: {title}\n      {type(error).__name__}: {error}")
            continue
        count += bool(wrong)
        print(f"{'WRONG' if wrong else 'ok   '} {folder.name}: {title}")
        for key, rule in wrong.items():
            print(f"      {key}: says {said.get(key)!r}; right is {json.dumps(rule)}")
        for key in [key for key in said if wrong and key.startswith("why ")]:
            print(f"      {key}: {said[key]}")
    print(f"{count} of {len(found)} wrong" if found else f"no case in {', '.join(names)}")
    return 1 if count or not found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
