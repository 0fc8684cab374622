// SPDX-License-Identifier: Apache-2.0
//
// Declares the table of file formats for networks: how each is recognized, the layout of its
// images, and its reader. A format without a reader is refused by name instead of as damaged ONNX.

#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sw/model/import/import.h"

namespace trine::model {

/// One file format.
struct Format {
  using Bytes = std::span<const std::uint8_t>;

  std::string_view name;                       ///< for messages
  std::array<std::string_view, 2> extensions;  ///< such as ".tflite"; the second may be empty
  bool (*begins)(Bytes bytes);                 ///< recognizes the format's magic; null: no magic
  bool channels_first;                         ///< images are [N, C, H, W]
  /// Reads a file, as parse_model(). Null if the format is not supported.
  Graph (*read)(const std::vector<std::uint8_t>& bytes, const std::string& file,
                const HostUse& host, const GivenShapes& shapes);
  std::string_view instead;  ///< what the user can do if there is no reader
};

/// Returns the table.
std::span<const Format> formats();

/// Returns the format whose magic the bytes have, or null.
const Format* format_of(Format::Bytes bytes);

/// Returns the format whose magic the bytes have. Otherwise the file's name may show that it is a
/// format without a reader. All other files count as ONNX, which has no magic.
const Format& format_of(Format::Bytes bytes, const std::string& file);

/// Returns the format that the file's name shows, or TFLite if the name shows none. Commands for
/// float models use this function, because no reader supports such models.
/// @throws Error  if the format has no reader
const Format& format_named(const std::string& file);

/// Refuses a format with a text such as "m.gguf: GGUF, allowed TFLite, ONNX, TOSA, a program of
/// trine compile; ...".
[[noreturn]] void refuse_format(const Format& format, const std::string& file);

}  // namespace trine::model
