# SPDX-License-Identifier: Apache-2.0
"""python -m trine_litex DESIGN...: writes a system with the machines of these folders.

OUT receives trine_soc.v with the contents of memories, LiteX's headers in software/include, NOTICE, and system.json,
which contains everything else that the build of firmware and simulation requires.
"""

import argparse
import json
import logging
import sys
from importlib import metadata
from pathlib import Path

from litex.soc.cores import cpu
from litex.soc.integration.builder import Builder
from litex.soc.integration.soc import SoCError

from trine_litex.ibex import Ibex
from trine_litex.simulation import SimSoC

NAME = "trine_soc"
LICENCES = ("litex", "litedram", "migen")  # licences of the system, in addition to the processor's


def arguments():
    parser = argparse.ArgumentParser(prog="trine_litex", description=__doc__.splitlines()[0])
    parser.add_argument("designs", nargs="+", metavar="DESIGN", help="folder that `trine generate` wrote")
    parser.add_argument("--out", required=True, help="folder to write")
    parser.add_argument("--cpu", default="vexriscv", help="LiteX's name of the processor (vexriscv)")
    parser.add_argument("--variant", help="variant of the processor (LiteX's default)")
    parser.add_argument("--rom-kib", type=int, default=128,
                        help="KiB of the boot ROM, which contains the firmware (128)")
    parser.add_argument("--sram-kib", type=int, default=16, help="KiB of the memory for the data of the firmware (16)")
    parser.add_argument("--main-kib", type=int, default=1024, help="KiB of the main memory on the chip (1024)")
    parser.add_argument("--models-kib", type=int, default=1024, help="KiB of the read-only memory for models (1024)")
    parser.add_argument("--sdram", action="store_true", help="use SDRAM as main memory, with LiteDRAM and an L2 cache")
    parser.add_argument("--target", choices=("sim", "ulx3s"), default="sim", help="simulation, or a board (sim)")
    parser.add_argument("--clock-mhz", type=float, default=40, help="clock of the board in MHz (40)")
    parser.add_argument("--firmware", help="folder with rom.bin and models.bin, the initial contents of the board's memories")
    parser.add_argument("--faults", action="store_true",
                        help="add registers that cause errors on the buses of the machines, for tests")
    return parser.parse_args()


def contents(args, name):
    """Returns the initial contents of a memory; the simulation reads them when it starts."""
    if not args.firmware:
        return [0]
    data = (Path(args.firmware) / f"{name}.bin").read_bytes()
    return [int.from_bytes(data[i:i + 4], "little") for i in range(0, len(data), 4)]


def system_of(args):
    common = {"models_kib": args.models_kib, "models": contents(args, "models"), "cpu_type": args.cpu,
              "cpu_variant": args.variant, "integrated_rom_size": args.rom_kib * 1024,
              "integrated_rom_init": contents(args, "rom"), "integrated_sram_size": args.sram_kib * 1024}
    if args.target == "ulx3s":
        from trine_litex.ulx3s import UlxSoC  # litex-boards is needed only for boards
        return UlxSoC(args.designs, int(args.clock_mhz * 1e6), **common)
    return SimSoC(args.designs, main_kib=0 if args.sdram else args.main_kib, faults=args.faults, **common)


def compiler_flags(processor):
    """Removes the version of the base ISA, with which gcc finds no library."""
    return [flag.replace("2p0_", "").replace("2p0", "") for flag in processor.gcc_flags.split()]


def describe(soc, out):
    """Returns the description with which firmware and simulation are built."""
    litex = Path(cpu.__file__).parents[2]  # litex/soc
    headers = litex / "cores" / "cpu" / soc.cpu_type
    own = Path(sys.modules[type(soc.cpu).__module__].__file__).parent
    machines = [trine.design.folder for trine in soc.trines]
    return {
        "sources": [source for source, *_ in soc.platform.sources if Path(source).parent not in machines] +
                   [str(out / "gateware" / f"{NAME}.v")],
        "include_verilog": soc.platform.verilog_include_paths,
        "designs": [str(trine.design.file_list) for trine in soc.trines],
        "flags": compiler_flags(soc.cpu),
        "include": [str(out / "software" / "include"), str(litex / "software" / "include"), str(headers)],
        "software": [str(own / "crt0.S"), str(litex / "software" / "libbase" / "system.c")],
    }


def is_notice(file):
    """Returns true for licences, except for those of ibex' own tests."""
    return ("LICENSE" in file.name or file.name == "NOTICE") and "vendor" not in file.parts


def notice(soc):
    names = [*LICENCES, f"pythondata-cpu-{soc.cpu_type}"]
    parts = ["This system is made by LiteX of the packages below, and of Trine (Apache-2.0).\n"]
    for name in names:
        distribution = metadata.distribution(name)
        texts = [file.read_text() for file in distribution.files or [] if is_notice(file)]
        parts.append(f"{'-' * 80}\n{name} {distribution.version}\n\n" + "\n".join(texts))
    return "\n".join(parts)


def check(args):
    """Checks the arguments: LiteX would print a table and raise an error without a message."""
    if args.cpu not in cpu.CPUS:
        raise ValueError(f"--cpu: LiteX has no '{args.cpu}', allowed: {', '.join(sorted(cpu.CPUS))}")
    variants = list(cpu.CPUS[args.cpu].variants)
    if args.variant and args.variant not in variants:
        raise ValueError(f"--cpu-variant: {args.cpu} has no '{args.variant}', allowed: {', '.join(variants)}")


def write(args):
    check(args)
    out = Path(args.out).resolve()
    soc = system_of(args)
    Builder(soc, output_dir=str(out), compile_software=False, compile_gateware=False).build(build_name=NAME)
    (out / "system.json").write_text(json.dumps(describe(soc, out), indent=2) + "\n")
    (out / "NOTICE").write_text(notice(soc))


def main():
    logging.disable(logging.WARNING)
    cpu.CPUS["ibex"] = Ibex  # replaces LiteX's
    cpu.CPUS["vexriscv"].add_cfu = lambda self, cfu_filename: None  # LiteX expects a Verilog file; ours is cfu.py
    args = arguments()
    try:
        write(args)
    except (ValueError, SoCError, OSError) as error:
        print(f"trine_litex: {error or 'the system cannot be built, see above'}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
