// SPDX-License-Identifier: Apache-2.0

#include "sw/base/cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/hash.h"
#include "sw/base/json.h"
#include "sw/base/process.h"

namespace trine {
namespace fs = std::filesystem;
namespace {

/// Copies `files` from `entry` to `where`. @return false unless `entry` contains all of them
bool take(const fs::path& entry, const std::vector<std::string>& files, const fs::path& where) {
  std::error_code ignored;
  if (!fs::exists(entry, ignored)) return false;
  try {
    const Json kept = parse_json(read_text(entry), entry.string());
    for (const std::string& file : files)
      write_file(where / file, kept.at(file).get_ref<const std::string&>());
  } catch (const std::exception&) {  // the entry is damaged
    return false;
  }
  fs::last_write_time(entry, fs::file_time_type::clock::now(), ignored);
  return true;
}

fs::path checksum_file(const fs::path& built) { return fs::path(built) += ".xxh64"; }
std::string checksum_of(const fs::path& built) {
  return fmt::format("{:016x}\n", hash64(read_text(built)));
}

/// Returns true if `built` is intact, neither cut short nor changed.
bool is_whole(const fs::path& built) {
  std::error_code ignored;
  return fs::exists(built, ignored) && fs::exists(checksum_file(built), ignored) &&
         read_text(checksum_file(built)) == checksum_of(built);
}

/// Holds an exclusive lock on a file for as long as it lives.
class FileLock {
 public:
  explicit FileLock(const fs::path& file)
      : descriptor_(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (descriptor_ < 0) throw_error("{}: cannot be opened for writing", file.string());
    flock(descriptor_, LOCK_EX);
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock() { close(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace

fs::path built_file(const fs::path& cache, const std::string& depends, const std::string& suffix,
                    const std::function<fs::path(const BuildPlace&)>& make) {
  if (cache.string().find_first_of(" \t") != std::string::npos)
    throw_error("{}: make cannot build in a path with blanks; set TRINE_CACHE", cache.string());
  const std::string key = fmt::format("{:016x}", hash64(depends));
  const fs::path built = cache / (key + suffix);
  if (is_whole(built)) return built;
  const TemporaryFolder scratch(cache, "build");
  const FileLock lock(cache / (key + ".lock"));
  if (is_whole(built)) return built;  // another process was faster
  sweep_folders(cache);
  const fs::path made = make({scratch.path(), cache / (key + ".log")});
  write_file(checksum_file(built), checksum_of(made));
  fs::rename(made, built);
  return built;
}

fs::path cache_folder() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return fs::path(value != nullptr ? value : "");
  };
  if (!variable("TRINE_CACHE").empty()) return fs::absolute(variable("TRINE_CACHE"));
  if (!variable("XDG_CACHE_HOME").empty()) return variable("XDG_CACHE_HOME") / "trine";
  if (!variable("HOME").empty()) return variable("HOME") / ".cache" / "trine";
  return fs::temp_directory_path() / "trine-cache";
}

void sweep_cache() {
  std::error_code error;
  for (fs::directory_iterator i(cache_folder(), error), end; !error && i != end; i.increment(error))
    sweep_folders(i->path());
}

FileCache::FileCache(fs::path folder, std::uintmax_t most_bytes)
    : folder_(std::move(folder)), most_bytes_(most_bytes) {}

FileCache::~FileCache() {
  struct Entry {
    fs::file_time_type used;
    fs::path path;
    std::uintmax_t bytes;
  };
  std::vector<Entry> entries;
  std::uintmax_t sum = 0;
  std::error_code error;  // another process may remove them at the same time
  if (!folder_.empty())
    for (fs::directory_iterator i(folder_, error), end; !error && i != end; i.increment(error)) {
      std::error_code gone;
      const Entry entry{i->last_write_time(gone), i->path(), i->file_size(gone)};
      if (gone) continue;
      entries.push_back(entry);
      sum += entry.bytes;
    }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.used < b.used; });
  for (const Entry& entry : entries) {
    if (sum <= most_bytes_) break;
    fs::remove(entry.path, error);
    sum -= entry.bytes;
  }
}

void FileCache::obtain(const std::string& depends, const std::vector<std::string>& files,
                       const fs::path& where, const std::function<void()>& make) const {
  if (folder_.empty()) return make();
  const fs::path entry = folder_ / (sha256({depends.begin(), depends.end()}) + ".json");
  if (take(entry, files, where)) return;
  make();
  Json kept;
  for (const std::string& file : files) kept[file] = read_text(where / file);
  try {
    const std::string text = exact_json_text(kept);
    fs::create_directories(folder_);
    write_file(entry, text);
  } catch (const std::exception&) {  // not readable or not writable: made again
  }
}

}  // namespace trine
