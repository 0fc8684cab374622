// SPDX-License-Identifier: Apache-2.0
//
// Programs of other projects that Trine calls, and the packages that contain them.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace trine {

/// Returns the command that installs `programs`, such as "dnf install verilator gcc-c++". The table
/// cmake/packages.txt defines it; a system that the table lacks gets Debian's command.
/// @param os_release  the file that names the system (os-release(5))
std::string how_to_install(const std::vector<std::string>& programs,
                           const std::filesystem::path& os_release = "/etc/os-release");

/// Checks that `programs` are on PATH.
/// @throws Error  names the missing programs and the command that installs them
void need_programs(const std::vector<std::string>& programs);

}  // namespace trine
