// SPDX-License-Identifier: Apache-2.0
//
// Readers that need a path get a file, which is written again for each input.

#include "tests/hostile/readers.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <string>

#include "components/llm/checkpoint.h"
#include "components/llm/files/gguf.h"
#include "components/llm/files/safetensors.h"
#include "components/llm/import/import.h"
#include "components/llm/tokenizer.h"
#include "components/llm/tokens/codec.h"
#include "spec/config.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/npy.h"
#include "sw/base/root.h"
#include "sw/compiler/compiler.h"
#include "sw/model/check/check.h"
#include "sw/model/graph/graph.h"
#include "sw/model/import/import.h"
#include "sw/program/program.h"
#include "sw/reference/vectors/vectors.h"
#include "tests/hostile/mutate.h"
#include "tests/hostile/use.h"

namespace trine::hostile {
namespace {

/// A folder of this process, which is removed at its end.
struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("trine_hostile_" + std::to_string(getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

/// Writes the input to a file of that name.
std::filesystem::path on_disk(const Bytes& bytes, const std::string& name) {
  static const Folder folder;
  write_file(folder.path / name, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  return folder.path / name;
}

/// Checks a graph, and compiles it if it is legal.
void use(const model::Graph& graph) {
  model::check(graph);
  compile_and_run(graph);
}
void tflite(const Bytes& bytes) { use(model::parse_tflite(bytes, "x.tflite", true)); }
void tosa(const Bytes& bytes) { use(model::parse_tosa(bytes, "x.tosa")); }
/// Sets open dimensions to 0, like those of an empty cache.
void onnx(const Bytes& bytes) {
  model::GivenShapes nothing;
  for (const std::string& name : model::open_dimensions(bytes, "x.onnx")) nothing[name] = {0};
  use(model::parse_onnx(bytes, "x.onnx", false, nothing));
}
void program(const Bytes& bytes) { run_program(compiler::parse_program(bytes, "x.trine")); }
void checkpoint(const Bytes& bytes) { llm::parse_checkpoint(bytes, "x.bin"); }
void toml(const Bytes& bytes) { spec::load_config(on_disk(bytes, "x.toml").string()); }
/// Compiles a network with the mapping.
void mapping(const Bytes& bytes) {
  static const model::Graph graph =
      model::import_model(project_root() / "models" / "lenet_mnist.tflite");
  static const spec::Config config = spec::load_config("edge256");
  const compiler::Mapping loops =
      compiler::parse_mapping({bytes.begin(), bytes.end()}, "loops.toml");
  compiler::CompileOptions options;
  options.mapping = &loops;
  run_program(compiler::compile(graph, config, options));
}
void npy(const Bytes& bytes) { read_npy(on_disk(bytes, "x.npy")); }
void vectors(const Bytes& bytes) {
  reference::read_vectors(on_disk(bytes, "manifest.json").parent_path());
}
void tokenizer(const Bytes& bytes) { llm::Tokenizer::read(on_disk(bytes, "tok.bin"), 512); }

// ---- models of other makers ----

void use(const llm::StoredTensors& tensors) {
  for (const auto& [name, tensor] : tensors.all()) {
    if (tensor.encoding->decode == nullptr) continue;
    std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
    llm::decode(*tensor.encoding, tensor.bytes, values);
  }
}
void use(const llm::TokenCodec& codec) {
  llm::TokenText text(codec);
  for (const int token : codec.encode("  The 1st <s>\n caf\xc3\xa9 \xff\xe6\xbc\xa2 don't"))
    text.next(token);
  for (int token = -1; token < 300; ++token) text.next(token);
}
/// Calls `read` and ignores refusals, because the next reader reads the same file.
template <typename Read>
void attempt(const Read& read) {
  try {
    read();
  } catch (const Error&) {
  }
}

void gguf(const Bytes& bytes) {
  use(llm::GgufFile::parse(bytes, "x.gguf").tensors());
  const auto path = on_disk(bytes, "x.gguf");
  attempt([&] { use(*llm::read_codec(path, "", 1 << 20)); });
  const llm::ImportedModel model = llm::read_gguf_model(path);
  llm::FloatModel(model.checkpoint).step(0);
}
void safetensors(const Bytes& bytes) { use(llm::parse_safetensors(bytes, "x.safetensors")); }
/// Reads config.json in a folder without weights.
void config(const Bytes& bytes) {
  const auto folder = on_disk(bytes, "config.json").parent_path();
  write_file(folder / "model.safetensors", std::string("\2\0\0\0\0\0\0\0{}", 10));
  llm::read_hugging_face_model(folder);
}
void pieces(const Bytes& bytes) {
  const auto path = on_disk(bytes, "x.model");
  use(*llm::read_codec(path, path, 1 << 20));
}
void byte_pairs(const Bytes& bytes) {
  const auto path = on_disk(bytes, "x.json");
  use(*llm::read_codec(path, path, 1 << 20));
}

}  // namespace

const Reader* find_reader(std::string_view name) {
  static constexpr Reader kReaders[] = {{"tflite", tflite, mutate_bytes},
                                        {"onnx", onnx, mutate_bytes},
                                        {"program", program, mutate_program},
                                        {"checkpoint", checkpoint, mutate_bytes},
                                        {"toml", toml, mutate_bytes},
                                        {"mapping", mapping, mutate_bytes},
                                        {"npy", npy, mutate_bytes},
                                        {"vectors", vectors, mutate_bytes},
                                        {"tokenizer", tokenizer, mutate_bytes},
                                        {"tosa", tosa, mutate_bytes},
                                        {"gguf", gguf, mutate_head},
                                        {"safetensors", safetensors, mutate_head},
                                        {"config", config, mutate_bytes},
                                        {"pieces", pieces, mutate_bytes},
                                        {"byte_pairs", byte_pairs, mutate_bytes}};
  const auto* found = std::find_if(std::begin(kReaders), std::end(kReaders),
                                   [&](const Reader& r) { return r.name == name; });
  return found == std::end(kReaders) ? nullptr : found;
}

void read_or_refuse(const Reader& reader, const Bytes& bytes) {
  try {
    reader.read(bytes);
  } catch (const Error&) {
  }
}

}  // namespace trine::hostile
