// The only source that includes spdlog, and it includes nothing of LibTorch: the wheel ships another fmt than the distribution.
#include "graft/core/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>
#include <utility>

#include "graft/core/error.h"

namespace graft {
namespace {

struct Route {
  std::mutex mutex;
  LogSink sink;
};

Route& route() {
  static Route instance;
  return instance;
}

spdlog::level::level_enum native(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return spdlog::level::debug;
    case LogLevel::Info:
      return spdlog::level::info;
    default:
      return spdlog::level::warn;
  }
}

LogSink sink_of(std::shared_ptr<spdlog::logger> logger, LogLevel lowest, const char* pattern) {
  logger->set_level(native(lowest));
  logger->set_pattern(pattern);
  logger->flush_on(spdlog::level::debug);
  return [logger = std::move(logger)](LogLevel level, std::string_view message) { logger->log(native(level), message); };
}

}  // namespace

void set_log_sink(LogSink sink) {
  const std::lock_guard lock(route().mutex);
  route().sink = std::move(sink);
}

LogSink console_log(LogLevel lowest) {
  return sink_of(std::make_shared<spdlog::logger>("graft", std::make_shared<spdlog::sinks::stderr_color_sink_mt>()), lowest, "%^%l%$: %v");
}

LogSink file_log(const std::string& path, LogLevel lowest) {
  try {
    return sink_of(std::make_shared<spdlog::logger>("graft", std::make_shared<spdlog::sinks::basic_file_sink_mt>(path)), lowest,
                   "%Y-%m-%d %H:%M:%S.%e %l %v");
  } catch (const spdlog::spdlog_ex& error) {
    throw SystemError({.code = "graft-S002",
                       .message = "[Log] the log file cannot be written.",
                       .remedy = "Name a folder that exists and that you may write to.",
                       .place = path},
                      error.what());
  }
}

void log(LogLevel level, std::string_view message) {
  const std::lock_guard lock(route().mutex);
  if (route().sink) route().sink(level, message);
}

}  // namespace graft
