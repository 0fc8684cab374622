// SPDX-License-Identifier: Apache-2.0
//
// Words of programs that nobody compiled, behind a right BEGIN: half of them legal programs of
// which one to three fields or words are changed, half random words.

#pragma once

#include <vector>

#include "machine/isa.h"

namespace trine::fuzz {

/// Words of the n-th malformed program. @param legal  that is changed, or is the longest that a
/// random one gets. @param features  of the design
std::vector<isa::Word> malformed_words(const std::vector<isa::Word>& legal, unsigned features,
                                       unsigned n);

}  // namespace trine::fuzz
