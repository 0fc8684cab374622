// SPDX-License-Identifier: Apache-2.0
//
// Writes a design: all modules that trine_top needs, file lists, headers and pages.

#pragma once

#include <filesystem>
#include <string>

#include "spec/config.h"
#include "sw/base/output.h"

namespace trine::gen {

using spec::Config;

/// Writes the design as the only contents of `out_dir`: trine_top.sv, the packages and modules it
/// uses, trine.f, trine.core, Bender.yml and component.xml (paths relative to the folder),
/// trine_axi_top.v, a bench, C headers, the driver in C, trine.sdc, instructions.md, registers.md,
/// README.md, config.toml, manifest.json. The same configuration gives the same bytes. With a
/// `prefix`, the name of each module, file and C symbol begins with it (left_trine_top), so that
/// several designs can share a system. An earlier output is replaced as a whole. Readers see either
/// the old or the new output if the file system can exchange two folders (renameat2: ext4, XFS,
/// Btrfs, tmpfs); otherwise the folder is missing for a moment between two renames.
/// @pre check(config) passes
/// @throws Error  `out_dir` contains a file that generate() has not written
void generate(const Config& config, const std::filesystem::path& out_dir,
              const std::string& prefix = "");

/// Writes the verification kit of the design with that prefix into a separate folder:
/// components/kit and description.json, which describes configuration, registers and instructions.
/// @throws Error  as generate()
void generate_kit(const Config& config, const std::filesystem::path& out_dir,
                  const std::string& prefix = "");

/// Returns the files with a prefix, unchanged if it is empty. With "left", names and texts contain
/// "left_trine_..." for each trine_..., and "LEFT_TRINE_..." for each TRINE_... of the C headers.
/// @throws Error  the prefix is not valid
Files with_prefix(const Files& files, const std::string& prefix);
/// Returns a file name with the prefix: "left_trine.f" for "trine.f" and "left".
std::string prefixed(const std::string& name, const std::string& prefix);

/// Writes the generated files that the repository contains, below its root `dir`:
/// rtl/lib/trine_isa_pkg.sv, rtl/control/trine_csr_pkg.sv and
/// docs/{instructions,registers,configuration}.md.
void write_packages(const std::filesystem::path& dir);

}  // namespace trine::gen
