// SPDX-License-Identifier: Apache-2.0
//
// Breaks each invariant of the verifiers by hand.

#include "sw/compiler/verify/verify.h"

#include <functional>
#include <string>
#include <vector>

#include "sw/base/catch.h"
#include "sw/compiler/emit/emitter.h"
#include "sw/compiler/partition/ends.h"
#include "tools/random/testing.h"

namespace trine::compiler {
namespace {

using Catch::Matchers::ContainsSubstring;
using fuzz::Builder;
using fuzz::small_config;

/// A network with its plan and instructions. One map does not fit DMEM.
struct Forms {
  spec::Config config = small_config(8, 8, 8, 32, 128);
  Network network;
  Plan layout;
  std::vector<Instruction> instructions;

  Forms() {
    Builder b(1);
    b.one_scale = true;  // required by CONCATENATION
    const auto convolution = [&](int from, int channels, int taps) {
      return b.convolution(from, channels, taps, taps, 1, 1, 1, 1, model::Padding::kSame, true);
    };
    const int x = convolution(b.input({1, 13, 13, 8}), 64, 3);
    const int y = convolution(x, 8, 3);
    const int z = b.concatenation({convolution(y, 8, 1), convolution(y, 4, 1)}, 3);
    b.graph.outputs = {z, b.addition(y, y)};
    network = lower(b.graph, config, reference::kDoublePolicy);
    layout = plan(network, config).value();
    const Image image = make_image(network, config, layout);
    Emitter emitter(network, config, layout, image);
    emitter.run();
    instructions = std::move(emitter.instructions);
  }

  /// Returns the first fault that the verifiers find.
  std::string fault() const {
    if (const auto fault = fault_of(network, config)) return *fault;
    if (const auto fault = fault_of(layout, network, config)) return *fault;
    return fault_of(instructions, layout, network, config).value_or("");
  }

  int map(const std::function<bool(int)>& is) const {
    for (int m = 0; m < static_cast<int>(network.maps.size()); ++m)
      if (is(m)) return m;
    return -1;
  }
  int part() const {
    return map([&](int m) { return network.maps[at(m)].part.whole >= 0; });
  }
  int spilled() const {
    return map([&](int m) { return !layout.maps[at(m)].resident && layout.maps[at(m)].in_dram; });
  }
  Placement& input() { return layout.maps[at(network.inputs[0])]; }
  Instruction& first(isa::Engine engine) {
    return *std::ranges::find(instructions, engine, &Instruction::engine);
  }
};

struct Break {
  const char* what;
  std::function<void(Forms&)> change;
};

void require_faults(const std::vector<Break>& breaks) {
  for (const Break& b : breaks) {
    Forms forms;
    b.change(forms);
    CHECK_THAT(forms.fault(), ContainsSubstring(b.what));
  }
}

TEST_CASE("verifiers accept the output of the compiler", "[compiler][verify]") {
  const Forms forms;
  CHECK(forms.fault() == "");
  REQUIRE(forms.part() >= 0);
  REQUIRE(forms.spilled() >= 0);
}

TEST_CASE("a broken network is found", "[compiler][verify]") {
  require_faults({
      {"from map 99", [](Forms& f) { f.network.layers[1].input = 99; }},
      {"shape 0x13x8", [](Forms& f) { f.network.maps[0].shape.H = 0; }},
      {"exceed map", [](Forms& f) { f.network.maps[at(f.part())].part.channel += 12; }},
      {"its type of codes differs",
       [](Forms& f) { f.network.maps[at(f.part())].shape.wide = true; }},
      {"a layer writes it", [](Forms& f) { std::swap(f.network.layers[0], f.network.layers[1]); }},
      {"positions exceed its map", [](Forms& f) { f.network.layers[0].window.P = 14; }},
      {"its 8x13 output positions", [](Forms& f) { f.network.layers[0].window.P = 8; }},
      {"is like layer", [](Forms& f) { f.network.layers[0].like = 1; }},
      {"channels, but its map has", [](Forms& f) { f.network.layers[0].channels = 65; }},
      {"no layer writes output", [](Forms& f) { f.network.layers.pop_back(); }},
      {"read by", [](Forms& f) { f.network.maps[0].read.last = 3; }},
      {"which is not stored", [](Forms& f) { f.network.maps[0].reloads = 1; }},
      {"the cores share no tokens", [](Forms& f) { f.network.maps[0].core.pixels = 4; }},
  });
}

TEST_CASE("a broken plan is found", "[compiler][verify]") {
  require_faults({
      {"but reserved are", [](Forms& f) { f.input().dmem.origin += f.config.dmem_words(); }},
      {"allowed 0..2047", [](Forms& f) { f.input().room.end += 2048; }},
      {"share words",
       [](Forms& f) {
         Placement& p = f.layout.maps[at(f.network.layers[1].output)];
         p.resident = true;
         p.in_dram = false;
         p.room = {0, 360};
         p.dmem = {.pitch = 13, .plane = 172};
       }},
      {"not congruent modulo a beat", [](Forms& f) { f.input().dram.origin += 1; }},
      {"allowed whole beats of 4 words", [](Forms& f) { f.input().dram.plane += 2; }},
      {"allowed whole beats of 4 words",
       [](Forms& f) { f.layout.maps[at(f.spilled())].dram.plane += 2; }},
      {"a core has", [](Forms& f) { f.layout.core_words = 8; }},
      {"buffers in DMEM words",
       [](Forms& f) {
         for (std::int64_t& first : f.layout.scratch) first = f.input().room.first;
       }},
      {"exceed DMEM",
       [](Forms& f) {
         for (std::int64_t& first : f.layout.scratch) first = 2044;
       }},
  });
}

TEST_CASE("broken instructions are found", "[compiler][verify]") {
  require_faults({
      {"outside of its maps and buffers",
       [](Forms& f) { f.first(isa::Engine::kCompute).writes[0].start = 2040; }},
      {"planned for its output buffer",
       [](Forms& f) { f.first(isa::Engine::kCompute).writes[0].length += 800; }},
      {"not congruent modulo a beat",
       [](Forms& f) {
         for (Instruction& i : f.instructions) {
           if (i.engine != isa::Engine::kStore) continue;
           isa::TransferRegisters r(i.registers);
           r.set(isa::dma::kLocal, r.get(isa::dma::kLocal) + 1);
           i.registers = r;
         }
       }},
  });
}

TEST_CASE("a fault is reported as an internal error with its stage", "[compiler][verify][error]") {
  Forms forms;
  forms.network.layers[1].input = 99;
  CHECK_THROWS_WITH(
      Verifier(forms.config, true).verify(forms.network, "fuse"),
      ContainsSubstring("internal error after fuse: layer 1 CONV_2D 't6': from map 99"));
  CHECK_NOTHROW(Verifier(forms.config, false).verify(forms.network, "fuse"));
}

}  // namespace
}  // namespace trine::compiler
