// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <thread>

#include "gen/emit.h"
#include "gen/generate.h"
#include "sim/arch/simulate.h"
#include "sw/base/index.h"
#include "sw/base/packages.h"
#include "sw/base/root.h"
#include "synth/synthesize.h"
#include "tools/cli/common.h"
#include "tools/cli/measure/energy_report.h"
#include "tools/cli/run/check.h"
#include "tools/cli/run/network.h"
#include "tools/cli/run/rate.h"
#include "tools/cli/run/report.h"

namespace trine::cli {
namespace {

struct DemoArguments {
  Output output;
  Design design;
  std::string out = "out/demo";
};

/// Returns a picture of one plane as text, two rows per line, without the empty rows around it.
std::vector<std::string> picture_of(const Array& image) {
  constexpr std::string_view kShades = " .:-=+*#%@";
  const std::size_t height = static_cast<std::size_t>(image.shape.at(1)),
                    width = static_cast<std::size_t>(image.shape.at(2));
  const auto light = [&](std::size_t y, std::size_t x) {  // 0..255; 0 below the last row
    return y < height ? static_cast<std::int8_t>(image.bytes.at(y * width + x)) + 128 : 0;
  };
  std::size_t first = height, last = 0;
  for (std::size_t y = 0; y < height; ++y)
    for (std::size_t x = 0; x < width; ++x)
      if (light(y, x) > 0) {
        first = std::min(first, y);
        last = y;
      }
  std::vector<std::string> lines;
  for (std::size_t y = first; y <= last && first < height; y += 2) {
    lines.emplace_back();
    for (std::size_t x = 0; x < width; ++x)
      lines.back() += kShades[at((light(y, x) + light(y + 1, x)) / 2 * 9 / 255)];
  }
  return lines;
}

int class_of(const Array& output) {
  const auto* codes = reinterpret_cast<const std::int8_t*>(output.bytes.data());
  return static_cast<int>(std::max_element(codes, codes + output.bytes.size()) - codes);
}

/// Returns the digit, with the architecture simulator's results next to it.
std::string digit_text(const reference::VectorCase& digit, const sim::RunResult& arch) {
  const std::string beside[] = {
      fmt::format("a digit, labelled {}", digit.labels.at(0)),
      fmt::format("architecture simulator: class {}", class_of(arch.outputs.at(0))),
      fmt::format("{} cycles", grouped(arch.cycles))};
  std::vector<std::string> lines = picture_of(digit.inputs.at(0));
  lines.resize(std::max(lines.size(), std::size(beside)));
  std::string text;
  const std::size_t above = (lines.size() - std::size(beside)) / 2;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const bool has_text = i >= above && i - above < std::size(beside);
    const std::string line = fmt::format("{:<32}{}", lines[i], has_text ? beside[i - above] : "");
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

/// Returns the largest modules, and the sum of all.
std::string area_text(const synth::SynthReport& r) {
  constexpr std::size_t kShown = 5;
  std::string text;
  for (const synth::ModuleReport& m : r.modules) {
    if (&m - r.modules.data() == kShown) break;
    const double total = static_cast<double>(m.instances) * m.gate_equivalents;
    text += fmt::format("   {:<26}{:>5} x {:>7} GE {:>5.1f} %\n", fitted(m.name, 26),
                        grouped(m.instances), grouped(m.gate_equivalents),
                        100 * total / r.gate_equivalents);
  }
  return text + fmt::format("   total {} GE, {} um2 of {}, without memories ({:.0f} s)\n",
                            grouped(r.gate_equivalents), grouped(r.area_um2), r.library, r.seconds);
}

int run(const DemoArguments& options) {
  const Output& output = options.output;
  output.check({}, {{"--config", options.design.config}});
  const spec::Config config = options.design.load();
  need_programs({"verilator", "g++", "make", "yosys"});
  const std::filesystem::path models = project_root() / "models";
  // Flushes immediately, because the next step takes a while.
  const auto print_now = [&](const std::string& text) {
    output.print(text);
    flush_stdout();
  };

  gen::generate(config, options.out);
  NetworkOptions network_options;
  network_options.model = (models / "lenet_mnist.tflite").string();
  const reference::VectorSet vectors = reference::read_vectors(models / "lenet_mnist" / "vectors");
  const Network network = load_network(network_options, config, vectors.policy);
  reference::check_vectors(vectors, *network.graph);
  const compiler::Program& program = network.program;
  const reference::VectorCase& digit = vectors.cases.at(0);
  print_now(fmt::format("{}: {}, {} MACs per cycle; SystemVerilog in {}\n", config.name,
                        gen::pes_text(config), config.peak_macs_per_cycle(), options.out) +
            fmt::format("{}: {} layers, {} MACs; a program of {} instructions\n", program.name,
                        program.layers.size(), grouped(static_cast<std::uint64_t>(program.macs())),
                        program.words.size()) +
            digit_text(digit, sim::run_arch(program, digit.inputs)) +
            fmt::format("the RTL, with {} digits (its first run builds it: a minute)\n",
                        vectors.cases.size()));

  const Runner runner = make_runner(program, BackendOptions{}, digit.inputs, output.quiet);
  Comparison comparison;
  Execution execution = run_cases(program, vectors, runner, output.quiet, comparison);
  const EnergyReport energy =
      energy_report(program, execution.slowest, EnergyOptions{}, EnergyOptions{}.read());
  execution.energy_pj = energy.sum.total();
  print_now(
      fmt::format("   {} of {} bit-exact, {} of {} classes right; simulated in {:.1f} s\n   {}",
                  execution.exact, execution.vectors, comparison.right, comparison.labelled,
                  execution.seconds, rate_text(program, execution)) +
      "the area, by Yosys\n");
  for (const std::string& difference : comparison.differences)
    fmt::print(stderr, "{}\n", difference);

  synth::SynthOptions synth_options;
  synth_options.timing = false;
  synth_options.jobs = std::max(2, static_cast<int>(std::thread::hardware_concurrency()));
  synth_options.quiet = output.quiet || !has_terminal();
  const synth::SynthReport area = synth::synthesize(config, synth_options);
  print_now(
      area_text(area) +
      fmt::format("Next: trine synth --config {} (clock, each module), trine estimate --help\n",
                  options.design.config));

  Json ran = to_json(program, execution, "rtl");
  add_to(ran, energy);
  output.write_json({{"run", ran}, {"synth", synth::to_json(area)}}, &config);
  return comparison.differences.empty() ? kSuccess : kWrongResult;
}

}  // namespace

void add_demo(Command app, Action& action) {
  const auto [command, options] = add_command<DemoArguments>(
      app, action, "demo", "generate, compile, run, check and synthesize a shipped model", run);
  options->design.config = "edge64";
  options->design.declare(command)->required(false);
  add_value(command, "--out,-o DIR", options->out, "folder for the design (out/demo)");
  options->output.declare(command);
  command.footer(
      "The model is models/lenet_mnist.tflite with its recorded vectors; edge64 unless --config\n"
      "says otherwise. Synthesis gives only the area; use `trine synth` for the clock.\n\n"
      "Examples:\n"
      "  trine demo\n"
      "  trine demo --config edge256 --json demo.json");
}

}  // namespace trine::cli
