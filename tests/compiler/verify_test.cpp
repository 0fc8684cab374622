// SPDX-License-Identifier: Apache-2.0
//
// Checks program::verify: each rule accepts a program at its limit and refuses a program one
// beyond. executor_test.cpp checks the rules of single RUNs that need no coordinates, with the same
// verifier.

#include "sw/program/verify.h"

#include <utility>
#include <vector>

#include "sim/arch/simulate.h"
#include "spec/memories.h"
#include "sw/base/catch.h"
#include "tests/compiler/testing.h"

namespace trine::sim {
namespace {

using isa::Engine;
namespace agu = isa::agu;
namespace limit = isa::limit;
using Values = std::vector<std::pair<isa::Field, std::int64_t>>;

constexpr std::int64_t kDram = 4096;

spec::Config small() { return testing::small_config(8, 8, 8, 8, 64); }  // 2,048 words of DMEM

isa::Registers with(isa::Registers r, const Values& values) {
  for (const auto& [field, value] : values) {
    auto& payload = r.value[static_cast<std::size_t>(field.reg)];
    const std::uint64_t mask = (std::uint64_t{1} << field.width) - 1;
    payload = (payload & ~(mask << field.lsb)) | (static_cast<std::uint64_t>(value) & mask)
                                                     << field.lsb;
  }
  return r;
}

/// Returns a load of two words.
isa::Registers transfer() { return with({}, {{isa::dma::kWords, 2}}); }

/// Returns a copy of a 2 x 12 map to another one by 8 lanes: three tiles.
isa::Registers copy() {
  return with({}, {{agu::kBase, 100},
                   {agu::kXEnd, 12},
                   {agu::kYEnd, 2},
                   {agu::kHeight, 2},
                   {agu::kWidth, 12},
                   {agu::kTileX, 8},
                   {agu::kTileBase, 8},
                   {agu::kTileOut, 8},
                   {agu::kStrideX, 1},
                   {agu::kStrideY, 1},
                   {agu::kTilesLast, 2},
                   {agu::kOut, 200}});
}

std::vector<isa::Word> program(Engine engine, const isa::Registers& registers,
                               const isa::Run& run) {
  isa::Encoder encoder(small().hash());
  encoder.run(engine, registers, run);
  return encoder.end();
}

std::string fault_of(const std::vector<isa::Word>& words) {
  const auto fault = program::verify(words, small(), kDram);
  return fault ? fault->text : "";
}

/// Returns the simulator's objection to the same words.
std::string simulated(const std::vector<isa::Word>& words) {
  program::Program p;
  p.config = small();
  p.config_hash = p.config.hash();
  p.words = words;
  p.layers.push_back({"all", "COPY", 0, ""});
  p.run_layer.assign(words.size(), 0);
  std::vector<std::uint8_t> dram(kDram);
  return run_any(p, dram, {}).text;
}

/// Requires that verifier and simulator refuse the program for `reason`, or that both accept it if
/// the reason is empty.
void check(const std::vector<isa::Word>& words, const std::string& reason = "") {
  const std::string verified = fault_of(words), run = simulated(words);
  CAPTURE(reason, verified, run);
  if (reason.empty()) {
    CHECK(verified.empty());
    CHECK(run.empty());
  } else {
    CHECK_THAT(verified, Catch::Matchers::ContainsSubstring(reason));
    CHECK_THAT(run, Catch::Matchers::ContainsSubstring(reason));
  }
}

void check_vector(const Values& changed, const std::string& reason = "", int op = 0,
                  int flags = 0) {
  check(program(Engine::kVector, with(copy(), changed), {0, 0, op, flags}), reason);
}

}  // namespace

TEST_CASE("a verified program is framed, and each word is an instruction of the design",
          "[arch][verify][error]") {
  const std::vector<isa::Word> good = program(Engine::kLoad, transfer(), {});
  check(good);
  const auto changed = [&](std::size_t at, isa::Word word) {
    std::vector<isa::Word> words = good;
    words[at] = word;
    return words;
  };
  CHECK(fault_of({}) == "the program has no instructions");
  CHECK(fault_of(changed(0, good[0] ^ 1)) == "word 0 is not the hash of the configuration");
  CHECK_THAT(fault_of(changed(good.size() - 1, good[1])),
             Catch::Matchers::ContainsSubstring("has no END"));
  std::vector<isa::Word> after_end = good;
  after_end.push_back(good[1]);
  CHECK_THAT(fault_of(after_end),
             Catch::Matchers::ContainsSubstring("END must be the last word of the program"));
  check(changed(good.size() - 2, isa::encode_run(Engine::kLoad, {0, 0, 99, 0})),
        "operation 99 of the load engine does not exist");
  spec::Config bare = small();
  bare.vector = bare.table = bare.softmax = false;
  const std::vector<isa::Word> sum{bare.hash(), isa::encode_run(Engine::kVector, {}),
                                   isa::kEndWord};
  const auto fault = program::verify(sum, bare, kDram);
  REQUIRE(fault);
  CHECK(fault->cause == "feature");
  CHECK_THAT(fault->text,
             Catch::Matchers::StartsWith("word 1, vector  RUN max: operation max: the config"));
}

TEST_CASE("a verified program sets the registers that it reads", "[arch][verify][error]") {
  std::vector<isa::Word> words = program(Engine::kLoad, transfer(), {});
  const auto set = std::ranges::find_if(words.begin() + 1, words.end(), [](isa::Word word) {
    return isa::register_of(word) == isa::dma::kWords.reg;
  });
  REQUIRE(set != words.end());
  words.erase(set);
  check(words, "register 1 is read, but was never set");
}

TEST_CASE("a verified program gives each token that it takes and takes each that it gives",
          "[arch][verify][error]") {
  constexpr int kFromStore = 1 << static_cast<int>(Engine::kStore);
  constexpr int kToStore = kFromStore, kFromLoad = 1 << static_cast<int>(Engine::kLoad);
  const auto pair = [&](int load_waits, int load_signals, int store_waits, int store_signals) {
    isa::Encoder encoder(small().hash());
    encoder.run(Engine::kLoad, transfer(), {load_waits, load_signals, 0, 0});
    encoder.run(Engine::kStore, transfer(), {store_waits, store_signals, 0, 0});
    return encoder.end();
  };
  check(pair(0, kToStore, kFromLoad, 0));
  check(pair(0, kToStore, 0, 0), "1 tokens from load to store are never taken");
  check(pair(0, 0, kFromLoad, 0), "store waits for a token of load that no earlier RUN gives");
  check(pair(kFromStore, kToStore, kFromLoad, kFromLoad), "waits for a token");
  // A load waits for a store. The load's own words before that store fill the load's queue.
  const auto behind = [&](int loads) {
    isa::Encoder encoder(small().hash());
    encoder.run(Engine::kLoad, transfer(), {kFromStore, 0, 0, 0});
    for (int n = 0; n < loads; ++n) encoder.run(Engine::kLoad, transfer(), {});
    encoder.run(Engine::kStore, transfer(), {0, kFromLoad, 0, 0});
    return encoder.end();
  };
  check(behind(spec::kQueueWords + 1));
  CHECK_FALSE(fault_of(behind(spec::kQueueWords + 2)).empty());
  CHECK_FALSE(simulated(behind(spec::kQueueWords + 2)).empty());
}

TEST_CASE("a verified RUN stays within the lane counters", "[arch][verify][error]") {
  check_vector({});
  // One position with so many columns or rows: at the limits, and one beyond.
  const Values one{{agu::kTilesLast, 0}, {agu::kYEnd, 1}, {agu::kHeight, 1}};
  const auto columns = [&](std::int64_t start, std::int64_t end, const char* reason = "") {
    Values v = one;
    v.insert(v.end(), {{agu::kXStart, start}, {agu::kXEnd, end}});
    check_vector(v, reason);
  };
  columns(-1, 8190);
  columns(-8191, 0);
  columns(-1, 8191, "x_end - x_start, is outside of -8192..8191");
  columns(-8192, 0, "x_end - x_start, is outside of -8192..8191");
  const auto rows = [&](std::int64_t start, std::int64_t end, const char* reason = "") {
    check_vector({{agu::kTilesLast, 0},
                  {agu::kXEnd, 1},
                  {agu::kWidth, 1},
                  {agu::kStrideY, 255},
                  {agu::kYStart, start},
                  {agu::kYEnd, end},
                  {agu::kHeight, 1},
                  {agu::kRowWrap, -1},
                  {agu::kOutWrap, -1}},
                 reason);
  };
  rows(-2, 8189);
  rows(-2, 8190, "positions span 8192 rows, allowed 8191");
  // Lanes continue below the last position.
  const auto below = [&](std::int64_t tile_y, const char* reason = "") {
    check_vector({{agu::kXEnd, 1},
                  {agu::kYEnd, 1},
                  {agu::kTileX, 0},
                  {agu::kTileY, tile_y},
                  {agu::kTilesLast, 1},
                  {agu::kRowWrap, -1},
                  {agu::kOutWrap, -1},
                  {agu::kWidth, 1},
                  {agu::kHeight, 1}},
                 reason);
  };
  below(8185);
  below(8186, "after the end of the positions, allowed distances up to 8191");
  // Taps outside of the map must not wrap into it.
  const auto taps = [&](std::int64_t dil, const char* reason = "") {
    check_vector({{agu::kSLast, 2}, {agu::kDilX, dil}}, reason, 0);
    check_vector({{agu::kRLast, 4}, {agu::kDilY, dil}}, dil <= 4095 ? "" : reason, 0);
  };
  taps(4095);
  const auto wide_taps = [&](std::int64_t last, const char* reason = "") {
    check_vector({{agu::kSLast, last}, {agu::kDilX, 4093}}, reason, 0);
    check_vector({{agu::kRLast, last}, {agu::kDilY, 4095}}, reason, 0);
  };
  wide_taps(4);
  wide_taps(5, "allowed 16383");
}

TEST_CASE("a verified RUN stays in DMEM", "[arch][verify][error]") {
  // Words 100..123 and 200..223 with rows of 12.
  check_vector({{agu::kBase, 2048 - 24}});
  check_vector({{agu::kBase, 2048 - 23}}, "DMEM words 2025..2048, allowed 0..2047");
  check_vector({{agu::kOut, 2048 - 24}});
  check_vector({{agu::kOut, 2048 - 23}}, "DMEM words 2025..2048, allowed 0..2047");
  // Masked taps are not read.
  check_vector({{agu::kBase, 2048 - 23}, {agu::kHeight, 1}});
  check_vector({{agu::kBase, 2048 - 23}, {agu::kWidth, 11}});
  check_vector({{agu::kBase, -1}, {agu::kXStart, -1}, {agu::kXEnd, 11}});
  check_vector({{agu::kBase, -1}}, "DMEM words 16777215..16777238");
  // Channel words and taps are not adjacent.
  check_vector({{agu::kWordsLast, 1}, {agu::kCwStep, 1924}});
  check_vector({{agu::kWordsLast, 1}, {agu::kCwStep, 1925}}, "DMEM words 100..2048");
  check_vector({{agu::kWordsLast, 1}, {agu::kOutPlane, 1824}});
  check_vector({{agu::kWordsLast, 1}, {agu::kOutPlane, 1825}}, "DMEM words 200..2048");
  check_vector({{agu::kSLast, 1}, {agu::kDilX, 0}, {agu::kKxStep, 1924}});
  check_vector({{agu::kSLast, 1}, {agu::kDilX, 0}, {agu::kKxStep, 1925}}, "DMEM words 100..2048");
  // Positions that do not follow a regular pattern are checked one by one.
  check_vector({{agu::kTileBase, 10}, {agu::kBase, 2048 - 28}});
  check_vector({{agu::kTileBase, 10}, {agu::kBase, 2048 - 27}}, "DMEM words 2021..2048");
  // A residual, and the rows of int16 results.
  const isa::Registers product =
      with(copy(), {{isa::compute::kChannels, 1}, {isa::post::kResidualDelta, 1824}});
  const int flags = 1 << isa::compute::kClear | 1 << isa::compute::kDrain;
  const auto residual = [&](std::int64_t delta, int more, const char* reason = "") {
    check(program(Engine::kCompute, with(product, {{isa::post::kResidualDelta, delta}}),
                  {0, 0, 0, flags | more}),
          reason);
  };
  residual(1824, 1 << isa::compute::kFuseMax);
  residual(1825, 1 << isa::compute::kFuseMax, "DMEM words 2025..2048");
  residual(1825, 0);
}

TEST_CASE("a verified softmax is rescaled by at most 30 places to the right",
          "[arch][verify][error]") {
  const auto rescaled = [](std::int64_t shift) {
    return program(Engine::kVector,
                   with(copy(), {{isa::vector::kChannels, 4},
                                 {isa::post::kMultiplier, 1 << 30},
                                 {isa::post::kShift, shift}}),
                   {0, 0, static_cast<int>(isa::vector::Op::kSoftmax), 1 << isa::vector::kRescale});
  };
  CHECK(fault_of(rescaled(-30)).empty());
  CHECK_THAT(fault_of(rescaled(-31)),
             Catch::Matchers::ContainsSubstring("rescale shift -31, allowed -30..30"));
}

TEST_CASE("each core of a cluster is verified", "[arch][verify][error]") {
  spec::Config config = small();
  config.cores = 3;
  const auto fault = [&](const Values& changed) {
    isa::Encoder encoder(config.hash());
    encoder.run(Engine::kVector, with(copy(), changed), {});
    const std::vector<isa::Word> words = encoder.end();
    const auto found = program::verify(words, config, kDram);
    return found ? found->text : std::string();
  };
  // The second core's first row and both rows of the third core are masked; the other rows are
  // read.
  CHECK(fault({{agu::kCoreY, 1}}).empty());
  CHECK(fault({{agu::kCoreY, 1}, {agu::kBase, 2048 - 24}}).empty());
  CHECK(fault({{agu::kCoreY, 255}, {agu::kYStart, 7678}, {agu::kYEnd, 7680}}).empty());
  CHECK_THAT(
      fault({{agu::kCoreY, 255}, {agu::kYStart, 7680}, {agu::kYEnd, 7682}}),
      Catch::Matchers::ContainsSubstring("core 2 begins or ends at row 8192, allowed up to 8191"));
  // Only core 2 reaches rows inside the map.
  CHECK_THAT(fault({{agu::kCoreY, 2}, {agu::kYStart, -4}, {agu::kYEnd, -2}, {agu::kBase, 2030}}),
             Catch::Matchers::ContainsSubstring("DMEM words 2030..2053"));
}

}  // namespace trine::sim
