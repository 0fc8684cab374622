// SPDX-License-Identifier: Apache-2.0
//
// Checks when maps share a place, when weights come in relay, and how large a layer's buffers are.
// Each row makes one condition fail in a network where all conditions hold.

#include <functional>

#include "sw/base/catch.h"
#include "sw/base/division.h"
#include "sw/compiler/partition/ends.h"
#include "sw/compiler/plan/plan_facts.h"
#include "tools/random/testing.h"

namespace trine::compiler {
namespace {

using fuzz::Builder;
using fuzz::small_config;

struct Row {
  const char* what;
  std::function<void(Network&, spec::Config&)> edit;
};

/// Checks that the condition holds, and that it fails with each of the changes.
void check_rows(const Network& network, const spec::Config& config,
                const std::function<bool(const Network&, const spec::Config&)>& holds,
                const std::vector<Row>& rows) {
  REQUIRE(holds(network, config));
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Network edited = network;
    spec::Config other = config;
    row.edit(edited, other);
    CHECK_FALSE(holds(edited, other));
  }
}

Map map_of(int C, int W) {
  Map m;
  m.shape = {C, 1, W};
  return m;
}

/// Returns a product of two maps, all of which are rows of pixels.
Layer product(int input, int weights, int output, int W) {
  Layer l;
  l.input = input;
  l.weights_map = weights;
  l.output = output;
  l.window.W = l.window.Q = W;
  l.channels = 8;
  l.words = 2;
  return l;
}

TEST_CASE("an input that products of two maps read is stored by heads", "[compiler][plan]") {
  // Maps: 0 is the input of two heads, 1 and 2 are these heads, 3 the weights, 4 and 5 the results.
  Network network;
  for (const int C : {16, 8, 8, 8, 8, 8}) network.maps.push_back(map_of(C, 8));
  network.maps[0].input = network.maps[3].input = true;
  network.maps[1].part = {0, 0};
  network.maps[2].part = {0, 8};
  network.maps[4].output = network.maps[5].output = true;
  network.layers = {product(1, 3, 4, 8), product(2, 3, 5, 8)};
  const auto by_heads = [](const Network& n, const spec::Config& config) {
    Network with = n;
    set_lifetimes(with);
    return PlanFacts(with, config).by_heads(0);
  };
  using N = Network;
  using C = spec::Config;
  check_rows(network, small_config(8, 8, 32, 32, 64), by_heads,
             {{"no input", [](N& n, C&) { n.maps[0].input = false; }},
              {"an output", [](N& n, C&) { n.maps[0].output = true; }},
              {"rows", [](N& n, C&) { n.maps[0].shape.H = 2; }},
              {"some tokens", [](N& n, C&) { n.maps[2].part.x = 1; }},
              {"fewer tokens", [](N& n, C&) { n.maps[2].shape.W = 4; }},
              {"from inside of a word on", [](N& n, C&) { n.maps[2].part.channel = 6; }},
              {"all of it", [](N& n, C&) { n.layers[1].input = 0; }},
              {"constant weights", [](N& n, C&) { n.layers[1].weights_map = -1; }},
              {"a residual", [](N& n, C&) { n.layers[0].second = 2; }},
              {"weights", [](N& n, C&) { n.layers[0].weights_map = 2; }},
              {"weights of itself", [](N& n, C&) { n.layers[1].weights_map = 2; }},
              {"a result", [](N& n, C&) { n.layers[0].output = 2; }},
              {"nobody", [](N& n, C&) { n.layers.clear(); }}});
}

TEST_CASE("a sum takes the place of its residual", "[compiler][plan]") {
  Builder b(1);
  const auto convolution = [&b](int from, int channels) {
    return b.convolution(from, channels, 1, 1, 1, 1, 1, 1, model::Padding::kSame, true);
  };
  const int x = convolution(b.input({1, 8, 8, 8}), 16), y = convolution(x, 16);
  b.graph.outputs = {convolution(b.addition(convolution(y, 16), x), 8)};
  const spec::Config config = small_config(8, 8, 32, 32, 64);
  // Maps: 1 is the residual, 3 the sum. Layer 2 adds; layer 3 reads the sum.
  const Network network = lower(b.graph, config, reference::kDoublePolicy);
  REQUIRE(network.layers.size() == 4);
  REQUIRE(network.layers[2].second == 1);
  const auto joined = [](const Network& n, const spec::Config& c) {
    Network with = n;
    set_lifetimes(with);
    return PlanFacts(with, c).alias_class(3) == 1;
  };
  using N = Network;
  using C = spec::Config;
  check_rows(network, config, joined,
             {{"no sum", [](N& n, C&) { n.layers[2].second = -1; }},
              {"the other operand as well", [](N& n, C&) { n.layers[2].input = 1; }},
              {"the residual is an output", [](N& n, C&) { n.maps[1].output = true; }},
              {"the residual is an input", [](N& n, C&) { n.maps[1].input = true; }},
              {"the residual is constant", [](N& n, C&) { n.maps[1].codes = {1}; }},
              {"the sum is an output", [](N& n, C&) { n.maps[3].output = true; }},
              {"the sum is a part", [](N& n, C&) { n.maps[3].part.whole = 2; }},
              {"the residual is read later", [](N& n, C&) { n.layers[3].second = 1; }},
              {"the sum is written twice", [](N& n, C&) { n.layers[3].output = 3; }},
              {"the sum is begun before", [](N& n, C&) { n.layers[1].output = 3; }},
              {"RUNs share words", [](N&, C& c) { c.cols = 6; }}});
}

TEST_CASE("what one map requires of its layout holds for all maps that share the layout",
          "[compiler][plan]") {
  Builder b(1);
  const auto convolution = [&b](int from, int channels) {
    return b.convolution(from, channels, 1, 1, 1, 1, 1, 1, model::Padding::kSame, true);
  };
  const int x = convolution(b.input({1, 8, 8, 8}), 16), y = convolution(x, 16);
  b.graph.outputs = {convolution(b.addition(convolution(y, 16), x), 8)};
  const spec::Config config = small_config(8, 8, 32, 32, 64);
  const Network network = lower(b.graph, config, reference::kDoublePolicy);
  const auto count = static_cast<int>(network.maps.size());
  int shared = 0;
  for (int changed = 0; changed < count; ++changed) {
    Network weights = network, moved = network;
    weights.maps[at(changed)].weights = true;
    moved.maps[at(changed)].moved = true;
    set_lifetimes(weights);
    set_lifetimes(moved);
    const PlanFacts before(network, config), with(weights, config), other(moved, config);
    const int leader = before.leader(changed);
    for (int m = 0; m < count; ++m) {
      CAPTURE(changed, m);
      CHECK(with.weights(with.leader(m)) == (before.leader(m) == leader));
      CHECK(other.crosses(other.leader(m)) ==
            (before.crosses(before.leader(m)) || before.leader(m) == leader));
    }
    shared += leader != changed ? 1 : 0;
  }
  CHECK(shared > 0);
}

TEST_CASE("weights are loaded in relay where two chunks meet", "[compiler][plan]") {
  Builder b(1);
  const int x = b.input({1, 6, 6, 600});  // 150 of 256 rows of PMEM
  b.graph.outputs = {b.convolution(x, 20, 1, 1, 1, 1, 1, 1, model::Padding::kSame, true)};
  const spec::Config config = small_config(8, 8, 128, 8, 64);
  const Network network = lower(b.graph, config, reference::kDoublePolicy);
  const auto relays = [](const Network& n, const spec::Config& c) {
    Placement in, out;
    in.resident = out.resident = true;
    const std::optional<Tiling> t = tile(n, n.layers[0], {&in, &out}, c, c.dmem_words());
    return t.has_value() && t->relay;
  };
  using N = Network;
  using C = spec::Config;
  check_rows(
      network, config, relays,
      {{"room for two chunks", [](N&, C& c) { c.pmem_kib = 16; }},
       {"one chunk", [](N& n, C&) { n.maps[1].shape.C = 8; }},
       {"a single tile", [](N& n, C&) { n.layers[0].window.P = n.layers[0].window.Q = 2; }},
       {"groups", [](N& n, C&) { n.layers[0].group_channels = 40; }},
       {"narrow weights",
        [](N& n, C&) {
          n.layers[0].words *= 4;
          n.layers[0].conv().steps_per_row = 4;
        }},
       {"transposed weights", [](N& n, C&) { n.layers[0].conv().weights_transposed = true; }},
       {"sweeps", [](N& n, C&) { n.layers[0].sweeps.push_back(n.layers[0].sweeps[0]); }},
       {"words that are half a beat of rows", [](N&, C& c) {
          c.cols = 2;
          c.pmem_kib = 2;
          c.axi_data_bits = 128;
        }}});
  // The same with rows of whole beats.
  spec::Config narrow = config;
  narrow.cols = 2;
  narrow.pmem_kib = 2;
  CHECK(relays(network, narrow));
}

/// Returns the DRAM layout of a map that is not in DMEM.
Placement spilled(const Shape& s, const spec::Config& config) {
  Placement p;
  p.in_dram = true;
  p.dram.pitch = s.W >= config.data_words() ? round_up(s.W, config.data_words()) : s.W;
  p.dram.plane =
      s.pixels() == 1 ? 1 : round_up(std::int64_t{s.H} * p.dram.pitch, config.data_words());
  return p;
}

/// Adds one layer: a convolution with or without a residual, a sum, a maximum or an addition.
int layer_of(Builder& b) {
  const int most = b.number(0, 1) == 0 ? 8 : 24;
  const int from = b.input({1, b.number(1, most), b.number(1, most), b.number(1, 40)});
  const auto padding = fuzz::random_padding(b);
  const int R = b.number(1, std::min(7, b.shape(from)[1]));
  const int S = b.number(1, std::min(7, b.shape(from)[2]));
  switch (b.number(0, 4)) {
    case 0:
      return b.addition(from, b.input(b.shape(from)));
    case 4: {  // as wide as the row, which rectangles then read in whole or in part
      const int W = b.number(4, 12);
      return b.convolution(b.input({1, 1, W, b.number(1, 8)}), b.number(1, 8), 1, W - 1, 1, 1, 1, 1,
                           model::Padding::kSame, true);
    }
    case 1:
      return b.pool(from, true, R, S, b.number(1, 2), b.number(1, 2), padding);
    default: {
      const int out = b.convolution(from, b.number(1, 40), R, S, b.number(1, 2), b.number(1, 3), 1,
                                    1, padding, true);
      return b.number(0, 1) == 0 ? out : b.addition(out, b.input(b.shape(out)));
    }
  }
}

TEST_CASE("each part of a layer fits into the buffers of its tiling", "[compiler][plan]") {
  int parts = 0;
  for (unsigned seed = 1; seed <= 1500; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    const spec::Config config = small_config(8, 8, 32, 32, 32 << b.number(0, 4));
    b.graph.outputs = {layer_of(b)};
    const Network network = lower(b.graph, config, reference::kDoublePolicy);
    const Layer& l = network.layers[0];
    const Shape &in = network.maps[at(l.input)].shape, &out = network.maps[at(l.output)].shape;
    const Placement from = spilled(in, config), to = spilled(out, config);
    const int room = b.number(20, b.number(0, 1) == 0 ? 200 : 1500);
    const std::optional<Tiling> t = tile(network, l, {&from, &to}, config, room);
    if (!t || t->pieces) continue;
    const int chunk = std::min(t->chunk, out.C), words = divide_up(chunk, out.per_word);
    const int read = l.kind == LayerKind::kConv ? l.words_of(chunk) : words;
    CAPTURE(l.op, room, t->rows, t->cols, t->chunk, t->buffers);
    CHECK(t->buffers * (t->input_words + t->second_words + t->output_words) <= room);
    for (int y = 0; y < l.window.P; y += t->rows)
      for (int x = 0; x < l.window.Q; x += t->cols) {
        const Rect rect{y, std::min(l.window.P, y + t->rows), x, std::min(l.window.Q, x + t->cols)};
        Rect window = input_of(l.window, rect);
        if (rect.cols() == l.window.Q) window = {window.y0, window.y1, 0, in.W};
        const auto size = [&](const Placement& p, int W, const Rect& r, int count) {
          return buffer_words(p.dram, W, r.rows(), r.cols(), count, config);
        };
        CAPTURE(rect.y0, rect.x0, window.cols());
        const std::int64_t input = size(from, in.W, window, read);
        const std::int64_t output = size(to, out.W, rect, words);
        if (!t->direct) CHECK(input <= t->input_words);
        CHECK(output <= t->output_words);
        if (l.two_operands()) CHECK(input <= t->second_words);
        if (l.fuse_add()) CHECK(output <= t->second_words);
        ++parts;
      }
  }
  CHECK(parts > 2000);
}

TEST_CASE("no part of a rectangle needs a larger buffer than the rectangle", "[compiler][plan]") {
  for (const int bus : {64, 128, 512, 1024}) {
    const spec::Config config = small_config(8, 8, 32, 32, bus);
    for (int W = 1; W <= 40; ++W)
      for (const int pitch : {W, round_up(W, config.data_words()), W + config.banks()})
        for (int cols = 1; cols < W; ++cols) {
          const View dram{.pitch = pitch, .plane = round_up(3 * pitch, config.data_words())};
          CAPTURE(bus, W, pitch, cols);
          REQUIRE(buffer_words(dram, W, 2, cols, 5, config) <=
                  buffer_words(dram, W, 2, cols + 1, 5, config));
        }
  }
}

TEST_CASE("a tiling for more room is reused for less room only where it fits", "[compiler][plan]") {
  int cut = 0;
  for (unsigned seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    const spec::Config config = small_config(8, 8, 32, 32, 32 << b.number(0, 4));
    b.graph.outputs = {layer_of(b)};
    const Network network = lower(b.graph, config, reference::kDoublePolicy);
    const Layer& l = network.layers[0];
    const Placement from = spilled(network.maps[at(l.input)].shape, config);
    const Placement to = spilled(network.maps[at(l.output)].shape, config);
    const LayerPlaces places{&from, &to};
    PlanFacts facts(network, config);
    for (const int room : {1500, 400, 150, 60}) {
      CAPTURE(room);
      TileKey key;
      key.room = room;
      const std::optional<Tiling> kept = facts.tiling(0, places, key);
      const std::optional<Tiling> own = tile(network, l, places, config, room);
      REQUIRE(kept.has_value() == own.has_value());
      if (!own) continue;
      CHECK(kept->scratch_words() == own->scratch_words());
      CHECK(kept->cycles == own->cycles);
    }
    cut += facts.tiled < 4 ? 1 : 0;
  }
  CHECK(cut > 100);
}

}  // namespace
}  // namespace trine::compiler
