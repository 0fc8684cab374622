// SPDX-License-Identifier: Apache-2.0

#include "synth/read/rtlil.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include "sw/base/error.h"

namespace trine::synth {
namespace {

/// Removes the first line from `text` and returns it without its line end.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    if (end > 0) words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

/// Returns true for instances of modules: "
/// ame", "$paramod
/// ame\P=.." and "$paramod$0123
/// ame", but not "$add".
bool is_module_name(std::string_view name) {
  return !name.empty() && (name[0] == '\\' || name.starts_with("$paramod"));
}

std::string base_of(std::string_view name) {
  const std::size_t begin = name.find('\\') + 1;
  const std::size_t end = name[0] == '\\' ? name.size() : name.find('\\', begin);
  return std::string(name.substr(begin, std::min(end, name.size()) - begin));
}

/// Chooses readable names for all modules; RTLIL name -> our name.
std::map<std::string, std::string> choose_names(std::string_view rtlil) {
  std::map<std::string, std::set<std::string>> variants;
  while (!rtlil.empty()) {
    const std::string_view line = take_line(rtlil);
    if (line.starts_with("module ")) {
      const std::string name(line.substr(7));
      variants[base_of(name)].insert(name);
    }
  }
  std::map<std::string, std::string> names;
  for (const auto& [base, rtlil_names] : variants) {
    int n = 0;
    for (const std::string& name : rtlil_names)
      names[name] = rtlil_names.size() == 1 ? base : fmt::format("{}__{}", base, ++n);
  }
  return names;
}

/// Renumbers the names that Yosys generated ("$and$x.sv:12$100003456_Y", "\a.$block$100000007.i").
/// They contain source lines and numbers that count through the whole design. With numbers per
/// module, an unchanged module is synthesized to the same result when another one changes.
class Renumbering {
 public:
  std::string operator()(std::string_view line) {
    std::string text;
    for (std::size_t at = 0; at < line.size();) {
      const std::size_t end = std::min(line.find(' ', at + 1), line.size());
      const std::size_t word = std::min(line.find_first_not_of(' ', at), end);
      text += line.substr(at, word - at);
      const std::string_view name = line.substr(word, end - word);
      text += is_numbered(name) ? fmt::format("$n{}", number_of(name)) : public_name(name);
      at = end;
    }
    return text;
  }

 private:
  /// Returns true for numbered names. Cell types ("$add") and registers of `proc` ("$0\\q") have no
  /// second '$'.
  static bool is_numbered(std::string_view name) {
    return name.starts_with('$') && name.find('$', 1) != std::string_view::npos;
  }

  std::string public_name(std::string_view name) {
    std::string text;
    std::size_t done = 0;
    for (std::size_t at = name.find('$', 1); at != std::string_view::npos;
         at = name.find('$', at + 1)) {
      const std::size_t end = std::min(name.find_first_not_of("0123456789", at + 1), name.size());
      if (end == at + 1) continue;
      text += name.substr(done, at - done);
      text += fmt::format("${}", number_of(name.substr(at, end - at)));
      done = end;
    }
    return text.append(name.substr(done));
  }

  std::size_t number_of(std::string_view name) {
    return numbers_.emplace(name, numbers_.size()).first->second;
  }

  std::unordered_map<std::string, std::size_t> numbers_;
};

long number(std::string_view text) { return std::stol(std::string(text)); }

/// Parses one module's lines, from after "module x" to its "end".
void parse_body(std::string_view& rest, const std::map<std::string, std::string>& names,
                Module& module) {
  int depth = 0;
  Renumbering renumbered;
  std::vector<std::string> connections;  // of the module; their order varies
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    const auto words = words_of(line);
    if (words.empty() || (words[0] == "attribute" && words[1] == "\\src")) continue;
    if (depth == 0 && words[0] == "end") {
      std::sort(connections.begin(), connections.end());
      for (const std::string& connection : connections) module.text += connection;
      return;
    }
    if (depth == 0 && words[0] == "connect") {
      connections.push_back(renumbered(line) + "\n");
      continue;
    }
    if (words[0] == "end") --depth;
    if (words[0] == "process") ++depth;
    if (words[0] == "switch") ++depth;  // inside of a process
    if (words[0] == "memory") {
      const long width = words[1] == "width" ? number(words[2]) : 1;
      const auto size = std::find(words.begin(), words.end(), "size");
      const long depth_words = size != words.end() ? number(*(size + 1)) : 1;
      if (width * depth_words > module.memory_bits()) {
        module.memory_width = width;
        module.memory_depth = depth_words;
      }
    }
    if (words[0] == "wire" && (std::find(words.begin(), words.end(), "input") != words.end() ||
                               std::find(words.begin(), words.end(), "output") != words.end()))
      module.stub += std::string(line) + "\n";
    if (words[0] == "cell") {
      ++depth;
      ++module.cells;
      if (words.size() == 3 && is_module_name(words[1])) {
        const auto child = names.find(std::string(words[1]));
        if (child == names.end())
          throw_error("yosys: module {} is instantiated but not defined", words[1]);
        ++module.children[child->second];
        module.text += renumbered(fmt::format("  cell \\{} {}\n", child->second, words[2]));
        continue;
      }
    }
    module.text += words[0] == "attribute" ? std::string(line) : renumbered(line);
    module.text += "\n";
  }
  throw_error("yosys: module {} has no end in its RTLIL", module.name);
}

}  // namespace

Design parse_rtlil(std::string_view rtlil) {
  const auto names = choose_names(rtlil);
  Design design;
  bool blackbox = false;  // applies to the next module
  while (!rtlil.empty()) {
    const std::string_view line = take_line(rtlil);
    if (line == "attribute \\blackbox 1") blackbox = true;
    if (line.rfind("module ", 0) != 0) continue;
    const std::string rtlil_name(line.substr(7));
    Module module;
    module.name = names.at(rtlil_name);
    module.base = base_of(rtlil_name);
    module.blackbox = std::exchange(blackbox, false);
    parse_body(rtlil, names, module);
    module.text = fmt::format("module \\{}\n{}end\n", module.name, module.text);
    module.stub =
        fmt::format("attribute \\blackbox 1\nmodule \\{}\n{}end\n", module.name, module.stub);
    design.emplace(module.name, std::move(module));
  }
  return design;
}

std::map<std::string, std::int64_t> count_instances(const Design& design, const std::string& top) {
  std::map<std::string, std::int64_t> counts;
  const auto visit = [&](const auto& self, const std::string& name, std::int64_t times) -> void {
    counts[name] += times;
    for (const auto& [child, n] : design.at(name).children) self(self, child, times * n);
  };
  visit(visit, top, 1);
  return counts;
}

}  // namespace trine::synth
