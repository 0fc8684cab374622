// SPDX-License-Identifier: Apache-2.0

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "synth/place/place.h"
#include "synth/stages.h"
#include "synth/synthesize.h"
#include "tools/cli/common.h"
#include "tools/cli/models/python.h"

namespace trine::cli {
namespace {

struct SynthArguments {
  Output output;
  Design design;
  std::filesystem::path emitted;
  std::string top = "trine_top", target = "asic";
  synth::SynthOptions synth;
  PythonOptions python;
  std::string floorplan;
  std::int64_t macs = 0;
  bool no_timing = false, no_cache = false, place = false;
  std::string wire_load = "zero";
};

/// Prints the complete report of a design. @param config  null: unknown
int print_report(const SynthArguments& options, const synth::SynthReport& report,
                 const spec::Config* config) {
  options.output.print(synth::to_text(report));
  options.output.write_json(synth::to_json(report), config);
  if (!options.floorplan.empty()) write_file(options.floorplan, report.clock.placed.svg);
  return kSuccess;
}

int run(const SynthArguments& options) {
  options.output.check({{"--floorplan", options.floorplan}}, {{"--config", options.design.config}});
  synth::SynthOptions synth = options.synth;
  synth.stages = &synth::all_stages();
  synth.target = synth::parse_target(options.target);
  synth.timing = !options.no_timing;
  synth.cache = !options.no_cache;
  synth.wire_load = synth::parse_wire_load(options.wire_load);
  synth.quiet = options.output.quiet || !has_terminal();
  if (!synth.timing || synth.target != synth::Target::kAsic)
    for (const auto& [option, asked] : {std::pair{"--paths", synth.paths > 0},
                                        {"--clock-ns", synth.clock_ns > 0},
                                        {"--memory-ns", synth.memory_ns > 0}})
      if (asked) throw_error("{}: needs --target asic, without --no-timing", option);
  if (options.place) {
    synth::check_placeable(synth);
    synth.place.python =
        Python(options.python,
               fmt::format("synth/{}/requirements.txt",
                           synth.target == synth::Target::kEcp5 ? "fpga" : "place"),
               options.output)
            .program();
  }
  if (!options.emitted.empty())
    return print_report(
        options,
        synth::synthesize_design(options.emitted, options.top, options.emitted.filename().string(),
                                 options.macs, synth),
        nullptr);
  if (options.design.config.empty()) throw_error("--config or --design is required");
  const spec::Config config = options.design.load();
  return print_report(options, synth::synthesize(config, synth), &config);
}

}  // namespace

void add_synth(Command app, Action& action) {
  const auto [command, options] = add_command<SynthArguments>(
      app, action, "synth", "synthesize a design: area, clock, longest paths", run);
  Option config = options->design.declare(command)->required(false);
  add_value(command, "--design DIR", options->emitted,
            "instead of --config: a folder that any revision of `trine generate`\n"
            "wrote, or Verilog of others: a folder of .v and .sv files, a file, or\n"
            "a file list (.f); reports no figures per MAC without --macs")
      ->excludes(config);
  add_value(command, "--top MODULE", options->top,
            "with --design: a module of it with its default parameters (trine_top)")
      ->excludes(config);
  add_value(command, "--macs N", options->macs,
            "with --design: MACs per cycle, for figures per MAC")
      ->check(range(1, 1 << 24))
      ->excludes(config);
  options->output.declare(command);
  add_value(command, "--liberty FILE", options->synth.liberty,
            "cell library, .lib or .lib.gz (IHP sg13g2, which comes with Trine)");
  add_value(command, "--macros DIR", options->synth.macros,
            "folder with Liberty files of memories (the library's own)");
  add_value(command, "--clock-ns T", options->synth.clock_ns,
            "target clock period in ns: save area where timing allows it\n(0: the shortest)")
      ->check(range(0.0, 1000.0));
  add_value(command, "--memory-ns T", options->synth.memory_ns,
            "read memories in T ns (macro and multiplexer) with the least area\n"
            "(0: in the longest time that keeps the clock of the fastest memories)")
      ->check(range(0.0, 1000.0));
  add_value(command, "--target T", options->target, "asic, ice40 or ecp5 (asic)")
      ->check(one_of({"asic", "ice40", "ecp5"}));
  add_value(command, "--netlist DIR", options->synth.netlist,
            "folder for the netlist that was measured: Verilog, models of\n"
            "its cells and memories, trine.f (asic)");
  command.add_flag("--flat", options->synth.flat,
                   "map the design as one module, optimized across module boundaries");
  command.add_flag("--no-clock-gates", options->synth.no_clock_gates,
                   "keep a multiplexer for each register with an enable; otherwise\n"
                   "registers that share an enable get a clock gate from the library");
  command.add_flag("--no-timing", options->no_timing, "report no timing (OpenSTA is not run)");
  command.add_flag("--no-cache", options->no_cache,
                   "map every module again; otherwise modules that were mapped before\n"
                   "are read from ~/.cache/trine/synth ($TRINE_CACHE moves it)");
  add_value(command, "--wire-load W", options->wire_load,
            "zero: wires have no load; library: the library's estimate by\nfan-out (zero)")
      ->check(one_of({"zero", "library"}));
  Option place =
      command.add_flag("--place", options->place,
                       "also place the design, with estimated wires: macros, then cells by\n"
                       "Coloquinte (asic); with --target ecp5: place and route with nextpnr");
  add_value(command, "--seeds N", options->synth.place.seeds,
            "place the design N times from different seeds: report the median\n"
            "and the worst clock (1; asic)")
      ->check(range(1, 99))
      ->needs(place);
  add_value(command, "--lef PATH", options->synth.place.lef,
            "LEF file, or folder of LEF files, of the library's cells and\n"
            "macros (next to the Liberty file)");
  add_value(command, "--floorplan FILE", options->floorplan,
            "with --place: SVG picture of the floor plan by module")
      ->needs(place);
  options->python.declare(command);
  add_value(command, "--paths N", options->synth.paths,
            "list the N longest paths from register to register, one for each\n"
            "pair of registers of modules (0)")
      ->check(range(0, 1000));
  add_value(command, "--jobs,-j N", options->synth.jobs, "Yosys processes at a time (2)")
      ->check(range(1, 256));
  command.footer(
      "clock_ns is that of the whole design from register to register: macros timed, nets buffered "
      "to\n"
      "16 loads, cells sized, hold times kept, no wires. Modules are reported before buffers and "
      "sizes.\n"
      "Area is that of cells before placement; a gate equivalent is the library's smallest NAND2.\n"
      "Memories are black boxes, counted in bits, and in gate equivalents where the library has "
      "macros.\n"
      "Numbers of different libraries do not compare.\n\n"
      "Examples:\n"
      "  trine synth --config edge64\n"
      "  trine synth --config edge256 --json area.json\n"
      "  trine synth --config edge64 --liberty sky130_fd_sc_hd__tt_025C_1v80.lib.gz\n"
      "  trine synth --config edge32 --target ice40\n"
      "  trine synth --config edge32 --set 'array.precisions=[\"int8\"]' --target ecp5 --place\n"
      "  trine synth --config edge32 --netlist gates\n"
      "  trine synth --config edge32 --place --seeds 3\n"
      "  trine synth --design rtl_of_last_year\n"
      "  trine synth --design their_mesh.v --top MeshWithDelays --macs 256");
}

}  // namespace trine::cli
