// SPDX-License-Identifier: Apache-2.0
//
// JSON and its text: nlohmann's parser and serializer are compiled in json.cpp alone.

#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace trine {

using Json = nlohmann::ordered_json;  ///< keys in the order of the text
using SortedJson = nlohmann::json;    ///< for objects of many keys, which Json looks up one by one

/// @param whence  the file, or what else an error names
/// @throws Error  "WHENCE: is no JSON: line N", also for bytes that are no UTF-8
Json parse_json(std::string_view text, const std::string& whence);
SortedJson parse_sorted_json(std::string_view text, const std::string& whence);

/// @param indent  blanks for each level; -1: all in one line
/// @return text of valid UTF-8: other bytes are replaced by U+FFFD
std::string json_text(const Json& json, int indent = -1);
std::string sorted_json_text(const SortedJson& json);
/// In one line. @throws Json::type_error  bytes that are no UTF-8: they would not come back
std::string exact_json_text(const Json& json);

}  // namespace trine
