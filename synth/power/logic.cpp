// SPDX-License-Identifier: Apache-2.0

#include "synth/power/logic.h"

#include <algorithm>
#include <cctype>

#include "sw/base/error.h"

namespace trine::power {
namespace {

bool in_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '[' || c == ']';
}

/// Evaluates all rows of the table at once: a value is a column of 64 bits.
class Parser {
 public:
  Parser(std::string_view text, const std::vector<std::string>& inputs)
      : text_(text), inputs_(inputs) {}

  std::uint64_t whole() {
    const std::uint64_t value = any();
    if (peek() != '\0') fail();
    return value;
  }

 private:
  char peek() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  [[noreturn]] void fail() const {
    throw_error("Liberty: '{}' is not an expression of pins", text_);
  }

  std::uint64_t any() {
    std::uint64_t value = all();
    while (take('+') || take('|')) value |= all();
    return value;
  }
  std::uint64_t all() {
    std::uint64_t value = odd();
    while (take('&') || take('*') || peek() == '!' || peek() == '(' || in_name(peek()))
      value &= odd();
    return value;
  }
  std::uint64_t odd() {
    std::uint64_t value = operand();
    while (take('^')) value ^= operand();
    return value;
  }
  std::uint64_t operand() {
    if (take('!')) return ~operand();
    std::uint64_t value = 0;
    if (take('(')) {
      value = any();
      if (!take(')')) fail();
    } else {
      value = name();
    }
    while (take('\'')) value = ~value;
    return value;
  }
  std::uint64_t name() {
    peek();
    const std::size_t begin = at_;
    while (at_ < text_.size() && in_name(text_[at_])) ++at_;
    const std::string_view name = text_.substr(begin, at_ - begin);
    if (name == "0") return 0;
    if (name == "1") return ~std::uint64_t{0};
    const auto found = std::find(inputs_.begin(), inputs_.end(), name);
    if (name.empty() || found == inputs_.end()) fail();
    std::uint64_t column = 0;
    const auto k = static_cast<unsigned>(found - inputs_.begin());
    for (unsigned row = 0; row < 64; ++row) column |= std::uint64_t{row >> k & 1} << row;
    return column;
  }

  const std::string_view text_;
  const std::vector<std::string>& inputs_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<std::string> names_in(std::string_view expression) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at < expression.size();) {
    std::size_t end = at;
    while (end < expression.size() && in_name(expression[end])) ++end;
    const std::string name(expression.substr(at, end - at));
    if (!name.empty() && name != "0" && name != "1" &&
        std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
    at = std::max(end, at + 1);
  }
  return names;
}

std::uint64_t truth_table(std::string_view expression, const std::vector<std::string>& inputs) {
  if (inputs.size() > kMostInputs)
    throw_error("Liberty: '{}' has {} inputs, allowed up to {}", expression, inputs.size(),
                kMostInputs);
  return Parser(expression, inputs).whole();
}

}  // namespace trine::power
