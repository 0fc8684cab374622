// SPDX-License-Identifier: Apache-2.0

#include "sw/model/import.h"

#include <cstring>

#include "base/file.h"
#include "sw/model/refusal.h"

namespace trine::model {

Graph import_model(const std::filesystem::path& path, bool host) {
  return parse_model(read_file(path), path.string(), host);
}

Graph parse_model(const std::vector<std::uint8_t>& bytes, const std::string& file, bool host) {
  const bool is_tflite = bytes.size() >= 8 && std::memcmp(&bytes[4], "TFL3", 4) == 0;
  if (is_tflite) return parse_tflite(bytes, file, host);
  return parse_onnx(bytes, file, host);
}

void refuse_float(const std::string& file, std::string_view what) {
  const std::filesystem::path path(file);
  const bool ready = what == kFloat32;
  refuse(Reason::kType,
         "{}: the model is {}, the machine computes int8: {} with examples of its inputs: trine "
         "quantize {} --calibration DIR --out INT8{} (docs/five_steps.md)",
         file, what, ready ? "quantize it" : "quantize the float32 model that it was made of",
         ready ? file : "FLOAT" + path.extension().string(), path.extension().string());
}

}  // namespace trine::model
