"""What lies around the user: files of the folder, variables, no home, a host with an odd name."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest
from conftest import ROOT

from tests.e2e import journey

pytestmark = pytest.mark.slow

LISTED = ["--list", "--grid", "smoke", "--dataset", "synthetic"]
TOY = ["--workload", "toy_workload:WORKLOAD", "--local-only", "--repeat-disturbed", "0"]


def started(words, folder, **variables):
    """Run a command in `folder`; return its exit code and what it printed."""
    environment = {**os.environ, **variables}
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def toys(folder, *more):
    """Return the words of a run of one toy job."""
    (folder / "toys.yaml").write_text("name: toys\nsubgrids: [{models: ok, epochs: 1}]\n")
    script = Path(sys.executable).with_name("mnist-bench")
    return [str(script), "run", *TOY, "--no-figures", "--grid", "toys.yaml", "--out", "out", *more]


@pytest.fixture
def foreign(tmp_path):
    """A folder whose files have the names of ours."""
    (tmp_path / "bench.py").write_text('raise SystemExit("my own benchmark")\n')
    return tmp_path


#: Variables of the user's that lead Ray, its client or an interpreter astray.
ASTRAY = {
    "RAY_ADDRESS": "http://127.0.0.1:9",
    "RAY_RUNTIME_ENV_HOOK": "no.such:hook",
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "PYTHONWARNINGS": "error",
    "PYTHONDEVMODE": "1",
    "PYTHONUTF8": "0",
    "LC_ALL": "C",
}


@pytest.mark.parametrize("dispatch", ["inline", "ray"])
def test_neither_a_bench_py_nor_variables_of_the_user_s_change_a_run(foreign, dispatch):
    code, said = started(toys(foreign, "--dispatch", dispatch), foreign, **ASTRAY)
    assert code == 0, said
    assert "my own benchmark" not in said
    assert (foreign / "out" / "summary.md").exists()


def test_neither_is_a_folder_called_bench(tmp_path):
    (tmp_path / "bench").mkdir()
    code, said = started([sys.executable, "-m", "mnist_bench.run", *LISTED], tmp_path)
    assert code == 0, said


def test_a_workload_s_module_in_the_working_folder_is_still_found(tmp_path):
    shutil.copy(ROOT / "tests" / "toy_workload.py", tmp_path / "my_toys.py")
    (tmp_path / "random.py").write_text('raise SystemExit("my own dice")\n')
    words = toys(tmp_path, "--dispatch", "inline")[2:]
    words[words.index("toy_workload:WORKLOAD")] = "my_toys:WORKLOAD"
    code, said = started([sys.executable, "-m", "mnist_bench.run", *words], tmp_path)
    assert code == 0, said
    assert "my own dice" not in said


def test_a_keras_json_of_the_user_s_does_not_change_what_is_trained(tmp_path, data_environment):
    (tmp_path / "keras.json").write_text(
        json.dumps({"floatx": "float64", "epsilon": 0.1, "image_data_format": "channels_first"})
    )
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "keras.json").write_text("{")
    found = set()
    for name in (tmp_path, tmp_path / "broken"):
        out = tmp_path / f"out-{name.name}"
        words = [*journey.SHORT, "--grid", "smoke", "--optimizers", "sgd", "--dispatch", "inline"]
        words += ["--batch-sizes", "1000"]
        astray = {"KERAS_HOME": str(name), "KERAS_FLOATX": "float64"}
        code, said = journey.run(*words, out=out, **data_environment, **astray)
        assert code == 0, said
        (journal,) = journey.journals(out)
        measured = [one for one in journey.records(journal) if one.get("measurement")]
        record = measured[0]
        found.add(record["measurement"]["digests"]["final_weights"])
    assert len(found) == 1


def test_without_data_and_network_synthetic_digits_take_the_place_and_every_table_says_so(
    tmp_path,
):
    home = tmp_path / "home"
    home.mkdir()
    nowhere = {"HOME": str(home), "KERAS_HOME": str(home), "XDG_CACHE_HOME": str(home)}
    out = tmp_path / "reports"
    code, output = journey.run(
        *["--grid", "smoke", *journey.SHORT, "--dispatch", "inline"],
        out=out,
        **nowhere,
        MNIST_BENCH_DATA="",
        MNIST_BENCH_OFFLINE="1",
    )
    assert code == 0, output
    assert "Synthetic digits took the place of MNIST" in output
    (record,) = journey.records(journey.journals(out)[0])
    assert record["job"]["dataset"] == "synthetic"
    assert record["measurement"]["evaluations"][-1]["metrics"]["test_accuracy"] > 0.9
    first_screen, detail, *sections = (out / "summary.md").read_text().split("\n## ")
    assert "- **Data**: " in first_screen and "Synthetic digits" in first_screen
    assert detail.startswith("The verdict in detail\n")
    assert sections.pop().startswith("Notes\n\n2020 figures: ")
    assert len(sections) >= 6
    for section in sections:  # of tables, and of what does not apply
        assert "Synthetic digits" in section, section.splitlines()[0]


def test_cdpath_does_not_mislead_the_set_up():
    done = subprocess.run(
        ["sh", "tools/setup.sh", "--which-python"],
        cwd=ROOT, env={**os.environ, "CDPATH": "."}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["PYTHONHOME", "PYTHONPATH", "CDPATH"])
def test_make_hands_no_variable_of_another_python_on(tmp_path, name):
    """`make` runs a recipe of the test's own, with the rules of the real Makefile."""
    own = tmp_path / "own.mk"
    own.write_text(f'include {ROOT / "Makefile"}\nshow:\n\t@echo "seen: $${name}"\n')
    code, said = started(["make", "-s", "-f", str(own), "show"], tmp_path, **{name: "/opt/other"})
    assert (code, said) == (0, "seen: \n")


needs_root = pytest.mark.skipif(
    os.getuid() != 0 or shutil.which("setpriv") is None or shutil.which("unshare") is None,
    reason="only root on Linux can be another user, or another host",
)


@needs_root
def test_a_user_without_a_home_measures_and_gets_a_report(open_to_all):
    words = toys(open_to_all, "--dispatch", "inline")
    nobody = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"]
    path = f"{os.environ['PYTHONPATH']}:{sysconfig.get_path('purelib')}"
    words = [*nobody, "env", "-u", "HOME", f"PYTHONPATH={path}", *python_of_all(), *words[1:]]
    code, said = started(words, open_to_all, TMPDIR=str(open_to_all))
    assert code == 0, said
    assert (open_to_all / "out" / "summary.md").exists()


@pytest.fixture
def open_to_all():
    """A folder that every user may write; pytest's own are closed."""
    folder = Path(tempfile.mkdtemp(prefix="bench-open-", dir="/tmp"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def python_of_all():
    """Return the words that start the command with a Python that every user may run."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = shutil.which(name, path="/usr/bin:/usr/local/bin")
    if found is None:
        pytest.skip(f"there is no {name} that every user may run")
    return [found, "-m", "mnist_bench"]


@needs_root
@pytest.mark.parametrize(
    ("host", "options", "kept"),
    [
        ("mnist-bench", [], "mnist-bench run"),
        ("sgd", ["--optimizers", "sgd,adam"], "--optimizers sgd,adam"),
        ("epochs", ["--epochs", "1"], "--epochs 1"),
        ("gpu07", [], "--out /data/host-"),
    ],
)
def test_a_host_that_is_called_like_a_word_of_ours_leaves_the_command_whole(
    tmp_path, host, options, kept
):
    source = (
        "import socket, sys; socket.sethostname(sys.argv[1])\n"
        "from bench.app.typed_command import shown_command\n"
        "from bench.child.workload import load_workload\n"
        "from bench.spec.privacy import Privacy\n"
        "from bench.spec.request import Program\n"
        "name = 'mnist_bench.workload:WORKLOAD'\n"
        "words = ('mnist-bench', 'run', '--grid', 'full', *sys.argv[2:], '--out', '/data/gpu07')\n"
        "print(shown_command(Program(words[0], name, words), Privacy(), load_workload(name)))\n"
    )
    words = ["unshare", "--uts", sys.executable, "-c", source, host, *options]
    code, said = started(words, ROOT)
    assert code == 0, said
    assert kept in said
