// SPDX-License-Identifier: Apache-2.0

#include "tools/cli/examples.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "sw/model/graph.h"
#include "tools/cli/python.h"

namespace trine::cli {

void ExampleOptions::declare(CLI::App& command) {
  command
      .add_option("--data", data,
                  "examples instead of random cases: folders and files as of trine\naccuracy")
      ->type_name("DIR");
  preparation.declare(command);
}

std::vector<std::string> ExampleOptions::arguments(const std::string& model, std::size_t count,
                                                   const std::filesystem::path& folder) const {
  if (data.empty() && preparation.given()) throw_error("--mean, --scale: need --data");
  if (data.empty()) return {};
  const DataSet set(data);
  const model::Graph graph = model::import_model(model, true);
  if (graph.inputs.size() != 1)
    throw_error("--data: {} has {} inputs, allowed 1; --inputs takes one file for each", model,
                graph.inputs.size());
  const model::Tensor& input = graph.tensor(graph.inputs[0]);
  const std::size_t cases = std::min(count, set.size());
  Array x{std::string(model::npy_code(input.type)), {static_cast<std::int64_t>(cases)}, {}};
  x.shape.insert(x.shape.end(), input.shape.begin(), input.shape.end());
  std::vector<std::int64_t> labels;
  for (std::size_t i = 0; i < cases; ++i) {
    const Array one = preparation.prepared(set.example(i), input, is_onnx(model), set.name(i));
    x.bytes.insert(x.bytes.end(), one.bytes.begin(), one.bytes.end());
    if (set.labels(i).size() == 1) labels.push_back(set.labels(i)[0]);
  }
  const std::string inputs = (folder / "x.npy").string();
  write_npy(inputs, x);
  if (labels.size() != cases) return {"--inputs", inputs};
  Array y{"i8", {static_cast<std::int64_t>(cases)}, std::vector<std::uint8_t>(8 * cases)};
  std::memcpy(y.bytes.data(), labels.data(), y.bytes.size());
  write_npy(folder / "y.npy", y);
  return {"--inputs", inputs, "--labels", (folder / "y.npy").string()};
}

}  // namespace trine::cli
