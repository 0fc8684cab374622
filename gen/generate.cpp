// SPDX-License-Identifier: Apache-2.0

#include "gen/generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>

#include "gen/emit.h"
#include "spec/csr.h"
#include "spec/isa.h"
#include "spec/memories.h"
#include "spec/schema.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/output.h"
#include "sw/base/root.h"

namespace trine::gen {
namespace fs = std::filesystem;
namespace {

/// Returns each module and package of rtl/ and its file, in whatever folder.
std::map<std::string, fs::path> module_files() {
  std::map<std::string, fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(project_root() / "rtl"))
    if (entry.path().extension() == ".sv") found[entry.path().stem().string()] = entry.path();
  return found;
}

bool is_word(char c) { return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0; }

/// Returns the names and numbers of a source without its comments.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    if (text.substr(at).starts_with("//")) {
      at = std::min(text.find('\n', at), text.size());
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && is_word(text[end])) ++end;
    if (end > at) words.emplace_back(text.substr(at, end - at));
    at = std::max(end, at + 1);
  }
  return words;
}

/// Adds the module `name` and all modules and packages that it names.
void add_module(const std::string& name, const std::map<std::string, fs::path>& sources,
                Files& files) {
  if (files.count(name + ".sv") != 0) return;
  const std::string& text = files[name + ".sv"] = read_text(sources.at(name));
  for (const std::string& word : words_of(text))
    if (sources.count(word) != 0) add_module(word, sources, files);
}

/// Returns the sources in the order that tools require: packages, then modules.
std::vector<std::string> source_order(const Files& files) {
  std::vector<std::string> order;
  for (const char* ending : {"_pkg.sv", ".sv"})
    for (const auto& [name, text] : files)
      if (name.ends_with(ending) && std::ranges::find(order, name) == order.end())
        order.push_back(name);
  return order;
}

/// Returns true if a text refers to files outside of the design's folder.
bool names_repository(const std::string& text) {
  for (const char* folder : {"docs/", "tb/formal/", "rtl/", "tb/", "tests/"})
    for (std::size_t at = text.find(folder); at != std::string::npos;
         at = text.find(folder, at + 1))
      if (at == 0 || !is_word(text[at - 1])) return true;
  return false;
}

/// Returns a comment line in the language of the file.
std::string comment_line(const std::string& name, const std::string& text) {
  if (name.ends_with(".h") || name.ends_with(".c")) return "/* " + text + " */\n";
  if (name.ends_with(".md")) return "\n<!-- " + text + " -->\n";
  if (name.ends_with(".xml")) return "<!-- " + text + " -->\n";
  const bool script = name.ends_with(".toml") || name.ends_with(".core") ||
                      name.ends_with(".sdc") || name.ends_with(".yml");
  return (script ? "# " : "// ") + text + "\n";
}

/// Names the design in the second line of every file; the first is the licence or title.
void stamp(const Config& config, Files& files) {
  for (auto& [name, text] : files) {
    std::string lines = comment_line(
        name, fmt::format("Trine design {}, configuration 0x{:016x}", config.name, config.hash()));
    if (names_repository(text))
      lines += comment_line(name, "docs/, tb/formal/, rtl/, tb/, tests/ mean Trine's repository");
    text.insert(text.find('\n') + 1, lines);
  }
}

nlohmann::ordered_json manifest(const Config& config) {
  nlohmann::ordered_json json;
  json["instruction_set"] = isa::kVersion;
  json["registers"] = csr::kRegistersVersionValue;
  json["name"] = config.name;
  json["configuration"] = spec::all_keys(config);
  json["configuration_hash"] = fmt::format("0x{:016x}", config.hash());
  json["design_hash"] = fmt::format("0x{:016x}", config.identity());
  for (const spec::Memory& m : spec::memories(config))
    json["memories"].push_back({{"name", m.name},
                                {"instances", m.instances},
                                {"width", m.width},
                                {"depth", m.depth},
                                {"mask_bits", m.mask}});
  return json;
}

Files design_files(const Config& config) {
  Files files;
  add_module("trine_machine", module_files(), files);
  files["trine_isa_pkg.sv"] = isa_package();
  files["trine_csr_pkg.sv"] = csr_package();
  files["trine_config_pkg.sv"] = config_package(config);
  files["trine_top.sv"] = top_module(config);
  const std::vector<std::string> sources = source_order(files);
  files["trine.f"] = file_list(config, sources);
  files["trine_axi_top.v"] = vendor_top(config);
  files["trine_tb.sv"] = read_text(project_root() / "rtl" / "bench" / "trine_tb.sv");
  files["trine.core"] = core_file(config, sources);
  files["Bender.yml"] = bender_manifest(config, sources);
  files["component.xml"] = ip_xact(config, sources);
  files["trine.sdc"] = constraints(config);
  files["trine_isa.h"] = isa_header();
  files["trine_csr.h"] = csr_header();
  files["trine_design.h"] = design_header(config);
  files["instructions.md"] = instructions_markdown();
  files["registers.md"] = registers_markdown();
  for (const char* name : {"trine_runtime.h", "trine_runtime.c", "trine_tensor.c", "trine_stages.h",
                           "trine_stages.c", "trine_vmm.h", "trine_vmm.c"})
    files[name] = read_text(project_root() / "sw" / "runtime" / name);
  for (const char* name : {"architecture.md", "integrate.md"})
    files[name] = read_text(project_root() / "docs" / name);
  files["README.md"] = readme(config, sources);
  files["config.toml"] = "# SPDX-License-Identifier: Apache-2.0\n" + config.to_toml();
  stamp(config, files);
  files["LICENSE"] = read_text(project_root() / "LICENSE");
  return files;
}

/// @throws Error  unless `prefix` is a-z, then at most 31 of a-z 0-9 _
void check_prefix(const std::string& prefix) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_allowed = [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '_';
  };
  if (!prefix.empty() &&
      (prefix.size() > 32 || !is_letter(prefix[0]) || !std::ranges::all_of(prefix, is_allowed)))
    throw_error(
        "--prefix: '{}' is not a valid prefix: use a letter of a-z, then up to 31 of a-z, 0-9 and "
        "_",
        prefix);
}

/// Returns true if a text begins with an identifier of ours, or with the file trine.f, trine.core
/// or trine.sdc.
bool begins_with_ours(std::string_view text) {
  if (text.starts_with("trine_")) return text.size() > 6 && is_word(text[6]);
  for (const std::string_view file : {"trine.f", "trine.core", "trine.sdc"})
    if (text.starts_with(file)) return text.size() == file.size() || !is_word(text[file.size()]);
  return false;
}

/// Returns the text of one file with the prefix added.
std::string in_text(const std::string& name, const std::string& text, const std::string& prefix) {
  // Macros that switch on assertions and tracing are the same for all designs.
  const bool with_macros = !name.ends_with(".sv");
  std::string result;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string_view rest = std::string_view(text).substr(at);
    const char before = at == 0 ? ' ' : text[at - 1];
    // Files in folders of the repository keep their names (tb/lib/trine_sram_tb.cpp).
    if (!is_word(before) && before != '/' && before != '.' && begins_with_ours(rest))
      result += prefix + "_";
    if (with_macros && !is_word(before) && rest.starts_with("TRINE_"))
      result += upper_snake(prefix) + "_";
    result += text[at];
  }
  return result;
}

}  // namespace

Files with_prefix(const Files& files, const std::string& prefix) {
  check_prefix(prefix);
  if (prefix.empty()) return files;
  Files renamed;
  for (const auto& [name, text] : files) {
    const bool ours = name.starts_with("trine");
    renamed[ours ? prefixed(name, prefix) : name] = in_text(name, text, prefix);
  }
  return renamed;
}

std::string prefixed(const std::string& name, const std::string& prefix) {
  return prefix.empty() ? name : prefix + "_" + name;
}

void generate(const Config& config, const fs::path& out_dir, const std::string& prefix) {
  const Files files = with_prefix(design_files(config), prefix);
  nlohmann::ordered_json about = manifest(config);
  about["top"] = prefixed("trine_top", prefix);
  write_output(files, about, out_dir);
}

void generate_kit(const Config& config, const fs::path& out_dir, const std::string& prefix) {
  check_prefix(prefix);
  Files files = kit_files(config, prefix);
  for (const auto& entry : fs::directory_iterator(project_root() / "components" / "kit"))
    if (entry.is_regular_file()) files[entry.path().filename().string()] = read_text(entry.path());
  write_output(files, manifest(config), out_dir);
}

void write_packages(const fs::path& dir) {
  const Files files{{"rtl/lib/trine_isa_pkg.sv", isa_package()},
                    {"rtl/control/trine_csr_pkg.sv", csr_package()},
                    {"docs/instructions.md", instructions_markdown()},
                    {"docs/registers.md", registers_markdown()},
                    {"docs/configuration.md", spec::configuration_markdown()},
                    {"tb/corners.tsv", corner_table(corner_designs(kCornerPes))}};
  for (const auto& [name, text] : files) {
    const fs::path path = dir / name;
    std::error_code code;
    fs::create_directories(path.parent_path(), code);
    if (code) throw_error("{}: cannot create: {}", path.parent_path().string(), code.message());
    write_file(path, text);
  }
}

}  // namespace trine::gen
