// SPDX-License-Identifier: Apache-2.0
//
// The scripts that Yosys and OpenSTA run, and what they print.

#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "synth/read/liberty.h"
#include "synth/synthesize.h"

namespace trine::synth {

/// Reads the sources of trine.f and writes design.il, elaborated, its multipliers of Booth rows;
/// for ECP5 of `*`, and its memories for block RAM.
/// @param gates  there is a cell for clock gates; else the clock passes them
std::string elaborate_script(const std::vector<std::string>& sources, const std::string& top,
                             Target target = Target::kAsic, bool gates = true);

/// What a module is mapped for.
enum class Effort { kArea, kSpeed };

/// Stem of the files of a mapped module: NAME, or NAME.fast.
std::string mapped_name(const std::string& name, Effort effort);

/// ABC's part of the mapping; the file that it is in.
std::string_view abc_script(Effort effort);
std::string abc_file(Effort effort);

/// Maps NAME.il to an FPGA's cells: mapped_name().stat. Stops at loops, undriven wires.
std::string fpga_script(const std::string& name, Target target);

/// NAME.simple.il
std::string simple_name(const std::string& name);

/// Makes Yosys' simple cells of NAME.il: simple_name(). Stops at latches, loops, undriven wires.
std::string simple_script(const std::string& name);

/// Maps simple cells to the library's: mapped_name().stat, .v and .blif for each effort.
/// @param gate  a Verilog file with the clock gate that simple_name() holds now; empty: goes on
/// with what simple_script() made
std::string map_script(const std::string& name, const std::vector<Effort>& efforts,
                       const std::string& gate = "");

/// Writes the memory module NAME.il, elaborated, as NAME.v, its array kept.
std::string memory_script(const std::string& name);

/// Writes what the cells of cells.lib do as cells.v.
std::string cells_script();

/// Reports the longest path of module NAME in FILE.v.
std::string timing_script(const std::string& file, const std::string& name);

/// One clock, ports without delay, reset left out; names of ports, empty if there is none.
std::string constraints(const std::string& top, const std::string& clock, const std::string& reset);

/// What OpenSTA prints of NAME.tcl. @throws Error  it is missing or fails; `what` is named
std::string run_sta(const std::string& name, const std::filesystem::path& folder,
                    const std::string& what);

/// Returns the cells by type of all modules of a `stat -json`.
/// @throws Error  it is no JSON
std::map<std::string, std::int64_t> parse_stat(std::string_view text);

/// What timing_script() printed.
Path parse_timing(std::string_view text);

/// Lines of OpenSTA's report_check_types that say so.
std::int64_t count_violations(std::string_view text);

/// Runs yosys on a script in `folder`. @throws Error  with the log's reason; `what` names the
/// module
void run_yosys(const std::string& script, const std::string& name,
               const std::filesystem::path& folder, const std::string& what);

/// The files of a trine.f, in order, as paths beside it. @throws Error
std::vector<std::string> read_file_list(const std::filesystem::path& list);

}  // namespace trine::synth
