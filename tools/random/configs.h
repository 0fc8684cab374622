// SPDX-License-Identifier: Apache-2.0
//
// Makes random configurations.

#pragma once

#include <string>
#include <vector>

#include "spec/config.h"
#include "tools/random/choices.h"

namespace trine::fuzz {

/// Returns a random design. Half of the array's sides are 1..20, the others are usual or critical
/// sizes of up to 127. The bus, the sizes of the memories (from the smallest legal ones) and the
/// switches are random. One configuration in six is a shipped preset with up to two changed keys.
/// The simplest design is 4 x 4 with everything switched on.
spec::Config any_config(Choices& choices);

/// Returns the presets that any_config() draws: all of them.
const std::vector<std::string>& drawn_presets();

/// Returns "array.rows=3 bus.axi_data_bits=128": the keys that differ from the defaults.
std::string settings_of(const spec::Config& config);

}  // namespace trine::fuzz
