// SPDX-License-Identifier: Apache-2.0

#include "sim/rtl/build.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <vector>

#include "gen/generate.h"
#include "sim/rtl/verilate.h"
#include "sw/base/cache.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/hash.h"
#include "sw/base/packages.h"
#include "sw/base/process.h"
#include "sw/base/progress.h"
#include "sw/base/root.h"
#include "synth/synthesize.h"

namespace trine::sim {
namespace fs = std::filesystem;
namespace {

constexpr const char* kShimFiles[] = {"sim/rtl/shim.cpp", "sim/rtl/abi.h", "sim/rtl/memory.h"};
constexpr const char* kInjectFile = "sim/rtl/inject.vlt";

/// Returns the processor's description, on which -march=native depends.
std::string processor() {
  std::ifstream in("/proc/cpuinfo");
  std::string text;
  for (std::string line; std::getline(in, line) && !line.empty();)
    if (line.starts_with("model name") || line.starts_with("flags")) text += line + "\n";
  return text;
}

std::vector<std::string> verilator_flags(const BuildOptions& o) {
  const char* initial = o.random_init ? "unique" : "fast";
  std::vector<std::string> flags{"--exe", "-O3",         "-Wno-fatal", "--x-assign",
                                 initial, "--x-initial", initial};
  const auto add = [&flags](std::vector<std::string> more) {
    flags.insert(flags.end(), more.begin(), more.end());
  };
  if (o.trace) add({"--trace-fst", "--trace-structs"});
  if (o.trace_ports) add({"--trace", "--trace-depth", "1"});
  if (std::getenv("TRINE_RTL_COVERAGE") != nullptr) {
    add({"--coverage-line"});
    // Counters of all bits multiply the time of a build.
    if (std::getenv("TRINE_RTL_COVERAGE_LINES") == nullptr) add({"--coverage-toggle"});
  }
  if (o.netlist)  // Verilator 5.006 miscompiles some trees of bit operations
    add({"-Wno-lint", "-Wno-style", "-Wno-UNOPTFLAT", "-fno-const-bit-op-tree"});
  if (o.assertions) add({"--assert", "-DTRINE_ASSERT"});
  if (o.inject)
    add({"--vpi", (project_root() / kInjectFile).string(), "-CFLAGS", "-DTRINE_INJECT"});
  if (o.lockstep) add({"-DTRINE_LOCKSTEP", "-CFLAGS", "-DTRINE_LOCKSTEP"});
  // Verilator links an "executable" that is a shared object; its globals stay separate when several
  // are loaded.
  add({"-CFLAGS", "-std=c++20 -fPIC -fno-gnu-unique", "-LDFLAGS", "-shared -Wl,-Bsymbolic", "-o",
       "model.so"});
  return flags;
}

/// Returns everything that the shared object depends on.
std::string fingerprint(const fs::path& design, const std::vector<std::string>& flags) {
  std::string text = fingerprint_of(design);
  for (const char* file : kShimFiles)
    text += fmt::format("{} {:016x}\n", file, hash64(read_text(project_root() / file)));
  for (const std::string& flag : flags) text += flag + "\n";
  return text + tools_fingerprint();
}

void compile(const fs::path& design, std::vector<std::string> flags,
             const std::vector<std::string>& settings, const BuildPlace& place) {
  const std::string source = project_root().string();
  flags.insert(flags.end(),
               {"-CFLAGS", "-I" + source, "-f", "trine.f", source + "/" + kShimFiles[0]});
  verilate({flags, "trine_top", design, place.folder / "obj", place.folder / "build.log",
            place.kept_log, settings});
}

/// Synthesizes the design in a folder below `scratch`.
fs::path netlist_of(const fs::path& design, const fs::path& scratch, const std::string& label) {
  synth::SynthOptions options;
  options.timing = false;
  options.netlist = scratch / "netlist";
  synth::synthesize_design(design, "trine_top", label, 0, options);
  return options.netlist;
}

}  // namespace

std::string fingerprint_of(const fs::path& design) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(design))
    if (entry.is_regular_file()) files.push_back(fs::relative(entry.path(), design));
  std::sort(files.begin(), files.end());
  std::string text;
  for (const fs::path& file : files) {
    const std::string extension = file.extension().string();
    if (extension == ".sv" || extension == ".svh" || extension == ".v" || extension == ".f")
      text += fmt::format("{} {:016x}\n", file.string(), hash64(read_text(design / file)));
  }
  return text;
}

std::string tools_fingerprint() {
  static const std::string kTools = [] {
    need_programs({"verilator", "g++", "make"});
    return first_line_of({"verilator", "--version"}) + "\n" + first_line_of({"g++", "--version"}) +
           "\n" + processor();
  }();
  return kTools;
}

BuildOptions BuildOptions::from_environment() {
  BuildOptions options;
  if (const char* level = std::getenv("TRINE_RTL_OPT"); level != nullptr) {
    const std::string text = level;
    if (text.size() != 1 || text[0] < '0' || text[0] > '3')
      throw_error("TRINE_RTL_OPT: '{}' is not an optimization level, allowed 0..3", text);
    options.optimization = text[0] - '0';
  }
  options.assertions = std::getenv("TRINE_RTL_ASSERT") != nullptr;
  return options;
}

namespace {

/// Sizes and times of a cached file and of its checksum: a damaged file has others.
using Stamp = std::array<std::int64_t, 4>;
Stamp stamp_of(const fs::path& file) {
  Stamp stamp{-1, -1, -1, -1};
  const fs::path files[] = {file, fs::path(file) += ".xxh64"};
  for (std::size_t i = 0; i < std::size(files); ++i) {
    std::error_code missing;
    const auto size = fs::file_size(files[i], missing);
    if (missing) continue;
    stamp.at(2 * i) = static_cast<std::int64_t>(size);
    stamp.at(2 * i + 1) = fs::last_write_time(files[i], missing).time_since_epoch().count();
  }
  return stamp;
}

}  // namespace

fs::path build_model(const spec::Config& config, const BuildOptions& options) {
  // A process that runs many programs on one design emits it only once.
  static std::map<std::string, std::pair<fs::path, Stamp>> known;
  std::string key = config.to_toml();
  for (const std::string& flag : verilator_flags(options)) key += flag + " ";
  for (const std::string& setting : make_settings(options.optimization)) key += setting + " ";
  key += cache_folder().string();
  if (const auto found = known.find(key);
      found != known.end() && stamp_of(found->second.first) == found->second.second)
    return found->second.first;
  const TemporaryFolder scratch(cache_folder() / "rtl", "design");
  const fs::path design = scratch.path() / "design";
  gen::generate(config, design);
  fs::path model = build_design(design, fmt::format("{}x{}", config.rows, config.cols), options);
  known[key] = {model, stamp_of(model)};
  return model;
}

fs::path build_design(const fs::path& design, const std::string& label,
                      const BuildOptions& options) {
  const std::vector<std::string> flags = verilator_flags(options);
  const std::vector<std::string> settings = make_settings(options.optimization);
  std::vector<std::string> all = flags;
  all.insert(all.end(), settings.begin(), settings.end());
  const std::string depends =
      fingerprint(design, all) + (options.netlist ? synth::netlist_fingerprint({}) : std::string());
  return built_file(cache_folder() / "rtl", depends, ".so", [&](const BuildPlace& place) {
    const Progress progress(
        fmt::format("building {} for {}", options.netlist ? "netlist" : "RTL model", label),
        options.quiet);
    const fs::path source = options.netlist ? netlist_of(design, place.folder, label) : design;
    compile(source, flags, settings, place);
    return place.folder / "obj" / "model.so";
  });
}

LoadedModel::LoadedModel(const fs::path& shared_object) {
  library_ = dlopen(shared_object.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library_ == nullptr) throw_error("{}: {}", shared_object.string(), dlerror());
  const auto entry = reinterpret_cast<const ModelApi* (*)()>(dlsym(library_, "trine_rtl_api"));
  if (entry != nullptr) api_ = entry();
  if (api_ == nullptr || api_->version != kAbiVersion) {
    dlclose(library_);
    throw_error("{}: is not an RTL model of this version; delete it", shared_object.string());
  }
}

LoadedModel::~LoadedModel() { dlclose(library_); }

}  // namespace trine::sim
