"""The door to a machine's files: the folder that stands for `/`, and answers that no file holds.

Probes and meters name files by their absolute paths on the machine (such as
/proc/cpuinfo) and read them through a Root. HOST is the machine that this process runs on. A faked
root is a folder with the files of any machine: no path and no link in it leads out of it.
"""

from __future__ import annotations

import errno
import functools
import itertools
import os
import platform
import re
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import Field

from bench.errors import OutsideError, RequestError
from bench.outside.documents import parse_model
from bench.outside.files import MOST_TOLD, read_bytes
from bench.spec.frozen import Frozen

#: The file of a faked root that holds its answers.
ANSWERS = "answers.json"

#: Links that a path may lead through, as in Linux.
MOST_LINKS = 40

#: Bytes that are asked for at once (the files of /proc/sys refuse more), and how often at most:
#: 2,000 CPUs have about 3 MB of /proc/cpuinfo.
PIECE_BYTES, MOST_PIECES = 2**16, 2**9

Inner = PurePosixPath | str


class Answers(Frozen):
    """What programs and the kernel answer on the machine whose files a faked root holds.

    `facts` holds facts that no file states (such as what a GPU's driver says), by their names.
    """

    system: str = Field(default="Linux", description="Linux, or Darwin for macOS")
    architecture: str | None = Field(default=None, description="as uname writes it")
    node: str | None = Field(default=None, description="the host's name")
    hypervisor: str | None = Field(default=None, description="what systemd-detect-virt prints")
    sysctl: dict[str, str] = Field(default_factory=dict, description="values of macOS's sysctl")
    environment: dict[str, str] = Field(default_factory=dict)
    facts: dict[str, Any] = Field(default_factory=dict)
    unknown: dict[str, str] = Field(default_factory=dict, description="why such a fact is unknown")


@dataclass(frozen=True)
class Root:
    """Where the files of a machine lie.

    `answers` is None for the machine that this process runs on, which is asked itself. If
    `links_lead_out` is set, links of the folder may lead out of it, which only tests need.
    """

    folder: Path = Path("/")
    answers: Answers | None = None
    links_lead_out: bool = False

    @property
    def is_host(self) -> bool:
        """Whether this is the machine that this process runs on."""
        return self.answers is None

    @property
    def is_macos(self) -> bool:
        """Whether the machine runs macOS."""
        system = platform.system() if self.answers is None else self.answers.system
        return system == "Darwin"

    @property
    def is_linux(self) -> bool:
        """Whether the machine runs Linux."""
        system = platform.system() if self.answers is None else self.answers.system
        return system == "Linux"

    def path(self, inner: Inner) -> Path:
        """Return where the file `inner` lies for this process; it need not exist.

        Raises OSError if its links form a circle.
        """
        if self.is_host:
            return Path(inner)
        if self.links_lead_out:
            return self.folder / str(inner).lstrip("/")
        above, _, name = str(inner).rpartition("/")
        if name in {"", ".", ".."}:
            return _inside(self.folder, str(inner))
        place = _inside(self.folder, above) / name
        return _inside(self.folder, str(inner)) if place.is_symlink() else place

    def text(self, inner: Inner) -> str:
        """Return a file's text; bytes that are no text become `\ufffd`. Raises OSError."""
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK  # a pipe without a writer does not block
        descriptor = os.open(self.path(inner), flags)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, "not a regular file", str(inner))
            pieces = iter(lambda: os.read(descriptor, PIECE_BYTES), b"")
            return b"".join(itertools.islice(pieces, MOST_PIECES)).decode(errors="replace")
        finally:
            os.close(descriptor)

    def text_or_empty(self, inner: Inner) -> str:
        """Return a file's text; an empty one if it is missing or unreadable."""
        try:
            return self.text(inner)
        except OSError:
            return ""

    def line(self, inner: Inner) -> str | None:
        """Return the text of a one-line file; None if it is empty, missing or unreadable."""
        try:
            return self.text(inner).strip().strip("\0").strip() or None
        except OSError:
            return None

    def number(self, inner: Inner) -> int | None:
        """Return the whole number in a file; None if the file does not hold one."""
        text = self.line(inner)
        return int(text) if text is not None and re.fullmatch(r"[+-]?[0-9]+", text) else None

    def exists(self, inner: Inner) -> bool:
        """Say whether there is such a file or folder that may be seen."""
        try:
            return os.path.exists(self.path(inner))
        except OSError:
            return False

    def is_folder(self, inner: Inner) -> bool:
        """Say whether there is such a folder that may be seen."""
        try:
            return os.path.isdir(self.path(inner))
        except OSError:
            return False

    def below(self, inner: Inner, pattern: str = "") -> list[PurePosixPath]:
        """Return what lies in a folder and has a name that matches the regular expression.

        Numbers in names are sorted by size (cpu2 before cpu10), because /sys lists its files in no
        order. The list is empty if the folder cannot be read.
        """
        try:
            names = os.listdir(self.path(inner))
        except OSError:
            return []
        chosen = [name for name in names if not pattern or re.fullmatch(pattern, name)]
        return [PurePosixPath(inner) / name for name in sorted(chosen, key=_by_number)]

    def variable(self, name: str) -> str | None:
        """Return an environment variable of the process that the files describe."""
        return (os.environ if self.answers is None else self.answers.environment).get(name)


#: The machine that this process runs on.
HOST = Root()


def faked(folder: Path | str) -> Root:
    """Return the root whose files lie below `folder`, as `--collect` packs them.

    Raises RequestError if they do not.
    """
    place = Path(folder).resolve()
    answers = Answers()
    path = place / ANSWERS
    if path.is_file():
        try:
            answers = parse_model(Answers, read_bytes(path, MOST_TOLD))
        except OutsideError as error:
            raise RequestError(
                f"the answers of a faked root cannot be read: {error.what}",
                seen=path,
                next_step="collect the machine anew with `machine --collect FILE.tar.gz`",
            ) from error
    root = Root(place, answers)
    if not root.is_folder("/proc") and not answers.sysctl:
        raise RequestError(
            "this folder is not the root of a machine: it has no folder `proc`",
            seen=folder,
            next_step=f"unpack it (tar -xzf {place.name} -C DIR) and name the folder"
            if place.is_file()
            else "name the folder that holds proc, sys and etc, such as an unpacked file of "
            "`machine --collect FILE.tar.gz`",
        )
    return root


@functools.lru_cache(maxsize=4096)  # the folders of a faked root stay where they are
def _inside(folder: Path, inner: str) -> Path:
    """Return `inner` below `folder` with its links resolved as if the folder were `/`."""
    done: list[str] = []
    left, links = list(reversed(PurePosixPath(inner).parts)), 0
    while left:
        part = left.pop()
        if part == "/":
            done.clear()
        elif part == "..":
            del done[-1:]
        else:
            try:
                target = os.readlink(folder.joinpath(*done, part))
            except OSError:  # not a link, or missing
                done.append(part)
                continue
            links += 1
            if links > MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(inner))
            left += reversed(PurePosixPath(target).parts)
    return folder.joinpath(*done)


def _by_number(name: str) -> list[tuple[bool, int, str]]:
    """Return a key that sorts names by the numbers in them."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]
