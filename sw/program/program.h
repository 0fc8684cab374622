// SPDX-License-Identifier: Apache-2.0
//
// A compiled network: everything that is needed to run it. The compiler writes it. The architecture
// simulator, the RTL runner and the C runtime read it.
//
// The DRAM of a program has `dram_bytes` from the BASE registers on. It contains the inputs,
// outputs and spilled maps, then, from `image_offset` on, the constants (weights, biases, scales).
// The instruction words are outside of this region, at the address in the register PROGRAM (all our
// runners use program_offset()).
//
// File: docs/program-file.md. A flatbuffer (program.fbs) with the machine image of each segment
// (image.h).

#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "spec/config.h"
#include "spec/isa.h"
#include "sw/model/graph/graph.h"
#include "sw/program/layout.h"
#include "sw/reference/golden.h"

namespace trine::program {

/// An operator of the model (with the operators fused into it). Every RUN belongs to one.
struct ProgramLayer {
  std::string name;  ///< name of the output tensor
  std::string op;    ///< "CONV_2D+ADD"
  std::int64_t macs = 0;
  std::string placement;  ///< tiling and memories as one line of text
  /// The lower bound in cycles for an optimistic machine of this size (compiler::bound_of).
  std::int64_t bound_cycles = 0;
  std::int64_t expected_cycles = 0;  ///< the compiler's estimate
  int stripes = 1;                   ///< stripes in a cascade: the layer runs once for each
  /// MACs of a PE in a cycle: 4 with int8 codes, 16 with ternary codes, 32 with binary codes.
  int pe_macs = 4;
  std::string module{};  ///< model::module_of() the operator, or empty

  /// Returns the name for tables: the module, or the tensor without an exporter's endings.
  std::string title() const;
  /// Returns the cycles that the array would take at its peak.
  double peak_cycles(const spec::Config& config) const {
    return static_cast<double>(macs) / (static_cast<double>(config.pes()) * pe_macs);
  }
};

/// The parts of the model that the compiler removed without changing results: `filters` of the
/// `of_filters` output channels of all products, and `macs` multiply-accumulates.
struct Removed {
  std::int64_t filters = 0, of_filters = 0, macs = 0;
};

/// A segment of a compiled network, and the segments after it.
struct Program {
  spec::Config config;
  std::uint64_t config_hash = 0;  ///< spec::Config::hash(), the first word
  std::string name;               ///< name of the model
  std::vector<isa::Word> words;   ///< from BEGIN to END
  std::int64_t image_offset = 0;  ///< in bytes from BASE
  std::vector<std::uint8_t> image;
  std::int64_t dram_bytes = 0;                ///< size of the whole region, a multiple of 4096
  std::vector<TensorLayout> inputs, outputs;  ///< inputs and outputs of the machine
  std::vector<ProgramLayer> layers;
  std::vector<int> run_layer;  ///< by RUN in program order: its layer
  /// Host operators from the model's inputs to the machine's, and from the machine's outputs to the
  /// model's. Without operators, inputs and outputs are the same tensors.
  model::Graph before, after;
  reference::RoundingPolicy rounding;  ///< rounding of host operators
  /// The segments after this segment, in order. Each segment reads the outputs of the segment
  /// before it. The `rest` of these segments is empty.
  std::vector<Program> rest;
  Removed removed;           ///< removed from the whole model; set in its first segment
  std::string model_sha256;  ///< hash of the model's files, in the first segment; empty: not known
  int images = 1;            ///< images that a run processes together, in the first segment

  std::int64_t macs() const;  ///< MACs of the machine in all segments
  std::int64_t program_offset() const { return dram_bytes; }  ///< in bytes from BASE
};

/// Returns the program followed by its rest.
std::vector<const Program*> segments(const Program& program);
/// Returns the layers of all segments in order.
std::vector<ProgramLayer> layers_of(const Program& program);

/// Returns true if the bytes look like a program. parse_program() may still refuse them.
bool is_program(std::span<const std::uint8_t> bytes);
/// Read a program from a file or from its bytes.
/// @throws Error  names the file and the fault
Program read_program(const std::filesystem::path& path);
Program parse_program(const std::vector<std::uint8_t>& bytes, const std::string& file);
/// Writes a program file.
/// @throws Error  if a segment breaks a rule (verify.h)
void write_program(const std::filesystem::path& path, const Program& program);
/// Returns the bytes of the program's file. The same program gives the same bytes.
std::string serialize(const Program& program);
/// Verifies the words of a segment (sw/program/verify.h).
/// @throws Error  names the word and the rule that it breaks
void require_verified(const Program& segment);
/// Checks that a segment from a file can be run: constants and maps fit their memory, words are
/// verified, and layers and host operators fit together.
/// @throws Error  names what does not fit
void check(const Program& segment);
/// Sets a file's checksum.
/// @return false if the file's structure is damaged
bool seal(std::span<std::uint8_t> file);

/// Sets the design on which the program runs. Configuration keys that do not affect programs may
/// differ from the ones that it was compiled for.
/// @throws Error  if the program was compiled for another configuration
void set_configuration(Program& program, const spec::Config& config);

/// Returns the instructions as text, one per line.
std::string disassemble(const Program& program);
/// Returns a text for the n-th RUN, such as "conv2 compute RUN ...".
std::string describe_run(const Program& program, int run);

}  // namespace trine::program
