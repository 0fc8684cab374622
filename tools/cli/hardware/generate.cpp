// SPDX-License-Identifier: Apache-2.0

#include "gen/generate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>

#include "gen/emit.h"
#include "spec/schema.h"
#include "sw/base/error.h"
#include "sw/base/output.h"
#include "tools/cli/common.h"
#include "tools/cli/hardware/features.h"
#include "tools/cli/run/report.h"

namespace trine::cli {
namespace {

struct GenerateArguments {
  Output output;
  Design design;
  std::string out, prefix, packages, kit;
  std::vector<std::string> models;  ///< --for
};

/// Quotes a word for a shell. The command changes to the folder, because Verilator splits paths at
/// blanks.
std::string quoted(const std::string& word) {
  const auto plain = [](unsigned char c) { return std::isalnum(c) || std::strchr("_-./", c); };
  if (std::all_of(word.begin(), word.end(), plain)) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

/// Checks that neither folder contains the other, because a folder is replaced as a whole.
void check_kit(const std::string& kit, const std::string& out) {
  namespace fs = std::filesystem;
  const fs::path a = fs::weakly_canonical(fs::absolute(kit)),
                 b = fs::weakly_canonical(fs::absolute(out));
  if (*b.lexically_relative(a).begin() != ".." || *a.lexically_relative(b).begin() != "..")
    throw_error("--kit {}: must not be inside --out {}, nor contain it", kit, out);
  check_output(kit);
}

int run(const GenerateArguments& options) {
  if (!options.packages.empty()) {
    gen::write_packages(options.packages);
    return kSuccess;
  }
  if (options.design.config.empty()) throw_error("trine generate: --config is required");
  if (options.out.empty() && (options.models.empty() || !options.kit.empty()))
    throw_error("trine generate: --out is required");
  options.output.check({}, {{"--config", options.design.config}});
  spec::Config config = options.design.load();
  Json json = design_json(config, options.out, options.prefix);
  if (!options.models.empty()) {
    const Features found = smallest_for(options.models, config);
    options.output.print(to_text(found, options.models, config));
    config = found.config;
    json = design_json(config, options.out, options.prefix);
    json.update(to_json(found, options.models));
  }
  if (!options.kit.empty()) check_kit(options.kit, options.out);
  if (options.out.empty()) {
    options.output.write_json(json, &config);
    return kSuccess;
  }
  gen::generate(config, options.out, options.prefix);
  options.output.print(fmt::format(
      "{}: {}, {} int8 MACs per cycle, configuration 0x{:016x}\n"
      "written to {}; lint with\n"
      "  (cd {} && verilator --lint-only -Wall --top-module {} -f {})\n",
      config.name, gen::pes_text(config), config.int8 ? config.peak_macs_per_cycle() : 0,
      config.hash(), options.out, quoted(options.out), gen::prefixed("trine_top", options.prefix),
      gen::prefixed("trine.f", options.prefix)));
  if (!options.kit.empty()) {
    gen::generate_kit(config, options.kit, options.prefix);
    options.output.print(fmt::format("verification kit written to {}; see {}/README.md\n",
                                     options.kit, options.kit));
    json["kit"] = options.kit;
  }
  options.output.write_json(json, &config);
  return kSuccess;
}

}  // namespace

Json design_json(const spec::Config& config, const std::string& out, const std::string& prefix) {
  Json json;
  json["pes"] = config.pes();
  json["peak_macs_per_cycle"] = config.int8 ? config.peak_macs_per_cycle() : 0;
  json["dmem_banks"] = config.banks();
  json["pmem_rows"] = config.pmem_rows();
  json["out"] = out;
  json["top"] = gen::prefixed("trine_top", prefix);
  return json;
}

void add_generate(Command app, Action& action) {
  const auto [command, options] = add_command<GenerateArguments>(
      app, action, "generate", "write a design: SystemVerilog, file lists, C headers, register map",
      run);
  options->output.declare(command);
  options->design.declare(command)->required(false);
  add_value(command, "--out,-o DIR", options->out,
            "folder to write; an earlier output is replaced");
  add_value(command, "--prefix P", options->prefix,
            "prefix of the names of modules, files and C symbols, for several designs\n"
            "in one system (none)");
  add_value(command, "--for MODEL ...", options->models,
            "leave out features without which these models run equally fast, and\n"
            "print what each feature costs; without --out write nothing");
  add_value(command, "--kit DIR", options->kit,
            "folder for a verification kit of the design, of cocotb and pyuvm\n"
            "(agents, register model, scoreboard, coverage; docs/verification-kit.md)");
  // For developers: refreshes the printed instruction set in the repository.
  add_value(command, "--packages", options->packages, "")->group("");
  command.footer(
      "Examples:\n"
      "  trine generate --config edge256 --out out/edge256\n"
      "  trine generate --config edge256 --set array.rows=16 --set name=tall --out out/tall\n"
      "  trine generate --config mine.toml --out out/mine\n"
      "  trine generate --config edge64 --prefix left --out out/left   (left_trine_top, ...)\n"
      "  trine generate --config edge256 --for kws.tflite vww.tflite --out out/audio\n\n"
      "Presets:\n" +
      wrapped(fmt::format("{}", fmt::join(spec::preset_names(), ", ")), "  ", 100) +
      "vision... and attention... have int8 and the features that such networks need, the others\n"
      "all features. Presets named ...-size have the size of that machine (number of MACs,\n"
      "memories), not its architecture: they are Trine's machine, for comparisons.\n\n"
      "Keys of a configuration (mine.toml: [array] / rows = 8, or array = { rows = 8 }):\n" +
      spec::key_table());
}

}  // namespace trine::cli
