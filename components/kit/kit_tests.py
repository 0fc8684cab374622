# SPDX-License-Identifier: Apache-2.0
"""The tests. run.py starts one of them in one simulation: $TRINE_KIT contains its name, seed and sizes."""
import cocotb
import pyuvm
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiResp

import trine

from kit_agents import Behaviour, RegisterItem
import kit_closing
from kit_description import BEAT, CAUSES, CONFIGURATION, FIELDS_OF, ISA, OFFSETS, RUN_FIELDS, Assembler, runs_of
from kit_env import CONFIG, OPTIONS, Test, short_program
from kit_registers import MASK
from kit_scoreboard import NAMES
from kit_sequences import BUS_WAS_RESET, SCRUB, SOFT_RESET, START, OneItem, ProgramSequence

BEHAVIOURS = ({}, {"percent": 30}, {"percent": 70}, {"latency": 8}, {"latency": 30, "percent": 20}, {"latency": 100}, {"shy": True})
KINDS = ({}, {"percent": 30}, {"latency": 20}, {"latency": 100}, {"shy": True})  # one of each text()


def kit_test(cls):
    """Registers the class with cocotb if it is the selected test."""
    if cls.__name__ == OPTIONS["test"]:
        globals()["chosen"] = pyuvm.test()(cls)
    return cls


class Placed(Test):
    """Draws addresses of the memory: any page, a few beats into it, high addresses too."""

    def place(self):
        top = min(CONFIGURATION["bus.axi_addr_bits"], 36)
        origin = self.random.choice((0x1000, 0x10000, 3 << (top - 2), (1 << top) - 0x40000)) + 4096 * self.random.randrange(16)
        return origin + BEAT * self.random.randrange(64), self.random.random() < 0.5


@kit_test
class Programs(Placed):
    """Tests random programs of all engines on memories of all kinds: memory, counters, bus."""

    async def scenario(self):
        for n in range(OPTIONS["programs"]):
            seed = OPTIONS["seed"] * 1000 + n
            image = trine.random_program(CONFIG, seed, OPTIONS["length"])
            behaviour = Behaviour(**BEHAVIOURS[seed % len(BEHAVIOURS)])
            await self.run_program(image, behaviour=behaviour, at=self.place(), limit=20 * image.run().cycles + 20_000)


@kit_test
class Closing(Placed):
    """Tests programs made for bins that random ones leave open: memory, counters, bus."""

    async def scenario(self):
        for image in kit_closing.programs(CONFIG, OPTIONS["seed"], OPTIONS["programs"], OPTIONS["length"]):
            await self.run_program(image, at=self.place(), limit=20 * image.run().cycles + 20_000)


@kit_test
class Network(Placed):
    """Tests a quantized network, compiled by the Python package: outputs against the golden layers."""

    async def scenario(self):
        import numpy as np
        source = np.random.default_rng(OPTIONS["seed"])
        program = trine.compile(OPTIONS["model"] or trine.root / "models/lenet_mnist.tflite", CONFIG)

        def drawn(tensor):  # any codes; floats, which the host converts to codes, on both sides of 0
            if np.dtype(tensor.dtype).kind == "f":
                return source.normal(0, 1, tensor.shape).astype(tensor.dtype)
            limits = np.iinfo(tensor.dtype)
            return source.integers(limits.min, limits.max, tensor.shape, tensor.dtype, endpoint=True)
        inputs = [drawn(tensor) for tensor in program.inputs]
        golden = program.run(*inputs, backend="golden")
        golden = golden if isinstance(golden, tuple) else (golden,)

        def exact(memory):
            return all((a == b).all() for a, b in zip(program.outputs_in(memory), golden))
        await self.run_program(program.image(*inputs), golden=exact, at=self.place(), limit=3_000_000)


@kit_test
class Registers(Test):
    """Tests reset values, stored bits, W1C, read-only words, addresses without a register, strobes, locks, commands."""

    async def scenario(self):
        await self.reset_values()
        for _ in range(2):
            await self.kept_bits()
        await self.hard_reset()
        await self.reset_values()
        await self.errors()
        await self.events()
        await self.locks()
        await self.reset_values_after_soft_reset()

    async def reset_values(self):
        for register in self.env.registers.all:
            value = await self.env.registers.read(register.get_name())
            if register.get_name() != "STATUS" or not value & 8:
                assert value == register.value_after_reset, (
                    f"{register.get_name()}: 0x{value:x} after reset, expected 0x{register.value_after_reset:x}")

    def values(self, register):
        ones = [1 << b for b in range(32) if register.kept >> b & 1]
        some = [self.random.getrandbits(32) for _ in range(3)]
        return [v // register.multiple * register.multiple for v in (MASK, 0x55555555, 0xAAAAAAAA, *ones[::5], *some, 0)]

    async def kept_bits(self):
        """Writes all registers, then reads all: none may have changed another."""
        model = self.env.registers
        registers = [r for r in model.all if r.entry["access"] == "RW"]
        for column in zip(*[self.random.sample(self.values(r), 6) for r in registers]):
            for register, value in zip(registers, column):
                await model.write(register.get_name(), value)
            for register, value in zip(registers, column):
                got = await model.read(register.get_name())
                assert got == value & register.kept, f"{register.get_name()}: 0x{got:x} of 0x{value:x} written"

    async def access(self, address, data=0, write=False, strobe=15):
        item = RegisterItem("access", address, data, write, strobe)
        await OneItem(item).start(self.env.register_agent.sequencer)
        return item

    async def errors(self):
        """Commands that cannot be carried out answer SLVERR and change nothing."""
        model = self.env.registers
        for register in model.all:
            if register.entry["access"] == "R":
                await model.write(register.get_name(), self.random.getrandbits(32), okay=False)
            if register.multiple > 1:
                for low in {1, register.multiple // 2, register.multiple - 1}:
                    await model.write(register.get_name(), 0x1000 + low, okay=False)
        known = set(OFFSETS.values())
        for address in [a for a in range(0, 0x104, 4) if a not in known] + [0x200, 0x400, 0x800, 0xFFC]:
            for write in (False, True):
                answer = await self.access(address, MASK, write)
                assert not answer.okay, f"0x{address:x}: an access answers OKAY"
        for strobe in (1, 2, 4, 8, 3, 12, 14, 7):
            answer = await self.access(OFFSETS["CYCLES_LIMIT"], MASK, True, strobe)
            assert not answer.okay, f"strobe {strobe:x}: a write answers OKAY"
        for command in (START | SOFT_RESET, START | SCRUB):
            await model.write("CONTROL", command, okay=False)
        await self.reset_values()

    async def events(self):
        """The interrupt follows IRQ_ENABLE; only ones clear IRQ_STATUS."""
        model, irq = self.env.registers, cocotb.top.irq
        await self.good_program(2)
        await self.has_irq(1, 1)
        for write, left in ((0, 1), (2, 1), (1, 0)):
            await model.write("IRQ_STATUS", write)
            assert await model.read("IRQ_STATUS") == left, f"IRQ_STATUS: {write} written"
            assert int(irq.value) == left, "the interrupt does not follow IRQ_STATUS"
        image = Assembler().run("store", op=255, words=2)
        await self.run_program(trine.Image(CONFIG, bytes(4096), image.bytes()), causes=(CAUSES["illegal"],))
        for enable, up in ((1, 0), (2, 1), (0, 0), (3, 1)):
            await self.has_irq(enable, up)
        await model.write("IRQ_STATUS", 2)
        assert int(irq.value) == 0 and await model.read("IRQ_STATUS") == 0, "IRQ_STATUS keeps an error"

    async def has_irq(self, enable, up):
        await self.env.registers.write("IRQ_ENABLE", enable)
        await ClockCycles(cocotb.top.aclk, 2)
        assert int(cocotb.top.irq.value) == up, f"IRQ_ENABLE {enable}: the interrupt is {int(cocotb.top.irq.value)}"

    async def locks(self):
        """While a program runs, locked registers and start refuse, others do not."""
        image = short_program(self.random)
        sequence = ProgramSequence(self.env, image, image.run(), Behaviour(silent="r"))
        model = self.env.registers
        sequence.place()
        await self.env.behave(sequence.behaviour)
        await sequence.set_up()
        await sequence.launch()
        for register in model.all:
            if register.entry["locked"]:
                before = await model.read(register.get_name())
                await model.write(register.get_name(), 0x2000, okay=False)
                assert await model.read(register.get_name()) == before, f"{register.get_name()} is not locked"
        assert await model.read("STATUS") == 1, "STATUS of a program that runs"
        for command in (START, SCRUB, BUS_WAS_RESET):
            await model.write("CONTROL", command, okay=False)
        await model.write("CYCLES_LIMIT", 0)
        await self.env.behave(Behaviour())
        assert await self.env.interrupt.wait(20_000), "no interrupt"
        assert await model.read("STATUS") == 2, "STATUS of a program that is done"

    async def reset_values_after_soft_reset(self):
        """A soft reset keeps registers that were written; STATUS and the cause are clear."""
        model = self.env.registers
        await model.write("CYCLES_LIMIT", 0x12345)
        await self.soft_reset()
        assert await model.read("CYCLES_LIMIT") == 0x12345, "a soft reset changes a register"
        assert await model.read("STATUS") == 0 and await model.read("ERROR_CAUSE") == 0, "state behind a soft reset"


def first_touch(image, engine, offset):
    """Returns the number of the engine's first RUN, in order, that touches the byte."""
    return next((run.number for run in runs_of(image.words) if run.engine == engine and any(offset in r for r in run.on_bus())), None)


@kit_test
class Errors(Placed):
    """Tests SLVERR and DECERR anywhere, windows, lost responses, limits: cause, address, RUN; after each, a good
    program."""

    async def scenario(self):
        for n in range(OPTIONS["programs"]):
            self.kind = KINDS[(OPTIONS["seed"] - 1 + n) % len(KINDS)]
            for case in (self.bus_error, self.window_error, self.limit_error, self.illegal_error, self.feature_error,
                         self.progress_error, self.lost_response, self.late_response):
                await case(OPTIONS["seed"] + n)
                await self.recover()

    async def recover(self):
        await self.soft_reset()
        await self.good_program(self.random.randrange(1 << 30), at=self.place(), behaviour=Behaviour(**self.kind))

    async def fails(self, image, causes, **more):
        more.setdefault("at", self.place())
        more.setdefault("behaviour", Behaviour(**self.kind))
        return await self.run_program(image, causes=tuple(CAUSES[c] for c in causes), **more)

    async def bus_error(self, seed):
        """Makes a byte unreadable or unwritable: of the program, of a load, of a store."""
        image = short_program(self.random)
        after = image.run().memory
        for kind in ("fetch", "load", "store"):
            at, response = self.place(), (AxiResp.SLVERR, AxiResp.DECERR)[seed % 2]
            probe = ProgramSequence(self.env, image, None, at=at)
            probe.place()
            run, more = None, {}
            if kind == "fetch":
                address = probe.program + self.random.randrange(len(image.words))
                more["bad_read"] = range(address, address + 1)
            elif kind == "load":
                runs = [r for r in runs_of(image.words) if r.engine == 0 and r.on_bus()]
                offset = self.random.choice(self.random.choice(self.random.choice(runs).on_bus()))
                run, address = first_touch(image, 0, offset), probe.base + offset
                more["bad_read"] = range(address, address + 1)
            else:
                offset = self.random.choice([i for i in range(len(after)) if after[i] != image.memory[i]])
                run, address = first_touch(image, 3, offset), probe.base + offset
                more["bad_write"] = range(address, address + 1)
            beat = address - address % BEAT
            await self.fails(image, (kind,), at=at, error_run=run, address=lambda s, a=beat: range(max(0, a - 4096), a + BEAT),
                             behaviour=Behaviour(response=response, **self.kind, **more))
            burst = next(b for b in self.env.counted.bursts if b.response)
            assert self.env.counted and await self.env.registers.read_wide("ERROR_ADDRESS") in range(
                burst.address, burst.address + burst.beats * BEAT), "ERROR_ADDRESS is not of the burst that failed"
            await self.soft_reset()

    async def window_error(self, seed):
        image = short_program(self.random)
        size = len(image.memory)
        await self.fails(image, ("fetch_window",), at=(self.place()[0], False), window=lambda s: (s.first, s.program - 1))
        await self.soft_reset()
        await self.fails(image, ("fetch_window",), at=(self.place()[0], True), window=lambda s: (s.base, s.last))
        await self.soft_reset()
        # The last byte that the last store writes, or the first load reads.
        await self.fails(image, ("load_window",), at=(self.place()[0], False), window=lambda s: (s.base + BEAT, s.last),
                         error_run=0, address=lambda s: range(s.base, s.base + 1))
        await self.soft_reset()
        assembled = Assembler().run("store", dram=size - 512, words=256, rows_last=0)
        store = trine.Image(CONFIG, image.memory, assembled.bytes())
        await self.fails(store, ("store_window",), at=(self.place()[0], True), window=lambda s: (s.first, s.last), error_run=0)

    async def limit_error(self, seed):
        image = short_program(self.random)
        limit = self.random.randrange(100, image.run().cycles * 3 // 4)  # the model's cycles are wrong by some percent
        done = await self.fails(image, ("cycles",), limits={"CYCLES_LIMIT": limit})
        cycles = done.item.registers["CYCLES"]
        assert limit <= cycles <= limit + 24, f"CYCLES: {cycles}, the limit was {limit}"

    async def illegal_error(self, seed):
        """Runs illegal words: checks the cause and the address in the program."""
        image = short_program(self.random)
        where = 8 * self.random.randrange(1, len(image.words) // 8 - 1)
        engine = self.random.randrange(4)
        for cause, at, word in (("illegal", where, 2 << 62 | engine << 60 | 0xFF << 8), ("configuration", 0, 3 << 62 | seed),
                                ("illegal", where, 3 << 62 | 5)):
            words = image.words[:at] + (word & (1 << 64) - 1).to_bytes(8, "little") + image.words[at + 8:]
            bad = trine.Image(CONFIG, image.memory, words)
            ending = bad.run()
            assert ending.cause == CAUSES[cause], f"the model says {ending.cause}: {ending.text}"
            await self.fails(bad, (cause,), ending=ending, address=lambda s, a=at: range(a, a + 1))
            await self.soft_reset()
        waits = Assembler().run("store", words=2, wait=1)
        await self.fails(trine.Image(CONFIG, image.memory, waits.bytes()), ("deadlock",))
        await self.soft_reset()
        gives = Assembler()
        for _ in range(70):
            gives.run("load", words=2, signal=2)
        await self.fails(trine.Image(CONFIG, image.memory, gives.bytes()), ("token",))

    async def feature_error(self, seed):
        """Runs operations of other designs: the model decides which are lacking features, and which are illegal."""
        image = short_program(self.random)
        codes = [(engine, c["code"]) for engine, group in enumerate(("dma_target", "compute_op", "vector_op"))
                 for c in ISA["codes"][group] if not c["available"]]
        for engine, code in self.random.sample(codes, min(3, len(codes))):
            word = ISA["opcodes"]["run"] << ISA["opcode_lsb"] | engine << ISA["engine_lsb"] | code << RUN_FIELDS["op"].lsb
            at = 8 * self.random.randrange(1, len(image.words) // 8 - 1)
            bad = trine.Image(CONFIG, image.memory, image.words[:at] + word.to_bytes(8, "little") + image.words[at + 8:])
            ending = bad.run()
            await self.fails(bad, (NAMES[ending.cause],), ending=ending, address=lambda s, a=at: range(a, a + 1))
            await self.soft_reset()

    async def progress_error(self, seed):
        """Runs fewer channels than groups of columns: the machine waits for a group that never comes."""
        for n in range(100):
            draft = kit_closing.Draft(trine.random_program(CONFIG, 2 * (100 * seed + n), 6))
            for at, run in draft.runs():
                if "groups_last" in FIELDS_OF[run.engine] and run.get("groups_last") and run.get("channels") > 1:
                    image = draft.made({at: {"channels": 1}})
                    if image.run().cause == CAUSES["progress"]:
                        await self.fails(image, ("progress",), limits={"PROGRESS_LIMIT": 700})
                        return

    async def lost_response(self, seed):
        """Blocks a channel: the program stops after WATCHDOG cycles."""
        image = short_program(self.random)
        channel = ("ar", "r", "aw", "w", "b")[seed % 5]
        causes = ("fetch_timeout", "load_timeout") if channel in ("ar", "r") else ("store_timeout",)
        await self.fails(image, causes, behaviour=Behaviour(silent=channel), limits={"WATCHDOG": 700})
        await self.env.behave(Behaviour())
        await ClockCycles(cocotb.top.aclk, 2000)

    async def late_response(self, seed):
        """Like lost_response, but the response comes before WATCHDOG ends: a machine that waits for the bus makes
        progress, whatever PROGRESS_LIMIT is."""
        channel = ("ar", "r", "aw", "w", "b")[(seed + 1) % 5]
        await self.run_program(short_program(self.random), at=self.place(), behaviour=Behaviour(silent=channel), silent_cycles=1000,
                               limits={"WATCHDOG": 1400, "PROGRESS_LIMIT": 200})


@kit_test
class Malformed(Placed):
    """Tests programs without a compiler: each ends as the model predicts, if it does, and leaves a working machine."""

    async def scenario(self):
        run = n = 0
        legal = short_program(self.random)
        while run < OPTIONS["programs"]:
            n += 1
            image = legal.malformed(OPTIONS["seed"] * 1000 + n)
            ending = image.run(20_000)
            causes, address = self.expected(ending)
            if ending.refused or causes is None:
                continue
            run += 1
            await self.run_program(image, ending=ending, causes=causes, address=address, at=self.place(),
                                   limits={"CYCLES_LIMIT": 20_000}, ordered=False)
            if causes:
                await self.soft_reset()
            await self.good_program(n, at=self.place())

    @staticmethod
    def expected(ending):
        """Returns the correct causes, and the address: it is exact for words, because earlier words end well."""
        if ending.cause in (CAUSES["illegal"], CAUSES["feature"]):
            return (ending.cause,), lambda s: range(8 * ending.word, 8 * ending.word + 1)
        return ((), None) if ending.cause == 0 else (None, None)


@kit_test
class Resets(Placed):
    """Tests resets at any cycle, soft and hard; scrubbed memories read zero."""

    async def scenario(self):
        for n in range(OPTIONS["programs"]):
            for kind in KINDS:
                await self.interrupted(Behaviour(**kind))
                await self.soft_reset(behaviour=Behaviour(**kind))
                await self.good_program(n, at=self.place())
            await self.interrupted(Behaviour(percent=20))
            await self.hard_reset()
            await self.good_program(n, at=self.place())
            await self.scrubbed()

    async def interrupted(self, behaviour):
        image = short_program(self.random)
        sequence = ProgramSequence(self.env, image, image.run(), behaviour, at=self.place())
        sequence.place()
        await self.env.behave(sequence.behaviour)
        await sequence.set_up()
        await sequence.launch()
        await ClockCycles(cocotb.top.aclk, self.random.randrange(1, sequence.ending.cycles))

    async def scrubbed(self):
        """Checks DMEM after a scrub, with a program that stores it and loads nothing."""
        await self.soft_reset(SCRUB)
        words = CONFIGURATION["memory.dmem_kib"] * 256
        store = Assembler().run("store", dram=0, local=0, words=words, rows_last=0)
        image = trine.Image(CONFIG, self.random.randbytes(4 * words), store.bytes())
        await self.run_program(image, ending=image.run(), at=self.place())
