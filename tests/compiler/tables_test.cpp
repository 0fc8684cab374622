// SPDX-License-Identifier: Apache-2.0
//
// Checks functions of one code by the lookup table and operators on two maps, drawn at random, on
// random configurations against the golden layers.

#include "sw/base/error.h"
#include "tests/compiler/testing.h"

namespace trine::sim {
namespace {

using model::OpKind;
using model::Padding;
using testing::Builder;
using testing::check;
using testing::kSeeds;
using testing::random_map;
using testing::random_operand;
using testing::random_shape;
using testing::small_config;

struct Kind {
  OpKind kind;
  const char* name;
};

constexpr Kind kUnary[] = {{OpKind::kLogistic, "LOGISTIC"},
                           {OpKind::kTanh, "TANH"},
                           {OpKind::kHardSwish, "HARD_SWISH"},
                           {OpKind::kGelu, "GELU"},
                           {OpKind::kLeakyRelu, "LEAKY_RELU"},
                           {OpKind::kExp, "EXP"},
                           {OpKind::kElu, "ELU"},
                           {OpKind::kLog, "LOG"},
                           {OpKind::kSqrt, "SQRT"},
                           {OpKind::kSquare, "SQUARE"},
                           {OpKind::kRsqrt, "RSQRT"},
                           {OpKind::kAbs, "ABS"},
                           {OpKind::kRelu, "RELU"},
                           {OpKind::kRelu6, "RELU6"},
                           {OpKind::kReluN1To1, "RELU_N1_TO_1"},
                           {OpKind::kQuantize, "QUANTIZE"}};
/// The last two require equal quantization, the first is only used as a function of one code.
constexpr Kind kBinary[] = {{OpKind::kSquaredDifference, "SQUARED_DIFFERENCE"},
                            {OpKind::kAdd, "ADD"},
                            {OpKind::kSub, "SUB"},
                            {OpKind::kMul, "MUL"},
                            {OpKind::kMaximum, "MAXIMUM"},
                            {OpKind::kMinimum, "MINIMUM"}};

int unary(Builder& b, int from, const Kind& kind) {
  const int out = b.unary(from, kind.kind, kind.name);
  b.graph.ops.back().alpha = static_cast<float>(b.number(-100, 200)) / 100.0f;
  b.graph.ops.back().approximate = b.number(0, 1) == 0;
  return out;
}

/// Adds a function of floats between dequantization and quantization.
int float_function(Builder& b, int from) {
  constexpr Kind kFloats[] = {
      {OpKind::kNeg, "NEG"},     {OpKind::kElu, "ELU"},     {OpKind::kSquare, "SQUARE"},
      {OpKind::kFloor, "FLOOR"}, {OpKind::kCeil, "CEIL"},   {OpKind::kRound, "ROUND"},
      {OpKind::kSin, "SIN"},     {OpKind::kCos, "COS"},     {OpKind::kLogistic, "LOGISTIC"},
      {OpKind::kTanh, "TANH"},   {OpKind::kRelu6, "RELU6"}, {OpKind::kAbs, "ABS"}};
  constexpr Kind kPairs[] = {{OpKind::kDiv, "DIV"},
                             {OpKind::kAdd, "ADD"},
                             {OpKind::kMul, "MUL"},
                             {OpKind::kSub, "SUB"},
                             {OpKind::kMaximum, "MAXIMUM"}};
  const auto to_float = [&](int t) {
    b.graph.tensors[static_cast<std::size_t>(t)].type = model::DataType::kFloat32;
    return t;
  };
  const int x = to_float(b.unary(from, OpKind::kDequantize, "DEQUANTIZE"));
  int y = x;
  if (b.number(0, 1) == 0) {
    const Kind& kind = kPairs[b.number(0, static_cast<int>(std::size(kPairs)) - 1)];
    const int c = to_float(b.constant({}));
    const float value = static_cast<float>(b.number(1, 99)) / 20.0f;
    b.graph.tensors[static_cast<std::size_t>(c)].data.edit().resize(4);
    std::memcpy(b.graph.tensors[static_cast<std::size_t>(c)].data.edit().data(), &value, 4);
    y = to_float(b.binary(y, b.number(0, 2) == 0 ? x : c, kind.kind, kind.name));
  } else {
    const Kind& kind = kFloats[b.number(0, static_cast<int>(std::size(kFloats)) - 1)];
    y = to_float(b.unary(y, kind.kind, kind.name));
  }
  return b.unary(y, OpKind::kQuantize, "QUANTIZE");
}

/// Adds a few operators, the first on `from`, each on a function of it. @return the last output
int random_function(Builder& b, int from) {
  std::vector<int> known{from};
  for (int i = b.number(1, 4); i > 0; --i) {
    const int x = known[static_cast<std::size_t>(b.number(0, static_cast<int>(known.size()) - 1))];
    switch (b.number(0, 4)) {
      case 0: {
        const Kind& kind = kBinary[b.number(0, b.one_scale ? 5 : 3)];
        const int y = b.number(0, 1) == 0 ? b.constant({}) : known.back();
        const bool swap = b.number(0, 1) == 0;
        known.push_back(b.binary(swap ? y : x, swap ? x : y, kind.kind, kind.name));
        break;
      }
      case 1:
        known.push_back(float_function(b, x));
        break;
      default:
        known.push_back(unary(b, x, kUnary[b.number(0, static_cast<int>(std::size(kUnary)) - 1)]));
    }
  }
  return known.back();
}

TEST_CASE("functions of one code equal the golden layers", "[arch][random][table]") {
  for (unsigned seed = 1; seed <= 6 * kSeeds; ++seed)
    check(seed, [](Builder& b) {
      b.one_scale = b.number(0, 2) == 0;
      const int from = random_map(b, random_shape(b));
      const int f = random_function(b, from);
      switch (b.number(0, 5)) {
        case 0:  // the code is read as well
          return b.addition(from, f);
        case 1:
          return b.convolution(f, b.number(1, 20), 3, 3, 1, 1, 1, 1, Padding::kSame, true);
        case 2: {  // consecutive tables
          const int conv = b.convolution(f, b.number(1, 9), 1, 1, 1, 1, 1, 1, Padding::kSame, true);
          return random_function(b, conv);
        }
        case 3:
          return b.pool(f, b.number(0, 1) == 0, 2, 2, 1, 1, Padding::kSame);
        case 4:  // two functions of one map
          return b.binary(f, random_function(b, b.mean(from, {1, 2})), OpKind::kMul, "MUL");
        default:
          return f;
      }
    });
}

TEST_CASE("functions of means, pools and sums equal the golden layers", "[arch][random][table]") {
  for (unsigned seed = 1; seed <= 2 * kSeeds; ++seed)
    check(seed, [](Builder& b) {
      const std::vector<int> shape = random_shape(b);
      const int from = random_map(b, shape);
      const int R = b.number(1, shape[1]), S = b.number(1, shape[2]);
      int result = 0;
      switch (b.number(0, 3)) {
        case 0:
          result = b.mean(from, {1, 2});
          break;
        case 1:
          result = b.pool(from, b.number(0, 3) == 0, R, S, 1, 1, testing::random_padding(b));
          break;
        case 2:
          result = b.depthwise(from, 1, 3, 3, 1, 1, 1, 1, Padding::kSame, true);
          break;
        default:
          result = b.binary(from, random_map(b, shape),
                            b.number(0, 1) == 0 ? OpKind::kMul : OpKind::kAdd, "BINARY");
      }
      return random_function(b, result);
    });
}

/// SUB is refused for a few scales: its second operand would be halfway between two values.
TEST_CASE("operators on two maps broadcast as the golden layers", "[arch][random][elementwise]") {
  unsigned refused = 0;
  for (unsigned seed = 1; seed <= 4 * kSeeds; ++seed) {
    const auto make = [](Builder& b) {
      const std::vector<int> shape = random_shape(b);
      b.one_scale = b.number(0, 2) == 0;
      int x = b.number(0, 3) != 0 ? random_map(b, shape) : random_operand(b, shape);
      for (int i = b.number(1, 3); i > 0; --i) {  // registers change between them
        const int y = random_operand(b, shape);
        const Kind& kind = kBinary[b.number(1, b.one_scale ? 5 : 3)];
        const bool swap = b.number(0, 1) == 0;
        x = b.binary(swap ? y : x, swap ? x : y, kind.kind, kind.name);
        b.graph.ops.back().activation =
            b.number(0, 3) == 0 ? model::Activation::kRelu : model::Activation::kNone;
      }
      return x;
    };
    try {
      check(seed, make);
    } catch (const Error& e) {
      REQUIRE_THAT(e.what(), Catch::Matchers::ContainsSubstring("SUB: tensor ") &&
                                 Catch::Matchers::ContainsSubstring("negates before it rounds"));
      ++refused;
    }
  }
  CHECK(refused <= kSeeds / 25);
}

/// The ratio of the scales puts second operands halfway between two values, and sums halfway
/// between codes.
TEST_CASE("a difference that would give another code is refused", "[arch][elementwise][error]") {
  Builder b(1);
  const int x = b.input({1, 1, 1, 4}), y = b.input({1, 1, 1, 4});
  const int out = b.binary(x, y, OpKind::kSub, "SUB");
  const auto set = [&](int t, float scale, int zero_point) {
    b.graph.tensors[static_cast<std::size_t>(t)].quantization = {{scale}, {zero_point}, 0};
  };
  set(x, 0.149f, -56);
  set(y, 0.134f, 98);
  set(out, 0.15f, 77);
  b.graph.outputs = {out};
  REQUIRE_THROWS_WITH(compiler::compile(b.graph, small_config(4, 4, 16, 8, 64)),
                      Catch::Matchers::ContainsSubstring(
                          "random.tflite: op 0 SUB: tensor 2 't2': the machine negates before it "
                          "rounds, which changes codes at these scales"));
}

TEST_CASE("products and differences that round halves to even are exact or refused",
          "[arch][random][elementwise]") {
  unsigned refused = 0, exact = 0;
  for (unsigned seed = 1; seed <= 2 * kSeeds; ++seed) {
    const auto make = [](Builder& b) {
      const std::vector<int> shape = random_shape(b);
      const int x = b.input(shape), y = b.input(shape);
      const Kind& kind = kBinary[b.number(2, 3)];
      const int out = b.binary(x, y, kind.kind, kind.name);
      b.graph.ops.back().half_even = true;
      for (const int t : {x, y, out})  // many ties
        b.graph.tensors[static_cast<std::size_t>(t)].quantization.scale = {
            std::ldexp(1.0f, b.number(-3, t == out ? 3 : 0))};
      return out;
    };
    try {
      check(seed, make);
      ++exact;
    } catch (const Error& e) {
      REQUIRE_THAT(e.what(), Catch::Matchers::ContainsSubstring("SUB: tensor ") &&
                                 Catch::Matchers::ContainsSubstring("halves to even"));
      ++refused;
    }
  }
  CHECK(exact >= 19 * refused);
}

std::vector<std::string> operators_of(const compiler::Program& program) {
  std::vector<std::string> ops;
  for (const compiler::ProgramLayer& layer : program.layers) ops.push_back(layer.op);
  return ops;
}

int table_loads(const compiler::Program& program) {
  int loads = 0;
  for (const isa::Word word : program.words) {
    if (isa::opcode_of(word) != isa::Opcode::kRun) continue;
    const isa::Run run = isa::decode_run(word);
    loads += isa::engine_of(word) == isa::Engine::kLoad &&
             run.op == static_cast<int>(isa::dma::Target::kTable);
  }
  return loads;
}

using Layers = std::vector<std::string>;

TEST_CASE("functions join the layer that makes the code", "[arch][table]") {
  Builder b(1);
  const spec::Config config = small_config(8, 8, 128, 64, 64);
  const int from = b.input({1, 6, 6, 8});
  const int conv = b.convolution(from, 8, 3, 3, 1, 1, 1, 1, Padding::kSame, true);
  const int gate = b.unary(conv, OpKind::kLogistic, "LOGISTIC");
  const int swish = b.binary(conv, gate, OpKind::kMul, "MUL");
  SECTION("also where they have several operators") {
    b.graph.outputs = {swish};
    const auto program = compiler::compile(b.graph, config);
    CHECK(operators_of(program) == Layers{"CONV_2D+LOGISTIC+MUL"});
    CHECK(table_loads(program) == 1);
  }
  SECTION("unless the code is read itself") {
    b.graph.outputs = {swish, conv};
    CHECK(operators_of(compiler::compile(b.graph, config)) == Layers{"CONV_2D", "LOGISTIC+MUL"});
  }
  SECTION("unless two functions are read") {
    b.graph.outputs = {swish, gate};
    const auto program = compiler::compile(b.graph, config);
    CHECK(operators_of(program) == Layers{"CONV_2D", "LOGISTIC", "LOGISTIC+MUL"});
    CHECK(table_loads(program) == 2);
  }
  SECTION("unless the layer has a residual") {
    b.graph.outputs = {b.unary(b.addition(swish, from), OpKind::kTanh, "TANH")};
    CHECK(operators_of(compiler::compile(b.graph, config)) ==
          Layers{"CONV_2D+LOGISTIC+MUL", "ADD+TANH"});
  }
}

TEST_CASE("a pool after a table stays a separate layer", "[arch][table]") {
  Builder b(1);
  const int conv = b.convolution(b.input({1, 8, 8, 8}), 8, 3, 3, 1, 1, 1, 1, Padding::kSame, true);
  const int f = b.unary(conv, OpKind::kAbs, "ABS");
  b.graph.outputs = {b.pool(f, true, 2, 2, 2, 2, Padding::kValid)};
  b.graph.ops.back().activation = model::Activation::kNone;
  const auto program = compiler::compile(b.graph, small_config(8, 8, 128, 64, 64),
                                         {{}, {compiler::Fusion::kAlways}});
  CHECK(operators_of(program) == Layers{"CONV_2D+ABS", "MAX_POOL_2D"});
}

TEST_CASE("equal tables are loaded once", "[arch][table]") {
  Builder b(1);
  b.one_scale = true;
  const std::vector<int> shape{1, 4, 4, 4};
  const int x = b.input(shape), y = b.input(shape);
  const int f = b.unary(x, OpKind::kTanh, "TANH"), g = b.unary(y, OpKind::kTanh, "TANH");
  b.graph.outputs = {f, g};
  CHECK(table_loads(compiler::compile(b.graph, small_config(4, 4, 16, 8, 64))) == 1);
}

/// Returns the number of words that each load with that target loads.
std::vector<int> words_loaded(const compiler::Program& program, isa::dma::Target target) {
  isa::TransferRegisters registers;
  std::vector<int> loads;
  for (const isa::Word word : program.words) {
    const isa::Opcode opcode = isa::opcode_of(word);
    if (opcode != isa::Opcode::kSet && opcode != isa::Opcode::kRun) continue;
    if (isa::engine_of(word) != isa::Engine::kLoad) continue;
    if (opcode == isa::Opcode::kSet)
      registers.value.at(static_cast<std::size_t>(isa::register_of(word))) = isa::payload_of(word);
    else if (isa::decode_run(word).op == static_cast<int>(target))
      loads.push_back(static_cast<int>(registers.get(isa::dma::kWords)));
  }
  return loads;
}

TEST_CASE("a second normalization table loads only the entries that differ",
          "[arch][table][norm]") {
  Builder b(1);
  const int x = b.input({3, 16}), y = b.input({3, 16});
  b.set_quantization(x, 0.05f, 3);
  b.set_quantization(y, 0.05f, 9);
  b.graph.outputs = {b.normalization(x, false), b.normalization(y, false)};
  const spec::Config config = small_config(4, 4, 16, 8, 64);
  // Squares of distances 130 and 131 equal those of -126 and -125, and so on.
  CHECK(words_loaded(compiler::compile(b.graph, config), isa::dma::Target::kExponentials) ==
        std::vector<int>{256, 6});
  testing::require_exact(b.graph, config, {b.random_array(0), b.random_array(1)});
}

TEST_CASE("without a vector unit tables follow convolutions", "[arch][table]") {
  spec::Config config = small_config(8, 8, 128, 64, 64);
  config.vector = false;
  Builder b(1);
  const int f = b.unary(b.input({1, 5, 6, 7}), OpKind::kTanh, "TANH");
  const int conv = b.convolution(f, 9, 1, 1, 1, 1, 1, 1, Padding::kSame, true);
  b.graph.outputs = {b.unary(conv, OpKind::kRelu, "RELU"), conv};
  testing::require_exact(b.graph, config, {b.random_array(0)});
}

TEST_CASE("without a table operators that need one are refused by name", "[arch][table][error]") {
  spec::Config config = small_config(8, 8, 128, 64, 64);
  config.table = false;
  Builder b(1);
  const int from = b.input({1, 6, 6, 8});
  SECTION("operator, index and tensor") {
    b.graph.outputs = {b.unary(from, OpKind::kLogistic, "LOGISTIC")};
    REQUIRE_THROWS_WITH(
        compiler::compile(b.graph, config),
        Catch::Matchers::ContainsSubstring(
            "random.tflite: op 0 LOGISTIC: tensor 1 't1' needs the lookup table (vector.table)"));
  }
  SECTION("but not operators with other hardware") {
    const int scaled = b.binary(from, b.constant({}), OpKind::kMul, "MUL");
    b.graph.outputs = {b.unary(b.addition(scaled, scaled), OpKind::kRelu, "RELU")};
    const std::vector<Array> inputs{b.random_array(from)};
    testing::require_exact(b.graph, config, inputs);
    CHECK(operators_of(compiler::compile(b.graph, config)) == Layers{"MUL", "ADD", "RELU"});
    config.table = true;
    testing::require_exact(b.graph, config, inputs);
    CHECK(operators_of(compiler::compile(b.graph, config)) == Layers{"MUL+ADD+RELU"});
  }
}

}  // namespace
}  // namespace trine::sim
