// SPDX-License-Identifier: Apache-2.0
//
// Prints the description of a design for the verification kit, as JSON: configuration, registers,
// instructions. The kit itself is written in Python and is the same for all designs:
// components/kit.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

#include "gen/emit.h"
#include "gen/generate.h"
#include "spec/csr.h"
#include "spec/isa.h"
#include "spec/schema.h"
#include "sw/base/json.h"

namespace trine::gen {
namespace {

std::string hex(std::uint64_t value) { return fmt::format("0x{:x}", value); }

/// Returns true if this design can report the error.
bool is_possible(const csr::Code& error, const Config& config) {
  return (error.name != "ecc" || config.ecc) && (error.name != "stream" || config.packed);
}

Json codes_json(std::span<const csr::Code> codes) {
  Json list = Json::array();
  for (const csr::Code& c : codes)
    list.push_back({{"name", c.name}, {"code", c.value}, {"doc", c.doc}});
  return list;
}

/// Returns true if the design implements the register.
bool is_present(const csr::Register& r, const Config& config) {
  if (r.offset == csr::kEccCorrected) return config.ecc;
  return r.offset != csr::kImemCorrected || (config.ecc && config.imem_kib > 0);
}

/// Returns the bits that a write of the register stores in this design.
std::uint64_t kept_bits(const csr::Register& r, const Config& config) {
  if (r.bits == 32 || r.kept == 0) return r.kept;
  std::uint64_t kept = r.kept;
  if (config.axi_addr_bits < 64) kept &= (std::uint64_t{1} << config.axi_addr_bits) - 1;
  return kept;
}

/// Returns the reset value as far as the configuration determines it.
std::uint64_t reset_of(const csr::Register& r, const Config& config) {
  switch (r.offset) {
    case csr::kId:
      return csr::kIdValue;
    case csr::kVersion:
      return isa::kVersion;
    case csr::kConfigHash:
      return config.hash();
    case csr::kRegistersVersion:
      return csr::kRegistersVersionValue;
    default:
      return r.reset & kept_bits(r, config);
  }
}

Json register_json(const csr::Register& r, const Config& config) {
  Json json{{"name", r.name},
            {"offset", r.offset},
            {"bits", r.bits},
            {"entries", r.entries},
            {"access", r.access},
            {"kept", hex(kept_bits(r, config))},
            {"reset", hex(reset_of(r, config))},
            {"multiple", r.aligned ? std::max(8, config.axi_data_bits / 8) : 1},
            {"locked", r.doc.ends_with("; locked")},
            {"doc", r.doc},
            {"fields", Json::array()}};
  for (const csr::Bit& b : r.fields)
    json["fields"].push_back({{"name", b.name}, {"bit", b.bit}, {"doc", b.doc}});
  return json;
}

Json field_json(const isa::ListedField& f) {
  return {{"name", f.field->name}, {"group", f.group},        {"register", f.field->reg},
          {"lsb", f.field->lsb},   {"width", f.field->width}, {"signed", f.field->is_signed},
          {"engines", f.engines},  {"doc", f.field->doc}};
}

Json operations_json(const isa::CodeSet& set, const Config& config) {
  Json list = Json::array();
  for (const isa::Code& c : set.codes)
    list.push_back({{"name", c.name},
                    {"code", c.code},
                    {"engines", c.engines},
                    {"available", (c.needs & ~config.features()) == 0},
                    {"doc", c.doc}});
  return list;
}

Json instructions_json(const Config& config) {
  Json json{{"opcode_lsb", 62}, {"engine_lsb", 60}, {"register_lsb", 56}};
  json["opcodes"] = {{"end", 0}, {"set", 1}, {"run", 2}, {"begin", 3}};
  json["engines"] = isa::kEngineNames;
  json["registers"] = isa::kRegisters;
  for (const isa::ListedField& f : isa::kFields) json["fields"].push_back(field_json(f));
  for (const isa::CodeSet* set :
       {&isa::kTargets, &isa::kComputeOps, &isa::kVectorOps, &isa::kOutputs, &isa::kEncodings})
    json["codes"][std::string(set->prefix)] = operations_json(*set, config);
  for (const isa::Flag& f : isa::kFlags)
    json["flags"].push_back({{"name", f.name},
                             {"group", f.group},
                             {"bit", f.bit},
                             {"engines", f.engines},
                             {"codes", f.codes},
                             {"available", (f.needs & ~config.features()) == 0},
                             {"doc", f.doc}});
  return json;
}

}  // namespace

Files kit_files(const Config& config, const std::string& prefix) {
  Json json{{"design", config.name},
            {"configuration_hash", hex(config.hash())},
            {"design_hash", fmt::format("0x{:016x}", config.identity())},
            {"configuration", spec::all_keys(config)},
            {"top", prefixed("trine_axi_top", prefix)},
            {"file_list", prefixed("trine.f", prefix)},
            {"top_file", prefixed("trine_axi_top.v", prefix)}};
  for (const csr::Register& r : csr::registers())
    if (is_present(r, config)) json["registers"].push_back(register_json(r, config));
  json["errors"] = codes_json(csr::kErrors);
  for (std::size_t i = 0; i < csr::kErrors.size(); ++i)
    json["errors"][i]["possible"] = is_possible(csr::kErrors[i], config);
  json["causes"] = codes_json(csr::kCauses);
  json["instructions"] = instructions_json(config);
  return {{"description.json", json_text(json, 1) + "\n"},
          {"config.toml", "# SPDX-License-Identifier: Apache-2.0\n" + config.to_toml()}};
}

}  // namespace trine::gen
