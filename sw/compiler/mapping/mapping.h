// SPDX-License-Identifier: Apache-2.0
//
// The mapping of a network: each layer's loops and the memories of its maps, as a TOML file that a
// user reads, edits and gives back to the compiler.

#pragma once

#include <span>
#include <string>
#include <vector>

#include "spec/config.h"
#include "sw/base/error.h"
#include "sw/compiler/plan/plan.h"
#include "sw/compiler/search/search.h"

namespace trine::compiler {

/// A mapping file that is wrong or does not fit the network. It is not a refusal of the model, for
/// which other ways to compile might help.
class MappingError : public Error {
 public:
  using Error::Error;
};

/// A layer of a mapping file.
struct MappedLayer {
  int line = 0;  ///< in the file, for messages; loops_line: of its loops
  int loops_line = 0;
  std::string name;
  bool input_in_dram = false, output_in_dram = false;
  LoopNest nest;
  bool has_loops = true;  ///< false: a copy between DMEM and DRAM
};

/// A mapping file.
struct Mapping {
  std::string file;
  std::vector<MappedLayer> layers;  ///< in execution order, of all segments
};

/// Parses the text of a mapping file. @throws MappingError  "file:line: key: what, allowed values"
Mapping parse_mapping(const std::string& text, const std::string& file);

/// Plans a network again as layers first..first+n-1 of the file say; n is its number of layers.
/// @throws MappingError  names the layer and the rule that it breaks
void apply(const Mapping& mapping, std::size_t first, Planned& planned, const spec::Config& config);

/// Returns a layer's name in the form of a mapping file: valid UTF-8.
std::string json_name(const std::string& name);

/// Returns the mapping file of planned networks: the segments of a model.
std::string mapping_text(const std::string& model, std::span<const Planned* const> segments,
                         const spec::Config& config);

}  // namespace trine::compiler
