// SPDX-License-Identifier: Apache-2.0
//
// A RISC-V system around machines, as LiteX writes it: soc/trine_litex.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace trine::soc {

struct SystemOptions {
  std::filesystem::path python;  ///< that has soc/requirements.txt
  std::string cpu = "vexriscv", variant;
  std::string target = "sim";  ///< or "ulx3s"
  double clock_mhz = 40;       ///< of a board
  int main_kib = 1024, models_kib = 1024, sram_kib = 16, rom_kib = 128;
  bool sdram = false, faults = false;
  std::filesystem::path firmware;  ///< folder of build_firmware(): what a board begins with
};

/// What system.json says.
struct System {
  std::filesystem::path folder;
  std::vector<std::filesystem::path> sources;  ///< Verilog; the last is the system itself
  std::vector<std::filesystem::path> include_verilog;
  std::vector<std::filesystem::path> designs;  ///< file lists of the machines
  std::vector<std::string> flags;              ///< of the C compiler
  std::vector<std::filesystem::path> include;
  std::vector<std::filesystem::path>
      software;  ///< the processor's start, first, and LiteX's library
};

/// Writes the system into `folder`; an earlier one there is replaced.
/// @param designs  folders of gen::generate()
/// @throws Error  what LiteX says against it; `folder` holds something else
System build_system(const std::vector<std::filesystem::path>& designs, const SystemOptions& options,
                    const std::filesystem::path& folder);

}  // namespace trine::soc
