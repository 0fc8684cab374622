// SPDX-License-Identifier: Apache-2.0
#define CATCH_CONFIG_MAIN
#include <cstdlib>

#include "sw/base/catch.h"

// Makes tests run the compiler's verifiers (sw/compiler/verify/verify.h) in release builds, too.
[[maybe_unused]] static const int kVerify = setenv("TRINE_VERIFY", "1", 0);
