// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>

#include "components/llm/files/gguf.h"
#include "components/llm/import/architecture.h"
#include "sw/base/error.h"
#include "sw/base/text.h"

namespace trine::llm {
namespace {

constexpr TensorNames kGgufNames = {
    "token_embd", "output_norm",   "output",       "blk.{}.",  "attn_q", "attn_k",
    "attn_v",     "attn_output",   "ffn_gate",     "ffn_down", "ffn_up", "attn_norm",
    "ffn_norm",   "attn_sub_norm", "ffn_sub_norm", ".scale",
};

constexpr const char* kGgufFamilies[] = {"llama", "qwen2", "gemma", "bitnet"};
constexpr const char* kRopeFactors = "rope_freqs.weight";

/// Reads the keys of the architecture and records which were read.
class Keys {
 public:
  explicit Keys(const GgufFile& file) : file_(file), family_(file.text("general.architecture")) {}

  const std::string& family() const { return family_; }

  std::string full(const std::string& key) {
    const std::string name = family_ + "." + key;
    read_.insert(name);
    return name;
  }
  bool has(const std::string& key) { return file_.has(full(key)); }
  double number(const std::string& key, std::optional<double> otherwise = {}) {
    return file_.number(full(key), otherwise);
  }
  std::string text(const std::string& key, const std::string& otherwise) {
    return file_.text(full(key), otherwise);
  }

  int integer(const std::string& key, std::optional<int> otherwise = {}) {
    constexpr std::int64_t kMost = std::numeric_limits<int>::max();
    const std::int64_t value = file_.integer(full(key), otherwise);
    if (value < 0 || value > kMost)
      throw_error("{}: {}: {}, allowed 0..{}", file_.file(), full(key), value, kMost);
    return static_cast<int>(value);
  }

  void require(const std::string& key, int wanted) {
    const int value = integer(key, wanted);
    if (value != wanted)
      throw_error("{}: {}: {}, allowed {}", file_.file(), full(key), value, wanted);
  }

  /// Checks for unread keys. Keys of other groups (general, tokenizer, ..) do not affect logits.
  void finish() const {
    for (const std::string& key : file_.keys()) {
      if (!key.starts_with(family_ + ".") || read_.contains(key)) continue;
      std::string known;
      for (const std::string& k : read_) known += (known.empty() ? "" : ", ") + k;
      throw_error("{}: {} is not a supported key, allowed {}", file_.file(), printable(key), known);
    }
  }

 private:
  const GgufFile& file_;
  const std::string family_;
  std::set<std::string> read_;
};

void read_dimensions(Keys* keys, const GgufFile& file, Dimensions* d) {
  d->dim = keys->integer("embedding_length");
  d->hidden = keys->integer("feed_forward_length");
  d->layers = keys->integer("block_count");
  d->heads = keys->integer("attention.head_count");
  d->kv_heads = keys->integer("attention.head_count_kv", d->heads);
  d->positions = keys->integer("context_length", 2048);
  d->head_channels = keys->integer("attention.key_length", 0);
  const StoredTensor* embedding =
      file.tensors().find(std::string(kGgufNames.embedding) + ".weight");
  if (embedding == nullptr || embedding->shape.size() != 2)
    throw_error("{}: no matrix '{}.weight'", file.file(), kGgufNames.embedding);
  d->vocabulary = static_cast<int>(std::min<std::int64_t>(embedding->shape[0], 1 << 30));
  keys->require("vocab_size", d->vocabulary);
}

void read_rope(Keys* keys, const GgufFile& file, Architecture* a) {
  const int head = a->dims.head();
  Rope& rope = a->form.rope;
  rope.theta = keys->number("rope.freq_base", 10000);
  keys->require("rope.dimension_count", head);
  const double linear = keys->number("rope.scale_linear", 1);
  const std::string type = keys->text("rope.scaling.type", linear != 1 ? "linear" : "none");
  const double factor = keys->number("rope.scaling.factor", linear);
  keys->full("rope.scaling.original_context_length");  // of yarn
  keys->full("rope.scaling.finetuned");
  if (type != "none" && type != "linear")
    throw_error("{}: {}.rope.scaling.type: {}, allowed none, linear", file.file(), a->family,
                printable(type));
  if (type == "linear" && factor != 1) rope.factors = linear_factors(head, factor);
  const StoredTensor* factors = file.tensors().find(kRopeFactors);
  if (factors == nullptr) return;
  if (factors->shape != std::vector<std::int64_t>{head / 2})
    throw_error("{}: tensor '{}': shape {}, allowed [{}]", file.file(), kRopeFactors,
                shape_text(factors->shape), head / 2);
  rope.factors.resize(static_cast<std::size_t>(head / 2), 1);
  const std::vector<float> values = values_of(kRopeFactors, *factors);
  for (std::size_t i = 0; i < values.size(); ++i) rope.factors[i] *= values[i];
}

void read_window(Keys* keys, Architecture* a) {
  const int window = keys->integer("attention.sliding_window", 0);
  if (window == 0 || window >= a->dims.positions) return;
  a->dims.positions = window;
  a->notes.push_back(fmt::format("attention.sliding_window: {}, so contexts have up to {} tokens",
                                 window, window));
}

Architecture architecture_of(const GgufFile& file) {
  Keys keys(file);
  Architecture a;
  a.file = file.file();
  a.family = keys.family();
  if (std::ranges::find(kGgufFamilies, a.family) == std::end(kGgufFamilies))
    throw_error(
        "{}: general.architecture: {}, allowed llama (Mistral's, too), qwen2, gemma, "
        "bitnet",
        a.file, printable(a.family));
  if (file.integer("split.count", 1) > 1)
    throw_error("{}: split.count: {}, allowed whole files (gguf-split --merge)", a.file,
                file.integer("split.count"));
  read_dimensions(&keys, file, &a.dims);
  check(a);  // the number of rotary factors depends on the heads
  keys.require("attention.value_length", a.dims.head());
  keys.require("expert_count", 0);
  keys.require("expert_used_count", 0);
  a.form.epsilon = static_cast<float>(keys.number("attention.layer_norm_rms_epsilon"));
  a.form.inner_norms = a.family == "bitnet";
  a.form.gelu = a.family == "gemma";
  a.half_split = a.family != "llama";
  a.tied_if_absent = true;
  if (a.family == "gemma")
    a.embedding_scale = static_cast<float>(std::sqrt(static_cast<double>(a.dims.dim)));
  a.biases = Biases::kAsStored;
  if (a.family == "bitnet") a.ternary = TernaryScale::kTimes;
  read_rope(&keys, file, &a);
  read_window(&keys, &a);
  keys.finish();
  check(a);
  return a;
}

}  // namespace

ImportedModel read_gguf_model(const std::filesystem::path& path) {
  const GgufFile file = GgufFile::read(path);
  return take_tensors(architecture_of(file), file.tensors(), kGgufNames,
                      [](const std::string& name) { return name == kRopeFactors; });
}

ImportedModel read_model(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) return read_hugging_face_model(path);
  // A pipe can be read only once.
  if (std::filesystem::exists(path) && !std::filesystem::is_regular_file(path))
    return {read_checkpoint(path), "", false, {}};
  const MappedFile file(path);
  const std::string_view begin(reinterpret_cast<const char*>(file.bytes().data()),
                               std::min<std::size_t>(file.bytes().size(), 4));
  if (begin == "GGUF") return read_gguf_model(path);
  return {read_checkpoint(path), "", false, {}};
}

}  // namespace trine::llm
