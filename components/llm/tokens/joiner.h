// SPDX-License-Identifier: Apache-2.0
//
// Byte pair encoding: joins neighbours, the best pair first; among equals, the first in the text.
// Pairs are in a heap; a pair whose parts have changed is skipped.

#pragma once

#include <queue>
#include <utility>
#include <vector>

#include "sw/base/index.h"

namespace trine::llm {

/// The result of joining a pair. @tparam Part  the type that identifies a part of a text; equal
/// values identify the same part
template <typename Part>
struct Joined {
  Part part;
  double priority;  ///< the largest is joined first
};

/// Returns the parts after all joins.
/// @param find  std::optional<Joined<Part>>(const Part& left, const Part& right)
template <typename Part, typename Find>
std::vector<Part> join_pairs(std::vector<Part> parts, const Find& find) {
  struct Pair {
    double priority;
    int place;
    Part joined;
    bool operator<(const Pair& o) const {
      return priority != o.priority ? priority < o.priority : place > o.place;
    }
  };
  const auto count = static_cast<int>(parts.size());
  std::vector<int> before(parts.size()), after(parts.size());
  std::vector<char> gone(parts.size(), 0);
  std::priority_queue<Pair> pairs;
  const auto offer = [&](int i) {
    if (i < 0 || after[at(i)] >= count) return;
    if (const auto joined = find(parts[at(i)], parts[at(after[at(i)])]))
      pairs.push({joined->priority, i, joined->part});
  };
  for (int i = 0; i < count; ++i) {
    before[at(i)] = i - 1;
    after[at(i)] = i + 1;
  }
  for (int i = 0; i < count; ++i) offer(i);
  while (!pairs.empty()) {
    const Pair pair = pairs.top();
    pairs.pop();
    const int next = after[at(pair.place)];
    if (gone[at(pair.place)] || next >= count) continue;
    const auto joined = find(parts[at(pair.place)], parts[at(next)]);
    if (!joined || !(joined->part == pair.joined)) continue;
    parts[at(pair.place)] = pair.joined;
    gone[at(next)] = 1;
    const int behind = after[at(next)];
    after[at(pair.place)] = behind;
    if (behind < count) before[at(behind)] = pair.place;
    offer(before[at(pair.place)]);
    offer(pair.place);
  }
  std::vector<Part> result;
  for (int i = 0; i < count; ++i)
    if (!gone[at(i)]) result.push_back(std::move(parts[at(i)]));
  return result;
}

}  // namespace trine::llm
