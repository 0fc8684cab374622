// SPDX-License-Identifier: Apache-2.0
//
// The firmware of a system, with the models that it runs: soc/firmware.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "soc/system.h"

namespace trine::soc {

/// A model as the firmware gets it.
struct Model {
  std::string name;
  std::string image;                  ///< program::write_image()
  std::uint32_t expected_cycles = 0;  ///< for the time after which it gives up
  std::vector<std::string> inputs;    ///< bytes, case after case, those of a case in order;
                                      ///< "": a state
  std::vector<std::pair<std::size_t, std::size_t>> carries;  ///< input and output of each state
  std::vector<std::string> labels;                           ///< of the classes; may be empty
};

/// What goes wrong on the bus of machine 0: soc/trine_litex/faults.py.
struct Fault {
  std::uint32_t read_error = 0, write_error = 0, cut = 0;
};

struct FirmwareOptions {
  std::vector<std::filesystem::path> app;  ///< C files instead of soc/firmware/main.c and models
  std::filesystem::path data;              ///< bytes for it: soc_data of soc/firmware/board.h
  int cases = 1;
  int output_bytes = 1024;  ///< of the largest output
  bool cache_hooks = true;  ///< false: a system with caches then shows stale bytes
  Fault fault;
};

/// Compiles it into `folder`, for the driver of `design`, and writes what the memories of the
/// simulation begin with: trine_soc_rom.init, trine_soc_models.init.
/// @param machines  of the system
/// @param models  the n-th runs on machine n; none with an app
/// @throws Error  the compiler is missing; code or models do not fit
void build_firmware(const System& system, const std::filesystem::path& design, std::size_t machines,
                    const std::vector<Model>& models, const FirmwareOptions& options,
                    const std::filesystem::path& folder);

}  // namespace trine::soc
