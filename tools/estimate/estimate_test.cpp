// SPDX-License-Identifier: Apache-2.0
//
// Compares tables with the published totals, and cycles with the architecture simulator's.

#include "tools/estimate/estimate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <sstream>
#include <string>

#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/root.h"
#include "sw/compiler/compiler.h"
#include "sw/model/import/import.h"
#include "sw/model/import/testing.h"
#include "sw/model/rewrite/batch.h"
#include "tools/estimate/area_model.h"
#include "tools/estimate/dataflows.h"
#include "tools/estimate/planned_dram.h"
#include "tools/estimate/shapes.h"
#include "tools/estimate/transformers.h"

namespace trine::estimate {
namespace {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

Estimate table(const char* name, int tokens, int context = 0) {
  return of_transformer(transformer(name), tokens, context > 0 ? context : tokens,
                        spec::load_config("edge1024", {}));
}

std::int64_t macs_of(const Estimate& e, const std::string& op) {
  std::int64_t macs = 0;
  for (const Row& row : e.rows)
    if (row.op == op) macs += row.macs * row.times;
  return macs;
}

TEST_CASE("parameters of the tables are the published ones", "[estimate]") {
  CHECK(table("bert-base", 1).parameters() == 109'482'240);       // 110 M
  CHECK(table("bert-large", 1).parameters() == 335'141'888);      // 340 M
  CHECK(table("llama-7b", 1).parameters() == 6'738'415'616);      // 6.7 B
  CHECK(table("gpt-3", 1).parameters() == 174'604'259'328);       // 175 B: 174,600 M
  CHECK(table("gpt-2", 1).parameters() == 124'439'808);           // 124 M
  CHECK(table("llama-3.2-1b", 1).parameters() == 1'235'814'400);  // 1.23 B
  CHECK(table("qwen2-0.5b", 1).parameters() == 494'032'768);      // 0.49 B
  CHECK(table("bitnet-2b", 1).parameters() == 2'412'820'480);     // 2.4 B
}

TEST_CASE("MACs of the tables are the published ones", "[estimate]") {
  // 22.5 G operations at 128 tokens (MobileBERT, table 4): 11.2 G MACs.
  CHECK(table("bert-base", 128).macs() == 11'174'215'680);
  // Each weight is used once for each token: training takes 6 FLOPs per parameter and token, of
  // which 2 are forward (GPT-3, table D.1); embeddings and norms have no products.
  CHECK(macs_of(table("gpt-3", 1), "FULLY_CONNECTED") ==
        96LL * 12 * 12'288 * 12'288 + 50'257LL * 12'288);
  CHECK(macs_of(table("llama-7b", 1), "FULLY_CONNECTED") ==
        32LL * (4 * 4'096 * 4'096 + 3LL * 4'096 * 11'008) + 32'000LL * 4'096);
  // Scores and values: two products of `context` x width for each token and layer.
  CHECK(macs_of(table("llama-7b", 1, 2'048), "BATCH_MATMUL") == 32LL * 2 * 2'048 * 4'096);
  CHECK(macs_of(table("bert-large", 64), "BATCH_MATMUL") == 24LL * 2 * 64 * 64 * 1'024);
}

TEST_CASE("one token waits for the bus, many for the array", "[estimate]") {
  const Estimate decode = table("llama-7b", 1, 2'048), prompt = table("bert-base", 64);
  for (const Row& row : decode.rows)
    if (row.op == "FULLY_CONNECTED") CHECK(row.bound() == "memory");
  for (const Row& row : prompt.rows)
    if (row.name == "feed-forward, GELU") CHECK(row.bound() == "compute");
  // 16 bytes per cycle for all weights, keys and values.
  const double bytes = 6.6e9 + 32 * 2.0 * 2'048 * 4'096;
  CHECK(decode.cycles() > bytes / 16);
  CHECK(decode.cycles() < 1.05 * bytes / 16);
}

/// Both depend on the MACs of the planned layers: their energy, and whether cores share the tokens.
TEST_CASE("products of a transformer cost their MACs, and cores share its tokens", "[estimate]") {
  const auto estimate = [](const std::vector<std::string>& keys) {
    return of_transformer(transformer("bert-base"), 128, 128,
                          spec::load_config("cluster4x1024", keys));
  };
  const Estimate one = estimate({"cluster.cores=1"}), four = estimate({});
  for (const Estimate* e : {&one, &four}) {
    std::int64_t macs = 0;
    for (const Row& row : e->rows) macs += row.times * row.actions[sim::kInt8Mac];
    CHECK(macs == e->macs());
  }
  CHECK(four.cycles() < one.cycles() / 3.5);
}

TEST_CASE("weights of fewer bits take fewer bytes for a token", "[estimate]") {
  const spec::Config config = spec::load_config(
      "edge1024", {"array.weights4=true", "array.precisions=[\"int8\", \"ternary\"]"});
  Transformer bitnet = transformer("bitnet-2b");
  std::map<std::string, std::int64_t> bytes;
  for (const std::string weights : {"int8", "int4", "ternary"}) {
    bitnet.weights = weights;
    const Estimate e = of_transformer(bitnet, 1, 512, config);
    CHECK(e.parameters() == 2'412'820'480);
    bytes[weights] = e.beats() * config.axi_data_bits / 8;
  }
  constexpr double kBlocks = 2'084e6;  // weights
  CHECK(bytes["int8"] - bytes["int4"] == Approx(kBlocks / 2).epsilon(0.02));
  CHECK(bytes["int4"] - bytes["ternary"] == Approx(kBlocks / 4).epsilon(0.02));
  // Each of five key heads is read once for four queries.
  const Estimate decode = of_transformer(bitnet, 1, 2'048, config);
  CHECK(macs_of(decode, "BATCH_MATMUL") == 30LL * 2 * 2'048 * 2'560);
  CHECK(std::ranges::find(decode.rows, "query x key", &Row::name)->times == 30 * 5);
}

TEST_CASE("a transformer can be given by its sizes", "[estimate]") {
  const spec::Config config = spec::load_config("edge1024");
  const Transformer own = transformer("L=24,D=896,H=14,FF=4864,C=151936,KV=2,gate=silu");
  const Estimate e = of_transformer(own, 8, 64, config);
  Transformer qwen = transformer("qwen2-0.5b");
  qwen.tied = false;
  const Estimate known = of_transformer(qwen, 8, 64, config);
  CHECK(e.macs() == known.macs());
  CHECK(e.cycles() == known.cycles());
  // Heads that are narrower than D / H.
  const Transformer narrow = transformer("L=12,D=768,E=32,H=12,FF=3072,C=30522");
  CHECK(narrow.head() == 32);
  CHECK(macs_by_rule(narrow, 512) == 52'468'383'744);
  CHECK(macs_by_rule(transformer("llama-7b"), 2048) == 12'775'380'221'952);
  const Estimate of_narrow = of_transformer(narrow, 512, 512, config);
  const std::int64_t M = 512, D = 768, EH = 384, FF = 3072, C = 30522;
  CHECK(of_narrow.macs() == 12 * (M * (4 * D * EH + 2 * D * FF) + 2 * M * M * EH) + C * D);
  for (const auto& [text, message] : std::vector<std::pair<std::string, std::string>>{
           {"L=12,D=768", "H is missing"},
           {"L=0,D=8,H=2,FF=8,C=8", "L=0: allowed whole numbers from 1"},
           {"L=1,D=8,H=2,FF=8x,C=8", "FF=8x: allowed"},
           {"L=1,D=8,H=2,FF=8,C=8,Z=1", "Z=1: allowed L, D, H"},
           {"L=1,D=8,H=3,FF=8,C=8", "D is not a multiple of H"},
           {"L=1,D=8,H=4,FF=8,C=8", "multiples of 4"},
           {"L=1,D=12,H=3,FF=8,C=8,KV=2", "H is not a multiple of KV"}})
    CHECK_THROWS_WITH(transformer(text), Catch::Matchers::ContainsSubstring(message));
}

TEST_CASE("tables have the traffic and the causes of their cycles", "[estimate][shapes]") {
  const spec::Config config = spec::load_config("edge256");
  const auto file = project_root() / "models" / "shapes" / "squeezenet.csv";
  const Estimate e = of_shapes(parse_shapes(read_text(file), file.string()), config);
  const auto sum = [](const auto& numbers) {
    return std::accumulate(numbers.begin(), numbers.end(),
                           typename std::decay_t<decltype(numbers)>::value_type{});
  };
  for (const Row& row : e.rows) {
    CHECK(sum(row.causes_of_one()) == Approx(row.cycles));
    CHECK(row.dram.constants >= row.weight_bytes);
    CHECK(sum(row.dmem.read) == row.actions[sim::kDmemRead]);
    CHECK(sum(row.dmem.written) == row.actions[sim::kDmemWrite]);
  }
  CHECK(e.dram().maps_read >= 224 * 224 * 3);
  CHECK(e.dram().maps_written >= 1000);
  // The traffic of equal blocks is counted as often as the network contains them.
  const Estimate gpt2 = of_transformer(transformer("gpt-2"), 64, 64, config);
  CHECK(gpt2.dram().constants > gpt2.weight_bytes() / 2);
  CHECK(gpt2.program_bytes() > 0);
}

TEST_CASE("missing tables and hardware are named", "[estimate][error]") {
  CHECK_THROWS_WITH(transformer("bert"),
                    "no table 'bert', allowed bert-base, bert-large, gpt-2, gpt-3, llama-7b, "
                    "llama-2-7b, llama-3.2-1b, qwen2-0.5b, bitnet-2b, or sizes: "
                    "L=12,D=768,H=12,FF=3072,C=30522");
  const spec::Config plain = spec::load_config("edge1024", {"matmul.enable=false"});
  CHECK_THROWS_WITH(of_transformer(transformer("bert-base"), 8, 8, plain),
                    "bert-base: products of two maps and softmax need matmul.enable and "
                    "vector.softmax");
  Transformer gpt2 = transformer("gpt-2");
  gpt2.weights = "int4";
  CHECK_THROWS_WITH(of_transformer(gpt2, 1, 8, spec::load_config("edge1024", {})),
                    "gpt-2: the design does not support int4 weights (array.weights4)");
}

/// components/benchmarks/cycles/estimates.py --write measures the table. Three of the shared
/// networks are worse on edge1024: short reductions with thresholds or lookups, and beats that
/// conflict with gathers which wait for the drain anyway.
TEST_CASE("estimates are within 3 % of the cycles of the RTL", "[estimate][cycles]") {
  const std::filesystem::path root = TRINE_SOURCE_DIR;
  std::istringstream table(read_text(root / "tests" / "cycles" / "presets.tsv"));
  std::string header, preset, name;
  std::getline(table, header);
  std::vector<double> errors;
  for (double cycles = 0; table >> preset >> name >> cycles;) {
    CAPTURE(preset, name);
    std::filesystem::path file = model::shared_folder() / "models" / name;
    const bool shared = !std::filesystem::exists(root / "models" / name) &&
                        !std::filesystem::exists(root / "tests" / "networks" / name);
    if (shared && !std::filesystem::exists(file)) continue;
    for (const char* folder : {"models", "tests/networks"})
      if (std::filesystem::exists(root / folder / name)) file = root / folder / name;
    const compiler::Program program =
        compiler::compile(model::import_model(file), spec::load_config(preset, {}));
    const auto estimate = static_cast<double>(of_program(program).cycles);
    CAPTURE(cycles, estimate);
    errors.push_back(std::abs(estimate / cycles - 1));
    const bool worse =
        preset == "edge1024" &&
        (name == "mnist_conv_qdq.onnx" || name == "cnv_w1a1.onnx" || name == "vww_96_int8.tflite");
    CHECK(errors.back() <= (!shared ? 0.09 : worse ? 0.047 : 0.03));
  }
  REQUIRE(errors.size() >= 60);
  std::ranges::sort(errors);
  CHECK(errors[errors.size() / 2] <= 0.006);
  CHECK(errors[errors.size() * 9 / 10] <= 0.025);
}

ShapeTable shipped(const std::string& name) {
  const std::string file = std::string(TRINE_SOURCE_DIR) + "/models/shapes/" + name + ".csv";
  return parse_shapes(read_text(file), file);
}

TEST_CASE("tables of shapes have the networks' MACs and parameters", "[estimate][shapes]") {
  const auto [name, macs, parameters] =
      GENERATE(Catch::Generators::table<const char*, std::int64_t, std::int64_t>({
          {"alexnet", 724'406'816, 60'965'224},
          {"efficientnet_b7", 37'745'884'192, 66'347'960},
          {"googlenet", 1'582'671'872, 6'998'552},
          {"mobilenet_v3_large", 216'589'760, 5'483'032},
          {"nfnet_f0", 12'384'198'656, 71'489'272},
          {"resnet152", 11'282'415'616, 60'192'808},
          {"squeezenet", 832'667'936, 1'248'424},
          {"vgg19", 19'632'062'464, 143'667'240},
          {"vit_b16", 17'563'828'224, 86'567'656},
          {"xception", 8'357'403'496, 22'855'952},
      }));
  CAPTURE(name);
  std::int64_t all_macs = 0, all_parameters = 0;
  for (const ShapeRow& row : shipped(name).rows) {
    all_macs += row.macs() * row.times;
    all_parameters += row.parameters() * row.times;
  }
  CHECK(all_macs == macs);
  CHECK(all_parameters == parameters);
}

TEST_CASE("no layer of a table is above the array's peak, and the rows add up",
          "[estimate][shapes]") {
  // Larger siblings of other tables take as long as all others together.
  const std::set<std::string> large{"efficientnet_b7", "inception_v4", "nfnet_f0", "resnet101",
                                    "resnet152",       "vgg19",        "xception"};
  const char* designs[] = {"edge128", "edge256", "edge1024", "cluster4x1024"};
  std::size_t next = 0;
  std::vector<std::string> tables;
  const auto folder = std::filesystem::path(TRINE_SOURCE_DIR) / "models" / "shapes";
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".csv" && !large.contains(entry.path().stem().string()))
      tables.push_back(entry.path().stem().string());
  std::ranges::sort(tables);
  REQUIRE(tables.size() >= 21);
  for (const std::string& name : tables) {
    const spec::Config config = spec::load_config(designs[next++ % std::size(designs)], {});
    const Estimate e = of_shapes(shipped(name), config);
    for (const Row& row : e.rows) {
      CAPTURE(name, config.name, row.name, row.macs, row.cycles);
      CHECK(row.peak_cycles <= row.cycles);
      CHECK((row.cycles > 0 || row.macs == 0));
    }
  }
}

TEST_CASE("no row of a language model is above the array's peak", "[estimate]") {
  for (const char* name : {"bert-base", "gpt-2", "llama-3.2-1b", "qwen2-0.5b", "bitnet-2b"})
    for (const int tokens : {1, 128}) {
      const Estimate e = table(name, tokens);
      for (const Row& row : e.rows) {
        CAPTURE(name, tokens, row.name, row.macs, row.cycles);
        CHECK(row.peak_cycles <= row.cycles);
      }
    }
}

TEST_CASE("a product and the pool that is fused into it are one row", "[estimate][shapes]") {
  const Estimate e = of_shapes(shipped("vgg16"), spec::load_config("edge256", {}));
  const auto row = std::ranges::find(e.rows, "conv1_2+pool1", &Row::name);
  REQUIRE(row != e.rows.end());
  CHECK(row->op == "conv+max");
  CHECK(row->macs == 1'849'688'064);
  CHECK(row->parameters == 36'928);
  CHECK(row->cycles > 1'849'688'064 / 256.0);
  CHECK(std::ranges::find(e.rows, "pool1", &Row::name) == e.rows.end());
}

TEST_CASE("a table of shapes is planned as the model is", "[estimate][shapes]") {
  const ShapeTable table = parse_shapes(
      "name,type,C,H,W,M,R,U,pad\n"
      "conv1,conv,1,28,28,6,5,1,same\n"
      "pool1,max,6,28,28,,2,2,\n"
      "conv2,conv,6,14,14,16,5,1,\n"
      "pool2,max,,,,,2,2,\n"
      "fc1,fc,16,5,5,120,,,\n"
      "fc2,fc,120,1,1,84,,,\n"
      "logits,fc,84,1,1,10,,,\n",
      "lenet.csv");
  const std::string file = std::string(TRINE_SOURCE_DIR) + "/models/lenet_mnist.tflite";
  const model::Graph graph = model::import_model(file);
  for (const char* preset : {"edge32", "edge256", "edge1024"}) {
    CAPTURE(preset);
    const spec::Config config = spec::load_config(preset, {});
    const auto cycles = static_cast<double>(of_program(compiler::compile(graph, config)).cycles);
    const Estimate shapes = of_shapes(table, config);
    CHECK(shapes.macs() == 416'520);
    CHECK(shapes.cycles() == Approx(cycles).epsilon(0.01));
    CHECK(shapes.parameters() == 61'706);
  }
}

TEST_CASE("a table of a network on colored images is planned as the model is",
          "[estimate][shapes]") {
  const ShapeTable table = parse_shapes(
      "name,type,from,C,H,W,M,R,U,pad\n"
      "a0,conv,,3,32,32,16,3,1,same\n"
      "a1,conv,,16,32,32,16,3,1,same\n"
      "a2,conv,,16,32,32,16,3,1,same\n"
      "a,add,a0 a2,,,,,,,\n"
      "b1,conv,a,16,32,32,32,3,2,same\n"
      "b2,conv,,32,16,16,32,3,1,same\n"
      "b0,conv,a,16,32,32,32,1,2,same\n"
      "b,add,b0 b2,,,,,,,\n"
      "c1,conv,b,32,16,16,64,3,2,same\n"
      "c2,conv,,64,8,8,64,3,1,same\n"
      "c0,conv,b,32,16,16,64,1,2,same\n"
      "c,add,c0 c2,,,,,,,\n"
      "pool,avg,c,,,,,,,\n"
      "logits,fc,,64,1,1,10,,,\n",
      "resnet8.csv");
  const model::Graph graph =
      model::import_model(std::string(TRINE_SOURCE_DIR) + "/tests/networks/resnet8.tflite");
  for (const char* preset : {"edge32", "edge256", "edge1024"}) {
    CAPTURE(preset);
    const spec::Config config = spec::load_config(preset, {});
    const auto cycles = static_cast<double>(of_program(compiler::compile(graph, config)).cycles);
    const Estimate shapes = of_shapes(table, config);
    CHECK(shapes.macs() == model::macs(graph));
    CHECK(shapes.cycles() == Approx(cycles).epsilon(0.01));
    for (const int images : {3, 8}) {
      CAPTURE(images);
      const compiler::Program batch = compiler::compile(model::batched(graph, images), config);
      const Estimate of_batch = of_shapes(table, config, images);
      CHECK(of_batch.macs() == images * shapes.macs());
      CHECK(of_batch.parameters() == shapes.parameters());
      CHECK(of_batch.weight_bytes() == shapes.weight_bytes());
      CHECK(of_batch.cycles() ==
            Approx(static_cast<double>(of_program(batch).cycles)).epsilon(0.02));
    }
  }
}

TEST_CASE("images of a table share what a row loads", "[estimate][shapes]") {
  const spec::Config config = spec::load_config("edge256", {});
  const auto table = [](const std::string& rows) {
    return parse_shapes("name,type,from,C,H,W,M,R,pad,times\n" + rows, "t.csv");
  };
  // Fully connected rows read the images as pixels: their weights are loaded once.
  const ShapeTable dense = table(
      "a,conv,,16,6,6,64,3,same,\n"
      "b,fc,,,,,1024,,,\n"
      "c,fc,,,,,1024,,,\n");
  const Estimate one = of_shapes(dense, config), eight = of_shapes(dense, config, 8);
  CHECK(eight.macs() == 8 * one.macs());
  CHECK(10 * eight.dram().constants < 11 * one.dram().constants);
  CHECK(eight.cycles() < 1.5 * one.cycles());
  // Images share the weights of a convolution that PMEM holds, but not those of two maps.
  const ShapeTable conv = table("a,conv,,64,8,8,64,3,same,\n");
  CHECK(of_shapes(conv, config, 4).dram().constants < 3 * of_shapes(conv, config).dram().constants);
  const ShapeTable product = table("a,matmul,,64,1,16,64,,,\n");
  CHECK(of_shapes(product, config, 4).dram().constants ==
        4 * of_shapes(product, config).dram().constants);
  // A fully connected row in the middle is a row of each image, as is one that reads a join.
  const ShapeTable gate = table(
      "a,conv,,64,8,8,64,3,same,\n"
      "mean,avg,,,,,,,,\n"
      "excite,fc,,,,,64,,,\n"
      "gate,mul,a excite,,,,,,,\n"
      "b,conv,gate,,,,32,1,,\n"
      "c,conv,gate,,,,32,1,,\n"
      "join,concat,b c,,,,,,,\n"
      "d,fc,,,,,10,,,\n");
  CHECK(of_shapes(gate, config, 3).macs() == 3 * of_shapes(gate, config).macs());
}

TEST_CASE("sequences of a transformer share the weights of products", "[estimate]") {
  const spec::Config config = spec::load_config("edge1024");
  const Transformer gpt2 = transformer("gpt-2");
  const Estimate one = of_transformer(gpt2, 1, 256, config),
                 eight = of_transformer(gpt2, 1, 256, config, 8);
  CHECK(eight.macs() == 8 * one.macs());
  CHECK(eight.tokens == 8);
  CHECK(eight.weight_bytes() == one.weight_bytes());
  const auto row = [](const Estimate& e, const char* name) {
    return *std::ranges::find(e.rows, name, &Row::name);
  };
  CHECK(row(eight, "query").dram.constants == row(one, "query").dram.constants);
  // Each sequence has its own keys and values.
  CHECK(row(eight, "query x key").times == 8 * row(one, "query x key").times);
}

TEST_CASE("rows of a table join, add, repeat and come in batches", "[estimate][shapes]") {
  const spec::Config config = spec::load_config("edge256", {});
  const Estimate e = of_shapes(parse_shapes("# a comment\n"
                                            "name,type,from,N,C,H,W,M,R,pad,groups,times\n"
                                            "a,conv,,,16,8,8,16,3,1,4,\n"
                                            "b,conv,a,,16,8,8,6,1,,,\n"
                                            "c,conv,a,,16,8,8,10,1,,,\n"
                                            "join,concat,b c,,,,,,,,,\n"
                                            "d,depthwise,,,,,,,3,1,,\n"
                                            "sum,add,d join,,,,,,,,,\n"
                                            "mean,avg,,,,,,,,,,\n"
                                            "gate,mul,mean sum,,,,,,,,,\n"
                                            "block,conv,,,32,1,10,32,1,,,12\n"
                                            "lstm,fc,input,64,512,1,1,2048,,,,\n",
                                            "t.csv"),
                               config);
  CHECK(e.macs() == 64 * (16 * 4 * 9 + 16 * 16 + 16 * 9) + 12 * 10 * 32 * 32 + 64 * 512 * 2048);
  CHECK(e.parameters() ==
        16 * 4 * 9 + 16 + 16 * 16 + 16 + 16 * 9 + 16 + 12 * (32 * 32 + 32) + 512 * 2048 + 2048);
  for (const Row& row : e.rows) CHECK(row.name != "sum");  // in the depthwise product
}

TEST_CASE("an average over a border is planned for each number of taps", "[estimate][shapes]") {
  const spec::Config config = spec::load_config("edge256", {});
  const auto cycles = [&](const std::string& row) {
    return of_shapes(parse_shapes("name,type,from,C,H,W,R,pad\n" + row, "t.csv"), config).cycles();
  };
  const double same = cycles("a,avg,input,64,12,12,3,same\n");
  CHECK(same == cycles("a,avg,input,64,12,12,3,1\n"));
  // The same number of positions without a border: one sum instead of nine.
  const double inner = cycles("a,avg,input,64,14,14,3,\n");
  CHECK(same > inner);
  CHECK(same < 2 * inner);
}

TEST_CASE("a norm of more channels than parameters is two sums and three passes",
          "[estimate][shapes]") {
  const spec::Config config = spec::load_config("edge256", {"memory.param_channels=128"});
  const auto cycles = [&](const std::string& rows) {
    const std::string header = "name,type,from,C,H,W,M,R\n";
    return of_shapes(parse_shapes(header + rows, "t.csv"), config).cycles();
  };
  const double norm = cycles("n,norm,input,512,8,8,,\n");
  const double parts = cycles(
      "mean,conv,input,512,8,8,1,1\n"
      "squares,mul,input input,512,8,8,,\n"
      "variance,conv,squares,512,8,8,1,1\n"
      "centred,mul,squares squares,512,8,8,,\n"
      "scaled,mul,centred squares,512,8,8,,\n");
  CHECK(norm == Approx(parts).epsilon(0.06));  // a pass is a fifth
}

TEST_CASE("faults of a table of shapes are named by line and column", "[estimate][shapes][error]") {
  const auto [text, message] = GENERATE(Catch::Generators::table<const char*, const char*>({
      {"", "t.csv:1: no row, allowed a header and a row for each layer"},
      {"name,kind\n",
       "t.csv:1: header: no column 'kind', allowed name, type, from, N, C, H, W, M, R, S, U, D, "
       "pad, groups, times, bias"},
      {"name,type\na,conv,3\n", "t.csv:2: 3 fields, the header has 2"},
      {"name,type\na,dense\n",
       "t.csv:2: type: 'dense', allowed conv, depthwise, fc, matmul, max, avg, add, mul, concat, "
       "softmax, norm, embed"},
      {"name,type,C\na,conv,0\n", "t.csv:2: C: 0, allowed 1..1048576"},
      {"name,type,C,pad\na,conv,4,x\n", "t.csv:2: pad: x, allowed 0..255 or same"},
      {"name,type,C,H,W\na,conv,4,8,8\n", "t.csv:2: M: is empty, conv needs it"},
      {"name,type,C,H,W,R\na,max,4,8,8,9\n",
       "t.csv:2: R: a filter of 9 taps does not fit 8 pixels with a padding of 0"},
      {"name,type,C,M\na,avg,4,4\n", "t.csv:2: M: 4, but the column must be empty for type avg"},
      {"name,type,C,M,groups\na,conv,4,6,4\n",
       "t.csv:2: groups: 4 channels and 6 filters in 4 groups, allowed divisors of both"},
      {"name,type,from,C,H,W,M\na,conv,,4,8,8,4\nb,conv,a,4,9,8,4\n",
       "t.csv:3: from: a gives 4 x 8 x 8 (C x H x W), allowed 4 x 9 x 8"},
      {"name,type,from,C\na,add,b c,4\n",
       "t.csv:2: from: no map 'b' above, allowed input and the names of earlier rows"},
      {"name,type,from,C\na,add,input,4\n", "t.csv:2: from: 1 names, add reads 2"},
      {"name,type,C,M\na,conv,4,4\na,conv,4,4\n",
       "t.csv:3: name: 'a', allowed one word that is neither 'input' nor the name of another row"},
  }));
  CAPTURE(text);
  CHECK_THROWS_WITH(parse_shapes(text, "t.csv"), message);
  const spec::Config plain = spec::load_config("edge256", {"vector.softmax=false"});
  CHECK_THROWS_WITH(of_shapes(parse_shapes("name,type,C\na,softmax,8\n", "t.csv"), plain),
                    "t.csv:2: type: softmax, the design lacks vector.softmax");
}

TEST_CASE("the area that a key adds agrees with synthesis", "[estimate][area]") {
  const nlohmann::json model = nlohmann::json::parse(
      read_text(std::string(TRINE_SOURCE_DIR) + "/tools/estimate/area/sg13g2.json"));
  REQUIRE(model.at("keys").size() == 9);
  for (const auto& key : model.at("keys"))
    for (const auto& [design, measured] : key.at("measured").items()) {
      CAPTURE(key.at("key").get<std::string>(), design);
      std::istringstream words(design);
      std::string preset, setting;
      words >> preset;
      auto without = key.at("with").get<std::vector<std::string>>();
      while (words >> setting) without.push_back(setting);
      auto with = without;
      for (const auto& added : key.at("added")) with.push_back(added);
      const auto gates = [&](const std::vector<std::string>& keys) {
        return area_of(spec::load_config(preset, keys)).gate_equivalents;
      };
      const double more = gates(with) - gates(without);
      CHECK(more * measured.get<double>() > 0);
      CHECK(std::abs(more - measured.get<double>()) < 0.01 * gates(without));
    }
}

TEST_CASE("a setting that costs more than a larger one has a note", "[estimate][area]") {
  const auto notes = [](const char* preset, const std::vector<std::string>& keys) {
    return fmt::format("{}", fmt::join(dearer_by_less(spec::load_config(preset, keys)), "\n"));
  };
  CHECK(notes("edge256", {}).empty());
  CHECK_THAT(notes("edge256", {"memory.param_channels=256"}),
             StartsWith("memory.param_channels=512 would save ") &&
                 ContainsSubstring("gate equivalents and 0.7") && EndsWith("of flip-flops"));
  CHECK_THAT(notes("edge32", {R"(array.precisions=["int8"])"}),
             StartsWith(R"(array.precisions=["int8","ternary","binary"] would save )") &&
                 EndsWith("larger memory macros"));
}

TEST_CASE("area and clock agree with designs that synthesis measured", "[estimate][area]") {
  const nlohmann::json model = nlohmann::json::parse(
      read_text(std::string(TRINE_SOURCE_DIR) + "/tools/estimate/area/sg13g2.json"));
  CHECK(model.at("fitted").size() >= 12);
  CHECK(model.at("held_out").size() >= 4);
  for (const char* set : {"fitted", "held_out"})
    for (const auto& point : model.at(set)) {
      std::istringstream words(point.at("design").get<std::string>());
      std::string preset, key;
      words >> preset;
      std::vector<std::string> keys;
      while (words >> key) keys.push_back(key);
      CAPTURE(preset, keys);
      std::vector<std::string> settings = keys;
      settings.emplace_back("post.partial_sums=false");  // a term of its own, above
      const Area area = area_of(spec::load_config(preset, settings));
      const auto near = [&](const char* what, double value, double most) {
        CAPTURE(what);
        const auto& measured = point.at(what);
        const double ours = value / measured.at("measured").get<double>() - 1;
        CHECK(ours == Approx(measured.at("error").get<double>()).margin(0.0002));  // of the script
        CHECK(std::abs(ours) < most);
      };
      // A faster clock requires other macros at once; a held-out design reaches 3.94 ns where
      // similar ones take 4.3 (docs/area.md).
      const double most = std::string(set) == "held_out" ? 0.12 : 0.40;
      near("area_um2", area.area_um2, 0.125);  // without depthwise.enable on a wide bus
      near("clock_ns", area.clock_ns, 0.12);
      near("sram_um2", area.sram_um2, 0.40);
      near("total_um2", area.total_um2, most);
    }
  CHECK(area_of(spec::load_config("edge256", {})).area_error <= 0.12);
  CHECK_FALSE(area_of(spec::load_config("edge256", {})).beyond);
  CHECK(area_of(spec::load_config("tpuv1-size", {})).beyond);
}

TEST_CASE("the traffic of loop orders equals a count by hand", "[estimate][dataflow]") {
  Product p{.name = "small", .M = 2, .C = 1, .R = 3, .S = 3, .P = 2, .Q = 2, .H = 4, .W = 4};
  const Resources r{2, 2, 1024, 4};
  const std::vector<Accesses> dram{{"weights", 18, ""}, {"inputs", 16, ""}, {"outputs", 8, ""}};
  const auto buffer = [&](Dataflow flow) { return moved(flow, p, r, dram).buffer_accesses(); };
  CHECK(buffer(Dataflow::kOutput) == 36 + 36 + 8);
  CHECK(buffer(Dataflow::kWeight) == 36 + 18 + 72);
  CHECK(buffer(Dataflow::kInput) == 36 + 36 + 72);
  CHECK(buffer(Dataflow::kRow) == 16 + 18 + 8);
  for (const Dataflow flow :
       {Dataflow::kOutput, Dataflow::kWeight, Dataflow::kInput, Dataflow::kRow}) {
    const Moved m = moved(flow, p, r, dram);
    CHECK((m.macs == 72 && m.dram_accesses() == 18 + 16 + 8));
    const double energy = 72 + static_cast<double>(m.registers + 2 * m.hops) +
                          6 * static_cast<double>(m.buffer_accesses()) + 200 * 42;
    CHECK(m.energy() == energy);
  }
}

TEST_CASE("products of a language model have the MACs of its estimate", "[estimate][dataflow]") {
  for (const char* name : {"bert-base", "gpt-2", "llama-7b", "qwen2-0.5b"}) {
    CAPTURE(name);
    std::int64_t of_rows = 0, of_products = 0;
    for (const Row& row : table(name, 128).rows)
      if (row.weight_bytes > 0) of_rows += row.times * row.macs;
    for (const Product& p : products_of(transformer(name), 128)) of_products += p.times * p.macs();
    CHECK(of_products == of_rows);
  }
}

/// A layer whose maps fit is moved once. Plans for bytes move fewer, but no fewer than that.
TEST_CASE("DRAM accesses of a product are those of its plan", "[estimate][dataflow]") {
  const spec::Config config = spec::load_config("edge256", {});
  const auto bytes = [&](const Product& p, compiler::Objective objective) {
    std::vector<std::int64_t> all;
    for (const Accesses& a : planned(p, config, objective).dram) all.push_back(a.count);
    return all;
  };
  const Product small{.name = "s", .M = 8, .C = 16, .P = 10, .Q = 10, .H = 10, .W = 10};
  CHECK(bytes(small, compiler::Objective::kCycles) ==
        std::vector<std::int64_t>{8 * 16 + 8 * spec::kParameterBytes, 1600, 800});
  Product depthwise{.name = "d", .R = 3, .S = 3, .P = 8, .Q = 8, .H = 8, .W = 8};
  depthwise.groups = depthwise.times = 32;
  CHECK(bytes(depthwise, compiler::Objective::kCycles)[1] == 64);
  const Product large{
      .name = "l", .M = 512, .C = 512, .R = 3, .S = 3, .P = 28, .Q = 28, .H = 28, .W = 28};
  const auto by_cycles = bytes(large, compiler::Objective::kCycles);
  const auto by_bytes = bytes(large, compiler::Objective::kBytes);
  const auto sum = [](const auto& of) {
    return std::accumulate(of.begin(), of.end(), std::int64_t{0});
  };
  CHECK(by_cycles[2] == 512 * 28 * 28);
  CHECK(sum(by_bytes) < sum(by_cycles));
  CHECK(sum(by_bytes) > large.weights() + large.inputs() + large.outputs());
}

/// 14 columns are a tile of 8 and one of 6; 480 channels are three pieces.
TEST_CASE("a plan's loops are a mapping of Timeloop", "[estimate][dataflow]") {
  const Product p{
      .name = "conv", .M = 48, .C = 480, .R = 5, .S = 5, .P = 14, .Q = 14, .H = 14, .W = 14};
  const compiler::LoopNest nest{.M = 8, .P = 14, .Q = 14, .C = 160, .R = 5, .sums = true};
  const std::string text = timeloop_mapping(p, nest, {8, 8, 1024, 4});
  CHECK_THAT(text, ContainsSubstring("- target: DRAM\n  type: temporal\n"
                                     "  factors: [C=3, R=1, S=1, Q=1, P=1, M=6, N=1]\n"
                                     "  permutation: [S, R, C, Q, P, M, N]\n"));
  CHECK_THAT(text, ContainsSubstring("[C=160, R=5, S=5, Q=2, P=14, M=1, N=1]"));
  CHECK_THAT(text, ContainsSubstring("[C=1, R=1, S=1, \"Q=8,6\", P=1, M=8, N=1]"));
}

TEST_CASE("Timeloop's files describe the product and the array of each loop order",
          "[estimate][dataflow]") {
  const Product p{.name = "conv",
                  .M = 2,
                  .C = 3,
                  .R = 4,
                  .S = 5,
                  .P = 6,
                  .Q = 7,
                  .H = 20,
                  .W = 30,
                  .stride_h = 8,
                  .stride_w = 9,
                  .dilation_h = 10,
                  .dilation_w = 11,
                  .times = 12};
  const std::string problem = timeloop_problem(p);
  CHECK_THAT(problem, StartsWith("# conv, of which there are 12; "));
  CHECK_THAT(problem, EndsWith("  instance: {C: 3, M: 2, R: 4, S: 5, N: 1, P: 6, Q: 7, Hstride: 8, "
                               "Wstride: 9, Hdilation: 10, Wdilation: 11}\n"));
  struct Row {
    Dataflow flow;
    const char *spread, *keep;
    int across, depth, bits;
  };
  for (const Row& row : {Row{Dataflow::kOutput, "permutation: [M, P, Q, N, C, R, S]",
                             "keep: [Outputs], bypass: [Inputs, Weights]", 1, 1, 32},
                         Row{Dataflow::kWeight, "permutation: [M, C, R, S, N, P, Q]",
                             "keep: [Weights], bypass: [Inputs, Outputs]", 1, 1, 8},
                         Row{Dataflow::kInput, "permutation: [P, Q, C, R, S, N, M]",
                             "keep: [Inputs], bypass: [Weights, Outputs]", 2, 1, 8},
                         Row{Dataflow::kRow, "permutation: [P, R, C, N, M, S, Q]",
                             "keep: [Inputs, Weights, Outputs], bypass: []", 1, 260, 8}}) {
    const std::string text = timeloop_architecture(row.flow, {3, 5, 4096, 4}, 128);
    CAPTURE(text);
    CHECK_THAT(text, StartsWith(std::string("# ") + kDataflows[static_cast<std::size_t>(row.flow)] +
                                " stationary on 3 x 5 PEs; "));
    for (const std::string& part :
         {std::string("spatial: {meshX: 5, meshY: 3}"), std::string(row.spread),
          std::string(row.keep), fmt::format("split: {}\n", row.across),
          std::string("type: LPDDR4, width: 128, datawidth: 8"),
          std::string("depth: 256, width: 128, datawidth: 8, n_banks: 1"),
          fmt::format("depth: {0}, width: {1}, datawidth: {1}", row.depth, row.bits)})
      CHECK_THAT(text, ContainsSubstring(part));
  }
}

TEST_CASE("products of a table have the MACs of its rows", "[estimate][dataflow]") {
  const std::string file = TRINE_SOURCE_DIR "/models/shapes/mobilenet_v2.csv";
  const ShapeTable table = parse_shapes(read_text(file), file);
  std::int64_t macs = 0, wanted = 0;
  for (const Product& p : products_of(table)) macs += p.times * p.macs();
  for (const ShapeRow& row : table.rows)
    if (row.is_product()) wanted += row.times * row.macs();
  CHECK(macs == wanted);
  const model::Graph lenet = model::import_model(TRINE_SOURCE_DIR "/models/lenet_mnist.tflite");
  std::int64_t found = 0;
  for (const Product& p : products_of(lenet)) found += p.times * p.macs();
  CHECK(found == model::macs(lenet));
}

}  // namespace
}  // namespace trine::estimate
