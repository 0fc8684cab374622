/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The models and inputs that the firmware runs; `trine soc` writes the file that defines them. */

#ifndef MODELS_H
#define MODELS_H

#include <stddef.h>
#include <stdint.h>

/* A state: this output of a run is that input of the next one. */
typedef struct soc_carry {
  uint32_t input, output;
} soc_carry;

typedef struct soc_model {
  const char* name;
  int machine;
  const unsigned char* image; /* of `trine compile --image` */
  size_t bytes;
  uint32_t expected_cycles;  /* of the machine */
  const void* const* inputs; /* case after case, those of a case in the model's order;
                              * NULL: a state */
  const soc_carry* carries;
  uint32_t carry_count;
  const char* const* labels; /* of the largest element of the answer; NULL: none */
  uint32_t label_count;
} soc_model;

extern const soc_model soc_models[];
extern const int soc_model_count;
extern const int soc_cases; /* that each model runs */

/* What the bus of machine 0 does from the first inference on: soc/trine_litex/faults.py. */
extern const struct soc_fault { uint32_t read_error, write_error, cut; } soc_fault;

#endif
