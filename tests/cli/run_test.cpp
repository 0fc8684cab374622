// SPDX-License-Identifier: Apache-2.0
//
// Tests commands that run a model: run, verify, their figures and warnings.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <tuple>

#include "sw/base/catch.h"
#include "sw/base/file.h"
#include "sw/base/npy.h"
#include "tests/cli/testing.h"
#include "tools/cli/run/front_end.h"
#include "tools/cli/run/network.h"

namespace fs = std::filesystem;
using nlohmann::json;
using namespace trine;
using namespace trine::cli::testing;

namespace {

const std::string kPlusVectors = TRINE_SOURCE_DIR "/models/plus_filter/vectors";

}  // namespace

TEST_CASE("generate-text reads a prompt at once as it does token by token",
          "[cli][run][component]") {
  const Shell shell;
  const std::string models = TRINE_SOURCE_DIR "/models/story";
  const auto report = [&](int chunk) {
    const Result result = shell.trine(fmt::format(
        "generate-text '{0}.bin' --tokenizer '{0}_tokens.bin' --config edge64 --backend "
        "arch --prompt 'Once upon a time there was' --tokens 40 --context 40 --chunk {1} "
        "--json j",
        models, chunk));
    CAPTURE(result.err);
    REQUIRE(result.code == 0);
    CHECK(result.out.starts_with("Once upon a time there was"));
    CHECK(result.err.find("the context of 40 tokens is full (--context), ") != std::string::npos);
    return shell.read_json("j");
  };
  const json single = report(1), together = report(5);
  const int prompt = together.at("prompt_tokens");
  CHECK((single.at("prompt_tokens") == 0 && prompt == 7));
  CHECK((single.at("exact") == true && together.at("exact") == true));
  CHECK(single.at("steps") == static_cast<int>(together.at("steps")) + prompt);
  CHECK(together.at("tokens") == single.at("tokens"));
  const json &one = single.at("sums"), &more = together.at("sums");
  REQUIRE(one.size() == more.size());
  for (std::size_t i = 0; i < one.size(); ++i)
    CHECK((more[i].is_null() ? i + 1 < static_cast<std::size_t>(prompt) : more[i] == one[i]));
}

TEST_CASE("generate-text writes the text of a GGUF file and prints figures on stderr",
          "[cli][run][component]") {
  const Shell shell;
  const std::string files = TRINE_SOURCE_DIR "/tests/formats/";
  const std::string design = "--config edge32 --backend arch --tokens 6 --json j";
  const Result result = shell.trine(
      fmt::format("generate-text '{}llama.gguf' --prompt 'the band' {}", files, design));
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.out.starts_with("the band"));
  CHECK(result.out.find("cycles") == std::string::npos);
  CHECK(result.err.find("llama.gguf: a llama model, F16 in 16 matrices\n") != std::string::npos);
  CHECK(result.err.find("llama.gguf: weights requantized to int8") != std::string::npos);
  CHECK(result.err.find("uJ on sg13g2") != std::string::npos);
  const json report = shell.read_json("j");
  CHECK((report.at("exact") == true && report.at("last_energy_pj") > 0));
  CHECK(report.at("tokens").size() == 11);
  const Result refused =
      shell.trine(fmt::format("generate-text '{}' --prompt x {}", files, design));
  CHECK((refused.code == 2 && refused.err.find("no config.json is there") != std::string::npos));
}

TEST_CASE("a ternary model trained here writes its stories", "[cli][run][component]") {
  const Shell shell;
  const std::string text = fmt::format(
      "generate-text '{0}' --tokenizer '{0}/tokens.bin' --config edge32 --backend arch --prompt "
      "'Once upon a time' --tokens 5",
      TRINE_SOURCE_DIR "/models/bitnet");
  const Result result = shell.trine(text);
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.out.starts_with("Once upon a time there was a big"));
  CHECK(result.err.find("weights ternary, as in the file\n") != std::string::npos);
  CHECK(result.err.find("all sums and caches equal the golden layers'") != std::string::npos);
}

TEST_CASE("a prompt fits into the context or is refused", "[cli][run][component]") {
  const Shell shell;
  const std::string text = fmt::format(
      "generate-text '{0}.bin' --tokenizer '{0}_tokens.bin' --config edge64 --backend arch "
      "--prompt 'Once upon a time there was' --tokens 1 --chunk 100 --context ",
      TRINE_SOURCE_DIR "/models/story");
  const Result full = shell.trine(text + "7");  // a chunk longer than the prompt
  CAPTURE(full.out, full.err);
  CHECK(full.code == 0);
  CHECK_THAT(full.err,
             Catch::Matchers::ContainsSubstring("prompt: 7 tokens at once (edge64, arch): "));
  const Result longer = shell.trine(text + "6");
  CHECK(longer.code == 2);
  CHECK_THAT(longer.err, Catch::Matchers::ContainsSubstring(
                             "--prompt: 6 tokens, the context has room for 5\n"));
}

TEST_CASE("generate-text --random runs a prompt of a shape", "[cli][run][component]") {
  const Shell shell;
  const Result result = shell.trine(
      "generate-text --random 2,64,192,4,2,512 --weights ternary --config edge64 --backend arch "
      "--from 3 --chunk 9 --json j");
  CAPTURE(result.out, result.err);
  REQUIRE(result.code == 0);
  CHECK_THAT(result.out,
             Catch::Matchers::ContainsSubstring("9 tokens at once on edge64 (arch): ") &&
                 Catch::Matchers::ContainsSubstring(" % of the array's peak\n"));
  const json j = shell.read_json("j");
  // Two layers of 9 tokens, each of which sees 3 earlier tokens and those up to itself; the
  // classifier of one token.
  const int macs = 2 * (9 * (2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 192) + 2 * 64 * (27 + 45));
  CHECK((j.at("exact") == true && j.at("tokens") == 9 && j.at("macs") == macs + 64 * 512));
  CHECK(j.at("utilization") > 0.2);
}

TEST_CASE("generate-text --random runs a token of a shape", "[cli][run][component]") {
  const Shell shell;
  // More inner channels than a norm supports, but no norm is there.
  const Result wide = shell.trine(
      "generate-text --random 1,64,8192,4,2,64 --weights ternary --config edge64 --backend arch");
  CHECK(wide.code == 0);
  CHECK_THAT(wide.out, Catch::Matchers::ContainsSubstring("8,192 inside") &&
                           !Catch::Matchers::ContainsSubstring("its norm over"));
  const Result result = shell.trine(
      "generate-text --random 2,64,192,4,2,512 --weights ternary --config edge64 --backend arch "
      "--from 3 --json j");
  CAPTURE(result.out, result.err);
  REQUIRE(result.code == 0);
  for (const char* line :
       {"2 layers of 64 channels, 192 inside, 4 heads of 16, 2 of keys, 512 words\n", "about ",
        "minutes on one core; ", "as a file in ",
        "one token on edge64 (arch): ", "all sums and caches equal the golden layers'\n"})
    CHECK_THAT(result.out, Catch::Matchers::ContainsSubstring(line));
  CHECK_THAT(result.err, Catch::Matchers::ContainsSubstring("layer 2 of 2: ") &&
                             Catch::Matchers::ContainsSubstring(", exact\n"));
  const json j = shell.read_json("j");
  CHECK((j.at("exact") == true && j.at("programs") == 4 && j.at("steps").size() == 4));
  CHECK(j.at("cycles") == j.at("predicted_cycles"));
}

TEST_CASE("generate-text --random reports its figures when it is interrupted",
          "[cli][run][component]") {
  const Shell shell;
  const std::string command = fmt::format(
      "cd '{}'; '{}' generate-text --random 5000,64,192,4,2,512 --config edge64 --backend arch "
      "--json j >out.txt 2>err.txt </dev/null & p=$!; for i in $(seq 400); do "
      "grep -q 'layer 2 ' err.txt && break; sleep 0.05; done; kill -INT $p; wait $p",
      shell.dir.string(), TRINE_PROGRAM);
  const int status = std::system(command.c_str());
  const Result result{WEXITSTATUS(status), read_text(shell.dir / "out.txt"),
                      read_text(shell.dir / "err.txt")};
  CAPTURE(result.out, result.err);
  CHECK(result.code == 130);
  CHECK_THAT(result.out,
             Catch::Matchers::ContainsSubstring(" of 5002 programs on edge64 (arch): "));
  CHECK_THAT(result.out, Catch::Matchers::ContainsSubstring(
                             "all sums and caches so far equal the golden layers'\n"));
  CHECK(shell.read_json("j").at("programs_done") >= 2);
}

TEST_CASE("run reads inputs, writes outputs and checks them", "[cli][run]") {
  const Shell shell;
  // The first case is the one of the textbook.
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
  CHECK_THAT(wrong.err,
             Catch::Matchers::ContainsSubstring("out.npy: is int8 [1, 3, 3, 1], but input 0 of ") &&
                 Catch::Matchers::ContainsSubstring("is int8 [1, 5, 5, 1]"));
}

namespace {

const std::string kLstm = TRINE_SOURCE_DIR "/tests/lstm/network.tflite";
const std::string kInt16 = " --config edge64 --set array.activations16=true --backend arch ";

}  // namespace

TEST_CASE("a stream keeps the states from run to run", "[cli][run][stream]") {
  const Shell shell;
  const std::string frames = TRINE_SOURCE_DIR "/tests/lstm/network/in0.npy";
  const auto run = [&](const std::string& more, const std::string& streams = "") {
    const Result result = shell.trine("run" + kInt16 + "'" + kLstm + "' --json j " + more, streams);
    CAPTURE(more, result.err);
    REQUIRE(result.code == 0);
    return shell.read_json("j");
  };
  const json report = run("--stream '" + frames + "' --output kept.npy");
  CHECK(report.at("vectors_exact") == 3);
  REQUIRE(report.at("answers").size() == 3);
  CHECK(report.at("answers")[2].at("exact") == true);
  CHECK(report.at("answers")[0].at("cycles").get<int>() > 1000);
  CHECK(report.at("host").empty());
  const Array kept = read_npy(shell.dir / "kept.npy");
  CHECK(kept.shape == std::vector<std::int64_t>{3, 1, 4});

  // Each single frame equals the recorded case; the first one is in both.
  run("--stream '" + frames + "' --output alone.npy --reset-states");
  const Array alone = read_npy(shell.dir / "alone.npy");
  CHECK(alone.bytes == read_npy(TRINE_SOURCE_DIR "/tests/lstm/network/out0.npy").bytes);
  CHECK(std::equal(kept.bytes.begin(), kept.bytes.begin() + 4, alone.bytes.begin()));
  CHECK(kept.bytes != alone.bytes);

  const Array all = read_npy(frames);
  write_file(shell.dir / "raw",
             {reinterpret_cast<const char*>(all.bytes.data()), all.bytes.size()});
  run("--stream - --output live.npy", "< raw");
  CHECK(read_npy(shell.dir / "live.npy").bytes == kept.bytes);

  // A program's states are tensors at its edges.
  REQUIRE(shell
              .trine("compile --states" + kInt16.substr(0, kInt16.find("--backend")) + "'" + kLstm +
                     "' --out p.trine")
              .code == 0);
  const Result program =
      shell.trine("run" + kInt16 + "p.trine --stream '" + frames +
                  "' --carry 1=1 --carry 2=2 --carry 3=3 --carry 4=4 --output program.npy");
  CAPTURE(program.err);
  CHECK(program.code == 0);
  CHECK(read_npy(shell.dir / "program.npy").bytes == kept.bytes);
}

TEST_CASE("samples of a microphone become frames of the input's codes", "[cli][run][stream]") {
  const Shell shell;
  constexpr int kFrame = 54, kHop = 20, kFrames = 3;
  std::vector<std::int16_t> samples;
  for (int i = 0; i < kFrame + (kFrames - 1) * kHop + 7; ++i)  // plus a part of a hop
    samples.push_back(static_cast<std::int16_t>(i * 7919 % 65536 - 32768));
  write_file(shell.dir / "pcm",
             {reinterpret_cast<const char*>(samples.data()), samples.size() * 2});
  Array frames{"i1", {kFrames, 1, 6, 9}, {}};
  const double scale = 0.02990799769759178F;  // and zero point 51, of the network's input
  for (int f = 0; f < kFrames; ++f)
    for (int i = 0; i < kFrame; ++i)
      frames.bytes.push_back(static_cast<std::uint8_t>(
          std::lround(samples[static_cast<std::size_t>(f * kHop + i)] / 32768.0 / scale) + 51));
  write_npy(shell.dir / "frames.npy", frames);
  const auto run = [&](const std::string& more, const std::string& streams) {
    const Result result = shell.trine("run" + kInt16 + "'" + kLstm + "' --quiet " + more, streams);
    CAPTURE(more, result.err);
    CHECK(result.code == 0);
  };
  run("--stream frames.npy --output a.npy", "");
  run("--stream - --pcm --hop 20 --output b.npy", "< pcm");
  CHECK(read_npy(shell.dir / "a.npy").bytes == read_npy(shell.dir / "b.npy").bytes);
  run("--stream - --pcm --output c.npy", "< pcm");  // one frame after the other
  CHECK(read_npy(shell.dir / "c.npy").shape == std::vector<std::int64_t>{1, 1, 4});
}

namespace {

const std::string kWakeword = TRINE_SOURCE_DIR "/models/wakeword";

std::vector<std::int16_t> samples_of(const std::string& file) {
  const std::vector<std::uint8_t> bytes = read_file(file);
  std::vector<std::int16_t> samples(bytes.size() / 2);
  std::memcpy(samples.data(), bytes.data(), 2 * samples.size());
  return samples;
}

/// Returns log-mel energies, computed by sums of cosines and sines in double.
std::vector<double> energies(const std::vector<std::int16_t>& samples, int mels, int rate) {
  const auto size = static_cast<int>(samples.size());
  const double pi = std::acos(-1.0);
  int points = 1;
  while (points < size) points *= 2;
  std::vector<double> bins;
  for (int k = 0; k <= points / 2; ++k) {
    double re = 0, im = 0;
    for (int i = 0; i < size; ++i) {
      const double x = samples[static_cast<std::size_t>(i)] / 32768.0 *
                       (0.5 - 0.5 * std::cos(2 * pi * i / size));
      re += x * std::cos(2 * pi * k * i / points);
      im += x * std::sin(2 * pi * k * i / points);
    }
    bins.push_back(re * re + im * im);
  }
  const auto corner = [&](int m) {
    return 700 * (std::pow(10, m * std::log10(1 + rate / 1400.0) / (mels + 1)) - 1);
  };
  std::vector<double> values;
  for (int m = 0; m < mels; ++m) {
    double sum = 0;
    for (int k = 0; k <= points / 2; ++k) {
      const double f = static_cast<double>(k) * rate / points;
      const double low = corner(m), top = corner(m + 1), high = corner(m + 2);
      sum += std::max(0.0, std::min((f - low) / (top - low), (high - f) / (high - top))) *
             bins[static_cast<std::size_t>(k)];
    }
    values.push_back(std::log(sum + 1e-6));
  }
  return values;
}

}  // namespace

TEST_CASE("the front end's energies equal the formula", "[cli][stream]") {
  for (const auto& [mels, rate, frame] :
       {std::tuple{40, 16000, 400}, {13, 8000, 256}, {1, 100, 4}}) {
    std::vector<std::int16_t> samples;
    for (int i = 0; i < frame; ++i)
      samples.push_back(static_cast<std::int16_t>(i * 7919 % 65536 - 32768));
    const cli::FrontEnd front_end({.mels = mels, .offset = 2, .scale = 0.5F}, rate, frame);
    const std::vector<float> values = front_end(samples);
    const std::vector<double> right = energies(samples, mels, rate);
    REQUIRE(values.size() == right.size());
    for (std::size_t m = 0; m < values.size(); ++m) {
      CAPTURE(mels, m);
      CHECK(values[m] == Approx((right[m] + 2) / 2).margin(2e-5));
    }
  }
  const std::vector<std::int16_t> silence(400);
  for (const float value : cli::FrontEnd({.mels = 4}, 16000, 400)(silence))
    CHECK(value == Approx(std::log(1e-6)));
}

TEST_CASE("the front end's energies equal the recorded frames of the wake word", "[cli][stream]") {
  const std::vector<std::int16_t> samples = samples_of(kWakeword + "/word.pcm");
  const Array frames = read_npy(kWakeword + "/vectors/in0.npy");
  const cli::FrontEnd front_end({.mels = 40}, 16000, 400);
  REQUIRE(frames.shape == std::vector<std::int64_t>{98, 1, 1, 40});
  double most = 0;
  for (std::size_t f = 0; f < 98; ++f) {
    const std::vector<float> values = front_end(std::span(samples).subspan(160 * f, 400));
    for (std::size_t m = 0; m < 40; ++m)
      most = std::max(most, std::abs(values[m] - frames.value(40 * f + m)));
  }
  CHECK(most < 1e-4);
}

TEST_CASE("a wake word is recognized from microphone samples", "[cli][run][stream]") {
  const Shell shell;
  const auto answers = [&](const std::string& pcm) {
    const Result result =
        shell.trine("run" + kInt16 + "'" + kWakeword + ".onnx' --stream - --pcm --hop 160 " +
                        "--features mel:40 --carry 1=1 --json j",
                    "< '" + kWakeword + "/" + pcm + "'");
    CAPTURE(result.err);
    REQUIRE(result.code == 0);
    const json report = shell.read_json("j");
    CHECK(report.at("vectors_exact") == 98);
    std::vector<bool> yes;
    for (const json& answer : report.at("answers")) yes.push_back(answer.at("largest") == 1);
    return yes;
  };
  CHECK(std::ranges::count(answers("other.pcm"), true) == 0);
  const std::vector<bool> heard = answers("word.pcm");
  const Array recorded = read_npy(kWakeword + "/vectors/out0.npy");  // ONNX Runtime's
  REQUIRE(heard.size() == 98);
  int differ = 0;
  for (std::size_t f = 0; f < 98; ++f)
    differ += heard[f] != (recorded.value(2 * f + 1) > recorded.value(2 * f));
  CHECK(differ <= 2);
  CHECK(std::ranges::count(heard, true) >= 5);
}

TEST_CASE("features of the last frames fill an input of frames and mels", "[cli][run][stream]") {
  const Shell shell;
  std::vector<std::int16_t> samples;
  for (int i = 0; i < 64 + 9 * 30; ++i)
    samples.push_back(static_cast<std::int16_t>(i * 7919 % 65536 - 32768));
  write_file(shell.dir / "pcm",
             {reinterpret_cast<const char*>(samples.data()), samples.size() * 2});
  const cli::FrontEnd front_end({.mels = 9, .offset = 4, .scale = 0.1F}, 8000, 64);
  const double scale = 0.02990799769759178F;  // and zero point 51, of the network's input
  std::vector<std::uint8_t> codes;
  for (std::size_t f = 0; f < 10; ++f)
    for (const float value : front_end(std::span(samples).subspan(30 * f, 64)))
      codes.push_back(static_cast<std::uint8_t>(
          std::lround(std::clamp(std::round(value / scale) + 51, -128.0, 127.0))));
  Array frames{"i1", {5, 1, 6, 9}, {}};  // frames 0 to 5, 1 to 6, ..
  for (std::size_t f = 0; f < 5; ++f)
    frames.bytes.insert(frames.bytes.end(), codes.begin() + static_cast<std::ptrdiff_t>(9 * f),
                        codes.begin() + static_cast<std::ptrdiff_t>(9 * (f + 6)));
  write_npy(shell.dir / "frames.npy", frames);
  const auto run = [&](const std::string& more, const std::string& streams) {
    const Result result = shell.trine("run" + kInt16 + "'" + kLstm + "' --quiet " + more, streams);
    CAPTURE(more, result.err);
    CHECK(result.code == 0);
  };
  run("--stream frames.npy --output a.npy", "");
  run("--stream - --pcm --features mel:9:4:0.1 --rate 8000 --window 64 --hop 30 --output b.npy",
      "< pcm");
  CHECK(read_npy(shell.dir / "b.npy").shape == std::vector<std::int64_t>{5, 1, 4});
  CHECK(read_npy(shell.dir / "a.npy").bytes == read_npy(shell.dir / "b.npy").bytes);
}

TEST_CASE("a wrong stream is refused in a line", "[cli][run][stream][error]") {
  const Shell shell;
  const std::string frames = TRINE_SOURCE_DIR "/tests/lstm/network/in0.npy";
  const Array all = read_npy(frames);
  write_file(shell.dir / "raw", {reinterpret_cast<const char*>(all.bytes.data()), 60});
  for (const auto& [more, line] : std::map<std::string, std::string>{
           {"--stream '" + frames + "' --carry 1=1", "--carry: input 1 is already a state"},
           {"--stream '" + frames + "' --carry 0=0",
            "--carry 0=0: the input is int8 [1, 6, 9], but the output is int8 [1, 4]"},
           {"--stream '" + frames + "' --carry 9=0", "--carry 9=0: '9', allowed INPUT=OUTPUT"},
           {"--stream '" + frames + "' --carry x", "--carry x: allowed INPUT=OUTPUT"},
           {"--carry 1=1", "--carry: needs --stream"},
           {"--reset-states", "--reset-states: needs --stream"},
           {"--pcm", "--pcm: needs --stream -"},
           {"--stream - --hop 3", "--hop: needs --pcm"},
           {"--stream '" + frames + "' --pcm", "--pcm: needs --stream -"},
           {"--stream - --features mel:9", "--features: needs --pcm"},
           {"--stream - --pcm --rate 8000", "--rate: needs --features"},
           {"--stream - --pcm --window 80", "--window: needs --features"},
           {"--stream - --pcm --features mel:9 --rate 0", "--rate: "},
           {"--stream - --pcm --features mfcc:9", "--features mfcc:9: allowed mel:N or mel:N:OFF"},
           {"--stream - --pcm --features mel:9:1",
            "--features mel:9:1: allowed mel:N or mel:N:OFF"},
           {"--stream - --pcm --features mel:0", "N from 1 to 256"},
           {"--stream - --pcm --features mel:256",
            "filter 0 covers none of the spectrum's 257 bins"},
           {"--stream - --pcm --features mel:9 --hop 401",
            "--hop 401: allowed up to --window, which is 400"},
           {"--stream - --pcm --features mel:40", "is int8 [1, 6, 9], allowed [.., frames, 40]"},
           {"--stream - --pcm --features mel:9", "--stream -: contains no frame"},
           {"--stream '" + frames + "' --memory m", "--memory: allowed only for a single run"},
           {"--stream '" + frames + "' --stream '" + frames + "'", "--stream: 2 files, allowed 1"},
           {"--stream '" TRINE_SOURCE_DIR "/tests/lstm/network/out0.npy'",
            "allowed frames of int8 [1, 6, 9]"},
           {"--stream -", "stdin: frame 1 has 6 bytes, allowed 54"},
           {"--stream - --quiet", "--stream -: contains no frame"}}) {
    const Result result = shell.trine("run" + kInt16 + "'" + kLstm + "' " + more,
                                      more == "--stream -" ? "< raw" : "");
    CAPTURE(more, result.err);
    CHECK(result.code == 2);
    CHECK_THAT(result.err, Catch::Matchers::ContainsSubstring(line));
    CHECK(std::ranges::count(result.err, '\n') == 1);
  }
}

TEST_CASE("samples that end in the middle of one are refused", "[cli][run][stream][error]") {
  const Shell shell;
  write_file(shell.dir / "odd", std::string(111, '\0'));
  for (const std::string more : {"", " --features mel:9 --window 64 --hop 32"}) {
    const Result result =
        shell.trine("run" + kInt16 + "'" + kLstm + "' --stream - --pcm --quiet" + more, "< odd");
    CAPTURE(more, result.err);
    CHECK(result.code == 2);
    CHECK_THAT(result.err,
               Catch::Matchers::ContainsSubstring("stdin: ends in the middle of a sample"));
    CHECK(std::ranges::count(result.err, '\n') == 1);
  }
}

TEST_CASE("recorded streams of LSTM and SVDF are exact only with their states",
          "[cli][verify][stream][component]") {
  const Shell shell;
  for (const std::string net : {"lstm/int8", "operators/host_rest"}) {
    const std::string at = TRINE_SOURCE_DIR "/tests/" + net;
    const auto verify = [&](const std::string& folder) {
      return shell.trine("verify" + kInt16 + "--allow-host '" + at +
                         ".tflite' --quiet --vectors '" + folder + "'");
    };
    const Result exact = verify(at + "/stream");
    CAPTURE(net, exact.err);
    CHECK(exact.code == 0);
    fs::copy(at + "/stream", shell.dir / "apart");
    std::string manifest = read_text(shell.dir / "apart" / "manifest.json");
    const std::size_t key = manifest.find("\"stream\": true");
    REQUIRE(key != std::string::npos);
    write_file(shell.dir / "apart" / "manifest.json",
               manifest.replace(key, 14, "\"stream\": false"));
    CHECK(verify((shell.dir / "apart").string()).code == 1);
    fs::remove_all(shell.dir / "apart");
    const Result compared =
        shell.trine("compare '" + at + ".tflite' --vectors '" + at + "/stream'");
    CHECK(compared.code == 2);
    CHECK_THAT(compared.err,
               Catch::Matchers::ContainsSubstring("allowed only in trine verify and trine soc"));
  }
}

TEST_CASE("a batch computes several images in a run", "[cli][batch]") {
  const Shell shell;
  const std::string design = " --config edge64 ", arch = " --backend arch --json j ";
  const std::string verify =
      "verify" + design + "'" + kLenet + "' --vectors '" + kLenetVectors + "'";
  REQUIRE(shell.trine(verify + arch).code == 0);
  const json one = shell.read_json("j");
  const Result result = shell.trine(verify + arch + "--batch 8");
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  CHECK_THAT(result.out, Catch::Matchers::ContainsSubstring(" for each of 8 images)"));
  const json eight = shell.read_json("j");
  check_execution(eight);
  CHECK(eight.at("vectors") == 13);  // of 100; the last vector repeats four cases of the first
  CHECK(eight.at("vectors_exact") == 13);
  CHECK(eight.at("images") == 8);
  CHECK(eight.at("codes") == 13 * 80);
  CHECK(eight.at("cycles").get<long>() < 8 * one.at("cycles").get<long>());

  // A program for exactly two images.
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
  CHECK_THAT(again.err, Catch::Matchers::ContainsSubstring("--batch: two.trine is a program"));
}

TEST_CASE("drawn inputs are valid inputs of their network", "[cli][run]") {
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
      std::int64_t value = 0;  // little endian, like the host
      std::memcpy(&value, &inputs[i].bytes[at], size);
      values.insert(value);
    }
    if (graph.tensors[i].type == DataType::kInt8)
      CHECK(values.size() > 200);
    else  // truth values; indices into tables of any size; masks
      CHECK(values == std::set<std::int64_t>{0, 1});
  }
}

TEST_CASE("an input without a quantizer is drawn from whole numbers", "[cli][run]") {
  const Shell shell;
  const std::string run =
      fmt::format("run '{}/tests/lowbit/residual_binary.onnx' --config edge64", TRINE_SOURCE_DIR);
  for (const char* with : {"", " --batch 2", " --set cluster.cores=3"}) {
    const Result result = shell.trine(run + with + " --backend arch");
    CAPTURE(with, result.err);
    CHECK(result.code == 0);
  }
}

TEST_CASE("run writes the memory that a testbench needs", "[cli][run]") {
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
  // Three rows of the first output, a word per code: they are in memory after the run.
  const auto offset = facts.at("outputs").at(0).at("offset").get<std::size_t>();
  CHECK(after[offset] == read_npy(shell.dir / "a.npy").bytes[0]);

  std::ofstream(shell.dir / "file") << "in the way";
  const Result refused = shell.trine(run + "file");
  CHECK(refused.code == 2);
  CHECK_THAT(refused.err, Catch::Matchers::ContainsSubstring("file: "));
}

TEST_CASE("a refusal names the setting with which the machine supports the model", "[cli][run]") {
  const Shell shell;
  const auto suggests = [&](const std::string& model, const std::string& given,
                            const std::string& setting) {
    const std::string compile =
        "compile --config edge64 --out p '" TRINE_SOURCE_DIR "/tests/onnx/" + model + "' " + given;
    const Result refused = shell.trine(compile);
    CHECK(refused.code == 2);
    CHECK_THAT(refused.err, Catch::Matchers::ContainsSubstring("--set " + setting +
                                                               " runs that on the machine"));
    CHECK(shell.trine(compile + " --set " + setting).code == 0);
  };
  suggests("int16/mobilenet_v2_int16.onnx", "", "array.activations16=true");
  suggests("approximate/encoder.onnx", "--set memory.param_channels=16",
           "memory.param_channels=32");
}

TEST_CASE("the host is allowed at the ends and suggested where it helps in between", "[cli][run]") {
  const Shell shell;
  const std::string folder = "'" TRINE_SOURCE_DIR "/tests/torch/classes/";
  const std::string run = "run --config edge256 --backend arch ";
  CHECK(shell.trine(run + folder + "ends.onnx'").code == 0);        // LogSoftmax, norms, argmax
  CHECK(shell.trine(run + folder + "categories.onnx'").code == 0);  // embeddings of int64
  const Result between = shell.trine(run + folder + "speech_gru.onnx'");
  CHECK(between.code == 2);
  CHECK_THAT(between.err,
             Catch::Matchers::ContainsSubstring(
                 "GRU: weights are float: trine quantize makes int8 ones, which require "
                 "array.activations16 (the host supports it)") &&
                 Catch::Matchers::ContainsSubstring("--allow-host runs that on the host"));
  CHECK(shell.trine(run + "--allow-host " + folder + "speech_gru.onnx'").code == 0);
  // Without a vector engine the option does not help.
  const std::string plain =
      "--set vector.enable=false --set vector.table=false --set vector.softmax=false ";
  const Result refused = shell.trine(run + plain + folder + "speech_gru.onnx'");
  CHECK(refused.code == 2);
  CHECK_THAT(refused.err, Catch::Matchers::ContainsSubstring("GRU") &&
                              !Catch::Matchers::ContainsSubstring("--allow-host"));
}

TEST_CASE("the LSTM kernel follows the vectors or else --lstm and is reported",
          "[cli][run][lstm]") {
  const Shell shell;
  const std::string lstm = TRINE_SOURCE_DIR "/tests/lstm/",
                    host = " --config edge32 --backend arch --allow-host ";
  const auto run = [&](const std::string& model, const std::string& options) {
    return shell.trine("run '" + lstm + model + ".tflite'" + host + options);
  };
  for (const std::string options : {"", "--lstm micro", "--lstm auto"})
    CHECK_THAT(run("network", options).out,
               Catch::Matchers::ContainsSubstring("%, as tflite-micro)"));
  CHECK_THAT(run("network", "--lstm litert").out,
             Catch::Matchers::ContainsSubstring("%, as LiteRT)"));
  const Result refused = run("network16", "--lstm litert");
  CHECK(refused.code == 2);
  CHECK(refused.err == lstm +
                           "network16.tflite: op 0 UNIDIRECTIONAL_SEQUENCE_LSTM: LiteRT's kernel "
                           "supports only int8, allowed --lstm micro\n");
  const auto verify = [&](const std::string& vectors, const std::string& options) {
    return shell.trine("verify '" + lstm + "int8.tflite' --vectors '" + lstm + vectors + "'" +
                       host + options);
  };
  for (const std::string vectors : {"int8", "int8/litert-1.2.0"}) {
    const Result recorded = verify(vectors, "");
    CHECK(recorded.code == 0);
    CHECK_THAT(recorded.out, Catch::Matchers::ContainsSubstring("3 of 3 vectors bit-exact"));
    CHECK(verify(vectors, vectors == "int8" ? "--lstm litert" : "--lstm micro").code == 1);
  }
  REQUIRE(run("network", "--lstm litert --json j").code == 0);
  for (const json& op : shell.read_json("j").at("host")) CHECK(op.at("kernel") == "LiteRT");
}

TEST_CASE("operators between stages are reported with their share", "[cli][run]") {
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

TEST_CASE("layers far above their bound get a warning with a remedy", "[cli][run]") {
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
  // The text shows layers with more than 5 % of all cycles, each with its remedy; or all, or none.
  const auto shown = [&](const std::string& text, double above) {
    std::size_t count = 0;
    for (const json& warning : ran.at("warnings")) {
      if (warning.at("share").get<double>() <= above) continue;
      ++count;
      std::istringstream words(warning.at("advice").get<std::string>());
      for (std::string word; words >> word;)
        CHECK_THAT(text, Catch::Matchers::ContainsSubstring(word));
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
             !Catch::Matchers::ContainsSubstring("warning: "));
  for (const json& layer : ran.at("layers"))  // only the DMA moves rows that stripes keep
    CHECK((layer.at("bound_cycles").get<long>() > 0 || layer.at("op") == "COPY"));
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
  // A program file contains its bounds; with enough memory, no layer is far above them.
  const Result wide = shell.trine("run --backend arch --config edge64 '" + network + "' --json j");
  REQUIRE(wide.code == 0);
  CHECK_THAT(wide.out, !Catch::Matchers::ContainsSubstring("warning: "));
}

TEST_CASE("the remedy of a warning fits its operator and its design", "[cli][run]") {
  const Shell shell;
  const std::string networks = TRINE_SOURCE_DIR "/tests/";
  std::map<std::string, std::string> remedies;  // by operator, for waits for the vector unit
  const auto warnings_of = [&](const std::string& model, const std::string& design) {
    REQUIRE(
        shell.trine("estimate --json j --config " + design + " '" + networks + model + "'").code ==
        0);
    return shell.read_json("j").at("warnings");
  };
  for (const char* design : {"edge64", "edge1024"})
    for (const char* model :
         {"torch/convnext.onnx", "torch/causal.onnx", "litert/mixer.tflite", "networks/gru.tflite"})
      for (const json& warning : warnings_of(model, design)) {
        const std::string advice = warning.at("advice");
        // Both designs have it.
        CHECK_THAT(advice, !Catch::Matchers::ContainsSubstring("vector.table"));
        if (warning.at("cause") == "vector") remedies[warning.at("op")] = advice;
      }
  CHECK_THAT(remedies.at("LAYER_NORM"), Catch::Matchers::ContainsSubstring("normalization"));
  CHECK_THAT(remedies.at("TRANSPOSE"), Catch::Matchers::ContainsSubstring("layout"));
  CHECK_THAT(remedies.at("SOFTMAX"), Catch::Matchers::ContainsSubstring("softmax"));
  for (const json& warning : warnings_of("torch/m5.onnx", "edge64 --set post.columns_per_cycle=2"))
    CHECK_THAT(warning.at("advice").get<std::string>(),
               !Catch::Matchers::ContainsSubstring("columns_per_cycle"));
  // Weights are loaded again for each vector of pixels, so the cause is not a small DMEM.
  const json cut = warnings_of("networks/resnet8.tflite",
                               "edge256 --set memory.pmem_kib=2 --set post.partial_sums=false");
  REQUIRE_FALSE(cut.empty());
  for (const json& warning : cut)
    CHECK_THAT(
        warning.at("advice").get<std::string>(),
        Catch::Matchers::ContainsSubstring("post.partial_sums=true, memory.pmem_kib above 2") &&
            !Catch::Matchers::ContainsSubstring("dmem_kib"));
  // The first remedy works.
  const json mended = warnings_of("networks/resnet8.tflite", "edge256 --set memory.pmem_kib=2");
  CHECK(mended.size() < cut.size());
  for (const json& warning : mended)
    CHECK_THAT(warning.at("advice").get<std::string>(),
               !Catch::Matchers::ContainsSubstring("partial_sums"));
}

TEST_CASE("a plan for bytes moves fewer bytes, and its results are the same", "[cli][run]") {
  const Shell shell;
  const std::string network = std::string(TRINE_SOURCE_DIR) + "/tests/networks/resnet8.tflite";
  const auto bytes_of = [&](const std::string& options) {
    REQUIRE(shell
                .trine("run --backend arch --config edge64 --set memory.pmem_kib=8 --set "
                       "memory.dmem_kib=16 --json j '" +
                       network + "' " + options)
                .code == 0);  // not exact: exit code 1
    const json report = shell.read_json("j");
    return report.at("dram_bytes_read").get<int>() + report.at("dram_bytes_written").get<int>();
  };
  const int usual = bytes_of("");
  CHECK(bytes_of("--objective cycles") == usual);
  CHECK(bytes_of("--objective bytes") < usual);
  CHECK(bytes_of("--objective bytes --set post.partial_sums=false") < usual);
  const Result table = shell.trine("estimate --config edge64 --table gpt-2 --objective bytes");
  CHECK(table.code == 2);
  CHECK_THAT(table.err,
             Catch::Matchers::ContainsSubstring("--objective: gpt-2 is a table of shapes"));
}

TEST_CASE("a plan for energy consumes less than a plan for cycles", "[cli][estimate]") {
  const Shell shell;
  const std::string network = std::string(TRINE_SOURCE_DIR) + "/tests/networks/resnet8.tflite";
  const auto energy_of = [&](const char* objective) {
    REQUIRE(shell
                .trine("estimate --config edge1024 --set memory.pmem_kib=8 --set "
                       "memory.dmem_kib=16 --json j '" +
                       network + "' --objective " + objective)
                .code == 0);
    const json report = shell.read_json("j");
    return report.at("energy_pj").get<double>() + report.at("energy").at("dram_pj").get<double>();
  };
  CHECK(energy_of("energy") < energy_of("cycles"));
}

TEST_CASE("a mapping is written, edited and taken back", "[cli][run]") {
  const Shell shell;
  const std::string of =
      " --config edge64 --set memory.pmem_kib=8 --set memory.dmem_kib=16 --mapping loops.toml '" +
      std::string(TRINE_SOURCE_DIR) + "/tests/networks/resnet8.tflite'";
  REQUIRE(shell.trine("compile" + of).code == 0);
  const std::string written = read_text(shell.dir / "loops.toml");
  CHECK(shell.trine("compile" + of).code == 0);
  CHECK(read_text(shell.dir / "loops.toml") == written);
  // All rectangles of a chunk, then the next chunk; rectangles of eight rows instead of four.
  const auto edited = [&](const std::string& from, const std::string& to) {
    std::string text = written;
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    write_file(shell.dir / "loops.toml", text.replace(at, from.size(), to));
    return shell.trine("run --backend arch" + of);
  };
  CHECK(edited("\"P by 16\"", "\"P by 8\"").code == 0);
  const auto refused = [&](const std::string& from, const std::string& to,
                           const std::string& rule) {
    const Result result = edited(from, to);
    CHECK(result.code == 2);
    CHECK_THAT(result.err, Catch::Matchers::ContainsSubstring("loops.toml:") &&
                               Catch::Matchers::ContainsSubstring(rule));
  };
  refused("\"P by 16\"", "\"P by 32\"", "its buffers need 4,100 words of DMEM, of which");
  refused("\"M by 8\"", "\"M by 9\"", "M by 9, allowed 16 or multiples of 8 below");
  refused("output = \"DRAM\"", "output = \"DMEM\"", "finds no place there");
  refused("\"Q by 32\"", "\"Q by\"", "\"Q by\", allowed \"M by N\"");
}

TEST_CASE("the host's copies are reported with the tensors that it transposes", "[cli][run]") {
  const Shell shell;
  const std::string network = std::string(TRINE_SOURCE_DIR) + "/tests/torch/fcn.onnx";
  const Result result =
      shell.trine("compile --config edge64 '" + network + "' --out p --json j --details");
  REQUIRE(result.code == 0);
  CHECK_THAT(result.out,
             Catch::Matchers::ContainsSubstring("\nThe host copies input ") &&
                 Catch::Matchers::ContainsSubstring("(1x3x16x16) and transposes it.\n"));
  const json edges = shell.read_json("j").at("edges");
  REQUIRE(edges.at("tensors").size() == 2);
  CHECK(edges["tensors"][0].at("turned").get<bool>());
  CHECK_FALSE(edges["tensors"][0].at("looked_up").get<bool>());
  CHECK(edges["tensors"][1].at("direction") == "out");
  CHECK(edges.at("tensor_bytes").get<int>() == 3 * 256 + 2 * 256);
  CHECK(edges.at("instructions").get<long>() == 256 * (4 * (3 + 2) + 10 * 2));
}

TEST_CASE("parts of one operator share a row unless all are requested", "[cli][run]") {
  const Shell shell;
  const std::string network =
      " --config edge32 '" + std::string(TRINE_SOURCE_DIR) + "/tests/torch/causal.onnx' --json j";
  const Result run = shell.trine("estimate" + network);
  REQUIRE(run.code == 0);
  const json report = shell.read_json("j");
  std::map<std::string, int> parts;  // by operator of the model
  std::map<std::string, std::uint64_t> cycles;
  for (const json& layer : report.at("layers")) {
    const std::string name =
        layer.at("name").get<std::string>() + " " + layer.at("op").get<std::string>();
    ++parts[name];
    cycles[name] += layer.at("cycles").get<std::uint64_t>();
  }
  const auto most = std::ranges::max_element(parts, {}, &std::pair<const std::string, int>::second);
  REQUIRE(most->second > 1);
  const auto rows_of = [](const std::string& text) {
    return std::ranges::count(text.substr(0, text.find("\non the host")), '\n');
  };
  CHECK(rows_of(run.out) == std::ssize(parts));
  const std::size_t row = run.out.find(" x" + std::to_string(most->second) + " ");
  REQUIRE(row != std::string::npos);
  const std::string sum = std::to_string(cycles.at(most->first));
  REQUIRE(sum.size() < 4);  // contains no comma
  CHECK_THAT(run.out.substr(row, run.out.find('\n', row) - row),
             Catch::Matchers::ContainsSubstring(" " + sum + " "));
  const Result all = shell.trine("estimate --details" + network);
  CHECK(rows_of(all.out) > rows_of(run.out));
  const Result compiled = shell.trine("compile --out p" + network);
  CHECK_THAT(compiled.out,
             Catch::Matchers::ContainsSubstring(" x" + std::to_string(most->second) + " "));
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

TEST_CASE("a run reports its energy by layer and component and DRAM separately",
          "[cli][energy][component]") {
  const Shell shell;
  const std::string run = "run --backend arch --config edge64 '" + kLenet + "' ";
  const Result result = shell.trine(run + "--accelergy counts.yaml --ert ert.yaml --json run.json");
  REQUIRE(result.code == 0);
  CHECK_THAT(result.out, Catch::Matchers::ContainsSubstring("TOPS/W") &&
                             Catch::Matchers::ContainsSubstring("DRAM: "));
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
  const json& by_data = report["energy"]["by_data"];
  double chip = 0, dram = 0;
  for (const auto& [use, levels] : by_data.items())
    for (const auto& [level, pj] : levels.items()) (level == "dram" ? dram : chip) += double{pj};
  CHECK(chip == Approx(report["energy_pj"].get<double>()));
  CHECK(dram == Approx(8 * 20 * traffic));
  const json& components = report["energy"]["by_component"];
  CHECK(by_data["weights"]["pmem"] == components["pmem"]);
  CHECK(by_data["weights"]["dram"] == 160.0 * report["traffic"]["weights"].get<double>());
  CHECK(by_data["computation"]["pe"] == components["pe"]);
  CHECK(by_data["inputs"]["dmem"].get<double>() > by_data["outputs"]["dmem"].get<double>());
  CHECK(report["energy"]["tops_per_watt"].get<double>() ==
        Approx(2 * report["macs"].get<double>() / pj));
  for (const char* without : {"without_wires_pj", "without_glitches_pj", "without_clock_pj"})
    CHECK(report["energy"][without].get<double>() < pj);
  CHECK_THAT(read_text(shell.dir / "counts.yaml"),
             Catch::Matchers::ContainsSubstring(
                 "- name: code\n          counts: " + std::to_string(codes) + "\n"));
  // Accelergy multiplies each count by the energy of such an action.
  const auto numbers = [&](const char* file, const std::string& key) {
    std::map<std::string, double> found;
    std::istringstream lines(read_text(shell.dir / file));
    std::string component, action;
    for (std::string line; std::getline(lines, line);) {
      const std::string value = line.substr(line.find(": ") + 1);
      if (line.find("name: trine.") != std::string::npos) component = value;
      if (line.starts_with("        - name: ")) action = value;
      if (line.find(" " + key + ": ") != std::string::npos)
        found[component + action] = std::stod(value);
    }
    return found;
  };
  const auto counts = numbers("counts.yaml", "counts"), energies = numbers("ert.yaml", "energy");
  CHECK(counts.size() == energies.size());
  double by_accelergy = 0;
  for (const auto& [action, count] : counts) by_accelergy += count * energies.at(action);
  CHECK(by_accelergy == Approx(pj));
  // The network's energy depends only on the table and the program, not on the backend, and
  // excludes DRAM.
  REQUIRE(shell.trine(run + "--dram-pj-per-bit 4 --json again.json").code == 0);
  const json again = shell.read_json("again.json");
  CHECK(again["energy_pj"] == report["energy_pj"]);
  CHECK(5 * again["energy"]["dram_pj"].get<double>() ==
        Approx(report["energy"]["dram_pj"].get<double>()));
}

TEST_CASE("cycles are reported as time and rate with all figures at one clock",
          "[cli][run][component]") {
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
    CHECK_THAT(result.out, Catch::Matchers::ContainsSubstring(" inferences/s, ") &&
                               !Catch::Matchers::ContainsSubstring("is predicted for"));
    CHECK_THAT(shell.trine(command + "--details").out,
               Catch::Matchers::ContainsSubstring(
                   "The clock is predicted for sg13g2: 4.22 ns without wires"));
    const double placed = report.at("clock_placed_ns");
    CHECK(placed > 1.2 * ns);
    CHECK(report.at("latency_placed_ms").get<double>() == Approx(ms * placed / ns));
    CHECK(report.at("inferences_per_second_placed").get<double>() ==
          Approx(report.at("inferences_per_second").get<double>() * ns / placed));
    CHECK_THAT(result.out, Catch::Matchers::ContainsSubstring(
                               fmt::format(" at {:.0f} MHz placed, ", 1000 / placed)) &&
                               Catch::Matchers::ContainsSubstring(" without wires: "));
    clocks.insert(ns);
  }
  CHECK(clocks.size() == 1);
}

TEST_CASE("sentences that explain the figures are printed only with --details", "[cli][run]") {
  const Shell shell;
  for (const std::string& command : std::vector<std::string>{"run --backend arch", "estimate"}) {
    const std::string line = command + " --config edge64 '" + kLenet + "' ";
    const Result plain = shell.trine(line), details = shell.trine(line + "--details");
    REQUIRE(details.code == 0);
    CHECK(widest_line(details.out) <= 100);
    CHECK(line_count(plain.out) + 5 < line_count(details.out));
    std::vector<std::string> sentences{
        "Of the chip's energy the loads of wires take ",
        "causes of the cycles in %: work or waiting",
        "For inputs and outputs of 794 bytes the host copies 3,596 bytes"};
    if (command == "estimate") sentences.emplace_back("Area and clock are predicted by a model");
    for (const std::string& sentence : sentences) {
      CHECK_THAT(details.out, Catch::Matchers::ContainsSubstring("\n" + sentence));
      CHECK_THAT(plain.out, !Catch::Matchers::ContainsSubstring(sentence));
    }
  }
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
  CHECK_THAT(bad.err,
             Catch::Matchers::ContainsSubstring("digit0_0: 1 of 10 codes differ, by up to 1; first "
                                                "output 0 'logits' at 0,3: "));
  const json after = shell.read_json("j");
  CHECK(after.at("vectors_exact").get<int>() == report.at("vectors").get<int>() - 1);
  CHECK(after.at("codes") == 1000);
  CHECK(after.at("codes_differ") == 1);
  CHECK(after.at("codes_largest_difference") == 1);
  CHECK(after.at("top1") == json{{"labels", 100}, {"right", 100}, {"recorded_right", 100}});
  const Result near = shell.trine(verify + "--vectors v --tolerance 1");
  CHECK(near.code == 0);
  CHECK_THAT(near.out, Catch::Matchers::ContainsSubstring(
                           "1 of 1,000 codes differ, by up to 1: within --tolerance 1"));
}

TEST_CASE("verify names the first recorded layer that differs", "[cli][verify]") {
  const Shell shell;
  const std::string net = TRINE_SOURCE_DIR "/tests/networks/residual";
  fs::copy(net, shell.dir / "v", fs::copy_options::recursive);
  const auto change = [&](const char* file, std::size_t byte, std::uint8_t bits = 1) {
    Array array = read_npy(shell.dir / "v" / file);
    array.bytes.at(byte) ^= bits;
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
  CHECK_THAT(bad.err, Catch::Matchers::ContainsSubstring(
                          "first layer that differs, in case uniform1: op 3 ADD '"));
  CHECK_THAT(bad.err, !Catch::Matchers::ContainsSubstring("near ties"));

  json manifest = json::parse(read_text(shell.dir / "v" / "manifest.json"));
  manifest.at("layers").at("tensors").at(3)["ties"] = {2, 9};
  write_file(shell.dir / "v" / "manifest.json", manifest.dump());
  const Result tie = shell.trine(verify);
  CHECK(tie.code == 1);
  CHECK(shell.read_json("j").at("first_layer_that_differs").at("codes_at_ties") == 1);
  CHECK_THAT(tie.err, Catch::Matchers::ContainsSubstring("1 of 768 codes, all near ties"));

  change("layers.npy", tensors.at(3).at("offset").get<std::size_t>() + 10);
  CHECK_THAT(shell.trine(verify).err,
             Catch::Matchers::ContainsSubstring("2 of 768 codes, 1 of them near ties"));

  change("layers.npy", tensors.at(3).at("offset").get<std::size_t>() + 9, 3);  // by two codes
  CHECK_THAT(shell.trine(verify).err, !Catch::Matchers::ContainsSubstring("near ties"));
}

TEST_CASE("verify accepts differences only if exact arithmetic does not give the runtime's code",
          "[cli][verify]") {
  // Exact ties of a Resize and an AveragePool, which float32 rounds to either side.
  const Shell shell;
  const std::string net = TRINE_SOURCE_DIR "/tests/onnx/approximate/ties";
  fs::copy(net, shell.dir / "v", fs::copy_options::recursive);
  const std::string verify =
      "verify --config edge64 --backend arch --json j --vectors v --quiet '" + net + ".onnx'";
  const Result told = shell.trine(verify);
  CHECK(told.code == 1);
  CHECK_THAT(told.err, Catch::Matchers::ContainsSubstring("op 2 Resize 'larger', 22 of 1,024") &&
                           Catch::Matchers::ContainsSubstring(
                               "2 layers differ, each with its recorded inputs (2 cases): 93 of "
                               "5,888 codes; exact arithmetic gives an exact tie for 93"));
  const auto separate = [&](const char* key) {
    return shell.read_json("j").at("separate_layers").at(key).get<int>();
  };
  CHECK(separate("codes_differ") == 93);
  CHECK(separate("exact_is_tie") == 93);
  const std::string accept = verify + " --accept-rounding";
  const Result accepted = shell.trine(accept);
  CHECK((accepted.code == 0 && accepted.err.empty()));
  // The host adds float32 in ONNX Runtime's order.
  CHECK(shell.trine(verify + " --host Resize,AveragePool").code == 0);
  CHECK(shell.trine(verify + " --host Resize").code == 1);
  CHECK(shell.read_json("j").at("host").dump().find("Resize") != std::string::npos);
  const Result unknown = shell.trine(verify + " --host Rezise");
  CHECK((unknown.code == 2 && line_count(unknown.err) == 1));
  CHECK_THAT(unknown.err, Catch::Matchers::ContainsSubstring(
                              "has no such operator, allowed AveragePool Conv DequantizeLinear"));

  const json manifest = json::parse(read_text(shell.dir / "v" / "manifest.json"));
  const json& resize = manifest.at("layers").at(0).at("tensors").at(0);
  const Array layers = read_npy(shell.dir / "v" / "layers.npy");
  const auto written = [&](const json& ties, const json& exact) {
    json changed = manifest;
    json& of = changed.at("layers").at(0).at("tensors").at(0);
    of["ties"] = ties, of["exact"] = exact;
    write_file(shell.dir / "v" / "manifest.json", changed.dump());
  };
  // Moves the exact values a tenth of a code towards the runtime's codes, or away from them.
  const auto moved = [&](double sign) {
    json exact = json::array();
    for (std::size_t i = 0; i < resize.at("ties").size(); ++i) {
      const auto code = static_cast<std::int8_t>(layers.bytes.at(
          resize.at("offset").get<std::size_t>() + resize.at("ties").at(i).get<std::size_t>()));
      const double value = resize.at("exact").at(i);
      exact.push_back(value + (code > value ? 0.1 : -0.1) * sign);
    }
    return exact;
  };
  written(resize.at("ties"), moved(-1));
  CHECK(shell.trine(accept).code == 0);
  CHECK((separate("exact_is_trine") == 22 && separate("exact_is_tie") == 71));
  written(resize.at("ties"), moved(1));
  CHECK(shell.trine(accept).code == 1);
  CHECK((separate("exact_is_runtime") == 22 && separate("exact_is_tie") == 71));
  written(json::array(), json::array());  // all codes of the runtime are exact
  CHECK(shell.trine(accept).code == 1);
  CHECK(separate("exact_is_runtime") == 22);

  json without = manifest;
  without.at("layers").at(0).at("tensors").at(0).erase("exact");
  write_file(shell.dir / "v" / "manifest.json", without.dump());
  CHECK(shell.trine(accept).code == 1);
  CHECK(separate("exact_is_unknown") == 22);
  written(resize.at("ties"), {1.5});
  CHECK_THAT(shell.trine(accept).err, Catch::Matchers::ContainsSubstring("exact has 1 values"));

  // An output that differs although all layers agree, and a case without layers.
  write_file(shell.dir / "v" / "manifest.json", manifest.dump());
  Array output = read_npy(shell.dir / "v" / "out0.npy");
  output.bytes.at(5) ^= 1;
  write_npy(shell.dir / "v" / "out0.npy", output);
  CHECK(shell.trine(accept).code == 1);
  output.bytes.at(5) ^= 1;
  write_npy(shell.dir / "v" / "out0.npy", output);
  CHECK(shell.trine(accept).code == 0);
  json fewer = manifest;
  fewer.at("layers").erase(1);
  write_file(shell.dir / "v" / "manifest.json", fewer.dump());
  CHECK(shell.trine(accept).code == 1);
}

TEST_CASE("operators of ONNX on the host count their MACs", "[cli][host]") {
  const Shell shell;
  const Result r = shell.trine("estimate --config edge256 --allow-host --json j '" TRINE_SOURCE_DIR
                               "/tests/onnx/nodes/gru_bidirectional.onnx'");
  REQUIRE(r.code == 0);
  for (const json& op : shell.read_json("j").at("host"))
    CHECK(op.at("macs") == (op.at("op") == "GRU" ? 5400 : 0));
}

TEST_CASE("verify checks the vectors of a program like the vectors of a model",
          "[cli][verify][error]") {
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
  CHECK_THAT(exact.out, Catch::Matchers::ContainsSubstring("2 of 2"));
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
    CHECK_THAT(result.err, Catch::Matchers::ContainsSubstring(text));
  };
  const json outputs = json::parse(read_text(manifest)).at("outputs");
  refused("sha256", std::string(64, '0'), "v/manifest.json: sha256: is 0000");
  refused("outputs", json::array({outputs[0]}),
          "case uniform1 output: 1 tensors, but the model p has 3");
}

TEST_CASE("verify refuses vectors of another file", "[cli][verify][error]") {
  const Shell shell;
  write_file(shell.dir / "m.tflite", read_text(kPlus) + "x");
  const Result refused = shell.trine("verify --config edge64 --backend arch m.tflite --vectors '" +
                                     kPlusVectors + "'");
  CHECK(refused.code == 2);
  CHECK(line_count(refused.err) == 1);
  CHECK_THAT(refused.err, Catch::Matchers::ContainsSubstring("manifest.json: sha256: is 5d2a7c30"));
}
