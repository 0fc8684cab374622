// SPDX-License-Identifier: Apache-2.0

#include "sw/model/graph/indices.h"

#include "sw/base/error.h"

namespace trine::model {

std::int64_t elements_of(const std::vector<int>& shape) {
  std::int64_t count = 1;
  for (const int extent : shape) {
    if (extent < 0) return -1;
    count *= extent;
    if (count > std::int64_t{1} << 31) return -1;
  }
  return count;
}

std::size_t count_of(const std::vector<int>& shape) {
  const std::int64_t count = elements_of(shape);
  if (count < 0) throw_error("a constant of more than 2^31 elements");
  return static_cast<std::size_t>(count);
}

int axis_of(std::int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) throw_error("axis {}, allowed {}..{}", axis, -rank, rank - 1);
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

Indices walk(const std::vector<int>& shape, const std::vector<std::size_t>& steps,
             std::size_t base) {
  Indices result(count_of(shape));
  std::vector<int> at(shape.size());
  std::size_t index = base;
  for (std::size_t& element : result) {
    element = index;
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      index += steps[axis];
      if (++at[axis] < shape[axis]) break;
      index -= steps[axis] * static_cast<std::size_t>(at[axis]);
      at[axis] = 0;
    }
  }
  return result;
}

std::vector<std::size_t> steps_of(const std::vector<int>& shape) {
  std::vector<std::size_t> steps(shape.size());
  std::size_t step = 1;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    steps[axis] = step;
    step *= static_cast<std::size_t>(shape[axis]);
  }
  return steps;
}

Indices broadcast(const std::vector<int>& from, const std::vector<int>& to) {
  if (from.size() > to.size()) throw_error("a parameter has more axes than the tensor");
  const std::vector<std::size_t> steps = steps_of(from);
  std::vector<std::size_t> spread(to.size());
  const std::size_t shift = to.size() - from.size();
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i] != to[i + shift] && from[i] != 1)
      throw_error("extent {} does not broadcast to {}", from[i], to[i + shift]);
    spread[i + shift] = from[i] == 1 ? 0 : steps[i];
  }
  return walk(to, spread);
}

}  // namespace trine::model
