// SPDX-License-Identifier: Apache-2.0

#include "sw/base/root.h"

#include <system_error>

#include "sw/base/error.h"

namespace trine {
namespace fs = std::filesystem;
namespace {

bool is_root(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path / "spec" / "presets", ignored) &&
         fs::is_directory(path / "rtl", ignored);
}

/// Returns the root that set_project_root() set, or an empty path.
fs::path& given_root() {
  static fs::path root;
  return root;
}

/// Searches next to the program first: a copied or moved tree must not use the files of the
/// original.
fs::path find_root() {
  std::error_code ignored;
  for (fs::path p = fs::read_symlink("/proc/self/exe", ignored); p.has_relative_path();
       p = p.parent_path())
    for (const fs::path& candidate : {p, p / "share" / "trine"})
      if (is_root(candidate)) return candidate;
  if (is_root(TRINE_ROOT)) return TRINE_ROOT;
  throw_error(
      "trine: spec/presets/ and rtl/ not found: run the program from its source tree, or install "
      "it "
      "with cmake --install");
}

}  // namespace

fs::path project_root() {
  if (!given_root().empty()) return given_root();
  static const fs::path found = find_root();
  return found;
}

void set_project_root(const fs::path& root) {
  if (!is_root(root))
    throw_error("trine: {}: contains neither spec/presets/ nor rtl/", root.string());
  given_root() = root;
}

}  // namespace trine
