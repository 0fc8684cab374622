// SPDX-License-Identifier: Apache-2.0
//
// The programs of the benches of trine_control: the machine's sizes, its memories, copies and
// programs of copies, and the effect of a copy.

#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "spec/csr.h"
#include "spec/isa.h"
#include "tb/axi_memory.h"
#include "tb/golden/ports.h"

namespace trine::tb::control {

using golden::get_bit;
using golden::get_word;
using golden::set_word;
using isa::Engine;
using isa::Word;
using Target = isa::dma::Target;

constexpr int kCols = TB_Cols;
constexpr int kBusBits = TB_AxiDataBits;
#ifndef TB_AxiAddrBits
#define TB_AxiAddrBits 32
#endif
#ifndef TB_Ecc
#define TB_Ecc 0
#endif
#ifndef TB_ImemWords
#define TB_ImemWords 0
#endif
constexpr std::uint64_t kAddresses = ~std::uint64_t{0} >> (64 - TB_AxiAddrBits);
constexpr std::uint64_t kDramField = (std::uint64_t{1} << 40) - 1;  // an instruction's address
constexpr std::uint64_t kCountFrom = 0xfffff000;  // CountFrom: programs count across 2^32
constexpr int kDataWords = std::max(64, kBusBits) / 32;
constexpr int kBeatBytes = 4 * kDataWords;
constexpr int kDmemWords = 1 << TB_DmemAddrBits;
constexpr int kPmemRows = 1 << TB_PmemAddrBits;
constexpr int kParams = TB_ParamChannels;
constexpr int kBeatsPerRow = (kCols + kDataWords - 1) / kDataWords;
constexpr int kRowsPerBeat = kCols < kDataWords ? kDataWords / kCols : 1;
constexpr int kEngines = isa::kEngines;

// Codes of ERROR_CAUSE (spec/csr.h).
constexpr std::uint32_t kFetchError = 1, kLoadError = 2, kStoreError = 3, kIllegalError = 4,
                        kTokenError = 5, kFetchWindow = 6, kLoadWindow = 7, kStoreWindow = 8,
                        kFetchTimeout = 9, kLoadTimeout = 10, kStoreTimeout = 11,
                        kConfigurationError = 13, kDeadlock = 15, kProgress = 16,
                        kCyclesExceeded = 17;

constexpr Word kHash = 0xc123456789abcdef;  // hash of the design; every program begins with it

// Bits of STATUS and CONTROL.
constexpr std::uint32_t kError = 4, kBusDirty = 16, kBusWasReset = 8;

constexpr int kMemoryBytes = 1 << 20;
constexpr int kProgramBytes = 1 << 18;               // the program comes first,
constexpr int kSourceBytes = (1 << 17) + (1 << 16);  // then words for loads, then for stores

/// The address of DRAM on the bus. Each Bench draws it, so that all address bits are used. With
/// wide addresses, every second seed gives an address for which a multiple of 4 GiB is inside of
/// the program, of the words that loads read, or of the words that stores write.
inline std::uint64_t memory_base = 0;

using Words = std::vector<std::uint32_t>;

/// Everything that a program changes.
struct State {
  Words dram = Words(kMemoryBytes / 4), dmem = Words(kDmemWords);
  std::vector<std::array<std::uint32_t, kCols>> pmem{kPmemRows};
  Words bias = Words(kParams), scale = Words(2 * kParams);  // scale: two words per entry
  Words table = Words(isa::dma::kTableWords);
  Words exponentials = Words(isa::dma::kExponentialWords), points = exponentials;
};

/// A 2-D copy; dram in bytes from the start of the memory.
struct Copy {
  bool store;
  Target target;
  int dram, local, words, rows, dram_stride, local_stride;
  bool from_dmem = false;  ///< `dram` is then a DMEM address
};

/// Applies row `row` of a transposed copy: byte a of word w becomes byte w mod 4 of column a;
/// missing words are zero.
inline void apply_transposed(const Copy& copy, int row, const Words& source, State& state) {
  for (int w = 0; w < (copy.words + 3) / 4 * 4; ++w) {
    const auto from = static_cast<std::size_t>((copy.dram + row * copy.dram_stride) / 4 + w);
    const std::uint32_t word = w < copy.words ? source.at(from) : 0;
    auto& to =
        state.pmem.at(static_cast<std::size_t>(copy.local + row * copy.local_stride + w / 4));
    for (int a = 0; a < 4; ++a) {
      auto& column = to.at(static_cast<std::size_t>(4 * row + a));
      column = (column & ~(0xffU << w % 4 * 8)) | (word >> 8 * a & 0xff) << w % 4 * 8;
    }
  }
}

/// Copies two words of int16 codes from `w` on: in DMEM high bytes, then low bytes.
inline void apply_planes(bool store, std::uint32_t* dram, std::uint32_t* dmem) {
  const std::uint32_t in[2]{dram[0], dram[1]}, planes[2]{dmem[0], dmem[1]};
  const auto byte = [](const std::uint32_t* words, int b) {
    return words[b / 4] >> 8 * (b % 4) & 0xff;
  };
  for (int k = 0; k < 2; ++k) (store ? dram : dmem)[k] = 0;
  for (int b = 0; b < 8; ++b)  // byte b of DRAM
    if (store)
      dram[b / 4] |= byte(planes, (b % 2 == 0 ? 4 : 0) + b / 2) << 8 * (b % 4);
    else
      dmem[b % 2 == 0 ? 1 : 0] |= byte(in, b) << 8 * (b / 2);
}

inline void apply(const Copy& copy, State& state) {
  for (int row = 0; row < copy.rows; ++row) {
    const int local = copy.local + row * copy.local_stride;
    Words& source = copy.from_dmem ? state.dmem : state.dram;
    if (copy.target == Target::kTransposed) {
      apply_transposed(copy, row, source, state);
      continue;
    }
    for (int w = 0; w < copy.words; ++w) {
      auto& dram =
          source.at(static_cast<std::size_t>((copy.dram + row * copy.dram_stride) / 4 + w));
      const int in_beat = w % kDataWords, beat = w / kDataWords;
      switch (copy.target) {
        case Target::kDmem: {
          auto& word = state.dmem.at(static_cast<std::size_t>(local + w));
          copy.store ? dram = word : word = dram;
          break;
        }
        case Target::kDmem16:
          if (w % 2 == 0)
            apply_planes(copy.store, &dram, &state.dmem.at(static_cast<std::size_t>(local + w)));
          break;
        case Target::kPmem: {
          const int pmem_row =
              local + beat / kBeatsPerRow * kRowsPerBeat + (kRowsPerBeat > 1 ? in_beat / kCols : 0);
          const int col =
              kRowsPerBeat > 1 ? in_beat % kCols : beat % kBeatsPerRow * kDataWords + in_beat;
          const bool padding = in_beat >= kRowsPerBeat * kCols && kRowsPerBeat > 1;
          if (col < kCols && !padding)
            state.pmem.at(static_cast<std::size_t>(pmem_row))[static_cast<std::size_t>(col)] = dram;
          break;
        }
        case Target::kBias:
          state.bias.at(static_cast<std::size_t>(local + w)) = dram;
          break;
        case Target::kScale:
          state.scale.at(static_cast<std::size_t>(2 * local + w)) = dram;
          break;
        case Target::kTable:
          state.table.at(static_cast<std::size_t>(local + w)) = dram;
          break;
        case Target::kExponentials:
          state.exponentials.at(static_cast<std::size_t>(local + w)) = dram;
          break;
        case Target::kPoints:
          state.points.at(static_cast<std::size_t>(local + w)) = dram;
          break;
        case Target::kTransposed:
        case Target::kShort:
        case Target::kTrits:
        case Target::kSparse:
        case Target::kPalette:
        case Target::kCore:
          break;
      }
    }
  }
}

struct Program {
  std::vector<Word> words{kHash};
  std::vector<Copy> copies;
  /// Words with a DRAM address, relative to the start of the memory.
  std::vector<std::size_t> dram_sets;

  void run(Engine engine, const isa::Run& run) { words.push_back(isa::encode_run(engine, run)); }
  void copy(const Copy& c, int wait, int signal, bool sets, std::mt19937& random);
  void end() { words.push_back(isa::kEndWord); }
  /// Appends another program in place of END.
  void append(const Program& more) {
    if (words.back() == isa::kEndWord) words.pop_back();
    for (const std::size_t at : more.dram_sets) dram_sets.push_back(words.size() - 1 + at);
    words.insert(words.end(), more.words.begin() + 1, more.words.end());
    copies.insert(copies.end(), more.copies.begin(), more.copies.end());
  }
};

inline void Program::copy(const Copy& c, int wait, int signal, bool sets, std::mt19937& random) {
  const Engine engine = c.store ? Engine::kStore : Engine::kLoad;
  isa::TransferRegisters registers;
  registers.set(isa::dma::kDram, c.dram);
  registers.set(isa::dma::kLocal, c.local);
  registers.set(isa::dma::kWords, c.words);
  registers.set(isa::dma::kRowsLast, c.rows - 1);
  registers.set(isa::dma::kLocalStride, c.local_stride);
  registers.set(isa::dma::kDramStride, c.dram_stride);  // or in reversed order
  if (sets) {
    std::array<int, 4> order{0, 1, 2, 3};
    std::shuffle(order.begin(), order.end(), random);
    for (const int reg : order) {
      if (reg == isa::dma::kDram.reg && !c.from_dmem) dram_sets.push_back(words.size());
      words.push_back(isa::encode_set(engine, reg, registers.value[static_cast<std::size_t>(reg)]));
    }
  }
  run(engine,
      {wait, signal, static_cast<int>(c.target), c.from_dmem ? 1 << isa::dma::kFromDmem : 0});
  copies.push_back(c);
}

inline std::uint64_t draw_memory_base(unsigned seed) {
  std::mt19937_64 random(seed + 17);
  memory_base = (random() & kAddresses) / kMemoryBytes * kMemoryBytes;
  if (TB_AxiAddrBits > 32 && seed % 2 != 0) {
    constexpr std::array<int, 3> kBorders{4096, kProgramBytes + kSourceBytes / 2,
                                          kMemoryBytes - 16 * 4096};
    memory_base = (memory_base >> 32 | 1) << 32;
    memory_base -= static_cast<std::uint64_t>(kBorders[seed / 2 % 3]);
  }
  return memory_base;
}

/// Returns the RUNs of an engine that touch this beat.
inline std::vector<std::uint32_t> runs_that_touch(const Program& p, bool store,
                                                  std::uint64_t beat) {
  std::vector<std::uint32_t> runs;
  std::uint32_t run = 0;
  for (const Copy& c : p.copies) {
    if (c.store != store) continue;
    for (int row = 0; !c.from_dmem && row < c.rows; ++row) {
      const auto first = memory_base + static_cast<std::uint64_t>(c.dram + row * c.dram_stride);
      const std::uint64_t end = first + 4 * static_cast<std::uint64_t>(c.words);
      if (beat < first / kBeatBytes * kBeatBytes || beat >= end) continue;
      runs.push_back(run);
      break;
    }
    ++run;
  }
  return runs;
}

}  // namespace trine::tb::control
