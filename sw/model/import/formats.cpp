// SPDX-License-Identifier: Apache-2.0

#include "sw/model/import/formats.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "sw/base/error.h"
#include "sw/base/little_endian.h"
#include "sw/model/tosa/file.h"

namespace trine::model {
namespace {

bool has_text(Format::Bytes bytes, std::size_t at, std::string_view text) {
  return bytes.size() >= at + text.size() &&
         std::memcmp(bytes.data() + at, text.data(), text.size()) == 0;
}

Graph read_tflite(const std::vector<std::uint8_t>& bytes, const std::string& file,
                  const HostUse& host, const GivenShapes& shapes) {
  if (!shapes.empty())
    throw_error("--shape: {} is TFLite, whose shapes are fixed; allowed only for ONNX", file);
  return parse_tflite(bytes, file, host.allowed);
}

Graph read_tosa(const std::vector<std::uint8_t>& bytes, const std::string& file, const HostUse&,
                const GivenShapes& shapes) {
  if (!shapes.empty())
    throw_error("--shape: {} is TOSA, whose shapes are fixed; allowed only for ONNX", file);
  return parse_tosa(bytes, file);
}

/// Returns true for a binary TOSA file or its JSON form.
bool begins_tosa(Format::Bytes bytes) {
  return tosa::is_binary(bytes.data(), bytes.size()) || tosa::is_text(bytes.data(), bytes.size());
}

/// Returns true for a JSON header that follows its length of 8 bytes.
bool begins_safetensors(Format::Bytes bytes) {
  return has_text(bytes, 8, "{") && little_endian(bytes.first(8)) <= bytes.size() - 8;
}

/// Returns true for a zip, or for a pickle of an older version.
bool begins_pytorch(Format::Bytes bytes) {
  return has_text(bytes, 0, "PK\x03\x04") || has_text(bytes, 0, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46");
}

constexpr Format kFormats[] = {
    {"TFLite",
     {".tflite"},
     [](Format::Bytes bytes) { return has_text(bytes, 4, "TFL3"); },
     false,
     read_tflite,
     ""},
    {"ONNX", {".onnx"}, nullptr, true, parse_onnx, ""},
    {"TOSA", {".tosa"}, begins_tosa, false, read_tosa, ""},
    {"GGUF",
     {".gguf"},
     [](Format::Bytes bytes) { return has_text(bytes, 0, "GGUF"); },
     false,
     nullptr,
     "it contains the weights of a language model: use trine generate-text"},
    {"safetensors",
     {".safetensors"},
     begins_safetensors,
     false,
     nullptr,
     "it contains weights without operators: export the network as ONNX, or give a language "
     "model's folder to trine generate-text"},
    {"NIR",
     {".nir"},
     [](Format::Bytes bytes) { return has_text(bytes, 0, "\x89HDF\r\n\x1a\n"); },
     false,
     nullptr,
     "it is HDF5: convert spiking networks to ONNX with trine nir"},
    {"PyTorch",
     {".pt", ".pth"},
     begins_pytorch,
     false,
     nullptr,
     "export the network as ONNX: torch.onnx.export()"},
};
constexpr const Format& kTflite = kFormats[0];
constexpr const Format& kOnnx = kFormats[1];

/// Returns the format of the file's extension in lower or upper case, or null.
const Format* find_named(const std::string& file) {
  std::string extension = std::filesystem::path(file).extension().string();
  std::ranges::transform(extension, extension.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (extension.empty()) return nullptr;
  for (const Format& f : kFormats)
    if (std::ranges::find(f.extensions, extension) != f.extensions.end()) return &f;
  return nullptr;
}

}  // namespace

std::span<const Format> formats() { return kFormats; }

const Format* format_of(Format::Bytes bytes) {
  for (const Format& f : kFormats)
    if (f.begins != nullptr && f.begins(bytes)) return &f;
  return nullptr;
}

const Format& format_of(Format::Bytes bytes, const std::string& file) {
  if (const Format* found = format_of(bytes)) return *found;
  const Format* named = find_named(file);
  return named != nullptr && named->read == nullptr ? *named : kOnnx;
}

const Format& format_named(const std::string& file) {
  const Format* named = find_named(file);
  if (named == nullptr) return kTflite;
  if (named->read == nullptr) refuse_format(*named, file);
  return *named;
}

void refuse_format(const Format& format, const std::string& file) {
  std::string allowed;
  for (const Format& f : kFormats)
    if (f.read != nullptr) allowed += std::string(f.name) + ", ";
  throw_error("{}: {}, allowed {}a program of trine compile; {}", file, format.name, allowed,
              format.instead);
}

}  // namespace trine::model
