// SPDX-License-Identifier: Apache-2.0
//
// Runs the tool like a user, and captures its output.

#pragma once

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "sw/base/catch.h"
#include "sw/base/file.h"
#include "sw/base/json.h"

namespace trine::cli::testing {

namespace fs = std::filesystem;
using nlohmann::json;

inline const std::string kLenet = TRINE_SOURCE_DIR "/models/lenet_mnist.tflite";

inline const std::string kLenetVectors = TRINE_SOURCE_DIR "/models/lenet_mnist/vectors";

inline const std::string kPlus = TRINE_SOURCE_DIR "/models/plus_filter.tflite";

struct Result {
  int code;
  std::string out, err;
};

/// A new folder for each test case, in which the program runs.
struct Shell {
  fs::path dir = fs::temp_directory_path() / ("trine_cli_test." + std::to_string(::getpid()));
  Shell() {
    fs::remove_all(dir);
    fs::create_directories(dir);
  }
  ~Shell() { fs::remove_all(dir); }

  /// @param streams  redirections of stdout and stderr; empty: to the files that Result contains
  Result trine(const std::string& arguments, const std::string& streams = "") const {
    const std::string command = "cd '" + dir.string() + "' && : >out.txt >err.txt && '" +
                                TRINE_PROGRAM "' " + arguments + " >out.txt 2>err.txt </dev/null " +
                                streams;
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_text(dir / "out.txt"),
            read_text(dir / "err.txt")};
  }
  /// Returns a full device in the folder. It is a separate node, so that no test can damage
  /// /dev/full, or a link to /dev/full where nodes are not permitted.
  fs::path full_device() const {
    const fs::path node = dir / "full";
    if (::mknod(node.c_str(), S_IFCHR | 0666, makedev(1, 7)) != 0)
      fs::create_symlink("/dev/full", node);
    return node;
  }
  json read_json(const char* name) const { return parse_json(read_text(dir / name), name); }
};

inline std::size_t widest_line(const std::string& text) {
  std::istringstream lines(text);
  std::size_t widest = 0;
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, line.size());
  return widest;
}

inline std::size_t line_count(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// Requires that each cycle has a cause, and that the bound is the cause of most cycles.
inline void check_causes(const json& report) {
  const std::map<std::string, std::vector<std::string>> bounds{
      {"compute", {"compute", "bank"}},
      {"memory", {"memory", "load", "store"}},
      {"drain", {"drain"}},
      {"vector", {"vector"}},
      {"control", {"control"}}};
  const auto cycles_of = [](const json& causes, const std::vector<std::string>& names) {
    long cycles = 0;
    for (const std::string& name : names) cycles += causes.at(name).get<long>();
    return cycles;
  };
  const auto check_sum = [&](const json& of) {
    long sum = 0;
    for (const auto& [bound, causes] : bounds) sum += cycles_of(of.at("causes"), causes);
    CHECK(sum == of.at("cycles").get<long>());
    CHECK(of.at("causes").size() == 8);
  };
  check_sum(report);
  for (const json& layer : report.at("layers")) {
    CAPTURE(json_text(layer));
    check_sum(layer);
    const long most = cycles_of(layer.at("causes"), bounds.at(layer.at("bound")));
    for (const auto& [bound, causes] : bounds) CHECK(cycles_of(layer.at("causes"), causes) <= most);
  }
}

/// Requires the keys that other tools rely on.
inline void check_execution(const json& report) {
  for (const char* key : {"cycles", "macs", "peak_macs_per_cycle", "vectors", "dram_bytes_read",
                          "dram_bytes_written", "program_bytes", "fetched_bytes"}) {
    CAPTURE(key);
    CHECK(report.at(key).is_number_integer());
  }
  CHECK(report.at("vectors_exact").is_null() == (report.at("vectors") == 0));
  CHECK(report.at("sim_seconds").is_number());
  const double utilization = report.at("utilization");
  CHECK(utilization > 0);
  CHECK(utilization <= 1);
  CHECK(utilization == Approx(report.at("macs").get<double>() / report.at("cycles").get<double>() /
                              report.at("peak_macs_per_cycle").get<double>()));
  long cycles = 0, macs = 0;
  REQUIRE_FALSE(report.at("layers").empty());
  for (const json& layer : report.at("layers")) {
    CHECK(layer.at("name").is_string());
    CHECK(layer.at("op").is_string());
    CHECK(layer.at("utilization").is_number());
    cycles += layer.at("cycles").get<long>();
    macs += layer.at("macs").get<long>();
  }
  CHECK(cycles == report.at("cycles").get<long>());
  CHECK(macs == report.at("macs").get<long>());
  check_causes(report);
}

}  // namespace trine::cli::testing
