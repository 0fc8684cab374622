# SPDX-License-Identifier: Apache-2.0
"""Reads description.json: registers and instructions of the design; disassembles and assembles programs."""
import json
import pathlib
import types

HERE = pathlib.Path(__file__).resolve().parent
DATA = json.loads((HERE / "description.json").read_text())
CONFIGURATION = DATA["configuration"]
ISA = DATA["instructions"]
ENGINES = ISA["engines"]
CAUSES = {error["name"]: error["code"] for error in DATA["errors"]}
BEAT = max(8, CONFIGURATION["bus.axi_data_bits"] // 8)


def words_of_registers():
    """Yields (name, offset, register, half) of each 32-bit word of the map: halves and entries have their own names."""
    for register in DATA["registers"]:
        for entry in range(register["entries"]):
            name = register["name"].upper() + (f"_{entry}" if register["entries"] > 1 else "")
            for half in range(register["bits"] // 32):
                yield (name + ("_HIGH" if half else ""), register["offset"] + 4 * (entry * (register["bits"] // 32) + half),
                       register, half)


OFFSETS = {name: offset for name, offset, _, _ in words_of_registers()}
FIELDS = [types.SimpleNamespace(**field) for field in ISA["fields"]]
RUN_FIELDS = {field.name: field for field in FIELDS if field.group == "run"}


def fields_of(engine):
    """Returns the fields of an engine's registers, by name."""
    return {field.name: field for field in FIELDS if field.engines >> engine & 1}


FIELDS_OF = [fields_of(engine) for engine in range(len(ENGINES))]


def get(payload, field):
    value = payload >> field.lsb & (1 << field.width) - 1
    return value - (1 << field.width) if field.signed and value >> (field.width - 1) else value


def put(payload, field, value):
    mask = (1 << field.width) - 1
    return payload & ~(mask << field.lsb) | (value & mask) << field.lsb


def operations_of(engine):
    """Returns the op codes of a RUN that this design supports."""
    group = {"compute": "compute_op", "vector": "vector_op"}.get(ENGINES[engine], "dma_target")
    return [c for c in ISA["codes"][group] if c["engines"] >> engine & 1 and c["available"]]


class Run:
    """A RUN with its registers. `number`: the number of earlier RUNs of its engine."""

    def __init__(self, word, engine, registers, number):
        self.engine, self.registers, self.number = engine, list(registers), number
        payload = word & (1 << ISA["register_lsb"]) - 1
        self.op, self.flags, self.wait, self.signal = (get(payload, RUN_FIELDS[name])
                                                       for name in ("op", "flags", "wait", "signal"))

    def get(self, name):
        field = FIELDS_OF[self.engine][name]
        return get(self.registers[field.register], field)

    def on_bus(self):
        """Returns ranges of bytes from BASE on that a load or a store accesses; none for a copy on the chip."""
        if ENGINES[self.engine] not in ("load", "store") or self.flags & 1 and ENGINES[self.engine] == "load":
            return []
        rows, stride, first, size = (self.get("rows_last") + 1, self.get("dram_stride"), self.get("dram"), 4 * self.get("words"))
        return [range(first + row * stride, first + row * stride + size) for row in range(rows)]


def words_of(program):
    return [int.from_bytes(program[at:at + 8], "little") for at in range(0, len(program), 8)]


def runs_of(program):
    """Yields all RUNs of a program's bytes, in their order."""
    registers = [[0] * ISA["registers"] for _ in ENGINES]
    counts = [0] * len(ENGINES)
    for word in words_of(program)[1:]:
        opcode, engine = word >> ISA["opcode_lsb"], word >> ISA["engine_lsb"] & 3
        if opcode == ISA["opcodes"]["set"]:
            registers[engine][word >> ISA["register_lsb"] & 15] = word & (1 << ISA["register_lsb"]) - 1
        elif opcode == ISA["opcodes"]["run"]:
            yield Run(word, engine, registers[engine], counts[engine])
            counts[engine] += 1
        elif opcode == ISA["opcodes"]["end"]:
            return


class Assembler:
    """Assembles the words of a program, one RUN after the other; fields that are not given are 0."""

    def __init__(self):
        self.words = [int(DATA["configuration_hash"], 16) | ISA["opcodes"]["begin"] << ISA["opcode_lsb"]]
        self.held = [{} for _ in ENGINES]  # registers in the machine: empty before the first SET

    def word(self, opcode, engine, register, payload):
        self.words.append(ISA["opcodes"][opcode] << ISA["opcode_lsb"] | engine << ISA["engine_lsb"] |
                          register << ISA["register_lsb"] | payload)

    def run(self, engine, op=0, flags=0, wait=0, signal=0, **fields):
        number = ENGINES.index(engine)
        registers = {field.register: 0 for field in FIELDS_OF[number].values()}
        for name, value in fields.items():
            field = FIELDS_OF[number][name]
            registers[field.register] = put(registers[field.register], field, value)
        for register, payload in registers.items():
            if self.held[number].get(register) != payload:
                self.word("set", number, register, payload)
        self.held[number] = registers
        payload = 0
        for name, value in (("op", op), ("flags", flags), ("wait", wait), ("signal", signal)):
            payload = put(payload, RUN_FIELDS[name], value)
        self.word("run", number, 0, payload)
        return self

    def bytes(self):
        return b"".join(word.to_bytes(8, "little") for word in [*self.words, 0])
