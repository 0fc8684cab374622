// SPDX-License-Identifier: Apache-2.0
//
// The external tools that a command's result depends on. A result is reused only while they stay
// the same.

#pragma once

#include <string>

namespace trine::cli {

/// Names and versions of the tools that `command` calls, the content of the library that it reads
/// unless it is told of one, and the computer where that counts; a line each. Empty: the command
/// calls none. @param model  that it works on, or empty
std::string tools_of(const std::string& command, const std::string& model);

}  // namespace trine::cli
