// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/lower/lower_resize.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <utility>

#include "spec/timing.h"
#include "sw/compiler/lower/graph_facts.h"
#include "sw/compiler/lower/lower_elementwise.h"
#include "sw/compiler/lower/lower_movement.h"
#include "sw/compiler/lower/lower_products.h"
#include "sw/compiler/lower/maps.h"
#include "sw/compiler/network/forms.h"

namespace trine::compiler {
namespace {

constexpr int kUnit = 1024;  ///< weights of RESIZE_BILINEAR along an axis

/// The input of an output along one axis: pixel `low`, and the next pixel if its weight is not 0.
struct Sample {
  int low, weight;
};

/// Outputs first, first + step, ..., `count` of them, which read from, from + stride, ...
struct Comb {
  int first = 0, step = 1, count = 1, from = 0, stride = 1, weight = 0;

  int taps() const { return weight == 0 ? 1 : 2; }
  bool takes(const Sample& next) const {
    const int distance = next.low - (from + (count - 1) * stride);
    return next.weight == weight && distance >= 1 && distance <= kMostStride &&
           (count == 1 || distance == stride);
  }
  void add(const Sample& next) {
    if (count == 1) stride = next.low - from;
    ++count;
  }
};

std::vector<Comb> combs_of_step(const std::vector<Sample>& samples, int step) {
  std::vector<Comb> combs;
  const int count = static_cast<int>(samples.size());
  for (int first = 0; first < step; ++first)
    for (int p = first; p < count; p += step) {
      const Sample& s = samples[at(p)];
      if (p > first && combs.back().takes(s))
        combs.back().add(s);
      else
        combs.push_back({p, step, 1, s.low, 1, s.weight});
    }
  return combs;
}

/// Returns the outputs of an axis in as few combs of equal steps as possible.
std::vector<Comb> combs(const std::vector<Sample>& samples) {
  std::vector<Comb> best = combs_of_step(samples, 1);
  for (int step = 2; step <= std::min(static_cast<int>(samples.size()), kMostStride + 1); ++step) {
    std::vector<Comb> other = combs_of_step(samples, step);
    if (other.size() < best.size()) best = std::move(other);
  }
  return best;
}

/// Samples like the golden layer, in float32.
std::vector<Sample> nearest(int in, int out, const Op& o) {
  const bool corners = o.align_corners && out > 1;
  const float ratio = corners ? static_cast<float>(in - 1) / static_cast<float>(out - 1)
                              : static_cast<float>(in) / static_cast<float>(out);
  std::vector<Sample> samples;
  for (int p = 0; p < out; ++p) {
    const float x = (static_cast<float>(p) + (o.half_pixel_centers ? 0.5f : 0.0f)) * ratio;
    const float whole = o.align_corners ? std::round(x) : std::floor(x);
    samples.push_back({std::clamp(static_cast<int>(whole), 0, in - 1), 0});
  }
  return samples;
}

/// Samples like the golden layer, with positions in 1/1024. At the borders both neighbours are the
/// same pixel, which has all the weight.
std::vector<Sample> bilinear(int in, int out, const Op& o) {
  const bool corners = o.align_corners && out > 1;
  const std::int64_t ratio = corners ? (kUnit * std::int64_t{in - 1} + (out - 1) / 2) / (out - 1)
                                     : (kUnit * std::int64_t{in} + out / 2) / out;
  std::vector<Sample> samples;
  for (int p = 0; p < out; ++p) {
    const std::int64_t x = p * ratio + (o.half_pixel_centers ? ratio / 2 - kUnit / 2 : 0);
    const std::int64_t low = std::max<std::int64_t>(x / kUnit, 0);
    const std::int64_t high = std::min<std::int64_t>((x + kUnit - 1) / kUnit, in - 1);
    samples.push_back({static_cast<int>(low), high > low ? static_cast<int>(x - kUnit * low) : 0});
  }
  return samples;
}

/// Returns a comb's weights as whole numbers whose sum is a power of two.
std::vector<int> weights_of(const Comb& comb) {
  if (comb.weight == 0) return {1};
  const int unit = std::gcd(comb.weight, kUnit);
  return {(kUnit - comb.weight) / unit, comb.weight / unit};
}

int sum(const std::vector<int>& values) { return std::accumulate(values.begin(), values.end(), 0); }

/// The output's combs along both axes.
struct Combs {
  Combs(const Op& o, const Shape& in, const Shape& to) {
    const auto samples = o.kind == OpKind::kResizeBilinear ? bilinear : nearest;
    rows = combs(samples(in.H, to.H, o));
    cols = combs(samples(in.W, to.W, o));
  }
  std::vector<Comb> rows, cols;
};

/// Outputs first, first + stride, ... of a transposed convolution along one axis, which are an
/// ordinary convolution.
struct Phase {
  int first = 0;
  int first_tap = 0, taps = 0;  ///< first_tap, first_tap + stride, ..., last one first
  int pad = 0, positions = 0;
  int products = 0;  ///< of a column's pixels and a column of the filter
};

Phase phase_of(int first, int stride, int pad, int filter, int inputs, int outputs) {
  Phase p;
  p.first = first;
  p.first_tap = (first + pad) % stride;
  p.taps = p.first_tap < filter ? (filter - p.first_tap - 1) / stride + 1 : 0;
  p.pad = p.taps - 1 - (first + pad) / stride;
  p.positions = (outputs - first - 1) / stride + 1;
  p.products = inputs * p.taps;
  return p;
}

/// Splits the phase into parts whose outputs have the same taps inside of an axis of that extent,
/// and drops the other taps.
std::vector<Phase> parts_of(const Phase& all, int stride, int extent) {
  std::vector<Phase> parts;
  std::pair<int, int> last{-1, -1};
  for (int p = 0; p < all.positions; ++p) {
    const int low = std::clamp(all.pad - p, 0, all.taps);
    const int high = std::clamp(extent + all.pad - p, low, all.taps);
    if (parts.empty() || last != std::pair{low, high})
      parts.push_back({all.first + p * stride, all.first_tap + (all.taps - high) * stride,
                       high - low, all.pad - low - p, 0, 0});
    last = {low, high};
    ++parts.back().positions;
    parts.back().products += high - low;
  }
  return parts;
}

/// The cost of a transposed convolution, to compare ways of splitting its rows.
struct Work {
  int cols = 1;      ///< columns of a phase's outputs
  double steps = 1;  ///< array steps for a row of taps, all phases of the columns
  double bytes = 1;  ///< weight bytes of that row
  double lanes = 1, bytes_per_cycle = 1;

  double cycles(const std::vector<Phase>& rows) const {
    double work = 0, taps = 0;
    for (const Phase& p : rows) {
      work += std::ceil(p.positions * cols / lanes) * steps * p.taps + timing::kLayerOverhead +
              timing::kRunOverhead;
      taps += p.taps;
    }
    return std::max(work, taps * bytes / bytes_per_cycle);
  }
};

/// Sets the weights to every stride_h-th row and stride_w-th column of the filter, mirrored.
void set_phase_weights(const Lowering& ctx, const Op& o, Layer& layer, int first_row,
                       int first_col) {
  const Tensor& filter = ctx.graph.in(o, 1);
  const auto codes = filter.values<std::int8_t>();
  const int R = filter.extent(1), S = filter.extent(2), C = filter.extent(3);
  for (int m = 0; m < layer.channels; ++m)
    for (int i = 0; i < layer.window.R; ++i)
      for (int j = 0; j < layer.window.S; ++j) {
        const int ky = first_row + (layer.window.R - 1 - i) * o.stride_h;
        const int kx = first_col + (layer.window.S - 1 - j) * o.stride_w;
        for (int c = 0; c < C; ++c)
          weight(layer, m, i, j, c) = codes[(at(m) * at(R * S) + at(ky * S + kx)) * at(C) + at(c)];
      }
}

/// Makes a depthwise convolution with the weights rows[ky] * cols[kx], divided by their sum.
/// Returns a layer that computes sum / n, n a power of two, with halves away from zero:
/// reciprocal(n) with one rounding.
Layer weighted_sum(const Lowering& ctx, const Op& o, int from, const Geometry& window,
                   const std::vector<int>& rows, const std::vector<int>& cols) {
  const int all = sum(rows) * sum(cols);
  Layer layer = start(ctx, o, LayerKind::kConv, from);
  layer.window = window;
  set_scale(layer, ctx.shape(from).C, reciprocal(all));
  set_groups(layer, ctx.shape(from), layer.channels, 1, 1, ctx.config);
  if (layer.former.steps > 0) layer.conv().steps_per_row = ctx.config.window_steps_per_row();
  layer.clear_weights();
  for (int m = 0; m < layer.channels; ++m)
    for (int ky = 0; ky < window.R; ++ky)
      for (int kx = 0; kx < window.S; ++kx)
        tap_weight(layer, m, ky, kx, m) = static_cast<std::int8_t>(rows[at(ky)] * cols[at(kx)]);
  layer.single = true;
  fold_zero_point(ctx, layer);
  return layer;
}

}  // namespace

Problem transpose_convolution_problem(const Lowering& ctx, const Op& o) {
  if (o.dilation_h != 1 || o.dilation_w != 1)
    return model::refusal(Reason::kAttribute, "{}: dilation {} x {}, allowed 1",
                          model::label(ctx.graph, o), o.dilation_h, o.dilation_w);
  return first_of(out_problem(ctx, o), result_problem(ctx, o), weights_problem(ctx, o));
}

void transpose_convolution(Lowering& ctx, const Op& o) {
  const Tensor& filter = ctx.graph.in(o, 1);
  const model::Window border = model::window(ctx.graph, o);
  const Shape to = out_shape(ctx, o);
  const int whole = new_output(ctx, o, to), input = image(ctx, o, 2);
  std::vector<Phase> all_rows, all_cols, parted;
  for (int y = 0; y < std::min(o.stride_h, to.H); ++y) {
    all_rows.push_back(
        phase_of(y, o.stride_h, border.pad_top, filter.extent(1), ctx.shape(input).H, to.H));
    std::ranges::copy(parts_of(all_rows.back(), o.stride_h, ctx.shape(input).H),
                      std::back_inserter(parted));
  }
  for (int x = 0; x < std::min(o.stride_w, to.W); ++x)
    all_cols.push_back(
        phase_of(x, o.stride_w, border.pad_left, filter.extent(2), ctx.shape(input).W, to.W));
  const int N = filter.extent(0), S = filter.extent(2), C = filter.extent(3);
  const Work work{.cols = all_cols.front().positions,
                  .steps = static_cast<double>(ctx.shape(input).channel_words()) * S *
                           divide_up(N, ctx.config.cols),
                  .bytes = static_cast<double>(N) * S * C,
                  .lanes = static_cast<double>(ctx.config.rows / ctx.shape(input).pixel_words()),
                  .bytes_per_cycle = ctx.config.axi_data_bits / 8.0};
  // Taps outside of the input for some outputs cost nothing if these outputs have separate layers.
  if (work.cycles(parted) < work.cycles(all_rows)) all_rows = std::move(parted);
  std::ranges::stable_sort(all_rows, {}, &Phase::first);  // the first rows are stored early
  for (const Phase& rows : all_rows)
    for (const Phase& cols : all_cols) {
      Layer layer = start(ctx, o, LayerKind::kConv, input);
      layer.macs = std::int64_t{rows.products} * ctx.shape(input).W * N * C * cols.taps;
      Geometry& g = layer.window;
      g.P = rows.positions;
      g.Q = cols.positions;
      if (layer.macs > 0) {  // otherwise only the bias
        g.R = rows.taps;
        g.S = cols.taps;
        g.pad_top = rows.pad;
        g.pad_left = cols.pad;
      }
      set_arithmetic(ctx, o, layer);
      if (layer.macs > 0) set_phase_weights(ctx, o, layer, rows.first_tap, cols.first_tap);
      fold_zero_point(ctx, layer);
      if (ctx.shape(layer.input).wide) fold_low_bytes(ctx, layer);
      add_layer_to(ctx,
                   add_part(ctx, whole, {-1, 0, rows.first, cols.first, o.stride_h, o.stride_w},
                            {layer.channels, g.P, g.Q}),
                   std::move(layer));
    }
}

Problem resize_problem(const Lowering& ctx, const Op& o) {
  if (auto problem = first_of(image_problem(ctx, o, o.input(0)), out_problem(ctx, o)))
    return problem;
  const Shape in = shape_of(ctx.graph.in(o, 0).shape, ""), to = out_shape(ctx, o);
  if (in.pixels() == 1 && ctx.config.vector) return std::nullopt;
  if (o.kind == OpKind::kResizeBilinear && o.of_uint8)
    return refusal(ctx, o, o.outputs[0], Reason::kType,
                   ": uint8 codes are resized in float32, which the machine does not support");
  const Combs combs(o, in, to);
  const std::size_t layers = combs.rows.size() * combs.cols.size();
  if (layers > kMostLayers)
    return refusal(ctx, o, o.outputs[0], Reason::kShape,
                   ": {} x {} to {} x {} pixels needs {} layers, allowed {}", in.H, in.W, to.H,
                   to.W, layers, kMostLayers);
  if (auto problem = result_problem(ctx, o)) return problem;
  for (const Comb& y : combs.rows)
    for (const Comb& x : combs.cols) {
      const std::vector<int> rows = weights_of(y), cols = weights_of(x);
      const int most = std::ranges::max(rows) * std::ranges::max(cols);
      if (most > 127)
        return refusal(ctx, o, o.outputs[0], Reason::kRange,
                       ": {} x {} to {} x {} pixels: weight {}/{} does not fit int8", in.H, in.W,
                       to.H, to.W, most, sum(rows) * sum(cols));
    }
  return std::nullopt;
}

void resize(Lowering& ctx, const Op& o) {
  const int from = image(ctx, o, 0);
  const Shape in = ctx.shape(from);
  const Shape to = out_shape(ctx, o);
  if (in.pixels() == 1 && ctx.config.vector) {
    ctx.map_by_tensor[o.outputs[0]] = repeated(ctx, o, from, to);
    return;
  }
  const Combs combs(o, in, to);
  const int whole = new_output(ctx, o, to);
  for (const Comb& y : combs.rows)
    for (const Comb& x : combs.cols) {
      const Geometry g{.H = in.H,
                       .W = in.W,
                       .P = y.count,
                       .Q = x.count,
                       .R = y.taps(),
                       .S = x.taps(),
                       .stride_y = y.stride,
                       .stride_x = x.stride,
                       .pad_top = -y.from,
                       .pad_left = -x.from};
      const int part =
          add_part(ctx, whole, {-1, 0, y.first, x.first, y.step, x.step}, {in.C, g.P, g.Q});
      if (g.R * g.S == 1)
        move(ctx, o, from, {0, 1, in.C, false}, g, part, 0);
      else
        add_layer_to(ctx, part, weighted_sum(ctx, o, from, g, weights_of(y), weights_of(x)));
    }
}

}  // namespace trine::compiler
