// SPDX-License-Identifier: Apache-2.0
//
// An AXI4 memory for benches: random latencies, stalls and interleaving of IDs, and a check of
// everything the protocol and docs/architecture.md ask of the master. Failures are Catch2's.
//
// A cycle is: drive() sets the inputs of the device, the bench evaluates it, sample() looks at the
// handshakes before the clock edge.

#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <random>
#include <vector>

#include "verilated.h"

namespace trine::tb {

/// 32-bit word i of a port, whatever type Verilator gave it.
inline std::uint32_t get_word(const IData& port, int) { return port; }
inline std::uint32_t get_word(const QData& port, int i) {
  return static_cast<std::uint32_t>(port >> (32 * i));
}
template <std::size_t N>
std::uint32_t get_word(const VlWide<N>& port, int i) {
  return port[static_cast<std::size_t>(i)];
}
inline void set_word(IData& port, int, std::uint32_t value) { port = value; }
inline void set_word(QData& port, int i, std::uint32_t value) {
  port = (port & ~(QData{0xffffffffu} << (32 * i))) | QData{value} << (32 * i);
}
template <std::size_t N>
void set_word(VlWide<N>& port, int i, std::uint32_t value) {
  port[static_cast<std::size_t>(i)] = value;
}
/// Bit i of a strobe or mask port.
template <typename T>
bool get_bit(const T& port, int i) {
  return static_cast<std::uint64_t>(port) >> i & 1;
}

struct AxiTiming {
  unsigned ready_percent = 60;  ///< of address and write data ready, and of read data valid
  int latency_min = 0;          ///< cycles from address to first data, or last data to response
  int latency_max = 20;
};

template <typename Dut>
class AxiMemory {
 public:
  /// @param base   byte address of the first word
  /// @param bytes  size; everything outside is an error of the test
  AxiMemory(Dut& dut, std::uint64_t base, std::size_t bytes, int data_bits, unsigned seed)
      : words(bytes / 4), dut_(dut), base_(base), data_words_(data_bits / 32), random_(seed) {}

  std::vector<std::uint32_t> words;
  AxiTiming timing;
  std::uint64_t error_first = 0, error_end = 0;  ///< addresses that answer SLVERR
  std::uint64_t failed_burst = 0;                ///< address of the first burst that got an error
  std::uint64_t failed_beat = 0;                 ///< and of the beat (reads)
  bool failed = false;
  std::uint64_t bytes_read = 0, bytes_written = 0;
  int bursts = 0;
  std::uint64_t window_first = 0,
                window_last = ~std::uint64_t{0};  ///< bursts elsewhere fail the test
  /// A channel that stands still: its ready, or its valid, stays low.
  enum Channel { kNone, kAr, kR, kAw, kW, kB, kAll } dead = kNone;

  std::uint64_t base() const { return base_; }
  bool idle() const {
    return reads_[0].empty() && reads_[1].empty() && writes_.empty() && beats_.empty() &&
           responses_.empty();
  }

  /// An interconnect's reset: all bursts are forgotten, and nothing happens until release().
  void reset() {
    for (auto* bursts_of : {&reads_[0], &reads_[1], &writes_}) bursts_of->clear();
    beats_.clear();
    responses_.clear();
    read_offered_ = response_offered_ = false;
    for (auto& held : held_) held.clear();
    dead = kAll;
  }
  void release() {
    for (auto& held : held_) held.clear();
    dead = kNone;
  }
  /// What is asked for and not answered: address of the oldest beat, or burst of a write.
  std::uint64_t oldest_read(int id) const { return beat_addr(reads_[id].front()); }
  bool reading(int id) const { return !reads_[id].empty(); }
  std::size_t unanswered_writes() const { return writes_.size() + responses_.size(); }

  void drive() {
    ++cycle_;
    dut_.m_axi_arready_i = chance() && !stands(kAr);
    dut_.m_axi_awready_i = chance() && !stands(kAw);
    dut_.m_axi_wready_i = chance() && !stands(kW);
    if (!read_offered_ && !stands(kR)) offer_read();
    if (!response_offered_ && !stands(kB)) {
      response_offered_ = !responses_.empty() && responses_.front().due <= cycle_ && chance();
      if (response_offered_) dut_.m_axi_bresp_i = responses_.front().error ? 2 : 0;
    }
    dut_.m_axi_rvalid_i = read_offered_;
    dut_.m_axi_bvalid_i = response_offered_;
    dut_.m_axi_bid_i = 0;
  }

  void sample() {
    check_held();
    if (dut_.m_axi_arvalid_o && dut_.m_axi_arready_i) {
      check_burst(dut_.m_axi_araddr_o, dut_.m_axi_arlen_o, dut_.m_axi_arsize_o,
                  dut_.m_axi_arburst_o);
      reads_[dut_.m_axi_arid_o].push_back({dut_.m_axi_araddr_o, dut_.m_axi_arlen_o + 1, 0, due()});
    }
    if (dut_.m_axi_rvalid_i && dut_.m_axi_rready_o) take_read();
    if (dut_.m_axi_awvalid_o && dut_.m_axi_awready_i) {
      check_burst(dut_.m_axi_awaddr_o, dut_.m_axi_awlen_o, dut_.m_axi_awsize_o,
                  dut_.m_axi_awburst_o);
      writes_.push_back({dut_.m_axi_awaddr_o, dut_.m_axi_awlen_o + 1, 0, 0});
    }
    if (dut_.m_axi_wvalid_o && dut_.m_axi_wready_i) take_beat();
    while (!writes_.empty() && !beats_.empty()) write_beat();
    if (dut_.m_axi_bvalid_i && dut_.m_axi_bready_o) {
      responses_.pop_front();
      response_offered_ = false;
    }
  }

 private:
  struct Burst {
    std::uint64_t addr;
    int beats, done;
    std::int64_t due;
  };
  /// Data, which may be taken before their address.
  struct Beat {
    std::vector<std::uint32_t> words;
    std::uint64_t strobes;
    bool last;
  };
  struct Response {
    std::int64_t due;
    bool error;
  };

  bool stands(Channel channel) const { return dead == channel || dead == kAll; }
  bool chance() { return random_() % 100 < timing.ready_percent; }
  std::int64_t due() {
    const auto span = static_cast<unsigned>(timing.latency_max - timing.latency_min + 1);
    return cycle_ + timing.latency_min + static_cast<std::int64_t>(random_() % span);
  }
  bool is_error(std::uint64_t addr) const { return addr >= error_first && addr < error_end; }
  std::uint64_t beat_addr(const Burst& burst) const {
    return burst.addr + static_cast<std::uint64_t>(burst.done * 4 * data_words_);
  }
  std::uint32_t& word(std::uint64_t addr) { return words.at((addr - base_) / 4); }
  void fail(std::uint64_t burst, std::uint64_t beat) {
    if (failed) return;
    failed = true;
    failed_burst = burst;
    failed_beat = beat;
  }

  void check_burst(std::uint64_t addr, int len, int size, int kind) {
    const auto beat_bytes = static_cast<std::uint64_t>(4 * data_words_);
    const std::uint64_t last = addr + beat_bytes * static_cast<std::uint64_t>(len + 1) - 1;
    CAPTURE(addr, len, size, kind);
    REQUIRE(addr % beat_bytes == 0);
    REQUIRE(addr >> 12 == last >> 12);
    REQUIRE(len < 64);
    REQUIRE(1 << size == 4 * data_words_);
    REQUIRE(kind == 1);
    REQUIRE(addr >= base_);
    REQUIRE(last < base_ + 4 * words.size());
    REQUIRE((addr >= window_first && last <= window_last));
    ++bursts;
  }

  void offer_read() {
    const auto waiting = [this](int id) {
      return !reads_[id].empty() && reads_[id].front().due <= cycle_;
    };
    if (!(waiting(0) || waiting(1)) || !chance()) return;
    read_id_ = waiting(0) && waiting(1) ? static_cast<int>(random_() & 1) : waiting(1);
    const Burst& burst = reads_[read_id_].front();
    const std::uint64_t addr = beat_addr(burst);
    for (int i = 0; i < data_words_; ++i)
      set_word(dut_.m_axi_rdata_i, i, word(addr + static_cast<std::uint64_t>(4 * i)));
    dut_.m_axi_rid_i = read_id_ != 0;
    dut_.m_axi_rresp_i = is_error(addr) ? 2 : 0;
    dut_.m_axi_rlast_i = burst.done + 1 == burst.beats;
    read_offered_ = true;
  }

  void take_read() {
    Burst& burst = reads_[read_id_].front();
    if (is_error(beat_addr(burst))) fail(burst.addr, beat_addr(burst));
    bytes_read += static_cast<std::uint64_t>(4 * data_words_);
    read_offered_ = false;
    if (++burst.done == burst.beats) reads_[read_id_].pop_front();
  }

  void take_beat() {
    Beat beat{{}, static_cast<std::uint64_t>(dut_.m_axi_wstrb_o), dut_.m_axi_wlast_o != 0};
    for (int i = 0; i < data_words_; ++i) beat.words.push_back(get_word(dut_.m_axi_wdata_o, i));
    beats_.push_back(beat);
    REQUIRE((!writes_.empty() || dut_.m_axi_awvalid_o));  // no data before their address is offered
  }

  void write_beat() {
    Burst& burst = writes_.front();
    const Beat beat = beats_.front();
    beats_.pop_front();
    const std::uint64_t addr = beat_addr(burst);
    for (int i = 0; i < data_words_; ++i) {
      const int strobe = static_cast<int>(beat.strobes >> (4 * i) & 15);
      REQUIRE((strobe == 0 || strobe == 15));
      if (strobe == 0) continue;
      bytes_written += 4;
      if (!is_error(burst.addr))
        word(addr + static_cast<std::uint64_t>(4 * i)) = beat.words[static_cast<std::size_t>(i)];
    }
    ++burst.done;
    REQUIRE((burst.done == burst.beats) == beat.last);
    if (burst.done < burst.beats) return;
    if (is_error(burst.addr)) fail(burst.addr, burst.addr);
    responses_.push_back({due(), is_error(burst.addr)});
    writes_.pop_front();
  }

  /// What was offered and not taken must be offered again, unchanged.
  void check_held() {
    std::vector<std::uint64_t> now[3];
    if (dut_.m_axi_arvalid_o) now[0] = {dut_.m_axi_araddr_o, dut_.m_axi_arlen_o, dut_.m_axi_arid_o};
    if (dut_.m_axi_awvalid_o) now[1] = {dut_.m_axi_awaddr_o, dut_.m_axi_awlen_o};
    if (dut_.m_axi_wvalid_o) {
      now[2] = {static_cast<std::uint64_t>(dut_.m_axi_wstrb_o), dut_.m_axi_wlast_o};
      for (int i = 0; i < data_words_; ++i)
        if (get_bit(dut_.m_axi_wstrb_o, 4 * i)) now[2].push_back(get_word(dut_.m_axi_wdata_o, i));
    }
    const bool taken[3] = {static_cast<bool>(dut_.m_axi_arready_i),
                           static_cast<bool>(dut_.m_axi_awready_i),
                           static_cast<bool>(dut_.m_axi_wready_i)};
    for (int i = 0; i < 3; ++i) {
      if (!held_[i].empty() && dead != kAll) REQUIRE(now[i] == held_[i]);
      held_[i] = taken[i] ? std::vector<std::uint64_t>{} : now[i];
    }
  }

  Dut& dut_;
  std::uint64_t base_;
  int data_words_;
  std::mt19937 random_;
  std::int64_t cycle_ = 0;
  std::deque<Burst> reads_[2], writes_;
  std::deque<Beat> beats_;
  std::deque<Response> responses_;
  bool read_offered_ = false, response_offered_ = false;
  int read_id_ = 0;
  std::vector<std::uint64_t> held_[3];
};

}  // namespace trine::tb
