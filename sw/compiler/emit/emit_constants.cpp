// SPDX-License-Identifier: Apache-2.0
//
// Loads the constants of a layer into PMEM and the parameter memories, unless they are there
// already.

#include <algorithm>
#include <cassert>
#include <span>
#include <tuple>
#include <utility>

#include "sw/base/division.h"
#include "sw/compiler/emit/emitter.h"

namespace trine::compiler {

using isa::Engine;
using isa::dma::Target;

namespace {

/// The largest number of beats of a RUN that loads weights. Short loads fit into gaps between other
/// loads. The first layer uses long ones, because no other loads compete with them.
constexpr std::int64_t kPieceBeats = 1024;

}  // namespace

/// Returns the number of parameter memory entries that a network uses: two sets of its largest
/// layer, but at least kEnough. With more entries, parameters would be loaded earlier, while
/// columns drain, and the drain waits one cycle for each beat of entries (vww with 1,024 entries: 2
/// % of its cycles).
std::int64_t Emitter::parameter_entries(const Network& network, const spec::Config& config,
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

/// @param place  the row where the weights must be stored; any row if it is empty
std::int64_t Emitter::require_weights(const Channels& channels, const FilterPart& part,
                                      std::optional<std::int64_t> place) {
  if (layer().weights_map >= 0 && !layer().is_gate()) return require_map(channels, part, place);
  const BlockKey key = weights_key(channels, part);
  const std::int64_t block = block_of(key);
  const Image::Block& from = image_.weights.at(key);
  const auto [row, is_new] = place_weights(block, from.rows, place);
  if (is_new) load_weights(from, row);
  if (layer().is_gate()) {
    int& whose = gates_.try_emplace(block, -1).first->second;
    gate_comes_ = is_new || whose != net_.first_stripe(layer_);
    whose = net_.first_stripe(layer_);
  }
  pmem_.use(block, static_cast<std::int64_t>(instructions.size()));
  return row;
}

/// Loads rows in the layout of PMEM, or a stream from which the load engine unpacks them.
void Emitter::load_weights(const Image::Block& from, std::int64_t row) {
  if (from.target == Target::kPmem) {
    // A beat holds some rows, or a row consists of some beats.
    const std::int64_t rows = config_.rows_per_beat(), beats = config_.beats_per_row();
    const std::int64_t words = beats * config_.data_words();
    const std::int64_t piece = layer_ == 0 ? round_up(from.rows, rows)
                                           : rows * std::max<std::int64_t>(1, kPieceBeats / beats);
    for (std::int64_t first = 0; first < from.rows; first += piece) {
      const std::int64_t at = first / rows * words;
      load_constants(from.target, from.byte + 4 * at,
                     std::min(piece / rows * words, from.words - at), row + first,
                     {Space::kPmem, row + first, std::min(piece, from.rows - first)});
    }
    return;
  }
  load_constants(from.target, from.byte, from.words, row, {Space::kPmem, row, from.rows});
  isa::TransferRegisters r(instructions.back().registers);
  r.set(isa::dma::kRowsLast, from.rows - 1, layer().label);
  instructions.back().registers = r;
}

/// Returns the number of a block of weights.
std::int64_t Emitter::block_of(const BlockKey& key) {
  return blocks_.try_emplace(key, static_cast<std::int64_t>(blocks_.size())).first->second;
}

/// Returns the block's row in PMEM, and true if its words are not loaded yet.
/// @param place  the row where the block must be stored; any row if it is empty
std::pair<std::int64_t, bool> Emitter::place_weights(std::int64_t block, std::int64_t rows,
                                                     std::optional<std::int64_t> place) {
  const auto found = pmem_.find(block);
  if (found && (!place || *found == *place)) return {*found, false};
  if (!place) return {pmem_.place(block, rows), true};
  pmem_.place_at(block, *place, rows);
  return {*place, true};
}

/// Requires the weights of the layer's chunk. The lead's weights are required in several blocks at
/// consecutive rows.
std::int64_t Emitter::require_chunk_weights(const Channels& channels, const FilterPart& part) {
  if (!leads(channels)) return require_weights(channels, part, place_beside(channels, part));
  const std::int64_t rows = layer().rows_of(layer().steps());
  for (const Channels& block : weight_blocks(channels))
    require_weights(block, part, block.first / config_.cols * rows);
  return channels.first / config_.cols * rows;
}

/// Returns the row of a chunk if rectangles read the same chunks again and PMEM holds all of them.
/// The chunks are then stored one after the other, because gaps between them could leave no room
/// for the last ones. Returns nothing for other layers.
std::optional<std::int64_t> Emitter::place_beside(const Channels& channels,
                                                  const FilterPart& part) {
  const Layer& l = layer();
  const Tiling& t = tiling();
  const std::int64_t rows =
      pmem_.rounded(divide_up(t.chunk, l.columns(config_)) * l.rows_of(l.steps()));
  const int all = l.chunked_channels(t.chunk, l.channels);
  const std::int64_t size = rows * divide_up(all, t.chunk);
  const Geometry& g = l.window;
  const bool again = !t.chunk_outer && (t.rows < g.P || t.cols < g.Q);
  if (!again || l.weights_map >= 0 || t.pieces || t.relay || all != l.channels ||
      channels.first % t.chunk != 0 || channels.size() > t.chunk || size > pmem_.capacity())
    return std::nullopt;
  if (const auto found = pmem_.find(block_of(weights_key(channels, part)))) return found;
  if (std::exchange(beside_of_, layer_) != layer_) beside_ = pmem_.oldest(size);
  return beside_ + channels.first / t.chunk * rows;
}

/// Requires weights that are codes of a map.
std::int64_t Emitter::require_map(const Channels& channels, const FilterPart& part,
                                  std::optional<std::int64_t> where) {
  const Layer& l = layer();
  const std::int64_t block = block_of(weights_key(channels, part));
  const int columns = l.columns(config_);
  const std::int64_t groups = divide_up(channels.size(), columns), rows = groups * part.words;
  const auto [row, is_new] = place_weights(block, rows, where);
  // Transfers by group or by channel word, whichever makes fewer transfers.
  const bool by_group = l.conv().weights_transposed || groups < part.words;
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

/// Splits channels, whose weights are loaded or being loaded, into one range for each RUN. The
/// first RUNs of a gate need not wait for the codes of all channels.
std::vector<Channels> Emitter::runs_of(const Channels& channels) const {
  constexpr int kFirstLoads = 4, kMore = 3;  // first RUN: loads it waits for; growth of later RUNs
  const Layer& l = layer();
  const int columns = l.columns(config_), first_size = kFirstLoads * columns * l.conv().gate_words;
  int size = channels.size(), more = 1;
  if (l.weights_map >= 0 && !l.is_gate() && columns < config_.cols)
    size = columns;  // each group that leaves columns idle is a RUN
  else if (l.is_gate() && gate_comes_ && size > 2 * first_size)
    std::tie(size, more) = std::pair(first_size, kMore);
  std::vector<Channels> runs;
  for (int first = channels.first; first < channels.last; first = runs.back().last, size *= more)
    runs.push_back({first, std::min(first + size, channels.last)});
  return runs;
}

/// Loads the part of a gate's weights that is a map. A channel word is four columns: the columns of
/// the first step begin with column 0, the columns of the next step with column 4, and so on.
void Emitter::load_gate(const Channels& channels, std::int64_t row) {
  const Layer& l = layer();
  const View& view = weights_view();
  const std::int64_t rows = l.rows_of(l.steps());
  const int end = divide_up(channels.last, 4);
  for (int word = channels.first / 4; word < end; word += l.conv().gate_words) {
    const Region from{.start = view.at(word, l.conv().weights_y, l.conv().weights_x),
                      .length = 1,
                      .stride = view.plane,
                      .count = std::min(l.conv().gate_words, end - word)};
    emit_transfer(Engine::kLoad, Target::kTransposed, from.start, row, 1, from.count, view.plane,
                  rows, {Space::kPmem, row, 1, rows, from.count});
    read_weights(from);
    for_each_core(l.weights_map);
    row += l.conv().gate_words * rows;
  }
}

/// Loads one channel word of all groups into every `stride`-th row of PMEM.
void Emitter::load_plane(const Channels& channels, int word, std::int64_t row, int stride) {
  const Layer& l = layer();
  const int columns = l.columns(config_);
  const std::int64_t groups = divide_up(channels.size(), columns);
  const std::int64_t from =
      weights_view().at(word, l.conv().weights_y, l.conv().weights_x + channels.first);
  emit_transfer(Engine::kLoad, Target::kPmem, from, row,
                std::int64_t{config_.beats_per_row()} * config_.data_words(), groups, columns,
                stride, {Space::kPmem, row, 1, stride, groups});
  read_weights({.start = from, .length = channels.size()});
  for_each_core(l.weights_map);
}

/// Returns true if a layer made the map that is the weights, and the map is still in DMEM.
bool Emitter::weights_on_chip() const {
  const int map = layer().weights_map;
  return place(map).resident && map_at(map).written.first >= 0;
}

const View& Emitter::weights_view() const {
  const Placement& p = place(layer().weights_map);
  return weights_on_chip() ? p.dmem : p.dram;
}

/// Sets the region that the last transfer reads of the map that is the weights.
void Emitter::read_weights(Region from) {
  Instruction& i = instructions.back();
  if (weights_on_chip()) i.run.flags = 1 << isa::dma::kFromDmem;
  if (layer().conv().weights_are_low) i.run.flags |= 1 << isa::dma::kLowBytes;
  from.space = weights_on_chip() ? Space::kDmem : Space::kDram;
  i.reads = {from};
}

/// Loads a group of columns: a PMEM row for each channel word of the reduction. The words of a row
/// are neighbours in a plane, or combine four channels of four neighbours.
void Emitter::load_map(const Channels& group, const FilterPart& part, std::int64_t row) {
  const Layer& l = layer();
  const int y = l.conv().weights_y;
  const View& view = weights_view();
  const Region to{Space::kPmem, row, part.words};
  Region from{.stride = view.plane};
  if (l.conv().weights_transposed) {
    from.start = view.at(group.first / 4, y, l.conv().weights_x + 4 * part.word);
    from.length = std::min(4 * part.words, shape(l.input).C - 4 * part.word);
    from.count = divide_up(group.size(), 4);
    emit_transfer(Engine::kLoad, Target::kTransposed, from.start, row, from.length, from.count,
                  view.plane, 0, to);
  } else {
    from.start = view.at(part.word, y, l.conv().weights_x + group.first);
    from.length = group.size();
    from.count = part.words;
    emit_transfer(Engine::kLoad, Target::kPmem, from.start, row,
                  std::int64_t{config_.beats_per_row()} * config_.data_words(), part.words,
                  view.plane, 1, to);
  }
  read_weights(from);
  for_each_core(l.weights_map);
}

/// Loads biases. Zeros that are already loaded need no load, and if all biases of the network are
/// zeros, one load writes all entries.
void Emitter::load_biases(std::int64_t byte, std::int64_t first, std::int64_t entries) {
  const auto begin = zero_biases_.begin() + first, end = begin + entries;
  const bool zeros = byte == image_.zeros;
  if (zeros && std::find(begin, end, false) == end) return;
  if (zeros && first == 0) entries = std::max(entries, zeros_of_all());
  std::fill_n(begin, entries, zeros);
  load_constants(Target::kBias, byte, entries, first, {Space::kParams, first, entries});
}

/// Returns the first of as many consecutive zeros in the bias memory as the set of zeros has
/// entries. A RUN that reads no scales can use them whatever the scales of these entries are.
std::optional<std::int64_t> Emitter::place_of_zeros(const Image::Parameters& set) const {
  if (set.bias_byte != image_.zeros) return std::nullopt;
  const auto found = std::search_n(zero_biases_.begin(), zero_biases_.end(), set.entries, true);
  if (found == zero_biases_.end()) return std::nullopt;
  return found - zero_biases_.begin();
}

/// Returns the number of all entries if all biases of the network are zeros and the sets together
/// fill the memory; else 0.
std::int64_t Emitter::zeros_of_all() const {
  const std::int64_t all = parameter_entries(net_, config_, plan_);
  std::map<std::int64_t, std::int64_t> sets;  // entries of each set
  for (const auto& [key, set] : image_.parameters) {
    if (set.bias_byte != image_.zeros) return 0;
    sets[set.id] = set.entries;
  }
  std::int64_t entries = 0;
  for (const auto& [id, count] : sets) entries += count;
  return entries < all ? 0 : all;
}

/// Requires bias and scale of the channels, together with neighbouring chunks as far as they fit
/// into a quarter of the memory. Short loads cost more than their words; long ones wait for free
/// entries.
std::int64_t Emitter::require_parameters(const Channels& channels) {
  const Layer& l = layer();
  const Channels range = parameter_range(channels.first);
  const Image::Parameters& block = image_.parameters.at({layer_, range.first});
  const std::int64_t before = std::int64_t{channels.first - range.first} * l.passes;
  if (const auto zeros = place_of_zeros(block); l.per_tensor && zeros) return *zeros + before;
  std::int64_t first = 0;
  if (const auto found = params_.find(block.id)) {
    first = *found;
  } else {
    first = params_.place(block.id, block.entries);
    load_biases(block.bias_byte, first, block.entries);
    if (!l.per_tensor)
      load_constants(Target::kScale, block.scale_byte, 2 * block.entries, first,
                     {Space::kParams, first, block.entries});
  }
  params_.use(block.id, static_cast<std::int64_t>(instructions.size()));
  return first + before;
}

/// Loads a set into a memory that holds only one: only the beats that differ from the set in the
/// memory. Entries are written one per cycle, so a gap of a few equal entries is cheaper to load
/// than another RUN.
/// @param loaded  byte of the set in the memory, or -1
void Emitter::require_only(Target target, Space space, const Image::Block& set,
                           std::int64_t* loaded) {
  constexpr std::int64_t kEntriesOfRun = 8;  ///< a RUN without words is as long
  if (set.words == 0) return;
  if (space == Space::kTable && std::exchange(table_is_, target) != target) *loaded = -1;
  if (set.byte == *loaded) return;
  const std::int64_t unit = config_.data_words();
  const std::int64_t near = target == Target::kTable ? kEntriesOfRun / 4 : kEntriesOfRun;
  const auto beat_of = [&](std::int64_t byte, std::int64_t word) {
    const auto from = image_.bytes.begin() + (byte - plan_.arena_bytes + 4 * word);
    return std::span(from, at(4 * unit));
  };
  std::int64_t begin = 0, end = 0;  // words to load
  const auto load = [&] {
    if (begin == end) return;
    // Points share their memory with codes; a word holds four of them.
    const bool points = target == Target::kPoints;
    load_constants(
        target, set.byte + 4 * begin, end - begin, begin,
        points ? Region{space, 0, isa::dma::kTableWords} : Region{space, begin, end - begin});
  };
  for (std::int64_t word = 0; word < set.words; word += unit) {
    if (*loaded >= 0 && std::ranges::equal(beat_of(*loaded, word), beat_of(set.byte, word)))
      continue;
    if (word - end > near || end == 0) {
      load();
      begin = word;
    }
    end = word + unit;
  }
  load();
  *loaded = set.byte;
}

void Emitter::load_constants(Target target, std::int64_t byte, std::int64_t words,
                             std::int64_t local, Region region) {
  emit_transfer(Engine::kLoad, target, byte / 4, local, words, 1, 0, 0, std::move(region));
}

}  // namespace trine::compiler
