// SPDX-License-Identifier: Apache-2.0

#include "sw/model/tflite/sparse.h"

#include <algorithm>
#include <cstring>

#include "sw/base/error.h"
#include "sw/base/index.h"

namespace trine::model {
namespace {

class Writer {
 public:
  Writer(const Sparsity& s, const std::vector<int>& shape, const std::vector<std::uint8_t>& values,
         std::size_t bytes)
      : s_(s), shape_(shape), values_(values), bytes_(bytes), at_level_(s.order.size()) {
    check();
    std::int64_t elements = 1;
    for (const int extent : shape) elements *= extent;
    result_.resize(at(elements) * bytes);
  }

  std::vector<std::uint8_t> run() {
    walk(0, 0);
    if (next_ != values_.size())
      throw_error("its buffer has {} values, but the sparse storage requires {}",
                  values_.size() / bytes_, next_ / bytes_);
    return std::move(result_);
  }

 private:
  int rank() const { return static_cast<int>(shape_.size()); }
  int blocks() const { return static_cast<int>(s_.block_map.size()); }

  void check() {
    const std::size_t count = at(rank() + blocks());
    if (s_.order.size() != count || s_.levels.size() != count)
      throw_error(
          "sparse storage of {} levels and {} orders, allowed {} of each for {} axes and {} blocks",
          s_.levels.size(), s_.order.size(), count, rank(), blocks());
    std::vector<int> sorted = s_.order;
    std::sort(sorted.begin(), sorted.end());
    for (int i = 0; i < static_cast<int>(count); ++i)
      if (sorted[at(i)] != i)
        throw_error("the order of a sparse storage is outside of 0..{}", count - 1);
    // Extents of blocks are dense and divide the axis.
    extents_.assign(shape_.begin(), shape_.end());
    for (int b = 0; b < blocks(); ++b) {
      const int axis = s_.block_map[at(b)];
      const auto level = std::find(s_.order.begin(), s_.order.end(), rank() + b);
      const SparseLevel& inside = s_.levels[at(level - s_.order.begin())];
      if (axis < 0 || axis >= rank() || !inside.dense || inside.size < 1 ||
          extents_[at(axis)] % inside.size != 0)
        throw_error("block {} of a sparse storage does not divide axis {}", b, axis);
      extents_[at(axis)] /= inside.size;
      extents_.push_back(inside.size);
    }
    for (std::size_t l = 0; l < count; ++l) {
      const SparseLevel& level = s_.levels[l];
      const int extent = extents_[at(s_.order[l])];
      if (level.dense && level.size != extent)
        throw_error("level {} of a sparse storage has {} indices, but its axis has {} elements", l,
                    level.size, extent);
      for (const std::int64_t i : level.indices)
        if (i < 0 || i >= extent)
          throw_error("index {} in level {} of a sparse storage, allowed 0..{}", i, l, extent - 1);
    }
  }

  /// @param parent  position in the level before
  void walk(std::size_t level, std::int64_t parent) {
    if (level == s_.levels.size()) return put();
    const SparseLevel& l = s_.levels[level];
    if (l.dense) {
      for (int i = 0; i < l.size; ++i) {
        at_level_[level] = i;
        walk(level + 1, parent * l.size + i);
      }
      return;
    }
    const auto places = static_cast<std::int64_t>(l.indices.size());
    if (parent + 1 >= static_cast<std::int64_t>(l.segments.size()) || l.segments[at(parent)] < 0 ||
        l.segments[at(parent)] > l.segments[at(parent + 1)] || l.segments[at(parent + 1)] > places)
      throw_error("segment {} of level {} of a sparse storage is out of range", parent, level);
    for (std::int64_t place = l.segments[at(parent)]; place < l.segments[at(parent + 1)]; ++place) {
      at_level_[level] = l.indices[at(place)];
      walk(level + 1, place);
    }
  }

  void put() {
    std::vector<std::int64_t> index(extents_.size());
    for (std::size_t l = 0; l < at_level_.size(); ++l) index[at(s_.order[l])] = at_level_[l];
    for (int b = 0; b < blocks(); ++b) {
      std::int64_t& whole = index[at(s_.block_map[at(b)])];
      whole = whole * extents_[at(rank() + b)] + index[at(rank() + b)];
    }
    std::int64_t to = 0;
    for (int axis = 0; axis < rank(); ++axis) to = to * shape_[at(axis)] + index[at(axis)];
    if (next_ + bytes_ > values_.size())
      throw_error("its buffer has {} values, but the sparse storage requires more",
                  values_.size() / bytes_);
    std::memcpy(&result_[at(to) * bytes_], &values_[next_], bytes_);
    next_ += bytes_;
  }

  const Sparsity& s_;
  const std::vector<int>& shape_;
  const std::vector<std::uint8_t>& values_;
  std::size_t bytes_, next_ = 0;
  std::vector<int> extents_;  ///< by dimension: of blocks if there are blocks
  std::vector<std::int64_t> at_level_;
  std::vector<std::uint8_t> result_;
};

}  // namespace

std::vector<std::uint8_t> written_out(const Sparsity& sparsity, const std::vector<int>& shape,
                                      const std::vector<std::uint8_t>& values, std::size_t bytes) {
  return Writer(sparsity, shape, values, bytes).run();
}

}  // namespace trine::model
