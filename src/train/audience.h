#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "graft/train/callback.h"
#include "graft/train/stopping.h"

namespace graft::train {

/// Those who watch a run, and may end it: callbacks, and whoever holds the stop token.
class Audience {
 public:
  Audience(std::vector<std::shared_ptr<Callback>> callbacks, std::stop_token stop)
      : callbacks_(std::move(callbacks)), stop_(std::move(stop)) {}

  void add(std::shared_ptr<Callback> callback) { callbacks_.push_back(std::move(callback)); }
  const std::vector<std::shared_ptr<Callback>>& callbacks() const { return callbacks_; }
  const std::stop_token& stop() const { return stop_; }

  /// `call` gives what a callback wants of the run; all are asked.
  template <class Call>
  void ask(Call call) {
    for (const auto& callback : callbacks_) {
      if (call(*callback) != Action::Stop) continue;
      const auto* stopping = dynamic_cast<const Stopping*>(callback.get());
      end(stopping != nullptr ? stopping->reason() : "stopped by a callback");
    }
  }
  /// For what none can end the run by.
  template <class Call>
  void tell(Call call) const {
    for (const auto& callback : callbacks_) call(*callback);
  }
  void progress(const Progress& progress) const {
    tell([&](Callback& callback) { callback.on_progress(progress); });
  }

  /// True once the token asks to stop at once.
  bool is_stopped() {
    if (stop_.stop_requested()) end("stopped");
    return stop_.stop_requested();
  }
  /// True if a callback has ended the run, or the token when it was last looked at.
  bool has_ended() const { return ended_; }
  /// Why it ended.
  const std::string& why() const { return why_; }

 private:
  void end(const std::string& why) {
    if (!ended_) why_ = why;
    ended_ = true;
  }

  std::vector<std::shared_ptr<Callback>> callbacks_;
  std::stop_token stop_;
  bool ended_ = false;
  std::string why_ = "all epochs";
};

}  // namespace graft::train
