// SPDX-License-Identifier: Apache-2.0
//
// When the program's words reach the engines, and the bus which they share with loads: bursts of
// both, one after the other, in turns where both are there; dispatcher; the engines' queues.
//
// Words come in program order, but the fetch runs ahead of the engines, as far as their queues have
// room: so the bursts that a load meets are known, though their words come behind it.

#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "machine/config.h"
#include "machine/isa.h"
#include "machine/memories.h"

namespace trine::sim {

struct BusOptions {
  int latency = 32;  ///< cycles from address to first beat, and from last write to response
  double bytes_per_cycle = 0;  ///< of each direction; 0: the bus width
};

class Front {
 public:
  using Time = std::int64_t;

  /// @param again  the program has run before: IMEM has its beginning
  Front(const machine::Config& config, const BusOptions& bus, std::span<const isa::Word> words,
        bool again);

  /// The program's first word.
  void begin();
  /// An engine's next word, at its issue unit; nothing, as long as its burst was not served, or
  /// words before it stand in full queues.
  std::optional<Time> arrive(isa::Engine engine);
  /// RUNs of loads that start later come behind the program's next burst; never, if its request is
  /// not known before `until`.
  Time next_burst(Time until);
  void serve() { serve_fetch(); }
  /// A word leaves its queue.
  void pop(isa::Engine engine, Time at);
  /// The program's last word, behind all others.
  Time end();

  /// Bursts of so many beats from `requested` on, each beat some cycles. @return when the last one
  /// is there; sets asked(), when the last burst is asked for
  double load(Time requested, const std::vector<int>& bursts, double beat);
  Time asked() const { return asked_; }
  /// Beats of loads wait on the bus until then.
  void hold_loads(double until) { loads_from_ = std::max(loads_from_, until); }

  std::uint64_t bytes_fetched() const { return bytes_fetched_; }

 private:
  static constexpr Time kNever = std::numeric_limits<Time>::max();
  struct Burst {
    Time requested = kNever;
    double begin = 0, end = 0;  ///< on the bus, or out of IMEM
    bool there = false;         ///< begin and end are known
  };
  struct Queue {
    std::deque<Time> written;                     ///< words that wait
    std::array<Time, machine::kQueueWords> read;  ///< the last ones, in turn
    std::size_t writes = 0, reads = 0, arrived = 0, pops = 0;
    Time pop = 0, pop_before = 0;
    bool reading = false;
  };

  bool dispatch();
  bool read(Queue& queue);
  Time there(std::size_t word) const;
  Time after_writes(std::size_t burst, Time at) const;
  void request(std::size_t burst, Time at);
  void look_ahead(double until);
  double fetch_ready() const;
  void serve_fetch();
  bool is_kept(std::size_t burst) const;
  std::size_t size(std::size_t burst) const;

  machine::Config config_;
  BusOptions bus_;
  std::span<const isa::Word> words_;
  std::size_t kept_;  ///< words in IMEM
  std::array<Queue, isa::kEngines> queues_;
  std::vector<Burst> bursts_;
  std::size_t dispatched_ = 0;  ///< words
  std::size_t served_ = 0;      ///< bursts, of the program
  Time last_ = 0;               ///< when the last word was dispatched
  double imem_free_ = 0, bus_free_ = 0;
  double loads_from_ = 0;
  bool load_was_last_ = false;
  bool full_ = false;             ///< why dispatch() failed: a queue lacks room
  std::deque<double> load_ends_;  ///< of the last bursts of loads, as many as may be outstanding
  Time asked_ = 0;
  std::uint64_t bytes_fetched_ = 0;
};

}  // namespace trine::sim
