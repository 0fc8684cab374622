// SPDX-License-Identifier: Apache-2.0

#include "components/soc/firmware.h"

#include <fmt/format.h>

#include <string_view>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "sw/base/root.h"

namespace trine::soc {
namespace fs = std::filesystem;
namespace {

constexpr const char* kTriple = "riscv64-unknown-elf-";
constexpr const char* kWarnings[] = {"-Wall", "-Wextra", "-pedantic", "-Werror"};

std::string bytes_text(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    text += fmt::format("{},{}", static_cast<unsigned char>(bytes[i]), i % 32 == 31 ? "\n" : "");
  return text;
}

std::string array(const std::string& name, std::string_view bytes) {
  return fmt::format("static const unsigned char {}[] __attribute__((aligned(64))) = {{\n{}}};\n",
                     name, bytes_text(bytes));
}

/// Returns a text as a C string literal.
std::string literal(const std::string& text) {
  std::string out = "\"";
  for (const char c : text)
    out += c >= ' ' && c <= '~' && c != '"' && c != '\\' && c != '?'
               ? std::string(1, c)
               : fmt::format("\\{:03o}", static_cast<unsigned char>(c));
  return out + "\"";
}

/// The arrays of a model, and its entry in the table.
struct ModelText {
  std::string arrays, entry;
};

ModelText text_of(const Model& model, std::size_t n) {
  ModelText text{.arrays = array(fmt::format("image_{}", n), model.image), .entry = {}};
  std::string inputs, labels, carries;
  for (std::size_t i = 0; i < model.inputs.size(); ++i) {
    if (model.inputs[i].empty()) {
      inputs += "NULL, ";
      continue;
    }
    text.arrays += array(fmt::format("input_{}_{}", n, i), model.inputs[i]);
    inputs += fmt::format("input_{}_{}, ", n, i);
  }
  for (const std::string& label : model.labels) labels += literal(label) + ", ";
  text.arrays += fmt::format("static const void* const inputs_{}[] = {{{}}};\n", n, inputs);
  if (!labels.empty())
    text.arrays += fmt::format("static const char* const labels_{}[] = {{{}}};\n", n, labels);
  for (const auto& [input, output] : model.carries)
    carries += fmt::format("{{{}, {}}}, ", input, output);
  if (!carries.empty())
    text.arrays += fmt::format("static const soc_carry carries_{}[] = {{{}}};\n", n, carries);
  text.entry =
      fmt::format("  {{{}, {}, image_{}, sizeof image_{}, {}, inputs_{}, {}, {}, {}, {}}},\n",
                  literal(model.name), n, n, n, model.expected_cycles, n,
                  carries.empty() ? "NULL" : fmt::format("carries_{}", n), model.carries.size(),
                  labels.empty() ? "NULL" : fmt::format("labels_{}", n), model.labels.size());
  return text;
}

/// Returns the definitions that board.h promises to an app.
std::string app_text(const FirmwareOptions& options) {
  const std::string bytes = options.data.empty() ? std::string(1, '\0') : read_text(options.data);
  return fmt::format(
      "#include \"board.h\"\n\n{}const unsigned char* const soc_data = bytes;\n"
      "const size_t soc_data_bytes = {};\n",
      array("bytes", bytes), options.data.empty() ? 0 : bytes.size());
}

std::string models_text(const std::vector<Model>& models, const FirmwareOptions& options) {
  std::string arrays, entries;
  for (std::size_t n = 0; n < models.size(); ++n) {
    const ModelText text = text_of(models[n], n);
    arrays += text.arrays;
    entries += text.entry;
  }
  const Fault& fault = options.fault;
  return fmt::format(
      "#include \"models.h\"\n\n{}\nconst soc_model soc_models[] = {{\n{}}};\n"
      "const int soc_model_count = {};\nconst int soc_cases = {};\n"
      "const struct soc_fault soc_fault = {{{}, {}, {}}};\n",
      arrays, entries, models.size(), options.cases, fault.read_error, fault.write_error,
      fault.cut);
}

/// Runs a tool of the compiler in `folder`. @throws Error  its first complaint
void tool(const std::string& name, std::vector<std::string> arguments, const fs::path& folder) {
  arguments.insert(arguments.begin(), kTriple + name);
  const fs::path log = folder / (name + ".log");
  if (run_process(arguments, folder, log) == 0) return;
  std::string line = tail_of(log, 3);
  line = line.substr(0, line.find('\n'));
  throw_error("{}{}: {}", kTriple, name, line);
}

class Build {
 public:
  Build(const System& system, const fs::path& design, const fs::path& folder)
      : folder_(folder), flags_(system.flags) {
    // Uses version 2.2 of the ISA, in which CSR instructions belong to the base, as LiteX's
    // start-up code expects.
    add({"--specs=picolibc.specs", "-misa-spec=2.2", "-O2", "-ffunction-sections",
         "-fdata-sections", "-DPICOLIBC_INTEGER_PRINTF_SCANF", "-I" + design.string(),
         "-I" + (project_root() / "components" / "soc" / "firmware").string()});
    for (const fs::path& include : system.include) add({"-isystem", include.string()});
  }
  void add(const std::vector<std::string>& flags) {
    flags_.insert(flags_.end(), flags.begin(), flags.end());
  }
  void compile(const fs::path& source, bool ours) {
    std::vector<std::string> arguments = flags_;
    if (ours) arguments.insert(arguments.end(), "-std=gnu99");
    if (ours) arguments.insert(arguments.end(), std::begin(kWarnings), std::end(kWarnings));
    const std::string object = source.stem().string() + ".o";
    arguments.insert(arguments.end(), {"-c", source.string(), "-o", object});
    tool("gcc", arguments, folder_);
    objects_.push_back(object);
  }
  void link(const System& system) {
    std::vector<std::string> arguments = flags_;
    arguments.insert(
        arguments.end(),
        {"-nostartfiles", "-Wl,--gc-sections", "-L", system.include.at(0).string(), "-T",
         (project_root() / "components" / "soc" / "firmware" / "link.ld").string(), "-o",
         "firmware.elf"});
    arguments.insert(arguments.end(), objects_.begin(), objects_.end());
    tool("gcc", arguments, folder_);
  }
  /// Writes sections of the program as initial contents of a memory, a 32-bit word per line.
  void contents(const std::vector<std::string>& sections, const std::string& memory) const {
    const std::string binary = memory + ".bin";
    std::vector<std::string> arguments{"-O", "binary"};
    arguments.insert(arguments.end(), sections.begin(), sections.end());
    arguments.insert(arguments.end(), {"firmware.elf", binary});
    tool("objcopy", arguments, folder_);
    const std::vector<std::uint8_t> bytes = read_file(folder_ / binary);
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 4) {
      std::uint32_t word = 0;
      for (std::size_t j = 0; j < 4 && i + j < bytes.size(); ++j)
        word |= std::uint32_t{bytes[i + j]} << 8 * j;
      text += fmt::format("{:08x}\n", word);
    }
    write_file(folder_ / fmt::format("trine_soc_{}.init", memory), text);
  }

 private:
  const fs::path folder_;
  std::vector<std::string> flags_, objects_;
};

}  // namespace

void build_firmware(const System& system, const fs::path& design, std::size_t machines,
                    const std::vector<Model>& models, const FirmwareOptions& options,
                    const fs::path& folder) {
  fs::create_directories(folder);
  for (const auto& entry : fs::directory_iterator(system.folder / "gateware"))
    if (entry.path().extension() == ".init")
      fs::copy_file(entry.path(), folder / entry.path().filename(),
                    fs::copy_options::overwrite_existing);
  const bool is_app = !options.app.empty();
  write_file(folder / "models.c", is_app ? app_text(options) : models_text(models, options));
  // Apps use main_ram, because they may have large variables.
  write_file(folder / "data.ld",
             fmt::format("REGION_ALIAS(\"data\", {})\n", is_app ? "main_ram" : "sram"));
  const fs::path own = project_root() / "components" / "soc" / "firmware";
  std::vector<fs::path> sources{folder / "models.c", own / "board.c", design / "trine_runtime.c",
                                design / "trine_tensor.c", design / "trine_vmm.c"};
  if (!is_app) sources.push_back(own / "main.c");
  Build build(system, design, folder);
  build.add({fmt::format("-DSOC_MACHINES={}", machines),
             fmt::format("-DSOC_OUTPUT_BYTES={}", options.output_bytes)});
  if (!options.cache_hooks) build.add({"-DSOC_NO_CACHE_HOOKS"});
  for (const fs::path& source : system.software) build.compile(source, false);
  for (const fs::path& source : sources) build.compile(source, true);
  build.add({"-Os"});  // an app may be large
  for (const fs::path& source : options.app) {
    build.add({"-I" + fs::absolute(source).parent_path().string()});
    build.compile(fs::absolute(source), false);
  }
  build.link(system);
  build.contents({"-R", ".models"}, "rom");
  build.contents({"-j", ".models"}, "models");
}

}  // namespace trine::soc
