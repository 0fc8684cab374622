# SPDX-License-Identifier: Apache-2.0
"""PyPI's ibex as a processor for LiteX, whose own module supports an earlier version.

Its ports, packages and sources differ. This folder contains the modules that ibex expects from a library of the
chip's vendor, prim_buf.sv and prim_clock_gating.sv; and crt0.S, because gcc compresses the vectors of LiteX's crt0.S
to two bytes, and it has none at ibex's reset address.
"""

from importlib import metadata
from pathlib import Path

from litex import get_data_mod
from litex.gen import Open
from litex.soc.cores.cpu.ibex import core
from litex.soc.interconnect import wishbone
from migen import ClockSignal, Instance, Record, ResetSignal, Signal

PACKAGE, VERSION = "pythondata-cpu-ibex", "0.0.post2937"
ON = 0b0101  # ibex_pkg::IbexMuBiOn

# Verilator searches these folders, too, for modules that a parameter excludes, and those require packages.
PRIMITIVES = "vendor/lowrisc_ip/ip/prim/rtl"
INCLUDES = ("rtl", PRIMITIVES, "vendor/lowrisc_ip/dv/sv/dv_utils")
NAMES = ("util", "mubi", "cipher", "count", "ram_1p", "secded")
PACKAGES = (*(f"{PRIMITIVES}/prim_{name}_pkg.sv" for name in NAMES), "rtl/ibex_pkg.sv")
MODULES = ("alu", "compressed_decoder", "controller", "counter", "cs_registers", "csr", "decoder", "ex_block",
           "fetch_fifo", "id_stage", "if_stage", "load_store_unit", "multdiv_fast", "multdiv_slow", "prefetch_buffer",
           "register_file_fpga", "wb_stage", "core", "top")


def check():
    """@raises ValueError: the package is missing, or it is another version, which has other ports."""
    try:
        version = metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        version = "none"
    if version != VERSION:
        raise ValueError(f"--cpu ibex: {PACKAGE} {VERSION} is wanted, this Python has {version}")


class Ibex(core.Ibex):
    """RV32IMC without caches; each bus uses LiteX's adapter."""

    def __init__(self, platform, variant="standard"):
        check()
        self.platform, self.variant = platform, variant
        self.reset = Signal()
        buses = [wishbone.Interface(data_width=32, address_width=32, addressing="byte") for _ in range(2)]
        self.ibus, self.dbus = self.periph_buses = buses
        self.memory_buses = []
        self.interrupt = Signal(15)
        fetch, data = Record(core.obi_layout), Record(core.obi_layout)
        self.comb += fetch.be.eq(0b1111)  # ibex outputs it only for data
        self.ibus_conv = core.OBI2Wishbone(fetch, self.ibus)
        self.dbus_conv = core.OBI2Wishbone(data, self.dbus)
        self.cpu_params = self._common() | self._bus("instr", fetch, self.ibus) | self._bus("data", data, self.dbus) | {
            "o_data_we_o": data.we, "o_data_be_o": data.be, "o_data_wdata_o": data.wdata,
            "p_RegFile": Instance.PreformattedParam("ibex_pkg::RegFileFPGA")}
        self.add_sources(platform)

    def _common(self):
        """Returns all ports except for the buses. ibex's signals for tests, scrambling and alerts are not used."""
        off = ("test_en", "ram_cfg", "hart_id", "irq_software", "irq_timer", "irq_external", "irq_nm", "debug_req",
               "scramble_key_valid", "scramble_key", "scramble_nonce")
        unread = ("scramble_req", "crash_dump", "double_fault_seen", "alert_minor", "alert_major_internal",
                  "alert_major_bus", "core_sleep", "data_wdata_intg")
        return {f"i_{name}_i": 0 for name in off} | {f"o_{name}_o": Open() for name in unread} | {
            "i_clk_i": ClockSignal("sys"), "i_rst_ni": ~(ResetSignal("sys") | self.reset), "i_scan_rst_ni": 1,
            "i_fetch_enable_i": ON, "i_irq_fast_i": self.interrupt}

    @staticmethod
    def _bus(name, obi, bus):
        """Returns the ports of a bus. LiteX's slaves acknowledge errors, too."""
        return {f"o_{name}_req_o": obi.req, f"o_{name}_addr_o": obi.addr, f"i_{name}_gnt_i": obi.gnt,
                f"i_{name}_rvalid_i": obi.rvalid, f"i_{name}_rdata_i": obi.rdata, f"i_{name}_rdata_intg_i": 0,
                f"i_{name}_err_i": bus.err}

    @staticmethod
    def add_sources(platform):
        ibex = Path(get_data_mod("cpu", "ibex").data_location)
        for folder in INCLUDES:
            platform.add_verilog_include_path(str(ibex / folder))
        platform.add_sources(str(ibex), *PACKAGES)
        platform.add_sources(str(Path(__file__).parent), "prim_buf.sv", "prim_clock_gating.sv")
        platform.add_sources(str(ibex / "rtl"), *(f"ibex_{name}.sv" for name in MODULES))

    def do_finalize(self):
        self.specials += Instance("ibex_top", **self.cpu_params)
