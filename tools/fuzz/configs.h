// SPDX-License-Identifier: Apache-2.0
//
// Configurations made at random.

#pragma once

#include "machine/config.h"
#include "tools/fuzz/choices.h"

namespace trine::fuzz {

/// Any array of up to 20 x 20, of which three of sixteen sides become 24, 32 or 64; any bus,
/// memories from the smallest that the generator accepts, and every switch. The simplest is 4 x 4
/// with everything switched on.
machine::Config any_config(Choices& choices);

/// "array.rows=3 bus.axi_data_bits=128": what differs from the defaults.
std::string settings_of(const machine::Config& config);

}  // namespace trine::fuzz
