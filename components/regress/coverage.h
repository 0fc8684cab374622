// SPDX-License-Identifier: Apache-2.0
//
// Merges the line counters that models of Verilator write ($TRINE_RTL_COVERAGE).

#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sw/base/json.h"

namespace trine::regress {

/// By file name: the lines with statements, and whether they ran.
using Lines = std::map<std::string, std::map<int, bool>>;

/// Adds the counters of all files X.dat of a folder. A line ran if one of its statements ran in one
/// instance in one run.
void add_counters(const std::filesystem::path& folder, Lines& lines);

/// Converts to {"trine_pe.sv": {"ran": [..], "missed": [..]}} and back.
Json to_json(const Lines& lines);
void add_json(const Json& json, Lines& lines);

/// Removes lines that no run can reach: rtl/unreached.txt names them by their text.
/// @param design  folder with the emitted files
/// @return the number of removed lines
int excuse(const std::filesystem::path& design, const std::filesystem::path& exceptions,
           Lines& lines);

/// Removes statements of features that the design lacks: "if (Int16 && ..)" where Int16 is 0, with
/// the lines of its block, which its indentation delimits.
/// @param off  parameters of the RTL that are 0
/// @return the number of removed lines
int excuse_features(const std::filesystem::path& design, const std::set<std::string>& off,
                    Lines& lines);

/// A line that never ran.
struct MissedLine {
  std::string file;
  int line = 0;
  std::string text;
};
std::vector<MissedLine> missed(const std::filesystem::path& design, const Lines& lines);

}  // namespace trine::regress
