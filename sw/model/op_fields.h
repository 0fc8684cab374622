// SPDX-License-Identifier: Apache-2.0
//
// The attributes of an operator by their names, for those who write them down and read them back.

#pragma once

#include "sw/model/graph.h"

namespace trine::model {

/// Calls visit(name, member) for each attribute that is a number or a flag.
template <typename Visit>
void for_each_field(Visit visit) {
#define TRINE_FIELD(name) visit(#name, &Op::name)
  TRINE_FIELD(stride_h);
  TRINE_FIELD(stride_w);
  TRINE_FIELD(dilation_h);
  TRINE_FIELD(dilation_w);
  TRINE_FIELD(filter_h);
  TRINE_FIELD(filter_w);
  TRINE_FIELD(depth_multiplier);
  TRINE_FIELD(padding);
  TRINE_FIELD(activation);
  TRINE_FIELD(keep_dims);
  TRINE_FIELD(beta);
  TRINE_FIELD(alpha);
  TRINE_FIELD(epsilon);
  TRINE_FIELD(center);
  TRINE_FIELD(axis);
  TRINE_FIELD(adjoint_a);
  TRINE_FIELD(adjoint_b);
  TRINE_FIELD(align_corners);
  TRINE_FIELD(half_pixel_centers);
  TRINE_FIELD(approximate);
  TRINE_FIELD(begin_mask);
  TRINE_FIELD(end_mask);
  TRINE_FIELD(shrink_axis_mask);
  TRINE_FIELD(ellipsis_mask);
  TRINE_FIELD(new_axis_mask);
  TRINE_FIELD(block);
  TRINE_FIELD(symmetric);
  TRINE_FIELD(time_major);
  TRINE_FIELD(cell_clip);
  TRINE_FIELD(hidden_scale);
  TRINE_FIELD(hidden_zero_point);
  TRINE_FIELD(half_even);
  TRINE_FIELD(of_uint8);
  TRINE_FIELD(code_min);
  TRINE_FIELD(code_max);
  TRINE_FIELD(low);
  TRINE_FIELD(step);
#undef TRINE_FIELD
}

}  // namespace trine::model
