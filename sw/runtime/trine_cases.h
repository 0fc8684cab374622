/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's test cases for any processor: the driver against a device of software, in C99
 * without a library. runtime_test runs them on the host, a system on chip as its own code.
 */

#ifndef TRINE_CASES_H
#define TRINE_CASES_H

#ifdef __cplusplus
extern "C" {
#endif

/* How many checks failed. `say` is told each of them, and the cases that held, as text without a
 * line's end. */
int trine_cases(void (*say)(const char* text));

#ifdef __cplusplus
}
#endif

#endif
