// SPDX-License-Identifier: Apache-2.0
//
// Workers as an array of Slurm's (22.05): one `sbatch`, then `squeue` until it is gone.

#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>

namespace trine::sweep {

/// Elements of an array that every Slurm takes (MaxArraySize 1001).
inline constexpr std::size_t kMostSlurm = 1000;

/// @throws Error  there is no sbatch
void check_slurm();

class SlurmArray {
 public:
  /// Submits `jobs` workers of a list, beside which their logs come. @throws Error  what sbatch
  /// says
  SlurmArray(const std::string& program, const std::filesystem::path& list, int jobs);

  /// Asks Slurm every few seconds.
  bool ended();

  /// Ends the array, running elements too.
  void cancel();

 private:
  std::string id_;
  std::chrono::steady_clock::time_point asked_;
};

}  // namespace trine::sweep
