# SPDX-License-Identifier: Apache-2.0
"""The register model: pyuvm's, of the map in description.json. A 64-bit register becomes two, NAME and NAME_HIGH."""
from pyuvm import (uvm_access_e, uvm_endianness_e, uvm_reg, uvm_reg_adapter, uvm_reg_block, uvm_reg_field, uvm_status_e)

from kit_agents import RegisterItem
from kit_description import DATA, words_of_registers

MASK = (1 << 32) - 1


class Adapter(uvm_reg_adapter):
    def reg2bus(self, rw):
        return RegisterItem("access", rw.addr, rw.data, rw.kind == uvm_access_e.UVM_WRITE)

    def bus2reg(self, bus_item, rw):
        rw.data = bus_item.data
        rw.status = uvm_status_e.UVM_IS_OK if bus_item.okay else uvm_status_e.UVM_NOT_OK


class Register(uvm_reg):
    """32 bits of the map. `kept`: bits that a write stores; `known`: true if its reset value is known."""

    def __init__(self, name, offset, register, half):
        super().__init__(name, 32)
        self.offset, self.entry = offset, register
        self.kept = int(register["kept"], 16) >> 32 * half & MASK
        self.value_after_reset = int(register["reset"], 16) >> 32 * half & MASK
        self.multiple = register["multiple"] if half == 0 else 1
        self.writable = register["access"] != "R"
        self.readable = True
        self.field = uvm_reg_field("value")

    def build(self, block):
        access = {"R": "RO", "W": "WO", "RW": "RW", "R, W1C": "W1C"}[self.entry["access"]]
        volatile = access != "RW"
        self.field.configure(self, 32, 0, "RW" if access == "WO" else access, volatile, self.value_after_reset, True, False, True)
        self.configure(block)


class RegisterModel(uvm_reg_block):
    """The registers as attributes: model.PROGRAM, model.CAUSE_3_HIGH, ..."""

    def __init__(self):
        super().__init__("registers")
        self.map = self.create_map("map", 0, 4, uvm_endianness_e.UVM_LITTLE_ENDIAN)
        self.all = []
        for name, offset, register, half in words_of_registers():
            made = Register(name, offset, register, half)
            made.build(self)
            self.map.add_reg(made, offset, "RW")
            setattr(self, name, made)
            self.all.append(made)
        self.set_default_map(self.map)
        self.lock_model()

    def connect(self, sequencer):
        self.map.set_sequencer(sequencer, Adapter("adapter"))
        self.map.set_auto_predict(True)

    async def read(self, name, okay=True):
        status, value = await getattr(self, name).read()
        assert (status == uvm_status_e.UVM_IS_OK) == okay, f"{name}: a read answers {status.name}"
        return value

    async def read_wide(self, name):
        """Reads the low half first, which latches a counter's high half."""
        low = await self.read(name)
        return low | await self.read(name + "_HIGH") << 32

    async def write(self, name, value, okay=True):
        status = await getattr(self, name).write(value)
        assert (status == uvm_status_e.UVM_IS_OK) == okay, f"{name}: a write of 0x{value:x} answers {status.name}"

    async def write_wide(self, name, value):
        await self.write(name, value & MASK)
        await self.write(name + "_HIGH", value >> 32)


def bit(register, name):
    """Returns the mask of a field: bit("STATUS", "busy")."""
    fields = next(r["fields"] for r in DATA["registers"] if r["name"] == register.lower())
    return 1 << next(f["bit"] for f in fields if f["name"] == name)
