// SPDX-License-Identifier: Apache-2.0
//
// Computes LayerNorm and RMSNorm over the last axis in integers (docs/numerics.md). Compiler and
// architecture simulator share these functions with the golden layer.

#pragma once

#include <cstdint>
#include <vector>

#include "sw/model/graph/graph.h"
#include "sw/reference/requantize.h"

namespace trine::reference {

/// The scaling of a channel's normalized value n: code = requantize(+-n + bias, scale), with one
/// rounding.
struct NormChannel {
  ChannelScale scale;  ///< its shift is -31..-1
  std::int32_t bias = 0;
  bool negative = false;
};

/// The integers of a normalization.
struct NormParams {
  bool center = true;           ///< LayerNorm; else RMSNorm
  std::int32_t origin = 127;    ///< w = origin - code: LayerNorm 127, RMSNorm the zero point
  int count = 1, log2 = 0;      ///< number of channels, and floor(log2(count))
  int value_bits = 20;          ///< fraction bits of normalized(): 20, or 16 if a bias is large
  std::int32_t reciprocal = 0;  ///< round(2^(30 + log2) / count)
  /// Is added to variance * count^2. Both have fraction_bits() fraction bits. Below 2^31.
  std::int64_t epsilon = 0;
  std::vector<NormChannel> channels;
  OutputRange output;

  /// Returns the number of fraction bits of variance and epsilon.
  int fraction_bits() const;

  /// Returns the machine's register field: log2, and bit 4 if value_bits is 16.
  int shift_field() const { return log2 + (value_bits == 16 ? 16 : 0); }
  void set_shift_field(int field) {
    log2 = field % 16;
    value_bits = field < 16 ? 20 : 16;
  }
};
NormParams norm_params(const model::Graph& graph, const model::Op& op);

/// The factors of a row: the mean of w with value_bits + 2 fraction bits, and 2^25 / deviation *
/// (2^log2 / count).
struct NormFactor {
  std::int32_t mean = 0, factor = 0;
};

/// Returns the factors of a row.
/// @param sum, squares  sums of w (0 if not centered) and of w * w
NormFactor norm_factor(std::int64_t sum, std::int64_t squares, const NormParams& p);

/// Returns the normalized value of a code times 2^log2 / count, with p.value_bits fraction bits,
/// rounded to nearest.
std::int32_t normalized(std::int32_t w, const NormFactor& f, const NormParams& p);

/// Returns the output code of a normalized value.
std::int32_t norm_code(std::int32_t value, const NormChannel& channel, const OutputRange& output);

/// Returns a word of the machine's table. Its low half is the square of the distance w = origin -
/// code whose low byte is `index`. Its high half is inverse_root_start().
std::uint32_t norm_entry(int index, std::int32_t origin);

/// Returns 2^15 / sqrt of the middle of the interval i / 256 .. (i + 1) / 256, and 0 below 1/4.
/// @pre 0..255
std::uint32_t inverse_root_start(int index);

}  // namespace trine::reference
