// SPDX-License-Identifier: Apache-2.0
//
// The external tools on which a command's result depends. A result is reused only while they stay
// the same.

#pragma once

#include <string>

namespace trine::cli {

/// Returns a line for each dependency of `command`: names and versions of the tools that it calls,
/// the content of the library that it reads by default, and the computer if that matters. Empty if
/// there are none.
/// @param model  the model that it works on, or empty
std::string tools_of(const std::string& command, const std::string& model);

}  // namespace trine::cli
