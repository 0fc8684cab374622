# SPDX-License-Identifier: Apache-2.0
"""Trine as a LiteX module."""

from litex.gen import LiteXModule
from litex.soc.interconnect.axi import AXIInterface, AXILiteInterface
from migen import ClockSignal, Instance, ResetSignal, Signal, log2_int

from trine_litex.design import Design

REGISTERS_BYTES = 0x1000  # of the AXI4-Lite slave

# The signals of the master's address channels; LiteX's record has no matching user signal, lock and region stay 0.
_ADDRESS = ("addr", "len", "size", "burst", "prot", "cache", "qos")


class Interrupt:
    """A level interrupt for SoC.irq, without a register between the machine and the processor."""

    def __init__(self):
        self.irq = Signal()


class Trine(LiteXModule):
    """An accelerator: `registers` is an AXI4-Lite slave, `memory` an AXI4 master, `ev.irq` a level.

    design: folder of `trine generate`. Its sources are added to the platform.
    """

    def __init__(self, platform, design):
        self.design = design = design if isinstance(design, Design) else Design(design)
        self.registers = AXILiteInterface(data_width=32, address_width=32)
        self.memory = AXIInterface(data_width=design.data_bits, address_width=design.address_bits,
                                   id_width=design.id_bits)
        self.ev = Interrupt()
        for source in design.sources():
            platform.add_source(str(source))
        self.specials += Instance(design.top, i_clk_i=ClockSignal("sys"), i_rst_ni=~ResetSignal("sys"),
                                  o_irq_o=self.ev.irq, **({"i_test_en_i": 0} if design.clock_gates else {}),
                                  **self._registers(), **self._memory())

    def _registers(self):
        lite, ports = self.registers, {}
        for name, channel, payload in (("aw", lite.aw, ("prot",)), ("ar", lite.ar, ("prot",)),
                                       ("w", lite.w, ("data", "strb"))):
            ports |= {f"i_s_axil_{name}{field}_i": getattr(channel, field) for field in ("valid", *payload)}
            ports[f"o_s_axil_{name}ready_o"] = channel.ready
        for name, channel in (("aw", lite.aw), ("ar", lite.ar)):
            ports[f"i_s_axil_{name}addr_i"] = channel.addr[:log2_int(REGISTERS_BYTES)]
        for name, channel, payload in (("r", lite.r, ("data", "resp")), ("b", lite.b, ("resp",))):
            ports |= {f"o_s_axil_{name}{field}_o": getattr(channel, field) for field in ("valid", *payload)}
            ports[f"i_s_axil_{name}ready_i"] = channel.ready
        return ports

    def _memory(self):
        axi, ports = self.memory, {}
        for name, channel, payload in (("aw", axi.aw, (*_ADDRESS, "id")), ("ar", axi.ar, (*_ADDRESS, "id")),
                                       ("w", axi.w, ("data", "strb", "last"))):
            ports |= {f"o_m_axi_{name}{field}_o": getattr(channel, field) for field in ("valid", *payload)}
            ports[f"i_m_axi_{name}ready_i"] = channel.ready
        for name, channel, payload in (("r", axi.r, ("data", "resp", "last", "id")), ("b", axi.b, ("resp", "id"))):
            ports |= {f"i_m_axi_{name}{field}_i": getattr(channel, field) for field in ("valid", *payload)}
            ports[f"o_m_axi_{name}ready_o"] = channel.ready
        return ports
