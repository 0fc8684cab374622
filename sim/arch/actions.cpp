// SPDX-License-Identifier: Apache-2.0

#include "sim/arch/actions.h"

#include <algorithm>
#include <bit>

#include "spec/lanes.h"
#include "spec/precision.h"
#include "spec/runs.h"
#include "sw/base/division.h"
#include "sw/base/error.h"

namespace trine::sim {
namespace {

using isa::compares16;
using isa::ComputeRegisters;
using isa::Engine;
using isa::LaneRegisters;
using isa::Lanes;
using isa::Pairs;
using isa::takes_words;
using isa::TransferRegisters;
using isa::VectorRegisters;
namespace agu = isa::agu;
namespace post = isa::post;

/// Counts the output positions of a RUN, and all their taps inside of the input.
struct Positions {
  std::int64_t count = 0, taps = 0;
};

std::int64_t taps_inside(std::int64_t first, std::int64_t step, std::int64_t last,
                         std::int64_t size) {
  std::int64_t inside = 0;
  for (std::int64_t k = 0; k <= last; ++k) {
    const std::int64_t at = first + k * step;
    inside += at >= 0 && at < size ? 1 : 0;
  }
  return inside;
}

/// @param pairs  with two lanes per position, each lane counts
Positions positions_of(const LaneRegisters& r, int rows, bool window, Pairs pairs) {
  Positions positions;
  Lanes lanes(r, rows, window ? 3 : 0, pairs);
  for (std::int64_t tile = 0; tile <= r.get(agu::kTilesLast); ++tile, lanes.next_tile(r))
    for (std::size_t l = 0; l < lanes.lanes.size(); ++l) {
      const Lanes::Lane& lane = lanes.lanes[l];
      positions.count += lanes.active(l) ? 1 : 0;
      if (lanes.gathers(l))
        positions.taps +=
            taps_inside(lane.y, r.get(agu::kDilY), r.get(agu::kRLast), r.get(agu::kHeight)) *
            taps_inside(lane.x, r.get(agu::kDilX), r.get(agu::kSLast), r.get(agu::kWidth));
    }
  return positions;
}

void add(const Counts& counts, Counts& sum) {
  for (std::size_t a = 0; a < kActions; ++a) sum.actions[a] += counts.actions[a];
  sum.dmem += counts.dmem;
}

class Counter {
 public:
  explicit Counter(const spec::Config& config) : config_(config) {}

  Counts of(Engine engine, const isa::Registers& registers, const isa::Run& run) {
    const isa::Registers read = isa::as_read(engine, registers, run);
    actions_ = {};
    dmem_ = {};
    if (engine == Engine::kLoad || engine == Engine::kStore) {
      transfer(TransferRegisters(read), run, engine == Engine::kLoad);
      return counts();
    }
    Counts sum;
    for (int core = 0; core < config_.cores; ++core) {
      actions_ = {};
      dmem_ = {};
      if (engine == Engine::kCompute)
        compute(ComputeRegisters(moved_down(read, core)), run);
      else
        vector(VectorRegisters(moved_down(read, core)), run);
      add(counts(), sum);
    }
    return sum;
  }

 private:
  /// Returns the actions with those of DMEM, which are counted by contents.
  Counts counts() const {
    Counts counts{actions_, dmem_};
    for (int d = 0; d < kDataKinds; ++d) {
      counts.actions[kDmemRead] += dmem_.read[d];
      counts.actions[kDmemWrite] += dmem_.written[d];
    }
    return counts;
  }

  void compute(const ComputeRegisters& r, const isa::Run& run) {
    using namespace isa::compute;
    const bool window = run.has(kWindow), drains = run.has(kDrain);
    const spec::Operands operands = spec::operands_of(static_cast<Op>(run.op));
    const std::int64_t groups = r.get(agu::kGroupsLast) + 1, tiles = r.get(agu::kTilesLast) + 1;
    const std::int64_t words = r.get(agu::kWordsLast) + 1;
    const std::int64_t group_steps = words * (r.get(agu::kRLast) + 1) * (r.get(agu::kSLast) + 1);
    const std::int64_t steps = group_steps * tiles * groups;
    const Pairs pairs = pairs_of(Engine::kCompute, run);
    const Positions at = positions_of(r, config_.rows, window, pairs);
    actions_[step_of(operands.weights)] = steps * config_.rows * config_.cols;
    actions_[kAddress] = steps * config_.rows;
    dmem_.read[kInputs] += groups * words * at.taps;
    const std::int64_t per_row =
        window ? config_.window_steps_per_row() : operands.activations.bits / operands.weights.bits;
    // Each group starts with a new row; the row that two factors share is read for each of them.
    const bool in_groups = static_cast<Op>(run.op) == Op::kInt8Groups;
    const std::int64_t rows = divide_up(group_steps, per_row) + (in_groups ? words : 0);
    actions_[kPmemRead] = tiles * groups * rows * config_.cols;
    if (!drains) return;
    const std::int64_t codes = at.count / (pairs == Pairs::kNone ? 1 : 2) * r.get(kChannels);
    const auto output = static_cast<post::Output>(r.get(post::kOutput));
    actions_[kLaneCode] =
        codes * (output == post::Output::kThresholds ? r.get(post::kPassesLast) + 1
                 : run.has(kFuseAdd)                 ? 2
                 : in_groups                         ? words + 1
                                                     : 1);
    const std::int64_t stored = at.count * (is_by_row(run) ? 2 : 1) /
                                (static_cast<Op>(run.op) == Op::kMatmul16 ? 2 : 1) *
                                stored_words(r, group_columns(config_, run));
    dmem_.written[output == post::Output::kRaw ? kSums : kOutputs] += stored;
    if (run.has(kFuseAdd))
      dmem_.read[kInputs] += stored;
    else if (run.has(kFuseMax))
      dmem_.read[kOutputs] += stored;
    if (run.has(kAddSums)) dmem_.read[kSums] += codes;
  }

  /// Returns the words stored per position. A word that several groups of columns share is read and
  /// written once for each group.
  static std::int64_t stored_words(const ComputeRegisters& r, std::int64_t columns) {
    const std::int64_t channels = r.get(isa::compute::kChannels), position = r.get(post::kPosition);
    const bool raw = static_cast<post::Output>(r.get(post::kOutput)) == post::Output::kRaw;
    const std::int64_t per_word =
        raw ? 1
            : spec::kPrecisions.at(static_cast<std::size_t>(r.get(post::kEncoding)))
                  .codes_per_word();
    std::int64_t words = 0;
    for (std::int64_t n = 0; n < channels; n += columns)
      words += divide_up(position + std::min(n + columns, channels), per_word) -
               (position + n) / per_word;
    return words;
  }

  void vector(const VectorRegisters& r, const isa::Run& run) {
    const auto op = static_cast<isa::vector::Op>(run.op);
    const std::int64_t words = r.get(agu::kWordsLast) + 1, tiles = r.get(agu::kTilesLast) + 1;
    const bool over_channels = op == isa::vector::Op::kSoftmax || op == isa::vector::Op::kNormalize;
    const std::int64_t passes = over_channels || is_row(run) ? r.get(agu::kGroupsLast) + 1 : 1;
    const std::int64_t steps =
        passes * words * (r.get(agu::kRLast) + 1) * (r.get(agu::kSLast) + 1) * tiles;
    const Pairs pairs = pairs_of(Engine::kVector, run);
    const std::int64_t planes = pairs == Pairs::kNone || pairs == Pairs::kOddWrites ? 1 : 2;
    const Positions at = positions_of(r, config_.rows, false, pairs);
    const bool folds = run.has(isa::vector::kReduce) && !is_row(run);
    const std::int64_t outputs = folds ? planes * tiles : at.count;
    const auto* compared = spec::find_precision([=](const auto& p) { return p.maximum == op; });
    const bool maximum = compared != nullptr || op == isa::vector::Op::kMin;
    actions_[kAddress] = steps * config_.rows;
    dmem_.read[takes_words(op) ? kSums : kInputs] += passes * words * at.taps;
    actions_[kLaneTap] = passes * words * at.taps;
    dmem_.written[kOutputs] += outputs * (is_row(run) && compares16(op) ? 1 : words);
    const std::int64_t codes = takes_words(op) ? 1 : 4;
    if (!maximum) actions_[kLaneCode] = codes * outputs / planes * words * (over_channels ? 3 : 1);
  }

  void transfer(const TransferRegisters& r, const isa::Run& run, bool load) {
    namespace dma = isa::dma;
    const std::int64_t rows = isa::dram_rows(r, run), words = r.get(dma::kWords);
    const auto target = static_cast<dma::Target>(run.op);
    std::int64_t beats = 0;
    for (std::int64_t i = 0; i < rows; ++i) {
      const std::int64_t dram = r.get(dma::kDram) + i * r.get(dma::kDramStride);
      beats += divide_up(dram / 4 % config_.data_words() + words, config_.data_words());
    }
    actions_[kBeat] = beats;
    // The DMA port of DMEM reads whole beats.
    if (!load || isa::reads_dmem(run))
      dmem_.read[load ? kWeights : kOutputs] += beats * config_.data_words();
    if (!load) return;
    const int cores = std::popcount(cores_of(r, config_.cores));
    if (isa::is_of_maps(run)) dmem_.written[kInputs] += cores * rows * words;
    if (target == dma::Target::kPmem || target == dma::Target::kTransposed)
      actions_[kPmemWrite] += cores * rows * words;
    if (isa::is_packed(run))
      actions_[kPmemWrite] += cores * (r.get(dma::kRowsLast) + 1) * config_.cols;
  }

  const spec::Config& config_;
  Actions actions_{};  // without kDmemRead and kDmemWrite
  DataWords dmem_{};
};

/// Assigns all MACs of a layer to the precision with the most steps.
void count_macs(std::int64_t macs, Actions& layer) {
  const auto& most = *std::ranges::max_element(spec::kPrecisions, {},
                                               [&](const auto& p) { return layer[step_of(p)]; });
  if (layer[step_of(most)] > 0) layer[mac_of(most)] = macs;
}

}  // namespace

DataWords& DataWords::operator+=(const DataWords& other) {
  for (std::size_t d = 0; d < read.size(); ++d) {
    read[d] += other.read[d];
    written[d] += other.written[d];
  }
  return *this;
}

Actions count_actions(const spec::Config& config, std::span<const isa::Word> words) {
  Counts sum;
  Counter counter(config);
  isa::for_each_run(words,
                    [&](std::size_t, isa::Engine engine, const isa::Registers& registers,
                        const isa::Run& run) { add(counter.of(engine, registers, run), sum); });
  return sum.actions;
}

std::vector<Actions> count_actions(const compiler::Program& program) {
  std::vector<Actions> layers;
  for (const Counts& counts : counts_of(program)) layers.push_back(counts.actions);
  return layers;
}

std::vector<Counts> counts_of(const compiler::Program& program) {
  std::vector<Counts> layers(program.layers.size());
  Counter counter(program.config);
  std::size_t index = 0, words = 0;  // RUNs; words that are already counted
  isa::for_each_run(program.words, [&](std::size_t word, isa::Engine engine,
                                       const isa::Registers& registers, const isa::Run& run) {
    if (index >= program.run_layer.size())
      throw_error("{}: has more RUNs than its layers", program.name);
    Counts& layer = layers.at(static_cast<std::size_t>(program.run_layer[index++]));
    add(counter.of(engine, registers, run), layer);
    layer.actions[kInstruction] += static_cast<std::int64_t>(word + 1 - words);
    words = word + 1;
  });
  for (std::size_t l = 0; l < layers.size(); ++l)
    count_macs(program.layers[l].macs, layers[l].actions);
  return layers;
}

}  // namespace trine::sim
