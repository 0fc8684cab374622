/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's test cases in plain C99, without allocation and stdio. The host runs them
 * (runtime_test.cpp), and firmware runs the same cases (components/soc/firmware/driver_cases.c). */

#ifndef CASES_H
#define CASES_H

#ifdef __cplusplus
extern "C" {
#endif

/* A test case. */
typedef struct driver_case {
  const char* name;
  void (*run)(void);
} driver_case;

extern const driver_case driver_cases[];
extern const int driver_case_count;

/* The result of a case: the number of failed checks and the position of the first one. */
typedef struct driver_failure {
  int count;
  const char* file;
  int line;
  long at; /* argument of EXPECT_AT(); -1: none */
} driver_failure;

/* Runs a case; its count is 0 if it passes. */
driver_failure run_case(const driver_case* one);

/* Number of random tensors. A simulated processor is slow, the host sets more. */
extern int case_rounds;

/* Records a check that fails and returns whether it holds: `if (!EXPECT(..)) return;`. In a
 * loop, EXPECT_AT(step, ..) records the step as well. */
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
