// SPDX-License-Identifier: Apache-2.0
//
// The family "exported" as files: for other runtimes.

#pragma once

#include <string>

#include "sw/model/onnx/read/file.h"
#include "tools/fuzz/builder.h"

namespace trine::fuzz {

struct ExportedFile {
  model::onnx_file::File file;
  bool host_at_end = false;  ///< what ends it needs --allow-host
};

/// @throws Error  the importer refuses it
ExportedFile exported_file(Builder& b);

/// The file as protobuf. Constants of codes are written as what they stand for.
std::string onnx_bytes(const model::onnx_file::File& file);

}  // namespace trine::fuzz
