// SPDX-License-Identifier: Apache-2.0
//
// Makes a design runnable: generates its SystemVerilog, compiles it with Verilator and the shim to
// a shared object, and stores the object in a cache.
//
// The cache is $TRINE_CACHE, else $XDG_CACHE_HOME/trine, else ~/.cache/trine (built_file()). The
// key of a model is a hash of everything that it depends on: the emitted files, the shim, the
// flags, the versions of Verilator and g++, and the processor. With $TRINE_RTL_COVERAGE=DIR, every
// model counts lines and toggles and writes a file there (tests/coverage); with
// $TRINE_RTL_COVERAGE_LINES it counts only lines.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sim/rtl/abi.h"
#include "spec/config.h"

namespace trine::sim {

/// Options of a build. Each combination is a model of its own.
struct BuildOptions {
  int optimization = 3;      ///< level of the C++ compiler: 1 compiles faster, 3 runs faster
  bool trace = false;        ///< model can write FST waveforms
  bool trace_ports = false;  ///< instead: model can write a VCD file of the ports of trine_top
  bool lockstep = false;     ///< reports each DMEM write (TRINE_LOCKSTEP)
  bool inject = false;       ///< memories that ModelApi::flip can change
  bool assertions = false;   ///< checks the design's assertions (TRINE_ASSERT)
  bool random_init = false;  ///< unknown initial values are drawn from ModelSettings::x_seed
  bool netlist = false;  ///< uses the netlist to which Yosys maps the design, in cells of sg13g2
  bool quiet = false;    ///< no progress line on stderr

  /// Returns the default options with `optimization` from $TRINE_RTL_OPT (0..3) if it is set, and
  /// with assertions if $TRINE_RTL_ASSERT is set.
  /// @throws Error
  static BuildOptions from_environment();
};

/// Returns the shared object of this design and builds it if it is not in the cache.
/// @throws Error  a tool is missing or fails; names the log
std::filesystem::path build_model(const spec::Config& config, const BuildOptions& options);

/// Does the same for a folder that contains trine.f and a module trine_top. `label` names it in
/// messages.
std::filesystem::path build_design(const std::filesystem::path& design, const std::string& label,
                                   const BuildOptions& options);

/// Returns the key of a design's sources, for other kinds of builds. tools_fingerprint() returns
/// the key of Verilator, g++ and the processor.
std::string fingerprint_of(const std::filesystem::path& design);
std::string tools_fingerprint();

/// A loaded model. Instances made by api().create() must be destroyed before it.
class LoadedModel {
 public:
  /// Loads a shared object of build_model().
  explicit LoadedModel(const std::filesystem::path& shared_object);
  LoadedModel(const LoadedModel&) = delete;
  LoadedModel& operator=(const LoadedModel&) = delete;
  ~LoadedModel();

  const ModelApi& api() const { return *api_; }

 private:
  void* library_ = nullptr;
  const ModelApi* api_ = nullptr;
};

}  // namespace trine::sim
