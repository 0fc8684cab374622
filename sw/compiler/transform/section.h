// SPDX-License-Identifier: Apache-2.0
//
// Some layers of a network alone, so that ways to do them can be planned by themselves.

#pragma once

#include <vector>

#include "sw/compiler/network/network.h"

namespace trine::compiler {

/// These layers, in order, with their maps, which nothing is known of beyond them: the caller says
/// which are inputs and outputs.
/// @param maps  unless null: for each of its maps the one of `network`
Network section(const Network& network, const std::vector<int>& layers, std::vector<int>* maps);

/// Numbers of all that the plans of a section depend on: sections with the same share one.
std::vector<int> key_of(const Network& section);

}  // namespace trine::compiler
