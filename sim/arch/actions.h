// SPDX-License-Identifier: Apache-2.0
//
// Counts the actions of the machine from the words of a program, without executing it. A table of
// energies (tools/energy) is multiplied with these numbers.

#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "spec/precision.h"
#include "sw/program/program.h"

namespace trine::sim {

/// Columns: id, name, component, meaning of the count.
#define TRINE_ACTIONS(X)                                                                    \
  X(kInt8, "int8", "pe", "PEs in a cycle with a step of int8 activations and weights")      \
  X(kTernary, "ternary", "pe", "the same of ternary weights")                               \
  X(kBinary, "binary", "pe", "the same of binary weights")                                  \
  X(kInt8Mac, "int8_mac", "pe", "MACs of layers with such steps, without padding of words") \
  X(kTernaryMac, "ternary_mac", "pe", "the same of ternary weights")                        \
  X(kBinaryMac, "binary_mac", "pe", "the same of binary weights")                           \
  X(kLaneCode, "code", "lanes", "codes and sums that lanes put out, passes of thresholds")  \
  X(kLaneTap, "tap", "lanes", "words of taps that the vector lanes take in")                \
  X(kDmemRead, "read", "dmem", "words that banks of DMEM give to lanes and DMA")            \
  X(kDmemWrite, "write", "dmem", "words, or parts of them, that are stored in DMEM")        \
  X(kPmemRead, "read", "pmem", "words of the rows that steps read")                         \
  X(kPmemWrite, "write", "pmem", "words that are loaded")                                   \
  X(kAddress, "address", "agu", "lanes in a cycle with a step")                             \
  X(kBeat, "beat", "dma", "beats of the bus, and those between memories")                   \
  X(kInstruction, "instruction", "control", "words of the program")

enum Action : int {
#define TRINE_ACTION(id, ...) id,
  TRINE_ACTIONS(TRINE_ACTION)
#undef TRINE_ACTION
      kActions
};

/// The text columns of an action.
struct ActionName {
  std::string_view name, component, what;
};
inline constexpr std::array<ActionName, kActions> kActionNames{{
#define TRINE_ACTION(id, name, component, what) {name, component, what},
    TRINE_ACTIONS(TRINE_ACTION)
#undef TRINE_ACTION
}};

using Actions = std::array<std::int64_t, kActions>;

/// Returns the action for a PE's step with weights of that precision; mac_of() returns the action
/// for its MACs. Both groups of actions have the order of the precisions.
constexpr std::size_t step_of(const spec::Precision& weights) {
  return static_cast<std::size_t>(kInt8 + spec::encoding_of(weights));
}
constexpr std::size_t mac_of(const spec::Precision& weights) {
  return static_cast<std::size_t>(kInt8Mac + spec::encoding_of(weights));
}
static_assert(spec::table::all([](const spec::Precision& p) {
                const std::string_view mac = kActionNames[mac_of(p)].name;
                return kActionNames[step_of(p)].name == p.name && mac.starts_with(p.name) &&
                       mac.substr(p.name.size()) == "_mac";
              }),
              "each precision has a step and MACs");

/// The contents of words of DMEM. Words that go to PMEM are weights; residuals are inputs.
#define TRINE_DATA(X) \
  X(kWeights, "weights") X(kInputs, "inputs") X(kOutputs, "outputs") X(kSums, "sums")

enum Data : int {
#define TRINE_DATUM(id, ...) id,
  TRINE_DATA(TRINE_DATUM)
#undef TRINE_DATUM
      kDataKinds
};
inline constexpr std::array<std::string_view, kDataKinds> kDataNames{
#define TRINE_DATUM(id, name) name,
    TRINE_DATA(TRINE_DATUM)
#undef TRINE_DATUM
};

/// Words of DMEM by their contents. The sums are the actions kDmemRead and kDmemWrite.
struct DataWords {
  std::array<std::int64_t, kDataKinds> read{}, written{};
  DataWords& operator+=(const DataWords& other);
};

/// The actions of RUNs, and the contents of the words in DMEM that they read and write.
struct Counts {
  Actions actions{};
  DataWords dmem{};
};

/// Counts the actions of all RUNs together.
/// @throws Error  the words are not a valid program
Actions count_actions(const spec::Config& config, std::span<const isa::Word> words);

/// Counts the actions of each layer in program.layers, which are the layers of the first segment.
/// Program words count for the layer of the RUN that follows them.
/// @throws Error  the words are not a valid program
std::vector<Actions> count_actions(const compiler::Program& program);
/// Does the same with the contents of words.
std::vector<Counts> counts_of(const compiler::Program& program);

}  // namespace trine::sim
