// SPDX-License-Identifier: Apache-2.0
//
// Where the project's own files (presets, rtl) lie at run time.

#pragma once

#include <filesystem>

namespace trine::gen {

/// The repository's root: the one this program was built from, else a parent folder of the program.
/// @throws Error  when neither holds presets/ and rtl/
std::filesystem::path root();

}  // namespace trine::gen
