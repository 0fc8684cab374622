// SPDX-License-Identifier: Apache-2.0
//
// Writes a machine image as a C array, for firmware without files.

#include <fmt/ranges.h>

#include <cctype>
#include <cstring>

#include "sw/base/division.h"
#include "sw/program/image.h"

namespace trine::program {
namespace {

/// Returns a text that is safe in a comment or a string, because a model's names may have any
/// bytes.
std::string harmless(std::string_view text) {
  std::string result;
  for (const char c : text)
    result += std::isalnum(static_cast<unsigned char>(c)) || (c != '\0' && std::strchr("_.:-", c))
                  ? c
                  : '_';
  return result;
}

/// Returns "lenet_mnist" for "LeNet-MNIST".
std::string identifier(std::string_view name) {
  std::string result;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    result += std::isalnum(byte) ? static_cast<char>(std::tolower(byte)) : '_';
  }
  return result.empty() || std::isdigit(static_cast<unsigned char>(result[0])) ? "_" + result
                                                                               : result;
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string edge_text(const std::string& prefix, const TensorLayout& layout, model::DataType type) {
  return fmt::format(
      "/* '{}': {} [{}]; in the machine scale {}, zero point {} */\n"
      "#define {}_ELEMENTS {}\n"
      "#define {}_BYTES {}\n",
      harmless(layout.name), model::name_of(type), fmt::join(layout.extents, ", "), layout.scale,
      layout.zero_point, prefix, layout.elements(), prefix,
      layout.elements() * layout.element_bytes());
}

std::string words_text(const std::string& image) {
  std::string text;
  for (std::size_t at = 0; at < image.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, &image[at], std::min<std::size_t>(8, image.size() - at));
    text += fmt::format("{}0x{:016x},", at % 32 == 0 ? "\n    " : " ", word);
  }
  return text;
}

}  // namespace

std::string write_c(const Program& segment) {
  const std::string name = identifier(segment.name), macro = upper(name),
                    image = write_image(segment);
  std::string edges;
  for (std::size_t i = 0; i < segment.inputs.size(); ++i)
    edges += edge_text(fmt::format("{}_INPUT_{}", macro, i), segment.inputs[i],
                       segment.before.tensor(segment.before.outputs.at(i)).type);
  for (std::size_t i = 0; i < segment.outputs.size(); ++i)
    edges += edge_text(fmt::format("{}_OUTPUT_{}", macro, i), segment.outputs[i],
                       segment.after.tensor(segment.after.inputs.at(i)).type);
  return fmt::format(
      "/* Model {0} for Trine designs of configuration {1}, written by `trine compile --c`.\n"
      " * Included by one file: trine_read_image({2}_model, {3}_IMAGE_BYTES, &image). */\n"
      "#ifndef {3}_MODEL_H\n"
      "#define {3}_MODEL_H\n\n"
      "#include <stdint.h>\n\n"
      "#define {3}_NAME \"{0}\"\n"
      "#define {3}_CONFIGURATION \"{1}\"\n"
      "#define {3}_CONFIGURATION_HASH 0x{4:016x}u\n"
      "#define {3}_IMAGE_BYTES {5}u\n"
      "/* The device needs so much memory from the base address on. */\n"
      "#define {3}_MEMORY_BYTES {6}u\n"
      "#define {3}_INPUTS {7}\n"
      "#define {3}_OUTPUTS {8}\n"
      "{9}\n"
      "/* As bytes, little endian. */\n"
      "#ifdef __GNUC__\n"
      "__attribute__((aligned(64)))\n"
      "#endif\n"
      "static const uint64_t {2}_model[{10}] = {{{11}\n}};\n\n"
      "#endif\n",
      harmless(segment.name), harmless(segment.config.name), name, macro, segment.config_hash,
      image.size(), segment.dram_bytes + std::int64_t{8} * std::ssize(segment.words),
      segment.inputs.size(), segment.outputs.size(), edges, divide_up(image.size(), std::size_t{8}),
      words_text(image));
}

}  // namespace trine::program
