// SPDX-License-Identifier: Apache-2.0

#include "spec/minifloat.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace trine::spec {
namespace {

constexpr int kFiner = 3;  ///< bits below the fixed point that borders between codes may have

/// Returns the value of a posit of `bits` bits in units of 2^-unit. @pre the posit is positive and
/// a multiple of the unit
std::int64_t posit_value(int code, int bits, int es, int unit) {
  int at = bits - 2;
  const auto bit = [&](int place) { return place >= 0 ? code >> place & 1 : 0; };
  const int first = bit(at);
  int run = 0;
  while (at >= 0 && bit(at) == first) {
    ++run;
    --at;
  }
  --at;  // skips the bit that ends the regime
  int exponent = (first == 1 ? run - 1 : -run) << es;
  for (int e = es - 1; e >= 0; --e) exponent += bit(at--) << e;
  std::int64_t significand = 1;
  int fraction = 0;
  for (; at >= 0; --at, ++fraction) significand = significand * 2 + bit(at);
  const int left = exponent - fraction + unit;
  return left >= 0 ? significand << left : significand >> -left;
}

/// Returns the value of a positive minifloat code; nothing for infinity and NaN.
std::optional<std::int64_t> float_value(const FormatRow& row, int code) {
  const int mantissa_bits = 7 - row.exponent;
  const int exponent = code >> mantissa_bits, mantissa = code & ((1 << mantissa_bits) - 1);
  const int last = (1 << row.exponent) - 1;
  const bool special = row.format == Format::kE4M3 ? code == 0x7f : exponent == last;
  if (special) return std::nullopt;
  if (exponent == 0) return mantissa;
  return std::int64_t{mantissa + (1 << mantissa_bits)} << (exponent - 1);
}

/// The values of the non-negative codes in ascending order, and the borders between them.
struct Table {
  explicit Table(const FormatRow& row) {
    for (int code = 0; code < 128; ++code) {
      if (!row.posit) {
        if (const auto value = float_value(row, code)) values.push_back(*value);
        continue;
      }
      values.push_back(code == 0 ? 0 : posit_value(code, 8, row.exponent, row.fraction));
    }
    for (std::size_t i = 0; i + 1 < values.size(); ++i)
      borders.push_back(row.posit ? posit_value(2 * static_cast<int>(i) + 1, 9, row.exponent,
                                                row.fraction + kFiner)
                                  : (values[i] + values[i + 1]) << (kFiner - 1));
    if (row.posit) borders[0] = 0;
  }
  std::vector<std::int64_t> values, borders;  ///< borders in units of 2^-kFiner
};

const Table& table_of(Format format) {
  static const std::vector<Table> tables = [] {
    std::vector<Table> all;
    for (const FormatRow& row : kFormats)
      all.emplace_back(row.format == Format::kNone ? row_of(Format::kE3M4) : row);
    return all;
  }();
  return tables[static_cast<std::size_t>(format)];
}

/// Returns true if size * 2^-below rounds to a code above i.
bool beyond(const Table& table, std::size_t i, Exact size, int below) {
  const Exact border = Exact{table.borders[i]} << below, scaled = size << kFiner;
  return scaled > border || (scaled == border && i % 2 != 0);
}

}  // namespace

std::optional<Format> format_named(std::string_view name) {
  for (const FormatRow& row : kFormats)
    if (row.format != Format::kNone && row.name == name) return row.format;
  return std::nullopt;
}

Format format_of_onnx(int type) {
  for (const FormatRow& row : kFormats)
    if (row.onnx == type && row.onnx != 0) return row.format;
  return Format::kNone;
}

std::optional<std::int64_t> fixed_of(Format format, std::uint8_t code) {
  const bool posit = row_of(format).posit;
  if (posit && code == 0x80) return std::nullopt;
  const bool minus = code >= 0x80;
  const auto size = static_cast<std::size_t>(posit && minus ? 0x100 - code : code & 0x7f);
  const std::vector<std::int64_t>& values = table_of(format).values;
  if (size >= values.size()) return std::nullopt;
  return minus ? -values[size] : values[size];
}

std::optional<std::uint8_t> code_of(Format format, std::int64_t fixed) {
  const std::vector<std::int64_t>& values = table_of(format).values;
  const auto found = std::ranges::lower_bound(values, std::abs(fixed));
  if (found == values.end() || *found != std::abs(fixed)) return std::nullopt;
  const auto size = static_cast<int>(found - values.begin());
  if (fixed >= 0) return static_cast<std::uint8_t>(size);
  return static_cast<std::uint8_t>(row_of(format).posit ? 0x100 - size : 0x80 + size);
}

std::int64_t largest(Format format) { return table_of(format).values.back(); }

std::int64_t nearest(Format format, Exact number, int below) {
  const Table& table = table_of(format);
  const Exact size = number < 0 ? -number : number;
  // Search for the first border that the number does not exceed.
  std::size_t low = 0, high = table.borders.size();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (beyond(table, middle, size, below))
      low = middle + 1;
    else
      high = middle;
  }
  return number < 0 ? -table.values[low] : table.values[low];
}

std::int64_t nearest_real(Format format, double units) {
  constexpr int kMantissa = 53, kMost = 60;
  if (std::isnan(units) || units == 0) return 0;
  if (std::isinf(units)) return units < 0 ? -largest(format) : largest(format);
  int exponent = 0;
  const double mantissa = std::frexp(units, &exponent);
  if (exponent > kMost / 2 + kFiner + 4) return units < 0 ? -largest(format) : largest(format);
  const auto whole = static_cast<std::int64_t>(std::ldexp(mantissa, kMantissa));
  const int below = kMantissa - exponent;
  if (below <= 80) return nearest(format, whole, below);
  return nearest(format, units < 0 ? -1 : 1, 80);  // smaller than every border except 0
}

int place_of(Format format, std::int64_t fixed) {
  const std::vector<std::int64_t>& values = table_of(format).values;
  const auto size =
      static_cast<int>(std::ranges::lower_bound(values, std::abs(fixed)) - values.begin());
  return fixed < 0 ? -size : size;
}

std::int64_t value_at(Format format, int place) {
  const std::vector<std::int64_t>& values = table_of(format).values;
  const std::int64_t value =
      values[std::min(static_cast<std::size_t>(std::abs(place)), values.size() - 1)];
  return place < 0 ? -value : value;
}

std::int64_t units_of(Format format, std::int64_t code) {
  return format == Format::kNone || row_of(format).in_int16()
             ? code
             : value_at(format, static_cast<int>(code));
}

std::int32_t as_code(Format format, std::int64_t fixed) {
  return row_of(format).in_int16() ? static_cast<std::int32_t>(fixed) : place_of(format, fixed);
}

std::int32_t largest_code(Format format) { return as_code(format, largest(format)); }

}  // namespace trine::spec
