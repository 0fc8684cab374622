// SPDX-License-Identifier: Apache-2.0
//
// Checks that a network built in code has the same outputs as the golden layers.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/arch/simulate.h"
#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/compiler/compiler.h"
#include "sw/compiler/partition/segments.h"
#include "sw/model/rewrite/expand.h"
#include "sw/program/host.h"
#include "sw/reference/golden.h"
#include "tools/random/testing.h"

namespace trine::sim::testing {

/// The number of random networks of a test.
#ifdef TRINE_SLOW_TESTS
constexpr unsigned kSeeds = 2000;
#else
constexpr unsigned kSeeds = 100;
#endif

using fuzz::Builder;
using fuzz::random_config;
using fuzz::random_map;
using fuzz::random_operand;
using fuzz::random_padding;
using fuzz::random_shape;
using fuzz::small_config;
using fuzz::text_of;
using fuzz::widen;

/// Compiles and runs the network and compares its outputs with the golden layers'.
inline RunResult require_exact(const model::Graph& graph, const spec::Config& config,
                               const std::vector<Array>& inputs,
                               const reference::RoundingPolicy& rounding = {},
                               const compiler::Ways& ways = {}) {
  const compiler::Program program = compiler::compile(graph, config, {rounding, ways});
  const RunResult result = run_arch(program, inputs);
  const auto expected = reference::outputs_of(graph, reference::run_graph(graph, inputs, rounding));
  REQUIRE(compiler::first_difference(program, result.outputs, expected) == "");
  return result;
}

/// Writes a program to a file, reads it again and runs it segment by segment. Returns its outputs.
inline std::vector<Array> run_segments(const compiler::Program& program,
                                       std::vector<Array> arrays) {
  const std::string bytes = compiler::serialize(program);
  const compiler::Program read = compiler::parse_program({bytes.begin(), bytes.end()}, "x.trine");
  for (const compiler::Program* segment : compiler::segments(read))
    arrays = run_arch(*segment, arrays).outputs;
  return arrays;
}

/// Does the same as require_exact() and doubles the memories until the largest tensor fits.
inline RunResult require_exact_with_room(const model::Graph& graph, spec::Config config,
                                         const std::vector<Array>& inputs,
                                         const reference::RoundingPolicy& rounding = {},
                                         const compiler::Ways& ways = {}) {
  for (int doublings = 0;; ++doublings) try {
      return require_exact(graph, config, inputs, rounding, ways);
    } catch (const Error& e) {  // only for its size
      if (doublings == 6 ||
          std::string_view(e.what()).find("cannot hold any part of it") == std::string::npos)
        throw;
      config.dmem_kib *= 2;
      config.pmem_kib *= 2;
      config.param_channels *= 2;
    }
}

/// Checks the operator that `make` adds to the graph on a random configuration.
template <typename Make>
void check(unsigned seed, Make make) {
  CAPTURE(seed);
  Builder b(seed);
  const spec::Config config = random_config(b);
  CAPTURE(config.to_toml());
  b.graph.outputs = {make(b)};
  CAPTURE(text_of(b.graph));
  b.graph = model::expanded(std::move(b.graph));
  std::vector<Array> inputs;
  for (const int t : b.graph.inputs) inputs.push_back(b.random_array(t));
  require_exact_with_room(
      b.graph, config, inputs,
      b.number(0, 1) == 0 ? reference::kDoublePolicy : reference::kSinglePolicy);
}

/// Does the same as check() on a configuration whose weight rows fill whole beats, for operators
/// that read maps as weights.
template <typename Make>
void check_wide(unsigned seed, Make make) {
  unsigned wide = seed;
  for (bool found = false; !found; wide += 100'000) {
    Builder b(wide);
    const spec::Config config = random_config(b);
    found = config.cols >= config.data_words();
    if (found) break;
  }
  check(wide, make);
}

}  // namespace trine::sim::testing
