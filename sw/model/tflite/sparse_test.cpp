// SPDX-License-Identifier: Apache-2.0

#include "sw/model/tflite/sparse.h"

#include <functional>

#include "sw/base/catch.h"
#include "sw/base/error.h"

using trine::Error;
using namespace trine::model;
using Catch::Matchers::ContainsSubstring;
using Bytes = std::vector<std::uint8_t>;

namespace {

/// [[1, 2, 0, 0], [0, 0, 3, 4]] in blocks of 1x2.
Sparsity blocks() {
  return {{0, 1, 2},
          {1},
          {{.dense = true, .size = 2},
           {.dense = false, .segments = {0, 1, 2}, .indices = {0, 1}},
           {.dense = true, .size = 2}}};
}

}  // namespace

TEST_CASE("sparse storage is written out", "[model][tflite][sparse]") {
  CHECK(written_out(blocks(), {2, 4}, {1, 2, 3, 4}, 1) == Bytes{1, 2, 0, 0, 0, 0, 3, 4});
  // Two bytes per element, columns before rows, an empty column.
  const Sparsity columns{{1, 0},
                         {},
                         {{.dense = true, .size = 3},
                          {.dense = false, .segments = {0, 1, 1, 3}, .indices = {1, 0, 1}}}};
  CHECK(written_out(columns, {2, 3}, {1, 0, 2, 0, 3, 0}, 2) ==
        Bytes{0, 0, 0, 0, 2, 0, 1, 0, 0, 0, 3, 0});
}

TEST_CASE("sparse storage that contradicts itself is refused", "[model][tflite][sparse][error]") {
  struct Case {
    const char* message;
    std::function<void(Sparsity&)> change;
    Bytes values = {1, 2, 3, 4};
  };
  const Case cases[] = {
      {"3 levels and 2 orders", [](Sparsity& s) { s.order.pop_back(); }},
      {"is outside of 0..2", [](Sparsity& s) { s.order[2] = 1; }},
      {"is outside of 0..2", [](Sparsity& s) { s.order[0] = -1; }},
      {"does not divide axis 1", [](Sparsity& s) { s.levels[2].size = 3; }},
      {"does not divide axis 7", [](Sparsity& s) { s.block_map[0] = 7; }},
      {"does not divide axis 1", [](Sparsity& s) { s.levels[2].size = 0; }},
      {"has 5 indices, but its axis has 2", [](Sparsity& s) { s.levels[0].size = 5; }},
      {"index 2 in level 1", [](Sparsity& s) { s.levels[1].indices[1] = 2; }},
      {"index -1 in level 1", [](Sparsity& s) { s.levels[1].indices[1] = -1; }},
      {"segment 1 of level 1", [](Sparsity& s) { s.levels[1].segments.pop_back(); }},
      {"segment 0 of level 1", [](Sparsity& s) { s.levels[1].segments[0] = -1; }},
      {"segment 1 of level 1", [](Sparsity& s) { s.levels[1].segments[2] = 0; }},
      {"segment 1 of level 1", [](Sparsity& s) { s.levels[1].segments[2] = 9; }},
      {"4 values, but the sparse storage requires 2",
       [](Sparsity& s) {
         s.levels[1].segments = {0, 1, 1};
       }},
      {"3 values, but the sparse storage requires more", [](Sparsity&) {}, {1, 2, 3}}};
  for (const Case& c : cases) {
    Sparsity s = blocks();
    c.change(s);
    CHECK_THROWS_WITH(written_out(s, {2, 4}, c.values, 1), ContainsSubstring(c.message));
  }
}
