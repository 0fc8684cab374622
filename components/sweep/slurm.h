// SPDX-License-Identifier: Apache-2.0
//
// Runs workers as an array of Slurm (22.05): one `sbatch`, then `squeue` until the array has ended.

#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>

namespace trine::sweep {

/// Elements of an array that every Slurm accepts (MaxArraySize 1001).
inline constexpr std::size_t kMostSlurm = 1000;

/// Checks that sbatch exists. @throws Error
void check_slurm();

/// A submitted array.
class SlurmArray {
 public:
  /// Submits `jobs` workers of a list; their logs are written next to it. @throws Error  sbatch's
  /// message
  SlurmArray(const std::string& program, const std::filesystem::path& list, int jobs);

  /// Returns true if the array has ended; asks Slurm every few seconds.
  bool ended();

  /// Ends the array, running elements included.
  void cancel();

 private:
  std::string id_;
  std::chrono::steady_clock::time_point asked_;
};

}  // namespace trine::sweep
