// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/lower/lowering.h"

#include "base/rounding.h"
#include "machine/precision.h"
#include "sw/compiler/network/forms.h"
#include "sw/model/onnx/evaluate/evaluate.h"

namespace trine::compiler {
namespace {

/// Whether a table may replace it, if the machine has tables.
bool is_table(const Op& o) {
  return o.kind == OpKind::kDequantize || o.kind == OpKind::kFloat ||
         model::computes_floats(o.kind) ||
         (o.kind == OpKind::kOnnx && model::onnx_file::is_elementwise(o.name));
}

}  // namespace

std::string with_tensor(const Graph& graph, const Op& op, int tensor) {
  return fmt::format("{}: tensor {} '{}'", model::label(graph, op), tensor,
                     graph.tensor(tensor).name);
}

Lowered Lowering::run() {
  machine_ = partition(graph_, config_, net_);
  find_facts();
  if (auto refused = judge([this](int i) { return precisions_problem(op(i)); }))
    return {{}, std::move(refused)};
  for (const model::State& state : graph_.states) add_state(state);
  for (const int t : net_.input_tensors)
    if (auto problem = input_problem(t))
      return {{}, Unsupported(*problem, readers_of(t))};
    else
      add_input(t);
  if (auto refused = judge([this](int i) { return lower(i); })) return {{}, std::move(refused)};
  for (const int t : net_.output_tensors) {
    net_.outputs.push_back(own_map(t));
    net_.maps[at(net_.outputs.back())].output = true;
  }
  if (noted_) throw model::Refusal(*noted_);
  set_lifetimes(net_);
  return {std::move(net_), std::nullopt};
}

void Lowering::find_facts() {
  for (const int i : machine_) {
    for (const int t : op(i).inputs)
      if (t >= 0) ++readers_[t];
    if (!op(i).inputs.empty()) first_readers_[op(i).input(0)].push_back(i);
    for (const int t : op(i).outputs) producer_[t] = i;
  }
  for (const int t : net_.output_tensors) ++readers_[t];
  find_tables();
  find_fused_additions();
  find_fused_thresholds();
  find_concatenated();
  packing_ = choose_packing(graph_, machine_);
}

template <typename Ask>
std::optional<Unsupported> Lowering::judge(Ask ask) {
  model::Faults faults;
  std::vector<int> refused;
  std::set<int> missing;  // tensors
  for (const int i : machine_) {
    const bool hopeless =
        std::ranges::any_of(op(i).inputs, [&](int t) { return missing.contains(t); });
    Problem problem = host_problem(op(i));
    if (!problem && !hopeless) problem = ask(i);
    if (problem) {
      faults.add(*problem);
      refused.push_back(i);
    }
    if ((problem || hopeless) && !stand_in(op(i)))
      missing.insert(op(i).outputs.begin(), op(i).outputs.end());
  }
  if (faults.empty()) return std::nullopt;
  return Unsupported(faults.joined(), std::move(refused));
}

/// A map for the result of an operator that is refused, as if it came from outside: what follows is
/// judged as well, so that all faults are named at once.
bool Lowering::stand_in(const Op& o) {
  const int tensor = o.outputs[0];
  if (graph_.out(o).type != model::DataType::kInt8) return false;
  if (map_of_.contains(tensor)) return true;
  if (first_of(tensor_problem(tensor), written_problem(tensor))) return false;
  new_output(o, shape_of(graph_.out(o).shape, graph_.out(o).name));
  return true;
}

// ---- what the machine can do --------------------------------------------------------------------

Problem Lowering::no_such_operator(const Op& o) const {
  return refusal(o, o.outputs[0], Reason::kOperator, ": the machine has no such operator");
}

Problem Lowering::host_problem(const Op& o) const {
  const bool of_host = model::class_of(o.kind) == model::OpClass::kHost || o.kind == OpKind::kLstm;
  const bool lacks_table = is_table(o) && !config_.table;
  return of_host && !is_function(o) && !lacks_table ? no_such_operator(o) : std::nullopt;
}

Problem Lowering::tensor_problem(int tensor) const {
  const Tensor& t = graph_.tensor(tensor);
  return shape_problem(t.shape, "tensor '" + t.name + "'");
}

Problem Lowering::out_problem(const Op& o) const {
  return shape_problem(graph_.out(o).shape, with_tensor(graph_, o, o.outputs[0]));
}

Problem Lowering::written_problem(int tensor) const {
  const auto found = concatenated_.find(tensor);
  if (found == concatenated_.end()) return std::nullopt;
  const int whole = found->second.first;
  return first_of(tensor_problem(whole), tensor_problem(tensor),
                  map_of_.contains(whole) ? std::nullopt : written_problem(whole));
}

Problem Lowering::result_problem(const Op& o) const {
  const auto function = looked_up_.find(o.outputs[0]);
  return first_of(written_problem(o.outputs[0]),
                  function == looked_up_.end() ? std::nullopt : written_problem(function->second));
}

Problem Lowering::map_problem(int tensor) const {
  if (map_of_.contains(tensor)) return std::nullopt;
  const bool ordered = axes_.contains(tensor);
  if (!ordered && !graph_.tensor(tensor).is_constant)
    return model::refusal(Reason::kOther, "{}: tensor '{}' was not computed", graph_.file,
                          graph_.tensor(tensor).name);
  return first_of(tensor_problem(tensor), ordered ? written_problem(tensor) : std::nullopt);
}

Problem Lowering::image_problem(const Op& o, int tensor) const {
  if (!map_of_.contains(tensor)) return map_problem(tensor);
  return shape_problem(graph_.tensor(tensor).shape, with_tensor(graph_, o, tensor));
}

Problem Lowering::pixels_problem(const Op& o, int position) const {
  const int tensor = o.input(position);
  const auto map = map_of_.find(tensor);
  if (map != map_of_.end() && shape(map->second).C == graph_.tensor(tensor).extent(-1))
    return std::nullopt;
  return image_problem(o, tensor);
}

// ---- maps and layers ----------------------------------------------------------------------------

int Lowering::add_map(int tensor, const Shape& shape) {
  Map map;
  map.name = graph_.tensor(tensor).name;
  map.tensor = tensor;
  map.shape = shape;
  map.shape.per_word =
      graph_.tensor(tensor).type == model::DataType::kInt32 ? 1 : packing_of(tensor);
  return net_.add(std::move(map));
}

void Lowering::add_state(const model::State& state) {
  const Tensor& after = graph_.tensor(state.after);
  const std::string what = "tensor '" + after.name + "'";
  const int whole = map_of_[state.after] = add_map(state.after, shape_of(after.shape, what));
  std::vector<int> most = after.shape;
  most.at(at(state.axis)) = state.capacity;
  net_.maps[at(whole)].capacity = shape_of(most, what);
  if (state.before < 0) return;
  const int part = add_part(whole, {}, shape_of(graph_.tensor(state.before).shape, what));
  net_.maps[at(part)].input = true;
  map_of_[state.before] = part;
}

std::vector<int> Lowering::readers_of(int tensor) const {
  std::vector<int> readers;
  for (const int i : machine_)
    if (std::ranges::count(op(i).inputs, tensor) > 0) readers.push_back(i);
  return readers;
}

Problem Lowering::input_problem(int tensor) const {
  if (map_of_.contains(tensor)) return std::nullopt;  // a state
  const Tensor& t = graph_.tensor(tensor);
  if (t.type != model::DataType::kInt8)
    return model::refusal(Reason::kType, "{}: input '{}' is {}, the machine takes int8",
                          graph_.file, t.name, model::name_of(t.type));
  return shape_problem(graph_.tensor(shaped_from(tensor)).shape, "tensor '" + t.name + "'");
}

int Lowering::shaped_from(int tensor) const {
  int shaped = tensor;
  for (;;) {
    const Op* reader = only_reader(shaped);
    if (reader == nullptr || !is_reshape(reader->kind) ||
        reader_of(reader->outputs[0], OpKind::kTranspose) != nullptr)
      return shaped;
    shaped = reader->outputs[0];
  }
}

void Lowering::add_input(int tensor) {
  if (const auto state = map_of_.find(tensor); state != map_of_.end()) {
    net_.inputs.push_back(state->second);
    return;
  }
  const int shaped = shaped_from(tensor);
  const int map = add_map(tensor, shape_of(graph_.tensor(shaped).shape, ""));
  net_.maps[at(map)].input = true;
  map_of_[tensor] = map;
  net_.inputs.push_back(map);
  fold_input(map, shaped);
}

void Lowering::fold_input(int map, int shaped) {
  Map& to = net_.maps[at(map)];
  const auto reader =
      std::ranges::find_if(machine_, [&](int i) { return op(i).input(0) == shaped; });
  if (to.shape.per_word != 4 || readers_[shaped] != 1 || reader == machine_.end()) return;
  const Op& o = op(*reader);
  if (!is_convolution(o.kind) || !graph_.in(o, 1).is_constant) return;
  Layer layer;
  layer.input = map;
  set_window(o, layer, graph_.in(o, 1).extent(1), graph_.in(o, 1).extent(2));
  const auto folded = folded_input(to.shape, layer.window, o.kind != OpKind::kConv2D,
                                   !weight_precision(o, machine::kInt8).has_zero);
  if (!folded) return;
  to.fold = folded->fold;
  to.shape = folded->shape;
}

int Lowering::packing_of(int tensor) const {
  const auto found = packing_.find(tensor);
  return found == packing_.end() ? 4 : found->second;
}

Problem Lowering::precisions_problem(const Op& o) const {
  const auto lacking = [&](int tensor, const machine::Precision& p) -> Problem {
    if (config_.*p.enabled) return std::nullopt;
    return refusal(o, tensor, Reason::kConfiguration, " is {}, array.precisions lacks \"{}\"",
                   p.name, p.name);
  };
  const auto is_map = [&](int t) {
    return t >= 0 && graph_.tensor(t).type == model::DataType::kInt8;
  };
  if (is_product(o.kind) && is_map(o.input(0)) && is_map(o.input(1))) {
    const machine::Precision& in = machine::precision_of_codes(packing_of(o.input(0)));
    if (auto problem = lacking(o.input(1), weight_precision(o, in))) return problem;
  }
  for (const auto* tensors : {&o.inputs, &o.outputs})
    for (const int t : *tensors)
      if (is_map(t) && !graph_.tensor(t).is_constant)
        if (auto problem = lacking(t, machine::precision_of_codes(packing_of(t)))) return problem;
  return std::nullopt;
}

bool Lowering::zero_beyond(int tensor) const {
  const int from = producer_of(tensor);
  if (from < 0) return true;
  const OpKind kind = op(from).kind;
  if (is_reshape(kind) || kind == OpKind::kMaxPool2D || kind == OpKind::kPad)
    return zero_beyond(op(from).input(0));
  return is_product(kind) || kind == OpKind::kThreshold;
}

const machine::Precision& Lowering::weight_precision(const Op& o,
                                                     const machine::Precision& in) const {
  if (&in != &machine::kInt8) return in;
  // The window former takes whole codes, whatever the weights would fit: an average's are ones.
  if (o.kind == OpKind::kDepthwiseConv2D) return machine::kInt8;
  const int activations = o.input(activations_of(o));
  const Tensor& x = graph_.tensor(activations);
  const machine::Precision& weights = precision_of(graph_.in(o, 1).encoding);
  // Binary weights beyond the last channel are -1, ternary ones 0.
  const int from = producer_of(activations);
  const bool reshaped = from >= 0 && is_reshape(op(from).kind);  // then channels are others
  if (weights.has_zero || (x.extent(-1) % 4 == 0 && !reshaped) ||
      (x.zero_point() == 0 && zero_beyond(activations)))
    return weights;
  const machine::Precision* with_zero = &machine::kInt8;
  for (const machine::Precision& p : machine::kPrecisions)
    if (config_.*p.enabled && p.has_zero && p.bits < with_zero->bits) with_zero = &p;
  return *with_zero;
}

int Lowering::map_of(int tensor) {
  const auto found = map_of_.find(tensor);
  if (found != map_of_.end()) return found->second;
  const Tensor& t = graph_.tensor(tensor);
  const auto axes = axes_.find(tensor);
  if (axes != axes_.end()) {
    const int map = output_map(tensor, shape_of(t.shape, "tensor '" + t.name + "'"));
    put_in_order(op(producer_of(tensor)), axes->second, map, false);
    return map_of_[tensor] = map;
  }
  if (const auto problem = map_problem(tensor)) throw model::Refusal(*problem);  // an output
  const int map = add_map(tensor, shape_of(t.shape, "tensor '" + t.name + "'"));
  net_.maps[at(map)].codes = t.values<std::int8_t>();
  return map_of_[tensor] = map;
}

int Lowering::new_output(const Op& o, const Shape& shape) {
  return map_of_[o.outputs[0]] = output_map(o.outputs[0], shape);
}

int Lowering::output_map(int tensor, const Shape& shape) {
  const auto found = concatenated_.find(tensor);
  if (found == concatenated_.end()) return add_map(tensor, shape);
  const auto& [whole, place] = found->second;
  const Tensor &t = graph_.tensor(whole), &part = graph_.tensor(tensor);
  const Shape joined = shape_of(t.shape, "tensor '" + t.name + "'"),
              own = shape_of(part.shape, "tensor '" + part.name + "'");
  // What lies as other pixels is turned when it is joined.
  if (shape.H != own.H || shape.W != own.W) return add_map(tensor, shape);
  if (!map_of_.contains(whole)) map_of_[whole] = output_map(whole, joined);
  return add_part(map_of_[whole], place, shape);
}

int Lowering::add_part(int whole, const Part& part, const Shape& shape) {
  const Map& outer = net_.maps[at(whole)];
  const Part& o = outer.part;
  Map map;
  map.name = outer.name;
  map.tensor = outer.tensor;
  map.shape = shape;
  map.shape.per_word = outer.shape.per_word;
  map.part = {o.whole >= 0 ? o.whole : whole,
              o.channel + part.channel,
              o.y + part.y * o.stride_y,
              o.x + part.x * o.stride_x,
              o.stride_y * part.stride_y,
              o.stride_x * part.stride_x,
              part.pixel_words};
  return net_.add(std::move(map));
}

int Lowering::channels_of(int from, int first, int count) {
  const Shape s = shape(from);
  if (first == 0 && count == s.C) return from;
  return add_part(from, {-1, first}, {count, s.H, s.W});
}

int Lowering::image(const Op& o, int position) {
  const int tensor = o.input(position);
  const int map = map_of(tensor);
  const bool folded = net_.maps[at(map)].fold.folded();  // for this operator
  const Shape own = shape_of(graph_.tensor(tensor).shape, with_tensor(graph_, o, tensor));
  if (folded || own == shape(map)) return map;
  return map_of_[tensor] = in_order(o, axes_of(tensor), own, false);
}

int Lowering::pixels(const Op& o, int position) {
  const int map = map_of(o.input(position));
  return shape(map).C == graph_.in(o, position).extent(-1) ? map : image(o, position);
}

Layer Lowering::start(const Op& o, LayerKind kind, int input) const {
  Layer layer(kind);
  layer.input = input;
  layer.window = pointwise(shape(input));
  layer.words = shape(input).channel_words();
  layer.label = model::label(graph_, o);
  layer.op = o.name;
  layer.name = graph_.out(o).name;
  layer.macs = model::macs(graph_, o);
  layer.single = rounding_.of(o) != reference::Rounding::kDouble;
  return layer;
}

Problem Lowering::types_problem(const Op& o) const {
  const bool sums = is_product(o.kind) || o.kind == OpKind::kTransposeConv;
  if (sums && graph_.out(o).type == model::DataType::kInt32) return std::nullopt;
  const bool no_table = is_table(o) && !config_.table;
  for (const int t : o.outputs)
    if (graph_.tensor(t).type != model::DataType::kInt8)
      return refusal(o, t, no_table ? Reason::kConfiguration : Reason::kType,
                     " is {}, the machine computes int8{}", model::name_of(graph_.tensor(t).type),
                     no_table ? ", floats only in the lookup table (vector.table)" : "");
  return std::nullopt;
}

Problem Lowering::half_even_problem(const Op& o) const {
  if (!o.half_even || half_even(graph_, o) != HalfEven::kNoWay) return std::nullopt;
  return refusal(
      o, o.outputs[0], Reason::kRounding,
      " rounds halves to even, and sums of the machine's rounded terms can be off by one code");
}

bool Lowering::needs_half_even(const Op& o) const {
  return o.half_even && half_even(graph_, o) == HalfEven::kNeeded;
}

const Lowering::Rule* Lowering::rule_of(OpKind kind) {
  static constexpr std::pair<OpKind, Rule> kRows[] = {
      {OpKind::kAdd, {&Lowering::addition_problem, &Lowering::addition}},
      {OpKind::kAveragePool2D, {&Lowering::average_pool_problem, &Lowering::average_pool}},
      {OpKind::kBatchMatMul, {&Lowering::batch_matmul_problem, &Lowering::batch_matmul}},
      {OpKind::kBroadcastTo, {&Lowering::broadcast_to_problem, &Lowering::broadcast_to}},
      {OpKind::kConcatenation, {&Lowering::concatenation_problem, &Lowering::concatenation}},
      {OpKind::kConv2D, {&Lowering::product_problem, &Lowering::product}},
      {OpKind::kDepthToSpace, {&Lowering::blocks_problem, &Lowering::depth_to_space}},
      {OpKind::kDepthwiseConv2D, {&Lowering::product_problem, &Lowering::product}},
      {OpKind::kExpandDims, {&Lowering::reshape_problem, &Lowering::reshape}},
      {OpKind::kFullyConnected, {&Lowering::product_problem, &Lowering::product}},
      {OpKind::kGather, {&Lowering::gather_problem, &Lowering::gather}},
      {OpKind::kMaximum, {&Lowering::two_maps_problem, &Lowering::maximum}},
      {OpKind::kMaxPool2D, {&Lowering::max_pool_problem, &Lowering::max_pool}},
      {OpKind::kMean, {&Lowering::mean_problem, &Lowering::mean}},
      {OpKind::kMinimum, {&Lowering::two_maps_problem, &Lowering::minimum}},
      {OpKind::kMirrorPad, {&Lowering::mirror_pad_problem, &Lowering::mirror_pad}},
      {OpKind::kMul, {&Lowering::multiplication_problem, &Lowering::multiplication}},
      {OpKind::kNormalization, {&Lowering::normalization_problem, &Lowering::normalization}},
      {OpKind::kPad, {&Lowering::pad_problem, &Lowering::pad}},
      {OpKind::kPadV2, {&Lowering::pad_problem, &Lowering::pad}},
      {OpKind::kQuantize, {&Lowering::requantize_problem, &Lowering::requantize}},
      {OpKind::kReduceMax, {&Lowering::reduce_max_problem, &Lowering::reduce_max}},
      {OpKind::kReduceMin, {&Lowering::reduce_max_problem, &Lowering::reduce_max}},
      {OpKind::kRelu, {&Lowering::requantize_problem, &Lowering::requantize}},
      {OpKind::kRelu6, {&Lowering::requantize_problem, &Lowering::requantize}},
      {OpKind::kReluN1To1, {&Lowering::requantize_problem, &Lowering::requantize}},
      {OpKind::kReshape, {&Lowering::reshape_problem, &Lowering::reshape}},
      {OpKind::kResizeBilinear, {&Lowering::resize_problem, &Lowering::resize}},
      {OpKind::kResizeNearestNeighbor, {&Lowering::resize_problem, &Lowering::resize}},
      {OpKind::kSoftmax, {&Lowering::softmax_problem, &Lowering::softmax}},
      {OpKind::kSpaceToDepth, {&Lowering::blocks_problem, &Lowering::space_to_depth}},
      {OpKind::kSquaredDifference,
       {&Lowering::squared_difference_problem, &Lowering::squared_difference}},
      {OpKind::kSqueeze, {&Lowering::reshape_problem, &Lowering::reshape}},
      {OpKind::kStridedSlice, {&Lowering::strided_slice_problem, &Lowering::strided_slice}},
      {OpKind::kSub, {&Lowering::subtraction_problem, &Lowering::subtraction}},
      {OpKind::kSum, {&Lowering::mean_problem, &Lowering::mean}},
      {OpKind::kThreshold, {&Lowering::threshold_problem, &Lowering::threshold}},
      {OpKind::kTranspose, {&Lowering::transpose_problem, &Lowering::transpose}},
      {OpKind::kTransposeConv,
       {&Lowering::transpose_convolution_problem, &Lowering::transpose_convolution}},
  };
  static constexpr auto kRules = model::table_of<Rule>(kRows, [](OpKind needed) {
    const model::OpClass type = model::class_of(needed);
    return type != model::OpClass::kFunction && type != model::OpClass::kHost &&
           type != model::OpClass::kNone && needed != OpKind::kLstm &&
           model::computes_codes(needed);
  });
  const Rule& rule = kRules[static_cast<std::size_t>(kind)];
  return rule == Rule{} ? nullptr : &rule;
}

Problem Lowering::problem(const Op& o) const {
  if (is_function(o)) return function_problem(o);
  if (auto problem = types_problem(o)) return problem;
  if (const Rule* rule = rule_of(o.kind)) return (this->*rule->problem)(o);
  if (model::class_of(o.kind) == model::OpClass::kFunction && !config_.table &&
      model::computes_codes(o.kind))
    return refusal(o, o.outputs[0], Reason::kConfiguration,
                   " needs the lookup table (vector.table)");
  return no_such_operator(o);
}

Problem Lowering::lower(int index) {
  const Op& o = op(index);
  if (fused_into_.contains(index)) return std::nullopt;  // with the ADD
  if (auto found = problem(o)) return found;
  if (is_function(o))
    function(o);
  else
    (this->*rule_of(o.kind)->lower)(o);
  return std::exchange(noted_, std::nullopt);
}

void Lowering::note(model::Refusal problem) {
  if (!noted_) noted_ = std::move(problem);
}

void Lowering::add_layer(const Op& o, Layer layer) {
  const Shape out = shape_after(layer);
  const int tensor = look_up_result(o.outputs[0], layer);
  add_layer_to(map_of_[tensor] = output_map(tensor, out), std::move(layer));
}

void Lowering::add_layer_to(int map, Layer layer) {
  // At 32 bits golden layers wrap, too.
  const bool narrow = layer.kind == LayerKind::kConv && config_.acc_bits < 32;
  if (const int bits = narrow ? sum_bits(layer) : 0; bits > config_.acc_bits)
    note(model::refusal(Reason::kConfiguration, "{}: its sums need {} bits, array.acc_bits is {}",
                        layer.label, bits, config_.acc_bits));
  layer.output = map;
  net_.layers.push_back(std::move(layer));
}

void Lowering::set_window(const Op& o, Layer& layer, int R, int S) const {
  const model::Window w = model::window(graph_, o);
  layer.window = {.H = shape(layer.input).H,
                  .W = shape(layer.input).W,
                  .P = w.P,
                  .Q = w.Q,
                  .R = R,
                  .S = S,
                  .stride_y = o.stride_h,
                  .stride_x = o.stride_w,
                  .dil_y = o.dilation_h,
                  .dil_x = o.dilation_w,
                  .pad_top = w.pad_top,
                  .pad_left = w.pad_left};
}

void Lowering::set_scale(Layer& layer, int channels, const ChannelScale& scale) {
  layer.channels = channels;
  layer.bias.assign(at(channels), 0);
  layer.scales.assign(at(channels), scale);
  layer.per_tensor = true;
}

int Lowering::packed_byte(int code, int per_word) {
  std::uint32_t byte = 0;
  for (int place = 0; place < per_word / 4; ++place) byte |= pack_code(code, per_word, place);
  return static_cast<std::int8_t>(byte & 0xff);
}

const Op* Lowering::only_reader(int tensor) const {
  const auto first = first_readers_.find(tensor);
  if (first == first_readers_.end() || readers_.at(tensor) != 1) return nullptr;
  return &op(first->second.front());
}

const Op* Lowering::reader_of(int tensor, OpKind kind) const {
  const Op* reader = only_reader(tensor);
  return reader != nullptr && reader->kind == kind ? reader : nullptr;
}

int Lowering::producer_of(int tensor) const {
  const auto found = producer_.find(tensor);
  return found == producer_.end() ? -1 : found->second;
}

Lowered try_lower(const Graph& graph, const machine::Config& config,
                  const reference::RoundingPolicy& rounding) {
  model::check(graph);
  return Lowering(graph, config, rounding).run();
}

Network lower(const Graph& graph, const machine::Config& config,
              const reference::RoundingPolicy& rounding) {
  Lowered lowered = try_lower(graph, config, rounding);
  if (lowered.refused) throw Unsupported(*lowered.refused);
  return std::move(lowered.network);
}

}  // namespace trine::compiler
