// SPDX-License-Identifier: Apache-2.0
//
// Imports TOSA files. First, every operator is checked as the specification requires. Values that
// depend only on constants are computed, and values that depend on one code of one tensor become
// functions of its 256 codes. Then, starting from the outputs, each tensor that is read is made by
// a machine form (a product with its RESCALE, a table, a movement), or by the operator itself on
// the host.

#include <algorithm>
#include <functional>
#include <numeric>
#include <optional>
#include <set>
#include <tuple>

#include "sw/base/error.h"
#include "sw/base/index.h"
#include "sw/base/ties.h"
#include "sw/host/tosa/evaluate.h"
#include "sw/model/check/check.h"
#include "sw/model/graph/elements.h"
#include "sw/model/graph/graph.h"
#include "sw/model/graph/refusal.h"
#include "sw/model/graph/tosa_attributes.h"
#include "sw/model/tosa/file.h"
#include "sw/model/tosa/tosa.h"

namespace trine::model {
namespace {

using host::tosa::Node;
using tosa::FileOp;
using Values = std::vector<std::int64_t>;

constexpr int kCodes = 256;
constexpr std::int64_t kFewElements = 1 << 16;  ///< constants that determine shapes are smaller
constexpr std::int64_t kMostFolded = std::int64_t{1} << 28;
constexpr int kMostSteps = 256;   ///< operators of a function
constexpr int kMostCopies = 256;  ///< of TILE along an axis

std::vector<std::int64_t> all_codes() {
  Values codes(kCodes);
  std::iota(codes.begin(), codes.end(), -128);
  return codes;
}

/// The value for each code of `root`, an int8 tensor of the same shape.
struct Function {
  int root = -1, steps = 0;
  Values values;
};

/// The way to make a tensor: the tensors that it needs, and a function that writes its operators.
struct Plan {
  std::vector<int> needs;
  std::function<void()> emit;
};

/// A RESCALE's attributes as numbers.
struct Rescale {
  Values multiplier, shift;
  std::int64_t before = 0, after = 0;
  bool twice = false;
};

class Importer {
 public:
  Importer(tosa::File file, const std::string& name) : file_(std::move(file)) {
    graph_.file = name;
    graph_.name = std::filesystem::path(name).stem().string();
    graph_.tensors = std::move(file_.tensors);
    graph_.inputs = file_.inputs;
    graph_.outputs = file_.outputs;
    for (Tensor& t : graph_.tensors)
      if (t.type == DataType::kInt8) t.quantization = {{1.0f}, {0}, 0};
  }

  Graph run() {
    check_file();
    readers_.resize(graph_.tensors.size());
    maker_.assign(graph_.tensors.size(), -1);
    for (std::size_t i = 0; i < file_.ops.size(); ++i) {
      for (const int t : file_.ops[i].inputs) ++readers_[at(t)];
      for (const int t : file_.ops[i].outputs) maker_[at(t)] = static_cast<int>(i);
    }
    for (const int t : graph_.outputs) ++readers_[at(t)];
    Faults faults;
    for (std::size_t i = 0; i < file_.ops.size(); ++i) {
      try {
        visit(static_cast<int>(i));
      } catch (const Refusal& fault) {
        faults.add(Refusal(fault.reasons(),
                           fmt::format("{}: {}", label(static_cast<int>(i)), fault.what())));
      }
    }
    if (!faults.empty()) throw faults.joined();
    plan();
    set_zero_points();
    check_order(graph_);
    return std::move(graph_);
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) const {
    throw Error(graph_.file + ": " + fmt::format(text, std::forward<Args>(args)...));
  }

  std::string label(int i) const {
    return fmt::format("{}: op {} {}", graph_.file, i, file_.ops[at(i)].type);
  }

  const Tensor& tensor(int t) const { return graph_.tensor(t); }
  bool constant(int t) const { return tensor(t).is_constant; }
  const FileOp* maker(int t) const {
    return maker_[at(t)] < 0 ? nullptr : &file_.ops[at(maker_[at(t)])];
  }

  // ---- checks and constants ---------------------------------------------------------------------

  void check_file() {
    std::set<int> known;
    if (graph_.inputs.empty()) fail("no inputs");
    if (graph_.outputs.empty()) fail("no outputs");
    for (const int t : graph_.inputs)
      if (constant(t) || !known.insert(t).second)
        fail("input '{}' is a constant or given twice", tensor(t).name);
    std::set<int> written;
    for (std::size_t t = 0; t < graph_.tensors.size(); ++t)
      if (graph_.tensors[t].is_constant) known.insert(static_cast<int>(t));
    for (std::size_t i = 0; i < file_.ops.size(); ++i) {
      const FileOp& op = file_.ops[i];
      const bool is_constant = op.type == "CONST" || op.type == "CONST_SHAPE";
      for (const int t : op.inputs)
        if (!known.contains(t))
          fail("op {} {}: reads '{}' before any operator writes it", i, op.type, tensor(t).name);
      if (op.outputs.size() != 1 || (is_constant && !op.inputs.empty()))
        fail("op {} {}: {} inputs and {} outputs, allowed 1 output, and no input of constants", i,
             op.type, op.inputs.size(), op.outputs.size());
      const int out = op.outputs[0];
      if (is_constant != constant(out) || !written.insert(out).second ||
          (!is_constant && !known.insert(out).second))
        fail("op {} {}: writes '{}', which {}", i, op.type, tensor(out).name,
             constant(out) || written.contains(out) ? "already has a value" : "does not exist");
    }
    for (const int t : graph_.outputs)
      if (!known.contains(t)) fail("output '{}' is never written", tensor(t).name);
  }

  /// Checks an operator, and computes its result as far as it is known.
  void visit(int i) {
    const FileOp& op = file_.ops[at(i)];
    if (op.type == "CONST" || op.type == "CONST_SHAPE") return;
    const int out = op.outputs[0];
    Node node{op.type, op.attributes, {}, tensor(out).type, tensor(out).shape};
    bool folds = true;
    for (const int t : op.inputs) {
      const bool few = constant(t) && tensor(t).elements() <= kFewElements;
      node.inputs.push_back(
          {tensor(t).type, tensor(t).shape, few ? tensor(t).integers() : Values{}});
      folds = folds && constant(t);
    }
    host::tosa::check_node(node);
    if (folds) return fold(node, op, out);
    find_function(node, op, out);
  }

  void fold(Node& node, const FileOp& op, int out) {
    folded_ += tensor(out).elements();
    if (folded_ > kMostFolded)
      refuse(Reason::kShape, "more than {} computed constants", kMostFolded);
    for (std::size_t k = 0; k < op.inputs.size(); ++k)
      node.inputs[k].values = tensor(op.inputs[k]).integers();
    Tensor& t = graph_.tensors[at(out)];
    const Values values = host::tosa::run(node);
    t.data = bytes_as(t.type, std::vector<double>(values.begin(), values.end()));
    t.is_constant = true;
  }

  /// Returns true if an operand is a parameter of the operator instead of a tensor of elements.
  static bool is_parameter(const std::string& type, std::size_t position) {
    if (type == "RESCALE" || type == "NEGATE" || type == "TABLE") return position > 0;
    return type == "MUL" && position == 2;
  }

  /// Returns the function of a tensor that an operator reads. An int8 tensor is its own root.
  Function function_of(int t) const {
    if (tensor(t).type == DataType::kInt8 && !constant(t)) return {t, 0, all_codes()};
    const auto found = functions_.find(t);
    return found == functions_.end() ? Function{} : found->second;
  }

  void find_function(Node node, const FileOp& op, int out) {
    if (!host::tosa::is_elementwise(op.type)) return;
    Function result;
    for (std::size_t k = 0; k < op.inputs.size(); ++k) {
      host::tosa::Operand& operand = node.inputs[k];
      if (is_parameter(op.type, k)) continue;
      if (constant(op.inputs[k])) {
        if (operand.values.empty() ||
            std::ranges::adjacent_find(operand.values, std::not_equal_to()) != operand.values.end())
          return;
        operand = {operand.type, {1}, {operand.values[0]}};
        continue;
      }
      const Function from = function_of(op.inputs[k]);
      if (from.root < 0 || (result.root >= 0 && result.root != from.root) ||
          tensor(op.inputs[k]).shape != tensor(out).shape)
        return;
      result.root = from.root;
      result.steps += from.steps;
      operand = {operand.type, {kCodes}, from.values};
    }
    if (op.type == "RESCALE") {
      if (node.inputs[1].values.size() != 1) return;
      node.attributes["per_channel"] = {0};
    }
    if (result.root < 0 || ++result.steps > kMostSteps) return;
    node.out_shape = {kCodes};
    result.values = host::tosa::run(node);
    functions_[out] = std::move(result);
  }

  // ---- plans ------------------------------------------------------------------------------------

  void plan() {
    std::set<int> wanted(graph_.outputs.begin(), graph_.outputs.end());
    std::map<int, Plan> plans;
    for (int i = static_cast<int>(file_.ops.size()) - 1; i >= 0; --i) {
      const int out = file_.ops[at(i)].outputs[0];
      if (!wanted.contains(out) || constant(out)) continue;
      Plan plan = plan_of(i);
      for (const int t : plan.needs)
        if (!constant(t)) wanted.insert(t);
      plans.emplace(i, std::move(plan));
    }
    made_.insert(graph_.inputs.begin(), graph_.inputs.end());
    for (auto& [i, plan] : plans) {
      index_ = i;
      write(i, plan);
      made_.insert(file_.ops[at(i)].outputs[0]);
    }
  }

  /// Writes the operators of a plan. If check() refuses them, writes the operator itself on the
  /// host, with those that the plan would have fused.
  void write(int i, const Plan& plan) {
    const std::size_t ops = graph_.ops.size(), tensors = graph_.tensors.size();
    try {
      plan.emit();
      for (std::size_t k = ops; k < graph_.ops.size(); ++k) check_op(graph_, graph_.ops[k]);
    } catch (const Refusal&) {
      graph_.ops.resize(ops);
      graph_.tensors.resize(tensors);
      emit_host(i);
    }
  }

  Plan plan_of(int i) {
    const FileOp& op = file_.ops[at(i)];
    const int out = op.outputs[0];
    if (tensor(out).type == DataType::kInt8) {
      if (auto plan = requantized(i)) return *plan;
      if (functions_.contains(out)) return table(out);
      if (auto plan = channels_rescaled(op)) return *plan;
      if (auto plan = moved(op)) return *plan;
      if (auto plan = pooled(op)) return *plan;
    }
    if (is_product(op.type) && op.type != "MATMUL" && constant(op.inputs[1]) &&
        constant(op.inputs[2]))
      return product(op, out, nullptr, {});
    return {op.inputs, [this, i] { emit_host(i); }};
  }

  static bool is_product(const std::string& type) {
    return type == "CONV2D" || type == "DEPTHWISE_CONV2D" || type == "TRANSPOSE_CONV2D" ||
           type == "MATMUL";
  }

  /// Writes the operator on the host, after the operators of its inputs that are not written yet.
  void emit_host(int i) {
    const FileOp& op = file_.ops[at(i)];
    for (const int t : op.inputs)
      if (!constant(t) && !made_.contains(t)) {
        emit_host(maker_[at(t)]);
        made_.insert(t);
      }
    Op host = op_of(OpKind::kOnnx, i, op.inputs, op.outputs);
    host.name = std::string(host::tosa::kPrefix) + op.type;
    for (const auto& [name, values] : op.attributes)
      host.numbers[name].assign(values.begin(), values.end());
    graph_.ops.push_back(std::move(host));
  }

  Op& put(OpKind kind, std::vector<int> inputs, int out, std::string name) {
    Op& op = graph_.ops.emplace_back(op_of(kind, index_, std::move(inputs), {out}));
    op.name = std::move(name);
    op.of_tosa = tosa::kSingle;
    return op;
  }

  int add_like(int like, std::vector<int> shape) {
    Tensor t;
    t.name = tensor(like).name;
    t.type = tensor(like).type;
    t.quantization = tensor(like).quantization;
    t.shape = std::move(shape);
    return graph_.add(std::move(t));
  }

  int add_constant(const char* name, std::vector<int> shape, const Values& values, DataType type) {
    Tensor t;
    t.name = name;
    t.type = type;
    t.shape = std::move(shape);
    t.is_constant = true;
    t.data = bytes_as(type, std::vector<double>(values.begin(), values.end()));
    return graph_.add(std::move(t));
  }

  int add_integers(const std::vector<int>& values, std::vector<int> shape = {}) {
    return graph_.add(constant_integers(values, std::move(shape)));
  }

  Plan table(int out) {
    const Function f = functions_.at(out);
    return {{f.root}, [this, out, f] {
              Op& op = put(OpKind::kTable, {f.root}, out, file_.ops[at(index_)].type);
              op.numbers[tosa::kTable].assign(f.values.begin(), f.values.end());
            }};
  }

  // ---- RESCALE ----------------------------------------------------------------------------------

  /// @return nothing for another operator or unsigned numbers
  std::optional<Rescale> rescale_of(const FileOp* op) const {
    if (op == nullptr || op->type != "RESCALE") return std::nullopt;
    const auto number = [&](const char* name) {
      const auto found = op->attributes.find(name);
      return found != op->attributes.end() && !found->second.empty() ? found->second[0] : 0;
    };
    if (number("input_unsigned") != 0 || number("output_unsigned") != 0) return std::nullopt;
    return Rescale{tensor(op->inputs[1]).integers(), tensor(op->inputs[2]).integers(),
                   tensor(op->inputs[3]).integers()[0], tensor(op->inputs[4]).integers()[0],
                   number("rounding_mode") == host::tosa::kDoubleRound};
  }

  static void set_result(Op& op, const Rescale& r, std::pair<int, int> range) {
    op.of_tosa = r.twice ? tosa::kDouble : tosa::kSingle;
    for (const std::int64_t m : r.multiplier)
      op.numbers[tosa::kMultiplier].push_back(static_cast<double>(m));
    for (const std::int64_t s : r.shift)
      op.numbers[tosa::kShift].push_back(static_cast<double>(31 - s));
    op.numbers[tosa::kZeroPoint] = {static_cast<double>(r.after)};
    op.code_min = range.first;
    op.code_max = range.second;
  }

  /// Returns the plan of int8 CLAMPs and the int32 RESCALE before them, together with the operator
  /// before it.
  std::optional<Plan> requantized(int i) {
    const int out = file_.ops[at(i)].outputs[0];
    std::pair<int, int> range{-128, 127};
    const FileOp* op = &file_.ops[at(i)];
    for (int steps = 0; op->type == "CLAMP" && steps < kMostSteps; ++steps) {
      const auto bound = [&](const char* name) {
        return static_cast<int>(static_cast<std::int8_t>(op->attributes.at(name)[0] & 0xff));
      };
      // The loop goes from output to input, so the bounds so far apply after this operator's
      // bounds.
      range = {std::clamp(bound("min_val"), range.first, range.second),
               std::clamp(bound("max_val"), range.first, range.second)};
      const int from = op->inputs[0];
      op = maker(from);
      if (op == nullptr || readers_[at(from)] != 1) return std::nullopt;
    }
    if (op->type == "AVG_POOL2D") return average_pool(*op, out, range);
    const auto rescale = rescale_of(op);
    if (!rescale || tensor(op->inputs[0]).type != DataType::kInt32) return std::nullopt;
    const int sums = op->inputs[0];
    const FileOp* made = constant(sums) ? nullptr : maker(sums);
    if (made == nullptr || functions_.contains(sums)) return std::nullopt;
    if (made->type == "ADD" || made->type == "SUB") return addition(*made, out, *rescale, range);
    if (made->type == "MUL") return multiplication(*made, out, *rescale, range);
    if (made->type == "REDUCE_SUM") return sum(sums, out, *rescale, range);
    if (is_product(made->type) && readers_[at(sums)] == 1) {
      if (made->type == "MATMUL") return matmul(*made, out, *rescale, range);
      if (constant(made->inputs[1]) && constant(made->inputs[2]))
        return product(*made, out, &*rescale, range);
    }
    return std::nullopt;
  }

  // ---- products ---------------------------------------------------------------------------------

  /// Returns weights with zero point 0 if their differences are codes.
  int weights(int t, std::int64_t zero, std::vector<int> shape) {
    Tensor w = tensor(t);
    w.shape = std::move(shape);
    const Values values = w.integers();
    const auto fits = [&](std::int64_t v) { return v - zero >= -128 && v - zero <= 127; };
    if (zero != 0 && std::ranges::all_of(values, fits)) {
      for (std::size_t k = 0; k < values.size(); ++k)
        w.data.edit()[k] = static_cast<std::uint8_t>((values[k] - zero) & 0xff);
      zero = 0;
    }
    w.quantization = {{1.0f}, {zero}, 0};
    return graph_.add(std::move(w));
  }

  /// Returns the filter of a transposed convolution with additional rows and columns of zero
  /// weight, which replace those that out_pad adds to the result.
  int grown(int w, std::int64_t zero, const Values& out_pad) {
    const Tensor from = tensor(w);
    const auto side = [&](std::size_t i) {
      return static_cast<int>(std::max<std::int64_t>(out_pad[i], 0));
    };
    const int R = from.shape[1], S = from.shape[2], C = from.shape[3];
    Tensor to = from;
    to.shape[1] += side(0) + side(1);
    to.shape[2] += side(2) + side(3);
    if (to.shape == from.shape) return w;
    to.data.edit().assign(at(to.elements()), static_cast<std::uint8_t>(zero & 0xff));
    for (int row = 0; row < from.shape[0] * R; ++row)
      for (int x = 0; x < S; ++x) {
        const int m = row / R, y = row % R + side(0);
        const auto source = from.data.begin() + (std::int64_t{row} * S + x) * C;
        std::copy(source, source + C,
                  to.data.edit().begin() +
                      ((std::int64_t{m} * to.shape[1] + y) * to.shape[2] + x + side(2)) * C);
      }
    return graph_.add(std::move(to));
  }

  int bias(int t, int channels) {
    Values values = tensor(t).integers();
    values.resize(at(channels), values[0]);
    return add_constant("bias", {channels}, values, DataType::kInt32);
  }

  static void set_numbers(Op& op, const FileOp& from, bool transposed) {
    const auto& list = [&](const char* name) -> const Values& { return from.attributes.at(name); };
    op.stride_h = static_cast<int>(list("stride")[0]);
    op.stride_w = static_cast<int>(list("stride")[1]);
    if (from.attributes.contains("dilation")) {
      op.dilation_h = static_cast<int>(list("dilation")[0]);
      op.dilation_w = static_cast<int>(list("dilation")[1]);
    }
    for (const std::int64_t side : list(transposed ? "out_pad" : "pad"))
      op.numbers[tosa::kPad].push_back(
          static_cast<double>(transposed ? std::max<std::int64_t>(-side, 0) : side));
  }

  /// Returns true for a 1x1 convolution of one pixel, which is a matrix product.
  bool is_dense(const FileOp& op) const {
    const auto is = [&](const char* name, std::int64_t value) {
      return std::ranges::all_of(op.attributes.at(name),
                                 [&](std::int64_t v) { return v == value; });
    };
    const Tensor &x = tensor(op.inputs[0]), &w = tensor(op.inputs[1]);
    return op.type == "CONV2D" && x.shape[1] == 1 && x.shape[2] == 1 && w.shape[1] == 1 &&
           w.shape[2] == 1 && is("pad", 0);
  }

  void put_dense(const FileOp& op, std::int64_t zero, int w, int b, int out,
                 const std::optional<Rescale>& result, std::pair<int, int> range) {
    const int x = op.inputs[0];
    const Tensor wide = tensor(w);
    const int rows = tensor(x).shape[0], K = wide.shape[3], M = wide.shape[0];
    const int flat = add_like(x, {rows, K}), codes = add_like(out, {rows, M});
    put(OpKind::kReshape, {x}, flat, op.type);
    graph_.tensors[at(w)].shape = {M, K};
    Op& made = put(OpKind::kFullyConnected, {flat, w, b}, codes, op.type);
    want(made, {zero});
    if (result) set_result(made, *result, range);
    put(OpKind::kReshape, {codes}, out, op.type);
  }

  /// @param rescale  null: int32 result
  Plan product(const FileOp& op, int out, const Rescale* rescale, std::pair<int, int> range) {
    const std::optional<Rescale> result =
        rescale == nullptr ? std::nullopt : std::optional(*rescale);
    return {{op.inputs[0]}, [this, &op, out, result, range] {
              const bool depthwise = op.type == "DEPTHWISE_CONV2D",
                         transposed = op.type == "TRANSPOSE_CONV2D";
              const std::int64_t zero = tensor(op.inputs[3]).integers()[0],
                                 w_zero = tensor(op.inputs[4]).integers()[0];
              std::vector<int> shape = tensor(op.inputs[1]).shape;
              if (depthwise) shape = {1, shape[0], shape[1], shape[2] * shape[3]};
              int w = weights(op.inputs[1], w_zero, shape);
              if (transposed) w = grown(w, tensor(w).zero_point(), op.attributes.at("out_pad"));
              const int b = bias(op.inputs[2], tensor(out).shape[3]);
              if (result && result->multiplier.size() > 1 && tensor(w).zero_point() != 0)
                refuse(
                    Reason::kQuantization,
                    "weights with a scale for each channel and a zero point, allowed zero point 0");
              std::vector<int> inputs{op.inputs[0], w, b};
              if (is_dense(op)) return put_dense(op, zero, w, b, out, result, range);
              if (transposed) inputs = {add_integers(tensor(out).shape), w, inputs[0], b};
              Op& made = put(depthwise    ? OpKind::kDepthwiseConv2D
                             : transposed ? OpKind::kTransposeConv
                                          : OpKind::kConv2D,
                             inputs, out, op.type);
              set_numbers(made, op, transposed);
              want(made, {zero});
              if (depthwise) made.depth_multiplier = tensor(op.inputs[1]).shape[3];
              if (result) set_result(made, *result, range);
            }};
  }

  std::optional<Plan> matmul(const FileOp& op, int out, const Rescale& rescale,
                             std::pair<int, int> range) {
    if (rescale.multiplier.size() != 1) return std::nullopt;
    return Plan{
        {op.inputs[0], op.inputs[1]}, [this, &op, out, rescale, range] {
          std::vector<int> inputs;
          for (std::size_t k = 0; k < 2; ++k)
            inputs.push_back(constant(op.inputs[k]) ? graph_.add(Tensor(tensor(op.inputs[k])))
                                                    : op.inputs[k]);
          Op& made = put(OpKind::kBatchMatMul, inputs, out, op.type);
          want(made, {tensor(op.inputs[2]).integers()[0], tensor(op.inputs[3]).integers()[0]});
          set_result(made, rescale, range);
        }};
  }

  /// Returns the plan of int8 codes that are rescaled for each channel: a product with ones.
  std::optional<Plan> channels_rescaled(const FileOp& op) {
    const auto rescale = rescale_of(&op);
    if (!rescale || tensor(op.inputs[0]).type != DataType::kInt8) return std::nullopt;
    const int in = op.inputs[0], out = op.outputs[0];
    return Plan{{in}, [this, in, out, r = *rescale] {
                  const int channels = tensor(out).shape.back();
                  const std::vector<int> image{
                      1, 1, static_cast<int>(tensor(out).elements() / channels), channels};
                  const int x = add_like(in, image), y = add_like(out, image);
                  put(OpKind::kReshape, {in}, x, "RESCALE");
                  const int ones = add_constant("ones", {1, 1, 1, channels},
                                                Values(at(channels), 1), DataType::kInt8);
                  graph_.tensors[at(ones)].quantization = {{1.0f}, {0}, 0};
                  Op& made = put(
                      OpKind::kDepthwiseConv2D,
                      {x, ones,
                       add_constant("bias", {channels}, Values(at(channels), 0), DataType::kInt32)},
                      y, "RESCALE");
                  want(made, {r.before});
                  set_result(made, r, {-128, 127});
                  put(OpKind::kReshape, {y}, out, "RESCALE");
                }};
  }

  // ---- two maps ---------------------------------------------------------------------------------

  /// An int32 operand as a function of an int8 tensor's codes. One of the operands may be a
  /// constant.
  struct Term {
    int codes = -1;
    Values values;  ///< of all codes
    std::int64_t zero = 0;
    std::int64_t multiplier = 1 << 30, shift = 30;  ///< of all RESCALEs on the way
  };

  std::optional<Term> term_of(int t) const {
    Term term;
    std::vector<Rescale> way;
    while (tensor(t).type != DataType::kInt8) {
      const FileOp* op = maker(t);
      const auto rescale = rescale_of(op);
      if (!rescale || rescale->multiplier.size() != 1 || way.size() > 3 || rescale->after != 0)
        return std::nullopt;
      way.push_back(*rescale);
      t = op->inputs[0];
    }
    if (way.empty()) return std::nullopt;
    term.codes = t;
    term.zero = way.back().before;
    term.values = all_codes();
    for (std::size_t k = way.size(); k-- > 0;) {
      const Rescale& r = way[k];
      if (k + 1 != way.size() && r.before != 0) return std::nullopt;
      for (std::int64_t& v : term.values)
        v = std::clamp<std::int64_t>(
            host::tosa::scaled(v - r.before, r.multiplier[0], r.shift[0], r.twice), INT32_MIN,
            INT32_MAX);
      std::int64_t m = r.multiplier[0], s = r.shift[0];
      const bool power = m > 0 && (m & (m - 1)) == 0;
      if (power) {  // of two: it only changes the shift
        for (; m > 1; m /= 2) --s;
        term.shift += s;
      } else {
        if (term.multiplier != 1 << 30) return std::nullopt;
        term.multiplier = m;
        term.shift += s - 30;
      }
    }
    while (term.multiplier < 1 << 30 && term.multiplier > 0) {
      term.multiplier *= 2;
      ++term.shift;
    }
    return term;
  }

  /// Returns the term in the machine's form, (code - zero point) 2^20, scaled, or nothing if it has
  /// other values.
  static std::optional<std::pair<double, double>> machine_term(const Term& term, bool twice) {
    const std::int64_t exponent = 31 - term.shift - 20;
    if (exponent < -31 || exponent > 0 || term.zero < -128 || term.zero > 127) return std::nullopt;
    for (int code = -128; code <= 127; ++code)
      if (term.values[at(code + 128)] !=
          host::tosa::scaled((code - term.zero) * (1 << 20), term.multiplier, 31 - exponent, twice))
        return std::nullopt;
    return std::pair(static_cast<double>(term.multiplier), static_cast<double>(exponent));
  }

  /// Returns the plan of an addition in which one operand is halved and the other has at most that
  /// scale.
  std::optional<Plan> addition(const FileOp& op, int out, const Rescale& r,
                               std::pair<int, int> range) {
    const auto a = term_of(op.inputs[0]), b = term_of(op.inputs[1]);
    if (!a || !b || r.multiplier.size() != 1 || (constant(a->codes) && constant(b->codes)))
      return std::nullopt;
    const auto first = machine_term(*a, r.twice), second = machine_term(*b, r.twice);
    constexpr std::pair<double, double> kHalf{1 << 30, 0};
    if (!first || !second || (*first != kHalf && *second != kHalf)) return std::nullopt;
    return Plan{{a->codes, b->codes},
                [this, &op, out, r, range, a = *a, b = *b, first = *first, second = *second] {
                  Op& made = put(op.type == "ADD" ? OpKind::kAdd : OpKind::kSub,
                                 {code_operand(a), code_operand(b)}, out, op.type);
                  made.numbers[tosa::kMultiplier] = {first.first, second.first};
                  made.numbers[tosa::kShift] = {first.second, second.second};
                  made.numbers[tosa::kZeroPoints] = {static_cast<double>(a.zero),
                                                     static_cast<double>(b.zero)};
                  set_result(made, r, range);
                }};
  }

  /// Returns the plan of a product of differences of codes.
  std::optional<Plan> multiplication(const FileOp& op, int out, const Rescale& r,
                                     std::pair<int, int> range) {
    const auto a = term_of(op.inputs[0]), b = term_of(op.inputs[1]);
    if (!a || !b || r.multiplier.size() != 1 || tensor(op.inputs[2]).integers()[0] != 0 ||
        (constant(a->codes) && constant(b->codes)))
      return std::nullopt;
    for (const Term* term : {&*a, &*b})
      for (int code = -128; code <= 127; ++code)
        if (term->values[at(code + 128)] != code - term->zero) return std::nullopt;
    return Plan{{a->codes, b->codes}, [this, &op, out, r, range, a = *a, b = *b] {
                  Op& made = put(OpKind::kMul, {code_operand(a), code_operand(b)}, out, op.type);
                  made.numbers[tosa::kZeroPoints] = {static_cast<double>(a.zero),
                                                     static_cast<double>(b.zero)};
                  set_result(made, r, range);
                }};
  }

  int code_operand(const Term& term) {
    if (!constant(term.codes)) return term.codes;
    Tensor t = tensor(term.codes);
    t.quantization = {{1.0f}, {0}, 0};
    return graph_.add(std::move(t));
  }

  /// Returns the plan of a REDUCE_SUM of codes along one or more axes.
  std::optional<Plan> sum(int sums, int out, const Rescale& r, std::pair<int, int> range) {
    std::set<int> axes;
    int t = sums;
    while (!constant(t) && maker(t) != nullptr && maker(t)->type == "REDUCE_SUM") {
      if (readers_[at(t)] != 1) return std::nullopt;
      axes.insert(static_cast<int>(maker(t)->attributes.at("axis")[0]));
      t = maker(t)->inputs[0];
    }
    const auto term = term_of(t);
    if (!term || constant(term->codes) || r.multiplier.size() != 1) return std::nullopt;
    for (int code = -128; code <= 127; ++code)
      if (term->values[at(code + 128)] != code - term->zero) return std::nullopt;
    return Plan{{term->codes}, [this, out, r, range, axes, term = *term] {
                  Op& made =
                      put(OpKind::kSum, {term.codes, add_integers({axes.begin(), axes.end()})}, out,
                          "REDUCE_SUM");
                  made.keep_dims = true;
                  made.numbers[tosa::kZeroPoints] = {static_cast<double>(term.zero)};
                  set_result(made, r, range);
                }};
  }

  // ---- pools and movement -----------------------------------------------------------------------

  std::optional<Plan> average_pool(const FileOp& op, int out, std::pair<int, int> range) {
    return Plan{{op.inputs[0]}, [this, &op, out, range] {
                  Op& made = put(OpKind::kAveragePool2D, {op.inputs[0]}, out, op.type);
                  set_numbers(made, op, false);
                  set_kernel(made, op);
                  made.numbers[tosa::kZeroPoints] = {
                      static_cast<double>(tensor(op.inputs[1]).integers()[0])};
                  made.numbers[tosa::kZeroPoint] = {
                      static_cast<double>(tensor(op.inputs[2]).integers()[0])};
                  made.code_min = range.first;
                  made.code_max = range.second;
                }};
  }

  static void set_kernel(Op& op, const FileOp& from) {
    op.filter_h = static_cast<int>(from.attributes.at("kernel")[0]);
    op.filter_w = static_cast<int>(from.attributes.at("kernel")[1]);
  }

  std::optional<Plan> pooled(const FileOp& op) {
    if (op.type == "AVG_POOL2D") return average_pool(op, op.outputs[0], {-128, 127});
    if (op.type != "MAX_POOL2D") return std::nullopt;
    return Plan{{op.inputs[0]}, [this, &op] {
                  Op& made = put(OpKind::kMaxPool2D, {op.inputs[0]}, op.outputs[0], op.type);
                  set_numbers(made, op, false);
                  set_kernel(made, op);
                }};
  }

  std::optional<Plan> moved(const FileOp& op) {
    using Move = void (Importer::*)(const FileOp&);
    static constexpr std::pair<std::string_view, Move> kMoves[] = {
        {"CONCAT", &Importer::concat},    {"GATHER", &Importer::gather},
        {"IDENTITY", &Importer::reshape}, {"PAD", &Importer::pad},
        {"RESHAPE", &Importer::reshape},  {"RESIZE", &Importer::resize},
        {"REVERSE", &Importer::reverse},  {"SLICE", &Importer::slice},
        {"TILE", &Importer::tile},        {"TRANSPOSE", &Importer::transpose}};
    const auto* found =
        std::ranges::find(kMoves, op.type, &std::pair<std::string_view, Move>::first);
    if (found == std::end(kMoves)) return std::nullopt;
    if (op.type == "GATHER" && (!constant(op.inputs[1]) || tensor(op.inputs[0]).shape[0] != 1))
      return std::nullopt;
    std::vector<int> needs = op.type == "CONCAT" ? op.inputs : std::vector<int>{op.inputs[0]};
    return Plan{std::move(needs), [this, &op, move = found->second] { (this->*move)(op); }};
  }

  void concat(const FileOp& op) {
    std::vector<int> inputs;
    for (const int t : op.inputs) inputs.push_back(constant(t) ? graph_.add(Tensor(tensor(t))) : t);
    put(OpKind::kConcatenation, inputs, op.outputs[0], op.type).axis =
        static_cast<int>(op.attributes.at("axis")[0]);
  }

  void reshape(const FileOp& op) { put(OpKind::kReshape, {op.inputs[0]}, op.outputs[0], op.type); }

  void pad(const FileOp& op) {
    const Values sides = tensor(op.inputs[1]).integers();
    const int value = graph_.add(Tensor(tensor(op.inputs[2])));
    graph_.tensors[at(value)].shape = {};
    const int rank = tensor(op.outputs[0]).rank();
    const int list = add_integers({sides.begin(), sides.end()}, {rank, 2});
    put(OpKind::kPadV2, {op.inputs[0], list, value}, op.outputs[0], op.type);
  }

  void slice(const FileOp& op) {
    const Values start = tensor(op.inputs[1]).integers(), size = tensor(op.inputs[2]).integers();
    std::vector<int> first(start.begin(), start.end()), last = first;
    for (std::size_t i = 0; i < last.size(); ++i) last[i] += static_cast<int>(size[i]);
    const int begin = add_integers(first), end = add_integers(last),
              steps = add_integers(std::vector<int>(first.size(), 1));
    put(OpKind::kStridedSlice, {op.inputs[0], begin, end, steps}, op.outputs[0], op.type);
  }

  void transpose(const FileOp& op) {
    const Values& axes = op.attributes.at("perms");
    const int list = add_integers({axes.begin(), axes.end()});
    put(OpKind::kTranspose, {op.inputs[0], list}, op.outputs[0], op.type);
  }

  /// Copies these elements of an axis into `out` or a new tensor. @return that tensor
  int elements(const FileOp& op, int from, int axis, const std::vector<int>& list, int out) {
    if (out < 0) {
      std::vector<int> shape = tensor(from).shape;
      shape[at(axis)] = static_cast<int>(list.size());
      out = add_like(from, std::move(shape));
    }
    const int places = add_integers(list);
    put(OpKind::kGather, {from, places}, out, op.type).axis = axis;
    return out;
  }

  void reverse(const FileOp& op) {
    const int axis = static_cast<int>(op.attributes.at("axis")[0]);
    std::vector<int> list(at(tensor(op.inputs[0]).shape[at(axis)]));
    std::iota(list.rbegin(), list.rend(), 0);
    elements(op, op.inputs[0], axis, list, op.outputs[0]);
  }

  void gather(const FileOp& op) {
    const Values list = tensor(op.inputs[1]).integers();
    elements(op, op.inputs[0], 1, {list.begin(), list.end()}, op.outputs[0]);
  }

  void resize(const FileOp& op) {
    const Tensor &in = tensor(op.inputs[0]), &out = tensor(op.outputs[0]);
    if (op.attributes.at("mode")[0] != host::tosa::kNearest) refuse(Reason::kOperator, "BILINEAR");
    const Values scale = tensor(op.inputs[1]).integers(), offset = tensor(op.inputs[2]).integers();
    std::vector<int> lists[2];
    for (std::size_t axis = 0; axis < 2; ++axis) {
      for (std::int64_t p = 0; p < out.shape[1 + axis]; ++p)
        lists[axis].push_back(
            static_cast<int>(host::tosa::source_of(p, scale[2 * axis], scale[2 * axis + 1],
                                                   offset[axis], in.shape[1 + axis])
                                 .nearest()));
    }
    elements(op, elements(op, op.inputs[0], 1, lists[0], -1), 2, lists[1], op.outputs[0]);
  }

  void tile(const FileOp& op) {
    const Values times = tensor(op.inputs[1]).integers();
    int from = op.inputs[0];
    std::vector<int> shape = tensor(from).shape;
    std::vector<std::size_t> axes;
    for (std::size_t axis = shape.size(); axis-- > 0;)
      if (times[axis] > 1) axes.push_back(axis);
    if (axes.empty()) return reshape(op);
    for (const std::size_t axis : axes) {
      if (times[axis] > kMostCopies) refuse(Reason::kShape, "{} copies", times[axis]);
      shape[axis] *= static_cast<int>(times[axis]);
      const int to = axis == axes.back() ? op.outputs[0] : add_like(from, shape);
      put(OpKind::kConcatenation, std::vector<int>(at(times[axis]), from), to, op.type).axis =
          static_cast<int>(axis);
      from = to;
    }
  }

  // ---- zero points ------------------------------------------------------------------------------
  // In TOSA, operators have zero points; here, tensors have them. Products require a zero point of
  // their operands; all tensors of a movement share one zero point.

  /// Stores the zero points that a product requires of its operands.
  void want(Op& op, const Values& zeros) {
    for (const std::int64_t zero : zeros)
      op.numbers[tosa::kZeroPoints].push_back(static_cast<double>(zero));
  }

  static bool moves(const Op& op) {
    return class_of(op.kind) == OpClass::kMovement || is_reshape(op.kind) ||
           op.kind == OpKind::kMaxPool2D;
  }

  void set_zero_points() {
    groups_ = Ties(graph_.tensors.size());
    for (const Op& op : graph_.ops)
      if (moves(op))
        for (const int t : op.inputs)
          if (tensor(t).type == DataType::kInt8) groups_.tie(t, op.outputs[0]);
    std::map<int, std::int64_t> zeros;
    std::vector<Op> ops;
    for (Op& op : graph_.ops) {
      const bool transposed = op.kind == OpKind::kTransposeConv;
      if (transposed || class_of(op.kind) == OpClass::kProduct || op.kind == OpKind::kBatchMatMul) {
        const std::vector<double> wanted = op.numbers.at(tosa::kZeroPoints);
        for (std::size_t k = 0; k < wanted.size(); ++k)
          read_at(op.inputs[transposed ? 2 : k], static_cast<std::int64_t>(wanted[k]), zeros, ops);
      }
      ops.push_back(std::move(op));
    }
    graph_.ops = std::move(ops);
    for (std::size_t t = 0; t < graph_.tensors.size(); ++t)
      if (const auto zero = zeros.find(groups_.root(static_cast<int>(t)));
          zero != zeros.end() && graph_.tensors[t].type == DataType::kInt8)
        graph_.tensors[t].quantization.zero_point = {zero->second};
  }

  /// Gives the tensor this zero point, or replaces it by a copy if another product requires another
  /// zero point.
  void read_at(int& t, std::int64_t zero, std::map<int, std::int64_t>& zeros,
               std::vector<Op>& ops) {
    const auto [found, is_new] = zeros.try_emplace(groups_.root(t), zero);
    if (found->second == zero) return;
    const int copy = add_like(t, tensor(t).shape);
    groups_.add(1);
    Op op = op_of(OpKind::kTable, 0, {t}, {copy});
    op.of_tosa = tosa::kSingle;
    const Values codes = all_codes();
    op.numbers[tosa::kTable].assign(codes.begin(), codes.end());
    ops.push_back(std::move(op));
    zeros[copy] = zero;
    t = copy;
  }

  tosa::File file_;
  Graph graph_;
  std::vector<int> readers_, maker_;
  std::map<int, Function> functions_;
  std::set<int> made_;
  Ties groups_;  ///< tensors that have one zero point
  std::int64_t folded_ = 0;
  int index_ = 0;
};

}  // namespace

Graph parse_tosa(const std::vector<std::uint8_t>& bytes, const std::string& file) {
  return Importer(tosa::read_file(bytes, file), file).run();
}

}  // namespace trine::model
