/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The models and inputs that the firmware runs; `trine soc` writes the file that defines them. */

#ifndef MODELS_H
#define MODELS_H

#include <stddef.h>
#include <stdint.h>

/* A state: this output of a run is this input of the next run. */
typedef struct soc_carry {
  uint32_t input, output;
} soc_carry;

/* A model with its inputs. */
typedef struct soc_model {
  const char* name;
  int machine;
  const unsigned char* image; /* image of `trine compile --image` */
  size_t bytes;
  uint32_t expected_cycles; /* cycles that the machine needs */
  /* All inputs, case after case. Within a case, they are in the model's order. NULL: a state. */
  const void* const* inputs;
  const soc_carry* carries;
  uint32_t carry_count;
  const char* const* labels; /* names of the classes of the answer's elements; NULL: none */
  uint32_t label_count;
} soc_model;

extern const soc_model soc_models[];
extern const int soc_model_count;
extern const int soc_cases; /* number of cases that each model runs */

/* Faults on the bus of machine 0 from the first inference on: components/soc/trine_litex/faults.py.
 */
extern const struct soc_fault { uint32_t read_error, write_error, cut; } soc_fault;

#endif
