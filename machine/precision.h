// SPDX-License-Identifier: Apache-2.0
//
// The one table of precisions: sets of codes that the machine packs into 32-bit words and
// multiplies. What a precision is called, needs and packs is looked up here.

#pragma once

#include <array>
#include <string_view>

#include "machine/config.h"
#include "machine/isa.h"

namespace trine::machine {

struct Precision {
  std::string_view name;          ///< in array.precisions, and of the encoding of a model's tensor
  int bits;                       ///< of a code
  int lowest;                     ///< code
  bool Config::*enabled;          ///< whether a configuration has it
  unsigned feature;               ///< of isa::feature
  isa::compute::Op product;       ///< of activations and weights of this precision
  isa::compute::Op int8_product;  ///< of int8 activations and weights of this precision
  isa::vector::Op maximum;        ///< of taps
  constexpr int codes_per_word() const { return 32 / bits; }
};

/// A row's index is its code in isa::post::kEncoding.
inline constexpr std::array<Precision, 3> kPrecisions{{
    {"int8", 8, -128, &Config::int8, isa::feature::kInt8, isa::compute::Op::kInt8,
     isa::compute::Op::kInt8, isa::vector::Op::kMax},
    {"ternary", 2, -1, &Config::ternary, isa::feature::kTernary, isa::compute::Op::kTernary,
     isa::compute::Op::kInt8Ternary, isa::vector::Op::kMaxTernary},
    {"binary", 1, -1, &Config::binary, isa::feature::kBinary, isa::compute::Op::kBinary,
     isa::compute::Op::kInt8Binary, isa::vector::Op::kMaxBinary},
}};
inline constexpr const Precision& kInt8 = kPrecisions[0];

/// The first precision of which `holds` is true, or null.
template <typename Holds>
constexpr const Precision* find_precision(Holds holds) {
  for (const Precision& p : kPrecisions)
    if (holds(p)) return &p;
  return nullptr;
}

/// @pre a precision has codes of so many bits
constexpr const Precision& precision_of_bits(int bits) {
  return *find_precision([=](const Precision& p) { return p.bits == bits; });
}
/// @pre a precision has so many codes a word
constexpr const Precision& precision_of_codes(int per_word) {
  return precision_of_bits(32 / per_word);
}
static_assert(
    kPrecisions.size() == isa::kEncodings.codes.size() &&
    find_precision([](const Precision& p) {
      return p.name !=
             isa::kEncodings.codes[static_cast<std::size_t>(&p - kPrecisions.data())].name;
    }) == nullptr);

/// The value of isa::post::kEncoding.
constexpr int encoding_of(const Precision& precision) {
  return static_cast<int>(&precision - kPrecisions.data());
}

/// What an operation of the array multiplies.
struct Operands {
  const Precision &activations, &weights;
};
constexpr Operands operands_of(isa::compute::Op op) {
  for (const Precision& p : kPrecisions) {
    if (op == p.product) return {p, p};
    if (op == p.int8_product) return {kInt8, p};
  }
  return {kInt8, kInt8};  // of two maps
}

}  // namespace trine::machine
