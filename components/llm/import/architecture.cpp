// SPDX-License-Identifier: Apache-2.0

#include "components/llm/import/architecture.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <set>
#include <tuple>

#include "components/llm/quantize.h"
#include "sw/base/error.h"
#include "sw/base/index.h"
#include "sw/base/text.h"

namespace trine::llm {
namespace {

constexpr int kMostExtent = 1 << 20;  ///< of each dimension
constexpr int kMostLayers = 1024;

/// Reorders the rows of each head so that pairs are neighbours: row i of its first half, then of
/// its second half.
template <typename T>
std::vector<T> with_pairs(const std::vector<T>& rows, int head, int columns) {
  std::vector<T> result(rows.size());
  const auto width = static_cast<std::ptrdiff_t>(columns);
  const auto count = std::ssize(rows) / width;
  for (std::ptrdiff_t row = 0; row < count; ++row) {
    const std::ptrdiff_t in_head = row % head;
    const std::ptrdiff_t from = row - in_head + in_head / 2 + (in_head % 2) * (head / 2);
    std::copy_n(rows.begin() + from * width, width, result.begin() + row * width);
  }
  return result;
}

class Taker {
 public:
  Taker(const Architecture& a, const StoredTensors& tensors, const TensorNames& names)
      : a_(a), tensors_(tensors), names_(names) {}

  ImportedModel run(const std::function<bool(const std::string&)>& ignored) {
    ImportedModel m;
    m.family = a_.family;
    m.notes = a_.notes;
    Checkpoint& c = m.checkpoint;
    c.dims = a_.dims;
    c.form = a_.form;
    c.embedding = matrix(names_.embedding, a_.dims.vocabulary, a_.dims.dim);
    c.norm = norm(names_.norm, a_.dims.dim);
    c.classifier = classifier(c.embedding);
    for (float& v : c.embedding.data) v *= a_.embedding_scale;
    m.ternary = true;
    for (int i = 0; i < a_.dims.layers; ++i) {
      c.layers.push_back(layer(i));
      m.ternary = m.ternary && is_ternary(c.layers.back());
    }
    c.form.gamma_in_norms = m.ternary;
    finish(ignored);
    m.notes.push_back(encodings());
    return m;
  }

 private:
  static bool is_ternary(const Layer& l) {
    for (const Matrix* m : {&l.wq, &l.wk, &l.wv, &l.wo, &l.w1, &l.w2, &l.w3})
      for (int row = 0; row < m->rows; ++row)
        if (!llm::is_ternary({m->row(row), at(m->columns)})) return false;
    return true;
  }

  const StoredTensor* find(const std::string& name) {
    used_.insert(name);
    return tensors_.find(name);
  }

  const StoredTensor& require(const std::string& name) {
    const StoredTensor* t = find(name);
    if (t == nullptr) throw_error("{}: no tensor '{}'", a_.file, name);
    return *t;
  }

  static void require_shape(const std::string& name, const StoredTensor& t,
                            const std::vector<std::int64_t>& shape) {
    if (t.shape != shape)
      throw_error("{}: tensor '{}': shape {}, but the model's keys require {}", t.file, name,
                  shape_text(t.shape), shape_text(shape));
  }

  /// Returns the values of a tensor, which must not contain codes.
  std::vector<float> values(const std::string& name, const StoredTensor& t) {
    if (t.encoding->name == "U8" || t.encoding->name == "I8")
      throw_error("{}: tensor '{}': type {}, allowed for a {} model: F32, F16, BF16", t.file, name,
                  t.encoding->name, a_.family);
    return values_of(name, t);
  }

  std::vector<float> vector(const std::string& name, int count) {
    const StoredTensor& t = require(name);
    require_shape(name, t, {count});
    return values(name, t);
  }

  std::vector<float> norm(const std::string& name, int channels) {
    std::vector<float> gamma = vector(name + ".weight", channels);
    for (float& v : gamma) v += a_.norms_plus_one ? 1 : 0;
    return gamma;
  }

  Matrix matrix(const std::string& of, int rows, int columns) {
    const std::string name = of + ".weight";
    const StoredTensor& t = require(name);
    ++counts_[std::string(t.encoding->name)];
    require_shape(name, t, {rows, columns});
    return {rows, columns, values(name, t)};
  }

  /// Returns the matrix of a product of a block.
  Matrix product(const std::string& of, int rows, int columns) {
    if (a_.ternary == TernaryScale::kNone) return matrix(of, rows, columns);
    const StoredTensor& stored = require(of + ".weight");
    const bool packed = a_.packed && stored.encoding->name == "U8";
    Matrix m = packed ? unpacked(of + ".weight", stored, rows, columns) : matrix(of, rows, columns);
    if (a_.ternary == TernaryScale::kOfLatent)
      round(&m);
    else if (packed || find(of + names_.scale) != nullptr)
      scale(&m, of + names_.scale);
    return m;
  }

  Matrix unpacked(const std::string& name, const StoredTensor& t, int rows, int columns) {
    ++counts_["U8 of four codes"];
    if (rows % 4 != 0)
      throw_error("{}: tensor '{}': {} rows, allowed multiples of 4, which share a byte", t.file,
                  name, rows);
    require_shape(name, t, {rows / 4, columns});
    Matrix m{rows, columns, std::vector<float>(at(std::int64_t{rows} * columns))};
    for (std::size_t i = 0; i < m.data.size(); ++i) {
      const std::size_t quarter = i / t.bytes.size();
      const int code = t.bytes[i % t.bytes.size()] >> 2 * quarter & 3;
      if (code > 2)
        throw_error("{}: tensor '{}': code 3 at byte {}, allowed 0..2", t.file, name,
                    t.place + i % t.bytes.size());
      m.data[i] = static_cast<float>(code - 1);
    }
    return m;
  }

  void scale(Matrix* m, const std::string& name) {
    const StoredTensor& t = require(name);
    if (t.elements() != 1)
      throw_error("{}: tensor '{}': shape {}, allowed one value", t.file, name,
                  shape_text(t.shape));
    const float stored = values(name, t)[0];
    if (stored == 0) throw_error("{}: tensor '{}': scale 0, allowed other values", t.file, name);
    const float factor = a_.ternary == TernaryScale::kDivided ? 1 / stored : stored;
    for (float& v : m->data) v *= factor;
  }

  /// Rounds like the model's own layers before each product.
  static void round(Matrix* m) {
    double sum = 0;
    for (const float v : m->data) sum += std::abs(v);
    const float scale =
        1 / std::max(static_cast<float>(sum / static_cast<double>(m->data.size())), 1e-5f);
    for (float& v : m->data) v = std::clamp(std::nearbyint(v * scale), -1.f, 1.f) / scale;
  }

  Matrix classifier(const Matrix& embedding) {
    const std::string name = std::string(names_.classifier) + ".weight";
    const bool is_there = find(name) != nullptr;
    if (a_.tied || (a_.tied_if_absent && !is_there)) return embedding;
    return matrix(names_.classifier, a_.dims.vocabulary, a_.dims.dim);
  }

  std::vector<float> bias(const std::string& of, int rows, bool is_output) {
    const std::string name = of + ".bias";
    switch (a_.biases) {
      case Biases::kNone:
        return {};
      case Biases::kQueryKeyValue:
        return is_output ? std::vector<float>() : vector(name, rows);
      case Biases::kAllOfAttention:
        return vector(name, rows);
      default:
        return find(name) != nullptr ? vector(name, rows) : std::vector<float>();
    }
  }

  Layer layer(int i) {
    const Dimensions& d = a_.dims;
    const std::string prefix = fmt::format(fmt::runtime(names_.layer), i);
    const auto of = [&](const char* name) { return prefix + name; };
    Layer l;
    l.attention_norm = norm(of(names_.attention_norm), d.dim);
    l.feed_forward_norm = norm(of(names_.feed_forward_norm), d.dim);
    l.wq = product(of(names_.query), d.query_dim(), d.dim);
    l.wk = product(of(names_.key), d.kv_dim(), d.dim);
    l.wv = product(of(names_.value), d.kv_dim(), d.dim);
    l.wo = product(of(names_.output), d.dim, d.query_dim());
    l.w1 = product(of(names_.gate), d.hidden, d.dim);
    l.w2 = product(of(names_.down), d.dim, d.hidden);
    l.w3 = product(of(names_.up), d.hidden, d.dim);
    l.bq = bias(of(names_.query), d.query_dim(), false);
    l.bk = bias(of(names_.key), d.kv_dim(), false);
    l.bv = bias(of(names_.value), d.kv_dim(), false);
    l.bo = bias(of(names_.output), d.dim, true);
    if (a_.form.inner_norms) {
      l.attention_inner_norm = norm(of(names_.attention_inner_norm), d.query_dim());
      l.feed_forward_inner_norm = norm(of(names_.feed_forward_inner_norm), d.hidden);
    }
    if (a_.half_split) pair(&l);
    return l;
  }

  void pair(Layer* l) const {
    const int head = a_.dims.head();
    for (Matrix* m : {&l->wq, &l->wk}) m->data = with_pairs(m->data, head, m->columns);
    for (std::vector<float>* b : {&l->bq, &l->bk}) *b = with_pairs(*b, head, 1);
  }

  void finish(const std::function<bool(const std::string&)>& ignored) const {
    for (const auto& [name, tensor] : tensors_.all())
      if (!used_.contains(name) && !ignored(name))
        throw_error("{}: tensor '{}' is not part of a {} model with these keys", tensor.file,
                    printable(name), a_.family);
  }

  /// Returns "F16 in 14 matrices, Q6_K in 1".
  std::string encodings() const {
    std::string text;
    for (const auto& [name, count] : counts_)
      text += fmt::format("{}{} in {}", text.empty() ? "" : ", ", name, count);
    return fmt::format("a {} model, {} matrices", a_.family, text);
  }

  const Architecture& a_;
  const StoredTensors& tensors_;
  const TensorNames& names_;
  std::set<std::string> used_;
  std::map<std::string, int> counts_;
};

void check_memory(const Architecture& a) {
  const Dimensions& d = a.dims;
  const double layer =
      2.0 * d.query_dim() * d.dim + 2.0 * d.kv_dim() * d.dim + 3.0 * d.hidden * d.dim;
  const double floats = d.layers * layer + 2.0 * d.vocabulary * d.dim;
  const double memory =
      static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  if (5 * floats > memory)  // float32 and a code byte
    throw_error(
        "{}: needs {:.1f} GB as float32 with codes, but this computer has {:.1f} GB; trine "
        "estimate "
        "--table predicts models of this size",
        a.file, 5e-9 * floats, 1e-9 * memory);
}

}  // namespace

void check(const Architecture& a) {
  const Dimensions& d = a.dims;
  for (const auto& [name, value, most] :
       {std::tuple("channels", d.dim, kMostExtent),
        std::tuple("channels of the feed-forward", d.hidden, kMostExtent),
        std::tuple("layers", d.layers, kMostLayers), std::tuple("heads", d.heads, kMostExtent),
        std::tuple("heads of keys", d.kv_heads, kMostExtent),
        std::tuple("words", d.vocabulary, kMostExtent),
        std::tuple("positions", d.positions, kMostExtent)})
    if (value < 1 || value > most)
      throw_error("{}: {} {}, allowed 1..{}", a.file, value, name, most);
  if (d.head_channels == 0 && d.dim % d.heads != 0)
    throw_error("{}: {} channels are not a multiple of {} heads", a.file, d.dim, d.heads);
  if (d.head() < 2 || d.head() % 2 != 0 || std::int64_t{d.head()} * d.heads > kMostExtent)
    throw_error("{}: heads of {} channels, allowed even numbers", a.file, d.head());
  if (d.heads % d.kv_heads != 0)
    throw_error("{}: {} heads cannot share {} heads of keys", a.file, d.heads, d.kv_heads);
  if (!(a.form.rope.theta > 0) || !(a.form.epsilon >= 0 && a.form.epsilon < 1))
    throw_error("{}: theta {:g} and epsilon {:g}, allowed above 0 and 0..1", a.file,
                a.form.rope.theta, a.form.epsilon);
  for (const double f : a.form.rope.factors)
    if (!(f > 0) || !std::isfinite(f))
      throw_error("{}: a rotary factor of {:g}, allowed above 0", a.file, f);
  check_memory(a);
}

ImportedModel take_tensors(const Architecture& architecture, const StoredTensors& tensors,
                           const TensorNames& names,
                           const std::function<bool(const std::string&)>& ignored) {
  return Taker(architecture, tensors, names).run(ignored);
}

std::vector<double> linear_factors(int head, double factor) {
  return std::vector<double>(at(head / 2), factor);
}

/// Returns rotary factors: long waves are stretched by the factor, short ones are not, and those in
/// between by a mixture.
std::vector<double> llama3_factors(int head, double theta, const RopeScaling& s) {
  std::vector<double> factors;
  for (int i = 0; i < head; i += 2) {
    const double frequency = 1 / std::pow(theta, static_cast<double>(i) / head);
    const double turns = s.original * frequency / (2 * std::numbers::pi);
    const double share = std::clamp((turns - s.low) / (s.high - s.low), 0.0, 1.0);
    factors.push_back(1 / ((1 - share) / s.factor + share));
  }
  return factors;
}

}  // namespace trine::llm
