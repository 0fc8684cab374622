// SPDX-License-Identifier: Apache-2.0
//
// A model on a design: shared parts of compile, run and verify.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/arch/timeline.h"
#include "sim/result.h"
#include "sim/rtl/simulate.h"
#include "sw/base/npy.h"
#include "sw/compiler/network/objective.h"
#include "sw/model/graph/graph.h"
#include "sw/model/rewrite/states.h"
#include "sw/program/program.h"
#include "sw/reference/golden.h"
#include "tools/cli/common.h"

namespace trine::cli {

/// Options of every command that compiles.
struct NetworkOptions {
  Design design;
  std::string model;
  std::string rounding = "auto", lstm = "auto";
  bool allow_host = false;
  std::vector<std::string> host;     ///< types of ONNX operators that the host runs
  bool machine_alone = false;        ///< nothing on the host except formats at the network's ends
  std::vector<std::string> shapes;   ///< NAME=N, for declare_shape()
  std::string objective = "cycles";  ///< see plan_objective()
  std::string mapping;               ///< file of loops: read if it exists, else written
  std::string print_after;           ///< a stage of the compiler
  bool keep_tensors = false;         ///< see kept()
  int batch = 1;                     ///< images that a run computes together
  bool states = false;               ///< states of LSTM and SVDF become inputs and outputs

  void declare(Command command);
  /// Declares --batch.
  void declare_batch(Command command);
  /// Declares --states.
  void declare_states(Command command);
  /// Declares --print-after.
  void declare_print(Command command);
  /// Returns the files that the options name, for Output::check.
  std::vector<NamedFile> read() const {
    return {{"MODEL", model}, {"--config", design.config}, {"--mapping", mapping}};
  }
  /// Returns what a plan minimizes.
  compiler::Objective plan_objective() const;
  /// Returns the rounding. @param recorded  the meaning of "auto"
  reference::RoundingPolicy policy(reference::RoundingPolicy recorded) const;
};

/// Declares --shape: extents that an ONNX file leaves open.
void declare_shape(Command command, std::vector<std::string>& shapes);
/// Declares --lstm.
void declare_lstm(Command command, std::string& lstm);

/// Options of every command that executes.
struct BackendOptions {
  std::string backend = "rtl";
  int axi_latency = 32;
  int axi_bytes_per_cycle = 0;
  std::string trace_file;
  bool lockstep = false;

  /// Declares the options. @param golden  adds the golden layers as a backend
  void declare(Command command, bool golden = false);
  /// Declares the options of the memory, for commands without a choice of backends.
  void declare_memory(Command command);
  /// Checks the options. @throws Error  options of the RTL with --backend arch
  void check() const;
  /// Returns the files that the options name, for Output::check.
  std::vector<NamedFile> written() const { return {{"--trace", trace_file}}; }
  /// Returns the options of `arch`.
  sim::BusOptions bus() const;
  /// Returns the options of `rtl` and `netlist`.
  sim::RtlOptions rtl(bool quiet) const;
};

/// A compiled model. `graph` is absent if MODEL is a program file.
struct Network {
  std::optional<model::Graph> graph;
  compiler::Program program;
  std::string printed;                ///< text for --print-after
  std::string mapping;                ///< text of a file that --mapping writes
  std::size_t kept = 0;               ///< number of outputs after the model's own, see kept()
  int images = 1;                     ///< images of a run
  std::vector<model::Carry> carries;  ///< states, with NetworkOptions::states
};

/// Returns true if MODEL is a program file; false if the file does not exist.
bool is_program_file(const std::string& model);

/// Compiles MODEL, or reads it if it is a program.
/// @throws Error
Network load_network(const NetworkOptions& options, const spec::Config& config,
                     reference::RoundingPolicy policy);
/// Does the same with a file's bytes; `options.model` names them in messages.
Network load_network(const std::vector<std::uint8_t>& bytes, const NetworkOptions& options,
                     const spec::Config& config, reference::RoundingPolicy policy);

/// Returns the graph with the codes of every operator as additional outputs, so that no fusion
/// hides them.
model::Graph kept(model::Graph graph);

/// Returns the graph whose inputs or outputs the user sees: the model's, or the program's if there
/// is no model. Null for a program whose inputs or outputs are the machine's own.
const model::Graph* edge_graph(const Network& network, bool inputs);
/// Returns type and shape of each input of the model, without values.
std::vector<Array> input_shapes(const Network& network);
/// Returns type and shape of each output of the model, without values.
std::vector<Array> output_shapes(const Network& network);
/// Checks an input. @throws Error  type or shape of `array`, named `what`, differ from input `i`
void check_input(const Array& array, const std::string& what, std::size_t i, const Array& shape,
                 const std::string& model);

/// Returns random codes that depend on the seed; floats in -1..1, or whole numbers if the model
/// requires them.
std::vector<Array> random_inputs(const Network& network, std::uint32_t seed);
/// Reads the user's files (--input). @throws Error  their number, a type or a shape is wrong
std::vector<Array> read_inputs(const std::vector<std::string>& files, const Network& network,
                               const std::string& model);

/// Runs one vector after the other.
using Runner = std::function<sim::RunResult(const std::vector<Array>& inputs)>;

/// Returns a function that runs vectors.
/// @param first_inputs  the first vector, to predict the time of a run
Runner make_runner(const compiler::Program& program, const BackendOptions& options,
                   const std::vector<Array>& first_inputs, bool quiet);

}  // namespace trine::cli
