// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/emit/emitter.h"

#include <algorithm>
#include <cassert>
#include <span>

#include "sw/base/division.h"

namespace trine::compiler {
namespace {

using isa::Engine;
using isa::dma::Target;

constexpr int kLeastBeats = 64;  ///< of a part of an output that is stored on its own

}  // namespace

Emitter::Emitter(const Network& network, const spec::Config& config, const Plan& plan,
                 const Image& image)
    : Order(network, config, plan),
      image_(image),
      pmem_(config.pmem_rows(), config.rows_per_beat()),
      params_(parameter_entries(network, config, plan), config.data_words()),
      rows_loaded_(network.maps.size()),
      words_loaded_(network.maps.size()),
      zero_biases_(at(config.param_channels)) {}

void Emitter::run() {
  const int count = static_cast<int>(net_.layers.size());
  while (layer_ + 1 < count) {
    const ImageRun run = next_together();
    if (run.size() > 1)
      emit_together(run);
    else
      emit_layer();
  }
}

// ---- parts of a layer ---------------------------------------------------------------------------

void Emitter::emit_layer() {
  const std::vector<Visit> visits = next_layer();
  now_ = {};
  const std::size_t begin = instructions.size();
  load_tables();
  std::vector<std::size_t> ends;  // by rectangle of the chunk
  for (const Visit& v : visits) {
    emit_visit(v);
    if (v.ends_rect) ends.push_back(instructions.size());
    if (!v.ends_chunk) continue;
    if (v.channels.last == follower_channels()) follow_vectors(begin, ends);
    if (makes_vectors(layer_)) vector_ends_ = ends;
    store_words(v.channels.last);
    share_rows(v.channels.last);
    ends.clear();
  }
  store_words(channels());
  store_joined();
  share_rows(channels());
}

void Emitter::load_tables() {
  const std::size_t index = at(layer_);
  require_only(layer().points.empty() ? Target::kTable : Target::kPoints, Space::kTable,
               image_.tables[index], &table_);
  require_only(Target::kExponentials, Space::kExponentials, image_.exponentials[index],
               &exponentials_);
}

/// Emits one chunk of weights after the other, and for each chunk all parts of each of these
/// layers.
void Emitter::emit_together(const ImageRun& run) {
  struct Image {
    std::vector<Visit> visits;
    std::size_t next = 0;
    Progress progress;
  };
  std::vector<Image> images(at(run.size()));
  for (Image& image : images) image.visits = next_layer();
  while (images[0].next < images[0].visits.size()) {
    const int end = images[0].visits[images[0].next].channels.last;
    for (Image& image : images) {
      layer_ = run.first + static_cast<int>(&image - images.data());
      now_ = image.progress;
      load_tables();
      for (; image.next < image.visits.size() && image.visits[image.next].channels.last == end;
           ++image.next)
        emit_visit(image.visits[image.next]);
      store_words(end);
      image.progress = now_;
      if (image.next == image.visits.size()) store_joined();
    }
  }
}

void Emitter::emit_visit(const Visit& v) {
  if (layer().kind != LayerKind::kConv)
    emit_vector_part(v.rect, v.channels);
  else if (tiling().relay)
    emit_conv_relay(v);
  else if (tiling().sums)
    emit_conv_sums(v.rect, v.channels);
  else if (tiling().pieces)
    emit_conv_pieces(v.rect, v.channels);
  else
    emit_conv_part(v);
}

/// Moves the vectors of the layer's first chunk, [begin, ends[0]) and so on, each to just after the
/// vector of the layer before that it reads.
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

/// Returns true if an output that stays in DMEM is stored part by part while it is computed.
bool Emitter::stores_parts() const {
  return layer().kind == LayerKind::kNormalize && output().part.whole < 0 &&
         stored(layer().output) && place(layer().output).resident;
}

/// Stores the words that `channels` channels of a resident network output, or map of weights, fill,
/// except those already stored.
void Emitter::store_words(int channels) {
  const int out = layer().output;
  const Shape& s = shape(out);
  if (!stored(out) || !place(out).resident || stores_parts()) return;
  const int words = channels == s.C ? s.channel_words() : channels / s.per_word;
  if (words > now_.words_stored)
    copy(Engine::kStore, out, {0, s.H, 0, s.W}, now_.words_stored, words - now_.words_stored,
         place(out).dmem);
  now_.words_stored = words;
}

/// Stores the part of an output that this layer has written. If parts are small or share words,
/// their rows are stored together later, because each part would need many transfers.
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
    const WholePart o = output_part({0, own.H, 0, own.W}, {0, own.C});
    copy(Engine::kStore, out, o.rect, o.word, o.words, place(out).dmem);
  } else {
    parts_left_.insert(out);
  }
  if (parts_left_.contains(out)) store_rows(out);
}

/// Stores the first rows that no later layer writes, except those already stored, unless they are
/// too few for a transfer.
void Emitter::store_rows(int map) {
  const Shape& s = shape(map);
  int end = s.H;  // int8: the last layer is often shorter than the latency of a store
  for (std::size_t i = at(layer_) + 1; i < net_.layers.size(); ++i) {
    const int part = net_.layers[i].output;
    if (net_.whole_of(part) == map) end = std::min(end, net_.maps[at(part)].part.y);
  }
  int& stored = rows_stored_[map];
  const std::int64_t words = std::int64_t{end - stored} * s.W * s.pixel_words() * s.channel_words();
  if (end <= stored || (end < s.H && (!s.wide || words < 2 * kLeastBeats * config_.data_words())))
    return;
  copy(Engine::kStore, map, {stored, end, 0, s.W}, 0, s.channel_words(), place(map).dmem);
  stored = end;
}

void Emitter::emit_conv_part(const Visit& v) {
  const Rect& rect = v.rect;
  const Channels& channels = v.channels;
  const FilterPart part{0, layer().words, 0, layer().window.R};
  const std::vector<Rect> rects = v.by_vectors ? vectors_of(rect) : std::vector<Rect>{rect};
  const auto input_until = [&](int column) {
    return input_view(rect, layer().first_word(channels.first), layer().words_of(channels.size()),
                      0, layer().window.R, column);
  };
  const View in = input_until(rects.front().x1);
  const std::int64_t row = require_chunk_weights(channels, part);
  const View out = output_view(rect, channels);
  const std::int64_t delta = residual_delta(rect, channels, out);
  const int columns = layer().columns(config_);
  const std::int64_t group_rows = layer().rows_of(layer().steps());
  for (const Rect& own : rects) {
    input_until(own.x1);
    for (std::size_t s = v.first; s < v.last; ++s) {
      const Rect swept = own.within(layer().sweeps[s].rect);
      if (swept.empty()) continue;
      const std::int64_t param = require_parameters(channels);
      for (const Channels& group : runs_of(channels)) {
        const int before = group.first - channels.first;
        const std::int64_t from = row + before / columns * group_rows;
        if (layer().is_gate() && gate_comes_) load_gate(group, from);
        emit_conv({&layer().sweeps[s], swept, group, part, in, out, delta, from,
                   param + before * layer().passes});
      }
      gate_comes_ = false;
    }
  }
  finish_output(rect, channels);
}

/// Emits a group whose weights are loaded while the group before it is computed: see Tiling::relay.
void Emitter::emit_conv_relay(const Visit& v) {
  const Layer& l = layer();
  const Rect& rect = v.rect;
  const Channels& channels = v.channels;
  const int R = l.window.R, words = l.words;
  const std::int64_t word_rows = std::int64_t{R} * l.steps_x();
  const auto [own, shared] = relay_parts(v.relay_end);
  const std::int64_t row = v.relay_end ? config_.pmem_rows() - words * word_rows : 0;

  const View in = input_view(rect, l.first_word(channels.first), words, 0, R);
  const View out = output_view(rect, channels);
  const std::int64_t delta = residual_delta(rect, channels, out);
  const std::int64_t param = require_parameters(channels);
  const auto run = [&](const Rect& tile, const FilterPart& part, bool clear, bool drain) {
    emit_conv({&l.sweeps[0], tile, channels, part, in, out, delta, row + part.word * word_rows,
               param, clear, drain});
  };
  const TileSplit split = split_tiles(rect, l.lanes(config_));
  // The chunk before frees the pieces in this order, and the next chunk waits for them.
  std::vector<FilterPart> first = shared, last = shared;
  if (own.words > 0) {
    first.insert(first.begin(), own);
    last.push_back(own);
  }
  const auto require = [&](const FilterPart& part) {
    require_weights(channels, part, row + part.word * word_rows);
  };
  for (std::size_t i = 0; i < first.size(); ++i) {
    require(first[i]);
    run(split.first, first[i], i == 0, i + 1 == first.size());
  }
  for (const Rect& part : split.between) run(part, {0, words, 0, R}, true, true);
  for (std::size_t i = 0; !split.last.empty() && i < last.size(); ++i)
    run(split.last, last[i], i == 0, i + 1 == last.size());
  for (const FilterPart& part : first) require(part);  // they are used until here
  finish_output(rect, channels);
}

/// Emits one tile: for each group the reduction in pieces, accumulated from RUN to RUN. A RUN
/// clears the codes after its last channel in a word, so all sweeps of a group come before the next
/// group.
void Emitter::emit_conv_pieces(const Rect& rect, const Channels& channels) {
  const View out = output_view(rect, channels);
  const std::int64_t delta = residual_delta(rect, channels, out);
  for (const Channels& group : groups_of(channels))
    for (const Sweep& sweep : layer().sweeps) {
      const Rect swept = rect.within(sweep.rect);
      if (swept.empty()) continue;
      const std::int64_t param =
          require_parameters(channels) + (group.first - channels.first) * layer().passes;
      emit_pieces(sweep, rect, swept, group, out, delta, param);
    }
  finish_output(rect, channels);
}

/// Emits the pieces of one sum. @param rect  the rectangle whose input is loaded; `part` of it is
/// computed
void Emitter::emit_pieces(const Sweep& sweep, const Rect& rect, const Rect& part,
                          const Channels& group, const View& out, std::int64_t delta,
                          std::int64_t param) {
  const int R = layer().window.R, words = layer().words;
  const int own = layer().first_word(group.first);
  for (const FilterPart& piece : pieces()) {
    const View in = tiling().stream_input
                        ? input_view(rect, own + piece.word, piece.words, piece.row, piece.rows)
                        : input_view(rect, own, words, 0, R);
    const std::int64_t weights = require_weights(group, piece);
    const bool last = piece.word + piece.words == words && piece.row + piece.rows == R;
    emit_conv({&sweep, part, group, piece, in, out, delta, weights, param,
               piece.word + piece.row == 0, last});
  }
}

/// Emits a rectangle and a chunk piece by piece. Each piece but the last leaves sums of all
/// positions in DMEM; the first one contains the biases.
void Emitter::emit_conv_sums(const Rect& rect, const Channels& channels) {
  const Tiling& t = tiling();
  const int own = layer().first_word(channels.first);
  const View out = output_view(rect, channels);
  View sums = out;  // one plane for each channel
  sums.origin = plan_.scratch[at(layer_)] + t.scratch_words() - t.sum_words;
  sums.origin -= sums.at(0, rect.y0, rect.x0) - sums.origin;
  const std::int64_t param = require_parameters(channels);
  const std::vector<FilterPart> parts = pieces();
  for (const FilterPart& piece : parts) {
    const bool first = &piece == &parts.front(), last = &piece == &parts.back();
    const View in = t.stream_input
                        ? input_view(rect, own + piece.word, piece.words, piece.row, piece.rows)
                        : input_view(rect, own, layer().words, 0, layer().window.R);
    const std::int64_t weights = require_weights(channels, piece);
    ConvRun run{&layer().sweeps[0],
                rect,
                channels,
                piece,
                in,
                last ? out : sums,
                0,
                weights,
                param,
                true,
                true,
                !last};
    if (!first) run.sums = sums;
    emit_conv(run);
  }
  finish_output(rect, channels);
}

// ---- maps in DMEM -------------------------------------------------------------------------------

/// Returns a buffer at DMEM word `start` (a multiple of DataWords) as a view of the whole map. The
/// first word has the same position in a beat as in DRAM.
/// @param width  of rows in DRAM, in pixels
View Emitter::place_buffer(int map, const Rect& rect, int word, std::int64_t start,
                           int width) const {
  const View& dram = place(map).dram;
  View view = buffer_view(dram, width, rect.rows(), rect.cols(), config_);
  // Rows above this map, which belong to other cores, start at the same position in a beat.
  const std::int64_t place_in_beat =
      dram.at(word, std::max(rect.y0, 0), rect.x0) % config_.data_words();
  view.origin = 0;
  view.origin = start + place_in_beat - view.at(word, rect.y0, rect.x0);
  return view;
}

/// Returns the view of the input in DMEM, or of the words and rows of it that the filter part
/// needs. Loads the columns that the rectangle's positions before column `until` read.
View Emitter::input_view(const Rect& rect, int word, int words, int first_row, int filter_rows,
                         int until) {
  const int map = layer().input;
  Geometry g = layer().window;
  g.pad_top -= first_row * g.dil_y;
  g.R = filter_rows;
  Rect window = read_by(g, rect);
  if (rect.cols() == g.Q) {
    window.x0 = 0;
    window.x1 = g.W;
  }
  if (place(map).resident) {
    ensure_resident(map, window.y1);
    return place(map).dmem;
  }
  if (layer().group_channels > 0 && map_at(map).part.pixel_words > 0) {
    word = 0;  // for all groups
    words = shape(map).channel_words();
  }
  const std::array key{rect.y0, rect.y1, rect.x0, rect.x1, word, words, first_row, filter_rows};
  if (now_.loaded_input != key) {
    const Tiling& t = tiling();
    const std::int64_t start = plan_.scratch[at(layer_)] + (turn_in_++ % t.buffers) * t.input_words;
    now_.last_input = View{};
    if (!window.empty()) {
      const WholePart part = input_part(window, word, words);
      now_.input_buffer = now_.last_input =
          place_buffer(part.map, part.rect, part.word, start, map_at(part.map).width_in_dram());
      if (part.map != map)
        now_.last_input = part_of(now_.input_buffer, map_at(map).part, map_at(map).shape.per_word);
    }
    now_.loaded_input = key;
    now_.columns_loaded = window.x0;
  }
  const int end = until < rect.x1 ? input_of(g, {rect.y0, rect.y1, rect.x0, until}).x1 : window.x1;
  const Rect missing{window.y0, window.y1, now_.columns_loaded, end};
  if (!missing.empty()) {
    const WholePart part = input_part(missing, word, words);
    copy_rows(Engine::kLoad, part.map, part.rect, part.word, part.words, now_.input_buffer,
              input_row_step());
  }
  now_.columns_loaded = std::max(now_.columns_loaded, end);
  return now_.last_input;
}

/// Returns the view of the residual (in the output's rectangle) or of an addition's second operand.
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
  // One instruction addresses both operands, or residual and output, alike, so their buffers have
  // the same layout.
  const int like = layer().two_operands() ? layer().input : net_.whole_of(layer().output);
  const View view = place_buffer(map, rect, word, start, map_at(like).width_in_dram());
  copy_rows(Engine::kLoad, map, rect, word, divide_up(channels.size(), per_word), view,
            output_row_step());
  return view;
}

/// Returns all words from the first to the last pixel if the map's pixels are stored one after the
/// other in channels of another map.
Emitter::WholePart Emitter::input_part(const Rect& window, int word, int words) const {
  const Map& map = map_at(layer().input);
  const Part& part = map.part;
  if (part.pixel_words == 0) return {layer().input, window, word, words};
  return {part.whole, rect_of(window, part),
          part.channel / map.shape.per_word + window.x0 * part.pixel_words + word,
          (window.cols() - 1) * part.pixel_words + words};
}

Emitter::WholePart Emitter::output_part(const Rect& rect, const Channels& channels) const {
  const Part& part = output().part;
  const int per_word = out_per_word();
  const int word = (part.channel + channels.first) / per_word;
  const int end = divide_up(part.channel + channels.last, per_word);
  if (part.pixel_words > 0)
    return {part.whole, rect_of(rect, part), part.channel / per_word + rect.x0 * part.pixel_words,
            rect.cols() * part.pixel_words};
  return {part.whole >= 0 ? part.whole : layer().output, rect_of(rect, part), word, end - word};
}

/// Returns true if a spilled output shares words with other parts. What those have written must be
/// loaded first.
bool Emitter::merges() const {
  const Part& part = output().part;
  return part.whole >= 0 && part.scattered(out_per_word()) &&
         (net_.maps[at(part.whole)].written.first < layer_ || net_.maps[at(part.whole)].is_state());
}

/// Returns the distance from the output to the residual. A maximum is computed with the output
/// itself, so its distance is 0.
std::int64_t Emitter::residual_delta(const Rect& rect, const Channels& channels, const View& out) {
  return layer().fuse_add() ? second_view(rect, channels).origin - out.origin : 0;
}

View Emitter::output_view(const Rect& rect, const Channels& channels) {
  if (place(layer().output).resident) return place(layer().output).dmem;
  const Tiling& t = tiling();
  const std::int64_t start = plan_.scratch[at(layer_)] +
                             t.buffers * (t.input_words + t.second_words) +
                             (turn_out_++ % t.buffers) * t.output_words;
  const WholePart o = output_part(rect, channels);
  out_buffer_ = place_buffer(o.map, o.rect, o.word, start, map_at(o.map).width_in_dram());
  if (merges()) copy(Engine::kLoad, o.map, o.rect, o.word, o.words, out_buffer_);
  return part_of(out_buffer_, output().part, out_per_word());
}

/// Stores the output of a rectangle. @pre the last output_view() was of the same rectangle and
/// channels
void Emitter::finish_output(const Rect& rect, const Channels& channels) {
  const bool resident = place(layer().output).resident;
  if (resident && !stores_parts()) return;
  const WholePart o = output_part(rect, channels);
  copy_rows(Engine::kStore, o.map, o.rect, o.word, o.words,
            resident ? place(layer().output).dmem : out_buffer_, output_row_step());
}

/// Returns the rectangle of the input that the rectangle's positions read. If other cores read rows
/// below, it includes rows outside of the map.
Rect Emitter::read_by(const Geometry& g, const Rect& rect) const {
  Rect window = input_of(g, rect);
  if (!layer().by_rows) return window;
  window.y0 = rect.y0 * g.stride_y - g.pad_top;
  window.y1 = (rect.y1 - 1) * g.stride_y - g.pad_top + g.span_y();
  return window;
}

/// Loads a resident input or constant up to row `rows`. For a part, loads only words that earlier
/// parts have not loaded.
void Emitter::ensure_resident(int map, int rows) {
  int& loaded = rows_loaded_[at(map)];
  if (!place(map).in_dram || net_.maps[at(map)].written.first >= 0 || loaded >= rows) return;
  if (map_at(map).part.pixel_words > 0)
    ensure_resident(map_at(map).part.whole, map_at(map).part.y + 1);
  else if (shares_words(map))
    load_channels(map);
  else
    copy(Engine::kLoad, map, {loaded, rows, 0, shape(map).W}, 0, shape(map).channel_words(),
         place(map).dmem);
  loaded = rows;
}

/// Returns true if the part consists of channels of all pixels that are loaded together into the
/// whole map's words.
bool Emitter::shares_words(int map) const {
  const Map& m = map_at(map);
  if (m.part.whole < 0) return false;
  const Map& whole = map_at(m.part.whole);
  const Placement& place_of_whole = place(m.part.whole);
  return (whole.shape.H == 1 || whole.is_copy()) && m.shape.H == whole.shape.H &&
         m.shape.W == whole.shape.W && m.part.stride_y == 1 && m.part.stride_x == 1 &&
         place_of_whole.resident &&
         place(map).dmem.origin == part_of(place_of_whole.dmem, m.part, m.shape.per_word).origin;
}

/// Loads the words of a part's channels that no other part has loaded.
void Emitter::load_channels(int map) {
  const Map& m = map_at(map);
  const Map& whole = map_at(m.part.whole);
  std::vector<char>& loaded = words_loaded_[at(m.part.whole)];
  loaded.resize(at(whole.shape.channel_words()));
  int first = m.part.channel / m.shape.per_word, end = first + m.words_of(m.shape.C);
  while (first < end && loaded[at(first)] != 0) ++first;
  while (first < end && loaded[at(end - 1)] != 0) --end;
  if (first == end) return;
  std::fill(loaded.begin() + first, loaded.begin() + end, 1);
  copy(Engine::kLoad, m.part.whole, {0, whole.shape.H, 0, whole.shape.W}, first, end - first,
       place(m.part.whole).dmem);
}

/// Calls copy() for each core. Each core's rows of the map are `step` rows below those of the core
/// before.
void Emitter::copy_rows(Engine engine, int map, const Rect& rect, int word, int words,
                        const View& dmem, int step) {
  if (step == 0) return copy(engine, map, rect, word, words, dmem);
  for (int core = 0; core < net_.row_cores; ++core) {
    const int down = core * step;
    const Rect own{std::max(rect.y0 + down, 0), std::min(rect.y1 + down, shape(map).H), rect.x0,
                   rect.x1};
    if (own.empty()) continue;
    View view = dmem;
    view.origin -= std::int64_t{down} * view.pitch;
    const std::size_t first = instructions.size();
    copy(engine, map, own, word, words, view);
    for (std::size_t i = first; i < instructions.size(); ++i) {
      isa::TransferRegisters r(instructions[i].registers);
      set_core(r, engine, core);
      instructions[i].registers = r;
    }
  }
}

/// Copies rows at the edges of each core's share of an output that stays in DMEM to the neighbours
/// that read them: the words that `channels` channels fill, except those already copied.
void Emitter::share_rows(int channels) {
  const Map& m = output();
  if (m.core.rows == 0 || place(layer().output).in_dram) return;
  const int end = channels == m.shape.C ? m.shape.channel_words() : channels / m.shape.per_word;
  const Channels words{now_.words_shared, end};
  if (words.size() <= 0) return;
  now_.words_shared = end;
  for (int core = 1; core < net_.row_cores; ++core) {
    const int first = core * m.core.rows;  // of this core; a map may end above it
    if (first - m.core.rows_above < m.shape.H)
      copy_to_core(core - 1, core, m.core.rows_above, m.core.rows - m.core.rows_above,
                   -m.core.rows_above, words);
    if (first < m.shape.H) copy_to_core(core, core - 1, m.core.rows_below, 0, m.core.rows, words);
  }
}

/// Copies `rows` rows of the output from one core's DMEM to another's, counted from each core's
/// first row.
void Emitter::copy_to_core(int from, int to, int rows, int from_row, int to_row,
                           const Channels& words) {
  if (rows == 0) return;
  const View& view = place(layer().output).dmem;
  const Shape& s = output().shape;
  const std::int64_t length =
      std::int64_t{rows - 1} * view.pitch + std::int64_t{s.W} * s.pixel_words();
  // If a plane is not a multiple of a beat (maps that lanes of channels read), each plane is copied
  // separately.
  const int at_once = view.plane % config_.data_words() == 0 ? words.size() : 1;
  for (int word = words.first; word < words.last; word += at_once) {
    const Region read{Space::kDmem, view.at(word, from_row, 0), length, view.plane, at_once};
    const Region written{Space::kDmem, view.at(word, to_row, 0), length, view.plane, at_once};
    emit_transfer(Engine::kLoad, Target::kCore, read.start, written.start, length, at_once,
                  view.plane, view.plane, written);
    Instruction& i = instructions.back();
    i.reads = {read};
    isa::TransferRegisters r(i.registers);
    set_core(r, Engine::kLoad, to);
    r.set(isa::dma::kFromCore, from);
    i.registers = r;
  }
}

/// Moves a rectangle of some channel words between DRAM and DMEM with as few transfers as the
/// alignment rules allow.
/// @param among  true if codes of other maps are stored between its rows and planes in DMEM
void Emitter::copy(Engine engine, int map, const Rect& rect, int word, int words, const View& dmem,
                   bool among) {
  const View& dram = place(map).dram;
  among |= map_at(map).core.pixels > 0;  // in DRAM, other cores' pixels are between its rows
  const Shape& s = shape(map);
  const std::int64_t unit = config_.data_words();
  const std::int64_t from = dram.at(word, rect.y0, rect.x0);
  const std::int64_t local = dmem.at(word, rect.y0, rect.x0);
  Region region = map_region(dmem, word, words, rect);
  const Target target = s.wide ? Target::kDmem16 : Target::kDmem;
  const std::int64_t cols = std::int64_t{rect.cols()} * s.pixel_words();
  const auto transfer = [&](std::int64_t d, std::int64_t l, std::int64_t length, std::int64_t rows,
                            std::int64_t dram_stride, std::int64_t local_stride) {
    emit_transfer(engine, target, d, l, length, rows, dram_stride, local_stride, region);
    for_each_core(map);
  };
  const bool full_rows =
      rect.cols() == s.W && dram.pitch == dmem.pitch && (!among || dram.pitch == cols);
  if (full_rows || rect.rows() == 1) {
    const std::int64_t length = std::int64_t{rect.rows() - 1} * dram.pitch + cols;
    const bool whole_map = rect.rows() == s.H && dram.plane == dmem.plane && full_rows &&
                           (!among || dram.plane == length);
    if (whole_map || words == 1) {  // including the words between the planes
      region = {Space::kDmem, local, (words - 1) * dram.plane + length, 0, 1};
      return transfer(from, local, region.length, 1, 0, 0);
    }
    assert(dram.plane % unit == 0 && dmem.plane % unit == 0);
    return transfer(from, local, length, words, dram.plane, dmem.plane);
  }
  if (dram.pitch % unit == 0 && dmem.pitch % unit == 0 && words <= rect.rows()) {
    for (int w = 0; w < words; ++w)
      transfer(from + w * dram.plane, local + w * dmem.plane, cols, rect.rows(), dram.pitch,
               dmem.pitch);
    return;
  }
  assert(dram.plane % unit == 0 && dmem.plane % unit == 0);
  for (int y = 0; y < rect.rows(); ++y)
    transfer(from + std::int64_t{y} * dram.pitch, local + std::int64_t{y} * dmem.pitch, cols, words,
             dram.plane, dmem.plane);
}

Region Emitter::map_region(const View& view, int word, int words, const Rect& rect) const {
  const std::int64_t rows = rect.rows(), cols = rect.cols();
  return {.start = view.at(word, rect.y0, rect.x0),
          .length = (rows - 1) * view.pitch + (cols - 1) * view.step + view.width,
          .stride = view.plane,
          .count = rect.empty() ? 0 : words};
}

}  // namespace trine::compiler
