# SPDX-License-Identifier: Apache-2.0
"""The system for Verilator: one clock, the UART as a stream of bytes, and an exit code."""

from contextlib import chdir

from litedram.modules import MT48LC16M16
from litedram.phy.model import SDRAMPHYModel, get_sdram_phy_settings
from litex.build.generic_platform import GenericPlatform, Pins, Subsignal
from litex.build.sim.common import sim_special_overrides
from litex.gen import LiteXModule
from litex.soc.interconnect.csr import CSRStorage
from migen import ClockDomain, Signal

from trine_litex.system import TrineSoC

_IO = [
    ("clk", 0, Pins(1)),
    ("rst", 0, Pins(1)),
    ("serial", 0,
     Subsignal("source_valid", Pins(1)), Subsignal("source_ready", Pins(1)), Subsignal("source_data", Pins(8)),
     Subsignal("sink_valid", Pins(1)), Subsignal("sink_ready", Pins(1)), Subsignal("sink_data", Pins(8))),
    ("finish", 0, Pins(1)),
    ("exit_code", 0, Pins(8)),
]
CLOCK_HZ = 50_000_000  # clock frequency that the firmware assumes


class Platform(GenericPlatform):
    """Writes only Verilog."""

    def __init__(self):
        GenericPlatform.__init__(self, "sim", _IO, name="trine_soc")

    def build(self, fragment, build_dir, build_name, **_):
        self.finalize(fragment)
        output = self.get_verilog(fragment, name=build_name, special_overrides=dict(sim_special_overrides))
        with chdir(build_dir):  # memory contents go to the current folder
            output.write(f"{build_name}.v")
        return output.ns


class _Clock(LiteXModule):
    def __init__(self, platform):
        self.cd_sys = ClockDomain()
        self.comb += [self.cd_sys.clk.eq(platform.request("clk")), self.cd_sys.rst.eq(platform.request("rst"))]


class _End(LiteXModule):
    """Ends the simulation with the exit code that the firmware writes to `code`."""

    def __init__(self, platform):
        self.code = CSRStorage(8, description="Ends the simulation with this exit code.")
        finish = Signal()
        self.sync += finish.eq(finish | self.code.re)
        self.comb += [platform.request("finish").eq(finish), platform.request("exit_code").eq(self.code.storage)]


class SimSoC(TrineSoC):
    """main_kib: of main memory on chip; 0: a model of an SDRAM with LiteDRAM and LiteX's L2 cache."""

    def __init__(self, designs, main_kib, **kwargs):
        platform = Platform()
        self.crg = _Clock(platform)
        TrineSoC.__init__(self, platform, CLOCK_HZ, designs, uart_name="sim", **kwargs)
        self.end = _End(platform)
        if main_kib:
            self.add_main_memory(main_kib * 1024)
        else:
            self._add_sdram_model()

    def _add_sdram_model(self):
        module = MT48LC16M16(CLOCK_HZ, "1:1")
        settings = get_sdram_phy_settings(module.memtype, data_width=32, clk_freq=CLOCK_HZ)
        self.sdrphy = SDRAMPHYModel(module, settings=settings, clk_freq=CLOCK_HZ)
        self.add_main_sdram(self.sdrphy, module)
