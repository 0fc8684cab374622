// SPDX-License-Identifier: Apache-2.0
//
// Reads configurations. Collects problems together with the place where each value was written, so
// that one run reports them all.

#include "spec/config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <climits>
#include <cstdlib>
#include <map>
#include <tuple>

#include "spec/isa.h"
#include "spec/precision.h"
#include "spec/schema.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/hash.h"
#include "sw/base/root.h"

namespace trine::spec {
namespace fs = std::filesystem;
namespace {

constexpr int kMaxPmemRows = 1 << 20;  // width of compute.row

/// Returns the Levenshtein distance of two words.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

std::string group_of(std::string_view key) { return std::string(key.substr(0, key.find('.'))); }

bool is_group(const std::string& name) {
  return std::ranges::any_of(
      schema(), [&](const Key& key) { return group_of(key.name) == name && key.name != name; });
}

const Key* find_key(const std::string& name) {
  for (const Key& key : schema())
    if (key.name == name) return &key;
  return nullptr;
}

std::string nearest(const std::string& name, bool table) {
  std::string best;
  for (const Key& key : schema()) {
    const std::string candidate = table ? group_of(key.name) : std::string(key.name);
    if (best.empty() || distance(name, candidate) < distance(name, best)) best = candidate;
  }
  return best;
}

std::string_view type_name(const toml::node& node) {
  return node.is_string()           ? "a string"
         : node.is_integer()        ? "an integer"
         : node.is_floating_point() ? "a float"
         : node.is_boolean()        ? "a boolean"
         : node.is_array()          ? "a list"
         : node.is_table()          ? "a table"
                                    : "a date or time";
}

bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
  });
}

/// Returns true for an integer, even one that is too large for TOML.
bool is_integer(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789_") == std::string_view::npos;
}

class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  void read_toml(const std::string& text) {
    try {
      read_table(toml::parse(text, file_), "");
    } catch (const toml::parse_error& error) {
      problem(fmt::format("{}:{}", file_, error.source().begin.line), "not TOML", "{}",
              error.description());
    }
  }

  void read_setting(const std::string& setting) {
    const std::string place = fmt::format("--set {}", setting);
    const auto equals = setting.find('=');
    if (equals == std::string::npos || equals == 0)
      return problem("--set", setting, "expected key=value, as in array.rows=16");
    const std::string name = setting.substr(0, equals), value = setting.substr(equals + 1);
    toml::table table;
    try {
      table = toml::parse("value = " + value);
    } catch (const toml::parse_error&) {
      if (const Key* key = find_key(name); key != nullptr && is_integer(value))
        return problem(place, name, "{} is {}, allowed {}", value,
                       value[0] == '-' ? "too small" : "too large", allowed_text(*key));
      table.insert("value", value);  // a bare word is a string
    }
    read_node(name, *table.get("value"), place);
  }

  void check_combinations();

  /// Returns the configuration. @throws Error  with all problems
  Config finish() {
    if (problems_.empty()) return config;
    std::ranges::stable_sort(problems_, {}, &Problem::line);
    std::string text;
    for (const Problem& p : problems_) text += (text.empty() ? "" : "\n") + p.text;
    throw Error(text);
  }

  Config config;

 private:
  struct Problem {
    int line;
    std::string text;
  };

  template <typename... Args>
  void problem(const std::string& place, std::string_view key, fmt::format_string<Args...> format,
               Args&&... args) {
    problems_.push_back(
        {line_of(place),
         fmt::format("{}: {}: {}", place, key, fmt::format(format, std::forward<Args>(args)...))});
  }

  /// Reports a combination of values that are legal one by one, at the place where `key` was
  /// written.
  template <typename... Args>
  void combination(std::string_view key, fmt::format_string<Args...> format, Args&&... args) {
    const auto at = places_.find(key);
    problem(at == places_.end() ? file_ : at->second, key, format, std::forward<Args>(args)...);
  }

  void wrong_type(const Key& key, const toml::node& node, const std::string& place,
                  std::string_view hint = "") {
    problem(place, key.name, "is {}, allowed {}{}", type_name(node), allowed_text(key), hint);
  }

  int line_of(const std::string& place) const {
    constexpr int kNoLine = INT_MAX;  // settings sort after the file
    if (!place.starts_with(file_ + ":")) return kNoLine;
    return std::atoi(place.c_str() + file_.size() + 1);
  }

  void read_table(const toml::table& table, const std::string& prefix) {
    for (const auto& [key, node] : table)
      read_node(prefix + std::string(key.str()), node,
                fmt::format("{}:{}", file_, key.source().begin.line));
  }

  void read_node(const std::string& name, const toml::node& node, const std::string& place) {
    const bool group = is_group(name);
    if (group && node.is_table() && !place.starts_with("--set")) {
      read_table(*node.as_table(), name + ".");
    } else if (group) {
      problem(place, name, "is a group of keys, as in {}", nearest(name + ".", false));
    } else if (const Key* key = find_key(name)) {
      assign(*key, node, place);
      places_[name] = place;
    } else {
      problem(place, name, "unknown key, did you mean {}? (all keys: trine generate --help)",
              nearest(name, node.is_table()));
    }
  }

  void assign(const Key& key, const toml::node& node, const std::string& place) {
    if (const auto* number = std::get_if<IntKey>(&key.type)) {
      assign_int(key, *number, node, place);
    } else if (const auto* flag = std::get_if<BoolKey>(&key.type)) {
      if (const auto value = node.value_exact<bool>())
        config.*flag->member = *value;
      else
        wrong_type(key, node, place);
    } else if (const auto* text = std::get_if<NameKey>(&key.type)) {
      const auto value = node.value_exact<std::string>();
      if (!value)
        wrong_type(key, node, place);
      else if (!is_name(*value))
        problem(place, key.name, "\"{}\", allowed {}", *value, allowed_text(key));
      else
        config.*text->member = *value;
    } else {
      assign_precisions(key, node, place);
    }
  }

  void assign_int(const Key& key, const IntKey& type, const toml::node& node,
                  const std::string& place) {
    const auto value = node.value_exact<std::int64_t>();
    if (!value) return wrong_type(key, node, place);
    const auto [low, high] = std::ranges::minmax(type.allowed);
    const bool listed = std::ranges::find(type.allowed, *value) != type.allowed.end();
    const char* fault = *value < low              ? "is too small"
                        : *value > high           ? "is too large"
                        : type.choices && !listed ? "is not available"
                                                  : nullptr;
    if (fault != nullptr)
      return problem(place, key.name, "{} {}, allowed {}", *value, fault, allowed_text(key));
    config.*type.member = static_cast<int>(*value);
  }

  void assign_precisions(const Key& key, const toml::node& node, const std::string& place) {
    const toml::array* list = node.as_array();
    if (list == nullptr)
      return wrong_type(key, node, place,
                        place.starts_with("--set")
                            ? ", as in --set 'array.precisions=[\"int8\", \"ternary\"]'"
                            : "");
    if (list->empty()) return problem(place, key.name, "is empty, allowed {}", allowed_text(key));
    Config chosen = config;
    for (const Precision& p : kPrecisions) chosen.*p.enabled = false;
    for (const toml::node& entry : *list) {
      const auto name = entry.value_exact<std::string>();
      const Precision* named = find_precision([&](const Precision& p) { return p.name == name; });
      if (named == nullptr)
        return problem(place, key.name, "{} is not available, allowed {}",
                       name ? '"' + *name + '"' : std::string(type_name(entry)), allowed_text(key));
      chosen.*named->enabled = true;
    }
    config = chosen;
  }

  void check_attributes();

  std::string file_;
  std::map<std::string, std::string, std::less<>> places_;  // key -> "edge.toml:4", "--set k=v"
  std::vector<Problem> problems_;
};

void Reader::check_combinations() {
  const Config& c = config;
  check_attributes();
  if (c.dmem_words() % c.banks() != 0 || c.bank_rows() < 4)
    combination("memory.dmem_kib",
                "{} KiB do not fill {} banks (array.rows, bus.axi_data_bits) with the "
                "same number of rows, allowed multiples of {:g}, at least {:g}",
                c.dmem_kib, c.banks(), std::max(1.0, c.banks() / 256.0),
                std::max(8.0, c.banks() / 64.0));
  if (c.dmem_words() < 16 * c.rows)
    combination("memory.dmem_kib",
                "{} KiB cannot hold 8 vectors of {} words twice, allowed at least {}", c.dmem_kib,
                c.rows, (c.rows * 16 + 255) / 256);
  if (c.pmem_rows() < 16)
    combination("memory.pmem_kib",
                "{} KiB hold {} rows of {} words (array.cols), allowed at least {} KiB (16 rows)",
                c.pmem_kib, c.pmem_rows(), c.cols, (c.cols * 16 + 255) / 256);
  if (c.pmem_rows() > kMaxPmemRows)
    combination("memory.pmem_kib",
                "{} KiB hold {} rows of {} words (array.cols), allowed at most {} KiB (2^20 rows)",
                c.pmem_kib, c.pmem_rows(), c.cols, 4096 * c.cols);
  if (c.weights4 && !c.int8)
    combination("array.precisions",
                "lacks \"int8\", which array.weights4 requires, allowed a list with \"int8\"");
  if (c.groups && !c.weights4)
    combination("array.groups", "true requires array.weights4, allowed false");
  if (c.groups && c.ecc)
    combination("array.groups",
                "true with memory.ecc, allowed false, because ECC does not protect factors");
  if (c.packed && c.cols % 4 != 0)
    combination("array.cols", "{} with memory.packed_weights, allowed multiples of 4", c.cols);
  if (c.packed && c.axi_data_bits > 512)
    combination("bus.axi_data_bits", "{} bits with memory.packed_weights, allowed at most 512",
                c.axi_data_bits);
  else if (c.packed && c.axi_data_bits > 64 && !c.ternary)
    combination("array.precisions",
                "lacks \"ternary\": on a bus of {} bits memory.packed_weights packs only ternary "
                "weights, allowed a list with it",
                c.axi_data_bits);
  if (c.activations16 && c.rows % 2 != 0)
    combination("array.rows", "{} with array.activations16, allowed even numbers of 2..256",
                c.rows);
  if (c.formats && !c.activations16)
    combination("array.formats", "true requires array.activations16, allowed false");
  if (c.activations16 && !c.int8)
    combination("array.precisions",
                "lacks \"int8\", which array.activations16 requires, allowed a list with \"int8\"");
  if (c.param_channels < c.cols)
    combination("memory.param_channels", "{} is less than array.cols, allowed at least {}",
                c.param_channels, c.cols);
  if (c.columns_per_cycle > c.pipeline_cols)
    combination(
        "post.columns_per_cycle",
        "{} columns per cycle require at least as many pipeline.cols, but it is {}, allowed 1",
        c.columns_per_cycle, c.pipeline_cols);
  if (c.param_channels % c.data_words() != 0 || c.param_channels < 2 * c.data_words())
    combination("memory.param_channels",
                "{} does not fill beats of {} words (bus.axi_data_bits), allowed multiples of {}, "
                "at least {}",
                c.param_channels, c.data_words(), c.data_words(), 2 * c.data_words());
}

void Reader::check_attributes() {
  const Config& c = config;
  if (c.axi_id % 2 != 0 || c.axi_id >> c.axi_id_bits != 0)
    combination("bus.axi_id",
                "{} and the next number are not both IDs of {} bits (bus.axi_id_bits), allowed "
                "even numbers of 0..{}",
                c.axi_id, c.axi_id_bits, (1 << c.axi_id_bits) - 2);
  if (static_cast<std::int64_t>(c.axi_user) >> c.axi_user_bits != 0)
    combination("bus.axi_user", "{} has more than {} bits (bus.axi_user_bits), allowed 0..{}",
                c.axi_user, c.axi_user_bits, (std::int64_t{1} << c.axi_user_bits) - 1);
}

/// Returns the path to read, and its name in messages.
std::pair<fs::path, std::string> locate(const std::string& file_or_preset) {
  const fs::path given = file_or_preset;
  if (given.has_extension() || given.has_parent_path() || fs::is_regular_file(given))
    return {given, file_or_preset};
  const fs::path preset = project_root() / "spec" / "presets" / (file_or_preset + ".toml");
  if (!fs::is_regular_file(preset))
    throw_error("{}: no such preset, allowed {} or a TOML file", file_or_preset,
                fmt::join(preset_names(), ", "));
  return {preset, "spec/presets/" + file_or_preset + ".toml"};
}

}  // namespace

int Config::banks() const {
  int banks = 8;
  while (banks < 2 * rows || banks < data_words()) banks *= 2;
  return banks;
}

int Config::bank_rows() const { return dmem_words() / banks(); }

bool Config::has_thresholds() const {
  return find_precision([&](const Precision& p) { return p.bits < 8 && this->*p.enabled; }) !=
         nullptr;
}

int Config::pmem_rows() const { return pmem_kib * 256 / cols / 2 * 2; }

int Config::rows_per_beat() const { return cols >= data_words() ? 1 : data_words() / cols; }

int Config::beats_per_row() const {
  return cols >= data_words() ? (cols + data_words() - 1) / data_words() : 1;
}

std::int64_t Config::pmem_dram_words(std::int64_t n) const {
  return n / rows_per_beat() * beats_per_row() * data_words();
}

unsigned Config::features() const {
  namespace f = isa::feature;
  const auto bit = [](bool has, unsigned feature) { return has ? feature : 0U; };
  unsigned precisions = 0;
  for (const Precision& p : kPrecisions) precisions |= bit(this->*p.enabled, p.feature);
  return precisions | bit(has_thresholds(), f::kThresholds) | bit(vector, f::kVector) |
         bit(table, f::kTable) | bit(has_softmax(), f::kSoftmax) | bit(window(), f::kWindow) |
         bit(zero_points(), f::kMaps) | bit(cols >= 4, f::kQuad) | bit(activations16, f::kInt16) |
         bit(weights4, f::kInt4) | bit(groups, f::kGroups) | bit(packed, f::kPacked) |
         bit(packed && data_bits() == 64, f::kStreams) | bit(cores > 1, f::kCluster) |
         bit(formats, f::kFormats) | bit(partial_sums, f::kSums);
}

std::uint64_t Config::hash() const {
  std::string text = fmt::format("isa {}\n", isa::kVersion);
  for (const Key& key : schema())
    if (key.hashed == Hashed::kAlways || (key.hashed == Hashed::kUnlessDefault &&
                                          value_text(key, *this) != value_text(key, Config{})))
      text += fmt::format("{} = {}\n", key.name, value_text(key, *this));
  return isa::encode_begin(hash64(text));
}

std::uint64_t Config::identity() const {
  Config unnamed = *this;
  unnamed.name.clear();
  return hash64(unnamed.to_toml());
}

std::string Config::to_toml() const {
  std::string text, group;
  for (const Key& key : schema()) {
    const auto dot = key.name.find('.');
    if (dot != std::string_view::npos && group != group_of(key.name)) {
      group = group_of(key.name);
      text += fmt::format("\n[{}]\n", group);
    }
    text += fmt::format("{} = {}\n", key.name.substr(dot + 1), value_text(key, *this));
  }
  return text;
}

Config load_config(const std::string& file_or_preset, const std::vector<std::string>& settings) {
  const auto [path, label] = locate(file_or_preset);
  Reader reader(label);
  reader.config.name = path.stem().string();
  reader.read_toml(read_text(path));
  for (const std::string& setting : settings) reader.read_setting(setting);
  reader.finish();  // reports illegal values first: combinations of them would only confuse
  reader.check_combinations();
  return reader.finish();
}

Config parse_config(const std::string& toml, const std::string& file) {
  Reader reader(file);
  reader.read_toml(toml);
  reader.finish();
  reader.check_combinations();
  return reader.finish();
}

void check(const Config& config) { parse_config(config.to_toml(), config.name); }

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(project_root() / "spec" / "presets"))
    if (entry.path().extension() == ".toml") names.push_back(entry.path().stem().string());
  // Order: all features, features of one use, sizes of known machines; edge32 before edge1024.
  std::ranges::sort(names, {}, [](const std::string& name) {
    const int kind = name.starts_with("edge") ? 0 : name.ends_with("-size") ? 2 : 1;
    return std::tuple(kind, name.substr(0, name.find_first_of("0123456789")), name.size(), name);
  });
  return names;
}

}  // namespace trine::spec
