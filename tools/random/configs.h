// SPDX-License-Identifier: Apache-2.0
//
// Makes random configurations.

#pragma once

#include <string>
#include <vector>

#include "spec/config.h"
#include "tools/random/choices.h"

namespace trine::fuzz {

/// Returns an array of up to 20 x 20, a quarter of whose sides become 24, 31, 32, 63, 64 or 127,
/// with any bus, memories from the smallest that the generator accepts, and any switches. One in
/// six is a shipped preset with up to two keys changed. The simplest is 4 x 4 with everything
/// switched on.
spec::Config any_config(Choices& choices);

/// Returns the presets that any_config() draws: all of them.
const std::vector<std::string>& drawn_presets();

/// Returns "array.rows=3 bus.axi_data_bits=128": the keys that differ from the defaults.
std::string settings_of(const spec::Config& config);

}  // namespace trine::fuzz
