// SPDX-License-Identifier: Apache-2.0
//
// Module bench: compares random errors, several at once, with a list of causes in order of
// priority. RUN counters have few bits, so that all of them wrap.

#include <cstdint>
#include <random>
#include <string_view>

#include "Vtrine_errors.h"
#include "spec/csr.h"
#include "sw/base/catch.h"
#include "tb/golden/clocked.h"

namespace {

constexpr unsigned kRunMask = (1u << TB_RunBits) - 1;

/// Returns the code of a cause in the register map.
unsigned code(std::string_view name) {
  for (const auto& error : trine::csr::kErrors)
    if (error.name == name) return static_cast<unsigned>(error.value);
  FAIL("no cause " << name);
  return 0;
}

struct Error {
  unsigned cause = 0;
  std::uint64_t address = 0;
  unsigned run = 0;
};

struct Bench : trine::golden::Clocked<Vtrine_errors> {
  std::mt19937_64 random;
  unsigned load_begun = 0, load_ended = 0, store_ended = 0;

  explicit Bench(unsigned seed) : random(seed) {}

  bool chance(unsigned one_in) { return random() % one_in == 0; }

  void drive_errors(unsigned one_in) {
    dut.foreign_i = chance(one_in);
    dut.illegal_i = chance(one_in);
    dut.unsupported_i = chance(one_in);
    dut.deadlock_i = chance(one_in);
    dut.overflow_i = chance(one_in);
    dut.hang_i = chance(one_in);
    dut.exceeded_i = chance(one_in);
    dut.fetch_error_i = chance(one_in);
    dut.fetch_outside_i = chance(one_in);
    dut.load_error_i = chance(one_in);
    dut.load_stream_i = chance(2);
    dut.load_outside_i = chance(one_in);
    dut.store_error_i = chance(one_in);
    dut.store_outside_i = chance(one_in);
    dut.expired_i = chance(one_in);
    dut.write_outstanding_i = chance(2);
    dut.load_outstanding_i = chance(2);
  }

  void drive_addresses() {
    dut.program_i = static_cast<std::uint32_t>(random());
    dut.offset_i = random() & ((std::uint64_t{1} << 35) - 1);
    dut.load_beat_i = static_cast<std::uint32_t>(random());
    dut.load_burst_i = static_cast<std::uint32_t>(random());
    dut.store_answer_i = static_cast<std::uint32_t>(random());
    dut.store_burst_i = static_cast<std::uint32_t>(random());
  }

  /// Returns the error that stops the program: engines have priority over the fetch, wrong
  /// responses over missing ones.
  Error expected() const {
    const unsigned load_run = (load_ended + dut.load_retire_i) & kRunMask;
    const std::uint64_t fetch =
        (std::uint64_t{dut.program_i} + dut.offset_i) & ((std::uint64_t{1} << 35) - 1);
    if (dut.load_error_i)
      return {code(dut.load_stream_i ? "stream" : "load"), dut.load_beat_i, load_run};
    if (dut.load_outside_i)
      return {code("load_window"), dut.load_burst_i, (load_begun - 1) & kRunMask};
    if (dut.store_error_i) return {code("store"), dut.store_answer_i, store_ended};
    if (dut.store_outside_i) return {code("store_window"), dut.store_burst_i, store_ended};
    if (dut.expired_i && dut.write_outstanding_i)
      return {code("store_timeout"), dut.store_answer_i, store_ended};
    if (dut.expired_i && dut.load_outstanding_i)
      return {code("load_timeout"), dut.load_beat_i, load_run};
    if (dut.expired_i) return {code("fetch_timeout"), fetch, 0};
    if (dut.fetch_error_i) return {code("fetch"), fetch, 0};
    if (dut.fetch_outside_i) return {code("fetch_window"), fetch, 0};
    if (dut.foreign_i) return {code("configuration"), dut.offset_i, 0};
    if (dut.illegal_i) return {code("illegal"), dut.offset_i, 0};
    if (dut.unsupported_i) return {code("feature"), dut.offset_i, 0};
    if (dut.overflow_i) return {code("token"), dut.offset_i, 0};
    if (dut.deadlock_i) return {code("deadlock"), dut.offset_i, 0};
    if (dut.hang_i) return {code("progress"), dut.offset_i, 0};
    if (dut.exceeded_i) return {code("cycles"), dut.offset_i, 0};
    return {code("none"), dut.offset_i, 0};
  }

  void check(const Error& error) const {
    REQUIRE(dut.cause_o == error.cause);
    if (error.cause == code("none")) return;
    REQUIRE(dut.addr_o == error.address);
    REQUIRE(dut.run_o == error.run);
  }

  void cycle(unsigned clear_one_in) {
    dut.load_run_i = chance(2);
    dut.load_retire_i = chance(2);
    dut.store_retire_i = chance(2);
    dut.clear_i = chance(clear_one_in);
    dut.eval();
    Error error = expected();
    const bool cleared = dut.clear_i;
    if (cleared) error = {};
    load_begun = cleared ? 0 : (load_begun + dut.load_run_i) & kRunMask;
    load_ended = cleared ? 0 : (load_ended + dut.load_retire_i) & kRunMask;
    store_ended = cleared ? 0 : (store_ended + dut.store_retire_i) & kRunMask;
    tick();
    check(error);
  }
};

}  // namespace

TEST_CASE("trine_errors names the first of several errors and its RUN", "[tb][errors]") {
  Bench bench(1);
  for (int n = 0; n < 40'000; ++n) {
    bench.drive_errors(n % 2 ? 3 : 12);
    bench.drive_addresses();
    // In one half, counters wrap a few times between clears; in the other they stay low.
    bench.cycle(n < 20'000 ? 1'000 : 6);
  }
}

TEST_CASE("trine_errors forgets its counts in a reset", "[tb][errors]") {
  Bench bench(2);
  for (int n = 0; n < 2'000; ++n) {
    bench.drive_errors(4);
    bench.drive_addresses();
    bench.cycle(1'000'000);
    if (!bench.chance(10)) continue;
    bench.dut.rst_ni = 0;
    bench.tick();
    bench.check({});
    bench.dut.rst_ni = 1;
    bench.load_begun = bench.load_ended = bench.store_ended = 0;
  }
}
