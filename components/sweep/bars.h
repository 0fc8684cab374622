// SPDX-License-Identifier: Apache-2.0
//
// Draws pictures with gnuplot, for --plot FILE.

#pragma once

#include <functional>
#include <string>

namespace trine::cli {

/// Checks that FILE can be drawn.
/// @throws Error  FILE ends in neither .svg nor .png, or gnuplot is missing
void check_plot(const std::string& file);

/// Draws a picture.
/// @param script  returns gnuplot's commands for a terminal ("svg", "png") and the file to write
/// @throws Error  gnuplot's last line
void draw_plot(const std::string& file,
               const std::function<std::string(const std::string& terminal,
                                               const std::string& picture)>& script);

}  // namespace trine::cli
