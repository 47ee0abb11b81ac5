#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "graft/core/api.h"

namespace graft {

enum class LogLevel { Debug, Info, Warning };

/// Where messages go. Called by one thread at a time.
using LogSink = std::function<void(LogLevel, std::string_view)>;

/// Routes the library's messages; an empty sink drops them, which is the default: the library never prints by itself.
GRAFT_API void set_log_sink(LogSink sink);

/// A sink that writes lines of at least `lowest` to stderr, with colours on a terminal.
GRAFT_API LogSink console_log(LogLevel lowest = LogLevel::Info);

/// A sink that appends lines with their time to a file. Throws SystemError if the file cannot be written.
GRAFT_API LogSink file_log(const std::string& path, LogLevel lowest = LogLevel::Debug);

/// Sends one message, without a line end, to the sink.
GRAFT_API void log(LogLevel level, std::string_view message);

}  // namespace graft
