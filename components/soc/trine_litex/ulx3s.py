# SPDX-License-Identifier: Apache-2.0
"""The system on a ULX3S (ECP5-85) with the board's clock, UART and SDRAM, from litex-boards."""

from contextlib import chdir

from litedram.modules import MT48LC16M16
from litedram.phy import GENSDRPHY
from litex_boards.platforms import radiona_ulx3s
from litex_boards.targets.radiona_ulx3s import _CRG as ClockAndReset

from trine_litex.system import TrineSoC


class Platform(radiona_ulx3s.Platform):
    """Writes Verilog and constraints; `trine soc` runs Yosys and nextpnr."""

    def __init__(self):
        radiona_ulx3s.Platform.__init__(self, device="LFE5U-85F", revision="2.0", toolchain="trellis")
        self.name = "trine_soc"

    def build(self, fragment, build_dir, build_name, **_):
        self.finalize(fragment)
        with chdir(build_dir):  # memory contents go to the current folder
            output = self.get_verilog(fragment, name=build_name)
            output.write(f"{build_name}.v")
            toolchain = self.toolchain
            toolchain.named_sc, toolchain.named_pc = self.resolve_signals(output.ns)
            toolchain._vns, toolchain.platform, toolchain._build_name = output.ns, self, build_name
            toolchain.build_io_constraints()
        return output.ns


class UlxSoC(TrineSoC):
    def __init__(self, designs, clock_hz, **kwargs):
        platform = Platform()
        self.crg = ClockAndReset(platform, clock_hz)
        TrineSoC.__init__(self, platform, clock_hz, designs, **kwargs)
        self.sdrphy = GENSDRPHY(platform.request("sdram"), clock_hz)
        self.add_main_sdram(self.sdrphy, MT48LC16M16(clock_hz, "1:1"))
