// SPDX-License-Identifier: Apache-2.0

#include "tools/estimate/dataflows.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sw/base/text.h"

namespace trine::estimate {
namespace {

/// Words in a PE of a row-stationary array like Eyeriss: weights, inputs, sums (Chen et al., JSSC
/// 2017).
constexpr std::int64_t kRowWeights = 224, kRowInputs = 12, kRowSums = 24;

std::int64_t up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Counts the sums that wait in the buffer between parts of the reduction: each part but the first
/// reads them.
Accesses sums(const Product& p, std::int64_t parts, const char* by) {
  return {"sums", p.outputs() * (2 * parts - 1),
          parts == 1 ? std::string("written once")
                     : fmt::format("M P Q (2 x {} - 1): {} in {} parts", parts, by, parts)};
}

std::string again_text(const char* form, std::int64_t times, std::int64_t of) {
  return fmt::format("{} = {} x {}", form, grouped(times), grouped(of));
}

void keep_output(const Product& p, const Resources& r, Moved* m) {
  const std::int64_t K = p.reduction(), filters = up(p.M, r.columns),
                     tiles = up(p.pixels(), r.rows);
  m->buffer = {
      {"inputs", filters * p.pixels() * K,
       again_text("up(M / columns) x P Q C R S", filters, p.pixels() * K)},
      {"weights", tiles * p.weights(), again_text("up(P Q / rows) x M C R S", tiles, p.weights())},
      {"sums", p.outputs(), "M P Q: once, whole"}};
  m->registers = 2 * p.macs() * up(p.C, r.lanes) / p.C;
  m->registers_why = fmt::format("the sum, read and written, for up to {} products", r.lanes);
  m->hops = 2 * p.macs();
  m->hops_why = "an input and a weight for each MAC";
}

void keep_weight(const Product& p, const Resources& r, Moved* m) {
  const std::int64_t K = p.reduction(), filters = up(p.M, r.columns), parts = up(K, r.rows);
  m->buffer = {{"inputs", filters * p.pixels() * K,
                again_text("up(M / columns) x P Q C R S", filters, p.pixels() * K)},
               {"weights", p.weights(), "M C R S: once"},
               sums(p, parts, "up(C R S / rows)")};
  m->registers = p.macs();
  m->registers_why = "the weight for each MAC";
  m->hops = 2 * p.macs();
  m->hops_why = "an input and a sum for each MAC";
}

void keep_input(const Product& p, const Resources& r, Moved* m) {
  const std::int64_t K = p.reduction(), pixels = up(p.pixels(), r.columns), parts = up(K, r.rows);
  m->buffer = {{"inputs", p.pixels() * K, "P Q C R S: once for each pixel"},
               {"weights", pixels * p.weights(),
                again_text("up(P Q / columns) x M C R S", pixels, p.weights())},
               sums(p, parts, "up(C R S / rows)")};
  m->registers = p.macs();
  m->registers_why = "the input for each MAC";
  m->hops = 2 * p.macs();
  m->hops_why = "a weight and a sum for each MAC";
}

void keep_row(const Product& p, const Resources& r, Moved* m) {
  const std::int64_t taps = std::min(p.S, kRowInputs);
  const std::int64_t channels = std::min(p.C, std::max<std::int64_t>(1, kRowInputs / taps));
  const std::int64_t filters =
      std::min({p.M, kRowSums, std::max<std::int64_t>(1, kRowWeights / (channels * taps))});
  const std::int64_t sets = std::max<std::int64_t>(1, r.rows / p.R);
  const std::int64_t joined = std::min(p.C, channels * sets), strips = up(p.P, r.columns);
  const std::int64_t weights = strips * p.weights(), inputs = up(p.M, filters) * p.inputs();
  m->buffer = {{"inputs", inputs,
                again_text("up(M / filters of a PE) x C H W", up(p.M, filters), p.inputs())},
               {"weights", weights, again_text("up(P / columns) x M C R S", strips, p.weights())},
               sums(p, up(p.C, joined), "up(C / channels in the array)")};
  m->registers = 4 * p.macs();
  m->registers_why = "weight, input, and the sum twice, for each MAC";
  m->hops = p.macs() / p.S + weights * std::min(r.columns, p.P) + inputs * std::min(p.R, r.rows);
  m->hops_why = "sums each S MACs, weights across, inputs along diagonals";
}

constexpr std::array<void (*)(const Product&, const Resources&, Moved*), 4> kFlows = {
    keep_output, keep_weight, keep_input, keep_row};

}  // namespace

std::int64_t Moved::sum(const std::vector<Accesses>& all) {
  std::int64_t total = 0;
  for (const Accesses& a : all) total += a.count;
  return total;
}

double Moved::energy() const {
  return static_cast<double>(macs) + kRegisterCost * static_cast<double>(registers) +
         kHopCost * static_cast<double>(hops) +
         kBufferCost * static_cast<double>(buffer_accesses()) +
         kDramCost * static_cast<double>(dram_accesses());
}

Moved moved(Dataflow flow, const Product& product, const Resources& resources,
            std::vector<Accesses> dram) {
  Moved m;
  m.macs = product.macs();
  m.dram = std::move(dram);
  kFlows[static_cast<std::size_t>(flow)](product, resources, &m);
  return m;
}

Resources resources_of(const spec::Config& config) {
  return {config.rows, config.cols, std::int64_t{1024} * (config.dmem_kib + config.pmem_kib), 4};
}

std::vector<Product> products_of(const ShapeTable& table) {
  std::vector<Product> all;
  for (const ShapeRow& row : table.rows) {
    if (!row.is_product() || row.type == ShapeType::kMatmul) continue;
    const bool is_depthwise = row.type == ShapeType::kDepthwise;
    const std::int64_t groups = is_depthwise ? row.C : row.groups;
    Product p;
    p.name = row.name;
    p.groups = groups;
    p.times = groups * row.times;
    p.M = row.M / groups;
    p.C = row.C / groups;
    if (row.type == ShapeType::kFc) {
      p.C = std::int64_t{row.C} * row.H * row.W;
      p.P = row.N;
      p.H = row.N;
    } else {
      p.R = row.R;
      p.S = row.S;
      p.P = row.P;
      p.Q = row.Q;
      p.H = row.H;
      p.W = row.W;
      p.stride_h = p.stride_w = row.U;
      p.dilation_h = p.dilation_w = row.D;
    }
    all.push_back(p);
  }
  return all;
}

std::vector<Product> products_of(const Transformer& t, int tokens) {
  std::vector<Product> all;
  const auto add = [&](const char* name, std::int64_t from, std::int64_t to, int rows, int times) {
    Product p;
    p.name = name;
    p.C = from;
    p.M = to;
    p.Q = p.W = rows;
    p.times = times;
    all.push_back(p);
  };
  const int keys = (t.key_heads > 0 ? t.key_heads : t.heads) * (t.width / t.heads);
  add("query", t.width, t.width, tokens, t.layers);
  add("key, value", t.width, keys, tokens, 2 * t.layers);
  add("attention output", t.width, t.width, tokens, t.layers);
  add("feed-forward", t.width, t.inner, tokens, (t.gate == Gate::kNone ? 1 : 2) * t.layers);
  add("feed-forward output", t.inner, t.width, tokens, t.layers);
  add(t.pooler ? "pooler" : "logits", t.width, t.pooler ? t.width : t.vocabulary, 1, 1);
  return all;
}

std::vector<Product> products_of(const model::Graph& graph) {
  std::vector<Product> all;
  for (const model::Op& op : graph.ops) {
    Product p;
    if (op.kind == model::OpKind::kFullyConnected) {
      const model::Tensor& weights = graph.in(op, 1);
      p.M = weights.extent(0);
      p.C = weights.extent(1);
      p.P = p.H = graph.out(op).elements() / p.M;
    } else if (op.kind == model::OpKind::kConv2D || op.kind == model::OpKind::kDepthwiseConv2D) {
      const model::Tensor &x = graph.in(op, 0), &w = graph.in(op, 1), &y = graph.out(op);
      const bool is_depthwise = op.kind == model::OpKind::kDepthwiseConv2D;
      p.times = is_depthwise ? x.extent(3) : model::groups(graph, op);
      p.groups = p.times;
      p.M = y.extent(3) / p.times;
      p.C = is_depthwise ? 1 : w.extent(3);
      p.R = w.extent(1);
      p.S = w.extent(2);
      p.H = x.extent(1);
      p.W = x.extent(2);
      p.P = y.extent(1);
      p.Q = y.extent(2);
      p.stride_h = op.stride_h;
      p.stride_w = op.stride_w;
      p.dilation_h = op.dilation_h;
      p.dilation_w = op.dilation_w;
      p.times *= y.extent(0);
    } else {
      continue;
    }
    p.name = graph.out(op).name;
    all.push_back(p);
  }
  return all;
}

}  // namespace trine::estimate
