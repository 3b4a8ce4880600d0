"""Limits of control groups: trees of versions 1 and 2 as they look on hosts and in containers."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from faked_roots import faked_root

from bench.probe.cgroup import (
    cpu_quota,
    cpuset,
    memberships,
    memory_limit,
    pressure_file,
    throttling_file,
)
from bench.probe.root import Root

GIB = 2**30


#: Hierarchies of a host by the place where they are mounted: their controllers, or version 2.
V1 = {"cpu": "cpu,cpuacct", "memory": "memory", "systemd": "name=systemd"}
V2 = {"": None}
HYBRID = {**V1, "unified": None}


@pytest.fixture
def tree(tmp_path):
    """Make a control group tree from file contents; return the root of its machine.

    `roots` says which group is mounted at a place, where it is not the root of its hierarchy.
    """

    def make(
        membership: str | None,
        files: dict[str, str],
        mounted: dict[str, str | None] = V2,
        roots: dict[str, str] | None = None,
    ) -> Root:
        base = PurePosixPath("/a group")
        there = {f"{base}/{name}": text for name, text in files.items()}
        lines = ["22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw"]
        for number, (place, controllers) in enumerate(mounted.items(), start=30):
            point = str(base / place).replace(" ", "\\040")
            kind = "cgroup2 cgroup2 rw" if controllers is None else f"cgroup x rw,{controllers}"
            root = (roots or {}).get(place, "/")
            lines.append(f"{number} 22 0:{number} {root} {point} rw,nosuid shared:9 - {kind}")
        there["/proc/self/mountinfo"] = "\n".join(lines)
        if membership is not None:
            there["/proc/self/cgroup"] = membership.rstrip("\n")
        return faked_root(tmp_path, there)

    return make


def limits(root: Root) -> tuple[float | None, int | None]:
    return cpu_quota(root), memory_limit(root)


def test_version_2_limits_are_read_from_the_own_group(tree):
    files = {"a/b/cpu.max": "150000 100000", "a/b/memory.max": str(2 * GIB)}
    assert limits(tree("0::/a/b\n", files)) == (1.5, 2 * GIB)


def test_version_1_limits_are_read_from_the_controllers_own_groups(tree):
    membership = "5:cpu,cpuacct:/job\n3:memory:/job\n1:name=systemd:/x\n"
    files = {
        "cpu/job/cpu.cfs_quota_us": "50000",
        "cpu/job/cpu.cfs_period_us": "100000",
        "memory/job/memory.limit_in_bytes": str(GIB),
    }
    assert limits(tree(membership, files, V1)) == (0.5, GIB)


@pytest.mark.parametrize(("outer", "inner"), [(1, 4), (4, 1)])
def test_the_smallest_limit_of_the_group_and_its_ancestors_is_in_force(tree, outer, inner):
    files = {
        "a/cpu.max": f"{outer}00000 100000",
        "a/b/cpu.max": f"{inner}00000 100000",
        "a/memory.max": str(outer * GIB),
        "a/b/memory.max": str(inner * GIB),
    }
    assert limits(tree("0::/a/b\n", files)) == (1.0, GIB)


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
    assert limits(tree(membership, files, V1)) == (2.0, GIB)


@pytest.mark.parametrize("membership", ["0::/\n", "0::/docker/0123abc\n", "0::/../../elsewhere\n"])
def test_in_a_container_the_mounted_root_is_its_own_group(tree, membership):
    files = {"cpu.max": "200000 100000", "memory.max": str(GIB)}
    assert limits(tree(membership, files)) == (2.0, GIB)


def test_in_a_version_1_container_the_mounted_controllers_are_its_own_groups(tree):
    membership = "4:memory:/docker/0123abc\n2:cpu,cpuacct:/docker/0123abc\n"
    files = {
        "cpu/cpu.cfs_quota_us": "100000",
        "cpu/cpu.cfs_period_us": "50000",
        "memory/memory.limit_in_bytes": str(GIB),
    }
    assert limits(tree(membership, files, V1)) == (2.0, GIB)


NESTED_V1 = {
    "cpu/inner/cpu.cfs_quota_us": "50000",
    "cpu/inner/cpu.cfs_period_us": "100000",
    "cpu/cpu.cfs_quota_us": "400000",
    "cpu/cpu.cfs_period_us": "100000",
    "memory/inner/memory.limit_in_bytes": str(GIB),
    "memory/memory.limit_in_bytes": str(4 * GIB),
}
NESTED_V2 = {"inner/cpu.max": "50000 100000", "inner/memory.max": str(GIB), "cpu.max": "max 100000"}


@pytest.mark.parametrize(
    ("membership", "files", "mounted"),
    [
        ("4:memory:/docker/01/inner\n2:cpu,cpuacct:/docker/01/inner\n", NESTED_V1, V1),
        ("0::/docker/01/inner\n", NESTED_V2, V2),
    ],
    ids=["version 1", "version 2"],
)
def test_a_group_inside_a_container_that_sees_the_host_s_paths_is_found(
    tree, membership, files, mounted
):
    """The container has no namespace of its own: its path is the host's, its mount its own part."""
    roots = dict.fromkeys(mounted, "/docker/01")
    assert limits(tree(membership, files, mounted, roots)) == (0.5, GIB)


def test_version_1_tells_a_container_of_a_limit_that_lies_outside_of_it(tree):
    files = {
        "memory/memory.limit_in_bytes": str(2**63 - 4096),
        "memory/memory.stat": f"cache 0\nhierarchical_memory_limit {2 * GIB}\nrss 9",
    }
    view = tree("4:memory:/docker/01\n", files, V1, {"memory": "/docker/01"})
    assert memory_limit(view) == 2 * GIB


def test_version_1_s_own_answer_goes_before_limits_of_ancestors_that_are_not_in_force(tree):
    files = {
        "memory/a/memory.limit_in_bytes": str(GIB),
        "memory/a/b/memory.limit_in_bytes": str(3 * GIB),
        "memory/a/b/memory.stat": f"hierarchical_memory_limit {3 * GIB}",
    }
    assert memory_limit(tree("4:memory:/a/b\n", files, V1)) == 3 * GIB


@pytest.mark.parametrize(("passed_on", "limit"), [("1", GIB), ("0", 3 * GIB)])
def test_an_ancestor_of_version_1_limits_only_if_it_passes_its_limit_on(tree, passed_on, limit):
    files = {
        "memory/a/memory.limit_in_bytes": str(GIB),
        "memory/a/memory.use_hierarchy": passed_on,
        "memory/a/b/memory.limit_in_bytes": str(3 * GIB),
    }
    assert memory_limit(tree("4:memory:/a/b\n", files, V1)) == limit


@pytest.mark.parametrize("bits", [12, 14, 16])
def test_the_most_that_32_bits_can_count_is_no_limit(tree, bits):
    files = {"memory/memory.limit_in_bytes": str((2**31 - 1) * 2**bits)}
    assert memory_limit(tree("4:memory:/\n", files, V1)) is None


def test_a_hierarchy_that_is_mounted_without_prefixes_is_read(tree):
    files = {"cpuset/job/cpus": "2-3", "cpu/job/cfs_quota_us": "50000"}
    files |= {"cpu/job/cfs_period_us": "100000"}
    view = tree("3:cpuset:/job\n5:cpu:/job\n", files, {"cpuset": "cpuset,noprefix", "cpu": "cpu"})
    assert (cpuset(view), cpu_quota(view)) == ({2, 3}, 0.5)


@pytest.mark.parametrize(("controllers", "own"), [(None, "0::"), ("cpu", "2:cpu:")])
def test_a_mount_that_does_not_hold_the_own_group_limits_nothing(tree, controllers, own):
    """The host's table of mounts still holds a mount of a container that has ended."""
    files = {f"x/{name}": "50000" for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")}
    files |= {"x/cpu.max": "10000 100000", "x/cpu.stat": ""}
    view = tree(f"{own}/system.slice/job.service\n", files, {"x": controllers}, {"x": "/docker/01"})
    assert (cpu_quota(view), throttling_file(view)) == (None, None)


def test_a_mount_that_another_one_hides_is_not_read(tree, tmp_path):
    """The container's own groups are mounted over the host's, and the kernel states both."""
    files = {
        "memory/memory.limit_in_bytes": str(2 * GIB),
        "memory/memory.stat": f"hierarchical_memory_limit {2 * GIB}",
        "memory/job/memory.limit_in_bytes": str(GIB),
        "memory/job/memory.stat": f"hierarchical_memory_limit {GIB}",
    }
    view = tree("4:memory:/docker/01/job\n", files, {"memory": "memory"})
    mounts = tmp_path / "proc/self/mountinfo"
    above = "50 30 0:31 /docker/01 /a\\040group/memory rw - cgroup x rw,memory\n"
    mounts.write_text(mounts.read_text() + above)
    assert memory_limit(view) == GIB


def test_a_mount_above_the_namespace_is_of_an_ancestor(tree):
    view = tree("0::/\n", {"x/cpu.max": "100000 100000"}, {"x": None}, {"x": "/../.."})
    assert cpu_quota(view) == 1.0


def test_one_line_that_nobody_knows_costs_the_others_nothing(tree):
    view = tree(
        "no such line\ncpu:/a\n",
        {"cpu/a/cpu.cfs_quota_us": "50000", "cpu/a/cpu.cfs_period_us": "100000"},
        V1,
    )
    assert cpu_quota(view) == 0.5


def test_a_group_is_held_to_where_the_kernel_slows_it_down(tree):
    files = {"a/memory.max": str(4 * GIB), "a/memory.high": str(3 * GIB)}
    assert memory_limit(tree("0::/a\n", files)) == 3 * GIB


def test_the_cpus_of_a_cpuset_are_those_of_the_own_group(tree):
    files = {"cpuset/cpuset.cpus": "0-7", "cpuset/job/cpuset.effective_cpus": "2-3,6"}
    mounted = {"cpuset": "cpuset"}
    assert cpuset(tree("3:cpuset:/job\n", files, mounted)) == {2, 3, 6}


def test_throttling_and_pressure_are_read_where_the_limit_is(tree):
    files = {
        "a/cpu.max": "50000 100000",
        "a/cpu.stat": "",
        "a/b/cpu.max": "max 100000",
        "a/b/cpu.stat": "",
        "a/b/cpu.pressure": "",
    }
    view = tree("0::/a/b\n", files)
    assert throttling_file(view) == PurePosixPath("/a group/a/cpu.stat")
    assert pressure_file("cpu", view) == PurePosixPath("/a group/a/b/cpu.pressure")
    assert pressure_file("io", view) == PurePosixPath("/proc/pressure/io")


def test_a_hybrid_host_has_version_2_below_unified(tree):
    files = {"unified/a/cpu.max": "100000 100000", "unified/a/memory.max": str(GIB)}
    assert limits(tree("1:name=systemd:/a\n0::/a\n", files, HYBRID)) == (1.0, GIB)


@pytest.mark.parametrize(
    ("membership", "files", "mounted"),
    [
        ("0::/a\n", {"a/cpu.max": "max 100000", "a/memory.max": "max"}, V2),
        ("0::/a\n", {"a/cgroup.procs": "1"}, V2),
        ("0::/\n", {}, V2),
        (
            "2:cpu:/\n3:memory:/\n",
            {
                "cpu/cpu.cfs_quota_us": "-1",
                "cpu/cpu.cfs_period_us": "100000",
                "memory/memory.limit_in_bytes": str(2**63 - 4096),
            },
            V1,
        ),
        (None, {"cpu.max": "100000 100000"}, V2),
        ("0::/\n", {"cpu.max": "100000 100000"}, {}),
    ],
    ids=["max", "no limit files", "empty root", "version 1 unlimited", "macOS", "not mounted"],
)
def test_where_there_is_no_limit_the_answer_is_none(tree, membership, files, mounted):
    assert limits(tree(membership, files, mounted)) == (None, None)


def test_a_sibling_s_limit_is_not_ours(tree):
    files = {"a/b/cpu.max": "max 100000", "a/c/cpu.max": "10000 100000"}
    assert cpu_quota(tree("0::/a/b\n", files)) is None


def test_memberships_are_told_apart_by_controller():
    text = "5:cpu,cpuacct:/x\n1:name=systemd:/y:z\n0::/w\n"
    assert memberships(text) == {"cpu": "/x", "cpuacct": "/x", "name=systemd": "/y:z", "": "/w"}


@pytest.mark.parametrize("text", ["", "many few", "100000", "100000 0", "\xff"])
def test_a_group_that_states_no_numbers_limits_nothing(tree, text):
    assert limits(tree("0::/a\n", {"a/cpu.max": text, "a/memory.max": text})) in {
        (None, None),
        (None, 100000),
    }


def test_texts_of_the_kernel_that_nobody_knows_limit_nothing(tree):
    assert limits(tree("no such line\n", {"cpu.max": "1 1"})) == (None, None)
