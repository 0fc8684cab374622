// SPDX-License-Identifier: Apache-2.0
//
// Which nodes of a framework's graph the machine takes: the compiler says so of whole parts, and
// what it refuses stays with the framework.

#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "sw/abi/options.h"
#include "tools/cli/run/session.h"

namespace trine::abi {

/// Positions of nodes in the graph's order of execution, rising.
using Nodes = std::vector<int>;

/// A node as the search sees it; tensors are numbers of the framework's, -1: none.
struct Node {
  std::string op, name;
  std::vector<int> inputs, outputs;
  std::int64_t macs = 0;
  bool dequantizes = false;  ///< codes to floats
  std::string refused;       ///< why it stays with the framework; empty: the machine has it
};

/// A framework's graph.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::vector<Node> nodes() const = 0;
  /// Whether the tensor holds codes, at which a network may be cut.
  virtual bool holds_codes(int tensor) const = 0;
  /// The file of a network of these nodes alone, which our importers read.
  virtual std::vector<std::uint8_t> file(const Nodes& nodes) const = 0;
  /// The parts that the framework makes when it is given these nodes.
  virtual std::vector<Nodes> parts(const Nodes& nodes) const = 0;
};

/// Nodes that become one program.
struct Part {
  Part(Nodes of, std::unique_ptr<cli::Session> compiled);

  Nodes nodes;
  std::unique_ptr<cli::Session> session;
  std::int64_t bytes_in = 0, bytes_out = 0;  ///< over the border, in each run
  std::atomic<std::uint64_t> runs = 0, cycles = 0, nanoseconds = 0;  ///< of the backend

  /// One inference, counted. @throws Error
  std::vector<Array> run(const std::vector<Array>& inputs, const cli::BackendOptions& backend);
};

/// A graph divided between the machine and a framework.
class Partition {
 public:
  /// @throws Error  strict, and something is left: all of it, by name
  Partition(const Source& source, std::string framework, Options options);
  ~Partition() { write(); }

  const Options& options() const { return options_; }
  const std::vector<std::shared_ptr<Part>>& parts() const { return parts_; }
  Nodes claimed() const;

  Json json() const;
  std::string text() const;

 private:
  void search(const Source& source);
  /// @return false: something of it stays with the framework
  bool takes(const Source& source, const Nodes& nodes);
  /// The part of these nodes, or null. The answer is kept.
  std::shared_ptr<Part> compiled(const Source& source, const Nodes& nodes);
  void blame(const Source& source, const Nodes& nodes);
  void leave(const Nodes& unit, const std::string& why);
  void check_strict() const;
  /// The file that the option `report` names, if any; with runs and cycles until now.
  void write() const noexcept;

  std::string framework_;
  Options options_;
  std::vector<Node> nodes_;
  std::vector<Nodes> units_;
  std::vector<std::shared_ptr<Part>> parts_;
  std::map<Nodes, std::shared_ptr<Part>> known_;
  std::map<Nodes, std::string> refusals_;
};

/// Nodes that no cut may separate: those that hand each other anything but codes. What makes floats
/// of codes belongs to its first reader. In the order of their first nodes.
std::vector<Nodes> units_of(const Source& source, const std::vector<Node>& nodes);

/// Parts that no path through another node leaves and enters again: for frameworks that leave
/// that to us.
std::vector<Nodes> convex_parts(const std::vector<Node>& nodes, const Nodes& claimed);

}  // namespace trine::abi
