// SPDX-License-Identifier: Apache-2.0
//
// LSTM, GRU and RNN of quantized weights as int16 operators of their steps. No runtime defines
// their integers, so these operators are what they mean (docs/numerics.md, "Cells of ONNX"):
// products of all steps' inputs, then step by step
//
//   LSTM   i, o, f  LOGISTIC(W x + R h); g TANH; c = f c + i g; h = o TANH(c)
//   GRU    z, r     LOGISTIC; n TANH(W x + r (R h)), or TANH(W x + R (r h)); h = n + z (h - n)
//   RNN    h        TANH or RELU of W x + R h
//
// Sums of gates are Q3.12, functions Q0.15, as those of TFLite's LSTM.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sw/model/onnx/import/emit.h"

namespace trine::model::onnx_file {

/// Weights with a scale for each row, of which real values are made.
struct Matrix {
  int columns = 0;
  std::vector<std::int8_t> codes;  ///< [rows][columns]
  std::vector<float> scales;       ///< [rows]
  std::vector<double> bias;        ///< [rows], real values
};

struct Gate {
  Matrix of_input, of_state;
};

/// One direction of a node. Its gates lie as ONNX has them: i o f c; z r h; one.
struct Recurrence {
  enum class Kind { kLstm, kGru, kRnn };
  Kind kind = Kind::kLstm;
  bool linear_before_reset = false;  ///< GRU
  bool relu = false;                 ///< RNN
  bool backwards = false;            ///< begins with the last step
  int node = 0, steps = 0, batch = 0, cells = 0;
  std::string name;
  float hidden_scale = 0, state_scale = 0;  ///< of h and c
  std::vector<Gate> gates;
  int x = -1;          ///< codes [steps * batch, inputs]
  int h = -1, c = -1;  ///< codes [batch, cells] before the first step; -1: zeros
};

/// int16 codes.
struct Sequence {
  int rows = -1;       ///< h of all steps, [steps * batch, cells]
  int h = -1, c = -1;  ///< behind the last step
};

/// int16 codes of a tensor of codes, without zero point. @param scale  0: as they have it
int widened(Emitter* emitter, int codes, float scale, int node);

/// Appends the operators. @throws Error  sums beyond 40 bits
Sequence add_steps(Emitter* emitter, const Recurrence& recurrence);

}  // namespace trine::model::onnx_file
