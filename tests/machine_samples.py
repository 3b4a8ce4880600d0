"""Texts of several machines, made by hand after real ones: what is read, and some that is not."""

INTEL = """\
processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz
cpu MHz\t\t: 2699.998
flags\t\t: fpu sse sse2 sse4_1 sse4_2 avx f16c avx2 fma avx512f avx512bw avx512vl avx512_vnni \
avx512_bf16 avx512_fp16 amx_bf16 amx_tile amx_int8 avx_vnni hypervisor
bugs\t\t: spectre_v1

processor\t: 1
model name\t: another CPU
"""
AMD = """\
processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 1
stepping\t: 1
model name\t: AMD EPYC 7B13 64-Core Processor
flags\t\t: fpu sse4_2 fma avx f16c avx2 sse4a
"""
GRAVITON = """\
processor\t: 0
BogoMIPS\t: 2100.00
Features\t: fp asimd evtstrm aes asimdhp asimddp sve bf16 i8mm
CPU implementer\t: 0x41
CPU part\t: 0xd40
"""
RASPBERRY = """\
processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm aes asimdhp asimddp
CPU implementer\t: 0x41
CPU part\t: 0xd0b

Hardware\t: BCM2835
Model\t\t: Raspberry Pi 5 Model B Rev 1.0
"""
BIG_LITTLE = """\
processor\t: 0
Features\t: fp asimd
CPU implementer\t: 0x41
CPU part\t: 0xd03

processor\t: 1
Features\t: fp asimd
CPU implementer\t: 0x41
CPU part\t: 0xd03

processor\t: 2
Features\t: fp asimd
CPU implementer\t: 0x41
CPU part\t: 0xd08

Hardware\t: RK3399
"""
UNNAMED_BIG = """\
processor\t: 0
Features\t: fp asimd
CPU implementer\t: 0x41
CPU part\t: 0xd05

processor\t: 1
Features\t: fp asimd
CPU implementer\t: 0x41
CPU part\t: 0xfff
"""
UNNAMED_ARM = """\
processor\t: 0
Features\t: fp asimd sve sve2
CPU implementer\t: 0x99
CPU part\t: 0x123
"""
POWER = """\
processor\t: 0
cpu\t\t: POWER9 (architected), altivec supported
clock\t\t: 2300.000000MHz
revision\t: 2.2 (pvr 004e 1202)

timebase\t: 512000000
platform\t: pSeries
model\t\t: IBM pSeries (emulated by qemu)
"""
RISCV = """\
processor\t: 0
hart\t\t: 2
isa\t\t: rv64imafdcv_zicsr_zba
mmu\t\t: sv39
mvendorid\t: 0x5b7
marchid\t\t: 0x0
mimpid\t\t: 0x0
"""
LOONGSON = """\
system type\t\t: generic-loongson-machine

processor\t\t: 0
CPU Family\t\t: Loongson-64bit
Model Name\t\t: Loongson-3A5000
CPU Revision\t\t: 0x10
CPU MHz\t\t: 2500.00
Features\t\t: cpucfg lam fpu lsx lasx
"""
OLD_ARM = """\
Processor\t: ARMv7 Processor rev 10 (v7l)
processor\t: 0
BogoMIPS\t: 1988.28

processor\t: 1
BogoMIPS\t: 1988.28

Features\t: swp half thumb vfp edsp neon
CPU implementer\t: 0x41
CPU architecture: 7
CPU part\t: 0xc09

Hardware\t: Freescale i.MX6
Serial\t\t: 0000000000000000
"""
ASAHI = """\
processor\t: 0
Features\t: fp asimd bf16
CPU implementer\t: 0x61
CPU part\t: 0x022

processor\t: 1
Features\t: fp asimd sme
CPU implementer\t: 0x61
CPU part\t: 0x023
"""
QEMU_USER = GRAVITON
ROSETTA_FOR_LINUX = """\
processor\t: 0
vendor_id\t: VirtualApple
cpu family\t: 6
model\t\t: 44
model name\t: VirtualApple @ 2.50GHz
flags\t\t: fpu sse4_2 avx avx2
"""
APPLE = """\
machdep.cpu.brand_string: Apple M2 Pro
hw.optional.arm.FEAT_DotProd: 1
hw.optional.arm.FEAT_LSE: 1
hw.optional.arm.FEAT_SME: 0
hw.optional.arm.caps: 868020067303223294
hw.optional.arm.FEAT_FP16: 1
hw.optional.arm.FEAT_BF16: 1
hw.optional.arm.FEAT_I8MM: 1
hw.optional.AdvSIMD: 1
hw.optional.avx2_0: 0
hw.optional.neon: 1
hw.packages: 1
hw.nperflevels: 2
hw.perflevel0.name: Performance
hw.perflevel0.logicalcpu: 8
hw.perflevel1.name: Efficiency
hw.perflevel1.logicalcpu: 4
hw.l1dcachesize: 65536
hw.perflevel0.l1dcachesize: 131072
hw.perflevel0.l1icachesize: 196608
hw.perflevel0.l2cachesize: 16777216
hw.l2cachesize: 4194304
kern.hv_vmm_present: 0
kern.hostname: someones-laptop
"""
INTEL_MAC = """\
machdep.cpu.brand_string: Intel(R) Core(TM) i7-8569U CPU @ 2.80GHz
machdep.cpu.vendor: GenuineIntel
hw.cpufrequency: 2800000000
machdep.cpu.features: FPU VME SSE SSE2 SSE4.1 SSE4.2 FMA AVX1.0 F16C
machdep.cpu.leaf7_features: RDWRFSGS BMI1 AVX2 SMEP
hw.optional.avx1_0: 1
hw.optional.avx2_0: 1
hw.optional.fma: 1
hw.optional.avx512f: 0
hw.packages: 1
hw.l3cachesize: 8388608
kern.hv_vmm_present: 0
"""
INTEL_MAC_PRO = """\
machdep.cpu.brand_string: Intel(R) Xeon(R) W-3245 CPU @ 3.20GHz
machdep.cpu.vendor: GenuineIntel
machdep.cpu.features: FPU SSE4.2 FMA AVX1.0 F16C
machdep.cpu.leaf7_features: AVX2 AVX512F AVX512DQ AVX512BW AVX512VL AVX512VNNI
hw.optional.avx512f: 1
"""
