# SPDX-License-Identifier: Apache-2.0
"""Connects Trine accelerators to LiteX systems: components/soc/README.md."""

from trine_litex.bridge import AXI2Port
from trine_litex.core import Trine
from trine_litex.design import Design
from trine_litex.memory import SharedMemory
from trine_litex.system import TrineSoC

__all__ = ["AXI2Port", "Design", "SharedMemory", "Trine", "TrineSoC"]
