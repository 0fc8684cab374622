// SPDX-License-Identifier: Apache-2.0
//
// Runs Python helpers of components/zoo that need packages of PyPI. Each set of packages has a
// separate environment in the cache, which is created on first use.

#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/common.h"

namespace trine::cli {

/// The option --python P.
struct PythonOptions {
  std::string python;

  void declare(Command command);
};

/// A Python interpreter with the packages of some helpers.
class Python {
 public:
  /// Finds or creates the environment.
  /// @param requirements  "components/zoo/requirements_onnx.txt"
  /// @throws Error  it does not exist and cannot be created; says what to do
  Python(const PythonOptions& options, const std::string& requirements, const Output& output);

  const std::filesystem::path& program() const { return program_; }

  /// Runs components/zoo/`script`.py in the current folder.
  /// @param what  text of the progress line
  /// @return the lines that the script printed with its name in front, without the name
  /// @throws Error  the line with which it failed
  std::string run(const std::string& script, const std::vector<std::string>& arguments,
                  const std::string& what) const;

 private:
  std::filesystem::path program_;
  bool quiet_;
};

/// The requirement files of a model format's helpers.
struct Toolkit {
  std::string_view format;   ///< format name of sw/model/import/formats.h
  std::string_view runtime;  ///< name for --against
  std::string recorder;      ///< "components/zoo/requirements_litert.txt"
  std::string low_bit;       ///< records models with nodes of QONNX; empty: none
  std::string quantizer;
};

/// Returns the toolkit of MODEL, by its file name.
/// @throws Error  the format is not supported
const Toolkit& toolkit_of(const std::string& model);
/// Returns true if a toolkit's runtime has that name.
bool is_runtime(std::string_view name);

/// Returns the requirements of MODEL's recorder: LiteRT, ONNX Runtime or qonnx.
std::string recorder_of(const std::string& model);

}  // namespace trine::cli
