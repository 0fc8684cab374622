// SPDX-License-Identifier: Apache-2.0
//
// Commands and their options, without CLI11's headers: those take two seconds of each file that
// includes them, and leave the whole parser in its object. options.cpp alone has them.

#pragma once

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace trine::cli {

/// What a value must be; the parser's message names it.
using Check = std::function<void(CLI::Option&)>;
Check range(int lowest, int highest);
Check range(double lowest, double highest);
/// @param listed  behind the option's name in the help
Check one_of(const std::vector<std::string>& values, bool listed = true);
Check number();
/// @param fault  of a value; "": it is right
Check checked(const std::function<std::string(const std::string&)>& fault);

/// An option that was declared; its methods go on with it.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}
  Option* operator->() { return this; }

  Option check(const Check& check);
  Option required(bool value = true);
  Option allow_extra_args(bool value);    ///< false: one value each time that it is named
  Option delimiter(char separator);       ///< between values of one argument
  Option group(const std::string& name);  ///< "": not in the help
  Option expected(int least, int most);
  Option excludes(Option other);
  Option needs(Option other);
  Option description(const std::string& what);
  Option default_val(const std::vector<std::string>& values);

 private:
  CLI::Option* option_;
};

/// A command under declaration; a handle, copied freely.
class Command {
 public:
  explicit Command(CLI::App* app) : app_(app) {}

  Command subcommand(const std::string& name, const std::string& what) const;
  /// The same command; what is declared on it stands below this line of its help.
  Command under(const std::string& group) const;
  void callback(std::function<void()> action) const;
  void footer(const std::string& text) const;  ///< of its help: examples
  Option add_flag(const std::string& names, bool& value, const std::string& what) const;
  Option option(const std::string& name) const;  ///< one that was declared
  std::string name() const;

 private:
  template <typename T>
  friend Option add_value(Command command, const std::string& names, T& value,
                          const std::string& what);
  CLI::App* app_;
  std::string group_;  ///< of subcommands; "": CLI11's own
};

/// An option with a value, of the types that options.cpp lists.
/// @param names  "--out,-o DIR": last what the help calls the value
template <typename T>
Option add_value(Command command, const std::string& names, T& value, const std::string& what);

/// Options outside of a program's command line, with the same checks and texts.
/// @param declare  declares them
/// @throws Error  an argument is wrong
void parse_arguments(const std::vector<std::string>& arguments,
                     const std::function<void(Command)>& declare);

}  // namespace trine::cli
