// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>

#include <tuple>

#include "components/fuzz/case_file.h"
#include "components/fuzz/fuzz_command.h"
#include "components/fuzz/pair.h"
#include "components/fuzz/program_run.h"
#include "sw/base/error.h"
#include "sw/base/hash.h"
#include "tools/random/configs.h"

namespace trine::cli {
namespace {

constexpr int kSecondsOfProgram = 300;

/// Runs random programs on the RTL and on the architecture simulator. A case is
/// CONFIGURATION/SEED/N: the choices of the configuration (empty: the first of --config), the
/// program's seed, the number of instructions.
class ProgramFuzzer {
 public:
  ProgramFuzzer(const FuzzArguments& options, const std::vector<spec::Config>& designs)
      : o_(options), designs_(designs), deadline_(options.duration) {}

  int run() {
    if (!o_.one.empty()) return run_one();
    Progress progress("fuzz", o_.output.quiet);
    const int configs = designs_.empty() ? o_.configs : static_cast<int>(designs_.size());
    const int each = (o_.pairs + configs - 1) / configs;
    for (int k = std::max(0, o_.only); go_on() && (deadline_.set() || k < configs); ++k) {
      ++configs_;
      for (int n = 0; n < each && go_on(); ++n) {
        progress.update(
            fmt::format("design {}, program {} of {}, {} failed", k + 1, n + 1, each, failed_));
        if (designs_.empty())
          count(k, n);
        else
          count(k % configs, n + k / configs * each);
      }
      if (k == o_.only) break;
    }
    o_.output.print(fmt::format("{} programs on {} configurations (RTL{}): {} exact, {} failed\n",
                                exact_ + failed_, configs_,
                                o_.no_assertions ? "" : " with assertions", exact_, failed_));
    Json json;
    json["backend"] = "rtl";
    json["seed"] = o_.seed;
    json["programs"] = exact_ + failed_;
    json["exact"] = exact_;
    json["failed"] = failed_;
    o_.output.write_json(json, designs_.size() == 1 ? &designs_[0] : nullptr);
    return failed_ > 0 ? kWrongResult : kSuccess;
  }

 private:
  bool go_on() const { return failed_ < o_.most_failures && !deadline_.over(); }

  fuzz::Verdict verdict(const fuzz::ProgramCase& c) const {
    build_checked_model(c.config, c.assertions, o_.output.quiet);
    return fuzz::run_isolated([&] { return fuzz::run_program(c); },
                              o_.seconds > 0 ? o_.seconds : kSecondsOfProgram);
  }

  fuzz::ProgramCase case_of(const fuzz::Case& c) const {
    fuzz::ProgramCase made;
    fuzz::Choices choices{c.config, 0};
    made.config = !designs_.empty() ? designs_[0] : fuzz::any_config(choices);
    made.seed = c.data_seed;
    made.instructions = c.network.empty() ? fuzz::drawn_length(made.seed) : c.network[0];
    made.assertions = !o_.no_assertions;
    return made;
  }

  /// Runs program n on configuration k.
  void count(int k, int n) {
    fuzz::Case c;
    c.data_seed = static_cast<std::uint32_t>(hash64(fmt::format("{} {} {}", o_.seed, k, n)));
    fuzz::ProgramCase made = case_of(c);
    if (designs_.empty())
      std::tie(made.config, c.config) = fuzz::draw_config(o_.seed, k, {}, kMostPesRtl);
    else
      made.config = designs_[static_cast<std::size_t>(k)];
    const fuzz::Verdict v = verdict(made);
    if (v.outcome == fuzz::Outcome::kExact)
      ++exact_;
    else
      report(made, c.config, v, k);
  }

  std::string command(const fuzz::ProgramCase& c, const fuzz::Record& config, int k) const {
    std::string text = "trine fuzz --programs";
    if (!designs_.empty()) text += " --config " + o_.designs.at(static_cast<std::size_t>(k));
    if (!designs_.empty())
      for (const std::string& s : o_.settings) text += " --set '" + s + "'";
    if (o_.no_assertions) text += " --no-assertions";
    return fmt::format("{} --case {}/{}/{}", text, fuzz::to_text(config), c.seed, c.instructions);
  }

  void report(const fuzz::ProgramCase& c, const fuzz::Record& config, const fuzz::Verdict& first,
              int k) {
    ++failed_;
    fmt::print(stderr, "FAILED {}\n  {}\n", first.text, command(c, config, k));
    if (o_.as_drawn) {
      fmt::print(stderr, "{}", keep_case(o_, fuzz::case_text(c, first.text)));
      return;
    }
    const fuzz::ProgramCase simple = fuzz::shortest(c, [&](const fuzz::ProgramCase& shorter) {
      return !deadline_.over() && verdict(shorter).outcome == fuzz::Outcome::kFailed;
    });
    const std::string text = verdict(simple).text;
    fmt::print(stderr, "made shorter:\n{}  {}\n  {}\n{}", fuzz::describe(simple), text,
               command(simple, config, k), keep_case(o_, fuzz::case_text(simple, text)));
  }

  int run_one() {
    const fuzz::Case c = fuzz::parse_case(o_.one);
    const fuzz::ProgramCase made = case_of(c);
    o_.output.print(fuzz::describe(made));
    const fuzz::Verdict v = verdict(made);
    if (v.outcome == fuzz::Outcome::kFailed) {
      report(made, c.config, v, 0);
      return kWrongResult;
    }
    o_.output.print(fmt::format("exact, {} cycles (RTL)\n", grouped(v.rtl_cycles)));
    return kSuccess;
  }

  const FuzzArguments& o_;
  const std::vector<spec::Config>& designs_;
  const Deadline deadline_;
  int configs_ = 0, exact_ = 0, failed_ = 0;
};

}  // namespace

int fuzz_programs(const FuzzArguments& options, const std::vector<spec::Config>& designs) {
  return ProgramFuzzer(options, designs).run();
}

}  // namespace trine::cli
