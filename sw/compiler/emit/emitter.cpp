// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/emit/emitter.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "base/error.h"
#include "base/rounding.h"

namespace trine::compiler {
namespace {

using isa::Engine;
using isa::dma::Target;

std::size_t at(int i) { return static_cast<std::size_t>(i); }

constexpr int kLeastBeats = 64;       ///< of a part of an output that is stored by itself
constexpr int kMostParameters = 128;  ///< entries loaded together: draining columns wait for them
constexpr int kInputParts = 6;        ///< of a layer whose input arrives while it runs

/// Entries of the parameter memories that a network uses: two sets of its largest layer, or what is
/// enough for others. With more of them parameters would come earlier, among columns that drain,
/// which wait a cycle for each entry's beat (vww on 1,024 entries: 2 % of its cycles).
std::int64_t parameter_entries(const Network& network, const machine::Config& config,
                               const Plan& plan) {
  constexpr std::int64_t kEnough = 512;
  std::int64_t entries = kEnough;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& l = network.layers[i];
    const std::int64_t set =
        l.kind == LayerKind::kNormalize ? l.channels
        : l.kind == LayerKind::kConv
            ? std::int64_t{std::min(plan.tilings[i].chunk, l.channels)} * l.passes
            : 0;
    entries = std::max(entries, 2 * round_up(set, config.data_words()));
  }
  return std::min<std::int64_t>(config.param_channels, entries);
}

/// The parts of a sweep inside of the rectangle.
std::vector<SweepPart> parts_in(const Sweep& sweep, const Rect& rect) {
  std::vector<SweepPart> result;
  for (const SweepPart& p : sweep.parts) {
    const Rect part{std::max(rect.y0, p.rect.y0), std::min(rect.y1, p.rect.y1),
                    std::max(rect.x0, p.rect.x0), std::min(rect.x1, p.rect.x1)};
    if (!part.empty()) result.push_back({part, p.correction});
  }
  return result;
}

}  // namespace

Emitter::Emitter(const Network& network, const machine::Config& config, Plan& plan)
    : net_(network),
      config_(config),
      plan_(plan),
      pmem_(config.pmem_rows(), config.rows_per_beat()),
      params_(parameter_entries(network, config, plan), config.data_words()),
      rows_loaded_(network.maps.size()),
      zero_biases_(at(config.param_channels)) {}

void Emitter::run() {
  for (std::size_t m = 0; m < net_.maps.size(); ++m) {
    const Map& map = net_.maps[m];
    if (!map.constant()) continue;
    View& dram = plan_.maps[m].dram;
    TensorLayout layout;
    layout.shape = map.shape;
    layout.transposed = map.transposed;
    layout.pitch = dram.pitch;
    layout.plane = dram.plane;
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(layout.bytes()));
    to_planar(reinterpret_cast<const std::uint8_t*>(map.codes.data()), layout, bytes.data());
    std::vector<std::uint32_t> words(bytes.size() / 4);
    std::memcpy(words.data(), bytes.data(), bytes.size());
    dram.origin = add_image(words) / 4;
    for (std::size_t p = 0; p < net_.maps.size(); ++p)
      if (net_.maps[p].part.whole == static_cast<int>(m))
        plan_.maps[p].dram = part_of(dram, net_.maps[p].part, map.shape.per_word);
  }
  for (int i = 0; i < static_cast<int>(net_.layers.size()); ++i) emit_layer(i);
}

// ---- parts of a layer
// -----------------------------------------------------------------------------

/// The output rectangles, row by row. Where the input arrives from DRAM while the layer runs, the
/// first ones are small, so that work starts early.
std::vector<Rect> Emitter::rectangles() const {
  const Geometry& g = layer().window;
  const Tiling& t = tiling();
  const auto arrives = [&](int map) {
    return map >= 0 && place(map).resident && place(map).in_dram &&
           net_.maps[at(map)].producer < 0 && net_.maps[at(map)].first_use == layer_ &&
           rows_loaded_[at(map)] < shape(map).H &&
           place(map).dmem.plane * shape(map).channel_words() > 32 * config_.data_words();
  };
  const bool grow = (arrives(layer().input) || arrives(layer().second)) && t.rows == g.P &&
                    t.cols == g.Q && layer().input != layer().second;
  std::vector<Rect> result;
  // Writes of a load and reads of the array share the banks: a load hardly outruns the array, so
  // the parts stay small.
  // Rows of whole tiles leave no lane idle.
  int whole_tiles = 1;
  while (whole_tiles < config_.rows && whole_tiles * g.Q % config_.rows != 0) ++whole_tiles;
  const auto tiled = [&](std::int64_t rows) {
    return static_cast<int>(round_up(std::max<std::int64_t>(rows, 1), whole_tiles));
  };
  const int least = tiled(divide_up(2 * config_.rows, g.Q));
  // Where the input comes much faster than it is used, they may double.
  const std::int64_t words = place(layer().input).dmem.plane * shape(layer().input).channel_words();
  const bool doubles =
      t.cycles > 2 * static_cast<double>(words) * 32 / static_cast<double>(config_.axi_data_bits);
  int rows = grow ? least : t.rows;
  for (int y = 0; y < g.P;) {
    for (int x = 0; x < g.Q; x += t.cols)
      result.push_back({y, std::min(g.P, y + rows), x, std::min(g.Q, x + t.cols)});
    const bool first = y == 0;
    y += rows;
    if (!grow) continue;
    rows = first || !doubles ? std::max(least, tiled(g.P / kInputParts)) : 2 * rows;
  }
  return result;
}

void Emitter::emit_layer(int index) {
  layer_ = index;
  input_loaded_ = false;
  words_stored_ = 0;
  const std::size_t begin = instructions.size();
  require_table();
  require_exponentials();
  const Tiling& t = tiling();
  const bool pool_stays = layer().fuses_max() && place(layer().output).resident;
  if (pool_stays && t.rows == layer().window.P && t.cols == layer().window.Q && !t.pieces)
    for (const Channels& chunk : chunks()) emit_sweeps(chunk);
  else if (t.chunk_outer)
    emit_by_chunks(begin);
  else
    emit_by_rectangles();
  store_words(channels());
  store_joined();
}

int Emitter::channels() const {
  return layer().kind == LayerKind::kConv ? layer().channels : shape(layer().output).C;
}

std::vector<Channels> Emitter::chunks() const {
  std::vector<Channels> result;
  const int follower = follower_channels();
  if (follower > 0) result.push_back({0, follower});
  for (int c = follower; c < channels(); c += tiling().chunk)
    result.push_back({c, std::min(channels(), c + tiling().chunk)});
  return result;
}

void Emitter::emit_part(const Rect& rect, const Channels& chunk, bool by_vectors) {
  if (layer().kind != LayerKind::kConv)
    emit_vector_part(rect, chunk);
  else if (tiling().relay)
    emit_conv_relay(rect, chunk);
  else if (tiling().pieces)
    emit_conv_pieces(rect, chunk);
  else
    emit_conv_part(rect, chunk, 0, layer().sweeps.size(), by_vectors);
}

/// @param begin  the layer's first instruction
void Emitter::emit_by_chunks(std::size_t begin) {
  const int follower = follower_channels();
  for (const Channels& chunk : chunks()) {
    const bool follows = chunk.last == follower;
    const std::vector<Rect> rects =
        follows || makes_vectors(layer_) ? vectors_of({0, 1, 0, layer().window.Q}) : rectangles();
    std::vector<std::size_t> ends;  // of the rectangles
    for (const Rect& rect : rects) {
      const bool leads = ends.empty() && chunk.first == 0 && lead_channels() > 0;
      const int lead = leads ? lead_channels() : chunk.size();
      for (int c = chunk.first; c < chunk.last; c += lead)
        emit_part(rect, {c, std::min(chunk.last, c + lead)});
      ends.push_back(instructions.size());
    }
    if (follows) follow_vectors(begin, ends);
    if (makes_vectors(layer_)) vector_ends_ = ends;
    store_words(chunk.last);
  }
}

void Emitter::emit_by_rectangles() {
  std::vector<Channels> order = chunks();
  // There and back again: the chunk at a turn finds its weights where they are.
  const std::int64_t groups =
      layer().kind == LayerKind::kConv ? divide_up(channels(), layer().columns(config_)) : 0;
  const bool apart = output().part.whole < 0 && tiling().chunk % out_per_word() == 0;
  const bool turns = apart && groups * layer().rows_of(layer().steps()) > config_.pmem_rows();
  for (const Rect& rect : rectangles()) {
    for (const Channels& chunk : order) {
      const bool end = chunk.first == order.front().first || chunk.last == order.back().last;
      emit_part(rect, chunk, end && follows_loads());
    }
    if (turns) std::reverse(order.begin(), order.end());
  }
}

/// Puts the vectors of the layer's first chunk, [begin, ends[0]) and so on, each behind the one
/// that the layer before has made.
void Emitter::follow_vectors(std::size_t begin, const std::vector<std::size_t>& ends) {
  assert(ends.size() == vector_ends_.size() && vector_ends_.back() <= begin);
  const auto at = [&](std::size_t i) {
    return instructions.begin() + static_cast<std::ptrdiff_t>(i);
  };
  const auto first = [&](std::size_t r) { return r == 0 ? begin : ends[r - 1]; };
  for (std::size_t r = 0; r < ends.size(); ++r)
    for (auto later = at(first(r)); later != at(ends[r]); ++later)
      for (auto earlier = at(vector_ends_[r]); earlier != at(begin); ++earlier)
        if (!independent(*earlier, *later)) return;
  std::vector<Instruction> order(at(0), at(vector_ends_[0]));
  for (std::size_t r = 0; r < ends.size(); ++r) {
    order.insert(order.end(), at(first(r)), at(ends[r]));
    order.insert(order.end(), at(vector_ends_[r]),
                 r + 1 < ends.size() ? at(vector_ends_[r + 1]) : at(begin));
  }
  instructions = std::move(order);
}

/// Whether the only buffer of a part of the input is loaded vector by vector, behind the last chunk
/// of the part before and ahead of the first one of its own.
bool Emitter::follows_loads() const {
  const Geometry& g = layer().window;
  return !place(layer().input).resident && tiling().buffers == 1 && g.P == 1 && g.H == 1 &&
         g.R * g.S == 1 && g.stride_x == 1 && layer().sweeps.size() == 1;
}

/// Whether the layer makes its pixels vector by vector, slowly, so that others need not wait for
/// all of them.
bool Emitter::makes_vectors(int index) const {
  const Layer& l = net_.layers[at(index)];
  return l.kind == LayerKind::kNormalize && l.window.P == 1 && place(l.input).resident &&
         place(l.output).resident && net_.maps[at(l.output)].part.whole < 0;
}

/// Whether an output that stays on the chip is stored part by part as it is made.
bool Emitter::stores_parts() const {
  return layer().kind == LayerKind::kNormalize && output().part.whole < 0 &&
         stored(layer().output) && place(layer().output).resident;
}

/// Output channels of the first chunk of a layer that computes each vector as soon as the layer
/// before has made it; 0: it waits for all of them. The more channels, the less time is lost.
int Emitter::follower_channels() const {
  const Layer& l = layer();
  const Tiling& t = tiling();
  const Geometry& g = l.window;
  if (layer_ == 0 || !makes_vectors(layer_ - 1) || net_.layers[at(layer_ - 1)].output != l.input ||
      l.kind != LayerKind::kConv || l.weights_map >= 0 || l.group_channels > 0 || !t.chunk_outer ||
      t.pieces || t.relay || l.sweeps.size() != 1 || l.corrections.size() > 1 || g.P != 1 ||
      g.H != 1 || g.Q != g.W || g.R * g.S != 1 || t.cols < g.Q || t.chunk % out_per_word() != 0)
    return 0;
  const std::int64_t rows = l.rows_of(l.steps());
  const auto fits = [&](int channels) {
    const Placement& to = place(layer().output);
    return divide_up(channels, l.columns(config_)) * rows <= config_.pmem_rows() * 3 / 4 &&
           channels <= parameter_channels() &&
           (to.resident || buffer_words(to.dram, output().width_in_dram(), 1, config_.rows,
                                        output().words_of(channels), config_) <= t.output_words);
  };
  int channels = t.chunk;
  while (channels + t.chunk <= l.channels && fits(channels + t.chunk)) channels += t.chunk;
  return std::min(channels, l.channels);
}

/// A row's positions, a vector of lanes each.
std::vector<Rect> Emitter::vectors_of(const Rect& row) const {
  std::vector<Rect> result;
  for (int x = row.x0; x < row.x1; x += config_.rows)
    result.push_back({row.y0, row.y1, x, std::min(row.x1, x + config_.rows)});
  return result;
}

/// Stores the words of a resident output of the network, or map of weights, that so many channels
/// fill, beyond those stored before.
void Emitter::store_words(int channels) {
  const int out = layer().output;
  const Shape& s = shape(out);
  if (!stored(out) || !place(out).resident || stores_parts()) return;
  const int words = channels == s.C ? s.channel_words() : channels / s.per_word;
  if (words > words_stored_)
    copy(Engine::kStore, out, {0, s.H, 0, s.W}, words_stored_, words - words_stored_,
         place(out).dmem);
  words_stored_ = words;
}

/// Stores the part of an output that this layer has written, or with its last part all that is not
/// there yet: small parts would be many transfers, others share their words.
void Emitter::store_joined() {
  const Part& part = output().part;
  const int out = part.whole;
  if (out < 0 || !stored(out) || !place(out).resident) return;
  const Shape &s = shape(out), &own = output().shape;
  const std::int64_t words = own.pixels() * own.channel_words();
  const bool whole_words = own.C % own.per_word == 0 || part.channel + own.C == s.C;
  const bool alone =
      !part.scattered(own.per_word) && whole_words && words >= kLeastBeats * config_.data_words();
  if (alone) {
    const OutputPart o = output_part({0, own.H, 0, own.W}, {0, own.C});
    copy(Engine::kStore, out, o.rect, o.word, o.words, place(out).dmem);
  }
  if (!alone) parts_left_.insert(out);
  if (net_.maps[at(out)].last_write == layer_ && parts_left_.count(out) > 0)
    copy(Engine::kStore, out, {0, s.H, 0, s.W}, 0, s.channel_words(), place(out).dmem);
}

/// A fused pool over all outputs, which stay in DMEM: the first sweep follows the input as it
/// arrives, the others find all of it there.
void Emitter::emit_sweeps(const Channels& channels) {
  const std::vector<Rect> rects = rectangles();
  const std::size_t sweeps = layer().sweeps.size();
  if (rects.size() == 1) return emit_conv_part(rects[0], channels, 0, sweeps);
  for (const Rect& rect : rects) emit_conv_part(rect, channels, 0, 1);
  emit_conv_part(layer().sweeps[0].rect, channels, 1, sweeps);
}

/// Sweeps first..last-1 of a rectangle; `by_vectors`: each vector of lanes as its input comes.
void Emitter::emit_conv_part(const Rect& rect, const Channels& channels, std::size_t first,
                             std::size_t last, bool by_vectors) {
  const FilterPart part{0, layer().words, 0, layer().window.R};
  const std::vector<Rect> rects = by_vectors ? vectors_of(rect) : std::vector<Rect>{rect};
  const auto input_until = [&](int column) {
    return input_view(rect, layer().first_word(channels.first), layer().words_of(channels.size()),
                      0, layer().window.R, column);
  };
  const View in = input_until(rects.front().x1);
  const std::int64_t row = require_chunk_weights(channels, part);
  const View out = output_view(rect, channels);
  std::int64_t delta = 0;  // a maximum is taken with the output itself
  if (layer().fuse_add) delta = second_view(rect, channels).origin - out.origin;
  // Groups that leave columns idle are RUNs of their own.
  const int columns = layer().columns(config_);
  const bool alone = layer().weights_map >= 0 && columns < config_.cols;
  for (const Rect& own : rects) {
    input_until(own.x1);
    for (std::size_t s = first; s < last; ++s)
      for (const SweepPart& p : parts_in(layer().sweeps[s], own)) {
        const std::int64_t param = require_parameters(channels, p.correction);
        for (int c = channels.first; c < channels.last; c += alone ? columns : channels.size()) {
          const Channels group{c, alone ? std::min(c + columns, channels.last) : channels.last};
          const int before = c - channels.first;
          emit_conv(layer().sweeps[s], p.rect, group, part, in, out, delta,
                    row + before / columns * part.words, param + before * layer().passes, true,
                    true);
        }
      }
  }
  finish_output(rect, channels);
}

namespace {

/// A rectangle's first tile, what lies between, and its last tile.
struct TileSplit {
  Rect first;
  std::vector<Rect> between;
  Rect last;  ///< may be empty
};

TileSplit split_tiles(const Rect& r, int lanes) {
  TileSplit split;
  const int rows = std::max(1, lanes / r.cols()), cols = std::min(lanes, r.cols());
  const int top = std::min(rows, r.rows()), bottom = std::min(rows, r.rows() - top);
  split.first = {r.y0, r.y0 + top, r.x0, r.x0 + cols};
  split.last = {r.y1 - bottom, r.y1, r.x1 - cols, r.x1};
  const Rect beside{r.y0, r.y0 + top, r.x0 + cols, r.x1};
  const Rect middle{r.y0 + top, r.y1 - bottom, r.x0, r.x1};
  const Rect before{r.y1 - bottom, r.y1, r.x0, r.x1 - cols};
  for (const Rect& part : {beside, middle, before})
    if (!part.empty()) split.between.push_back(part);
  return split;
}

}  // namespace

/// A group whose weights come while the one before is computed: see Tiling::relay.
void Emitter::emit_conv_relay(const Rect& rect, const Channels& channels) {
  const Layer& l = layer();
  const int R = l.window.R, words = l.words, meet = tiling().piece_words;
  const std::int64_t word_rows = std::int64_t{R} * l.steps_x();
  const FilterPart head{0, meet, 0, R}, rest{meet, words - meet, 0, R};
  const FilterPart start{0, words - meet, 0, R}, tail{words - meet, meet, 0, R};
  // Weights that lie there already stay, for another rectangle.
  const auto known = block_ids_.find(weights_key(channels, relay_end_ ? rest : start));
  if (known == block_ids_.end() || !pmem_.find(known->second)) relay_end_ = !relay_end_;
  const FilterPart own = relay_end_ ? rest : start, shared = relay_end_ ? head : tail;
  const std::int64_t row = relay_end_ ? config_.pmem_rows() - words * word_rows : 0;

  const View in = input_view(rect, l.first_word(channels.first), words, 0, R);
  const View out = output_view(rect, channels);
  std::int64_t delta = 0;
  if (l.fuse_add) delta = second_view(rect, channels).origin - out.origin;
  const SweepPart& sweep_part = l.sweeps[0].parts[0];
  const std::int64_t param = require_parameters(channels, sweep_part.correction);
  const auto run = [&](const Rect& tile, const FilterPart& part, bool clear, bool drain) {
    emit_conv(l.sweeps[0], tile, channels, part, in, out, delta, row + part.word * word_rows, param,
              clear, drain);
  };
  const TileSplit split = split_tiles(rect, config_.rows);
  require_weights(channels, own, row + own.word * word_rows);
  run(split.first, own, true, false);
  require_weights(channels, shared, row + shared.word * word_rows);
  run(split.first, shared, false, true);
  for (const Rect& part : split.between) run(part, {0, words, 0, R}, true, true);
  if (!split.last.empty()) {
    run(split.last, shared, true, false);
    run(split.last, own, false, true);
  }
  for (const FilterPart& part : {own, shared})
    require_weights(channels, part, row + part.word * word_rows);  // used until here
  finish_output(rect, channels);
}

/// One tile: for each group the reduction in pieces, accumulated from RUN to RUN. A RUN clears what
/// lies behind its last channel in a word, so a group's sweeps come before the next group.
void Emitter::emit_conv_pieces(const Rect& rect, const Channels& channels) {
  const View out = output_view(rect, channels);
  std::int64_t delta = 0;
  if (layer().fuse_add) delta = second_view(rect, channels).origin - out.origin;
  const int columns = layer().columns(config_);
  for (int first = channels.first; first < channels.last; first += columns) {
    const Channels group{first, std::min(channels.last, first + columns)};
    for (const Sweep& sweep : layer().sweeps)
      for (const SweepPart& p : parts_in(sweep, rect)) {
        const std::int64_t param =
            require_parameters(channels, p.correction) + (first - channels.first) * layer().passes;
        emit_pieces(sweep, rect, p.rect, group, out, delta, param);
      }
  }
  finish_output(rect, channels);
}

/// The pieces of one sum. @param rect  for which the input is there, `part` of it is computed
void Emitter::emit_pieces(const Sweep& sweep, const Rect& rect, const Rect& part,
                          const Channels& group, const View& out, std::int64_t delta,
                          std::int64_t param) {
  const Tiling& t = tiling();
  const int R = layer().window.R, words = layer().words;
  const int own = layer().first_word(group.first);
  for (int word = 0; word < words; word += t.piece_words)
    for (int row = 0; row < R; row += t.piece_rows) {
      const FilterPart piece{word, std::min(t.piece_words, words - word), row,
                             std::min(t.piece_rows, R - row)};
      const View in = t.stream_input
                          ? input_view(rect, own + piece.word, piece.words, piece.row, piece.rows)
                          : input_view(rect, own, words, 0, R);
      const std::int64_t weights = require_weights(group, piece);
      const bool last = word + piece.words == words && row + piece.rows == R;
      emit_conv(sweep, part, group, piece, in, out, delta, weights, param, word + row == 0, last);
    }
}

// ---- maps in DMEM
// ---------------------------------------------------------------------------------

/// A buffer at DMEM word `start` (a multiple of DataWords) as a view of the whole map: the part's
/// first word falls on the same place of a beat as in DRAM.
View Emitter::place_buffer(int map, const Rect& rect, int word, std::int64_t start) const {
  const View& dram = place(map).dram;
  View view = buffer_view(dram, map_at(map).width_in_dram(), rect.rows(), rect.cols(), config_);
  const std::int64_t place_in_beat = dram.at(word, rect.y0, rect.x0) % config_.data_words();
  view.origin = 0;
  view.origin = start + place_in_beat - view.at(word, rect.y0, rect.x0);
  return view;
}

/// The input, or the words and rows of it that the filter part needs, in DMEM: what the rectangle's
/// positions before column `until` read.
View Emitter::input_view(const Rect& rect, int word, int words, int first_row, int filter_rows,
                         int until) {
  const int map = layer().input;
  Geometry g = layer().window;
  g.pad_top -= first_row * g.dil_y;
  g.R = filter_rows;
  const Range y = input_rows(g, rect.y0, rect.y1);
  const Range x = rect.cols() == g.Q ? Range{0, g.W} : input_cols(g, rect.x0, rect.x1);
  if (place(map).resident) {
    ensure_resident(map, y.end);
    return place(map).dmem;
  }
  const auto key =
      std::make_tuple(rect.y0, rect.y1, rect.x0, rect.x1, word, words, first_row, filter_rows);
  if (!input_loaded_ || loaded_input_ != key) {
    const Tiling& t = tiling();
    const std::int64_t start = plan_.scratch[at(layer_)] + (turn_in_++ % t.buffers) * t.input_words;
    const Rect window{y.begin, y.end, x.begin, x.end};
    last_input_ = window.empty() ? View{} : place_buffer(map, window, word, start);
    loaded_input_ = key;
    input_loaded_ = true;
    columns_loaded_ = x.begin;
  }
  const int end = until < rect.x1 ? input_cols(g, rect.x0, until).end : x.end;
  const Rect missing{y.begin, y.end, columns_loaded_, end};
  if (!missing.empty()) copy(Engine::kLoad, map, missing, word, words, last_input_);
  columns_loaded_ = std::max(columns_loaded_, end);
  return last_input_;
}

/// The residual (of the output's rectangle), or the second operand of an addition.
View Emitter::second_view(const Rect& rect, const Channels& channels) {
  const int map = layer().second;
  if (place(map).resident) {
    ensure_resident(map, rect.y1);
    return place(map).dmem;
  }
  const Tiling& t = tiling();
  const int per_word = out_per_word();
  const int word = channels.first / per_word;
  const std::int64_t start = plan_.scratch[at(layer_)] + t.buffers * t.input_words +
                             (turn_second_++ % t.buffers) * t.second_words;
  const View view = place_buffer(map, rect, word, start);
  copy(Engine::kLoad, map, rect, word, static_cast<int>(divide_up(channels.size(), per_word)),
       view);
  return view;
}

Emitter::OutputPart Emitter::output_part(const Rect& rect, const Channels& channels) const {
  const Part& part = output().part;
  const int per_word = out_per_word();
  const int word = (part.channel + channels.first) / per_word;
  const auto end = static_cast<int>(divide_up(part.channel + channels.last, per_word));
  if (part.pixel_words > 0)
    return {part.whole, rect_of(rect, part), part.channel / per_word + rect.x0 * part.pixel_words,
            rect.cols() * part.pixel_words};
  return {part.whole >= 0 ? part.whole : layer().output, rect_of(rect, part), word, end - word};
}

/// Whether a spilled output's words are also others': what those have written comes back first.
bool Emitter::merges() const {
  const Part& part = output().part;
  return part.whole >= 0 && part.scattered(out_per_word()) &&
         (net_.maps[at(part.whole)].producer < layer_ || net_.maps[at(part.whole)].capacity);
}

View Emitter::output_view(const Rect& rect, const Channels& channels) {
  if (place(layer().output).resident) return place(layer().output).dmem;
  const Tiling& t = tiling();
  const std::int64_t start = plan_.scratch[at(layer_)] +
                             t.buffers * (t.input_words + t.second_words) +
                             (turn_out_++ % t.buffers) * t.output_words;
  const OutputPart o = output_part(rect, channels);
  out_buffer_ = place_buffer(o.map, o.rect, o.word, start);
  if (merges()) copy(Engine::kLoad, o.map, o.rect, o.word, o.words, out_buffer_);
  return part_of(out_buffer_, output().part, out_per_word());
}

/// @pre the last output_view() was of the same rectangle and channels
void Emitter::finish_output(const Rect& rect, const Channels& channels) {
  const bool resident = place(layer().output).resident;
  if (resident && !stores_parts()) return;
  const OutputPart o = output_part(rect, channels);
  copy(Engine::kStore, o.map, o.rect, o.word, o.words,
       resident ? place(layer().output).dmem : out_buffer_);
}

/// Loads a resident input or constant up to that row.
void Emitter::ensure_resident(int map, int rows) {
  int& loaded = rows_loaded_[at(map)];
  if (!place(map).in_dram || net_.maps[at(map)].producer >= 0 || loaded >= rows) return;
  copy(Engine::kLoad, map, {loaded, rows, 0, shape(map).W}, 0, shape(map).channel_words(),
       place(map).dmem);
  loaded = rows;
}

/// Moves a rectangle of some channel words between DRAM and DMEM with as few transfers as the
/// alignment rules allow.
void Emitter::copy(Engine engine, int map, const Rect& rect, int word, int words,
                   const View& dmem) {
  const View& dram = place(map).dram;
  const Shape& s = shape(map);
  const std::int64_t unit = config_.data_words();
  const std::int64_t from = dram.at(word, rect.y0, rect.x0);
  const std::int64_t local = dmem.at(word, rect.y0, rect.x0);
  Region region = map_region(dmem, word, words, {rect.y0, rect.y1}, {rect.x0, rect.x1});
  const auto transfer = [&](std::int64_t d, std::int64_t l, std::int64_t length, std::int64_t rows,
                            std::int64_t dram_stride, std::int64_t local_stride) {
    emit_transfer(engine, Target::kDmem, d, l, length, rows, dram_stride, local_stride, region);
  };
  const bool full_rows = rect.cols() == s.W && dram.pitch == dmem.pitch;
  if (full_rows || rect.rows() == 1) {
    const std::int64_t length = std::int64_t{rect.rows() - 1} * dram.pitch + rect.cols();
    const bool whole_map = rect.rows() == s.H && dram.plane == dmem.plane && full_rows;
    if (whole_map || words == 1) {  // with what lies between the planes
      region = {Space::kDmem, local, (words - 1) * dram.plane + length, 0, 1};
      return transfer(from, local, region.length, 1, 0, 0);
    }
    assert(dram.plane % unit == 0 && dmem.plane % unit == 0);
    return transfer(from, local, length, words, dram.plane, dmem.plane);
  }
  if (dram.pitch % unit == 0 && dmem.pitch % unit == 0 && words <= rect.rows()) {
    for (int w = 0; w < words; ++w)
      transfer(from + w * dram.plane, local + w * dmem.plane, rect.cols(), rect.rows(), dram.pitch,
               dmem.pitch);
    return;
  }
  assert(dram.plane % unit == 0 && dmem.plane % unit == 0);
  for (int y = 0; y < rect.rows(); ++y)
    transfer(from + std::int64_t{y} * dram.pitch, local + std::int64_t{y} * dmem.pitch, rect.cols(),
             words, dram.plane, dmem.plane);
}

Region Emitter::map_region(const View& view, int word, int words, const Range& y,
                           const Range& x) const {
  Region region;
  region.start = view.at(word, y.begin, x.begin);
  region.length =
      std::int64_t{y.size() - 1} * view.pitch + std::int64_t{x.size() - 1} * view.step + 1;
  region.stride = view.plane;
  region.count = y.size() > 0 && x.size() > 0 ? words : 0;
  return region;
}

// ---- constants
// ------------------------------------------------------------------------------------

std::int64_t Emitter::add_image(const std::vector<std::uint32_t>& words) {
  const std::int64_t unit = std::max(config_.data_words() * 4, 64);
  image.resize(static_cast<std::size_t>(round_up(static_cast<std::int64_t>(image.size()), unit)));
  const std::size_t offset = image.size();
  image.resize(offset + words.size() * 4);
  if (!words.empty()) std::memcpy(&image[offset], words.data(), words.size() * 4);
  return plan_.arena_bytes + static_cast<std::int64_t>(offset);
}

Emitter::BlockKey Emitter::weights_key(const Channels& channels, const FilterPart& part) const {
  BlockKey key{layer_, channels.first, part.word, part.row, channels.last, part.words, part.rows};
  const Layer& l = layer();
  if (l.weights_map < 0) return key;
  // Other layers may have the same weights.
  const Part& map = map_at(l.weights_map).part;
  key[0] = -1;
  for (const int value : {map.whole >= 0 ? map.whole : l.weights_map, map.channel, l.weights_y,
                          l.weights_x, l.weights_transposed ? 1 : 0, shape(l.input).C})
    key.push_back(value);
  return key;
}

/// The identity of a block of weights; its DRAM words are made the first time: rows of Cols words,
/// by group and step, as PMEM holds them; each group begins with a row of its own.
std::int64_t Emitter::weights_block(const Channels& channels, const FilterPart& part) {
  const auto [entry, is_new] = block_ids_.try_emplace(weights_key(channels, part),
                                                      static_cast<std::int64_t>(block_ids_.size()));
  if (!is_new) return entry->second;
  const Layer& l = layer();
  const int RS = l.window.R * l.steps_x(), columns = l.columns(config_);
  const int first_step = part.word * RS + part.row * l.steps_x();
  const int steps = part.words > 1 ? part.words * RS : part.rows * l.steps_x();
  const int groups = static_cast<int>(divide_up(channels.size(), columns));
  const int group_rows = static_cast<int>(l.rows_of(steps));
  const int codes = l.former.steps > 0 ? 4 : l.step_codes * l.steps_per_row;  // of a word
  const std::int64_t rows = std::int64_t{groups} * group_rows;
  const std::int64_t beats = divide_up(rows, config_.rows_per_beat()) * config_.beats_per_row();
  std::vector<std::uint32_t> words(static_cast<std::size_t>(beats * config_.data_words()));
  for (std::int64_t r = 0; r < rows; ++r) {
    const int group = static_cast<int>(r / group_rows);
    const int step = static_cast<int>(r % group_rows) * l.steps_per_row;
    const int count = std::min(l.steps_per_row, steps - step) * l.step_codes;
    const std::int64_t first_word =
        r / config_.rows_per_beat() * config_.beats_per_row() * config_.data_words() +
        r % config_.rows_per_beat() * config_.cols;
    for (int c = 0; c < columns; ++c) {
      const int m = channels.first + group * columns + c;
      if (m >= channels.last) break;
      const std::size_t from = (at(m) * at(l.steps()) + at(first_step + step)) * at(l.step_codes);
      // The window former finds its steps beside each other, others within a word.
      for (int i = 0; i < count; ++i) {
        const int word = l.former.steps > 0 ? c + i / 4 * 4 : c;
        words[static_cast<std::size_t>(first_word + word)] |=
            pack_code(l.weights[from + at(i)], codes, i % codes);
      }
    }
  }
  block_bytes_[entry->second] = {add_image(words), static_cast<std::int64_t>(words.size())};
  return entry->second;
}

/// @param place  where they must lie, if not anywhere
std::int64_t Emitter::require_weights(const Channels& channels, const FilterPart& part,
                                      std::optional<std::int64_t> place) {
  if (layer().weights_map >= 0) return require_map(channels, part, place);
  const std::int64_t block = weights_block(channels, part);
  const auto [byte, words] = block_bytes_[block];
  const std::int64_t rows =
      words / config_.data_words() / config_.beats_per_row() * config_.rows_per_beat();
  const auto [row, is_new] = place_weights(block, rows, place);
  if (is_new) load_constants(Target::kPmem, byte, words, row, Space::kPmem, rows);
  pmem_.use(block, static_cast<std::int64_t>(instructions.size()));
  return row;
}

/// The block's row in PMEM, and whether its words are still to come.
/// @param place  where they must lie, if not anywhere
std::pair<std::int64_t, bool> Emitter::place_weights(std::int64_t block, std::int64_t rows,
                                                     std::optional<std::int64_t> place) {
  const auto found = pmem_.find(block);
  if (found && (!place || *found == *place)) return {*found, false};
  if (!place) return {pmem_.place(block, rows), true};
  pmem_.place_at(block, *place, rows);
  return {*place, true};
}

/// Output channels that the network's first RUNs compute, so that they wait only for their weights;
/// 0: all of the first chunk.
int Emitter::lead_channels() const {
  constexpr int kParts = 4, kLeastBeats = 128;
  const Layer& l = layer();
  const std::int64_t group_rows = l.rows_of(l.steps());
  if (layer_ != 0 || l.kind != LayerKind::kConv || l.weights_map >= 0 || l.former.steps > 0 ||
      l.fuse_add || l.fuses_max() || tiling().pieces || tiling().relay ||
      !place(l.output).resident || group_rows % config_.rows_per_beat() != 0)
    return 0;
  const std::int64_t groups = divide_up(std::min(tiling().chunk, l.channels), config_.cols);
  const std::int64_t beats =
      groups * group_rows / config_.rows_per_beat() * config_.beats_per_row();
  if (groups < 2 || beats < kLeastBeats) return 0;
  return static_cast<int>(divide_up(groups, kParts)) * config_.cols;
}

/// Weights of the layer's chunk or, in parts that follow each other, of its lead.
std::int64_t Emitter::require_chunk_weights(const Channels& channels, const FilterPart& part) {
  const int lead = lead_channels();
  if (lead == 0 || channels.first >= tiling().chunk) return require_weights(channels, part);
  const std::int64_t rows = lead / config_.cols * layer().rows_of(layer().steps());
  for (int c = channels.first; c < channels.last; c += lead)
    require_weights({c, std::min(channels.last, c + lead)}, part, c / lead * rows);
  return channels.first / lead * rows;
}

/// Weights that are codes of a map.
std::int64_t Emitter::require_map(const Channels& channels, const FilterPart& part,
                                  std::optional<std::int64_t> where) {
  const Layer& l = layer();
  const std::int64_t block =
      block_ids_
          .try_emplace(weights_key(channels, part), static_cast<std::int64_t>(block_ids_.size()))
          .first->second;
  const int columns = l.columns(config_);
  const std::int64_t groups = divide_up(channels.size(), columns), rows = groups * part.words;
  const auto [row, is_new] = place_weights(block, rows, where);
  // As few transfers as there can be: for each group, or for each channel word.
  const bool by_group = l.weights_transposed || groups < part.words;
  for (int g = 0; is_new && by_group && g < groups; ++g) {
    const int first = channels.first + g * columns;
    load_map({first, std::min(channels.last, first + columns)}, part,
             row + std::int64_t{g} * part.words);
  }
  for (int word = 0; is_new && !by_group && word < part.words; ++word)
    load_plane(channels, part.word + word, row + word, part.words);
  pmem_.use(block, static_cast<std::int64_t>(instructions.size()));
  return row;
}

/// One channel word of all groups, every `stride`-th row of PMEM.
void Emitter::load_plane(const Channels& channels, int word, std::int64_t row, int stride) {
  const Layer& l = layer();
  const bool on_chip = weights_on_chip();
  const View& view = on_chip ? place(l.weights_map).dmem : place(l.weights_map).dram;
  const int columns = l.columns(config_);
  const std::int64_t groups = divide_up(channels.size(), columns);
  const std::int64_t from = view.at(word, l.weights_y, l.weights_x + channels.first);
  emit_transfer(Engine::kLoad, Target::kPmem, from, row,
                std::int64_t{config_.beats_per_row()} * config_.data_words(), groups, columns,
                stride, {Space::kPmem, row, 1, stride, groups});
  Instruction& i = instructions.back();
  i.reads = {{on_chip ? Space::kDmem : Space::kDram, from, channels.size()}};
  if (on_chip) i.run.flags = 1 << isa::dma::kFromDmem;
}

/// Whether a layer made the map that is the weights, and it still lies in DMEM.
bool Emitter::weights_on_chip() const {
  const int map = layer().weights_map;
  return place(map).resident && map_at(map).producer >= 0;
}

/// A group of columns: a PMEM row for each channel word of the reduction. Its words are neighbours
/// in a plane, or come from four channels of four neighbours.
void Emitter::load_map(const Channels& group, const FilterPart& part, std::int64_t row) {
  const Layer& l = layer();
  const int map = l.weights_map, y = l.weights_y;
  const bool on_chip = weights_on_chip();
  const View& view = on_chip ? place(map).dmem : place(map).dram;
  const Region to{Space::kPmem, row, part.words};
  Region from{on_chip ? Space::kDmem : Space::kDram, 0, 0, view.plane, 1};
  if (l.weights_transposed) {
    from.start = view.at(group.first / 4, y, l.weights_x + 4 * part.word);
    from.length = std::min(4 * part.words, shape(l.input).C - 4 * part.word);
    from.count = divide_up(group.size(), 4);
    emit_transfer(Engine::kLoad, Target::kTransposed, from.start, row, from.length, from.count,
                  view.plane, 0, to);
  } else {
    from.start = view.at(part.word, y, l.weights_x + group.first);
    from.length = group.size();
    from.count = part.words;
    emit_transfer(Engine::kLoad, Target::kPmem, from.start, row,
                  std::int64_t{config_.beats_per_row()} * config_.data_words(), part.words,
                  view.plane, 1, to);
  }
  Instruction& i = instructions.back();
  i.reads = {from};
  if (on_chip) i.run.flags = 1 << isa::dma::kFromDmem;
}

namespace {

/// Bias and scale memory of some channels, an entry each or one for each pair of thresholds.
struct Parameters {
  std::vector<std::uint32_t> bias, scale;
};

Parameters parameters_of(const Layer& l, const Channels& range, int correction) {
  Parameters p;
  for (int n = range.first; n < range.last; ++n) {
    const std::int64_t extra = correction < 0 ? 0 : l.corrections[at(correction)][at(n)];
    if (l.result != Output::kThresholds) {
      const reference::ChannelScale& s = l.scales[at(n)];
      const std::uint64_t packed =
          static_cast<std::uint32_t>(s.multiplier) | static_cast<std::uint64_t>(s.shift & 63) << 31;
      p.bias.push_back(static_cast<std::uint32_t>(reference::wrap(l.bias[at(n)] - extra)));
      p.scale.push_back(static_cast<std::uint32_t>(packed));
      p.scale.push_back(static_cast<std::uint32_t>(packed >> 32));
      continue;
    }
    for (int k = 0; k < 2 * l.passes; ++k) {
      const std::int64_t t = l.thresholds[at(n) * 2 * at(l.passes) + at(k)];
      const std::int64_t moved =
          t == INT32_MAX ? t : std::clamp<std::int64_t>(t + extra, INT32_MIN, INT32_MAX);
      (k % 2 == 0 ? p.bias : p.scale).push_back(static_cast<std::uint32_t>(moved));
      if (k % 2 != 0) p.scale.push_back(0);
    }
  }
  return p;
}

}  // namespace

/// Biases in the image; all zeros are those of one block, so that the constants behind them lie at
/// the same place whatever their count.
std::int64_t Emitter::bias_words(const std::vector<std::uint32_t>& words) {
  if (std::any_of(words.begin(), words.end(), [](std::uint32_t w) { return w != 0; }))
    return add_image(words);
  if (zeros_ < 0) zeros_ = add_image(std::vector<std::uint32_t>(at(config_.param_channels)));
  return zeros_;
}

/// Zeros that are there already need no load.
void Emitter::load_biases(std::int64_t byte, std::int64_t first, std::int64_t entries) {
  const auto begin = zero_biases_.begin() + first, end = begin + entries;
  const bool zeros = byte == zeros_;
  if (zeros && std::find(begin, end, false) == end) return;
  std::fill(begin, end, zeros);
  load_constants(Target::kBias, byte, entries, first, Space::kParams, entries);
}

/// Channels whose parameters are loaded together.
int Emitter::parameter_channels() const {
  const Layer& l = layer();
  const int chunk = tiling().chunk;
  const auto sets = std::max<std::int64_t>(1, static_cast<std::int64_t>(l.corrections.size()));
  const std::int64_t entries = std::min(config_.param_channels / 4, kMostParameters);
  const std::int64_t chunks = entries / (sets * chunk * l.passes);
  return static_cast<int>(std::max<std::int64_t>(1, chunks)) * chunk;
}

/// Bias and scale of the channels, with those of the chunks beside them that a quarter of the
/// memory holds: short loads cost more than their words, long ones wait for their place.
std::int64_t Emitter::require_parameters(const Channels& channels, int correction) {
  const Layer& l = layer();
  const int size = parameter_channels();
  const int first_channel = channels.first / size * size;
  const Channels range{first_channel, std::min(l.channels, first_channel + size)};
  const std::int64_t entries = params_.rounded(std::int64_t{range.size()} * l.passes);
  Parameters p = parameters_of(l, range, correction);
  p.bias.resize(static_cast<std::size_t>(entries));
  p.scale.resize(static_cast<std::size_t>(2 * entries));
  if (l.per_tensor) p.scale.clear();
  // Layers share what is the same.
  const auto [entry, is_new] = parameters_.try_emplace(std::make_pair(p.bias, p.scale));
  ParameterBlock& block = entry->second;
  if (is_new)
    block = {static_cast<std::int64_t>(parameters_.size()), bias_words(p.bias),
             l.per_tensor ? 0 : add_image(p.scale)};
  std::int64_t first = 0;
  if (const auto found = params_.find(block.id)) {
    first = *found;
  } else {
    first = params_.place(block.id, entries);
    load_biases(block.bias_byte, first, entries);
    if (!l.per_tensor)
      load_constants(Target::kScale, block.scale_byte, 2 * entries, first, Space::kParams, entries);
  }
  params_.use(block.id, static_cast<std::int64_t>(instructions.size()));
  return first + std::int64_t{channels.first - range.first} * l.passes;
}

/// There is place for one table.
void Emitter::require_table() {
  const std::vector<std::int8_t>& table = layer().table;
  if (table.empty()) return;
  std::vector<std::uint32_t> words(isa::dma::kTableWords);
  std::memcpy(words.data(), table.data(), table.size());
  require_only(Target::kTable, Space::kTable, words, table_);
}

/// There is place for one set of them.
void Emitter::require_exponentials() {
  if (layer().exponentials.empty()) return;
  require_only(Target::kExponentials, Space::kExponentials, layer().exponentials, exponentials_);
}

/// Words of a memory that has place for one set of them.
void Emitter::require_only(Target target, Space space, const std::vector<std::uint32_t>& words,
                           OneSet& memory) {
  if (words == memory.loaded) return;
  memory.loaded = words;
  const auto [entry, is_new] = memory.bytes.try_emplace(words, 0);
  if (is_new) entry->second = add_image(words);
  const auto count = static_cast<std::int64_t>(words.size());
  load_constants(target, entry->second, count, 0, space, count);
}

void Emitter::load_constants(Target target, std::int64_t byte, std::int64_t words,
                             std::int64_t local, Space space, std::int64_t length) {
  emit_transfer(Engine::kLoad, target, byte / 4, local, words, 1, 0, 0, {space, local, length});
}

}  // namespace trine::compiler
