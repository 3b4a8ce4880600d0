"""Instruction sets that change the speed of training, by their usual names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

#: Flags of /proc/cpuinfo and of sysctl, their usual names, and the architecture they belong to.
INSTRUCTION_SETS: tuple[tuple[str, str, str], ...] = (
    ("sse4_2", "SSE4.2", "x86"),
    ("avx", "AVX", "x86"),
    ("avx2", "AVX2", "x86"),
    ("fma", "FMA", "x86"),
    ("f16c", "F16C", "x86"),
    ("avx512f", "AVX512F", "x86"),
    ("avx512bw", "AVX512BW", "x86"),
    ("avx512vl", "AVX512VL", "x86"),
    ("avx512_vnni", "AVX512_VNNI", "x86"),
    ("avx512_bf16", "AVX512_BF16", "x86"),
    ("avx512_fp16", "AVX512_FP16", "x86"),
    ("avx_vnni", "AVX_VNNI", "x86"),
    ("amx_tile", "AMX_TILE", "x86"),
    ("amx_bf16", "AMX_BF16", "x86"),
    ("amx_int8", "AMX_INT8", "x86"),
    ("asimd", "NEON", "arm"),
    ("neon", "NEON", "arm"),  # as 32-bit kernels and macOS call it
    ("asimdhp", "FP16", "arm"),
    ("asimddp", "DOTPROD", "arm"),
    ("bf16", "BF16", "arm"),
    ("i8mm", "I8MM", "arm"),
    ("sve", "SVE", "arm"),
    ("sve2", "SVE2", "arm"),
    ("sme", "SME", "arm"),
    ("altivec", "AltiVec", "power"),
    ("vx", "VX", "s390"),
    ("vxe", "VXE", "s390"),
    ("vxe2", "VXE2", "s390"),
    ("nnpa", "NNPA", "s390"),
    ("v", "RVV", "riscv"),
    ("zvfh", "ZVFH", "riscv"),
    ("lsx", "LSX", "loongarch"),
    ("lasx", "LASX", "loongarch"),
)

#: Features of macOS (as `macos_flags` lists them) and the flags above that they stand for. On Intel
#: Macs, it depends on the version of macOS whether one or both lists hold a feature.
MACOS_FLAGS: tuple[tuple[str, str], ...] = (
    ("neon", "asimd"),
    ("AdvSIMD", "asimd"),
    ("arm.FEAT_FP16", "asimdhp"),
    ("arm.FEAT_DotProd", "asimddp"),
    ("arm.FEAT_BF16", "bf16"),
    ("arm.FEAT_I8MM", "i8mm"),
    ("arm.FEAT_SME", "sme"),
    ("sse4.2", "sse4_2"),
    ("avx1_0", "avx"),
    ("avx1.0", "avx"),
    ("avx2_0", "avx2"),
    ("avx512vnni", "avx512_vnni"),
)

#: The sysctl lists of an Intel Mac's features (in capitals), and the prefix of single features.
MACOS_LISTS = ("machdep.cpu.features", "machdep.cpu.leaf7_features")
MACOS_OPTIONAL = "hw.optional."

#: Beginnings of uname's architectures, and the family of instruction sets that they can run.
FAMILIES: tuple[tuple[str, str], ...] = (
    *(("x86_64", "x86"), ("amd64", "x86"), ("i386", "x86"), ("i486", "x86"), ("i586", "x86")),
    *(("i686", "x86"), ("aarch64", "arm"), ("arm", "arm"), ("ppc", "power"), ("powerpc", "power")),
    *(("s390", "s390"), ("riscv", "riscv"), ("loongarch", "loongarch")),
)


def family_of(architecture: str | None) -> str | None:
    """Return the family of an architecture as uname writes it; None if it is unknown."""
    text = (architecture or "").lower()
    return next((family for begin, family in FAMILIES if text.startswith(begin)), None)


def named_instruction_sets(flags: Iterable[str]) -> tuple[str, ...]:
    """Return the usual names of the `flags` that are in the table, in the table's order."""
    present = set(flags)
    return tuple(dict.fromkeys(name for flag, name, _ in INSTRUCTION_SETS if flag in present))


def may_belong(flag: str, family: str) -> bool:
    """Say whether programs of an architecture's family may use what a flag stands for."""
    known = {own for name, _, own in INSTRUCTION_SETS if name == flag}
    known |= {"arm"} if flag.startswith(("arm", "AdvSIMD", "armv8")) else set()
    return not known or family in known


def macos_flags(sysctl: Mapping[str, str]) -> tuple[str, ...]:
    """Return the flags in the sysctl values of a macOS machine, with Linux's names for them."""
    stated = {
        name.removeprefix(MACOS_OPTIONAL)
        for name, value in sysctl.items()
        if name.startswith(MACOS_OPTIONAL) and value == "1"
    }
    for name in MACOS_LISTS:
        stated.update(sysctl.get(name, "").lower().split())
    return tuple(sorted(stated | {flag for name, flag in MACOS_FLAGS if name in stated}))
