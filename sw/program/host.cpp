// SPDX-License-Identifier: Apache-2.0

#include "sw/program/host.h"

#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>

#include "sw/base/error.h"
#include "sw/reference/golden.h"

namespace trine::program {
namespace {

std::string position_of(std::size_t element, const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> at(shape.size());
  auto rest = static_cast<std::int64_t>(element);
  for (std::size_t i = shape.size(); i-- > 0;) {
    at[i] = rest % shape[i];
    rest /= shape[i];
  }
  return fmt::format("{}", fmt::join(at, ","));
}

}  // namespace

std::size_t dram_size(const Program& program) {
  const std::int64_t memory = std::int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE);
  if (program.dram_bytes > memory)
    throw_error("{}: needs {} bytes of DRAM, but this computer has {} bytes of memory",
                program.name, program.dram_bytes, memory);
  return static_cast<std::size_t>(program.dram_bytes);
}

std::vector<std::uint8_t> initial_dram(const Program& program) {
  std::vector<std::uint8_t> dram(dram_size(program));
  std::copy(program.image.begin(), program.image.end(), dram.begin() + program.image_offset);
  return dram;
}

std::vector<Array> machine_inputs(const Program& program, const std::vector<Array>& inputs) {
  // Tensors that pass through are both inputs and outputs of the graph.
  return reference::outputs_of(program.before,
                               reference::run_graph(program.before, inputs, program.rounding));
}

void write_inputs(const Program& program, const std::vector<Array>& inputs, std::uint8_t* dram) {
  const std::vector<Array> machine = machine_inputs(program, inputs);
  for (std::size_t i = 0; i < machine.size(); ++i)
    to_planar(machine[i].bytes.data(), program.inputs[i], dram);
}

std::vector<Array> empty_machine_outputs(const Program& program) {
  std::vector<Array> machine;
  for (std::size_t i = 0; i < program.outputs.size(); ++i) {
    const TensorLayout& layout = program.outputs[i];
    const model::DataType type = program.after.tensor(program.after.inputs.at(i)).type;
    Array array{.dtype = std::string(model::npy_code(type)),
                .shape = {layout.extents.begin(), layout.extents.end()},
                .bytes = {}};
    array.bytes.resize(static_cast<std::size_t>(array.elements() * layout.element_bytes()));
    machine.push_back(std::move(array));
  }
  return machine;
}

std::vector<Array> model_outputs(const Program& program, const std::vector<Array>& machine) {
  return reference::outputs_of(program.after,
                               reference::run_graph(program.after, machine, program.rounding));
}

std::vector<Array> read_outputs(const Program& program, const std::uint8_t* dram) {
  std::vector<Array> machine = empty_machine_outputs(program);
  for (std::size_t i = 0; i < machine.size(); ++i)
    from_planar(dram, program.outputs[i], machine[i].bytes.data());
  return model_outputs(program, machine);
}

std::string difference_at(const Program& program, std::size_t output, std::size_t element,
                          const Array& actual, const Array& expected) {
  const model::Graph& last = segments(program).back()->after;
  return fmt::format("output {} '{}' at {}: {}, expected {}", output,
                     last.tensor(last.outputs.at(output)).name, position_of(element, actual.shape),
                     actual.value(element), expected.value(element));
}

std::string first_difference(const Program& program, const std::vector<Array>& actual,
                             const std::vector<Array>& expected) {
  if (actual.size() != expected.size())
    return fmt::format("{} outputs, expected {}", actual.size(), expected.size());
  for (std::size_t o = 0; o < actual.size(); ++o) {
    const model::Graph& last = segments(program).back()->after;
    const std::string name = last.tensor(last.outputs.at(o)).name;
    if (actual[o].dtype != expected[o].dtype || actual[o].bytes.size() != expected[o].bytes.size())
      return fmt::format("output {} '{}' is {} of {} bytes, expected {} of {} bytes", o, name,
                         actual[o].dtype, actual[o].bytes.size(), expected[o].dtype,
                         expected[o].bytes.size());
    const auto a =
        std::mismatch(actual[o].bytes.begin(), actual[o].bytes.end(), expected[o].bytes.begin())
            .first;
    if (a == actual[o].bytes.end()) continue;
    const auto byte = static_cast<std::size_t>(a - actual[o].bytes.begin());
    return difference_at(program, o, byte / actual[o].element_bytes(), actual[o], expected[o]);
  }
  return "";
}

}  // namespace trine::program
