// SPDX-License-Identifier: Apache-2.0
//
// Divides a framework's graph between the machine and the framework. The compiler decides about
// whole parts; nodes that it refuses stay with the framework.

#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "components/plugins/options.h"
#include "sw/base/json.h"
#include "tools/cli/run/session.h"

namespace trine::abi {

/// Positions of nodes in the graph's order of execution, ascending.
using Nodes = std::vector<int>;

/// A node as the search sees it. A tensor is identified by its number in the framework; -1: no
/// tensor.
struct Node {
  std::string op, name;
  std::vector<int> inputs, outputs;
  std::int64_t macs = 0;
  bool dequantizes = false;  ///< true if it converts codes to floats
  std::string refused;  ///< reason why it stays with the framework; empty: the machine executes it
};

/// A framework's graph.
class Source {
 public:
  virtual ~Source() = default;
  /// Returns all nodes.
  virtual std::vector<Node> nodes() const = 0;
  /// Returns true if the tensor contains codes; a network may be cut there.
  virtual bool holds_codes(int tensor) const = 0;
  /// Returns the file of a network with only these nodes, which our importers can read.
  virtual std::vector<std::uint8_t> file(const Nodes& nodes) const = 0;
  /// Returns the parts that the framework makes of these nodes.
  virtual std::vector<Nodes> parts(const Nodes& nodes) const = 0;
};

/// Nodes that become one program.
struct Part {
  Part(Nodes of, std::unique_ptr<cli::Session> compiled);

  Nodes nodes;
  std::unique_ptr<cli::Session> session;
  std::int64_t bytes_in = 0, bytes_out = 0;  ///< bytes across the border in each run
  /// Sums over all runs of the backend.
  std::atomic<std::uint64_t> runs = 0, cycles = 0, nanoseconds = 0;

  /// Runs one inference and counts it. @throws Error
  std::vector<Array> run(const std::vector<Array>& inputs, const cli::BackendOptions& backend);
};

/// A graph divided between the machine and a framework.
class Partition {
 public:
  /// Divides a graph.
  /// @throws Error  with `strict`, if nodes are left: lists all of them by name
  Partition(const Source& source, std::string framework, Options options);
  ~Partition() { write(); }

  const Options& options() const { return options_; }
  const std::vector<std::shared_ptr<Part>>& parts() const { return parts_; }
  /// Returns the nodes that the machine executes.
  Nodes claimed() const;

  /// Returns the partition with runs and cycles so far.
  Json json() const;
  /// Returns the partition as text.
  std::string text() const;

 private:
  void search(const Source& source);
  /// @return false if some of these nodes must stay with the framework
  bool takes(const Source& source, const Nodes& nodes);
  /// Returns the compiled part of these nodes, or null. The answer is cached.
  std::shared_ptr<Part> compiled(const Source& source, const Nodes& nodes);
  void blame(const Source& source, const Nodes& nodes);
  void leave(const Nodes& unit, const std::string& why);
  void check_strict() const;
  /// Writes the file of the option `report` with runs and cycles so far, unless a newer partition
  /// of this process has the same file.
  void write() const noexcept;

  std::string framework_;
  Options options_;
  std::vector<Node> nodes_;
  std::vector<Nodes> units_;
  std::vector<std::shared_ptr<Part>> parts_;
  std::map<Nodes, std::shared_ptr<Part>> known_;
  std::map<Nodes, std::string> refusals_;
};

/// Returns groups of nodes that no cut may separate, because they exchange tensors other than
/// codes. A node that converts codes to floats belongs to its first reader. Groups are ordered by
/// their first nodes.
std::vector<Nodes> units_of(const Source& source, const std::vector<Node>& nodes);

/// Divides the claimed nodes into parts such that no path leaves a part and enters it again. For
/// frameworks that do not divide the nodes themselves.
std::vector<Nodes> convex_parts(const std::vector<Node>& nodes, const Nodes& claimed);

}  // namespace trine::abi
