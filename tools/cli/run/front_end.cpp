// SPDX-License-Identifier: Apache-2.0

#include "tools/cli/run/front_end.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <numbers>

#include "sw/base/error.h"

namespace trine::cli {
namespace {

constexpr float kFloor = 1e-6F;  // added to an energy to avoid the logarithm of 0
constexpr int kMostMels = 256;
constexpr double kPi = std::numbers::pi;

double mel_of(double hertz) { return 2595 * std::log10(1 + hertz / 700); }
double hertz_of(double mel) { return 700 * (std::pow(10, mel / 2595) - 1); }

template <typename Number>
bool read_number(const std::string& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t from = 0, to = 0; to != std::string::npos; from = to + 1) {
    to = text.find(':', from);
    parts.push_back(text.substr(from, to - from));
  }
  return parts;
}

/// Computes the transform in place; the number of points is a power of two.
void transform(std::vector<std::complex<float>>& x, const std::vector<std::complex<float>>& roots) {
  const std::size_t n = x.size();
  for (std::size_t i = 1, j = 0; i < n; ++i) {  // j: the bits of i reversed
    std::size_t bit = n >> 1;
    for (; (j & bit) != 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(x[i], x[j]);
  }
  for (std::size_t half = 1; half < n; half *= 2)
    for (std::size_t begin = 0; begin < n; begin += 2 * half)
      for (std::size_t k = 0; k < half; ++k) {
        const std::complex<float> r = roots[k * (n / (2 * half))], b = x[begin + half + k];
        const std::complex<float> t{r.real() * b.real() - r.imag() * b.imag(),
                                    r.real() * b.imag() + r.imag() * b.real()};
        x[begin + half + k] = x[begin + k] - t;
        x[begin + k] += t;
      }
}

}  // namespace

Features parse_features(const std::string& text) {
  Features features;
  const std::vector<std::string> parts = parts_of(text);
  const bool known = (parts.size() == 2 || parts.size() == 4) && parts[0] == "mel" &&
                     read_number(parts[1], features.mels) &&
                     (parts.size() == 2 || (read_number(parts[2], features.offset) &&
                                            read_number(parts[3], features.scale)));
  if (!known || features.mels < 1 || features.mels > kMostMels || !std::isfinite(features.offset) ||
      !std::isfinite(features.scale))
    throw_error("--features {}: allowed mel:N or mel:N:OFFSET:SCALE, N from 1 to {}", text,
                kMostMels);
  return features;
}

FrontEnd::FrontEnd(const Features& features, int rate, int frame)
    : features_(features), window_(static_cast<std::size_t>(frame)) {
  for (std::size_t i = 0; i < window_.size(); ++i)
    window_[i] = static_cast<float>(0.5 - 0.5 * std::cos(2 * kPi * static_cast<double>(i) / frame));
  const std::size_t points = std::max<std::size_t>(2, std::bit_ceil(window_.size()));
  for (std::size_t k = 0; k < points / 2; ++k) {
    const double angle = -2 * kPi * static_cast<double>(k) / static_cast<double>(points);
    roots_.emplace_back(static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle)));
  }
  const double step = mel_of(rate / 2.0) / (features.mels + 1);
  for (int m = 0; m < features.mels; ++m) {
    const double low = hertz_of(step * m), top = hertz_of(step * (m + 1)),
                 high = hertz_of(step * (m + 2));
    Filter filter;
    for (std::size_t k = 0; k <= points / 2; ++k) {
      const double at = static_cast<double>(k) * rate / static_cast<double>(points);
      const double weight = std::min((at - low) / (top - low), (high - at) / (high - top));
      if (weight <= 0) continue;
      if (filter.weights.empty()) filter.first = k;
      filter.weights.push_back(static_cast<float>(weight));
    }
    if (filter.weights.empty())
      throw_error(
          "--features mel:{}: filter {} covers none of the spectrum's {} bins; use fewer filters "
          "or a "
          "longer --window",
          features.mels, m, points / 2 + 1);
    filters_.push_back(std::move(filter));
  }
}

std::vector<float> FrontEnd::power(std::span<const std::int16_t> samples) const {
  std::vector<std::complex<float>> x(2 * roots_.size());
  for (std::size_t i = 0; i < window_.size(); ++i)
    x[i] = static_cast<float>(samples[i]) / 32768.0F * window_[i];
  transform(x, roots_);
  std::vector<float> power;
  for (std::size_t k = 0; k <= roots_.size(); ++k)
    power.push_back(x[k].real() * x[k].real() + x[k].imag() * x[k].imag());
  return power;
}

std::vector<float> FrontEnd::operator()(std::span<const std::int16_t> samples) const {
  const std::vector<float> bins = power(samples);
  std::vector<float> values;
  for (const Filter& filter : filters_) {
    float energy = 0;
    for (std::size_t k = 0; k < filter.weights.size(); ++k)
      energy += filter.weights[k] * bins[filter.first + k];
    values.push_back((std::log(energy + kFloor) + features_.offset) * features_.scale);
  }
  return values;
}

}  // namespace trine::cli
