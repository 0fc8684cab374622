// SPDX-License-Identifier: Apache-2.0

#include "sim/arch/timeline.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/rounding.h"
#include "machine/memories.h"
#include "machine/timing.h"

namespace trine::sim {
namespace {

using isa::Engine;

using isa::kEngineNames;

constexpr std::size_t index_of(Engine engine) { return static_cast<std::size_t>(engine); }
constexpr std::size_t index_of(Cause cause) { return static_cast<std::size_t>(cause); }

/// Cause of a gap in which compute waits for that engine's token.
constexpr Cause kWaitCause[] = {Cause::kMemory, Cause::kControl, Cause::kVector, Cause::kStore};

BusOptions with_rate(BusOptions bus, const machine::Config& config) {
  const double width = config.axi_data_bits / 8.0;
  if (bus.bytes_per_cycle <= 0 || bus.bytes_per_cycle > width) bus.bytes_per_cycle = width;
  return bus;
}

}  // namespace

Timeline::Timeline(const machine::Config& config, const BusOptions& bus,
                   std::span<const isa::Word> words, bool again)
    : config_(config), bus_(with_rate(bus, config)), front_(config, bus_, words, again) {}

// ---- queues -------------------------------------------------------------------------------------

void Timeline::pop(Engine engine, Time at) {
  front_.pop(engine, at);
  queue(engine).last_pop = at;
}

/// The registers of a RUN that the engine reads cannot be written.
void Timeline::set(Engine engine) {
  pop(engine, std::max(front_.arrive(engine), queue(engine).free));
}

/// In-order arrival: data that may come from `ready` on, at the channel's rate.
Timeline::Time Timeline::Channel::pass(Time ready, double bytes, double bytes_per_cycle) {
  until = std::max(static_cast<double>(ready), until) + bytes / bytes_per_cycle;
  return static_cast<Time>(std::ceil(until));
}

// ---- RUN ----------------------------------------------------------------------------------------

void Timeline::run(Engine engine, const isa::Run& run, const Work& work) {
  const Time queued = front_.arrive(engine);
  Queue& q = queue(engine);
  q.last_pop_before = q.last_pop;
  std::array<Time, isa::kEngines> token_times{};
  Time start = std::max(queued, q.free);
  for (std::size_t from = 0; from < isa::kEngines; ++from) {
    if ((run.wait >> from & 1) == 0) continue;
    Tokens& t = tokens_[from][index_of(engine)];
    if (t.taken.size() == t.given.size())
      throw_error("RUN {}: {} waits for a token of {} that no earlier RUN gives", runs_.size(),
                  kEngineNames[index_of(engine)], kEngineNames[from]);
    token_times[from] = t.given[t.taken.size()] + timing::kToken;
    start = std::max(start, token_times[from]);
    t.taken.push_back(0);
  }
  for (std::size_t from = 0; from < isa::kEngines; ++from)
    if ((run.wait >> from & 1) != 0) tokens_[from][index_of(engine)].taken.back() = start;
  pop(engine, start);
  const Time ready = engine == Engine::kCompute  ? compute(run, work, queued, start, token_times)
                     : engine == Engine::kVector ? vector(run, work, start)
                                                 : transfer(engine, run.op, work, start);
  const Time end = std::max(ready, q.retired());  // in order
  q.busy.push_back({start, end});
  runs_.push_back({engine, static_cast<std::uint64_t>(start), static_cast<std::uint64_t>(end)});
  for (std::size_t to = 0; to < isa::kEngines; ++to)
    if ((run.signal >> to & 1) != 0) tokens_[index_of(engine)][to].given.push_back(end);
}

Timeline::Time Timeline::transfer(Engine engine, int target, const Work& work, Time start) {
  const double beat = config_.data_bits() / 8 / bus_.bytes_per_cycle;  // cycles
  const double beats = static_cast<double>(work.beats);
  (engine == Engine::kLoad ? bytes_loaded_ : bytes_written_) += work.bytes;
  Queue& q = queue(engine);
  if (engine == Engine::kStore) {
    const double from = std::max(write_.until, static_cast<double>(start + timing::kStoreRead));
    // A burst waits until the fourth before it is answered.
    const double answered = (static_cast<double>(work.bursts.size()) - machine::kStoreBursts) /
                            machine::kStoreBursts * (bus_.latency + timing::kStoreResponse);
    const double cycles =
        std::max(shared(from, beats * std::max(beat, timing::kStoreBeat), beats), answered);
    const Time passed = write_.pass(start + timing::kStoreRead, cycles, 1);
    add_traffic(write_.until, cycles, beats);
    return q.free = passed + bus_.latency + timing::kStoreResponse;
  }
  if (work.on_chip) {
    q.free = std::max(start + timing::kLoadRequest, loaded_ + timing::kLoadNext);
    // Behind the writes of the load before; beats of the next one wait on the bus.
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
  double cycles = std::max(beats * std::max(beat, 1.0), static_cast<double>(work.writes));
  const double from = front_.bus_free(requested);
  if (to == Target::kDmem) cycles = shared(from, cycles, beats);
  if (to == Target::kBias || to == Target::kScale) {
    const double alone = cycles;
    cycles = among_drains(from, cycles);
    hold_drain(from, from + cycles, alone);
    parameters_.push_back({from, from + cycles, alone});
  }
  const double end = front_.load(requested, work.bursts, cycles / std::max(1.0, beats));
  front_.hold_loads(end + timing::kLoadGap);
  q.free = std::max(front_.asked(), loaded_ + timing::kLoadNext);
  loaded_ = static_cast<Time>(std::ceil(end));
  if (to == Target::kDmem) add_traffic(end, cycles, beats);
  const bool rows = to == Target::kPmem || to == Target::kTransposed;
  return loaded_ + timing::kLoadResponse + (rows ? 1 : 0);
}

void Timeline::add_traffic(double end, double cycles, double beats) {
  traffic_.push_back({end - cycles, end, beats});
}

/// Cycles of a transfer that would take `cycles`: loads and stores share a port of one beat a
/// cycle.
double Timeline::shared(double from, double cycles, double beats) const {
  double others = 0;
  for (const Traffic& t : traffic_) {
    const double meet = std::min(t.end, from + cycles) - std::max(t.start, from);
    if (meet > 0) others += meet * t.beats / (t.end - t.start);
  }
  return std::max(cycles, beats + others);
}

/// Cycles of a load of parameters from `from` on: draining comes first but for every eighth cycle.
double Timeline::among_drains(double from, double cycles) const {
  double now = from, left = cycles;
  for (const Traffic& drain : drains_) {
    if (drain.end <= now) continue;
    const double before = std::clamp(drain.start - now, 0.0, left);
    now += before;
    left -= before;
    const double speed = 1 - 7.0 / 8 * std::min(1.0, drain.beats / (drain.end - drain.start));
    const double done = std::min(left, (drain.end - now) * speed);
    now += done / speed;
    left -= done;
    if (left <= 0) break;
  }
  return now + left - from;
}

/// Beats of parameters take the cycles of columns that would be drained. @return those of a RUN, if
/// nothing else bounds it
Timeline::Time Timeline::held_cycles(Time from, Time to, Time drained) {
  forget(parameters_, static_cast<double>(from));
  if (static_cast<double>(drained) < timing::kDrainBound * static_cast<double>(to - from)) return 0;
  double held = 0;
  for (const Traffic& load : parameters_) {
    const double meet = std::min(load.end, static_cast<double>(to)) -
                        std::max(load.start, static_cast<double>(from));
    if (meet > 0) held += load.beats * meet / (load.end - load.start);
  }
  return static_cast<Time>(std::llround(held));
}

/// The same where the load comes after the RUN in the program.
void Timeline::hold_drain(double from, double to, double beats) {
  if (drains_.empty()) return;
  Traffic& drain = drains_.back();
  const double length = drain.end - drain.start;
  const double meet = std::min(to, drain.end) - std::max(from, drain.start);
  if (meet <= 0 || drain.beats < timing::kDrainBound * length) return;
  const auto lost = static_cast<Time>(std::llround(beats * meet / (to - from)));
  add_segment(input_free_, input_free_ + lost, Cause::kDrain);
  drain.end += static_cast<double>(lost);
  drain.beats += static_cast<double>(lost);
  input_free_ += lost;
  queue(Engine::kCompute).free = input_free_;
}

/// How long a tile's gather cycles take from `from` on: a beat goes first where it meets them, and
/// the gathers of `turns`, of another engine, go in turn with them.
Timeline::Time Timeline::contended(Time from, const Work& work, std::size_t tile,
                                   const std::vector<Traffic>& turns) {
  const double share = tile < work.tile_share.size() ? work.tile_share[tile] : 0;
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
    for (const Traffic& t : traffic_) meet(t, share * timing::kDmaMeets);
    for (const Traffic& t : turns) meet(t, 1);
    const double speed = std::max(timing::kLeastSpeed, 1 - taken);
    const double done = std::min(left, (until - now) * speed);
    now += done / speed;
    left -= done;
  }
  return static_cast<Time>(std::llround(now)) - from;
}

/// Forgets what has passed: the array's time grows.
void Timeline::forget(std::vector<Traffic>& traffic, double past) {
  std::erase_if(traffic, [&](const Traffic& t) { return t.end <= past; });
}

Timeline::Time Timeline::compute(const isa::Run& run, const Work& work, Time queued, Time start,
                                 const std::array<Time, isa::kEngines>& token_times) {
  const bool fuse = run.has(isa::compute::kFuseAdd);
  const int every = fuse || work.requantized_maximum ? timing::residual_issue(config_, fuse) : 1;
  const Time filled = std::max(input_free_, queue(Engine::kCompute).last_pop_before) +
                      config_.rows + timing::kLaneSetup;
  const Time first = std::max(start + timing::kStart, filled);
  add_gap(input_free_, first, queued, token_times);
  forget(traffic_, static_cast<double>(input_free_));
  forget(vector_gathers_, static_cast<double>(first));
  Segment segment{first, first, {}};
  Time t = first;  // next free cycle of the array's input
  Time last_columns = 0, drained_cycles = 0;
  const auto count = [&](Cause cause, std::int64_t cycles) {
    segment.causes[index_of(cause)] += static_cast<std::uint64_t>(cycles);
  };
  for (std::size_t tile = 0; tile < work.tile_cycles.size(); ++tile) {
    const std::int64_t stolen = tile < work.tile_stolen.size() ? work.tile_stolen[tile] : 0;
    t += stolen;
    count(Cause::kBank, stolen);
    Time tile_first = 0;  // last step of the first group
    for (std::size_t g = 0; g < work.group_columns.size(); ++g) {
      const int columns = work.group_columns[g];
      const Time cycles = contended(t, work, tile, vector_gathers_);
      // It is granted when the results before are there, at the earliest.
      const Time granted = std::max(t + cycles - 1, next_grant_);
      const Time last_step = std::max(granted, drain_free_);
      count(Cause::kCompute, work.steps);
      count(Cause::kBank, cycles - work.steps);
      const Time waited = last_step - (t + cycles - 1);
      count(Cause::kDrain, waited);
      // The step behind one that waited comes from the gather.
      const Time refill = last_step > granted ? 1 : 0;
      count(Cause::kControl, refill);
      t = last_step + 1 + refill;
      last_columns = Time{work.group_issues[g]} * every;
      drained_cycles += last_columns;
      // The array's lower rows are later than the upper ones, its right columns later than the
      // left.
      const Time skew =
          std::max(0, timing::row_registers(config_) - timing::column_registers(config_, columns));
      if (g == 0) tile_first = last_step;
      const bool tile_ends = g + 1 == work.group_columns.size();
      Time drained = last_step + last_columns;
      if (work.group_residuals[g] > 0)
        drained =
            std::max(last_step + timing::first_column(config_) - timing::kResidual, drain_free_) +
            last_columns + timing::residual_cycles(config_, work.group_residuals[g], every);
      if (tile_ends) drained = std::max(drained, tile_first + timing::kFirstCode);
      if (columns == 0) continue;
      drain_free_ = drained + skew;
      // Of a window's groups every second one finds the early promise (measured: 63 of 112).
      const bool early = work.window && !tile_ends && g % 2 == 0;
      next_grant_ =
          last_step + timing::grant_cycles(config_, work.group_issues[g], early, work.requantized);
    }
  }
  const Time held = held_cycles(first, t, drained_cycles);
  count(Cause::kDrain, held);
  t += held;
  drain_free_ += held;
  next_grant_ += held;
  drained_cycles += held;
  segment.end = t;
  segments_.push_back(segment);
  if (drains_.size() == 16) drains_.erase(drains_.begin());
  drains_.push_back(
      {static_cast<double>(first), static_cast<double>(t), static_cast<double>(drained_cycles)});
  if (groups_.size() == 16) groups_.erase(groups_.begin());
  const auto groups = static_cast<double>(work.tile_cycles.size() * work.group_columns.size());
  groups_.push_back({static_cast<double>(first), static_cast<double>(t), groups,
                     static_cast<double>(drained_cycles) / groups});
  input_free_ = t;
  queue(Engine::kCompute).free = t;
  const Time depth =
      timing::row_registers(config_) + timing::column_registers(config_, config_.cols);
  return t + timing::kCompute + config_.pipeline_pe + depth + last_columns +
         (fuse ? timing::kFusedAdd : 0);
}

/// When a tile of the vector unit is done, which alone would take `cycles`: beside a compute RUN it
/// gets a turn behind each group of columns, or none where groups leave no room for one.
Timeline::Time Timeline::behind_groups(Time from, Time cycles) const {
  double now = static_cast<double>(from), left = static_cast<double>(cycles);
  const double alone = left;
  for (const Groups& run : groups_) {
    if (run.end <= now) continue;
    const double before = std::clamp(run.start - now, 0.0, left);
    now += before;
    left -= before;
    if (left <= 0) break;
    const double period = (run.end - run.start) / run.count;
    const double speed = period - run.issues < alone ? 0 : std::min(1.0, alone / period);
    const double done = std::min(left, (run.end - now) * speed);
    now = done < left ? run.end : now + done / speed;
    left -= done;
  }
  return static_cast<Time>(std::llround(now + left));
}

Timeline::Time Timeline::vector(const isa::Run& run, const Work& work, Time start) {
  using isa::vector::Op;
  const auto op = static_cast<Op>(run.op);
  const bool square = op == Op::kSquaredDifference;
  const bool codes = op == Op::kSum || op == Op::kAdd || op == Op::kMul || square;
  Time window = timing::kVectorWord;
  if (codes) window += (work.alone ? 4 : 4 / config_.columns_per_cycle) - 1;
  if (square) window += 2;
  if (run.has(isa::vector::kReduce))
    for (int lanes = 1; lanes < config_.rows; lanes *= 2) ++window;
  const Time filled = queue(Engine::kVector).last_pop_before + config_.rows + timing::kLaneSetup;
  Time t = std::max(start, filled);
  for (std::size_t tile = 0; tile < work.tile_cycles.size(); ++tile) {
    const Time gather = contended(t, work, tile, {});
    const Time begin = t;
    if (op == Op::kSoftmax) {  // two passes more
      const Time codes = divide_up(work.channels, config_.columns_per_cycle);
      t += gather + 2 * std::max<Time>(work.kept ? 0 : gather, codes) + timing::kSoftmax;
    } else if (op == Op::kNormalize)
      t += std::max<Time>(gather, work.channels) + 2 * work.channels + timing::kNormalize;
    else
      t = behind_groups(t, gather + window * work.out_words);
    vector_gathers_.push_back(
        {static_cast<double>(begin), static_cast<double>(t), static_cast<double>(gather)});
  }
  queue(Engine::kVector).free = t;
  return t + timing::kVector;
}

// ---- causes -------------------------------------------------------------------------------------

void Timeline::add_segment(Time from, Time to, Cause cause) {
  if (from >= to) return;
  Segment& segment = segments_.emplace_back(Segment{from, to, {}});
  segment.causes[index_of(cause)] = static_cast<std::uint64_t>(to - from);
}

/// The cycles before a RUN's first step: nothing queued, then missing tokens, then set-up.
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

/// Cycles without a compute RUN belong to the engine that works: vector, load, store.
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
  end_ = front_.end();
  for (const Queue& q : queues_) end_ = std::max(end_, q.retired());
  end_ += timing::kDone;
  idle_.push_back({input_free_, end_});
  for (const Interval& gap : idle_) add_idle(gap.start, gap.end);
  std::ranges::sort(segments_, {}, &Segment::start);
  for (std::size_t from = 0; from < isa::kEngines; ++from)
    for (std::size_t to = 0; to < isa::kEngines; ++to) {
      const Tokens& t = tokens_[from][to];
      if (t.given.size() != t.taken.size())
        throw_error("{} tokens from {} to {} are never taken", t.given.size() - t.taken.size(),
                    kEngineNames[from], kEngineNames[to]);
      // Token k is there from given[k] to taken[k], both increasing.
      std::size_t taken = 0;
      for (std::size_t k = 0; k < t.given.size(); ++k) {
        while (t.taken[taken] < t.given[k]) ++taken;
        if (k + 1 - taken >= std::size_t{1} << isa::kTokenBits)
          throw_error("more than {} tokens from {} to {}", (1 << isa::kTokenBits) - 1,
                      kEngineNames[from], kEngineNames[to]);
      }
    }
}

CauseCycles Timeline::causes(std::uint64_t from, std::uint64_t to) const {
  // The share of a segment is rounded on its running sum, so that neighbouring windows add up.
  const auto share = [](const Segment& s, Time at, std::size_t cause) {
    const auto inside = static_cast<std::uint64_t>(std::clamp(at, s.start, s.end) - s.start);
    return s.causes[cause] * inside / static_cast<std::uint64_t>(s.end - s.start);
  };
  CauseCycles result{};
  std::uint64_t sum = 0;
  for (const Segment& s : segments_) {
    if (s.end <= static_cast<Time>(from) || s.start >= static_cast<Time>(to)) continue;
    for (std::size_t c = 0; c < kCauses; ++c) {
      const std::uint64_t part =
          share(s, static_cast<Time>(to), c) - share(s, static_cast<Time>(from), c);
      result[c] += part;
      sum += part;
    }
  }
  // What rounding left over was a step; what it took too much, the largest cause has not.
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
