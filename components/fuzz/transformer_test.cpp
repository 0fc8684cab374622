// SPDX-License-Identifier: Apache-2.0
//
// Compares blocks of transformers on the architecture simulator with the golden layers.

#include "tools/random/transformer.h"

#include <set>

#include "tests/compiler/testing.h"

namespace trine::fuzz {
namespace {

#ifdef TRINE_SLOW_TESTS
constexpr int kSeeds = 2000;
#else
constexpr int kSeeds = 80;
#endif

spec::Config design(int rows, int cols) { return small_config(rows, cols, 128, 64, 64); }

const std::vector<spec::Config> kDesigns{design(8, 8), design(16, 16), design(5, 7)};

/// Requires exact outputs. @return true if the output contains many codes, so that an error would
/// show
bool require_exact(Builder& b, const BlockShape& shape, const spec::Config& config) {
  CAPTURE(to_text(shape), config.to_toml());
  b.graph.outputs = {transformer_block(b, shape)};
  std::vector<Array> inputs;
  for (const int t : b.graph.inputs) inputs.push_back(b.random_array(t));
  const sim::RunResult result = sim::testing::require_exact(b.graph, config, inputs);
  const std::vector<std::uint8_t>& codes = result.outputs.at(0).bytes;
  const std::set<std::uint8_t> distinct(codes.begin(), codes.end());
  return distinct.size() >= std::min<std::size_t>(16, codes.size() / 3);
}

TEST_CASE("random blocks of transformers equal the golden layers", "[fuzz][transformer]") {
  int telling = 0;
  for (int seed = 1; seed <= kSeeds; ++seed)
    for (const spec::Config& config : kDesigns) {
      CAPTURE(seed);
      Choices choices{static_cast<std::uint64_t>(seed)};
      Builder b(choices);
      const BlockShape shape = random_block_shape(b, 40, 128);
      telling += require_exact(b, shape, config);
    }
  CHECK(telling > 2 * kSeeds);
}

/// Maps are spilled to DRAM and read again, and layers are split into parts.
TEST_CASE("blocks of transformers in small memories equal the golden layers",
          "[fuzz][transformer]") {
  int ran = 0;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    Choices choices{static_cast<std::uint64_t>(seed)};
    Builder b(choices);
    BlockShape shape = random_block_shape(b, 60, 128);
    if (shape.tokens == 1) shape.tokens = 40;
    const spec::Config& like = kDesigns[static_cast<std::size_t>(seed % 3)];
    const int kib = shape.tokens * shape.channels() / 1024;
    const spec::Config config =
        small_config(like.rows, like.cols, std::max(8, seed % 2 == 0 ? 2 * kib : 3 * kib),
                     seed % 5 == 0 ? 32 : 8, seed % 7 == 0 ? 128 : 64);
    try {
      require_exact(b, shape, config);
      ++ran;
    } catch (const Error& e) {  // refused if too small
      REQUIRE_THAT(e.what(), Catch::Matchers::ContainsSubstring("memory.dmem_kib"));
    }
  }
  CHECK(ran > kSeeds / 2);
}

/// Tests every length with every head size, each on one of the designs; all other properties are
/// random.
TEST_CASE("blocks of all lengths and sizes of heads equal the golden layers",
          "[fuzz][transformer]") {
  int seed = 0, telling = 0;
  for (const int tokens : {1, 7, 128, 511})
    for (const int size : {16, 32, 64, 80}) {
      CAPTURE(++seed);
      Choices choices{static_cast<std::uint64_t>(seed)};
      Builder b(choices);
      BlockShape shape = random_block_shape(b, 20, 80);
      shape.tokens = tokens;
      shape.size = size;
      shape.heads = shape.shared = tokens > 100 ? 1 : 2;
      if (seed % 3 == 0) shape.shared = 1;
      shape.hidden = 2 * size;
      telling += require_exact(b, shape, kDesigns[static_cast<std::size_t>(seed % 3)]);
    }
  CHECK(telling >= 12);
}

#ifdef TRINE_SLOW_TESTS
TEST_CASE("large blocks of transformers equal the golden layers", "[fuzz][transformer][slow]") {
  for (int seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    Choices choices{static_cast<std::uint64_t>(seed)};
    Builder b(choices);
    const BlockShape shape = random_block_shape(b, 511, 320);
    require_exact(b, shape, kDesigns[static_cast<std::size_t>(seed % 3)]);
  }
}
#endif

}  // namespace
}  // namespace trine::fuzz
