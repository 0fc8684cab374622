// SPDX-License-Identifier: Apache-2.0
//
// Networks that compute the same and take fewer cycles.

#pragma once

#include "machine/config.h"
#include "sw/compiler/network/network.h"

namespace trine::compiler {

/// Convolutions leave out the pixels that nobody reads (thinning.cpp).
void drop_unread_pixels(Network& network, const machine::Config& config);

/// Cuts products around a SOFTMAX in units, so that array and vector unit work side by side
/// (attention.cpp).
void overlap_attention(Network& network, const machine::Config& config);

}  // namespace trine::compiler
