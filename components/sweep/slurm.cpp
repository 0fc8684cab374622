// SPDX-License-Identifier: Apache-2.0

#include "components/sweep/slurm.h"

#include <fmt/format.h>

#include "sw/base/error.h"
#include "sw/base/packages.h"
#include "sw/base/process.h"

namespace trine::sweep {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::seconds kAsk{3};

/// Quotes a text for a shell.
std::string shell_quoted(const std::string& text) {
  std::string all = "'";
  for (const char c : text) all += c == '\'' ? "'\\''" : std::string(1, c);
  return all + "'";
}

struct Printed {
  int code;
  std::string text;
};

Printed run(const std::vector<std::string>& argv) {
  std::string text;
  const int code = run_process(argv, ".", [&](std::string_view piece) { text += piece; });
  return {code, text};
}

std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

}  // namespace

void check_slurm() {
  if (!on_path("sbatch"))
    throw_error("--engine slurm: sbatch is not installed; get it by: {}",
                how_to_install({"sbatch"}));
}

SlurmArray::SlurmArray(const std::string& program, const fs::path& list, int jobs)
    : asked_(std::chrono::steady_clock::now()) {
  const Printed printed =
      run({"sbatch", "--parsable", "--job-name=trine", fmt::format("--array=0-{}", jobs - 1),
           fmt::format("--output={}/%a", list.parent_path().string()),
           fmt::format("--wrap=exec {} sweep --worker {} --part $SLURM_ARRAY_TASK_ID/{}",
                       shell_quoted(program), shell_quoted(list.string()), jobs)});
  if (printed.code != 0) throw_error("--engine slurm: {}", last_line(printed.text));
  id_ = last_line(printed.text);
  id_ = id_.substr(0, id_.find(';'));  // the cluster's name follows
}

bool SlurmArray::ended() {
  const auto now = std::chrono::steady_clock::now();
  if (now - asked_ < kAsk) return false;
  asked_ = now;
  const Printed printed = run({"squeue", "--noheader", "--jobs", id_});
  // Slurm forgets a job soon after its end; if the controller does not answer, the job may
  // continue.
  return printed.code == 0 ? printed.text.empty()
                           : printed.text.find("Invalid job id") != std::string::npos;
}

void SlurmArray::cancel() { run({"scancel", id_}); }

}  // namespace trine::sweep
