// SPDX-License-Identifier: Apache-2.0

#include "sw/model/onnx/read/file.h"

#include <fmt/ranges.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/stubs/logging.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <mutex>
#include <set>

#include "sw/base/error.h"
#include "sw/model/graph/elements.h"
#include "sw/model/graph/indices.h"
#include "sw/model/graph/refusal.h"
#include "sw/model/onnx/read/functions.h"

namespace trine::model::onnx_file {
namespace {

using host::onnx::type_of;

constexpr std::int64_t kMaxElements = std::int64_t{1} << 31;
/// Attributes that change results if they are not 0, and are not supported here, except that int16
/// codes may be requested by name.
constexpr const char* kZero[] = {"block_size", "output_dtype"};

/// Returns true if a value of a typed field fits the element type.
bool fits(DataType type, double value) {
  switch (type) {
    case DataType::kFloat32:
      return true;
    case DataType::kUInt8:
      return value >= 0 && value <= 255;
    case DataType::kInt8:
      return value >= -128 && value <= 127;
    case DataType::kInt16:
      return value >= INT16_MIN && value <= INT16_MAX;
    case DataType::kBool:
      return value == 0 || value == 1;
    default:
      return std::abs(value) <= 0x1p53;
  }
}

/// ONNX 1.21. A later opset may define operators of the same names differently.
constexpr std::int64_t kNewestOpset = 26;

constexpr int kUInt4 = 21, kInt4 = 22, kFloat4 = 23;  ///< ONNX 1.16, 1.18 and later
constexpr int kFloat8E4M3Fnuz = 18, kFloat8E5M2Fnuz = 20;

bool is_half(std::int64_t type) {
  return type == onnx::TensorProto::FLOAT16 || type == onnx::TensorProto::BFLOAT16;
}

class Reader {
 public:
  Reader(onnx::ModelProto& model, std::string name, const GivenShapes& shapes)
      : model_(model), shapes_(shapes) {
    file_.name = std::move(name);
  }

  File run() {
    for (const auto& opset : model_.opset_import())
      if (opset.domain().empty() || opset.domain() == "ai.onnx") file_.opset = opset.version();
    if (file_.opset > kNewestOpset)
      fail("opset {}, allowed up to {}: export for an earlier one", file_.opset, kNewestOpset);
    for (const auto& entry : model_.metadata_props())
      if (entry.key() == kFormatKey) set_format(entry.value());
    onnx::GraphProto& graph = *model_.mutable_graph();
    for (auto& tensor : *graph.mutable_initializer())
      file_.constants[tensor.name()] = constant(tensor, "initializer '" + tensor.name() + "'");
    if (graph.sparse_initializer_size() != 0) fail("sparse initializers are not supported");
    for (const auto& input : graph.input())
      if (file_.constants.count(input.name()) == 0) add(this->input(input));
    check_given();
    if (file_.inputs.empty() && !empty_.empty())
      fail("input '{}' has no elements, and there is no other input", *empty_.begin());
    for (const auto& output : graph.output()) this->output(output);
    for (auto& node : *graph.mutable_node()) file_.nodes.push_back(this->node(node));
    check_names();
    annotate();
    if (file_.outputs.empty()) fail("the graph has no output");
    return std::move(file_);
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) const {
    throw Error(file_.name + ": " + fmt::format(text, std::forward<Args>(args)...));
  }

  void set_format(const std::string& name) {
    const auto format = spec::format_named(name);
    std::vector<std::string_view> allowed;
    for (const spec::FormatRow& row : spec::kFormats)
      if (row.in_int16() && row.bits > 0) allowed.push_back(row.name);
    if (!format || !spec::row_of(*format).in_int16())
      fail("metadata '{}': {}{}, allowed {}", kFormatKey, name,
           format ? fmt::format(" has {} bits of fixed point", spec::row_of(*format).bits) : "",
           fmt::join(allowed, " "));
    file_.format = *format;
  }

  bool quantizes() const {
    return std::ranges::any_of(model_.graph().node(), [](const auto& node) {
      return node.op_type() == "QuantizeLinear" || node.op_type() == "DequantizeLinear";
    });
  }

  /// Refuses types that users have, in their terms.
  void refuse_others(int type, const std::string& what) const {
    if (is_half(type) && quantizes())
      fail(
          "{}: its quantizers compute in float16, allowed float32: export scales and floats in "
          "float32",
          what);
    if (is_half(type)) refuse_float(file_.name, kFloat16);
    if (type == kFloat8E4M3Fnuz || type == kFloat8E5M2Fnuz)
      fail("{}: type FLOAT8{}FNUZ, allowed FLOAT8E4M3FN and FLOAT8E5M2", what,
           type == kFloat8E4M3Fnuz ? "E4M3" : "E5M2");
    if (type == onnx::TensorProto::UINT16)
      fail("{}: uint16, allowed int8 uint8 int16: quantize activations to QInt16, symmetric", what);
  }

  /// Converts codes of FLOAT8E4M3FN and FLOAT8E5M2 to fixed-point values.
  void be_fixed(spec::Format format, const std::string& what, Constant* constant) const {
    for (double& value : constant->values) {
      const auto code = static_cast<std::uint8_t>(static_cast<int>(value));
      const auto fixed = spec::fixed_of(format, code);
      if (!fixed)
        fail("{}: code {:#x} of {} is not a number", what, code, spec::row_of(format).name);
      value = static_cast<double>(*fixed);
    }
    constant->unit = std::ldexp(1.0f, -spec::row_of(format).fraction);
    constant->format = format;
  }

  /// Returns a constant. Moves the tensor's raw bytes, if there are any.
  ConstantPointer constant(onnx::TensorProto& tensor, const std::string& what) const {
    const spec::Format format = spec::format_of_onnx(tensor.data_type());
    const bool eight = format != spec::Format::kNone;
    const bool halves = tensor.data_type() == kFloat4;
    const bool nibbles = halves || tensor.data_type() == kUInt4 || tensor.data_type() == kInt4;
    const auto type = eight                          ? DataType::kUInt8
                      : !nibbles                     ? type_of(tensor.data_type())
                      : tensor.data_type() == kUInt4 ? DataType::kUInt8
                                                     : DataType::kInt8;
    refuse_others(tensor.data_type(), what);
    if (!type)
      fail("{}: element type {}, allowed float uint8 int8 int16 int32 int64 bool", what,
           tensor.data_type());
    auto result = std::make_shared<Constant>();
    result->type = *type;
    for (const std::int64_t extent : tensor.dims()) {
      if (extent < 0 || extent >= kMaxElements) fail("{}: extent {}", what, extent);
      result->shape.push_back(static_cast<int>(extent));
    }
    const std::int64_t wanted = elements_of(result->shape);
    if (wanted < 0) fail("{}: more than 2^31 elements", what);
    const bool outside = tensor.data_location() == onnx::TensorProto::EXTERNAL;
    const auto bytes =
        static_cast<std::uint64_t>(nibbles ? (wanted + 1) / 2 : wanted * bytes_of(*type));
    const auto raw = std::make_shared<const std::string>(
        outside ? external(tensor, what, bytes) : std::move(*tensor.mutable_raw_data()));
    result->values = values(tensor, raw, nibbles ? DataType::kUInt8 : *type);
    if (nibbles)
      result->values = nibbles_of(result->values, *type, static_cast<std::size_t>(wanted));
    if (halves) {
      for (double& value : result->values) value = twice_float4(value);
      result->unit = 0.5f;
    }
    if (eight) {
      be_fixed(format, what, result.get());
      result->type = DataType::kInt64;
    }
    if (*type == DataType::kInt64)  // larger ones are not exact in a double; they mean "to the end"
      for (double& value : result->values) value = std::clamp(value, -0x1p53, 0x1p53);
    const bool whole = raw->size() % static_cast<std::size_t>(bytes_of(*type)) == 0;
    if (!whole || static_cast<std::int64_t>(result->values.size()) != wanted)
      fail("{}: {} values, but its shape needs {}", what, result->values.size(), wanted);
    for (const double value : std::as_const(result->values))
      if (!fits(result->type, value)) fail("{}: value {} is out of its type's range", what, value);
    return result;
  }

  /// Returns the bytes of a constant in a separate file, which is PyTorch's default.
  std::string external(const onnx::TensorProto& tensor, const std::string& what,
                       std::uint64_t bytes) const {
    std::map<std::string, std::string> keys;
    for (const auto& entry : tensor.external_data()) keys[entry.key()] = entry.value();
    const std::filesystem::path location = keys["location"];
    if (location.empty() || location.is_absolute() ||
        std::find(location.begin(), location.end(), "..") != location.end())
      fail("{}: external data in '{}', allowed a file in the model's folder", what,
           location.string());
    const auto path = std::filesystem::path(file_.name).parent_path() / location;
    std::error_code error;
    const std::uint64_t size = std::filesystem::file_size(path, error);
    if (error || !std::filesystem::is_regular_file(path))
      fail("{}: external data in '{}', which cannot be read; store it next to the model", what,
           path.string());
    const std::uint64_t offset = std::strtoull(keys["offset"].c_str(), nullptr, 10);
    if (offset > size || bytes > size - offset)
      fail("{}: {} bytes at {} of '{}', which has only {} bytes", what, bytes, offset,
           path.string(), size);
    std::string raw(static_cast<std::size_t>(bytes), '\0');
    std::ifstream stream(path, std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(offset));
    if (!stream.read(raw.data(), static_cast<std::streamsize>(bytes)))
      fail("{}: '{}' cannot be read", what, path.string());
    return raw;
  }

  /// Converts values when they are read. The file's bytes are kept, because large constants are
  /// weights of one byte each.
  static NumberList<double> values(const onnx::TensorProto& tensor,
                                   const std::shared_ptr<const std::string>& raw, DataType type) {
    if (!raw->empty())
      return with_type(type, [&]<typename T>(T) -> NumberList<double> {
        return {raw->size() / sizeof(T), [raw](std::size_t i) {
                  T value{};
                  std::memcpy(&value, raw->data() + i * sizeof(T), sizeof(T));
                  return static_cast<double>(value);
                }};
      });
    if (type == DataType::kFloat32)
      return std::vector<double>{tensor.float_data().begin(), tensor.float_data().end()};
    if (type != DataType::kInt64)
      return std::vector<double>{tensor.int32_data().begin(), tensor.int32_data().end()};
    std::vector<double> result;
    for (const std::int64_t value : tensor.int64_data())
      result.push_back(static_cast<double>(value));
    return result;
  }

  /// Returns codes of four bits. A byte holds two, the first in its low half.
  static NumberList<double> nibbles_of(const NumberList<double>& bytes, DataType type,
                                       std::size_t count) {
    if (bytes.size() != (count + 1) / 2) return bytes;  // reported as a wrong number of values
    return {count, [bytes, is_signed = type == DataType::kInt8](std::size_t i) {
              const int half = static_cast<int>(bytes[i / 2]) >> (i % 2 * 4) & 0xf;
              return static_cast<double>(is_signed ? (half ^ 8) - 8 : half);
            }};
  }

  /// Returns twice the value of an E2M1 code in two's complement: sign, two exponent bits, one
  /// mantissa bit.
  static double twice_float4(double code) {
    static constexpr double kTwice[] = {0, 1, 2, 3, 4, 6, 8, 12};
    const unsigned bits = static_cast<unsigned>(static_cast<int>(code)) & 15;
    return bits < 8 ? kTwice[bits] : -kTwice[bits - 8];
  }

  /// Checks that values that are not whole numbers have a scale.
  void check_units(const Node& node) const {
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const auto found = file_.constants.find(node.inputs[i]);
      if (found == file_.constants.end() || found->second->unit == 1) continue;
      const bool dequantizes = node.type == "DequantizeLinear";
      const bool of_weights = dequantizes && file_.constants.contains(node.inputs[0]);
      const bool of_codes = found->second->format == spec::Format::kE4M3 &&
                            (dequantizes || node.type == "QuantizeLinear");
      const bool zero = i == 2 && (of_weights || of_codes) &&
                        std::ranges::all_of(found->second->values, [](double v) { return v == 0; });
      if (zero) continue;  // determines the type of codes
      if (!dequantizes || i != 0)
        fail(
            "node {} {}: '{}' is FLOAT4E2M1 or FLOAT8, allowed only as first input of "
            "DequantizeLinear, or as zero point 0 (of activations: of FLOAT8E4M3FN)",
            node.index, node.type, node.inputs[i]);
    }
  }

  /// Checks that each name has one value: an input, a constant or a node's output.
  void check_names() const {
    std::set<std::string_view> names;
    for (const Input& input : file_.inputs) names.insert(input.name);
    for (const auto& [name, value] : file_.constants) names.insert(name);
    for (const Node& node : file_.nodes)
      for (const std::string& output : node.outputs)
        if (!output.empty() && !names.insert(output).second)
          fail("node {} {}: output '{}' is also the name of another value", node.index, node.type,
               output);
  }

  /// Adds an input. An input without elements, such as an empty cache after --shape, becomes a
  /// constant.
  void add(Input input) {
    if (elements_of(input.shape) > 0) {
      file_.inputs.push_back(std::move(input));
      return;
    }
    auto empty = std::make_shared<Constant>();
    empty->type = input.type;
    empty->shape = input.shape;
    file_.constants[input.name] = std::move(empty);
    empty_.insert(input.name);
  }

  Input input(const onnx::ValueInfoProto& info) {
    const onnx::TypeProto::Tensor& tensor = info.type().tensor_type();
    const auto type = type_of(tensor.elem_type());
    refuse_others(tensor.elem_type(), "input '" + info.name() + "'");
    if (!info.type().has_tensor_type() || !type)
      fail("input '{}': element type {}, allowed float uint8 int8 int16", info.name(),
           tensor.elem_type());
    Input result{info.name(), *type, shape_of(info.name(), tensor.shape()), {}};
    if (elements_of(result.shape) < 0) fail("input '{}': more than 2^31 elements", info.name());
    return result;
  }

  using Dimension = onnx::TensorShapeProto::Dimension;

  /// Returns true for names that exporters use for the batch; "unk__7" is tf2onnx's.
  static bool is_batch(std::string name) {
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    return name == "n" || name == "b" || name == "bs" || name.find("batch") != std::string::npos ||
           name.starts_with("unk__");
  }

  static bool is_open(const Dimension& dim) { return dim.dim_value() < 1; }

  /// Returns the shape as it is in the file: "[N, 3, H, ?]".
  static std::string text_of(const onnx::TensorShapeProto& shape) {
    std::vector<std::string> extents;
    for (const Dimension& dim : shape.dim())
      extents.push_back(!is_open(dim)             ? std::to_string(dim.dim_value())
                        : dim.dim_param().empty() ? "?"
                                                  : dim.dim_param());
    return fmt::format("[{}]", fmt::join(extents, ", "));
  }

  /// Returns the extents of an input. Open extents are the user's, or 1 for the batch.
  std::vector<int> shape_of(const std::string& input, const onnx::TensorShapeProto& shape) {
    const std::vector<int>* all = given(input);
    if (all != nullptr && all->size() != static_cast<std::size_t>(shape.dim_size()))
      fail("input '{}' is {}, --shape gives {} extents", input, text_of(shape), all->size());
    std::vector<int> result;
    std::vector<std::string> open;
    for (int axis = 0; axis < shape.dim_size(); ++axis) {
      const Dimension& dim = shape.dim(axis);
      const std::vector<int>* one = dim.dim_param().empty() ? nullptr : given(dim.dim_param());
      std::int64_t extent = 1;
      if (all != nullptr)
        extent = (*all)[static_cast<std::size_t>(axis)];
      else if (!is_open(dim))
        extent = dim.dim_value();
      else if (one != nullptr)
        extent = one->at(0);
      else if (axis > 0)
        open.push_back(dim.dim_param());
      else if (!is_batch(dim.dim_param()))
        file_.notes.push_back(fmt::format(
            "input '{}' is {}: extent 0 is open and taken as 1; set it with --shape {}", input,
            text_of(shape), dim.dim_param().empty() ? input + "=N,..." : dim.dim_param() + "=N"));
      if (all != nullptr && !is_open(dim) && extent != dim.dim_value())
        fail("input '{}' is {}, --shape gives {} for axis {}", input, text_of(shape), extent, axis);
      if (extent >= kMaxElements) fail("input '{}': extent {} is too large", input, extent);
      result.push_back(static_cast<int>(extent));
    }
    if (!open.empty()) refuse_open(input, shape, std::move(open));
    return result;
  }

  /// @param open  names of the dimensions without a value
  [[noreturn]] void refuse_open(const std::string& input, const onnx::TensorShapeProto& shape,
                                std::vector<std::string> open) const {
    std::string remedy =
        fmt::format("--shape {}={}", input, std::string(shape.dim_size() > 1 ? "N,..." : "N"));
    if (std::ranges::count(open, "") == 0) {
      open.erase(std::unique(open.begin(), open.end()), open.end());
      remedy = fmt::format("--shape {}=N", fmt::join(open, "=N --shape "));
    }
    fail("input '{}' is {}: extents after the first axis must be known: give them with {}", input,
         text_of(shape), remedy);
  }

  const std::vector<int>* given(const std::string& name) {
    const auto found = shapes_.find(name);
    if (found == shapes_.end()) return nullptr;
    used_.insert(name);
    return &found->second;
  }

  /// @throws Error  if the user gave an extent that the file does not leave open
  void check_given() const {
    std::vector<std::string> inputs;
    for (const auto& input : model_.graph().input())
      if (file_.constants.count(input.name()) == 0)
        inputs.push_back(
            fmt::format("'{}' {}", input.name(), text_of(input.type().tensor_type().shape())));
    for (const auto& [name, extents] : shapes_) {
      const bool is_input =
          empty_.contains(name) ||
          std::ranges::find(file_.inputs, name, &Input::name) != file_.inputs.end();
      if (!used_.contains(name))
        fail("--shape: '{}' is neither an open dimension nor an input: {}", name,
             fmt::join(inputs, ", "));
      if (!is_input && extents.size() != 1)
        fail("--shape: '{}' is a dimension, allowed one extent", name);
    }
  }

  void output(const onnx::ValueInfoProto& info) {
    file_.outputs.push_back(info.name());
    const onnx::TypeProto::Tensor& tensor = info.type().tensor_type();
    if (tensor.shape().dim_size() == 0) return;  // without a shape, or the shape is unknown
    std::vector<int>& shape = file_.declared[info.name()];
    for (const Dimension& dim : tensor.shape().dim())
      shape.push_back(
          is_open(dim) || dim.dim_value() >= kMaxElements ? -1 : static_cast<int>(dim.dim_value()));
  }

  Node node(onnx::NodeProto& proto) const {
    Node result;
    result.index = static_cast<int>(file_.nodes.size());
    result.type = operator_name(proto.domain(), proto.op_type());
    result.domain = proto.domain();
    result.inputs.assign(proto.input().begin(), proto.input().end());
    result.outputs.assign(proto.output().begin(), proto.output().end());
    for (auto& attribute : *proto.mutable_attribute()) {
      Attribute& a = result.attributes[attribute.name()];
      a.kind = attribute.strings_size() != 0 ? AttributeKind::kText
                                             : static_cast<AttributeKind>(attribute.type());
      a.i = attribute.i();
      a.f = attribute.f();
      a.s = attribute.s();
      a.ints.assign(attribute.ints().begin(), attribute.ints().end());
      a.floats.assign(attribute.floats().begin(), attribute.floats().end());
      for (const std::string& text : attribute.strings()) a.s += (a.s.empty() ? "" : ",") + text;
      const bool has_blocks = result.type == "DequantizeLinear" || result.type == "MatMulNBits";
      const bool asks_int16 = attribute.name() == "output_dtype" && a.i == onnx::TensorProto::INT16;
      if (std::count(std::begin(kZero), std::end(kZero), attribute.name()) > 0 && a.i != 0 &&
          !asks_int16 && !(has_blocks && attribute.name() == "block_size"))
        fail("node {} {}: {} {}, allowed 0", result.index, result.type, attribute.name(), a.i);
      if (attribute.has_t() && attribute.t().data_type() == kFloat4)
        fail("node {} {}: attribute '{}' is FLOAT4E2M1, allowed only in initializers", result.index,
             result.type, attribute.name());
      if (attribute.has_t())
        a.tensor = constant(
            *attribute.mutable_t(),
            fmt::format("node {} {}: attribute '{}'", result.index, result.type, attribute.name()));
    }
    check_units(result);
    return result;
  }

  void annotate() {
    for (const auto& annotation : model_.graph().quantization_annotation())
      for (Input& input : file_.inputs)
        if (annotation.tensor_name() == input.name)
          for (const auto& entry : annotation.quant_parameter_tensor_names())
            if (entry.key() == "finn_datatype") input.data_type = entry.value();
  }

  onnx::ModelProto& model_;
  const GivenShapes& shapes_;
  std::set<std::string> used_;   ///< of shapes_
  std::set<std::string> empty_;  ///< inputs without elements
  File file_;
};

/// Silences protobuf, which reports bad text on stderr; libraries never print. The handler is
/// shared by the process and not locked, so it is set once: concurrent imports would otherwise
/// restore each other's handlers.
void silence_protobuf() {
  static std::once_flag once;
  std::call_once(once, [] { google::protobuf::SetLogHandler(nullptr); });
}

onnx::ModelProto read(const std::vector<std::uint8_t>& bytes, const std::string& name) {
  silence_protobuf();
  onnx::ModelProto model;
  google::protobuf::io::CodedInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  if (bytes.size() > std::numeric_limits<int>::max() || !model.ParseFromCodedStream(&stream) ||
      !stream.ConsumedEntireMessage() || !model.has_graph())
    throw_error("{}: is not an ONNX model, or is truncated or damaged", name);
  inline_functions(&model, name);
  return model;
}

}  // namespace

File parse(const std::vector<std::uint8_t>& bytes, const std::string& name,
           const GivenShapes& shapes) {
  onnx::ModelProto model = read(bytes, name);
  return Reader(model, name, shapes).run();
}

std::vector<std::string> external_files(const std::vector<std::uint8_t>& bytes) {
  std::set<std::string> names;
  const auto look = [&](const onnx::TensorProto& tensor) {
    if (tensor.data_location() != onnx::TensorProto::EXTERNAL) return;
    for (const auto& entry : tensor.external_data())
      if (entry.key() == "location") names.insert(entry.value());
  };
  try {
    const onnx::ModelProto model = read(bytes, "");
    for (const auto& tensor : model.graph().initializer()) look(tensor);
    for (const auto& node : model.graph().node())
      for (const auto& attribute : node.attribute())
        if (attribute.has_t()) look(attribute.t());
  } catch (const Error&) {  // not an ONNX model: its reader reports it
  }
  return {names.begin(), names.end()};
}

std::vector<std::string> open_dimensions(const std::vector<std::uint8_t>& bytes,
                                         const std::string& name) {
  const onnx::ModelProto model = read(bytes, name);
  std::set<std::string> names;
  for (const auto& input : model.graph().input()) {
    const auto& dims = input.type().tensor_type().shape().dim();
    for (int axis = 1; axis < dims.size(); ++axis)
      if (dims[axis].dim_value() < 1 && !dims[axis].dim_param().empty())
        names.insert(dims[axis].dim_param());
  }
  return {names.begin(), names.end()};
}

}  // namespace trine::model::onnx_file
