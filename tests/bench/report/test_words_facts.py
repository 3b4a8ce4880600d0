"""What differs between two machines, as people read it."""

from __future__ import annotations

import pytest

from bench.analysis.differences import Difference
from bench.report.words.facts import difference


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (
            Difference("cpu_model", "Old", "New", subject="CPU"),
            "CPU model: Old on desk, New on rack",
        ),
        (
            Difference("instruction_sets", ("AVX512F",), (), subject="instruction sets"),
            "instruction sets: with AVX512F on desk, without on rack",
        ),
        (
            Difference("instruction_sets", None, ("AVX2",), subject="instruction sets"),
            "instruction sets: unknown on desk, AVX2 on rack",
        ),
        (
            Difference("caches_bytes", {"L3": 2**24}, {"L3": 2**25}, subject="caches"),
            "caches: L3 16 MiB on desk, L3 32 MiB on rack",
        ),
        (
            Difference("steal_share", 0.2, 0.0, subject="conditions"),
            "CPU time stolen by the host: 20 % on desk, 0 % on rack",
        ),
        (
            Difference("sm_clock_hz", 1e9, 2e9, gpu=1, subject="conditions"),
            "GPU 1 clock frequency: 1.00 GHz on desk, 2.00 GHz on rack",
        ),
        (
            Difference("SOME_FLAG", "1", None, subject="variables"),
            "SOME_FLAG: 1 on desk, not set on rack",
        ),
        (
            Difference("power_limit_w", 250.0, 300.0, gpu=0, subject="GPU"),
            "GPU 0 power limit: 250 W on desk, 300 W on rack",
        ),
    ],
)
def test_a_difference_is_one_phrase_with_units(found, text):
    assert difference(found, "desk", "rack") == text
