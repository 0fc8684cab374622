// SPDX-License-Identifier: Apache-2.0
//
// Checks what emitted transfers move, on random networks whose maps do not all fit on chip.

#include <set>

#include "sw/base/catch.h"
#include "sw/compiler/emit/emitter.h"
#include "sw/compiler/lower/lower.h"
#include "sw/compiler/search/search.h"
#include "sw/compiler/verify/verify.h"
#include "tools/random/testing.h"

namespace trine::compiler {
namespace {

/// The instructions of a random network with joined maps, sums, pools, and layers in stripes.
struct Emitted {
  spec::Config config;
  Planned planned;
  std::vector<Instruction> instructions;

  explicit Emitted(unsigned seed) {
    fuzz::Builder b(seed);
    b.one_scale = true;  // required by CONCATENATION
    config = fuzz::small_config(8, 8, 8, 32, 32 << b.number(0, 3));
    const auto convolution = [&](int from, int channels, int taps) {
      return b.convolution(from, channels, taps, taps, 1, 1, 1, 1, model::Padding::kSame, true);
    };
    const int side = b.number(9, 30);
    const int x = convolution(b.input({1, side, b.number(9, 30), b.number(1, 8)}), 6, 3);
    std::vector<int> parts;
    for (int i = b.number(2, 4); i > 0; --i) parts.push_back(convolution(x, b.number(1, 9), 1));
    int y = b.concatenation(parts, 3);
    b.graph.outputs = {y};
    if (b.number(0, 1) == 0) y = b.depthwise(y, 1, 3, 3, 1, 1, 1, 1, model::Padding::kSame, true);
    if (b.number(0, 1) == 0) y = b.pool(y, true, 2, 2, 2, 2, model::Padding::kSame);
    y = convolution(y, b.number(1, 20), 3);
    if (b.number(0, 1) == 0) b.graph.outputs = {};
    b.graph.outputs.push_back(b.number(0, 1) == 0 ? b.addition(y, y) : y);
    planned = search(lower(b.graph, config, reference::kDoublePolicy), config,
                     {Fusion::kEstimated, Cascading::kAlways});
    const Image image = make_image(planned.network, config, planned.plan);
    Emitter emitter(planned.network, config, planned.plan, image);
    emitter.run();
    instructions = std::move(emitter.instructions);
  }
};

/// The words of DRAM that the pixels of a map use.
std::set<std::int64_t> words_of(const Map& map, const View& view) {
  std::set<std::int64_t> words;
  for (int word = 0; word < map.shape.channel_words(); ++word)
    for (int y = 0; y < map.shape.H; ++y)
      for (int x = 0; x < map.shape.W; ++x) words.insert(view.at(word, y, x));
  return words;
}

}  // namespace

TEST_CASE("each word of a network's outputs is stored", "[compiler][emit][random]") {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    const Emitted e(seed);
    std::set<std::int64_t> stored;
    for (const Instruction& i : e.instructions)
      for (const Region& r : i.writes)
        if (r.space == Space::kDram)
          for (std::int64_t row = 0; row < r.count; ++row)
            for (std::int64_t word = 0; word < r.length; ++word)
              stored.insert(r.start + row * r.stride + word);
    for (std::size_t m = 0; m < e.planned.network.maps.size(); ++m) {
      const Map& map = e.planned.network.maps[m];
      if (!map.output || map.part.whole >= 0) continue;
      CAPTURE(m, map.name);
      const std::set<std::int64_t> all = words_of(map, e.planned.plan.maps[m].dram);
      CHECK(std::ranges::includes(stored, all));
    }
  }
}

TEST_CASE("verifiers accept networks of joined maps and layers in stripes",
          "[compiler][emit][verify][random]") {
  int by_dma = 0, spilled = 0;
  for (unsigned seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    const Emitted e(seed);
    const auto& [network, plan, printed] = e.planned;
    CHECK(fault_of(network, e.config).value_or("") == "");
    CHECK(fault_of(plan, network, e.config).value_or("") == "");
    CHECK(fault_of(e.instructions, plan, network, e.config).value_or("") == "");
    by_dma += static_cast<int>(std::ranges::count(network.layers, true, &Layer::by_dma));
    spilled += plan.spilled > 0 ? 1 : 0;
  }
  CHECK(by_dma > 10);
  CHECK(spilled > 10);
}

}  // namespace trine::compiler
