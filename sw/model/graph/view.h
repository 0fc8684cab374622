// SPDX-License-Identifier: Apache-2.0
//
// Describes a tensor whose elements are stored in another tensor. The stride of an axis is the
// distance between neighbours along this axis in the other tensor.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace trine::model {

/// The extents and strides of a tensor inside of another one.
struct View {
  std::vector<int> extents;
  std::vector<std::int64_t> strides;  ///< in elements of the other tensor
};

/// Returns the view of a tensor in itself.
View dense_view(const std::vector<int>& extents);
/// Returns the view after a TRANSPOSE.
/// @param order  input axis of each output axis
View permuted(const View& view, const std::vector<int>& order);
/// Returns the view without axes of one element.
View without_ones(View view);
/// Returns the view after a RESHAPE.
/// @return nothing if elements of an axis would not be equally far apart
/// @pre as many elements
std::optional<View> reshaped(const View& view, const std::vector<int>& extents);

/// Returns the reverse view: the other tensor as a view of the tensor that `view` describes. The
/// function chooses the axes.
/// @return nothing if the other tensor's elements do not follow each other
/// @pre each element has its own place
std::optional<View> inverse(const View& view);

}  // namespace trine::model
