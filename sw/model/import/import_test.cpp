// SPDX-License-Identifier: Apache-2.0
//
// Tests model files: which are read or refused, with which names, and the MACs of models in the
// repository.

#include "sw/model/import/import.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <random>
#include <sstream>

#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/model/check/check.h"
#include "sw/model/graph/graph.h"
#include "sw/model/graph/model_testing.h"
#include "sw/model/graph/refusal.h"
#include "sw/model/import/formats.h"
#include "sw/model/import/testing.h"
#include "tflite_generated.h"

using namespace trine;
using namespace trine::model;
using Catch::Matchers::ContainsSubstring;
using namespace trine::model::testing;

namespace {

/// Returns the text between the first `begin` and the next `end`, or "".
std::string between(const std::string& line, const std::string& begin, const std::string& end) {
  const std::size_t from = line.find(begin);
  if (from == std::string::npos) return {};
  const std::size_t to = line.find(end, from + begin.size());
  return to == std::string::npos ? "" : line.substr(from + begin.size(), to - from - begin.size());
}

bool is_tflite(const std::string& name) {
  return std::filesystem::path(name).extension() == ".tflite";
}

/// Returns name -> MACs as documented in the README of the shared models: "- **name**" with "; N
/// MACs," below, and a table "| name | shapes | N |".
std::vector<std::pair<std::string, std::int64_t>> documented_macs() {
  std::istringstream lines(read_text(shared_folder() / "models" / "README.md"));
  const auto number = [](std::string text) {
    text.erase(std::remove(text.begin(), text.end(), ','), text.end());
    return std::stoll(text);
  };
  std::vector<std::pair<std::string, std::int64_t>> result;
  for (std::string line, name; std::getline(lines, line);) {
    if (line.rfind("- **", 0) == 0) name = between(line, "**", "**");
    if (line.rfind("  Net: ", 0) == 0 && is_tflite(name))
      result.emplace_back(name, number(between(line, "; ", " MACs")));
    const std::string layer = between(line, "| ", " |");
    if (is_tflite(layer))
      result.emplace_back("layers/" + layer, number(between(line, "] | ", " | ")));
  }
  return result;
}

/// Returns true if the model loads and is legal. Anything other than an Error (crash, hang, other
/// exception) fails the test.
bool loads(const std::vector<std::uint8_t>& bytes) {
  try {
    check(parse_tflite(bytes, "m.tflite"));
    return true;
  } catch (const Error& error) {
    REQUIRE(std::string(error.what()).rfind("m.tflite: ", 0) == 0);
    return false;
  }
}

}  // namespace

TEST_CASE("bytes that are not a model are refused", "[model][tflite][error]") {
  CHECK_THROWS_WITH(parse_tflite({}, "m.tflite"), ContainsSubstring("identifier TFL3 is missing"));
  std::vector<std::uint8_t> bytes(64, 0xff);
  std::memcpy(bytes.data() + 4, "TFL3", 4);
  CHECK_THROWS_WITH(parse_tflite(bytes, "m.tflite"), ContainsSubstring("truncated or damaged"));
  CHECK_THROWS_WITH(import_tflite("no/such/file.tflite"), ContainsSubstring("no/such/file.tflite"));
}

TEST_CASE("formats that are known but not read are refused by name", "[model][formats][error]") {
  const auto bytes_of = [](const std::string& text) {
    return std::vector<std::uint8_t>(text.begin(), text.end());
  };
  const std::string allowed = ", allowed TFLite, ONNX, TOSA, a program of trine compile; ";
  const std::string zeros(32, '\0');
  const auto [file, content, format] = GENERATE_REF(table<std::string, std::string, std::string>(
      {{"m.gguf", "GGUF" + zeros, "GGUF"},
       {"m.onnx", "GGUF" + zeros, "GGUF"},  // the content decides, whatever the name
       {"m", '\2' + std::string(7, '\0') + "{}" + zeros, "safetensors"},
       {"m", "PK\3\4" + zeros, "PyTorch"},
       {"m.pt", "", "PyTorch"},
       {"m.PTH", "", "PyTorch"}}));
  CAPTURE(file, format);
  CHECK_THROWS_WITH(parse_model(bytes_of(content), file),
                    Catch::Matchers::StartsWith(file + ": " + format + allowed));
}

TEST_CASE("bytes close to the magic of a format are not recognized", "[model][formats][error]") {
  const auto text = GENERATE(std::string(), std::string("GGU"), std::string("PK\3"),
                             std::string("\x1\0\0\0\0\0\0\x1{}", 10),  // a header beyond the end
                             std::string("\x8\x7{", 3));
  CHECK(format_of(std::vector<std::uint8_t>(text.begin(), text.end())) == nullptr);
  CHECK_THROWS_WITH(parse_model({text.begin(), text.end()}, "m.onnx"),
                    ContainsSubstring("m.onnx: is not an ONNX model"));
}

TEST_CASE("images of a graph have the layout of its format", "[model][formats]") {
  const std::map<std::string_view, std::string> samples{{"TFLite", "networks/curve.tflite"},
                                                        {"ONNX", "lowbit/thresholds.onnx"},
                                                        {"TOSA", "tosa/networks_residual.tosa"}};
  for (const Format& format : formats()) {
    if (format.read == nullptr) continue;
    CAPTURE(format.name);
    const Sample sample = own_sample(samples.at(format.name));
    CHECK(&format_named(sample.file.string()) == &format);
    CHECK(&format_of(read_file(sample.file), "without.name") == &format);
    CHECK(import_model(sample.file).channels_first == format.channels_first);
  }
  CHECK(format_named("saved_model").name == "TFLite");
  CHECK_THROWS_WITH(format_named("m.gguf"), ContainsSubstring("m.gguf: GGUF, allowed"));
}

TEST_CASE("a model without quantized activations is refused with advice",
          "[model][tflite][error]") {
  const auto [name, says] = GENERATE(table<std::string, std::string>(
      {{"float32", "the model is float32, the machine computes int8: quantize it with examples"},
       {"float16", "the model is float16, "},
       {"dynamic", "the model is quantized dynamically, "},
       {"weights", "the model is quantized only in its weights, "},
       {"weights_int4", "the model is quantized only in its weights, "}}));
  const Sample sample = own_sample("litert/float/" + name + ".tflite");
  const bool ready = name == "float32";
  CHECK_THROWS_WITH(
      import_model(sample.file, true),
      ContainsSubstring(says) &&
          ContainsSubstring("trine quantize " + (ready ? sample.file.string() : "FLOAT.tflite") +
                            " --calibration DIR --out INT8.tflite"));
}

namespace {

/// Returns import's message for a changed model with an LSTM.
template <typename Change>
std::string lstm_message(Change change) {
  format::ModelT model;
  format::GetModel(read_file(own_sample("operators/lstm_sequence.tflite").file).data())
      ->UnPackTo(&model);
  change(model);
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(format::Model::Pack(builder, &model), format::ModelIdentifier());
  const auto* bytes = builder.GetBufferPointer();
  try {
    check(parse_tflite({bytes, bytes + builder.GetSize()}, "m.tflite", true));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("unsupported networks of other makers are refused with advice",
          "[model][tflite][error]") {
  CHECK(lstm_message([](format::ModelT&) {}).empty());
  const auto tensors = [](format::ModelT & m) -> auto& { return m.subgraphs[0]->tensors; };
  CHECK_THAT(lstm_message([&](format::ModelT& m) { tensors(m)[0]->type = 0; }),
             ContainsSubstring(
                 "op 0 UNIDIRECTIONAL_SEQUENCE_LSTM: computes in float32, which `trine "
                 "quantize` does not change: TFLiteConverter with a representative_dataset"));
  CHECK_THAT(
      lstm_message([&](format::ModelT& m) {
        for (auto& tensor : tensors(m)) tensor->type = 0;
      }),
      ContainsSubstring("m.tflite: the model is float32, and `trine quantize` leaves its LSTM"));
  CHECK_THAT(lstm_message([&](format::ModelT& m) { tensors(m)[0]->type = 7; }),
             ContainsSubstring("tensor 0 't0': zero point 10, allowed 0..0"));
  CHECK_THAT(lstm_message([&](format::ModelT& m) { tensors(m)[0]->type = 5; }),
             ContainsSubstring("tensor 0 't0': type string is not supported, allowed int8"));
  for (const std::string custom : {"ethos-u", "edgetpu-custom-op"})
    CHECK_THAT(
        lstm_message([&](format::ModelT& m) {
          m.operator_codes[0]->builtin_code = 32;
          m.operator_codes[0]->deprecated_builtin_code = 32;
          m.operator_codes[0]->custom_code = custom;
        }),
        ContainsSubstring("op 0 CUSTOM:" + custom + ": compiled for another accelerator: use"));
}

TEST_CASE("LSTMs beyond the plain one are refused by name", "[model][tflite][lstm][error]") {
  const auto message =
      [](const std::function<void(format::SubGraphT&, format::OperatorT&)>& change) {
        const std::string text = lstm_message(
            [&](format::ModelT& m) { change(*m.subgraphs[0], *m.subgraphs[0]->operators[0]); });
        CHECK(text.find('\n') == std::string::npos);
        return text;
      };
  const auto added = [&](std::size_t position) {
    return message([&](format::SubGraphT&, format::OperatorT& op) {
      op.inputs.at(position) = op.inputs.at(12);
    });
  };
  for (const std::size_t i : {9, 10, 11})
    CHECK_THAT(added(i), ContainsSubstring("peepholes are not supp"));
  for (const std::size_t i : {16, 17})
    CHECK_THAT(added(i), ContainsSubstring("projections are not supp"));
  for (const std::size_t i : {20, 21, 22, 23})
    CHECK_THAT(added(i), ContainsSubstring("layer norms are not supported"));
  for (const std::size_t i : {1, 5, 12})
    CHECK_THAT(message([&](auto&, format::OperatorT& op) { op.inputs.at(i) = -1; }),
               ContainsSubstring("a coupled input gate (CIFG) is not supported"));
  CHECK_THAT(message([&](auto&, format::OperatorT& op) { op.inputs.at(3) = -1; }),
             ContainsSubstring("input 3 is absent"));
  CHECK_THAT(message([](auto&, format::OperatorT& op) {
               static_cast<format::LstmOptionsT*>(op.options.value)->cell_clip = -1;
             }),
             ContainsSubstring("cell clip -1"));
  const auto cell_scale = [&](float scale) {
    return message([&](format::SubGraphT& graph, format::OperatorT& op) {
      graph.tensors.at(op.inputs.at(19))->quantization->scale = {scale};
    });
  };
  for (const float scale : {0x1.8p-12f, 0x1p-21f, 2.0f})
    CHECK_THAT(cell_scale(scale), ContainsSubstring("allowed powers of two in 2^-20..1, and 0"));
  for (const float scale : {0x1p-20f, 1.0f}) CHECK(cell_scale(scale).empty());
  CHECK_THAT(message([](format::SubGraphT& graph, format::OperatorT& op) {
               graph.tensors.at(op.inputs.at(18))->quantization->scale = {0.25f};
             }),
             ContainsSubstring("scale 0.25 and zero point 3 differ from the output's"));
  CHECK(message([](auto&, format::OperatorT& op) { op.intermediates.clear(); }).empty());
}

TEST_CASE("options that a later TFLite defines are refused, not ignored",
          "[model][tflite][error]") {
  // A RELU operator with options of STRIDED_SLICE, or of SOFTMAX with an unknown field.
  const auto file = [](int code, bool offset, bool later) {
    flatbuffers::FlatBufferBuilder fbb;
    std::vector<flatbuffers::Offset<format::Tensor>> tensors;
    const auto extents = fbb.CreateVector(std::vector<int>{4});
    const auto one = fbb.CreateVector(std::vector<float>{0.5f});
    const auto zero = fbb.CreateVector(std::vector<std::int64_t>{0});
    const auto codes = format::CreateQuantizationParameters(fbb, 0, 0, one, zero);
    const auto shares = format::CreateQuantizationParameters(
        fbb, 0, 0, fbb.CreateVector(std::vector<float>{1.0f / 256}),
        fbb.CreateVector(std::vector<std::int64_t>{-128}));
    for (const int buffer : {0, 1, 2, 3, 0}) {
      const bool list = buffer != 0, result_of_softmax = code == 25 && tensors.size() == 4;
      tensors.push_back(format::CreateTensor(fbb,
                                             list ? fbb.CreateVector(std::vector<int>{1}) : extents,
                                             list ? 2 : 9, static_cast<unsigned>(buffer), 0,
                                             list                ? 0
                                             : result_of_softmax ? shares
                                                                 : codes));
    }
    flatbuffers::Offset<void> options;
    if (code == 45) {
      options = format::CreateStridedSliceOptions(fbb, 0, 0, 0, 0, 0, offset).Union();
    } else {
      const auto start = fbb.StartTable();
      fbb.AddElement<float>(format::SoftmaxOptions::VT_BETA, 1.0f, 0.0f);
      if (later) fbb.AddElement<std::int32_t>(format::SoftmaxOptions::VT_BETA + 6, 7, 0);
      options = fbb.EndTable(start);
    }
    const bool slice = code == 45;
    const auto inputs =
        fbb.CreateVector(slice ? std::vector<int>{0, 1, 2, 3} : std::vector<int>{0});
    const auto outputs = fbb.CreateVector(std::vector<int>{4});
    const auto op = format::CreateOperator(
        fbb, 0, inputs, outputs,
        slice ? format::Options_StridedSliceOptions : format::Options_SoftmaxOptions, options);
    const auto graph = format::CreateSubGraph(fbb, fbb.CreateVector(tensors),
                                              fbb.CreateVector(std::vector<int>{0}), outputs,
                                              fbb.CreateVector(std::vector{op}));
    std::vector<flatbuffers::Offset<format::Buffer>> buffers{format::CreateBuffer(fbb)};
    for (const std::uint8_t number : std::to_array<std::uint8_t>({0, 4, 1}))
      buffers.push_back(
          format::CreateBuffer(fbb, fbb.CreateVector(std::vector<std::uint8_t>{number, 0, 0, 0})));
    const auto kind = format::CreateOperatorCode(fbb, static_cast<std::int8_t>(code), 0, 1, code);
    fbb.Finish(
        format::CreateModel(fbb, 3, fbb.CreateVector(std::vector{kind}),
                            fbb.CreateVector(std::vector{graph}), 0, fbb.CreateVector(buffers)),
        format::ModelIdentifier());
    return std::vector<std::uint8_t>(fbb.GetBufferPointer(),
                                     fbb.GetBufferPointer() + fbb.GetSize());
  };
  constexpr int kStridedSlice = 45, kSoftmax = 25;
  CHECK_NOTHROW(parse_tflite(file(kStridedSlice, false, false), "m.tflite"));
  CHECK_THROWS_WITH(parse_tflite(file(kStridedSlice, true, false), "m.tflite"),
                    ContainsSubstring("op 0 STRIDED_SLICE: option offset is not supported"));
  CHECK_NOTHROW(parse_tflite(file(kSoftmax, false, false), "m.tflite"));
  CHECK_THROWS_WITH(
      parse_tflite(file(kSoftmax, false, true), "m.tflite"),
      ContainsSubstring("op 0 SOFTMAX: option 3 of a later version of the file format is set"));
}

TEST_CASE("int16 additions by shifts are refused", "[model][tflite][maps16][error]") {
  format::ModelT model;
  format::GetModel(read_file(own_sample("maps16/elementwise.tflite").file).data())
      ->UnPackTo(&model);
  const auto parse = [&] {
    flatbuffers::FlatBufferBuilder builder;
    builder.Finish(format::Model::Pack(builder, &model), format::ModelIdentifier());
    const auto* bytes = builder.GetBufferPointer();
    return parse_tflite({bytes, bytes + builder.GetSize()}, "m.tflite");
  };
  const auto& add = model.subgraphs[0]->operators[0];
  static_cast<format::ActivationOptionsT*>(add->options.value)->pot_scale_int16 = true;
  CHECK_NOTHROW(parse());  // not powers of two
  for (const auto& tensor : model.subgraphs[0]->tensors) tensor->quantization->scale = {0.25f};
  CHECK_THROWS_WITH(parse(),
                    "m.tflite: op 0 ADD: int16 with power-of-two scales, allowed "
                    "pot_scale_int16 false");
}

TEST_CASE("an imported graph has the operators and tensors of its file", "[model][tflite]") {
  const Graph graph = import_tflite(own_sample("networks/ds_cnn.tflite").file);
  CHECK(graph.name == "ds_cnn");
  REQUIRE(graph.ops.size() == 11);
  const Op& conv = graph.ops[0];
  CHECK(conv.name == "CONV_2D");
  CHECK(conv.kind == OpKind::kConv2D);
  CHECK(conv.padding == Padding::kSame);
  CHECK(conv.stride_h == 2);
  CHECK(conv.activation == Activation::kRelu);
  CHECK(graph.in(conv, 0).shape == std::vector<int>{1, 33, 10, 1});
  CHECK(graph.in(conv, 0).scale() == 0.0348089337348938f);
  CHECK(graph.in(conv, 0).zero_point() == -31);
  CHECK(graph.in(conv, 1).quantization.scale.size() == 24);
  CHECK(graph.in(conv, 2).values<std::int32_t>().size() == 24);
}

TEST_CASE("every model is legal and has the MACs that its maker counted", "[model][tflite][macs]") {
  // Counts that tests/networks/make.py and tests/layers/make.py print.
  std::vector<std::pair<std::filesystem::path, std::int64_t>> counted;
  for (const auto& [name, macs] : {std::pair<const char*, std::int64_t>{"resnet8", 12'501'632},
                                   {"residual", 203'008},
                                   {"unpadded", 52'000},
                                   {"ds_cnn", 283'848},
                                   {"mobilenet", 835'968},
                                   {"mobilenet_uint8", 114'688},
                                   {"streaming", 58'912},
                                   {"speech", 84'000},
                                   {"autoencoder", 29'696},
                                   {"curve", 288},
                                   {"gru", 2'160}})
    counted.emplace_back(own_sample(std::string("networks/") + name + ".tflite").file, macs);
  for (const auto& [name, macs] : {std::pair<const char*, std::int64_t>{"convolutions", 990'868},
                                   {"depthwise", 65'492},
                                   {"dense", 44'837},
                                   {"blocks", 318'048},
                                   {"pools", 0}})
    counted.emplace_back(own_sample(std::string("layers/") + name + ".tflite").file, macs);
  const std::size_t own = counted.size();
  if (has_shared())
    for (const auto& [name, macs] : documented_macs())
      counted.emplace_back(shared_folder() / "models" / name, macs);
  CHECK((counted.size() == own + 12 + 78 || !has_shared()));
  for (const auto& [file, expected] : counted) {
    CAPTURE(file.string());
    const Graph graph = import_tflite(file);
    CHECK_NOTHROW(check(graph));
    CHECK(macs(graph) == expected);
  }
}

TEST_CASE("a truncated model is refused, whatever its length", "[model][tflite][error]") {
  for (const Sample& sample : samples({"networks/curve.tflite"}, {"hello_world_int8.tflite"})) {
    const auto whole = read_file(sample.file);
    REQUIRE(loads(whole));
    for (std::size_t size = 0; size < whole.size(); size += 3)
      CHECK_FALSE(loads({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}));
  }
}

TEST_CASE("constants may be as large as the file but shared ones are limited",
          "[model][tflite][error]") {
  constexpr int kRows = 160, kCols = 1 << 20;  // of a buffer
  flatbuffers::FlatBufferBuilder builder(std::size_t{kRows} * kCols + 4096);
  std::uint8_t* codes = nullptr;
  const auto data = builder.CreateUninitializedVector(std::size_t{kRows} * kCols, &codes);
  std::memset(codes, 1, std::size_t{kRows} * kCols);
  const std::vector buffers{format::CreateBuffer(builder), format::CreateBuffer(builder, data)};
  const int constants = GENERATE(2, 3);
  const std::vector<float> scale{1};
  const std::vector<std::int64_t> zero_point{0};
  std::vector<flatbuffers::Offset<format::Tensor>> tensors;
  for (int i = 0; i <= constants; ++i) {
    const std::vector<std::int32_t> shape{kRows, kCols};
    const auto quantization = format::CreateQuantizationParameters(
        builder, 0, 0, builder.CreateVector(scale), builder.CreateVector(zero_point));
    tensors.push_back(format::CreateTensor(builder, builder.CreateVector(shape), 9, i > 0 ? 1 : 0,
                                           builder.CreateString("t"), quantization));
  }
  const std::vector<std::int32_t> edge{0};
  const std::vector graphs{format::CreateSubGraph(builder, builder.CreateVector(tensors),
                                                  builder.CreateVector(edge),
                                                  builder.CreateVector(edge))};
  builder.Finish(format::CreateModel(builder, 3, 0, builder.CreateVector(graphs), 0,
                                     builder.CreateVector(buffers)),
                 "TFL3");
  const std::vector<std::uint8_t> bytes(builder.GetBufferPointer(),
                                        builder.GetBufferPointer() + builder.GetSize());
  if (constants == 2)  // 320 MiB in a file of 160
    CHECK(parse_tflite(bytes, "m.tflite").tensors.size() == 3);
  else
    CHECK_THROWS_WITH(parse_tflite(bytes, "m.tflite"),
                      ContainsSubstring("bytes of constants, in a file"));
}

TEST_CASE("a model with damaged bytes loads or is refused", "[model][tflite][error]") {
  const auto models =
      samples({"networks/curve.tflite", "networks/unpadded.tflite", "layers/movement.tflite",
               "layers/depthwise.tflite", "layers/elementwise.tflite", "layers/pools.tflite"},
              {"hello_world_int8.tflite", "mnist_valid_q.tflite", "layers/strided_slice.tflite",
               "layers/conv_grouped_g4.tflite", "layers/tconv_2x2_s2.tflite",
               "layers/batch_matmul_tb.tflite", "layers/pad.tflite"});
  for (const Sample& sample : models) {
    CAPTURE(sample.file.string());
    const auto whole = read_file(sample.file);
    REQUIRE(loads(whole));
    std::mt19937 random{1};
    int refused = 0;
    for (int i = 0; i < 2000; ++i) {
      CAPTURE(i);
      auto bytes = whole;
      for (unsigned n = 1 + random() % 4; n-- > 0;) {
        constexpr std::uint8_t kNasty[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
        bytes[random() % bytes.size()] =
            random() % 2 != 0 ? kNasty[random() % 5] : static_cast<std::uint8_t>(random());
      }
      refused += loads(bytes) ? 0 : 1;
    }
    CHECK(refused > 100);
  }
}

TEST_CASE("a cache of an ONNX decoder may be empty", "[model][onnx]") {
  const std::string file = TRINE_SOURCE_DIR "/models/writer/onnx/decoder.onnx";
  const std::vector<std::uint8_t> bytes = read_file(file);
  CHECK(open_dimensions(bytes, file) == std::vector<std::string>{"past"});
  CHECK(open_dimensions(read_file(TRINE_SOURCE_DIR "/models/writer/tflite/decoder.tflite"), "t")
            .empty());
  CHECK_THROWS_WITH(parse_model(bytes, file), ContainsSubstring("--shape past=N"));
  const Graph begun = parse_model(bytes, file, true, parse_shapes({"past=0"}));
  CHECK(begun.inputs.size() == 5);  // the symbol, keys and values of the line
  const Graph later = parse_model(bytes, file, true, parse_shapes({"past=7"}));
  CHECK(later.inputs.size() == 9);
  check(begun);
  check(later);
  for (const int i : {1, 2, 3, 4}) {
    const auto at = static_cast<std::size_t>(i);
    CHECK(begun.tensor(begun.outputs[at]).shape == std::vector<int>{1, 1, 64});
    CHECK(later.tensor(later.outputs[at]).shape == std::vector<int>{1, 8, 64});
  }
}
