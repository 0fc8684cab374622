// SPDX-License-Identifier: Apache-2.0

#include "sim/result.h"

#include "sw/base/catch.h"

namespace trine::sim {
namespace {

using isa::Engine;

TEST_CASE("the last span ends with the program, and layers sum up their spans", "[arch][result]") {
  compiler::Program program;
  program.layers.resize(4);
  program.run_layer = {0, 1, 1, 0, 3};  // the third has no RUN
  const auto ends = [&](const std::vector<RunTiming>& runs) {
    std::vector<std::pair<int, std::uint64_t>> result;
    for (const LayerSpan& s : layer_spans(program, runs, 75)) result.emplace_back(s.layer, s.end);
    return result;
  };
  const std::vector<RunTiming> runs{{Engine::kLoad, 0, 10},
                                    {Engine::kCompute, 10, 40},
                                    {Engine::kVector, 12, 30},
                                    {Engine::kStore, 40, 55},
                                    {Engine::kStore, 55, 70}};
  using Ends = std::vector<std::pair<int, std::uint64_t>>;
  CHECK(ends(runs) == Ends{{0, 10}, {1, 40}, {0, 55}, {3, 75}});
  const std::vector<LayerResult> layers = layer_results(
      program, layer_spans(program, runs, 75),
      {CauseCycles{{0, 10}}, CauseCycles{{30}}, CauseCycles{{10, 5}}, CauseCycles{{20}}});
  CHECK(layers.size() == 4);
  CHECK(layers[0].cycles == 25);
  CHECK(layers[0].causes == CauseCycles{{10, 15}});
  CHECK(layers[1].cycles == 30);
  CHECK(layers[2].cycles == 0);
  CHECK(layers[3].cycles == 20);
  CHECK(ends({}).empty());
}

TEST_CASE("a cycle belongs to the layer of the engine at work, compute first", "[arch][result]") {
  struct Work {
    Engine engine;
    std::uint64_t start, end;
    int layer;
  };
  const auto owners = [](const std::vector<Work>& works, std::uint64_t cycles) {
    compiler::Program program;
    std::vector<RunTiming> runs;
    for (const Work& work : works) {
      program.run_layer.push_back(work.layer);
      runs.push_back({work.engine, work.start, work.end});
    }
    std::string text(cycles, '.');
    std::uint64_t end = 0;
    for (const LayerSpan& span : layer_spans(program, runs, cycles)) {
      CHECK(span.begin == end);
      end = span.end;
      text.replace(span.begin, end - span.begin, end - span.begin,
                   static_cast<char>('0' + span.layer));
    }
    return text;
  };
  // A vector layer takes long, and a product follows it part by part.
  CHECK(owners({{Engine::kVector, 2, 6, 1},
                {Engine::kCompute, 7, 9, 2},
                {Engine::kVector, 6, 12, 1},
                {Engine::kCompute, 13, 16, 2}},
               18) == "111111122111222222");
  // A RUN ends when the next RUN of its engine starts, although the array still drains.
  CHECK(owners({{Engine::kCompute, 0, 9, 1}, {Engine::kCompute, 5, 12, 2}}, 12) == "111112222222");
  // Loads and stores decide only if nothing is computed; a gap belongs to what follows.
  CHECK(owners({{Engine::kLoad, 1, 6, 3},
                {Engine::kStore, 2, 12, 4},
                {Engine::kCompute, 4, 5, 1},
                {Engine::kVector, 14, 15, 2}},
               16) == "3333134444442222");
  // Layer 2 only works while layer 1 computes.
  CHECK(owners({{Engine::kCompute, 0, 9, 1}, {Engine::kVector, 3, 9, 2}}, 10) == "1111111111");
}

TEST_CASE("a layer is bound by the causes that take the most of its cycles", "[arch][result]") {
  //                               compute bank drain memory vector store control load
  CHECK(bound_of(CauseCycles{{30, 0, 29, 10, 29, 9, 29, 10}}) == "compute");
  CHECK(bound_of(CauseCycles{{15, 16, 30, 10, 30, 9, 30, 10}}) == "compute");
  CHECK(bound_of(CauseCycles{{15, 14, 29, 10, 29, 10, 29, 10}}) == "memory");
  CHECK(bound_of(CauseCycles{{15, 14, 30, 10, 29, 10, 29, 9}}) == "drain");
  CHECK(bound_of(CauseCycles{{15, 14, 29, 10, 30, 10, 29, 9}}) == "vector");
  CHECK(bound_of(CauseCycles{{15, 14, 29, 10, 29, 10, 30, 9}}) == "control");
}

TEST_CASE("segments follow each other in one result", "[arch][result]") {
  const auto segment = [](std::uint64_t n) {
    RunResult r;
    r.outputs = {{"i1", {1}, {static_cast<std::uint8_t>(n)}}};
    r.cycles = 100 * n;
    for (std::size_t c = 0; c < kCauses; ++c) r.causes[c] = n * (c + 1);
    for (std::size_t e = 0; e < isa::kEngines; ++e) r.engine_busy[e] = n * (e + 20);
    r.runs = {{Engine::kVector, 3 * n, 7 * n}};
    r.layers = {{100 * n, r.causes}};
    r.dram_bytes_read = 1000 * n;
    r.dram_bytes_written = 2000 * n;
    r.fetched_bytes = 300 * n;
    return r;
  };
  const RunResult all = in_sequence({segment(1), segment(2), segment(4)});
  CHECK(all.outputs[0].bytes == std::vector<std::uint8_t>{4});  // outputs of the last
  CHECK(all.cycles == 700);
  for (std::size_t c = 0; c < kCauses; ++c) CHECK(all.causes[c] == 7 * (c + 1));
  for (std::size_t e = 0; e < isa::kEngines; ++e) CHECK(all.engine_busy[e] == 7 * (e + 20));
  CHECK(all.dram_bytes_read == 7000);
  CHECK(all.dram_bytes_written == 14000);
  CHECK(all.fetched_bytes == 2100);
  REQUIRE(all.layers.size() == 3);
  CHECK(all.layers[2].cycles == 400);
  REQUIRE(all.runs.size() == 3);
  CHECK(all.runs[0].end == 7);
  CHECK(all.runs[1].engine == Engine::kVector);
  CHECK(all.runs[1].start == 100 + 6);
  CHECK(all.runs[1].end == 100 + 14);
  CHECK(all.runs[2].start == 300 + 12);
  CHECK(all.runs[2].end == 300 + 28);
}

}  // namespace
}  // namespace trine::sim
