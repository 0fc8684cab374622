// SPDX-License-Identifier: Apache-2.0
//
// trine regress: every check that can be made of one design. Each check is a process of its own
// (--only), whose outcome the engine of components/sweep stores, so that a killed run continues.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <thread>

#include "components/regress/checks.h"
#include "components/regress/coverage.h"
#include "components/regress/page.h"
#include "components/sweep/jobs.h"
#include "sw/base/error.h"
#include "sw/base/file.h"

namespace trine::cli {
namespace {

namespace fs = std::filesystem;
using namespace regress;

struct RegressArguments {
  Output output;
  Design design;
  std::vector<std::string> only;
  std::string engine = "local", out, html, junit;
  int jobs = 0, seconds = 0;
  std::uint64_t seed = 1;
  bool quick = false, full = false, list = false;
};

constexpr const char* kNotReached = "not reached";

/// Quotes a word for a shell.
std::string quoted(const std::string& word) {
  return word.find_first_of(" \"'[]*") == std::string::npos ? word : "'" + word + "'";
}

class Regression {
 public:
  explicit Regression(const RegressArguments& options) : o_(options) {
    if (o_.quick && o_.full) throw_error("--quick and --full: allowed one of them");
    context_.design = o_.design;
    context_.config = o_.design.load();
    context_.level = o_.quick ? Level::kQuick : o_.full ? Level::kFull : Level::kDefault;
    context_.seed = o_.seed;
    const std::string folder =
        fmt::format("regress_{}_{:016x}", context_.config.name, context_.config.identity());
    context_.out = fs::absolute(o_.out.empty() ? folder : o_.out).string();
    context_.jobs = o_.jobs > 0 ? o_.jobs : static_cast<int>(std::thread::hardware_concurrency());
    o_.output.check({{"--html", o_.html}, {"--junit", o_.junit}}, {});
    check_writable_folder(context_.out);
    checks_ = checks_of(context_);
    page_.design = design_name(context_.config);
    for (const regress::Check& check : checks_) {
      Row& row = page_.rows.emplace_back();
      row.check = &check;
      row.command = command_of(check);
    }
  }

  int run() {
    if (o_.list) return list();
    select();
    claim_folder();
    if (o_.only.size() == 1)
      run_here();
    else
      run_all();
    page_.interrupted = false;
    write();
    o_.output.print(to_text(page_, static_cast<std::size_t>(columns())));
    if (o_.only.size() != 1) o_.output.print(fmt::format("\npage: {}\n", page_file().string()));
    o_.output.write_json(regress::to_json(page_), &context_.config);
    return page_.count(State::kFailed) > 0 ? kWrongResult : kSuccess;
  }

 private:
  int list() const {
    std::string text;
    for (const regress::Check& check : checks_)
      text += fmt::format("{:24}{}{}\n", check.name, check.purpose,
                          check.excuse.empty() ? "" : " (n/a: " + check.excuse + ")");
    o_.output.print(text);
    return kSuccess;
  }

  std::string level_option() const { return o_.quick ? "--quick" : o_.full ? "--full" : ""; }

  std::vector<std::string> words_of(const regress::Check& check) const {
    std::vector<std::string> words{"regress", "--only", check.name};
    for (const std::string& option : context_.design_options()) words.push_back(option);
    if (!level_option().empty()) words.push_back(level_option());
    if (o_.seed != 1) words.insert(words.end(), {"--seed", std::to_string(o_.seed)});
    words.insert(words.end(), {"--out", context_.out});
    return words;
  }

  std::string command_of(const regress::Check& check) const {
    std::string text = "trine";
    for (const std::string& word : words_of(check)) text += " " + quoted(word);
    return text;
  }

  /// Marks the checks that run: the checks of the level, or of --only.
  void select() {
    std::set<std::string> unknown(o_.only.begin(), o_.only.end());
    for (Row& row : page_.rows) {
      const bool asked = std::ranges::find(o_.only, row.check->name) != o_.only.end();
      unknown.erase(row.check->name);
      if (!row.check->excuse.empty()) {
        row.state = State::kExcused;
        row.text = row.check->excuse;
      } else if (asked || (o_.only.empty() && row.check->least <= context_.level)) {
        row.text = kNotReached;
      } else {
        row.text = o_.only.empty() ? "left out by --quick" : "not in --only";
      }
    }
    if (!unknown.empty())
      throw_error("--only {}: unknown check, allowed one of trine regress --list",
                  *unknown.begin());
    if (!o_.only.empty())
      std::erase_if(page_.rows, [&](const Row& row) {
        return std::ranges::find(o_.only, row.check->name) == o_.only.end();
      });
    for (Row& row : page_.rows)
      if (row.text == kNotReached) chosen_.push_back(&row);
    std::ranges::stable_sort(chosen_, {}, [](const Row* row) { return row->check->order; });
  }

  /// Runs a single check in this process.
  void run_here() {
    if (chosen_.empty()) return;
    Row& row = *chosen_[0];
    const Progress progress(row.check->name, o_.output.quiet);
    const double before = processor_seconds();
    const fs::path counters = start_counters(row.check->name);
    const Finding finding = row.check->run(context_);
    keep_counters(row.check->name, counters);
    row.seconds = processor_seconds() - before;
    row.state = finding.failure.empty() ? State::kPassed : State::kFailed;
    row.text = finding.failure.empty() ? finding.covered : finding.failure;
    row.gaps = finding.gaps;
    row.details = finding.details;
  }

  /// Makes the models of this process count lines.
  fs::path start_counters(const std::string& check) const {
    const fs::path folder = coverage_folder(context_) / check;
    std::error_code ignored;
    fs::remove_all(folder, ignored);
    fs::create_directories(folder);
    ::setenv("TRINE_RTL_COVERAGE", folder.c_str(), 1);
    ::setenv("TRINE_RTL_COVERAGE_LINES", "1", 1);
    return folder;
  }

  void keep_counters(const std::string& check, const fs::path& folder) const {
    Lines lines;
    add_counters(folder, lines);
    if (!lines.empty())
      write_file(coverage_folder(context_) / (check + ".json"), json_text(to_json(lines)));
    fs::remove_all(folder);
  }

  /// Returns the counters of all checks, on which the coverage depends.
  std::string counters_text() const {
    std::string text;
    if (!fs::exists(coverage_folder(context_))) return text;
    std::set<fs::path> files;
    for (const auto& entry : fs::directory_iterator(coverage_folder(context_)))
      if (entry.is_regular_file()) files.insert(entry.path());
    for (const fs::path& file : files) text += file.filename().string() + read_text(file);
    return text;
  }

  /// Refuses a folder with another design's results, which would count as this design's.
  void claim_folder() const {
    fs::create_directories(context_.out);
    const fs::path file = fs::path(context_.out) / "config.toml";
    const std::string own = context_.config.to_toml();
    if (fs::exists(file) && read_text(file) != own)
      throw_error("--out {}: has results of another design, allowed a folder for each design",
                  context_.out);
    write_file(file, own);
  }

  sweep::Task task_of(const Row& row) const {
    const std::vector<std::string> words = words_of(*row.check);
    std::string depends = fmt::format("{} {}", fmt::join(words, " "), context_.config.to_toml());
    if (row.check->order > 1) depends += counters_text();
    return trine_task(task_name(depends), words);
  }

  fs::path results() const { return fs::path(context_.out) / "results"; }
  fs::path page_file() const {
    return o_.html.empty() ? fs::path(context_.out) / "regress.html" : fs::path(o_.html);
  }

  /// Runs each check as a process, the ones of a lower order first.
  void run_all() {
    page_.interrupted = true;
    Progress progress("regress", o_.output.quiet);
    for (std::size_t first = 0, end = 0; first < chosen_.size(); first = end) {
      while (end < chosen_.size() && chosen_[end]->check->order == chosen_[first]->check->order)
        ++end;
      if (o_.seconds > 0) end = std::min(end, first + static_cast<std::size_t>(context_.jobs));
      if (o_.seconds > 0 && spent() >= o_.seconds) {
        for (std::size_t i = first; i < chosen_.size(); ++i)
          chosen_[i]->text = fmt::format("--seconds {} were over", o_.seconds);
        return;
      }
      run_some({chosen_.begin() + static_cast<std::ptrdiff_t>(first),
                chosen_.begin() + static_cast<std::ptrdiff_t>(end)},
               progress);
      if (std::ranges::any_of(chosen_, [](const Row* row) {
            return row->check->order == 0 && row->state == State::kFailed;
          })) {
        for (std::size_t i = end; i < chosen_.size(); ++i)
          chosen_[i]->text = "the design was not emitted or not built";
        return;
      }
    }
  }

  double spent() const {
    double all = 0;
    for (const Row& row : page_.rows) all += row.seconds;
    return all;
  }

  void run_some(const std::vector<Row*>& rows, Progress& progress) {
    std::vector<sweep::Task> tasks;
    for (const Row* row : rows) tasks.push_back(task_of(*row));
    sweep::EngineOptions options;
    options.engine = o_.engine == "slurm" ? sweep::Engine::kSlurm : sweep::Engine::kLocal;
    options.jobs = o_.jobs;
    options.retry = true;  // a failed check is repeated, a passed one is not
    int shown = -1;
    const auto observer = [&](int known, int, int) {
      if (known == shown) return;
      shown = known;
      take(rows, sweep::outcomes_of(tasks, results()));
      write();
      progress.update(state_of());
    };
    const std::vector<sweep::Outcome> outcomes = sweep::run(tasks, results(), options, observer);
    take(rows, outcomes);
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (!outcomes[i].known()) {
        rows[i]->state = State::kFailed;
        rows[i]->text = "did not end: " + outcomes[i].reason();
      }
  }

  /// Returns "12 of 30 checks, 1 failed: layers.pool".
  std::string state_of() const {
    const auto ended = std::ranges::count_if(chosen_, [](const Row* row) {
      return row->state == State::kPassed || row->state == State::kFailed;
    });
    std::string text =
        fmt::format("{} of {} checks, {:.0f} s of processor time", ended, chosen_.size(), spent());
    if (const int failed = page_.count(State::kFailed); failed > 0)
      text += fmt::format(", {} failed", failed);
    return text;
  }

  static void take(const std::vector<Row*>& rows, const std::vector<sweep::Outcome>& outcomes) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const sweep::Outcome& outcome = outcomes[i];
      if (!outcome.known()) continue;
      Row& row = *rows[i];
      row.state = outcome.code == 0 ? State::kPassed : State::kFailed;
      if (!outcome.result.is_object() || !outcome.result.contains("checks")) {
        row.text = fmt::format("exit code {}: {}", outcome.code, outcome.reason());
        continue;
      }
      const Json& check = outcome.result["checks"][0];
      row.text = check.value("text", "");
      row.seconds = check.value("processor_seconds", 0.0);
      row.details = check.value("details", Json());
      row.gaps = check.value("gaps", std::vector<std::string>());
    }
  }

  void write() const {
    if (o_.only.size() == 1) {
      if (!o_.junit.empty()) write_file(o_.junit, to_junit(page_));
      return;
    }
    write_file(page_file(), to_html(page_));
    write_file(o_.junit.empty() ? fs::path(context_.out) / "junit.xml" : fs::path(o_.junit),
               to_junit(page_));
  }

  const RegressArguments& o_;
  Context context_;
  std::vector<regress::Check> checks_;
  Page page_;
  std::vector<Row*> chosen_;  ///< rows of page_ that run
};

int run(const RegressArguments& options) { return Regression(options).run(); }

}  // namespace

void add_regress(Command app, Action& action) {
  const auto [command, options] = add_command<RegressArguments>(
      app, action, "regress", "every check of one design: one command, one page", run);
  options->design.declare(command);
  command.add_flag("--quick", options->quick, "fewer cases of each check, in some minutes");
  command.add_flag("--full", options->full, "many more cases, the clock, all proofs (hours)");
  add_value(command, "--seconds N", options->seconds,
            "start no check after N seconds of processor time")
      ->check(range(1, 1 << 20));
  add_value(command, "--only CHECK", options->only, "only this check; may be repeated")
      ->allow_extra_args(false);
  command.add_flag("--list", options->list, "print the checks of this design, and run none");
  add_value(command, "--seed S", options->seed, "seed of the random programs and networks (1)");
  add_value(command, "--out DIR", options->out,
            "folder for the page, the results and failures\n"
            "(regress_NAME_HASH): a second run continues there");
  add_value(command, "--html FILE", options->html, "the page (DIR/regress.html)");
  add_value(command, "--junit FILE", options->junit, "JUnit XML, for CI (DIR/junit.xml)");
  add_value(command, "--engine E", options->engine, "local: processes; slurm: a job array (local)")
      ->check(one_of({"local", "slurm"}));
  add_value(command, "--jobs,-j N", options->jobs, "processes at a time (one per processor)")
      ->check(range(1, 1 << 16));
  options->output.declare(command);
  command.footer(
      "The first line is the verdict, the second one says what was not checked. Each check\n"
      "prints the command that repeats only this check. Checks that passed are not repeated while\n"
      "design, program and seed are the same. A failure is made simpler and leaves a folder in\n"
      "DIR/failures: program, memory, first difference, waveform.\n"
      "Exit code 1: a check failed.\n\n"
      "Examples:\n"
      "  trine regress --config edge64 --quick\n"
      "  trine regress --config edge64 --set array.rows=12 --set array.cols=20\n"
      "  trine regress --config my.toml --only layers.pool --only bus.slaves");
}

}  // namespace trine::cli
