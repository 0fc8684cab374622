// SPDX-License-Identifier: Apache-2.0
//
// A tensor's elements where another one has them: for each axis how far apart they lie there.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace trine::model {

struct View {
  std::vector<int> extents;
  std::vector<std::int64_t> strides;  ///< in elements of the other tensor
};

/// A tensor in itself.
View dense_view(const std::vector<int>& extents);
/// TRANSPOSE. @param order  input axis of each output axis
View permuted(const View& view, const std::vector<int>& order);
/// Axes of one element left out.
View without_ones(View view);
/// RESHAPE. @return nothing where elements of an axis would not lie equally far apart
/// @pre as many elements
std::optional<View> reshaped(const View& view, const std::vector<int>& extents);

/// The other tensor in this one, with axes of its own choice. @return nothing where its elements do
/// not follow each other @pre each has its place
std::optional<View> inverse(const View& view);

}  // namespace trine::model
