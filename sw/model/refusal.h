// SPDX-License-Identifier: Apache-2.0
//
// A network that is read but not computed, and a code for why, which tools decide by: texts are for
// people.

#pragma once

#include <array>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace trine::model {

enum class Reason {
  kOperator,       ///< there is no such operator
  kOperands,       ///< how many there are, or which are constant
  kAttribute,      ///< of an operator
  kType,           ///< of a tensor
  kShape,          ///< of a tensor, or a form that would take too many layers
  kQuantization,   ///< scales, zero points
  kConfiguration,  ///< this design lacks the hardware
  kMemory,         ///< this design's memories are too small
  kLayout,         ///< codes lie where the machine does not read them
  kRange,          ///< a number is beyond the machine's
  kRounding,       ///< the machine would round to other codes
  kOther,
};

constexpr std::string_view name_of(Reason reason) {
  constexpr std::array<std::string_view, 12> kNames = {
      "operator",      "operands", "attribute", "type",  "shape",    "quantization",
      "configuration", "memory",   "layout",    "range", "rounding", "other"};
  return kNames[static_cast<std::size_t>(reason)];
}

class Refusal : public Error {
 public:
  Refusal(Reason reason, const std::string& text) : Refusal(std::vector{reason}, text) {}
  Refusal(std::vector<Reason> reasons, const std::string& text)
      : Error(text), reasons_(std::move(reasons)) {}

  /// The reason of each fault in the text; never empty.
  const std::vector<Reason>& reasons() const { return reasons_; }

 private:
  std::vector<Reason> reasons_;
};

/// refusal(Reason::kShape, "{}: rank {}", what, rank)
template <typename... Args>
Refusal refusal(Reason reason, fmt::format_string<Args...> format, Args&&... args) {
  return {reason, fmt::format(format, std::forward<Args>(args)...)};
}

template <typename... Args>
[[noreturn]] void refuse(Reason reason, fmt::format_string<Args...> format, Args&&... args) {
  throw refusal(reason, format, std::forward<Args>(args)...);
}

/// Faults, one line each and once, until all are known.
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
  /// @pre not empty
  Refusal joined() const { return {reasons_, text_}; }

 private:
  std::string text_;
  std::set<std::string> known_;
  std::vector<Reason> reasons_;
};

}  // namespace trine::model
