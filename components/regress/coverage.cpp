// SPDX-License-Identifier: Apache-2.0

#include "components/regress/coverage.h"

#include <algorithm>
#include <charconv>
#include <regex>
#include <sstream>
#include <string_view>

#include "sw/base/file.h"
#include "sw/base/text.h"

namespace trine::regress {
namespace {

namespace fs = std::filesystem;

/// Returns a field of a counter's key: "\1f\2FILE\1l\2LINE ...".
std::string_view field(std::string_view key, std::string_view name) {
  const std::string mark = "\1" + std::string(name) + "\2";
  const std::size_t at = key.find(mark);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = at + mark.size();
  return key.substr(begin, key.find('\1', begin) - begin);
}

int number(std::string_view text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// Adds one counter: C 'KEY' COUNT. The key's field S lists lines and ranges: "12-14,17".
void add_counter(std::string_view line, Lines& lines) {
  const std::size_t end = line.rfind("' ");
  if (!line.starts_with("C '") || end == std::string_view::npos) return;
  const std::string_view key = line.substr(3, end - 3);
  const bool ran = number(line.substr(end + 2)) > 0;
  std::string_view ranges = field(key, "S");
  const std::string file = fs::path(field(key, "f")).filename().string();
  while (!ranges.empty()) {
    const std::string_view range = ranges.substr(0, ranges.find(','));
    ranges.remove_prefix(std::min(ranges.size(), range.size() + 1));
    const std::size_t dash = range.find('-');
    const int first = number(range.substr(0, dash));
    const int last = dash == std::string_view::npos ? first : number(range.substr(dash + 1));
    for (int n = first; n <= last; ++n) lines[file][n] |= ran;
  }
}

std::vector<std::string> lines_of(const fs::path& file) {
  std::vector<std::string> text;
  if (!fs::exists(file)) return text;
  std::istringstream in(read_text(file));
  for (std::string line; std::getline(in, line);) text.push_back(line);
  return text;
}

std::size_t indentation(const std::string& line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

/// Returns the lines of a file without their indentation.
std::vector<std::string> text_of(const fs::path& file) {
  std::vector<std::string> text = lines_of(file);
  for (std::string& line : text) line.erase(0, indentation(line));
  return text;
}

/// Returns true for "if (A && B ..", ".. else if (A)" where one of the first operands is off.
bool is_off(const std::string& line, const std::set<std::string>& off) {
  static const std::regex condition(R"(\bif \(((?:[A-Z]\w* && )*[A-Z]\w*)(?:\)| &&))");
  std::smatch found;
  if (!std::regex_search(line, found, condition)) return false;
  std::istringstream names(found[1].str());
  for (std::string name; names >> name;)
    if (off.contains(name)) return true;
  return false;
}

}  // namespace

void add_counters(const fs::path& folder, Lines& lines) {
  if (!fs::exists(folder)) return;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".dat") continue;
    const std::string text = read_text(entry.path());
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      add_counter(std::string_view(text).substr(at, end - at), lines);
      at = end + 1;
    }
  }
}

Json to_json(const Lines& lines) {
  Json json = Json::object();
  for (const auto& [file, of_file] : lines)
    for (const auto& [line, ran] : of_file) json[file][ran ? "ran" : "missed"].push_back(line);
  return json;
}

void add_json(const Json& json, Lines& lines) {
  for (const auto& [file, of_file] : json.items())
    for (const bool ran : {true, false})
      if (const char* key = ran ? "ran" : "missed"; of_file.contains(key))
        for (const int line : of_file.at(key)) lines[file][line] |= ran;
}

int excuse(const fs::path& design, const fs::path& exceptions, Lines& lines) {
  int removed = 0;
  std::istringstream in(read_text(exceptions));
  for (std::string entry; std::getline(in, entry);) {
    const std::size_t one = entry.find(" | "), two = entry.find(" | ", one + 1);
    if (entry.starts_with("#") || two == std::string::npos) continue;
    const std::string file = entry.substr(0, entry.find_first_of(" |"));
    const std::string text = entry.substr(one + 3, two - one - 3);
    const auto found = lines.find(file);
    if (found == lines.end()) continue;
    const std::vector<std::string> source = text_of(design / file);
    removed += static_cast<int>(std::erase_if(found->second, [&](const auto& line) {
      const auto at = static_cast<std::size_t>(line.first) - 1;
      return !line.second && at < source.size() && source[at] == text;
    }));
  }
  return removed;
}

int excuse_features(const fs::path& design, const std::set<std::string>& off, Lines& lines) {
  int removed = 0;
  for (auto& [file, of_file] : lines) {
    const std::vector<std::string> source = lines_of(design / file);
    std::set<int> unreachable;
    for (std::size_t at = 0; at < source.size(); ++at) {
      if (!is_off(source[at], off)) continue;
      unreachable.insert(static_cast<int>(at) + 1);
      const std::size_t depth = indentation(source[at]);
      for (std::size_t next = at + 1;
           next < source.size() && (source[next].empty() || indentation(source[next]) > depth);
           ++next)
        unreachable.insert(static_cast<int>(next) + 1);
    }
    removed += static_cast<int>(std::erase_if(of_file, [&](const auto& line) {
      return !line.second && unreachable.contains(line.first);
    }));
  }
  return removed;
}

std::vector<MissedLine> missed(const fs::path& design, const Lines& lines) {
  std::vector<MissedLine> all;
  for (const auto& [file, of_file] : lines) {
    const std::vector<std::string> source = text_of(design / file);
    for (const auto& [line, ran] : of_file) {
      const auto at = static_cast<std::size_t>(line) - 1;
      if (!ran) all.push_back({file, line, at < source.size() ? source[at] : ""});
    }
  }
  return all;
}

}  // namespace trine::regress
