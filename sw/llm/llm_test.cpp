// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "sw/base/error.h"
#include "sw/base/npy.h"
#include "sw/llm/session.h"
#include "sw/llm/testing.h"
#include "sw/llm/tokenizer.h"
#include "sw/model/testing.h"

using namespace trine;
using namespace trine::llm;
using Catch::Matchers::Contains;

namespace {

constexpr Dimensions kSmall{32, 44, 2, 4, 2, 40, 24};

Checkpoint random_checkpoint(const Dimensions& d, unsigned seed, bool shared = true) {
  return parse_checkpoint(testing::checkpoint_bytes(d, seed, shared), "random.bin");
}

SessionOptions on(Backend backend, const gen::Config& design) {
  SessionOptions options;
  options.backend = backend;
  options.config = design;
  return options;
}

}  // namespace

TEST_CASE("a checkpoint's faults are named", "[llm][checkpoint]") {
  std::vector<std::uint8_t> good = testing::checkpoint_bytes(kSmall, 1);
  const auto parse = [](const std::vector<std::uint8_t>& bytes) {
    return parse_checkpoint(bytes, "m.bin");
  };
  const auto with = [&](int field, std::int32_t value) {
    std::vector<std::uint8_t> bytes = good;
    std::memcpy(&bytes[static_cast<std::size_t>(4 * field)], &value, 4);
    return bytes;
  };
  CHECK(parse(good).dims.hidden == kSmall.hidden);
  CHECK_THROWS_WITH(parse({1, 2, 3}), Contains("m.bin: 3 bytes are no llama2.c checkpoint"));
  CHECK_THROWS_WITH(parse(with(0, 0)), Contains("dim is 0, allowed 1.."));
  CHECK_THROWS_WITH(parse(with(3, 3)), Contains("dim 32 does not give 3 heads"));
  CHECK_THROWS_WITH(parse(with(4, 3)), Contains("4 heads cannot share 3 kv_heads"));
  CHECK_THROWS_WITH(parse(with(2, 1 << 20)), Contains("its header asks for more"));
  CHECK_THROWS_WITH(parse(with(2, 1)), Contains("its header describes"));
  std::vector<std::uint8_t> cut = good;
  cut.pop_back();
  CHECK_THROWS_WITH(parse(cut), Contains("its header asks for more"));
  const float infinite = INFINITY;
  std::memcpy(&good[28 + 40], &infinite, 4);
  CHECK_THROWS_WITH(parse(good), Contains("the value at byte 68 is not finite"));
}

TEST_CASE("the float network writes llama2.c's text", "[llm][checkpoint]") {
  if (!model::shared_available()) return;
  const std::filesystem::path shared = model::shared_folder();
  const Checkpoint checkpoint = read_checkpoint(shared / "models" / "stories260K.bin");
  CHECK(checkpoint.parameters() == 260'032);
  const Array tokens = read_npy(shared / "golden" / "stories260K" / "tokens.npy");
  const Array logits = read_npy(shared / "golden" / "stories260K" / "logits.npy");
  FloatModel model(checkpoint);
  const auto vocabulary = static_cast<std::size_t>(logits.shape.at(1));
  for (std::size_t i = 0; i < static_cast<std::size_t>(logits.shape.at(0)); ++i) {
    CAPTURE(i);
    std::int32_t token = 0, next = 0;
    std::memcpy(&token, &tokens.bytes[4 * i], 4);
    const std::vector<float> mine = model.step(token);
    std::vector<float> wanted(vocabulary);
    std::memcpy(wanted.data(), &logits.bytes[4 * i * vocabulary], 4 * vocabulary);
    for (std::size_t k = 0; k < vocabulary; ++k) REQUIRE(mine[k] == Approx(wanted[k]).margin(2e-3));
    if (4 * i + 4 >= tokens.bytes.size()) break;
    std::memcpy(&next, &tokens.bytes[4 * i + 4], 4);
    CHECK(std::max_element(mine.begin(), mine.end()) - mine.begin() == next);
  }
}

TEST_CASE("a text comes back from its tokens", "[llm][tokenizer]") {
  if (!model::shared_available()) return;
  const auto file = model::shared_folder() / "models" / "tok512.bin";
  const Tokenizer tokenizer = Tokenizer::read(file, 512);
  for (const std::string text : {"Once upon a time, there was a girl.",
                                 "caf\xc3\xa9 \xe2\x82\xac 7", "a", " two  spaces\nand a line"}) {
    const std::vector<int> tokens = tokenizer.encode(text);
    std::string back;
    for (std::size_t i = 1; i < tokens.size(); ++i) back += tokenizer.decode(tokens[i], i == 1);
    CHECK(back == text);
  }
  // The golden text begins so; its tokens are those that llama2.c chose.
  const std::vector<int> tokens = tokenizer.encode("Once upon a time");
  CHECK(tokens.size() == 5);
  CHECK(tokenizer.encode("") == std::vector<int>{kBeginToken});
  CHECK_THROWS_WITH(Tokenizer::read(file, 511), Contains("bytes after token 510"));
  CHECK_THROWS_WITH(Tokenizer::read(file, 513), Contains("ends in byte"));
}

TEST_CASE("int8 logits are near the float ones", "[llm][quantize]") {
  const Checkpoint checkpoint = random_checkpoint(kSmall, 2);
  const QuantizedModel model(checkpoint, calibrate(checkpoint), 24);
  FloatModel floats(checkpoint);
  Session session(model, on(Backend::kGolden, {}));
  double error = 0, size = 0;
  for (int i = 0; i < 16; ++i) {
    const std::vector<float> wanted = floats.step(i), codes = session.step(i).logits;
    for (std::size_t k = 0; k < wanted.size(); ++k) {
      error += (wanted[k] - codes[k]) * (wanted[k] - codes[k]);
      size += wanted[k] * wanted[k];
    }
  }
  CHECK(std::sqrt(error / size) < 0.2);
}

TEST_CASE("a trained network loses little in int8", "[llm][quantize]") {
  if (!model::shared_available()) return;
  const std::filesystem::path shared = model::shared_folder();
  const Checkpoint checkpoint = read_checkpoint(shared / "models" / "stories260K.bin");
  const QuantizedModel model(checkpoint, calibrate(checkpoint), 200);
  const Array tokens = read_npy(shared / "golden" / "stories260K" / "tokens.npy");
  const Array logits = read_npy(shared / "golden" / "stories260K" / "logits.npy");
  Session session(model, on(Backend::kGolden, {}));
  const auto surprise = [](const std::vector<float>& l, int token) {
    const float most = *std::max_element(l.begin(), l.end());
    double sum = 0;
    for (const float v : l) sum += std::exp(static_cast<double>(v - most));
    return std::log(sum) - (l[static_cast<std::size_t>(token)] - most);
  };
  const auto token_at = [&](int i) {
    std::int32_t token = 0;
    std::memcpy(&token, &tokens.bytes[static_cast<std::size_t>(4 * i)], 4);
    return token;
  };
  double mine = 0, wanted = 0;
  constexpr int kTokens = 150;
  std::vector<float> row(512);
  for (int i = 0; i < kTokens; ++i) {
    mine += surprise(session.step(token_at(i)).logits, token_at(i + 1));
    std::memcpy(row.data(), &logits.bytes[static_cast<std::size_t>(i) * 4 * row.size()],
                4 * row.size());
    wanted += surprise(row, token_at(i + 1));
  }
  CHECK(std::exp((mine - wanted) / kTokens) < 1.04);  // perplexity, int8 to float32
}
