#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace graft {

/// `"a", "b", "c"`; beyond `limit` names, how many more there are.
std::string quoted_list(std::span<const std::string> names, std::size_t limit = 12);

/// Up to `limit` of `candidates` that a person may have meant by `wanted`, nearest first (edit distance without regard to case).
std::vector<std::string> near_names(std::string_view wanted, std::span<const std::string> candidates, std::size_t limit = 3);

/// "Did you mean ...?" with the near names; `otherwise` where there are none.
std::string did_you_mean(std::string_view wanted, std::span<const std::string> candidates, std::string_view otherwise);

/// The parts between commas, empty ones left out.
std::vector<std::string> split_list(std::string_view text);

/// Shell-like match of a whole name: `*` any run of characters, `?` one.
bool glob_match(std::string_view pattern, std::string_view name);

/// "1,234,567"
std::string with_commas(long long number);

}  // namespace graft
