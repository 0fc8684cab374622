# SPDX-License-Identifier: Apache-2.0
"""Proves why a flip-flop may differ after a soft reset from its value after rst_ni: the kinds of reasons, each with its proof.

A reason is a function of the core (netlist.Netlist) and of the names of flip-flops. It returns its errors: none if it
holds for all of them in any state and for any inputs, unless it states otherwise.
"""
import functools
import itertools
import re

import prove
from netlist import UNKNOWN, number

LIFE, CSR = "u_control.u_csr.u_life.", "u_control.u_csr."
IDLE, RUN, STOP, CLEAR = range(4)                                # trine_lifecycle's states
CLEARS = {LIFE + "clear_q": 1, LIFE + "state_q": CLEAR}          # a_clear of trine_csr_props
STARTS = {LIFE + "start_q": 1, LIFE + "state_q": RUN, LIFE + "clear_q": 0}  # a_starts, a_clear
READS = re.compile(r"u_control\.u_csr\.(rdata|counter_high)_q\[\d+\]|irq_o")  # read by the driver


def differing(core, names, values):
    return [f"{name}: not its reset value" for name in names if values[core.flops[name].takes] != core.flops[name].reset]


def impossible(core, assigned):
    """Returns true if the assignment agrees with no state and no input."""
    return core.simulate(assigned) is None


def all_values(bits):
    return [dict(zip(bits, values)) for values in itertools.product((0, 1), repeat=len(bits))]


def contraries(bits, value):
    """Returns assignments that together cover all other values: all other values of a state, a differing bit of a
    longer number."""
    if len(bits) <= 2:
        return [other for other in all_values(bits) if any(other[bit] != value >> i & 1 for i, bit in enumerate(bits))]
    return [{bit: 1 - (value >> i & 1)} for i, bit in enumerate(bits)]


def implied(core, event, facts, cases=()):
    """Returns the facts that do not follow, each given those before it: a fact follows if its contraries agree with
    no state.

    `cases`: wires whose values are tried if the known values do not decide.
    """
    wrong, known = [], dict(event)
    for wire, value in facts.items():
        if not all(impossible(core, known | contrary | case) for contrary in contraries(core.bits(wire), value)
                   for case in all_values([bit for name in cases for bit in core.bits(name)])):
            wrong.append(f"{wire} need not be {value}")
        known |= core.assign({wire: value})
    return wrong


def takes_reset(core, names, given=None):
    """Proves that clear resets them, if `given` also holds in the cycle of clear."""
    return differing(core, names, core.simulate(core.assign(CLEARS | (given or {}))))


def comes_again(core, _):
    """Proves that a soft reset in the cycle of clear leads to stop, and so to the next clear."""
    values, state = core.simulate(core.assign(CLEARS | {LIFE + "soft_reset_i": 1})), matching(core, re.escape(LIFE) + "state_q")
    takes = [core.flops[name].takes for name in sorted(state)]
    return [] if number(takes, values) == STOP else ["a soft reset is lost"]


# ---------------------------------------------------------------------------------------------------------------
# Empty: clear follows only after stop, when drained_i states that the bus owes nothing.
# ---------------------------------------------------------------------------------------------------------------
READ, WRITE = "u_dma.u_bus_read.u_read.", "u_dma.u_bus_write.u_write."
DRAINED = {LIFE + "state_q": STOP, READ + "ar_valid_q": 0, READ + "used_q": 0, READ + "gen_count[0].count_q": 0,
           READ + "gen_count[1].count_q": 0, WRITE + "count_q": 0}      # these follow from the next value of clear_q,
EMPTY = {READ + "gen_join.half_q": 0, WRITE + "aw_valid_q": 0, WRITE + "open_q": 0, WRITE + "next_q": 0,
         WRITE + "waits_q": 0}                                          # and these from them: a_empty of the masters' proofs


@functools.lru_cache
def drained(core):
    """Returns all values in the cycle of clear, after one of stop in which clear_q is about to become 1."""
    rises = {core.flops[LIFE + "clear_q[0]"].takes: 1}
    before = core.simulate(rises | core.assign(DRAINED | EMPTY))
    return core.simulate(core.next(before))


def empty(core, names):
    return differing(core, names, drained(core))


def clear_waits(core):
    """Returns the conditions that clear does not wait for; conditions that do not follow from gates are proven
    elsewhere."""
    rises = {core.flops[LIFE + "clear_q[0]"].takes: 1}
    wrong = [f"clear does not wait: {line}"
             for line in implied(core, rises, DRAINED, [LIFE + "soft_reset_i", LIFE + "error", LIFE + "done_i"])]
    wrong += proven(core, (), "trine_axi_read_props", "empty") + proven(core, (), "trine_axi_write_props", "empty")
    values = core.simulate(core.assign({CSR + "bus_was_reset_q": 1}))  # empties the masters, too
    return wrong + [f"{flop}: not 0 behind a reset of the bus" for wire in (DRAINED | EMPTY) if wire.startswith((READ, WRITE))
                    for flop in matching(core, re.escape(wire)) if "used_q" not in flop and values[core.flops[flop].takes] != 0]


def settles(core, names):
    """Proves that its next value in the cycle of clear equals that in the first cycle after rst_ni."""
    first = core.simulate({flop.bit: flop.reset for flop in core.flops.values() if flop.reset is not None})
    pairs = [(name, drained(core)[core.flops[name].takes], first[core.flops[name].takes]) for name in names]
    return [f"{name}: not as in the first cycle after reset" for name, here, there in pairs if here == UNKNOWN or here != there]


# ---------------------------------------------------------------------------------------------------------------
# Flip-flops that only the driver uses, or that are not read.
# ---------------------------------------------------------------------------------------------------------------
def depending(core, names, values):
    """Returns everything that depends on them, except for themselves and the driver's reads."""
    ends = core.reached([core.flops[name].bit for name in names], values) - set(names)
    return [f"{end} depends on {names[0]}" for end in sorted(ends) if not READS.fullmatch(end)]


def drivers(core, names):
    """Proves that only a write of the driver changes them: without one, each keeps its value."""
    values = core.simulate(core.assign({CSR + "write_q": 0}))
    return [f"{name}: changes without a write" for name in names
            if core.source(core.flops[name].takes, values) != core.flops[name].bit]


def reported(core, names):
    """Proves that only the driver reads them."""
    return depending(core, names, core.simulate({}))


def deciding(core, names, facts):
    """Returns facts about wires that depend on the flip-flops themselves: such facts prove nothing about these."""
    state = core.assign({wire: value for wire, value in facts.items() if core.bits(wire)[0] not in core.driver})
    own, values = {core.flops[name].bit for name in names}, core.simulate(state)
    return [f"{wire} depends on {names[0]}" for wire in facts if own & core.sources(core.bits(wire), values) - set(state)]


def unread(core, names, given, ends, cases=()):
    """Proves that nothing depends on them as long as `given` holds, nor in the cycle in which that ends, which `ends`
    mark."""
    wrong = deciding(core, names, given | ends)
    for case in all_values([bit for name in cases for bit in core.bits(name)]):
        values = core.simulate(core.assign(given) | case)
        wrong += depending(core, names, values) if values else []
    for wire, value in given.items():
        takes = [flop.takes for bit in core.bits(wire) for flop in core.flops.values() if flop.bit == bit]
        for contrary in contraries(takes, value):
            wrong += implied(core, core.assign(given) | contrary, ends)
    return wrong + forgotten(core, names, given | ends, cases=cases)


def forgotten(core, names, event, follows=None, cycles=1, turns=None, cases=()):
    """Proves that `cycles` cycles after the event nothing depends on them, whatever the values of the wires `cases`
    and of the rotating flip-flops `turns`."""
    facts = event | (follows or {})
    wrong = implied(core, core.assign(event), follows or {}) + deciding(core, names, facts)
    each = orbit(core, matching(core, turns)) if turns else all_values([bit for name in cases for bit in core.bits(name)])
    for values in filter(None, (core.simulate(case | core.assign(facts)) for case in each)):
        left = set(names)
        for _ in range(cycles):
            ends = {end for end in core.reached([core.flops[name].bit for name in left], values) if not READS.fullmatch(end)}
            left = ends & core.flops.keys()
            wrong += [f"{end}: depends on {names[0]}" for end in ends - left]
            values = core.simulate(core.next(values))
        wrong += [f"{name}: depends on {names[0]} {cycles} cycles later" for name in left]
    return sorted(set(wrong))


def refuses(core, names):
    """Proves that no program starts while one of them is 1."""
    start = core.assign({CSR + "start": 1})
    return [f"{name}: a program may start" for name in names if not impossible(core, start | {core.flops[name].bit: 1})]


# ---------------------------------------------------------------------------------------------------------------
# Rotates: the value depends only on itself, so waiting after rst_ni produces each value that it can have.
# ---------------------------------------------------------------------------------------------------------------
def matching(core, pattern):
    return [name for name in core.flops if re.fullmatch(pattern + r"\[\d+\]", name)]


def orbit(core, names):
    """Returns all values, beginning with the one after rst_ni."""
    state, seen = {core.flops[name].bit: core.flops[name].reset for name in names}, []
    while state not in seen and UNKNOWN not in state.values():
        seen.append(state)
        values = core.simulate(state)
        state = {core.flops[name].bit: values[core.flops[name].takes] for name in names}
    return seen if state in seen else []


def goes_round(core, names):
    own, takes = {core.flops[name].bit for name in names}, [core.flops[name].takes for name in names]
    wrong = [f"{names[0]} depends on {core.named.get(bit, bit)}" for bit in core.sources(takes, core.simulate({})) - own]
    return wrong + ([] if orbit(core, names) else [f"{names[0]} does not go round"])


# ---------------------------------------------------------------------------------------------------------------
# Runs empty: from the cycle of clear on, whatever the driver and the bus do.
# ---------------------------------------------------------------------------------------------------------------
LONGEST = 64                      # cycles
NO_CLEAR = {LIFE + "clear_q": 0}  # since the last one


def differing_now(core, names, state):
    return [f"{name}: not its reset value" for name in names if state.get(core.flops[name].bit) != core.flops[name].reset]


def after(core, state, *cases):
    """Returns the known values of the flip-flops after a cycle in one of these cases; impossible cases are ignored."""
    ends = [core.next(values) for values in (core.simulate(state | core.assign(case)) for case in cases) if values]
    return {bit: value for bit, value in ends[0].items() if all(end.get(bit) == value for end in ends)} if ends else None


def always(core, state, *cases):
    """Returns the values that are still known after any number of cycles, each in one of these cases."""
    while True:
        end = after(core, state, *cases)
        kept = {bit: value for bit, value in state.items() if end is None or end.get(bit) == value}
        if kept == state:
            return state
        state = kept


def before(core, names, entry):
    """Proves that all have their reset values in a cycle in which nothing can have entered since clear, and that no
    control has read them before."""
    state, seen = after(core, {}, CLEARS), set(names)
    for cycle in range(1, LONGEST):
        wrong, values = differing_now(core, names, state), core.simulate(state)
        if not wrong:
            return [f"{name}: depends on {names[0]}" for name in sorted(seen - set(names))
                    if name not in core.flops or core.flops[name].reset is not None]
        if values[core.bits(entry)[0]] != 0:
            return wrong + [f"{entry} may be 1 in cycle {cycle}"]
        seen |= core.reached([core.flops[name].bit for name in seen if name in core.flops], values)
        state = core.next(values)
    return wrong


def runs_out(core, names, silent, cases, counter=None):
    """Proves that all have their reset values soon after the counter, which clear sets, has reached 0; until then the
    wires `silent` are 0.

    Each cycle is in one of the cases.
    """
    moves = [NO_CLEAR | case for case in cases]
    state = after(core, {}, CLEARS)
    for _ in range(LONGEST):
        wrong = differing_now(core, names, state)
        if not wrong if counter is None else all(state.get(bit) == 0 for bit in core.bits(counter)):
            return wrong
        possible = [values for values in (core.simulate(state | core.assign(case)) for case in moves) if values]
        loud = [wire for wire in silent if any(values[core.bits(wire)[0]] != 0 for values in possible)]
        if loud:
            return [f"{wire} may be 1 before {counter or names[0]} is 0" for wire in loud]
        state = after(core, state, *moves)
    return [f"{counter or names[0]} does not come to 0"]


def first_job_is_first(core, names, start, take, offered, first):
    """Proves that the first job after a clear is marked as such: none is offered before a start, and from then on the
    mark stays until a job is taken."""
    idle = always(core, after(core, {}, CLEARS), NO_CLEAR | {start: 0})
    begun = always(core, after(core, idle, NO_CLEAR | {start: 1}), NO_CLEAR | {take: 0})
    return [f"{wire} is not {value} yet" for state, wire, value in ((idle, offered, 0), (begun, first, 1))
            if core.simulate(state)[core.bits(wire)[0]] != value]


# ---------------------------------------------------------------------------------------------------------------
# Proven elsewhere: by an induction of prove.py, which holds in each state.
# ---------------------------------------------------------------------------------------------------------------
def proven(core, names, top, *labels):
    """Requires assertions of a proof around the module of these flip-flops, or around a parent."""
    module = top.removesuffix("_props")
    proofs = [p for p in prove.proofs() if p.top == top and module in p.rtl and p.induction]
    text = (prove.ROOT / "tb" / "formal" / f"{top}.sv").read_text()
    return ([] if proofs else [f"no induction of {top} in prove.py"]) + \
        [f"{name} is not in {module}" for name in names if module not in core.modules(name)] + \
        [f"{top}: no a_{label}" for label in labels if not re.search(rf"\ba_{label}: +assert\b", text)]


def proven_of_others(core, _, top, *labels):
    return proven(core, (), top, *labels)


def asserted(core, _, module, label):
    """Requires a contract of a module that the simulations of the whole core check, because no proof covers it."""
    path = next((prove.ROOT / "rtl").rglob(f"{module}.sv"))
    return [] if re.search(rf"\b{label}: +ass(ume|ert)\b", path.read_text()) else [f"{module}: no {label}"]


def facts_proven(core):
    """Returns the errors in the facts that the reasons assume: CLEARS, STARTS, DRAINED, EMPTY."""
    return proven(core, (), "trine_csr_props", "clear", "starts") + clear_waits(core)


def holds(reason, *more, **given):
    """Returns the reason with its further arguments."""
    return lambda core, names: reason(core, names, *more, **given)


def of_bit(i, reason):
    return lambda core, names: reason(core, [name for name in names if name.endswith(f"[{i}]")])


def both(*reasons):
    return lambda core, names: [line for reason in reasons for line in reason(core, names)]
