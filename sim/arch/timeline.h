// SPDX-License-Identifier: Apache-2.0
//
// Predicts when things happen: fetch, four engines with queues and tokens, one read and one write
// channel of the bus. Words come in program order; since queues are in order and tokens only come
// from earlier RUNs, every time follows from times that are known already.
//
// A compute RUN: Rows cycles of lane set-up (after the last step of the RUN before, and also while
// its tokens are missing), then its gather cycles; the last step of a tile and group waits until
// the drain registers are free.

#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "machine/config.h"
#include "machine/isa.h"
#include "sim/arch/front.h"
#include "sim/arch/walk.h"
#include "sim/result.h"

namespace trine::sim {

class Timeline {
 public:
  /// @param words  the whole program
  /// @param again  it has run before: IMEM has its beginning
  Timeline(const machine::Config& config, const BusOptions& bus, std::span<const isa::Word> words,
           bool again = false);

  /// The first word.
  void begin() { front_.begin(); }
  void set(isa::Engine engine);
  void run(isa::Engine engine, const isa::Run& run, Work work);
  /// END. @throws Error  when a RUN waits for a token that no RUN before it gives, a token counter
  /// overflowed, or tokens are left
  void finish();

  std::uint64_t cycles() const { return static_cast<std::uint64_t>(end_); }
  const std::vector<RunTiming>& runs() const { return runs_; }
  /// Cycles of each cause between two cycles; [0, cycles()) gives all.
  CauseCycles causes(std::uint64_t from, std::uint64_t to) const;
  std::array<std::uint64_t, isa::kEngines> engine_busy() const;
  std::uint64_t bytes_read() const { return bytes_loaded_ + front_.bytes_fetched(); }
  /// The program's share of the bytes read.
  std::uint64_t bytes_fetched() const { return front_.bytes_fetched(); }
  std::uint64_t bytes_written() const { return bytes_written_; }

 private:
  using Time = std::int64_t;
  struct Interval {
    Time start, end;
  };
  /// A stretch of the array's input: cycles of each cause, spread evenly.
  struct Segment {
    Time start = 0, end = 0;
    CauseCycles causes{};
  };
  /// Beats that go to or from DMEM, spread evenly; or other uses of a port.
  struct Traffic {
    double start, end, beats;
  };
  /// Groups of columns of a compute RUN, and the cycles that draining one takes.
  struct Groups {
    double start, end, count, issues;
  };
  /// A word of an engine.
  struct Item {
    bool is_run = false;
    isa::Run run{};
    Work work;
    std::size_t index = 0;  ///< of the RUN
  };
  struct Queue {
    std::deque<Item> items;       ///< not yet with the engine
    std::optional<Time> arrival;  ///< of the first
    Time last_pop = 0;
    Time last_pop_before = 0;  ///< the last SET of the RUN in front
    Time free = 0;             ///< when the engine can take its next RUN
    std::vector<Interval> busy;

    /// When the last RUN so far ends.
    Time retired() const { return busy.empty() ? 0 : busy.back().end; }
  };
  /// A compute RUN on its way.
  struct Compute {
    Item item;
    Time start = 0, now = 0;  ///< of the RUN; the next free cycle of the array's input
    Time issued = 0;          ///< when its last step so far is issued: the AGU goes on
    int every = 1;            ///< cycles of a column
    std::size_t tile = 0, group = 0;
    Time last_columns = 0, drained = 0;
    Segment segment;
  };
  struct Channel {
    double until = 0;  ///< when everything asked for so far has passed
    /// Time at which `bytes` that may come from `ready` on have passed.
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
  Time vector(const isa::Run& run, const Work& work, Time start);
  double shared(double from, double cycles, double beats) const;
  Time behind_groups(Time from, Time cycles) const;
  void add_traffic(double end, double cycles, double beats);
  Time contended(Time from, const Work& work, std::size_t tile, const std::vector<Traffic>& turns);
  static void forget(std::vector<Traffic>& traffic, double past);
  void add_gap(Time from, Time to, Time queued, const std::array<Time, isa::kEngines>& token_times);
  void add_idle(Time from, Time to);
  void add_segment(Time from, Time to, Cause cause);
  Queue& queue(isa::Engine engine) { return queues_[static_cast<std::size_t>(engine)]; }

  machine::Config config_;
  BusOptions bus_;
  std::array<Queue, isa::kEngines> queues_;
  std::array<std::array<Tokens, isa::kEngines>, isa::kEngines> tokens_;  ///< [from][to]
  Front front_;
  std::size_t waiting_ = 0;  ///< items
  bool computing_ = false;
  Compute compute_;
  Channel write_;
  std::vector<Traffic> traffic_;
  std::vector<Traffic> vector_gathers_;  ///< of each tile: cycles of the gather
  std::vector<Groups> groups_;           ///< of the last compute RUNs
  std::vector<RunTiming> runs_;
  std::vector<Segment> segments_;
  std::vector<Interval> idle_;  ///< gaps in which compute had nothing queued
  Time loaded_ = 0;             ///< last beat of the last load
  Time input_free_ = 0;         ///< cycle after the array's last step
  Time next_grant_ = 0;         ///< earliest of the next last step, results of the one before there
  Time drain_free_ = 0;         ///< earliest cycle of the next last step of a group
  Time tile_read_ = 0;          ///< the last tile's columns have been read
  Time end_ = 0;
  std::uint64_t bytes_loaded_ = 0, bytes_written_ = 0;
};

}  // namespace trine::sim
