// SPDX-License-Identifier: Apache-2.0
//
// Liberty's text as a tree: name (arguments) { attribute : value; name (values); groups }.

#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace trine::synth {

struct Group {
  std::string type, name;  ///< "pin", "A"; of several arguments the first
  std::string second;      ///< argument
  std::map<std::string, std::vector<std::string>> attributes;  ///< also name (values)
  std::vector<Group> groups;

  /// The attribute's only or first value, empty if absent.
  const std::string& text(const std::string& key) const;
  /// @return `otherwise` if absent. @throws Error  no number
  double number(const std::string& key, double otherwise) const;
};

/// The library's group. @param file  for messages. @throws Error  with the line where it stops
Group parse_groups(std::string_view text, const std::string& file);

/// "0.1, 0.2" in each string, in order.
std::vector<float> numbers_of(const std::vector<std::string>& texts);

}  // namespace trine::synth
