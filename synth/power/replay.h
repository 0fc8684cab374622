// SPDX-License-Identifier: Apache-2.0
//
// Replays the ports of a design from a run of its RTL, cycle by cycle, as `trine run --trace F.vcd`
// wrote them. They drive the netlist and give the expected outputs.

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
  /// Opens a file. @throws Error  it cannot be read, or does not contain clk_i
  explicit PortTrace(const std::filesystem::path& file);

  /// A port with its values.
  struct Port {
    std::string name;
    /// Inputs as the rising edge samples them: '0' and '1', the last bit first.
    std::string sampled;
    std::string settled;  ///< value half a cycle before
  };
  /// Advances to the next rising edge of clk_i. @return false if there is none
  bool next();
  /// Returns all ports.
  const std::vector<Port>& ports() const { return ports_; }
  /// Returns the indices of ports that changed since the previous edge.
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

/// Drives a netlist with a trace.
class Replay {
 public:
  Replay(const std::filesystem::path& vcd, const synth::Netlist& netlist, Gates& gates);

  /// Simulates up to the next rising edge.
  /// @param timed  with delays
  /// @return false if the trace has ended
  /// @throws Error  an output differs from the RTL's
  bool cycle(bool timed);
  /// Returns true if a program runs in this cycle.
  bool running() const { return running_; }
  /// Returns the number of cycles so far.
  std::uint64_t cycles() const { return cycles_; }

 private:
  /// A channel's valid signal and its payload.
  struct Channel {
    std::size_t valid = 0;
    std::vector<std::size_t> payload;
    std::optional<std::size_t> data, strobes;  ///< a byte is compared only if its strobe is set
  };
  void find_channels();
  void check() const;
  void check(std::size_t port, const std::string& strobes = {}) const;

  PortTrace trace_;
  Gates& gates_;
  std::vector<std::vector<int>> nets_;  ///< by port, the last bit first; -1: not in the netlist
  std::vector<std::size_t> checked_;    ///< outputs that are compared in every cycle
  std::vector<Channel> channels_;       ///< channels that the bus master drives
  std::size_t cause_ = 0;
  std::uint64_t cycles_ = 0;
  bool running_ = false;
};

}  // namespace trine::power
