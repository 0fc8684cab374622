// SPDX-License-Identifier: Apache-2.0
//
// Tests trine_vmm: products of a matrix and vectors against plain loops, on the architecture
// simulator and on the RTL.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "sw/base/catch.h"
#include "sw/base/division.h"
#include "sw/base/file.h"
#include "sw/reference/requantize.h"
#include "sw/runtime/examples/accelerator_vmm.h"
#include "tests/programs/random_program.h"
#include "tests/programs/simulated_device.h"
#include "tools/random/testing.h"

using namespace trine;
using namespace trine::tests;

namespace {

/// A matrix with its values, and vectors for it.
struct Product {
  trine_vmm_matrix matrix{};
  std::vector<std::int8_t> weights, shifts, inputs;
  std::vector<std::int32_t> bias, multipliers;
  std::uint32_t count = 1;

  /// Sets the pointers to the current values.
  void point() {
    matrix.weights = weights.data();
    matrix.bias = bias.empty() ? nullptr : bias.data();
    matrix.multipliers = multipliers.empty() ? nullptr : multipliers.data();
    matrix.shifts = shifts.data();
    matrix.scales = static_cast<std::uint32_t>(multipliers.size());
  }
};

enum class Scales { kSums, kOne, kEach };

class Draw {
 public:
  explicit Draw(unsigned seed) : random_(seed) {}
  int number(int low, int high) { return std::uniform_int_distribution(low, high)(random_); }

  Product product(int outputs, int inputs, int count, std::uint32_t precision, Scales scales) {
    Product p;
    p.count = static_cast<std::uint32_t>(count);
    p.matrix.outputs = static_cast<std::uint32_t>(outputs);
    p.matrix.inputs = static_cast<std::uint32_t>(inputs);
    p.matrix.vectors = static_cast<std::uint32_t>(number(1, count));
    p.matrix.precision = precision;
    p.weights.resize(p.matrix.outputs * p.matrix.inputs);
    for (std::int8_t& w : p.weights) w = weight(precision);
    p.inputs.resize(p.count * p.matrix.inputs);
    for (std::int8_t& x : p.inputs) x = code();
    if (number(0, 3) != 0)
      for (int m = 0; m < outputs; ++m) p.bias.push_back(number(-200'000, 200'000));
    p.matrix.input_zero_point = number(0, 1) == 0 ? 0 : code();
    if (scales != Scales::kSums) {
      // Scales sums of this spread to codes.
      const double spread = std::sqrt(inputs) * (precision == TRINE_VMM_INT8 ? 74.0 * 74 : 74);
      for (int m = 0; m < (scales == Scales::kEach ? outputs : 1); ++m) {
        const auto scale = reference::quantize_scale(number(50, 150) / spread);
        p.multipliers.push_back(scale.multiplier);
        p.shifts.push_back(static_cast<std::int8_t>(scale.shift));
      }
      p.matrix.output_zero_point = code();
      p.matrix.act_min = number(0, 1) == 0 ? -128 : number(-128, 127);
      p.matrix.act_max = number(0, 1) == 0 ? 127 : number(p.matrix.act_min, 127);
      p.matrix.rounding = static_cast<std::uint32_t>(number(0, 2));
    }
    return p;
  }

 private:
  std::int8_t code() { return static_cast<std::int8_t>(number(-128, 127)); }
  std::int8_t weight(std::uint32_t precision) {
    if (precision == TRINE_VMM_INT8) return code();
    if (precision == TRINE_VMM_TERNARY) return static_cast<std::int8_t>(number(-1, 1));
    return number(0, 1) == 0 ? std::int8_t{-1} : std::int8_t{1};
  }
  std::mt19937 random_;
};

/// Computes the result as the header defines it, element by element.
std::vector<std::int32_t> expected(const Product& p) {
  static constexpr reference::Rounding kRoundings[] = {
      reference::Rounding::kDouble, reference::Rounding::kSingle, reference::Rounding::kHalfEven};
  const trine_vmm_matrix& m = p.matrix;
  std::vector<std::int32_t> outputs;
  for (std::size_t n = 0; n < p.count; ++n)
    for (std::size_t o = 0; o < m.outputs; ++o) {
      std::int64_t sum = p.bias.empty() ? 0 : p.bias[o];
      for (std::size_t k = 0; k < m.inputs; ++k)
        sum += p.weights[o * m.inputs + k] * (p.inputs[n * m.inputs + k] - m.input_zero_point);
      const auto acc = reference::wrap(sum);
      const std::size_t s = p.multipliers.size() == 1 ? 0 : o;
      outputs.push_back(p.multipliers.empty()
                            ? acc
                            : reference::requantize(acc, {p.multipliers[s], p.shifts[s]},
                                                    {m.output_zero_point, m.act_min, m.act_max},
                                                    kRoundings[m.rounding]));
    }
  return outputs;
}

constexpr std::uint64_t kAt = 0x1080;  // of the matrix; the memory around it must not change

struct Prepared {
  trine_design design;
  std::size_t bytes = 0;
  SimulatedDevice device;
  trine_vmm_weights weights{};

  static std::size_t bytes_of(const trine_design& design, Product& p) {
    std::size_t bytes = 0;
    p.point();
    REQUIRE(trine_vmm_bytes(&design, &p.matrix, &bytes) == TRINE_OK);
    return bytes;
  }
  Prepared(const spec::Config& config, Product& p,
           const std::optional<sim::RtlOptions>& rtl = std::nullopt)
      : design(design_of(config)),
        bytes(bytes_of(design, p)),
        device(config, (kAt + bytes + 8191) / 4096 * 4096, rtl) {
    std::fill(device.memory.begin(), device.memory.end(), std::uint8_t{0xa5});
    device.share();
    REQUIRE(trine_vmm_prepare(device.handle(), &design, &p.matrix, kAt, bytes, &weights) ==
            TRINE_OK);
  }

  std::vector<std::int32_t> run(const Product& p) {
    const std::size_t elements = p.count * p.matrix.outputs;
    std::vector<std::int32_t> sums(elements);
    std::vector<std::int8_t> codes(elements);
    void* outputs = weights.sums != 0 ? static_cast<void*>(sums.data()) : codes.data();
    const int code = trine_vmm(device.handle(), p.inputs.data(), &weights, outputs, p.count, 1);
    CAPTURE(device.error);
    REQUIRE(code == TRINE_OK);
    const auto untouched = [](std::uint8_t byte) { return byte == 0xa5; };
    CHECK(std::all_of(device.memory.begin(), device.memory.begin() + kAt, untouched));
    CHECK(std::all_of(device.memory.begin() + static_cast<std::ptrdiff_t>(kAt + bytes),
                      device.memory.end(), untouched));
    return weights.sums != 0 ? sums : std::vector<std::int32_t>(codes.begin(), codes.end());
  }
};

void check(const spec::Config& config, Product p,
           const std::optional<sim::RtlOptions>& rtl = std::nullopt) {
  const trine_vmm_matrix& m = p.matrix;
  CAPTURE(config.to_toml(), m.outputs, m.inputs, p.count, m.vectors, m.precision, m.scales,
          p.multipliers.size());
  Prepared prepared(config, p, rtl);
  const auto actual = prepared.run(p), wanted = expected(p);
  const auto at = std::mismatch(wanted.begin(), wanted.end(), actual.begin()).first;
  if (at != wanted.end()) {
    const auto i = static_cast<std::size_t>(at - wanted.begin());
    FAIL("vector " << i / m.outputs << ", output " << i % m.outputs << ": " << actual[i]
                   << " instead of " << *at);
  }
  CHECK(prepared.device.programs ==
        (p.count + prepared.weights.vectors - 1) / prepared.weights.vectors);
}

spec::Config low_bit(spec::Config config) {
  config.ternary = config.binary = true;
  return config;
}

/// Draws sizes, precision and outputs; large ones are rare.
Product random_product(Draw& draw) {
  const bool large = draw.number(0, 9) == 0;
  const int inputs = draw.number(1, large ? 3000 : 300),
            outputs = draw.number(1, large ? 1100 : 90);
  return draw.product(outputs, inputs, draw.number(1, draw.number(0, 1) == 0 ? 1 : 20),
                      static_cast<std::uint32_t>(draw.number(0, 2)),
                      static_cast<Scales>(draw.number(0, 2)));
}

}  // namespace

TEST_CASE("products of any size equal plain loops on designs of any size", "[vmm][arch]") {
  for (unsigned seed = 1; seed <= 150; ++seed) {
    CAPTURE(seed);
    fuzz::Builder b(seed);
    Draw draw(seed);
    spec::Config config = low_bit(fuzz::random_config(b));
    if (seed % 3 == 0) config.pmem_kib = (config.cols + 3) / 4;  // pieces with few inputs
    if (seed % 5 == 0) config.param_channels = 64;
    spec::check(config);
    check(config, random_product(draw));
  }
}

TEST_CASE("products on the presets are exact for many numbers of inputs and outputs",
          "[vmm][arch]") {
  for (const char* preset : {"edge32", "edge64", "edge256"}) {
    Draw draw(7);
    const spec::Config config = spec::load_config(preset);
    check(config, draw.product(1100, 3000, 1, TRINE_VMM_INT8, Scales::kEach));
    check(config, draw.product(1, 1, 1, TRINE_VMM_INT8, Scales::kEach));
    check(config, draw.product(10, 1000, 20, TRINE_VMM_INT8, Scales::kSums));
    check(config, draw.product(999, 785, 3, TRINE_VMM_TERNARY, Scales::kOne));
    check(config, draw.product(301, 1023, 2, TRINE_VMM_BINARY, Scales::kEach));
  }
}

TEST_CASE("products on the RTL are exact with slow and stalling memory", "[vmm][rtl]") {
  sim::RtlOptions options;
  options.build.optimization = 1;  // the designs of random_program_test
  options.build.assertions = options.build.quiet = true;
  options.max_cycles = 20'000'000;
  for (const RandomDesign& design :
       {RandomDesign{18, 20, 32, 8, 8, true, 2, false, 32, false, 0, 2, true},
        RandomDesign{3, 5, 64, 2, 4, true, 2}})
    for (unsigned seed = 1; seed <= 10; ++seed) {
      CAPTURE(seed);
      Draw draw(seed);
      options.seed = seed;
      options.axi_latency = seed % 2 == 0 ? 100 : 3;
      options.stall_percent = seed % 3 == 0 ? 30 : 0;
      // Pieces of inputs, because PMEM has 8 KiB; blocks of parameters, because there are 128.
      const int inputs = seed == 1 ? 1500 : draw.number(1, seed > 5 ? 40 : 300);
      const int outputs = draw.number(seed > 5 ? 200 : 1, seed > 5 ? 400 : 60);
      check(config_of(design),
            draw.product(outputs, inputs, draw.number(1, 9), seed % 3,
                         static_cast<Scales>(seed / 3 % 3)),
            options);
    }
}

TEST_CASE("each refused product has its own error code and writes nothing", "[vmm][error]") {
  const spec::Config config = spec::load_config("edge64");
  const trine_design design = design_of(config);
  Draw draw(1);
  const Product good = draw.product(20, 30, 1, TRINE_VMM_TERNARY, Scales::kEach);
  SimulatedDevice device(config, 1 << 16);
  trine_vmm_weights weights{};
  std::size_t needed = 0;
  const auto prepare = [&](Product p, const trine_design& d, std::uint64_t at, std::size_t bytes) {
    return trine_vmm_prepare(device.handle(), &d, &p.matrix, at, bytes, &weights);
  };
  const auto with = [&](auto change) {
    Product p = good;
    p.point();
    change(p);
    return prepare(p, design, 0, 1 << 16);
  };
  const auto unlike = [&](auto change) {
    Product p = good;
    p.point();
    trine_design other = design;
    change(other);
    return prepare(p, other, 0, 1 << 16);
  };
  REQUIRE(with([](Product&) {}) == TRINE_OK);
  const std::vector<std::uint8_t> before = device.memory;

  int row = 0;
  for (const int code :
       {with([](Product& p) { p.matrix.outputs = 0; }),
        with([](Product& p) { p.matrix.outputs = 65536; }),
        with([](Product& p) { p.matrix.inputs = 0; }),
        with([](Product& p) { p.matrix.inputs = 65536; }),
        with([](Product& p) { p.matrix.vectors = 0; }),
        with([](Product& p) { p.matrix.precision = 3; }),
        with([](Product& p) { p.matrix.input_zero_point = 128; }),
        with([](Product& p) { p.matrix.output_zero_point = -129; }),
        with([](Product& p) { p.matrix.act_min = p.matrix.act_max + 1; }),
        with([](Product& p) { p.matrix.act_max = 128; }),
        with([](Product& p) { p.matrix.rounding = 3; }),
        with([](Product& p) { p.matrix.scales = 19; }),
        with([](Product& p) { p.matrix.shifts = nullptr; }),
        with([](Product& p) { p.shifts[19] = 31; }), with([](Product& p) { p.shifts[0] = -32; }),
        with([](Product& p) { p.multipliers[19] = -1; })}) {
    CAPTURE(row++);
    CHECK(code == TRINE_E_ARGUMENT);
  }
  Product p = good;
  p.point();
  CHECK(prepare(p, design, 64, 1 << 14) == TRINE_E_ARGUMENT);
  CHECK(prepare(p, design, std::uint64_t{1} << 40, 1 << 14) == TRINE_E_ARGUMENT);
  CHECK(trine_vmm_bytes(nullptr, &p.matrix, &needed) == TRINE_E_ARGUMENT);
  CHECK(trine_vmm_bytes(&design, nullptr, &needed) == TRINE_E_ARGUMENT);
  CHECK(trine_vmm_bytes(&design, &p.matrix, nullptr) == TRINE_E_ARGUMENT);
  CHECK(trine_vmm_prepare(nullptr, &design, &p.matrix, 0, 1 << 16, &weights) == TRINE_E_ARGUMENT);
  CHECK(trine_vmm_prepare(device.handle(), &design, &p.matrix, 0, 1 << 16, nullptr) ==
        TRINE_E_ARGUMENT);

  REQUIRE(trine_vmm_bytes(&design, &p.matrix, &needed) == TRINE_OK);
  CHECK(prepare(p, design, 0, needed - 1) == TRINE_E_SIZE);
  CHECK(prepare(p, design, 1 << 15, 1 << 16) == TRINE_OK);
  CHECK(prepare(p, design, 1 << 16, 1 << 16) == TRINE_E_ACCESS);
  CHECK(prepare(p, design, (std::uint64_t{1} << 40) - 128, 1 << 16) == TRINE_E_SIZE);
  CHECK(unlike([](trine_design& d) { d.precisions = 1; }) == TRINE_E_FEATURE);
  CHECK(unlike([](trine_design& d) { d.precisions = 2; }) == TRINE_E_FEATURE);  // no int8 inputs
  CHECK(unlike([](trine_design& d) { d.hash ^= 1; }) == TRINE_E_CONFIGURATION);
  CHECK(unlike([](trine_design& d) { d.dmem_words = 12; }) == TRINE_E_SIZE);
  std::fill(device.memory.begin() + (1 << 15), device.memory.end(), std::uint8_t{0});
  CHECK(device.memory == before);

  CHECK(with([](Product& q) { q.weights[599] = 2; }) == TRINE_E_ARGUMENT);
  CHECK(with([](Product& q) { q.matrix.precision = TRINE_VMM_BINARY; }) == TRINE_E_ARGUMENT);
}

TEST_CASE("a call without vectors or on a dead device returns an error", "[vmm][error]") {
  Draw draw(2);
  Product p = draw.product(5, 9, 3, TRINE_VMM_INT8, Scales::kOne);
  Prepared prepared(spec::load_config("edge32"), p);
  std::vector<std::int8_t> outputs(15);
  const auto call = [&](trine_device* device, const std::int8_t* inputs,
                        const trine_vmm_weights* weights, void* to, std::uint32_t count) {
    return trine_vmm(device, inputs, weights, to, count, 1);
  };
  trine_device* const device = prepared.device.handle();
  const trine_vmm_weights* const weights = &prepared.weights;
  CHECK(call(nullptr, p.inputs.data(), weights, outputs.data(), 3) == TRINE_E_ARGUMENT);
  CHECK(call(device, nullptr, weights, outputs.data(), 3) == TRINE_E_ARGUMENT);
  CHECK(call(device, p.inputs.data(), nullptr, outputs.data(), 3) == TRINE_E_ARGUMENT);
  CHECK(call(device, p.inputs.data(), weights, nullptr, 3) == TRINE_E_ARGUMENT);
  CHECK(call(device, p.inputs.data(), weights, outputs.data(), 0) == TRINE_E_ARGUMENT);
  prepared.device.memory[weights->program_address] ^= 1;  // another configuration's hash
  prepared.device.share();
  CHECK(call(device, p.inputs.data(), weights, outputs.data(), 3) == TRINE_E_DEVICE);
  prepared.device.memory.resize(kAt);
  CHECK(call(device, p.inputs.data(), weights, outputs.data(), 3) == TRINE_E_ACCESS);
}

TEST_CASE("sums that could leave a short accumulator are refused, others are not", "[vmm][error]") {
  spec::Config config = fuzz::small_config(2, 4, 16, 16, 64);
  config.acc_bits = 20;
  Draw draw(3);
  // 32 * 128 * 128 = 2^19, one more than 20 bits can represent.
  Product p = draw.product(1, 32, 1, TRINE_VMM_INT8, Scales::kSums);
  p.bias.clear();
  std::fill(p.weights.begin(), p.weights.end(), std::int8_t{-128});
  std::fill(p.inputs.begin(), p.inputs.end(), std::int8_t{-128});
  const trine_design design = design_of(config);
  SimulatedDevice device(config, 1 << 16);
  trine_vmm_weights weights{};
  p.point();
  CHECK(trine_vmm_prepare(device.handle(), &design, &p.matrix, 0, 1 << 16, &weights) ==
        TRINE_E_SIZE);
  p.weights[7] = -127;
  check(config, p);
  // 4,100 * -128: only the negative sum does not fit.
  std::fill(p.weights.begin(), p.weights.end(), std::int8_t{127});
  check(config, p);
  p.matrix.inputs = 33;
  p.weights.assign(33, 127);
  p.weights[32] = 36;
  p.point();
  CHECK(trine_vmm_prepare(device.handle(), &design, &p.matrix, 0, 1 << 16, &weights) ==
        TRINE_E_SIZE);
}

TEST_CASE("packed weights can move to another address unchanged", "[vmm]") {
  const spec::Config config = spec::load_config("edge32");
  Draw draw(5);
  Product p = draw.product(37, 130, 2, TRINE_VMM_INT8, Scales::kEach);
  Prepared first(config, p), second(config, p);
  const auto moved = static_cast<std::ptrdiff_t>(first.bytes + 127) / 128 * 128;
  second.device.memory.resize(second.device.memory.size() + static_cast<std::size_t>(moved));
  const auto from = first.device.memory.begin() + static_cast<std::ptrdiff_t>(kAt);
  std::copy_n(from, first.bytes,
              second.device.memory.begin() + static_cast<std::ptrdiff_t>(kAt) + moved);
  std::fill_n(second.device.memory.begin() + static_cast<std::ptrdiff_t>(kAt), first.bytes,
              std::uint8_t{0});
  second.device.share();
  p.matrix.weights = nullptr;
  REQUIRE(trine_vmm_prepare(second.device.handle(), &second.design, &p.matrix,
                            kAt + static_cast<std::uint64_t>(moved), second.bytes,
                            &second.weights) == TRINE_OK);
  p.point();
  std::vector<std::int8_t> outputs(p.count * p.matrix.outputs);
  REQUIRE(trine_vmm(second.device.handle(), p.inputs.data(), &second.weights, outputs.data(),
                    p.count, 1) == TRINE_OK);
  CHECK(std::vector<std::int32_t>(outputs.begin(), outputs.end()) == expected(p));
}

namespace {

std::string printed;
std::uint64_t* counted = nullptr;  ///< the machine's cycles so far

}  // namespace

TEST_CASE("AcceleratorVMM reads digits like the processor without accelerator", "[vmm][example]") {
  const std::filesystem::path models = std::filesystem::path(TRINE_SOURCE_DIR) / "models";
  const std::string file = read_text(models / "mnist_mlp.bin");
  std::vector<std::uint32_t> network((file.size() + 3) / 4);
  std::memcpy(network.data(), file.data(), file.size());
  const std::string x = read_text(models / "mnist_held_back" / "x.npy"),
                    y = read_text(models / "mnist_held_back" / "y.npy");
  const auto* images = reinterpret_cast<const std::uint8_t*>(x.data() + 128);  // after the header
  const auto* labels = reinterpret_cast<const std::uint8_t*>(y.data() + 128);
  const mlp_platform platform{
      [](const char* text) { printed += text; },
      [] { return counted == nullptr ? 0 : static_cast<std::uint32_t>(*counted); }};

  REQUIRE(mlp_open(network.data(), file.size(), MLP_CORE, 0, nullptr, nullptr, 0, 0) == TRINE_OK);
  printed.clear();
  CHECK(mlp_run(&platform, images, labels, 1000) == 979);
  CHECK(printed.starts_with("digit 0, 0 cycles\ndigit 1, 0 cycles\n"));
  CHECK(std::ranges::count(printed, 'W') == 21);
  std::vector<int> by_core;
  for (std::size_t i = 0; i < 5; ++i) by_core.push_back(mlp_classify(images + 784 * i));

  const spec::Config config = spec::load_config("edge64");
  const trine_design design = design_of(config);
  SimulatedDevice device(config, std::size_t{2} << 20);
  counted = &device.cycles;
  for (const int by : {MLP_INT8, MLP_TERNARY}) {
    const std::size_t bytes = by == MLP_INT8 ? 1'900'000 : 500'000;
    REQUIRE(mlp_open(network.data(), file.size(), by, 0, device.handle(), &design, 0x1000, bytes) ==
            TRINE_OK);
    // Again, packed as by another processor.
    REQUIRE(mlp_open(network.data(), file.size(), by, 1, device.handle(), &design, 0x1000, bytes) ==
            TRINE_OK);
    for (std::size_t i = 0; i < 5; ++i) CHECK(mlp_classify(images + 784 * i) == by_core[i]);
    printed.clear();
    CHECK(mlp_run(&platform, images + 784, labels + 1, 1) == 1);
    UNSCOPED_INFO(printed);
    // 1,794,000 weights of 8 or 2 bits, 64 bits per cycle.
    const double bound = by == MLP_INT8 ? 224'250 : 56'063;
    CHECK(std::stod(printed.substr(printed.find(", ") + 2)) <
          (by == MLP_INT8 ? 1.03 : 1.12) * bound);
    CHECK(mlp_open(network.data(), file.size(), by, 0, device.handle(), &design, 0x1000,
                   bytes / 2) == TRINE_E_SIZE);
  }
  counted = nullptr;
  CHECK(device.programs == 2 * 6 * 3);
  for (const std::size_t size : {file.size() - 4, file.size() / 2, std::size_t{4}, std::size_t{0}})
    CHECK(mlp_open(network.data(), size, MLP_CORE, 0, nullptr, nullptr, 0, 0) == TRINE_E_IMAGE);
  network[0] ^= 1;
  CHECK(mlp_open(network.data(), file.size(), MLP_CORE, 0, nullptr, nullptr, 0, 0) ==
        TRINE_E_IMAGE);
  CHECK(mlp_open(nullptr, 0, MLP_CORE, 0, nullptr, nullptr, 0, 0) == TRINE_E_ARGUMENT);
}

namespace {

/// Cycles of one vector, and the cycles in which the bus transfers the weights, or the array uses
/// them.
struct Speed {
  std::uint64_t cycles = 0, bus = 0, array = 0;  ///< minimum cycles of both
  double over() const {
    return static_cast<double>(cycles) / static_cast<double>(std::max(bus, array));
  }
};

Speed speed_of(const char* preset, int outputs, int inputs, std::uint32_t precision,
               Scales scales) {
  Draw draw(1);
  const spec::Config config = spec::load_config(preset);
  Product p = draw.product(outputs, inputs, 1, precision, scales);
  const bool rtl = std::getenv("TRINE_VMM_RTL") != nullptr;
  Prepared prepared(config, p, rtl ? std::optional<sim::RtlOptions>(std::in_place) : std::nullopt);
  CHECK(prepared.run(p) == expected(p));
  static constexpr std::uint64_t kBits[] = {8, 2, 1};
  const auto number = [](int n) { return static_cast<std::uint64_t>(n); };
  return {prepared.device.last.cycles,
          p.weights.size() * kBits[precision] / number(config.axi_data_bits),
          number(divide_up(outputs, config.cols) * divide_up(inputs, 4))};
}

}  // namespace

TEST_CASE("the bus is the bound of a matrix-vector product", "[vmm][cycles]") {
  for (const char* preset : {"edge64", "edge256"})
    for (const int inputs : {784, 1000}) {
      CAPTURE(preset, inputs);
      CHECK(speed_of(preset, 1000, inputs, TRINE_VMM_INT8, Scales::kOne).over() < 1.03);
      CHECK(speed_of(preset, 1000, inputs, TRINE_VMM_INT8, Scales::kEach).over() < 1.05);
    }
}

// components/benchmarks/cycles/vmm.py
TEST_CASE("cycles of matrix-vector products", "[.][bench]") {
  fmt::print("| design | matrix | weights | cycles | bus | array | of the larger |\n");
  fmt::print("|---|---|---|---:|---:|---:|---:|\n");
  for (const char* preset : {"edge64", "edge256"})
    for (const int inputs : {784, 1000})
      for (const auto& [name, precision, scales] :
           {std::tuple{"int8, one scale", TRINE_VMM_INT8, Scales::kOne},
            {"int8, a scale each", TRINE_VMM_INT8, Scales::kEach},
            {"ternary", TRINE_VMM_TERNARY, Scales::kOne},
            {"binary", TRINE_VMM_BINARY, Scales::kOne}}) {
        const Speed s =
            speed_of(preset, 1000, inputs, static_cast<std::uint32_t>(precision), scales);
        fmt::print("| `{}` | {} x 1000 | {} | {} | {} | {} | {:.3f} |\n", preset, inputs, name,
                   s.cycles, s.bus, s.array, s.over());
      }
}
