// SPDX-License-Identifier: Apache-2.0

#include "components/accuracy/cases.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/model/import/import.h"
#include "tools/cli/models/python.h"
#include "tools/cli/run/network.h"

namespace trine::cli {

void CaseOptions::declare(Command command) {
  add_value(command, "--inputs X.npy", inputs,
            "a file for each input, in order, with the cases along the leading\n"
            "axis, in the model's own type");
  add_value(command, "--data DIR", data,
            "examples instead of random cases: folders and files as in trine\naccuracy");
  add_value(
      command, "--count N", count,
      fmt::format("random cases (4, or 0 with --inputs); with --data: most examples ({})", most))
      ->check(range(0, 100'000));
  add_value(command, "--seed N", seed, "seed of the first random case (1)")
      ->check(range(0, 1'000'000'000));
  declare_shape(command, shapes);
  preparation.declare(command);
}

void CaseOptions::check() {
  if (!data.empty() && !inputs.empty()) throw_error("--data: not allowed with --inputs");
  preparation.parse();
  if (data.empty() && preparation.given()) throw_error("--mean, --scale: need --data");
}

std::vector<NamedFile> CaseOptions::files() const {
  std::vector<NamedFile> list;
  for (const std::string& input : inputs) list.push_back({"--inputs", input});
  return list;
}

std::vector<std::string> CaseOptions::arguments(const std::string& model,
                                                const std::filesystem::path& folder) const {
  std::vector<std::string> list{"--seed", std::to_string(seed)};
  for (const std::string& shape : shapes) list.insert(list.end(), {"--shape", shape});
  const auto add = [&](const std::vector<std::string>& more) {
    list.insert(list.end(), more.begin(), more.end());
  };
  if (!data.empty()) {
    add(examples(model, folder));
  } else {
    if (count >= 0) add({"--random", std::to_string(count)});
    if (!inputs.empty()) add({"--inputs"});
    add(inputs);
  }
  return list;
}

std::vector<std::string> CaseOptions::examples(const std::string& model,
                                               const std::filesystem::path& folder) const {
  const DataSet set(data);
  const model::Graph graph =
      model::parse_model(read_file(model), model, true, model::parse_shapes(shapes));
  if (graph.inputs.size() != 1)
    throw_error("--data: {} has {} inputs, allowed 1; --inputs takes one file for each", model,
                graph.inputs.size());
  const model::Tensor& input = graph.tensor(graph.inputs[0]);
  const std::size_t cases =
      std::min(static_cast<std::size_t>(count < 0 ? most : count), set.size());
  Array x{std::string(model::npy_code(input.type)), {static_cast<std::int64_t>(cases)}, {}};
  x.shape.insert(x.shape.end(), input.shape.begin(), input.shape.end());
  std::vector<std::int64_t> labels;
  for (std::size_t i = 0; i < cases; ++i) {
    const Array one =
        preparation.prepared(set.example(i), input, graph.channels_first, set.name(i));
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
