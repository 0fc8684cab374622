// SPDX-License-Identifier: Apache-2.0

#include "synth/gating.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <sstream>
#include <string_view>
#include <tuple>
#include <vector>

namespace trine::synth {
namespace {

/// The active level of a synchronous reset that overrides the enable.
enum class Resets { kNone, kHigh, kLow };

/// A flip-flop with an enable: its lines, and its type after gating.
struct FlipFlop {
  std::size_t first = 0, last = 0;  ///< lines "cell" and "end"
  std::string gated_type;           ///< type without the enable; empty: not such a flip-flop
  bool high = true;                 ///< the enable's level
  Resets resets = Resets::kNone;
  std::string clock, enable, reset;

  /// Returns the properties that all flip-flops of a gate share.
  auto key() const {
    return std::tuple(clock, enable, high, resets, resets == Resets::kNone ? "" : reset);
  }
};

/// Classifies rising-edge flip-flops: $_DFFE_PN0P_ -> $_DFF_PN0_ and so on.
void classify(std::string_view type, FlipFlop& ff) {
  constexpr std::string_view kKinds[][2] = {
      {"$_DFFE_P", "$_DFF_P"}, {"$_SDFFCE_P", "$_SDFF_P"}, {"$_SDFFE_P", "$_SDFF_P"}};
  for (const auto& [from, to] : kKinds) {
    if (!type.starts_with(from)) continue;
    const std::string_view pins = type.substr(from.size());  // "N0P_": reset, value, enable; "P_"
    ff.high = pins[pins.size() - 2] == 'P';
    ff.gated_type = std::string(to) + std::string(pins.substr(0, pins.size() - 2)) + "_";
    if (from == kKinds[2][0]) ff.resets = pins[0] == 'P' ? Resets::kHigh : Resets::kLow;
  }
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// Returns the rest of a line after `head`, or nothing if the line begins differently.
std::string_view behind(std::string_view line, std::string_view head) {
  return line.starts_with(head) ? line.substr(head.size()) : std::string_view();
}

std::vector<FlipFlop> find(const std::vector<std::string>& lines) {
  std::vector<FlipFlop> found;
  FlipFlop ff;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (const auto cell = behind(lines[i], "  cell "); !cell.empty()) {
      ff = {};
      ff.first = i;
      classify(cell.substr(0, cell.find(' ')), ff);
    } else if (const auto clock = behind(lines[i], "    connect \\C "); !clock.empty()) {
      ff.clock = clock;
    } else if (const auto enable = behind(lines[i], "    connect \\E "); !enable.empty()) {
      ff.enable = enable;
    } else if (const auto reset = behind(lines[i], "    connect \\R "); !reset.empty()) {
      ff.reset = reset;
    } else if (lines[i] == "  end" && !ff.gated_type.empty()) {
      ff.last = i;
      found.push_back(ff);
      ff = {};
    }
  }
  return found;
}

class Gating {
 public:
  Gating(const std::string& rtlil, const ClockGate& gate) : gate_(gate), lines_(lines_of(rtlil)) {}

  std::string run() {
    std::map<decltype(FlipFlop().key()), std::vector<FlipFlop>> groups;
    for (FlipFlop& ff : find(lines_)) groups[ff.key()].push_back(ff);
    for (const auto& [key, group] : groups)
      if (group.size() >= kLeastGated) gate_group(group);
    // Only the mapped module contains cells.
    const auto cell = std::find_if(lines_.begin(), lines_.end(), [](const std::string& line) {
      return line.starts_with("  cell ");
    });
    const auto head =
        std::find_if(std::reverse_iterator(cell), lines_.rend(), [](const auto& line) {
          return line.starts_with("module ");
        }).base();
    const auto end = std::find(cell, lines_.end(), "end");
    return joined(lines_.begin(), head) + wires_ + joined(head, end) + cells_ +
           joined(end, lines_.end());
  }

 private:
  static constexpr std::string_view kDropped = "-";

  using Line = std::vector<std::string>::const_iterator;

  static std::string joined(Line from, Line to) {
    std::string text;
    for (; from != to; ++from)
      if (*from != kDropped) text += *from + "\n";
    return text;
  }

  std::string wire() {
    const std::string name = fmt::format("$gated${}", count_++);
    wires_ += "  wire " + name + "\n";
    return name;
  }

  void cell(const std::string& type, const std::vector<std::pair<std::string, std::string>>& pins) {
    cells_ += fmt::format("  cell {} $gate${}\n", type, count_++);
    for (const auto& [pin, net] : pins) cells_ += fmt::format("    connect \\{} {}\n", pin, net);
    cells_ += "  end\n";
  }

  std::string inverted(const std::string& net) {
    const std::string out = wire();
    cell("$_NOT_", {{"A", net}, {"Y", out}});
    return out;
  }

  /// Returns a net that is high when the flip-flops may change.
  std::string opener(const FlipFlop& ff) {
    const std::string enable = ff.high ? ff.enable : inverted(ff.enable);
    if (ff.resets == Resets::kNone) return enable;
    const std::string out = wire();
    cell("$_OR_", {{"A", enable},
                   {"B", ff.resets == Resets::kHigh ? ff.reset : inverted(ff.reset)},
                   {"Y", out}});
    return out;
  }

  /// Inserts as many gates as needed, with about the same number of flip-flops each.
  void gate_group(const std::vector<FlipFlop>& group) {
    const std::string enable = opener(group[0]);
    const std::size_t gates = (group.size() + kMostGated - 1) / kMostGated;
    for (std::size_t g = 0; g < gates; ++g) {
      const std::string clock = wire();
      std::vector<std::pair<std::string, std::string>> pins{
          {gate_.clock, group[0].clock}, {gate_.enable, enable}, {gate_.output, clock}};
      if (!gate_.test.empty()) pins.emplace_back(gate_.test, "1'0");
      cell("\\" + gate_.cell, pins);
      for (std::size_t i = group.size() * g / gates; i < group.size() * (g + 1) / gates; ++i)
        reclock(group[i], clock);
    }
  }

  void reclock(const FlipFlop& ff, const std::string& clock) {
    std::string& head = lines_[ff.first];
    head = "  cell " + ff.gated_type + head.substr(head.find(' ', 7));
    for (std::size_t i = ff.first; i < ff.last; ++i) {
      if (lines_[i].starts_with("    connect \\C ")) lines_[i] = "    connect \\C " + clock;
      if (lines_[i].starts_with("    connect \\E ")) lines_[i] = kDropped;
    }
  }

  const ClockGate& gate_;
  std::vector<std::string> lines_;
  std::string wires_, cells_;
  int count_ = 0;
};

}  // namespace

std::string with_gated_enables(const std::string& rtlil, const ClockGate& gate) {
  return Gating(rtlil, gate).run();
}

}  // namespace trine::synth
