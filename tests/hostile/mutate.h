// SPDX-License-Identifier: Apache-2.0
//
// Changes of program files that get behind the checksums: one word, one number of an image or of a
// table, an operator, a stage; then all sizes and checksums are made to fit.

#pragma once

#include "tests/hostile/readers.h"

namespace trine::hostile {

void mutate_bytes(Bytes* bytes, const Change& change, unsigned seed);
/// Mostly of the first 4 KiB: values follow, of which any are good.
void mutate_head(Bytes* bytes, const Change& change, unsigned seed);
void mutate_program(Bytes* bytes, const Change& change, unsigned seed);

}  // namespace trine::hostile
