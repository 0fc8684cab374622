// SPDX-License-Identifier: Apache-2.0
//
// The commands for a user's own model in addition to compile, run and verify; each has its own
// file.

#pragma once

#include "tools/cli/common.h"

namespace trine::cli {

void add_accuracy(Command app, Action& action);
void add_compare(Command app, Action& action);
void add_cpu(Command app, Action& action);
void add_quantize(Command app, Action& action);
void add_record(Command app, Action& action);
void add_nir(Command app, Action& action);

}  // namespace trine::cli
