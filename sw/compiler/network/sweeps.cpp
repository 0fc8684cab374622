// SPDX-License-Identifier: Apache-2.0
//
// The sweeps of a convolution. A pool behind it takes the maximum over positions (ky, kx) of its
// window: output (y, x) is the largest of the convolution's (y*U - pad + ky, x*U' - pad' + kx).
// All y and x of one (ky, kx) are a convolution of their own, with the strides multiplied and the
// window moved.

#include <algorithm>
#include <cassert>
#include <map>
#include <numeric>
#include <tuple>

#include "sw/compiler/network/network.h"
#include "sw/reference/requantize.h"

namespace trine::compiler {
namespace {

/// Positions first..last-1 along one axis.
struct Span {
  int first = 0, last = 0;
};

/// Outputs of a pool whose tap `ky` lies on one of the convolution's `extent` positions.
Span inside(int outputs, int stride, int pad, int ky, int extent) {
  Span span;
  while (span.first < outputs && span.first * stride - pad + ky < 0) ++span.first;
  span.last = span.first;
  while (span.last < outputs && span.last * stride - pad + ky < extent) ++span.last;
  return span;
}

Rect outputs_of_tap(const Geometry& pool, int ky, int kx) {
  const Span y = inside(pool.P, pool.stride_y, pool.pad_top, ky, pool.H);
  const Span x = inside(pool.Q, pool.stride_x, pool.pad_left, kx, pool.W);
  return {y.first, y.last, x.first, x.last};
}

/// Positions along one axis whose windows have the same taps inside.
struct TapSpan {
  Span positions, taps;
};

std::vector<TapSpan> tap_spans(const Span& positions, int taps, int stride, int dilation, int pad,
                               int extent) {
  std::vector<TapSpan> spans;
  for (int p = positions.first; p < positions.last; ++p) {
    int first = 0, last = taps;
    while (first < taps && p * stride - pad + first * dilation < 0) ++first;
    while (last > first && p * stride - pad + (last - 1) * dilation >= extent) --last;
    if (spans.empty() || spans.back().taps.first != first || spans.back().taps.last != last)
      spans.push_back({{p, p}, {first, last}});
    spans.back().positions.last = p + 1;
  }
  return spans;
}

/// Corrections of sums over packed binary maps, each vector once.
class Corrections {
 public:
  Corrections(Layer& layer, int channels) : layer_(layer), channels_(channels) {}

  int of(const Span& y, const Span& x) {
    const auto [entry, is_new] = index_.try_emplace({y.first, y.last, x.first, x.last}, -1);
    if (is_new) entry->second = index_of(compute(y, x));
    return entry->second;
  }

 private:
  int index_of(std::vector<std::int32_t> correction) {
    auto& all = layer_.conv().corrections;
    const auto found = std::ranges::find(all, correction);
    const auto index = static_cast<int>(found - all.begin());
    if (found == all.end()) all.push_back(std::move(correction));
    return index;
  }

  /// Every bit counts: those beyond the last channel, 0 in activations and weights, give +1 for
  /// each tap inside of the image. A tap outside of it reads -1 where the network has 0, or
  /// `outside`, which then holds for the bits beyond as well.
  std::vector<std::int32_t> compute(const Span& y, const Span& x) const {
    const Geometry& g = layer_.window;
    const std::int64_t beyond = std::int64_t{layer_.words} * layer_.conv().step_codes - channels_;
    std::vector<std::int32_t> result;
    for (int m = 0; m < layer_.channels; ++m) {
      std::int64_t sum = 0;
      for (int ky = 0; ky < g.R; ++ky)
        for (int kx = 0; kx < g.S; ++kx)
          if (ky >= y.first && ky < y.last && kx >= x.first && kx < x.last)
            sum += beyond;
          else if (layer_.conv().outside == 0)
            sum += beyond - weight_sum(m, ky, kx);
          else
            sum -= layer_.conv().outside * beyond;
      result.push_back(reference::wrap(sum));
    }
    return result;
  }

  /// Sum of one tap's weights; those beyond the last channel are 0 here.
  std::int64_t weight_sum(int m, int ky, int kx) const {
    std::int64_t sum = 0;
    for (int word = 0; word < layer_.words; ++word) {
      const int step = (word * layer_.window.R + ky) * layer_.window.S + kx;
      const auto first = layer_.conv().weights.begin() + layer_.weight_at(m, step);
      sum = std::accumulate(first, first + layer_.conv().step_codes, sum);
    }
    return sum;
  }

  Layer& layer_;
  int channels_;
  std::map<std::tuple<int, int, int, int>, int> index_;
};

/// Joins neighbouring positions with the same corrections: a border of a binary code needs none of
/// its own. @param same  whether two neighbouring spans of the axis do not differ
template <typename Same>
std::vector<TapSpan> joined(const std::vector<TapSpan>& spans, Same same) {
  std::vector<TapSpan> result;
  for (const TapSpan& span : spans)
    if (!result.empty() && same(result.back(), span))
      result.back().positions.last = span.positions.last;
    else
      result.push_back(span);
  return result;
}

void set_parts(Layer& layer, const Shape& input) {
  layer.conv().corrections.clear();
  Corrections corrections(layer, input.C);
  for (Sweep& sweep : layer.sweeps) {
    const Rect& r = sweep.rect;
    sweep.parts = {{r, -1}};
    if (!layer.conv().counts_borders()) continue;
    sweep.parts.clear();
    const Geometry g = layer.window_of(sweep);
    const auto all_y = tap_spans({r.y0, r.y1}, g.R, g.stride_y, g.dil_y, g.pad_top, g.H);
    const auto all_x = tap_spans({r.x0, r.x1}, g.S, g.stride_x, g.dil_x, g.pad_left, g.W);
    const auto rows = joined(all_y, [&](const TapSpan& a, const TapSpan& b) {
      return std::ranges::all_of(all_x, [&](const TapSpan& x) {
        return corrections.of(a.taps, x.taps) == corrections.of(b.taps, x.taps);
      });
    });
    const auto cols = joined(all_x, [&](const TapSpan& a, const TapSpan& b) {
      return std::ranges::all_of(rows, [&](const TapSpan& y) {
        return corrections.of(y.taps, a.taps) == corrections.of(y.taps, b.taps);
      });
    });
    for (const TapSpan& y : rows)
      for (const TapSpan& x : cols)
        sweep.parts.push_back(
            {{y.positions.first, y.positions.last, x.positions.first, x.positions.last},
             corrections.of(y.taps, x.taps)});
  }
}

}  // namespace

void set_sweeps(Layer& layer, const Shape& input) {
  layer.sweeps = {{0, 0, {0, layer.window.P, 0, layer.window.Q}, {}}};
  set_parts(layer, input);
}

/// The tap that lies on the first output's window corner covers all outputs, unless the border is
/// as wide as the window (then it is a PAD).
bool can_pool(const Layer& layer, const Geometry& pool) {
  if (layer.kind != LayerKind::kConv || layer.fuse_add() || layer.result == Output::kRaw ||
      layer.conv().group_steps > 0 || layer.pairs_lanes() || layer.wide_codes() ||
      layer.result == Output::kLookup || layer.former.steps > 0 || layer.sweeps.size() != 1 ||
      layer.window.reach_y > 0 || layer.window.reach_x > 0 ||  // one tap of a pool is left
      pool.stride_y == 0 || pool.stride_x == 0 || (pool.R > 1 && pool.dil_y != 1) ||
      (pool.S > 1 && pool.dil_x != 1))
    return false;
  if (layer.window.stride_y * pool.stride_y > layer.most_stride() ||
      layer.window.stride_x * pool.stride_x > layer.most_stride())
    return false;
  const Rect r = outputs_of_tap(pool, pool.pad_top, pool.pad_left);
  return pool.pad_top < pool.R && pool.pad_left < pool.S && r.rows() == pool.P &&
         r.cols() == pool.Q;
}

void set_sweeps(Layer& layer, const Shape& input, const Geometry& pool) {
  assert(can_pool(layer, pool));
  const Geometry conv = layer.window;
  Geometry& g = layer.window;
  g.P = pool.P;
  g.Q = pool.Q;
  g.stride_y *= pool.stride_y;
  g.stride_x *= pool.stride_x;
  g.pad_top += pool.pad_top * conv.stride_y;
  g.pad_left += pool.pad_left * conv.stride_x;
  g.reach_y = (pool.R - 1) * conv.stride_y;
  g.reach_x = (pool.S - 1) * conv.stride_x;
  layer.sweeps.clear();
  for (int ky = 0; ky < pool.R; ++ky)
    for (int kx = 0; kx < pool.S; ++kx) {
      const Sweep sweep{ky * conv.stride_y, kx * conv.stride_x, outputs_of_tap(pool, ky, kx), {}};
      if (sweep.rect.empty()) continue;
      const bool covers = ky == pool.pad_top && kx == pool.pad_left;
      layer.sweeps.insert(covers ? layer.sweeps.begin() : layer.sweeps.end(), sweep);
    }
  set_parts(layer, input);
}

void cut_sweeps(Layer& layer, const Shape& input, int first, int last) {
  for (Sweep& sweep : layer.sweeps) {
    sweep.rect.y0 = std::max(sweep.rect.y0, first) - first;
    sweep.rect.y1 = std::min(sweep.rect.y1, last) - first;
  }
  std::erase_if(layer.sweeps, [](const Sweep& sweep) { return sweep.rect.empty(); });
  set_parts(layer, input);
}

}  // namespace trine::compiler
