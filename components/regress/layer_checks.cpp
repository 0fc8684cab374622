// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "components/regress/checks.h"
#include "components/regress/layers.h"
#include "sim/rtl/simulate.h"

namespace trine::regress {
namespace {

namespace fs = std::filesystem;

std::string folder_name(std::string name) {
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
}

Json row_of(const TypeResult& r, const std::string& folder) {
  Json row{{"type", r.type->name}, {"exact", r.exact}, {"cycles", r.cycles}};
  row["refused"] = r.refused;
  if (!r.reason.empty()) row["reason"] = r.reason;
  for (const FailedLayer& f : r.failed)
    row["failed"].push_back({{"corner", f.corner}, {"text", f.text}, {"folder", folder}});
  return row;
}

Finding run_group(const Context& context, const std::string& group) {
  sim::RtlOptions rtl;  // built here, so that the process of each layer finds it
  rtl.build.optimization = std::min(1, rtl.build.optimization);
  rtl.build.assertions = rtl.build.quiet = true;
  sim::build_model(context.config, rtl.build);
  Finding finding;
  int types = 0, unsupported = 0, exact = 0;
  std::uint64_t cycles = 0;
  for (const LayerType& type : layer_types()) {
    if (type.group != group) continue;
    const TypeResult r = run_type(type, context.config, fuzz::Backend::kRtl,
                                  context.over() ? 1 : context.count(1, 2, 12));
    ++types;
    exact += r.exact;
    cycles += r.cycles;
    unsupported += r.unsupported() ? 1 : 0;
    const std::string folder =
        (fs::path(context.out) / "failures" / folder_name(type.full_name())).string();
    if (!r.failed.empty()) {
      if (finding.failure.empty())
        finding.failure =
            fmt::format("{}, {}: {}", type.full_name(), r.failed[0].corner, r.failed[0].text);
      keep_failure(r.failed[0], type.full_name(), folder);
    }
    finding.details.push_back(row_of(r, folder));
  }
  finding.covered = fmt::format("{} of {} types supported, {} layers exact, {} cycles",
                                types - unsupported, types, exact, grouped(cycles));
  return finding;
}

/// Returns why the design supports no type of a group, if the reason is one key.
std::string excuse_of(const Context& context, const std::string& group) {
  std::string first;
  for (const LayerType& type : layer_types()) {
    if (type.group != group) continue;
    const std::string key = missing_key(type, context.config);
    if (key.empty()) return "";
    if (first.empty()) first = key;
  }
  return first + " is off";
}

}  // namespace

std::vector<Check> layer_checks(const Context& of) {
  std::vector<Check> checks;
  for (const std::string& group : layer_groups()) {
    Check check;
    check.name = "layers." + folder_name(group);
    check.stage = "layer types";
    check.purpose = group + ": golden layer, architecture simulator and RTL, byte by byte";
    check.run = [=](const Context& context) { return run_group(context, group); };
    check.excuse = excuse_of(of, group);
    checks.push_back(std::move(check));
  }
  return checks;
}

}  // namespace trine::regress
