// SPDX-License-Identifier: Apache-2.0
//
// ONNX Runtime's graph, and nodes of it as an ONNX file of their own, so that they are read as any
// file is (sw/model/onnx).

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/npy.h"
#include "sw/abi/ort.h"
#include "sw/abi/partition.h"

namespace trine::abi::ort {

/// The runtime's table: calls whose failure is an Error.
class Api {
 public:
  explicit Api(const void* table = nullptr) : table_(table) {}

  template <typename Slot, typename... Arguments>
  void call(Arguments... arguments) const {
    check(Slot::call(table_, arguments...));
  }
  /// What a getter gives.
  template <typename Out, typename Slot, typename Of>
  Out get(const Of* of) const {
    Out out{};
    check(Slot::call(table_, of, &out));
    return out;
  }
  /// What a lister gives, as many as the count says.
  template <typename Out, typename Count, typename List, typename Of>
  std::vector<Out> list(const Of* of) const {
    std::vector<Out> all(get<std::size_t, Count>(of));
    if (!all.empty()) check(List::call(table_, of, all.data(), all.size()));
    return all;
  }

  const void* table() const { return table_; }
  const void* ep_table() const { return EpTable::call(table_); }
  Status* status(const char* text) const {
    constexpr int kFail = 1;
    return CreateStatus::call(table_, kFail, text);
  }
  /// @throws Error  what the status says, if it says anything
  void check(Status* status) const;

  /// Type and shape, without values. Open extents are -1.
  Array shape_of(const TensorInfo* info) const;
  /// With its values.
  Array array_of(const Value* value) const;

 private:
  const void* table_;
};

/// Whether codes of activations have this type of ONNX.
bool is_code(int type);

class OrtGraph : public Source {
 public:
  OrtGraph(const Api& api, const Graph* graph);

  std::vector<abi::Node> nodes() const override;
  bool holds_codes(int tensor) const override;
  std::vector<std::uint8_t> file(const abi::Nodes& nodes) const override;
  std::vector<abi::Nodes> parts(const abi::Nodes& nodes) const override {
    return convex_parts(described_, nodes);
  }

  std::vector<const Node*> nodes_of(const abi::Nodes& nodes) const;
  /// What names the nodes in every view of the graph, rising.
  std::vector<std::size_t> ids(const abi::Nodes& nodes) const;
  /// Names of the tensors that a file of the nodes has as inputs, and as outputs.
  std::vector<std::string> inputs(const abi::Nodes& nodes) const;
  std::vector<std::string> outputs(const abi::Nodes& nodes) const;

 private:
  struct Tensor {
    const ValueInfo* info;
    std::string name;
    bool is_constant;
    bool is_output;
    int type;  ///< 0: no tensor
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
