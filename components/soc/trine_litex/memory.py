# SPDX-License-Identifier: Apache-2.0
"""A memory on chip that the processor and machines share."""

from litedram.common import LiteDRAMNativePort
from litex.gen import LiteXModule
from litex.soc.interconnect import stream, wishbone
from migen import If, Memory, Replicate, Signal, log2_int


class SharedMemory(LiteXModule):
    """Block RAM of `size` bytes: `bus` for the processor, port() for each machine.

    data_bits: bits of a word, as many as the widest port has.
    """

    autocsr_exclude = {"mem"}  # otherwise LiteX would connect it to its CSR bus as well

    def __init__(self, size, data_bits):
        self.data_bits = data_bits
        self.mem = Memory(data_bits, size * 8 // data_bits)
        self.specials += self.mem
        self.bus = wishbone.Interface(data_width=data_bits, address_width=32, addressing="word")
        self.ram = wishbone.SRAM(self.mem, bus=self.bus)

    def port(self, data_bits):
        """Returns a port like LiteDRAM's: it accepts a command per cycle and executes it in the next one, when a
        write's data are there.

        data_bits: of the port, at most the memory's; a narrower port accesses its lanes of a word.
        """
        lanes = self.data_bits // data_bits
        port = LiteDRAMNativePort("both", address_width=log2_int(self.mem.depth * lanes, need_pow2=False),
                                  data_width=data_bits)
        memory = self.mem.get_port(write_capable=True, we_granularity=8)
        self.specials += memory
        command, read = stream.Endpoint(port.cmd.description), Signal()
        lane, read_lane = Signal(max=max(lanes, 2)), Signal(max=max(lanes, 2))
        self.sync += [
            command.valid.eq(port.cmd.valid),
            command.we.eq(port.cmd.we),
            command.addr.eq(port.cmd.addr),
            read.eq(command.valid & ~command.we),
            read_lane.eq(lane),
        ]
        self.comb += [
            lane.eq(command.addr[:log2_int(lanes)] if lanes > 1 else 0),
            port.cmd.ready.eq(1),
            port.wdata.ready.eq(command.valid & command.we),
            memory.adr.eq(command.addr[log2_int(lanes):]),
            memory.dat_w.eq(Replicate(port.wdata.data, lanes)),
            If(port.wdata.ready, memory.we.eq(port.wdata.we << (lane * (data_bits // 8)))),
            port.rdata.valid.eq(read),
            port.rdata.data.eq(memory.dat_r >> (read_lane * data_bits)),
        ]
        return port
