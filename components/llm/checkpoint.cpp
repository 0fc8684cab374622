// SPDX-License-Identifier: Apache-2.0

#include "components/llm/checkpoint.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/index.h"
#include "sw/model/import/formats.h"

namespace trine::llm {
namespace {

constexpr std::size_t kHeaderBytes = 28;
constexpr int kMost = 1 << 20;  ///< of each dimension

/// Reads arrays from a file's bytes, in order.
class Reader {
 public:
  Reader(const std::vector<std::uint8_t>& bytes, const std::string& file)
      : bytes_(bytes), file_(file), at_(kHeaderBytes) {}

  /// Checks the size before memory is allocated.
  void require(std::int64_t count) const {
    if ((bytes_.size() - at_) / sizeof(float) < static_cast<std::size_t>(count))
      throw_error("{}: ends at byte {}, but its header describes more", file_, bytes_.size());
  }

  std::vector<float> take(std::int64_t count) {
    require(count);
    std::vector<float> values(static_cast<std::size_t>(count));
    std::memcpy(values.data(), bytes_.data() + at_, values.size() * sizeof(float));
    for (const float v : values) {
      if (!std::isfinite(v)) throw_error("{}: the value at byte {} is not finite", file_, at_);
      at_ += sizeof v;
    }
    return values;
  }

  Matrix matrix(int rows, int columns) {
    return {rows, columns, take(std::int64_t{rows} * columns)};
  }

  void end() const {
    if (at_ != bytes_.size())
      throw_error("{}: {} bytes, but its header describes {}", file_, bytes_.size(), at_);
  }

 private:
  const std::vector<std::uint8_t>& bytes_;
  const std::string& file_;
  std::size_t at_;
};

Dimensions dimensions(const std::int32_t (&header)[7], const std::string& file) {
  const char* names[] = {"dim", "hidden", "layers", "heads", "kv_heads", "vocabulary", "positions"};
  for (std::size_t i = 0; i < 7; ++i) {
    const std::int64_t value = i == 5 ? std::abs(std::int64_t{header[i]}) : header[i];
    if (value < 1 || value > kMost)
      throw_error("{}: {} is {}, allowed 1..{}", file, names[i], header[i], kMost);
  }
  const Dimensions d{header[0], header[1],           header[2], header[3],
                     header[4], std::abs(header[5]), header[6]};
  if (d.dim % d.heads != 0 || d.head() % 2 != 0)
    throw_error("{}: dim {} does not give {} heads an even number of channels", file, d.dim,
                d.heads);
  if (d.heads % d.kv_heads != 0)
    throw_error("{}: {} heads cannot share {} kv_heads", file, d.heads, d.kv_heads);
  return d;
}

using Vector = std::vector<float>;

/// Scores this far below a head's largest have no weight (e^-16).
constexpr float kLeastScore = 16;

Vector product(const Matrix& m, const Vector& x) {
  Vector y(at(m.rows));
  for (int i = 0; i < m.rows; ++i) {
    const float* row = m.row(i);
    float sum = 0;
    for (std::size_t k = 0; k < x.size(); ++k) sum += row[k] * x[k];
    y[at(i)] = sum;
  }
  return y;
}

Vector product(const Matrix& m, const Vector& x, const Vector& biases) {
  Vector y = product(m, x);
  for (std::size_t i = 0; i < biases.size(); ++i) y[i] += biases[i];
  return y;
}

Vector rms_norm(const Vector& x, float epsilon) {
  float sum = 0;
  for (const float v : x) sum += v * v;
  const float factor = 1 / std::sqrt(sum / static_cast<float>(x.size()) + epsilon);
  Vector y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = factor * x[i];
  return y;
}

void multiply(Vector& x, const Vector& y) {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] *= y[i];
}

void add(Vector& x, const Vector& y) {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
}

/// Rotates each pair of channels by its angle.
void rotate(Vector& x, const Rotation& r) {
  for (std::size_t i = 0; i < x.size(); i += 2) {
    const float c = r.cosine[i / 2 % r.cosine.size()], s = r.sine[i / 2 % r.sine.size()];
    const float a = x[i], b = x[i + 1];
    x[i] = a * c - b * s;
    x[i + 1] = a * s + b * c;
  }
}

}  // namespace

std::int64_t Checkpoint::parameters() const {
  std::int64_t count = std::int64_t{embedding.rows} * embedding.columns + dims.dim;
  for (const Layer& l : layers) {
    for (const Matrix* m : {&l.wq, &l.wk, &l.wv, &l.wo, &l.w1, &l.w2, &l.w3})
      count += std::int64_t{m->rows} * m->columns;
    for (const auto* v : {&l.attention_norm, &l.feed_forward_norm, &l.attention_inner_norm,
                          &l.feed_forward_inner_norm, &l.bq, &l.bk, &l.bv, &l.bo})
      count += std::ssize(*v);
  }
  return count;
}

Checkpoint parse_checkpoint(const std::vector<std::uint8_t>& bytes, const std::string& file) {
  if (const model::Format* other = model::format_of(bytes))
    throw_error(
        "{}: {}, allowed a checkpoint of llama2.c (its export.py --version 0 writes one), GGUF, "
        "a Hugging Face folder",
        file, other->name);
  std::int32_t header[7];
  if (bytes.size() < kHeaderBytes)
    throw_error("{}: {} bytes are not a llama2.c checkpoint", file, bytes.size());
  std::memcpy(header, bytes.data(), kHeaderBytes);
  Checkpoint c;
  c.dims = dimensions(header, file);
  const Dimensions& d = c.dims;
  Reader reader(bytes, file);
  c.embedding = reader.matrix(d.vocabulary, d.dim);
  // Arrays of all layers follow each other, so a layer count beyond the file's size fails at the
  // first array.
  reader.require(std::int64_t{d.layers} * d.dim);
  c.layers.resize(at(d.layers));
  const auto norms = [&](std::vector<float> Layer::*member) {
    for (Layer& l : c.layers) l.*member = reader.take(d.dim);
  };
  const auto matrices = [&](Matrix Layer::*member, int rows, int columns) {
    for (Layer& l : c.layers) l.*member = reader.matrix(rows, columns);
  };
  norms(&Layer::attention_norm);
  matrices(&Layer::wq, d.dim, d.dim);
  matrices(&Layer::wk, d.kv_dim(), d.dim);
  matrices(&Layer::wv, d.kv_dim(), d.dim);
  matrices(&Layer::wo, d.dim, d.dim);
  norms(&Layer::feed_forward_norm);
  matrices(&Layer::w1, d.hidden, d.dim);
  matrices(&Layer::w2, d.dim, d.hidden);
  matrices(&Layer::w3, d.hidden, d.dim);
  c.norm = reader.take(d.dim);
  reader.take(std::int64_t{d.positions} * d.head());  // rotary tables
  c.classifier = header[5] > 0 ? c.embedding : reader.matrix(d.vocabulary, d.dim);
  reader.end();
  return c;
}

Checkpoint read_checkpoint(const std::filesystem::path& path) {
  return parse_checkpoint(read_file(path), path.string());
}

Rotation rotation(int position, int head, const Rope& rope) {
  Rotation r;
  for (int i = 0; i < head; i += 2) {
    const double factor = rope.factors.empty() ? 1 : rope.factors[at(i / 2)];
    const double angle = position / (std::pow(rope.theta, static_cast<double>(i) / head) * factor);
    r.cosine.push_back(static_cast<float>(std::cos(angle)));
    r.sine.push_back(static_cast<float>(std::sin(angle)));
  }
  return r;
}

FloatModel::FloatModel(const Checkpoint& checkpoint, Observer observer)
    : model_(checkpoint), observer_(std::move(observer)) {
  clear();
}

void FloatModel::clear() {
  position_ = 0;
  keys_.assign(model_.layers.size(), {});
  values_.assign(model_.layers.size(), {});
}

void FloatModel::observe(int layer, const char* name, const Vector& values) const {
  if (observer_) observer_(layer < 0 ? name : fmt::format("layer {} {}", layer, name), values);
}

/// Returns the values weighted by the softmax of the query's products with all keys. @return [dim]
Vector FloatModel::attend(int layer, const Vector& query) const {
  const std::size_t head = at(model_.dims.head()), kv_dim = at(model_.dims.kv_dim());
  const std::size_t shared = at(model_.dims.heads / model_.dims.kv_heads);
  const Vector &keys = keys_[at(layer)], &values = values_[at(layer)];
  const std::size_t tokens = keys.size() / kv_dim;
  Vector result(query.size()), all_scores;
  for (std::size_t h = 0; h * head < query.size(); ++h) {
    const std::size_t first = h / shared * head;
    Vector scores(tokens);
    for (std::size_t t = 0; t < tokens; ++t) {
      for (std::size_t c = 0; c < head; ++c)
        scores[t] += query[h * head + c] * keys[t * kv_dim + first + c];
      scores[t] /= std::sqrt(static_cast<float>(head));
    }
    const float most = *std::max_element(scores.begin(), scores.end());
    for (const float s : scores) all_scores.push_back(std::max(s, most - kLeastScore));
    float sum = 0;
    for (float& s : scores) sum += s = std::exp(s - most);
    for (std::size_t t = 0; t < tokens; ++t)
      for (std::size_t c = 0; c < head; ++c)
        result[h * head + c] += scores[t] / sum * values[t * kv_dim + first + c];
  }
  observe(-1, "scores", all_scores);
  return result;
}

Vector FloatModel::norm(const Vector& x, const Vector& gamma, int layer, const char* name) const {
  Vector y = rms_norm(x, model_.form.epsilon);
  const bool whole = model_.form.gamma_in_norms && layer >= 0;
  if (!whole) observe(-1, "norm", y);
  multiply(y, gamma);
  if (whole) observe(layer, name, y);
  return y;
}

/// Applies SILU, GELU or the square of ReLU.
Vector FloatModel::gate(Vector x) const {
  if (model_.form.squared_relu) {
    for (float& v : x) v = std::max(v, 0.f);
    observe(-1, "gate", x);
    for (float& v : x) v *= v;
    observe(-1, "squared", x);
    return x;
  }
  observe(-1, "gate", x);
  constexpr float kRoot = 0.7978845608f;  // of 2 / pi
  for (float& v : x)
    v *= model_.form.gelu ? 0.5f * (1 + std::tanh(kRoot * (v + 0.044715f * v * v * v)))
                          : 1 / (1 + std::exp(-v));
  observe(-1, "silu", x);
  return x;
}

Vector FloatModel::step(int token) {
  const Dimensions& d = model_.dims;
  const float* row = model_.embedding.row(token);
  Vector x(row, row + d.dim);
  observe(-1, "embedding", x);
  const Rotation angles = rotation(position_++, d.head(), model_.form.rope);
  for (int i = 0; i < d.layers; ++i) {
    const Layer& l = model_.layers[at(i)];
    const auto seen = [&](const char* name, Vector values) {
      observe(i, name, values);
      return values;
    };
    const Vector y = norm(x, l.attention_norm, i, "attention norm");
    Vector query = seen("query", product(l.wq, y, l.bq));
    Vector key = seen("key", product(l.wk, y, l.bk));
    const Vector value = seen("value", product(l.wv, y, l.bv));
    rotate(query, angles);
    rotate(key, angles);
    observe(i, "rotated query", query);
    observe(i, "rotated key", key);
    keys_[at(i)].insert(keys_[at(i)].end(), key.begin(), key.end());
    values_[at(i)].insert(values_[at(i)].end(), value.begin(), value.end());
    Vector attention = seen("attention", attend(i, query));
    if (model_.form.inner_norms)
      attention = norm(attention, l.attention_inner_norm, i, "attention inner norm");
    add(x, seen("attention output", product(l.wo, attention, l.bo)));
    observe(i, "attention sum", x);
    const Vector z = norm(x, l.feed_forward_norm, i, "feed-forward norm");
    const Vector up = seen("up", product(l.w3, z));
    Vector gated = gate(product(l.w1, z));
    multiply(gated, up);
    observe(i, "gated", gated);
    if (model_.form.inner_norms)
      gated = norm(gated, l.feed_forward_inner_norm, i, "feed-forward inner norm");
    add(x, seen("feed-forward output", product(l.w2, gated)));
    observe(i, "feed-forward sum", x);
  }
  return product(model_.classifier, norm(x, model_.norm));
}

}  // namespace trine::llm
