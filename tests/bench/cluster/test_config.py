"""What a cluster file says, what it costs, and what a run does where it finds none."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import yaml
from builders import a_job

from bench.cluster import check, find
from bench.cluster.config import read_cluster_file, wanted_types
from bench.cluster.find import Cluster, find_cluster, looseness
from bench.cluster.prices import START_S, costs, price_of_node, still_up, usd_per_hour
from bench.dispatch.tunnel import SshTarget
from bench.errors import RequestError
from bench.record.price import listed_price
from mnist_bench.workload import WORKLOAD

ROOT = Path(__file__).resolve().parents[3]
FILES = [ROOT / "cluster.yaml", *sorted((ROOT / "clusters").glob("*.yaml"))]
JOBS = [a_job(seed=1), a_job(seed=2)]


@pytest.fixture(params=FILES, ids=lambda path: path.name)
def shipped(request):
    return read_cluster_file(request.param)


@pytest.mark.plain_ray
def test_every_file_passes_ray_s_own_validation(shipped):
    from ray.autoscaler._private.util import fillout_defaults, validate_config

    if shipped.provider == "gcp":
        pytest.importorskip("googleapiclient", reason="Ray's defaults for gcp need it")
    validate_config(fillout_defaults(dict(shipped.document)))


def test_every_type_repeats_its_name_in_its_label_and_says_its_kind(shipped):
    for name, declared in shipped.document.get("available_node_types", {}).items():
        assert declared["labels"]["bench-type"] == name
        assert declared["labels"]["bench-kind"] == (
            "gpu" if "GPU" in declared["resources"] else "cpu"
        )


def test_every_file_ships_what_is_here_and_nothing_else_of_the_folder(shipped):
    for remote, local in shipped.document["file_mounts"].items():
        assert (ROOT / local).exists(), local
        assert Path(remote).name == Path(local).name


def test_every_start_command_takes_the_common_environment_and_the_dashboard_stays_on_loopback(
    shipped,
):
    for side in ("head", "worker"):
        for command in shipped.document[f"{side}_start_ray_commands"]:
            assert command.startswith(". ~/mnist-bench/tools/ray-env.sh;")
    assert "--dashboard-host=127.0.0.1" in " ".join(shipped.document["head_start_ray_commands"])
    assert shipped.document["cluster_synced_files"] == ["~/.ray/auth_token"]


def test_the_environment_asks_for_the_token_and_switches_ray_s_hazards_off():
    text = (ROOT / "tools" / "ray-env.sh").read_text()
    for line in ("unset OMP_NUM_THREADS", "RAY_worker_niceness=0", "RAY_AUTH_MODE=token"):
        assert line in text


def test_the_aws_file_measures_every_type_but_the_head_and_starts_none_by_itself():
    file = read_cluster_file(ROOT / "cluster.yaml")
    assert [node.name for node in file.measured] == ["vm", "compute", "arm", "gpu"]
    assert {node.kind for node in file.measured} == {"cloud", "gpu"}
    declared = file.document["available_node_types"]
    assert {declared[node.name]["min_workers"] for node in file.measured} == {0}
    wanted = wanted_types(file)
    assert all(one.ask and one.count == 1 for one in wanted)


def test_the_hosts_of_an_on_premises_file_are_one_kind_and_not_asked_for():
    (wanted,) = wanted_types(read_cluster_file(ROOT / "clusters" / "onprem.yaml"))
    assert (wanted.name, wanted.count, wanted.ask) == ("", 3, False)


def a_file(folder, **changes):
    document = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    document |= changes
    path = folder / "cluster.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def test_dollars_count_the_start_the_jobs_and_the_idle_end_of_every_machine(tmp_path):
    types = yaml.safe_load((ROOT / "cluster.yaml").read_text())["available_node_types"]
    types = {name: types[name] for name in ("head", "vm")}
    types["vm"]["labels"]["bench-usd-per-hour"] = "3.6"
    types["head"]["labels"].pop("bench-usd-per-hour")
    types["head"]["node_config"]["InstanceType"] = "x9.unheard-of"
    file = read_cluster_file(a_file(tmp_path, available_node_types=types))
    head, machine = costs(file, JOBS, WORKLOAD.estimate_s)
    work_s = 2 * WORKLOAD.estimate_s(JOBS[0])
    assert machine.usd == pytest.approx((START_S + work_s + 300) / 1000)
    assert (machine.jobs, head.jobs) == (2, 0)
    assert head.usd is None


def test_a_workload_without_an_estimate_has_a_price_and_no_cost():
    rows = costs(read_cluster_file(ROOT / "cluster.yaml"), JOBS, lambda job: None)
    assert {row.about_s for row in rows} == {row.usd for row in rows} == {None}
    assert all(row.price.usd_per_hour for row in rows)


def test_a_type_without_a_figure_of_the_user_s_costs_its_list_price(tmp_path):
    types = yaml.safe_load((ROOT / "cluster.yaml").read_text())["available_node_types"]
    types["vm"]["labels"].pop("bench-usd-per-hour")
    file = read_cluster_file(a_file(tmp_path, available_node_types=types))
    vm = next(node for node in file.types if node.name == "vm")
    listed = listed_price("aws", vm.machine)
    assert listed is not None and usd_per_hour(vm, file) == listed.usd_per_hour


def test_the_labels_of_the_shipped_files_agree_with_the_price_table(shipped):
    labelled = [node for node in shipped.types if node.usd_per_hour is not None]
    assert bool(labelled) == (not shipped.on_premises)
    for node in shipped.types if not shipped.on_premises else ():
        listed = listed_price(shipped.provider, node.machine, shipped.region)
        assert listed is not None, node.machine
        if node.accelerated:
            assert node.usd_per_hour > listed.usd_per_hour
        elif node.usd_per_hour is not None:
            assert node.usd_per_hour == listed.usd_per_hour


def test_the_date_that_the_aws_file_gives_its_labels_is_that_of_the_table():
    file = read_cluster_file(ROOT / "cluster.yaml")
    (date,) = {listed_price("aws", node.machine).date for node in file.types}
    assert date in (ROOT / "cluster.yaml").read_text()


def gcp_types(folder, **changes):
    document = yaml.safe_load((ROOT / "clusters" / "gcp.yaml").read_text())
    document["available_node_types"]["vm"]["node_config"] |= changes
    path = folder / "gcp.yaml"
    path.write_text(yaml.safe_dump(document))
    file = read_cluster_file(path)
    return next(node for node in file.types if node.name == "vm"), file


@pytest.mark.parametrize(
    "scheduling",
    [[{"preemptible": True}], [{"provisioningModel": "SPOT"}], {"preemptible": True}],
)
def test_a_spot_node_of_google_s_costs_the_spot_price_of_its_region(tmp_path, scheduling):
    vm, file = gcp_types(tmp_path, scheduling=scheduling)
    assert price_of_node(vm, file) == listed_price("gcp", vm.machine, "us-west1", spot=True)
    assert price_of_node(vm, file).source.startswith("Google Cloud spot list price, us-west1")


def test_a_node_that_google_may_only_stop_for_maintenance_is_no_spot_node(tmp_path):
    vm, file = gcp_types(tmp_path, scheduling=[{"onHostMaintenance": "TERMINATE"}])
    assert "on-demand" in price_of_node(vm, file).source


def told(path):
    """Return what a check finds in the file itself."""
    return [issue.what for issue in check.written(read_cluster_file(path))]


def test_a_check_names_a_label_beside_the_list_price_and_prices_older_than_a_year(
    tmp_path, monkeypatch
):
    document = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    types = document["available_node_types"]
    types["vm"]["labels"]["bench-usd-per-hour"] = "0.2"
    types["arm"]["labels"].pop("bench-usd-per-hour")
    path = a_file(tmp_path, available_node_types=types)
    said = [one for one in told(path) if "price" in one and "label" not in one]
    assert said == [one for one in said if one.startswith("vm: bench-usd-per-hour says 0.2, but ")]
    assert len(said) == 1 and "0.096 USD an hour: AWS on-demand list price" in said[0]
    monkeypatch.setattr(check, "utc_today", lambda: "2027-09-01")
    old = [one for one in told(path) if "older than a year" in one]
    assert [one.split(":")[0] for one in old] == ["arm"]


def test_every_price_of_a_node_has_its_source_and_date_or_a_reason(tmp_path):
    types = yaml.safe_load((ROOT / "cluster.yaml").read_text())["available_node_types"]
    types["head"]["labels"].pop("bench-usd-per-hour")
    types["vm"]["labels"].pop("bench-usd-per-hour")
    types["vm"]["node_config"]["InstanceMarketOptions"] = {"MarketType": "spot"}
    types["arm"]["labels"].pop("bench-usd-per-hour")
    types["arm"]["node_config"]["InstanceType"] = "x9.unheard-of"
    file = read_cluster_file(a_file(tmp_path, available_node_types=types))
    prices = {row.type.name: row.price for row in costs(file, JOBS, WORKLOAD.estimate_s)}
    assert prices["head"].source.endswith("; this machine is in us-west-2")
    assert prices["vm"].source.endswith("; spot costs less")
    assert prices["compute"].source == "bench-usd-per-hour of cluster.yaml"
    assert prices["arm"].reason == "x9.unheard-of is not in the price table"
    assert [name for name, price in prices.items() if not price.date] == ["arm"]


@pytest.mark.parametrize(
    "text", ["free", "1,5", "", "nan", ".nan", "-0.1", "inf", float("nan"), True, [0.1], {}]
)
def test_a_price_that_is_none_is_named_with_its_type(tmp_path, text):
    """A sum of dollars with a NaN in it exceeds no limit, so --max-usd would not hold."""
    types = yaml.safe_load((ROOT / "cluster.yaml").read_text())["available_node_types"]
    types["vm"]["labels"]["bench-usd-per-hour"] = text
    with pytest.raises(RequestError, match="node type vm"):
        read_cluster_file(a_file(tmp_path, available_node_types=types))


@pytest.mark.parametrize("text", ["[1, 2", "just: text", "- a list", ""])
def test_what_is_no_cluster_file_is_named(tmp_path, text):
    path = tmp_path / "cluster.yaml"
    path.write_text(text)
    with pytest.raises(RequestError, match="not a cluster file"):
        read_cluster_file(path)


def test_a_run_says_what_still_runs_what_it_costs_and_how_it_is_ended():
    said = " ".join(still_up(read_cluster_file(ROOT / "cluster.yaml")))
    assert "0.0416 USD an hour: bench-usd-per-hour of cluster.yaml, 20" in said
    assert "after 5 min" in said
    assert "ray down" in said


# --- finding ----------------------------------------------------------------------------------


def test_without_a_file_there_is_no_cluster_and_the_line_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_cluster(None, None) == (None, "cluster: none (no cluster.yaml here)")


def test_a_file_that_merely_lies_here_is_skipped_without_credentials(tmp_path, monkeypatch):
    a_file(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    cluster, said = find_cluster(None, None)
    assert cluster is None
    assert "no AWS credentials" in said


def test_a_broken_file_that_merely_lies_here_does_not_stop_a_run(tmp_path, monkeypatch):
    (tmp_path / "cluster.yaml").write_text("[")
    monkeypatch.chdir(tmp_path)
    cluster, said = find_cluster(None, None)
    assert cluster is None
    assert "is skipped: " in said


def test_an_on_premises_cluster_that_was_never_up_is_refused_where_it_is_named(tmp_path):
    document = yaml.safe_load((ROOT / "clusters" / "onprem.yaml").read_text())
    path = tmp_path / "onprem.yaml"
    path.write_text(yaml.safe_dump({**document, "cluster_name": f"never-up-{tmp_path.name}"}))
    with pytest.raises(RequestError, match="is not up"):
        find_cluster(path, None)


@pytest.mark.parametrize("address", ["auto", "ray://head:10001", "10.0.0.1:6379"])
def test_an_address_that_is_no_jobs_api_is_refused(address):
    with pytest.raises(RequestError, match="Jobs API"):
        find_cluster(None, address)


# --- how open it is ---------------------------------------------------------------------------


def a_cluster(name, token="t"):
    file = read_cluster_file(ROOT / name)
    return Cluster(file.name, file, SshTarget("127.0.0.1", "nobody"), token=token)


def test_a_cluster_without_a_token_or_started_from_a_file_that_was_not_prepared_is_called_loose():
    assert "no token" in " ".join(looseness(a_cluster("clusters/onprem.yaml", token=None)))
    assert list(looseness(a_cluster("clusters/onprem.yaml"))) == []
    assert "not prepared" in " ".join(looseness(a_cluster("cluster.yaml")))


def test_a_port_of_ray_s_that_answers_from_here_is_called_loose(monkeypatch):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        monkeypatch.setattr(find, "CONTROL_PORT", server.getsockname()[1])
        assert "answers from here" in " ".join(looseness(a_cluster("clusters/onprem.yaml")))
