// SPDX-License-Identifier: Apache-2.0
//
// Declares the interface between ONNX Runtime and a plug-in execution provider, because no wheel
// contains the C header. ONNX Runtime passes tables of functions whose positions never change. This
// file describes version 23 of the interface (README.md). It lists the positions of the functions
// that are called, and the members of the structs that the provider fills. Tested with onnxruntime
// 1.31.1 and 1.32.0.

#pragma once

#include <cstddef>
#include <cstdint>

namespace trine::abi::ort {

/// The version of the interface: neither side uses anything newer.
inline constexpr std::uint32_t kVersion = 23;
/// The versions of ONNX Runtime that were tested. An error names and refuses any other version.
inline constexpr const char* kKnown[] = {"1.31.1", "1.32.0"};

struct Status;
struct Value;
struct ValueInfo;
struct TypeInfo;
struct TensorInfo;
struct Graph;
struct Node;
struct Attribute;
struct Pairs;
struct Logger;
struct SessionOptions;
struct KernelContext;
struct ComputeContext;
struct HardwareDevice;
struct EpDevice;
struct SupportInfo;

/// A function by its position in a table.
template <int kPlace, typename Signature>
struct Slot;
template <int kPlace, typename Result, typename... Arguments>
struct Slot<kPlace, Result(Arguments...)> {
  static constexpr int place = kPlace;
  static Result call(const void* table, Arguments... arguments) {
    const void* function = static_cast<const void* const*>(table)[kPlace];
    return reinterpret_cast<Result (*)(Arguments...)>(const_cast<void*>(function))(arguments...);
  }
};

/// A function that returns one value.
template <int kPlace, typename Of, typename Out>
using Getter = Slot<kPlace, Status*(const Of*, Out*)>;
/// A function that returns an array, whose length the slot before it returns.
template <int kPlace, typename Of, typename Out>
using Lister = Slot<kPlace, Status*(const Of*, Out*, std::size_t)>;

/// Functions of the runtime's table.
using CreateStatus = Slot<0, Status*(int code, const char* text)>;
using ErrorText = Slot<2, const char*(const Status*)>;
using TensorData = Slot<51, Status*(Value*, void**)>;
using AsTensor = Getter<55, TypeInfo, const TensorInfo*>;
using ElementType = Getter<60, TensorInfo, int>;
using AxisCount = Getter<61, TensorInfo, std::size_t>;
using Axes = Lister<62, TensorInfo, std::int64_t>;
using TensorOf = Getter<65, Value, TensorInfo*>;
using ContextInput = Slot<90, Status*(const KernelContext*, std::size_t, const Value**)>;
using ContextOutput = Slot<91, Status*(KernelContext*, std::size_t, const std::int64_t* axes,
                                       std::size_t count, Value**)>;
using ReleaseStatus = Slot<93, void(Status*)>;
using ReleaseValue = Slot<96, void(Value*)>;
using ReleaseTensorInfo = Slot<99, void(TensorInfo*)>;
/// @param bytes  size of `data`; the last argument receives the required size, even if it is larger
using ReadAttribute =
    Slot<272, Status*(const Attribute*, int type, void* data, std::size_t bytes, std::size_t*)>;
using ValueName = Getter<289, ValueInfo, const char*>;
using ValueType = Getter<290, ValueInfo, const TypeInfo*>;
using ListPairs = Slot<298, void(const Pairs*, const char* const** keys, const char* const** values,
                                 std::size_t*)>;
using ReleasePairs = Slot<300, void(Pairs*)>;
using DeviceType = Slot<307, int(const HardwareDevice*)>;
using EpTable = Slot<317, const void*()>;
using TensorBytes = Getter<318, Value, std::size_t>;
using Initializer = Getter<326, ValueInfo, const Value*>;
using IsGraphOutput = Getter<330, ValueInfo, bool>;
using IsConstant = Getter<331, ValueInfo, bool>;
using IrVersion = Getter<335, Graph, std::int64_t>;
using OpsetCount = Getter<336, Graph, std::size_t>;
using Opsets =
    Slot<337, Status*(const Graph*, const char** domains, std::int64_t* versions, std::size_t)>;
using NodeCount = Getter<344, Graph, std::size_t>;
using Nodes = Lister<345, Graph, const Node*>;
using NodeId = Getter<348, Node, std::size_t>;
using NodeName = Getter<349, Node, const char*>;
using NodeType = Getter<350, Node, const char*>;
using NodeDomain = Getter<351, Node, const char*>;
using InputCount = Getter<353, Node, std::size_t>;
using Inputs = Lister<354, Node, const ValueInfo*>;  ///< null for an optional input that is missing
using OutputCount = Getter<355, Node, std::size_t>;
using Outputs = Lister<356, Node, const ValueInfo*>;
using AttributeCount = Getter<359, Node, std::size_t>;
using Attributes = Lister<360, Node, const Attribute*>;
using AttributeTensor = Getter<362, Attribute, Value*>;
using AttributeType = Getter<363, Attribute, int>;
using AttributeName = Getter<364, Attribute, const char*>;
using SubgraphCount = Getter<365, Node, std::size_t>;
using SessionEntries = Getter<379, SessionOptions, Pairs*>;

enum Attributed : int { kInt = 1, kInts, kFloat, kFloats, kString, kStrings, kGraph, kTensor };

/// Options of nodes_to_fuse().
struct FusionOptions {
  std::uint32_t version;
  bool drops_constants;  ///< true: the provider has copies of constants
};

struct EpFactory;

/// Functions of the table for execution providers.
using CreateDevice = Slot<0, Status*(EpFactory*, const HardwareDevice*, const Pairs* metadata,
                                     const Pairs* options, EpDevice**)>;
using FuseNodes =
    Slot<2, Status*(SupportInfo*, const Node* const*, std::size_t, const FusionOptions*)>;

inline constexpr int kCpu = 0;  ///< the CPU's DeviceType

/// Executes one part.
struct Computation {
  std::uint32_t version;
  Status* (*create_state)(Computation*, ComputeContext*, void** state);
  Status* (*compute)(Computation*, void* state, KernelContext*);
  void (*release_state)(Computation*, void* state);
};

/// The execution provider of one session.
struct Ep {
  std::uint32_t version;
  const char* (*name)(const Ep*);
  Status* (*capability)(Ep*, const Graph*, SupportInfo*);
  Status* (*compile)(Ep*, const Graph**, const Node** fused, std::size_t count, Computation**,
                     Node** contexts);
  void (*release)(Ep*, Computation**, std::size_t);
  void* preferred_layout;
  void* converts_layout;
  void* set_dynamic_options;
  void* on_run_start;
  void* on_run_end;
  void* create_allocator;
  void* create_stream;
  void* compatibility;
};

/// Creates execution providers.
struct EpFactory {
  std::uint32_t version;
  const char* (*name)(const EpFactory*);
  const char* (*vendor)(const EpFactory*);
  Status* (*devices)(EpFactory*, const HardwareDevice* const*, std::size_t count, EpDevice**,
                     std::size_t room, std::size_t* made);
  Status* (*create)(EpFactory*, const HardwareDevice* const*, const Pairs* const* metadata,
                    std::size_t count, const SessionOptions*, const Logger*, Ep**);
  void (*release)(EpFactory*, Ep*);
  std::uint32_t (*vendor_id)(const EpFactory*);
  const char* (*version_text)(const EpFactory*);
  Status* (*is_compatible)(EpFactory*, const HardwareDevice* const*, std::size_t, const char*,
                           int*);
  Status* (*create_allocator)(EpFactory*, const void* memory, const Pairs*, void** allocator);
  void (*release_allocator)(EpFactory*, void* allocator);
  Status* (*create_transfer)(EpFactory*, void** transfer);
  bool (*has_streams)(const EpFactory*);
  Status* (*create_stream)(EpFactory*, const void* memory, const Pairs*, void** stream);
};

/// The functions that a library receives first.
struct Base {
  const void* (*table)(std::uint32_t version);
  const char* (*version)();
};

}  // namespace trine::abi::ort
