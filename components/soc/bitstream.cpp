// SPDX-License-Identifier: Apache-2.0

#include "components/soc/bitstream.h"

#include <fmt/format.h>

#include "synth/fpga/ecp5.h"
#include "synth/watched.h"
#include "synth/yosys.h"

namespace trine::soc {
namespace fs = std::filesystem;
namespace {

constexpr const char* kTop = "trine_soc";

/// Returns the script that reads machines and system. A path with blanks becomes one quoted word.
std::string read_script(const System& system) {
  std::string script;
  for (const fs::path& list : system.designs)
    for (const std::string& file : synth::read_file_list(list))
      script += fmt::format("read_verilog -sv -DTRINE_BLOCK_RAM -DTRINE_NO_CLOCK_GATES \"{}\"\n",
                            (list.parent_path() / file).string());
  for (const fs::path& source : system.sources)
    script += fmt::format("read_verilog \"{}\"\n", source.string());
  return script;
}

}  // namespace

void map_system(const System& system, const std::function<void(const std::string&)>& progress) {
  progress("mapping to ECP5");
  synth::run_yosys(read_script(system) + fmt::format("hierarchy -top {0}\n"
                                                     "synth_ecp5 -top {0} -abc9 -json ecp5.json\n"
                                                     "write_verilog -noattr ecp5.v\n",
                                                     kTop),
                   "ecp5", system.folder / "gateware", kTop);
}

synth::FpgaReport build_bitstream(const System& system, const fs::path& python,
                                  const std::function<void(const std::string&)>& progress) {
  const fs::path folder = system.folder / "gateware";
  map_system(system, progress);
  const synth::FpgaReport report = synth::route_ecp5(
      folder, python,
      {"--package", "CABGA381", "--lpf", "trine_soc.lpf", "--textcfg", "trine_soc.config"},
      "nextpnr-ecp5", progress);
  std::vector<std::string> pack = synth::yowasp(python, "ecppack");
  pack.insert(pack.end(), {"--compress", "--input", "trine_soc.config", "--bit", "trine_soc.bit"});
  synth::run_watched(pack, folder, "ecppack", "ecppack", progress);
  return report;
}

}  // namespace trine::soc
