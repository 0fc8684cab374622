// SPDX-License-Identifier: Apache-2.0
//
// The requirements that the rules of several kinds of operators share. Each require_x() throws the
// first fault.

#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "sw/model/check/context.h"

namespace trine::model::rules {

inline constexpr int kMaxStep = 65535;  ///< strides, dilations, filter extents and block sizes

// ---- operands and attributes --------------------------------------------------------------------

/// Requires `least` to `most` inputs, of which the first `least` are present.
void require_operands(const Context& ctx, std::size_t least, std::size_t most);
void require_constant(const Context& ctx, const Tensor& tensor);
/// Requires an int32 or int64 constant of `count` elements (-1: any number).
void require_integers(const Context& ctx, int position, std::int64_t count);
/// Requires an attribute in 1..kMaxStep. @param what  its name
void require_step(const Context& ctx, const char* what, int value);

// ---- shapes -------------------------------------------------------------------------------------

/// Requires a tensor without an axis of extent 0. Constants that are not codes may have one unless
/// they are outputs.
void require_extents(const Context& ctx, const Tensor& tensor, bool is_output);
void require_rank(const Context& ctx, const Tensor& tensor, int expected);
void require_shape(const Context& ctx, const Tensor& tensor, const std::vector<int>& expected);
/// Requires an output with at least one axis.
void require_last_axis(const Context& ctx);
/// Requires two inputs whose shapes broadcast to the output's shape.
void require_broadcast(const Context& ctx);

// ---- types and quantization ---------------------------------------------------------------------

/// Returns true if the tensor holds codes: int16 without a scale are numbers.
bool holds_codes(const Tensor& tensor);

void require_type(const Context& ctx, const Tensor& tensor, DataType expected);
void require_positive_scales(const Context& ctx, const Tensor& tensor);
/// Requires positive scales, and zero points that are codes.
void require_scales(const Context& ctx, const Tensor& tensor);
/// Requires exactly one scale; its value and its zero point may be anything.
void require_scale_count(const Context& ctx, const Tensor& tensor);
/// Requires exactly one scale, which is positive, and a zero point that is a code.
void require_one_scale(const Context& ctx, const Tensor& tensor);
/// Requires an activation: int8 or uint8 with one scale, or int16 if the operator supports it.
void require_codes(const Context& ctx, const Tensor& tensor);
/// Requires codes as output, and inputs of the same type.
void require_codes_alike(const Context& ctx, std::initializer_list<int> inputs);
/// Requires codes that the operator moves without rescaling.
void require_same_quantization(const Context& ctx, const Tensor& tensor);
/// Returns true if the operator converts codes of one type to codes of the other type, as a
/// compiled LSTM's does.
bool changes_type(const Context& ctx, DataType from, DataType to);

}  // namespace trine::model::rules
