"""A real `ray up` of three hosts over SSH, measured beside this machine; faults; and `--down`.

The hosts are network namespaces with real sshd and unlike CPU shares (tests/lab). One cluster
serves the whole module, in the order of the file: it takes minutes. The machines are ranked by
matrix products while the hosts have their shares. A network costs more on a slow host, so it is
trained later, when no host is limited but one, and that one until its link is cut.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter

import pytest
from groups import entered, outweighing

from bench.cluster.firewall import open_ports
from bench.dispatch.launcher import ask_head
from bench.dispatch.tunnel import SshTarget, Tunnel
from tests.e2e import journey
from tests.lab import hosts, onprem

WHY_NOT = hosts.why_not()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(WHY_NOT is not None, reason=WHY_NOT or ""),
]

#: Names sort as their CPU shares do; the head is no special one. Together they have a little less
#: than one CPU, so that their quotas hold them up and not one another: while the planted ranking is
#: measured, this machine's own jobs have the other CPU.
CPUS = {"alpha": 0.46, "beta": 0.29, "gamma": 0.18}

#: One job a machine. The workload is one file, and its steps are short beside a quota's pauses.
MATMUL = ("--workload", str(journey.ROOT / "examples" / "matmul.py"), "--grid", "quick")
MATMUL += ("--sizes", "512", "--seeds", "1", "--repeats", "1", "--epochs", "16", "--no-figures")

#: Two jobs a machine, of the smoke grid's MLP.
TWO = ("--grid", "smoke", *journey.SHORT, "--optimizers", "adam,sgd", "--batch-sizes", "1000")

STRANGER = (
    'import ray; ray.init(address="HEAD:6379", log_to_driver=False, logging_level=50); '
    'print("connected")'
)


class Laptop:
    """The user's side: a home, a cluster file and the command."""

    def __init__(self, lab, folder, data):
        self.lab, self.folder, self.home = lab, folder, folder / "home"
        self.home.mkdir()
        self.file = onprem.write_file(lab, folder)
        self.environment = {**onprem.environment(self.home), **data}

    def start(self, *arguments, out="reports", where=None, before=(), whole=False, **environment):
        """Type the command, on the cluster of the file unless `where` says otherwise."""
        where = where or ("--cluster", str(self.file))
        words = [*where, "--label", "laptop", "--show-hostnames", *arguments]
        words = journey.command(*words, whole=whole)
        words = [*before, *words]
        return subprocess.Popen(
            [*words, "--out", str(self.folder / out)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**self.environment, **environment},
            start_new_session=True,
        )

    def tunnel(self):
        """Open the way to the head's dashboard that a user opens with ssh -L."""
        return Tunnel(SshTarget(self.lab.specs[0].address, "root", str(self.lab.key)))

    def token(self):
        """Return the cluster's token."""
        return self.lab.ssh(self.lab.specs[0].address, "cat ~/.ray/auth_token").stdout.strip()

    def jobs(self):
        """Return how many jobs' processes each host has."""
        count = "ps -eo args= | grep -c '[b]ench.child.entry' || :"
        return [int(self.lab.ssh(spec.address, count).stdout) for spec in self.lab.specs]

    def records(self, out="reports"):
        found = journey.journals(self.folder / out)
        return journey.records(found[0]) if found else []

    def limit(self, cores):
        """Give the hosts their shares of these cores; of none: lift all limits."""
        for spec in self.lab.specs:
            self.lab.limit(spec, spec.cpus if cores else None, cores)

    def ray_processes(self):
        """Return the processes of Ray's, and of jobs, on every host."""
        look = "ps -eo args= | grep -E '[r]ay|[b]ench' || :"
        return {
            spec.name: self.lab.ssh(spec.address, look).stdout.split() for spec in self.lab.specs
        }


@pytest.fixture(scope="module")
def laptop(tmp_path_factory, data_environment):
    folder = tmp_path_factory.mktemp("onprem")
    with hosts.Lab(folder / "lab", CPUS) as lab:
        laptop = Laptop(lab, folder, data_environment)
        words = [sys.executable, "-m", "mnist_bench", "cluster", "prepare", str(laptop.file)]
        prepared = subprocess.run(
            words, env=laptop.environment, capture_output=True, text=True, timeout=60
        )
        assert prepared.returncode == 0, prepared.stdout + prepared.stderr
        up = onprem.ray("up", laptop.file, laptop.environment)
        assert up.returncode == 0, up.stdout[-3000:] + up.stderr[-3000:]
        journey.wait_for(lambda: onprem.alive_nodes(lab) == 3, 150)
        yield laptop


@pytest.fixture(scope="module")
def products(laptop):
    """The first run: matrix products on one CPU of this machine and on the three hosts.

    Hosts and laptop outweigh what runs beside this test, which would change the ranks.
    """
    own, *others = sorted(os.sched_getaffinity(0))
    laptop.limit({others[0]} if others else {own})
    with outweighing() as group:
        words = entered(group, ["taskset", "--cpu-list", str(own)])
        try:
            code, output = journey.finish(laptop.start(*MATMUL, before=words, whole=True), 800)
        finally:
            laptop.limit(None)
    return code, output, laptop.folder / "reports"


def test_one_command_measures_this_machine_and_every_host_into_one_report(products):
    code, output, out = products
    assert code == 0, output
    assert "4 of 4 jobs measured on 4 machines, 0 failed" in output
    measured = {row["machine"] for row in journey.summary(out)["machines"] if row["machine_id"]}
    assert measured == {"laptop", "alpha", "beta", "gamma"}
    assert len(journey.journals(out)) == 1


def test_the_planted_ranks_lie_in_the_rank_sets(products):
    """Shares of a CPU: the steps are as quick between the pauses, so the mean decides."""
    tables = journey.summary(products[2])
    ranks = {row["machine"]: row for row in tables["ranking"] if row["jobs"] == "all"}
    assert next(iter(ranks)) == "laptop"
    for planted, machine in enumerate(["laptop", "alpha", "beta", "gamma"], 1):
        row = ranks[machine]  # one sitting: neighbours need not be told apart
        assert row["rank_first"] <= planted <= row["rank_last"], machine
    assert ranks["laptop"]["speed"] == 1 > ranks["gamma"]["speed"]
    held = {row["machine"]: row.get("held_by_quota") for row in tables["capacity"]}
    assert held["gamma"] > 0
    said = " ".join((products[2] / "summary.md").read_text().split())
    assert "Train on laptop" in said or "laptop is" in said
    assert "Its CPU quota pauses it" in said


def test_the_workload_of_one_file_was_shipped_to_the_hosts_and_measures_their_ceilings(
    laptop, products
):
    records = laptop.records()
    assert {record["label"] for record in records} == {"laptop", "alpha", "beta", "gamma"}
    assert {record["job"]["axes"]["size"] for record in records} == {512}
    assert all(record["measurement"]["ceilings"]["matmul"] for record in records)
    for name in ("initial_weights", "code"):
        assert len({record["measurement"]["digests"][name] for record in records}) == 1, name


def test_a_host_s_job_has_the_whole_host_at_full_priority(laptop, products):
    for record in laptop.records():
        assert record["measurement"]["threads"]["niceness"] == 0
        assert record["placed_by"] == ("ray" if record["label"] == "laptop" else "ray cluster")


def test_the_run_says_what_still_runs_and_how_to_end_it(products):
    assert "Ray still runs on its hosts" in products[1]
    assert "--down" in products[1]


# --- security ---------------------------------------------------------------------------------


def test_no_port_of_ray_answers_from_outside_the_cluster_s_own_hosts(laptop, products):
    assert [open_ports(spec.address) for spec in laptop.lab.specs] == [
        [],
        [],
        [],
    ]
    assert open_ports(laptop.lab.specs[0].address, [22]) == [22]
    inside = f"timeout 3 bash -c '</dev/tcp/{laptop.lab.specs[0].address}/6379' && echo open"
    assert laptop.lab.ssh(laptop.lab.specs[1].address, inside).stdout.strip() == "open"


#: The Jobs API, and where the dashboard's pages get what they show.
ASKED = ("/api/jobs/", "/nodes?view=summary", "/api/cluster_status", "/api/v0/tasks")


def test_the_jobs_api_and_the_dashboard_refuse_whoever_has_not_the_token(laptop, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(laptop.home / ".cache"))  # keys of hosts seen
    seen = {}
    with laptop.tunnel() as tunnel:
        for who, token in (("nobody", None), ("stranger", "0" * 64), ("owner", laptop.token())):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            for path in ASKED:
                request = urllib.request.Request(tunnel.address + path, headers=headers)
                try:
                    seen[who, path] = urllib.request.urlopen(request, timeout=20).status
                except urllib.error.HTTPError as refused:
                    seen[who, path] = refused.code
    assert {seen["owner", path] for path in ASKED} == {200}
    others = {seen[who, path] for who in ("nobody", "stranger") for path in ASKED}
    assert others <= {401, 403}, seen


def test_a_driver_without_the_token_is_refused_even_on_a_host_of_the_cluster(laptop):
    """The same driver with the token gets in, so it is the token that it lacks."""
    stranger = STRANGER.replace("HEAD", laptop.lab.specs[0].address)
    driver = f"RAY_NUM_REDIS_GET_RETRIES=2 timeout 60 {sys.executable} -c '{stranger}'"
    with_token = f". ~/mnist-bench/tools/ray-env.sh; {driver}"
    assert "connected" in laptop.lab.ssh(laptop.lab.specs[1].address, with_token).stdout
    without = laptop.lab.ssh(laptop.lab.specs[1].address, driver, check=False)
    assert without.returncode != 0
    assert "connected" not in without.stdout


def test_the_token_is_in_no_process_list_no_log_and_no_record(laptop, products):
    token = laptop.token()
    assert len(token) == 64
    for spec in laptop.lab.specs:
        seen = laptop.lab.ssh(spec.address, "stat -c %a ~/.ray/auth_token; ps -eo args").stdout
        assert seen.startswith("600")
        assert token not in seen
        logs = f"grep -rl {token[:40]} /tmp/ray ~/mnist-bench* ~/ray_bootstrap_config.yaml || :"
        assert laptop.lab.ssh(spec.address, logs).stdout == ""
    assert token not in products[1]
    written = [path for path in products[2].rglob("*") if path.is_file()]
    assert len(written) > 3
    assert not [path for path in written if token in path.read_text(errors="replace")]


def test_the_doctor_reaches_the_cluster_and_names_a_token_that_is_not_the_cluster_s(laptop):
    head = laptop.lab.specs[0].address

    def doctor(*checks):
        done = subprocess.run(
            [
                *(sys.executable, "-m", "mnist_bench", "doctor", *checks),
                *("--json", "--cluster", str(laptop.file)),
            ],
            env=laptop.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.returncode, json.loads(done.stdout)["findings"]

    code, findings = doctor("ssh", "file", "hosts", "head")
    assert (code, {one["state"] for one in findings}) == (0, {"ok"}), findings
    laptop.lab.ssh(head, "cp -p ~/.ray/auth_token ~/kept && printf %064d 0 > ~/.ray/auth_token")
    try:
        code, findings = doctor("head")
    finally:
        laptop.lab.ssh(head, "mv ~/kept ~/.ray/auth_token")
    assert code == 1
    (wrong,) = [one for one in findings if one["state"] == "problem"]
    assert wrong["check"] == "head"
    assert "token" in wrong["seen"]
    assert "ray up" in wrong["cure"]


# --- an address, a limit ----------------------------------------------------------------------


def test_a_cluster_is_measured_by_its_address_and_stopped_in_good_order_by_a_limit(
    laptop, products, monkeypatch
):
    """More jobs than the time allows, on a cluster of which nothing is known but its Jobs API."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(laptop.home / ".cache"))
    token = laptop.folder / "token"
    token.write_text(laptop.token())
    token.chmod(0o600)
    seeds = ",".join(map(str, range(1, 61)))
    words = [*journey.PRODUCTS, "--sizes", "64", "--rest-s", "0.06", "--seeds", seeds]
    with laptop.tunnel() as tunnel:
        process = laptop.start(
            *words,
            *("--max-minutes", "0.75"),
            where=("--address", tunnel.address),
            out="limited",
            RAY_AUTH_TOKEN_PATH=str(token),
        )
        code, output = journey.finish(process, 300)
    assert code == 1, output
    assert f"cluster: the one at {tunnel.address}" in output
    assert "the cluster's share ended early: the limit of 0.75 minutes is reached" in output
    records = laptop.records("limited")
    assert {r["label"] for r in records} > {"laptop"}, output
    assert all(record["measurement"] for record in records)
    assert 1 < len(records) < 240
    assert f"{len(records)} of 240 jobs measured on 4 machines, 0 failed" in output
    assert laptop.jobs() == [0, 0, 0]
    assert laptop.token() not in output


# --- faults -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recovered(laptop, products):
    """Beta's link is cut in mid-job until Ray calls it dead; the laptop dies and comes back.

    Two jobs of a network on every machine: (exit code, output, records).
    """
    laptop.lab.limit(laptop.lab.specs[1], 0.4)
    process = laptop.start(*TWO, out="faults")
    journal = journey.wait_for(lambda: journey.journals(laptop.folder / "faults"), 120)[0]
    journey.wait_for(lambda: '"label":"beta"' in journal.read_text(), 240)
    time.sleep(5)  # in mid-job: an import of TensorFlow alone takes longer there
    laptop.lab.cut("beta")
    laptop.lab.limit(laptop.lab.specs[1], None)
    cut_at = time.monotonic()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    again = laptop.start(*TWO, "--down", out="faults")
    time.sleep(max(0.0, 45 - (time.monotonic() - cut_at)))
    laptop.lab.cut("beta", cut=False)
    code, output = journey.finish(again, 580)
    return code, output, laptop.records("faults")


def test_a_cut_link_and_a_killed_laptop_lose_no_job_and_record_none_twice(recovered):
    code, output, records = recovered
    assert code == 0, output
    assert "going on with" in output
    counts = Counter((record["label"], record["job_id"]) for record in records)
    assert len(counts) == 8
    assert [one for one in records if one["failure"]] == []
    assert set(counts.values()) == {1}
    assert all(record["measurement"] for record in records)
    attempts = {record["label"]: [] for record in records}
    for record in records:
        attempts[record["label"]].append(record["attempt"])
    assert max(attempts["beta"]) == 2
    assert attempts["alpha"] == attempts["gamma"] == [1, 1]


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_all_four_machines_did_the_same_job_with_the_code_that_was_sent(recovered, optimizer):
    ours = [one for one in recovered[2] if one["job"]["axes"]["optimizer"] == optimizer]
    digests = [record["measurement"]["digests"] for record in ours]
    assert len(digests) == 4
    for name in ("data", "initial_weights", "batch_order", "code"):
        assert len({each[name] for each in digests}) == 1, name


def test_down_leaves_nothing_of_ray_running_on_any_host(laptop, recovered):
    """Comes after the run with --down."""
    assert laptop.ray_processes() == {"alpha": [], "beta": [], "gamma": []}
    assert ask_head(laptop.file)["head"] is None or not list(
        open_ports(laptop.lab.specs[0].address, [6379])
    )


def test_a_run_without_its_cluster_says_so_and_measures_nothing(laptop, recovered):
    """The file is named, so going on without it would not be what was asked for."""
    code, output = journey.finish(laptop.start("--grid", "smoke", out="none"), 120)
    assert code == 2, output
    assert "not up" in output
    assert not json.dumps(output).count("jobs measured")
