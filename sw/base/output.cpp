// SPDX-License-Identifier: Apache-2.0

#include "sw/base/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>
#include <system_error>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/interrupt.h"
#include "sw/base/json.h"

namespace trine {
namespace fs = std::filesystem;
namespace {

constexpr const char* kManifest = "manifest.json";
constexpr const char* kPythonCache = "__pycache__";  ///< left by Python runs of a kit

/// Returns the files that the manifest in `dir` lists; none without a manifest of ours.
std::set<std::string> earlier_output(const fs::path& dir) {
  if (!fs::is_regular_file(dir / kManifest)) return {};
  Json json;
  try {
    json = parse_json(read_text(dir / kManifest), kManifest);
  } catch (const Error&) {  // a manifest of another program
  }
  if (!json.is_object() || json.value("generator", Json()) != "trine") return {};
  std::set<std::string> names;
  for (const auto& name : json.value("files", Json::array()))
    if (name.is_string()) names.insert(name.get<std::string>());
  return names;
}

std::string manifest(const Files& files, const Json& about) {
  Json json{{"generator", "trine"}};
  json.update(about);
  for (const auto& [name, text] : files) json["files"].push_back(name);
  json["files"].push_back(kManifest);
  return json_text(json, 2) + "\n";
}

/// Returns true if a folder cannot be replaced as a whole: it is the working directory or a mount,
/// or its parent folder is not writable.
bool stays(const fs::path& target) {
  struct stat folder {
  }, parent{};
  if (::stat(target.c_str(), &folder) != 0) return false;
  return fs::equivalent(target, fs::current_path()) ||
         ::stat(target.parent_path().c_str(), &parent) != 0 || folder.st_dev != parent.st_dev ||
         ::access(target.parent_path().c_str(), W_OK) != 0;
}

/// Exchanges two folders atomically, so that a reader finds one of them at any time.
/// @return false if one does not exist, or the file system does not support it
bool exchange(const fs::path& a, const fs::path& b) {
  return ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
}

/// Replaces each file, then removes the remaining files of an earlier run.
void refill(const Files& files, const std::string& manifest, const fs::path& target) {
  const std::set<std::string> earlier = earlier_output(target);
  for (const auto& [name, text] : files) write_file(target / name, text);
  write_file(target / kManifest, manifest);
  for (const std::string& name : earlier)
    if (files.count(name) == 0 && name != kManifest) fs::remove(target / name);
}

}  // namespace

void check_output(const fs::path& dir) {
  check_writable_folder(dir);
  if (!fs::exists(dir)) return;
  if (!fs::is_directory(dir)) throw_error("{}: is a file, expected a folder", dir.string());
  const std::set<std::string> ours = earlier_output(dir);
  for (const auto& entry : fs::directory_iterator(dir)) {
    const std::string name = entry.path().filename().string();
    if (ours.count(name) == 0 && name != kPythonCache)
      throw_error("{}: contains {}, which trine did not write; use a new or empty folder",
                  dir.string(), name);
  }
}

void write_output(const Files& files, const Json& about, const fs::path& dir) {
  // Resolves links and drops a trailing slash.
  const fs::path target = fs::absolute(followed(fs::absolute(dir / "").parent_path()));
  check_output(target);
  const auto beside = [&](const char* what) {
    return target.parent_path() /
           fmt::format(".{}.{}.{}", target.filename().string(), ::getpid(), what);
  };
  const fs::path fresh = beside("new"), old = beside("old");
  const Unfinished unfinished(fresh);
  std::error_code ignored;
  try {
    if (stays(target)) return refill(files, manifest(files, about), target);
    fs::create_directories(fresh);
    for (const auto& [name, text] : files) write_file(fresh / name, text);
    write_file(fresh / kManifest, manifest(files, about));
    if (exchange(fresh, target)) {
      fs::remove_all(fresh, ignored);  // the replaced folder
      return;
    }
    if (fs::exists(target)) fs::rename(target, old);
    fs::rename(fresh, target);
    fs::remove_all(old, ignored);
  } catch (const fs::filesystem_error& error) {
    fs::remove_all(fresh, ignored);
    throw_error("{}: cannot write: {}", dir.string(), error.code().message());
  } catch (const Error&) {
    fs::remove_all(fresh, ignored);
    throw;
  }
}

}  // namespace trine
