// SPDX-License-Identifier: Apache-2.0
//
// Tests the feature-map memory against an array of words: all three ports at once, with strided,
// random and conflicting lanes, byte masks and a held gather. Accesses in flight never touch the
// same word, so that the order between ports does not matter. Each access must end within a bound.
// With ECC (TB_Ecc) bits are inverted, and the word that cannot be corrected must be reported.

#include <algorithm>
#include <deque>
#include <random>
#include <vector>

#include "Vtrine_dmem.h"
#include "sw/base/catch.h"
#include "tb/golden/clocked.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"
#include "verilated_syms.h"

using namespace trine::golden;

namespace {

constexpr unsigned kRows = TB_Rows, kLanes = TB_Lanes;  ///< of a scatter, of a gather
constexpr unsigned kBanks = TB_Banks, kWords = TB_Banks * TB_BankRows;
constexpr unsigned kDataWords = TB_DataWords, kTagBits = TB_TagBits;
constexpr auto kWholeBeat = static_cast<unsigned>((std::uint64_t{1} << kDataWords) - 1);

constexpr unsigned bits_of(unsigned n) {
  unsigned bits = 0;
  while ((1u << bits) < n) ++bits;
  return bits;
}
constexpr unsigned kAddrBits = bits_of(kWords);

using Lanes = std::vector<std::uint32_t>;

/// Returns the n-th word of the first bank, whose rows are every second row of 2 * kBanks words.
constexpr std::uint32_t of_first_bank(unsigned n) { return n * 2 * kBanks % kWords; }

/// Draws addresses of one access: neighbours, a stride, one bank, or anything.
Lanes draw_lanes(std::mt19937& random, unsigned count) {
  Lanes lanes(count);
  const std::uint32_t start = random() % kWords;
  const std::uint32_t strides[] = {1, 2, 3, kBanks, kBanks / 2, kBanks + 1, 2 * kBanks};
  const std::uint32_t stride = strides[random() % 7];
  const bool anything = chance(random, 40);
  for (unsigned l = 0; l < count; ++l)
    lanes[l] = anything ? random() % kWords : (start + l * stride) % kWords;
  return lanes;
}

struct Access {
  Lanes address, data;
  unsigned lanes = 0, tag = 0;
  std::uint32_t mask = 0;  ///< bits of a scatter
  std::uint32_t pad = 0;
  int age = 0;            ///< cycles since it was taken
  int beats = 0;          ///< beats of the DMA, which may have priority
  unsigned answered = 0;  ///< lanes of a gather that are answered
};

struct Bench : Clocked<Vtrine_dmem> {
  std::mt19937 random;
  std::vector<std::uint32_t> memory = std::vector<std::uint32_t>(kWords);
  std::vector<int> readers = std::vector<int>(kWords), writers = std::vector<int>(kWords);

  explicit Bench(unsigned seed) : random(seed) {}

  void zeros() {
    dut.init_i = 1;
    for (unsigned row = 0; row < TB_BankRows; ++row) {
      drive(dut.init_row_i, row);
      tick();
    }
    dut.init_i = 0;
    drive(dut.init_row_i, random() % TB_BankRows);  // ignored now
  }
  /// Checks the whole memory through the DMA port.
  void check_memory() {
    for (unsigned a = 0; a < kWords; a += kDataWords) {
      dut.dma_rvalid_i = 1;
      drive(dut.dma_raddr_i, a);
      tick();
      dut.dma_rvalid_i = 0;
      for (int k = 0; k < 2 + TB_Ecc; ++k) tick();
      CAPTURE(a);
      REQUIRE(dut.dma_rdata_valid_o);
      for (unsigned w = 0; w < kDataWords; ++w)
        REQUIRE(get_bits(dut.dma_rdata_o, 32 * w, 32) == memory[a + w]);
    }
  }
  bool free_to_read(std::uint32_t a) const { return writers[a] == 0; }
  bool free_to_write(std::uint32_t a) const { return writers[a] == 0 && readers[a] == 0; }

  /// Draws a lane mask of a random kind, without lanes in use by others.
  unsigned draw_mask(const Lanes& lanes, bool write) {
    const auto count = static_cast<unsigned>(lanes.size());
    const unsigned all = (1u << count) - 1;
    unsigned mask = chance(random, 60) ? all : static_cast<unsigned>(random()) & all;
    for (unsigned l = 0; l < count; ++l)
      if (!(write ? free_to_write(lanes[l]) : free_to_read(lanes[l]))) mask &= ~(1u << l);
    if (write)  // two lanes of one scatter use different words
      for (unsigned l = 0; l < count; ++l)
        for (unsigned k = 0; k < l; ++k)
          if (lanes[k] == lanes[l]) mask &= ~(1u << l);
    return mask;
  }
  void mark(std::vector<int>& users, const Lanes& lanes, unsigned mask, int change) const {
    for (unsigned l = 0; l < lanes.size(); ++l)
      if ((mask >> l & 1) != 0) users[lanes[l]] += change;
  }

  // ---- one port each: offered, then taken, then in flight ----
  Access gather, scatter;
  std::deque<Access> gathers, scatters;  // in flight, oldest first
  bool gather_offered = false, scatter_offered = false;

  void offer_gather(unsigned percent) {
    if (gather_offered || !chance(random, percent)) return;
    gather = {};
    gather.address = draw_lanes(random, kLanes);
    gather.lanes = draw_mask(gather.address, false);
    gather.tag = random() % (1u << kTagBits);
    gather.pad = random() & 0xff;
    mark(readers, gather.address, gather.lanes, 1);
    gather_offered = true;
    for (unsigned l = 0; l < kLanes; ++l)
      set_bits(dut.g_addr_i, l * kAddrBits, kAddrBits, gather.address[l]);
    set_bits(dut.g_lanes_i, 0, kLanes, gather.lanes);
    drive(dut.g_tag_i, gather.tag);
    drive(dut.g_pad_i, gather.pad);
  }

  void offer_scatter(unsigned percent) {
    if (scatter_offered || !chance(random, percent)) return;
    scatter = {};
    scatter.address = draw_lanes(random, kRows);
    scatter.lanes = draw_mask(scatter.address, true);
    scatter.mask = any_word(random);
    mark(writers, scatter.address, scatter.lanes, 1);
    scatter_offered = true;
    for (unsigned l = 0; l < kRows; ++l) {
      scatter.data.push_back(any_word(random));
      set_bits(dut.s_addr_i, l * kAddrBits, kAddrBits, scatter.address[l]);
      set_bits(dut.s_data_i, 32 * l, 32, scatter.data[l]);
    }
    set_bits(dut.s_lanes_i, 0, kRows, scatter.lanes);
    drive(dut.s_mask_i, scatter.mask);
  }

  struct Beat {
    std::uint32_t address = 0;
    Lanes data;
    unsigned mask = 0;
    bool read = false;
    bool last = false;  ///< last of a copy
    int age = 0;
  };
  Beat dma_write, dma_read;
  bool write_offered = false, read_offered = false;
  std::deque<Beat> writes;      // taken, of copies that have not ended
  std::deque<Beat> read_beats;  // expected, oldest first

  void mark(const Beat& beat, int change) {
    for (unsigned w = 0; w < kDataWords; ++w)
      if (beat.read || (beat.mask >> w & 1) != 0)
        (beat.read ? readers : writers)[beat.address + w] += change;
  }
  bool free_for(const Beat& beat) const {
    for (unsigned w = 0; w < kDataWords; ++w)
      if (beat.read ? !free_to_read(beat.address + w) : !free_to_write(beat.address + w))
        return false;
    return true;
  }

  void offer_dma(bool read, unsigned percent) {
    bool& offered = read ? read_offered : write_offered;
    if (offered || !chance(random, percent)) return;
    Beat beat;
    beat.read = read;
    beat.address = random() % (kWords / kDataWords) * kDataWords;
    beat.mask = chance(random, 70) ? kWholeBeat : random() & kWholeBeat;
    beat.last = chance(random, 60);
    if (!free_for(beat)) return;
    mark(beat, 1);
    for (unsigned w = 0; w < kDataWords; ++w) beat.data.push_back(any_word(random));
    offered = true;
    (read ? dma_read : dma_write) = beat;
    if (read) {
      drive(dut.dma_raddr_i, beat.address);
      return;
    }
    set(beat);
  }
  /// Sets {last, mask, address, data}.
  void set(const Beat& beat) {
    for (unsigned w = 0; w < kDataWords; ++w) set_bits(dut.dma_wbeat_i, 32 * w, 32, beat.data[w]);
    set_bits(dut.dma_wbeat_i, 32 * kDataWords, kAddrBits, beat.address);
    set_bits(dut.dma_wbeat_i, 32 * kDataWords + kAddrBits, kDataWords, beat.mask);
    set_bits(dut.dma_wbeat_i, 33 * kDataWords + kAddrBits, 1, beat.last);
  }
  /// Offers a last beat without words, if a copy has no last beat yet.
  void offer_end() {
    if (write_offered || writes.empty() || writes.back().last) return;
    dma_write = {};
    dma_write.data.resize(kDataWords);
    dma_write.last = write_offered = true;
    set(dma_write);
  }
  /// A copy has ended, and with it everything that was taken.
  void end_writes() {
    for (const Beat& beat : writes) {
      for (unsigned w = 0; w < kDataWords; ++w)
        if ((beat.mask >> w & 1) != 0) memory[beat.address + w] = beat.data[w];
      mark(beat, -1);
    }
    writes.clear();
  }
};

/// Bounds of a port: each lane may lose a bank to a scatter and to a beat, which have priority.
constexpr int kGatherBound = static_cast<int>(kLanes * (kLanes + 12) + 22);
/// With ECC, a lane's partial word uses its bank for three cycles.
constexpr int kScatterBound = static_cast<int>((TB_Ecc ? 3 : 2) * kRows + 8);
constexpr int kDmaBound = 10;
/// Cycles in which a beat has priority (with ECC after merges); beats that may wait.
constexpr int kBeatCycles = TB_Ecc ? 3 : 1, kPlaces = kBanks / kDataWords + 1;

}  // namespace

TEST_CASE("trine_dmem serves three ports without losing a byte", "[tb][dmem]") {
  const auto seed = GENERATE(1u, 2u, 3u);
  const auto busy_percent = GENERATE(100u, 40u);
  const auto hold_percent = GENERATE(0u, 30u);
  Bench b(seed);
  auto& dut = b.dut;
  int gathers = 0, scatters = 0, beats = 0, reads = 0;
  bool served_before[2] = {false, false};  // one, two cycles ago an access may have been served
  bool soon_before = false;
  std::uint64_t soon_tag_before = 0;

  if (TB_Ecc) b.zeros();  // initializes the codes; no further write is needed

  // The DMA writes everything once, with ECC the lower half.
  for (unsigned a = 0; a < (TB_Ecc ? kWords / 2 : kWords); a += kDataWords) {
    dut.dma_wvalid_i = 1;
    Bench::Beat beat;
    beat.address = a;
    beat.mask = kWholeBeat;
    beat.last = a + kDataWords >= (TB_Ecc ? kWords / 2 : kWords);
    for (unsigned w = 0; w < kDataWords; ++w)
      beat.data.push_back(b.memory[a + w] = any_word(b.random));
    b.set(beat);
    dut.eval();
    REQUIRE(dut.dma_wready_o);
    REQUIRE(!dut.dma_wdone_o);
    b.tick();
  }
  dut.dma_wvalid_i = 0;
  dut.eval();
  REQUIRE(dut.dma_wdone_o);
  b.tick();

  // A beat of all banks rarely finds all of them free.
  constexpr int kCycles = kDataWords < kBanks ? 6'000 : 18'000;
  for (int cycle = 0; cycle < kCycles; ++cycle) {
    CAPTURE(seed, busy_percent, hold_percent, cycle);
    // The last cycles only drain.
    const unsigned percent = cycle < kCycles - 500 ? busy_percent : 0;
    b.offer_gather(percent);
    b.offer_scatter(percent);
    b.offer_dma(false, percent / 2);
    b.offer_dma(true, percent / 2);
    if (percent == 0) b.offer_end();
    const bool hold = percent > 0 && chance(b.random, hold_percent);
    dut.g_valid_i = b.gather_offered;
    dut.s_valid_i = b.scatter_offered;
    dut.dma_wvalid_i = b.write_offered;
    dut.dma_rvalid_i = b.read_offered;
    dut.g_hold_i = hold;
    dut.eval();

    // Answers of the gather: each lane once, with the memory's contents, which do not change now.
    const std::uint64_t lanes = get_bits(dut.rsp_lanes_o, 0, kLanes);
    if (!served_before[1]) REQUIRE(lanes == 0);
    REQUIRE((dut.rsp_done_o != 0) == soon_before);
    if (soon_before) REQUIRE(dut.rsp_tag_o == soon_tag_before);
    soon_before = dut.rsp_done_next_o != 0;
    soon_tag_before = dut.rsp_tag_next_o;
    if (lanes != 0 || dut.rsp_done_o != 0) {
      REQUIRE(!b.gathers.empty());
      Access& g = b.gathers.front();
      REQUIRE(dut.rsp_tag_o == g.tag);
      REQUIRE((g.answered & lanes) == 0);
      g.answered |= static_cast<unsigned>(lanes);
      for (unsigned l = 0; l < kLanes; ++l) {
        if ((lanes >> l & 1) == 0) continue;
        const bool read = (g.lanes >> l & 1) != 0;
        CAPTURE(l, read, g.address[l]);
        REQUIRE(get_bits(dut.rsp_data_o, 32 * l, 32) ==
                (read ? b.memory[g.address[l]] : 0x01010101u * g.pad));
        REQUIRE((get_bits(dut.rsp_data_o, 32 * kLanes + l, 1) != 0) == !read);
      }
      REQUIRE((dut.rsp_done_o != 0) == (g.answered == (1u << kLanes) - 1));
      if (dut.rsp_done_o != 0) {
        b.mark(b.readers, g.address, g.lanes, -1);
        b.gathers.pop_front();
        ++gathers;
      }
    }
    REQUIRE(dut.ecc_fatal_o == 0);
    REQUIRE(get_bits(dut.ecc_corrected_o, 0, kBanks) == 0);
    if (dut.dma_rdata_valid_o != 0) {
      REQUIRE(!b.read_beats.empty());
      const auto& beat = b.read_beats.front();
      for (unsigned w = 0; w < kDataWords; ++w)
        REQUIRE(get_bits(dut.dma_rdata_o, 32 * w, 32) == b.memory[beat.address + w]);
      b.mark(beat, -1);
      b.read_beats.pop_front();
      ++reads;
    }

    // Accesses that end at this edge.
    if (dut.s_ready_o != 0 && !b.scatters.empty()) {
      const Access& s = b.scatters.front();
      for (unsigned l = 0; l < kRows; ++l)
        if ((s.lanes >> l & 1) != 0)
          b.memory[s.address[l]] = (b.memory[s.address[l]] & ~s.mask) | (s.data[l] & s.mask);
      b.mark(b.writers, s.address, s.lanes, -1);
      b.scatters.pop_front();
      ++scatters;
    }
    REQUIRE((dut.dma_wdone_o == 0 || (!b.writes.empty() && b.writes.back().last)));
    if (dut.dma_wdone_o != 0) b.end_writes();

    // Accesses that are taken at this edge.
    if (b.gather_offered && dut.g_ready_o != 0) {
      b.gathers.push_back(b.gather);
      b.gather_offered = false;
    }
    if (b.scatter_offered && dut.s_ready_o != 0) {
      b.scatters.push_back(b.scatter);
      b.scatter_offered = false;
    }
    int taken = 0;  // beats
    if (b.write_offered && dut.dma_wready_o != 0) {
      ++taken;
      b.writes.push_back(b.dma_write);
      b.writes.back().age = 0;
      b.write_offered = false;
      ++beats;
    }
    if (b.read_offered && dut.dma_rready_o != 0) {
      ++taken;
      b.read_beats.push_back(b.dma_read);
      b.read_offered = false;
    }
    REQUIRE(b.gathers.size() <= 4);
    REQUIRE(b.scatters.size() <= 1);

    // No port starves: a beat has priority over both once, and over accesses in the cycle in which
    // it is taken or already waits.
    if (!b.gathers.empty() && !hold) {
      Access& g = b.gathers.front();
      REQUIRE(++g.age <= kGatherBound + kBeatCycles * (kPlaces + (g.beats += taken)));
    }
    if (!b.scatters.empty()) {
      Access& s = b.scatters.front();
      REQUIRE(++s.age <= kScatterBound + kBeatCycles * (kPlaces + (s.beats += taken)));
    }
    if (!b.writes.empty() && b.writes.back().last) REQUIRE(++b.writes.back().age <= kDmaBound);
    if (!b.read_beats.empty()) REQUIRE(++b.read_beats.front().age <= kDmaBound);
    if (b.write_offered) REQUIRE(++b.dma_write.age <= kDmaBound);
    served_before[1] = served_before[0];
    served_before[0] = !hold && !b.gathers.empty();
    b.tick();
  }
  CHECK(b.gathers.empty());
  CHECK(b.scatters.empty());
  CHECK(b.read_beats.empty());
  CHECK(dut.s_ready_o != 0);
  CHECK(gathers > 100);
  CHECK(scatters > 100);
  CHECK(beats > 100);
  CHECK(reads > 50);
  dut.g_hold_i = 0;
  CAPTURE(seed);
  b.check_memory();
  b.zeros();  // nothing remains
  b.memory.assign(kWords, 0);
  b.check_memory();
}

TEST_CASE("trine_dmem serves a scatter first after it has waited for five cycles", "[tb][dmem]") {
  constexpr unsigned kPatience = 5;
  Bench b(1);
  auto& dut = b.dut;
  // Both use one bank in every cycle.
  for (unsigned l = 0; l < kLanes; ++l)
    set_bits(dut.g_addr_i, l * kAddrBits, kAddrBits, of_first_bank(l));
  for (unsigned l = 0; l < kRows; ++l)
    set_bits(dut.s_addr_i, l * kAddrBits, kAddrBits, of_first_bank(l));
  set_bits(dut.g_lanes_i, 0, kLanes, (1u << kLanes) - 1);
  set_bits(dut.s_lanes_i, 0, kRows, (1u << kRows) - 1);
  drive(dut.s_mask_i, ~0u);
  dut.g_valid_i = 1;
  for (int cycle = 0; cycle < 10; ++cycle) b.tick();
  for (int access = 0; access < 3; ++access) {
    dut.s_valid_i = 1;
    b.tick();
    dut.s_valid_i = 0;
    unsigned waits = 0;
    for (dut.eval(); dut.s_ready_o == 0; ++waits) {
      REQUIRE(waits < 100);
      b.tick();
      dut.eval();
    }
    CHECK(waits == kPatience + kRows - 1);  // then one lane per cycle
    b.tick();
  }
}

TEST_CASE("trine_dmem lets a write wait for a gather until the next write needs its place",
          "[tb][dmem]") {
  Bench b(1);
  auto& dut = b.dut;
  if (TB_Ecc) b.zeros();
  set_bits(dut.g_lanes_i, 0, kLanes, 1);  // of the first bank, in every cycle
  dut.g_valid_i = 1;
  int waits = 0;
  bool done = false;
  const auto idle = [&](int cycles) {
    for (int k = 0; k < cycles; ++k) {
      dut.eval();
      waits += dut.g_waiting_o;
      done = done || dut.dma_wdone_o != 0;
      b.tick();
    }
  };
  const auto write = [&](unsigned address, bool last = false) {
    Bench::Beat beat;
    beat.address = address;
    beat.data.assign(kDataWords, b.memory[address] = any_word(b.random));
    beat.mask = 1;
    beat.last = last;
    b.set(beat);
    dut.dma_wvalid_i = 1;
    dut.eval();
    REQUIRE(dut.dma_wready_o);
    idle(1);
    dut.dma_wvalid_i = 0;
  };
  constexpr unsigned kBeats = kBanks / kDataWords;  // beats of all banks
  idle(4);
  waits = 0;
  write(0);
  idle(20);
  CHECK(waits == (kBeats == 1 ? 1 : 0));  // the next beat needs the place if it uses all banks
  waits = 0;
  for (unsigned beat = 1; beat < kBeats; ++beat) write(beat * kDataWords);
  idle(1);
  CHECK(waits == (kBeats == 1 ? 0 : 1));  // the next one uses the first bank again
  write(2 * kBanks);
  waits = 0;
  write((2 * kBanks + kDataWords) % (3 * kBanks), true);
  CHECK(waits == (kBeats == 1 ? 1 : 0));
  CHECK_FALSE(done);
  idle(1);
  CHECK(waits == (kBeats == 1 ? 2 : 1));
  CHECK(done);
  dut.g_valid_i = 0;
  idle(4);
  for (unsigned a :
       {0u, kBanks - kDataWords, 2 * kBanks, (2 * kBanks + kDataWords) % (3 * kBanks)}) {
    drive(dut.dma_raddr_i, a);
    dut.dma_rvalid_i = 1;
    idle(1);
    dut.dma_rvalid_i = 0;
    idle(2 + TB_Ecc);
    dut.eval();
    REQUIRE(dut.dma_rdata_valid_o);
    CHECK(get_bits(dut.dma_rdata_o, 0, 32) == b.memory[a]);
  }
}

TEST_CASE("trine_dmem serves a gather before a scatter that has just come", "[tb][dmem]") {
  Bench b(1);
  auto& dut = b.dut;
  set_bits(dut.g_lanes_i, 0, kLanes, 1);
  set_bits(dut.s_lanes_i, 0, kRows, 1);
  drive(dut.s_mask_i, ~0u);
  for (unsigned bank = 0; bank < kBanks; ++bank) {
    CAPTURE(bank);
    set_bits(dut.g_addr_i, 0, kAddrBits, bank);
    set_bits(dut.s_addr_i, 0, kAddrBits, 2 * kBanks + bank);
    dut.g_valid_i = dut.s_valid_i = 1;
    b.tick();
    dut.g_valid_i = dut.s_valid_i = 0;
    dut.eval();
    REQUIRE(dut.g_waiting_o == 0);  // the gather ends in this cycle,
    REQUIRE(dut.s_ready_o == 0);
    b.tick();
    REQUIRE(dut.s_ready_o != 0);  // the scatter in the next cycle
    b.tick();
    REQUIRE(dut.rsp_done_o != 0);
    for (int cycle = 0; cycle < 4; ++cycle) b.tick();
  }
}

TEST_CASE("trine_dmem forgets waiting requests when it is cleared", "[tb][dmem]") {
  Bench b(1);
  auto& dut = b.dut;
  b.zeros();
  for (unsigned l = 0; l < kLanes; ++l)  // all in one bank
    set_bits(dut.g_addr_i, l * kAddrBits, kAddrBits, of_first_bank(l));
  for (unsigned l = 0; l < kRows; ++l) {
    set_bits(dut.s_addr_i, l * kAddrBits, kAddrBits, of_first_bank(l));
    set_bits(dut.s_data_i, 32 * l, 32, ~0u);
  }
  set_bits(dut.g_lanes_i, 0, kLanes, (1u << kLanes) - 1);
  set_bits(dut.s_lanes_i, 0, kRows, (1u << kRows) - 1);
  drive(dut.s_mask_i, ~0u);
  // The second access is in the skid register, or is offered in the cycle of the clear.
  const bool with_clear = GENERATE(false, true);
  for (int accesses = 1; accesses <= 2; ++accesses) {
    dut.g_valid_i = dut.g_hold_i = 1;
    dut.s_valid_i = accesses == 1;
    for (int k = 0; k < accesses - (with_clear ? 1 : 0); ++k) b.tick();
    if (!with_clear) dut.g_valid_i = dut.s_valid_i = 0;
    dut.clear_i = 1;
    b.tick();
    dut.clear_i = dut.g_hold_i = dut.g_valid_i = dut.s_valid_i = 0;
    for (int cycle = 0; cycle < 8; ++cycle) {
      dut.eval();
      CAPTURE(accesses, with_clear, cycle);
      REQUIRE(dut.g_waiting_o == 0);
      REQUIRE(dut.s_ready_o != 0);
      REQUIRE(get_bits(dut.rsp_lanes_o, 0, kLanes) == 0);
      REQUIRE(dut.rsp_done_o == 0);
      REQUIRE(dut.rsp_done_next_o == 0);
      b.tick();
    }
  }
  if (!with_clear) b.memory[0] = ~0u;  // lane 0 was served together with the clear
  b.check_memory();
}

/// Starts anywhere and crosses rows of banks, where even and odd addresses are exchanged.
TEST_CASE("trine_dmem gathers neighbours and every second and fourth word in every cycle",
          "[tb][dmem]") {
  const auto stride = GENERATE(1u, 2u, 4u);
  const unsigned lanes = stride == 4 ? std::min(kLanes, kBanks / 2) : kLanes;
  Bench b(1);
  auto& dut = b.dut;
  dut.g_valid_i = 1;
  set_bits(dut.g_lanes_i, 0, kLanes, (1u << lanes) - 1);
  for (unsigned cycle = 0; cycle < 4 * kBanks; ++cycle) {
    for (unsigned l = 0; l < kLanes; ++l)
      set_bits(dut.g_addr_i, l * kAddrBits, kAddrBits, (cycle + l * stride) % kWords);
    dut.eval();
    CAPTURE(stride, cycle);
    REQUIRE(dut.g_ready_o);
    REQUIRE((dut.rsp_done_o != 0) == (cycle >= 3));  // three cycles after it was taken
    b.tick();
  }
}

#if TB_Ecc
namespace {

/// Inverts some bits of the word at that address in its bank.
void invert(const VerilatedContext& context, std::uint32_t address, unsigned bits) {
  const unsigned row = address / kBanks, bank = address % kBanks ^ (row & 1U);
  const std::string name =
      "TOP.trine_dmem.gen_bank[" + std::to_string(bank) + "].gen_code.u_bank.u_sram";
  const VerilatedScope* scope = context.scopeFind(name.c_str());
  REQUIRE(scope != nullptr);
  const VerilatedVar* words = scope->varFind("mem");
  REQUIRE(words != nullptr);
  *(static_cast<std::uint8_t*>(words->datap()) + row * words->entSize()) ^=
      static_cast<std::uint8_t>(bits);
}

}  // namespace

TEST_CASE("trine_dmem names the word that it cannot correct", "[tb][dmem][ecc]") {
  Bench b(1);
  auto& dut = b.dut;
  for (std::uint32_t address = 0; address < kWords; ++address) {
    CAPTURE(address);
    const bool twice = address % 3 != 0;
    b.zeros();
    invert(*dut.contextp(), address, twice ? 0x41 : 0x20);
    drive(dut.dma_raddr_i, address / kDataWords * kDataWords);
    dut.dma_rvalid_i = 1;
    dut.eval();
    REQUIRE(dut.dma_rready_o);
    b.tick();
    dut.dma_rvalid_i = 0;
    int fatal = 0, corrected = 0;
    for (int cycle = 0; cycle < 6; ++cycle) {
      dut.eval();
      if (dut.ecc_fatal_o != 0) REQUIRE(dut.ecc_addr_o == address);
      fatal += dut.ecc_fatal_o;
      corrected += get_mask<kBanks>(dut.ecc_corrected_o).any() ? 1 : 0;
      b.tick();
    }
    REQUIRE(fatal == (twice ? 1 : 0));
    REQUIRE(corrected == (twice ? 0 : 1));
  }
}
#endif
