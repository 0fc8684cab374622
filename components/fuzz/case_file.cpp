// SPDX-License-Identifier: Apache-2.0

#include "components/fuzz/case_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>

#include "spec/schema.h"
#include "sw/base/error.h"
#include "sw/base/json.h"
#include "sw/model/graph/elements.h"
#include "sw/model/graph/op_fields.h"
#include "sw/model/import/import.h"

namespace trine::fuzz {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::string hex_of(const Bytes& bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

Bytes bytes_of_hex(const std::string& text) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(text.substr(i, 2), nullptr, 16)));
  return bytes;
}

Json json_of(const Array& a) {
  return {{"dtype", a.dtype}, {"shape", a.shape}, {"bytes", hex_of(a.bytes)}};
}

Array array_of(const Json& json) {
  return {json.at("dtype").get<std::string>(), json.at("shape").get<std::vector<std::int64_t>>(),
          bytes_of_hex(json.at("bytes").get<std::string>())};
}

Json json_of(const std::vector<Array>& arrays) {
  Json list = Json::array();
  for (const Array& a : arrays) list.push_back(json_of(a));
  return list;
}

std::vector<Array> arrays_of(const Json& list) {
  std::vector<Array> arrays;
  for (const Json& json : list) arrays.push_back(array_of(json));
  return arrays;
}

/// Converts a number or an enumeration to a number.
template <typename T>
Json number_of(const T& value) {
  if constexpr (std::is_enum_v<T>)
    return static_cast<int>(value);
  else
    return value;
}

template <typename T>
void read_number(const Json& json, T& value) {
  if constexpr (std::is_enum_v<T>)
    value = static_cast<T>(json.get<int>());
  else
    value = json.get<T>();
}

Json json_of(const model::Tensor& t) {
  return {{"name", t.name},
          {"type", model::name_of(t.type)},
          {"shape", t.shape},
          {"scale", t.quantization.scale},
          {"zero_point", t.quantization.zero_point},
          {"axis", t.quantization.axis},
          {"encoding", number_of(t.encoding)},
          {"format", number_of(t.format)},
          {"constant", t.is_constant},
          {"data", hex_of(t.data.all())}};
}

model::Tensor tensor_of(const Json& json) {
  model::Tensor t;
  t.name = json.at("name").get<std::string>();
  t.type = model::type_named(json.at("type").get<std::string>()).value();
  t.shape = json.at("shape").get<std::vector<int>>();
  t.quantization.scale = json.at("scale").get<std::vector<float>>();
  t.quantization.zero_point = json.at("zero_point").get<std::vector<std::int64_t>>();
  read_number(json.at("axis"), t.quantization.axis);
  read_number(json.at("encoding"), t.encoding);
  read_number(json.at("format"), t.format);
  read_number(json.at("constant"), t.is_constant);
  t.data = bytes_of_hex(json.at("data").get<std::string>());
  return t;
}

/// Returns the attributes that differ from their defaults.
Json json_of(const model::Op& op) {
  static const model::Op kDefault;
  Json json{{"kind", model::name_of(op.kind)},
            {"name", op.name},
            {"index", op.index},
            {"inputs", op.inputs},
            {"outputs", op.outputs},
            {"new_shape", op.new_shape},
            {"numbers", op.numbers},
            {"words", op.words}};
  model::for_each_field([&](const char* name, auto member) {
    if (op.*member != kDefault.*member) json["attributes"][name] = number_of(op.*member);
  });
  for (const model::FloatStep& step : op.steps)
    json["steps"].push_back({{"kind", number_of(step.kind)}, {"value", step.value}});
  return json;
}

model::Op op_of_json(const Json& json) {
  model::Op op;
  op.kind = model::kind_of(json.at("kind").get<std::string>()).value();
  op.name = json.at("name").get<std::string>();
  read_number(json.at("index"), op.index);
  op.inputs = json.at("inputs").get<std::vector<int>>();
  op.outputs = json.at("outputs").get<std::vector<int>>();
  op.new_shape = json.at("new_shape").get<std::vector<int>>();
  op.numbers = json.at("numbers").get<std::map<std::string, std::vector<double>>>();
  op.words = json.at("words").get<std::map<std::string, std::string>>();
  const Json attributes = json.value("attributes", Json::object());
  model::for_each_field([&](const char* name, auto member) {
    if (attributes.contains(name)) read_number(attributes.at(name), op.*member);
  });
  for (const Json& step : json.value("steps", Json::array())) {
    model::FloatStep& made = op.steps.emplace_back();
    read_number(step.at("kind"), made.kind);
    made.value = step.at("value").get<std::vector<float>>();
  }
  return op;
}

/// Converts a graph without tensors that no operator reads or writes.
Json json_of(const model::Graph& graph) {
  std::vector<bool> used(graph.tensors.size());
  const auto use = [&](const std::vector<int>& tensors) {
    for (const int t : tensors)
      if (t >= 0) used[static_cast<std::size_t>(t)] = true;
  };
  Json json;
  use(graph.inputs);
  use(graph.outputs);
  for (const model::Op& op : graph.ops) {
    use(op.inputs);
    use(op.outputs);
    json["ops"].push_back(json_of(op));
  }
  for (std::size_t t = 0; t < graph.tensors.size(); ++t)
    json["tensors"].push_back(used[t] ? json_of(graph.tensors[t]) : Json());
  json["inputs"] = graph.inputs;
  json["outputs"] = graph.outputs;
  return json;
}

model::Graph graph_of(const Json& json) {
  model::Graph graph;
  graph.name = "kept";
  graph.file = "kept.tflite";
  for (const Json& t : json.at("tensors"))
    graph.tensors.push_back(t.is_null() ? model::Tensor{} : tensor_of(t));
  for (const Json& op : json.at("ops")) graph.ops.push_back(op_of_json(op));
  graph.inputs = json.at("inputs").get<std::vector<int>>();
  graph.outputs = json.at("outputs").get<std::vector<int>>();
  return graph;
}

/// Returns the settings that the pair runs with.
Json settings_of(const Pair& p) {
  return {{"fully_connected", number_of(p.rounding.fully_connected)},
          {"others", number_of(p.rounding.others)},
          {"cascading", number_of(p.ways.cascading)},
          {"sharing", number_of(p.ways.sharing)},
          {"axi_latency", p.axi_latency},
          {"axi_bytes_per_cycle", p.axi_bytes_per_cycle},
          {"stall_percent", p.stall_percent},
          {"allow_host", p.allow_host},
          {"seed", p.made.data_seed}};
}

void set_settings(const Json& json, Pair& p) {
  read_number(json.at("fully_connected"), p.rounding.fully_connected);
  read_number(json.at("others"), p.rounding.others);
  read_number(json.at("cascading"), p.ways.cascading);
  read_number(json.at("sharing"), p.ways.sharing);
  read_number(json.at("axi_latency"), p.axi_latency);
  read_number(json.at("axi_bytes_per_cycle"), p.axi_bytes_per_cycle);
  read_number(json.at("stall_percent"), p.stall_percent);
  read_number(json.at("allow_host"), p.allow_host);
  read_number(json.at("seed"), p.made.data_seed);
}

/// Calls parse(json) and reports errors in the text with the name of the file.
template <typename Parse>
auto parsed(const std::string& text, const std::string& file, Parse parse) try {
  return parse(parse_json(text, file));
} catch (const Json::exception& e) {
  throw_error("{}: not a case of trine fuzz: {}", file, e.what());
} catch (const std::bad_optional_access&) {
  throw_error("{}: not a case of trine fuzz: it contains an unknown operator or type", file);
}

}  // namespace

std::string case_text(const Pair& pair, const std::string& why) {
  Json json{{"why", why},
            {"family", family_names()[static_cast<std::size_t>(pair.family)]},
            {"config", pair.config.to_toml()}};
  json["settings"] = settings_of(pair);
  if (pair.decoder != nullptr || !pair.unread.empty()) {
    json["case"] = to_text(pair.made);
  } else if (pair.imported != nullptr) {
    json["file"] = pair.imported->text;
    json["expected"] = json_of(pair.imported->run(pair.inputs));
  } else {
    json["graph"] = json_of(pair.graph);
  }
  json["inputs"] = json_of(pair.inputs);
  return json_text(json, 1) + "\n";
}

std::string case_text(const ProgramCase& c, const std::string& why) {
  const Json json{{"why", why},
                  {"config", c.config.to_toml()},
                  {"program", {{"seed", c.seed}, {"instructions", c.instructions}}}};
  return json_text(json, 1) + "\n";
}

bool holds_program(const std::string& text, const std::string& file) {
  return parse_json(text, file).contains("program");
}

Pair parse_pair(const std::string& text, const std::string& file) {
  return parsed(text, file, [&](const Json& json) {
    const spec::Config config = spec::parse_config(json.at("config").get<std::string>(), file);
    if (json.contains("case")) {
      const Case c = parse_case(json.at("case").get<std::string>());
      return make_pair(c, config);
    }
    Pair p;
    p.config = config;
    const auto& names = family_names();
    p.family = static_cast<Family>(std::ranges::find(names, json.at("family").get<std::string>()) -
                                   names.begin());
    set_settings(json.at("settings"), p);
    p.inputs = arrays_of(json.at("inputs"));
    if (json.contains("file")) {
      const auto network = json.at("file").get<std::string>();
      p.graph = model::parse_tosa({network.begin(), network.end()}, "kept.tosa");
      p.imported = std::make_shared<const ImportedFile>(ImportedFile{
          network, [expected = arrays_of(json.at("expected"))](const std::vector<Array>&) {
            return expected;
          }});
    } else {
      p.graph = graph_of(json.at("graph"));
    }
    return p;
  });
}

ProgramCase parse_program_case(const std::string& text, const std::string& file) {
  return parsed(text, file, [&](const Json& json) {
    ProgramCase c;
    c.config = spec::parse_config(json.at("config").get<std::string>(), file);
    read_number(json.at("program").at("seed"), c.seed);
    read_number(json.at("program").at("instructions"), c.instructions);
    return c;
  });
}

}  // namespace trine::fuzz
