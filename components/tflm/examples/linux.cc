// SPDX-License-Identifier: Apache-2.0
//
// Runs a model of `trine compile --tflite` with TensorFlow Lite Micro on an accelerator that Linux
// exports as a UIO device and a buffer for DMA (sw/runtime/examples/linux_uio.c explains both).
//
//   linux REGISTERS BUFFER ADDRESS BYTES MODEL INPUT OUTPUT [INTERRUPT]
//
// INPUT contains the values of the model's inputs one after the other, once for each inference;
// OUTPUT receives the outputs in the same way. The interpreter keeps its states from one inference
// to the next. INTERRUPT is the device that reports interrupts, if it is not REGISTERS. Exit code 1
// on any error.

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <vector>

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "trine_kernel.h"

namespace {

constexpr std::size_t kRegisterBytes = 4096, kArenaBytes = 4 << 20;
constexpr int kOperators = 96;

/// Registers and buffer, as Linux maps them.
struct Board {
  volatile std::uint32_t* registers = nullptr;
  unsigned char* buffer = nullptr;
  std::uint64_t address = 0, bytes = 0;
  int interrupt = -1;
};

int Read32(void* context, std::uint32_t offset, std::uint32_t* value) {
  *value = static_cast<Board*>(context)->registers[offset / 4];
  __sync_synchronize();
  return 0;
}

int Write32(void* context, std::uint32_t offset, std::uint32_t value) {
  __sync_synchronize();
  static_cast<Board*>(context)->registers[offset / 4] = value;
  return 0;
}

void* Map(void* context, std::uint64_t address, std::size_t bytes) {
  const Board& board = *static_cast<Board*>(context);
  const std::uint64_t place = address - board.address;
  return place > board.bytes || bytes > board.bytes - place ? nullptr : board.buffer + place;
}

/// Waits at most a second. The kernel has masked the interrupt since the last one.
int WaitInterrupt(void* context) {
  const int file = static_cast<Board*>(context)->interrupt;
  std::uint32_t count = 1;
  if (write(file, &count, sizeof count) != static_cast<ssize_t>(sizeof count)) return -1;
  pollfd wanted{file, POLLIN, 0};
  const int ready = poll(&wanted, 1, 1000);
  if (ready <= 0) return ready == 0 ? 1 : -1;
  return read(file, &count, sizeof count) == static_cast<ssize_t>(sizeof count) ? 0 : -1;
}

void* Mapped(const char* path, std::size_t bytes) {
  const int file = open(path, O_RDWR | O_SYNC);
  void* at =
      file < 0 ? MAP_FAILED : mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  return at == MAP_FAILED ? nullptr : at;
}

int Failed(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  return 1;
}

std::vector<char> Contents(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Returns the operators that may stay with the interpreter; add what your model needs.
const tflite::MicroOpResolver& Resolver() {
  static tflite::MicroMutableOpResolver<kOperators> resolver;
  resolver.AddCustom("trine", tflite::trine::Register());
  resolver.AddAdd();
  resolver.AddArgMax();
  resolver.AddAssignVariable();
  resolver.AddCallOnce();
  resolver.AddConcatenation();
  resolver.AddDequantize();
  resolver.AddFullyConnected();
  resolver.AddLogistic();
  resolver.AddMul();
  resolver.AddPad();
  resolver.AddQuantize();
  resolver.AddReadVariable();
  resolver.AddReshape();
  resolver.AddResizeBilinear();
  resolver.AddSoftmax();
  resolver.AddStridedSlice();
  resolver.AddSub();
  resolver.AddSvdf();
  resolver.AddTranspose();
  resolver.AddUnidirectionalSequenceLSTM();
  resolver.AddVarHandle();
#ifdef MORE_OPERATORS  // to run a model without the machine
  MORE_OPERATORS
#endif
  return resolver;
}

/// Runs the model once for each set of inputs.
int Infer(tflite::MicroInterpreter& interpreter, const std::vector<char>& inputs,
          std::ostream& out) {
  std::size_t at = 0;
  while (at < inputs.size()) {
    for (std::size_t i = 0; i < interpreter.inputs_size(); ++i) {
      TfLiteTensor* tensor = interpreter.input(i);
      if (tensor->bytes > inputs.size() - at) return Failed("INPUT ends within an inference");
      std::copy_n(inputs.data() + at, tensor->bytes, tensor->data.raw);
      at += tensor->bytes;
    }
    if (interpreter.Invoke() != kTfLiteOk) return 1;
    for (std::size_t i = 0; i < interpreter.outputs_size(); ++i)
      out.write(interpreter.output(i)->data.raw,
                static_cast<std::streamsize>(interpreter.output(i)->bytes));
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 8 && count != 9)
    return Failed("usage: linux REGISTERS BUFFER ADDRESS BYTES MODEL INPUT OUTPUT [INTERRUPT]");
  Board board;
  board.address = std::strtoull(arguments[3], nullptr, 0);
  board.bytes = std::strtoull(arguments[4], nullptr, 0);
  board.registers = static_cast<std::uint32_t*>(Mapped(arguments[1], kRegisterBytes));
  board.buffer = static_cast<unsigned char*>(Mapped(arguments[2], board.bytes));
  board.interrupt = open(arguments[count == 9 ? 8 : 1], O_RDWR | O_NOCTTY);
  if (board.interrupt < 0 || board.registers == nullptr || board.buffer == nullptr)
    return Failed("cannot map the device");
  static trine_storage storage;
  trine_callbacks callbacks{};
  callbacks.context = &board;
  callbacks.read32 = Read32;
  callbacks.write32 = Write32;
  callbacks.map = Map;
  callbacks.wait_interrupt = WaitInterrupt;
  tflite::trine::Machine machine;
  const int opened = trine_open(&storage, sizeof storage, &callbacks, &machine.device);
  if (opened != TRINE_OK) return Failed(trine_strerror(opened));
  machine.base = board.address;
  machine.bytes = board.bytes;

  alignas(16) static std::uint8_t arena[kArenaBytes];
  const std::vector<char> file = Contents(arguments[5]), inputs = Contents(arguments[6]);
  if (file.empty()) return Failed("cannot read MODEL");
  void* model = std::aligned_alloc(16, (file.size() + 15) / 16 * 16);  // constants stay in place
  std::copy(file.begin(), file.end(), static_cast<char*>(model));
  tflite::MicroInterpreter interpreter(tflite::GetModel(model), Resolver(), arena, sizeof arena);
  interpreter.SetMicroExternalContext(&machine);
  if (interpreter.AllocateTensors() != kTfLiteOk) return 1;
  std::ofstream out(arguments[7], std::ios::binary);
  return Infer(interpreter, inputs, out);
}
