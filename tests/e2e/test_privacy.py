"""What leaves a machine tells not whose it is unless that was asked for: a host of its own name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from launches import a_launch

from bench.probe.identity import MACHINE_IDS
from bench.probe.root import HOST as THIS_MACHINE
from bench.spec.privacy import name_hash
from tests.e2e import journey

pytestmark = pytest.mark.slow

HOST = "secret-lab-7.example"
SERIAL = "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6"

NETWORK = ["--grid", "smoke", *journey.SHORT, "--batch-sizes", "1000", "--local-only"]

#: Names the host of a UTS namespace, then becomes the command.
NAME_AND_GO = (
    "import os, socket, sys; socket.sethostname(sys.argv[1]); os.execvp(sys.argv[2], sys.argv[2:])"
)

#: Runs one job as a dispatcher does, and prints its record.
RUN_CHILD = """
import sys
from bench.child.launch import LaunchSpec
from bench.child.process import run_child
*_, record = run_child(LaunchSpec.model_validate_json(sys.stdin.read()))
print(record.model_dump_json())
"""


def on_host(command):
    """Return the words that run `command` on a host named HOST."""
    return ["unshare", "--uts", sys.executable, "-c", NAME_AND_GO, HOST, *command]


@pytest.fixture(scope="module", autouse=True)
def namespaces():
    """Skip where the system lets nobody name a host."""
    done = subprocess.run(on_host(["true"]), capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"no host of our own can be named here: {done.stderr.decode()[:100]}")


def secrets():
    known = map(THIS_MACHINE.line, MACHINE_IDS)
    return [SERIAL, HOST, HOST.partition(".")[0], *filter(None, known)]


@pytest.mark.parametrize(
    ("job", "options"),
    [
        (NETWORK, ["--dispatch", "inline"]),
        (journey.SMALL_PRODUCTS, ["--dispatch", "ray", "--local-only"]),
        (journey.SMALL_PRODUCTS, ["--dispatch", "inline", "--local-only", "--show-hostnames"]),
    ],
    ids=["a network", "through Ray", "asked for"],
)
def test_a_run_s_files_tell_the_host_s_name_where_that_was_asked_for_alone(
    tmp_path, data_environment, job, options
):
    process = journey.start(
        on_host(journey.command(*job, *options, out=tmp_path)),
        **data_environment,
        CUDA_VISIBLE_DEVICES=SERIAL,
    )
    code, output = journey.finish(process)
    assert code == 0, output
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 5
    text = output + "".join(path.read_bytes().decode(errors="replace") for path in files)
    found = [secret for secret in secrets() if secret in text]
    shown = "--show-hostnames" in options
    assert found == ([HOST, HOST.partition(".")[0]] if shown else [])


def test_a_failed_job_s_words_tell_neither_host_nor_serial(tmp_path):
    """The child tells its host, home and GPU in its output and in its error."""
    done = subprocess.run(
        on_host([sys.executable, "-c", RUN_CHILD]),
        input=a_launch("tell-all", tmp_path).model_dump_json(),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": SERIAL, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    failure = json.loads(done.stdout)["failure"]
    for words in (failure["message"], failure["traceback"], failure["log_tail"]):
        assert f"host-{name_hash(HOST)} ~ GPU-" in words
    assert [secret for secret in secrets() if secret in done.stdout] == []
    assert str(Path.home()) not in failure["log_tail"]
