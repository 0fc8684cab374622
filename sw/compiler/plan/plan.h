// SPDX-License-Identifier: Apache-2.0
//
// Where every feature map lies and in which parts every layer runs.
//
// A map stays in DMEM from its producer to its last reader if there is room; otherwise it lives in
// DRAM and its layers work on it in parts, with two buffers of each kind where that fits. Maps that
// one instruction walks with the same addresses (both operands of an addition; residual and output)
// share pitch, plane and place.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "machine/config.h"
#include "sw/compiler/network/network.h"
#include "sw/model/refusal.h"

namespace trine::compiler {

/// Pixel (0, 0) of channel word 0 lies at `origin`, which may lie outside of the memory when only
/// part of the map is there.
struct View {
  std::int64_t origin = 0;
  int pitch = 1;
  std::int64_t plane = 1;
  int step = 1;   ///< from pixel to pixel; 1 but for scattered parts and int16 codes
  int width = 1;  ///< words of a pixel's four codes: 2 of int16

  std::int64_t at(int word, int y, int x) const {
    return origin + word * plane + std::int64_t{y} * pitch + std::int64_t{x} * step;
  }
};

/// The part's view in that of its whole.
View part_of(const View& whole, const Part& part, int per_word);
/// The rectangle's place in the whole map.
Rect rect_of(const Rect& rect, const Part& part);

/// DMEM words first..end-1.
struct Room {
  std::int64_t first = 0, end = 0;
};

struct Placement {
  bool resident = false;
  Room room;  ///< of a resident map: words that no other map or buffer uses meanwhile
  View dmem;  ///< of a resident map, words
  bool in_dram = false;
  View dram;  ///< words from BASE
};

/// How a layer is cut: output rectangles of rows x cols, chunks of output channels; the reduction
/// in pieces where a chunk of weights or an input window does not fit.
struct Tiling {
  int rows = 1, cols = 1;
  int chunk = 1;            ///< output channels (vector: channels)
  bool chunk_outer = true;  ///< all rectangles for one chunk, or all chunks for one rectangle
  int buffers = 1;
  /// Codes that the layer only moves come from DRAM to their place in the output: nothing is left
  /// to compute but a border.
  bool direct = false;
  /// The network's first layer begins, its last one ends with some of a part, for which nothing
  /// else is there to do: see small_part().
  bool starts_small = false, ends_small = false;
  bool pieces = false;        ///< a rectangle is one tile, a chunk one group
  bool stream_input = false;  ///< the input is loaded piece by piece
  /// Weights of a chunk, one group, take more than half of PMEM. It lies at PMEM's start, the next
  /// one at its end; the words of the reduction where they meet come first in a chunk's last tile
  /// and last in the next one's first, so that they are loaded meanwhile.
  bool relay = false;
  int piece_words = 0;  ///< input channel words of a piece; relay: where chunks meet
  int piece_rows = 0;   ///< filter rows of a piece; all unless piece_words is 1
  std::int64_t input_words = 0, second_words = 0, output_words = 0;  ///< of one buffer in DMEM
  double cycles = 0;    ///< estimated, with a surcharge for what overlaps: to compare
  double expected = 0;  ///< estimated, without
  double reused = 0;    ///< as `cycles`, with the weights in PMEM already
  double surcharge = 0, reused_surcharge = 0;  ///< of these two
  double compute = 0, traffic = 0;             ///< cycles that it would take without the other
  double weights = 0;                          ///< of `traffic`

  /// Words of all buffers in DMEM.
  std::int64_t scratch_words() const {
    return buffers * (input_words + second_words + output_words);
  }
};

/// A rectangle's first tile, what lies between, and its last tile: the RUNs of a relay.
struct TileSplit {
  Rect first;
  std::vector<Rect> between;
  Rect last;  ///< may be empty
};

TileSplit split_tiles(const Rect& rect, int lanes);

struct Plan {
  std::vector<Placement> maps;
  std::vector<Tiling> tilings;        ///< of the layers
  std::vector<std::int64_t> scratch;  ///< of each layer: first free DMEM word for buffers
  std::int64_t arena_bytes = 0;
  std::int64_t core_words = 0;          ///< in DRAM from a core's maps to the next one's
  double cycles = 0;                    ///< estimated, to compare plans
  double traffic = 0;                   ///< of these the bus has work, all layers
  double surcharge = 0;                 ///< of these what layers that overlap may lose
  std::size_t spilled = 0;              ///< maps that found no place in DMEM, without states
  std::int64_t tiled = 0, visited = 0;  ///< the work: calls of tile(), maps looked at for places
};

/// @param problem  unless null: why there is no plan, a line for each layer that is to blame
/// @return nothing where the machine has no room or no unit for some layer
std::optional<Plan> plan(const Network& network, const machine::Config& config,
                         std::optional<model::Refusal>* problem = nullptr);

/// The first plan that comes to mind, to compare its cycles with those of its kind, not to run it:
/// plan() looks for better ones. @return as plan()
std::optional<Plan> quick_plan(const Network& network, const machine::Config& config);

/// A line for each map and each layer (print.cpp).
std::string to_text(const Plan& plan, const Network& network);

/// Cycles that lanes of one gather lose to each other in a whole layer, for that input pitch.
std::int64_t replay_cycles(const Layer& layer, int pitch, const machine::Config& config);

/// Words by which the output best begins behind its origin: where its results wait least for banks
/// that the array reads in every step.
int best_shift(const Layer& layer, const View& in, const View& out, const machine::Config& config);

struct LayerPlaces {
  const Placement *input, *output;  ///< output: of the whole map
  bool repeated = false;            ///< other layers have the same weights
  int together = 1;                 ///< layers that go through their chunks with it
};
/// Whether images of a batch can go through all of a chunk before the next one.
bool goes_together(const Tiling& a, const Tiling& b);

/// The best way to cut a layer. @return nothing when no way fits into `room` words of DMEM
std::optional<Tiling> tile(const Network& network, const Layer& layer, const LayerPlaces& places,
                           const machine::Config& config, std::int64_t room);

/// Size of a DMEM buffer for a part of a map: `rows` x `cols` pixels of `words` channel words.
std::int64_t buffer_words(const View& dram, int W, int rows, int cols, int words,
                          const machine::Config& config);
/// Its pitch and plane (origin not set).
View buffer_view(const View& dram, int W, int rows, int cols, const machine::Config& config);

/// Channel words, rows and columns of a part.
struct PartSize {
  int words = 1, rows = 1, cols = 1;
  double share_of(const PartSize& all) const {
    return static_cast<double>(words) / all.words * rows / all.rows * cols / all.cols;
  }
};
/// A third of a part, or what comes near it.
PartSize small_part(const Layer& layer, const PartSize& part, const machine::Config& config);

/// Words by which a layer's codes lie further right in a row of its output than in its input, if it
/// does nothing but move them.
std::optional<std::int64_t> copy_offset(const Layer& layer, const Network& network);
/// The positions of a rectangle whose only tap lies inside of the input, of strides of 1. May be
/// empty, also of negative size.
Rect moved_part(const Geometry& g, const Rect& rect);

/// What the output positions of a rectangle read, clipped to the image.
Rect input_of(const Geometry& g, const Rect& rect);

}  // namespace trine::compiler
