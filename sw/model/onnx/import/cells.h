// SPDX-License-Identifier: Apache-2.0
//
// Turns LSTM, GRU and RNN with quantized weights into int16 operators on their steps. No runtime
// defines their integer results, so these operators define them (docs/numerics.md, "Cells of
// ONNX"): products of all steps' inputs, then step by step
//
//   LSTM   i, o, f  LOGISTIC(W x + R h); g TANH; c = f c + i g; h = o TANH(c)
//   GRU    z, r     LOGISTIC; n TANH(W x + r (R h)), or TANH(W x + R (r h)); h = n + z (h - n)
//   RNN    h        TANH or RELU of W x + R h
//
// Sums of gates are Q3.12 and functions are Q0.15, as in TFLite's LSTM.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sw/model/onnx/import/emit.h"

namespace trine::model::onnx_file {

/// Weights with a scale for each row, from which real values are computed.
struct Matrix {
  int columns = 0;
  std::vector<std::int8_t> codes;  ///< [rows][columns]
  std::vector<float> scales;       ///< [rows]
  std::vector<double> bias;        ///< [rows], real values
};

/// The weights of a gate.
struct Gate {
  Matrix of_input, of_state;
};

/// One direction of a node. Its gates are in ONNX's order: i o f c for LSTM, z r h for GRU, one for
/// RNN.
struct Recurrence {
  enum class Kind { kLstm, kGru, kRnn };
  Kind kind = Kind::kLstm;
  bool linear_before_reset = false;  ///< GRU
  bool relu = false;                 ///< RNN
  bool backwards = false;            ///< starts with the last step
  int node = 0, steps = 0, batch = 0, cells = 0;
  std::string name;
  float hidden_scale = 0, state_scale = 0;  ///< of h and c
  std::vector<Gate> gates;
  int x = -1;          ///< codes [steps * batch, inputs]
  int h = -1, c = -1;  ///< codes [batch, cells] before the first step; -1: zeros
};

/// The results of a recurrence, as int16 codes.
struct Sequence {
  int rows = -1;       ///< h of all steps, [steps * batch, cells]
  int h = -1, c = -1;  ///< after the last step
};

/// Returns the int16 codes, without zero point, of a tensor of codes.
/// @param scale  0: the scale of `codes`
int widened(Emitter* emitter, int codes, float scale, int node);

/// Appends the operators of a recurrence.
/// @throws Error  for sums beyond 40 bits
Sequence add_steps(Emitter* emitter, const Recurrence& recurrence);

}  // namespace trine::model::onnx_file
