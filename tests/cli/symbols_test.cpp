// SPDX-License-Identifier: Apache-2.0
//
// Tests one symbol at a time: an encoder's output initializes a decoder, which reads the previous
// symbol.

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "sw/base/catch.h"
#include "sw/base/file.h"
#include "sw/base/npy.h"
#include "sw/model/graph/graph.h"
#include "sw/model/import/import.h"
#include "tests/cli/testing.h"

using nlohmann::json;
using namespace trine;
using namespace trine::cli::testing;

namespace {

const std::string kSequences = TRINE_SOURCE_DIR "/models/sequences/";
const std::string kWide = " --config edge64 --set array.activations16=true --backend arch --quiet ";
constexpr int kSymbols = 11, kEnd = 10;

/// Returns one row for each symbol, with a one at its position.
Array one_hot(const std::vector<int>& symbols) {
  Array array{"f4", {1, static_cast<std::int64_t>(symbols.size()), kSymbols}, {}};
  for (const int symbol : symbols)
    for (int i = 0; i < kSymbols; ++i) {
      const float value = i == symbol ? 1.0f : 0.0f;
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
      array.bytes.insert(array.bytes.end(), bytes, bytes + sizeof value);
    }
  return array;
}

/// Runs the encoder `name` in the shell's folder; writes h.npy, and for an LSTM c.npy and
/// states.npy.
void encode(const Shell& shell, const std::string& name, const std::vector<int>& symbols) {
  write_npy(shell.dir / "symbols.npy", one_hot(symbols));
  const Result result = shell.trine("run" + kWide + "'" + kSequences + name +
                                    "_encoder.onnx' --input symbols.npy" + " --output h.npy" +
                                    (name == "adder" ? " --output c.npy --output states.npy" : ""));
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
}

const std::string kReverse = "'" + kSequences + "reverse_decoder.onnx' ";
const std::string kAdder = "'" + kSequences + "adder_decoder.onnx' ";
const std::string kReverseStates = "--feed 0=0 --carry 1=1 --begin 1=h.npy ";
const std::string kAdderStates =
    "--feed 0=0 --carry 1=1 --carry 2=2 --begin 1=h.npy --begin 2=c.npy --begin 3=states.npy ";

json decode(const Shell& shell, const std::string& arguments) {
  const Result result = shell.trine("run" + kWide + arguments + " --json j");
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  return shell.read_json("j");
}

std::vector<int> symbols_of(const json& report) {
  std::vector<int> symbols;
  for (const json& answer : report.at("answers")) {
    CHECK(answer.at("exact") == true);
    symbols.push_back(answer.at("symbol"));
  }
  return symbols;
}

}  // namespace

TEST_CASE("a decoder writes the digits in reverse order", "[cli][run][stream]") {
  const Shell shell;
  encode(shell, "reverse", {kEnd, kEnd, kEnd, 3, 1, 4, 1, 5});
  const json report =
      decode(shell, kReverse + kReverseStates + "--frames 9 --until 10 --output all.npy");
  CHECK(symbols_of(report) == std::vector<int>{5, 1, 4, 1, 3, kEnd});
  CHECK(read_npy(shell.dir / "all.npy").shape == std::vector<std::int64_t>{6, 1, 1, kSymbols});

  const Result lines = shell.trine("run" + kWide.substr(0, kWide.find("--quiet")) + kReverse +
                                   kReverseStates + "--frames 3");
  CHECK(lines.code == 0);
  CHECK_THAT(lines.out, Catch::Matchers::ContainsSubstring("frame 2: ") &&
                            Catch::Matchers::ContainsSubstring("\nsymbols: 5 1 4\n"));

  // A first symbol from a file is a symbol, unlike the empty one that the decoder was trained with.
  write_npy(shell.dir / "first.npy", one_hot({5}));
  const json later = decode(shell, kReverse + kReverseStates + "--frames 1 --begin 0=first.npy");
  CHECK(later.at("answers").size() == 1);
}

TEST_CASE("a decoder with attention adds two numbers", "[cli][run][stream]") {
  const Shell shell;
  encode(shell, "adder", {kEnd, 9, 7, 8, kEnd, kEnd, 4, 5});
  const json report = decode(shell, kAdder + kAdderStates + "--frames 6 --until 10");
  CHECK(symbols_of(report) == std::vector<int>{3, 2, 0, 1, kEnd});  // 978 + 45, reversed
}

TEST_CASE("int8 inputs are fed with the codes of 1 and 0", "[cli][run][stream]") {
  const Shell shell;
  const std::string file = TRINE_SOURCE_DIR "/tests/networks/autoencoder.tflite";
  const model::Graph graph = model::import_model(file);
  const model::Tensor& input = graph.tensor(graph.inputs.at(0));
  const json report = decode(shell, "'" + file + "' --feed 0=0 --frames 2 --output fed.npy");
  const std::vector<int> symbols = symbols_of(report);
  REQUIRE(symbols.size() == 2);

  Array frames{"i1", {2, 1, 160}, {}};
  frames.bytes.assign(320, static_cast<std::uint8_t>(input.zero_point()));
  frames.bytes.at(160 + static_cast<std::size_t>(symbols[0])) = static_cast<std::uint8_t>(
      std::min(127L, std::lround(1 / input.scale()) + input.zero_point()));
  write_npy(shell.dir / "frames.npy", frames);
  decode(shell, "'" + file + "' --stream frames.npy --output again.npy");
  CHECK(read_npy(shell.dir / "again.npy").bytes == read_npy(shell.dir / "fed.npy").bytes);
}

TEST_CASE("a whole number is fed as it is", "[cli][run][stream]") {
  const Shell shell;
  const std::string net = "'" TRINE_SOURCE_DIR "/tests/cli/next_symbol.onnx' --feed 0=0 ";
  CHECK(symbols_of(decode(shell, net + "--frames 7")) == std::vector<int>{1, 4, 6, 5, 2, 0, 1});
  CHECK(symbols_of(decode(shell, net + "--frames 7 --until 6")) == std::vector<int>{1, 4, 6});
  Array three{"i8", {1}, {3, 0, 0, 0, 0, 0, 0, 0}};
  write_npy(shell.dir / "three.npy", three);
  CHECK(symbols_of(decode(shell, net + "--frames 2 --begin 0=three.npy")) ==
        std::vector<int>{3, 3});
}

TEST_CASE("a wrong sequence of symbols is refused in a line", "[cli][run][stream][error]") {
  const Shell shell;
  encode(shell, "reverse", {1, 2, 3, 4, 5, 6, 7, 8});
  const std::string bert = "'" TRINE_SOURCE_DIR "/tests/torch/classes/bert.onnx' --allow-host ";
  for (const auto& [more, line] : std::vector<std::pair<std::string, std::string>>{
           {"--feed 0=0", "--feed: needs --stream or --frames"},
           {"--begin 0=h.npy", "--begin: needs --stream or --frames"},
           {"--carry 1=1", "--carry: needs --stream or --frames"},
           {"--frames 2 --until 1", "--until: needs --feed"},
           {"--frames 0", "--frames"},
           {"--frames -1", "--frames"},
           {"--feed 0=0 --frames 2 --until -1", "--until"},
           {"--feed 0=0 --frames 2 --until 11", "--until 11: output 0 has symbols below 11"},
           {"--feed 0=0 --frames 2 --stream h.npy", "--frames: not allowed with --stream"},
           {"--feed 0=0 --frames 2 --reset-states", "--reset-states: not allowed with --feed"},
           {"--feed 0=0 --frames 2 --input h.npy", "--input: allowed only for a single run"},
           {"--feed 0=0 --frames 2", "--frames: nothing provides input 1 of " + kSequences},
           {"--feed 2=0 --frames 2",
            "--feed 2=0: '2', allowed INPUT=OUTPUT with numbers from 0, below 2"},
           {"--feed 0=2 --frames 2", "--feed 0=2: '2', allowed INPUT=OUTPUT"},
           {"--feed 0=-1 --frames 2", "--feed 0=-1: '-1', allowed INPUT=OUTPUT"},
           {"--feed 0 --frames 2", "--feed 0: allowed INPUT=OUTPUT"},
           {"--feed 0=1 --frames 2", "allowed as many elements as the output"},
           {"--feed 1=1 --carry 1=1 --frames 2", "--feed: input 1 is already a state"},
           {"--feed 0=0 --begin 1 --frames 2", "--begin 1: allowed INPUT=F.npy"},
           {"--feed 0=0 --begin 7=h.npy --frames 2", "--begin 7=h.npy: '7', allowed INPUT=F.npy"},
           {"--feed 0=0 --begin 1=no.npy --frames 2", "no.npy: "},
           {"--feed 0=0 --begin 1=symbols.npy --frames 2",
            "--begin 1=symbols.npy: is float32 [1, 8, 11], but the input is float32 [1, 1, "},
           {"--feed 0=0 --begin 1=h.npy --begin 1=h.npy --frames 2",
            "--begin 1=h.npy: input 1 already has a first value"}}) {
    const Result result = shell.trine("run" + kWide + kReverse + more);
    CAPTURE(more, result.err);
    CHECK(result.code == 2);
    CHECK_THAT(result.err, Catch::Matchers::ContainsSubstring(line));
    CHECK(std::ranges::count(result.err, '\n') == 1);
  }
  const Result many = shell.trine("run" + kWide + bert + "--feed 0=0 --frames 2");
  CHECK(many.code == 2);
  CHECK_THAT(many.err,
             Catch::Matchers::ContainsSubstring("--feed 0=0: the input is int64 [1, 8]") &&
                 Catch::Matchers::ContainsSubstring("allowed one whole number"));
  const Result without =
      shell.trine("run --config edge64 --backend arch --quiet " + kReverse + "--frames 2");
  CHECK(without.code == 2);
  CHECK_THAT(without.err, Catch::Matchers::ContainsSubstring("array.activations16"));
}

TEST_CASE("an encoder and a decoder write a line", "[cli][run][llm][component]") {
  const Shell shell;
  const std::string form = GENERATE("onnx", "tflite");
  const auto write = [&](const std::string& line, const std::string& how) {
    const Result result = shell.trine("generate-text '" TRINE_SOURCE_DIR "/models/writer/" + form +
                                      "' --prompt '" + line + "' --json j " + how);
    CAPTURE(form, line, result.err);
    REQUIRE(result.code == 0);
    const json report = shell.read_json("j");
    CHECK(result.out == std::string(report.at("text")) + "\n");
    return report;
  };
  const std::vector<std::pair<std::string, std::string>> lines = {
      {"fifth of March 2024", "2024-03-05"}, {"417", "four hundred seventeen"}};
  for (const auto& [line, text] : lines) {
    const json golden = write(line, "--backend golden");
    CHECK(golden.at("text") == text);
    CHECK(golden.at("steps") == text.size() + 1);
    CHECK(golden.at("growing_states") == (form == "onnx" ? 4 : 0));
    const json machine = write(line, "--config edge64 --backend arch");
    CHECK(machine.at("exact") == true);
    CHECK(machine.at("tokens") == golden.at("tokens"));
  }
  CHECK(write("417", "--backend golden --tokens 4").at("text") == "four");
}

TEST_CASE("a cache grows in memory, another is copied from run to run",
          "[cli][run][llm][component]") {
  const Shell shell;
  const std::string write = "generate-text '" TRINE_SOURCE_DIR
                            "/tests/cli/growing' --prompt abca --tokens 7 --quiet --json j ";
  REQUIRE(shell.trine(write + "--backend golden").code == 0);
  const json golden = shell.read_json("j");
  const Result result = shell.trine(write + "--backend arch --config edge32 --context 7");
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  const json machine = shell.read_json("j");
  CHECK(machine.at("exact") == true);
  CHECK(machine.at("tokens") == golden.at("tokens"));
  CHECK(machine.at("growing_states") == 2);
  const Result full = shell.trine("generate-text '" TRINE_SOURCE_DIR
                                  "/tests/cli/growing' --prompt abca --context 3 --backend golden");
  CHECK_THAT(full.err,
             Catch::Matchers::ContainsSubstring("the context of 3 symbols is full (--context)"));
}

TEST_CASE("a decoder ends at its last place and int16 gives the same line",
          "[cli][run][llm][component]") {
  const Shell shell;
  const std::string models = TRINE_SOURCE_DIR "/tests/cli/growing/", own = shell.dir / "own";
  std::filesystem::create_directory(own);
  for (const auto& [from, to] : {std::pair{"encoder.onnx", "encoder.onnx"},
                                 {"symbols.txt", "symbols.txt"},
                                 {"places.onnx", "decoder.onnx"}})
    std::filesystem::copy_file(models + from, own + "/" + to);
  const std::string write = "generate-text '" + own + "' --prompt bc --json j ";
  const Result beyond = shell.trine(write + "--backend golden");
  CHECK(beyond.code == 2);
  CHECK(beyond.out == "bbcbc\n");
  CHECK_THAT(beyond.err, Catch::Matchers::ContainsSubstring(
                             "index 3, allowed -3..2; the text has 3 symbols: with "
                             "--context 3 it ends there\n"));
  CHECK(line_count(beyond.err) == 1);
  REQUIRE(shell.trine(write + "--backend golden --context 3").code == 0);
  const json golden = shell.read_json("j");
  REQUIRE(shell
              .trine(write + "--config edge32 --set array.activations16=true --backend arch "
                             "--context 3")
              .code == 0);
  const json machine = shell.read_json("j");
  CHECK(machine.at("exact") == true);
  CHECK(machine.at("tokens") == golden.at("tokens"));
}

TEST_CASE("encoder and decoder that do not fit are refused in a line",
          "[cli][run][llm][error][component]") {
  const Shell shell;
  const std::string models = TRINE_SOURCE_DIR "/models/writer/";
  const auto refused = [&](const std::string& folder, const std::string& arguments,
                           const std::string& text) {
    const Result result = shell.trine("generate-text '" + folder + "' " + arguments);
    CAPTURE(folder, arguments, result.err);
    CHECK(result.code == 2);
    CHECK_THAT(result.err, Catch::Matchers::ContainsSubstring(text));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  };
  const std::string onnx = models + "onnx", golden = "--backend golden ";
  refused(onnx, golden + "--prompt 'a+b'", "symbols.txt has no symbol for '+b'");
  refused(onnx, golden + "--prompt '" + std::string(33, '1') + "'", "33 symbols, ");
  refused(onnx, golden + "--temperature 1",
          "--temperature: not allowed for an encoder and a decoder");
  refused(onnx, "--prompt 1", "--config is required");
  const std::string own = shell.dir / "own";
  std::filesystem::create_directory(own);
  const auto copy = [&](const std::string& from, const std::string& to) {
    std::filesystem::copy_file(models + from, own + "/" + to,
                               std::filesystem::copy_options::overwrite_existing);
  };
  copy("onnx/encoder.onnx", "encoder.onnx");
  refused(own, golden + "--prompt 1", "own: no symbols.txt, ");
  write_file(own + "/symbols.txt", "<fill>\n\n1\n");
  refused(own, golden + "--prompt 1", "line 2 is empty");
  write_file(own + "/symbols.txt", "<fill>\n<end>\n");
  refused(own, golden + "--prompt 1", "2 symbols, allowed 3 or more");
  copy("onnx/symbols.txt", "symbols.txt");
  refused(own, golden + "--prompt 1", "own: no decoder.onnx, ");
  copy("onnx/encoder.onnx", "decoder.onnx");
  refused(own, golden + "--prompt 1", "decoder.onnx: input 0 'line' is int64 [1, 32]");
  copy("onnx/decoder.onnx", "decoder.onnx");
  write_file(own + "/symbols.txt", "<fill>\n<end>\n1\n");
  refused(own, golden + "--prompt 1",
          "output 0 'logits' is float32 [1, 1, 69], allowed one element for");
  copy("tflite/encoder.tflite", "encoder.tflite");
  refused(own, golden + "--prompt 1", "are alternatives, allowed only one of them");
}
