// SPDX-License-Identifier: Apache-2.0
//
// Connects the AXI4 memory of sim/rtl/memory.h to a device's ports in benches, and checks what
// docs/architecture.md requires of the master. Failures are Catch2's.
//
// In each cycle, drive() sets the inputs of the device, the bench evaluates it, and sample() reads
// the handshakes before the clock edge.

#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "sim/rtl/memory.h"
#include "sw/base/catch.h"
#include "verilated.h"

namespace trine::tb {

struct AxiTiming {
  unsigned ready_percent = 60;  ///< percent of cycles in which a channel is ready or valid
  int latency_min = 0;          ///< cycles from address to first data, or last data to response
  int latency_max = 20;
};

template <typename Dut>
class AxiMemory : public sim::AxiMemory {
 public:
  /// @param base   byte address of the first word
  /// @param bytes  size; the test fails at accesses outside
  AxiMemory(Dut& dut, std::uint64_t base, std::size_t bytes, int data_bits, unsigned seed)
      : sim::AxiMemory(settings_of(data_bits, seed)), words(bytes / 4), dut_(dut), base_(base) {
    attach(reinterpret_cast<std::uint8_t*>(words.data()), bytes, base);
  }

  std::vector<std::uint32_t> words;
  AxiTiming timing;
  sim::AxiSlave slave{"bench", sim::WriteOrder::kAny, sim::ReadOrder::kInterleaved};
  std::uint64_t window_first = 0,
                window_last = ~std::uint64_t{0};  ///< bursts elsewhere fail the test

  std::uint64_t base() const { return base_; }

  /// Holds the interconnect in reset: all bursts are dropped, and nothing happens until
  /// stand(kNone).
  void hold_in_reset() {
    stand(kAll);
    reset();
  }

  void drive() {
    const sim::AxiReply& r = reply();
    dut_.m_axi_arready_i = r.arready;
    dut_.m_axi_awready_i = r.awready;
    dut_.m_axi_wready_i = r.wready;
    dut_.m_axi_rvalid_i = r.rvalid;
    dut_.m_axi_bvalid_i = r.bvalid;
    dut_.m_axi_bresp_i = r.bresp;
    if (!r.rvalid) return;
    dut_.m_axi_rid_i = r.rid;
    dut_.m_axi_rresp_i = r.rresp;
    dut_.m_axi_rlast_i = r.rlast;
    std::memcpy(&dut_.m_axi_rdata_i, r.rdata, sizeof dut_.m_axi_rdata_i);
  }

  void sample() {
    sim::AxiRequest in;
    in.arvalid = dut_.m_axi_arvalid_o;
    in.arid = dut_.m_axi_arid_o;
    in.araddr = dut_.m_axi_araddr_o;
    in.arlen = dut_.m_axi_arlen_o;
    in.arsize = dut_.m_axi_arsize_o;
    in.arburst = dut_.m_axi_arburst_o;
    in.rready = dut_.m_axi_rready_o;
    in.awvalid = dut_.m_axi_awvalid_o;
    in.awaddr = dut_.m_axi_awaddr_o;
    in.awlen = dut_.m_axi_awlen_o;
    in.awsize = dut_.m_axi_awsize_o;
    in.awburst = dut_.m_axi_awburst_o;
    in.wvalid = dut_.m_axi_wvalid_o;
    in.wdata = reinterpret_cast<const std::uint8_t*>(&dut_.m_axi_wdata_o);
    std::array<std::uint64_t, 2> strobes{};
    std::memcpy(strobes.data(), &dut_.m_axi_wstrb_o, sizeof dut_.m_axi_wstrb_o);
    in.wstrb = sim::Strobes(strobes[1]) << 64 | sim::Strobes(strobes[0]);
    in.wlast = dut_.m_axi_wlast_o;
    in.bready = dut_.m_axi_bready_o;
    if (in.arvalid) check_place(in.araddr, in.arlen);
    if (in.awvalid) check_place(in.awaddr, in.awlen);
    for (std::size_t i = 0; in.wvalid && i < in.wstrb.size(); ++i)
      REQUIRE(in.wstrb[i] == in.wstrb[i / 4 * 4]);  // whole words
    settings().stall_percent = 100 - static_cast<int>(timing.ready_percent);
    settings().latency = timing.latency_min;
    settings().slave = slave;
    settings().slave.latency_spread += timing.latency_max - timing.latency_min;
    step(in);
    if (!protocol_error().empty()) FAIL(protocol_error());
  }

 private:
  static Settings settings_of(int data_bits, unsigned seed) {
    Settings settings;
    settings.bus_bytes = data_bits / 8;
    settings.seed = seed;
    return settings;
  }

  void check_place(std::uint64_t addr, int len) {
    const std::uint64_t last =
        addr + static_cast<std::uint64_t>(settings().bus_bytes * (len + 1)) - 1;
    CAPTURE(addr, len);
    REQUIRE((addr >= base_ && last < base_ + 4 * words.size()));
    REQUIRE((addr >= window_first && last <= window_last));
  }

  Dut& dut_;
  std::uint64_t base_;
};

}  // namespace trine::tb
