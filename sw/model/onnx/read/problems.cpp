// SPDX-License-Identifier: Apache-2.0

#include "sw/model/onnx/read/problems.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "sw/base/error.h"
#include "sw/model/graph/refusal.h"
#include "sw/model/onnx/read/nodes.h"

namespace trine::model::onnx_file {
namespace {

constexpr std::size_t kMostNodes = 8;  ///< named in a line

/// Returns a remedy for an operator that neither the machine nor the host supports.
std::string remedy_of(const std::string& type) {
  static const std::map<std::string, const char*> kRemedies = {
      {"If", "export without control flow, for fixed shapes"},
      {"Loop", "export without control flow, for fixed shapes"},
      {"NonZero", "export for fixed shapes"},
      {"Scan", "export without control flow, for fixed shapes"}};
  const auto found = kRemedies.find(type);
  if (found != kRemedies.end()) return found->second;
  if (type.find("channels_last.") != std::string::npos)
    return "use the network before its conversion to channels last";
  const std::string own = type.substr(type.rfind('.') + 1);  // without a domain
  return own.starts_with("Q") ? "quantize it in QDQ form" : "replace it, or cut the network there";
}

}  // namespace

void Problems::add(const Node& node, const std::string& what, bool hosted) {
  const auto same = std::ranges::find_if(lines_, [&](const Line& line) {
    return line.type == node.type && line.what == what && line.hosted == hosted;
  });
  Line& line =
      same != lines_.end() ? *same : lines_.emplace_back(Line{node.type, what, hosted, {}});
  line.nodes.push_back(node.index);
}

void Problems::raise(const std::string& file) const {
  std::string text;
  for (const Line& line : lines_) {
    text += fmt::format("{}{}: node {} {}: {}", text.empty() ? "" : "\n", file, line.nodes[0],
                        line.type, line.what);
    if (line.hosted)
      text += " (the host supports it)";
    else if (line.what == "operator is not supported")
      text += fmt::format(" ({})", remedy_of(line.type));
    const std::size_t named = std::min(line.nodes.size(), kMostNodes);
    if (named > 1)
      text += fmt::format(
          "; also nodes {}{}", fmt::join(line.nodes.begin() + 1, line.nodes.begin() + named, ", "),
          named < line.nodes.size() ? fmt::format(" and {} more", line.nodes.size() - named) : "");
  }
  if (!text.empty()) throw Error(text);
}

void require_qdq(const File& file) {
  const auto has = [&](const std::set<std::string>& types) {
    return std::ranges::any_of(file.nodes,
                               [&](const Node& node) { return types.contains(node.type); });
  };
  if (has({"ConvInteger", "DynamicQuantizeLinear", "MatMulInteger"}))
    refuse_float(file.name, kDynamic);
  if (has({"DequantizeLinear", "MatMulNBits"}) && !quantizes_activations(file))
    refuse_float(file.name, kWeightsAlone);
}

}  // namespace trine::model::onnx_file
