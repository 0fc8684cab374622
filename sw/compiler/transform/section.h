// SPDX-License-Identifier: Apache-2.0
//
// Extracts some layers of a network, so that alternatives for them can be planned separately.

#pragma once

#include <vector>

#include "sw/compiler/network/network.h"

namespace trine::compiler {

/// Returns these layers, in order, with their maps. The section does not know the rest of the
/// network, so the caller marks its inputs and outputs.
/// @param maps  unless null: receives for each map of the section its index in `network`
Network section(const Network& network, const std::vector<int>& layers, std::vector<int>* maps);

/// Returns all numbers on which the plans of a section depend. Sections with equal keys share a
/// plan.
std::vector<int> key_of(const Network& section);

}  // namespace trine::compiler
