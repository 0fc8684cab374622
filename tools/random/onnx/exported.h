// SPDX-License-Identifier: Apache-2.0
//
// Writes networks of the family "exported" to files, for other runtimes.

#pragma once

#include <string>

#include "sw/model/onnx/read/file.h"
#include "tools/random/builder.h"

namespace trine::fuzz {

/// A file of the family.
struct ExportedFile {
  model::onnx_file::File file;
  bool host_at_end = false;  ///< operators at its end require --allow-host
};

/// Makes a file. @throws Error  the importer refuses it
ExportedFile exported_file(Builder& b);

/// Returns the file as protobuf. Constants of codes are written as the values that they represent.
std::string onnx_bytes(const model::onnx_file::File& file);

}  // namespace trine::fuzz
