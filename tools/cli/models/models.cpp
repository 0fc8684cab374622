// SPDX-License-Identifier: Apache-2.0
//
// Lists, downloads and checks the published models of models/published.tsv.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/hash.h"
#include "sw/base/process.h"
#include "sw/base/root.h"
#include "tools/cli/common.h"
#include "tools/cli/run/report.h"

namespace trine::cli {
namespace {
namespace fs = std::filesystem;

using Bytes = std::vector<std::uint8_t>;

struct ModelsArguments {
  Output output;
  std::string get, from, to;
};

struct Published {
  std::string name, what, address, commit, sha256, licence;
};

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream in(line);
  for (std::string field; std::getline(in, field, '\t');) fields.push_back(field);
  return fields;
}

std::vector<Published> read_list() {
  const fs::path file = project_root() / "models" / "published.tsv";
  std::istringstream in(read_text(file));
  std::vector<Published> models;
  std::string line;
  std::getline(in, line);  // the header line
  for (int number = 2; std::getline(in, line); ++number) {
    const std::vector<std::string> f = split(line);
    if (f.size() != 6 || f[0].find('/') != std::string::npos || f[4].size() != 64)
      throw_error("{}:{}: is not of the form name, what, address, commit, sha256, licence",
                  file.string(), number);
    models.push_back({f[0], f[1], f[2], f[3], f[4], f[5]});
  }
  return models;
}

/// Returns --to, else $TRINE_MODELS, else a folder of the tree or installation.
fs::path folder_of(const ModelsArguments& options) {
  if (!options.to.empty()) return options.to;
  const char* variable = std::getenv("TRINE_MODELS");
  if (variable != nullptr && *variable != '\0') return variable;
  return project_root() / "models" / "published";
}

bool is_there(const Published& model, const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / model.name, ignored) &&
         sha256(read_file(folder / model.name)) == model.sha256;
}

/// Downloads into a separate folder, so that an incomplete file never appears among the models.
Bytes download(const std::string& address) {
  const TemporaryFolder scratch(fs::temp_directory_path());
  const fs::path file = scratch.path() / "file", log = scratch.path() / "log";
  std::vector<std::string> command;
  if (on_path("curl"))
    command = {"curl", "-fsSL", "--retry", "2", "--connect-timeout", "20", "-o", file.string()};
  else if (on_path("wget"))
    command = {"wget", "-nv", "--tries=3", "--timeout=20", "-O", file.string()};
  else
    throw_error("neither curl nor wget is installed; install one of the two, or use --from DIR");
  command.push_back(address);
  if (run_process(command, scratch.path(), log) != 0) {
    std::string reason = tail_of(log, 1);
    while (!reason.empty() && reason.back() == '\n') reason.pop_back();
    throw_error("{}: {}", address, reason.empty() ? command[0] + " failed" : reason);
  }
  return read_file(file);
}

/// Returns the model from its address, or from a mirror: a folder or address with all models by
/// name.
Bytes bytes_of(const Published& model, std::string from) {
  if (from.empty()) return download(model.address);
  for (const char* scheme : {"file://", "file:"})
    if (from.starts_with(scheme)) {
      from.erase(0, std::string(scheme).size());
      return read_file(fs::path(from) / model.name);
    }
  if (from.find("://") == std::string::npos) return read_file(fs::path(from) / model.name);
  return download(from + (from.back() == '/' ? "" : "/") + model.name);
}

void get(const Published& model, const ModelsArguments& options, const fs::path& folder) {
  if (is_there(model, folder)) {
    options.output.print(fmt::format("{}: already downloaded\n", model.name));
    return;
  }
  const Bytes bytes = [&] {
    const Progress progress(model.name, options.output.quiet);
    return bytes_of(model, options.from);
  }();
  if (const std::string hash = sha256(bytes); hash != model.sha256)
    throw_error("{}: not stored: sha256 is {}, expected {}", model.name, hash, model.sha256);
  write_file(folder / model.name, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  options.output.print(
      fmt::format("{}: {} bytes, as published\n", model.name, grouped(bytes.size())));
}

std::vector<Published> chosen(const std::vector<Published>& all, const std::string& name) {
  if (name == "all") return all;
  std::vector<std::string> names;
  for (const Published& model : all) {
    if (model.name == name || fs::path(model.name).stem() == name) return {model};
    names.push_back(model.name);
  }
  throw_error("--get: no published model '{}', allowed all, {}", name, fmt::join(names, ", "));
}

/// Downloads all available models, then reports the others.
void get_all(const std::vector<Published>& models, const ModelsArguments& options,
             const fs::path& folder) {
  check_writable_folder(folder);
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) throw_error("{}: cannot create: {}", folder.string(), code.message());
  std::vector<std::string> failures;
  for (const Published& model : models) {
    try {
      get(model, options, folder);
    } catch (const Error& error) {
      failures.emplace_back(error.what());
    }
  }
  if (!failures.empty()) throw Error(fmt::format("{}", fmt::join(failures, "\n")));
}

std::string table(const std::vector<Published>& models, const fs::path& folder) {
  const auto width = static_cast<std::size_t>(columns()) - 43;
  std::string text;
  for (const Published& model : models)
    text += fmt::format("{:<35} {:<5} {}\n", model.name, is_there(model, folder) ? "here" : "-",
                        cut(model.what, width));
  return text + fmt::format("in {}; trine models --get all downloads them\n", folder.string());
}

Json to_json(const std::vector<Published>& models, const fs::path& folder) {
  Json json;
  for (const Published& model : models)
    json["models"].push_back(
        {{"name", model.name},
         {"what", model.what},
         {"address", model.address},
         {"commit", model.commit},
         {"sha256", model.sha256},
         {"licence", model.licence},
         {"path", is_there(model, folder) ? Json((folder / model.name).string()) : Json(nullptr)}});
  return json;
}

int run(const ModelsArguments& options) {
  options.output.check({}, {{"the list", (project_root() / "models" / "published.tsv").string()}});
  if (options.get.empty() && !options.from.empty()) throw_error("--from: needs --get");
  const std::vector<Published> models = read_list();
  const fs::path folder = folder_of(options);
  if (options.get.empty())
    options.output.print(table(models, folder));
  else
    get_all(chosen(models, options.get), options, folder);
  options.output.write_json(to_json(models, folder), nullptr);
  return kSuccess;
}

}  // namespace

void add_models(Command app, Action& action) {
  const auto [command, options] = add_command<ModelsArguments>(
      app, action, "models", "published models: list, download, check (models/published.tsv)", run);
  add_value(command, "--get NAME|all", options->get,
            "download a model, or all, and check its sha256");
  add_value(command, "--from URL|DIR", options->from,
            "mirror that stores the models by name (default: their public addresses)");
  add_value(command, "--to DIR", options->to,
            "folder for the models ($TRINE_MODELS, else models/published)");
  options->output.declare(command);
  command.footer(
      "A model in the folder is not downloaded again; a download with another sha256 is not "
      "stored.\n"
      "Each model has the licence of its repository. models/README.md says how to record "
      "vectors.\n\n"
      "Examples:\n"
      "  trine models\n"
      "  trine models --get kws_ref_model && trine run --config edge64 \\\n"
      "    models/published/kws_ref_model.tflite\n"
      "  trine models --get all --from /mnt/mirror");
}

}  // namespace trine::cli
