// SPDX-License-Identifier: Apache-2.0
//
// Prints the contents of files as the readers see them. The scripts of tests/formats compare the
// output with other libraries.
//
// usage: llm_dump FILE..                    FILE.values: for each tensor {"name", "type", "shape"}
//                                           in a line, then its values, float32
//        llm_dump --logits MODEL TOKEN..    logits of the float32 network after each token
//        llm_dump --scan GGUF               seconds and memory to open it, then to read all values
//        llm_dump --encode TOKENIZER FILE   tokens of each text of FILE: uint32 bytes, these, ..
//        llm_dump --decode TOKENIZER FILE   texts of each list of tokens, int32 each

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <exception>
#include <string>
#include <vector>

#include "components/llm/files/gguf.h"
#include "components/llm/files/safetensors.h"
#include "components/llm/import/import.h"
#include "components/llm/tokens/codec.h"
#include "sw/base/file.h"
#include "sw/base/json.h"

namespace {

using namespace trine;

void dump(const llm::StoredTensors& tensors, const std::string& file) {
  std::string text;
  for (const auto& [name, tensor] : tensors.all()) {
    llm::require_readable(name, tensor);
    std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
    llm::decode(*tensor.encoding, tensor.bytes, values);
    const Json json{{"name", name}, {"type", tensor.encoding->name}, {"shape", tensor.shape}};
    text += json_text(json) + "\n";
    text.append(reinterpret_cast<const char*>(values.data()), 4 * values.size());
  }
  write_file(file + ".values", text);
}

void write_logits(const std::string& path, const std::vector<std::string>& tokens) {
  const llm::ImportedModel model = llm::read_model(path);
  llm::FloatModel floats(model.checkpoint);
  for (const std::string& token : tokens) {
    const std::vector<float> logits = floats.step(std::stoi(token));
    std::fwrite(logits.data(), sizeof(float), logits.size(), stdout);
  }
}

double seconds() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

/// Returns the peak memory of this process; peak_bytes() includes the peak of the process that
/// started it.
std::int64_t most_bytes() {
  const std::string status = read_text("/proc/self/status");
  return 1024 * std::stoll(status.substr(status.find("VmHWM:") + 6));
}

/// Reads a part of a tensor at a time.
void scan(const std::string& path) {
  constexpr std::size_t kBlocks = std::size_t{1} << 16;
  const double begin = seconds();
  const llm::GgufFile file = llm::GgufFile::read(path);
  Json json{{"tensors", file.tensors().all().size()},
            {"open_seconds", seconds() - begin},
            {"open_bytes", most_bytes()}};
  std::vector<float> values;
  double sum = 0, count = 0, bytes = 0;
  for (const auto& [name, tensor] : file.tensors().all()) {
    const auto elements = static_cast<std::size_t>(tensor.encoding->elements);
    const auto size = static_cast<std::size_t>(tensor.encoding->bytes);
    for (auto left = tensor.bytes; !left.empty();) {
      const std::size_t blocks = std::min(kBlocks, left.size() / size);
      values.resize(blocks * elements);
      llm::decode(*tensor.encoding, left.first(blocks * size), values);
      for (const float v : values) sum += std::isfinite(v) ? v : 0;
      count += static_cast<double>(values.size());
      bytes += static_cast<double>(blocks * size);
      left = left.subspan(blocks * size);
      file.tensors().let_go();
    }
  }
  json["values"] = count;
  json["bytes"] = bytes;
  json["sum"] = sum;
  json["seconds"] = seconds() - begin;
  json["processor_seconds"] = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  json["peak_bytes"] = most_bytes();
  fmt::print("{}\n", json_text(json));
}

/// Writes each text encoded or decoded, after its number of bytes, in the form of the file.
void write_tokens(const std::string& tokenizer, const std::string& file, bool encode) {
  const auto codec = llm::read_codec(tokenizer, tokenizer, 1 << 30);
  const std::vector<std::uint8_t> bytes = read_file(file);
  std::uint32_t size = 0;
  for (std::size_t place = 0; place < bytes.size(); place += size) {
    std::memcpy(&size, &bytes[place], 4);
    place += 4;
    const std::string item(bytes.begin() + static_cast<std::ptrdiff_t>(place),
                           bytes.begin() + static_cast<std::ptrdiff_t>(place + size));
    std::string out;
    if (encode) {
      const std::vector<int> tokens = codec->encode(item);
      out.assign(reinterpret_cast<const char*>(tokens.data()), 4 * tokens.size());
    } else {
      llm::TokenText text(*codec);
      for (std::size_t i = 0; i < item.size(); i += 4) {
        int token = 0;
        std::memcpy(&token, &item[i], 4);
        out += text.next(token);
      }
    }
    const auto count = static_cast<std::uint32_t>(out.size());
    std::fwrite(&count, 4, 1, stdout);
    std::fwrite(out.data(), 1, out.size(), stdout);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc > 2 && std::string(argv[1]) == "--logits") {
    write_logits(argv[2], {argv + 3, argv + argc});
    return 0;
  }
  if (argc == 3 && std::string(argv[1]) == "--scan") {
    scan(argv[2]);
    return 0;
  }
  if (argc == 4 && std::string(argv[1]).ends_with("code")) {
    write_tokens(argv[2], argv[3], std::string(argv[1]) == "--encode");
    return 0;
  }
  for (int i = 1; i < argc; ++i) {
    const std::string file = argv[i];
    if (file.ends_with(".gguf"))
      dump(llm::GgufFile::read(file).tensors(), file);
    else
      dump(llm::read_safetensors(file), file);
  }
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "{}\n", error.what());
  return 2;
}
