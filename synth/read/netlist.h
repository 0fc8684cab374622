// SPDX-License-Identifier: Apache-2.0
//
// A flat netlist of library cells, linked from mapped modules; cells can be inserted.

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "synth/read/cells.h"

namespace trine::synth {

/// A pin of an instance.
struct PinOf {
  int instance = -1, pin = -1;
};

/// A cell of the netlist.
struct Instance {
  std::string name;   ///< path of the instance from the top module
  int partition = 0;  ///< index of the module with which it was mapped
  int cell = 0;
  std::vector<int> nets;  ///< by pin; -1: open
};

/// A net.
struct Net {
  std::string name;  ///< name of its port, if it has one
  PinOf driver;      ///< instance -1: an input or a constant
  std::vector<PinOf> sinks;
  bool input = false, output = false;  ///< port of the design, or of a cell without timing
  bool clock = false;                  ///< clk_i, or the output of a clock gate
  int constant = -1;                   ///< 0 or 1; -1: not constant
};

/// A netlist.
class Netlist {
 public:
  /// Links modules.
  /// @param blif  modules (blif.h), the top first; the pins of unknown cells become ports
  /// @throws Error  not such a text
  Netlist(std::string_view blif, const Cells& cells);

  const std::vector<Instance>& instances() const { return instances_; }
  const std::vector<Net>& nets() const { return nets_; }
  const std::vector<std::string>& partitions() const { return partitions_; }
  const Instance& instance(int i) const { return instances_[static_cast<std::size_t>(i)]; }
  const Net& net(int i) const { return nets_[static_cast<std::size_t>(i)]; }
  int clock() const { return clock_; }  ///< net clk_i; -1: none
  int reset() const { return reset_; }  ///< net rst_ni; -1: none

  /// Replaces the cell of an instance by one of another strength.
  void resize(int instance, int cell) {
    instances_[static_cast<std::size_t>(instance)].cell = cell;
  }
  /// Inserts a one-input cell between a net and some of its sinks. @return the net of its output
  int insert(int net, const std::vector<PinOf>& sinks, int cell, const Cells& cells);
  /// Removes all sinks of a net and returns them. The caller must attach() each of them to a net.
  std::vector<PinOf> release(int net) { return std::exchange(at(net).sinks, {}); }
  /// Adds a sink to a net.
  void attach(int net, const PinOf& sink) { connect(sink.instance, sink.pin, net, false); }
  /// Inserts a one-input cell between a net and the output port that it drives. @return the new net
  int insert_output(int net, int cell, const Cells& cells);

  /// Removes cells whose outputs lead to no output of the design, like Yosys' opt_clean.
  void drop_unread();

  /// Returns structural Verilog for a timer, with instances i0, i1, .. and nets n0, n1, ...
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
