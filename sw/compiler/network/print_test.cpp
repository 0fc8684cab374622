// SPDX-License-Identifier: Apache-2.0
//
// Compares the text of networks and plans with the expected text, fact by fact. Each row changes
// one fact of a base network whose text has none of these facts.

#include <functional>
#include <string>
#include <vector>

#include "sw/base/catch.h"
#include "sw/compiler/network/network.h"
#include "sw/compiler/plan/plan.h"

namespace trine::compiler {
namespace {

Map map_of(const std::string& name, const Shape& shape) {
  Map m;
  m.name = name;
  m.shape = shape;
  return m;
}

Network base_network() {
  Network net;
  net.maps = {map_of("in", {8, 5, 6}), map_of("out", {12, 5, 6})};
  Layer l;
  l.op = "CONV_2D";
  l.name = "out";
  l.input = 0;
  l.output = 1;
  l.window = {.H = 5, .W = 6, .P = 5, .Q = 6};
  l.words = 2;
  l.channels = 12;
  l.range.act_min = -100;
  l.range.act_max = 90;
  net.layers = {l};
  return net;
}

/// Returns the lines of a text.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

}  // namespace

TEST_CASE("each fact of a map is in its line", "[compiler][print]") {
  struct Row {
    std::function<void(Map&)> edit;
    const char* text;
  };
  const std::vector<Row> rows{
      {[](Map&) {}, ""},
      {[](Map& m) { m.shape.per_word = 16; }, ", 16 a word"},
      {[](Map& m) {
         m.part = {1, 0, 3, 4};
       },
       " of map 1 at 3,4"},
      {[](Map& m) { m.part = {1, 8, 3, 4, 1, 2, 5}; },
       " of map 1 at 3,4 every 1x2 channel 8 pixels of 5 words"},
      {[](Map& m) { m.fold.rows = 2, m.fold.pixels = 3; }, ", folded 2x3"},
      {[](Map& m) {
         m.capacity = Shape{8, 7, 9};
       },
       ", room for 7x9"},
      {[](Map& m) { m.reloads = 1; }, ", reloads map 1"},
      {[](Map& m) {
         m.core = {3, 1, 2};
       },
       ", 3 rows per core and 1 above, 2 below them"},
      {[](Map& m) { m.core.pixels = 3; }, ", pixels of one core"},
      {[](Map& m) { m.transposed = true; }, ", transposed"},
      {[](Map& m) { m.input = true; }, ", input"},
      {[](Map& m) { m.output = true; }, ", output"},
      {[](Map& m) { m.codes = {1}; }, ", constant"},
      {[](Map& m) { m.kept = true; }, ", kept"},
      {[](Map& m) { m.spill = true; }, ", in DRAM"},
      {[](Map& m) { m.moved = true; }, ", moved"},
      {[](Map& m) { m.weights = true; }, ", weights"},
  };
  for (const Row& row : rows) {
    Network net = base_network();
    row.edit(net.maps[0]);
    const std::vector<std::string> lines = lines_of(to_text(net));
    REQUIRE(lines.size() > 3);
    CHECK(lines[0] == "network: 2 maps, 1 layers");
    CHECK(lines[1] == std::string("  map 0 'in' 5x6x8") + row.text);
    CHECK(lines[2] == "  map 1 'out' 5x6x12");
  }
}

TEST_CASE("each fact of a layer is in its lines", "[compiler][print]") {
  struct Row {
    std::function<void(Layer&)> edit;
    std::vector<std::string> lines;
  };
  const std::string first = "  layer 0 CONV_2D 'out': 0 -> 1", window = "    conv 5x6 of 5x6",
                    product = "    12 channels x 2 steps of 4 int8 codes, codes -100..90";
  const std::string one = "5x6 of 5x6, codes -100..90";
  std::vector<Row> rows{
      {[](Layer&) {}, {first, window, product}},
      {[](Layer& l) { l.second = 1; }, {"  layer 0 CONV_2D 'out': 0 + 1 -> 1", window, product}},
      {[](Layer& l) {
         l.weights_map = 1;
         l.conv().weights_y = 2;
         l.conv().weights_x = 3;
       },
       {"  layer 0 CONV_2D 'out': 0 x 1 at 2,3 -> 1", window, product}},
      {[](Layer& l) {
         l.weights_map = 1;
         l.conv().weights_transposed = true;
       },
       {"  layer 0 CONV_2D 'out': 0 x 1 transposed at 0,0 -> 1", window, product}},
      {[](Layer& l) { l.window = {5, 6, 3, 2, 3, 4, 1, 2, 3, 1, 1, 2}; },
       {first, "    conv 3x2 of 5x6, taps 3x4, stride 1x2, dilation 3x1, pad 1x2",
        "    12 channels x 24 steps of 4 int8 codes, codes -100..90"}},
      {[](Layer& l) { l.group_channels = 4; },
       {first, window, "    12 channels in groups of 4 x 2 steps of 4 int8 codes, codes -100..90"}},
      {[](Layer& l) {
         l.conv().precision = isa::compute::Op::kTernary;
         l.conv().step_codes = 16;
       },
       {first, window, "    12 channels x 2 steps of 16 ternary codes, codes -100..90"}},
      {[](Layer& l) {
         l.result = Output::kThresholds;
         l.passes = 3;
       },
       {first, window, "    12 channels x 2 steps of 4 int8 codes, 3 pairs of thresholds"}},
      {[](Layer& l) { l.result = Output::kRaw; },
       {first, window, "    12 channels x 2 steps of 4 int8 codes, sums"}},
      {[](Layer& l) { l.result = Output::kLookup; },
       {first, window, "    12 channels x 2 steps of 4 int8 codes, table"}},
      {[](Layer& l) { l.points.resize(7); },
       {first, window, "    12 channels x 2 steps of 4 int8 codes, lines of 7 points"}},
      {[](Layer& l) {
         l.former = {3, 2, 1, 4};
       },
       {first, window, "    12 channels x 6 steps of 4 int8 codes, codes -100..90",
        "    former: 3 steps of 2 columns, halo 1, idle 4"}},
      {[](Layer& l) {
         l.sweeps = {{0, 0, {0, 5, 0, 6}}, {1, 2, {0, 4, 1, 5}}};
       },
       {first, window, product, "    sweep at 0,0: rows 0..4, columns 0..5",
        "    sweep at 1,2: rows 0..3, columns 1..4"}},
  };
  const std::pair<LayerKind, const char*> kinds[] = {
      {LayerKind::kMax, "max"},         {LayerKind::kSum, "sum"},
      {LayerKind::kAdd, "add"},         {LayerKind::kSquare, "square"},
      {LayerKind::kMul, "mul"},         {LayerKind::kMaximum, "maximum"},
      {LayerKind::kMinimum, "minimum"}, {LayerKind::kSoftmax, "softmax"},
      {LayerKind::kWords, "words"},     {LayerKind::kNormalize, "normalize"}};
  for (const auto& [kind, name] : kinds)
    rows.push_back({[kind = kind](Layer& l) {
                      const Layer conv = l;
                      l = Layer(kind);
                      l.op = "OP";
                      l.name = "n";
                      l.input = 0;
                      l.output = 1;
                      l.window = conv.window;
                      l.range = conv.range;
                    },
                    {"  layer 0 OP 'n': 0 -> 1", std::string("    ") + name + " " + one}});
  rows.push_back({[](Layer& l) {
                    const Layer conv = l;
                    l = Layer(LayerKind::kMax);
                    l.op = "COPY";
                    l.input = 1;
                    l.output = 0;
                    l.window = conv.window;
                    l.range = conv.range;
                    l.by_dma = true;
                  },
                  {"  layer 0 COPY '': 1 -> 0", "    max " + one, "    by DMA"}});
  for (const Row& row : rows) {
    Network net = base_network();
    row.edit(net.layers[0]);
    std::vector<std::string> lines = lines_of(to_text(net));
    REQUIRE(lines.size() > 3);
    lines.erase(lines.begin(), lines.begin() + 3);
    CHECK(lines == row.lines);
  }
}

TEST_CASE("each fact of a plan is in its lines", "[compiler][print]") {
  struct Row {
    std::function<void(Plan&)> edit;
    std::vector<std::string> lines;
  };
  const std::string head = "plan: 4096 bytes in DRAM, 3 maps spilled", in = "  map 0 'in' 5x6x8:",
                    out = "  map 1 'out' 5x6x12:", layer = "  layer 0 CONV_2D 'out': 0 -> 1, 2x3x8",
                    cycles = ": 1001 cycles, unit 800, bus 701";
  const Row rows[] = {
      {[](Plan&) {}, {head, in, out, layer + cycles}},
      {[](Plan& p) {
         p.maps[0].resident = true;
         p.maps[0].dmem = {10, 6, 30};
         p.maps[1].in_dram = true;
         p.maps[1].dram = {20, 12, 60, 2};
       },
       {head, in + " DMEM 10 pitch 6 plane 30", out + " DRAM 20 pitch 12 plane 60 step 2",
        layer + cycles}},
      {[](Plan& p) {
         p.maps[0].resident = p.maps[0].in_dram = true;
         p.maps[0].dmem = {10, 6, 30};
         p.maps[0].dram = {20, 8, 40};
       },
       {head, in + " DMEM 10 pitch 6 plane 30 DRAM 20 pitch 8 plane 40", out, layer + cycles}},
      {[](Plan& p) { p.tilings[0].chunk_outer = false; },
       {head, in, out, layer + ", by parts" + cycles}},
      {[](Plan& p) {
         p.tilings[0].relay = true;
         p.tilings[0].piece_words = 5;
       },
       {head, in, out, layer + cycles, "    weights in relay, chunks meet in 5 words"}},
      {[](Plan& p) {
         p.tilings[0].pieces = p.tilings[0].stream_input = true;
         p.tilings[0].piece_words = 1;
         p.tilings[0].piece_rows = 3;
       },
       {head, in, out, layer + cycles, "    pieces of 1 words, 3 filter rows, with their input"}},
      {[](Plan& p) {
         p.tilings[0].pieces = true;
         p.tilings[0].piece_words = 2;
         p.tilings[0].piece_rows = 4;
       },
       {head, in, out, layer + cycles, "    pieces of 2 words, 4 filter rows"}},
      {[](Plan& p) {
         p.tilings[0].pieces = p.tilings[0].sums = true;
         p.tilings[0].piece_words = 2;
         p.tilings[0].piece_rows = 4;
         p.tilings[0].sum_words = 30;
       },
       {head, in, out, layer + cycles,
        "    pieces of 2 words, 4 filter rows, sums in 30 words of DMEM"}},
      {[](Plan& p) { p.tilings[0].direct = true; },
       {head, in, out, layer + cycles, "    outputs are written in place"}},
      {[](Plan& p) { p.tilings[0].starts_small = true; },
       {head, in, out, layer + cycles, "    a small part at the start"}},
      {[](Plan& p) { p.tilings[0].ends_small = true; },
       {head, in, out, layer + cycles, "    a small part at the end"}},
      {[](Plan& p) { p.tilings[0].starts_small = p.tilings[0].ends_small = true; },
       {head, in, out, layer + cycles, "    a small part at the start and the end"}},
      {[](Plan& p) {
         p.tilings[0].buffers = 2;
         p.tilings[0].input_words = 7;
         p.tilings[0].second_words = 8;
         p.tilings[0].output_words = 9;
         p.scratch[0] = 640;
       },
       {head, in, out, layer + cycles, "    2 x (7 + 8 + 9) words from DMEM 640 on"}},
  };
  for (const Row& row : rows) {
    Plan plan;
    plan.arena_bytes = 4096;
    plan.spilled = 3;
    plan.maps.resize(2);
    plan.tilings.resize(1);
    plan.scratch = {0};
    Tiling& t = plan.tilings[0];
    t.rows = 2;
    t.cols = 3;
    t.chunk = 8;
    t.cycles = 5000;
    t.expected = 1001;
    t.compute = 800;
    t.traffic = 701;
    row.edit(plan);
    CHECK(lines_of(to_text(plan, base_network())) == row.lines);
  }
}

}  // namespace trine::compiler
