// SPDX-License-Identifier: Apache-2.0
//
// Writes the RUNs of a planned network in a valid sequential order, and the constants that they
// load.

#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "machine/config.h"
#include "sw/compiler/emit/slots.h"
#include "sw/compiler/network/network.h"
#include "sw/compiler/plan/plan.h"
#include "sw/compiler/schedule/instruction.h"

namespace trine::compiler {

/// Output channels first..last-1.
struct Channels {
  int first = 0, last = 0;
  int size() const { return last - first; }
};

/// Part of a filter: channel words, and rows of taps where there is only one word.
struct FilterPart {
  int word = 0, words = 1;
  int row = 0, rows = 1;
};

class Emitter {
 public:
  Emitter(const Network& network, const machine::Config& config, Plan& plan);

  /// All layers. @throws Error  a field of an instruction is too small
  void run();

  std::vector<Instruction> instructions;  ///< natural order
  std::vector<std::uint8_t> image;        ///< from plan.arena_bytes on

 private:
  struct Buffers;
  void emit_layer(int index);
  int channels() const;
  std::vector<Channels> chunks() const;
  void emit_part(const Rect& rect, const Channels& chunk, bool by_vectors = false);
  void emit_by_chunks(std::size_t begin);
  void emit_by_rectangles();
  void follow_vectors(std::size_t begin, const std::vector<std::size_t>& ends);
  void store_words(int channels);
  void store_joined();
  std::vector<Rect> rectangles() const;
  void emit_sweeps(const Channels& channels);
  bool follows_loads() const;
  bool makes_vectors(int index) const;
  bool stores_parts() const;
  int follower_channels() const;
  int parameter_channels() const;
  std::vector<Rect> vectors_of(const Rect& row) const;
  void emit_conv_part(const Rect& rect, const Channels& channels, std::size_t first,
                      std::size_t last, bool by_vectors = false);
  void emit_conv_relay(const Rect& rect, const Channels& channels);
  void emit_conv_pieces(const Rect& rect, const Channels& channels);
  void emit_pieces(const Sweep& sweep, const Rect& rect, const Rect& part, const Channels& group,
                   const View& out, std::int64_t delta, std::int64_t param);
  void emit_vector_part(const Rect& rect, const Channels& channels);
  void emit_repeated(const Rect& rect, const Channels& channels, const View& in, const View& out);
  /// What the lanes of a pool take: positions, channel words of one, or taps of one.
  enum class Lanes { kPositions, kWords, kTaps };
  Lanes best_lanes(const Rect& rect, int words, const View& in) const;
  int words_of_a_bank(std::int64_t plane) const;
  void emit_words(const SumRegion* region, int y, int x, const View& in, const View& out,
                  const Channels& channels);
  void emit_reduced(const SumRegion& region, int y, int x, const View& in, const View& out,
                    const Channels& channels);

  // Maps in DMEM.
  View input_view(const Rect& rect, int word, int words, int first_row, int filter_rows,
                  int until = std::numeric_limits<int>::max());
  View second_view(const Rect& rect, const Channels& channels);
  View output_view(const Rect& rect, const Channels& channels);
  bool merges() const;
  /// Whether a map goes to DRAM when it is there.
  bool stored(int map) const { return map_at(map).output || map_at(map).kept; }
  void finish_output(const Rect& rect, const Channels& channels);
  void ensure_resident(int map, int rows);
  void copy(isa::Engine engine, int map, const Rect& rect, int word, int words, const View& dmem);
  View place_buffer(int map, const Rect& rect, int word, std::int64_t start) const;
  /// The rectangle and channels in the map that the layer's output is, or is a part of.
  struct OutputPart {
    int map;
    Rect rect;
    int word, words;
  };
  OutputPart output_part(const Rect& rect, const Channels& channels) const;

  // Constants.
  std::int64_t weights_block(const Channels& channels, const FilterPart& part);
  std::int64_t require_weights(const Channels& channels, const FilterPart& part,
                               std::optional<std::int64_t> place = std::nullopt);
  int lead_channels() const;
  std::int64_t require_chunk_weights(const Channels& channels, const FilterPart& part);
  std::pair<std::int64_t, bool> place_weights(std::int64_t block, std::int64_t rows,
                                              std::optional<std::int64_t> place);
  std::int64_t require_map(const Channels& channels, const FilterPart& part,
                           std::optional<std::int64_t> place);
  void load_map(const Channels& group, const FilterPart& part, std::int64_t row);
  void load_plane(const Channels& channels, int word, std::int64_t row, int stride);
  bool weights_on_chip() const;
  std::int64_t require_parameters(const Channels& channels, int correction);
  void require_table();
  void require_exponentials();
  /// Constants in a memory that holds one set at a time.
  struct OneSet {
    std::vector<std::uint32_t> loaded;
    std::map<std::vector<std::uint32_t>, std::int64_t> bytes;  ///< of each set, in the image
  };
  void require_only(isa::dma::Target target, Space space, const std::vector<std::uint32_t>& words,
                    OneSet& memory);
  std::int64_t add_image(const std::vector<std::uint32_t>& words);
  std::int64_t bias_words(const std::vector<std::uint32_t>& words);
  void load_biases(std::int64_t byte, std::int64_t first, std::int64_t entries);
  void load_constants(isa::dma::Target target, std::int64_t byte, std::int64_t words,
                      std::int64_t local, Space space, std::int64_t length);

  // Instructions.
  Instruction start(isa::Engine engine) const;
  struct Nest;
  void set_nest(Instruction& i, Nest nest, View in, const View& out) const;
  void set_post(Instruction& i) const;
  void read_tables(Instruction& i) const;
  void set_normalization(Instruction& i, std::int64_t param) const;
  void emit_transfer(isa::Engine engine, isa::dma::Target target, std::int64_t dram_word,
                     std::int64_t local, std::int64_t words, std::int64_t rows,
                     std::int64_t dram_stride, std::int64_t local_stride, Region local_region);
  void emit_conv(const Sweep& sweep, const Rect& rect, const Channels& channels,
                 const FilterPart& part, const View& in, const View& out,
                 std::int64_t residual_delta, std::int64_t row, std::int64_t param, bool clear,
                 bool drain);
  Region map_region(const View& view, int word, int words, const Range& y, const Range& x) const;

  const Layer& layer() const { return net_.layers[static_cast<std::size_t>(layer_)]; }
  const Tiling& tiling() const { return plan_.tilings[static_cast<std::size_t>(layer_)]; }
  const Placement& place(int map) const { return plan_.maps[static_cast<std::size_t>(map)]; }
  const Map& map_at(int map) const { return net_.maps[static_cast<std::size_t>(map)]; }
  const Map& output() const { return net_.maps[static_cast<std::size_t>(layer().output)]; }
  int out_per_word() const { return output().shape.per_word; }
  const Shape& shape(int map) const { return net_.maps[static_cast<std::size_t>(map)].shape; }

  const Network& net_;
  const machine::Config& config_;
  Plan& plan_;
  int layer_ = 0;
  Slots pmem_, params_;
  bool relay_end_ = false;        ///< the last chunk of a relay lies at PMEM's end
  std::vector<int> rows_loaded_;  ///< of each resident map that comes from DRAM
  int turn_in_ = 0, turn_second_ = 0, turn_out_ = 0;  ///< which of two buffers comes next
  std::tuple<int, int, int, int, int, int, int, int> loaded_input_{};  ///< what `last_input_` holds
  View last_input_;
  View out_buffer_;  ///< of the part being computed, when the output is spilled
  bool input_loaded_ = false;
  int columns_loaded_ = 0;                ///< of `last_input_`: input columns before this one
  int words_stored_ = 0;                  ///< of the layer's output, if it is the network's
  std::vector<std::size_t> vector_ends_;  ///< of the last layer that makes vectors: instructions
  std::set<int> parts_left_;              ///< outputs of which parts are stored with the last one
  /// What a block of constants, or of a map's codes, is a part of, and which one.
  using BlockKey = std::vector<int>;
  BlockKey weights_key(const Channels& channels, const FilterPart& part) const;
  std::map<BlockKey, std::int64_t> block_ids_;
  std::map<std::int64_t, std::pair<std::int64_t, std::int64_t>>
      block_bytes_;  ///< id -> byte, words
  /// Bias and scale of some channels, as words in DRAM.
  struct ParameterBlock {
    std::int64_t id = 0, bias_byte = 0, scale_byte = 0;
  };
  std::map<std::pair<std::vector<std::uint32_t>, std::vector<std::uint32_t>>, ParameterBlock>
      parameters_;
  std::int64_t zeros_ = -1;        ///< byte of a block of zeros in the image
  std::vector<bool> zero_biases_;  ///< entries of the bias memory that hold 0
  OneSet table_, exponentials_;
};

}  // namespace trine::compiler
