# SPDX-License-Identifier: Apache-2.0
"""Injects faults on demand on the bus between a machine and its bridge."""

from litex.gen import LiteXModule
from litex.soc.interconnect.axi import AXIInterface
from litex.soc.interconnect.csr import CSRField, CSRStorage
from migen import If, Signal

RESP_SLVERR = 0b10


class Faults(LiteXModule):
    """Passes a machine's bus to `out`, and its interrupt to `ev.irq`, with the faults that the registers select."""

    def __init__(self, trine):
        self.read_error = CSRStorage(16, description="SLVERR with this beat of read data, counted from 1; 0: never.")
        self.write_error = CSRStorage(16, description="SLVERR as this answer to a write, counted from 1; 0: never.")
        self.cut = CSRStorage(fields=[
            CSRField("reads", size=1, description="Addresses of reads are no longer accepted."),
            CSRField("interrupt", size=1, description="The interrupt does not arrive."),
        ])
        axi = trine.memory
        self.out = out = AXIInterface(axi.data_width, axi.address_width, id_width=axi.id_width)
        self.comb += [
            axi.aw.connect(out.aw),
            axi.w.connect(out.w),
            axi.ar.connect(out.ar, omit={"valid", "ready"}),
            out.ar.valid.eq(axi.ar.valid & ~self.cut.fields.reads),
            axi.ar.ready.eq(out.ar.ready & ~self.cut.fields.reads),
            out.r.connect(axi.r, omit={"resp"}),
            out.b.connect(axi.b, omit={"resp"}),
        ]
        self._fail(axi.r, out.r, self.read_error)
        self._fail(axi.b, out.b, self.write_error)
        machine, trine.ev = trine.ev, type(trine.ev)()
        self.comb += trine.ev.irq.eq(machine.irq & ~self.cut.fields.interrupt)

    def _fail(self, channel, source, register):
        left = Signal(16)
        self.comb += channel.resp.eq(source.resp)
        self.comb += If(left == 1, channel.resp.eq(RESP_SLVERR))
        self.sync += [
            If(channel.valid & channel.ready & (left != 0), left.eq(left - 1)),
            If(register.re, left.eq(register.storage)),
        ]
