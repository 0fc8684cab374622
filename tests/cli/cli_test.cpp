// SPDX-License-Identifier: Apache-2.0
//
// Tests the command line from the view of users and other tools: exit codes, JSON keys, error
// lines.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <string>
#include <tuple>

#include "sw/base/catch.h"
#include "sw/base/file.h"
#include "sw/base/npy.h"
#include "tests/cli/testing.h"

namespace fs = std::filesystem;
using nlohmann::json;
using namespace trine;
using namespace trine::cli::testing;

TEST_CASE("help teaches every command in 100 columns", "[cli][help]") {
  const Shell shell;
  const Result all = shell.trine("--help");
  CHECK(all.code == 0);
  CHECK(widest_line(all.out) <= 100);
  const std::regex row("\n  ([a-z][a-z-]*)  +[^\n]+");
  int commands = 0;
  for (std::sregex_iterator at(all.out.begin(), all.out.end(), row), end; at != end; ++at) {
    const std::string command = (*at)[1];
    CAPTURE(command);
    ++commands;
    const Result one = shell.trine(command + " --help");
    CHECK(one.code == 0);
    CHECK(widest_line(one.out) <= 100);
    CHECK_THAT(one.out, Catch::Matchers::ContainsSubstring("Examples:\n  ") &&
                            Catch::Matchers::ContainsSubstring("\n  trine " + command + " "));
    CHECK_THAT(one.out, Catch::Matchers::ContainsSubstring("--json FILE") &&
                            Catch::Matchers::ContainsSubstring("--quiet"));
  }
  CHECK(commands >= 7);  // the core's
}

TEST_CASE("help lists each component's command, or an error says how to build it", "[cli][help]") {
  const Shell shell;
  const std::string help = shell.trine("--help").out;
  std::ifstream file(fs::path(TRINE_SOURCE_DIR) / "cmake/components.txt");
  int commands = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::string command;
    words >> command;  // the component
    while (words >> command) {
      if (command.starts_with('+')) continue;  // a component that it needs
      CAPTURE(command);
      ++commands;
      if (help.find("\n  " + command + "  ") != std::string::npos) continue;
      const Result result = shell.trine(command);
      CHECK(result.code == 2);
      CHECK(result.err == "trine: " + command + ": not part of this build: run ./trine " + command +
                              ", or configure with -DTRINE_COMPONENTS=all\n");
    }
  }
  CHECK(commands == 17);
}

TEST_CASE("help says where to begin, and knows commands by name", "[cli][help]") {
  const Shell shell;
  const Result help = shell.trine("help");
  CHECK(help.code == 0);
  CHECK_THAT(help.out, Catch::Matchers::StartsWith("begin with: trine demo\n"));
  CHECK(help.out == shell.trine("--help").out);
  for (const char* holds : {"\nBegin with:\n  demo ", "\nA model on a design:\n  generate ",
                            "\nDesigns: hardware, cost, comparison:\n  estimate ",
                            "\n  ./trine test ", "\n  ./trine build ", "\n  ./trine docs "})
    CHECK_THAT(help.out, Catch::Matchers::ContainsSubstring(holds));
  CHECK(shell.trine("help run").out == shell.trine("run --help").out);
  CHECK(shell.trine("help run").code == 0);
  const Result unknown = shell.trine("help nonsense");
  CHECK(unknown.code == 2);
  CHECK_THAT(unknown.err,
             Catch::Matchers::StartsWith("trine: nonsense: unknown command, allowed demo, "));
}

namespace {

struct Row {
  std::string arguments, expected;
};

void check_refused(const Row& row) {
  CAPTURE(row.arguments);
  const Shell shell;
  std::ofstream(shell.dir / "program") << "TRINEPRG";
  std::ofstream(shell.dir / "m.bin") << "GGUF" << std::string(60, '\0');
  std::ofstream(shell.dir / "weights.safetensors")
      << '\x2' << std::string(7, '\0') << "{}" << std::string(60, '\0');
  std::ofstream(shell.dir / "m.pt") << "of no content";
  const Result result = shell.trine(row.arguments);
  CHECK(result.code == 2);
  CHECK_THAT(result.err, Catch::Matchers::StartsWith(row.expected));
  CHECK(line_count(result.err) == 1);
  CHECK(result.out.empty());
}

}  // namespace

TEST_CASE("bad input ends with code 2 and one line on stderr", "[cli][error]") {
  check_refused(GENERATE(
      Row{"nonsense", "trine: nonsense: unknown command, allowed demo, generate, "},
      Row{"generate --nonsense", "trine: The following argument was not expected: --nonsense"},
      Row{"generate --config edge64", "trine generate: --out is required"},
      Row{"generate --config edge65 --out x", "edge65: no such preset, allowed edge32, edge64"},
      Row{"generate --config none.toml --out x", "none.toml: cannot open: No such file"},
      Row{"generate --config edge64 --set array.rows=0 --out x",
          "--set array.rows=0: array.rows: 0 is too small, allowed 1..256"},
      Row{"generate --config edge64 --set array.rows=99999999999999999999 --out x",
          "--set array.rows=99999999999999999999: array.rows: 99999999999999999999 is too large, "
          "allowed 1..256"},
      Row{"generate --config edge64 --set array.rows=-99999999999999999999 --out x",
          "--set array.rows=-99999999999999999999: array.rows: -99999999999999999999 is too small"},
      Row{"generate --config edge64 --set array.precisions=int4 --out x",
          "--set array.precisions=int4: array.precisions: is a string, allowed a list of \"int8\", "
          "\"ternary\", \"binary\", as in --set 'array.precisions=[\"int8\", \"ternary\"]'"},
      Row{"generate --config edge64 --set memory.dmem_kb=8 --out x",
          "--set memory.dmem_kb=8: memory.dmem_kb: unknown key, did you mean memory.dmem_kib?"},
      Row{"generate --config edge64 --out /proc/x", "/proc/x: cannot write: "},
      Row{"compile --config edge64 none.tflite --out x", "none.tflite: cannot open: No such file"},
      Row{"compile --config edge64 out.txt --out x", "out.txt: "},
      Row{"compile --config edge64 '" + kPlus + "'",
          "trine compile: --out, --image, --c, --stages, --tflite, --disassemble"},
      Row{"compile --config edge64 '" + kPlus + "' --print-after fused",
          "--print-after: fused is not a stage of the compiler, allowed rewrite, lower, thin, "
          "attention, "
          "transpose, split, fuse, separate, unfuse, reload, stack, together, cascade, interleave, "
          "plan, "
          "emit, schedule\n"},
      Row{"run --config edge64 '" + kPlus + "' --backend fpga", "trine: --backend: fpga not in {"},
      Row{"run --config edge64 '" + kPlus + "' --backend arch --trace x.fst",
          "--trace: needs --backend rtl"},
      Row{"run --config edge64 '" + kPlus + "' --backend arch --input none.npy",
          "none.npy: cannot open: No such file"},
      Row{"verify --config edge64 '" + kPlus + "'", "trine: --vectors is required"},
      Row{"verify --config edge64 '" + kPlus + "' --vectors none",
          "none/manifest.json: cannot open"},
      Row{"compile --config edge64 m.bin --out x",
          "m.bin: GGUF, allowed TFLite, ONNX, TOSA, a program of trine compile; it contains the "
          "weights of"},
      Row{"run --config edge64 weights.safetensors --backend arch",
          "weights.safetensors: safetensors, allowed TFLite, ONNX, TOSA, a program of trine "
          "compile; "
          "it "},
      Row{"estimate --config edge64 '" + kPlus + "' --explain", "--explain: needs --dataflow"},
      Row{"estimate --config edge64 '" + kPlus + "' --timeloop d", "--timeloop: needs --dataflow"},
      Row{"estimate --config edge64 '" + kPlus + "' --dataflow row --mapping m",
          "--mapping: not allowed with --dataflow, which plans each product"},
      Row{"estimate --config edge64 --table gpt-2 --dataflow row --weights int8",
          "--weights: not allowed with --dataflow, which counts int8"},
      Row{"estimate --config edge64 --table gpt-2 --mapping m",
          "--mapping: gpt-2 is a table of shapes, whose layers have no plan to edit"},
      Row{"compile --config edge64 '" + kPlus + "' --out m --mapping m",
          "--out: m is the file that --mapping reads"},
      Row{"compile --config edge64 '" + kPlus + "' --mapping nowhere/m", "nowhere/m: cannot write"},
      Row{"estimate --config edge64 '" + kPlus + "' --dataflow row --batch 2",
          "--batch 2: not allowed with --dataflow, which counts one image"},
      Row{"run --backend arch --config edge64 --energy none.json " + kLenet, "none.json: "},
      Row{"estimate --config edge64", "trine estimate: MODEL or --table is required"},
      Row{"estimate --config edge64 --table gpt-2 --growth --dataflow row",
          "--growth: not allowed with --dataflow"},
      Row{"estimate --config edge64 --table gpt-2 --ert e --dataflow row",
          "--ert: not allowed with --dataflow"},
      Row{"estimate --config edge64 --table gpt-2 --accelergy e --dataflow row",
          "--accelergy: not allowed with --dataflow"},
      Row{"run --config edge64 program --backend arch",
          "program: compiled by an earlier version: compile again"},
      Row{"estimate --config edge64 program", "program: compiled by an earlier version: "},
      Row{"estimate --config edge64 --table bert", "no table 'bert', allowed bert-base, "},
      Row{"generate --config edge64 --prefix 9x --out d", "--prefix: '9x' is not a valid prefix"}));
}

TEST_CASE("bad input of a component's command ends with code 2 and one line on stderr",
          "[cli][error][component]") {
  check_refused(GENERATE(
      Row{"compare m.pt",
          "m.pt: PyTorch, allowed TFLite, ONNX, TOSA, a program of trine compile; "},
      Row{"record m.pt --out x", "m.pt: PyTorch, allowed TFLite, ONNX, TOSA, "},
      Row{"generate-text m.bin --tokenizer none.bin --backend golden",
          "m.bin: GGUF version 0, allowed 2 and 3"},
      Row{"generate-text '" + kPlus + "' --tokenizer none.bin",
          "trine generate-text: --config is "},
      Row{"generate-text '" + kPlus + "' --tokenizer none.bin --backend golden", kPlus + ": "},
      Row{"generate-text '" + kPlus + "' --tokenizer t.bin --config edge64 --from 3 --deck d",
          "--deck: not allowed with --backend golden, "},
      Row{"generate-text --tokenizer t.bin --config edge64",
          "trine generate-text: MODEL is required, or --random SHAPE"},
      Row{"generate-text --random gpt-3 --config edge64",
          "--random gpt-3: has no gate or adds positions"},
      Row{"generate-text --random 2,64,192,4,3,512 --config edge64",
          "--random 2,64,192,4,3,512: allowed llama-7b, "},
      Row{"generate-text m.bin --random bitnet-2b --config edge64",
          "--random: not allowed with MODEL, "},
      Row{"generate-text --random bitnet-2b --config edge64 --chunk 9 --context 8",
          "--chunk 9: the context has room for 8 tokens, --from 0 (--context)"},
      Row{"generate-text --random bitnet-2b:31 --config edge64",
          "--random bitnet-2b:31: number of layers, "},
      Row{"generate-text --random bitnet-2b --config edge64 --from 300",
          "--from 300: the context has room for 256 tokens (--context)"},
      Row{"energy --config edge64", "trine energy: MODEL or --measured is required"},
      Row{"energy --config edge64 " + kLenet + " --macros nowhere",
          "energy: --macros nowhere: contains no memories"},
      Row{"energy --measured none.json", "none.json: "},
      Row{"energy --config edge64 --measured none.json", "--config: not allowed with --measured, "},
      Row{"energy " + kLenet, "trine energy: --config is required"},
      Row{"energy --config edge64 --vectors a --vectors b " + kLenet,
          "--vectors: 2 folders for 1 models"},
      Row{"fuzz --family images,onnx", "trine: --family: onnx not in {"},
      Row{"synth --config edge32 --no-timing --paths 3",
          "--paths: needs --target asic, without --no-timing"},
      Row{"synth --config edge32 --paths -1", "trine: --paths: Value -1 not in range 0 to 1000"},
      Row{"synth --config edge64 --liberty none.lib", "none.lib: cannot open: No such file"},
      Row{"synth --config edge64 --target fpga", "trine: --target: fpga not in {"}));
}

TEST_CASE("generate writes a design that can be generated again from its configuration",
          "[cli][generate]") {
  const Shell shell;
  const Result result =
      shell.trine("generate --config edge64 --set array.rows=4 --out d/a --json j");
  CAPTURE(result.err);
  CHECK(result.code == 0);
  CHECK_THAT(result.out, Catch::Matchers::ContainsSubstring("4 x 8 PEs, 128 int8 MACs per cycle"));
  CHECK(shell.read_json("j").at("peak_macs_per_cycle") == 128);
  CHECK(shell.read_json("j").at("top") == "trine_top");
  CHECK(fs::exists(shell.dir / "d/a/trine.f"));
  const Result again = shell.trine("generate --config d/a/config.toml --out b --quiet");
  CHECK(again.code == 0);
  CHECK(again.out.empty());
  CHECK(read_text(shell.dir / "b/trine_top.sv") == read_text(shell.dir / "d/a/trine_top.sv"));
}

TEST_CASE("compile prints where layers live and writes a program for one configuration",
          "[cli][compile]") {
  const Shell shell;
  const Result result =
      shell.trine("compile --config edge64 '" + kLenet + "' --out lenet.trine --json j");
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  CHECK(widest_line(result.out) <= 100);
  const json report = shell.read_json("j");
  CHECK(report.at("layers").size() >= 5);
  for (const json& layer : report.at("layers")) {
    CHECK_FALSE(layer.at("placement").get<std::string>().empty());
    CHECK_THAT(result.out, Catch::Matchers::ContainsSubstring(layer.at("op").get<std::string>()));
  }
  CHECK(shell.trine("run --config edge64 lenet.trine --backend arch").code == 0);
  const Result other = shell.trine("run --config edge32 lenet.trine --backend arch");
  CHECK(other.code == 2);
  CHECK_THAT(other.err, Catch::Matchers::ContainsSubstring("compiled for configuration edge64"));
  REQUIRE(shell.trine("compile --config edge64 '" + kLenet + "' --image lenet.img").code == 0);
  const std::string image = read_text(shell.dir / "lenet.img");
  CHECK_THAT(image, Catch::Matchers::StartsWith("TRINEIMG"));
  CHECK_THAT(read_text(shell.dir / "lenet.trine"), Catch::Matchers::ContainsSubstring(image));
  const Result alone = shell.trine("run --config edge64 lenet.img --backend arch");
  CHECK(alone.code == 2);
  CHECK_THAT(alone.err, Catch::Matchers::StartsWith("lenet.img: is a machine image, for drivers"));
  REQUIRE(shell.trine("compile --config edge64 '" + kLenet + "' --c lenet.h --quiet").code == 0);
  const std::string bytes = std::to_string(image.size());
  CHECK_THAT(
      read_text(shell.dir / "lenet.h"),
      Catch::Matchers::ContainsSubstring("#define LENET_MNIST_IMAGE_BYTES " + bytes + "u\n") &&
          Catch::Matchers::ContainsSubstring("#define LENET_MNIST_CONFIGURATION \"edge64\"\n"));
  REQUIRE(shell.trine("compile --config edge64 '" + kLenet + "' --stages lenet.stages").code == 0);
  const std::string stages = read_text(shell.dir / "lenet.stages");
  CHECK_THAT(stages,
             Catch::Matchers::StartsWith("TRINESTG") && Catch::Matchers::ContainsSubstring(image));
  const Result listing = shell.trine("compile --config edge64 '" + kPlus + "' --disassemble");
  CHECK(listing.code == 0);
  CHECK_THAT(listing.out, Catch::Matchers::ContainsSubstring("RUN") &&
                              Catch::Matchers::ContainsSubstring("END"));
}

/// Returns the first line, and the indented lines below it.
std::string form_of(const std::string& out) {
  std::size_t end = out.find('\n') + 1;
  while (end < out.size() && out[end] == ' ') end = out.find('\n', end) + 1;
  return out.substr(0, end);
}

TEST_CASE("compile and run print the network after a stage of the compiler", "[cli][compile]") {
  const Shell shell;
  struct Form {
    const char *stage, *first, *holds;
  };
  const Form form = GENERATE(
      Form{"rewrite", "graph lenet_mnist: ", " MAX_POOL_2D: "},
      Form{"lower", "network: ", " MAX_POOL_2D '"}, Form{"thin", "network: ", "\n    max "},
      Form{"attention", "network: ", "\n    conv "}, Form{"transpose", "network: ", "\n    conv "},
      Form{"fuse", "network: ", " CONV_2D+MAX_POOL_2D '"},
      Form{"reload", "network: ", "\n    sweep at 0,1: rows "}, Form{"plan", "plan: ", " cycles"},
      Form{"emit", "runs: ", "writes pmem "}, Form{"schedule", "runs: ", " signal="});
  CAPTURE(form.stage);
  const std::string options = "--config edge64 '" + kLenet + "' --print-after " + form.stage;
  const Result result = shell.trine("compile " + options);
  REQUIRE(result.code == 0);
  CHECK_THAT(result.out, Catch::Matchers::StartsWith(form.first) &&
                             Catch::Matchers::ContainsSubstring(form.holds));
  CHECK(widest_line(result.out) <= 100);
  if (std::string(form.stage) != "fuse") return;
  const Result run = shell.trine("run " + options + " --backend arch");
  REQUIRE(run.code == 0);
  CHECK_THAT(run.out, Catch::Matchers::StartsWith(form_of(result.out)));
  REQUIRE(shell.trine("compile --config edge64 '" + kLenet + "' --out p --quiet").code == 0);
  const Result program = shell.trine("run --config edge64 p --print-after fuse --backend arch");
  CHECK(program.code == 2);
  CHECK(program.err == "--print-after: p is a program, which is compiled already\n");
}

TEST_CASE("extents that an ONNX file leaves open are given by --shape", "[cli][onnx]") {
  const Shell shell;
  std::vector<std::uint8_t> bytes = read_file(TRINE_SOURCE_DIR "/tests/onnx/mobilenet_v2.onnx");
  // The input's [1, 3, 16, 16]; its last two dimensions become open ones without a name.
  const std::vector<std::uint8_t> fixed{10, 2, 8, 1, 10, 2, 8, 3, 10, 2, 8, 16, 10, 2, 8, 16};
  const auto at = std::search(bytes.begin(), bytes.end(), fixed.begin(), fixed.end());
  REQUIRE(at != bytes.end());
  for (const int place : {10, 14}) {
    at[place] = 0x12;
    at[place + 1] = 0;
  }
  write_file(shell.dir / "open.onnx", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  for (const std::string command : {"run --backend arch", "estimate", "compile --out p.trn"}) {
    CAPTURE(command);
    const std::string line = command + " --config edge64 open.onnx";
    const Result refused = shell.trine(line);
    CHECK(refused.code == 2);
    CHECK(refused.err ==
          "open.onnx: input 'in' is [1, 3, ?, ?]: extents after the first axis must be known: give "
          "them with --shape in=N,...\n");
    const Result given = shell.trine(line + " --shape in=1,3,16,16 --json j");
    CAPTURE(given.err);
    REQUIRE(given.code == 0);
    CHECK(shell.read_json("j").at("macs") == 53'408);
    const Result other = shell.trine(line + " --shape in=1,3,16");
    CHECK(other.code == 2);
    CHECK(other.err == "open.onnx: input 'in' is [1, 3, ?, ?], --shape gives 3 extents\n");
  }
  const Result fixed_already =
      shell.trine("estimate --config edge64 '" + kLenet + "' --shape H=28");
  CHECK(fixed_already.code == 2);
  CHECK_THAT(fixed_already.err,
             Catch::Matchers::ContainsSubstring("is TFLite, whose shapes are fixed"));
}

TEST_CASE("compile reports the number of stripes of a layer", "[cli][compile]") {
  const Shell shell;
  const std::string model = std::string(TRINE_SOURCE_DIR) + "/tests/networks/mobilenet.tflite";
  const auto most = [&](const char* kib) {
    const Result result =
        shell.trine("compile --config edge64 --set memory.dmem_kib=" + std::string(kib) + " '" +
                    model + "' --out p --json j");
    REQUIRE(result.code == 0);
    long stripes = 0;
    const json report = shell.read_json("j");
    for (const json& layer : report.at("layers"))
      stripes = std::max(stripes, layer.at("stripes").get<long>());
    CHECK((result.out.find(" stripes\n") != std::string::npos) == (stripes > 1));
    return stripes;
  };
  CHECK(most("16") > 1);
  CHECK(most("64") == 1);
  CHECK(shell.trine("run --config edge64 --set memory.dmem_kib=64 p --backend arch").code == 0);
}

TEST_CASE("random pairs fail if too few of them are exact", "[cli][fuzz][component]") {
  const Shell shell;
  CHECK(shell.trine("fuzz --pairs 40 --configs 8").code == 0);
  const Result bad = shell.trine("fuzz --pairs 40 --configs 8 --least-exact 100");
  CHECK(bad.code == 1);
  CHECK_THAT(bad.err, Catch::Matchers::ContainsSubstring(
                          " of 40 pairs are exact, allowed 100 % and above (--least-exact)\n"));
  CHECK(line_count(bad.err) == 1);
  // Too few pairs for the limit.
  CHECK(shell.trine("fuzz --pairs 19 --configs 8 --least-exact 100").code == 0);
}

TEST_CASE("a seed from the clock is printed with the command that draws the same",
          "[cli][fuzz][component]") {
  const Shell shell;
  const Result once = shell.trine("fuzz --new-seed --pairs 1 --configs 1 --family chains");
  const std::string seed = once.err.substr(0, once.err.find(';'));
  CHECK_THAT(seed, Catch::Matchers::Matches("seed [0-9]{15,}"));
  CHECK_THAT(once.err, Catch::Matchers::StartsWith(seed + "; again: trine fuzz --" + seed +
                                                   " --pairs 1 --configs 1 --family chains\n"));
  const Result again = shell.trine("fuzz --pairs 1 --configs 1 --family chains --" + seed);
  CHECK(again.out == once.out);
}

TEST_CASE("processes that start together draw different seeds", "[cli][fuzz][component]") {
  const Shell shell;
  const std::string fuzz =
      "'" TRINE_PROGRAM "' fuzz --new-seed --pairs 1 --configs 1 --family chains";
  for (int times = 0; times < 20; ++times) {
    const std::string both = "cd '" + shell.dir.string() + "'; " + fuzz + " 2>a >/dev/null & cd '" +
                             shell.dir.string() + "'; " + fuzz + " 2>b >/dev/null; wait";
    REQUIRE(std::system(both.c_str()) == 0);
    const std::string a = read_text(shell.dir / "a"), b = read_text(shell.dir / "b");
    CHECK(a.substr(0, a.find(';')) != b.substr(0, b.find(';')));
  }
}

TEST_CASE("drawing stops when its time is over", "[cli][fuzz][component]") {
  const Shell shell;
  const Result r = shell.trine("fuzz --duration 1 --family chains --seed 3 --least-exact 0");
  CHECK(r.code == 0);
  CHECK_THAT(r.out, Catch::Matchers::ContainsSubstring(" pairs on ") &&
                        Catch::Matchers::ContainsSubstring(" 0 failed\n"));
}

TEST_CASE("trine fuzz refuses missing cases and options that exclude each other",
          "[cli][fuzz][error][component]") {
  const Shell shell;
  std::filesystem::create_directories(shell.dir / "none");
  for (const char* given : {"--replay none", "--replay absent.json", "--programs --family chains",
                            "--duration 5 --jobs 2"}) {
    CAPTURE(given);
    const Result r = shell.trine(std::string("fuzz ") + given);
    CHECK(r.code == 2);
    CHECK(line_count(r.err) == 1);
  }
}

TEST_CASE("random networks are of the families asked for", "[cli][fuzz][component]") {
  const Shell shell;
  REQUIRE(shell.trine("fuzz --family low-bit,exported --pairs 20 --configs 4 --json j").code == 0);
  const json families = shell.read_json("j").at("families");
  CHECK(families.size() == 2);
  CHECK(families.at("low-bit").get<int>() + families.at("exported").get<int>() == 20);
}

TEST_CASE("models are downloaded from a mirror and checked", "[cli][models]") {
  const Shell shell;
  // The list of this test: a separate tree and two models, one of which is damaged in the mirror.
  const fs::path tree = shell.dir / "tree";
  for (const char* folder : {"spec/presets", "rtl", "models", "bin"})
    fs::create_directories(tree / folder);
  fs::copy(TRINE_PROGRAM, tree / "bin" / "trine");
  const std::string address = "https://example.invalid/m\tc\t";
  std::ofstream(tree / "models/published.tsv")
      << "name\twhat\taddress\tcommit\tsha256\tlicence\n"
      << "a.tflite\tone\t" << address
      << "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\tMIT\n"
      << "b.tflite\ttwo\tfile://" << shell.dir.string() << "/direct\tc\t"
      << "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\tMIT\n";
  fs::create_directory(shell.dir / "mirror");
  std::ofstream(shell.dir / "mirror/a.tflite") << "abc";
  std::ofstream(shell.dir / "mirror/b.tflite") << "damaged";
  const auto trine = [&](const std::string& arguments) {
    const int status =
        std::system(("cd '" + shell.dir.string() + "' && TRINE_MODELS=got tree/bin/trine " +
                     arguments + " >out.txt 2>err.txt")
                        .c_str());
    return Result{WEXITSTATUS(status), read_text(shell.dir / "out.txt"),
                  read_text(shell.dir / "err.txt")};
  };
  const Result all = trine("models --get all --from mirror");
  CHECK(all.code == 2);
  CHECK(all.err ==
        "b.tflite: not stored: sha256 is "
        "41f0c27c00e8018f7715b5f50f67b5b54c229c1b843a014152785d9005f58fde, "
        "expected e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n");
  CHECK(all.out == "a.tflite: 3 bytes, as published\n");
  CHECK(read_text(shell.dir / "got/a.tflite") == "abc");
  CHECK_FALSE(fs::exists(shell.dir / "got/b.tflite"));

  std::ofstream(shell.dir / "mirror/b.tflite", std::ios::trunc).flush();
  CHECK(trine("models --get b --from file:" + shell.dir.string() + "/mirror").out ==
        "b.tflite: 0 bytes, as published\n");
  CHECK(trine("models --get all --from mirror").out ==
        "a.tflite: already downloaded\nb.tflite: already downloaded\n");
  CHECK_THAT(trine("models").out, Catch::Matchers::ContainsSubstring("a.tflite") &&
                                      Catch::Matchers::ContainsSubstring("here  one"));
  // A file that is damaged later is downloaded again.
  std::ofstream(shell.dir / "got/a.tflite") << "abd";
  CHECK_THAT(trine("models").out, Catch::Matchers::ContainsSubstring("-     one"));
  CHECK(trine("models --get a --from file://" + shell.dir.string() + "/mirror").code == 0);
  CHECK(read_text(shell.dir / "got/a.tflite") == "abc");

  // Downloads from the model's own address by curl or wget; another address does not answer.
  fs::remove(shell.dir / "got/b.tflite");
  std::ofstream(shell.dir / "direct").flush();
  CHECK(trine("models --get b").code == (std::system("command -v curl >/dev/null") == 0 ? 0 : 2));
  fs::remove(shell.dir / "got/a.tflite");
  const Result dead = trine("models --get a --from file:nowhere");
  CHECK(dead.code == 2);
  CHECK_THAT(dead.err, Catch::Matchers::ContainsSubstring("nowhere/a.tflite: cannot open"));
  CHECK_FALSE(fs::exists(shell.dir / "got/a.tflite"));
  CHECK_THAT(trine("models --get c").err,
             Catch::Matchers::StartsWith("--get: no published model 'c', allowed all, a.tflite"));
}

TEST_CASE("tables fit a terminal of 80 columns", "[cli][help]") {
  const Shell shell;
  const std::string script =
      "script -qec \"stty cols 80; '" TRINE_PROGRAM "' " +
      GENERATE_COPY("run --config edge32 --backend arch '" + kLenet + "'",
                    std::string("estimate --config edge32 --table bert-base"),
                    "compile --config edge32 '" + kLenet + "' --out p") +
      "\" typescript >out.txt 2>&1 </dev/null";
  if (std::system("command -v script >/dev/null") != 0) return;
  CHECK(std::system(("cd '" + shell.dir.string() + "' && " + script).c_str()) == 0);
  std::istringstream lines(read_text(shell.dir / "out.txt"));
  int rows = 0;
  for (std::string line; std::getline(lines, line) && line.size() > 1; ++rows) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.find(" on edge32") != std::string::npos) break;  // the sentences follow
    CAPTURE(line);
    CHECK(line.size() <= 80);
  }
  CHECK(rows >= 4);
}

TEST_CASE("estimate predicts models and tables", "[cli][estimate]") {
  const Shell shell;
  const Result model = shell.trine("estimate --config edge64 '" + kLenet + "' --json model.json");
  REQUIRE(model.code == 0);
  CHECK(widest_line(model.out) <= 100);
  const json estimate = shell.read_json("model.json");
  check_execution(estimate);
  REQUIRE(shell.trine("run --backend arch --config edge64 '" + kLenet + "' --json run.json").code ==
          0);
  const json run = shell.read_json("run.json");
  for (const auto& [key, value] : run.items()) {
    CAPTURE(key);
    const bool own = key == "backend" || key == "vectors" || key == "vectors_exact" ||
                     key == "sim_seconds" || key == "command" || key == "nonzero";
    CHECK((own || estimate.at(key) == value));
  }
  const json& traffic = estimate.at("traffic");
  CHECK(estimate.at("dram_bytes_read") ==
        traffic.at("program").get<int>() + traffic.at("weights").get<int>() +
            traffic.at("inputs").get<int>() + traffic.at("spills_read").get<int>());
  CHECK(estimate.at("dram_bytes_written") ==
        traffic.at("outputs").get<int>() + traffic.at("spills_written").get<int>());
  const Result table =
      shell.trine("estimate --config edge1024 --table bert-base --tokens 128 --json table.json");
  REQUIRE(table.code == 0);
  CHECK(widest_line(table.out) <= 100);
  CHECK_THAT(table.out, Catch::Matchers::ContainsSubstring("\n109,482,240 parameters\n"));
  const json result = shell.read_json("table.json");
  CHECK(result["macs"] == 11'174'215'680);
  std::int64_t macs = 0;
  for (const json& row : result["layers"])
    macs += row["times"].get<std::int64_t>() * row["macs"].get<std::int64_t>();
  CHECK(result["macs"] == macs);

  REQUIRE(shell
              .trine("estimate --config edge1024 --table llama-7b --tokens 3 --context 50 "
                     "--json table.json")
              .code == 0);
  const json rows = shell.read_json("table.json")["layers"];
  const auto scores =
      std::ranges::find(rows, "query x key", [](const json& r) { return r["name"]; });
  REQUIRE(scores != rows.end());
  CHECK((*scores)["macs"] == 3 * 50 * 128);

  write_file(shell.dir / "shapes.csv", "name,type,C,H,W,M,R,pad\na,conv,16,8,8,32,3,same\n");
  const Result shapes = shell.trine("estimate --config edge64 shapes.csv --json shapes.json");
  REQUIRE(shapes.code == 0);
  CHECK(widest_line(shapes.out) <= 100);
  const json design = shell.read_json("shapes.json");
  CHECK(design["macs"] == 8 * 8 * 32 * 16 * 9);
  CHECK(design["area_model"] == true);
  for (const char* key : {"area_um2", "gate_equivalents", "total_um2", "clock_ns"})
    CHECK(design[key].get<double>() > 1);
  const Result batch = shell.trine("estimate --config edge64 shapes.csv --batch 8 --json b.json");
  REQUIRE(batch.code == 0);
  CHECK_THAT(batch.out, Catch::Matchers::ContainsSubstring(" for each of 8 images)\n"));
  CHECK(shell.read_json("b.json")["images"] == 8);
  CHECK(shell.read_json("b.json")["macs"] == 8 * design["macs"].get<std::int64_t>());
  // Closed forms do not support memory parameters except for the bus width.
  CHECK(shell.trine("estimate --config edge64 shapes.csv --axi-latency 90").code == 2);
  for (const auto& [format, both, weights] :
       {std::tuple{"posit8_0", true, true}, {"e4m3", true, true}, {"e5m2", false, false}}) {
    shell.trine("estimate --config edge64 '" + kLenet + "' --json f.json --format " + format);
    CHECK(shell.read_json("f.json").at("format").at("machine") == both);
    CHECK(shell.read_json("f.json").at("format").at("machine_weights") == weights);
  }
  write_file(shell.dir / "shapes.csv", "name,type,C,M\na,conv,16,many\n");
  const Result bad = shell.trine("estimate --config edge64 shapes.csv");
  CHECK(bad.code == 2);
  CHECK(bad.err == "shapes.csv:2: M: many, allowed 1..1048576\n");
}

TEST_CASE("sweep searches the smallest design that is fast enough", "[cli][sweep][component]") {
  const Shell shell;
  const std::string models = " --models " + kLenet +
                             " --models '" TRINE_SOURCE_DIR
                             "/tests/networks/resnet8.tflite' --jobs 2 --out points ";
  const std::string grid =
      "sweep --config edge64 --set array.rows=1,2,4 --set array.cols=4,8 "
      "--set memory.pmem_kib=16,64" +
      models;
  const Result found = shell.trine(grid + "--smallest --reach 500/s --json s.json --csv s.csv");
  CHECK(found.code == 0);
  // No smaller design of the grid reaches the rate with both models.
  const Result all =
      shell.trine(grid + "--reach 500/s --sum microseconds --minimize area --json a.json");
  CHECK(all.code == 0);
  const auto front = [&](const char* file) {
    std::set<std::string> settings;
    const json result = shell.read_json(file);
    for (const json& point : result.at("points"))
      if (point.at("front").get<bool>()) settings.insert(point.at("settings").dump());
    return settings;
  };
  CHECK(!front("a.json").empty());
  CHECK(front("s.json") == front("a.json"));
  CHECK(shell.read_json("s.json").at("points").size() <
        shell.read_json("a.json").at("points").size());
  CHECK_THAT(found.out, Catch::Matchers::ContainsSubstring("of 12 designs were estimated"));
  CHECK_THAT(read_text(shell.dir / "s.csv"),
             Catch::Matchers::ContainsSubstring(
                 ",allowed,front,failed,array.rows,array.cols,memory.pmem_kib\n") &&
                 Catch::Matchers::ContainsSubstring(",2,8,16\n"));
  const auto error = [&](const std::string& options, const char* text) {
    const Result refused = shell.trine(grid + options);
    CHECK(refused.code == 2);
    CHECK_THAT(refused.err, Catch::Matchers::ContainsSubstring(text));
  };
  error("--smallest", "needs --reach or --where");
  error("--smallest --reach 5/s --minimize cycles", "minimizes area");
  error("--smallest --where 'area<1000'", "the areas of all designs, ");
}

TEST_CASE("sweep reports figures of its points, the front and failures",
          "[cli][sweep][component]") {
  const Shell shell;
  const std::string sweep = "sweep --config edge32 --set array.rows=2,4,300 --models " + kLenet +
                            " --where 'cycles<1e6' --minimize cycles,array.rows --out points ";
  const Result first =
      shell.trine(sweep + "--by arch --json s.json --csv s.csv --plot s.svg --jobs 2");
  CHECK(first.code == 1);
  CHECK(first.err.empty());
  CHECK_THAT(first.out, Catch::Matchers::ContainsSubstring(
                            "failed: edge32 array.rows=300: --set array.rows=300: "));
  CHECK_THAT(first.out, Catch::Matchers::ContainsSubstring(
                            "3 points, 1 failed, 2 within the conditions, 2 on the"));
  REQUIRE(
      shell.trine("run --backend arch --json r.json --config edge32 --set array.rows=4 " + kLenet)
          .code == 0);
  const json points = shell.read_json("s.json").at("points"), run = shell.read_json("r.json");
  REQUIRE(points.size() == 3);
  CHECK(points[1].at("cycles") == run.at("cycles"));
  CHECK(points[1].at("utilization") == run.at("utilization"));
  CHECK(points[1].at("array.rows") == 4);
  CHECK(points[1].at("design_hash") == run.at("design_hash"));
  CHECK(points[2].at("design_hash").is_null());
  CHECK(points[1].at("front") == true);
  CHECK(points[2].at("failed").is_string());
  CHECK(line_count(read_text(shell.dir / "s.csv")) == 4);
  CHECK_THAT(read_text(shell.dir / "s.svg"), Catch::Matchers::ContainsSubstring("</svg>"));
  std::map<fs::path, fs::file_time_type> written;
  for (const auto& entry : fs::directory_iterator(shell.dir / "points"))
    written[entry.path()] = entry.last_write_time();
  CHECK(written.size() == 2);
  CHECK(shell.trine(sweep + "--by estimate --then arch").code == 1);
  for (const auto& [path, time] : written) CHECK(fs::last_write_time(path) == time);
}

TEST_CASE("a sweep that cannot begin prints one line", "[cli][sweep][error][component]") {
  const Shell shell;
  const auto refused = [&](const std::string& arguments, const std::string& why) {
    CAPTURE(arguments);
    const Result result = shell.trine("sweep " + arguments);
    CHECK(result.code == 2);
    CHECK(line_count(result.err) == 1);
    CHECK_THAT(result.err, Catch::Matchers::ContainsSubstring(why));
  };
  const std::string models = " --models " + kLenet + " ";
  refused("", "--config or --configs is required");
  refused("--config edge32", "--models is required");
  refused("--config edge32 --by synth" + models, "does not use --models");
  refused("--config edge32 --models '*.tflite'", "--models *.tflite: no such file");
  refused("--configs none.toml" + models, "--configs none.toml: no such file");
  refused("--config edge33" + models, "no such preset");
  refused("--config edge32 --set array.rowz=1,2" + models, "unknown key");
  refused("--config edge32 --set array.rows=300" + models, "array.rows");
  refused("--config edge32 --by arch,rtl" + models, "one of estimate, arch and rtl");
  refused("--config edge32 --where cycles" + models, "expected figure");
  refused("--config edge32 --plot s.gif --minimize cycles,macs" + models, ".svg or .png");
  refused("--config edge32 --plot s.svg --minimize cycles" + models, "two figures");
  refused("--config edge32 --out out --minimize joy" + models, "no point has this figure");
  refused("--config edge32 --out err.txt/out" + models, "err.txt");
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", shell.dir.c_str(), 1);
  refused("--config edge32 --engine slurm" + models, "sbatch is not installed");
  ::setenv("PATH", path.c_str(), 1);
}

TEST_CASE("parts of a fuzz run add up to the whole run", "[cli][fuzz][component]") {
  const Shell shell;
  REQUIRE(shell.trine("fuzz --pairs 9 --configs 4 --json whole.json").code == 0);
  REQUIRE(shell.trine("fuzz --pairs 9 --configs 4 --json parts.json --jobs 2 --out parts").code ==
          0);
  CHECK(read_text(shell.dir / "whole.json") == read_text(shell.dir / "parts.json"));
  CHECK(shell.trine("fuzz --configs 4 --only 4").code == 2);
}

TEST_CASE("a campaign runs each line once", "[cli][campaign][component]") {
  const Shell shell;
  write_file(shell.dir / "lines", "# two lines\necho a >>a\n\necho broken; exit 3\n");
  for (int i = 0; i < 2; ++i) {
    const Result result = shell.trine("campaign lines --out out --json c.json");
    CHECK(result.code == 1);
    CHECK(result.out == "failed (3): echo broken; exit 3\n  broken\n2 commands, 1 failed\n");
  }
  CHECK(read_text(shell.dir / "a") == "a\n");
  CHECK(shell.read_json("c.json").at("commands")[1].at("exit_code") == 3);
  write_file(shell.dir / "lines", "\n");
  CHECK(shell.trine("campaign lines").code == 2);
}

TEST_CASE("the PEs of a cluster are reported with its cores", "[cli][generate][estimate]") {
  const Shell shell;
  const std::string of = " --config edge64 --set array.rows=3 --set cluster.cores=5";
  CHECK_THAT(shell.trine("generate" + of + " --out d").out,
             Catch::Matchers::ContainsSubstring("5 cores of 3 x 8 PEs, 480 int8 MACs per cycle"));
  CHECK_THAT(read_text(shell.dir / "d" / "trine.core"),
             Catch::Matchers::ContainsSubstring("5 cores of 3 x 8 PEs"));
  CHECK_THAT(shell.trine("estimate" + of + " '" + kPlus + "' --dataflow row").out,
             Catch::Matchers::ContainsSubstring("row stationary, 3 x 8 PEs of one core, a buffer"));
}

TEST_CASE("estimate reports the traffic of a loop order and writes Timeloop's files",
          "[cli][estimate]") {
  const Shell shell;
  const Result result = shell.trine("estimate --config edge64 '" TRINE_SOURCE_DIR
                                    "/models/lenet_mnist.tflite' --dataflow weight --explain "
                                    "--timeloop out --json j");
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  CHECK_THAT(result.out,
             Catch::Matchers::ContainsSubstring("weight stationary, 2 x 8 PEs") &&
                 Catch::Matchers::ContainsSubstring("M C R S: once") &&
                 Catch::Matchers::ContainsSubstring("out: architecture.yaml, 5 problems\n"));
  const json report = shell.read_json("j");
  CHECK(report.at("layers").size() == 5);
  for (const char* flow : {"output", "weight", "input", "row"})
    CHECK(report.at("energy_macs").at(flow) > 1);
  CHECK_THAT(read_text(shell.dir / "out" / "architecture.yaml"),
             Catch::Matchers::ContainsSubstring("version: 0.4") &&
                 Catch::Matchers::ContainsSubstring("keep: [Weights]"));
}
