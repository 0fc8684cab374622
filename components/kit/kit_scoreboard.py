# SPDX-License-Identifier: Apache-2.0
"""The scoreboard: compares the results of a program with the golden model of the Python package `trine`."""
from pyuvm import uvm_subscriber

from kit_description import CAUSES, DATA, ENGINES, runs_of

COMPUTE = next(cause["code"] for cause in DATA["causes"] if cause["name"] == "compute")
NAMES = {code: name for name, code in CAUSES.items()}


class ProgramItem:
    """A program that ran: its image (trine.Image), the golden ending, and the results of the machine.

    `causes`: those that are correct if the program does not end well; `address`: the range for ERROR_ADDRESS.
    `ordered`: true if its RUNs wait for each other where necessary, and read only what it wrote; otherwise memory is
    undefined: engines race, and DMEM contains data of the previous program.
    """

    def __init__(self, image, ending, behaviour, causes=(), address=None, error_run=None, golden=None, ordered=True):
        self.image, self.ending, self.behaviour = image, ending, behaviour
        self.causes, self.address, self.error_run, self.golden = causes, address, error_run, golden
        self.ordered = ordered
        self.registers, self.memory, self.around, self.clocks, self.bytes_read, self.bytes_written = {}, b"", True, 0, 0, 0

    def cover(self, coverage):
        cause = self.registers["ERROR_CAUSE"]
        coverage.ending(self.behaviour.text(), NAMES.get(cause, "?") if cause else "done")
        if not self.causes and self.ordered:  # results that are not compared do not count as covered
            coverage.program(self.image.words)


class Scoreboard(uvm_subscriber):
    """Contains every check of a program; `faults` are the failed ones."""

    def build_phase(self):
        self.faults, self.programs = [], 0

    def wrong(self, text):
        self.faults.append(text)

    def same(self, what, got, expected):
        if got != expected:
            self.wrong(f"{what}: {got}, expected {expected}")

    def write(self, item):
        self.programs += 1
        if not item.around:
            self.wrong("a byte outside of the program's memory was written")
        (self.failed if item.causes else self.done)(item)

    def done(self, item):
        registers = item.registers
        self.same("STATUS", registers["STATUS"], 2)
        self.same("ERROR_CAUSE", registers["ERROR_CAUSE"], 0)
        self.same("IRQ_STATUS", registers["IRQ_STATUS"], 1)
        if item.ordered:
            self.data(item)
            self.counters(item)

    def data(self, item):
        """Compares memory byte for byte; for a network also its outputs with the golden layers."""
        expected = item.ending.memory
        if item.memory != expected:
            at = next(i for i in range(len(expected)) if item.memory[i] != expected[i])
            count = sum(a != b for a, b in zip(item.memory, expected))
            self.wrong(f"{count} bytes of memory differ, the first at BASE + 0x{at:x}: {item.memory[at]}, expected {expected[at]}")
        if item.golden is not None and not item.golden(item.memory):
            self.wrong("outputs differ from the golden layers'")

    def counters(self, item):
        registers = item.registers
        cycles = registers["CYCLES"]
        self.same("the sum of CAUSE", sum(registers["CAUSE"]), cycles)
        self.same("CAUSE of compute", registers["CAUSE"][COMPUTE], item.ending.causes[COMPUTE])  # steps of the array
        self.same("BYTES_READ against the bus", registers["BYTES_READ"], item.bytes_read)
        self.same("BYTES_WRITTEN against the bus", registers["BYTES_WRITTEN"], item.bytes_written)
        self.same("BYTES_WRITTEN against the model", registers["BYTES_WRITTEN"], item.ending.bytes_written)
        if not -12 <= item.clocks - cycles <= 12:
            self.wrong(f"CYCLES: {cycles}, the monitor counted {item.clocks}")
        used = {run.engine for run in runs_of(item.image.words)}
        for engine, busy in enumerate(registers["ENGINE_BUSY"]):
            if busy > cycles or (busy > 0) != (engine in used):
                self.wrong(f"ENGINE_BUSY of {ENGINES[engine]}: {busy} of {cycles} cycles")

    def failed(self, item):
        registers = item.registers
        cause = registers["ERROR_CAUSE"]
        if cause not in item.causes:
            self.wrong(f"ERROR_CAUSE: {NAMES.get(cause, cause)}, expected {' or '.join(NAMES[c] for c in item.causes)}")
        self.same("STATUS", registers["STATUS"] & ~16, 4)
        self.same("IRQ_STATUS", registers["IRQ_STATUS"], 2)
        address = registers["ERROR_ADDRESS"]
        if item.address is not None and address not in item.address:
            self.wrong(f"ERROR_ADDRESS: 0x{address:x}, expected 0x{item.address.start:x}..0x{item.address.stop - 1:x}")
        self.same("the alias of ERROR_ADDRESS", registers["ALIAS"], address)
        if item.error_run is not None:
            self.same("ERROR_RUN", registers["ERROR_RUN"], item.error_run)
