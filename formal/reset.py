#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves that a soft reset leaves each flip-flop with a reset as rst_ni leaves it.

usage: reset.py [--rtl DIR]
In the flattened design (small, with all features) clear is held at 1 and the state of trine_csr at the one in which it is 1.
Constants are propagated; nothing else is known: any state, any inputs. Each flip-flop that rst_ni resets must then take its
reset value at the next edge, or be listed below with the reason why it need not. A line of the list that names none is an
error. Exit code 1 if a flip-flop is neither, 2 if a tool is missing.
"""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PARAMETERS = {"Rows": "1", "Cols": "4", "Ternary": "1'b1", "Binary": "1'b1", "DmemWords": "1024", "PmemRows": "16", "Ecc": "1'b1", "ImemWords": "128",
              "ParamChannels": "16", "Softmax": "1'b1", "Window": "1'b1", "ZeroPoints": "1'b1", "AxiDataBits": "32",
              "PipeRows": "1", "PipeCols": "2"}
CLEAR = {"u_control.u_csr.u_life.clear_q": "1'b1", "u_control.u_csr.u_life.state_q": "2'b11"}
CSR, READ, WRITE, POST = r"u_control\.u_csr\.", r"u_control\.u_bus_read\.u_read\.", r"u_control\.u_bus_write\.u_write\.", r"u_results\.u_post\."
MATRIX = r"u_matmul\.u_matrix\."
EXCEPTIONS = (
    (CSR + "(program|program_words|base|first|last|watchdog|progress|cycles_limit|irq_enable)_q", "the driver's, who sets them before start"),
    (CSR + r"(u_life\.(cause|done|irq_status|told|dirty)|bus_was_reset)_q", "how the last program ended; start forgets it"),
    (CSR + r"u_life\.reset_q", "a soft reset in this very cycle: it comes round again"),
    (CSR + "(write|read|bvalid|rvalid)_q", "an access under way is answered"),
    (CSR + r"u_counters\.(count|fresh|words|gen_counters\[\d+\]\.low)_q", "readable after the program; start clears them"),
    (CSR + r"u_counters\.(index|ring|added|added_index)_q", "goes round for ever"),
    (READ + r"(ar_valid|used|gen_count\[\d\]\.count|gen_join\.(half|error))_q", "empty: clear waits for idle_o (drained_i)"),
    (READ + "(ar_id|read|write)_q", "whose turn it is, and places of an empty buffer: any is right"),
    (WRITE + "(aw_valid|count|open|waits)_q", "empty: clear waits for idle_o (drained_i)"),
    (WRITE + "(next|drop)_q", "as long as stop_i; nothing is open"),
    (r"u_control\.u_watchdogs\.u_bus\.(count|expired)_q", "the bus owes nothing: clear waits for drained_i"),
    (r"u_memory_state\.gen_ecc\.u_ecc\.[dp]mem_(count|corrected)_q", "readable after the program; start clears them"),
    (r"u_control\.u_bus_read\.gen_imem\.u_imem\.wiping_q", "the zeros begin now, or go on; no program is started meanwhile"),
    (r"u_control\.u_bus_read\.gen_imem\.u_imem\.gen_code\.(count|corrected)_q", "readable after the program; start clears them"),
    (r"u_param_memories\.u_scrub\.(busy|row)_q", "the zeros begin now, or go on; no program is started meanwhile"),
    (MATRIX + r"(u_array\.(gen_(act|wgt)\[\d+\]\.gen_stage\[\d+\]\.u_stage\.u_words|gen_col\[\d+\]\.gen_row\[\d+\]\.u_block\.gen_(act|wgt)\[\d+\]\.u_word)"
     r"|gen_zero_points\.u_zero_points)\.valid_q",
     "a pipe without feedback: empty before the first instruction of a program has come"),
    (POST + r"(u_arb\.(drop_left|phase|softmax)|u_lanes\.(chained|counted|found|lane|threshold|whole))_q",
     "drop_left_q: codes in the operand register and the lanes come out, go nowhere"),
    (POST + r"(u_params\.(entered|own|ready)|u_grant\.locked)_q", "the same of their parameters; those of a job are read anew"),
    (POST + r"u_lanes\.gen_row\[\d+\]\.gen_lane\[\d+\]\.u_lane\.(operand_valid|product|scaled_valid|twice|valid)_q",
     "the lanes know no clear: empty before the first instruction of a program has come"),
)


def flip_flops(rtl, folder):
    """Each flip-flop with a reset: its name, the reset's value, and what it takes at the edge when clear is 1, LSB first."""
    sources = sorted(rtl.rglob("*_pkg.sv")) + sorted(p for p in rtl.rglob("trine_*.sv") if not p.stem.endswith("_pkg"))
    values = " ".join(f"-set {key} {value}" for key, value in PARAMETERS.items())
    constants = "; ".join(f"connect -set {wire} {value}" for wire, value in CLEAR.items())
    script = (f"read_verilog -sv {' '.join(map(str, sources))}; chparam {values} trine_core; hierarchy -check -top trine_core; proc -noopt; "
              f"flatten; opt_expr; opt_clean; select -assert-count {len(CLEAR)} {' '.join('w:' + w for w in CLEAR)}; {constants}; "
              + "opt_expr; opt_muxtree; opt_clean; " * 2 + "write_json reset.json")
    done = subprocess.run(["yosys", "-q", "-p", script], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit("reset.py: yosys: " + re.sub("(?m)^Warning:.*", "", done.stdout).strip())
    modules = json.loads((pathlib.Path(folder) / "reset.json").read_text())["modules"]
    core = next(m for name, m in modules.items() if m["attributes"].get("top"))
    names = {}
    for name, net in core["netnames"].items():
        for i, bit in enumerate(net["bits"]):
            if name.endswith("_q") or bit not in names:
                names[bit] = f"{name}[{i}]"
    for cell in core["cells"].values():
        if not cell["type"].startswith("$adff"):
            continue
        reset = cell["parameters"]["ARST_VALUE"][::-1]
        for bit, value, takes in zip(cell["connections"]["Q"], reset, cell["connections"]["D"]):
            if cell["type"] == "$adffe" and cell["connections"]["EN"] != ["1"]:
                takes = "kept"
            yield names[bit], value, takes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rtl", type=pathlib.Path, default=ROOT / "rtl", help="where the modules are")
    options = parser.parse_args()
    if not shutil.which("yosys"):
        print("reset.py: yosys is missing (Debian: yosys)", file=sys.stderr)
        sys.exit(2)
    with tempfile.TemporaryDirectory() as folder:
        flops = list(flip_flops(options.rtl.resolve(), folder))
    other = sorted({re.sub(r"\[\d+\]$", "", name) for name, reset, takes in flops if takes != reset})
    used, wrong = set(), []
    for name in other:
        reason = next((pattern for pattern, _ in EXCEPTIONS if re.fullmatch(pattern, name)), None)
        used.add(reason)
        if reason is None:
            wrong.append(f"{name}: not what reset makes it")
    wrong += [f"{pattern}: names no flip-flop that differs" for pattern, _ in EXCEPTIONS if pattern not in used]
    for line in wrong:
        print(line)
    same = sum(takes == reset for _, reset, takes in flops)
    print(f"{len(flops)} flip-flops with a reset, {same} after a soft reset as after rst_ni, "
          f"{len(flops) - same} for the {len(EXCEPTIONS)} reasons of the list, {len(wrong)} wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
