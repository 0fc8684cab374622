// SPDX-License-Identifier: Apache-2.0
//
// The command line as a user and as other tools meet it: exit codes, JSON keys, error lines.

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>

#include "base/file.h"
#include "base/npy.h"
#include "tools/cli/run/network.h"

namespace fs = std::filesystem;
using nlohmann::json;
using namespace trine;

namespace {

const std::string kLenet = TRINE_SOURCE_DIR "/models/lenet_mnist.tflite";
const std::string kLenetVectors = TRINE_SOURCE_DIR "/models/lenet_mnist/vectors";
const std::string kPlus = TRINE_SOURCE_DIR "/models/plus_filter.tflite";
const std::string kPlusVectors = TRINE_SOURCE_DIR "/models/plus_filter/vectors";

struct Result {
  int code;
  std::string out, err;
};

/// A folder of its own for each test case, and the program run inside it.
struct Shell {
  fs::path dir = fs::temp_directory_path() / ("trine_cli_test." + std::to_string(::getpid()));
  Shell() {
    fs::remove_all(dir);
    fs::create_directories(dir);
  }
  ~Shell() { fs::remove_all(dir); }

  /// @param streams  where stdout and stderr go, if not to the files that Result is read from
  Result trine(const std::string& arguments, const std::string& streams = "") const {
    const std::string command = "cd '" + dir.string() + "' && : >out.txt >err.txt && '" +
                                TRINE_PROGRAM "' " + arguments + " >out.txt 2>err.txt </dev/null " +
                                streams;
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_text(dir / "out.txt"),
            read_text(dir / "err.txt")};
  }
  /// A full device in the folder: a node of its own, so that no test can hurt /dev/full, unless we
  /// may make none.
  fs::path full_device() const {
    const fs::path node = dir / "full";
    if (::mknod(node.c_str(), S_IFCHR | 0666, makedev(1, 7)) != 0)
      fs::create_symlink("/dev/full", node);
    return node;
  }
  json read_json(const char* name) const { return json::parse(read_text(dir / name)); }
};

std::size_t widest_line(const std::string& text) {
  std::istringstream lines(text);
  std::size_t widest = 0;
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, line.size());
  return widest;
}

std::size_t line_count(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// Each cycle has a cause, and the bound is where most of them are.
void check_causes(const json& report) {
  const std::map<std::string, std::vector<std::string>> bounds{
      {"compute", {"compute", "bank"}},
      {"memory", {"memory", "load", "store"}},
      {"drain", {"drain"}},
      {"vector", {"vector"}},
      {"control", {"control"}}};
  const auto cycles_of = [](const json& causes, const std::vector<std::string>& names) {
    long cycles = 0;
    for (const std::string& name : names) cycles += causes.at(name).get<long>();
    return cycles;
  };
  const auto check_sum = [&](const json& of) {
    long sum = 0;
    for (const auto& [bound, causes] : bounds) sum += cycles_of(of.at("causes"), causes);
    CHECK(sum == of.at("cycles").get<long>());
    CHECK(of.at("causes").size() == 8);
  };
  check_sum(report);
  for (const json& layer : report.at("layers")) {
    CAPTURE(layer.dump());
    check_sum(layer);
    const long most = cycles_of(layer.at("causes"), bounds.at(layer.at("bound")));
    for (const auto& [bound, causes] : bounds) CHECK(cycles_of(layer.at("causes"), causes) <= most);
  }
}

/// The keys that other tools rely on.
void check_execution(const json& report) {
  for (const char* key : {"cycles", "macs", "peak_macs_per_cycle", "vectors", "dram_bytes_read",
                          "dram_bytes_written", "program_bytes", "fetched_bytes"}) {
    CAPTURE(key);
    CHECK(report.at(key).is_number_integer());
  }
  CHECK(report.at("vectors_exact").is_null() == (report.at("vectors") == 0));
  CHECK(report.at("sim_seconds").is_number());
  const double utilization = report.at("utilization");
  CHECK(utilization > 0);
  CHECK(utilization <= 1);
  CHECK(utilization == Approx(report.at("macs").get<double>() / report.at("cycles").get<double>() /
                              report.at("peak_macs_per_cycle").get<double>()));
  long cycles = 0, macs = 0;
  REQUIRE_FALSE(report.at("layers").empty());
  for (const json& layer : report.at("layers")) {
    CHECK(layer.at("name").is_string());
    CHECK(layer.at("op").is_string());
    CHECK(layer.at("utilization").is_number());
    cycles += layer.at("cycles").get<long>();
    macs += layer.at("macs").get<long>();
  }
  CHECK(cycles == report.at("cycles").get<long>());
  CHECK(macs == report.at("macs").get<long>());
  check_causes(report);
}

}  // namespace

TEST_CASE("help teaches every command in 100 columns", "[cli][help]") {
  const Shell shell;
  const Result all = shell.trine("--help");
  CHECK(all.code == 0);
  CHECK(widest_line(all.out) <= 100);
  const std::string command = GENERATE("generate", "generate-text", "compile", "run", "verify",
                                       "energy", "estimate", "synth", "fuzz", "inject", "models",
                                       "demo", "record", "accuracy", "compare", "quantize");
  CHECK_THAT(all.out, Catch::Contains("\n  " + command));
  const Result one = shell.trine(command + " --help");
  CHECK(one.code == 0);
  CHECK(widest_line(one.out) <= 100);
  CHECK_THAT(one.out, Catch::Contains("Examples:\n  trine " + command));
  CHECK_THAT(one.out, Catch::Contains("--json FILE") && Catch::Contains("--quiet"));
}

TEST_CASE("help says where to begin, and knows commands by name", "[cli][help]") {
  const Shell shell;
  const Result help = shell.trine("help");
  CHECK(help.code == 0);
  CHECK_THAT(help.out, Catch::StartsWith("begin with: trine demo\n"));
  CHECK(help.out == shell.trine("--help").out);
  for (const char* holds : {"\nBegin with:\n  demo ", "\nA model on a design:\n  generate ",
                            "\nDesigns: hardware, cost, comparison:\n  estimate ",
                            "\n  ./trine test ", "\n  ./trine build ", "\n  ./trine docs "})
    CHECK_THAT(help.out, Catch::Contains(holds));
  CHECK(shell.trine("help run").out == shell.trine("run --help").out);
  CHECK(shell.trine("help run").code == 0);
  const Result unknown = shell.trine("help nonsense");
  CHECK(unknown.code == 2);
  CHECK_THAT(unknown.err, Catch::StartsWith("trine: nonsense: unknown command, allowed demo, "));
}

TEST_CASE("bad input ends with code 2 and one line on stderr", "[cli][error]") {
  struct Row {
    std::string arguments, expected;
  };
  const auto row = GENERATE(
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
          "trine compile: --out, --image, --c, --stages, --disassemble or --print-after"},
      Row{"compile --config edge64 '" + kPlus + "' --print-after fused",
          "--print-after: fused is no stage, allowed rewrite, lower, thin, attention, transpose, "
          "split, fuse, separate, reload, cascade, interleave, plan, emit, schedule\n"},
      Row{"run --config edge64 '" + kPlus + "' --backend fpga", "trine: --backend: fpga not in {"},
      Row{"run --config edge64 '" + kPlus + "' --backend arch --trace x.fst",
          "--trace: needs --backend rtl"},
      Row{"run --config edge64 '" + kPlus + "' --backend arch --input none.npy",
          "none.npy: cannot open: No such file"},
      Row{"verify --config edge64 '" + kPlus + "'", "trine: --vectors is required"},
      Row{"verify --config edge64 '" + kPlus + "' --vectors none",
          "none/manifest.json: cannot open"},
      Row{"compile --config edge64 m.bin --out x",
          "m.bin: GGUF, allowed TFLite, ONNX, a program of trine compile; it holds weights of"},
      Row{"run --config edge64 weights.safetensors --backend arch",
          "weights.safetensors: safetensors, allowed TFLite, ONNX, a program of trine compile; "
          "it "},
      Row{"compare m.pt", "m.pt: PyTorch, allowed TFLite, ONNX, a program of trine compile; "},
      Row{"record m.pt --out x", "m.pt: PyTorch, allowed TFLite, ONNX, "},
      Row{"generate-text m.bin --tokenizer none.bin --backend golden",
          "m.bin: GGUF, allowed a checkpoint of llama2.c "},
      Row{"generate-text '" + kPlus + "' --tokenizer none.bin",
          "trine generate-text: --config is "},
      Row{"generate-text '" + kPlus + "' --tokenizer none.bin --backend golden", kPlus + ": "},
      Row{"generate-text '" + kPlus + "' --tokenizer t.bin --config edge64 --from 3 --deck d",
          "--deck: not with --backend golden, "},
      Row{"energy --config edge64", "trine energy: MODEL or --measured is required"},
      Row{"energy --config edge64 " + kLenet, "energy: --liberty is required"},
      Row{"energy --measured none.json", "none.json: "},
      Row{"energy --config edge64 --measured none.json", "--config: the files of --measured "},
      Row{"energy " + kLenet, "trine energy: --config is required"},
      Row{"energy --config edge64 --vectors a --vectors b " + kLenet,
          "--vectors: 2 folders, 1 models"},
      Row{"run --backend arch --config edge64 --energy none.json " + kLenet, "none.json: "},
      Row{"estimate --config edge64", "trine estimate: MODEL or --table is required"},
      Row{"run --config edge64 program --backend arch",
          "program: compiled by an earlier version: compile again"},
      Row{"estimate --config edge64 program", "program: compiled by an earlier version: "},
      Row{"estimate --config edge64 --table bert", "no table 'bert', allowed bert-base, "},
      Row{"fuzz --family images,onnx", "trine: --family: onnx not in {"},
      Row{"synth --config edge32 --no-timing --paths 3",
          "--paths: needs --target asic, without --no-timing"},
      Row{"synth --config edge32 --paths -1", "trine: --paths: Value -1 not in range 0 to 1000"},
      Row{"synth --config edge64 --liberty none.lib", "none.lib: cannot open: No such file"},
      Row{"generate --config edge64 --prefix 9x --out d", "--prefix: '9x' is no prefix of names"},
      Row{"synth --config edge64 --target fpga", "trine: --target: fpga not in {"});
  CAPTURE(row.arguments);
  const Shell shell;
  std::ofstream(shell.dir / "program") << "TRINEPRG";
  std::ofstream(shell.dir / "m.bin") << "GGUF" << std::string(60, '\0');
  std::ofstream(shell.dir / "weights.safetensors")
      << '\x2' << std::string(7, '\0') << "{}" << std::string(60, '\0');
  std::ofstream(shell.dir / "m.pt") << "of no content";
  const Result result = shell.trine(row.arguments);
  CHECK(result.code == 2);
  CHECK_THAT(result.err, Catch::StartsWith(row.expected));
  CHECK(line_count(result.err) == 1);
  CHECK(result.out.empty());
}

TEST_CASE("generate writes a design that can be generated again from its configuration",
          "[cli][generate]") {
  const Shell shell;
  const Result result =
      shell.trine("generate --config edge64 --set array.rows=4 --out d/a --json j");
  CAPTURE(result.err);
  CHECK(result.code == 0);
  CHECK_THAT(result.out, Catch::Contains("4 x 8 PEs, 128 int8 MACs per cycle"));
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
    CHECK_THAT(result.out, Catch::Contains(layer.at("op").get<std::string>()));
  }
  CHECK(shell.trine("run --config edge64 lenet.trine --backend arch").code == 0);
  const Result other = shell.trine("run --config edge32 lenet.trine --backend arch");
  CHECK(other.code == 2);
  CHECK_THAT(other.err, Catch::Contains("compiled for configuration edge64"));
  REQUIRE(shell.trine("compile --config edge64 '" + kLenet + "' --image lenet.img").code == 0);
  const std::string image = read_text(shell.dir / "lenet.img");
  CHECK_THAT(image, Catch::StartsWith("TRINEIMG"));
  CHECK_THAT(read_text(shell.dir / "lenet.trine"), Catch::Contains(image));
  const Result alone = shell.trine("run --config edge64 lenet.img --backend arch");
  CHECK(alone.code == 2);
  CHECK_THAT(alone.err, Catch::StartsWith("lenet.img: is a machine image, for drivers"));
  REQUIRE(shell.trine("compile --config edge64 '" + kLenet + "' --c lenet.h --quiet").code == 0);
  const std::string bytes = std::to_string(image.size());
  CHECK_THAT(read_text(shell.dir / "lenet.h"),
             Catch::Contains("#define LENET_MNIST_IMAGE_BYTES " + bytes + "u\n") &&
                 Catch::Contains("#define LENET_MNIST_CONFIGURATION \"edge64\"\n"));
  REQUIRE(shell.trine("compile --config edge64 '" + kLenet + "' --stages lenet.stages").code == 0);
  const std::string stages = read_text(shell.dir / "lenet.stages");
  CHECK_THAT(stages, Catch::StartsWith("TRINESTG") && Catch::Contains(image));
  const Result listing = shell.trine("compile --config edge64 '" + kPlus + "' --disassemble");
  CHECK(listing.code == 0);
  CHECK_THAT(listing.out, Catch::Contains("RUN") && Catch::Contains("END"));
}

/// The first line, and the indented ones below it.
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
  CHECK_THAT(result.out, Catch::StartsWith(form.first) && Catch::Contains(form.holds));
  CHECK(widest_line(result.out) <= 100);
  if (std::string(form.stage) != "fuse") return;
  const Result run = shell.trine("run " + options + " --backend arch");
  REQUIRE(run.code == 0);
  CHECK_THAT(run.out, Catch::StartsWith(form_of(result.out)));
  REQUIRE(shell.trine("compile --config edge64 '" + kLenet + "' --out p --quiet").code == 0);
  const Result program = shell.trine("run --config edge64 p --print-after fuse --backend arch");
  CHECK(program.code == 2);
  CHECK(program.err == "--print-after: p is a program, which is compiled already\n");
}

TEST_CASE("run reads inputs, writes outputs and checks them", "[cli][run]") {
  const Shell shell;
  // The first case is the textbook's.
  const auto first = [&](const std::string& file) {
    Array array = read_npy(kPlusVectors + "/" + file);
    array.shape.erase(array.shape.begin());
    array.bytes.resize(static_cast<std::size_t>(array.elements()));
    return array;
  };
  write_npy(shell.dir / "in.npy", first("in0.npy"));
  write_npy(shell.dir / "out.npy", first("out0.npy"));
  const Result result = shell.trine("run --config edge32 '" + kPlus +
                                    "' --backend arch --input in.npy --output a.npy --output b.npy "
                                    "--json j");
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  CHECK(read_npy(shell.dir / "a.npy").bytes == first("out0.npy").bytes);
  CHECK(read_npy(shell.dir / "b.npy").bytes == first("out1.npy").bytes);
  const json report = shell.read_json("j");
  check_execution(report);
  CHECK(report.at("vectors") == 1);
  CHECK(report.at("vectors_exact") == 1);

  const Result wrong =
      shell.trine("run --config edge32 '" + kPlus + "' --backend arch --input out.npy");
  CHECK(wrong.code == 2);
  CHECK_THAT(wrong.err, Catch::Contains("out.npy: is i1 [1, 3, 3, 1], input 0 of ") &&
                            Catch::Contains("is i1 [1, 5, 5, 1]"));
}

TEST_CASE("a batch takes several images in a run", "[cli][batch]") {
  const Shell shell;
  const std::string design = " --config edge64 ", arch = " --backend arch --json j ";
  const std::string verify =
      "verify" + design + "'" + kLenet + "' --vectors '" + kLenetVectors + "'";
  REQUIRE(shell.trine(verify + arch).code == 0);
  const json one = shell.read_json("j");
  const Result result = shell.trine(verify + arch + "--batch 8");
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  CHECK_THAT(result.out, Catch::Contains(" for each of 8 images)"));
  const json eight = shell.read_json("j");
  check_execution(eight);
  CHECK(eight.at("vectors") == 13);  // of 100, the last with four of the first again
  CHECK(eight.at("vectors_exact") == 13);
  CHECK(eight.at("images") == 8);
  CHECK(eight.at("codes") == 13 * 80);
  CHECK(eight.at("cycles").get<long>() < 8 * one.at("cycles").get<long>());

  // A program for two images, and for two only.
  REQUIRE(shell.trine("compile" + design + "'" + kLenet + "' --batch 2 --out two.trine").code == 0);
  Array images = read_npy(kLenetVectors + "/in0.npy");
  images.shape = {2, 28, 28, 1};
  images.bytes.resize(2 * 28 * 28);
  write_npy(shell.dir / "in.npy", images);
  REQUIRE(shell.trine("run" + design + "two.trine --input in.npy --output out.npy" + arch).code ==
          0);
  Array logits = read_npy(kLenetVectors + "/out0.npy");
  logits.bytes.resize(2 * 10);
  CHECK(read_npy(shell.dir / "out.npy").bytes == logits.bytes);
  const Result again = shell.trine("run" + design + "two.trine --batch 2" + arch);
  CHECK(again.code == 2);
  CHECK_THAT(again.err, Catch::Contains("--batch: two.trine is a program"));
}

TEST_CASE("extents that an ONNX file leaves open are given by --shape", "[cli][onnx]") {
  const Shell shell;
  std::vector<std::uint8_t> bytes = read_file(TRINE_SOURCE_DIR "/tests/onnx/mobilenet_v2.onnx");
  // The input's [1, 3, 16, 16], whose last two become open ones without a name.
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
    CHECK(
        refused.err ==
        "open.onnx: input 'in' is [1, 3, ?, ?]: extents behind the first axis must be known, give "
        "them by --shape in=N,...\n");
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
  CHECK_THAT(fixed_already.err, Catch::Contains("is TFLite, whose shapes are fixed"));
}

TEST_CASE("compile tells how many stripes a layer runs in", "[cli][compile]") {
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

TEST_CASE("stdout holds the JSON alone for --json -", "[cli][json]") {
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
          "--trace: /dev/null is no regular file"},
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
  CHECK_THAT(result.err, Catch::StartsWith(row.expected));
  CHECK(line_count(result.err) == 1);
  CHECK_FALSE(fs::exists(shell.dir / "m"));  // which a run writes before it begins
  CHECK_FALSE(fs::exists(shell.dir / "p"));
}

TEST_CASE("a stdout that cannot be written is an error", "[cli][files][error]") {
  const Shell shell;
  shell.full_device();
  for (const char* arguments : {"--help", "--version", "estimate --config edge32 --table gpt-3"}) {
    CAPTURE(arguments);
    const Result result = shell.trine(arguments, ">full");
    CHECK(result.code == 2);
    CHECK(result.err == "trine: standard output: cannot write: No space left on device\n");
    CHECK(fs::is_character_file(shell.dir / "full"));
  }
  CHECK(shell.trine("nonsense", "2>full").code == 2);
  // A file that is opened must not become the stream that was closed.
  CHECK(shell.trine("estimate --config edge32 --table gpt-3 --json j", ">&-").code == 0);
  CHECK(shell.read_json("j").at("macs").is_number());
  // The report goes where the text goes.
  REQUIRE(shell.trine("estimate --config edge32 --table gpt-3 -q --json /dev/stdout").code == 0);
  CHECK(shell.read_json("out.txt").at("macs").is_number());
}

TEST_CASE("random pairs of which too few are exact have failed", "[cli][fuzz]") {
  const Shell shell;
  CHECK(shell.trine("fuzz --pairs 40 --configs 8").code == 0);
  const Result bad = shell.trine("fuzz --pairs 40 --configs 8 --least-exact 100");
  CHECK(bad.code == 1);
  CHECK_THAT(bad.err,
             Catch::Contains(" of 40 pairs are exact, allowed 100 % and above (--least-exact)\n"));
  CHECK(line_count(bad.err) == 1);
  CHECK(shell.trine("fuzz --pairs 19 --configs 8 --least-exact 100").code == 0);  // too few to say
}

TEST_CASE("random networks are of the families asked for", "[cli][fuzz]") {
  const Shell shell;
  REQUIRE(shell.trine("fuzz --family low-bit,exported --pairs 20 --configs 4 --json j").code == 0);
  const json families = shell.read_json("j").at("families");
  CHECK(families.size() == 2);
  CHECK(families.at("low-bit").get<int>() + families.at("exported").get<int>() == 20);
}

TEST_CASE("every report says the configuration, its hash and the revision", "[cli][json]") {
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
  CHECK_THAT(plain.out, Catch::Contains("\nlenet_mnist on edge64 (arch): "));
  CHECK(shell.read_json("j").at("variant") == json::object());
  const Result variant = shell.trine(run + "--set array.rows=4 --set memory.pmem_kib=64");
  CHECK_THAT(variant.out, Catch::Contains("\nlenet_mnist on edge64 array.rows=4 (arch): "));
  CHECK(shell.read_json("j").at("variant") == json{{"array.rows", 4}});
  const Result table = shell.trine("estimate --config edge64 --set array.cols=4 --table bert-base");
  CHECK_THAT(table.out, Catch::Contains("\nbert-base on edge64 array.cols=4 (estimated)\n"));
}

TEST_CASE("drawn inputs are ones that a network can have", "[cli][run]") {
  using model::DataType;
  cli::Network network;
  model::Graph graph;
  for (const DataType type :
       {DataType::kInt8, DataType::kInt32, DataType::kInt64, DataType::kBool}) {
    graph.inputs.push_back(static_cast<int>(graph.tensors.size()));
    graph.tensors.push_back({});
    graph.tensors.back().type = type;
    graph.tensors.back().shape = {1000};
  }
  network.graph = graph;
  const std::vector<Array> inputs = cli::random_inputs(network, 1);
  REQUIRE(inputs.size() == 4);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    CAPTURE(inputs[i].dtype);
    const std::size_t size = inputs[i].element_bytes();
    REQUIRE(inputs[i].bytes.size() == 1000 * size);
    std::set<std::int64_t> values;
    for (std::size_t at = 0; at < inputs[i].bytes.size(); at += size) {
      std::int64_t value = 0;  // little end first, as the host
      std::memcpy(&value, &inputs[i].bytes[at], size);
      values.insert(value);
    }
    if (graph.tensors[i].type == DataType::kInt8)
      CHECK(values.size() > 200);
    else  // truth values; places in tables of any size; of masks
      CHECK(values == std::set<std::int64_t>{0, 1});
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

TEST_CASE("models are got from a mirror and checked", "[cli][models]") {
  const Shell shell;
  // The list of this test: a tree of its own, two models of which one is damaged in the mirror.
  const fs::path tree = shell.dir / "tree";
  for (const char* folder : {"presets", "rtl", "models", "bin"})
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
        "b.tflite: not kept: sha256 is "
        "41f0c27c00e8018f7715b5f50f67b5b54c229c1b843a014152785d9005f58fde, "
        "expected e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n");
  CHECK(all.out == "a.tflite: 3 bytes, as published\n");
  CHECK(read_text(shell.dir / "got/a.tflite") == "abc");
  CHECK_FALSE(fs::exists(shell.dir / "got/b.tflite"));

  std::ofstream(shell.dir / "mirror/b.tflite", std::ios::trunc).flush();
  CHECK(trine("models --get b --from file:" + shell.dir.string() + "/mirror").out ==
        "b.tflite: 0 bytes, as published\n");
  CHECK(trine("models --get all --from mirror").out == "a.tflite: is there\nb.tflite: is there\n");
  CHECK_THAT(trine("models").out, Catch::Contains("a.tflite") && Catch::Contains("here  one"));
  // What is damaged later is got again.
  std::ofstream(shell.dir / "got/a.tflite") << "abd";
  CHECK_THAT(trine("models").out, Catch::Contains("-     one"));
  CHECK(trine("models --get a --from file://" + shell.dir.string() + "/mirror").code == 0);
  CHECK(read_text(shell.dir / "got/a.tflite") == "abc");

  // From its own address, by curl or wget; and one that does not answer.
  fs::remove(shell.dir / "got/b.tflite");
  std::ofstream(shell.dir / "direct").flush();
  CHECK(trine("models --get b").code == (std::system("command -v curl >/dev/null") == 0 ? 0 : 2));
  fs::remove(shell.dir / "got/a.tflite");
  const Result dead = trine("models --get a --from file:nowhere");
  CHECK(dead.code == 2);
  CHECK_THAT(dead.err, Catch::Contains("nowhere/a.tflite: cannot open"));
  CHECK_FALSE(fs::exists(shell.dir / "got/a.tflite"));
  CHECK_THAT(trine("models --get c").err,
             Catch::StartsWith("--get: no published model 'c', allowed all, a.tflite"));
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
    if (line.find(" on edge32") != std::string::npos) break;  // the sentences below
    CAPTURE(line);
    CHECK(line.size() <= 80);
  }
  CHECK(rows >= 4);
}

TEST_CASE("run writes the memory that a bench needs", "[cli][run]") {
  const Shell shell;
  const std::string run = "run --config edge32 '" + kPlus + "' --backend arch --memory ";
  REQUIRE(shell.trine(run + "m --output a.npy").code == 0);
  const json facts = shell.read_json("m/run.json");
  const auto before = read_file(shell.dir / "m" / "before.bin");
  const auto after = read_file(shell.dir / "m" / "after.bin");
  const auto program = facts.at("program_offset").get<std::size_t>();
  CHECK(before.size() == program + 8 * facts.at("program_words").get<std::size_t>());
  CHECK(after.size() == before.size());
  CHECK(std::equal(before.begin() + static_cast<std::ptrdiff_t>(program), before.end(),
                   after.begin() + static_cast<std::ptrdiff_t>(program)));
  const json& input = facts.at("inputs").at(0);
  CHECK(input.at("offset").get<std::size_t>() + input.at("bytes").get<std::size_t>() <= program);
  CHECK(input.at("bytes").get<int>() >=
        4 * input.at("pitch").get<int>() * input.at("H").get<int>());
  // Three rows of the first output, a word each code: they are in the memory after the run.
  const auto offset = facts.at("outputs").at(0).at("offset").get<std::size_t>();
  CHECK(after[offset] == read_npy(shell.dir / "a.npy").bytes[0]);

  std::ofstream(shell.dir / "file") << "in the way";
  const Result refused = shell.trine(run + "file");
  CHECK(refused.code == 2);
  CHECK_THAT(refused.err, Catch::Contains("file: "));
}

TEST_CASE("the host is allowed at the ends, and named where it helps between", "[cli][run]") {
  const Shell shell;
  const std::string folder = "'" TRINE_SOURCE_DIR "/tests/torch/classes/";
  const std::string run = "run --config edge256 --backend arch ";
  CHECK(shell.trine(run + folder + "ends.onnx'").code == 0);        // LogSoftmax, norms, argmax
  CHECK(shell.trine(run + folder + "categories.onnx'").code == 0);  // embeddings of int64
  const Result between = shell.trine(run + folder + "speech_gru.onnx'");
  CHECK(between.code == 2);
  CHECK_THAT(between.err, Catch::Contains("GRU: operator is not supported (the host has it)") &&
                              Catch::Contains("--allow-host runs that on the host"));
  CHECK(shell.trine(run + "--allow-host " + folder + "speech_gru.onnx'").code == 0);
  // Without a vector engine it does not help.
  const std::string plain =
      "--set vector.enable=false --set vector.table=false --set vector.softmax=false ";
  const Result refused = shell.trine(run + plain + folder + "speech_gru.onnx'");
  CHECK(refused.code == 2);
  CHECK_THAT(refused.err, Catch::Contains("GRU") && !Catch::Contains("--allow-host"));
}

TEST_CASE("operators between stages are told with their share", "[cli][run]") {
  const Shell shell;
  const std::string model = TRINE_SOURCE_DIR "/tests/operators/decoder_2x16_8.tflite";
  REQUIRE(shell
              .trine("run --config edge64 --set matmul.enable=false '" + model +
                     "' --allow-host --backend arch --json j")
              .code == 0);
  const json report = shell.read_json("j");
  check_causes(report);
  long macs = report.at("macs"), cycles = 0;
  REQUIRE(report.at("host").size() == 4);
  for (const json& op : report.at("host")) macs += op.at("macs").get<long>();
  for (const json& op : report.at("host")) {
    CHECK(op.at("op") == "BATCH_MATMUL");
    CHECK(op.at("when") == "between");
    CHECK(op.at("share") == Approx(op.at("macs").get<double>() / static_cast<double>(macs)));
  }
  for (const json& layer : report.at("layers")) cycles += layer.at("cycles").get<long>();
  CHECK(cycles == report.at("cycles").get<long>());
}

TEST_CASE("layers far above their bound are warned of, with what would help", "[cli][run]") {
  const Shell shell;
  const std::string network = std::string(TRINE_SOURCE_DIR) + "/tests/networks/resnet8.tflite";
  const std::string small =
      " --config edge1024 --set memory.dmem_kib=8 --set bus.axi_data_bits=32 '" + network +
      "' --json j";
  const Result run = shell.trine("run --backend arch" + small);
  REQUIRE(run.code == 0);
  const json ran = shell.read_json("j");
  REQUIRE_FALSE(ran.at("warnings").empty());
  for (const json& warning : ran.at("warnings")) {
    CHECK(warning.at("cycles").get<long>() > 3 * warning.at("bound_cycles").get<long>());
    CHECK(warning.at("share").get<double>() ==
          Approx(warning.at("cycles").get<double>() / ran.at("cycles").get<double>()));
  }
  // As text those of more than 5 % of all cycles, each with its remedy; or all, or none.
  const auto shown = [&](const std::string& text, double above) {
    std::size_t count = 0;
    for (const json& warning : ran.at("warnings")) {
      if (warning.at("share").get<double>() <= above) continue;
      ++count;
      std::istringstream words(warning.at("advice").get<std::string>());
      for (std::string word; words >> word;) CHECK_THAT(text, Catch::Contains(word));
    }
    std::size_t printed = 0;
    for (std::size_t at = text.find("warning: "); at != std::string::npos;
         at = text.find("warning: ", at + 1))
      ++printed;
    CHECK(printed == count);
    return count;
  };
  const std::size_t all = shown(shell.trine("run --warnings all --backend arch" + small).out, 0),
                    some = shown(run.out, 0.05);
  CHECK(some < all);
  CHECK(some == shown(shell.trine("estimate" + small).out, 0.05));
  CHECK_THAT(shell.trine("run --warnings none --backend arch" + small).out,
             !Catch::Contains("warning: "));
  for (const json& layer : ran.at("layers")) CHECK(layer.at("bound_cycles").get<long>() > 0);
  const Result compiled = shell.trine("compile --out p" + small);
  REQUIRE(compiled.code == 0);
  CHECK(widest_line(compiled.out) <= 100);
  const json facts = shell.read_json("j");
  long written = 0;
  for (const json& layer : facts.at("layers")) {
    CHECK(layer.at("expected_cycles").get<long>() > 0);
    written += layer.at("dram").at("moved").at("maps_written").get<long>();
  }
  CHECK(written == ran.at("dram_bytes_written").get<long>());
  CHECK(written == facts.at("dram").at("moved").at("maps_written").get<long>());
  // A program's file knows its bounds; with room, nothing is far above them.
  const Result wide = shell.trine("run --backend arch --config edge64 '" + network + "' --json j");
  REQUIRE(wide.code == 0);
  CHECK_THAT(wide.out, !Catch::Contains("warning: "));
}

TEST_CASE("a warning's remedy is of its operator and its design", "[cli][run]") {
  const Shell shell;
  const std::string networks = TRINE_SOURCE_DIR "/tests/";
  std::map<std::string, std::string> remedies;  // by operator, of waits for the vector unit
  const auto warnings_of = [&](const std::string& model, const std::string& design) {
    REQUIRE(
        shell.trine("estimate --json j --config " + design + " '" + networks + model + "'").code ==
        0);
    return shell.read_json("j").at("warnings");
  };
  for (const char* design : {"edge64", "edge1024"})
    for (const char* model : {"torch/convnext.onnx", "torch/causal.onnx", "networks/gru.tflite"})
      for (const json& warning : warnings_of(model, design)) {
        const std::string advice = warning.at("advice");
        CHECK_THAT(advice, !Catch::Contains("vector.table"));  // which both have
        if (warning.at("cause") == "vector") remedies[warning.at("op")] = advice;
      }
  CHECK_THAT(remedies.at("LAYER_NORM"), Catch::Contains("normalization"));
  CHECK_THAT(remedies.at("TRANSPOSE"), Catch::Contains("layout"));
  CHECK_THAT(remedies.at("SOFTMAX"), Catch::Contains("softmax"));
  for (const json& warning : warnings_of("torch/m5.onnx", "edge64 --set post.columns_per_cycle=2"))
    CHECK_THAT(warning.at("advice").get<std::string>(), !Catch::Contains("columns_per_cycle"));
}

TEST_CASE("the host's copies are told with the tensors that it turns", "[cli][run]") {
  const Shell shell;
  const std::string network = std::string(TRINE_SOURCE_DIR) + "/tests/torch/fcn.onnx";
  const Result result =
      shell.trine("compile --config edge64 '" + network + "' --out p --json j --details");
  REQUIRE(result.code == 0);
  CHECK_THAT(result.out, Catch::Contains("\nThe host copies input ") &&
                             Catch::Contains("(1x3x16x16) and transposes it.\n"));
  const json edges = shell.read_json("j").at("edges");
  REQUIRE(edges.at("tensors").size() == 2);
  CHECK(edges["tensors"][0].at("turned").get<bool>());
  CHECK_FALSE(edges["tensors"][0].at("looked_up").get<bool>());
  CHECK(edges["tensors"][1].at("direction") == "out");
  CHECK(edges.at("tensor_bytes").get<int>() == 3 * 256 + 2 * 256);
  CHECK(edges.at("instructions").get<long>() == 256 * (4 * (3 + 2) + 10 * 2));
}

TEST_CASE("slower memory costs cycles, not exactness", "[cli][run]") {
  const Shell shell;
  const std::string run = "run --config edge64 '" + kLenet + "' --backend arch --json j ";
  const auto cycles = [&](const std::string& memory) {
    REQUIRE(shell.trine(run + memory).code == 0);
    return shell.read_json("j").at("cycles").get<long>();
  };
  const long fast = cycles("");
  CHECK(cycles("--axi-latency 200") > fast + 200);
  CHECK(cycles("--axi-bytes-per-cycle 1") > 2 * fast);
}

TEST_CASE("a run tells its energy by layer and component, DRAM apart", "[cli][energy]") {
  const Shell shell;
  const std::string run = "run --backend arch --config edge64 '" + kLenet + "' ";
  const Result result = shell.trine(run + "--accelergy counts.yaml --json run.json");
  REQUIRE(result.code == 0);
  CHECK_THAT(result.out, Catch::Contains("TOPS/W") && Catch::Contains("DRAM: "));
  CHECK(widest_line(result.out) <= 100);
  const json report = shell.read_json("run.json");
  const auto sum_of = [](const json& parts) {
    double sum = 0;
    for (const json& part : parts) sum += part.get<double>();
    return sum;
  };
  const double pj = report["energy_pj"].get<double>();
  CHECK(pj > 0);
  CHECK(sum_of(report["energy"]["by_component"]) == Approx(pj));
  double layers = 0;
  std::int64_t codes = 0;
  for (const json& layer : report["layers"]) {
    layers += layer["energy_pj"].get<double>();
    codes += layer["actions"]["lanes.code"].get<std::int64_t>();
    CHECK(sum_of(layer["energy_by_component"]) == Approx(layer["energy_pj"].get<double>()));
  }
  CHECK(layers == Approx(pj));
  const double traffic =
      report["dram_bytes_read"].get<double>() + report["dram_bytes_written"].get<double>();
  CHECK(report["energy"]["dram_pj"].get<double>() == Approx(8 * 20 * traffic));
  CHECK(report["energy"]["tops_per_watt"].get<double>() ==
        Approx(2 * report["macs"].get<double>() / pj));
  for (const char* without : {"without_wires_pj", "without_glitches_pj", "without_clock_pj"})
    CHECK(report["energy"][without].get<double>() < pj);
  CHECK_THAT(read_text(shell.dir / "counts.yaml"),
             Catch::Contains("- name: code\n          counts: " + std::to_string(codes) + "\n"));
  // The network's energy is the table's and the program's, whatever runs it; DRAM's does not count.
  REQUIRE(shell.trine(run + "--dram-pj-per-bit 4 --json again.json").code == 0);
  const json again = shell.read_json("again.json");
  CHECK(again["energy_pj"] == report["energy_pj"]);
  CHECK(5 * again["energy"]["dram_pj"].get<double>() ==
        Approx(report["energy"]["dram_pj"].get<double>()));
}

TEST_CASE("cycles are told as time and rate, all figures at one clock", "[cli][run]") {
  const Shell shell;
  const std::string on = " --config edge64 '" + kLenet + "' --json j ";
  std::set<double> clocks;
  for (const std::string& command : std::vector<std::string>{
           "run --backend arch" + on, "run --backend arch --batch 2" + on, "estimate" + on,
           "verify --backend arch --vectors '" + kLenetVectors + "'" + on,
           std::string("estimate --config edge64 --table bert-base --json j ")}) {
    CAPTURE(command);
    const Result result = shell.trine(command);
    REQUIRE(result.code == 0);
    const json report = shell.read_json("j");
    const double ns = report.at("clock_ns"), ms = report.at("latency_ms");
    CHECK(report.at("energy").at("clock_ns") == ns);
    CHECK(ms == Approx(report.at("cycles").get<double>() * ns * 1e-6));
    CHECK(report.at("inferences_per_second").get<double>() ==
          Approx(report.value("images", 1) * 1e3 / ms));
    CHECK_THAT(result.out, Catch::Contains(" MHz: ") && Catch::Contains(" inferences/s, ") &&
                               !Catch::Contains("predicted clock"));
    CHECK_THAT(shell.trine(command + "--details").out,
               Catch::Contains("at the predicted clock of sg13g2, without wires"));
    clocks.insert(ns);
  }
  CHECK(clocks.size() == 1);
}

TEST_CASE("what each figure is of is told in sentences, with --details alone", "[cli][run]") {
  const Shell shell;
  for (const std::string& command : std::vector<std::string>{"run --backend arch", "estimate"}) {
    const std::string line = command + " --config edge64 '" + kLenet + "' ";
    const Result plain = shell.trine(line), details = shell.trine(line + "--details");
    REQUIRE(details.code == 0);
    CHECK(widest_line(details.out) <= 100);
    CHECK(line_count(plain.out) + 5 < line_count(details.out));
    std::vector<std::string> sentences{
        "Of the chip's energy the loads of wires take ", "what the cycles went into, or waited for",
        "For inputs and outputs of 794 bytes the host copies 3,596 bytes"};
    if (command == "estimate") sentences.emplace_back("Area and clock are predicted by a model");
    for (const std::string& sentence : sentences) {
      CHECK_THAT(details.out, Catch::Contains("\n" + sentence));
      CHECK_THAT(plain.out, !Catch::Contains(sentence));
    }
  }
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
                     key == "sim_seconds" || key == "command";
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
  CHECK_THAT(table.out, Catch::Contains("\n109,482,240 parameters\n"));
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
  write_file(shell.dir / "shapes.csv", "name,type,C,M\na,conv,16,many\n");
  const Result bad = shell.trine("estimate --config edge64 shapes.csv");
  CHECK(bad.code == 2);
  CHECK(bad.err == "shapes.csv:2: M: many, allowed 1..1048576\n");
}

TEST_CASE("verify succeeds only if every vector is bit-exact", "[cli][verify]") {
  const Shell shell;
  const std::string verify = "verify --config edge64 '" + kLenet + "' --backend arch --json j ";
  const Result good = shell.trine(verify + "--vectors '" + kLenetVectors + "'");
  CAPTURE(good.err);
  REQUIRE(good.code == 0);
  CHECK(widest_line(good.out) <= 100);
  const json report = shell.read_json("j");
  check_execution(report);
  CHECK(report.at("vectors").get<int>() >= 100);
  CHECK(report.at("vectors_exact") == report.at("vectors"));

  fs::copy(kLenetVectors, shell.dir / "v", fs::copy_options::recursive);
  const fs::path changed = shell.dir / "v" / "out0.npy";
  Array array = read_npy(changed);
  array.bytes[3] ^= 1;
  write_npy(changed, array);
  const Result bad = shell.trine(verify + "--vectors v --quiet");
  CHECK(bad.code == 1);
  CHECK(bad.out.empty());
  CHECK(line_count(bad.err) == 1);
  CHECK_THAT(bad.err, Catch::Contains("digit0_0: 1 of 10 codes differ, by up to 1; first "
                                      "output 0 'logits' at 0,3: "));
  const json after = shell.read_json("j");
  CHECK(after.at("vectors_exact").get<int>() == report.at("vectors").get<int>() - 1);
  CHECK(after.at("codes") == 1000);
  CHECK(after.at("codes_differ") == 1);
  CHECK(after.at("codes_largest_difference") == 1);
  CHECK(after.at("top1") == json{{"labels", 100}, {"right", 100}, {"recorded_right", 100}});
  const Result near = shell.trine(verify + "--vectors v --tolerance 1");
  CHECK(near.code == 0);
  CHECK_THAT(near.out,
             Catch::Contains("1 of 1,000 codes differ, by up to 1: within --tolerance 1"));
}

TEST_CASE("verify names the first recorded layer that differs", "[cli][verify]") {
  const Shell shell;
  const std::string net = TRINE_SOURCE_DIR "/tests/networks/residual";
  fs::copy(net, shell.dir / "v", fs::copy_options::recursive);
  const auto change = [&](const char* file, std::size_t byte) {
    Array array = read_npy(shell.dir / "v" / file);
    array.bytes.at(byte) ^= 1;
    write_npy(shell.dir / "v" / file, array);
  };
  const json tensors =
      json::parse(read_text(shell.dir / "v" / "manifest.json")).at("layers").at("tensors");
  change("out0.npy", 0);
  change("layers.npy", tensors.at(3).at("offset").get<std::size_t>() + 9);
  change("layers.npy", tensors.at(5).at("offset").get<std::size_t>());
  const std::string verify =
      "verify --config edge64 --backend arch --json j --vectors v --quiet '" + net + ".tflite'";
  const Result bad = shell.trine(verify);
  CHECK(bad.code == 1);
  const json first = shell.read_json("j").at("first_layer_that_differs");
  CHECK(first.at("op_index") == 3);
  CHECK(first.at("op") == "ADD");
  CHECK(first.at("codes_differ") == 1);
  CHECK(first.at("codes_at_ties") == 0);
  CHECK_THAT(bad.err, Catch::Contains("first layer that differs, in case uniform1: op 3 ADD '"));
  CHECK_THAT(bad.err, !Catch::Contains("near ties"));

  json manifest = json::parse(read_text(shell.dir / "v" / "manifest.json"));
  manifest.at("layers").at("tensors").at(3)["ties"] = {2, 9};
  write_file(shell.dir / "v" / "manifest.json", manifest.dump());
  const Result tie = shell.trine(verify);
  CHECK(tie.code == 1);
  CHECK(shell.read_json("j").at("first_layer_that_differs").at("codes_at_ties") == 1);
  CHECK_THAT(tie.err, Catch::Contains("1 of 768 codes, all near ties"));

  change("layers.npy", tensors.at(3).at("offset").get<std::size_t>() + 10);
  CHECK_THAT(shell.trine(verify).err, Catch::Contains("2 of 768 codes, 1 of them near ties"));
}

TEST_CASE("verify checks a program's vectors as a model's", "[cli][verify][error]") {
  const Shell shell;
  const std::string split = TRINE_SOURCE_DIR "/tests/operators/split";
  const fs::path manifest = shell.dir / "v" / "manifest.json";
  fs::copy(split, shell.dir / "v");
  REQUIRE(shell.trine("compile --config edge64 --out p '" + split + ".tflite'").code == 0);
  const auto verify = [&] {
    return shell.trine("verify --config edge64 --backend arch --vectors v p");
  };
  const Result exact = verify();
  CHECK(exact.code == 0);
  CHECK_THAT(exact.out, Catch::Contains("2 of 2"));
  const auto refused = [&](const std::string& key, const json& value, const std::string& text) {
    const std::string before = read_text(manifest);
    json changed = json::parse(before);
    changed[key] = value;
    write_file(manifest, changed.dump());
    const Result result = verify();
    write_file(manifest, before);
    CAPTURE(key, result.out, result.err);
    CHECK(result.code == 2);
    CHECK(line_count(result.err) == 1);
    CHECK_THAT(result.err, Catch::Contains(text));
  };
  const json outputs = json::parse(read_text(manifest)).at("outputs");
  refused("sha256", std::string(64, '0'), "v/manifest.json: sha256: is 0000");
  refused("outputs", json::array({outputs[0]}),
          "case uniform1 output: 1 tensors, the model p has 3");
}

TEST_CASE("verify refuses vectors of another file", "[cli][verify][error]") {
  const Shell shell;
  write_file(shell.dir / "m.tflite", read_text(kPlus) + "x");
  const Result refused = shell.trine("verify --config edge64 --backend arch m.tflite --vectors '" +
                                     kPlusVectors + "'");
  CHECK(refused.code == 2);
  CHECK(line_count(refused.err) == 1);
  CHECK_THAT(refused.err, Catch::Contains("manifest.json: sha256: is 5d2a7c30"));
}

TEST_CASE("sweep tells figures of its points, the front and what failed", "[cli][sweep]") {
  const Shell shell;
  const std::string sweep = "sweep --config edge32 --set array.rows=2,4,300 --models " + kLenet +
                            " --where 'cycles<1e6' --minimize cycles,array.rows --out points ";
  const Result first =
      shell.trine(sweep + "--by arch --json s.json --csv s.csv --plot s.svg --jobs 2");
  CHECK(first.code == 1);
  CHECK(first.err.empty());
  CHECK_THAT(first.out, Catch::Contains("failed: edge32 array.rows=300: --set array.rows=300: "));
  CHECK_THAT(first.out, Catch::Contains("3 points, 1 failed, 2 within the conditions, 2 on the"));
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
  CHECK_THAT(read_text(shell.dir / "s.svg"), Catch::Contains("</svg>"));
  std::map<fs::path, fs::file_time_type> written;
  for (const auto& entry : fs::directory_iterator(shell.dir / "points"))
    written[entry.path()] = entry.last_write_time();
  CHECK(written.size() == 2);
  CHECK(shell.trine(sweep + "--by estimate --then arch").code == 1);
  for (const auto& [path, time] : written) CHECK(fs::last_write_time(path) == time);
}

TEST_CASE("a sweep that cannot begin is one line", "[cli][sweep][error]") {
  const Shell shell;
  const auto refused = [&](const std::string& arguments, const std::string& why) {
    CAPTURE(arguments);
    const Result result = shell.trine("sweep " + arguments);
    CHECK(result.code == 2);
    CHECK(line_count(result.err) == 1);
    CHECK_THAT(result.err, Catch::Contains(why));
  };
  const std::string models = " --models " + kLenet + " ";
  refused("", "--config or --configs is required");
  refused("--config edge32", "--models is required");
  refused("--config edge32 --by synth" + models, "takes no --models");
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
  refused("--config edge32 --engine slurm" + models, "there is no sbatch");
  ::setenv("PATH", path.c_str(), 1);
}

TEST_CASE("parts of a fuzz run add up to it", "[cli][fuzz]") {
  const Shell shell;
  REQUIRE(shell.trine("fuzz --pairs 9 --configs 4 --json whole.json").code == 0);
  REQUIRE(shell.trine("fuzz --pairs 9 --configs 4 --json parts.json --jobs 2 --out parts").code ==
          0);
  CHECK(read_text(shell.dir / "whole.json") == read_text(shell.dir / "parts.json"));
  CHECK(shell.trine("fuzz --configs 4 --only 4").code == 2);
}

TEST_CASE("a campaign runs each line once", "[cli][campaign]") {
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
