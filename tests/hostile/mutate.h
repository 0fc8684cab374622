// SPDX-License-Identifier: Apache-2.0
//
// Changes program files: one word, one number of an image or of a table, an operator, a segment;
// afterwards sizes and checksums are made to fit.

#pragma once

#include "tests/hostile/readers.h"

namespace trine::hostile {

void mutate_bytes(Bytes* bytes, const Change& change, unsigned seed);
/// Mostly changes the first 4 KiB: the values after them may be anything.
void mutate_head(Bytes* bytes, const Change& change, unsigned seed);
void mutate_program(Bytes* bytes, const Change& change, unsigned seed);

}  // namespace trine::hostile
