// SPDX-License-Identifier: Apache-2.0
//
// Prints the emitted files. Each function returns the whole text of one file and makes no design
// decision.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "spec/config.h"
#include "sw/base/output.h"

namespace trine::gen {

using spec::Config;

// Files that do not depend on the configuration, from spec/isa.def and spec/csr.h.
std::string isa_package();
std::string isa_header();
std::string instructions_markdown();
std::string csr_package();
std::string csr_header();
std::string registers_markdown();

/// Returns legal designs at the ends of the ranges that spec/schema.cpp allows, with at most
/// `most_pes` PEs. Each limit of each key that sizes the RTL occurs in one of the designs.
std::vector<Config> corner_designs(int most_pes);
/// Returns a table of designs for the benches (tb/corners.cmake): a line for each design, a column
/// for each parameter. tb/corners.tsv is that of corner_designs(kCornerPes).
std::string corner_table(const std::vector<Config>& designs);
/// PEs of a design that Verilator compiles for a bench in a minute.
constexpr int kCornerPes = 1024;

// Files of one design.
std::string config_package(const Config& config);
std::string top_module(const Config& config);
std::string file_list(const Config& config, const std::vector<std::string>& sources);
/// Returns the timing constraints of the top module only.
std::string constraints(const Config& config);
/// Returns the header that describes the design to trine_vmm.c: TRINE_DESIGN, a value of
/// trine_design.
std::string design_header(const Config& config);
std::string readme(const Config& config, const std::vector<std::string>& sources);

// Descriptions of the design for other tools. `sources` are the files of trine.f.
/// Returns trine_axi_top: trine_top with the port names of vendors' tools.
std::string vendor_top(const Config& config);
/// Returns FuseSoC's core file.
std::string core_file(const Config& config, const std::vector<std::string>& sources);
/// Returns Bender.yml.
std::string bender_manifest(const Config& config, const std::vector<std::string>& sources);
/// Returns component.xml of trine_axi_top, IEEE 1685-2014.
std::string ip_xact(const Config& config, const std::vector<std::string>& sources);

/// Returns "3 x 5 PEs" or "4 cores of 16 x 16 PEs".
std::string pes_text(const Config& config);
/// Returns "ROW_WRAP" for "row_wrap".
std::string upper_snake(std::string_view snake);
/// Returns "  code  // doc", or the comment on a line above if that line would exceed 100 columns.
std::string commented(const std::string& code, std::string_view doc, int indent = 2);
/// Returns "  // text" in lines of at most 100 columns.
std::string comment(std::string_view text, int indent = 2);

/// Returns the files of the verification kit that depend on the design: description.json,
/// config.toml.
Files kit_files(const Config& config, const std::string& prefix);

}  // namespace trine::gen
