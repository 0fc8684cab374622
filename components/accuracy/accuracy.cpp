// SPDX-License-Identifier: Apache-2.0
//
// trine accuracy: counts how many of a user's labelled examples a model classifies correctly.

#include <fmt/format.h>

#include <atomic>
#include <exception>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

#include "components/accuracy/cases.h"
#include "components/accuracy/data.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "sw/model/import/import.h"
#include "sw/reference/rank.h"
#include "sw/reference/vectors/vectors.h"
#include "tools/cli/common.h"
#include "tools/cli/models/own_model.h"
#include "tools/cli/models/python.h"
#include "tools/cli/run/check.h"
#include "tools/cli/run/network.h"

namespace trine::cli {
namespace {

constexpr std::size_t kTop = 5;

struct AccuracyArguments {
  Output output;
  NetworkOptions network;
  BackendOptions backend;
  Preparation preparation;
  PythonOptions python;
  std::string data, real;
  std::size_t count = 0;
  unsigned threads = 0;
};

struct Count {
  std::size_t images = 0, first = 0, top = 0;  ///< all, correct, correct among the first five
  std::uint64_t cycles = 0;                    ///< of the slowest image
  std::size_t classes = 0;
};

/// The model, the data, and the backend.
struct Job {
  const AccuracyArguments& options;
  const DataSet& data;
  const Network& network;
  reference::RoundingPolicy policy;
  std::size_t images;

  const model::Graph& graph() const { return *network.graph; }
  const model::Tensor& input() const { return graph().tensor(graph().inputs[0]); }
  bool on_machine() const { return options.backend.backend != "golden"; }

  Array image(std::size_t index) const {
    return options.preparation.prepared(data.example(index), input(), graph().channels_first,
                                        data.name(index));
  }

  /// @throws Error  there is no label, or it is not one of the classes
  void check_labels(std::size_t index, const Array& output) const {
    const std::vector<std::int64_t>& labels = data.labels(index);
    const auto elements = static_cast<std::size_t>(output.elements());
    if (labels.empty()) throw_error("{}: has no label", data.name(index));
    if (elements == 0 || elements % labels.size() != 0)
      throw_error("{}: {} labels, but output 0 of {} has {} elements", data.name(index),
                  labels.size(), options.network.model, elements);
    const auto classes = static_cast<std::int64_t>(elements / labels.size());
    for (const std::int64_t label : labels)
      if (label < 0 || (classes > 1 && label >= classes))
        throw_error("{}: label {}, allowed 0..{}, the classes of {}", data.name(index), label,
                    classes - 1, options.network.model);
  }

  Runner runner() const {
    if (on_machine())
      return make_runner(network.program, options.backend, {image(0)}, options.output.quiet);
    return [this](const std::vector<Array>& inputs) {
      sim::RunResult result;
      result.outputs =
          reference::outputs_of(graph(), reference::run_graph(graph(), inputs, policy));
      return result;
    };
  }
};

/// Distributes images to threads: the next free thread takes the next image.
class Workers {
 public:
  explicit Workers(const Job& job)
      : job_(job), progress_(job.options.network.model + ": running", job.options.output.quiet) {}

  /// @throws Error  the first error of a thread
  Count run(unsigned threads) {
    std::vector<std::thread> others;
    for (unsigned i = 1; i < threads; ++i) others.emplace_back([this] { work(); });
    work();
    for (std::thread& thread : others) thread.join();
    if (fault_) std::rethrow_exception(fault_);
    return total_;
  }

 private:
  void work() {
    try {
      const Runner run = job_.runner();
      for (std::size_t i = next_++; i < job_.images; i = next_++) count(i, run({job_.image(i)}));
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!fault_) fault_ = std::current_exception();
      next_ = job_.images;
    }
  }

  void count(std::size_t index, const sim::RunResult& result) {
    const Array& output = result.outputs.at(0);
    job_.check_labels(index, output);
    const std::vector<std::int64_t>& labels = job_.data.labels(index);
    const std::size_t rank = reference::rank_of(output, labels);
    const std::lock_guard<std::mutex> lock(mutex_);
    total_.images += 1;
    total_.first += rank == 0 ? 1 : 0;
    total_.top += rank < kTop ? 1 : 0;
    total_.cycles = std::max(total_.cycles, result.cycles);
    total_.classes = static_cast<std::size_t>(output.elements()) / labels.size();
    progress_.update(fmt::format("image {} of {}", grouped(total_.images), grouped(job_.images)));
  }

  const Job& job_;
  Progress progress_;
  std::atomic<std::size_t> next_{0};
  std::mutex mutex_;
  Count total_;
  std::exception_ptr fault_;
};

/// Returns how many images the float model classifies correctly with its own runtime; nothing
/// without --float.
std::optional<std::size_t> float_right(const Job& job) {
  const AccuracyArguments& o = job.options;
  if (o.real.empty()) return std::nullopt;
  const TemporaryFolder scratch(std::filesystem::temp_directory_path());
  CaseOptions cases{static_cast<int>(job.images)};
  cases.data = o.data;
  cases.preparation = o.preparation;
  const std::string folder = (scratch.path() / "vectors").string();
  std::vector<std::string> arguments{o.network.model, "--out",   folder,
                                     "--no-layers",   "--float", o.real};
  for (const std::string& argument : cases.arguments(o.network.model, scratch.path()))
    arguments.push_back(argument);
  const Python python(o.python, recorder_of(o.network.model), o.output);
  python.run("record", arguments, o.real + ": running");
  std::size_t right = 0;
  for (const reference::VectorCase& one : reference::read_vectors(folder).cases) {
    if (one.labels.empty())
      throw_error("--float: {} has examples without exactly one label", o.data);
    right += reference::rank_of(one.outputs.at(0), one.labels) == 0 ? 1 : 0;
  }
  return right;
}

double share(std::size_t part, std::size_t of) {
  return static_cast<double>(part) / static_cast<double>(of);
}

std::string to_text(const Job& job, const spec::Config& config, const Count& c,
                    std::optional<std::size_t> real, double seconds, unsigned threads) {
  const std::string& backend = job.options.backend.backend;
  std::string text = fmt::format(
      "{}{} ({}): {} image{} of {}\ntop-1 {:.2f} % ({} right)", job.graph().name,
      job.on_machine() ? " on " + config.name : "", backend, grouped(c.images),
      c.images == 1 ? "" : "s", job.options.data, 100 * share(c.first, c.images), grouped(c.first));
  if (c.classes > 1)
    text += fmt::format(", top-5 {:.2f} % ({})", 100 * share(c.top, c.images), grouped(c.top));
  text += "\n";
  if (real)
    text += fmt::format("top-1 of {}: {:.2f} % ({} right)\n", job.options.real,
                        100 * share(*real, c.images), grouped(*real));
  if (job.on_machine()) text += fmt::format("{} cycles an image; ", grouped(c.cycles));
  return text + fmt::format("{} images per second, {} thread{}\n",
                            grouped(static_cast<double>(c.images) / seconds), threads,
                            threads == 1 ? "" : "s");
}

Json to_json(const Job& job, const Count& c, std::optional<std::size_t> real, double seconds,
             unsigned threads) {
  return {{"model", job.graph().name},
          {"backend", job.options.backend.backend},
          {"data", job.options.data},
          {"images", c.images},
          {"top1", share(c.first, c.images)},
          {"top5", c.classes > 1 ? Json(share(c.top, c.images)) : Json(nullptr)},
          {"top1_right", c.first},
          {"top5_right", c.classes > 1 ? Json(c.top) : Json(nullptr)},
          {"float_model", real ? Json(job.options.real) : Json(nullptr)},
          {"top1_float", real ? Json(share(*real, c.images)) : Json(nullptr)},
          {"top1_float_right", real ? Json(*real) : Json(nullptr)},
          {"classes", c.classes},
          {"cycles", job.on_machine() ? Json(c.cycles) : Json(nullptr)},
          {"seconds", seconds},
          {"images_per_second", static_cast<double>(c.images) / seconds},
          {"threads", threads}};
}

/// Loads the model; for golden layers nothing is compiled.
Network load(const AccuracyArguments& options, const spec::Config& config,
             reference::RoundingPolicy policy) {
  if (is_program_file(options.network.model))
    throw_error("{}: is a program, allowed the model that it was compiled from",
                options.network.model);
  if (options.backend.backend != "golden") return load_network(options.network, config, policy);
  Network network;
  network.graph = model::parse_model(read_file(options.network.model), options.network.model, true,
                                     model::parse_shapes(options.network.shapes));
  return network;
}

unsigned threads_of(const AccuracyArguments& options, std::size_t images) {
  // The RTL is compiled for one thread, and its memory is fully used.
  if (options.backend.backend != "arch" && options.backend.backend != "golden") return 1;
  const unsigned wanted =
      options.threads > 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  return static_cast<unsigned>(std::min<std::size_t>(wanted, images));
}

int run(const AccuracyArguments& given) {
  AccuracyArguments options = given;
  options.backend.check();
  options.preparation.parse();
  options.output.check(options.backend.written(), options.network.read());
  if (!options.real.empty()) read_file(options.real);  // fails before minutes of work
  const spec::Config config = options.network.design.load();
  const DataSet data(options.data);
  const auto policy = options.network.policy(data.policy());
  const Network network = load(options, config, policy);
  if (network.graph->inputs.size() != 1)
    throw_error("{}: has {} inputs, accuracy allows 1", options.network.model,
                network.graph->inputs.size());
  const std::size_t images = options.count > 0 ? std::min(options.count, data.size()) : data.size();
  const Job job{options, data, network, policy, images};
  const unsigned threads = threads_of(options, images);
  const Stopwatch watch;
  const Count count = Workers(job).run(threads);
  const double seconds = watch.seconds();
  const std::optional<std::size_t> real = float_right(job);
  options.output.print(to_text(job, config, count, real, seconds, threads));
  options.output.write_json(to_json(job, count, real, seconds, threads), &config);
  return kSuccess;
}

}  // namespace

void add_accuracy(Command app, Action& action) {
  const auto [command, options] = add_command<AccuracyArguments>(
      app, action, "accuracy", "top-1 and top-5 of a model on labelled examples", run);
  options->network.declare(command);
  add_value(command, "--data DIR", options->data,
            "folder with x.npy and y.npy, with labels.csv, with a folder of .npy\n"
            "files for each class, or of vectors; or F.csv: label,value,...")
      ->required();
  options->preparation.declare(command);
  add_value(command, "--count N", options->count, "only the first N examples (0: all)");
  add_value(command, "--threads N", options->threads,
            "threads of arch and golden (0: one per core)")
      ->check(range(0, 256));
  add_value(command, "--float F", options->real,
            "the float model that MODEL was quantized from: also report its top-1,\n"
            "computed by its own runtime");
  options->backend.backend = "arch";
  options->backend.declare(command, true);
  options->python.declare(command);
  options->output.declare(command);
  command.footer(
      "The architecture simulator (the default here) computes the same codes as the RTL and as "
      "the\n"
      "golden layers. Data of the model's own type are used unchanged; floats are quantized;\n"
      "for anything else --mean and --scale say what the values mean (docs/accuracy.md).\n\n"
      "Examples:\n"
      "  trine accuracy --config edge256 models/lenet_mnist.tflite \\\n"
      "    --data models/mnist_held_back --scale 1/255\n"
      "  trine accuracy --config edge256 MODEL.onnx --data images --backend golden \\\n"
      "    --mean 123.7,116.3,103.5 --scale 0.0171,0.0175,0.0174");
}

}  // namespace trine::cli
