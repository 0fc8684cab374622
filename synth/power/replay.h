// SPDX-License-Identifier: Apache-2.0
//
// The ports of a design in a run of its RTL, cycle by cycle, from the VCD file that
// `trine run --trace F.vcd` writes: they drive the netlist, and say what it should put out.

#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "synth/power/gates.h"

namespace trine::power {

/// A VCD file of one module without children.
class PortTrace {
 public:
  /// @throws Error  it cannot be read, or has no clk_i
  explicit PortTrace(const std::filesystem::path& file);

  struct Port {
    std::string name;
    std::string sampled;  ///< what the rising edge sees of inputs: '0' and '1', the last bit first
    std::string settled;  ///< what it is half a cycle before
  };
  /// Goes to the next rising edge of clk_i. @return false: there is none
  bool next();
  const std::vector<Port>& ports() const { return ports_; }
  /// Indices of ports that changed since the edge before.
  const std::vector<std::size_t>& changed() const { return changed_; }

 private:
  void header();
  void value(const std::string& line);

  const std::filesystem::path file_;
  std::ifstream in_;
  std::vector<Port> ports_;
  std::vector<std::string> now_;
  std::map<std::string, std::size_t> by_code_;
  std::vector<std::size_t> changed_;
  std::size_t clock_ = 0;
};

/// Drives a netlist by a trace.
class Replay {
 public:
  Replay(const std::filesystem::path& vcd, const synth::Netlist& netlist, Gates& gates);

  /// Up to the next rising edge. @param timed  with delays
  /// @return false: the trace has ended. @throws Error  an output is not what it was in the RTL
  bool cycle(bool timed);
  /// Whether a program runs in this cycle.
  bool running() const { return running_; }
  std::uint64_t cycles() const { return cycles_; }

 private:
  /// What a channel carries beside its valid.
  struct Channel {
    std::size_t valid = 0;
    std::vector<std::size_t> payload;
    std::optional<std::size_t> data, strobes;  ///< a byte counts where its strobe is set
  };
  void find_channels();
  void check() const;
  void check(std::size_t port, const std::string& strobes = {}) const;

  PortTrace trace_;
  Gates& gates_;
  std::vector<std::vector<int>> nets_;  ///< by port, the last bit first; -1: there is none
  std::vector<std::size_t> checked_;    ///< outputs that count in every cycle
  std::vector<Channel> channels_;       ///< of what the bus master sends
  std::size_t cause_ = 0;
  std::uint64_t cycles_ = 0;
  bool running_ = false;
};

}  // namespace trine::power
