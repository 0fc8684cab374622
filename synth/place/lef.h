// SPDX-License-Identifier: Apache-2.0
//
// LEF: sizes of cells and macros, where their pins are, and what a wire costs. Units: um, kOhm, pF.

#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace trine::synth {

struct Point {
  float x = 0, y = 0;
};

struct LefCell {
  float width = 0, height = 0;
  std::map<std::string, Point> pins;  ///< the middle of each
};

/// Cost of one um on the layers that signals take: the second routing layer and those as wide as
/// it.
struct WireCost {
  float kohm = 0, pf = 0;
  float via_kohm = 0;  ///< between two of them
};

struct Lef {
  float site_width = 0, row_height = 0;
  WireCost wire;
  std::map<std::string, LefCell> cells;

  /// @throws Error  there is none
  const LefCell& cell(const std::string& name) const;
};

/// Adds what a file's text says. @param file  for messages. @throws Error  not a LEF file
void add_lef(std::string_view text, const std::string& file, Lef& lef);

/// All .lef and .lef.gz of a folder, or one file. @throws Error  no site, no wire in them
Lef read_lef(const std::filesystem::path& where);

/// The folder with the LEF of a Liberty file's cells (a file whose name begins the Liberty's:
/// sg13g2_stdcell.lef): the Liberty's own, `lef` in it or beside it. @throws Error  there is none
std::filesystem::path lef_folder_of(const std::filesystem::path& liberty);

}  // namespace trine::synth
