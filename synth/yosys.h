// SPDX-License-Identifier: Apache-2.0
//
// The scripts for Yosys and OpenSTA, and parsers of their output.

#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "synth/read/liberty.h"
#include "synth/synthesize.h"

namespace trine::synth {

/// Returns a script that reads the sources of trine.f and writes the elaborated design.il.
/// Multipliers become Booth rows; for ECP5 they remain `*`, and memories become block RAM.
/// @param gates  true if the library has a clock-gate cell; otherwise clock gates let the clock
/// pass
std::string elaborate_script(const std::vector<std::string>& sources, const std::string& top,
                             Target target = Target::kAsic, bool gates = true);

/// The goal of mapping a module.
enum class Effort { kArea, kSpeed };

/// Returns the stem of the files of a mapped module: NAME, or NAME.fast.
std::string mapped_name(const std::string& name, Effort effort);

/// Returns ABC's part of the mapping; abc_file() is the name of its file.
std::string_view abc_script(Effort effort);
std::string abc_file(Effort effort);

/// Returns a script that maps NAME.il to an FPGA's cells: mapped_name().stat. Stops at loops and
/// undriven wires.
std::string fpga_script(const std::string& name, Target target);

/// Returns NAME.simple.il.
std::string simple_name(const std::string& name);

/// Returns a script that converts NAME.il to Yosys' simple cells: simple_name(). Stops at latches,
/// loops and undriven wires.
std::string simple_script(const std::string& name);

/// Returns a script that maps simple cells to the library's: mapped_name().stat, .v and .blif for
/// each effort.
/// @param gate  a Verilog file with the clock gate that simple_name() contains: the script reads
/// both files; empty: the script continues with the result of simple_script()
std::string map_script(const std::string& name, const std::vector<Effort>& efforts,
                       const std::string& gate = "");

/// Returns a script that writes the elaborated memory module NAME.il as NAME.v and keeps its array.
std::string memory_script(const std::string& name);

/// Returns a script that writes models of the cells of cells.lib to cells.v.
std::string cells_script();

/// Returns a script that reports the longest path of module NAME in FILE.v.
std::string timing_script(const std::string& file, const std::string& name);

/// Returns timing constraints: one clock, ports without delay, reset ignored. Empty port names mean
/// that there is no such port.
std::string constraints(const std::string& top, const std::string& clock, const std::string& reset);

/// Runs OpenSTA on NAME.tcl and returns its output. @throws Error  names `what`: OpenSTA is missing
/// or fails
std::string run_sta(const std::string& name, const std::filesystem::path& folder,
                    const std::string& what);

/// Returns the cells by type of all modules of a `stat -json`.
/// @throws Error  not valid JSON
std::map<std::string, std::int64_t> parse_stat(std::string_view text);

/// Parses the output of timing_script().
Path parse_timing(std::string_view text);

/// Returns the number of violations in OpenSTA's report_check_types.
std::int64_t count_violations(std::string_view text);

/// Runs yosys on a script in `folder`.
/// @throws Error  names the module `what` and the log's reason
void run_yosys(const std::string& script, const std::string& name,
               const std::filesystem::path& folder, const std::string& what);

/// Returns the files of a trine.f in order, as paths next to it. @throws Error
std::vector<std::string> read_file_list(const std::filesystem::path& list);
/// Returns the sources of a design: the files of a file list, a file itself, or a folder's files.
/// If the folder has a trine.f, that lists them; otherwise all .v and .sv files count, packages
/// first.
/// @throws Error
std::vector<std::string> sources_of(const std::filesystem::path& design);

}  // namespace trine::synth
