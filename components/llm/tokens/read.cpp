// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <array>
#include <optional>

#include "components/llm/files/gguf.h"
#include "components/llm/tokenizer.h"
#include "components/llm/tokens/byte_pairs.h"
#include "components/llm/tokens/pieces.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/base/text.h"

namespace trine::llm {
namespace {

namespace fs = std::filesystem;
using Kept = Splitter::Kept;

// ---- GGUF ----

/// The rules that tokenizer.ggml.pre names.
struct Words {
  const char* name;
  const char* patterns[2];
  bool begins;  ///< texts begin with a token, unless a key says otherwise
};

constexpr const char* kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr Words kWords[] = {
    {"gpt-2", {kGpt2Pattern, nullptr}, false},   {"default", {kGpt2Pattern, nullptr}, false},
    {"llama-bpe", {kLlama3, nullptr}, true},     {"llama3", {kLlama3, nullptr}, true},
    {"llama-v3", {kLlama3, nullptr}, true},      {"qwen2", {kQwen2, nullptr}, false},
    {"smollm", {"\\p{N}", kGpt2Pattern}, false}, {"starcoder", {"\\p{N}", kGpt2Pattern}, false}};

const Words& words_named(std::string_view name, std::string_view file) {
  const auto* found = std::ranges::find_if(kWords, [&](const Words& w) { return w.name == name; });
  if (found != std::end(kWords)) return *found;
  std::string all;
  for (const Words& w : kWords) all += (all.empty() ? "" : ", ") + std::string(w.name);
  throw_error("{}: tokenizer.ggml.pre: {}, allowed {}", file, printable(std::string(name)), all);
}

int token_id(const GgufFile& file, const std::string& key, std::int64_t otherwise) {
  const std::int64_t id = file.integer("tokenizer.ggml." + key, otherwise);
  const std::int64_t most = 1 << 20;
  if (id != 0xffffffff && (id < -1 || id >= most))
    throw_error("{}: tokenizer.ggml.{}: {}, allowed 0..{}", file.file(), key, id, most - 1);
  return id == 0xffffffff ? -1 : static_cast<int>(id);
}

std::vector<std::int64_t> types_of(const GgufFile& file, std::size_t tokens) {
  if (!file.has("tokenizer.ggml.token_type")) return std::vector<std::int64_t>(tokens, 1);
  std::vector<std::int64_t> types = file.integers("tokenizer.ggml.token_type");
  if (types.size() != tokens)
    throw_error("{}: tokenizer.ggml.token_type: {} types for {} tokens, allowed one for each",
                file.file(), types.size(), tokens);
  for (const std::int64_t type : types)
    if (type < 1 || type > 6)
      throw_error("{}: tokenizer.ggml.token_type: {}, allowed 1..6", file.file(), type);
  return types;
}

std::unique_ptr<TokenCodec> gguf_pieces(const GgufFile& file, bool begins, int begin) {
  PieceRules rules;
  const std::vector<std::string> texts = file.texts("tokenizer.ggml.tokens");
  const std::vector<float> scores = file.numbers("tokenizer.ggml.scores");
  const auto types = types_of(file, texts.size());
  if (scores.size() != texts.size())
    throw_error("{}: tokenizer.ggml.scores: {} scores for {} tokens, allowed one for each",
                file.file(), scores.size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    rules.pieces.push_back({texts[i], scores[i], static_cast<PieceType>(types[i])});
    rules.byte_fallback = rules.byte_fallback || rules.pieces.back().type == PieceType::kByte;
  }
  rules.add_dummy_prefix = file.flag("tokenizer.ggml.add_space_prefix", true);
  rules.remove_extra_whitespaces = file.flag("tokenizer.ggml.remove_extra_whitespaces", false);
  rules.begin = begins ? begin : -1;
  return make_piece_codec(std::move(rules), file.file());
}

std::unique_ptr<TokenCodec> gguf_byte_pairs(const GgufFile& file, const Words& words, bool begins,
                                            int begin) {
  enum Type { kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5 };
  BytePairRules rules;
  rules.texts = file.texts("tokenizer.ggml.tokens");
  const auto types = types_of(file, rules.texts.size());
  for (std::size_t i = 0; i < rules.texts.size(); ++i) {
    const auto type = types[i];
    if (type == kUserDefined || type == kControl || type == kUnknown)
      rules.added.push_back({rules.texts[i], static_cast<int>(i), type != kUserDefined, false});
    if (type != 1) rules.texts[i].clear();
  }
  for (const std::string& merge : file.texts("tokenizer.ggml.merges")) {
    const std::size_t space = merge.find(' ', 1);
    if (space == std::string::npos)
      throw_error("{}: tokenizer.ggml.merges: '{}', allowed two texts with a space between them",
                  file.file(), printable(merge));
    rules.merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
  }
  for (const char* pattern : words.patterns) {
    if (pattern == nullptr) continue;
    rules.words.emplace_back();
    rules.words.back().splitter.emplace_back(pattern, false, Kept::kAll, file.file());
  }
  rules.ignore_merges = words.patterns[0] == kLlama3;
  if (begins && begin >= 0) rules.begin = {begin};
  return make_byte_pair_codec(std::move(rules), file.file());
}

std::unique_ptr<TokenCodec> gguf_codec(const fs::path& path) {
  const GgufFile file = GgufFile::read(path);
  if (!file.has("tokenizer.ggml.model"))
    throw_error(
        "{}: no tokenizer: looked for key tokenizer.ggml.model (llama, gpt2); --tokenizer "
        "names a file",
        path.string());
  const std::string model = file.text("tokenizer.ggml.model");
  const int begin = token_id(file, "bos_token_id", -1);
  std::unique_ptr<TokenCodec> codec;
  if (model == "llama") {
    codec = gguf_pieces(file, file.flag("tokenizer.ggml.add_bos_token", true), begin);
  } else if (model == "gpt2") {
    const Words& words = words_named(file.text("tokenizer.ggml.pre", "default"), path.string());
    codec = gguf_byte_pairs(file, words, file.flag("tokenizer.ggml.add_bos_token", words.begins),
                            begin);
  } else {
    throw_error("{}: tokenizer.ggml.model: {}, allowed llama, gpt2", path.string(),
                printable(model));
  }
  std::set<int> ends;
  for (const char* key : {"eos_token_id", "eot_token_id", "eom_token_id"})
    if (const int id = token_id(file, key, -1); id >= 0) ends.insert(id);
  codec->set_ends(std::move(ends));
  return codec;
}

// ---- Hugging Face ----

std::unique_ptr<TokenCodec> json_codec(const fs::path& path, const SortedJson& json) {
  return make_byte_pair_codec(parse_tokenizer_json(json, path.string()), path.string());
}

SortedJson read_sorted(const fs::path& path) {
  return parse_sorted_json(read_text(path), path.string());
}

/// Returns a flag of tokenizer_config.json.
bool config_flag(const fs::path& folder, const char* key, bool otherwise) {
  const fs::path path = folder / "tokenizer_config.json";
  if (!fs::exists(path)) return otherwise;
  const SortedJson json = read_sorted(path);
  const auto found = json.is_object() ? json.find(key) : json.end();
  return found != json.end() && found->is_boolean() ? found->get<bool>() : otherwise;
}

std::unique_ptr<TokenCodec> piece_codec(const fs::path& path) {
  PieceRules rules = parse_piece_model(read_file(path), path.string());
  if (!config_flag(path.parent_path(), "add_bos_token", true)) rules.begin = -1;
  return make_piece_codec(std::move(rules), path.string());
}

/// Returns eos_token_id, one or several numbers, of the first file that contains it.
std::set<int> ends_of(const fs::path& folder) {
  std::set<int> ends;
  for (const char* name : {"generation_config.json", "config.json"}) {
    if (!fs::exists(folder / name)) continue;
    const SortedJson json = read_sorted(folder / name);
    const auto found = json.is_object() ? json.find("eos_token_id") : json.end();
    if (found == json.end()) continue;
    const SortedJson list = found->is_array() ? *found : SortedJson::array({*found});
    for (const SortedJson& id : list)
      if (id.is_number_unsigned() && id.get<std::uint64_t>() < 1 << 20) ends.insert(id.get<int>());
    if (!ends.empty()) break;
  }
  return ends;
}

std::unique_ptr<TokenCodec> folder_codec(const fs::path& folder) {
  const fs::path json_path = folder / "tokenizer.json", pieces = folder / "tokenizer.model";
  std::unique_ptr<TokenCodec> codec;
  if (fs::exists(json_path)) {
    const SortedJson json = read_sorted(json_path);
    if (is_byte_level(json) || !fs::exists(pieces)) codec = json_codec(json_path, json);
  }
  if (codec == nullptr && fs::exists(pieces)) codec = piece_codec(pieces);
  if (codec == nullptr)
    throw_error(
        "{}: no tokenizer: looked for tokenizer.json (byte-level BPE) and tokenizer.model "
        "(SentencePiece); --tokenizer names a file",
        folder.string());
  codec->set_ends(ends_of(folder));
  return codec;
}

bool begins_with(const fs::path& path, std::string_view text) {
  if (!fs::is_regular_file(path)) return false;  // a pipe can be read only once
  const MappedFile file(path);
  return std::string_view(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size())
      .starts_with(text);
}

std::unique_ptr<TokenCodec> given_codec(const fs::path& path, int vocabulary) {
  if (fs::is_directory(path)) return folder_codec(path);
  if (begins_with(path, "GGUF")) return gguf_codec(path);
  if (path.extension() == ".json") return json_codec(path, read_sorted(path));
  if (path.extension() == ".model") return piece_codec(path);
  return std::make_unique<Tokenizer>(Tokenizer::read(path, vocabulary));
}

std::unique_ptr<TokenCodec> own_codec(const fs::path& model) {
  if (fs::is_directory(model)) return folder_codec(model);
  if (begins_with(model, "GGUF")) return gguf_codec(model);
  throw_error(
      "--tokenizer: is required: {} is a checkpoint of llama2.c, which contains no tokenizer",
      model.string());
}

}  // namespace

std::unique_ptr<TokenCodec> read_codec(const fs::path& model, const fs::path& given,
                                       int vocabulary) {
  auto codec = given.empty() ? own_codec(model) : given_codec(given, vocabulary);
  if (codec->size() > vocabulary)
    throw_error("{}: {} tokens, the model has {}", (given.empty() ? model : given).string(),
                codec->size(), vocabulary);
  if (codec->ends().empty() && fs::is_directory(model)) codec->set_ends(ends_of(model));
  return codec;
}

}  // namespace trine::llm
