# SPDX-License-Identifier: Apache-2.0
"""Connects the machine's AXI4 master to a memory port of LiteDRAM's kind.

The path of LiteX 2024.12 itself (AXI2AXILite and its converters) transfers a beat at a time, loses track of answers
when the master pauses, and answers OKAY for any address.
"""

from litex.gen import LiteXModule
from litex.soc.interconnect import stream
from litex.soc.interconnect.axi import AXIInterface
from migen import If, Mux, Signal, log2_int

RESP_OKAY, RESP_DECERR = 0b00, 0b11
WAITING_BURSTS = 4  # of each direction
WAITING_READS = 32  # requested beats, for which there is room when they arrive


class AXI2Port(LiteXModule):
    """An AXI4 slave in front of a memory port.

    axi: bursts INCR of full width that do not cross 4 KiB (those that Trine requests); any IDs, answered in order.
    port: `cmd` (we, addr in words of axi.data_width), `wdata` (data, we), `rdata` (data) like LiteDRAMNativePort:
        a write's data are available from the cycle after its command, and read data are always accepted.
    base, size: the bytes of the bus that the memory contains; a burst that leaves them is answered with DECERR.

    The port sends a command each cycle, for one direction until its burst is over, then for the other if a burst
    waits. A write is answered when its last beat has reached the port.
    """

    def __init__(self, axi: AXIInterface, port, base, size):
        assert port.data_width == axi.data_width
        self._axi, self._port, self._base, self._size = axi, port, base, size
        self._shift = log2_int(axi.data_width // 8)
        self._reads = self._bursts(axi.ar)
        self._writes = self._bursts(axi.aw)
        # Properties of a beat that are needed when its data arrive, and of a burst when all of it has been written.
        ident = ("id", axi.id_width)
        self.tags = stream.SyncFIFO([ident, ("error", 1), ("end", 1)], WAITING_READS)
        self.data = stream.SyncFIFO([("data", axi.data_width)], WAITING_READS, buffered=False)
        self.answers = stream.SyncFIFO([ident, ("error", 1)], WAITING_BURSTS)
        self.written = stream.SyncFIFO([("data", axi.data_width), ("we", axi.data_width // 8), ("end", 1)], 4)
        self._commands()
        self._read_data()
        self._write_answers()

    def _bursts(self, channel):
        """Returns the waiting bursts of a direction, with the port's address and whether it is in the memory."""
        layout = [("addr", self._port.address_width), ("len", 8), ("id", self._axi.id_width), ("error", 1)]
        fifo = stream.SyncFIFO(layout, WAITING_BURSTS)
        self.submodules += fifo
        offset = Signal(len(channel.addr) + 1)
        last = Signal(len(channel.addr) + 2)
        self.comb += [
            offset.eq(channel.addr - self._base),
            last.eq(offset[self._shift:] + channel.len),
            fifo.sink.valid.eq(channel.valid),
            channel.ready.eq(fifo.sink.ready),
            fifo.sink.addr.eq(offset[self._shift:]),
            fifo.sink.len.eq(channel.len),
            fifo.sink.id.eq(channel.id),
            fifo.sink.error.eq((channel.addr < self._base) | (last >= self._size >> self._shift)),
        ]
        return fifo.source

    def _commands(self):
        axi, port, reads, writes = self._axi, self._port, self._reads, self._writes
        writing, within = Signal(), Signal()  # the direction, and whether one of its bursts waits or has begun
        beat = Signal(8)
        room = Signal(max=WAITING_READS + 1, reset=WAITING_READS)  # for read data
        goes, final, can_read, can_write = Signal(), Signal(), Signal(), Signal()
        error = Signal()
        direction = Signal()
        self.comb += [
            direction.eq(Mux(within, writing, writes.valid & axi.w.valid & (~reads.valid | ~writing))),
            error.eq(Mux(direction, writes.error, reads.error)),
            final.eq(beat == Mux(direction, writes.len, reads.len)),
            can_read.eq(~direction & reads.valid & (room != 0) & self.tags.sink.ready),
            can_write.eq(direction & writes.valid & axi.w.valid & self.written.sink.ready &
                         (~final | self.answers.sink.ready)),
            port.cmd.valid.eq((can_read | can_write) & ~error),
            port.cmd.we.eq(direction),
            port.cmd.addr.eq(Mux(direction, writes.addr, reads.addr) + beat),
            port.cmd.last.eq(final),
            goes.eq((can_read | can_write) & (error | port.cmd.ready)),
            reads.ready.eq(goes & ~direction & final),
            writes.ready.eq(goes & direction & final),
            axi.w.ready.eq(goes & direction),
            self.tags.sink.valid.eq(goes & ~direction),
            self.tags.sink.id.eq(reads.id),
            self.tags.sink.error.eq(error),
            self.tags.sink.end.eq(final),
            self.written.sink.valid.eq(goes & direction & ~error),
            self.written.sink.data.eq(axi.w.data),
            self.written.sink.we.eq(axi.w.strb),
            self.written.sink.end.eq(final),
            self.answers.sink.valid.eq(goes & direction & final),
            self.answers.sink.id.eq(writes.id),
            self.answers.sink.error.eq(error),
        ]
        self.sync += [
            If(goes, beat.eq(Mux(final, 0, beat + 1))),
            If(goes | port.cmd.valid, writing.eq(direction), within.eq(~(goes & final))),
        ]
        taken = Signal()
        self.comb += taken.eq(axi.r.valid & axi.r.ready)
        self.sync += room.eq(room - (goes & ~direction) + taken)

    def _read_data(self):
        axi, port, tags, data = self._axi, self._port, self.tags.source, self.data
        self.comb += [
            data.sink.valid.eq(port.rdata.valid),
            data.sink.data.eq(port.rdata.data),
            port.rdata.ready.eq(1),
            axi.r.valid.eq(tags.valid & (tags.error | data.source.valid)),
            axi.r.id.eq(tags.id),
            axi.r.last.eq(tags.end),
            axi.r.resp.eq(Mux(tags.error, RESP_DECERR, RESP_OKAY)),
            axi.r.data.eq(data.source.data),
            tags.ready.eq(axi.r.valid & axi.r.ready),
            data.source.ready.eq(axi.r.valid & axi.r.ready & ~tags.error),
        ]

    def _write_answers(self):
        axi, port, answers, written = self._axi, self._port, self.answers.source, self.written.source
        done = Signal(max=WAITING_BURSTS + 1)  # bursts that the port has completed, not yet answered
        ended, answered = Signal(), Signal()
        self.comb += [
            port.wdata.valid.eq(written.valid),
            port.wdata.data.eq(written.data),
            port.wdata.we.eq(written.we),
            written.ready.eq(port.wdata.ready),
            ended.eq(written.valid & port.wdata.ready & written.end),
            axi.b.valid.eq(answers.valid & (answers.error | (done != 0))),
            axi.b.id.eq(answers.id),
            axi.b.resp.eq(Mux(answers.error, RESP_DECERR, RESP_OKAY)),
            answers.ready.eq(axi.b.valid & axi.b.ready),
            answered.eq(answers.ready & ~answers.error),
        ]
        self.sync += done.eq(done + ended - answered)
