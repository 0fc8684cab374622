// SPDX-License-Identifier: Apache-2.0
//
// The ports of trine_top: what its printer, the wrapper's and the packages' go through.

#pragma once

#include <string>
#include <vector>

#include "machine/config.h"

namespace trine::gen {

struct Port {
  bool is_input;
  int bits;
  std::string name;
  std::string core = name;  ///< its port, or field of trine_axi_pkg; none if empty
  std::string value = "";   ///< of the output, or of the field, if not the other of the two
};

struct Interface {
  std::string comment;
  std::vector<Port> ports;
};

/// All ports, in their order.
std::vector<Interface> interfaces(const machine::Config& config);

}  // namespace trine::gen
