// SPDX-License-Identifier: Apache-2.0

#include "sw/program/program.h"

#include <string_view>

#include "sw/base/error.h"

namespace trine::program {

std::int64_t Program::macs() const {
  std::int64_t sum = 0;
  for (const ProgramLayer& layer : layers) sum += layer.macs;
  for (const Program& segment : rest) sum += segment.macs();
  return sum;
}

std::vector<const Program*> segments(const Program& program) {
  std::vector<const Program*> all{&program};
  for (const Program& segment : program.rest) all.push_back(&segment);
  return all;
}

std::string ProgramLayer::title() const {
  if (!module.empty()) return module;
  for (const std::string_view ending : {"_QuantizeLinear_Output", "_quantized"})
    if (name.ends_with(ending) && name.size() > ending.size())
      return name.substr(0, name.size() - ending.size());
  return name;
}

std::vector<ProgramLayer> layers_of(const Program& program) {
  std::vector<ProgramLayer> all;
  for (const Program* segment : segments(program))
    all.insert(all.end(), segment->layers.begin(), segment->layers.end());
  return all;
}

void set_configuration(Program& program, const spec::Config& config) {
  if (program.config_hash != config.hash())
    throw_error("{}: compiled for configuration {} ({:016x}), not for {} ({:016x})", program.name,
                program.config.name, program.config_hash, config.name, config.hash());
  program.config = config;
  for (Program& segment : program.rest) set_configuration(segment, config);
}

}  // namespace trine::program
