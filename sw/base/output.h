// SPDX-License-Identifier: Apache-2.0
//
// Output folders of commands: replaced as a whole, and only if an earlier run wrote them.

#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace trine {

using Files = std::map<std::string, std::string>;  ///< file name -> bytes

/// Checks that `dir` may be replaced, before long work begins.
/// @throws Error  `dir` contains a file that our manifest there does not list
void check_output(const std::filesystem::path& dir);

/// Writes `files` and manifest.json, which contains `about` and the names of all files, as the only
/// contents of `dir`. An earlier output is replaced as a whole, or file by file if `dir` is a mount
/// point, is the current folder, or its parent is not writable. If `dir` is a link, the link
/// remains, and its target receives the files.
/// @throws Error  as check_output()
void write_output(const Files& files, const nlohmann::ordered_json& about,
                  const std::filesystem::path& dir);

}  // namespace trine
