// SPDX-License-Identifier: Apache-2.0

#include "synth/place/place.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "synth/place/boost.h"
#include "synth/place/buffer_trees.h"
#include "synth/place/lef.h"
#include "synth/place/placer.h"
#include "synth/place/svg.h"
#include "synth/place/swap.h"
#include "synth/place/wires.h"
#include "synth/timing/clock.h"
#include "synth/timing/repair.h"
#include "synth/yosys.h"

namespace trine::synth {
namespace {

constexpr int kAgain = 2;          ///< placements that start from a placed and buffered netlist
constexpr int kLegal = 2;          ///< legalizations
constexpr int kRounds = 4;         ///< of buffer insertion for late paths
constexpr double kFilled = 0.78;   ///< of the core, including buffers and larger cells
constexpr float kPull = 2;         ///< additional weight of the length of the latest nets
constexpr float kPullFrom = 0.3f;  ///< of the period: nets with less slack get more weight

class PlaceFlow {
 public:
  PlaceFlow(const Netlist& netlist, const Cells& cells, const PlaceOptions& options, int seed,
            const PlaceFiles& files, const std::function<void(const std::string&)>& progress)
      : netlist_(netlist),
        cells_(cells),
        files_(files),
        progress_([=](const std::string& what) {
          const std::string of = fmt::format(" seed {} of {}:", seed, options.seeds);
          progress(fmt::format("placing:{} {}", options.seeds > 1 ? of : "", what));
        }),
        lef_(read_lef(options.lef)),
        placement_(netlist_, cells, lef_),
        wires_(netlist_, cells, placement_, lef_.wire),
        placer_{options.python, files.folder, seed, progress_} {
    make_floorplan(netlist_, options.utilization, lef_, placement_);
    isolate_outputs();
  }

  void run() {
    const Netlist bare = netlist_;
    pull_by(Timer(cells_, netlist_));
    place(true);
    buffer();
    make_floorplan(netlist_, kFilled, lef_, placement_);  // with room for all inserted buffers
    for (int again = 0; again < kAgain; ++again) {
      swap_macros(netlist_, placement_);
      strip(bare);
      place(true);
      buffer();
    }
    for (int left = kLegal; left > 0; --left) {
      place(false);
      resize(left > 1 ? 1 : 0);  // first round: some buffers as well, because cells moved
    }
    finish();
  }

  double ns() const { return report_.timed.ns; }

  PlacedReport report() const {
    if (files_.inspect) files_.inspect({netlist_, cells_, ns(), &wires_});
    return report_;
  }

 private:
  /// Inserts a buffer before each output, so that the wire to the port loads nothing else.
  void isolate_outputs() {
    const int nets = static_cast<int>(netlist_.nets().size());
    for (int net = 0; net < nets; ++net) {
      if (!netlist_.net(net).output || netlist_.net(net).driver.instance < 0) continue;
      const Point port = placement_.ports[static_cast<std::size_t>(net)];
      netlist_.insert_output(net, cells_[cells_.buffer()].sizes.back(), cells_);
      placement_.add(port);
      placement_.ports.resize(netlist_.nets().size());
      placement_.ports.back() = port;
      ++outputs_;
    }
    report_.buffers = outputs_;
  }

  /// Places everything from scratch, or only legalizes. Late nets get more weight.
  void place(bool fresh) {
    const auto weight = [this](int net) {
      const auto at = static_cast<std::size_t>(net);
      return at < pull_.size() ? pull_[at] : 1.0f;
    };
    placer_.place(netlist_, lef_, fresh, weight, placement_);
  }

  void pull_by(Timer timer) {
    timer.update(kMostLoads);
    pull_.resize(netlist_.nets().size());
    for (std::size_t n = 0; n < pull_.size(); ++n) {
      const float left = timer.slack(static_cast<int>(n)) / (kPullFrom * timer.period());
      const float late = std::clamp(1 - left, 0.0f, 1.0f);
      pull_[n] = 1 + kPull * late * late;
    }
  }

  /// Inserts buffers for the placed wires, then sizes cells.
  void buffer() {
    progress_("buffering");
    const BufferedWires expected(netlist_, placement_, lef_.wire);
    Timer timer(cells_, netlist_, &expected);
    timer.update(kMostLoads);
    count(buffer_trees(netlist_, cells_, placement_, lef_.wire, timer));
    resize(kRounds);
    wires_.update();
    pull_by(Timer(cells_, netlist_, &wires_));
  }

  /// Removes all inserted buffers; keeps the cell sizes.
  void strip(const Netlist& bare) {
    Netlist next = bare;
    for (int i = 0; i < static_cast<int>(bare.instances().size()); ++i)
      next.resize(i, netlist_.instance(i).cell);
    netlist_ = std::move(next);
    placement_.keep(bare.instances().size(), bare.nets().size());
    report_ = {};
    report_.buffers = outputs_;
  }

  /// Sizes cells, alternating with further buffers.
  void resize(int rounds) {
    for (;; --rounds) {
      strengthen();
      if (rounds == 0) return;
      wires_.update();
      count(boost(netlist_, cells_, placement_, wires_));
    }
  }

  void strengthen() {
    wires_.update();
    const RepairWires wires{wires_, [this](int instance) { add(instance); }};
    const Repairs repairs = repair(netlist_, cells_, progress_, &wires);
    count({repairs.buffers, repairs.buffers_um2});
    report_.hold_buffers += repairs.hold_buffers;
    report_.hold_um2 += repairs.hold_um2;
  }

  void count(const WireBuffers& buffers) {
    report_.buffers += buffers.count;
    report_.buffers_um2 += buffers.um2;
  }

  /// Places a buffer: halfway to its sinks if a buffer or a port drives it, else next to its
  /// driver.
  void add(int instance) {
    const Instance& buffer = netlist_.instance(instance);
    const Arc& arc = cells_[buffer.cell].arcs[0];
    const int in = buffer.nets[static_cast<std::size_t>(arc.from)];
    const int out = buffer.nets[static_cast<std::size_t>(arc.to)];
    const PinOf driver = netlist_.net(in).driver;
    Point at = placement_.point(driver, in);
    const std::vector<int>& sizes = cells_[cells_.buffer()].sizes;
    if (driver.instance < 0 || std::find(sizes.begin(), sizes.end(),
                                         netlist_.instance(driver.instance).cell) != sizes.end())
      at = halfway(at, placement_.middle(netlist_.net(out).sinks));
    placement_.add(at);
    wires_.update(in);
    wires_.update(out);
  }

  static Point halfway(const Point& a, const Point& b) {
    return {(a.x + b.x) / 2, (a.y + b.y) / 2};
  }

  void finish() {
    progress_("timing");
    wires_.update();
    Timer timer(cells_, netlist_, &wires_);
    timer.update();
    report_.own_ns = timer.period();
    count(timer);
    write_file(files_.folder / "placed.v", netlist_.verilog(cells_));
    write_file(files_.folder / "placed.spef", wires_.spef());
    const PathPorts ports = ports_of(netlist_);
    write_file(files_.folder / "placed.tcl",
               files_.libraries + "read_verilog placed.v\n" +
                   constraints("design", ports.clock, ports.reset) +
                   "read_spef placed.spef\n"
                   "report_checks -path_delay max -format full -digits 4\nexit\n");
    report_.svg = floorplan_svg(netlist_, cells_, placement_);
    report_.timed = read_path(run_sta("placed", files_.folder, "--place"), netlist_);
  }

  void count(const Timer& timer) {
    Floorplan& plan = placement_.plan;
    plan.cells_um2 = 0;
    for (int i = 0; i < placement_.size(); ++i) {
      if (placement_.is_macro(i)) continue;
      ++report_.cells;
      report_.logic_um2 += cells_[netlist_.instance(i).cell].um2;
      plan.cells_um2 += placement_.lef(i).width * placement_.lef(i).height;
      for (std::size_t p = 0; p < netlist_.instance(i).nets.size(); ++p) {
        const PinOf pin{i, static_cast<int>(p)};
        const int net = netlist_.instance(i).nets[p];
        if (net >= 0 && !cells_[netlist_.instance(i).cell].pins[p].output &&
            timer.too_early(pin) > 0)
          ++report_.too_early;
      }
    }
    report_.die_width_um = plan.die_width;
    report_.die_height_um = plan.die_height;
    report_.core_width_um = plan.core_width;
    report_.core_height_um = plan.core_height;
    report_.utilization = plan.utilization();
    report_.wire_mm = wires_.um() / 1000;
  }

  Netlist netlist_;
  const Cells& cells_;
  const PlaceFiles& files_;
  const std::function<void(const std::string&)> progress_;
  const Lef lef_;
  Placement placement_;
  Wires wires_;
  const Placer placer_;
  std::vector<float> pull_;   // by net of the unbuffered netlist
  std::int64_t outputs_ = 0;  // output ports with a buffer
  PlacedReport report_;
};

}  // namespace

void check_placeable(SynthOptions& options) {
  if (options.target == Target::kIce40) throw_error("--place: needs --target asic or ecp5");
  if (options.target == Target::kEcp5) {
    if (!options.place.lef.empty()) throw_error("--lef: needs --target asic");
    if (options.place.seeds > 1) throw_error("--seeds: needs --target asic");
    return;
  }
  if (!options.timing) throw_error("--place: not allowed with --no-timing");
  if (options.place.lef.empty()) options.place.lef = lef_folder_of(liberty_of(options));
  read_lef(options.place.lef);
}

PlacedReport place_design(const Netlist& netlist, const Cells& cells, const PlaceOptions& options,
                          const PlaceFiles& files,
                          const std::function<void(const std::string&)>& progress) {
  std::vector<double> seeds_ns;
  std::vector<std::unique_ptr<PlaceFlow>> flows;
  for (int seed = 1; seed <= options.seeds; ++seed) {
    flows.push_back(std::make_unique<PlaceFlow>(netlist, cells, options, seed, files, progress));
    flows.back()->run();
    seeds_ns.push_back(flows.back()->ns());
  }
  const auto median = flows.begin() + (options.seeds - 1) / 2;
  std::nth_element(flows.begin(), median, flows.end(),
                   [](const auto& a, const auto& b) { return a->ns() < b->ns(); });
  PlacedReport report = (*median)->report();
  report.seeds_ns = seeds_ns;
  return report;
}

}  // namespace trine::synth
