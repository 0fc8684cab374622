// SPDX-License-Identifier: Apache-2.0
//
// Liberty files: made readable for Yosys 0.23, and the areas of cells and memory macros.

#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace trine::synth {

/// An integrated clock gate: a latch that is open while the clock is low, and an AND.
struct ClockGate {
  std::string cell;  ///< empty: the library has none
  std::string text;  ///< its group where it is cut out as `dont_use`: not for a mapper to choose
  std::string clock, enable, test, output;  ///< pins; `test` opens it, mostly there is none
  double um2 = 0;
};

/// A standard-cell library as text that Yosys, ABC and OpenSTA read.
struct Library {
  std::string name;                    ///< of the file, without folder and extensions
  std::string text;                    ///< without cells marked dont_use
  std::map<std::string, double> area;  ///< of each cell, um2
  ClockGate gate;
  std::string nand2;  ///< the smallest two-input NAND: the gate equivalent
  double nand2_um2 = 0;
  /// What a timer takes for wires unless told otherwise: the table that selects by area, or the
  /// model; empty if there is none.
  std::string wire_load;
};

/// All that a timer reads: the text, with the clock gate.
std::string timing_text(const Library& library);

/// The cell in Verilog. @param ports_only  a black box
std::string clock_gate_model(const ClockGate& gate, bool ports_only);

/// trine_clock_gate for this library: a black box if it has none.
std::string clock_gate_module(const Library& library);

/// The text without its default wire loads: a timer then takes wires for nothing.
std::string without_wire_load(const std::string& text);

/// Reads .lib or .lib.gz. @throws Error  not a Liberty file, no NAND2, a cell without area
Library read_library(const std::filesystem::path& file);

/// Plain text of a file that may be gzipped. @throws Error
std::string read_maybe_gzipped(const std::filesystem::path& file);

/// Rewrites what Yosys 0.23 stops at: unquoted expressions that begin with '!'.
std::string make_readable(std::string text);

/// Names and areas of the `cell (x) { ... }` groups; those with dont_use are cut out of `text`.
std::map<std::string, double> take_cells(std::string& text, const std::string& file);

/// A memory macro of a library.
struct Macro {
  std::string name;
  std::int64_t depth = 0, width = 0;
  double um2 = 0;
  std::filesystem::path file{};
  double ns = 0;  ///< from the clock to its outputs; 0: not known
};

/// The single-port macros (all, where none says so) of a folder of Liberty files, sizes taken from
/// names such as X_1P_1024x32_Y. Empty if there is no such folder.
std::vector<Macro> read_macros(const std::filesystem::path& folder);

/// The folder beside a Liberty file that has its memories: sg13g2_stdcell_x.lib -> sg13g2_sram.
std::filesystem::path macro_folder_of(const std::filesystem::path& liberty);

/// Macros side by side and one above the other that make up a memory.
struct Tiling {
  std::string macro;  ///< empty: no macros
  std::int64_t across = 0, down = 0;
  double um2 = 0;
  double ns = 0;  ///< until it is read, about: a macro's, and the multiplexer of those above it
};

/// The least area of those that are read within `most_ns`; if there is none, the fastest.
Tiling tile(const std::vector<Macro>& macros, std::int64_t width, std::int64_t depth,
            double most_ns = std::numeric_limits<double>::infinity());

}  // namespace trine::synth
