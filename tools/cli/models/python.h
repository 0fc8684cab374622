// SPDX-License-Identifier: Apache-2.0
//
// Helpers, those in models/ above all, that need packages of PyPI: each set of packages in an
// environment of its own below the cache, made on first use.

#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/common.h"

namespace trine::cli {

/// --python P.
struct PythonOptions {
  std::string python;

  void declare(Command command);
};

/// An interpreter that can import what the helpers need.
class Python {
 public:
  /// @param requirements  "models/requirements_onnx.txt"
  /// @throws Error  it is not there, and cannot be made: what to do
  Python(const PythonOptions& options, const std::string& requirements, const Output& output);

  const std::filesystem::path& program() const { return program_; }

  /// Runs models/`script`.py in the current folder.
  /// @param what  for the line that tells how long it takes
  /// @return the last line that it said of itself, without its name
  /// @throws Error  the line with which it failed
  std::string run(const std::string& script, const std::vector<std::string>& arguments,
                  const std::string& what) const;

 private:
  std::filesystem::path program_;
  bool quiet_;
};

/// What the helpers run models of a format with, and the files with its requirements.
struct Toolkit {
  std::string_view format;   ///< of sw/model/formats.h
  std::string_view runtime;  ///< as --against calls it
  std::string recorder;      ///< "models/requirements_litert.txt"
  std::string low_bit;       ///< records models with nodes of QONNX; empty: there are none
  std::string quantizer;
};

/// The toolkit of MODEL, by its name as the helpers have it. @throws Error  a format that is not
/// supported
const Toolkit& toolkit_of(const std::string& model);
/// Whether a toolkit's runtime has that name.
bool is_runtime(std::string_view name);

/// What records MODEL: the file with the requirements of LiteRT, ONNX Runtime or qonnx.
std::string recorder_of(const std::string& model);

}  // namespace trine::cli
