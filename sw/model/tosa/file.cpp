// SPDX-License-Identifier: Apache-2.0
//
// Reads TOSA files. The bytes are not trusted: the flatbuffers verifier proves that offsets stay
// inside the file, and sizes, names and types are checked here.

#include "sw/model/tosa/file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "sw/base/error.h"
#include "sw/base/flatbuffer.h"
#include "sw/base/json.h"
#include "sw/base/little_endian.h"
#include "sw/base/text.h"
#include "sw/model/graph/refusal.h"
#include "tosa_generated.h"

namespace trine::model::tosa {
namespace {

using flat::copy, flat::size_of, flat::text;

constexpr std::int64_t kMaxElements = std::int64_t{1} << 28;
constexpr std::size_t kMaxShared = std::size_t{1} << 28;  ///< as in tflite.cpp
constexpr std::size_t kMaxTensors = 65536, kMaxOps = 65536, kMaxOperands = 256, kMaxRank = 8;

/// Operators in the order of the format, in which the index is an operator's number.
constexpr std::string_view kNames[] = {"UNKNOWN",
                                       "ARGMAX",
                                       "AVG_POOL2D",
                                       "CONV2D",
                                       "CONV3D",
                                       "DEPTHWISE_CONV2D",
                                       "FFT2D",
                                       "MATMUL",
                                       "MAX_POOL2D",
                                       "RFFT2D",
                                       "TRANSPOSE_CONV2D",
                                       "CLAMP",
                                       "ERF",
                                       "SIGMOID",
                                       "TANH",
                                       "ADD",
                                       "ARITHMETIC_RIGHT_SHIFT",
                                       "BITWISE_AND",
                                       "BITWISE_OR",
                                       "BITWISE_XOR",
                                       "INTDIV",
                                       "LOGICAL_AND",
                                       "LOGICAL_LEFT_SHIFT",
                                       "LOGICAL_RIGHT_SHIFT",
                                       "LOGICAL_OR",
                                       "LOGICAL_XOR",
                                       "MAXIMUM",
                                       "MINIMUM",
                                       "MUL",
                                       "POW",
                                       "SUB",
                                       "TABLE",
                                       "ABS",
                                       "BITWISE_NOT",
                                       "CEIL",
                                       "CLZ",
                                       "COS",
                                       "EXP",
                                       "FLOOR",
                                       "LOG",
                                       "LOGICAL_NOT",
                                       "NEGATE",
                                       "RECIPROCAL",
                                       "RSQRT",
                                       "SIN",
                                       "SELECT",
                                       "EQUAL",
                                       "GREATER",
                                       "GREATER_EQUAL",
                                       "REDUCE_ALL",
                                       "REDUCE_ANY",
                                       "REDUCE_MAX",
                                       "REDUCE_MIN",
                                       "REDUCE_PRODUCT",
                                       "REDUCE_SUM",
                                       "CONCAT",
                                       "PAD",
                                       "RESHAPE",
                                       "REVERSE",
                                       "SLICE",
                                       "TILE",
                                       "TRANSPOSE",
                                       "GATHER",
                                       "SCATTER",
                                       "RESIZE",
                                       "CAST",
                                       "RESCALE",
                                       "CONST",
                                       "IDENTITY",
                                       "CUSTOM",
                                       "COND_IF",
                                       "WHILE_LOOP",
                                       "VARIABLE",
                                       "VARIABLE_WRITE",
                                       "VARIABLE_READ",
                                       "CONST_SHAPE"};

constexpr std::string_view kTypes[] = {"UNKNOWN", "BOOL",    "INT4",   "INT8", "INT16",
                                       "INT32",   "INT48",   "FP32",   "FP16", "BF16",
                                       "SHAPE",   "FP8E4M3", "FP8E5M2"};
constexpr std::string_view kRounding[] = {"UNKNOWN", "SINGLE_ROUND", "INEXACT_ROUND",
                                          "DOUBLE_ROUND"};
constexpr std::string_view kResize[] = {"UNKNOWN", "NEAREST", "BILINEAR"};

/// Returns the index of a name or number in a list, or nothing.
template <std::size_t N>
std::optional<std::int64_t> place_in(const std::string_view (&names)[N], std::string_view name) {
  const auto* found = std::ranges::find(names, name);
  if (found == std::end(names)) return std::nullopt;
  return found - names;
}

/// Builds a file from either form.
class Builder {
 public:
  Builder(std::size_t bytes, std::string file) : file_bytes_(bytes), name_(std::move(file)) {}

  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) const {
    throw Error(name_ + ": " + fmt::format(text, std::forward<Args>(args)...));
  }

  /// Checks the version. The draft flag is ignored, because writers of 1.0 leave it set. 1.1 has
  /// the reference model of 1.0; the operators of 1.0 are read.
  void version(std::int64_t major, std::int64_t minor) const {
    if (major != 1 || minor < 0 || minor > 1) fail("TOSA {}.{}, allowed 1.0, 1.1", major, minor);
  }

  void blocks(std::size_t regions, std::size_t blocks) const {
    if (regions != 1 || blocks != 1)
      fail("{} regions with {} blocks, allowed 1 with 1 (no COND_IF, no WHILE_LOOP)", regions,
           blocks);
  }

  void counts(std::size_t tensors, std::size_t ops) const {
    if (tensors > kMaxTensors) fail("{} tensors, allowed 0..{}", tensors, kMaxTensors);
    if (ops > kMaxOps) fail("{} operators, allowed 0..{}", ops, kMaxOps);
  }

  void tensor(const std::string& name, std::int64_t type, const std::vector<int>& shape,
              std::vector<std::uint8_t> data, bool plain) {
    Tensor t = named(name);
    if (!plain) fail("tensor '{}': is a variable, has no rank, or is outside of the file", t.name);
    t.type = type_of(t, type);
    if (shape.size() > kMaxRank)
      fail("tensor '{}': rank {}, allowed 0..{}", t.name, shape.size(), kMaxRank);
    std::int64_t elements = 1;
    for (const int extent : shape) {
      if (extent < 1) fail("tensor '{}': extent {}, allowed 1 and above", t.name, extent);
      elements *= extent;
      if (elements > kMaxElements) fail("tensor '{}': more than {} elements", t.name, kMaxElements);
    }
    t.shape = shape;
    const auto expected =
        static_cast<std::size_t>(elements) * static_cast<std::size_t>(bytes_of(t.type));
    t.is_constant = !data.empty();
    // Writers may pad constants to whole words.
    if (t.is_constant && (data.size() < expected || data.size() > expected + 8))
      fail("tensor '{}': {} bytes of data, the shape needs {}", t.name, data.size(), expected);
    if (t.is_constant) data.resize(expected);
    t.data = std::move(data);
    add(name, std::move(t));
  }

  void shape(const std::string& name, std::int64_t rank, std::vector<std::uint8_t> data) {
    Tensor t = named(name);
    t.type = DataType::kInt64;
    if (rank < 0 || rank > 2 * static_cast<std::int64_t>(kMaxRank) ||
        data.size() < 8 * static_cast<std::size_t>(rank) ||
        data.size() > 8 * static_cast<std::size_t>(rank) + 8)
      fail("shape '{}': {} bytes for {} extents, allowed 8 for each", t.name, data.size(), rank);
    data.resize(8 * static_cast<std::size_t>(rank));
    t.shape = {static_cast<int>(rank)};
    t.is_constant = true;
    t.data = std::move(data);
    add(name, std::move(t));
  }

  int place_of(const std::string& name) const {
    const auto found = places_.find(name);
    if (found == places_.end()) fail("tensor '{}' does not exist", printable(name));
    return found->second;
  }

  void op(std::int64_t number, Attributes attributes, const std::vector<std::string>& inputs,
          const std::vector<std::string>& outputs) {
    if (number < 0 || number >= static_cast<std::int64_t>(std::size(kNames)))
      refuse(Reason::kOperator, "{}: op {}: operator {} is not in TOSA 1.0", name_,
             file_.ops.size(), number);
    if (inputs.size() + outputs.size() > kMaxOperands)
      fail("op {}: {} operands, allowed 0..{}", file_.ops.size(), inputs.size() + outputs.size(),
           kMaxOperands);
    FileOp op{std::string(kNames[number]), std::move(attributes), {}, {}};
    for (const std::string& name : inputs) op.inputs.push_back(place_of(name));
    for (const std::string& name : outputs) op.outputs.push_back(place_of(name));
    file_.ops.push_back(std::move(op));
  }

  void ends(const std::vector<std::string>& inputs, const std::vector<std::string>& outputs) {
    if (inputs.size() + outputs.size() > kMaxTensors) fail("too many inputs and outputs");
    for (const std::string& name : inputs) file_.inputs.push_back(place_of(name));
    for (const std::string& name : outputs) file_.outputs.push_back(place_of(name));
  }

  File take() { return std::move(file_); }

 private:
  static Tensor named(const std::string& name) {
    Tensor t;
    t.name = printable(name);
    return t;
  }

  DataType type_of(const Tensor& t, std::int64_t code) const {
    constexpr std::pair<std::int64_t, DataType> kKnown[] = {
        {1, DataType::kBool}, {3, DataType::kInt8}, {4, DataType::kInt16}, {5, DataType::kInt32}};
    for (const auto& [number, type] : kKnown)
      if (number == code) return type;
    const bool known = code >= 0 && code < static_cast<std::int64_t>(std::size(kTypes));
    const std::string name = known ? std::string(kTypes[code]) : fmt::format("{}", code);
    const bool floats = code >= 7 && code <= 9;
    refuse(Reason::kType, "{}: tensor '{}': type {}, allowed INT8 INT16 INT32 BOOL{}", name_,
           t.name, name,
           floats ? ": the machine computes int8; quantize the model before you convert it to TOSA"
                  : "");
  }

  void add(const std::string& name, Tensor t) {
    copied_ += t.data.size();
    if (copied_ > file_bytes_ + kMaxShared)
      fail("more than {} bytes of constants", file_bytes_ + kMaxShared);
    if (!places_.emplace(name, static_cast<int>(file_.tensors.size())).second)
      fail("two tensors have the name '{}'", t.name);
    file_.tensors.push_back(std::move(t));
  }

  std::size_t file_bytes_, copied_ = 0;
  std::string name_;
  File file_;
  std::map<std::string, int> places_;
};

// ---- binary -------------------------------------------------------------------------------------

std::vector<std::string> texts(
    const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>* source) {
  std::vector<std::string> result;
  if (source == nullptr || source->size() > 2 * kMaxTensors) return result;
  for (const flatbuffers::String* one : *source) result.push_back(text(one));
  return result;
}

std::vector<std::int64_t> widened(const flatbuffers::Vector<std::int32_t>* source) {
  const auto values = copy(source);
  return {values.begin(), values.end()};
}

/// Returns a whole number of up to 32 bits, and the number of bytes in the file.
std::vector<std::int64_t> bound(const std::vector<std::uint8_t>& bytes) {
  const std::uint64_t value =
      little_endian(std::span(bytes).first(std::min<std::size_t>(bytes.size(), 4)));
  return {static_cast<std::int64_t>(value),
          static_cast<std::int64_t>(std::min<std::size_t>(bytes.size(), 8))};
}

Attributes attributes_of(const tosa_format::Operator& op) {
  Attributes a;
  const auto set = [&](const char* name, std::int64_t value) { a[name] = {value}; };
  if (const auto* o = op.attribute_as_Convolution() != nullptr ? op.attribute_as_Convolution()
                                                               : op.attribute_as_Depthwise()) {
    a["pad"] = widened(o->pad());
    a["stride"] = widened(o->stride());
    a["dilation"] = widened(o->dilation());
    set("acc_type", o->acc_type());
  } else if (const auto* pool = op.attribute_as_AveragePool() != nullptr
                                    ? op.attribute_as_AveragePool()
                                    : op.attribute_as_MaxPool()) {
    a["kernel"] = widened(pool->kernel());
    a["stride"] = widened(pool->stride());
    a["pad"] = widened(pool->pad());
    set("acc_type", pool->acc_type());
  } else if (const auto* transposed = op.attribute_as_TransposedConvolution()) {
    a["out_pad"] = widened(transposed->out_pad());
    a["stride"] = widened(transposed->stride());
    set("acc_type", transposed->acc_type());
  } else if (const auto* clamp = op.attribute_as_Clamp()) {
    a["min_val"] = bound(copy(clamp->min_val()));
    a["max_val"] = bound(copy(clamp->max_val()));
  } else if (const auto* shift = op.attribute_as_Shift()) {
    set("round", shift->round());
  } else if (const auto* transpose = op.attribute_as_Transpose()) {
    a["perms"] = widened(transpose->perms());
  } else if (const auto* resize = op.attribute_as_Resize()) {
    set("mode", resize->mode());
  } else if (const auto* rescale = op.attribute_as_Rescale()) {
    set("scale32", rescale->scale32());
    set("rounding_mode", rescale->rounding_mode());
    set("per_channel", rescale->per_channel());
    set("input_unsigned", rescale->input_unsigned());
    set("output_unsigned", rescale->output_unsigned());
  } else {
    for (const auto* axis :
         {op.attribute_as_ArgMax(), op.attribute_as_ReduceAll(), op.attribute_as_ReduceAny(),
          op.attribute_as_ReduceMax(), op.attribute_as_ReduceMin(), op.attribute_as_ReduceProduct(),
          op.attribute_as_ReduceSum(), op.attribute_as_Concat(), op.attribute_as_Reverse()})
      if (axis != nullptr) set("axis", axis->axis());
  }
  return a;
}

File read_binary(const std::vector<std::uint8_t>& bytes, const std::string& file) {
  Builder to(bytes.size(), file);
  flatbuffers::Verifier verifier(bytes.data(), bytes.size(), 64, 1000000);
  if (!tosa_format::VerifyNetworkBuffer(verifier)) to.fail("damaged TOSA: an offset is wrong");
  const tosa_format::Network& network = *tosa_format::GetNetwork(bytes.data());
  if (network.version() == nullptr) to.fail("no version");
  to.version(network.version()->major(), network.version()->minor());
  const auto* region = size_of(network.regions()) == 1 ? network.regions()->Get(0) : nullptr;
  to.blocks(size_of(network.regions()), region == nullptr ? 0 : size_of(region->blocks()));
  const tosa_format::Block& block = *region->blocks()->Get(0);
  to.counts(size_of(block.tensors()) + size_of(block.shapes()), size_of(block.operators()));
  if (block.tensors() != nullptr)
    for (const tosa_format::Tensor* t : *block.tensors())
      to.tensor(text(t->name()), t->type(), copy(t->shape()), copy(t->data()),
                !t->variable() && !t->is_unranked() && t->offset() <= 1);
  if (block.shapes() != nullptr)
    for (const tosa_format::Shape* s : *block.shapes())
      to.shape(text(s->name()), s->rank(), copy(s->data()));
  if (block.operators() != nullptr)
    for (const tosa_format::Operator* op : *block.operators())
      to.op(op->op(), attributes_of(*op), texts(op->inputs()), texts(op->outputs()));
  to.ends(texts(block.inputs()), texts(block.outputs()));
  return to.take();
}

// ---- text ---------------------------------------------------------------------------------------

const SortedJson& list_of(const SortedJson& from, const char* key) {
  static const SortedJson kNone = SortedJson::array();
  const auto found = from.find(key);
  return found == from.end() || found->is_null() ? kNone : *found;
}

template <typename T>
std::vector<T> numbers_of(const SortedJson& list) {
  std::vector<T> result;
  for (const SortedJson& one : list) result.push_back(one.get<T>());
  return result;
}

/// Returns an enumeration value, given by name or number.
template <std::size_t N>
std::int64_t code_of(const SortedJson& value, const std::string_view (&names)[N]) {
  if (!value.is_string()) return value.get<std::int64_t>();
  return place_in(names, value.get<std::string>()).value_or(static_cast<std::int64_t>(N));
}

std::vector<std::int64_t> attribute_of(const std::string& name, const SortedJson& value) {
  if (name == "min_val" || name == "max_val") return bound(numbers_of<std::uint8_t>(value));
  if (name == "rounding_mode") return {code_of(value, kRounding)};
  if (name == "mode") return {code_of(value, kResize)};
  if (name == "acc_type") return {code_of(value, kTypes)};
  if (value.is_boolean()) return {value.get<bool>() ? 1 : 0};
  if (value.is_number_integer()) return {value.get<std::int64_t>()};
  if (value.is_array()) return numbers_of<std::int64_t>(value);
  return {};
}

/// Returns the defaults of the binary form.
Attributes defaults_of(const std::string& type) {
  if (type == "RESCALE")
    return {{"scale32", {0}},
            {"rounding_mode", {0}},
            {"per_channel", {0}},
            {"input_unsigned", {0}},
            {"output_unsigned", {0}}};
  if (type == "ARITHMETIC_RIGHT_SHIFT") return {{"round", {0}}};
  if (type == "ARGMAX" || type == "CONCAT" || type == "REVERSE" || type.starts_with("REDUCE_"))
    return {{"axis", {0}}};
  return {};
}

File build_text(const SortedJson& network, Builder* to) {
  const SortedJson& version = network.at("version");
  to->version(version.value("_major", -1), version.value("_minor", -1));
  const SortedJson& regions = list_of(network, "regions");
  const SortedJson& blocks = regions.size() == 1 ? list_of(regions[0], "blocks") : regions;
  to->blocks(regions.size(), regions.size() == 1 ? blocks.size() : 0);
  const SortedJson& block = blocks[0];
  const SortedJson &tensors = list_of(block, "tensors"), &shapes = list_of(block, "shapes"),
                   &ops = list_of(block, "operators");
  to->counts(tensors.size() + shapes.size(), ops.size());
  for (const SortedJson& t : tensors)
    to->tensor(t.at("name").get<std::string>(),
               t.contains("type") ? code_of(t.at("type"), kTypes) : 0,
               numbers_of<int>(list_of(t, "shape")), numbers_of<std::uint8_t>(list_of(t, "data")),
               !t.value("variable", false) && !t.value("is_unranked", false) &&
                   t.value("offset", std::uint64_t{0}) <= 1);
  for (const SortedJson& s : shapes)
    to->shape(s.at("name").get<std::string>(), s.value("rank", std::int64_t{0}),
              numbers_of<std::uint8_t>(list_of(s, "data")));
  for (const SortedJson& op : ops) {
    const std::int64_t number = code_of(op.at("op"), kNames);
    const bool known = number >= 0 && number < static_cast<std::int64_t>(std::size(kNames));
    Attributes attributes = defaults_of(known ? std::string(kNames[number]) : "");
    if (op.contains("attribute"))
      for (const auto& [name, value] : op.at("attribute").items())
        attributes[name] = attribute_of(name, value);
    to->op(number, std::move(attributes), numbers_of<std::string>(list_of(op, "inputs")),
           numbers_of<std::string>(list_of(op, "outputs")));
  }
  to->ends(numbers_of<std::string>(list_of(block, "inputs")),
           numbers_of<std::string>(list_of(block, "outputs")));
  return to->take();
}

File read_text(const std::vector<std::uint8_t>& bytes, const std::string& file) {
  const SortedJson network =
      parse_sorted_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, file);
  Builder to(bytes.size(), file);
  try {
    return build_text(network, &to);
  } catch (const SortedJson::exception& error) {
    to.fail("is not TOSA: {}", error.what());
  }
}

}  // namespace

bool is_binary(const std::uint8_t* bytes, std::size_t count) {
  return count >= 8 && std::memcmp(bytes + 4, "TOSA", 4) == 0;
}

bool is_text(const std::uint8_t* bytes, std::size_t count) {
  std::size_t at = 0;
  const auto skip = [&] {
    while (at < count && std::strchr(" \t\r\n", bytes[at]) != nullptr && bytes[at] != 0) ++at;
  };
  skip();
  if (at == count || bytes[at] != '{') return false;
  ++at;
  skip();
  return at < count && bytes[at] == '"';
}

File read_file(const std::vector<std::uint8_t>& bytes, const std::string& file) {
  return is_text(bytes.data(), bytes.size()) ? read_text(bytes, file) : read_binary(bytes, file);
}

}  // namespace trine::model::tosa
