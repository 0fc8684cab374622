// SPDX-License-Identifier: Apache-2.0
//
// Checks that exactly the dead channels are removed: their number, and outputs equal to the golden
// layers of the whole network.

#include <cstring>
#include <functional>

#include "sw/compiler/rewrite/rewrite.h"
#include "tests/compiler/testing.h"
#include "tools/random/networks.h"

namespace trine::sim {
namespace {

using model::Activation;
using model::OpKind;
using model::Padding;
using testing::Builder;

/// Builds networks in which filters lose their weights.
class Pruned : public Builder {
 public:
  using Builder::Builder;

  int conv(int from, int channels, int size = 1, int stride = 1, Padding padding = Padding::kSame) {
    return plain(convolution(from, channels, size, size, stride, stride, 1, 1, padding, true));
  }
  int depth(int from, int stride = 1) {
    return plain(depthwise(from, 1, 3, 3, stride, stride, 1, 1, Padding::kSame, true));
  }

  /// Clears filters of the product that writes `out` and sets their bias.
  int without(int out, const std::vector<int>& filters, std::int32_t bias = 0) {
    const model::Op& op = producer(out);
    model::Tensor& w = graph.tensors[index(op.inputs[1])];
    const bool depthwise = op.kind == OpKind::kDepthwiseConv2D;
    const std::size_t channels = index(shape(out).back());
    const std::size_t inner = depthwise ? 1 : w.data.size() / channels;
    for (const int m : filters) {
      for (std::size_t i = 0; i < w.data.size(); ++i)
        if (i / inner % channels == index(m)) w.data.edit()[i] = 0;
      set_bias(out, m, bias);
    }
    return out;
  }

  /// Clears the weights for input channels of the product that writes `out`.
  int unread(int out, const std::vector<int>& channels) {
    const model::Op& op = producer(out);
    model::Tensor& w = graph.tensors[index(op.inputs[1])];
    for (std::size_t i = 0; i < w.data.size(); ++i)
      for (const int c : channels)
        if (i % index(shape(op.inputs[0]).back()) == index(c)) w.data.edit()[i] = 0;
    return out;
  }

  void set_bias(int out, int m, std::int32_t bias) {
    model::Op& op = producer(out);
    if (op.inputs[2] < 0) op.inputs[2] = integers(std::vector<int>(index(shape(out).back()), 0));
    std::memcpy(&graph.tensors[index(op.inputs[2])].data.edit()[4 * index(m)], &bias, 4);
  }

  std::int64_t zero_point(int t) const { return graph.tensor(t).zero_point(); }

 private:
  static std::size_t index(int i) { return static_cast<std::size_t>(i); }
  model::Op& producer(int out) {
    for (model::Op& op : graph.ops)
      if (op.outputs[0] == out) return op;
    throw Error("no producer");
  }
  int plain(int out) {
    producer(out).activation = Activation::kNone;
    return out;
  }
};

constexpr std::int32_t kFar = 60'000;  ///< a bias whose code differs from the zero point

/// @param left_out  number of removed filters
void check(const char* what, int left_out, const std::function<int(Pruned&)>& make) {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    CAPTURE(what, seed);
    Pruned b(seed);
    b.graph.outputs.insert(b.graph.outputs.begin(), make(b));
    CAPTURE(testing::text_of(b.graph));
    std::vector<Array> inputs;
    for (const int t : b.graph.inputs) inputs.push_back(b.random_array(t));
    const spec::Config config = testing::random_config(b);
    const auto rounding = seed % 2 == 0 ? reference::kDoublePolicy : reference::kSinglePolicy;
    testing::require_exact_with_room(b.graph, config, inputs, rounding);
    program::Removed removed;
    const model::Graph graph = compiler::rewritten(b.graph, rounding, &removed);
    CHECK(removed.filters == left_out);
    CHECK(removed.macs == model::macs(b.graph) - model::macs(graph));
    const auto outputs = [&](const model::Graph& g) {
      return reference::outputs_of(g, reference::run_graph(g, inputs, rounding)).at(0).bytes;
    };
    CHECK(outputs(graph) == outputs(b.graph));
  }
}

int map_of(Pruned& b, int channels = 7) { return b.input({1, 6, 5, channels}); }

TEST_CASE("constant channels are added to the biases of the layers that read them",
          "[arch][channels]") {
  check("by a window without border", 3, [](Pruned& b) {
    return b.conv(b.without(b.conv(map_of(b), 8), {0, 3, 7}, kFar), 9, 3, 1, Padding::kValid);
  });
  check("one after the other", 5, [](Pruned& b) {
    int x = b.without(b.conv(map_of(b), 8), {1, 2}, kFar);
    x = b.without(b.conv(x, 8), {0, 1, 6}, -kFar);
    return b.conv(x, 5);
  });
  check("by FULLY_CONNECTED, of all pixels", 2, [](Pruned& b) {
    const int x = b.without(b.conv(map_of(b), 6), {0, 4}, kFar);
    return b.fully_connected(b.reshape(x, {1, 180}), 180, 10);
  });
  check("behind a table, a pool and a sum", 2, [](Pruned& b) {
    const int x = b.without(b.conv(map_of(b), 8), {2, 5}, kFar);
    const int y =
        b.pool(b.unary(x, OpKind::kLogistic, "LOGISTIC"), true, 2, 2, 2, 2, Padding::kValid);
    return b.conv(b.addition(y, y), 4);
  });
  check("a layer but for one of its channels", 7, [](Pruned& b) {
    return b.conv(b.without(b.conv(map_of(b), 8), {0, 1, 2, 3, 4, 5, 6, 7}, kFar), 6);
  });
}

TEST_CASE("a constant channel stays next to a border unless its code is the zero point",
          "[arch][channels]") {
  for (const int stride : {1, 2}) {
    check("code far from it", 0, [=](Pruned& b) {
      return b.conv(b.without(b.conv(map_of(b), 8), {0, 3}, kFar), 9, 3, stride);
    });
    check("zero point", 2, [=](Pruned& b) {
      return b.conv(b.without(b.conv(map_of(b), 8), {0, 3}), 9, 3, stride);
    });
    check("depthwise, far", 0, [=](Pruned& b) {
      return b.conv(b.depth(b.without(b.conv(map_of(b), 8), {0, 3}, kFar), stride), 5);
    });
    check("depthwise, zero point", 4, [=](Pruned& b) {
      return b.conv(b.depth(b.without(b.conv(map_of(b), 8), {0, 3}), stride), 5);
    });
  }
  check("filters of a depthwise layer", 4, [](Pruned& b) {
    return b.conv(b.without(b.depth(b.conv(map_of(b), 8)), {1, 6}, kFar), 5);
  });
}

TEST_CASE("constant channels of a sum or of one word are removed only together",
          "[arch][channels]") {
  check("constant in both", 4, [](Pruned& b) {
    const int x = map_of(b), y = b.without(b.conv(x, 8), {1, 2}, kFar);
    return b.conv(b.addition(y, b.without(b.conv(x, 8), {1, 2}, -kFar)), 5);
  });
  check("constant in one", 0, [](Pruned& b) {
    const int x = map_of(b), y = b.without(b.conv(x, 8), {1, 2}, kFar);
    return b.conv(b.addition(y, b.conv(x, 8)), 5);
  });
  check("whole words beside others", 4, [](Pruned& b) {
    b.one_scale = true;
    const int x = map_of(b), y = b.without(b.conv(x, 12), {0, 1, 2, 3, 7}, kFar);
    return b.conv(b.concatenation({y, b.conv(x, 8)}, 3), 5);
  });
}

TEST_CASE("channels that nobody reads are not computed", "[arch][channels]") {
  check("by two readers", 2, [](Pruned& b) {
    const int x = b.conv(map_of(b), 8);
    const int y = b.unread(b.conv(x, 6, 3), {0, 2, 5}), z = b.unread(b.conv(x, 6), {2, 5, 7});
    return b.addition(y, z);
  });
  check("of a filter that is not read itself", 1 + 2, [](Pruned& b) {
    const int x = b.conv(map_of(b), 8);
    const int y = b.unread(b.conv(x, 6), {3});
    b.without(y, {0, 1});
    return b.conv(y, 4);
  });
  check("images stay whole", 0, [](Pruned& b) { return b.unread(b.conv(map_of(b), 8), {0, 1}); });
  check("outputs stay whole", 0, [](Pruned& b) {
    return b.without(b.conv(map_of(b), 8), {0, 1, 2}, kFar);
  });
}

TEST_CASE("constant channels stay where a bias would overflow", "[arch][channels]") {
  check("no constant channel goes", 0, [](Pruned& b) {
    const int x = b.without(b.conv(map_of(b), 8), {0, 3}, kFar), y = b.conv(x, 4);
    for (int m = 0; m < 4; ++m) b.set_bias(y, m, m % 2 == 0 ? 0x7fffffff : -0x7fffffff);
    return y;
  });
}

TEST_CASE("constant channels are removed in batches but not from an output", "[arch][channels]") {
  check("a batch", 3, [](Pruned& b) {
    const int x = b.without(b.conv(map_of(b), 8), {0, 3, 7}, kFar), y = b.conv(x, 9);
    fuzz::make_batch(b, 3);
    return y;
  });
  check("a map that is an output, too", 0, [](Pruned& b) {
    const int x = b.without(b.conv(map_of(b), 8), {0, 3, 7}, kFar);
    b.graph.outputs.push_back(x);
    return b.conv(x, 5);
  });
}

}  // namespace
}  // namespace trine::sim
