// SPDX-License-Identifier: Apache-2.0
//
// Where tests find the shared models and vectors: $TRINE_SHARED, else ../shared beside the sources
// (the test program is compiled with TRINE_SOURCE_DIR).

#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace trine::model {

inline std::filesystem::path shared_folder() {
  if (const char* folder = std::getenv("TRINE_SHARED")) return folder;
  return std::filesystem::path(TRINE_SOURCE_DIR) / ".." / "shared";
}

/// False where the shared files are absent; then it has printed the line that ctest takes for
/// "skipped".
inline bool shared_available() {
  if (std::filesystem::exists(shared_folder() / "models")) return true;
  std::puts("SKIPPED: no shared models (set TRINE_SHARED)");
  return false;
}

}  // namespace trine::model
