"""What `machine --collect` packs: the same facts without serials and names."""

from __future__ import annotations

import tarfile

import pytest
from faked_roots import faked_root

from bench.errors import OutputError, RequestError
from bench.probe.collect import REMOVED, collect
from bench.probe.machine import probe
from bench.probe.root import HOST, faked
from bench.spec.privacy import Privacy

PACKAGES = ("numpy", "no-such-distribution")


def read(root):
    return probe(PACKAGES, root=root)


def unpacked(path, folder):
    with tarfile.open(path) as archive:
        archive.extractall(folder, filter="data")
        names = archive.getnames()
    return faked(folder), names


def comparable(facts):
    """Return the facts that collecting keeps; a clock changes from one moment to the next."""
    apart = REMOVED | {"cpu_now_hz", "unknown"}
    values = facts.model_dump(exclude=apart)
    for gpu in values["gpus"] or ():
        del gpu["uuid_hash"]
    return values, {name: why for name, why in facts.unknown.items() if name not in apart}


def test_the_unpacked_files_of_this_machine_give_the_same_facts(tmp_path):
    found = collect(tmp_path / "own.tar.gz", read)
    root, names = unpacked(found.path, tmp_path / "root")
    again = read(root)
    assert comparable(again) == comparable(read(HOST))
    assert again.machine_type is not None
    assert found.files == len([name for name in names if (tmp_path / "root" / name).is_file()])
    assert collect(tmp_path / "more.tar.gz", read, root).removed == ()  # nothing is left to remove


SECRETS = {
    "/etc/machine-id": "feedfacefeedfacefeedfacefeedface",
    "/proc/sys/kernel/random/boot_id": "8d7c6b5a-1111-2222-3333-444455556666",
    "/proc/sys/kernel/hostname": "alices-box",
    "/sys/class/dmi/id/product_uuid": "4c4c4544-0042-3010-8053-b5c04f4b4d32",
    "/sys/class/dmi/id/board_serial": "CN70163",
    "/sys/class/dmi/id/board_asset_tag": "i-0123456789abcdef0",
    "/sys/class/dmi/id/chassis_asset_tag": "ACME-INVENTORY-17",
    "/sys/class/dmi/id/chassis_serial": "CHS70163",
    "/proc/sysinfo": "LPAR UUID: 4c4c4544-0042-3010-8053-b5c04f4b4d33",
    "/var/lib/cloud/data/instance-id": "iid-alice-7",
}
CONTAINER = "0123456789abcdef" * 4
MOUNTS = f"""\
20 1 0:9 / / rw - overlay overlay rw,lowerdir=/srv/acme/containers/storage/overlay/l
30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate
32 22 0:28 / /sys/fs/cgroup/unified rw - cgroup cgroup rw,name=acme
31 22 0:27 /secret-project.slice /sys/fs/cgroup/x rw - cgroup2 cgroup2 rw
40 22 0:30 / /home/alice/files rw - nfs4 fileserver.acme.example:/export rw
41 22 0:31 {CONTAINER} /etc/hosts rw - ext4 /dev/mapper/alices--disk rw"""
CPUINFO = """\
processor\t: 0
vendor_id       : IBM/S390
processor 0: version = FF,  identification = 0A1234,  machine = 8561

cpu number      : 0
identification  : 0A1234

Serial\t\t: 10000000abcdef01"""


@pytest.fixture
def owned(tmp_path):
    """A machine whose every file tells whose it is."""
    group = f"secret-project.slice/docker-{CONTAINER}.scope"
    files = {
        **SECRETS,
        "/proc/self/cgroup": f"0::/{group}",
        "/proc/self/mountinfo": MOUNTS,
        f"/sys/fs/cgroup/{group}/cpu.max": "150000 100000",
        "/sys/fs/cgroup/secret-project.slice/memory.max": str(2**30),
        "/etc/os-release": 'PRETTY_NAME="Fedora Linux"\nVARIANT="made for acme"',
        "/proc/self/status": "Name:\talices-tool\nUid:\t1001\nCpus_allowed_list:\t0-1",
        "/proc/cpuinfo": CPUINFO,
        "/proc/meminfo": "MemTotal: 4194304 kB\nSwapTotal: 0 kB",
        "/sys/class/power_supply/ps-controller-battery-a0:b1:c2:d3:e4:f5/type": "Battery",
        "/sys/class/dmi/id/sys_vendor": "LENOVO",
    }
    facts = {"environment": {"LD_PRELOAD": "/usr/lib/x.so"}, "gpus_visible": 0}
    return faked_root(
        tmp_path / "owned",
        files,
        architecture="s390x",
        node="alices-box",
        environment={"KUBERNETES_SERVICE_HOST": "10.9.8.7"},
        facts=facts,
    )


def test_nothing_that_tells_whose_machine_it_is_is_packed(tmp_path, owned):
    found = collect(tmp_path / "own.tar.gz", read, owned)
    root, names = unpacked(found.path, tmp_path / "root")
    packed = "\n".join(names) + "\n".join(
        path.read_text() for path in root.folder.rglob("*") if path.is_file()
    )
    words = ("alice", "acme", "secret-project", "10.9.8.7", "0A1234", "abcdef01", "a0:b1", "1001")
    assert [word for word in (*words, CONTAINER, *SECRETS.values()) if word in packed] == []
    assert comparable(read(root)) == comparable(read(owned))
    assert read(root).cpu_quota == 1.5
    assert "the machine-id" in found.removed
    assert "names of control groups: 2 (replaced)" in found.removed


def test_a_live_system_is_no_container_after_its_mounts_lost_their_names(tmp_path):
    mounts = "20 1 0:9 / / rw - overlay overlay rw,lowerdir=/media/alices-stick,upperdir=/x"
    files = {
        "/proc/self/cgroup": "0::/user.slice",
        "/proc/self/mountinfo": f"{mounts}\n21 20 8:1 / /media/alices-stick ro - ext4 /dev/sda1 ro",
        "/proc/cpuinfo": CPUINFO,
    }
    live = faked_root(tmp_path / "live", files)
    root, _ = unpacked(collect(tmp_path / "own.tar.gz", read, live).path, tmp_path / "root")
    assert read(live).container == read(root).container == "none"
    assert "alice" not in root.text("/proc/self/mountinfo")


def test_a_cloud_is_known_by_its_chassis_tag_after_collecting(tmp_path):
    files = {"/sys/class/dmi/id/chassis_asset_tag": "OracleCloud.com", "/proc/cpuinfo": CPUINFO}
    found = collect(tmp_path / "own.tar.gz", read, faked_root(tmp_path / "vm", files))
    root, _ = unpacked(found.path, tmp_path / "root")
    assert read(root).cloud_provider == "oracle"


def test_a_file_that_is_there_is_not_replaced(tmp_path):
    path = tmp_path / "own.tar.gz"
    path.write_text("mine")
    with pytest.raises(RequestError, match="exists already"):
        collect(path, read)
    assert path.read_text() == "mine"
    with pytest.raises(OutputError, match="cannot be written"):
        collect(tmp_path / "none" / "own.tar.gz", read, faked_root(tmp_path / "r"))


def test_a_host_name_that_the_user_shows_is_still_not_packed(tmp_path, owned):
    shown = Privacy(show_hostnames=True)
    found = collect(tmp_path / "own.tar.gz", lambda root: probe(privacy=shown, root=root), owned)
    root, _ = unpacked(found.path, tmp_path / "root")
    assert probe(privacy=shown, root=root).host_name is None
