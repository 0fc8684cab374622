// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/emit/order.h"

#include <algorithm>

#include "sw/base/division.h"

namespace trine::compiler {
namespace {

constexpr int kMostParameters = 128;  ///< entries loaded together: draining columns wait for them
constexpr int kInputParts = 6;        ///< of a layer whose input is loaded while it runs

/// Splits the channels into ranges of `size` channels.
std::vector<Channels> split(const Channels& all, int size) {
  std::vector<Channels> parts;
  for (int c = all.first; c < all.last; c += size)
    parts.push_back({c, std::min(all.last, c + size)});
  return parts;
}

}  // namespace

std::vector<Visit> Order::next_layer() {
  ++layer_;
  const Tiling& t = tiling();
  const bool whole = t.rows == layer().window.P && t.cols == layer().window.Q;
  if (layer().fuses_max() && place(layer().output).resident && whole && !t.pieces)
    return visits_by_sweeps();
  std::vector<Visit> visits = t.chunk_outer ? visits_by_chunks() : visits_by_rectangles();
  if (t.starts_small) cut_small(visits, true);
  if (t.ends_small) cut_small(visits, false);
  return visits;
}

ImageRun Order::next_together() const {
  const int next = layer_ + 1;
  const ImageRun& run = together_[at(next)];
  for (int i = run.first; i <= run.last; ++i)
    if (run.first != next || !goes_together(plan_.tilings[at(i)], plan_.tilings[at(next)]) ||
        makes_vectors(i - (i > 0 ? 1 : 0)))
      return {next, next};
  return run;
}

/// Splits the first visit or the last one in two, with the small one at that end.
void Order::cut_small(std::vector<Visit>& visits, bool start) const {
  const std::size_t index = start ? 0 : visits.size() - 1;
  Visit first = visits[index];
  const PartSize all{divide_up(first.channels.size(), out_per_word()), first.rect.rows(),
                     first.rect.cols()};
  const PartSize small = small_part(layer(), all, config_);
  const auto before = [&](int part, int whole) { return start ? part : whole - part; };
  Visit& second = visits[index];
  if (small.words < all.words)
    first.channels.last = second.channels.first =
        first.channels.first + before(small.words, all.words) * out_per_word();
  else if (small.rows < all.rows)
    first.rect.y1 = second.rect.y0 = first.rect.y0 + before(small.rows, all.rows);
  else if (small.cols < all.cols)
    first.rect.x1 = second.rect.x0 = first.rect.x0 + before(small.cols, all.cols);
  else
    return;
  first.ends_rect = first.ends_chunk = false;
  visits.insert(visits.begin() + static_cast<std::ptrdiff_t>(index), first);
}

/// Orders a fused pool over all outputs, which stay in DMEM. The first sweep follows the input
/// while it is loaded; the other sweeps find all of it in DMEM.
std::vector<Visit> Order::visits_by_sweeps() const {
  std::vector<Visit> visits;
  const std::size_t sweeps = layer().sweeps.size();
  for (const Channels& chunk : chunks()) {
    const std::vector<Rect> rects = rectangles(chunk.first > 0);
    const std::size_t first = rects.size() == 1 ? sweeps : 1;
    for (const Rect& rect : rects) visits.push_back({rect, chunk, 0, first});
    if (first < sweeps) visits.push_back({layer().sweeps[0].rect, chunk, first, sweeps});
  }
  return visits;
}

std::vector<Visit> Order::visits_by_chunks() {
  std::vector<Visit> visits;
  const int follower = follower_channels();
  for (const Channels& chunk : chunks()) {
    if (tiling().relay) relay_end_ = !relay_end_;
    const std::vector<Rect> rects = chunk.last == follower || makes_vectors(layer_)
                                        ? vectors_of({0, 1, 0, layer().window.Q})
                                        : rectangles(chunk.first > 0);
    for (const Rect& rect : rects) {
      const bool leads = chunk.first == 0 && &rect == &rects.front() && lead_channels() > 0;
      for (const Channels& part : split(chunk, leads ? lead_channels() : chunk.size()))
        visits.push_back({rect, part, 0, layer().sweeps.size()});
      visits.back().ends_rect = true;
    }
    for (Visit& v : visits)
      if (v.channels.first >= chunk.first) v.relay_end = relay_end_;
    visits.back().ends_chunk = true;
  }
  return visits;
}

std::vector<Visit> Order::visits_by_rectangles() {
  std::vector<Visit> visits;
  std::vector<Channels> order = chunks();
  const bool first_end = !relay_end_;
  // Reversing the order lets the chunk at a turn find its weights in PMEM.
  const bool disjoint = output().part.whole < 0 && tiling().chunk % out_per_word() == 0;
  const bool turns =
      disjoint && layer().kind == LayerKind::kConv &&
      divide_up(channels(), layer().columns(config_)) * layer().rows_of(layer().steps()) >
          config_.pmem_rows();
  for (const Rect& rect : rectangles()) {
    for (const Channels& chunk : order) {
      const bool end = chunk.first == order.front().first || chunk.last == order.back().last;
      visits.push_back({rect, chunk, 0, layer().sweeps.size(), end && follows_loads()});
      // A chunk's weights are always stored at the same end, so that the image contains them once.
      if (!tiling().relay) continue;
      relay_end_ = first_end != (chunk.first / tiling().chunk % 2 == 1);
      visits.back().relay_end = relay_end_;
    }
    if (turns) std::ranges::reverse(order);
  }
  return visits;
}

/// Returns the output rectangles, row by row. If the input is loaded from DRAM while the layer
/// runs, the first rectangles are small, so that computation starts early.
/// @param again  true if the layer's previous chunks have loaded what they read
std::vector<Rect> Order::rectangles(bool again) const {
  const Geometry& g = layer().window;
  const Tiling& t = tiling();
  const auto arrives = [&](int map) {
    const bool all = again && (map != layer().input || input_of(g, {0, g.P, 0, g.Q}).y1 == g.H);
    return map >= 0 && !all && place(map).resident && place(map).in_dram &&
           map_at(map).written.first < 0 && map_at(map).read.first == layer_ &&
           place(map).dmem.plane * shape(map).channel_words() > 32 * config_.data_words();
  };
  const bool grow = (arrives(layer().input) || arrives(layer().second)) && t.rows == g.P &&
                    t.cols == g.Q && layer().input != layer().second;
  std::vector<Rect> result;
  // A load's writes and the array's reads share the banks. A load is hardly faster than the array,
  // so the rectangles stay small. Rectangles of whole tiles leave no lane idle.
  int whole_tiles = 1;
  while (whole_tiles < layer().lanes(config_) && whole_tiles * g.Q % layer().lanes(config_) != 0)
    ++whole_tiles;
  const auto tiled = [&](std::int64_t rows) {
    return static_cast<int>(round_up(std::max<std::int64_t>(rows, 1), whole_tiles));
  };
  const int least = tiled(divide_up(2 * layer().lanes(config_), g.Q));
  // If the input is loaded much faster than it is used, the rectangles may double.
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

/// Returns the chunks. If a chunk is smaller than a group of channels, each such group begins with
/// a new chunk.
std::vector<Channels> Order::chunks() const {
  const int follower = follower_channels(), chunk = tiling().chunk;
  std::vector<Channels> result;
  for (const Channels& all :
       split({follower, channels()}, layer().chunked_channels(chunk, channels())))
    for (const Channels& part : split(all, chunk)) result.push_back(part);
  if (follower > 0) result.insert(result.begin(), Channels{0, follower});
  return result;
}

/// Returns true if a rectangle's only input buffer is loaded vector by vector: after the last chunk
/// of the previous rectangle, and before the first chunk of its own.
bool Order::follows_loads() const {
  const Geometry& g = layer().window;
  return !place(layer().input).resident && tiling().buffers == 1 && g.P == 1 && g.H == 1 &&
         g.R * g.S == 1 && g.stride_x == 1 && layer().sweeps.size() == 1;
}

bool Order::makes_vectors(int index) const {
  const Layer& l = net_.layers[at(index)];
  return l.kind == LayerKind::kNormalize && l.window.P == 1 && place(l.input).resident &&
         place(l.output).resident && map_at(l.output).part.whole < 0;
}

int Order::follower_channels() const {
  const Layer& l = layer();
  const Tiling& t = tiling();
  const Geometry& g = l.window;
  if (layer_ == 0 || !makes_vectors(layer_ - 1) || net_.layers[at(layer_ - 1)].output != l.input ||
      l.kind != LayerKind::kConv || l.weights_map >= 0 || l.group_channels > 0 || !t.chunk_outer ||
      t.pieces || t.relay || l.sweeps.size() != 1 || g.P != 1 || g.H != 1 || g.Q != g.W ||
      g.R * g.S != 1 || t.cols < g.Q || t.chunk % out_per_word() != 0)
    return 0;
  const std::int64_t rows = l.rows_of(l.steps());
  const auto fits = [&](int channels) {
    const Placement& to = place(layer().output);
    return divide_up(channels, l.columns(config_)) * rows <= config_.pmem_rows() * 3 / 4 &&
           channels <= parameter_channels() &&
           (to.resident ||
            buffer_words(to.dram, output().width_in_dram(), 1, layer().lanes(config_),
                         output().words_of(channels), config_) <= t.output_words);
  };
  int channels = t.chunk;
  while (channels + t.chunk <= l.channels && fits(channels + t.chunk)) channels += t.chunk;
  return std::min(channels, l.channels);
}

std::vector<Rect> Order::vectors_of(const Rect& row) const {
  std::vector<Rect> result;
  for (int x = row.x0; x < row.x1; x += layer().lanes(config_))
    result.push_back({row.y0, row.y1, x, std::min(row.x1, x + layer().lanes(config_))});
  return result;
}

/// Returns the number of output channels that the network's first RUNs compute, so that they wait
/// only for their own weights. 0: all channels of the first chunk.
int Order::lead_channels() const {
  constexpr int kParts = 4, kLeastBeats = 128;
  const Layer& l = layer();
  if (layer_ != 0 || l.kind != LayerKind::kConv) return 0;
  const std::int64_t group_rows = l.rows_of(l.steps());
  if (l.weights_map >= 0 || l.former.steps > 0 || l.fuse_add() || l.fuses_max() ||
      tiling().pieces || tiling().relay || !place(l.output).resident ||
      group_rows % config_.rows_per_beat() != 0)
    return 0;
  const std::int64_t groups = divide_up(std::min(tiling().chunk, l.channels), config_.cols);
  const std::int64_t beats =
      groups * group_rows / config_.rows_per_beat() * config_.beats_per_row();
  if (groups < 2 || beats < kLeastBeats) return 0;
  return static_cast<int>(divide_up(groups, kParts)) * config_.cols;
}

bool Order::leads(const Channels& channels) const {
  return lead_channels() > 0 && channels.first < tiling().chunk;
}

std::vector<Channels> Order::weight_blocks(const Channels& channels) const {
  return split(channels, leads(channels) ? lead_channels() : channels.size());
}

Order::RelayParts Order::relay_parts(bool at_end) const {
  constexpr int kRows = 96, kPieces = 8;  // shorter RUNs hardly repay their setup
  const int R = layer().window.R, words = layer().words, meet = tiling().piece_words;
  const int first = at_end ? 0 : words - meet;
  const int pieces = std::clamp(meet * R * layer().steps_x() / kRows, 1, kPieces);
  const int size = divide_up(meet, pieces);
  RelayParts parts{{at_end ? meet : 0, words - meet, 0, R}, {}};
  for (int word = first; word < first + meet; word += size)
    parts.shared.push_back({word, std::min(size, first + meet - word), 0, R});
  return parts;
}

std::vector<Channels> Order::groups_of(const Channels& channels) const {
  return split(channels, layer().columns(config_));
}

std::vector<FilterPart> Order::pieces() const {
  const Tiling& t = tiling();
  const int R = layer().window.R, words = layer().words;
  std::vector<FilterPart> parts;
  for (int word = 0; word < words; word += t.piece_words)
    for (int row = 0; row < R; row += t.piece_rows)
      parts.push_back(
          {word, std::min(t.piece_words, words - word), row, std::min(t.piece_rows, R - row)});
  return parts;
}

/// Returns the number of channels whose parameters are loaded together.
int Order::parameter_channels() const {
  const Layer& l = layer();
  const int chunk = tiling().chunk;
  const std::int64_t entries = std::min(config_.param_channels / 4, kMostParameters);
  const std::int64_t chunks = entries / (std::int64_t{chunk} * l.passes);
  return static_cast<int>(std::max<std::int64_t>(1, chunks)) * chunk;
}

Channels Order::parameter_range(int channel) const {
  const int size = parameter_channels(),
            of = layer().chunked_channels(tiling().chunk, layer().channels);
  const int begin = channel / of * of, first = begin + (channel - begin) / size * size;
  return {first, std::min({layer().channels, begin + of, first + size})};
}

BlockKey Order::weights_key(const Channels& channels, const FilterPart& part) const {
  BlockKey key{weights_of_[at(layer_)], channels.first, part.word, part.row,
               channels.last,           part.words,     part.rows};
  const Layer& l = layer();
  if (l.is_gate()) {  // the constants of all gates are alike, in chunks of one size
    const Conv& conv = net_.layers[at(net_.first_stripe(layer_))].conv();
    key = {-2, l.window.R, conv.gate_words, channels.size(), channels.first / channels.size()};
    for (int step = 0; step < l.window.R; ++step)
      key.push_back(conv.weights[at(l.weight_at(0, step))]);
    return key;
  }
  if (l.weights_map < 0) return key;
  // Other layers may use the same weights.
  const Part& map = map_at(l.weights_map).part;
  key[0] = -1;
  for (const int value :
       {map.whole >= 0 ? map.whole : l.weights_map, map.channel, l.conv().weights_y,
        l.conv().weights_x, l.conv().weights_transposed ? 1 : 0, shape(l.input).C})
    key.push_back(value);
  return key;
}

}  // namespace trine::compiler
