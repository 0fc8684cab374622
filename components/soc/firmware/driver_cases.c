/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the driver's own test cases (sw/runtime/cases) on this processor and prints the failures
 * and the number of passed cases. Exit code 1 if one fails. The devices are simulated by
 * software; a main memory of 256 KiB is enough:
 *
 *   apps=$(printf -- ' --app %s' components/soc/firmware/driver_cases.c sw/runtime/cases/*.c)
 *   trine soc --config edge64 --main-kib 256 $apps */

#include <stdio.h>

#include "../../../sw/runtime/cases/cases.h"
#include "board.h"

int main(void) {
  int i, passed = 0;
  board_init();
  case_rounds = 2; /* each is a second of simulation */
  for (i = 0; i < driver_case_count; ++i) {
    const driver_failure failure = run_case(&driver_cases[i]);
    if (failure.count == 0)
      ++passed;
    else
      printf("error: %s: %d checks, first %s:%d (%ld)\n", driver_cases[i].name, failure.count,
             failure.file, failure.line, failure.at);
  }
  printf("%d of %d driver cases pass\n", passed, driver_case_count);
  board_end(passed == driver_case_count ? 0 : 1);
}
