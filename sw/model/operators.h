// SPDX-License-Identifier: Apache-2.0
//
// What is known of an operator by its kind alone, from the one table operators.def.

#pragma once

#include <array>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

namespace trine::model {

enum class OpKind {
#define OPERATOR(kind, ...) k##kind,
#define NAME_ONLY(...)
#include "sw/model/operators.def"
};

enum class OpClass {
  kProduct,         ///< with weights; its sums may stay int32
  kWindow,          ///< pools, resizes
  kReduction,       ///< over axes
  kReshape,         ///< codes stay where they are
  kMovement,        ///< codes lie elsewhere
  kPair,            ///< of two operands that broadcast
  kRequantization,  ///< codes at another scale, clamped
  kFunction,        ///< of each element alone
  kHost,            ///< has no form on the machine
  kOwn,             ///< none of these
  kNone,            ///< unknown
};

enum class Numbers { kCodes, kFloats, kBoth, kWide, kAny };

struct Operator {
  std::string_view name;
  int code;               ///< TFLite's, or -1
  std::string_view onnx;  ///< or empty
  OpClass type;
  Numbers numbers;
};

inline constexpr Operator kOperators[] = {
#define OPERATOR(kind, name, code, onnx, type, numbers, rule) \
  {name, code, onnx, OpClass::type, Numbers::numbers},
#define NAME_ONLY(...)
#include "sw/model/operators.def"
};
inline constexpr std::size_t kKinds = std::size(kOperators);

constexpr const Operator& facts_of(OpKind kind) {
  return kOperators[static_cast<std::size_t>(kind)];
}
constexpr OpClass class_of(OpKind kind) { return facts_of(kind).type; }

/// "CONV_2D"; kind_of() has the way back.
constexpr std::string_view name_of(OpKind kind) { return facts_of(kind).name; }
/// @return nothing if no kind has the name
std::optional<OpKind> kind_of(std::string_view name);
/// The kind that ONNX's operator is on float32. @return nothing if there is none
std::optional<OpKind> kind_of_onnx(std::string_view type);
/// Kind and name of TFLite's operator. @return nothing if the table does not have the code
std::optional<std::pair<OpKind, std::string_view>> kind_of_tflite(int code);

/// Functions of one element, or of two, that TFLite or ONNX also has in float32, between DEQUANTIZE
/// and QUANTIZE.
constexpr bool computes_floats(OpKind kind) {
  const Numbers numbers = facts_of(kind).numbers;
  return numbers == Numbers::kFloats || numbers == Numbers::kBoth || numbers == Numbers::kAny;
}
/// Whether its results can be codes.
constexpr bool computes_codes(OpKind kind) { return facts_of(kind).numbers != Numbers::kFloats; }
/// Whether its codes can be int16, beside int8 weights where it has weights: TFLite's 16x8.
constexpr bool computes_wide(OpKind kind) {
  const Numbers numbers = facts_of(kind).numbers;
  return numbers == Numbers::kWide || numbers == Numbers::kAny;
}
/// ADD and others that broadcast two operands.
constexpr bool is_binary(OpKind kind) { return class_of(kind) == OpClass::kPair; }
/// Codes at another scale, clamped: the vector unit needs no table.
constexpr bool is_requantization(OpKind kind) { return class_of(kind) == OpClass::kRequantization; }
/// Whether an element of the output depends on one of the only operand.
constexpr bool is_unary(OpKind kind) {
  return class_of(kind) == OpClass::kFunction || is_requantization(kind);
}
constexpr bool is_reshape(OpKind kind) { return class_of(kind) == OpClass::kReshape; }
constexpr bool is_product(OpKind kind) { return class_of(kind) == OpClass::kProduct; }

/// A table of what else is known of kinds, from its rows. One that compiles has no two rows of a
/// kind, and one of each kind that `needs` says.
template <typename Entry, std::size_t N>
consteval std::array<Entry, kKinds> table_of(const std::pair<OpKind, Entry> (&rows)[N],
                                             bool (*needs)(OpKind)) {
  std::array<Entry, kKinds> table{};
  std::array<bool, kKinds> has_row{};
  for (const auto& [kind, entry] : rows) {
    const auto k = static_cast<std::size_t>(kind);
    if (has_row[k]) throw "two rows of a kind";
    has_row[k] = true;
    table[k] = entry;
  }
  for (std::size_t k = 0; k < kKinds; ++k)
    if (!has_row[k] && needs(static_cast<OpKind>(k))) throw "a kind without a row";
  return table;
}

}  // namespace trine::model
