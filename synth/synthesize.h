// SPDX-License-Identifier: Apache-2.0
//
// Computes area and timing of a design with Yosys and OpenSTA, module by module, hierarchy kept.
//
//   gate equivalents = area / area of the library's smallest NAND2
//
// The design is elaborated once. A Yosys process maps each partition (synth/partition.h), several
// at a time. Areas are cell areas before placement; memories are counted separately.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "nlohmann/json_fwd.hpp"
#include "spec/config.h"
#include "synth/read/liberty.h"

namespace trine::synth {

/// Returns the library that is used by default: IHP's sg13g2, in synth/sg13g2.
std::filesystem::path default_liberty();

class Netlist;
class Cells;
struct Stages;

/// The technologies to which a design can be mapped.
enum class Target { kAsic, kIce40, kEcp5 };

/// The assumption about wires: none, or the library's default (a guess by fan-out and area).
enum class WireLoad { kZero, kLibrary };

/// Parses "asic", "ice40", "ecp5". @throws Error  names the allowed values
Target parse_target(const std::string& name);
/// Parses "zero", "library". @throws Error  names the allowed values
WireLoad parse_wire_load(const std::string& name);

/// Options of placement (synth/place).
struct PlaceOptions {
  std::filesystem::path lef;     ///< file or folder; empty: next to the Liberty file
  std::filesystem::path python;  ///< interpreter that has the placer; empty: nothing is placed
  double utilization = 0.55;     ///< fraction of the core before buffers, which add about a quarter
  int seeds = 1;                 ///< number of placements, each from another seed of the placer
};

class WireModel;

/// The timed netlist of a whole design with its cells.
struct Inspected {
  const Netlist& netlist;
  const Cells& cells;
  double clock_ns = 0;
  const WireModel* wires = nullptr;  ///< null: not placed
};

/// Options of synthesis.
struct SynthOptions {
  std::filesystem::path liberty;  ///< .lib or .lib.gz; empty: default_liberty()
  std::filesystem::path macros;   ///< folder of memory Liberty files; empty: next to `liberty`
  Target target = Target::kAsic;
  bool timing = true;  ///< run OpenSTA (asic); requires `stages`
  /// all_stages() of synth/stages.h. Timing and placement require the stages; area does not.
  const Stages* stages = nullptr;
  bool flat = false;            ///< map the design as one module, optimized across all borders
  bool no_clock_gates = false;  ///< no gates for enables; gates of the RTL remain
  WireLoad wire_load = WireLoad::kZero;
  std::filesystem::path netlist;  ///< folder for the mapped netlist (asic); empty: none
  /// Maximum time from the clock until a memory is read, its multiplexer included. The smallest
  /// memory that meets this time is chosen. 0: the longest time that does not slow the design's
  /// clock down. Without `timing`, 0 means that there is no limit.
  double memory_ns = 0;
  /// Target clock period, ns: no area is spent on a shorter one. 0: as short as possible.
  double clock_ns = 0;
  int paths = 0;  ///< number of longest paths between register groups to report
  PlaceOptions place;
  int jobs = 2;       ///< number of parallel Yosys processes
  bool cache = true;  ///< reuse mapped modules from the user's cache
  bool quiet = true;  ///< no progress line on stderr
  /// Called with the netlist whose clock is reported, macros included; after placement, with the
  /// placed netlist.
  /// @pre timing
  std::function<void(const Inspected&)> inspect;
};

/// Returns the library that the options name, or the default.
std::filesystem::path liberty_of(const SynthOptions& options);

/// A path between registers.
struct Path {
  double ns = 0;  ///< delay with the setup time at the end; 0: there is no path
  std::string start, end;
};

/// The time that the longest path spends in a module.
struct PathPart {
  std::string module;
  double ns = 0;
};

/// The longest path from one group of registers to another (paths.h).
struct GroupPath {
  double ns = 0;
  int gates = 0;
  std::string from, to;         ///< "trine_post cfg_q"; the position of a memory; "port NAME"
  std::vector<PathPart> parts;  ///< parts of the path, see ClockReport
};

/// The longest path of a whole design.
struct TimedPath {
  double ns = 0;  ///< 0: not timed
  Path path;
  std::vector<PathPart> parts;  ///< their sum plus the setup time at the end is `ns`
};

/// A design placed and routed on an FPGA (fpga/ecp5.h).
struct FpgaReport {
  double mhz = 0;                                                            ///< 0: not placed
  TimedPath timed;                                                           ///< parts by instance
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> utilization;  ///< used and available
};

/// The clock of the placed design with estimated wires (place/place.h).
struct PlacedReport {
  TimedPath timed;
  double own_ns = 0;  ///< result of the own timer
  double die_width_um = 0, die_height_um = 0, core_width_um = 0, core_height_um = 0;
  double utilization = 0;  ///< fraction of the core that all cells occupy
  std::string svg;         ///< floor plan by module
  double wire_mm = 0;
  double logic_um2 = 0;
  std::int64_t cells = 0, buffers = 0, hold_buffers = 0, too_early = 0;
  double buffers_um2 = 0, hold_um2 = 0;
  /// Results of the seeds 1, 2, ... All other members belong to the seed with the median result.
  std::vector<double> seeds_ns;
};

/// The clock of the whole design, buffered and sized (clock.h).
struct ClockReport {
  double ns = 0;  ///< 0: not timed
  Path path;
  std::vector<PathPart> parts;  ///< their sum plus the setup time at the end is `ns`
  double wanted_ns = 0;         ///< clock period that must still be met while area is saved
  std::map<std::string, Tiling> tilings;     ///< macros of each memory, by module
  std::vector<Macro> macros;                 ///< macros available for memories
  std::map<std::string, double> most_ns;     ///< maximum read time of each memory, by module
  std::set<std::string> fast;                ///< modules that are mapped for speed
  std::vector<GroupPath> paths;              ///< the requested paths, by the own timer
  double logic_um2 = 0;                      ///< area of all cells, buffers and sizes included
  std::map<std::string, double> module_um2;  ///< the same area by module, all instances together
  std::int64_t cells = 0, buffers = 0, hold_buffers = 0, too_early = 0;
  double buffers_um2 = 0, hold_um2 = 0;
  std::int64_t too_slow = 0;   ///< pins with a transition above max_transition, by OpenSTA
  std::int64_t too_heavy = 0;  ///< nets with a load above max_capacitance
  std::int64_t clock_gates = 0, gated = 0;  ///< clock gates, and the flip-flops that they drive
  PlacedReport placed;
  bool memories_timed = true;  ///< false: the library has no macros, paths end at memories
};

/// The area and timing of a module.
struct ModuleReport {
  std::string name;
  std::int64_t instances = 0;
  std::int64_t cells = 0;       ///< cells of one instance without its children
  double area_um2 = 0;          ///< area of these cells
  double gate_equivalents = 0;  ///< area of these cells in NAND2
  bool fast = false;            ///< mapped for speed instead of area
  Path path;                    ///< longest path inside of the module
  std::map<std::string, std::int64_t> cell_types;
  /// Instances in one instance of this module, memories included.
  std::map<std::string, std::int64_t> children;
};

/// The area and timing of a memory.
struct MemoryReport {
  std::string name;
  std::int64_t instances = 0, width = 0, depth = 0;
  std::int64_t dmem_pmem = 0;  ///< instances that are banks of DMEM or PMEM
  std::string macro;           ///< "2 x RM_.."; empty without a library of memories
  double um2 = 0;              ///< area of all instances
  double ns = 0;               ///< approximate read time; 0: not known
  double most_ns = 0;          ///< longest read time that meets wanted_ns; 0: not computed

  double um2_other() const {  ///< area without DMEM and PMEM
    return um2 * static_cast<double>(instances - dmem_pmem) / static_cast<double>(instances);
  }
};

/// The report of a design.
struct SynthReport {
  std::string configuration, library, tool;
  bool gates_missing = false;  ///< the design has clock gates, but the library has none
  Target target = Target::kAsic;
  std::int64_t cells = 0;  ///< cells of the whole design without memories
  double area_um2 = 0, gate_equivalents = 0, nand2_um2 = 0;
  std::int64_t sram_bits = 0;
  bool has_macros = false;    ///< the library has memories, so that sram_um2 is known
  double sram_um2 = 0;        ///< area of all memories as macros
  double sram_um2_other = 0;  ///< area of memories other than DMEM and PMEM
  std::string wire_load;      ///< "zero", or the name of the library's wire load
  std::int64_t macs_per_cycle = 0;
  Path path;  ///< longest path of all modules
  ClockReport clock;
  FpgaReport fpga;
  std::vector<ModuleReport> modules;  ///< largest share first
  std::vector<MemoryReport> memories;
  std::map<std::string, std::int64_t> cell_types;  ///< FPGA targets: cells of the whole design
  double seconds = 0;

  /// Returns the area of all memories in gate equivalents.
  double macro_gate_equivalents() const { return sram_um2 / nand2_um2; }
  /// Returns the area of memories other than DMEM and PMEM in gate equivalents.
  double macro_gate_equivalents_other() const { return sram_um2_other / nand2_um2; }
};

/// Synthesizes a design.
/// @throws Error  bad library, a tool is missing or fails, a latch, a combinational loop or an
/// undriven signal in the design
SynthReport synthesize(const spec::Config& config, const SynthOptions& options);

/// Returns the key of everything besides the design that a netlist depends on: tool, scripts,
/// library.
std::string netlist_fingerprint(const SynthOptions& options);

/// Synthesizes a design: its folder, file list or file (sources_of()). @param macs  per cycle, for
/// the report
SynthReport synthesize_design(const std::filesystem::path& design, const std::string& top,
                              const std::string& label, std::int64_t macs,
                              const SynthOptions& options);

/// Returns the report as JSON. Keys: cells, area_um2, gate_equivalents, nand2_um2, sram_bits,
/// modules[] (name, instances, gate_equivalents, children: instances by name), seconds, and more.
nlohmann::json to_json(const SynthReport& report);

/// Returns the report as tables of at most 100 columns.
std::string to_text(const SynthReport& report);

}  // namespace trine::synth
