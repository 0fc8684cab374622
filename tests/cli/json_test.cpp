// SPDX-License-Identifier: Apache-2.0
//
// Compares the JSON of the commands, key by key and value by value, with tests/approval/json:
// scripts rely on it (docs/commands.md). TRINE_APPROVE=1 writes the files again.

#include <fmt/format.h>

#include <set>
#include <string>
#include <vector>

#include "sw/base/catch.h"
#include "tests/approval/approve.h"
#include "tests/cli/testing.h"

using namespace trine;
using namespace trine::cli::testing;

namespace {

const std::string kRoot = TRINE_SOURCE_DIR;

/// Returns a line for each value: its path and the value, without those that change with each run
/// or revision.
std::string table_of(const json& report) {
  static const std::set<std::string> kVarying{
      "revision", "configuration_hash", "design_hash", "sim_seconds", "seconds", "out"};
  std::string table;
  const json values = report.flatten();
  for (const auto& [path, value] : values.items()) {
    if (kVarying.contains(path.substr(path.rfind('/') + 1))) continue;
    std::string text =
        value.is_number_float() ? fmt::format("{:.6g}", value.get<double>()) : value.dump();
    if (const auto at = text.find(kRoot); at != std::string::npos) text.erase(at, kRoot.size());
    table += path + '\t' + text + '\n';
  }
  return table;
}

}  // namespace

TEST_CASE("JSON of the commands has the approved keys and values", "[cli][json]") {
  const std::string adder = "'" + kRoot + "/models/digit_adder.tflite'";
  const std::string attention = "'" + kRoot + "/tests/operators/attention.tflite'";
  const std::string lenet = "'" + kLenet + "'", table = "'" + kRoot + "/models/shapes/alexnet.csv'";
  const std::vector<std::pair<std::string, std::string>> commands{
      {"generate", "generate --config edge256 --out d"},
      {"generate_for", "generate --config edge32 --for " + lenet + " " + attention},
      {"generate_for_two_columns", "generate --config edge1024 --for " + adder},
      {"compile", "compile --config edge32 --out p " + lenet},
      {"compile_cliffs", "compile --config edge256 --out p " + adder},
      {"run", "run --config edge256 --backend arch " + lenet},
      {"verify",
       "verify --config edge32 --backend arch " + lenet + " --vectors '" + kLenetVectors + "'"},
      {"estimate", "estimate --config edge64 " + lenet},
      {"estimate_table", "estimate --config edge1024 " + table},
  };
  const Shell shell;
  for (const auto& [name, arguments] : commands) {
    CAPTURE(name);
    const Result result = shell.trine(arguments + " --json j");
    CAPTURE(result.err);
    REQUIRE(result.code == 0);
    approve("json/" + name + ".tsv", table_of(shell.read_json("j")));
  }
}
