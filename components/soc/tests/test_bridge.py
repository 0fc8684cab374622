# SPDX-License-Identifier: Apache-2.0
"""Tests AXI2Port against memories, with a master and a port that pause at random."""

import random
import unittest

from litedram.common import LiteDRAMNativePort
from litex.gen import LiteXModule
from litex.gen.sim import passive, run_simulation
from litex.soc.interconnect.axi import AXIInterface
from migen import If, Memory, Signal

from trine_litex.bridge import RESP_DECERR, RESP_OKAY, AXI2Port
from trine_litex.memory import SharedMemory

BASE, BYTES, DATA_BITS = 0x4000_0000, 4096, 64
LANES = DATA_BITS // 8
WORDS = BYTES // LANES
BURSTS = 16  # of each direction
LIMIT = 8_000  # cycles


class LatePort(LiteXModule):
    """A memory with LiteDRAM's timing: accepts a command when `coin` is set, and a write's data exactly LATENCY
    cycles later.

    `wrong` stays high after missing write data, or a changed waiting command.
    """

    LATENCY = 3

    def __init__(self):
        self.coin, self.wrong = Signal(), Signal()
        self.port = port = LiteDRAMNativePort("both", address_width=9, data_width=DATA_BITS)
        self.mem = Memory(DATA_BITS, WORDS)
        write, read = self.mem.get_port(write_capable=True, we_granularity=8), self.mem.get_port(async_read=True)
        self.specials += self.mem, write, read
        waited, we, address = Signal(), Signal(), Signal(9)
        valid, is_write, where = port.cmd.valid & port.cmd.ready, port.cmd.we, port.cmd.addr
        for _ in range(self.LATENCY):
            stage = Signal(), Signal(), Signal(9)
            self.sync += [stage[0].eq(valid), stage[1].eq(is_write), stage[2].eq(where)]
            valid, is_write, where = stage
        self.comb += [
            port.cmd.ready.eq(self.coin),
            port.wdata.ready.eq(valid & is_write),
            write.adr.eq(where),
            write.dat_w.eq(port.wdata.data),
            If(valid & is_write, write.we.eq(port.wdata.we)),
            read.adr.eq(where),
            port.rdata.valid.eq(valid & ~is_write),
            port.rdata.data.eq(read.dat_r),
        ]
        changed = ~port.cmd.valid | (port.cmd.we != we) | (port.cmd.addr != address)
        self.sync += [
            waited.eq(port.cmd.valid & ~port.cmd.ready),
            we.eq(port.cmd.we),
            address.eq(port.cmd.addr),
            If((valid & is_write & ~port.wdata.valid) | (waited & changed), self.wrong.eq(1)),
        ]


class Burst:
    def __init__(self, rng):
        self.id = rng.randrange(4)
        self.len = rng.choice((0, 0, 1, 2, 3, 7, 15, rng.randrange(40)))
        self.word = rng.randrange(WORDS - 40)
        self.outside = rng.random() < 0.1
        if self.outside:  # before the memory, after it, or across its end
            self.word = rng.choice((-50, WORDS + 3, WORDS - self.len))
        self.data = [(rng.getrandbits(DATA_BITS), rng.getrandbits(LANES)) for _ in range(self.len + 1)]
        self.answer = RESP_DECERR if self.outside else RESP_OKAY
        self.address = BASE + self.word * LANES


def merged(old, new, strobes):
    mask = sum(0xff << 8 * lane for lane in range(LANES) if strobes >> lane & 1)
    return old & ~mask | new & mask


class Master:
    """Writes one half while it reads the other, so that their order does not matter; then exchanges the halves."""

    def __init__(self, axi, rng, slow):
        self.axi, self.rng, self.slow = axi, rng, slow
        self.words = [0] * WORDS
        self.read = self.written = 0
        self.writes = self.bursts(0) + self.bursts(WORDS // 2)
        self.reads = self.bursts(WORDS // 2) + self.bursts(0)

    def bursts(self, first):
        bursts = [Burst(self.rng) for _ in range(BURSTS)]
        for burst in bursts:
            if not burst.outside:
                burst.word = first + burst.word % (WORDS // 2 - 40)
                burst.address = BASE + burst.word * LANES
        return bursts

    def pause(self):
        return range(self.rng.choice((0, 0, 0, 1, 3)) if self.slow else 0)

    def send(self, channel, fields):
        for name, value in fields.items():
            yield getattr(channel, name).eq(value)
        yield channel.valid.eq(1)
        yield
        while not (yield channel.ready):
            yield
        yield channel.valid.eq(0)
        for _ in self.pause():
            yield

    def addresses(self, channel, bursts):
        for i, burst in enumerate(bursts):
            while i == BURSTS and (self.written < BURSTS or self.read < BURSTS):
                yield
            yield from self.send(channel, {"addr": burst.address, "len": burst.len, "id": burst.id})

    def write_data(self):
        for burst in self.writes:
            for i, (data, strobes) in enumerate(burst.data):
                yield from self.send(self.axi.w, {"data": data, "strb": strobes, "last": i == burst.len})

    def receive(self, channel):
        """Receives one transfer, after a pause."""
        for _ in self.pause():
            yield
        yield channel.ready.eq(1)
        yield
        while not (yield channel.valid):
            yield
        yield channel.ready.eq(0)

    def answers(self):
        for burst in self.writes:
            yield from self.receive(self.axi.b)
            assert ((yield self.axi.b.id), (yield self.axi.b.resp)) == (burst.id, burst.answer), "answer to a write"
            self.written += 1
            if not burst.outside:
                for i, (data, strobes) in enumerate(burst.data):
                    self.words[burst.word + i] = merged(self.words[burst.word + i], data, strobes)

    def read_data(self):
        for burst in self.reads:
            for i in range(burst.len + 1):
                yield from self.receive(self.axi.r)
                got = ((yield self.axi.r.id), (yield self.axi.r.resp), (yield self.axi.r.last))
                assert got == (burst.id, burst.answer, int(i == burst.len)), "beat of a read"
                if not burst.outside:
                    assert (yield self.axi.r.data) == self.words[burst.word + i], "data of a read"
            self.read += 1

    def generators(self):
        return [self.addresses(self.axi.aw, self.writes), self.write_data(), self.answers(),
                self.addresses(self.axi.ar, self.reads), self.read_data()]


class Bench(LiteXModule):
    def __init__(self, memory, port):
        self.axi = AXIInterface(DATA_BITS, 32, id_width=2)
        self.memory = memory
        self.bridge = AXI2Port(self.axi, port, BASE, BYTES)


@passive
def coins(signal, rng):
    while True:
        yield signal.eq(rng.random() < 0.6)
        yield


def end_of_time():
    for _ in range(LIMIT):
        yield
    raise AssertionError("no end: a transfer does not come")


class Bridge(unittest.TestCase):
    def check(self, bench, rng, slow, more=()):
        master = Master(bench.axi, rng, slow)
        run_simulation(bench, [*master.generators(), *more, passive(end_of_time)()])
        self.assertEqual((master.written, master.read), (2 * BURSTS, 2 * BURSTS))

    def test_memory_on_chip(self):
        for seed in range(2):
            with self.subTest(seed=seed):
                memory = SharedMemory(BYTES, DATA_BITS << seed)
                self.check(Bench(memory, memory.port(DATA_BITS)), random.Random(seed), slow=seed > 0)

    def test_late_port(self):
        for seed in range(2):
            with self.subTest(seed=seed):
                rng, memory = random.Random(seed), LatePort()
                bench = Bench(memory, memory.port)
                self.check(bench, rng, seed > 0, [coins(memory.coin, rng), self.well_used(memory.wrong)])

    @passive
    def well_used(self, wrong):
        while True:
            self.assertFalse((yield wrong), "a command changed while it waited, or a write's data was not there")
            yield


if __name__ == "__main__":
    unittest.main()
