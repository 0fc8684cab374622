// SPDX-License-Identifier: Apache-2.0

#include "synth/netlist.h"

#include <algorithm>

#include "base/error.h"

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

/// "A_ADDR[3]" -> "A_ADDR".
std::string bus_of(const std::string& pin) { return pin.substr(0, pin.find('[')); }

}  // namespace

int Netlist::net_of(std::string_view name) {
  const auto found = names_.find(name);
  if (found != names_.end()) return found->second;
  const int net = static_cast<int>(nets_.size());
  names_.emplace(name, net);
  nets_.emplace_back().name = name;
  if (name == "$false" || name == "$undef") nets_.back().constant = 0;
  if (name == "$true") nets_.back().constant = 1;
  return net;
}

void Netlist::connect(int instance, int pin, int net, bool output) {
  instances_[static_cast<std::size_t>(instance)].nets[static_cast<std::size_t>(pin)] = net;
  if (output)
    at(net).driver = {instance, pin};
  else
    at(net).sinks.push_back({instance, pin});
}

Netlist::Netlist(std::string_view blif, const Cells& cells) {
  std::vector<int> untimed;               // nets at cells that the library lacks
  std::vector<std::pair<int, int>> same;  // nets by two names: the second is the first
  std::map<std::string, int, std::less<>> partition_of;
  bool is_cell = false;
  const auto alias = [&](int from, int to) { same.emplace_back(from, to); };
  std::vector<int> pending;  // of a .names, whose cover is on the next line
  for (std::size_t begin = 0; begin < blif.size();) {
    const std::size_t end = std::min(blif.find('\n', begin), blif.size());
    const std::vector<std::string_view> words = words_of(blif.substr(begin, end - begin));
    begin = end + 1;
    if (words.empty() || words[0][0] == '#') continue;
    if (words[0] == ".inputs" || words[0] == ".outputs") {
      for (std::size_t i = 1; i < words.size(); ++i)
        (words[0] == ".inputs" ? at(net_of(words[i])).input : at(net_of(words[i])).output) = true;
    } else if (words[0] == ".names") {
      pending.clear();
      for (std::size_t i = 1; i < words.size(); ++i) pending.push_back(net_of(words[i]));
      if (pending.size() > 2) throw_error("netlist: a function is left that is no cell");
      if (pending.size() == 2) alias(pending[0], pending[1]);
    } else if (words[0] == ".subckt" || words[0] == ".gate") {
      const int cell = cells.find(std::string(words.at(1)));
      is_cell = cell >= 0;
      if (is_cell)
        instances_.push_back({"", 0, cell, std::vector<int>(cells[cell].pins.size(), -1)});
      for (std::size_t i = 2; i < words.size(); ++i) {
        const std::size_t equal = words[i].find('=');
        const int net = net_of(words[i].substr(equal + 1));
        if (!is_cell) {
          untimed.push_back(net);
          continue;
        }
        const std::string name(words[i].substr(0, equal));
        const int pin = cells[cell].pin(name);
        if (pin < 0) throw_error("netlist: cell {} has no pin {}", words[1], name);
        connect(static_cast<int>(instances_.size()) - 1, pin, net,
                cells[cell].pins[static_cast<std::size_t>(pin)].output);
      }
    } else if (words[0] == ".cname" && is_cell) {
      instances_.back().name = words.at(1);
    } else if (words[0] == ".attr" && is_cell && words.at(1) == kPartitionAttribute) {
      std::string name(words.at(2));
      std::erase_if(name, [](char c) { return c == '"' || c == '\\'; });
      const auto [found, added] = partition_of.emplace(name, static_cast<int>(partitions_.size()));
      if (added) partitions_.push_back(name);
      instances_.back().partition = found->second;
    }
  }
  // One net for each set of names: the driven one takes all over.
  for (const auto& [from, to] : same) {
    for (const PinOf sink : at(to).sinks) connect(sink.instance, sink.pin, from, false);
    at(to).sinks.clear();
    if (at(to).output && !at(from).input && !at(from).output) at(from).name = at(to).name;
    at(from).output |= at(to).output;
    at(to).output = false;
  }
  for (const int net : untimed)
    if (at(net).constant < 0) (at(net).driver.instance < 0 ? at(net).input : at(net).output) = true;
  const auto named = [this](const char* name) {
    const auto found = names_.find(name);
    return found == names_.end() ? -1 : found->second;
  };
  clock_ = named("clk_i");
  reset_ = named("rst_ni");
}

int Netlist::insert(int net, const std::vector<PinOf>& sinks, int cell, const Cells& cells) {
  const int behind = static_cast<int>(nets_.size());
  nets_.emplace_back();
  const int instance = static_cast<int>(instances_.size());
  const int near = at(net).driver.instance >= 0 ? at(net).driver.instance : sinks.at(0).instance;
  const int partition = instances_[static_cast<std::size_t>(near)].partition;
  instances_.push_back({"buffer", partition, cell, std::vector<int>(cells[cell].pins.size(), -1)});
  std::erase_if(at(net).sinks, [&](const PinOf& pin) {
    return std::any_of(sinks.begin(), sinks.end(), [&](const PinOf& s) {
      return s.instance == pin.instance && s.pin == pin.pin;
    });
  });
  for (const PinOf sink : sinks) connect(sink.instance, sink.pin, behind, false);
  const Arc& arc = cells[cell].arcs.at(0);
  connect(instance, arc.from, net, false);
  connect(instance, arc.to, behind, true);
  return behind;
}

std::string Netlist::verilog(const Cells& cells) const {
  std::string ports, body;
  for (std::size_t i = 0; i < nets_.size(); ++i) {
    const Net& net = nets_[i];
    if (net.constant >= 0) {
      body += fmt::format("wire n{0}; assign n{0} = 1'b{1};\n", i, net.constant);
      continue;
    }
    if (net.driver.instance < 0 && !net.input) continue;
    const char* kind = net.input ? "input" : net.output ? "output" : "wire";
    if (net.input || net.output) ports += fmt::format("{}n{}", ports.empty() ? "" : ", ", i);
    body += fmt::format("{} n{};\n", kind, i);
  }
  for (std::size_t i = 0; i < instances_.size(); ++i) {
    const Cell& cell = cells[instances_[i].cell];
    std::string pins;
    for (std::size_t p = 0; p < cell.pins.size();) {
      const std::string bus = bus_of(cell.pins[p].name);
      std::size_t end = p + 1;
      const bool is_bus = bus != cell.pins[p].name;
      while (is_bus && end < cell.pins.size() && bus_of(cell.pins[end].name) == bus) ++end;
      std::string list;
      for (std::size_t k = end; k-- > p;) {
        const int net = instances_[i].nets[k];
        if (net >= 0) list += fmt::format("{}n{}", list.empty() ? "" : ",", net);
      }
      if (!list.empty())
        pins += fmt::format("{}.{}({}{}{})", pins.empty() ? "" : ", ", bus, is_bus ? "{" : "", list,
                            is_bus ? "}" : "");
      p = end;
    }
    body += fmt::format("{} i{} ({});\n", cell.name, i, pins);
  }
  return fmt::format("module design ({});\n{}endmodule\n", ports, body);
}

}  // namespace trine::synth
