"""The address that the internet sees this machine at, and addresses that a user writes."""

from __future__ import annotations

import http.client
import ipaddress
import urllib.request

from bench.errors import DispatchError, RequestError
from bench.text import LINE_LIMIT, first_line, visible

#: Tells whoever asks the address that the question came from.
ADDRESS_SERVICE = "https://checkip.amazonaws.com"

#: The most bytes of an answer that can be an address.
MOST_BYTES = 64


def my_address() -> str:
    """Return this machine's public address as a network of one. Raises DispatchError."""
    try:
        with urllib.request.urlopen(ADDRESS_SERVICE, timeout=10) as answer:
            said = answer.read(MOST_BYTES).decode("ascii", "replace").strip()
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise _unknown(first_line(error)) from error
    try:
        return network_of(str(ipaddress.ip_address(said)))  # a network would let others in
    except (ValueError, RequestError) as error:
        raise _unknown(visible(said)) from error


def network_of(text: str) -> str:
    """Return an address or network in the form that a firewall takes. Raises RequestError."""
    try:
        if "%" in text:  # a network card of this machine, which says nothing to a cloud
            raise ValueError(text)
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise RequestError(
            "this is not an address",
            seen=text[:LINE_LIMIT],
            next_step="give one like 203.0.113.7",
        ) from None


def _unknown(seen: str) -> DispatchError:
    return DispatchError(
        "this machine's public address cannot be found",
        seen=seen,
        next_step="name it: {program} cluster prepare --from 203.0.113.7",
    )
