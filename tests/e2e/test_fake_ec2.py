"""cluster.yaml as a whole on a fake EC2 with real hosts behind it: up, measured, idle, down.

The API is moto's server; each instance is a host of the lab (a network namespace with real sshd).
"""

from __future__ import annotations

import pytest

from bench.record.lines import JobRecord
from tests.e2e import journey
from tests.lab import ec2, hosts, onprem

NO_CAPACITY = "InsufficientInstanceCapacity"

#: The name of the role, and of its profile, that Ray makes for a head.
RAY_S_ROLE = "ray-autoscaler-v1"

#: States of an instance that costs.
COSTING = ("pending", "running")

pytest.importorskip("moto", reason="the test extra brings moto")
WHY_NOT = hosts.why_not()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(WHY_NOT is not None, reason=WHY_NOT or ""),
]


@pytest.fixture(scope="module")
def visit(tmp_path_factory):
    """Bring the cluster up, measure, wait for idle machines to end, and take it down."""
    folder = tmp_path_factory.mktemp("ec2")
    home, seen = folder / "home", {}
    home.mkdir()
    with hosts.Lab(folder / "lab") as lab, ec2.FakeEc2(lab, folder) as fake:
        journey.wait_for(lambda: _answers(fake), 60)
        _fill_account(fake, lab)
        path = ec2.write_file(lab, fake, folder)
        environment = {**onprem.environment(home), **fake.environment}
        up = onprem.ray("up", path, environment)
        assert up.returncode == 0, up.stdout[-3000:] + up.stderr[-3000:] + str(fake.trouble)
        seen["after up"] = _types(fake)
        words = [*journey.SMALL_PRODUCTS, "--cluster", str(path), "--label", "laptop"]
        out = folder / "reports"
        process = journey.start(journey.command(*words, out=out), **environment)
        seen["result"] = journey.finish(process, 580)
        journey.wait_for(lambda: _types(fake) == ["t3.medium"], 400)  # fails if none is ended
        seen["ever"] = _types(fake, "pending", "running", "shutting-down", "terminated")
        seen["down"] = onprem.ray("down", path, environment).returncode
        seen["left"] = fake.instances("pending", "running", "stopping", "stopped")
        seen["trouble"] = fake.trouble
    return {**seen, "out": out}


def _answers(fake):
    try:
        return fake.instances("running") is not None
    except Exception:
        return False


def _fill_account(fake, lab):
    """Put into the account what a user has who typed `ray up` before: a key, and Ray's role.

    Ray waits for half a minute after it has made the role, so that all of AWS knows it. An account
    without one is tested in tests/bench/cluster/test_aws.py.
    """
    import boto3

    known = {"endpoint_url": fake.environment["AWS_ENDPOINT_URL"], **_KEYS}
    public = lab.key.with_suffix(".pub").read_bytes()
    boto3.client("ec2", **known).import_key_pair(KeyName="lab", PublicKeyMaterial=public)
    iam = boto3.client("iam", **known)
    iam.create_instance_profile(InstanceProfileName=RAY_S_ROLE)
    iam.create_role(RoleName=RAY_S_ROLE, AssumeRolePolicyDocument="{}")
    iam.add_role_to_instance_profile(InstanceProfileName=RAY_S_ROLE, RoleName=RAY_S_ROLE)


_KEYS = {
    "aws_access_key_id": "testing",
    "aws_secret_access_key": "testing",
    "region_name": "us-west-2",
}


def _types(fake, *states):
    """Return the types of the instances in `states`; without any, of those that cost."""
    return sorted(one["InstanceType"] for one in fake.instances(*(states or COSTING)))


def records(visit):
    lines = journey.records(journey.journals(visit["out"])[0])
    return [JobRecord.model_validate(line) for line in lines]


def machines(visit):
    """Return the journal's lines of the cluster's machines, as plain JSON objects."""
    lines = journey.lines(journey.journals(visit["out"])[0])
    return [line for line in lines if line.get("entry") == "machine" and not line["own"]]


def test_ray_up_starts_the_head_alone(visit):
    assert visit["after up"] == ["t3.medium"]
    assert visit["trouble"] == []


def test_a_run_has_one_machine_of_each_type_started_and_measures_them(visit):
    code, output = visit["result"]
    assert code == 1, output  # the GPU that was only declared fails its job
    assert visit["ever"] == ["c7i.xlarge", "g4dn.xlarge", "m5.large", "t3.medium"]
    measured = {
        record.label.split()[0]: record.measurement is not None for record in records(visit)
    }
    assert measured == {"laptop": True, "vm": True, "compute": True, "gpu": False}


def test_a_type_that_there_is_no_capacity_for_is_a_row_with_aws_s_own_words(visit):
    (refused,) = (entry for entry in machines(visit) if entry["reason"])
    assert refused["label"] == "arm"
    assert NO_CAPACITY in refused["reason"]
    assert f"unavailable: arm: {refused['reason']}" in visit["result"][1]
    rows = journey.summary(visit["out"])["failures"]
    assert [row["label"] for row in rows if NO_CAPACITY in str(row)] == ["arm"]


def test_the_declared_gpu_fails_plainly(visit):
    (record,) = (r for r in records(visit) if r.label.startswith("gpu "))
    assert record.failure.reason == "no GPU visible"
    assert "no GPU visible" in visit["result"][1]


def test_the_price_of_each_machine_is_in_the_journal(visit):
    prices = {e["host_type"]: e["usd_per_hour"] for e in machines(visit) if e["host_type"]}
    assert prices == {"vm": 0.096, "compute": 0.1785, "gpu": 0.526}


def test_the_run_says_what_still_costs(visit):
    assert "its head still runs (0.0416 USD an hour: bench-usd-per-hour of " in visit["result"][1]


def test_ray_down_leaves_no_machine(visit):
    assert visit["down"] == 0
    assert visit["left"] == []


def test_there_is_one_report_of_all_machines(visit):
    rows = journey.summary(visit["out"])["machines"]
    assert len([row for row in rows if row["machine_id"]]) == 4
