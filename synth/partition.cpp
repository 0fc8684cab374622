// SPDX-License-Identifier: Apache-2.0

#include "synth/partition.h"

#include <set>

namespace trine::synth {
namespace {

constexpr int kSmallCells = 48;  ///< before mapping; about a FIFO's control

bool is_macro(const Module& module) {
  return module.base == "trine_sram" && module.memory_bits() >= kMacroBits;
}

class Planner {
 public:
  Planner(const Design& design, const std::string& top, bool flat)
      : design_(design), top_(top), flat_(flat), instances_(count_instances(design, top)) {
    for (const auto& [name, count] : instances_)
      for (const auto& [child, n] : design.at(name).children) parents_[child].insert(name);
  }

  Plan plan() {
    Plan plan;
    plan.partitions.push_back(partition(top_));
    for (const auto& [name, count] : instances_) {
      const Module& module = design_.at(name);
      if (is_macro(module))
        plan.memories.push_back({name, count, module.memory_width, module.memory_depth,
                                 below_dmem_pmem(name), module.text});
      else if (name != top_ && !module.blackbox && !is_merged(name))
        plan.partitions.push_back(partition(name));
    }
    return plan;
  }

 private:
  /// Returns the instances of a memory that are banks of DMEM or PMEM.
  std::int64_t below_dmem_pmem(const std::string& memory) const {
    std::int64_t sum = 0;
    for (const auto& [name, count] : instances_) {
      const std::string& base = design_.at(name).base;
      if (base != "trine_dmem" && base != "trine_pmem") continue;
      const auto below = count_instances(design_, name);
      const auto at = below.find(memory);
      if (at != below.end()) sum += count * at->second;
    }
    return sum;
  }

  /// Returns the number of cells of a module, including the modules that are merged into it.
  int size(const std::string& name) {
    const auto known = sizes_.find(name);
    if (known != sizes_.end()) return known->second;
    int cells = design_.at(name).cells;
    for (const auto& [child, n] : design_.at(name).children)
      if (is_merged(child)) cells += n * size(child);
    return sizes_[name] = cells;
  }

  bool is_merged(const std::string& name) {
    const Module& module = design_.at(name);
    if (name == top_ || module.blackbox || is_macro(module)) return false;
    if (flat_ || module.base == "trine_sram") return true;
    const std::set<std::string>& parents = parents_.at(name);
    const bool only_child =
        parents.size() == 1 && design_.at(*parents.begin()).children.at(name) == 1;
    return (only_child && instances_.at(name) > 1) || size(name) < kSmallCells;
  }

  Partition partition(const std::string& name) {
    std::set<std::string> merged{name}, stubs;
    collect(name, merged, stubs);
    Partition part{name, instances_.at(name), "", size(name)};
    for (const std::string& stub : stubs) part.rtlil += design_.at(stub).stub;
    for (const std::string& module : merged) part.rtlil += design_.at(module).text;
    return part;
  }

  void collect(const std::string& name, std::set<std::string>& merged,
               std::set<std::string>& stubs) {
    for (const auto& [child, n] : design_.at(name).children) {
      if (!is_merged(child))
        stubs.insert(child);
      else if (merged.insert(child).second)
        collect(child, merged, stubs);
    }
  }

  const Design& design_;
  const std::string top_;
  const bool flat_;
  const std::map<std::string, std::int64_t> instances_;
  std::map<std::string, std::set<std::string>> parents_;
  std::map<std::string, int> sizes_;
};

}  // namespace

Plan make_plan(const Design& design, const std::string& top, bool flat) {
  return Planner(design, top, flat).plan();
}

}  // namespace trine::synth
