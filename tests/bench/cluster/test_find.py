"""The token of a head: found behind whatever a login prints, and never shown in an error."""

from __future__ import annotations

import pytest

from bench.cluster.find import MARK, _token_in

TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("said", "token"),
    [
        (f"{MARK}\n{TOKEN}\n", TOKEN),
        (f"Welcome to gpu01\n{MARK}\n{TOKEN}", TOKEN),
        (f"Welcome to gpu01\n{TOKEN}\n", TOKEN),
        (f"Welcome to gpu01\n{MARK}\n", None),
        ("Welcome to gpu01\n", None),
        (f"{MARK}\nno token here\n", None),
        ("", None),
    ],
)
def test_the_token_is_found_behind_a_greeting(said, token):
    assert _token_in(said) == token
