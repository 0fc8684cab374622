// SPDX-License-Identifier: Apache-2.0

#include "tests/programs/tiny_program.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <random>

#include "sw/base/division.h"
#include "sw/reference/requantize.h"

namespace trine::sim {
namespace {

using isa::Engine;
namespace agu = isa::agu;
namespace post = isa::post;

constexpr int kHeight = 3, kWidth = 5, kPixels = kHeight * kWidth;
constexpr int kInputs = 4;   // one channel word
constexpr int kOutputs = 6;  // two channel words, the second one partly used
constexpr int kOutputWords = 2, kTaps = 9;
constexpr int kInputZero = -3, kMaximumMin = -128;
const reference::OutputRange kRange{5, -120, 100};

// DMEM, in words; all areas start at a full beat.
constexpr int kInputAt = 64, kResultAt = 128, kMaximumAt = 256;
// DRAM, in bytes.
constexpr int kInputDram = 0, kBiasDram = 512, kScaleDram = 1024, kWeightDram = 2048;
constexpr int kResultDram = 8192, kMaximumDram = 8704, kDramBytes = 12288;

struct Data {
  std::int8_t input[kPixels][kInputs];
  std::int8_t weights[kOutputs][kTaps][kInputs];
  std::int32_t bias[kOutputs];
  reference::ChannelScale scale[kOutputs];
  std::int8_t result[kOutputs][kPixels], maximum[kOutputs][kPixels];
};

Data draw(std::uint32_t seed) {
  Data d{};
  std::mt19937 random(seed);
  const auto byte = [&random] { return static_cast<std::int8_t>(random() >> 24); };
  for (auto& pixel : d.input)
    for (auto& code : pixel) code = byte();
  for (auto& channel : d.weights)
    for (auto& tap : channel)
      for (auto& weight : tap) weight = byte();
  for (int m = 0; m < kOutputs; ++m) {
    d.bias[m] = static_cast<std::int32_t>(random() % 20000) - 10000;
    d.scale[m] = {static_cast<std::int32_t>(random() >> 1 | 1u << 30),
                  -static_cast<int>(8 + random() % 3)};
  }
  return d;
}

/// Calls visit(tap, pixel index or -1 outside) for the 3x3 window around a pixel.
template <typename Visit>
void window(int pixel, const Visit& visit) {
  for (int tap = 0; tap < kTaps; ++tap) {
    const int y = pixel / kWidth + tap / 3 - 1, x = pixel % kWidth + tap % 3 - 1;
    const bool inside = y >= 0 && y < kHeight && x >= 0 && x < kWidth;
    visit(tap, inside ? y * kWidth + x : -1);
  }
}

void compute(Data& d) {
  for (int m = 0; m < kOutputs; ++m)
    for (int p = 0; p < kPixels; ++p) {
      std::int32_t acc = d.bias[m];
      window(p, [&](int tap, int at) {
        for (int c = 0; c < kInputs; ++c)
          acc += d.weights[m][tap][c] * (at < 0 ? kInputZero : d.input[at][c]);
      });
      d.result[m][p] = static_cast<std::int8_t>(reference::requantize(acc, d.scale[m], kRange));
    }
  for (int m = 0; m < kOutputs; ++m)
    for (int p = 0; p < kPixels; ++p) {
      std::int8_t maximum = kMaximumMin;
      window(p,
             [&](int, int at) { maximum = std::max(maximum, at < 0 ? maximum : d.result[m][at]); });
      d.maximum[m][p] = maximum;
    }
}

/// Returns a DMEM load or store of `words` consecutive words, or a load into another memory.
isa::TransferRegisters copy(int dram, int local, int words) {
  isa::TransferRegisters r;
  r.set(isa::dma::kDram, dram);
  r.set(isa::dma::kLocal, local);
  r.set(isa::dma::kWords, words);
  return r;
}

/// Returns the lanes, window and padding that convolution and maximum share.
isa::LaneRegisters window_registers(int rows, int in, int out) {
  isa::LaneRegisters r;
  r.set_address(agu::kBase, in - kWidth - 1);
  r.set(agu::kTileBase, rows);  // pitch == width: pixels are neighbours
  r.set(agu::kKxStep, 1);
  r.set(agu::kKyStep, kWidth - 2);
  r.set_address(agu::kCwStep, kPixels - 2 * kWidth - 2);
  r.set(agu::kXStart, -1);
  r.set(agu::kXEnd, kWidth - 1);
  r.set(agu::kYStart, -1);
  r.set(agu::kYEnd, kHeight - 1);
  r.set(agu::kHeight, kHeight);
  r.set(agu::kWidth, kWidth);
  r.set(agu::kTileX, rows % kWidth);
  r.set(agu::kTileY, rows / kWidth);
  r.set(agu::kStrideX, 1);
  r.set(agu::kStrideY, 1);
  r.set(agu::kSLast, 2);
  r.set(agu::kRLast, 2);
  r.set(agu::kDilX, 1);
  r.set(agu::kDilY, 1);
  r.set(agu::kTilesLast, divide_up(kPixels, rows) - 1);
  r.set(agu::kOut, out);
  r.set(agu::kTileOut, rows);
  r.set(agu::kOutPlane, kPixels);
  return r;
}

isa::ComputeRegisters convolution(const spec::Config& config) {
  isa::ComputeRegisters r(window_registers(config.rows, kInputAt, kResultAt));
  r.set(agu::kGroupsLast, divide_up(kOutputs, config.cols) - 1);
  r.set(post::kPadCode, kInputZero);
  r.set(post::kZeroPoint, kRange.zero_point);
  r.set(post::kActMin, kRange.act_min);
  r.set(post::kActMax, kRange.act_max);
  r.set(isa::compute::kChannels, kOutputs);
  return r;
}

isa::LaneRegisters maximum(const spec::Config& config) {
  isa::LaneRegisters r = window_registers(config.rows, kResultAt, kMaximumAt);
  r.set(agu::kWordsLast, kOutputWords - 1);
  r.set(post::kPadCode, kMaximumMin);
  r.set(post::kActMin, -128);
  r.set(post::kActMax, 127);
  return r;
}

void put32(std::vector<std::uint8_t>& dram, int at, std::uint32_t value) {
  std::memcpy(dram.data() + at, &value, sizeof value);
}

/// Stores an int8 map [channel][pixel] as planar words; bytes after the last channel are zero.
void put_map(std::vector<std::uint8_t>& dram, int at, const std::int8_t (&map)[kOutputs][kPixels]) {
  for (int m = 0; m < kOutputs; ++m)
    for (int p = 0; p < kPixels; ++p)
      dram[static_cast<std::size_t>(at + 4 * (m / 4 * kPixels + p) + m % 4)] =
          static_cast<std::uint8_t>(map[m][p]);
}

std::vector<std::uint8_t> dram_image(const spec::Config& config, const Data& d) {
  std::vector<std::uint8_t> dram(kDramBytes, 0);
  std::memcpy(dram.data() + kInputDram, d.input, sizeof d.input);
  for (int m = 0; m < kOutputs; ++m) {
    put32(dram, kBiasDram + 4 * m, static_cast<std::uint32_t>(d.bias[m]));
    const auto multiplier = static_cast<std::uint32_t>(d.scale[m].multiplier);
    const auto shift = static_cast<std::uint32_t>(d.scale[m].shift) & 63;
    put32(dram, kScaleDram + 8 * m, multiplier | shift << 31);
    put32(dram, kScaleDram + 8 * m + 4, shift >> 1);
    for (int tap = 0; tap < kTaps; ++tap) {
      const int row = m / config.cols * kTaps + tap;
      std::memcpy(dram.data() + kWeightDram + 4 * (row * config.cols + m % config.cols),
                  d.weights[m][tap], kInputs);
    }
  }
  return dram;
}

void write_words(const spec::Config& config, compiler::Program& program) {
  const int weight_rows = divide_up(kOutputs, config.cols) * kTaps;
  const int map_words = kOutputWords * kPixels;
  isa::Encoder encoder(program.config_hash);
  const auto run = [&](Engine engine, const isa::Registers& registers, auto op, int flags,
                       unsigned wait, unsigned signal) {
    encoder.run(engine, registers,
                {static_cast<int>(wait), static_cast<int>(signal), static_cast<int>(op), flags});
    program.run_layer.push_back(engine == Engine::kLoad || engine == Engine::kCompute ? 0 : 1);
  };
  const auto load = [&](isa::dma::Target target, int dram, int local, int words, unsigned signal) {
    run(Engine::kLoad, copy(dram, local, words), target, 0, 0, signal);
  };
  const unsigned store = isa::engine_bit(Engine::kStore);
  using isa::dma::Target;
  load(Target::kDmem, kInputDram, kInputAt, kPixels, 0);
  load(Target::kPmem, kWeightDram, 0, weight_rows * config.cols, 0);
  load(Target::kBias, kBiasDram, 0, round_up(kOutputs, config.data_words()), 0);
  load(Target::kScale, kScaleDram, 0, round_up(2 * kOutputs, config.data_words()), isa::kCompute);
  run(Engine::kCompute, convolution(config), isa::compute::Op::kInt8,
      1 << isa::compute::kClear | 1 << isa::compute::kDrain, isa::kLoads, isa::kVector | store);
  run(Engine::kVector, maximum(config), isa::vector::Op::kMax, 0, isa::kCompute, store);
  run(Engine::kStore, copy(kResultDram, kResultAt, map_words), 0, 0, isa::kCompute, 0);
  // Without the last word, so that a beat has bytes without a strobe.
  run(Engine::kStore, copy(kMaximumDram, kMaximumAt, map_words - 1), 0, 0, isa::kVector, 0);
  program.words = encoder.end();
}

}  // namespace

TinyProgram tiny_program(const spec::Config& config, std::uint32_t seed) {
  assert(config.cols % config.data_words() == 0);
  Data data = draw(seed);
  compute(data);
  TinyProgram tiny;
  tiny.dram = dram_image(config, data);
  tiny.expected = tiny.dram;
  put_map(tiny.expected, kResultDram, data.result);
  put_map(tiny.expected, kMaximumDram, data.maximum);
  put32(tiny.expected, kMaximumDram + 4 * (kOutputWords * kPixels - 1), 0);

  compiler::Program& program = tiny.program;
  program.config = config;
  program.config_hash = config.hash();
  program.name = "tiny";
  program.image = tiny.dram;
  program.dram_bytes = kDramBytes;
  program.layers = {
      {"convolution", "CONV_2D", std::int64_t{kPixels} * kTaps * kInputs * kOutputs, ""},
      {"maximum", "MAX_POOL_2D", 0, ""}};
  write_words(config, program);
  return tiny;
}

}  // namespace trine::sim
