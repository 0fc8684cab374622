// SPDX-License-Identifier: Apache-2.0

#include "tools/energy/components.h"

#include "sim/arch/actions.h"
#include "sw/base/error.h"

namespace trine::energy {
namespace {

/// Assigns a component: the first row applies whose name is a prefix of the module's, or that is an
/// instance on the path.
struct Place {
  std::string_view module, instance;
  Component component;
};
constexpr Place kPlaces[] = {
    // Parts inside of others come before the longer lists.
    {"", "u_pmem", kPmem},
    {"trine_weight_rows", "u_weight_rows", kPmem},
    {"trine_param", "u_params", kLanes},
    {"", "u_param_memories", kLanes},
    {"trine_pe", "", kPe},
    {"trine_array", "u_array", kPe},
    {"trine_booth_digits", "", kPe},
    {"trine_dot", "", kPe},
    {"trine_expand", "", kPe},
    {"trine_operands", "", kPe},
    {"trine_zero_points", "", kPe},
    {"trine_zero_sum", "", kPe},
    {"trine_matrix", "", kPmem},
    {"trine_agu", "u_agu", kAgu},
    {"trine_nest", "", kAgu},
    {"trine_maps", "", kAgu},
    {"trine_dmem_dma", "", kDmem},
    {"trine_dmem", "u_dmem", kDmem},
    {"trine_gather", "u_gather", kDmem},
    {"trine_scatter", "u_scatter", kDmem},
    {"trine_ecc", "", kDmem},
    {"trine_post", "u_post", kLanes},
    {"trine_lane", "u_lanes", kLanes},
    {"trine_pack", "", kLanes},
    {"trine_drain", "", kLanes},
    {"trine_result", "u_results", kLanes},
    {"trine_vector", "u_vector", kLanes},
    {"trine_softmax", "u_softmax", kLanes},
    {"trine_load", "u_load", kDma},
    {"trine_store", "u_store", kDma},
    {"trine_dma", "", kDma},
    {"trine_axi", "", kDma},
    {"trine_bus", "", kDma},
};

bool stands_on(std::string_view path, std::string_view instance) {
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('.', at), path.size());
    if (path.substr(at, end - at) == instance) return true;
    at = end + 1;
  }
  return false;
}

}  // namespace

Component component_of(const std::string& module, const std::string& path) {
  for (const Place& place : kPlaces) {
    if (!place.module.empty() && module.starts_with(place.module)) return place.component;
    if (!place.instance.empty() && stands_on(path, place.instance)) return place.component;
  }
  return kControl;
}

std::vector<std::size_t> actions_of(std::size_t component) {
  std::vector<std::size_t> list;
  for (std::size_t a = 0; a < sim::kActions; ++a)
    if (sim::kActionNames[a].component == kComponentNames[component]) list.push_back(a);
  return list;
}

double units_of(Component component, const spec::Config& config) {
  switch (component) {
    case kPe:
      return config.pes();
    case kLanes:
    case kAgu:
      return config.cores * config.rows;
    case kDmem:
      return config.cores * config.banks();
    case kPmem:
      return config.cores * config.cols;
    case kDma:
      return config.data_words();
    default:
      return 1;
  }
}

}  // namespace trine::energy
