// SPDX-License-Identifier: Apache-2.0
//
// Whole networks made at random: a few operators, each on anything that was computed before.

#pragma once

#include <string>
#include <vector>

#include "tools/fuzz/builder.h"

namespace trine::fuzz {

inline constexpr std::int64_t kMostElements = 12'000;  ///< of a tensor

/// What a network is made of.
enum class Family {
  kImages,        ///< convolutions, pools, elementwise operators, movement: maps of four axes
  kMatrices,      ///< products of rows and of two maps, transposes, reductions: 2 to 5 axes
  kTransformers,  ///< one block
  kLowBit,        ///< ternary and binary convolutions with thresholds
  kExported,      ///< ONNX in the forms of exporters
  kChains,        ///< narrow convolutions one behind the other, pruned
  kInt16,         ///< images and chains of int16 activations (array.activations16)
  kCells,         ///< LSTMs (array.activations16)
  kDecoders,      ///< of language models, with a text (decoders.h)
  kFormats,       ///< chains of int16 codes of an eight-bit format (array.formats)
  kSpikes,        ///< neurons over some steps (array.activations16)
  kParts,         ///< channels of inputs as operands
  kGates,         ///< squeeze and excitation of inputs
  kExchange,      ///< rows that cores exchange (array.cores)
  kTosa,          ///< TOSA as exporters write it
};

/// Names of all families, in their order: "images", ...
const std::vector<std::string>& family_names();

/// What make_network() chooses first so that it makes one of these families; none: any but
/// those of array.activations16 and decoders.
Record choice_of(const std::vector<Family>& families, std::uint64_t random);

/// A network of any family, with its outputs: all that nobody reads; those of array.activations16
/// only if choice_of() asks for them. Of a decoder nothing but the family. @return its family
Family make_network(Builder& b);

/// Operators of these families; further ones turn the network into uint8, a batch, ONNX's rounding.
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
/// Sets Builder::imported, too.
void make_tosa(Builder& b);
/// Weights of four bits.
void narrow(Builder& b);
/// LSTM, GRU, RNN of ONNX. @throws Error  the importer refuses them
void make_recurrent(Builder& b);
/// States of LSTMs are inputs and outputs.
void keep_states(Builder& b);
/// Images of what the machine has of int16 activations, still of int8.
void make_wide_images(Builder& b);
/// The network behind the quantizer of its input: what the host makes of floats is no matter here.
model::Graph from_codes(model::Graph graph);

/// Each output that no operator reads, and now and then one that is read as well.
void set_outputs(Builder& b);

/// Only operators first..first+count-1 are left: what they read becomes inputs, what nobody reads
/// outputs.
void keep_operators(model::Graph& graph, int first, int count);

/// Codes for an input of the graph: any, or mostly ends, or few.
Array random_codes(Builder& b, int tensor);

// ---- what turns a network into another one --------------------------------------------------

/// One scale for each tensor of weights.
void use_one_scale(model::Graph& graph);
/// Zero points for all weights; a few weights, or many, are then beyond int8.
void shift_weights(Builder& b);
/// Filters without weights; of half of the networks also input channels that no filter reads.
void prune(Builder& b);
/// Codes, batches and rounding of other files than int8 TFLite's.
void make_variant(Builder& b);
/// All codes 128 more.
void make_unsigned(model::Graph& graph);
/// Images come and go with their axes in another order, mostly N C H W.
void make_planar(Builder& b);
/// Every map n times. @pre axis 0 of all maps is the batch
void make_batch(Builder& b, int n);

}  // namespace trine::fuzz
