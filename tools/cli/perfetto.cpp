// SPDX-License-Identifier: Apache-2.0

#include "tools/cli/perfetto.h"

#include <fmt/format.h>

#include <algorithm>

namespace trine::cli {
namespace {

constexpr int kProcess = 1, kLayers = 0;  // thread 0; engine e is thread e + 1

int thread_of(isa::Engine engine) { return 1 + static_cast<int>(engine); }

Json named(const char* what, int thread, const std::string& name) {
  return {
      {"ph", "M"}, {"pid", kProcess}, {"tid", thread}, {"name", what}, {"args", {{"name", name}}}};
}

Json slice(int thread, const std::string& name, std::uint64_t begin, std::uint64_t end) {
  return {{"ph", "X"},    {"pid", kProcess}, {"tid", thread},
          {"name", name}, {"ts", begin},     {"dur", end - begin}};
}

/// Tracks of the stages of a program, one behind the other.
class Tracks {
 public:
  explicit Tracks(const sim::RunResult& run) : run_(run) {}

  void add(const compiler::Program& stage) {
    const std::vector<sim::RunTiming> runs = next_runs(stage.run_layer.size());
    std::uint64_t cycles = 0;
    for (std::size_t i = 0; i < stage.layers.size(); ++i) cycles += run_.layers.at(layer_++).cycles;
    for (const sim::LayerSpan& span : sim::layer_spans(stage, runs, cycles))
      push(kLayers, stage.layers.at(static_cast<std::size_t>(span.layer)).name, span.begin,
           span.end);
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const auto layer = static_cast<std::size_t>(stage.run_layer[i]);
      push(thread_of(runs[i].engine), stage.layers.at(layer).name, runs[i].start, runs[i].end);
    }
    origin_ += cycles;
  }

  Json events() const { return events_; }

 private:
  /// Cycles since the stage's start.
  std::vector<sim::RunTiming> next_runs(std::size_t count) {
    std::vector<sim::RunTiming> runs;
    for (std::size_t i = 0; i < count; ++i) {
      const sim::RunTiming& r = run_.runs.at(run_index_++);
      runs.push_back({r.engine, r.start - origin_, r.end - origin_});
    }
    return runs;
  }

  void push(int thread, const std::string& name, std::uint64_t begin, std::uint64_t end) {
    events_.push_back(slice(thread, name, origin_ + begin, origin_ + end));
  }

  const sim::RunResult& run_;
  std::size_t run_index_ = 0, layer_ = 0;
  std::uint64_t origin_ = 0;
  Json events_ = Json::array();
};

}  // namespace

Json trace_of(const compiler::Program& program, const sim::RunResult& run,
              const std::string& backend) {
  Json events = Json::array(
      {named("process_name", kLayers,
             fmt::format("{} on {}, 1 us = 1 cycle", program.name, program.config.name)),
       named("thread_name", kLayers, "layers")});
  for (int e = 0; e < isa::kEngines; ++e)
    events.push_back(named("thread_name", 1 + e, std::string(isa::kEngineNames[e])));
  Tracks tracks(run);
  for (const compiler::Program* stage : compiler::stages(program)) tracks.add(*stage);
  for (Json& event : tracks.events()) events.push_back(std::move(event));
  return {{"displayTimeUnit", "ns"},
          {"otherData", {{"model", program.name}, {"backend", backend}, {"cycles", run.cycles}}},
          {"traceEvents", std::move(events)}};
}

}  // namespace trine::cli
