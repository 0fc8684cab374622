// SPDX-License-Identifier: Apache-2.0

#include "synth/read/liberty_groups.h"

#include <algorithm>
#include <cstdlib>

#include "sw/base/error.h"

namespace trine::synth {
namespace {

constexpr std::string_view kMarks = "(){}:;,";

class Parser {
 public:
  Parser(std::string_view text, const std::string& file) : text_(text), file_(file) { next(); }

  Group library() {
    Group group;
    group.type = take();
    if (group.type != "library") fail("expected 'library'");
    arguments(group);
    body(group);
    return group;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    const auto line = 1 + std::count(text_.begin(), text_.begin() + begin_, '\n');
    throw_error("{}:{}: not a Liberty file: {}", file_, line, what);
  }

  void skip_blanks() {
    for (;;) {
      at_ = std::min(text_.find_first_not_of(" \t\r\n\\", at_), text_.size());
      if (text_.substr(at_, 2) == "/*")
        at_ = std::min(text_.find("*/", at_ + 2), text_.size() - 2) + 2;
      else if (text_.substr(at_, 2) == "//")
        at_ = std::min(text_.find('\n', at_), text_.size());
      else
        return;
    }
  }

  /// Reads the next word, mark or string into token_; empty at the end.
  void next() {
    skip_blanks();
    begin_ = static_cast<std::ptrdiff_t>(at_);
    quoted_ = at_ < text_.size() && text_[at_] == '"';
    if (at_ == text_.size()) {
      token_ = {};
    } else if (quoted_) {
      const std::size_t end = text_.find('"', at_ + 1);
      if (end == std::string_view::npos) fail("a string does not end");
      token_ = text_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
    } else {
      const std::size_t end =
          kMarks.find(text_[at_]) != std::string_view::npos
              ? at_ + 1
              : std::min(text_.find_first_of(" \t\r\n\\\"(){}:;,", at_), text_.size());
      token_ = text_.substr(at_, end - at_);
      at_ = end;
    }
  }

  bool is(char mark) const { return !quoted_ && token_.size() == 1 && token_[0] == mark; }
  bool ends() const { return token_.empty() && !quoted_; }

  std::string take() {
    if (ends()) fail("it ends within a group");
    const std::string word(token_);
    next();
    return word;
  }

  std::vector<std::string> arguments(Group& group) {
    std::vector<std::string> list;
    if (!is('(')) fail("expected '('");
    for (next(); !is(')');) {
      std::string word = take();
      if (word == ":" && !list.empty())
        list.back() += word + take();  // bits of a bus
      else if (word != ",")
        list.push_back(std::move(word));
    }
    next();
    if (!list.empty()) group.name = list[0];
    if (list.size() > 1) group.second = list[1];
    return list;
  }

  /// Returns all words up to the end of the line, or ';': expressions need no quotes.
  std::string value() {
    std::string words;
    const auto line_end = static_cast<std::ptrdiff_t>(text_.find('\n', at_));
    while (!is(';') && !is('}') && !ends() && (words.empty() || begin_ < line_end)) words += take();
    return words;
  }

  void body(Group& group) {
    if (!is('{')) fail("expected '{'");
    next();
    while (!is('}')) {
      if (is(';')) {
        next();
        continue;
      }
      const std::string name = take();
      if (is(':')) {
        next();
        group.attributes[name] = {value()};
        continue;
      }
      Group child;
      std::vector<std::string> list = arguments(child);
      if (is('{')) {
        child.type = name;
        body(child);
        group.groups.push_back(std::move(child));
      } else {
        group.attributes[name] = std::move(list);
      }
    }
    next();
  }

  const std::string_view text_;
  const std::string file_;
  std::size_t at_ = 0;
  std::ptrdiff_t begin_ = 0;
  bool quoted_ = false;
  std::string_view token_;
};

}  // namespace

const std::string& Group::text(const std::string& key) const {
  static const std::string none;
  const auto found = attributes.find(key);
  return found == attributes.end() || found->second.empty() ? none : found->second[0];
}

double Group::number(const std::string& key, double otherwise) const {
  const std::string& value = text(key);
  if (value.empty()) return otherwise;
  char* rest = nullptr;
  const double number = std::strtod(value.c_str(), &rest);
  if (rest == value.c_str())
    throw_error("Liberty {} {}: {}: '{}' is not a number", type, name, key, value);
  return number;
}

Group parse_groups(std::string_view text, const std::string& file) {
  return Parser(text, file).library();
}

std::vector<float> numbers_of(const std::vector<std::string>& texts) {
  std::vector<float> numbers;
  for (const std::string& text : texts)
    for (const char* at = text.c_str(); *at != '\0';) {
      char* rest = nullptr;
      const float number = std::strtof(at, &rest);
      if (rest == at) {
        ++at;  // commas, blanks, backslashes
        continue;
      }
      numbers.push_back(number);
      at = rest;
    }
  return numbers;
}

}  // namespace trine::synth
