// SPDX-License-Identifier: Apache-2.0
//
// Divides a TFLite model between the machine and an interpreter: each part of the machine becomes
// one custom operator with its machine image, and the other operators stay.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tools/cli/run/network.h"

namespace trine::cli {

/// A part that the machine executes. Operators and tensors have the file's numbers.
struct TflitePart {
  std::vector<int> ops, inputs, outputs;
  compiler::Program program;
  std::string image;  ///< of the program, for drivers
};

/// A divided model.
struct TfliteParts {
  std::vector<TflitePart> parts;
  /// All operators in an order of execution: the number of an operator that stays, or -1 - i for
  /// part i.
  std::vector<int> order;
  /// The values of tensors that the importer computed, for operators that stay.
  std::map<int, std::vector<std::uint8_t>> constants;
  std::vector<std::string> refused;  ///< why the compiler refused parts that therefore stay
};

/// Divides a model. Operators with a state stay, because the interpreter keeps states.
/// @param bytes  the TFLite file
/// @throws Error  the file is damaged, or the machine executes nothing of it
TfliteParts tflite_parts(const std::vector<std::uint8_t>& bytes, const NetworkOptions& options,
                         const spec::Config& config, reference::RoundingPolicy policy);

/// Writes the model with a custom operator "trine" for each part, by
/// components/zoo/write_tflite.py.
void write_tflite(const TfliteParts& parts, const std::string& model, const std::string& file,
                  const Output& output);

/// Returns a line for each part, and what the compiler refused.
std::string to_text(const TfliteParts& parts);
/// Returns the parts with their operators, tensors and bytes.
Json to_json(const TfliteParts& parts);

}  // namespace trine::cli
