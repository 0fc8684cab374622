# SPDX-License-Identifier: Apache-2.0
"""The environment: agents, register model, scoreboard, coverage, and the base class of the tests."""
import json
import os
import pathlib
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles
from pyuvm import ConfigDB, uvm_env, uvm_subscriber, uvm_test

import trine

from kit_agents import InterruptMonitor, MemoryAgent, MemoryModel, RegisterAgent
from kit_coverage import Coverage
from kit_description import BEAT, CONFIGURATION, DATA, ENGINES, OFFSETS, Assembler, operations_of
from kit_registers import RegisterModel
from kit_scoreboard import Scoreboard
from kit_sequences import OneItem, ProgramSequence, SoftReset

OPTIONS = json.loads(os.environ["TRINE_KIT"])
CONFIG = trine.Config(str(pathlib.Path(__file__).resolve().parent / "config.toml"))
NAMES = {offset: name for name, offset in OFFSETS.items()}


class Counted(uvm_subscriber):
    """Counts the payload on the bus since clear()."""

    def build_phase(self):
        self.clear()

    def clear(self):
        self.read = self.written = 0
        self.bursts = []

    def write(self, burst):
        self.bursts.append(burst)
        if burst.write:
            self.written += burst.bytes
        else:
            self.read += burst.bytes


class Listener(uvm_subscriber):
    """Passes everything that it receives to a function."""

    def write(self, item):
        self.function(item)


class Env(uvm_env):
    def build_phase(self):
        self.memory_model = MemoryModel()
        ConfigDB().set(self, "*", "DUT", cocotb.top)
        ConfigDB().set(self, "*", "MEMORY", self.memory_model)
        ConfigDB().set(self, "*", "SEED", OPTIONS["seed"])
        self.register_agent = RegisterAgent("register_agent", self)
        self.memory_agent = MemoryAgent("memory_agent", self)
        self.interrupt = InterruptMonitor("interrupt", self)
        self.scoreboard = Scoreboard("scoreboard", self)
        self.coverage = Coverage("coverage", self)
        self.counted = Counted("counted", self)
        self.heard = Listener("heard", self)
        self.accesses = Listener("accesses", self)
        self.registers = RegisterModel()

    def connect_phase(self):
        self.registers.connect(self.register_agent.sequencer)
        self.heard.function = self.coverage.burst
        self.accesses.function = lambda a: self.coverage.access(NAMES.get(a.address, "none"), a.write, a.okay)
        self.memory_agent.monitor.bursts.connect(self.counted.analysis_export)
        self.memory_agent.monitor.bursts.connect(self.heard.analysis_export)
        self.register_agent.driver.done.connect(self.accesses.analysis_export)

    async def behave(self, behaviour):
        await OneItem(behaviour).start(self.memory_agent.sequencer)

    def publish(self, item):
        """Publishes a program's end for checks and coverage; an error stops the test."""
        self.scoreboard.write(item)
        self.coverage.write(item)
        self.check()

    def check(self):
        self.memory_agent.monitor.check()
        assert not self.scoreboard.faults, "; ".join(self.scoreboard.faults[:4])


class Test(uvm_test):
    """A machine out of reset; scenario() is the test itself. Its coverage is stored where run.py reads it."""

    def build_phase(self):
        self.env = Env("env", self)
        self.random = random.Random(f"{type(self).__name__} {OPTIONS['seed']}")

    async def run_phase(self):
        self.raise_objection()
        cocotb.start_soon(Clock(cocotb.top.aclk, 10, units="ns").start())
        await self.hard_reset()
        try:
            await self.scenario()
            self.env.check()
        except Exception as error:
            print(f"kit: wrong: {type(error).__name__}: {error}", flush=True)
            raise
        finally:
            self.env.coverage.save(pathlib.Path(OPTIONS["coverage"]))
            print(f"kit: {self.env.interrupt.cycles} cycles, {self.env.scoreboard.programs} programs", flush=True)
        self.drop_objection()

    async def hard_reset(self):
        cocotb.top.aresetn.value = 0
        await ClockCycles(cocotb.top.aclk, 4)
        cocotb.top.aresetn.value = 1
        await ClockCycles(cocotb.top.aclk, 2)
        self.env.registers.reset()
        await SoftReset.over(self.env)  # memories with ECC are scrubbed first

    async def run_program(self, image, ending=None, **more):
        """Runs a program. @return the sequence after its end"""
        sequence = ProgramSequence(self.env, image, ending or image.run(), **more)
        await sequence.start()
        return sequence

    async def soft_reset(self, *command, **more):
        await SoftReset(self.env, *command, **more).start()

    async def good_program(self, seed, **more):
        """Runs a short program that must be exact: earlier programs must not influence it."""
        return await self.run_program(short_program(random.Random(seed)), **more)


def short_program(source):
    """Returns a program of some hundred cycles: loads of four memories, windows of the vector engine if there is one,
    stores of rows."""
    made, beat = Assembler(), BEAT // 4
    row = max(beat, -(-CONFIGURATION["array.cols"] // beat) * beat)
    windows = source.randrange(1, 4) if CONFIGURATION["vector.enable"] else 0
    made.run("load", dram=0, words=64)
    made.run("load", op=operation("load", "pmem"), dram=1024, words=4 * row)
    made.run("load", op=operation("load", "bias"), dram=2048, words=beat * source.randrange(1, 6))
    made.run("load", op=operation("load", "scale"), dram=3072, words=beat * source.randrange(1, 6), signal=4 if windows else 8)
    for n in range(windows):
        made.run("vector", wait=0 if n else 1, signal=8 if n + 1 == windows else 0, **window(source, 64 * (n + 1)))
    made.run("store", dram=4096, local=64 * bool(windows), words=beat * source.randrange(1, 17), rows_last=source.randrange(3),
             local_stride=beat * source.randrange(1, 5), dram_stride=4 * beat * source.randrange(17, 30), wait=4 if windows else 1)
    made.run("store", dram=5632, local=beat * source.randrange(8), words=beat * source.randrange(1, 9))
    return trine.Image(CONFIG, source.randbytes(6144), made.bytes())


def operation(engine, name):
    return next(c["code"] for c in operations_of(ENGINES.index(engine)) if c["name"] == name)


def window(source, out):
    """Returns a RUN that writes the largest or smallest codes of windows of an 8 x 8 map at word 0 to the words from
    `out` on."""
    taps, rows = source.randrange(1, 3), CONFIGURATION["array.rows"]
    side = 9 - taps
    down, right = divmod(rows, side)
    return {"op": operation("vector", source.choice(("max", "min"))), "row_wrap": 8 - side, "tile_base": 8 * down + right,
            "kx_step": 1, "ky_step": 9 - taps, "x_end": side, "y_end": side, "height": 8, "width": 8, "tile_x": right,
            "tile_y": down, "stride_x": 1, "stride_y": 1, "s_last": taps - 1, "r_last": taps - 1, "dil_x": 1, "dil_y": 1,
            "tiles_last": -(-side * side // rows) - 1, "out": out, "tile_out": rows, "pad_code": 0}


assert int(DATA["configuration_hash"], 16) == CONFIG.hash, "config.toml and description.json are of two designs"
