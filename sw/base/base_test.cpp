// SPDX-License-Identifier: Apache-2.0

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/hash.h"
#include "sw/base/npy.h"

using namespace trine;
using Catch::Matchers::Contains;

namespace {

/// A folder of this process alone: tests of two builds may run at once.
struct Scratch {
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("trine_base_test." + std::to_string(::getpid()));

  Scratch() { std::filesystem::create_directories(folder); }
  ~Scratch() { std::filesystem::remove_all(folder); }
};

}  // namespace

TEST_CASE("npy arrays survive a round trip", "[base][npy]") {
  const auto shape = GENERATE(std::vector<std::int64_t>{}, std::vector<std::int64_t>{3},
                              std::vector<std::int64_t>{1, 2, 3}, std::vector<std::int64_t>{0, 4});
  const Scratch scratch;
  const auto path = scratch.folder / "round.npy";
  Array array{"i2", shape, {}};
  array.bytes.resize(static_cast<std::size_t>(array.elements()) * 2, 0x5a);
  write_npy(path, array);
  const Array back = read_npy(path);
  CHECK(back.dtype == "i2");
  CHECK(back.shape == shape);
  CHECK(back.bytes == array.bytes);
  CHECK(read_text(path).find('\n') % 64 == 63);  // data starts at a multiple of 64
}

TEST_CASE("read_npy refuses damaged files by name", "[base][npy][error]") {
  const Scratch scratch;
  const auto path = scratch.folder / "bad.npy";
  write_npy(path, {"i1", {2, 2}, {1, 2, 3, 4}});
  const std::string good = read_text(path);
  for (std::size_t size = 0; size < good.size(); ++size) {
    write_file(path, good.substr(0, size));
    CHECK_THROWS_WITH(read_npy(path), Contains("bad.npy: "));
  }
  std::string big = good;
  big.replace(big.find("(2, 2)"), 6, "(9, 9)");
  write_file(path, big);
  CHECK_THROWS_WITH(read_npy(path), Contains("shape needs more"));
  std::string type = good;
  type.replace(type.find("|i1"), 3, "|S1");
  write_file(path, type);
  CHECK_THROWS_WITH(read_npy(path), Contains("none of i1"));
}

TEST_CASE("write_file leaves nothing behind when it fails", "[base][file][error]") {
  CHECK_THROWS_AS(write_file("/nonexistent/folder/file", "x"), Error);
  CHECK_THROWS_WITH(read_file("/nonexistent"), Contains("/nonexistent: cannot open"));
  CHECK_THROWS_WITH(read_file("/"), Contains("is a folder"));
}

TEST_CASE("hash64 is XXH64 with seed 0", "[base][hash]") {
  CHECK(hash64("") == 0xef46db3751d8e999u);  // published test value
  CHECK(hash64("a") != hash64("b"));
}
