// SPDX-License-Identifier: Apache-2.0
//
// Parses and prints JSON. Only json.cpp compiles nlohmann's parser and serializer.

#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace trine {

using Json = nlohmann::ordered_json;  ///< keys in the order of the text
/// JSON with sorted keys, for objects with many keys: Json searches its keys one by one.
using SortedJson = nlohmann::json;

/// Parses JSON.
/// @param whence  the file, or another source that an error names
/// @throws Error  "WHENCE: is not valid JSON: line N", also for bytes that are not valid UTF-8
Json parse_json(std::string_view text, const std::string& whence);
/// Parses JSON into sorted objects. @throws Error  as parse_json()
SortedJson parse_sorted_json(std::string_view text, const std::string& whence);

/// Returns JSON as valid UTF-8 text: other bytes are replaced by U+FFFD.
/// @param indent  blanks for each level; -1: everything in one line
std::string json_text(const Json& json, int indent = -1);
/// Returns JSON as text in one line, other bytes replaced as in json_text().
std::string sorted_json_text(const SortedJson& json);
/// Returns JSON as text in one line.
/// @throws Json::type_error  bytes that are not valid UTF-8, since parsing would not restore them
std::string exact_json_text(const Json& json);

}  // namespace trine
