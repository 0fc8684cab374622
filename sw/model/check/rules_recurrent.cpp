// SPDX-License-Identifier: Apache-2.0

#include "sw/model/check/rules_recurrent.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "sw/model/check/requirements.h"
#include "sw/model/check/rules_products.h"
#include "sw/model/graph/lstm.h"
#include "sw/model/graph/spiking.h"
#include "sw/model/graph/svdf.h"

namespace trine::model::rules {
namespace {

// ---- LSTM ---------------------------------------------------------------------------------------

constexpr int kLstmOperands = 24;

/// The extents of an LSTM.
struct LstmExtents {
  int batch, elements, cells;
};

bool is_gate_matrix(int i) { return i >= lstm::kWeights && i < lstm::kRecurrent + lstm::kGates; }
bool is_gate_bias(int i) { return i >= lstm::kBias && i < lstm::kBias + lstm::kGates; }
bool is_state(int i) { return i == lstm::kHidden || i == lstm::kState; }

void require_lstm_inputs(const Context& ctx) {
  const std::size_t count = ctx.op.inputs.size();
  if (count != 20 && count != kLstmOperands)
    fail(ctx, Reason::kOperands, "{} inputs, allowed 20 and 24", count);
  for (const int i : {0, lstm::kWeights + 1, lstm::kHidden, lstm::kState})
    if (!ctx.has(i)) fail(ctx, Reason::kOperands, "input {} is absent", i);
  if (!ctx.has(lstm::kWeights) || !ctx.has(lstm::kRecurrent) || !ctx.has(lstm::kBias))
    fail(ctx, Reason::kOperands, "a coupled input gate (CIFG) is not supported");
}

void require_gate_matrix(const Context& ctx, int i, const LstmExtents& extents) {
  const Tensor& tensor = ctx.in(i);
  require_constant(ctx, tensor);
  require_one_scale(ctx, tensor);
  require_type(ctx, tensor, DataType::kInt8);
  const int columns = i < lstm::kRecurrent ? extents.elements : extents.cells;
  require_shape(ctx, tensor, {extents.cells, columns});
  if (tensor.zero_point() != 0)
    fail(ctx, Reason::kQuantization, tensor, "zero point {}, allowed 0", tensor.zero_point());
}

void require_gate_bias(const Context& ctx, int i, const LstmExtents& extents) {
  const Tensor& tensor = ctx.in(i);
  const bool wide = ctx.in(lstm::kHidden).type == DataType::kInt16;
  require_constant(ctx, tensor);
  require_type(ctx, tensor, wide ? DataType::kInt64 : DataType::kInt32);
  require_shape(ctx, tensor, {extents.cells});
}

void require_lstm_state(const Context& ctx, int i, const LstmExtents& extents) {
  const Tensor& tensor = ctx.in(i);
  require_scale_count(ctx, tensor);
  if (i == lstm::kHidden) require_scales(ctx, tensor);
  require_type(ctx, tensor, i == lstm::kHidden ? ctx.in(0).type : DataType::kInt16);
  require_shape(ctx, tensor, {extents.batch, extents.cells});
}

void require_lstm_operand(const Context& ctx, int i, const LstmExtents& extents) {
  if (!is_gate_matrix(i) && !is_gate_bias(i) && !is_state(i)) {
    if (ctx.has(i))
      fail(ctx, Reason::kOperands, ctx.in(i), "{} are not supported",
           i < lstm::kBias     ? "peepholes"
           : i < lstm::kHidden ? "projections"
                               : "layer norms");
    return;
  }
  if (!ctx.has(i)) fail(ctx, Reason::kOperands, "input {} is absent", i);
  if (is_gate_matrix(i))
    require_gate_matrix(ctx, i, extents);
  else if (is_gate_bias(i))
    require_gate_bias(ctx, i, extents);
  else
    require_lstm_state(ctx, i, extents);
}

/// Requires a cell state whose scale is a power of two.
void require_cell_scale(const Context& ctx) {
  const Tensor& state = ctx.in(lstm::kState);
  const float scale = state.scale();
  const int log2 = scale > 0 && std::isfinite(scale) ? std::ilogb(scale) : 0;
  if (scale != std::ldexp(1.0f, log2) || log2 < -20 || log2 > 0 || state.zero_point() != 0)
    fail(ctx, Reason::kQuantization, state,
         "scale {} and zero point {}, allowed powers of two in 2^-20..1, and 0", scale,
         state.zero_point());
}

/// Requires the output to be the state after the last step.
void require_state_output(const Context& ctx, const Tensor& state) {
  require_type(ctx, ctx.out(), state.type);
  require_same_quantization(ctx, state);
  require_shape(ctx, ctx.out(), state.shape);
}

// ---- SVDF ---------------------------------------------------------------------------------------

/// Requires data, weights and state of matching types, with scales.
void require_svdf_tensors(const Context& ctx) {
  const Tensor &features = ctx.in(svdf::kFeatures), &time = ctx.in(svdf::kTime),
               &memory = ctx.in(svdf::kMemory);
  require_codes(ctx, ctx.in(0));
  require_type(ctx, ctx.in(0), DataType::kInt8);
  if (!ctx.op.of_state) require_codes_alike(ctx, {0});
  for (const Tensor* t : {&ctx.in(0), &features, &time, &memory}) require_rank(ctx, *t, 2);
  for (const Tensor* t : {&features, &time, &memory})
    if ((t != &memory && !t->is_constant) || t->scale() <= 0 || t->zero_point() != 0)
      fail(ctx, Reason::kQuantization, *t, "must be a constant with a scale and zero point 0");
  require_type(ctx, features, DataType::kInt8);
  require_type(ctx, time, DataType::kInt16);
  require_type(ctx, memory, DataType::kInt16);
}

/// Returns the rank of an SVDF, which divides its filters.
int svdf_rank(const Context& ctx, int filters) {
  const auto found = ctx.op.numbers.find("rank");
  const double rank =
      found != ctx.op.numbers.end() && !found->second.empty() ? found->second.front() : 0;
  if (!(rank >= 1) || filters % static_cast<int>(std::min(rank, 1e6)) != 0)
    fail(ctx, "attribute rank {}, allowed divisors of the {} filters", rank, filters);
  return static_cast<int>(rank);
}

// ---- spiking neurons ----------------------------------------------------------------------------

/// Returns an attribute that is a whole number of least..most.
int neuron_number(const Context& ctx, const char* name, int least, int most) {
  const auto found = ctx.op.numbers.find(name);
  const double value = found != ctx.op.numbers.end() && found->second.size() == 1
                           ? found->second[0]
                           : std::numeric_limits<double>::quiet_NaN();
  if (!(value >= least && value <= most && value == std::trunc(value)))
    fail(ctx, "{} {}, allowed {}..{}", name, value, least, most);
  return static_cast<int>(value);
}

/// Requires the attributes of a neuron. @return  how it resets
spiking::Reset require_neuron(const Context& ctx) {
  using namespace spiking;
  neuron_number(ctx, kLeak, 0, 1 << kLeakBits);
  if (ctx.op.numbers.contains(kSynapse)) neuron_number(ctx, kSynapse, 0, 1 << kLeakBits);
  neuron_number(ctx, kLevel, -INT16_MAX, INT16_MAX);
  neuron_number(ctx, kDrop, 1, kMostDrop);
  const auto reset = static_cast<Reset>(neuron_number(ctx, kReset, 0, 2));
  if (neuron_number(ctx, kDelay, 0, 1) == 1 && reset != Reset::kSubtract)
    fail(ctx, "a delay is supported only with a reset that subtracts");
  return reset;
}

/// Requires a spike or a membrane as output. @param membrane  true: the neurons do not reset
void require_neuron_output(const Context& ctx, bool membrane) {
  const Tensor& out = ctx.out();
  require_codes(ctx, out);
  require_type(ctx, out, membrane ? DataType::kInt16 : DataType::kInt8);
  if (out.scale() != (membrane ? ctx.in(0).scale() : 1.0f) || out.zero_point() != 0)
    fail(ctx, Reason::kQuantization, out, "scale {}, zero point {}", out.scale(), out.zero_point());
}

/// Requires weights that feed the spikes of a step back to the next step.
void require_feedback(const Context& ctx, bool membrane) {
  if (membrane)
    fail(ctx, "recurrent weights require spikes, but without a reset the output is the membrane");
  const Tensor& weights = ctx.in(1);
  const std::int64_t n = ctx.in(0).elements() / ctx.in(0).extent(0);
  if (n > INT16_MAX || !weights.is_constant)
    fail(ctx, weights, "must be a constant of shape [{}, {}]", n, n);
  require_shape(ctx, weights, {static_cast<int>(n), static_cast<int>(n)});
  require_type(ctx, weights, DataType::kInt8);
  require_scales(ctx, weights);
  const Quantization& q = weights.quantization;
  if ((q.scale.size() != 1 && (q.axis != 0 || std::ssize(q.scale) != n)) ||
      std::ranges::any_of(q.zero_point, [](std::int64_t z) { return z != 0; }))
    fail(ctx, Reason::kQuantization, weights,
         "allowed one scale, or one per row, and zero points 0");
}

}  // namespace

void lstm(const Context& ctx) {
  require_lstm_inputs(ctx);
  const Tensor &input = ctx.in(0), &hidden = ctx.in(lstm::kHidden);
  const Tensor& weights = ctx.in(lstm::kWeights + 1);
  require_codes(ctx, hidden);
  if (hidden.type != DataType::kInt16) require_type(ctx, hidden, DataType::kInt8);
  require_rank(ctx, input, 3);
  require_codes(ctx, input);
  require_rank(ctx, weights, 2);
  const LstmExtents extents{.batch = input.extent(ctx.op.time_major ? 1 : 0),
                            .elements = input.extent(2),
                            .cells = weights.extent(0)};
  for (int i = 1; i < kLstmOperands; ++i) require_lstm_operand(ctx, i, extents);
  require_cell_scale(ctx);
  if (!(ctx.op.cell_clip >= 0)) fail(ctx, "cell clip {}, allowed 0 and above", ctx.op.cell_clip);
  if (ctx.op.of_state) return require_state_output(ctx, ctx.in(lstm::kState));
  require_type(ctx, ctx.out(), hidden.type);
  require_same_quantization(ctx, hidden);
  std::vector<int> expected = input.shape;
  expected[2] = extents.cells;
  require_shape(ctx, ctx.out(), expected);
}

void svdf(const Context& ctx) {
  require_operands(ctx, 5, 5);
  require_svdf_tensors(ctx);
  const Tensor &input = ctx.in(0), &features = ctx.in(svdf::kFeatures), &time = ctx.in(svdf::kTime),
               &memory = ctx.in(svdf::kMemory);
  const int filters = features.extent(0), batch = input.extent(0), steps = time.extent(1);
  const int units = filters / svdf_rank(ctx, filters);
  if (!ctx.in(svdf::kBias).is_constant) fail(ctx, Reason::kOperands, "the bias must be a constant");
  require_bias(ctx, svdf::kBias, units);
  if (steps < 1) fail(ctx, time, "has no memory steps, allowed 1 and above");
  require_shape(ctx, features, {filters, input.extent(1)});
  require_shape(ctx, time, {filters, steps});
  require_shape(ctx, memory, {batch, filters * steps});
  if (ctx.op.of_state) return require_state_output(ctx, memory);
  require_shape(ctx, ctx.out(), {batch, units});
}

void spiking(const Context& ctx) {
  require_operands(ctx, 1, 2);
  const Tensor& currents = ctx.in(0);
  require_codes(ctx, currents);
  require_type(ctx, currents, DataType::kInt16);
  if (currents.rank() < 2) fail(ctx, currents, "rank {}, allowed 2 and above", currents.rank());
  require_shape(ctx, ctx.out(), currents.shape);
  const bool membrane = require_neuron(ctx) == spiking::Reset::kNone;
  require_neuron_output(ctx, membrane);
  if (ctx.has(1)) require_feedback(ctx, membrane);
}

}  // namespace trine::model::rules
