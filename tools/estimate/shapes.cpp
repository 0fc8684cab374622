// SPDX-License-Identifier: Apache-2.0

#include "tools/estimate/shapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "sw/base/division.h"
#include "sw/base/error.h"
#include "sw/base/index.h"
#include "sw/compiler/network/forms.h"
#include "sw/compiler/network/network.h"
#include "sw/compiler/rewrite/image_groups.h"

namespace trine::estimate {
namespace {

using compiler::Layer;
using compiler::LayerKind;
using compiler::Network;
using compiler::Shape;

class Builder {
 public:
  /// @param room  in DMEM for the maps of several images
  Builder(const ShapeTable& table, const spec::Config& config, int images,
          const compiler::BatchRoom& room)
      : table_(table), config_(config), images_(images), room_(room) {}

  Network run() {
    count_readers();
    fuse_sums();
    choose_joint();
    std::vector<int> steps, joint;
    for (int i = 0; i < static_cast<int>(table_.rows.size()); ++i)
      if (row(i).type != ShapeType::kEmbed && !sum_of_.contains(i))
        (joint_[at(i)] ? joint : steps).push_back(i);
    for (const auto& [step, image] : order_of_images(sizes_of(steps), images_, room_)) {
      image_ = image;
      add(steps[at(step)]);
    }
    image_ = 0;
    for (const int i : joint) add(i);
    edges();
    compiler::set_lifetimes(network_);
    return std::move(network_);
  }

 private:
  const ShapeRow& row(int i) const { return table_.rows[at(i)]; }

  /// Returns the shape of a row as it is planned: a joint row has the pixels of all images.
  ShapeRow planned(int i) const {
    ShapeRow r = row(i);
    if (!joint_[at(i)]) return r;
    if (r.type == ShapeType::kFc) r.U = r.H;  // an image is a window
    r.H *= images_;
    r.P *= images_;
    return r;
  }

  /// Returns the row whose map is source number `which`; -1: none.
  int source(int i, std::size_t which) const {
    const int from = row(i).from[which];
    return from >= 0 && row(from).times == row(i).times ? from : -1;
  }

  void count_readers() {
    readers_.assign(table_.rows.size(), 0);
    for (std::size_t i = 0; i < table_.rows.size(); ++i)
      for (std::size_t k = 0; k < row(static_cast<int>(i)).from.size(); ++k)
        if (const int from = source(static_cast<int>(i), k); from >= 0) ++readers_[at(from)];
  }

  /// Fuses each sum into the longer of its two products, if only the sum reads it.
  void fuse_sums() {
    for (int i = 0; i < static_cast<int>(table_.rows.size()); ++i) {
      if (row(i).type != ShapeType::kAdd || row(i).from[0] == row(i).from[1]) continue;
      int best = -1;
      for (const std::size_t k : {0u, 1u}) {
        const int from = source(i, k);
        if (from >= 0 && row(from).is_product() && readers_[at(from)] == 1 &&
            (best < 0 || row(from).macs() > row(best).macs()))
          best = from;
      }
      if (best >= 0) product_of_[sum_of_[best] = i] = best;
    }
  }

  // ---- batches ----------------------------------------------------------------------------------

  /// Finds the rows at the end that compute all images at once: fully connected ones, and what
  /// reads only them and is read by such rows only.
  void choose_joint() {
    joint_.assign(table_.rows.size(), false);
    if (images_ == 1) return;
    const auto count = static_cast<int>(table_.rows.size());
    std::vector<bool> only(table_.rows.size(), true);  // only joint rows read the row
    for (int i = count; i-- > 0;) {
      const ShapeRow& r = row(i);
      const bool may_be = r.type == ShapeType::kFc && r.N == 1 && source_is_plain(i);
      joint_[at(i)] = may_be && only[at(i)];
      for (std::size_t k = 0; k < r.from.size() && !joint_[at(i)]; ++k)
        if (const int from = source(i, k); from >= 0) only[at(from)] = false;
    }
    for (int i = 0; i < count; ++i)
      for (std::size_t k = 0; k < row(i).from.size(); ++k)
        if (const int from = source(i, k); joint_[at(i)] && from >= 0 && !joint_[at(from)]) {
          if (only[at(from)])
            stacked_.insert(from);
          else
            joint_[at(i)] = false;
        }
  }

  /// Returns true if a map can be stored below those of other images: a part of a map has no parts.
  bool source_is_plain(int i) const {
    const int from = source(i, 0);
    return from < 0 || (row(from).type != ShapeType::kConcat && readers_[at(from)] == 1);
  }

  static std::int64_t words_of(int C, int H, int W) {
    return std::int64_t{divide_up(C, 4)} * H * W;
  }

  /// Returns true if images go together through the row's chunks of weights although its maps do
  /// not fit. The saved bytes must exceed the bytes that the maps then move through DRAM.
  bool goes_by_chunks(const ShapeRow& r) const {
    constexpr int kGain = 6;  // half of the weights, three times a map
    return room_.weight_bytes > 0 && r.is_product() && r.parameters() > room_.weight_bytes &&
           r.parameters() >= kGain * 4 * words_of(r.C, r.H, r.W);
  }

  /// Returns the size of each of the rows `steps`, for order_of_images().
  std::vector<compiler::StepSize> sizes_of(const std::vector<int>& steps) const {
    std::vector<compiler::StepSize> sizes(steps.size());
    std::vector<int> last(table_.rows.size(), -1);  // step that reads the row
    for (std::size_t s = 0; s < steps.size(); ++s)
      for (const int i : parts_of(steps[s]))
        for (std::size_t k = 0; k < row(i).from.size(); ++k)
          if (const int from = source(i, k); from >= 0) last[at(from)] = static_cast<int>(s);
    for (std::size_t s = 0; s < steps.size(); ++s) {
      const ShapeRow& out = row(steps[s]);
      const std::int64_t words = words_of(out.M, out.P, out.Q);
      const auto end = static_cast<std::size_t>(std::max(last[at(steps[s])], static_cast<int>(s)));
      for (std::size_t t = s; t <= end; ++t) sizes[t].words += words;
      for (std::size_t t = s; t < end; ++t) sizes[t].waiting += words;
      for (const int i : parts_of(steps[s])) {
        const ShapeRow& r = row(i);
        sizes[s].weight_bytes += r.parameters();
        if (source(i, 0) < 0) sizes[s].words += words_of(r.C, r.H, r.W);
        if (goes_by_chunks(r)) sizes[s].of_each += words_of(r.C, r.H, r.W) / r.groups;
      }
    }
    return sizes;
  }

  /// Returns the rows that one layer computes.
  std::vector<int> parts_of(int i) const {
    const auto product = product_of_.find(i);
    return product == product_of_.end() ? std::vector{i} : std::vector{product->second, i};
  }

  // ---- maps -------------------------------------------------------------------------------------

  int map(const Shape& shape) {
    compiler::Map m;
    m.name = fmt::format("map {}", network_.maps.size());
    m.shape = shape;
    return network_.add(std::move(m));
  }

  const Shape& shape(int map) const { return network_.maps[at(map)].shape; }

  /// Returns the map that a row reads: a row's result, or a map from DRAM.
  int input(int i, std::size_t which, const Shape& shape) {
    const int from = source(i, which);
    if (from < 0) return map(shape);
    if (joint_[at(i)] && stacked_.contains(from)) return stack_of_.at(from);
    return map_of_.at({from, joint_[at(from)] ? 0 : image_});
  }

  /// Stores a row's result below those of the images before.
  void set_result(int i, int result) {
    map_of_[{i, image_}] = result;
    if (!stacked_.contains(i)) return;
    const Shape s = shape(result);
    if (!stack_of_.contains(i)) stack_of_[i] = map({s.C, images_ * s.H, s.W});
    network_.maps[at(result)].part = {stack_of_[i], 0, image_ * s.H, 0};
  }

  void edges() {
    for (std::size_t m = 0; m < network_.maps.size(); ++m) {
      const auto is = [&](int other) { return network_.whole_of(other) == static_cast<int>(m); };
      const auto reads = [&](const Layer& l) {
        return is(l.input) || (l.second >= 0 && is(l.second));
      };
      compiler::Map& map = network_.maps[m];
      if (map.part.whole >= 0) continue;
      map.input =
          std::ranges::none_of(network_.layers, [&](const Layer& l) { return is(l.output); });
      map.output = !map.input && std::ranges::none_of(network_.layers, reads);
      if (map.input) network_.inputs.push_back(static_cast<int>(m));
      if (map.output) network_.outputs.push_back(static_cast<int>(m));
    }
  }

  // ---- layers -----------------------------------------------------------------------------------

  void add(int i) {
    const ShapeRow& r = row(i);
    const auto product = product_of_.find(i);
    if (product != product_of_.end()) return sum(i, product->second);
    switch (r.type) {
      case ShapeType::kConcat:
        return join(i);
      case ShapeType::kMax:
      case ShapeType::kAvg:
        return pool(i);
      case ShapeType::kAdd:
        return pair(i, LayerKind::kAdd);
      case ShapeType::kMul:
        return pair(i, LayerKind::kMul);
      case ShapeType::kSoftmax:
        return over_channels(i, LayerKind::kSoftmax);
      case ShapeType::kNorm:
        return norm(i);
      default:
        return put(i, this->product(i));
    }
  }

  Layer layer(int i, LayerKind kind, int from) const {
    const ShapeRow r = planned(i);
    const Shape& s = shape(from);
    Layer l(kind);
    l.label = fmt::format("{}:{}: {}", table_.file, r.line, r.name);
    l.op = name_of(r.type);
    l.name = r.name;
    l.input = from;
    l.words = s.channel_words();
    l.window.H = l.window.P = s.H;
    l.window.W = l.window.Q = s.W;
    return l;
  }

  void push(Layer l, int to) {
    l.output = to;
    network_.layers.push_back(std::move(l));
  }

  void put(int i, Layer l) {
    const Shape to{l.kind == LayerKind::kConv ? l.channels : shape(l.input).C, l.window.P,
                   l.window.Q};
    const int result = map(to);
    set_result(i, result);
    push(std::move(l), result);
  }

  static void set_window(const ShapeRow& r, compiler::Geometry& g) {
    g = {.H = r.H, .W = r.W, .P = r.P, .Q = r.Q, .R = r.R, .S = r.S};
    g.stride_y = g.stride_x = r.U;
    if (r.P == 1) g.stride_y = 1;
    if (r.Q == 1) g.stride_x = 1;
    g.dil_y = g.dil_x = r.D;
    g.pad_top = r.pad;
    g.pad_left = r.pad_left;
  }

  Layer product(int i) {
    ShapeRow r = planned(i);
    if (r.N > 1) {  // a batch: all pixels of the batch that one output reads
      r.C *= r.H * r.W;
      r.R = r.S = r.H = r.P = 1;
      r.W = r.Q = r.N;
    }
    const int from = input(i, 0, {r.C, r.H, r.W});
    if (shape(from).C != r.C || shape(from).W != r.W)
      throw_error("{}:{}: N: {} images, allowed only 1 because the table computes the input map",
                  table_.file, r.line, r.N);
    compiler::Geometry g;
    set_window(r, g);
    Layer l = layer(i, LayerKind::kConv, from);
    l.window = g;
    l.channels = r.M;
    l.macs = row(i).macs() * (joint_[at(i)] ? images_ : 1);
    set_shared(l, i);
    set_product(l, network_.maps[at(from)], r.groups,
                source(i, 0) < 0 && r.type != ShapeType::kMatmul, config_);
    return l;
  }

  /// Gives the layer the weights of the same row for other images.
  void set_shared(Layer& l, int i) const {
    if (images_ > 1 && row(i).type != ShapeType::kMatmul) l.conv().weights_like = i;
  }

  void sum(int i, int product) {
    const int other = row(i).from[0] == product ? 1 : 0;
    Layer l = this->product(product);
    l.second = input(i, at(other), {row(i).C, row(i).H, row(i).W});
    l.op += "+add";
    put(i, std::move(l));
  }

  void pool(int i) {
    const ShapeRow& r = row(i);
    need(i, config_.vector, "vector.enable");
    const bool max = r.type == ShapeType::kMax;
    int from = input(i, 0, {r.C, r.H, r.W});
    const auto window = [&](const ShapeRow& of) {
      Layer l = layer(i, max ? LayerKind::kMax : LayerKind::kSum, from);
      set_window(of, l.window);
      if (!max) l.pool().regions = regions(l.window);
      return l;
    };
    ShapeRow last = r;
    if (r.P * r.Q == 1 && std::int64_t{r.H} * r.W > config_.dmem_words() / 2) {
      ShapeRow columns = r;  // rows, then columns
      columns.S = 1;
      columns.Q = r.W;
      const int sums = map({r.C, 1, r.W});
      push(window(columns), sums);
      from = sums;
      last.H = last.R = 1;
    }
    Layer l = window(last);
    put(i, std::move(l));
  }

  /// Returns the ends of runs of positions whose average covers the same number of taps, along one
  /// axis.
  static std::vector<int> ends(int positions, int taps, int stride, int pad, int extent) {
    const auto inside = [&](int p) {
      const int begin = p * stride - pad;
      return std::min(begin + taps, extent) - std::max(begin, 0);
    };
    std::vector<int> found = {0};
    for (int p = 1; p < positions; ++p)
      if (inside(p) != inside(p - 1)) found.push_back(p);
    found.push_back(positions);
    return found;
  }

  /// Returns regions of output positions with the same divisor.
  static std::vector<compiler::SumRegion> regions(const compiler::Geometry& g) {
    const std::vector<int> rows = ends(g.P, g.R, g.stride_y, g.pad_top, g.H);
    const std::vector<int> columns = ends(g.Q, g.S, g.stride_x, g.pad_left, g.W);
    std::vector<compiler::SumRegion> result;
    for (std::size_t y = 1; y < rows.size(); ++y)
      for (std::size_t x = 1; x < columns.size(); ++x)
        result.push_back({{rows[y - 1], rows[y], columns[x - 1], columns[x]}, {}, 0});
    return result;
  }

  void pair(int i, LayerKind kind) {
    const ShapeRow& r = row(i);
    need(i, config_.vector, "vector.enable");
    int first = input(i, 0, {r.C, r.H, r.W}), second = input(i, 1, {r.C, r.H, r.W});
    if (shape(first).pixels() < shape(second).pixels()) std::swap(first, second);  // a gate
    Layer l = layer(i, kind, first);
    for (const bool rows : {false, true}) second = repeated(i, second, rows);
    l.second = second;
    put(i, std::move(l));
  }

  /// Repeats a map's only column or row to the layer's extent.
  int repeated(int i, int map, bool rows) {
    const ShapeRow& r = row(i);
    const Shape s = shape(map);
    if (rows ? s.H == r.H : s.W == r.W) return map;
    Layer l = layer(i, LayerKind::kMax, map);
    (rows ? l.window.stride_y : l.window.stride_x) = 0;
    (rows ? l.window.P : l.window.Q) = rows ? r.H : r.W;
    const int to = this->map({s.C, l.window.P, l.window.Q});
    push(std::move(l), to);
    return to;
  }

  void over_channels(int i, LayerKind kind) {
    const ShapeRow& r = row(i);
    need(i, config_.has_softmax(), "vector.softmax");
    Layer l = layer(i, kind, input(i, 0, {r.C, r.H, r.W}));
    l.channels = r.C;
    put(i, std::move(l));
  }

  /// Adds a norm. If it has more channels than parameters, mean and variance become products with
  /// ones, in three passes.
  void norm(int i) {
    const ShapeRow& r = row(i);
    if (r.C <= config_.param_channels) return over_channels(i, LayerKind::kNormalize);
    need(i, config_.vector, "vector.enable");
    int x = input(i, 0, {r.C, r.H, r.W});
    const auto pass = [&](int a, int b) {
      Layer l = layer(i, LayerKind::kMul, a);
      l.second = b;
      const int to = map(shape(a));
      push(std::move(l), to);
      return to;
    };
    const auto sum_of = [&](int a) {
      Layer l = layer(i, LayerKind::kConv, a);
      l.channels = 1;
      set_shared(l, i);
      compiler::set_sweeps(l);
      push(std::move(l), map({1, r.H, r.W}));
    };
    sum_of(x);
    x = pass(x, x);
    sum_of(x);
    set_result(i, pass(pass(x, x), x));
  }

  /// Joins maps: a producer that only the concatenation reads writes into it directly, others are
  /// copied.
  void join(int i) {
    const ShapeRow& r = row(i);
    const int whole = map({r.C, r.H, r.W});
    set_result(i, whole);
    int channel = 0;
    for (std::size_t k = 0; k < r.from.size(); ++k) {
      const int from = input(i, k, {row(r.from[k]).M, r.H, r.W});
      const Shape s = shape(from);
      compiler::Part part;
      part.whole = whole;
      part.channel = channel;
      channel += s.C;
      const bool made = std::ranges::any_of(
          network_.layers, [&](const Layer& l) { return network_.whole_of(l.output) == from; });
      const bool alone = source(i, k) >= 0 && (readers_[at(r.from[k])] == 1 || s.C % 4 == 0);
      if (made && alone && part.channel % 4 == 0 && network_.maps[at(from)].part.whole < 0)
        move(from, part);
      else
        copy(i, from, part);
    }
  }

  /// Makes the map and all its parts parts of another map.
  void move(int map, const compiler::Part& part) {
    for (compiler::Map& m : network_.maps)
      if (m.part.whole == map) {
        m.part.whole = part.whole;
        m.part.channel += part.channel;
      }
    network_.maps[at(map)].part = part;
  }

  void copy(int i, int from, const compiler::Part& part) {
    need(i, config_.vector, "vector.enable");
    Layer l = layer(i, LayerKind::kSum, from);
    l.pool().regions = {{{0, l.window.P, 0, l.window.Q}, {}, 0}};
    const int to = map(shape(from));
    network_.maps[at(to)].part = part;
    push(std::move(l), to);
  }

  void need(int i, bool there, const char* key) const {
    if (!there)
      throw_error("{}:{}: type: {}, the design lacks {}", table_.file, row(i).line,
                  name_of(row(i).type), key);
  }

  const ShapeTable& table_;
  const spec::Config& config_;
  int images_, image_ = 0;  ///< the batch, and the image whose layers are added
  compiler::BatchRoom room_;
  Network network_;
  std::vector<int> readers_;                   ///< of a row's map
  std::map<int, int> sum_of_;                  ///< by product: the row that adds to it
  std::map<int, int> product_of_;              ///< by such a row: the product
  std::vector<bool> joint_;                    ///< by row: it computes all images at once
  std::set<int> stacked_;                      ///< rows whose results a joint row reads
  std::map<int, int> stack_of_;                ///< by such a row: the map of all images
  std::map<std::pair<int, int>, int> map_of_;  ///< by row and image: its result
};

/// Returns the rows of the batch's best order of images (compiler/candidate.cpp): fewest cycles.
std::vector<Row> best_rows(const ShapeTable& table, const spec::Config& config, int images) {
  std::vector<Row> best;
  double least = 0;
  for (const compiler::BatchRoom& room : compiler::batch_rooms(config)) {
    std::vector<Row> rows = of_network(Builder(table, config, images, room).run(), config);
    double cycles = 0;
    for (const Row& row : rows) cycles += row.cycles;
    if (best.empty() || cycles < least) {
      best = std::move(rows);
      least = cycles;
    }
    if (images == 1) break;
  }
  return best;
}

/// Returns the plan's layers, repeated as in the table and with its parameters, followed by the
/// rows that are not layers of their own.
Estimate counted(const ShapeTable& table, std::vector<Row> layers, int images) {
  for (const ShapeRow& row : table.rows) {
    bool first = true;
    for (Row& layer : layers) {
      if (std::ranges::find(layer.parts, row.name) == layer.parts.end()) continue;
      layer.times = row.times;
      if (std::exchange(first, false)) layer.parameters += row.parameters();
    }
    if (first && row.parameters() > 0) {
      layers.push_back({row.name, name_of(row.type), {row.name}, row.times});
      layers.back().parameters = row.parameters();
    }
  }
  return {std::filesystem::path(table.file).stem().string(), std::move(layers), 0, images};
}

}  // namespace

void set_product(Layer& layer, compiler::Map& input, int groups, bool may_fold,
                 const spec::Config& config) {
  const int depth = input.shape.C / groups, per_group = layer.channels / groups;
  const bool depthwise = groups > 1 && depth == 1;
  const auto folded =
      may_fold ? compiler::folded_input(input.shape, layer.window, depthwise, false) : std::nullopt;
  if (folded) {
    input.fold = folded->fold;
    input.shape = folded->shape;
    layer.words = input.shape.channel_words();
    layer.window.H = input.shape.H;
    layer.window.W = input.shape.W;
    compiler::set_folded(layer.window, input.fold);
  } else {
    compiler::set_groups(layer, input.shape, groups, depth, per_group, config);
  }
  if (layer.former.steps > 0) layer.conv().steps_per_row = config.window_steps_per_row();
  compiler::set_sweeps(layer);
}

Estimate of_shapes(const ShapeTable& table, const spec::Config& config, int images) {
  spec::check(config);
  return counted(table, best_rows(table, config, images), images);
}

}  // namespace trine::estimate
