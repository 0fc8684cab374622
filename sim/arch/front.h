// SPDX-License-Identifier: Apache-2.0
//
// Predicts when the words of a program reach the engines. Models the dispatcher, the engines'
// queues, and the bus that program fetches and loads share (one burst at a time, in turns if both
// are waiting).
//
// Words come in program order, but the fetch runs ahead of the engines as far as their queues have
// room. The bursts that compete with a load for the bus are therefore known at the time of the
// load, although the engines execute their words later.

#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "spec/config.h"
#include "spec/isa.h"
#include "spec/memories.h"

namespace trine::sim {

/// Properties of the bus and its memory.
struct BusOptions {
  int latency = 32;  ///< cycles from address to first beat, and from last write to response
  double bytes_per_cycle = 0;  ///< rate of each direction; 0: the bus width
};

/// The front end of the timeline: program fetch, dispatcher, queues.
class Front {
 public:
  using Time = std::int64_t;

  /// Requests the first bursts.
  /// @param again  true if the program has run before, so that IMEM contains its beginning
  Front(const spec::Config& config, const BusOptions& bus, std::span<const isa::Word> words,
        bool again);

  /// Dispatches the program's first word.
  void begin();
  /// Returns when an engine's next word arrives at its issue unit. Returns nothing as long as the
  /// word's burst has not been served, or earlier words are waiting for room in a queue.
  std::optional<Time> arrive(isa::Engine engine);
  /// Returns the time of the program's next burst: a load that starts later uses the bus after it.
  /// Returns kNever if the request of this burst is not known before `until`.
  Time next_burst(Time until);
  /// Serves the program's next burst.
  void serve() { serve_fetch(); }
  /// Removes an engine's word from its queue.
  void pop(isa::Engine engine, Time at);
  /// Dispatches the program's last word and returns its time.
  Time end();

  /// Transfers `bursts` (numbers of beats) from `requested` on; each beat takes `beat` cycles.
  /// Sets asked() to the time at which the last burst is requested.
  /// @return the time of the last beat
  double load(Time requested, const std::vector<int>& bursts, double beat);
  /// Returns when the last burst of the last load is requested.
  Time asked() const { return asked_; }
  /// Makes the beats of later loads wait on the bus until this time.
  void hold_loads(double until) { loads_from_ = std::max(loads_from_, until); }

  /// Returns the bytes of the program read from the bus.
  std::uint64_t bytes_fetched() const { return bytes_fetched_; }

 private:
  static constexpr Time kNever = std::numeric_limits<Time>::max();
  struct Burst {
    Time requested = kNever;
    double begin = 0, end = 0;  ///< times on the bus, or at IMEM's output
    bool there = false;         ///< true if begin and end are known
  };
  struct Queue {
    std::deque<Time> written;                  ///< times at which waiting words were written
    std::array<Time, spec::kQueueWords> read;  ///< read times of the last words, a ring buffer
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

  spec::Config config_;
  BusOptions bus_;
  std::span<const isa::Word> words_;
  std::size_t kept_;  ///< number of words in IMEM
  std::array<Queue, isa::kEngines> queues_;
  std::vector<Burst> bursts_;
  std::size_t dispatched_ = 0;  ///< number of dispatched words
  std::size_t served_ = 0;      ///< number of served bursts of the program
  Time last_ = 0;               ///< time at which the last word was dispatched
  double imem_free_ = 0, bus_free_ = 0;
  double loads_from_ = 0;
  bool load_was_last_ = false;
  bool full_ = false;             ///< true if dispatch() failed because a queue was full
  std::deque<double> load_ends_;  ///< ends of the last load bursts, as many as may be outstanding
  Time asked_ = 0;
  std::uint64_t bytes_fetched_ = 0;
};

}  // namespace trine::sim
