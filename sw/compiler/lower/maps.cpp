// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/lower/maps.h"

#include <algorithm>

#include "spec/precision.h"
#include "sw/base/division.h"
#include "sw/compiler/network/forms.h"

namespace trine::compiler {

/// Adds a map for the result of a refused operator, as if it were an input. The operators after it
/// are then checked as well, so that all faults are reported at once.
bool Maps::stand_in(const Op& o) {
  const int tensor = o.outputs[0];
  if (!is_map(tensor)) return false;
  if (map_of_.contains(tensor)) return true;
  if (first_of(tensor_problem(tensor), written_problem(tensor))) return false;
  new_output(o, shape_of(graph_.out(o).shape, graph_.out(o).name));
  return true;
}

Problem Maps::written_problem(int tensor) const {
  const auto found = concatenated_.find(tensor);
  if (found == concatenated_.end()) return std::nullopt;
  const int whole = found->second.first;
  return first_of(tensor_problem(whole), tensor_problem(tensor),
                  map_of_.contains(whole) ? std::nullopt : written_problem(whole));
}

Problem Maps::result_problem(const Op& o) const {
  const auto function = looked_up_.find(o.outputs[0]);
  return first_of(written_problem(o.outputs[0]),
                  function == looked_up_.end() ? std::nullopt : written_problem(function->second));
}

Problem Maps::map_problem(int tensor) const {
  if (map_of_.contains(tensor)) return std::nullopt;
  const bool ordered = axes_.contains(tensor);
  const Tensor& t = graph_.tensor(tensor);
  if (!ordered && !t.is_constant)
    return model::refusal(Reason::kOther, "{}: tensor '{}' was not computed", graph_.file, t.name);
  if (!ordered && t.type == model::DataType::kInt16)
    return model::refusal(
        Reason::kOperands,
        "{}: tensor '{}' is a constant, but the machine supports only computed int16 maps",
        graph_.file, t.name);
  return first_of(tensor_problem(tensor), ordered ? written_problem(tensor) : std::nullopt);
}

Problem Maps::image_problem(const Op& o, int tensor) const {
  if (!map_of_.contains(tensor)) return map_problem(tensor);
  return shape_problem(graph_.tensor(tensor).shape, with_tensor(graph_, o, tensor));
}

Problem Maps::pixels_problem(const Op& o, int position) const {
  const int tensor = o.input(position);
  const auto map = map_of_.find(tensor);
  if (map != map_of_.end() && shape(map->second).C == graph_.tensor(tensor).extent(-1))
    return std::nullopt;
  return image_problem(o, tensor);
}

int Maps::add_map(int tensor, const Shape& shape) {
  Map map;
  map.name = graph_.tensor(tensor).name;
  map.tensor = tensor;
  map.shape = shape;
  map.shape.per_word =
      graph_.tensor(tensor).type == model::DataType::kInt32 ? 1 : packing_of(tensor);
  map.shape.wide = graph_.tensor(tensor).type == model::DataType::kInt16;
  return net_.add(std::move(map));
}

void Maps::add_state(const model::State& state) {
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

Problem Maps::input_problem(int tensor) const {
  if (map_of_.contains(tensor)) return std::nullopt;  // a state
  const Tensor& t = graph_.tensor(tensor);
  const auto of_words = [&](int reader) { return quantizes_words(graph_, op(reader), config_); };
  const std::vector<int> readers = readers_of(tensor);
  if (!is_map(tensor) && (readers.empty() || !std::ranges::all_of(readers, of_words)))
    return model::refusal(Reason::kType, "{}: input '{}' is {}, but the machine requires int8",
                          graph_.file, t.name, model::name_of(t.type));
  return shape_problem(graph_.tensor(shaped_from(tensor)).shape, "tensor '" + t.name + "'");
}

void Maps::add_input(int tensor) {
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

void Maps::fold_input(int map, int shaped) {
  Map& to = net_.maps[at(map)];
  const auto reader =
      std::ranges::find_if(machine_, [&](int i) { return op(i).input(0) == shaped; });
  if (to.shape.per_word != 4 || to.shape.wide || readers_[shaped] != 1 || reader == machine_.end())
    return;
  const Op& o = op(*reader);
  if (!is_convolution(o.kind) || !graph_.in(o, 1).is_constant) return;
  if (model::of_format(graph_.tensor(shaped))) return;  // its bytes are not adjacent
  Layer layer;
  layer.input = map;
  set_window(o, layer, graph_.in(o, 1).extent(1), graph_.in(o, 1).extent(2));
  const auto folded = folded_input(to.shape, layer.window, o.kind != OpKind::kConv2D,
                                   !weight_precision(o, spec::kInt8).has_zero);
  if (!folded) return;
  to.fold = folded->fold;
  to.shape = folded->shape;
}

int Maps::map_of(int tensor) {
  const auto found = map_of_.find(tensor);
  if (found != map_of_.end()) return found->second;
  const Tensor& t = graph_.tensor(tensor);
  const auto axes = axes_.find(tensor);
  if (axes != axes_.end()) {
    const int map =
        output_map(tensor, shape_of(t.shape, fmt::format("{}: tensor '{}'", graph_.file, t.name)));
    put_in_order(op(producer_of(tensor)), axes->second, map, false);
    return map_of_[tensor] = map;
  }
  if (const auto problem = map_problem(tensor)) throw model::Refusal(*problem);  // an output
  const int map =
      add_map(tensor, shape_of(t.shape, fmt::format("{}: tensor '{}'", graph_.file, t.name)));
  net_.maps[at(map)].codes = t.values<std::int8_t>();
  return map_of_[tensor] = map;
}

int Maps::new_output(const Op& o, const Shape& shape) {
  return map_of_[o.outputs[0]] = output_map(o.outputs[0], shape);
}

int Maps::output_map(int tensor, const Shape& shape) {
  const auto found = concatenated_.find(tensor);
  if (found == concatenated_.end()) return add_map(tensor, shape);
  const auto& [whole, place] = found->second;
  const Tensor &t = graph_.tensor(whole), &part = graph_.tensor(tensor);
  const Shape joined = shape_of(t.shape, fmt::format("{}: tensor '{}'", graph_.file, t.name)),
              own = shape_of(part.shape, "tensor '" + part.name + "'");
  // An operand with another layout is reordered when it is joined.
  if (shape.H != own.H || shape.W != own.W) return add_map(tensor, shape);
  if (!map_of_.contains(whole)) map_of_[whole] = output_map(whole, joined);
  return add_part(map_of_[whole], place, shape);
}

int Maps::add_part(int whole, const Part& part, const Shape& shape) {
  const Map& outer = net_.maps[at(whole)];
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
  return net_.add(std::move(map));
}

int Maps::channels_of(int from, int first, int count) {
  const Shape s = shape(from);
  if (first == 0 && count == s.C) return from;
  return add_part(from, {-1, first}, {count, s.H, s.W});
}

int Maps::image(const Op& o, int position) {
  const int tensor = o.input(position);
  const int map = map_of(tensor);
  const bool folded = net_.maps[at(map)].fold.folded();  // only for this operator
  const Shape own = shape_of(graph_.tensor(tensor).shape, with_tensor(graph_, o, tensor));
  if (folded || own == shape(map)) return map;
  return map_of_[tensor] = in_order(o, axes_of(tensor), own, false);
}

int Maps::pixels(const Op& o, int position) {
  const int map = map_of(o.input(position));
  return shape(map).C == graph_.in(o, position).extent(-1) ? map : image(o, position);
}

Layer Maps::start(const Op& o, LayerKind kind, int input) const {
  Layer layer(kind);
  layer.input = input;
  layer.window = pointwise(shape(input));
  layer.words = shape(input).channel_words();
  layer.label = model::label(graph_, o);
  layer.op = o.name;
  layer.name = graph_.out(o).name;
  layer.macs = model::macs(graph_, o);
  layer.single = rounding_.of(o) != reference::Rounding::kDouble;
  layer.wide = shape(input).wide;
  if (layer.wide) layer.range = {0, -32768, 32767};
  return layer;
}

void Maps::note(model::Refusal problem) {
  if (!noted_) noted_ = std::move(problem);
}

void Maps::add_layer(const Op& o, Layer layer) {
  const Shape out = shape_after(layer);
  const int tensor = look_up_result(o.outputs[0], layer);
  add_layer_to(map_of_[tensor] = output_map(tensor, out), std::move(layer));
}

void Maps::add_layer_to(int map, Layer layer) {
  // With 32 bits, golden layers wrap, too.
  const bool narrow =
      layer.kind == LayerKind::kConv && (config_.acc_bits < 32 || shape(layer.input).wide);
  if (const int bits = narrow ? sum_bits(layer) : 0; bits > config_.acc_bits)
    note(model::refusal(Reason::kConfiguration,
                        "{}: its sums need {} bits, but array.acc_bits is {}", layer.label, bits,
                        config_.acc_bits));
  if (shape(layer.input).wide) {
    const Part& to = net_.maps[at(map)].part;
    const int most =
        std::max({layer.window.stride_y, layer.window.stride_x, to.stride_y - 1, to.stride_x - 1});
    if (most > kMostStride / 2)
      note(model::refusal(Reason::kShape, "{}: int16 pixels that are {} apart, allowed {}",
                          layer.label, most, kMostStride / 2));
  }
  layer.output = map;
  net_.layers.push_back(std::move(layer));
}

void Maps::set_window(const Op& o, Layer& layer, int R, int S) const {
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

void Maps::set_scale(Layer& layer, int channels, const ChannelScale& scale) {
  layer.channels = channels;
  layer.bias.assign(at(channels), 0);
  layer.scales.assign(at(channels), scale);
  layer.per_tensor = true;
}

int Maps::packed_byte(int code, int per_word) {
  std::uint32_t byte = 0;
  for (int place = 0; place < per_word / 4; ++place) byte |= pack_code(code, per_word, place);
  return static_cast<std::int8_t>(byte & 0xff);
}

}  // namespace trine::compiler
