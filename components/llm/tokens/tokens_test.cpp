// SPDX-License-Identifier: Apache-2.0
//
// Compares tokenizers that sentencepiece and tokenizers trained with the tokens of these libraries
// (tests/formats/tokens.py).

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "components/llm/tokens/byte_pairs.h"
#include "components/llm/tokens/codec.h"
#include "components/llm/tokens/pieces.h"
#include "components/llm/tokens/splitter.h"
#include "components/llm/tokens/utf8.h"
#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/json.h"

using namespace trine;
using namespace trine::llm;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string kTables = TRINE_SOURCE_DIR "/tests/formats/";

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::strtol(hex.substr(i, 2).c_str(), nullptr, 16));
  return bytes;
}

std::string text_of(const TokenCodec& codec, const std::vector<int>& tokens) {
  TokenText text(codec);
  std::string all;
  for (const int token : tokens) all += text.next(token);
  return all;
}

/// Parses a tokenizer.json of a few words, with another value of a key.
BytePairRules parsed(const std::string& key, const SortedJson& value) {
  SortedJson json = parse_sorted_json(read_text(kTables + "bpe_qwen2.json"), "t.json");
  json[SortedJson::json_pointer(key)] = value;
  return parse_tokenizer_json(json, "t.json");
}

}  // namespace

TEST_CASE("tokens equal the tokens of sentencepiece and tokenizers", "[llm][tokens]") {
  const Json table = parse_json(read_text(kTables + "tokens.json"), "tokens.json");
  CHECK(table.size() == 5);
  for (const auto& [name, rows] : table.items()) {
    const auto codec = read_codec(kTables + name, kTables + name, 1000);
    for (const Json& row : rows) {
      CAPTURE(name, row.dump());
      const std::string text = from_hex(row.at(0).get<std::string>());
      const auto wanted = row.at(1).get<std::vector<int>>();
      REQUIRE(codec->encode(text) == wanted);
      REQUIRE(valid_utf8(text_of(*codec, wanted)) == row.at(2).get<std::string>());
    }
  }
}

TEST_CASE("the last of several spaces belongs to the following word", "[llm][tokens]") {
  const Splitter gpt2(kGpt2Pattern, false, Splitter::Kept::kAll, "GPT-2");
  CHECK(gpt2.split("a   b  ") == std::vector<std::string_view>{"a", "  ", " b", "  "});
}

TEST_CASE("bytes that are not a character are replaced together if they begin one",
          "[llm][tokens]") {
  CHECK(valid_utf8("aé漢🙂") == "aé漢🙂");
  CHECK(valid_utf8("\xc0\x80") == "\ufffd\ufffd");
  CHECK(valid_utf8("\xe2\x82z") == "\ufffdz");
  CHECK(valid_utf8("\xed\xa0\x80") == "\ufffd\ufffd\ufffd");
  CHECK(valid_utf8("\xf0\x9f\x99") == "\ufffd");
  CHECK(valid_utf8("\xf4\x90\x80\x80\xff") == "\ufffd\ufffd\ufffd\ufffd\ufffd");
}

TEST_CASE("a GGUF file contains its tokenizer", "[llm][tokens]") {
  const std::string file = kTables + "llama.gguf";
  const auto codec = read_codec(file, "", 64);
  CHECK(codec->ends() == std::set<int>{2});
  const std::vector<int> tokens = codec->encode("the band");
  CHECK(tokens.front() == 1);
  CHECK(text_of(*codec, tokens) == "the band");
  CHECK(tokens.size() == 6);  // <s>, " the", " ", "b", "an", "d"
  CHECK_THROWS_WITH(read_codec(file, "", 63),
                    ContainsSubstring("llama.gguf: 64 tokens, the model has 63"));
  CHECK_THROWS_WITH(
      read_codec(kTables + "weights.gguf", "", 64),
      ContainsSubstring("weights.gguf: no tokenizer: looked for key tokenizer.ggml.model"));
}

TEST_CASE("a folder's tokenizer is found or the files that were looked for are named",
          "[llm][tokens]") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / fmt::format("trine_tokens_{}", ::getpid());
  fs::create_directories(folder);
  CHECK_THROWS_WITH(
      read_codec(folder, "", 1000),
      ContainsSubstring("no tokenizer: looked for tokenizer.json (byte-level BPE) and "
                        "tokenizer.model (SentencePiece); --tokenizer names a file"));
  fs::copy(kTables + "pieces.model", folder / "tokenizer.model");
  write_file(folder / "config.json", R"({"eos_token_id": [2, 5]})");
  auto codec = read_codec(folder, "", 1000);
  CHECK(codec->ends() == std::set<int>{2, 5});
  CHECK(codec->encode("a").front() == 1);
  write_file(folder / "tokenizer_config.json", R"({"add_bos_token": false})");
  CHECK(read_codec(folder, "", 1000)->encode("a").front() != 1);
  fs::copy(kTables + "bpe_gpt2.json", folder / "tokenizer.json");
  CHECK(read_codec(folder, "", 1000)->size() == 300);
  fs::remove_all(folder);
}

TEST_CASE("a SentencePiece model with a byte too many is refused", "[llm][tokens][error]") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / fmt::format("trine_pieces_{}", ::getpid());
  fs::create_directories(folder);
  const std::string bytes = read_text(kTables + "pieces.model");
  for (int byte = 0; byte < 256; ++byte) {
    CAPTURE(byte);
    write_file(folder / "tokenizer.model", bytes + static_cast<char>(byte));
    CHECK_THROWS_WITH(read_codec(folder, "", 1000), ContainsSubstring("its protobuf is damaged"));
  }
  fs::remove_all(folder);
}

TEST_CASE("fields that a SentencePiece model adds are skipped", "[llm][tokens]") {
  using Bytes = std::vector<std::uint8_t>;
  const Bytes good = read_file(kTables + "pieces.model");
  const std::size_t count = parse_piece_model(good, "t.model").pieces.size();
  // Field 200 as varint, 64 bits, bytes and 32 bits.
  for (const Bytes& field : {Bytes{0xC0, 0x0C, 7}, Bytes{0xC1, 0x0C, 1, 2, 3, 4, 5, 6, 7, 8},
                             Bytes{0xC2, 0x0C, 2, 9, 9}, Bytes{0xC5, 0x0C, 1, 2, 3, 4}}) {
    Bytes longer = good;
    longer.insert(longer.end(), field.begin(), field.end());
    CHECK(parse_piece_model(longer, "t.model").pieces.size() == count);
  }
}

TEST_CASE("a template's tokens before the text begin each prompt", "[llm][tokens]") {
  const auto begins = [](const std::string& single) {
    return parsed("/post_processor",
                  parse_sorted_json(R"({"type": "TemplateProcessing", "special_tokens": {
                                       "<|begin|>": {"ids": [0]}, "<|im_end|>": {"ids": [2]}},
                                       "single": [)" +
                                        single + "]}",
                                    "template"))
        .begin;
  };
  const std::string text = R"({"Sequence": {"id": "A"}})",
                    begin = R"({"SpecialToken": {"id": "<|begin|>"}})",
                    end = R"({"SpecialToken": {"id": "<|im_end|>"}})";
  CHECK(begins(begin + ", " + text) == std::vector{0});
  CHECK(begins(begin + ", " + text + ", " + end) == std::vector{0});
  CHECK(begins(text + ", " + end).empty());
}

TEST_CASE("settings of a tokenizer.json are honoured or refused by name", "[llm][tokens][error]") {
  CHECK(parsed("/version", "1.0").texts.size() == 300);
  const auto refuses = [](const std::string& key, const SortedJson& value,
                          const std::string& message) {
    CAPTURE(key);
    CHECK_THROWS_WITH(parsed(key, value), ContainsSubstring("t.json: " + message));
  };
  refuses("", SortedJson::array(), "is not an object");
  refuses("/model", 3, "model: is not an object");
  refuses("/model/type", "Unigram", "model: type Unigram, allowed BPE");
  refuses("/model/dropout", 0.1, "model: dropout: 0.1, allowed null");
  refuses("/model/vocab/a", -1, "model: vocab: a: -1, allowed 0..1048575");
  refuses("/model/merges/0", "a", "model: merges: \"a\", allowed two texts");
  refuses("/normalizer/type", "NFKC", "normalizer: type NFKC, allowed NFC");
  refuses("/pre_tokenizer/type", "Metaspace",
          "pre_tokenizer: type Metaspace, allowed ByteLevel, Split, Digits, Sequence");
  refuses("/decoder/type", "Metaspace", "is not byte-level BPE, allowed only files with ByteLevel");
  refuses("/pre_tokenizer/pretokenizers/0/behavior", "Contiguous",
          "pre_tokenizer: behavior: \"Contiguous\", allowed Isolated, Removed");
  refuses("/pre_tokenizer/pretokenizers/0/pattern/Regex", "(", "pre_tokenizer: pattern (: missing");
  refuses("/truncation", {{"max_length", 3}}, "truncation: {\"max_length\":3}, allowed null");
  BytePairRules rules = parsed("/model/merges/0", "a qqq");
  CHECK_THROWS_WITH(
      make_byte_pair_codec(std::move(rules), "t.json"),
      ContainsSubstring("t.json: merge 0 of 'a' and 'qqq': there is no token 'aqqq'"));
}

TEST_CASE("a damaged SentencePiece model is refused", "[llm][tokens][error]") {
  const std::vector<std::uint8_t> good = read_file(kTables + "pieces.model");
  std::size_t refused = 0;
  for (std::size_t size = 0; size < good.size(); size += 7) {
    const std::vector<std::uint8_t> cut(good.begin(),
                                        good.begin() + static_cast<std::ptrdiff_t>(size));
    try {
      make_piece_codec(parse_piece_model(cut, "t.model"), "t.model");
    } catch (const Error&) {
      ++refused;
    }
  }
  CHECK(refused > good.size() / 7 - 10);  // trailing fields may be missing
  PieceRules twice = parse_piece_model(good, "t.model");
  twice.pieces[300].text = twice.pieces[301].text;
  CHECK_THROWS_WITH(make_piece_codec(twice, "t.model"), ContainsSubstring("t.model: piece 301 '"));
  twice = parse_piece_model(good, "t.model");
  const auto byte = std::ranges::find(twice.pieces, "<0x0A>", &Piece::text);
  REQUIRE(byte != twice.pieces.end());
  byte->text = "<0x-A>";
  CHECK_THROWS_WITH(make_piece_codec(twice, "t.model"),
                    ContainsSubstring("'<0x-A>': not a byte, allowed <0x00> to <0xFF>"));
  byte->type = PieceType::kNormal;
  CHECK_THROWS_WITH(
      make_piece_codec(twice, "t.model"),
      ContainsSubstring("t.model: byte_fallback is true, but some of the 256 bytes have no piece"));
}
