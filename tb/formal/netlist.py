# SPDX-License-Identifier: Apache-2.0
"""Represents the flattened core as gates, and computes which values are known: three-valued simulation and dependence.

A value is 0, 1 or UNKNOWN. Only assigned values are known; everything else is arbitrary: any state, any inputs. A
gate's output is known if its known inputs decide it, so a known value holds in each state and for each input that
agree with the assignment.
"""
import collections
import json
import pathlib
import re
import subprocess
import sys

UNKNOWN = 2
GATES = "not and or xor xnor reduce_and reduce_or reduce_bool reduce_xor reduce_xnor logic_not logic_and logic_or eq ne mux"

# A flip-flop's bit: its number, its next value, its value after rst_ni (None: no reset).
Flop = collections.namedtuple("Flop", "bit takes reset")


def elaborate(rtl, parameters, folder):
    """Elaborates trine_machine with one core, flattened, as gates except for arithmetic, to Yosys' JSON. Names start
    at the core."""
    sources = sorted(rtl.rglob("*_pkg.sv")) + sorted(p for p in rtl.rglob("trine_*.sv") if not p.stem.endswith(("_pkg", "_tb")))
    values = " ".join(f"-set {key} {value}" for key, value in parameters.items())
    types = " ".join(f"t:${gate}" for gate in GATES.split())
    script = (f"read_verilog -sv {' '.join(map(str, sources))}; chparam {values} trine_machine; hierarchy -check -top trine_machine; proc -noopt; "
              f"flatten; opt_expr; opt_muxtree; opt_clean; pmuxtree; techmap t:$sh*; simplemap {types}; opt_expr; opt_clean; write_json core.json")
    done = subprocess.run(["yosys", "-q", "-p", script], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit("reset.py: yosys: " + re.sub("(?m)^Warning:.*", "", done.stdout).strip())
    modules = json.loads((pathlib.Path(folder) / "core.json").read_text())["modules"]
    top = next(m for m in modules.values() if m["attributes"].get("top"))
    top["netnames"] = {name.replace("gen_core[0].u_core.", ""): net for name, net in top["netnames"].items()}
    return top


def number(bits, values):
    """Returns the number that the bits represent, LSB first, or None if one is unknown."""
    known = [values[bit] for bit in bits]
    return None if UNKNOWN in known else sum(value << i for i, value in enumerate(known))


def gate_and(v, a, b, _):
    return 0 if v[a] == 0 or v[b] == 0 else v[a] & v[b] if UNKNOWN not in (v[a], v[b]) else UNKNOWN


def gate_or(v, a, b, _):
    return 1 if v[a] == 1 or v[b] == 1 else v[a] | v[b] if UNKNOWN not in (v[a], v[b]) else UNKNOWN


def gate_xor(v, a, b, _):
    return v[a] ^ v[b] if UNKNOWN not in (v[a], v[b]) else UNKNOWN


def gate_not(v, a, _, __):
    return 1 - v[a] if v[a] != UNKNOWN else UNKNOWN


def gate_mux(v, a, b, s):
    return v[a] if v[s] == 0 or v[a] == v[b] else v[b] if v[s] == 1 else UNKNOWN


SIMPLE = {"$_AND_": gate_and, "$_OR_": gate_or, "$_XOR_": gate_xor, "$_NOT_": gate_not, "$_MUX_": gate_mux}
ARITHMETIC = {"$add": lambda a, b: a + b, "$sub": lambda a, b: a - b, "$neg": lambda a, b: -a, "$lt": lambda a, b: a < b,
              "$le": lambda a, b: a <= b, "$gt": lambda a, b: a > b, "$ge": lambda a, b: a >= b, "$eqx": lambda a, b: a == b}


class Netlist:
    """Bits are numbers; the last three are the constants 0, 1 and any."""

    def __init__(self, core):
        self.nets = core["netnames"]
        top = max(bit for net in self.nets.values() for bit in net["bits"] if isinstance(bit, int))
        self.constants = {"0": top + 1, "1": top + 2, "x": top + 3, "z": top + 3}
        self.start = [UNKNOWN] * (top + 4)
        self.start[top + 1], self.start[top + 2] = 0, 1
        self.gates = []                             # type, inputs, outputs, function
        self.users = collections.defaultdict(list)  # by bit: indices of gates that read it
        self.driver = {}                            # by bit: index of the gate that drives it
        self.flops = {}                             # by name
        self.sinks = collections.defaultdict(set)   # by bit: names of the ports and memories that it reaches
        self.named = self.names()
        for cell in core["cells"].values():
            self.add(cell["type"], cell["connections"], cell["parameters"])
        for name, port in core["ports"].items():
            if port["direction"] == "output":
                for bit in port["bits"]:
                    self.sinks[self.place(bit)].add(name)
        self.taken = collections.defaultdict(list)  # by bit: names of the flip-flops that store it
        for name, flop in self.flops.items():
            self.taken[flop.takes].append(name)
        self.settle(self.start, range(len(self.gates)))

    def place(self, bit):
        return bit if isinstance(bit, int) else self.constants[bit]

    def bits(self, name):
        """Returns the bits of a wire; a single one if the name ends with its index."""
        if name in self.nets:
            return [self.place(bit) for bit in self.nets[name]["bits"]]
        wire, index = re.fullmatch(r"(.*)\[(\d+)\]", name).groups() if name.endswith("]") else (name, None)
        if wire not in self.nets:
            sys.exit(f"reset.py: the core has no {name}")
        return [self.bits(wire)[int(index)]]

    def names(self):
        """Returns a name for each bit: a register's if there is one, else a wire's."""
        names = {}
        for rank in (lambda name: name.startswith("$"), lambda name: name[0] != "$" and not name.endswith("_q"),
                     lambda name: name[0] != "$" and name.endswith("_q")):
            names |= {bit: f"{name}[{i}]" for name, net in self.nets.items() if rank(name) for i, bit in enumerate(net["bits"])}
        return names

    def add(self, kind, pins, parameters):
        places = {pin: [self.place(bit) for bit in bits] for pin, bits in pins.items()}
        if kind in ("$dff", "$adff"):
            resets = [int(value) for value in parameters["ARST_VALUE"][::-1]] if kind == "$adff" else [None] * len(places["Q"])
            for bit, takes, reset in zip(places["Q"], places["D"], resets):
                self.flops[self.named[bit]] = Flop(bit, takes, reset)
            return
        if "ff" in kind or "latch" in kind:
            sys.exit(f"reset.py: {kind} is not known here")
        if kind.startswith("$memwr"):
            for bit in places["EN"] + places["ADDR"] + places["DATA"]:
                self.sinks[bit].add("memory " + parameters["MEMID"].lstrip("\\"))
            return
        outputs = places.get("Y") or places["DATA"]
        inputs = [places[pin][0] for pin in "ABS" if pin in places] if kind in SIMPLE else \
            [bit for pin, bits in places.items() if bits is not outputs for bit in bits]
        self.gates.append((kind, inputs, outputs, self.function(kind, places, parameters)))
        for bit in set(inputs):
            self.users[bit].append(len(self.gates) - 1)
        for bit in outputs:
            self.driver[bit] = len(self.gates) - 1

    @staticmethod
    def function(kind, places, parameters):
        """Returns the function from all values to the outputs' values; the outputs of memories and multipliers are
        never known."""
        if kind in SIMPLE:
            pins = [places[pin][0] for pin in "ABS" if pin in places]
            a, b, s = pins + pins[:1] * (3 - len(pins))
            return lambda values, simple=SIMPLE[kind]: (simple(values, a, b, s),)
        if kind not in ARITHMETIC:
            return None
        left, right, width = places["A"], places.get("B", []), len(places["Y"])
        signed = int(parameters["A_SIGNED"], 2)

        def integer(bits, values):
            plain = number(bits, values)
            return plain if plain is None or not (signed and bits and values[bits[-1]]) else plain - (1 << len(bits))

        def compute(values):
            a, b = integer(left, values), integer(right, values)
            if a is None or b is None:
                return (UNKNOWN,) * width
            result = int(ARITHMETIC[kind](a, b))
            return tuple(result >> i & 1 for i in range(width))
        return compute

    def settle(self, values, waiting):
        """Evaluates gates, and then the gates that read newly known bits: each bit at most once. Returns False if
        gates contradict assigned values."""
        waiting, agree = list(waiting), True
        while waiting:
            _, _, outputs, compute = self.gates[waiting.pop()]
            if compute is None:
                continue
            for bit, value in zip(outputs, compute(values)):
                if value == UNKNOWN:
                    continue
                if values[bit] == UNKNOWN:
                    values[bit] = value
                    waiting += self.users[bit]
                elif values[bit] != value:
                    agree = False
        return agree

    def simulate(self, assigned):
        """Returns all values, given the values of some bits; None if no state and no input agree with them."""
        values, waiting = self.start.copy(), []
        for bit, value in assigned.items():
            if values[bit] not in (UNKNOWN, value):
                return None
            values[bit] = value
            waiting += self.users[bit]
            if bit in self.driver:
                waiting.append(self.driver[bit])
        return values if self.settle(values, waiting) else None

    def assign(self, facts):
        """Returns the bits of wires: {wire: number}."""
        return {bit: value >> i & 1 for wire, value in facts.items() for i, bit in enumerate(self.bits(wire))}

    def modules(self, name):
        """Returns the modules of a flip-flop and its parents, from the names of their files."""
        source = self.nets[re.sub(r"\[\d+\]$", "", name)]["attributes"]["src"]
        return {pathlib.Path(place.split(":")[0]).stem for place in source.split("|")}

    def next(self, values):
        """Returns the flip-flops after the edge, as far as they are known."""
        return {flop.bit: values[flop.takes] for flop in self.flops.values() if values[flop.takes] != UNKNOWN}

    def source(self, bit, values):
        """Returns the source of a bit, through multiplexers whose selection is known."""
        while bit in self.driver:
            kind, inputs, _, _ = self.gates[self.driver[bit]]
            if kind != "$_MUX_" or values[inputs[2]] == UNKNOWN:
                break
            bit = inputs[values[inputs[2]]]
        return bit

    def reached(self, bits, values):
        """Returns the names of the flip-flops, ports and memories whose next value may depend on these bits."""
        seen, waiting, ends = set(), list(bits), set()
        while waiting:
            bit = waiting.pop()
            if bit in seen:
                continue
            seen.add(bit)
            ends.update(self.taken[bit], self.sinks[bit])
            for gate in self.users[bit]:
                kind, inputs, outputs, _ = self.gates[gate]
                if kind == "$_MUX_" and values[inputs[2]] != UNKNOWN and inputs[values[inputs[2]]] != bit and inputs[2] != bit:
                    continue
                waiting += [out for out in outputs if values[out] == UNKNOWN]
        return ends

    def sources(self, bits, values):
        """Returns the flip-flops and inputs, as bits, on which these bits may depend."""
        seen, waiting, ends = set(), list(bits), set()
        while waiting:
            bit = self.source(waiting.pop(), values)
            if bit in seen or values[bit] != UNKNOWN:
                continue
            seen.add(bit)
            if bit in self.driver:
                waiting += self.gates[self.driver[bit]][1]
            else:
                ends.add(bit)
        return ends
