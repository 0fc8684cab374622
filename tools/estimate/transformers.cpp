// SPDX-License-Identifier: Apache-2.0

#include "tools/estimate/transformers.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <span>
#include <sstream>

#include "sw/base/error.h"
#include "sw/base/index.h"
#include "sw/compiler/network/network.h"

namespace trine::estimate {
namespace {

using compiler::Layer;
using compiler::LayerKind;
using compiler::Network;

/// Returns the precision of the weights. @throws Error  the design does not support it
const spec::Precision& precision_of(const Transformer& t, const spec::Config& config) {
  const spec::Precision& weights =
      t.weights == spec::kInt4.name
          ? spec::kInt4
          : *spec::find_precision([&](const auto& p) { return p.name == t.weights; });
  if (config.*weights.enabled) return weights;
  throw_error("{}: the design does not support {} weights ({})", t.name, t.weights,
              &weights == &spec::kInt4 ? "array.weights4" : "array.precisions");
}

/// Adds a block's layers, and the rows to which they belong.
class Shapes {
 public:
  Shapes(const Transformer& t, int tokens, int context, const spec::Config& config, int sequences)
      : t_(t),
        tokens_(tokens),
        context_(context),
        head_(t.head()),
        sequences_(sequences),
        config_(config),
        weights_(&precision_of(t, config)) {}

  Estimate run() {
    embedding();
    block();
    after_blocks();
    compiler::set_lifetimes(network_);
    for (const Row& layer : of_network(network_, config_)) {
      Row& row = *std::ranges::find(rows_, layer.name, &Row::name);
      const auto [channels, walked] = walked_[layer.name];
      row.cycles = layer.cycles * channels / walked;
      row.peak_cycles = layer.peak_cycles * channels / walked;
      row.pe_macs = layer.pe_macs;
      row.causes = layer.causes;
      for (std::size_t a = 0; a < row.actions.size(); ++a)
        row.actions[a] = layer.actions[a] * channels / walked;
      row.weight_bytes = layer.weight_bytes * channels / walked;
      for (std::size_t d = 0; d < sim::kDataKinds; ++d) {
        row.dmem.read[d] = layer.dmem.read[d] * channels / walked;
        row.dmem.written[d] = layer.dmem.written[d] * channels / walked;
      }
      row.dram = {layer.dram.constants * channels / walked,
                  layer.dram.maps_read * channels / walked,
                  layer.dram.maps_written * channels / walked};
    }
    set_heads();
    return {t_.name, rows_, all_tokens(), sequences_};
  }

 private:
  void embedding() {
    const std::int64_t D = t_.width;
    Row& r = row("embedding", "", 1);
    r.parameters = (std::int64_t{t_.vocabulary} + t_.positions + t_.segments) * D;
    if (t_.segments > 0) r.parameters += 2 * D;  // its norm
    // The logits use the same codes.
    const std::int64_t shared = !t_.pooler && t_.tied ? t_.vocabulary * D : 0;
    r.weight_bytes = r.parameters - shared;
  }

  void block() {
    const int D = t_.width, F = t_.inner;
    int x = map(D, all_tokens());
    network_.maps[at(x)].input = true;
    network_.inputs = {x};
    const int before = x;
    x = norm("attention norm", x, t_.layers);
    const int q = dense("query", x, t_.heads * head_, t_.layers),
              k = dense("key", x, keys(), t_.layers);
    dense("value", x, keys(), t_.layers);
    for (std::size_t i = 1; t_.input_biases != t_.biases && i <= 3; ++i)
      rows_[rows_.size() - i].parameters += rows_[rows_.size() - i].macs / all_tokens() / D;
    if (t_.positions == 0) rotate({q, k});
    int codes = attention(q);
    if (t_.inner_norms) codes = norm("attention inner norm", codes, t_.layers);
    x = dense("attention output, sum", codes, D, t_.layers, before);
    const int y = norm("feed-forward norm", x, t_.layers);
    int inner = dense(name_of(t_.gate), y, F, t_.layers);
    if (t_.gate != Gate::kNone) {
      const int up = dense("up", y, F, t_.layers);
      row("gate product", "MUL", t_.layers);
      inner = pass(inner, up);
    }
    if (t_.inner_norms) inner = norm("feed-forward inner norm", inner, t_.layers);
    last_ = dense("feed-forward output, sum", inner, D, t_.layers, x);
  }

  void after_blocks() {
    int from = last_;
    if (tokens_ > 1) {  // the pooler's is the first token, otherwise the last
      network_.maps[at(last_)].output = true;
      network_.outputs.push_back(last_);
      from = map(t_.width, sequences_);
      network_.maps[at(from)].input = true;
    }
    if (!t_.pooler) from = norm("final norm", from, 1);
    const int channels = t_.pooler ? t_.width : t_.vocabulary;
    if (t_.tied || t_.weights == "ternary") weights_ = &spec::kInt8;
    last_ = dense(t_.pooler ? "pooler" : "logits", from, channels, 1);
    if (!t_.pooler && t_.tied) rows_.back().parameters = 0;
    network_.maps[at(last_)].output = true;
    network_.outputs.push_back(last_);
  }

  // ---- layers -----------------------------------------------------------------------------------

  /// Begins a row; the following layers belong to it.
  Row& row(const std::string& name, const std::string& op, std::int64_t times) {
    row_ = static_cast<int>(rows_.size());
    return rows_.emplace_back(Row{name, op, {name}, times});
  }

  int map(int C, int W) {
    compiler::Map m;
    m.name = fmt::format("map {}", network_.maps.size());
    m.shape = {C, 1, W};
    network_.maps.push_back(m);
    return static_cast<int>(network_.maps.size()) - 1;
  }

  Layer layer(LayerKind kind, int from, int to) {
    const compiler::Shape& s = network_.maps[at(from)].shape;
    Layer l(kind);
    const Row& row = rows_[at(row_)];
    l.label = t_.name + ": " + row.name;
    l.op = row.op;
    l.name = row.name;
    l.input = from;
    l.output = to;
    l.window.W = l.window.Q = s.W;
    l.words = s.channel_words();
    return l;
  }

  /// Returns the tokens of all sequences.
  int all_tokens() const { return sequences_ * tokens_; }
  /// Returns the channels of all key heads.
  int keys() const { return (t_.key_heads > 0 ? t_.key_heads : t_.heads) * head_; }

  static std::string name_of(Gate gate) {
    if (gate == Gate::kNone) return "feed-forward, GELU";
    return gate == Gate::kSilu ? "gate, SiLU" : "gate, squared ReLU";
  }

  void add(Layer l) { network_.layers.push_back(std::move(l)); }

  /// Returns a map of the first channels of another map, or that map itself if it has no more.
  int first_of(int whole, int channels) {
    if (channels == network_.maps[at(whole)].shape.C) return whole;
    const int to = map(channels, network_.maps[at(whole)].shape.W);
    network_.maps[at(to)].part = {whole, 0};
    return to;
  }

  /// Adds a product. All channels cost the same: if there are many, only the first are planned.
  /// @param residual  a map that is added, -1: none
  int product(int from, int channels, int residual = -1,
              const spec::Precision& weights = spec::kInt8) {
    constexpr int kWalkedWeights = 1 << 23, kTogether = 64;
    const compiler::Shape s = network_.maps[at(from)].shape;
    const int walked = std::min(channels, kWalkedWeights / s.C / kTogether * kTogether);
    walked_[rows_[at(row_)].name] = {channels, walked};
    const int to = map(channels, s.W);
    Layer l = layer(LayerKind::kConv, from, first_of(to, walked));
    l.channels = walked;
    l.macs = std::int64_t{s.W} * s.C * walked;
    l.second = residual < 0 ? residual : first_of(residual, walked);
    l.conv().precision = weights.int8_product;
    l.conv().steps_per_row = spec::kInt8.bits / weights.bits;
    compiler::set_sweeps(l);
    add(std::move(l));
    return to;
  }

  int dense(const std::string& name, int from, int channels, std::int64_t times,
            int residual = -1) {
    const compiler::Shape s = network_.maps[at(from)].shape;
    Row& r = row(name, "FULLY_CONNECTED", times);
    r.macs = std::int64_t{s.W} * s.C * channels;
    r.parameters = std::int64_t{s.C} * channels + (t_.biases ? channels : 0);
    return product(from, channels, residual, *weights_);
  }

  /// Adds a pass of the vector unit over two maps.
  int pass(int a, int b) {
    const compiler::Shape s = network_.maps[at(a)].shape;
    const int to = map(s.C, s.W);
    Layer l = layer(LayerKind::kMul, a, to);
    l.second = b;
    add(std::move(l));
    return to;
  }

  /// Adds a norm. If it has more channels than the design has parameters, mean and variance become
  /// products with ones, in three passes.
  int norm(const std::string& name, int x, std::int64_t times) {
    Row& r = row(name, "NORM", times);
    const compiler::Shape s = network_.maps[at(x)].shape;
    r.parameters = (t_.biases ? 2 : 1) * std::int64_t{s.C};
    if (s.C <= config_.param_channels) {
      const int to = map(s.C, s.W);
      Layer l = layer(LayerKind::kNormalize, x, to);
      l.channels = s.C;
      add(std::move(l));
      return to;
    }
    product(x, 1);
    const int centered = pass(x, x);
    product(centered, 1);
    return pass(pass(centered, centered), centered);
  }

  void rotate(const std::vector<int>& maps) {
    row("rotation", "ADD, MUL", t_.layers);
    for (const int m : maps)
      for (int i = 0; i < 3; ++i) pass(m, m);
  }

  /// Adds some heads, which represent all of them: keys and values are loaded as weights. Scores
  /// precede the mixtures, in the compiler's order: a softmax runs in parallel to products of other
  /// heads.
  int attention(int queries) {
    constexpr int kAhead = 2;
    // With one token, the queries of a group are rows of one product.
    const int group = t_.key_heads > 0 && tokens_ == 1 ? t_.heads / t_.key_heads : 1;
    const int queries_of = group * tokens_;
    const std::int64_t heads = std::int64_t{t_.layers} * t_.heads / group * sequences_;
    const std::int64_t macs = std::int64_t{queries_of} * context_ * head_;
    row("query x key", "BATCH_MATMUL", heads).macs = macs;
    row("softmax", "SOFTMAX", heads);
    row("score x value", "BATCH_MATMUL", heads).macs = macs;
    const auto row_of_scores = static_cast<int>(rows_.size()) - 3;
    const int joined = map(t_.heads * head_, all_tokens());
    std::vector<int> weights;
    for (int h = 0; h < planned_heads() + kAhead; ++h) {
      if (h < planned_heads()) {
        row_ = row_of_scores;
        const int q = map(head_, queries_of);
        network_.maps[at(q)].part = part_of(queries, h, group);
        const int scores = product(q, context_);
        ++row_;
        weights.push_back(map(context_, queries_of));
        add(layer(LayerKind::kSoftmax, scores, weights.back()));
      }
      if (h < kAhead) continue;
      row_ = row_of_scores + 2;
      const int mixture = product(weights[at(h - kAhead)], head_);
      network_.maps[at(mixture)].part = part_of(joined, h - kAhead, group);
    }
    return joined;
  }

  /// Returns a head's channels of a map; for a group, the rows of its heads for the single token.
  compiler::Part part_of(int map, int head, int group) const {
    if (group == 1) return {map, head * head_};
    return {map, head * group * head_, 0, 0, 1, 1, head_ / 4};
  }

  /// Returns the number of planned heads: enough that start and end matter little.
  int planned_heads() const { return std::min(t_.key_heads > 0 ? t_.key_heads : t_.heads, 4); }

  /// Sets the cycles of one head. Cycles in which the array waits for the vector unit belong to the
  /// softmax, the others to the two products, which overlap. Keys and values do not count as
  /// weights in memory.
  void set_heads() {
    const auto scores = std::ranges::find(rows_, "BATCH_MATMUL", &Row::op);
    const std::span<Row> rows(scores, 3);
    double cycles = 0, waits = 0;
    for (Row& r : rows) {
      cycles += r.cycles / planned_heads();
      r.peak_cycles /= planned_heads();
      waits += static_cast<double>(r.causes[static_cast<std::size_t>(sim::Cause::kVector)]) /
               planned_heads();
      for (std::int64_t& count : r.actions) count /= planned_heads();
      for (auto* words : {&r.dmem.read, &r.dmem.written})
        for (std::int64_t& count : *words) count /= planned_heads();
      for (std::int64_t program::Bytes::*bytes :
           {&program::Bytes::constants, &program::Bytes::maps_read, &program::Bytes::maps_written})
        r.dram.*bytes /= planned_heads();
      r.weight_bytes = 0;
    }
    constexpr auto kVector = static_cast<std::size_t>(sim::Cause::kVector);
    for (Row& r : rows)
      for (std::size_t c = 0; c < sim::kCauses; ++c)
        if ((c == kVector) != (&r == &rows[1])) r.causes[c] = 0;
    rows[1].cycles = waits;
    rows[0].cycles = rows[2].cycles = (cycles - waits) / 2;
  }

  const Transformer& t_;
  int tokens_, context_, head_, sequences_;  ///< tokens of a sequence
  const spec::Config& config_;
  const spec::Precision* weights_;  ///< of the following products
  int last_ = -1;
  int row_ = -1;  ///< of the following layers
  Network network_;
  std::vector<Row> rows_;
  /// The channels of a row's products, and how many of them are planned.
  struct Channels {
    int all = 1, walked = 1;
  };
  std::map<std::string, Channels> walked_;
};

}  // namespace

const std::vector<Transformer>& transformers() {
  static const std::vector<Transformer> all = [] {
    Transformer base{"bert-base", 12, 768, 12, 3072, 30522, 512, 2};
    base.pooler = true;
    Transformer large{"bert-large", 24, 1024, 16, 4096, 30522, 512, 2};
    large.pooler = true;
    const Transformer gpt2{"gpt-2", 12, 768, 12, 3072, 50257, 1024};
    const Transformer gpt3{"gpt-3", 96, 12288, 96, 49152, 50257, 2048};
    Transformer llama{"llama-7b", 32, 4096, 32, 11008, 32000};
    llama.biases = llama.input_biases = llama.tied = false;
    llama.gate = Gate::kSilu;
    Transformer llama2 = llama;
    llama2.name = "llama-2-7b";
    Transformer llama3{"llama-3.2-1b", 16, 2048, 32, 8192, 128256};
    llama3.biases = llama3.input_biases = false;
    llama3.gate = Gate::kSilu;
    llama3.key_heads = 8;
    Transformer qwen2{"qwen2-0.5b", 24, 896, 14, 4864, 151936};
    qwen2.biases = false;
    qwen2.gate = Gate::kSilu;
    qwen2.key_heads = 2;
    Transformer bitnet{"bitnet-2b", 30, 2560, 20, 6912, 128256};
    bitnet.biases = bitnet.input_biases = false;
    bitnet.gate = Gate::kSquaredRelu;
    bitnet.key_heads = 5;
    bitnet.inner_norms = true;
    bitnet.weights = "ternary";
    return std::vector<Transformer>{base, large, gpt2, gpt3, llama, llama2, llama3, qwen2, bitnet};
  }();
  return all;
}

namespace {

/// Returns a transformer of the sizes in "L=12,D=768,..".
Transformer of_sizes(const std::string& text) {
  Transformer t;
  t.name = text;
  t.tied = false;
  t.positions = 0;
  const std::map<std::string, int Transformer::*> sizes{
      {"L", &Transformer::layers},     {"D", &Transformer::width},
      {"H", &Transformer::heads},      {"FF", &Transformer::inner},
      {"C", &Transformer::vocabulary}, {"E", &Transformer::head_width},
      {"KV", &Transformer::key_heads}};
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) {
    const std::string key = word.substr(0, word.find('=')), value = word.substr(key.size());
    if (word == "gate=silu") {
      t.gate = Gate::kSilu;
      t.biases = t.input_biases = false;
      continue;
    }
    const auto size = sizes.find(key);
    constexpr int kMost = 1 << 20;
    if (size == sizes.end())
      throw_error("--table {}: {}: allowed L, D, H, FF, C, E, KV and gate=silu", text, word);
    int& number = t.*size->second;
    const auto end = value.data() + value.size();
    if (value.size() < 2 || std::from_chars(value.data() + 1, end, number).ptr != end ||
        number < 1 || number > kMost)
      throw_error("--table {}: {}: allowed whole numbers from 1 to {}", text, word, kMost);
  }
  for (const char* key : {"L", "D", "H", "FF", "C"})
    if (t.*sizes.at(key) == 0) throw_error("--table {}: {} is missing", text, key);
  if (t.head_width == 0 && t.width % t.heads != 0)
    throw_error("--table {}: D is not a multiple of H: E is needed", text);
  if (t.key_heads > 0 && t.heads % t.key_heads != 0)
    throw_error("--table {}: H is not a multiple of KV", text);
  if (t.head() % 4 != 0 || t.width % 4 != 0)
    throw_error("--table {}: channels of a head and of a token must be multiples of 4", text);
  return t;
}

}  // namespace

std::int64_t macs_by_rule(const Transformer& t, int tokens) {
  const std::int64_t M = tokens, D = t.width, EH = std::int64_t{t.heads} * t.head();
  return t.layers * (M * (5 * D * EH + 2 * D * t.inner) + 2 * M * M * EH) + M * t.vocabulary * D;
}

Transformer transformer(const std::string& name) {
  if (name.find('=') != std::string::npos) return of_sizes(name);
  const auto& all = transformers();
  const auto found = std::ranges::find(all, name, &Transformer::name);
  if (found != all.end()) return *found;
  std::vector<std::string> names;
  for (const Transformer& known : all) names.push_back(known.name);
  throw_error("no table '{}', allowed {}, or sizes: L=12,D=768,H=12,FF=3072,C=30522", name,
              fmt::join(names, ", "));
}

Estimate of_transformer(const Transformer& t, int tokens, int context, const spec::Config& config,
                        int sequences) {
  spec::check(config);
  if (!config.zero_points() || !config.has_softmax())
    throw_error("{}: products of two maps and softmax need matmul.enable and vector.softmax",
                t.name);
  return Shapes(t, tokens, context, config, sequences).run();
}

}  // namespace trine::estimate
