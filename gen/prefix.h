// SPDX-License-Identifier: Apache-2.0
//
// Names of a design that share a namespace with another one: modules, packages, files, C symbols.

#pragma once

#include <string>

#include "base/output.h"

namespace trine::gen {

/// @throws Error  unless `prefix` is a-z, then at most 31 of a-z 0-9 _
void check_prefix(const std::string& prefix);

/// "left_trine.f" of "trine.f", if `prefix` is "left".
std::string prefixed(const std::string& name, const std::string& prefix);

/// The files with "left_trine_..." for each trine_..., and "LEFT_TRINE_..." for each TRINE_... of
/// the C headers, in names and texts, if `prefix` is "left". As they are, if it is empty.
Files with_prefix(const Files& files, const std::string& prefix);

}  // namespace trine::gen
