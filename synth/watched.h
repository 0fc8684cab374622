// SPDX-License-Identifier: Apache-2.0
//
// A tool that takes minutes: what it says last is told while it runs.

#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace trine::synth {

/// Runs argv in `folder`, output to NAME.log there, whose last line goes to `progress` each second.
/// @throws Error  it fails: `what`, and its last line
void run_watched(const std::vector<std::string>& argv, const std::filesystem::path& folder,
                 const std::string& name, const std::string& what,
                 const std::function<void(const std::string&)>& progress);

}  // namespace trine::synth
