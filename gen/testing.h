// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the generator share.

#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>

namespace trine::gen::testing {

namespace fs = std::filesystem;

/// A folder of this process, removed at the end of the test.
struct Scratch {
  fs::path path = fs::temp_directory_path() / ("trine_gen_test." + std::to_string(::getpid()));
  Scratch() {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~Scratch() { fs::remove_all(path); }
};

}  // namespace trine::gen::testing
