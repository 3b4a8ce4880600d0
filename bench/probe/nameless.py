"""Texts of a machine without what tells whose it is: serials, addresses, names that users gave.

Equal names become equal placeholders, so that texts that refer to each other still do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from bench.probe.cgroup import MEMBERSHIP, MOUNTS
from bench.probe.container import ENGINES, LIVE
from bench.probe.software import RELEASES

#: Parts of a group's path that the system or a container engine names, and that name no user.
GROUP_WORDS = re.compile(
    r"(group|user|system|machine|init|session|app|background|kubepods|libpod|libpod_parent|docker|lxc"
    r"|lxc\.payload|lxc\.monitor|ecs|buildkit|payload|supervisor|container|ns|init|besteffort"
    r"|burstable|guaranteed|pod|crio|conmon|cri|containerd|nerdctl|cgroup|sys|fs|cpu|cpuacct|cpuset"
    r"|memory|unified|systemd|blkio|devices|freezer|pids|cpu,cpuacct|run|proc|dev|mnt|slice|scope"
    r"|service|0*|\d+|ID\d+)"
)

#: A container's id, or a pod's, which are drawn at random.
RANDOM = re.compile(
    r"[0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}"
    r"|(?<![0-9a-zA-Z])[0-9a-f]{12,}(?![0-9a-zA-Z])"
)

#: A network card's address, which the name of a wireless device's battery may hold.
ADDRESS = re.compile(r"(?<![0-9a-fA-F])([0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}(?![0-9a-fA-F])")
HOME = re.compile(r"(?<=/home/)[^/,:\s]+|(?<=/Users/)[^/,:\s]+")

#: Lines of /proc/cpuinfo and parts of them that hold a serial, and what is left of them.
CPU_SERIALS = (
    (re.compile(r"(?m)^Serial\s*:.*\n?"), ""),
    (re.compile(r"(?<=identification)(\s*[=:]\s*)[0-9A-F]+"), r"\g<1>000000"),
)


@dataclass
class Names:
    """The placeholders that stand for names; `replaced` holds the replaced names by kind."""

    given: dict[str, str] = field(default_factory=dict)
    replaced: dict[str, set[str]] = field(default_factory=dict)
    _points: list[str] = field(default_factory=list)

    def text(self, path: str, text: str) -> str:
        """Return the text of the file `path` as it may be shown."""
        special: Mapping[str, Callable[[str], str]] = {
            MEMBERSHIP: self._membership,
            MOUNTS: self._mounts,
            "/proc/self/status": _allowed_cpus,
            **dict.fromkeys(RELEASES, _system_name),
            "/proc/1/environ": lambda text: "\0".join(re.findall(r"\bcontainer=[^\0]*", text)),
        }
        shown = special[path](text) if path in special else text
        for pattern, instead in CPU_SERIALS if path == "/proc/cpuinfo" else ():
            self._note("serials in /proc/cpuinfo", pattern.findall(shown))
            shown = pattern.sub(instead, shown)
        return self._plain(shown)

    def folder(self, path: str) -> str:
        """Return the path of a folder in which the names of groups and devices are replaced.

        The texts of the mounts and of the membership must have been asked for before.
        """
        for point in self._points:
            if path == point or path.startswith(f"{point}/"):
                return self._plain(self._group(path))
        return self._plain(path)

    def file(self, path: str) -> str:
        """Return the path of a file, whose own name the kernel gave, in the same way."""
        above, slash, name = path.rpartition("/")
        return f"{self.folder(above)}{slash}{self._plain(name)}"

    def _plain(self, text: str) -> str:
        self._note("network addresses", (found[0] for found in ADDRESS.finditer(text)))
        self._note("home folders", HOME.findall(text))
        return HOME.sub("user", ADDRESS.sub("00:00:00:00:00:00", text))

    def _membership(self, text: str) -> str:
        fields = (line.split(":", 2) for line in text.splitlines())
        known = (line for line in fields if len(line) == 3)
        return "".join(
            f"{number}:{_hierarchy(name)}:{self._group(path)}\n" for number, name, path in known
        )

    def _mounts(self, text: str) -> str:
        """Return the lines that tell groups and containers; others name disks and servers."""
        lines = []
        points = {fields[4] for line in text.splitlines() if len(fields := line.split()) > 4}
        for line in text.splitlines():
            own, _, rest = line.partition(" - ")
            fields, words = own.split(), rest.split()
            if len(fields) < 5 or len(words) < 2:
                continue
            is_group = words[0] in {"cgroup", "cgroup2"}
            hides = fields[4] in self._points  # it lies over a hierarchy
            if not (is_group or hides or fields[4] == "/" or words[0] == "fuse.lxcfs"):
                continue
            if is_group:
                self._points.append(fields[4])
                fields[3:5] = map(self._group, fields[3:5])
                words[1:] = "cgroup", *map(_hierarchy, words[2:])
            else:
                words[1:] = _source(words[1]), _options(" ".join(words[2:]), points - {"/"})
                fields[3] = "/" if fields[3] == "/" else "/folder"
                fields[4] = self._group(fields[4]) if hides else fields[4]
            lines.append(f"{' '.join(fields[:5])} rw - {' '.join(words)}\n")
        return "".join(lines)

    def _group(self, path: str) -> str:
        """Return a group's path without random ids and without names that users gave."""
        return "/".join(map(self._part, path.split("/")))

    def _part(self, part: str) -> str:
        if part not in self.given:
            shown = RANDOM.sub(self._id, part)
            words = filter(None, re.split(r"[-.:@_]", shown))
            if shown != ".." and not all(GROUP_WORDS.fullmatch(word) for word in words):
                end = re.search(r"\.(slice|scope|service|mount)$", part)
                shown = f"group-{len(self.given) + 1}{end[0] if end else ''}"
                self._note("names of control groups", [part])
            self.given[part] = shown
        return self.given[part]

    def _id(self, found: re.Match[str]) -> str:
        if found[0].startswith("00000000"):  # it was replaced before
            return found[0]
        self._note("ids of containers", [found[0]])
        own = self.given.setdefault(found[0], f"{len(self.given) + 1:0{len(found[0])}d}")
        return own

    def _note(self, kind: str, names: Iterable[str]) -> None:
        found = set(names)
        if found:
            self.replaced.setdefault(kind, set()).update(found)


def _allowed_cpus(text: str) -> str:
    """Return the line of /proc/self/status that says on which CPUs this process may run."""
    return "".join(f"{line}\n" for line in text.splitlines() if "Cpus_allowed_list:" in line)


def _source(source: str) -> str:
    """Return the source of a mount without the names of disks, servers and volumes."""
    if source.startswith("/dev/"):
        return "/dev/mapper/docker" if "docker" in source else "/dev/disk"
    return source if source in {"overlay", "lxcfs", "composefs", "rootfs"} else "source"


def _options(options: str, points: Iterable[str]) -> str:
    """Return what the lower directories of an overlay show; no other option is read.

    They show a container engine, or a live system, whose lower directories are mounted at `points`.
    """
    found = re.search(r"lowerdir\+?=([^,\s]*)", options)
    if not found:
        return "rw"
    first = PurePosixPath(found[1].partition(":")[0])
    engine = ENGINES.search(found[1])
    live = LIVE.search(found[1]) or any(first.is_relative_to(point) for point in points)
    return f"rw,lowerdir=/{f'layers/{engine[0]}' if engine else 'lower' if live else 'layers'}"


def _hierarchy(text: str) -> str:
    """Return controllers and options of version 1 groups without the name of a user's hierarchy."""
    return re.sub(r"\b(name|release_agent)=(?!systemd\b|elogind\b)[^,]*", r"\1=other", text)


def _system_name(text: str) -> str:
    """Return the line that says which system and version it is."""
    return "".join(f"{line}\n" for line in text.splitlines() if line.startswith("PRETTY_NAME="))
