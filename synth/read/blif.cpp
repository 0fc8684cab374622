// SPDX-License-Identifier: Apache-2.0

#include "synth/read/blif.h"

#include <algorithm>

#include "sw/base/error.h"

namespace trine::synth {
namespace {

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t at = line.find_first_not_of(' '); at != std::string_view::npos;) {
    const std::size_t end = std::min(line.find(' ', at), line.size());
    words.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(' ', end);
  }
  return words;
}

/// Parses a line that begins with a dot. Covers (the lines below a .names) do not.
void parse_line(const std::vector<std::string_view>& words, BlifModule& module) {
  if (words[0] == ".inputs" || words[0] == ".outputs") {
    std::vector<int>& ports = words[0] == ".inputs" ? module.inputs : module.outputs;
    for (std::size_t i = 1; i < words.size(); ++i) ports.push_back(module.net(words[i]));
  } else if (words[0] == ".names") {
    if (words.size() > 3)
      throw_error("netlist: {}: contains a function that is not a cell", module.name);
    if (words.size() == 3) {
      const int from = module.net(words[1]);
      module.same.emplace_back(from, module.net(words[2]));
    }
  } else if (words[0] == ".subckt" || words[0] == ".gate") {
    BlifCell cell{words.at(1), "", {}};
    for (std::size_t i = 2; i < words.size(); ++i) {
      const std::size_t equal = words[i].find('=');
      cell.pins.emplace_back(words[i].substr(0, equal), module.net(words[i].substr(equal + 1)));
    }
    module.cells.push_back(std::move(cell));
  } else if (words[0] == ".cname" && !module.cells.empty()) {
    module.cells.back().name = words.at(1);
  }
}

}  // namespace

int BlifModule::net(std::string_view net) {
  const auto [found, added] = index_.emplace(net, static_cast<int>(nets.size()));
  if (added) nets.push_back(net);
  return found->second;
}

int BlifModule::find(std::string_view net) const {
  const auto found = index_.find(net);
  return found == index_.end() ? -1 : found->second;
}

std::vector<BlifModule> parse_blif(std::string_view text) {
  std::vector<BlifModule> modules;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::vector<std::string_view> words = words_of(text.substr(begin, end - begin));
    begin = end + 1;
    if (words.empty() || words[0][0] == '#') continue;
    if (words[0] == ".model")
      modules.emplace_back().name = words.at(1);
    else if (modules.empty())
      throw_error("netlist: not BLIF: it begins with {}", words[0]);
    else
      parse_line(words, modules.back());
  }
  if (modules.empty()) throw_error("netlist: not BLIF: it is empty");
  return modules;
}

}  // namespace trine::synth
