// SPDX-License-Identifier: Apache-2.0
//
// Results of running a program, for people (at most 100 columns) and as JSON.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "sim/result.h"
#include "sw/program/program.h"
#include "sw/program/traffic.h"
#include "tools/cli/common.h"

namespace trine::cli {

/// What `run` and `verify` report. `slowest` is the run with the most cycles.
struct Execution {
  sim::RunResult slowest;
  int vectors = 0;
  int exact = 0;
  int images = 1;       ///< of a run: a batch
  bool checked = true;  ///< false: it was not compared with anything
  const char* why_not = "a program holds no model to compare with";
  double seconds = 0;                          ///< of simulation
  double clock_ns = 0;                         ///< 0: what clock_of() predicts
  std::optional<double> energy_pj;             ///< of `slowest`, where it is known
  std::uint64_t fetched = 0;                   ///< bytes of the program, by the first run
  std::optional<std::uint64_t> fetched_again;  ///< by a further one, the most

  void add(sim::RunResult result, bool is_exact);
};

/// --details and --warnings, of the commands that print a run.
struct Shown {
  bool details = false;
  std::string warnings = "some";  ///< of slow layers: cliffs.h

  void declare(Command command);
};

/// MACs / (cycles * peak).
double utilization(std::int64_t macs, std::uint64_t cycles, const machine::Config& config);

/// A line of a table for people: layers that are parts of one operator of the model (heads and
/// tokens of an attention, images of a batch), where the first one stands.
struct TableRow {
  std::string name, op;  ///< "BATCH_MATMUL x24"
  std::vector<std::size_t> layers;
};
/// @param details  a row for each layer
std::vector<TableRow> table_rows(const std::vector<compiler::ProgramLayer>& layers, bool details);

Json to_json(const compiler::Program& program, const Execution& execution,
             const std::string& backend);
std::string to_text(const compiler::Program& program, const Execution& execution,
                    const std::string& backend, const Shown& shown = {});

/// "13,844 cycles = 60.5 us at 229 MHz: 16,500 inferences/s, 20.6 uJ\n"; the energy where it is
/// known.
std::string rate_text(const compiler::Program& program, const Execution& e);

/// The operators of a program that the host executes, a line each; empty without any.
std::string host_text(const compiler::Program& program);
Json host_json(const compiler::Program& program);

/// What the host copies at the network's edges and between stages: tensors that it turns or looks
/// up on the way, a line each, and what all of it costs.
std::string edges_text(const compiler::Program& program);
Json edges_json(const compiler::Program& program);

/// What `generate` reports.
Json design_json(const machine::Config& config, const std::string& out, const std::string& prefix);

}  // namespace trine::cli
