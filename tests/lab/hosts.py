"""Hosts on one machine: a network, processes, files and a share of the CPUs of its own for each.

A host is a network namespace on a bridge, with its own mount, pid and uts namespaces, a real sshd,
and a control group. Needs root on Linux with iproute2, util-linux, openssh-server and rsync.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from groups import OUTWEIGHING, limit_cpus, set_weight

ROOT = Path(__file__).resolve().parents[2]

#: What a host hides of this machine, and gets anew.
PRIVATE = ("/root", "/tmp", "/run", "/home")

TOOLS = ("ip", "setpriv", "unshare", "nsenter", "sshd", "ssh", "ssh-keygen", "rsync", "iptables")


@dataclass(frozen=True)
class HostSpec:
    """A host to be: `cpus` is its quota in CPUs once it is limited.

    `public` is a second address, which the host has besides its own.
    """

    name: str
    address: str
    cpus: float = 1.0
    public: str | None = None


def why_not() -> str | None:
    """Return why there can be no lab here, None where there can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a lab of hosts needs root on Linux"
    missing = [tool for tool in TOOLS if shutil.which(tool, path=_path()) is None]
    if missing:
        return f"a lab of hosts needs {', '.join(missing)} (tools/lab-setup.sh installs them)"
    if _cpu_controller() is None:
        return "a lab of hosts needs the CPU controller of cgroups"
    tried = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "true"], check=False)
    return "no new namespaces are allowed here" if tried.returncode else None


class Lab:
    """Hosts that are up while it is entered; `folder` holds their files and the key to them.

    It has a network to itself, so that labs on one machine, or what a killed one left, do not meet.
    `cpus` names the hosts with their quotas, to be set by `limit`; `network` and `specs` are known
    once it is entered.
    """

    network: str
    specs: tuple[HostSpec, ...]

    def __init__(self, folder: Path, cpus: Mapping[str, float] | None = None) -> None:
        self.folder, self._cpus = folder, dict(cpus or {})
        self.key = folder / "key"
        self._inits: dict[str, subprocess.Popen] = {}

    def __enter__(self) -> Lab:
        self.folder.mkdir(parents=True, exist_ok=True)
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key))
        self._tag = _claim_network()
        self.network, self._bridge = f"10.83.{self._tag}", _bridge(self._tag)
        _run("ip", "addr", "add", f"{self.network}.1/24", "dev", self._bridge)
        _run("ip", "link", "set", self._bridge, "up")
        self.specs = tuple(
            HostSpec(name, f"{self.network}.{10 + number}", cpus)
            for number, (name, cpus) in enumerate(self._cpus.items())
        )
        try:
            for spec in self.specs:
                self.start(spec)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        for name in list(self._inits):
            self.stop(name)
        _try("ip", "link", "del", self._bridge)

    def start(self, spec: HostSpec) -> None:
        """Bring a host up and wait until its sshd answers."""
        space, link = self._space(spec.name), self._link(spec.name)
        self._clear(spec.name)  # a killed lab leaves its names behind
        _run("ip", "netns", "add", space)
        _run("ip", "link", "add", link, "type", "veth", "peer", "name", "e0", "netns", space)
        _run("ip", "link", "set", link, "master", self._bridge, "up")
        _run("ip", "-n", space, "link", "set", "lo", "up")
        length = 24 if spec.address.startswith(f"{self.network}.") else 32
        _run("ip", "-n", space, "addr", "add", f"{spec.address}/{length}", "dev", "e0")
        _run("ip", "-n", space, "link", "set", "e0", "up")
        if spec.public:
            _run("ip", "-n", space, "addr", "add", f"{spec.public}/32", "dev", "e0")
        _run("ip", "-n", space, "route", "add", "default", "dev", "e0", "src", spec.address)
        if not spec.address.startswith(f"{self.network}."):
            for address in filter(None, (spec.address, spec.public)):
                _run("ip", "route", "replace", f"{address}/32", "dev", self._bridge)
        home = self.folder / spec.name
        self._files(spec, home)
        group = self._group(spec.name)
        group.mkdir()
        words = ["setpriv", "--pdeathsig", "KILL", "nsenter", f"--net=/run/netns/{space}"]
        words += ["unshare", "--mount", "--pid", "--uts"]
        words += ["--ipc", "--fork", "--kill-child", "--mount-proc", "bash", str(home / "init.sh")]
        log = (home / "init.log").open("wb")
        self._inits[spec.name] = subprocess.Popen(
            ["bash", "-c", f'echo $$ >{group}/cgroup.procs; exec "$@"', "-", *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        deadline = time.monotonic() + 30
        while self.ssh(spec.address, "true", check=False).returncode != 0:
            if time.monotonic() > deadline:
                raise AssertionError(f"{spec.name}: {(home / 'init.log').read_text()[-2000:]}")
            time.sleep(0.2)

    def stop(self, name: str) -> None:
        """End a host: its first process takes every other with it."""
        init = self._inits.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(init.pid, signal.SIGKILL)
        init.wait(30)
        self._clear(name)

    def _clear(self, name: str) -> None:
        _try("ip", "link", "del", self._link(name))
        _try("ip", "netns", "del", self._space(name))
        group = self._group(name)
        for _ in range(50):
            try:
                group.rmdir()
            except FileNotFoundError:
                return
            except OSError:
                time.sleep(0.1)
            else:
                return

    def commands(self, name: str) -> list[str]:
        """Return the words of each process of a host, seen from outside: its link may be cut."""
        found = []
        for pid in (self._group(name) / "cgroup.procs").read_text().split():
            with contextlib.suppress(OSError):  # it has ended
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                found.append(" ".join(word.decode(errors="replace") for word in words).strip())
        return found

    @property
    def names(self) -> frozenset[str]:
        """The hosts that are up."""
        return frozenset(self._inits)

    def limit(self, spec: HostSpec, cpus: float | None, cores: Set[int] | None = None) -> None:
        """Give a host so many CPUs' time of `cores`, or of all; None lifts the limit.

        A limited host outweighs what else runs here, so that its quota holds it up and no
        neighbour; without a limit it weighs as much as one CPU.
        Ray gives up on a host whose agents take more than 15 s to start, so a share that is to
        be felt by jobs is set once the host has joined.
        """
        group = self._group(spec.name)
        limit_cpus(group, cpus)
        set_weight(group, 1.0 if cpus is None else OUTWEIGHING * cpus)
        listed = group / ("cgroup.threads" if (group / "cgroup.threads").exists() else "tasks")
        pinned: set[str] = set()
        while threads := set(listed.read_text().split()) - pinned:  # what began meanwhile too
            for thread in threads:
                with contextlib.suppress(ProcessLookupError):
                    os.sched_setaffinity(int(thread), cores or os.sched_getaffinity(0))
            pinned |= threads

    def cut(self, name: str, *, cut: bool = True) -> None:
        """Cut a host's link, or mend it."""
        _run("ip", "link", "set", self._link(name), "down" if cut else "up")

    def ssh(self, address: str, command: str, check: bool = True) -> subprocess.CompletedProcess:
        """Run a command on a host as its root."""
        words = [
            "ssh",
            "-i",
            str(self.key),
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "BatchMode=yes",
        ]
        words += ["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
        words += ["-o", "ConnectTimeout=3", f"root@{address}", command]
        return subprocess.run(words, capture_output=True, text=True, timeout=120, check=check)

    def _group(self, name: str) -> Path:
        return _cpu_controller() / f"mnb-{self._tag}-{name}"

    def _space(self, name: str) -> str:
        return f"mnb-{self._tag}-{name}"

    def _link(self, name: str) -> str:
        return f"v{self._tag}{name}"[:15]

    def _files(self, spec: HostSpec, home: Path) -> None:
        """Write what a host is made of: its folders, its keys and its first process."""
        for place in PRIVATE:
            (home / place.lstrip("/")).mkdir(parents=True)
        (home / "tmp").chmod(0o1777)
        ssh = home / "root" / ".ssh"
        ssh.mkdir(mode=0o700)
        (home / "root").chmod(0o700)
        shutil.copy(self.key.with_suffix(".pub"), ssh / "authorized_keys")
        (home / "run" / "sshd").mkdir()
        host_key = home / "run" / "host_key"
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(host_key))
        (home / "machine-id").write_text(f"{hashlib.md5(spec.name.encode()).hexdigest()}\n")
        (home / "hosts").write_text(f"127.0.0.1 localhost\n{spec.address} {spec.name}\n")
        (home / "run" / "sshd_config").write_text(
            "Port 22\nHostKey /run/host_key\nPidFile none\nPasswordAuthentication no\n"
            "UsePAM no\nMaxStartups 100\nPermitRootLogin prohibit-password\n"
        )
        # relative to the host's folder, which a mount of its own may hide on the way
        lines = ["set -e", f"cd {home}", f"hostname {spec.name}", "mount --make-rprivate /"]
        lines += [f"mkdir -p .{path} && mount --bind {path} .{path}" for path in _shown()]
        lines += [f"mount --bind ./{name} /etc/{name}" for name in ("hosts", "machine-id")]
        lines += [f"mount --rbind .{place} {place}" for place in PRIVATE]
        lines += ["mount -t tmpfs -o size=2g tmpfs /dev/shm", "cd /"]
        clean = f"env -i HOME=/root USER=root SHELL=/bin/bash LANG=C.UTF-8 PATH={_path()}"
        lines += [f"{clean} $(command -v sshd) -D -e -f /run/sshd_config >/run/sshd.log 2>&1 &"]
        lines += ["set +e", "while :; do wait -n; sleep 0.2; done"]  # as pid 1 it reaps orphans
        (home / "init.sh").write_text("\n".join(lines) + "\n")


def _bridge(tag: int) -> str:
    return f"mnb-10-83-{tag}"


def _claim_network() -> int:
    """Return N such that 10.83.N.0/24 is nobody's, and make its bridge, which claims it."""
    routes = subprocess.run(["ip", "route"], capture_output=True, text=True, env={"PATH": _path()})
    for number in range(7, 255):
        if f"10.83.{number}." not in routes.stdout:
            try:
                _run("ip", "link", "add", _bridge(number), "type", "bridge")
            except subprocess.CalledProcessError as error:
                if "File exists" not in error.stderr:
                    raise
            else:
                return number
    raise AssertionError("every network from 10.83.7.0/24 to 10.83.254.0/24 is taken")


def _shown() -> list[str]:
    """Return the folders that a host must see although they lie where it has its own."""
    wanted = {str(ROOT), sys.prefix, sys.base_prefix}
    data = os.environ.get("MNIST_BENCH_DATA")
    if data:
        wanted.add(str(Path(data).parent))
    return sorted(path for path in wanted if path.startswith(tuple(f"{p}/" for p in PRIVATE)))


def _path() -> str:
    return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _cpu_controller() -> Path | None:
    """Return where groups with a CPU quota are made: of cgroup v1, or of v2."""
    old, new = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")
    if (old / "cpu.cfs_quota_us").exists() or (old / "cpu.shares").exists():
        return old
    control = new / "cgroup.subtree_control"
    return new if control.exists() and "cpu" in control.read_text().split() else None


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, text=True, env={"PATH": _path()})


def _try(*words: str) -> None:
    subprocess.run(words, check=False, capture_output=True, env={"PATH": _path()})
