// SPDX-License-Identifier: Apache-2.0

#include "synth/stages.h"

#include "synth/fpga/ecp5.h"
#include "synth/timing/clock.h"

namespace trine::synth {

const Stages& all_stages() {
  static const Stages stages{time_design, place_ecp5};
  return stages;
}

}  // namespace trine::synth
