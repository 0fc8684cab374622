// SPDX-License-Identifier: Apache-2.0

#include "gen/generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/output.h"
#include "base/root.h"
#include "gen/emit.h"
#include "gen/prefix.h"
#include "machine/isa.h"
#include "machine/memories.h"
#include "machine/schema.h"

namespace trine::gen {
namespace fs = std::filesystem;
namespace {

std::string without_comments(const std::string& text) {
  std::string code;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t comment = text.find("//", at);
    code += text.substr(at, comment - at);
    if (comment == std::string::npos) break;
    at = std::min(text.find('\n', comment), text.size());
  }
  return code;
}

/// Adds rtl/<name>.sv and all modules and packages that it names.
void add_module(const std::string& name, Files& files) {
  if (files.count(name + ".sv") != 0) return;
  const fs::path folder = project_root() / "rtl";
  const std::string& text = files[name + ".sv"] = read_text(folder / (name + ".sv"));
  static const std::regex identifier("\\btrine_\\w+\\b");
  const std::string code = without_comments(text);
  for (std::sregex_iterator it(code.begin(), code.end(), identifier), end; it != end; ++it)
    if (fs::exists(folder / (it->str() + ".sv"))) add_module(it->str(), files);
}

void add_waivers(Files& files) {
  for (const auto& entry : fs::directory_iterator(project_root() / "rtl" / "lint"))
    if (entry.path().extension() == ".vlt")
      files[entry.path().filename().string()] = read_text(entry.path());
}

/// What a tool reads, in the order it has to: waivers, packages, modules.
std::vector<std::string> source_order(const Files& files) {
  std::vector<std::string> waivers, packages, modules;
  for (const auto& [name, text] : files) {
    if (name.ends_with(".vlt"))
      waivers.push_back(name);
    else if (name.ends_with("_pkg.sv"))
      packages.push_back(name);
    else if (name.ends_with(".sv"))
      modules.push_back(name);
  }
  std::vector<std::string> order = waivers;
  order.insert(order.end(), packages.begin(), packages.end());
  order.insert(order.end(), modules.begin(), modules.end());
  return order;
}

/// Whether a text points at files that are not in the design's folder.
bool names_repository(const std::string& text) {
  static const std::regex path("\\b(docs|formal|rtl|tb|tests)/");
  return std::regex_search(text, path);
}

/// A line of comment in the language of the file of that name.
std::string comment_line(const std::string& name, const std::string& text) {
  if (name.ends_with(".h") || name.ends_with(".c")) return "/* " + text + " */\n";
  if (name.ends_with(".md")) return "\n<!-- " + text + " -->\n";
  const bool script = name.ends_with(".toml") || name.ends_with(".core") || name.ends_with(".sdc");
  return (script ? "# " : "// ") + text + "\n";
}

/// Names the design in the second line of every file; its first is licence or title.
void stamp(const Config& config, Files& files) {
  for (auto& [name, text] : files) {
    std::string lines = comment_line(
        name, fmt::format("Trine design {}, configuration 0x{:016x}", config.name, config.hash()));
    if (names_repository(text))
      lines += comment_line(name, "docs/, formal/, rtl/, tb/, tests/ mean Trine's repository");
    text.insert(text.find('\n') + 1, lines);
  }
}

nlohmann::ordered_json manifest(const Config& config) {
  nlohmann::ordered_json json;
  json["instruction_set"] = isa::kVersion;
  json["name"] = config.name;
  json["configuration"] = machine::all_keys(config);
  json["configuration_hash"] = fmt::format("0x{:016x}", config.hash());
  for (const machine::Memory& m : machine::memories(config))
    json["memories"].push_back(
        {{"name", m.name}, {"instances", m.instances}, {"width", m.width}, {"depth", m.depth}});
  return json;
}

Files design_files(const Config& config) {
  Files files;
  add_module("trine_core", files);
  add_waivers(files);
  files["trine_isa_pkg.sv"] = isa_package();
  files["trine_csr_pkg.sv"] = csr_package();
  files["trine_config_pkg.sv"] = config_package(config);
  files["trine_top.sv"] = top_module(config);
  const std::vector<std::string> sources = source_order(files);
  files["trine.f"] = file_list(config, sources);
  files["trine.core"] = core_file(config, sources);
  files["trine.sdc"] = constraints();
  files["trine_isa.h"] = isa_header();
  files["trine_csr.h"] = csr_header();
  files["instructions.md"] = instructions_markdown();
  files["registers.md"] = registers_markdown();
  for (const char* name : {"trine_runtime.h", "trine_runtime.c"})
    files[name] = read_text(project_root() / "sw" / "runtime" / name);
  for (const char* name : {"architecture.md", "integrate.md"})
    files[name] = read_text(project_root() / "docs" / name);
  files["README.md"] = readme(config, sources);
  files["config.toml"] = "# SPDX-License-Identifier: Apache-2.0\n" + config.to_toml();
  stamp(config, files);
  files["LICENSE"] = read_text(project_root() / "LICENSE");
  return files;
}

}  // namespace

void generate(const Config& config, const fs::path& out_dir, const std::string& prefix) {
  check_prefix(prefix);
  nlohmann::ordered_json about = manifest(config);
  about["top"] = prefixed("trine_top", prefix);
  write_output(with_prefix(design_files(config), prefix), about, out_dir);
}

void write_packages(const fs::path& dir) {
  const Files files{{"rtl/trine_isa_pkg.sv", isa_package()},
                    {"rtl/trine_csr_pkg.sv", csr_package()},
                    {"docs/instructions.md", instructions_markdown()},
                    {"docs/registers.md", registers_markdown()},
                    {"docs/configuration.md", machine::configuration_markdown()}};
  for (const auto& [name, text] : files) {
    const fs::path path = dir / name;
    std::error_code code;
    fs::create_directories(path.parent_path(), code);
    if (code) throw_error("{}: cannot create: {}", path.parent_path().string(), code.message());
    write_file(path, text);
  }
}

}  // namespace trine::gen
