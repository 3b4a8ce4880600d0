"""A folder as the documentation assumes it: examples, cluster files, journals of many machines."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sittings_on_disk

from bench.record.run import Run

ROOT = Path(__file__).resolve().parents[1]

#: Machines that pages name by their labels.
LABELS = ("desk", "rack", "laptop", "vm", "gpu", "main", "change", "old", "new", "ci")

#: Types of instances that pages name.
TYPES = ("c7i.large", "g5.xlarge")

#: Folders that pages name, each with the journals of one machine.
FOLDERS = ("old", "new", "b", "sent")

#: Runs that pages name by their ids.
NAMED_RUNS = {
    "20261125T205712Z-quick-2861": datetime(2026, 11, 25, 20, 57, 12, tzinfo=UTC),
    "20261125T210253Z-sitting-8976": datetime(2026, 11, 25, 21, 2, 53, tzinfo=UTC),
}

#: A machine whose files stand for those of another host.
CASE = ROOT / "tests" / "machine_cases" / "C01-gaps-between-cpus" / "root"


def plant(folder: Path) -> Path:
    """Make everything that the pages assume in `folder`; return it."""
    for name in ("examples", "clusters"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "cluster.yaml", folder)
    shutil.copy(ROOT / "examples" / "keras_model.py", folder / "mine.py")
    (folder / "mine.yaml").write_text(yaml_of("grids.md"), encoding="utf-8")
    (folder / "prices.yaml").write_text(yaml_of("how-to/add-a-price.md"), encoding="utf-8")
    shutil.copytree(CASE, folder / "DIR")
    reports = sittings_on_disk.write(folder / "reports", _machines())
    for name, began in NAMED_RUNS.items():
        hour = (began - sittings_on_disk.FIRST) / timedelta(hours=1)
        written = sittings_on_disk.write(folder / "named" / name, planted("lab", [hour], 0.02))
        shutil.move(journals(written)[0], reports / "journals" / f"{name}.jsonl")
    for number, name in enumerate(FOLDERS):
        found = planted(name, range(3000 + 100 * number, 3048 + 100 * number, 24), 0.02)
        shutil.move(sittings_on_disk.write(folder / "of" / name, found) / "journals", folder / name)
    some = journals(reports)
    for name, path in (("a", some[0]), ("b", some[4]), ("mine", some[8])):
        shutil.copy(path, folder / f"{name}.jsonl")
    shutil.copy(some[0], reports / "journals" / "a.jsonl")
    return folder


def _machines() -> list[Run]:
    """Return four sittings of each label, and two of each type of instance."""
    found = []
    for place, label in enumerate(LABELS):
        hours = range(100 * place, 100 * place + 96, 24)
        found += planted(label, hours, 0.02 + place / 1000)
    for place, kind in enumerate(TYPES, start=20):
        hours = range(100 * place, 100 * place + 48, 24)
        found += planted(kind, hours, 0.03, cloud_instance_type=kind)
    return found


def planted(label: str, hours: Sequence[float], step_s: float, **facts: str) -> list[Run]:
    """Return sittings of a machine, one at each of these hours."""
    machine = sittings_on_disk.machine(label, **facts)
    return [
        sittings_on_disk.a_sitting(
            label,
            {"mlp": step_s * (1 + 0.01 * (number % 3)), "cnn": 4 * step_s},
            hour=hour,
            machine_facts=machine,
        )
        for number, hour in enumerate(hours)
    ]


def yaml_of(page: str) -> str:
    """Return the first block of YAML on a page."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return text.partition("```yaml\n")[2].partition("```")[0]


def journals(out: Path) -> list[Path]:
    """Return the journals of a folder of reports."""
    return sorted((out / "journals").iterdir())
