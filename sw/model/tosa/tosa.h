// SPDX-License-Identifier: Apache-2.0
//
// Names of what Graph::ops carries that come from TOSA: its scales are whole numbers, which no
// float32 holds, and each operator says how it rounds. Op::of_tosa is set; in Op::numbers:
//
//   multiplier, shift   of the result, one or one for each channel; of ADD and SUB one for each
//                       operand first: as ChannelScale has them
//   zero_point          of the result's codes
//   zero_points         of the operands of ADD, SUB, MUL, AVERAGE_POOL_2D, SUM; products have
//                       those of their tensors
//   pad                 rows above and below, columns left and right; of TRANSPOSE_CONV those that
//                       are cut off
//   table               of TABLE: 256 codes, that of -128 first

#pragma once

namespace trine::model::tosa {

inline constexpr const char *kMultiplier = "multiplier", *kShift = "shift",
                            *kZeroPoint = "zero_point", *kZeroPoints = "zero_points", *kPad = "pad",
                            *kTable = "table";

/// Values of Op::of_tosa.
enum Rounds { kNoTosa = 0, kSingle = 1, kDouble = 2 };

}  // namespace trine::model::tosa
