/* SPDX-License-Identifier: Apache-2.0 */

#include "cases.h"

#define DRIVER_CASE(function, name) {name, case_##function},
const driver_case driver_cases[] = {
#include "cases_list.h"
};
#undef DRIVER_CASE

const int driver_case_count = (int)(sizeof driver_cases / sizeof driver_cases[0]);

int case_rounds = 8;

static const driver_failure kNone = {0, "", 0, -1};
static driver_failure failure;

int expect(int holds, const char* file, int line, long at) {
  if (!holds && failure.count++ == 0) {
    failure.file = file;
    failure.line = line;
    failure.at = at;
  }
  return holds;
}

driver_failure run_case(const driver_case* one) {
  failure = kNone;
  one->run();
  return failure;
}
