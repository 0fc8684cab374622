// SPDX-License-Identifier: Apache-2.0

#include "gen/root.h"

#include <system_error>

#include "sw/base/error.h"

namespace trine::gen {
namespace fs = std::filesystem;
namespace {

bool is_root(const fs::path& path) {
  return fs::is_directory(path / "presets") && fs::is_directory(path / "rtl");
}

}  // namespace

fs::path root() {
  if (is_root(TRINE_ROOT)) return TRINE_ROOT;
  std::error_code ignored;
  for (fs::path p = fs::read_symlink("/proc/self/exe", ignored); p != p.parent_path();
       p = p.parent_path())
    if (is_root(p)) return p;
  throw_error("trine: presets/ and rtl/ not found: run the program from its source tree");
}

}  // namespace trine::gen
