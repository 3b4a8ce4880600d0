"""The table of machines: what each is, how its frameworks were built, what keeps two apart."""

from __future__ import annotations

from builders import a_job, a_measurement, a_record, a_run, facts, rows
from reporting import notes, report_of, table

from bench.record.facts import GpuFacts, RuntimeFacts, ThreadPool
from bench.report.markdown import render

TENSORFLOW = RuntimeFacts(
    thread_pools=(
        ThreadPool(api="blas", library="openblas", version="0.3.31", threads=2, layer="pthreads"),
    ),
    frameworks={"tensorflow": {"version": "2.21.0", "oneDNN": "yes", "cuda_version": "12.5.1"}},
)
TORCH = RuntimeFacts(
    thread_pools=(
        *TENSORFLOW.thread_pools,
        ThreadPool(api="openmp", library="openmp", threads=2),
    ),
    frameworks={"torch": {"version": "2.9", "oneDNN": "no", "CUDA": "none"}},
)


def a_machine_s_run(machine, runtimes=(None,), label="lab", run_id="run-1"):
    """Return a run of one job for each of `runtimes`."""
    records = [
        a_record(a_job(seed=seed), a_measurement([[1.0, 0.1]] * 2), label=label, machine=machine)
        for seed in range(1, len(runtimes) + 1)
    ]
    pairs = zip(records, runtimes, strict=True)
    records = [record.model_copy(update={"runtime": runtime}) for record, runtime in pairs]
    return a_run(records, label=label, run_id=run_id, machine=machine)


def lines(runs):
    """Return the machines' table as people read it: by heading, the measured machines' cells."""
    machines = table(report_of(runs), "machines")
    found = [row for row in machines.rows if row["source"] == "measured"]
    return {column.heading: [column.text(row) for row in found] for column in machines.columns}


def test_how_the_frameworks_were_built_stands_beside_the_versions():
    found = lines([a_machine_s_run(facts(), (TENSORFLOW, TORCH, TORCH))])
    assert found["tensorflow build"] == ["oneDNN yes, cuda_version 12.5.1"]
    assert found["torch build"] == ["oneDNN no, CUDA none"]
    assert found["BLAS and thread pools"] == ["openblas 0.3.31 pthreads x2, openmp x2"]


def test_what_no_job_told_is_not_known():
    found = lines([a_machine_s_run(facts())])
    assert found["BLAS and thread pools"] == ["n/a"]
    assert not [heading for heading in found if "build" in heading]


def test_variables_that_are_set_and_vulnerabilities_that_are_open_are_named():
    machine = facts(
        environment={"TF_ENABLE_ONEDNN_OPTS": "0"},
        mitigations={"mds": "Vulnerable: no microcode", "spectre_v1": "Mitigation: usercopy"},
    )
    found = lines([a_machine_s_run(machine)])
    assert found["variables set"] == ["TF_ENABLE_ONEDNN_OPTS 0"]
    assert found["mitigations open"] == ["mds"]
    known = lines([a_machine_s_run(facts(environment={}, mitigations={"mds": "Mitigation: x"}))])
    assert (known["variables set"], known["mitigations open"]) == (["none"], ["none"])
    unknown = lines([a_machine_s_run(facts())])
    assert (unknown["variables set"], unknown["mitigations open"]) == (["n/a"], ["n/a"])


def test_host_names_and_kinds_of_core_are_lines_only_where_a_machine_has_them():
    assert not {"host name", "kinds of core"} & set(lines([a_machine_s_run(facts())]))
    machine = facts(host_name="bobs-box", core_kinds={"performance": 8, "efficiency": 4})
    found = lines([a_machine_s_run(machine), a_machine_s_run(facts(), label="b", run_id="run-2")])
    assert found["host name"][0] == "bobs-box"
    assert found["kinds of core"] == ["performance 8, efficiency 4", "all alike"]


def test_machines_that_differ_in_a_setting_are_two_and_both_values_are_named():
    gpu = {"index": 0, "model": "Planted GPU", "uuid_hash": "a"}
    first = facts(
        environment={"TF_ENABLE_ONEDNN_OPTS": "1"},
        cpu_governor="performance",
        gpus=(GpuFacts(**gpu, power_limit_w=300.0),),
    )
    second = facts(
        environment={"TF_ENABLE_ONEDNN_OPTS": "0", "OMP_PLACES": "cores"},
        cpu_governor="powersave",
        gpus=(GpuFacts(**{**gpu, "uuid_hash": "b"}, power_limit_w=250.0),),
    )
    runs = [a_machine_s_run(first), a_machine_s_run(second, run_id="run-2")]
    report = report_of(runs)
    assert [r["machine"] for r in rows(report, "machines") if r["source"] == "measured"] == [
        "lab",
        "lab [2]",
    ]
    for words in (
        "TF_ENABLE_ONEDNN_OPTS is 1 and 0",
        "OMP_PLACES is unknown or not set and cores",
        "cpu_governor is performance and powersave",
        "GPU 0 power_limit_w is 300.0 and 250.0",
    ):
        assert words in notes(report, "machines")
    assert "uuid_hash" not in notes(report, "machines")


def test_a_variable_cannot_add_markup_to_the_page():
    machine = facts(environment={"XLA_FLAGS": "<img src=x> | `x`"})
    page = render(report_of([a_machine_s_run(machine)]))
    assert "<img" not in page
