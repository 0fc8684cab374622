// SPDX-License-Identifier: Apache-2.0

#include "synth/place/lef.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <vector>

#include "sw/base/error.h"
#include "synth/read/liberty.h"

namespace trine::synth {
namespace fs = std::filesystem;
namespace {

/// LEF gives the capacitance of a wire without neighbours; neighbours on both sides multiply it by
/// about this factor (an assumption; sg13g2: 0.20 fF/um).
constexpr float kNeighbours = 2.15f;

struct Layer {
  bool routing = false;
  float width = 0, ohm_per_square = 0, via_ohm = 0, pf_per_um2 = 0, pf_per_edge = 0;
};

/// Converts to upper case: keywords may have either case.
std::string upper(std::string_view word) {
  std::string text(word);
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

/// Splits a text into words without comments; ';' is a word of its own.
class Words {
 public:
  Words(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  /// @return false at the end
  bool next(std::string_view& word) {
    for (;;) {
      at_ = text_.find_first_not_of(" \t\r\n", at_);
      if (at_ == std::string_view::npos) return false;
      if (text_[at_] != '#') break;
      at_ = std::min(text_.find('\n', at_), text_.size());
    }
    const std::size_t end = std::min(text_.find_first_of(" \t\r\n", at_), text_.size());
    word = text_.substr(at_, end - at_);
    if (word.size() > 1 && word.back() == ';') word.remove_suffix(1);
    at_ += word.size();
    return true;
  }

  std::string_view word() {
    std::string_view word;
    if (!next(word)) throw_error("{}: not a LEF file: it ends too soon", file_);
    return word;
  }

  float number() {
    const std::string text(word());
    char* rest = nullptr;
    const float value = std::strtof(text.c_str(), &rest);
    if (*rest != '\0') throw_error("{}: not a LEF file: '{}' is not a number", file_, text);
    return value;
  }

 private:
  std::string_view text_;
  const std::string& file_;
  std::size_t at_ = 0;
};

class Reader {
 public:
  Reader(std::string_view text, const std::string& file, Lef& lef)
      : words_(text, file), lef_(lef) {}

  void run() {
    for (std::string_view next; words_.next(next);) {
      const std::string word = upper(next);
      if (word == "MACRO") {
        read_cell();
      } else if (word == "LAYER") {
        read_layer();
      } else if (word == "SITE") {
        read_site();
      } else if (word == "VIA" || word == "VIARULE" || word == "NONDEFAULTRULE") {
        skip(std::string(words_.word()));
      } else if (word == "PROPERTYDEFINITIONS" || word == "UNITS" || word == "SPACING") {
        skip(word);
      }
    }
    if (!layers_.empty()) lef_.wire = wire();
  }

 private:
  /// Calls f(word) for each word up to "END name".
  template <typename F>
  void until(const std::string& name, const F& f) {
    for (bool ends = false;;) {
      const std::string_view word = words_.word();
      if (ends && word == name) return;
      const std::string keyword = upper(word);
      ends = keyword == "END";
      if (!ends) f(keyword);
    }
  }

  void skip(const std::string& name) {
    until(name, [](std::string_view) {});
  }

  void read_site() {
    const std::string name(words_.word());
    float width = 0, height = 0;
    bool core = false;
    until(name, [&](std::string_view word) {
      if (word == "CORE") core = true;
      if (word == "SIZE") size(width, height);
    });
    if (!core || lef_.row_height > 0) return;
    lef_.site_width = width;
    lef_.row_height = height;
  }

  void size(float& width, float& height) {
    width = words_.number();
    words_.word();  // BY
    height = words_.number();
  }

  void read_cell() {
    const std::string name(words_.word());
    LefCell& cell = lef_.cells[name];
    Point origin;
    until(name, [&](std::string_view word) {
      if (word == "SIZE") size(cell.width, cell.height);
      if (word == "ORIGIN") origin = {words_.number(), words_.number()};
      if (word == "PIN") read_pin(cell);
    });
    for (auto& [pin, middle] : cell.pins) {
      middle.x += origin.x;
      middle.y += origin.y;
    }
  }

  void read_pin(LefCell& cell) {
    const std::string name(words_.word());
    Point low{1e9f, 1e9f}, high{-1e9f, -1e9f};
    until(name, [&](std::string_view word) {
      if (word != "RECT") return;
      for (int corner = 0; corner < 2; ++corner) {
        const Point p{words_.number(), words_.number()};
        low = {std::min(low.x, p.x), std::min(low.y, p.y)};
        high = {std::max(high.x, p.x), std::max(high.y, p.y)};
      }
    });
    if (low.x <= high.x) cell.pins[name] = {(low.x + high.x) / 2, (low.y + high.y) / 2};
  }

  void read_layer() {
    const std::string name(words_.word());
    Layer layer;
    until(name, [&](std::string_view word) {
      if (word == "ROUTING") layer.routing = true;
      if (word == "WIDTH" && layer.width == 0) layer.width = words_.number();
      if (word == "CPERSQDIST") layer.pf_per_um2 = words_.number();
      if (word == "EDGECAPACITANCE") layer.pf_per_edge = words_.number();
      if (word != "RESISTANCE") return;
      const std::string value(words_.word());
      (value == "RPERSQ" ? layer.ohm_per_square : layer.via_ohm) =
          value == "RPERSQ" ? words_.number() : std::strtof(value.c_str(), nullptr);
    });
    layers_.push_back(layer);
  }

  /// Returns the mean of the signal layers.
  WireCost wire() const {
    std::vector<Layer> routing;
    float via_ohm = 0;
    for (const Layer& layer : layers_) {
      if (layer.routing) routing.push_back(layer);
      if (routing.size() == 2 && via_ohm == 0) via_ohm = layer.via_ohm;  // above the second
    }
    WireCost cost;
    if (routing.size() < 2) return cost;
    int count = 0;
    for (const Layer& layer : routing) {
      if (&layer == &routing[0] || layer.width != routing[1].width || layer.width <= 0) continue;
      cost.kohm += layer.ohm_per_square / layer.width * 1e-3f;
      cost.pf += kNeighbours * (layer.pf_per_um2 * layer.width + 2 * layer.pf_per_edge);
      ++count;
    }
    const float share = count > 0 ? 1.0f / static_cast<float>(count) : 0;
    return {cost.kohm * share, cost.pf * share, via_ohm * 1e-3f};
  }

  Words words_;
  Lef& lef_;
  std::vector<Layer> layers_;
};

/// Returns the stem: "x.lef", "x.lef.gz" -> "x"; empty for other files.
std::string stem_of(const fs::path& file) {
  const std::string name = file.filename().string();
  const std::size_t at = name.rfind(".lef");
  const bool is_lef =
      at != std::string::npos && (name.substr(at) == ".lef" || name.substr(at) == ".lef.gz");
  return is_lef ? name.substr(0, at) : std::string();
}

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (!stem_of(entry.path()).empty()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

const LefCell& Lef::cell(const std::string& name) const {
  const auto found = cells.find(name);
  if (found == cells.end()) throw_error("--lef: no LEF file contains cell {}", name);
  return found->second;
}

void add_lef(std::string_view text, const std::string& file, Lef& lef) {
  Reader(text, file, lef).run();
}

Lef read_lef(const fs::path& where) {
  Lef lef;
  const std::vector<fs::path> files =
      fs::is_directory(where) ? files_of(where) : std::vector<fs::path>{where};
  for (const fs::path& file : files) add_lef(read_maybe_gzipped(file), file.string(), lef);
  if (lef.row_height <= 0 || lef.site_width <= 0)
    throw_error("--lef: {}: contains no SITE of class CORE", where.string());
  if (lef.wire.kohm <= 0 || lef.wire.pf <= 0)
    throw_error("--lef: {}: contains no resistance and capacitance of routing layers",
                where.string());
  return lef;
}

fs::path lef_folder_of(const fs::path& liberty) {
  const fs::path own = fs::absolute(liberty).parent_path();
  const std::string name = liberty.filename().string();
  for (const fs::path& folder : {own, own / "lef", own.parent_path() / "lef"})
    for (const fs::path& file : files_of(folder))
      if (name.starts_with(stem_of(file))) return folder;
  throw_error("--place: no LEF file next to {}: name the file or folder with --lef", name);
}

}  // namespace trine::synth
