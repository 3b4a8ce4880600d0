"""Closing an AWS cluster tighter than Ray does: one address for SSH, and a head with few rights."""

from __future__ import annotations

import ipaddress
import json
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from bench.errors import DispatchError, RequestError
from mnist_bench.cluster.config import ClusterFile

#: Tells the address that AWS sees this machine at.
ADDRESS_SERVICE = "https://checkip.amazonaws.com"

#: The tag by which Ray knows the instances of a cluster.
CLUSTER_TAG = "ray-cluster-name"

#: The whole internet, as a security group writes it.
WORLD = ("0.0.0.0/0", "::/0")


def my_address() -> str:
    """Return this machine's public address as a network of one. Raises DispatchError."""
    try:
        with urllib.request.urlopen(ADDRESS_SERVICE, timeout=10) as answer:
            return network_of(answer.read().decode().strip())
    except (OSError, RequestError) as error:
        raise DispatchError(
            "this machine's public address cannot be found out",
            seen=error,
            next_step="name it: mnist-bench cluster prepare --from 203.0.113.7",
        ) from error


def network_of(text: str) -> str:
    """Return an address or network in the form that a security group takes."""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise RequestError(
            "this is no address", seen=text, next_step="give one like 203.0.113.7"
        ) from None


def prepare(file: ClusterFile, source: str, say: Callable[[str], None]) -> Path:
    """Make the security group and the profile, and write the closed file; return its path."""
    name = f"mnist-bench-{file.name}"
    group = _security_group(_client(file, "ec2"), name, source)
    say(f"security group {group}: SSH from {source} alone, all within the cluster")
    profile = _profile(_client(file, "iam"), name, file)
    say(f"instance profile {name}: the head may start and end this cluster's instances alone")
    document = json.loads(json.dumps(file.document))
    for declared in document["available_node_types"].values():
        declared["node_config"]["SecurityGroupIds"] = [group]
    head = document["available_node_types"][document["head_node_type"]]
    head["node_config"]["IamInstanceProfile"] = {"Arn": profile}
    path = file.path.with_name(f"{file.path.stem}.prepared.yaml")
    note = (
        f"# Made of {file.path.name} by `mnist-bench cluster prepare`; the same cluster, closed.\n"
    )
    path.write_text(note + yaml.safe_dump(document, sort_keys=False))
    return path


def complaints(file: ClusterFile) -> Iterator[str]:
    """Yield what is looser than it need be, in words. Raises DispatchError where AWS fails."""
    ec2 = _client(file, "ec2")
    for name, declared in file.document["available_node_types"].items():
        groups = declared["node_config"].get("SecurityGroupIds")
        if not groups:
            yield f"{name}: Ray will open SSH to the whole internet"
            continue
        for what in _open_to_world(ec2, groups):
            yield f"{name}: {what}"
    head = file.document["available_node_types"][file.document["head_node_type"]]
    if "IamInstanceProfile" not in head["node_config"]:
        yield "the head will have full rights on EC2 and S3 (Ray's default role)"


def running(file: ClusterFile) -> list[str]:
    """Return the instances of the cluster that are not ended, as `id type`."""
    filters = [
        {"Name": f"tag:{CLUSTER_TAG}", "Values": [file.name]},
        {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]},
    ]
    with _asking("describe instances"):
        pages = _client(file, "ec2").get_paginator("describe_instances").paginate(Filters=filters)
        return [
            f"{instance['InstanceId']} {instance['InstanceType']}"
            for page in pages
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        ]


class _asking:
    """Turns what AWS answers to a question that fails into a DispatchError."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, Exception) and type(error).__module__.startswith("botocore"):
            raise DispatchError(
                f"AWS refused to {self._what}",
                seen=str(error)[:300],
                next_step="check the credentials and their rights",
            ) from error


def _client(file: ClusterFile, service: str) -> Any:
    try:
        import boto3
    except ImportError as error:
        raise DispatchError(
            "boto3 is not installed", next_step="install it: make setup EXTRAS=aws"
        ) from error
    return boto3.client(service, region_name=file.region)


def _security_group(ec2: Any, name: str, source: str) -> str:
    """Return the group's id, made now or taken up; its SSH rule is that of `source` alone."""
    with _asking("make a security group"):
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
                GroupName=name, Description="mnist-bench cluster", VpcId=vpcs[0]["VpcId"]
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
    return group


def _profile(iam: Any, name: str, file: ClusterFile) -> str:
    """Return the ARN of an instance profile with no more rights than the head needs."""
    trust = _statement("sts:AssumeRole", Principal={"Service": "ec2.amazonaws.com"})
    with _asking("make an instance profile"):
        try:
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_policy(trust)))
            iam.create_instance_profile(InstanceProfileName=name)
            iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        except iam.exceptions.EntityAlreadyExistsException:
            pass
        policy = json.dumps(head_policy(file.name))
        iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=policy)
        return iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Arn"]


def head_policy(cluster: str) -> dict[str, Any]:
    """Return what the head may do: look, start instances, and end those of its own cluster."""
    look = ["ec2:Describe*", "ssm:GetParameter", "ssm:GetParameters"]
    start = ["ec2:RunInstances", "ec2:CreateTags"]
    end = ["ec2:TerminateInstances", "ec2:StopInstances", "ec2:StartInstances"]
    own = {"StringEquals": {f"ec2:ResourceTag/{CLUSTER_TAG}": cluster}}
    return _policy(
        _statement(look, Resource="*"),
        _statement(start, Resource="*"),
        _statement(end, Resource="*", Condition=own),
    )


def _policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _statement(action: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, **more}


def _open_to_world(ec2: Any, groups: list[str]) -> Iterator[str]:
    with _asking("describe security groups"):
        described = ec2.describe_security_groups(GroupIds=groups)["SecurityGroups"]
    for group in described:
        for rule in group["IpPermissions"]:
            sources = [each["CidrIp"] for each in rule.get("IpRanges", ())]
            sources += [each["CidrIpv6"] for each in rule.get("Ipv6Ranges", ())]
            ports = f"ports {rule['FromPort']} to {rule['ToPort']}" if "FromPort" in rule else "all"
            for source in sources:
                if source in WORLD:
                    yield f"{group['GroupId']} opens {ports} to the whole internet"
