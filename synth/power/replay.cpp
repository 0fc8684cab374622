// SPDX-License-Identifier: Apache-2.0

#include "synth/power/replay.h"

#include <algorithm>
#include <sstream>

#include "sw/base/error.h"

namespace trine::power {
namespace {

/// Returns true for valid, ready and trace signals, which are compared in every cycle.
bool is_checked(const std::string& name) {
  if (!name.ends_with("_o")) return false;
  if (name.starts_with("trace_")) return true;
  return name.starts_with("m_axi_") && (name.ends_with("valid_o") || name.ends_with("ready_o"));
}

}  // namespace

PortTrace::PortTrace(const std::filesystem::path& file) : file_(file), in_(file) {
  if (!in_) throw_error("{}: cannot be read", file.string());
  header();
}

/// Parses declarations such as "$var wire 64 # name [63:0] $end".
void PortTrace::header() {
  bool has_clock = false;
  for (std::string line; std::getline(in_, line);) {
    std::istringstream words(line);
    std::string word, kind, code, name;
    std::size_t width = 0;
    words >> word;
    if (word == "$enddefinitions") break;
    if (word != "$var" || !(words >> kind >> width >> code >> name)) continue;
    if (!by_code_.emplace(code, ports_.size()).second) continue;
    if (name == "clk_i") {
      clock_ = ports_.size();
      has_clock = true;
    }
    ports_.push_back({name, std::string(width, '0'), std::string(width, '0')});
    now_.push_back(ports_.back().sampled);
  }
  if (!has_clock) throw_error("{}: not a VCD file of a design's ports", file_.string());
}

/// Parses "1#" or "b0101 #"; high bits may be missing.
void PortTrace::value(const std::string& line) {
  const bool vector = line[0] == 'b';
  const std::size_t blank = vector ? line.find(' ') : 1;
  const auto found = by_code_.find(line.substr(vector ? blank + 1 : 1));
  if (found == by_code_.end()) return;
  std::string& bits = now_[found->second];
  const std::size_t from = vector ? 1 : 0;
  for (std::size_t b = 0; b < bits.size(); ++b)
    bits[b] = from + b < blank ? line[blank - 1 - b] : '0';
}

bool PortTrace::next() {
  changed_.clear();
  for (std::string line; std::getline(in_, line);) {
    if (line.empty()) continue;
    if (line[0] != '#') {
      if (line[0] == 'b' || line[0] == '0' || line[0] == '1') value(line);
      continue;
    }
    // All values before this time are complete.
    const bool high = now_[clock_] == "1", rises = high && ports_[clock_].settled == "0";
    if (!high)
      for (std::size_t p = 0; p < ports_.size(); ++p) ports_[p].settled = now_[p];
    if (!rises) continue;
    for (std::size_t p = 0; p < ports_.size(); ++p)
      if (ports_[p].sampled != now_[p]) {
        ports_[p].sampled = now_[p];
        changed_.push_back(p);
      }
    ports_[clock_].settled.assign(1, '1');
    return true;
  }
  return false;
}

Replay::Replay(const std::filesystem::path& vcd, const synth::Netlist& netlist, Gates& gates)
    : trace_(vcd), gates_(gates) {
  std::map<std::string, int> net_of;
  for (std::size_t n = 0; n < netlist.nets().size(); ++n)
    if (!netlist.nets()[n].name.empty()) net_of[netlist.nets()[n].name] = static_cast<int>(n);
  const auto find = [&](const std::string& name) {
    const auto found = net_of.find(name);
    return found == net_of.end() ? -1 : found->second;
  };
  for (std::size_t p = 0; p < trace_.ports().size(); ++p) {
    const PortTrace::Port& port = trace_.ports()[p];
    std::vector<int>& nets = nets_.emplace_back();
    for (std::size_t b = 0; b < port.sampled.size(); ++b)
      nets.push_back(port.sampled.size() == 1 ? find(port.name)
                                              : find(fmt::format("{}[{}]", port.name, b)));
    if (is_checked(port.name)) checked_.push_back(p);
    if (port.name == "trace_cause_o") cause_ = p;
  }
  find_channels();
  if (nets_[cause_].size() != 4) throw_error("{}: has no trace_cause_o", vcd.string());
}

/// Finds the payload of each valid: m_axi_wvalid_o -> m_axi_wdata_o, m_axi_wlast_o, ..
void Replay::find_channels() {
  constexpr std::string_view kValid = "valid_o";
  const auto& ports = trace_.ports();
  for (std::size_t v = 0; v < ports.size(); ++v) {
    if (!is_checked(ports[v].name) || !ports[v].name.ends_with(kValid)) continue;
    const std::string stem = ports[v].name.substr(0, ports[v].name.size() - kValid.size());
    Channel channel{v, {}, {}, {}};
    for (std::size_t p = 0; p < ports.size(); ++p) {
      if (!ports[p].name.starts_with(stem) || !ports[p].name.ends_with("_o") || p == v) continue;
      if (ports[p].name == stem + "data_o")
        channel.data = p;
      else
        channel.payload.push_back(p);
      if (ports[p].name == stem + "strb_o") channel.strobes = p;
    }
    channels_.push_back(std::move(channel));
  }
}

/// Compares the netlist's outputs before an edge with those of the RTL.
void Replay::check() const {
  for (const std::size_t p : checked_) check(p);
  for (const Channel& channel : channels_) {
    if (trace_.ports()[channel.valid].settled != "1") continue;
    for (const std::size_t p : channel.payload) check(p);
    if (channel.data && channel.strobes)
      check(*channel.data, trace_.ports()[*channel.strobes].settled);
  }
}

void Replay::check(std::size_t p, const std::string& strobes) const {
  const PortTrace::Port& port = trace_.ports()[p];
  for (std::size_t b = 0; b < nets_[p].size(); ++b)
    if (nets_[p][b] >= 0 && (strobes.empty() || strobes[b / 8] == '1') &&
        gates_.value(nets_[p][b]) != (port.settled[b] == '1'))
      throw_error("power: cycle {}: {}[{}] of the netlist differs from the RTL's", cycles_,
                  port.name, b);
}

bool Replay::cycle(bool timed) {
  if (!trace_.next()) return false;
  for (const std::size_t p : trace_.changed()) {
    const PortTrace::Port& port = trace_.ports()[p];
    if (!port.name.ends_with("_i") && !port.name.ends_with("_ni")) continue;
    if (port.name == "clk_i") continue;
    for (std::size_t b = 0; b < nets_[p].size(); ++b)
      if (nets_[p][b] >= 0) gates_.set(nets_[p][b], port.sampled[b] == '1');
  }
  gates_.cycle(timed);
  if (cycles_++ > 4) check();  // not during reset
  running_ = nets_[cause_][3] >= 0 && gates_.value(nets_[cause_][3]);
  return true;
}

}  // namespace trine::power
