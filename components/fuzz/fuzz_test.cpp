// SPDX-License-Identifier: Apache-2.0
//
// Checks the generator: cases can be repeated, failures are detected and simplified.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>

#include "components/fuzz/case_file.h"
#include "components/fuzz/pair.h"
#include "components/fuzz/program_run.h"
#include "spec/isa.h"
#include "spec/packed.h"
#include "spec/precision.h"
#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/model/check/check.h"
#include "sw/program/verify.h"
#include "tools/random/configs.h"
#include "tools/random/random_program.h"

namespace trine::fuzz {
namespace {

TEST_CASE("a case repeats its pair", "[fuzz]") {
  for (int n = 0; n < 50; ++n) {
    const Case drawn = draw_case(7, n, n);
    const Pair a = make_pair(drawn), b = make_pair(parse_case(to_text(drawn)));
    CAPTURE(to_text(drawn));
    CHECK(describe(a) == describe(b));
    CHECK(to_text(a.made) == to_text(drawn));
    REQUIRE(a.inputs.size() == b.inputs.size());
    for (std::size_t i = 0; i < a.inputs.size(); ++i) CHECK(a.inputs[i].bytes == b.inputs[i].bytes);
  }
}

TEST_CASE("only networks of requested families are drawn and a case repeats without naming them",
          "[fuzz]") {
  const std::vector<Family> asked{Family::kMatrices, Family::kExported};
  int exported = 0;
  for (int n = 0; n < 100; ++n) {
    const Case drawn = draw_case(11, 0, n, asked);
    const Pair pair = make_pair(drawn);
    CHECK((pair.family == Family::kMatrices || pair.family == Family::kExported));
    CHECK(to_text(pair.made) == to_text(drawn));
    exported += pair.family == Family::kExported ? 1 : 0;
  }
  CHECK(exported > 10);
  CHECK(exported < 60);
}

// Found by `--family low-bit`: a group of four channels is an eighth of a word of binary codes, but
// a store to DRAM transfers whole words.
TEST_CASE("groups whose channels share words are exact even if rows are in DRAM", "[fuzz]") {
  const Pair pair =
      make_pair(parse_case("0,0,0,0,2,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,2,0,3,0/1763013435/"
                           "6,0,0,0,0,0,19,0,0,1,1,0,0,0,0,0,0,1,0,1,1,0,0,0,0,4,0/0,2"));
  REQUIRE(pair.config.cores == 2);  // another generator draws another case
  REQUIRE(pair.graph.ops.size() == 2);
  REQUIRE(pair.graph.in(pair.graph.ops[0], 1).shape == std::vector{16, 1, 1, 2});
  REQUIRE(pair.graph.out(pair.graph.ops[1]).shape == std::vector{1, 5, 5, 16});
  const Verdict verdict = run_pair(pair, Backend::kArch);
  CHECK(verdict.text == "");
}

TEST_CASE("int16 networks are drawn for configurations that support them", "[fuzz]") {
  const spec::Config lacks;
  int drawn = 0, with_key = 0;
  for (int n = 0; n < 100; ++n) {
    const Pair alone = make_pair(draw_case(12, n, n, {Family::kInt16}));
    CHECK((alone.family == Family::kInt16 && alone.config.activations16));
    const Pair cells = make_pair(draw_case(12, n, n, {Family::kCells}));
    CHECK((cells.family == Family::kCells && cells.config.activations16 && cells.config.table));
    CHECK(make_pair(draw_case(12, n, n, {}, &lacks)).family != Family::kInt16);
    const Pair any = make_pair(draw_case(12, n, n));
    if (!any.config.activations16) CHECK(any.family != Family::kInt16);
    drawn += any.family == Family::kInt16 ? 1 : 0;
    with_key += any.config.activations16 ? 1 : 0;
  }
  CHECK((drawn > 0 && drawn < with_key));
}

TEST_CASE("a softmax of int16 is legal at any scale", "[fuzz]") {
  const spec::Config config = spec::load_config("edge64", {"array.activations16=true"});
  const Pair pair = make_pair(
      parse_case(
          "1,11,1,3,2,0,3,1,0,0,0,5,2,8,0,3,1,4,0,0,2,1,2,2,0,1,2,3/553578066/11,2,1,6,4,16,2,1"
          ",34,0,2,1,5,0,7,7,5,8,1,67,0,7,2,0,0,0,0,1,24,1,2,0,1,1,4,1,0,1,4,0,1,135,7,3,6,0,2,"
          "11,5,10,7,5,2,3,3,2,1,0,1,2"),
      config);
  const auto softmax = std::ranges::find(pair.graph.ops, model::OpKind::kSoftmax, &model::Op::kind);
  REQUIRE(softmax != pair.graph.ops.end());
  CHECK(pair.graph.in(*softmax, 0).scale() < 0x1p-26F);
  CHECK(run_pair(pair, Backend::kArch).outcome != Outcome::kFailed);
}

TEST_CASE("low-bit networks are drawn for designs that support such weights", "[fuzz]") {
  for (int n = 0; n < 100; ++n) {
    const Pair pair = make_pair(draw_case(14, n, n, {Family::kLowBit}));
    CHECK((pair.config.ternary || pair.config.binary));
  }
}

TEST_CASE("low-bit networks have weights for each way to pack them", "[fuzz][packed]") {
  const spec::Config config = spec::load_config("edge32", {"memory.packed_weights=true"});
  unsigned streams = 0;
  for (int n = 0; n < 12; ++n) {
    const Pair pair = make_pair(draw_case(13, 0, n, {Family::kLowBit}, &config), config);
    const Verdict v = run_pair(pair, Backend::kArch);
    CAPTURE(n, v.text);
    CHECK(v.outcome == Outcome::kExact);
    streams |= v.streams;
  }
  CHECK(streams == (1U << spec::kStreams.size()) - 1);
}

TEST_CASE("any record makes a legal configuration", "[fuzz]") {
  for (int seed = 0; seed < 300; ++seed) {
    Choices random{static_cast<std::uint64_t>(seed)};
    Record record;
    for (int i = random.number(0, 40); i > 0; --i) record.push_back(random.number(0, 300));
    Choices choices{record, 0};
    CHECK_NOTHROW(any_config(choices));
  }
}

TEST_CASE("presets, presets with changed keys and odd sides are drawn", "[fuzz]") {
  const std::vector<std::string> presets = spec::preset_names();
  CHECK(std::set(presets.begin(), presets.end()) ==
        std::set(drawn_presets().begin(), drawn_presets().end()));
  std::set<std::string> whole, changed;
  std::set<int> sides;
  for (int k = 0; k < 1200; ++k) {
    const spec::Config config = draw_config(17, k).first;
    sides.insert({config.rows, config.cols});
    if (config.name == "fuzz") continue;
    const bool same = config.to_toml() == spec::load_config(config.name).to_toml();
    (same ? whole : changed).insert(config.name);
  }
  CHECK(whole.size() == presets.size());
  CHECK(changed.size() == presets.size());
  for (const int side : {31, 63, 127}) CHECK(sides.contains(side));
}

TEST_CASE("requested families that the configuration does not support are not drawn", "[fuzz]") {
  const std::vector<Family> asked{Family::kImages, Family::kInt16, Family::kExchange};
  for (int n = 0; n < 60; ++n) {
    const Pair pair = make_pair(draw_case(22, n, n, asked));
    if (!pair.config.activations16) CHECK(pair.family != Family::kInt16);
    if (pair.config.cores == 1) CHECK(pair.family != Family::kExchange);
  }
}

TEST_CASE("configurations of too many PEs are drawn again", "[fuzz]") {
  for (int k = 0; k < 200; ++k) CHECK(draw_config(18, k, {}, 64).first.pes() <= 64);
}

TEST_CASE("families of inputs, gates, exchanges and TOSA are drawn among the others", "[fuzz]") {
  std::map<Family, int> drawn;
  for (int n = 0; n < 400; ++n) ++drawn[make_pair(draw_case(19, n % 40, n)).family];
  for (const Family family : {Family::kParts, Family::kGates, Family::kExchange, Family::kTosa})
    CHECK(drawn[family] > 4);
  for (int n = 0; n < 40; ++n)
    CHECK(make_pair(draw_case(19, n, n, {Family::kExchange})).config.cores > 1);
}

// A file's operators, run one by one, give the outputs of the golden layers for the imported graph.
TEST_CASE("an import that computes something else than its file is a failure", "[fuzz][tosa]") {
  Pair pair;
  for (int n = 0; pair.imported == nullptr; ++n) {
    Pair drawn = make_pair(draw_case(20, n, n, {Family::kTosa}));
    if (run_pair(drawn, Backend::kArch).outcome == Outcome::kExact) pair = std::move(drawn);
  }
  const auto file = pair.imported;
  pair.imported =
      std::make_shared<const ImportedFile>(ImportedFile{file->text, [&](const auto& inputs) {
                                                          auto outputs = file->run(inputs);
                                                          outputs.at(0).bytes.at(0) ^= 1;
                                                          return outputs;
                                                        }});
  const Verdict v = run_pair(pair, Backend::kArch);
  CHECK(v.outcome == Outcome::kFailed);
  CHECK_THAT(v.text, Catch::Matchers::StartsWith("import: byte 0 of output 0 is "));
}

TEST_CASE("a kept pair is read back as the same pair", "[fuzz]") {
  const auto family = GENERATE(Family::kImages, Family::kLowBit, Family::kExported, Family::kInt16,
                               Family::kFormats, Family::kSpikes, Family::kParts, Family::kTosa);
  for (int n = 0; n < 6; ++n) {
    const Pair drawn = make_pair(draw_case(21, n, n, {family}));
    if (!drawn.unread.empty()) continue;
    const std::string text = case_text(drawn, "why");
    const Pair kept = parse_pair(text, "kept.json");
    CAPTURE(to_text(drawn.made), describe(drawn));
    CHECK_FALSE(holds_program(text, "kept.json"));
    CHECK(case_text(kept, "why") == text);
    const Verdict a = run_pair(drawn, Backend::kArch), b = run_pair(kept, Backend::kArch);
    CHECK(a.outcome == b.outcome);
    CHECK(a.arch_cycles == b.arch_cycles);
  }
}

TEST_CASE("a kept program is read back as the same program", "[fuzz]") {
  ProgramCase c;
  c.config = spec::load_config("edge32");
  c.seed = 7;
  c.instructions = 9;
  const std::string text = case_text(c, "why");
  CHECK(holds_program(text, "kept.json"));
  CHECK(describe(parse_program_case(text, "kept.json")) == describe(c));
}

TEST_CASE("a text that is not a kept pair is refused", "[fuzz][error]") {
  for (const char* text : {"", "{}", R"({"config": ""})", R"({"config": "[array]\nrows = 0"})"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_pair(text, "kept.json"), Error);
  }
}

/// Returns the arithmetic fields that a RUN of the operation reads. They do not include fields of
/// the loop nest and fields of results that the engine does not make.
std::vector<const isa::Field*> fields_read(isa::Engine engine, const isa::Code& operation) {
  const auto is_of = [engine](unsigned engines) {
    return (engines >> static_cast<int>(engine) & 1) != 0;
  };
  std::set<const isa::Field*> sometimes;
  if (engine == isa::Engine::kVector)
    sometimes = {&isa::post::kEncoding, &isa::post::kPassesLast, &isa::post::kLow};
  for (const isa::Code& code : isa::operations_of(engine).codes)
    sometimes.insert(code.reads.begin(), code.reads.end());
  for (const isa::Flag& flag : isa::kFlags)
    if (is_of(flag.engines)) sometimes.insert(flag.reads.begin(), flag.reads.end());
  std::vector<const isa::Field*> fields;
  for (const isa::ListedField& f : isa::kFields)
    if (is_of(f.engines) && f.group != "agu" &&
        (!sometimes.contains(f.field) || std::ranges::count(operation.reads, f.field) > 0))
      fields.push_back(f.field);
  return fields;
}

/// Returns the fields and flags that have the same value in all RUNs of an operation: "format=0".
std::string fixed_in(const std::vector<compiler::Instruction>& runs, isa::Engine engine,
                     const isa::Code& operation) {
  std::string text;
  const auto add = [&](std::string_view name, const auto& value) {
    const auto first = value(runs[0]);
    if (std::ranges::all_of(runs, [&](const auto& i) { return value(i) == first; }))
      text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, first);
  };
  for (const isa::Field* field : fields_read(engine, operation))
    add(field->name, [&](const compiler::Instruction& i) {
      return isa::get_field(i.registers.value[static_cast<std::size_t>(field->reg)], *field);
    });
  for (const isa::Flag& flag : isa::kFlags)
    if ((flag.engines >> static_cast<int>(engine) & 1) != 0 &&
        (flag.codes >> operation.code & 1) != 0 && flag.name != "center")
      add(flag.name, [&](const compiler::Instruction& i) { return i.run.has(flag.bit) ? 1 : 0; });
  return text;
}

TEST_CASE("random programs draw each field and flag of each operation that may vary", "[fuzz]") {
  const std::map<std::string, std::string> fixed{
      {"int8", "format=0"},
      {"ternary", "format=0 window=0"},
      {"binary", "format=0 window=0"},
      {"int8_ternary", "format=0 window=0"},
      {"int8_binary", "format=0 window=0"},
      {"matmul", "format=0 fuse_add=0"},
      {"int16",
       "zero_point=0 output=0 encoding=0 passes_last=0 low=0 fuse_add=0 fuse_max=0 window=0 "
       "add_sums=0"},
      {"matmul16",
       "zero_point=0 output=2 encoding=0 passes_last=0 low=0 position=0 fuse_add=0 fuse_max=0 "
       "window=0 half_even=0 add_sums=0"},
      {"int8_int4", "format=0 window=0"},
      {"int8_groups",
       "passes_last=0 format=0 clear=1 drain=1 fuse_add=0 fuse_max=0 window=0 add_sums=0"},
      {"int8_int16",
       "zero_point=0 output=0 encoding=0 passes_last=0 low=0 fuse_add=0 fuse_max=0 window=0 "
       "add_sums=0"},
      {"binary_inside", "pad_code=0 format=0 window=0"},
      {"max", "output=0 format=0 reduce=0"},
      {"sum", "format=0"},
      {"add", "format=0 reduce=0"},
      {"max_ternary", "output=0 format=0 reduce=0"},
      {"max_binary", "output=0 format=0 reduce=0"},
      {"mul", "format=0 reduce=0"},
      {"min", "output=0 format=0 reduce=0"},
      {"softmax", "output=0 format=0 reduce=0 invert=0 single=0 half_even=0"},
      {"squared_difference", "format=0 reduce=0"},
      {"normalize", "output=0 format=0 reduce=0 invert=0 single=1 half_even=0"},
      {"sum16", "zero_point=0 output=0"},
      {"add16", "zero_point=0 output=0 add_zero_point=0 reduce=0"},
      {"mul16", "zero_point=0 output=0 reduce=0"},
      {"leaky16", "zero_point=0 output=0 reduce=0"},
      {"narrow16", "output=0 reduce=0"},
      {"widen16", "zero_point=0 output=0 reduce=0"},
      {"logistic16", "zero_point=0 output=0 format=0 reduce=0"},
      {"tanh16", "zero_point=0 output=0 format=0 reduce=0"},
      {"max16", "zero_point=0 output=0"},
      {"min16", "zero_point=0 output=0"},
      {"join16", "zero_point=0 output=0 reduce=0"},
      {"word16", "zero_point=0 output=0 reduce=0"},
      {"exponential16", "zero_point=0 output=0 format=0 reduce=0 invert=0 half_even=0"},
      {"share16", "zero_point=0 output=0 reduce=0 invert=0 single=1 half_even=0"},
      {"mul_narrow16", "output=0 reduce=0"},
      {"triple16", "zero_point=0 output=0 reduce=0"},
      {"triple_narrow16", "output=0 reduce=0"},
      {"five_narrow16", "output=0 reduce=0 single=1"},
  };
  const spec::Config config = spec::load_config(
      "edge32", {"array.activations16=true", "array.weights4=true", "array.groups=true",
                 "array.formats=true", "memory.dmem_kib=8", "memory.pmem_kib=8",
                 "memory.param_channels=128", "cluster.cores=2", "post.partial_sums=true"});
  std::map<isa::Engine, std::map<int, std::vector<compiler::Instruction>>> runs;
  for (unsigned seed = 2; seed < 800; seed += 2)
    for (const compiler::Instruction& i : random_program(config, seed, 60).instructions)
      runs[i.engine][i.run.op].push_back(i);
  for (const isa::Engine engine : {isa::Engine::kCompute, isa::Engine::kVector})
    for (const isa::Code& code : isa::operations_of(engine).codes) {
      CAPTURE(code.name);
      REQUIRE(runs[engine][code.code].size() > 40);
      CHECK(fixed_in(runs[engine][code.code], engine, code) == fixed.at(std::string(code.name)));
    }
}

TEST_CASE("a program is made shorter as long as it fails", "[fuzz]") {
  ProgramCase c;
  c.instructions = 61;
  const auto fails = [](const ProgramCase& p) { return p.instructions >= 23; };
  CHECK(shortest(c, fails).instructions == 23);
}

TEST_CASE("an assertion that stops a process is a failure with its text", "[fuzz][error]") {
  const auto assertion = [] {
    std::printf(
        "[120] %%Error: build/rtl/trine_post.sv:389: Assertion failed in "
        "TOP.trine_top.u_post.a_drained\nAborting...\n");
    std::fflush(stdout);
    std::abort();
    return Verdict{};
  };
  const Verdict v = run_isolated(assertion, 10);
  CHECK(v.outcome == Outcome::kFailed);
  CHECK(v.text == "RTL: assertion trine_post.sv:389: TOP.trine_top.u_post.a_drained");
  const auto crash = [] {
    std::abort();
    return Verdict{};
  };
  CHECK(run_isolated(crash, 10).text == "crash: Aborted");
  const auto hang = [] {
    for (volatile bool more = true; more;) {
    }
    return Verdict{};
  };
  CHECK(run_isolated(hang, 1).text == "no result after 1 s");
}

TEST_CASE("the epsilon of a drawn norm is supported by the machine", "[fuzz]") {
  for (unsigned seed = 0; seed < 20; ++seed) {
    Builder b(seed);
    const int x = b.activation("x", {1, 2, 2, 11});
    b.tensor(x).quantization.scale = {5.5e-07f};
    b.graph.inputs = {x};
    b.graph.outputs = {b.normalization(x, seed % 2 == 0)};
    CAPTURE(seed);
    CHECK_NOTHROW(model::check(b.graph));
  }
}

TEST_CASE("a file that is not a kept case is refused", "[fuzz][error]") {
  for (const char* text : {"", "1,2", "1/2", "1,/2/3", "1/x/3", "1/2/3,,4", "a/2/3", "1/-2/3"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_case(text), Error);
  }
}

bool has(const Pair& p, const std::string& op) {
  return std::any_of(p.graph.ops.begin(), p.graph.ops.end(),
                     [&](const model::Op& o) { return o.name == op; });
}

/// A failure that depends on an operator and the bus: only these remain.
TEST_CASE("failures are made simpler", "[fuzz]") {
  int made_simpler = 0;
  for (int n = 0; n < 200 && made_simpler < 5; ++n) {
    const Case drawn = draw_case(1, n, n);
    const auto fails = [](const Pair& p) {
      return has(p, "SOFTMAX") && p.config.axi_data_bits > 64;
    };
    if (!fails(make_pair(drawn))) continue;
    const Pair simple = make_pair(shrink(drawn, fails, false, 3000));
    CAPTURE(to_text(drawn), to_text(simple.made), describe(simple));
    CHECK(fails(simple));
    CHECK(simple.graph.ops.size() <= 2);
    CHECK(settings_of(simple.config).find("bus.axi_data_bits=") != std::string::npos);
    CHECK(simple.config.rows == 4);
    ++made_simpler;
  }
  CHECK(made_simpler == 5);
}

TEST_CASE("wrong constants in a program are found", "[fuzz]") {
  int exact = 0, wrong = 0;
  for (int n = 0; n < 40; ++n) {
    const Pair pair = make_pair(draw_case(3, n, n));
    if (run_pair(pair, Backend::kArch).outcome != Outcome::kExact) continue;
    ++exact;
    const auto tamper = [](compiler::Program& program) {
      for (std::uint8_t& byte : program.image) byte = static_cast<std::uint8_t>(~byte);
    };
    wrong += run_pair(pair, Backend::kArch, tamper).outcome == Outcome::kFailed ? 1 : 0;
  }
  CHECK(exact >= 20);
  CHECK(wrong >= exact / 2);
}

TEST_CASE("tensors between batches are not outputs of a drawn network", "[fuzz]") {
  int outputs = 0, illegal = 0;
  for (int n = 0; n < 1500; ++n) {
    const model::Graph graph = make_pair(draw_case(501, 0, n), spec::Config{}).graph;
    outputs += graph.outputs.size() > 1 ? 1 : 0;
    // If a network is illegal for another reason, its operators are unchanged.
    illegal += std::ranges::count(graph.ops, model::OpKind::kUnknown, &model::Op::kind) > 0 ? 1 : 0;
  }
  CHECK(outputs > 100);
  CHECK(illegal < 5);
}

/// Returns the first exact pair with all features enabled.
Pair exact_pair() {
  for (int n = 0;; ++n) {
    const Pair pair = make_pair(draw_case(5, 0, n, {Family::kImages}), spec::Config{});
    if (run_pair(pair, Backend::kArch).outcome == Outcome::kExact) return pair;
  }
}

TEST_CASE("images are read and written with their axes in another order", "[fuzz]") {
  int inputs = 0, outputs = 0;
  for (unsigned seed = 1; seed <= 300; ++seed) {
    Builder b(seed);
    if (make_network(b) != Family::kImages || b.graph.ops.empty()) continue;
    const auto turns = [&](const model::Op& op) { return op.kind == OpKind::kTranspose; };
    inputs += turns(b.graph.ops.front()) && b.graph.ops.front().input(0) == b.graph.inputs[0];
    outputs += turns(b.graph.ops.back());
  }
  CHECK((inputs > 5 && outputs > 5));
}

TEST_CASE("a refusal that is not a limit is a failure whatever its text", "[fuzz][error]") {
  Pair unknown = exact_pair(), wide = unknown, lacking = unknown;
  SECTION("an unknown operator is a failure") {
    unknown.graph.ops.back().kind = model::OpKind::kUnknown;
    unknown.graph.ops.back().name = "SPACE_TO_BATCH_ND";
    const Verdict v = run_pair(unknown, Backend::kArch);
    CHECK(v.outcome == Outcome::kFailed);
    CHECK_THAT(v.text,
               Catch::Matchers::ContainsSubstring("SPACE_TO_BATCH_ND: operator is not supported"));
  }
  SECTION("a wrong shape makes a network illegal") {
    wide.graph.tensors[static_cast<std::size_t>(wide.graph.ops.back().outputs[0])].shape = {7, 7};
    CHECK(run_pair(wide, Backend::kArch).outcome == Outcome::kIllegal);
  }
  SECTION("hardware that the configuration lacks is a limit") {
    Choices choices{1};
    Builder b(choices);
    b.graph.outputs = {b.unary(b.input({1, 4, 4, 8}), model::OpKind::kLogistic, "LOGISTIC")};
    lacking.graph = b.graph;
    lacking.config.table = false;
    const Verdict v = run_pair(lacking, Backend::kArch);
    CHECK(v.outcome == Outcome::kRefused);
    CHECK_THAT(v.text, Catch::Matchers::StartsWith("configuration: ") &&
                           Catch::Matchers::ContainsSubstring("(vector.table)"));
  }
}

#ifdef TRINE_SLOW_TESTS
constexpr int kPairs = 6000, kConfigs = 300, kExported = 5000, kExportedOnAll = 1000;
constexpr int kTexts = 1500;
#else
constexpr int kPairs = 160, kConfigs = 40, kExported = 80, kExportedOnAll = 80;
constexpr int kTexts = 24;
#endif

/// Returns a machine that supports everything, so that refusals are due to documented limits.
spec::Config all_features() {
  spec::Config config = spec::load_config("edge256");
  for (const spec::Precision& p : spec::kPrecisions) config.*p.enabled = true;
  config.param_channels = 2048;  // the longest normalization drawn
  spec::check(config);
  return config;
}

TEST_CASE("exported networks end in codes, floats, sums and on the host", "[fuzz][random][onnx]") {
  std::map<std::string, int> exact;
  const auto run = [&](const Case& drawn, const Pair& pair) {
    const Verdict v = run_pair(pair, Backend::kArch);
    CAPTURE("trine fuzz --case " + to_text(drawn), v.text);
    CHECK(v.outcome != Outcome::kFailed);
    if (v.outcome == Outcome::kExact) ++exact[ending_of(pair)];
    return v;
  };
  const std::vector<Family> exported{Family::kExported};
  for (int n = 0; n < kExported; ++n) {
    const Case drawn = draw_case(38, n % kConfigs, n / kConfigs, exported);
    run(drawn, make_pair(drawn));
  }
  const spec::Config all = all_features();
  for (int n = 0; n < kExportedOnAll; ++n) {
    const Case drawn = draw_case(39, 0, n, exported);
    const Verdict v = run(drawn, make_pair(drawn, all));
    CAPTURE(to_text(drawn), v.text);
    CHECK_THAT(v.text, !Catch::Matchers::StartsWith("configuration: "));
  }
  for (const char* ending : {"codes", "floats", "sums", "host"}) {
    CAPTURE(ending);
    CHECK(exact[ending] > (kExported + kExportedOnAll) / 40);
  }
}

TEST_CASE("random networks on random configurations equal the golden layers", "[fuzz][random]") {
  const auto families =
      GENERATE(std::vector<Family>{}, std::vector{Family::kInt16}, std::vector{Family::kCells},
               std::vector{Family::kFormats}, std::vector{Family::kSpikes});
  int exact = 0, telling = 0;
  for (int n = 0; n < kPairs; ++n) {
    const Case drawn = draw_case(1, n % kConfigs, n / kConfigs, families);
    const Verdict v = run_pair(make_pair(drawn), Backend::kArch);
    CAPTURE("trine fuzz --case " + to_text(drawn), v.text);
    CHECK(v.outcome != Outcome::kFailed);
    exact += v.outcome == Outcome::kExact ? 1 : 0;
    telling += v.telling ? 1 : 0;
  }
  CHECK(exact > kPairs / 2);
  CHECK(telling > exact / 2);
}

TEST_CASE("texts of random decoders equal the golden layers'", "[fuzz][random][llm]") {
  int exact = 0, together = 0, telling = 0;
  for (int n = 0; n < kTexts; ++n) {
    const Case drawn = draw_case(44, n % (kTexts / 4), n, {Family::kDecoders});
    const Pair pair = make_pair(drawn);
    REQUIRE(pair.decoder != nullptr);
    CHECK(to_text(pair.made) == to_text(drawn));
    const Verdict v = run_pair(pair, Backend::kArch);
    CAPTURE("trine fuzz --case " + to_text(drawn), describe(pair), v.text);
    CHECK(v.outcome != Outcome::kFailed);
    if (v.outcome != Outcome::kExact) continue;
    ++exact;
    together += std::min(pair.decoder->chunk, pair.decoder->prompt) > 1 && v.text.empty() ? 1 : 0;
    telling += v.telling ? 1 : 0;
  }
  CHECK(exact > kTexts / 2);
  CHECK(together > exact / 2);
  CHECK(telling > exact / 2);
}

/// Texts that revealed errors: a cache whose first pixel is stored elsewhere; a head's weights
/// larger than PMEM; heads of a spilled pixel; rotations by blocks, of spilled pixels as well;
/// tokens whose heads are in the same bank.
TEST_CASE("texts that once differed equal the golden layers'", "[fuzz][llm]") {
  struct Text {
    std::vector<std::string> design;
    llm::Dimensions dims;
    int tokens, chunk;
  };
  const Text text =
      GENERATE(Text{{"array.rows=4", "array.cols=2"}, {16, 4, 1, 1, 1, 2, 2}, 2, 1},
               Text{{"array.rows=4", "array.cols=4", "memory.pmem_kib=4", "bus.axi_data_bits=128"},
                    {160, 4, 1, 2, 2, 2, 1},
                    1,
                    1},
               Text{{"array.rows=24", "array.cols=17", "memory.dmem_kib=8", "memory.pmem_kib=8",
                     "bus.axi_data_bits=256"},
                    {320, 4, 1, 4, 2, 2, 2},
                    2,
                    2},
               Text{{}, {256, 4, 1, 4, 2, 2, 9}, 9, 9}, Text{{}, {256, 4, 1, 32, 8, 2, 16}, 16, 16},
               Text{{"memory.dmem_kib=8", "memory.pmem_kib=8"}, {192, 4, 1, 2, 1, 2, 20}, 20, 20});
  Decoder d;
  d.dims = text.dims;
  d.prompt = d.context = text.tokens;
  d.chunk = text.chunk;
  for (int i = 0; i < text.tokens; ++i) d.tokens.push_back(i % 2);
  llm::SessionOptions options;
  options.backend = llm::Backend::kArch;
  options.config = spec::load_config("edge256", text.design);
  const TextRun run = run_text(d, options);
  CHECK(run.difference == "");
  CHECK_FALSE(run.halved);
}

TEST_CASE("random programs contain only instructions that the design supports", "[fuzz]") {
  const std::vector<std::string> settings =
      GENERATE(as<std::vector<std::string>>{},
               std::vector<std::string>{R"(array.precisions=["ternary","binary"])"},
               std::vector<std::string>{R"(array.precisions=["ternary"])"},
               std::vector<std::string>{"vector.enable=false", "vector.softmax=false"},
               std::vector<std::string>{"vector.softmax=false"},
               std::vector<std::string>{"vector.table=false"},
               std::vector<std::string>{"matmul.enable=false"});
  CAPTURE(settings);
  const spec::Config config = spec::load_config("edge64", settings);
  for (unsigned seed = 1; seed < 7; ++seed) {
    const RandomProgram p = random_program(config, seed, 30);
    CAPTURE(seed);
    CHECK(p.instructions.size() > 30);
    const auto fault = program::verify(p.program.words, config, p.program.dram_bytes);
    CHECK((fault ? fault->text : "") == "");
  }
}

TEST_CASE("a decoder is made simpler", "[fuzz][llm]") {
  const auto fails = [](const Pair& p) {
    return p.decoder != nullptr && p.decoder->dims.layers > 1 && p.decoder->prompt > 2;
  };
  Case drawn;
  for (int n = 0; !fails(make_pair(drawn)); ++n) drawn = draw_case(44, 0, n, {Family::kDecoders});
  const Pair simple = make_pair(shrink(drawn, fails, true, 400));
  CHECK((simple.decoder->dims.layers == 2 && simple.decoder->prompt == 3));
  CHECK((simple.decoder->dims.heads == 1 && simple.decoder->first == 0));
}

}  // namespace
}  // namespace trine::fuzz
