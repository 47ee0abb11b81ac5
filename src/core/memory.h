#pragma once

#include <cstdint>
#include <string>

namespace graft {

/// Bytes that this process may still take: what the machine has to give, or its control group where that allows less. `root` stands for
/// "/". Nothing known is the largest number.
std::int64_t available_memory(const std::string& root = "/");

/// "1.5 GB", "340 MB", "12 KB": powers of 1024.
std::string bytes_text(std::int64_t bytes);

}  // namespace graft
