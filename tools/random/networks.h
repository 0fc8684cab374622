// SPDX-License-Identifier: Apache-2.0
//
// Makes random networks: a few operators, each on any earlier result.

#pragma once

#include <string>
#include <vector>

#include "tools/random/builder.h"

namespace trine::fuzz {

inline constexpr std::int64_t kMostElements = 12'000;  ///< maximum elements of a tensor

/// The kinds of networks.
enum class Family {
  kImages,        ///< convolutions, pools, elementwise operators, movement: maps of four axes
  kMatrices,      ///< products of rows and of two maps, transposes, reductions: 2 to 5 axes
  kTransformers,  ///< one block
  kLowBit,        ///< ternary and binary convolutions with thresholds
  kExported,      ///< ONNX in the forms of exporters
  kChains,        ///< chains of narrow convolutions, pruned
  kInt16,         ///< images and chains of int16 activations (array.activations16)
  kCells,         ///< LSTMs (array.activations16)
  kDecoders,      ///< decoders of language models with a text (decoders.h)
  kFormats,       ///< chains of int16 codes of an eight-bit format (array.formats)
  kSpikes,        ///< neurons over several steps (array.activations16)
  kParts,         ///< channels of inputs as operands
  kGates,         ///< squeeze and excitation of inputs
  kExchange,      ///< rows that cores exchange (array.cores)
  kTosa,          ///< TOSA as exporters write it
};

/// Returns the names of all families in their order: "images", ...
const std::vector<std::string>& family_names();

/// Returns the first choices with which make_network() makes one of these families; without
/// families, any except decoders and families of array.activations16.
Record choice_of(const std::vector<Family>& families, std::uint64_t random);

/// Makes a network of any family; its outputs are all tensors that no operator reads. Families of
/// array.activations16 are only made if choice_of() asked for them. For a decoder it only returns
/// the family.
/// @return its family
Family make_network(Builder& b);

/// Each make_...() function adds operators of the family that it names. Further choices turn the
/// network into uint8, a batch, or ONNX's rounding.
void make_images(Builder& b);
void make_matrices(Builder& b);
void make_low_bit(Builder& b);
void make_exported(Builder& b);
void make_chains(Builder& b);
void make_int16(Builder& b);
void make_cells(Builder& b);
void make_formats(Builder& b);
void make_spikes(Builder& b);
void make_parts(Builder& b);
void make_gates(Builder& b);
void make_exchange(Builder& b);
/// Also sets Builder::imported.
void make_tosa(Builder& b);
/// Replaces weights by 4-bit weights.
void narrow(Builder& b);
/// Makes an LSTM, GRU or RNN of ONNX. @throws Error  the importer refuses the operator
void make_recurrent(Builder& b);
/// Makes states of LSTMs inputs and outputs.
void keep_states(Builder& b);
/// Makes images, still of int8, from operators that the machine supports on int16 activations.
void make_wide_images(Builder& b);
/// Returns the network after its input's quantizer: the host's conversion of floats is not tested
/// here.
model::Graph from_codes(model::Graph graph);

/// Adds each result that no operator reads to the outputs of the graph, and occasionally a result
/// that is read.
void set_outputs(Builder& b);

/// Keeps only operators first..first+count-1. Tensors that they read become inputs, and tensors
/// that none of them reads become outputs.
void keep_operators(model::Graph& graph, int first, int count);

/// Returns codes for an input of the graph: any codes, mostly the ends of the range, or few codes.
Array random_codes(Builder& b, int tensor);

// ---- what turns a network into another one --------------------------------------------------

/// Gives each tensor of weights a single scale.
void use_one_scale(model::Graph& graph);
/// Adds zero points to all weights; a few weights, or many, then exceed int8.
void shift_weights(Builder& b);
/// Sets all weights of some filters to zero. In half of the networks, also sets the weights of some
/// input channels to zero in all filters.
void prune(Builder& b);
/// Turns some networks into uint8 networks, batches, or networks with ONNX's rounding.
void make_variant(Builder& b);
/// Adds 128 to all codes.
void make_unsigned(model::Graph& graph);
/// Changes the axes of images at inputs and outputs to another order, mostly N C H W.
void make_planar(Builder& b);
/// Repeats every map n times. @pre axis 0 of all maps is the batch
void make_batch(Builder& b, int n);

}  // namespace trine::fuzz
