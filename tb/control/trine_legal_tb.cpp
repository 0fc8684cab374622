// SPDX-License-Identifier: Apache-2.0
//
// Module bench: compares every operation, flag and register code under every set of features with
// isa::fault_of, which checks words in the simulator and in program files. (gen/gen_test.cpp tests
// the features of configurations and the needs of operations.)

#include <random>
#include <vector>

#include "Vtrine_legal.h"
#include "spec/isa.h"
#include "sw/base/catch.h"

namespace {

using namespace trine;
using isa::Engine;
using isa::Word;

constexpr Engine kEngines[] = {Engine::kLoad, Engine::kCompute, Engine::kVector, Engine::kStore};

/// Returns RUNs of all operation codes, including unused ones, with the flags that select hardware;
/// SETs of all registers with all outputs and encodings; END, and words that are not instructions.
std::vector<Word> words(std::mt19937_64& random) {
  std::vector<Word> all{isa::kEndWord, isa::encode_begin(0), isa::encode_begin(random())};
  const int selecting = 1 << isa::dma::kFromDmem | 1 << isa::compute::kWindow;
  for (const Engine engine : kEngines) {
    for (int op = 0; op < 256; op = op < 16 ? op + 1 : 2 * op + 1)
      for (const int flags : {0, 1 << isa::dma::kFromDmem, 1 << isa::compute::kWindow, selecting}) {
        const int others = static_cast<int>(random() & 0xff) & ~selecting;
        const int masks = static_cast<int>(random() & 0xff);
        all.push_back(isa::encode_run(engine, {masks & 15, masks >> 4, op, flags | others}));
      }
    for (int reg = 0; reg < isa::kRegisters; ++reg)
      for (std::uint64_t codes = 0; codes < 16; ++codes) {
        const std::uint64_t rest = random() & ~(0xfull << isa::post::kOutput.lsb);
        const std::uint64_t payload = rest | codes << isa::post::kOutput.lsb;
        all.push_back(isa::encode_set(engine, reg, payload & ((1ull << isa::kPayloadBits) - 1)));
      }
  }
  // Spans around the limit, in both directions.
  for (const Engine engine : {Engine::kCompute, Engine::kVector})
    for (const int start : {-8192, -8191, -4096, -1, 0, 1, 4095, 8191})
      for (const int span : {-8193, -8192, -8191, 8190, 8191, 8192})
        if (start + span >= -8192 && start + span <= 8191)
          all.push_back(
              isa::encode_set(engine, isa::agu::kXStart.reg,
                              isa::with_field(isa::with_field(0, isa::agu::kXStart, start),
                                              isa::agu::kXEnd, start + span)));
  return all;
}

}  // namespace

TEST_CASE("trine_legal accepts exactly the words that the features allow", "[tb][legal]") {
  std::mt19937_64 random{1};
  Vtrine_legal dut;
  int counts[3] = {};
  for (const Word word : words(random)) {
    CAPTURE(word);
    dut.word_i = word;
    for (unsigned features = 0; features < 1u << std::size(isa::feature::kAll); ++features) {
      dut.features_i = features;
      dut.eval();
      const isa::Fault fault = isa::fault_of(word, features);
      ++counts[static_cast<int>(fault)];
      const bool illegal = fault == isa::Fault::kIllegal, lacking = fault == isa::Fault::kLacking;
      if (dut.illegal_o == illegal && dut.unsupported_o == lacking) continue;
      CAPTURE(features, static_cast<int>(fault), dut.illegal_o, dut.unsupported_o);
      FAIL("another verdict");
    }
  }
  for (const int count : counts) CHECK(count > 10'000);
}
