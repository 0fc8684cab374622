// SPDX-License-Identifier: Apache-2.0
//
// The table of precisions: sets of codes that the machine packs into 32-bit words and multiplies.
// It contains the name, the requirements and the packing of each precision. Code that needs other
// facts has a `switch` over isa::post::Encoding without a default. The assertions below the table
// state what all users rely on, so that an unsuitable row does not compile.

#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "spec/config.h"
#include "spec/isa.h"

namespace trine::spec {

/// A precision.
struct Precision {
  isa::post::Encoding encoding;  ///< the row's index
  std::string_view name;  ///< its name in array.precisions and in the encoding of a model's tensor
  int bits;               ///< width of a code
  int lowest, highest;    ///< smallest and largest code
  bool has_zero;          ///< true if 0 is a code; otherwise zero bits are the code -1
  bool Config::*enabled;  ///< configuration key that enables it
  unsigned feature;       ///< its bit of isa::feature
  isa::compute::Op product;       ///< operation on activations and weights of this precision
  isa::compute::Op int8_product;  ///< operation on int8 activations and weights of this precision
  isa::vector::Op maximum;        ///< operation for the maximum of taps
  /// Returns the number of codes in a 32-bit word.
  constexpr int codes_per_word() const { return 32 / bits; }
  /// Returns true if `code` is a code of this precision.
  constexpr bool holds(std::int64_t code) const {
    return code >= lowest && code <= highest && (code != 0 || has_zero);
  }
  /// Returns the largest absolute value of a code.
  constexpr int most() const { return -lowest > highest ? -lowest : highest; }
};

inline constexpr std::array kPrecisions{
    Precision{isa::post::Encoding::kInt8, "int8", 8, -128, 127, true, &Config::int8,
              isa::feature::kInt8, isa::compute::Op::kInt8, isa::compute::Op::kInt8,
              isa::vector::Op::kMax},
    Precision{isa::post::Encoding::kTernary, "ternary", 2, -1, 1, true, &Config::ternary,
              isa::feature::kTernary, isa::compute::Op::kTernary, isa::compute::Op::kInt8Ternary,
              isa::vector::Op::kMaxTernary},
    Precision{isa::post::Encoding::kBinary, "binary", 1, -1, 1, false, &Config::binary,
              isa::feature::kBinary, isa::compute::Op::kBinary, isa::compute::Op::kInt8Binary,
              isa::vector::Op::kMaxBinary},
};
inline constexpr const Precision& kInt8 = kPrecisions[0];
/// Only for weights: no map has this precision, and `encoding`, `product` and `maximum` are not
/// used.
inline constexpr Precision kInt4{isa::post::Encoding::kInt8,
                                 "int4",
                                 4,
                                 -8,
                                 7,
                                 true,
                                 &Config::weights4,
                                 isa::feature::kInt4,
                                 isa::compute::Op::kInt8Int4,
                                 isa::compute::Op::kInt8Int4,
                                 isa::vector::Op::kMax};

/// Returns the first precision for which `holds` is true, or null.
template <typename Holds>
constexpr const Precision* find_precision(Holds holds) {
  for (const Precision& p : kPrecisions)
    if (holds(p)) return &p;
  return nullptr;
}

/// Returns the precision whose codes have `bits` bits. @pre it exists
constexpr const Precision& precision_of_bits(int bits) {
  return *find_precision([=](const Precision& p) { return p.bits == bits; });
}
/// Returns the precision with `per_word` codes in a word. @pre it exists
constexpr const Precision& precision_of_codes(int per_word) {
  return precision_of_bits(32 / per_word);
}
/// Returns the value of isa::post::kEncoding.
constexpr int encoding_of(const Precision& precision) {
  return static_cast<int>(precision.encoding);
}

namespace table {

template <typename Holds>
constexpr bool all(Holds holds) {
  return find_precision([&](const Precision& p) { return !holds(p); }) == nullptr;
}

}  // namespace table

static_assert(kPrecisions.size() == isa::kEncodings.codes.size() && table::all([](const auto& p) {
                const auto row = static_cast<std::size_t>(encoding_of(p));
                return &p == &kPrecisions[row] && p.name == isa::kEncodings.codes[row].name;
              }),
              "a row's index is the code of its encoding");
static_assert(table::all([](const auto& p) {
                return 32 % p.bits == 0 && p.bits <= 8 && &p == &precision_of_bits(p.bits);
              }),
              "the bits of a code name its precision and fill a word");
static_assert(table::all([](const auto& p) {
                return p.bits == 1 ? p.lowest == -1 && p.highest == 1 && !p.has_zero
                                   : p.lowest >= -(1 << (p.bits - 1)) &&
                                         p.highest < 1 << (p.bits - 1) && p.holds(0);
              }),
              "codes are in two's complement, codes of a single bit -1 and 1");
static_assert(table::all([](const auto& p) {
                return table::all([&](const auto& wider) {
                  return wider.bits <= p.bits || (wider.holds(p.lowest) && wider.holds(p.highest));
                });
              }),
              "a wider precision has the codes of a narrower one");

/// The precisions that an operation of the array multiplies.
struct Operands {
  const Precision &activations, &weights;
};
/// Returns the precisions of an operation's activations and weights.
constexpr Operands operands_of(isa::compute::Op op) {
  if (op == kInt4.int8_product || op == isa::compute::Op::kInt8Groups) return {kInt8, kInt4};
  if (op == isa::compute::Op::kBinaryInside) op = isa::compute::Op::kBinary;
  for (const Precision& p : kPrecisions) {
    if (op == p.product) return {p, p};
    if (op == p.int8_product) return {kInt8, p};
  }
  return {kInt8, kInt8};  // products of two maps, and of both bytes of int16
}
static_assert(std::ranges::all_of(isa::kComputeOps.codes,
                                  [](const isa::Code& code) {
                                    const auto op = static_cast<isa::compute::Op>(code.code);
                                    return op == isa::compute::Op::kMatmul ||
                                           op == isa::compute::Op::kMatmul16 ||
                                           op == isa::compute::Op::kInt16 ||
                                           op == isa::compute::Op::kInt8Int16 ||
                                           op == kInt4.int8_product ||
                                           op == isa::compute::Op::kInt8Groups ||
                                           op == isa::compute::Op::kBinaryInside ||
                                           std::ranges::any_of(
                                               kPrecisions, [=](const Precision& p) {
                                                 return op == p.product || op == p.int8_product;
                                               });
                                  }),
              "each operation that is not listed above belongs to a row");

}  // namespace trine::spec
