"""Wrong requests: exit code 2 (1 if the results cannot be written), one message, nothing begun."""

from __future__ import annotations

import pytest

from tests.e2e import journey

pytestmark = pytest.mark.slow

CASES = [
    (["--grid", "huge"], ["unknown grid", "huge", "smoke, quick, threads, paper, full"]),
    (["--grid", "missing.yaml"], ["missing.yaml", "No such file"]),
    (["--optimizers", "adamw"], ["optimizers", "adamw", "sgd, rmsprop, adam"]),
    (["--models", "vit"], ["models", "vit", "mlp, cnn"]),
    (["--backends", "mxnet"], ["backends", "mxnet"]),
    (["--epochs", "0"], ["epochs", "0"]),
    (["--epochs", "many"], ["epochs", "many"]),
    (["--dataset", "cifar"], ["dataset", "cifar"]),
    (["--data", "nowhere.npz"], ["nowhere.npz", "No such file"]),
    (["--no-such-flag"], ["--no-such-flag"]),
]


@pytest.mark.parametrize(("arguments", "words"), CASES, ids=[" ".join(c[0]) for c in CASES])
def test_a_wrong_request_ends_with_2_and_names_what_was_wrong(
    tmp_path, data_environment, arguments, words
):
    out = tmp_path / "reports"
    code, output = journey.run(*arguments, out=out, **data_environment)
    assert code == 2, output
    for word in words:
        assert word in output
    assert "Traceback" not in output
    assert not out.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: mine\nsubgrids:\n  - {models: mlp, optimisers: adam, epochs: 1}\n", ["optimisers"]),
        ("name: mine\nsubgrids:\n  - {models: mlp, optimizers: adam, epochs: -3}\n", ["-3"]),
        ("name: mine\nsubgrids: [\n", ["the YAML of grid", "line"]),
        ("- 1\n", ["not a mapping"]),
    ],
    ids=["unknown key", "negative epochs", "not YAML", "a list"],
)
def test_a_wrong_grid_file_is_refused_with_its_key_and_value(
    tmp_path, data_environment, text, words
):
    grid, out = tmp_path / "mine.yaml", tmp_path / "reports"
    grid.write_text(text)
    code, output = journey.run("--grid", str(grid), out=out, **data_environment)
    assert code == 2, output
    assert all(word in output for word in [*words, "mine.yaml"])
    assert not out.exists()


def test_one_flipped_bit_in_the_data_is_refused(tmp_path, real_mnist):
    if real_mnist is None:
        pytest.skip("the real MNIST is not here")
    damaged, out = tmp_path / "mnist.npz", tmp_path / "reports"
    content = bytearray(real_mnist.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    code, output = journey.run("--grid", "smoke", out=out, MNIST_BENCH_DATA=str(damaged))
    assert code == 2, output
    assert str(damaged) in output
    assert not out.exists()


def test_an_out_that_cannot_be_written_is_refused_before_anything_runs(tmp_path, data_environment):
    """A path below a regular file: no permission stops root, who may run these tests."""
    (tmp_path / "file").write_text("in the way")
    out = tmp_path / "file" / "reports"
    code, output = journey.run("--grid", "smoke", out=out, **data_environment)
    assert code == 1, output
    assert "cannot write" in output
    assert "--out" in output


def test_list_and_dry_run_print_the_jobs_and_write_nothing(tmp_path, data_environment):
    out = tmp_path / "reports"
    code, output = journey.run("--grid", "paper", "--list", out=out, **data_environment)
    assert code == 0
    assert len(output.splitlines()) == 6
    code, output = journey.run("--grid", "paper", "--dry-run", out=out, **data_environment)
    assert code == 0
    assert "6 jobs, about" in output
    assert "Nothing was run" in output
    assert not out.exists()
