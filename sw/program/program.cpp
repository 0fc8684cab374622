// SPDX-License-Identifier: Apache-2.0

#include "sw/program/program.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "sw/model/order.h"

namespace trine::compiler {
namespace {

using model::Graph;
using nlohmann::json;

constexpr std::string_view kMagic = "TRINEPRG";
constexpr std::uint32_t kFormat = 11;
constexpr std::uint32_t kMeta = 1, kWords = 2, kImage = 3, kRest = 4;

// ---- values of the metadata
// ---------------------------------------------------------------------------------

std::string shown(const json& j) { return j.is_number() ? j.dump() : j.type_name(); }

/// Reads a value, or the elements of a list or a map. What a file says need not fit what it is read
/// into, and a conversion then has no defined result.
/// @throws Error where a number is not whole or out of range, json::exception where the type is
/// another
template <typename T>
void read_value(const json& j, T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    j.get_to(value);
  } else if constexpr (std::is_integral_v<T>) {
    const bool fits =
        j.is_number_unsigned()
            ? j.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<T>::max())
            : j.is_number_integer() &&
                  j.get<std::int64_t>() >= std::int64_t{std::numeric_limits<T>::min()};
    if (!fits)
      throw_error("{} where a whole number of {} bits is expected", shown(j), 8 * sizeof(T));
    j.get_to(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    const double number = j.get<double>();
    if (std::abs(number) > double{std::numeric_limits<T>::max()})
      throw_error("{} is no number of {} bits", shown(j), 8 * sizeof(T));
    value = static_cast<T>(number);
  } else {
    j.get_to(value);
  }
}

template <typename T>
void read_value(const json& j, std::vector<T>& list) {
  if (!j.is_array()) throw_error("{} where a list is expected", shown(j));
  list.clear();
  for (const json& element : j) read_value(element, list.emplace_back());
}

template <typename T>
void read_value(const json& j, std::map<std::string, T>& map) {
  if (!j.is_object()) throw_error("{} where names with values are expected", shown(j));
  map.clear();
  for (const auto& [name, value] : j.items()) read_value(value, map[name]);
}

template <typename T>
T value_of(const json& j) {
  T value{};
  read_value(j, value);
  return value;
}

// ---- configuration
// --------------------------------------------------------------------------------

template <typename Visit>
void visit_config(machine::Config& c, Visit visit) {
  visit("name", c.name);
  visit("rows", c.rows);
  visit("cols", c.cols);
  visit("int8", c.int8);
  visit("ternary", c.ternary);
  visit("binary", c.binary);
  visit("dmem_kib", c.dmem_kib);
  visit("pmem_kib", c.pmem_kib);
  visit("param_channels", c.param_channels);
  visit("columns_per_cycle", c.columns_per_cycle);
  visit("vector", c.vector);
  visit("table", c.table);
  visit("softmax", c.softmax);
  visit("matmul", c.matmul);
  visit("depthwise", c.depthwise);
  visit("ecc", c.ecc);
  visit("axi_data_bits", c.axi_data_bits);
  visit("axi_addr_bits", c.axi_addr_bits);
  visit("pipeline_rows", c.pipeline_rows);
  visit("pipeline_cols", c.pipeline_cols);
}

json config_json(machine::Config config) {
  json j;
  visit_config(config, [&](const char* key, const auto& value) { j[key] = value; });
  return j;
}

machine::Config config_of(const json& j) {
  machine::Config config;
  visit_config(config, [&](const char* key, auto& value) { read_value(j.at(key), value); });
  return config;
}

// ---- tensors and the host's operators
// -------------------------------------------------------------

json fold_json(const Fold& f) {
  return {{"rows", f.rows},         {"pixels", f.pixels}, {"stride_y", f.stride_y},
          {"stride_x", f.stride_x}, {"top", f.top},       {"left", f.left},
          {"height", f.height},     {"width", f.width}};
}

Fold fold_of(const json& j) {
  Fold f;
  read_value(j.at("rows"), f.rows);
  read_value(j.at("pixels"), f.pixels);
  read_value(j.at("stride_y"), f.stride_y);
  read_value(j.at("stride_x"), f.stride_x);
  read_value(j.at("top"), f.top);
  read_value(j.at("left"), f.left);
  read_value(j.at("height"), f.height);
  read_value(j.at("width"), f.width);
  return f;
}

TensorLayout layout_of(const json& j) {
  TensorLayout l;
  read_value(j.at("name"), l.name);
  read_value(j.at("extents"), l.extents);
  read_value(j.at("C"), l.shape.C);
  read_value(j.at("H"), l.shape.H);
  read_value(j.at("W"), l.shape.W);
  read_value(j.at("transposed"), l.transposed);
  l.fold = fold_of(j.at("fold"));
  read_value(j.at("per_word"), l.shape.per_word);
  read_value(j.at("offset"), l.offset);
  read_value(j.at("pitch"), l.pitch);
  read_value(j.at("plane"), l.plane);
  read_value(j.at("scale"), l.scale);
  read_value(j.at("zero_point"), l.zero_point);
  return l;
}

json tensor_json(const model::Tensor& t) {
  return {{"name", t.name},
          {"type", std::string(model::npy_code(t.type))},
          {"shape", t.shape},
          {"scale", t.quantization.scale},
          {"zero_point", t.quantization.zero_point},
          {"axis", t.quantization.axis},
          {"constant", t.is_constant},
          {"encoding", static_cast<int>(t.encoding)},
          {"data", t.data}};
}

model::Tensor tensor_of(const json& j) {
  model::Tensor t;
  read_value(j.at("name"), t.name);
  const auto code = j.at("type").get<std::string>();
  bool known = false;
  for (const auto type : {model::DataType::kInt8, model::DataType::kUInt8, model::DataType::kInt16,
                          model::DataType::kInt32, model::DataType::kInt64,
                          model::DataType::kFloat32, model::DataType::kBool})
    if (model::npy_code(type) == code) {
      t.type = type;
      known = true;
    }
  if (!known) throw_error("tensor type '{}'", code);
  read_value(j.at("shape"), t.shape);
  read_value(j.at("scale"), t.quantization.scale);
  read_value(j.at("zero_point"), t.quantization.zero_point);
  read_value(j.at("axis"), t.quantization.axis);
  read_value(j.at("constant"), t.is_constant);
  const int encoding = value_of<int>(j.at("encoding"));
  if (encoding < 0 || encoding > static_cast<int>(model::Encoding::kInt4))
    throw_error("tensor encoding {}", encoding);
  t.encoding = static_cast<model::Encoding>(encoding);
  read_value(j.at("data"), t.data);
  return t;
}

json steps_json(const std::vector<model::FloatStep>& steps) {
  json result = json::array();
  for (const model::FloatStep& step : steps)
    result.push_back({{"kind", static_cast<int>(step.kind)}, {"value", step.value}});
  return result;
}

std::vector<model::FloatStep> steps_of(const json& j) {
  std::vector<model::FloatStep> steps;
  for (const json& s : j) {
    const int kind = value_of<int>(s.at("kind"));
    if (kind < 0 || kind > static_cast<int>(model::FloatStep::Kind::kMin))
      throw_error("float operation {}", kind);
    steps.push_back(
        {static_cast<model::FloatStep::Kind>(kind), value_of<std::vector<float>>(s.at("value"))});
  }
  return steps;
}

/// Calls visit(key, field) for each field of an operator that is a number, a flag or a list.
template <typename Op, typename Visit>
void for_each_field(Op& op, Visit visit) {
  visit("name", op.name);
  visit("index", op.index);
  visit("inputs", op.inputs);
  visit("outputs", op.outputs);
  visit("stride_h", op.stride_h);
  visit("stride_w", op.stride_w);
  visit("dilation_h", op.dilation_h);
  visit("dilation_w", op.dilation_w);
  visit("filter_h", op.filter_h);
  visit("filter_w", op.filter_w);
  visit("depth_multiplier", op.depth_multiplier);
  visit("keep_dims", op.keep_dims);
  visit("beta", op.beta);
  visit("alpha", op.alpha);
  visit("epsilon", op.epsilon);
  visit("center", op.center);
  visit("axis", op.axis);
  visit("new_shape", op.new_shape);
  visit("adjoint_a", op.adjoint_a);
  visit("adjoint_b", op.adjoint_b);
  visit("align_corners", op.align_corners);
  visit("half_pixel_centers", op.half_pixel_centers);
  visit("approximate", op.approximate);
  visit("begin_mask", op.begin_mask);
  visit("end_mask", op.end_mask);
  visit("shrink_axis_mask", op.shrink_axis_mask);
  visit("ellipsis_mask", op.ellipsis_mask);
  visit("new_axis_mask", op.new_axis_mask);
  visit("block", op.block);
  visit("symmetric", op.symmetric);
  visit("time_major", op.time_major);
  visit("cell_clip", op.cell_clip);
  visit("hidden_scale", op.hidden_scale);
  visit("hidden_zero_point", op.hidden_zero_point);
  visit("half_even", op.half_even);
  visit("of_uint8", op.of_uint8);
  visit("counted_macs", op.counted_macs);
  visit("code_min", op.code_min);
  visit("code_max", op.code_max);
  visit("low", op.low);
  visit("step", op.step);
  visit("numbers", op.numbers);
  visit("words", op.words);
}

json op_json(const model::Op& op) {
  json j{{"kind", static_cast<int>(op.kind)},
         {"padding", op.padding == model::Padding::kSame ? "same" : "valid"},
         {"activation", static_cast<int>(op.activation)},
         {"steps", steps_json(op.steps)}};
  for_each_field(op, [&](const char* key, const auto& field) { j[key] = field; });
  return j;
}

/// A code of an enumeration that ends with `last`.
template <typename Enum>
Enum enum_of(const json& j, Enum last, const char* what) {
  const int code = value_of<int>(j);
  if (code < 0 || code > static_cast<int>(last)) throw_error("{} {}", what, code);
  return static_cast<Enum>(code);
}

model::Op op_of(const json& j) {
  model::Op op;
  op.kind = enum_of(j.at("kind"), model::OpKind::kUnknown, "operator");
  op.padding = j.at("padding") == "same" ? model::Padding::kSame : model::Padding::kValid;
  op.activation = enum_of(j.at("activation"), model::Activation::kReluN1To1, "activation");
  op.steps = steps_of(j.at("steps"));
  for_each_field(op, [&](const char* key, auto& field) { read_value(j.at(key), field); });
  return op;
}

json graph_json(const Graph& graph) {
  json ops = json::array(), tensors = json::array();
  for (const model::Op& op : graph.ops) ops.push_back(op_json(op));
  for (const model::Tensor& t : graph.tensors) tensors.push_back(tensor_json(t));
  return {{"name", graph.name},
          {"ops", ops},
          {"tensors", tensors},
          {"inputs", graph.inputs},
          {"outputs", graph.outputs}};
}

Graph graph_of(const json& j, const std::string& file) {
  Graph graph;
  read_value(j.at("name"), graph.name);
  graph.file = file;
  for (const json& t : j.at("tensors")) graph.tensors.push_back(tensor_of(t));
  read_value(j.at("inputs"), graph.inputs);
  read_value(j.at("outputs"), graph.outputs);
  for (const json& o : j.at("ops")) graph.ops.push_back(op_of(o));
  model::check_order(graph);
  model::check(graph);
  return graph;
}

json meta_json(const Program& p) {
  json layers = json::array(), inputs = json::array(), outputs = json::array();
  for (const ProgramLayer& l : p.layers)
    layers.push_back(
        {{"name", l.name}, {"op", l.op}, {"macs", l.macs}, {"placement", l.placement}});
  for (const TensorLayout& l : p.inputs) inputs.push_back(layout_json(l));
  for (const TensorLayout& l : p.outputs) outputs.push_back(layout_json(l));
  return {{"name", p.name},
          {"config", config_json(p.config)},
          {"dram_bytes", p.dram_bytes},
          {"image_offset", p.image_offset},
          {"layers", layers},
          {"run_layer", p.run_layer},
          {"inputs", inputs},
          {"outputs", outputs},
          {"rounding",
           {static_cast<int>(p.rounding.fully_connected), static_cast<int>(p.rounding.others)}},
          {"before", graph_json(p.before)},
          {"after", graph_json(p.after)}};
}

void read_meta(const json& j, const std::string& file, Program* p) {
  read_value(j.at("name"), p->name);
  p->config = config_of(j.at("config"));
  machine::check(p->config);
  read_value(j.at("dram_bytes"), p->dram_bytes);
  read_value(j.at("image_offset"), p->image_offset);
  for (const json& l : j.at("layers")) {
    ProgramLayer layer;
    read_value(l.at("name"), layer.name);
    read_value(l.at("op"), layer.op);
    read_value(l.at("macs"), layer.macs);
    read_value(l.at("placement"), layer.placement);
    p->layers.push_back(layer);
  }
  read_value(j.at("run_layer"), p->run_layer);
  for (const json& l : j.at("inputs")) p->inputs.push_back(layout_of(l));
  for (const json& l : j.at("outputs")) p->outputs.push_back(layout_of(l));
  using reference::Rounding;
  const json& rounding = j.at("rounding");
  p->rounding.fully_connected = enum_of(rounding.at(0), Rounding::kHalfEven, "rounding");
  p->rounding.others = enum_of(rounding.at(1), Rounding::kHalfEven, "rounding");
  p->before = graph_of(j.at("before"), file);
  p->after = graph_of(j.at("after"), file);
}

// ---- bytes
// ----------------------------------------------------------------------------------------

template <typename T>
void put(std::string* out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    out->push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> 8 * i & 0xff));
}

class Reader {
 public:
  Reader(const std::vector<std::uint8_t>& bytes, std::size_t end) : bytes_(bytes), end_(end) {}

  std::uint64_t number(std::size_t size) {
    const std::uint8_t* from = take(size);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value |= std::uint64_t{from[i]} << 8 * i;
    return value;
  }
  const std::uint8_t* take(std::size_t size) {
    if (size > end_ - at_) throw_error("truncated at byte {}", end_);
    const std::uint8_t* from = bytes_.data() + at_;
    at_ += size;
    return from;
  }
  void align() { take((8 - at_ % 8) % 8); }
  bool done() const { return at_ == end_; }

 private:
  const std::vector<std::uint8_t>& bytes_;
  std::size_t end_;
  std::size_t at_ = 0;
};

void add_section(std::string* out, std::uint32_t tag, const std::string& contents) {
  put(out, tag);
  put(out, std::uint32_t{0});
  put(out, static_cast<std::uint64_t>(contents.size()));
  *out += contents;
  out->resize((out->size() + 7) / 8 * 8);
}

// ---- what a correct file says
// ---------------------------------------------------------------------

void check_layout(const TensorLayout& l, std::int64_t limit, const char* what) {
  std::int64_t elements = 1;
  const std::int64_t most = 8 * limit;  // a bit each
  for (const int e : l.extents) {
    if (e < 1 || elements > most / e) throw_error("{} '{}' has extent {}", what, l.name, e);
    elements *= e;
  }
  const Shape& s = l.shape;
  const Fold& f = l.fold;
  constexpr int kMost = 32767;
  for (const int n : {f.rows, f.pixels, f.stride_y, f.stride_x, f.top + 1, f.left + 1})
    if (n < 1 || n > kMost) throw_error("{} '{}' is folded by {}", what, l.name, n);
  if (f.rows > 255 || f.pixels > 255 || (f.folded() && s.per_word != 4) || s.C % f.size() != 0 ||
      (f.folded() && (f.height < 1 || f.height > kMost || f.width < 1 || f.width > kMost)))
    throw_error("{} '{}' has blocks of {} pixels in {} channels", what, l.name, f.size(), s.C);
  const std::int64_t values =
      f.folded() ? std::int64_t{s.C / f.size()} * f.height * f.width : s.pixels() * s.C;
  if (s.C < 1 || s.H < 1 || s.W < 1 || s.C > 65535 || s.H > 32767 || s.W > 32767 ||
      values != elements ||
      (s.per_word != 1 && s.per_word != 4 && s.per_word != 16 && s.per_word != 32) ||
      l.pitch < s.W || l.pitch > limit || l.plane < std::int64_t{s.H - 1} * l.pitch + s.W ||
      l.plane > limit || l.offset < 0 || l.offset % 4 != 0 || l.offset > limit ||
      l.bytes() > limit - l.offset)
    throw_error("{} '{}' does not fit its {} bytes of DRAM", what, l.name, limit);
}

void check_host(const Graph& host, const std::vector<TensorLayout>& edge,
                const std::vector<int>& tensors, const char* what) {
  if (tensors.size() != edge.size())
    throw_error("{} {}, the host has {}", edge.size(), what, tensors.size());
  for (std::size_t i = 0; i < edge.size(); ++i)
    if (host.tensor(tensors[i]).shape != edge[i].extents ||
        host.tensor(tensors[i]).type !=
            (edge[i].shape.per_word == 1 ? model::DataType::kInt32 : model::DataType::kInt8))
      throw_error("{} '{}' is another tensor on the host", what, edge[i].name);
}

constexpr std::int64_t kMostDram = std::int64_t{1} << 40;

/// Bytes that the program's stores write, up to kMostDram.
std::int64_t stored_bytes(const std::vector<isa::Word>& words) {
  isa::RegisterFile registers;
  std::int64_t bytes = 0;
  for (const isa::Word word : words) {
    if (isa::engine_of(word) != isa::Engine::kStore) continue;
    if (isa::opcode_of(word) == isa::Opcode::kSet) registers.set(word);
    if (isa::opcode_of(word) != isa::Opcode::kRun) continue;
    const isa::TransferRegisters store(registers[isa::Engine::kStore]);
    bytes = std::min(
        kMostDram, bytes + 4 * (store.get(isa::dma::kRowsLast) + 1) * store.get(isa::dma::kWords));
  }
  return bytes;
}

/// Constants, maps at the edge, and what is stored between: rows of W words may lie a beat of 16
/// apart.
std::int64_t most_dram_bytes(const Program& p) {
  constexpr std::int64_t kPage = 4096;
  std::int64_t bytes = 2 * kPage + static_cast<std::int64_t>(p.image.size());
  for (const auto* edge : {&p.inputs, &p.outputs})
    for (const TensorLayout& l : *edge) bytes += l.bytes() + kPage;
  return bytes + 16 * stored_bytes(p.words);
}

void check_contents(const Program& p) {
  if (p.config.hash() != p.config_hash)
    throw_error("compiled for another version of the instruction set, not for {}", isa::kVersion);
  const auto image = static_cast<std::int64_t>(p.image.size());
  if (p.dram_bytes < 0 || p.dram_bytes > kMostDram || p.image_offset < 0 ||
      p.image_offset > p.dram_bytes || image > p.dram_bytes - p.image_offset)
    throw_error("{} bytes of constants at {} exceed {} bytes of DRAM", image, p.image_offset,
                p.dram_bytes);
  if (p.words.empty()) throw_error("there are no instructions");
  if (p.words.front() != p.config_hash) throw_error("word 0 is not the configuration's hash");
  std::size_t runs = 0;
  for (std::size_t i = 1; i < p.words.size(); ++i) {
    const isa::Opcode opcode = isa::opcode_of(p.words[i]);
    if (opcode == isa::Opcode::kRun) ++runs;
    if ((opcode == isa::Opcode::kEnd) != (i + 1 == p.words.size()))
      throw_error("word {}: END belongs at the end of the program", i);
    if (isa::fault_of(p.words[i], p.config.features()) != isa::Fault::kNone)
      throw_error("word {}: {}", i, isa::fault_text(p.words[i], p.config.features()));
  }
  if (runs != p.run_layer.size())
    throw_error("{} RUNs, {} are assigned to layers", runs, p.run_layer.size());
  constexpr std::int64_t kMostMacs = std::int64_t{1} << 60;  // of a stage
  std::int64_t macs = 0;
  for (const ProgramLayer& layer : p.layers) {
    if (layer.macs < 0 || layer.macs > kMostMacs - macs)
      throw_error("layer '{}' has {} MACs", layer.name, layer.macs);
    macs += layer.macs;
  }
  for (const int layer : p.run_layer)
    if (layer < 0 || layer >= static_cast<int>(p.layers.size()))
      throw_error("layer {}, there are {}", layer, p.layers.size());
  for (const TensorLayout& l : p.inputs) check_layout(l, p.dram_bytes, "input");
  for (const TensorLayout& l : p.outputs) check_layout(l, p.dram_bytes, "output");
  if (const std::int64_t most = most_dram_bytes(p); p.dram_bytes > most)
    throw_error("{} bytes of DRAM, its maps and constants justify {}", p.dram_bytes, most);
  check_host(p.before, p.inputs, p.before.outputs, "inputs");
  check_host(p.after, p.outputs, p.after.inputs, "outputs");
}

}  // namespace

json layout_json(const TensorLayout& l) {
  return {{"name", l.name},
          {"extents", l.extents},
          {"C", l.shape.C},
          {"H", l.shape.H},
          {"W", l.shape.W},
          {"transposed", l.transposed},
          {"fold", fold_json(l.fold)},
          {"offset", l.offset},
          {"pitch", l.pitch},
          {"plane", l.plane},
          {"scale", l.scale},
          {"zero_point", l.zero_point},
          {"per_word", l.shape.per_word}};
}

std::int64_t Program::macs() const {
  std::int64_t sum = 0;
  for (const ProgramLayer& layer : layers) sum += layer.macs;
  for (const Program& stage : rest) sum += stage.macs();
  return sum;
}

std::vector<const Program*> stages(const Program& program) {
  std::vector<const Program*> all{&program};
  for (const Program& stage : program.rest) all.push_back(&stage);
  return all;
}

std::string serialize(const Program& program) {
  std::string out(kMagic);
  put(&out, kFormat);
  put(&out, std::uint32_t{4});
  put(&out, program.config_hash);
  // Names are a model's: of any bytes.
  add_section(&out, kMeta, meta_json(program).dump(-1, ' ', false, json::error_handler_t::replace));
  std::string words;
  for (const isa::Word word : program.words) put(&words, word);
  add_section(&out, kWords, words);
  add_section(&out, kImage, std::string(program.image.begin(), program.image.end()));
  std::string rest;
  for (const Program& stage : program.rest) {
    const std::string bytes = serialize(stage);
    put(&rest, static_cast<std::uint64_t>(bytes.size()));
    rest += bytes;
  }
  add_section(&out, kRest, rest);
  put(&out, hash64(out));
  return out;
}

void write_program(const std::filesystem::path& path, const Program& program) {
  write_file(path, serialize(program));
}

namespace {

Program parse_stage(const std::vector<std::uint8_t>& bytes, const std::string& file, bool first);

/// Stages follow each other: outputs of one are the inputs of the next.
std::vector<Program> parse_rest(const std::vector<std::uint8_t>& bytes, const std::string& file) {
  std::vector<Program> rest;
  Reader reader(bytes, bytes.size());
  while (!reader.done()) {
    const std::uint64_t size = reader.number(8);
    const std::uint8_t* contents = reader.take(size);
    rest.push_back(parse_stage({contents, contents + size}, file, false));
  }
  return rest;
}

/// @param first  of the program's stages: it has the others
Program parse_stage(const std::vector<std::uint8_t>& bytes, const std::string& file, bool first) {
  if (bytes.size() < 32 || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0)
    throw_error("not a Trine program");
  Reader tail(bytes, bytes.size());
  tail.take(bytes.size() - 8);
  const std::string_view covered(reinterpret_cast<const char*>(bytes.data()), bytes.size() - 8);
  Reader reader(bytes, bytes.size() - 8);
  reader.take(kMagic.size());
  if (const auto format = reader.number(4); format != kFormat)
    throw_error("format {}, this tool reads {}", format, kFormat);
  if (tail.number(8) != hash64(covered)) throw_error("damaged: the checksum does not fit");
  const std::uint64_t sections = reader.number(4);
  Program program;
  program.config_hash = reader.number(8);
  std::uint64_t seen = 0;
  for (std::uint64_t s = 0; s < sections; ++s) {
    const auto tag = static_cast<std::uint32_t>(reader.number(4));
    reader.number(4);
    const std::uint64_t size = reader.number(8);
    const std::uint8_t* contents = reader.take(size);
    reader.align();
    if (tag < kMeta || tag > kRest || (seen >> tag & 1) != 0) throw_error("section {}", tag);
    seen |= std::uint64_t{1} << tag;
    if (tag == kMeta) {
      read_meta(json::parse(contents, contents + size), file, &program);
    } else if (tag == kWords) {
      if (size % 8 != 0) throw_error("{} bytes of instructions", size);
      program.words.resize(size / 8);
      if (size > 0) std::memcpy(program.words.data(), contents, size);
    } else if (tag == kImage) {
      program.image.assign(contents, contents + size);
    } else if (first) {
      program.rest = parse_rest({contents, contents + size}, file);
    } else if (size > 0) {
      throw_error("a stage has stages");
    }
  }
  if (seen != (1U << kMeta | 1U << kWords | 1U << kImage | 1U << kRest) || !reader.done())
    throw_error("sections are missing or left over");
  check_contents(program);
  return program;
}

}  // namespace

Program parse_program(const std::vector<std::uint8_t>& bytes, const std::string& file) {
  try {
    return parse_stage(bytes, file, true);
  } catch (const json::exception& e) {
    throw_error("{}: metadata: {}", file, e.what());
  } catch (const Error& e) {
    const std::string what = e.what(), prefix = file + ": ";  // graphs know their file
    throw Error(what.rfind(prefix, 0) == 0 ? what : prefix + what);
  }
}

Program read_program(const std::filesystem::path& path) {
  return parse_program(read_file(path), path.string());
}

void set_configuration(Program& program, const machine::Config& config) {
  if (program.config_hash != config.hash())
    throw_error("{}: compiled for configuration {} ({:016x}), not for {} ({:016x})", program.name,
                program.config.name, program.config_hash, config.name, config.hash());
  program.config = config;
  for (Program& stage : program.rest) set_configuration(stage, config);
}

}  // namespace trine::compiler
