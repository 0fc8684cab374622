// SPDX-License-Identifier: Apache-2.0
//
// Readers of paths get a file, which is written anew for each input.

#include "tests/hostile/readers.h"

#include <unistd.h>

#include <filesystem>
#include <map>
#include <string>

#include "gen/config.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/npy.h"
#include "sw/compiler/program.h"
#include "sw/llm/checkpoint.h"
#include "sw/llm/tokenizer.h"
#include "sw/model/graph.h"
#include "sw/reference/vectors.h"

namespace trine::hostile {
namespace {

/// A folder of this process; it goes with it.
struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("trine_hostile_" + std::to_string(getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

/// The input as a file of that name.
std::filesystem::path on_disk(const Bytes& bytes, const std::string& name) {
  static const Folder folder;
  write_file(folder.path / name, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  return folder.path / name;
}

void tflite(const Bytes& bytes) { model::parse_tflite(bytes, "x.tflite"); }
void onnx(const Bytes& bytes) { model::parse_onnx(bytes, "x.onnx"); }
void program(const Bytes& bytes) { compiler::parse_program(bytes, "x.trine"); }
void checkpoint(const Bytes& bytes) { llm::parse_checkpoint(bytes, "x.bin"); }
void toml(const Bytes& bytes) { gen::load_config(on_disk(bytes, "x.toml").string()); }
void npy(const Bytes& bytes) { read_npy(on_disk(bytes, "x.npy")); }
void vectors(const Bytes& bytes) {
  reference::read_vectors(on_disk(bytes, "manifest.json").parent_path());
}
void tokenizer(const Bytes& bytes) { llm::Tokenizer::read(on_disk(bytes, "tok.bin"), 512); }

}  // namespace

Reader find_reader(std::string_view name) {
  static const std::map<std::string_view, Reader> readers{
      {"tflite", tflite}, {"onnx", onnx}, {"program", program}, {"checkpoint", checkpoint},
      {"toml", toml},     {"npy", npy},   {"vectors", vectors}, {"tokenizer", tokenizer}};
  const auto found = readers.find(name);
  return found == readers.end() ? nullptr : found->second;
}

void read_or_refuse(Reader reader, const Bytes& bytes) {
  try {
    reader(bytes);
  } catch (const Error&) {
  }
}

}  // namespace trine::hostile
