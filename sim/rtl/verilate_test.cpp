// SPDX-License-Identifier: Apache-2.0
//
// Checks which of Verilator's files are compiled.

#include "sim/rtl/verilate.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "sw/base/catch.h"
#include "sw/base/file.h"
#include "sw/base/process.h"

using namespace trine;
using namespace trine::sim;
namespace fs = std::filesystem;

namespace {

using Lists = std::map<std::string, std::vector<std::string>>;

/// Writes the files and lists that Verilator would write.
void write_classes(const fs::path& folder, const Lists& lists) {
  std::string makefile = "# Generated\nVM_TRACE = 1\n";
  for (const auto& [list, files] : lists) {
    makefile += "# of this kind\n" + list + " += \\\n";
    for (const std::string& file : files) {
      makefile += "\t" + file + " \\\n";
      write_file(folder / (file + ".cpp"), "// " + file + "\n");
    }
    makefile += "\n";
  }
  write_file(folder / "Vtop_classes.mk", makefile);
}

/// Returns the files that make compiles with these settings, each by itself or within a unit.
std::vector<std::string> compiled(const fs::path& folder, Lists lists,
                                  const std::vector<std::string>& settings) {
  for (const std::string& setting : settings) {
    const std::size_t equals = setting.find('=');
    const auto list = lists.find(setting.substr(0, equals));
    if (list == lists.end()) continue;
    std::istringstream names(setting.substr(equals + 1));
    list->second.clear();
    for (std::string name; names >> name;) list->second.push_back(name);
  }
  std::vector<std::string> all;
  for (const auto& [list, files] : lists)
    for (const std::string& file : files) {
      std::istringstream lines(read_text(folder / (file + ".cpp")));
      for (std::string word, name; lines >> word >> name;)
        all.push_back(word == "#include" ? name.substr(1, name.size() - 6) : name);
    }
  std::ranges::sort(all);
  return all;
}

}  // namespace

TEST_CASE("each of Verilator's files is compiled once, however many its lists have",
          "[rtl][verilate]") {
  const TemporaryFolder folder(fs::temp_directory_path(), "verilate");
  for (const int classes : {0, 1, 2, 7})
    for (const int fast : {0, 1, 4})
      for (const int slow : {0, 1, 3}) {
        CAPTURE(classes, fast, slow);
        Lists lists;
        std::vector<std::string> once;
        const auto fill = [&](const std::string& list, int number) {
          for (int i = 0; i < number; ++i) {
            lists[list].push_back(fmt::format("{}_{}", list, i));
            once.push_back(lists[list].back());
          }
          lists[list];
        };
        fill("VM_CLASSES_FAST", classes);
        fill("VM_CLASSES_SLOW", classes / 2);
        fill("VM_SUPPORT_FAST", fast);
        fill("VM_SUPPORT_SLOW", slow);
        write_classes(folder.path(), lists);
        std::ranges::sort(once);
        CHECK(compiled(folder.path(), lists, join_classes(folder.path(), "top")) == once);
      }
}
