// SPDX-License-Identifier: Apache-2.0
//
// What each order of loops moves for a product, on the same array and buffer: accesses of each
// level, and their energy in that of a MAC. bench/published/dataflows.py is the same counter in
// Python, docs/dataflows.md has the formulas.

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "machine/config.h"
#include "sw/model/graph.h"
#include "tools/estimate/shape_table.h"

namespace trine::estimate {

/// What stays in a PE while the rest goes by.
enum class Dataflow { kOutput, kWeight, kInput, kRow };
inline constexpr std::array<const char*, 4> kDataflows = {"output", "weight", "input", "row"};

/// M filters of C x R x S over P x Q pixels; groups are products of their own.
struct Product {
  std::string name;
  std::int64_t M = 1, C = 1, R = 1, S = 1, P = 1, Q = 1;
  std::int64_t H = 1, W = 1;  ///< of the map that it reads
  std::int64_t stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  std::int64_t times = 1;  ///< products that are alike

  std::int64_t reduction() const { return C * R * S; }
  std::int64_t pixels() const { return P * Q; }
  std::int64_t macs() const { return M * pixels() * reduction(); }
  std::int64_t weights() const { return M * reduction(); }
  std::int64_t inputs() const { return C * H * W; }
  std::int64_t outputs() const { return M * pixels(); }
};

/// Convolutions and matrix products of a network. Maps that are multiplied with each other are
/// none: they have no weights.
std::vector<Product> products_of(const model::Graph& graph);
std::vector<Product> products_of(const ShapeTable& table);

struct Resources {
  std::int64_t rows = 1, columns = 1, buffer_bytes = 0;
  int lanes = 4;  ///< products that a PE adds before its sum, neighbouring channels
};
/// The array, and both memories as one buffer.
Resources resources_of(const machine::Config& config);

/// Accesses of one kind of data at one level, and how they come about.
struct Accesses {
  const char* what;  ///< "inputs", "weights", "sums"
  std::int64_t count = 0;
  std::string why;
};

/// What one of the product's `times` moves.
struct Moved {
  std::vector<Accesses> dram, buffer;
  std::int64_t macs = 0, hops = 0, registers = 0;  ///< hops: from PE to PE, or a broadcast
  std::string hops_why, registers_why;

  std::int64_t dram_accesses() const { return sum(dram); }
  std::int64_t buffer_accesses() const { return sum(buffer); }
  /// In that of a MAC.
  double energy() const;

 private:
  static std::int64_t sum(const std::vector<Accesses>& all);
};

/// Energy of an access in that of a MAC: Chen, Emer, Sze, ISCA 2016, table 4.
inline constexpr double kRegisterCost = 1, kHopCost = 2, kBufferCost = 6, kDramCost = 200;

Moved moved(Dataflow flow, const Product& product, const Resources& resources);

/// The array as Timeloop 0.4 describes architectures, with what the dataflow asks of mappings.
std::string timeloop_architecture(Dataflow flow, const Resources& resources, int bus_bits);
/// The product as its problem.
std::string timeloop_problem(const Product& product);

}  // namespace trine::estimate
