// SPDX-License-Identifier: Apache-2.0
//
// Runs a tool that takes minutes and shows its last message meanwhile.

#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace trine::synth {

/// Runs argv in `folder` with its output in NAME.log there; passes the last line to `progress` each
/// second.
/// @throws Error  the tool fails: `what`, and its last line
void run_watched(const std::vector<std::string>& argv, const std::filesystem::path& folder,
                 const std::string& name, const std::string& what,
                 const std::function<void(const std::string&)>& progress);

}  // namespace trine::synth
