// SPDX-License-Identifier: Apache-2.0

#include "sim/arch/front.h"

#include <algorithm>
#include <cmath>

#include "spec/timing.h"
#include "sw/base/division.h"

namespace trine::sim {

using isa::Engine;
using spec::kFetchBurst;
using Time = Front::Time;

Front::Front(const spec::Config& config, const BusOptions& bus, std::span<const isa::Word> words,
             bool again)
    : config_(config),
      bus_(bus),
      words_(words),
      kept_(again ? static_cast<std::size_t>(config.imem_kib) * 128 : 0),
      bursts_(divide_up(words.size(), std::size_t{kFetchBurst})) {
  for (std::size_t burst = 0; burst < std::min<std::size_t>(bursts_.size(), spec::kFetchBursts);
       ++burst)
    request(burst, timing::kFetchRequest);
}

// ---- the program's bursts -----------------------------------------------------------------------

/// Returns true if IMEM contains the whole burst.
bool Front::is_kept(std::size_t burst) const { return kFetchBurst * burst + size(burst) <= kept_; }

/// Returns the number of words of a burst.
std::size_t Front::size(std::size_t burst) const {
  return std::min<std::size_t>(kFetchBurst, words_.size() - kFetchBurst * burst);
}

/// Requests a burst, which happens as soon as the buffer has room for it. IMEM reads beat by beat.
void Front::request(std::size_t burst, Time at) {
  if (burst >= bursts_.size()) return;
  Burst& b = bursts_[burst];
  b.requested = at;
  if (!is_kept(burst)) return;
  b.begin = std::max(static_cast<double>(at), imem_free_);
  imem_free_ = b.end =
      b.begin + timing::kKeptBeat * 64.0 * static_cast<double>(size(burst)) / config_.data_bits();
  b.there = true;
}

/// Returns the earliest cycle in which a word is at the dispatcher. Its burst must have been
/// served.
Time Front::there(std::size_t word) const {
  const Burst& b = bursts_[word / kFetchBurst];
  const auto place = static_cast<double>(word % kFetchBurst);
  if (is_kept(word / kFetchBurst))
    return static_cast<Time>(b.begin) + timing::kFetchKept +
           timing::kKeptBeat * static_cast<Time>(64 * place) / config_.data_bits();
  // Words leave the buffer only in cycles in which no beat is written.
  const double beat = config_.data_bytes() / bus_.bytes_per_cycle;
  const double written = beat < 2 ? b.end : b.begin + 8 * (place + 1) / bus_.bytes_per_cycle;
  return static_cast<Time>(std::ceil(written)) + timing::kFetchResponse;
}

/// Delays a word until the beats of the next burst are written, which have priority.
Time Front::after_writes(std::size_t burst, Time at) const {
  if (burst >= bursts_.size() || !bursts_[burst].there || is_kept(burst)) return at;
  if (config_.data_bytes() / bus_.bytes_per_cycle >= 2) return at;
  const auto begin = static_cast<Time>(bursts_[burst].begin) + timing::kFetchResponse;
  const auto end = static_cast<Time>(std::ceil(bursts_[burst].end)) + timing::kFetchResponse;
  return at >= begin && at < end ? end : at;
}

// ---- dispatcher, queues -------------------------------------------------------------------------

/// Dispatches the next word. @return false if its cycle is not known yet, because its burst has not
/// been served or its queue is full for an unknown time
bool Front::dispatch() {
  full_ = false;
  if (dispatched_ >= words_.size()) return false;
  const std::size_t word = dispatched_, burst = word / kFetchBurst;
  if (!bursts_[burst].there) return false;
  Time at = std::max(last_ + 1, there(word));
  if (fetch_ready() + timing::kFetchResponse <= static_cast<double>(at)) return false;
  at = after_writes(burst + 1, at);
  const isa::Opcode opcode = isa::opcode_of(words_[word]);
  if (opcode == isa::Opcode::kSet || opcode == isa::Opcode::kRun) {
    Queue& q = queues_[static_cast<std::size_t>(isa::engine_of(words_[word]))];
    const std::size_t places = q.read.size();
    if (q.writes >= places) {
      full_ = q.reads + places <= q.writes && !read(q);
      if (full_) return false;
      at = std::max(at, q.read[q.writes % places]);
    }
    q.written.push_back(at);
    ++q.writes;
  }
  last_ = at;
  if (!is_kept(burst)) bytes_fetched_ += 8;
  if (++dispatched_ % kFetchBurst == 0)
    request(burst + spec::kFetchBursts, at + timing::kFetchAgain);
  return true;
}

void Front::begin() { end(); }

Time Front::end() {
  const std::size_t word = dispatched_;
  while (dispatched_ == word && word < words_.size())
    if (!dispatch()) serve_fetch();
  return last_;
}

/// Reads the next word from the queue's memory into one of the two slots in front of the engine;
/// writes of words have priority. @return false if the engine's time is not known yet
bool Front::read(Queue& q) {
  if (q.reading || q.written.empty() || q.reads > q.pops + 1) return false;
  Time at = q.written.front() + 1;
  if (q.reads > 0) at = std::max(at, q.read[(q.reads - 1) % q.read.size()] + 1);
  // The word two before must have left.
  if (q.reads > 1) at = std::max(at, q.reads == q.pops + 1 ? q.pop : q.pop_before);
  q.reading = true;
  bool known = true;
  for (std::size_t next = 1; known; ++next) {
    while (next == q.written.size() && last_ < at && dispatch()) {
    }
    known = next < q.written.size() || last_ >= at || dispatched_ == words_.size() || full_;
    if (next >= q.written.size() || q.written[next] > at) break;
    if (q.written[next] == at) ++at;
  }
  q.reading = false;
  if (!known) return false;
  q.written.pop_front();
  q.read[q.reads++ % q.read.size()] = at;
  return true;
}

std::optional<Time> Front::arrive(Engine engine) {
  Queue& q = queues_[static_cast<std::size_t>(engine)];
  while (q.reads == q.arrived)
    if (!read(q) && !dispatch()) return {};
  const Time read = q.read[q.arrived++ % q.read.size()];
  return std::max(read + timing::kQueue - 1, q.pop + 1);
}

Time Front::next_burst(Time until) {
  look_ahead(static_cast<double>(until));
  const double begin = std::max(fetch_ready(), bus_free_);
  return std::isinf(begin) ? kNever
                           : static_cast<Time>(begin) - bus_.latency - timing::kLoadRequest;
}

void Front::pop(Engine engine, Time at) {
  Queue& q = queues_[static_cast<std::size_t>(engine)];
  q.pop_before = q.pop;
  q.pop = at;
  ++q.pops;
}

// ---- the bus ------------------------------------------------------------------------------------

/// Returns the cycle from which the program's next burst may begin; infinity if it is not requested
/// yet.
double Front::fetch_ready() const {
  std::size_t burst = served_;
  while (burst < bursts_.size() && is_kept(burst)) ++burst;
  if (burst >= bursts_.size() || bursts_[burst].requested == kNever)
    return std::numeric_limits<double>::infinity();
  return static_cast<double>(bursts_[burst].requested + bus_.latency);
}

void Front::serve_fetch() {
  const double ready = fetch_ready();
  while (is_kept(served_)) ++served_;
  Burst& burst = bursts_[served_];
  burst.begin = std::max(ready, bus_free_);
  bus_free_ = burst.end =
      burst.begin + 8 * static_cast<double>(size(served_)) / bus_.bytes_per_cycle;
  burst.there = true;
  load_was_last_ = false;
  ++served_;
}

/// Dispatches words until `until`, as far as their cycles are known.
void Front::look_ahead(double until) {
  while (std::isinf(fetch_ready()) && static_cast<double>(last_) < until && dispatch()) {
  }
}

double Front::load(Time requested, const std::vector<int>& bursts, double beat) {
  asked_ = requested - 1;
  for (const int beats : bursts) {
    ++asked_;
    if (load_ends_.size() == spec::kLoadBursts) {
      asked_ = std::max(asked_, static_cast<Time>(load_ends_.front()) + timing::kLoadAgain);
      load_ends_.pop_front();
    }
    const auto ready = static_cast<double>(asked_ + bus_.latency);
    for (;;) {  // bursts that the program requested meanwhile go first or alternate
      look_ahead(std::max(bus_free_, ready) - bus_.latency);
      const double fetch = fetch_ready(), at = std::max(bus_free_, std::min(ready, fetch));
      if (fetch > at || (ready <= at && !load_was_last_)) break;
      serve_fetch();
    }
    bus_free_ = std::max({bus_free_, ready, loads_from_}) + beat * beats;
    load_was_last_ = true;
    load_ends_.push_back(bus_free_);
  }
  return std::max(bus_free_, static_cast<double>(requested + bus_.latency));
}

}  // namespace trine::sim
