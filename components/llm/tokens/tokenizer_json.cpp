// SPDX-License-Identifier: Apache-2.0
//
// Parses tokenizer.json of Hugging Face's tokenizers with byte-level BPE.

#include <algorithm>

#include "components/llm/tokens/byte_pairs.h"
#include "sw/base/error.h"
#include "sw/base/text.h"

namespace trine::llm {
namespace {

constexpr std::uint64_t kMostTokens = 1 << 20;

std::size_t number_of(const SortedJson& json, const std::string& where, const std::string& key) {
  if (!json.is_number_unsigned() || json.get<std::uint64_t>() >= kMostTokens)
    throw_error("{}: {}: {}, allowed 0..{}", where, key, printable(sorted_json_text(json)),
                kMostTokens - 1);
  return json.get<std::size_t>();
}

/// An object of the file, and its path of keys.
class Part {
 public:
  Part(const SortedJson& json, std::string where) : json_(json), where_(std::move(where)) {
    if (!json.is_object()) throw_error("{}: is not an object", where_);
  }

  const std::string& where() const { return where_; }

  /// Finds a key; null counts as absent.
  const SortedJson* find(const char* key) const {
    const auto found = json_.find(key);
    return found == json_.end() || found->is_null() ? nullptr : &*found;
  }
  const SortedJson& require(const char* key) const {
    const SortedJson* found = find(key);
    if (found == nullptr) throw_error("{}: no key {}", where_, key);
    return *found;
  }
  Part part(const char* key) const { return {require(key), where_ + ": " + key}; }

  std::string text(const char* key, const std::string& otherwise = "") const {
    const SortedJson* found = find(key);
    if (found == nullptr) return otherwise;
    if (!found->is_string()) refuse(key, *found, "a text");
    return found->get<std::string>();
  }
  bool flag(const char* key, bool otherwise) const {
    const SortedJson* found = find(key);
    if (found == nullptr) return otherwise;
    if (!found->is_boolean()) refuse(key, *found, "true and false");
    return found->get<bool>();
  }
  const SortedJson& list(const char* key) const {
    const SortedJson& found = require(key);
    if (!found.is_array()) refuse(key, found, "a list");
    return found;
  }
  int id(const char* key) const { return static_cast<int>(number_of(require(key), where_, key)); }

  [[noreturn]] void refuse(const char* key, const SortedJson& value,
                           const std::string& allowed) const {
    throw_error("{}: {}: {}, allowed {}", where_, key, printable(sorted_json_text(value)), allowed);
  }
  void refuse_type(const std::string& allowed) const {
    throw_error("{}: type {}, allowed {}", where_, printable(text("type")), allowed);
  }

 private:
  const SortedJson& json_;
  std::string where_;
};

void read_normalizer(const Part& part, BytePairRules* rules) {
  const std::string type = part.text("type");
  if (type == "Sequence") {
    for (const SortedJson& one : part.list("normalizers"))
      read_normalizer({one, part.where()}, rules);
  } else if (type == "NFC") {
    rules->nfc = true;
  } else {
    part.refuse_type("NFC");
  }
}

Splitter::Kept kept_by(const Part& part) {
  const std::string behavior = part.text("behavior");
  const bool invert = part.flag("invert", false);
  if (behavior == "Isolated") return Splitter::Kept::kAll;
  if (behavior != "Removed") part.refuse("behavior", behavior, "Isolated, Removed");
  return invert ? Splitter::Kept::kMatches : Splitter::Kept::kOthers;
}

void add_step(std::vector<WordStep>* words, Splitter splitter) {
  words->emplace_back();
  words->back().splitter.push_back(std::move(splitter));
}

void read_words(const Part& part, std::vector<WordStep>* words) {
  const std::string type = part.text("type");
  if (type == "Sequence") {
    for (const SortedJson& one : part.list("pretokenizers")) read_words({one, part.where()}, words);
  } else if (type == "ByteLevel") {
    words->emplace_back();
    words->back().add_prefix_space = part.flag("add_prefix_space", true);
    if (part.flag("use_regex", true))
      words->back().splitter.emplace_back(kGpt2Pattern, false, Splitter::Kept::kAll, part.where());
  } else if (type == "Split") {
    const Part pattern = part.part("pattern");
    const bool literal = pattern.find("String") != nullptr;
    add_step(words,
             {pattern.text(literal ? "String" : "Regex"), literal, kept_by(part), part.where()});
  } else if (type == "Digits") {
    const char* digits = part.flag("individual_digits", false) ? "\\p{N}" : "\\p{N}+";
    add_step(words, {digits, false, Splitter::Kept::kAll, part.where()});
  } else {
    part.refuse_type("ByteLevel, Split, Digits, Sequence");
  }
}

/// Reads the tokens before a single text.
void read_template(const Part& part, BytePairRules* rules) {
  const std::string type = part.text("type");
  if (type == "Sequence") {
    for (const SortedJson& one : part.list("processors")) read_template({one, part.where()}, rules);
    return;
  }
  if (type == "ByteLevel") return;
  if (type != "TemplateProcessing") return part.refuse_type("ByteLevel, TemplateProcessing");
  for (const SortedJson& one : part.list("single")) {
    const Part item(one, part.where() + ": single");
    if (item.find("SpecialToken") == nullptr) return;
    const std::string name = item.part("SpecialToken").text("id");
    const Part special(part.part("special_tokens").require(name.c_str()), part.where());
    for (const SortedJson& id : special.list("ids"))
      rules->begin.push_back(static_cast<int>(number_of(id, special.where(), "ids")));
  }
}

void read_added(const Part& part, BytePairRules* rules) {
  AddedToken token{part.text("content"), part.id("id"), part.flag("special", false),
                   part.flag("normalized", true)};
  if (!token.special)
    for (const char* key : {"single_word", "lstrip", "rstrip"})
      if (part.flag(key, false))
        throw_error("{}: '{}': {}: true, allowed false, or a special token", part.where(),
                    printable(token.text), key);
  rules->added.push_back(std::move(token));
}

std::pair<std::string, std::string> merge_of(const SortedJson& json, const std::string& where) {
  if (json.is_array() && json.size() == 2 && json[0].is_string() && json[1].is_string())
    return {json[0].get<std::string>(), json[1].get<std::string>()};
  const std::string text = json.is_string() ? json.get<std::string>() : "";
  const std::size_t space = text.find(' ');
  if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos)
    throw_error("{}: merges: {}, allowed two texts", where, printable(sorted_json_text(json)));
  return {text.substr(0, space), text.substr(space + 1)};
}

void read_model(const Part& part, BytePairRules* rules) {
  if (part.text("type", "BPE") != "BPE") part.refuse_type("BPE");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (!part.text(key).empty()) part.refuse(key, part.text(key), "null");
  if (const SortedJson* value = part.find("dropout")) part.refuse("dropout", *value, "null");
  if (part.flag("byte_fallback", false)) part.refuse("byte_fallback", true, "false");
  const SortedJson& vocabulary = part.require("vocab");
  if (!vocabulary.is_object()) part.refuse("vocab", vocabulary, "an object");
  for (const auto& [text, id] : vocabulary.items()) {
    const std::size_t index = number_of(id, part.where() + ": vocab", printable(text));
    if (rules->texts.size() <= index) rules->texts.resize(index + 1);
    rules->texts[index] = text;
  }
  for (const SortedJson& merge : part.list("merges"))
    rules->merges.push_back(merge_of(merge, part.where()));
  rules->ignore_merges = part.flag("ignore_merges", false);
  rules->fuse_unknown = part.flag("fuse_unk", false);
  const std::string unknown = part.text("unk_token");
  const auto found = std::ranges::find(rules->texts, unknown);
  if (!unknown.empty() && found != rules->texts.end())
    rules->unknown = static_cast<int>(found - rules->texts.begin());
}

bool has_byte_level(const SortedJson& json) {
  if (!json.is_object()) return false;
  if (json.value("type", SortedJson()) == "ByteLevel") return true;
  for (const char* key : {"pretokenizers", "decoders"})
    if (const auto list = json.find(key); list != json.end() && list->is_array())
      return std::ranges::any_of(*list, has_byte_level);
  return false;
}

}  // namespace

bool is_byte_level(const SortedJson& json) {
  return json.is_object() && has_byte_level(json.value("pre_tokenizer", SortedJson())) &&
         has_byte_level(json.value("decoder", SortedJson()));
}

BytePairRules parse_tokenizer_json(const SortedJson& json, const std::string& file) {
  BytePairRules rules;
  const Part part(json, file);
  if (!is_byte_level(json))
    throw_error(
        "{}: is not byte-level BPE, allowed only files with ByteLevel in pre_tokenizer and decoder",
        file);
  for (const char* key : {"truncation", "padding"})
    if (const SortedJson* value = part.find(key)) part.refuse(key, *value, "null");
  if (part.find("normalizer") != nullptr) read_normalizer(part.part("normalizer"), &rules);
  read_words(part.part("pre_tokenizer"), &rules.words);
  read_model(part.part("model"), &rules);
  if (part.find("added_tokens") != nullptr)
    for (const SortedJson& token : part.list("added_tokens"))
      read_added({token, file + ": added_tokens"}, &rules);
  if (part.find("post_processor") != nullptr) read_template(part.part("post_processor"), &rules);
  return rules;
}

}  // namespace trine::llm
