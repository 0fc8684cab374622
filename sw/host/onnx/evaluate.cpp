// SPDX-License-Identifier: Apache-2.0

#include "sw/host/onnx/evaluate.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <optional>

#include "sw/base/error.h"
#include "sw/host/onnx/evaluation.h"
#include "sw/host/onnx/node/operands.h"
#include "sw/model/graph/elements.h"
#include "sw/model/graph/shapes.h"

namespace trine::host::onnx {
namespace {

using model::broadcast_shape, model::type_named, model::with_type;

// ---- One element --------------------------------------------------------------------------------

float sigmoid(float x) { return 1.0f / (1.0f + std::exp(-x)); }
float softplus(float x) { return std::max(x, 0.0f) + std::log1p(std::exp(-std::abs(x))); }
float clamp01(float x) { return std::min(std::max(x, 0.0f), 1.0f); }

float gelu(float x, const Node& node) {
  if (node.text("approximate", "none") == "tanh")
    return 0.5f * x * (1 + std::tanh(0.7978845608f * (x + 0.044715f * x * x * x)));
  return 0.5f * x * (1 + std::erf(x * 0.7071067812f));
}

float selu(float x, const Node& node) {
  const float alpha = node.real("alpha", 1.67326319f), gamma = node.real("gamma", 1.05070102f);
  return gamma * (x > 0 ? x : alpha * std::exp(x) - alpha);
}

float celu(float x, const Node& node) {
  const float alpha = node.real("alpha", 1.0f);
  return std::max(0.0f, x) + std::min(0.0f, alpha * std::expm1(x / alpha));
}

float shrink(float x, const Node& node) {
  const float bias = node.real("bias", 0.0f), limit = node.real("lambd", 0.5f);
  return x < -limit ? x + bias : x > limit ? x - bias : 0.0f;
}

using Unary = float (*)(float, const Node&);

const std::map<std::string, Unary>& unaries() {
  static const std::map<std::string, Unary> kAll = {
      {"Abs", [](float x, const Node&) { return std::abs(x); }},
      {"Acos", [](float x, const Node&) { return std::acos(x); }},
      {"Acosh", [](float x, const Node&) { return std::acosh(x); }},
      {"Asin", [](float x, const Node&) { return std::asin(x); }},
      {"Asinh", [](float x, const Node&) { return std::asinh(x); }},
      {"Atan", [](float x, const Node&) { return std::atan(x); }},
      {"Atanh", [](float x, const Node&) { return std::atanh(x); }},
      {"Ceil", [](float x, const Node&) { return std::ceil(x); }},
      {"Celu", celu},
      {"Cos", [](float x, const Node&) { return std::cos(x); }},
      {"Cosh", [](float x, const Node&) { return std::cosh(x); }},
      {"Elu",
       [](float x, const Node& n) { return x < 0 ? n.real("alpha", 1) * std::expm1(x) : x; }},
      {"Erf", [](float x, const Node&) { return std::erf(x); }},
      {"Exp", [](float x, const Node&) { return std::exp(x); }},
      {"Floor", [](float x, const Node&) { return std::floor(x); }},
      {"Gelu", gelu},
      {"HardSigmoid",
       [](float x, const Node& n) {
         return clamp01(n.real("alpha", 0.2f) * x + n.real("beta", 0.5f));
       }},
      {"HardSwish", [](float x, const Node&) { return x * clamp01(x / 6 + 0.5f); }},
      {"LeakyRelu", [](float x, const Node& n) { return x < 0 ? n.real("alpha", 0.01f) * x : x; }},
      {"Log", [](float x, const Node&) { return std::log(x); }},
      {"Mish", [](float x, const Node&) { return x * std::tanh(softplus(x)); }},
      {"Neg", [](float x, const Node&) { return -x; }},
      {"Reciprocal", [](float x, const Node&) { return 1 / x; }},
      {"Relu", [](float x, const Node&) { return std::max(x, 0.0f); }},
      {"Round", [](float x, const Node&) { return std::nearbyint(x); }},
      {"Selu", selu},
      {"Shrink", shrink},
      {"Sigmoid", [](float x, const Node&) { return sigmoid(x); }},
      {"Sign", [](float x, const Node&) { return x > 0   ? 1.0f
                                                 : x < 0 ? -1.0f
                                                         : 0.0f; }},
      {"Sin", [](float x, const Node&) { return std::sin(x); }},
      {"Sinh", [](float x, const Node&) { return std::sinh(x); }},
      {"Softplus", [](float x, const Node&) { return softplus(x); }},
      {"Softsign", [](float x, const Node&) { return x / (1 + std::abs(x)); }},
      {"Sqrt", [](float x, const Node&) { return std::sqrt(x); }},
      {"Swish", [](float x, const Node& n) { return x * sigmoid(n.real("alpha", 1) * x); }},
      {"Tan", [](float x, const Node&) { return std::tan(x); }},
      {"Tanh", [](float x, const Node&) { return std::tanh(x); }},
      {"ThresholdedRelu", [](float x, const Node& n) { return x > n.real("alpha", 1) ? x : 0.0f; }},
  };
  return kAll;
}

// ---- Two elements: float32 or whole numbers -----------------------------------------------------

using Binary = double (*)(double, double, bool floats);

double quotient(double a, double b, bool floats) {
  return floats ? double{real(a) / real(b)} : b == 0 ? 0 : std::trunc(a / b);
}

/// Returns the remainder with the dividend's sign: for floats, and for whole numbers with fmod 1.
double remainder_as_c(double a, double b, bool floats) {
  return b == 0 && !floats ? 0 : std::fmod(a, b);
}

/// Returns the remainder with the divisor's sign, for whole numbers.
double remainder(double a, double b, bool floats) {
  if (floats) return remainder_as_c(a, b, floats);
  return b == 0 ? 0 : a - b * std::floor(a / b);
}

const std::map<std::string, Binary>& binaries() {
  static const std::map<std::string, Binary> kAll = {
      {"Add", [](double a, double b, bool f) { return f ? double{real(a) + real(b)} : a + b; }},
      {"And", [](double a, double b, bool) { return a != 0 && b != 0 ? 1.0 : 0.0; }},
      {"Div", quotient},
      {"Equal", [](double a, double b, bool) { return a == b ? 1.0 : 0.0; }},
      {"Greater", [](double a, double b, bool) { return a > b ? 1.0 : 0.0; }},
      {"GreaterOrEqual", [](double a, double b, bool) { return a >= b ? 1.0 : 0.0; }},
      {"Less", [](double a, double b, bool) { return a < b ? 1.0 : 0.0; }},
      {"LessOrEqual", [](double a, double b, bool) { return a <= b ? 1.0 : 0.0; }},
      {"Max", [](double a, double b, bool) { return std::max(a, b); }},
      {"Min", [](double a, double b, bool) { return std::min(a, b); }},
      {"Mod", remainder},
      {"Mul", [](double a, double b, bool f) { return f ? double{real(a) * real(b)} : a * b; }},
      {"Or", [](double a, double b, bool) { return a != 0 || b != 0 ? 1.0 : 0.0; }},
      {"PRelu", [](double a, double b, bool) { return a < 0 ? double{real(a) * real(b)} : a; }},
      {"Pow",
       [](double a, double b, bool f) {
         return f ? double{std::pow(real(a), real(b))} : std::trunc(std::pow(a, b));
       }},
      {"Sub", [](double a, double b, bool f) { return f ? double{real(a) - real(b)} : a - b; }},
      {"Sum", [](double a, double b, bool f) { return f ? double{real(a) + real(b)} : a + b; }},
      {"Xor", [](double a, double b, bool) { return (a != 0) != (b != 0) ? 1.0 : 0.0; }},
  };
  return kAll;
}

bool compares(const std::string& type) {
  return type == "And" || type == "Equal" || type == "Greater" || type == "GreaterOrEqual" ||
         type == "Less" || type == "LessOrEqual" || type == "Or" || type == "Xor";
}

// ---- Many elements to one -----------------------------------------------------------------------

/// Reduces values in order. ONNX Runtime adds float32 in another order; the sums here are exact.
using Reduction = double (*)(const std::vector<double>&);

double sum(const std::vector<double>& x) { return std::accumulate(x.begin(), x.end(), 0.0); }
double largest(const std::vector<double>& x) { return *std::ranges::max_element(x); }
double squares(const std::vector<double>& x) {
  return std::inner_product(x.begin(), x.end(), x.begin(), 0.0);
}
double sizes(const std::vector<double>& x) {
  return std::accumulate(x.begin(), x.end(), 0.0,
                         [](double s, double value) { return s + std::abs(value); });
}
double log_sum_exp(const std::vector<double>& x) {
  const double most = largest(x);
  double total = 0;
  for (const double value : x) total += std::exp(value - most);
  return most + std::log(total);
}

const std::map<std::string, Reduction>& reductions() {
  static const std::map<std::string, Reduction> kAll = {
      {"ReduceL1", sizes},
      {"ReduceL2", [](const std::vector<double>& x) { return std::sqrt(squares(x)); }},
      {"ReduceLogSum", [](const std::vector<double>& x) { return std::log(sum(x)); }},
      {"ReduceLogSumExp", log_sum_exp},
      {"ReduceMax", largest},
      {"ReduceMean",
       [](const std::vector<double>& x) { return sum(x) / static_cast<double>(x.size()); }},
      {"ReduceMin", [](const std::vector<double>& x) { return *std::ranges::min_element(x); }},
      {"ReduceProd",
       [](const std::vector<double>& x) {
         return std::accumulate(x.begin(), x.end(), 1.0, std::multiplies<double>());
       }},
      {"ReduceSum", sum},
      {"ReduceSumSquare", squares},
  };
  return kAll;
}

// ---- Along an axis ------------------------------------------------------------------------------

using Line = std::vector<double>;

void softmax(Line* x, bool logarithm) {
  const double most = largest(*x);
  double total = 0;
  for (const double value : *x) total += std::exp(value - most);
  for (double& value : *x)
    value = logarithm ? value - most - std::log(total) : std::exp(value - most) / total;
}

void hardmax(Line* x) {
  const auto first = std::ranges::max_element(*x) - x->begin();
  std::ranges::fill(*x, 0.0);
  (*x)[first] = 1;
}

/// Divides by the root of the sum of squares; a line of zeros stays zero.
void to_length_one(Line* x, std::int64_t p) {
  if (p != 2) throw_error("p {}, allowed 2", p);
  const double length = double{real(std::sqrt(squares(*x)))};
  for (double& v : *x)
    if (length != 0) v /= length;
}

void add_up(Line* x, bool exclusive, bool reverse, bool floats) {
  if (reverse) std::ranges::reverse(*x);
  double total = 0;
  for (double& value : *x) {
    const double next = floats ? double{real(total + value)} : total + value;
    value = exclusive ? total : next;
    total = next;
  }
  if (reverse) std::ranges::reverse(*x);
}

}  // namespace

// ---- Evaluation ---------------------------------------------------------------------------------

const Constant& Evaluation::in(std::size_t position) const {
  if (!has(position)) throw_error("input {} is absent", position);
  return *inputs_[position];
}

std::vector<std::int64_t> Evaluation::integers(std::size_t position, const char* key) const {
  return integers_of(node_, key, has(position) ? &in(position) : nullptr);
}

std::int64_t Evaluation::element_of(std::int64_t index, int extent) const {
  const std::int64_t low = node_.integer("forward", 0) != 0 ? 0 : -extent;
  if (index < low || index >= extent)
    throw_error("index {}, allowed {}..{}", index, low, extent - 1);
  return index < 0 ? index + extent : index;
}

std::int64_t Evaluation::one(std::size_t position) const {
  if (!has(position)) throw_error("input {} is absent", position);
  return integers(position, "")[0];
}

void Evaluation::require_time(const Constant& results, std::size_t terms) const {
  const double products = static_cast<double>(results.elements()) * static_cast<double>(terms);
  if (products > 256.0 * static_cast<double>(limit_))
    throw_error("needs {} products, allowed at most {}", products, 256 * limit_);
}

Constant Evaluation::empty(DataType type, std::vector<int> shape) const {
  const std::int64_t count = elements_of(shape);
  if (count < 0 || count > limit_) throw_error("more than {} elements", limit_);
  if (count == 0 && shape.size() != 1) throw_error("a result without elements");  // no extents
  Constant result;
  result.type = type;
  result.shape = std::move(shape);
  result.values.resize(count);
  return result;
}

Constant Evaluation::picked(const Constant& from, std::vector<int> shape,
                            const Indices& order) const {
  Constant result = empty(from.type, std::move(shape));
  for (std::size_t i = 0; i < order.size(); ++i) result.values[i] = from.values.at(order[i]);
  return result;
}

/// Returns f of each element of the first input.
template <typename F>
Constant Evaluation::of_each(DataType type, const F& f) const {
  Constant result = empty(type, in(0).shape);
  std::ranges::transform(in(0).values, result.values.begin(), f);
  return result;
}

Constant Evaluation::unary(float (*f)(float, const Node&)) const {
  for (const float probe : {-1.0f, 1.0f}) f(probe, node_);  // reads each attribute
  return of_each(in(0).type, [&](double x) { return double{f(real(x), node_)}; });
}

/// Returns a function of two inputs, or of all inputs one after the other.
Constant Evaluation::binary() const {
  const bool as_c = node_.type == "Mod" && node_.integer("fmod", 0) != 0;
  const auto f = as_c ? remainder_as_c : binaries().at(node_.type);
  Constant result = in(0);
  for (std::size_t i = 1; i < std::max<std::size_t>(inputs_.size(), 2); ++i) {
    if (inputs_.size() == 1 && (node_.type == "Max" || node_.type == "Min" || node_.type == "Sum"))
      break;
    const Constant a = std::move(result), &b = in(i);
    const auto shape = broadcast_shape(a.shape, b.shape);
    if (!shape) throw_error("the shapes of the inputs do not broadcast");
    result = empty(compares(node_.type) ? DataType::kBool : a.type, *shape);
    const Indices a_at = broadcast(a.shape, *shape), b_at = broadcast(b.shape, *shape);
    for (std::size_t e = 0; e < a_at.size(); ++e)
      result.values[e] = f(a.values[a_at[e]], b.values[b_at[e]], a.type == DataType::kFloat32);
  }
  return result;
}

Constant Evaluation::mean() const {
  Node of_sum = node_;
  of_sum.type = "Sum";
  Constant result = Evaluation(of_sum, opset_, inputs_, 0, limit_).binary();
  for (double& x : result.values) x = double{real(x) / static_cast<float>(inputs_.size())};
  return result;
}

Constant Evaluation::clip() const {
  const double low = has(1) ? in(1).values[0] : double{node_.bound("min", -INFINITY)};
  const double high = has(2) ? in(2).values[0] : double{node_.bound("max", INFINITY)};
  return of_each(in(0).type, [&](double x) { return std::min(std::max(x, low), high); });
}

Constant Evaluation::where() const {
  auto shape = broadcast_shape(in(0).shape, in(1).shape);
  if (shape) shape = broadcast_shape(*shape, in(2).shape);
  if (!shape) throw_error("the shapes of the inputs do not broadcast");
  Constant result = empty(in(1).type, *shape);
  const Indices c = broadcast(in(0).shape, *shape), a = broadcast(in(1).shape, *shape),
                b = broadcast(in(2).shape, *shape);
  for (std::size_t i = 0; i < c.size(); ++i)
    result.values[i] = in(0).values[c[i]] != 0 ? in(1).values[a[i]] : in(2).values[b[i]];
  return result;
}

/// Converts types. Floats are truncated towards 0; whole numbers keep their low bits.
Constant Evaluation::cast() const {
  const std::string name = node_.text("type", "");  // the type's name in other formats
  const auto to = name.empty() ? type_of(node_.integer("to", 0)) : type_named(name);
  if (!to)
    throw_error("to element type {}{}, allowed float uint8 int8 int16 int32 int64 bool",
                node_.integer("to", 0), name);
  if (*to == DataType::kFloat32) return of_each(*to, [](double x) { return double{real(x)}; });
  if (*to == DataType::kBool) return of_each(*to, [](double x) { return x != 0 ? 1.0 : 0.0; });
  const bool narrows = in(0).type != DataType::kFloat32;
  return with_type(*to, [&]<typename T>(T) {
    const auto low = static_cast<double>(std::numeric_limits<T>::min()),
               high = static_cast<double>(std::numeric_limits<T>::max());
    return of_each(*to, [&](double x) {
      if (narrows) return static_cast<double>(static_cast<T>(static_cast<std::int64_t>(x)));
      return std::isnan(x) ? 0.0 : std::clamp(std::trunc(x), low, high);
    });
  });
}

/// Selects the named axes, or all axes. @return true or false for each axis
std::vector<bool> Evaluation::chosen(const std::vector<std::int64_t>& axes, int rank) const {
  std::vector<bool> result(static_cast<std::size_t>(rank), axes.empty());
  for (const std::int64_t axis : axes) result[axis_of(axis, rank)] = true;
  return result;
}

Constant Evaluation::reduced() const {
  const auto f = reductions().at(node_.type);
  const std::vector<std::int64_t> axes = integers(1, "axes");
  if (axes.empty() && node_.integer("noop_with_empty_axes", 0) != 0) return in(0);
  const std::vector<bool> gone = chosen(axes, in(0).rank());
  std::vector<int> kept = in(0).shape, shape;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (gone[i]) kept[i] = 1;
    if (!gone[i] || node_.integer("keepdims", 1) != 0) shape.push_back(kept[i]);
  }
  Constant result = empty(in(0).type, shape);
  std::vector<std::vector<double>> groups(result.values.size());
  const Indices group = broadcast(kept, in(0).shape);
  for (std::size_t i = 0; i < group.size(); ++i) groups[group[i]].push_back(in(0).values[i]);
  const bool floats = in(0).type == DataType::kFloat32;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const double value = f(groups[i]);
    result.values[i] = floats ? double{real(value)} : std::trunc(value);
  }
  return result;
}

/// Calls f for lines of `extent` elements, `inner` apart, of all inputs: along the axis, or over
/// all elements from the axis to the end.
template <typename F>
void Evaluation::each_line(const Constant& x, int axis, bool to_the_end, const F& f) const {
  const auto from = x.shape.begin() + axis;
  const std::size_t extent =
      count_of(to_the_end ? std::vector<int>(from, x.shape.end()) : std::vector<int>{*from});
  const std::size_t inner = to_the_end ? 1 : count_of(std::vector<int>(from + 1, x.shape.end()));
  Line line(extent);
  for (std::size_t outer = 0; outer < x.values.size() / (extent * inner); ++outer)
    for (std::size_t i = 0; i < inner; ++i) {
      const std::size_t first = outer * extent * inner + i;
      for (std::size_t k = 0; k < extent; ++k) line[k] = x.values[first + k * inner];
      f(&line, first, inner);
    }
}

Constant Evaluation::along_axis() const {
  if (in(0).rank() < 1) throw_error("its input is a scalar");
  const bool sums = node_.type == "CumSum", lengths = node_.type == "LpNormalization";
  const bool old = opset_ < 13 && !sums && !lengths;
  const std::int64_t given = sums ? one(1) : node_.integer("axis", old ? 1 : -1);
  const bool floats = in(0).type == DataType::kFloat32;
  Constant result = in(0);
  each_line(in(0), axis_of(given, in(0).rank()), old,
            [&](Line* line, std::size_t first, std::size_t step) {
              if (sums)
                add_up(line, node_.integer("exclusive", 0) != 0, node_.integer("reverse", 0) != 0,
                       floats);
              else if (node_.type == "Hardmax")
                hardmax(line);
              else if (node_.type == "LpNormalization")
                to_length_one(line, node_.integer("p", 2));
              else
                softmax(line, node_.type == "LogSoftmax");
              for (std::size_t k = 0; k < line->size(); ++k)
                result.values[first + k * step] = floats ? double{real((*line)[k])} : (*line)[k];
            });
  return result;
}

Constant Evaluation::position_of_extreme() const {
  const int axis = axis_of(node_.integer("axis", 0), in(0).rank());
  const bool last = node_.integer("select_last_index", 0) != 0;
  std::vector<int> shape = in(0).shape;
  shape[axis] = 1;
  if (node_.integer("keepdims", 1) == 0) shape.erase(shape.begin() + axis);
  Constant result = empty(DataType::kInt64, shape);
  std::size_t next = 0;
  each_line(in(0), axis, false, [&](Line* line, std::size_t, std::size_t) {
    if (node_.type == "ArgMin")
      for (double& x : *line) x = -x;
    const auto best = last ? line->rend() - std::max_element(line->rbegin(), line->rend()) - 1
                           : std::ranges::max_element(*line) - line->begin();
    result.values[next++] = static_cast<double>(best);
  });
  return result;
}

Constant Evaluation::top_k() const {
  const int axis = axis_of(node_.integer("axis", -1), in(0).rank());
  const std::int64_t k = one(1);
  std::vector<int> shape = in(0).shape;
  int& extent = shape[axis];
  if (k < 1 || k > extent) throw_error("k {}, allowed 1..{}", k, extent);
  extent = static_cast<int>(k);
  Constant result = empty(output_ == 0 ? in(0).type : DataType::kInt64, shape);
  const std::vector<std::size_t> steps = steps_of(shape);
  const std::size_t step = steps[axis];
  std::size_t next = 0;
  each_line(in(0), axis, false, [&](const Line* line, std::size_t, std::size_t) {
    std::vector<std::size_t> order(line->size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const double sign = node_.integer("largest", 1) != 0 ? 1 : -1;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return sign * (*line)[a] > sign * (*line)[b];
    });
    const std::size_t first =
        next / step * step * static_cast<std::size_t>(k) + next % step;  // of the line
    for (std::size_t i = 0; i < static_cast<std::size_t>(k); ++i)
      result.values[first + i * step] =
          output_ == 0 ? (*line)[order[i]] : static_cast<double>(order[i]);
    ++next;
  });
  return result;
}

Constant Evaluation::run() const {
  const std::string& type = node_.type;
  if (const auto f = unaries().find(type); f != unaries().end()) return unary(f->second);
  if (binaries().count(type) != 0) return binary();
  if (reductions().count(type) != 0) return reduced();
  return (this->*methods().at(type))();
}

const std::map<std::string, Evaluation::Method>& Evaluation::methods() {
  static const std::map<std::string, Method> kAll = {
      {"ArgMax", &Evaluation::position_of_extreme},
      {"ArgMin", &Evaluation::position_of_extreme},
      {"AveragePool", &Evaluation::pool},
      {"BatchNormalization", &Evaluation::batch_normalization},
      {"Bitcast", &Evaluation::bitcast},
      {"Cast", &Evaluation::cast},
      {"Clip", &Evaluation::clip},
      {"Concat", &Evaluation::concat},
      {"Conv", &Evaluation::convolution},
      {"ConvTranspose", &Evaluation::transposed_convolution},
      {"CumSum", &Evaluation::along_axis},
      {"DepthToSpace", &Evaluation::blocks},
      {"Einsum", &Evaluation::einsum},
      {"Expand", &Evaluation::expand},
      {"Gather", &Evaluation::gather},
      {"GatherElements", &Evaluation::gather_elements},
      {"Gemm", &Evaluation::gemm},
      {"GatherND", &Evaluation::gather_nd},
      {"GlobalAveragePool", &Evaluation::global_pool},
      {"GlobalMaxPool", &Evaluation::global_pool},
      {"Hardmax", &Evaluation::along_axis},
      {"GRU", &Evaluation::recurrent},
      {"GridSample", &Evaluation::grid_sample},
      {"GroupNormalization", &Evaluation::group_normalization},
      {"Identity", &Evaluation::identity},
      {"InstanceNormalization", &Evaluation::group_normalization},
      {"IsInf", &Evaluation::is_infinite},
      {"IsNaN", &Evaluation::is_nan},
      {"LRN", &Evaluation::local_response},
      {"LSTM", &Evaluation::recurrent},
      {"LpNormalization", &Evaluation::along_axis},
      {"LayerNormalization", &Evaluation::layer_normalization},
      {"LogSoftmax", &Evaluation::along_axis},
      {"MatMul", &Evaluation::matmul},
      {"MaxPool", &Evaluation::pool},
      {"Mean", &Evaluation::mean},
      {"NonMaxSuppression", &Evaluation::non_max_suppression},
      {"Not", &Evaluation::inverted},
      {"OneHot", &Evaluation::one_hot},
      {"Pad", &Evaluation::pad},
      {"RNN", &Evaluation::recurrent},
      {"RMSNormalization", &Evaluation::layer_normalization},
      {"Resize", &Evaluation::resize},
      {"ReverseSequence", &Evaluation::reverse_sequence},
      {"ScatterElements", &Evaluation::scatter_elements},
      {"ScatterND", &Evaluation::scatter_nd},
      {"Slice", &Evaluation::slice},
      {"Softmax", &Evaluation::along_axis},
      {"SpaceToDepth", &Evaluation::blocks},
      {"Split", &Evaluation::split},
      {"TFLite_Detection_PostProcess", &Evaluation::detections},
      {"Tile", &Evaluation::tile},
      {"TopK", &Evaluation::top_k},
      {"Trilu", &Evaluation::trilu},
      {"Upsample", &Evaluation::resize},
      {"Where", &Evaluation::where},
  };
  return kAll;
}

Constant Evaluation::inverted() const {
  return of_each(DataType::kBool, [](double x) { return x == 0 ? 1.0 : 0.0; });
}

Constant Evaluation::is_nan() const {
  return of_each(DataType::kBool, [](double x) { return std::isnan(x) ? 1.0 : 0.0; });
}

Constant Evaluation::is_infinite() const {
  const bool above = node_.integer("detect_positive", 1) != 0;
  const bool below = node_.integer("detect_negative", 1) != 0;
  return of_each(DataType::kBool,
                 [&](double x) { return std::isinf(x) && (x > 0 ? above : below) ? 1.0 : 0.0; });
}

bool Evaluation::knows(const std::string& type) {
  return unaries().count(type) + binaries().count(type) + reductions().count(type) +
             methods().count(type) !=
         0;
}

bool is_elementwise(const std::string& type) {
  return unaries().contains(type) || binaries().contains(type) || type == "Where" ||
         type == "Not" || type == "Cast" || type == "IsNaN" || type == "IsInf";
}

bool evaluates(const std::string& type) { return Evaluation::knows(type); }

Constant evaluate(const Node& node, std::int64_t opset, const std::vector<ConstantPointer>& inputs,
                  std::size_t output, std::int64_t limit, bool shape_only) {
  if (!evaluates(node.type)) throw_error("operator is not supported");
  std::vector<ConstantPointer> given = inputs;
  for (std::size_t i = 0; i < given.size(); ++i)
    if (given[i] && given[i]->values.empty() && node.type != "Concat") {
      // An empty list (axes, roi, scales) means the same as an absent one.
      if (i == 0 || given[i]->rank() != 1) throw_error("its tensor has no elements");
      given[i] = nullptr;
    }
  Constant result = Evaluation(node, opset, given, output, limit, shape_only).run();
  require_all_read(node);
  return result;
}

}  // namespace trine::host::onnx
