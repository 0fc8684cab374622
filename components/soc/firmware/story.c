/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a LLaMA on machine 0 from a deck of `trine generate-text --deck` (docs/soc.md#decks).
 * Between two tokens the processor only updates the program for the next position and selects
 * the largest logit.
 *
 *   trine generate-text models/story.bin --tokenizer models/story_tokens.bin --config edge64 \
 *     --tokens 8 --deck story.deck
 *   trine soc --config edge64 --app components/soc/firmware/story.c --data story.deck --main-kib
 * 256
 *
 * Exit code: 0, or 1 after a failure, which is printed in a line that begins with "error". */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "board.h"

enum {
  kBeginToken = 1, /* begins and ends a text */
  kMostSteps = 1024,
  kAttempts = 10000000,
  kWatchdog = 50000,
  kFormat = 1
};

/* The header of a deck; each place is in bytes from the deck's beginning. */
typedef struct deck_header {
  char text[8];
  uint32_t format, bytes, memory_bytes;
  uint32_t steps, prompt, vocabulary, channels;
  uint32_t image_at, prompt_at, codes_at, scales_at, texts_at;
  uint32_t steps_at, checksum;
} deck_header;

typedef struct change {
  uint32_t address, bytes; /* from BASE; the bytes follow, up to a multiple of 8 */
} change;

/* The time and the results of a step. */
typedef struct result {
  uint32_t token, sums; /* written; their hash */
  uint32_t loading, machine, handler, choosing;
} result;

static trine_storage storage;
static trine_device* device;
static trine_image image;
static trine_tensor embedding, sums;
static const deck_header* deck;
static uint64_t base;
static unsigned char* memory;          /* the machine's, from BASE on */
static const unsigned char* next_step; /* in the deck */
static result results[kMostSteps];

static uint32_t since(uint64_t cycle) { return (uint32_t)(board_cycles() - cycle); }

static const void* part(uint32_t at) { return soc_data + at; }

static void end_with(const char* why) {
  printf("error: %s\n", why);
  board_end(1);
}

static void check(int code) {
  char text[160];
  if (code == TRINE_OK) return;
  (void)trine_describe(device, code, text, sizeof text);
  end_with(device != NULL ? text : trine_strerror(code));
}

/* FNV-1a of words. */
static uint32_t hash_words(const uint32_t* words, uint32_t count, uint32_t hash) {
  uint32_t i;
  for (i = 0; i < count; ++i) hash = (hash ^ words[i]) * UINT32_C(0x01000193);
  return hash;
}

static const uint32_t kHash = UINT32_C(0x811c9dc5);

static void open_deck(void) {
  const uint32_t words = sizeof *deck / 4;
  const uint32_t* from = part(0);
  deck_header header;
  uint32_t hash;
  deck = part(0);
  if (soc_data_bytes < sizeof header || memcmp(deck->text, "TRINETXT", 8) != 0 ||
      deck->format != kFormat || deck->bytes > soc_data_bytes)
    end_with("the deck is missing or incomplete");
  header = *deck;
  header.checksum = 0;
  hash = hash_words((const uint32_t*)&header, words, kHash);
  hash = hash_words(from + words, deck->bytes / 4 - words, hash);
  if (hash != deck->checksum) end_with("the deck is damaged");
  if (deck->steps > kMostSteps) end_with("more steps than this firmware counts");
  next_step = part(deck->steps_at);
}

static void open_machine(void) {
  const trine_callbacks callbacks = board_machine(0);
  uint64_t bytes;
  void* at;
  base = board_memory(0, &bytes);
  check(trine_open(&storage, sizeof storage, &callbacks, &device));
  board_take_interrupts(0, device);
  check(trine_set_watchdog(device, kWatchdog));
  if (deck->memory_bytes > bytes) {
    printf("error: the deck needs %" PRIu32 " bytes of memory, there are %" PRIu32 "\n",
           deck->memory_bytes, (uint32_t)bytes);
    board_end(1);
  }
  check(trine_set_window(device, base, base + bytes - 1));
  check(trine_map(device, base, deck->memory_bytes, &at));
  memory = at;
  check(trine_read_image(part(deck->image_at), deck->bytes - deck->image_at, &image));
  check(trine_image_input(&image, 0, &embedding));
  check(trine_image_output(&image, 0, &sums));
  check(trine_load_image(device, &image, base));
}

/* Constants are cleaned here, words by trine_load_program(). The library's memcpy() goes byte by
 * byte; what this loop copies beyond constants overwrites nothing that is still needed. */
static void apply_change(void) {
  const change* c = (const void*)next_step;
  const uint32_t* from = (const void*)(c + 1);
  uint32_t* at = (void*)(memory + c->address);
  uint32_t i;
  for (i = 0; i < (c->bytes + 3) / 4; ++i) at[i] = from[i];
  if (c->address < image.dram_bytes) check(trine_clean(device, at, c->bytes));
  next_step += sizeof *c + (c->bytes + 7) / 8 * 8;
}

/* From the last step's program to the next one's, and the token's codes to their place. */
static void load(uint32_t token) {
  const uint32_t* counts = (const void*)next_step; /* of words, of changes */
  const unsigned char* codes = part(deck->codes_at + token * deck->channels);
  unsigned char* words = memory + image.dram_bytes;
  unsigned char* planes = memory + embedding.offset;
  uint32_t i;
  next_step += 8;
  for (i = 0; i < counts[1]; ++i) apply_change();
  check(trine_load_program(device, (const void*)words, counts[0], base + image.dram_bytes, base));
  check(trine_to_planes(&embedding, codes, (void*)planes));
  check(trine_clean(device, planes, (size_t)embedding.bytes));
}

/* The largest sum by its scale, of equal ones the first. */
static uint32_t most_likely(const int32_t* of) {
  const int32_t* scales = part(deck->scales_at);
  int64_t most = INT64_MIN;
  uint32_t best = 0, i;
  for (i = 0; i < deck->vocabulary; ++i, of += sums.plane) {
    const int64_t logit = (int64_t)*of * scales[i];
    if (logit <= most) continue;
    most = logit;
    best = i;
  }
  return best;
}

/* Returns the token that the model generates after this one. */
static uint32_t step(uint32_t token, result* r) {
  unsigned char* at = memory + sums.offset;
  trine_counters counters;
  uint64_t begin = board_cycles();
  uint32_t chosen, i;
  load(token);
  r->loading = since(begin);
  begin = board_cycles();
  check(trine_start(device));
  check(trine_wait(device, kAttempts));
  r->handler = (uint32_t)(board_interrupt_at(0) - begin);
  check(trine_get_counters(device, &counters));
  r->machine = (uint32_t)counters.cycles;
  begin = board_cycles();
  check(trine_invalidate(device, at, (size_t)sums.bytes));
  chosen = most_likely((const void*)at);
  r->choosing = since(begin);
  r->sums = kHash;
  for (i = 0; i < deck->vocabulary; ++i)
    r->sums = hash_words((const uint32_t*)(void*)at + i * sums.plane, 1, r->sums);
  return chosen;
}

static void print_text(uint32_t token, int is_first) {
  const uint32_t* begins = part(deck->texts_at); /* and, of the last one, an end */
  const char* texts = (const char*)(begins + deck->vocabulary + 1);
  const char* text = texts + begins[token];
  const char* end = texts + begins[token + 1];
  if (is_first && text != end && *text == ' ') ++text;
  for (; text != end; ++text) putchar(*text);
}

/* As `trine generate-text --temperature 0` does it. @return how many steps there were */
static uint32_t write_text(void) {
  const uint32_t* prompt = part(deck->prompt_at);
  uint32_t token = prompt[0], i;
  for (i = 0; i < deck->steps; ++i) {
    uint32_t next = step(token, &results[i]);
    if (i + 1 < deck->prompt) next = prompt[i + 1];
    results[i].token = next;
    if (next == kBeginToken) return i + 1;
    print_text(next, token == kBeginToken);
    token = next;
  }
  return i;
}

static void print_results(uint32_t steps) {
  uint32_t i;
  printf("\n\n");
  for (i = 0; i < steps; ++i) {
    const result* r = &results[i];
    printf("step %" PRIu32 ": sums %08" PRIx32 ", machine %" PRIu32
           " cycles, from start to handler %" PRIu32 ", loading %" PRIu32 ", choosing %" PRIu32
           "\n",
           i, r->sums, r->machine, r->handler, r->loading, r->choosing);
  }
  printf("tokens");
  for (i = 0; i < steps; ++i)
    if (results[i].token != kBeginToken) printf(" %" PRIu32, results[i].token);
  printf("\n");
}

int main(void) {
  uint64_t begin;
  board_init();
  open_deck();
  printf("%" PRIu32 " steps, deck checked in %" PRIu32 " cycles\n", deck->steps, since(0));
  begin = board_cycles();
  open_machine();
  printf("%" PRIu32 " bytes of memory, loaded in %" PRIu32 " cycles\n\n", deck->memory_bytes,
         since(begin));
  print_results(write_text());
  printf("%" PRIu32 " cycles from reset\n", since(0));
  board_end(0);
}
