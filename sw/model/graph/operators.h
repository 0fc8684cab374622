// SPDX-License-Identifier: Apache-2.0
//
// Defines the kinds of operators and the properties of each kind, from the table operators.def.

#pragma once

#include <array>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

namespace trine::model {

/// The kinds of operators, one for each row of operators.def.
enum class OpKind {
#define OPERATOR(kind, ...) k##kind,
#define NAME_ONLY(...)
#include "sw/model/graph/operators.def"
};

/// The effect of an operator on its operands.
enum class OpClass {
  kProduct,         ///< has weights; its sums may stay int32
  kWindow,          ///< pools and resizes
  kReduction,       ///< reduces axes
  kReshape,         ///< codes keep their order
  kMovement,        ///< codes move to other places
  kPair,            ///< two operands that broadcast
  kRequantization,  ///< codes at another scale, clamped
  kFunction,        ///< each element depends on one element
  kHost,            ///< not supported by the machine
  kOwn,             ///< none of the classes above
  kNone,            ///< unknown
};

/// The types of an operator's results (operators.def).
enum class Numbers { kCodes, kFloats, kBoth, kWide, kAny };

/// A row of the table of operators.
struct Operator {
  std::string_view name;
  int code;               ///< TFLite's code, or -1
  std::string_view onnx;  ///< ONNX's name, or empty
  OpClass type;
  Numbers numbers;
};

inline constexpr Operator kOperators[] = {
#define OPERATOR(kind, name, code, onnx, type, numbers, rule) \
  {name, code, onnx, OpClass::type, Numbers::numbers},
#define NAME_ONLY(...)
#include "sw/model/graph/operators.def"
};
inline constexpr std::size_t kKinds = std::size(kOperators);

/// Returns the row of a kind.
constexpr const Operator& facts_of(OpKind kind) {
  return kOperators[static_cast<std::size_t>(kind)];
}
constexpr OpClass class_of(OpKind kind) { return facts_of(kind).type; }

/// Returns the operator's name, such as "CONV_2D". The inverse is kind_of().
constexpr std::string_view name_of(OpKind kind) { return facts_of(kind).name; }
/// Returns the kind with this name.
/// @return nothing if no kind has the name
std::optional<OpKind> kind_of(std::string_view name);
/// Returns the kind of an ONNX operator on float32.
/// @return nothing if there is none
std::optional<OpKind> kind_of_onnx(std::string_view type);
/// Returns kind and name of a TFLite operator.
/// @return nothing if the code is not in the table
std::optional<std::pair<OpKind, std::string_view>> kind_of_tflite(int code);

/// Returns true for functions of one or two elements that TFLite or ONNX also defines on float32,
/// between DEQUANTIZE and QUANTIZE.
constexpr bool computes_floats(OpKind kind) {
  const Numbers numbers = facts_of(kind).numbers;
  return numbers == Numbers::kFloats || numbers == Numbers::kBoth || numbers == Numbers::kAny;
}
/// Returns true if the operator's results can be codes.
constexpr bool computes_codes(OpKind kind) { return facts_of(kind).numbers != Numbers::kFloats; }
/// Returns true if the operator's codes can be int16 and its weights, if any, int8: TFLite's 16x8.
constexpr bool computes_wide(OpKind kind) {
  const Numbers numbers = facts_of(kind).numbers;
  return numbers == Numbers::kWide || numbers == Numbers::kAny;
}
/// Returns true for ADD and other operators that broadcast two operands.
constexpr bool is_binary(OpKind kind) { return class_of(kind) == OpClass::kPair; }
/// Returns true for operators that only rescale and clamp codes. The vector unit needs no table for
/// them.
constexpr bool is_requantization(OpKind kind) { return class_of(kind) == OpClass::kRequantization; }
/// Returns true if each element of the output depends on one element of the only operand.
constexpr bool is_unary(OpKind kind) {
  return class_of(kind) == OpClass::kFunction || is_requantization(kind);
}
constexpr bool is_reshape(OpKind kind) { return class_of(kind) == OpClass::kReshape; }
constexpr bool is_product(OpKind kind) { return class_of(kind) == OpClass::kProduct; }

/// Builds a table of further properties of kinds from its rows. It compiles only if no kind has two
/// rows and if each kind for which `needs` returns true has a row.
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
