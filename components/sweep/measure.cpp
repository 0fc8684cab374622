// SPDX-License-Identifier: Apache-2.0

#include "components/sweep/measure.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cctype>
#include <filesystem>
#include <set>
#include <string_view>

#include "components/sweep/tools.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/hash.h"
#include "sw/base/process.h"
#include "sw/model/import/import.h"
#include "tools/cli/run/network.h"

namespace trine::cli {
namespace {
namespace fs = std::filesystem;
using Arguments = std::vector<std::string>;

/// Returns "edge64" for presets and for TOML files.
std::string stem(const std::string& path) { return fs::path(path).stem().string(); }

/// Returns "edge64", with --set "edge64,array.rows=4": results of variants have their own files.
std::string design_stem(const std::string& config, const std::vector<std::string>& settings) {
  std::string name = stem(config);
  for (const std::string& setting : settings) name += "," + setting;
  std::erase_if(name, [](unsigned char c) {
    return std::isalnum(c) == 0 &&
           std::string_view(".,=_-").find(static_cast<char>(c)) == std::string_view::npos;
  });
  return name;
}

/// Returns the value of model `i`, or an empty string.
std::string own(const std::vector<std::string>& values, std::size_t i) {
  return i < values.size() && values[i] != "-" ? values[i] : "";
}

void check_stems(const std::string& option, const std::vector<std::string>& paths) {
  std::set<std::string> seen;
  for (const std::string& path : paths)
    if (!seen.insert(stem(path)).second)
      throw_error("{}: {} is the name of two files, allowed once", option, stem(path));
}

/// Options, and the files or folders that they name.
using Inputs = std::vector<std::pair<std::string, std::string>>;

std::string digest_of(const std::string& text) { return sha256({text.begin(), text.end()}); }

/// Returns the digest of a file's bytes (for a model, with the files of its weights), or of a
/// folder's files with their names. Empty if it does not exist: the command reports that.
std::string content_of(const fs::path& path) {
  if (path.extension() == ".onnx" && fs::is_regular_file(path))
    return model::digest_of_model(read_file(path), path.string());
  if (fs::is_regular_file(path)) return sha256_of_file(path);
  if (!fs::is_directory(path)) return "";
  std::set<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(path))
    if (entry.is_regular_file()) files.insert(entry.path());
  std::string text;
  for (const fs::path& file : files)
    text += fs::relative(file, path).string() + '\n' + sha256_of_file(file) + '\n';
  return digest_of(text);
}

/// Everything that determines a result. Its digest signs the result (`made_from`), and the result
/// is reused as long as the digest is the same. Files count by their contents, not by their paths.
class Key {
 public:
  void add(const std::string& part) { text_ += part + '\n'; }
  std::string digest() const { return digest_of(text_); }

 private:
  std::string text_;
};

/// Runs the commands one after the other, and signs their results.
class Commands {
 public:
  Commands(const Measurements& options, const Output& output) : o_(options), output_(output) {
    std::error_code error;
    fs::create_directories(o_.out, error);
    if (error) throw_error("--out: {}: {}", o_.out, error.message());
  }

  bool right() const { return right_; }

  /// @param model  empty: the command uses no model
  /// @param inputs  further inputs
  /// @param needed  otherwise a failure is only reported, and the measurement continues
  /// @param more  the option for a second output file
  /// @return true if the result exists
  bool run(const std::string& name, const std::string& command, const std::string& config,
           const std::string& model, Arguments arguments, const Inputs& inputs, bool needed,
           const std::string& more = "") {
    const fs::path file = fs::path(o_.out) / (name + ".json"),
                   second = fs::path(o_.out) / (name + "." + more + ".json");
    if (!model.empty())
      for (const std::string& shape : o_.shapes)
        arguments.insert(arguments.end(), {"--shape", shape});
    if (o_.objective != "cycles" && plans(command))
      arguments.insert(arguments.end(), {"--objective", o_.objective});
    const std::string key = key_of(command, config, model, arguments, inputs);
    if (is_clean() && made_from(file) == key && (more.empty() || fs::exists(second))) return true;
    if (!model.empty()) arguments.insert(arguments.begin(), model);
    for (const auto& [option, path] : inputs)
      arguments.insert(arguments.end(), {"--" + option, path});
    if (!config.empty()) add_design(config, arguments);
    arguments.insert(arguments.begin(), {fs::read_symlink("/proc/self/exe").string(), command});
    arguments.insert(arguments.end(), {"--quiet", "--json", file.string()});
    if (!more.empty()) arguments.insert(arguments.end(), {"--" + more, second.string()});
    std::error_code ignored;
    fs::remove(file, ignored);  // of another revision, which would not match the other results
    const bool right = start(name, arguments, needed);
    if (!fs::exists(file)) return false;
    if (right) sign(file, key);  // a wrong result is reported in each run
    return true;
  }

 private:
  void add_design(const std::string& config, Arguments& arguments) const {
    for (const std::string& setting : o_.settings)
      arguments.insert(arguments.end(), {"--set", setting});
    arguments.insert(arguments.end(), {"--config", config});
  }

  /// Returns true for the commands that measure a plan.
  static bool plans(const std::string& command) {
    return command == "run" || command == "verify" || command == "estimate";
  }

  /// Returns true unless the revision has uncommitted changes.
  bool is_clean() const { return !revision_.ends_with("-dirty"); }

  std::string key_of(const std::string& command, const std::string& config,
                     const std::string& model, const Arguments& arguments,
                     const Inputs& inputs) const {
    Key key;
    key.add(revision_);
    key.add(command);
    if (!config.empty()) {
      const spec::Config design = spec::load_config(config, o_.settings);
      key.add(fmt::format("{} {:016x}", design.name, design.identity()));
    }
    if (!model.empty()) key.add(content_of(model));
    key.add(tools_of(command, model));
    for (const std::string& argument : arguments) key.add(argument);
    for (const auto& [option, path] : inputs) key.add(option + ' ' + content_of(path));
    return key.digest();
  }

  static std::string made_from(const fs::path& file) {
    if (!fs::exists(file)) return "";
    try {
      const Json json = parse_json(read_text(file), file.string());
      return json.is_object() ? json.value("made_from", "") : "";
    } catch (const Error&) {
      return "";
    }
  }

  void sign(const fs::path& file, const std::string& key) const {
    Json json = parse_json(read_text(file), file.string());
    if (json.value("revision", "") != revision_) return;  // a commit was made meanwhile
    json["made_from"] = key;
    write_file(file, json_text(json, 2) + "\n");
  }

  /// @return true if the command succeeded
  bool start(const std::string& name, const Arguments& command, bool needed) {
    output_.print(name + "\n");
    flush_stdout();
    const TemporaryFolder scratch(fs::temp_directory_path());
    const fs::path log = scratch.path() / "log";
    const int code = [&] {
      const Progress progress(name, output_.quiet);
      return run_process(command, fs::current_path(), log);
    }();
    if (code == kSuccess) return true;
    const std::string line = last_line_of(log);
    if (code == kWrongResult) right_ = false;
    if (code != kWrongResult && needed) throw Error(line);
    fmt::print(stderr, "{}: {}\n", name, line);
    return false;
  }

  const Measurements& o_;
  const Output& output_;
  const std::string revision_ = revision();
  bool right_ = true;
};

/// Returns the arguments that describe a model's data, for commands that accept data.
Arguments data_of(const Measurements& o, const std::string& data) {
  Arguments arguments;
  for (const auto& [option, values] : {std::pair{"--mean", &o.mean}, {"--scale", &o.scale}})
    if (!values->empty() && !data.empty())
      arguments.insert(arguments.end(), {option, fmt::format("{}", fmt::join(*values, ","))});
  return arguments;
}

/// Measures a model on a design.
void measure_point(const Measurements& o, const std::string& config, std::size_t i,
                   Commands& commands) {
  const std::string &model = o.models[i],
                    name = design_stem(config, o.settings) + "." + stem(model),
                    vectors = own(o.vectors, i), data = own(o.data, i), real = own(o.floats, i);
  if (fs::path(model).extension() == ".csv") {  // a table of shapes cannot be executed
    if (!vectors.empty() || !data.empty())
      throw_error("--model {}: a table of shapes has no --vectors and no --data", model);
    commands.run(name + ".estimate", "estimate", config, model, {}, {}, true);
    for (const int batch : o.batches)
      if (batch > 1)
        commands.run(fmt::format("{}.batch{}", name, batch), "estimate", config, model,
                     {"--batch", std::to_string(batch)}, {}, true);
    return;
  }
  const Arguments backend{"--backend", o.backend};
  for (const int batch : o.batches.empty() ? std::vector{1, 2, 4, 8} : o.batches) {
    const bool single = batch == 1;
    Arguments arguments = backend;
    if (!single) arguments.insert(arguments.end(), {"--batch", std::to_string(batch)});
    const std::string suffix = single ? ".run" : fmt::format(".batch{}", batch);
    if (!commands.run(name + suffix, "run", config, model, arguments, {}, single,
                      single ? "perfetto" : ""))
      break;  // a network that refuses a batch refuses larger ones
  }
  commands.run(name + ".estimate", "estimate", config, model, {}, {}, false);
  if (!vectors.empty())
    commands.run(name + ".verify", "verify", config, model, backend, {{"vectors", vectors}}, true);
  if (data.empty()) return;
  Inputs inputs{{"data", data}};
  if (!real.empty()) inputs.emplace_back("float", real);
  commands.run(name + ".accuracy", "accuracy", config, model, data_of(o, data), inputs, true);
}

}  // namespace

void Measurements::declare(Command command) {
  add_value(command, "--config C", configs, "a design to measure; may be repeated")
      ->allow_extra_args(false);
  add_value(command, "--set key=value", settings, "change one key of all designs; may be repeated")
      ->allow_extra_args(false);
  add_value(command, "--model M", models, "a model to measure; may be repeated")
      ->allow_extra_args(false);
  declare_shape(command, shapes);
  add_value(command, "--vectors DIR", vectors,
            "recorded vectors of the first --model, then of the second, and so on;\n- for none")
      ->allow_extra_args(false);
  add_value(command, "--data DIR", data, "labelled examples of each --model, in the same order")
      ->allow_extra_args(false);
  add_value(command, "--float F", floats, "the float model of each --model, in the same order")
      ->allow_extra_args(false);
  add_value(command, "--mean X", mean, "as in trine accuracy, for --data")->delimiter(',');
  add_value(command, "--scale X", scale, "as in trine accuracy, for --data")->delimiter(',');
  add_value(command, "--batch N,...", batches,
            "numbers of images that a run computes together (1,2,4,8; of a table of\nshapes 1)")
      ->delimiter(',')
      ->check(range(1, 256));
  add_value(command, "--objective O", objective,
            "what plans minimize: cycles, bytes of the bus, or energy (cycles)")
      ->check(one_of({"cycles", "bytes", "energy"}));
  add_value(command, "--backend B", backend, "rtl or arch (arch)")->check(one_of({"rtl", "arch"}));
  command.add_flag("--cpu", cpu, "also run each model on one core of this computer (trine cpu)");
  command.add_flag("--synth", synth, "also synthesize each design, which takes minutes");
  add_value(command, "--liberty FILE", liberty, "cell library for --synth");
  add_value(command, "--out DIR", out, "folder for the measurements; existing ones are kept");
}

std::vector<NamedFile> Measurements::read() const {
  std::vector<NamedFile> files;
  for (const auto& [option, paths] :
       {std::pair{"--config", &configs}, {"--model", &models}, {"--float", &floats}})
    for (const std::string& path : *paths) files.push_back({option, path});
  return files;
}

bool Measurements::asked() const {
  const bool any = !configs.empty() || !models.empty() || !out.empty();
  if (any && (configs.empty() || out.empty() || (models.empty() && !synth)))
    throw_error("trine report: measurements need --config, --out, and --model or --synth");
  for (const auto& [option, values] :
       {std::pair{"--vectors", &vectors}, {"--data", &data}, {"--float", &floats}})
    if (values->size() > models.size())
      throw_error("{}: given {} times for {} --model, allowed at most one for each", option,
                  values->size(), models.size());
  check_stems("--config", configs);
  check_stems("--model", models);
  return any;
}

bool Measurements::measure(const Output& output) const {
  Commands commands(*this, output);
  for (std::size_t i = 0; i < models.size(); ++i) {
    for (const std::string& config : configs) measure_point(*this, config, i, commands);
    const std::string real = own(floats, i), recorded = own(vectors, i), data_ = own(data, i);
    Inputs inputs{{"vectors", recorded}};
    if (!real.empty()) inputs = {{"against", real}};
    if (!real.empty() && !data_.empty()) inputs.emplace_back("data", data_);
    if (!real.empty() || !recorded.empty())
      commands.run(stem(models[i]) + ".compare", "compare", "", models[i],
                   real.empty() ? Arguments{} : data_of(*this, data_), inputs, false);
    if (cpu) commands.run(stem(models[i]) + ".cpu", "cpu", "", models[i], {}, {}, false);
  }
  Inputs library;
  if (!liberty.empty()) library = {{"liberty", liberty}};
  for (const std::string& config : configs)
    if (synth)
      commands.run(design_stem(config, settings) + ".synth", "synth", config, "", {}, library,
                   true);
  return commands.right();
}

}  // namespace trine::cli
