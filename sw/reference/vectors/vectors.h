// SPDX-License-Identifier: Apache-2.0
//
// Reads recorded test vectors: a folder with manifest.json and arrays, as components/zoo/record.py
// writes it. docs/vectors.md describes the format.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sw/base/npy.h"
#include "sw/model/graph/graph.h"
#include "sw/reference/golden.h"

namespace trine::reference {

/// A test case.
struct VectorCase {
  std::string id;
  std::vector<Array> inputs, outputs;  ///< in the model's order
  std::vector<std::int64_t> labels;    ///< one, or one for each row of output 0; may be empty
};

/// The output of one operator.
struct LayerVector {
  int op_index = 0;
  int tensor = -1;  ///< index in the model; -1 if the manifest gives only a name
  std::string op;   ///< of a quantizer: the operator before it, if the manifest names it
  std::string name;
  Array value;
  /// Elements, ascending, whose real value is a near tie of two codes, or whose code differs from
  /// the one that exact arithmetic gives.
  std::vector<std::int64_t> ties;
  /// The real values of `ties` in codes, by exact arithmetic from the recorded inputs. Nothing if
  /// the manifest does not have them.
  std::optional<std::vector<double>> exact;
};

/// The outputs of the operators in one case.
struct CaseLayers {
  std::size_t number = 0;  ///< of the case
  std::vector<LayerVector> tensors;
};

/// The test vectors of a model.
struct VectorSet {
  std::string file;              ///< the manifest's name
  std::string model, sha256;     ///< "" if the manifest does not have it
  std::string package, version;  ///< the runtime that computed the outputs, or ""
  std::string resolver;          ///< LiteRT's kernels that computed them, or ""
  RoundingPolicy policy;         ///< the rounding of that runtime
  std::vector<VectorCase> cases;
  bool stream = false;             ///< states of LSTM and SVDF pass from case to case
  std::vector<CaseLayers> layers;  ///< of the cases whose layers are recorded
};

/// The name of LiteRT's reference kernels. Its other kernels may round differently.
inline constexpr std::string_view kReferenceKernels = "BUILTIN_REF";

/// Reads folder/manifest.json and every tensor that it names. An input that is not in the folder is
/// read from the folder above, because folders for other runtime versions contain only outputs.
/// @param streams  true if the caller keeps states from case to case
/// @throws Error  names the manifest and the key that is missing, has a wrong type, or names a
/// faulty file; also for a stream if `streams` is false
VectorSet read_vectors(const std::filesystem::path& folder, bool streams = false);

/// Joins every `n` cases along axis 0. The last group is filled up with the first cases. The result
/// has no labels and no layers.
/// @throws Error  names cases whose tensors do not fit each other
VectorSet batched(VectorSet vectors, int n);

/// Checks that the cases fit the model.
/// @param before, after  the graphs with the model's inputs and its outputs
/// @throws Error  names the case with a tensor that does not fit the model or is missing
void check_cases(const VectorSet& vectors, const model::Graph& before, const model::Graph& after);

/// Checks that cases and layers fit the graph.
/// @throws Error
void check_vectors(const VectorSet& vectors, const model::Graph& graph);

/// Returns the rounding of a runtime. LiteRT rounds FULLY_CONNECTED once from 1.3.0 on. Every other
/// runtime rounds as LiteRT 1.2.0 and has tflite-micro's LSTM.
RoundingPolicy policy_of(const std::string& package, const std::string& version);

}  // namespace trine::reference
