// SPDX-License-Identifier: Apache-2.0
//
// Tests LayerNorm and RMSNorm against floating point, to bound the error of a code, and bit by bit
// against the integers of tb/golden/norm.h, which shares no expression with them.

#include "sw/reference/ops/norm.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/model/check/check.h"
#include "sw/model/graph/norm.h"
#include "sw/reference/golden.h"
#include "tb/golden/norm.h"

using namespace trine;
using namespace trine::reference;
using Catch::Matchers::ContainsSubstring;
using model::DataType;
using model::Graph;
using model::Op;
using model::OpKind;
using model::Tensor;

namespace {

Tensor floats(const std::vector<float>& values) {
  Tensor t{"f", DataType::kFloat32, {static_cast<int>(values.size())}, {}, true, {}};
  t.data.edit().resize(values.size() * sizeof(float));
  std::memcpy(t.data.edit().data(), values.data(), t.data.size());
  return t;
}

/// A graph of one normalization, with its operands and its real parameters.
struct Norm {
  Graph graph;
  std::vector<float> gamma, beta;

  Norm(bool center, float epsilon, int rows, float scale, int zero_point, std::vector<float> g,
       std::vector<float> b)
      : gamma(std::move(g)), beta(std::move(b)) {
    const int channels = static_cast<int>(gamma.size());
    const Tensor map{"x", DataType::kInt8, {rows, channels}, {{scale}, {zero_point}, 0}, false, {}};
    graph.file = "norm";
    graph.tensors = {map, floats(gamma), floats(beta), map};
    Op op;
    op.kind = OpKind::kNormalization;
    op.name = center ? "LAYER_NORM" : "RMS_NORM";
    op.center = center;
    op.epsilon = epsilon;
    op.inputs = {0, 1, 2};
    op.outputs = {3};
    graph.ops = {op};
    graph.inputs = {0};
    graph.outputs = {3};
  }
  void set_output(double scale, int zero_point) {
    graph.tensors[3].quantization = {{static_cast<float>(scale)}, {zero_point}, 0};
  }
  std::vector<double> expected(const std::vector<std::int8_t>& codes, double epsilon) const {
    const Tensor& t = graph.tensors[0];
    const std::size_t N = gamma.size();
    std::vector<double> y;
    for (std::size_t row = 0; row < codes.size(); row += N) {
      double mean = 0, square = 0;
      const auto x = [&](std::size_t c) {
        return double{t.scale()} * (codes[row + c] - t.zero_point());
      };
      for (std::size_t c = 0; c < N && graph.ops[0].center; ++c) mean += x(c);
      mean /= static_cast<double>(N);
      for (std::size_t c = 0; c < N; ++c) square += (x(c) - mean) * (x(c) - mean);
      const double variance = square / static_cast<double>(N) + epsilon;
      for (std::size_t c = 0; c < N; ++c)
        y.push_back(double{beta[c]} +
                    (variance > 0 ? double{gamma[c]} * (x(c) - mean) / std::sqrt(variance) : 0));
    }
    return y;
  }
  std::vector<std::int8_t> run(const std::vector<std::int8_t>& codes) const {
    Array input{"i1", {graph.tensors[0].shape[0], graph.tensors[0].shape[1]}, {}};
    for (const std::int8_t code : codes) input.bytes.push_back(static_cast<std::uint8_t>(code));
    const Values values = run_graph(graph, {input});
    std::vector<std::int8_t> result;
    for (const std::uint8_t byte : values.at(3).bytes)
      result.push_back(static_cast<std::int8_t>(byte));
    return result;
  }
};

/// Returns rows of every kind: uniform, narrow around any value, equal except a few, only the two
/// extremes.
std::vector<std::int8_t> random_codes(std::mt19937& random, int rows, int channels) {
  std::vector<std::int8_t> codes;
  const auto between = [&](int low, int high) {
    return low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1));
  };
  for (int row = 0; row < rows; ++row) {
    const int kind = between(0, 4), centre = between(-128, 127), width = between(0, 20);
    for (int c = 0; c < channels; ++c) {
      int code = between(-128, 127);
      if (kind == 1) code = centre + between(-width, width);
      if (kind == 2) code = centre + (between(0, channels) == 0 ? between(-3, 3) : 0);
      if (kind == 3) code = between(0, 1) == 0 ? -128 : 127;
      if (kind == 4 && c > 0) code = codes.back() + between(-1, 1);
      codes.push_back(static_cast<std::int8_t>(std::clamp(code, -128, 127)));
    }
  }
  return codes;
}

/// Returns the largest distance of a code from its exact value, minus the half of rounding.
/// @param least  smallest standard deviation of rows that count, in codes
/// @param constant  the first channel's gamma is 0, so that normalized values have 16 fraction bits
double worst_error(bool center, int channels, int trials, double least, bool constant,
                   std::mt19937& random) {
  double worst = 0;
  const auto real = [&](double low, double high) {
    return low + (high - low) * static_cast<double>(random()) / 4294967295.0;
  };
  for (int trial = 0; trial < trials; ++trial) {
    const float scale = static_cast<float>(std::exp(real(std::log(0.002), std::log(0.3))));
    std::vector<float> gamma, beta;
    for (int c = 0; c < channels; ++c) {
      gamma.push_back(static_cast<float>(real(0.05, 2) * (random() % 4 == 0 ? -1 : 1)));
      beta.push_back(static_cast<float>(real(-1, 1)));
    }
    if (constant) gamma[0] = 0;
    const int zero_point = static_cast<int>(random() % 256) - 128;
    Norm norm(center, trial % 2 == 0 ? 1e-5f : 1e-6f, 8, scale, zero_point, gamma, beta);
    const auto codes = random_codes(random, 8, channels);
    const auto y = norm.expected(codes, double{norm.graph.ops[0].epsilon});
    double largest = 0.1;
    for (const double value : y) largest = std::max(largest, std::abs(value));
    norm.set_output(largest / 127, 0);
    const auto actual = norm.run(codes);
    for (std::size_t row = 0; row < codes.size(); row += static_cast<std::size_t>(channels)) {
      double mean = 0, square = 0;
      for (int c = 0; c < channels; ++c) {
        const double x = codes[row + static_cast<std::size_t>(c)] - (center ? 0 : zero_point);
        mean += x / channels;
        square += x * x / channels;
      }
      if (std::sqrt(square - (center ? mean * mean : 0)) < least) continue;
      for (int c = 0; c < channels; ++c) {
        const std::size_t at = row + static_cast<std::size_t>(c);
        const double code = y[at] / double{norm.graph.tensors[3].scale()};
        worst = std::max(worst, std::abs(actual[at] - code) - 0.5);
      }
    }
  }
  return worst;
}

TEST_CASE("a normalized code is near its real value", "[reference][norm]") {
  std::mt19937 random{1};
  for (const bool center : {true, false})
    for (const int channels : {1, 2, 3, 7, 16, 64, 172, 768, 4095, 4096}) {
      const int trials = channels < 200 ? 100 : 5;
      const double one = worst_error(center, channels, trials, 1, false, random);
      const double any = worst_error(center, channels, trials, 0, false, random);
      const double constant = worst_error(center, channels, trials, 1, true, random);
      CAPTURE(center, channels, one, any, constant);
      CHECK(one < 0.002);
      CHECK(any < 0.05);
      CHECK(constant < 0.15);
    }
}

TEST_CASE("rows are normalized as the steps of the specification say", "[reference][norm]") {
  std::mt19937 random{7};
  for (int trial = 0; trial < 2000; ++trial) {
    golden::NormRow row;
    row.center = trial % 2 == 0;
    row.channels = 1 + static_cast<int>(random() % (trial % 8 == 0 ? 4096 : 96));
    row.origin = row.center ? 127 : static_cast<int>(random() % 256) - 128;
    row.epsilon = (random() >> 1) >> random() % 32;
    row.value_bits = random() % 2 == 0 ? 20 : 16;
    const auto codes = random_codes(random, 1, row.channels);
    const golden::NormResult expected = normalize({codes.begin(), codes.end()}, row);
    NormParams p;
    p.center = row.center;
    p.origin = row.origin;
    p.count = row.channels;
    p.log2 = row.log2();
    p.reciprocal = static_cast<std::int32_t>(row.reciprocal());
    p.epsilon = row.epsilon;
    p.value_bits = row.value_bits;
    std::int64_t sum = 0, squares = 0;
    for (const int code : codes) {
      const std::int64_t w = row.origin - code;
      sum += row.center ? w : 0;
      squares += w * w;
    }
    const NormFactor f = norm_factor(sum, squares, p);
    CAPTURE(trial, row.center, row.channels, row.origin, row.epsilon);
    REQUIRE(f.mean == expected.mean);
    REQUIRE(f.factor == expected.factor);
    const std::size_t c = random() % codes.size();
    const std::int64_t n = golden::quotient(
        golden::Wide{expected.values[c]} * expected.factor + golden::power(26), golden::power(27));
    REQUIRE(normalized(row.origin - codes[c], f, p) == n);
    const NormChannel channel{
        {static_cast<std::int32_t>(random() >> 1), -1 - static_cast<int>(random() % 31)},
        static_cast<std::int32_t>(random()) >> random() % 24,
        random() % 2 == 0};
    const golden::Wide x = (channel.negative ? -n : n) + channel.bias;
    const std::int64_t unit = golden::power(31 - channel.scale.shift);
    const std::int64_t code =
        -3 + golden::quotient(2 * x * channel.scale.multiplier + unit, golden::Wide{2} * unit);
    REQUIRE(norm_code(static_cast<std::int32_t>(n), channel, {-3, -100, 120}) ==
            std::clamp<std::int64_t>(code, -100, 120));
  }
}

TEST_CASE("the constants of a normalization equal the specification", "[reference][norm]") {
  for (int origin = -128; origin < 128; ++origin)
    for (int i = 0; i < 256; ++i)
      if (norm_entry(i, origin) != golden::norm_word(i, origin)) {
        CAPTURE(origin, i);
        REQUIRE(norm_entry(i, origin) == golden::norm_word(i, origin));
      }
  for (int channels = 1; channels <= 4096; ++channels)
    if (model::norm_fraction_bits(channels) !=
        golden::NormRow{true, 0, channels, 0}.fraction_bits()) {
      CAPTURE(channels);
      FAIL("another number of fraction bits");
    }
  for (int channels = 1; channels <= 4096; channels += channels < 100 ? 1 : 37) {
    const auto n = static_cast<std::size_t>(channels);
    Norm norm(channels % 2 == 0, 0, 1, 0.5f, 3, std::vector<float>(n, 1), std::vector<float>(n));
    norm.set_output(1, 0);
    const golden::NormRow row{norm.graph.ops[0].center, 0, channels, 0};
    const NormParams p = norm_params(norm.graph, norm.graph.ops[0]);
    CAPTURE(channels);
    REQUIRE(p.log2 == row.log2());
    REQUIRE(p.reciprocal == row.reciprocal());
    REQUIRE(p.origin == (row.center ? 127 : 3));
  }
}

TEST_CASE("a row of one code normalizes to beta", "[reference][norm]") {
  Norm norm(true, 0, 2, 0.1f, 3, {1, -2, 0, 1e-9f}, {0.5f, -0.25f, 1, 100});
  norm.set_output(0.25, -7);
  CHECK(norm.run({5, 5, 5, 5, -128, -128, -128, -128}) ==
        std::vector<std::int8_t>{-5, -8, -3, 127, -5, -8, -3, 127});
}

TEST_CASE("a single channel's root mean square is its size", "[reference][norm]") {
  Norm norm(false, 0, 3, 0.1f, 0, {1}, {0});
  norm.set_output(1.0 / 64, 0);
  CHECK(norm.run({100, 0, -1}) == std::vector<std::int8_t>{64, 0, -64});
}

TEST_CASE("normalizations beyond the integers' range are refused", "[reference][norm]") {
  const auto refused = [](const Norm& norm, const char* text) {
    CHECK_THROWS_WITH(model::check(norm.graph), ContainsSubstring(text));
  };
  Norm norm(true, 0.1f, 1, 1e-5f, 0, {1, 1}, {0, 0});
  refused(norm, "norm: op 0 LAYER_NORM: epsilon 0.1 with 2 channels of scale 1e-05");
  Norm large(false, 0.1f, 1, 1, 0, {1, 8192}, {0, 0});
  refused(large, "op 0 RMS_NORM: tensor 1 'f': value 8192, allowed below 2^13 times");
  refused(Norm(true, 0, 1, 1, 0, std::vector<float>(4097, 1), std::vector<float>(4097)),
          "4097 channels, allowed 1..4096");
  Norm short_beta(true, 0, 1, 1, 0, {1, 1}, {0});
  refused(short_beta, "tensor 2 'f': shape [1], expected [2]");
}

}  // namespace
