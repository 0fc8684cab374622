// SPDX-License-Identifier: Apache-2.0
//
// Finds models with recorded vectors for tests: the repository's own, and the models of
// $TRINE_SHARED (default: ../shared next to the sources) if that folder exists. The test program is
// compiled with TRINE_SOURCE_DIR.

#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace trine::model {

/// A model file and the folder of its vectors.
struct Sample {
  std::filesystem::path file, vectors;

  std::string name() const { return file.stem().string(); }
};

inline std::filesystem::path shared_folder() {
  if (const char* folder = std::getenv("TRINE_SHARED")) return folder;
  return std::filesystem::path(TRINE_SOURCE_DIR) / ".." / "shared";
}

/// Returns true if the shared models exist. Throws if TRINE_SHARED names a folder without them: a
/// typing error must not skip half of the checks.
inline bool has_shared() {
  const bool there = std::filesystem::exists(shared_folder() / "models");
  if (!there && std::getenv("TRINE_SHARED") != nullptr)
    throw std::runtime_error("TRINE_SHARED: no folder models in " + shared_folder().string());
  return there;
}

/// Returns a model of tests/, such as "networks/curve.tflite". Its vectors are in a folder of its
/// name next to it.
inline Sample own_sample(const std::string& file) {
  const auto path = std::filesystem::path(TRINE_SOURCE_DIR) / "tests" / file;
  return {path, std::filesystem::path(path).replace_extension()};
}

/// Returns a shared model, such as "ad01_int8.tflite" or "layers/add.tflite".
inline Sample shared_sample(const std::string& file) {
  return {shared_folder() / "models" / file,
          (shared_folder() / "golden" / file).replace_extension()};
}

/// Returns these models, and the shared ones if they exist.
inline std::vector<Sample> samples(const std::vector<std::string>& own,
                                   const std::vector<std::string>& shared = {}) {
  std::vector<Sample> result;
  for (const std::string& file : own) result.push_back(own_sample(file));
  if (!has_shared()) return result;
  for (const std::string& file : shared) result.push_back(shared_sample(file));
  return result;
}

/// Returns the files in `folder` with that extension that have vectors in `golden`, ordered by
/// name. Throws if there are none.
inline std::vector<Sample> samples_in(const std::filesystem::path& folder,
                                      const std::filesystem::path& golden,
                                      const std::string& extension = ".tflite") {
  std::vector<Sample> result;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::filesystem::path& file = entry.path();
    if (file.extension() == extension && std::filesystem::exists(golden / file.stem()))
      result.push_back({file, golden / file.stem()});
  }
  std::sort(result.begin(), result.end(),
            [](const Sample& a, const Sample& b) { return a.file < b.file; });
  if (result.empty())
    throw std::runtime_error(folder.string() + ": no " + extension + " with vectors");
  return result;
}

/// Returns all models of a folder of tests/.
inline std::vector<Sample> own_samples(const std::string& folder,
                                       const std::string& extension = ".tflite") {
  const auto path = std::filesystem::path(TRINE_SOURCE_DIR) / "tests" / folder;
  return samples_in(path, path, extension);
}

/// Returns all shared models, or none if the shared folder does not exist. `folder` is "" for
/// networks, "layers" for operators.
inline std::vector<Sample> shared_samples(const std::string& folder,
                                          const std::string& extension = ".tflite") {
  if (!has_shared()) return {};
  return samples_in(shared_folder() / "models" / folder, shared_folder() / "golden" / folder,
                    extension);
}

}  // namespace trine::model
