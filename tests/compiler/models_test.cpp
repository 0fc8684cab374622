// SPDX-License-Identifier: Apache-2.0
//
// Runs every recorded vector of real networks on many configurations and compares every value.

#include <filesystem>
#include <map>

#include "sw/model/import/import.h"
#include "sw/model/import/testing.h"
#include "sw/reference/vectors/vectors.h"
#include "tests/compiler/testing.h"

namespace trine::sim {
namespace {

namespace fs = std::filesystem;
using testing::small_config;

/// Requires all vectors of a folder. @return cycles of the slowest
std::uint64_t require_vectors(const fs::path& model, const fs::path& folder,
                              const spec::Config& config) {
  CAPTURE(model.string(), folder.string(), config.to_toml());
  const model::Graph graph = model::import_model(model);
  const reference::VectorSet vectors = reference::read_vectors(folder);
  reference::check_vectors(vectors, graph);
  REQUIRE(!vectors.cases.empty());
  const compiler::Program program = compiler::compile(graph, config, {vectors.policy});
  std::uint64_t slowest = 0;
  for (const reference::VectorCase& c : vectors.cases) {
    CAPTURE(c.id);
    const RunResult result = run_arch(program, c.inputs);
    REQUIRE(compiler::first_difference(program, result.outputs, c.outputs) == "");
    std::uint64_t causes = 0, layers = 0;
    for (const std::uint64_t cycles : result.causes) causes += cycles;
    for (const LayerResult& layer : result.layers) layers += layer.cycles;
    REQUIRE(causes == result.cycles);
    REQUIRE((layers == result.cycles || program.layers.empty()));
    slowest = std::max(slowest, result.cycles);
  }
  return slowest;
}

void require_samples(const std::vector<model::Sample>& samples, const spec::Config& config) {
  for (const auto& [file, vectors] : samples) require_vectors(file, vectors, config);
}

/// Returns networks for many arrays: small ones of the repository, and the shared ones.
std::vector<model::Sample> networks() {
  return model::samples(
      {"networks/residual.tflite", "networks/autoencoder.tflite", "networks/curve.tflite",
       "networks/unpadded.tflite", "networks/ds_cnn.tflite", "networks/mobilenet_uint8.tflite",
       "networks/streaming.tflite", "networks/speech.tflite", "networks/gru.tflite"},
      {"pretrainedResnet_quant.tflite", "ad01_int8.tflite", "hello_world_int8.tflite",
       "mnist_valid_q.tflite", "mnist_resnet_q.tflite"});
}

const fs::path kModels = fs::path(TRINE_SOURCE_DIR) / "models";
constexpr int kArrays[][2] = {{1, 1}, {3, 5}, {4, 4}, {8, 8}, {4, 16}, {16, 4}, {16, 16}};

TEST_CASE("the plus-shaped filter gives the textbook's numbers", "[arch][model]") {
  for (const auto& array : kArrays)
    require_vectors(kModels / "plus_filter.tflite", kModels / "plus_filter" / "vectors",
                    small_config(array[0], array[1], 8, 8, 64));
}

TEST_CASE("operators of this repository's models are exact", "[arch][model][operators]") {
  const fs::path folder = fs::path(TRINE_SOURCE_DIR) / "tests" / "operators";
  int checked = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const fs::path& model = entry.path();
    const std::string name = model.stem();
    if (model.extension() != ".tflite" || name == "lstm_sequence" || name.starts_with("host_"))
      continue;        // tested by segments_test
    const bool wide =  // computed weights need whole beats
        name == "attention" || name == "decoder_2x16_8";
    for (const auto& array : {kArrays[wide ? 2 : 0], kArrays[1], kArrays[6]})
      require_vectors(model, folder / model.stem(), small_config(array[0], array[1], 16, 8, 64));
    ++checked;
  }
  CHECK(checked == 33);
}

TEST_CASE("networks of sequences are exact to the golden layers", "[arch][model][onnx]") {
  const fs::path folder = kModels / "sequences";
  int checked = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const fs::path& file = entry.path();
    if (file.extension() != ".onnx") continue;
    CAPTURE(file.string());
    const model::Graph graph = model::import_model(file);
    for (const auto& array : {kArrays[2], kArrays[6]}) {
      spec::Config config = small_config(array[0], array[1], 64, 32, 64);
      config.activations16 = true;
      const compiler::Program program = compiler::compile(graph, config);
      for (const auto& c : reference::read_vectors(folder / file.stem()).cases) {
        CAPTURE(c.id);
        const auto golden = reference::outputs_of(graph, reference::run_graph(graph, c.inputs));
        REQUIRE(compiler::first_difference(program, run_arch(program, c.inputs).outputs, golden) ==
                "");
      }
    }
    ++checked;
  }
  CHECK(checked == 6);
}

TEST_CASE("QDQ networks of this repository are exact", "[arch][model][onnx]") {
  const fs::path folder = fs::path(TRINE_SOURCE_DIR) / "tests" / "onnx";
  int checked = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const fs::path& model = entry.path();
    if (model.extension() != ".onnx") continue;
    for (const auto& array : {kArrays[0], kArrays[1], kArrays[6]})
      require_vectors(model, folder / model.stem(), small_config(array[0], array[1], 16, 8, 64));
    ++checked;
  }
  CHECK(checked == 11);
}

TEST_CASE("each operator between ONNX's quantizers is exact", "[arch][model][onnx]") {
  const fs::path folder = fs::path(TRINE_SOURCE_DIR) / "tests" / "onnx" / "operators";
  for (const std::string name : {"int8", "uint8"})
    for (const auto& [rows, cols] : {std::pair{1, 8}, std::pair{3, 8}, std::pair{8, 16}})
      require_vectors(folder / (name + ".onnx"), folder / name,
                      small_config(rows, cols, 16, 8, 256));
}

TEST_CASE("attention and encoder blocks of ONNX are exact to the golden layers",
          "[arch][model][onnx]") {
  const fs::path folder = fs::path(TRINE_SOURCE_DIR) / "tests" / "onnx" / "approximate";
  for (const std::string name : {"attention", "encoder", "encoder_decomposed"}) {
    const model::Graph graph = model::import_model(folder / (name + ".onnx"));
    const reference::VectorSet vectors = reference::read_vectors(folder / name);
    for (const auto& array : {kArrays[2], kArrays[1], kArrays[6]}) {
      const compiler::Program program =
          compiler::compile(graph, small_config(array[0], array[1], 16, 8, 64));
      for (const reference::VectorCase& c : vectors.cases) {
        CAPTURE(name, array[0], array[1], c.id);
        const auto golden = reference::outputs_of(graph, reference::run_graph(graph, c.inputs));
        CHECK(run_arch(program, c.inputs).outputs.at(0).bytes == golden.at(0).bytes);
      }
    }
  }
}

TEST_CASE("PyTorch's networks are exact to the golden layers", "[arch][model][onnx][torch]") {
  const fs::path folder = fs::path(TRINE_SOURCE_DIR) / "tests" / "torch";
  int checked = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".onnx") continue;
    const model::Graph graph = model::import_model(entry.path());
    const auto vectors = reference::read_vectors(folder / entry.path().stem());
    const auto& array = kArrays[checked % 3 == 0 ? 2 : checked % 3 == 1 ? 1 : 6];
    const compiler::Program program =
        compiler::compile(graph, small_config(array[0], array[1], 32, 16, 128));
    for (const reference::VectorCase& c : vectors.cases) {
      CAPTURE(entry.path().string(), array[0], array[1], c.id);
      const auto golden = reference::outputs_of(graph, reference::run_graph(graph, c.inputs));
      CHECK(compiler::first_difference(program, run_arch(program, c.inputs).outputs, golden) == "");
    }
    ++checked;
  }
  CHECK(checked == 45);
}

TEST_CASE("litert-torch's networks are exact", "[arch][model][litert]") {
  for (const auto& array : {kArrays[6], kArrays[1]})
    require_samples(model::own_samples("litert"), small_config(array[0], array[1], 32, 16, 128));
}

TEST_CASE("transformers are exact on 8x8, 16x16 and 5x7", "[arch][model]") {
  for (const auto& array : {std::pair{8, 8}, {16, 16}, {5, 7}}) {
    const spec::Config config = small_config(array.first, array.second, 128, 64, 64);
    require_vectors(kModels / "digit_adder.tflite", kModels / "digit_adder" / "vectors", config);
    const fs::path decoder =
        fs::path(TRINE_SOURCE_DIR) / "tests" / "operators" / "decoder_2x16_8.tflite";
    require_vectors(decoder, fs::path(decoder).replace_extension(), config);
  }
}

TEST_CASE("LeNet is exact on its vectors", "[arch][model]") {
  require_vectors(kModels / "lenet_mnist.tflite", kModels / "lenet_mnist" / "vectors",
                  spec::load_config("edge256"));
}

TEST_CASE("ResNet-8 is exact and fast enough on the presets", "[arch][model]") {
  for (const auto& [file, vectors] :
       model::samples({"networks/resnet8.tflite"}, {"pretrainedResnet_quant.tflite"})) {
    CHECK(require_vectors(file, vectors, spec::load_config("edge256")) <= 53500);
    CHECK(require_vectors(file, vectors, spec::load_config("edge1024")) <= 15000);
  }
}

TEST_CASE("autoencoders are exact with one rounding in fully connected layers", "[arch][model]") {
  for (const auto& [file, vectors] :
       model::samples({"networks/autoencoder.tflite"}, {"ad01_int8.tflite"}))
    require_vectors(file, vectors / "litert-2.3.0", spec::load_config("edge256"));
}

TEST_CASE("networks are exact on any array", "[arch][model]") {
  for (const auto& array : kArrays)
    require_samples(networks(), small_config(array[0], array[1], 128, 64, 64));
}

TEST_CASE("networks are exact on any bus and with the smallest memories", "[arch][model]") {
  for (const int bus : {32, 128, 1024})
    require_samples(networks(), small_config(8, 8, 128, 64, bus));
  require_samples(networks(), small_config(8, 8, 8, 8, 64));
  require_samples(networks(), small_config(16, 16, 8, 8, 64));
  require_samples({model::own_sample("networks/mobilenet.tflite")}, small_config(8, 8, 8, 8, 64));
}

/// Models with layers that the hardware does not support, and the messages; all other models must
/// be exact.
const std::map<std::string, std::string> kRefused{
    {"resize_bilinear", "weight 683/1024 does not fit int8"},
    {"resize_odd",
     "op 0 RESIZE_BILINEAR: tensor 2 'resize_bilinear': 5 x 6 to 11 x 9 pixels: weight 683/1024 "
     "does not fit int8"}};

TEST_CASE("layers are exact on their vectors, or refused with a reason", "[arch][layer]") {
  const auto own = model::own_samples("layers"), shared = model::shared_samples("layers");
  CHECK(own.size() == 13);
  CHECK((shared.size() >= 78 || !model::has_shared()));
  std::size_t refused = 0;
  for (const auto& list : {own, shared}) {
    for (const model::Sample& sample : list) {
      CAPTURE(sample.file.string());
      if (const auto reason = kRefused.find(sample.name()); reason != kRefused.end()) {
        REQUIRE_THROWS_WITH(
            compiler::compile(model::import_tflite(sample.file), small_config(8, 8, 128, 64, 64)),
            Catch::Matchers::ContainsSubstring(reason->second));
        ++refused;
        continue;
      }
      for (const spec::Config& config :
           {small_config(8, 8, 128, 64, 64), small_config(8, 8, 8, 8, 64),
            small_config(16, 16, 8, 8, 512), small_config(3, 5, 8, 16, 32)})
        require_vectors(sample.file, sample.vectors, config);
    }
  }
  CHECK(refused == (model::has_shared() ? 2 : 1));
}

#ifdef TRINE_SLOW_TESTS
TEST_CASE("networks are exact on every array, bus and memory", "[arch][model]") {
  for (const auto& array : kArrays)
    for (const int bus : {32, 64, 128, 512})
      for (const int dmem : {8, 16, 128})
        for (const int pmem : {8, 64})
          require_samples(networks(), small_config(array[0], array[1], dmem, pmem, bus));
}
#endif

}  // namespace
}  // namespace trine::sim
