// SPDX-License-Identifier: Apache-2.0
//
// Tests everything that stops a program of trine_control: responses, words, tokens, windows,
// limits, a silent bus, a soft reset. Afterwards the next program must run.

#include "sw/base/catch.h"
#include "tb/control/trine_control_bench.h"

using namespace trine;
using namespace trine::tb;
using namespace trine::tb::control;

namespace {

bool touches(const Program& p, bool store, std::uint32_t run, std::uint64_t beat) {
  const auto runs = runs_that_touch(p, store, beat);
  return std::find(runs.begin(), runs.end(), run) != runs.end();
}

/// Returns true if the load copies from DMEM. A running copy is reported for the burst after it
/// that never arrives (docs/registers.md, ERROR_RUN).
bool copies_on_chip(const Program& p, std::uint32_t run) {
  for (const Copy& c : p.copies)
    if (!c.store && run-- == 0) return c.from_dmem;
  return false;
}

/// Returns a program with one RUN of compute, which does not end while the bench stands.
Program one_run() {
  Program p;
  p.run(Engine::kCompute, {0, 0, 0, 0});
  p.end();
  return p;
}

}  // namespace

TEST_CASE("trine_control reports erroneous responses and recovers", "[tb][control][error]") {
  const auto seed = GENERATE(31u, 32u, 33u, 101u, 102u, 103u);
  const auto timing = GENERATE(0u, 1u, 2u);
  const auto kind = GENERATE(kFetchError, kLoadError, kStoreError);
  CAPTURE(seed, timing, kind);
  Bench bench(seed);
  set_timing(bench, timing);
  Program p;
  std::uint64_t first = memory_base;
  std::uint64_t bytes = kMemoryBytes;
  if (kind == kFetchError) {  // somewhere in the program
    p = bench.ordered_program(30);
    first += static_cast<std::uint64_t>(bench.pick(0, static_cast<int>(p.words.size()) - 1)) * 8 /
             kBeatBytes * kBeatBytes;
    bytes = kBeatBytes;
  } else {  // a beat of a long copy's row or, for writes, the bursts of a whole row, among others
    const bool store = kind == kStoreError;
    p = bench.parallel_program(10);
    p.words.pop_back();
    const int region = kProgramBytes + (store ? kSourceBytes : 0);
    p.copy({store, Target::kDmem, region, 0, 200 * kDataWords, 10, 250 * kBeatBytes, kDataWords}, 0,
           0, true, bench.random);
    p.end();
    const int beat = store ? 0 : bench.pick(0, 199);
    first += static_cast<std::uint64_t>(region + (bench.pick(0, 9) * 250 + beat) * kBeatBytes);
    bytes = (store ? 200 : 1) * kBeatBytes;
  }
  bench.memory.inject_error(first, first + bytes - 1, 1 + static_cast<int>(seed % 3));  // EXOKAY
  bench.start_program(p);
  bench.wait_irq();
  const std::uint64_t expected =
      kind == kStoreError ? bench.memory.failure().burst : bench.memory.failure().beat;
  bench.check_error(
      kind, expected,
      kind == kFetchError ? 0 : runs_that_touch(p, kind == kStoreError, expected).at(0));

  bench.memory.clear_errors();
  bench.check_run(bench.ordered_program(20));
}

TEST_CASE("trine_control stops where a read burst does not end as requested",
          "[tb][control][error]") {
  const auto seed = GENERATE(231u, 232u, 233u, 234u);
  const bool fetch = GENERATE(false, true), early = GENERATE(false, true);
  CAPTURE(seed, fetch, early);
  Bench bench(seed);
  set_timing(bench, seed % 3);
  REQUIRE(bench.write(csr::kWatchdog, 400) == 0);  // without RLAST a burst stays open forever
  Program p = bench.ordered_program(10);
  if (fetch) {
    bench.sets(p, Engine::kVector, 300);
    p.words.erase(std::find(p.words.begin(), p.words.end(), isa::kEndWord));
  } else {
    p.words.pop_back();
    p.copy({false, Target::kDmem, kProgramBytes, 0, 100 * kDataWords, 1, 0, 0}, 0, 0, true,
           bench.random);
  }
  p.end();
  // Covers two beats of the bus, one of which is not the last of a burst, or a burst and more.
  const std::uint64_t first =
      memory_base + static_cast<std::uint64_t>((fetch ? 0 : kProgramBytes) +
                                               bench.pick(0, 8) * std::min(kBusBits / 8, 64));
  bench.memory.inject_last(first, first + (early ? kBusBits / 4 : 64 * kBeatBytes) - 1, early);
  bench.start_program(p);
  for (int i = 0; !bench.dut.irq_o; ++i) {
    if (i > bench.patience) FAIL("the program hangs");
    bench.tick();
  }
  const std::uint64_t wrong = bench.memory.failure().beat / kBeatBytes * kBeatBytes;
  CHECK(bench.read(csr::kErrorCause) == (fetch ? kFetchError : kLoadError));
  CHECK(bench.read64(csr::kErrorAddress) == wrong);
  CHECK(bench.read(csr::kStatus) == (early ? kError : kError | kBusDirty));
  if (early) CHECK(bench.memory.idle());
  CHECK(bench.read(csr::kIrqStatus) == 2);
  bench.write(csr::kIrqStatus, 2);
  bench.memory.clear_errors();
  if (!early) bench.reset_bus();
  REQUIRE(bench.write(csr::kWatchdog, csr::kWatchdogReset) == 0);
  bench.check_run(bench.ordered_program(20));
}

TEST_CASE("trine_control issues the words before a wrong response", "[tb][control][error]") {
  Bench bench(39);
  set_timing(bench, 0);
  bench.port_percent = 5;  // queue and buffer are full at that point
  Program p;
  bench.sets(p, Engine::kVector, 300);
  p.end();
  const std::uint64_t wrong = memory_base + 250 * 8 / kBeatBytes * kBeatBytes;
  bench.memory.inject_error(wrong, wrong + kBeatBytes - 1, 2);
  bench.start_program(p);
  bench.check_error(kFetchError, wrong);
}

TEST_CASE("trine_control counts the RUNs and words of a long program", "[tb][control][error]") {
  Bench bench(45);
  set_timing(bench, 0);
  constexpr std::uint32_t kRuns = 16400;
  Program p;
  const Copy bias{false, Target::kBias, kProgramBytes, 0, kDataWords, 1, 0, 0};
  for (std::uint32_t i = 0; i < kRuns; ++i) p.copy(bias, 0, 0, i == 0, bench.random);
  SECTION("up to a load of a wrong beat") {
    Copy wrong = bias;
    wrong.dram += 16 * kBeatBytes;
    p.copy(wrong, 0, 0, true, bench.random);
    p.end();
    const std::uint64_t beat = memory_base + static_cast<std::uint64_t>(wrong.dram);
    bench.memory.inject_error(beat, beat + kBeatBytes - 1, 2);
    bench.start_program(p);
    bench.check_error(kLoadError, beat, kRuns);
  }
  SECTION("up to an illegal word") {
    const std::size_t offset = 8 * p.words.size();
    p.words.push_back(kHash);  // legal only as the first word
    p.end();
    bench.start_program(p);
    bench.check_error(kIllegalError, offset);
  }
}

TEST_CASE("trine_control keeps its bursts inside of the window", "[tb][control][error]") {
  const auto seed = GENERATE(34u, 35u, 36u, 37u);
  const auto timing = GENERATE(0u, 1u, 2u);
  const auto kind = GENERATE(kFetchWindow, kLoadWindow, kStoreWindow);
  CAPTURE(seed, timing, kind);
  Bench bench(seed);
  set_timing(bench, timing);
  Program p = bench.ordered_program(30);
  std::uint64_t address = 0;
  std::uint32_t run = 0;
  // The end of the program is outside of the window, starting with the first or the last word of a
  // burst.
  if (kind == kFetchWindow) {
    p = {};
    while (p.words.size() < 600) p.words.push_back(isa::encode_set(Engine::kVector, 0, 0));
    p.end();
    constexpr std::uint64_t kBurst = 256;  // half of the buffer
    address = memory_base + kBurst * static_cast<std::uint64_t>(bench.pick(
                                         1, static_cast<int>(8 * p.words.size() / kBurst) - 1));
    bench.memory.window_last =
        address + static_cast<std::uint64_t>(bench.pick(0, 1)) * (kBurst - 1) - 1;
  } else {  // the last copy touches a beat after all others
    const bool store = kind == kStoreWindow;
    p.words.pop_back();
    const int at = kMemoryBytes - kBeatBytes;
    for (const Copy& c : p.copies) run += c.store == store;
    p.copy({store, Target::kDmem, at, 0, kDataWords, 1, 0, kDataWords}, 0, 0, true, bench.random);
    p.end();
    address = memory_base + static_cast<std::uint64_t>(at);
    bench.memory.window_last = address + static_cast<std::uint64_t>(bench.pick(0, kBeatBytes)) - 2;
  }
  if (bench.pick(0, 1) == 0 && kind != kFetchWindow) bench.memory.window_first = memory_base;
  bench.start_program(p);
  bench.check_error(kind, address, run);
  bench.memory.window_last = memory_base + kMemoryBytes - 1;
  bench.memory.window_first = memory_base;
  bench.check_run(bench.ordered_program(20));
}

TEST_CASE("trine_control refuses a program before the window", "[tb][control][error]") {
  Bench bench(38);
  Program p = bench.ordered_program(3);
  bench.memory.window_first = memory_base + 1;
  bench.start_program(p);
  bench.check_error(kFetchWindow, memory_base);
}

TEST_CASE("trine_control gives up on a bus that does not answer", "[tb][control][error]") {
  using Memory = decltype(Bench::memory);
  const auto seed = GENERATE(71u, 72u, 73u, 74u, 75u, 76u);
  const auto channel = GENERATE(Memory::kAr, Memory::kR, Memory::kAw, Memory::kW, Memory::kB);
  const bool late = GENERATE(false, true);
  CAPTURE(seed, channel, late);
  Bench bench(seed);
  set_timing(bench, seed % 3);
  constexpr std::uint32_t kLimit = 300;
  REQUIRE(bench.write(csr::kWatchdog, kLimit) == 0);
  Program p;
  while (p.copies.size() < 400) {
    p.append(bench.ordered_program(20));
  }
  bench.start_program(p);
  for (int wait = bench.pick(0, 3000); wait > 0; --wait) bench.tick();
  bench.memory.stand(channel);
  for (int i = 0; !bench.dut.irq_o; ++i) {
    if (i > 400'000) FAIL("the program hangs");
    bench.tick();
  }
  CHECK(bench.read(csr::kStatus) == (kError | kBusDirty));
  const std::uint32_t cause = bench.read(csr::kErrorCause);
  const std::uint64_t address = bench.read64(csr::kErrorAddress);
  const bool write = channel == Memory::kAw || channel == Memory::kW || channel == Memory::kB;
  if (write) {
    CHECK(cause == kStoreTimeout);
    CHECK(touches(p, true, bench.read(csr::kErrorRun), address));
  } else {
    CHECK((cause == kLoadTimeout || cause == kFetchTimeout));
    const std::uint32_t run = bench.read(csr::kErrorRun);
    const bool behind_copy = cause == kLoadTimeout && copies_on_chip(p, run);
    if (cause == kLoadTimeout) CHECK((behind_copy || touches(p, false, run, address)));
    if (channel == Memory::kR && cause == kLoadTimeout && !behind_copy)
      CHECK(bench.memory.oldest_read(1) / kBeatBytes * kBeatBytes == address);
    if (cause == kFetchTimeout) CHECK(!bench.memory.reading(1));
  }
  CHECK(bench.read(csr::kIrqStatus) == 2);
  bench.write(csr::kIrqStatus, 2);
  bench.check_start_refused();
  if (late) {  // the memory answers late: the answer is dropped and counted
    const Words before = bench.memory.words;
    for (int i = 0; i < 1000; ++i) bench.tick();
    CHECK(bench.read(csr::kStatus) == (kError | kBusDirty));
    bench.memory.stand(Memory::kNone);
    for (int i = 0; (bench.read(csr::kStatus) & kBusDirty) != 0; ++i) REQUIRE(i < 4'000);
    CHECK(bench.memory.idle());
    // An offered beat is completed; while the address waits, the memory has taken the beats before
    // it.
    bench.compare("DRAM", bench.memory.words, before, channel == Memory::kAw ? 64 : 1);
  } else {
    bench.reset_bus();
  }
  CHECK(bench.read(csr::kStatus) == kError);
  bench.check_run(bench.ordered_program(20));
}

TEST_CASE("trine_control keeps late responses from the next program", "[tb][control][error]") {
  using Memory = decltype(Bench::memory);
  const auto seed = GENERATE(77u, 78u, 79u);
  CAPTURE(seed);
  Bench bench(seed);
  set_timing(bench, seed % 3);
  REQUIRE(bench.write(csr::kWatchdog, 200) == 0);
  Program p;
  while (p.copies.size() < 400) p.append(bench.ordered_program(20));
  bench.start_program(p);
  CHECK(bench.write(csr::kControl, kBusWasReset) == 2);  // not while a program runs
  for (int wait = bench.pick(0, 3000); wait > 0; --wait) bench.tick();
  bench.memory.stand(Memory::kR);
  for (int i = 0; !bench.dut.irq_o; ++i) {
    REQUIRE(i < 400'000);
    bench.tick();
  }
  bench.write(csr::kIrqStatus, 3);
  // A driver that simply tries again is refused while beats may arrive. The first start that is
  // accepted is exact.
  const Program next = bench.ordered_program(20);
  for (int tries = 0; tries < 20; ++tries) bench.check_start_refused();
  bench.memory.stand(Memory::kNone);
  for (int tries = 0; (bench.read(csr::kStatus) & kBusDirty) != 0; ++tries) {
    REQUIRE(tries < 40'000);
  }
  CHECK(bench.memory.idle());
  bench.check_run(next);
}

TEST_CASE("trine_control ends a soft reset on a bus that does not answer", "[tb][control][error]") {
  using Memory = decltype(Bench::memory);
  const auto channel = GENERATE(Memory::kAr, Memory::kR, Memory::kAw, Memory::kW, Memory::kB);
  const auto seed = GENERATE(81u, 82u, 83u);
  CAPTURE(channel, seed);
  Bench bench(seed);
  bench.write(csr::kWatchdog, 100);
  bench.start_program(bench.parallel_program(40));
  for (int wait = bench.pick(100, 900); wait > 0; --wait) bench.tick();
  bench.memory.stand(channel);
  bench.write(csr::kControl, 2);
  for (int j = 0; (bench.read(csr::kStatus) & 1) != 0; ++j) REQUIRE(j < 500);
  if ((bench.read(csr::kStatus) & kBusDirty) != 0) bench.check_start_refused();
  bench.write(csr::kIrqStatus, 3);
  bench.reset_bus();
  // Zeros are written.
  for (int j = 0; TB_Ecc && (bench.read(csr::kStatus) & 8) != 0; ++j) REQUIRE(j < 5000);
  CHECK(bench.read(csr::kStatus) == 0);
  bench.check_run(bench.ordered_program(20));
}

TEST_CASE("trine_control waits for a slow bus with the watchdog off or above the latency",
          "[tb][control]") {
  const std::uint32_t limit = GENERATE(0u, 1100u);
  Bench bench(91);
  REQUIRE(bench.write(csr::kWatchdog, limit) == 0);
  bench.memory.timing = {60, 900, 1000};
  bench.check_run(bench.ordered_program(8));
}

TEST_CASE("trine_control gives a late address and its late data a limit each", "[tb][control]") {
  constexpr int kLate = 200, kLimit = 300;
  Bench bench(92);
  REQUIRE(bench.write(csr::kWatchdog, kLimit) == 0);
  bench.memory.timing = {100, kLate, kLate};
  bench.memory.stand(decltype(Bench::memory)::kAr);
  bench.start_program(bench.ordered_program(4));
  for (int i = 0; i < kLate; ++i) bench.tick();
  bench.memory.stand(decltype(Bench::memory)::kNone);
  bench.wait_done();
}

TEST_CASE("trine_control refuses illegal words", "[tb][control][error]") {
  const auto seed = GENERATE(41u, 42u);
  const auto bad = GENERATE(
      Word{kHash}, isa::encode_run(Engine::kLoad, {0, 0, isa::kTargets.codes.back().code + 1, 0}),
      isa::encode_run(Engine::kCompute, {0, 0, isa::kComputeOps.codes.back().code + 1, 0}),
      isa::encode_run(Engine::kVector, {0, 0, 5, 0}),
      isa::encode_run(Engine::kVector, {0, 0, isa::kVectorOps.codes.back().code + 1, 0}),
      isa::encode_run(Engine::kStore, {0, 0, 1, 0}), isa::encode_run(Engine::kStore, {0, 0, 4, 0}),
      isa::encode_run(Engine::kLoad, {0, 0, 2, 1 << isa::dma::kFromDmem}),
      isa::encode_set(Engine::kCompute, isa::post::kEncoding.reg,
                      std::uint64_t{3} << isa::post::kEncoding.lsb),
      std::uint64_t{0});
  CAPTURE(seed, bad);
  Bench bench(seed);
  set_timing(bench, 1);
  Program p = bench.parallel_program(20);
  p.words.pop_back();
  const std::size_t offset = 8 * p.words.size();
  if (bad != 0) {  // 0: the program lacks END, and the word count ends it
    p.words.push_back(bad);
    p.end();
  }
  bench.start_program(p);
  bench.check_error(kIllegalError, offset);
  bench.check_run(bench.ordered_program(20));
}

TEST_CASE("trine_control runs nothing of another configuration's program", "[tb][control][error]") {
  Bench bench(46);
  set_timing(bench, 0);
  Program p = bench.ordered_program(20);
  const State before = bench.state;
  const auto first = GENERATE(map([](int bit) { return kHash ^ Word { 1 } << bit; }, range(0, 64)),
                              values<Word>({0, isa::encode_set(Engine::kVector, 0, 0)}));
  CAPTURE(first);
  p.words.front() = first;
  bench.start_program(p);
  bench.check_error(kConfigurationError, 0);
  CHECK(bench.next == decltype(bench.next){});  // no engine has received a word
  CHECK(bench.memory.bytes_written() == 0);
  CHECK(bench.state.pmem == before.pmem);
  CHECK(bench.state.dmem == before.dmem);
  p.words.front() = kHash;
  bench.check_run(p);
}

TEST_CASE("trine_control stops where a token never comes", "[tb][control][error]") {
  const auto seed = GENERATE(47u, 48u, 49u);
  const auto timing = GENERATE(0u, 1u, 2u);
  CAPTURE(seed, timing);
  Bench bench(seed);
  set_timing(bench, timing);
  Program p;
  std::size_t at = 0;  // index of the word that cannot continue
  enum Place { kBeforeEnd, kBehindQueue, kWaitsItself };
  const auto place = GENERATE(kBeforeEnd, kBehindQueue, kWaitsItself);
  CAPTURE(place);
  if (place == kBeforeEnd) {
    p = bench.ordered_program(8);  // short: END is fetched before any queue is full
    const auto is_run = [](Word w) { return isa::opcode_of(w) == isa::Opcode::kRun; };
    auto nth = static_cast<std::size_t>(bench.pick(0, 6));
    for (Word& word : p.words) {  // one RUN does not give its token
      if (!is_run(word) || nth-- != 0) continue;
      const isa::Run run = isa::decode_run(word);
      word = isa::encode_run(isa::engine_of(word), {run.wait, 0, run.op, run.flags});
    }
    at = p.words.size() - 1;
  } else if (place == kBehindQueue) {  // the RUN that would give it is never fetched
    p.run(Engine::kVector, {1 << static_cast<int>(Engine::kCompute), 0, 0, 0});
    bench.sets(p, Engine::kVector, 100);
    p.run(Engine::kCompute, {0, 1 << static_cast<int>(Engine::kVector), 0, 0});
    p.end();
    at = 1 + 1 + 1 + 64;  // BEGIN, the RUN in front, the word after it, a queue of 64
  } else {                // an engine that the others wait for
    for (const Engine engine : {Engine::kStore, Engine::kCompute, Engine::kVector, Engine::kLoad})
      p.run(engine, {1 << (static_cast<int>(engine) + 1) % 4, 15, 0, 0});
    p.end();
    at = p.words.size() - 1;
  }
  bench.start_program(p);
  bench.check_error(kDeadlock, 8 * at);
  CHECK(bench.write(csr::kControl, 2) == 0);  // a soft reset clears it
  for (int i = 0; (bench.read(csr::kStatus) & 9) != 0; ++i) REQUIRE(i < 3000);
  CHECK(bench.read(csr::kStatus) == 0);
  CHECK(bench.read(csr::kErrorCause) == 0);
  bench.check_run(bench.ordered_program(20));
}

TEST_CASE("trine_control stops a program that makes no progress", "[tb][control][error]") {
  const auto seed = GENERATE(range(51u, 55u));
  Bench bench(seed);
  set_timing(bench, seed % 3);
  constexpr int kLimit = 300;
  REQUIRE(bench.write(csr::kProgressLimit, kLimit) == 0);
  bench.stands = true;
  const Program p = one_run();
  bench.start_program(p);
  SECTION("after the limit and not sooner") {
    while (bench.in_flight[1].empty()) bench.tick();
    const std::int64_t begun = bench.cycles;
    while (bench.dut.running_o) bench.tick();
    CHECK(bench.cycles - begun > kLimit);
    CHECK(bench.cycles - begun < kLimit + 60);  // END may be fetched after the RUN
  }
  SECTION("not while it makes progress") {
    for (int i = 0; i < 40'000; ++i) {
      bench.moves = i % (kLimit - 10) == 0;
      bench.tick();
    }
    CHECK(bench.dut.running_o);
    bench.moves = false;
  }
  SECTION("never with a limit of 0, which may be set at any time") {
    REQUIRE(bench.write(csr::kProgressLimit, 0) == 0);
    for (int i = 0; i < 20'000; ++i) bench.tick();
    CHECK(bench.dut.running_o);
    REQUIRE(bench.write(csr::kProgressLimit, kLimit) == 0);
  }
  bench.check_error(kProgress, 8 * (p.words.size() - 1));
  bench.stands = false;
  REQUIRE(bench.write(csr::kProgressLimit, csr::kWatchdogReset) == 0);
  bench.check_run(bench.ordered_program(20));
}

TEST_CASE("a bus that owes an answer is a timeout and not a lack of progress",
          "[tb][control][error]") {
  Bench bench(56);
  set_timing(bench, 0);
  REQUIRE(bench.write(csr::kProgressLimit, 200) == 0);
  REQUIRE(bench.write(csr::kWatchdog, 3000) == 0);
  bench.start_program(bench.ordered_program(60));
  bench.memory.stand(bench.memory.kR);
  for (int i = 0; !bench.dut.irq_o; ++i) {
    REQUIRE(i < 8000);
    bench.tick();
  }
  const std::uint32_t cause = bench.read(csr::kErrorCause);
  CHECK(
      (cause == kFetchTimeout || cause == kLoadTimeout));  // a wide beat may hold all that remains
  CHECK((bench.read(csr::kStatus) & kBusDirty) != 0);
  bench.reset_bus();
  REQUIRE(bench.write(csr::kIrqStatus, 3) == 0);
  bench.check_run(bench.ordered_program(5));
}

TEST_CASE("trine_control ends a program at its limit of cycles", "[tb][control][error]") {
  const auto seed = GENERATE(range(57u, 60u));
  Bench bench(seed);
  set_timing(bench, 0);
  constexpr std::uint32_t kLimit = 3000;
  bench.stands = bench.moves = true;
  const Program p = one_run();
  REQUIRE(bench.write(csr::kCyclesLimit, static_cast<std::uint32_t>(kCountFrom) + kLimit) == 0);
  bench.start_program(p);
  bench.check_error(kCyclesExceeded, 8 * (p.words.size() - 1));
  CHECK(bench.read64(csr::kCycles) >= kCountFrom + kLimit);
  CHECK(bench.read64(csr::kCycles) <= kCountFrom + kLimit + 20);
  bench.stands = bench.moves = false;
  // The count of the previous program does not end this one, whatever the counters are at its
  // start.
  REQUIRE(bench.write(csr::kCyclesLimit, static_cast<std::uint32_t>(kCountFrom) + 2000) == 0);
  Program nothing;
  nothing.end();
  for (int phase = 0; phase < 30; ++phase) {
    bench.check_run(nothing);
    bench.stands = bench.moves = true;
    bench.start_program(p);
    bench.check_error(kCyclesExceeded, 8 * (p.words.size() - 1));
    bench.stands = bench.moves = false;
    for (int wait = phase % 15; wait > 0; --wait) bench.tick();
  }
  REQUIRE(bench.write(csr::kCyclesLimit, 0) == 0);
  bench.check_run(bench.ordered_program(20));
}

TEST_CASE("trine_control does not take a long RUN for a deadlock", "[tb][control]") {
  Bench bench(50);
  set_timing(bench, 0);
  bench.retire_max = 20'000;
  Program p;
  for (int i = 0; i < 4; ++i) {
    p.run(Engine::kCompute, {0, 1 << static_cast<int>(Engine::kVector), 0, 0});
    bench.sets(p, Engine::kVector, 60);
    p.run(Engine::kVector, {1 << static_cast<int>(Engine::kCompute), 0, 0, 0});
  }
  p.end();
  bench.check_run(p);
}

TEST_CASE("trine_control refuses an empty program", "[tb][control][error]") {
  Bench bench(43);
  Program p;
  p.end();
  bench.start_program(p, 0);
  bench.check_error(kIllegalError, 0);
  bench.check_run(p);
}

TEST_CASE("trine_control stops when a token counter overflows", "[tb][control][error]") {
  Bench bench(44);
  Program p;
  const Copy copy{false, Target::kBias, kProgramBytes, 0, kDataWords, 1, 0, 0};
  for (int i = 0; i < 63; ++i) p.copy(copy, 0, 2, i == 0, bench.random);
  Program enough = p;
  enough.end();
  bench.check_run(enough);
  p.copy(copy, 0, 2, false, bench.random);
  const bool at_the_end = GENERATE(false, true);
  CAPTURE(at_the_end);
  for (int i = 0; i < (at_the_end ? 0 : 2000); ++i)
    p.words.push_back(isa::encode_set(Engine::kVector, 0, 0));
  p.end();
  bench.start_program(p);
  bench.wait_irq();
  CHECK(bench.read(csr::kErrorCause) == kTokenError);
}

TEST_CASE("trine_control survives a soft reset at any time", "[tb][control]") {
  const auto seed = GENERATE(51u, 52u, 53u, 54u, 55u, 56u, 57u, 58u);
  const auto timing = GENERATE(0u, 1u, 2u);
  CAPTURE(seed, timing);
  Bench bench(seed);
  set_timing(bench, timing);
  for (int i = 0; i < 6; ++i) {
    bench.start_program(bench.parallel_program(40));
    for (int wait = bench.pick(0, 1500); wait > 0; --wait) bench.tick();
    bench.write(csr::kIrqStatus, 3);
    bench.write(csr::kControl, 2);
    const std::uint64_t written = bench.memory.bytes_written();
    // The slowest case for transfers in progress: some bursts of a narrow bus that is ready in 15 %
    // of cycles.
    for (int j = 0; (bench.read(csr::kStatus) & 9) != 0; ++j) REQUIRE(j < 5000);
    CHECK(bench.read(csr::kStatus) == 0);
    CHECK(bench.memory.idle());
    CHECK(bench.memory.bytes_written() - written <= kBusBits / 8);  // an offered beat is completed
    bench.write(csr::kIrqStatus, 3);
  }
  bench.check_run(bench.ordered_program(20));
}
