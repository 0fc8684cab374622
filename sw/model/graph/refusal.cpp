// SPDX-License-Identifier: Apache-2.0

#include "sw/model/graph/refusal.h"

#include <filesystem>

namespace trine::model {

void refuse_float(const std::string& file, std::string_view what) {
  const std::filesystem::path path(file);
  const bool ready = what == kFloat32;
  refuse(Reason::kType,
         "{}: the model is {}, the machine computes int8: {} with examples of its inputs: trine "
         "quantize {} --calibration DIR --out INT8{} (docs/five_steps.md)",
         file, what, ready ? "quantize it" : "quantize the float32 model that it was made from",
         ready ? file : "FLOAT" + path.extension().string(), path.extension().string());
}

}  // namespace trine::model
