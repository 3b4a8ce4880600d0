"""The price table is read row by row, and a malformed row is named by its line."""

from __future__ import annotations

import pytest

from bench.errors import RequestError
from bench.record import price_table
from bench.record.price_table import listed_type, table

HEAD = (
    "provider,region,instance_type,vcpus,memory_gib,arch,accelerator,accelerator_count,"
    "accelerator_memory_gib,usd_per_hour_on_demand,usd_per_hour_spot,date,source"
)
GOOD = "aws,us-east-1,c5.large,2,4.0,x86_64,,0,,0.085,,2026-07-20,owner/name some/file @1d927085"


@pytest.fixture
def holding(tmp_path, monkeypatch):
    """Give the table other lines. The package's own file is stood in for by one of the test's."""
    monkeypatch.setattr(price_table.resources, "files", lambda package: tmp_path)

    def write(*lines):
        (tmp_path / price_table.FILE).write_text("\n".join([HEAD, *lines]) + "\n")
        price_table.rows_by_type.cache_clear()

    yield write
    price_table.rows_by_type.cache_clear()


def test_the_row_of_the_asked_region_is_found_else_the_first_one(holding):
    holding(GOOD, GOOD.replace("us-east-1", "eu-west-1").replace("0.085", "0.096"))
    assert listed_type("aws", "c5.large", "eu-west-1").usd_per_hour_on_demand == 0.096
    for region in ("mars", None):
        assert listed_type("aws", "c5.large", region).region == "us-east-1"
    assert listed_type("gcp", "c5.large", "us-east-1") is None
    assert listed_type(None, None, None) is None


def test_a_source_is_named_without_its_path(holding):
    holding(GOOD, GOOD.replace("us-east-1", "x") + " corrected: half of c5.xlarge")
    assert listed_type("aws", "c5.large", None).origin == "owner/name @1d927085"
    right = listed_type("aws", "c5.large", "x").origin
    assert right == "owner/name @1d927085 corrected: half of c5.xlarge"


def test_part_of_a_gpu_is_one_gpu_to_its_machine(holding):
    holding(GOOD.replace(",0,,", ",1/6,4,"))
    assert listed_type("aws", "c5.large", None).accelerator_count == 1


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        ("0.085", "nan", "usd_per_hour_on_demand"),
        ("0.085", "-1", "usd_per_hour_on_demand"),
        ("0.085", "0", "usd_per_hour_on_demand"),
        ("0.085", "inf", "usd_per_hour_on_demand"),
        ("0.085", "", "usd_per_hour_on_demand"),
        ("0.085,", "0.085,nan", "usd_per_hour_spot"),
        ("2026-07-20", "", "date"),
        ("2026-07-20", "2026-13", "'2026-13' is not a date"),
        ("owner/name some/file @1d927085", "", "source"),
        (",2,4.0", ",two,4.0", "vcpus"),
        (",2,4.0", ",2,-4", "memory_gib"),
        (",0,,", ",a few,,", "'a few' is not a number of accelerators"),
        ("x86_64", "mips", "arch"),
        (",owner/name some/file @1d927085", "", "source"),
        ("@1d927085", "@1d927085,more", "more cells"),
    ],
)
def test_a_malformed_row_is_named_by_its_line_and_its_cell(holding, right, wrong, words):
    assert right in GOOD
    holding(GOOD.replace("c5.large", "c5.xlarge"), GOOD.replace(right, wrong))
    with pytest.raises(RequestError, match=r"line 3 of the price table") as caught:
        listed_type("aws", "c5.large", "us-east-1")
    assert words in str(caught.value)
    assert listed_type("aws", "c5.xlarge", "us-east-1").vcpus == 2


def test_a_row_that_stands_twice_is_named(holding):
    holding(GOOD, GOOD)
    with pytest.raises(RequestError, match=r"aws us-east-1 c5\.large stands twice"):
        table()
