"""Which fields of a journal may be sent to others: an allow-list over the whole schema.

A field that stands in no row is not shared. If the schema gains a field, decide here what becomes
of it; a test holds that every field has its row.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Mapping
from typing import Any

from bench.record.ceilings import Ceilings, CopyRate, MatmulRate, WorkCount
from bench.record.conditions import (
    Conditions,
    EnergyReading,
    GpuConditions,
    Interference,
    LookRecord,
)
from bench.record.confusion import Confusion
from bench.record.facts import GpuFacts, MachineFacts, MigFacts, RuntimeFacts, ThreadPool
from bench.record.failure import Failure
from bench.record.lines import (
    JobRecord,
    MachineEntry,
    OutOfTime,
    RunHeader,
    SeriesPlace,
    Skip,
)
from bench.record.measurement import (
    BareCeilings,
    Digests,
    EpochRecord,
    Evaluation,
    Measurement,
    MemoryFacts,
    PackedTimes,
    ThreadFacts,
)
from bench.record.price import TYPED, PriceRule
from bench.record.scrub import NOT_SHARED, Kind, Rule, Scrubber
from bench.spec.axes import Axis, Metric
from bench.spec.description import Outline
from bench.spec.job import JobSpec

#: Names of what places jobs; any other one is not shared.
PLACERS = frozenset({"ray", "ray cluster", "inline", "bare"})

KEPT = Rule(Scrubber.value)
#: The id of a run, which `Scrubber.run` replaces by a readable one.
RUN_ID = Rule(lambda scrub, value: scrub.digest(value))
IDENTITY = Rule(Scrubber.identity, "ids")
SERIAL = Rule(Scrubber.identity, "serials")
LABEL = Rule(Scrubber.label, "labels")
VARIABLES = Rule(Scrubber.environment, "variables")
#: The reasons why something is unknown; which things are unknown is shared.
REASONS = Rule(lambda scrub, found: dict.fromkeys(found, NOT_SHARED), "reasons")


def _kept(names: str) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), KEPT)


def _without(kind: Kind, empty: Any = None) -> Rule:
    """Return the rule of a field that is emptied."""
    return Rule(lambda scrub, value: empty, kind)


def _text(kind: Kind) -> Rule:
    """Return the rule of a text whose presence alone is shared."""
    return Rule(lambda scrub, value: None if value is None else NOT_SHARED, kind)


def _source(scrub: Scrubber, value: str | None) -> str | None:
    return value if value in (None, TYPED) else "as the sender stated it"


def _prices(scrub: Scrubber, rules: tuple[PriceRule, ...]) -> tuple[PriceRule, ...]:
    """Return the rules of the shared machines; a rule of another machine tells its label."""
    return tuple(
        scrub.value(rule) for rule in rules if rule.label is None or rule.label in scrub.labels
    )


def _finding(scrub: Scrubber, value: str) -> str:
    """Return whether a look found a quiet machine, without figures and names of processes."""
    found = re.match(r"the machine is (not )?quiet", value)
    return found[0] if found else NOT_SHARED


def _exception(scrub: Scrubber, name: str | None) -> str | None:
    """Return the name of an exception of Python itself; another one may name private code."""
    return name if name is not None and isinstance(getattr(builtins, name, None), type) else None


def _kernel(scrub: Scrubber, value: str | None) -> str | None:
    """Return the numbers of a kernel's release; what follows may name who built it."""
    found = re.match(r"\d+(\.\d+)*", value or "")
    return found[0] if found else None


SHARED: Mapping[type, Mapping[str, Rule]] = {
    RunHeader: {
        **_kept(
            "entry schema_version number workload dataset data_digest order_seed repeat_disturbed "
            "minutes started_at jobs series"
        ),
        "prices": Rule(_prices, "prices"),
        "run_id": RUN_ID,
        "request_digest": RUN_ID,
        "request": Rule(lambda scrub, value: {}),
        "command": _text("commands"),
        "grid": Rule(Scrubber.grid, "grids"),
        "label": LABEL,
        "dataset_source": _text("data sources"),
        "dataset_note": _text("notes"),
    },
    Outline: _kept("name title axes metrics caveat"),
    Axis: {
        **_kept(
            "name type default choices least plural mark heading meaning always_marked separates "
            "is_batch sets_ceiling pools_ceiling"
        ),
        "available": Rule(lambda scrub, value: None),
    },
    Metric: _kept(
        "name better measured unit short meaning digits scored targets training least most"
    ),
    JobSpec: _kept("name axes epochs seed dataset read_off repeat threads evaluate again"),
    PriceRule: {
        **_kept("provider instance_type machine_type usd_per_hour purchase_usd lifetime_years"),
        **_kept("hours_per_year date"),
        "label": LABEL,
        "source": Rule(_source),
    },
    SeriesPlace: {
        **_kept("number of precision first"),
        "series_id": Rule(Scrubber.identity, "runs"),
    },
    MachineEntry: {
        **_kept("entry schema_version own machine jobs skipped look usd_per_hour usd_date"),
        **_kept("ceiling_jobs"),
        "run_id": RUN_ID,
        "label": LABEL,
        "reason": _text("reasons"),
        "host_type": _without("clusters"),
        "usd_source": Rule(_source, "prices"),
    },
    Skip: {**_kept("job"), "reason": _text("reasons")},
    LookRecord: {
        **_kept("quiet seen"),
        "words": Rule(_finding, "notes"),
        "busiest": _without("processes", ()),
    },
    JobRecord: {
        **_kept(
            "entry schema_version job_id job attempt machine started_at ended_at measurement "
            "failure conditions runtime only_ceilings ceilings"
        ),
        "run_id": RUN_ID,
        "label": LABEL,
        "placed_by": Rule(lambda scrub, value: value if value in PLACERS else "other", "notes"),
    },
    OutOfTime: {**_kept("entry schema_version jobs"), "run_id": RUN_ID, "label": LABEL},
    MachineFacts: {
        **_kept(
            "machine_type id_version kind cpu_model cpu_vendor cpu_architecture microarchitecture "
            "cpu_signature instruction_sets cpu_flags cpu_base_hz cpu_max_hz cpu_now_hz "
            "cpu_governor cpu_boost sockets physical_cores logical_cores threads_per_core "
            "core_kinds caches_bytes cache_instances numa_nodes affinity_cpus cpuset_cpus "
            "cpu_quota usable_cpus memory_total_bytes memory_limit_bytes memory_usable_bytes "
            "swap_total_bytes huge_pages_bytes transparent_huge_pages virtualisation container "
            "has_battery firmware_instance_type cloud_provider cloud_instance_type cloud_region "
            "cloud_lifecycle gpus gpus_visible gpu_driver os libc mitigations python"
        ),
        "machine_id": IDENTITY,
        "host_hash": IDENTITY,
        "boot_hash": IDENTITY,
        "host_name": _without("host names"),
        "kernel": Rule(_kernel, "kernels"),
        "environment": VARIABLES,
        "packages": Rule(Scrubber.without_paths, "paths"),
        "unknown": REASONS,
    },
    GpuFacts: {
        **_kept(
            "index model memory_total_bytes power_limit_w compute_capability mig mig_slices "
            "sm_clock_max_hz memory_clock_max_hz"
        ),
        "uuid_hash": SERIAL,
        "unknown": REASONS,
    },
    MigFacts: {**_kept("profile memory_total_bytes"), "uuid_hash": SERIAL},
    RuntimeFacts: {
        **_kept("thread_pools"),
        "frameworks": Rule(
            lambda scrub, found: {name: scrub.without_paths(found[name]) for name in found}, "paths"
        ),
        "unknown": REASONS,
    },
    ThreadPool: _kept("api library version threads layer architecture"),
    Measurement: {
        **_kept(
            "epochs step_times evaluations ragged_last_step train_s import_s first_step_at_s "
            "memory threads digests device work ceilings confusion_s"
        ),
        "versions": Rule(Scrubber.without_paths, "paths"),
        "notes": _without("notes", ()),
    },
    BareCeilings: {
        **_kept("ceilings threads device"),
        "versions": Rule(Scrubber.without_paths, "paths"),
    },
    EpochRecord: _kept(
        "epoch started_s wall_s cpu_s steps step_first_s step_p10_s step_median_s step_p95_s "
        "metrics rss_bytes"
    ),
    PackedTimes: _kept("count encoding data"),
    Evaluation: _kept("epochs metrics evaluate_s total_s weights_digest confusion"),
    Confusion: _kept("classes counts"),
    MemoryFacts: _kept(
        "after_import_bytes after_data_bytes peak_bytes peak_source gpu_peak_bytes gpu_peak_source"
    ),
    ThreadFacts: {
        **_kept("asked intra_op inter_op niceness_asked niceness"),
        "environment": VARIABLES,
    },
    Digests: _kept("data initial_weights batch_order final_weights code"),
    WorkCount: _kept("flops bytes working_set_bytes"),
    Ceilings: _kept("matmul copy_rates took_s"),
    MatmulRate: _kept("size flops_per_s"),
    CopyRate: _kept("size_bytes bytes_per_s"),
    Failure: {
        **_kept("reason"),
        "message": _text("failures"),
        "exception": Rule(_exception, "failures"),
        "traceback": _without("failures"),
        "log_tail": _without("failures"),
    },
    Conditions: {
        **_kept(
            "period_s samples rss_peak_bytes tree_rss_peak_bytes cpu_s sampling_cpu_s whole epochs"
        ),
        "foreign_processes": _without("processes", ()),
        "unknown": REASONS,
    },
    Interference: {
        **_kept(
            "epoch wall_s flag causes job_cpu_s foreign_cpus group_foreign_cpus steal_share "
            "load_1min voluntary_switches involuntary_switches throttled_periods_share throttled_s "
            "pressure_cpu_some_share pressure_memory_some_share pressure_memory_full_share "
            "pressure_io_some_share pressure_io_full_share frequency_hz frequency_drift on_battery "
            "temperature_max_c thermal_throttles minor_faults major_faults swapped_bytes "
            "rss_peak_bytes tree_rss_peak_bytes gpus energy"
        ),
        "doubts": REASONS,
    },
    GpuConditions: _kept(
        "index utilisation_share sm_clock_hz memory_clock_hz power_w temperature_max_c "
        "memory_used_peak_bytes throttle_reasons foreign_share"
    ),
    EnergyReading: _kept("source covers joules basis"),
}
