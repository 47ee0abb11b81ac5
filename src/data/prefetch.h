#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace graft::detail {

/// Makes items 0 .. n-1 in threads, a few ahead, and hands them out in order. An exception comes out at its item's turn.
/// Without threads the caller makes each item when it asks for it. The threads stay for further rounds.
template <class Item>
class Prefetch {
 public:
  Prefetch(std::size_t n, int threads, std::function<Item(std::size_t)> make)
      : n_(n), ahead_(2 * static_cast<std::size_t>(threads)), make_(std::move(make)) {
    for (int t = 0; t < threads; ++t) workers_.emplace_back([this](std::stop_token stop) { work(stop); });
  }
  ~Prefetch() {
    for (auto& worker : workers_) worker.request_stop();
  }
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;

  /// Another round, of n items. What was made ahead of the last one is gone.
  void restart(std::size_t n) {
    std::unique_lock lock(mutex_);
    n_ = taken_;  // nobody takes another item of the old round
    changed_.wait(lock, [&] { return making_ == 0; });
    done_.clear();
    n_ = n;
    given_ = taken_ = 0;
    lock.unlock();
    changed_.notify_all();
  }

  std::optional<Item> next() {
    if (given_ == n_) return std::nullopt;
    if (workers_.empty()) return make_(given_++);
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return done_.contains(given_); });
    auto node = done_.extract(given_++);
    lock.unlock();
    changed_.notify_all();
    if (node.mapped().second) std::rethrow_exception(node.mapped().second);
    return std::move(node.mapped().first);
  }

 private:
  void work(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [&] { return taken_ < n_ && taken_ < given_ + ahead_; }) && !stop.stop_requested()) {
      const std::size_t item = taken_++;
      ++making_;
      lock.unlock();
      std::pair<std::optional<Item>, std::exception_ptr> result;
      try {
        result.first = make_(item);
      } catch (...) {
        result.second = std::current_exception();
      }
      lock.lock();
      --making_;
      done_.emplace(item, std::move(result));
      changed_.notify_all();
    }
  }

  std::size_t n_;
  std::size_t ahead_;
  std::function<Item(std::size_t)> make_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::size_t, std::pair<std::optional<Item>, std::exception_ptr>> done_;
  std::size_t taken_ = 0, making_ = 0;
  std::size_t given_ = 0;
  std::vector<std::jthread> workers_;  // last: joined before what they use goes away
};

}  // namespace graft::detail
