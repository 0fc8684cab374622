# SPDX-License-Identifier: Apache-2.0
"""A RISC-V system with one or several machines."""

from litex.soc.integration.soc import SoCRegion
from litex.soc.integration.soc_core import SoCCore

from trine_litex.bridge import AXI2Port
from trine_litex.cfu import Cfu
from trine_litex.core import REGISTERS_BYTES, Trine
from trine_litex.faults import Faults
from trine_litex.memory import SharedMemory

REGISTERS = 0xE000_0000  # of the first machine; uncached on every processor here
MODELS = 0x2000_0000  # the flash-like memory
KIB = 1024


class TrineSoC(SoCCore):
    """Processor, boot ROM, SRAM, UART, timer, a read-only memory for models, and the machines.

    The caller adds the main memory: add_main_memory() or add_main_sdram().

    designs: folders of `trine generate`, with different prefixes if there are several.
    models: words in the read-only memory.
    faults: adds registers that break the machines' bus and interrupt, for tests.
    """

    def __init__(self, platform, clk_freq, designs, models_kib=0, models=(0,), faults=False, **kwargs):
        SoCCore.__init__(self, platform, clk_freq, ident="Trine", timer_uptime=True, **kwargs)
        self.trines = [Trine(platform, design) for design in designs]
        self._buses = []  # of the machines
        for index, trine in enumerate(self.trines):
            self._add_machine(f"trine{index}", trine, REGISTERS + index * REGISTERS_BYTES, faults)
        if "cfu" in (self.cpu.variant or ""):
            self._add_cfu()
        if models_kib:
            self.add_rom("models", origin=MODELS, size=models_kib * KIB, contents=list(models))

    def _add_machine(self, name, trine, origin, faults):
        setattr(self, name, trine)
        if faults:
            setattr(self, f"{name}_faults", Faults(trine))
        self._buses.append(getattr(self, f"{name}_faults").out if faults else trine.memory)
        self.irq.add(name, use_loc_if_exists=True)
        self.bus.add_slave(name=f"{name}_registers", slave=trine.registers,
                           region=SoCRegion(origin=origin, size=REGISTERS_BYTES, cached=False))

    def _add_cfu(self):
        """Adds the custom instruction that accesses the registers."""
        self.cfu = Cfu(REGISTERS, REGISTERS_BYTES)
        self.cfu.connect(self.cpu)
        self.bus.add_master(name="cfu", master=self.cfu.bus)
        self.add_constant("TRINE_BY_CFU")

    def add_main_memory(self, size):
        """Adds main memory on chip."""
        self.main = SharedMemory(size, max(trine.design.data_bits for trine in self.trines))
        region = SoCRegion(origin=self.mem_map["main_ram"], size=size, mode="rwx")
        self.bus.add_slave(name="main_ram", slave=self.main.bus, region=region)
        self._connect(self.main.port, region)

    def add_main_sdram(self, phy, module):
        """Adds SDRAM: the processor uses LiteX's L2 cache, the machines have their own ports."""
        self.add_sdram("sdram", phy=phy, module=module)
        self._connect(lambda data_bits: self.sdram.crossbar.get_port(data_width=data_bits),
                      self.bus.regions["main_ram"])

    def _connect(self, port_of, region):
        """Connects each machine's memory bus to its own port: port_of(data_bits)."""
        for index, axi in enumerate(self._buses):
            setattr(self, f"trine{index}_bridge", AXI2Port(axi, port_of(axi.data_width), region.origin, region.size))
