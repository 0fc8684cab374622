// SPDX-License-Identifier: Apache-2.0
//
// The points of a sweep as text: values of keys, all combinations, files by pattern.

#pragma once

#include <string>
#include <vector>

namespace trine::sweep {

/// Returns "array.rows=2", "array.rows=4" for "array.rows=2,4". Commas in brackets or quotes belong
/// to a value. @throws Error  no "=", or an empty value
std::vector<std::string> choices(const std::string& setting);

/// Returns every combination of the choices; the last choice changes fastest. Without settings,
/// returns one empty combination.
/// @throws Error  as choices(); a key occurs twice
std::vector<std::vector<std::string>> grid(const std::vector<std::string>& settings);

/// Returns the files of shell patterns in order, each once. @throws Error  a pattern without a file
std::vector<std::string> files_of(const std::vector<std::string>& patterns,
                                  const std::string& option);

}  // namespace trine::sweep
