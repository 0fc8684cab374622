// SPDX-License-Identifier: Apache-2.0
//
// The custom operator "trine" of `trine compile --tflite`, for TensorFlow Lite Micro.
//
//   static tflite::trine::Machine machine{device, base_address, bytes};  // device: trine_open()
//   tflite::MicroMutableOpResolver<4> resolver;
//   resolver.AddCustom("trine", tflite::trine::Register());              // and what stays
//   tflite::MicroInterpreter interpreter(model, resolver, arena, sizeof arena);
//   interpreter.SetMicroExternalContext(&machine);
//   interpreter.AllocateTensors();
//
// Each operator has its own part of the device's memory, so that the constants of all operators are
// written once, in Prepare. Inputs and outputs are tensors of the interpreter's arena; the driver
// (trine_runtime.h) copies them to and from the device's memory and calls the board's cache hooks.
// The machine image is a constant tensor of the model: it stays in flash.

#ifndef TRINE_KERNEL_H
#define TRINE_KERNEL_H

#include <cstdint>

#include "tensorflow/lite/micro/micro_common.h"
#include "trine_runtime.h"

namespace tflite {
namespace trine {

/// The machine of an interpreter.
struct Machine {
  trine_device* device = nullptr;
  std::uint64_t base = 0;       ///< bus address of the device memory that operators may use
  std::uint64_t bytes = 0;      ///< its size
  std::uint64_t attempts = 0;   ///< of trine_wait() for a run; 0: waits until the machine is done
  std::uint64_t used = 0;       ///< bytes that the operators prepared so far use
  const char* error = nullptr;  ///< text of the last error
};

/// Returns the operator. Each step that fails is reported by MicroPrintf, with the driver's text,
/// and ends AllocateTensors() or Invoke() with kTfLiteError:
/// - Prepare: the image is damaged or of another version, or compiled for another design; a
/// tensor's
///   type or size differs from the image's; the device's memory is too small
/// - Invoke: the machine stops with an error, or does not end
TFLMRegistration* Register();

}  // namespace trine
}  // namespace tflite

#endif
