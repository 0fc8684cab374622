# SPDX-License-Identifier: Apache-2.0
"""A memory on chip that the processor and machines share."""

from litedram.common import LiteDRAMNativePort
from litex.gen import LiteXModule
from litex.soc.interconnect import stream, wishbone
from migen import If, Memory, Signal, log2_int


class SharedMemory(LiteXModule):
    """Block RAM of `size` bytes: `bus` for the processor, port() for each machine.

    data_bits: of the widest port; all have that width.
    """

    autocsr_exclude = {"mem"}  # or LiteX would put it behind its CSR bus as well

    def __init__(self, size, data_bits):
        self.data_bits = data_bits
        self.mem = Memory(data_bits, size * 8 // data_bits)
        self.specials += self.mem
        self.bus = wishbone.Interface(data_width=data_bits, address_width=32, addressing="word")
        self.ram = wishbone.SRAM(self.mem, bus=self.bus)

    def port(self):
        """A port as LiteDRAM's: a command a cycle, carried out in the next one, when a write's data is there."""
        port = LiteDRAMNativePort("both", address_width=log2_int(self.mem.depth, need_pow2=False),
                                  data_width=self.data_bits)
        memory = self.mem.get_port(write_capable=True, we_granularity=8)
        self.specials += memory
        command, read = stream.Endpoint(port.cmd.description), Signal()
        self.sync += [
            command.valid.eq(port.cmd.valid),
            command.we.eq(port.cmd.we),
            command.addr.eq(port.cmd.addr),
            read.eq(command.valid & ~command.we),
        ]
        self.comb += [
            port.cmd.ready.eq(1),
            port.wdata.ready.eq(command.valid & command.we),
            memory.adr.eq(command.addr),
            memory.dat_w.eq(port.wdata.data),
            If(port.wdata.ready, memory.we.eq(port.wdata.we)),
            port.rdata.valid.eq(read),
            port.rdata.data.eq(memory.dat_r),
        ]
        return port
