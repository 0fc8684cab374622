// SPDX-License-Identifier: Apache-2.0
//
// A network as text: a line for each map, two or more for each layer. What is as usual (a stride of
// 1, no padding) is left out.

#pragma once

#include <string>

#include "sw/compiler/network/network.h"

namespace trine::compiler {

std::string to_text(const Network& network);

}  // namespace trine::compiler
