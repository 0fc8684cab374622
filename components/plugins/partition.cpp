// SPDX-License-Identifier: Apache-2.0

#include "components/plugins/partition.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <mutex>
#include <utility>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/index.h"
#include "sw/base/ties.h"
#include "tools/cli/run/check.h"

namespace trine::abi {
namespace {

std::int64_t bytes_of(const std::vector<Array>& shapes) {
  std::int64_t bytes = 0;
  for (const Array& shape : shapes)
    bytes += shape.elements() * static_cast<std::int64_t>(shape.element_bytes());
  return bytes;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

/// The newest partition of each report file. Sessions may end in any order, and in any thread.
class Reports {
 public:
  void take(const std::string& file, const void* partition) {
    const std::lock_guard lock(mutex_);
    owners_[file] = partition;
  }
  bool belongs(const std::string& file, const void* partition) {
    const std::lock_guard lock(mutex_);
    return owners_[file] == partition;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, const void*> owners_;
};

Reports& reports() {
  static Reports& all = *new Reports;  // sessions may end after static objects
  return all;
}

/// Returns the node that makes each tensor.
std::map<int, int> makers_of(const std::vector<Node>& nodes) {
  std::map<int, int> makers;
  for (std::size_t n = 0; n < nodes.size(); ++n)
    for (const int t : nodes[n].outputs) makers[t] = static_cast<int>(n);
  return makers;
}

Nodes joined(const std::vector<Nodes>& units) {
  Nodes all;
  for (const Nodes& unit : units) all.insert(all.end(), unit.begin(), unit.end());
  std::ranges::sort(all);
  return all;
}

}  // namespace

Part::Part(Nodes of, std::unique_ptr<cli::Session> compiled)
    : nodes(std::move(of)),
      session(std::move(compiled)),
      bytes_in(bytes_of(cli::input_shapes(session->network()))),
      bytes_out(bytes_of(cli::output_shapes(session->network()))) {}

std::vector<Array> Part::run(const std::vector<Array>& inputs, const cli::BackendOptions& backend) {
  session->check_inputs(inputs);
  const cli::Stopwatch watch;
  sim::RunResult result = session->run(inputs, backend);
  nanoseconds += static_cast<std::uint64_t>(watch.seconds() * 1e9);
  ++runs;
  cycles += result.cycles;
  return std::move(result.outputs);
}

std::vector<Nodes> units_of(const Source& source, const std::vector<Node>& nodes) {
  const std::map<int, int> makers = makers_of(nodes);
  Ties ties(nodes.size());
  std::vector<bool> read(nodes.size());
  for (std::size_t n = 0; n < nodes.size(); ++n)
    for (const int t : nodes[n].inputs) {
      const auto maker = makers.find(t);
      if (maker == makers.end() || source.holds_codes(t)) continue;
      const auto m = at(maker->second);
      if (!nodes[m].dequantizes || !read[m]) ties.tie(static_cast<int>(n), maker->second);
      read[m] = true;
    }
  std::map<int, Nodes> units;
  for (std::size_t n = 0; n < nodes.size(); ++n)
    units[ties.root(static_cast<int>(n))].push_back(static_cast<int>(n));
  std::vector<Nodes> result;
  for (auto& [root, unit] : units) result.push_back(std::move(unit));
  std::ranges::sort(result);  // by the first node
  return result;
}

namespace {

/// The earliest turn of each node. Even turns are the machine's, and a turn reads only earlier
/// turns.
class Turns {
 public:
  Turns(const std::vector<Node>& nodes, const Nodes& claimed)
      : nodes_(nodes), makers_(makers_of(nodes)), turn_(nodes.size(), 1), waits_(nodes.size()) {
    for (const int n : claimed) turn_[at(n)] = 0;
    for (std::size_t n = 0; n < nodes.size(); ++n) set_earliest(n);
    delay();
  }

  int operator[](std::size_t n) const { return turn_[n]; }

 private:
  bool is_ours(std::size_t n) const { return turn_[n] % 2 == 0; }

  template <typename Action>
  void for_makers(std::size_t n, const Action& action) const {
    for (const int t : nodes_[n].inputs)
      if (const auto maker = makers_.find(t); maker != makers_.end()) action(at(maker->second));
  }

  void set_earliest(std::size_t n) {
    for_makers(n, [&](std::size_t m) {
      turn_[n] = std::max(turn_[n], turn_[m] + (is_ours(m) == is_ours(n) ? 0 : 1));
      waits_[n] = true;
    });
  }

  /// Moves nodes that wait for no node, such as those that make floats of weights, to the turn of
  /// their first reader.
  void delay() {
    std::vector<int> latest(nodes_.size(), -1);
    for (std::size_t n = nodes_.size(); n-- > 0;) {
      if (is_ours(n) && !waits_[n] && latest[n] >= 0) turn_[n] = latest[n];
      const int before = is_ours(n) ? turn_[n] : turn_[n] - 1;
      for_makers(n, [&](std::size_t m) {
        latest[m] = latest[m] < 0 ? before : std::min(latest[m], before);
      });
    }
  }

  const std::vector<Node>& nodes_;
  std::map<int, int> makers_;
  std::vector<int> turn_;
  std::vector<bool> waits_;  ///< for another node
};

}  // namespace

std::vector<Nodes> convex_parts(const std::vector<Node>& nodes, const Nodes& claimed) {
  const Turns turns(nodes, claimed);
  std::map<int, Nodes> parts;
  for (const int n : claimed) parts[turns[at(n)]].push_back(n);
  std::vector<Nodes> result;
  for (auto& [when, part] : parts) result.push_back(std::move(part));
  return result;
}

Partition::Partition(const Source& source, std::string framework, Options options)
    : framework_(std::move(framework)),
      options_(std::move(options)),
      nodes_(source.nodes()),
      units_(units_of(source, nodes_)) {
  for (const Nodes& unit : units_) {
    const auto refused = [&](int n) { return !nodes_[at(n)].refused.empty(); };
    const auto at_fault = std::ranges::find_if(unit, refused);
    if (at_fault != unit.end()) leave(unit, nodes_[at(*at_fault)].refused);
  }
  search(source);
  known_.clear();
  reports().take(options_.report, this);
  write();
  if (options_.verbose) std::fputs(text().c_str(), stderr);
  check_strict();
}

void Partition::search(const Source& source) {
  for (bool again = true; again;) {
    again = false;
    parts_.clear();
    for (const Nodes& part : source.parts(claimed())) again = !takes(source, part) || again;
  }
}

bool Partition::takes(const Source& source, const Nodes& nodes) {
  const std::shared_ptr<Part> part = compiled(source, nodes);
  const bool works = part != nullptr && !part->session->program().layers.empty();
  if (works)
    parts_.push_back(part);
  else if (part == nullptr)
    blame(source, nodes);
  else
    leave(nodes, "none of its operators runs on the machine");
  return works;
}

std::shared_ptr<Part> Partition::compiled(const Source& source, const Nodes& nodes) {
  if (const auto known = known_.find(nodes); known != known_.end()) return known->second;
  std::shared_ptr<Part>& part = known_[nodes];
  try {
    cli::NetworkOptions network;
    network.model = "graph";
    network.machine_alone = true;
    part = std::make_shared<Part>(
        nodes, std::make_unique<cli::Session>(source.file(nodes), network, options_.config,
                                              options_.rounding));
    part->session->show_progress();
  } catch (const Error& refused) {
    refusals_[nodes] = first_line(refused.what());
  } catch (const std::exception& fault) {  // an internal error: the framework computes the part
    refusals_[nodes] = fmt::format("internal error: {}", fault.what());
  }
  return part;
}

/// Marks the units that are refused on their own. If each is accepted on its own, marks the first
/// unit with which the beginning of the part is refused.
void Partition::blame(const Source& source, const Nodes& nodes) {
  std::vector<const Nodes*> units;
  std::vector<Nodes> pieces;  // the part of each unit inside of the part
  for (const Nodes& unit : units_) {
    Nodes piece;
    std::ranges::set_intersection(unit, nodes, std::back_inserter(piece));
    if (piece.empty()) continue;
    units.push_back(&unit);
    pieces.push_back(std::move(piece));
  }
  bool found = false;
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (compiled(source, pieces[i]) != nullptr) continue;
    leave(*units[i], refusals_[pieces[i]]);
    found = true;
  }
  if (found) return;
  std::size_t taken = 1, refused = units.size();
  const auto beginning = [&](std::size_t count) {
    return joined({pieces.begin(), pieces.begin() + static_cast<std::ptrdiff_t>(count)});
  };
  while (refused - taken > 1) {
    const std::size_t middle = (taken + refused) / 2;
    (compiled(source, beginning(middle)) != nullptr ? taken : refused) = middle;
  }
  leave(*units[refused - 1], refusals_[beginning(refused)]);
}

void Partition::leave(const Nodes& unit, const std::string& why) {
  for (const int n : unit) nodes_[at(n)].refused = why;
}

Nodes Partition::claimed() const {
  Nodes ours;
  for (std::size_t n = 0; n < nodes_.size(); ++n)
    if (nodes_[n].refused.empty()) ours.push_back(static_cast<int>(n));
  return ours;
}

void Partition::check_strict() const {
  if (!options_.strict || claimed().size() == nodes_.size()) return;
  std::string left;
  for (std::size_t n = 0; n < nodes_.size(); ++n)
    if (!nodes_[n].refused.empty())
      left += fmt::format("\n  node {} {}{}: {}", n, nodes_[n].op,
                          nodes_[n].name.empty() ? "" : " " + nodes_[n].name, nodes_[n].refused);
  throw_error("trine: strict: {} of {} nodes are left to {}{}", nodes_.size() - claimed().size(),
              nodes_.size(), framework_, left);
}

Json Partition::json() const {
  Json json{{"framework", framework_},
            {"configuration", cli::design_name(options_.config)},
            {"backend", options_.backend.backend}};
  std::int64_t macs = 0, ours = 0, border = 0;
  Json left = Json::array(), parts = Json::array();
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    const Node& node = nodes_[n];
    macs += node.macs;
    if (node.refused.empty())
      ours += node.macs;
    else
      left.push_back({{"node", n}, {"op", node.op}, {"name", node.name}, {"reason", node.refused}});
  }
  for (const auto& part : parts_) {
    border += part->bytes_in + part->bytes_out;
    parts.push_back({{"nodes", part->nodes},
                     {"bytes_in", part->bytes_in},
                     {"bytes_out", part->bytes_out},
                     {"runs", part->runs.load()},
                     {"cycles", part->cycles.load()},
                     {"sim_seconds", static_cast<double>(part->nanoseconds.load()) * 1e-9}});
  }
  json["nodes"] = nodes_.size();
  json["nodes_on_machine"] = claimed().size();
  json["macs"] = macs;
  json["macs_on_machine"] = ours;
  json["border_bytes"] = border;
  json["parts"] = parts;
  json["left"] = left;
  return json;
}

std::string Partition::text() const {
  const Json all = json();
  const auto macs = all["macs"].get<std::int64_t>(),
             ours = all["macs_on_machine"].get<std::int64_t>();
  std::string text = fmt::format(
      "trine: {} of {} nodes, {:.1f} % of the MACs, in {} part{} on {} ({}); {} bytes enter or "
      "leave\n",
      claimed().size(), nodes_.size(), macs > 0 ? 100.0 * double(ours) / double(macs) : 0.0,
      parts_.size(), parts_.size() == 1 ? "" : "s", cli::design_name(options_.config),
      options_.backend.backend, all["border_bytes"].get<std::int64_t>());
  for (const Json& node : all["left"])
    text += fmt::format("trine: left to {}: node {} {}: {}\n", framework_, node["node"].get<int>(),
                        node["op"].get<std::string>(), node["reason"].get<std::string>());
  return text;
}

void Partition::write() const noexcept try {
  if (!options_.report.empty() && reports().belongs(options_.report, this))
    write_file(options_.report, json_text(json(), 2) + "\n");
} catch (...) {
  // A destructor cannot report errors; options_of() has tested the file.
}

}  // namespace trine::abi
