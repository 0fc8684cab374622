// SPDX-License-Identifier: Apache-2.0
//
// Defines the error for a network that is read but cannot be computed. Tools decide by its reason
// codes; the texts are for people.

#pragma once

#include <array>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sw/base/error.h"

namespace trine::model {

/// The reason of a refusal.
enum class Reason {
  kOperator,       ///< the operator is not supported
  kOperands,       ///< wrong number of operands, or wrong ones are constant
  kAttribute,      ///< an operator's attribute
  kType,           ///< a tensor's type
  kShape,          ///< a tensor's shape, or a form that would need too many layers
  kQuantization,   ///< scales or zero points
  kConfiguration,  ///< this design does not include the hardware
  kMemory,         ///< this design's memories are too small
  kLayout,         ///< codes are stored where the machine cannot read them
  kRange,          ///< a number exceeds the machine's range
  kRounding,       ///< the machine would round to other codes
  kOther,
};

/// Returns the reason's name, such as "type".
constexpr std::string_view name_of(Reason reason) {
  constexpr std::array<std::string_view, 12> kNames = {
      "operator",      "operands", "attribute", "type",  "shape",    "quantization",
      "configuration", "memory",   "layout",    "range", "rounding", "other"};
  return kNames[static_cast<std::size_t>(reason)];
}

/// The error for a network that cannot be computed.
class Refusal : public Error {
 public:
  Refusal(Reason reason, const std::string& text) : Refusal(std::vector{reason}, text) {}
  Refusal(std::vector<Reason> reasons, const std::string& text)
      : Error(text), reasons_(std::move(reasons)) {}

  /// Returns the reason of each fault in the text. The list is never empty.
  const std::vector<Reason>& reasons() const { return reasons_; }

 private:
  std::vector<Reason> reasons_;
};

/// Makes a refusal with a formatted text: refusal(Reason::kShape, "{}: rank {}", what, rank).
template <typename... Args>
Refusal refusal(Reason reason, fmt::format_string<Args...> format, Args&&... args) {
  return {reason, fmt::format(format, std::forward<Args>(args)...)};
}

template <typename... Args>
[[noreturn]] void refuse(Reason reason, fmt::format_string<Args...> format, Args&&... args) {
  throw refusal(reason, format, std::forward<Args>(args)...);
}

/// The kinds of models without quantized activations.
inline constexpr std::string_view kFloat32 = "float32", kFloat16 = "float16",
                                  kWeightsAlone = "quantized only in its weights",
                                  kDynamic =
                                      "quantized dynamically, without scales for activations";

/// Refuses such a model.
/// @param what  one of the kinds above
/// @throws Refusal  names the kind, and how to get a quantized model
[[noreturn]] void refuse_float(const std::string& file, std::string_view what);

/// All faults of a network, with one line for each different text.
class Faults {
 public:
  void add(const Error& error) {
    if (!known_.insert(error.what()).second) return;
    text_ += (text_.empty() ? "" : "\n") + std::string(error.what());
    const auto* refusal = dynamic_cast<const Refusal*>(&error);
    const auto& reasons = refusal != nullptr ? refusal->reasons() : std::vector{Reason::kOther};
    reasons_.insert(reasons_.end(), reasons.begin(), reasons.end());
  }
  bool empty() const { return reasons_.empty(); }
  /// Returns one refusal with all lines.
  /// @pre not empty
  Refusal joined() const { return {reasons_, text_}; }

 private:
  std::string text_;
  std::set<std::string> known_;
  std::vector<Reason> reasons_;
};

}  // namespace trine::model
