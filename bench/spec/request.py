"""What the user asks for, typed: a frozen request for each command, and the program itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from bench.spec.axes import Value
from bench.spec.grid import GridChanges
from bench.spec.languages import LANGUAGES, Language
from bench.spec.privacy import Privacy

#: What places jobs on the machine on which the command was typed; the first one is the default.
Dispatch = Literal["ray", "inline"]
DISPATCHES: tuple[Dispatch, ...] = get_args(Dispatch)

#: How often a disturbed job runs again at most.
MOST_RERUNS = 2

#: Where reports lie if the user names no folder.
REPORTS = Path("reports")


@dataclass(frozen=True)
class Program:
    """The program that a command was given to.

    `name` is what the user types, `workload` the reference of the workload that is measured if the
    user names no other, and `typed` the whole command as it can be typed again.
    """

    name: str
    workload: str
    typed: tuple[str, ...] = ()

    def spoken(self, text: str) -> str:
        """Return `text` with the program's name in the place of `{program}`."""
        return text.replace("{program}", self.name)


@dataclass(frozen=True)
class MeasureLimits:
    """What a run may take in seconds and dollars; None means no limit."""

    max_s: float | None = None
    max_usd: float | None = None


@dataclass(frozen=True)
class SeriesRequest:
    """Several sittings of one run, with a pause from the end of one to the start of the next.

    If there is a `precision`, a share, `sittings` are the first stage, which decides how many more
    sittings bring half of the bracket to it.
    """

    sittings: int
    gap_s: float
    precision: float | None = None


@dataclass(frozen=True)
class ClusterChoice:
    """Which cluster a run measures: the cluster of a file, the one at an address, or none.

    If the user chose nothing, the cluster of the file in this folder is measured if it is up.
    """

    file: Path | None = None
    address: str | None = None
    local_only: bool = False
    down: bool = False


@dataclass(frozen=True)
class ReportForm:
    """How a report is written: in which language, and with or without figures."""

    language: Language = LANGUAGES[0]
    figures: bool = True


#: The form of a report if the user asks for none.
USUAL_FORM = ReportForm()


@dataclass(frozen=True)
class RunRequest:
    """A run: what to run, how, where, and whether it is only to be shown.

    `serve` is the port of the page that shows the run while it goes on; 0 is any free port.
    `ceilings` says whether each machine's ceilings are measured.
    """

    workload: str
    grid: str
    changes: GridChanges = field(default_factory=GridChanges)
    dataset: str = "auto"
    data: str | None = None
    label: str | None = None
    out: Path = REPORTS
    dispatch: Dispatch = DISPATCHES[0]
    order_seed: int = 0
    repeat_disturbed: int = MOST_RERUNS
    ceilings: bool = True
    minutes: float | None = None
    time_limit_s: float | None = None
    price: str | None = None
    wait_quiet_s: float = 0.0
    privacy: Privacy = field(default_factory=Privacy)
    fresh: bool = False
    cluster: ClusterChoice = field(default_factory=ClusterChoice)
    limits: MeasureLimits = field(default_factory=MeasureLimits)
    series: SeriesRequest | None = None
    form: ReportForm = USUAL_FORM
    serve: int | None = None
    only_show: Literal["jobs", "launches", "plan"] | None = None


@dataclass(frozen=True)
class ReportRequest:
    """A report of journals; without any, all journals in `out` are reported together.

    `only` holds the names of the machines that are shown; without any, all are.
    """

    workload: str
    journals: tuple[Path, ...] = ()
    out: Path = REPORTS
    labels: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    price: str | None = None
    form: ReportForm = USUAL_FORM


@dataclass(frozen=True)
class ShareRequest:
    """Journals to be shared; without any, all journals of the folder of reports.

    `out` is a file for one run or a folder. `labels` are the names of the machines in turn.
    """

    workload: str
    out: Path
    journals: tuple[Path, ...] = ()
    labels: tuple[str, ...] = ()
    only: tuple[str, ...] = ()


#: The formats of other programs in which results can be written.
ExportFormat = Literal["pyperf", "junit", "openmetrics"]


@dataclass(frozen=True)
class ExportRequest:
    """Results of journals for another program; without any, of the folder of reports.

    Without an `out`, a file or folder, the text is printed.
    """

    workload: str
    format: ExportFormat
    journals: tuple[Path, ...] = ()
    out: Path | None = None
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChooseRequest:
    """A machine to choose from journals; without any, from all journals in `out`.

    `axes` holds the values that count, by axis; without a dataset, the workload's usual one counts.
    """

    workload: str
    target: float
    deadline_s: float | None = None
    budget_usd: float | None = None
    axes: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    dataset: str | None = None
    journals: tuple[Path, ...] = ()
    out: Path = REPORTS
    price: str | None = None
    as_json: bool = False


@dataclass(frozen=True)
class CompareRequest:
    """A comparison of machines, labels, runs, journals or instance types.

    Without names, all machines of `out` are compared. The baseline is the first name unless another
    one is given. `margin` and `fail_if_slower` are shares, such as 0.1.
    """

    workload: str
    names: tuple[str, ...] = ()
    by: Literal["step", "total", "p10"] = "step"
    baseline: str | None = None
    margin: float = 0.03
    fail_if_slower: float | None = None
    until_told: bool = False
    max_minutes: float = 60.0
    as_json: bool = False
    out: Path = REPORTS


@dataclass(frozen=True)
class HistoryRequest:
    """A machine over its sittings; without a name, every machine of the folder of reports."""

    workload: str
    machine: str | None = None
    by: Literal["step", "total", "p10"] = "step"
    as_json: bool = False
    out: Path = REPORTS


@dataclass(frozen=True)
class MachineRequest:
    """The facts of this machine, or of the machine whose files lie below the folder `root`.

    `collect` is the archive to which this machine's files are packed.
    """

    workload: str
    root: str | None = None
    collect: str | None = None
    as_json: bool = False
    frameworks: bool = False
    look: bool = False
    label: str | None = None
    price: str | None = None
    privacy: Privacy = field(default_factory=Privacy)


@dataclass(frozen=True)
class DoctorRequest:
    """A look at all that a run needs; `checks` names the checks, and without a name all are made.

    The other fields are as in a run: they say what is looked at.
    """

    workload: str
    checks: tuple[str, ...] = ()
    dataset: str = "auto"
    data: str | None = None
    out: Path = REPORTS
    serve: int | None = None
    cluster: ClusterChoice = field(default_factory=ClusterChoice)
    as_json: bool = False


@dataclass(frozen=True)
class MachineListRequest:
    """The machines in the journals of a folder of reports."""

    out: Path = REPORTS
    as_json: bool = False


@dataclass(frozen=True)
class MachineDiffRequest:
    """Two machines side by side, each by a name that bench/app/machine_lookup.py understands."""

    workload: str
    left: str
    right: str
    all_fields: bool = False
    as_json: bool = False
    out: Path = REPORTS


@dataclass(frozen=True)
class ClusterPrepareRequest:
    """Close the cluster of a file; `source` is the address that SSH is opened to."""

    file: Path | None = None
    source: str | None = None


@dataclass(frozen=True)
class ClusterCheckRequest:
    """Say what is missing or open in the cluster of a file."""

    file: Path | None = None
