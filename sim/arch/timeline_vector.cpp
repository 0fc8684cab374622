// SPDX-License-Identifier: Apache-2.0
//
// Implements the timeline's vector RUNs. A RUN is computed part by part, because compute RUNs that
// begin meanwhile slow down what follows: both engines' results enter the lanes of one post unit
// (trine_lane_arb).

#include <algorithm>
#include <cmath>

#include "sim/arch/timeline.h"
#include "spec/timing.h"
#include "sw/base/division.h"

namespace trine::sim {

using isa::Engine;
using isa::has_lines;
using isa::multiplies16;

constexpr int kPasses = 3;  ///< over a tile of a softmax or normalization

/// Returns the end of work that would take `cycles` without a compute RUN. @param speed  returns
/// the share of the cycles in which it proceeds during a compute RUN
template <typename Speed>
Timeline::Time Timeline::beside_groups(Time from, Time cycles, const Speed& speed) const {
  double now = static_cast<double>(from), left = static_cast<double>(cycles);
  for (const Groups& run : groups_) {
    if (run.end <= now) continue;
    const double before = std::clamp(run.start - now, 0.0, left);
    now += before;
    left -= before;
    if (left <= 0) break;
    const double part = speed(run), done = std::min(left, (run.end - now) * part);
    now = done < left ? run.end : now + done / part;
    left -= done;
  }
  return static_cast<Time>(std::llround(now + left));
}

/// Returns the end of a vector tile. During a compute RUN its words proceed after each group of
/// columns, or not at all if groups leave no time for one. @param word  cycles of an output word
Timeline::Time Timeline::behind_groups(Time from, Time cycles, double word) const {
  return beside_groups(from, cycles, [&](const Groups& run) {
    double period = (run.end - run.start) / run.count;
    const double gap = period - run.issues - (config_.activations16 ? timing::kTurn : 0);
    if (config_.activations16) period = std::max(period, run.issues + timing::kTurn + word);
    return period - run.issues < word ? 0 : std::min(1.0, std::max(word, gap) / period);
  });
}

/// Returns the end of codes that enter the lanes after a group's columns. @param empty  true if
/// they enter only while no other code is in the lanes
Timeline::Time Timeline::between_groups(Time from, Time cycles, bool empty) const {
  return beside_groups(from, cycles, [&](const Groups& run) {
    const double period = (run.end - run.start) / run.count;
    const bool waits = empty || !run.interleaves;
    return std::max(0.0, 1 - (run.issues + (waits ? timing::kLanes : 0)) / period);
  });
}

void Timeline::begin_vector(const Item& item, Time start) {
  const Time filled = queue(Engine::kVector).last_pop_before + timing::fill_cycles(config_);
  vectoring_ = true;
  vector_ = {item, start, std::max(start, filled)};
}

/// Executes a part of a softmax's or normalization's tile, or a tile of another operation.
void Timeline::vector_step() {
  using isa::vector::Op;
  Vector& v = vector_;
  const Work& work = v.item.work;
  if (v.tile == work.tile_cycles.size()) return end_vector();
  const auto op = static_cast<Op>(v.item.run.op);
  if (v.left > 0) return lane_step(op == Op::kNormalize && v.pass == kPasses);
  if (v.pass == kPasses) {
    v.pass = 0;
    ++v.tile;
    return;
  }
  const Time gather = contended(v.now, work, v.tile, {});
  const Time begin = v.now;
  const bool passes = op == Op::kSoftmax || op == Op::kNormalize;
  const bool reads = v.pass == 0 || (op == Op::kSoftmax && !work.kept);
  if (passes)
    vector_pass(reads ? gather : 0);
  else
    v.now = vector_tile(v.item.run, work, v.now, gather);
  if (reads)
    vector_gathers_.push_back(
        {static_cast<double>(begin), static_cast<double>(v.now), static_cast<double>(gather)});
  if (passes)
    ++v.pass;
  else
    ++v.tile;
}

/// Begins a pass over a tile's channels. Products and codes enter the lanes of the post unit.
void Timeline::vector_pass(Time gather) {
  Vector& v = vector_;
  const std::int64_t channels = v.item.work.channels;
  const Time codes = divide_up(channels, config_.columns_per_cycle);
  if (static_cast<isa::vector::Op>(v.item.run.op) == isa::vector::Op::kNormalize) {
    if (v.pass == 0) v.now += std::max<Time>(gather, channels);
    v.left = v.pass == 0 ? 0 : v.pass == 1 ? Time{timing::kNormalize} : 2 * channels;
  } else {
    v.now += v.pass == 0   ? gather
             : v.pass == 1 ? std::max(gather, codes)
                           : std::max<Time>(0, gather - codes);
    v.left = v.pass == 0   ? 0
             : v.pass == 1 ? Time{timing::softmax(v.item.run.has(isa::vector::kRescale))}
                           : codes;
  }
}

/// Advances what enters the lanes, a few cycles at a time, as a compute RUN may begin meanwhile.
void Timeline::lane_step(bool empty) {
  const Time part = std::min<Time>(vector_.left, timing::kLanes);
  vector_.now = between_groups(vector_.now, part, empty);
  vector_.left -= part;
}

/// Returns true if a vector RUN computes codes in the lanes of the post unit.
bool Timeline::is_of_codes(const isa::Run& run) {
  using isa::vector::Op;
  const auto op = static_cast<Op>(run.op);
  return op == Op::kSum || op == Op::kAdd || op == Op::kMul || op == Op::kSquaredDifference ||
         (pairs_lanes(Engine::kVector, run) && !compares16(op));
}

/// Returns the end of a tile that begins at `from` and whose gather takes `gather` cycles.
Timeline::Time Timeline::vector_tile(const isa::Run& run, const Work& work, Time from,
                                     Time gather) const {
  using isa::vector::Op;
  const auto op = static_cast<Op>(run.op);
  const bool square = op == Op::kSquaredDifference, ahead = config_.activations16;
  Time window = ahead ? timing::kVectorAhead : timing::kVectorWord;
  if (compares16(op)) ++window;
  if (is_of_codes(run) && !ahead) window += (work.alone ? 4 : 4 / config_.columns_per_cycle) - 1;
  if (square) window += ahead ? 3 : 2;
  if (has_lines(op)) window += timing::kLine;
  if (op == Op::kExponential16) window += timing::kMinus;
  if (run.has(isa::vector::kReduce) && !is_row(run))
    for (int lanes = 1; lanes < config_.rows; lanes *= 2) ++window;
  const Time row = !is_row(run)         ? 0
                   : compares16(op)     ? timing::kRow
                   : op == Op::kShare16 ? gather + timing::kRow + timing::kShare
                                        : gather + timing::kRow;
  // Interpolations begin in every second cycle.
  const Time words = gather + window * work.out_words;
  const Time cycles = row + (has_lines(op) ? round_up(words, 2 * work.out_words) : words);
  return behind_groups(from, cycles,
                       static_cast<double>(cycles) / static_cast<double>(work.out_words));
}

void Timeline::end_vector() {
  using isa::vector::Op;
  const auto op = static_cast<Op>(vector_.item.run.op);
  Time t = vector_.now;
  if (!is_of_codes(vector_.item.run) && vector_.item.work.out_words == 1) t -= timing::kOneWord;
  vectoring_ = false;
  queue(Engine::kVector).free = t;
  const Time end = has_lines(op)                          ? timing::kLineEnd
                   : op == Op::kAdd16 || multiplies16(op) ? timing::kPairEnd
                                                          : 0;
  end_run(Engine::kVector, vector_.item, vector_.start, t + timing::kVector + end);
}

}  // namespace trine::sim
