// SPDX-License-Identifier: Apache-2.0
//
// Prints spec/isa.def as a SystemVerilog package, a C header and a page.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "gen/emit.h"
#include "spec/isa.h"
#include "sw/base/text.h"

namespace trine::gen {
namespace {

constexpr std::size_t kColumns = 100, kFeatures = std::size(isa::feature::kAll);

struct Group {
  std::string_view name;  // prefix of the constants
  std::string_view title;
  std::vector<isa::Field> fields;
};

std::vector<Group> groups() {
  std::vector<Group> all{{"dma", "Load and store", {}},
                         {"agu", "Compute and vector: lanes, loop nest, outputs", {}},
                         {"post", "Compute and vector: requantization and residual addition", {}},
                         {"compute", "Compute only", {}},
                         {"vector", "Vector only", {}},
                         {"run", "Payload of RUN", {}}};
  for (Group& group : all)
    for (const isa::ListedField& listed : isa::kFields)
      if (listed.group == group.name) group.fields.push_back(*listed.field);
  return all;
}

/// A value of the `op` or `flags` byte of a RUN, of a register, an opcode or an engine.
struct Constant {
  std::string name;  // "compute_op_int8"
  int value;
  int width;  // bits of the code; 0: the index of a bit
  std::string doc;
  unsigned needs = 0;  // features
  isa::FieldList reads{};
};

std::vector<Constant> constants() {
  std::vector<Constant> all{
      {"opcode_end", static_cast<int>(isa::Opcode::kEnd), 2, "end of program"},
      {"opcode_set", static_cast<int>(isa::Opcode::kSet), 2, "write a register of an engine"},
      {"opcode_run", static_cast<int>(isa::Opcode::kRun), 2, "start an engine"},
      {"opcode_begin", static_cast<int>(isa::Opcode::kBegin), 2,
       "the first word: the hash of the configuration"}};
  for (int engine = 0; engine < isa::kEngines; ++engine)
    all.push_back({fmt::format("engine_{}", isa::kEngineNames[static_cast<std::size_t>(engine)]),
                   engine, 2, "engine, and bit of token masks"});
  const auto codes = [&](const isa::CodeSet& set) {
    for (const isa::Code& c : set.codes)
      all.push_back({fmt::format("{}_{}", set.prefix, c.name), c.code, set.field.width,
                     std::string(c.doc), c.needs, c.reads});
  };
  const auto flags = [&](std::string_view group) {
    for (const isa::Flag& f : isa::kFlags)
      if (f.group == group)
        all.push_back({fmt::format("{}_flag_{}", group, f.name), f.bit, 0, std::string(f.doc),
                       f.needs, f.reads});
  };
  codes(isa::kTargets);
  flags("dma");
  codes(isa::kComputeOps);
  flags("compute");
  codes(isa::kVectorOps);
  flags("vector");
  codes(isa::kOutputs);
  codes(isa::kEncodings);
  return all;
}

std::string needs_text(unsigned needs) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < kFeatures; ++i)
    if ((needs >> i & 1) != 0) names.push_back(isa::feature::kAll[i].name);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string reads_text(const isa::FieldList& reads) {
  std::vector<std::string_view> names;
  for (const isa::Field* field : reads) names.push_back(field->name);
  return fmt::format("{}", fmt::join(names, ", "));
}

/// Returns constants that list the codes of one kind and the features that each needs. The module
/// trine_legal checks words with these constants.
std::string legal_constants(const isa::CodeSet& set) {
  const std::string name = upper_camel(set.prefix);
  const auto count = static_cast<std::size_t>(set.codes.back().code + 1);
  std::vector<const isa::Code*> by_number(count);
  for (const isa::Code& c : set.codes) by_number[static_cast<std::size_t>(c.code)] = &c;
  std::string known, needs;
  for (std::size_t i = count; i-- > 0;) {
    const isa::Code* c = by_number[i];
    known += c != nullptr ? '1' : '0';
    needs += fmt::format("    {}'b{:0{}b}{}  // {}\n", kFeatures, c != nullptr ? c->needs : 0,
                         kFeatures, i == 0 ? "" : ",", c != nullptr ? c->name : "none");
  }
  return fmt::format(
      "  localparam int unsigned {0}Codes = {1};\n"
      "  localparam logic [{2}:0] {0}Known = {1}'b{3};\n"
      "  localparam logic [{4}:0] {0}Needs = {{\n{5}  }};\n",
      name, count, count - 1, known, kFeatures * count - 1, needs);
}

std::string sign_text(const isa::Field& field) { return field.is_signed ? " (signed)" : ""; }

/// A member of a packed struct.
struct Member {
  std::string type;
  std::string name;
  std::string_view doc;  // empty: no comment
};

/// Returns the type of `width` bits: "logic [7:0]".
std::string logic_type(int width, bool is_signed) {
  return fmt::format("logic{}{}", is_signed ? " signed" : "",
                     width == 1 ? "" : fmt::format(" [{}:0]", width - 1));
}

/// Returns the name of a field as a member of a struct. Verilator refuses names of fields that are
/// keywords and are not listed here.
std::string member_name(std::string_view field) {
  const bool is_keyword = field == "local" || field == "output" || field == "wait";
  return fmt::format("{}{}", field, is_keyword ? "_" : "");
}

/// Returns the 56 bits of a payload as the group's fields in register `reg`, and the bits between
/// them, from the highest bit to the lowest.
std::vector<Member> members(const Group& group, int reg) {
  std::vector<isa::Field> fields;
  std::ranges::copy_if(group.fields, std::back_inserter(fields),
                       [&](const isa::Field& f) { return f.reg == reg; });
  std::ranges::sort(fields, std::greater{}, &isa::Field::lsb);
  std::vector<Member> all;
  const auto add_gap = [&](int end, int lsb) {
    if (lsb < end) all.push_back({logic_type(end - lsb, false), fmt::format("unused_{}", lsb), {}});
  };
  int end = isa::kPayloadBits;  // above the next field
  for (const isa::Field& f : fields) {
    add_gap(end, f.lsb + f.width);
    all.push_back({logic_type(f.width, f.is_signed), member_name(f.name), f.doc});
    end = f.lsb;
  }
  add_gap(end, 0);
  return all;
}

/// Returns the lines of the group's struct for register `reg`, with its name after the brace.
std::string packed_struct(const Group& group, int reg, std::string_view begin,
                          std::string_view name, int indent) {
  const std::vector<Member> all = members(group, reg);
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  std::size_t width = 0;
  for (const Member& m : all) width = std::max(width, m.type.size());
  std::string text = fmt::format("{}{}struct packed {{\n", margin, begin);
  for (const Member& m : all) {
    const std::string code = fmt::format("{:{}} {};", m.type, width, m.name);
    text +=
        m.doc.empty() ? fmt::format("{}  {}\n", margin, code) : commented(code, m.doc, indent + 2);
  }
  return text + fmt::format("{}}} {};\n", margin, name);
}

/// Returns the type of a SET's payload: a packed union with a struct for each of the group's
/// registers.
std::string payload_union(const Group& group) {
  std::string text = "  typedef union packed {\n";
  for (int reg = 0; reg < isa::kRegisters; ++reg)
    if (std::ranges::find(group.fields, reg, &isa::Field::reg) != group.fields.end())
      text += packed_struct(group, reg, "", fmt::format("r{}", reg), 4);
  return text + fmt::format("  }} {}_payload_t;\n", group.name);
}

/// Returns the constants of the group's fields: their registers and widths.
std::string field_constants(const Group& group) {
  std::string text;
  for (const isa::Field& f : group.fields)
    text += fmt::format("  localparam int unsigned {0}{1}Reg = {2}, {0}{1}Width = {3};\n",
                        upper_camel(group.name), upper_camel(f.name), f.reg, f.width);
  return text;
}

}  // namespace

std::string upper_snake(std::string_view snake) {
  std::string upper;
  for (const char c : snake) upper += static_cast<char>(std::toupper(c));
  return upper;
}

std::string commented(const std::string& code, std::string_view doc, int indent) {
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  std::string line = fmt::format("{}{}  // {}\n", margin, code, doc);
  if (line.size() > kColumns + 1)
    line = fmt::format("{}{}{}\n", comment(doc, indent), margin, code);
  return line;
}

std::string comment(std::string_view text, int indent) {
  const std::string begin = std::string(static_cast<std::size_t>(indent), ' ') + "// ";
  const std::size_t width = kColumns - begin.size();
  std::string lines;
  while (text.size() > width) {
    const std::size_t end = text.rfind(' ', width);
    lines += fmt::format("{}{}\n", begin, text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines + fmt::format("{}{}\n", begin, text);
}

std::string isa_package() {
  std::string text = fmt::format(
      "// SPDX-License-Identifier: Apache-2.0\n"
      "//\n"
      "// Defines the instruction set: operations, fields of registers, flags and limits.\n"
      "// Printed from spec/isa.def; do not edit. Semantics: docs/architecture.md.\n"
      "// Example of a field: x_start of group agu is the member r3.x_start of agu_payload_t.\n"
      "// AguXStartReg (3) is its register, and AguXStartWidth (16) its number of bits. A member\n"
      "// whose name would be a keyword ends in _. A flag is the index of a bit of a RUN's flags.\n"
      "// P and Q are the rows and columns of output positions, ROWS is array.rows.\n"
      "//\n"
      "//   63:62 opcode | 61:60 engine | 59:56 register | 55:0 payload\n\n"
      "// A design reads some of these.\n"
      "// verilator lint_off UNUSEDPARAM\n"
      "package trine_isa_pkg;\n\n"
      "  localparam int unsigned IsaVersion = {};\n"
      "  localparam int unsigned Engines = {};\n"
      "  localparam int unsigned EngineRegisters = {};\n"
      "  localparam int unsigned PayloadBits = {};\n\n"
      "  // Limits: what counters and memories hold. program::verify checks them, too.\n",
      isa::kVersion, isa::kEngines, isa::kRegisters, isa::kPayloadBits);
  for (const isa::limit::Limit& l : isa::limit::kAll)
    text += commented(fmt::format("localparam int unsigned {} = {};", upper_camel(l.name), l.value),
                      l.doc);
  text += "\n";
  for (const Constant& c : constants())
    text += commented(
        c.width == 0 ? fmt::format("localparam int unsigned {} = {};", upper_camel(c.name), c.value)
                     : fmt::format("localparam logic [{}:0] {} = {}'d{};", c.width - 1,
                                   upper_camel(c.name), c.width, c.value),
        c.doc);
  text += fmt::format(
      "\n  // A program word.\n"
      "  typedef struct packed {{\n"
      "    logic [1:0]  opcode;\n"
      "    logic [1:0]  engine;\n"
      "    logic [3:0]  reg_index;\n"
      "    logic [{}:0] payload;\n"
      "  }} word_t;\n",
      isa::kPayloadBits - 1);
  for (const Group& group : groups()) {
    text += fmt::format("\n  // {}\n", group.title);
    text += group.name == "run" ? packed_struct(group, 0, "typedef ", "run_payload_t", 2)
                                : field_constants(group) + payload_union(group);
  }
  text += "\n  // Features that a configuration may lack: indices of bits.\n";
  text += fmt::format("  localparam int unsigned Features = {};\n", kFeatures);
  for (std::size_t i = 0; i < kFeatures; ++i)
    text += commented(fmt::format("localparam int unsigned Feature{} = {};",
                                  upper_camel(isa::feature::kAll[i].name), i),
                      isa::feature::kAll[i].keys);
  text +=
      "\n  // Valid codes and the features that each needs, the lowest code in the lowest bits.\n";
  for (const isa::CodeSet* set :
       {&isa::kTargets, &isa::kComputeOps, &isa::kVectorOps, &isa::kOutputs, &isa::kEncodings})
    text += legal_constants(*set);
  return text + "\nendpackage\n// verilator lint_on UNUSEDPARAM\n";
}

std::string isa_header() {
  std::string text = fmt::format(
      "/* SPDX-License-Identifier: Apache-2.0 */\n"
      "/* Instruction set of Trine, printed from spec/isa.def; do not edit. */\n\n"
      "#ifndef TRINE_ISA_H\n"
      "#define TRINE_ISA_H\n\n"
      "#define TRINE_ISA_VERSION {}\n"
      "#define TRINE_ENGINES {}\n"
      "#define TRINE_ENGINE_REGISTERS {}\n"
      "#define TRINE_PAYLOAD_BITS {}\n\n"
      "/* Codes, and masks of flags. */\n",
      isa::kVersion, isa::kEngines, isa::kRegisters, isa::kPayloadBits);
  for (const Constant& c : constants())
    text += c.width == 0 ? fmt::format("#define TRINE_{} (1u << {}) /* {} */\n",
                                       upper_snake(c.name), c.value, c.doc)
                         : fmt::format("#define TRINE_{} {}u /* {} */\n", upper_snake(c.name),
                                       c.value, c.doc);
  for (const Group& group : groups()) {
    text += fmt::format("\n/* {} */\n", group.title);
    for (const isa::Field& f : group.fields) {
      const std::string name = upper_snake(group.name) + "_" + upper_snake(f.name);
      text += fmt::format("/* {}{}: {} */\n", f.name, sign_text(f), f.doc);
      text += fmt::format("#define TRINE_{}_REG {}\n", name, f.reg);
      text += fmt::format("#define TRINE_{}_LSB {}\n", name, f.lsb);
      text += fmt::format("#define TRINE_{}_WIDTH {}\n", name, f.width);
    }
  }
  return text + "\n#endif /* TRINE_ISA_H */\n";
}

std::string instructions_markdown() {
  std::string text = fmt::format(
      "# Instructions\n"
      "\n"
      "<!-- Printed from spec/isa.def; do not edit. -->\n"
      "\n"
      "This is version {} of the instruction set. [architecture.md](architecture.md) says what the "
      "machine does with each\n"
      "instruction.\n"
      "\n"
      "An instruction word has 64 bits. SET writes the payload into one of the {} registers of an "
      "engine. A register keeps its\n"
      "value until the next SET. RUN starts the engine with its registers. BEGIN is the first word "
      "of a program, and END is the\n"
      "last.\n"
      "\n"
      "| 63:62 | 61:60 | 59:56 | 55:0 |\n"
      "|---|---|---|---|\n"
      "| opcode | engine | register | payload |\n"
      "\n"
      "The first word of a program, BEGIN, is the hash of the configuration that it was compiled "
      "for (CONFIG_HASH in\n"
      "[registers.md](registers.md); its two upper bits are BEGIN's opcode). A program with "
      "another first word stops with the\n"
      "error `configuration` before anything runs. The hash covers the version above and the keys "
      "on which programs depend,\n"
      "which [configuration.md](configuration.md) marks.\n"
      "\n"
      "## Codes\n"
      "\n"
      "A word with a code that is not listed, or a BEGIN that is not the first word, stops the "
      "program with the error\n"
      "`illegal`. A word that needs a feature that the configuration lacks stops it with the error "
      "`feature`. ERROR_ADDRESS is\n"
      "the byte offset of the word. The hardware checks `output` and `encoding` when the program "
      "sets their register.\n"
      "\n"
      "A field in the column `reads` is read only by RUNs with the code or flag of such a line. "
      "Fields that no line lists are\n"
      "read by every RUN of the engine. A field that a RUN does not read needs no SET.\n"
      "\n"
      "| name | value | meaning | needs | reads |\n|---|---|---|---|---|\n",
      isa::kVersion, isa::kRegisters);
  for (const Constant& c : constants())
    text += fmt::format("| {} | {}{} | {} | {} | {} |\n", c.name, c.width == 0 ? "bit " : "",
                        c.value, c.doc, needs_text(c.needs), reads_text(c.reads));
  text +=
      "\n## Limits\n\n"
      "Counters and memories whose sizes are the same in all designs set these limits. "
      "`program::verify`\n"
      "([sw/program/verify.h](../sw/program/verify.h)) refuses programs that exceed them. It "
      "checks a program when it is\n"
      "compiled, written, read and simulated.\n"
      "\n"
      "| name | value | meaning |\n"
      "|---|---|---|\n";
  for (const isa::limit::Limit& l : isa::limit::kAll)
    text += fmt::format("| {} | {} | {} |\n", l.name, l.value, l.doc);
  text += "\n## Features\n\n| name | keys of the configuration |\n|---|---|\n";
  for (const isa::feature::Feature& f : isa::feature::kAll)
    text += fmt::format("| {} | {} |\n", f.name, f.keys);
  for (const Group& group : groups()) {
    text += fmt::format("\n## {}\n\n{}| register | bits | field | meaning |\n|---|---|---|---|\n",
                        group.title,
                        group.name == "agu" ? "P and Q are the rows and columns of output "
                                              "positions, ROWS is `array.rows`.\n\n"
                                            : "");
    for (const isa::Field& f : group.fields)
      text += fmt::format("| {} | {}:{} | {}{} | {} |\n",
                          group.name == "run" ? "" : std::to_string(f.reg), f.lsb + f.width - 1,
                          f.lsb, f.name, sign_text(f), f.doc);
  }
  return text;
}

}  // namespace trine::gen
