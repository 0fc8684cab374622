// SPDX-License-Identifier: Apache-2.0
//
// The commands for a user's own model, beside compile, run and verify: one file each.

#pragma once

#include "tools/cli/common.h"

namespace trine::cli {

void add_accuracy(CLI::App& app, Action& action);
void add_compare(CLI::App& app, Action& action);
void add_quantize(CLI::App& app, Action& action);
void add_record(CLI::App& app, Action& action);

}  // namespace trine::cli
