// SPDX-License-Identifier: Apache-2.0
//
// Tests the three clients of the gather: residuals have priority, compute and vector alternate. The
// gather receives the access of the selected client, answers go to the client of their tag, and
// compute and vector engine hold only their own accesses.

#include <array>
#include <random>

#include "Vtrine_gather_arb.h"
#include "sw/base/catch.h"
#include "tb/golden/clocked.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

namespace {

constexpr unsigned kRows = TB_Rows, kLanes = TB_Lanes, kAddrBits = TB_AddrBits;
enum Client : unsigned { kCompute, kVector, kResidual, kNobody };  // the first three are tags

/// An offered access.
struct Access {
  bool valid = false;
  std::array<unsigned, kLanes> addr{};
  std::bitset<kLanes> lanes;
  unsigned pad = 0, tag = 0;
};

struct Bench : Clocked<Vtrine_gather_arb> {
  std::mt19937 random;
  std::array<Access, 3> offered;
  bool vector_next = false;
  std::array<unsigned, 3> served{};
  unsigned contests = 0;

  explicit Bench(unsigned seed) : random(seed) {}

  unsigned below(unsigned n) { return static_cast<unsigned>(random() % n); }

  void offer(Client client, unsigned percent) {
    Access& a = offered[client];
    if (a.valid || !chance(random, percent)) return;
    a.valid = true;
    for (unsigned& addr : a.addr) addr = below(1U << kAddrBits);
    a.lanes = any_mask<kLanes>(random);
    if (client != kCompute) a.lanes &= rows();
    a.pad = below(256);
    a.tag = client == kResidual ? 0 : below(client == kCompute ? 16 : 8);
  }

  /// Returns the lanes of results, which vector engine and residuals use.
  static std::bitset<kLanes> rows() { return ~std::bitset<kLanes>{} >> (kLanes - kRows); }
  static std::bitset<kRows> results(const std::bitset<kLanes>& lanes) {
    std::bitset<kRows> low;
    for (unsigned i = 0; i < kRows; ++i) low[i] = lanes[i];
    return low;
  }

  template <typename Port>
  void put(Port& addr, Client client) {
    for (unsigned lane = 0; lane < (client == kCompute ? kLanes : kRows); ++lane)
      set_bits(addr, lane * kAddrBits, kAddrBits, offered[client].addr[lane]);
  }

  void drive_clients() {
    auto& [c, v, r] = offered;
    dut.c_valid_i = c.valid;
    dut.v_valid_i = v.valid;
    dut.r_valid_i = r.valid;
    put(dut.c_addr_i, kCompute);
    put(dut.v_addr_i, kVector);
    put(dut.r_addr_i, kResidual);
    set_mask(dut.c_lanes_i, c.lanes);
    set_mask(dut.v_lanes_i, results(v.lanes));
    set_mask(dut.r_lanes_i, results(r.lanes));
    drive(dut.c_pad_i, c.pad);
    drive(dut.v_pad_i, v.pad);
    drive(dut.c_tag_i, c.tag);
    drive(dut.v_tag_i, v.tag);
  }

  Client turn() const {
    if (offered[kResidual].valid) return kResidual;
    if (offered[kCompute].valid && !(offered[kVector].valid && vector_next)) return kCompute;
    return offered[kVector].valid ? kVector : kNobody;
  }

  void check_request(Client client, bool ready) {
    REQUIRE((dut.g_valid_o != 0) == (client != kNobody));
    if (offered[kCompute].valid) REQUIRE((dut.c_ready_o != 0) == (client == kCompute && ready));
    if (offered[kVector].valid) REQUIRE((dut.v_ready_o != 0) == (client == kVector && ready));
    REQUIRE((dut.c_arb_lost_o != 0) == (offered[kCompute].valid && client != kCompute && ready));
    if (client == kNobody) return;
    const Access& a = offered[client];
    REQUIRE(dut.g_tag_o == (client << 4 | a.tag));
    REQUIRE(get_mask<kLanes>(dut.g_lanes_o) == a.lanes);
    if (client != kResidual) REQUIRE(dut.g_pad_o == a.pad);
    for (unsigned lane = 0; lane < kLanes; ++lane)
      if (a.lanes[lane])
        REQUIRE(get_bits(dut.g_addr_o, lane * kAddrBits, kAddrBits) == a.addr[lane]);
  }

  /// Checks answers and the access in front of the gather, of any client, whatever is requested.
  void check_answers() {
    const unsigned front = below(3), answer = below(3), soon = below(3);
    const auto lanes = any_mask<kLanes>(random);
    const bool done = chance(random, 50), comes = chance(random, 50), hold = chance(random, 50);
    const auto tag = [this](unsigned client) { return client << 4 | below(16); };
    dut.g_i = tag(front) << 14 | static_cast<unsigned>(done) << 13 | tag(answer) << 7 |
              static_cast<unsigned>(comes) << 6 | tag(soon);
    dut.c_hold_i = hold;
    const bool vector_hold = chance(random, 50);
    dut.v_hold_i = vector_hold;
    set_mask(dut.rsp_lanes_i, lanes);
    dut.eval();
    CAPTURE(front, answer, soon);
    REQUIRE((dut.g_hold_o != 0) ==
            ((hold && front == kCompute) || (vector_hold && front == kVector)));
    REQUIRE((dut.c_front_o != 0) == (front == kCompute));
    REQUIRE((dut.c_rsp_done_next_o != 0) == (comes && soon == kCompute));
    REQUIRE((dut.c_rsp_done_o != 0) == (done && answer == kCompute));
    REQUIRE((dut.v_rsp_done_o != 0) == (done && answer == kVector));
    REQUIRE((dut.r_rsp_done_o != 0) == (done && answer == kResidual));
    const std::bitset<kLanes> none;
    REQUIRE(get_mask<kLanes>(dut.c_rsp_lanes_o) == (answer == kCompute ? lanes : none));
    REQUIRE(get_mask<kRows>(dut.v_rsp_lanes_o) == results(answer == kVector ? lanes : none));
    REQUIRE(get_mask<kRows>(dut.r_rsp_lanes_o) == results(answer == kResidual ? lanes : none));
  }

  void cycle(unsigned percent, unsigned residuals) {
    offer(kCompute, percent);
    offer(kVector, percent);
    offer(kResidual, residuals);
    const bool ready = chance(random, 60), clear = chance(random, 1);
    dut.g_ready_i = ready;
    dut.clear_i = clear;
    drive_clients();
    check_answers();
    const Client client = turn();
    CAPTURE(client, ready, vector_next);
    check_request(client, ready);
    contests += offered[kCompute].valid && offered[kVector].valid && ready ? 1 : 0;
    if (ready && client != kResidual) vector_next = client == kCompute;
    if (ready && client != kNobody) {
      ++served[client];
      offered[client].valid = false;
    }
    if (clear) {
      vector_next = false;
      for (Access& a : offered) a.valid = false;
    }
    tick();
  }
};

}  // namespace

TEST_CASE("trine_gather_arb serves residuals first, then compute and vector in turns",
          "[tb][gather_arb]") {
  const auto seed = GENERATE(1u, 2u);
  const auto percent = GENERATE(100u, 30u);
  CAPTURE(seed, percent);
  Bench bench(seed);
  for (int n = 0; n < 10'000; ++n) bench.cycle(percent, 20);
  for (const unsigned count : bench.served) CHECK(count > 500);
  CHECK(bench.contests > 500);
}
