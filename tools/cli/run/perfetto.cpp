// SPDX-License-Identifier: Apache-2.0

#include "tools/cli/run/perfetto.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

namespace trine::cli {
namespace {

constexpr int kProcess = 1;
constexpr std::string_view kLayers = "layers";

/// Assigns RUNs to tracks. The RUNs of a thread's track may nest but not overlap like RUNs of an
/// engine, so each goes to the first free track of its engine.
class Tracks {
 public:
  void add(std::string_view category, const std::string& name, std::uint64_t begin,
           std::uint64_t end) {
    std::vector<Track>& tracks = tracks_[category];
    auto track = std::find_if(tracks.begin(), tracks.end(),
                              [begin](const Track& t) { return t.free <= begin; });
    if (track == tracks.end()) track = tracks.insert(track, {next_thread(category), 0});
    track->free = end;
    events_.push_back({{"ph", "X"},
                       {"pid", kProcess},
                       {"tid", track->thread},
                       {"cat", category},
                       {"name", name},
                       {"ts", begin},
                       {"dur", end - begin}});
  }

  /// Returns all events, and the names of the tracks.
  Json events() const {
    Json all = Json::array();
    for (const auto& [category, tracks] : tracks_)
      for (const Track& track : tracks)
        all.push_back(named("thread_name", track.thread, std::string(category)));
    all.insert(all.end(), events_.begin(), events_.end());
    return all;
  }

  static Json named(const char* what, int thread, const std::string& name) {
    return {{"ph", "M"},
            {"pid", kProcess},
            {"tid", thread},
            {"name", what},
            {"args", {{"name", name}}}};
  }

 private:
  struct Track {
    int thread;
    std::uint64_t free;  ///< from this cycle on
  };

  /// Returns thread numbers that sort layers first, then the engines in their order.
  int next_thread(std::string_view category) const {
    constexpr int kTrackStride = 100;
    const auto engine = std::find(isa::kEngineNames.begin(), isa::kEngineNames.end(), category);
    const auto place = category == kLayers ? 0 : 1 + (engine - isa::kEngineNames.begin());
    return kTrackStride * static_cast<int>(place) + static_cast<int>(tracks_.at(category).size());
  }

  std::map<std::string_view, std::vector<Track>> tracks_;
  Json events_ = Json::array();
};

/// The segments of a program, placed one after the other in time.
class Segments {
 public:
  explicit Segments(const sim::RunResult& run) : run_(run) {}

  void add(const compiler::Program& segment) {
    const std::vector<sim::RunTiming> runs = next_runs(segment.run_layer.size());
    std::uint64_t cycles = 0;
    for (std::size_t i = 0; i < segment.layers.size(); ++i)
      cycles += run_.layers.at(layer_++).cycles;
    for (const sim::LayerSpan& span : sim::layer_spans(segment, runs, cycles))
      push(kLayers, segment.layers.at(static_cast<std::size_t>(span.layer)).name, span.begin,
           span.end);
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const auto layer = static_cast<std::size_t>(segment.run_layer[i]);
      push(isa::kEngineNames[static_cast<std::size_t>(runs[i].engine)],
           segment.layers.at(layer).name, runs[i].start, runs[i].end);
    }
    origin_ += cycles;
  }

  const Tracks& tracks() const { return tracks_; }

 private:
  /// Returns RUN times in cycles since the segment's start.
  std::vector<sim::RunTiming> next_runs(std::size_t count) {
    std::vector<sim::RunTiming> runs;
    for (std::size_t i = 0; i < count; ++i) {
      const sim::RunTiming& r = run_.runs.at(run_index_++);
      runs.push_back({r.engine, r.start - origin_, r.end - origin_});
    }
    return runs;
  }

  void push(std::string_view category, const std::string& name, std::uint64_t begin,
            std::uint64_t end) {
    tracks_.add(category, name, origin_ + begin, origin_ + end);
  }

  const sim::RunResult& run_;
  std::size_t run_index_ = 0, layer_ = 0;
  std::uint64_t origin_ = 0;
  Tracks tracks_;
};

}  // namespace

Json trace_of(const compiler::Program& program, const sim::RunResult& run,
              const std::string& backend) {
  Segments segments(run);
  for (const compiler::Program* segment : compiler::segments(program)) segments.add(*segment);
  Json events = segments.tracks().events();
  events.insert(events.begin(), Tracks::named("process_name", 0,
                                              fmt::format("{} on {}, 1 us = 1 cycle", program.name,
                                                          program.config.name)));
  return {{"displayTimeUnit", "ns"},
          {"otherData", {{"model", program.name}, {"backend", backend}, {"cycles", run.cycles}}},
          {"traceEvents", std::move(events)}};
}

}  // namespace trine::cli
