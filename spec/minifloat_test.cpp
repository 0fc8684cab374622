// SPDX-License-Identifier: Apache-2.0
//
// Tests eight-bit formats against ml_dtypes and softposit (tests/formats/minifloats.json), and
// exact sums against sums of real numbers in wider words.

#include "spec/minifloat.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "sw/base/catch.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/base/root.h"

using namespace trine;
using namespace trine::spec;

namespace {

const Json& recorded(const FormatRow& row) {
  static const std::string file = (project_root() / "tests/formats/minifloats.json").string();
  static const Json tables = parse_json(read_text(file), file);
  return tables.at(std::string(row.name));
}

std::string fnv(const std::vector<std::uint8_t>& bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
  return fmt::format("{:016x}", hash);
}

/// Returns the values of all codes.
std::vector<std::int64_t> values_of(const FormatRow& row) {
  std::vector<std::int64_t> values;
  for (int code = 0; code < 256; ++code)
    if (const auto value = fixed_of(row.format, static_cast<std::uint8_t>(code)))
      values.push_back(*value);
  return values;
}

}  // namespace

TEST_CASE("codes of eight-bit formats have the values of ml_dtypes and softposit",
          "[machine][minifloat]") {
  for (const FormatRow& row : kFormats) {
    if (row.format == Format::kNone) continue;
    CAPTURE(row.name);
    CHECK(format_named(row.name) == row.format);
    const Json& values = recorded(row).at("values");
    std::int64_t most = 0;
    for (int code = 0; code < 256; ++code) {
      CAPTURE(code);
      const auto value = fixed_of(row.format, static_cast<std::uint8_t>(code));
      const Json& expected = values.at(static_cast<std::size_t>(code));
      REQUIRE(value.has_value() == !expected.is_null());
      if (!value) continue;
      CHECK(std::ldexp(static_cast<double>(*value), -row.fraction) == expected.get<double>());
      CHECK((code == 0x80 || code_of(row.format, *value) == code));  // -0
      CHECK(nearest(row.format, *value, 0) == *value);
      most = std::max(most, std::abs(*value));
    }
    CHECK(largest(row.format) == most);
    CHECK((most >> (row.bits - 2) != 0 && most >> (row.bits - 1) <= (row.posit ? 1 : 0)));
  }
  CHECK_FALSE(format_named("none"));
  CHECK_FALSE(format_named("fp8"));
  CHECK_FALSE(code_of(Format::kE3M4, 33));
  CHECK_FALSE(code_of(Format::kE3M4, 1024));
}

TEST_CASE("real numbers are rounded to the same codes as in ml_dtypes and softposit",
          "[machine][minifloat]") {
  for (const FormatRow& row : kFormats) {
    if (row.format == Format::kNone) continue;
    const Json& table = recorded(row);
    const auto probes = table.at("probes").get<std::vector<double>>();
    const auto codes = table.at("codes").get<std::vector<int>>();
    for (std::size_t i = 0; i < probes.size(); ++i) {
      CAPTURE(row.name, probes[i]);
      const std::int64_t value = nearest_real(row.format, std::ldexp(probes[i], row.fraction));
      REQUIRE(code_of(row.format, value) == codes[i]);
    }
    CHECK(nearest_real(row.format, 1e300) == largest(row.format));
    CHECK(nearest_real(row.format, -INFINITY) == -largest(row.format));
    CHECK(nearest_real(row.format, -1e-300) == (row.posit ? -1 : 0));
    CHECK(nearest_real(row.format, NAN) == 0);
  }
}

TEST_CASE("all products of two codes are rounded as ml_dtypes and softposit round them",
          "[machine][minifloat]") {
  for (const FormatRow& row : kFormats) {
    if (row.format == Format::kNone) continue;
    CAPTURE(row.name);
    std::vector<std::uint8_t> codes;
    for (int a = 0; a < 256; ++a)
      for (int b = 0; b < 256; ++b) {
        const auto x = fixed_of(row.format, static_cast<std::uint8_t>(a));
        const auto y = fixed_of(row.format, static_cast<std::uint8_t>(b));
        codes.push_back(
            x && y ? *code_of(row.format, nearest(row.format, Exact{*x} * *y, row.fraction))
                   : 0x80);
      }
    CHECK(recorded(row).at("products") == fnv(codes));
  }
}

namespace {

/// A sum of products, split into three sums of partial words; none of them loses a carry.
struct Parts {
  std::int64_t low = 0, middle = 0, high = 0;
  static constexpr int kBits = 17;

  void add(std::int64_t a, std::int64_t b) {
    const std::int64_t sign = (a < 0) != (b < 0) ? -1 : 1;
    const std::int64_t x = std::abs(a), y = std::abs(b), mask = (1 << kBits) - 1;
    low += sign * (x & mask) * (y & mask);
    middle += sign * ((x & mask) * (y >> kBits) + (x >> kBits) * (y & mask));
    high += sign * (x >> kBits) * (y >> kBits);
  }
  Exact sum() const { return (Exact{high} << 2 * kBits) + (Exact{middle} << kBits) + Exact{low}; }
};

/// Checks random sums with the worst signs: sums that only grow, and sums that nearly cancel.
void check_sums(const FormatRow& row, int sums) {
  const std::vector<std::int64_t> values = values_of(row);
  std::mt19937 random(static_cast<unsigned>(row.bits));
  for (int n = 0; n < sums; ++n) {
    const int terms = 1 + static_cast<int>(random() % 4096), kind = static_cast<int>(random() % 4);
    Exact sum = 0;
    Parts parts;
    for (int i = 0; i < terms; ++i) {
      const auto any = [&] {
        return kind == 0 ? largest(row.format) : values[random() % values.size()];
      };
      std::int64_t a = any(), b = any();
      if (kind == 1) a = std::abs(a), b = std::abs(b);
      const bool away = (sum < 0) != ((a < 0) == (b < 0));  // from 0, which kind 2 stays near
      if (kind == 2 && away) a = -a;
      sum += Exact{a} * b;
      parts.add(a, b);
    }
    CAPTURE(row.name, n, terms, kind);
    REQUIRE(sum == parts.sum());
    const Exact size = sum < 0 ? -sum : sum;
    REQUIRE(size >> (2 * row.bits + 10) == 0);
    REQUIRE(code_of(row.format, nearest(row.format, sum, row.fraction)));
  }
}

}  // namespace

TEST_CASE("sums of products of eight-bit formats are exact", "[machine][minifloat]") {
  for (const FormatRow& row : kFormats)
    if (row.format != Format::kNone) check_sums(row, 100);
}

TEST_CASE("a million sums of products of eight-bit formats are exact", "[.slow]") {
  for (const FormatRow& row : kFormats)
    if (row.format != Format::kNone) check_sums(row, 200000);
}

TEST_CASE("places of E4M3 values are in the order of the values and symmetric around 0",
          "[machine][minifloat]") {
  constexpr Format kFormat = Format::kE4M3;
  CHECK(largest_code(kFormat) == 126);
  CHECK(largest_code(Format::kE3M4) == largest(Format::kE3M4));
  for (int place = -126; place <= 126; ++place) {
    const std::int64_t value = value_at(kFormat, place);
    CHECK(place_of(kFormat, value) == place);
    CHECK(as_code(kFormat, value) == place);
    CHECK(units_of(kFormat, place) == value);
    CHECK(value_at(kFormat, -place) == -value);
    CHECK((place == 126 || value < value_at(kFormat, place + 1)));
    CHECK(code_of(kFormat, value) == (place < 0 ? 0x80 - place : place));
  }
  CHECK(value_at(kFormat, 127) == largest(kFormat));
  CHECK(value_at(kFormat, -128) == -largest(kFormat));
}
