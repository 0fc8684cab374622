// SPDX-License-Identifier: Apache-2.0

#include "components/llm/quantize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <span>

#include "sw/base/error.h"
#include "sw/base/index.h"
#include "sw/model/graph/groups.h"

namespace trine::llm {
namespace {

using model::DataType;
using model::Graph;
using model::Op;
using model::OpKind;

/// Draws a token by its probability.
int draw(const std::vector<float>& logits, std::mt19937& random) {
  const float most = *std::max_element(logits.begin(), logits.end());
  std::vector<double> sums;
  double sum = 0;
  for (const float v : logits) sums.push_back(sum += std::exp(static_cast<double>(v - most)));
  const double wanted = sum * (static_cast<double>(random()) * 0x1p-32);
  const auto found = std::upper_bound(sums.begin(), sums.end(), wanted);
  return static_cast<int>(
      std::min<std::ptrdiff_t>(found - sums.begin(), static_cast<std::ptrdiff_t>(sums.size()) - 1));
}

int clamped(float code) {
  return static_cast<int>(std::clamp(std::nearbyint(code), -128.f, 127.f));
}

/// Returns the quantization of a symmetric range to -127..127: products of such codes need no
/// biases, and products of two such maps no sums of codes.
model::Quantization symmetric(const Range& r) {
  const float most = std::max(-r.low, r.high);
  return {{most > 0 ? most / 127 : 1}, {0}, 0};
}

std::int32_t sum_of(const Array& sums, std::size_t token) {
  std::int32_t sum = 0;
  std::memcpy(&sum, &sums.bytes[4 * token], sizeof sum);
  return sum;
}

/// Returns the quantization of a range: 256 codes from its low to its high end.
model::Quantization quantization_of(const Range& r) {
  const float span = r.high - r.low;
  const float scale = span > 0 ? span / 255 : 1;
  return {{scale}, {clamped(-128 - r.low / scale)}, 0};
}

}  // namespace

namespace {

/// Returns an observer that widens the ranges of all values that the model reports.
FloatModel::Observer widening(Ranges& ranges) {
  return [&ranges](const std::string& name, const std::vector<float>& values) {
    Range& r = ranges[name];
    for (const float v : values) {
      r.low = std::min(r.low, v);
      r.high = std::max(r.high, v);
    }
  };
}

}  // namespace

Ranges calibrate(const Checkpoint& checkpoint, int texts, int tokens, int begin,
                 const std::set<int>& ends) {
  Ranges ranges;
  FloatModel model(checkpoint, widening(ranges));
  for (int text = 0; text < texts; ++text) {
    std::mt19937 random{static_cast<std::uint32_t>(text + 1)};
    model.clear();
    int token = begin;
    for (int i = 0; i < std::min(tokens, checkpoint.dims.positions); ++i) {
      token = draw(model.step(token), random);
      if (ends.contains(token)) break;
    }
  }
  return ranges;
}

Ranges calibrate(const Checkpoint& checkpoint, const std::vector<int>& tokens) {
  Ranges ranges;
  FloatModel model(checkpoint, widening(ranges));
  for (const int token : tokens) model.step(token);
  return ranges;
}

// ---- weights ------------------------------------------------------------------------------------

namespace {

struct Format {
  WeightCodes codes;
  const char* name;
  model::Encoding encoding;
  int most;                ///< code
  int group;               ///< channels
  bool one_scale = false;  ///< of all rows
};
constexpr Format kFormats[] = {
    {WeightCodes::kInt8, "int8", model::Encoding::kInt8, 127, 0},
    {WeightCodes::kTernary, "ternary", model::Encoding::kTernary, 1, 0},
    {WeightCodes::kInt4, "int4", model::Encoding::kInt4, 7, 0},
    {WeightCodes::kInt4g32, "int4g32", model::Encoding::kInt4, 7, 32},
    {WeightCodes::kInt4g64, "int4g64", model::Encoding::kInt4, 7, 64},
    {WeightCodes::kInt4g128, "int4g128", model::Encoding::kInt4, 7, 128},
    {WeightCodes::kInt8m, "int8m", model::Encoding::kInt8, 127, 0, true},
};
const Format& format_of(WeightCodes codes) { return kFormats[static_cast<std::size_t>(codes)]; }

/// Returns the scale of a group of weights. For ternary codes it is their mean magnitude, unless
/// they are ternary already; otherwise the largest weight becomes the largest code.
float scale_of(std::span<const float> values, const Format& format) {
  float most = 0, sum = 0;
  for (const float v : values) {
    most = std::max(most, std::abs(v));
    sum += std::abs(v);
  }
  const bool mean = format.encoding == model::Encoding::kTernary && !is_ternary(values);
  const float wanted =
      mean ? sum / static_cast<float>(values.size()) : most / static_cast<float>(format.most);
  return wanted > 0 ? wanted : 1;
}

}  // namespace

const std::vector<std::string>& weight_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Format& f : kFormats) all.emplace_back(f.name);
    return all;
  }();
  return names;
}

bool is_ternary(std::span<const float> values) {
  float size = 0;
  for (const float v : values) size = std::max(size, std::abs(v));
  return std::ranges::all_of(values, [&](float v) { return v == 0 || std::abs(v) == size; });
}

WeightCodes weight_codes(const std::string& name) {
  return std::ranges::find(kFormats, name, &Format::name)->codes;
}

model::Encoding encoding_of(WeightCodes codes) { return format_of(codes).encoding; }
int group_of(WeightCodes codes) { return format_of(codes).group; }
bool has_one_scale(WeightCodes codes) { return format_of(codes).one_scale; }

void Weights::set_groups(int channels, const std::vector<float>& of_groups) {
  group = channels;
  const std::size_t parts = at(columns / channels);
  scales.clear();
  factors.clear();
  for (std::size_t row = 0; row < at(rows); ++row) {
    const auto of_row = std::span(of_groups).subspan(row * parts, parts);
    const auto weights = std::span(codes).subspan(row * at(columns), at(columns));
    const model::GroupFactors made = model::group_factors(weights, of_row, channels);
    scales.push_back(made.scale);
    factors.insert(factors.end(), made.factors.begin(), made.factors.end());
  }
}

Weights QuantizedModel::quantized(Matrix m, const std::vector<float>& factors, WeightCodes codes) {
  const Format& format = format_of(codes);
  const bool groups = format.group > 0 && m.columns % format.group == 0;
  const int together = groups ? format.group : m.columns;
  const auto limit = static_cast<float>(format.most);
  Weights w{m.rows, m.columns, {}, {}, format.encoding, 0, {}, {}};
  std::vector<float> scales;
  for (std::size_t i = 0; i < m.data.size() && !factors.empty(); ++i)
    m.data[i] *= factors[i % at(m.columns)];
  const float whole = format.one_scale ? scale_of(m.data, format) : 0;
  for (int i = 0; i < m.rows; ++i) {
    const float* row = m.data.data() + std::ptrdiff_t{i} * m.columns;
    for (int first = 0; first < m.columns; first += together) {
      const std::span<const float> values(row + first, at(together));
      const float scale = format.one_scale ? whole : scale_of(values, format);
      scales.push_back(scale);
      for (const float v : values)
        w.codes.push_back(
            static_cast<std::int8_t>(std::clamp(std::nearbyint(v / scale), -limit, limit)));
    }
  }
  if (groups)
    w.set_groups(together, scales);
  else
    w.scales = std::move(scales);
  return w;
}

QuantizedModel::QuantizedModel(const Checkpoint& checkpoint, const Ranges& ranges, int context,
                               WeightCodes codes)
    : dims_(checkpoint.dims), ranges_(ranges), form_(checkpoint.form), context_(context) {
  if (context < 1 || context > checkpoint.dims.positions)
    throw_error("context of {} tokens, the model allows 1..{}", context, checkpoint.dims.positions);
  const Matrix& m = checkpoint.embedding;
  Range& range = ranges_["embedding"];
  for (const float v : m.data) range = {std::min(range.low, v), std::max(range.high, v)};
  const model::Quantization q = symmetric(range);
  embedding_.rows = m.rows;
  embedding_.columns = m.columns;
  embedding_.scales = q.scale;
  for (const float v : m.data)
    embedding_.codes.push_back(
        static_cast<std::int8_t>(clamped(v / q.scale[0] + static_cast<float>(q.zero_point[0]))));
  classifier_ = quantized(checkpoint.classifier, checkpoint.norm);
  // Scores are products of query and key divided by the root of the head's channels.
  const float root = 1 / std::sqrt(static_cast<float>(checkpoint.dims.head()));
  for (const char* name : {"query", "rotated query"})
    for (int l = 0; l < checkpoint.dims.layers; ++l) {
      Range& r = ranges_[fmt::format("layer {} {}", l, name)];
      r = {r.low * root, r.high * root};
    }
  for (int l = 0; l < checkpoint.dims.layers; ++l)
    layers_.push_back(quantized(checkpoint, l, codes));
}

LayerWeights QuantizedModel::quantized(const Checkpoint& checkpoint, int layer,
                                       WeightCodes codes) const {
  const Layer& l = checkpoint.layers[at(layer)];
  const float root = 1 / std::sqrt(static_cast<float>(dims_.head()));
  const bool in_norms = form_.gamma_in_norms;
  const std::vector<float> none;
  const auto gamma = [&](const std::vector<float>& g) -> const auto& {
    return in_norms ? none : g;
  };
  const auto &first = gamma(l.attention_norm), &second = gamma(l.feed_forward_norm);
  const auto &third = gamma(l.attention_inner_norm), &fourth = gamma(l.feed_forward_inner_norm);
  std::vector<float> query = first, query_biases = l.bq;
  for (float& v : query) v *= root;
  for (float& v : query_biases) v *= root;
  LayerWeights w{quantized(l.wq, query, codes),  quantized(l.wk, first, codes),
                 quantized(l.wv, first, codes),  quantized(l.wo, third, codes),
                 quantized(l.w1, second, codes), quantized(l.w2, fourth, codes),
                 quantized(l.w3, second, codes)};
  const auto range = [&](const char* name) { return fmt::format("layer {} {}", layer, name); };
  const std::string in = in_norms ? range("attention norm") : "norm";
  for (float& s : w.wq.scales) s *= in_norms ? root : 1;
  w.wq.biases = quantized(query_biases, w.wq, in);
  w.wk.biases = quantized(l.bk, w.wk, in);
  w.wv.biases = quantized(l.bv, w.wv, in);
  const std::string inner = in_norms ? range("attention inner norm") : "norm";
  w.wo.biases = quantized(l.bo, w.wo, form_.inner_norms ? inner : range("attention"));
  if (in_norms) {
    w.attention_norm = l.attention_norm;
    w.feed_forward_norm = l.feed_forward_norm;
    w.attention_inner_norm = l.attention_inner_norm;
    w.feed_forward_inner_norm = l.feed_forward_inner_norm;
  }
  return w;
}

std::vector<std::int32_t> QuantizedModel::quantized(const std::vector<float>& biases,
                                                    const Weights& w,
                                                    const std::string& range) const {
  constexpr double kMost = 1 << 30;
  std::vector<std::int32_t> codes;
  const double scale = biases.empty() ? 1 : symmetric(ranges_.at(range)).scale[0];
  for (std::size_t i = 0; i < biases.size(); ++i) {
    const double code = std::nearbyint(static_cast<double>(biases[i]) / (scale * w.scales[i]));
    codes.push_back(static_cast<std::int32_t>(std::clamp(code, -kMost, kMost)));
  }
  return codes;
}

QuantizedModel::QuantizedModel(const Dimensions& dims, const Ranges& ranges, int context,
                               const BlockForm& form)
    : dims_(dims), ranges_(ranges), form_(form), context_(context) {}

Array QuantizedModel::embedding(const std::vector<int>& tokens) const {
  Array codes{"i1", {static_cast<int>(tokens.size()), embedding_.columns}, {}};
  for (const int token : tokens) {
    const auto first = embedding_.codes.begin() + std::ptrdiff_t{token} * embedding_.columns;
    codes.bytes.insert(codes.bytes.end(), first, first + embedding_.columns);
  }
  return codes;
}

std::vector<float> QuantizedModel::logits(const Array& sums) const {
  const float scale = symmetric(ranges_.at("norm")).scale[0];
  std::vector<float> result;
  for (std::size_t i = 0; i < classifier_.scales.size(); ++i)
    result.push_back(static_cast<float>(sum_of(sums, i)) * scale * classifier_.scales[i]);
  return result;
}

std::vector<std::int32_t> QuantizedModel::relative_scales() const {
  const auto& scales = classifier_.scales;
  const double most = *std::max_element(scales.begin(), scales.end());
  std::vector<std::int32_t> result;
  for (const float scale : scales)
    result.push_back(static_cast<std::int32_t>(
        std::nearbyint(scale / most * std::numeric_limits<std::int32_t>::max())));
  return result;
}

int QuantizedModel::most_likely(const Array& sums) const {
  const std::vector<std::int32_t> scales = relative_scales();
  std::size_t best = 0;
  std::int64_t most = std::numeric_limits<std::int64_t>::min();
  for (std::size_t i = 0; i < scales.size(); ++i) {
    const std::int64_t logit = std::int64_t{sum_of(sums, i)} * scales[i];
    if (logit > most) best = i;
    most = std::max(most, logit);
  }
  return static_cast<int>(best);
}

int norm_parts(int channels) {
  constexpr int kMostOfNorm = 4096;
  int parts = 1;
  while (channels / parts > kMostOfNorm || channels % parts != 0) ++parts;
  return parts;
}

// ---- graph --------------------------------------------------------------------------------------

class QuantizedModel::Builder {
 public:
  Builder(const QuantizedModel& m, int position, int count)
      : m_(m), d_(m.dims_), position_(position), count_(count), tokens_(position + count) {}

  Graph run() {
    int x = begin("token", "embedding");
    for (layer_ = 0; layer_ < d_.layers; ++layer_) x = block(x, m_.layers_[at(layer_)]);
    layer_ = -1;
    graph_.outputs.push_back(sums(norm_of_last(x), m_.classifier_));
    return with_states();
  }

  Graph run_block(const LayerWeights& w) {
    const int x = begin("layer", "embedding");
    layer_ = 0;
    graph_.outputs.push_back(block(x, w));
    return with_states();
  }

  Graph run_norm() {
    const int x = begin("norm", "embedding");
    graph_.outputs.push_back(norm_of_last(x));
    return std::move(graph_);
  }

  Graph run_classifier(const Weights& w) {
    const int x = begin("classifier", "norm");
    graph_.outputs.push_back(sums(x, w));
    return std::move(graph_);
  }

 private:
  /// @param range  the input's range, and its name
  int begin(const std::string& name, const std::string& range) {
    graph_.name = name;
    graph_.file = name;
    const int x = operand(range, {count_, d_.dim});
    graph_.inputs.push_back(x);
    for (int t = 0; t < count_; ++t) make_rotation(position_ + t);
    return x;
  }

  int norm_of_last(int x) {
    return norm(slice(x, "last", {count_ - 1, 0}, {count_, d_.dim}), "norm");
  }

  int block(int x, const LayerWeights& w) { return feed_forward(attention(x, w), w); }

  int sums(int y, const Weights& classifier) {
    const int to = add_tensor("sums", DataType::kInt32, {1, classifier.rows});
    return product(y, classifier, "classifier", to);
  }

  Graph with_states() {
    for (const model::State& s : graph_.states) {
      if (s.before >= 0) graph_.inputs.push_back(s.before);
      graph_.outputs.push_back(s.after);
    }
    return std::move(graph_);
  }

  // ---- tensors and operators ----

  std::string full_name(const std::string& name) const {
    return layer_ < 0 ? name : fmt::format("layer {} {}", layer_, name);
  }

  int add_tensor(const std::string& name, DataType type, std::vector<int> shape,
                 model::Quantization quantization = {}) {
    model::Tensor& t = graph_.tensors.emplace_back();
    t.name = full_name(name);
    t.type = type;
    t.shape = std::move(shape);
    t.quantization = std::move(quantization);
    return static_cast<int>(graph_.tensors.size()) - 1;
  }

  /// Adds an int8 tensor. @param range  the name of its range, if it is another one
  int activation(const std::string& name, std::vector<int> shape, const std::string& range = "") {
    return add_tensor(name, DataType::kInt8, std::move(shape),
                      quantization_of(m_.ranges_.at(range.empty() ? full_name(name) : range)));
  }

  /// Adds an operand of products.
  int operand(const std::string& name, std::vector<int> shape, const std::string& range = "") {
    return add_tensor(name, DataType::kInt8, std::move(shape),
                      symmetric(m_.ranges_.at(range.empty() ? full_name(name) : range)));
  }

  int like(int other, const std::string& name, std::vector<int> shape) {
    return add_tensor(name, DataType::kInt8, std::move(shape), graph_.tensor(other).quantization);
  }

  template <typename T>
  int constant(const std::string& name, DataType type, std::vector<int> shape,
               const std::vector<T>& values, model::Quantization quantization = {}) {
    const int t = add_tensor(name, type, std::move(shape), std::move(quantization));
    tensor(t).is_constant = true;
    tensor(t).data.edit().resize(values.size() * sizeof(T));
    std::memcpy(tensor(t).data.edit().data(), values.data(), tensor(t).data.size());
    return t;
  }

  int integers(const std::string& name, const std::vector<int>& values) {
    return constant(name, DataType::kInt32, {static_cast<int>(values.size())}, values);
  }

  model::Tensor& tensor(int t) { return graph_.tensors[at(t)]; }

  /// Adds an operator and returns it for setting attributes. @param output  its only output
  Op& add(OpKind kind, std::vector<int> inputs, int output) {
    const auto index = static_cast<int>(graph_.ops.size());
    return graph_.ops.emplace_back(model::op_of(kind, index, std::move(inputs), {output}));
  }

  int reshape(int from, const std::string& name, const std::vector<int>& shape) {
    const int t = like(from, name, shape);
    add(OpKind::kReshape, {from, integers(name + " shape", shape)}, t).new_shape = shape;
    return t;
  }

  int slice(int from, const std::string& name, const std::vector<int>& begin,
            const std::vector<int>& end) {
    std::vector<int> shape = end;
    for (std::size_t i = 0; i < shape.size(); ++i) shape[i] -= begin[i];
    if (shape == graph_.tensor(from).shape) return from;
    const int to = like(from, name, shape);
    add(OpKind::kStridedSlice,
        {from, integers(name + " begin", begin), integers(name + " end", end),
         integers(name + " strides", std::vector<int>(begin.size(), 1))},
        to);
    return to;
  }

  int first_rows(int from, const std::string& name, int count) {
    return slice(from, name, {0, 0}, {count, graph_.tensor(from).extent(1)});
  }

  int transpose(int from, const std::string& name, const std::vector<int>& axes) {
    std::vector<int> shape;
    for (const int axis : axes) shape.push_back(graph_.tensor(from).extent(axis));
    const int t = like(from, name, shape);
    add(OpKind::kTranspose, {from, integers(name + " axes", axes)}, t);
    return t;
  }

  int product(int x, const Weights& w, const std::string& name, int to) {
    const int weights = constant(name + " weights", DataType::kInt8, {w.rows, w.columns}, w.codes,
                                 {w.scales, std::vector<std::int64_t>(w.scales.size()), 0});
    tensor(weights).encoding = w.encoding;
    std::vector<int> inputs{x, weights, -1};
    if (!w.biases.empty())
      inputs[2] = constant(name + " biases", DataType::kInt32, {w.rows}, w.biases);
    if (w.group > 0)
      inputs.push_back(
          constant(name + " factors", DataType::kInt16, {w.rows, w.columns / w.group}, w.factors));
    Op& op = add(OpKind::kFullyConnected, std::move(inputs), to);
    op.half_even = w.group > 0;
    op.block = std::max(w.group, 1);
    return to;
  }

  int product(int x, const Weights& w, const std::string& name) {
    return product(x, w, name, activation(name, {count_, w.rows}));
  }

  /// Adds a product that is an operand of another one.
  int inner_product(int x, const Weights& w, const std::string& name) {
    return product(x, w, name, operand(name, {count_, w.rows}));
  }

  /// Adds codes of a share of 1: of a softmax or a sigmoid.
  int share(OpKind kind, int x, const std::string& name) {
    const int to =
        add_tensor(name, DataType::kInt8, graph_.tensor(x).shape, {{1 / 256.f}, {-128}, 0});
    add(kind, {x}, to);
    return to;
  }

  int sum(int a, int b, const std::string& name) {
    const int to = operand(name, {count_, d_.dim});
    add(OpKind::kAdd, {a, b}, to);
    return to;
  }

  /// Adds a norm. Without `own`, gamma is part of the weights that read the norm, so that such
  /// norms share parameters.
  int norm(int x, const std::string& name, const std::vector<float>& own = {}) {
    const int to = operand(name, graph_.tensor(x).shape, own.empty() ? "norm" : full_name(name));
    const int channels = graph_.tensor(x).extent(-1);
    const std::vector<float> gammas = own.empty() ? std::vector<float>(at(channels), 1) : own;
    const int gamma = constant(name + " gamma", DataType::kFloat32, {channels}, gammas);
    Op& op = add(OpKind::kNormalization, {x, gamma}, to);
    op.name = "RMS_NORM";
    op.center = false;
    op.epsilon = m_.form_.epsilon;
    return to;
  }

  /// Adds several norms of equal size, for more channels than an operator supports.
  int norm_in_parts(int x, const std::string& name, const std::vector<float>& own) {
    const int channels = graph_.tensor(x).extent(-1);
    const int parts = norm_parts(channels);
    if (parts == 1) return norm(x, name, own);
    if (!own.empty())
      throw_error("{}: {} channels with a gamma, allowed 1..{}", name, channels, channels / parts);
    const int rows = reshape(x, name + " rows", {parts * count_, channels / parts});
    return reshape(norm(rows, name), name + " whole", {count_, channels});
  }

  // ---- attention ----

  /// Makes the weights of a rotation: for each head, the pairs of channels rotated by the
  /// position's angles.
  void make_rotation(int position) {
    const Rotation r = rotation(position, d_.head(), m_.form_.rope);
    const auto code = [](float v) { return static_cast<std::int8_t>(clamped(v * 127)); };
    for (int c = 0; c < d_.head(); ++c) {
      std::vector<std::int8_t> row(at(d_.head()));
      const std::size_t pair = at(c / 2), even = 2 * pair;
      row[even] = code(c % 2 == 0 ? r.cosine[pair] : r.sine[pair]);
      row[even + 1] = code(c % 2 == 0 ? -r.sine[pair] : r.cosine[pair]);
      rotation_.insert(rotation_.end(), row.begin(), row.end());
    }
  }

  /// Rotates the channels of each head. @return [heads, head], with several tokens [tokens, heads,
  /// head]
  int rotated(int x, const std::string& name, int heads) {
    const int head = d_.head();
    const bool one = count_ == 1;
    const std::vector<int> shape =
        one ? std::vector<int>{heads, head} : std::vector<int>{count_, heads, head};
    const int rows = reshape(x, name + " rows", shape);
    const int angles =
        constant(name + " angles", DataType::kInt8,
                 one ? std::vector<int>{head, head} : std::vector<int>{count_, head, head},
                 rotation_, {{1 / 127.f}, {0}, 0});
    const int to = operand(name, shape);
    if (one)
      add(OpKind::kFullyConnected, {rows, angles, -1}, to);
    else
      add(OpKind::kBatchMatMul, {rows, angles}, to).adjoint_b = true;
    return to;
  }

  /// Appends `row` to the state's previous contents.
  int appended(int row, const std::string& name) {
    const int channels = d_.kv_dim();
    model::State state;
    state.capacity = m_.context_;
    std::vector<int> parts;
    if (position_ > 0) {
      state.before = like(row, name + " before", {position_, channels});
      parts.push_back(state.before);
    }
    parts.push_back(row);
    state.after = like(row, name, {tokens_, channels});
    add(OpKind::kConcatenation, parts, state.after);
    graph_.states.push_back(state);
    return state.after;
  }

  /// Reshapes [tokens, kv_dim] to [kv_heads, tokens, head].
  int by_head(int rows, const std::string& name) {
    const int tokens = graph_.tensor(rows).extent(0);
    const int split = reshape(rows, name + " apart", {tokens, d_.kv_heads, d_.head()});
    return transpose(split, name + " by head", {1, 0, 2});
  }

  int attention(int x, const LayerWeights& w) {
    const int head = d_.head(), kv = d_.kv_heads, shared = d_.heads / d_.kv_heads;
    const int y = norm(x, "attention norm", w.attention_norm);
    const int key = rotated(inner_product(y, w.wk, "key"), "rotated key", kv);
    const int keys = appended(reshape(key, "key row", {count_, d_.kv_dim()}), "keys");
    const int value = inner_product(y, w.wv, "value");
    const int values = appended(value, "values");
    const int query = rotated(inner_product(y, w.wq, "query"), "rotated query", d_.heads);

    // The scores of all tokens are computed together; each token has shares for the tokens up to
    // itself. While its shares are mixed, the next token's softmax runs.
    const int scores = scores_of(query, keys);
    std::vector<int> shares, mixed;
    const auto mix = [&](int t) {
      const int seen = first_rows(values, of_token(t, "values"), position_ + t + 1);
      mixed.push_back(operand(of_token(t, "mixed"), {kv, shared, head}, full_name("attention")));
      add(OpKind::kBatchMatMul, {shares[at(t)], by_head(seen, of_token(t, "values"))},
          mixed.back());
    };
    for (int t = 0; t < count_; ++t) {
      shares.push_back(shares_of(scores, t));
      if (t > 0) mix(t - 1);
    }
    mix(count_ - 1);
    int attention = reshape(joined(mixed), "attention", {count_, d_.query_dim()});
    if (m_.form_.inner_norms)
      attention = norm(attention, "attention inner norm", w.attention_inner_norm);
    return sum(product(attention, w.wo, "attention output"), x, "attention sum");
  }

  /// Returns the name of a tensor that exists once per token.
  std::string of_token(int t, const std::string& name) const {
    return count_ == 1 ? name : fmt::format("token {} {}", t, name);
  }

  /// Returns [1, kv_heads, tokens and heads that share keys, tokens seen by the last one]; with one
  /// token without the 1.
  int scores_of(int query, int keys) {
    const int head = d_.head(), kv = d_.kv_heads, shared = d_.heads / d_.kv_heads;
    std::vector<int> shape{kv, count_ * shared, head};
    if (count_ > 1) {
      query = reshape(query, "queries split", {1, count_, kv, shared, head});
      query = transpose(query, "queries by head", {0, 2, 1, 3, 4});
      shape.insert(shape.begin(), 1);
    }
    const int queries = reshape(query, "queries", shape);
    shape.back() = tokens_;
    const int scores = activation("scores", shape, "scores");
    add(OpKind::kBatchMatMul, {queries, by_head(keys, "keys")}, scores).adjoint_b = true;
    return scores;
  }

  /// Returns [kv_heads, heads that share keys, tokens up to the t-th of these].
  int shares_of(int scores, int t) {
    if (count_ == 1) return share(OpKind::kSoftmax, scores, "shares");
    const int kv = d_.kv_heads, shared = d_.heads / d_.kv_heads, seen = position_ + t + 1;
    const int own = slice(scores, of_token(t, "scores"), {0, 0, t * shared, 0},
                          {1, kv, (t + 1) * shared, seen});
    const int shares = share(OpKind::kSoftmax, own, of_token(t, "shares"));
    return reshape(shares, of_token(t, "shares by head"), {kv, shared, seen});
  }

  /// Joins maps one after the other.
  int joined(const std::vector<int>& parts) {
    if (parts.size() == 1) return parts[0];
    std::vector<int> shape = graph_.tensor(parts[0]).shape;
    shape[0] *= static_cast<int>(parts.size());
    const int all = like(parts[0], "mixed", shape);
    add(OpKind::kConcatenation, parts, all).axis = 0;
    return all;
  }

  int feed_forward(int x, const LayerWeights& w) {
    const int y = norm(x, "feed-forward norm", w.feed_forward_norm);
    const int gate = m_.form_.squared_relu ? squared(y, w) : silu(y, w);
    const int up = product(y, w.w3, "up");
    int gated = operand("gated", {count_, d_.hidden});
    add(OpKind::kMul, {gate, up}, gated);
    if (m_.form_.inner_norms)
      gated = norm_in_parts(gated, "feed-forward inner norm", w.feed_forward_inner_norm);
    return sum(product(gated, w.w2, "feed-forward output"), x, "feed-forward sum");
  }

  int silu(int y, const LayerWeights& w) {
    // All layers share both ranges of SILU, and so its table.
    const int gate = product(y, w.w1, "gate", activation("gate", {count_, d_.hidden}, "gate"));
    if (m_.form_.gelu) {
      const int gelu = activation("gelu", {count_, d_.hidden}, "silu");
      add(OpKind::kGelu, {gate}, gelu).approximate = true;
      return gelu;
    }
    const int opened = share(OpKind::kLogistic, gate, "gate sigmoid");
    const int silu = activation("silu", {count_, d_.hidden}, "silu");
    add(OpKind::kMul, {gate, opened}, silu);
    return silu;
  }

  int squared(int y, const LayerWeights& w) {
    const int gate = product(y, w.w1, "gate", operand("gate", {count_, d_.hidden}, "gate"));
    graph_.ops.back().activation = model::Activation::kRelu;
    const int square = operand("squared", {count_, d_.hidden}, "squared");
    add(OpKind::kMul, {gate, gate}, square);
    return square;
  }

  const QuantizedModel& m_;
  const Dimensions& d_;
  int position_, count_;  ///< of the first token, and how many
  int tokens_;            ///< that the last one sees, including itself
  int layer_ = -1;
  std::vector<std::int8_t> rotation_;  ///< [tokens][head][head]
  Graph graph_;
};

Graph QuantizedModel::step_graph(int position, int count) const {
  return Builder(*this, position, count).run();
}

Graph QuantizedModel::block_graph(const LayerWeights& weights, int position, int count) const {
  return Builder(*this, position, count).run_block(weights);
}

Graph QuantizedModel::norm_graph(int count) const { return Builder(*this, 0, count).run_norm(); }

Graph QuantizedModel::classifier_graph(const Weights& rows) const {
  return Builder(*this, 0, 1).run_classifier(rows);
}

}  // namespace trine::llm
