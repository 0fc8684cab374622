// SPDX-License-Identifier: Apache-2.0
//
// Pictures by gnuplot, for --plot FILE.

#pragma once

#include <functional>
#include <string>

namespace trine::cli {

/// @throws Error  FILE ends in neither .svg nor .png, or there is no gnuplot
void check_plot(const std::string& file);

/// @param script  gnuplot's commands for a terminal ("svg", "png") and the file that it writes
/// @throws Error  gnuplot's last line
void draw_plot(const std::string& file,
               const std::function<std::string(const std::string& terminal,
                                               const std::string& picture)>& script);

}  // namespace trine::cli
