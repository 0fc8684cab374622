// SPDX-License-Identifier: Apache-2.0
//
// Ternary, binary and mixed networks: recorded vectors of real ones, and random layers against the
// golden ones.

#include <algorithm>
#include <filesystem>

#include "sim/arch/testing.h"
#include "sw/base/error.h"
#include "sw/model/testing.h"
#include "sw/reference/vectors.h"

namespace trine::sim {
namespace {

using model::Encoding;
using testing::require_exact;
using testing::small_config;

gen::Config all_precisions(gen::Config config) {
  config.int8 = config.ternary = config.binary = true;
  return config;
}

constexpr const char* kNets[] = {"TFC_1W1A", "TFC_2W2A", "cnv_w1a1", "cnv_w2a2",
                                 "finn_tfc_w1a1_build_dataflow"};

/// All recorded cases of a network. @return cycles of the slowest
std::uint64_t require_net(const std::string& net, const gen::Config& config) {
  CAPTURE(net, config.to_toml());
  const auto shared = model::shared_folder();
  const model::Graph graph = model::import_model(shared / "models" / (net + ".onnx"));
  const reference::VectorSet vectors = reference::read_vectors(shared / "golden" / net);
  REQUIRE(!vectors.cases.empty());
  // Through the file, with its operators for the host.
  const std::string bytes = compiler::serialize(compiler::compile(graph, config));
  const compiler::Program program =
      compiler::parse_program({bytes.begin(), bytes.end()}, net + ".trine");
  std::uint64_t slowest = 0;
  for (const reference::VectorCase& c : vectors.cases) {
    CAPTURE(c.id);
    const RunResult result = run_arch(program, c.inputs);
    REQUIRE(compiler::first_difference(program, result.outputs, c.outputs) == "");
    slowest = std::max(slowest, result.cycles);
  }
  return slowest;
}

}  // namespace

TEST_CASE("low-bit networks are exact on their vectors", "[arch][lowbit]") {
  if (!model::shared_available()) return;
  for (const char* net : kNets) {
    const auto cycles = require_net(net, gen::load_config("braintta-size"));
    UNSCOPED_INFO(net << " takes " << cycles << " cycles on braintta-size");
    for (const auto& array : {std::pair{4, 4}, {8, 8}, {3, 5}})
      require_net(net, all_precisions(small_config(array.first, array.second, 64, 32, 64)));
  }
}

}  // namespace trine::sim
