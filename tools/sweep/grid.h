// SPDX-License-Identifier: Apache-2.0
//
// The points of a sweep as text: values of keys, every combination, files by pattern.

#pragma once

#include <string>
#include <vector>

namespace trine::sweep {

/// "array.rows=2,4" -> "array.rows=2", "array.rows=4". Commas in brackets or quotes belong to a
/// value. @throws Error  no "=", or an empty value
std::vector<std::string> choices(const std::string& setting);

/// Every combination of the choices, the last changes fastest; one, empty, of none.
/// @throws Error  as choices(); a key twice
std::vector<std::vector<std::string>> grid(const std::vector<std::string>& settings);

/// The files of shell patterns, in order, each once. @throws Error  a pattern without a file
std::vector<std::string> files_of(const std::vector<std::string>& patterns,
                                  const std::string& option);

}  // namespace trine::sweep
