// SPDX-License-Identifier: Apache-2.0
//
// Names the attributes of operators in Graph::ops that come from TOSA. TOSA's scales are integers
// that float32 cannot hold, and each operator specifies its rounding. Op::of_tosa is set; in
// Op::numbers:
//
//   multiplier, shift   of the result: one for all channels, or one for each. ADD and SUB have
//                       one for each operand before it. Encoded as in ChannelScale
//   zero_point          of the result's codes
//   zero_points         of the operands of ADD, SUB, MUL, AVERAGE_POOL_2D, SUM; products use the
//                       zero points of their tensors
//   pad                 rows above and below, columns left and right; of TRANSPOSE_CONV those
//                       that are cut off
//   table               of TABLE: 256 codes, starting with the code of -128

#pragma once

namespace trine::model::tosa {

inline constexpr const char *kMultiplier = "multiplier", *kShift = "shift",
                            *kZeroPoint = "zero_point", *kZeroPoints = "zero_points", *kPad = "pad",
                            *kTable = "table";

/// The values of Op::of_tosa.
enum Rounds { kNoTosa = 0, kSingle = 1, kDouble = 2 };

}  // namespace trine::model::tosa
