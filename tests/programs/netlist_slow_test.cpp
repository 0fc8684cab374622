// SPDX-License-Identifier: Apache-2.0
//
// Tests a whole 4x4 design after synthesis, in cells of a library: it must run the same programs as
// the RTL.

#include <filesystem>

#include "sim/rtl/simulate.h"
#include "sw/base/catch.h"
#include "sw/compiler/compiler.h"
#include "sw/model/graph/graph.h"
#include "sw/model/import/import.h"
#include "sw/program/host.h"
#include "sw/reference/vectors/vectors.h"
#include "tests/programs/random_program.h"

using namespace trine;
using namespace trine::tests;
namespace fs = std::filesystem;

namespace {

const RandomDesign kDesign{4, 4, 64, 4, 2, true};
const fs::path kRoot = TRINE_SOURCE_DIR;

sim::BuildOptions netlist_build() {
  sim::BuildOptions build;
  build.netlist = true;
  return build;
}

/// Requires the first vectors of a model.
void require_exact(const fs::path& model, const fs::path& folder, std::size_t cases) {
  CAPTURE(model.string());
  const reference::VectorSet vectors = reference::read_vectors(folder);
  REQUIRE(vectors.cases.size() >= cases);
  const compiler::Program program =
      compiler::compile(model::import_model(model), config_of(kDesign), {vectors.policy});
  sim::RtlOptions options;
  options.build = netlist_build();
  options.build.optimization = 1;
  options.build.quiet = true;
  sim::RtlRunner netlist(program, options);
  for (std::size_t i = 0; i < cases; ++i) {
    const reference::VectorCase& c = vectors.cases[i];
    CAPTURE(c.id);
    CHECK(compiler::first_difference(program, netlist.run(c.inputs).outputs, c.outputs) == "");
  }
}

}  // namespace

TEST_CASE("random instructions give the same memory on the netlist of 4x4", "[netlist][slow]") {
  check_random_programs(kDesign, 40, netlist_build());
}

TEST_CASE("networks are exact on the netlist of 4x4", "[netlist][slow]") {
  require_exact(kRoot / "models/plus_filter.tflite", kRoot / "models/plus_filter/vectors", 1);
  require_exact(kRoot / "models/lenet_mnist.tflite", kRoot / "models/lenet_mnist/vectors", 1);
  require_exact(kRoot / "models/mnist_mixed.onnx", kRoot / "models/mnist_mixed/vectors", 2);
  for (const char* layers : {"attention", "decoder_2x16_8"}) {
    const fs::path model = kRoot / "tests/operators" / layers;
    require_exact(model.string() + ".tflite", model, 1);
  }
}
