"""cluster.yaml through Ray's own launcher against a simulated AWS (moto), in this process.

ssh and rsync are stand-ins that note their words and succeed, as there is no machine behind the
simulation: what is asked of EC2 is tested here, what the commands do in tests/e2e.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from bench.cluster import aws
from bench.cluster.address import network_of
from bench.cluster.check import issue_sentences
from bench.cluster.config import read_cluster_file
from bench.cluster.images import named_by_id
from bench.errors import DispatchError, RequestError

boto3 = pytest.importorskip("boto3", reason="the test extra brings boto3 and moto")
moto = pytest.importorskip("moto")
Stubber = pytest.importorskip("botocore.stub").Stubber

pytestmark = [pytest.mark.plain_ray, pytest.mark.slow]  # Ray's own launcher, in this process

QUOTA = aws.quota_of
ROOT = Path(__file__).resolve().parents[3]
ME = "203.0.113.7/32"
NARROW = "bench-mnist-bench"
SHIM = '#!/bin/sh\nprintf "%s\\n" "$*" >>{log}\ncase "$*" in *uptime*) echo up;; esac\nexit 0\n'


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    """An empty AWS account, a home of its own, and ssh and rsync that only take notes."""
    folder = tmp_path_factory.mktemp("aws")
    log, tools = folder / "commands", folder / "bin"
    tools.mkdir()
    for name in ("ssh", "rsync", "scp"):
        (tools / name).write_text(SHIM.format(log=log))
        (tools / name).chmod(0o755)
    log.touch()
    variables = {"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(folder)}
    variables |= {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    variables |= {"AWS_DEFAULT_REGION": "us-west-2"}
    logging.getLogger("ray").setLevel(logging.ERROR)
    managed = {"iam": {"load_aws_managed_policies": True}}
    with pytest.MonkeyPatch.context() as patch, moto.mock_aws(config=managed):
        for name, value in variables.items():
            patch.setenv(name, value)
        patch.setattr(aws, "quota_of", lambda quotas, code: None)  # moto knows no quota of EC2
        patch.chdir(ROOT)
        _wait_for_nothing(patch)
        _forget_clients()
        yield folder
    _forget_clients()


def _wait_for_nothing(patch):
    """Cut the pauses in which Ray's launcher lets a real AWS catch up: moto needs none."""
    from ray.autoscaler._private import commands
    from ray.autoscaler._private.aws import config, node_provider

    patch.setattr(config, "time", SimpleNamespace(sleep=lambda seconds: None))
    patch.setattr(commands, "POLL_INTERVAL", 0.1)
    patch.setattr(node_provider, "TAG_BATCH_DELAY", 0.1)


def _forget_clients():
    """Let Ray's launcher make its AWS clients anew: it keeps them for the life of a process."""
    from ray.autoscaler._private.aws import utils

    for cached in ("resource_cache", "client_cache"):
        getattr(utils, cached).cache_clear()


def ray_up(path):
    """Do what `ray up` does and return the configuration that it ended with."""
    from ray.autoscaler import sdk

    document = yaml.safe_load(Path(path).read_text())
    sdk.create_or_update_cluster(document, no_config_cache=True)
    return document


def ray_down(path):
    from ray.autoscaler import sdk

    sdk.teardown_cluster(yaml.safe_load(Path(path).read_text()))


def instances(states=("pending", "running")):
    ec2 = boto3.client("ec2")
    filters = [{"Name": "instance-state-name", "Values": list(states)}]
    pages = ec2.describe_instances(Filters=filters)["Reservations"]
    return [instance for page in pages for instance in page["Instances"]]


def ssh_sources(instance):
    """Return from where SSH, and any other port, is open to an instance."""
    ids = [group["GroupId"] for group in instance["SecurityGroups"]]
    groups = boto3.client("ec2").describe_security_groups(GroupIds=ids)["SecurityGroups"]
    return {
        (rule.get("FromPort"), source["CidrIp"])
        for group in groups
        for rule in group["IpPermissions"]
        for source in rule.get("IpRanges", ())
    }


@pytest.fixture(scope="module")
def typed(account):
    """What `ray up cluster.yaml`, as typed, leaves in the account, and then `ray down`."""
    file = read_cluster_file(Path("cluster.yaml"))
    ray_up("cluster.yaml")
    up = instances()
    seen = {
        "up": up,
        "running": aws.running(file),
        "sources": ssh_sources(up[0]),
        "open": aws.open_ways(file),
        "said": (account / "commands").read_text(),
        "token here": list(account.glob(".ray/auth_token")),
    }
    ray_down("cluster.yaml")
    states = ("pending", "running", "stopping", "stopped")
    return {**seen, "left": instances(states), "running left": aws.running(file)}


def test_ray_up_as_typed_starts_the_small_head_alone(typed):
    (head,) = typed["up"]
    assert head["InstanceType"] == "t3.medium"
    tags = {tag["Key"]: tag["Value"] for tag in head["Tags"]}
    assert tags["ray-cluster-name"] == "mnist-bench"
    assert tags["ray-node-type"] == "head"
    assert typed["running"] == [f"{head['InstanceId']} t3.medium"]


def test_ray_down_leaves_nothing(typed):
    assert typed["left"] == typed["running left"] == []


def test_the_head_is_told_to_make_a_token_and_to_keep_the_dashboard_on_loopback(typed):
    assert "tools/make-token.sh" in typed["said"]
    assert "EXTRAS=aws" in typed["said"]
    start = next(line for line in typed["said"].splitlines() if "ray start --head" in line)
    assert "tools/ray-env.sh" in start
    assert "--dashboard-host=127.0.0.1" in start
    assert "bench.cluster.images" in typed["said"]
    assert typed["token here"] == [], "the laptop needs no token for ray up"


def test_without_preparing_ray_opens_ssh_to_the_world_and_the_check_says_so(typed):
    assert typed["sources"] == {(22, "0.0.0.0/0")}
    assert "opens ports 22 to 22 to the whole internet" in " ".join(typed["open"])
    said = " ".join(issue_sentences(read_cluster_file(Path("cluster.yaml"))))
    assert "SSH to the whole internet" in said
    assert "full rights" in said


@pytest.fixture(scope="module")
def prepared(typed, account):
    """The cluster of the file that `cluster prepare` writes, up, with one worker of each type."""
    from ray.autoscaler import sdk
    from ray.autoscaler._private.providers import _get_node_provider

    iam, copy = boto3.client("iam"), account / "cluster.yaml"
    before = {role["RoleName"] for role in iam.list_roles()["Roles"]}
    copy.write_text(Path("cluster.yaml").read_text())
    aws.prepare(read_cluster_file(copy), "198.51.100.9/32", lambda line: None)
    path = aws.prepare(read_cluster_file(copy), ME, lambda line: None)  # from a new address
    config = sdk.bootstrap_config(ray_up(path), no_config_cache=True)
    provider = _get_node_provider(config["provider"], config["cluster_name"])
    for name in WORKERS:
        tags = {"ray-node-type": "worker", "ray-user-node-type": name, "ray-node-name": name}
        provider.create_node(config["available_node_types"][name]["node_config"], tags, 1)
    roles = {role["RoleName"] for role in iam.list_roles()["Roles"]} - before
    return {"path": path, "up": {one["InstanceType"]: one for one in instances()}, "roles": roles}


WORKERS = {"vm": "m5.large", "compute": "c7i.xlarge", "arm": "c7g.xlarge", "gpu": "g4dn.xlarge"}


def test_prepared_every_type_is_launched_with_ssh_open_to_the_last_address_and_nothing_else(
    prepared,
):
    assert set(prepared["up"]) == {"t3.medium", *WORKERS.values()}
    for instance in prepared["up"].values():
        assert ssh_sources(instance) == {(22, ME)}
    file = read_cluster_file(prepared["path"])
    assert list(issue_sentences(file)) == []
    assert aws.open_ways(file) == []


def test_prepared_the_head_has_the_narrow_profile_and_workers_have_none(prepared):
    head = prepared["up"]["t3.medium"]
    assert head["IamInstanceProfile"]["Arn"].endswith(NARROW)
    assert prepared["roles"] == {NARROW}, "Ray makes no role of its own"
    assert not [w for w in WORKERS.values() if "IamInstanceProfile" in prepared["up"][w]]
    iam = boto3.client("iam")
    policy = iam.get_role_policy(RoleName=NARROW, PolicyName=NARROW)["PolicyDocument"]
    own = {"ec2:ResourceTag/ray-cluster-name": "mnist-bench"}
    for action, conditions in (
        ("ec2:TerminateInstances", [own]),
        ("ec2:CreateTags", [{"ec2:CreateAction": "RunInstances"}, own]),
    ):
        allowed = [s for s in policy["Statement"] if action in s["Action"]]
        assert [s["Condition"]["StringEquals"] for s in allowed] == conditions
    assert iam.list_attached_role_policies(RoleName=NARROW)["AttachedPolicies"] == []


def test_an_open_group_of_the_user_s_own_is_named_by_the_check(account, tmp_path):
    ec2 = boto3.client("ec2")
    group = ec2.create_security_group(GroupName="wide", Description="wide")["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=8265, ToPort=8265, CidrIp="0.0.0.0/0"
    )
    document = yaml.safe_load(Path("cluster.yaml").read_text())
    document["available_node_types"]["vm"]["node_config"]["SecurityGroupIds"] = [group]
    path = tmp_path / "open.yaml"
    path.write_text(json.dumps(document))
    said = list(issue_sentences(read_cluster_file(path)))
    assert any(f"vm: {group} opens ports 8265 to 8265 to the whole" in each for each in said)


def test_quotas_that_are_too_small_are_named_before_money_is_spent(account, monkeypatch):
    """Botocore's own stub answers as AWS does of a new account."""
    quotas = boto3.client("service-quotas")
    answers = Stubber(quotas)
    given = iter([("Standard", "L-1216C47A", 32.0), ("G and VT", "L-DB2E81BA", 0.0)])
    for name, code, value in given:
        asked = {"ServiceCode": "ec2", "QuotaCode": code}
        if value:
            answers.add_client_error("get_service_quota", "NoSuchResourceException")
            way = "get_aws_default_service_quota"
        else:
            way = "get_service_quota"
        answers.add_response(way, {"Quota": {"QuotaName": name, "Value": value}}, asked)
    monkeypatch.setattr(aws, "quota_of", QUOTA)
    real = aws.client
    monkeypatch.setattr(
        aws,
        "client",
        lambda what, *region: quotas if what == "service-quotas" else real(what, *region),
    )
    with answers:
        said = list(issue_sentences(read_cluster_file(Path("cluster.yaml"))))
    (named,) = [each for each in said if "quota" in each]
    assert named.startswith("the quota 'G and VT' (L-DB2E81BA) allows 0 of 4 CPUs; ask for more: ")
    assert named.endswith("--quota-code L-DB2E81BA --desired-value 4")
    answers.assert_no_pending_responses()


def test_the_head_names_the_workers_images_by_id_as_its_role_may_not_read_parameters():
    """Botocore's own stub answers: moto holds none of the images that are asked for."""
    document = yaml.safe_load(Path("cluster.yaml").read_text())
    head = document["available_node_types"]["head"]["node_config"]["ImageId"]
    ec2 = boto3.client("ec2", region_name="us-west-2")
    answers = Stubber(ec2)
    for owner, name in (
        ("099720109477", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-*"),
        ("099720109477", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-*"),
        ("099720109477", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-arm64-server-*"),
        ("amazon", "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04) *"),
    ):
        asked = [{"Name": "name", "Values": [name]}, {"Name": "state", "Values": ["available"]}]
        images = [
            {"ImageId": "ami-old", "CreationDate": "2026-01-02T00:00:00.000Z"},
            {"ImageId": f"ami-{owner[:3]}", "CreationDate": "2026-10-02T00:00:00.000Z"},
        ]
        found = {"Images": [] if "arm64" in name else images}
        answers.add_response("describe_images", found, {"Owners": [owner], "Filters": asked})
    with answers:
        missing = named_by_id(document, ec2)
    answers.assert_no_pending_responses()
    types = document["available_node_types"]
    ids = {name: declared["node_config"]["ImageId"] for name, declared in types.items()}
    assert (ids["vm"], ids["compute"], ids["gpu"]) == ("ami-099", "ami-099", "ami-ama")
    assert ids["head"] == head, "the laptop has started it already"
    assert ids["arm"].startswith("resolve:ssm:")
    assert [words.split(":")[0] for words in missing] == ["arm"]


def test_what_aws_refuses_is_an_error_with_its_words(account, tmp_path):
    document = yaml.safe_load(Path("cluster.yaml").read_text())
    document["available_node_types"]["vm"]["node_config"]["SecurityGroupIds"] = ["sg-none"]
    path = tmp_path / "wrong.yaml"
    path.write_text(json.dumps(document))
    with pytest.raises(DispatchError, match="AWS refused"):
        list(aws.issues(read_cluster_file(path)))


def test_an_address_that_is_none_is_refused():
    with pytest.raises(RequestError, match="not an address"):
        network_of("my house")
    assert network_of("203.0.113.7") == ME
