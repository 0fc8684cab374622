// SPDX-License-Identifier: Apache-2.0
//
// Union-find: groups of items that are tied directly or through others.

#pragma once

#include <cstdint>
#include <numeric>
#include <vector>

#include "sw/base/index.h"

namespace trine {

/// Disjoint sets of the numbers 0, 1, ...; root() shortens the paths that it follows.
class Ties {
 public:
  explicit Ties(std::size_t count = 0) { add(static_cast<int>(count)); }

  /// Adds `count` items, each in a set of its own. @return the number of the first one
  int add(int count) {
    const auto first = static_cast<int>(parent_.size());
    parent_.resize(parent_.size() + at(count));
    std::iota(parent_.begin() + first, parent_.end(), first);
    return first;
  }
  /// Returns the number of items.
  std::size_t size() const { return parent_.size(); }

  /// Returns the representative of the set that contains `i`.
  int root(int i) {
    while (parent(i) != i) {
      parent(i) = parent(parent(i));
      i = parent(i);
      ++steps_;
    }
    return i;
  }

  /// Merges the sets of `a` and `b`; their representative is the root of `b`.
  void tie(int a, int b) { parent(root(a)) = root(b); }

  std::int64_t steps() const { return steps_; }  ///< parent links followed so far

 private:
  int& parent(int i) { return parent_[at(i)]; }

  std::vector<int> parent_;
  std::int64_t steps_ = 0;
};

}  // namespace trine
