// SPDX-License-Identifier: Apache-2.0
//
// Compares the DRAM bytes computed from the instructions with the machine's counters.

#include "sw/program/traffic.h"

#include "tests/compiler/testing.h"

namespace trine::sim {
namespace {

using program::Bytes;
using program::Traffic;
using testing::Builder;

Traffic all_of(const compiler::Program& program) {
  Traffic sum;
  for (const Traffic& layer : program::traffic_of(program)) {
    sum.moved += layer.moved;
    sum.compulsory += layer.compulsory;
  }
  return sum;
}

/// Builds three convolutions with maps of 32 KiB each.
model::Graph chain(Builder& b) {
  int x = b.input({1, 32, 32, 32});
  for (int i = 0; i < 3; ++i)
    x = b.convolution(x, 32, 3, 3, 1, 1, 1, 1, model::Padding::kSame, true);
  b.graph.outputs = {x};
  return b.graph;
}

TEST_CASE("bytes of layers add up to the machine's counters", "[arch][traffic]") {
  for (const int dmem_kib : {24, 48, 96, 192}) {
    CAPTURE(dmem_kib);
    Builder b(1);
    // A beat is a word, so that reads are counted to the byte.
    spec::Config config = testing::small_config(8, 8, dmem_kib, 16, 64);
    config.axi_data_bits = 32;
    const compiler::Program program = compiler::compile(chain(b), config);
    const RunResult run = run_arch(program, {b.random_array(0)});
    const Bytes moved = all_of(program).moved;
    CHECK(static_cast<std::uint64_t>(moved.constants + moved.maps_read) +
              8 * program.words.size() ==
          run.dram_bytes_read);
    CHECK(static_cast<std::uint64_t>(moved.maps_written) == run.dram_bytes_written);
  }
}

TEST_CASE("a network that fits the memories moves only compulsory bytes", "[arch][traffic]") {
  Builder b(1);
  const model::Graph graph = chain(b);
  const Traffic wide = all_of(compiler::compile(graph, testing::small_config(8, 8, 256, 64, 64)));
  constexpr std::int64_t kMap = 32 * 32 * 32;
  CHECK(wide.moved.maps_read == kMap);
  CHECK(wide.moved.maps_written == kMap);
  CHECK(wide.compulsory.maps_read == kMap);
  CHECK(wide.compulsory.maps_written == kMap);
  CHECK(wide.moved.constants == wide.compulsory.constants);
  CHECK(wide.compulsory.constants >= 3 * 32 * (32 * 9 + 4));
  // Spilled maps do not count as inputs, and halos are read twice.
  const Traffic narrow = all_of(compiler::compile(graph, testing::small_config(8, 8, 24, 64, 64)));
  CHECK(narrow.compulsory.maps_read == kMap);
  CHECK(narrow.compulsory.maps_written == kMap);
  CHECK(narrow.compulsory.constants == wide.compulsory.constants);
  CHECK(narrow.moved.maps_read > 3 * kMap);
  CHECK(narrow.moved.maps_written == 3 * kMap);
}

TEST_CASE("the host's work on a tensor is reported in bytes and instructions", "[arch][traffic]") {
  Builder b(1);
  const int x = b.input({1, 8, 6, 5});
  b.graph.outputs = {b.convolution(x, 8, 3, 3, 1, 1, 1, 1, model::Padding::kSame, true)};
  const compiler::Program program =
      compiler::compile(b.graph, testing::small_config(4, 4, 32, 16, 64));
  compiler::TensorLayout layout = program.inputs.at(0);
  const program::HostWork in = program::host_work(layout);
  CHECK(in.tensor_bytes == 8 * 6 * 5);
  CHECK(in.plane_bytes == program.inputs[0].bytes());
  CHECK(in.instructions == 8 * 6 * (5 * 4 + 2 * 10));
  layout.codes.resize(256);
  CHECK(program::host_work(layout).instructions == 8 * 6 * (5 * 6 + 2 * 10));
}

}  // namespace
}  // namespace trine::sim
