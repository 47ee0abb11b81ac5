#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "graft/text/subwords.h"

/// What the tokenizer.json of all kinds have in common.
namespace graft::text::detail {

using Json = nlohmann::json;

/// The content of a file of a tokenizer. Throws CheckpointError where there is none.
std::string read_tokenizer_file(const std::string& path);

/// Throws CheckpointError with `place` if `json` is no JSON, or if `read` finds a part missing or of another type.
Json parse_tokenizer_json(std::string_view json, const std::string& place);
void reading_tokenizer_json(const std::string& place, const std::function<void()>& read);

/// For what is not covered: `what` must hold, `found` was got.
[[noreturn]] void refuse_tokenizer(const std::string& what, const std::string& found, const std::string& place);
/// Refuses `object[key]` unless `holds`.
void expect(bool holds, const Json& object, const char* key, const std::string& what, const std::string& place);
/// Refuses a file whose `part` is of another type; the type is empty where the part is null or missing.
void expect_type(const Json& file, const char* part, const std::string& type, const std::string& place);
std::string type_of(const Json& object, const char* part);

/// The tokens of the model and those that were added to it, by their ids.
std::vector<std::string> read_vocabulary(const Json& file, const std::string& place);
Json write_vocabulary(const std::vector<std::string>& tokens);

/// The frame that a post_processor puts around texts: BertProcessing, RobertaProcessing, a TemplateProcessing of their form, or nothing.
/// `pad` and `unknown` are left as they are.
Frame read_frame(const Json& post_processor, const std::string& place);
/// The TemplateProcessing that puts `frame` around texts, null where it is empty; `token` gives the names.
Json write_frame(const Frame& frame, const std::function<const std::string&(std::int64_t)>& token);

/// A tokenizer.json that cuts to `max_length`, with nothing else in it. Throws ConfigError if no text fits beside the frame.
Json new_tokenizer_json(std::int64_t max_length, const Frame& frame);
/// The same file for windows that share `stride` tokens, into which `tokenizers` cuts a text, or of a pair the second one.
std::string in_windows(const std::string& tokenizer_json, std::int64_t stride, bool pairs);

}  // namespace graft::text::detail
