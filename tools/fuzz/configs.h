// SPDX-License-Identifier: Apache-2.0
//
// Configurations made at random.

#pragma once

#include <string>
#include <vector>

#include "machine/config.h"
#include "tools/fuzz/choices.h"

namespace trine::fuzz {

/// Any array of up to 20 x 20, of which a quarter of the sides become 24, 31, 32, 63, 64 or 127;
/// any bus, memories from the smallest that the generator accepts, and every switch. One in six is
/// a shipped preset of which up to two keys are changed. The simplest is 4 x 4 with everything
/// switched on.
machine::Config any_config(Choices& choices);

/// The presets that any_config() draws: all of them.
const std::vector<std::string>& drawn_presets();

/// "array.rows=3 bus.axi_data_bits=128": what differs from the defaults.
std::string settings_of(const machine::Config& config);

}  // namespace trine::fuzz
