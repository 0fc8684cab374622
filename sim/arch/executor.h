// SPDX-License-Identifier: Apache-2.0
//
// Executes instructions on the machine's memories, bit by bit as docs/architecture.md defines them.
// Instructions are executed whole, in program order; walk.h and timeline.h predict their timing.

#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "sim/arch/stop.h"
#include "spec/config.h"
#include "spec/group_rows.h"
#include "spec/isa.h"
#include "spec/lanes.h"
#include "sw/base/error.h"
#include "sw/program/verify.h"
#include "sw/reference/ops/norm.h"

namespace trine::sim {

using isa::Lanes;

/// A word written to DMEM. Compute and vector write the bits of `mask`, loads write all bits.
struct DmemWrite {
  std::uint32_t address = 0;  ///< word address
  std::uint32_t data = 0;     ///< value of the word after the write
  std::uint32_t mask = 0;     ///< bits that were written
  int run = 0;                ///< index of the RUN in the program
};

/// Checks the verifier's result.
/// @throws Error, or Stop if the hardware would end with a cause
void require(const std::optional<program::Objection>& objection, int run_index);

/// A core with its memories.
class Executor {
 public:
  /// Creates a machine with zeros in its memories.
  /// @param dram  the memory at BASE; must outlive the machine
  Executor(const spec::Config& config, std::span<std::uint8_t> dram);

  /// Function that is called for every DMEM word written, in order.
  std::function<void(const DmemWrite&)> on_dmem_write;

  /// Executes a RUN on a machine of one core.
  /// @param run_index  index of the RUN in the program, for messages
  /// @throws Error  the RUN breaks a rule (program::RunVerifier, or a rule about data in memory)
  /// @throws Stop  with the cause that the hardware would end with
  void execute(isa::Engine engine, const isa::Registers& registers, const isa::Run& run,
               int run_index);
  /// Executes a RUN on one core. The caller has verified it, except for rules about data in memory.
  /// @param maps  the machine whose DMEM a load reads, if it reads one
  void execute_verified(isa::Engine engine, const isa::Registers& registers, const isa::Run& run,
                        int run_index, const Executor& maps);

  const std::vector<std::uint8_t>& dmem() const { return dmem_; }

 private:
  struct ZeroPoints;
  struct Tile;

  void transfer(isa::Engine engine, const isa::TransferRegisters& registers, const isa::Run& run,
                const Executor& maps);
  void load_packed(isa::dma::Target target, const std::uint8_t* from,
                   const isa::TransferRegisters& registers);
  void load_row(isa::dma::Target target, const std::uint8_t* from, std::int64_t local,
                std::int64_t words);
  void load_columns(const std::uint8_t* from, std::int64_t local, std::int64_t words, int column);
  void compute(const isa::ComputeRegisters& registers, const isa::Run& run);
  void drain(const isa::ComputeRegisters& registers, const isa::Run& run, const Lanes& lanes,
             int group);
  void vector(const isa::VectorRegisters& registers, const isa::Run& run);
  void check_exponentials() const;
  void row(const isa::VectorRegisters& registers, const isa::Run& run, const Lanes& lanes,
           const Tile& tile);
  reference::ChannelScale share_of(std::int64_t high, std::int64_t low) const;
  std::vector<int> softmax(const isa::VectorRegisters& registers, bool rescales,
                           const std::vector<int>& codes) const;
  reference::NormParams norm_params(const isa::VectorRegisters& registers,
                                    const isa::Run& run) const;
  void over_channels(const isa::VectorRegisters& registers, const isa::Run& run,
                     const reference::NormParams* norm, const Lanes& lanes, const Tile& tile);
  void vector_word(const isa::VectorRegisters& registers, const isa::Run& run, const Lanes& lanes,
                   const Tile& tile, std::int64_t cw);
  void word_code(const isa::VectorRegisters& registers, const isa::Run& run, const Lanes& lanes,
                 const Tile& tile, std::int64_t cw);
  void wide_word(const isa::VectorRegisters& registers, const isa::Run& run, const Lanes& lanes,
                 const Tile& tile, std::int64_t cw);
  void read_weights(std::int64_t row, int groups, std::int64_t steps, int steps_per_row, int values,
                    const spec::Precision& precision);
  void dense_group(const Lanes& lanes, const Tile& tile, int per_word, int group,
                   const ZeroPoints& zero, bool low);
  std::int32_t accumulated(std::int64_t sum) const;
  static spec::GroupRows group_rows(const isa::ComputeRegisters& r);
  void read_groups(const isa::ComputeRegisters& r, std::int64_t row, int groups);
  void scaled_group(const isa::ComputeRegisters& r, const Lanes& lanes, const Tile& tile,
                    int group);
  void window_group(const Lanes& lanes, const Tile& tile, std::int64_t row, int group,
                    const ZeroPoints& zero);
  /// Reads the words of a step.
  /// @param offset  address of the first tap relative to the lanes' base
  void gather(const isa::LaneRegisters& registers, const Lanes& lanes, Tile& tile,
              std::int64_t offset = 0) const;
  void write_dmem(std::int64_t address, std::uint32_t data, std::uint32_t mask);
  int lookup(std::size_t lane, int code) const {
    return tables_[lane % 2][static_cast<std::uint8_t>(code)];
  }
  int on_line(std::int64_t x, bool tanh) const;
  int exponential_on_line(std::int64_t x) const;
  static std::int32_t long_code(std::int64_t sum, std::int32_t bias,
                                const reference::ChannelScale& scale,
                                const reference::OutputRange& range, bool half_even);
  static std::int32_t short_code(std::int64_t kept, const reference::ChannelScale& s,
                                 const reference::OutputRange& range, bool half_even);
  static std::int32_t five_code(const std::uint32_t* even, const std::uint32_t* odd,
                                const reference::ChannelScale& s,
                                const reference::OutputRange& range, bool half_even);
  std::int32_t wide_code(const isa::ComputeRegisters& registers, const isa::Run& run,
                         std::int64_t entry, const reference::ChannelScale& scale,
                         std::int64_t sum) const;
  int threshold(const isa::ComputeRegisters& registers, std::int32_t acc, int entry) const;
  std::uint32_t read_dmem(std::int64_t address) const;
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw_error("RUN {}: {}", run_index_, fmt::format(format, std::forward<Args>(args)...));
  }

  template <typename... Args>
  [[noreturn]] void stop_with(std::string_view cause, fmt::format_string<Args...> format,
                              Args&&... args) const {
    stop(cause, "RUN {}: {}", run_index_, fmt::format(format, std::forward<Args>(args)...));
  }

  spec::Config config_;
  std::span<std::uint8_t> dram_;
  program::RunVerifier verify_run_;
  std::vector<std::uint8_t> dmem_, pmem_;
  std::vector<std::int32_t> bias_;
  std::vector<std::uint64_t> scale_;
  /// The lookup tables of even and of odd lanes: the high and the low bytes of points, or the same
  /// codes in both.
  std::array<std::array<std::int8_t, 4 * isa::dma::kTableWords>, 2> tables_{};
  std::array<std::uint32_t, isa::dma::kExponentialWords> exponentials_{};
  std::vector<std::uint8_t> low_bytes_;     ///< low bytes of a load, minus 128
  std::vector<std::int32_t> accumulators_;  ///< [Rows][Cols]
  std::vector<std::uint32_t> factors_;      ///< factors of groups: [group][column][part]
  /// Weights of the compute RUN, widened: [group][column][byte].
  std::vector<std::int16_t> weights_;
  int run_index_ = 0;
};

}  // namespace trine::sim
