// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/schedule/schedule.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <list>
#include <set>

#include "spec/timing.h"

namespace trine::compiler {
namespace {

using isa::Engine;
namespace agu = isa::agu;

std::size_t index(Engine engine) { return static_cast<std::size_t>(engine); }

/// Returns the position of the first RUN of another engine that reads the words of the load at
/// `at`.
std::size_t consumer_of(const std::vector<Instruction>& natural, std::size_t at) {
  for (std::size_t i = at + 1; i < natural.size(); ++i)
    if (natural[i].engine != Engine::kLoad && conflicts(natural[at], natural[i])) return i;
  return natural.size();
}

/// Returns the number of iterations of a loop in a RUN of the array or vector unit.
double count(const isa::ComputeRegisters& r, const isa::LaneField& last) {
  return static_cast<double>(r.get(last) + 1);
}

/// Returns the approximate cycles of a RUN.
double cycles_of(const Instruction& i, const spec::Config& config) {
  if (i.engine == Engine::kLoad || i.engine == Engine::kStore) {
    const isa::TransferRegisters r(i.registers);
    const auto words = static_cast<double>(r.get(isa::dma::kWords));
    const auto rows = static_cast<double>(isa::dram_rows(r, i.run));
    return timing::kLoadRequest + rows * std::ceil(32 * words / config.axi_data_bits);
  }
  const isa::ComputeRegisters r(i.registers);
  const double tiles = count(r, agu::kTilesLast),
               taps = count(r, agu::kRLast) * count(r, agu::kSLast);
  if (i.engine == Engine::kVector)
    return timing::kLayerOverhead + tiles * count(r, agu::kWordsLast) * (taps + timing::kAnyWord);
  const double groups = count(r, agu::kGroupsLast);
  const double columns = static_cast<double>(r.get(isa::compute::kChannels)) / groups;
  return timing::kLayerOverhead +
         tiles * groups *
             std::max(count(r, agu::kWordsLast) * taps, columns / config.columns_per_cycle);
}

/// Returns true if the RUN's reductions take fewer cycles than draining them.
bool waits_for_columns(const Instruction& i, const spec::Config& config) {
  if (i.engine != Engine::kCompute) return false;
  const isa::ComputeRegisters r(i.registers);
  const double steps = count(r, agu::kWordsLast) * count(r, agu::kRLast) * count(r, agu::kSLast);
  return steps < static_cast<double>(r.get(isa::compute::kChannels)) / count(r, agu::kGroupsLast) /
                     config.columns_per_cycle;
}

/// Places loads between the other RUNs, whose order does not change.
class LoadScheduler {
 public:
  LoadScheduler(std::vector<Instruction> natural, const spec::Config& config)
      : natural_(std::move(natural)),
        config_(config),
        end_(natural_.size()),
        work_(natural_.size() + 1) {}

  std::vector<Instruction> run() {
    find_loads();
    for (std::size_t i = 0; i < natural_.size(); ++i) {
      if (natural_[i].engine == Engine::kLoad) continue;
      while (!consumed_.empty() && *consumed_.begin() < i) consumed_.erase(consumed_.begin());
      while (!readers_.empty() && *readers_.begin() < i) readers_.erase(readers_.begin());
      const double start = start_of(i);
      hold_parameters(i, start);
      for (auto next = choose(i, start); next != pending_.end(); next = choose(i, start)) {
        const bool needed = pending_.front().at < i;
        const bool early = begin_of(*next) > start && consumed_.size() >= least_;
        if (!needed && (early || readers_.size() >= kReadersAhead)) break;
        emit(next);
      }
      least_ = kLoadsAtLeast;
      const double ready = std::max(start, end_before(i, true, 3 * kReadersAhead));
      end_[i] = free_[index(natural_[i].engine)] = ready + cycles_of(natural_[i], config_);
      order_.push_back(i);
    }
    for (auto next = pending_.begin(); next != pending_.end(); next = pending_.begin()) emit(next);
    std::vector<Instruction> result;
    for (const std::size_t i : order_) result.push_back(std::move(natural_[i]));
    return result;
  }

 private:
  struct Load {
    std::size_t at;      ///< position in natural order
    std::size_t behind;  ///< position of the last RUN that uses the load's target, plus 1
    std::size_t reader;  ///< position of the first RUN that needs it
  };

  void find_loads() {
    for (std::size_t i = 0; i < natural_.size(); ++i) {
      const bool computes =
          natural_[i].engine == Engine::kCompute || natural_[i].engine == Engine::kVector;
      work_[i + 1] = work_[i] + (computes ? cycles_of(natural_[i], config_) : 0);
    }
    for (std::size_t i = 0; i < natural_.size(); ++i) {
      if (natural_[i].engine != Engine::kLoad) continue;
      Load load{i, 0, consumer_of(natural_, i)};
      for (std::size_t k = i; k-- > 0 && load.behind == 0;)
        if ((natural_[k].engine != Engine::kLoad && conflicts(natural_[k], natural_[i])) ||
            i - k > kLookBack)
          load.behind = k + 1;
      pending_.push_back(load);
    }
  }

  /// Returns the cycle in which the RUN could start if its loads were done.
  double start_of(std::size_t i) const {
    return std::max(free_[index(natural_[i].engine)], end_before(i, false, kNearRuns));
  }

  /// Returns the cycle in which all placed RUNs have ended for which RUN `i` waits: loads or
  /// others, among the last `most`.
  double end_before(std::size_t i, bool loads, std::size_t most) const {
    double end = 0;
    std::size_t seen = 0;
    for (std::size_t k = order_.size(); k-- > 0 && seen < most;) {
      const std::size_t earlier = order_[k];
      if ((natural_[earlier].engine == Engine::kLoad) != loads) continue;
      ++seen;
      if (conflicts(natural_[earlier], natural_[i])) end = std::max(end, end_[earlier]);
    }
    return end;
  }

  double place_free(const Load& load) const { return load.behind > 0 ? end_[load.behind - 1] : 0; }
  double begin_of(const Load& load) const { return std::max(bus_, place_free(load)); }

  /// Delays loads of parameters that no RUN needs soon until after RUN `i`. Parameters are written
  /// between columns, so each beat costs a cycle of a RUN that waits only for columns.
  void hold_parameters(std::size_t i, double start) {
    Instruction& run = natural_[i];
    if (!waits_for_columns(run, config_)) return;
    int seen = 0;
    for (auto load = pending_.begin(); load != pending_.end() && seen < kPassing; ++load, ++seen) {
      const Instruction& l = natural_[load->at];
      if (l.writes.at(0).space != Space::kParams || load->behind > i || load->at < i) continue;
      const double cycles = cycles_of(l, config_);
      const bool meets = begin_of(*load) + cycles > start;
      if (!meets || work_[load->reader] - work_[i + 1] < kMuchTime * cycles) continue;
      load->behind = i + 1;
      run.reads.push_back(l.writes[0]);
    }
  }

  /// Returns the load to place next before the RUN at `i`: the first pending one, or one that
  /// overtakes the first while its target is still in use or its reader has other work before.
  std::list<Load>::iterator choose(std::size_t i, double start) {
    if (pending_.empty()) return pending_.end();
    const auto first = pending_.begin();
    const bool known = first->behind <= i;
    const double begin = known ? begin_of(*first) : std::numeric_limits<double>::infinity();
    if (begin <= bus_) return first;
    const double wanted = start + work_[first->reader] - work_[i] - 3 * timing::kBusLatency -
                          cycles_of(natural_[first->at], config_);
    auto later = pending_.end();  // a long load whose target is free now
    int seen = readers_.size() < kPassed ? 0 : kPassing;
    for (auto other = std::next(first); other != pending_.end() && seen < kPassing;
         ++other, ++seen) {
      const double cycles = cycles_of(natural_[other->at], config_);
      const bool now = place_free(*other) <= bus_;
      const bool may = now || (!known && later == pending_.end() && cycles > kLong &&
                               place_free(*other) <= start);
      if (!may || other->behind > i || begin_of(*other) + cycles > std::max(begin, wanted))
        continue;
      if (std::any_of(first, other, [&](const Load& passed) {
            return !independent(natural_[passed.at], natural_[other->at]);
          }))
        continue;
      if (now) return other;
      later = other;
    }
    if (later != pending_.end()) return later;
    return known ? first : pending_.end();
  }

  void emit(std::list<Load>::iterator load) {
    bus_ = begin_of(*load) + cycles_of(natural_[load->at], config_);
    end_[load->at] = bus_ + timing::kBusLatency;
    order_.push_back(load->at);
    consumed_.insert(load->reader);
    readers_.insert(load->reader);
    pending_.erase(load);
  }

  static constexpr std::size_t kLoadsAtLeast = 3;  ///< outstanding, to keep the bus busy
  static constexpr std::size_t kLookBack = 400;
  static constexpr std::size_t kNearRuns = 8;
  static constexpr int kPassing = 320;
  static constexpr std::size_t kPassed = kReadersAhead - 4;  ///< the other loads stay in order
  static constexpr double kLong = 500;     ///< cycles of a load for which the bus may idle
  static constexpr double kMuchTime = 40;  ///< times the cycles of a load

  std::vector<Instruction> natural_;
  const spec::Config& config_;
  std::list<Load> pending_;
  std::multiset<std::size_t> consumed_;  ///< readers of placed loads, from the current RUN on
  std::set<std::size_t> readers_;
  std::vector<std::size_t> order_;
  std::vector<double> end_;   ///< by placed instruction
  std::vector<double> work_;  ///< sum of the cycles of all RUNs before
  std::array<double, isa::kEngines> free_{};
  double bus_ = 0;
  std::size_t least_ = 0;  ///< the first RUN's words are loaded before others
};

}  // namespace

std::vector<Instruction> schedule_loads(std::vector<Instruction> natural,
                                        const spec::Config& config) {
  return LoadScheduler(std::move(natural), config).run();
}

namespace {

bool is_dma(std::size_t engine) {
  return engine == index(Engine::kLoad) || engine == index(Engine::kStore);
}

/// Returns true if the tokens of each engine to itself fit their counter. Its RUNs start in order.
bool own_tokens_fit(const std::vector<Instruction>& program) {
  std::array<int, isa::kEngines> given{};  // and not taken yet
  for (const Instruction& i : program) {
    const std::size_t engine = index(i.engine);
    if (given[engine] >= 1 << isa::kTokenBits) return false;
    given[engine] += (i.run.signal >> engine & 1) - (i.run.wait >> engine & 1);
  }
  return true;
}

/// @param own_too  true: an engine sometimes waits for its own RUNs, too
void wait_for_conflicts(std::vector<Instruction>& program, bool own_too) {
  constexpr std::size_t kWindow = 24;  // RUNs of an engine
  // The clock of a RUN: the number of RUNs of each engine that have certainly ended when it starts.
  using Clock = std::array<std::size_t, isa::kEngines>;
  std::array<std::vector<std::size_t>, isa::kEngines> runs;  // positions, by engine
  std::vector<Clock> started(program.size());
  std::array<Clock, isa::kEngines> latest{};
  for (std::size_t i = 0; i < program.size(); ++i) {
    Instruction& later = program[i];
    const std::size_t to = index(later.engine);
    Clock clock = latest[to];
    // The last RUN of each engine for which this one must wait (counted from 1), if any.
    Clock needed{};
    for (std::size_t from = 0; from < isa::kEngines; ++from) {
      if (from == to && is_dma(to)) continue;  // transfers run one after the other
      for (std::size_t k = runs[from].size(); k > clock[from] && needed[from] == 0; --k)
        if (conflicts(program[runs[from][k - 1]], later)) needed[from] = k;
    }
    // Tokens are counted in 6 bits, so no engine may run so far ahead of the others that counters
    // overflow.
    const std::size_t own = runs[to].size();
    if (own >= kWindow && own % kWindow == 0)
      for (std::size_t from = 0; from < isa::kEngines; ++from) {
        const auto behind = std::ranges::lower_bound(runs[from], runs[to][own - kWindow]);
        const auto ended = static_cast<std::size_t>(behind - runs[from].begin());
        const bool waits = from != to || (own_too && !is_dma(to));
        if (waits && ended > clock[from]) needed[from] = std::max(needed[from], ended);
      }
    // If one of these RUNs has already waited for another one, no token is needed for the latter.
    const auto implied = [&](std::size_t from) {
      for (std::size_t other = 0; other < isa::kEngines; ++other)
        if (other != from && needed[other] > 0 &&
            started[runs[other][needed[other] - 1]][from] >= needed[from])
          return true;
      return false;
    };
    for (std::size_t from = 0; from < isa::kEngines; ++from) {
      if (needed[from] == 0 || implied(from)) continue;
      const std::size_t earlier = runs[from][needed[from] - 1];
      program[earlier].run.signal |= 1 << to;
      later.run.wait |= 1 << from;
      for (std::size_t e = 0; e < isa::kEngines; ++e)
        clock[e] = std::max(clock[e], started[earlier][e]);
      clock[from] = std::max(clock[from], needed[from]);
    }
    started[i] = latest[to] = clock;
    runs[to].push_back(i);
  }
}

}  // namespace

void insert_tokens(std::vector<Instruction>& program) {
  std::vector<Instruction> plain = program;
  wait_for_conflicts(plain, false);
  if (own_tokens_fit(plain))
    program = std::move(plain);
  else
    wait_for_conflicts(program, true);
}

std::vector<isa::Word> encode(const std::vector<Instruction>& program, std::uint64_t config_hash) {
  isa::Encoder encoder(config_hash);
  for (const Instruction& i : program) encoder.run(i.engine, i.registers, i.run);
  return encoder.end();
}

}  // namespace trine::compiler
