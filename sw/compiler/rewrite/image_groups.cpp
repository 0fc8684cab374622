// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/rewrite/image_groups.h"

#include <algorithm>
#include <bit>

#include "sw/base/index.h"

namespace trine::compiler {
namespace {

/// The largest number of images in a group. With eight, weights are already a small part of the bus
/// traffic.
constexpr int kMostImages = 8;

/// Returns the number of images in a group at each step, from the last step on. While a group is
/// computed, the other images of a later, larger group are already computed or still wait.
std::vector<int> groups_of(const std::vector<StepSize>& steps, int images, const BatchRoom& room,
                           int most) {
  std::vector<int> groups(steps.size(), 1);
  int size = images;
  std::int64_t others = 0;
  for (int s = static_cast<int>(steps.size()); s-- > 0;) {
    const StepSize& step = steps[at(s)];
    const std::int64_t ends = std::max(step.waiting, s > 0 ? steps[at(s - 1)].waiting : 0);
    const auto with = [&](int n) {
      return step.words + n * step.of_each + (n - 1) * ends + (size - n) * step.waiting + others;
    };
    int n = std::min(size, most);
    const std::int64_t words = step.of_each > 0 ? room.chunk_words : room.words;
    while (n > 1 && with(n) > words)
      n = static_cast<int>(std::bit_floor(static_cast<unsigned>(n - 1)));
    others += (size - n) * step.waiting;
    groups[at(s)] = size = n;
  }
  return groups;
}

/// Returns the groups with the fewest weight bytes per image. Larger groups at the end leave less
/// room for earlier groups, so the largest size is not always best.
std::vector<int> best_groups(const std::vector<StepSize>& steps, int images,
                             const BatchRoom& room) {
  double least = 0;
  std::vector<int> best;
  for (int most = kMostImages; most >= 1; most /= 2) {
    const std::vector<int> groups = groups_of(steps, images, room, most);
    double bytes = 0;
    for (std::size_t s = 0; s < steps.size(); ++s)
      bytes += static_cast<double>(steps[s].weight_bytes) / groups[s];
    // Maps that go through DRAM are not counted, so no group is larger than it needs to be to
    // share weights.
    if (best.empty() || bytes < least || (room.weight_bytes > 0 && bytes <= least)) {
      least = bytes;
      best = groups;
    }
  }
  return best;
}

/// Adds all steps up to `last` for the images begin <= n < end.
void add_steps(const std::vector<int>& groups, int last, int begin, int end,
               std::vector<StepOfImage>& order) {
  if (last < 0) return;
  const int size = groups[at(last)];
  int first = last;  // of the steps with the same groups
  while (first > 0 && groups[at(first - 1)] == size) --first;
  for (int n = begin; n < end; n += size) {
    const int next = std::min(end, n + size);
    add_steps(groups, first - 1, n, next, order);
    for (int s = first; s <= last; ++s)
      for (int image = n; image < next; ++image) order.push_back({s, image});
  }
}

}  // namespace

std::vector<StepOfImage> order_of_images(const std::vector<StepSize>& steps, int images,
                                         const BatchRoom& room) {
  std::vector<StepOfImage> order;
  add_steps(best_groups(steps, images, room), static_cast<int>(steps.size()) - 1, 0, images, order);
  return order;
}

}  // namespace trine::compiler
