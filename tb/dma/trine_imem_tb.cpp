// SPDX-License-Identifier: Apache-2.0
//
// Tests the instruction memory between a fetch and a bus. Beats that were read before come from
// here, even if the bus' memory has changed; the others come from the bus. Runs end anywhere, and
// beats arrive with errors; with ECC, bits of the memory are inverted.

#include <algorithm>
#include <deque>
#include <optional>
#include <random>
#include <vector>

#include "Vtrine_imem.h"
#include "Vtrine_imem___024root.h"
#include "sw/base/catch.h"
#include "tb/golden/clocked.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

namespace {

constexpr unsigned kDataWords = TB_DataBits / 32, kDepth = 64 * TB_Words / TB_DataBits,
                   kMaxBeats = 2048 / TB_DataBits;
constexpr unsigned kWordBits = TB_Ecc ? 39 : 32;

using Beat = std::vector<std::uint32_t>;

/// A response to the fetch.
struct Answer {
  Beat beat;
  bool error;
};

struct Bench : Clocked<Vtrine_imem> {
  std::mt19937 random;
  std::vector<Beat> program;  ///< in the bus' memory
  std::vector<Beat> kept;     ///< the model
  std::vector<unsigned> bursts;
  unsigned error_at = ~0U;  ///< beat to which the bus responds with an error
  unsigned cycles = 0, bus_beats = 0;

  explicit Bench(unsigned seed) : random(seed) { dut.bus_req_ready_i = dut.start_i = 0; }

  unsigned below(unsigned n) { return static_cast<unsigned>(random() % n); }
  unsigned beats() const { return static_cast<unsigned>(program.size()); }

  /// Draws another program; flush_i must report it to the machine.
  void draw_program() {
    program.assign(1 + below(2 * kDepth), {});
    for (Beat& beat : program)
      for (unsigned w = 0; w < kDataWords; ++w) beat.push_back(any_word(random));
    bursts.clear();
    for (unsigned at = 0; at < program.size(); at += bursts.back())
      bursts.push_back(std::min({below(4) == 0 ? 1 + below(kMaxBeats) : kMaxBeats, beats() - at}));
  }

  /// Returns what the fetch must receive, and updates the kept beats.
  std::vector<Answer> expected(std::vector<bool>& from_bus) {
    std::vector<Answer> all;
    bool missed = false;
    for (unsigned at = 0, b = 0; b < bursts.size(); at += bursts[b++]) {
      missed = missed || at + bursts[b] > kept.size();
      from_bus.push_back(missed);
      for (unsigned beat = at; beat < at + bursts[b]; ++beat)
        all.push_back(missed ? Answer{program[beat], beat == error_at} : Answer{kept[beat], false});
    }
    return all;
  }

  void see(const Answer& answer, unsigned beat, bool from_bus) {
    CAPTURE(beat, from_bus);
    REQUIRE((dut.rsp_error_o != 0) == answer.error);
    for (unsigned w = 0; w < kDataWords; ++w)
      REQUIRE(get_bits(dut.rsp_data_o, 32 * w, 32) == answer.beat[w]);
    if (from_bus && !answer.error && beat == kept.size() && beat < kDepth)
      kept.push_back(answer.beat);
  }

  /// Runs the program from its first burst on, for at most `limit` cycles, then clears.
  /// @param percent  probability that request, bus and response proceed
  void run(unsigned percent, unsigned limit = ~0U) {
    struct Due {
      unsigned at, beat;
    };
    std::vector<bool> from_bus;
    const std::vector<Answer> answers = expected(from_bus);
    std::deque<Due> bus;
    unsigned burst = 0, asked = 0, seen = 0, of_burst = 0, left = 0;
    bool offered = false;
    dut.start_i = 1;
    tick();
    dut.start_i = 0;
    for (cycles = bus_beats = 0; seen < answers.size() && cycles < limit; ++cycles) {
      REQUIRE(cycles < 100 * answers.size() + 1000);
      // Like the fetch: two bursts ahead.
      offered = offered ||
                (burst < bursts.size() && asked - seen <= kMaxBeats && chance(random, percent));
      dut.req_valid_i = offered;
      dut.req_len_i = static_cast<CData>(offered ? bursts[burst] - 1 : below(kMaxBeats));
      dut.bus_req_ready_i = chance(random, percent);
      const bool answered = !bus.empty() && bus.front().at <= cycles && chance(random, percent);
      const unsigned beat = answered ? bus.front().beat : below(beats());
      dut.bus_valid_i = answered;
      dut.bus_error_i = static_cast<CData>(answered ? beat == error_at : below(2));
      const bool last = left == 1 || (left == 0 && bursts[of_burst] == 1);
      dut.bus_last_i = static_cast<CData>(answered ? last : below(2));
      for (unsigned w = 0; w < kDataWords; ++w)
        set_bits(dut.bus_data_i, 32 * w, 32, program[beat][w]);
      dut.eval();
      if (answered) bus.pop_front();
      bus_beats += answered;
      REQUIRE((!dut.bus_req_valid_o || (offered && from_bus[burst])));
      if (offered && dut.req_ready_o) {
        REQUIRE((from_bus[burst] == (dut.bus_req_valid_o && dut.bus_req_ready_i)));
        for (unsigned i = 0; from_bus[burst] && i < bursts[burst]; ++i)
          bus.push_back({cycles + 2, asked + i});
        asked += bursts[burst++];
        offered = false;
      }
      if (dut.rsp_valid_o) {
        if (left == 0) left = bursts[of_burst++];
        --left;
        REQUIRE(seen < asked);
        REQUIRE((dut.rsp_last_o != 0) == (left == 0));
        see(answers[seen], seen, from_bus[of_burst - 1]);
        REQUIRE(answered == from_bus[of_burst - 1]);
        ++seen;
      } else {
        REQUIRE(!answered);
      }
      tick();
    }
    dut.req_valid_i = dut.bus_valid_i = 0;
    clear();
  }

  /// Ends a program.
  void clear(bool forget = false, bool wipe = false) {
    dut.clear_i = 1;
    dut.flush_i = forget;
    dut.wipe_i = wipe;
    tick();
    dut.clear_i = dut.flush_i = dut.wipe_i = 0;
    if (forget) kept.clear();
    for (unsigned i = 0; i < 4; ++i) {  // nothing is in progress any more
      dut.eval();
      REQUIRE(!dut.rsp_valid_o);
      REQUIRE(wiping() == wipe);
      tick();
    }
  }

  void forget() {
    dut.flush_i = 1;
    tick();
    dut.flush_i = 0;
    kept.clear();
  }

  bool wiping() { return get_bits(dut.state_o, 67, 1) != 0; }
  bool fatal() { return get_bits(dut.state_o, 66, 1) != 0; }
  std::uint64_t fatal_address() { return get_bits(dut.state_o, 32, 34); }
  std::uint32_t corrected() { return static_cast<std::uint32_t>(get_bits(dut.state_o, 0, 32)); }

  auto& stored(unsigned beat) { return dut.rootp->trine_imem__DOT__u_sram__DOT__mem[beat]; }
  void flip(unsigned beat, unsigned bit) {
    set_bits(stored(beat), bit, 1, get_bits(stored(beat), bit, 1) ^ 1);
  }
};

}  // namespace

TEST_CASE("trine_imem returns the words that it kept and asks the bus for the rest", "[tb][imem]") {
  const auto seed = GENERATE(range(1u, 21u));
  CAPTURE(seed);
  Bench b(seed);
  unsigned from_here = 0, from_both = 0;
  for (int i = 0; i < 60; ++i) {
    CAPTURE(i);
    const unsigned what = b.below(6);
    if (i == 0 || what == 0) {
      b.draw_program();
      what % 2 == 0 ? b.clear(true) : b.forget();
    }
    b.error_at = b.below(4) == 0 ? b.below(b.beats()) : ~0U;
    b.run(what == 1 ? 100 : 60, b.below(3) == 0 ? b.below(200) : ~0U);
    from_here += b.bus_beats == 0;
    from_both += b.bus_beats != 0 && b.bus_beats < b.program.size();
    // Without a notice, the kept beats are used.
    if (what == 2) b.program[b.below(b.beats())][0] = any_word(b.random);
  }
  CHECK(from_here > 1);
  CHECK(from_both > 1);
}

TEST_CASE("trine_imem answers three cycles after the request and then in every second cycle",
          "[tb][imem]") {
  Bench b(31);
  do b.draw_program();
  while (b.program.size() > kDepth || b.program.size() < kDepth / 2);
  b.run(100);
  CHECK(b.bus_beats == b.program.size());
  b.run(100);
  CHECK(b.bus_beats == 0);
  CHECK(b.cycles <= 2 * (b.program.size() + b.bursts.size()) + 3);
}

TEST_CASE("trine_imem is zero after a scrub", "[tb][imem]") {
  Bench b(32);
  b.draw_program();
  b.run(100);
  b.clear(true, true);
  unsigned cycles = 4;  // of clear()
  for (; b.wiping(); ++cycles) b.tick();
  CHECK(cycles == kDepth);
  for (unsigned beat = 0; beat < kDepth; ++beat)
    for (unsigned w = 0; w < kDataWords; ++w)
      REQUIRE(get_bits(b.stored(beat), kWordBits * w, kWordBits) == 0);
  b.run(100);
  CHECK(b.bus_beats == b.program.size());
  b.run(60);
}

#if TB_Ecc
TEST_CASE("trine_imem corrects a bit of a word, and stops at two", "[tb][imem][ecc]") {
  const auto seed = GENERATE(range(41u, 61u));
  CAPTURE(seed);
  Bench b(seed);
  do b.draw_program();
  while (b.program.size() > kDepth || b.program.size() < 2);
  const auto beats = b.beats();
  b.run(60);
  CHECK(b.corrected() == 0);
  std::uint32_t flipped = 0;
  for (unsigned beat = 0; beat < beats; ++beat)
    for (unsigned w = 0; w < kDataWords; ++w)
      if (b.below(3) == 0) {
        b.flip(beat, kWordBits * w + b.below(kWordBits));
        ++flipped;
      }
  b.run(100);
  CHECK(b.corrected() == flipped);
  CHECK(!b.fatal());
  b.run(60);  // corrections are not written back
  CHECK(b.corrected() == flipped);
  b.forget();
  b.run(60);
  b.run(60);
  CHECK(b.corrected() == 0);
  const unsigned beat = b.below(beats), word = b.below(kDataWords), bit = b.below(kWordBits);
  b.flip(beat, kWordBits * word + bit);
  b.flip(beat, kWordBits * word + (bit + 1 + b.below(kWordBits - 1)) % kWordBits);
  // Like the fetch, until the wrong beat arrives.
  bool wrong = false;
  for (unsigned burst = 0, at = 0; burst < b.bursts.size() && !wrong; at += b.bursts[burst++]) {
    b.dut.req_valid_i = 1;
    b.dut.req_len_i = static_cast<CData>(b.bursts[burst] - 1);
    do b.tick();
    while (!b.dut.req_ready_o);
    b.tick();
    b.dut.req_valid_i = 0;
    for (unsigned i = 0; i < b.bursts[burst]; b.tick()) {
      if (!b.dut.rsp_valid_o) continue;
      wrong = wrong || at + i == beat;
      REQUIRE((b.dut.rsp_error_o != 0) == (at + i == beat));
      REQUIRE(b.fatal() == (wrong && at + i > beat));
      ++i;
    }
  }
  REQUIRE(wrong);
  CHECK(b.fatal());
  CHECK(b.fatal_address() == (std::uint64_t{1} << 33) + kDataWords * beat + word);
  b.clear(true);
  CHECK(!b.fatal());
  b.run(60);
  b.run(60);
}
#endif
