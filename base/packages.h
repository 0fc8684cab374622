// SPDX-License-Identifier: Apache-2.0
//
// Programs of other projects that Trine calls, and the packages that they come with.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace trine {

/// Returns the command that installs `programs`, such as "dnf install verilator gcc-c++", by
/// cmake/packages.txt. For a system that the table lacks: Debian's.
/// @param os_release  file that names the system (os-release(5))
std::string how_to_install(const std::vector<std::string>& programs,
                           const std::filesystem::path& os_release = "/etc/os-release");

/// @throws Error  names those of `programs` that are not on PATH, and how to get them
void need_programs(const std::vector<std::string>& programs);

}  // namespace trine
