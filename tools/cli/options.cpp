// SPDX-License-Identifier: Apache-2.0

#include "tools/cli/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>

#include "sw/base/error.h"

namespace trine::cli {
namespace {

/// Returns CLI11's range check with the same text for all versions.
template <typename Number>
Check within(Number lowest, Number highest) {
  return [=](CLI::Option& option) {
    const CLI::Range bounds(lowest, highest);
    const auto fault = [=](std::string& value) {
      return bounds(value).empty()
                 ? std::string()
                 : fmt::format("Value {} not in range {} to {}", value, lowest, highest);
    };
    option.check(CLI::Validator(fault, bounds.get_description()));
  };
}

}  // namespace

Check range(int lowest, int highest) { return within(lowest, highest); }
Check range(double lowest, double highest) { return within(lowest, highest); }

Check one_of(const std::vector<std::string>& values, bool listed) {
  return [=](CLI::Option& option) {
    const CLI::Validator member = CLI::IsMember(values);
    option.check(listed ? member : member.description(""));
  };
}

Check number() {
  return [](CLI::Option& option) { option.check(CLI::Number); };
}

Check checked(const std::function<std::string(const std::string&)>& fault) {
  return [=](CLI::Option& option) { option.check(fault); };
}

Option Option::check(const Check& check) {
  check(*option_);
  return *this;
}

Option Option::required(bool value) { return Option(option_->required(value)); }
Option Option::allow_extra_args(bool value) { return Option(option_->allow_extra_args(value)); }
Option Option::delimiter(char separator) { return Option(option_->delimiter(separator)); }
Option Option::group(const std::string& name) { return Option(option_->group(name)); }
Option Option::expected(int least, int most) { return Option(option_->expected(least, most)); }
Option Option::excludes(Option other) { return Option(option_->excludes(other.option_)); }
Option Option::needs(Option other) { return Option(option_->needs(other.option_)); }
Option Option::description(const std::string& what) { return Option(option_->description(what)); }
Option Option::default_val(const std::vector<std::string>& values) {
  return Option(option_->default_val(values));
}

Command Command::subcommand(const std::string& name, const std::string& what) const {
  CLI::App* command = app_->add_subcommand(name, what);
  if (!group_.empty()) command->group(group_);
  return Command(command);
}

Command Command::under(const std::string& group) const {
  Command same(*this);
  same.group_ = group;
  return same;
}

void Command::callback(std::function<void()> action) const { app_->callback(std::move(action)); }

void Command::footer(const std::string& text) const { app_->footer(text); }

Option Command::add_flag(const std::string& names, bool& value, const std::string& what) const {
  return Option(app_->add_flag(names, value, what));
}

Option Command::option(const std::string& name) const { return Option(app_->get_option(name)); }

std::string Command::name() const { return app_->get_name(); }

template <typename T>
Option add_value(Command command, const std::string& names, T& value, const std::string& what) {
  const std::size_t blank = names.find(' ');
  CLI::Option* option = command.app_->add_option(names.substr(0, blank), value, what);
  if (blank != std::string::npos) option->type_name(names.substr(blank + 1));
  return Option(option);
}

#define TRINE_VALUE(...)                                                            \
  template Option add_value<__VA_ARGS__>(Command, const std::string&, __VA_ARGS__&, \
                                         const std::string&);
TRINE_VALUE(bool)
TRINE_VALUE(int)
TRINE_VALUE(std::int64_t)
TRINE_VALUE(std::uint32_t)
TRINE_VALUE(std::uint64_t)
TRINE_VALUE(double)
TRINE_VALUE(std::string)
TRINE_VALUE(std::vector<std::string>)
TRINE_VALUE(std::vector<int>)
TRINE_VALUE(std::filesystem::path)
TRINE_VALUE(std::vector<std::filesystem::path>)
TRINE_VALUE(std::optional<int>)
TRINE_VALUE(std::optional<double>)
TRINE_VALUE(std::optional<std::string>)
#undef TRINE_VALUE

void parse_arguments(const std::vector<std::string>& arguments,
                     const std::function<void(Command)>& declare) {
  CLI::App app{"", "trine"};
  declare(Command(&app));
  try {
    app.parse(
        std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // as CLI11 expects them
  } catch (const CLI::ParseError& error) {
    throw_error("trine: {}", error.what());
  }
}

}  // namespace trine::cli
