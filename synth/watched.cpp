// SPDX-License-Identifier: Apache-2.0

#include "synth/watched.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "sw/base/error.h"
#include "sw/base/process.h"

namespace trine::synth {
namespace fs = std::filesystem;
namespace {

/// Reports the last line of a growing file to `progress` each second while it exists.
class Watch {
 public:
  Watch(const fs::path& log, const std::function<void(const std::string&)>& progress)
      : thread_([this, log, progress] {
          std::unique_lock<std::mutex> lock(mutex_);
          while (!ended_.wait_for(lock, std::chrono::seconds(1), [this] { return end_; })) {
            const std::string line = last_line_of(log);
            if (!line.empty()) progress(line);
          }
        }) {}
  ~Watch() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      end_ = true;
    }
    ended_.notify_all();
    thread_.join();
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false;
  std::thread thread_;  // declared last: it reads the others
};

}  // namespace

void run_watched(const std::vector<std::string>& argv, const fs::path& folder,
                 const std::string& name, const std::string& what,
                 const std::function<void(const std::string&)>& progress) {
  const fs::path log = folder / (name + ".log");
  int code = 0;
  {
    const Watch watch(log, progress);
    code = run_process(argv, folder, log);
  }
  if (code != 0) throw_error("{}: {}", what, last_line_of(log));
}

}  // namespace trine::synth
