// SPDX-License-Identifier: Apache-2.0

#include "sim/result.h"

#include <algorithm>
#include <limits>

namespace trine::sim {
namespace {

/// The beginning of a span that never comes.
constexpr std::uint64_t kNoRun = std::numeric_limits<std::uint64_t>::max();

/// The RUNs of one engine in order of time.
class Turns {
 public:
  void add(const RunTiming& run, int layer) {
    if (!spans_.empty()) spans_.back().end = std::min(spans_.back().end, run.start);
    spans_.push_back({layer, run.start, run.end});
  }
  /// Returns the first span that ends after `now`, or one that never begins.
  LayerSpan at(std::uint64_t now) {
    while (next_ < spans_.size() && spans_[next_].end <= now) ++next_;
    return next_ < spans_.size() ? spans_[next_] : LayerSpan{0, kNoRun, kNoRun};
  }

 private:
  std::vector<LayerSpan> spans_;
  std::size_t next_ = 0;
};

/// Engines in the order in which they decide whose cycle it is.
constexpr isa::Engine kDeciding[] = {isa::Engine::kCompute, isa::Engine::kVector,
                                     isa::Engine::kLoad, isa::Engine::kStore};

/// Returns the span from `now` on in which one engine decides. It begins later than `now` if no
/// engine works, and ends no later than a deciding engine begins.
LayerSpan next_span(std::array<Turns, isa::kEngines>& turns, std::uint64_t now) {
  LayerSpan found{0, kNoRun, kNoRun};
  for (const isa::Engine engine : kDeciding) {
    const LayerSpan span = turns[static_cast<std::size_t>(engine)].at(now);
    const std::uint64_t begin = std::max(span.begin, now);
    if (begin < found.begin) found = {span.layer, begin, std::min(span.end, found.begin)};
  }
  return found;
}

}  // namespace

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
  std::array<Turns, isa::kEngines> turns;
  for (std::size_t i = 0; i < runs.size(); ++i)
    turns[static_cast<std::size_t>(runs[i].engine)].add(runs[i], program.run_layer.at(i));
  std::vector<LayerSpan> spans;
  const auto extend = [&](int layer, std::uint64_t end) {
    if (spans.empty() || spans.back().layer != layer)
      spans.push_back({layer, spans.empty() ? 0 : spans.back().end, end});
    spans.back().end = end;
  };
  for (std::uint64_t now = 0; now < cycles;) {
    const LayerSpan next = next_span(turns, now);
    if (next.begin >= cycles) break;
    now = std::min(next.end, cycles);
    extend(next.layer, now);
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
