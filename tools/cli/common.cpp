// SPDX-License-Identifier: Apache-2.0

#include "tools/cli/common.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sstream>

#include "spec/schema.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "sw/base/root.h"

namespace trine::cli {
namespace {

bool is_stdout(const std::string& file) { return file == "-"; }

void to_stdout(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) flush_stdout();
}

}  // namespace

void Output::declare(Command app) {
  command = app.name();
  add_value(app, "--json FILE", json_file,
            "write the results to FILE as JSON; -: to stdout, and nothing else");
  app.add_flag("--quiet,-q", quiet, "print nothing but errors");
}

void Output::check(std::vector<NamedFile> written, const std::vector<NamedFile>& read) const {
  if (!is_stdout(json_file)) written.push_back({"--json", json_file});
  for (std::size_t i = 0; i < written.size(); ++i) {
    const auto& [option, path] = written[i];
    if (path.empty()) continue;
    for (const NamedFile& other : read)
      if (!other.path.empty() && same_file(path, other.path))
        throw_error("{}: {} is the file that {} reads", option, path, other.option);
    for (std::size_t k = 0; k < i; ++k)
      if (!written[k].path.empty() && same_file(path, written[k].path))
        throw_error("{}: {} is written by {} already, allowed once", option, path,
                    written[k].option);
    check_writable(path);
  }
}

void Output::print(const std::string& text) const {
  if (!quiet && !is_stdout(json_file)) to_stdout(text);
}

void flush_stdout() {
  errno = EIO;  // for a failure that occurred earlier
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    throw_error("trine: standard output: cannot write: {}", std::strerror(errno));
}

std::string revision() {
  const std::filesystem::path root = project_root();
  std::string text;
  if (std::filesystem::exists(root / "cmake" / "revision"))
    text = read_text(root / "cmake" / "revision");
  if (text.starts_with("$Format"))
    text.clear();  // in a clone, where git archive has not filled it in
  if (std::filesystem::exists(root / ".git") && on_path("git"))
    text = first_line_of({"git", "-C", root.string(), "describe", "--always", "--dirty",
                          "--abbrev=40", "--exclude=*"});
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.empty() ? TRINE_VERSION : text;
}

Json variant_of(const spec::Config& config) {
  Json variant = Json::object();
  const std::filesystem::path preset =
      project_root() / "spec" / "presets" / (config.name + ".toml");
  if (!std::filesystem::exists(preset)) return variant;
  const Json theirs = spec::all_keys(spec::load_config(preset.string())),
             ours = spec::all_keys(config);
  for (const auto& [key, value] : ours.items())
    if (theirs.at(key) != value) variant[key] = value;
  return variant;
}

std::string design_name(const spec::Config& config) {
  std::string name = config.name;
  const Json variant = variant_of(config);
  for (const auto& [key, value] : variant.items())
    name +=
        fmt::format(" {}={}", key, value.is_string() ? value.get<std::string>() : json_text(value));
  return name;
}

Json with_configuration(const Json& json, const spec::Config* config) {
  Json all{{"configuration", nullptr},
           {"configuration_hash", nullptr},
           {"design_hash", nullptr},
           {"variant", nullptr},
           {"revision", revision()}};
  if (config != nullptr) {
    all["configuration"] = spec::all_keys(*config);
    all["configuration_hash"] = fmt::format("0x{:016x}", config->hash());
    all["variant"] = variant_of(*config);
    all["design_hash"] = fmt::format("0x{:016x}", config->identity());
  }
  all.update(json);
  return all;
}

void Output::write_json(const Json& json, const spec::Config* config) const {
  if (json_file.empty()) return;
  Json whole = with_configuration(json, config);
  whole["command"] = command;
  const std::string text = json_text(whole, 2) + "\n";
  if (is_stdout(json_file))
    to_stdout(text);
  else
    write_file(json_file, text);
}

Option Design::declare(Command command) {
  add_value(command, "--set key=value", settings,
            "change one key of the configuration; may be repeated")
      ->allow_extra_args(false);
  return add_value(command, "--config C", config, "TOML file, or name of a preset")->required();
}

std::string wrapped(const std::string& words, const std::string& indent, std::size_t width) {
  std::istringstream stream(words);
  std::string text, line = indent;
  for (std::string word; stream >> word;) {
    if (line.size() > indent.size() && line.size() + 1 + word.size() > width) {
      text += line + "\n";
      line = indent;
    }
    line += (line.size() > indent.size() ? " " : "") + word;
  }
  return text + line + "\n";
}

int columns() {
  winsize size{};
  if (::isatty(STDOUT_FILENO) == 0 || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 100;
  return size.ws_col == 0 ? 100 : std::clamp<int>(size.ws_col, 60, 100);
}

}  // namespace trine::cli
