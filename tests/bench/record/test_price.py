"""Prices: whose figure counts, and that each carries its source and date or a reason."""

from __future__ import annotations

import pytest

from bench.errors import RequestError
from bench.record.facts import GpuFacts, MachineFacts
from bench.record.price import PriceRule, price_of, read_rules
from bench.record.price_table import table

C7I = MachineFacts(
    machine_id="m",
    machine_type="t" * 16,
    cloud_provider="aws",
    cloud_instance_type="c7i.large",
    cloud_region="us-east-1",
    cloud_lifecycle="on-demand",
)
OWN = MachineFacts(machine_id="o")


def test_the_table_lists_each_type_of_three_clouds_once_in_each_region_with_source_and_date():
    rows = table()
    types = {(row.provider, row.instance_type) for row in rows}
    assert {provider for provider, _ in types} == {"aws", "gcp", "azure"}
    assert len(types) == 225
    assert all(row.date >= "2026-06-18" and "@" in row.source for row in rows)
    assert all(0 < row.usd_per_hour_on_demand < 250 for row in rows)
    assert all((row.usd_per_hour_spot is None) == (row.provider != "gcp") for row in rows)


def test_a_listed_type_has_its_list_price_with_source_and_date():
    price = price_of("lab", C7I)
    assert price.usd_per_hour == 0.08925
    assert price.source == (
        "AWS on-demand list price, us-east-1 (aws/karpenter-provider-aws @1d927085)"
    )
    assert price.date == "2026-07-20"


def test_a_price_of_another_region_says_so():
    elsewhere = C7I.model_copy(update={"cloud_region": "eu-west-1"})
    assert price_of("lab", elsewhere).source.endswith("; this machine is in eu-west-1")


def test_a_region_that_the_table_knows_has_its_own_price():
    home = on_gcp("e2-standard-2", 0)
    belgium = home.model_copy(update={"cloud_region": "europe-west1"})
    dearer = price_of("lab", belgium)
    assert dearer.usd_per_hour == 0.073715 > price_of("lab", home).usd_per_hour == 0.067011
    assert "europe-west1" in dearer.source and "this machine" not in dearer.source


def test_where_the_machine_s_region_is_not_known_the_price_says_so():
    somewhere = C7I.model_copy(update={"cloud_region": None})
    assert price_of("lab", somewhere).source.endswith("; this machine's region is unknown")
    assert "this machine" not in price_of("lab", C7I).source


def on_gcp(instance_type, gpus):
    return C7I.model_copy(
        update={
            "cloud_provider": "gcp",
            "cloud_region": "us-central1",
            "cloud_instance_type": instance_type,
            "gpus": tuple(GpuFacts(index=index) for index in range(gpus)),
        }
    )


def test_a_machine_with_an_attached_gpu_is_not_priced_as_the_machine_alone():
    assert price_of("lab", on_gcp("n1-standard-4", 0)).usd_per_hour == 0.189999
    price = price_of("lab", on_gcp("n1-standard-4", 1))
    assert price.usd_per_hour is None
    assert price.reason == (
        "the list price of n1-standard-4 excludes the attached GPU: give --price"
    )


def test_a_type_that_has_gpus_of_its_own_is_priced_with_them_and_with_no_more():
    assert price_of("lab", on_gcp("g2-standard-4", 1)).usd_per_hour == 0.706832
    assert price_of("lab", on_gcp("g2-standard-4", 0)).usd_per_hour == 0.706832  # no driver
    assert price_of("lab", on_gcp("g2-standard-4", 2)).usd_per_hour is None
    unread = on_gcp("g2-standard-4", 0).model_copy(update={"gpus": None})
    assert price_of("lab", unread).usd_per_hour == 0.706832


def test_a_spot_machine_has_the_spot_price_of_its_region_if_the_table_holds_one():
    spot = on_gcp("n2-standard-4", 0).model_copy(update={"cloud_lifecycle": "spot"})
    price = price_of("lab", spot)
    assert price.usd_per_hour == 0.09212
    assert price.source.startswith("Google Cloud spot list price, us-central1")
    for region in ("mars-north1", None):
        away = price_of("lab", spot.model_copy(update={"cloud_region": region}))
        assert away.usd_per_hour is None
        assert away.reason.startswith("the price of a spot instance changes every hour")


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
        "- {usd_per_hour: 1, purchase_usd: 2, lifetime_years: 3, source: x, date: 2026}",
        "- {purchase_usd: 2, source: x, date: 2026}",
        "- {usd_per_hour: -1, source: x, date: 2026}",
        "- {usd_per_hour: .inf, source: x, date: 2026}",
        "- {usd_per_hour: .nan, source: x, date: 2026}",
        "- {purchase_usd: 1.0e+308, lifetime_years: 1.0e-300, source: x, date: 2026}",
        "- {price: 1, source: x, date: 2026}",
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


def test_a_rule_may_be_without_source_and_date_and_is_then_from_its_file(tmp_path):
    path = tmp_path / "prices.yaml"
    path.write_text("- {usd_per_hour: 1}\n- {label: desk, usd_per_hour: 2, date: }\n")
    first, second = read_rules(str(path))
    assert (first.source, first.date) == (second.source, second.date) == ("prices.yaml", None)
    assert PriceRule.model_validate_json(first.model_dump_json()) == first
    price = price_of("lab", C7I, [first])
    assert (price.source, price.date) == ("prices.yaml", None)


@pytest.mark.parametrize("date", ["2026", "2026-11", "2026-02-28"])
def test_a_rule_s_date_is_a_year_a_month_or_a_day(tmp_path, date):
    path = tmp_path / "prices.yaml"
    path.write_text(f"- {{usd_per_hour: 1, source: x, date: {date}}}")
    assert read_rules(str(path))[0].date == date


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("source: x, date: y", "date: Value error, 'y' is not a date"),
        ("source: x, date: 2026-13", "'2026-13' is not a date"),
        ("source: x, date: '2026-02-30'", "'2026-02-30' is not a date"),
        ("source: x, date: 26-11-01", "give YYYY, YYYY-MM or YYYY-MM-DD"),
        ("source: x, date: ''", "'' is not a date"),
        ("source: '', date: 2026", "source: Value error, say where the price comes from"),
        ("source: ' ', date: 2026", "say where the price comes from"),
    ],
)
def test_a_rule_with_a_wrong_source_or_date_is_named_by_its_number(tmp_path, wrong, words):
    path = tmp_path / "prices.yaml"
    path.write_text(
        f"- {{usd_per_hour: 1, source: x, date: 2026}}\n- {{usd_per_hour: 1, {wrong}}}\n"
    )
    with pytest.raises(RequestError) as caught:
        read_rules(str(path))
    assert f"{path}: rule 2: " in str(caught.value)
    assert words in str(caught.value)


def test_a_machine_of_one_s_own_is_priced_in_one_word():
    (rule,) = read_rules("1800/4y")
    price = price_of("desk", OWN, [rule])
    assert price.usd_per_hour == pytest.approx(1800 / (4 * 8766))
    assert price.source == "--price: 1800 USD over 4 years of 8766 hours, without electricity"
    assert len(price.date) == 10


def test_only_a_bare_figure_of_the_command_line_is_typed():
    assert all(read_rules(text)[0].is_typed for text in ("0.35", "1800/4y"))
    rule = PriceRule(usd_per_hour=1, source="contract", date="2026")
    assert not rule.is_typed
    assert not read_rules("0.35")[0].model_copy(update={"label": "desk"}).is_typed


@pytest.mark.parametrize(
    "text",
    [
        "-1",
        "nan",
        "inf",
        "1e308/1e-300y",
        "no-such-file.yaml",
        "1800/4",
        "1800/y",
        "-1/4y",
        "1800/0y",
        "a/by",
        "",
    ],
)
def test_wrong_words_are_answered_with_every_form(text):
    with pytest.raises(RequestError, match="price cannot be read") as caught:
        read_rules(text)
    for form in ("--price 0.35", "--price 1800/4y", "--price prices.yaml"):
        assert form in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "usd_per_hour: yes",
        "{purchase_usd: yes, lifetime_years: 4}",
        "{purchase_usd: 1800, lifetime_years: on}",
        "{purchase_usd: 1800, lifetime_years: 4, hours_per_year: on}",
    ],
)
def test_a_word_that_yaml_makes_true_is_no_number_of_a_file(tmp_path, line):
    path = tmp_path / "prices.yaml"
    path.write_text(f"- {line}\n")
    with pytest.raises(RequestError, match=r"rule 1: .*: Input should be a valid number"):
        read_rules(str(path))
    path.write_text(f"- {line.replace('yes', '5').replace('on}', '3}')}\n")
    assert len(read_rules(str(path))) == 1


def test_a_journal_s_rule_is_read_as_it_was_written(tmp_path):
    """Rules were less strict once, and a journal is never rewritten."""
    rule = PriceRule(usd_per_hour=1, source="", date="November 2026")
    assert PriceRule.model_validate_json(rule.model_dump_json()) == rule
    assert PriceRule.model_validate({**rule.model_dump(), "usd_per_hour": True}) == rule


def test_a_list_price_says_what_is_not_known_of_the_machine():
    unsure = C7I.model_copy(update={"cloud_lifecycle": None})
    assert price_of("lab", unsure).source.endswith("; it may be a spot instance")
    n1 = MachineFacts(
        machine_id="n",
        cloud_provider="gcp",
        cloud_instance_type="n1-standard-4",
        cloud_region="us-central1",
        cloud_lifecycle="on-demand",
        gpus=None,
    )
    assert "it excludes a GPU that may be attached" in price_of("lab", n1).source
