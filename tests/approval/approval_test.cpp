// SPDX-License-Identifier: Apache-2.0
//
// Compares the compiled program of each model on each preset with tests/approval/: instruction
// words, constants, RUNs, spills, cycles, or the reason of a refusal. A change of a table is a
// decision that a commit shows (tests/README.md).

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "sim/arch/simulate.h"
#include "spec/config.h"
#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/hash.h"
#include "sw/compiler/compiler.h"
#include "sw/model/import/import.h"
#include "sw/model/import/testing.h"
#include "sw/program/host.h"
#include "tests/approval/approve.h"

namespace trine {
namespace {

namespace fs = std::filesystem;
const fs::path kRoot = TRINE_SOURCE_DIR;
constexpr const char* kHeader =
    "model\tpreset\tstages\truns\twords\twords_hash\tconstants_hash\tspills\tdram_bytes\tcycles\n";

std::vector<fs::path> files_in(const fs::path& folder, const std::string& extension) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == extension) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

/// Counts layers whose result goes to DRAM although it is not an output of the model.
std::size_t spills_of(const compiler::Program& segment) {
  const auto stored = std::count_if(segment.layers.begin(), segment.layers.end(),
                                    [](const compiler::ProgramLayer& layer) {
                                      return layer.placement.find("-> DRAM") != std::string::npos;
                                    });
  return static_cast<std::size_t>(stored) -
         std::min(segment.outputs.size(), static_cast<std::size_t>(stored));
}

/// Returns a row without model and preset. The inputs are zero, because values do not affect
/// cycles.
std::string row_of(const model::Graph& graph, const spec::Config& config) {
  compiler::CompileOptions options;
  options.host = compiler::HostPart::kAnywhere;
  const compiler::Program program = compiler::compile(graph, config, options);
  std::string words, constants;
  std::size_t count = 0, runs = 0, spills = 0;
  std::int64_t dram_bytes = 0;
  std::uint64_t cycles = 0;
  for (const compiler::Program* segment : compiler::segments(program)) {
    for (std::size_t i = 1; i < segment->words.size();
         ++i)  // the first is the configuration's hash
      words += fmt::format("{:016x}", segment->words[i]);
    constants.append(segment->image.begin(), segment->image.end());
    count += segment->words.size();
    runs += segment->run_layer.size();
    spills += spills_of(*segment);
    dram_bytes = std::max(dram_bytes, segment->dram_bytes);
    std::vector<std::uint8_t> dram = compiler::initial_dram(*segment);
    cycles += sim::run_arch_dram(*segment, dram).cycles;
  }
  return fmt::format("{}\t{}\t{}\t{:016x}\t{:016x}\t{}\t{}\t{}", program.rest.size() + 1, runs,
                     count, hash64(words), hash64(constants), spills, dram_bytes, cycles);
}

/// Returns the table of these models.
/// @param root  names are relative to it
std::string table_of(const std::vector<fs::path>& models, const fs::path& root) {
  std::string table = kHeader;
  for (const fs::path& file : models) {
    const model::Graph graph = model::import_model(file, true);
    for (const fs::path& preset : files_in(kRoot / "spec" / "presets", ".toml")) {
      if (preset.stem() == "tpuv1-size") continue;  // seconds each
      std::string row;
      try {
        row = row_of(graph, spec::load_config(preset.string()));
      } catch (const Error& e) {
        row = fmt::format("refused: {}", e.what());  // contains a path of this computer
        if (const std::size_t at = row.find(file.string() + ": "); at != std::string::npos)
          row.erase(at, file.string().size() + 2);
      }
      table += fmt::format("{}\t{}\t{}\n", fs::relative(file, root).string(),
                           preset.stem().string(), row);
    }
  }
  return table;
}

std::vector<fs::path> models_in(const fs::path& root, const std::vector<const char*>& folders) {
  std::vector<fs::path> models;
  for (const char* folder : folders)
    for (const char* extension : {".tflite", ".onnx"})
      for (const fs::path& file : files_in(root / folder, extension))
        if (file.stem() != "bias_axis" && file.stem() != "float_conv" &&
            file.stem() != "mnist_conv_fp32")
          models.push_back(file);
  return models;
}

TEST_CASE("models compile to the approved programs", "[approval]") {
  approve("shipped.tsv", table_of(models_in(kRoot, {"models", "tests/networks", "tests/operators",
                                                    "tests/lowbit", "tests/onnx"}),
                                  kRoot));
  if (model::has_shared())
    approve("shared.tsv", table_of(models_in(model::shared_folder(), {"models", "models/layers"}),
                                   model::shared_folder()));
}

}  // namespace
}  // namespace trine
