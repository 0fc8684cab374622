// SPDX-License-Identifier: Apache-2.0
//
// Random instructions on the RTL against the architecture simulator: every geometry, flag and
// quantization that the compiler could ask for, and many that it would not. One program loads all
// memories with random bits, runs instructions one after the other (each waits for the one
// before), and stores DMEM.

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <random>

#include "gen/config.h"
#include "sim/arch/machine.h"
#include "sim/rtl/run.h"

using namespace trine;
using isa::Engine;

namespace {

class Generator {
 public:
  Generator(const gen::Config& config, unsigned seed) : config_(config), random_(seed) {
    program_.config = config;
    program_.config_hash = config.hash();
    program_.name = "random";
    program_.layers.push_back({"all", "RANDOM", 0, ""});
    beat_ = config.data_words();
  }

  compiler::Program make(int instructions) {
    const int channels = config_.param_channels;
    // DRAM: first what is loaded, then what is stored.
    std::int64_t at = 0;
    load(isa::dma::Target::kDmem, at, config_.dmem_words());
    at += 4LL * config_.dmem_words();
    const std::int64_t rows =
        config_.pmem_rows() / config_.rows_per_beat() * config_.rows_per_beat();
    load(isa::dma::Target::kPmem, at, config_.pmem_dram_words(rows));
    at += 4 * config_.pmem_dram_words(rows);
    load(isa::dma::Target::kBias, at, channels);
    at += 4LL * channels;
    scales_at_ = at;
    load(isa::dma::Target::kScale, at, 2 * channels);
    at += 8LL * channels;
    for (int i = 0; i < instructions; ++i) draw(3) == 0 ? vector() : compute();
    at = (at + 4095) / 4096 * 4096;
    isa::Registers r;
    r.set(isa::dma::kDram, at);
    r.set(isa::dma::kWords, config_.dmem_words());
    run(Engine::kStore, r, {0, 0, 0, 0});
    program_.words.push_back(isa::kEndWord);
    program_.dram_bytes = at + 4LL * config_.dmem_words();
    program_.dram_bytes = (program_.dram_bytes + 4095) / 4096 * 4096;
    return program_;
  }

  /// Random bits, but scales that the hardware's contract allows.
  std::vector<std::uint8_t> dram() {
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(program_.dram_bytes));
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random_());
    for (int i = 0; i < config_.param_channels; ++i) {
      const std::uint64_t scale = multiplier() | static_cast<std::uint64_t>(shift() & 63) << 31;
      for (int b = 0; b < 8; ++b)
        bytes[static_cast<std::size_t>(scales_at_ + 8 * i + b)] =
            static_cast<std::uint8_t>(scale >> (8 * b));
    }
    // Small biases: the accumulators stay far from 32 bits.
    for (std::int64_t i = 3; i < 4LL * config_.param_channels; i += 4) {
      auto* word = &bytes[static_cast<std::size_t>(scales_at_ - 4LL * config_.param_channels + i)];
      word[0] = word[-1] = (word[-2] & 0x80) ? 0xff : 0;
    }
    return bytes;
  }

  struct Executed {
    Engine engine;
    isa::Registers registers;
    isa::Run run;
  };
  std::vector<Executed> runs;

 private:
  int draw(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  int between(int low, int high) { return low + draw(high - low + 1); }
  std::uint64_t multiplier() { return 1u << 30 | (random_() >> 2); }
  int shift() { return between(-14, 0); }
  int code() { return between(-128, 127); }

  void run(Engine engine, const isa::Registers& r, isa::Run run) {
    // Serial: each RUN waits for a token of the one before.
    if (!runs.empty()) {
      run.wait = 1 << static_cast<int>(runs.back().engine);
      isa::Run& before = runs.back().run;
      before.signal = 1 << static_cast<int>(engine);
      program_.words[last_run_word_] = isa::encode_run(runs.back().engine, before);
    }
    for (int reg = 0; reg < isa::kRegisters; ++reg)
      program_.words.push_back(
          isa::encode_set(engine, reg, r.value[static_cast<std::size_t>(reg)]));
    last_run_word_ = program_.words.size();
    program_.words.push_back(isa::encode_run(engine, run));
    program_.run_layer.push_back(0);
    runs.push_back({engine, r, run});
  }

  void load(isa::dma::Target target, std::int64_t dram, std::int64_t words) {
    isa::Registers r;
    r.set(isa::dma::kDram, dram);
    r.set(isa::dma::kWords, words / beat_ * beat_);
    run(Engine::kLoad, r, {0, 0, static_cast<int>(target), 0});
  }

  struct Shape {
    int H, W, words, pitch, plane, base;
  };

  /// A map anywhere in one half of DMEM.
  Shape place(int half, int H, int W, int words) {
    Shape s{H, W, words, W + draw(4), 0, 0};
    s.plane = H * s.pitch + draw(6);
    const int size = s.plane * words;
    const int room = config_.dmem_words() / 2 - size;
    s.base = room < 0 ? -1 : half * (config_.dmem_words() / 2) + draw(room + 1);
    return s;
  }

  /// The lanes' registers; false if it does not fit.
  bool lanes(isa::Registers& r, int half, int words, int out_words, int R, int S,
             bool window_words) {
    const int U = between(1, 3), V = between(1, 3), dy = between(1, 2), dx = between(1, 2);
    const int H = between(1, 12), W = between(1, 14);
    const int top = draw(R), left = draw(S);
    const int P = between(1, 8), Q = between(1, 11);
    const Shape in = place(half, H, W, words);
    const Shape out = place(1 - half, P, Q, out_words);
    if (in.base < 0 || out.base < 0) return false;
    const int rows = config_.rows;
    const auto address = [](std::int64_t v) { return v & 0xffffff; };
    r.set(isa::agu::kBase, address(in.base - std::int64_t{top} * in.pitch - left));
    r.set(isa::agu::kRowWrap, address(V * in.pitch - Q * U));
    r.set(isa::agu::kTileBase, address(rows / Q * V * in.pitch + rows % Q * U));
    r.set(isa::agu::kKxStep, dx);
    r.set(isa::agu::kKyStep, address(dy * in.pitch - (S - 1) * dx));
    r.set(isa::agu::kCwStep, address(in.plane - (R - 1) * dy * in.pitch - (S - 1) * dx));
    r.set(isa::agu::kXStart, -left);
    r.set(isa::agu::kXEnd, -left + Q * U);
    r.set(isa::agu::kYStart, -top);
    r.set(isa::agu::kYEnd, -top + P * V);
    r.set(isa::agu::kHeight, H);
    r.set(isa::agu::kWidth, W);
    r.set(isa::agu::kTileX, rows % Q * U);
    r.set(isa::agu::kTileY, rows / Q * V);
    r.set(isa::agu::kStrideX, U);
    r.set(isa::agu::kStrideY, V);
    r.set(isa::agu::kSLast, S - 1);
    r.set(isa::agu::kRLast, R - 1);
    r.set(isa::agu::kDilX, dx);
    r.set(isa::agu::kDilY, dy);
    r.set(isa::agu::kWordsLast, words - 1);
    r.set(isa::agu::kTilesLast, (P * Q + rows - 1) / rows - 1);
    r.set(isa::agu::kOut, out.base);
    r.set(isa::agu::kOutWrap, out.pitch - Q);
    r.set(isa::agu::kTileOut, rows / Q * out.pitch + rows % Q);
    r.set(isa::agu::kOutPlane, out.plane);
    // The residual lies in the input's half, in a map of the output's shape.
    const Shape residual{P, Q, out_words, out.pitch, out.plane, 0};
    const int room = config_.dmem_words() / 2 - residual.plane * out_words;
    const int base = half * (config_.dmem_words() / 2) + draw(room + 1);
    r.set(isa::post::kResidualDelta, address(base - out.base));
    (void)window_words;
    return true;
  }

  void quantization(isa::Registers& r) {
    const auto range = [&](const isa::Field& low, const isa::Field& high) {
      const int a = code(), b = code();
      r.set(low, draw(3) == 0 ? std::min(a, b) : -128);
      r.set(high, draw(3) == 0 ? std::max(a, b) : 127);
    };
    r.set(isa::post::kPadCode, code());
    r.set(isa::post::kZeroPoint, code());
    range(isa::post::kActMin, isa::post::kActMax);
    r.set(isa::post::kMultiplier, static_cast<std::int64_t>(multiplier()));
    r.set(isa::post::kShift, shift());
    r.set(isa::post::kAddOperandMultiplier, static_cast<std::int64_t>(multiplier()));
    r.set(isa::post::kAddOperandShift, between(-6, 0));
    r.set(isa::post::kAddAIsHalf, draw(2));
    r.set(isa::post::kAddZeroA, code());
    r.set(isa::post::kAddZeroB, code());
    r.set(isa::post::kAddMultiplier, static_cast<std::int64_t>(multiplier()));
    r.set(isa::post::kAddShift, between(-21, -17));
    r.set(isa::post::kAddZeroPoint, code());
    range(isa::post::kAddActMin, isa::post::kAddActMax);
  }

  void compute() {
    isa::Registers r;
    const int words = between(1, 5), R = between(1, 3), S = between(1, 3);
    const int first_byte = draw(4) == 0 ? draw(4) : 0;
    const int channels = between(1, 3 * config_.cols + 1);
    const int groups = (channels + config_.cols - 1) / config_.cols;
    const int out_words = (first_byte + channels + 3) / 4;
    if (groups * words * R * S > config_.pmem_rows() || channels > config_.param_channels) return;
    if (!lanes(r, draw(2), words, out_words, R, S, false)) return;
    quantization(r);
    r.set(isa::agu::kGroupsLast, groups - 1);
    r.set(isa::compute::kRow, draw(config_.pmem_rows() - groups * words * R * S + 1));
    r.set(isa::compute::kParam, draw(config_.param_channels - channels + 1));
    r.set(isa::compute::kChannels, channels);
    r.set(isa::post::kPosition, first_byte);
    int flags = 1 << isa::compute::kClear | 1 << isa::compute::kDrain;
    if (draw(3) == 0) flags |= 1 << isa::compute::kFuseAdd;
    if (draw(3) == 0) flags |= 1 << isa::compute::kPerTensor;
    if (draw(3) == 0) flags |= 1 << isa::compute::kSingle;
    const bool pieces = groups == 1 && r.get(isa::agu::kTilesLast) == 0 && draw(2) == 0;
    if (pieces) {  // the reduction twice: first without results, then on top of it
      run(Engine::kCompute, r, {0, 0, 0, 1 << isa::compute::kClear});
      flags &= ~(1 << isa::compute::kClear);
    }
    run(Engine::kCompute, r, {0, 0, 0, flags});
  }

  void vector() {
    isa::Registers r;
    const auto op = static_cast<isa::vector::Op>(draw(3));
    const int words = between(1, 4);
    const bool add = op == isa::vector::Op::kAdd;
    const int R = add ? 1 : between(1, 3), S = add ? 2 : between(1, 3);
    if (!lanes(r, draw(2), words, words, R, S, true)) return;
    quantization(r);
    int flags = draw(3) == 0 ? 1 << isa::vector::kSingle : 0;
    if (op == isa::vector::Op::kSum && draw(2) == 0) {
      flags |= 1 << isa::vector::kReduce;
      r.set(isa::post::kPadCode, 0);
      r.set(isa::agu::kTilesLast, 0);
    }
    r.set(isa::vector::kBias, between(-3000, 3000));
    run(Engine::kVector, r, {0, 0, static_cast<int>(op), flags});
  }

  gen::Config config_;
  std::mt19937 random_;
  compiler::Program program_;
  int beat_ = 2;
  std::int64_t scales_at_ = 0;
  std::size_t last_run_word_ = 0;
};

gen::Config small(int rows, int cols, int axi_data_bits) {
  gen::Config config;
  config.name = fmt::format("random{}x{}", rows, cols);
  config.rows = rows;
  config.cols = cols;
  config.dmem_kib = rows > 8 ? 16 : 8;
  config.pmem_kib = 8;
  config.param_channels = 128;
  config.axi_data_bits = axi_data_bits;
  config.pipeline_rows = config.pipeline_cols = 4;
  gen::check(config);
  return config;
}

}  // namespace

TEST_CASE("random instructions give the same memory on RTL and architecture simulator",
          "[random][rtl]") {
  struct Size {
    int rows, cols, axi;
  };
  const auto size = GENERATE(Size{3, 5, 64}, Size{4, 4, 64}, Size{1, 1, 32}, Size{8, 8, 128});
  const char* chosen = std::getenv("TRINE_RANDOM_SIZE");  // RxC, for repeating a failure
  if (chosen != nullptr && fmt::format("{}x{}", size.rows, size.cols) != chosen) return;
  const gen::Config config = small(size.rows, size.cols, size.axi);
  const char* first = std::getenv("TRINE_RANDOM_SEED");
  const char* count = std::getenv("TRINE_RANDOM_COUNT");
  const unsigned seed0 = first != nullptr ? static_cast<unsigned>(std::stoul(first)) : 1;
  const unsigned seeds = count != nullptr ? static_cast<unsigned>(std::stoul(count)) : 4;
  for (unsigned seed = seed0; seed < seed0 + seeds; ++seed) {
    CAPTURE(size.rows, size.cols, seed);
    Generator generator(config, seed);
    const compiler::Program program = generator.make(30);
    std::vector<std::uint8_t> expected = generator.dram();
    std::vector<std::uint8_t> actual = expected;

    sim::RtlOptions options;
    options.lockstep = std::getenv("TRINE_RANDOM_LOCKSTEP") != nullptr;
    options.build.assertions = true;
    options.build.quiet = true;
    options.max_cycles = 2'000'000;
    options.stall_percent = seed % 2 == 0 ? 30 : 0;
    options.seed = seed;
    sim::RtlRunner rtl(program, options);
    rtl.run_dram(actual);

    sim::Machine machine(config, expected);
    int index = 0;
    for (const auto& run : generator.runs)
      machine.execute(run.engine, run.registers, run.run, index++);
    std::size_t at = 0;
    while (at < expected.size() && expected[at] == actual[at]) ++at;
    CAPTURE(at);
    REQUIRE(at == expected.size());
  }
}
