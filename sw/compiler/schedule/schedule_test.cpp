// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/schedule/schedule.h"

#include <fmt/format.h>

#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>

#include "sw/base/catch.h"
#include "sw/base/division.h"
#include "sw/compiler/emit/slots.h"

namespace trine::compiler {
namespace {

using isa::Engine;

Instruction instruction(Engine engine, std::vector<Region> reads, std::vector<Region> writes) {
  Instruction i;
  i.engine = engine;
  i.reads = std::move(reads);
  i.writes = std::move(writes);
  return i;
}

constexpr int bit(Engine engine) { return 1 << static_cast<int>(engine); }

TEST_CASE("regions overlap exactly where they share a unit", "[compiler][schedule]") {
  std::mt19937 random(4);
  const auto number = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  const auto units = [](const Region& r) {
    std::set<std::int64_t> all;
    for (std::int64_t i = 0; i < r.count; ++i)
      for (std::int64_t k = 0; k < r.length; ++k) all.insert(r.start + i * r.stride + k);
    return all;
  };
  for (int i = 0; i < 20000; ++i) {
    const auto region = [&] {
      Region r;
      r.start = number(-5, 40);
      r.length = number(1, 6);
      r.count = number(0, 5);
      r.stride = number(0, 9);
      return r;
    };
    const Region a = region(), b = region();
    CAPTURE(i, a.start, a.length, a.stride, a.count, b.start, b.length, b.stride, b.count);
    bool shares = false;
    const auto first = units(a);
    for (const std::int64_t u : units(b)) shares = shares || first.count(u) > 0;
    REQUIRE(overlap(a, b) == shares);
    REQUIRE(overlap(b, a) == shares);
  }
}

TEST_CASE("regions of different memories never overlap", "[compiler][schedule]") {
  CHECK(!overlap({Space::kDmem, 0, 10}, {Space::kPmem, 0, 10}));
}

TEST_CASE("a token orders a load and the compute RUN that reads it", "[compiler][schedule]") {
  std::vector<Instruction> program{
      instruction(Engine::kLoad, {}, {{Space::kDmem, 0, 8}}),
      instruction(Engine::kCompute, {{Space::kDmem, 4, 1}}, {{Space::kDmem, 100, 8}}),
      instruction(Engine::kCompute, {{Space::kDmem, 5, 1}}, {{Space::kDmem, 200, 8}}),
      instruction(Engine::kLoad, {}, {{Space::kDmem, 0, 8}}),
      instruction(Engine::kStore, {{Space::kDmem, 200, 8}}, {{Space::kDram, 0, 8}})};
  insert_tokens(program);
  CHECK(program[0].run.signal == bit(Engine::kCompute));
  CHECK(program[1].run.wait == bit(Engine::kLoad));
  CHECK(program[2].run.wait == 0);  // the RUN before has already waited
  CHECK(program[1].run.signal == 0);
  CHECK(program[2].run.signal == (bit(Engine::kLoad) | bit(Engine::kStore)));
  CHECK(program[3].run.wait == bit(Engine::kCompute));
  CHECK(program[4].run.wait == bit(Engine::kCompute));
}

TEST_CASE("compute waits for its own result but not for its own reads", "[compiler][schedule]") {
  std::vector<Instruction> program{
      instruction(Engine::kCompute, {{Space::kDmem, 0, 8}}, {{Space::kDmem, 100, 8}}),
      instruction(Engine::kCompute, {{Space::kDmem, 50, 8}}, {{Space::kDmem, 0, 8}}),
      instruction(Engine::kCompute, {{Space::kDmem, 100, 8}}, {{Space::kDmem, 200, 8}})};
  insert_tokens(program);
  CHECK(program[0].run.signal == bit(Engine::kCompute));
  CHECK(program[1].run.wait == 0);
  CHECK(program[2].run.wait == bit(Engine::kCompute));
}

TEST_CASE("waiting for an engine includes all engines that it waited for", "[compiler][schedule]") {
  std::vector<Instruction> program{
      instruction(Engine::kLoad, {}, {{Space::kDmem, 0, 8}}),
      instruction(Engine::kCompute, {{Space::kDmem, 0, 8}}, {{Space::kDmem, 100, 8}}),
      instruction(Engine::kVector, {{Space::kDmem, 0, 8}, {Space::kDmem, 100, 8}}, {})};
  insert_tokens(program);
  CHECK(program[2].run.wait == bit(Engine::kCompute));
  CHECK(program[0].run.signal == bit(Engine::kCompute));
}

Instruction load_of(std::int64_t row, std::int64_t words) {
  Instruction i = instruction(Engine::kLoad, {}, {{Space::kPmem, row, 8}});
  isa::TransferRegisters r;
  r.set(isa::dma::kWords, words);
  i.registers = r;
  return i;
}

Instruction reader_of(std::int64_t row, std::int64_t tiles) {
  Instruction i = instruction(Engine::kCompute, {{Space::kPmem, row, 8}}, {});
  isa::LaneRegisters r;
  r.set(isa::agu::kTilesLast, tiles - 1);
  i.registers = r;
  return i;
}

/// Returns "L0 C0 ...": engine and first PMEM row.
std::string text_of(const std::vector<Instruction>& program) {
  std::string text;
  for (const Instruction& i : program)
    text += fmt::format("{}{} ", i.engine == Engine::kLoad ? 'L' : 'C',
                        (i.engine == Engine::kLoad ? i.writes : i.reads)[0].start);
  return text;
}

TEST_CASE("tokens that many RUNs give before they are taken stay few", "[compiler][schedule]") {
  constexpr int kRuns = 200;
  std::vector<Instruction> program;
  for (int i = 0; i < kRuns; ++i)
    program.push_back(instruction(Engine::kCompute, {}, {{Space::kDmem, i, 1}}));
  for (int i = 0; i < kRuns; ++i)
    program.push_back(instruction(Engine::kLoad, {{Space::kDmem, i, 1}}, {{Space::kPmem, i, 1}}));
  insert_tokens(program);
  int given = 0;
  for (int i = 0; i < kRuns; ++i) given += program[static_cast<std::size_t>(i)].run.signal != 0;
  CHECK(given > 10);
  CHECK(given < 1 << isa::kTokenBits);
}

/// Each RUN of a second layer reads the words of one RUN of the first layer.
TEST_CASE("an engine's tokens to itself stay few", "[compiler][schedule]") {
  for (const int runs : {30, 64, 65, 200}) {
    CAPTURE(runs);
    std::vector<Instruction> program;
    for (int i = 0; i < runs; ++i)
      program.push_back(instruction(Engine::kVector, {}, {{Space::kDmem, i, 1}}));
    for (int i = 0; i < runs; ++i)
      program.push_back(
          instruction(Engine::kVector, {{Space::kDmem, i, 1}}, {{Space::kDmem, 1000 + i, 1}}));
    insert_tokens(program);
    int given = 0, most = 0;
    for (const Instruction& i : program) {
      most = std::max(most, given);
      given += (i.run.signal != 0 ? 1 : 0) - (i.run.wait != 0 ? 1 : 0);
    }
    CHECK(given == 0);
    CHECK(most < 1 << isa::kTokenBits);
  }
}

TEST_CASE("loads start when the bus and their place are free, after the first RUN",
          "[compiler][schedule]") {
  const spec::Config config;
  // The third load overwrites what the first compute RUN reads.
  CHECK(text_of(schedule_loads({load_of(0, 8), reader_of(0, 1), load_of(8, 8), reader_of(8, 1),
                                load_of(0, 8), reader_of(0, 1)},
                               config)) == "L0 C0 L8 L0 C8 C0 ");
  // While row 0 is in use for long, the next load overtakes, unless it takes too long itself.
  const auto passing = [&](std::int64_t words) {
    return text_of(
        schedule_loads({load_of(0, 8), reader_of(0, 1000), load_of(8, 8), reader_of(8, 1),
                        load_of(0, 8), reader_of(0, 1), load_of(16, words), reader_of(16, 1)},
                       config));
  };
  CHECK(passing(8) == "L0 C0 L8 L16 L0 C8 C0 C16 ");
  CHECK(passing(8000) == "L0 C0 L8 L0 L16 C8 C0 C16 ");
}

TEST_CASE("a load overtakes many loads that wait for one place", "[compiler][schedule]") {
  std::vector<Instruction> natural{load_of(0, 8), reader_of(0, 1000), load_of(8, 8),
                                   reader_of(8, 1)};
  for (int i = 0; i < 60; ++i) {  // like the codes of a gate
    natural.push_back(load_of(0, 8));
    natural.push_back(reader_of(0, 1));
  }
  natural.push_back(load_of(16, 8));
  natural.push_back(reader_of(16, 1));
  CHECK(text_of(schedule_loads(natural, {})).starts_with("L0 C0 L8 L16 L0 "));
}

TEST_CASE("no more than the look-ahead of loads waits for its reader", "[compiler][schedule]") {
  std::vector<Instruction> natural;
  for (int i = 0; i < 100; ++i) {
    natural.push_back(load_of(8 * i, 8));
    natural.push_back(reader_of(8 * i, 10000));
  }
  std::size_t ahead = 0, most = 0;
  for (const Instruction& i : schedule_loads(natural, {})) {
    if (i.engine != Engine::kLoad) REQUIRE(ahead > 0);
    ahead += i.engine == Engine::kLoad ? 1 : -1;
    most = std::max(most, ahead);
  }
  CHECK(most == kReadersAhead);
}

TEST_CASE("registers are set only where they change", "[compiler][schedule]") {
  std::vector<Instruction> program(3);
  isa::TransferRegisters r;
  r.set(isa::dma::kWords, 7);
  program[0].registers = program[1].registers = r;
  r.set(isa::dma::kDram, 4096);
  program[2].registers = r;
  constexpr isa::Word kBegin = isa::encode_begin(5);
  const auto words = encode(program, kBegin);
  CHECK(words.front() == kBegin);
  int sets = 0, runs = 0;
  for (const isa::Word word : words) {
    sets += isa::opcode_of(word) == isa::Opcode::kSet ? 1 : 0;
    runs += isa::opcode_of(word) == isa::Opcode::kRun ? 1 : 0;
  }
  CHECK(runs == 3);
  CHECK(sets == 3 + 1);  // DRAM address, local address and words, rows; then the DRAM address again
  CHECK(words.back() == isa::kEndWord);
}

/// A maximum uses its residual address. RUNs without a residual keep the register's value.
TEST_CASE("the residual's place is set for sums and maxima only", "[compiler][schedule]") {
  namespace compute = isa::compute;
  const auto run = [](int flags, std::int64_t delta) {
    Instruction i;
    i.engine = Engine::kCompute;
    i.run.flags = flags;
    isa::ComputeRegisters r;
    r.set_address(isa::post::kResidualDelta, delta);
    i.registers = r;
    return i;
  };
  const auto places = [](const std::vector<Instruction>& program) {
    std::vector<std::int64_t> deltas;
    for (const isa::Word word : encode(program, isa::encode_begin(0))) {
      if (isa::opcode_of(word) != isa::Opcode::kSet || isa::register_of(word) != 14) continue;
      deltas.push_back(isa::get_field(isa::payload_of(word), isa::post::kResidualDelta));
    }
    return deltas;
  };
  constexpr int kPlain = 1 << compute::kClear | 1 << compute::kDrain;
  constexpr int kAdd = kPlain | 1 << compute::kFuseAdd, kMax = kPlain | 1 << compute::kFuseMax;
  CHECK(places({run(kPlain, 5), run(kPlain, 6)}).empty());
  CHECK(places({run(kPlain, 5), run(kMax, 0), run(kMax, 0)}) == std::vector<std::int64_t>{0});
  // The sum before has its residual elsewhere; the maximum must not use that address.
  CHECK(places({run(kAdd, 7), run(kPlain, 0), run(kMax, 0), run(kAdd, 7)}) ==
        std::vector<std::int64_t>{7, 0, 7});
}

TEST_CASE("a block goes to the least recently used place", "[compiler][slots]") {
  Slots slots(8, 2);
  CHECK(slots.place(1, 3) == 0);
  slots.use(1, 10);
  CHECK(slots.place(2, 4) == 4);
  slots.use(2, 5);
  CHECK(slots.place(3, 4) == 4);
  CHECK(slots.find(1) == 0);
  CHECK(!slots.find(2));
  slots.use(3, 11);
  CHECK(slots.place(4, 8) == 0);
  CHECK(!slots.find(1));
  CHECK(!slots.find(3));
}

TEST_CASE("many rows go to the least recently used range", "[compiler][slots]") {
  Slots slots(64, 4);
  CHECK(slots.place(1, 16) == 0);
  slots.use(1, 5);
  CHECK(slots.place(2, 16) == 16);
  slots.use(2, 1);
  CHECK(slots.oldest(40) == 16);
  CHECK(slots.oldest(32) == 32);
  CHECK(slots.find(2) == 16);
}

TEST_CASE("a place holds the block that came last", "[compiler][slots]") {
  constexpr std::int64_t kCapacity = 48, kUnit = 4;
  struct Held {
    std::int64_t start, size, last_use;
    bool meets(std::int64_t first, std::int64_t count) const {
      return start < first + count && first < start + size;
    }
  };
  std::map<std::int64_t, Held> held;
  const auto last_use = [&](std::int64_t first, std::int64_t count) {
    std::int64_t last = -1;
    for (const auto& [block, h] : held)
      if (h.meets(first, count)) last = std::max(last, h.last_use);
    return last;
  };
  std::mt19937 random{3};
  const auto below = [&](std::int64_t n) { return static_cast<std::int64_t>(random()) % n; };
  Slots slots(kCapacity, kUnit);
  for (std::int64_t block = 1; block <= 1000; ++block) {
    const std::int64_t words = 1 + below(20), size = round_up(words, kUnit);
    std::int64_t start = below((kCapacity - size) / kUnit + 1) * kUnit;
    if (block % 3 == 0)
      slots.place_at(block, start, words);
    else
      start = slots.place(block, words);
    REQUIRE((start % kUnit == 0 && start >= 0 && start + size <= kCapacity));
    for (std::int64_t at = 0; block % 3 != 0 && at + size <= kCapacity; at += kUnit)
      CHECK(last_use(start, size) <= last_use(at, size));
    for (auto h = held.begin(); h != held.end();) {
      const bool lost = h->second.meets(start, size);
      CHECK(slots.find(h->first).value_or(-1) == (lost ? -1 : h->second.start));
      h = lost ? held.erase(h) : std::next(h);
    }
    CHECK(slots.find(block) == start);
    held[block] = {start, size, -1};
    if (const auto user = held.find(block - below(6)); user != held.end()) {
      slots.use(user->first, block);
      user->second.last_use = block;
    }
  }
}

}  // namespace
}  // namespace trine::compiler
