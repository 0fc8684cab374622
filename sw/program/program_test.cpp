// SPDX-License-Identifier: Apache-2.0

#include "sw/program/program.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <regex>
#include <sstream>
#include <type_traits>

#include "program_generated.h"
#include "spec/precision.h"
#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/model/graph/op_fields.h"
#include "sw/model/import/import.h"
#include "sw/model/import/testing.h"
#include "sw/program/image.h"
#include "sw/program/testing.h"
#include "tests/compiler/testing.h"

namespace trine::program {
namespace {

using compiler::compile;

using sim::testing::Builder;
using namespace trine::program::testing;

/// Returns the program's file with a change and a correct checksum.
template <typename Change>
std::vector<std::uint8_t> changed(const Program& program, Change change) {
  const std::string file = serialize(program);
  const auto parts = format::UnPackProgram(file.data());
  change(*parts);
  flatbuffers::FlatBufferBuilder builder;
  format::FinishProgramBuffer(builder, format::Program::Pack(builder, parts.get()));
  std::vector<std::uint8_t> bytes(builder.GetBufferPointer(),
                                  builder.GetBufferPointer() + builder.GetSize());
  REQUIRE(seal(bytes));
  return bytes;
}

TEST_CASE("a program survives its file", "[compiler][program]") {
  Program program = small_program();
  program.images = 3;
  const auto path = std::filesystem::temp_directory_path() /
                    ("trine_program_test." + std::to_string(::getpid()) + ".trine");
  write_program(path, program);
  const Program read = read_program(path);
  std::filesystem::remove(path);
  CHECK(serialize(read) == serialize(program));
  CHECK(read.images == 3);
  CHECK(read.words == program.words);
  CHECK(read.layers.size() == 2);
  CHECK(read.layers[0].op == "CONV_2D");
  CHECK(read.after.ops.size() == 1);
  CHECK(read.macs() == 9 * 9 * 12 * 9 * 5);
}

TEST_CASE("a program's file holds the whole configuration", "[compiler][program]") {
  spec::Config config = sim::testing::small_config(4, 4, 16, 8, 64);
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
    REQUIRE_THROWS_WITH(parse_program(damaged, "net.trine"),
                        Catch::Matchers::StartsWith("net.trine: "));
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
  int refused = 0, unsealed = 0;
  for (int i = 0; i < 2000; ++i) {
    auto damaged = bytes;
    for (int k = 0; k < 3; ++k)
      damaged[8 + random() % (damaged.size() - 8)] = static_cast<std::uint8_t>(random() % 256);
    unsealed += !seal(damaged);
    try {
      parse_program(damaged, "net.trine");
    } catch (const Error& e) {
      ++refused;
      CHECK(std::string(e.what()).find("net.trine:") == 0);
    }
  }
  CHECK(refused > 0);
  CHECK(unsealed < 1000);
}

TEST_CASE("other files are refused with their kind or version", "[compiler][program][error]") {
  const Program program = small_program();
  require_refused(bytes_of("TRINEPRG\x0b and what followed"),
                  "net.trine: compiled by an earlier version: compile again");
  require_refused(changed(program, [](format::ProgramT& p) { --p.version; }),
                  "has format version 13, but this tool reads 14: compile again");
  require_refused(bytes_of(write_image(program)), "net.trine: is a machine image, for drivers");
  require_refused(changed(program, [](format::ProgramT& p) { p.stages.clear(); }), "no stages");
}

TEST_CASE("a small file does not unfold into a large program", "[compiler][program][error]") {
  const std::string file = serialize(small_program());
  const auto parts = format::UnPackProgram(file.data());
  flatbuffers::FlatBufferBuilder b;
  format::TensorT large;
  large.data.resize(50'000);
  const auto tensor = format::Tensor::Pack(b, &large);
  const auto graph =
      format::CreateGraph(b, b.CreateString("x"), b.CreateVector(std::vector(50'000, tensor)),
                          b.CreateVector(std::vector<flatbuffers::Offset<format::Op>>{}),
                          b.CreateVector(std::vector<int>{}), b.CreateVector(std::vector<int>{}));
  format::StageT& s = *parts->stages[0];
  const auto names = b.CreateVectorOfStrings(s.inputs);
  const auto layers = b.CreateVector(std::vector<flatbuffers::Offset<format::Layer>>{});
  const auto segment =
      format::CreateStage(b, b.CreateString("x"), b.CreateVector(s.image), names, names, layers,
                          b.CreateVector(s.run_layer), graph, graph);
  const auto configuration = b.CreateString(parts->configuration);
  format::FinishProgramBuffer(b, format::CreateProgram(b, 1, parts->version, configuration,
                                                       b.CreateVector(std::vector{segment})));
  std::vector<std::uint8_t> bytes(b.GetBufferPointer(), b.GetBufferPointer() + b.GetSize());
  REQUIRE(seal(bytes));
  require_refused(bytes, "damaged: parts of the file are used twice");
}

TEST_CASE("the parts of a program file are checked one by one", "[compiler][program][error]") {
  const Program program = small_program();
  const auto refused = [&](const char* what, auto change) {
    require_refused(changed(program, [&](format::ProgramT& p) { change(*p.stages[0]); }), what);
  };
  using Stage = format::StageT;
  refused("operator 'SOFTMIN' is unknown", [](Stage& s) { s.after->ops[0]->kind = "SOFTMIN"; });
  refused("tensor type 'i3'", [](Stage& s) { s.after->tensors[0]->type = "i3"; });
  refused("code 5, allowed 0..4", [](Stage& s) { s.after->tensors[0]->encoding = 5; });
  refused("code 4, allowed 0..3", [](Stage& s) { s.after->ops[0]->activation = 4; });
  refused("code 2, allowed 0..1", [](Stage& s) { s.after->ops[0]->padding = 2; });
  refused("code 3, allowed 0..", [](Stage& s) { s.rounding_others = 3; });
  refused("1 tensors with 2 names", [](Stage& s) { s.outputs.push_back("y"); });
  refused("image: truncated", [](Stage& s) { s.image.resize(63); });
  refused("image: not a machine image", [](Stage& s) { s.image[0] = 0; });
  refused("compiled for version 999 of the instruction set", [](Stage& s) {
    s.image[12] = 999 & 255;
    s.image[13] = 999 >> 8;
  });
  refused("image: damaged: the checksum does not match", [](Stage& s) { s.image.back() ^= 1; });
  const auto resealed = [&](const char* what, std::size_t at, int value) {
    refused(what, [&](Stage& s) {
      s.image[at] = static_cast<std::uint8_t>(value);
      seal_image(s.image);
    });
  };
  resealed("image: sizes and offsets do not match", 44, 7);   // words
  resealed("image: sizes and offsets do not match", 56, 2);   // inputs
  resealed("image: sizes and offsets do not match", 40, 63);  // words_offset
  resealed("image: a tensor of 9 axes", 64 + 52, 9);          // rank
  resealed("image: transposed is neither 0 nor 1", 64 + 48, 2);
  refused("image: sizes and offsets do not match", [](Stage& s) {
    s.image.push_back(0);
    seal_image(s.image);
  });
}

TEST_CASE("floats of a program file are finite", "[compiler][program][error]") {
  const float infinite = std::numeric_limits<float>::infinity();
  const std::map<std::string, std::function<void(Program&)>> damages{
      {"attribute", [&](Program& p) { p.after.ops[0].beta = -infinite; }},
      {"scale of a tensor",
       [&](Program& p) { p.after.tensors[0].quantization.scale = {infinite}; }},
      {"attribute of ONNX",
       [&](Program& p) {
         p.after.ops[0].numbers["alpha"] = {0.0, std::nan("")};
       }},
      {"step",
       [&](Program& p) {
         p.after.ops[0].steps = {{model::FloatStep::Kind::kMul, {infinite}}};
       }},
      {"scale at the edge", [&](Program& p) { p.inputs[0].scale = std::nan(""); }}};
  for (const auto& [what, damage] : damages) {
    CAPTURE(what);
    Program program = small_program();
    damage(program);
    require_refused(bytes_of(serialize(program)), "where a finite number is expected");
  }
}

TEST_CASE("operators are stored by name with all of their attributes", "[compiler][program]") {
  Program program = small_program();
  model::Op& op = program.after.ops[0];
  op.numbers["opset"] = {13, -0.5};
  op.words["mode"] = "linear";
  op.steps = {{model::FloatStep::Kind::kMin, {1, 2.5f}}};
  op.new_shape = {3, -1};
  op.of_uint8 = op.half_even = true;
  op.counted_macs = 12;
  op.low = -7;
  program.after.tensors[0].quantization.axis = 3;
  const std::string file = serialize(program);
  CHECK(format::GetProgram(file.data())->stages()->Get(0)->after()->ops()->Get(0)->kind()->str() ==
        "SOFTMAX");
  const Program again = parse_program(bytes_of(file), "x");
  const model::Op& read = again.after.ops.at(0);
  CHECK(read.kind == model::OpKind::kSoftmax);
  CHECK((read.numbers == op.numbers && read.words == op.words && read.new_shape == op.new_shape));
  CHECK((read.of_uint8 && read.half_even && read.counted_macs == 12 && read.low == -7));
  CHECK(read.steps.at(0).value == op.steps[0].value);
  CHECK(again.after.tensors.at(0).quantization.axis == 3);
}

TEST_CASE("a difference is reported at its element whatever its size in bytes", "[program]") {
  const Program program = small_program();
  const Array expected{"i4", {2, 3}, std::vector<std::uint8_t>(24)};
  Array actual = expected;
  actual.bytes[4 * 5] = 7;
  CHECK_THAT(first_difference(program, {actual}, {expected}),
             Catch::Matchers::EndsWith(" at 1,2: 7, expected 0"));
}

TEST_CASE("each number of an operator is stored", "[compiler][program]") {
  Program program = small_program();
  model::Op& op = program.after.ops[0];
  int next = 3;
  model::for_each_field([&]<typename T>(const char*, T model::Op::*field) {
    if constexpr (std::is_same_v<T, bool>)
      op.*field = !(op.*field);
    else if constexpr (!std::is_enum_v<T>)
      op.*field = static_cast<T>(next++);
  });
  op.code_min = -next;
  op.of_tosa = 1;
  op.padding = model::Padding::kValid;
  op.activation = model::Activation::kRelu6;
  const Program again = parse_program(bytes_of(serialize(program)), "x");
  const model::Op& read = again.after.ops.at(0);
  model::for_each_field([&](const char* name, auto field) {
    CAPTURE(name);
    CHECK(read.*field == op.*field);
  });
}

TEST_CASE("the schema has a field for each attribute and no other", "[compiler][program]") {
  std::vector<std::string> attributes, fields;
  model::for_each_field([&]<typename T>(const char* name, T model::Op::*) {
    const char* type = std::is_same_v<T, bool>    ? "bool"
                       : std::is_same_v<T, float> ? "float"
                       : std::is_enum_v<T>        ? "uint8"
                                                  : "int32";
    attributes.push_back(fmt::format("{}: {}", name, type));
  });
  const std::string schema =
      read_text(std::filesystem::path(TRINE_SOURCE_DIR) / "sw" / "program" / "program.fbs");
  const std::size_t table = schema.find("table Op {");
  std::istringstream lines(schema.substr(table, schema.find('}', table) - table));
  const std::regex row(R"(  (\w+: (int32|uint8|bool|float))( = [-\w.]+)?;.*)");
  std::smatch found;
  for (std::string line; std::getline(lines, line);)
    if (std::regex_match(line, found, row) && found[1] != "index: int32")
      fields.push_back(found[1]);
  CHECK(fields == attributes);
}

TEST_CASE("an image stores its numbers where the page says", "[compiler][program][image]") {
  const Program program = small_program();
  const std::string image = write_image(program);
  const std::string page =
      read_text(std::filesystem::path(TRINE_SOURCE_DIR) / "docs" / "program-file.md");
  std::size_t at = 0;
  std::string table, last;
  const auto row = [&](const std::string& name, const auto& value, const std::string& meaning) {
    const std::size_t bytes =
        std::is_same_v<std::decay_t<decltype(value)>, bool> ? 4 : sizeof value;
    if (name != last) table += fmt::format("| {} | {} | `{}` | {} |\n", at, bytes, name, meaning);
    last = name;
    at += bytes;
  };
  ImageHeader header;
  visit_header(header, row);
  CHECK(at == kImageHeader);
  CAPTURE(table);
  CHECK(page.find(table) != std::string::npos);
  table.clear();
  at = 0;
  TensorLayout layout;
  layout.extents.resize(kImageRank);
  ImageRecord record;
  visit_record(layout, record, row);
  CHECK(at <= kImageRecord);
  CAPTURE(table);
  CHECK(page.find(table) != std::string::npos);

  const auto number = [&](std::size_t offset) {
    std::uint32_t value;
    std::memcpy(&value, &image[offset], 4);
    return value;
  };
  CHECK(image.substr(0, 8) == "TRINEIMG");
  CHECK(number(40) == 64 + 2 * 160);  // words
  CHECK(number(44) == program.words.size());
  CHECK((number(48) % 64 == 0 && number(48) >= number(40) + 8 * program.words.size()));
  CHECK(std::memcmp(&image[number(40)], program.words.data(), 8 * program.words.size()) == 0);
  CHECK(number(48) + number(52) == image.size());
  CHECK(number(64 + 32) == 5);         // C of the input
  CHECK(number(64 + 160 + 32) == 12);  // of the output
}

TEST_CASE("an image as C has the image's bytes and the sizes of its tensors",
          "[compiler][program][image]") {
  Program program = small_program();
  program.name = "2 LeNet-*/";
  const std::string image = write_image(program), text = write_c(program);
  std::string bytes;
  const std::size_t begin = text.find("] = {");
  REQUIRE(begin != std::string::npos);
  std::istringstream words(text.substr(begin + 5));
  for (std::string word; words >> word && word.starts_with("0x");) {
    const std::uint64_t value = std::stoull(word, nullptr, 16);
    bytes.append(reinterpret_cast<const char*>(&value), 8);
  }
  REQUIRE(bytes.size() == (image.size() + 7) / 8 * 8);
  CHECK(bytes.substr(0, image.size()) == image);
  std::map<std::string, std::string> defined;
  const std::regex line("#define (_2_LENET___\\w+) (.*)");
  for (std::sregex_iterator i(text.begin(), text.end(), line), end; i != end; ++i)
    defined[(*i)[1].str().substr(12)] = (*i)[2];
  const auto size = [](std::int64_t value) { return std::to_string(value); };
  const TensorLayout &in = program.inputs.at(0), &out = program.outputs.at(0);
  CHECK(defined ==
        std::map<std::string, std::string>{
            {"NAME", "\"2_LeNet-__\""},
            {"CONFIGURATION", "\"" + program.config.name + "\""},
            {"CONFIGURATION_HASH", fmt::format("0x{:016x}u", program.config.hash())},
            {"IMAGE_BYTES", size(static_cast<std::int64_t>(image.size())) + "u"},
            {"MEMORY_BYTES", size(program.dram_bytes + 8 * std::ssize(program.words)) + "u"},
            {"INPUTS", "1"},
            {"OUTPUTS", "1"},
            {"INPUT_0_ELEMENTS", size(in.elements())},
            {"INPUT_0_BYTES", size(in.elements())},
            {"OUTPUT_0_ELEMENTS", size(out.elements())},
            {"OUTPUT_0_BYTES", size(out.elements())}});
}

TEST_CASE("every shipped model's program survives its file", "[compiler][program]") {
  const spec::Config config = spec::load_config("edge64");
  compiler::CompileOptions options;
  options.host = compiler::HostPart::kAnywhere;
  int programs = 0, staged = 0, with_host = 0;
  for (const char* folder :
       {"models", "tests/networks", "tests/operators", "tests/lowbit", "tests/onnx"})
    for (const auto& entry :
         std::filesystem::directory_iterator(std::filesystem::path(TRINE_SOURCE_DIR) / folder)) {
      if (entry.path().extension() != ".tflite" && entry.path().extension() != ".onnx") continue;
      CAPTURE(entry.path());
      std::string file;
      try {
        file = serialize(compile(model::import_model(entry.path(), true), config, options));
      } catch (const Error&) {
        continue;  // refused, as the tests of the command line check
      }
      const Program read = parse_program(bytes_of(file), "x");
      CHECK(serialize(read) == file);
      ++programs;
      staged += !read.rest.empty();
      with_host += !read.before.ops.empty();
    }
  CHECK(programs > 50);
  CHECK(staged > 0);
  CHECK(with_host > 0);
}

TEST_CASE("names of any bytes are accepted in a program", "[compiler][program]") {
  Program program = small_program();
  program.layers[0].name = "caf\xe9";
  program.layers[0].op = "two\nlines";
  CHECK(parse_program(bytes_of(serialize(program)), "net.trine").layers[0].op == "two?lines");
  CHECK(parse_program(bytes_of(serialize(program)), "net.trine").layers[0].name == "caf\xe9");
}

TEST_CASE("a program for another configuration is refused", "[compiler][program][error]") {
  Program program = small_program();
  spec::Config config = program.config;
  config.pipeline_rows = 2;  // no program depends on it
  config.ecc = true;
  set_configuration(program, config);
  CHECK(program.config.to_toml() == config.to_toml());
  CHECK(parse_program(bytes_of(serialize(program)), "net.trine").words == program.words);
  config.pmem_kib *= 2;
  REQUIRE_THROWS_WITH(set_configuration(program, config),
                      Catch::Matchers::ContainsSubstring("compiled for configuration"));
}

TEST_CASE("a program file begins with its configuration and uses only its features",
          "[compiler][program][error]") {
  const Program program = small_program();
  const auto refused = [](const Program& p, const std::string& what) {
    REQUIRE_THROWS_WITH(parse_program(bytes_of(serialize(p)), "net.trine"),
                        Catch::Matchers::ContainsSubstring(what));
  };
  CHECK(program.words.front() == program.config.hash());
  Program other = program;
  other.words.front() ^= 1;
  refused(other, "net.trine: word 0 is not the hash of the configuration");
  other = program;
  other.words[1] = program.words.front();
  refused(other, "the instruction does not exist");
  other.words[1] = isa::encode_run(isa::Engine::kCompute,
                                   {0, 0, static_cast<int>(isa::compute::Op::kTernary), 0});
  refused(other, "precision ternary: the configuration lacks ternary");
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
  const spec::Config config = sim::testing::small_config(4, 4, 16, 8, 64);
  Builder b(1);
  const int in = b.input({1, 4, 4, 4});
  const int logarithm = b.unary(in, model::OpKind::kLogSoftmax, "LOG_SOFTMAX");
  b.graph.tensors.back().quantization = {{16.0f / 256}, {127}, 0};
  b.graph.outputs = {b.addition(in, logarithm)};
  REQUIRE_THROWS_WITH(compile(b.graph, config), Catch::Matchers::ContainsSubstring(
                                                    "random.tflite: op 0 LOG_SOFTMAX: tensor 1"));

  Builder c(2);
  const int image = c.input({1, 4, 4, 4});
  c.graph.outputs = {c.pool(image, true, 2, 2, 2, 2, model::Padding::kValid)};
  spec::Config plain = config;
  plain.vector = false;
  REQUIRE_THROWS_WITH(compile(c.graph, plain), Catch::Matchers::ContainsSubstring("vector.enable"));
}

TEST_CASE("a layer that fits no memory is refused by name", "[compiler][error]") {
  const spec::Config config = sim::testing::small_config(4, 4, 8, 8, 64);
  const auto convolution = [](Builder& b, int height, int width, int taps_y, int taps_x) {
    return b.convolution(b.input({1, height, width, 4}), 4, taps_y, taps_x, 1, 1, 1, 1,
                         model::Padding::kValid, true);
  };
  // Rows that are too long for a buffer become columns when the network is transposed.
  Builder row(1);
  row.graph.outputs = {convolution(row, 1, 9000, 1, 3000)};
  sim::testing::require_exact(row.graph, config, {row.random_array(row.graph.inputs[0])});
  Builder both(1);
  both.graph.outputs = {convolution(both, 1, 9000, 1, 3000), convolution(both, 9000, 1, 3000, 1)};
  REQUIRE_THROWS_WITH(compile(both.graph, config),
                      Catch::Matchers::ContainsSubstring("op 0 CONV_2D") &&
                          Catch::Matchers::ContainsSubstring("memory.dmem_kib = 8"));
}

}  // namespace
}  // namespace trine::program
