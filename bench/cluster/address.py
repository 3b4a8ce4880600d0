"""The address that the internet sees this machine at, and addresses that a user writes."""

from __future__ import annotations

import ipaddress
import urllib.request

from bench.errors import DispatchError, RequestError

#: Tells whoever asks the address that the question came from.
ADDRESS_SERVICE = "https://checkip.amazonaws.com"


def my_address() -> str:
    """Return this machine's public address as a network of one. Raises DispatchError."""
    try:
        with urllib.request.urlopen(ADDRESS_SERVICE, timeout=10) as answer:
            return network_of(answer.read().decode().strip())
    except (OSError, RequestError) as error:
        raise DispatchError(
            "this machine's public address cannot be found",
            seen=error,
            next_step="name it: {program} cluster prepare --from 203.0.113.7",
        ) from error


def network_of(text: str) -> str:
    """Return an address or network in the form that a firewall takes. Raises RequestError."""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise RequestError(
            "this is not an address", seen=text, next_step="give one like 203.0.113.7"
        ) from None
