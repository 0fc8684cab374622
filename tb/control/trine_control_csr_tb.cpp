// SPDX-License-Identifier: Apache-2.0
//
// Tests the registers of trine_control in any state of the bus, the memories and a program.

#include "sw/base/catch.h"
#include "tb/control/trine_control_bench.h"

using namespace trine;
using namespace trine::tb;
using namespace trine::tb::control;

TEST_CASE("trine_csr raises the interrupts that are enabled", "[tb][csr]") {
  Program good, bad;
  good.end();
  bad.words.push_back(kHash);
  for (const bool error : {false, true}) {
    for (const std::uint32_t enabled : {0u, 1u, 2u, 3u}) {
      CAPTURE(error, enabled);
      Bench bench(92 + enabled);
      bench.start_program(error ? bad : good);
      REQUIRE(bench.write(csr::kIrqEnable, enabled) == 0);
      CHECK(bench.read(csr::kIrqEnable) == enabled);
      for (int i = 0; i < 2000; ++i) bench.tick();
      CHECK(bench.read(csr::kIrqStatus) == (error ? 2 : 1));
      CHECK(bench.dut.irq_o == (enabled >> error & 1));
      bench.write(csr::kIrqStatus, error ? 1 : 2);  // the other bit
      CHECK(bench.read(csr::kIrqStatus) == (error ? 2 : 1));
      bench.write(csr::kIrqStatus, 3);
      CHECK(bench.read(csr::kIrqStatus) == 0);
      CHECK(!bench.dut.irq_o);
    }
  }
}

TEST_CASE("trine_csr starts nothing with a soft reset, and no program twice", "[tb][csr]") {
  Bench bench(97);
  const Program p = bench.ordered_program(10);
  bench.check_run(p);
  for (const std::uint32_t both : {3u, 5u, 7u}) {
    CHECK(bench.write(csr::kControl, both) == 2);
    for (int i = 0; i < 50; ++i) {
      CHECK(!bench.dut.running_o);
      bench.tick();
    }
    CHECK(bench.read(csr::kStatus) == 2);  // and no reset
  }
  bench.start_program(p);
  for (int i = 0; i < 20; ++i) bench.tick();
  CHECK(bench.write(csr::kControl, 1) == 2);
  bench.wait_irq();
  CHECK(bench.read(csr::kStatus) == 2);
  bench.write(csr::kControl, 0);
  for (int i = 0; i < 50; ++i) {
    CHECK(!bench.dut.running_o);
    bench.tick();
  }
  bench.write(csr::kIrqStatus, 3);
  bench.check_run(p);
}

TEST_CASE("trine_csr answers as the register map says", "[tb][csr]") {
  Bench bench(61);
  CHECK(bench.read(csr::kId) == csr::kIdValue);
  CHECK(bench.read(csr::kVersion) == isa::kVersion);
  CHECK(bench.read(csr::kRegistersVersion) == csr::kRegistersVersionValue);
  CHECK(bench.read64(csr::kConfigHash) == kHash);
  CHECK(bench.read(csr::kStatus) == 0);
  CHECK(bench.read64(csr::kWindowFirst) == 0);
  CHECK(bench.read64(csr::kWindowLast) == kAddresses);
  CHECK(bench.read(csr::kWatchdog) == csr::kWatchdogReset);
  for (const auto offset :
       {csr::kProgram, csr::kProgramWords, csr::kBase, csr::kWindowFirst, csr::kWindowLast}) {
    CHECK(bench.write(offset, 0xdeadbe80) == 0);
    CHECK(bench.read(offset) == 0xdeadbe80);
    CHECK(bench.write(offset, 0, 3) == 2);  // partial strobes
    CHECK(bench.read(offset) == 0xdeadbe80);
    if (offset == csr::kProgramWords) continue;
    CHECK(bench.write(offset + 4, 0x12345678) == 0);
    CHECK(bench.read64(offset) == (0x12345678deadbe80 & kAddresses));
  }
  for (const auto offset : {csr::kProgram, csr::kBase}) {
    CHECK(bench.write(offset, kBeatBytes / 2) == 2);  // not a multiple of the bus width
    CHECK(bench.read(offset) == 0xdeadbe80);
  }
  CHECK(bench.write(csr::kWatchdog, 0xff234567) == 0);
  CHECK(bench.read(csr::kWatchdog) == 0x234567);
  CHECK(bench.read(csr::kProgressLimit) == csr::kWatchdogReset);
  CHECK(bench.write(csr::kProgressLimit, 0xff345678) == 0);
  CHECK(bench.read(csr::kProgressLimit) == 0x345678);
  CHECK(bench.read(csr::kCyclesLimit) == 0);
  CHECK(bench.write(csr::kCyclesLimit, 0xfedcba98) == 0);
  CHECK(bench.read(csr::kCyclesLimit) == 0xfedcba98);
  CHECK(bench.write(csr::kRegistersVersion, 1) == 2);
  CHECK(bench.write(csr::kErrorAddressAlias, 1) == 2);
  for (const auto offset : {csr::kProgressLimit, csr::kCyclesLimit})
    CHECK(bench.write(offset, 0) == 0);
  CHECK(bench.read(csr::kErrorRun) == 0);
  CHECK(bench.write(csr::kIrqEnable, 0xffffffff) == 0);
  CHECK(bench.read(csr::kIrqEnable) == 3);
  CHECK(bench.write(csr::kId, 0) == 2);
  std::uint32_t value = 0;
  for (const std::uint32_t offset : {0x3cu, 0x7cu, 0xf8u, 0x100u, 0xffcu}) {
    CAPTURE(offset);
    CHECK(bench.read(offset, value) == 2);
    CHECK(bench.write(offset, 0) == 2);
  }
  for (const csr::Register& r : csr::registers()) {
    CAPTURE(r.name);
    if (r.bits == 64) CHECK(r.offset % 8 == 0);
    const bool there = (r.name != "ecc_corrected" || TB_Ecc != 0) &&
                       (r.name != "imem_corrected" || (TB_Ecc != 0 && TB_ImemWords != 0));
    CHECK(bench.read(r.offset, value) == (there ? 0 : 2));
  }
}

TEST_CASE("trine_csr locks the registers that a program must find unchanged", "[tb][csr][error]") {
  Bench bench(62);
  const Program p = bench.ordered_program(10);
  bench.check_run(p);
  constexpr std::array<std::uint32_t, 9> kLocked{
      csr::kProgram,       csr::kProgram + 4, csr::kProgramWords,    csr::kBase,
      csr::kBase + 4,      csr::kWindowFirst, csr::kWindowFirst + 4, csr::kWindowLast,
      csr::kWindowLast + 4};
  const auto check_locked = [&](bool locked) {
    for (const std::uint32_t offset : kLocked) {
      CAPTURE(offset, locked);
      const std::uint32_t before = bench.read(offset);
      CHECK(bench.write(offset, before ^ 128) == (locked ? 2 : 0));
      CHECK(bench.read(offset) ==
            (locked || (offset % 8 == 4 && TB_AxiAddrBits < 40) ? before : before ^ 128));
      CHECK(bench.write(offset, before) == (locked ? 2 : 0));
    }
    // Always accepted: it may be what ends a soft reset.
    CHECK(bench.write(csr::kWatchdog, 12345) == 0);
    CHECK(bench.read(csr::kWatchdog) == 12345);
    CHECK(bench.write(csr::kWatchdog, 0) == 0);
    CHECK(bench.write(csr::kIrqEnable, 0) == 0);
    CHECK(bench.write(csr::kIrqStatus, 3) == 0);
    if (locked) {
      CHECK(bench.write(csr::kControl, 1) == 2);
      CHECK(bench.write(csr::kControl, 4) == 2);
      CHECK(bench.write(csr::kControl, 0) == 0);
    }
  };
  check_locked(false);
  bench.start_program(p);
  bench.memory.stand(bench.memory.kAr);
  check_locked(true);
  CHECK(bench.dut.running_o);
  bench.write(csr::kControl, 2);  // waits for the bus
  check_locked(true);
  CHECK((bench.read(csr::kStatus) & 9) == 9);
  bench.memory.stand(bench.memory.kNone);
  bench.wiping = 0;
  for (int j = 0; (bench.read(csr::kStatus) & 9) != 0; ++j) REQUIRE(j < 500);
  bench.wiping = 10'000;  // zeros are being written: by a scrub, or with ECC after a reset
  bench.tick();
  check_locked(true);
  CHECK(bench.read(csr::kStatus) == 8);
  bench.wiping = 0;
  bench.tick();
  check_locked(false);
  bench.check_run(p);
}

TEST_CASE("trine_csr scrubs the memories after a soft reset", "[tb][csr]") {
  const bool busy = GENERATE(false, true), twice = GENERATE(false, true);
  CAPTURE(busy, twice);
  Bench bench(63);
  const Program p = bench.ordered_program(10);
  bench.check_run(p);
  if (busy) bench.start_program(p);
  if (busy) CHECK(bench.write(csr::kControl, 4) == 2);  // a scrub does not drop a running program
  bench.wipes = 0;
  if (twice) bench.memory.stand(bench.memory.kAll);  // the zeros wait for the bus
  CHECK(bench.write(csr::kControl, busy ? 6 : 4) == 0);
  if (twice) CHECK(bench.write(csr::kControl, 2) == 0);  // another soft reset does not drop them
  bench.memory.stand(bench.memory.kNone);
  for (int i = 0; bench.wipes == 0; ++i) {
    REQUIRE(i < 3000);
    bench.tick();
  }
  const std::uint32_t status = bench.read(csr::kStatus);
  CHECK((status == 8 || (TB_Ecc && twice && status == 9)));  // 9: in stop for the second reset
  if (busy) CHECK(bench.write(csr::kControl, 2) == 0);  // a soft reset does not interrupt the zeros
  for (int i = 0; (bench.read(csr::kStatus) & 9) != 0; ++i) REQUIRE(i < 3000);
  CHECK(bench.wiping == 0);
  CHECK(bench.read(csr::kStatus) == 0);
  CHECK(bench.read(csr::kIrqStatus) == 0);
  // Without ECC, the next soft reset leaves the memories unchanged.
  bench.wipes = 0;
  CHECK(bench.write(csr::kControl, 2) == 0);
  for (int i = 0; (bench.read(csr::kStatus) & 9) != 0; ++i) REQUIRE(i < 3000);
  CHECK(bench.wipes == TB_Ecc);
  bench.check_run(p);
}

TEST_CASE("trine_csr answers each access while the bus is dead", "[tb][csr][error]") {
  using Memory = decltype(Bench::memory);
  const auto seed = GENERATE(64u, 65u, 66u, 67u);
  const auto channel = GENERATE(Memory::kAr, Memory::kR, Memory::kAw, Memory::kW, Memory::kB);
  CAPTURE(seed, channel);
  Bench bench(seed);
  set_timing(bench, seed % 3);
  REQUIRE(bench.write(csr::kWatchdog, 0) == 0);  // disables the watchdog
  bench.start_program(bench.parallel_program(60));
  for (int wait = bench.pick(0, 2000); wait > 0; --wait) bench.tick();
  bench.memory.stand(channel);
  std::uint32_t value = 0;
  for (int i = 0; i < 100; ++i) {  // write() and read() fail after a time limit
    const auto offset = static_cast<std::uint32_t>(bench.pick(0, 0x100 / 4)) * 4;
    bench.read(offset, value);
    // Not the limits either: a program that they stop counts as ended.
    if (offset != csr::kControl && offset != csr::kWatchdog && offset != csr::kProgressLimit &&
        offset != csr::kCyclesLimit)
      bench.write(offset, static_cast<std::uint32_t>(bench.random()));
    if (i % 10 == 9) bench.write(csr::kControl, bench.pick(0, 1) != 0 ? 2 : 6);
  }
  if (!bench.memory.idle()) CHECK((bench.read(csr::kStatus) & 9) == 9);
  REQUIRE(bench.write(csr::kWatchdog, 50) == 0);  // stops the program
  REQUIRE(bench.write(csr::kControl, 2) == 0);
  for (int j = 0; (bench.read(csr::kStatus) & 1) != 0; ++j) REQUIRE(j < 5000);  // slow beats
  REQUIRE(bench.write(csr::kWatchdog, csr::kWatchdogReset) == 0);
  bench.write(csr::kIrqStatus, 3);  // on a wide bus the program may have ended
  bench.reset_bus();
  bench.wait_reset();  // IMEM's zeros
  bench.check_run(bench.ordered_program(20));
}

/// The count crosses 2^32 between the two reads.
TEST_CASE("trine_csr keeps the high half of a counter with its low half", "[tb][csr]") {
  Bench bench(68);
  REQUIRE(bench.write(csr::kWatchdog, 0) == 0);
  bench.memory.stand(bench.memory.kAr);
  bench.start_program(bench.ordered_program(10));
  bool crossed = false;
  for (int i = 0; i < 20; ++i) {
    const std::uint64_t before = bench.cycles_counted() - 2;
    const std::uint64_t low = bench.read(csr::kCycles);
    const std::uint64_t after = bench.cycles_counted();
    constexpr std::uint64_t kTurn = std::uint64_t{1} << 32;
    const bool near = after < kTurn && kTurn - after < 1000;
    for (std::uint64_t wait = near ? kTurn - after + 1 : 300; wait > 0; --wait) bench.tick();
    const std::uint64_t value = low | std::uint64_t{bench.read(csr::kCycles + 4)} << 32;
    CHECK(value >= before);
    CHECK(value <= after);
    crossed = crossed || (before >> 32 != bench.cycles_counted() >> 32 && after >> 32 == 0);
  }
  CHECK(crossed);
  CHECK(bench.read64(csr::kCycles) >> 32 == 1);
}
