# SPDX-License-Identifier: Apache-2.0
"""Agents of the machine's two buses and its interrupt: AXI4-Lite registers, AXI4 memory."""
import itertools
import random

import cocotb
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiResp, AxiSlave
from pyuvm import (ConfigDB, uvm_agent, uvm_analysis_port, uvm_component, uvm_driver, uvm_sequence_item, uvm_sequencer)


class ProtocolError(AssertionError):
    """A violation of a bus rule."""


class RegisterItem(uvm_sequence_item):
    """An access to the registers; `strobe` selects the bytes of a word to write."""

    def __init__(self, name, address, data=0, write=False, strobe=15):
        super().__init__(name)
        self.address, self.data, self.write, self.strobe, self.okay = address, data, write, strobe, None


class RegisterDriver(uvm_driver):
    def build_phase(self):
        self.dut = ConfigDB().get(self, "", "DUT")
        self.done = uvm_analysis_port("done", self)
        self.host = AxiLiteMaster(AxiLiteBus.from_prefix(self.dut, "s_axi"), self.dut.aclk, self.dut.aresetn, False)

    async def run_phase(self):
        while True:
            item = await self.seq_item_port.get_next_item()
            if item.write:
                item.okay = await self.store(item)
            else:
                answer = await self.host.read(item.address, 4)
                item.data, item.okay = int.from_bytes(answer.data, "little"), answer.resp == AxiResp.OKAY
            self.done.write(item)
            self.seq_item_port.item_done()

    async def store(self, item):
        """Writes a word. Strobes must be contiguous, because cocotbext-axi derives them from the bytes that it is
        given."""
        first = (item.strobe & -item.strobe).bit_length() - 1
        count = bin(item.strobe).count("1")
        data = item.data.to_bytes(4, "little")[first:first + count]
        return (await self.host.write(item.address + first, data)).resp == AxiResp.OKAY


class RegisterAgent(uvm_agent):
    def build_phase(self):
        self.sequencer = uvm_sequencer("sequencer", self)
        self.driver = RegisterDriver("driver", self)

    def connect_phase(self):
        self.driver.seq_item_port.connect(self.sequencer.seq_item_export)


class Behaviour(uvm_sequence_item):
    """The behaviour of the memory from now on.

    percent   of cycles in which a channel pauses
    latency   maximum of cycles before a beat or a response; one in sixteen waits
    shy       ready comes only after valid
    bad_read, bad_write   bytes whose beats are answered with `response`
    silent    a channel that never responds: "ar", "r", "aw", "w", "b"
    """

    def __init__(self, name="behaviour", percent=0, latency=0, shy=False, bad_read=range(0), bad_write=range(0),
                 response=AxiResp.SLVERR, silent=""):
        super().__init__(name)
        self.percent, self.latency, self.shy, self.response, self.silent = percent, latency, shy, response, silent
        self.bad_read, self.bad_write = bad_read, bad_write

    def text(self):
        return ("silent" if self.silent else "shy" if self.shy else "slow" if self.latency > 30 else "latency" if self.latency else
                "pauses" if self.percent else "plain")


class MemoryModel:
    """Bytes from the address `origin` on, which cocotbext-axi's slave reads and writes. Other addresses answer
    DECERR."""

    def __init__(self):
        self.origin, self.bytes, self.behaviour, self.response = 0, bytearray(), Behaviour(), AxiResp.OKAY

    def check(self, bad, address, length):
        outside = address < self.origin or address + length > self.origin + len(self.bytes)
        if outside or (bad.start < address + length and address < bad.stop):
            self.response = AxiResp.DECERR if outside else self.behaviour.response
            raise ValueError("an error response is asked for")
        return slice(address - self.origin, address - self.origin + length)

    async def read(self, address, length):
        return bytes(self.bytes[self.check(self.behaviour.bad_read, address, length)])

    async def write(self, address, data):
        self.bytes[self.check(self.behaviour.bad_write, address, len(data))] = data


class MemoryDriver(uvm_driver):
    """A reactive slave: its items define how it answers."""

    def build_phase(self):
        self.dut = ConfigDB().get(self, "", "DUT")
        self.model = ConfigDB().get(self, "", "MEMORY")
        self.random = random.Random(ConfigDB().get(self, "", "SEED"))
        self.slave = AxiSlave(AxiBus.from_prefix(self.dut, "m_axi"), self.dut.aclk, self.dut.aresetn, self.model,
                              reset_active_level=False)
        read, write = self.slave.read_if, self.slave.write_if
        self.channels = {"ar": read.ar_channel, "r": read.r_channel, "aw": write.aw_channel, "w": write.w_channel,
                         "b": write.b_channel}
        self.answer_as(read.r_channel, "rresp")
        self.answer_as(write.b_channel, "bresp")

    def answer_as(self, channel, name):
        """Replaces SLVERR, the only error of the slave, by the response that the model selects."""
        send = channel.send

        async def answered(beat):
            if getattr(beat, name) != AxiResp.OKAY:
                setattr(beat, name, self.model.response)
            await send(beat)
        channel.send = answered

    def pauses(self, percent):
        source = random.Random(self.random.random())
        return (source.random() * 100 < percent for _ in itertools.count())

    def waits(self, latency):
        source = random.Random(self.random.random())
        return itertools.chain.from_iterable([True] * (source.randrange(latency + 1) if source.randrange(16) == 0 else 0) + [False]
                                             for _ in itertools.count())

    def behind(self, name):
        """Pauses until an offer arrives."""
        valid = getattr(self.dut, f"m_axi_{name}valid")
        return (valid.value.binstr != "1" for _ in itertools.count())

    async def run_phase(self):
        while True:
            item = await self.seq_item_port.get_next_item()
            self.model.behaviour = item
            for name, channel in self.channels.items():
                channel.clear_pause_generator()
                channel.pause = name == item.silent
                if channel.pause:
                    continue
                if item.shy and name in ("ar", "aw", "w"):
                    channel.set_pause_generator(self.behind(name))
                elif item.latency and name in ("r", "b"):
                    channel.set_pause_generator(self.waits(item.latency))
                elif item.percent:
                    channel.set_pause_generator(self.pauses(item.percent))
            self.seq_item_port.item_done()


class Burst:
    def __init__(self, write, address, beats):
        self.write, self.address, self.beats, self.left = write, address, beats, beats
        self.bytes = self.response = 0


class MemoryMonitor(uvm_component):
    """Observes every cycle of the memory's bus: checks the AXI4 rules for the machine, and publishes bursts."""

    def build_phase(self):
        self.dut = ConfigDB().get(self, "", "DUT")
        self.bursts = uvm_analysis_port("bursts", self)
        self.fault = None
        self.forget()

    def forget(self):
        self.reads, self.writes, self.data, self.answers, self.held = [], [], [], [], {}

    def wrong(self, text):
        if self.fault is None:
            self.fault = text

    def check(self):
        if self.fault is not None:
            raise ProtocolError(self.fault)

    def signal(self, name):
        return getattr(self.dut, f"m_axi_{name}")

    async def run_phase(self):
        self.size = (len(self.signal("wdata")) // 8).bit_length() - 1
        names = {"ar": ("araddr", "arlen"), "aw": ("awaddr", "awlen"), "w": ("wdata", "wstrb", "wlast")}
        channels = [(channel, self.signal(channel + "valid"), self.signal(channel + "ready"),
                     [self.signal(name) for name in names.get(channel, ())]) for channel in ("ar", "r", "aw", "w", "b")]
        clock, reset = RisingEdge(self.dut.aclk), self.dut.aresetn
        while True:
            await clock
            if reset.value.binstr != "1":
                self.forget()
                continue
            for channel, valid, ready, payload in channels:
                value = valid.value.binstr
                if value == "0":
                    if channel in self.held:
                        self.wrong(f"{channel}valid falls before {channel}ready")
                        del self.held[channel]
                    continue
                if value != "1":
                    self.wrong(f"{channel}valid is {value}")
                    continue
                if payload:
                    self.holds(channel, [signal.value.binstr for signal in payload])
                if ready.value.binstr == "1":
                    self.held.pop(channel, None)
                    self.transfer(channel)

    def holds(self, channel, values):
        before = self.held.setdefault(channel, values)
        if before != values:
            self.wrong(f"{channel}: payload changes before {channel}ready")
            self.held[channel] = values

    def number(self, name):
        value = self.signal(name).value
        if not value.is_resolvable:
            self.wrong(f"{name} is {value.binstr}")
            return 0
        return value.integer

    def transfer(self, channel):
        if channel in ("ar", "aw"):
            burst = Burst(channel == "aw", self.number(channel + "addr"), self.number(channel + "len") + 1)
            last = burst.address + (burst.beats << self.size) - 1
            if burst.address >> 12 != last >> 12:
                self.wrong(f"a burst of {burst.beats} beats at 0x{burst.address:x} crosses 4 KiB")
            if self.number(channel + "size") != self.size or self.number(channel + "burst") != 1:
                self.wrong(f"{channel}: not an INCR burst of whole beats")
            (self.writes if burst.write else self.reads).append(burst)
            if burst.write:
                self.answers.append(burst)
        elif channel == "r":
            self.read_beat()
        elif channel == "w":
            self.data.append((self.number("wstrb"), self.number("wlast")))
        elif channel == "b" and self.answers:
            burst = self.answers.pop(0)
            burst.response = self.number("bresp")
            self.bursts.write(burst)
        self.write_beats()

    def read_beat(self):
        if not self.reads:
            return
        burst = self.reads[0]
        burst.left -= 1
        burst.bytes += 1 << self.size
        burst.response = burst.response or self.number("rresp")
        if burst.left == 0:
            self.bursts.write(self.reads.pop(0))

    def write_beats(self):
        """Data may arrive before their address: they are checked when both are there."""
        while self.writes and self.data:
            strobe, last = self.data.pop(0)
            burst = self.writes[0]
            burst.left -= 1
            burst.bytes += bin(strobe).count("1")
            if bool(last) != (burst.left == 0):
                self.wrong("wlast is not with a burst's last beat")
            if burst.left == 0:
                self.writes.pop(0)


class MemoryAgent(uvm_agent):
    def build_phase(self):
        self.sequencer = uvm_sequencer("sequencer", self)
        self.driver = MemoryDriver("driver", self)
        self.monitor = MemoryMonitor("monitor", self)

    def connect_phase(self):
        self.driver.seq_item_port.connect(self.sequencer.seq_item_export)


class InterruptMonitor(uvm_component):
    """Counts clock cycles, and those in which the interrupt is active; waits for it."""

    def build_phase(self):
        self.dut = ConfigDB().get(self, "", "DUT")
        self.cycles = 0

    async def run_phase(self):
        clock = RisingEdge(self.dut.aclk)
        while True:
            await clock
            self.cycles += 1

    async def wait(self, limit):
        """@return true if it came within `limit` cycles"""
        clock, end = RisingEdge(self.dut.aclk), self.cycles + limit
        while self.dut.irq.value.binstr != "1":
            if self.cycles >= end:
                return False
            await clock
        return True
