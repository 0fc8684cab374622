// SPDX-License-Identifier: Apache-2.0
//
// A compiled network: everything that running it needs. The compiler writes it, the architecture
// simulator, the RTL runner and the C runtime read it.
//
// DRAM as a program sees it: `dram_bytes` from the BASE registers on. First inputs, outputs and
// spilled maps, then, from `image_offset` on, the constants (weights, biases, scales). The words
// lie outside of it, where PROGRAM says (program_offset() is the place that all our runners use).
//
// File: "TRINEPRG", u32 version, u32 number of sections, u64 configuration hash; each section u32
// tag, u32 zero, u64 bytes, contents padded to 8 bytes; u64 XXH64 of all that. Little endian.

#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "machine/config.h"
#include "machine/isa.h"
#include "sw/model/graph.h"
#include "sw/program/layout.h"
#include "sw/reference/run.h"

namespace trine::compiler {

/// An operator of the model (with what was fused into it); every RUN belongs to one.
struct ProgramLayer {
  std::string name;  ///< of the output tensor
  std::string op;    ///< "CONV_2D+ADD"
  std::int64_t macs = 0;
  std::string placement;  ///< one line for people: tiling, memories
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

  std::int64_t macs() const;                                  ///< of the machine, all stages
  std::int64_t program_offset() const { return dram_bytes; }  ///< bytes from BASE
};

/// The program and its rest.
std::vector<const Program*> stages(const Program& program);

/// @throws Error  names the file and the fault
/// How a tensor at the edge lies in memory, for whoever prepares it without this library.
nlohmann::json layout_json(const TensorLayout& layout);

Program read_program(const std::filesystem::path& path);
Program parse_program(const std::vector<std::uint8_t>& bytes, const std::string& file);
void write_program(const std::filesystem::path& path, const Program& program);
std::string serialize(const Program& program);

/// The design to run it on: keys that a program does not see may be others than when it was
/// compiled. @throws Error  when the program was compiled for another configuration
void set_configuration(Program& program, const machine::Config& config);

/// The instructions as text, a line each.
std::string disassemble(const Program& program);
/// "conv2 compute RUN ..." of the n-th RUN.
std::string describe_run(const Program& program, int run);

}  // namespace trine::compiler
