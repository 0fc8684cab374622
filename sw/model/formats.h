// SPDX-License-Identifier: Apache-2.0
//
// The one table of files that hold networks: how each is told from the others, how its images lie,
// what reads it. Rows without a reader are refused by name instead of as damaged ONNX.

#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sw/model/import.h"

namespace trine::model {

struct Format {
  using Bytes = std::span<const std::uint8_t>;

  std::string_view name;                       ///< in messages
  std::array<std::string_view, 2> extensions;  ///< ".tflite"; empty: no more
  bool (*begins)(Bytes bytes);                 ///< by its magic; null: it has none
  bool channels_first;                         ///< an image is [N, C, H, W]
  /// As parse_model(); null: not supported.
  Graph (*read)(const std::vector<std::uint8_t>& bytes, const std::string& file, bool host,
                const GivenShapes& shapes);
  std::string_view instead;  ///< what the user does, where there is no reader
};

std::span<const Format> formats();

/// By its magic; null: none of them, or one without a magic.
const Format* format_of(Format::Bytes bytes);

/// By its magic; else the name may say that it is one without a reader; else ONNX, which has none.
const Format& format_of(Format::Bytes bytes, const std::string& file);

/// By the file's name, as the helpers in models/ tell float models, which no reader takes; TFLite
/// if the name says nothing. @throws Error  one without a reader
const Format& format_named(const std::string& file);

/// "m.gguf: GGUF, allowed TFLite, ONNX, TOSA, a program of trine compile; ..."
[[noreturn]] void refuse_format(const Format& format, const std::string& file);

}  // namespace trine::model
