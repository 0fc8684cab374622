// SPDX-License-Identifier: Apache-2.0
//
// Mapped modules as Yosys writes them: write_blif -cname.

#pragma once

#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace trine::synth {

/// A cell, or an instance of another module.
struct BlifCell {
  std::string_view type, name;
  std::vector<std::pair<std::string_view, int>> pins;  ///< with the net there
};

/// Words are of the text that was read.
struct BlifModule {
  std::string_view name;
  std::vector<std::string_view> nets;
  std::vector<int> inputs, outputs;
  std::vector<std::pair<int, int>> same;  ///< nets by two names
  std::vector<BlifCell> cells;

  int net(std::string_view name);         ///< added if it is new
  int find(std::string_view name) const;  ///< -1: there is none

 private:
  std::unordered_map<std::string_view, int> index_;
};

/// In the order of the text, which must outlive them. @throws Error  a function that is no cell
std::vector<BlifModule> parse_blif(std::string_view text);

}  // namespace trine::synth
