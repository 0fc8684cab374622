// SPDX-License-Identifier: Apache-2.0

#include "sw/program/segments_image.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <map>
#include <utility>

#include "sw/base/division.h"
#include "sw/base/error.h"
#include "sw/model/graph/op_fields.h"
#include "sw/program/image.h"

namespace trine::program {
namespace {

using Number = std::uint32_t;

/// The parts of the file while they grow. Offsets in `data`, `texts` and `images` are relative to
/// these parts.
class Writer {
 public:
  std::string write(const Program& program);

 private:
  struct Tensor {
    model::Tensor tensor;
    std::uint64_t place;  ///< in `data` for a constant, else in the arena
  };
  struct Attribute {
    Number name, count, place;  ///< in texts; in `data`, or in `texts` for a text
    bool is_text;
  };
  struct Step {
    Number kind;  ///< in texts; 0 for a segment, which is the empty text
    Number image, image_bytes, inputs, outputs, lists, attributes, attribute_count;
  };
  using Global = std::map<int, Number>;  ///< from tensors of a graph to tensors of the file

  Number add(const model::Tensor& tensor) {
    const std::uint64_t bytes = round_up(static_cast<std::uint64_t>(bytes_of(tensor)), 8);
    tensors_.push_back({tensor, tensor.is_constant ? data(tensor.data.all()) : arena_});
    if (!tensor.is_constant) arena_ += bytes;
    return static_cast<Number>(tensors_.size() - 1);
  }
  static std::int64_t bytes_of(const model::Tensor& t) {
    return t.elements() * model::bytes_of(t.type);
  }

  template <typename T>
  Number data(const std::vector<T>& values) {
    data_.resize(round_up(data_.size(), std::size_t{8}));
    const std::size_t at = data_.size();
    data_.append(reinterpret_cast<const char*>(values.data()), sizeof(T) * values.size());
    return static_cast<Number>(at);
  }
  Number text(const std::string& text) {
    const auto [found, is_new] = known_.try_emplace(text, static_cast<Number>(texts_.size()));
    if (is_new) texts_.append(text.c_str(), std::strlen(text.c_str()) + 1);
    return found->second;
  }

  /// Returns the file's tensor for a tensor of the graph, which is added if it is new.
  Number global(const model::Graph& graph, Global& known, int index) {
    const auto [found, is_new] = known.try_emplace(index, 0);
    if (is_new) found->second = add(graph.tensor(index));
    return found->second;
  }

  /// Returns the file's tensor that the machine writes. If the graph's tensor is a constant, it is
  /// a separate tensor that no operator reads.
  Number written(const model::Graph& graph, Global& known, int index) {
    model::Tensor tensor = graph.tensor(index);
    if (!tensor.is_constant) return global(graph, known, index);
    tensor.is_constant = false;
    return add(tensor);
  }

  void segment(const Program& p, std::vector<Number>* edge);
  void graph(const model::Graph& graph, reference::RoundingPolicy policy, Global& known);
  void attributes(const model::Op& op, const reference::RoundingPolicy& policy);
  void number(const std::string& name, const std::vector<double>& values) {
    attributes_.push_back({text(name), static_cast<Number>(values.size()), data(values), false});
  }

  struct Places;
  void collect(const Program& program);
  Places places() const;
  std::vector<Number> header(const Program& program, const Places& p) const;
  std::vector<Number> tensor(std::size_t index, const Places& p) const;
  static Number low(std::uint64_t number) { return static_cast<Number>(number); }

  std::vector<Tensor> tensors_;
  std::vector<std::array<Number, 2>> scales_;  ///< in `data`: scales and zero points by tensor
  std::vector<Step> steps_;
  std::vector<Number> lists_;
  std::vector<Attribute> attributes_;
  std::string data_, texts_, images_;
  std::map<std::string, Number> known_;
  std::uint64_t arena_ = 0, memory_ = 0, inputs_ = 0, outputs_ = 0;
};

void Writer::attributes(const model::Op& op, const reference::RoundingPolicy& policy) {
  const model::Op none;
  model::for_each_field([&]<typename T>(const char* name, T model::Op::*field) {
    if (op.*field != none.*field) number(name, {static_cast<double>(op.*field)});
  });
  number("rounding", {static_cast<double>(policy.of(op))});
  if (op.kind == model::OpKind::kLstm) number("lstm", {static_cast<double>(policy.lstm)});
  if (!op.new_shape.empty()) number("new_shape", {op.new_shape.begin(), op.new_shape.end()});
  for (const auto& [name, values] : op.numbers) number("onnx:" + name, values);
  for (const auto& [name, word] : op.words)
    attributes_.push_back({text("onnx:" + name), 0, text(word), true});
  for (std::size_t i = 0; i < op.steps.size(); ++i) {
    std::vector<double> values{static_cast<double>(op.steps[i].kind)};
    values.insert(values.end(), op.steps[i].value.begin(), op.steps[i].value.end());
    number("step:" + std::to_string(i), values);
  }
}

void Writer::graph(const model::Graph& graph, reference::RoundingPolicy policy, Global& known) {
  for (const model::Op& op : graph.ops) {
    std::vector<Number> tensors;
    for (const int input : op.inputs)
      tensors.push_back(input < 0 ? ~Number{0} : global(graph, known, input));
    for (const int output : op.outputs) tensors.push_back(global(graph, known, output));
    const auto first = static_cast<Number>(attributes_.size());
    attributes(op, policy);
    const bool is_onnx = op.kind == model::OpKind::kOnnx;
    steps_.push_back({text(is_onnx ? op.name : std::string(model::name_of(op.kind))), 0, 0,
                      static_cast<Number>(op.inputs.size()), static_cast<Number>(op.outputs.size()),
                      static_cast<Number>(lists_.size()), first,
                      static_cast<Number>(attributes_.size()) - first});
    lists_.insert(lists_.end(), tensors.begin(), tensors.end());
  }
}

/// @param edge  the tensors that it reads; then those that it writes
void Writer::segment(const Program& p, std::vector<Number>* edge) {
  Global before, after;
  for (std::size_t i = 0; i < p.before.inputs.size(); ++i) before[p.before.inputs[i]] = edge->at(i);
  graph(p.before, p.rounding, before);
  const std::string image = write_image(p);
  images_.resize(round_up(images_.size(), kImageAlignment));
  steps_.push_back({0, static_cast<Number>(images_.size()), static_cast<Number>(image.size()),
                    static_cast<Number>(p.inputs.size()), static_cast<Number>(p.outputs.size()),
                    static_cast<Number>(lists_.size()), 0, 0});
  images_ += image;
  memory_ = std::max(memory_, static_cast<std::uint64_t>(p.dram_bytes) + 8 * p.words.size());
  for (const int t : p.before.outputs) lists_.push_back(global(p.before, before, t));
  for (const int t : p.after.inputs) lists_.push_back(written(p.after, after, t));
  graph(p.after, p.rounding, after);
  edge->clear();
  for (const int t : p.after.outputs) edge->push_back(global(p.after, after, t));
}

/// Collects the parts of the file. The network's inputs and outputs come first in the lists.
void Writer::collect(const Program& program) {
  text("");  // the kind of a segment
  std::vector<Number> edge;
  for (const int t : program.before.inputs) edge.push_back(add(program.before.tensor(t)));
  const std::vector<const Program*> parts = segments(program);
  inputs_ = edge.size();
  outputs_ = parts.back()->after.outputs.size();
  lists_ = edge;
  lists_.resize(inputs_ + outputs_);
  for (const Program* part : parts) segment(*part, &edge);
  std::ranges::copy(edge, lists_.begin() + static_cast<std::ptrdiff_t>(inputs_));
  for (const Tensor& t : tensors_) {
    const model::Quantization& q = t.tensor.quantization;
    const std::vector<std::int32_t> zeros(q.zero_point.begin(), q.zero_point.end());
    scales_.push_back({data(q.scale), data(zeros)});
  }
}

/// The offset of each part from the beginning of the file, in bytes.
struct Writer::Places {
  std::uint64_t tensors, steps, lists, attributes, data, texts, images, end;
};

Writer::Places Writer::places() const {
  Places p{};
  std::uint64_t at = 4 * kSegmentsHeader;
  const auto part = [&](std::uint64_t bytes, std::uint64_t alignment) {
    at = round_up(at, alignment);
    return std::exchange(at, at + bytes);
  };
  p.tensors = part(4 * kSegmentsTensor * tensors_.size(), 8);
  p.steps = part(4 * kSegmentsStep * steps_.size(), 8);
  p.lists = part(4 * lists_.size(), 8);
  p.attributes = part(4 * kSegmentsAttribute * attributes_.size(), 8);
  p.data = part(data_.size(), 8);
  p.texts = part(texts_.size(), 8);
  p.images = part(images_.size(), kImageAlignment);
  p.end = at;
  if (p.end > std::numeric_limits<Number>::max())
    throw_error("stages of {} bytes, allowed 2^32 - 1", p.end);
  return p;
}

std::vector<Number> Writer::header(const Program& program, const Places& p) const {
  const auto count = [](const auto& list) { return static_cast<Number>(list.size()); };
  std::vector<Number> numbers{0, 0, 1, isa::kVersion};
  for (const std::uint64_t wide : {program.config_hash, arena_, memory_})
    for (const int shift : {0, 32}) numbers.push_back(static_cast<Number>(wide >> shift));
  for (const Number number :
       {low(p.end), count(tensors_), low(p.tensors), count(steps_), low(p.steps), count(lists_),
        low(p.lists), count(attributes_), low(p.attributes), low(p.texts), count(texts_),
        low(inputs_), low(outputs_)})
    numbers.push_back(number);
  numbers.resize(kSegmentsHeader);
  std::memcpy(numbers.data(), "TRINESTG", 8);
  return numbers;
}

std::vector<Number> Writer::tensor(std::size_t index, const Places& p) const {
  const model::Tensor& t = tensors_[index].tensor;
  if (t.rank() > kImageRank)
    throw_error("'{}' has {} axes, allowed {}", t.name, t.rank(), kImageRank);
  std::vector<Number> numbers{static_cast<Number>(t.type), static_cast<Number>(t.rank())};
  numbers.insert(numbers.end(), t.shape.begin(), t.shape.end());
  numbers.resize(2 + kImageRank);
  const std::uint64_t at = tensors_[index].place + (t.is_constant ? p.data : 0);
  for (const std::uint64_t number :
       {at, at >> 32, static_cast<std::uint64_t>(bytes_of(t)), std::uint64_t{t.is_constant},
        static_cast<std::uint64_t>(t.quantization.axis), t.quantization.scale.size(),
        p.data + scales_[index][0], p.data + scales_[index][1],
        static_cast<std::uint64_t>(t.encoding) | static_cast<std::uint64_t>(t.format) << 8})
    numbers.push_back(low(number));
  numbers.resize(kSegmentsTensor);
  return numbers;
}

std::string Writer::write(const Program& program) {
  collect(program);
  const Places p = places();
  std::string file(p.end, '\0');
  const auto put = [&](std::uint64_t at, const std::vector<Number>& numbers) {
    std::memcpy(&file[at], numbers.data(), 4 * numbers.size());
  };
  put(0, header(program, p));
  for (std::size_t i = 0; i < tensors_.size(); ++i)
    put(p.tensors + 4 * kSegmentsTensor * i, tensor(i, p));
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Step& s = steps_[i];
    put(p.steps + 4 * kSegmentsStep * i,
        {low(p.texts + s.kind), s.kind == 0 ? low(p.images + s.image) : 0, s.image_bytes, s.inputs,
         s.outputs, s.lists, s.attributes, s.attribute_count});
  }
  put(p.lists, lists_);
  for (std::size_t i = 0; i < attributes_.size(); ++i) {
    const Attribute& a = attributes_[i];
    put(p.attributes + 4 * kSegmentsAttribute * i,
        {low(p.texts + a.name), a.count, low((a.is_text ? p.texts : p.data) + a.place),
         a.is_text ? 1u : 0u});
  }
  data_.copy(&file[p.data], data_.size());
  texts_.copy(&file[p.texts], texts_.size());
  images_.copy(&file[p.images], images_.size());
  constexpr std::size_t kChecksumAt = 4 * (kSegmentsHeader - 1), kBehind = kChecksumAt + 4;
  const auto* bytes = reinterpret_cast<const Bytef*>(file.data());
  const auto checksum =
      ::crc32_z(::crc32_z(0, bytes, kChecksumAt), bytes + kBehind, file.size() - kBehind);
  put(kChecksumAt, {static_cast<Number>(checksum)});
  return file;
}

}  // namespace

std::string write_segments(const Program& program) { return Writer().write(program); }

}  // namespace trine::program
