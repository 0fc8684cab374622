// SPDX-License-Identifier: Apache-2.0

#include "sw/model/graph/operators.h"

#include <algorithm>

namespace trine::model {
namespace {

using Named = std::pair<int, std::string_view>;

constexpr Named kNameOnly[] = {
#define OPERATOR(...)
#define NAME_ONLY(code, name) {code, name},
#include "sw/model/graph/operators.def"
};

/// Returns true if no two rows share a name or a code.
consteval bool are_distinct() {
  for (std::size_t i = 0; i < kKinds; ++i) {
    const Operator& a = kOperators[i];
    for (std::size_t k = 0; k < i; ++k)
      if (a.name == kOperators[k].name || (a.code >= 0 && a.code == kOperators[k].code) ||
          (!a.onnx.empty() && a.onnx == kOperators[k].onnx))
        return false;
    for (const auto& [code, name] : kNameOnly)
      if (a.code == code || a.name == name) return false;
  }
  return true;
}
static_assert(are_distinct());

template <typename Predicate>
std::optional<OpKind> find(const Predicate& is_it) {
  const auto* found = std::find_if(std::begin(kOperators), std::end(kOperators), is_it);
  if (found == std::end(kOperators)) return std::nullopt;
  return static_cast<OpKind>(found - std::begin(kOperators));
}

}  // namespace

std::optional<OpKind> kind_of(std::string_view name) {
  return find([&](const Operator& row) { return row.name == name; });
}

std::optional<OpKind> kind_of_onnx(std::string_view type) {
  return find([&](const Operator& row) { return !row.onnx.empty() && row.onnx == type; });
}

std::optional<std::pair<OpKind, std::string_view>> kind_of_tflite(int code) {
  if (code < 0) return std::nullopt;
  if (const auto kind = find([&](const Operator& row) { return row.code == code; }))
    return std::pair{*kind, name_of(*kind)};
  const auto* named = std::find_if(std::begin(kNameOnly), std::end(kNameOnly),
                                   [&](const Named& row) { return row.first == code; });
  if (named == std::end(kNameOnly)) return std::nullopt;
  return std::pair{OpKind::kUnknown, named->second};
}

}  // namespace trine::model
