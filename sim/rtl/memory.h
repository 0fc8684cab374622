// SPDX-License-Identifier: Apache-2.0
//
// The memory behind a design's AXI4 master port, one step() a cycle.
//
//   read    address accepted in cycle t: first beat not before t + latency; then one beat a cycle
//           while the budget of `bytes_per_cycle` lasts. Bursts of one ID in order, round robin
//           between IDs from burst to burst.
//   write   beats are taken after their address, under a budget of their own (the two directions
//           of the bus are independent); the response comes `latency` cycles after the last beat.
//
// Seeded random stalls on every channel, error responses by address range, and a check of what a
// master must keep to: burst type, size and length, 4 KiB, WLAST, no withdrawn request.
//
// Header only: it is compiled into every model (sim/rtl/shim.cpp) and is part of its inner loop.

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <string>
#include <vector>

namespace trine::sim {

/// What the master drives, settled before the rising edge.
struct AxiRequest {
  bool arvalid = false, rready = false, awvalid = false, wvalid = false, wlast = false;
  bool bready = false;
  std::uint8_t arid = 0, arlen = 0, arsize = 0, arburst = 0;
  std::uint8_t awid = 0, awlen = 0, awsize = 0, awburst = 0;
  std::uint64_t araddr = 0, awaddr = 0, wstrb = 0;
  const std::uint8_t* wdata = nullptr;  ///< one beat
};

/// What the memory drives from this edge on.
struct AxiReply {
  bool arready = false, rvalid = false, rlast = false, awready = false, wready = false;
  bool bvalid = false;
  std::uint8_t rid = 0, rresp = 0, bid = 0, bresp = 0;
  const std::uint8_t* rdata = nullptr;  ///< one beat, aligned to the bus
};

class AxiMemory {
 public:
  struct Settings {
    int bus_bytes = 8;
    int latency = 32;
    int bytes_per_cycle = 0;  ///< 0: bus_bytes
    int stall_percent = 0;
    std::uint32_t seed = 1;
    int outstanding = 32;  ///< bursts of each direction
  };

  explicit AxiMemory(const Settings& s)
      : s_(s),
        rate_(s.bytes_per_cycle > 0 ? s.bytes_per_cycle : s.bus_bytes),
        random_(s.seed * 2654435761u + 1),
        zeros_(static_cast<std::size_t>(s.bus_bytes), 0) {}

  void attach(std::uint8_t* bytes, std::uint64_t size, std::uint64_t address) {
    bytes_ = bytes;
    size_ = size;
    address_ = address;
  }
  void inject_error(std::uint64_t first, std::uint64_t last, int response) {
    errors_.push_back({first, last, static_cast<std::uint8_t>(response)});
  }
  /// After a reset of the master: forgets all transfers.
  void reset() {
    for (auto& queue : reads_) queue.clear();
    writes_.clear();
    responses_.clear();
    reply_ = {};
    held_ = {};
    burst_id_ = -1;
  }

  const AxiReply& reply() const { return reply_; }
  std::uint64_t bytes_read() const { return bytes_read_; }
  std::uint64_t bytes_written() const { return bytes_written_; }
  void clear_counters() { bytes_read_ = bytes_written_ = 0; }
  const std::string& protocol_error() const { return protocol_error_; }

  /// The rising edge at which the master drove `in` and the memory reply(); gives the next reply().
  /// @return true if any transfer happened
  bool step(const AxiRequest& in) {
    ++now_;
    const bool ar = in.arvalid && reply_.arready, r = reply_.rvalid && in.rready;
    const bool aw = in.awvalid && reply_.awready, w = in.wvalid && reply_.wready;
    const bool b = reply_.bvalid && in.bready;
    check_held(in, ar, aw, w);
    if (ar) accept_read(in);
    if (r) finish_beat();
    if (aw) accept_write(in);
    if (w) take_beat(in);
    if (b) responses_.pop_front();

    read_credit_ = std::min(read_credit_ + rate_, std::max(rate_, s_.bus_bytes));
    write_credit_ = std::min(write_credit_ + rate_, std::max(rate_, s_.bus_bytes));
    drive_read(r);
    drive_write(b);
    return ar || r || aw || w || b;
  }

 private:
  struct Burst {
    std::uint64_t address, ready;
    int beats;
    std::uint8_t id, response;
  };
  struct Response {
    std::uint64_t ready;
    std::uint8_t id, response;
  };
  struct ErrorRange {
    std::uint64_t first, last;
    std::uint8_t response;
  };
  static constexpr int kIds = 2;

  bool stall() {
    if (s_.stall_percent == 0) return false;
    random_ ^= random_ << 13;
    random_ ^= random_ >> 17;
    random_ ^= random_ << 5;
    return static_cast<int>(random_ % 100) < s_.stall_percent;
  }

  void violation(const char* what, std::uint64_t address) {
    if (!protocol_error_.empty()) return;
    char text[160];
    std::snprintf(text, sizeof text, "AXI: %s (address 0x%llx, cycle %llu)", what,
                  static_cast<unsigned long long>(address), static_cast<unsigned long long>(now_));
    protocol_error_ = text;
  }

  /// What was offered and not taken must still be there, unchanged.
  void check_held(const AxiRequest& in, bool ar, bool aw, bool w) {
    const AxiRequest& h = held_;
    if (h.arvalid &&
        (!in.arvalid || in.araddr != h.araddr || in.arlen != h.arlen || in.arid != h.arid))
      violation("a waiting read request was withdrawn or changed", h.araddr);
    if (h.awvalid &&
        (!in.awvalid || in.awaddr != h.awaddr || in.awlen != h.awlen || in.awid != h.awid))
      violation("a waiting write request was withdrawn or changed", h.awaddr);
    if (h.wvalid && (!in.wvalid || in.wlast != h.wlast || in.wstrb != h.wstrb || !same_beat(in)))
      violation("a waiting write beat was withdrawn or changed", h.awaddr);
    held_ = in;
    held_.arvalid = in.arvalid && !ar;
    held_.awvalid = in.awvalid && !aw;
    held_.wvalid = in.wvalid && !w;
    if (held_.wvalid) held_beat_.assign(in.wdata, in.wdata + s_.bus_bytes);
  }

  /// Whether the strobed bytes are those of the beat that waits.
  bool same_beat(const AxiRequest& in) const {
    for (int i = 0; i < s_.bus_bytes; ++i)
      if ((in.wstrb >> i & 1) != 0 && in.wdata[i] != held_beat_[static_cast<std::size_t>(i)])
        return false;
    return true;
  }

  void check_burst(std::uint64_t address, int len, int size, int burst, int id) {
    const std::uint64_t bytes =
        static_cast<std::uint64_t>(len + 1) * static_cast<std::uint64_t>(s_.bus_bytes);
    if (burst != 1) violation("burst type is not INCR", address);
    if ((1 << size) != s_.bus_bytes) violation("beats are not as wide as the bus", address);
    if (address % static_cast<std::uint64_t>(s_.bus_bytes) != 0)
      violation("burst does not begin at a full beat", address);
    if (len > 63) violation("burst is longer than 64 beats", address);
    if (address / 4096 != (address + bytes - 1) / 4096)
      violation("burst crosses a 4 KiB boundary", address);
    if (id >= kIds) violation("ID is not 0 or 1", address);
  }

  /// 0 OKAY, 2 SLVERR, 3 DECERR for the beat at `address`.
  std::uint8_t response_at(std::uint64_t address) const {
    const auto bus = static_cast<std::uint64_t>(s_.bus_bytes);
    if (address < address_ || address - address_ + bus > size_) return 3;
    for (const ErrorRange& e : errors_)
      if (address <= e.last && address + bus > e.first) return e.response;
    return 0;
  }

  void accept_read(const AxiRequest& in) {
    check_burst(in.araddr, in.arlen, in.arsize, in.arburst, in.arid);
    reads_[in.arid % kIds].push_back(
        {in.araddr, now_ + static_cast<std::uint64_t>(s_.latency), in.arlen + 1, in.arid, 0});
  }

  void finish_beat() {
    auto& queue = reads_[burst_id_];
    Burst& burst = queue.front();
    bytes_read_ += static_cast<std::uint64_t>(s_.bus_bytes);
    burst.address += static_cast<std::uint64_t>(s_.bus_bytes);
    if (--burst.beats == 0) {
      queue.pop_front();
      last_id_ = burst_id_;
      burst_id_ = -1;
    }
  }

  void choose_burst() {
    for (int i = 1; i <= kIds && burst_id_ < 0; ++i) {
      const int id = (last_id_ + i) % kIds;
      if (!reads_[id].empty() && reads_[id].front().ready <= now_) burst_id_ = id;
    }
  }

  void drive_read(bool taken) {
    const auto waiting = reads_[0].size() + reads_[1].size();
    reply_.arready = waiting < static_cast<std::size_t>(s_.outstanding) && !stall();
    if (reply_.rvalid && !taken) return;
    reply_.rvalid = false;
    if (waiting == 0) return;
    if (burst_id_ < 0) choose_burst();
    if (burst_id_ < 0 || read_credit_ < s_.bus_bytes || stall()) return;
    read_credit_ -= s_.bus_bytes;
    const Burst& burst = reads_[burst_id_].front();
    reply_.rvalid = true;
    reply_.rid = burst.id;
    reply_.rlast = burst.beats == 1;
    reply_.rresp = response_at(burst.address);
    reply_.rdata = reply_.rresp == 0 ? bytes_ + (burst.address - address_) : zeros_.data();
  }

  void accept_write(const AxiRequest& in) {
    check_burst(in.awaddr, in.awlen, in.awsize, in.awburst, in.awid);
    writes_.push_back({in.awaddr, 0, in.awlen + 1, in.awid, 0});
  }

  /// The first burst that still waits for beats is the front: completed ones leave at once.
  void take_beat(const AxiRequest& in) {
    Burst& burst = writes_.front();
    write_credit_ -= s_.bus_bytes;
    const std::uint8_t response = response_at(burst.address);
    burst.response = std::max(burst.response, response);
    for (int i = 0; i < s_.bus_bytes; ++i) {
      if ((in.wstrb >> i & 1) == 0) continue;
      ++bytes_written_;
      if (response == 0)
        bytes_[burst.address - address_ + static_cast<std::uint64_t>(i)] = in.wdata[i];
    }
    if (in.wlast != (burst.beats == 1)) violation("WLAST is not at the last beat", burst.address);
    burst.address += static_cast<std::uint64_t>(s_.bus_bytes);
    if (--burst.beats > 0) return;
    responses_.push_back({now_ + static_cast<std::uint64_t>(s_.latency), burst.id, burst.response});
    writes_.pop_front();
  }

  void drive_write(bool answered) {
    reply_.awready =
        writes_.size() + responses_.size() < static_cast<std::size_t>(s_.outstanding) && !stall();
    reply_.wready = !writes_.empty() && write_credit_ >= s_.bus_bytes && !stall();
    if (reply_.bvalid && !answered) return;
    reply_.bvalid = !responses_.empty() && responses_.front().ready <= now_ && !stall();
    if (!reply_.bvalid) return;
    reply_.bid = responses_.front().id;
    reply_.bresp = responses_.front().response;
  }

  Settings s_;
  int rate_;
  std::uint32_t random_;
  std::vector<std::uint8_t> zeros_;
  std::uint8_t* bytes_ = nullptr;
  std::uint64_t size_ = 0, address_ = 0;
  std::vector<ErrorRange> errors_;

  std::uint64_t now_ = 0, bytes_read_ = 0, bytes_written_ = 0;
  int read_credit_ = 0, write_credit_ = 0;
  std::deque<Burst> reads_[kIds];
  std::deque<Burst> writes_;
  std::deque<Response> responses_;
  int burst_id_ = -1, last_id_ = 0;
  AxiReply reply_;
  AxiRequest held_;  ///< the last cycle's, valid where not taken
  std::vector<std::uint8_t> held_beat_;
  std::string protocol_error_;
};

}  // namespace trine::sim
