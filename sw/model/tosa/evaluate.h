// SPDX-License-Identifier: Apache-2.0
//
// Operators of TOSA's integer profile as the specification defines them, one by one: of constants
// and of all 256 codes at import, and on the host for what the machine has no form of
// (OpKind::kOnnx, by the name "TOSA:CONV2D").

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sw/model/graph.h"
#include "sw/model/tosa/file.h"

namespace trine::model::tosa {

inline constexpr std::string_view kPrefix = "TOSA:";

struct Operand {
  DataType type = DataType::kInt8;
  std::vector<int> shape;
  std::vector<std::int64_t> values;  ///< empty: not known yet
};

struct Node {
  std::string type;
  Attributes attributes;
  std::vector<Operand> inputs;
  DataType out_type = DataType::kInt8;
  std::vector<int> out_shape;

  const std::vector<std::int64_t>& list(const char* name) const;
  std::int64_t number(const char* name) const;  ///< 0: the file does not say
};

/// Whether run() has the operator.
bool evaluates(std::string_view type);

/// Whether each element of its result depends on the same element of each operand.
bool is_elementwise(std::string_view type);

/// The conditions under which the specification makes a graph an error (ERROR_IF), the types that
/// are computed here, and sizes. @throws Refusal  text only: the caller names the operator
void check_node(const Node& node);

/// The elements of the result. Where the specification leaves it open (REQUIRE: a sum beyond 32
/// bits, say) they wrap. @pre check_node(), all values known
/// @throws Error  an index outside of what GATHER reads
std::vector<std::int64_t> run(const Node& node);

/// RESCALE's arithmetic: value * multiplier / 2^shift.
std::int64_t scaled(std::int64_t value, std::int64_t multiplier, std::int64_t shift,
                    bool double_round);

/// What RESIZE reads along an axis for place `p` of its result, n / d elements each.
struct Source {
  std::int64_t low, high;  ///< elements, inside of the axis
  std::int64_t weight;     ///< of `high`, 0..n - 1; `low` has n less that
  std::int64_t n;

  std::int64_t nearest() const { return 2 * weight >= n ? high : low; }
};
Source source_of(std::int64_t p, std::int64_t n, std::int64_t d, std::int64_t offset, int extent);

/// The node of a graph's operator of the host. @pre op.name begins with kPrefix
Node node_of(const Graph& graph, const Op& op);

}  // namespace trine::model::tosa
