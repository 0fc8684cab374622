// SPDX-License-Identifier: Apache-2.0
//
// Reads and writes NumPy .npy files: format versions 1.0 to 3.0, C order, little endian. Source:
// numpy.lib.format's specification.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace trine {

/// A dense array. `bytes` contains prod(shape) elements of `dtype` in C order, little endian.
struct Array {
  std::string dtype;  ///< NumPy's type code without byte order: i1 u1 i2 i4 i8 f4 f8 b1
  std::vector<std::int64_t> shape;
  std::vector<std::uint8_t> bytes;

  /// Returns the number of elements.
  std::int64_t elements() const;
  std::size_t element_bytes() const;  ///< size of an element: 1, 2, 4 or 8
  /// Returns an element as a number.
  double value(std::size_t element) const;
};

/// Returns "int8 [1, 5, 5, 1]", for messages.
std::string type_and_shape(const Array& array);

/// Reads a file.
/// @throws Error  names the path and the fault: magic, header, dtype, Fortran order, truncation
Array read_npy(const std::filesystem::path& path);

/// Writes a file of version 1.0. A reader sees either the old or the new file.
void write_npy(const std::filesystem::path& path, const Array& array);

}  // namespace trine
