// SPDX-License-Identifier: Apache-2.0
//
// Parses Liberty into a tree: name (arguments) { attribute : value; name (values); groups }.

#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace trine::synth {

/// A group of a Liberty file.
struct Group {
  std::string type, name;  ///< "pin", "A"; the first of several arguments
  std::string second;      ///< second argument
  /// Including complex attributes: name (values).
  std::map<std::string, std::vector<std::string>> attributes;
  std::vector<Group> groups;

  /// Returns the attribute's first value, or an empty string.
  const std::string& text(const std::string& key) const;
  /// Returns the attribute as a number, or `otherwise` if absent. @throws Error  not a number
  double number(const std::string& key, double otherwise) const;
};

/// Returns the library's group. @param file  for messages. @throws Error  with the line of the
/// fault
Group parse_groups(std::string_view text, const std::string& file);

/// Returns the numbers of all strings ("0.1, 0.2") in order.
std::vector<float> numbers_of(const std::vector<std::string>& texts);

}  // namespace trine::synth
