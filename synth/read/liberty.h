// SPDX-License-Identifier: Apache-2.0
//
// Reads Liberty files: text that Yosys 0.23 accepts, and the areas of cells and memory macros.

#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace trine::synth {

/// An integrated clock gate: a latch that is open while the clock is low, and an AND gate.
struct ClockGate {
  std::string cell;  ///< empty: the library has none
  std::string text;  ///< its group, if it was cut out as `dont_use` so that no mapper chooses it
  /// Pin names; `test` opens the gate and is usually empty.
  std::string clock, enable, test, output;
  double um2 = 0;
};

/// A standard-cell library as text that Yosys, ABC and OpenSTA read.
struct Library {
  std::string name;                    ///< name of the file without folder and extensions
  std::string text;                    ///< without cells marked dont_use
  std::map<std::string, double> area;  ///< area of each cell, um2
  ClockGate gate;
  std::string nand2;  ///< smallest two-input NAND: the gate equivalent
  double nand2_um2 = 0;
  /// Name of a timer's default wire load: the table that selects by area, or the model; empty if
  /// there is none.
  std::string wire_load;
};

/// Returns the text for a timer: the library and its clock gate.
std::string timing_text(const Library& library);

/// Returns the clock gate in Verilog. @param ports_only  as a black box
std::string clock_gate_model(const ClockGate& gate, bool ports_only);

/// Returns trine_clock_gate for this library, a black box if it has no clock gate.
std::string clock_gate_module(const Library& library);

/// Returns the text without default wire loads, so that a timer assumes ideal wires.
std::string without_wire_load(const std::string& text);

/// Reads .lib or .lib.gz. @throws Error  not a Liberty file, no NAND2, a cell without area
Library read_library(const std::filesystem::path& file);

/// Returns the text of a file that may be gzipped. @throws Error
std::string read_maybe_gzipped(const std::filesystem::path& file);

/// Quotes expressions that begin with '!', which Yosys 0.23 rejects without quotes.
std::string make_readable(std::string text);

/// Returns names and areas of the `cell (x) { ... }` groups; removes those with dont_use from
/// `text`.
std::map<std::string, double> take_cells(std::string& text, const std::string& file);

/// A memory macro of a library.
struct Macro {
  std::string name;
  std::int64_t depth = 0, width = 0;
  double um2 = 0;
  std::filesystem::path file{};
  double ns = 0;  ///< time from the clock to its outputs; 0: not known
};

/// Returns the single-port macros of a folder of Liberty files, or all macros if no name states the
/// number of ports. Sizes come from names such as X_1P_1024x32_Y. Empty if there is no such folder.
std::vector<Macro> read_macros(const std::filesystem::path& folder);

/// Returns the folder next to a Liberty file that contains its memories: sg13g2_stdcell_x.lib ->
/// sg13g2_sram.
std::filesystem::path macro_folder_of(const std::filesystem::path& liberty);

/// A grid of macros that forms a memory.
struct Tiling {
  std::string macro;  ///< name of the macro; empty: no macros
  std::int64_t across = 0, down = 0;
  double um2 = 0;
  double ns = 0;  ///< approximate read time: a macro and the multiplexer of a column
};

/// Returns the smallest grid that is read within `most_ns`, or the fastest if there is none.
Tiling tile(const std::vector<Macro>& macros, std::int64_t width, std::int64_t depth,
            double most_ns = std::numeric_limits<double>::infinity());

}  // namespace trine::synth
