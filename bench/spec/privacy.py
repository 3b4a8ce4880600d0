"""What may be shown of whose machine this is: names, home folders and serial numbers in texts."""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Iterable

from bench.spec.frozen import Frozen

#: A GPU's or a slice's serial as CUDA and NVML write it: `GPU-8932f937-...`, `MIG-GPU-.../1/0`.
SERIAL = re.compile(r"\b(MIG|GPU)-(?:GPU-)?[0-9a-fA-F]{4,}[0-9a-fA-F/-]*(?!\w)")

#: Host names that many machines have, so that they identify none.
COMMON_NAMES = frozenset({"localhost", "localhost.localdomain"})

#: The salt of the first version, in hexadecimal, so that the ids of old journals keep their values.
_SALT = bytes.fromhex("6d6e6973742d62656e6368206d616368696e6520")


class Privacy(Frozen):
    """Whether host names and home folders are shown as they are; serial numbers never are."""

    show_hostnames: bool = False

    def redacted(self, text: str, own: Iterable[str] = ()) -> str:
        """Return `text` without what tells whose machine this is.

        GPU serials become their salted digests, the host's name (whole words, any case) becomes
        `host-` and six letters, and the home folder `~`. If host names are shown, only serials are
        replaced. If the host is called like one of the words in `own`, that word alone stays: in
        a command, it is the program's. The name with its domain goes all the same.
        """
        text = text.encode(errors="replace").decode()
        text = SERIAL.sub(lambda found: f"{found[1]}-{salted(found[0])}", text)
        if self.show_hostnames:
            return text
        home = os.path.expanduser("~").rstrip("/")
        if home.startswith("/"):
            text = re.sub(rf"(?<![\w.-]){re.escape(home)}(?![\w.-])", "~", text)
        host = platform.node()
        short = host.partition(".")[0].lower()
        return without_host(text, host, keep_short=short in {word.lower() for word in own})


def salted(text: str) -> str:
    """Return the salted digest under which a serial number, name or id may leave the machine."""
    return hashlib.sha256(_SALT + text.encode(errors="replace")).hexdigest()[:16]


def name_hash(name: str) -> str:
    """Return the six letters that stand for a host's name where people read it."""
    return salted(name)[:6]


def without_host(text: str, host: str, *, keep_short: bool = False) -> str:
    """Return `text` with the name `host`, and its part before the first dot, as `host-3fa9c1`.

    `keep_short` keeps the part before the first dot where no domain follows: `full`, `full.yaml`.
    """
    short = host.partition(".")[0]
    in_domain = r"(?=\.[\w-]+\.[\w-])" if keep_short else ""
    ends = {host: "" if "." in host else in_domain}
    if not short.isdigit():  # the 10 of an address is not a name
        ends.setdefault(short, in_domain)
    for name, end in ends.items():
        if len(name) >= 3 and name.lower() not in COMMON_NAMES:
            pattern = rf"(?<!\w){re.escape(name)}(?!\w){end}"
            text = re.sub(pattern, f"host-{name_hash(host)}", text, flags=re.IGNORECASE)
    return text
