// SPDX-License-Identifier: Apache-2.0
//
// Networks in the ONNX forms of PyTorch's exporters and their quantizers: windows over one axis,
// reductions over any axis, unfolded normalizations, constants that are joined or compared.

#include "tools/random/onnx/exported.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>

#include "sw/base/error.h"
#include "tools/random/networks.h"
#include "tools/random/onnx/onnx_writer.h"

namespace trine::fuzz {
namespace {

using model::DataType;
using model::onnx_file::File;

/// Draws operators in a chain, each between quantizers.
class Exported : OnnxWriter {
 public:
  explicit Exported(Builder& b) : OnnxWriter(b) {
    const int kind = b.number(0, 4), N = once_in(b, 5) ? 2 : 1;
    if (kind < 2)
      shape_ = {N, channels(), extent(b_, 12), extent(b_, 12)};
    else if (kind == 2)
      shape_ = {N, channels(), extent(b_, 32)};
    else if (kind == 3)
      shape_ = {N, extent(b_, 8), channels()};
    else
      shape_ = {N, extent(b_, 64)};
    file_.inputs.push_back({"in", DataType::kFloat32, shape_, ""});
    last_ = "in";
    quantize();
  }

  /// Ends the network in floats after the last DequantizeLinear, in the codes before it, or with an
  /// operator without a quantizer after it.
  File made() {
    enum { kFloats, kCodes, kOperator };
    const int end = b_.number(kFloats, kOperator);
    for (int n = 0; more(b_, n, end == kOperator ? 0 : 1, 6); ++n) {
      step();
      quantize();
    }
    if (end == kCodes) {
      last_ = file_.nodes.back().inputs[0];
      file_.nodes.pop_back();
    }
    if (end == kOperator) {
      quantized_ = ending_here();
      step();
      if (once_in(b_, 3)) regrouped();
    }
    return ending_here();
  }

  /// Returns the network before the last operator, if that has no quantizer after it.
  const std::optional<File>& quantized() const { return quantized_; }

 private:
  std::optional<File> quantized_;

  File ending_here() const {
    File file = file_;
    file.outputs = {last_};
    return file;
  }

  int channels() { return extent(b_, 16); }

  // --- Operators -------------------------------------------------------------------------------

  void step() {
    using Step = void (Exported::*)();
    std::vector<Step> steps = {
        &Exported::function, &Exported::arithmetic, &Exported::constants, &Exported::reduction,
        &Exported::gather,   &Exported::slice,      &Exported::transpose, &Exported::joined,
        &Exported::padded,   &Exported::repeated,   &Exported::softmax,   &Exported::normalization,
        &Exported::composed, &Exported::product,    &Exported::regrouped, &Exported::halves,
        &Exported::expanded, &Exported::earlier};
    if (rank() >= 3) steps.insert(steps.begin(), {&Exported::attention, &Exported::sloped});
    if (rank() == 3 || rank() == 4)
      for (int i = 0; i < 2; ++i)
        steps.insert(steps.begin(), {&Exported::convolution, &Exported::pool, &Exported::transposed,
                                     &Exported::by_channels, &Exported::of_groups,
                                     &Exported::whole_pool, &Exported::excited});
    if (rank() == 4) steps.insert(steps.begin(), {&Exported::resized, &Exported::blocks});
    (this->*any(b_, steps))();
  }

  Ints spatial(const std::function<int()>& value) {
    Ints values;
    for (int i = 2; i < rank(); ++i) values.push_back(value());
    return values;
  }

  void convolution() {
    const Ints k = spatial([&] { return b_.number(1, 3); });
    const Ints stride = spatial([&] { return b_.number(1, 2); });
    const Ints dilations = spatial([&] { return b_.number(1, 2); });
    Ints pads(2 * k.size());
    std::vector<int> to = shape_;
    for (std::size_t i = 0; i < k.size(); ++i) {
      const int reach = static_cast<int>((k[i] - 1) * dilations[i] + 1);
      pads[i] = b_.number(0, 1) * (reach / 2);
      pads[i + k.size()] =
          std::max<std::int64_t>(reach - shape_[i + 2] - pads[i], b_.number(0, 1) * (reach / 2));
      to[i + 2] =
          static_cast<int>((shape_[i + 2] + pads[i] + pads[i + k.size()] - reach) / stride[i] + 1);
    }
    const int C = shape_[1];
    const int groups = once_in(b_, 3) ? C : C % 2 == 0 && once_in(b_, 4) ? 2 : 1;
    const int M = groups > 1 ? C * b_.number(1, 2) : channels();
    std::vector<int> w = {M, C / groups};
    w.insert(w.end(), k.begin(), k.end());
    std::map<std::string, Attribute> attributes{
        {"strides", ints(stride)}, {"dilations", ints(dilations)}, {"group", ints({groups})}};
    if (once_in(b_, 4)) {
      attributes["auto_pad"] = text(once_in(b_, 2) ? "SAME_LOWER" : "SAME_UPPER");
      for (std::size_t i = 0; i < k.size(); ++i)
        to[i + 2] = static_cast<int>((shape_[i + 2] + stride[i] - 1) / stride[i]);
    } else {
      attributes["pads"] = ints(pads);
    }
    then("Conv", {codes(w, 0), floats({M}, -64, 64)}, attributes);
    to[1] = M;
    shape_ = to;
    if (once_in(b_, 3)) by_channels();
    activated();
  }

  void transposed() {
    const Ints k = spatial([&] { return b_.number(1, 4); });
    const Ints stride = spatial([&] { return b_.number(1, 3); });
    const int C = shape_[1], M = channels();
    Ints pads(2 * k.size()), more_out(k.size());
    std::vector<int> to = shape_;
    for (std::size_t i = 0; i < k.size(); ++i) {
      const auto whole = (shape_[i + 2] - 1) * stride[i] + k[i];
      pads[i] = std::min<std::int64_t>(b_.number(0, 1), whole - 1);
      pads[i + k.size()] = std::min<std::int64_t>(b_.number(0, 1), whole - 1 - pads[i]);
      more_out[i] = b_.number(0, static_cast<int>(stride[i]) - 1);
      to[i + 2] = static_cast<int>(whole - pads[i] - pads[i + k.size()] + more_out[i]);
    }
    if (std::any_of(to.begin() + 2, to.end(), [](int e) { return e > 64; })) return function();
    std::vector<int> w = {C, M};
    w.insert(w.end(), k.begin(), k.end());
    then("ConvTranspose", {codes(w, 1), floats({M}, -64, 64)},
         {{"strides", ints(stride)}, {"pads", ints(pads)}, {"output_padding", ints(more_out)}});
    to[1] = M;
    shape_ = to;
    activated();
  }

  void pool() {
    const bool most = b_.number(0, 1) == 0;
    const Ints k = spatial([&] { return b_.number(1, 3); });
    const Ints stride = spatial([&] { return b_.number(1, 2); });
    const bool ceils = b_.number(0, 1) == 1;
    Ints pads(2 * k.size());
    std::vector<int> to = shape_;
    for (std::size_t i = 0; i < k.size(); ++i) {
      const int extent = shape_[i + 2];
      pads[i] = b_.number(0, 1) * (k[i] / 2);
      pads[i + k.size()] =
          std::max<std::int64_t>(k[i] - extent - pads[i], b_.number(0, 1) * (k[i] / 2));
      if (pads[i + k.size()] >= k[i]) return function();
      const auto room = extent + pads[i] + pads[i + k.size()] - k[i];
      auto count = (ceils ? (room + stride[i] - 1) / stride[i] : room / stride[i]) + 1;
      if (ceils && (count - 1) * stride[i] >= extent + pads[i]) --count;
      to[i + 2] = static_cast<int>(count);
    }
    std::map<std::string, Attribute> attributes{{"kernel_shape", ints(k)},
                                                {"strides", ints(stride)},
                                                {"pads", ints(pads)},
                                                {"ceil_mode", ints({ceils})}};
    if (!most) attributes["count_include_pad"] = ints({b_.number(0, 1)});
    then(most ? "MaxPool" : "AveragePool", {}, attributes);
    shape_ = to;
  }

  void by_channels() {
    const int C = shape_[1];
    const auto one = [&](int low, int high) { return floats({C}, low, high); };
    const std::string scale = one(16, 128), bias = one(-64, 64), mean = one(-64, 64);
    then("BatchNormalization", {scale, bias, mean, one(32, 128)});
    if (b_.number(0, 1) == 0) then("Relu");
  }

  void of_groups() {
    const int C = shape_[1];
    if (elements() > 2048) return by_channels();
    const std::string scale = floats({C}, 32, 128), bias = floats({C}, -64, 64);
    if (once_in(b_, 2)) return then("InstanceNormalization", {scale, bias});
    if (!since(21)) return by_channels();  // one scale per group in earlier opsets
    then("GroupNormalization", {scale, bias}, {{"num_groups", ints({C % 2 == 0 ? 2 : 1})}});
  }

  void resized() {
    if (shape_[2] > 16 || shape_[3] > 16) return function();
    const int f = b_.number(2, 4);
    const bool even = once_in(b_, 2);
    Constant scales;
    scales.shape = {4};
    scales.values = {1, 1, double(f), double(f)};
    then("Resize", {"", constant(std::move(scales))},
         {{"mode", text("linear")},
          {"coordinate_transformation_mode", text(even ? "asymmetric" : "half_pixel")}});
    shape_ = {shape_[0], shape_[1], f * shape_[2], f * shape_[3]};
  }

  void blocks() {
    const bool depth = shape_[1] % 4 == 0;
    if (!depth && (shape_[2] % 2 != 0 || shape_[3] % 2 != 0)) return function();
    if (depth)
      then("DepthToSpace", {},
           {{"blocksize", ints({2})}, {"mode", text(b_.number(0, 1) == 0 ? "DCR" : "CRD")}});
    else
      then("SpaceToDepth", {}, {{"blocksize", ints({2})}});
    if (depth)
      shape_ = {shape_[0], shape_[1] / 4, 2 * shape_[2], 2 * shape_[3]};
    else
      shape_ = {shape_[0], 4 * shape_[1], shape_[2] / 2, shape_[3] / 2};
  }

  void function() {
    then(any(b_, std::vector<const char*>{
                     "Relu", "Sigmoid",   "Tanh", "Elu",   "Softplus", "Mish",       "Selu",
                     "Celu", "HardSwish", "Gelu", "Erf",   "Abs",      "Neg",        "Softsign",
                     "Exp",  "LeakyRelu", "Sign", "Floor", "Round",    "HardSigmoid"}));
  }

  void arithmetic() {
    const char* type = any(b_, std::vector<const char*>{"Add", "Mul", "Sub", "Max", "Min"});
    const std::string before = last_;
    function();
    quantize();
    last_ = add(type, {before, last_});
  }

  void constants() {
    const bool most = b_.number(0, 1) == 0;
    if (once_in(b_, 2)) return then(most ? "Max" : "Min", {floats(shape_, -128, 128)});
    Constant mask;
    mask.type = DataType::kBool;
    mask.shape = shape_;
    for (std::int64_t i = elements(); i > 0; --i) mask.values.push_back(b_.content(0, 1));
    const std::string which = constant(std::move(mask)), other = floats({1}, -128, 128);
    last_ =
        add("Where", most ? std::vector{which, last_, other} : std::vector{which, other, last_});
  }

  void reduction() {
    Ints axes;
    for (int i = 1; i < rank(); ++i)
      if (b_.number(0, 1) == 1) axes.push_back(i);
    if (axes.empty()) axes = {rank() - 1};
    const bool keeps = rank() - static_cast<int>(axes.size()) < 2 || b_.number(0, 1) == 0;
    const char* type =
        any(b_, std::vector<const char*>{"ReduceMean", "ReduceMax", "ReduceMin", "ReduceSum"});
    along(type, axes, type == std::string("ReduceSum") ? 13 : 18, {{"keepdims", ints({keeps})}});
    for (std::size_t i = axes.size(); i-- > 0;)
      if (keeps)
        shape_[static_cast<std::size_t>(axes[i])] = 1;
      else
        shape_.erase(shape_.begin() + axes[i]);
  }

  int any_axis() { return b_.number(1, rank() - 1); }

  void gather() {
    const int axis = any_axis(), of = shape_[static_cast<std::size_t>(axis)];
    if (rank() == 4 && once_in(b_, 3)) {  // one of the axes
      const std::string index =
          numbers(DataType::kInt64, {static_cast<double>(b_.number(-of, of - 1))}, true);
      then("Gather", {index}, {{"axis", ints({axis})}});
      shape_.erase(shape_.begin() + axis);
      return;
    }
    Ints indices;
    for (int n = extent(b_, 8); n > 0; --n) indices.push_back(b_.number(0, of - 1));
    then("Gather", {list(indices)}, {{"axis", ints({axis})}});
    shape_[static_cast<std::size_t>(axis)] = static_cast<int>(indices.size());
  }

  void slice() {
    const int axis = any_axis(), of = shape_[static_cast<std::size_t>(axis)];
    const int begin = b_.number(0, of - 1), step = b_.number(1, 3);
    then("Slice", {list({begin}), list({Ints::value_type{1} << 62}), list({axis}), list({step})});
    shape_[static_cast<std::size_t>(axis)] = (of - begin - 1) / step + 1;
  }

  void transpose() {
    Ints order(shape_.size());
    std::iota(order.begin(), order.end(), 0);
    std::vector<std::int64_t> rest(order.begin() + 1, order.end());
    rest = shuffled(b_, rest);
    std::copy(rest.begin(), rest.end(), order.begin() + 1);
    then("Transpose", {}, {{"perm", ints(order)}});
    const std::vector<int> from = shape_;
    for (std::size_t i = 0; i < order.size(); ++i)
      shape_[i] = from[static_cast<std::size_t>(order[i])];
  }

  void joined() {
    const int axis = any_axis();
    std::vector<int> part = shape_;
    part[static_cast<std::size_t>(axis)] = b_.number(1, 4);
    const std::string other = b_.number(0, 1) == 0 ? codes(part) : floats(part, -128, 128);
    const bool first = b_.number(0, 1) == 0;
    last_ = add("Concat", first ? std::vector{other, last_} : std::vector{last_, other},
                {{"axis", ints({axis})}});
    shape_[static_cast<std::size_t>(axis)] += part[static_cast<std::size_t>(axis)];
  }

  void padded() {
    const char* mode = any(b_, std::vector<const char*>{"constant", "edge", "reflect", "wrap"});
    Ints pads(2 * shape_.size());
    for (int i = 1; i < rank(); ++i)
      for (const std::size_t side : {std::size_t{0}, shape_.size()}) {
        const auto at = static_cast<std::size_t>(i);
        pads[at + side] = b_.number(0, 1) * b_.number(0, std::min(2, shape_[at] - 1));
      }
    const std::string border = numbers(DataType::kFloat32, {double(b_.number(0, 2)) / 8}, true);
    then("Pad", {list(pads), border}, {{"mode", text(mode)}});
    for (std::size_t i = 0; i < shape_.size(); ++i)
      shape_[i] += static_cast<int>(pads[i] + pads[i + shape_.size()]);
  }

  void repeated() {
    if (elements() > 2048) return function();
    Ints times(shape_.size(), 1);
    times[static_cast<std::size_t>(any_axis())] = b_.number(1, 3);
    then("Tile", {list(times)});
    for (std::size_t i = 0; i < shape_.size(); ++i) shape_[i] *= static_cast<int>(times[i]);
  }

  void softmax() { then("Softmax", {}, {{"axis", ints({any_axis()})}}); }

  void normalization() {
    if (!since(17)) return decomposed();
    const int axis = any_axis();
    const std::vector<int> of(shape_.begin() + axis, shape_.end());
    if (model::elements_of(of) > 2048) return function();
    then("LayerNormalization", {floats(of, 32, 128), floats(of, -64, 64)},
         {{"axis", ints({axis})}});
  }

  /// Adds a layer normalization of float32 operators.
  void decomposed() {
    const int C = shape_.back();
    if (C > 2048) return function();
    const auto mean = [&] { along("ReduceMean", {-1}, 18, {{"keepdims", ints({1})}}); };
    const std::string x = last_;
    mean();
    const std::string centered = last_ = add("Sub", {x, last_});
    then("Pow", {number(2)});
    mean();
    then("Add", {number(1e-5)});
    then("Sqrt");
    last_ = add("Div", {centered, last_});
    then("Mul", {floats({C}, 32, 128)});
    then("Add", {floats({C}, -64, 64)});
  }

  // --- Several operators that stand for one ------------------------------------------------------

  /// Sometimes adds an activation directly after a product, without a quantizer in between.
  void activated() {
    if (!once_in(b_, 3)) return;
    if (once_in(b_, 2)) return then("Clip", {number(0), number(6)});
    then("Relu");
  }

  /// Adds SiLU, GELU, HardSwish or a square.
  void composed() {
    const std::string x = last_;
    switch (b_.number(0, 3)) {
      case 0:
        then("Pow", {number(2)});
        break;
      case 1:
        then("Sigmoid");
        if (once_in(b_, 2)) quantize();
        last_ = add("Mul", {x, last_});
        break;
      case 2:
        then("Div", {number(std::sqrt(2.0))});
        then("Erf");
        then("Add", {number(1)});
        last_ = add("Mul", {x, last_});
        then("Mul", {number(0.5)});
        break;
      default:
        then("Add", {number(3)});
        then("Clip", {number(0), number(6)});
        last_ = add("Mul", {x, last_});
        then("Div", {number(6)});
    }
  }

  /// Returns a shape of one number for each channel of an image or sequence.
  std::vector<int> of_channels() const {
    std::vector<int> shape(shape_.size() - 1, 1);
    shape[0] = shape_[1];
    return shape;
  }

  void sloped() {
    if (once_in(b_, 2)) return then("PRelu", {floats(of_channels(), -32, 64)});
    then("Mul", {floats(of_channels(), -128, 128)});
    then("Add", {floats(of_channels(), -64, 64)});
  }

  void whole_pool() {
    then(any(b_, std::vector<const char*>{"GlobalAveragePool", "GlobalMaxPool"}));
    std::fill(shape_.begin() + 2, shape_.end(), 1);
  }

  /// Adds channels weighted by a function of their means.
  void excited() {
    const auto [x, shape] = std::pair{last_, shape_};
    then("GlobalAveragePool");
    std::fill(shape_.begin() + 2, shape_.end(), 1);
    quantize();
    then(any(b_, std::vector<const char*>{"Sigmoid", "HardSigmoid"}));
    quantize();
    last_ = add("Mul", {x, last_});
    shape_ = shape;
  }

  // --- Matrix products ---------------------------------------------------------------------------

  void product() {
    const int K = shape_.back(), M = channels();
    if (K > 512) return function();
    if (rank() == 2 && once_in(b_, 2)) {
      const bool turned = b_.number(0, 1) == 1;
      then("Gemm", {turned ? codes({M, K}, 0) : codes({K, M}, 1), floats({M}, -64, 64)},
           {{"transB", ints({turned})}});
    } else {
      then("MatMul", {codes({K, M}, 1)});
      if (once_in(b_, 2)) then("Add", {floats({M}, -64, 64)});
    }
    shape_.back() = M;
    activated();
  }

  /// Adds products of rows with each other, sometimes with a mask, and a mix by their shares.
  void attention() {
    const std::string x = last_;
    const std::vector<int> shape = shape_;
    const int T = shape_[shape_.size() - 2];
    if (elements() > 2048 || T > 64) return function();
    if (rank() == 3 && once_in(b_, 3)) {
      last_ = add("Einsum", {x, x}, {{"equation", text("bik,bjk->bij")}});
    } else {
      Ints order(shape_.size());
      std::iota(order.begin(), order.end(), 0);
      std::swap(order.back(), order[order.size() - 2]);
      then("Transpose", {}, {{"perm", ints(order)}});
      last_ = add("MatMul", {x, last_});
    }
    shape_.back() = T;
    quantize();
    if (once_in(b_, 3)) {
      then("Add", {codes({T, T})});
      quantize();
    }
    then("Softmax", {}, {{"axis", ints({rank() - 1})}});
    quantize();
    last_ = add("MatMul", {last_, x});
    shape_ = shape;
  }

  // --- Maps in other axes, several maps ----------------------------------------------------------

  /// Regroups the same elements into other axes.
  void regrouped() {
    const int kind = b_.number(0, 3);
    const auto single = std::find(shape_.begin() + 1, shape_.end(), 1);
    if (kind == 1 && rank() < 4) {
      const int at = b_.number(1, rank());
      along("Unsqueeze", {at}, 13);
      shape_.insert(shape_.begin() + at, 1);
    } else if (kind == 2 && rank() > 2 && single != shape_.end()) {
      along("Squeeze", {single - shape_.begin()}, 13);
      shape_.erase(single);
    } else if (kind == 3 && rank() > 2) {  // joins neighbouring axes
      const auto at = static_cast<std::size_t>(b_.number(1, rank() - 2));
      shape_[at] *= shape_[at + 1];
      shape_.erase(shape_.begin() + static_cast<std::ptrdiff_t>(at) + 1);
      then("Reshape", {list({shape_.begin(), shape_.end()})});
    } else {
      then("Flatten");
      shape_ = {shape_[0], static_cast<int>(elements() / shape_[0])};
    }
  }

  /// Splits an axis into halves: exchanges them, or uses one as a gate of the other.
  void halves() {
    const int axis = any_axis();
    int& extent = shape_[static_cast<std::size_t>(axis)];
    if (extent % 2 != 0) return function();
    std::map<std::string, Attribute> attributes{{"axis", ints({axis})}};
    if (since(18)) attributes["num_outputs"] = ints({2});
    const std::string first = add("Split", {last_}, attributes), second = fresh();
    file_.nodes.back().outputs.push_back(second);
    if (once_in(b_, 2)) {
      last_ = add("Concat", {second, first}, {{"axis", ints({axis})}});
      return;
    }
    extent /= 2;
    last_ = second;
    then("Sigmoid");
    quantize();
    last_ = add("Mul", {first, last_});
  }

  /// Repeats the largest element of an axis.
  void expanded() {
    const int axis = any_axis();
    along("ReduceMax", {axis}, 18, {{"keepdims", ints({1})}});
    then("Expand", {list({shape_.begin(), shape_.end()})});
  }

  /// Combines the map with an earlier one of the same shape.
  void earlier() {
    std::vector<std::string> others;
    for (const auto& [name, shape] : maps_)
      if (shape == shape_ && name != last_) others.push_back(name);
    if (others.empty()) return function();
    const std::string other = any(b_, others);
    if (once_in(b_, 2)) {
      last_ = add(any(b_, std::vector<const char*>{"Add", "Mul", "Max"}), {last_, other});
      return;
    }
    const int axis = any_axis();
    last_ = add("Concat", {last_, other}, {{"axis", ints({axis})}});
    shape_[static_cast<std::size_t>(axis)] *= 2;
  }
};

}  // namespace

model::Graph from_codes(model::Graph graph) {
  const auto first = std::ranges::find(graph.ops, OpKind::kQuantize, &model::Op::kind);
  graph.inputs = {first->outputs[0]};
  graph.ops.erase(graph.ops.begin(), first + 1);
  return graph;
}

ExportedFile exported_file(Builder& b) {
  Exported network(b);
  ExportedFile made{network.made()};
  try {
    model::onnx_file::graph_of(made.file, false);
  } catch (const Error&) {
    // A network may end in floats that only the host computes, as long as the host computes nothing
    // else.
    if (!network.quantized()) throw;
    model::onnx_file::graph_of(*network.quantized(), false);
    made.host_at_end = true;
  }
  return made;
}

void make_exported(Builder& b) {
  ExportedFile made = exported_file(b);
  b.host_at_end = made.host_at_end;
  b.graph = from_codes(model::onnx_file::graph_of(std::move(made.file), made.host_at_end));
}

}  // namespace trine::fuzz
