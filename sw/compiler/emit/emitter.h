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

#include "spec/config.h"
#include "sw/compiler/emit/image.h"
#include "sw/compiler/emit/order.h"
#include "sw/compiler/emit/slots.h"
#include "sw/compiler/network/network.h"
#include "sw/compiler/plan/plan.h"
#include "sw/compiler/schedule/instruction.h"

namespace trine::compiler {

/// The emitter of the instructions of a planned network.
class Emitter : private Order {
 public:
  Emitter(const Network& network, const spec::Config& config, const Plan& plan, const Image& image);

  /// Emits all layers.
  /// @throws Error  if a value does not fit a field of an instruction
  void run();

  std::vector<Instruction> instructions;  ///< in natural order, before scheduling

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
  void emit_conv_sums(const Rect& rect, const Channels& channels);
  void emit_pieces(const Sweep& sweep, const Rect& rect, const Rect& part, const Channels& group,
                   const View& out, std::int64_t delta, std::int64_t param);
  void emit_by_dma(int words);
  void emit_vector_part(const Rect& rect, const Channels& channels);
  /// The channel words of a rectangle that a vector RUN works on, and the views of its maps.
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
  /// The work of a pool's lanes: positions, channel words of one position, or taps of one.
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
  /// Returns true if the map is also stored to DRAM when it is in DMEM.
  bool stored(int map) const { return map_at(map).is_stored(); }
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
  /// The number of input and output rows from one core's first row to the next core's. 0 means that
  /// all cores work on the same rows.
  int input_row_step() const {
    return layer().by_rows ? layer().window.P * layer().window.stride_y : 0;
  }
  int output_row_step() const { return layer().by_rows ? layer().window.P : 0; }
  Rect read_by(const Geometry& g, const Rect& rect) const;
  View place_buffer(int map, const Rect& rect, int word, std::int64_t start, int width) const;
  /// A rectangle and channel words of a map, or of the whole map if the map is a part.
  struct WholePart {
    int map;
    Rect rect;
    int word, words;
  };
  WholePart output_part(const Rect& rect, const Channels& channels) const;
  WholePart input_part(const Rect& window, int word, int words) const;

  // Constants (emit_constants.cpp).
  static std::int64_t parameter_entries(const Network& network, const spec::Config& config,
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
  /// Sets the core that a transfer addresses: a load writes into `core`, and a store or a load from
  /// DMEM reads from it.
  static void set_core(isa::TransferRegisters& r, isa::Engine engine, int core);
  /// The operands of one convolution RUN.
  struct ConvRun {
    const Sweep* sweep;
    Rect rect;
    Channels channels;
    FilterPart part;
    View in, out;
    std::int64_t residual_delta;  ///< from the output to the operand that is added or compared
    std::int64_t row, param;      ///< PMEM row and parameter entry
    bool clear = true, drain = true;
    /// Partial sums: the RUN writes sums (`out`) instead of codes, and adds to `sums`, if there are
    /// any.
    bool writes_sums = false;
    std::optional<View> sums = std::nullopt;
  };
  /// Emits a convolution in as few RUNs as the lanes' coordinates allow.
  void emit_conv(const ConvRun& run);
  void emit_conv_run(const ConvRun& run);
  Region map_region(const View& view, int word, int words, const Rect& rect) const;

  const Image& image_;
  Slots pmem_, params_;
  /// By map: rows of a resident map loaded from DRAM.
  std::vector<int> rows_loaded_;
  /// By map: channel words loaded for parts of the map.
  std::vector<std::vector<char>> words_loaded_;
  /// Count uses of the buffers, to alternate them.
  int turn_in_ = 0, turn_second_ = 0, turn_out_ = 0;
  /// The progress within one layer.
  struct Progress {
    /// The window of this layer's input that `last_input` holds.
    std::optional<std::array<int, 8>> loaded_input;
    /// `input_buffer` is the view of the whole map if the input is a part.
    View last_input, input_buffer;
    int columns_loaded = 0;  ///< in `last_input`: input columns before this one
    int words_stored = 0;    ///< words of the layer's output that are stored to DRAM
    int words_shared = 0;    ///< words of the layer's output that are copied to other cores
  };
  Progress now_;
  View out_buffer_;  ///< the buffer of a spilled output's current part
  /// Instruction indices at which the vectors of the last vector-producing layer end.
  std::vector<std::size_t> vector_ends_;
  std::set<int> parts_left_;  ///< outputs whose remaining parts are stored together
  /// By output that is written in parts: its first rows that are stored.
  std::map<int, int> rows_stored_;
  std::map<BlockKey, std::int64_t> blocks_;
  /// First PMEM row of weight chunks that are placed one after the other.
  std::int64_t beside_ = 0;
  int beside_of_ = -1;                 ///< the layer whose chunks these are
  std::map<std::int64_t, int> gates_;  ///< by block of gate weights: the layer whose codes it holds
  bool gate_comes_ = false;            ///< the current layer's gate codes are not loaded yet
  std::vector<bool> zero_biases_;      ///< true for each bias memory entry that holds 0
  /// Byte addresses of the sets that the two memories hold, or -1.
  std::int64_t table_ = -1, exponentials_ = -1;
  isa::dma::Target table_is_{};  ///< the table's kind: codes (kTable) or points
};

}  // namespace trine::compiler
