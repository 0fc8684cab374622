// SPDX-License-Identifier: Apache-2.0

#include "components/sweep/names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

namespace trine::sweep {

std::string base_of(const std::string& path) { return std::filesystem::path(path).stem().string(); }

bool is_model(const std::string& setting) { return setting.starts_with("--table="); }

Names::Names(const std::vector<Point>& points, bool joint) {
  std::set<std::string> configs, models;
  std::map<std::string, std::set<std::string>> values;
  std::map<std::string, std::size_t> counts;
  std::vector<std::string> keys;
  for (const Point& p : points) {
    configs.insert(p.config);
    models.insert(p.model);
    for (const std::string& setting : p.settings) {
      if (is_model(setting)) continue;
      const auto [key, value] = split(setting);
      if (values[key].empty()) keys.push_back(key);
      values[key].insert(value);
      ++counts[key];
    }
  }
  config_ = short_names(configs);
  model_ = short_names(models);
  has_config_ = configs.size() > 1;
  has_model_ = models.size() > 1 && !joint;
  if (!has_config_) common_.push_back(config_[*configs.begin()]);
  for (const auto& [path, name] : model_)
    if (!has_model_ && !name.empty()) common_.push_back(name);
  for (const std::string& key : keys) {
    if (values[key].size() > 1 || counts[key] < points.size())
      keys_.emplace_back(key, tail_of(key));
    else
      common_.push_back(fmt::format("{}={}", key, *values[key].begin()));
  }
  for (auto& [key, tail] : keys_)
    if (std::ranges::count(keys_, tail, [](const auto& k) { return tail_of(k.first); }) > 1)
      tail = key;
}

std::vector<std::string> Names::heads() const {
  std::vector<std::string> all;
  if (has_config_) all.emplace_back("configuration");
  for (const auto& [key, tail] : keys_) all.push_back(tail);
  if (has_model_) all.emplace_back("model");
  return all;
}

std::vector<std::string> Names::cells(const Point& p) const {
  std::vector<std::string> all;
  if (has_config_) all.push_back(config_.at(p.config));
  for (const auto& [key, tail] : keys_) all.push_back(value_of(p, key));
  if (has_model_) all.push_back(model_.at(p.model));
  return all;
}

std::string Names::label(const Point& p) const {
  std::vector<std::string> parts;
  if (has_config_) parts.push_back(config_.at(p.config));
  const bool alone = keys_.size() == 1;
  for (const auto& [key, tail] : keys_)
    parts.push_back(alone ? fmt::format("{}={}", tail, value_of(p, key)) : value_of(p, key));
  return fmt::format("{}", fmt::join(parts, " / "));
}

std::string Names::label_key() const {
  std::vector<std::string> parts;
  if (has_config_) parts.emplace_back("configuration");
  for (const auto& [key, tail] : keys_) parts.push_back(tail);
  return keys_.size() < 2 ? "" : fmt::format("{}", fmt::join(parts, " / "));
}

std::pair<std::string, std::string> Names::split(const std::string& setting) {
  const std::size_t at = setting.find('=');
  return {setting.substr(0, at), at == std::string::npos ? "" : setting.substr(at + 1)};
}

std::string Names::tail_of(const std::string& key) {
  return key.substr(key.find_last_of(key.starts_with("--") ? "-" : ".") + 1);
}

std::string Names::value_of(const Point& p, const std::string& key) {
  for (const std::string& setting : p.settings)
    if (split(setting).first == key) return split(setting).second;
  return "";
}

std::map<std::string, std::string> Names::short_names(const std::set<std::string>& paths) {
  std::map<std::string, std::string> names;
  std::set<std::string> all;
  for (const std::string& path : paths) all.insert(names[path] = base_of(path));
  if (all.size() < paths.size())
    for (auto& [path, name] : names) name = path;
  return names;
}

}  // namespace trine::sweep
