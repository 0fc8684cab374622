// SPDX-License-Identifier: Apache-2.0
//
// Evaluates ONNX's GRU, LSTM and RNN over whole sequences, in float32. Their sums lose nothing.

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "sw/base/error.h"
#include "sw/host/onnx/evaluation.h"

namespace trine::host::onnx {
namespace {

using Reals = std::vector<double>;

/// One of the node's `activations`.
struct Activation {
  double (*f)(double x, double alpha, double beta);
  double alpha, beta;

  double operator()(double x) const { return f(x, alpha, beta); }
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// Returns each function with the defaults of alpha and beta. NaN: the function does not use it.
const std::map<std::string, Activation>& activations() {
  static const double kNone = std::nan("");
  static const std::map<std::string, Activation> kAll = {
      {"Affine", {[](double x, double a, double b) { return a * x + b; }, 1, 0}},
      {"Elu", {[](double x, double a, double) { return x < 0 ? a * std::expm1(x) : x; }, 1, kNone}},
      {"HardSigmoid",
       {[](double x, double a, double b) { return std::clamp(a * x + b, 0.0, 1.0); }, 0.2f, 0.5}},
      {"LeakyRelu", {[](double x, double a, double) { return x < 0 ? a * x : x; }, 0.01f, kNone}},
      {"Relu", {[](double x, double, double) { return std::max(x, 0.0); }, kNone, kNone}},
      {"ScaledTanh", {[](double x, double a, double b) { return a * std::tanh(b * x); }, 1, 1}},
      {"Sigmoid", {[](double x, double, double) { return sigmoid(x); }, kNone, kNone}},
      {"Softplus",
       {[](double x, double, double) {
          return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
        },
        kNone, kNone}},
      {"Softsign", {[](double x, double, double) { return x / (1 + std::abs(x)); }, kNone, kNone}},
      {"Tanh", {[](double x, double, double) { return std::tanh(x); }, kNone, kNone}},
      {"ThresholdedRelu", {[](double x, double a, double) { return x > a ? x : 0; }, 1, kNone}},
  };
  return kAll;
}

/// Returns all activations of a node, in order. Each one that uses alpha or beta consumes an entry
/// of these lists.
std::vector<Activation> activations_of(const Node& node, std::size_t directions) {
  std::string names = node.text("activations", "");
  if (names.empty()) {
    const std::string once = node.type == "RNN"   ? "Tanh"
                             : node.type == "GRU" ? "Sigmoid,Tanh"
                                                  : "Sigmoid,Tanh,Tanh";
    names = directions == 2 ? once + "," + once : once;
  }
  const auto alphas = node.reals("activation_alpha"), betas = node.reals("activation_beta");
  auto alpha = alphas.begin(), beta = betas.begin();
  std::vector<Activation> result;
  std::istringstream stream(names);
  for (std::string name; std::getline(stream, name, ',');) {
    const auto found = activations().find(name);
    if (found == activations().end()) throw_error("activation '{}'", name);
    result.push_back(found->second);
    Activation& f = result.back();
    if (!std::isnan(f.alpha) && alpha != alphas.end()) f.alpha = double{*alpha++};
    if (!std::isnan(f.beta) && beta != betas.end()) f.beta = double{*beta++};
  }
  return result;
}

/// The weights of one direction, and the computation of a step.
struct Cell {
  std::string type;
  std::size_t hidden = 0, depth = 0, gates = 0;
  const double *w = nullptr, *r = nullptr;             ///< [gates * hidden, depth or hidden]
  const double *bias = nullptr, *peepholes = nullptr;  ///< [2 * gates * hidden], [3 * hidden]
  const Activation* f = nullptr;
  double clip = 0;
  bool linear_before_reset = false, input_forget = false;

  double clipped(double x) const { return clip > 0 ? std::clamp(x, -clip, clip) : x; }

  /// Returns a row of a gate times the input, plus the bias.
  double of_input(std::size_t gate, std::size_t j, const double* x) const {
    const std::size_t row = gate * hidden + j;
    double sum = bias != nullptr ? bias[row] : 0;
    for (std::size_t i = 0; i < depth; ++i) sum += w[row * depth + i] * x[i];
    return sum;
  }
  /// Returns a row of a gate times the state, plus its bias.
  double of_state(std::size_t gate, std::size_t j, const Reals& h) const {
    const std::size_t row = gate * hidden + j;
    double sum = bias != nullptr ? bias[gates * hidden + row] : 0;
    for (std::size_t i = 0; i < hidden; ++i) sum += r[row * hidden + i] * h[i];
    return sum;
  }
  double of_both(std::size_t gate, std::size_t j, const double* x, const Reals& h) const {
    return of_input(gate, j, x) + of_state(gate, j, h);
  }

  void step(const double* x, Reals* h, Reals* c) const {
    if (type == "RNN") return rnn(x, h);
    if (type == "GRU") return gru(x, h);
    lstm(x, h, c);
  }

  /// Computes h = f(W x + R h + b).
  void rnn(const double* x, Reals* h) const {
    Reals next(hidden);
    for (std::size_t j = 0; j < hidden; ++j) next[j] = rounded(f[0](clipped(of_both(0, j, x, *h))));
    *h = std::move(next);
  }

  /// Computes z, r: gates; h = (1 - z) g(...) + z h, with the reset before or after the product.
  void gru(const double* x, Reals* h) const {
    Reals z(hidden), reset(hidden), gated(hidden), next(hidden);
    for (std::size_t j = 0; j < hidden; ++j) {
      z[j] = rounded(f[0](clipped(of_both(0, j, x, *h))));
      reset[j] = rounded(f[0](clipped(of_both(1, j, x, *h))));
      gated[j] = rounded(reset[j] * (*h)[j]);
    }
    for (std::size_t j = 0; j < hidden; ++j) {
      const double of_h =
          linear_before_reset ? reset[j] * of_state(2, j, *h) : of_state(2, j, gated);
      const double g = rounded(f[1](clipped(of_input(2, j, x) + of_h)));
      next[j] = rounded((1 - z[j]) * g + z[j] * (*h)[j]);
    }
    *h = std::move(next);
  }

  /// Computes gates i, o, f and the candidate; c = f c + i g, h = o h(c). Peepholes read c.
  void lstm(const double* x, Reals* h, Reals* c) const {
    Reals next(hidden);
    for (std::size_t j = 0; j < hidden; ++j) {
      double& cell = (*c)[j];
      const auto gate = [&](std::size_t which, std::size_t peephole) {
        const double seen = peepholes != nullptr ? peepholes[peephole * hidden + j] * cell : 0;
        return rounded(f[0](clipped(of_both(which, j, x, *h) + seen)));
      };
      const double in = gate(0, 0);
      const double forget = input_forget ? 1 - in : gate(2, 2);
      cell = rounded(forget * cell + in * f[1](clipped(of_both(3, j, x, *h))));
      next[j] = rounded(gate(1, 1) * f[2](cell));
    }
    *h = std::move(next);
  }
};

}  // namespace

Constant Evaluation::recurrent() const {
  const std::size_t gates = node_.type == "RNN" ? 1 : node_.type == "GRU" ? 3 : 4;
  const bool cells = node_.type == "LSTM", batch_first = node_.integer("layout", 0) != 0;
  const Constant &x = in(0), &w = in(1), &r = in(2);
  if (x.rank() != 3 || w.rank() != 3 || r.rank() != 3)
    throw_error("operands of rank {}, {} and {}, allowed 3", x.rank(), w.rank(), r.rank());
  const std::string direction = node_.text("direction", "forward");
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional")
    throw_error("direction '{}'", direction);
  const int T = x.shape[batch_first ? 1 : 0], B = x.shape[batch_first ? 0 : 1], I = x.shape[2];
  const int D = direction == "bidirectional" ? 2 : 1, H = r.shape[2];
  const int rows = static_cast<int>(gates) * H;
  if (w.shape != std::vector<int>{D, rows, I} || r.shape != std::vector<int>{D, rows, H})
    throw_error("weights of {} and {} elements for {} inputs, {} states, {} directions",
                w.elements(), r.elements(), I, H, D);
  if (node_.integer("hidden_size", H) != H) throw_error("hidden_size other than {}", H);
  const auto require = [&](std::size_t position, std::int64_t elements) {
    if (has(position) && in(position).elements() != static_cast<std::size_t>(elements))
      throw_error("input {} has {} elements, allowed {}", position, in(position).elements(),
                  elements);
  };
  require(3, std::int64_t{2} * D * rows);
  require(4, B);
  require(5, std::int64_t{D} * B * H);
  require(6, std::int64_t{D} * B * H);
  require(7, std::int64_t{3} * D * H);
  const std::vector<Activation> f = activations_of(node_, static_cast<std::size_t>(D));
  const std::size_t each = node_.type == "RNN" ? 1 : node_.type == "GRU" ? 2 : 3;
  if (f.size() < each * static_cast<std::size_t>(D)) throw_error("{} activations", f.size());
  if (output_ > (cells ? 2u : 1u)) throw_error("output {}", output_);

  const bool whole = output_ == 0;
  Constant result = empty(DataType::kFloat32, whole && batch_first ? std::vector{B, T, D, H}
                                              : whole              ? std::vector{T, D, B, H}
                                              : batch_first        ? std::vector{B, D, H}
                                                                   : std::vector{D, B, H});
  const auto clip = double{node_.real("clip", 0)};
  const bool linear_before_reset = node_.integer("linear_before_reset", 0) != 0;
  const bool input_forget = node_.integer("input_forget", 0) != 0;
  if (shape_only_) return result;
  Constant work;
  work.values.resize(1);
  require_time(work, static_cast<std::size_t>(std::int64_t{T} * B * D * rows * (I + H)));

  /// Returns the index of the state of direction d and image b: [D, B, H], or [B, D, H].
  const auto state_at = [&](int d, int b) {
    return static_cast<std::size_t>((batch_first ? b * D + d : d * B + b) * H);
  };
  for (int d = 0; d < D; ++d) {
    Cell cell{node_.type, static_cast<std::size_t>(H), static_cast<std::size_t>(I), gates};
    cell.w = w.values.data() + d * rows * I;
    cell.r = r.values.data() + d * rows * H;
    if (has(3)) cell.bias = in(3).values.data() + 2 * d * rows;
    if (cells && has(7)) cell.peepholes = in(7).values.data() + 3 * d * H;
    cell.f = &f[each * static_cast<std::size_t>(d)];
    cell.clip = clip;
    cell.linear_before_reset = linear_before_reset;
    cell.input_forget = input_forget;
    const bool backwards = direction == "reverse" || d == 1;
    for (int b = 0; b < B; ++b) {
      const auto initial = [&](std::size_t position) {
        if (!has(position)) return Reals(static_cast<std::size_t>(H));
        const auto first =
            in(position).values.begin() + static_cast<std::ptrdiff_t>(state_at(d, b));
        return Reals(first, first + H);
      };
      Reals h = initial(5), c = cells ? initial(6) : Reals{};
      const int steps = has(4)
                            ? static_cast<int>(std::clamp(in(4).values[static_cast<std::size_t>(b)],
                                                          0.0, double{static_cast<float>(T)}))
                            : T;
      for (int i = 0; i < steps; ++i) {
        const int t = backwards ? steps - 1 - i : i;
        cell.step(x.values.data() + (batch_first ? b * T + t : t * B + b) * I, &h, &c);
        if (!whole) continue;
        const int at = batch_first ? (b * T + t) * D + d : (t * D + d) * B + b;
        std::copy(h.begin(), h.end(), result.values.begin() + static_cast<std::ptrdiff_t>(at) * H);
      }
      const Reals& last = output_ == 2 ? c : h;
      if (!whole)
        std::copy(last.begin(), last.end(),
                  result.values.begin() + static_cast<std::ptrdiff_t>(state_at(d, b)));
    }
  }
  return result;
}

}  // namespace trine::host::onnx
