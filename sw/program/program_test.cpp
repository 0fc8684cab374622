// SPDX-License-Identifier: Apache-2.0

#include "sw/program/program.h"

#include <fmt/format.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <random>

#include "base/error.h"
#include "base/hash.h"
#include "sim/arch/testing.h"

namespace trine::compiler {
namespace {

using sim::testing::Builder;

Program small_program(unsigned seed = 3) {
  Builder b(seed);
  const int in = b.input({1, 9, 9, 5});
  const int t = b.convolution(in, 12, 3, 3, 1, 1, 1, 1, model::Padding::kSame, true);
  b.graph.outputs = {b.unary(b.mean(t, {1, 2}), model::OpKind::kSoftmax, "SOFTMAX")};
  auto& softmax = b.graph.tensors.back();
  softmax.quantization.scale = {1.0f / 256};
  softmax.quantization.zero_point = {-128};
  machine::Config config = sim::testing::small_config(4, 4, 16, 8, 64);
  config.softmax = false;  // that is for the host
  return compile(b.graph, config);
}

std::vector<std::uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

/// The file with a correct checksum again.
std::vector<std::uint8_t> sealed(std::vector<std::uint8_t> bytes) {
  bytes.resize(bytes.size() - 8);
  std::uint64_t hash = hash64({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  for (int i = 0; i < 8; ++i, hash >>= 8) bytes.push_back(static_cast<std::uint8_t>(hash & 255));
  return bytes;
}

TEST_CASE("a program survives its file", "[compiler][program]") {
  const Program program = small_program();
  const auto path = std::filesystem::temp_directory_path() /
                    ("trine_program_test." + std::to_string(::getpid()) + ".trine");
  write_program(path, program);
  const Program read = read_program(path);
  std::filesystem::remove(path);
  CHECK(serialize(read) == serialize(program));
  CHECK(read.words == program.words);
  CHECK(read.layers.size() == 2);
  CHECK(read.layers[0].op == "CONV_2D");
  CHECK(read.after.ops.size() == 1);
  CHECK(read.macs() == 9 * 9 * 12 * 9 * 5);
}

TEST_CASE("a program's file holds the whole configuration", "[compiler][program]") {
  machine::Config config = sim::testing::small_config(4, 4, 16, 8, 64);
  config.table = config.depthwise = config.softmax = false;
  Builder b(1);
  b.graph.outputs = {b.unary(b.input({1, 4, 4, 4}), model::OpKind::kRelu, "RELU")};
  const Program program = compile(b.graph, config);
  const Program read = parse_program(bytes_of(serialize(program)), "net.trine");
  CHECK(read.config.to_toml() == config.to_toml());
}

TEST_CASE("the same model gives the same bytes", "[compiler][program]") {
  CHECK(serialize(small_program()) == serialize(small_program()));
}

TEST_CASE("damaged program files are refused with the file's name", "[compiler][program][error]") {
  const auto bytes = bytes_of(serialize(small_program()));
  const auto refused = [](const std::vector<std::uint8_t>& damaged) {
    REQUIRE_THROWS_WITH(parse_program(damaged, "net.trine"), Catch::StartsWith("net.trine: "));
  };
  SECTION("truncated at any length") {
    for (std::size_t size = 0; size < bytes.size(); size += size < 64 ? 1 : 97)
      refused({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)});
  }
  SECTION("any byte changed") {
    std::mt19937 random(1);
    for (int i = 0; i < 300; ++i) {
      auto damaged = bytes;
      damaged[random() % damaged.size()] ^= static_cast<std::uint8_t>(1 + random() % 255);
      refused(damaged);
    }
  }
  SECTION("another file") { refused(bytes_of("TFL3 is something else, of some length ........")); }
}

TEST_CASE("contents that no compiler writes never crash the reader", "[compiler][program][error]") {
  const auto bytes = bytes_of(serialize(small_program()));
  std::mt19937 random(2);
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    auto damaged = bytes;
    for (int k = 0; k < 3; ++k)
      damaged[8 + random() % (damaged.size() - 8)] = static_cast<std::uint8_t>(random() % 256);
    damaged = sealed(damaged);
    try {
      parse_program(damaged, "net.trine");
    } catch (const Error& e) {
      ++refused;
      CHECK(std::string(e.what()).find("net.trine: ") == 0);
    }
  }
  CHECK(refused > 0);
}

/// Programs inside of each other's REST sections, `depth` of them.
std::vector<std::uint8_t> nested(int depth) {
  const auto bytes = bytes_of(serialize(small_program()));
  std::vector<std::uint8_t> inner;
  for (int level = 0; level < depth; ++level) {
    std::vector<std::uint8_t> outer(bytes.begin(), bytes.begin() + 24);
    outer[12] = 1;  // section
    const auto put = [&](std::uint64_t value) {
      for (int i = 0; i < 8; ++i) outer.push_back(static_cast<std::uint8_t>(value >> 8 * i));
    };
    put(4);  // tag
    put(inner.size() + 8);
    put(inner.size());
    outer.insert(outer.end(), inner.begin(), inner.end());
    outer.resize(outer.size() + 8);
    inner = sealed(outer);
  }
  return inner;
}

TEST_CASE("stages inside of stages are refused, however deep", "[compiler][program][error]") {
  REQUIRE_THROWS_WITH(parse_program(nested(4000), "net.trine"), "net.trine: a stage has stages");
  REQUIRE_THROWS_WITH(parse_program(nested(1), "net.trine"), "net.trine: not a Trine program");
}

/// The file with another text in its metadata, as long as the one before.
std::vector<std::uint8_t> rewritten(const std::string& before, std::string after) {
  std::string bytes = serialize(small_program());
  const auto at = bytes.find(before);
  REQUIRE(at != std::string::npos);
  REQUIRE(after.size() <= before.size());
  after.resize(before.size(), ' ');
  return sealed(bytes_of(bytes.replace(at, after.size(), after)));
}

TEST_CASE("numbers that do not fit what they are read into are refused",
          "[compiler][program][error]") {
  const Program program = small_program();
  const auto require_refused = [](const std::vector<std::uint8_t>& bytes, const char* what) {
    REQUIRE_THROWS_WITH(parse_program(bytes, "net.trine"),
                        Catch::StartsWith("net.trine: ") && Catch::Contains(what));
  };
  const std::string dram = "\"dram_bytes\":" + std::to_string(program.dram_bytes);
  require_refused(rewritten(dram, "\"dram_bytes\":1e39"), "1e+39 where a whole number of 64 bits");
  require_refused(rewritten(dram, "\"dram_bytes\":0.5"), "0.5 where a whole number of 64 bits");
  require_refused(
      rewritten("\"symmetric\":false,\"time_major\":false,", "\"stride_w\":4294967297,"),
      "4294967297 where a whole number of 32 bits");
}

TEST_CASE("what a program says of itself is compared with what it has",
          "[compiler][program][error]") {
  Program program = small_program();
  const auto require_refused = [&](const char* what) {
    REQUIRE_THROWS_WITH(parse_program(bytes_of(serialize(program)), "net.trine"),
                        Catch::StartsWith("net.trine: ") && Catch::Contains(what));
  };
  SECTION("DRAM that nothing needs") {
    const std::int64_t needed = program.dram_bytes;
    program.dram_bytes = std::int64_t{1} << 40;
    require_refused("1099511627776 bytes of DRAM, its maps and constants justify");
    program.dram_bytes = needed + (1 << 20);
    require_refused("bytes of DRAM, its maps");
  }
  SECTION("a constant shorter than its shape") {
    model::Tensor constant;
    constant.name = "size";
    constant.type = model::DataType::kInt32;
    constant.shape = {2};
    constant.is_constant = true;
    program.after.tensors.push_back(constant);
    require_refused("'size': a constant of 0 bytes, shape [2] needs 8");
  }
  SECTION("operators that read what nobody writes") {
    program.after.ops[0].inputs[0] = program.after.ops[0].outputs[0];
    require_refused("before any operator writes it");
  }
  SECTION("a configuration that no generator makes") {
    program.config.dmem_kib = 1 << 30;
    program.config_hash = program.config.hash();
    require_refused("memory.dmem_kib");
  }
  SECTION("more operations than numbers") {
    program.layers.resize(9, program.layers[0]);
    for (ProgramLayer& layer : program.layers) layer.macs = std::int64_t{1} << 60;
    require_refused("MACs");
  }
}

TEST_CASE("names of any bytes do not hinder a program", "[compiler][program]") {
  Program program = small_program();
  program.layers[0].name = "caf\xe9";
  CHECK(parse_program(bytes_of(serialize(program)), "net.trine").layers[0].name ==
        "caf\xef\xbf\xbd");
}

TEST_CASE("a program for another configuration is refused", "[compiler][program][error]") {
  Program program = small_program();
  machine::Config config = program.config;
  config.pipeline_rows = 2;  // no program sees it
  config.ecc = true;
  set_configuration(program, config);
  CHECK(program.config.to_toml() == config.to_toml());
  CHECK(parse_program(bytes_of(serialize(program)), "net.trine").words == program.words);
  config.pmem_kib *= 2;
  REQUIRE_THROWS_WITH(set_configuration(program, config),
                      Catch::Contains("compiled for configuration"));
}

TEST_CASE("a program file begins with its configuration, and has nothing that this one lacks",
          "[compiler][program][error]") {
  const Program program = small_program();
  const auto refused = [](const Program& p, const std::string& what) {
    REQUIRE_THROWS_WITH(parse_program(bytes_of(serialize(p)), "net.trine"), Catch::Contains(what));
  };
  CHECK(program.words.front() == program.config.hash());
  Program other = program;
  other.words.front() ^= 1;
  refused(other, "net.trine: word 0 is not the configuration's hash");
  other = program;
  other.words[1] = program.words.front();
  refused(other, "net.trine: word 1: no such instruction");
  other.words[1] = isa::encode_run(isa::Engine::kCompute,
                                   {0, 0, static_cast<int>(isa::compute::Op::kTernary), 0});
  refused(other, "net.trine: word 1: precision ternary: the configuration lacks ternary");
}

TEST_CASE("the disassembly names every field and layer", "[compiler][program]") {
  const Program program = small_program();
  const std::string text = disassemble(program);
  CHECK(text.find(fmt::format("     0  BEGIN configuration={:016x}\n", program.config_hash)) == 0);
  CHECK(text.find("load    RUN pmem") != std::string::npos);
  CHECK(text.find("compute RUN int8 clear drain") != std::string::npos);
  CHECK(text.find("vector  RUN sum") != std::string::npos);
  CHECK(text.find("x_start=-1") != std::string::npos);
  CHECK(text.find("wait=load") != std::string::npos);
  CHECK(text.find("layer 0 " + program.layers[0].name) != std::string::npos);
  CHECK(std::count(text.begin(), text.end(), '\n') ==
        static_cast<std::ptrdiff_t>(program.words.size()));
  CHECK(describe_run(program, 0).find("run 0 of layer 0") == 0);
}

TEST_CASE("operators without hardware are refused by name", "[compiler][error]") {
  const machine::Config config = sim::testing::small_config(4, 4, 16, 8, 64);
  Builder b(1);
  const int in = b.input({1, 4, 4, 4});
  const int logarithm = b.unary(in, model::OpKind::kLogSoftmax, "LOG_SOFTMAX");
  b.graph.tensors.back().quantization = {{16.0f / 256}, {127}, 0};
  b.graph.outputs = {b.addition(in, logarithm)};
  REQUIRE_THROWS_WITH(compile(b.graph, config),
                      Catch::Contains("random.tflite: op 0 LOG_SOFTMAX: tensor 1"));

  Builder c(2);
  const int image = c.input({1, 4, 4, 4});
  c.graph.outputs = {c.pool(image, true, 2, 2, 2, 2, model::Padding::kValid)};
  machine::Config plain = config;
  plain.vector = false;
  REQUIRE_THROWS_WITH(compile(c.graph, plain), Catch::Contains("vector.enable"));
}

TEST_CASE("a layer that no memory holds is refused by name", "[compiler][error]") {
  const machine::Config config = sim::testing::small_config(4, 4, 8, 8, 64);
  const auto convolution = [](Builder& b, int height, int width, int taps_y, int taps_x) {
    return b.convolution(b.input({1, height, width, 4}), 4, taps_y, taps_x, 1, 1, 1, 1,
                         model::Padding::kValid, true);
  };
  // Rows too long for a buffer are columns when the network lies on its side.
  Builder row(1);
  row.graph.outputs = {convolution(row, 1, 9000, 1, 3000)};
  sim::testing::require_exact(row.graph, config, {row.random_array(row.graph.inputs[0])});
  Builder both(1);
  both.graph.outputs = {convolution(both, 1, 9000, 1, 3000), convolution(both, 9000, 1, 3000, 1)};
  REQUIRE_THROWS_WITH(compile(both.graph, config),
                      Catch::Contains("op 0 CONV_2D") && Catch::Contains("memory.dmem_kib = 8"));
}

}  // namespace
}  // namespace trine::compiler
