// SPDX-License-Identifier: Apache-2.0
//
// Writes the RUNs of a planned network in a valid sequential order.

#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "machine/config.h"
#include "sw/compiler/emit/image.h"
#include "sw/compiler/emit/order.h"
#include "sw/compiler/emit/slots.h"
#include "sw/compiler/network/network.h"
#include "sw/compiler/plan/plan.h"
#include "sw/compiler/schedule/instruction.h"

namespace trine::compiler {

class Emitter : private Order {
 public:
  Emitter(const Network& network, const machine::Config& config, const Plan& plan,
          const Image& image);

  /// All layers. @throws Error  a field of an instruction is too small
  void run();

  std::vector<Instruction> instructions;  ///< natural order

 private:
  void emit_layer();
  void emit_together(const ImageRun& run);
  void load_tables();
  void emit_visit(const Visit& v);
  void follow_vectors(std::size_t begin, const std::vector<std::size_t>& ends);
  void store_words(int channels);
  void store_joined();
  void store_rows(int map);
  bool stores_parts() const;
  void emit_conv_part(const Visit& v);
  void emit_conv_relay(const Visit& v);
  void emit_conv_pieces(const Rect& rect, const Channels& channels);
  void emit_pieces(const Sweep& sweep, const Rect& rect, const Rect& part, const Channels& group,
                   const View& out, std::int64_t delta, std::int64_t param);
  void emit_by_dma(int words);
  void emit_vector_part(const Rect& rect, const Channels& channels);
  /// Channel words of a rectangle for the vector unit, and where they lie.
  struct VectorPart {
    Channels channels;
    int word, words;
    View in, second, out;
    Geometry window;
    int pad_code;
  };
  struct Nest;
  isa::VectorRegisters vector_registers(const Nest& nest, const View& in, const View& out,
                                        const SumRegion* region = nullptr) const;
  void emit_vector(const isa::VectorRegisters& r, int flags, const VectorPart& v,
                   const Rect& written, std::vector<Region> reads = {});
  void emit_moved(const Rect& rect, const Channels& channels);
  void emit_vector_runs(const Rect& rect, const VectorPart& v);
  void emit_planes(const Rect& rect, const VectorPart& v);
  void emit_word_codes(const Rect& rect, const VectorPart& v);
  void emit_repeated(const Rect& rect, const VectorPart& v);
  void emit_windows(const Rect& rect, const SumRegion* region, const VectorPart& v);
  void emit_positions(const Rect& part, const SumRegion* region, const VectorPart& v);
  /// What the lanes of a pool take: positions, channel words of one, or taps of one.
  enum class Lanes { kPositions, kWords, kTaps };
  Lanes best_lanes(const Rect& rect, const VectorPart& v) const;
  void emit_words(const SumRegion* region, const Rect& position, const VectorPart& v);
  void emit_reduced(const SumRegion& region, const Rect& position, const VectorPart& v);

  // Maps in DMEM.
  View input_view(const Rect& rect, int word, int words, int first_row, int filter_rows,
                  int until = std::numeric_limits<int>::max());
  View second_view(const Rect& rect, const Channels& channels);
  View output_view(const Rect& rect, const Channels& channels);
  std::int64_t residual_delta(const Rect& rect, const Channels& channels, const View& out);
  bool merges() const;
  /// Whether a map goes to DRAM when it is there.
  bool stored(int map) const { return is_stored(map_at(map).residence()); }
  void finish_output(const Rect& rect, const Channels& channels);
  void ensure_resident(int map, int rows);
  bool shares_words(int map) const;
  void load_channels(int map);
  void copy(isa::Engine engine, int map, const Rect& rect, int word, int words, const View& dmem,
            bool among = false);
  void copy_rows(isa::Engine engine, int map, const Rect& rect, int word, int words,
                 const View& dmem, int step);
  void share_rows(int channels);
  void copy_to_core(int from, int to, int rows, int from_row, int to_row, const Channels& words);
  /// Rows of input and output from a core's to the next one's; 0: all cores have the same.
  int input_row_step() const {
    return layer().by_rows ? layer().window.P * layer().window.stride_y : 0;
  }
  int output_row_step() const { return layer().by_rows ? layer().window.P : 0; }
  Rect read_by(const Geometry& g, const Rect& rect) const;
  View place_buffer(int map, const Rect& rect, int word, std::int64_t start, int width) const;
  /// A rectangle and words in a map, or in the one that it is a part of.
  struct WholePart {
    int map;
    Rect rect;
    int word, words;
  };
  WholePart output_part(const Rect& rect, const Channels& channels) const;
  WholePart input_part(const Rect& window, int word, int words) const;

  // Constants (emit_constants.cpp).
  static std::int64_t parameter_entries(const Network& network, const machine::Config& config,
                                        const Plan& plan);
  void load_weights(const Image::Block& from, std::int64_t row);
  std::int64_t block_of(const BlockKey& key);
  std::int64_t require_weights(const Channels& channels, const FilterPart& part,
                               std::optional<std::int64_t> place = std::nullopt);
  std::int64_t require_chunk_weights(const Channels& channels, const FilterPart& part);
  std::optional<std::int64_t> place_beside(const Channels& channels, const FilterPart& part);
  std::pair<std::int64_t, bool> place_weights(std::int64_t block, std::int64_t rows,
                                              std::optional<std::int64_t> place);
  std::int64_t require_map(const Channels& channels, const FilterPart& part,
                           std::optional<std::int64_t> place);
  void load_map(const Channels& group, const FilterPart& part, std::int64_t row);
  std::vector<Channels> runs_of(const Channels& channels) const;
  void load_gate(const Channels& channels, std::int64_t row);
  void load_plane(const Channels& channels, int word, std::int64_t row, int stride);
  bool weights_on_chip() const;
  const View& weights_view() const;
  void read_weights(Region from);
  std::int64_t require_parameters(const Channels& channels);
  void require_only(isa::dma::Target target, Space space, const Image::Block& set,
                    std::int64_t* loaded);
  void load_biases(std::int64_t byte, std::int64_t first, std::int64_t entries);
  std::int64_t zeros_of_all() const;
  std::optional<std::int64_t> place_of_zeros(const Image::Parameters& set) const;
  void load_constants(isa::dma::Target target, std::int64_t byte, std::int64_t words,
                      std::int64_t local, Region written);

  // Instructions.
  Instruction start(isa::Engine engine) const;
  void set_nest(isa::LaneRegisters& r, Nest nest, View in, const View& out) const;
  void set_post(isa::LaneRegisters& r) const;
  void read_tables(Instruction& i) const;
  void set_row(isa::VectorRegisters& r, int channels) const;
  void set_normalization(isa::VectorRegisters& r, std::int64_t param) const;
  void emit_transfer(isa::Engine engine, isa::dma::Target target, std::int64_t dram_word,
                     std::int64_t local, std::int64_t words, std::int64_t rows,
                     std::int64_t dram_stride, std::int64_t local_stride, Region local_region);
  void for_each_core(int map);
  /// A load writes into the core, a store or a load from DMEM reads the core's.
  static void set_core(isa::TransferRegisters& r, isa::Engine engine, int core);
  /// One RUN of a convolution.
  struct ConvRun {
    const Sweep* sweep;
    Rect rect;
    Channels channels;
    FilterPart part;
    View in, out;
    std::int64_t residual_delta;  ///< from the output to what is added or compared
    std::int64_t row, param;      ///< of PMEM and the parameter memories
    bool clear = true, drain = true;
  };
  /// As few RUNs as the lanes' coordinates allow.
  void emit_conv(const ConvRun& run);
  void emit_conv_run(const ConvRun& run);
  Region map_region(const View& view, int word, int words, const Rect& rect) const;

  const Image& image_;
  Slots pmem_, params_;
  std::vector<int> rows_loaded_;                      ///< of each resident map that comes from DRAM
  std::vector<std::vector<char>> words_loaded_;       ///< of each such map, by its parts' channels
  int turn_in_ = 0, turn_second_ = 0, turn_out_ = 0;  ///< which of two buffers comes next
  /// How far a layer has come.
  struct Progress {
    /// What `last_input` holds of this layer's.
    std::optional<std::array<int, 8>> loaded_input;
    View last_input, input_buffer;  ///< the latter of the whole that it is a part of
    int columns_loaded = 0;         ///< of `last_input`: input columns before this one
    int words_stored = 0;           ///< of the layer's output, if it is the network's
    int words_shared = 0;           ///< of the layer's output, with other cores
  };
  Progress now_;
  View out_buffer_;  ///< of the part being computed, when the output is spilled
  std::vector<std::size_t> vector_ends_;  ///< of the last layer that makes vectors: instructions
  std::set<int> parts_left_;              ///< outputs of which parts are stored with the last one
  std::map<int, int> rows_stored_;        ///< of outputs in parts: so many from the first one on
  std::map<BlockKey, std::int64_t> blocks_;
  std::int64_t beside_ = 0;  ///< where the chunks of weights begin that lie one behind the other
  int beside_of_ = -1;       ///< of which layer
  std::map<std::int64_t, int> gates_;  ///< layers whose codes blocks of gates' weights hold
  bool gate_comes_ = false;            ///< the layer's are yet to be loaded
  std::vector<bool> zero_biases_;      ///< entries of the bias memory that hold 0
  std::int64_t table_ = -1, exponentials_ = -1;  ///< bytes of what their memories hold
  isa::dma::Target table_is_{};                  ///< of codes (kTable) or of points
};

}  // namespace trine::compiler
