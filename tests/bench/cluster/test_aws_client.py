"""Wrong settings of AWS on this machine: told as what they are, and never the end of a run."""

from __future__ import annotations

import shutil

import pytest
from conftest import ROOT

from bench.cluster.aws_client import asking, client, why_not
from bench.cluster.find import find_cluster
from bench.errors import DispatchError

boto3 = pytest.importorskip("boto3", reason="the test extra brings boto3")

WRONG = {
    "a profile that is not there": {"AWS_PROFILE": "nosuch"},
    "no configuration": {"AWS_CONFIG_FILE": b"this is\nno = [configuration"},
    "bytes that are no text": {"AWS_CONFIG_FILE": b"[default]\nregion = \xfc\n"},
    "credentials without a form": {"AWS_SHARED_CREDENTIALS_FILE": b"[default\n"},
}


@pytest.fixture(params=WRONG.values(), ids=WRONG)
def wrong(request, tmp_path, monkeypatch):
    """One wrong setting; the folder holds the cluster file of the project."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in request.param.items():
        if isinstance(value, bytes):
            (tmp_path / name).write_bytes(value)
            value = str(tmp_path / name)
        monkeypatch.setenv(name, value)
    shutil.copy(ROOT / "cluster.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)


def test_a_run_skips_the_cluster_that_merely_lies_there_and_says_why(wrong):
    cluster, note = find_cluster(None, None)
    assert cluster is None
    assert "cluster.yaml is skipped: AWS's settings on this machine cannot be used (seen: " in note


def test_whoever_names_the_cluster_reads_what_to_mend(wrong):
    with pytest.raises(DispatchError, match=r"cannot be used .*~/\.aws/config"):
        client("ec2", "us-west-2")


@pytest.mark.parametrize(
    ("variable", "value", "region"),
    [("AWS_ENDPOINT_URL", "not an address", "us-west-2"), ("HOME", "/", "no region at all!")],
)
def test_an_endpoint_or_a_region_that_cannot_be_is_an_error_of_the_settings(
    monkeypatch, variable, value, region
):
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setenv(variable, value)
    with pytest.raises(DispatchError, match="settings on this machine cannot be used"):
        client("ec2", region)


def test_without_credentials_aws_is_not_asked(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert why_not() == "no AWS credentials"


def test_a_fault_of_ours_while_aws_is_asked_is_not_told_as_a_refusal():
    with pytest.raises(KeyError), asking("describe instances"):
        {}["nothing"]


def test_a_network_that_is_down_is_told_as_such():
    told = pytest.raises(DispatchError, match=r"refused to describe instances \(seen: no route")
    with told, asking("describe instances"):
        raise OSError("no route to host")


def test_without_credentials_a_refusal_says_how_to_give_them():
    missing = pytest.importorskip("botocore.exceptions").NoCredentialsError()
    with pytest.raises(DispatchError, match=r"locate credentials.*aws configure"), asking("look"):
        raise missing
