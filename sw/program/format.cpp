// SPDX-License-Identifier: Apache-2.0
//
// Reads and writes program files. The bytes are not trusted: the flatbuffers verifier proves that
// every offset stays inside of the file, Reader that it unfolds to no more than its size, and
// check() that the program can be run.

// The largest alignment that flatbuffers may use; an image needs more than the default.
#define FLATBUFFERS_MAX_ALIGNMENT 64

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>

#include "program_generated.h"
#include "spec/schema.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/hash.h"
#include "sw/model/check/check.h"
#include "sw/model/graph/operators.h"
#include "sw/program/image.h"
#include "sw/program/program.h"

namespace trine::program {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;
using flatbuffers::Vector;

static_assert(kImageAlignment <= FLATBUFFERS_MAX_ALIGNMENT);

constexpr std::uint32_t kVersion = 14;  // of this format
constexpr std::string_view kEarlierMagic = "TRINEPRG";
constexpr std::size_t kMostBytes = std::size_t{1} << 31;  // offsets of flatbuffers are signed
constexpr std::size_t kMostTables = 1 << 20;
constexpr std::size_t kBesideImages = 1 << 20;  // approximate bytes

/// Calls visit(member, getter, adder) for each field of an operator that is a number or a flag.
template <typename Visit>
void for_each_number(Visit visit) {
  using F = format::Op;
  using B = format::OpBuilder;
  using O = model::Op;
  visit(&O::index, &F::index, &B::add_index);
#define ATTRIBUTE(name) visit(&O::name, &F::name, &B::add_##name);
#include "sw/model/graph/attributes.def"
  visit(&O::counted_macs, &F::counted_macs, &B::add_counted_macs);
}

// ---- writing

/// Creates a vector of tables or strings by calling `make` for each element.
template <typename List, typename Make>
auto vector_of(FlatBufferBuilder& b, const List& list, Make make) {
  std::vector<decltype(make(*list.begin()))> made;
  for (const auto& element : list) made.push_back(make(element));
  return b.CreateVector(made);
}

Offset<format::Tensor> put(FlatBufferBuilder& b, const model::Tensor& t) {
  return format::CreateTensor(b, b.CreateString(t.name),
                              b.CreateString(std::string(model::npy_code(t.type))),
                              b.CreateVector(t.shape), b.CreateVector(t.quantization.scale),
                              b.CreateVector(t.quantization.zero_point), t.quantization.axis,
                              t.is_constant, static_cast<std::uint8_t>(t.encoding),
                              b.CreateVector(t.data.all()), static_cast<std::uint8_t>(t.format));
}

Offset<format::Op> put(FlatBufferBuilder& b, const model::Op& op) {
  const auto kind = b.CreateString(std::string(model::name_of(op.kind)));
  const auto name = b.CreateString(op.name);
  const auto inputs = b.CreateVector(op.inputs), outputs = b.CreateVector(op.outputs);
  const auto new_shape = b.CreateVector(op.new_shape);
  const auto numbers = vector_of(b, op.numbers, [&](const auto& n) {
    return format::CreateNumbers(b, b.CreateString(n.first), b.CreateVector(n.second));
  });
  const auto words = vector_of(b, op.words, [&](const auto& w) {
    return format::CreateWords(b, b.CreateString(w.first), b.CreateString(w.second));
  });
  const auto steps = vector_of(b, op.steps, [&](const model::FloatStep& s) {
    return format::CreateStep(b, static_cast<std::uint8_t>(s.kind), b.CreateVector(s.value));
  });
  format::OpBuilder table(b);
  table.add_kind(kind);
  table.add_name(name);
  table.add_inputs(inputs);
  table.add_outputs(outputs);
  table.add_new_shape(new_shape);
  table.add_numbers(numbers);
  table.add_words(words);
  table.add_steps(steps);
  for_each_number([&]<typename T, typename Stored>(T model::Op::*field,
                                                   Stored (format::Op::*)() const,
                                                   void (format::OpBuilder::*add)(Stored)) {
    (table.*add)(static_cast<Stored>(op.*field));
  });
  return table.Finish();
}

Offset<format::Graph> put(FlatBufferBuilder& b, const model::Graph& graph) {
  const auto one = [&](const auto& element) { return put(b, element); };
  const auto tensors = vector_of(b, graph.tensors, one);
  const auto ops = vector_of(b, graph.ops, one);
  return format::CreateGraph(b, b.CreateString(graph.name), tensors, ops,
                             b.CreateVector(graph.inputs), b.CreateVector(graph.outputs));
}

Offset<format::Stage> put(FlatBufferBuilder& b, const Program& p) {
  const std::size_t size = image_bytes(p);
  if (size > kMostBytes - b.GetSize() - kBesideImages)
    throw_error("{}: a program file of more than 2 GiB", p.name);
  const auto name_of = [&](const auto& named) { return b.CreateString(named.name); };
  const auto layers = vector_of(b, p.layers, [&](const ProgramLayer& l) {
    return format::CreateLayer(
        b, b.CreateString(l.name), b.CreateString(l.op), l.macs, b.CreateString(l.placement),
        l.bound_cycles, l.expected_cycles, l.stripes, l.pe_macs,
        l.module.empty() ? Offset<flatbuffers::String>() : b.CreateString(l.module));
  });
  const auto inputs = vector_of(b, p.inputs, name_of), outputs = vector_of(b, p.outputs, name_of);
  b.ForceVectorAlignment(size, 1, kImageAlignment);
  std::uint8_t* image = nullptr;
  const auto bytes = b.CreateUninitializedVector<std::uint8_t>(size, &image);
  write_image(p, {image, size});
  return format::CreateStage(
      b, b.CreateString(p.name), bytes, inputs, outputs, layers, b.CreateVector(p.run_layer),
      put(b, p.before), put(b, p.after), static_cast<std::uint8_t>(p.rounding.fully_connected),
      static_cast<std::uint8_t>(p.rounding.others), p.removed.filters, p.removed.of_filters,
      p.removed.macs, static_cast<std::uint8_t>(p.rounding.lstm));
}

// ---- reading

/// Copies each byte of a file only once. Its tables may share their parts, so a small file could
/// otherwise expand to more than the memory.
class Reader {
 public:
  Reader(std::string file, std::size_t bytes) : file_(std::move(file)), left_(bytes) {}

  Program segment(const format::Stage& from);

 private:
  void spend(std::size_t bytes) {
    if (bytes > left_) throw_error("damaged: parts of the file are used twice");
    left_ -= bytes;
  }

  /// Returns a text without control characters, which would break messages of one line.
  std::string text(const flatbuffers::String* from) {
    spend(from->size() + 4);
    std::string text = from->str();
    for (char& c : text)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    return text;
  }

  /// Copies a list byte by byte, because the verifier does not check the alignment of elements.
  template <typename T>
  std::vector<T> list(const Vector<T>* from) {
    std::vector<T> result(from == nullptr ? 0 : from->size());
    spend(result.size() * sizeof(T));
    if (!result.empty()) std::memcpy(result.data(), from->Data(), result.size() * sizeof(T));
    if constexpr (std::is_floating_point_v<T>)
      for (const T x : result) finite(x);
    return result;
  }

  template <typename Table, typename Visit>
  void for_each(const Vector<Offset<Table>>* from, Visit visit) {
    if (from == nullptr) return;
    spend(std::size_t{8} * from->size());
    for (const Table* table : *from) visit(*table);
  }

  template <typename T>
  static T finite(T x) {
    if constexpr (std::is_floating_point_v<T>)
      if (!std::isfinite(x)) throw_error("{} where a finite number is expected", x);
    return x;
  }

  /// Returns a code of an enumeration that ends with `last`.
  template <typename Enum>
  static Enum code(int from, Enum last) {
    if (from > static_cast<int>(last))
      throw_error("code {}, allowed 0..{}", from, static_cast<int>(last));
    return static_cast<Enum>(from);
  }

  void name(std::vector<TensorLayout>& layouts, const Vector<Offset<flatbuffers::String>>& names) {
    if (layouts.size() != names.size())
      throw_error("{} tensors with {} names", layouts.size(), names.size());
    for (std::size_t i = 0; i < layouts.size(); ++i) {
      layouts[i].name = text(names.Get(static_cast<flatbuffers::uoffset_t>(i)));
      finite(layouts[i].scale);
    }
  }

  static model::DataType type_of(const std::string& npy) {
    for (int type = 0; type <= static_cast<int>(model::DataType::kBool); ++type)
      if (model::npy_code(static_cast<model::DataType>(type)) == npy)
        return static_cast<model::DataType>(type);
    throw_error("tensor type '{}' is unknown", npy);
  }

  model::Tensor tensor(const format::Tensor& from) {
    model::Tensor t;
    t.name = text(from.name());
    t.type = type_of(text(from.type()));
    t.shape = list(from.shape());
    t.quantization = {list(from.scale()), list(from.zero_point()), from.axis()};
    t.is_constant = from.constant();
    t.encoding = code(from.encoding(), model::Encoding::kInt4);
    t.format = code(from.format(), spec::Format::kE5M2);
    t.data = list(from.data());
    return t;
  }

  model::Op op(const format::Op& from) {
    model::Op op;
    const std::string kind = text(from.kind());
    const auto known = model::kind_of(kind);
    if (!known) throw_error("operator '{}' is unknown", kind);
    op.kind = *known;
    op.name = text(from.name());
    op.inputs = list(from.inputs());
    op.outputs = list(from.outputs());
    op.new_shape = list(from.new_shape());
    for_each(from.numbers(),
             [&](const format::Numbers& n) { op.numbers[text(n.name())] = list(n.value()); });
    for_each(from.words(),
             [&](const format::Words& w) { op.words[text(w.name())] = text(w.value()); });
    for_each(from.steps(), [&](const format::Step& s) {
      op.steps.push_back({code(s.kind(), model::FloatStep::Kind::kMin), list(s.value())});
    });
    for_each_number([&]<typename T, typename Stored>(T model::Op::*field,
                                                     Stored (format::Op::*get)() const, auto) {
      op.*field = static_cast<T>(finite((from.*get)()));
    });
    code(from.padding(), model::Padding::kValid);
    code(from.activation(), model::Activation::kReluN1To1);
    return op;
  }

  model::Graph graph(const format::Graph& from) {
    model::Graph graph;
    graph.name = text(from.name());
    graph.file = file_;
    for_each(from.tensors(), [&](const format::Tensor& t) { graph.tensors.push_back(tensor(t)); });
    for_each(from.ops(), [&](const format::Op& o) { graph.ops.push_back(op(o)); });
    graph.inputs = list(from.inputs());
    graph.outputs = list(from.outputs());
    model::check_order(graph);
    model::check(graph);
    return graph;
  }

  std::string file_;
  std::size_t left_;  ///< bytes of the file that are not copied yet
};

Program Reader::segment(const format::Stage& from) {
  Program p;
  p.name = text(from.name());
  spend(from.image()->size());
  read_image({from.image()->data(), from.image()->size()}, &p);
  name(p.inputs, *from.inputs());
  name(p.outputs, *from.outputs());
  for_each(from.layers(), [&](const format::Layer& l) {
    p.layers.push_back({text(l.name()), text(l.op()), l.macs(), text(l.placement()),
                        l.bound_cycles(), l.expected_cycles(), l.stripes(), l.pe_macs(),
                        l.module_name() == nullptr ? "" : text(l.module_name())});
  });
  p.run_layer = list(from.run_layer());
  using reference::Rounding;
  p.rounding.fully_connected = code(from.rounding_fully_connected(), Rounding::kHalfEven);
  p.rounding.others = code(from.rounding_others(), Rounding::kHalfEven);
  p.rounding.lstm = code(from.lstm(), reference::LstmKernel::kMicro);
  p.removed = {from.removed_filters(), from.of_filters(), from.removed_macs()};
  p.before = graph(*from.before());
  p.after = graph(*from.after());
  return p;
}

bool begins_with(std::span<const std::uint8_t> bytes, std::string_view text) {
  return bytes.size() >= text.size() && std::memcmp(bytes.data(), text.data(), text.size()) == 0;
}

/// Refuses files that resemble programs, with a remedy.
void refuse_others(std::span<const std::uint8_t> bytes) {
  if (begins_with(bytes, kEarlierMagic))
    throw_error("compiled by an earlier version: compile again");
  if (begins_with(bytes, kImageText))
    throw_error("is a machine image, for drivers: use the program or the model");
  if (!is_program(bytes)) throw_error("not a Trine program");
}

Program parse(const std::vector<std::uint8_t>& bytes, const std::string& file) {
  refuse_others(bytes);
  std::vector<std::uint8_t> sealed = bytes;
  if (!seal(sealed)) throw_error("damaged: truncated, or offsets are outside of the file");
  const format::Program& root = *format::GetProgram(bytes.data());
  if (root.version() != kVersion)
    throw_error("has format version {}, but this tool reads {}: compile again", root.version(),
                kVersion);
  if (sealed != bytes) throw_error("damaged: the checksum does not match");
  const spec::Config config = spec::parse_config(root.configuration()->str(), file);
  Reader reader(file, bytes.size());
  std::vector<Program> segments;
  for (const format::Stage* segment : *root.stages()) {
    segments.push_back(reader.segment(*segment));
    segments.back().config = config;
    check(segments.back());
  }
  if (segments.empty()) throw_error("contains no stages");
  Program program = std::move(segments.front());
  program.rest.assign(std::make_move_iterator(segments.begin() + 1),
                      std::make_move_iterator(segments.end()));
  if (root.model_sha256() != nullptr) program.model_sha256 = root.model_sha256()->str();
  program.images = std::max(root.images(), 1);
  return program;
}

}  // namespace

bool is_program(std::span<const std::uint8_t> bytes) {
  return begins_with(bytes, kEarlierMagic) || begins_with(bytes, kImageText) ||
         (bytes.size() >= 8 && format::ProgramBufferHasIdentifier(bytes.data()));
}

bool seal(std::span<std::uint8_t> file) {
  flatbuffers::Verifier verifier(file.data(), file.size(), 16, kMostTables);
  if (file.size() >= kMostBytes || !format::VerifyProgramBuffer(verifier)) return false;
  format::Program* root = format::GetMutableProgram(file.data());
  if (!root->mutate_checksum(0)) return false;
  return root->mutate_checksum(hash64({reinterpret_cast<const char*>(file.data()), file.size()}));
}

namespace {

/// Returns a buffer that contains the file.
FlatBufferBuilder built(const Program& program) {
  std::size_t size = kBesideImages;
  for (const Program* segment : segments(program)) size += image_bytes(*segment);
  FlatBufferBuilder builder(std::min(size, kMostBytes));  // a larger buffer would copy images
  const auto parts = vector_of(builder, segments(program),
                               [&](const Program* segment) { return put(builder, *segment); });
  const auto configuration = builder.CreateString(program.config.to_toml());
  const auto digest = program.model_sha256.empty() ? 0 : builder.CreateString(program.model_sha256);
  constexpr std::uint64_t kPlace = 1;  // a field that is zero would be omitted
  builder.Finish(format::CreateProgram(builder, kPlace, kVersion, configuration, parts, digest,
                                       program.images),
                 format::ProgramIdentifier());
  if (!seal({builder.GetBufferPointer(), builder.GetSize()}))
    throw_error("{}: too large for a program file", program.name);
  return builder;
}

std::string_view bytes_of(const FlatBufferBuilder& builder) {
  return {reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()};
}

}  // namespace

std::string serialize(const Program& program) { return std::string(bytes_of(built(program))); }

void write_program(const std::filesystem::path& path, const Program& program) {
  for (const Program* segment : segments(program)) require_verified(*segment);
  write_file(path, bytes_of(built(program)));
}

Program parse_program(const std::vector<std::uint8_t>& bytes, const std::string& file) {
  try {
    return parse(bytes, file);
  } catch (const Error& e) {
    const std::string what = e.what();  // graphs and configurations name their file
    throw Error(what.starts_with(file + ":") ? what : file + ": " + what);
  }
}

Program read_program(const std::filesystem::path& path) {
  return parse_program(read_file(path), path.string());
}

}  // namespace trine::program
