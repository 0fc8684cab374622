// SPDX-License-Identifier: Apache-2.0
//
// Prints spec/csr.h as a SystemVerilog package, a C header and a page.

#include <fmt/format.h>

#include <span>
#include <string>

#include "gen/emit.h"
#include "spec/csr.h"
#include "sw/base/text.h"

namespace trine::gen {
namespace {

std::string range_text(const csr::Register& r) {
  const std::uint32_t bytes = static_cast<std::uint32_t>(r.bits / 8 * r.entries);
  return bytes == 4 ? fmt::format("0x{:02X}", r.offset)
                    : fmt::format("0x{:02X}..0x{:02X}", r.offset, r.offset + bytes - 1);
}

std::string codes_markdown(const char* title, std::span<const csr::Code> codes) {
  std::string text = fmt::format("\n## {}\n\n| code | name | meaning |\n|---|---|---|\n", title);
  for (const csr::Code& c : codes)
    text += fmt::format("| {} | {} | {} |\n", c.value, c.name, c.doc);
  return text;
}

}  // namespace

std::string csr_package() {
  std::string text = fmt::format(
      "// SPDX-License-Identifier: Apache-2.0\n"
      "//\n"
      "// Defines the control and status registers (AXI4-Lite): offsets, bits and codes.\n"
      "// Printed from spec/csr.h; do not edit.\n"
      "// A register of 64 bits has its low half at the lower offset. Bits are indices.\n"
      "\n"
      "// A design reads some of these.\n"
      "// verilator lint_off UNUSEDPARAM\n"
      "package trine_csr_pkg;\n"
      "\n"
      "  localparam logic [31:0] CsrIdValue = 32'h{:08X};\n"
      "  localparam int unsigned CsrWatchdogBits = {};\n"
      "  localparam int unsigned CsrWatchdogReset = {};\n"
      "  localparam int unsigned CsrErrorRunBits = {};\n"
      "  localparam int unsigned CsrErrorCauseBits = {};\n"
      "  localparam logic [31:0] CsrRegistersVersionValue = 32'd{};\n"
      "\n",
      csr::kIdValue, csr::kWatchdogBits, csr::kWatchdogReset, csr::kErrorRunBits,
      csr::kErrorCauseBits, csr::kRegistersVersionValue);
  for (const csr::Register& r : csr::registers()) {
    const std::string name = "Csr" + upper_camel(r.name);
    text += comment(fmt::format("{}, {} bits: {}", r.access, r.bits, r.doc));
    text += fmt::format("  localparam logic [11:0] {}Offset = 12'h{:03X};\n", name, r.offset);
    if (r.entries > 1)
      text += fmt::format("  localparam int unsigned {}Count = {};\n", name, r.entries);
    for (const csr::Bit& b : r.fields)
      text += commented(
          fmt::format("localparam int unsigned {}{}Bit = {};", name, upper_camel(b.name), b.bit),
          b.doc);
  }
  text += "\n  // Codes of ERROR_CAUSE.\n";
  for (const csr::Code& c : csr::kErrors)
    text +=
        commented(fmt::format("localparam logic [{}:0] Error{} = {}'d{};", csr::kErrorCauseBits - 1,
                              upper_camel(c.name), csr::kErrorCauseBits, c.value),
                  c.doc);
  text += "\n  // Causes of cycles.\n";
  for (const csr::Code& c : csr::kCauses)
    text += commented(
        fmt::format("localparam logic [2:0] Cause{} = 3'd{};", upper_camel(c.name), c.value),
        c.doc);
  return text + "\nendpackage\n// verilator lint_on UNUSEDPARAM\n";
}

std::string csr_header() {
  std::string text = fmt::format(
      "/* SPDX-License-Identifier: Apache-2.0 */\n"
      "/* Control and status registers of Trine, printed from spec/csr.h; do not edit. */\n"
      "/* Byte offsets. Registers of 64 bits have their low half first. */\n\n"
      "#ifndef TRINE_CSR_H\n"
      "#define TRINE_CSR_H\n\n"
      "#define TRINE_CSR_ID_VALUE 0x{:08X}u\n"
      "#define TRINE_CSR_REGISTERS_VERSION_VALUE {}u\n\n",
      csr::kIdValue, csr::kRegistersVersionValue);
  for (const csr::Register& r : csr::registers()) {
    const std::string name = "TRINE_CSR_" + upper_snake(r.name);
    text += fmt::format("/* {}, {} bits: {} */\n", r.access, r.bits, r.doc);
    text += fmt::format("#define {} 0x{:03X}u\n", name, r.offset);
    if (r.entries > 1) text += fmt::format("#define {}_COUNT {}\n", name, r.entries);
    for (const csr::Bit& b : r.fields)
      text += fmt::format("#define {}_{} (1u << {}) /* {} */\n", name, upper_snake(b.name), b.bit,
                          b.doc);
  }
  text += "\n/* Codes of ERROR_CAUSE. */\n";
  for (const csr::Code& c : csr::kErrors)
    text +=
        fmt::format("#define TRINE_ERROR_{} {} /* {} */\n", upper_snake(c.name), c.value, c.doc);
  text += "\n/* Causes of cycles, the index of CAUSE. */\n";
  for (const csr::Code& c : csr::kCauses)
    text +=
        fmt::format("#define TRINE_CAUSE_{} {} /* {} */\n", upper_snake(c.name), c.value, c.doc);
  return text + "\n#endif /* TRINE_CSR_H */\n";
}

std::string registers_markdown() {
  std::string text =
      "# Control and status registers\n"
      "\n"
      "<!-- Printed from spec/csr.h; do not edit. -->\n"
      "\n"
      "AXI4-Lite, 32-bit accesses, byte offsets. A register of 64 bits has its low half at the "
      "lower offset.\n"
      "The machine answers each access, whatever it is doing. It answers SLVERR and changes "
      "nothing if\n"
      "- a write has partial strobes or a value that is not allowed;\n"
      "- no register has the address, or the register cannot be written;\n"
      "- STATUS.busy or STATUS.reset is set, and the write is to a register marked `locked` or is "
      "a command that\n"
      "  is not allowed then.\n"
      "\n"
      "Start clears the counters. Read a counter's low half first: the read holds the high half, "
      "so that both belong\n"
      "to the same cycle.\n"
      "\n"
      "| offset | name | bits | access | meaning |\n"
      "|---|---|---|---|---|\n";
  for (const csr::Register& r : csr::registers()) {
    const std::string count = r.entries > 1 ? fmt::format("[0..{}]", r.entries - 1) : "";
    std::string doc(r.doc);
    for (const csr::Bit& b : r.fields)
      doc += fmt::format("{} bit {} `{}`: {}", &b == &r.fields.front() ? ":" : ";", b.bit, b.name,
                         b.doc);
    text += fmt::format("| {} | {}{} | {} | {} | {} |\n", range_text(r), upper_snake(r.name), count,
                        r.bits, r.access, doc);
  }
  text += fmt::format(
      "\n"
      "## Versions\n"
      "\n"
      "This is version {} of the map, REGISTERS_VERSION. Within one version\n"
      "- the offset, the bits and the codes of a register, its function and its value after reset "
      "do not change;\n"
      "- additions are possible: registers at offsets that answered SLVERR, bits that were read "
      "as 0, codes after the\n"
      "  last one. A driver keeps the bits that it does not know, and reports an unknown code as "
      "a number;\n"
      "- an offset that a register no longer uses remains an alias of that register until another "
      "register needs the offset.\n"
      "\n"
      "Any other change makes another version. The driver (`trine_open`) reads ID and then "
      "REGISTERS_VERSION before anything\n"
      "else, and refuses another version with `TRINE_E_REGISTERS`. Designs older than "
      "REGISTERS_VERSION answer SLVERR at its\n"
      "offset. Their ERROR_ADDRESS is at 0x1C or at 0x68; designs with 0x68 have the counters at "
      "the offsets above.\n",
      csr::kRegistersVersionValue);
  return text + codes_markdown("Codes of ERROR_CAUSE", csr::kErrors) +
         codes_markdown("Causes of cycles (index of CAUSE)", csr::kCauses);
}

}  // namespace trine::gen
