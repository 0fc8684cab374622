// SPDX-License-Identifier: Apache-2.0
//
// The ports of trine_top, for the functions that print the top module, the wrapper and the
// packages.

#pragma once

#include <string>
#include <vector>

#include "spec/config.h"

namespace trine::gen {

/// A port of trine_top.
struct Port {
  bool is_input;
  int bits;
  std::string name;
  /// Connected port of the core, or field of trine_axi_pkg; empty if none.
  std::string core = name;
  std::string value = "";  ///< value of the output or field, if it is not the connected signal
};

/// A group of ports under one comment.
struct Interface {
  std::string comment;
  std::vector<Port> ports;
};

/// Returns all ports in their order.
std::vector<Interface> interfaces(const spec::Config& config);

}  // namespace trine::gen
