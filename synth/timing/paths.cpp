// SPDX-License-Identifier: Apache-2.0

#include "synth/timing/paths.h"

#include <algorithm>
#include <map>

namespace trine::synth {
namespace {

/// Removes indices: "u_a.u_b[2].q_reg[3]" -> "u_a.u_b.q". The mapping script names flip-flops after
/// their wires.
std::string without_indices(const std::string& name) {
  std::string text;
  int depth = 0;
  for (const char c : name) {
    depth += c == '[';
    if (depth == 0 && c != '\\') text += c;
    depth -= c == ']';
  }
  if (text.ends_with("_reg")) text.resize(text.size() - 4);
  return text;
}

/// A change of a net, and the setup time until a register captures it.
struct End {
  int net;
  Edges<float> setup;
};

class Finder {
 public:
  Finder(const Netlist& netlist, const Cells& cells, const Timer& timer)
      : netlist_(netlist), cells_(cells), timer_(timer) {
    for (std::size_t i = 0; i < netlist.instances().size(); ++i) {
      const auto& arcs = cells[netlist.instances()[i].cell].arcs;
      const bool starts =
          std::any_of(arcs.begin(), arcs.end(), [](const Arc& arc) { return arc.launches; });
      group_of_.push_back(starts ? group(name_of(static_cast<int>(i))) : -1);
    }
    for (std::size_t n = 0; n < netlist.nets().size(); ++n) add_ends(static_cast<int>(n));
  }

  /// Returns the `count` longest paths between groups. The worst path of a group ends at its latest
  /// end, so groups with an earlier end than the last path wanted are skipped.
  std::vector<GroupPath> run(std::size_t count) {
    std::vector<int> order;
    for (std::size_t g = 0; g < latest_.size(); ++g)
      if (latest_[g] > kNever) order.push_back(static_cast<int>(g));
    std::stable_sort(order.begin(), order.end(), [this](int a, int b) {
      return latest_[static_cast<std::size_t>(a)] > latest_[static_cast<std::size_t>(b)];
    });
    std::vector<GroupPath> paths;
    for (const int to : order) {
      if (paths.size() >= count && paths.back().ns >= latest_[static_cast<std::size_t>(to)]) break;
      add_paths(to, paths);
      std::stable_sort(paths.begin(), paths.end(),
                       [](const GroupPath& a, const GroupPath& b) { return a.ns > b.ns; });
      paths.resize(std::min(paths.size(), count));
    }
    return paths;
  }

 private:
  struct Start {
    float ns = kNever;
    int instance = -1, net = -1;  ///< instance -1: an input
    std::size_t edge = 0;
  };

  std::string module_of(int instance) const {
    return netlist_.partitions().at(
        static_cast<std::size_t>(netlist_.instance(instance).partition));
  }

  /// Names a register by module and name, a memory by module and position.
  std::string name_of(int instance) const {
    const std::string path = without_indices(netlist_.instance(instance).name);
    const std::size_t dot = path.rfind('.');
    if (cells_[netlist_.instance(instance).cell].pins.size() > kMostPins &&
        dot != std::string::npos)
      return module_of(instance) + " " + path.substr(0, dot);
    return module_of(instance) + " " + (dot == std::string::npos ? path : path.substr(dot + 1));
  }

  int group(const std::string& name) {
    const auto [found, added] = index_.emplace(name, static_cast<int>(names_.size()));
    if (added) {
      names_.push_back(name);
      latest_.push_back(kNever);
      ends_.emplace_back();
    }
    return found->second;
  }

  void add_ends(int net) {
    const Times& t = timer_.times(net);
    const auto add = [&](int group, const Edges<float>& setup) {
      for (const Edge e : {kRise, kFall}) {
        if (setup[e] <= kNever || t.arrival[e] <= kNever) continue;
        float& latest = latest_[static_cast<std::size_t>(group)];
        latest = std::max(latest, t.arrival[e] + setup[e]);
      }
      ends_[static_cast<std::size_t>(group)].push_back({net, setup});
    };
    if (netlist_.net(net).output) add(group(port(net)), {0, 0});
    for (const PinOf& sink : netlist_.net(net).sinks) {
      const Edges<float> setup = timer_.setup(sink);
      if (setup[kRise] > kNever || setup[kFall] > kNever) {
        int& to = group_of_[static_cast<std::size_t>(sink.instance)];
        if (to < 0) to = group(name_of(sink.instance));
        add(to, setup);
      }
    }
  }

  std::string port(int net) const { return "port " + without_indices(netlist_.net(net).name); }

  /// Computes, for each change of a net, the time until the group `to` captures it.
  void look_back(int to) {
    after_.assign(netlist_.nets().size(), {kNever, kNever});
    for (const End& end : ends_[static_cast<std::size_t>(to)])
      for (const Edge e : {kRise, kFall}) {
        float& after = after_[static_cast<std::size_t>(end.net)][e];
        after = std::max(after, end.setup[e]);
      }
    for (auto i = timer_.order().rbegin(); i != timer_.order().rend(); ++i)
      timer_.for_each_delay(
          *i, [&](const Arc& arc, int from, std::size_t f, int out, std::size_t e, float delay) {
            const float behind = after_[static_cast<std::size_t>(out)][e];
            if (arc.launches || behind <= kNever) return;
            float& after = after_[static_cast<std::size_t>(from)][f];
            after = std::max(after, delay + behind);
          });
  }

  /// Appends the longest path from each group to `to` to `paths`.
  void add_paths(int to, std::vector<GroupPath>& paths) {
    look_back(to);
    std::map<std::string, Start> starts;
    const auto offer = [&](const std::string& from, const Start& start) {
      Start& best = starts[from];
      if (start.ns > best.ns) best = start;
    };
    for (std::size_t i = 0; i < group_of_.size(); ++i) {
      if (group_of_[i] < 0) continue;
      timer_.for_each_delay(static_cast<int>(i), [&](const Arc& arc, int, std::size_t, int out,
                                                     std::size_t e, float delay) {
        const float behind = after_[static_cast<std::size_t>(out)][e];
        if (arc.launches && behind > kNever)
          offer(names_[static_cast<std::size_t>(group_of_[i])],
                {delay + behind, static_cast<int>(i), out, e});
      });
    }
    for (std::size_t n = 0; n < netlist_.nets().size(); ++n)
      for (const std::size_t e : {0u, 1u})
        if (netlist_.net(static_cast<int>(n)).input && after_[n][e] > kNever &&
            timer_.times(static_cast<int>(n)).arrival[e] > kNever)
          offer(port(static_cast<int>(n)), {after_[n][e], -1, static_cast<int>(n), e});
    for (const auto& [from, start] : starts)
      paths.push_back(walk(from, names_[static_cast<std::size_t>(to)], start));
  }

  /// Follows a path from gate to gate, always to the sink with the longest remaining time.
  GroupPath walk(const std::string& from, const std::string& to, const Start& start) const {
    GroupPath path;
    path.ns = start.ns;
    path.from = from;
    path.to = to;
    int net = start.net;
    std::size_t edge = start.edge;
    float left = start.ns;
    const auto spend = [&](int instance, float ns) {
      if (instance < 0) return;
      const std::string module = module_of(instance);
      if (path.parts.empty() || path.parts.back().module != module)
        path.parts.push_back({module, 0});
      path.parts.back().ns += ns;
    };
    const auto after = [&](int n, std::size_t e) { return after_[static_cast<std::size_t>(n)][e]; };
    spend(start.instance, left - after(net, edge));
    for (left = after(net, edge);;) {
      float best = kNever;
      int by = -1, next = -1;
      std::size_t next_edge = 0;
      for (const PinOf& sink : netlist_.net(net).sinks)
        timer_.for_each_delay(sink.instance, [&](const Arc& arc, int, std::size_t f, int out,
                                                 std::size_t e, float delay) {
          if (arc.launches || arc.from != sink.pin || f != edge || after(out, e) <= kNever) return;
          if (delay + after(out, e) <= best) return;
          best = delay + after(out, e);
          by = sink.instance;
          next = out;
          next_edge = e;
        });
      if (best < left - kSame) break;  // only the register's setup time remains
      ++path.gates;
      spend(by, left - after(next, next_edge));
      net = next;
      edge = next_edge;
      left = after(net, edge);
    }
    if (!path.parts.empty()) path.parts.back().ns += left;
    return path;
  }

  static constexpr float kSame = 1e-5f;
  static constexpr std::size_t kMostPins = 16;  ///< of a cell that is not a memory

  const Netlist& netlist_;
  const Cells& cells_;
  const Timer& timer_;
  std::map<std::string, int> index_;
  std::vector<std::string> names_;
  std::vector<float> latest_;           ///< by group
  std::vector<std::vector<End>> ends_;  ///< by group
  std::vector<int> group_of_;           ///< by instance, -1: not a register
  std::vector<Edges<float>> after_;     ///< by net
};

}  // namespace

std::vector<GroupPath> longest_paths(const Netlist& netlist, const Cells& cells, const Timer& timer,
                                     std::size_t count) {
  return Finder(netlist, cells, timer).run(count);
}

}  // namespace trine::synth
