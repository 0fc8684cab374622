// SPDX-License-Identifier: Apache-2.0
//
// Reports of runs, as text of at most 100 columns and as JSON.

#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/result.h"
#include "sw/base/text.h"
#include "sw/program/program.h"
#include "sw/program/traffic.h"
#include "tools/cli/common.h"

namespace trine::cli {

/// The report of `run` and `verify`. `slowest` is the run with the most cycles.
struct Execution {
  sim::RunResult slowest;
  int vectors = 0;
  int exact = 0;
  int images = 1;       ///< images of a run: a batch
  bool checked = true;  ///< false: outputs were not compared
  const char* why_not = "a program contains no model to compare with";
  double seconds = 0;                          ///< time of simulation
  double clock_ns = 0;                         ///< 0: the prediction of clock_of()
  std::optional<double> energy_pj;             ///< energy of `slowest`, if known
  std::uint64_t fetched = 0;                   ///< bytes of the program that the first run fetched
  std::optional<std::uint64_t> fetched_again;  ///< maximum of later runs

  /// Adds a run.
  void add(sim::RunResult result, bool is_exact);
};

/// The options --details and --warnings of commands that print a run.
struct Shown {
  bool details = false;
  std::string warnings = "some";  ///< slow layers to print: cliffs.h

  void declare(Command command);
};

/// Returns the part of `cycles` that the array would need at the peak of each layer's precision.
double utilization(double peak_cycles, std::uint64_t cycles);
/// Returns the utilization of a run of a program.
double utilization(const compiler::Program& program, std::uint64_t cycles);

/// Returns the peak as "of 256 MACs per cycle", or of several precisions as "of 256 int8 and 2,048
/// binary MACs per cycle". @param pe_macs  MACs of a PE in a cycle, of the layers with MACs
std::string peak_text(const std::set<int>& pe_macs, const spec::Config& config);

/// A line of a table. It combines layers that are parts of one operator of the model (heads and
/// tokens of an attention, images of a batch), at the position of the first one.
struct TableRow {
  std::string name, op;  ///< "BATCH_MATMUL x24"
  std::vector<std::size_t> layers;
};
/// Returns the lines of a table. @param details  a row for each layer
std::vector<TableRow> table_rows(const std::vector<compiler::ProgramLayer>& layers, bool details);

Json to_json(const compiler::Program& program, const Execution& execution,
             const std::string& backend);
std::string to_text(const compiler::Program& program, const Execution& execution,
                    const std::string& backend, const Shown& shown = {});

/// Returns "13,844 cycles = 60.5 us at 229 MHz: 16,500 inferences/s, 20.6 uJ\n"; the energy only if
/// it is known.
std::string rate_text(const compiler::Program& program, const Execution& e);

/// Returns a line for each operator of a program that the host executes, or an empty string.
std::string host_text(const compiler::Program& program);
Json host_json(const compiler::Program& program);

/// Returns the host's copies at the network's edges and between segments: a line for each tensor
/// whose axes or codes change in the copy, and the cost of all copies.
std::string edges_text(const compiler::Program& program);
Json edges_json(const compiler::Program& program);

/// Returns the report of `generate`.
Json design_json(const spec::Config& config, const std::string& out, const std::string& prefix);

}  // namespace trine::cli
