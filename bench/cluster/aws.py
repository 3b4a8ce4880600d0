"""Closing an AWS cluster tighter than Ray does: one address for SSH, and a head with few rights."""

from __future__ import annotations

import contextlib
import copy
import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.cluster.aws_client import asking, client
from bench.cluster.config import PREFIX, ClusterFile, require_types, write_prepared
from bench.cluster.issue import Issue
from bench.errors import DispatchError

#: The tag by which Ray knows the instances of a cluster.
CLUSTER_TAG = "ray-cluster-name"

#: Quotas of running instances in CPUs, on demand and spot, by the letters that begin a type's name.
#: Source: the list of EC2's quotas in AWS's Service Quotas, as known in November 2026.
STANDARD, GRAPHICS, TRAINING = (
    ("L-1216C47A", "L-34B43A08"),
    ("L-DB2E81BA", "L-3819A6DF"),
    ("L-417A185B", "L-7212CCBC"),
)
QUOTAS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"), STANDARD),
    **dict.fromkeys(("g", "gr", "vt"), GRAPHICS),
    "p": TRAINING,
}

#: The command that asks AWS for a larger quota; it answers after hours or days.
ASK_FOR_MORE = (
    "ask for more: aws service-quotas request-service-quota-increase --service-code ec2 "
    "--quota-code {code} --desired-value {need}"
)

#: The whole internet, as a security group writes it.
WORLD = ("0.0.0.0/0", "::/0")


def prepare(file: ClusterFile, source: str, say: Callable[[str], None]) -> Path:
    """Make the security group and the profile, and write the closed file; return its path."""
    require_types(file)
    name = f"{PREFIX}{file.name}"
    group = _security_group(client("ec2", file.region), name, source)
    say(f"security group {group}: SSH only from {source}, everything within the cluster")
    profile = _profile(client("iam", file.region), name, file)
    say(f"instance profile {name}: the head may start and end only this cluster's instances")
    document = copy.deepcopy(dict(file.document))
    for declared in document["available_node_types"].values():
        declared["node_config"]["SecurityGroupIds"] = [group]
    head = document["available_node_types"][document["head_node_type"]]
    head["node_config"]["IamInstanceProfile"] = {"Arn": profile}
    return write_prepared(file, document)


def issues(file: ClusterFile) -> Iterator[Issue]:
    """Yield what is looser than it need be, in words. Raises DispatchError if AWS fails."""
    require_types(file)
    ec2 = client("ec2", file.region)
    for name, declared in file.document["available_node_types"].items():
        groups = declared["node_config"].get("SecurityGroupIds")
        if not groups:
            yield Issue(f"{name}: Ray will open SSH to the whole internet", prepared=True)
            continue
        for what in _open_to_world(ec2, groups):
            yield Issue(f"{name}: {what}", prepared=True)
    head = file.document["available_node_types"][file.document["head_node_type"]]
    if "IamInstanceProfile" not in head["node_config"]:
        what = "the head will have full rights on EC2 and S3 (Ray's default role)"
        yield Issue(what, prepared=True)
    yield from _short_of(file, ec2)


def running(file: ClusterFile) -> list[str]:
    """Return the instances of the cluster that are not ended, as `id type`."""
    states = ("pending", "running", "stopping", "stopped")
    found = _instances(client("ec2", file.region), file, states)
    return [f"{one['InstanceId']} {one['InstanceType']}" for one in found]


def open_ways(file: ClusterFile) -> list[str]:
    """Return what the groups of the cluster's running machines open to the whole internet."""
    ec2 = client("ec2", file.region)
    found = _instances(ec2, file, ("pending", "running"))
    groups = {group["GroupId"] for one in found for group in one["SecurityGroups"]}
    return list(_open_to_world(ec2, sorted(groups))) if groups else []


def _instances(ec2: Any, file: ClusterFile, states: Sequence[str]) -> list[dict[str, Any]]:
    """Return the cluster's instances that are in one of the states."""
    filters = [
        {"Name": f"tag:{CLUSTER_TAG}", "Values": [file.name]},
        {"Name": "instance-state-name", "Values": list(states)},
    ]
    with asking("describe instances"):
        pages = ec2.get_paginator("describe_instances").paginate(Filters=filters)
        return [
            instance
            for page in pages
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        ]


def _security_group(ec2: Any, name: str, source: str) -> str:
    """Return the id of the group, new or existing; it allows SSH only from `source`."""
    with asking("make a security group"):
        filters = [{"Name": "group-name", "Values": [name]}]
        found = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
        if found:
            group = found[0]["GroupId"]
            if found[0]["IpPermissions"]:
                ec2.revoke_security_group_ingress(
                    GroupId=group, IpPermissions=found[0]["IpPermissions"]
                )
        else:
            vpcs = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
            if not vpcs:
                raise DispatchError(
                    "this account has no default network in the region",
                    next_step="make one, or write SecurityGroupIds and SubnetIds by hand",
                )
            made = ec2.create_security_group(
                GroupName=name, Description=f"benchmark cluster {name}", VpcId=vpcs[0]["VpcId"]
            )
            group = made["GroupId"]
        address = ipaddress.ip_network(source)
        ranges = (
            {"IpRanges": [{"CidrIp": source}]}
            if address.version == 4
            else {"Ipv6Ranges": [{"CidrIpv6": source}]}
        )
        ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, **ranges}
        inside = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[ssh, inside])
    return str(group)


def _profile(iam: Any, name: str, file: ClusterFile) -> str:
    """Return the ARN of an instance profile with no more rights than the head needs."""
    trust = _statement("sts:AssumeRole", Principal={"Service": "ec2.amazonaws.com"})
    with asking("make an instance profile"):
        there = iam.exceptions.EntityAlreadyExistsException
        with contextlib.suppress(there):
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_policy(trust)))
        with contextlib.suppress(there):
            iam.create_instance_profile(InstanceProfileName=name)
        made = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
        if not made["Roles"]:
            iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        policy = json.dumps(head_policy(file.name))
        iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=policy)
        return str(made["Arn"])


def head_policy(cluster: str) -> dict[str, Any]:
    """Return what the head may do: look, start instances, and end those of its own cluster.

    It may tag an instance while it starts it; later, one of its own alone.
    """
    look = ["ec2:Describe*", "ssm:GetParameter", "ssm:GetParameters"]
    end = ["ec2:TerminateInstances", "ec2:StopInstances", "ec2:StartInstances", "ec2:CreateTags"]
    born = {"StringEquals": {"ec2:CreateAction": "RunInstances"}}
    own = {"StringEquals": {f"ec2:ResourceTag/{CLUSTER_TAG}": cluster}}
    return _policy(
        _statement(look, Resource="*"),
        _statement("ec2:RunInstances", Resource="*"),
        _statement("ec2:CreateTags", Resource="*", Condition=born),
        _statement(end, Resource="*", Condition=own),
    )


def _policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _statement(action: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, **more}


def _short_of(file: ClusterFile, ec2: Any) -> Iterator[Issue]:
    """Yield the quotas that are too small for one machine of a type beside the others."""
    needs: dict[str, int] = {}
    with asking("describe instance types"):
        types = {node.machine for node in file.types if node.machine}
        described = ec2.describe_instance_types(InstanceTypes=sorted(types))["InstanceTypes"]
    cores = {one["InstanceType"]: one["VCpuInfo"]["DefaultVCpus"] for one in described}
    for node in file.types:
        letters = re.split("[^a-z]", node.machine or "", maxsplit=1)[0]
        if codes := QUOTAS.get(letters):
            code = codes[node.spot]
            needs[code] = needs.get(code, 0) + node.count * cores.get(node.machine, 0)
    for code, need in needs.items():
        quota = quota_of(client("service-quotas", file.region), code)
        if quota is not None and quota[1] < need:
            what = f"the quota {quota[0]!r} ({code}) allows {quota[1]:g} of {need} CPUs"
            yield Issue(what, cure=ASK_FOR_MORE.format(code=code, need=need), stops=True)


def quota_of(quotas: Any, code: str) -> tuple[str, float] | None:
    """Return a quota's name and value (AWS's default if it is not set); None if unknown."""
    with asking("read the quotas"):
        for ask in (quotas.get_service_quota, quotas.get_aws_default_service_quota):
            try:
                quota = ask(ServiceCode="ec2", QuotaCode=code)["Quota"]
            except quotas.exceptions.NoSuchResourceException:
                continue
            return quota["QuotaName"], quota["Value"]
    return None


def _open_to_world(ec2: Any, groups: list[str]) -> Iterator[str]:
    with asking("describe security groups"):
        described = ec2.describe_security_groups(GroupIds=groups)["SecurityGroups"]
    for group in described:
        for rule in group["IpPermissions"]:
            sources = [each["CidrIp"] for each in rule.get("IpRanges", ())]
            sources += [each["CidrIpv6"] for each in rule.get("Ipv6Ranges", ())]
            ports = f"ports {rule['FromPort']} to {rule['ToPort']}" if "FromPort" in rule else "all"
            for source in sources:
                if source in WORLD:
                    yield f"{group['GroupId']} opens {ports} to the whole internet"
