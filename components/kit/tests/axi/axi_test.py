# SPDX-License-Identifier: Apache-2.0
"""Tests the whole machine on a third-party bus model: cocotbext-axi's memory and AXI-Lite master.

Started by axi_bus_test.py, which sets TRINE_AXI_MEMORY (a folder that `trine run --memory` wrote), TRINE_AXI_HEADER (the
design's trine_csr.h) and TRINE_AXI_SEED.
"""
import itertools
import json
import os
import pathlib
import random
import re

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, First, RisingEdge
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiResp, AxiSlave, MemoryRegion

BASE = 0x10000
MEMORY = pathlib.Path(os.environ["TRINE_AXI_MEMORY"])
SEED = int(os.environ["TRINE_AXI_SEED"])
CSR = {name: int(value, 16) for name, value in
       re.findall(r"#define TRINE_CSR_(\w+) (0x[0-9A-Fa-f]+)",
                  pathlib.Path(os.environ["TRINE_AXI_HEADER"]).read_text())}
LIMIT = 3_000_000  # cycles


class Memory(MemoryRegion):
    """A memory that answers SLVERR for marked bytes."""

    def __init__(self, size):
        super().__init__(size)
        self.bad_reads, self.bad_writes = range(0), range(0)

    async def _read(self, address, length, **kwargs):
        if set(range(address, address + length)) & set(self.bad_reads):
            raise ValueError("a marked byte is read")
        return await super()._read(address, length, **kwargs)

    async def _write(self, address, data, **kwargs):
        if set(range(address, address + len(data))) & set(self.bad_writes):
            raise ValueError("a marked byte is written")
        return await super()._write(address, data, **kwargs)


class Bench:
    """A machine with a memory and a host; ready() brings it out of reset."""

    def __init__(self, dut, seed=0):
        self.dut, self.random = dut, random.Random(SEED + seed)
        self.before = (MEMORY / "before.bin").read_bytes()
        self.after = (MEMORY / "after.bin").read_bytes()
        self.facts = json.loads((MEMORY / "run.json").read_text())
        self.memory = Memory(BASE + (len(self.before) + 4095) // 4096 * 4096)
        cocotb.start_soon(Clock(dut.clk, 10, units="ns").start())
        self.host = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst_n, False)
        self.slave = AxiSlave(AxiBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst_n, self.memory,
                              reset_active_level=False)

    @classmethod
    async def ready(cls, dut, seed=0, percent=0):
        """Returns a bench out of reset, with pausing channels."""
        bench = cls(dut, seed)
        await bench.reset()
        if percent:
            bench.pause(percent)
        return bench

    def fill(self):
        """Sets the memory to its state before a run."""
        self.memory.mem[:BASE + len(self.before)] = bytes(BASE) + self.before

    def pause(self, percent):
        """Adds random pauses to every channel, in both directions."""
        def pauses(seed):
            source = random.Random(seed)
            return (source.random() * 100 < percent for _ in itertools.count())
        slave, host = self.slave, self.host
        channels = [slave.write_if.aw_channel, slave.write_if.w_channel, slave.write_if.b_channel,
                    slave.read_if.ar_channel, slave.read_if.r_channel, host.write_if.aw_channel,
                    host.write_if.w_channel, host.write_if.b_channel, host.read_if.ar_channel,
                    host.read_if.r_channel]
        for channel in channels:
            channel.set_pause_generator(pauses(self.random.random()))

    async def reset(self):
        self.dut.rst_n.value = 0
        await ClockCycles(self.dut.clk, 4)
        self.dut.rst_n.value = 1
        await ClockCycles(self.dut.clk, 2)
        while await self.read("STATUS") & 8:  # with ECC, zeros are written first
            pass

    async def write(self, name, value, words=1):
        await self.host.write(CSR[name], value.to_bytes(4 * words, "little"))

    async def read(self, name):
        return int.from_bytes((await self.host.read(CSR[name], 4)).data, "little")

    async def start(self):
        """Puts the program into memory and starts it."""
        self.fill()
        facts = self.facts
        assert f"0x{await self.read_wide('CONFIG_HASH'):016x}" == facts["config_hash"]
        await self.write("PROGRAM", BASE + facts["program_offset"], 2)
        await self.write("PROGRAM_WORDS", facts["program_words"])
        await self.write("BASE", BASE, 2)
        await self.write("IRQ_ENABLE", 3)
        await self.write("IRQ_STATUS", 3)
        await self.write("CONTROL", 1)

    async def read_wide(self, name):
        return int.from_bytes((await self.host.read(CSR[name], 8)).data, "little")

    async def ends(self):
        """Waits for the interrupt; nothing else would report a hang."""
        if not self.dut.irq.value:
            await First(RisingEdge(self.dut.irq), ClockCycles(self.dut.clk, LIMIT))
        assert self.dut.irq.value, "no interrupt"

    async def is_exact(self):
        await self.start()
        await self.ends()
        assert await self.read("STATUS") == 2, "not done"
        got = self.memory.mem[BASE:BASE + len(self.after)]
        first = next((i for i in range(len(got)) if got[i] != self.after[i]), None)
        assert first is None, f"byte {first} is {got[first]}, expected {self.after[first]}"
        assert self.memory.mem[:BASE] == bytes(BASE), "a write below BASE"


@cocotb.test()
async def programs_are_exact(dut):
    """Runs the program twice without a pause, the second run after the first."""
    bench = await Bench.ready(dut)
    await bench.is_exact()
    await bench.is_exact()


@cocotb.test()
async def back_pressure_changes_nothing(dut):
    bench = await Bench.ready(dut)
    for percent in (20, 60, 90):
        bench.pause(percent)
        await bench.is_exact()


@cocotb.test()
async def errors_stop_the_machine(dut):
    """Answers SLVERR to reads and writes anywhere: checks cause and address; after a soft reset the program is exact."""
    bench = await Bench.ready(dut, 1, 30)
    source = bench.random
    program = BASE + bench.facts["program_offset"]
    changed = [i for i in range(len(bench.after)) if bench.before[i] != bench.after[i]]
    for case in range(12):
        bench.memory.bad_reads = bench.memory.bad_writes = range(0)
        if case % 3 == 0:
            cause, at = 1, program + 8 * source.randrange(bench.facts["program_words"])
            bench.memory.bad_reads = range(at, at + 8)
        elif case % 3 == 1:
            cause, at = 2, BASE
            bench.memory.bad_reads = range(at, program)
        else:
            cause, at = 3, BASE + (changed[0] if case == 2 else source.choice(changed))
            bench.memory.bad_writes = range(at, at + 1)
        await bench.start()
        await bench.ends()
        assert await bench.read("STATUS") & 4, f"case {case}: no error"
        assert await bench.read("ERROR_CAUSE") == cause, f"case {case}: cause"
        where = await bench.read_wide("ERROR_ADDRESS")
        if cause == 2:
            assert where in bench.memory.bad_reads, f"case {case}: address {where:x}"
        else:
            assert where <= at < where + 4096, f"case {case}: address {where:x}, marked {at:x}"
        if case == 2:  # the first byte of a map, where its burst begins
            assert where == at - at % (len(dut.m_axi_wdata) // 8), f"{where:x} {at:x}"
        bench.memory.bad_reads = bench.memory.bad_writes = range(0)
        await bench.write("CONTROL", 2)
        while await bench.read("STATUS") & 9:
            pass
        await bench.is_exact()


@cocotb.test()
async def bursts_stay_inside_of_the_window(dut):
    """Sets a window without the program, or without its data: checks cause and address."""
    bench = await Bench.ready(dut, 4, 30)
    program = BASE + bench.facts["program_offset"]
    everything = BASE + len(bench.before) - 1
    for cause, first, last in ((6, BASE, program - 1), (7, program, everything)):
        await bench.write("WINDOW_FIRST", first, 2)
        await bench.write("WINDOW_LAST", last, 2)
        await bench.start()
        await bench.ends()
        assert await bench.read("STATUS") & 4, f"{cause}: no error"
        assert await bench.read("ERROR_CAUSE") == cause, f"{cause}: {await bench.read('ERROR_CAUSE')}"
        where = await bench.read_wide("ERROR_ADDRESS")
        assert where < first or where + 4096 > last, f"{cause}: {where:x} is inside"
    await bench.write("WINDOW_FIRST", BASE, 2)
    await bench.write("WINDOW_LAST", BASE + len(bench.memory.mem) - 1, 2)
    await bench.is_exact()


@cocotb.test()
async def the_watchdog_ends_lost_responses(dut):
    """Blocks a channel forever: requires an interrupt instead of a hang, and exactness after a reset of both sides."""
    bench = await Bench.ready(dut, 5, 20)
    read, write = bench.slave.read_if, bench.slave.write_if
    # All reads come early in this program, all writes late.
    for channel, latest in ((read.ar_channel, 2), (read.r_channel, 20), (write.aw_channel, 100),
                            (write.w_channel, 100), (write.b_channel, 100)):
        await bench.write("WATCHDOG", 500)
        await bench.start()
        await ClockCycles(dut.clk, bench.random.randrange(1, latest))
        channel.clear_pause_generator()
        channel.pause = True
        await bench.ends()
        cause = await bench.read("ERROR_CAUSE")
        expected = (9, 10) if latest < 100 else (11,)
        assert cause in expected, f"cause {cause}, expected one of {expected}"
        channel.pause = False
        await bench.reset()
        bench.pause(20)
        await bench.is_exact()


@cocotb.test()
async def slow_memories_change_nothing(dut):
    """Uses up to a thousand cycles until an address is taken or data arrive."""
    bench = await Bench.ready(dut, 6)
    for cycles in (1, 30, 1000):
        waits = lambda: ([True] * bench.random.randrange(cycles) + [False] for _ in itertools.count())
        for channel in (bench.slave.read_if.r_channel, bench.slave.write_if.b_channel):
            channel.set_pause_generator(itertools.chain.from_iterable(waits()))
        await bench.is_exact()


@cocotb.test()
async def resets_at_any_cycle(dut):
    """Applies a hard reset in the middle of a program: the next one must be exact."""
    bench = await Bench.ready(dut, 2, 30)
    for _ in range(6):
        await bench.start()
        await ClockCycles(dut.clk, bench.random.randrange(1, 600))
        await bench.reset()
        await bench.is_exact()


@cocotb.test()
async def registers_answer(dut):
    """Accesses after the last register answer SLVERR; writable registers keep their values; CONTROL reads zero."""
    bench = await Bench.ready(dut, 3, 40)
    assert await bench.read("ID") == 0x5452494E
    assert await bench.read("REGISTERS_VERSION") == 1
    assert await bench.read("CONTROL") == 0
    for name in ("PROGRAM", "PROGRAM_WORDS", "BASE", "IRQ_ENABLE"):
        mask = 3 if name == "IRQ_ENABLE" else 0xFFFFFF80
        for _ in range(10):
            value = bench.random.getrandbits(32) & mask
            await bench.write(name, value)
            assert await bench.read(name) == value, name
    for address in (0xF8, 0x100, 0x800, 0xFFC):
        assert (await bench.host.read(address, 4)).resp == AxiResp.SLVERR
        assert (await bench.host.write(address, bytes(4))).resp == AxiResp.SLVERR
