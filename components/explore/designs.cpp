// SPDX-License-Identifier: Apache-2.0

#include "components/explore/designs.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "spec/config.h"
#include "spec/csr.h"
#include "spec/schema.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "tools/cli/measure/estimate.h"
#include "tools/cli/run/network.h"
#include "tools/estimate/shapes.h"

namespace trine::explore {
namespace {

/// Figures of `trine estimate --json` that the page shows.
constexpr const char* kFigures[] = {
    "cycles",          "clock_placed_ns",     "macs",
    "utilization",     "peak_macs_per_cycle", "gate_equivalents",
    "total_um2",       "energy_pj",           "inferences_per_second_placed",
    "dram_bytes_read", "dram_bytes_written"};

/// Returns what the page shows of a layer: the keys of `trine estimate --json`; causes as a list,
/// in the order of csr::kCauses.
Json layer_of(const Json& layer) {
  Json row;
  for (const char* key : {"name", "module", "op", "times", "macs", "cycles", "utilization",
                          "peak_macs_per_cycle", "bound", "dram_bytes_read", "dram_bytes_written"})
    if (layer.contains(key)) row[key] = layer[key];
  if (layer.contains("causes"))
    for (const auto& cause : csr::kCauses)
      row["causes"].push_back(layer["causes"].at(std::string(cause.name)));
  return row;
}

/// Returns the report of `trine estimate`.
Json estimate(const Model& model, const spec::Config& config) {
  if (std::filesystem::path(model.name).extension() == ".csv") {
    const std::string text(model.bytes.begin(), model.bytes.end());
    const estimate::Estimate table =
        estimate::of_shapes(estimate::parse_shapes(text, model.name), config);
    return cli::to_json(table, cli::energy_report(table, config, {}, cli::EnergyOptions{}.read()),
                        config);
  }
  cli::NetworkOptions options;
  options.model = model.name;
  return cli::to_json(cli::estimate_of(model.bytes, options, {}, {}, config));
}

constexpr double kLarge = 0.05;  ///< share of all cycles above which a warning is shown

/// Adds the figures of a report to a point.
void add(Json& point, const Json& report) {
  for (const char* name : kFigures)
    if (report.contains(name)) point["figures"][name] = report[name];
  point["figures"]["dram_pj"] = report.at("energy").at("dram_pj");
  point["energy"] = report.at("energy").at("by_data");
  point["errors"] = report.at("area_model_error");
  point["parts"] = report.at("area_parts");
  point["layers"] = Json::array();
  for (const Json& layer : report.at("layers")) point["layers"].push_back(layer_of(layer));
  point["notes"] = report.at("area_notes");
  for (const Json& op : report.value("host", Json::array()))
    point["notes"].push_back(fmt::format(
        "{} {} runs on the host, {:.1f} % of the MACs. No figure here includes its time.",
        op.at("op").get<std::string>(), op.at("name").get<std::string>(),
        100 * op.at("share").get<double>()));
  for (const Json& w : report.value("warnings", Json::array()))
    if (w.at("share") > kLarge)
      point["notes"].push_back(
          fmt::format("{}: {:.0f} % of all cycles ({}). {}", w.at("name").get<std::string>(),
                      100 * w.at("share").get<double>(), w.at("cause").get<std::string>(),
                      w.at("advice").get<std::string>()));
}

}  // namespace

std::vector<Model> read_models(const std::vector<std::string>& files) {
  std::vector<Model> models;
  for (const std::string& file : files) {
    if (cli::is_program_file(file))
      throw_error("--models: {} is a program, which belongs to one design", file);
    models.push_back({file, read_file(file)});
  }
  return models;
}

Json figures_of(const Model& model, const std::string& config,
                const std::vector<std::string>& settings) {
  Json point;
  try {
    const spec::Config design = spec::load_config(config, settings);
    point["keys"] = spec::all_keys(design);
    point["toml"] = design.to_toml();
    add(point, estimate(model, design));
  } catch (const Error& refused) {
    point["error"] = refused.what();
  }
  return point;
}

std::vector<std::vector<std::string>> around(const std::string& config,
                                             const std::vector<std::string>& settings) {
  std::vector<std::vector<std::string>> all;
  const Json keys = spec::all_keys(spec::load_config(config, settings));
  for (const char* key : {"array.rows", "array.cols", "memory.dmem_kib", "memory.pmem_kib"}) {
    const int value = keys.at(key);
    for (const int other : {value / 2, value * 2}) {
      std::vector<std::string> changed = settings;
      std::erase_if(changed, [&](const std::string& s) { return s.substr(0, s.find('=')) == key; });
      changed.push_back(fmt::format("{}={}", key, other));
      try {
        spec::load_config(config, changed);
        all.push_back(changed);
      } catch (const Error&) {  // outside of the allowed values
      }
    }
  }
  return all;
}

}  // namespace trine::explore
