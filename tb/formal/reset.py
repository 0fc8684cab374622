#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves that a soft reset leaves each flip-flop that has a reset as rst_ni does, or that the difference does not matter.

usage: reset.py [--rtl DIR] [--list]
In the flattened core (small, with all features), clear is held at 1 and trine_lifecycle in the state in which clear
is 1. Values that follow from this are computed; everything else is arbitrary: any state, any inputs. Each flip-flop
that rst_ni resets must then take its reset value at the next edge, or be listed below with the reason why it need
not, which is proven, too (reset_reasons.py). Some reasons are assertions that prove.py proves by induction: this
script only checks that they exist. A line of the list that matches no flip-flop is an error. Exit code 1 if a
flip-flop meets neither condition or a reason does not hold, 2 if a tool is missing.
"""
import argparse
import pathlib
import re
import shutil
import sys
import tempfile

from netlist import Netlist, elaborate
from reset_reasons import (CLEARS, CSR, IDLE, LIFE, READ, STARTS, STOP, WRITE, asserted, before, both, comes_again, differing,
                           drivers, empty, facts_proven, first_job_is_first, forgotten, goes_round, holds, of_bit, proven,
                           proven_of_others, refuses, reported, runs_out, settles, takes_reset, unread)

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARAMETERS = {"Rows": "1", "Cols": "4", "Ternary": "1'b1", "Binary": "1'b1", "DmemWords": "1024", "PmemRows": "16", "Ecc": "1'b1", "ImemWords": "128",
              "ParamChannels": "16", "Softmax": "1'b1", "Window": "1'b1", "ZeroPoints": "1'b1", "AxiDataBits": "32",
              "PipeRows": "1", "PipeCols": "2"}
POST, LANE = "u_results.u_post.", r"u_lanes\.gen_row\[\d+\]\.gen_lane\[\d+\]\.u_lane\."
IMEM, SCRUB = "u_dma.u_bus_read.gen_imem.u_imem.", "u_param_memories.u_scrub."
FIRST_LANE = POST + "u_lanes.gen_row[0].gen_lane[0].u_lane."
JOBS = "u_matmul.u_compute.u_jobs."
PARAMS = "u_param_memories.u_params."
NO_JOB = ({POST + "c_valid_i": 0}, {POST + "u_drain.c_same": 0})  # one of two cases, after a clear
MOST_LINES = 8  # of one reason
NO_WRITE = {CSR + "write_q": 0}


def below(instance, names):
    """Returns a pattern of names below an instance."""
    return re.escape(instance) + names


# Names; the reason; its proof.
EXCEPTIONS = (
    (below(CSR, "(program|program_words|base|first|last|watchdog|progress|cycles_limit|irq_enable)_q"),
     "the driver's: nothing but its writes changes them", drivers),
    (below(LIFE, "(cause|done)_q"), "how the last program ended: nothing depends on it once the driver starts the next one",
     holds(forgotten, {CSR + "start": 1, LIFE + "clear_q": 0}, {CSR + "reset_bit": 0, CSR + "scrub_bit": 0, LIFE + "state_q": IDLE})),
    (below(LIFE, "irq_status_q"), "how programs ended: only the driver is told", reported),
    (below(LIFE, "(state|reset|reported|dirty)_q") + "|" + below(CSR, "bus_was_reset_q"),
     "cleared, unless the driver writes in this very cycle: a soft reset comes round again",
     both(holds(takes_reset, NO_WRITE), comes_again)),
    (below(CSR, "(write|read|bvalid|rvalid)_q"), "an access under way is answered, in each state of the machine",
     holds(proven, "trine_csr_props", "write_ready", "write_first", "write_answer", "read_ready", "read_bound", "read_answer")),
    (below(CSR, r"u_counters\.(count|fresh|words|gen_counters\[\d+\]\.low)_q"),
     "readable after the program: 16 cycles after a start nothing depends on them",
     holds(forgotten, STARTS, cycles=16, turns=below(CSR, r"u_counters\.(index|ring|added_index)_q"))),
    (below(CSR, r"u_counters\.(index|ring|added_index)_q"), "goes round for ever", goes_round),
    (below(CSR, r"u_cycles_limit\.exceeded_q"), "cleared: no program ran in the cycle before", empty),
    (below(READ, r"(ar_valid|used|gen_count\[\d\]\.count|gen_join\.half)_q"), "empty: clear waits for drained_i", empty),
    (below(READ, r"gen_join\.error_q"), "of a low half: nothing depends on it without one, nor as one comes",
     both(*(of_bit(i, holds(unread, {READ + f"gen_join.half_q[{i}]": 0}, {READ + "take": 1, READ + "m_axi_rid_i": i}, [READ + "m_axi_rid_i"]))
            for i in (0, 1)))),
    (below(READ, r"ar_id_q"), "whose turn it is: both are right",
     holds(proven, "trine_axi_read_props", "last", "turns", "progress")),
    (below(READ, r"(read|write)_q"), "places of an empty buffer: any is right, if both are the same",
     holds(proven, "trine_axi_read_props", "write", "used", "order", "value")),
    (below(WRITE, r"(aw_valid|count|open|next|waits)_q"), "empty: clear waits for drained_i", empty),
    (below(WRITE, r"drop_q"), "1 without a program, also after rst_ni", settles),
    (below(WRITE, r"u_addrs\.(head|tail)_q"), "places of an empty buffer: any is right, if both are the same",
     holds(proven, "trine_axi_write_props", "addrs", "count", "where")),
    (r"u_control\.u_watchdogs\.u_bus\.(count|expired)_q", "the bus owes nothing: clear waits for drained_i", empty),
    (r"u_control\.u_watchdogs\.activity_q", "the cycle before: nothing depends on it without a program, nor as one starts",
     both(holds(forgotten, {LIFE + "state_q": IDLE}), holds(forgotten, {LIFE + "state_q": STOP}))),
    (r"u_memory_state\.gen_ecc\.u_ecc\.[dp]mem_(count|corrected)_q", "readable after the program; a start forgets them",
     holds(forgotten, STARTS)),
    (below(IMEM, r"gen_code\.(count|corrected)_q"), "readable after the program; a start forgets them", holds(forgotten, STARTS)),
    (below(IMEM, "kept_q"), "beats of a program that ended well are kept; of another one, or after a soft reset, none",
     both(holds(proven, "trine_imem_props", "kept", "value", "stored", "inside"), holds(proven_of_others, "trine_csr_props", "forget", "drop"))),
    (below(IMEM, "wiping_q"), "zeros are written: no program is started meanwhile", refuses),
    (below(SCRUB, "busy_q"), "zeros are written: no program is started meanwhile", refuses),
    (below(SCRUB, "row_q"), "nothing depends on it while no zeros are written, nor as they begin",
     holds(unread, {SCRUB + "busy_q": 0}, {SCRUB + "wipe_i": 1})),
    (r"u_matmul\.u_matrix\.(u_array\..*\.(u_words|u_word)|gen_zero_points\.u_zero_points)\.valid_q",
     "a pipe without feedback: empty before the first step of a program can come",
     holds(before, "u_matmul.u_matrix.valid")),
    (below(POST, r"(u_arb\.(drop_left|inflight|softmax)|u_params\.(entered|value_params)|u_grant\.locked|u_lanes\.(chained|counted|lane|threshold|whole)"
                 rf"|{LANE}(operand_valid|product|scaled_valid|twice|valid))_q"),
     "the lanes know no clear: when drop_left_q has come to 0 they are empty, and nothing enters before",
     both(holds(first_job_is_first, JOBS + "start_i", JOBS + "take", POST + "c_valid_i", JOBS + "run_first_o"),
          holds(runs_out, (POST + "code_valid", JOBS + "take"), NO_JOB, counter=POST + "u_arb.drop_left_q"))),
    (below(POST, r"u_lanes\.gen_lookup\.u_lookup\.found_q"), "a code later than the others, of one operation: they are empty soon enough for it, too",
     both(holds(asserted, "trine_post_lane", "m_one_operation"),
          *(holds(runs_out, (POST + "code_valid", JOBS + "take"), [job | {FIRST_LANE + wire: 0} for job in NO_JOB])
            for wire in ("square", "again_q")))),
    (below(POST, r"u_arb\.phase_q"), "goes round for ever, as the lanes do", goes_round),
    (below(POST, r"u_params\.ready_q"), "nothing depends on it without a job, nor as one is taken",
     holds(unread, {POST + "u_drain.left_q": 0}, {POST + "job_taken": 1}, [POST + "u_params.entered_q", POST + "u_params.c_job_taken_i"])),
    (below(PARAMS, r"u_skid\.held_q"), "a write waits behind a read: it goes out as no reads come",
     holds(runs_out, (POST + "code_valid", JOBS + "take"),
           [job | {PARAMS + "write": write, PARAMS + "we_bias": bias, PARAMS + "we_scale": scale}
            for job in NO_JOB for write in (0, 1) for bias in (0, 1) for scale in (0, 1)])),
    (below(PARAMS, r"gen_bank\[\d+\]\.(bias|scale)_valid_q"), "the row that was read last is the memory's: either is right",
     holds(proven, "trine_params_props", "bias_there", "scale_there", "bias", "scale")),
    (below(POST, r"u_pack\.u_writeback_queue\.side_q"), "either side is right: a tile's addresses go to the other one",
     holds(proven, "trine_writeback_queue_props", "front", "older", "passes", "leaves")),
    (r"u_matmul\.u_matrix\.gen_zero_points\.u_zero_points\.(tile|sums)_q", "no sums are left where it says so: either is right",
     holds(proven, "trine_zero_points_props", "none", "nothing_yet", "sums", "ends")),
)


def reason_of(name):
    return next((reason for reason in EXCEPTIONS if re.fullmatch(reason[0], re.sub(r"\[\d+\]$", "", name))), None)


def prove_reasons(core, other):
    """Returns the errors of the flip-flops that do not take their reset values, as lines."""
    without = dict.fromkeys(re.sub(r"\[\d+\]$", "", name) for name in other if reason_of(name) is None)
    wrong = [f"{name}: not what reset makes it" for name in without]
    for reason in EXCEPTIONS:
        names = [name for name in other if reason_of(name) is reason]
        if names:
            lines = list(dict.fromkeys(re.sub(r"\[\d+\](?=:? )", "", line) for line in reason[2](core, names)))  # once each
            wrong += [f"{line} ({reason[1]})" for line in lines[:MOST_LINES]]
            wrong += [f"and {len(lines) - MOST_LINES} more ({reason[1]})"] if len(lines) > MOST_LINES else []
        else:
            wrong.append(f"{reason[0]}: names no flip-flop that differs")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rtl", type=pathlib.Path, default=ROOT / "rtl", help="folder of the modules")
    parser.add_argument("--list", action="store_true", help="also print the flip-flops and their reasons")
    options = parser.parse_args()
    if not shutil.which("yosys"):
        print("reset.py: yosys is missing (Debian: yosys)", file=sys.stderr)
        sys.exit(2)
    with tempfile.TemporaryDirectory() as folder:
        core = Netlist(elaborate(options.rtl.resolve(), PARAMETERS, folder))
    names = [name for name, flop in core.flops.items() if flop.reset is not None]
    other = [line.rsplit(":", 1)[0] for line in differing(core, names, core.simulate(core.assign(CLEARS)))]
    wrong = facts_proven(core) + prove_reasons(core, other)
    if options.list:
        print("\n".join(f"{name}: {(reason_of(name) or ('', 'none'))[1]}" for name in other))
    print("".join(line + "\n" for line in wrong), end="")
    print(f"{len(names)} flip-flops with a reset, {len(names) - len(other)} after a soft reset as after rst_ni, "
          f"{len(other)} for the {len(EXCEPTIONS)} reasons of the list, {len(wrong)} wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
