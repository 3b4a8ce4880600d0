"""Prices: whose figure counts, and that each carries its source and date or a reason."""

from __future__ import annotations

import pytest

from bench.errors import RequestError
from bench.facts import MachineFacts
from bench.price import PriceRule, _table, price_of, read_rules

C7I = MachineFacts(
    machine_id="m",
    machine_type="t" * 16,
    cloud_provider="aws",
    cloud_instance_type="c7i.large",
    cloud_region="us-east-1",
    cloud_lifecycle="on-demand",
)
OWN = MachineFacts(machine_id="o")


def test_the_table_names_some_dozens_of_types_of_three_clouds_with_source_and_date():
    entries = {entry["provider"]: entry for entry in _table()}
    assert set(entries) == {"aws", "gcp", "azure"}
    assert sum(len(entry["usd_per_hour"]) for entry in entries.values()) >= 36
    for entry in entries.values():
        assert entry["date"] in "2025-01"
        assert "list price" in entry["source"]
        assert all(0 < usd < 100 for usd in entry["usd_per_hour"].values())


def test_a_listed_type_has_its_list_price_with_source_and_date():
    price = price_of("lab", C7I)
    assert price.usd_per_hour == 0.08925
    assert "us-east-1" in price.source
    assert price.date == "2025-01"


def test_a_price_of_another_region_says_so():
    elsewhere = C7I.model_copy(update={"cloud_region": "eu-west-1"})
    assert price_of("lab", elsewhere).source.endswith("this machine is in eu-west-1")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cloud_lifecycle": "spot"}, "spot"),
        ({"cloud_instance_type": "x1.mega"}, "x1.mega is not in the price table"),
        ({"cloud_provider": "gcp"}, "not in the price table"),
        ({"cloud_instance_type": None}, "no instance type"),
    ],
)
def test_where_there_is_no_price_there_is_a_reason(changes, words):
    price = price_of("lab", C7I.model_copy(update=changes))
    assert price.usd_per_hour is None
    assert words in price.reason


def test_the_user_s_number_comes_before_the_table():
    (rule,) = read_rules("0.35")
    price = price_of("lab", C7I, [rule])
    assert (price.usd_per_hour, price.source) == (0.35, "--price")
    assert len(price.date) == 10


def test_a_file_of_rules_names_machines_and_the_first_match_counts(tmp_path):
    path = tmp_path / "prices.yaml"
    path.write_text(
        "- {label: rack, usd_per_hour: 0.5, source: contract, date: 2026-11-01}\n"
        "- {instance_type: c7i.large, usd_per_hour: 0.06, source: reserved, date: 2026-10-01}\n"
        "- {purchase_usd: 1753.2, lifetime_years: 2, source: invoice, date: 2026-01-15}\n"
    )
    rules = read_rules(str(path))
    assert price_of("rack", C7I, rules).usd_per_hour == 0.5
    assert price_of("lab", C7I, rules).usd_per_hour == 0.06
    own = price_of("desk", OWN, rules)
    assert own.usd_per_hour == pytest.approx(0.1)
    assert own.date == "2026-01-15"
    assert own.source == "invoice: 1753.2 USD over 2 years of 8766 hours, without electricity"


def test_hours_of_use_make_an_own_machine_dearer():
    rule = PriceRule(
        purchase_usd=1000, lifetime_years=5, hours_per_year=2000, source="invoice", date="2026"
    )
    assert price_of("desk", OWN, [rule]).usd_per_hour == pytest.approx(0.1)


@pytest.mark.parametrize(
    "text",
    [
        "- {usd_per_hour: 1, source: x}",
        "- {usd_per_hour: 1, purchase_usd: 2, lifetime_years: 3, source: x, date: y}",
        "- {purchase_usd: 2, source: x, date: y}",
        "- {usd_per_hour: -1, source: x, date: y}",
        "- {price: 1, source: x, date: y}",
        "just words",
        "",
        "a: [",
    ],
)
def test_a_wrong_file_is_a_wrong_request(tmp_path, text):
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    with pytest.raises(RequestError, match="price cannot be read"):
        read_rules(str(path))


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "no-such-file.yaml"])
def test_a_wrong_number_or_a_missing_file_is_a_wrong_request(text):
    with pytest.raises(RequestError, match="price cannot be read"):
        read_rules(text)
