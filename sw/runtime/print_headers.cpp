// SPDX-License-Identifier: Apache-2.0
//
// Build step: writes trine_csr.h and trine_isa.h, as `trine generate` does for each design. The
// driver is compiled with them, so that there is only one description of the registers.

#include <fstream>
#include <string>

#include "gen/emit.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string folder = argv[1];
  std::ofstream csr(folder + "/trine_csr.h"), isa(folder + "/trine_isa.h");
  csr << trine::gen::csr_header();
  isa << trine::gen::isa_header();
  csr.flush();
  isa.flush();
  return csr && isa ? 0 : 1;
}
