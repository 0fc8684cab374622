// SPDX-License-Identifier: Apache-2.0
//
// The JSON of the commands, key by key and value by value, against tests/approval/json: scripts
// rely on it (docs/commands.md). TRINE_APPROVE=1 writes the files again.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/catch.h"
#include "base/file.h"
#include "tests/cli/testing.h"

using namespace trine;
using namespace trine::cli::testing;

namespace {

const std::string kRoot = TRINE_SOURCE_DIR;

/// A line for each value: its path and itself. Values that change with each run or revision are
/// left out.
std::vector<std::string> lines_of(const json& report) {
  static const std::set<std::string> kVarying{
      "revision", "configuration_hash", "design_hash", "sim_seconds", "seconds", "out"};
  std::vector<std::string> lines;
  const json values = report.flatten();
  for (const auto& [path, value] : values.items()) {
    if (kVarying.contains(path.substr(path.rfind('/') + 1))) continue;
    std::string text =
        value.is_number_float() ? fmt::format("{:.6g}", value.get<double>()) : value.dump();
    if (const auto at = text.find(kRoot); at != std::string::npos) text.erase(at, kRoot.size());
    lines.push_back(path + '\t' + text);
  }
  return lines;
}

void approve(const std::string& name, const json& report) {
  const fs::path file = fs::path(kRoot) / "tests/approval/json" / (name + ".tsv");
  const std::vector<std::string> made = lines_of(report);
  if (std::getenv("TRINE_APPROVE") != nullptr) {
    write_file(file, fmt::format("{}\n", fmt::join(made, "\n")));
    FAIL_CHECK(file << " is written anew: look at its difference, run again without TRINE_APPROVE");
    return;
  }
  std::vector<std::string> approved;
  std::istringstream lines(read_text(file));
  for (std::string line; std::getline(lines, line);) approved.push_back(line);
  for (std::size_t i = 0; i < std::min(made.size(), approved.size()); ++i)
    REQUIRE(made[i] == approved[i]);
  CHECK(made.size() == approved.size());
}

}  // namespace

TEST_CASE("JSON of the commands has the approved keys and values", "[cli][json]") {
  const std::string attention = "'" + kRoot + "/tests/operators/attention.tflite'";
  const std::string lenet = "'" + kLenet + "'", table = "'" + kRoot + "/models/shapes/alexnet.csv'";
  const std::vector<std::pair<std::string, std::string>> commands{
      {"generate", "generate --config edge256 --out d"},
      {"generate_for", "generate --config edge32 --for " + lenet + " " + attention},
      {"compile", "compile --config edge32 --out p " + lenet},
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
    approve(name, shell.read_json("j"));
  }
}
