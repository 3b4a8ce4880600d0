"""Limits of control groups: trees of versions 1 and 2 as they look on hosts and in containers."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.probe.cgroup import cpu_quota, memberships, memory_limit

GIB = 2**30


@pytest.fixture
def tree(tmp_path):
    """Make a control group tree from file contents; return its root and membership."""

    def make(membership: str | None, files: dict[str, str]) -> tuple[Path, Path]:
        root, own = tmp_path / "cgroup", tmp_path / "self"
        root.mkdir()
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n")
        if membership is not None:
            own.write_text(membership)
        return root, own

    return make


def limits(root: Path, membership: Path) -> tuple[float | None, int | None]:
    return cpu_quota(root, membership), memory_limit(root, membership)


def test_version_2_limits_are_read_from_the_own_group(tree):
    files = {"a/b/cpu.max": "150000 100000", "a/b/memory.max": str(2 * GIB)}
    assert limits(*tree("0::/a/b\n", files)) == (1.5, 2 * GIB)


def test_version_1_limits_are_read_from_the_controllers_own_groups(tree):
    membership = "5:cpu,cpuacct:/job\n3:memory:/job\n1:name=systemd:/x\n"
    files = {
        "cpu/job/cpu.cfs_quota_us": "50000",
        "cpu/job/cpu.cfs_period_us": "100000",
        "memory/job/memory.limit_in_bytes": str(GIB),
    }
    assert limits(*tree(membership, files)) == (0.5, GIB)


@pytest.mark.parametrize(("outer", "inner"), [(1, 4), (4, 1)])
def test_the_smallest_limit_of_the_group_and_its_ancestors_is_in_force(tree, outer, inner):
    files = {
        "a/cpu.max": f"{outer}00000 100000",
        "a/b/cpu.max": f"{inner}00000 100000",
        "a/memory.max": str(outer * GIB),
        "a/b/memory.max": str(inner * GIB),
    }
    assert limits(*tree("0::/a/b\n", files)) == (1.0, GIB)


def test_a_version_1_ancestor_limits_its_descendants(tree):
    membership = "5:cpu,cpuacct:/outer/inner\n3:memory:/outer/inner\n"
    files = {
        "cpu/outer/cpu.cfs_quota_us": "200000",
        "cpu/outer/cpu.cfs_period_us": "100000",
        "cpu/outer/inner/cpu.cfs_quota_us": "-1",
        "cpu/outer/inner/cpu.cfs_period_us": "100000",
        "memory/outer/memory.limit_in_bytes": str(GIB),
        "memory/outer/inner/memory.limit_in_bytes": str(2**63 - 4096),
    }
    assert limits(*tree(membership, files)) == (2.0, GIB)


@pytest.mark.parametrize("membership", ["0::/\n", "0::/docker/0123abc\n", "0::/../../elsewhere\n"])
def test_in_a_container_the_mounted_root_is_its_own_group(tree, membership):
    files = {"cpu.max": "200000 100000", "memory.max": str(GIB)}
    assert limits(*tree(membership, files)) == (2.0, GIB)


def test_in_a_version_1_container_the_mounted_controllers_are_its_own_groups(tree):
    membership = "4:memory:/docker/0123abc\n2:cpu,cpuacct:/docker/0123abc\n"
    files = {
        "cpu/cpu.cfs_quota_us": "100000",
        "cpu/cpu.cfs_period_us": "50000",
        "memory/memory.limit_in_bytes": str(GIB),
    }
    assert limits(*tree(membership, files)) == (2.0, GIB)


def test_a_hybrid_host_has_version_2_below_unified(tree):
    files = {"unified/a/cpu.max": "100000 100000", "unified/a/memory.max": str(GIB)}
    assert limits(*tree("1:name=systemd:/a\n0::/a\n", files)) == (1.0, GIB)


@pytest.mark.parametrize(
    ("membership", "files"),
    [
        ("0::/a\n", {"a/cpu.max": "max 100000", "a/memory.max": "max"}),
        ("0::/a\n", {"a/cgroup.procs": "1"}),
        ("0::/\n", {}),
        (
            "2:cpu:/\n3:memory:/\n",
            {
                "cpu/cpu.cfs_quota_us": "-1",
                "cpu/cpu.cfs_period_us": "100000",
                "memory/memory.limit_in_bytes": str(2**63 - 4096),
            },
        ),
        (None, {"cpu.max": "100000 100000"}),
    ],
    ids=["max", "no limit files", "empty root", "version 1 unlimited", "no membership (macOS)"],
)
def test_where_there_is_no_limit_the_answer_is_none(tree, membership, files):
    assert limits(*tree(membership, files)) == (None, None)


def test_a_sibling_s_limit_is_not_ours(tree):
    files = {"a/b/cpu.max": "max 100000", "a/c/cpu.max": "10000 100000"}
    assert cpu_quota(*tree("0::/a/b\n", files)) is None


def test_memberships_are_told_apart_by_controller():
    text = "5:cpu,cpuacct:/x\n1:name=systemd:/y:z\n0::/w\n"
    assert memberships(text) == {"cpu": "/x", "cpuacct": "/x", "name=systemd": "/y:z", "": "/w"}
