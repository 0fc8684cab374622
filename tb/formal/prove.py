#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves properties of modules of rtl/ with yosys-smtbmc and Bitwuzla.

usage: prove.py [--quick] [--list] [--rtl DIR] [--build DIR] [PROOF]...
A proof is a module of this folder around a module of rtl/, with parameters small enough for a solver. "induction"
holds for any number of cycles; "bound" for the given number of cycles from reset. Each proof's cover statements are
reached first, so that no assumption makes its assertions vacuous. Prints a line for each proof; exit code 1 if one
fails (the first cycles of the counterexample are printed), 2 if a tool is missing or a file is wrong, 77 without
PyPI, which provides the solver.
"""
import argparse
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from harness import with_packages  # noqa: E402


@dataclasses.dataclass
class Proof:
    """Parameters of `top`, which is tb/formal/<top>.sv; `rtl`: modules of rtl/ that it needs."""
    top: str
    rtl: tuple
    parameters: dict
    cover: int = 0       # cycles in which all cover statements can be reached
    induction: int = 0   # cycles of an induction's step; 0: bounded
    bound: int = 0       # cycles from reset, for the base case or by itself; 0: combinational
    slow: bool = False   # not with --quick

    @property
    def method(self):
        if self.induction:
            return "induction"
        return f"{self.bound} cycles" if self.bound else "all inputs"

    @property
    def name(self):
        values = "".join(f"_{v}" for v in self.parameters.values())
        return self.top.removesuffix("_props") + values


def proofs():
    for depth in (2, 4):
        yield Proof("trine_fifo_props", ("trine_fifo",), {"Depth": depth}, 10, 3, 6)
    yield Proof("trine_skid_props", ("trine_skid",), {}, 8, 3, 6)
    yield Proof("trine_cluster_props", ("trine_fork", "trine_pulse_join"), {}, 10, bound=12)
    yield Proof("trine_cluster_copies_props", ("trine_engine_pkg", "trine_fork", "trine_pulse_join", "trine_cluster"), {}, 14, bound=14)
    for depth in (2, 4):
        yield Proof("trine_queue_props", ("trine_queue", "trine_sram"), {"Depth": depth}, 12, 4, 8)
    yield Proof("trine_tokens_props", ("trine_isa_pkg", "trine_tokens"), {}, 8, 3, 6)
    yield Proof("trine_dma_share_props", ("trine_dma_share",), {"Places": 4}, 12, 4, 8)
    for rows, beats in ((0, 4), (1, 4), (1, 2)):
        yield Proof("trine_dma_requests_props", ("trine_dma_bursts", "trine_dma_requests"),
                    {"Rows2D": rows, "MaxBeats": beats}, 16, 3, 6)
    yield Proof("trine_load_props", ("trine_isa_pkg", "trine_engine_pkg", "trine_load", "trine_dma_regs", "trine_dma_requests", "trine_dma_bursts", "trine_dma_beats",
                                     "trine_load_source", "trine_dma_reads", "trine_byte_planes", "trine_load_pmem", "trine_load_rows", "trine_transpose"), {}, 20, bound=32)
    yield Proof("trine_dma_beats_props", ("trine_dma_beats",), {"DataWords": 4}, 14, 3, 6)
    yield Proof("trine_unpack_pair_props", ("trine_isa_pkg", "trine_trits", "trine_unpack_pair"), {})
    yield Proof("trine_unpack_wide_props", ("trine_trits", "trine_unpack_wide"), {"QuadsPerRow": 3}, 12, 2, 4)
    yield Proof("trine_unpack_props", ("trine_isa_pkg", "trine_trits", "trine_unpack_pair", "trine_unpack"), {"PairsPerRow": 2}, 16, 2, 4)
    for bits in (32, 64):
        yield Proof("trine_axi_read_props", ("trine_axi_read",),
                    {"AxiDataBits": bits, "MaxOutstanding": 2}, 24, 4, 10)
        yield Proof("trine_axi_write_props", ("trine_axi_write", "trine_fifo"),
                    {"AxiDataBits": bits, "MaxOutstanding": 2}, 24, 4, 10)
    yield Proof("trine_imem_props", ("trine_engine_pkg", "trine_dma_pkg", "trine_sram", "trine_imem"), {"MaxBeats": 4}, 24, 3, 8)
    yield Proof("trine_watchdog_props", ("trine_watchdog",), {"Bits": 3}, 16, 3, 10)
    for beat in (8, 64):
        yield Proof("trine_window_props", ("trine_window",), {"BeatBytes": beat})
    for rows, window in ((2, 0), (3, 0), (4, 0), (2, 1)):
        yield Proof("trine_agu_props", ("trine_isa_pkg", "trine_agu_pkg", "trine_nest", "trine_agu"),
                    {"Rows": rows, "Window": window}, 20, 1, 3, slow=True)
    for lanes in (2, 3):
        yield Proof("trine_dmem_props",
                    ("trine_sram", "trine_skid", "trine_gather", "trine_scatter", "trine_dmem_dma", "trine_dmem"),
                    {"Lanes": lanes}, 12, 1, 4, slow=lanes == 3)
    for mode in (0, 1, 2):
        yield Proof("trine_dot_props", ("trine_mul_pkg", "trine_booth_digits", "trine_dot"), {"Mode": mode, "Lane": 2},
                    slow=mode == 0)
    for stages, bits in ((1, 32), (2, 32), (2, 20)):
        yield Proof("trine_pe_props", ("trine_mul_pkg", "trine_dot", "trine_pe"), {"Stages": stages, "AccBits": bits},
                    8, 1, 3)
    yield Proof("trine_writeback_queue_props", ("trine_post_pkg", "trine_writeback_queue"), {}, 16, 1, 4)
    yield Proof("trine_params_props", ("trine_sram", "trine_skid", "trine_params"), {}, 12, 1, 4)
    yield Proof("trine_zero_points_props", ("trine_mul_pkg", "trine_zero_sum", "trine_zero_points"), {}, 12, 1, 4)
    for shift in (2, 63, 61):
        for single in (0, 1):
            yield Proof("trine_post_lane_props",
                        ("trine_mul_pkg", "trine_job_pkg", "trine_post_pkg", "trine_post_operand", "trine_post_factors",
                         "trine_post_shift", "trine_post_clamp", "trine_post_lane", "trine_mul"),
                        {"Shift": shift, "Single": single}, 8, bound=7, slow=(shift, single) != (2, 0))
    yield Proof("trine_post_e4m3_props", ("trine_mul_pkg", "trine_job_pkg", "trine_post_pkg", "trine_post_e4m3"), {})
    yield Proof("trine_post_format_props", ("trine_mul_pkg", "trine_job_pkg", "trine_post_pkg", "trine_post_format"), {})
    post = ("trine_isa_pkg", "trine_engine_pkg", "trine_job_pkg", "trine_post_pkg", "trine_vector_pkg", "trine_mul_pkg",
            "trine_post", "trine_drain", "trine_drain_cfg", "trine_drain_remaining", "trine_drain_parts", "trine_drain_params",
            "trine_drain_residual", "trine_drain_grant", "trine_post_kind", "trine_lane_arb", "trine_pack", "trine_writeback_queue")
    for drain, stages, delay in ((2, 2, 2), (1, 2, 2), (2, 2, 3), (1, 1, 1), (2, 1, 1)):
        yield Proof("trine_post_props", post, {"Drain": drain, "PeStages": stages, "JobDelay": delay}, 16, 6, 6,
                    slow=(drain, delay) != (2, 2))
    # Arrays in blocks: the grant comes MaxLate cycles earlier.
    for drain, late in ((1, 1), (1, 2), (1, 3), (2, 1)):
        yield Proof("trine_post_props", post, {"Drain": drain, "PeStages": 2, "JobDelay": 2 + late, "MaxLate": late}, 0,
                    bound=10, slow=True)
    yield Proof("trine_ecc_props", ("trine_ecc_pkg", "trine_ecc_encode", "trine_ecc_decode"), {})
    yield Proof("trine_csr_props", ("trine_isa_pkg", "trine_csr_pkg", "trine_axi_pkg", "trine_engine_pkg", "trine_csr", "trine_lifecycle",
                                     "trine_counters", "trine_cycles_limit"), {}, 24, 2, 4)
    yield Proof("trine_issue_props", ("trine_isa_pkg", "trine_issue"), {}, 12, 4, 8)


def call(command, folder):
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)


def elaborate(proof, rtl, folder):
    """Elaborates the proof's top to SMT-LIB; memories become registers so that properties can name their words."""
    files = [next(rtl.rglob(f"{m}.sv")) for m in proof.rtl] + [ROOT / "tb" / "formal" / f"{proof.top}.sv"]
    chparam = " ".join(f"-chparam {k} {v}" for k, v in proof.parameters.items())
    script = (f"read_verilog -sv -formal {' '.join(map(str, files))}; "
              f"hierarchy -check {chparam} -top {proof.top}; proc; memory_map; flatten; opt -full; "
              f"prep -top {proof.top}; async2sync; dffunmap; write_smt2 -wires proof.smt2")
    done = call(["yosys", "-q", "-p", script], folder)
    if done.returncode:
        sys.exit(f"prove.py: {proof.name}: yosys: {done.stdout.strip()}")


def passes(mode, cycles, folder):
    done = call(["yosys-smtbmc", "--noprogress", "--unroll", "-s", "bitwuzla", *mode, "-t", str(cycles), "--dump-vcd", "trace.vcd",
                 "proof.smt2"], folder)
    return done.returncode == 0, done.stdout


def prove(proof, rtl):
    """Returns None if the proof holds, otherwise the part that failed and the solver's output."""
    with tempfile.TemporaryDirectory() as folder:
        elaborate(proof, rtl, folder)
        steps = [("cover", ["-c"], proof.cover)] if proof.cover else []
        steps.append(("base case", [], max(proof.bound, proof.induction, 1)))
        if proof.induction:
            steps.append(("induction", ["-i"], proof.induction))
        for what, mode, cycles in steps:
            good, printed = passes(mode, cycles, folder)
            if not good:
                trace = ROOT / "build" / f"{proof.name}.vcd"
                if (pathlib.Path(folder) / "trace.vcd").exists():
                    trace.parent.mkdir(exist_ok=True)
                    shutil.copy(pathlib.Path(folder) / "trace.vcd", trace)
                words = [line for line in printed.splitlines()
                         if re.search(r"failed|FAIL|Unreached|error|rror:", line)]
                return f"{what} fails: " + "; ".join(words[:3])
        return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="print the names of the proofs")
    parser.add_argument("--quick", action="store_true", help="run only the proofs that take seconds")
    parser.add_argument("--rtl", type=pathlib.Path, default=ROOT / "rtl",
                        help="folder of the modules, for example a copy with a planted bug")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "formal",
                        help="folder in which the solver is installed")
    parser.add_argument("proof", nargs="*", help="name of a proof, or the beginning of a name")
    options = parser.parse_args()
    if not shutil.which("yosys-smtbmc"):
        print("prove.py: yosys-smtbmc is missing (Debian: yosys)", file=sys.stderr)
        sys.exit(2)
    chosen = [p for p in proofs() if not (options.quick and p.slow) and
              (not options.proof or any(p.name.startswith(n) for n in options.proof))]
    if not chosen:
        parser.error(f"no proof begins with {', '.join(options.proof)}")
    if options.list:
        print("\n".join(p.name for p in chosen))
        return
    with_packages(options.build.resolve(), ROOT / "tb" / "formal" / "requirements.txt", "bitwuzla")
    # Adds the solver's wrapper that yosys-smtbmc calls, and the Python in which the solver is installed.
    os.environ["PATH"] = os.pathsep.join([str(ROOT / "tb" / "formal"), str(pathlib.Path(sys.executable).parent), os.environ["PATH"]])
    failed = 0
    for proof in chosen:
        start = time.monotonic()
        wrong = prove(proof, options.rtl.resolve())
        failed += bool(wrong)
        print(f"{proof.name:<36} {proof.method:<12} {time.monotonic() - start:6.1f} s  {wrong or 'holds'}",
              flush=True)
    print(f"{len(chosen) - failed} of {len(chosen)} proofs hold")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
