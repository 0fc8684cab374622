// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/lower/maps.h"

#include <algorithm>

#include "spec/precision.h"
#include "sw/base/division.h"
#include "sw/compiler/lower/graph_facts.h"
#include "sw/compiler/lower/lower_axes.h"
#include "sw/compiler/lower/lower_movement.h"
#include "sw/compiler/lower/lower_tables.h"
#include "sw/compiler/network/forms.h"

namespace trine::compiler {
namespace {

/// Return the problem of a tensor's output map: of the tensor, or of an operator's result or its
/// function.
Problem written_problem(const Lowering& ctx, int tensor) {
  const auto found = ctx.concatenated.find(tensor);
  if (found == ctx.concatenated.end()) return std::nullopt;
  const int whole = found->second.first;
  return first_of(tensor_problem(ctx, whole), tensor_problem(ctx, tensor),
                  ctx.map_by_tensor.contains(whole) ? std::nullopt : written_problem(ctx, whole));
}

/// Folds an input of up to 3 channels if only one convolution reads it and its filter then needs
/// fewer steps.
/// @param shaped  the tensor that the convolution reads
void fold_input(Lowering& ctx, int map, int shaped) {
  Map& to = ctx.net.maps[at(map)];
  const auto reader =
      std::ranges::find_if(ctx.part.ops, [&](int i) { return ctx.op(i).input(0) == shaped; });
  if (to.shape.per_word != 4 || to.shape.wide || ctx.readers[shaped] != 1 ||
      reader == ctx.part.ops.end())
    return;
  const Op& o = ctx.op(*reader);
  if (!is_convolution(o.kind) || !ctx.graph.in(o, 1).is_constant) return;
  if (model::of_format(ctx.graph.tensor(shaped))) return;  // its bytes are not adjacent
  Layer layer;
  layer.input = map;
  set_window(ctx, o, layer, ctx.graph.in(o, 1).extent(1), ctx.graph.in(o, 1).extent(2));
  const auto folded = folded_input(to.shape, layer.window, o.kind != OpKind::kConv2D,
                                   !weight_precision(ctx, o, spec::kInt8).has_zero);
  if (!folded) return;
  to.fold = folded->fold;
  to.shape = folded->shape;
}

}  // namespace

/// Adds a map for the result of a refused operator, as if it were an input. The operators after it
/// are then checked as well, so that all faults are reported at once.
bool stand_in(Lowering& ctx, const Op& o) {
  const int tensor = o.outputs[0];
  if (!is_map(ctx, tensor)) return false;
  if (ctx.map_by_tensor.contains(tensor)) return true;
  if (first_of(tensor_problem(ctx, tensor), written_problem(ctx, tensor))) return false;
  new_output(ctx, o, shape_of(ctx.graph.out(o).shape, ctx.graph.out(o).name));
  return true;
}

Problem result_problem(const Lowering& ctx, const Op& o) {
  const auto function = ctx.looked_up.find(o.outputs[0]);
  return first_of(written_problem(ctx, o.outputs[0]), function == ctx.looked_up.end()
                                                          ? std::nullopt
                                                          : written_problem(ctx, function->second));
}

Problem map_problem(const Lowering& ctx, int tensor) {
  if (ctx.map_by_tensor.contains(tensor)) return std::nullopt;
  const bool ordered = ctx.axes.contains(tensor);
  const Tensor& t = ctx.graph.tensor(tensor);
  if (!ordered && !t.is_constant)
    return model::refusal(Reason::kOther, "{}: tensor '{}' was not computed", ctx.graph.file,
                          t.name);
  if (!ordered && t.type == model::DataType::kInt16)
    return model::refusal(
        Reason::kOperands,
        "{}: tensor '{}' is a constant, but the machine supports only computed int16 maps",
        ctx.graph.file, t.name);
  return first_of(tensor_problem(ctx, tensor),
                  ordered ? written_problem(ctx, tensor) : std::nullopt);
}

Problem image_problem(const Lowering& ctx, const Op& o, int tensor) {
  if (!ctx.map_by_tensor.contains(tensor)) return map_problem(ctx, tensor);
  return shape_problem(ctx.graph.tensor(tensor).shape, with_tensor(ctx.graph, o, tensor));
}

Problem pixels_problem(const Lowering& ctx, const Op& o, int position) {
  const int tensor = o.input(position);
  const auto map = ctx.map_by_tensor.find(tensor);
  if (map != ctx.map_by_tensor.end() &&
      ctx.shape(map->second).C == ctx.graph.tensor(tensor).extent(-1))
    return std::nullopt;
  return image_problem(ctx, o, tensor);
}

int add_map(Lowering& ctx, int tensor, const Shape& shape) {
  Map map;
  map.name = ctx.graph.tensor(tensor).name;
  map.tensor = tensor;
  map.shape = shape;
  map.shape.per_word =
      ctx.graph.tensor(tensor).type == model::DataType::kInt32 ? 1 : packing_of(ctx, tensor);
  map.shape.wide = ctx.graph.tensor(tensor).type == model::DataType::kInt16;
  return ctx.net.add(std::move(map));
}

void add_state(Lowering& ctx, const model::State& state) {
  const Tensor& after = ctx.graph.tensor(state.after);
  const std::string what = "tensor '" + after.name + "'";
  const int whole = ctx.map_by_tensor[state.after] =
      add_map(ctx, state.after, shape_of(after.shape, what));
  std::vector<int> most = after.shape;
  most.at(at(state.axis)) = state.capacity;
  ctx.net.maps[at(whole)].capacity = shape_of(most, what);
  if (state.before < 0) return;
  const int part = add_part(ctx, whole, {}, shape_of(ctx.graph.tensor(state.before).shape, what));
  ctx.net.maps[at(part)].input = true;
  ctx.map_by_tensor[state.before] = part;
}

Problem input_problem(const Lowering& ctx, int tensor) {
  if (ctx.map_by_tensor.contains(tensor)) return std::nullopt;  // a state
  const Tensor& t = ctx.graph.tensor(tensor);
  const auto of_words = [&](int reader) {
    return quantizes_words(ctx.graph, ctx.op(reader), ctx.config);
  };
  const std::vector<int> readers = readers_of(ctx, tensor);
  if (!is_map(ctx, tensor) && (readers.empty() || !std::ranges::all_of(readers, of_words)))
    return model::refusal(Reason::kType, "{}: input '{}' is {}, but the machine requires int8",
                          ctx.graph.file, t.name, model::name_of(t.type));
  return shape_problem(ctx.graph.tensor(shaped_from(ctx, tensor)).shape, "tensor '" + t.name + "'");
}

void add_input(Lowering& ctx, int tensor) {
  if (const auto state = ctx.map_by_tensor.find(tensor); state != ctx.map_by_tensor.end()) {
    ctx.net.inputs.push_back(state->second);
    return;
  }
  const int shaped = shaped_from(ctx, tensor);
  const int map = add_map(ctx, tensor, shape_of(ctx.graph.tensor(shaped).shape, ""));
  ctx.net.maps[at(map)].input = true;
  ctx.map_by_tensor[tensor] = map;
  ctx.net.inputs.push_back(map);
  fold_input(ctx, map, shaped);
}

int map_of(Lowering& ctx, int tensor) {
  const auto found = ctx.map_by_tensor.find(tensor);
  if (found != ctx.map_by_tensor.end()) return found->second;
  const Tensor& t = ctx.graph.tensor(tensor);
  const auto axes = ctx.axes.find(tensor);
  if (axes != ctx.axes.end()) {
    const int map = output_map(
        ctx, tensor, shape_of(t.shape, fmt::format("{}: tensor '{}'", ctx.graph.file, t.name)));
    put_in_order(ctx, ctx.op(producer_of(ctx, tensor)), axes->second, map, false);
    return ctx.map_by_tensor[tensor] = map;
  }
  if (const auto problem = map_problem(ctx, tensor)) throw model::Refusal(*problem);  // an output
  const int map = add_map(
      ctx, tensor, shape_of(t.shape, fmt::format("{}: tensor '{}'", ctx.graph.file, t.name)));
  ctx.net.maps[at(map)].codes = t.values<std::int8_t>();
  return ctx.map_by_tensor[tensor] = map;
}

int new_output(Lowering& ctx, const Op& o, const Shape& shape) {
  return ctx.map_by_tensor[o.outputs[0]] = output_map(ctx, o.outputs[0], shape);
}

int output_map(Lowering& ctx, int tensor, const Shape& shape) {
  const auto found = ctx.concatenated.find(tensor);
  if (found == ctx.concatenated.end()) return add_map(ctx, tensor, shape);
  const auto& [whole, place] = found->second;
  const Tensor &t = ctx.graph.tensor(whole), &part = ctx.graph.tensor(tensor);
  const Shape joined = shape_of(t.shape, fmt::format("{}: tensor '{}'", ctx.graph.file, t.name)),
              own = shape_of(part.shape, "tensor '" + part.name + "'");
  // An operand with another layout is reordered when it is joined.
  if (shape.H != own.H || shape.W != own.W) return add_map(ctx, tensor, shape);
  if (!ctx.map_by_tensor.contains(whole)) ctx.map_by_tensor[whole] = output_map(ctx, whole, joined);
  return add_part(ctx, ctx.map_by_tensor[whole], place, shape);
}

int add_part(Lowering& ctx, int whole, const Part& part, const Shape& shape) {
  const Map& outer = ctx.net.maps[at(whole)];
  const Part& o = outer.part;
  Map map;
  map.name = outer.name;
  map.tensor = outer.tensor;
  map.shape = shape;
  map.shape.per_word = outer.shape.per_word;
  map.shape.wide = outer.shape.wide;
  map.part = {o.whole >= 0 ? o.whole : whole,
              o.channel + part.channel,
              o.y + part.y * o.stride_y,
              o.x + part.x * o.stride_x,
              o.stride_y * part.stride_y,
              o.stride_x * part.stride_x,
              part.pixel_words};
  return ctx.net.add(std::move(map));
}

int channels_of(Lowering& ctx, int from, int first, int count) {
  const Shape s = ctx.shape(from);
  if (first == 0 && count == s.C) return from;
  return add_part(ctx, from, {-1, first}, {count, s.H, s.W});
}

int image(Lowering& ctx, const Op& o, int position) {
  const int tensor = o.input(position);
  const int map = map_of(ctx, tensor);
  const bool folded = ctx.net.maps[at(map)].fold.folded();  // only for this operator
  const Shape own = shape_of(ctx.graph.tensor(tensor).shape, with_tensor(ctx.graph, o, tensor));
  if (folded || own == ctx.shape(map)) return map;
  return ctx.map_by_tensor[tensor] = in_order(ctx, o, axes_of(ctx, tensor), own, false);
}

int pixels(Lowering& ctx, const Op& o, int position) {
  const int map = map_of(ctx, o.input(position));
  return ctx.shape(map).C == ctx.graph.in(o, position).extent(-1) ? map : image(ctx, o, position);
}

Layer start(const Lowering& ctx, const Op& o, LayerKind kind, int input) {
  Layer layer(kind);
  layer.input = input;
  layer.window = pointwise(ctx.shape(input));
  layer.words = ctx.shape(input).channel_words();
  layer.label = model::label(ctx.graph, o);
  layer.op = o.name;
  layer.name = ctx.graph.out(o).name;
  layer.module = model::module_of(ctx.graph, o);
  layer.macs = model::macs(ctx.graph, o);
  layer.single = ctx.rounding.of(o) != reference::Rounding::kDouble;
  layer.wide = ctx.shape(input).wide;
  if (layer.wide) layer.range = {0, -32768, 32767};
  return layer;
}

void note(Lowering& ctx, model::Refusal problem) {
  if (!ctx.noted) ctx.noted = std::move(problem);
}

void add_layer(Lowering& ctx, const Op& o, Layer layer) {
  const Shape out = shape_after(ctx, layer);
  const int tensor = look_up_result(ctx, o.outputs[0], layer);
  add_layer_to(ctx, ctx.map_by_tensor[tensor] = output_map(ctx, tensor, out), std::move(layer));
}

void add_layer_to(Lowering& ctx, int map, Layer layer) {
  // With 32 bits, golden layers wrap, too.
  const bool narrow =
      layer.kind == LayerKind::kConv && (ctx.config.acc_bits < 32 || ctx.shape(layer.input).wide);
  if (const int bits = narrow ? sum_bits(layer) : 0; bits > ctx.config.acc_bits)
    note(ctx, model::refusal(Reason::kConfiguration,
                             "{}: its sums need {} bits, but array.acc_bits is {}", layer.label,
                             bits, ctx.config.acc_bits));
  if (ctx.shape(layer.input).wide) {
    const Part& to = ctx.net.maps[at(map)].part;
    const int most =
        std::max({layer.window.stride_y, layer.window.stride_x, to.stride_y - 1, to.stride_x - 1});
    if (most > kMostStride / 2)
      note(ctx, model::refusal(Reason::kShape, "{}: int16 pixels that are {} apart, allowed {}",
                               layer.label, most, kMostStride / 2));
  }
  layer.output = map;
  ctx.net.layers.push_back(std::move(layer));
}

void set_window(const Lowering& ctx, const Op& o, Layer& layer, int R, int S) {
  const model::Window w = model::window(ctx.graph, o);
  layer.window = {.H = ctx.shape(layer.input).H,
                  .W = ctx.shape(layer.input).W,
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

void set_scale(Layer& layer, int channels, const ChannelScale& scale) {
  layer.channels = channels;
  layer.bias.assign(at(channels), 0);
  layer.scales.assign(at(channels), scale);
  layer.per_tensor = true;
}

int packed_byte(int code, int per_word) {
  std::uint32_t byte = 0;
  for (int place = 0; place < per_word / 4; ++place) byte |= pack_code(code, per_word, place);
  return static_cast<std::int8_t>(byte & 0xff);
}

}  // namespace trine::compiler
