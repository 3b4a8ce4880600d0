"""Whether this process runs in a container, and of what kind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from bench.probe.cgroup import MEMBERSHIP, MOUNTS
from bench.probe.root import HOST, Root

#: Files in which a container's manager or systemd says what the container is.
#: Source: systemd's "The Container Interface".
STATED = ("/run/host/container-manager", "/run/systemd/container")

#: What those files and the variable `container` say, and our words.
MANAGERS: Mapping[str, str] = {
    "lxc": "LXC",
    "lxc-libvirt": "LXC",
    "docker": "Docker",
    "podman": "Podman",
    "openvz": "OpenVZ",
    "wsl": "WSL",
    "kube": "Kubernetes",
}

#: Patterns of one part of a group's path, or of two adjacent ones, that only containers have, and
#: their kinds. A service or an application may be called docker without being a container.
GROUPS: tuple[tuple[str, str], ...] = (
    (r"(kubelet-)?kubepods([.-].*)?", "Kubernetes"),
    (r"docker/[0-9a-f]+", "Docker"),
    (r"docker/buildkit", "Docker"),
    (r"docker-[0-9a-f]{12,}\.scope", "Docker"),
    (r"ecs/[0-9a-f-]{12,}", "Docker"),
    (r"libpod(_parent)?[/-][0-9a-f]{12,}(\.scope)?", "Podman"),
    (r"lxc(\.payload)?/[^/]+", "LXC"),
    (r"lxc\.payload\.[^/]+", "LXC"),
    (r"(cri-)?containerd-[0-9a-f]{12,}\.scope", "containerd"),
    (r"nerdctl-[0-9a-f]{12,}\.scope", "containerd"),
    (r"crio-[0-9a-f]{12,}(\.scope)?", "CRI-O"),
    (r"systemd-nspawn@[^/]*\.service/payload", "systemd-nspawn"),
    (r"machine-[^/]*\.scope/payload", "systemd-nspawn"),  # started by hand
    (r"(?![^/]*conmon)([^/]*[:-])?[0-9a-f]{64}(\.scope)?", "containerd or similar"),
)

#: Folders that Kubernetes creates in every container of a pod, and a variable that it sets.
KUBERNETES_MARKS = ("/var/run/secrets/kubernetes.io", "/run/secrets/kubernetes.io")
KUBERNETES_VARIABLE = "KUBERNETES_SERVICE_HOST"

#: Files and variables that only a running container has, and its kind.
MARKS: tuple[tuple[str, str], ...] = (
    ("/run/.containerenv", "Podman"),
    ("/.singularity.d", "Singularity"),
    ("/dev/lxd/sock", "LXC"),
    ("/dev/incus/sock", "LXC"),
)
VARIABLES: tuple[tuple[str, str], ...] = (
    ("SINGULARITY_CONTAINER", "Singularity"),
    ("APPTAINER_CONTAINER", "Singularity"),
)

#: The script of old versions of Singularity; a host may have a folder of that name.
SINGULARITY_SCRIPT = "/singularity"

#: A file that Docker writes into the container's root. It is left behind where the root was copied
#: to a disk, for a virtual machine or for WSL.
DOCKER_MARK = "/.dockerenv"

#: OpenVZ shows the first folder in a container and on its host, the second one on its host only.
OPENVZ, OPENVZ_HOST = "/proc/vz", "/proc/bc"

#: A container about which we know only that its root consists of image layers.
LAYERS = "containerd or similar"

#: Words in the paths of an image's layers.
ENGINES = re.compile(r"docker|containers?/|containerd|overlay2|snapshot|buildkit|podman|kubelet")

#: Where the lower directories of a live system or of a read-only root lie.
LIVE = re.compile(
    r"/(run/)?(live|rootfsbase|initramfs|archiso|miso|casper|cow)(/|$)|/lib/live/|/LiveOS|"
    r"/cdrom|/rofs|/rom(/|$)|/root-ro|/lower(/|$)|/sysroot|squashfs|/overlay/|/isodevice"
)


def container(root: Root = HOST) -> str:
    """Return the container's kind, or `none` outside a container.

    A pod's own namespaces hide its group's path, so Kubernetes is also recognised by its marks.
    """
    if root.is_macos:
        return "none"
    in_groups = _kind_of_groups(root.text_or_empty(MEMBERSHIP))
    pod = root.variable(KUBERNETES_VARIABLE) or any(map(root.exists, KUBERNETES_MARKS))
    if pod or in_groups == "Kubernetes":
        return "Kubernetes"
    marked = [name for mark, name in MARKS if root.exists(mark)]
    if root.exists(SINGULARITY_SCRIPT) and not root.is_folder(SINGULARITY_SCRIPT):
        marked.append("Singularity")
    marked += [name for variable, name in VARIABLES if root.variable(variable)]
    mounts = tuple(_mounts(root.text_or_empty(MOUNTS)))
    found = in_groups or next(iter(marked), None) or _stated(root) or _shown(root, mounts)
    return found or ("WSL" if _is_wsl(root) else "none")


def _kind_of_groups(text: str) -> str | None:
    """Return the kind of container whose group a /proc/self/cgroup text names."""
    paths = [line.split(":", 2)[-1] for line in text.splitlines()]
    for pattern, kind in GROUPS:
        if any(re.search(rf"(^|/)({pattern})(/|$)", path) for path in paths):
            return kind
    return None


def _stated(root: Root) -> str | None:
    """Return the kind that a manager, systemd or the environment states.

    systemd-nspawn, LXC and Flatpak set the variable `container`, in lower case.
    """
    said = [*map(root.line, STATED), root.variable("container"), _of_first_process(root)]
    name = next(filter(None, said), None)
    return None if name is None else MANAGERS.get(name.lower(), name)


def _of_first_process(root: Root) -> str | None:
    """Return the variable `container` of the first process, which often only root may read."""
    found = re.search(r"(?:^|\0)container=([^\0]*)", root.text_or_empty("/proc/1/environ"))
    return found[1] if found else None


def _shown(root: Root, mounts: tuple[_Mount, ...]) -> str | None:
    """Return the kind of container that the mounts or the folders of its engine show."""
    if root.exists(OPENVZ) and not root.exists(OPENVZ_HOST):
        return "OpenVZ"
    if any(mount.kind == "fuse.lxcfs" and mount.point.startswith("/proc/") for mount in mounts):
        return "LXC"
    top = next((mount for mount in reversed(mounts) if mount.point == "/"), None)
    copied = top is not None and top.is_disk
    if root.exists(DOCKER_MARK) and not copied and not (top is None and _is_wsl(root)):
        return "Docker"
    return LAYERS if top is not None and top.is_of_an_image(mounts) else None


def _is_wsl(root: Root) -> bool:
    return "microsoft" in (root.line("/proc/sys/kernel/osrelease") or "").lower()


@dataclass(frozen=True)
class _Mount:
    """One line of mountinfo: where what is mounted, from which source."""

    root: str
    point: str
    kind: str
    source: str
    options: str

    @property
    def is_disk(self) -> bool:
        """Whether it is a whole file system on a disk, as the root of a host is."""
        return self.root == "/" and self.source.startswith("/dev/") and "docker" not in self.source

    def is_of_an_image(self, mounts: tuple[_Mount, ...]) -> bool:
        """Say whether it is an overlay as container engines mount it.

        Live systems mount an overlay too, often from a source with another name. Their lower
        directories are visible in the system itself, because it mounted them.
        """
        if (self.kind, self.source) != ("overlay", "overlay"):
            return False
        found = re.search(r"lowerdir\+?=([^,]*)", self.options)
        lower = found[1] if found else ""
        if ENGINES.search(lower):
            return True
        points = [PurePosixPath(mount.point) for mount in mounts if mount.point != "/"]
        first = PurePosixPath(lower.split(":")[0])
        return not LIVE.search(lower) and not any(first.is_relative_to(point) for point in points)


def _mounts(text: str) -> Iterator[_Mount]:
    """Yield the mounts of a /proc/self/mountinfo text. Source: proc_pid_mountinfo(5)."""
    for line in text.splitlines():
        own, _, rest = line.partition(" - ")
        fields, words = own.split(), rest.split()
        if len(fields) >= 5 and len(words) >= 2:
            yield _Mount(fields[3], fields[4], words[0], words[1], "".join(words[2:]))
