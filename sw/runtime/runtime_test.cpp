// SPDX-License-Identifier: Apache-2.0
//
// Runs the driver's cases in C (cases/) by their names, and cases that need the compiler, the
// host's library or the architecture simulator.

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "sim/arch/simulate.h"
#include "spec/config.h"
#include "spec/csr.h"
#include "sw/base/catch.h"
#include "sw/compiler/compiler.h"
#include "sw/program/host.h"
#include "sw/program/image.h"
#include "sw/program/layout.h"
#include "sw/reference/vectors/vectors.h"
#include "sw/runtime/cases/cases.h"
#include "sw/runtime/cases/fake.h"
#include "sw/runtime/trine_runtime.h"

namespace {

void expect_to_pass(const driver_case& one) {
  case_rounds = 200;
  const driver_failure failure = run_case(&one);
  INFO(failure.file << ":" << failure.line << ", at " << failure.at);
  CHECK(failure.count == 0);
}

}  // namespace

#define DRIVER_CASE(function, name) \
  TEST_CASE(name, "[runtime]") { expect_to_pass({name, case_##function}); }
#include "sw/model/import/import.h"
#include "sw/runtime/cases/cases_list.h"
#undef DRIVER_CASE

TEST_CASE("every cause of an error has the text of the register map", "[runtime][error]") {
  for (const trine::csr::Code& code : trine::csr::kErrors)
    CHECK(trine_error_text(static_cast<std::uint32_t>(code.value)) == std::string(code.doc));
  CHECK(trine_error_text(99) == std::string("unknown cause"));
}

namespace {

using Bytes = std::vector<std::uint8_t>;

const std::filesystem::path kModels = std::filesystem::path(TRINE_SOURCE_DIR) / "models";

trine::compiler::Program shipped(const char* model) {
  return trine::compiler::compile(trine::model::import_model(kModels / model),
                                  trine::spec::load_config("edge64"));
}

Bytes image_of(const trine::compiler::Program& program) {
  const std::string image = trine::compiler::write_image(program);
  return {image.begin(), image.end()};
}

/// Returns the address of the value at this index of [y][x][channel], computed only from the
/// driver's description.
std::uint8_t* value_at(const trine_tensor& t, Bytes& memory, std::uint64_t base,
                       std::size_t index) {
  const std::size_t c = index % t.channels, x = index / t.channels % t.width,
                    y = index / t.channels / t.width;
  return &memory[base + t.offset + 4 * (c / 4 * t.plane + y * t.pitch + x) + c % 4];
}

}  // namespace

TEST_CASE("the driver loads and runs the image of a shipped model", "[runtime][image]") {
  const trine::compiler::Program program = shipped("lenet_mnist.tflite");
  Bytes bytes = image_of(program);
  bytes.resize(bytes.size() + 100);  // the rest of a page of flash
  trine_image image;
  REQUIRE(trine_read_image(bytes.data(), bytes.size(), &image) == TRINE_OK);
  CHECK(image.configuration_hash == program.config_hash);
  CHECK((image.inputs == 1 && image.outputs == 1));
  constexpr std::uint64_t kBase = 0x1000;
  Bytes memory(kBase + image.dram_bytes + 8 * image.word_count), caches(memory.size());
  opened o{};
  fake_init(&o.fake, memory.data(), caches.data(), memory.size());
  o.callbacks = fake_callbacks(&o.fake);
  REQUIRE(open_again(&o) == TRINE_OK);
  CHECK(trine_load_image(o.device, &image, kBase) == TRINE_E_CONFIGURATION);
  o.fake.registers[0x08 / 4] = static_cast<std::uint32_t>(program.config_hash);
  o.fake.registers[0x0c / 4] = static_cast<std::uint32_t>(program.config_hash >> 32);
  REQUIRE(open_again(&o) == TRINE_OK);
  REQUIRE(trine_load_image(o.device, &image, kBase) == TRINE_OK);
  CHECK(o.fake.registers[0x30 / 4] == kBase + image.dram_bytes);
  CHECK(o.fake.registers[0x38 / 4] == program.words.size());
  CHECK(o.fake.registers[0x40 / 4] == kBase);
  CHECK(std::memcmp(&memory[kBase + image.dram_bytes], program.words.data(),
                    8 * program.words.size()) == 0);

  trine_tensor input, output;
  REQUIRE(trine_image_input(&image, 0, &input) == TRINE_OK);
  REQUIRE(trine_image_output(&image, 0, &output) == TRINE_OK);
  CHECK(trine_image_input(&image, 1, &input) == TRINE_E_ARGUMENT);
  CHECK(trine_image_output(&image, 1, &output) == TRINE_E_ARGUMENT);
  CHECK(input.scale == program.inputs[0].scale);
  CHECK(input.zero_point == program.inputs[0].zero_point);
  CHECK((input.rank == 4 && input.extents[1] == 28 && input.extents[4] == 0));
  CHECK((output.codes_per_word == 4 && output.transposed == 0 && output.fold.pixels == 1));

  const auto vectors = trine::reference::read_vectors(kModels / "lenet_mnist" / "vectors");
  REQUIRE(trine_input(o.device, &image, 0, vectors.cases.at(0).inputs.at(0).bytes.data()) ==
          TRINE_OK);
  Bytes dram;
  dram.assign(memory.begin() + kBase,
              memory.begin() + static_cast<std::ptrdiff_t>(kBase + image.dram_bytes));
  trine::sim::run_arch_dram(program, dram);
  std::copy(dram.begin(), dram.end(), memory.begin() + kBase);
  const Bytes& expected = vectors.cases.at(0).outputs.at(0).bytes;
  REQUIRE(expected.size() == std::size_t{output.channels} * output.height * output.width);
  for (std::size_t i = 0; i < expected.size(); ++i)
    CHECK(*value_at(output, memory, kBase, i) == expected[i]);
  Bytes result(expected.size());
  REQUIRE(trine_output(o.device, &image, 0, result.data()) == TRINE_OK);
  CHECK(result == expected);
}

namespace {

using trine::program::TensorLayout;

/// Returns the layout of a tensor of random extents with its axes in any order.
TensorLayout random_layout(std::mt19937& random, bool folds) {
  const auto number = [&](int low, int high) {
    return low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1));
  };
  TensorLayout l;
  const int widths[] = {1, 4, 4, 4, 16, 32}, H = number(1, 6), W = number(1, 7), C = number(1, 40);
  l.shape = {C, H, W, widths[number(0, 5)]};
  l.transposed = number(0, 1) == 1;
  if (folds && number(0, 1) == 1) {
    l.fold = {
        number(1, 3), number(2, 3), number(1, 3), number(1, 3), number(0, 2), number(0, 2), H, W};
    l.shape = {l.fold.size() * number(1, 3), number(1, 5), number(1, 5), 4};
  }
  l.shape.wide = !l.fold.folded() && l.shape.per_word == 4 && number(0, 2) == 0;
  l.pitch = l.shape.pixel_words() * l.shape.W + number(0, 3);
  l.plane = l.pitch * l.shape.H + number(0, 5);
  std::array<std::pair<int, std::int64_t*>, 3> axes{
      {{l.rows(), &l.steps.y}, {l.columns(), &l.steps.x}, {l.channels(), &l.steps.channel}}};
  std::ranges::shuffle(axes, random);
  std::int64_t step = 1;
  for (const auto& [extent, to] : axes) {
    *to = step;
    step *= extent;
    l.extents.insert(l.extents.begin(), extent);
  }
  if (l.element_bytes() == 1 && number(0, 1) == 1)
    for (int i = 0; i < 256; ++i) l.codes.push_back(static_cast<std::uint8_t>(random()));
  l.zero_point = number(-128, 127);
  return l;
}

/// Returns the tensor as the driver reads it from an image.
trine_tensor driver_tensor(const TensorLayout& layout, Bytes* bytes) {
  trine::compiler::Program program = shipped("plus_filter.tflite");
  program.inputs = program.outputs = {layout};
  program.dram_bytes = 1 << 20;
  *bytes = image_of(program);
  trine_image image;
  trine_tensor tensor;
  REQUIRE(trine_read_image(bytes->data(), bytes->size(), &image) == TRINE_OK);
  REQUIRE(trine_image_input(&image, 0, &tensor) == TRINE_OK);
  return tensor;
}

}  // namespace

TEST_CASE("the driver lays tensors out as the host's library does, and reads them back",
          "[runtime][layout]") {
  std::mt19937 random{1};
  int folded = 0, looked_up = 0, wide = 0;
  for (int i = 0; i < 200; ++i) {
    const TensorLayout layout = random_layout(random, true);
    folded += layout.fold.folded();
    wide += layout.shape.wide;
    looked_up += !layout.codes.empty();
    Bytes bytes;
    const trine_tensor tensor = driver_tensor(layout, &bytes);
    CAPTURE(i, layout.shape.per_word, layout.transposed, layout.fold.size(), layout.codes.size());
    Bytes host(static_cast<std::size_t>(layout.elements() * layout.element_bytes()));
    for (std::uint8_t& byte : host) byte = static_cast<std::uint8_t>(random());
    Bytes expected(static_cast<std::size_t>(layout.bytes()));
    trine::program::to_planar(host.data(), layout, expected.data());
    REQUIRE(tensor.bytes == expected.size());
    std::vector<std::uint32_t> planes(expected.size() / 4, 0xdead'beef);
    REQUIRE(trine_to_planes(&tensor, host.data(), planes.data()) == TRINE_OK);
    REQUIRE(std::memcmp(planes.data(), expected.data(), expected.size()) == 0);
    Bytes back(host.size()), golden(host.size());
    const int result = trine_from_planes(&tensor, planes.data(), back.data());
    REQUIRE(result == (layout.fold.folded() ? TRINE_E_IMAGE : TRINE_OK));
    if (layout.fold.folded()) continue;
    trine::program::from_planar(expected.data(), layout, golden.data());
    REQUIRE(back == golden);
  }
  CHECK((folded > 20 && looked_up > 20 && wide > 10));
}
