// SPDX-License-Identifier: Apache-2.0
//
// Estimates designs for models: the numbers of `trine estimate --json`, without a process for each.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sw/base/json.h"

namespace trine::explore {

/// A model file, read once. A table of shapes (FILE.csv) is a model, too.
struct Model {
  std::string name;  ///< path, as given
  std::vector<std::uint8_t> bytes;
};

/// Reads model files. @throws Error  a file cannot be read, or is a program
std::vector<Model> read_models(const std::vector<std::string>& files);

/// Returns the figures of a design and a model: `keys` (all keys of the configuration), `toml`,
/// `figures` (values of `trine estimate --json` by name), `energy`, `errors`, `parts` (area),
/// `layers`, `notes`. If the design or the model is refused: `error`, and the other keys as far as
/// they are known. Threads may call it at the same time.
/// @param settings  key=value, as for --set
Json figures_of(const Model& model, const std::string& config,
                const std::vector<std::string>& settings);

/// Returns the settings of up to eight designs around one: rows, columns, DMEM and PMEM, each
/// halved and doubled. Settings that are not allowed are left out.
std::vector<std::vector<std::string>> around(const std::string& config,
                                             const std::vector<std::string>& settings);

}  // namespace trine::explore
