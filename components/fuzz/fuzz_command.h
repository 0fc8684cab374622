// SPDX-License-Identifier: Apache-2.0
//
// Shared declarations of both halves of `trine fuzz`: random networks (fuzz.cpp) and random
// programs (fuzz_programs.cpp).

#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "components/sweep/jobs.h"
#include "spec/config.h"
#include "tools/cli/common.h"

namespace trine::cli {

/// The options of `trine fuzz`.
struct FuzzArguments {
  Output output;
  std::vector<std::string> designs, settings, families;
  std::string backend = "arch", one, onnx, keep;
  std::vector<std::string> replay;
  EngineFlags engine;
  int pairs = 200, configs = 20, only = -1, seconds = 0, most_failures = 5, least_exact = 50;
  int duration = 0;  ///< seconds; 0: `pairs` limits the run
  std::uint64_t seed = 1;
  bool as_drawn = false, new_seed = false, programs = false, no_assertions = false;
};

/// PEs of the largest designs that are drawn for the RTL; Verilator would take too long to build
/// more.
constexpr int kMostPesRtl = 400;

/// The time at which --duration ends.
class Deadline {
 public:
  /// @param seconds  0: no end
  explicit Deadline(int seconds) : seconds_(seconds) {}
  /// Returns true if there is an end.
  bool set() const { return seconds_ > 0; }
  /// Returns true if the time is over.
  bool over() const {
    return set() && std::chrono::steady_clock::now() - begin_ >= std::chrono::seconds(seconds_);
  }

 private:
  int seconds_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// Builds the design's model in the cache before the first pair runs. The build takes minutes,
/// which must not count as a pair's time.
void build_checked_model(const spec::Config& config, bool assertions, bool quiet);

/// Writes a case into --keep. @return "" or the line that names the file
std::string keep_case(const FuzzArguments& options, const std::string& text);

/// Runs trine fuzz --programs. @return the exit code
int fuzz_programs(const FuzzArguments& options, const std::vector<spec::Config>& designs);

}  // namespace trine::cli
