// SPDX-License-Identifier: Apache-2.0
//
// What a RUN asks of its engine: beats, gather steps with their bank conflicts, columns to drain.
// All of it follows from the configuration, the registers and the shapes in them, so a walk over a
// program touches no data: timeline.h makes cycles of it.

#pragma once

#include <cstdint>
#include <vector>

#include "machine/config.h"
#include "machine/isa.h"
#include "machine/lanes.h"

namespace trine::sim {

using isa::Lanes;
using isa::Pairs;

/// What a RUN asks of its engine.
struct Work {
  // load, store
  std::int64_t beats = 0;   ///< of DataBits
  std::vector<int> bursts;  ///< their beats
  std::int64_t bytes = 0;   ///< payload
  std::int64_t writes = 0;  ///< of loads: PMEM rows that are transposed, entries of tables
  bool on_chip = false;     ///< from DMEM
  // compute, vector: gather accesses
  std::int64_t steps = 0;                 ///< of one tile and group (vector: of one output word)
  std::vector<std::int64_t> tile_cycles;  ///< of a tile and group, replays included (vector: all)
  std::vector<int> group_columns;         ///< columns drained of each group
  std::vector<int> group_issues;          ///< cycles in which the post unit takes them
  std::vector<int> group_residuals;       ///< words of a residual that it reads for them
  std::vector<std::int64_t> tile_stolen;  ///< gather cycles that a tile's results take: residual
                                          ///< words, writes to banks that every step reads
  std::vector<double> tile_share;    ///< of a tile: part of the places of a beat that a step reads
  std::int64_t out_words = 0;        ///< vector: output words of a tile
  std::int64_t channels = 0;         ///< softmax: codes of a lane
  bool window = false;               ///< compute: depthwise, by the window former
  bool kept = false;                 ///< softmax: gathered once
  bool alone = false;                ///< vector: one code at a time
  bool requantized = false;          ///< compute: no raw sums, no thresholds
  bool requantized_maximum = false;  ///< compute: fuse_max of a requantized code
};

/// Cycles that a RUN keeps its engine busy at the least, whatever its fields say: a beat, or a
/// step, in each.
double least_cycles(const machine::Config& config, isa::Engine engine,
                    const isa::Registers& registers, const isa::Run& run);

class Walk {
 public:
  explicit Walk(const machine::Config& config);

  /// @pre Machine executes the RUN without an error
  Work run(isa::Engine engine, const isa::Registers& registers, const isa::Run& run);

 private:
  std::int64_t unpacked_writes(std::int64_t rows) const;
  Work transfer(const isa::TransferRegisters& registers, const isa::Run& run) const;
  Work compute(const isa::ComputeRegisters& registers, const isa::Run& run);
  Work vector(const isa::VectorRegisters& registers, const isa::Run& run);
  void gather(const isa::LaneRegisters& registers, const Lanes& lanes, std::int64_t offset = 0);
  void count_step(const std::vector<std::int64_t>& places, std::int64_t offset, std::int64_t times);
  std::int64_t blocked_words(const isa::ComputeRegisters& registers, const Lanes& lanes,
                             int columns, int group) const;
  void split(const isa::ComputeRegisters& r, const isa::Run& run, Work* work) const;
  int issues(const isa::ComputeRegisters& r, const isa::Run& run, int channel, int columns) const;

  const machine::Config config_;
  const machine::BankOf bank_of_;
  // The last gather:
  std::int64_t cycles_ = 0;  ///< replays included
  std::int64_t steps_ = 0;
  double share_ = 0;  ///< of the places that a beat can have in the banks: read in a step
  std::vector<int> bank_steps_;  ///< steps in which a bank was read
  std::int64_t beats_ = 0;       ///< places of a beat that steps read
  // A step:
  std::vector<int> bank_count_;
};

}  // namespace trine::sim
