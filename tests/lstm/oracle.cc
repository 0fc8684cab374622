// SPDX-License-Identifier: Apache-2.0
//
// A model on tflite-micro: oracle MODEL IN OUT [stream]. IN holds cases, the bytes of all inputs one after
// another; OUT gets the outputs the same way. Variables begin anew with each case, but for `stream`. Built
// with tflite-micro's sources, outside of this repository: README.md.

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace {

std::vector<char> bytes_of(const char* file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

/// @return 0, or the step that failed
int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const std::vector<char> model = bytes_of(argv[1]), in = bytes_of(argv[2]);
  std::ofstream out(argv[3], std::ios::binary);
  const bool stream = argc > 4 && std::string(argv[4]) == "stream";
  tflite::MicroMutableOpResolver<8> operators;
  operators.AddDequantize();
  operators.AddFullyConnected();
  operators.AddLogistic();
  operators.AddQuantize();
  operators.AddReshape();
  operators.AddSoftmax();
  operators.AddTanh();
  operators.AddUnidirectionalSequenceLSTM();
  std::vector<std::uint8_t> arena(16 << 20);
  tflite::MicroInterpreter interpreter(tflite::GetModel(model.data()), operators, arena.data(),
                                       arena.size());
  if (interpreter.AllocateTensors() != kTfLiteOk) return 3;
  for (std::size_t at = 0; at < in.size();) {
    if (!stream && interpreter.Reset() != kTfLiteOk) return 4;
    for (std::size_t i = 0; i < interpreter.inputs_size(); ++i) {
      TfLiteTensor* tensor = interpreter.input(i);
      if (at + tensor->bytes > in.size()) return 5;
      std::memcpy(tensor->data.raw, in.data() + at, tensor->bytes);
      at += tensor->bytes;
    }
    if (interpreter.Invoke() != kTfLiteOk) return 6;
    for (std::size_t i = 0; i < interpreter.outputs_size(); ++i)
      out.write(interpreter.output(i)->data.raw,
                static_cast<std::streamsize>(interpreter.output(i)->bytes));
  }
  return 0;
}
