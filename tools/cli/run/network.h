// SPDX-License-Identifier: Apache-2.0
//
// A model on a design: what compile, run and verify have in common.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/npy.h"
#include "sim/arch/timeline.h"
#include "sim/result.h"
#include "sim/rtl/run.h"
#include "sw/model/graph.h"
#include "sw/model/rewrite/states.h"
#include "sw/program/program.h"
#include "sw/reference/run.h"
#include "tools/cli/common.h"

namespace trine::cli {

/// Options of every command that compiles.
struct NetworkOptions {
  Design design;
  std::string model;
  std::string rounding = "auto", lstm = "auto";
  bool allow_host = false;
  bool machine_alone = false;       ///< nothing on the host but formats at the network's ends
  std::vector<std::string> shapes;  ///< "NAME=N", as declare_shape() has them
  std::string print_after;          ///< a stage of the compiler
  bool keep_tensors = false;        ///< see kept()
  int batch = 1;                    ///< images that a run takes together
  bool states = false;              ///< those of LSTM and SVDF are inputs and outputs

  void declare(Command command);
  /// --batch, of the commands that have it.
  void declare_batch(Command command);
  /// --states, of the commands that have it.
  void declare_states(Command command);
  /// --print-after, of the commands that have it.
  void declare_print(Command command);
  /// The files that they name, for Output::check.
  std::vector<NamedFile> read() const { return {{"MODEL", model}, {"--config", design.config}}; }
  /// @param recorded  what "auto" means
  reference::RoundingPolicy policy(reference::RoundingPolicy recorded) const;
};

/// --shape: extents that an ONNX file leaves open.
void declare_shape(Command command, std::vector<std::string>& shapes);
/// --lstm.
void declare_lstm(Command command, std::string& lstm);

/// Options of every command that executes.
struct BackendOptions {
  std::string backend = "rtl";
  int axi_latency = 32;
  int axi_bytes_per_cycle = 0;
  std::string trace_file;
  bool lockstep = false;

  /// @param golden  whether the golden layers alone are a backend, too
  void declare(Command command, bool golden = false);
  /// The memory behind the bus, of the commands that have no other backend.
  void declare_memory(Command command);
  /// @throws Error  options that only the RTL has, with --backend arch
  void check() const;
  /// The files that they name, for Output::check.
  std::vector<NamedFile> written() const { return {{"--trace", trace_file}}; }
  /// What `arch` runs with.
  sim::BusOptions bus() const;
  /// What `rtl` and `netlist` run with.
  sim::RtlOptions rtl(bool quiet) const;
};

/// A compiled model. `graph` is absent when MODEL is a program file.
struct Network {
  std::optional<model::Graph> graph;
  compiler::Program program;
  std::string printed;                ///< what --print-after asks for
  std::size_t kept = 0;               ///< outputs of the graph behind the model's own, see kept()
  int images = 1;                     ///< of a run
  std::vector<model::Carry> carries;  ///< with NetworkOptions::states
};

/// Whether MODEL is a program that compile wrote; false where there is none.
bool is_program_file(const std::string& model);

/// Compiles MODEL, or reads it when it is a program.
/// @throws Error
Network load_network(const NetworkOptions& options, const machine::Config& config,
                     reference::RoundingPolicy policy);
/// The same of a file's bytes; `options.model` names them in messages.
Network load_network(const std::vector<std::uint8_t>& bytes, const NetworkOptions& options,
                     const machine::Config& config, reference::RoundingPolicy policy);

/// The graph with the codes of every operator among its outputs, behind its own: no fusion may hide
/// them.
model::Graph kept(model::Graph graph);

/// The tensors that the user sees: of the graph, or of the program where there is none. Null for a
/// program whose edges are the machine's own.
const model::Graph* edge_graph(const Network& network, bool inputs);
/// Type and shape of each input, or output, of the model, without values.
std::vector<Array> input_shapes(const Network& network);
std::vector<Array> output_shapes(const Network& network);
/// @throws Error  `array`, which `what` names, is not of the type and shape of input `i`
void check_input(const Array& array, const std::string& what, std::size_t i, const Array& shape,
                 const std::string& model);

/// Random codes, the same for a seed; floats in -1..1, whole where the model takes no others.
std::vector<Array> random_inputs(const Network& network, std::uint32_t seed);
/// The user's files (--input). @throws Error  too many, too few, of another type or shape
std::vector<Array> read_inputs(const std::vector<std::string>& files, const Network& network,
                               const std::string& model);

/// Runs one vector after the other.
using Runner = std::function<sim::RunResult(const std::vector<Array>& inputs)>;

/// @param first_inputs  of the first vector, to predict how long a run takes
Runner make_runner(const compiler::Program& program, const BackendOptions& options,
                   const std::vector<Array>& first_inputs, bool quiet);

}  // namespace trine::cli
