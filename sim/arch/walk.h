// SPDX-License-Identifier: Apache-2.0
//
// Computes the work that a RUN gives to its engine: beats, gather steps with bank conflicts,
// columns to drain. It follows from the configuration, the registers and the shapes in them, so a
// walk over a program touches no data. timeline.h predicts cycles from it.

#pragma once

#include <cstdint>
#include <vector>

#include "spec/config.h"
#include "spec/isa.h"
#include "spec/lanes.h"

namespace trine::sim {

using isa::Lanes;
using isa::Pairs;

/// The work that a RUN gives to its engine.
struct Work {
  // load, store
  std::int64_t beats = 0;   ///< beats of DataBits
  std::vector<int> bursts;  ///< beats of each burst
  std::int64_t bytes = 0;   ///< payload bytes
  std::int64_t writes = 0;  ///< loads: PMEM rows that are transposed, or entries of tables
  bool on_chip = false;     ///< true if the load reads DMEM
  // compute, vector: gather accesses
  std::int64_t steps = 0;  ///< steps of one tile and group (vector: of one output word)
  /// Cycles of one group in each tile, replays included (vector: of the whole tile).
  std::vector<std::int64_t> tile_cycles;
  std::vector<int> group_columns;    ///< columns drained for each group
  std::vector<int> group_issues;     ///< cycles in which the post unit reads these columns
  std::vector<int> group_residuals;  ///< residual words that the post unit reads for them
  /// Cycles in which the results of each tile keep the gather from working: reads of residual
  /// words, and writes to banks that every step reads.
  std::vector<std::int64_t> tile_stolen;
  /// Fraction of the bank groups that a step of the tile reads; a beat accesses one group.
  std::vector<double> tile_share;
  /// Steps of the tile that a beat of a load delays on average.
  std::vector<double> tile_delays;
  std::int64_t out_words = 0;        ///< vector: output words of a tile
  std::int64_t channels = 0;         ///< softmax: codes of a lane
  bool window = false;               ///< compute: depthwise convolution by the window former
  bool kept = false;                 ///< softmax: the words are gathered once
  bool alone = false;                ///< vector: processes one code at a time
  bool interleaves = false;          ///< compute: its codes may be between those of a softmax
  bool requantized = false;          ///< compute: output is neither raw sums nor thresholds
  bool requantized_maximum = false;  ///< compute: fuse_max of a requantized code
};

/// Returns the minimum number of cycles for which a RUN keeps its engine busy: one for each beat or
/// step. The fields of the RUN may have any values.
double least_cycles(const spec::Config& config, isa::Engine engine, const isa::Registers& registers,
                    const isa::Run& run);

/// Computes the work of RUNs.
class Walk {
 public:
  explicit Walk(const spec::Config& config);

  /// Returns the work of a RUN. @pre Executor executes the RUN without an error
  Work run(isa::Engine engine, const isa::Registers& registers, const isa::Run& run);

 private:
  std::int64_t unpacked_writes(std::int64_t rows) const;
  Work transfer(const isa::TransferRegisters& registers, const isa::Run& run) const;
  Work compute(const isa::ComputeRegisters& registers, const isa::Run& run);
  Work vector(const isa::VectorRegisters& registers, const isa::Run& run);
  void gather(const isa::LaneRegisters& registers, const Lanes& lanes, std::int64_t offset = 0);
  void count_step(const std::vector<std::int64_t>& places, std::int64_t offset, std::int64_t times,
                  std::int64_t step);
  double blocked_share(std::size_t bank) const;
  double delays_of_a_beat() const;
  std::int64_t blocked_words(const isa::ComputeRegisters& registers, const Lanes& lanes,
                             int columns, int group) const;
  void split(const isa::ComputeRegisters& r, const isa::Run& run, Work* work) const;
  int issues(const isa::ComputeRegisters& r, const isa::Run& run, int channel, int columns) const;

  const spec::Config config_;
  const spec::BankOf bank_of_;
  // Results of the last gather:
  std::int64_t cycles_ = 0;  ///< cycles, replays included
  std::int64_t steps_ = 0;
  double share_ = 0;  ///< fraction of the places of a beat in the banks that a step reads
  std::vector<int> bank_steps_;  ///< number of steps that read each bank
  std::int64_t beats_ = 0;       ///< places of a beat that steps read
  /// For each step until the banks repeat, and each bank: true if the step reads the bank.
  std::vector<char> reads_;
  // A step:
  std::vector<int> bank_count_;
};

}  // namespace trine::sim
