// SPDX-License-Identifier: Apache-2.0
//
// Models the memory at a design's AXI4 master port, one step() per cycle.
//
//   read    address accepted in cycle t: first beat not before t + latency; then one beat per cycle
//           while the budget of `bytes_per_cycle` lasts. Bursts of one ID are served in order, the
//           IDs round robin from burst to burst.
//   write   beats are accepted after their address, under a budget of their own (the two directions
//           of the bus are independent); the response follows `latency` cycles after the last beat.
//
// AXI permits more than this. kAxiSlaves lists memories that use it: data before, with and after
// their address, late responses, reads of different IDs out of order and interleaved. The model
// also has seeded random stalls on every channel, error responses by address range, and channels
// that stand still. It checks the rules for a master: burst type, size and length, 4 KiB, WLAST, no
// withdrawn request, no data whose address is not offered.
//
// This header has no source file: it is compiled into every model (sim/rtl/shim.cpp) as a part of
// its inner loop. tb/axi_memory.h connects it to a bench.

#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace trine::sim {

/// One bit for each byte of a beat.
using Strobes = std::bitset<128>;

/// The signals of the master, settled before the rising edge.
struct AxiRequest {
  bool arvalid = false, rready = false, awvalid = false, wvalid = false, wlast = false;
  bool bready = false;
  std::uint8_t arid = 0, arlen = 0, arsize = 0, arburst = 0;
  std::uint8_t awid = 0, awlen = 0, awsize = 0, awburst = 0;
  std::uint64_t araddr = 0, awaddr = 0;
  Strobes wstrb;
  const std::uint8_t* wdata = nullptr;  ///< one beat
};

/// The signals of the memory from this edge on.
struct AxiReply {
  bool arready = false, rvalid = false, rlast = false, awready = false, wready = false;
  bool bvalid = false;
  std::uint8_t rid = 0, rresp = 0, bid = 0, bresp = 0;
  const std::uint8_t* rdata = nullptr;  ///< one beat, aligned to the bus
};

/// The order in which a memory accepts addresses and data of writes.
enum class WriteOrder {
  kAddressFirst,  ///< a beat only after its address
  kTogether,      ///< an address only with a beat: awready = awvalid && wvalid
  kDataFirst,     ///< an address only after its last beat
  kAny
};
/// The order in which reads give their beats.
enum class ReadOrder {
  kTurns,       ///< burst by burst, the IDs in turn
  kShuffled,    ///< burst by burst, any ID
  kInterleaved  ///< beat by beat, any ID
};

/// The behavior of a memory in cases for which AXI permits several behaviors.
struct AxiSlave {
  std::string_view name;
  WriteOrder write_order = WriteOrder::kAddressFirst;
  ReadOrder read_order = ReadOrder::kTurns;
  int late_response = 0;   ///< additional cycles before the response to a write
  int latency_spread = 0;  ///< maximum of random additional cycles of each latency
};

inline constexpr std::array<AxiSlave, 7> kAxiSlaves{{
    {"usual"},
    {"address with data", WriteOrder::kTogether},
    {"data before address", WriteOrder::kDataFirst},
    {"data at any time", WriteOrder::kAny},
    {"late responses", WriteOrder::kAny, ReadOrder::kTurns, 200},
    {"reads out of order", WriteOrder::kAddressFirst, ReadOrder::kShuffled, 0, 60},
    {"reads interleaved", WriteOrder::kTogether, ReadOrder::kInterleaved, 20, 60},
}};

/// The memory. The comment of this file describes it.
class AxiMemory {
 public:
  struct Settings {
    int bus_bytes = 8;
    int latency = 32;
    int bytes_per_cycle = 0;  ///< 0: bus_bytes
    int stall_percent = 0;
    std::uint32_t seed = 1;
    int outstanding = 32;  ///< maximum number of bursts in each direction
    AxiSlave slave = kAxiSlaves[0];
  };
  /// A channel that stands still: its ready or its valid stays low.
  enum Channel { kNone, kAr, kR, kAw, kW, kB, kAll };
  /// The first burst that got an error response and, if it is a read, the beat.
  struct Failure {
    bool there = false;
    std::uint64_t burst = 0, beat = 0;
  };

  explicit AxiMemory(const Settings& s)
      : s_(s),
        rate_(s.bytes_per_cycle > 0 ? s.bytes_per_cycle : s.bus_bytes),
        random_(s.seed * 2654435761u + 1),
        zeros_(static_cast<std::size_t>(s.bus_bytes), 0) {}

  /// Sets the bytes that the design sees from bus address `address` on.
  void attach(std::uint8_t* bytes, std::uint64_t size, std::uint64_t address) {
    bytes_ = bytes;
    size_ = size;
    address_ = address;
  }
  /// Answers transfers that touch [first, last] with `response`.
  void inject_error(std::uint64_t first, std::uint64_t last, int response) {
    errors_.push_back({first, last, static_cast<std::uint8_t>(response)});
  }
  /// Makes read bursts that touch bytes [first, last] set RLAST wrongly, which no slave may do.
  /// With `early`, a burst ends at the first beat that touches these bytes. Otherwise, the last
  /// beat of a burst does not set RLAST if it touches these bytes.
  void inject_last(std::uint64_t first, std::uint64_t last, bool early) {
    wrong_lasts_.push_back({first, last, static_cast<std::uint8_t>(early)});
  }
  void clear_errors() {
    errors_.clear();
    wrong_lasts_.clear();
  }
  /// Returns the settings, which may change at any time.
  Settings& settings() { return s_; }
  /// Stops a channel.
  void stand(Channel channel) { standing_ = channel; }
  /// Forgets all transfers, after a reset of the master.
  void reset() {
    for (auto& queue : reads_) queue.clear();
    writes_.clear();
    early_.clear();
    complete_ = 0;
    responses_.clear();
    reply_ = {};
    held_ = {};
    burst_id_ = -1;
  }

  /// Returns the memory's signals.
  const AxiReply& reply() const { return reply_; }
  /// Returns the first failed burst.
  const Failure& failure() const { return failure_; }
  /// Returns true if all requests are answered.
  bool idle() const {
    return reads_[0].empty() && reads_[1].empty() && unanswered_writes() == 0 && early_.empty();
  }
  /// Returns true if a read of this ID is pending.
  bool reading(int id) const { return !reads_[id].empty(); }
  /// Returns the address of the next beat of the oldest read. @pre reading(id)
  std::uint64_t oldest_read(int id) const { return reads_[id].front().address; }
  /// Returns the number of writes without a response.
  std::size_t unanswered_writes() const { return writes_.size() + responses_.size(); }
  std::uint64_t bytes_read() const { return bytes_read_; }
  /// Returns the bytes read by ID 0, which are a program's words.
  std::uint64_t bytes_fetched() const { return bytes_fetched_; }
  std::uint64_t bytes_written() const { return bytes_written_; }
  void clear_counters() {
    bytes_read_ = bytes_fetched_ = bytes_written_ = 0;
    failure_ = {};
  }
  const std::string& protocol_error() const { return protocol_error_; }

  /// Executes the rising edge at which the master drove `in` and the memory drove reply(), and
  /// computes the next reply().
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
    while (!writes_.empty() && !early_.empty()) write_early();
    if (b) responses_.pop_front();

    read_credit_ = std::min(read_credit_ + rate_, std::max(rate_, s_.bus_bytes));
    write_credit_ = std::min(write_credit_ + rate_, std::max(rate_, s_.bus_bytes));
    drive_read(r);
    drive_write(in.awvalid && !aw, in.wvalid && !w, b);
    return ar || r || aw || w || b;
  }

 private:
  struct Burst {
    std::uint64_t address, ready;
    int beats;
    std::uint8_t id, response;
    std::uint64_t begin;
  };
  /// A beat that was accepted before its address.
  struct Beat {
    std::vector<std::uint8_t> data;
    Strobes strobes;
    bool last;
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

  std::uint32_t draw(std::uint32_t below) {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 17;
    random_ ^= random_ << 5;
    return random_ % below;
  }
  bool stall() {
    return s_.stall_percent != 0 && draw(100) < static_cast<std::uint32_t>(s_.stall_percent);
  }
  bool stands(Channel channel) const { return standing_ == channel || standing_ == kAll; }
  std::uint64_t due(int more = 0) {
    const auto spread = static_cast<std::uint32_t>(s_.slave.latency_spread);
    return now_ + static_cast<std::uint64_t>(s_.latency + more) +
           (spread == 0 ? 0 : draw(spread + 1));
  }

  void violation(const char* what, std::uint64_t address) {
    if (!protocol_error_.empty()) return;
    char text[160];
    std::snprintf(text, sizeof text, "AXI: %s (address 0x%llx, cycle %llu)", what,
                  static_cast<unsigned long long>(address), static_cast<unsigned long long>(now_));
    protocol_error_ = text;
  }

  /// Checks that a request that was offered and not accepted is still offered unchanged.
  void check_held(const AxiRequest& in, bool ar, bool aw, bool w) {
    if (standing_ == kAll) {  // in reset
      held_ = {};
      return;
    }
    const AxiRequest& h = held_;
    if (h.arvalid &&
        (!in.arvalid || in.araddr != h.araddr || in.arlen != h.arlen || in.arid != h.arid))
      violation("a waiting read request was withdrawn or changed", h.araddr);
    if (h.awvalid &&
        (!in.awvalid || in.awaddr != h.awaddr || in.awlen != h.awlen || in.awid != h.awid))
      violation("a waiting write request was withdrawn or changed", h.awaddr);
    if (in.wvalid && writes_.empty() && complete_ >= (in.awvalid ? 1 : 0))
      violation("data are offered before their address", 0);
    if (h.wvalid && (!in.wvalid || in.wlast != h.wlast || in.wstrb != h.wstrb || !same_beat(in)))
      violation("a waiting write beat was withdrawn or changed", h.awaddr);
    held_ = in;
    held_.arvalid = in.arvalid && !ar;
    held_.awvalid = in.awvalid && !aw;
    held_.wvalid = in.wvalid && !w;
    if (held_.wvalid) held_beat_.assign(in.wdata, in.wdata + s_.bus_bytes);
  }

  /// Returns true if the strobed bytes equal those of the waiting beat.
  bool same_beat(const AxiRequest& in) const {
    for (std::size_t i = 0; i < static_cast<std::size_t>(s_.bus_bytes); ++i)
      if (in.wstrb[i] && in.wdata[i] != held_beat_[i]) return false;
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

  /// Returns the response to the beat at `address`: 0 OKAY, 2 SLVERR, 3 DECERR.
  std::uint8_t response_at(std::uint64_t address) const {
    const auto bus = static_cast<std::uint64_t>(s_.bus_bytes);
    if (address < address_ || address - address_ + bus > size_) return 3;
    for (const ErrorRange& e : errors_)
      if (address <= e.last && address + bus > e.first) return e.response;
    return 0;
  }

  /// Breaks RLAST as inject_last() asks: clears it at the last beat, or ends the burst early.
  void break_last(Burst& burst) {
    const auto bus = static_cast<std::uint64_t>(s_.bus_bytes);
    for (const ErrorRange& e : wrong_lasts_) {
      const bool early = e.response != 0;
      if (burst.address > e.last || burst.address + bus <= e.first || early == (burst.beats == 1))
        continue;
      burst.beats = 1;
      reply_.rlast = early;
      fail(burst.begin, burst.address);
      return;
    }
  }

  void accept_read(const AxiRequest& in) {
    check_burst(in.araddr, in.arlen, in.arsize, in.arburst, in.arid);
    reads_[in.arid % kIds].push_back({in.araddr, due(), in.arlen + 1, in.arid, 0, in.araddr});
  }

  void finish_beat() {
    auto& queue = reads_[burst_id_];
    Burst& burst = queue.front();
    bytes_read_ += static_cast<std::uint64_t>(s_.bus_bytes);
    if (burst.id == 0) bytes_fetched_ += static_cast<std::uint64_t>(s_.bus_bytes);
    if (reply_.rresp != 0) fail(burst.begin, burst.address);
    burst.address += static_cast<std::uint64_t>(s_.bus_bytes);
    if (--burst.beats == 0) {
      queue.pop_front();
      last_id_ = burst_id_;
      burst_id_ = -1;
    } else if (s_.slave.read_order == ReadOrder::kInterleaved) {
      burst_id_ = -1;
    }
  }

  void fail(std::uint64_t burst, std::uint64_t beat) {
    if (!failure_.there) failure_ = {true, burst, beat};
  }

  void choose_burst() {
    const int first =
        s_.slave.read_order == ReadOrder::kTurns ? last_id_ + 1 : static_cast<int>(draw(kIds));
    for (int i = 0; i < kIds && burst_id_ < 0; ++i) {
      const int id = (first + i) % kIds;
      if (!reads_[id].empty() && reads_[id].front().ready <= now_) burst_id_ = id;
    }
  }

  void drive_read(bool taken) {
    const auto waiting = reads_[0].size() + reads_[1].size();
    reply_.arready = waiting < static_cast<std::size_t>(s_.outstanding) && !stall() && !stands(kAr);
    if (reply_.rvalid && !taken) return;
    reply_.rvalid = false;
    if (waiting == 0 || stands(kR)) return;
    if (burst_id_ < 0) choose_burst();
    if (burst_id_ < 0 || read_credit_ < s_.bus_bytes || stall()) return;
    read_credit_ -= s_.bus_bytes;
    Burst& burst = reads_[burst_id_].front();
    reply_.rvalid = true;
    reply_.rid = burst.id;
    reply_.rlast = burst.beats == 1;
    if (!wrong_lasts_.empty()) break_last(burst);
    reply_.rresp = response_at(burst.address);
    reply_.rdata = reply_.rresp == 0 ? bytes_ + (burst.address - address_) : zeros_.data();
  }

  void accept_write(const AxiRequest& in) {
    check_burst(in.awaddr, in.awlen, in.awsize, in.awburst, in.awid);
    writes_.push_back({in.awaddr, 0, in.awlen + 1, in.awid, 0, in.awaddr});
  }

  void take_beat(const AxiRequest& in) {
    write_credit_ -= s_.bus_bytes;
    bytes_written_ += in.wstrb.count();
    if (!writes_.empty() && early_.empty()) return write_beat(in.wdata, in.wstrb, in.wlast);
    early_.push_back({{in.wdata, in.wdata + s_.bus_bytes}, in.wstrb, in.wlast});
    complete_ += in.wlast ? 1 : 0;
  }

  void write_early() {
    const Beat beat = early_.front();
    early_.pop_front();
    complete_ -= beat.last ? 1 : 0;
    write_beat(beat.data.data(), beat.strobes, beat.last);
  }

  /// Writes a beat to the first burst that waits for beats. A complete burst leaves the queue at
  /// once.
  void write_beat(const std::uint8_t* data, const Strobes& strobes, bool last) {
    Burst& burst = writes_.front();
    const std::uint8_t response = response_at(burst.address);
    burst.response = std::max(burst.response, response);
    for (std::size_t i = 0; i < static_cast<std::size_t>(s_.bus_bytes); ++i)
      if (strobes[i] && response == 0) bytes_[burst.address - address_ + i] = data[i];
    if (last != (burst.beats == 1)) violation("WLAST is not at the last beat", burst.address);
    burst.address += static_cast<std::uint64_t>(s_.bus_bytes);
    if (--burst.beats > 0) return;
    if (burst.response != 0) fail(burst.begin, burst.begin);
    responses_.push_back({due(s_.slave.late_response), burst.id, burst.response});
    writes_.pop_front();
  }

  /// @param address, data  true if offered and not accepted
  void drive_write(bool address, bool data, bool answered) {
    const bool room = unanswered_writes() < static_cast<std::size_t>(s_.outstanding);
    const bool budget = write_credit_ >= s_.bus_bytes;
    bool takes_address = true, takes_data = true;
    switch (s_.slave.write_order) {
      case WriteOrder::kAddressFirst:
        takes_data = !writes_.empty();
        break;
      case WriteOrder::kTogether:
        takes_address = address && data && budget;
        takes_data = !writes_.empty();
        break;
      case WriteOrder::kDataFirst:
        takes_address = complete_ > 0;
        takes_data = complete_ == 0;
        break;
      case WriteOrder::kAny:
        break;
    }
    reply_.awready = takes_address && room && !stall() && !stands(kAw);
    if (s_.slave.write_order == WriteOrder::kTogether) takes_data |= reply_.awready;
    reply_.wready = takes_data && budget && !stall() && !stands(kW);
    if (reply_.bvalid && !answered) return;
    reply_.bvalid =
        !responses_.empty() && responses_.front().ready <= now_ && !stall() && !stands(kB);
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
  std::vector<ErrorRange> errors_, wrong_lasts_;

  std::uint64_t now_ = 0, bytes_read_ = 0, bytes_fetched_ = 0, bytes_written_ = 0;
  int read_credit_ = 0, write_credit_ = 0;
  std::deque<Burst> reads_[kIds];
  std::deque<Burst> writes_;
  std::deque<Beat> early_;  ///< beats whose address is not accepted yet
  int complete_ = 0;        ///< bursts that these beats complete
  Channel standing_ = kNone;
  Failure failure_;
  std::deque<Response> responses_;
  int burst_id_ = -1, last_id_ = 0;
  AxiReply reply_;
  AxiRequest held_;  ///< the last cycle's signals; valid bits only where not accepted
  std::vector<std::uint8_t> held_beat_;
  std::string protocol_error_;
};

}  // namespace trine::sim
