// SPDX-License-Identifier: Apache-2.0
//
// Checks the parts of a layer and the order in which they are computed.

#include "sw/compiler/emit/order.h"

#include <functional>
#include <map>

#include "sw/base/catch.h"
#include "sw/compiler/partition/ends.h"
#include "sw/compiler/search/search.h"
#include "tools/random/testing.h"

namespace trine::compiler {
namespace {

using fuzz::Builder;
using fuzz::small_config;

struct Probe : Order {
  Probe(const Network& network, const spec::Config& config, const Plan& plan)
      : Order(network, config, plan) {}
  using Order::follower_channels;
  using Order::groups_of;
  using Order::layer;
  using Order::leads;
  using Order::next_layer;
  using Order::pieces;
  using Order::relay_parts;
  using Order::tiling;
  using Order::weight_blocks;
};

bool follow_each_other(const std::vector<Channels>& parts, const Channels& all) {
  int next = all.first;
  for (const Channels& part : parts) {
    if (part.first != next || part.last <= part.first) return false;
    next = part.last;
  }
  return next == all.last;
}

/// Checks that the weights of each relay chunk are always stored at the same end of PMEM, and that
/// the ends alternate.
void check_relay(const std::vector<Visit>& visits) {
  std::map<int, bool> ends;
  for (const Visit& v : visits)
    CHECK(ends.try_emplace(v.channels.first, v.relay_end).first->second == v.relay_end);
  for (auto next = ends.begin(), end = next++; next != ends.end(); end = next++)
    CHECK(end->second != next->second);
}

/// Checks that each output position and channel is visited once in each sweep that contains the
/// position.
void check_visits(const Probe& order, const std::vector<Visit>& visits, const Map& output) {
  const Layer& l = order.layer();
  const bool conv = l.kind == LayerKind::kConv;
  const int P = l.window.P, Q = l.window.Q, C = conv ? l.channels : output.shape.C;
  const std::size_t sweeps = conv ? l.sweeps.size() : 1;
  std::vector<int> count(sweeps * at(P) * at(Q) * at(C));
  for (const Visit& v : visits) {
    if (conv) CHECK(follow_each_other(order.weight_blocks(v.channels), v.channels));
    if (conv) CHECK(follow_each_other(order.groups_of(v.channels), v.channels));
    for (std::size_t s = conv ? v.first : 0; s < (conv ? v.last : 1); ++s)
      for (int y = v.rect.y0; y < v.rect.y1; ++y)
        for (int x = v.rect.x0; x < v.rect.x1; ++x)
          for (int c = v.channels.first; c < v.channels.last; ++c)
            ++count.at(((s * at(P) + at(y)) * at(Q) + at(x)) * at(C) + at(c));
  }
  CHECK(std::ranges::count(count, 1) == std::ssize(count));
  if (!conv) return;
  std::vector<int> taps(at(l.words) * at(l.window.R));
  const auto take = [&](const FilterPart& part) {
    for (int word = part.word; word < part.word + part.words; ++word)
      for (int row = part.row; row < part.row + part.rows; ++row)
        ++taps.at(at(word) * at(l.window.R) + at(row));
  };
  if (order.tiling().relay)
    for (const bool at_end : {false, true}) {
      const auto [own, shared] = order.relay_parts(at_end);
      take(own);
      for (const FilterPart& piece : shared) take(piece);
      const FilterPart& last = shared.back();
      CHECK(own.words == l.words - order.tiling().piece_words);
      CHECK((at_end ? shared.front().word : last.word + last.words - l.words) == 0);
    }
  else if (order.tiling().pieces)
    for (const FilterPart& piece : order.pieces()) take(piece);
  const int times = order.tiling().relay ? 2 : order.tiling().pieces ? 1 : 0;
  CHECK(std::ranges::count(taps, times) == std::ssize(taps));
}

TEST_CASE("each output of a layer is computed once", "[compiler][order]") {
  int relays = 0, turns = 0, pieces = 0, sums = 0, parts = 0;
  for (unsigned seed = 1; seed <= 150; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    spec::Config config = small_config(8, 8, b.number(0, 1) == 0 ? 8 : 64, 8, 64 << b.number(0, 2));
    config.partial_sums = seed % 2 == 0;
    const bool deep = b.number(0, 2) == 0;
    const int from =
        b.input({1, b.number(1, 20), b.number(1, 20), deep ? b.number(500, 900) : b.number(1, 60)});
    int x = b.convolution(from, b.number(1, 60), deep ? 1 : 3, deep ? 1 : 3, 1, b.number(1, 2), 1,
                          1, model::Padding::kSame, true);
    if (b.number(0, 1) == 0) x = b.pool(x, b.number(0, 1) == 0, 2, 2, 2, 2, model::Padding::kSame);
    b.graph.outputs = {x};
    const Planned planned = search(lower(b.graph, config, reference::kDoublePolicy), config);
    Probe order(planned.network, config, planned.plan);
    for (const Layer& l : planned.network.layers) {
      const std::vector<Visit> visits = order.next_layer();
      CAPTURE(l.op, l.window.P, l.window.Q, l.channels);
      check_visits(order, visits, planned.network.maps[at(l.output)]);
      if (order.tiling().relay) check_relay(visits);
      relays += order.tiling().relay ? 1 : 0;
      turns += order.tiling().relay && !order.tiling().chunk_outer ? 1 : 0;
      pieces += order.tiling().pieces ? 1 : 0;
      sums += order.tiling().sums ? 1 : 0;
      parts += visits.size() > 1 ? 1 : 0;
    }
  }
  CAPTURE(relays, turns, pieces, sums, parts);
  CHECK(std::min({relays, turns, pieces, sums, parts}) > 5);
}

struct Case {
  Network network;
  spec::Config config;
  Plan plan;
};

struct Row {
  const char* what;
  std::function<void(Case&)> edit;
};

/// Checks that the condition holds for the last layer, and that it fails with each of the changes.
void check_rows(const Case& base, const std::function<bool(const Probe&)>& holds,
                const std::vector<Row>& rows) {
  const auto now = [&](const Case& c) {
    Probe order(c.network, c.config, c.plan);
    for (std::size_t i = 0; i < c.network.layers.size(); ++i) order.next_layer();
    return holds(order);
  };
  REQUIRE(now(base));
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Case edited = base;
    row.edit(edited);
    CHECK_FALSE(now(edited));
  }
}

Case case_of(Builder& b, int output, const spec::Config& config) {
  b.graph.outputs = {output};
  Network network = lower(b.graph, config, reference::kDoublePolicy);
  Plan plan = compiler::plan(network, config).value();
  return {std::move(network), config, std::move(plan)};
}

TEST_CASE("the first weights of a network are loaded in parts", "[compiler][order]") {
  Builder b(1);
  const int x =
      b.convolution(b.input({1, 8, 8, 64}), 40, 1, 1, 1, 1, 1, 1, model::Padding::kSame, true);
  check_rows(case_of(b, x, small_config(8, 8, 64, 64, 32)),
             [](const Probe& order) {
               return order.leads({0, 8});
             },
             {{"those of a map", [](Case& c) { c.network.layers[0].weights_map = 0; }},
              {"with a residual", [](Case& c) { c.network.layers[0].second = 1; }},
              {"in sweeps", [](Case& c) { c.network.layers[0].sweeps.resize(2); }},
              {"in pieces", [](Case& c) { c.plan.tilings[0].pieces = true; }},
              {"in relay", [](Case& c) { c.plan.tilings[0].relay = true; }},
              {"of an output in DRAM", [](Case& c) { c.plan.maps[1].resident = false; }},
              {"of a single group", [](Case& c) { c.network.layers[0].channels = 8; }},
              {"few of them", [](Case& c) { c.network.layers[0].words = 2; }},
              {"groups that end within a beat", [](Case& c) {
                 c.config.cols = 2;
                 c.config.axi_data_bits = 128;
                 c.network.layers[0].words = 15;
               }}});
}

TEST_CASE("a product follows a normalization vector by vector", "[compiler][order]") {
  Builder b(1);
  const int norm = b.normalization(b.input({1, 1, 40, 64}), true);
  const Case base =
      case_of(b, b.convolution(norm, 48, 1, 1, 1, 1, 1, 1, model::Padding::kSame, true),
              small_config(8, 8, 64, 64, 64));
  REQUIRE(base.network.layers.size() == 2);
  check_rows(base, [](const Probe& order) { return order.follower_channels() > 0; },
             {{"weights of a map", [](Case& c) { c.network.layers[1].weights_map = 0; }},
              {"groups", [](Case& c) { c.network.layers[1].group_channels = 48; }},
              {"rectangles first", [](Case& c) { c.plan.tilings[1].chunk_outer = false; }},
              {"pieces", [](Case& c) { c.plan.tilings[1].pieces = true; }},
              {"a relay", [](Case& c) { c.plan.tilings[1].relay = true; }},
              {"part of the row", [](Case& c) { c.plan.tilings[1].cols = 24; }},
              {"chunks within a word", [](Case& c) { c.plan.tilings[1].chunk = 46; }},
              {"sweeps", [](Case& c) { c.network.layers[1].sweeps.resize(2); }},
              {"two rows of results", [](Case& c) { c.network.layers[1].window.P = 2; }},
              {"two rows", [](Case& c) { c.network.layers[1].window.H = 2; }},
              {"fewer results", [](Case& c) { c.network.layers[1].window.Q = 39; }},
              {"two taps", [](Case& c) { c.network.layers[1].window.S = 2; }},
              {"of another map", [](Case& c) { c.network.layers[1].input = 0; }},
              {"behind a softmax", [](Case& c) { c.network.layers[0].kind = LayerKind::kSoftmax; }},
              {"behind two rows", [](Case& c) { c.network.layers[0].window.P = 2; }},
              {"behind a load", [](Case& c) { c.plan.maps[0].resident = false; }},
              {"of a map in DRAM", [](Case& c) { c.plan.maps[1].resident = false; }},
              {"of a part", [](Case& c) { c.network.maps[1].part.whole = 0; }}});
}

}  // namespace
}  // namespace trine::compiler
