/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's test cases in plain C99, without allocation and without stdio: the host runs them
 * (runtime_test.cpp), and the same ones run as firmware (soc/firmware/driver_cases.c). */

#ifndef CASES_H
#define CASES_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct driver_case {
  const char* name;
  void (*run)(void);
} driver_case;

extern const driver_case driver_cases[];
extern const int driver_case_count;

/* What a case found wrong: how many checks, and where the first one stands. */
typedef struct driver_failure {
  int count;
  const char* file;
  int line;
  long at; /* of EXPECT_AT(); -1: none */
} driver_failure;

/* Runs it; count 0: it passes. */
driver_failure run_case(const driver_case* one);

/* So many random tensors: a simulated processor takes its time, the host sets more. */
extern int case_rounds;

/* Remembers a check that does not hold, and says whether it does: `if (!EXPECT(..)) return;`. In a
 * loop, EXPECT_AT(step, ..) remembers the step, too. */
#define EXPECT(condition) expect((condition) != 0, __FILE__, __LINE__, -1)
#define EXPECT_AT(at, condition) expect((condition) != 0, __FILE__, __LINE__, (long)(at))
int expect(int holds, const char* file, int line, long at);

#define DRIVER_CASE(function, name) void case_##function(void);
#include "cases_list.h"
#undef DRIVER_CASE

#ifdef __cplusplus
}
#endif

#endif
