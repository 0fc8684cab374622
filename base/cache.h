// SPDX-License-Identifier: Apache-2.0
//
// What takes long and can be made again is kept below one folder, which may be deleted at any time.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace trine {

/// $TRINE_CACHE, else $XDG_CACHE_HOME/trine, else ~/.cache/trine.
std::filesystem::path cache_folder();

/// Where built_file() builds.
struct BuildPlace {
  std::filesystem::path folder;    ///< removed afterwards
  std::filesystem::path kept_log;  ///< a file that stays, for the message of a failure
};

/// A program or library, found by all that it depends on, and made where it is not there. Processes
/// can build at the same time: it is moved into place when complete, under a lock. Beside it lies
/// its checksum: a damaged one, which would crash or worse, is built again. Folders that a killed
/// process left are removed by the next build, and by sweep_cache().
/// @param depends  names all of it: sources, flags, versions of tools
/// @param make  builds, says where the result lies
/// @throws Error  a path with blanks, in which make cannot build
std::filesystem::path built_file(
    const std::filesystem::path& cache, const std::string& depends, const std::string& suffix,
    const std::function<std::filesystem::path(const BuildPlace&)>& make);

/// Removes what killed processes left unfinished in any folder of the cache: sweep_folders().
void sweep_cache();

/// Files that tools write, found by all that they depend on. Several processes and threads may use
/// it at once. What cannot be read or written is as if it were not there.
class FileCache {
 public:
  /// @param folder  empty: nothing is kept. @param most_bytes  about; what was used longest ago
  /// goes
  explicit FileCache(std::filesystem::path folder, std::uintmax_t most_bytes = 0);
  FileCache(const FileCache&) = delete;
  FileCache& operator=(const FileCache&) = delete;
  ~FileCache();

  /// Puts `files` into `where`, which `make` does where they are not known.
  /// @param depends  names everything that they depend on: tools, scripts, inputs
  void obtain(const std::string& depends, const std::vector<std::string>& files,
              const std::filesystem::path& where, const std::function<void()>& make) const;

 private:
  const std::filesystem::path folder_;
  const std::uintmax_t most_bytes_;
};

}  // namespace trine
