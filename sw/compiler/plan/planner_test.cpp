// SPDX-License-Identifier: Apache-2.0
//
// Checks plans of small networks in their printed form. A change of a text here means that maps
// move or layers are cut differently; tests/approval/ reports what that does to the models.

#include <functional>
#include <map>
#include <memory>
#include <random>

#include "sw/base/catch.h"
#include "sw/base/division.h"
#include "sw/base/root.h"
#include "sw/compiler/partition/ends.h"
#include "sw/compiler/plan/plan.h"
#include "sw/compiler/plan/tile_memo.h"
#include "sw/compiler/transform/cascade.h"
#include "sw/model/import/import.h"
#include "tools/random/testing.h"

namespace trine::compiler {
namespace {

using fuzz::Builder;
using fuzz::small_config;

Network network_of(Builder& b, int output, const spec::Config& config) {
  b.graph.outputs = {output};
  return lower(b.graph, config, reference::kDoublePolicy);
}

std::string planned(Builder& b, int output, const spec::Config& config) {
  const Network network = network_of(b, output, config);
  std::optional<model::Refusal> problem;
  const std::optional<Plan> plan = compiler::plan(network, config, &problem);
  return plan ? "\n" + to_text(*plan, network) : problem.value().what();
}

int convolution(Builder& b, int from, int channels, int size) {
  return b.convolution(from, channels, size, size, 1, 1, 1, 1, model::Padding::kSame, true);
}

/// Returns the plan of a single operator on int16 codes.
template <typename Make>
std::string planned_alone(const std::vector<int>& shape, Make make) {
  Builder b(1);
  const int out = make(b, b.input(shape));
  b.graph.outputs = {out};
  fuzz::widen(b);
  spec::Config config = small_config(8, 8, 4096, 1024, 64);
  config.activations16 = true;
  return planned(b, out, config);
}

/// Counts replays of the gather, tile by tile: a bank reads one word per cycle.
std::int64_t counted_replays(const Geometry& g, int pitch, const spec::Config& config) {
  std::int64_t replays = 0;
  for (int tap = 0; tap < g.S; ++tap)
    for (int tile = 0; tile < g.P * g.Q; tile += config.rows) {
      std::map<int, int> of_bank;
      int most = 1;
      for (int p = tile; p < std::min(g.P * g.Q, tile + config.rows); ++p) {
        const int x = p % g.Q * g.stride_x - g.pad_left + tap;
        if (x < 0 || x >= g.W) continue;
        const int word =
            p / g.Q * g.stride_y * pitch + p % g.Q * g.stride_x;  // from the first lane's
        most = std::max(most, ++of_bank[config.bank_of()(word)]);
      }
      replays += most - 1;
    }
  return replays;
}

TEST_CASE("conflicts that two rows stand for equal the conflicts of all tiles",
          "[compiler][plan]") {
  std::mt19937 draw(45);
  const auto up_to = [&](unsigned most) { return static_cast<int>(draw() % most) + 1; };
  std::int64_t all = 0;
  for (int i = 0; i < 300; ++i) {
    const spec::Config config = small_config(up_to(16), 4, 4096, 1024, 64);
    Layer layer;
    layer.channels = 1;
    layer.words = 1;
    Geometry& g = layer.window;
    g.P = up_to(90);
    g.Q = up_to(40);
    g.S = up_to(5);
    g.stride_x = up_to(3);
    g.stride_y = up_to(3);
    g.pad_left = up_to(3) - 1;
    g.W = g.Q * g.stride_x;
    const int pitch = g.W + up_to(40);
    const std::int64_t counted = counted_replays(g, pitch, config);
    CHECK(replay_cycles(layer, pitch, config) == counted);
    all += counted;
  }
  CHECK(all > 10'000);
}

TEST_CASE("codes that are only moved pass through no unit", "[compiler][plan]") {
  using Catch::Matchers::ContainsSubstring;
  const auto straight = ContainsSubstring("outputs are written in place");
  const auto sliced = [](int x, int stride) {
    return [=](Builder& b, int from) {
      return b.strided_slice(from, {0, 1, x, 0}, {1, 4, 40, 64}, {1, 1, stride, 1});
    };
  };
  const std::vector<int> shape{1, 4, 40, 64};
  CHECK_THAT(planned_alone(shape, sliced(1, 1)),
             straight && ContainsSubstring("unit 180, bus 2350"));
  CHECK_THAT(planned_alone(shape, sliced(0, 2)), !straight);  // every other pixel
  const auto padded = [](Builder& b, int from) { return b.pad(from, 1, 0, 2, 1); };
  CHECK_THAT(planned_alone(shape, padded), straight);
}

TEST_CASE("a single layer computes while its maps are loaded and stored", "[compiler][plan]") {
  using Catch::Matchers::ContainsSubstring;
  const auto added = [](Builder& b, int from) { return b.addition(from, b.input(b.shape(from))); };
  const std::string plan = planned_alone({1, 4, 40, 64}, added);
  CHECK_THAT(plan, ContainsSubstring("a small part at the end") && ContainsSubstring("4 x ("));
  const auto leaky = [](Builder& b, int from) {
    return b.unary(from, model::OpKind::kLeakyRelu, "LEAKY_RELU");
  };
  CHECK_THAT(planned_alone({1, 4, 40, 64}, leaky), ContainsSubstring("a small part at the start"));
  Builder b(1);  // int8 maps all stay on chip
  const int out = added(b, b.input({1, 4, 40, 64}));
  CHECK_THAT(planned(b, out, small_config(8, 8, 4096, 1024, 64)), !ContainsSubstring("DMEM 0 on"));
}

TEST_CASE("maps stay on chip and a sum replaces its residual", "[compiler][plan]") {
  Builder b(1);
  const int x = convolution(b, b.input({1, 8, 8, 8}), 16, 3);
  const int y = convolution(b, x, 16, 1);
  const int sum = b.addition(convolution(b, y, 16, 3), x);
  CHECK(planned(b, convolution(b, sum, 8, 1), small_config(8, 8, 32, 32, 64)) == R"(
plan: 4096 bytes in DRAM, 0 maps spilled
  map 0 'input' 8x8x8: DMEM 304 pitch 8 plane 64 DRAM 0 pitch 8 plane 64
  map 1 't3' 8x8x16: DMEM 0 pitch 8 plane 72
  map 2 't5' 8x8x16: DMEM 312 pitch 8 plane 72
  map 3 't9' 8x8x16: DMEM 0 pitch 8 plane 72
  map 4 't12' 8x8x8: DMEM 304 pitch 8 plane 64 DRAM 128 pitch 8 plane 64
  layer 0 CONV_2D 't3': 0 -> 1, 8x8x16: 288 cycles, unit 288, bus 168
  layer 1 CONV_2D 't5': 1 -> 2, 8x8x16: 128 cycles, unit 128, bus 56
  layer 2 CONV_2D+ADD 't9': 2 -> 3, 8x8x8: 696 cycles, unit 696, bus 312
  layer 3 CONV_2D 't12': 3 -> 4, 8x8x8: 64 cycles, unit 64, bus 28
)");
}

TEST_CASE("a map without room goes to DRAM, the largest first", "[compiler][plan]") {
  Builder b(1);
  const int x = convolution(b, b.input({1, 16, 16, 8}), 24, 3);
  const int y = convolution(b, x, 12, 1);
  const int z = convolution(b, y, 12, 3);
  CHECK(planned(b, b.addition(z, y), small_config(8, 8, 8, 32, 64)) == R"(
plan: 12288 bytes in DRAM, 1 maps spilled
  map 0 'input' 16x16x8: DMEM 0 pitch 16 plane 256 DRAM 0 pitch 16 plane 256
  map 1 't3' 16x16x24: DRAM 512 pitch 16 plane 256
  map 2 't6' 16x16x12: DMEM 0 pitch 16 plane 256
  map 3 't10' 16x16x12: DMEM 784 pitch 16 plane 256 DRAM 2048 pitch 16 plane 256
  layer 0 CONV_2D 't3': 0 -> 1, 16x16x8: 1908 cycles, unit 1908, bus 964
    2 x (0 + 0 + 514) words from DMEM 528 on
  layer 1 CONV_2D 't6': 1 -> 2, 4x16x16: 838 cycles, unit 752, bus 838
    2 x (386 + 0 + 0) words from DMEM 784 on
  layer 2 CONV_2D+ADD 't10': 2 -> 3, 16x16x16: 1728 cycles, unit 1728, bus 234
)");
}

/// A mean needs all pixels of a channel word at once. The map of the other branch leaves no room
/// for them.
TEST_CASE("a layer without room sends another live map to DRAM", "[compiler][plan]") {
  Builder b(1);
  const int beside = convolution(b, b.input({1, 12, 12, 8}), 32, 1);
  const int mean = b.reshape(b.mean(b.input({1, 32, 32, 16}), {1, 2}), {1, 1, 1, 16});
  const int x = b.binary(convolution(b, beside, 16, 1), mean, model::OpKind::kMul, "MUL");
  CHECK(planned(b, x, small_config(8, 8, 8, 32, 64)) == R"(
plan: 24576 bytes in DRAM, 2 maps spilled
  map 0 'input' 12x12x8: DMEM 0 pitch 12 plane 144 DRAM 0 pitch 12 plane 144
  map 1 'input' 32x32x16: DRAM 288 pitch 32 plane 1024
  map 2 't3' 12x12x32: DRAM 4384 pitch 12 plane 144
  map 3 't6' 1x1x16: DMEM 1216 pitch 1 plane 2
  map 4 't10' 12x12x16: DMEM 0 pitch 12 plane 152
  map 5 't11' 12x12x16: DMEM 624 pitch 12 plane 144 DRAM 5536 pitch 12 plane 144
  layer 0 CONV_2D 't3': 0 -> 2, 12x12x16: 722 cycles, unit 696, bus 722
    2 x (0 + 0 + 578) words from DMEM 304 on
  layer 1 MEAN 't6': 1 -> 3, 1x1x4: 6620 cycles, unit 4368, bus 2052
    1 x (1026 + 0 + 0) words from DMEM 0 on
  layer 2 CONV_2D 't10': 2 -> 4, 4x12x8, by parts: 667 cycles, unit 648, bus 667
    2 x (386 + 0 + 0) words from DMEM 1248 on
  layer 3 MUL 't11': 4 -> 5, 12x12x16: 288 cycles, unit 288, bus 24
)");
}

TEST_CASE("buffers of neighbouring layers do not overlap where there is room", "[compiler][plan]") {
  Builder b(1);
  const int x = convolution(b, b.input({1, 64, 64, 8}), 64, 1);
  const spec::Config config = small_config(8, 8, 64, 32, 64);
  const Network network =
      *striped(network_of(b, convolution(b, x, 32, 1), config), {0, 1, 4, true}, config);
  const Plan plan = *compiler::plan(network, config);
  // A stripe is loaded while the previous stripe is stored.
  const auto begin = [&](std::size_t layer) { return plan.scratch[layer]; };
  const auto end = [&](std::size_t layer) {
    return begin(layer) + plan.tilings[layer].scratch_words();
  };
  INFO(to_text(plan, network));
  REQUIRE(end(1) > begin(1));
  REQUIRE(end(2) > begin(2));
  CHECK((end(1) <= begin(2) || end(2) <= begin(1)));
}

TEST_CASE("rows of all stripes are padded against bank conflicts", "[compiler][plan]") {
  Builder b(1);
  const int x = convolution(b, b.input({1, 40, 56, 8}), 32, 1);
  const int y = b.convolution(x, 8, 3, 3, 2, 2, 1, 1, model::Padding::kSame, true);
  // The last map fits only if others are not padded.
  const spec::Config config = small_config(8, 8, 12, 32, 64);
  const Network network =
      *striped(network_of(b, convolution(b, y, 20, 1), config), {0, 1, 2, true}, config);
  const Plan plan = *compiler::plan(network, config);
  std::vector<int> pitches;
  for (const Layer& layer : network.layers)
    if (layer.channels == 32) pitches.push_back(plan.maps[at(layer.output)].dmem.pitch);
  CHECK(pitches == std::vector<int>(10, 60));
}

TEST_CASE("rows of a spilled map are whole beats", "[compiler][plan]") {
  Builder b(1);
  const int x = convolution(b, b.input({1, 13, 13, 8}), 64, 3);
  CHECK(planned(b, convolution(b, x, 8, 3), small_config(8, 8, 8, 32, 128)) == R"(
plan: 16384 bytes in DRAM, 1 maps spilled
  map 0 'input' 13x13x8: DMEM 0 pitch 13 plane 172 DRAM 0 pitch 13 plane 172
  map 1 't3' 13x13x64: DRAM 352 pitch 16 plane 208
  map 2 't6' 13x13x8: DMEM 0 pitch 13 plane 172 DRAM 3680 pitch 13 plane 172
  layer 0 CONV_2D 't3': 0 -> 1, 13x13x16: 3408 cycles, unit 3408, bus 1045
    2 x (0 + 0 + 836) words from DMEM 360 on
  layer 1 CONV_2D 't6': 1 -> 2, 1x13x8: 4524 cycles, unit 4524, bus 2803
    2 x (772 + 0 + 0) words from DMEM 360 on
)");
}

TEST_CASE("weights in relay share PMEM where two chunks meet", "[compiler][plan]") {
  Builder b(1);
  const int x = b.input({1, 6, 6, 600});  // 150 of 256 rows of PMEM
  CHECK(planned(b, convolution(b, x, 20, 1), small_config(8, 8, 128, 8, 64)) == R"(
plan: 24576 bytes in DRAM, 0 maps spilled
  map 0 'input' 6x6x600: DMEM 0 pitch 6 plane 36 DRAM 0 pitch 6 plane 36
  map 1 't3' 6x6x20: DMEM 5416 pitch 6 plane 36 DRAM 5408 pitch 6 plane 36
  layer 0 CONV_2D 't3': 0 -> 1, 6x6x8: 2430 cycles, unit 2430, bus 1836
    weights in relay, chunks meet in 44 words
)");
}

TEST_CASE("a chunk of weights that fills PMEM is also loaded in relay", "[compiler][plan]") {
  Builder b(1);
  const int x = b.input({1, 6, 6, 1024});  // 256 of 256 rows
  CHECK_THAT(planned(b, convolution(b, x, 20, 1), small_config(8, 8, 128, 8, 64)),
             Catch::Matchers::ContainsSubstring("weights in relay, chunks meet in 256 words"));
}

TEST_CASE("a group whose weights do not fit is computed in pieces", "[compiler][plan]") {
  Builder b(1);
  const int x = b.input({1, 4, 4, 120});  // 270 rows
  CHECK(planned(b, convolution(b, x, 8, 3), small_config(8, 8, 128, 8, 64)) == R"(
plan: 4096 bytes in DRAM, 0 maps spilled
  map 0 'input' 4x4x120: DMEM 0 pitch 4 plane 16 DRAM 0 pitch 4 plane 16
  map 1 't3' 4x4x8: DMEM 496 pitch 4 plane 16 DRAM 480 pitch 4 plane 16
  layer 0 CONV_2D 't3': 0 -> 1, 2x4x8, by parts: 2184 cycles, unit 900, bus 2184
    pieces of 14 words, 3 filter rows
)");
}

/// 64 filters are eight groups. Each of them loads the 2,304 beats of the input again, next to
/// 73,824 beats of weights in all.
TEST_CASE("the plan counts what pieces load with their input", "[compiler][plan]") {
  Builder b(1);
  const int x = b.input({1, 12, 6, 256});
  const int y = b.convolution(x, 64, 6, 6, 6, 6, 1, 1, model::Padding::kValid, true, 1);
  const std::string plan = planned(b, y, small_config(8, 8, 16, 8, 64));
  CHECK_THAT(plan, Catch::Matchers::ContainsSubstring("with their input"));
  const std::string bus = plan.substr(plan.find("bus ") + 4);
  CHECK(std::stoi(bus) > 73'824 + 7 * 2'304);
  CHECK(std::stoi(bus) < 73'824 + 9 * 2'304);
}

TEST_CASE("the sums of pieces wait in DMEM if the design adds them", "[compiler][plan]") {
  Builder b(1);
  const int x = b.input({1, 8, 8, 120});  // 270 rows
  spec::Config config = small_config(8, 8, 128, 8, 64);
  const int y = convolution(b, x, 8, 3);
  const std::string without = planned(b, y, config);
  CHECK_THAT(without, Catch::Matchers::ContainsSubstring("pieces of 14 words, 3 filter rows\n"));
  config.partial_sums = true;
  CHECK(planned(b, y, config) == R"(
plan: 8192 bytes in DRAM, 0 maps spilled
  map 0 'input' 8x8x120: DMEM 0 pitch 8 plane 64 DRAM 0 pitch 8 plane 64
  map 1 't3' 8x8x8: DMEM 1936 pitch 8 plane 64 DRAM 1920 pitch 8 plane 64
  layer 0 CONV_2D 't3': 0 -> 1, 8x8x8: 2532 cycles, unit 2532, bus 1092
    pieces of 10 words, 3 filter rows, sums in 512 words of DMEM
)");
  config.dmem_kib = 8;  // the input comes piece by piece
  config.pmem_kib = 4;
  CHECK_THAT(planned(b, y, config), Catch::Matchers::ContainsSubstring("with their input, sums"));
}

TEST_CASE("a layer of one tile leaves no sums in DMEM", "[compiler][plan]") {
  Builder b(1);
  spec::Config config = small_config(8, 8, 8, 4, 64);
  config.partial_sums = true;
  const std::string plan = planned(b, convolution(b, b.input({1, 2, 4, 1200}), 8, 3), config);
  CHECK_THAT(plan, Catch::Matchers::ContainsSubstring("pieces of "));
  CHECK_THAT(plan, !Catch::Matchers::ContainsSubstring("sums in"));
}

/// A product of one tap: sums would meet the reads of all steps, and with its output in DRAM the
/// layer needs none.
TEST_CASE("sums in DMEM do not keep a map where it costs cycles", "[compiler][plan]") {
  Builder b(1);
  const int x = b.input({1, 14, 14, 3072});
  const int y = convolution(b, x, 768, 1);
  spec::Config config = spec::load_config("edge1024", {});
  const std::string with = planned(b, y, config);
  CHECK_THAT(with, !Catch::Matchers::ContainsSubstring("sums in"));
  config.partial_sums = false;
  CHECK(planned(b, y, config) == with);
}

TEST_CASE("weights that do not fit at once are loaded in chunks", "[compiler][plan]") {
  Builder b(1);
  const int x = b.input({1, 6, 6, 64});  // 16 rows a group
  CHECK(planned(b, convolution(b, x, 200, 1), small_config(8, 8, 128, 8, 64)) == R"(
plan: 12288 bytes in DRAM, 0 maps spilled
  map 0 'input' 6x6x64: DMEM 1816 pitch 6 plane 36 DRAM 0 pitch 6 plane 36
  map 1 't3' 6x6x200: DMEM 0 pitch 6 plane 36 DRAM 576 pitch 6 plane 36
  layer 0 CONV_2D 't3': 0 -> 1, 6x6x8: 3500 cycles, unit 3500, bus 1900
)");
}

TEST_CASE("chunks end with their group", "[compiler][plan]") {
  Builder b(1);
  const int x = b.input({1, 9, 11, 32});
  const int y = b.convolution(x, 40, 3, 3, 1, 1, 1, 1, model::Padding::kSame, true, 2);
  CHECK(planned(b, y, small_config(7, 6, 8, 4, 64)) == R"(
plan: 8192 bytes in DRAM, 0 maps spilled
  map 0 'input' 9x11x32: DMEM 1016 pitch 11 plane 100 DRAM 0 pitch 11 plane 100
  map 1 't3' 9x11x40: DMEM 0 pitch 11 plane 100 DRAM 800 pitch 11 plane 100
  layer 0 CONV_2D 't3': 0 -> 1, 9x11x6: 4800 cycles, unit 4800, bus 936
)");
}

TEST_CASE("a layer that cannot be planned is named with the reason", "[compiler][plan]") {
  Builder b(1);
  spec::Config config = small_config(8, 8, 8, 8, 64);
  const int x = b.depthwise(convolution(b, b.input({1, 41, 41, 8}), 8, 1), 1, 40, 40, 1, 1, 1, 1,
                            model::Padding::kValid, true);
  CHECK(planned(b, x, config) ==
        "random.tflite: op 1 DEPTHWISE_CONV_2D: tensor 't6' does not fit: memory.dmem_kib = 8, "
        "memory.pmem_kib = 8 and memory.param_channels = 512 cannot hold any part of it");
  config.pmem_kib = 128;
  config.vector = false;
  CHECK(planned(b, b.pool(x, true, 2, 2, 1, 1, model::Padding::kValid), config) ==
        "random.tflite: op 2 MAX_POOL_2D: tensor 7 't7' needs the vector unit (vector.enable)");
}

TEST_CASE("chunks of a group share one load of its input", "[compiler][plan]") {
  Builder b(1);
  const int x = b.input({1, 16, 16, 64});
  const int y = b.convolution(x, 80, 3, 3, 1, 1, 1, 1, model::Padding::kSame, true, 2);
  CHECK(planned(b, y, small_config(7, 6, 16, 8, 64)) == R"(
plan: 36864 bytes in DRAM, 2 maps spilled
  map 0 'input' 16x16x64: DRAM 0 pitch 16 plane 256
  map 1 't3' 16x16x80: DRAM 4096 pitch 16 plane 256
  layer 0 CONV_2D 't3': 0 -> 1, 8x16x12, by parts: 44736 cycles, unit 44736, bus 9764
    2 x (1282 + 0 + 386) words from DMEM 0 on
)");
}

/// Returns the tiling of a convolution between maps in DRAM, with room for `room` words.
std::string cut(const Network& network, const Plan& plan, const spec::Config& config,
                std::int64_t room) {
  const Layer& layer = network.layers[0];
  const auto place = [&](int map) { return &plan.maps[static_cast<std::size_t>(map)]; };
  const std::optional<Tiling> t =
      tile(network, layer, {place(layer.input), place(layer.output)}, config, room);
  if (!t) return "nothing";
  return fmt::format("{} x {}, {} x ({} + {})", t->rows, t->cols, t->buffers, t->input_words,
                     t->output_words);
}

TEST_CASE("parts use all of their room but do not exceed it", "[compiler][plan]") {
  Builder b(1);
  spec::Config config = small_config(8, 8, 8, 32, 64);
  const int x = convolution(b, b.input({1, 32, 32, 16}), 16, 3);
  const Network network = network_of(b, x, config);
  const std::optional<Plan> plan = compiler::plan(network, config);
  REQUIRE(plan);
  std::string text = "\n", last;
  for (std::int64_t room = 4096; room > 0; --room) {
    std::string now = cut(network, *plan, config, room);
    if (now != last) text += fmt::format("{}: {}\n", room, now);
    last = std::move(now);
  }
  CHECK(text == R"(
4096: 8 x 32, 2 x (1282 + 514)
3591: 4 x 32, 2 x (770 + 258)
2055: 3 x 32, 2 x (642 + 194)
1671: 4 x 16, 2 x (482 + 146)
1255: 3 x 16, 2 x (402 + 110)
1023: 4 x 8, 2 x (290 + 82)
743: 3 x 8, 2 x (242 + 62)
607: 2 x 8, 2 x (194 + 42)
471: 3 x 4, 2 x (162 + 38)
399: 4 x 8, 1 x (290 + 82)
371: 2 x 4, 2 x (130 + 26)
311: 3 x 8, 1 x (242 + 62)
303: 3 x 2, 2 x (122 + 26)
295: 2 x 8, 1 x (194 + 42)
235: 3 x 4, 1 x (162 + 38)
199: 2 x 4, 1 x (130 + 26)
155: 3 x 2, 1 x (122 + 26)
147: 1 x 4, 1 x (98 + 14)
111: 1 x 2, 1 x (74 + 10)
83: 1 x 8, 1 x (38 + 42)
79: 1 x 8, 1 x (26 + 42)
67: 1 x 8, 1 x (14 + 42)
55: 1 x 4, 1 x (26 + 26)
51: 1 x 4, 1 x (18 + 26)
43: 1 x 4, 1 x (10 + 26)
35: 1 x 2, 1 x (14 + 18)
31: 1 x 2, 1 x (8 + 18)
25: 1 x 4, 1 x (10 + 14)
23: 1 x 2, 1 x (8 + 10)
17: nothing
)");
}

TEST_CASE("each pair of thresholds drains the columns once more", "[compiler][plan]") {
  const spec::Config config = spec::load_config("edge256");
  const auto file = project_root() / "tests" / "lowbit" / "thresholds.onnx";
  Network network = lower(model::import_model(file), config, reference::kDoublePolicy);
  int bound_by_drains = 0;
  for (Layer& l : network.layers)
    if (l.result == Output::kThresholds) l.passes = 3;
  const Plan plan = compiler::plan(network, config).value();
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& l = network.layers[i];
    if (l.passes == 1) continue;
    const std::int64_t tiles = divide_up(l.window.P * l.window.Q, config.rows);
    const std::int64_t groups = divide_up(l.channels, config.cols);
    const int drain = std::min(l.channels, config.cols) * l.passes;
    CAPTURE(l.name, l.steps());
    CHECK(plan.tilings[i].compute ==
          static_cast<double>(tiles * groups * std::max(l.steps(), drain)));
    bound_by_drains += drain > l.steps() ? 1 : 0;
  }
  CHECK(bound_by_drains > 0);
}

TEST_CASE("tilings that a search remembers are those of a new search", "[compiler][plan]") {
  const std::string name =
      GENERATE("models/lenet_mnist.tflite", "tests/networks/resnet8.tflite",
               "tests/networks/ds_cnn.tflite", "tests/operators/attention.tflite",
               "tests/onnx/approximate/encoder.onnx", "tests/onnx/windows.onnx");
  CAPTURE(name);
  for (spec::Config config : {small_config(4, 8, 16, 8, 64), small_config(8, 4, 64, 16, 128)}) {
    config.partial_sums = true;
    const Network network =
        lower(model::import_model(project_root() / name), config, reference::kDoublePolicy);
    const auto memo = std::make_shared<TileMemo>();
    int compared = 0;
    std::int64_t anew = 0, remembered = 0;
    const auto compare = [&](Network of) {
      for (const bool quick : {true, false}) {
        const auto planned = [&] { return quick ? quick_plan(of, config) : plan(of, config); };
        of.tilings = nullptr;
        const std::optional<Plan> alone = planned();
        of.tilings = memo;
        const std::optional<Plan> shared = planned();
        REQUIRE(alone.has_value() == shared.has_value());
        if (!alone) continue;
        REQUIRE(to_text(*shared, of) == to_text(*alone, of));
        CHECK(shared->cycles == alone->cycles);
        anew += alone->tiled;
        remembered += shared->tiled;
        ++compared;
      }
    };
    compare(network);
    const std::vector<Cascade> cascades = any_cascades(network, config);
    for (std::size_t i = 0; i < std::min<std::size_t>(cascades.size(), 12); ++i)
      if (std::optional<Network> cut = cascaded(network, cascades[i], config))
        compare(std::move(*cut));
    CHECK(compared >= 2);
    CHECK(remembered < anew);
  }
}

/// Changes of one property of a layer, of its maps, of its network or of its places.
using Change = std::function<void(Network&, Layer&, LayerPlaces&, spec::Config&)>;

std::vector<Change> changes() {
  std::vector<Change> all;
  const auto of_layer = [&](auto change) {
    all.push_back([=](Network&, Layer& l, LayerPlaces&, spec::Config&) { change(l); });
  };
  for (int Geometry::*member :
       {&Geometry::H, &Geometry::W, &Geometry::P, &Geometry::Q, &Geometry::R, &Geometry::S,
        &Geometry::stride_y, &Geometry::stride_x, &Geometry::dil_y, &Geometry::dil_x,
        &Geometry::pad_top, &Geometry::pad_left, &Geometry::reach_y, &Geometry::reach_x})
    for (const int by : {1, 3}) of_layer([=](Layer& l) { l.window.*member += by; });
  for (int Layer::*member : {&Layer::words, &Layer::channels, &Layer::passes})
    of_layer([=](Layer& l) { l.*member *= 2; });
  for (bool Layer::*member : {&Layer::wide, &Layer::by_rows, &Layer::per_tensor, &Layer::by_dma})
    of_layer([=](Layer& l) { l.*member ^= true; });
  for (int Former::*member : {&Former::steps, &Former::halo, &Former::idle})
    of_layer([=](Layer& l) { l.former.*member += l.former.steps > 0 ? 1 : 0; });
  of_layer([](Layer& l) { l.group_channels /= 2; });
  of_layer([](Layer& l) { l.second = l.second < 0 ? l.input : -1; });
  of_layer([](Layer& l) { l.range.act_min += 1; });
  for (int Sweep::*member : {&Sweep::down, &Sweep::right})
    of_layer([=](Layer& l) {
      for (Sweep& sweep : l.sweeps) sweep.*member += 1;
    });
  for (int Rect::*member : {&Rect::y0, &Rect::y1, &Rect::x0, &Rect::x1})
    of_layer([=](Layer& l) {
      for (Sweep& sweep : l.sweeps) sweep.rect.*member += 1;
    });
  const auto of_conv = [&](auto change) {
    of_layer([=](Layer& l) {
      if (l.kind == LayerKind::kConv) change(l.conv());
    });
  };
  of_conv([](Conv& c) { c.weights_transposed ^= true; });
  of_conv([](Conv& c) { c.precision = isa::compute::Op::kInt16; });
  of_conv([](Conv& c) { c.steps_per_row *= 4; });
  of_conv([](Conv& c) { c.stored_share *= 0.5; });
  of_layer([](Layer& l) {
    if (l.over_channels()) l.over().shares ^= true;
  });
  for (const bool output : {false, true}) {
    const auto of_map = [&](auto change) {
      all.push_back([=](Network& n, Layer& l, LayerPlaces&, spec::Config&) {
        change(n.maps[at(output ? l.output : l.input)]);
      });
    };
    for (int Shape::*member : {&Shape::C, &Shape::H, &Shape::W})
      of_map([=](Map& map) { map.shape.*member *= 2; });
    for (int Part::*member : {&Part::channel, &Part::y, &Part::x})
      of_map([=](Map& map) { map.part.*member += 1; });
    for (int Part::*member : {&Part::stride_y, &Part::stride_x})
      of_map([=](Map& map) { map.part.*member += map.part.whole >= 0 ? 1 : 0; });
    of_map([](Map& map) { map.row_room = 2 * map.shape.W + 5; });
    of_map([](Map& map) { map.core.pixels = 1; });
  }
  for (int Network::*member : {&Network::cores, &Network::row_cores})
    all.push_back([=](Network& n, Layer&, LayerPlaces&, spec::Config&) { n.*member = 3; });
  for (bool Network::*member : {&Network::tokens, &Network::in_steps})
    all.push_back([=](Network& n, Layer&, LayerPlaces&, spec::Config&) { n.*member ^= true; });
  all.push_back(
      [](Network& n, Layer&, LayerPlaces&, spec::Config&) { n.objective = Objective::kBytes; });
  all.push_back([](Network&, Layer&, LayerPlaces& p, spec::Config&) { p.repeated ^= true; });
  all.push_back([](Network&, Layer&, LayerPlaces& p, spec::Config&) { p.together += 1; });
  all.push_back([](Network&, Layer&, LayerPlaces&, spec::Config& c) { c.partial_sums ^= true; });
  return all;
}

TEST_CASE("layers with different tilings have different properties", "[compiler][plan]") {
  const std::vector<Change> all = changes();
  std::vector<int> noticed(all.size());
  for (const std::string name : {"models/lenet_mnist.tflite", "tests/networks/resnet8.tflite",
                                 "tests/networks/ds_cnn.tflite", "tests/operators/attention.tflite",
                                 "tests/onnx/approximate/encoder.onnx"}) {
    spec::Config config = small_config(4, 8, 8, 4, 64);
    config.partial_sums = true;
    const Network network =
        lower(model::import_model(project_root() / name), config, reference::kDoublePolicy);
    const std::optional<Plan> plan = compiler::plan(network, config);
    REQUIRE(plan);
    for (std::size_t i = 0; i < network.layers.size(); ++i)
      for (const bool resident : {false, true}) {
        const Layer& layer = network.layers[i];
        const auto place = [&](int map) {
          Placement p = plan->maps[at(map)];
          if (!resident) p.dram = p.resident ? p.dmem : p.dram;
          p.resident = resident && p.resident;
          return p;
        };
        const Placement input = place(layer.input), output = place(network.whole_of(layer.output));
        const LayerPlaces places{&input, &output};
        const std::int64_t room = config.dmem_words() / 2;
        const auto best = tile(network, layer, places, config, room);
        for (std::size_t c = 0; c < all.size(); ++c) {
          CAPTURE(name, i, c);
          Network other = network;
          LayerPlaces moved = places;
          spec::Config machine = config;
          all[c](other, other.layers[i], moved, machine);
          if (tile(other, other.layers[i], moved, machine, room) == best) continue;
          CHECK(tile_properties(network, layer, places, config) !=
                tile_properties(other, other.layers[i], moved, machine));
          ++noticed[c];
        }
      }
  }
  // Most changes matter for some layer, so that the test would find a property that is left out.
  CHECK(std::ranges::count(noticed, 0) < static_cast<int>(all.size()) / 2);
}

}  // namespace
}  // namespace trine::compiler
