// SPDX-License-Identifier: Apache-2.0
//
// Runs a tool (verilator, yosys, sta) with its output in a log file.

#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace trine {

class Unfinished;

/// Runs argv[0], found on PATH, in `folder`; stdout and stderr go to `log`.
/// @param settings  "NAME=value", in the environment of the tool alone
/// @return the exit code, 128 + n after signal n
/// @throws Error  argv[0] cannot be started (says how to get it)
int run_process(const std::vector<std::string>& argv, const std::filesystem::path& folder,
                const std::filesystem::path& log, const std::vector<std::string>& settings = {});

/// The same with an open file for the log: the tool shares it, and a lock (flock) of it.
int run_process(const std::vector<std::string>& argv, int log);

/// The same, with what it prints as it comes, in pieces.
int run_process(const std::vector<std::string>& argv, const std::filesystem::path& folder,
                const std::function<void(std::string_view)>& on_output);

/// First line that `argv` prints, empty if it fails. For version strings.
std::string first_line_of(const std::vector<std::string>& argv);

/// True if `name` is an executable file on PATH.
bool on_path(const std::string& name);

/// A folder that exists for as long as this object, removed with its contents, also by
/// clean_up_on_signals(). It is locked (flock), which ends with its process however that ends.
class TemporaryFolder {
 public:
  /// @param parent  made if absent. @throws Error  names the folder that cannot be made
  explicit TemporaryFolder(const std::filesystem::path& parent, const std::string& stem = "trine");
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::unique_ptr<Unfinished> unfinished_;
  int lock_ = -1;
};

/// Removes the folders build-..., design-... and list-... below `parent` whose process is gone.
void sweep_folders(const std::filesystem::path& parent);

/// Last `lines` lines of a text file; empty if there is none.
std::string tail_of(const std::filesystem::path& file, int lines);
/// The last one, without its end: what a tool said last.
std::string last_line_of(const std::filesystem::path& file);

}  // namespace trine
