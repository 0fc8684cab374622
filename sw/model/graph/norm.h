// SPDX-License-Identifier: Apache-2.0
//
// Defines the scale of a normalization's variance and epsilon.

#pragma once

namespace trine::model {

/// Returns the number of fraction bits of a normalization's integers V and E (docs/numerics.md):
/// an even number up to 8, with which the largest variance fits into 42 bits.
inline int norm_fraction_bits(int channels) {
  return channels >= 512 ? 0 : channels >= 128 ? 4 : channels >= 32 ? 6 : 8;
}

}  // namespace trine::model
