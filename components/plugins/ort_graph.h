// SPDX-License-Identifier: Apache-2.0
//
// Reads ONNX Runtime's graph and writes some of its nodes as an ONNX file, so that they are
// imported like any file (sw/model/onnx).

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "components/plugins/ort.h"
#include "components/plugins/partition.h"
#include "sw/base/npy.h"

namespace trine::abi::ort {

/// Calls functions of the runtime's table; a failure becomes an Error.
class Api {
 public:
  explicit Api(const void* table = nullptr) : table_(table) {}

  /// Calls a function. @throws Error  with its message
  template <typename Slot, typename... Arguments>
  void call(Arguments... arguments) const {
    check(Slot::call(table_, arguments...));
  }
  /// Returns the value of a getter.
  template <typename Out, typename Slot, typename Of>
  Out get(const Of* of) const {
    Out out{};
    check(Slot::call(table_, of, &out));
    return out;
  }
  /// Returns the values of a lister, as many as the count slot says.
  template <typename Out, typename Count, typename List, typename Of>
  std::vector<Out> list(const Of* of) const {
    std::vector<Out> all(get<std::size_t, Count>(of));
    if (!all.empty()) check(List::call(table_, of, all.data(), all.size()));
    return all;
  }

  /// Returns the runtime's table.
  const void* table() const { return table_; }
  /// Returns the table for execution providers.
  const void* ep_table() const { return EpTable::call(table_); }
  /// Returns a status for a failure.
  Status* status(const char* text) const {
    constexpr int kFail = 1;
    return CreateStatus::call(table_, kFail, text);
  }
  /// Releases a status. @throws Error  with its message, if the call failed
  void check(Status* status) const;

  /// Returns type and shape without values. Open extents are -1.
  Array shape_of(const TensorInfo* info) const;
  /// Returns a tensor with its values.
  Array array_of(const Value* value) const;

 private:
  const void* table_;
};

/// Returns true if this ONNX type is a type of quantized activations.
bool is_code(int type);

/// ONNX Runtime's graph as the partition's source.
class OrtGraph : public Source {
 public:
  OrtGraph(const Api& api, const Graph* graph);

  std::vector<abi::Node> nodes() const override;
  bool holds_codes(int tensor) const override;
  std::vector<std::uint8_t> file(const abi::Nodes& nodes) const override;
  std::vector<abi::Nodes> parts(const abi::Nodes& nodes) const override {
    return convex_parts(described_, nodes);
  }

  /// Returns the runtime's nodes.
  std::vector<const Node*> nodes_of(const abi::Nodes& nodes) const;
  /// Returns the IDs that name the nodes in every view of the graph, in ascending order.
  std::vector<std::size_t> ids(const abi::Nodes& nodes) const;
  /// Returns the names of the inputs of a file with these nodes.
  std::vector<std::string> inputs(const abi::Nodes& nodes) const;
  /// Returns the names of the outputs of a file with these nodes.
  std::vector<std::string> outputs(const abi::Nodes& nodes) const;

 private:
  struct Tensor {
    const ValueInfo* info;
    std::string name;
    bool is_constant;
    bool is_output;
    int type;  ///< ONNX type; 0: not a tensor
    std::vector<std::int64_t> shape;
  };

  int number(const ValueInfo* info);
  Tensor tensor_of(const ValueInfo* info, const std::string& name) const;
  abi::Node described(const Node* node);
  std::int64_t macs(const abi::Node& node) const;
  std::int64_t elements(int tensor, std::size_t from) const;
  std::vector<int> read(const abi::Nodes& nodes) const;
  std::vector<int> made(const abi::Nodes& nodes) const;

  Api api_;
  const Graph* graph_;
  std::vector<const Node*> nodes_;
  std::map<std::string, int> numbers_;
  std::vector<Tensor> tensors_;
  std::vector<abi::Node> described_;
};

}  // namespace trine::abi::ort
