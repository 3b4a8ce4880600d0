"""What the words of a run make: a typed request, by the axes of its workload."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from command_line import PROGRAM
from conftest import ROOT

from bench.app.commands import cluster_options, run, run_cluster, run_options, workload_command
from bench.app.options import Option
from bench.cluster.find import Cluster
from bench.errors import RequestError, WorkloadError
from bench.spec.axes import Axis
from bench.spec.description import Description
from bench.spec.grid import GridChanges
from bench.spec.privacy import Privacy
from bench.spec.request import ClusterChoice, MeasureLimits, RunRequest, SeriesRequest

TINY = str(ROOT / "tests" / "tiny_workload.py")


@pytest.fixture
def asked(monkeypatch):
    """Parse the words of a run; return the request that it would execute."""
    requests = []

    def execute(request, program):
        requests.append(request)
        return 0

    monkeypatch.setattr(run, "execute", execute)

    def parse(*words):
        command = run_options.command(PROGRAM, "Run.")
        assert command.main(list(words), standalone_mode=False)() == 0
        return requests[-1]

    return parse


def test_a_list_that_is_given_in_parts_holds_the_values_of_all_parts(asked):
    words = ("--models", "mlp", "--models", "cnn", "--seeds", "1", "--seeds", "2,3")
    changes = asked(*words, "--threads", "1", "--threads", "max").changes
    assert changes.axes == {"model": ("mlp", "cnn")}
    assert (changes.seeds, changes.threads) == ((1, 2, 3), (1, None))


def test_a_run_without_words_asks_for_the_quick_grid_on_this_machine(asked):
    assert asked() == RunRequest(workload=PROGRAM.workload, grid="quick")


def test_every_word_finds_its_place_in_the_request(asked):
    words = "--grid full --models cnn,mlp --batch-sizes 32,64 --epochs 1,2 --seeds 0,7 --repeats 3"
    words += " --as-published --dataset mnist --data x.npz --label desk --out o --threads 1,2,max"
    words += " --evaluate every"
    words += " --dispatch inline --order-seed 4 --job-timeout 60 --price 0.5 --wait-quiet 9"
    words += " --show-hostnames --fresh --cluster c.yaml --down --max-usd 2.5 --max-minutes 1.5"
    words += " --minutes 5 --repeat-disturbed 1"
    assert asked(*words.split()) == RunRequest(
        workload=PROGRAM.workload,
        grid="full",
        changes=GridChanges(
            axes={"model": ("cnn", "mlp"), "batch_size": (32, 64), "as_published": (True,)},
            epochs=(1, 2),
            seeds=(0, 7),
            threads=(1, 2, None),
            evaluate="every",
            repeats=3,
        ),
        dataset="mnist",
        data="x.npz",
        label="desk",
        out=Path("o"),
        dispatch="inline",
        order_seed=4,
        repeat_disturbed=1,
        minutes=5,
        time_limit_s=60,
        price="0.5",
        wait_quiet_s=9,
        privacy=Privacy(show_hostnames=True),
        fresh=True,
        cluster=ClusterChoice(file=Path("c.yaml"), down=True),
        limits=MeasureLimits(max_s=90, max_usd=2.5),
    )


@pytest.mark.parametrize(
    ("words", "series"),
    [
        ("", None),
        ("--sittings 1", None),
        ("--sittings 3", SeriesRequest(3, 1800)),
        ("--sittings 2 --gap 90s", SeriesRequest(2, 90)),
        ("--precision 3%", SeriesRequest(3, 1800, 0.03)),
        ("--precision 0.03 --gap 1m", SeriesRequest(3, 60, 0.03)),
        ("--precision 3% --sittings 2", SeriesRequest(2, 1800, 0.03)),
        ("--precision 0.5%", SeriesRequest(3, 1800, 0.005)),
        ("--sittings 2 --gap 1.5", SeriesRequest(2, 90)),
        ("--sittings 2 --gap 10min", SeriesRequest(2, 600)),
        ("--sittings 2 --gap 2h", SeriesRequest(2, 7200)),
        ("--sittings 2 --gap 1d", SeriesRequest(2, 86400)),
    ],
)
def test_a_series_has_its_sittings_and_a_pause_in_units(asked, words, series):
    assert asked(*words.split()).series == series


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ([], None),
        (["--list"], "jobs"),
        (["--list", "--json"], "launches"),
        (["--dry-run"], "plan"),
        (["--list", "--dry-run"], "jobs"),
    ],
)
def test_what_is_only_shown_follows_from_the_flags(asked, words, shown):
    assert asked(*words).only_show == shown


def test_the_users_home_is_meant_where_a_shell_leaves_a_tilde(asked, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert asked("--out=~/mine").out == tmp_path / "mine"
    assert asked("--out", "a~b").out == Path("a~b")


def test_values_of_an_axis_have_the_type_of_the_axis(asked):
    request = asked(
        *("--workload", TINY, "--sizes", "64, 128", "--dtypes", "float64", "--fills", "1,2.5"),
        "--no-in-place",
    )
    assert request.workload == TINY
    assert request.changes.axes == {
        "size": (64, 128),
        "dtype": ("float64",),
        "fill": (1.0, 2.5),
        "in_place": (False,),
    }
    assert [type(value) for value in request.changes.axes["fill"]] == [float, float]


@pytest.mark.parametrize(
    ("words", "reference"),
    [
        ([], PROGRAM.workload),
        (["--grid", "x", f"--workload={TINY}", "--sizes", "64"], TINY),
        (["--unheard-of", "--workload", TINY, "--in-place"], TINY),
        (["--list", "--workload", "a.b:C", "--models", "x"], "a.b:C"),
        (["--workload"], PROGRAM.workload),
    ],
    ids=str,
)
def test_the_workload_is_read_from_words_that_are_not_understood_yet(words, reference):
    assert workload_command.workload_named(words, PROGRAM) == reference


def test_a_workload_without_a_grid_called_quick_runs_its_first_one_or_must_name_one():
    def grid_option(grids):
        description = Description(name="x", title="X", axes=(), grids=grids)
        (grid,) = (o for o in run_options.run_options(description, PROGRAM) if o.name == "grid")
        return grid

    assert grid_option({"small": {}, "big": {}}).default == "small"
    assert not grid_option({"small": {}}).required
    assert grid_option({}).required


def test_an_axis_that_takes_the_name_of_another_option_is_refused():
    description = Description(name="x", title="X", axes=(Axis("label", plural="label"),))
    with pytest.raises(WorkloadError, match="--label"):
        run_options.run_options(description, PROGRAM)


@pytest.mark.parametrize(
    "choice",
    [
        ClusterChoice(file=Path("c.yaml"), address="http://h:8265"),
        ClusterChoice(address="http://h:8265", local_only=True),
        ClusterChoice(local_only=True, down=True),
        ClusterChoice(address="http://h:8265", down=True),
    ],
    ids=str,
)
def test_options_that_contradict_each_other_are_refused(choice):
    with pytest.raises(RequestError):
        cluster_options.check(choice)


def limited(**fields):
    limits = MeasureLimits(max_usd=2.0)
    return RunRequest(workload="x", grid="y", limits=limits, **fields)


def test_a_limit_in_dollars_without_anything_to_pay_for_is_refused():
    here = ClusterChoice(local_only=True)
    with pytest.raises(RequestError, match=r"--local-only measures none \(seen: --max-usd 2\)"):
        cluster_options.check_run(limited(cluster=here))
    with pytest.raises(RequestError):
        cluster_options.check_run(limited(cluster=here, series=SeriesRequest(3, 1800.0)))
    priced = SeriesRequest(3, 1800.0, precision=0.03)
    cluster_options.check_run(limited(cluster=here, series=priced))
    cluster_options.check_run(limited())


def test_a_limit_in_dollars_is_said_to_limit_nothing_if_no_cluster_is_found():
    priced = SeriesRequest(3, 1800.0, precision=0.03)
    note = run_cluster.note_on_limit
    assert "--max-usd limits nothing" in note(limited(), None)
    assert note(limited(), Cluster("lab")) == ""
    assert note(limited(series=priced), None) == ""
    assert note(RunRequest(workload="x", grid="y"), None) == ""


def test_the_help_puts_options_into_the_sections_that_they_name():
    options = [
        Option("--a", section="One"),
        Option("--b", section="Two"),
        Option("--c", section="One"),
    ]
    command = run_options.command(PROGRAM, "Run.")
    command.params = options
    text = command.get_help(click.Context(click.Command("x")))
    assert text.index("One:") < text.index("--a") < text.index("--c") < text.index("Two:")
