// SPDX-License-Identifier: Apache-2.0

#include "sim/result.h"

#include <algorithm>

namespace trine::sim {

RunResult in_sequence(std::vector<RunResult> stages) {
  RunResult all = std::move(stages.front());
  for (std::size_t s = 1; s < stages.size(); ++s) {
    RunResult& stage = stages[s];
    all.outputs = std::move(stage.outputs);
    for (RunTiming run : stage.runs)
      all.runs.push_back({run.engine, run.start + all.cycles, run.end + all.cycles});
    all.cycles += stage.cycles;
    for (std::size_t c = 0; c < kCauses; ++c) all.causes[c] += stage.causes[c];
    for (std::size_t e = 0; e < isa::kEngines; ++e) all.engine_busy[e] += stage.engine_busy[e];
    all.layers.insert(all.layers.end(), stage.layers.begin(), stage.layers.end());
    all.dram_bytes_read += stage.dram_bytes_read;
    all.dram_bytes_written += stage.dram_bytes_written;
  }
  return all;
}

std::vector<std::uint64_t> layer_ends(const compiler::Program& program,
                                      const std::vector<RunTiming>& runs, std::uint64_t cycles) {
  std::vector<std::uint64_t> ends(program.layers.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    std::uint64_t& end = ends.at(static_cast<std::size_t>(program.run_layer.at(i)));
    end = std::max(end, runs[i].end);
  }
  for (std::size_t i = 1; i < ends.size(); ++i) ends[i] = std::max(ends[i], ends[i - 1]);
  if (!ends.empty()) ends.back() = cycles;
  return ends;
}

std::string bound_of(const CauseCycles& causes) {
  const auto cycles = [&](Cause cause) { return causes[static_cast<std::size_t>(cause)]; };
  const std::pair<const char*, std::uint64_t> bounds[] = {
      {"compute", cycles(Cause::kCompute) + cycles(Cause::kBank)},
      {"memory", cycles(Cause::kMemory) + cycles(Cause::kLoad) + cycles(Cause::kStore)},
      {"drain", cycles(Cause::kDrain)},
      {"vector", cycles(Cause::kVector)},
      {"control", cycles(Cause::kControl)}};
  return std::max_element(std::begin(bounds), std::end(bounds),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

}  // namespace trine::sim
