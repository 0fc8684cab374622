# SPDX-License-Identifier: Apache-2.0
"""A custom instruction of VexRiscv for the machine's registers, in addition to their addresses on the bus.

custom-0 (0x0B), R type: `.insn r 0x0B, F, N, rd, rs1, rs2`, N the machine.

    F = 0    rd = register at offset rs1
    F = 1    register at offset rs1 = rs2; rd = 0

The processor waits for the answer. components/soc/firmware/trine_cfu.h provides both as functions.
"""

from litex.gen import LiteXModule
from litex.soc.interconnect import wishbone
from migen import FSM, If, NextState, NextValue, Signal

WRITE = 1  # of the three lower bits of the function


class Cfu(LiteXModule):
    """Connects the processor's CFU bus to a master of the system's bus, which only accesses the machines' registers.

    registers: address of the first machine's; machine_bytes: distance between machines.
    """

    def __init__(self, registers, machine_bytes):
        self.cmd_valid, self.cmd_ready = Signal(), Signal()
        self.function, self.offset, self.data = Signal(10), Signal(32), Signal(32)
        self.rsp_valid, self.rsp_ready, self.result = Signal(), Signal(), Signal(32)
        self.bus = bus = wishbone.Interface(data_width=32, adr_width=30, addressing="word")
        word, machine, is_write, data = Signal(30), Signal(7), Signal(), Signal(32)
        within = (machine_bytes // 4 - 1)
        self.comb += [
            bus.adr.eq(registers // 4 + machine * (machine_bytes // 4) + (word & within)),
            bus.we.eq(is_write), bus.dat_w.eq(data), bus.sel.eq(0xf)]
        self.fsm = fsm = FSM(reset_state="TAKE")
        fsm.act("TAKE", self.cmd_ready.eq(1),
                If(self.cmd_valid,
                   NextValue(word, self.offset[2:]), NextValue(machine, self.function[3:]),
                   NextValue(is_write, self.function[:3] == WRITE), NextValue(data, self.data), NextState("ASK")))
        fsm.act("ASK", bus.cyc.eq(1), bus.stb.eq(1),
                If(bus.ack | bus.err, NextValue(self.result, 0), NextState("ANSWER"),
                   If(~is_write, NextValue(self.result, bus.dat_r))))
        fsm.act("ANSWER", self.rsp_valid.eq(1), If(self.rsp_ready, NextState("TAKE")))

    def connect(self, cpu):
        """Connects to a VexRiscv variant with `cfu`."""
        cpu.cpu_params.update(
            o_CfuPlugin_bus_cmd_valid=self.cmd_valid, i_CfuPlugin_bus_cmd_ready=self.cmd_ready,
            o_CfuPlugin_bus_cmd_payload_function_id=self.function, o_CfuPlugin_bus_cmd_payload_inputs_0=self.offset,
            o_CfuPlugin_bus_cmd_payload_inputs_1=self.data, i_CfuPlugin_bus_rsp_valid=self.rsp_valid,
            o_CfuPlugin_bus_rsp_ready=self.rsp_ready, i_CfuPlugin_bus_rsp_payload_outputs_0=self.result)
