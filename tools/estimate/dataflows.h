// SPDX-License-Identifier: Apache-2.0
//
// Counts the data that each order of loops moves for a product on the same array and buffer:
// accesses of each level, and their energy relative to a MAC.
// components/benchmarks/published/dataflows.py contains the same counter in Python,
// docs/dataflows.md the formulas.

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "spec/config.h"
#include "sw/model/graph/graph.h"
#include "tools/estimate/shape_table.h"
#include "tools/estimate/transformers.h"

namespace trine::estimate {

/// The kind of data that stays in a PE while the other kinds pass.
enum class Dataflow { kOutput, kWeight, kInput, kRow };
inline constexpr std::array<const char*, 4> kDataflows = {"output", "weight", "input", "row"};

/// M filters of C x R x S over P x Q pixels. Groups are separate products.
struct Product {
  std::string name;
  std::int64_t M = 1, C = 1, R = 1, S = 1, P = 1, Q = 1;
  std::int64_t H = 1, W = 1;  ///< size of the map that it reads
  std::int64_t stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  std::int64_t groups = 1;  ///< equal products whose channels are parts of the same maps
  std::int64_t times = 1;   ///< number of equal products, groups included

  /// Returns everything that a plan depends on.
  auto shape() const {
    return std::tuple(M, C, R, S, P, Q, H, W, stride_h, stride_w, dilation_h, dilation_w, groups);
  }
  std::int64_t reduction() const { return C * R * S; }
  std::int64_t pixels() const { return P * Q; }
  std::int64_t macs() const { return M * pixels() * reduction(); }
  std::int64_t weights() const { return M * reduction(); }
  std::int64_t inputs() const { return C * H * W; }
  std::int64_t outputs() const { return M * pixels(); }
};

/// Returns the convolutions and matrix products of a network, without products of two maps, which
/// have no weights.
std::vector<Product> products_of(const model::Graph& graph);
std::vector<Product> products_of(const ShapeTable& table);
/// Returns the products of a transformer that computes `tokens` together, and the pooler or the
/// logits of one token.
std::vector<Product> products_of(const Transformer& transformer, int tokens);

/// The array and its buffer.
struct Resources {
  std::int64_t rows = 1, columns = 1;
  std::int64_t buffer_bytes = 0;  ///< of both memories
  int lanes = 4;  ///< number of neighbouring channels that a PE multiplies and adds up at once
};
/// Returns the array of a design.
Resources resources_of(const spec::Config& config);

/// Accesses to one kind of data at one level, with an explanation.
struct Accesses {
  const char* what;  ///< "inputs", "weights", "sums"
  std::int64_t count = 0;
  std::string why;
};

/// The data that one execution of the product moves; the product is executed `times` times.
struct Moved {
  std::vector<Accesses> dram, buffer;
  std::int64_t macs = 0, hops = 0, registers = 0;  ///< hops: from PE to PE, or a broadcast
  std::string hops_why, registers_why;

  std::int64_t dram_accesses() const { return sum(dram); }
  std::int64_t buffer_accesses() const { return sum(buffer); }
  /// Returns the energy relative to a MAC.
  double energy() const;

 private:
  static std::int64_t sum(const std::vector<Accesses>& all);
};

/// Energy of an access relative to a MAC: Chen, Emer, Sze, ISCA 2016, table 4.
inline constexpr double kRegisterCost = 1, kHopCost = 2, kBufferCost = 6, kDramCost = 200;

/// Returns the data that a product moves.
/// @param dram  accesses to DRAM, which are the same for all orders of loops (planned_dram.h)
Moved moved(Dataflow flow, const Product& product, const Resources& resources,
            std::vector<Accesses> dram);

/// Returns the array in the architecture format of Timeloop 0.4, with the dataflow's constraints on
/// mappings.
std::string timeloop_architecture(Dataflow flow, const Resources& resources, int bus_bits);
/// Returns the product as a problem of Timeloop.
std::string timeloop_problem(const Product& product);

}  // namespace trine::estimate
