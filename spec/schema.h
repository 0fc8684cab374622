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

#include "spec/config.h"

namespace trine::spec {

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

/// The parameter of trine_machine that a key sets; precisions set one each.
struct Verilog {
  std::string_view name;                  ///< "Rows"; empty: the key sets no parameter
  int (*value)(const Config&) = nullptr;  ///< nullptr: the key's own value
  std::string_view doc = {};              ///< doc of `value`; empty: the key's doc
};

/// Says whether Config::hash() includes a key. A program depends on the hashed keys: on sizes of
/// memories and on the instructions that exist. It does not depend on keys that only change timing,
/// the bus or the wiring.
enum class Hashed {
  kAlways,
  kUnlessDefault,  ///< a key added later: programs compiled without it stay valid
  kNever,
};

/// A key of the configuration file.
struct Key {
  std::string_view name;  ///< "array.rows"
  std::variant<IntKey, BoolKey, NameKey, PrecisionsKey> type;
  Verilog verilog;
  std::string_view doc;
  std::string_view raise;  ///< the effect of raising the value or switching it on
  Hashed hashed = Hashed::kAlways;
};

/// Returns all keys in their order in files and documents.
const std::vector<Key>& schema();

/// A parameter in SystemVerilog: "int unsigned", "Rows", "8", "lanes: output pixels or tokens".
struct Parameter {
  std::string type, name, value, doc;
};
/// Returns the parameters of trine_machine for a configuration, in the order of the schema; the
/// last is ConfigHash.
std::vector<Parameter> parameters(const Config& config);

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

}  // namespace trine::spec
