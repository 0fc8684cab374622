// SPDX-License-Identifier: Apache-2.0
//
// Results of a run, the same for all backends: outputs, cycles and their causes.

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "spec/csr.h"
#include "spec/isa.h"
#include "sw/base/npy.h"
#include "sw/program/program.h"

namespace trine::sim {

using csr::Cause;
inline constexpr int kCauses = static_cast<int>(csr::kCauses.size());
using CauseCycles = std::array<std::uint64_t, kCauses>;

/// The times of one RUN. The n-th entry of RunResult::runs is the n-th RUN in program order.
struct RunTiming {
  isa::Engine engine = isa::Engine::kLoad;
  std::uint64_t start = 0, end = 0;  ///< cycles since the machine's start
};

/// Cycles of one layer: the sum of its spans.
struct LayerResult {
  std::uint64_t cycles = 0;
  CauseCycles causes{};
};

/// The results of a run.
struct RunResult {
  std::vector<Array> outputs;  ///< outputs of the model, in its order
  std::uint64_t cycles = 0;
  CauseCycles causes{};  ///< cycles of each cause; their sum is `cycles`
  std::array<std::uint64_t, isa::kEngines> engine_busy{};
  std::vector<RunTiming> runs;
  std::vector<LayerResult> layers;  ///< results of Program::layers
  std::uint64_t dram_bytes_read = 0, dram_bytes_written = 0;
  std::uint64_t fetched_bytes = 0;  ///< bytes of the program among those read
  /// Words read and written in memories, counted only by the RTL in lockstep. A write of a part of
  /// a word counts as one.
  std::uint64_t dmem_reads = 0, dmem_writes = 0, pmem_reads = 0;
};

/// Returns the last segment's outputs and the sums of all other results.
RunResult in_sequence(std::vector<RunResult> segments);

/// Cycles in a row that belong to one layer.
struct LayerSpan {
  int layer = 0;
  std::uint64_t begin = 0, end = 0;  ///< cycles since the machine's start
};

/// Assigns each cycle to the layer of the engine that works in it. If several engines work, the
/// first of compute, vector, load and store counts. A RUN counts until the next RUN of its engine
/// starts. A cycle in which no engine works belongs to the layer that works next, and the last
/// cycles belong to the layer that worked last.
/// @return the spans in order; they do not overlap, and their sum is `cycles`. A layer has no
/// span if its engine only works while an engine earlier in that list works.
std::vector<LayerSpan> layer_spans(const compiler::Program& program,
                                   const std::vector<RunTiming>& runs, std::uint64_t cycles);

/// Returns the results of each layer.
/// @param causes  cycles of each cause of each span
std::vector<LayerResult> layer_results(const compiler::Program& program,
                                       const std::vector<LayerSpan>& spans,
                                       const std::vector<CauseCycles>& causes);

/// Returns the limit of a layer: "compute", "memory", "drain", "vector" or "control".
std::string bound_of(const CauseCycles& causes);

}  // namespace trine::sim
