// SPDX-License-Identifier: Apache-2.0
//
// What the hardware would not do, and how the timeline counts, on programs written by hand.

#include <numeric>

#include "base/error.h"
#include "sim/arch/testing.h"

namespace trine::sim {
namespace {

using isa::Engine;
namespace dma = isa::dma;

machine::Config config_8x8() { return testing::small_config(8, 8, 8, 8, 64); }

/// A load of `words` words.
isa::TransferRegisters transfer(std::int64_t dram, std::int64_t local, std::int64_t words) {
  isa::TransferRegisters r;
  r.set(dma::kDram, dram);
  r.set(dma::kLocal, local);
  r.set(dma::kWords, words);
  return r;
}

void require_refused(const isa::Registers& registers, Engine engine, int op, const char* what) {
  std::vector<std::uint8_t> dram(4096);
  Machine machine(config_8x8(), dram);
  isa::Run run;
  run.op = op;
  REQUIRE_THROWS_WITH(machine.execute(engine, registers, run, 3),
                      Catch::Contains("RUN 3") && Catch::Contains(what));
}

TEST_CASE("transfers outside of a memory or off their beat are refused", "[arch][error]") {
  require_refused(transfer(4094 * 4, 0, 1), Engine::kLoad, 0, "DRAM bytes");
  require_refused(transfer(4092, 1, 2), Engine::kLoad, 0, "DRAM bytes");
  require_refused(transfer(0, 2048, 1), Engine::kLoad, 0, "DMEM word 2048");
  require_refused(transfer(0, 2047, 2), Engine::kStore, 0, "congruent");
  require_refused(transfer(4, 0, 2), Engine::kLoad, 1, "not a multiple");
  require_refused(transfer(0, 255, 16), Engine::kLoad, 1, "PMEM rows 255..256, allowed 0..255");
  require_refused(transfer(0, 512, 2), Engine::kLoad, 2, "bias");
  require_refused(transfer(0, 0, 2), Engine::kStore, 1, "no operation 1 of the store engine");
}

/// Rows go down from the first one: the second lies before the memory.
TEST_CASE("rows that a negative stride puts before a memory are refused", "[arch][error]") {
  const auto down = [](std::int64_t local, std::int64_t words, std::int64_t stride) {
    isa::TransferRegisters r = transfer(0, local, words);
    r.set(dma::kRowsLast, 1);
    r.set(dma::kLocalStride, (std::int64_t{1} << isa::kAddressBits) - stride);
    return r;
  };
  require_refused(down(0, 8, 8), Engine::kLoad, 0, "DMEM word 16777208");
  require_refused(down(0, 8, 8), Engine::kStore, 0, "DMEM word 16777208");
  require_refused(down(0, 8, 8'000'000), Engine::kLoad, 1, "PMEM rows");
  require_refused(down(0, 8, 8), Engine::kLoad, 2, "bias");
  require_refused(down(0, 8, 4), Engine::kLoad, 3, "scale");
  require_refused(down(0, 8, 8), Engine::kLoad, 4, "table");
  require_refused(down(0, 8, 8), Engine::kLoad, 5, "exponential");
  std::vector<std::uint8_t> dram(64, 7);
  Machine machine(config_8x8(), dram);
  machine.execute(Engine::kLoad, down(8, 8, 8), {}, 0);  // to word 0
  CHECK(machine.dmem()[15 * 4] == 7);
}

TEST_CASE("scales, ranges and steps that the hardware does not have are refused", "[arch][error]") {
  isa::LaneRegisters r;
  r.set(isa::post::kShift, 31);
  require_refused(r, Engine::kVector, 1, "shift 31");
  r.set(isa::post::kShift, 0);
  r.set(isa::post::kAddOperandShift, 1);
  require_refused(r, Engine::kVector, 2, "operand's shift 1");
  r.set(isa::post::kAddOperandShift, 0);
  r.set(isa::post::kActMin, 1);
  require_refused(r, Engine::kVector, 0, "activation range 1..0");
  r.set(isa::post::kActMin, 0);
  for (const isa::LaneField& field : {isa::agu::kWordsLast, isa::agu::kRLast, isa::agu::kSLast})
    r.set(field, 4095);
  require_refused(r, Engine::kVector, 0, "68719476736 steps");
  require_refused(r, Engine::kCompute, 0, "68719476736 steps");
}

/// The sum of products exceeds 32 bits; so does the hardware's, which keeps the low ones.
TEST_CASE("a reduction of 204,800 wraps as the golden layer does", "[arch]") {
  testing::Builder b(3);
  const int in = b.input({1, 16, 16, 800});
  b.graph.outputs = {b.fully_connected(in, 204'800, 4)};
  auto& weights = b.graph.tensors[static_cast<std::size_t>(b.graph.ops[0].inputs[1])].data;
  std::fill(weights.begin(), weights.end(), std::uint8_t{0x80});
  Array input = b.random_array(in);
  std::fill(input.bytes.begin(), input.bytes.end(), std::uint8_t{0x80});
  machine::Config config = testing::small_config(8, 8, 256, 8192, 64);
  testing::require_exact(b.graph, config, {input});
}

TEST_CASE("loads copy masked rows into DMEM and whole rows into PMEM", "[arch]") {
  std::vector<std::uint8_t> dram(64);
  for (std::size_t i = 0; i < dram.size(); ++i) dram[i] = static_cast<std::uint8_t>(i);
  Machine machine(config_8x8(), dram);
  isa::TransferRegisters r = transfer(4, 11, 3);
  r.set(dma::kRowsLast, 1);
  r.set(dma::kLocalStride, 8);
  r.set(dma::kDramStride, 16);
  std::vector<DmemWrite> writes;
  machine.on_dmem_write = [&](const DmemWrite& w) { writes.push_back(w); };
  const Work work = machine.execute(Engine::kLoad, r, {}, 0);
  CHECK(work.bytes == 24);
  CHECK(work.beats == 4);  // one word, one beat, in each row
  REQUIRE(writes.size() == 6);
  CHECK(writes[0].address == 11);
  CHECK(writes[0].data == 0x07060504);
  CHECK(writes[3].address == 19);
  CHECK(writes[3].data == 0x17161514);
  CHECK(machine.dmem()[10 * 4] == 0);
}

TEST_CASE("a RUN that waits for a token nobody gives is a deadlock", "[arch][error]") {
  Timeline timeline(config_8x8(), {}, 100);
  isa::Run run;
  run.wait = 1;
  REQUIRE_THROWS_WITH(timeline.run(Engine::kCompute, run, Work{}),
                      Catch::Contains("token of load"));
}

TEST_CASE("tokens that are left over or too many are errors", "[arch][error]") {
  const int compute = 1 << static_cast<int>(Engine::kCompute);
  {
    Timeline timeline(config_8x8(), {}, 100);
    isa::Run run;
    run.signal = compute;
    timeline.run(Engine::kLoad, run, Work{});
    REQUIRE_THROWS_WITH(timeline.finish(), Catch::Contains("never taken"));
  }
  Timeline timeline(config_8x8(), {}, 100);
  isa::Run give, take;
  give.signal = compute;
  take.wait = 1 << static_cast<int>(Engine::kLoad);
  // All loads end long before the last transfer, behind which every compute RUN waits.
  for (int i = 0; i < 64; ++i) timeline.run(Engine::kLoad, give, Work{});
  Work slow;
  slow.tile_cycles = {1000000};
  slow.steps = 1000000;
  slow.group_columns = slow.group_issues = {8};
  timeline.run(Engine::kCompute, isa::Run{}, slow);
  for (int i = 0; i < 64; ++i) timeline.run(Engine::kCompute, take, slow);
  REQUIRE_THROWS_WITH(timeline.finish(), Catch::Contains("more than 63 tokens"));
}

/// A program of very many short RUNs: a search of all intervals for each gap would take minutes.
TEST_CASE("each cycle has one cause, among thousands of gaps", "[arch]") {
  constexpr int kGaps = 20000, kLoads = 40;
  Timeline timeline(config_8x8(), {}, kGaps * (kLoads + 1) + 1);
  Work copy, tile;
  copy.beats = 1;
  copy.bytes = 8;
  tile.steps = 1;
  tile.tile_cycles = {1};
  tile.group_columns = tile.group_issues = {8};
  for (int gap = 0; gap < kGaps; ++gap) {
    for (int i = 0; i < kLoads; ++i) timeline.run(Engine::kLoad, {}, copy);
    timeline.run(Engine::kCompute, {}, tile);
  }
  timeline.finish();
  const CauseCycles causes = timeline.causes(0, timeline.cycles());
  CHECK(std::accumulate(causes.begin(), causes.end(), std::uint64_t{0}) == timeline.cycles());
  CHECK(causes[static_cast<std::size_t>(Cause::kCompute)] == kGaps);
  CHECK(causes[static_cast<std::size_t>(Cause::kLoad)] > timeline.cycles() / 2);
}

TEST_CASE("a slower bus and a longer latency cost cycles", "[arch]") {
  testing::Builder b(5);
  const int in = b.input({1, 16, 16, 8});
  b.graph.outputs = {b.convolution(in, 16, 3, 3, 1, 1, 1, 1, model::Padding::kSame, true)};
  const compiler::Program program = compiler::compile(b.graph, machine::load_config("edge256"));
  const Array input = b.random_array(in);
  const auto cycles = [&](int latency, double bytes) {
    ArchOptions options;
    options.bus = {latency, bytes};
    return run_arch(program, {input}, options).cycles;
  };
  CHECK(cycles(32, 8) == cycles(32, 0));
  CHECK(cycles(100, 8) > cycles(32, 8) + 60);
  CHECK(cycles(32, 2) > cycles(32, 8) + 500);
}

/// Lanes of one gather in the same bank take turns: stride 16 over 16 banks.
TEST_CASE("bank conflicts are counted from the lanes' addresses", "[arch]") {
  testing::Builder b(6);
  const int in = b.input({1, 1, 128, 4});
  b.graph.outputs = {b.convolution(in, 8, 1, 1, 16, 16, 1, 1, model::Padding::kValid, true)};
  const RunResult result =
      testing::require_exact(b.graph, machine::load_config("edge256"), {b.random_array(in)});
  // One tile of 8 positions and one step, 8 lanes in one bank.
  CHECK(result.causes[static_cast<std::size_t>(Cause::kCompute)] == 1);
  CHECK(result.causes[static_cast<std::size_t>(Cause::kBank)] == 7);
}

}  // namespace
}  // namespace trine::sim
