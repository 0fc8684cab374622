// SPDX-License-Identifier: Apache-2.0

#include "synth/read/netlist.h"

#include <algorithm>
#include <numeric>

#include "sw/base/error.h"
#include "synth/read/blif.h"

namespace trine::synth {
namespace {

/// "A_ADDR[3]" -> "A_ADDR".
std::string bus_of(const std::string& pin) { return pin.substr(0, pin.find('[')); }

}  // namespace

void Netlist::connect(int instance, int pin, int net, bool output) {
  instances_[static_cast<std::size_t>(instance)].nets[static_cast<std::size_t>(pin)] = net;
  if (output)
    at(net).driver = {instance, pin};
  else
    at(net).sinks.push_back({instance, pin});
}

/// Flattens modules into cells. Nets that meet at a port, or have two names, become one.
class Linker {
 public:
  Linker(Netlist& netlist, const std::vector<BlifModule>& modules, const Cells& cells)
      : netlist_(netlist), modules_(modules), cells_(cells) {
    for (std::size_t m = 0; m < modules.size(); ++m) index_.emplace(modules[m].name, m);
    for (const BlifModule& module : modules) {
      netlist.partitions_.emplace_back(module.name);
      resolved_.push_back(resolve(module));
    }
  }

  void run() {
    const BlifModule& top = modules_.at(0);
    std::vector<int> nets(top.nets.size(), -1);
    link(0, "", nets);
    merge();
    const auto port = [&](int n) -> Net& {
      Net& net = netlist_.at(merged_[static_cast<std::size_t>(nets[static_cast<std::size_t>(n)])]);
      if (net.name.empty()) net.name = top.nets[static_cast<std::size_t>(n)];
      return net;
    };
    for (const int n : top.inputs) port(n).input = true;
    for (const int n : top.outputs) port(n).output = true;
    for (const int n : untimed_) {
      Net& net = netlist_.at(merged_[static_cast<std::size_t>(n)]);
      if (net.constant < 0) (net.driver.instance < 0 ? net.input : net.output) = true;
    }
    const auto named = [&](std::string_view name) {
      const auto found = std::find(top.nets.begin(), top.nets.end(), name);
      return found == top.nets.end()
                 ? -1
                 : merged_[static_cast<std::size_t>(
                       nets[static_cast<std::size_t>(found - top.nets.begin())])];
    };
    netlist_.clock_ = named("clk_i");
    if (netlist_.clock_ >= 0) netlist_.at(netlist_.clock_).clock = true;
    netlist_.reset_ = named("rst_ni");
  }

 private:
  /// The meaning of a cell: a library cell, an instance of a module (with its nets as pins), or
  /// neither.
  struct Resolved {
    int cell = -1, module = -1;
    std::vector<std::pair<int, int>> pins;
  };

  std::vector<Resolved> resolve(const BlifModule& module) const {
    std::vector<Resolved> list;
    for (const BlifCell& cell : module.cells) {
      Resolved& r = list.emplace_back();
      const auto child = index_.find(cell.type);
      r.module = child == index_.end() ? -1 : static_cast<int>(child->second);
      r.cell = r.module < 0 ? cells_.find(std::string(cell.type)) : -1;
      for (const auto& [name, net] : cell.pins) {
        const int pin = r.module >= 0 ? modules_[child->second].find(name)
                        : r.cell >= 0 ? cells_[r.cell].pin(std::string(name))
                                      : 0;
        if (pin < 0) throw_error("netlist: {} has no pin {}", cell.type, name);
        r.pins.emplace_back(pin, net);
      }
    }
    return list;
  }

  /// @param nets  maps nets of the module to our nets; -1 for nets that are not ports
  void link(std::size_t index, const std::string& path, std::vector<int>& nets) {
    const BlifModule& module = modules_[index];
    for (std::size_t n = 0; n < nets.size(); ++n)
      if (nets[n] < 0) nets[n] = add_net(module.nets[n]);
    const auto ours = [&](int n) { return nets[static_cast<std::size_t>(n)]; };
    for (const auto& [a, b] : module.same) same_.emplace_back(ours(a), ours(b));
    for (std::size_t c = 0; c < module.cells.size(); ++c) {
      const Resolved& r = resolved_[index][c];
      const std::string name = path + std::string(module.cells[c].name);
      if (r.module >= 0) {
        const auto child = static_cast<std::size_t>(r.module);
        std::vector<int> ports(modules_[child].nets.size(), -1);
        for (const auto& [port, net] : r.pins) ports[static_cast<std::size_t>(port)] = ours(net);
        link(child, name + ".", ports);
      } else if (r.cell >= 0) {
        std::vector<int> pins(cells_[r.cell].pins.size(), -1);
        for (const auto& [pin, net] : r.pins) pins[static_cast<std::size_t>(pin)] = ours(net);
        netlist_.instances_.push_back({name, static_cast<int>(index), r.cell, std::move(pins)});
      } else {
        for (const auto& [pin, net] : r.pins) untimed_.push_back(ours(net));
      }
    }
  }

  int add_net(std::string_view name) {
    constants_.push_back(name == "$false" || name == "$undef" ? 0 : name == "$true" ? 1 : -1);
    return static_cast<int>(constants_.size()) - 1;
  }

  int root(int net) {
    while (roots_[static_cast<std::size_t>(net)] != net) {
      int& next = roots_[static_cast<std::size_t>(net)];
      net = next = roots_[static_cast<std::size_t>(next)];
    }
    return net;
  }

  /// Creates one net for each set of names, and connects it.
  void merge() {
    roots_.resize(constants_.size());
    std::iota(roots_.begin(), roots_.end(), 0);
    for (const auto& [a, b] : same_) roots_[static_cast<std::size_t>(root(b))] = root(a);
    merged_.assign(constants_.size(), -1);
    for (std::size_t n = 0; n < constants_.size(); ++n) {
      int& net = merged_[static_cast<std::size_t>(root(static_cast<int>(n)))];
      if (net < 0) {
        net = static_cast<int>(netlist_.nets_.size());
        netlist_.nets_.emplace_back();
      }
      merged_[n] = net;
      netlist_.at(net).constant = std::max(netlist_.at(net).constant, constants_[n]);
    }
    for (std::size_t i = 0; i < netlist_.instances_.size(); ++i)
      for (std::size_t pin = 0; pin < netlist_.instances_[i].nets.size(); ++pin) {
        const int net = netlist_.instances_[i].nets[pin];
        if (net < 0) continue;
        const Cell& cell = cells_[netlist_.instances_[i].cell];
        const int merged = merged_[static_cast<std::size_t>(net)];
        netlist_.connect(static_cast<int>(i), static_cast<int>(pin), merged, cell.pins[pin].output);
        netlist_.at(merged).clock |= cell.gates_clock && cell.pins[pin].output;
      }
  }

  Netlist& netlist_;
  const std::vector<BlifModule>& modules_;
  const Cells& cells_;
  std::map<std::string_view, std::size_t> index_;
  std::vector<std::vector<Resolved>> resolved_;  ///< by module and cell
  std::vector<int> constants_;                   ///< by net before merging; -1: none
  std::vector<int> roots_, merged_;              ///< likewise
  std::vector<std::pair<int, int>> same_;
  std::vector<int> untimed_;
};

Netlist::Netlist(std::string_view blif, const Cells& cells) {
  Linker(*this, parse_blif(blif), cells).run();
}

void Netlist::drop_unread() {
  std::vector<bool> read(instances_.size(), false);
  std::vector<int> queue;
  const auto visit = [&](int net) {
    const int driver = net < 0 ? -1 : at(net).driver.instance;
    if (driver < 0 || read[static_cast<std::size_t>(driver)]) return;
    read[static_cast<std::size_t>(driver)] = true;
    queue.push_back(driver);
  };
  for (std::size_t n = 0; n < nets_.size(); ++n)
    if (nets_[n].output) visit(static_cast<int>(n));
  for (std::size_t next = 0; next < queue.size(); ++next)
    for (const int net : instance(queue[next]).nets) visit(net);
  std::vector<int> place(instances_.size(), -1);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < instances_.size(); ++i) {
    if (!read[i]) continue;
    place[i] = static_cast<int>(kept);
    if (kept != i) instances_[kept] = std::move(instances_[i]);
    ++kept;
  }
  instances_.resize(kept);
  const auto moved = [&](PinOf& pin) {
    if (pin.instance >= 0) pin.instance = place[static_cast<std::size_t>(pin.instance)];
    return pin.instance >= 0;
  };
  for (Net& net : nets_) {
    moved(net.driver);
    std::erase_if(net.sinks, [&](PinOf& sink) { return !moved(sink); });
  }
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

int Netlist::insert_output(int net, int cell, const Cells& cells) {
  const int behind = insert(net, {}, cell, cells);
  at(net).output = false;
  at(behind).output = true;
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
