// SPDX-License-Identifier: Apache-2.0
//
// Number formats of eight bits: minifloats and posits. All values of a format are whole multiples
// of its smallest one, so a value is a whole number ("fixed point") and sums of products are exact:
//
//   value of a code = fixed(code) * 2^-fraction
//
// A result is rounded once, to the nearest code, ties to the even one; what lies beyond the largest
// value becomes that. A posit is never rounded to 0, and what lies between two codes goes by the
// code of nine bits between them, as the posit standard has it. NaN, infinity and NaR are no
// values.
//
// The RTL twin is rtl/results/trine_post_format.sv.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace trine::machine {

enum class Format { kNone, kE3M4, kPosit8, kE4M3, kPosit8Wide, kE5M2 };

struct FormatRow {
  Format format;
  std::string_view name;  ///< of options and files
  int exponent;           ///< bits; of a posit es
  int fraction;           ///< bits below 1 of the fixed point
  int bits;               ///< of a value in fixed point, with its sign
  bool posit;
  int onnx;  ///< data type of ONNX, 0: none
  /// Passes of int8 that a product takes whose operands, or whose weights alone, are of the format.
  constexpr int bytes() const { return (bits + 7) / 8; }
  /// Whether int16 codes hold its values. Codes of others are numbers of one byte in the values'
  /// order: place_of().
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

/// Bytes of a value that the machine has.
inline constexpr int kMostBytes = 3;

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

/// Nothing if no format has the name.
std::optional<Format> format_named(std::string_view name);

/// kNone where a data type of ONNX is none.
Format format_of_onnx(int type);

/// A code's value in fixed point; nothing for NaN, infinity and NaR. @pre not kNone
std::optional<std::int64_t> fixed_of(Format format, std::uint8_t code);

/// The code of a value; nothing if the format has no such value. @pre not kNone
std::optional<std::uint8_t> code_of(Format format, std::int64_t fixed);

/// The largest value.
std::int64_t largest(Format format);

__extension__ using Exact = __int128;

/// The value nearest to `number` * 2^-`below`, in units of the fixed point.
/// @pre |number| < 2^80, below in 0..80
std::int64_t nearest(Format format, Exact number, int below);

/// The same of a real number of units. NaN becomes 0.
std::int64_t nearest_real(Format format, double units);

/// How many values lie between 0 and a value, it among them; below 0 less than none. So maxima,
/// bounds and movement are those of whole numbers. @pre it is a value
int place_of(Format format, std::int64_t fixed);

/// The value at a place; beyond the last one that. @pre no posit
std::int64_t value_at(Format format, int place);

/// What a tensor's codes stand for, in units, and the other way: int16 codes for themselves, bytes
/// for the values at their places.
std::int64_t units_of(Format format, std::int64_t code);
std::int32_t as_code(Format format, std::int64_t fixed);

/// The largest code.
std::int32_t largest_code(Format format);

}  // namespace trine::machine
