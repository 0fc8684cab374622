// SPDX-License-Identifier: Apache-2.0
//
// A network as a table of shapes, without weights: CSV with a header, one layer per row. Columns
// have the usual letters of the field; README.md lists the columns of each type.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace trine::estimate {

/// The types of layers in a table.
enum class ShapeType {
  kConv,
  kDepthwise,
  kFc,
  kMatmul,
  kMax,
  kAvg,
  kAdd,
  kMul,
  kConcat,
  kSoftmax,
  kNorm,
  kEmbed
};

/// A layer: N images of C x H x W give N images of M x P x Q.
struct ShapeRow {
  int line = 0;
  std::string name;
  ShapeType type = ShapeType::kConv;
  std::vector<int> from;  ///< rows whose results it reads; -1: an external map
  int N = 1, C = 0, H = 0, W = 0, M = 0, R = 0, S = 0, U = 1, D = 1;
  int pad = 0, pad_left = 0;  ///< above and to the left
  int groups = 1;
  int times = 1;  ///< number of equal layers
  int bias = -1;  ///< parameters of an output channel in addition to its weights
  int P = 0, Q = 0;

  bool is_product() const {
    return type == ShapeType::kConv || type == ShapeType::kDepthwise || type == ShapeType::kFc ||
           type == ShapeType::kMatmul;
  }
  std::int64_t macs() const;        ///< MACs of one layer of `times`
  std::int64_t parameters() const;  ///< parameters of one layer of `times`
};

/// All rows of a file.
struct ShapeTable {
  std::string file;
  std::vector<ShapeRow> rows;
};

std::string name_of(ShapeType type);  ///< returns "conv"

/// Parses a table; fills every column and infers shapes from row to row.
/// @throws Error  "FILE:LINE: column: what is allowed"
ShapeTable parse_shapes(const std::string& text, const std::string& file);

}  // namespace trine::estimate
