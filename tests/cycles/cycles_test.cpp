// SPDX-License-Identifier: Apache-2.0
//
// Compares the architecture simulator's predictions with the counters of the RTL.
// tests/cycles/measured.tsv contains a row for each program: the cycles of the Verilated design,
// the busy cycles of each engine and the cycles of each cause, each with the prediction's error in
// percent of all cycles. A changed error fails the test, so that a rate or a latency that is a few
// percent off shows, and so do cycles that count twice or for another cause. The limits are 2 % for
// each row (more if tests/cycles/reasons.tsv names the counter), and limits for the mean of each
// design, network and counter. The RTL is run again for a sample of the rows, with TRINE_SLOW_TESTS
// for all. TRINE_APPROVE=1 in the environment measures again (tests/README.md).

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "sim/arch/simulate.h"
#include "sim/rtl/simulate.h"
#include "spec/config.h"
#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/hash.h"
#include "sw/compiler/compiler.h"
#include "sw/model/graph/graph.h"
#include "sw/model/import/import.h"
#include "sw/model/rewrite/expand.h"
#include "sw/program/host.h"
#include "tools/random/testing.h"

namespace trine {
namespace {

namespace fs = std::filesystem;
using fuzz::Builder;
using model::Padding;
const fs::path kRoot = TRINE_SOURCE_DIR;
#ifdef TRINE_SLOW_TESTS
constexpr std::size_t kEach = 1;
#else
/// Samples one row of so many; other tests share the Verilated designs.
constexpr std::size_t kEach = 11;
#endif
const fs::path kTable = kRoot / "tests" / "cycles" / "measured.tsv";
const fs::path kReasons = kRoot / "tests" / "cycles" / "reasons.tsv";

// ---- designs ------------------------------------------------------------------------------------

struct Design {
  std::string name;
  spec::Config config;
  bool assertions = false;  ///< as in the test that shares the Verilated design
  bool sampled = false;     ///< the short suite Verilates it anyway
};

/// The pipelines have different depths, and rows and columns differ, so that errors in one do not
/// hide errors in another. Names and assertions are those of the tests for which the short suite
/// builds the same designs.
const std::vector<Design>& designs() {
  const auto design = [](const std::vector<std::string>& settings) {
    std::vector<std::string> all{"array.precisions=[\"int8\"]"};
    all.insert(all.end(), settings.begin(), settings.end());
    return spec::load_config("edge256", all);
  };
  const auto small = [&](int rows, int cols, const std::vector<std::string>& settings) {
    std::vector<std::string> all{fmt::format("name=random{}x{}", rows, cols),
                                 fmt::format("array.rows={}", rows),
                                 fmt::format("array.cols={}", cols),
                                 "memory.dmem_kib=8",
                                 "memory.pmem_kib=8",
                                 "memory.param_channels=128"};
    all.insert(all.end(), settings.begin(), settings.end());
    return design(all);
  };
  const std::string all = "array.precisions=[\"int8\", \"ternary\", \"binary\"]";
  static const std::vector<Design> designs{
      {"8x8", design({}), false, true},
      {"3x5", design({"array.rows=3", "array.cols=5", "bus.axi_addr_bits=40"}), false, true},
      {"3x5-deep", small(3, 5, {"pipeline.rows=2", "pipeline.cols=1"}), true, true},
      {"3x5-two-columns",
       small(3, 5, {all, "pipeline.rows=2", "pipeline.cols=4", "post.columns_per_cycle=2"}), true,
       true},
      {"3x5-ecc", small(3, 5, {all, "pipeline.rows=2", "pipeline.cols=4", "memory.ecc=true"}), true,
       true},
      {"4x4-narrow-bus",
       small(4, 4, {all, "pipeline.rows=4", "pipeline.cols=4", "bus.axi_data_bits=32"}), true,
       true},
      {"4x5-int16",
       small(4, 5,
             {all, "bus.axi_data_bits=128", "pipeline.rows=2", "pipeline.cols=4",
              "post.columns_per_cycle=2", "array.activations16=true"}),
       true, true},
      {"2x4-cluster",
       small(2, 4,
             {all, "cluster.cores=3", "array.weights4=true", "array.groups=true",
              "memory.packed_weights=true", "pipeline.rows=2", "pipeline.cols=2"}),
       true, true},
      {"16x4-deep", design({"array.rows=16", "array.cols=4", "pipeline.rows=1", "pipeline.cols=4",
                            "memory.dmem_kib=32"})}};
  return designs;
}

// ---- programs -----------------------------------------------------------------------------------

int softmax(Builder& b, int from) {
  const int result = b.unary(from, model::OpKind::kSoftmax, "SOFTMAX");
  b.set_quantization(result, 1.0F / 256, -128);
  return result;
}

/// Returns networks of one layer, or of two that the compiler joins.
const std::map<std::string, std::function<int(Builder&)>>& layers() {
  static const std::map<std::string, std::function<int(Builder&)>> all{
      {"conv_3x3",
       [](Builder& b) {
         return b.convolution(b.input({1, 12, 12, 16}), 16, 3, 3, 1, 1, 1, 1, Padding::kSame, true);
       }},
      {"conv_1x1",
       [](Builder& b) {
         return b.convolution(b.input({1, 14, 14, 24}), 20, 1, 1, 1, 1, 1, 1, Padding::kSame, true);
       }},
      {"conv_5x5_stride",
       [](Builder& b) {
         return b.convolution(b.input({1, 17, 17, 8}), 12, 5, 5, 2, 2, 1, 1, Padding::kValid,
                              false);
       }},
      {"conv_spilled",
       [](Builder& b) {
         return b.convolution(b.input({1, 32, 32, 16}), 16, 3, 3, 1, 1, 1, 1, Padding::kSame, true);
       }},
      {"conv_rows",  // small memories: each row of the input is loaded while another is computed
       [](Builder& b) {
         return b.convolution(b.input({1, 9, 9, 96}), 10, 3, 3, 1, 1, 1, 1, Padding::kSame, true);
       }},
      {"conv_sums",  // the weights of a group exceed half of PMEM
       [](Builder& b) {
         return b.convolution(b.input({1, 10, 10, 512}), 16, 3, 3, 1, 1, 1, 1, Padding::kSame,
                              true);
       }},
      {"depthwise_3x3",
       [](Builder& b) {
         return b.depthwise(b.input({1, 14, 14, 16}), 1, 3, 3, 1, 1, 1, 1, Padding::kSame, true);
       }},
      {"depthwise_5x5_stride",
       [](Builder& b) {
         return b.depthwise(b.input({1, 15, 15, 12}), 1, 5, 5, 2, 2, 1, 1, Padding::kSame, true);
       }},
      {"fully_connected",
       [](Builder& b) {
         return b.fully_connected(b.input({1, 256}), 256, 64);
       }},
      {"fully_connected_rows",
       [](Builder& b) {
         return b.fully_connected(b.input({40, 64}), 64, 48);
       }},
      {"residual",
       [](Builder& b) {
         const int from = b.input({1, 10, 10, 16});
         return b.addition(b.convolution(from, 16, 3, 3, 1, 1, 1, 1, Padding::kSame, true), from);
       }},
      {"add",
       [](Builder& b) {
         const int from = b.input({1, 12, 12, 16});
         return b.addition(from, b.input({1, 12, 12, 16}));
       }},
      {"multiply",
       [](Builder& b) {
         const int from = b.input({1, 12, 12, 16});
         return b.binary(from, b.input({1, 12, 12, 16}), model::OpKind::kMul, "MUL");
       }},
      {"max_pool",
       [](Builder& b) {
         return b.pool(b.input({1, 14, 14, 16}), true, 3, 3, 2, 2, Padding::kSame);
       }},
      {"average_pool",
       [](Builder& b) {
         return b.pool(b.input({1, 14, 14, 16}), false, 2, 2, 2, 2, Padding::kSame);
       }},
      {"mean",
       [](Builder& b) {
         return b.mean(b.input({1, 12, 12, 16}), {1, 2});
       }},
      {"softmax",
       [](Builder& b) {
         return softmax(b, b.input({1, 1, 40, 48}));
       }},
      {"softmax_rescaled",  // as in ONNX: a code is rounded once, at its own scale
       [](Builder& b) {
         const int result = softmax(b, b.input({1, 1, 40, 48}));
         b.graph.ops.back().half_even = true;
         b.set_quantization(result, 1.0F / 300, -128);
         return result;
       }},
      {"softmax_long",
       [](Builder& b) {
         return softmax(b, b.input({1, 1, 4, 1200}));
       }},
      {"layer_norm",
       [](Builder& b) {
         return b.normalization(b.input({1, 1, 40, 64}), true);
       }},
      {"norms_and_product",  // tokens are normalized while the product of former tokens is computed
       [](Builder& b) {
         const int x = b.normalization(b.input({32, 64}), true);
         return b.normalization(b.fully_connected(x, 64, 64), true);
       }},
      {"rms_norm",
       [](Builder& b) {
         return b.normalization(b.input({1, 1, 20, 100}), false);
       }},
      {"matmul",
       [](Builder& b) {
         const int from = b.input({1, 24, 32});
         return b.batch_matmul(from, b.input({1, 32, 24}), false, false);
       }},
      {"pad",
       [](Builder& b) {
         return b.pad(b.input({1, 12, 12, 16}), 1, 2, 1, 1);
       }},
      {"transpose",
       [](Builder& b) {
         return b.transpose(b.input({1, 12, 8, 16}), {0, 2, 1, 3});
       }},
      {"resize",
       [](Builder& b) {
         return b.resize(b.input({1, 6, 6, 16}), true, 12, 12, false, true);
       }},
      {"int16_conv_3x3",
       [](Builder& b) {
         return b.convolution(b.input({1, 8, 8, 16}), 16, 3, 3, 1, 1, 1, 1, Padding::kSame, true);
       }},
      {"int16_depthwise_3x3",
       [](Builder& b) {
         return b.depthwise(b.input({1, 8, 8, 16}), 1, 3, 3, 1, 1, 1, 1, Padding::kSame, true);
       }},
      {"int16_fully_connected",
       [](Builder& b) {
         return b.fully_connected(b.input({1, 128}), 128, 64);
       }},
      {"int16_movement",
       [](Builder& b) {
         const int x = b.transpose_convolution(b.input({1, 8, 10, 8}), 8, 3, 3, 2, 2, 16, 20,
                                               Padding::kSame, true);
         const int y = b.strided_slice(x, {0, 0, 1, 0}, {1, 16, 20, 8}, {1, 2, 3, 1});
         return b.pad(y, 1, 0, 2, 1);
       }},
      {"int16_vectors",
       [](Builder& b) {
         const int x = b.input({1, 12, 10, 8});
         const int y = b.unary(b.binary(x, x, model::OpKind::kMul), model::OpKind::kLeakyRelu);
         return b.pool(b.addition(y, x), false, 2, 2, 2, 2, Padding::kSame);
       }},
      {"chain",
       [](Builder& b) {  // each layer waits for the last results of the previous one
         int map = b.input({1, 4, 4, 16});
         for (int i = 0; i < 8; ++i)
           map = b.convolution(map, 16, 1, 1, 1, 1, 1, 1, Padding::kSame, true);
         return map;
       }},
  };
  return all;
}

const std::vector<std::string> kNetworks{"models/digit_adder.tflite",
                                         "models/lenet_mnist.tflite",
                                         "models/mnist_binary.onnx",
                                         "models/mnist_mixed.onnx",
                                         "models/mnist_ternary.onnx",
                                         "tests/networks/autoencoder.tflite",
                                         "tests/networks/ds_cnn.tflite",
                                         "tests/networks/gru.tflite",
                                         "tests/networks/mobilenet.tflite",
                                         "tests/networks/residual.tflite",
                                         "tests/networks/streaming.tflite",
                                         "tests/networks/unpadded.tflite",
                                         "tests/operators/decoder_2x16_8.tflite",
                                         "tests/operators/lstm.tflite",
                                         "tests/lstm/network.tflite",
                                         "tests/lowbit/cnv_binary.onnx",
                                         "tests/lowbit/cnv_ternary.onnx",
                                         "tests/onnx/torch_mobilenet.onnx",
                                         "tests/torch/pooled.onnx"};

/// Returns true for networks that run only on designs with int16 codes.
bool of_int16(const std::string& name) {
  return name.starts_with("int16") || name.starts_with("tests/lstm/");
}

model::Graph graph_of(const std::string& name) {
  const auto layer = layers().find(name);
  if (layer == layers().end()) return model::import_model(kRoot / name);
  Builder b(1);
  b.graph.outputs = {layer->second(b)};
  if (name.starts_with("int16")) fuzz::widen(b);
  return model::expanded(std::move(b.graph));
}

// ---- the table ----------------------------------------------------------------------------------

constexpr double kMostOfRow = 2;      ///< percent of a row, unless kReasons gives a higher limit
constexpr double kMostOfMean = 6;     ///< percent, in the mean of a design or network
constexpr double kMostAgain = 22;     ///< percent, for a second inference of some hundred cycles
constexpr double kMostOfCounter = 4;  ///< percent of all cycles, in the mean
constexpr double kChange = 0.5;       ///< of a stated error, in percent points

/// The total cycles; the busy cycles of each engine; the cycles of each cause.
constexpr std::size_t kCounters = 1 + isa::kEngines + sim::kCauses;
using Counters = std::array<std::uint64_t, kCounters>;

std::string name_of(std::size_t counter) {
  if (counter == 0) return "cycles";
  if (counter <= isa::kEngines) return fmt::format("{}_busy", isa::kEngineNames[counter - 1]);
  return fmt::format("cause_{}", csr::kCauses[counter - 1 - isa::kEngines].name);
}

Counters counters_of(const sim::RunResult& run) {
  Counters all{run.cycles};
  std::ranges::copy(run.causes, std::ranges::copy(run.engine_busy, all.begin() + 1).out);
  return all;
}

struct Row {
  std::string design, network, words;
  Counters counters{};  ///< of the RTL
  /// Percent of all cycles by which the prediction is above.
  std::array<double, kCounters> error{};
};

std::vector<Row> rows() {
  std::istringstream table(read_text(kTable));
  std::vector<Row> all;
  std::string header;
  std::getline(table, header);
  for (Row row; table >> row.design >> row.network >> row.words;) {
    for (std::size_t i = 0; i < kCounters; ++i) table >> row.counters[i] >> row.error[i];
    all.push_back(row);
  }
  return all;
}

struct Reason {
  double most = 0;      ///< limit of the prediction's error in percent
  std::string counter;  ///< with the largest part of the error
};

/// Returns the rows whose error may exceed kMostOfRow, by design and network.
std::map<std::pair<std::string, std::string>, Reason> reasons() {
  std::istringstream table(read_text(kReasons));
  std::map<std::pair<std::string, std::string>, Reason> all;
  for (std::string line; std::getline(table, line);) {
    std::istringstream fields(line);
    std::string design, network;
    Reason reason;
    if (line.starts_with('#') || line.starts_with("design\t")) continue;
    fields >> design >> network >> reason.most >> reason.counter;
    all[{design, network}] = reason;
  }
  return all;
}

/// Returns the cause with the largest error in the direction of the total error.
std::string most_of(const Row& row) {
  const double sign = row.error[0] > 0 ? 1 : -1;
  std::size_t most = 1 + isa::kEngines;
  for (std::size_t i = most; i < kCounters; ++i)
    if (sign * row.error[i] > sign * row.error[most]) most = i;
  return name_of(most);
}

const Design& design_of(const Row& row) {
  const auto found = std::find_if(designs().begin(), designs().end(),
                                  [&](const Design& d) { return d.name == row.design; });
  REQUIRE(found != designs().end());
  return *found;
}

/// Returns a hash of all words except for the first, which is a hash of the configuration.
std::string words_of(const compiler::Program& program) {
  std::string words;
  for (std::size_t i = 1; i < program.words.size(); ++i)
    words += fmt::format("{:016x}", program.words[i]);
  return fmt::format("{:016x}", hash64(words));
}

Counters predicted(const compiler::Program& program) {
  return counters_of(sim::run_timing(program));
}

double error_of(const Counters& prediction, const Counters& measured, std::size_t counter) {
  const auto difference =
      static_cast<double>(prediction[counter]) - static_cast<double>(measured[counter]);
  return 100 * difference / static_cast<double>(measured[0]);
}

sim::RtlOptions rtl_options(const Design& design) {
  sim::RtlOptions options;
  options.build.optimization = 1;
  options.build.quiet = true;
  options.build.assertions = design.assertions;
  return options;
}

Counters measured(const compiler::Program& program, const Design& design) {
  std::vector<std::uint8_t> dram = compiler::initial_dram(program);
  return counters_of(sim::RtlRunner(program, rtl_options(design)).run_dram(dram));
}

/// Returns a design with an instruction memory with ECC; random_program_test has Verilated the same
/// one.
const Design& imem_design() {
  static const Design design{
      "3x5-imem",
      spec::load_config(
          "edge256", {"name=random3x5", "array.rows=3", "array.cols=5", "array.acc_bits=20",
                      "array.precisions=[\"int8\", \"ternary\", \"binary\"]", "memory.dmem_kib=8",
                      "memory.pmem_kib=8", "memory.param_channels=128", "memory.imem_kib=1",
                      "memory.ecc=true", "pipeline.rows=2", "pipeline.cols=4", "clock.gates=true"}),
      true};
  return design;
}

/// Compiles such that the cores of a cluster share all they can, although a single core takes fewer
/// cycles for such small networks.
compiler::Program compiled(const model::Graph& graph, const Design& design) {
  return compiler::compile(graph, design.config, {{}, {.sharing = compiler::Sharing::kAlways}});
}

/// Returns the program of a row, which must be the measured one.
compiler::Program program_of(const Row& row) {
  compiler::Program program = compiled(graph_of(row.network), design_of(row));
  INFO("another program than the one measured: TRINE_APPROVE=1 measures anew");
  REQUIRE(words_of(program) == row.words);
  return program;
}

/// Returns the table of every design with every network that runs on it in one piece.
std::string measure() {
  std::string table = "design\tnetwork\twords_hash";
  for (std::size_t i = 0; i < kCounters; ++i) table += fmt::format("\t{}\terror", name_of(i));
  table += '\n';
  std::vector<std::string> names = kNetworks;
  for (const auto& layer : layers()) names.push_back(layer.first);
  for (const Design& design : designs())
    for (const std::string& name : names) {
      if (design.config.activations16 != of_int16(name)) continue;
      const model::Graph graph = graph_of(name);
      std::optional<compiler::Program> program;
      try {
        program = compiled(graph, design);
      } catch (const Error&) {  // no room, or the precision is not supported
      }
      if (!program || !program->rest.empty()) continue;
      const Counters rtl = measured(*program, design), prediction = predicted(*program);
      table += fmt::format("{}\t{}\t{}", design.name, name, words_of(*program));
      for (std::size_t i = 0; i < kCounters; ++i)
        table += fmt::format("\t{}\t{:+.2f}", rtl[i], error_of(prediction, rtl, i));
      table += '\n';
    }
  return table;
}

TEST_CASE("the RTL counts the cycles that were measured", "[rtl][cycles]") {
  if (std::getenv("TRINE_APPROVE") != nullptr) {
    write_file(kTable, measure());
    FAIL("measured anew: look at the table's difference, run again without TRINE_APPROVE");
  }
  const std::vector<Row> all = rows();
  CHECK(all.size() > 150);
  std::set<std::string> counted;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i % kEach != 0 && counted.contains(all[i].design)) continue;
    if (kEach > 1 && !design_of(all[i]).sampled) continue;
    CAPTURE(all[i].design, all[i].network);
    CHECK(measured(program_of(all[i]), design_of(all[i])) == all[i].counters);
    counted.insert(all[i].design);
  }
  CHECK(counted.size() + 1 >= designs().size());
}

TEST_CASE("predicted cycles agree with the RTL within the stated error", "[arch][cycles]") {
  std::map<std::string, double> sums, counts, of_counter;
  const std::vector<Row> all = rows();
  auto off = reasons();
  CHECK(off.size() < all.size() / 4);
  for (const Row& row : all) {
    CAPTURE(row.design, row.network, row.counters);
    const Counters prediction = predicted(program_of(row));
    for (std::size_t i = 0; i < kCounters; ++i) {
      CAPTURE(name_of(i), prediction[i]);
      const double error = error_of(prediction, row.counters, i);
      CHECK(error == Approx(row.error[i]).margin(kChange));
      of_counter[name_of(i)] += error;
    }
    // A row that no longer needs a reason must not have one, so that the list stays short.
    const auto reason = off.find({row.design, row.network});
    CHECK((std::abs(row.error[0]) > kMostOfRow) == (reason != off.end()));
    if (reason != off.end()) {
      CHECK(std::abs(row.error[0]) <= reason->second.most);
      CHECK(most_of(row) == reason->second.counter);
      off.erase(reason);
    }
    for (const std::string& of : {row.design, row.network}) {
      sums[of] += row.error[0];
      ++counts[of];
    }
  }
  CHECK(off.empty());  // reasons for rows that do not exist
  for (const auto& [of, sum] : sums) {
    CAPTURE(of);
    // Otherwise it has a reason.
    if (counts[of] > 1) CHECK(std::abs(sum / counts[of]) <= kMostOfMean);
  }
  for (const auto& [of, sum] : of_counter) {
    CAPTURE(of);
    CHECK(std::abs(sum / static_cast<double>(all.size())) <= kMostOfCounter);
  }
}

TEST_CASE("a second inference fetches the words that IMEM does not hold, as predicted",
          "[rtl][arch][imem]") {
  int whole = 0, longer = 0;
  for (const char* name : {"add", "max_pool", "conv_1x1", "average_pool", "depthwise_3x3", "chain",
                           "transpose", "resize", "layer_norm"}) {
    CAPTURE(name);
    const compiler::Program program = compiler::compile(graph_of(name), imem_design().config);
    const std::uint64_t bytes = 8 * program.words.size();
    CAPTURE(bytes);
    sim::RtlRunner runner(program, rtl_options(imem_design()));
    const auto on_rtl = [&](std::vector<std::uint8_t> dram) {
      return std::pair(runner.run_dram(dram), dram);
    };
    const std::vector<std::uint8_t> before = compiler::initial_dram(program);
    const auto [first, after] = on_rtl(before);
    const auto [second, after_second] = on_rtl(before);
    CHECK(after_second == after);
    CHECK(first.fetched_bytes == bytes);
    CHECK(second.fetched_bytes == (bytes > 1024 ? bytes - 1024 : 0));
    CHECK(second.dram_bytes_read + first.fetched_bytes ==
          first.dram_bytes_read + second.fetched_bytes);
    CHECK(second.cycles <= first.cycles);
    ++(bytes > 1024 ? longer : whole);
    for (const bool again : {false, true}) {
      std::vector<std::uint8_t> dram = before;
      sim::ArchOptions options;
      options.again = again;
      const sim::RunResult prediction = sim::run_arch_dram(program, dram, options);
      const sim::RunResult& rtl = again ? second : first;
      CAPTURE(again, prediction.cycles, rtl.cycles);
      CHECK(dram == after);
      CHECK(prediction.fetched_bytes == rtl.fetched_bytes);
      CHECK(std::abs(error_of(counters_of(prediction), counters_of(rtl), 0)) < kMostAgain);
    }
    // The driver loads the program again.
    runner.load();
    CHECK(on_rtl(before).first.fetched_bytes == bytes);
  }
  CHECK(whole > 1);
  CHECK(longer > 1);
}

/// Fused additions enter the lanes in two of four phases, which must not depend on previous
/// programs.
TEST_CASE("a program takes the same time whatever ran before it", "[rtl][cycles]") {
  const Design& design = designs().at(2);  // has the shortest build
  std::vector<compiler::Program> programs;
  for (const char* name : {"conv_1x1", "max_pool", "average_pool", "transpose", "resize"})
    programs.push_back(compiled(graph_of(name), design));
  const compiler::Program fused = compiled(graph_of("residual"), design);
  const auto bytes = [](const compiler::Program& p) { return p.dram_bytes + 8 * p.words.size(); };
  sim::RtlRunner runner(*std::ranges::max_element(programs, {}, bytes), rtl_options(design));
  const auto cycles_of = [&](const compiler::Program& program) {
    std::vector<std::uint8_t> dram = compiler::initial_dram(program);
    runner.use(program);
    return runner.run_dram(dram).cycles;
  };
  std::vector<std::uint64_t> cycles;
  for (const compiler::Program& before : programs) {
    cycles_of(before);
    cycles.push_back(cycles_of(fused));
  }
  CHECK(cycles == std::vector(cycles.size(), cycles.front()));
}

}  // namespace
}  // namespace trine
