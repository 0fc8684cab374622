// SPDX-License-Identifier: Apache-2.0
//
// A flat netlist of library cells: mapped modules put together, and what is put between afterwards.

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "synth/read/cells.h"

namespace trine::synth {

struct PinOf {
  int instance = -1, pin = -1;
};

struct Instance {
  std::string name;   ///< with those of the modules above it
  int partition = 0;  ///< the module that it was mapped with
  int cell = 0;
  std::vector<int> nets;  ///< by pin, -1: open
};

struct Net {
  std::string name;  ///< of a port
  PinOf driver;      ///< instance -1: an input, or a constant
  std::vector<PinOf> sinks;
  bool input = false, output = false;  ///< of the design, or of what has no timing
  bool clock = false;                  ///< clk_i, or what a clock gate puts out
  int constant = -1;                   ///< 0 or 1
};

class Netlist {
 public:
  /// @param blif  modules (blif.h), the top first; what is neither a module nor a cell becomes
  /// ports
  /// @throws Error  not such a text
  Netlist(std::string_view blif, const Cells& cells);

  const std::vector<Instance>& instances() const { return instances_; }
  const std::vector<Net>& nets() const { return nets_; }
  const std::vector<std::string>& partitions() const { return partitions_; }
  const Instance& instance(int i) const { return instances_[static_cast<std::size_t>(i)]; }
  const Net& net(int i) const { return nets_[static_cast<std::size_t>(i)]; }
  int clock() const { return clock_; }  ///< net clk_i, -1: none
  int reset() const { return reset_; }  ///< net rst_ni, -1: none

  void resize(int instance, int cell) {
    instances_[static_cast<std::size_t>(instance)].cell = cell;
  }
  /// A one-input cell between a net and some of its sinks. @return the net behind it
  int insert(int net, const std::vector<PinOf>& sinks, int cell, const Cells& cells);
  /// Takes all sinks off a net, puts one there; as a sink, a pin is always on one net.
  std::vector<PinOf> release(int net) { return std::exchange(at(net).sinks, {}); }
  void attach(int net, const PinOf& sink) { connect(sink.instance, sink.pin, net, false); }
  /// The same between a net and the output that it is.
  int insert_output(int net, int cell, const Cells& cells);

  /// Without cells whose outputs lead to no output of the design, as Yosys' opt_clean does it.
  void drop_unread();

  /// Structural Verilog, instances i0, i1, .. and nets n0, n1, .., for a timer.
  std::string verilog(const Cells& cells) const;

 private:
  friend class Linker;
  void connect(int instance, int pin, int net, bool output);
  Net& at(int net) { return nets_[static_cast<std::size_t>(net)]; }

  std::vector<Instance> instances_;
  std::vector<Net> nets_;
  std::vector<std::string> partitions_;
  int clock_ = -1, reset_ = -1;
};

}  // namespace trine::synth
