// SPDX-License-Identifier: Apache-2.0

#include "sim/arch/timeline.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "sim/arch/stop.h"
#include "spec/memories.h"
#include "spec/timing.h"
#include "sw/base/division.h"
#include "sw/base/error.h"

namespace trine::sim {
namespace {

using isa::Engine;
using isa::has_lines;
using isa::multiplies16;

constexpr auto kNever = std::numeric_limits<std::int64_t>::max();

using isa::kEngineNames;

/// Words that are known in advance: more than the queues hold.
constexpr std::size_t kAhead = 512;

constexpr std::size_t index_of(Engine engine) { return static_cast<std::size_t>(engine); }
constexpr std::size_t index_of(Cause cause) { return static_cast<std::size_t>(cause); }

/// Cause of a gap in which compute waits for a token of that engine.
constexpr Cause kWaitCause[] = {Cause::kMemory, Cause::kControl, Cause::kVector, Cause::kStore};

BusOptions with_rate(BusOptions bus, const spec::Config& config) {
  const double width = config.axi_data_bits / 8.0;
  if (bus.bytes_per_cycle <= 0 || bus.bytes_per_cycle > width) bus.bytes_per_cycle = width;
  return bus;
}

}  // namespace

Timeline::Timeline(const spec::Config& config, const BusOptions& bus,
                   std::span<const isa::Word> words, bool again)
    : config_(config), bus_(with_rate(bus, config)), front_(config, bus_, words, again) {}

// ---- queues -------------------------------------------------------------------------------------

void Timeline::pop(Engine engine, Time at) {
  front_.pop(engine, at);
  queue(engine).last_pop = at;
}

/// Advances an in-order channel: data are available from `ready` on and pass at the channel's rate.
Timeline::Time Timeline::Channel::pass(Time ready, double bytes, double bytes_per_cycle) {
  until = std::max(static_cast<double>(ready), until) + bytes / bytes_per_cycle;
  return static_cast<Time>(std::ceil(until));
}

// ---- RUN ----------------------------------------------------------------------------------------

void Timeline::set(Engine engine) { push(engine, {}); }

void Timeline::run(Engine engine, const isa::Run& run, Work work) {
  push(engine, {true, run, std::move(work), runs_.size()});
  runs_.push_back({engine, 0, 0});
}

void Timeline::push(Engine engine, Item item) {
  queue(engine).items.push_back(std::move(item));
  if (++waiting_ > kAhead) advance();
}

/// Removes SETs from the queue until a RUN is in front. A SET leaves as soon as the engine has
/// issued everything that it would change.
void Timeline::prepare(Engine engine) {
  Queue& q = queue(engine);
  while (!q.items.empty() && !is_running(engine)) {
    if (!q.arrival) q.arrival = front_.arrive(engine);
    if (!q.arrival || q.items.front().is_run) return;
    pop(engine, std::max(*q.arrival, q.free));
    q.arrival.reset();
    q.items.pop_front();
    --waiting_;
  }
}

/// Returns the start of the RUN in front of an engine's queue, given its word and its tokens.
Timeline::Time Timeline::start_of(Engine engine) {
  Queue& q = queue(engine);
  if (q.items.empty() || !q.arrival || !q.items.front().is_run) return kNever;
  const isa::Run& run = q.items.front().run;
  Time start = std::max(*q.arrival, q.free);
  if (engine == Engine::kCompute) start = std::max(start, input_free_ + timing::kRunEnd);
  for (std::size_t from = 0; from < isa::kEngines; ++from) {
    if ((run.wait >> from & 1) == 0) continue;
    const Tokens& t = tokens_[from][index_of(engine)];
    if (t.taken.size() == t.given.size()) return kNever;
    start = std::max(start, t.given[t.taken.size()] + timing::kToken);
  }
  return start;
}

/// Executes the earliest event: a group of columns, a pass of a vector tile, the start of a RUN, or
/// a burst of the program that an engine waits for.
void Timeline::advance() {
  Time first = kNever;
  Engine next{};
  for (std::size_t e = 0; e < isa::kEngines; ++e) {
    const auto engine = static_cast<Engine>(e);
    prepare(engine);
    if (is_running(engine)) continue;
    const Time start = start_of(engine);
    if (start < first) {
      first = start;
      next = engine;
    }
  }
  const Time burst = front_.next_burst(first);
  const Time others = std::min(first, burst);
  const Time vector = vectoring_ ? vector_.now : kNever;
  if (computing_ && compute_.now < others && compute_.now <= vector) {
    while (computing_ && compute_.now < others && compute_.now <= vector) compute_group();
  } else if (vector < others) {
    vector_step();
  } else if (burst < first) {
    front_.serve();
  } else if (first != kNever) {
    begin_run(next, first);
  } else {
    stuck();
  }
}

void Timeline::stuck() const {
  for (std::size_t e = 0; e < isa::kEngines; ++e) {
    const Queue& q = queues_[e];
    if (q.items.empty() || !q.items.front().is_run || !q.arrival) continue;
    for (std::size_t from = 0; from < isa::kEngines; ++from) {
      const Tokens& t = tokens_[from][e];
      if ((q.items.front().run.wait >> from & 1) != 0 && t.taken.size() == t.given.size())
        stop("deadlock", "RUN {}: {} waits for a token of {} that no earlier RUN gives",
             q.items.front().index, kEngineNames[e], kEngineNames[from]);
    }
  }
  stop("deadlock", "the queues have no room for the program's words");
}

void Timeline::begin_run(Engine engine, Time start) {
  Queue& q = queue(engine);
  const Item item = std::move(q.items.front());
  q.items.pop_front();
  --waiting_;
  q.last_pop_before = q.last_pop;
  std::array<Time, isa::kEngines> token_times{};
  for (std::size_t from = 0; from < isa::kEngines; ++from) {
    if ((item.run.wait >> from & 1) == 0) continue;
    Tokens& t = tokens_[from][index_of(engine)];
    token_times[from] = t.given[t.taken.size()] + timing::kToken;
    t.taken.push_back(start);
  }
  const Time queued = *q.arrival;
  q.arrival.reset();
  pop(engine, start);
  if (engine == Engine::kCompute) return begin_compute(item, queued, start, token_times);
  if (engine == Engine::kVector) return begin_vector(item, start);
  end_run(engine, item, start, transfer(engine, item.run.op, item.work, start));
}

void Timeline::end_run(Engine engine, const Item& item, Time start, Time ready) {
  Queue& q = queue(engine);
  const bool joined =
      config_.cores > 1 && (engine == Engine::kCompute || engine == Engine::kVector);
  // Retires in order.
  const Time end = std::max(ready + (joined ? timing::kJoined : 0), q.retired());
  q.busy.push_back({start, end});
  runs_[item.index] = {engine, static_cast<std::uint64_t>(start), static_cast<std::uint64_t>(end)};
  for (std::size_t to = 0; to < isa::kEngines; ++to)
    if ((item.run.signal >> to & 1) != 0) tokens_[index_of(engine)][to].given.push_back(end);
}

Timeline::Time Timeline::transfer(Engine engine, int target, const Work& work, Time start) {
  const double beat = config_.data_bytes() / bus_.bytes_per_cycle;  // cycles
  const double beats = static_cast<double>(work.beats);
  (engine == Engine::kLoad ? bytes_loaded_ : bytes_written_) += work.bytes;
  Queue& q = queue(engine);
  if (engine == Engine::kStore) {
    const double from = std::max(write_.until, static_cast<double>(start + timing::kStoreRead));
    // A burst waits for the response to the fourth burst before it.
    const double answered = (static_cast<double>(work.bursts.size()) - spec::kStoreBursts) /
                            spec::kStoreBursts * (bus_.latency + timing::kStoreResponse);
    const double cycles =
        std::max(shared(from, beats * std::max(beat, timing::kStoreBeat), beats), answered);
    const Time passed = write_.pass(start + timing::kStoreRead, cycles, 1);
    add_traffic(write_.until, cycles, beats);
    return q.free = passed + bus_.latency + timing::kStoreResponse;
  }
  if (work.on_chip) {
    q.free = std::max(start + timing::kLoadRequest, loaded_ + timing::kLoadNext);
    // Copies start after the writes of the load before; beats of the next load wait on the bus.
    const Time first = std::max(start, loaded_) + timing::kCopyRead;
    const auto from = static_cast<double>(first);
    const double cycles = shared(from, std::max(beats, static_cast<double>(work.writes)), beats);
    add_traffic(from + cycles, cycles, beats);
    front_.hold_loads(from + cycles + timing::kLoadGap);
    loaded_ = static_cast<Time>(std::ceil(from + cycles));
    return loaded_ + timing::kLoadResponse;
  }
  const Time requested = start + timing::kLoadRequest;
  using isa::dma::Target;
  const auto to = static_cast<Target>(target);
  const double cycles = std::max(beats * std::max(beat, 1.0), static_cast<double>(work.writes));
  const double end = front_.load(requested, work.bursts, cycles / std::max(1.0, beats));
  const bool unpacks = isa::is_packed({.op = target});
  const bool rows = config_.cores > 1 && (to == Target::kPmem || unpacks);
  const int unpacking = unpacks ? timing::kUnpack : 0;
  front_.hold_loads(end + timing::kLoadGap + (rows ? timing::kRowsWritten + unpacking : 0));
  q.free = std::max(front_.asked(), loaded_ + timing::kLoadNext);
  loaded_ = static_cast<Time>(std::ceil(end));
  if (to == Target::kDmem || to == Target::kDmem16) add_traffic(end, cycles, beats, true);
  // Beats for DMEM and PMEM wait in front of their banks without conflicts; the last one is written
  // a cycle later.
  const bool behind = to == Target::kDmem || to == Target::kDmem16 || to == Target::kPmem ||
                      to == Target::kTransposed;
  return loaded_ + timing::kLoadResponse + (behind ? 1 : 0) + unpacking;
}

void Timeline::add_traffic(double end, double cycles, double beats, bool waits) {
  traffic_.push_back({end - cycles, end, beats, waits});
}

/// Returns the cycles of a transfer that would need `cycles` without others: stores and copies
/// share a port of one beat per cycle.
double Timeline::shared(double from, double cycles, double beats) const {
  double others = 0;
  for (const Traffic& t : traffic_) {
    if (t.waits) continue;
    const double meet = std::min(t.end, from + cycles) - std::max(t.start, from);
    if (meet > 0) others += meet * t.beats / (t.end - t.start);
  }
  return std::max(cycles, beats + others);
}

/// Returns the cycles of a tile's gather from `from` on. Beats have priority over gathers, and
/// gathers of `turns`, of another engine, alternate with them.
Timeline::Time Timeline::contended(Time from, const Work& work, std::size_t tile,
                                   const std::vector<Traffic>& turns) {
  const double share =
      tile < work.tile_share.size() ? work.tile_share[tile] * timing::kDmaMeets : 0;
  const double delays = tile < work.tile_delays.size() ? work.tile_delays[tile] : 0;
  double now = static_cast<double>(from), left = static_cast<double>(work.tile_cycles[tile]);
  while (left > 1e-6) {
    double taken = 0, until = now + left / timing::kLeastSpeed;
    const auto meet = [&](const Traffic& t, double part) {
      if (t.end <= now) return;
      if (t.start > now) {
        until = std::min(until, t.start);
        return;
      }
      taken += part * t.beats / (t.end - t.start);
      until = std::min(until, t.end);
    };
    for (const Traffic& t : traffic_) meet(t, t.waits ? delays : share);
    for (const Traffic& t : turns) meet(t, 1);
    const double speed = std::max(timing::kLeastSpeed, 1 - taken);
    const double done = std::min(left, (until - now) * speed);
    now += done / speed;
    left -= done;
  }
  return static_cast<Time>(std::llround(now)) - from;
}

/// Removes entries that ended before `past`, so that the list stays short.
void Timeline::forget(std::vector<Traffic>& traffic, double past) {
  std::erase_if(traffic, [&](const Traffic& t) { return t.end <= past; });
}

void Timeline::begin_compute(const Item& item, Time queued, Time start,
                             const std::array<Time, isa::kEngines>& token_times) {
  const Queue& q = queue(Engine::kCompute);
  const Time filled = std::max(q.free, q.last_pop_before) + timing::fill_cycles(config_);
  const Time first = std::max(start + timing::kStart, filled);
  add_gap(input_free_, first, queued, token_times);
  forget(traffic_, static_cast<double>(input_free_));
  forget(vector_gathers_, static_cast<double>(first));
  computing_ = true;
  compute_ = {};
  compute_.item = item;
  compute_.start = start;
  compute_.segment = {first, first, {}};
  compute_.now = first;
  const bool fuse = item.run.has(isa::compute::kFuseAdd);
  compute_.every =
      fuse || item.work.requantized_maximum ? timing::residual_issue(config_, fuse) : 1;
  if (item.run.has(isa::compute::kAddSums)) compute_.every = timing::sum_issue(config_);
  expect_groups();
}

/// Estimates the groups of the RUN that begins, for the vector unit, until the RUN's end is known.
void Timeline::expect_groups() {
  const Work& work = compute_.item.work;
  std::int64_t gather = 0, issues = 0;
  for (const std::int64_t cycles : work.tile_cycles) gather += cycles;
  gather *= static_cast<std::int64_t>(work.group_columns.size());
  for (const int group : work.group_issues) issues += Time{group} * compute_.every;
  issues *= static_cast<std::int64_t>(work.tile_cycles.size());
  if (groups_.size() == 16) groups_.erase(groups_.begin());
  groups_.emplace_back();
  set_groups(compute_.now + std::max(gather, issues), issues);
}

void Timeline::set_groups(Time end, Time drained) {
  const Work& work = compute_.item.work;
  const auto groups = static_cast<double>(work.tile_cycles.size() * work.group_columns.size());
  const auto from = static_cast<double>(compute_.segment.start), to = static_cast<double>(end);
  groups_.back() = {from, to, groups, static_cast<double>(drained) / groups, work.interleaves};
}

/// Computes a tile's group of columns: its steps, and the cycle of its grant to drain.
void Timeline::compute_group() {
  Compute& c = compute_;
  const Work& work = c.item.work;
  if (c.tile == work.tile_cycles.size()) return end_compute();
  const auto count = [&](Cause cause, std::int64_t cycles) {
    c.segment.causes[index_of(cause)] += static_cast<std::uint64_t>(cycles);
  };
  const std::size_t g = c.group;
  if (g == 0 && c.tile < work.tile_stolen.size()) {
    c.now += work.tile_stolen[c.tile];
    count(Cause::kBank, work.tile_stolen[c.tile]);
  }
  const int columns = work.group_columns[g];
  const Time cycles = contended(c.now, work, c.tile, vector_gathers_);
  // The grant comes no earlier than the previous results.
  const Time granted = std::max(c.now + cycles - 1, next_grant_);
  const Time last_step = std::max(granted, drain_free_);
  // With residuals, the previous job must have been taken before they are read.
  c.issued = work.group_residuals[g] > 0 ? last_step : c.now + cycles - 1;
  count(Cause::kCompute, work.steps);
  count(Cause::kBank, cycles - work.steps);
  count(Cause::kDrain, last_step - (c.now + cycles - 1));
  // After a wait, the next step comes from the gather.
  const Time refill = last_step > granted ? 1 : 0;
  count(Cause::kControl, refill);
  c.now = last_step + 1 + refill;
  c.last_columns = Time{work.group_issues[g]} * c.every;
  c.drained += c.last_columns;
  const bool tile_ends = g + 1 == work.group_columns.size();
  if (columns > 0) drain(g, last_step, tile_ends);
  c.group = tile_ends ? 0 : g + 1;
  if (tile_ends) ++c.tile;
}

/// Computes when the next group's results may be drained.
void Timeline::drain(std::size_t g, Time last_step, bool tile_ends) {
  const Work& work = compute_.item.work;
  // Lower rows of the array finish later than upper ones, right columns later than left ones.
  const Time skew = std::max(
      0, timing::row_registers(config_) - timing::column_registers(config_, work.group_columns[g]));
  Time drained = last_step + compute_.last_columns;
  const Time read = drained;
  if (work.group_residuals[g] > 0)
    drained = std::max(last_step + timing::first_column(config_) - timing::kResidual, drain_free_) +
              compute_.last_columns +
              timing::residual_cycles(config_, work.group_residuals[g], compute_.every);
  if (tile_ends) {  // addresses of two tiles are kept until their words are written
    drained = std::max(drained, tile_read_ + timing::kLeaves);
    tile_read_ = read;
  }
  drain_free_ = drained + skew;
  next_grant_ =
      last_step + timing::grant_cycles(config_, work.group_columns[g], work.group_issues[g],
                                       work.window, work.requantized);
}

void Timeline::end_compute() {
  Compute& c = compute_;
  set_groups(c.now, c.drained);
  c.segment.end = c.now;
  segments_.push_back(c.segment);
  input_free_ = c.now;
  queue(Engine::kCompute).free = c.issued;
  computing_ = false;
  const Time depth =
      timing::row_registers(config_) + timing::column_registers(config_, config_.cols);
  const Time fused = c.item.run.has(isa::compute::kFuseAdd) ? timing::kFusedAdd : 0;
  end_run(Engine::kCompute, c.item, c.start,
          c.now + timing::kCompute + config_.pipeline_pe + depth + c.last_columns + fused);
}

// ---- causes -------------------------------------------------------------------------------------

void Timeline::add_segment(Time from, Time to, Cause cause) {
  if (from >= to) return;
  Segment& segment = segments_.emplace_back(Segment{from, to, {}});
  segment.causes[index_of(cause)] = static_cast<std::uint64_t>(to - from);
}

/// Assigns the cycles before a RUN's first step: empty queue, then missing tokens, then set-up.
void Timeline::add_gap(Time from, Time to, Time queued,
                       const std::array<Time, isa::kEngines>& token_times) {
  if (from >= to) return;
  const Time have_run = std::clamp(queued, from, to);
  if (from < have_run) idle_.push_back({from, have_run});
  Time at = have_run;
  for (const std::size_t e : {index_of(Engine::kLoad), index_of(Engine::kVector),
                              index_of(Engine::kStore), index_of(Engine::kCompute)}) {
    const Time until = std::clamp(token_times[e], at, to);
    add_segment(at, until, kWaitCause[e]);
    at = until;
  }
  add_segment(at, to, Cause::kControl);
}

/// Assigns cycles without a compute RUN to the engine that works: vector, load, store.
void Timeline::add_idle(Time from, Time to) {
  // Starts and ends of a queue's intervals increase, and there may be millions.
  std::vector<Time> cuts{from, to};
  for (const Queue& q : queues_) {
    const auto over = [from](const Interval& i) { return i.end <= from; };
    auto i = std::partition_point(q.busy.begin(), q.busy.end(), over);
    for (; i != q.busy.end() && i->start < to; ++i)
      for (const Time edge : {i->start, i->end})
        if (edge > from && edge < to) cuts.push_back(edge);
  }
  std::sort(cuts.begin(), cuts.end());
  const auto works = [&](Engine engine, Time at) {
    const auto& busy = queue(engine).busy;
    const auto next = std::partition_point(busy.begin(), busy.end(),
                                           [at](const Interval& i) { return i.start <= at; });
    return next != busy.begin() && at < std::prev(next)->end;
  };
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    const Time at = cuts[i];
    const Cause cause = works(Engine::kVector, at)    ? Cause::kVector
                        : works(Engine::kCompute, at) ? Cause::kControl
                        : works(Engine::kLoad, at)    ? Cause::kLoad
                        : works(Engine::kStore, at)   ? Cause::kStore
                                                      : Cause::kControl;
    add_segment(at, cuts[i + 1], cause);
  }
}

void Timeline::finish() {
  while (waiting_ > 0 || computing_ || vectoring_) advance();
  end_ = front_.end();
  for (const Queue& q : queues_) end_ = std::max(end_, q.retired());
  end_ += timing::kDone;
  idle_.push_back({input_free_, end_});
  for (const Interval& gap : idle_) add_idle(gap.start, gap.end);
  std::ranges::sort(segments_, {}, &Segment::start);
  check_tokens();
}

/// Checks tokens. Errors at which the hardware stops come before tokens that remain after the
/// program.
void Timeline::check_tokens() const {
  for (std::size_t from = 0; from < isa::kEngines; ++from)
    for (std::size_t to = 0; to < isa::kEngines; ++to) {
      const Tokens& t = tokens_[from][to];
      // Token k is available from given[k] to taken[k]; both increase.
      std::size_t taken = 0;
      for (std::size_t k = 0; k < t.given.size(); ++k) {
        while (taken < t.taken.size() && t.taken[taken] < t.given[k]) ++taken;
        if (k + 1 - taken >= std::size_t{1} << isa::kTokenBits)
          stop("token", "more than {} tokens from {} to {}", (1 << isa::kTokenBits) - 1,
               kEngineNames[from], kEngineNames[to]);
      }
    }
  for (std::size_t from = 0; from < isa::kEngines; ++from)
    for (std::size_t to = 0; to < isa::kEngines; ++to) {
      const Tokens& t = tokens_[from][to];
      if (t.given.size() != t.taken.size())
        throw_error("{} tokens from {} to {} are never taken", t.given.size() - t.taken.size(),
                    kEngineNames[from], kEngineNames[to]);
    }
}

CauseCycles Timeline::causes(std::uint64_t from, std::uint64_t to) const {
  // Rounds the cumulative share of a segment, so that adjacent windows add up.
  const auto share = [](const Segment& s, Time at, std::size_t cause) {
    const auto inside = static_cast<std::uint64_t>(std::clamp(at, s.start, s.end) - s.start);
    return s.causes[cause] * inside / static_cast<std::uint64_t>(s.end - s.start);
  };
  CauseCycles result{};
  std::uint64_t sum = 0;
  const auto is_over = [from](const Segment& s) { return s.end <= static_cast<Time>(from); };
  auto segment = std::ranges::partition_point(segments_, is_over);
  for (; segment != segments_.end() && segment->start < static_cast<Time>(to); ++segment) {
    const Segment& s = *segment;
    for (std::size_t c = 0; c < kCauses; ++c) {
      const std::uint64_t part =
          share(s, static_cast<Time>(to), c) - share(s, static_cast<Time>(from), c);
      result[c] += part;
      sum += part;
    }
  }
  // Rounding errors go to the steps; if those are too few, to the largest cause.
  std::uint64_t& steps = result[index_of(Cause::kCompute)];
  steps += to - from - sum;
  if (const auto missing = static_cast<std::int64_t>(steps); missing < 0) {
    steps = 0;
    *std::max_element(result.begin(), result.end()) += static_cast<std::uint64_t>(missing);
  }
  return result;
}

std::array<std::uint64_t, isa::kEngines> Timeline::engine_busy() const {
  std::array<std::uint64_t, isa::kEngines> result{};
  for (std::size_t e = 0; e < isa::kEngines; ++e) {
    Time covered = 0;
    for (const Interval& i : queues_[e].busy) {
      const Time start = std::max(i.start, covered);
      if (i.end > start) result[e] += static_cast<std::uint64_t>(i.end - start);
      covered = std::max(covered, i.end);
    }
  }
  return result;
}

}  // namespace trine::sim
