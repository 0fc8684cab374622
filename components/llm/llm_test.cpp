// SPDX-License-Identifier: Apache-2.0

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <span>
#include <utility>

#include "components/llm/deck.h"
#include "components/llm/random_model.h"
#include "components/llm/session.h"
#include "components/llm/testing.h"
#include "components/llm/tokenizer.h"
#include "components/llm/whole_token.h"
#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/npy.h"
#include "sw/compiler/compiler.h"
#include "sw/compiler/program_template.h"
#include "sw/model/import/testing.h"
#include "sw/program/host.h"
#include "sw/program/image.h"
#include "sw/program/relocate.h"

using namespace trine;
using namespace trine::llm;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr Dimensions kSmall{32, 44, 2, 4, 2, 40, 24};

Checkpoint random_checkpoint(const Dimensions& d, unsigned seed, bool shared = true) {
  return parse_checkpoint(testing::checkpoint_bytes(d, seed, shared), "random.bin");
}

SessionOptions on(Backend backend, const spec::Config& design) {
  SessionOptions options;
  options.backend = backend;
  options.config = design;
  return options;
}

spec::Config config(int rows, int cols, std::vector<std::string> more = {}) {
  more.push_back("array.rows=" + std::to_string(rows));
  more.push_back("array.cols=" + std::to_string(cols));
  return spec::load_config("edge256", more);
}

/// Runs the first tokens of a text on the machine, and compares all sums and caches.
void require_exact(const QuantizedModel& model, SessionOptions options, int tokens) {
  Session session(model, std::move(options));
  for (int i = 0; i < tokens; ++i) {
    CAPTURE(i);
    const Step step = session.step(i * 7 % kSmall.vocabulary);
    REQUIRE(step.difference == "");
    REQUIRE(step.run.cycles > 0);
    REQUIRE(static_cast<std::int64_t>(step.run.dram_bytes_read) >= step.bytes_needed);
  }
}

/// Requires that several tokens together give the same as one by one, also after others.
void require_together(const QuantizedModel& model, SessionOptions options) {
  Session alone(model, on(Backend::kGolden, {})), together(model, std::move(options));
  int token = 0;
  for (const int count : {5, 1, 7, 2}) {
    CAPTURE(token, count);
    std::vector<int> tokens;
    Step last;
    for (int i = 0; i < count; ++i) {
      tokens.push_back(token++ * 7 % kSmall.vocabulary);
      last = alone.step(tokens.back());
    }
    REQUIRE(together.fits(count));
    const Step step = together.step(tokens);
    REQUIRE(step.difference == "");
    REQUIRE(step.run.cycles > 0);
    REQUIRE(step.sums.bytes == last.sums.bytes);
  }
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
  CHECK_THROWS_WITH(parse({1, 2, 3}),
                    ContainsSubstring("m.bin: 3 bytes are not a llama2.c checkpoint"));
  CHECK_THROWS_WITH(parse({'G', 'G', 'U', 'F', 3, 0, 0, 0}),
                    ContainsSubstring("m.bin: GGUF, allowed a checkpoint of llama2.c"));
  CHECK_THROWS_WITH(parse(with(0, 0)), ContainsSubstring("dim is 0, allowed 1.."));
  CHECK_THROWS_WITH(parse(with(3, 3)), ContainsSubstring("dim 32 does not give 3 heads"));
  CHECK_THROWS_WITH(parse(with(0, 12)), ContainsSubstring("dim 12 does not give 4 heads an even"));
  CHECK_THROWS_WITH(parse(with(4, 3)), ContainsSubstring("4 heads cannot share 3 kv_heads"));
  CHECK_THROWS_WITH(parse(with(2, 1 << 20)), ContainsSubstring("but its header describes more"));
  CHECK_THROWS_WITH(parse(with(2, 1)), ContainsSubstring("its header describes"));
  std::vector<std::uint8_t> cut = good;
  cut.pop_back();
  CHECK_THROWS_WITH(parse(cut), ContainsSubstring("but its header describes more"));
  const float infinite = INFINITY;
  std::memcpy(&good[28 + 40], &infinite, 4);
  CHECK_THROWS_WITH(parse(good), ContainsSubstring("the value at byte 68 is not finite"));
}

namespace {

/// A trained checkpoint, its tokenizer, and NumPy's results.
struct Story {
  std::filesystem::path checkpoint, tokenizer, golden;
  std::int64_t parameters;
  int vocabulary;
};

const Story kOwn{TRINE_SOURCE_DIR "/models/story.bin", TRINE_SOURCE_DIR "/models/story_tokens.bin",
                 TRINE_SOURCE_DIR "/models/story", 32'544, 388};

/// Returns components/zoo/train_story.py's checkpoint, and llama2.c's if the shared models are
/// available.
std::vector<Story> stories() {
  std::vector<Story> result{kOwn};
  const std::filesystem::path shared = model::shared_folder();
  if (model::has_shared())
    result.push_back({shared / "models" / "stories260K.bin", shared / "models" / "tok512.bin",
                      shared / "golden" / "stories260K", 260'032, 512});
  return result;
}

/// Recorded tokens, and the logits after each.
struct Text {
  explicit Text(const Story& story) {
    const Array ids = read_npy(story.golden / "tokens.npy");
    const Array values = read_npy(story.golden / "logits.npy");
    tokens.resize(static_cast<std::size_t>(ids.elements()));
    std::memcpy(tokens.data(), ids.bytes.data(), ids.bytes.size());
    const auto width = static_cast<std::size_t>(values.shape.at(1));
    logits.resize(static_cast<std::size_t>(values.shape.at(0)), std::vector<float>(width));
    for (std::size_t i = 0; i < logits.size(); ++i)
      std::memcpy(logits[i].data(), &values.bytes[i * 4 * width], 4 * width);
  }

  std::vector<std::int32_t> tokens;
  std::vector<std::vector<float>> logits;
};

}  // namespace

TEST_CASE("the float network writes the recorded text", "[llm][checkpoint]") {
  for (const Story& story : stories()) {
    CAPTURE(story.checkpoint.string());
    const Checkpoint checkpoint = read_checkpoint(story.checkpoint);
    CHECK(checkpoint.parameters() == story.parameters);
    const Text text(story);
    FloatModel model(checkpoint);
    REQUIRE(text.logits.size() >= 90);
    for (std::size_t i = 0; i < text.logits.size(); ++i) {
      CAPTURE(i);
      const std::vector<float> mine = model.step(text.tokens[i]);
      for (std::size_t k = 0; k < mine.size(); ++k)
        REQUIRE(mine[k] == Approx(text.logits[i].at(k)).margin(2e-3));
      if (i + 1 == text.tokens.size()) break;
      CHECK(std::max_element(mine.begin(), mine.end()) - mine.begin() == text.tokens[i + 1]);
    }
  }
}

TEST_CASE("a text comes back from its tokens", "[llm][tokenizer]") {
  for (const Story& story : stories()) {
    CAPTURE(story.tokenizer.string());
    const Tokenizer tokenizer = Tokenizer::read(story.tokenizer, story.vocabulary);
    for (const std::string text : {"Once upon a time, there was a girl.",
                                   "caf\xc3\xa9 \xe2\x82\xac 7", "a", " two  spaces\nand a line"}) {
      const std::vector<int> tokens = tokenizer.encode(text);
      std::string back;
      for (std::size_t i = 1; i < tokens.size(); ++i) back += tokenizer.decode(tokens[i], i == 1);
      CHECK(back == text);
    }
    // The recorded text begins like this; its tokens are those that were chosen then.
    CHECK(tokenizer.encode("Once upon a time").size() == 5);
    CHECK(tokenizer.encode("") == std::vector<int>{kBeginToken});
    CHECK_THROWS_WITH(
        Tokenizer::read(story.tokenizer, story.vocabulary - 1),
        ContainsSubstring("bytes after token " + std::to_string(story.vocabulary - 2)));
    CHECK_THROWS_WITH(Tokenizer::read(story.tokenizer, story.vocabulary + 1),
                      ContainsSubstring("ends at byte"));
  }
}

TEST_CASE("tokens equal the recorded tokens of the tokenizer's maker", "[llm][tokenizer]") {
  const Tokenizer tokenizer = Tokenizer::read(kOwn.tokenizer, kOwn.vocabulary);
  const auto texts = nlohmann::json::parse(read_text(kOwn.golden / "texts.json"));
  REQUIRE(texts.size() == 6);
  for (const auto& text : texts) {
    CAPTURE(text.dump());
    CHECK(tokenizer.encode(text.at("text")) == text.at("tokens").get<std::vector<int>>());
  }
}

/// Returns a tokenizer of bytes, the letters a to d and 200 joined pieces of them.
std::filesystem::path small_tokenizer(std::vector<std::string>* pieces,
                                      std::vector<float>* scores) {
  std::mt19937 random(5);
  for (int i = 0; i < 263; ++i)
    pieces->push_back(i < 259 ? "<" + std::to_string(i) + ">" : std::string(1, "abcd"[i - 259]));
  for (int i = 0; i < 200; ++i)
    pieces->push_back((*pieces)[259 + random() % (pieces->size() - 259)] +
                      (*pieces)[259 + random() % (pieces->size() - 259)]);
  std::vector<std::uint8_t> bytes(4);
  for (const std::string& piece : *pieces) {
    scores->push_back(static_cast<float>(random() % 20));  // many are equal
    const auto length = static_cast<std::int32_t>(piece.size());
    testing::put(bytes, &scores->back(), 4);
    testing::put(bytes, &length, 4);
    testing::put(bytes, piece.data(), piece.size());
  }
  const auto file = std::filesystem::temp_directory_path() /
                    ("trine_llm_test." + std::to_string(::getpid()) + ".bin");
  write_file(file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  return file;
}

/// Joins by definition: repeatedly the best of all pairs.
std::vector<int> joined_one_by_one(std::vector<int> tokens, const std::vector<std::string>& pieces,
                                   const std::vector<float>& scores) {
  for (;;) {
    std::size_t place = 0;
    int best = -1;
    for (std::size_t i = 1; i + 1 < tokens.size(); ++i) {
      const auto found = std::find(pieces.begin(), pieces.end(),
                                   pieces[static_cast<std::size_t>(tokens[i])] +
                                       pieces[static_cast<std::size_t>(tokens[i + 1])]);
      const auto id = static_cast<int>(found - pieces.begin());
      if (found == pieces.end() || (best >= 0 && scores[static_cast<std::size_t>(id)] <=
                                                     scores[static_cast<std::size_t>(best)]))
        continue;
      best = id;
      place = i;
    }
    if (best < 0) return tokens;
    tokens[place] = best;
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
}

TEST_CASE("pairs of tokens are joined by score with work in proportion to the text",
          "[llm][tokenizer]") {
  std::vector<std::string> pieces;
  std::vector<float> scores;
  const auto file = small_tokenizer(&pieces, &scores);
  const Tokenizer tokenizer = Tokenizer::read(file, static_cast<int>(pieces.size()));
  std::filesystem::remove(file);
  std::mt19937 random(6);
  std::string text;
  for (int round = 0; round < 40; ++round) {
    text.clear();
    std::vector<int> letters{kBeginToken};
    for (int i = 0; i < 60; ++i) {
      letters.push_back(259 + static_cast<int>(random() % 4));
      text += pieces[static_cast<std::size_t>(letters.back())];
    }
    REQUIRE(tokenizer.encode(text) == joined_one_by_one(letters, pieces, scores));
  }
  while (text.size() < 100'000) text += text;
  std::int64_t pairs = 0;
  tokenizer.encode(text, &pairs);
  CHECK(pairs < 4 * static_cast<std::int64_t>(text.size()));
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
  for (const Story& story : stories()) {
    CAPTURE(story.checkpoint.string());
    const Checkpoint checkpoint = read_checkpoint(story.checkpoint);
    const Text text(story);
    const std::size_t count = std::min<std::size_t>(150, text.logits.size() - 1);
    const QuantizedModel model(checkpoint, calibrate(checkpoint), static_cast<int>(count) + 1);
    Session session(model, on(Backend::kGolden, {}));
    const auto surprise = [](const std::vector<float>& l, std::int32_t token) {
      const float most = *std::max_element(l.begin(), l.end());
      double sum = 0;
      for (const float v : l) sum += std::exp(static_cast<double>(v - most));
      return std::log(sum) - (l[static_cast<std::size_t>(token)] - most);
    };
    double mine = 0, wanted = 0;
    for (std::size_t i = 0; i < count; ++i) {
      mine += surprise(session.step(text.tokens[i]).logits, text.tokens[i + 1]);
      wanted += surprise(text.logits[i], text.tokens[i + 1]);
    }
    // Perplexity of int8 relative to float32.
    CHECK(std::exp((mine - wanted) / static_cast<double>(count)) < 1.04);
  }
}

TEST_CASE("caches stay where they are from token to token", "[llm][session]") {
  const Checkpoint checkpoint = random_checkpoint(kSmall, 3);
  const QuantizedModel model(checkpoint, calibrate(checkpoint), 20);
  const spec::Config design = GENERATE(config(8, 8), config(4, 2));
  std::set<std::int64_t> places;
  for (const int position : {0, 1, 7, 19}) {
    const auto program = compiler::compile(model.step_graph(position), design, {});
    for (std::size_t i = 1; i < program.outputs.size(); ++i) {
      CHECK(program.outputs[i].plane >= 20);
      CHECK(program.outputs[i].offset < program.outputs[0].offset);  // before all other tensors
      places.insert(program.outputs[i].offset);
      if (position > 0) CHECK(program.inputs[i].offset == program.outputs[i].offset);
    }
  }
  CHECK(places.size() == 2 * static_cast<std::size_t>(kSmall.layers));
}

int runs_of(const compiler::Program& program, isa::dma::Target target) {
  return static_cast<int>(std::ranges::count_if(program.words, [&](isa::Word word) {
    return isa::opcode_of(word) == isa::Opcode::kRun &&
           isa::engine_of(word) == isa::Engine::kLoad &&
           isa::decode_run(word).op == static_cast<int>(target);
  }));
}

TEST_CASE("a token loads what its layers share once", "[llm][session]") {
  const Checkpoint checkpoint = random_checkpoint(kSmall, 3);
  const QuantizedModel model(checkpoint, calibrate(checkpoint), 20);
  const auto program = compiler::compile(model.step_graph(7), config(8, 8), {});
  CHECK(runs_of(program, isa::dma::Target::kTable) == 1);  // SILU
  // Norms and softmax alternate: a layer's second norm is followed by the next layer's first.
  CHECK(runs_of(program, isa::dma::Target::kExponentials) == 1 + 2 * kSmall.layers);
}

TEST_CASE("several tokens at once copy no scores, values or mixed rows", "[llm][session]") {
  const Checkpoint checkpoint = random_checkpoint(kSmall, 3);
  const QuantizedModel model(checkpoint, calibrate(checkpoint), 20);
  const auto program = compiler::compile(model.step_graph(3, 9), config(8, 8), {});
  for (const compiler::ProgramLayer& layer : program.layers) {
    CAPTURE(layer.name, layer.op);
    CHECK((layer.op != "STRIDED_SLICE" || layer.name == "last"));
    CHECK((layer.op != "CONCATENATION" || layer.name.ends_with("keys") ||
           layer.name.ends_with("values")));
  }
}

TEST_CASE("heads of a token are turned by blocks of a few channels", "[llm][session]") {
  const Checkpoint checkpoint = random_checkpoint({256, 44, 1, 2, 1, 40, 24}, 3);
  const QuantizedModel model(checkpoint, calibrate(checkpoint, 1, 16), 20);
  const auto program = compiler::compile(model.step_graph(0, 9), config(8, 8), {});
  const auto timing = sim::run_timing(program);
  std::uint64_t cycles = 0;
  for (std::size_t i = 0; i < program.layers.size(); ++i)
    if (program.layers[i].name.find("rotated query") != std::string::npos)
      for (const csr::Cause cause : {csr::Cause::kCompute, csr::Cause::kBank, csr::Cause::kControl})
        cycles += timing.layers[i].causes[static_cast<std::size_t>(cause)];  // not on the bus
  CHECK(cycles < 9 * 16 * 40);  // groups of columns of 32 steps each, for two heads in one bank
}

TEST_CASE("tokens of many heads do not conflict in one bank", "[llm][session]") {
  const Checkpoint checkpoint = random_checkpoint({256, 44, 1, 32, 8, 40, 24}, 3);
  const QuantizedModel model(checkpoint, calibrate(checkpoint, 1, 16), 20);
  const auto program = compiler::compile(model.step_graph(0, 16), config(8, 8), {});
  const auto timing = sim::run_timing(program);
  for (std::size_t i = 0; i < program.layers.size(); ++i)
    if (program.layers[i].name.find("attention sum") != std::string::npos)
      // 4,096 steps; eight times as many if they were in one bank.
      CHECK(timing.layers[i].causes[static_cast<std::size_t>(csr::Cause::kCompute)] +
                timing.layers[i].causes[static_cast<std::size_t>(csr::Cause::kBank)] <
            5000);
}

TEST_CASE("the machine writes the golden layers' sums and caches", "[llm][session]") {
  struct Case {
    Dimensions dims;
    bool shared;
    spec::Config design;
    WeightCodes codes = WeightCodes::kInt8;
  };
  const Case c =
      GENERATE(Case{kSmall, true, config(8, 8)}, Case{kSmall, false, config(5, 7)},
               Case{{32, 44, 1, 4, 4, 40, 24}, true, config(4, 4)},
               Case{{48, 20, 1, 3, 1, 40, 24}, true, config(16, 16, {"bus.axi_data_bits=128"})},
               Case{{64, 172, 2, 2, 1, 40, 24},
                    true,
                    config(8, 8, {"memory.dmem_kib=16", "memory.pmem_kib=16"})},
               Case{kSmall, true, config(8, 8), WeightCodes::kTernary},
               Case{{200, 44, 1, 2, 1, 40, 24}, true, config(8, 20)});
  CAPTURE(c.dims.dim, c.dims.heads, c.dims.kv_heads, c.design.rows, c.design.cols);
  const Checkpoint checkpoint = random_checkpoint(c.dims, 4, c.shared);
  const QuantizedModel model(checkpoint, calibrate(checkpoint, 1, 16), 20, c.codes);
  require_exact(model, on(Backend::kArch, c.design), 20);
  require_together(model, on(Backend::kArch, c.design));
  Session full(model, on(Backend::kGolden, {}));
  for (int i = 0; i < 20; ++i) full.step(1);
  CHECK_FALSE(full.fits(1));
  CHECK_THROWS_WITH(full.step(1), ContainsSubstring("the context of 20 tokens is full"));
}

namespace {

/// A processor's memory: its contents according to a deck, step after step.
class Player {
 public:
  explicit Player(const std::string& deck) : deck_(deck.begin(), deck.end()) {
    std::memcpy(&header, deck_.data(), sizeof header);
    program::Program image;
    const std::uint32_t bytes = number(header.image_at + 48) + number(header.image_at + 52);
    program::read_image(std::span(deck_).subspan(header.image_at, bytes), &image);
    memory.resize(header.memory_bytes, 0xa5);
    words_at = static_cast<std::size_t>(image.dram_bytes);
    std::copy(image.image.begin(), image.image.end(), memory.begin() + image.image_offset);
    std::memcpy(&memory[words_at], image.words.data(), 8 * image.words.size());
    next_ = header.steps_at;
  }

  /// Returns the next step's words.
  std::vector<isa::Word> advance() {
    std::vector<isa::Word> words(take());
    for (std::uint32_t changes = take(); changes > 0; --changes) {
      const std::uint32_t address = take(), bytes = take();
      std::memcpy(&memory.at(address), &deck_.at(next_), bytes);
      next_ += (bytes + 7) / 8 * 8;
    }
    std::memcpy(words.data(), &memory.at(words_at), 8 * words.size());
    return words;
  }

  DeckHeader header;
  std::vector<std::uint8_t> memory;
  std::size_t words_at = 0;

 private:
  std::uint32_t number(std::size_t at) const {
    std::uint32_t value = 0;
    std::memcpy(&value, &deck_.at(at), sizeof value);
    return value;
  }
  std::uint32_t take() { return number(std::exchange(next_, next_ + 4)); }

  std::vector<std::uint8_t> deck_;
  std::size_t next_ = 0;
};

}  // namespace

TEST_CASE("a deck without other files gives the sums of each step", "[llm][deck]") {
  constexpr int kSteps = 20;
  const Checkpoint checkpoint = read_checkpoint(kOwn.checkpoint);
  const QuantizedModel model(checkpoint, calibrate(checkpoint, 1, 16), 24);
  const auto design = config(5, 7);
  const Tokenizer tokenizer = Tokenizer::read(kOwn.tokenizer, kOwn.vocabulary);
  const Deck deck = write_deck(model, tokenizer, {design, {kBeginToken}, kSteps});
  Player player(deck.bytes);
  CHECK(player.header.bytes == deck.bytes.size());
  CHECK(player.header.steps == kSteps);
  Session session(model, on(Backend::kGolden, {}));
  int token = kBeginToken;
  for (int i = 0; i < kSteps; ++i) {
    CAPTURE(i, token);
    auto program = compiler::compile(model.step_graph(i), design, {});
    program.words = player.advance();
    std::vector<std::uint8_t> dram(player.memory.begin(),
                                   player.memory.begin() + program.dram_bytes);
    compiler::to_planar(model.embedding({token}).bytes.data(), program.inputs[0], dram.data());
    sim::run_arch_dram(program, dram);
    std::copy(dram.begin(), dram.end(), player.memory.begin());
    const Step golden = session.step(token);
    REQUIRE(compiler::read_outputs(program, dram.data())[0].bytes == golden.sums.bytes);
    token = model.most_likely(golden.sums);
    CHECK(token ==
          std::max_element(golden.logits.begin(), golden.logits.end()) - golden.logits.begin());
  }
}

TEST_CASE("the RTL writes the golden layers' sums and caches", "[llm][session][rtl]") {
  const Checkpoint checkpoint = random_checkpoint(kSmall, 5);
  const QuantizedModel model(checkpoint, calibrate(checkpoint, 1, 16), 16);
  SessionOptions options = on(Backend::kRtl, spec::load_config("edge256"));
  options.rtl.build.optimization = 1;
  require_exact(model, options, 6);
  require_together(model, std::move(options));
}

/// Requires the checkpoint's own first tokens on each of these designs.
void require_story(const Story& story, Backend backend, const spec::Config& design, int tokens) {
  CAPTURE(story.checkpoint.string(), design.rows, design.cols);
  const Checkpoint checkpoint = read_checkpoint(story.checkpoint);
  const QuantizedModel model(checkpoint, calibrate(checkpoint), story.vocabulary == 512 ? 256 : 96);
  SessionOptions options = on(backend, design);
  options.rtl.build.optimization = 1;
  Session session(model, std::move(options));
  int token = kBeginToken;
  for (int i = 0; i < tokens; ++i) {
    CAPTURE(i, token);
    const Step step = session.step(token);
    REQUIRE(step.difference == "");
    token = static_cast<int>(std::max_element(step.logits.begin(), step.logits.end()) -
                             step.logits.begin());
  }
}

TEST_CASE("trained checkpoints are exact on 8x8, 16x16 and 5x7", "[llm][session]") {
  for (const Story& story : stories())
    for (const auto& design : {config(8, 8), config(16, 16), config(5, 7)})
      require_story(story, Backend::kArch, design, 20);
}

#ifdef TRINE_SLOW_TESTS
TEST_CASE("trained checkpoints are exact on the RTL of 8x8, 16x16 and 5x7",
          "[llm][session][rtl][slow]") {
  for (const Story& story : stories())
    for (const auto& design : {config(8, 8), config(16, 16), config(5, 7)})
      require_story(story, Backend::kRtl, design, 40);
}
#endif

TEST_CASE("the machine can continue a text that the golden layers began", "[llm][session]") {
  const Checkpoint checkpoint = random_checkpoint(kSmall, 6);
  const QuantizedModel model(checkpoint, calibrate(checkpoint, 1, 16), 12);
  SessionOptions options = on(Backend::kArch, config(8, 8));
  options.first = 9;
  Session session(model, std::move(options));
  for (int i = 0; i < 12; ++i) {
    CAPTURE(i);
    const Step step = session.step(i);
    CHECK(step.difference == "");
    CHECK((step.run.cycles > 0) == (i >= 9));
  }
}

namespace {

/// Returns a shape with two layers of 64 channels. @param bitnet  uses its own kind of block
estimate::Transformer small_shape(bool bitnet) {
  estimate::Transformer t{"small", 2, 64, 4, 192, 512};
  t.key_heads = 2;
  t.biases = t.input_biases = t.tied = false;
  t.gate = bitnet ? estimate::Gate::kSquaredRelu : estimate::Gate::kSilu;
  t.inner_norms = bitnet;
  return t;
}

WholeTokenOptions whole(const spec::Config& design, int position) {
  WholeTokenOptions o;
  o.rtl = false;
  o.config = design;
  o.position = position;
  o.folder = std::filesystem::temp_directory_path();
  return o;
}

/// @return the hash of all sums
std::uint32_t require_whole(const RandomModel& model, WholeTokenOptions options) {
  WholeToken token(model, std::move(options));
  std::uint64_t cycles = 0;
  for (int i = 0; i < token.steps(); ++i) {
    const WholeToken::Step step = token.next();
    CAPTURE(step.name);
    REQUIRE(step.difference == "");
    cycles += step.run.cycles;
  }
  CHECK(static_cast<double>(cycles) ==
        Approx(static_cast<double>(token.predicted_cycles())).epsilon(0.03));
  return token.hash();
}

}  // namespace

TEST_CASE("weights of four bits, in groups or not, are exact", "[llm][session]") {
  const Checkpoint checkpoint = random_checkpoint({64, 96, 1, 4, 2, 40, 24}, 5);
  const auto codes = GENERATE(WeightCodes::kInt4, WeightCodes::kInt4g32, WeightCodes::kInt4g64);
  const QuantizedModel model(checkpoint, calibrate(checkpoint, 1, 16), 16, codes);
  require_exact(model, on(Backend::kArch, spec::load_config("text1536")), 3);
}

TEST_CASE("with a scale for each matrix a token loads no scales of products", "[llm][session]") {
  const Checkpoint checkpoint = random_checkpoint(kSmall, 5);
  const Ranges ranges = calibrate(checkpoint, 1, 16);
  const auto scales = [&](WeightCodes codes) {
    const QuantizedModel model(checkpoint, ranges, 16, codes);
    require_exact(model, on(Backend::kArch, config(8, 8)), 3);
    return runs_of(compiler::compile(model.step_graph(7), config(8, 8), {}),
                   isa::dma::Target::kScale);
  };
  CHECK(scales(WeightCodes::kInt8) > kSmall.layers);
  CHECK(scales(WeightCodes::kInt8m) == 1);  // of the norms
}

TEST_CASE("four-bit groups are nearer to the float network than rows", "[llm][quantize]") {
  const Checkpoint checkpoint = random_checkpoint({128, 128, 2, 4, 2, 40, 24}, 5);
  const Ranges ranges = calibrate(checkpoint, 1, 16);
  const auto error = [&](WeightCodes codes) {
    const QuantizedModel model(checkpoint, ranges, 16, codes);
    FloatModel floats(checkpoint);
    Session session(model, on(Backend::kGolden, {}));
    double sum = 0;
    for (int token = 3; token < 11; ++token) {
      const std::vector<float> logits = session.step(token).logits, wanted = floats.step(token);
      for (std::size_t i = 0; i < wanted.size(); ++i) sum += std::abs(logits[i] - wanted[i]);
    }
    return sum;
  };
  const double int8 = error(WeightCodes::kInt8), rows = error(WeightCodes::kInt4),
               groups = error(WeightCodes::kInt4g32);
  CAPTURE(int8, rows, groups);
  CHECK((int8 < groups && groups < rows));
}

TEST_CASE("a whole token is exact, a layer at a time", "[llm][random]") {
  const auto codes = GENERATE(WeightCodes::kInt8, WeightCodes::kTernary, WeightCodes::kInt4,
                              WeightCodes::kInt4g32);
  const bool bitnet = GENERATE(false, true);
  const RandomModel model(small_shape(bitnet), codes, 16, 7);
  const spec::Config design = spec::load_config("text1536");
  const std::uint32_t first = require_whole(model, whole(design, 0));
  CHECK(require_whole(model, whole(design, 5)) != first);  // another cache
  CHECK(require_whole(RandomModel(small_shape(bitnet), codes, 16, 7), whole(design, 0)) == first);
  CHECK(require_whole(RandomModel(small_shape(bitnet), codes, 16, 8), whole(design, 0)) != first);
}

TEST_CASE("a token sees its own key and value, and all before it", "[llm][random]") {
  const RandomModel model(small_shape(false), WeightCodes::kInt8, 16, 7);
  WholeTokenOptions options = whole(spec::load_config("text1536"), 5);
  // Computed by hand: 64 channels, 32 of keys, 192 hidden, 512 tokens; 2 layers.
  constexpr std::int64_t kBlock = 2 * 64 * 64 + 2 * 64 * 32 + 3 * 64 * 192, kEnd = 64 * 512;
  CHECK(WholeToken(model, options).macs() == 2 * (kBlock + 2 * 64 * 6) + kEnd);
  options.position = 0;
  options.count = 3;
  CHECK(WholeToken(model, options).macs() == 2 * (3 * kBlock + 2 * 64 * (1 + 2 + 3)) + kEnd);
}

TEST_CASE("a whole token has the same sums on the RTL", "[llm][random][rtl]") {
  const RandomModel model(small_shape(true), WeightCodes::kTernary, 16, 7);
  const spec::Config design = spec::load_config("edge256");
  WholeTokenOptions options = whole(design, 3);
  options.rtl = true;
  options.rtl_options.build.optimization = 1;
  CHECK(require_whole(model, options) == require_whole(model, whole(design, 3)));
  options.go_on = [] { return false; };
  WholeToken token(model, options);
  CHECK(token.next().difference == "");  // ends before the next check
}

TEST_CASE("addresses of a whole token must fit into the addresses of the bus",
          "[llm][random][error]") {
  const RandomModel model(small_shape(false), WeightCodes::kInt8, 16, 7);
  WholeTokenOptions options = whole(spec::load_config("edge256"), 0);
  options.rtl_options.base_address = 0xffff0000;
  CHECK_THROWS_WITH(WholeToken(model, options),
                    ContainsSubstring("bus.axi_addr_bits = 32 reaches only 4294967296"));
  options.config = spec::load_config("edge256", {"bus.axi_addr_bits=40"});
  require_whole(model, options);
  CHECK_THROWS_WITH(RandomModel(estimate::transformer("gpt-2"), WeightCodes::kInt8, 16, 7),
                    ContainsSubstring("--random gpt-2: has no gate"));
}

namespace {

/// Returns the operator that writes a tensor with this text in its name.
int op_writing(const model::Graph& graph, const std::string& name) {
  for (const model::Op& op : graph.ops)
    if (graph.out(op).name.find(name) != std::string::npos)
      return static_cast<int>(&op - graph.ops.data());
  throw std::out_of_range(name);
}

}  // namespace

TEST_CASE("layers of one shape share a program", "[llm][random]") {
  const RandomModel model(small_shape(false), WeightCodes::kInt4g32, 16, 7);
  const spec::Config design = spec::load_config("text1536");
  const auto graph = [&](int layer, int position) {
    return model.block(model.weights(layer), position);
  };
  compiler::ProgramTemplate shared(graph(0, 2), design);
  for (const int layer : {1, 0}) {
    const compiler::Program own = compiler::compile(graph(layer, 2), design);
    CHECK(shared.program().words == own.words);
    CHECK(shared.image_of(graph(layer, 2)) == own.image);
  }
  CHECK_THROWS_WITH(shared.image_of(graph(0, 3)), ContainsSubstring("layer: its shape differs"));
  for (const bool zero_point : {true, false}) {
    model::Graph other = graph(1, 2);
    const int gated = other.ops.at(static_cast<std::size_t>(op_writing(other, "gated"))).outputs[0];
    model::Quantization& q = other.tensors.at(static_cast<std::size_t>(gated)).quantization;
    if (zero_point)
      q.zero_point[0] += 3;
    else
      q.scale[0] *= 1.5f;
    CHECK_THROWS_WITH(shared.image_of(std::move(other)),
                      ContainsSubstring("layer: its shape differs"));
  }
  CHECK_THROWS_WITH(shared.image_of(model.norm()), ContainsSubstring("norm: its shape differs"));
}

TEST_CASE("a program can move its data in DRAM", "[program]") {
  const RandomModel model(small_shape(false), WeightCodes::kInt8, 16, 7);
  const compiler::Program p =
      compiler::compile(model.block(model.weights(0), 2), spec::load_config("edge256"));
  CHECK(program::relocated(p, {}) == p.words);
  const std::int64_t begin = p.image_offset, end = begin + std::ssize(p.image);
  const auto far =
      program::relocated(p, std::vector<program::Move>{{begin, end, begin + (1LL << 33)}});
  CHECK(far.size() == p.words.size());
  CHECK(far != p.words);
  const std::int64_t keys = p.outputs[1].offset;  // stored channel word by channel word
  const std::vector<program::Move> part{{keys, keys + 4 * p.outputs[1].plane, begin}};
  CHECK_THROWS_WITH(program::relocated(p, part), ContainsSubstring("but only bytes"));
}
