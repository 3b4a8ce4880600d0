"""The grids of the package and grids of the user's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import RequestError
from bench.spec.grid import expand
from mnist_bench.grids import NAMES, load_grid
from mnist_bench.models import ARCHITECTURES, OPTIMIZERS

GRIDS = Path(__file__).resolve().parents[2] / "mnist_bench" / "grids"


def test_the_names_are_those_of_the_files():
    assert set(NAMES) == {path.stem for path in GRIDS.glob("*.yaml")}


@pytest.mark.parametrize("name", NAMES)
def test_a_grid_of_the_package_loads_and_is_called_what_it_is_called(name):
    grid = load_grid(name)
    assert grid.name == name
    assert grid.about
    assert expand(grid, "mnist")


def test_smoke_has_both_models():
    assert {job.model for job in expand(load_grid("smoke"), "mnist")} == set(ARCHITECTURES)


def test_paper_covers_the_twelve_published_rows_with_six_jobs():
    jobs = expand(load_grid("paper"), "mnist")
    rows = {
        (job.model, job.optimizer, epochs) for job in jobs for epochs in (*job.read_off, job.epochs)
    }
    assert len(jobs) == 6
    assert rows == {(m, o, e) for m in ("mlp", "cnn") for o in OPTIMIZERS for e in (2, 15)}


def test_full_holds_every_job_of_paper():
    full = {job.job_id for job in expand(load_grid("full"), "mnist")}
    assert {job.job_id for job in expand(load_grid("paper"), "mnist")} < full


def test_full_gives_every_published_row_two_seeds_and_the_mlp_s_timed_one_three():
    jobs = [job for job in expand(load_grid("full"), "mnist") if job.epochs == 15]
    seeds = {}
    for job in jobs:
        seeds.setdefault((job.model, job.optimizer), set()).add(job.seed)
    assert {key: len(found) for key, found in seeds.items()} == {
        (model, optimizer): 3 if (model, optimizer) == ("mlp", "rmsprop") else 2
        for model in ("mlp", "cnn")
        for optimizer in ("sgd", "rmsprop", "adam")
    }


def test_full_sweeps_batches_from_32_to_8192_in_both_loops():
    jobs = expand(load_grid("full"), "mnist")
    swept = {}
    for job in jobs:
        if job.epochs == 2 and (job.backend, job.precision) == ("tensorflow", "float32"):
            swept.setdefault((job.model, job.loop), set()).add(job.batch_size)
    sizes = {32, 128, 512, 2048, 8192}
    assert swept == {
        (model, loop): sizes for model in ("mlp", "cnn") for loop in ("fit", "compiled")
    }


def test_a_grid_of_the_user_s_own_is_read_from_its_file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nsubgrids:\n  - {models: cnn, optimizers: sgd, epochs: [1, 4]}\n")
    jobs = expand(load_grid(str(path)), "mnist")
    assert [(job.model, job.optimizer, job.epochs) for job in jobs] == [
        ("cnn", "sgd", 1),
        ("cnn", "sgd", 4),
    ]


def test_a_file_that_is_no_yaml_is_refused_with_the_line(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nsubgrids:\n  - {models: cnn\n  - more: [\n")
    with pytest.raises(RequestError, match=r"mine\.yaml is not YAML \(seen: line 4: "):
        load_grid(str(path))


def test_yaml_that_would_build_an_object_is_refused(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("!!python/object/apply:os.getcwd []\n")
    with pytest.raises(RequestError, match="is not YAML"):
        load_grid(str(path))


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(RequestError, match=r"cannot read the grid file .*mine\.yaml"):
        load_grid(str(path))


def test_an_unknown_grid_is_refused_with_the_known_ones(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match=r"unknown grid \(seen: huge\).*" + ", ".join(NAMES)):
        load_grid("huge")


def test_a_grid_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RequestError, match=r"missing\.yaml"):
        load_grid(str(tmp_path / "missing.yaml"))
