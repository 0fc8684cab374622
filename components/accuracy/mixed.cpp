// SPDX-License-Identifier: Apache-2.0

#include "components/accuracy/mixed.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <regex>

#include "components/sweep/bars.h"
#include "components/sweep/engine.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/npy.h"
#include "sw/base/text.h"

namespace trine::cli {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> precisions_of(const spec::Config& config) {
  std::vector<std::string> all;
  if (config.weights4) all.emplace_back("int4");
  if (config.ternary) all.emplace_back("ternary");
  return all;
}

/// Returns one label for each example, or nothing.
std::vector<std::int64_t> labels_of(const DataSet& data, std::size_t count) {
  std::vector<std::int64_t> labels;
  for (std::size_t i = 0; i < count; ++i) {
    if (data.labels(i).size() != 1) return {};
    labels.push_back(data.labels(i)[0]);
  }
  return labels;
}

double share(const Json& step, const Json& first, const char* key) {
  return step[key].get<double>() / first[key].get<double>();
}

}  // namespace

void Mixed::declare(Command command) {
  command.add_flag("--mixed", searches_,
                   "ONNX: int4 or ternary weights (array.weights4, \"ternary\" in\n"
                   "array.precisions) for the layers that tolerate it; the choice goes\n"
                   "to FILE.toml");
  add_value(command, "--accuracy A", accuracy_,
            "least accuracy with --mixed: 97%, or relative to the float model, as in\n"
            "-1%: one point below it (-1%); by the labels of --calibration,\n"
            "or with the float model's answers if there are no labels");
  add_value(command, "--answers N", answers_, "most examples that measure the accuracy (1000)")
      ->check(range(1, 1'000'000));
  add_value(command, "--choice F", choice_,
            "precisions by layer, from the FILE.toml that an earlier --mixed wrote");
  add_value(command, "--plot F", plot_,
            "picture of the steps of --mixed, .svg or .png (gnuplot): accuracy\n"
            "against bytes, cycles and energy");
}

void Mixed::check(const std::string& model, const spec::Config& config) const {
  if (!plot_.empty() && !searches_) throw_error("--plot {}: needs --mixed", plot_);
  if (!asked()) return;
  if (searches_ && !choice_.empty()) throw_error("--choice {}: not allowed with --mixed", choice_);
  if (!model.ends_with(".onnx")) throw_error("{}: --mixed and --choice need an .onnx model", model);
  if (!std::regex_match(accuracy_, std::regex("-?[0-9]+(\\.[0-9]+)?%")))
    throw_error("--accuracy {}: expected 97% or -1%", accuracy_);
  if (precisions_of(config).empty())
    throw_error(
        "{} supports only int8 weights: use --set array.weights4=true, or array.precisions with "
        "\"ternary\"",
        config.name);
  if (!plot_.empty()) check_plot(plot_);
}

std::vector<std::string> Mixed::arguments(const Design& design, const spec::Config& config,
                                          const DataSet* data, std::size_t count,
                                          const fs::path& scratch) {
  if (!asked()) return {};
  std::vector<std::string> estimate{sweep::own_program(), "estimate", "--config", design.config};
  for (const std::string& setting : design.settings)
    estimate.insert(estimate.end(), {"--set", setting});
  std::vector<std::string> all{"--report", scratch / "report.json", "--estimate",
                               fmt::format("{}", fmt::join(estimate, "\n")), "--precisions"};
  for (const std::string& precision : precisions_of(config)) all.push_back(precision);
  if (searches_)
    all.insert(all.end(), {"--mixed", "--accuracy=" + accuracy_});
  else
    all.insert(all.end(), {"--choice", choice_});
  const auto labels = data != nullptr ? labels_of(*data, count) : std::vector<std::int64_t>{};
  if (!labels.empty()) {
    Array array{"i8", {static_cast<std::int64_t>(labels.size())}, {}};
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(labels.data());
    array.bytes.assign(bytes, bytes + labels.size() * sizeof(std::int64_t));
    write_npy(scratch / "labels.npy", array);
    all.insert(all.end(), {"--labels", scratch / "labels.npy"});
  }
  return all;
}

std::string Mixed::choice_of(const std::string& out) const {
  return searches_ ? fs::path(out).replace_extension(".toml").string() : "";
}

void Mixed::take(const fs::path& scratch, const std::string& out) {
  if (!asked()) return;
  const fs::path report = scratch / "report.json";
  report_ = parse_json(read_text(report), report.string());
  if (!searches_) return;
  chosen_ = choice_of(out);
  write_file(chosen_, report_["choice"].get<std::string>());
  if (plot_.empty()) return;
  draw_plot(plot_, [this](const std::string& terminal, const std::string& picture) {
    return script(terminal, picture);
  });
}

std::string Mixed::text() const {
  if (!asked()) return "";
  const Json& steps = report_["steps"];
  std::string text =
      fmt::format("{:24} {:>8} {:>9} {:>10} {:>6} {:>10} {:>6} {:>6}\n", "layer", "weights",
                  "accuracy", "bytes", "of 1", "cycles", "of 1", "energy");
  for (const Json& step : steps)
    text += fmt::format(
        "{:24} {:>8} {:>8.2f}% {:>10} {:>6.2f} {:>10} {:>6.2f} {:>6.2f}\n",
        fitted(step["layer"].get<std::string>().empty() ? "all" : step["layer"].get<std::string>(),
               24),
        step["precision"].get<std::string>(), 100 * step["accuracy"].get<double>(),
        grouped(step["bytes"].get<std::int64_t>()), share(step, steps[0], "bytes"),
        grouped(step["cycles"].get<std::int64_t>()), share(step, steps[0], "cycles"),
        share(step, steps[0], "energy_pj"));
  text += fmt::format("accuracy: {} of {} examples; the float model has {:.2f}%\n",
                      report_["labels"].get<bool>() ? "right answers" : "the float model's answers",
                      report_["answers"].get<int>(), 100 * report_["float_accuracy"].get<double>());
  if (!chosen_.empty()) text += fmt::format("{}: the choice, for --choice\n", chosen_);
  if (!reached())
    text += fmt::format("--accuracy {}: out of reach, this is the best found\n", accuracy_);
  return text;
}

/// Returns a script of three curves: the shares of int8's bytes, cycles and energy that remain
/// after each step.
std::string Mixed::script(const std::string& terminal, const std::string& picture) const {
  const Json& steps = report_["steps"];
  std::string data, curves;
  for (const char* key : {"bytes", "cycles", "energy_pj"}) {
    data += fmt::format("${} << end\n", key);
    for (const Json& step : steps)
      data +=
          fmt::format("{} {}\n", share(step, steps[0], key), 100 * step["accuracy"].get<double>());
    data += "end\n";
    curves += fmt::format("{}${} using 1:2 with linespoints pointtype 7 title '{}'",
                          curves.empty() ? "plot " : ", ", key,
                          key == std::string("energy_pj") ? "energy with DRAM" : key);
  }
  return fmt::format(
      "set terminal {} size 800,500 noenhanced\nset output '{}'\nset grid\n"
      "set key outside right top\nset xlabel 'share of the network with int8 weights'\n"
      "set ylabel 'accuracy, %'\nset xrange [0:1.05]\n{}{}\n",
      terminal, picture, data, curves);
}

}  // namespace trine::cli
