// SPDX-License-Identifier: Apache-2.0
//
// Compares small models of each family, whose weights a formula gives, with the logits of
// transformers' own float run (tests/formats/families.py).

#include "components/llm/import/import.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "components/llm/session.h"
#include "spec/config.h"
#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/json.h"

using namespace trine;
using namespace trine::llm;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string kRecorded = TRINE_SOURCE_DIR "/tests/formats/";

/// Computes weights with the formula of families.py.
std::vector<int> content(const std::string& name, std::size_t count) {
  std::uint32_t hash = 0x811c9dc5;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193;
  std::vector<int> codes;
  for (std::uint32_t i = 1; i <= count; ++i) {
    std::uint32_t x = hash + i * 0x9e3779b1U;
    x ^= x >> 15;
    x *= 0x85ebca6bU;
    x ^= x >> 13;
    codes.push_back(static_cast<int>((x >> 16) % 255) - 127);
  }
  return codes;
}

/// Writes a safetensors file, tensor by tensor.
class Writer {
 public:
  void add(const std::string& name, const char* type, const std::vector<std::int64_t>& shape,
           const void* data, std::size_t bytes) {
    const std::size_t from = data_.size();
    data_.append(static_cast<const char*>(data), bytes);
    header_[name] = {{"dtype", type}, {"shape", shape}, {"data_offsets", {from, data_.size()}}};
  }
  std::string bytes() const {
    const std::string header = json_text(header_);
    const std::uint64_t size = header.size();
    return std::string(reinterpret_cast<const char*>(&size), 8) + header + data_;
  }

 private:
  Json header_ = Json::object();
  std::string data_;
};

/// Writes a model of the table as files.
class Model {
 public:
  explicit Model(const std::string& name)
      : entry(parse_json(read_text(kRecorded + "families.json"), "families.json").at(name)),
        folder_(std::filesystem::temp_directory_path() /
                fmt::format("trine_model_{}", ::getpid())) {
    std::filesystem::create_directories(folder_);
    for (const auto& [tensor, shape] : entry.at("tensors").items())
      add(tensor, shape.get<std::vector<std::int64_t>>());
  }
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;
  ~Model() { std::filesystem::remove_all(folder_); }

  ImportedModel read() const {
    write_file(folder_ / "config.json", json_text(entry.at("config")));
    write_file(folder_ / "model.safetensors", writer.bytes());
    return read_model(folder_);
  }
  ImportedModel read(const std::string& key, const Json& value) {
    const Json before = entry.at("config");
    entry["config"][key] = value;
    try {
      ImportedModel model = read();
      entry["config"] = before;
      return model;
    } catch (...) {
      entry["config"] = before;
      throw;
    }
  }

  Json entry;
  Writer writer;

 private:
  void add(const std::string& name, const std::vector<std::int64_t>& shape) {
    constexpr float kScale = 0.140625f;
    const auto& ternary = entry.at("stored");
    if (name.ends_with("_scale")) {
      const float scale = ternary == "times" ? kScale : 1 / kScale;
      writer.add(name, "F32", shape, &scale, sizeof scale);
      return;
    }
    std::size_t count = 1;
    for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
    const bool product = name.find("_proj") != std::string::npos && name.ends_with(".weight");
    if (product && !ternary.is_null() && ternary != "latent")
      add_packed(name, shape, count);
    else
      add_floats(name, shape, count);
  }

  void add_packed(const std::string& name, const std::vector<std::int64_t>& shape,
                  std::size_t count) {
    std::vector<std::uint8_t> bytes(count);
    const std::vector<int> codes = content(name, 4 * count);
    for (std::size_t i = 0; i < codes.size(); ++i) {
      const int code = std::abs(codes[i]) > 40 ? (codes[i] > 0 ? 2 : 0) : 1;
      bytes[i % count] = static_cast<std::uint8_t>(bytes[i % count] | code << 2 * (i / count));
    }
    writer.add(name, "U8", shape, bytes.data(), bytes.size());
  }

  /// Adds halves of float32 values: all are exact in bfloat16.
  void add_floats(const std::string& name, const std::vector<std::int64_t>& shape,
                  std::size_t count) {
    const bool is_norm = shape.size() == 1 && name.find("norm") != std::string::npos;
    const bool is_embedding = name.find("embed") != std::string::npos;
    const float mean = entry.at("config").at("model_type") == "gemma" ? 0 : 1;
    std::vector<std::uint16_t> halves;
    for (const int code : content(name, count)) {
      const float value = is_norm ? mean + static_cast<float>(code / 4) / 128
                                  : static_cast<float>(code) / (is_embedding ? 128 : 512);
      std::uint32_t bits = 0;
      std::memcpy(&bits, &value, sizeof bits);
      halves.push_back(static_cast<std::uint16_t>(bits >> 16));
    }
    writer.add(name, "BF16", shape, halves.data(), 2 * halves.size());
  }

  std::filesystem::path folder_;
};

const std::vector<std::string> kModels = {
    "llama",  "llama with biases", "qwen2",          "mistral", "gemma",
    "bitnet", "bitnet of before",  "bitnet to round"};

void require_logits(const Checkpoint& checkpoint, const Json& entry) {
  FloatModel model(checkpoint);
  const auto tokens = entry.at("tokens").get<std::vector<int>>();
  const auto shown = entry.at("shown").get<std::vector<std::size_t>>();
  std::size_t next = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::vector<float> logits = model.step(tokens[i]);
    if (next == shown.size() || shown[next] != i) continue;
    const auto wanted = entry.at("logits").at(next++).get<std::vector<float>>();
    REQUIRE(logits.size() == wanted.size());
    for (std::size_t k = 0; k < logits.size(); ++k) REQUIRE(std::abs(logits[k] - wanted[k]) < 1e-4);
  }
  REQUIRE(next == shown.size());
}

/// Requires the tokens that transformers' float run generates after these.
void require_tokens(const Checkpoint& checkpoint, const Json& entry) {
  FloatModel model(checkpoint);
  std::vector<float> logits;
  for (const int token : entry.at("tokens")) logits = model.step(token);
  for (const int token : entry.at("greedy")) {
    const auto most = std::max_element(logits.begin(), logits.end());
    REQUIRE(most - logits.begin() == token);
    logits = model.step(token);
  }
}

std::string encoding_note(const ImportedModel& model) { return model.notes.back(); }

}  // namespace

TEST_CASE("imported networks give the logits of transformers", "[llm][import]") {
  for (const std::string& name : kModels) {
    CAPTURE(name);
    const Model model(name);
    const ImportedModel imported = model.read();
    require_logits(imported.checkpoint, model.entry);
    require_tokens(imported.checkpoint, model.entry);
    CHECK(imported.ternary == name.starts_with("bitnet"));
  }
  const ImportedModel gguf = read_model(kRecorded + "llama.gguf");
  require_logits(gguf.checkpoint, Model("llama").entry);
  CHECK(encoding_note(gguf) == "a llama model, F16 in 16 matrices");
}

TEST_CASE("imported networks are exact on the machine", "[llm][import][session]") {
  for (const std::string name : {"llama with biases", "qwen2", "gemma", "bitnet"}) {
    CAPTURE(name);
    const ImportedModel imported = Model(name).read();
    std::vector<int> tokens;
    for (int i = 0; i < 12; ++i) tokens.push_back(i * 7 % 64);
    const QuantizedModel model(imported.checkpoint, calibrate(imported.checkpoint, tokens), 16,
                               imported.ternary ? WeightCodes::kTernary : WeightCodes::kInt8);
    SessionOptions options;
    options.backend = Backend::kArch;
    options.config = spec::load_config("edge32");
    Session session(model, options);
    FloatModel floats(imported.checkpoint);
    double error = 0, size = 0;
    for (const int token : tokens) {
      const Step step = session.step(token);
      REQUIRE(step.difference == "");
      REQUIRE(step.run.cycles > 0);
      const std::vector<float> wanted = floats.step(token);
      for (std::size_t k = 0; k < wanted.size(); ++k) {
        error += std::pow(wanted[k] - step.logits[k], 2);
        size += std::pow(wanted[k], 2);
      }
    }
    CAPTURE(std::sqrt(error / size));
    CHECK(std::sqrt(error / size) < 0.1);
  }
}

TEST_CASE("ternary weights of a file are the weights of the machine", "[llm][import]") {
  const ImportedModel imported = Model("bitnet").read();
  const QuantizedModel model(imported.checkpoint, calibrate(imported.checkpoint, 1, 8), 8,
                             WeightCodes::kTernary);
  const model::Graph graph = model.step_graph(0);
  const auto found = std::ranges::find(graph.tensors, "layer 1 up weights", &model::Tensor::name);
  REQUIRE(found != graph.tensors.end());
  const Matrix& stored = imported.checkpoint.layers[1].w3;
  for (std::size_t i = 0; i < stored.data.size(); ++i) {
    const auto code = static_cast<std::int8_t>(found->data[i]);
    const float scale = found->quantization.scale[i / static_cast<std::size_t>(stored.columns)];
    REQUIRE(static_cast<float>(code) * scale == stored.data[i]);
  }
}

TEST_CASE("keys that change results are honoured or refused by name", "[llm][import][error]") {
  Model llama("llama"), mistral("mistral"), bitnet("bitnet");
  const auto refuses = [](Model& model, const std::string& key, const Json& value,
                          const std::string& message) {
    CAPTURE(key);
    CHECK_THROWS_WITH(model.read(key, value), ContainsSubstring("config.json: " + message));
  };
  refuses(llama, "model_type", "gpt2", "model_type: gpt2, allowed llama, qwen2, mistral, gemma");
  refuses(llama, "hidden_act", "gelu", "hidden_act: \"gelu\", allowed silu, gelu_pytorch_tanh");
  refuses(llama, "hidden_size", 0, "hidden_size: 0, allowed 1..");
  refuses(llama, "hidden_size", nullptr, "no key hidden_size, expected a whole number");
  refuses(llama, "num_key_value_heads", 3, "4 heads cannot share 3 heads of keys");
  refuses(llama, "head_dim", 7, "heads of 7 channels, allowed even numbers");
  refuses(llama, "attn_logit_softcapping", 50.0, "attn_logit_softcapping: 50.0, allowed null");
  refuses(llama, "relative_attention_num_buckets", 32,
          "relative_attention_num_buckets: 32, allowed null (no relative positions)");
  refuses(llama, "mlp_bias", true, "mlp_bias is not a supported key, allowed ");
  refuses(llama, "rope_scaling", {{"type", "yarn"}, {"factor", 4.0}},
          "rope_scaling: type yarn, allowed default, linear, llama3");
  refuses(llama, "rope_scaling", {{"type", "linear"}, {"factor", 4.0}, {"more", 1}},
          "rope_scaling: more is not a supported key");
  refuses(llama, "pretraining_tp", 2, "pretraining_tp: 2, allowed 1");
  refuses(
      llama, "quantization_config", {{"quant_method", "gptq"}},
      "quantization_config: quant_method gptq of a llama model, allowed bitnet of a bitnet model");
  refuses(mistral, "layer_types", {"chunked_attention"}, "layer_types: \"chunked_attention\"");
  CHECK(mistral.read().checkpoint.dims.positions == 16);
  CHECK(mistral.read("sliding_window", nullptr).checkpoint.dims.positions == 64);
  CHECK(llama.read("rms_norm_eps", 0.25).checkpoint.form.epsilon == 0.25f);
  CHECK_THROWS_WITH(
      llama.read("vocab_size", 65),
      ContainsSubstring("tensor 'model.embed_tokens.weight': shape [64, 32], but the model's keys "
                        "require [65, 32]"));
  CHECK_THROWS_WITH(llama.read("attention_bias", true),
                    ContainsSubstring("no tensor 'model.layers.0.self_attn.q_proj.bias'"));
  CHECK_THROWS_WITH(
      llama.read("num_hidden_layers", 1),
      ContainsSubstring("tensor 'model.layers.1.input_layernorm.weight' is not part of a llama"));
  CHECK_THROWS_WITH(bitnet.read("quantization_config", nullptr),
                    ContainsSubstring("shape [8, 32], but the model's keys require [32, 32]"));
  CHECK_THROWS_WITH(llama.read("num_hidden_layers", 1024 * 1024),
                    ContainsSubstring("layers, allowed 1.."));
  CHECK_THROWS_WITH(llama.read("vocab_size", 1 << 20), ContainsSubstring("shape [64, 32]"));
}

TEST_CASE("a GGUF model's keys are honoured or refused by name", "[llm][import][error]") {
  const std::vector<std::uint8_t> good = read_file(kRecorded + "llama.gguf");
  const auto path =
      std::filesystem::temp_directory_path() / fmt::format("trine_{}.gguf", ::getpid());
  /// Replaces a text by another one of the same length.
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string bytes(good.begin(), good.end());
    const std::size_t place = bytes.find(from);
    REQUIRE(place != std::string::npos);
    write_file(path, bytes.replace(place, from.size(), to));
    return read_model(path);
  };
  CHECK(with("llama", "llama").checkpoint.form.rope.factors.size() == 6);
  CHECK_THROWS_WITH(
      with("llama.rope.freq_base", "llama.rope.freq_bass"),
      ContainsSubstring("llama.rope.freq_bass is not a supported key, allowed llama.attention."));
  CHECK_THROWS_WITH(with("llama.block_count", "llama.block_coun_"),
                    ContainsSubstring("no key 'llama.block_count', expected an integer"));
  CHECK_THROWS_WITH(with("blk.1.attn_q.weight", "blk.1.attn_Q.weight"),
                    ContainsSubstring("no tensor 'blk.1.attn_q.weight'"));
  CHECK_THROWS_WITH(
      with(std::string("\x05\0\0\0\0\0\0\0llama", 13), std::string("\x05\0\0\0\0\0\0\0phi-3", 13)),
      ContainsSubstring("general.architecture: phi-3, allowed llama (Mistral's, too), qwen2"));
  std::filesystem::remove(path);
}
