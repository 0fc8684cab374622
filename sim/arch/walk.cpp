// SPDX-License-Identifier: Apache-2.0

#include "sim/arch/walk.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "spec/memories.h"
#include "spec/timing.h"
#include "sw/base/division.h"

namespace trine::sim {

using isa::compares16;
using isa::ComputeRegisters;
using isa::Engine;
using isa::has_lines;
using isa::LaneRegisters;
using isa::multiplies16;
using isa::TransferRegisters;
using isa::VectorRegisters;
namespace agu = isa::agu;
namespace post = isa::post;
using post::Output;

double least_cycles(const spec::Config& config, Engine engine, const isa::Registers& registers,
                    const isa::Run& run) {
  const isa::Registers read = isa::as_read(engine, registers, run);
  if (engine == Engine::kLoad || engine == Engine::kStore) {
    const TransferRegisters r(read);
    const auto rows = static_cast<double>(isa::dram_rows(r, run));
    return rows * static_cast<double>(r.get(isa::dma::kWords) / config.data_words());
  }
  const LaneRegisters r(read);
  const bool compute = engine == Engine::kCompute;
  return static_cast<double>(r.get(agu::kTilesLast) + 1) * static_cast<double>(steps_of(r)) *
         static_cast<double>(compute ? r.get(agu::kGroupsLast) + 1 : 1);
}

Walk::Walk(const spec::Config& config)
    : config_(config),
      bank_of_(config.bank_of()),
      bank_steps_(config.banks()),
      bank_count_(config.banks()) {}

Work Walk::run(Engine engine, const isa::Registers& registers, const isa::Run& run) {
  const isa::Registers read = isa::as_read(engine, registers, run);
  switch (engine) {
    case Engine::kLoad:
    case Engine::kStore:
      return transfer(TransferRegisters(read), run);
    case Engine::kCompute:
      return compute(ComputeRegisters(read), run);
    case Engine::kVector:
      return vector(VectorRegisters(read), run);
  }
  return {};
}

/// Returns the writes of unpacked rows: one per block on a 64-bit bus; on wider buses one per group
/// of five blocks, plus one for each row end inside of a group.
std::int64_t Walk::unpacked_writes(std::int64_t rows) const {
  constexpr std::int64_t kGroup = 5;
  const std::int64_t of_row = config_.cols / 4, blocks = rows * of_row;
  if (config_.data_bits() == 64) return blocks;
  const std::int64_t both = (blocks - 1) / std::lcm(kGroup, of_row);
  return (blocks - 1) / kGroup + rows - both;
}

Work Walk::transfer(const TransferRegisters& r, const isa::Run& run) const {
  namespace dma = isa::dma;
  const auto target = static_cast<dma::Target>(run.op);
  const std::int64_t rows = isa::dram_rows(r, run);
  const std::int64_t words = r.get(dma::kWords);
  const std::int64_t data_words = config_.data_words();
  Work work;
  work.on_chip = isa::reads_dmem(run);
  work.bytes = work.on_chip ? 0 : rows * words * 4;
  if (target == dma::Target::kTransposed) work.writes = rows * ((words + 3) / 4);
  if (isa::is_packed(run)) work.writes = unpacked_writes(r.get(dma::kRowsLast) + 1);
  if (target == dma::Target::kTable) work.writes = rows * 4 * words;  // one per entry
  if (target == dma::Target::kExponentials || target == dma::Target::kPoints)
    work.writes = rows * words;
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::int64_t dram = r.get(dma::kDram) + i * r.get(dma::kDramStride);
    const std::int64_t beats = divide_up(dram / 4 % data_words + words, data_words);
    work.beats += beats;
    // A burst ends with its row, or at a multiple of the longest burst.
    const std::int64_t longest = spec::burst_beats(config_);
    std::int64_t room = longest - dram / 4 / data_words % longest;
    for (std::int64_t left = beats; !work.on_chip && left > 0; room = longest) {
      work.bursts.push_back(static_cast<int>(std::min(room, left)));
      left -= work.bursts.back();
    }
  }
  return work;
}

// ---- gather -------------------------------------------------------------------------------------

/// Counts the steps of a gather over all lanes. The banks of a tap repeat for channel words whose
/// distance is a multiple of two rows of banks, so each distinct step is counted once.
void Walk::gather(const LaneRegisters& r, const Lanes& lanes, std::int64_t offset) {
  const std::int64_t height = r.get(agu::kHeight), width = r.get(agu::kWidth);
  const std::int64_t dil_x = r.get(agu::kDilX), dil_y = r.get(agu::kDilY);
  const std::int64_t words = r.get(agu::kWordsLast) + 1;
  const std::int64_t period = 2 * static_cast<std::int64_t>(bank_count_.size());
  const std::int64_t step = window_step(r);
  const std::int64_t kinds = std::min(words, period / std::gcd(step, period));
  const std::int64_t taps = (r.get(agu::kRLast) + 1) * (r.get(agu::kSLast) + 1);
  cycles_ = steps_ = beats_ = 0;
  reads_.assign(bank_count_.size() * static_cast<std::size_t>(kinds * taps), 0);
  std::int64_t tap = 0;
  std::ranges::fill(bank_steps_, 0);
  std::vector<std::int64_t> places;  // words of the lanes that read
  for (std::int64_t ky = 0; ky <= r.get(agu::kRLast); ++ky) {
    for (std::int64_t kx = 0; kx <= r.get(agu::kSLast); ++kx) {
      places.clear();
      for (std::size_t l = 0; l < lanes.lanes.size(); ++l) {
        const Lanes::Lane& lane = lanes.lanes[l];
        const std::int64_t y = lane.y + ky * dil_y, x = lane.x + kx * dil_x;
        if (lanes.gathers(l) && y >= 0 && y < height && x >= 0 && x < width)
          places.push_back(lane.base);
      }
      for (std::int64_t kind = 0; kind < kinds; ++kind)
        count_step(places, offset + kind * step, divide_up(words - kind, kinds), kind * taps + tap);
      ++tap;
      offset += difference(r, kx < r.get(agu::kSLast) ? agu::kKxStep : agu::kKyStep);
    }
  }
  const auto places_of_a_beat = static_cast<double>(bank_count_.size()) / config_.data_words();
  share_ = static_cast<double>(beats_) / (static_cast<double>(steps_) * places_of_a_beat);
}

/// Counts `times` steps whose words are in the same banks. @param step  the index of the first one
void Walk::count_step(const std::vector<std::int64_t>& places, std::int64_t offset,
                      std::int64_t times, std::int64_t step) {
  std::ranges::fill(bank_count_, 0);
  int accesses = 1;
  for (const std::int64_t place : places)
    accesses = std::max(accesses, ++bank_count_[bank_of_(place + offset)]);
  const std::size_t beat_words = config_.data_words();
  for (std::size_t first = 0; first < bank_count_.size(); first += beat_words) {
    bool read = false;
    for (std::size_t bank = first; bank < first + beat_words; ++bank) {
      if (bank_count_[bank] == 0) continue;
      read = true;
      reads_[static_cast<std::size_t>(step) * bank_count_.size() + bank] = 1;
      bank_steps_[bank] += static_cast<int>(times);
    }
    if (read) beats_ += times;
  }
  steps_ += times;
  cycles_ += accesses * times;
}

/// Returns the share of a load's words for this bank that find no free cycle before the bank's next
/// word comes (trine_dmem_dma): with a beat in each cycle, after one for each group of banks.
double Walk::blocked_share(std::size_t bank) const {
  const std::size_t banks = bank_count_.size(), period = reads_.size() / banks;
  const std::size_t others = banks / static_cast<std::size_t>(config_.data_words()) - 1;
  const auto reads = [&](std::size_t step) { return reads_[step % period * banks + bank] != 0; };
  std::size_t free = 0;  // a step that does not read the bank
  while (free < period && reads(free)) ++free;
  if (free == period) return 1;
  std::size_t run = 0, blocked = 0;
  for (std::size_t step = free + 1; step <= free + period; ++step) {
    if (reads(step)) {
      ++run;
    } else {
      blocked += run > others ? run - others : 0;
      run = 0;
    }
  }
  return static_cast<double>(blocked) / static_cast<double>(period);
}

/// Returns how many of the steps counted a load's beat delays on average. A word that finds no free
/// cycle delays a step. In that cycle most other banks are free, and their words are written, so
/// there is at most one delay for a beat to each group of banks.
double Walk::delays_of_a_beat() const {
  double delays = 0;
  for (std::size_t bank = 0; bank < bank_count_.size(); ++bank) delays += blocked_share(bank);
  return std::min(delays, 1.0) * config_.data_words() / static_cast<double>(bank_count_.size());
}

/// Returns the gather cycles lost to output words of a tile and group. A word costs a cycle if
/// every step reads the bank of one of the lanes. With ECC, a partial word is read and written
/// (trine_ecc_bank), and steps that read its banks wait meanwhile.
std::int64_t Walk::blocked_words(const ComputeRegisters& r, const Lanes& lanes, int columns,
                                 int group) const {
  const int per_word = codes_per_word(r);
  const int position = field(r, post::kPosition), channels = field(r, isa::compute::kChannels);
  const int first = position + group * columns;
  const int last = position + std::min(channels, (group + 1) * columns);
  const bool ends = channels <= (group + 1) * columns;  // the rest of a word is zeroed
  const std::int64_t out_plane = difference(r, agu::kOutPlane);
  const auto steps = static_cast<double>(steps_);
  double blocked = 0;
  for (int word = first / per_word; per_word * word < last; ++word) {
    bool waits = false;
    double passing = 1;  // share of steps that read none of its banks
    for (std::size_t l = 0; l < lanes.lanes.size(); ++l) {
      if (!lanes.active(l)) continue;
      const int bank = bank_of_(lanes.lanes[l].out + word * out_plane);
      waits |= bank_steps_[bank] == steps_;
      passing *= 1 - bank_steps_[bank] / steps;
    }
    const bool part = per_word * word < first || (!ends && per_word * (word + 1) > last);
    if (waits) ++blocked;
    if (config_.ecc && part) blocked += timing::kMerge * (1 - passing);
  }
  return std::lround(blocked);
}

// ---- compute, vector ----------------------------------------------------------------------------

Work Walk::compute(const ComputeRegisters& r, const isa::Run& run) {
  using namespace isa::compute;
  const bool drains = run.has(kDrain), window = run.has(kWindow);
  const bool residual = run.has(kFuseAdd) || run.has(kFuseMax), sums = run.has(kAddSums);
  const int groups = field(r, agu::kGroupsLast) + 1;
  const std::int64_t tiles = r.get(agu::kTilesLast) + 1;
  const int channels = field(r, kChannels), columns = group_columns(config_, run);
  const bool meet = drains && steps_of(r) >= issues(r, run, 0, std::min(channels, columns));
  Lanes lanes(r, config_.rows, window ? 3 : 0, pairs_of(Engine::kCompute, run));
  Lanes before = lanes;                                          // of the previous tile
  const int rounds = is_by_row(run) && lanes.active(1) ? 2 : 1;  // for even lanes, for odd ones
  Work work;
  work.steps = steps_of(r);
  work.window = window;
  work.requantized =
      (output_of(r) == Output::kRequantized || output_of(r) == Output::kTable) && !sums;
  work.interleaves = output_of(r) == Output::kRequantized;
  work.requantized_maximum = run.has(kFuseMax) && work.requantized;
  for (std::int64_t t = 0; t < tiles; ++t) {
    gather(r, lanes);
    work.tile_cycles.push_back(cycles_);
    work.tile_share.push_back(share_);
    work.tile_delays.push_back(delays_of_a_beat());
    // Writes of the last group conflict with reads of the next tile, writes of other groups with
    // reads of their own tile.
    std::int64_t stolen = 0;
    if (meet) {
      if (t > 0) stolen += blocked_words(r, before, columns, groups - 1);
      if (residual) stolen += divide_up(field(r, post::kPosition) + channels, codes_per_word(r));
      if (sums) stolen += channels;
      for (int g = 0; g + 1 < groups; ++g) {
        if (window) gather(r, lanes, (g + 1) * window_step(r));  // reads for the next word
        stolen += blocked_words(r, lanes, columns, g);
      }
      before = lanes;
    }
    work.tile_stolen.push_back(stolen);
    if (t + 1 < tiles) lanes.next_tile(r);
  }
  if (static_cast<isa::compute::Op>(run.op) == isa::compute::Op::kInt8Groups) {
    split(r, run, &work);
    return work;
  }
  for (int g = 0; g < groups; ++g) {
    const int drained = drains ? std::clamp(channels - g * columns, 0, columns) : 0;
    work.group_columns.push_back(drained);
    work.group_issues.push_back(issues(r, run, g * columns, drained) * rounds);
    work.group_residuals.push_back(sums       ? std::min(drained, 1)
                                   : residual ? divide_up(drained, codes_per_word(r))
                                              : 0);
  }
  return work;
}

/// Splits a reduction with factors: each part is drained separately, the last one twice.
void Walk::split(const ComputeRegisters& r, const isa::Run& run, Work* work) const {
  const int groups = field(r, agu::kGroupsLast) + 1, parts = field(r, agu::kWordsLast) + 1;
  const int channels = field(r, isa::compute::kChannels), columns = config_.cols;
  work->steps /= parts;
  for (std::int64_t& cycles : work->tile_cycles) cycles = divide_up(cycles, parts);
  for (int g = 0; g < groups; ++g) {
    const int drained = std::clamp(channels - g * columns, 0, columns);
    for (int part = 0; part < parts; ++part) {
      const bool last = part == parts - 1;
      work->group_columns.push_back(drained);
      work->group_issues.push_back(drained + (last ? issues(r, run, g * columns, drained) : 0));
      work->group_residuals.push_back(0);
    }
  }
}

/// Returns the issue cycles. Two columns are issued together if their codes are at an even place
/// and the next one, and are neither sums with a residual nor looked up.
int Walk::issues(const ComputeRegisters& r, const isa::Run& run, int channel, int columns) const {
  const int passes = passes_of(r);
  const Output output = output_of(r);
  const bool alone = config_.columns_per_cycle == 1 || passes > 1 || output == Output::kRaw ||
                     output == Output::kTable || run.has(isa::compute::kFuseAdd) ||
                     run.has(isa::compute::kAddSums);
  if (alone || columns == 0) return columns * passes;
  const int odd = (field(r, post::kPosition) + channel) % 2;
  return odd + (columns - odd + 1) / 2;
}

Work Walk::vector(const VectorRegisters& r, const isa::Run& run) {
  using isa::vector::Op;
  const auto op = static_cast<Op>(run.op);
  const std::int64_t tiles = r.get(agu::kTilesLast) + 1;
  const Pairs pairs = pairs_of(Engine::kVector, run);
  Lanes lanes(r, config_.rows, 0, pairs);
  Work work;
  work.out_words = is_row(run) && compares16(op) ? 1 : r.get(agu::kWordsLast) + 1;
  work.steps = steps_of(r) / work.out_words;
  const bool sum =
      op == Op::kSum || (pairs != Pairs::kNone && op != Op::kAdd16 && !multiplies16(op));
  work.alone = !sum || has_lines(op) || output_of(r) == Output::kTable;
  if (op == Op::kSoftmax || op == Op::kNormalize) work.channels = r.get(isa::vector::kChannels);
  work.kept = op == Op::kSoftmax && r.get(agu::kGroupsLast) == 0;
  for (std::int64_t t = 0; t < tiles; ++t) {
    gather(r, lanes);
    work.tile_cycles.push_back(cycles_);
    work.tile_share.push_back(share_);
    if (t + 1 < tiles) lanes.next_tile(r);
  }
  return work;
}

}  // namespace trine::sim
