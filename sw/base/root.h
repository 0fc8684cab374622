// SPDX-License-Identifier: Apache-2.0
//
// Finds the project's own files (presets, rtl, simulator sources) at run time.
// tools/cli/CMakeLists.txt lists the files that an installed program needs.

#pragma once

#include <filesystem>

namespace trine {

/// Returns the root of the repository, or share/trine of an installation, that contains the running
/// program. A program outside of both gets the source tree it was built from.
/// @throws Error  no candidate contains spec/presets/ and rtl/
std::filesystem::path project_root();

/// Sets the root, for a library inside another program (Python's extension).
/// @throws Error  `root` does not contain spec/presets/ and rtl/
void set_project_root(const std::filesystem::path& root);

}  // namespace trine
