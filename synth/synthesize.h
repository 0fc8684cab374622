// SPDX-License-Identifier: Apache-2.0
//
// Area and timing of a design by Yosys and OpenSTA: module by module, hierarchy kept.
//
//   gate equivalents = area / area of the library's smallest NAND2
//
// The design is elaborated once; each partition (synth/partition.h) is then mapped by a Yosys of
// its own, several at a time. Areas are of cells, before placement; memories are apart.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "machine/config.h"
#include "nlohmann/json_fwd.hpp"
#include "synth/read/liberty.h"

namespace trine::synth {

/// The library that is read where none is named: IHP's sg13g2, in synth/sg13g2.
std::filesystem::path default_liberty();

class Netlist;
class Cells;
struct Stages;

enum class Target { kAsic, kIce40, kEcp5 };

/// What a net's wire is taken for: nothing, or the library's default (a guess by fan-out and area).
enum class WireLoad { kZero, kLibrary };

/// "asic", "ice40", "ecp5". @throws Error  names what is allowed
Target parse_target(const std::string& name);
/// "zero", "library". @throws Error  names what is allowed
WireLoad parse_wire_load(const std::string& name);

/// What places a design (synth/place).
struct PlaceOptions {
  std::filesystem::path lef;     ///< file or folder; empty: beside the Liberty file
  std::filesystem::path python;  ///< one that has the placer; empty: nothing is placed
  double utilization = 0.55;     ///< of the core, before buffers: with them a quarter more
  int seeds = 1;                 ///< placements, each from another seed of the placer
};

class WireModel;

/// The timed netlist of a whole design, with what its cells are.
struct Inspected {
  const Netlist& netlist;
  const Cells& cells;
  double clock_ns = 0;
  const WireModel* wires = nullptr;  ///< null: not placed
};

struct SynthOptions {
  std::filesystem::path liberty;  ///< .lib or .lib.gz; empty: default_liberty()
  std::filesystem::path macros;   ///< folder of memory Liberty files; empty: beside `liberty`
  Target target = Target::kAsic;
  bool timing = true;  ///< run OpenSTA (asic); requires `stages`
  /// all_stages() of synth/stages.h. Timing and placement require the stages; area does not.
  const Stages* stages = nullptr;
  bool flat = false;            ///< map the design as one module, optimized across all borders
  bool no_clock_gates = false;  ///< for enables; what the RTL gates is gated all the same
  WireLoad wire_load = WireLoad::kZero;
  std::filesystem::path netlist;  ///< folder for what was mapped (asic); empty: none
  /// Most time from the clock until a memory is read, its multiplexer with it: what takes the least
  /// area then is chosen. 0: as much as leaves the clock of the fastest; without timing: any.
  double memory_ns = 0;
  /// A clock that is short enough, ns: what more speed would cost is saved. 0: as short as can be.
  double clock_ns = 0;
  int paths = 0;  ///< longest paths between registers to tell
  PlaceOptions place;
  int jobs = 2;       ///< Yosys processes at a time
  bool cache = true;  ///< take modules that were mapped before from the user's cache
  bool quiet = true;  ///< no progress line on stderr
  /// Called with the netlist that the clock is of, macros in it; where it is placed, with that.
  /// @pre timing
  std::function<void(const Inspected&)> inspect;
};

/// The library that the options name, or the default.
std::filesystem::path liberty_of(const SynthOptions& options);

struct Path {
  double ns = 0;  ///< with the setup time at its end; 0: there is none
  std::string start, end;
};

/// What the longest path spends in modules that follow each other.
struct PathPart {
  std::string module;
  double ns = 0;
};

/// The longest path from one group of registers to another (paths.h).
struct GroupPath {
  double ns = 0;
  int gates = 0;
  std::string from, to;         ///< "trine_post cfg_q"; of a memory where it is; "port NAME"
  std::vector<PathPart> parts;  ///< as in ClockReport
};

/// The longest path of a whole design.
struct TimedPath {
  double ns = 0;  ///< 0: not timed
  Path path;
  std::vector<PathPart> parts;  ///< with the setup time at its end they add up to `ns`
};

/// A design placed and routed on an FPGA (fpga/ecp5.h).
struct FpgaReport {
  double mhz = 0;                                                            ///< 0: not placed
  TimedPath timed;                                                           ///< parts by instance
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> utilization;  ///< used, there
};

/// The clock of the placed design, with estimated wires (place/place.h).
struct PlacedReport {
  TimedPath timed;
  double own_ns = 0;  ///< what the own timer says
  double die_width_um = 0, die_height_um = 0, core_width_um = 0, core_height_um = 0;
  double utilization = 0;  ///< of the core, by all cells
  std::string svg;         ///< the floor plan by module
  double wire_mm = 0;
  double logic_um2 = 0;
  std::int64_t cells = 0, buffers = 0, hold_buffers = 0, too_early = 0;
  double buffers_um2 = 0, hold_um2 = 0;
  std::vector<double> seeds_ns;  ///< of each seed, 1 first; all else is of their median
};

/// The clock of the whole design, buffered and sized (clock.h).
struct ClockReport {
  double ns = 0;  ///< 0: not timed
  Path path;
  std::vector<PathPart> parts;  ///< with the setup time at its end they add up to `ns`
  double wanted_ns = 0;         ///< modules and memories may be slower for less area up to that
  std::map<std::string, Tiling> tilings;     ///< of memories, by module
  std::vector<Macro> macros;                 ///< that memories can be made of
  std::map<std::string, double> most_ns;     ///< read in that time they were wanted, by module
  std::set<std::string> fast;                ///< modules that are mapped for speed
  std::vector<GroupPath> paths;              ///< those asked for, by the own timer
  double logic_um2 = 0;                      ///< of all cells, buffers and sizes with them
  std::map<std::string, double> module_um2;  ///< likewise, of all instances of a module
  std::int64_t cells = 0, buffers = 0, hold_buffers = 0, too_early = 0;
  double buffers_um2 = 0, hold_um2 = 0;
  std::int64_t too_slow = 0;   ///< pins whose transition is above max_transition, by OpenSTA
  std::int64_t too_heavy = 0;  ///< nets whose load is above max_capacitance
  std::int64_t clock_gates = 0, gated = 0;  ///< cells; flip-flops behind them
  PlacedReport placed;
  bool memories_timed = true;  ///< false: the library has no macros, paths end at memories
};

struct ModuleReport {
  std::string name;
  std::int64_t instances = 0;
  std::int64_t cells = 0;       ///< of one instance, without those of its children
  double area_um2 = 0;          ///< likewise
  double gate_equivalents = 0;  ///< likewise
  bool fast = false;            ///< mapped for speed, not for area
  Path path;                    ///< the longest inside of the module
  std::map<std::string, std::int64_t> cell_types;
  std::map<std::string, std::int64_t> children;  ///< instances in one of it, memories too
};

struct MemoryReport {
  std::string name;
  std::int64_t instances = 0, width = 0, depth = 0;
  std::int64_t dmem_pmem = 0;  ///< instances that are banks of DMEM or PMEM
  std::string macro;           ///< "2 x RM_..", empty without a library of memories
  double um2 = 0;              ///< of all instances
  double ns = 0;               ///< until it is read, about; 0: not known
  double most_ns = 0;          ///< what the fastest design's paths leave for that; 0: not asked

  double um2_other() const {  ///< without DMEM and PMEM
    return um2 * static_cast<double>(instances - dmem_pmem) / static_cast<double>(instances);
  }
};

struct SynthReport {
  std::string configuration, library, tool;
  bool gates_missing = false;  ///< the design has clock gates, the library none
  Target target = Target::kAsic;
  std::int64_t cells = 0;  ///< of the whole design, memories apart
  double area_um2 = 0, gate_equivalents = 0, nand2_um2 = 0;
  std::int64_t sram_bits = 0;
  bool has_macros =
      false;            ///< the library has memories: sram_um2 and what follows from it are known
  double sram_um2 = 0;  ///< of all memories, in macros
  double sram_um2_other = 0;  ///< of those that are not DMEM or PMEM
  std::string wire_load;      ///< "zero", or the name of the library's
  std::int64_t macs_per_cycle = 0;
  Path path;  ///< the longest of all modules
  ClockReport clock;
  FpgaReport fpga;
  std::vector<ModuleReport> modules;  ///< largest share first
  std::vector<MemoryReport> memories;
  std::map<std::string, std::int64_t> cell_types;  ///< FPGA targets: of the whole design
  double seconds = 0;

  double macro_gate_equivalents() const { return sram_um2 / nand2_um2; }
  double macro_gate_equivalents_other() const { return sram_um2_other / nand2_um2; }
};

/// @throws Error  bad library, a tool is missing or fails, a latch, a combinational loop or an
///                undriven signal in the design
SynthReport synthesize(const machine::Config& config, const SynthOptions& options);

/// Everything besides the design that a netlist depends on: tool, scripts, library.
std::string netlist_fingerprint(const SynthOptions& options);

/// The same for a folder with a trine.f. @param macs  per cycle, for the report
SynthReport synthesize_design(const std::filesystem::path& design, const std::string& top,
                              const std::string& label, std::int64_t macs,
                              const SynthOptions& options);

/// Keys: cells, area_um2, gate_equivalents, nand2_um2, sram_bits, modules[] (name, instances,
/// gate_equivalents, children: instances by name), seconds, and more.
nlohmann::json to_json(const SynthReport& report);

/// Tables, at most 100 columns wide.
std::string to_text(const SynthReport& report);

}  // namespace trine::synth
