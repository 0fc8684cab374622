/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs each model on its machine, case after case, all machines in parallel, and prints results
 * and times on the console. `trine soc` reads the lines that begin with "output".
 *
 * Exit code: 0, or 1 after a failure, which is printed in a line that begins with "error". */

#include <generated/csr.h>
#include <inttypes.h>
#include <stdio.h>

#include "board.h"
#include "models.h"

enum {
  kOutputBytes = SOC_OUTPUT_BYTES,
  kPerLine = 32,
  kClasses = 1024,
  kWatchdog = 50000,
  kFailure = 1
};

static trine_storage storage[kMachines];
static trine_device* devices[kMachines];
static trine_image images[kMachines];
static unsigned char output[kOutputBytes];

/* The library's printf has 32 bits: 85 s at 50 MHz. */
static uint32_t since(uint64_t cycle) { return (uint32_t)(board_cycles() - cycle); }

static const soc_model* model_of(int machine) {
  int i;
  for (i = 0; i < soc_model_count; ++i)
    if (soc_models[i].machine == machine) return &soc_models[i];
  return NULL;
}

static void fail(int machine, const char* what, int code) {
  char text[160];
  (void)trine_describe(devices[machine], code, text, sizeof text);
  printf("error: machine %d: %s: %s\n", machine, what,
         devices[machine] != NULL ? text : trine_strerror(code));
  board_end(kFailure);
}

static void check(int machine, const char* what, int code) {
  if (code != TRINE_OK) fail(machine, what, code);
}

static void open_machine(int machine) {
  const trine_callbacks callbacks = board_machine(machine);
  const soc_model* model = model_of(machine);
  uint64_t bytes, base = board_memory(machine, &bytes), begin = board_cycles(), needed;
  trine_image* image = &images[machine];
  check(machine, "open",
        trine_open(&storage[machine], sizeof storage[machine], &callbacks, &devices[machine]));
  board_take_interrupts(machine, devices[machine]);
  check(machine, "watchdog", trine_set_watchdog(devices[machine], kWatchdog));
  check(machine, "image", trine_read_image(model->image, model->bytes, image));
  needed = image->dram_bytes + 8 * (uint64_t)image->word_count;
  if (needed > bytes) {
    printf("error: machine %d: %s needs %" PRIu32 " bytes of memory, has %" PRIu32 "\n", machine,
           model->name, (uint32_t)needed, (uint32_t)bytes);
    board_end(kFailure);
  }
  check(machine, "window", trine_set_window(devices[machine], base, base + bytes - 1));
  check(machine, "load", trine_load_image(devices[machine], image, base));
  printf("machine %d: %s, %" PRIu32 " bytes, loaded in %" PRIu32 " cycles\n", machine, model->name,
         (uint32_t)needed, since(begin));
}

static uint32_t bytes_of(const trine_tensor* tensor) {
  uint32_t bytes = trine_element_bytes(tensor);
  uint32_t i;
  for (i = 0; i < tensor->rank; ++i) bytes *= tensor->extents[i];
  return bytes;
}

/* Sets the states for the next run: zeros for the first run, then the last run's outputs. */
static void hand_states_on(int machine, int is_first) {
  const soc_model* model = model_of(machine);
  const trine_image* image = &images[machine];
  const uint64_t begin = board_cycles();
  uint32_t i;
  for (i = 0; i < model->carry_count; ++i) {
    const soc_carry* carry = &model->carries[i];
    check(machine, "state",
          is_first ? trine_input_zeros(devices[machine], image, carry->input)
                   : trine_carry(devices[machine], image, carry->output, carry->input, output));
  }
  if (model->carry_count > 0)
    printf("machine %d: carrying %" PRIu32 " cycles\n", machine, since(begin));
}

static void write_inputs(int machine, int index) {
  const trine_image* image = &images[machine];
  const void* const* inputs = model_of(machine)->inputs + (uint32_t)index * image->inputs;
  const uint64_t begin = board_cycles();
  uint32_t i;
  for (i = 0; i < image->inputs; ++i)
    if (inputs[i] != NULL)
      check(machine, "input", trine_input(devices[machine], image, i, inputs[i]));
  printf("machine %d: packing %" PRIu32 " cycles\n", machine, since(begin));
}

/* The largest element, of a tensor with one byte for each class. */
static void print_class(const soc_model* model, const trine_tensor* tensor, uint32_t bytes) {
  const signed char* codes = (const signed char*)output;
  const int is_unsigned = tensor->codes != NULL; /* uint8: the order of codes is another */
  uint32_t best = 0, i;
  if (trine_element_bytes(tensor) != 1 || bytes > kClasses) return;
  for (i = 1; i < bytes; ++i)
    if (is_unsigned ? output[i] > output[best] : codes[i] > codes[best]) best = i;
  if (bytes == model->label_count)
    printf("%s: %s\n", model->name, model->labels[best]);
  else
    printf("%s: class %" PRIu32 "\n", model->name, best);
}

static void print_output(int machine, uint32_t index, const trine_tensor* tensor) {
  const uint32_t bytes = bytes_of(tensor);
  uint32_t i;
  for (i = 0; i < bytes; ++i) {
    if (i % kPerLine == 0) printf("%soutput %d %" PRIu32 " ", i == 0 ? "" : "\n", machine, index);
    printf("%02x", output[i]);
  }
  printf("\n");
}

/* Returns the first output that is not a state, if there is one. */
static uint32_t answer_of(const soc_model* model, uint32_t outputs) {
  uint32_t i, k;
  for (i = 0; i < outputs; ++i) {
    for (k = 0; k < model->carry_count && model->carries[k].output != i;) ++k;
    if (k == model->carry_count) return i;
  }
  return 0;
}

static void read_outputs(int machine) {
  const trine_image* image = &images[machine];
  const uint32_t answer = answer_of(model_of(machine), image->outputs);
  uint32_t cycles = 0, i;
  for (i = 0; i < image->outputs; ++i) {
    uint64_t begin;
    trine_tensor tensor;
    check(machine, "output", trine_image_output(image, i, &tensor));
    if (bytes_of(&tensor) > kOutputBytes) fail(machine, "output", TRINE_E_STORAGE);
    begin = board_cycles();
    check(machine, "output", trine_output(devices[machine], image, i, output));
    cycles += since(begin);
    print_output(machine, i, &tensor);
    if (i == answer) print_class(model_of(machine), &tensor, bytes_of(&tensor));
  }
  printf("machine %d: unpacking %" PRIu32 " cycles\n", machine, cycles);
}

/* Each wait is a few instructions, so this is many times what the machine should take. */
static uint64_t attempts(const soc_model* model) {
  return 20000 + (uint64_t)model->expected_cycles;
}

static void wait(int machine, uint64_t began) {
  trine_counters counters;
  check(machine, "run", trine_wait(devices[machine], attempts(model_of(machine))));
  check(machine, "counters", trine_get_counters(devices[machine], &counters));
  printf("machine %d: %" PRIu32 " cycles, %" PRIu32 " from start to handler, read %" PRIu32
         " bytes, wrote %" PRIu32 "\n",
         machine, (uint32_t)counters.cycles, (uint32_t)(board_interrupt_at(machine) - began),
         (uint32_t)counters.bytes_read, (uint32_t)counters.bytes_written);
}

static void run_case(int index) {
  uint64_t began[kMachines];
  int machine;
  for (machine = 0; machine < kMachines; ++machine) {
    hand_states_on(machine, index == 0);
    write_inputs(machine, index);
  }
  for (machine = 0; machine < kMachines; ++machine) {
    began[machine] = board_cycles();
    check(machine, "start", trine_start(devices[machine]));
  }
  for (machine = 0; machine < kMachines; ++machine) wait(machine, began[machine]);
  for (machine = 0; machine < kMachines; ++machine) read_outputs(machine);
}

static void break_bus(void) {
#ifdef CSR_TRINE0_FAULTS_BASE
  trine0_faults_read_error_write(soc_fault.read_error);
  trine0_faults_write_error_write(soc_fault.write_error);
  trine0_faults_cut_write(soc_fault.cut);
#endif
}

int main(void) {
  int i;
  board_init();
  printf("Trine on LiteX, %d machine%s\n", kMachines, kMachines == 1 ? "" : "s");
  for (i = 0; i < kMachines; ++i) open_machine(i);
  break_bus();
  for (i = 0; i < soc_cases; ++i) run_case(i);
  printf("%" PRIu32 " cycles from reset\n", since(0));
  board_end(0);
}
