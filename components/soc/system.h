// SPDX-License-Identifier: Apache-2.0
//
// Builds a RISC-V system around machines with LiteX: components/soc/trine_litex.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace trine::soc {

/// Options of a system.
struct SystemOptions {
  std::filesystem::path python;  ///< an interpreter that has components/soc/requirements.txt
  std::string cpu = "vexriscv", variant;
  std::string target = "sim";  ///< or "ulx3s"
  double clock_mhz = 40;       ///< clock of a board
  int main_kib = 1024, models_kib = 1024, sram_kib = 16, rom_kib = 128;
  bool sdram = false, faults = false;
  /// Folder of build_firmware(): the initial contents of a board's memories.
  std::filesystem::path firmware;
};

/// The contents of system.json.
struct System {
  std::filesystem::path folder;
  std::vector<std::filesystem::path> sources;  ///< Verilog; the last file is the system itself
  std::vector<std::filesystem::path> include_verilog;
  std::vector<std::filesystem::path> designs;  ///< file lists of the machines
  std::vector<std::string> flags;              ///< flags of the C compiler
  std::vector<std::filesystem::path> include;
  std::vector<std::filesystem::path> software;  ///< start-up code first, then LiteX's library
};

/// Writes the system into `folder` and replaces an earlier system there.
/// @param designs  folders of gen::generate()
/// @throws Error  LiteX's message, or `folder` contains something else
System build_system(const std::vector<std::filesystem::path>& designs, const SystemOptions& options,
                    const std::filesystem::path& folder);

}  // namespace trine::soc
