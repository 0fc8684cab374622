// SPDX-License-Identifier: Apache-2.0
//
// Makes words of invalid programs after a valid BEGIN: half of them are legal programs with one to
// three fields or words changed, half are random words.

#pragma once

#include <vector>

#include "spec/isa.h"

namespace trine::fuzz {

/// Returns the words of the n-th malformed program.
/// @param legal  the program to change, or the maximum length of random words
/// @param features  of the design
std::vector<isa::Word> malformed_words(const std::vector<isa::Word>& legal, unsigned features,
                                       unsigned n);

}  // namespace trine::fuzz
