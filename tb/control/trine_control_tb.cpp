// SPDX-License-Identifier: Apache-2.0
//
// Tests the control and its DMA engines against a sequential model: random programs, random stalls,
// a program that IMEM keeps. The bench simulates the compute and vector engines.

#include "sw/base/catch.h"
#include "tb/control/trine_control_bench.h"

using namespace trine;
using namespace trine::tb;
using namespace trine::tb::control;

TEST_CASE("trine_control runs ordered programs like the sequential model", "[tb][control]") {
  const auto seed = GENERATE(1u, 2u, 3u, 4u);
  const auto timing = GENERATE(0u, 1u, 2u);
  CAPTURE(seed, timing);
  Bench bench(seed);
  set_timing(bench, timing);
  for (int i = 0; i < 3; ++i) bench.check_run(bench.ordered_program(40));
}

TEST_CASE("trine_control runs engines in parallel without losing order", "[tb][control]") {
  const auto seed = GENERATE(11u, 12u, 13u, 14u);
  const auto timing = GENERATE(0u, 1u, 2u);
  CAPTURE(seed, timing);
  Bench bench(seed);
  set_timing(bench, timing);
  for (int i = 0; i < 3; ++i) bench.check_run(bench.parallel_program(60));
}

TEST_CASE("trine_control works with every memory that AXI allows", "[tb][control]") {
  const auto at = GENERATE(range(std::size_t{0}, sim::kAxiSlaves.size()));
  const auto timing = GENERATE(0u, 1u, 2u);
  const std::string slave{sim::kAxiSlaves.at(at).name};
  CAPTURE(slave, timing);
  Bench bench(131 + static_cast<unsigned>(at));
  set_timing(bench, timing);
  bench.memory.slave = sim::kAxiSlaves.at(at);
  bench.check_run(bench.ordered_program(40));
  bench.check_run(bench.parallel_program(60));
  // An error of a store stops the program with the memory's response, whatever the order was.
  Program p = bench.parallel_program(10);
  const int region = kProgramBytes + kSourceBytes;
  p.words.pop_back();
  p.copy({true, Target::kDmem, region, 0, 200 * kDataWords, 2, 200 * kBeatBytes, kDataWords}, 0, 0,
         true, bench.random);
  p.end();
  bench.memory.inject_error(memory_base + region, memory_base + region + 200 * kBeatBytes - 1, 2);
  bench.start_program(p);
  bench.wait_irq();
  const std::uint64_t burst = bench.memory.failure().burst;
  bench.check_error(kStoreError, burst, runs_that_touch(p, true, burst).at(0));
  bench.memory.clear_errors();
  // A soft reset in the middle of a program leaves no trace.
  bench.start_program(bench.parallel_program(40));
  for (int wait = bench.pick(100, 600); wait > 0; --wait) bench.tick();
  bench.write(csr::kControl, 2);
  for (int i = 0; (bench.read(csr::kStatus) & 9) != 0; ++i) REQUIRE(i < 5000);
  bench.write(csr::kIrqStatus, 3);
  bench.check_run(bench.ordered_program(20));
}

#if TB_Ecc
/// Reports a fatal word as trine_ecc does: from some cycle on, until clear_o.
TEST_CASE("trine_control holds its beats when a word cannot be corrected", "[tb][control][error]") {
  const auto seed = GENERATE(range(141u, 165u));
  CAPTURE(seed);
  Bench bench(seed);
  bench.memory.timing = {seed % 2 == 0 ? 15u : 40u, 0, 30};
  bench.memory.slave = sim::kAxiSlaves.at(seed % sim::kAxiSlaves.size());
  bench.port_percent = 100;
  bench.read_latency = 1;
  Program p;
  p.copy({true, Target::kDmem, kProgramBytes + kSourceBytes, 0, 64 * kDataWords, 4, 64 * kBeatBytes,
          kDataWords},
         0, 0, true, bench.random);
  p.end();
  bench.start_program(p);
  for (int i = 0; bench.memory.bytes_written() < 16 * kBeatBytes; ++i) {
    REQUIRE(i < 100'000);
    bench.tick();
  }
  for (int wait = bench.pick(0, 40); wait > 0; --wait) bench.tick();
  bench.dut.ecc_fatal_i = 1;
  bench.dut.ecc_core_i = seed % 8;
  bench.dut.ecc_addr_i = 0x1'0000'0077;
  const std::uint64_t written = bench.memory.bytes_written();
  for (int i = 0; !bench.dut.clear_o; ++i) {
    REQUIRE(i < 100'000);
    bench.tick();
  }
  bench.tick();
  bench.dut.ecc_fatal_i = 0;
  CHECK(bench.memory.bytes_written() - written <= kBusBits / 8);  // the beat on offer
  bench.check_error(12, std::uint64_t{seed % 8} << 34 | 0x1'0000'0077);
  bench.check_run(bench.ordered_program(20));
}

/// The last write of a program may be merged into a word that cannot be corrected.
TEST_CASE("trine_control does not report done when a word fails at the end",
          "[tb][control][error]") {
  const int late = GENERATE(1, 2, 3);  // cycles after running_o falls
  CAPTURE(late);
  Bench bench(165);
  bench.start_program(bench.ordered_program(4));
  for (int i = 0; !bench.dut.running_o; ++i) {
    REQUIRE(i < 100'000);
    bench.tick();
  }
  for (int i = 0; bench.dut.running_o; ++i) {
    REQUIRE(i < 100'000);
    bench.tick();
  }
  for (int wait = 1; wait < late; ++wait) bench.tick();
  bench.dut.ecc_fatal_i = 1;
  bench.dut.ecc_addr_i = 78;
  for (int i = 0; !bench.dut.clear_o; ++i) {
    REQUIRE(i < 100'000);
    bench.tick();
  }
  bench.tick();
  bench.dut.ecc_fatal_i = 0;
  bench.check_error(12, 78);
  bench.check_run(bench.ordered_program(20));
}
#endif

TEST_CASE("trine_control streams one beat a cycle", "[tb][control]") {
  Bench bench(21);
  bench.memory.timing = {100, 20, 20};
  bench.port_percent = 100;
  bench.read_latency = 2;
  // Rows of eight beats: many bursts, each shorter than the latency.
  const int rows = std::min(64, kDmemWords / (8 * kDataWords));
  const bool store = GENERATE(false, true);
  CAPTURE(store);
  Program p;
  p.copy({store, Target::kDmem, kProgramBytes + (store ? kSourceBytes : 0), 0, 8 * kDataWords, rows,
          8 * kBeatBytes, 8 * kDataWords},
         0, 0, true, bench.random);
  p.end();
  bench.check_run(p);
  const auto engine = static_cast<std::size_t>(store ? Engine::kStore : Engine::kLoad);
  const int bus_beats = 8 * rows * (kBusBits < 64 ? 2 : 1);
  CHECK(static_cast<int>(bench.busy[engine]) <= bus_beats + 40);
}

TEST_CASE("trine_control prefetches the next load", "[tb][control]") {
  Bench bench(22);
  bench.memory.timing = {100, 40, 40};
  bench.port_percent = 100;
  Program p;
  constexpr int kRuns = 12, kBeats = 64;
  for (int i = 0; i < kRuns; ++i)
    p.copy({false, Target::kDmem, kProgramBytes + 512 * i, 0, kBeats * kDataWords, 1, 0, 0}, 0, 0,
           true, bench.random);
  p.end();
  bench.check_run(p);
  const int bus_beats = kBeats * kRuns * (kBusBits < 64 ? 2 : 1);
  CHECK(static_cast<int>(bench.busy[0]) <= bus_beats + 12 * kRuns + 100);
}

/// The memory contains a copy's words when it reports them, up to 32 cycles after the last beat.
TEST_CASE("trine_control ends a load of DMEM when its words are there", "[tb][control]") {
  Bench bench(23);
  constexpr int kBeats = 2, kRuns = 20;
  constexpr int kLoad = 1 << static_cast<int>(Engine::kLoad);
  constexpr int kStore = 1 << static_cast<int>(Engine::kStore);
  Program p;
  for (int i = 0; i < kRuns; ++i) {
    const int place = i * kBeats * kBeatBytes;
    p.copy({false, Target::kDmem, kProgramBytes + place, 0, kBeats * kDataWords, 1, 0, 0},
           i == 0 ? 0 : kStore, kStore, true, bench.random);
    p.copy({true, Target::kDmem, kProgramBytes + kSourceBytes + place, 0, kBeats * kDataWords, 1, 0,
            0},
           kLoad, i + 1 == kRuns ? 0 : kLoad, true, bench.random);
  }
  p.end();
  bench.check_run(p);
}

/// Uses numbers of rows and strides that random copies do not have. A missing or misplaced row
/// leaves other words.
TEST_CASE("trine_control copies rows by the hundred, and far from each other", "[tb][control]") {
  Bench bench(23);
  set_timing(bench, 0);
  const int source = kProgramBytes, target = kProgramBytes + kSourceBytes,
            row = kDataWords * kBeatsPerRow,
            overlapping = std::min(200, (kDmemWords - row) / kDataWords);
  for (const Copy& copy : {Copy{false, Target::kDmem, source, 0, kDataWords, 1500, kBeatBytes, 0},
                           Copy{false, Target::kPmem, 0, 0, row, overlapping, kBeatBytes, 0, true},
                           Copy{true, Target::kDmem, target, 0, kDataWords, 1500, kBeatBytes, 0},
                           Copy{false, Target::kDmem, source, 0, kDataWords, 2, kBeatBytes, 1600},
                           Copy{true, Target::kDmem, target, 0, kDataWords, 2, kBeatBytes, 1600}}) {
    CAPTURE(copy.store, copy.from_dmem, copy.rows, copy.local_stride);
    Program p;
    p.copy(copy, 0, 0, true, bench.random);
    p.end();
    bench.check_run(p);
  }
}

// The counters do not depend on the bus, so the test uses buses with the largest beats.
#if TB_AxiDataBits >= 512 || defined(TB_Mutants)
TEST_CASE("trine_control counts millions of bytes", "[tb][control]") {
  Bench bench(24);
  set_timing(bench, 0);
  bench.patience = 4'000'000;
  constexpr int kRowBytes = 4096;
  Program p;
  p.copy({true, Target::kDmem, kProgramBytes + kSourceBytes, 0, kRowBytes / 4, 1100, 0, 0}, 0, 0,
         true, bench.random);
  p.end();
  bench.check_run(p);
  CHECK(bench.memory.bytes_written() >> 22 == 1);
}
#endif

TEST_CASE("trine_control has at most four write bursts without a response", "[tb][control]") {
  Bench bench(25);
  set_timing(bench, 0);
  Program p;
  p.copy({true, Target::kDmem, kProgramBytes + kSourceBytes, 0, kDataWords, 12, 2 * kBeatBytes, 0},
         0, 0, true, bench.random);
  p.end();
  bench.memory.stand(bench.memory.kB);
  bench.start_program(p);
  for (int i = 0; i < 2000; ++i) bench.tick();
  CHECK(bench.memory.unanswered_writes() == 4);
  bench.memory.stand(bench.memory.kNone);
  bench.wait_irq();
  CHECK(bench.read(csr::kStatus) == 2);
}

TEST_CASE("trine_control ends at END, whatever the number of words", "[tb][control]") {
  const int bit = GENERATE(16, 24, 31);
  Bench bench(26);
  const Program p = bench.ordered_program(20);
  bench.start_program(p, (1u << bit) + static_cast<std::uint32_t>(p.words.size()) / 2);
  bench.wait_irq();
  CHECK(bench.read(csr::kStatus) == 2);
}

#if TB_ImemWords
TEST_CASE("trine_control reads a program's beginning once", "[tb][control][imem]") {
  const auto seed = GENERATE(range(151u, 157u));
  const auto runs = GENERATE(3, 30);  // the program fits into IMEM, or is longer
  CAPTURE(seed, runs);
  Bench bench(seed);
  set_timing(bench, seed % 3);
  bench.memory.slave = sim::kAxiSlaves.at(seed % sim::kAxiSlaves.size());
  Program p;
  bench.sets(p, Engine::kCompute, 1);
  p.append(bench.ordered_program(runs));
  const std::uint64_t all = bench.to_fetch(p.words.size(), false),
                      rest = bench.to_fetch(p.words.size(), true);
  REQUIRE(rest < all);
  REQUIRE((rest == 0) == (p.words.size() <= TB_ImemWords));
  bench.check_run(p);
  CHECK(bench.memory.bytes_fetched() == all);
  const auto again = [&](std::uint64_t bytes) {
    bench.start_again();
    bench.wait_done();
    CHECK(bench.memory.bytes_fetched() == bytes);
  };
  again(rest);
  // Other words at the same address: the old ones run until the driver reports the change.
  Program other;
  bench.sets(other, Engine::kCompute, 1);
  const Word word = other.words.at(1);
  bench.memory.words[2] = static_cast<std::uint32_t>(word);
  bench.memory.words[3] = static_cast<std::uint32_t>(word >> 32);
  again(rest);
  bench.program.at(1) = word;
  bench.write64(csr::kProgram, memory_base);
  again(all);
  again(rest);
  // Each of these writes forces a new fetch; other writes keep the program.
  bench.write64(csr::kBase, bench.base);
  bench.write64(csr::kWindowFirst, 0);
  const std::array<std::uint32_t, 3> names{csr::kProgram, csr::kProgram + 4, csr::kProgramWords};
  for (const std::uint32_t offset : names) {
    CAPTURE(offset);
    REQUIRE(bench.write(offset, bench.read(offset)) == 0);
    again(all);
    again(rest);
  }
  CHECK(bench.write(csr::kProgram, kBeatBytes / 2) == 2);  // refused: nothing changes
  again(rest);
}

TEST_CASE("trine_control keeps nothing of a program that did not end well",
          "[tb][control][imem][error]") {
  const auto seed = GENERATE(range(161u, 167u));
  CAPTURE(seed);
  Bench bench(seed);
  set_timing(bench, seed % 3);
  const Program p = bench.ordered_program(12);
  const std::uint64_t all = bench.to_fetch(p.words.size(), false),
                      rest = bench.to_fetch(p.words.size(), true);
  const auto check_anew = [&] {
    bench.start_again();
    bench.wait_done();
    CHECK(bench.memory.bytes_fetched() == all);
    bench.start_again();
    bench.wait_done();
    CHECK(bench.memory.bytes_fetched() == rest);
  };
  bench.check_run(p);
  // A soft reset at any time in a run, also with a scrub.
  REQUIRE(bench.write(csr::kControl, 2) == 0);
  bench.wait_reset();
  check_anew();
  bench.start_again();
  for (int wait = bench.pick(0, 300); wait > 0; --wait) bench.tick();
  REQUIRE(bench.write(csr::kControl, bench.pick(0, 1) == 0 ? 2 : 6) == 0);
  bench.wait_reset();
  REQUIRE(bench.write(csr::kIrqStatus, 3) == 0);
  check_anew();
  // A bus error: of the fetch while it fills IMEM, or of an engine.
  const std::uint64_t beat =
      memory_base + static_cast<std::uint64_t>(
                        bench.pick(0, static_cast<int>(all) / kBeatBytes - 1) * kBeatBytes);
  bench.memory.inject_error(beat, beat, 2);
  bench.write64(csr::kProgram, memory_base);
  bench.start_again();
  bench.wait_irq();
  CHECK(bench.read(csr::kErrorCause) == kFetchError);
  bench.memory.clear_errors();
  REQUIRE(bench.write(csr::kIrqStatus, 3) == 0);
  check_anew();
  const std::uint64_t source = memory_base + kProgramBytes;
  bench.memory.inject_error(source, source + kSourceBytes + kMemoryBytes / 2, 3);
  bench.start_again();
  bench.wait_irq();
  const bool stopped = bench.read(csr::kStatus) == 4;  // otherwise it copies nothing
  bench.memory.clear_errors();
  REQUIRE(bench.write(csr::kIrqStatus, 3) == 0);
  if (stopped) check_anew();
  // The bus does not answer when the program is read.
  bench.write64(csr::kProgram, memory_base);
  REQUIRE(bench.write(csr::kWatchdog, 2000) == 0);
  bench.start_again();
  for (const std::uint64_t some = bench.random() % (all / 2); bench.memory.bytes_fetched() < some;)
    bench.tick();
  bench.memory.stand(bench.memory.kR);
  for (int i = 0; !bench.dut.irq_o; ++i) {
    REQUIRE(i < bench.patience);
    bench.tick();
  }
  bench.reset_bus();
  REQUIRE(bench.write(csr::kIrqStatus, 3) == 0);
  REQUIRE(bench.write(csr::kWatchdog, csr::kWatchdogReset) == 0);
  check_anew();
}

TEST_CASE("trine_control checks the window even for a kept program", "[tb][control][imem][error]") {
  Bench bench(168);
  const Program p = bench.ordered_program(3);
  bench.check_run(p);
  bench.write64(csr::kWindowFirst, memory_base + 4096);
  bench.start_again();
  bench.check_error(kFetchWindow, memory_base);
  CHECK(bench.memory.bytes_fetched() == 0);
}

TEST_CASE("trine_control runs a kept program no slower than from the bus", "[tb][control][imem]") {
  Bench bench(169);
  bench.memory.timing = {100, 0, 0};
  bench.port_percent = 100;
  Program p;
  bench.sets(p, Engine::kCompute, TB_ImemWords - 2);
  p.end();
  bench.start_program(p);
  bench.wait_done();
  const std::uint64_t first = bench.cycles_counted();
  bench.start_again();
  bench.wait_done();
  CHECK(bench.memory.bytes_fetched() == 0);
  CHECK(bench.cycles_counted() <= first);
}
#endif
