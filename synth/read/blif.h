// SPDX-License-Identifier: Apache-2.0
//
// Reads mapped modules that Yosys' write_blif -cname wrote.

#pragma once

#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace trine::synth {

/// A cell, or an instance of another module.
struct BlifCell {
  std::string_view type, name;
  std::vector<std::pair<std::string_view, int>> pins;  ///< pin names with their nets
};

/// A module. Its strings refer to the text that was read.
struct BlifModule {
  std::string_view name;
  std::vector<std::string_view> nets;
  std::vector<int> inputs, outputs;
  std::vector<std::pair<int, int>> same;  ///< nets with two names
  std::vector<BlifCell> cells;

  int net(std::string_view name);         ///< number of a net, which is added if it is new
  int find(std::string_view name) const;  ///< number of a net; -1: it does not exist

 private:
  std::unordered_map<std::string_view, int> index_;
};

/// Returns the modules in the order of the text, which must outlive them.
/// @throws Error  a function that is not a cell
std::vector<BlifModule> parse_blif(std::string_view text);

}  // namespace trine::synth
