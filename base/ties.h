// SPDX-License-Identifier: Apache-2.0
//
// Things that belong together, directly or not: union and find, with paths that grow shorter at
// each question.

#pragma once

#include <cstdint>
#include <numeric>
#include <vector>

#include "base/index.h"

namespace trine {

class Ties {
 public:
  explicit Ties(std::size_t count = 0) { add(static_cast<int>(count)); }

  /// So many more, tied to nothing. @return the first one's number
  int add(int count) {
    const auto first = static_cast<int>(parent_.size());
    parent_.resize(parent_.size() + at(count));
    std::iota(parent_.begin() + first, parent_.end(), first);
    return first;
  }
  std::size_t size() const { return parent_.size(); }

  /// The one that stands for all that are tied to `i`.
  int root(int i) {
    while (parent(i) != i) {
      parent(i) = parent(parent(i));
      i = parent(i);
      ++steps_;
    }
    return i;
  }

  /// The root of `b` becomes that of both.
  void tie(int a, int b) { parent(root(a)) = root(b); }

  std::int64_t steps() const { return steps_; }  ///< from parent to parent, so far

 private:
  int& parent(int i) { return parent_[at(i)]; }

  std::vector<int> parent_;
  std::int64_t steps_ = 0;
};

}  // namespace trine
