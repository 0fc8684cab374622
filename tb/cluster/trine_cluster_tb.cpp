// SPDX-License-Identifier: Apache-2.0
//
// Tests the cores of a cluster against lists. Each core takes each instruction and each beat
// addressed to it exactly once, in any cycle; a RUN retires, and a copy ends, together with the
// last core; words are read from one core after the other. The cores' status for control is
// combined. Sometimes everything is dropped.

#include <algorithm>
#include <array>
#include <bitset>
#include <deque>
#include <random>

#include "Vtrine_cluster.h"
#include "sw/base/catch.h"
#include "tb/golden/clocked.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

namespace {

constexpr unsigned kCores = TB_Cores, kDataBits = TB_DataBits;
/// trine_engine_pkg: command_t, answer_t, param_t, memory_state_t, activity_t.
constexpr unsigned kCommandBits = 83, kRunAt = 21, kAnswerBits = 3;
constexpr unsigned kParamBits = 55, kBiasAt = 54, kScaleAt = 37, kEntriesAt = 2;
constexpr unsigned kStateBits = 102, kPmemCountAt = 0, kDmemCountAt = 32, kFatalAddrAt = 64,
                   kFatalCoreAt = 97, kFatalAt = 100, kWipingAt = 101;
constexpr unsigned kActivityBits = 4;
using Cores = std::bitset<kCores>;

/// An item offered to several cores, each of which takes it once.
struct Offer {
  bool valid = false;
  Cores asked, taken;

  Cores offered() const { return valid ? asked & ~taken : Cores{}; }
  /// @param ready  cores that take it in this cycle  @return true if all cores have taken it
  bool take(const Cores& ready) {
    if (!valid) return false;
    taken |= asked & ready;
    if (taken != asked) return false;
    valid = false;
    return true;
  }
  void start(const Cores& cores) { *this = {true, cores, {}}; }
};

struct Read {
  unsigned core;
  std::uint64_t data;
  int delay;
};

struct Bench : Clocked<Vtrine_cluster> {
  std::mt19937 random;
  std::array<Offer, 2> cfg, run;  // of the two engines
  // In flight; ahead of the other cores.
  std::array<std::array<unsigned, kCores>, 2> runs{}, retired{};
  Offer dmem, pmem, param;
  Cores of_copy, owed;
  bool last = false, entries = false, reading = false;
  std::deque<Read> reads;
  unsigned instructions = 0, copies = 0, words = 0, beats = 0;

  explicit Bench(unsigned seed) : random(seed) {}
  unsigned below(unsigned n) { return static_cast<unsigned>(random() % n); }
  Cores any_cores() {
    Cores cores = any_mask<kCores>(random);
    return cores.none() ? Cores{}.set(below(kCores)) : cores;
  }
  bool copies_nothing() const { return !dmem.valid && !pmem.valid && owed.none(); }

  void offer_instructions() {
    for (unsigned e = 0; e < 2; ++e) {
      const unsigned at = kCommandBits * e;
      const auto most = *std::max_element(retired[e].begin(), retired[e].end());
      const auto busy = *std::max_element(runs[e].begin(), runs[e].end());
      if (!cfg[e].valid && chance(random, 40)) {
        cfg[e].start(Cores{}.set());
        set_bits(dut.commands_i, at + kRunAt + 1, 60, any_word(random) * 0x100000001ull);
      }
      if (!run[e].valid && chance(random, 40) && most + busy < 6) {
        run[e].start(Cores{}.set());
        set_bits(dut.commands_i, at, kRunAt, any_word(random));
      }
      set_bits(dut.commands_i, at + kCommandBits - 1, 1, cfg[e].valid ? 1 : 0);
      set_bits(dut.commands_i, at + kRunAt, 1, run[e].valid ? 1 : 0);
    }
  }
  void offer_copies() {
    if (copies_nothing() && (last || of_copy.none() || chance(random, 20))) {
      of_copy = any_cores();
      last = false;
    }
    set_mask(dut.dma_cores_i, of_copy);
    if (copies_nothing() && chance(random, 60)) {
      const bool to_dmem = chance(random, 60);
      (to_dmem ? dmem : pmem).start(of_copy);
      last = to_dmem && chance(random, 40);
    }
    dut.dma_wvalid_i = dmem.valid;
    dut.dma_wlast_i = dmem.valid ? last : chance(random, 50);
    dut.pmem_wvalid_i = pmem.valid;
    if (!param.valid && chance(random, 50)) {
      param.start(Cores{}.set());
      entries = chance(random, 40);
      set_bits(dut.param_i, 0, kParamBits, any_word(random) * 0x100000001ull);
      const bool bias = chance(random, 50);
      set_bits(dut.param_i, kBiasAt, 1, !entries && bias ? 1 : 0);
      set_bits(dut.param_i, kScaleAt, 1, !entries && !bias ? 1 : 0);
    }
    if (!param.valid) set_bits(dut.param_i, 0, kParamBits, 0);
    set_bits(dut.param_i, kEntriesAt, 1, param.valid && entries ? 1 : 0);
  }
  void offer_read() {
    if (!reading && chance(random, 70)) {
      reading = true;
      if (chance(random, 40)) drive(dut.dma_core_i, below(kCores));
    }
    dut.dma_rvalid_i = reading;
    set_mask(dut.core_rdata_valid_i, Cores{});
    for (unsigned bit = 0; bit < kCores * kDataBits; bit += 32)
      set_bits(dut.core_rdata_i, bit, 32, any_word(random));
    if (reads.empty() || reads.front().delay-- > 0) return;
    set_mask(dut.core_rdata_valid_i, Cores{}.set(reads.front().core));
    set_bits(dut.core_rdata_i, kDataBits * reads.front().core, kDataBits, reads.front().data);
  }

  /// Checks commands, and the answers with which a core takes and ends them.
  void check_instructions() {
    std::array<std::array<Cores, 3>, 2> answers;  // retire, run_ready, cfg_ready
    for (unsigned e = 0; e < 2; ++e) {
      auto& [retire, run_ready, cfg_ready] = answers[e];
      run_ready = any_mask<kCores>(random);
      cfg_ready = any_mask<kCores>(random);
      for (unsigned c = 0; c < kCores; ++c) retire[c] = runs[e][c] > 0 && chance(random, 40);
      for (unsigned c = 0; c < kCores; ++c)
        for (unsigned bit = 0; bit < kAnswerBits; ++bit)
          set_bits(dut.core_answers_i, kAnswerBits * (2 * c + e) + bit, 1,
                   answers[e][bit][c] ? 1 : 0);
    }
    dut.eval();
    for (unsigned e = 0; e < 2; ++e) {
      const auto& [retire, run_ready, cfg_ready] = answers[e];
      for (unsigned c = 0; c < kCores; ++c) {
        const unsigned to = kCommandBits * (2 * c + e), from = kCommandBits * e;
        REQUIRE(get_bits(dut.core_commands_o, to + kRunAt + 1, 60) ==
                get_bits(dut.commands_i, from + kRunAt + 1, 60));
        REQUIRE(get_bits(dut.core_commands_o, to, kRunAt) ==
                get_bits(dut.commands_i, from, kRunAt));
        REQUIRE((get_bits(dut.core_commands_o, to + kCommandBits - 1, 1) != 0) ==
                cfg[e].offered()[c]);
        REQUIRE((get_bits(dut.core_commands_o, to + kRunAt, 1) != 0) == run[e].offered()[c]);
      }
      const bool all = std::ranges::all_of(retired[e], [](unsigned n) { return n > 0; });
      REQUIRE((get_bits(dut.answers_o, kAnswerBits * e, 1) != 0) == all);
      const Cores begin = run[e].offered() & run_ready;
      for (unsigned c = 0; c < kCores; ++c) {
        runs[e][c] += (begin[c] ? 1 : 0) - (retire[c] ? 1 : 0);
        retired[e][c] += (retire[c] ? 1 : 0) - (all ? 1 : 0);
      }
      const bool had_cfg = cfg[e].valid, had_run = run[e].valid;
      const bool cfg_done = cfg[e].take(cfg_ready), run_done = run[e].take(run_ready);
      if (had_cfg) REQUIRE((get_bits(dut.answers_o, kAnswerBits * e + 2, 1) != 0) == cfg_done);
      if (had_run) REQUIRE((get_bits(dut.answers_o, kAnswerBits * e + 1, 1) != 0) == run_done);
      instructions += run_done ? 1 : 0;
    }
  }
  /// Checks beats, and the ends of copies.
  void check_copies() {
    const Cores ready = any_mask<kCores>(random), pmem_ready = any_mask<kCores>(random);
    Cores param_ready = any_mask<kCores>(random), done;
    if (entries) param_ready = param_ready[0] ? Cores{}.set() : Cores{};
    for (unsigned c = 0; c < kCores; ++c) done[c] = owed[c] && chance(random, 40);
    set_mask(dut.core_wready_i, ready);
    set_mask(dut.core_pmem_wready_i, pmem_ready);
    set_mask(dut.core_param_ready_i, param_ready);
    set_mask(dut.core_wdone_i, done);
    dut.eval();
    REQUIRE(get_mask<kCores>(dut.core_wvalid_o) == dmem.offered());
    REQUIRE(get_mask<kCores>(dut.core_pmem_wvalid_o) == pmem.offered());
    for (unsigned c = 0; c < kCores; ++c) {
      for (unsigned bit = 0; bit < kParamBits; ++bit) {
        const bool gone = (bit == kBiasAt || bit == kScaleAt) && !param.offered()[c];
        REQUIRE(get_bits(dut.core_params_o, kParamBits * c + bit, 1) ==
                (gone ? 0 : get_bits(dut.param_i, bit, 1)));
      }
    }
    const bool ends = owed.any() && (owed & ~done).none() && !dmem.valid;
    REQUIRE((dut.dma_wdone_o != 0) == ends);
    copies += ends ? 1 : 0;
    owed &= ~done;
    if (dmem.valid && last) owed |= dmem.offered() & ready;
    const bool had_dmem = dmem.valid, had_pmem = pmem.valid, had_param = param.valid;
    const bool dmem_done = dmem.take(ready), pmem_done = pmem.take(pmem_ready),
               param_done = param.take(param_ready);
    if (had_dmem) REQUIRE((dut.dma_wready_o != 0) == dmem_done);
    if (had_pmem) REQUIRE((dut.pmem_wready_o != 0) == pmem_done);
    if (had_param) REQUIRE((dut.param_ready_o != 0) == param_done);
    beats += (dmem_done ? 1 : 0) + (pmem_done ? 1 : 0) + (param_done ? 1 : 0);
  }
  void check_reads() {
    const unsigned core = dut.dma_core_i;
    Cores ready = any_mask<kCores>(random);
    if (reads.size() > 3) ready.reset();
    set_mask(dut.core_rready_i, ready);
    dut.eval();
    const bool open = reads.empty() || reads.front().core == core;
    REQUIRE(get_mask<kCores>(dut.core_rvalid_o) == (reading && open ? Cores{}.set(core) : Cores{}));
    if (reading) REQUIRE((dut.dma_rready_o != 0) == (open && ready[core]));
    const bool comes = !reads.empty() && reads.front().delay < 0;
    REQUIRE((dut.dma_rdata_valid_o != 0) == comes);
    if (comes) {
      REQUIRE(get_bits(dut.dma_rdata_o, 0, kDataBits) == reads.front().data);
      reads.pop_front();
      ++words;
    }
    if (reading && open && ready[core]) {
      const std::uint64_t data = any_word(random) * 0x100000001ull;
      reads.push_back(
          {core, data & (~std::uint64_t{0} >> (64 - kDataBits)), static_cast<int>(below(3))});
      reading = false;
    }
  }
  void check_states() {
    std::uint32_t dmem_words = 0, pmem_words = 0;
    bool wiping = false, moved = false;
    unsigned fatal = kCores;  // the lowest core
    const unsigned percent = below(2) * 40;
    for (unsigned c = 0; c < kCores; ++c) {
      const unsigned at = kStateBits * c;
      for (unsigned bit = 0; bit < kStateBits; ++bit)
        set_bits(dut.core_states_i, at + bit, 1, random() & 1U);
      set_bits(dut.core_states_i, at + kFatalAt, 1, chance(random, percent) ? 1 : 0);
      set_bits(dut.core_states_i, at + kFatalCoreAt, 3, 0);
      set_bits(dut.core_activities_i, kActivityBits * c, kActivityBits, random() & 15U);
      dmem_words += static_cast<std::uint32_t>(get_bits(dut.core_states_i, at + kDmemCountAt, 32));
      pmem_words += static_cast<std::uint32_t>(get_bits(dut.core_states_i, at + kPmemCountAt, 32));
      wiping = wiping || get_bits(dut.core_states_i, at + kWipingAt, 1) != 0;
      moved = moved || get_bits(dut.core_activities_i, kActivityBits * c, 1) != 0;
      if (get_bits(dut.core_states_i, at + kFatalAt, 1) != 0) fatal = std::min(fatal, c);
    }
    dut.eval();
    REQUIRE(get_bits(dut.memory_state_o, kDmemCountAt, 32) == dmem_words);
    REQUIRE(get_bits(dut.memory_state_o, kPmemCountAt, 32) == pmem_words);
    REQUIRE((get_bits(dut.memory_state_o, kWipingAt, 1) != 0) == wiping);
    REQUIRE((get_bits(dut.memory_state_o, kFatalAt, 1) != 0) == (fatal < kCores));
    REQUIRE(get_bits(dut.activity_o, 1, 3) == get_bits(dut.core_activities_i, 1, 3));
    REQUIRE((get_bits(dut.activity_o, 0, 1) != 0) == moved);
    if (fatal == kCores) return;
    REQUIRE(get_bits(dut.memory_state_o, kFatalCoreAt, 3) == fatal);
    REQUIRE(get_bits(dut.memory_state_o, kFatalAddrAt, 33) ==
            get_bits(dut.core_states_i, kStateBits * fatal + kFatalAddrAt, 33));
  }

  void cycle() {
    offer_instructions();
    offer_copies();
    offer_read();
    check_instructions();
    check_copies();
    check_reads();
    check_states();
    tick();
  }
  void drop() {
    dut.clear_i = 1;
    tick();
    dut.clear_i = 0;
    cfg = run = {};
    runs = retired = {};
    dmem = pmem = param = {};
    of_copy = owed = {};
    last = entries = reading = false;
    reads.clear();
  }
};

}  // namespace

TEST_CASE("trine_cluster gives each core its instructions and beats once and joins their answers",
          "[tb][cluster]") {
  const auto seed = GENERATE(1u, 2u, 3u);
  Bench b(seed);
  for (int cycle = 0; cycle < 4'000; ++cycle) {
    CAPTURE(seed, cycle);
    b.cycle();
    if (chance(b.random, 1) && chance(b.random, 30)) b.drop();
  }
  CHECK(b.instructions > 200);
  CHECK(b.copies > 100);
  CHECK(b.words > 300);
  CHECK(b.beats > 300);
}
