// SPDX-License-Identifier: Apache-2.0
//
// Tests the command line on the RTL: its results equal the recorded vectors and are repeatable.

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "sw/base/catch.h"
#include "sw/base/file.h"

namespace fs = std::filesystem;
using nlohmann::json;
using namespace trine;

namespace {

const std::string kModels = TRINE_SOURCE_DIR "/models/";

struct Folder {
  fs::path path = fs::temp_directory_path() / ("trine_cli_rtl_test." + std::to_string(::getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
};

/// Returns the exit code; output goes to files of `dir`. Models for tests are compiled with little
/// optimization.
int trine_in(const fs::path& dir, const std::string& arguments) {
  const std::string command = "cd '" + dir.string() + "' && TRINE_RTL_OPT=1 '" TRINE_PROGRAM "' " +
                              arguments + " >out.txt 2>err.txt </dev/null";
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("the demo is one screen: a digit, its class, time, area", "[cli][demo][rtl]") {
  const Folder folder;
  REQUIRE(trine_in(folder.path, "demo --json demo.json") == 0);
  const std::string text = read_text(folder.path / "out.txt");
  CAPTURE(text);
  CHECK(std::count(text.begin(), text.end(), '\n') <= 24);
  for (const char* holds : {"%%%", "architecture simulator: class 0", "100 of 100 bit-exact",
                            " cycles = ", " MHz: ", " inferences/s, ", "\n   trine_pe ",
                            "\n   total ", "trine synth --config edge64"})
    CHECK_THAT(text, Catch::Matchers::ContainsSubstring(holds));
  const json report = json::parse(read_text(folder.path / "demo.json"));
  CHECK(report.at("run").at("vectors_exact") == 100);
  CHECK(report.at("synth").at("gate_equivalents").get<double>() > 1e5);
  CHECK(report.at("synth").at("clock_ns").is_null());  // only the area is requested
  REQUIRE(trine_in(folder.path, "demo --json -") == 0);
  CHECK(json::accept(read_text(folder.path / "out.txt")));
}

TEST_CASE("verify on the RTL is bit-exact, repeats, and reads what the simulator predicts",
          "[cli][verify][rtl]") {
  const Folder folder;
  const std::string verify = "verify --config edge64 '" + kModels +
                             "lenet_mnist.tflite' --vectors '" + kModels +
                             "lenet_mnist/vectors' --quiet ";
  const int code = trine_in(folder.path, verify + "--json rtl.json");
  CAPTURE(read_text(folder.path / "err.txt"));
  REQUIRE(code == 0);
  REQUIRE(trine_in(folder.path, verify + "--json again.json") == 0);
  REQUIRE(trine_in(folder.path, verify + "--json arch.json --backend arch") == 0);
  json rtl = json::parse(read_text(folder.path / "rtl.json"));
  json again = json::parse(read_text(folder.path / "again.json"));
  const json arch = json::parse(read_text(folder.path / "arch.json"));
  CHECK(rtl.at("vectors_exact") == rtl.at("vectors"));
  CHECK(rtl.at("backend") == "rtl");
  CHECK(rtl.at("dram_bytes_written") == arch.at("dram_bytes_written"));
  CHECK(rtl.at("macs") == arch.at("macs"));
  long causes = 0, layers = 0;
  for (const auto& [name, cycles] : rtl.at("causes").items()) causes += cycles.get<long>();
  for (const json& layer : rtl.at("layers")) layers += layer.at("cycles").get<long>();
  CHECK(causes == rtl.at("cycles").get<long>());
  CHECK(layers == rtl.at("cycles").get<long>());
  rtl.erase("sim_seconds");
  again.erase("sim_seconds");
  CHECK(rtl == again);
}

TEST_CASE("run on the RTL writes waveforms and compares in lockstep", "[cli][run][rtl]") {
  const Folder folder;
  const std::string run = "run --config edge64 '" + kModels + "plus_filter.tflite' --quiet ";
  const int code = trine_in(folder.path, run + "--trace waves.fst --lockstep");
  CAPTURE(read_text(folder.path / "err.txt"));
  CHECK(code == 0);
  REQUIRE(fs::exists(folder.path / "waves.fst"));
  CHECK(fs::file_size(folder.path / "waves.fst") > 1000);
}

TEST_CASE("an encoder and a decoder write on the RTL what the simulator writes",
          "[cli][rtl][llm]") {
  const Folder folder;
  const std::string form = GENERATE("onnx", "tflite");
  const auto tokens = [&](const std::string& backend) {
    const int code =
        trine_in(folder.path, "generate-text '" + kModels + "writer/" + form +
                                  "' --prompt 7 --config edge64 --json j --backend " + backend);
    CAPTURE(form, read_text(folder.path / "err.txt"));
    REQUIRE(code == 0);
    CHECK(read_text(folder.path / "out.txt") == "seven\n");
    const json report = json::parse(read_text(folder.path / "j"));
    CHECK(report.at("exact") == true);
    return report.at("tokens");
  };
  CHECK(tokens("rtl") == tokens("arch"));
}
