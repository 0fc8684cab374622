// SPDX-License-Identifier: Apache-2.0
//
// Predicts the cycles of a program: fetch, four engines with queues and tokens, one read and one
// write channel of the bus. Words come in program order. Queues are in order and tokens only come
// from earlier RUNs, so every time follows from times that are already known.
//
// A compute RUN begins with the set-up of its lanes, two per cycle (one if Rows is odd). The set-up
// starts after the RUN's last SET and the last step of the previous RUN, and may overlap the RUN's
// wait for tokens. The gather cycles of the RUN follow. The last step of each tile and group waits
// until the drain registers are free.

#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "sim/arch/front.h"
#include "sim/arch/walk.h"
#include "sim/result.h"
#include "spec/config.h"
#include "spec/isa.h"

namespace trine::sim {

/// Collects the words of a program and predicts their times.
class Timeline {
 public:
  /// @param words  the whole program
  /// @param again  true if the program has run before, so that IMEM contains its beginning
  Timeline(const spec::Config& config, const BusOptions& bus, std::span<const isa::Word> words,
           bool again = false);

  /// Adds the first word.
  void begin() { front_.begin(); }
  /// Adds a SET of an engine.
  void set(isa::Engine engine);
  /// Adds a RUN of an engine.
  void run(isa::Engine engine, const isa::Run& run, Work work);
  /// Adds END.
  /// @throws Error  a RUN waits for a token that no earlier RUN gives, a token counter overflowed,
  /// or tokens are left
  void finish();

  /// Returns the cycles of the program.
  std::uint64_t cycles() const { return static_cast<std::uint64_t>(end_); }
  /// Returns start and end of each RUN, in program order.
  const std::vector<RunTiming>& runs() const { return runs_; }
  /// Returns the cycles of each cause in the interval [from, to); [0, cycles()) gives all.
  CauseCycles causes(std::uint64_t from, std::uint64_t to) const;
  /// Returns the cycles in which each engine had a RUN in progress.
  std::array<std::uint64_t, isa::kEngines> engine_busy() const;
  /// Returns the bytes read from DRAM, program included.
  std::uint64_t bytes_read() const { return bytes_loaded_ + front_.bytes_fetched(); }
  /// Returns the bytes read from DRAM for the program.
  std::uint64_t bytes_fetched() const { return front_.bytes_fetched(); }
  /// Returns the bytes written to DRAM.
  std::uint64_t bytes_written() const { return bytes_written_; }

 private:
  using Time = std::int64_t;
  struct Interval {
    Time start, end;
  };
  /// An interval of the array's input with its cycles of each cause, spread evenly.
  struct Segment {
    Time start = 0, end = 0;
    CauseCycles causes{};
  };
  /// Beats from or to DMEM, or other uses of a port, spread evenly over an interval.
  struct Traffic {
    double start, end, beats;
    bool waits = false;  ///< a load's beats, whose words wait for a free cycle of their banks
  };
  /// The groups of columns of a compute RUN, and the cycles that draining one takes.
  struct Groups {
    double start, end, count, issues;
    bool interleaves = false;  ///< its codes may be between those of a softmax
  };
  /// A word of an engine's program.
  struct Item {
    bool is_run = false;
    isa::Run run{};
    Work work;
    std::size_t index = 0;  ///< index of the RUN
  };
  struct Queue {
    std::deque<Item> items;       ///< words that the engine has not taken yet
    std::optional<Time> arrival;  ///< arrival of the first item
    Time last_pop = 0;
    Time last_pop_before = 0;  ///< time of the last SET before the RUN in front
    Time free = 0;             ///< time from which the engine can start its next RUN
    std::vector<Interval> busy;

    /// Returns the end of the last RUN so far.
    Time retired() const { return busy.empty() ? 0 : busy.back().end; }
  };
  /// The compute RUN in progress.
  struct Compute {
    Item item;
    Time start = 0, now = 0;  ///< start of the RUN; next free cycle of the array's input
    Time issued = 0;          ///< time at which the AGU has issued the last step so far
    int every = 1;            ///< cycles per drained column
    std::size_t tile = 0, group = 0;
    Time last_columns = 0, drained = 0;
    Segment segment;
  };
  /// The vector RUN in progress.
  struct Vector {
    Item item;
    Time start = 0, now = 0;  ///< start of the RUN; end of the passes so far
    std::size_t tile = 0;
    int pass = 0;   ///< passes of a softmax's or normalization's tile that have begun
    Time left = 0;  ///< cycles of the pass in the lanes of the post unit
  };
  struct Channel {
    double until = 0;  ///< time at which all bytes requested so far have passed
    /// Returns the time at which `bytes` that are available from `ready` on have passed.
    Time pass(Time ready, double bytes, double bytes_per_cycle);
  };
  struct Tokens {
    std::vector<Time> given, taken;
  };

  void pop(isa::Engine engine, Time at);
  Time transfer(isa::Engine engine, int target, const Work& work, Time start);
  void push(isa::Engine engine, Item item);
  void prepare(isa::Engine engine);
  Time start_of(isa::Engine engine);
  void advance();
  [[noreturn]] void stuck() const;
  void check_tokens() const;
  void begin_run(isa::Engine engine, Time start);
  void end_run(isa::Engine engine, const Item& item, Time start, Time ready);
  void begin_compute(const Item& item, Time queued, Time start,
                     const std::array<Time, isa::kEngines>& token_times);
  void expect_groups();
  void set_groups(Time end, Time drained);
  void compute_group();
  void drain(std::size_t group, Time last_step, bool tile_ends);
  void end_compute();
  void begin_vector(const Item& item, Time start);
  void vector_step();
  void vector_pass(Time gather);
  void lane_step(bool empty);
  Time vector_tile(const isa::Run& run, const Work& work, Time from, Time gather) const;
  void end_vector();
  static bool is_of_codes(const isa::Run& run);
  bool is_running(isa::Engine engine) const {
    return (engine == isa::Engine::kCompute && computing_) ||
           (engine == isa::Engine::kVector && vectoring_);
  }
  double shared(double from, double cycles, double beats) const;
  template <typename Speed>
  Time beside_groups(Time from, Time cycles, const Speed& speed) const;
  Time behind_groups(Time from, Time cycles, double word) const;
  Time between_groups(Time from, Time cycles, bool empty) const;
  void add_traffic(double end, double cycles, double beats, bool waits = false);
  Time contended(Time from, const Work& work, std::size_t tile, const std::vector<Traffic>& turns);
  static void forget(std::vector<Traffic>& traffic, double past);
  void add_gap(Time from, Time to, Time queued, const std::array<Time, isa::kEngines>& token_times);
  void add_idle(Time from, Time to);
  void add_segment(Time from, Time to, Cause cause);
  Queue& queue(isa::Engine engine) { return queues_[static_cast<std::size_t>(engine)]; }

  spec::Config config_;
  BusOptions bus_;
  std::array<Queue, isa::kEngines> queues_;
  std::array<std::array<Tokens, isa::kEngines>, isa::kEngines> tokens_;  ///< [from][to]
  Front front_;
  std::size_t waiting_ = 0;  ///< number of waiting items
  bool computing_ = false;
  Compute compute_;
  bool vectoring_ = false;
  Vector vector_;
  Channel write_;
  std::vector<Traffic> traffic_;
  std::vector<Traffic> vector_gathers_;  ///< gather cycles of each vector tile
  std::vector<Groups> groups_;           ///< groups of the last compute RUNs
  std::vector<RunTiming> runs_;
  std::vector<Segment> segments_;
  std::vector<Interval> idle_;  ///< gaps in which compute had nothing queued
  Time loaded_ = 0;             ///< time of the last beat of the last load
  Time input_free_ = 0;         ///< cycle after the array's last step
  /// Earliest time of the next group's last step, limited by the reads of the drain registers.
  Time next_grant_ = 0;
  Time drain_free_ = 0;  ///< earliest time of a group's last step, limited by the drain
  Time tile_read_ = 0;   ///< time at which the last tile's columns have been read
  Time end_ = 0;
  std::uint64_t bytes_loaded_ = 0, bytes_written_ = 0;
};

}  // namespace trine::sim
