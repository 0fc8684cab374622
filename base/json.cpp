// SPDX-License-Identifier: Apache-2.0

#include "base/json.h"

#include <algorithm>

#include "base/error.h"

namespace trine {

Json parse_json(std::string_view text, const std::string& whence) {
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    const std::string_view before = text.substr(0, error.byte);
    throw_error("{}: is no JSON: line {}", whence,
                1 + std::count(before.begin(), before.end(), '\n'));
  } catch (const Json::out_of_range&) {
    throw_error("{}: is no JSON: a number is too large", whence);
  }
}

std::string json_text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string exact_json_text(const Json& json) { return json.dump(); }

}  // namespace trine
