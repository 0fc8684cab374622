# SPDX-License-Identifier: Apache-2.0
"""Reads a design that `trine generate` wrote."""

import json
from pathlib import Path


class Design:
    """The folder of a design: its properties that a system needs, and its sources.

    Raises ValueError with the reason if the folder is not a design.
    """

    def __init__(self, folder):
        self.folder = Path(folder).resolve()
        manifest = self.folder / "manifest.json"
        try:
            self.manifest = json.loads(manifest.read_text())
            configuration = self.manifest["configuration"]
            self.data_bits = int(configuration["bus.axi_data_bits"])
            self.address_bits = int(configuration["bus.axi_addr_bits"])
            self.id_bits = int(configuration["bus.axi_id_bits"])
            self.user_bits = int(configuration["bus.axi_user_bits"])
            self.clock_gates = bool(configuration["clock.gates"])
            self.name = self.manifest["name"]
        except FileNotFoundError:
            raise ValueError(f"{manifest}: not there; `trine generate --out {self.folder}` writes it") from None
        except (KeyError, ValueError) as error:
            raise ValueError(f"{manifest}: not what `trine generate` writes: {error}") from None
        self.prefix = self._prefix()

    def _prefix(self):
        lists = sorted(self.folder.glob("*trine.f"))
        if len(lists) != 1:
            raise ValueError(f"{self.folder}: {len(lists)} lists of sources (trine.f), not one")
        return lists[0].name[: -len("trine.f")]

    @property
    def top(self):
        return f"{self.prefix}trine_top"

    @property
    def file_list(self):
        return self.folder / f"{self.prefix}trine.f"

    def sources(self):
        """Returns the SystemVerilog sources in the order in which tools read them."""
        lines = self.file_list.read_text().splitlines()
        return [self.folder / line for line in lines if line.endswith(".sv")]
