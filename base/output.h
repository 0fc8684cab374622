// SPDX-License-Identifier: Apache-2.0
//
// A folder that a command fills: replaced as a whole, and only if an earlier run filled it.

#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace trine {

using Files = std::map<std::string, std::string>;  ///< name -> bytes

/// Refuses a folder before long work begins.
/// @throws Error  when `dir` holds something that no manifest of ours lists
void check_output(const std::filesystem::path& dir);

/// Makes `dir` a folder of these files and manifest.json, which is `about` with the names of all.
/// An earlier output is replaced as a whole; file by file where `dir` is a mount or the current
/// folder. What a link points to is filled, the link stays.
/// @throws Error  as check_output()
void write_output(const Files& files, const nlohmann::ordered_json& about,
                  const std::filesystem::path& dir);

}  // namespace trine
