// SPDX-License-Identifier: Apache-2.0
//
// Number formats of eight bits: minifloats and posits. All values of a format are whole multiples
// of its smallest positive value. A value is therefore a whole number ("fixed point"), and sums of
// products are exact:
//
//   value of a code = fixed(code) * 2^-fraction
//
// A result is rounded once, to the nearest code, ties to the even code. Results beyond the largest
// value become the largest value. A posit is never rounded to 0. As in the posit standard, the
// border between two posit codes is the value of the nine-bit posit between them. NaN, infinity
// and NaR are not values.
//
// The RTL twin is rtl/results/trine_post_format.sv.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace trine::spec {

/// The formats; kNone means whole numbers.
enum class Format { kNone, kE3M4, kPosit8, kE4M3, kPosit8Wide, kE5M2 };

/// The properties of a format.
struct FormatRow {
  Format format;
  std::string_view name;  ///< its name in options and files
  int exponent;           ///< exponent bits; the parameter es of a posit
  int fraction;           ///< bits below 1 of the fixed point
  int bits;               ///< bits of a value in fixed point, sign included
  bool posit;
  int onnx;  ///< ONNX data type, or 0
  /// Returns the bytes of a value in fixed point. A product takes this number of int8 passes if
  /// only the weights have the format, and the square of this number if both operands have it.
  constexpr int bytes() const { return (bits + 7) / 8; }
  /// Returns true if an int16 code can be the value in fixed point. For other formats, the machine
  /// uses codes of one byte that are ordered like the values: place_of().
  constexpr bool in_int16() const { return bits <= 16; }
};

inline constexpr std::array kFormats{
    FormatRow{Format::kNone, "none", 0, 0, 0, false, 0},
    FormatRow{Format::kE3M4, "e3m4", 3, 6, 11, false, 0},
    FormatRow{Format::kPosit8, "posit8_0", 0, 6, 14, true, 0},
    FormatRow{Format::kE4M3, "e4m3", 4, 9, 19, false, 17},
    FormatRow{Format::kPosit8Wide, "posit8_1", 1, 12, 26, true, 0},
    FormatRow{Format::kE5M2, "e5m2", 5, 16, 33, false, 19},
};

/// The maximum number of bytes of a value that the machine supports.
inline constexpr int kMostBytes = 3;

/// Returns the properties of a format.
constexpr const FormatRow& row_of(Format format) {
  return kFormats[static_cast<std::size_t>(format)];
}
static_assert(
    [] {
      for (std::size_t i = 0; i < kFormats.size(); ++i)
        if (static_cast<std::size_t>(kFormats[i].format) != i) return false;
      return true;
    }(),
    "a row's index is its format");

/// Returns the format with this name, or nothing.
std::optional<Format> format_named(std::string_view name);

/// Returns the format of an ONNX data type, or kNone.
Format format_of_onnx(int type);

/// Returns a code's value in fixed point; nothing for NaN, infinity and NaR. @pre not kNone
std::optional<std::int64_t> fixed_of(Format format, std::uint8_t code);

/// Returns the code of a value, or nothing if the format has no such value. @pre not kNone
std::optional<std::uint8_t> code_of(Format format, std::int64_t fixed);

/// Returns the largest value.
std::int64_t largest(Format format);

__extension__ using Exact = __int128;

/// Returns the value nearest to `number` * 2^-`below`, in units of the fixed point.
/// @pre |number| < 2^80, below in 0..80
std::int64_t nearest(Format format, Exact number, int below);

/// Returns the value nearest to a real number of units; 0 for NaN.
std::int64_t nearest_real(Format format, double units);

/// Returns the rank of a value: 0 for 0, 1 for the smallest positive value, and so on. Negative
/// values have negative ranks. Ranks are ordered like the values, so maxima and bounds need no
/// conversion.
/// @pre `fixed` is a value
int place_of(Format format, std::int64_t fixed);

/// Returns the value of a rank; ranks beyond the last one give the last value. @pre not a posit
std::int64_t value_at(Format format, int place);

/// Returns the value, in units, of a tensor's code. An int16 code is the value, a code of one byte
/// is its rank.
std::int64_t units_of(Format format, std::int64_t code);
/// Returns the code of a value: the inverse of units_of().
std::int32_t as_code(Format format, std::int64_t fixed);

/// Returns the largest code.
std::int32_t largest_code(Format format);

}  // namespace trine::spec
