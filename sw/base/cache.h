// SPDX-License-Identifier: Apache-2.0
//
// Keeps results that are slow to compute below one folder, which may be deleted at any time.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace trine {

/// Returns $TRINE_CACHE, else $XDG_CACHE_HOME/trine, else ~/.cache/trine, else trine-cache in the
/// folder for temporary files.
std::filesystem::path cache_folder();

/// The paths that built_file() gives to its `make`.
struct BuildPlace {
  std::filesystem::path folder;    ///< the folder to build in, removed afterwards
  std::filesystem::path kept_log;  ///< a log file that remains, for the message of a failure
};

/// Returns the path of a program or library in `cache` and builds it if it is missing. The file's
/// name is a hash of `depends`. Several processes may build at the same time: a lock lets one of
/// them move the complete file into place. A checksum is stored next to the file, and a damaged
/// file is built again, because running it could crash. Each build, and sweep_cache(), remove the
/// folders that killed processes left.
/// @param depends  names everything that the result depends on: sources, flags, versions of tools
/// @param make  builds the file and returns its path
/// @throws Error  the path `cache` contains blanks, with which the tool make cannot build
std::filesystem::path built_file(
    const std::filesystem::path& cache, const std::string& depends, const std::string& suffix,
    const std::function<std::filesystem::path(const BuildPlace&)>& make);

/// Calls sweep_folders() for every folder of the cache: removes what killed processes left.
void sweep_cache();

/// A cache of files that tools write; the key is a text that names everything they depend on.
/// Several processes and threads may use it at once. An entry that cannot be read counts as
/// missing, and one that cannot be written is not kept.
class FileCache {
 public:
  /// @param folder  the cache; if empty, nothing is kept
  /// @param most_bytes  approximate limit; the destructor removes the entries used longest ago
  explicit FileCache(std::filesystem::path folder, std::uintmax_t most_bytes = 0);
  FileCache(const FileCache&) = delete;
  FileCache& operator=(const FileCache&) = delete;
  ~FileCache();

  /// Copies `files` from the cache to `where`. If the cache does not contain them, calls `make`,
  /// which writes them to `where`.
  /// @param depends  names everything that the files depend on: tools, scripts, inputs
  void obtain(const std::string& depends, const std::vector<std::string>& files,
              const std::filesystem::path& where, const std::function<void()>& make) const;

 private:
  const std::filesystem::path folder_;
  const std::uintmax_t most_bytes_;
};

}  // namespace trine
