// SPDX-License-Identifier: Apache-2.0
//
// The table of the keys of a configuration file. Parsing, error messages, canonical text, `trine
// generate --help` and docs/configuration.md are derived from it.

#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "machine/config.h"

namespace trine::machine {

/// A key whose value is a whole number.
struct IntKey {
  int Config::*member;
  std::vector<int> allowed;  ///< {low, high}, or the list of values if `choices`
  bool choices = false;
};
/// A key whose value is true or false.
struct BoolKey {
  bool Config::*member;
};
/// A key whose value is a name.
struct NameKey {
  std::string Config::*member;
};
/// A key whose value is a non-empty list of precision names.
struct PrecisionsKey {};

/// A key of the configuration file.
struct Key {
  std::string_view name;  ///< "array.rows"
  std::variant<IntKey, BoolKey, NameKey, PrecisionsKey> type;
  std::string_view doc;
  std::string_view raise;  ///< the effect of raising the value or switching it on
  /// True if the key is part of Config::hash(): programs depend on it, because it decides what fits
  /// or which instructions exist. False for keys that only change timing, wiring or the outside.
  bool seen = true;
  /// True if the key is younger than the hash: it is part of the hash only if its value is not the
  /// default, so that older programs stay valid.
  bool later = false;
};

/// Returns all keys in their order in files and documents.
const std::vector<Key>& schema();

/// Returns the allowed values: "1..256", "32, 64 or 128", "true or false", ...
std::string allowed_text(const Key& key);
/// Returns the value of a key as TOML.
std::string value_text(const Key& key, const Config& config);

/// Returns a configuration from canonical text.
/// @throws Error  as load_config(), with `file` as its name
Config parse_config(const std::string& toml, const std::string& file);

/// Returns every key with its value, "array.rows" and so on, in the order of the schema.
nlohmann::ordered_json all_keys(const Config& config);

/// Returns allowed values, default and meaning of each key in at most 100 columns, for --help.
std::string key_table();
/// Returns the text of docs/configuration.md.
std::string configuration_markdown();

}  // namespace trine::machine
