// SPDX-License-Identifier: Apache-2.0
//
// The keys of a configuration file: the one table that parsing, error messages, canonical text,
// `trine generate --help` and docs/configuration.md come from.

#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "machine/config.h"

namespace trine::machine {

struct IntKey {
  int Config::*member;
  std::vector<int> allowed;  ///< {low, high}, or the list of choices if `choices`
  bool choices = false;
};
struct BoolKey {
  bool Config::*member;
};
struct NameKey {
  std::string Config::*member;
};
/// A non-empty list of precision names.
struct PrecisionsKey {};

struct Key {
  std::string_view name;  ///< "array.rows"
  std::variant<IntKey, BoolKey, NameKey, PrecisionsKey> type;
  std::string_view doc;
  std::string_view raise;  ///< what changes when the value is raised or switched on
  /// A program sees it (Config::hash()): what fits where, which instructions there are. Not seen:
  /// what only moves work in time, outside of the machine or between wires.
  bool seen = true;
  /// It came later: the hash has it where it is not the default alone, so that programs from before
  /// stay valid.
  bool later = false;
};

const std::vector<Key>& schema();

/// "1..256", "32, 64 or 128", "true or false", ...
std::string allowed_text(const Key& key);
/// The value as TOML.
std::string value_text(const Key& key, const Config& config);

/// A configuration from canonical text. @throws Error  as load_config(), with `file` for its name
Config parse_config(const std::string& toml, const std::string& file);

/// Every key with its value, "array.rows" and so on, in the order of the schema.
nlohmann::ordered_json all_keys(const Config& config);

/// Allowed values, default and meaning of each key in at most 100 columns, for --help.
std::string key_table();
/// docs/configuration.md.
std::string configuration_markdown();

}  // namespace trine::machine
