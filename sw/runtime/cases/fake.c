/* SPDX-License-Identifier: Apache-2.0 */

#include "fake.h"

#include <string.h>

#include "cases.h"
#include "trine_isa.h"

const uint64_t fake_program[3] = {1, 2, 3};

/* The register map as numbers: see docs/registers.md. */
enum {
  kId = 0x00,
  kVersion = 0x04,
  kHash = 0x08,
  kControl = 0x10,
  kStatus = 0x14,
  kCause = 0x18,
  kIrqStatus = 0x28,
  kRegistersVersion = 0x2c,
  kLocked = 0x30,
  kUnlocked = 0x58,
  kErrorRun = 0x5c,
  kErrorAddress = 0x68,
  kCycles = 0x80
};

static uint32_t* at(fake_device* fake, uint32_t offset) { return &fake->registers[offset / 4]; }

static int refuses(fake_device* fake, uint32_t offset) {
  return fake->fails || (fake->fails_at > 0 && --fake->fails_at == 0) || offset % 4 != 0 ||
         offset / 4 >= kFakeRegisters;
}

void fake_end(fake_device* fake) {
  const int resetting = (*at(fake, kStatus) & 8) != 0;
  *at(fake, kStatus) = resetting ? (fake->gives_up ? 24u : 0u) : fake->ends_badly ? 4u : 2u;
  if (resetting) return;
  *at(fake, kIrqStatus) |= fake->ends_badly ? 2u : 1u;
  if (!fake->ends_badly) return;
  *at(fake, kCause) = 2;
  *at(fake, kErrorAddress) = 0x40;
  *at(fake, kErrorAddress + 4) = 1;
  *at(fake, kErrorRun) = 7;
}

static int read32(void* context, uint32_t offset, uint32_t* value) {
  fake_device* fake = context;
  if (refuses(fake, offset)) return 1;
  ++fake->reads;
  fake->status_reads += offset == kStatus;
  if (fake->counts) { /* a read of the low half latches the high half */
    fake->cycles += 0x80000001;
    if (offset == kCycles) *at(fake, kCycles + 4) = (uint32_t)(fake->cycles >> 32);
    if (offset == kCycles) *at(fake, kCycles) = (uint32_t)fake->cycles;
  }
  if (offset == kStatus && (*at(fake, kStatus) & 9) != 0 && --fake->polls_left <= 0) fake_end(fake);
  *value = *at(fake, offset);
  return 0;
}

static void command(fake_device* fake, uint32_t value) {
  if ((value & 1) != 0) *at(fake, kStatus) = 1;
  if ((value & 6) != 0) *at(fake, kStatus) = 8;
  if ((value & 8) != 0 && fake->lets_go) *at(fake, kStatus) &= ~16u;
}

static int write32(void* context, uint32_t offset, uint32_t value) {
  fake_device* fake = context;
  uint32_t* written = fake->written[fake->writes % kFakeWrites];
  if (refuses(fake, offset)) return 1;
  written[0] = offset;
  written[1] = value;
  ++fake->writes;
  if (offset == kControl) command(fake, value);
  if (offset >= kLocked && offset < kUnlocked && (*at(fake, kStatus) & 9) != 0) return 2;
  *at(fake, offset) = offset == kIrqStatus ? *at(fake, kIrqStatus) & ~value : value;
  return 0;
}

static void* map(void* context, uint64_t address, size_t bytes) {
  fake_device* fake = context;
  if (refuses(fake, 0) || address > fake->bytes || bytes > fake->bytes - address) return NULL;
  return fake->caches + (size_t)address;
}

static void clean(void* context, const void* from, size_t bytes) {
  fake_device* fake = context;
  memcpy(fake->memory + ((const unsigned char*)from - fake->caches), from, bytes);
}

static void invalidate(void* context, void* to, size_t bytes) {
  fake_device* fake = context;
  memcpy(to, fake->memory + ((unsigned char*)to - fake->caches), bytes);
}

int fake_interrupt(void* context) {
  fake_device* fake = context;
  ++fake->interrupts;
  return fake->answers-- > 0 ? 1 : fake->last_answer;
}

void fake_init(fake_device* fake, unsigned char* memory, unsigned char* caches, size_t bytes) {
  memset(fake, 0, sizeof *fake);
  *at(fake, kId) = 0x5452494e;
  *at(fake, kVersion) = TRINE_ISA_VERSION;
  *at(fake, kRegistersVersion) = 1;
  *at(fake, kHash) = (uint32_t)FAKE_HASH;
  *at(fake, kHash + 4) = (uint32_t)(FAKE_HASH >> 32);
  fake->memory = memory;
  fake->caches = caches;
  fake->bytes = bytes;
}

trine_callbacks fake_callbacks(fake_device* fake) {
  trine_callbacks callbacks = {0};
  callbacks.context = fake;
  callbacks.read32 = read32;
  callbacks.write32 = write32;
  callbacks.map = map;
  callbacks.clean = clean;
  callbacks.invalidate = invalidate;
  return callbacks;
}

opened* open_fake(int which) {
  static opened both[2];
  static uint64_t memories[2][2][kFakeBytes / 8]; /* aligned like addresses */
  opened* o = &both[which];
  size_t i;
  for (i = 0; i < kFakeBytes / 8; ++i) memories[which][0][i] = memories[which][1][i] = 0;
  fake_init(&o->fake, (unsigned char*)memories[which][0], (unsigned char*)memories[which][1],
            kFakeBytes);
  o->callbacks = fake_callbacks(&o->fake);
  o->device = NULL;
  EXPECT(trine_device_size() <= sizeof o->storage);
  EXPECT(open_again(o) == TRINE_OK);
  return o;
}

int open_again(opened* o) {
  return trine_open(&o->storage, sizeof o->storage, &o->callbacks, &o->device);
}

int load_program(opened* o) {
  return trine_load_program(o->device, fake_program, 3, 0x100, UINT64_C(0x100000200));
}
