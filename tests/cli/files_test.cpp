// SPDX-License-Identifier: Apache-2.0
//
// Tests files and JSON that commands write: through links and devices, completely or not at all.

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sw/base/catch.h"
#include "sw/base/file.h"
#include "tests/cli/testing.h"

namespace fs = std::filesystem;
using nlohmann::json;
using namespace trine;
using namespace trine::cli::testing;

TEST_CASE("files are written through links and devices, which stay", "[cli][files]") {
  const Shell shell;
  const std::string run = "run --config edge32 '" + kPlus + "' --backend arch ";
  const fs::path full = shell.full_device();
  for (const char* name : {"j", "y.npy", "p"})
    fs::create_symlink("to_" + std::string(name), shell.dir / name);
  REQUIRE(shell.trine(run + "--json j --output y.npy").code == 0);
  REQUIRE(shell.trine("compile --config edge32 '" + kPlus + "' --out p").code == 0);
  for (const char* name : {"j", "y.npy", "p"}) {
    CAPTURE(name);
    CHECK(fs::is_symlink(shell.dir / name));
    CHECK(fs::file_size(shell.dir / ("to_" + std::string(name))) > 0);
  }
  for (const std::string& arguments :
       {run + "--json full", run + "--output full", run + "--quiet --json full",
        "compile --config edge32 '" + kPlus + "' --out full"}) {
    CAPTURE(arguments);
    const Result result = shell.trine(arguments);
    CHECK(result.code == 2);
    CHECK(result.err == "full: cannot write: No space left on device\n");
    CHECK(fs::is_character_file(full));
  }
  fs::create_directory(shell.dir / "elsewhere");
  fs::create_directory_symlink("elsewhere", shell.dir / "design");
  for (int again = 0; again < 2; ++again)
    REQUIRE(shell.trine("generate --config edge32 --out design").code == 0);
  CHECK(fs::is_symlink(shell.dir / "design"));
  CHECK(fs::exists(shell.dir / "elsewhere/trine.f"));
}

TEST_CASE("a verification kit needs a folder separate from the design's", "[cli][files][kit]") {
  const Shell shell;
  for (const auto& [out, kit] : std::vector<std::pair<std::string, std::string>>{
           {"d", "d"}, {"d", "./d/kit"}, {"d/design", "d"}}) {
    CAPTURE(out, kit);
    const Result result = shell.trine("generate --config edge32 --out " + out + " --kit " + kit);
    CHECK(result.code == 2);
    CHECK(result.err ==
          "--kit " + kit + ": must not be inside --out " + out + ", nor contain it\n");
    CHECK(!fs::exists(shell.dir / "d"));
  }
}

TEST_CASE("stdout holds only the JSON for --json -", "[cli][json][component]") {
  const Shell shell;
  const std::string net = "--config edge64 '" + kLenet + "' --json -";
  for (const std::string& command : std::vector<std::string>{
           std::string("generate --config edge64 --out d --json -"), "compile --out p " + net,
           "run --backend arch " + net, "estimate " + net, std::string("models --json -"),
           "verify --backend arch --vectors '" + kLenetVectors + "' " + net,
           "sweep --config edge32 --models '" + kLenet + "' --out points --json -",
           std::string("fuzz --pairs 2 --configs 2 --json -"),
           "verify --quiet --backend arch --vectors '" + kLenetVectors + "' " + net}) {
    CAPTURE(command);
    const Result result = shell.trine(command);
    CAPTURE(result.err);
    REQUIRE(json::accept(result.out));
    CHECK(json::parse(result.out).at("command") == command.substr(0, command.find(' ')));
  }
  CHECK_FALSE(fs::exists(shell.dir / "-"));
}

TEST_CASE("generate fills the current folder", "[cli][files]") {
  const Shell shell;
  fs::create_directory(shell.dir / "here");
  const std::string generate = "generate --quiet --config edge32 --out . && ls trine.f >../list";
  for (int again = 0; again < 2; ++again) {
    const int status = std::system(
        ("cd '" + (shell.dir / "here").string() + "' && '" TRINE_PROGRAM "' " + generate).c_str());
    CHECK(status == 0);
  }
}

TEST_CASE("generate leaves out features that the models do not need", "[cli][generate]") {
  const Shell shell;
  const std::string attention = TRINE_SOURCE_DIR "/tests/operators/attention.tflite";
  const std::string models = " --for '" + kLenet + "' '" + attention + "'";
  const Result written = shell.trine("generate --config edge32" + models + " --out d --json j");
  REQUIRE(written.code == 0);
  const json found = json::parse(read_text(shell.dir / "j"));
  std::string settings;
  const std::set<std::string> needed{"vector.table=false", "matmul.enable=false"};
  for (const json& feature : found.at("features")) {
    const std::string without = feature.at("without"), why = feature.at("why");
    const bool kept = feature.at("kept");
    CAPTURE(without, why);
    CHECK(kept == needed.contains(without));
    CHECK(kept == !why.empty());
    CHECK_THAT(written.out, Catch::Matchers::ContainsSubstring(without));
    if (!kept) settings += " --set '" + without + "'";
  }
  CHECK(found.at("features").size() == 7);
  // The design has these settings and runs both models; without the kept features it does not.
  REQUIRE(shell.trine("generate --config edge32" + settings + " --out same").code == 0);
  CHECK(read_text(shell.dir / "d/config.toml") == read_text(shell.dir / "same/config.toml"));
  for (const std::string& model : {kLenet, attention})
    CHECK(shell.trine("run --config d/config.toml '" + model + "' --backend arch").code == 0);
  const Result refused = shell.trine("generate --config edge32" + settings +
                                     " --set matmul.enable=false --for '" + attention + "'");
  CHECK(refused.code == 2);
  CHECK_THAT(refused.err,
             Catch::Matchers::ContainsSubstring("needs products of two maps (matmul.enable)"));
}

TEST_CASE("a design is reduced to what a table of shapes needs", "[cli][generate]") {
  const Shell shell;
  write_file(shell.dir / "t.csv",
             "name,type,C,H,W,M,R,pad\na,conv,16,8,8,32,3,same\nb,depthwise,,,,,3,same\n");
  const Result found = shell.trine("generate --config edge64 --for t.csv --json for.json");
  REQUIRE(found.code == 0);
  std::map<std::string, json> features;
  const json all = shell.read_json("for.json");
  for (const json& feature : all.at("features")) features[feature.at("without")] = feature;
  CHECK(features.at("vector.softmax=false").at("kept") == false);
  CHECK(features.at("matmul.enable=false").at("kept") == false);
  CHECK(features.at("depthwise.enable=false").at("kept") == true);
  // The table does not state whether a function follows.
  CHECK(features.at("vector.table=false").at("why") ==
        "t.csv: a table of shapes does not state its activation functions");
  write_file(shell.dir / "t.csv", "name,type,C\na,conv,16\n");
  const Result bad = shell.trine("generate --config edge64 --for t.csv");
  CHECK(bad.code == 2);
  CHECK(bad.err == "t.csv:2: M: is empty, conv needs it\n");
}

TEST_CASE("compile --tflite refuses what it would ignore", "[cli][compile][error]") {
  const Shell shell;
  const std::string compile = "compile --config edge64 '" + kLenet + "' --tflite o.tflite";
  for (const std::string option : {"--out o", "--image o", "--stages o", "--batch 2", "--states"}) {
    const Result refused = shell.trine(compile + " " + option);
    CHECK(refused.code == 2);
    CHECK(refused.err == option.substr(0, option.find(' ')) + ": not allowed with --tflite\n");
  }
  CHECK_THAT(shell.trine(compile + " --shape x=1").err,
             Catch::Matchers::ContainsSubstring("is TFLite, whose shapes are fixed"));
  CHECK_THAT(shell.trine(compile + " --host Relu").err,
             Catch::Matchers::ContainsSubstring("allowed only for ONNX"));
  const Result onnx = shell.trine("compile --config edge64 '" TRINE_SOURCE_DIR
                                  "/tests/torch/causal.onnx' --tflite o.tflite");
  CHECK(onnx.code == 2);
  CHECK_THAT(onnx.err, Catch::Matchers::ContainsSubstring("causal.onnx is not a TFLite model"));
  const Result host = shell.trine("compile --config edge64 '" TRINE_SOURCE_DIR
                                  "/tests/operators/arg_max.tflite' --tflite o.tflite");
  CHECK(host.code == 2);
  CHECK_THAT(host.err,
             Catch::Matchers::ContainsSubstring("the machine executes no operator of it"));
  CHECK(!std::filesystem::exists(shell.dir / "o.tflite"));
}

TEST_CASE("files that cannot be written are found before the work", "[cli][files][error]") {
  const Shell shell;
  const std::string run = "run --config edge32 '" + kPlus + "' --backend arch --memory m ";
  fs::copy(kPlus, shell.dir / "plus.tflite");
  fs::create_hard_link(shell.dir / "plus.tflite", shell.dir / "same.tflite");
  struct Row {
    std::string arguments, expected;
  };
  const auto row = GENERATE_COPY(
      Row{run + "--output /nonexistent/y.npy", "/nonexistent/y.npy: cannot write: No such file"},
      Row{run + "--json /nonexistent/j", "/nonexistent/j: cannot write: No such file"},
      Row{run + "--output .", ".: is a folder, expected a file"},
      Row{run + "--output a --output ./a", "--output: ./a is written by --output already"},
      Row{run + "--output a --json a", "--json: a is written by --output already"},
      Row{run + "--output a --output b --output c --output d", "--output: 4 files, "},
      Row{"run --config edge32 '" + kPlus + "' --backend arch --memory /proc/m",
          "/proc/m: cannot write: "},
      Row{"run --config edge32 '" + kPlus + "' --trace /dev/null",
          "--trace: /dev/null is not a regular file"},
      Row{"compile --config edge32 plus.tflite --out plus.tflite",
          "--out: plus.tflite is the file that MODEL reads"},
      Row{"compile --config edge32 plus.tflite --image p --c ./p",
          "--c: ./p is written by --image already"},
      Row{"compile --config edge32 plus.tflite --c /nonexistent/m.h",
          "/nonexistent/m.h: cannot write: No such file"},
      Row{"compile --config edge32 plus.tflite --out p --json same.tflite",
          "--json: same.tflite is the file that MODEL reads"});
  CAPTURE(row.arguments);
  const Result result = shell.trine(row.arguments);
  CHECK(result.code == 2);
  CHECK_THAT(result.err, Catch::Matchers::StartsWith(row.expected));
  CHECK(line_count(result.err) == 1);
  CHECK_FALSE(fs::exists(shell.dir / "m"));  // a run writes it before it begins
  CHECK_FALSE(fs::exists(shell.dir / "p"));
}

TEST_CASE("a stdout that cannot be written is an error", "[cli][files][error]") {
  const Shell shell;
  shell.full_device();
  for (const char* arguments :
       {"--help", "--version", "estimate --config edge32 --table bert-base"}) {
    CAPTURE(arguments);
    const Result result = shell.trine(arguments, ">full");
    CHECK(result.code == 2);
    CHECK(result.err == "trine: standard output: cannot write: No space left on device\n");
    CHECK(fs::is_character_file(shell.dir / "full"));
  }
  CHECK(shell.trine("nonsense", "2>full").code == 2);
  // An opened file must not get the number of the closed stream.
  CHECK(shell.trine("estimate --config edge32 --table bert-base --json j", ">&-").code == 0);
  CHECK(shell.read_json("j").at("macs").is_number());
  // The report goes to the same place as the text.
  REQUIRE(shell.trine("estimate --config edge32 --table bert-base -q --json /dev/stdout").code ==
          0);
  CHECK(shell.read_json("out.txt").at("macs").is_number());
}

TEST_CASE("every report says the configuration, its hash and the revision",
          "[cli][json][component]") {
  const Shell shell;
  const std::string design = " --config edge32 --set memory.dmem_kib=64 --json j ";
  const auto arguments = GENERATE_COPY(
      "generate --out d" + design, "compile '" + kPlus + "' --out p" + design,
      "run --backend arch '" + kPlus + "'" + design, "estimate --table bert-base" + design,
      "verify --backend arch '" + kLenet + "' --vectors '" + kLenetVectors + "'" + design,
      "fuzz --pairs 1" + design);
  CAPTURE(arguments);
  REQUIRE(shell.trine(arguments).code == 0);
  const json report = shell.read_json("j");
  const json& keys = report.at("configuration");
  CHECK(keys.at("memory.dmem_kib") == 64);
  CHECK(keys.at("array.rows") == 2);
  CHECK(keys.at("array.precisions") == json{"int8", "ternary", "binary"});
  CHECK(keys.size() >= 19);
  CHECK_FALSE(report.contains("config"));
  CHECK_FALSE(report.contains("hash"));
  REQUIRE(shell.trine("generate --quiet --out e --config edge32 --set memory.dmem_kib=64").code ==
          0);
  const json manifest = shell.read_json("e/manifest.json");
  CHECK(report.at("configuration_hash") == manifest.at("configuration_hash"));
  CHECK(report.at("design_hash") == manifest.at("design_hash"));
  CHECK(report.at("design_hash") != manifest.at("configuration_hash"));
  CHECK(report.at("revision").get<std::string>().size() >= 5);
}

TEST_CASE("a variant of a preset has a name that says what is set", "[cli][json]") {
  const Shell shell;
  const std::string run = "run --backend arch --config edge64 --json j '" + kLenet + "' ";
  const Result plain = shell.trine(run);
  CHECK_THAT(plain.out, Catch::Matchers::ContainsSubstring("\nlenet_mnist on edge64 (arch): "));
  CHECK(shell.read_json("j").at("variant") == json::object());
  const Result variant = shell.trine(run + "--set array.rows=4 --set memory.pmem_kib=64");
  CHECK_THAT(variant.out,
             Catch::Matchers::ContainsSubstring("\nlenet_mnist on edge64 array.rows=4 (arch): "));
  CHECK(shell.read_json("j").at("variant") == json{{"array.rows", 4}});
  const Result table = shell.trine("estimate --config edge64 --set array.cols=4 --table bert-base");
  CHECK_THAT(table.out, Catch::Matchers::ContainsSubstring(
                            "\nbert-base on edge64 array.cols=4 (estimated)\n"));
}

TEST_CASE("formats prints the ranges that the standards define", "[cli][json]") {
  const Shell shell;
  const Result printed = shell.trine("formats --json j");
  REQUIRE(printed.code == 0);
  CHECK(widest_line(printed.out) <= 100);
  std::map<std::string, json> rows;
  const json report = shell.read_json("j");
  for (const json& row : report.at("formats")) rows[row.at("name")] = row;
  CHECK(rows.size() == 14);
  struct Known {
    const char* name;
    int bits;
    double lowest, smallest, largest, step;
    bool machine;
  };
  // IEEE 754, OFP8 and the posit standard; the tests of minifloats compare all eight-bit codes.
  for (const Known& known : {
           Known{"FP32", 32, -0x1.fffffep127, 0x1p-149, 0x1.fffffep127, 0x1p-23, false},
           Known{"FP16", 16, -65504, 0x1p-24, 65504, 0x1p-10, false},
           Known{"bfloat16", 16, -0x1.fep127, 0x1p-133, 0x1.fep127, 0x1p-7, false},
           Known{"int32", 32, -2147483648.0, 1, 2147483647, 1, true},
           Known{"int16", 16, -32768, 1, 32767, 1, true},
           Known{"int8", 8, -128, 1, 127, 1, true},
           Known{"int4", 4, -8, 1, 7, 1, true},
           Known{"ternary", 2, -1, 1, 1, 1, true},
           Known{"binary", 1, -1, 1, 1, 1, true},
           Known{"e3m4", 8, -15.5, 0x1p-6, 15.5, 0x1p-4, true},
           Known{"posit8_0", 8, -64, 0x1p-6, 64, 0x1p-5, true},
           Known{"e4m3", 8, -448, 0x1p-9, 448, 0x1p-3, true},
           Known{"posit8_1", 8, -4096, 0x1p-12, 4096, 0x1p-4, false},
           Known{"e5m2", 8, -57344, 0x1p-16, 57344, 0x1p-2, false},
       }) {
    CAPTURE(known.name);
    const json& row = rows.at(known.name);
    CHECK(row.at("bits") == known.bits);
    CHECK(row.at("lowest") == known.lowest);
    CHECK(row.at("smallest") == known.smallest);
    CHECK(row.at("largest") == known.largest);
    CHECK(row.at("step_at_1") == known.step);
    CHECK(row.at("machine") == known.machine);
    if (known.step < 1) CHECK(std::ldexp(1, -row.at("mantissa_bits").get<int>()) == known.step);
  }
}

TEST_CASE("commands without one configuration say so", "[cli][json]") {
  const Shell shell;
  REQUIRE(shell.trine("models --json j").code == 0);
  CHECK(shell.read_json("j").at("configuration").is_null());
  CHECK(shell.read_json("j").at("configuration_hash").is_null());
  CHECK(shell.read_json("j").at("design_hash").is_null());
  CHECK(shell.read_json("j").at("models").size() >= 19);
}
