# SPDX-License-Identifier: Apache-2.0
"""A memory on chip that the processor and machines share."""

from litedram.common import LiteDRAMNativePort
from litex.gen import LiteXModule
from litex.soc.interconnect import wishbone
from migen import Memory, Signal, log2_int


class SharedMemory(LiteXModule):
    """Block RAM of `size` bytes: `bus` for the processor, port() for each machine.

    data_bits: of the widest port; all have that width.
    """

    def __init__(self, size, data_bits):
        self.data_bits = data_bits
        # Hidden, or LiteX would make it a memory behind its CSR bus as well.
        self._mem = Memory(data_bits, size * 8 // data_bits)
        self.specials += self._mem
        self.bus = wishbone.Interface(data_width=data_bits, address_width=32, addressing="word")
        self.ram = wishbone.SRAM(self._mem, bus=self.bus)

    def port(self):
        """A port as LiteDRAM's: a command a cycle, read data in the next one."""
        port = LiteDRAMNativePort("both", address_width=log2_int(self._mem.depth, need_pow2=False),
                                  data_width=self.data_bits)
        memory = self._mem.get_port(write_capable=True, we_granularity=8)
        self.specials += memory
        valid = Signal()
        self.comb += [
            port.cmd.ready.eq(~port.cmd.we | port.wdata.valid),
            port.wdata.ready.eq(port.cmd.valid & port.cmd.we),
            memory.adr.eq(port.cmd.addr),
            memory.dat_w.eq(port.wdata.data),
            port.rdata.valid.eq(valid),
            port.rdata.data.eq(memory.dat_r),
        ]
        for lane in range(self.data_bits // 8):
            self.comb += memory.we[lane].eq(port.cmd.valid & port.cmd.we & port.wdata.valid & port.wdata.we[lane])
        self.sync += valid.eq(port.cmd.valid & ~port.cmd.we)
        return port
