// SPDX-License-Identifier: Apache-2.0
//
// Writes the results of `trine regress` as text, as a page, and as JUnit XML.

#pragma once

#include <string>
#include <vector>

#include "components/regress/checks.h"
#include "sw/base/json.h"

namespace trine::regress {

/// The state of a check.
enum class State { kPassed, kFailed, kExcused, kLeftOut };

/// A check with its result.
struct Row {
  const Check* check = nullptr;
  State state = State::kLeftOut;
  std::string text;  ///< what it covered, why it failed or why it did not run
  std::vector<std::string> gaps;
  Json details;
  double seconds = 0;   ///< of processor time
  std::string command;  ///< repeats it
};

/// The results of all checks of a design.
struct Page {
  std::string design;  ///< "edge64", with changed keys
  std::string level;   ///< "--quick", ""
  std::vector<Row> rows;
  bool interrupted = false;

  int count(State state) const;
  /// Returns "PASSED: 24 checks" or "FAILED: 1 of 24 checks: lint.verilator".
  std::string verdict() const;
  /// Returns what was not checked, one entry for each reason.
  std::vector<std::string> not_checked() const;
};

/// Returns the page as text of at most `width` columns.
std::string to_text(const Page& page, std::size_t width);
/// Returns the page as one HTML file without scripts.
std::string to_html(const Page& page);
/// Returns JUnit XML: a test suite for each stage, a test case for each check.
std::string to_junit(const Page& page);
Json to_json(const Page& page);

}  // namespace trine::regress
