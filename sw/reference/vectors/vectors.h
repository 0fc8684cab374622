// SPDX-License-Identifier: Apache-2.0
//
// Recorded test vectors: a folder with manifest.json and arrays, as models/record.py writes it.
// docs/vectors.md has the format.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/npy.h"
#include "sw/model/graph.h"
#include "sw/reference/run.h"

namespace trine::reference {

struct VectorCase {
  std::string id;
  std::vector<Array> inputs, outputs;  ///< in the model's order
  std::vector<std::int64_t> labels;    ///< one, or one for each row of output 0; may be empty
};

/// What one operator wrote in the case VectorSet::layers_case.
struct LayerVector {
  int op_index = 0;
  int tensor = -1;  ///< index in the model; -1 where the manifest gives only a name
  std::string op, name;
  Array value;
  std::vector<std::int64_t> ties;  ///< elements of a real value at the edge of two codes, ascending
};

struct VectorSet {
  std::string file;              ///< the manifest
  std::string model, sha256;     ///< "" where the manifest does not say
  std::string package, version;  ///< the runtime that made the outputs, or ""
  std::string resolver;          ///< LiteRT's kernels that made them, or ""
  RoundingPolicy policy;         ///< how that runtime rounds
  std::vector<VectorCase> cases;
  bool stream = false;      ///< states of LSTM and SVDF go from each case to the next
  std::string layers_case;  ///< "" where the folder holds no layers
  std::vector<LayerVector> layers;
};

/// LiteRT's reference kernels; its other ones may round otherwise.
inline constexpr std::string_view kReferenceKernels = "BUILTIN_REF";

/// Reads folder/manifest.json and every tensor it names. An input that is not in the folder is
/// taken from the one above: so do folders of another runtime version's outputs.
/// @param streams  whether the caller keeps states from case to case
/// @throws Error  names the manifest and the key: missing, of a wrong type, or its file at fault; a
///                stream that the caller does not take
VectorSet read_vectors(const std::filesystem::path& folder, bool streams = false);

/// Each case `n` of these behind one another along axis 0, the last one filled up from the first;
/// without labels and layers. @throws Error  names cases whose tensors do not fit each other
VectorSet batched(VectorSet vectors, int n);

/// @param before, after  the graphs that have the model's inputs and its outputs
/// @throws Error  names the case whose tensor does not fit the model, or one that lacks
void check_cases(const VectorSet& vectors, const model::Graph& before, const model::Graph& after);

/// The same of its layers, too. @throws Error
void check_vectors(const VectorSet& vectors, const model::Graph& graph);

/// LiteRT rounds FULLY_CONNECTED once from 1.3.0 on; every other runtime rounds as LiteRT 1.2.0
/// does and has the LSTM of tflite-micro.
RoundingPolicy policy_of(const std::string& package, const std::string& version);

}  // namespace trine::reference
