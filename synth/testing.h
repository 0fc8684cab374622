// SPDX-License-Identifier: Apache-2.0
//
// Helpers for the tests of synthesis.

#pragma once

#include <filesystem>
#include <regex>
#include <string>

#include "sw/base/file.h"
#include "sw/base/process.h"
#include "synth/read/liberty.h"
#include "synth/stages.h"
#include "synth/synthesize.h"

namespace trine::synth::testing {

namespace fs = std::filesystem;

/// The cell to which a register is mapped.
inline constexpr const char* kFlipFlop = "sg13g2_dfrbpq_1";

/// Returns the default library as plain text.
inline std::string library_text() { return read_maybe_gzipped(default_liberty()); }

/// Returns the default library without its clock gates and wire loads.
inline std::string bare_library_text() {
  return without_wire_load(read_library(default_liberty()).text);
}

/// A folder with one source and its trine.f.
struct Source {
  TemporaryFolder folder{fs::temp_directory_path()};
  explicit Source(const std::string& text) {
    // Multiplier: the flow sets it.
    write_file(folder.path() / "trine_top.sv",
               std::regex_replace(text, std::regex("module trine_top \\("),
                                  "module trine_top #(parameter int Multiplier = 0) ("));
    write_file(folder.path() / "trine.f", "trine_top.sv\n");
  }
  SynthReport synthesize(SynthOptions options = {}) const {
    options.stages = &all_stages();
    return synthesize_design(folder.path(), "trine_top", "test", 4, options);
  }
};

}  // namespace trine::synth::testing
