// SPDX-License-Identifier: Apache-2.0
//
// Emission of a design: all modules that trine_top needs, with file lists, headers and pages.

#pragma once

#include <filesystem>
#include <string>

#include "base/output.h"
#include "machine/config.h"

namespace trine::gen {

using machine::Config;

/// Writes the design into `out_dir`, which is then a folder of its own: trine_top.sv, the packages
/// and modules it uses, trine.f, trine.core, Bender.yml and component.xml (paths relative to the
/// folder), trine_axi_top.v, a bench, C headers, the driver in C, trine.sdc, instructions.md,
/// registers.md, README.md, config.toml, manifest.json. The same configuration gives the same
/// bytes. With a `prefix` each name of a module, a file or a C symbol begins with it
/// (left_trine_top), so that designs can share a system. An earlier output is replaced as a whole:
/// readers see the old or the new, if the file system can exchange two folders (renameat2: ext4,
/// XFS, Btrfs, tmpfs); on others there is a moment between two renames.
/// @pre check(config) passes
/// @throws Error  when `out_dir` holds something that generate() has not written
void generate(const Config& config, const std::filesystem::path& out_dir,
              const std::string& prefix = "");

/// Writes the verification kit of the design with that prefix into a folder of its own: gen/kit,
/// and description.json, the one description of configuration, registers and instructions.
/// @throws Error  as generate()
void generate_kit(const Config& config, const std::filesystem::path& out_dir,
                  const std::string& prefix = "");

/// The files with "left_trine_..." for each trine_..., and "LEFT_TRINE_..." for each TRINE_... of
/// the C headers, in names and texts, if `prefix` is "left". As they are, if it is empty.
/// @throws Error  no prefix of names
Files with_prefix(const Files& files, const std::string& prefix);
/// "left_trine.f" of "trine.f", if `prefix` is "left".
std::string prefixed(const std::string& name, const std::string& prefix);

/// "3 x 5 PEs", "4 cores of 16 x 16 PEs".
std::string pes_text(const machine::Config& config);

/// Refreshes the committed prints below the root `dir`: rtl/lib/trine_isa_pkg.sv,
/// rtl/control/trine_csr_pkg.sv and docs/{instructions,registers,configuration}.md.
void write_packages(const std::filesystem::path& dir);

}  // namespace trine::gen
