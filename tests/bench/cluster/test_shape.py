"""Cluster files of another shape: each is refused with the file and the key, and never a guess."""

from __future__ import annotations

import pytest
import yaml
from command_line import run_command
from conftest import ROOT

from bench.cluster import aws, firewall, gcp
from bench.cluster.config import read_cluster_file
from bench.cluster.find import find_cluster
from bench.errors import RequestError

HEAD = {"resources": {"CPU": 0}, "node_config": {"InstanceType": "t3.medium"}}
#: What a shell would run, or a terminal obey, in the place of a host or user.
SHELL = (
    "h;touch${IFS}/tmp/x;echo",
    "h$(id)",
    "h`id`",
    "h|id",
    "h&id",
    "h'x",
    "h x",
    "h\x1b[2J",
    "h\n",
)
VM = {"resources": {"CPU": 2}, "node_config": {"InstanceType": "m5.large"}}


def document(**changes):
    """Return a small cluster file of AWS with `changes`."""
    return {
        "cluster_name": "c",
        "provider": {"type": "aws", "region": "eu-west-1"},
        "head_node_type": "head",
        "available_node_types": {"head": HEAD, "vm": VM},
        **changes,
    }


def written(folder, content):
    path = folder / "mine.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"available_node_types": {"head": None, "vm": VM}}, "available_node_types.head"),
        ({"available_node_types": ["head"]}, "available_node_types"),
        ({"available_node_types": {"head": HEAD, "vm": [VM]}}, "available_node_types.vm"),
        ({"available_node_types": {"head": HEAD, 3: VM}}, "available_node_types.3"),
        ({"head_node_type": "boss"}, "head_node_type 'boss' is not a declared node type"),
        ({"provider": None}, "provider"),
        ({"provider": "aws"}, "provider"),
        ({"provider": {"type": ["aws"]}}, "provider.type"),
        ({"provider": {"type": "aws"}}, "provider.region is missing"),
        ({"provider": {"type": "gcp", "region": ""}}, "provider.region is missing"),
        ({"provider": {"type": "local"}}, "provider.head_ip is missing"),
        ({"provider": {"type": "local", "head_ip": "10.0.0.1"}}, "auth.ssh_user is missing"),
        ({"provider": {"type": "local", "head_ip": "-oProxyCommand=x"}}, "provider.head_ip"),
        *(({"provider": {"type": "local", "head_ip": host}}, "provider.head_ip") for host in SHELL),
        *(
            ({"provider": {"type": "local", "worker_ips": [host]}}, "worker_ips.0")
            for host in SHELL
        ),
        ({"auth": {"ssh_user": "-oProxyCommand=x"}}, "auth.ssh_user"),
        *(({"auth": {"ssh_user": user}}, "auth.ssh_user") for user in SHELL),
        ({"cluster_name": None}, "cluster_name"),
        ({"cluster_name": 5}, "cluster_name"),
        ({"file_mounts": ["./bench"]}, "file_mounts"),
        ({"file_mounts": {"~/x": 5}}, "file_mounts"),
        ({"idle_timeout_minutes": "soon"}, "idle_timeout_minutes"),
        ({"idle_timeout_minutes": True}, "idle_timeout_minutes"),
        ({"available_node_types": {"head": HEAD, "vm": {**VM, "min_workers": True}}}, "vm.min_wor"),
        ({"head_start_ray_commands": "ray start"}, "head_start_ray_commands"),
        ({"head_start_ray_commands": [5]}, "head_start_ray_commands.0"),
        ({"available_node_types": {"head": HEAD, "vm": {**VM, "min_workers": -1}}}, "min_workers"),
        ({"available_node_types": {"head": HEAD, "vm": {**VM, "labels": "x"}}}, "vm.labels"),
        ({"available_node_types": {"head": HEAD, "vm": {"node_config": []}}}, "vm.node_config"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_wrong_shape_is_refused_with_the_file_and_the_key(tmp_path, change, key):
    path = written(tmp_path, document(**change))
    with pytest.raises(RequestError) as caught:
        read_cluster_file(path)
    assert "mine.yaml is not a cluster file" in str(caught.value)
    assert key in str(caught.value)
    assert "Shape" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "- 1", "3", "apiVersion: eksctl.io/v1alpha5", "[" * 3000])
def test_a_file_of_another_tool_is_refused_if_named(tmp_path, capsys, text):
    path = written(tmp_path, text)
    assert run_command(["run", "--dry-run", "--grid", "smoke", "--cluster", str(path)]) == 2
    assert "mine.yaml is not a cluster file" in capsys.readouterr().err


def test_a_file_of_another_tool_that_merely_lies_here_is_skipped_with_a_note(
    tmp_path, monkeypatch, capsys, synthetic_at_once
):
    (tmp_path / "cluster.yaml").write_text("apiVersion: eksctl.io/v1alpha5\n")
    monkeypatch.chdir(tmp_path)
    words = ["run", "--dry-run", "--grid", "smoke", "--dataset", "synthetic"]
    assert run_command(words) == 0
    assert "cluster: cluster.yaml is skipped: cluster.yaml is not" in capsys.readouterr().out
    cluster, note = find_cluster(None, None)
    assert cluster is None
    assert "is skipped" in note


def test_a_folder_called_like_a_cluster_file_is_none(tmp_path, monkeypatch):
    (tmp_path / "cluster.yaml").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_cluster(None, None)[0] is None


def labelled(folder, **labels):
    types = {"head": HEAD, "vm": {**VM, "labels": {"bench-type": "vm", **labels}}}
    file = read_cluster_file(written(folder, document(available_node_types=types)))
    return next(node for node in file.types if node.name == "vm")


@pytest.mark.parametrize(
    ("word", "measured"),
    [
        *(("yes", True), ("Yes", True), ("true", True), (True, True), ("on", True)),
        *(("no", False), ("NO", False), ("False", False), (False, False)),
    ],
)
def test_every_word_for_yes_and_no_says_whether_a_type_is_measured(tmp_path, word, measured):
    assert labelled(tmp_path, **{"bench-measure": word}).measured is measured


@pytest.mark.parametrize(("word", "kind"), [("gpu", "gpu"), ("GPU", "gpu"), ("Cpu", "cloud")])
def test_capitals_do_not_matter_in_the_kind_of_a_type(tmp_path, word, kind):
    assert labelled(tmp_path, **{"bench-kind": word}).kind == kind


@pytest.mark.parametrize(
    "labels", [{"bench-measure": "maybe"}, {"bench-measure": ""}, {"bench-kind": "tpu"}], ids=str
)
def test_a_label_without_a_meaning_is_refused_with_its_name(tmp_path, labels):
    ((name, value),) = labels.items()
    with pytest.raises(RequestError, match=rf"vm: the label {name} .*seen: {value}"):
        labelled(tmp_path, **labels)


def test_a_file_that_leaves_its_types_to_ray_is_read_but_cannot_be_closed(tmp_path):
    small = {"cluster_name": "tiny", "provider": {"type": "aws", "region": "eu-west-1"}}
    file = read_cluster_file(written(tmp_path, small))
    assert file.types == ()
    for close in (aws.prepare, gcp.prepare):
        with pytest.raises(RequestError, match="declares no available_node_types"):
            close(file, "192.0.2.1/32", print)


@pytest.mark.parametrize("host", ["10.0.0.1", "gpu01.lab.example.org", "fe80::1%eth0", "my_host-2"])
def test_a_host_that_ssh_reaches_is_taken(tmp_path, host):
    on_site = {"type": "local", "head_ip": host, "worker_ips": [host]}
    changes = {"provider": on_site, "auth": {"ssh_user": "first.last-2"}}
    file = read_cluster_file(written(tmp_path, document(available_node_types=None, **changes)))
    assert firewall.all_hosts(file) == [host, host]


def test_every_file_that_is_shipped_has_the_shape():
    for path in (ROOT / "cluster.yaml", *(ROOT / "clusters").glob("*.yaml")):
        assert read_cluster_file(path).types
