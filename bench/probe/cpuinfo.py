"""What /proc/cpuinfo says about the CPUs: its layout differs by architecture.

Source: the kernel's show_cpuinfo of each architecture (arch/*/kernel/{cpu,proc,cpuinfo,setup}*.c).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import bench.probe.arm as arm
from bench.probe.fact import Absent
from bench.probe.root import Root

CPUINFO = "/proc/cpuinfo"

#: Names that say nothing about the CPU: what Arm's kernel writes for every one, and placeholders.
GENERIC = re.compile(r"(ARMv\d+|AArch64)\b.*|v\d+l|unknown.*|not specified|-|0+|", re.IGNORECASE)

#: The machine types of IBM Z that s390's cpuinfo gives in place of a name. Source: IBM's manuals.
IBM_Z: Mapping[str, str] = {
    **{"2094": "z9 EC", "2096": "z9 BC", "2097": "z10 EC", "2098": "z10 BC"},
    **{"2817": "z196", "2818": "z114", "2827": "zEC12", "2828": "zBC12"},
    **{"2964": "z13", "2965": "z13s", "3906": "z14", "3907": "z14 ZR1"},
    **{"8561": "z15", "8562": "z15 T02", "3931": "z16", "3932": "z16 A02"},
    **{"9175": "z17", "9176": "z17 ME2"},
}

#: Makers of RISC-V cores by their JEDEC number. Source: the kernel's asm/vendorid_list.h.
RISCV_VENDORS: Mapping[int, str] = {
    **{0x029: "Microchip", 0x127: "MIPS", 0x31E: "Andes", 0x489: "SiFive", 0x5B7: "T-Head"},
    **{0x710: "SpacemiT"},
}

#: Beginnings of a CPU's name and their vendors, for architectures that state no vendor.
VENDORS: tuple[tuple[str, str], ...] = (
    *(("power", "IBM"), ("ppc", "IBM"), ("cell", "IBM"), ("loongson", "Loongson")),
    *(("ict loongson", "Loongson"), ("godson", "Loongson"), ("sifive", "SiFive")),
    *(("thead", "T-Head"), ("spacemit", "SpacemiT"), ("sophgo", "Sophgo"), ("andes", "Andes")),
    *(("e500", "Freescale"), ("e6500", "Freescale"), ("ultrasparc", "Sun"), ("sparc-", "Oracle")),
)

#: Fields that only one family of architectures has.
ARCHITECTURES: tuple[tuple[str, str], ...] = (
    *(("cpu implementer", "arm"), ("cpu part", "arm"), ("hart", "riscv")),
    *(("cpu family", "x86"), ("flags", "x86"), ("timebase", "power")),
)

#: Fields that tell one CPU design from another, by the field that shows the architecture.
SIGNATURES: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("stepping", (("cpu family", "family"), ("model", "model"), ("stepping", "stepping"))),
    (
        "cpu part",
        (
            *(("cpu implementer", "implementer"), ("cpu variant", "variant")),
            *(("cpu part", "part"), ("cpu revision", "revision")),
        ),
    ),
    ("machine number", (("machine number", "machine"),)),
    (
        "hart",
        (
            *(("uarch", "uarch"), ("mvendorid", "vendor"), ("marchid", "architecture")),
            ("mimpid", "implementation"),
        ),
    ),
    ("cpu revision", (("cpu family", "family"), ("cpu revision", "revision"))),
    ("cpu family", (("cpu family", "family"), ("model", "model"))),
    ("prid", (("prid", "processor"),)),
    ("revision", (("revision", "revision"),)),
)

#: Beginnings of lines that differ between like processors.
_OWN = (
    *("processor\t", "physical id", "core id", "cpu number", "cpu MHz", "bogomips", "BogoMIPS"),
    *("apicid", "initial apicid", "hart\t", "siblings"),
)


@dataclass(frozen=True)
class CpuInfo:
    """A /proc/cpuinfo text."""

    text: str

    @cached_property
    def blocks(self) -> tuple[Mapping[str, str], ...]:
        """The fields of each block, by name in lower case; equal blocks stand once.

        A block describes a processor, or what all of them share.
        """
        found: dict[tuple[str, ...], Mapping[str, str]] = {}
        for text in re.split(r"\n\s*\n", self.text.strip()):
            alike = tuple(line for line in text.splitlines() if not line.startswith(_OWN))
            if alike not in found:
                found[alike] = dict(_fields(text))
        return tuple(found.values())

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """The first value of each field."""
        merged: dict[str, str] = {}
        for block in self.blocks:
            for name, value in block.items():
                merged.setdefault(name, value)
        return merged

    def stated(self, name: str) -> tuple[str, ...]:
        """Return the different values of a field, in order."""
        return tuple(dict.fromkeys(block[name] for block in self.blocks if block.get(name)))

    def numbers(self, name: str) -> list[float]:
        """Return the number at the beginning of a field of each processor, such as `cpu MHz`."""
        pattern = rf"^{re.escape(name)}\s*:\s*([0-9.]+)"
        found = re.findall(pattern, self.text, re.MULTILINE | re.IGNORECASE)
        return [float(text) for text in found if re.fullmatch(r"\d+(\.\d*)?", text)]

    @property
    def model(self) -> str | None:
        """The model's name; the names of all kinds of core if there are several.

        Usually the last kind of an Arm CPU is the biggest, so it comes first. Names that Arm's
        kernel writes for every CPU do not count.
        """
        named = [name for name in self.stated("model name") if not GENERIC.fullmatch(name)]
        if named:
            return " + ".join(reversed(named)) if self.architecture == "arm" else named[0]
        kinds = [
            arm.core(block.get("cpu implementer", ""), block["cpu part"])
            for block in self.blocks
            if block.get("cpu part")
        ]
        if kinds:
            return " + ".join(dict.fromkeys(reversed(kinds)))
        return self._model_elsewhere()

    def _model_elsewhere(self) -> str | None:
        """Return the model as architectures without a field `model name` state it."""
        info = self.fields
        if "machine number" in info:
            number = info["machine number"]
            return f"IBM {IBM_Z.get(number, 'Z')} (machine type {number})"
        for name in ("cpu model", "cpu", "uarch", "processor type"):
            text = info.get(name, "").partition(", altivec")[0].strip()
            if text and not GENERIC.fullmatch(text) and not text.isdigit():
                return text
        if arm.number_of(info.get("mvendorid", "0")):  # an emulator states 0
            maker = RISCV_VENDORS.get(
                arm.number_of(info["mvendorid"]), f"vendor {info['mvendorid']}"
            )
            return f"{maker} core {info.get('marchid', 'unknown')}"
        if info.get("vendor_id") and info.get("cpu family"):
            return f"{info['vendor_id']} family {info['cpu family']} model {info.get('model', '?')}"
        for name in ("hardware", "cpu type", "system type", "isa"):
            if info.get(name):
                return info[name]
        return None

    @property
    def vendor(self) -> str | None:
        """The CPU's maker."""
        info = self.fields
        if info.get("vendor_id"):
            return info["vendor_id"]
        if info.get("cpu implementer"):
            return arm.vendor(info["cpu implementer"])
        if "mvendorid" in info and arm.number_of(info["mvendorid"]) in RISCV_VENDORS:
            return RISCV_VENDORS[arm.number_of(info["mvendorid"])]
        name = (self.model or "").lower()
        return next((maker for begin, maker in VENDORS if name.startswith(begin)), None)

    @property
    def signature(self) -> str | None:
        """The numbers that tell CPUs of one model name apart, of each kind of core.

        A virtual machine often shows a general name (`AMD EPYC`), but seldom changes the numbers.
        """
        for mark, rows in SIGNATURES:
            blocks = [block for block in self.blocks if mark in block]
            texts = [
                ", ".join(f"{word} {block[key]}" for key, word in rows if block.get(key))
                for block in blocks
            ]
            if texts:
                return "; ".join(dict.fromkeys(filter(None, texts))) or None
        return None

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags that all CPUs have, sorted. Raises Absent if none are listed."""
        for name in ("flags", "features", "ases implemented", "cpucaps"):
            sets = [frozenset(re.split(r"[\s,]+", text)) for text in self.stated(name)]
            if sets:
                return tuple(sorted(frozenset.intersection(*sets) - {""}))
        found = [frozenset(_riscv_flags(text)) for text in self.stated("isa") if "rv" in text]
        if found:
            return tuple(sorted(frozenset.intersection(*found)))
        if "altivec supported" in self.fields.get("cpu", ""):
            return ("altivec",)
        raise Absent("/proc/cpuinfo lists no instruction sets on this architecture")

    @property
    def architecture(self) -> str | None:
        """The family of architectures whose fields the text has: x86, arm, power, s390, riscv."""
        info = self.fields
        if "machine number" in info or info.get("vendor_id") == "IBM/S390":
            return "s390"
        for name, family in ARCHITECTURES:
            if name in info:
                return "loongarch" if "loongson" in info.get("cpu family", "").lower() else family
        return None


def read(root: Root) -> CpuInfo:
    """Return the machine's /proc/cpuinfo. Raises OSError if it cannot be read."""
    return CpuInfo(root.text(CPUINFO))


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """Yield the names and values of a block."""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        key = " ".join(name.lower().split())
        if re.fullmatch(r"processor \d+", key):  # s390: processor 0: version = FF, machine = 8561
            machine = re.search(r"\bmachine = (\w+)", value)
            yield "machine number", machine[1] if machine else ""
        elif key == "machine" and re.fullmatch(r"\d{4}", value.strip()):
            yield "machine number", value.strip()
        else:
            yield key, " ".join(value.split())  # old kernels leave blanks in a model's name


def _riscv_flags(isa: str) -> Iterator[str]:
    """Yield the extensions of a RISC-V text such as `rv64imafdcv_zba_zbb`, which state `g` too."""
    first, *named = isa.strip().lower().split("_")
    base = re.match(r"rv\d+", first)
    letters = first[len(base[0]) :] if base else first
    if base:
        yield base[0]
    yield from (letter for letter in letters if letter.isalpha())
    if "g" in letters:
        yield from "imafd"
    yield from filter(None, named)
