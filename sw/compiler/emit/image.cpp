// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/emit/image.h"

#include <algorithm>
#include <cstring>

#include "spec/isa.h"
#include "spec/packed.h"
#include "sw/base/division.h"
#include "sw/reference/requantize.h"

namespace trine::compiler {
namespace {

using Words = std::vector<std::uint32_t>;

/// Bias and scale memory contents of some channels: an entry each, or one per pair of thresholds.
struct Entries {
  Words bias, scale;
};

Entries parameters_of(const Layer& l, const Channels& range) {
  Entries p;
  for (int n = range.first; n < range.last; ++n) {
    if (l.result != Output::kThresholds) {
      const reference::ChannelScale& s = l.scales[at(n)];
      const std::uint64_t packed =
          static_cast<std::uint32_t>(s.multiplier) | static_cast<std::uint64_t>(s.shift & 63) << 31;
      p.bias.push_back(static_cast<std::uint32_t>(l.bias[at(n)]));
      p.scale.push_back(static_cast<std::uint32_t>(packed));
      p.scale.push_back(static_cast<std::uint32_t>(packed >> 32));
      continue;
    }
    for (int k = 0; k < 2 * l.passes; ++k) {
      const std::int32_t t = l.conv().thresholds[at(n) * 2 * at(l.passes) + at(k)];
      (k % 2 == 0 ? p.bias : p.scale).push_back(static_cast<std::uint32_t>(t));
      if (k % 2 != 0) p.scale.push_back(0);
    }
  }
  return p;
}

class ImageMaker : private Order {
 public:
  ImageMaker(const Network& network, const spec::Config& config, const Plan& plan)
      : Order(network, config, plan) {}

  Image run() {
    std::size_t weights = 0;  // approximately, in bytes
    for (const Layer& l : net_.layers)
      if (l.kind == LayerKind::kConv) weights += l.conv().weights.size();
    image_.bytes.reserve(weights);
    add_maps();
    for (const Layer& l : net_.layers) {
      const std::vector<Visit> visits = next_layer();
      image_.tables.push_back(add_once(table_of(l)));
      image_.exponentials.push_back(add_once(l.over_channels() ? l.over().exponentials : Words()));
      for (const Visit& visit : visits) add(visit);
    }
    return std::move(image_);
  }

 private:
  static Words table_of(const Layer& layer) {
    if (!layer.points.empty()) return {layer.points.begin(), layer.points.end()};
    Words words(layer.table.empty() ? 0 : isa::dma::kTableWords);
    if (!words.empty()) std::memcpy(words.data(), layer.table.data(), layer.table.size());
    return words;
  }

  /// Adds the codes of constant maps first, at the addresses of the plan.
  void add_maps() {
    for (std::size_t m = 0; m < net_.maps.size(); ++m) {
      const Map& map = net_.maps[m];
      if (!map.constant()) continue;
      TensorLayout layout;
      layout.shape = map.shape;
      layout.transposed = map.transposed;
      layout.offset = 4 * plan_.maps[m].dram.origin - plan_.arena_bytes;
      layout.pitch = plan_.maps[m].dram.pitch;
      layout.plane = plan_.maps[m].dram.plane;
      layout.steps = layout.dense_steps();
      image_.size = std::max(image_.size, layout.offset + layout.bytes());
      image_.bytes.resize(at(image_.size));
      to_planar(reinterpret_cast<const std::uint8_t*>(map.codes.data()), layout,
                image_.bytes.data());
    }
  }

  /// Adds the constants that the visit's instructions load, in their order.
  void add(const Visit& v) {
    if (layer().kind == LayerKind::kNormalize) return add_parameters(v.channels);
    if (layer().kind != LayerKind::kConv) return;
    if (tiling().pieces) return add_pieces(v);
    if (tiling().relay) {
      const auto [own, shared] = relay_parts(v.relay_end);
      add_parameters(v.channels);
      if (own.words > 0) add_weights(v.channels, own);
      for (const FilterPart& piece : shared) add_weights(v.channels, piece);
      return;
    }
    for (const Channels& block : weight_blocks(v.channels))
      add_weights(block, {0, layer().words, 0, layer().window.R});
    add_parameters(v.channels);
  }

  void add_pieces(const Visit& v) {
    if (tiling().sums) {
      add_parameters(v.channels);
      for (const FilterPart& piece : pieces()) add_weights(v.channels, piece);
      return;
    }
    for (const Channels& group : groups_of(v.channels))
      for (const Sweep& sweep : layer().sweeps) {
        if (sweep.rect.within(v.rect).empty()) continue;
        add_parameters(v.channels);
        for (const FilterPart& piece : pieces()) add_weights(group, piece);
      }
  }

  /// Adds rows of Cols words in the layout of PMEM, by group and step. Each group begins with a new
  /// row.
  void add_weights(const Channels& channels, const FilterPart& part) {
    if (layer().weights_map >= 0 && !layer().is_gate()) return;
    const auto [block, is_new] = image_.weights.try_emplace(weights_key(channels, part));
    if (!is_new) return;
    const Layer& l = layer();
    const auto& weights = net_.layers[at(net_.first_stripe(layer_))].conv().weights;
    const int RS = l.window.R * l.steps_x(), columns = l.columns(config_);
    const int first_step = part.word * RS + part.row * l.steps_x();
    const int steps = part.words > 1 ? part.words * RS : part.rows * l.steps_x();
    const int groups = static_cast<int>(divide_up(channels.size(), columns));
    const int group_rows = static_cast<int>(l.rows_of(steps));
    const int codes =
        l.former.steps > 0 ? 4 : l.conv().step_codes * l.conv().steps_per_row;  // of a word
    const std::int64_t rows = std::int64_t{groups} * group_rows;
    const std::int64_t in_beats = round_up(rows, std::int64_t{config_.rows_per_beat()});
    const std::int64_t size = config_.pmem_dram_words(in_beats);
    if (weights.empty()) {
      block->second = reserve(size);
      block->second.rows = in_beats;
      return;
    }
    Words words(at(size));
    if (l.conv().group_steps > 0) {
      for (int g = 0; g < groups; ++g) add_group(channels, g, std::int64_t{g} * group_rows, words);
      block->second = add_packed(words, in_beats);
      return;
    }
    for (std::int64_t r = 0; r < rows; ++r) {
      const int group = static_cast<int>(r / group_rows);
      const int step = static_cast<int>(r % group_rows) * l.conv().steps_per_row;
      const int count = std::min(l.conv().steps_per_row, steps - step) * l.conv().step_codes;
      const std::int64_t first_word = word_of_row(r);
      for (int c = 0; c < columns; ++c) {
        const int m = channels.first + group * columns + c;
        if (m >= channels.last) break;
        const auto from = weights.begin() + l.weight_at(m, first_step + step);
        if (l.former.steps == 0) {
          words[at(first_word + c)] = packed_word(&*from, count, codes);
          continue;
        }
        // The window former reads its steps from neighbouring words, other engines from one word.
        for (int i = 0; i < count; ++i)
          words[at(first_word + c + i / 4 * 4)] |= pack_code(from[i], codes, i % codes);
      }
    }
    block->second = add_packed(words, in_beats);
  }

  /// Adds rows of weights, packed if that needs fewer beats.
  Image::Block add_packed(const Words& words, std::int64_t rows) {
    using isa::dma::Target;
    constexpr std::int64_t kMostRows = std::int64_t{1} << isa::dma::kRowsLast.width;
    if (!config_.packed || rows > kMostRows) return add_rows(words, Target::kPmem, rows);
    // A stream does not contain the words that pad a row to whole beats.
    const auto row_bytes = 4 * at(config_.cols);
    std::vector<std::uint8_t> bytes(at(rows) * row_bytes);
    for (std::int64_t r = 0; r < rows; ++r)
      std::memcpy(&bytes[at(r) * row_bytes], &words[at(word_of_row(r))], row_bytes);
    const spec::Stored best = spec::shortest(bytes, config_);
    if (best.target == Target::kPmem) return add_rows(words, Target::kPmem, rows);
    Words stream(best.bytes.size() / 4);
    std::memcpy(stream.data(), best.bytes.data(), best.bytes.size());
    return add_rows(stream, best.target, rows);
  }

  Image::Block add_rows(const Words& words, isa::dma::Target target, std::int64_t rows) {
    Image::Block block = add(words);
    block.target = target;
    block.rows = rows;
    return block;
  }

  /// Returns the index, among the words of a block in DRAM, of the first word of a PMEM row.
  std::int64_t word_of_row(std::int64_t row) const {
    const std::int64_t of_beat = config_.rows_per_beat();
    return row / of_beat * config_.beats_per_row() * config_.data_words() +
           row % of_beat * config_.cols;
  }

  /// Packs `count` codes as pack_code() does. @pre count <= per_word
  static std::uint32_t packed_word(const std::int8_t* codes, int count, int per_word) {
    std::uint32_t word = 0;
    const int bits = 32 / per_word;
    if (bits == 1) {
      for (int i = 0; i < count; ++i) word |= pack_code(codes[i], per_word, i);
      return word;
    }
    const std::uint32_t mask = (1u << bits) - 1;
    for (int i = 0; i < count; ++i)
      word |= (static_cast<std::uint32_t>(codes[i]) & mask) << bits * i;
    return word;
  }

  /// Adds a group of columns whose reduction has factors. @param row  the group's first row
  void add_group(const Channels& channels, int group, std::int64_t row, Words& words) const {
    const Layer& l = layer();
    const Conv& conv = net_.layers[at(net_.first_stripe(layer_))].conv();
    const spec::GroupRows lie{conv.group_steps};
    const int parts = l.steps() / conv.group_steps, codes = l.conv().step_codes * 2;
    const int in_row = codes / l.conv().step_codes;  // steps
    std::vector<std::int64_t> first_words;           // by row of weights
    for (int step = 0; step < l.steps(); step += in_row)
      first_words.push_back(word_of_row(row + lie.row_of_step(step)));
    for (int c = 0; c < config_.cols; ++c) {
      const int m = channels.first + group * config_.cols + c;
      if (m >= channels.last) break;
      const std::int8_t* from = &conv.weights[at(l.weight_at(m, 0))];
      for (const std::int64_t first : first_words) {
        words[at(first + c)] = packed_word(from, codes, codes);
        from += codes;
      }
      for (int part = 0; part < parts; ++part)
        words[at(word_of_row(row + lie.row_of_factor(part)) + c)] |=
            spec::packed_factor(conv.factors[at(m) * at(parts) + at(part)])
            << part % 2 * spec::GroupRows::kFactorBits;
    }
  }

  void add_parameters(const Channels& channels) {
    const Layer& l = layer();
    const Channels range = parameter_range(channels.first);
    const auto [block, is_new] = image_.parameters.try_emplace({layer_, range.first});
    if (!is_new) return;
    const std::int64_t entries =
        round_up(std::int64_t{range.size()} * l.passes, config_.data_words());
    if (l.scales.empty() && l.result != Output::kThresholds) {
      block->second = {-std::ssize(image_.parameters), reserve(entries).byte,
                       reserve(2 * entries).byte, entries};
      return;
    }
    Entries p = parameters_of(l, range);
    p.bias.resize(at(entries));
    p.scale.resize(at(2 * entries));
    if (l.per_tensor) p.scale.clear();
    const auto [known, is_other] = entries_.try_emplace(std::make_pair(p.bias, p.scale));
    if (is_other)
      known->second = {static_cast<std::int64_t>(entries_.size()), add_biases(p.bias),
                       l.per_tensor ? 0 : add(p.scale).byte, entries};
    block->second = known->second;
  }

  /// Adds biases. All that are zeros share one block, so that the addresses of later constants do
  /// not depend on their number.
  std::int64_t add_biases(const Words& words) {
    if (std::ranges::any_of(words, [](std::uint32_t w) { return w != 0; })) return add(words).byte;
    if (image_.zeros < 0) image_.zeros = add(Words(at(config_.param_channels))).byte;
    return image_.zeros;
  }

  Image::Block add_once(const Words& words) {
    if (words.empty()) return {};
    const auto [entry, is_new] = once_.try_emplace(words);
    if (is_new) entry->second = add(words);
    return entry->second;
  }

  Image::Block add(const Words& words) {
    const Image::Block block = reserve(std::ssize(words));
    image_.bytes.resize(at(image_.size));
    std::memcpy(&image_.bytes[at(block.byte - plan_.arena_bytes)], words.data(), 4 * words.size());
    return block;
  }

  /// Reserves the address of a block without its contents.
  Image::Block reserve(std::int64_t words) {
    const std::int64_t unit = std::max(config_.data_words() * 4, 64);
    const std::int64_t offset = round_up(image_.size, unit);
    image_.size = offset + 4 * words;
    return {.byte = plan_.arena_bytes + offset, .words = words};
  }

  Image image_;
  std::map<Words, Image::Block> once_;  ///< tables
  std::map<std::pair<Words, Words>, Image::Parameters> entries_;
};

}  // namespace

bool Image::has_places_of(const Image& other) const {
  return size == other.size && zeros == other.zeros && weights == other.weights &&
         parameters == other.parameters && tables == other.tables &&
         exponentials == other.exponentials;
}

Image make_image(const Network& network, const spec::Config& config, const Plan& plan) {
  return ImageMaker(network, config, plan).run();
}

}  // namespace trine::compiler
