// SPDX-License-Identifier: Apache-2.0
//
// Declares commands and options without CLI11's headers, which cost two seconds in each file that
// includes them and put the whole parser into its object. Only options.cpp includes them.

#pragma once

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace trine::cli {

/// A condition on an option's value; the parser's message names it.
using Check = std::function<void(CLI::Option&)>;
Check range(int lowest, int highest);
Check range(double lowest, double highest);
/// @param listed  true: the help lists the values after the option's name
Check one_of(const std::vector<std::string>& values, bool listed = true);
/// Requires a number.
Check number();
/// @param fault  returns the fault of a value, or "" if it is valid
Check checked(const std::function<std::string(const std::string&)>& fault);

/// A declared option. Its methods return the option, so that calls can be chained.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}
  Option* operator->() { return this; }

  Option check(const Check& check);
  Option required(bool value = true);
  Option allow_extra_args(bool value);    ///< false: one value each time the option is given
  Option delimiter(char separator);       ///< separator between values of one argument
  Option group(const std::string& name);  ///< "": hidden from the help
  Option expected(int least, int most);
  Option excludes(Option other);
  Option needs(Option other);
  Option description(const std::string& what);
  Option default_val(const std::vector<std::string>& values);

 private:
  CLI::Option* option_;
};

/// A command that is being declared: a handle, which can be copied.
class Command {
 public:
  explicit Command(CLI::App* app) : app_(app) {}

  Command subcommand(const std::string& name, const std::string& what) const;
  /// Returns the same command. Subcommands that are declared on the result appear in its help below
  /// the heading `group`.
  Command under(const std::string& group) const;
  void callback(std::function<void()> action) const;
  void footer(const std::string& text) const;  ///< end of its help: examples
  Option add_flag(const std::string& names, bool& value, const std::string& what) const;
  Option option(const std::string& name) const;  ///< returns a declared option
  std::string name() const;

 private:
  template <typename T>
  friend Option add_value(Command command, const std::string& names, T& value,
                          const std::string& what);
  CLI::App* app_;
  std::string group_;  ///< group of subcommands; "": CLI11's default
};

/// Declares an option with a value of a type that options.cpp lists.
/// @param names  "--out,-o DIR": the last word is the value's name in the help
template <typename T>
Option add_value(Command command, const std::string& names, T& value, const std::string& what);

/// Parses options outside of the program's command line, with the same checks and texts.
/// @param declare  declares them
/// @throws Error  an argument is invalid
void parse_arguments(const std::vector<std::string>& arguments,
                     const std::function<void(Command)>& declare);

}  // namespace trine::cli
