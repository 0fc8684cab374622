// SPDX-License-Identifier: Apache-2.0

#include "sim/result.h"

#include <algorithm>

namespace trine::sim {

RunResult in_sequence(std::vector<RunResult> segments) {
  RunResult all = std::move(segments.front());
  for (std::size_t s = 1; s < segments.size(); ++s) {
    RunResult& segment = segments[s];
    all.outputs = std::move(segment.outputs);
    for (RunTiming run : segment.runs)
      all.runs.push_back({run.engine, run.start + all.cycles, run.end + all.cycles});
    all.cycles += segment.cycles;
    for (std::size_t c = 0; c < kCauses; ++c) all.causes[c] += segment.causes[c];
    for (std::size_t e = 0; e < isa::kEngines; ++e) all.engine_busy[e] += segment.engine_busy[e];
    all.layers.insert(all.layers.end(), segment.layers.begin(), segment.layers.end());
    all.dram_bytes_read += segment.dram_bytes_read;
    all.dram_bytes_written += segment.dram_bytes_written;
    all.fetched_bytes += segment.fetched_bytes;
  }
  return all;
}

std::vector<LayerSpan> layer_spans(const compiler::Program& program,
                                   const std::vector<RunTiming>& runs, std::uint64_t cycles) {
  std::vector<LayerSpan> spans;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].engine == isa::Engine::kLoad) continue;
    const int layer = program.run_layer.at(i);
    const std::uint64_t begin = spans.empty() ? 0 : spans.back().end;
    if (spans.empty() || spans.back().layer != layer) spans.push_back({layer, begin, begin});
    spans.back().end = std::max(spans.back().end, runs[i].end);
  }
  if (!spans.empty()) spans.back().end = cycles;
  return spans;
}

std::vector<LayerResult> layer_results(const compiler::Program& program,
                                       const std::vector<LayerSpan>& spans,
                                       const std::vector<CauseCycles>& causes) {
  std::vector<LayerResult> results(program.layers.size());
  for (std::size_t i = 0; i < spans.size(); ++i) {
    LayerResult& result = results.at(static_cast<std::size_t>(spans[i].layer));
    result.cycles += spans[i].end - spans[i].begin;
    for (std::size_t c = 0; c < kCauses; ++c) result.causes[c] += causes[i][c];
  }
  return results;
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
