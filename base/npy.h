// SPDX-License-Identifier: Apache-2.0
//
// NumPy .npy files, format version 1.0 to 3.0, C order, little endian.
// Source: numpy.lib.format's specification.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace trine {

/// A dense array; `bytes` holds prod(shape) elements of `dtype`, C order, little endian.
struct Array {
  std::string dtype;  ///< NumPy's code without byte order: i1 u1 i2 i4 i8 f4 f8 b1
  std::vector<std::int64_t> shape;
  std::vector<std::uint8_t> bytes;

  std::int64_t elements() const;
  std::size_t element_bytes() const;  ///< 1, 2, 4 or 8
  double value(std::size_t element) const;
};

/// "int8 [1, 5, 5, 1]", for messages.
std::string type_and_shape(const Array& array);

/// @throws Error  names path and fault: magic, header, dtype, Fortran order, truncation
Array read_npy(const std::filesystem::path& path);

/// Writes version 1.0, atomically.
void write_npy(const std::filesystem::path& path, const Array& array);

}  // namespace trine
