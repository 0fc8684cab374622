// SPDX-License-Identifier: Apache-2.0
//
// Checks the compiler's treatment of token maps that fill the memories: residuals that are loaded
// again, layers that follow a normalization, parts of the input that arrive while others are used.

#include <algorithm>
#include <string>

#include "sw/base/error.h"
#include "sw/compiler/partition/ends.h"
#include "sw/compiler/search/search.h"
#include "tests/compiler/testing.h"

namespace trine::sim {
namespace {

using testing::Builder;

compiler::Network planned(const model::Graph& graph, const spec::Config& config) {
  return compiler::search(compiler::lower(graph, config, {}), config).network;
}

std::uint64_t cycles(Builder& b, const spec::Config& config, int output) {
  b.graph.outputs = {output};
  std::vector<Array> inputs;
  for (const int t : b.graph.inputs) inputs.push_back(b.random_array(t));
  return testing::require_exact(b.graph, config, inputs).cycles;
}

TEST_CASE("a residual that fills the memory is loaded again for its sum", "[arch][tokens]") {
  // x, the hidden map and the intermediate maps do not fit at once.
  const auto make = [](Builder& b) {
    const int x = b.input({64, 128});
    const int y = b.fully_connected(b.fully_connected(x, 128, 128), 128, 256);
    return b.addition(b.fully_connected(y, 256, 128), x);
  };
  const auto reloads = [&](int dmem_kib) {
    Builder b(3);
    b.graph.outputs = {make(b)};
    const compiler::Network network =
        planned(b.graph, testing::small_config(8, 8, dmem_kib, 64, 64));
    return std::count_if(network.maps.begin(), network.maps.end(),
                         [](const compiler::Map& m) { return m.reloads >= 0; });
  };
  CHECK(reloads(64) == 0);
  int found = 0;
  for (const int dmem_kib : {16, 20, 24, 28}) {
    CAPTURE(dmem_kib);
    found += reloads(dmem_kib) > 0;
    Builder b(3);
    const int sum = make(b);
    cycles(b, testing::small_config(8, 8, dmem_kib, 64, 64), sum);
  }
  CHECK(found > 0);
}

TEST_CASE("a product begins with the first tokens that a normalization has made",
          "[arch][tokens][norm]") {
  spec::Config config = testing::small_config(8, 8, 128, 64, 64);
  config.param_channels = 1024;
  const auto run = [&](bool norm, bool product) {
    Builder b(1);
    // An extra addition, so that both wait for their input in DMEM.
    const int input = b.input({64, 256});
    int x = b.addition(input, input);
    if (norm) x = b.normalization(x, true);
    if (product) x = b.fully_connected(x, 256, 256);
    return cycles(b, config, x);
  };
  const std::uint64_t neither = run(false, false);
  const std::uint64_t norm = run(true, false) - neither;
  CHECK(run(true, true) < run(false, true) + norm * 2 / 3);
}

TEST_CASE("maps of tokens are exact whatever their parts", "[arch][tokens]") {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    spec::Config config = testing::random_config(b);
    config.dmem_kib = b.number(16, 32);
    config.axi_data_bits = std::min(config.axi_data_bits, 128);
    CAPTURE(config.to_toml());
    const int tokens = b.number(1, 90), channels = 4 * b.number(1, 40);
    const int x = b.input({tokens, channels});
    const int hidden = b.number(1, 300);
    int y = b.fully_connected(b.normalization(x, true), channels, hidden);
    y = b.addition(b.fully_connected(y, hidden, channels), x);
    y = b.fully_connected(b.normalization(y, false), channels, b.number(1, 200));
    config.param_channels = std::max(config.param_channels, 192);
    CAPTURE(testing::text_of(b.graph));
    cycles(b, config, y);
  }
}

}  // namespace
}  // namespace trine::sim
