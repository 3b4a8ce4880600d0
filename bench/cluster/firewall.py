"""The firewall of on-premises hosts: Ray's ports answer the cluster's own hosts alone.

A chain of iptables of its own, which touches no other rule and no other port.
"""

from __future__ import annotations

import shlex
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from bench.cluster.config import ClusterFile
from bench.dispatch.tunnel import SshTarget, run_there

CHAIN = "BENCH"

#: The ports of tools/ray-env.sh and of the start commands: Ray's own, its workers', and those at
#: which the autoscaler and the dashboard tell their metrics to whoever asks.
PORTS = ("6379:6385", "8265", "10001:10999", "44217", "44227")

#: One of each range, to be tried from outside.
PROBED = (6379, 6380, 6381, 6382, 6383, 6384, 6385, 8265, 10001, 10002, 10003, 44217, 44227)


def rules(hosts: Sequence[str]) -> str:
    """Return the shell command that lays the rules anew, the same however often it is run."""
    lines = [
        f"iptables -N {CHAIN} 2>/dev/null || iptables -F {CHAIN}",
        f"iptables -A {CHAIN} -i lo -j RETURN",
        *(f"iptables -A {CHAIN} -s {shlex.quote(host)} -j RETURN" for host in hosts),
        f"iptables -A {CHAIN} -p tcp -m multiport --dports {','.join(PORTS)} -j DROP",
        f"iptables -C INPUT -j {CHAIN} 2>/dev/null || iptables -I INPUT -j {CHAIN}",
    ]
    return "set -e; " + "; ".join(lines)


def close(file: ClusterFile) -> None:
    """Lay the rules on every host of the cluster. Raises DispatchError."""
    hosts = all_hosts(file)
    for host in hosts:
        run_there(ssh_target(file, host), f"$(command -v sudo) sh -c {shlex.quote(rules(hosts))}")


def open_ports(host: str, ports: Sequence[int] = PROBED, timeout_s: float = 1.0) -> list[int]:
    """Return the ports of `host` that answer from here within `timeout_s` seconds.

    All are tried at once, because a port that a firewall drops takes the whole time.
    """

    def answers(port: int) -> bool:
        with socket.socket() as probe:
            probe.settimeout(timeout_s)
            return probe.connect_ex((host, port)) == 0

    with ThreadPoolExecutor(max(1, len(ports))) as pool:
        answered = pool.map(answers, ports)
        return [port for port, is_open in zip(ports, answered, strict=True) if is_open]


def all_hosts(file: ClusterFile) -> list[str]:
    """Return the addresses of an on-premises file, the head first."""
    provider = file.document["provider"]
    return [provider["head_ip"], *(provider.get("worker_ips") or ())]


def ssh_target(file: ClusterFile, host: str) -> SshTarget:
    """Return how a host of an on-premises file is reached."""
    auth = file.document["auth"]
    return SshTarget(host, auth["ssh_user"], auth.get("ssh_private_key"))
