// SPDX-License-Identifier: Apache-2.0
//
// Reads LEF: sizes of cells and macros, positions of their pins, and cost of wires. Units: um,
// kOhm, pF.

#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace trine::synth {

/// A position in um.
struct Point {
  float x = 0, y = 0;
};

/// The size and pins of a cell or macro.
struct LefCell {
  float width = 0, height = 0;
  std::map<std::string, Point> pins;  ///< center of each pin
};

/// The cost of one um on the layers for signals: the second routing layer and all layers of its
/// width.
struct WireCost {
  float kohm = 0, pf = 0;
  float via_kohm = 0;  ///< resistance of a via between two of them
};

/// The contents of LEF files.
struct Lef {
  float site_width = 0, row_height = 0;
  WireCost wire;
  std::map<std::string, LefCell> cells;

  /// Returns the cell with this name. @throws Error  it does not exist
  const LefCell& cell(const std::string& name) const;
};

/// Adds the contents of a file.
/// @param file  for messages
/// @throws Error  not a LEF file
void add_lef(std::string_view text, const std::string& file, Lef& lef);

/// Reads all .lef and .lef.gz files of a folder, or one file.
/// @throws Error  they contain no site, or no wire
Lef read_lef(const std::filesystem::path& where);

/// Returns the folder with the LEF of a Liberty file's cells: a LEF file whose name begins the
/// Liberty file's name (sg13g2_stdcell.lef). Searches the Liberty file's folder, `lef` in it and
/// `lef` next to it.
/// @throws Error  there is none
std::filesystem::path lef_folder_of(const std::filesystem::path& liberty);

}  // namespace trine::synth
