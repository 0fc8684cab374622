// SPDX-License-Identifier: Apache-2.0
//
// Printers: each returns the whole text of one emitted file and decides nothing.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/output.h"
#include "machine/config.h"

namespace trine::gen {

using machine::Config;

// Independent of the configuration, from machine/isa.def and machine/csr.h.
std::string isa_package();
std::string isa_header();
std::string instructions_markdown();
std::string csr_package();
std::string csr_header();
std::string registers_markdown();

/// A parameter of trine_machine: "int unsigned", "Rows", "8", "lanes: output pixels or tokens".
struct Parameter {
  std::string type, name, value, doc;
};
std::vector<Parameter> parameters(const Config& config);

/// Legal designs at the ends of the ranges that machine/schema.cpp allows, within `most_pes` PEs.
/// Each corner of each key that sizes the RTL is in one of the designs.
std::vector<Config> corner_designs(int most_pes);
/// tb/corners.tsv: a line for each of corner_designs(kCornerPes), a column for each parameter.
std::string corner_table();
constexpr int kCornerPes = 1024;  ///< what a bench verilates in a minute

// What one design needs.
std::string config_package(const Config& config);
std::string top_module(const Config& config);
std::string file_list(const Config& config, const std::vector<std::string>& sources);
/// Timing constraints of the top alone.
std::string constraints(const Config& config);
/// What trine_vmm.c has to know: TRINE_DESIGN, a value of trine_design.
std::string design_header(const Config& config);
std::string readme(const Config& config, const std::vector<std::string>& sources);

// What other tools take it by. `sources` as in trine.f.
/// trine_axi_top: trine_top with the port names of vendors' tools.
std::string vendor_top(const Config& config);
/// FuseSoC's core.
std::string core_file(const Config& config, const std::vector<std::string>& sources);
/// Bender.yml.
std::string bender_manifest(const Config& config, const std::vector<std::string>& sources);
/// component.xml of trine_axi_top, IEEE 1685-2014.
std::string ip_xact(const Config& config, const std::vector<std::string>& sources);

/// "row_wrap" -> "RowWrap", "row_wrap" -> "ROW_WRAP".
std::string upper_camel(std::string_view snake);
std::string upper_snake(std::string_view snake);
/// "  code  // doc", or the comment on a line of its own above where that exceeds 100 columns.
std::string commented(const std::string& code, std::string_view doc);
/// "  // text", in lines of at most 100 columns.
std::string comment(std::string_view text);

/// What the verification kit has of this design alone: description.json, config.toml.
Files kit_files(const Config& config, const std::string& prefix);

}  // namespace trine::gen
