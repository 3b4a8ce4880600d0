"""The price table is made anew from public price files, and no row in it costs as Windows does."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "tests" / "samples" / "prices"
TOOL = ROOT / "tools" / "renew_prices.py"

#: The clone of each provider, where its price file lies in it, and the sample of that file.
FILES = {
    "aws": (
        "karpenter-provider-aws",
        "pkg/providers/pricing/zz_generated.pricing_aws.go",
        "aws.go",
    ),
    "gcp": ("karpenter-provider-gcp", "pkg/providers/pricing/initial-prices.json", "gcp.json"),
    "azure": (
        "karpenter-provider-azure",
        "pkg/providers/pricing/zz_generated.pricing.go",
        "azure.go",
    ),
}


class Sources:
    """Clones of the three repositories with a sample in each, and the tool beside them."""

    def __init__(self, root: Path) -> None:
        self.root, self.table = root, root / "prices.csv"
        self.commits: dict[str, str] = {}
        self.texts = {name: (SAMPLES / file).read_text() for name, (_, _, file) in FILES.items()}
        self.types = root / "types.csv"
        lines = (ROOT / "tools" / "price_types.csv").read_text().splitlines(keepends=True)
        sampled = " ".join(self.texts.values())
        self.types.write_text(
            lines[0] + "".join(line for line in lines[1:] if f'"{line.split(",")[1]}"' in sampled)
        )
        for name in FILES:
            self.commit(name, self.texts[name])

    def commit(self, name: str, text: str) -> None:
        """Commit `text` as the provider's price file on 2026-08-03."""
        clone, path, _ = FILES[name]
        folder = self.root / "clones" / clone
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        self.git(folder, "init", "-q")
        file.write_text(text)
        self.git(folder, "add", "-A")
        self.git(folder, "commit", "-q", "--allow-empty", "-m", "prices")
        self.commits[name] = self.git(folder, "rev-parse", "HEAD").strip()

    def git(self, folder: Path, *words: str) -> str:
        who = {"NAME": "x", "EMAIL": "x@example.org", "DATE": "2026-08-03T12:00:00Z"}
        environment = {
            **os.environ,
            **{f"GIT_{role}_{key}": who[key] for role in ("AUTHOR", "COMMITTER") for key in who},
        }
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def renew(self, *providers: str) -> subprocess.CompletedProcess[str]:
        """Run the tool for some providers, or for all."""
        named = [f"--{name}={self.commits[name]}" for name in providers or FILES]
        words = [f"--clones={self.root / 'clones'}", f"--table={self.table}"]
        return subprocess.run(
            [sys.executable, str(TOOL), *named, *words, f"--types={self.types}"],
            capture_output=True,
            text=True,
            cwd=ROOT,
        )

    def rows(self) -> dict[tuple[str, str, str], dict[str, str]]:
        with self.table.open() as lines:
            return {
                (row["provider"], row["region"], row["instance_type"]): row
                for row in csv.DictReader(lines)
            }


@pytest.fixture
def sources(tmp_path):
    return Sources(tmp_path)


def test_every_row_has_its_price_with_its_date_and_the_commit_of_its_source(sources):
    done = sources.renew()
    assert done.returncode == 0, done.stderr
    rows = sources.rows()
    micro = rows["gcp", "europe-west1", "e2-micro"]
    assert (micro["usd_per_hour_on_demand"], micro["usd_per_hour_spot"]) == ("0.009214", "0.004463")
    assert micro["date"] == "2026-08-03"  # of the commit: the file holds none
    assert micro["source"].endswith(f"initial-prices.json @{sources.commits['gcp'][:8]}")
    t4 = rows["aws", "us-east-1", "g4dn.12xlarge"]
    assert (t4["usd_per_hour_on_demand"], t4["usd_per_hour_spot"]) == ("3.912", "")
    assert (t4["vcpus"], t4["accelerator"], t4["accelerator_count"]) == ("48", "T4", "4")
    assert (t4["date"], rows["azure", "eastus", "Standard_B1s"]["date"]) == (
        "2026-07-20",
        "2026-06-18",
    )
    regions = {region for provider, region, _ in rows if provider == "azure"}
    assert regions == {"eastus", "malaysiawest", "newzealandnorth", "westeurope"}


def test_a_windows_price_among_linux_ones_is_refused_or_corrected_by_hand(sources):
    told = sources.renew().stdout
    rows = sources.rows()
    place = "refused   azure eastus Standard_D2as_v5 0.178: 2.07 times the cheapest price per vCPU"
    assert place in told
    assert rows["azure", "eastus", "Standard_D2as_v5"]["usd_per_hour_on_demand"] == "0.086"
    assert "is the Windows price" in rows["azure", "eastus", "Standard_D2as_v5"]["source"]
    assert ("azure", "westeurope", "Standard_D16as_v5") not in rows  # nobody corrected it


def test_a_family_of_which_all_sizes_are_wrong_is_found_by_the_other_types_of_its_region(sources):
    told = sources.renew().stdout
    rows = sources.rows()
    assert ("azure", "malaysiawest", "Standard_D4as_v5") not in rows  # all sizes cost as Windows
    assert ("azure", "newzealandnorth", "Standard_F2ams_v6") not in rows  # an eighth of the others
    assert "0.13 times its price in the home region" in told
    assert ("azure", "malaysiawest", "Standard_D4s_v5") in rows


def test_sizes_that_share_cpus_or_have_gpus_are_not_taken_for_windows(sources):
    told = sources.renew().stdout
    rows = sources.rows()
    for name in ("t3.micro", "t3.large", "g4dn.xlarge"):
        assert ("aws", "us-east-1", name) in rows
    assert not re.search("refused +(aws|gcp)", told)


def test_a_planted_windows_row_is_refused_for_each_provider(sources):
    sources.commit("aws", sources.texts["aws"].replace('"c5.xlarge": 0.17', '"c5.xlarge": 0.354'))
    sources.commit(
        "gcp", sources.texts["gcp"].replace('"n2-standard-4":0.194236', '"n2-standard-4":0.378')
    )
    told = sources.renew().stdout
    rows = sources.rows()
    assert ("aws", "us-east-1", "c5.xlarge") not in rows
    assert ("gcp", "us-central1", "n2-standard-4") not in rows
    assert "refused   aws us-east-1 c5.xlarge 0.354: 2.08 times" in told


def test_a_type_that_is_retired_on_the_date_of_the_prices_is_dropped(sources):
    told = sources.renew().stdout
    assert "retired   azure Standard_NC6s_v3: since 2025-09-30" in told
    assert not any(name == "Standard_NC6s_v3" for _, _, name in sources.rows())


def test_what_changed_since_the_last_table_is_printed_and_nothing_else(sources):
    sources.renew()
    changed = sources.texts["aws"].replace('"c5.4xlarge": 0.68', '"c5.4xlarge": 0.7')
    sources.commit("aws", changed.replace('"m5.large": 0.096000, ', ""))
    before = sources.rows()
    told = sources.renew("aws").stdout.splitlines()
    assert told == [
        "unpriced  aws us-east-1 m5.large",
        "changed   aws us-east-1 c5.4xlarge 0.68 -> 0.7 (+2.9%)",
        "gone      aws us-east-1 m5.large 0.096",
        f"{len(before) - 1} rows, 2 of them new, gone or changed",
    ]
    kept = [place for place in before if place[0] != "aws"]
    assert all(sources.rows()[place] == before[place] for place in kept)


@pytest.mark.parametrize(
    ("provider", "text", "words"),
    [
        ("aws", "package pricing\n", "no line says `// generated at`"),
        (
            "aws",
            '// generated at 2026-07-20T1 for x\n"c5.large": 1.0,\n',
            "before the first region",
        ),
        (
            "azure",
            '// generated at 2026-07-20T1\n"eastus": {\n"A": 1.0, "A": 2.0,\n',
            "A stands twice",
        ),
        (
            "azure",
            '// generated at 2026-07-20T1\n"eastus": {\n"A": NaN,\n',
            "not an amount of dollars",
        ),
        ("azure", '// generated at 2026-07-20T1\n"eastus": {\n"A": 1.0,\n}', "it prices only 0 of"),
        ("gcp", "{}", "not JSON with prices by region"),
        (
            "gcp",
            '{"prices":{"us-central1":{"on_demand":{"e2-micro":-1}}}}',
            "not an amount of dollars",
        ),
        ("gcp", '{"prices":{"us-central1":{"on_demand":{}}}}', "no price in us-central1"),
    ],
)
def test_a_file_of_another_form_leaves_the_table_as_it_was(sources, provider, text, words):
    sources.renew()
    before = sources.table.read_bytes()
    sources.commit(provider, text)
    done = sources.renew()
    assert done.returncode == 2
    assert words in done.stderr
    assert "karpenter-provider" in done.stderr
    assert sources.table.read_bytes() == before


def test_a_commit_that_does_not_exist_is_named(sources):
    sources.commits["gcp"] = "0" * 40
    done = sources.renew("gcp")
    assert done.returncode == 2
    assert "0" * 40 in done.stderr
    assert not sources.table.exists()
