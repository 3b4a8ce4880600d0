"""A description refuses what would give two jobs one id, or two columns one name."""

from __future__ import annotations

import pytest

from bench.errors import WorkloadError
from bench.spec.axes import Axis, Metric
from bench.spec.description import Description
from bench.spec.job import JobSpec


def described(*axes: Axis, metrics: tuple[Metric, ...] = ()) -> Description:
    return Description("own", "Own", axes, metrics)


@pytest.mark.parametrize("name", sorted(JobSpec.model_fields))
def test_an_axis_with_the_name_of_a_job_s_field_is_refused(name):
    with pytest.raises(WorkloadError, match=rf"own: an axis has a name .*seen: {name}\)"):
        described(Axis("size"), Axis(name, mark="", plural="others"))


@pytest.mark.parametrize("key", ["epochs", "seeds", "repeats", "read_off"])
def test_an_axis_with_a_key_that_every_grid_has_is_refused(key):
    with pytest.raises(WorkloadError, match=rf"seen: {key}\).*another name or plural"):
        described(Axis("size", plural=key))


def test_an_axis_that_pools_ceilings_must_set_them():
    with pytest.raises(WorkloadError, match=r"pools ceilings that it does not set \(seen: library"):
        described(Axis("size"), Axis("library", pools_ceiling=True))
    own = described(Axis("library", sets_ceiling=True, pools_ceiling=True))
    assert own.outline.axes[0].pools_ceiling


def test_two_axes_or_two_metrics_of_one_name_are_refused():
    with pytest.raises(WorkloadError, match="two axes have the same name"):
        described(Axis("size"), Axis("size", plural="other"))
    with pytest.raises(WorkloadError, match=r"two axes have the same key \(seen: sizes"):
        described(Axis("size"), Axis("width", plural="sizes"))
    with pytest.raises(WorkloadError, match="two metrics have the same name"):
        described(metrics=(Metric("loss", "lower"), Metric("loss", "higher", "epoch")))


@pytest.mark.parametrize(
    "counterpart",
    [
        Metric("other", "higher"),
        Metric("fitted", "lower"),
        Metric("fitted", "higher", "epoch"),
    ],
    ids=["another name", "another side", "epochs alone"],
)
def test_a_training_counterpart_must_be_a_metric_of_an_evaluation_on_the_same_side(counterpart):
    score = Metric("score", "higher", scored=True, training="fitted")
    with pytest.raises(WorkloadError, match=r"score has no such training counterpart.*fitted"):
        described(metrics=(score, counterpart))
    fitting = Metric("fitted", "higher", "both")
    assert described(metrics=(score, fitting)).outline.training_of(score) == fitting


def test_axes_and_metrics_of_one_name_and_unlike_axes_are_accepted():
    own = described(Axis("size"), Axis("depth"), metrics=(Metric("size", "lower"),))
    assert [axis.key for axis in own.axes] == ["sizes", "depths"]
