// SPDX-License-Identifier: Apache-2.0

#include "synth/power/gates.h"

#include <algorithm>
#include <functional>
#include <map>
#include <queue>

#include "sw/base/error.h"
#include "sw/base/index.h"
#include "synth/power/logic.h"

namespace trine::power {
namespace {

using synth::Cell;
using synth::Pin;

constexpr std::uint64_t kIdentity = 2;  ///< truth table of a buffer

bool ends_with(const std::string& name, std::string_view end) {
  return name == end || name.ends_with("_" + std::string(end));
}

int clock_pin_of(const Cell& cell) {
  for (std::size_t p = 0; p < cell.pins.size(); ++p)
    if (!cell.pins[p].output && cell.pins[p].clock) return static_cast<int>(p);
  throw_error("power: {} has no clock pin", cell.name);
}

}  // namespace

Gates::Gates(const synth::Netlist& netlist, const synth::Cells& cells, const synth::Timer& timer)
    : netlist_(netlist), cells_(cells), timer_(timer) {
  for (const synth::Net& net : netlist.nets()) values_.push_back(net.constant > 0 ? 1 : 0);
  for (std::size_t i = 0; i < netlist.instances().size(); ++i)
    add(static_cast<int>(i), cells[netlist.instances()[i].cell]);
  find_clocks();
  find_levels();
  queued_.assign(gates_.size(), 0);
  open_.assign(gate_list_.size(), 0);
  events_.assign(values_.size(), 0);
  reset_counts();
  for (std::size_t g = 0; g < gates_.size(); ++g) {
    dirty_[at(gates_[g].level)].push_back(static_cast<int>(g));
    queued_[g] = 1;
  }
  settle();
  reset_counts();
}

void Gates::add(int instance, const Cell& cell) {
  if (cell.gates_clock) {
    GateOf gate{instance, clock_pin_of(cell), -1};
    std::vector<int> enables;  // including a test pin, which opens the gate, too
    for (std::size_t p = 0; p < cell.pins.size(); ++p) {
      const int net = netlist_.instance(instance).nets[p];
      if (cell.pins[p].output) gate.output = net;
      if (!cell.pins[p].output && !cell.pins[p].clock && net >= 0) enables.push_back(net);
    }
    gate_list_.push_back(gate);
    enables_.push_back(std::move(enables));
  } else if (!cell.storage.next.empty()) {
    add_register(instance, cell);
  } else if (std::any_of(cell.pins.begin(), cell.pins.end(),
                         [](const Pin& p) { return p.clock; })) {
    add_macro(instance, cell);
  } else {
    for (std::size_t p = 0; p < cell.pins.size(); ++p)
      if (cell.pins[p].output) add_gate(instance, static_cast<int>(p), cell);
  }
}

int Gates::new_net() {
  values_.push_back(0);
  return static_cast<int>(values_.size()) - 1;
}

/// Adds a gate for an output pin. A register's output is a function of its stored value and its
/// clear.
void Gates::add_gate(int instance, int pin, const Cell& cell) {
  const std::vector<int>& nets = netlist_.instance(instance).nets;
  const std::string& function = cell.pins[at(pin)].function;
  if (nets[at(pin)] < 0) return;
  if (function.empty()) throw_error("power: {} has no function", cell.name);
  const std::vector<std::string> names = names_in(function);
  Gate gate;
  gate.out = nets[at(pin)];
  gate.table = truth_table(function, names);
  std::vector<int> pins;
  for (const std::string& name : names) {
    pins.push_back(cell.pin(name));
    if (pins.back() < 0 || nets[at(pins.back())] < 0)
      throw_error("power: {}: {} is not connected", cell.name, name);
    gate.in[at(gate.inputs++)] = nets[at(pins.back())];
  }
  set_delays(gate, instance, pin, pins);
  gates_.push_back(gate);
}

/// @param pins  of the gate's inputs; -1: the stored value of a register, whose delay is the
/// clock's
void Gates::set_delays(Gate& gate, int instance, int pin, const std::vector<int>& pins) {
  for (auto& delay : gate.delay) delay = {1, 1};
  timer_.for_each_delay(instance, [&](const synth::Arc& arc, int, std::size_t, int,
                                      std::size_t edge, float ns) {
    if (arc.to != pin) return;
    for (std::size_t k = 0; k < pins.size(); ++k)
      if (arc.launches ? pins[k] < 0 : pins[k] == arc.from) {
        std::uint16_t& delay = gate.delay[k][1 - edge];  // kRise is 0; the value after a rise is 1
        delay = std::max(delay, static_cast<std::uint16_t>(std::clamp(1000 * ns, 1.0f, 60000.0f)));
      }
  });
}

void Gates::add_register(int instance, const Cell& cell) {
  const synth::Storage& s = cell.storage;
  const std::vector<int>& nets = netlist_.instance(instance).nets;
  const auto net_of = [&](const std::string& name) {
    const int pin = cell.pin(name);
    if (pin < 0 || nets[at(pin)] < 0)
      throw_error("power: {}: {} is not connected", cell.name, name);
    return nets[at(pin)];
  };
  Register reg{instance, -1, clock_pin_of(cell), 0, new_net()};
  if (s.clocked_on.find('!') != std::string::npos || s.clocked_on.find('\'') != std::string::npos)
    throw_error("power: {} stores at the falling edge", cell.name);
  // The next stored value: cleared, preset or the data.
  std::string next = s.next;
  if (!s.preset.empty()) next = "(" + next + ")|(" + s.preset + ")";
  if (!s.clear.empty()) next = "(" + next + ")&!(" + s.clear + ")";
  const std::vector<std::string> names = names_in(next);
  Next function;
  function.table = truth_table(next, names);
  for (const std::string& name : names) function.in[at(function.inputs++)] = net_of(name);
  reg.data = net_of(names_in(s.next).at(0));
  nexts_.push_back(function);
  for (std::size_t p = 0; p < cell.pins.size(); ++p) {
    const Pin& pin = cell.pins[p];
    if (!pin.output || nets[p] < 0) continue;
    const bool inverse = names_in(pin.function) == std::vector{s.inverse};
    std::string out = s.state;
    if (!s.preset.empty()) out = "(" + out + ")|(" + s.preset + ")";
    if (!s.clear.empty()) out = "(" + out + ")&!(" + s.clear + ")";
    std::string text = inverse ? "!(" + out + ")" : out;
    if (pin.function.find('!') != std::string::npos) text = "!(" + text + ")";
    const std::vector<std::string> inputs = names_in(text);
    Gate gate;
    gate.out = nets[p];
    gate.table = truth_table(text, inputs);
    std::vector<int> pins;
    for (const std::string& name : inputs) {
      pins.push_back(name == s.state ? -1 : cell.pin(name));
      gate.in[at(gate.inputs++)] = name == s.state ? reg.state : net_of(name);
    }
    set_delays(gate, instance, static_cast<int>(p), pins);
    gates_.push_back(gate);
  }
  registers_.push_back(reg);
}

/// Adds a single-port memory by the usual names of its pins, as synth/macro.h connects them.
void Gates::add_macro(int instance, const Cell& cell) {
  const std::vector<int>& nets = netlist_.instance(instance).nets;
  Macro macro;
  for (std::size_t p = 0; p < cell.pins.size(); ++p) {
    const std::string& name = cell.pins[p].name;
    const std::string bus = name.substr(0, name.find('['));
    if (bus.find("BIST") != std::string::npos) continue;
    if (ends_with(bus, "MEN")) macro.enable = nets[p];
    if (ends_with(bus, "WEN")) macro.write = nets[p];
    if (ends_with(bus, "REN")) macro.read = nets[p];
    if (ends_with(bus, "ADDR")) macro.address.push_back(nets[p]);
    if (ends_with(bus, "DIN")) macro.data.push_back(nets[p]);
    if (ends_with(bus, "BM")) macro.mask.push_back(nets[p]);
    if (ends_with(bus, "DOUT")) macro.out.push_back(new_net());
    if (!cell.pins[p].output || nets[p] < 0) continue;
    Gate gate{kIdentity, {macro.out.back()}, 1, nets[p]};
    set_delays(gate, instance, static_cast<int>(p), {-1});
    gates_.push_back(gate);
  }
  if (macro.enable < 0 || macro.write < 0 || macro.address.empty() || macro.data.empty() ||
      macro.data.size() > 64 || macro.out.size() != macro.data.size() ||
      macro.mask.size() != macro.data.size())
    throw_error("power: {} is neither a gate nor a single-port memory", cell.name);
  macro.words.assign(std::size_t{1} << macro.address.size(), 0);
  int clock = 0;
  for (std::size_t p = 0; p < cell.pins.size(); ++p)
    if (cell.pins[p].name.find("BIST") == std::string::npos && ends_with(cell.pins[p].name, "CLK"))
      clock = static_cast<int>(p);
  macro_list_.push_back({instance, clock});
  macros_.push_back(std::move(macro));
}

void Gates::find_clocks() {
  std::map<int, int> gate_of;
  for (std::size_t g = 0; g < gate_list_.size(); ++g)
    gate_of[gate_list_[g].output] = static_cast<int>(g);
  const auto gate_before = [&](int instance, int pin) {
    const int net = netlist_.instance(instance).nets[at(pin)];
    const auto found = gate_of.find(net);
    if (found != gate_of.end()) return found->second;
    if (net != netlist_.clock())
      throw_error("power: the clock of {} comes from a gate that is not a clock gate",
                  netlist_.instance(instance).name);
    return -1;
  };
  for (Register& reg : registers_) reg.clock_gate = gate_before(reg.instance, reg.clock_pin);
  for (GateOf& gate : gate_list_) gate.parent = gate_before(gate.instance, gate.clock_pin);
  std::vector<int> depths;
  for (GateOf gate : gate_list_) {
    int depth = 0;
    for (; gate.parent >= 0; gate = gate_list_[at(gate.parent)]) ++depth;
    depths.push_back(depth);
    gate_order_.push_back(gate_order_.size());
  }
  std::stable_sort(gate_order_.begin(), gate_order_.end(),
                   [&](std::size_t a, std::size_t b) { return depths[a] < depths[b]; });
}

/// Sorts the gates by their logic depth.
void Gates::find_levels() {
  first_reader_.assign(values_.size() + 1, 0);
  for (const Gate& gate : gates_)
    for (int k = 0; k < gate.inputs; ++k) ++first_reader_[at(gate.in[at(k)]) + 1];
  for (std::size_t n = 1; n < first_reader_.size(); ++n) first_reader_[n] += first_reader_[n - 1];
  reader_.resize(at(first_reader_.back()));
  std::vector<int> next(first_reader_.begin(), first_reader_.end() - 1);
  std::vector<int> driver(values_.size(), -1), left(gates_.size(), 0);
  for (std::size_t g = 0; g < gates_.size(); ++g) driver[at(gates_[g].out)] = static_cast<int>(g);
  std::vector<int> ready;
  for (std::size_t g = 0; g < gates_.size(); ++g) {
    for (int k = 0; k < gates_[g].inputs; ++k) {
      const int net = gates_[g].in[at(k)];
      reader_[at(next[at(net)]++)] = static_cast<int>(g);
      left[g] += driver[at(net)] >= 0;
    }
    if (left[g] == 0) ready.push_back(static_cast<int>(g));
  }
  int deepest = 0;
  for (std::size_t i = 0; i < ready.size(); ++i) {
    const Gate& gate = gates_[at(ready[i])];
    deepest = std::max(deepest, gate.level);
    for (int r = first_reader_[at(gate.out)]; r < first_reader_[at(gate.out) + 1]; ++r) {
      Gate& behind = gates_[at(reader_[at(r)])];
      behind.level = std::max(behind.level, gate.level + 1);
      if (--left[at(reader_[at(r)])] == 0) ready.push_back(reader_[at(r)]);
    }
  }
  if (ready.size() != gates_.size()) throw_error("power: a combinational loop");
  dirty_.resize(at(deepest) + 1);
}

void Gates::reset_counts() {
  const std::size_t nets = values_.size();
  counts_ = {};
  counts_.toggles.assign(nets, 0);
  counts_.timed.assign(nets, 0);
  counts_.glitches.assign(nets, 0);
  counts_.rises.assign(registers_.size(), {});
  counts_.falls.assign(registers_.size(), {});
  counts_.accesses.assign(macros_.size(), {});
  counts_.opened.assign(gate_list_.size(), 0);
}

void Gates::set(int net, bool value) { changes_.emplace_back(net, value); }

template <typename Function>
bool Gates::evaluate_of(const Function& f) const {
  unsigned row = 0;
  for (int k = 0; k < f.inputs; ++k) row |= unsigned{values_[at(f.in[at(k)])]} << k;
  return f.table >> row & 1;
}

bool Gates::evaluate(const Gate& gate) const { return evaluate_of(gate); }

std::uint64_t Gates::word(const std::vector<int>& nets) const {
  std::uint64_t word = 0;
  for (std::size_t b = 0; b < nets.size(); ++b)
    if (nets[b] >= 0) word |= std::uint64_t{values_[at(nets[b])]} << b;
  return word;
}

/// Accesses a macro at the clock edge. A write leaves the output unchanged.
void Gates::access(std::size_t m) {
  Macro& macro = macros_[m];
  const bool enable = value(macro.enable), write = value(macro.write);
  const bool read = macro.read < 0 ? !write : value(macro.read);
  ++counts_.accesses[m][(enable ? 1u : 0u) | (write ? 2u : 0u) | (read ? 4u : 0u)];
  if (!enable) return;
  std::uint64_t& stored = macro.words[word(macro.address)];
  if (write) {
    const std::uint64_t mask = word(macro.mask);
    stored = (stored & ~mask) | (word(macro.data) & mask);
  } else if (read) {
    for (std::size_t b = 0; b < macro.out.size(); ++b)
      changes_.emplace_back(macro.out[b], stored >> b & 1);
  }
}

/// Samples the registers at the clock edge.
void Gates::sample() {
  for (const std::size_t g : gate_order_) {
    const int parent = gate_list_[g].parent;
    const bool open =
        std::any_of(enables_[g].begin(), enables_[g].end(), [this](int net) { return value(net); });
    open_[g] = open && (parent < 0 || open_[at(parent)] != 0) ? 1 : 0;
    counts_.opened[g] += open_[g];
  }
  for (std::size_t r = 0; r < registers_.size(); ++r) {
    const Register& reg = registers_[r];
    if (!is_clocked(reg)) continue;
    const bool next = evaluate_of(nexts_[r]), now = value(reg.state);
    ++counts_.rises[r][(value(reg.data) ? 2u : 0u) | (now ? 1u : 0u)];
    if (next != now) changes_.emplace_back(reg.state, next);
  }
  for (std::size_t m = 0; m < macros_.size(); ++m) access(m);
}

void Gates::queue_readers(int net) {
  for (int r = first_reader_[at(net)]; r < first_reader_[at(net) + 1]; ++r) {
    const int g = reader_[at(r)];
    if (queued_[at(g)] != 0) continue;
    queued_[at(g)] = 1;
    dirty_[at(gates_[at(g)].level)].push_back(g);
  }
}

void Gates::settle() {
  for (const auto& [net, value] : changes_) {
    if (values_[at(net)] == (value ? 1 : 0)) continue;
    values_[at(net)] = value ? 1 : 0;
    ++counts_.toggles[at(net)];
    queue_readers(net);
  }
  for (std::vector<int>& level : dirty_) {
    for (std::size_t i = 0; i < level.size(); ++i) {
      Gate& gate = gates_[at(level[i])];
      queued_[at(level[i])] = 0;
      const bool value = evaluate(gate);
      gate.scheduled = value;
      if (values_[at(gate.out)] == (value ? 1 : 0)) continue;
      values_[at(gate.out)] = value ? 1 : 0;
      ++counts_.toggles[at(gate.out)];
      queue_readers(gate.out);
    }
    level.clear();
  }
}

void Gates::change(int net, bool value) {
  if (values_[at(net)] == (value ? 1 : 0)) return;
  if (events_[at(net)]++ == 0) before_.emplace_back(net, values_[at(net)]);
  values_[at(net)] = value ? 1 : 0;
}

/// Simulates the changes in the order of time; all changes of one time are applied before a gate is
/// evaluated.
void Gates::settle_timed() {
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events;
  std::vector<int> changed;
  const auto look = [&](std::uint32_t now) {
    for (const int net : changed)
      for (int r = first_reader_[at(net)]; r < first_reader_[at(net) + 1]; ++r) {
        const int g = reader_[at(r)];
        Gate& gate = gates_[at(g)];
        const bool value = evaluate(gate);
        if (value == gate.scheduled) continue;
        gate.scheduled = value;
        ++gate.stamp;  // cancels a pending pulse
        if (gate.pending) {
          gate.pending = false;
          continue;
        }
        std::size_t k = 0;
        while (gate.in[k] != net) ++k;
        gate.pending = true;
        events.push({now + gate.delay[k][value ? 1 : 0], gate.stamp, g});
      }
    changed.clear();
  };
  for (const auto& [net, value] : changes_)
    if (this->value(net) != value) {
      change(net, value);
      changed.push_back(net);
    }
  look(0);
  while (!events.empty()) {
    const std::uint32_t now = events.top().time;
    while (!events.empty() && events.top().time == now) {
      const Event event = events.top();
      events.pop();
      Gate& gate = gates_[at(event.gate)];
      if (!gate.pending || gate.stamp != event.stamp) continue;
      gate.pending = false;
      change(gate.out, gate.scheduled);
      changed.push_back(gate.out);
    }
    look(now);
  }
  for (const auto& [net, value] : before_) {
    const bool differs = values_[at(net)] != value;
    counts_.toggles[at(net)] += differs;
    counts_.timed[at(net)] += differs;
    counts_.glitches[at(net)] += events_[at(net)] - differs;
    events_[at(net)] = 0;
  }
  before_.clear();
  ++counts_.timed_cycles;
}

void Gates::cycle(bool timed) {
  sample();
  timed ? settle_timed() : settle();
  changes_.clear();
  for (std::size_t r = 0; r < registers_.size(); ++r) {
    const Register& reg = registers_[r];
    if (!is_clocked(reg)) continue;
    ++counts_.falls[r][(value(reg.data) ? 2u : 0u) | (value(reg.state) ? 1u : 0u)];
  }
  ++counts_.cycles;
}

}  // namespace trine::power
