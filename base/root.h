// SPDX-License-Identifier: Apache-2.0
//
// Where the project's own files (presets, rtl, simulator sources) lie at run time. Those that an
// installed program needs are listed in tools/cli/CMakeLists.txt.

#pragma once

#include <filesystem>

namespace trine {

/// The repository's root, or share/trine of an installation: that which the program lies in; for
/// a program outside of both the one that it was built from.
/// @throws Error  when none holds presets/ and rtl/
std::filesystem::path project_root();

/// Where a library inside of another program (Python's extension) has them.
/// @throws Error  there is no presets/ or rtl/
void set_project_root(const std::filesystem::path& root);

}  // namespace trine
