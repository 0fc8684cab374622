// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "components/llm/files/safetensors.h"
#include "components/llm/import/architecture.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/base/text.h"

namespace trine::llm {
namespace {

constexpr TensorNames kNames = {
    "model.embed_tokens",
    "model.norm",
    "lm_head",
    "model.layers.{}.",
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.o_proj",
    "mlp.gate_proj",
    "mlp.down_proj",
    "mlp.up_proj",
    "input_layernorm",
    "post_attention_layernorm",
    "self_attn.attn_sub_norm",
    "mlp.ffn_sub_norm",
    ".weight_scale",
};

/// Defaults of a family for keys that config.json omits: the values of transformers.
struct Family {
  const char* name;
  const char* activation;
  double epsilon;
  double theta;
  int head;  ///< 0: channels divided by heads
  bool tied;
};
constexpr Family kFamilies[] = {{"llama", "silu", 1e-6, 10000, 0, false},
                                {"qwen2", "silu", 1e-6, 10000, 0, false},
                                {"mistral", "silu", 1e-6, 10000, 0, false},
                                {"gemma", "gelu_pytorch_tanh", 1e-6, 10000, 256, true},
                                {"bitnet", "relu2", 1e-5, 500000, 0, false}};

/// Keys that do not affect logits.
constexpr const char* kIgnored[] = {"architectures",
                                    "model_type",
                                    "torch_dtype",
                                    "dtype",
                                    "transformers_version",
                                    "use_cache",
                                    "bos_token_id",
                                    "eos_token_id",
                                    "pad_token_id",
                                    "unk_token_id",
                                    "attention_dropout",
                                    "initializer_range",
                                    "max_window_layers",
                                    "auto_map",
                                    "id2label",
                                    "label2id",
                                    "return_dict",
                                    "is_encoder_decoder",
                                    "chunk_size_feed_forward",
                                    "output_attentions",
                                    "output_hidden_states",
                                    "problem_type",
                                    "name_or_path",
                                    "_name_or_path",
                                    "resid_pdrop",
                                    "embd_pdrop"};

const Family& family_named(const std::string& name, const std::string& file) {
  const auto* found =
      std::ranges::find_if(kFamilies, [&](const Family& f) { return f.name == name; });
  if (found != std::end(kFamilies)) return *found;
  std::string all;
  for (const Family& f : kFamilies) all += (all.empty() ? "" : ", ") + std::string(f.name);
  throw_error("{}: model_type: {}, allowed {}", file, printable(name), all);
}

/// Reads config.json and records which keys were read.
class Config {
 public:
  Config(const Json& json, const std::string& file) : json_(json), file_(file) {
    if (!json.is_object()) throw_error("{}: is not an object", file);
  }

  /// Finds a key; null counts as absent.
  const Json* find(const std::string& key) {
    read_.insert(key);
    const auto found = json_.find(key);
    return found == json_.end() || found->is_null() ? nullptr : &*found;
  }

  [[noreturn]] void refuse(const std::string& key, const Json& value,
                           const std::string& allowed) const {
    throw_error("{}: {}: {}, allowed {}", file_, printable(key), printable(json_text(value)),
                allowed);
  }

  int integer(const std::string& key, std::optional<int> otherwise = {}) {
    const Json* value = find(key);
    if (value == nullptr && otherwise) return *otherwise;
    if (value == nullptr) throw_error("{}: no key {}, expected a whole number", file_, key);
    constexpr std::int64_t kMost = std::numeric_limits<int>::max();
    if (!value->is_number_integer() ||
        (value->is_number_unsigned() && value->get<std::uint64_t>() > kMost) ||
        value->get<std::int64_t>() < 1)
      refuse(key, *value, fmt::format("1..{}", kMost));
    return value->get<int>();
  }

  double number(const std::string& key, std::optional<double> otherwise = {}) {
    const Json* value = find(key);
    if (value == nullptr && otherwise) return *otherwise;
    if (value == nullptr) throw_error("{}: no key {}, expected a number", file_, key);
    if (!value->is_number()) refuse(key, *value, "numbers");
    return value->get<double>();
  }

  bool flag(const std::string& key, bool otherwise) {
    const Json* value = find(key);
    if (value == nullptr) return otherwise;
    if (!value->is_boolean()) refuse(key, *value, "true and false");
    return value->get<bool>();
  }

  std::string text(const std::string& key, const std::string& otherwise) {
    const Json* value = find(key);
    if (value == nullptr) return otherwise;
    if (!value->is_string()) refuse(key, *value, "a text");
    return value->get<std::string>();
  }

  /// Requires this number if the key exists.
  void require(const std::string& key, double wanted) {
    const Json* value = find(key);
    if (value != nullptr && !(value->is_number() && value->get<double>() == wanted))
      refuse(key, *value, fmt::format("{:g}", wanted));
  }

  /// Checks for unread keys; null and false switch something off.
  void finish() const {
    for (const auto& [key, value] : json_.items()) {
      const bool is_off = value.is_null() || (value.is_boolean() && !value.get<bool>());
      if (is_off || read_.contains(key) || std::ranges::find(kIgnored, key) != std::end(kIgnored))
        continue;
      std::string known;
      for (const std::string& k : read_) known += (known.empty() ? "" : ", ") + k;
      throw_error("{}: {} is not a supported key, allowed {} and keys without effect", file_,
                  printable(key), known);
    }
  }

  const std::string& file() const { return file_; }

 private:
  const Json& json_;
  const std::string& file_;
  std::set<std::string> read_;
};

/// Reads rope_scaling, or rope_parameters, which also contains theta.
void read_rope(Config* config, Architecture* a, const Family& family) {
  Rope& rope = a->form.rope;
  rope.theta = config->number("rope_theta", family.theta);
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    const Json* json = config->find(key);
    if (json == nullptr) continue;
    const std::string where = a->file + ": " + key;
    Config own(*json, where);
    const std::string type = own.text("rope_type", own.text("type", "default"));
    rope.theta = own.number("rope_theta", rope.theta);
    own.require("partial_rotary_factor", 1);
    if (type == "linear") {
      rope.factors = linear_factors(a->dims.head(), own.number("factor"));
    } else if (type == "llama3") {
      rope.factors = llama3_factors(
          a->dims.head(), rope.theta,
          {own.number("factor"), own.number("low_freq_factor"), own.number("high_freq_factor"),
           own.number("original_max_position_embeddings")});
    } else if (type != "default") {
      throw_error("{}: type {}, allowed default, linear, llama3", where, printable(type));
    }
    own.finish();
  }
  config->require("partial_rotary_factor", 1);
}

void read_activation(Config* config, Architecture* a, const Family& family) {
  const char* key = a->family == "gemma" && config->find("hidden_activation") != nullptr
                        ? "hidden_activation"
                        : "hidden_act";
  const std::string name = config->text(key, family.activation);
  const bool is_gemma = a->family == "gemma";  // its "gelu" is the tanh form
  if (name == "relu2") {
    a->form.squared_relu = true;
  } else if (name == "gelu_pytorch_tanh" || name == "gelu_new" || (is_gemma && name == "gelu")) {
    a->form.gelu = true;
  } else if (name != "silu" && name != "swish") {
    config->refuse(key, name, "silu, gelu_pytorch_tanh, relu2");
  }
  config->find("hidden_act");
}

/// Limits the context to the sliding window: a token sees all keys of a context up to the window.
void read_window(Config* config, Architecture* a) {
  const bool used = config->flag("use_sliding_window", a->family != "qwen2");
  const Json* types = config->find("layer_types");
  bool windows = used;
  if (types != nullptr) {
    windows = false;
    for (const Json& type : *types) {
      if (type != "full_attention" && type != "sliding_attention")
        config->refuse("layer_types", type, "full_attention, sliding_attention");
      windows = windows || type == "sliding_attention";
    }
  }
  if (config->find("sliding_window") == nullptr || !windows) return;
  const int window = config->integer("sliding_window");
  if (window >= a->dims.positions) return;
  a->dims.positions = window;
  a->notes.push_back(
      fmt::format("sliding_window: {}, so contexts have up to {} tokens", window, window));
}

void read_quantization(Config* config, Architecture* a) {
  const Json* json = config->find("quantization_config");
  if (json == nullptr) return;
  const std::string where = a->file + ": quantization_config";
  Config own(*json, where);
  const std::string method = own.text("quant_method", "");
  if (method != "bitnet" || a->family != "bitnet")
    throw_error("{}: quant_method {} of a {} model, allowed bitnet of a bitnet model", where,
                printable(method), a->family);
  const std::string layers = own.text("linear_class", "bitlinear");
  const std::string mode = own.text("quantization_mode", "offline");
  if (layers != "bitlinear" && layers != "autobitlinear")
    own.refuse("linear_class", layers, "bitlinear, autobitlinear");
  if (mode != "offline" && (mode != "online" || layers != "autobitlinear"))
    own.refuse("quantization_mode", mode, "offline, online (with autobitlinear)");
  own.find("modules_to_not_convert");
  own.find("rms_norm_eps");  // for use_rms_norm, which is refused
  a->packed = mode == "offline";
  a->ternary = mode == "online"        ? TernaryScale::kOfLatent
               : layers == "bitlinear" ? TernaryScale::kDivided
                                       : TernaryScale::kTimes;
  own.finish();
}

void read_dimensions(Config* config, Architecture* a, const Family& family) {
  Dimensions& d = a->dims;
  d.dim = config->integer("hidden_size");
  d.hidden = config->integer("intermediate_size");
  d.layers = config->integer("num_hidden_layers");
  d.heads = config->integer("num_attention_heads");
  d.kv_heads = config->integer("num_key_value_heads", d.heads);
  d.vocabulary = config->integer("vocab_size");
  d.positions = config->integer("max_position_embeddings", 2048);
  d.head_channels = config->integer("head_dim", std::max(family.head, 1));
  if (family.head == 0 && config->find("head_dim") == nullptr) d.head_channels = 0;
}

/// Checks this before the family, so that the message for T5 and similar models names the cause.
void refuse_relative_positions(Config* config) {
  for (const char* key : {"relative_attention_num_buckets", "relative_attention_max_distance"})
    if (const Json* value = config->find(key))
      config->refuse(key, *value,
                     "null (no relative positions); exported encoders and decoders support them "
                     "(docs/encoder-decoder.md)");
}

Architecture architecture_of(const Json& json, const std::string& file) {
  Config config(json, file);
  Architecture a;
  a.file = file;
  refuse_relative_positions(&config);
  a.family = config.text("model_type", "");
  const Family& family = family_named(a.family, file);
  read_dimensions(&config, &a, family);
  check(a);  // the number of rotary factors depends on the heads
  a.form.epsilon = static_cast<float>(config.number("rms_norm_eps", family.epsilon));
  a.form.inner_norms = a.family == "bitnet";
  a.half_split = true;
  a.tied = config.flag("tie_word_embeddings", family.tied);
  if (a.family == "gemma") {
    a.norms_plus_one = true;
    a.embedding_scale = static_cast<float>(std::sqrt(static_cast<double>(a.dims.dim)));
  }
  const bool all = config.flag("attention_bias", false);
  a.biases = a.family == "qwen2" ? Biases::kQueryKeyValue
             : all               ? Biases::kAllOfAttention
                                 : Biases::kNone;
  read_activation(&config, &a, family);
  read_rope(&config, &a, family);
  read_window(&config, &a);
  read_quantization(&config, &a);
  for (const char* key : {"attn_logit_softcapping", "final_logit_softcapping"})
    if (const Json* value = config.find(key)) config.refuse(key, *value, "null");
  config.require("pretraining_tp", 1);
  config.finish();
  check(a);
  return a;
}

}  // namespace

ImportedModel read_hugging_face_model(const std::filesystem::path& folder) {
  const auto path = folder / "config.json";
  if (!std::filesystem::exists(path))
    throw_error("{}: no config.json is there: allowed a folder in the format of Hugging Face",
                folder.string());
  const Architecture a = architecture_of(parse_json(read_text(path), path.string()), path.string());
  return take_tensors(a, read_safetensors_folder(folder), kNames, [](const std::string& name) {
    return name.ends_with(".rotary_emb.inv_freq");
  });
}

}  // namespace trine::llm
