// SPDX-License-Identifier: Apache-2.0

#include "tools/estimate/shape_table.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <sstream>
#include <string_view>

#include "sw/base/error.h"
#include "sw/base/index.h"
#include "sw/compiler/network/network.h"

namespace trine::estimate {
namespace {

constexpr int kSame = -1;  ///< value of ShapeRow::pad until the window is known

struct Column {
  std::string_view name;
  int ShapeRow::*value;
  int least, most;
};

constexpr Column kColumns[] = {{"N", &ShapeRow::N, 1, 8191},
                               {"C", &ShapeRow::C, 1, 1 << 20},
                               {"H", &ShapeRow::H, 1, 65535},
                               {"W", &ShapeRow::W, 1, 65535},
                               {"M", &ShapeRow::M, 1, 1 << 20},
                               {"R", &ShapeRow::R, 1, 4096},
                               {"S", &ShapeRow::S, 1, 4096},
                               {"U", &ShapeRow::U, 1, compiler::kMostStride},
                               {"D", &ShapeRow::D, 1, 255},
                               {"pad", &ShapeRow::pad, 0, 255},
                               {"groups", &ShapeRow::groups, 1, 1 << 20},
                               {"times", &ShapeRow::times, 1, 1'000'000},
                               {"bias", &ShapeRow::bias, 0, 2}};

/// A type, and the columns that it uses in addition to name, type, from and times.
struct Type {
  std::string_view name, columns;
  std::size_t sources;  ///< number of sources that it reads; 0: two or more
};

constexpr Type kTypes[] = {{"conv", "C H W M R S U D pad groups bias", 1},
                           {"depthwise", "C H W M R S U D pad bias", 1},
                           {"fc", "N C H W M bias", 1},
                           {"matmul", "C H W M", 1},
                           {"max", "C H W R S U pad", 1},
                           {"avg", "C H W R S U pad", 1},
                           {"add", "C H W", 2},
                           {"mul", "C H W", 2},
                           {"concat", "", 0},
                           {"softmax", "C H W", 1},
                           {"norm", "C H W bias", 1},
                           {"embed", "C M", 1}};

const Type& type_of(const ShapeRow& row) { return kTypes[static_cast<std::size_t>(row.type)]; }

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

bool takes(const Type& type, const std::string& column) {
  if (column == "name" || column == "type" || column == "from" || column == "times") return true;
  return std::ranges::count(words_of(std::string(type.columns)), column) > 0;
}

/// Splits at commas and removes blanks.
std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields(1);
  for (const char c : line)
    if (c == ',')
      fields.emplace_back();
    else
      fields.back() += c;
  for (std::string& field : fields) {
    const auto begin = field.find_first_not_of(" \t\r");
    const auto end = field.find_last_not_of(" \t\r");
    field = begin == std::string::npos ? "" : field.substr(begin, end - begin + 1);
  }
  return fields;
}

std::optional<int> number_of(const std::string& text) {
  int value = 0;
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && last == end ? std::optional(value) : std::nullopt;
}

class Parser {
 public:
  explicit Parser(const std::string& file) { table_.file = file; }

  ShapeTable run(const std::string& text) {
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
      ++line_;
      const std::vector<std::string> fields = fields_of(line);
      if ((fields.size() == 1 && fields[0].empty()) || fields[0].starts_with('#')) continue;
      if (header_.empty())
        header(fields);
      else
        row(fields);
    }
    if (table_.rows.empty())
      fail(std::max(line_, 1), "no row, allowed a header and a row for each layer");
    return std::move(table_);
  }

 private:
  template <typename... Args>
  [[noreturn]] void at_fault(const std::string& column, fmt::format_string<Args...> format,
                             Args&&... args) const {
    fail(line_, column + ": " + fmt::format(format, std::forward<Args>(args)...));
  }

  [[noreturn]] void fail(int line, const std::string& what) const {
    throw_error("{}:{}: {}", table_.file, line, what);
  }

  void header(const std::vector<std::string>& fields) {
    std::vector<std::string_view> known{"name", "type", "from"};
    for (const Column& column : kColumns) known.push_back(column.name);
    for (const std::string& field : fields)
      if (std::ranges::count(known, field) == 0)
        at_fault("header", "no column '{}', allowed {}", field, fmt::join(known, ", "));
      else if (std::ranges::count(fields, field) > 1)
        at_fault("header", "column '{}' occurs twice", field);
    for (const char* needed : {"name", "type"})
      if (std::ranges::count(fields, needed) == 0) at_fault("header", "lacks column '{}'", needed);
    header_ = fields;
  }

  void row(const std::vector<std::string>& fields) {
    if (fields.size() != header_.size())
      fail(line_, fmt::format("{} fields, the header has {}", fields.size(), header_.size()));
    std::map<std::string, std::string> given;
    for (std::size_t i = 0; i < fields.size(); ++i)
      if (!fields[i].empty()) given[header_[i]] = fields[i];
    ShapeRow r;
    r.line = line_;
    name(r, given["name"]);
    type(r, given["type"]);
    for (const auto& [column, text] : given)
      if (!takes(type_of(r), column) && !text.empty())
        at_fault(column, "{}, but the column must be empty for type {}", text, type_of(r).name);
    numbers(r, given);
    sources(r, words_of(given["from"]));
    shape(r);
    table_.rows.push_back(r);
  }

  void name(ShapeRow& r, const std::string& text) {
    if (text.empty()) at_fault("name", "is empty, each row needs one");
    if (text == "input" || words_of(text).size() != 1 || rows_.contains(text))
      at_fault("name", "'{}', allowed one word that is neither 'input' nor the name of another row",
               text);
    r.name = text;
    rows_[text] = static_cast<int>(table_.rows.size());
  }

  void type(ShapeRow& r, const std::string& text) {
    const auto found = std::ranges::find(kTypes, text, &Type::name);
    if (found == std::end(kTypes)) {
      std::vector<std::string_view> names;
      for (const Type& known : kTypes) names.push_back(known.name);
      at_fault("type", "'{}', allowed {}", text, fmt::join(names, ", "));
    }
    r.type = static_cast<ShapeType>(found - kTypes);
  }

  void numbers(ShapeRow& r, const std::map<std::string, std::string>& given) {
    for (const Column& column : kColumns) {
      const auto found = given.find(std::string(column.name));
      if (found == given.end()) continue;
      const bool pad = column.name == "pad";
      if (pad && found->second == "same") {
        r.pad = kSame;
        continue;
      }
      const auto value = number_of(found->second);
      if (!value || *value < column.least || *value > column.most)
        at_fault(found->first, "{}, allowed {}..{}{}", found->second, column.least, column.most,
                 pad ? " or same" : "");
      r.*column.value = *value;
    }
  }

  /// Resolves the sources; if `from` is empty, the row above if its result has a matching shape.
  void sources(ShapeRow& r, const std::vector<std::string>& names) {
    const std::size_t wanted = type_of(r).sources;
    const int above = static_cast<int>(table_.rows.size()) - 1;
    if (r.type == ShapeType::kEmbed) {
      if (!names.empty()) at_fault("from", "must be empty for type embed");
      return;
    }
    if (names.empty() && wanted == 1) {
      const bool fits = above >= 0 && table_.rows[at(above)].type != ShapeType::kEmbed &&
                        gives(table_.rows[at(above)], r);
      r.from = {fits ? above : -1};
    }
    for (const std::string& name : names) r.from.push_back(source(r, name));
    if (wanted == 0 ? r.from.size() < 2 : r.from.size() != wanted)
      at_fault("from", "{} names, {} reads {}", names.size(), type_of(r).name,
               wanted == 0 ? "two or more" : std::to_string(wanted));
  }

  int source(const ShapeRow& r, const std::string& name) {
    if (name == "input") return -1;
    const auto found = rows_.find(name);
    if (found == rows_.end() || name == r.name ||
        table_.rows[at(found->second)].type == ShapeType::kEmbed)
      at_fault("from", "no map '{}' above, allowed input and the names of earlier rows", name);
    return found->second;
  }

  /// Returns true if the row's given extents equal those of the other row's result.
  static bool gives(const ShapeRow& other, const ShapeRow& r) {
    return (r.C == 0 || r.C == other.M) && (r.H == 0 || r.H == other.P) &&
           (r.W == 0 || r.W == other.Q);
  }

  void shape(ShapeRow& r) {
    if (r.type == ShapeType::kConcat)
      join(r);
    else if (r.type != ShapeType::kEmbed)
      input(r);
    if (r.C == 0) at_fault("C", "is empty, and no earlier row gives it");
    if (r.bias < 0) r.bias = r.is_product() && r.type != ShapeType::kMatmul ? 1 : 0;
    channels(r);
    if (r.type != ShapeType::kEmbed) window(r);
  }

  /// Sets missing extents to those of the first map that the row reads.
  void input(ShapeRow& r) {
    for (const int from : r.from) {
      if (from < 0) continue;
      const ShapeRow& other = table_.rows[at(from)];
      const bool gate = r.type == ShapeType::kMul && other.P == 1 && other.Q == 1;
      if (r.C == 0) r.C = other.M;
      if (!gate && r.H == 0) r.H = other.P;
      if (!gate && r.W == 0) r.W = other.Q;
      ShapeRow asked = r;
      if (gate) asked.H = asked.W = 0;
      if (!gives(other, asked))
        at_fault("from", "{} gives {} x {} x {} (C x H x W), allowed {} x {} x {}", other.name,
                 other.M, other.P, other.Q, r.C, r.H, r.W);
    }
    r.H = std::max(r.H, 1);
    r.W = std::max(r.W, 1);
  }

  void join(ShapeRow& r) {
    for (const int from : r.from) {
      if (from < 0) at_fault("from", "input, allowed the names of earlier rows");
      const ShapeRow& other = table_.rows[at(from)];
      if (r.C == 0) {
        r.H = other.P;
        r.W = other.Q;
      } else if (other.P != r.H || other.Q != r.W) {
        at_fault("from", "{} has {} x {} pixels, the first has {} x {}", other.name, other.P,
                 other.Q, r.H, r.W);
      }
      r.C += other.M;
    }
  }

  void channels(ShapeRow& r) {
    if (r.type == ShapeType::kDepthwise) r.groups = r.C;
    const bool own = r.type == ShapeType::kConv || r.type == ShapeType::kFc ||
                     r.type == ShapeType::kMatmul || r.type == ShapeType::kEmbed;
    if (own && r.M == 0) at_fault("M", "is empty, {} needs it", type_of(r).name);
    if (r.M == 0) r.M = r.C;
    if (r.C % r.groups != 0 || r.M % r.groups != 0)
      at_fault(r.type == ShapeType::kDepthwise ? "M" : "groups",
               "{} channels and {} filters in {} groups, allowed divisors of both", r.C, r.M,
               r.groups);
  }

  void window(ShapeRow& r) {
    const bool pool = r.type == ShapeType::kMax || r.type == ShapeType::kAvg;
    const bool whole = r.type == ShapeType::kFc || (pool && r.R == 0 && r.S == 0);
    if (r.R == 0) r.R = whole ? r.H : std::max(r.S, 1);
    if (r.S == 0) r.S = whole ? r.W : r.R;
    r.P = extent(r, "R", r.H, r.R);
    r.Q = extent(r, "S", r.W, r.S);
    const bool same = r.pad == kSame;
    r.pad_left = same ? before(r, r.Q, r.W, r.S) : r.pad;
    if (same) r.pad = before(r, r.P, r.H, r.R);
  }

  /// Returns the smaller half of the positions that the windows lack.
  static int before(const ShapeRow& r, int positions, int size, int taps) {
    return std::max(0, (positions - 1) * r.U + (taps - 1) * r.D + 1 - size) / 2;
  }

  /// Returns (H - (R - 1) D - 1 + 2 pad) / U + 1, or H / U rounded up.
  int extent(const ShapeRow& r, const std::string& column, int size, int taps) {
    if (r.pad == kSame) return (size + r.U - 1) / r.U;
    const int room = size - (taps - 1) * r.D - 1 + 2 * r.pad;
    if (room < 0)
      at_fault(column, "a filter of {} taps does not fit {} pixels with a padding of {}", taps,
               size, r.pad);
    return room / r.U + 1;
  }

  ShapeTable table_;
  std::vector<std::string> header_;
  std::map<std::string, int> rows_;
  int line_ = 0;
};

}  // namespace

std::int64_t ShapeRow::macs() const {
  if (!is_product()) return 0;
  return std::int64_t{N} * P * Q * M * (C / groups) * R * S;
}

std::int64_t ShapeRow::parameters() const {
  if (type == ShapeType::kEmbed) return std::int64_t{C} * M;
  if (type == ShapeType::kNorm) return std::int64_t{bias} * C;
  if (!is_product() || type == ShapeType::kMatmul) return 0;
  return std::int64_t{M} * (C / groups) * R * S + std::int64_t{bias} * M;
}

std::string name_of(ShapeType type) {
  return std::string(kTypes[static_cast<std::size_t>(type)].name);
}

ShapeTable parse_shapes(const std::string& text, const std::string& file) {
  return Parser(file).run(text);
}

}  // namespace trine::estimate
