// SPDX-License-Identifier: Apache-2.0
//
// Evaluates operators of TOSA's integer profile one by one, as the specification defines them: on
// constants and on all 256 codes at import, and on the host for operators that the machine does not
// support (OpKind::kOnnx with a name such as "TOSA:CONV2D").

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sw/model/graph/graph.h"

namespace trine::host::tosa {

using model::DataType, model::Graph, model::Op;

inline constexpr std::string_view kPrefix = "TOSA:";

/// The attributes by the format's names. Flags and enumerations are one number, lists are several.
using Attributes = std::map<std::string, std::vector<std::int64_t>>;

/// The format's numbers for RESCALE's rounding_mode and RESIZE's mode.
enum RoundingMode : std::int64_t { kSingleRound = 1, kInexactRound = 2, kDoubleRound = 3 };
enum ResizeMode : std::int64_t { kNearest = 1, kBilinear = 2 };

/// An operand of a TOSA operator.
struct Operand {
  DataType type = DataType::kInt8;
  std::vector<int> shape;
  std::vector<std::int64_t> values;  ///< empty if not known yet
};

/// A TOSA operator with its operands.
struct Node {
  std::string type;
  Attributes attributes;
  std::vector<Operand> inputs;
  DataType out_type = DataType::kInt8;
  std::vector<int> out_shape;

  const std::vector<std::int64_t>& list(const char* name) const;
  std::int64_t number(const char* name) const;  ///< 0 if the file has no such attribute
};

/// Returns true if run() supports the operator.
bool evaluates(std::string_view type);

/// Returns true if each element of the result depends on the same element of each operand.
bool is_elementwise(std::string_view type);

/// Checks the error conditions of the specification (ERROR_IF), and whether types and sizes are
/// supported here.
/// @throws Refusal  text only; the caller names the operator
void check_node(const Node& node);

/// Computes the elements of the result. Where the specification leaves the result open (REQUIRE,
/// for example a sum beyond 32 bits), values wrap.
/// @pre check_node(), all values known
/// @throws Error  for an index outside of GATHER's input
std::vector<std::int64_t> run(const Node& node);

/// Computes RESCALE: value * multiplier / 2^shift.
std::int64_t scaled(std::int64_t value, std::int64_t multiplier, std::int64_t shift,
                    bool double_round);

/// The elements that RESIZE reads along an axis for element `p` of its result. RESIZE makes n / d
/// result elements of one input element.
struct Source {
  std::int64_t low, high;  ///< elements inside of the axis
  std::int64_t weight;     ///< weight of `high`, 0..n - 1; `low` has n - weight
  std::int64_t n;

  std::int64_t nearest() const { return 2 * weight >= n ? high : low; }
};
Source source_of(std::int64_t p, std::int64_t n, std::int64_t d, std::int64_t offset, int extent);

/// Returns the node of a host operator of the graph.
/// @pre op.name begins with kPrefix
Node node_of(const Graph& graph, const Op& op);

}  // namespace trine::host::tosa
