// SPDX-License-Identifier: Apache-2.0
//
// The bench of trine_control with random programs.

#pragma once

#include "tb/control/trine_control_host.h"

namespace trine::tb::control {

struct Bench : Host {
  using Host::Host;

  int pick(int low, int high) {
    return low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1));
  }

  /// @param half  0 or 1: loads and stores that may overlap in time use different halves of DMEM
  Copy random_copy(bool store, int half) {
    Copy copy{store, Target::kDmem, 0, 0, 1, pick(1, chance(30) ? 12 : 3), 0, 0};
    if (!store) copy.target = static_cast<Target>(pick(0, kCols >= 4 ? 6 : 5));
    if (copy.target == Target::kDmem && chance(30)) copy.target = Target::kDmem16;
    if (copy.target == Target::kExponentials && chance(50)) copy.target = Target::kPoints;
    const bool maps = copy.target == Target::kDmem || copy.target == Target::kDmem16;
    const bool transposed = copy.target == Target::kTransposed;
    copy.from_dmem = (transposed || copy.target == Target::kPmem) && chance(50);
    if (transposed) copy.rows = pick(1, kCols / 4);
    const int region = copy.from_dmem ? 4 * kDmemWords
                       : store        ? kMemoryBytes - kProgramBytes - kSourceBytes
                                      : kSourceBytes;
    int local_first = 0, local_size = 0;  // in local units
    int unit = kDataWords;                // unit of local addresses and strides
    int beats = pick(1, chance(20) ? 200 : 12);
    switch (copy.target) {
      case Target::kDmem:
      case Target::kDmem16:
        local_first = half * kDmemWords / 2;
        local_size = kDmemWords / 2;
        break;
      case Target::kPmem:
        local_size = kPmemRows;
        unit = 1;
        break;
      case Target::kBias:
        local_size = kParams;
        break;
      case Target::kScale:
        local_size = kParams;
        unit = kDataWords / 2;
        break;
      case Target::kTable:
        local_size = isa::dma::kTableWords;
        break;
      case Target::kPoints:
      case Target::kExponentials:
        local_size = isa::dma::kExponentialWords;
        break;
      case Target::kTransposed:
        local_size = kPmemRows;
        unit = 1;
        break;
      case Target::kShort:
      case Target::kTrits:
      case Target::kSparse:
      case Target::kPalette:
        break;  // tested by trine_unpack_tb
      case Target::kCore:
        break;  // for clusters: random_program_test
    }
    // Local units are beats; a PMEM row of several beats counts as one step.
    int per_step = unit;
    int step_words = kDataWords;
    if (copy.target == Target::kPmem) {
      per_step = kRowsPerBeat;
      step_words = kDataWords * kBeatsPerRow;
    } else if (transposed) {
      per_step = std::max(1, kDataWords / 4);
    }
    const int steps =
        std::max(1, std::min({beats, local_size / per_step / 2, region / 4 / step_words}));
    copy.words = steps * step_words;
    const int span = steps * per_step;
    copy.local_stride = pick(0, std::max(0, (local_size - span) / copy.rows / unit)) * unit;
    const int local_room = local_size - span - (copy.rows - 1) * copy.local_stride;
    copy.local = local_first + pick(0, local_room / unit) * unit;
    copy.dram_stride = pick(0, std::max(0, (region - 4 * copy.words) / copy.rows / kBeatBytes));
    if (chance(50))
      copy.dram_stride = std::min(copy.dram_stride, steps * step_words / kDataWords + 1);
    copy.dram_stride *= kBeatBytes;
    const int dram_room = region - 4 * copy.words - (copy.rows - 1) * copy.dram_stride;
    copy.dram = (store            ? kProgramBytes + kSourceBytes
                 : copy.from_dmem ? 0
                                  : kProgramBytes) +
                pick(0, dram_room / kBeatBytes) * kBeatBytes;
    if (maps) {  // rows need not begin or end with a beat
      const int whole = copy.target == Target::kDmem16 ? 2 : 1;  // words per code
      const int skip = pick(0, std::min(kDataWords, copy.words) - 1) / whole * whole;
      copy.local += skip;
      copy.dram += 4 * skip;
      copy.words = std::max(1, copy.words - skip - pick(0, kDataWords - 1));
      copy.words = (copy.words + whole - 1) / whole * whole;
    }
    if (copy.rows > 1 && !copy.from_dmem && chance(30)) {  // reversed order
      copy.dram += (copy.rows - 1) * copy.dram_stride;
      copy.dram_stride = -copy.dram_stride;
    }
    if (transposed) copy.words -= pick(0, std::min(copy.words - 1, 5));
    return copy;
  }

  void sets(Program& p, Engine engine, int count) {
    while (count > 0) {
      const Word word =
          isa::encode_set(engine, pick(0, 15), random() | (random() & 0xffffffull) << 32);
      if (isa::fault_of(word, ~0U) != isa::Fault::kNone) continue;
      p.words.push_back(word);
      --count;
    }
  }

  isa::Run any_run(Engine engine, int wait, int signal) {
    for (;;) {
      const isa::Run run{wait, signal, pick(0, 4), pick(0, 255)};
      if (isa::fault_of(isa::encode_run(engine, run), ~0U) == isa::Fault::kNone) return run;
    }
  }

  /// Returns a program whose RUNs follow each other, ordered by tokens; loads read what stores
  /// wrote.
  Program ordered_program(int runs) {
    Program p;
    int last = -1, signal = pick(0, 3);
    bool loaded = false, stored = false;
    Copy load{}, store{};
    for (int i = 0; i < runs; ++i) {
      const int e = signal;
      signal = i + 1 < runs ? pick(0, 3) : -1;
      const int wait_mask = last < 0 ? 0 : 1 << last;
      const int signal_mask = signal < 0 ? 0 : 1 << signal;
      const auto engine = static_cast<Engine>(e);
      if (engine == Engine::kLoad || engine == Engine::kStore) {
        const bool is_store = engine == Engine::kStore;
        Copy& copy = is_store ? store : load;
        bool& have = is_store ? stored : loaded;
        const bool again = have && chance(10);  // registers keep their values
        if (!again) copy = random_copy(is_store, pick(0, 1));
        if (!again && !is_store && stored && copy.target == Target::kDmem && chance(50)) {
          const int shift = (copy.dram - store.dram) % kBeatBytes;
          if (shift == 0 && store.words <= copy.words) {
            copy.dram = store.dram;
            copy.words = store.words;
            copy.dram_stride = store.dram_stride;
            copy.rows = std::min(copy.rows, store.rows);
          }
        }
        have = true;
        p.copy(copy, wait_mask, signal_mask, !again, random);
      } else {
        sets(p, engine, pick(0, 20));
        p.run(engine, any_run(engine, wait_mask, signal_mask));
      }
      last = e;
    }
    p.end();
    return p;
  }

  /// Returns a program whose loads and stores overlap in different halves, with as many tokens as
  /// are harmless.
  Program parallel_program(int runs) {
    Program p;
    std::array<std::array<int, 4>, 4> have{}, given{};
    for (int i = 0; i < runs; ++i) {
      const int e = pick(0, 3);
      const auto engine = static_cast<Engine>(e);
      const auto to = static_cast<std::size_t>(e);
      int wait_mask = 0, signal_mask = 0;
      for (std::size_t o = 0; o < 4; ++o) {
        if (have[o][to] > 0 && chance(60)) {
          --have[o][to];
          wait_mask |= 1 << o;
        }
        if (given[to][o] < 60 && chance(60)) {
          ++given[to][o];
          ++have[to][o];
          signal_mask |= 1 << o;
        }
      }
      if (engine == Engine::kLoad || engine == Engine::kStore) {
        const bool is_store = engine == Engine::kStore;
        p.copy(random_copy(is_store, is_store), wait_mask, signal_mask, true, random);
      } else {
        sets(p, engine, pick(0, 20));
        p.run(engine, any_run(engine, wait_mask, signal_mask));
      }
    }
    p.end();
    return p;
  }
};

/// Sets latencies and stalls: from an ideal machine to a slow one.
inline void set_timing(Bench& bench, unsigned kind) {
  bench.memory.timing = {kind == 0 ? 100u : kind == 1 ? 60u : 15u, 0, kind == 0 ? 0 : 40};
  bench.port_percent = kind == 0 ? 100u : kind == 1 ? 60u : 20u;
  bench.read_latency = kind == 0 ? 1 : 4;
}

}  // namespace trine::tb::control
