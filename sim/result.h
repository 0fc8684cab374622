// SPDX-License-Identifier: Apache-2.0
//
// What a run of a program gives, whichever backend ran it: outputs, cycles and where they went.

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/npy.h"
#include "machine/csr.h"
#include "machine/isa.h"
#include "sw/program/program.h"

namespace trine::sim {

using csr::Cause;
inline constexpr int kCauses = static_cast<int>(csr::kCauses.size());
using CauseCycles = std::array<std::uint64_t, kCauses>;

/// One RUN; the n-th entry of RunResult::runs is the n-th RUN in program order.
struct RunTiming {
  isa::Engine engine = isa::Engine::kLoad;
  std::uint64_t start = 0, end = 0;  ///< cycles since the machine's start
};

/// Cycles of one layer: of its spans.
struct LayerResult {
  std::uint64_t cycles = 0;
  CauseCycles causes{};
};

struct RunResult {
  std::vector<Array> outputs;  ///< of the model, in its order
  std::uint64_t cycles = 0;
  CauseCycles causes{};  ///< add up to cycles
  std::array<std::uint64_t, isa::kEngines> engine_busy{};
  std::vector<RunTiming> runs;
  std::vector<LayerResult> layers;  ///< of Program::layers
  std::uint64_t dram_bytes_read = 0, dram_bytes_written = 0;
  std::uint64_t fetched_bytes = 0;  ///< of those read, the program's
  /// Words of memories, of the RTL in lockstep alone. Those written are writes of a word or part.
  std::uint64_t dmem_reads = 0, dmem_writes = 0, pmem_reads = 0;
};

/// One stage after the other: the last one's outputs, sums of the rest.
RunResult in_sequence(std::vector<RunResult> stages);

/// RUNs of one layer that follow each other in the program, loads aside, which come ahead.
struct LayerSpan {
  int layer = 0;
  std::uint64_t begin = 0, end = 0;  ///< cycles since the machine's start
};

/// The spans, in order. A span ends when its last RUN has ended, or with the span before if that
/// ended later, the last one at `cycles`: so they share no cycle and add up to the total.
std::vector<LayerSpan> layer_spans(const compiler::Program& program,
                                   const std::vector<RunTiming>& runs, std::uint64_t cycles);

/// @param causes  of the cycles of each span
std::vector<LayerResult> layer_results(const compiler::Program& program,
                                       const std::vector<LayerSpan>& spans,
                                       const std::vector<CauseCycles>& causes);

/// What limits a layer: "compute", "memory", "drain", "vector" or "control".
std::string bound_of(const CauseCycles& causes);

}  // namespace trine::sim
