// SPDX-License-Identifier: Apache-2.0
//
// Runs tools (verilator, yosys, sta) and stores their output in log files.

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
/// @param settings  "NAME=value" entries, added to the environment of the tool only
/// @return the exit code, 128 + n after signal n
/// @throws Error  argv[0] cannot be started (the message says how to install it)
int run_process(const std::vector<std::string>& argv, const std::filesystem::path& folder,
                const std::filesystem::path& log, const std::vector<std::string>& settings = {});

/// Runs a tool in the current folder. It shares the open file `log` and that file's lock (flock).
int run_process(const std::vector<std::string>& argv, int log);

/// Runs a tool and passes its output to `on_output` in pieces, as they arrive.
int run_process(const std::vector<std::string>& argv, const std::filesystem::path& folder,
                const std::function<void(std::string_view)>& on_output);

/// Returns the first line that `argv` prints, or an empty string if it fails. For version strings.
std::string first_line_of(const std::vector<std::string>& argv);

/// Returns true if `name` is an executable file on PATH.
bool on_path(const std::string& name);

/// A folder that the destructor or clean_up_on_signals() removes with its contents. It is locked
/// (flock); the lock ends with the process, however the process ends.
class TemporaryFolder {
 public:
  /// @param parent  created if it is missing
  /// @throws Error  names the parent in which no folder can be created
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

/// Removes the folders build-..., design-... and list-... below `parent` that no running process
/// locks and that are not new.
void sweep_folders(const std::filesystem::path& parent);

/// Returns the last `lines` lines of a text file, or an empty string if it does not exist.
std::string tail_of(const std::filesystem::path& file, int lines);
/// Returns the last line of a text file without its line end, such as a tool's last message.
std::string last_line_of(const std::filesystem::path& file);

}  // namespace trine
