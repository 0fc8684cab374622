# SPDX-License-Identifier: Apache-2.0
"""Tests the custom instruction's bus: addresses of each machine's registers, data, an answer for each command, waiting."""

import unittest

from migen import run_simulation

from trine_litex.cfu import Cfu

REGISTERS, BYTES = 0xE000_0000, 0x1000


class Test(unittest.TestCase):
    def run_commands(self, commands, wait):
        """Runs [(function, machine, offset, data)]. Returns the results, and [(write, address, data)] on the bus."""
        dut, results, seen = Cfu(REGISTERS, BYTES), [], []

        def processor():
            for function, machine, offset, data in commands:
                yield dut.function.eq(machine << 3 | function)
                yield dut.offset.eq(offset)
                yield dut.data.eq(data)
                yield dut.cmd_valid.eq(1)
                yield
                while not (yield dut.cmd_ready):
                    yield
                yield dut.cmd_valid.eq(0)
                for _ in range(wait):
                    yield
                yield dut.rsp_ready.eq(1)
                yield
                while not (yield dut.rsp_valid):
                    yield
                results.append((yield dut.result))
                yield dut.rsp_ready.eq(0)
                yield

        def registers():
            held = {}
            for _ in range(40 * len(commands)):
                yield dut.bus.ack.eq(0)
                yield
                if not (yield dut.bus.stb):
                    continue
                for _ in range(wait):
                    yield
                address, write = 4 * (yield dut.bus.adr), (yield dut.bus.we)
                data = (yield dut.bus.dat_w) if write else held.get(address, 0x55)
                seen.append((write, address, data))
                if write:
                    held[address] = data
                yield dut.bus.dat_r.eq(data)
                yield dut.bus.ack.eq(1)
                yield

        run_simulation(dut, [processor(), registers()])
        return results, seen

    def test_reads_and_writes(self):
        commands = [(0, 0, 0x10, 7), (1, 0, 0x10, 1234), (0, 0, 0x10, 0), (1, 1, 0xFFC, 5), (0, 1, 0xFFC, 0),
                    (0, 0, 0x1_0010, 0)]
        for wait in (0, 1, 3):
            results, seen = self.run_commands(commands, wait)
            self.assertEqual(results, [0x55, 0, 1234, 0, 5, 1234])
            self.assertEqual(seen, [(0, 0xE000_0010, 0x55), (1, 0xE000_0010, 1234), (0, 0xE000_0010, 1234),
                                    (1, 0xE000_1FFC, 5), (0, 0xE000_1FFC, 5), (0, 0xE000_0010, 1234)])


if __name__ == "__main__":
    unittest.main()
