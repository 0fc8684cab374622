// SPDX-License-Identifier: Apache-2.0
//
// What each instruction does to the memories, exactly as docs/architecture.md says, and the work
// that it is for its engine. Instructions are executed whole, in program order; when they happen is
// timeline.h's business.

#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/error.h"
#include "machine/config.h"
#include "machine/isa.h"
#include "sw/reference/norm.h"

namespace trine::sim {

/// A word written to DMEM: by compute or vector the bits of `mask`, by load all of them.
struct DmemWrite {
  std::uint32_t address = 0;  ///< word
  std::uint32_t data = 0;     ///< the word afterwards
  std::uint32_t mask = 0;     ///< bits that were written
  int run = 0;                ///< n-th RUN of the program
};

/// What a RUN asks of its engine.
struct Work {
  // load, store
  std::int64_t beats = 0;  ///< of DataBits
  std::int64_t bursts = 0;
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
  bool requantized_maximum = false;  ///< compute: fuse_max of a requantized code
};

class Machine {
 public:
  /// Memories start at zero. @param dram  what BASE points to; outlives the machine
  Machine(const machine::Config& config, std::vector<std::uint8_t>& dram);

  /// Called for every DMEM word written, in order.
  std::function<void(const DmemWrite&)> on_dmem_write;

  /// @param run_index  n-th RUN of the program, for messages
  /// @throws Error  says what the hardware would not do: address, alignment, field
  Work execute(isa::Engine engine, const isa::Registers& registers, const isa::Run& run,
               int run_index);

  const std::vector<std::uint8_t>& dmem() const { return dmem_; }

 private:
  struct ZeroPoints;
  struct Lanes;
  struct Tile;

  isa::Registers checked(isa::Engine engine, const isa::Registers& registers,
                         const isa::Run& run) const;
  Work transfer(isa::Engine engine, const isa::TransferRegisters& registers, const isa::Run& run);
  void load_row(isa::dma::Target target, const std::uint8_t* from, std::int64_t local,
                std::int64_t words);
  void load_columns(const std::uint8_t* from, std::int64_t local, std::int64_t words, int column);
  Work compute(const isa::ComputeRegisters& registers, const isa::Run& run);
  void drain(const isa::ComputeRegisters& registers, const isa::Run& run, const Lanes& lanes,
             int group);
  int blocked_words(const isa::ComputeRegisters& registers, const Lanes& lanes, int group,
                    std::int64_t steps) const;
  Work vector(const isa::VectorRegisters& registers, const isa::Run& run);
  void check_softmax(const isa::VectorRegisters& registers, const isa::Run& run) const;
  std::vector<int> softmax(const isa::VectorRegisters& registers,
                           const std::vector<int>& codes) const;
  reference::NormParams norm_params(const isa::VectorRegisters& registers,
                                    const isa::Run& run) const;
  void over_channels(const isa::VectorRegisters& registers, const reference::NormParams* norm,
                     const Lanes& lanes, const Tile& tile);
  void vector_word(const isa::VectorRegisters& registers, const isa::Run& run, const Lanes& lanes,
                   const Tile& tile, std::int64_t cw);
  int issues(const isa::ComputeRegisters& r, const isa::Run& run, int channel, int columns) const;
  void read_weights(std::int64_t row, int groups, std::int64_t steps, int steps_per_row, int values,
                    int bits);
  void dense_group(const Lanes& lanes, const Tile& tile, int per_word, int group,
                   const ZeroPoints& zero);
  std::int32_t accumulated(std::int64_t sum) const;
  void check_window(const isa::ComputeRegisters& registers, const isa::Run& run) const;
  void window_group(const Lanes& lanes, const Tile& tile, std::int64_t row, int group);
  /// @param offset  of the first tap from the lanes' base
  std::int64_t gather(const isa::LaneRegisters& registers, const Lanes& lanes, Tile& tile,
                      std::int64_t offset = 0);
  void write_dmem(std::int64_t address, std::uint32_t data, std::uint32_t mask);
  int lookup(int code) const { return table_[static_cast<std::uint8_t>(code)]; }
  int threshold(const isa::ComputeRegisters& registers, std::int32_t acc, int entry) const;
  std::uint32_t read_dmem(std::int64_t address) const;
  std::int64_t checked(std::int64_t address) const;
  void check_range(const char* what, std::int64_t first, std::int64_t count,
                   std::int64_t size) const;
  void check_entries(std::int64_t end) const;
  void check_lanes(const isa::LaneRegisters& registers) const;
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw_error("RUN {}: {}", run_index_, fmt::format(format, std::forward<Args>(args)...));
  }

  machine::Config config_;
  std::vector<std::uint8_t>& dram_;
  std::vector<std::uint8_t> dmem_, pmem_;
  std::vector<std::int32_t> bias_;
  std::vector<std::uint64_t> scale_;
  std::array<std::int8_t, 4 * isa::dma::kTableWords> table_{};
  std::array<std::uint32_t, isa::dma::kExponentialWords> exponentials_{};
  std::vector<std::int32_t> accumulators_;  ///< [Rows][Cols]
  std::vector<std::int16_t> weights_;       ///< of the compute RUN: [group][column][byte], widened
  const machine::BankOf bank_of_;
  std::vector<std::int64_t> bank_epoch_;
  std::vector<int> bank_count_;
  std::vector<std::int64_t> beat_epoch_;
  std::vector<int> bank_steps_;  ///< of the last gather: steps in which a bank was read
  std::int64_t epoch_ = 0;       ///< gather steps so far
  int columns_ = 0;              ///< of a group of the compute RUN
  int run_index_ = 0;
};

}  // namespace trine::sim
