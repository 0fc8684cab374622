// SPDX-License-Identifier: Apache-2.0
//
// Plans where each feature map is stored and how each layer is cut into parts.
//
// A map stays in DMEM from its producer to its last reader if there is room. Otherwise it is in
// DRAM and its layers work on it in parts, with two buffers of each kind where those fit. Maps that
// one instruction walks with the same addresses (both operands of an addition, or residual and
// output) share pitch, plane and place.

#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "spec/config.h"
#include "sw/compiler/network/network.h"
#include "sw/model/graph/refusal.h"

namespace trine::compiler {

/// The layout of a map in memory. Pixel (0, 0) of channel word 0 is at `origin`, which may be
/// outside of the memory if only part of the map is stored.
struct View {
  std::int64_t origin = 0;
  int pitch = 1;
  std::int64_t plane = 1;
  int step = 1;   ///< words from pixel to pixel; 1 except in scattered parts and int16 maps
  int width = 1;  ///< words of a pixel's four codes; 2 in int16 maps

  std::int64_t at(int word, int y, int x) const {
    return origin + word * plane + std::int64_t{y} * pitch + std::int64_t{x} * step;
  }
};

/// Returns the view of a part, given the view of its whole map.
View part_of(const View& whole, const Part& part, int per_word);
/// Returns the position of a part's rectangle in the whole map.
Rect rect_of(const Rect& rect, const Part& part);

/// The DMEM words first..end-1.
struct Room {
  std::int64_t first = 0, end = 0;
};

/// The place of a map in DMEM and DRAM.
struct Placement {
  bool resident = false;
  Room room;  ///< of a resident map: words that no other map or buffer uses during its life
  View dmem;  ///< of a resident map, in words
  bool in_dram = false;  ///< DRAM has room for the map, whether or not it is resident
  View dram;             ///< in words from BASE
};

/// The tiling of a layer: output rectangles of rows x cols and chunks of output channels. The
/// reduction is cut into pieces if a chunk of weights or an input window does not fit.
struct Tiling {
  int rows = 1, cols = 1;
  int chunk = 1;  ///< output channels of a chunk
  /// True: all rectangles for one chunk, then the next chunk; false: all chunks for one rectangle.
  bool chunk_outer = true;
  int buffers = 1;
  /// The layer only moves codes, and they are loaded from DRAM into their place in the output. Only
  /// a border is left to compute.
  bool direct = false;
  /// The network's first layer may start, and its last one end, with a smaller part, because
  /// nothing else overlaps the transfer of this part. See small_part().
  bool starts_small = false, ends_small = false;
  /// The reduction is in pieces; without `sums`, a rectangle is one tile, a chunk one group.
  bool pieces = false;
  /// The int32 sums of a piece wait in DMEM for the next piece, so that the weights of a piece
  /// serve all tiles of a rectangle.
  bool sums = false;
  bool stream_input = false;  ///< the input is loaded piece by piece
  /// The weights of a chunk, which is one group, use more than half of PMEM. A chunk is placed at
  /// the start of PMEM, the next one at its end, and the two share rows in the middle. A chunk's
  /// last tile uses the shared rows first, and the next chunk's first tile uses them last. The next
  /// chunk's weights are loaded into the shared rows in between.
  bool relay = false;
  int piece_words = 0;  ///< input channel words of a piece; with `relay`, words where chunks meet
  int piece_rows = 0;   ///< filter rows of a piece; all unless piece_words is 1
  /// Sizes of one DMEM buffer of each kind.
  std::int64_t input_words = 0, second_words = 0, output_words = 0;
  std::int64_t sum_words = 0;  ///< of the one buffer of sums
  double cycles = 0;           ///< estimated with a surcharge for overlap, to compare tilings
  double expected = 0;         ///< estimated without the surcharge
  double reused = 0;           ///< as `cycles`, with the weights already in PMEM
  double surcharge = 0, reused_surcharge = 0;  ///< included in `cycles` and `reused`
  /// Cycles of the unit without transfers, and of transfers without the unit.
  double compute = 0, traffic = 0;
  double weights = 0;  ///< part of `traffic` that loads weights
  double bus = 0;      ///< cycles of the bus, in both directions
  /// With `sums`: cycles of the steps, without sums. Other places of the maps may need no sums.
  double steps = 0;

  /// Returns the words of all DMEM buffers.
  std::int64_t scratch_words() const {
    return buffers * (input_words + second_words + output_words) + sum_words;
  }
  bool operator==(const Tiling&) const = default;
};

/// Returns the loops of a layer's tiling. Loops that are not needed have normal forms: chunks are
/// outside if there is one chunk or one rectangle, and a layer without buffers has one of each.
LoopNest nest_of(const Tiling& tiling, const Layer& layer, const Network& network);

/// The RUNs of a relay over a rectangle: its first tile, the rectangles between, and its last tile.
struct TileSplit {
  Rect first;
  std::vector<Rect> between;
  Rect last;  ///< may be empty
};

/// Splits a rectangle into its first tile, its last tile and what is between them.
TileSplit split_tiles(const Rect& rect, int lanes);

/// The plan of a network.
struct Plan {
  std::vector<Placement> maps;
  std::vector<Tiling> tilings;        ///< by layer
  std::vector<std::int64_t> scratch;  ///< by layer: first DMEM word of its buffers
  std::int64_t arena_bytes = 0;
  std::int64_t core_words = 0;  ///< DRAM words from one core's maps to the next core's
  double cycles = 0;            ///< estimate to compare plans
  double traffic = 0;           ///< part of `cycles` in which the bus is busy
  double surcharge = 0;         ///< part of `cycles` that overlapping layers may lose
  std::size_t spilled = 0;      ///< maps that found no place in DMEM, states excluded
  /// Work done: calls of tile(), and maps looked at for places.
  std::int64_t tiled = 0, visited = 0;
};

/// Plans a network.
/// @param problem  unless null: receives the reason if there is no plan, one line for each layer at
/// fault
/// @return nothing if the configuration has no room or no unit for a layer
std::optional<Plan> plan(const Network& network, const spec::Config& config,
                         std::optional<model::Refusal>* problem = nullptr);

/// Plans a network whose layers have nests (Layer::nest).
/// @param in_dram  maps that must have no place in DMEM
/// @param misfit  receives the layer whose nest is at fault, or -1
/// @param rule  receives the rule that this nest breaks
/// @return nothing if there is no such plan
std::optional<Plan> plan_nests(const Network& network, const spec::Config& config,
                               const std::set<int>& in_dram, int& misfit, std::string& rule);

/// Plans a network without searching for better plans. Its cycles serve to compare it with other
/// quick plans, and it is not meant to be run.
/// @return as plan()
std::optional<Plan> quick_plan(const Network& network, const spec::Config& config);

/// Returns the plan as text, a line for each map and each layer (print.cpp).
std::string to_text(const Plan& plan, const Network& network);

/// Returns the cycles that lanes of a gather lose to bank conflicts among themselves, in a whole
/// layer with this input pitch.
std::int64_t replay_cycles(const Layer& layer, int pitch, const spec::Config& config);

/// Returns by how many words an output's origin is best moved, so that its results wait least for
/// banks that the array reads in every step.
int best_shift(const Layer& layer, const View& in, const View& out, const spec::Config& config);

/// The places of a layer's maps.
struct LayerPlaces {
  const Placement *input, *output;  ///< `output`: the whole map's placement
  bool repeated = false;            ///< other layers use the same weights
  int together = 1;                 ///< layers that share its chunks of weights, itself included
};

/// Returns true if parts of the layer's reduction may leave sums in DMEM: it has several tiles, and
/// the weights of a group of columns exceed half of PMEM, or a map of the layer is not in DMEM.
bool may_sum(const Layer& layer, const LayerPlaces& places, const spec::Config& config);

/// Returns true if images of a batch can all use one chunk of weights before the next chunk is
/// loaded.
bool goes_together(const Tiling& a, const Tiling& b);

/// Finds the best tiling of a layer.
/// @return nothing if no tiling fits into `room` words of DMEM
std::optional<Tiling> tile(const Network& network, const Layer& layer, const LayerPlaces& places,
                           const spec::Config& config, std::int64_t room);

/// Returns the first rule that the layer's nest breaks, or that no tiling of this nest fits into
/// `room` words of DMEM.
std::string broken_rule(const Network& network, const Layer& layer, const LayerPlaces& places,
                        const spec::Config& config, std::int64_t room);

/// Returns the size in words of a DMEM buffer for `rows` x `cols` pixels of `words` channel words.
std::int64_t buffer_words(const View& dram, int W, int rows, int cols, int words,
                          const spec::Config& config);
/// Returns the pitch and plane of such a buffer. The origin is not set.
View buffer_view(const View& dram, int W, int rows, int cols, const spec::Config& config);

/// The size of a part of a layer in channel words, rows and columns.
struct PartSize {
  int words = 1, rows = 1, cols = 1;
  double share_of(const PartSize& all) const {
    return static_cast<double>(words) / all.words * rows / all.rows * cols / all.cols;
  }
};
/// Returns the size of about a third of a part.
PartSize small_part(const Layer& layer, const PartSize& part, const spec::Config& config);

/// Returns how many words further right in a row the output's codes are, compared with the input's.
/// Returns nothing unless the layer only moves codes.
std::optional<std::int64_t> copy_offset(const Layer& layer, const Network& network);
/// Returns the part of a rectangle where the only tap of each position is inside of the input, for
/// strides of 1. The result may be empty, and its size negative.
Rect moved_part(const Geometry& g, const Rect& rect);

/// Returns the input pixels that a rectangle's output positions read, clipped to the image.
Rect input_of(const Geometry& g, const Rect& rect);

}  // namespace trine::compiler
