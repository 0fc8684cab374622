// SPDX-License-Identifier: Apache-2.0

#include "sw/base/json.h"

#include <algorithm>

#include "sw/base/error.h"

namespace trine {
namespace {

template <typename AnyJson>
AnyJson parse(std::string_view text, const std::string& whence) {
  try {
    return AnyJson::parse(text);
  } catch (const Json::parse_error& error) {
    const std::string_view before = text.substr(0, error.byte);
    throw_error("{}: is not valid JSON: line {}", whence,
                1 + std::count(before.begin(), before.end(), '\n'));
  } catch (const Json::out_of_range&) {
    throw_error("{}: is not valid JSON: a number is too large", whence);
  }
}

}  // namespace

Json parse_json(std::string_view text, const std::string& whence) {
  return parse<Json>(text, whence);
}

SortedJson parse_sorted_json(std::string_view text, const std::string& whence) {
  return parse<SortedJson>(text, whence);
}

std::string json_text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string sorted_json_text(const SortedJson& json) {
  return json.dump(-1, ' ', false, SortedJson::error_handler_t::replace);
}

std::string exact_json_text(const Json& json) { return json.dump(); }

}  // namespace trine
