/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights pass through PMEM in chunks. PMEM holds three of them: one is multiplied while the
 * next ones are loaded, so that neither the bus nor the array waits. A chunk is a number of
 * groups of `cols` outputs. If not even one group fits, a chunk is a piece of the group's rows,
 * and the accumulators add up the pieces. Biases and scales are loaded in blocks, each for
 * several chunks, because a short transfer costs more bus time than its beats. Their memory
 * holds as many blocks as PMEM holds chunks.
 *
 * Inputs and outputs are words of four neighbours (or one sum), [word][vector], in device memory
 * as in DMEM: the layout of a row of pixels, one for each vector.
 */

#include "trine_vmm.h"

#include "trine_isa.h"

/* A freestanding compiler has no string.h, but it needs memcpy() for its own use. */
void* memcpy(void* to, const void* from, size_t bytes);

enum {
  kAlign = 128,         /* bytes: the widest beat, and lines of caches */
  kMost = 65535,        /* inputs, outputs */
  kMostVectors = 32767, /* columns of a row of pixels */
  kSlots = 3,           /* in PMEM and in the parameter memories, if they fit */
  kShares = 32,         /* at least this many chunks, for a short begin and end */
  kMostGroups = 1 << TRINE_AGU_GROUPS_LAST_WIDTH,
  kFixedWords = 20, /* of a program; and for each chunk, at most */
  kChunkWords = 15
};

/* The plan of a product on a design. Counts are 32-bit words unless stated otherwise. */
typedef struct plan {
  const trine_design* design;
  uint32_t codes;    /* in a word of weights */
  uint32_t in, out;  /* in a vector */
  uint32_t vectors;  /* computed together */
  uint32_t rows;     /* PMEM rows of a group */
  uint32_t piece;    /* of these rows in a chunk */
  uint32_t pieces;   /* in a group */
  uint32_t channels; /* outputs of a chunk */
  uint32_t chunks;
  uint32_t slots, slot_rows, slot_entries; /* used by chunks in turn */
  uint32_t block;               /* outputs of a block of parameters, a multiple of a chunk's */
  uint32_t entries;             /* of a block's biases */
  uint32_t scales;              /* of a block's scales, 0: one scale for all */
  uint32_t record;              /* of a chunk's weights in memory */
  uint32_t rows_per_beat, beat; /* rows that begin with a beat, and words from there to the next */
  uint32_t input_at, output_at, program_at, blocks_at, records_at; /* bytes */
} plan;

typedef struct chunk {
  uint32_t first, channels; /* outputs */
  uint32_t groups;
  uint32_t row, rows; /* of a group's weights */
  uint32_t param;     /* entry in the block */
  int begins, ends;   /* of the sums */
} chunk;

static uint32_t divide_up(uint32_t a, uint32_t b) { return (a + b - 1) / b; }
static uint32_t round_up(uint32_t a, uint32_t b) { return divide_up(a, b) * b; }
static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }
static int within(int32_t value, int32_t low, int32_t high) {
  return value >= low && value <= high;
}

static int check_scales(const trine_vmm_matrix* m) {
  uint32_t i;
  if (m->multipliers == NULL) return TRINE_OK;
  if (m->shifts == NULL || (m->scales != 1 && m->scales != m->outputs) ||
      !within(m->output_zero_point, -128, 127) || !within(m->act_min, -128, m->act_max) ||
      m->act_max > 127 || m->rounding > TRINE_VMM_HALF_EVEN)
    return TRINE_E_ARGUMENT;
  for (i = 0; i < m->scales; ++i)
    if (m->multipliers[i] < 0 || !within(m->shifts[i], -31, 30)) return TRINE_E_ARGUMENT;
  return TRINE_OK;
}

/* Chooses the slots in PMEM and in the parameter memories, and the contents of a slot. */
static void divide(const trine_vmm_matrix* m, plan* p) {
  const trine_design* d = p->design;
  const uint32_t words = d->data_words, groups = divide_up(m->outputs, d->cols);
  uint32_t most;
  p->rows_per_beat = d->cols < words ? words / d->cols : 1;
  p->beat = round_up(d->cols, words);
  p->slots = kSlots;
  while (p->slots > 1 && d->param_channels / p->slots / words * words < d->cols) --p->slots;
  p->slot_entries = d->param_channels / p->slots / words * words;
  p->slot_rows = d->pmem_rows / p->slots / p->rows_per_beat * p->rows_per_beat;
  p->rows = divide_up(m->inputs, p->codes);
  p->piece = least(p->rows, p->slot_rows);
  p->pieces = divide_up(p->rows, p->piece);
  most = least(p->slot_rows / p->piece, p->slot_entries / d->cols);
  most = least(least(most, kMostGroups), divide_up(groups, kShares));
  p->channels = most * d->cols;
  p->chunks = divide_up(groups, most) * p->pieces;
  p->block = least(p->slot_entries / p->channels * p->channels, most * d->cols * p->chunks);
  p->entries = round_up(p->block, words);
  p->scales = m->multipliers != NULL && m->scales > 1 ? 2 * p->entries : 0;
  p->record = divide_up(most * p->piece, p->rows_per_beat) * p->beat;
}

/* Makes the plan, and computes the number of bytes that it needs. */
static int plan_of(const trine_design* d, const trine_vmm_matrix* m, plan* p, size_t* bytes) {
  uint64_t end;
  uint32_t room;
  int result;
  if (d == NULL || m == NULL || bytes == NULL || m->outputs - 1 >= kMost ||
      m->inputs - 1 >= kMost || m->vectors == 0 || m->precision > TRINE_VMM_BINARY ||
      !within(m->input_zero_point, -128, 127))
    return TRINE_E_ARGUMENT;
  result = check_scales(m);
  if (result != TRINE_OK) return result;
  if ((d->precisions & 1u << TRINE_VMM_INT8) == 0 || (d->precisions >> m->precision & 1) == 0)
    return TRINE_E_FEATURE;
  p->design = d;
  p->codes = m->precision == TRINE_VMM_INT8 ? 4 : (uint32_t)8 << m->precision;
  p->in = divide_up(m->inputs, 4);
  p->out = m->multipliers == NULL ? m->outputs : divide_up(m->outputs, 4);
  divide(m, p);
  room = (d->dmem_words - d->data_words) / (p->in + p->out);
  if (room == 0) return TRINE_E_SIZE;
  p->vectors = least(least(m->vectors, room), p->pieces > 1 ? d->rows : kMostVectors);
  p->input_at = 0;
  p->output_at = round_up(4 * p->in * p->vectors, kAlign);
  p->program_at = p->output_at + round_up(4 * p->out * p->vectors, kAlign);
  p->blocks_at = p->program_at + round_up(8 * (kFixedWords + kChunkWords * p->chunks), kAlign);
  end = p->blocks_at + (uint64_t)4 * (p->entries + p->scales) * divide_up(m->outputs, p->block);
  p->records_at = (uint32_t)end;
  end += (uint64_t)4 * p->record * p->chunks;
  *bytes = (size_t)end;
  return *bytes == end ? TRINE_OK : TRINE_E_SIZE;
}

int trine_vmm_bytes(const trine_design* design, const trine_vmm_matrix* matrix, size_t* bytes) {
  plan p;
  return plan_of(design, matrix, &p, bytes);
}

static chunk chunk_of(const plan* p, const trine_vmm_matrix* m, uint32_t index) {
  const uint32_t piece = index % p->pieces;
  chunk c;
  c.first = index / p->pieces * p->channels;
  c.channels = least(p->channels, m->outputs - c.first);
  c.groups = divide_up(c.channels, p->design->cols);
  c.row = piece * p->piece;
  c.rows = least(p->piece, p->rows - c.row);
  c.param = c.first % p->block;
  c.begins = piece == 0;
  c.ends = piece == p->pieces - 1;
  return c;
}

/* Returns the words of a chunk's weights in memory, in whole beats. */
static uint32_t words_of(const plan* p, const chunk* c) {
  return divide_up(c->groups * c->rows, p->rows_per_beat) * p->beat;
}

/* ---- weights and parameters in memory */

/* Packs up to `count` codes into a word. */
static uint32_t packed(const int8_t* from, uint32_t count, uint32_t precision) {
  const uint32_t bits = precision == TRINE_VMM_INT8 ? 8 : 3 - precision;
  uint32_t word = 0, shift;
  for (shift = 0; shift < 32 && count > 0; shift += bits, --count) {
    const int code = *from++;
    const uint32_t value = precision == TRINE_VMM_BINARY ? code > 0 : (uint32_t)code;
    word |= (value & ((1u << bits) - 1)) << shift;
  }
  return word;
}

/* Computes the sum of an output's weights, which the zero point multiplies. Fails if sums may
 * exceed the accumulators or a weight is not a code. */
static int weigh(const plan* p, const trine_vmm_matrix* m, const int8_t* weights, int32_t* sum) {
  const uint32_t limit = (uint32_t)1 << (p->design->acc_bits - 1);
  uint32_t positive = 0, negative = 0, k;
  for (k = 0; k < m->inputs; ++k) {
    const int code = weights[k];
    if (m->precision != TRINE_VMM_INT8 &&
        (!within(code, -1, 1) || (m->precision == TRINE_VMM_BINARY && code == 0)))
      return TRINE_E_ARGUMENT;
    if (code > 0) positive += (uint32_t)code;
    if (code < 0) negative += (uint32_t)-code;
  }
  *sum = (int32_t)(positive - negative);
  if (127 * positive + 128 * negative >= limit || 128 * positive + 127 * negative > limit)
    return TRINE_E_SIZE;
  return TRINE_OK;
}

static int pack_parameters(const plan* p, const trine_vmm_matrix* m, unsigned char* memory) {
  uint32_t output;
  for (output = 0; output < m->outputs; ++output) {
    void* const at =
        memory + p->blocks_at + (size_t)4 * (p->entries + p->scales) * (output / p->block);
    uint32_t* const biases = at;
    const uint32_t n = output % p->block;
    int32_t sum = 0;
    const int result = weigh(p, m, m->weights + (size_t)output * m->inputs, &sum);
    if (result != TRINE_OK) return result;
    biases[n] = (m->bias != NULL ? (uint32_t)m->bias[output] : 0) -
                (uint32_t)m->input_zero_point * (uint32_t)sum;
    if (p->scales != 0) {
      const uint32_t shift = (uint32_t)m->shifts[output] & 63;
      uint32_t* const scale = biases + p->entries + 2 * n;
      scale[0] = (uint32_t)m->multipliers[output] | shift << 31;
      scale[1] = shift >> 1;
    }
  }
  return TRINE_OK;
}

static void pack_weights(const plan* p, const trine_vmm_matrix* m, const chunk* c,
                         uint32_t* record) {
  uint32_t n, r;
  for (n = 0; n < c->channels; ++n) {
    const uint32_t group = n / p->design->cols, column = n % p->design->cols;
    const int8_t* const from = m->weights + (size_t)(c->first + n) * m->inputs;
    for (r = 0; r < c->rows; ++r) {
      const uint32_t row = group * c->rows + r, code = (c->row + r) * p->codes;
      record[row / p->rows_per_beat * p->beat + row % p->rows_per_beat * p->design->cols + column] =
          packed(from + code, m->inputs - code, m->precision);
    }
  }
}

/* Packs weights and parameters. Words that fill up rows and beats are not written, because no
 * output depends on them. */
static int pack(const plan* p, const trine_vmm_matrix* m, unsigned char* memory) {
  uint32_t n;
  for (n = 0; n < p->chunks; ++n) {
    const chunk c = chunk_of(p, m, n);
    void* const record = memory + p->records_at + (size_t)4 * p->record * n;
    pack_weights(p, m, &c, record);
  }
  return pack_parameters(p, m, memory);
}

/* ---- the program */

#define FIELD(name, value)                                                     \
  (((uint64_t)(uint32_t)(value) & ((UINT64_C(1) << TRINE_##name##_WIDTH) - 1)) \
   << TRINE_##name##_LSB)
#define SET(engine, name, payload)                               \
  ((uint64_t)TRINE_OPCODE_SET << 62 | (uint64_t)(engine) << 60 | \
   (uint64_t)TRINE_##name##_REG << 56 | (payload))

enum { kLoad = TRINE_ENGINE_LOAD, kCompute = TRINE_ENGINE_COMPUTE, kStore = TRINE_ENGINE_STORE };

/* @param wait, signal  the engine of the token; 0: none, because no RUN here waits for it */
static uint64_t run(uint32_t engine, uint32_t op, uint32_t flags, uint32_t wait, uint32_t signal) {
  return (uint64_t)TRINE_OPCODE_RUN << 62 | (uint64_t)engine << 60 | FIELD(RUN_WAIT, wait) |
         FIELD(RUN_SIGNAL, signal) | FIELD(RUN_OP, op) | FIELD(RUN_FLAGS, flags);
}

static uint64_t* transfer(uint64_t* at, uint32_t engine, uint64_t address, uint32_t local,
                          uint32_t words, uint32_t target, uint32_t wait, uint32_t signal) {
  *at++ = SET(engine, DMA_DRAM, address);
  *at++ = SET(engine, DMA_LOCAL, FIELD(DMA_LOCAL, local) | FIELD(DMA_WORDS, words));
  *at++ = run(engine, target, 0, wait, signal);
  return at;
}

/* Sets transfers to one row each. */
static uint64_t* set_rows(uint64_t* at, uint32_t engine) {
  *at++ = SET(engine, DMA_ROWS_LAST, 0);
  *at++ = SET(engine, DMA_DRAM_STRIDE, 0);
  return at;
}

/* Sets the registers that all RUNs of the array share: a row of pixels, without a window. */
static uint64_t* set_lanes(uint64_t* at, const plan* p, const trine_vmm_matrix* m) {
  const uint32_t vectors = p->vectors, rows = p->design->rows;
  *at++ = SET(kCompute, AGU_TILE_BASE, FIELD(AGU_TILE_BASE, rows));
  *at++ = SET(kCompute, AGU_CW_STEP, FIELD(AGU_CW_STEP, vectors));
  *at++ = SET(kCompute, AGU_X_END, FIELD(AGU_X_END, vectors));
  *at++ = SET(kCompute, AGU_Y_END,
              FIELD(AGU_Y_END, 1) | FIELD(AGU_HEIGHT, 1) | FIELD(AGU_WIDTH, vectors));
  *at++ = SET(kCompute, AGU_TILE_X,
              FIELD(AGU_TILE_X, rows % vectors) | FIELD(AGU_TILE_Y, rows / vectors) |
                  FIELD(AGU_STRIDE_X, 1) | FIELD(AGU_STRIDE_Y, 1));
  *at++ = SET(kCompute, AGU_S_LAST, 0);
  *at++ = SET(kCompute, AGU_TILE_OUT, FIELD(AGU_TILE_OUT, rows) | FIELD(AGU_OUT_PLANE, vectors));
  *at++ = SET(kCompute, POST_MULTIPLIER,
              m->multipliers == NULL
                  ? 0
                  : FIELD(POST_MULTIPLIER, m->multipliers[0]) | FIELD(POST_SHIFT, m->shifts[0]));
  return at;
}

static uint64_t* multiply(uint64_t* at, const plan* p, const trine_vmm_matrix* m, const chunk* c,
                          uint32_t slot, uint32_t param, uint32_t signal) {
  static const uint32_t kFlags[] = {0, TRINE_COMPUTE_FLAG_SINGLE,
                                    TRINE_COMPUTE_FLAG_SINGLE | TRINE_COMPUTE_FLAG_HALF_EVEN};
  const int sums = m->multipliers == NULL;
  const uint32_t per_row = p->codes / 4, word = c->row * per_row;
  const uint32_t words = least(c->rows * per_row, p->in - word);
  const uint32_t outputs = round_up(p->in * p->vectors, p->design->data_words);
  const uint32_t flags =
      (c->begins ? TRINE_COMPUTE_FLAG_CLEAR : 0) | (c->ends ? TRINE_COMPUTE_FLAG_DRAIN : 0) |
      (p->scales == 0 ? TRINE_COMPUTE_FLAG_PER_TENSOR : 0) | (sums ? 0 : kFlags[m->rounding]);
  *at++ = SET(kCompute, AGU_BASE, FIELD(AGU_BASE, word * p->vectors));
  *at++ = SET(kCompute, AGU_WORDS_LAST,
              FIELD(AGU_WORDS_LAST, words - 1) | FIELD(AGU_GROUPS_LAST, c->groups - 1) |
                  FIELD(AGU_TILES_LAST, divide_up(p->vectors, p->design->rows) - 1));
  *at++ = SET(kCompute, AGU_OUT,
              FIELD(AGU_OUT, outputs + (sums ? c->first : c->first / 4) * p->vectors));
  *at++ = SET(kCompute, POST_OUTPUT,
              sums ? FIELD(POST_OUTPUT, TRINE_POST_OUTPUT_RAW)
                   : FIELD(POST_ZERO_POINT, m->output_zero_point) |
                         FIELD(POST_ACT_MIN, m->act_min) | FIELD(POST_ACT_MAX, m->act_max) |
                         FIELD(POST_OUTPUT, TRINE_POST_OUTPUT_REQUANTIZED) |
                         FIELD(POST_POSITION, c->first % 4));
  *at++ = SET(kCompute, COMPUTE_ROW,
              FIELD(COMPUTE_ROW, slot * p->slot_rows) | FIELD(COMPUTE_PARAM, param) |
                  FIELD(COMPUTE_CHANNELS, c->channels));
  *at++ = run(kCompute,
              m->precision == TRINE_VMM_INT8
                  ? TRINE_COMPUTE_OP_INT8
                  : TRINE_COMPUTE_OP_INT8_TERNARY + m->precision - TRINE_VMM_TERNARY,
              flags, 1u << kLoad, signal);
  return at;
}

/* @return  the address after the last word */
static uint64_t* write_program(uint64_t* at, const plan* p, const trine_vmm_matrix* m,
                               uint64_t address) {
  const uint32_t load = 1u << kLoad, compute = 1u << kCompute, store = 1u << kStore;
  const uint32_t inputs = p->in * p->vectors;
  uint32_t i;
  *at++ = p->design->hash;
  at = set_rows(at, kLoad);
  at = set_rows(at, kStore);
  at = transfer(at, kLoad, address + p->input_at, 0, inputs, TRINE_DMA_TARGET_DMEM, 0, 0);
  at = set_lanes(at, p, m);
  for (i = 0; i < p->chunks; ++i) {
    const chunk c = chunk_of(p, m, i);
    const uint32_t slot = i % p->slots, block = c.first / p->block;
    const uint32_t entry = block % p->slots * p->slot_entries;
    /* A slot is free when its previous chunk has been multiplied; the slot of a block is then free,
     * too. */
    uint32_t wait = i >= p->slots ? compute : 0;
    if (c.param == 0 && c.begins) {
      const uint64_t from = address + p->blocks_at + (uint64_t)4 * (p->entries + p->scales) * block;
      at = transfer(at, kLoad, from, entry, p->entries, TRINE_DMA_TARGET_BIAS, wait, 0);
      wait = 0;
      if (p->scales != 0)
        at = transfer(at, kLoad, from + 4 * p->entries, entry, p->scales, TRINE_DMA_TARGET_SCALE, 0,
                      0);
    }
    at = transfer(at, kLoad, address + p->records_at + (uint64_t)4 * p->record * i,
                  slot * p->slot_rows, words_of(p, &c), TRINE_DMA_TARGET_PMEM, wait, compute);
    at = multiply(at, p, m, &c, slot, entry + c.param,
                  (i + p->slots < p->chunks ? load : 0) | (i + 1 == p->chunks ? store : 0));
  }
  at = transfer(at, kStore, address + p->output_at, round_up(inputs, p->design->data_words),
                p->out * p->vectors, TRINE_DMA_TARGET_DMEM, compute, 0);
  *at++ = (uint64_t)TRINE_OPCODE_END << 62;
  return at;
}

/* ---- the calls */

int trine_vmm_prepare(trine_device* device, const trine_design* design,
                      const trine_vmm_matrix* matrix, uint64_t address, size_t bytes,
                      trine_vmm_weights* weights) {
  plan p;
  size_t needed = 0;
  unsigned char* memory;
  void* mapped = NULL;
  uint64_t* program;
  int result = plan_of(design, matrix, &p, &needed);
  if (result != TRINE_OK) return result;
  if (weights == NULL || address % kAlign != 0 || address >> TRINE_DMA_DRAM_WIDTH != 0)
    return TRINE_E_ARGUMENT;
  if (bytes < needed || (address + needed - 1) >> TRINE_DMA_DRAM_WIDTH != 0) return TRINE_E_SIZE;
  result = trine_check_configuration(device, design->hash);
  if (result == TRINE_OK) result = trine_map(device, address, needed, &mapped);
  if (result != TRINE_OK) return result;
  memory = mapped;
  if (matrix->weights != NULL) result = pack(&p, matrix, memory);
  if (result != TRINE_OK) return result;
  mapped = memory + p.program_at;
  program = mapped;
  weights->program_words = (uint32_t)(write_program(program, &p, matrix, address) - program);
  weights->input_address = address + p.input_at;
  weights->output_address = address + p.output_at;
  weights->program_address = address + p.program_at;
  weights->outputs = matrix->outputs;
  weights->inputs = matrix->inputs;
  weights->vectors = p.vectors;
  weights->sums = matrix->multipliers == NULL;
  return trine_clean(device, memory, needed);
}

/* Writes a vector to words that are `step` apart. A single vector, for which time matters, is
 * copied. Bytes after the last input are zero, where there are no binary weights. */
static void to_words(const int8_t* from, uint32_t count, uint32_t step, uint32_t* to) {
  if (step == 1) {
    const uint32_t whole = count / 4;
    memcpy(to, from, (size_t)4 * whole);
    from += 4 * whole;
    to += whole;
    count -= 4 * whole;
  }
  for (; count > 0; from += 4, to += step) {
    *to = packed(from, count, TRINE_VMM_INT8);
    count -= least(count, 4);
  }
}

static void from_words(const uint32_t* from, uint32_t bytes, uint32_t step, unsigned char* to) {
  if (step == 1) {
    memcpy(to, from, bytes);
    return;
  }
  for (; bytes > 0; from += step) {
    uint32_t word = *from, i;
    for (i = 0; i < 4 && bytes > 0; ++i, --bytes, word >>= 8) *to++ = (unsigned char)word;
  }
}

int trine_vmm(trine_device* device, const int8_t* inputs, const trine_vmm_weights* weights,
              void* outputs, uint32_t count, uint64_t attempts) {
  unsigned char* to = outputs;
  void *program, *in, *out;
  size_t in_bytes, out_bytes;
  uint32_t step, vector, n, v;
  int result;
  if (device == NULL || inputs == NULL || weights == NULL || outputs == NULL || count == 0)
    return TRINE_E_ARGUMENT;
  step = weights->vectors;
  vector = weights->sums ? 4 * weights->outputs : weights->outputs; /* bytes of its outputs */
  in_bytes = (size_t)4 * step * divide_up(weights->inputs, 4);
  out_bytes = (size_t)4 * step * divide_up(vector, 4);
  result =
      trine_map(device, weights->program_address, (size_t)8 * weights->program_words, &program);
  if (result == TRINE_OK) result = trine_map(device, weights->input_address, in_bytes, &in);
  if (result == TRINE_OK) result = trine_map(device, weights->output_address, out_bytes, &out);
  if (result == TRINE_OK)
    result =
        trine_load_program(device, program, weights->program_words, weights->program_address, 0);
  for (; count > 0 && result == TRINE_OK; count -= n) {
    n = least(count, step);
    for (v = 0; v < n; ++v, inputs += weights->inputs)
      to_words(inputs, weights->inputs, step, (uint32_t*)in + v);
    result = trine_clean(device, in, in_bytes);
    if (result == TRINE_OK) result = trine_run(device, attempts);
    if (result == TRINE_OK) result = trine_invalidate(device, out, out_bytes);
    for (v = 0; v < n && result == TRINE_OK; ++v, to += vector)
      from_words((const uint32_t*)out + v, vector, step, to);
  }
  return result;
}
