// SPDX-License-Identifier: Apache-2.0
//
// Sets the sweeps of a convolution. A pool that follows it takes the maximum over positions (ky,
// kx) of its window: output (y, x) is the largest of the convolution's (y*U - pad + ky, x*U' - pad'
// + kx). For one (ky, kx), all y and x form a separate convolution, with the strides multiplied and
// the window moved.

#include <algorithm>
#include <cassert>

#include "sw/compiler/network/network.h"

namespace trine::compiler {
namespace {

/// Positions first..last-1 along one axis.
struct Span {
  int first = 0, last = 0;
};

/// Returns the outputs of a pool whose tap `ky` is on one of the convolution's `extent` positions.
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

}  // namespace

void set_sweeps(Layer& layer) { layer.sweeps = {{0, 0, {0, layer.window.P, 0, layer.window.Q}}}; }

/// Returns true if the pool can be fused. The tap at the first output's window corner then covers
/// all outputs. An exception is a border as wide as the window, which is a PAD.
bool can_pool(const Layer& layer, const Geometry& pool) {
  if (layer.kind != LayerKind::kConv || layer.fuse_add() || layer.result == Output::kRaw ||
      layer.conv().group_steps > 0 || layer.pairs_lanes() || layer.wide_codes() ||
      layer.result == Output::kLookup || layer.former.steps > 0 || layer.sweeps.size() != 1 ||
      layer.window.reach_y > 0 || layer.window.reach_x > 0 ||  // one tap of a pool remains
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

void set_sweeps(Layer& layer, const Geometry& pool) {
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
      const Sweep sweep{ky * conv.stride_y, kx * conv.stride_x, outputs_of_tap(pool, ky, kx)};
      if (sweep.rect.empty()) continue;
      const bool covers = ky == pool.pad_top && kx == pool.pad_left;
      layer.sweeps.insert(covers ? layer.sweeps.begin() : layer.sweeps.end(), sweep);
    }
}

void cut_sweeps(Layer& layer, int first, int last) {
  for (Sweep& sweep : layer.sweeps) {
    sweep.rect.y0 = std::max(sweep.rect.y0, first) - first;
    sweep.rect.y1 = std::min(sweep.rect.y1, last) - first;
  }
  std::erase_if(layer.sweeps, [](const Sweep& sweep) { return sweep.rect.empty(); });
}

}  // namespace trine::compiler
