// SPDX-License-Identifier: Apache-2.0
//
// Checks what a program states about itself against its contents: layouts, words, layers, DRAM.

#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <type_traits>

#include "program_generated.h"
#include "spec/precision.h"
#include "spec/runs.h"
#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/program/program.h"
#include "sw/program/relocate.h"
#include "sw/program/testing.h"
#include "tests/compiler/testing.h"

namespace trine::program {
namespace {

using namespace trine::program::testing;

/// @param refused  part of the message of check(), or "" if it accepts the program
void check_says(const Program& program, const std::string& refused) {
  std::string error;
  try {
    check(program);
  } catch (const Error& e) {
    error = e.what();
  }
  CAPTURE(refused);
  if (refused.empty())
    CHECK(error == "");
  else
    CHECK_THAT(error, Catch::Matchers::ContainsSubstring(refused));
}

TEST_CASE("the claims of a program are compared with its contents", "[compiler][program][error]") {
  Program program = small_program();
  const auto require_refused = [&](const char* what) {
    program::require_refused(bytes_of(serialize(program)), what);
  };
  SECTION("DRAM that nothing needs") {
    const std::int64_t needed = program.dram_bytes;
    program.dram_bytes = std::int64_t{1} << 40;
    require_refused("1099511627776 bytes of DRAM, but its maps and constants need at most");
    program.dram_bytes = needed + (1 << 20);
    require_refused("bytes of DRAM, but its maps");
  }
  SECTION("DRAM for a store of more words than DMEM has") {
    program.dram_bytes = std::int64_t{1} << 40;
    isa::TransferRegisters registers;
    registers.set(isa::dma::kRowsLast, 65535);
    registers.set(isa::dma::kWords, (1 << 24) - 1);
    isa::Encoder encoder(program.config.hash());
    encoder.run(isa::Engine::kStore, registers, {});
    const std::vector<isa::Word> store = encoder.end();
    program.words.insert(program.words.begin() + 1, store.begin() + 1, store.end() - 1);
    program.run_layer.push_back(0);
    require_refused("store   RUN dmem: DMEM word 4096, allowed 0..4095");
    CHECK_THROWS_WITH(
        initial_dram(program),
        Catch::Matchers::ContainsSubstring("needs 1099511627776 bytes of DRAM, but this computer"));
  }
  SECTION("a constant shorter than its shape") {
    model::Tensor constant;
    constant.name = "size";
    constant.type = model::DataType::kInt32;
    constant.shape = {2};
    constant.is_constant = true;
    program.after.tensors.push_back(constant);
    require_refused("'size': a constant of 0 bytes, but shape [2] needs 8");
  }
  SECTION("operators that read a tensor that no operator writes") {
    program.after.ops[0].inputs[0] = program.after.ops[0].outputs[0];
    require_refused("before any operator writes it");
  }
  SECTION("an illegal configuration") {
    program.config.dmem_kib = 1 << 30;
    program.config_hash = program.config.hash();
    require_refused("memory.dmem_kib");
  }
  SECTION("more MACs than a 64-bit number holds") {
    program.layers.resize(9, program.layers[0]);
    for (ProgramLayer& layer : program.layers) layer.macs = std::int64_t{1} << 60;
    require_refused("MACs");
  }
}

TEST_CASE("a tensor layout may use its DRAM to the last word and must fit its tensor",
          "[compiler][program][error]") {
  Program base = small_program();
  REQUIRE(base.inputs[0].extents == std::vector<int>{1, 9, 9, 5});
  TensorLayout& input = base.inputs[0];
  input.shape.C = 5;
  input.shape.H = input.shape.W = 9;
  input.shape.per_word = 4;
  input.fold = {};
  input.transposed = false;
  input.pitch = 9;
  input.plane = 81;
  input.offset = 0;
  REQUIRE(input.bytes() == 648);
  const std::int64_t dram = base.dram_bytes;
  REQUIRE(dram % 4 == 0);
  const auto pairs = [](TensorLayout& l) {  // two pixels of a row in one: 9 x 5 pixels of 10
    l.fold.pixels = l.fold.stride_x = 2;
    l.fold.height = l.fold.width = 9;
    l.shape.C = 10;
    l.shape.W = 5;
    l.plane = 81;
  };
  struct Row {
    std::string refused;  ///< empty: accepted
    std::function<void(TensorLayout&)> change;
  };
  const std::string fits = "does not fit its", folded = "has a fold with the value",
                    blocks = "pixels, which does not fit",
                    lacks = "has more elements than the host's tensor";
  int index = 0;
  for (
      const Row& row : std::vector<Row>{
          {"", [](TensorLayout&) {}},
          {"has extent 0", [](TensorLayout& l) { l.extents[0] = 0; }},
          {"has extent -5", [](TensorLayout& l) { l.extents[3] = -5; }},
          {fits, [](TensorLayout& l) { l.extents[1] = 8; }},
          {"has another shape or type on the host",
           [](TensorLayout& l) {
             l.extents = {9, 9, 5};
           }},
          {"", [](TensorLayout& l) { l.pitch = 10, l.plane = 89; }},
          {fits, [](TensorLayout& l) { l.pitch = 10, l.plane = 88; }},
          {fits, [](TensorLayout& l) { l.pitch = 8; }},
          {fits, [](TensorLayout& l) { l.plane = 80; }},
          {"", [&](TensorLayout& l) { l.offset = dram - 648; }},
          {fits, [&](TensorLayout& l) { l.offset = dram - 644; }},
          {fits, [](TensorLayout& l) { l.offset = -4; }},
          {fits, [](TensorLayout& l) { l.offset = 2; }},
          {fits, [&](TensorLayout& l) { l.offset = dram + 4; }},
          {"", [&](TensorLayout& l) { l.plane = dram / 8; }},
          {fits, [&](TensorLayout& l) { l.plane = dram / 8 + 1; }},
          {fits, [&](TensorLayout& l) { l.plane = dram + 1; }},
          {fits, [&](TensorLayout& l) { l.pitch = static_cast<int>(dram) + 1; }},
          {fits, [](TensorLayout& l) { l.shape.C = 6; }},
          {fits, [](TensorLayout& l) { l.shape.C = 0; }},
          {fits, [](TensorLayout& l) { l.shape.C = -5, l.shape.W = -9; }},
          {fits, [](TensorLayout& l) { l.shape.H = -9, l.shape.W = -9; }},
          {fits, [](TensorLayout& l) { l.shape.per_word = 8; }},
          {fits, [](TensorLayout& l) { l.shape.per_word = 2; }},
          {"", [](TensorLayout& l) { l.shape.per_word = 16; }},
          {"", [](TensorLayout& l) { l.shape.per_word = 32; }},
          {"has another shape or type on the host", [](TensorLayout& l) { l.shape.per_word = 1; }},
          {"has elements -1 apart", [](TensorLayout& l) { l.steps.y = -1; }},
          {"has elements 406 apart", [](TensorLayout& l) { l.steps.channel = 406; }},
          {"", [](TensorLayout& l) { l.steps = {9, 1, 81}; }},  // [channel][y][x]
          {
              lacks,
              [](TensorLayout& l) {
                l.steps = {9, 1, 82};
              }},
          {lacks, [](TensorLayout& l) { l.steps = {405, 0, 0}; }},
          {"", [](TensorLayout& l) { l.codes.resize(256); }},
          {"has a table of 255 codes", [](TensorLayout& l) { l.codes.resize(255); }},
          {folded, [](TensorLayout& l) { l.fold.rows = 0; }},
          {folded, [](TensorLayout& l) { l.fold.pixels = -1; }},
          {folded, [](TensorLayout& l) { l.fold.stride_y = 0; }},
          {folded, [](TensorLayout& l) { l.fold.stride_x = 0; }},
          {folded, [](TensorLayout& l) { l.fold.stride_x = 32768; }},
          {folded, [](TensorLayout& l) { l.fold.top = -1; }},
          {folded, [](TensorLayout& l) { l.fold.left = -1; }},
          {"", [](TensorLayout& l) { l.fold.top = l.fold.left = 32766; }},
          {folded, [](TensorLayout& l) { l.fold.top = 32767; }},
          {blocks, [](TensorLayout& l) { l.fold.rows = 5; }},  // without the tensor's extents
          {blocks, [](TensorLayout& l) { l.fold.pixels = 2; }},
          {"", pairs},
          {blocks, [&](TensorLayout& l) { pairs(l), l.fold.height = 0; }},
          {blocks, [&](TensorLayout& l) { pairs(l), l.fold.width = 0; }},
          {blocks, [&](TensorLayout& l) { pairs(l), l.fold.height = 32768; }},
          {blocks, [&](TensorLayout& l) { pairs(l), l.fold.width = 32768; }},
          {blocks, [&](TensorLayout& l) { pairs(l), l.shape.per_word = 16; }},
          {blocks, [&](TensorLayout& l) { pairs(l), l.shape.C = 11; }},
          {fits, [&](TensorLayout& l) { pairs(l), l.shape.C = 12; }},
          {fits, [&](TensorLayout& l) { pairs(l), l.fold.width = 10; }},
          {fits, [&](TensorLayout& l) { pairs(l), l.fold.height = 10; }},
          {blocks, [](TensorLayout& l) { l.fold.rows = 256, l.shape.C = 1280; }},
          {blocks, [](TensorLayout& l) { l.fold.pixels = 256, l.shape.C = 1280; }}}) {
    Program p = base;
    row.change(p.inputs[0]);
    CAPTURE(index++);
    check_says(p, row.refused);
  }
}

TEST_CASE("words, layers and DRAM of a program belong together", "[compiler][program][error]") {
  const Program base = small_program();
  const isa::Word run = isa::encode_run(isa::Engine::kLoad, {});
  struct Row {
    std::string refused;
    std::function<void(Program&)> change;
  };
  int index = 0;
  for (const Row& row : std::vector<Row>{
           {"", [](Program&) {}},
           {"the program has no instructions", [](Program& p) { p.words.clear(); }},
           {"END must be the last word", [](Program& p) { p.words.push_back(p.words.back()); }},
           {"the program has no END", [](Program& p) { p.words.pop_back(); }},
           {"END must be the last word", [&](Program& p) { p.words.push_back(run); }},
           {"register 0 is read, but was never set",
            [&](Program& p) { p.words.insert(p.words.begin() + 1, run); }},
           {"are assigned to layers", [](Program& p) { p.run_layer.pop_back(); }},
           {"are assigned to layers", [](Program& p) { p.run_layer.push_back(0); }},
           {"a RUN belongs to layer -1, but there are", [](Program& p) { p.run_layer[0] = -1; }},
           {"", [](Program& p) { p.run_layer[0] = static_cast<int>(p.layers.size()) - 1; }},
           {"but there are",
            [](Program& p) { p.run_layer[0] = static_cast<int>(p.layers.size()); }},
           {"has -1 MACs", [](Program& p) { p.layers[0].macs = -1; }},
           {"",
            [](Program& p) {
              for (ProgramLayer& layer : p.layers) layer.macs = 0;
              p.layers.back().macs = std::int64_t{1} << 60;
            }},
           {"MACs", [](Program& p) { p.layers.back().macs = (std::int64_t{1} << 60) + 1; }},
           {"MACs",
            [](Program& p) {
              p.layers.push_back(p.layers[0]);
              p.layers[0].macs = 1;
              p.layers.back().macs = std::int64_t{1} << 60;
            }},
           {"",
            [](Program& p) {
              p.image_offset = p.dram_bytes - static_cast<std::int64_t>(p.image.size());
            }},
           {"bytes of constants at",
            [](Program& p) {
              p.image_offset = p.dram_bytes - static_cast<std::int64_t>(p.image.size()) + 1;
            }},
           {"bytes of constants at -1", [](Program& p) { p.image_offset = -1; }},
           {"bytes of constants at", [](Program& p) { p.image_offset = p.dram_bytes + 1; }},
           {"exceed -1 bytes of DRAM", [](Program& p) { p.dram_bytes = -1; }},
           {"exceed", [](Program& p) { p.dram_bytes = (std::int64_t{1} << 40) + 1; }},
           {"maps and constants need at most",
            [](Program& p) { p.dram_bytes = std::int64_t{1} << 40; }},
           {"its configuration differs from the one", [](Program& p) { p.config_hash ^= 1; }},
           {"is not the hash of the configuration", [](Program& p) { p.words[0] ^= 1; }},
           {"1 inputs, but the host has 2",
            [](Program& p) { p.before.outputs.push_back(p.before.outputs[0]); }},
           {"1 outputs, but the host has 0", [](Program& p) { p.after.inputs.clear(); }},
           {"has another shape or type on the host", [](Program& p) {
              p.after.tensors[static_cast<std::size_t>(p.after.inputs[0])].type =
                  model::DataType::kInt32;
            }}}) {
    Program p = base;
    row.change(p);
    CAPTURE(index++);
    check_says(p, row.refused);
  }
}

TEST_CASE("a transfer whose rows go backwards moves as a whole", "[program]") {
  constexpr std::int64_t kLast = 4096, kStride = -64, kRows = 4, kBytes = 32;
  isa::TransferRegisters r;
  r.set(isa::dma::kDram, kLast);
  r.set(isa::dma::kWords, kBytes / 4);
  r.set(isa::dma::kRowsLast, kRows - 1);
  r.set(isa::dma::kDramStride, kStride);
  isa::Run run;
  run.op = static_cast<int>(isa::dma::Target::kDmem);
  Program program;
  program.config_hash = isa::encode_begin(1);
  isa::Encoder encoder(program.config_hash);
  encoder.run(isa::Engine::kStore, r, run);
  program.words = encoder.end();
  const auto moved_to = [&](const Move& move) {
    std::int64_t at = 0;
    isa::for_each_run(
        relocated(program, std::vector<Move>{move}),
        [&](std::size_t, isa::Engine, const isa::Registers& registers, const isa::Run&) {
          at = isa::TransferRegisters(registers).get(isa::dma::kDram);
        });
    return at;
  };
  const std::int64_t first = kLast + (kRows - 1) * kStride, end = kLast + kBytes;
  CHECK(moved_to({first, end, first + 100'000}) == kLast + 100'000);
  CHECK(moved_to({0, first, 50'000}) == kLast);
  CHECK(moved_to({end, end + 64, 50'000}) == kLast);
  CHECK_THROWS_WITH(moved_to({kLast, end, 50'000}),
                    Catch::Matchers::ContainsSubstring("but only bytes"));
  CHECK_THROWS_WITH(moved_to({first, kLast, 50'000}),
                    Catch::Matchers::ContainsSubstring("but only bytes"));
}

TEST_CASE("words are packed in each width, lowest bits first, and read back", "[program][layout]") {
  struct Row {
    int per_word, place;
    std::int32_t code;
    std::uint32_t word;
    std::int32_t back;
  };
  for (const Row& row : {Row{1, 0, -2, 0xffff'fffe, -2}, Row{4, 0, -128, 0x80, -128},
                         Row{4, 3, 127, 0x7f00'0000, 127}, Row{4, 2, -1, 0xff'0000, -1},
                         Row{16, 0, -1, 3, -1}, Row{16, 15, 1, 0x4000'0000, 1}, Row{16, 7, 0, 0, 0},
                         Row{16, 1, -2, 8, -2}, Row{32, 0, 1, 1, 1}, Row{32, 31, 1, 0x8000'0000, 1},
                         Row{32, 5, -1, 0, -1}, Row{32, 5, 0, 0, -1}}) {
    CAPTURE(row.per_word, row.place, row.code);
    CHECK(pack_code(row.code, row.per_word, row.place) == row.word);
    CHECK(unpack_code(row.word, row.per_word, row.place) == row.back);
    const std::uint32_t others = ~pack_code(-1, row.per_word, row.place) | row.word;
    if (row.per_word == 4 || row.per_word == 16)
      CHECK(unpack_code(others, row.per_word, row.place) == row.back);
  }
  const auto shape = [](const std::vector<int>& extents) {
    const Shape s = shape_of(extents, "t");
    return std::vector<int>{s.H, s.W, s.C};
  };
  CHECK(shape({}) == std::vector<int>{1, 1, 1});
  CHECK(shape({7}) == std::vector<int>{1, 1, 7});
  CHECK(shape({2, 7}) == std::vector<int>{1, 2, 7});
  CHECK(shape({3, 2, 7}) == std::vector<int>{1, 6, 7});
  CHECK(shape({1, 5, 2, 7}) == std::vector<int>{5, 2, 7});
  CHECK(shape({2, 1, 3, 2, 7}) == std::vector<int>{1, 12, 7});
  CHECK(shape({1, 32767, 32767, 65535}) == std::vector<int>{32767, 32767, 65535});
  CHECK_THROWS_WITH(shape({2, 5, 2, 7}),
                    Catch::Matchers::ContainsSubstring("t: batch 2, allowed 1"));
  for (const std::vector<int>& bad : std::vector<std::vector<int>>{{1, 32768, 1, 1},
                                                                   {1, 1, 32768, 1},
                                                                   {65536},
                                                                   {0},
                                                                   {1, 0, 1, 1},
                                                                   {1, 1, 0, 1},
                                                                   {32768, 1},
                                                                   {182, 181, 1}})
    CHECK_THROWS_WITH(shape(bad), Catch::Matchers::ContainsSubstring(
                                      "allowed 1..32767 each and 1..65535 channels"));
}

TEST_CASE("the codes of a precision survive packing into words", "[program][layout]") {
  for (const spec::Precision& p : spec::kPrecisions) {
    CAPTURE(p.name);
    int codes = 0, most = 0;
    for (int code = -300; code <= 300; ++code) {
      if (!p.holds(code)) continue;
      CAPTURE(code);
      const int last = p.codes_per_word() - 1;
      CHECK(unpack_code(pack_code(code, last + 1, last), last + 1, last) == code);
      CHECK((code != 0 || pack_code(code, last + 1, last) == 0));
      most = std::max(most, std::abs(code));
      ++codes;
    }
    CHECK(most == p.most());
    // One pattern of two bits is not a ternary code.
    CHECK(codes == (1 << p.bits) - (p.name == "ternary" ? 1 : 0));
  }
}

}  // namespace
}  // namespace trine::program
