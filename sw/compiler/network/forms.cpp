// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/network/forms.h"

#include "sw/base/division.h"
#include "sw/compiler/network/former.h"

namespace trine::compiler {

std::optional<FoldedInput> folded_input(const Shape& s, const Geometry& g, bool depthwise,
                                        bool whole_taps) {
  if (g.dil_x != 1) return std::nullopt;
  Fold fold;
  if (s.C <= 2 && g.S > 1) {  // whole words; without columns at which no window begins
    fold.pixels = 4 / s.C;
    if (g.S <= fold.pixels || fold.pixels % g.stride_x == 0) fold.stride_x = g.stride_x;
  } else if (s.C == 3 && !depthwise && g.dil_y == 1) {  // no byte stays idle
    fold.rows = fold.stride_y = g.stride_y;
    fold.pixels = fold.stride_x = g.stride_x;
    const int words = divide_up(3 * fold.size(), 4);
    if (words * divide_up(g.R, fold.rows) * divide_up(g.S, fold.pixels) >= g.R * g.S)
      return std::nullopt;
  }
  if (!fold.folded() || ((g.S % fold.pixels != 0 || g.R % fold.rows != 0) && whole_taps))
    return std::nullopt;
  fold.left = g.pad_left;
  fold.top = fold.rows > 1 ? g.pad_top : 0;
  fold.height = s.H;
  fold.width = s.W;
  Shape to = s;
  to.C = s.C * fold.size();
  to.W = (g.Q - 1) * (g.stride_x / fold.stride_x) +
         (divide_up(g.S, fold.pixels) - 1) * (fold.pixels / fold.stride_x) + 1;
  if (fold.rows > 1) to.H = g.P - 1 + divide_up(g.R, fold.rows);
  return FoldedInput{fold, to};
}

void set_folded(Geometry& g, const Fold& fold) {
  g.S = divide_up(g.S, fold.pixels);
  g.dil_x = fold.pixels / fold.stride_x;
  g.stride_x /= fold.stride_x;
  g.pad_left = 0;
  g.R = divide_up(g.R, fold.rows);
  g.stride_y /= fold.stride_y;
  if (fold.rows > 1) g.pad_top = 0;
}

void set_groups(Layer& layer, const Shape& in, int groups, int depth, int per_group,
                const spec::Config& config) {
  int joined = 1;
  const auto whole = [&](int n) {
    return n * depth % in.per_word == 0 && n * per_group % 4 == 0 &&
           (groups % n == 0 || n * depth == in.per_word);
  };
  while (joined < groups && !whole(joined)) ++joined;
  if (in.per_word != 4) return;
  if (depth == 1 && per_group == 1 && config.window() && !in.wide) {
    layer.group_channels = 4;
    layer.words = 1;
    layer.former = best_former(layer.window, config);
  } else if (joined < groups) {
    layer.group_channels = joined * per_group;
    layer.words = joined * depth / in.per_word;
  }
}

}  // namespace trine::compiler
