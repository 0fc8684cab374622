// SPDX-License-Identifier: Apache-2.0
//
// Builds the firmware of a system with the models that it runs: components/soc/firmware.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "components/soc/system.h"

namespace trine::soc {

/// A model for the firmware.
struct Model {
  std::string name;
  std::string image;                  ///< program::write_image()
  std::uint32_t expected_cycles = 0;  ///< determines when the firmware gives up
  /// The bytes of each input, case after case. Within a case, they are in the model's order. "":
  /// a state.
  std::vector<std::string> inputs;
  std::vector<std::pair<std::size_t, std::size_t>> carries;  ///< input and output of each state
  std::vector<std::string> labels;                           ///< names of the classes; may be empty
};

/// The faults on the bus of machine 0: components/soc/trine_litex/faults.py.
struct Fault {
  std::uint32_t read_error = 0, write_error = 0, cut = 0;
};

/// Options of the firmware.
struct FirmwareOptions {
  std::vector<std::filesystem::path>
      app;                     ///< C files that replace components/soc/firmware/main.c and models
  std::filesystem::path data;  ///< bytes for the app: soc_data of components/soc/firmware/board.h
  int cases = 1;
  int output_bytes = 1024;  ///< size of the largest output
  bool cache_hooks = true;  ///< false: a system with caches then shows stale bytes
  Fault fault;
};

/// Compiles the firmware into `folder` for the driver of `design`, and writes the initial contents
/// of the simulation's memories: trine_soc_rom.init, trine_soc_models.init.
/// @param machines  number of machines in the system
/// @param models  the n-th model runs on machine n; none with an app
/// @throws Error  the compiler is missing, or code or models do not fit
void build_firmware(const System& system, const std::filesystem::path& design, std::size_t machines,
                    const std::vector<Model>& models, const FirmwareOptions& options,
                    const std::filesystem::path& folder);

}  // namespace trine::soc
