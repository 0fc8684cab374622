#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares a layer at gate level with the sum of its actions, by code other than that which made the table.

  components/benchmarks/silicon/energy.py --config edge32 MODEL --vectors DIR --liberty sg13g2_stdcell_typ_1p20V_25C.lib.gz

`trine energy --keep` leaves the whole netlist and the ports of a run of the RTL. This script runs the netlist under
Icarus with cell models that it makes from the Liberty file; it counts the changes in the VCD file and computes their
energy with its own Liberty reader: tables at the net's load and one transition for all (--slew), without a timer.
Glitches are excluded, as in the sum for comparison: `trine run`'s with the shipped table (--energy for another).
"""
import argparse
import collections
import functools
import gzip
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]


# ---- Liberty ---------------------------------------------------------------------------------------------------------
class Group:
    """A group `type (arguments) { .. }`."""

    def __init__(self, kind, arguments):
        self.kind, self.arguments, self.values, self.groups = kind, arguments, {}, []

    def of(self, kind):
        return [group for group in self.groups if group.kind == kind]

    def text(self, key, otherwise=''):
        return self.values.get(key, [otherwise])[0]

    def number(self, key, otherwise=0.0):
        return float(self.text(key, otherwise))


TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([{}();])|(:)(?=[\s"])|([^\s{}();",\\]+)|(,)', re.S)


def parse(text):
    text = re.sub(r'/\*.*?\*/', ' ', text, flags=re.S).replace('\\\n', ' ')
    root = Group('', [])
    stack, words = [root], []
    for match in TOKEN.finditer(text):
        quoted, mark, colon, word, comma = match.groups()
        if quoted is not None or word is not None:
            words.append(quoted if quoted is not None else word)
        elif colon:
            words.append(':')
        elif comma or mark in '()':
            if mark:
                words.append(mark)
        elif mark == '{':
            group = Group(words[0], [w for w in words[1:] if w not in '()'])
            stack[-1].groups.append(group)
            stack.append(group)
            words = []
        else:
            if len(words) > 2:
                keep = [w for w in words[1:] if w not in '():']
                stack[-1].values[words[0]] = keep if words[1] == '(' else [' '.join(keep)]
            words = []
            if mark == '}':
                stack.pop()
    return root.groups[0]


def numbers(texts):
    return [float(number) for text in texts for number in re.split(r'[\s,]+', text.strip()) if number]


class Library:
    def __init__(self, files):
        self.cells, self.templates, self.widths, self.known = {}, {}, {}, {}
        for file in files:
            opened = gzip.open(file, 'rt') if str(file).endswith('.gz') else open(file)
            with opened:
                library = parse(opened.read())
            for group in library.groups:
                if group.kind.endswith('_template'):
                    self.templates[group.arguments[0]] = group
                if group.kind == 'type':
                    self.widths[group.arguments[0]] = int(group.number('bit_width'))
                if group.kind == 'cell':
                    self.cells[group.arguments[0]] = group
            if library.text('nom_voltage') and not hasattr(self, 'volts'):
                self.volts = library.number('nom_voltage')

    def table(self, group, slew, load):
        """Interpolates linearly between the neighbouring points."""
        values = numbers(group.values['values'])
        if len(values) == 1:
            return values[0]
        template = self.templates[group.arguments[0]]
        axes = []
        for n in '12':
            points = group.values.get('index_' + n) or template.values.get('index_' + n)
            name = template.text('variable_' + n)
            if points:
                axes.append((numbers(points), load if 'capacitance' in name else slew))

        def place(points, at):
            i = 0
            while i + 2 < len(points) and points[i + 1] < at:
                i += 1
            return i, (at - points[i]) / (points[i + 1] - points[i])

        (i, p) = place(*axes[0])
        if len(axes) == 1:
            return values[i] + p * (values[i + 1] - values[i])
        (j, q) = place(*axes[1])
        width = len(axes[1][0])

        def row(k):
            return values[k * width + j] + q * (values[k * width + j + 1] - values[k * width + j])

        return row(i) + p * (row(i + 1) - row(i))

    def pins(self, cell):
        """Returns the name of each pin (bits of buses one by one) -> its group."""
        pins = self.known.get(id(cell))
        if pins is not None:
            return pins
        pins = self.known[id(cell)] = {}
        for group in cell.groups:
            if group.kind == 'pin':
                pins[group.arguments[0]] = group
            if group.kind == 'bus':
                for bit in range(self.widths[group.text('bus_type')]):
                    name = f'{group.arguments[0]}[{bit}]'
                    own = [g for g in group.of('pin') if g.arguments[0] == name]
                    pins[name] = own[0] if own else group
        return pins

    def powers(self, cell, pin):
        """Returns the internal_power groups of a pin; for a bus, the groups of its range of bits."""
        group = self.pins(cell)[pin]
        found = group.of('internal_power')
        bus = [g for g in cell.of('bus') if pin.startswith(g.arguments[0] + '[')]
        for g in bus:
            found += g.of('internal_power') if g is not group else []
            for span in g.of('pin'):
                if ':' in span.arguments[0]:
                    found += span.of('internal_power')
        return found

    @functools.lru_cache(maxsize=None)
    def capacitance(self, cell, pin):
        group = self.pins(cell)[pin]
        both = group.number('capacitance')
        return (group.number('rise_capacitance', both) + group.number('fall_capacitance', both)) / 2

    def energy(self, powers, slew, load):
        """Returns the mean over edges and conditions; an entry without condition, next to entries with one, is for
        the remaining states."""
        told = {p.text('related_pin') for p in powers if p.text('when')}
        powers = [p for p in powers if p.text('when') or p.text('related_pin') not in told]
        each = [(self.table(p.of('rise_power')[0], slew, load) + self.table(p.of('fall_power')[0], slew, load)) / 2
                for p in powers]
        return sum(each) / len(each) if each else 0.0


def verilog_models(library, names):
    """Returns Verilog models of cells from their functions; memories by the names of their pins."""
    text = '`timescale 1ns/1ps\n'
    for name in sorted(names):
        cell = library.cells[name]
        pins = library.pins(cell)
        ports = sorted({pin.split('[')[0] for pin in pins})
        outs = {pin.split('[')[0] for pin in pins if pin_direction(cell, pin) == 'output'}
        text += f'module {name} ({", ".join(ports)});\n'
        for port in ports:
            width = sum(pin.startswith(port + '[') for pin in pins)
            bits = f'[{width - 1}:0] ' if width else ''
            text += f'  {"output" if port in outs else "input"} {bits}{port};\n'
        text += body_of(library, cell, pins) + 'endmodule\n'
    return text


@functools.lru_cache(maxsize=None)
def pin_direction(cell, pin):
    for group in cell.groups:
        if group.kind in ('pin', 'bus') and group.arguments[0] == pin.split('[')[0]:
            return group.text('direction')
    return ''


def expression(text):
    return text.replace('*', '&').replace('+', '|')


def body_of(library, cell, pins):
    if cell.of('ff'):
        ff = cell.of('ff')[0]
        state, inverse = ff.arguments[0], ff.arguments[1]
        clear, text = ff.text('clear'), f'  reg {state} = 0;\n  wire {inverse} = ~{state};\n'
        edge = ''
        if clear:
            text += f'  wire clear = {expression(clear)};\n'
            edge = ' or posedge clear'
        text += f'  always @(posedge {ff.text("clocked_on")}{edge})\n'
        text += f'    {"if (clear) " + state + " <= 0; else " if clear else ""}{state} <= {ff.text("next_state")};\n'
    elif cell.text('clock_gating_integrated_cell'):
        clock = next(p for p in pins if pins[p].text('clock_gate_clock_pin') == 'true')
        enable = next(p for p in pins if pins[p].text('clock_gate_enable_pin') == 'true')
        out = next(p for p in pins if pins[p].text('clock_gate_out_pin') == 'true')
        return f'  reg open;\n  always @* if (!{clock}) open = {enable};\n  assign {out} = {clock} & open;\n'
    elif any(p.startswith('A_ADDR') for p in pins):
        bits = sum(p.startswith('A_DIN[') for p in pins)
        depth = 1 << sum(p.startswith('A_ADDR[') for p in pins)
        return (f'  reg [{bits - 1}:0] mem [0:{depth - 1}], out = 0;\n  integer i;\n'
                f'  initial for (i = 0; i < {depth}; i = i + 1) mem[i] = 0;\n'
                '  always @(posedge A_CLK) if (A_MEN) begin\n'
                '    if (A_WEN) mem[A_ADDR] <= (mem[A_ADDR] & ~A_BM) | (A_DIN & A_BM);\n'
                '    else if (A_REN) out <= mem[A_ADDR];\n  end\n  assign A_DOUT = out;\n')
    else:
        text = ''
    for pin, group in pins.items():
        if group.text('direction') == 'output':
            text += f'  assign {pin} = {expression(group.text("function"))};\n'
    return text


# ---- the run ---------------------------------------------------------------------------------------------------------
def changes(file):
    """Yields (time, code, value) of a VCD file after its signals: the first item is {code: [(scope, name, width)]}."""
    signals, scope, time = collections.defaultdict(list), [], 0
    with open(file) as lines:
        for line in lines:
            words = line.split()
            if not words:
                continue
            if words[0] == '$scope':
                scope.append(words[2])
            elif words[0] == '$upscope':
                scope.pop()
            elif words[0] == '$var':
                signals[words[3]].append(('.'.join(scope), words[4], int(words[2])))
            elif words[0] == '$enddefinitions':
                break
        yield signals
        for line in lines:
            first = line[0]
            if first == '#':
                time = int(line[1:])
            elif first in '01xz':
                yield time, line[1:].strip(), first
            elif first == 'b':
                value, code = line[1:].split()
                yield time, code, value


def stimulus(file):
    """Returns [{port: value}] at rising edges of clk_i, and how many of them come before the program runs."""
    trace = changes(file)
    signals = next(trace)
    name_of = {code: (names[0][1], names[0][2]) for code, names in signals.items()}
    now = {name: '0' * width for name, width in name_of.values()}
    rows, first, settled, last = [], None, dict(now), None

    def take(high):
        nonlocal first, settled
        if not high:
            settled = dict(now)
            return
        if first is None and settled['trace_cause_o'][0] == '1':
            first = len(rows)
        rows.append({port: value for port, value in now.items() if port.endswith('i') and port != 'clk_i'})

    for time, code, value in trace:
        if last is not None and time != last:
            take(now['clk_i'] == '1')
        last = time
        name, width = name_of[code]
        now[name] = value.rjust(width, '0')
    return rows, first


def testbench(design, ports, rows, begin, end):
    inputs = sorted({name for name in ports if name.split('[')[0] in rows[0]})
    connect = ', '.join([f'.n{ports["clk_i"]}(clk)'] + [f'.n{ports[name]}(in[{i}])' for i, name in enumerate(inputs)])
    text = (f'`timescale 1ns/1ps\nmodule tb;\n  reg clk = 0;\n  reg [{len(inputs) - 1}:0] in = 0;\n'
            f'  reg [{len(inputs) - 1}:0] rows [0:{end}];\n  integer t;\n  chip d ({connect});\n  initial begin\n'
            '    $readmemb("rows.txt", rows);\n    #5;\n'
            f'    for (t = 0; t < {end}; t = t + 1) begin\n'
            f'      if (t == {begin}) begin $dumpfile("gates.vcd"); $dumpvars(1, d); end\n'
            '      #0 clk = 1; in <= rows[t];\n      #5 clk = 0;\n      #5;\n    end\n    $finish;\n  end\nendmodule\n')
    lines = []
    for row in rows[:end + 1]:
        bits = []
        for name in reversed(inputs):
            port, _, bit = name.partition('[')
            bits.append(row[port][-1 - int(bit[:-1])] if bit else row[port][-1])
        lines.append(''.join(bits))
    (design / 'rows.txt').write_text('\n'.join(lines) + '\n')
    return text


INSTANCE = re.compile(r'^(\w+) i(\d+) \((.*)\);$')
CONNECTION = re.compile(r'\.(\w+)\((\{[^}]*\}|\w+)\)')


def read_netlist(file):
    """Returns [(cell, {pin: net})]."""
    instances = []
    for line in file.read_text().splitlines():
        match = INSTANCE.match(line)
        if not match:
            continue
        pins = {}
        for port, nets in CONNECTION.findall(match[3]):
            if nets[0] == '{':
                bits = nets[1:-1].split(',')
                for bit, net in enumerate(reversed(bits)):
                    pins[f'{port}[{bit}]'] = net
            else:
                pins[port] = nets
        instances.append((match[1], pins))
    return instances


def priced(library, instances, toggles, cycles, options, steps):
    """Returns pJ by part, and leakage in nW. `steps` returns the values that a memory's clock edges see."""
    load, driver = collections.defaultdict(float), {}
    for number, (name, pins) in enumerate(instances):
        cell = library.cells[name]
        for pin, net in pins.items():
            if pin_direction(cell, pin) == 'output':
                driver[net] = (number, pin)
            else:
                load[net] += library.capacitance(cell, pin)
    half = library.volts**2 / 2
    wire = options.wire_ff / 1000
    energy = collections.Counter()
    memo = {}
    clock = options.clock_net
    for number, (name, pins) in enumerate(instances):
        cell = library.cells[name]
        sequential = bool(cell.of('ff'))
        memory = any(pin.startswith('A_ADDR[') for pin in pins)
        for pin, net in pins.items():
            is_clock = library.pins(cell)[pin].text('clock') == 'true'
            if is_clock and 'BIST' not in pin:
                pf = library.capacitance(cell, pin) + wire
                energy['clock'] += cycles * 2 * half * pf * options.clock_tree
                if sequential:
                    key = (name, pin, 'clock')
                    if key not in memo:
                        # D and Q are almost always equal: both states in which they are.
                        still = [p for p in library.powers(cell, pin)
                                 if re.sub(r'[()* ]|!?Q_N', '', p.text('when')) in ('DRESET_BQ', '!DRESET_B!Q')]
                        memo[key] = 2 * library.energy(still, 0, 0)
                    energy['clock'] += cycles * memo[key]
                continue
            n = toggles.get(net, 0)
            if n == 0:
                continue
            if pin_direction(cell, pin) == 'output':
                at = round(load[net] + wire, 4)
                key = (name, pin, at)
                if key not in memo:
                    powers = library.powers(cell, pin)
                    if sequential:
                        powers = [p for p in powers if p.text('related_pin') in ('CLK', 'CK')]
                    memo[key] = library.energy(powers, options.slew, at)
                energy['cells'] += n * memo[key]
                energy['pins'] += n * half * load[net]
                energy['wires'] += n * half * wire if load[net] else 0
            else:
                key = (name, pin, 'in')
                if key not in memo:
                    memo[key] = library.energy(library.powers(cell, pin), options.slew, 0)
                energy['cells'] += n * memo[key]
        if memory:
            energy['memories'] += accesses(library, cell, pins, steps)
    energy['leakage'] = sum(library.cells[name].number('cell_leakage_power') *
                            (1e-3 if name.startswith('sg13g2_') else 1) for name, _ in instances)
    for net in toggles:
        if net not in driver and net != clock:
            energy['pins'] += toggles[net] * half * load[net]
            energy['wires'] += toggles[net] * half * wire
    return energy


def accesses(library, cell, pins, steps):
    """Returns the energies of a memory's clock edges, by enable, write and read before each."""
    prices = {}
    for power in library.powers(cell, 'A_CLK'):
        prices[re.sub(r'\s', '', power.text('when'))] = library.table(power.of('rise_power')[0], 0, 0)
    total = 0.0
    for state in steps(pins):
        when = '&'.join(('' if bit else '!') + name for name, bit in zip(('A_MEN', 'A_WEN', 'A_REN'), state))
        total += prices.get(when, 0.0)
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('model')
    parser.add_argument('--config', default='edge32')
    parser.add_argument('--vectors')
    parser.add_argument('--liberty', required=True)
    parser.add_argument('--macros')
    parser.add_argument('--energy', default='sg13g2')
    parser.add_argument('--layer', type=int, default=0)
    parser.add_argument('--cycles', type=int, default=1 << 30, help='maximum number of cycles of the layer to count')
    parser.add_argument('--wire-ff', type=float, default=12)
    parser.add_argument('--clock-tree', type=float, default=1.4)
    parser.add_argument('--slew', type=float, default=0.1, help='transition of all nets in ns')
    parser.add_argument('--kept', help='use the netlist and the ports in this folder of an earlier run')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        return check(options, pathlib.Path(options.kept or scratch))


def check(options, folder):
    trine = ROOT / 'build/release/tools/cli/trine'
    vectors = ['--vectors', options.vectors] if options.vectors else []
    if not (folder / 'design.v').exists():
        subprocess.run([trine, 'energy', '--config', options.config, '--liberty', options.liberty, '--keep', folder,
                        '--glitch-every', '0', options.model] + vectors, check=True)
    run = json.loads((folder / '0.json').read_text())
    span = run['spans'][options.layer]
    rows, first = stimulus(folder / '0.vcd')
    begin = first + span['begin']
    end = min(first + span['end'], begin + options.cycles)
    ports = dict(line.split() for line in (folder / 'ports.txt').read_text().splitlines())
    macros = options.macros or re.sub(r'_stdcell.*', '_sram', options.liberty)
    library = Library([options.liberty] + sorted(pathlib.Path(macros).glob('*_1P_*')))
    instances = read_netlist(folder / 'design.v')
    # `design` is a keyword of Verilog.
    (folder / 'chip.v').write_text((folder / 'design.v').read_text().replace('module design (', 'module chip (', 1))
    (folder / 'cells.v').write_text(verilog_models(library, {name for name, _ in instances}))
    (folder / 'tb.v').write_text(testbench(folder, ports, rows, begin, end))
    if not (folder / 'gates.vcd').exists():
        simulate(folder)
    toggles, steps = count(folder / 'gates.vcd', instances, begin, end)
    options.clock_net = 'n' + ports['clk_i']
    energy = priced(library, instances, toggles, end - begin, options, steps)
    report(options, energy, run, span, end - begin)
    return 0


def simulate(folder):
    subprocess.run(['iverilog', '-g2005-sv', '-o', 'tb', 'tb.v', 'cells.v', 'chip.v'], cwd=folder, check=True)
    subprocess.run(['vvp', '-n', 'tb'], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def count(file, instances, begin, end):
    """Returns the changes of each net in the window, and a function that returns a memory's enables by step."""
    trace = changes(file)
    name_of = {code: names[0][1] for code, names in next(trace).items()}
    watched = set()
    for _, pins in instances:
        if any(pin.startswith('A_ADDR[') for pin in pins):
            watched |= {pins.get(pin) for pin in ('A_MEN', 'A_WEN', 'A_REN')}
    toggles, value, history = collections.Counter(), {}, collections.defaultdict(list)
    for time, code, bit in trace:
        net = name_of[code]
        if bit in 'xz':
            bit = '0'
        step = (time // 1000 - 5) // 10
        if net in value and value[net] != bit and begin <= step < end:
            toggles[net] += 1
        value[net] = bit
        if net in watched:
            history[net].append((step, bit))

    def steps(pins):
        """An edge in step t sees the values after step t - 1."""
        columns = []
        for pin in ('A_MEN', 'A_WEN', 'A_REN'):
            column, changes_of, now = [], history.get(pins.get(pin), []), '0'
            at = 0
            for step in range(begin, end):
                while at < len(changes_of) and changes_of[at][0] < step:
                    now = changes_of[at][1]
                    at += 1
                if step == begin and changes_of and at == 0:
                    now = changes_of[0][1]
                column.append(now == '1')
            columns.append(column)
        return list(zip(*columns))

    return toggles, steps


def report(options, energy, run, span, cycles):
    """Prints the comparison with the sum of actions, without glitches, for the whole run: a network of one layer."""
    with tempfile.TemporaryDirectory() as scratch:
        file = pathlib.Path(scratch) / 'run.json'
        subprocess.run([ROOT / 'build/release/tools/cli/trine', 'run', '--backend', 'arch', '--quiet', '--config',
                        options.config, '--energy', options.energy, '--json', file, options.model], check=True)
        result = json.loads(file.read_text())
    total = sum(pj for part, pj in energy.items() if part != 'leakage') / cycles
    clock_ns = result['energy']['clock_ns']
    total += energy['leakage'] * clock_ns * 1e-6
    expected = result['energy']['without_glitches_pj'] / result['cycles']
    print(f'| {run["name"]}, {cycles} of {span["end"] - span["begin"]} cycles | pJ a cycle |\n|---|---:|')
    for part, pj in energy.items():
        per_cycle = pj * clock_ns * 1e-6 if part == 'leakage' else pj / cycles
        print(f'| {part} | {per_cycle:.2f} |')
    print(f'| in all | {total:.2f} |\n| sum of actions | {expected:.2f} |')
    print(f'| error | {100 * (expected / total - 1):+.1f} % |')


if __name__ == '__main__':
    sys.exit(main())
