// SPDX-License-Identifier: Apache-2.0

#include "sw/model/import/import.h"

#include <charconv>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/hash.h"
#include "sw/model/import/formats.h"
#include "sw/model/onnx/read/file.h"

namespace trine::model {

Graph import_model(const std::filesystem::path& path, bool host) {
  return parse_model(read_file(path), path.string(), host);
}

Graph parse_model(const std::vector<std::uint8_t>& bytes, const std::string& file,
                  const HostUse& host, const GivenShapes& shapes) {
  const Format& format = format_of(bytes, file);
  if (format.read == nullptr) refuse_format(format, file);
  if (!host.types.empty() && format.name != "ONNX")
    throw_error("--host: {} is {}, allowed only for ONNX", file, format.name);
  return format.read(bytes, file, host, shapes);
}

std::string digest_of_model(const std::vector<std::uint8_t>& bytes, const std::string& file) {
  const std::string own = sha256(bytes);
  if (format_of(bytes, file).name != "ONNX") return own;
  std::string text = own + '\n';
  const std::vector<std::string> beside = onnx_file::external_files(bytes);
  for (const std::string& name : beside) {
    const auto path = std::filesystem::path(file).parent_path() / name;
    text +=
        name + ' ' + (std::filesystem::is_regular_file(path) ? sha256_of_file(path) : "") + '\n';
  }
  return beside.empty() ? own : sha256({text.begin(), text.end()});
}

std::vector<std::string> open_dimensions(const std::vector<std::uint8_t>& bytes,
                                         const std::string& file) {
  if (format_of(bytes, file).name != "ONNX") return {};
  return onnx_file::open_dimensions(bytes, file);
}

GivenShapes parse_shapes(const std::vector<std::string>& texts) {
  GivenShapes shapes;
  for (const std::string& text : texts) {
    const std::size_t equals = text.rfind('=');
    if (equals == std::string::npos || equals == 0)
      throw_error("--shape: {}: allowed NAME=N for a dimension, INPUT=N,C,H,W for an input", text);
    const std::string name = text.substr(0, equals);
    if (shapes.contains(name)) throw_error("--shape: {} is given twice", name);
    std::vector<int>& extents = shapes[name];
    const char *at = text.data() + equals, *const end = text.data() + text.size();
    while (at != end) {  // on '=' or ','
      int extent = 0;
      const auto [behind, error] = std::from_chars(at + 1, end, extent);
      if (error != std::errc() || extent < 0 || (behind != end && *behind != ','))
        throw_error("--shape: {}: extents must be whole numbers, allowed 0 and above", text);
      extents.push_back(extent);
      at = behind;
    }
  }
  return shapes;
}

}  // namespace trine::model
