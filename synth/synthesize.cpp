// SPDX-License-Identifier: Apache-2.0

#include "synth/synthesize.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "gen/generate.h"
#include "sw/base/cache.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/hash.h"
#include "sw/base/output.h"
#include "sw/base/process.h"
#include "sw/base/root.h"
#include "synth/gating.h"
#include "synth/partition.h"
#include "synth/read/liberty.h"
#include "synth/read/rtlil.h"
#include "synth/stages.h"
#include "synth/yosys.h"

namespace trine::synth {
namespace fs = std::filesystem;
namespace {

constexpr std::uintmax_t kMostCached = std::uintmax_t{1} << 29;
constexpr const char* kClockGate = "trine_clock_gate.sv";

/// Returns a folder for ABC, which makes relative paths absolute and does not quote them.
fs::path path_without_blanks() {
  const fs::path folder = fs::temp_directory_path();
  return folder.string().find_first_of(" \t") == std::string::npos ? folder : fs::path("/tmp");
}

/// Runs task(i) for every i, `jobs` at a time. The first exception stops the remaining tasks.
template <typename Task>
void for_each_parallel(std::size_t count, int jobs, const Task& task) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex mutex;
  const auto work = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      try {
        task(i);
      } catch (...) {
        const std::lock_guard<std::mutex> guard(mutex);
        if (failure == nullptr) failure = std::current_exception();
        next = count;
      }
    }
  };
  std::vector<std::thread> threads;
  for (int i = 1; i < jobs; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  if (failure != nullptr) std::rethrow_exception(failure);
}

class Flow {
 public:
  Flow(const fs::path& design, const std::string& top, const std::string& label,
       const SynthOptions& options)
      : design_(fs::absolute(design)),
        top_(top),
        label_(label),
        options_(options),
        scratch_(path_without_blanks(), "trine-synth"),
        cache_(options.cache ? cache_folder() / "synth" : fs::path(), kMostCached),
        tool_(first_line_of({"yosys", "-V"})) {
    if (options.stages == nullptr && (times() || !options.place.python.empty()))
      throw std::logic_error("synthesize: timing and placement require SynthOptions::stages");
    if (options.target != Target::kAsic) {
      if (!options.netlist.empty()) throw_error("--netlist: needs --target asic");
      return;
    }
    if (!options.netlist.empty()) check_output(options.netlist);
    const fs::path liberty = liberty_of(options);
    library_ = read_library(liberty);
    macros_ = read_macros(options.macros.empty() ? macro_folder_of(liberty) : options.macros);
    if (options_.wire_load == WireLoad::kLibrary && library_.wire_load.empty())
      throw_error("--wire-load library: {} has no default wire load, allowed zero", library_.name);
    write_file(folder() / "cells.lib", library_.text);
    const auto wired = [&](const std::string& text) {
      return options_.wire_load == WireLoad::kZero ? without_wire_load(text) : text;
    };
    write_file(folder() / "timing.lib", wired(timing_text(library_)));
    write_file(folder() / kClockGate, clock_gate_module(library_));
    for (const Effort effort : {Effort::kArea, Effort::kSpeed})
      write_file(folder() / abc_file(effort), abc_script(effort));
    library_key_ =
        fmt::format("{:016x}{:016x}", hash64(library_.text), hash64(wired(library_.text)));
  }

  SynthReport run() {
    progress("elaborating");
    run_yosys(elaborate_script(sources(), top_, options_.target, has_gate()), "elaborate", folder(),
              label_);
    const Design design = parse_rtlil(read_text(folder() / "design.il"));
    const bool wanted = count_instances(design, top_).count("trine_clock_gate") != 0;
    gated_ = has_gate() && !options_.no_clock_gates;
    const Plan plan = make_plan(design, top_, options_.flat);
    map_all(plan);
    SynthReport report;
    if (times())
      report.clock = options_.stages->time(folder(), top_, plan, library_, macros_, options_,
                                           [this](const std::string& what) { progress(what); });
    for (Path* path : {&report.clock.path, &report.clock.placed.timed.path}) {
      path->start = without_suffix(path->start);
      path->end = without_suffix(path->end);
    }
    progress("timing modules");
    for_each_parallel(plan.partitions.size(), options_.jobs,
                      [&](std::size_t i) { describe(plan.partitions[i], report.clock); });
    if (!options_.netlist.empty()) write_netlist(plan);
    report.configuration = label_;
    report.target = options_.target;
    report.library = library_.name;
    report.nand2_um2 = library_.nand2_um2;
    report.wire_load = options_.wire_load == WireLoad::kZero ? "zero" : library_.wire_load;
    report.gates_missing = wanted && options_.target == Target::kAsic && !has_gate();
    report.has_macros = !macros_.empty();
    report.tool = tool_;
    add_modules(plan, report);
    for (const ModuleReport& module : report.modules)
      if (module.path.ns > report.path.ns) report.path = module.path;
    add_memories(plan, report);
    if (options_.target == Target::kEcp5 && !options_.place.python.empty())
      report.fpga =
          options_.stages->place_ecp5(folder(), design.at(top_), options_.place.python,
                                      [this](const std::string& what) { progress(what); });
    progress("");
    return report;
  }

 private:
  const fs::path& folder() const { return scratch_.path(); }

  /// Returns the sources of the design, with the library's clock gate instead of the latch.
  std::vector<std::string> sources() const {
    std::vector<std::string> list = sources_of(design_);
    for (std::string& source : list)
      if (has_gate() && fs::path(source).filename() == kClockGate)
        source = (folder() / kClockGate).string();
    return list;
  }

  bool has_gate() const { return !library_.gate.cell.empty(); }  // FPGA flows read no library

  bool times() const { return options_.timing && options_.target == Target::kAsic; }

  void progress(const std::string& what) const {
    if (!options_.quiet) std::fprintf(stderr, "\r\033[K%s", what.c_str());
  }

  /// Maps all partitions, the largest first, so that no long one runs last.
  void map_all(const Plan& plan) {
    std::vector<const Partition*> order;
    for (const Partition& partition : plan.partitions) order.push_back(&partition);
    std::stable_sort(order.begin(), order.end(),
                     [](const Partition* a, const Partition* b) { return a->size > b->size; });
    for_each_parallel(order.size(), options_.jobs, [&](std::size_t i) {
      {
        const std::lock_guard<std::mutex> guard(mutex_);
        progress(fmt::format("synthesizing {}/{}: {}", i + 1, order.size(), order[i]->name));
      }
      map(*order[i]);
    });
  }

  /// Maps a partition for area, and for speed as well if a clock is requested. Clock gates are
  /// inserted between two runs of Yosys.
  void map(const Partition& partition) const {
    const std::string& name = partition.name;
    if (options_.target != Target::kAsic)
      return obtain(partition, fpga_script(name, options_.target), {name + ".stat"}, "");
    std::vector<Effort> efforts{Effort::kArea};
    if (times()) efforts.push_back(Effort::kSpeed);
    std::string depends = library_key_;
    std::vector<std::string> files;
    for (const Effort effort : efforts) {
      depends += abc_script(effort);
      for (const char* ending : {".stat", ".v", ".blif"})
        files.push_back(mapped_name(name, effort) + ending);
    }
    if (!gated_)
      return obtain(partition, simple_script(name) + map_script(name, efforts), files, depends);
    const fs::path simple = folder() / simple_name(name);
    obtain(partition, simple_script(name), {simple_name(name)}, "");
    write_file(simple, with_gated_enables(read_text(simple), library_.gate));
    obtain(partition, map_script(name, efforts, kClockGate), files, depends + read_text(simple));
  }

  /// Obtains the files that a Yosys script makes of a module.
  void obtain(const Partition& partition, const std::string& script,
              const std::vector<std::string>& files, const std::string& depends) const {
    cache_.obtain(tool_ + "\n" + script + depends + partition.rtlil, files, folder(), [&] {
      write_file(folder() / (partition.name + ".il"), partition.rtlil);
      run_yosys(script, partition.name, folder(), label_ + ": " + partition.name);
    });
  }

  /// Describes the chosen netlist of a module: its cells and its longest path.
  void describe(const Partition& partition, const ClockReport& clock) {
    ModuleReport module;
    module.name = partition.name;
    module.instances = partition.instances;
    module.fast = clock.fast.count(partition.name) != 0;
    const std::string file =
        mapped_name(partition.name, module.fast ? Effort::kSpeed : Effort::kArea);
    module.cell_types = parse_stat(read_text(folder() / (file + ".stat")));
    if (times()) module.path = time(file, partition.name);
    const std::lock_guard<std::mutex> guard(mutex_);
    mapped_[partition.name] = std::move(module);
  }

  /// Removes the suffix of a flip-flop: "\acc_q[3]_reg" -> "acc_q[3]". The script names flip-flops
  /// after their wires.
  static std::string without_suffix(std::string name) {
    name.erase(std::remove(name.begin(), name.end(), '\\'), name.end());
    const std::size_t at = name.rfind("_reg");
    return at != std::string::npos && at + 4 == name.size() ? name.substr(0, at) : name;
  }

  Path time(const std::string& file, const std::string& name) const {
    const std::string script = timing_script(file, name);
    std::string depends = script + library_key_ + read_text(folder() / (file + ".v"));
    if (depends.find(library_.gate.cell) != std::string::npos) depends += library_.gate.text;
    cache_.obtain(depends, {file + ".timing"}, folder(), [&] {
      write_file(folder() / (file + ".tcl"), script);
      run_sta(file, folder(), name);
    });
    Path path = parse_timing(read_text(folder() / (file + ".timing")));
    path.start = without_suffix(path.start);
    path.end = without_suffix(path.end);
    return path;
  }

  /// Writes all mapped modules with models of the cells and of the memories, as a complete design.
  void write_netlist(const Plan& plan) const {
    Files files;
    const auto take = [&](const std::string& name) {
      const auto module = mapped_.find(name);
      const bool fast = module != mapped_.end() && module->second.fast;
      files[name + ".v"] =
          read_text(folder() / (mapped_name(name, fast ? Effort::kSpeed : Effort::kArea) + ".v"));
    };
    for (const Partition& partition : plan.partitions) take(partition.name);
    for (const Memory& memory : plan.memories) {
      write_file(folder() / (memory.name + ".il"), memory.rtlil);
      run_yosys(memory_script(memory.name), memory.name, folder(), label_);
      take(memory.name);
    }
    run_yosys(cells_script(), "cells", folder(), library_.name);
    take("cells");
    for (const auto& [name, module] : mapped_)
      if (module.cell_types.count(library_.gate.cell) != 0)
        files["clock_gate.v"] = clock_gate_model(library_.gate, false);
    std::string list;
    for (const auto& [name, text] : files) list += name + "\n";
    files["trine.f"] = list;
    write_output(files, {{"netlist_of", label_}, {"library", library_.name}}, options_.netlist);
  }

  static void take_child(const std::string& name, ModuleReport& module) {
    const auto child = module.cell_types.extract(name);
    if (!child.empty()) module.children[name] = child.mapped();
  }

  /// Adds the modules' areas; instances of other partitions do not count as cells.
  void add_modules(const Plan& plan, SynthReport& report) {
    for (auto& [name, module] : mapped_) {
      for (const Partition& partition : plan.partitions) take_child(partition.name, module);
      for (const Memory& memory : plan.memories) take_child(memory.name, module);
    }
    for (auto& [name, module] : mapped_) {
      for (const auto& [type, count] : module.cell_types) {
        module.cells += count;
        report.cell_types[type] += module.instances * count;
        if (options_.target != Target::kAsic) continue;
        const auto area = library_.area.find(type);
        if (area == library_.area.end())
          throw_error("{}: cell {} in {} is not in the library {}", label_, type, name,
                      library_.name);
        module.area_um2 += static_cast<double>(count) * area->second;
      }
      if (library_.nand2_um2 > 0) module.gate_equivalents = module.area_um2 / library_.nand2_um2;
      report.cells += module.instances * module.cells;
      report.area_um2 += static_cast<double>(module.instances) * module.area_um2;
      report.gate_equivalents += static_cast<double>(module.instances) * module.gate_equivalents;
      report.modules.push_back(module);
    }
    const auto share = [](const ModuleReport& m) {
      return static_cast<double>(m.instances) *
             (m.area_um2 > 0 ? m.area_um2 : static_cast<double>(m.cells));
    };
    std::stable_sort(report.modules.begin(), report.modules.end(),
                     [&](const auto& a, const auto& b) { return share(a) > share(b); });
  }

  void add_memories(const Plan& plan, SynthReport& report) const {
    for (const Memory& memory : plan.memories) {
      MemoryReport entry;
      entry.name = memory.name;
      entry.instances = memory.instances;
      entry.width = memory.width;
      entry.depth = memory.depth;
      entry.dmem_pmem = memory.dmem_pmem;
      const auto timed = report.clock.tilings.find(memory.name);
      const Tiling tiling = timed != report.clock.tilings.end()
                                ? timed->second
                                : tile(macros_, memory.width, memory.depth);
      if (!tiling.macro.empty()) {
        entry.macro = fmt::format("{} x {}", tiling.across * tiling.down, tiling.macro);
        entry.um2 = static_cast<double>(memory.instances) * tiling.um2;
        entry.ns = tiling.ns;
      }
      const auto most = report.clock.most_ns.find(memory.name);
      if (most != report.clock.most_ns.end()) entry.most_ns = most->second;
      report.sram_bits += memory.bits();
      report.sram_um2 += entry.um2;
      report.sram_um2_other += entry.um2_other();
      report.memories.push_back(entry);
    }
  }

  const fs::path design_;
  const std::string top_, label_;
  const SynthOptions options_;
  const TemporaryFolder scratch_;
  const FileCache cache_;
  const std::string tool_;
  bool gated_ = false;       ///< true if registers with enables get clock gates (gating.h)
  std::string library_key_;  ///< key of the library content that the tools read
  Library library_;
  std::vector<Macro> macros_;
  std::mutex mutex_;
  std::map<std::string, ModuleReport> mapped_;
};

}  // namespace

fs::path default_liberty() {
  return project_root() / "synth/sg13g2/sg13g2_stdcell_typ_1p20V_25C.lib.gz";
}

fs::path liberty_of(const SynthOptions& options) {
  return options.liberty.empty() ? default_liberty() : options.liberty;
}

Target parse_target(const std::string& name) {
  if (name == "asic") return Target::kAsic;
  if (name == "ice40") return Target::kIce40;
  if (name == "ecp5") return Target::kEcp5;
  throw_error("target: '{}' is unknown, allowed asic, ice40, ecp5", name);
}

WireLoad parse_wire_load(const std::string& name) {
  if (name == "zero") return WireLoad::kZero;
  if (name == "library") return WireLoad::kLibrary;
  throw_error("wire-load: '{}' is unknown, allowed zero, library", name);
}

std::string netlist_fingerprint(const SynthOptions& options) {
  return fmt::format(
      "{}\n{}{}{}{}{:016x}\n", first_line_of({"yosys", "-V"}), elaborate_script({}, "top"),
      simple_script("top") + map_script("top", {Effort::kArea}), memory_script("top"),
      abc_script(Effort::kArea), hash64(read_text(liberty_of(options))));
}

SynthReport synthesize_design(const fs::path& design, const std::string& top,
                              const std::string& label, std::int64_t macs,
                              const SynthOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  SynthReport report = Flow(design, top, label, options).run();
  report.macs_per_cycle = macs;
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
}

SynthReport synthesize(const spec::Config& config, const SynthOptions& options) {
  const TemporaryFolder scratch(fs::temp_directory_path(), "trine-design");
  const fs::path design = scratch.path() / "design";
  gen::generate(config, design);
  return synthesize_design(design, "trine_top", config.name, config.peak_macs_per_cycle(), options);
}

}  // namespace trine::synth
