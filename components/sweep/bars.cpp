// SPDX-License-Identifier: Apache-2.0

#include "components/sweep/bars.h"

#include <filesystem>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/packages.h"
#include "sw/base/process.h"

namespace trine::cli {

namespace fs = std::filesystem;

void check_plot(const std::string& file) {
  if (!file.ends_with(".svg") && !file.ends_with(".png"))
    throw_error("--plot {}: expected a name that ends in .svg or .png", file);
  if (!on_path("gnuplot"))
    throw_error("--plot {}: gnuplot is not installed; get it by: {}", file,
                how_to_install({"gnuplot"}));
}

void draw_plot(const std::string& file,
               const std::function<std::string(const std::string& terminal,
                                               const std::string& picture)>& script) {
  const TemporaryFolder scratch(fs::temp_directory_path());
  const fs::path commands = scratch.path() / "plot", picture = scratch.path() / "picture";
  write_file(commands, script(file.ends_with(".svg") ? "svg" : "png", picture.string()));
  if (run_process({"gnuplot", commands.string()}, scratch.path(), scratch.path() / "log") != 0)
    throw_error("--plot {}: gnuplot: {}", file, tail_of(scratch.path() / "log", 1));
  write_file(file, read_text(picture));
}

}  // namespace trine::cli
