// SPDX-License-Identifier: Apache-2.0

#include "sim/result.h"

#include <algorithm>

namespace trine::sim {

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
