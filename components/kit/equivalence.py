#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves that a changed design behaves like the unchanged one at its pins.

Each design is one flat netlist of gates, with the memories (trine_sram) outside: inputs of a memory are outputs of
the netlist, and outputs of a memory are inputs. Registers of the same name start with the same, arbitrary value; the
reset is active in the first cycle and may be active in any other cycle. A register whose next value may differ gets a
copy in the changed design, and so does everything that depends on it. The two designs are equal if no output and no
shared register ever differs, which is proven by structure, or by ABC's induction and property directed reachability,
within a time limit. Designs without a proof count as different.

usage: equivalence.py PLAIN CHANGED [SECONDS]      folders with a design.v of run.py's build()
"""
import pathlib
import pickle
import re
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from kit_description import DATA  # noqa: E402

MEMORY = "trine_sram"
RESET = "aresetn"
MOST_OWN = 500  # registers with a copy: with more, the change affects the whole design
BOXES = f"read_verilog design.v; hierarchy -top {DATA['top']}; blackbox *; write_rtlil boxes.il"
# Synthesizes each module separately.
GATES = ("proc; memory_map; opt_expr; opt_clean; dffunmap; alumacc; techmap; simplemap; dffunmap; setundef -zero; "
         "opt_expr; aigmap; setundef -undriven -zero; opt_clean; setattr -mod -unset top =*; write_blif gates.blif")


class Gates:
    """A module: the driver of each net. Registers have all names of their output."""

    def __init__(self, lines):
        self.name = lines[0].split()[1].lstrip("\\")
        self.inputs, self.outputs, self.ands, self.wires, self.next_of, self.reset_of, self.inside = set(), [], {}, {"$false": ("$false", 0)}, {}, {}, {}
        rows = iter([*lines[1:], ""])
        row = next(rows, None)
        while row is not None:
            words = row.split()
            row = next(rows, None)
            if not words:
                continue
            if words[0] == ".inputs":
                self.inputs.update(words[1:])
            elif words[0] == ".outputs":
                self.outputs = words[1:]
            elif words[0] == ".latch":
                self.next_of[words[2]] = words[1]
            elif words[0] == ".subckt" and words[1].startswith("$_DFF_PN"):  # asynchronous reset, to 0 or 1
                pin = dict(word.split("=", 1) for word in words[2:])
                self.next_of[pin["Q"]], self.reset_of[pin["Q"]] = pin["D"], (pin["R"], int(words[1][8]))
            elif words[0] == ".subckt" and words[1].startswith("$"):
                raise ValueError(f"a cell {words[1]}")
            elif words[0] == ".subckt":
                instance = f"{words[1]} {len(self.inside)}"
                self.inside[instance] = words[1].lstrip("\\"), dict(word.split("=", 1) for word in words[2:])
            elif words[0] == ".names":
                table = row.split() if row and not row.startswith(".") else []
                if len(words) == 4:
                    self.ands[words[3]] = words[1:3]
                elif len(words) == 3:
                    self.wires[words[2]] = words[1], int(table[0] == "0")
                else:
                    self.wires[words[1]] = "$false", int(table == ["1"])
        self.aliases = {q: [q] for q in self.next_of}
        for net, (of, inverted) in self.wires.items():
            if of in self.aliases and not inverted:
                self.aliases[of].append(net)


def modules_of(verilog):
    """Returns {name: text}."""
    return {re.match(r"module (\S+?)[ (;]", text)[1].lstrip("\\"): text
            for text in re.findall(r"^module .*?^endmodule$", verilog.read_text(), re.MULTILINE | re.DOTALL)}


def yosys(script, folder):
    (folder / "script.ys").write_text(script.replace("; ", "\n") + "\n")
    done = subprocess.run(["yosys", "-qq", "script.ys"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise ValueError(done.stdout[-300:])


def gates_of(begin, folder):
    """Returns {module: its gates}, except for black boxes."""
    yosys(f"{begin}; {GATES}", folder)
    text = (folder / "gates.blif").read_text().replace("\\\n", " ")
    made = [Gates(model.splitlines()) for model in re.findall(r"^(\.model .*?)^\.end$", text, re.MULTILINE | re.DOTALL) if ".blackbox" not in model]
    return {gates.name: gates for gates in made}


class Design:
    """Elaborates modules on demand, when a signal is requested. Memories are outside."""

    def __init__(self, modules, graph, inputs, state):
        """@param inputs, state  functions that map a name to the signal of an input or a register"""
        self.all, self.graph, self.inputs, self.state = modules, graph, inputs, state
        self.values, self.registers, self.pins = {}, {}, []
        self.modules, self.parents, self.driven = {}, {}, {}
        self.enter("", DATA["top"], None)
        self.pins += [(name, ("", name)) for name in self.all[DATA["top"]].outputs]

    def enter(self, path, module, parent):
        gates = self.modules[path] = self.all[module]
        self.parents[path] = parent
        driven = self.driven[path] = {}  # by net: the instance output that drives it
        for q, d in gates.next_of.items():
            self.registers[self.state(path, gates.aliases[q])] = (path, d, gates.reset_of.get(q))
        for n, (inner, nets) in enumerate(gates.inside.values()):
            below = f"{path}{n}."
            if MEMORY in inner:
                for pin, net in nets.items():
                    if pin.startswith("rdata_o"):
                        driven[net] = None, below + pin
                    else:
                        self.pins.append((below + pin, (path, net)))
                continue
            self.enter(below, inner, (path, nets))
            for pin, net in nets.items():
                if pin in self.outputs_of(inner):
                    driven[net] = below, pin

    def outputs_of(self, module):
        gates = self.all[module]
        if not isinstance(gates.outputs, set):
            gates.outputs = set(gates.outputs)
        return gates.outputs

    def operands(self, path, net):
        """Returns the operands of a net: [(path, net, inverted)], one for a wire, two for an and; or its signal."""
        if net == "$false":
            return None, 0
        gates = self.modules[path]
        if net in gates.ands:
            return [(path, x, 0) for x in gates.ands[net]], None
        if net in gates.wires:
            return [(path, *gates.wires[net])], None
        if net in gates.next_of:
            value = self.state(path, gates.aliases[net], True)
            if net in gates.reset_of:
                value = self.with_reset(path, gates.reset_of[net], value)
            return None, value
        if net in self.driven[path]:
            below, pin = self.driven[path][net]
            return (None, self.inputs(pin)) if below is None else ([(below, pin, 0)], None)
        if net in gates.inputs:
            if self.parents[path] is None:
                return None, self.inputs(net)
            above, nets = self.parents[path]
            return ([(above, nets[net], 0)], None) if net in nets else (None, 0)
        return None, 0  # without a driver

    def value(self, path, net):
        stack, values = [(path, net)], self.values
        while stack:
            key = stack[-1]
            if key in values:
                stack.pop()
                continue
            needed, signal = self.operands(*key)
            if needed is None:
                values[key] = signal
                continue
            waits = [x[:2] for x in needed if x[:2] not in values]
            if waits:
                stack += waits
                if len(stack) > 1_000_000:
                    raise ValueError("a combinational loop")
                continue
            got = [values[x[:2]] ^ x[2] for x in needed]
            values[key] = got[0] if len(got) == 1 else self.graph.both(*got)
        return values[path, net]

    def with_reset(self, path, reset, value):
        net, to = reset
        on = self.value(path, net)
        return self.graph.either(value, on ^ 1) if to else self.graph.both(value, on)

    def next_values(self):
        return {name: self.with_reset(path, reset, self.value(path, d)) if reset else self.value(path, d)
                for name, (path, d, reset) in self.registers.items()}

    def outputs(self):
        return {name: self.value(*at) for name, at in self.pins}


class Flat:
    """The modules of a design, which Yosys converts to gates once."""

    def __init__(self, folder):
        self.texts = modules_of(folder / "design.v")
        kept = folder / "gates.pickle"
        if not kept.exists():
            yosys(BOXES, folder)
            kept.write_bytes(pickle.dumps(gates_of(f"read_verilog design.v; hierarchy -top {DATA['top']}; blackbox *{MEMORY}*", folder)))
        self.modules = pickle.loads(kept.read_bytes())

    def changed(self, folder, boxes):
        """Returns the modules, some of them replaced by those of another folder."""
        texts = modules_of(folder / "design.v")
        names = [name for name in texts if texts[name] != self.texts.get(name)]
        if any(MEMORY in name for name in names) or set(texts) != set(self.texts):
            raise ValueError("another memory, or other modules")
        (folder / "changed.v").write_text("\n".join(texts[name] for name in names))
        return {**self.modules, **gates_of(f"read_rtlil {boxes}; read_verilog -overwrite changed.v", folder)}


class Graph:
    """The and-inverter graph: each and of two signals exists once. 0 is false, 1 true, an odd number an inverted
    signal."""

    def __init__(self):
        self.count, self.known, self.ands = 1, {}, {}

    def variable(self):
        self.count += 1
        return 2 * (self.count - 1)

    def both(self, a, b):
        if a > b:
            a, b = b, a
        if a == 0 or a == b ^ 1:
            return 0
        if a == 1 or a == b:
            return b
        if (a, b) not in self.known:
            self.known[a, b] = made = self.variable()
            self.ands[made] = (a, b)
        return self.known[a, b]

    def either(self, a, b):
        return self.both(a ^ 1, b ^ 1) ^ 1

    def choice(self, condition, a, b):
        return a if a == b else self.either(self.both(condition, a), self.both(condition ^ 1, b))

    def differ(self, a, b):
        return self.choice(a, b ^ 1, b)


class Pair:
    """A design and a changed one, over the same inputs and registers; `own`: registers of which the changed one has
    copies."""

    def __init__(self, plain, changed, own):
        graph = self.graph = Graph()
        self.started = graph.variable()
        self.free, self.first, self.later, self.aliases = {}, {}, {}, {}
        self.mine = {name: graph.variable() for name in sorted(own)}
        one = Design(plain, graph, self.input, lambda *a: self.register({}, *a))
        other = Design(changed, graph, self.input, lambda *a: self.register(self.mine, *a))
        plain_next, plain_pins = one.next_values(), one.outputs()
        other_next, other_pins = other.next_values(), other.outputs()
        self.registers = {self.later[n]: plain_next[n] for n in plain_next if n in self.later}
        self.registers.update((v, other_next[n]) for n, v in self.mine.items() if n in other_next)
        self.parted = {n for n in other_next if n not in own and other_next[n] != plain_next.get(n)}
        if any(n not in plain_next for n in other_next) or set(other_pins) - set(plain_pins):
            raise ValueError("other registers or pins")
        self.bad = 0
        for a, b in [*((plain_next[n], other_next[n]) for n in sorted(self.parted)), *((plain_pins[n], other_pins[n]) for n in other_pins)]:
            self.bad = graph.either(self.bad, graph.differ(a, b))

    def input(self, name):
        if name not in self.free:
            self.free[name] = self.graph.variable()
        return self.graph.both(self.free[name], self.started) if name == RESET else self.free[name]

    def register(self, own, path, names, read=False):
        """@return the register's name; with `read` its current value"""
        name = next((self.aliases[path + n] for n in names if path + n in self.aliases), path + names[0])
        self.aliases.update((path + n, name) for n in names)
        if not read:
            return name
        for made in (self.first, self.later):
            if name not in made:
                made[name] = self.graph.variable()
        return self.graph.choice(self.started, own.get(name, self.later[name]), self.first[name])

    def write(self, path):
        """Writes the logic of `bad` as AIGER. @return the numbers of registers and ands"""
        registers = {**self.registers, self.started: 1}
        seen, stack = set(), [self.bad & ~1]
        while stack:
            v = stack.pop()
            if v in seen or v == 0:
                continue
            seen.add(v)
            stack.extend(x & ~1 for x in (self.graph.ands.get(v) or ((registers[v],) if v in registers else ())))
        number, inputs = {0: 0}, [v for v in (*self.free.values(), *self.first.values()) if v in seen]
        latches = [v for v in registers if v in seen]
        ands = sorted(v for v in self.graph.ands if v in seen)
        for v in (*inputs, *latches, *ands):
            number[v] = 2 * len(number)

        def of(literal):
            return number[literal & ~1] ^ (literal & 1)

        def delta(value):
            out = bytearray()
            while value >= 128:
                out.append(value & 127 | 128)
                value >>= 7
            out.append(value)
            return bytes(out)
        text = [f"aig {len(number) - 1} {len(inputs)} {len(latches)} 1 {len(ands)}"]
        text += [str(of(registers[v])) for v in latches]
        text.append(str(of(self.bad)))
        body = bytearray()
        for v in ands:
            a, b = sorted(map(of, self.graph.ands[v]), reverse=True)
            body += delta(number[v] - a) + delta(a - b)
        path.write_bytes("\n".join(text).encode() + b"\n" + bytes(body))
        return len(latches), len(ands)


def holds(path, seconds):
    """Returns true if ABC proves within `seconds` of processor time that the only output is never true."""
    script = f"read_aiger {path.name}; strash; fraig; scleanup; pdr"
    done = subprocess.run(["prlimit", f"--cpu={seconds}", "yosys-abc", "-c", script], cwd=path.parent, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return "Property proved" in done.stdout


def proof(plain, changed, seconds=60):
    """@param plain  keeps the results for the unchanged design. @return how the two are proven equal, or """""
    try:
        one = Flat(plain)
        other, own = one.changed(changed, plain / "boxes.il"), set()
        pair = Pair(one.modules, other, own)
        path = changed / "pair.aig"
        for _ in range(2):  # with shared registers, then with copies
            if pair.bad == 0:
                return "the same gates"
            pair.write(path)
            if holds(path, seconds):
                return "proven by ABC"
            if not pair.parted:
                return ""
            while pair.parted:
                own |= pair.parted
                if len(own) > MOST_OWN:
                    return ""
                pair = Pair(one.modules, other, own)
        return ""
    except ValueError as error:
        print(f"equivalence.py: {error}", file=sys.stderr)
        return ""


if __name__ == "__main__":
    how = proof(*(pathlib.Path(folder).resolve() for folder in sys.argv[1:3]), *map(int, sys.argv[3:4]))
    print(how or "not proven")
    sys.exit(not how)
