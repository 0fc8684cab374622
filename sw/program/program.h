// SPDX-License-Identifier: Apache-2.0
//
// A compiled network: everything that running it needs. The compiler writes it, the architecture
// simulator, the RTL runner and the C runtime read it.
//
// DRAM as a program sees it: `dram_bytes` from the BASE registers on. First inputs, outputs and
// spilled maps, then, from `image_offset` on, the constants (weights, biases, scales). The words
// lie outside of it, where PROGRAM says (program_offset() is the place that all our runners use).
//
// File: docs/program-file.md. A flatbuffer (program.fbs) with the machine image of each stage
// (image.h).

#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "machine/config.h"
#include "machine/isa.h"
#include "sw/model/graph.h"
#include "sw/program/layout.h"
#include "sw/reference/run.h"

namespace trine::program {

/// An operator of the model (with what was fused into it); every RUN belongs to one.
struct ProgramLayer {
  std::string name;  ///< of the output tensor
  std::string op;    ///< "CONV_2D+ADD"
  std::int64_t macs = 0;
  std::string placement;  ///< one line for people: tiling, memories
  /// Fewest cycles of an optimistic machine of that size (compiler::bound_of).
  std::int64_t bound_cycles = 0;
  std::int64_t expected_cycles = 0;  ///< by the compiler, when it planned
  int stripes = 1;                   ///< in a cascade: how often it runs, some rows each
};

/// What the compiler left out of the model, with the same results: output channels of products (and
/// how many the model has), multiply-accumulates.
struct Removed {
  std::int64_t filters = 0, of_filters = 0, macs = 0;
};

struct Program {
  machine::Config config;
  std::uint64_t config_hash = 0;  ///< machine::Config::hash(): the first word
  std::string name;               ///< of the model
  std::vector<isa::Word> words;   ///< from BEGIN to END
  std::int64_t image_offset = 0;  ///< bytes from BASE
  std::vector<std::uint8_t> image;
  std::int64_t dram_bytes = 0;                ///< of the whole region, a multiple of 4096
  std::vector<TensorLayout> inputs, outputs;  ///< of the machine
  std::vector<ProgramLayer> layers;
  std::vector<int> run_layer;  ///< layer of the n-th RUN in program order
  /// Operators on the host: from the model's inputs to the machine's, and from the machine's
  /// outputs to the model's. Without operators inputs and outputs are the same tensors.
  model::Graph before, after;
  reference::RoundingPolicy rounding;  ///< of operators on the host
  /// What runs after it, one after the other, from the outputs of each to the inputs of the next;
  /// these have no rest of their own.
  std::vector<Program> rest;
  Removed removed;           ///< of the whole model, told with its first stage
  std::string model_sha256;  ///< of the model's files, with the first stage; empty: not known
  int images = 1;            ///< that a run takes together, with the first stage

  std::int64_t macs() const;                                  ///< of the machine, all stages
  std::int64_t program_offset() const { return dram_bytes; }  ///< bytes from BASE
};

/// The program and its rest.
std::vector<const Program*> stages(const Program& program);
/// The layers of all stages, in their order.
std::vector<ProgramLayer> layers_of(const Program& program);

/// Whether it is meant for parse_program(), which may refuse it all the same.
bool is_program(std::span<const std::uint8_t> bytes);
/// @throws Error  names the file and the fault
Program read_program(const std::filesystem::path& path);
Program parse_program(const std::vector<std::uint8_t>& bytes, const std::string& file);
/// @throws Error  a stage is not verified
void write_program(const std::filesystem::path& path, const Program& program);
/// The same program gives the same bytes.
std::string serialize(const Program& program);
/// @throws Error  names the word and the rule that it breaks (sw/program/verify.h)
void require_verified(const Program& stage);
/// Whether a stage that a file describes can be run: constants and maps fit their memory, words are
/// verified, layers and host operators meet. @throws Error  what does not fit
void check(const Program& stage);
/// Makes a file's checksum fit. @return false if its structure is damaged
bool seal(std::span<std::uint8_t> file);

/// The design to run it on: keys that a program does not see may be others than when it was
/// compiled. @throws Error  when the program was compiled for another configuration
void set_configuration(Program& program, const machine::Config& config);

/// The instructions as text, a line each.
std::string disassemble(const Program& program);
/// "conv2 compute RUN ..." of the n-th RUN.
std::string describe_run(const Program& program, int run);

}  // namespace trine::program
