// SPDX-License-Identifier: Apache-2.0
//
// Helpers of the generator's tests.

#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>

namespace trine::gen::testing {

namespace fs = std::filesystem;

/// A temporary folder of this process, removed at the end of the test.
struct Scratch {
  fs::path path = fs::temp_directory_path() / ("trine_gen_test." + std::to_string(::getpid()));
  Scratch() {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~Scratch() { fs::remove_all(path); }
};

}  // namespace trine::gen::testing
