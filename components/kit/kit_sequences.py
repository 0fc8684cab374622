# SPDX-License-Identifier: Apache-2.0
"""Sequences: a program from its image to its end, and images that are random or designed to fail."""
import cocotb
from cocotb.triggers import ClockCycles
from pyuvm import uvm_sequence

from kit_agents import Behaviour
from kit_description import BEAT
from kit_registers import bit
from kit_scoreboard import ProgramItem

START, SOFT_RESET, SCRUB, BUS_WAS_RESET = (bit("CONTROL", n) for n in ("start", "soft_reset", "scrub", "bus_was_reset"))
BUSY, RESETTING = bit("STATUS", "busy"), bit("STATUS", "reset")
MARGIN = 64  # bytes around a program's memory that must not be written


class OneItem(uvm_sequence):
    """One item for a sequencer."""

    def __init__(self, item):
        super().__init__("one")
        self.item = item

    async def body(self):
        await self.start_item(self.item)
        await self.finish_item(self.item)


class ProgramSequence(uvm_sequence):
    """Runs one image; the result goes to scoreboard and coverage.

    image       a trine.Image
    behaviour   of the memory
    limit       cycles until the interrupt must come
    window      what bursts may touch: None, or a function of (first, last) of the whole memory
    limits      registers that are written first, in addition to those that all programs need
    silent_cycles   after which the memory answers again
    at          (origin, words first): the address of the memory, and whether the words precede the data
    causes, address, error_run, golden, ordered   see ProgramItem; `address` is a function of the sequence
    """

    def __init__(self, env, image, ending, behaviour=None, limit=30_000, window=None, limits=None, at=(0x10000, False),
                 silent_cycles=0, causes=(), address=None, error_run=None, golden=None, ordered=True):
        super().__init__("program")
        self.env, self.image, self.ending, self.behaviour = env, image, ending, behaviour or Behaviour()
        self.limit, self.window, self.limits, self.at = limit, window, limits or {}, at
        self.causes, self.address, self.error_run, self.golden = causes, address, error_run, golden
        self.ordered, self.silent_cycles = ordered, silent_cycles

    async def body(self):
        self.place()
        await self.env.behave(self.behaviour)
        await self.set_up()
        await self.launch()
        if self.silent_cycles:
            await ClockCycles(cocotb.top.aclk, self.silent_cycles)
            await self.env.behave(Behaviour())
        came = await self.env.interrupt.wait(self.limit)
        clocks = self.env.interrupt.cycles - self.started
        assert came, f"no interrupt within {self.limit} cycles, STATUS {await self.env.registers.read('STATUS')}"
        await self.report(clocks)

    def place(self):
        origin, words_first = self.at
        memory, words = self.image.memory, self.image.words
        words += bytes(-len(words) % BEAT)
        behind = len(words) if words_first else 0
        self.base = origin + MARGIN + behind
        self.program = origin + MARGIN + (0 if words_first else len(memory))
        body = words + memory if words_first else memory + words
        model = self.env.memory_model
        model.origin, model.bytes = origin, bytearray(bytes([0xA5]) * MARGIN + body + bytes([0xA5]) * MARGIN)
        self.first, self.last = origin + MARGIN, origin + MARGIN + len(body) - 1

    async def set_up(self):
        registers = self.env.registers
        first, last = (self.first, self.last) if self.window is None else self.window(self)
        for name, value in (("PROGRAM", self.program), ("BASE", self.base), ("WINDOW_FIRST", first), ("WINDOW_LAST", last)):
            await registers.write(name, value & 0xFFFFFFFF)
            if value >> 32:
                await registers.write(name + "_HIGH", value >> 32)
        await registers.write("PROGRAM_WORDS", len(self.image.words) // 8)
        for name, value in {"WATCHDOG": 20_000, "PROGRESS_LIMIT": 400, "CYCLES_LIMIT": 0, **self.limits}.items():
            await registers.write(name, value)
        await registers.write("IRQ_ENABLE", 3)
        await registers.write("IRQ_STATUS", 3)

    async def launch(self):
        self.env.counted.clear()
        await self.env.registers.write("CONTROL", START)
        self.started = self.env.interrupt.cycles

    async def report(self, clocks):
        model, size = self.env.memory_model, len(self.image.memory)
        item = ProgramItem(self.image, self.ending, self.behaviour, self.causes,
                           self.address(self) if self.address else None, self.error_run, self.golden, self.ordered)
        item.clocks = clocks
        item.bytes_read, item.bytes_written = self.env.counted.read, self.env.counted.written
        start = self.base - model.origin
        item.memory = bytes(model.bytes[start:start + size])
        edge = bytes([0xA5]) * MARGIN
        item.around = model.bytes[:MARGIN] == edge and model.bytes[-MARGIN:] == edge
        item.registers = await self.read_registers()
        self.item = item
        self.env.publish(item)

    async def read_registers(self):
        registers = self.env.registers
        read = {name: await registers.read(name) for name in ("STATUS", "IRQ_STATUS", "ERROR_CAUSE", "ERROR_RUN")}
        read["ERROR_ADDRESS"] = await registers.read_wide("ERROR_ADDRESS")
        read["ALIAS"] = await registers.read("ERROR_ADDRESS_ALIAS_0") | await registers.read("ERROR_ADDRESS_ALIAS_1") << 32
        for name in ("CYCLES", "BYTES_READ", "BYTES_WRITTEN"):
            read[name] = await registers.read_wide(name)
        for name, count in (("CAUSE", 8), ("ENGINE_BUSY", 4)):
            read[name] = [await registers.read_wide(f"{name}_{i}") for i in range(count)]
        return read


class SoftReset(uvm_sequence):
    """A soft reset, or with `command` a scrub; waits until it is over."""

    def __init__(self, env, command=SOFT_RESET, behaviour=None):
        super().__init__("soft_reset")
        self.env, self.command, self.behaviour = env, command, behaviour or Behaviour()

    async def body(self):
        await self.env.behave(self.behaviour)
        await self.env.registers.write("CONTROL", self.command)
        await self.over(self.env)

    @staticmethod
    async def over(env):
        for _ in range(3000):
            if not await env.registers.read("STATUS") & (BUSY | RESETTING):
                return
        raise AssertionError("the reset does not end")
