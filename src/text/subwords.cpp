#include "graft/text/subwords.h"

#include <filesystem>

#include "core/file.h"
#include "core/json.h"
#include "graft/core/error.h"
#include "graft/text/byte_pairs.h"
#include "graft/text/wordpiece.h"
#include "text/byte_pairs_json.h"
#include "text/wordpiece_json.h"

namespace graft::text {
namespace {

namespace fs = std::filesystem;

void add_pieces(std::span<const Piece> pieces, std::vector<std::int64_t>& ids) {
  for (const Piece& piece : pieces) ids.push_back(piece.id);
}

/// A setting of the tokenizer_config.json in a folder; `otherwise` where there is none.
bool setting(const fs::path& folder, const char* name, bool otherwise) {
  const std::string file = (folder / "tokenizer_config.json").string();
  return fs::exists(file) ? parse_json(read_file(file), file).value(name, otherwise) : otherwise;
}

WordPieceOptions wordpiece_options(const fs::path& folder) { return {.lowercase = setting(folder, "do_lower_case", true)}; }

BytePairsOptions byte_pairs_options(const fs::path& folder) {
  const bool adds = setting(folder, "add_prefix_space", false);
  return {.add_prefix_space = adds, .keeps_first_space = adds};
}

std::shared_ptr<const Subwords> load_folder(const fs::path& folder) {
  if (fs::exists(folder / "vocab.txt"))
    return std::make_shared<const WordPiece>(WordPiece::load((folder / "vocab.txt").string(), wordpiece_options(folder)));
  for (const char* name : {"tokenizer.json", "vocab.json"}) {
    if (fs::exists(folder / name)) return load_subwords((folder / name).string());
  }
  throw CheckpointError({.code = "graft-K029",
                         .message = "[Tokenizer] a folder with a vocab.txt, a tokenizer.json, or a vocab.json and a merges.txt is wanted; "
                                    "this one has none of them.",
                         .remedy = "Bring the tokenizer's files that were published with the model.",
                         .place = folder.string()});
}

FramedText framed(const Frame& frame, std::span<const Piece> first, std::span<const Piece> second, bool is_pair) {
  FramedText made{{}, frame.begin ? std::size_t{1} : 0, 0};
  made.ids.reserve(first.size() + second.size() + frame.num_tokens(is_pair));
  if (frame.begin) made.ids.push_back(*frame.begin);
  add_pieces(first, made.ids);
  if (is_pair && frame.end) made.ids.insert(made.ids.end(), static_cast<std::size_t>(frame.separators), *frame.end);
  if (is_pair) made.second = made.ids.size();
  add_pieces(second, made.ids);
  if (frame.end) made.ids.push_back(*frame.end);
  if (!is_pair) made.second = made.ids.size();
  return made;
}

}  // namespace

std::size_t Frame::num_tokens(bool is_pair) const {
  const std::size_t around = (begin ? 1 : 0) + (end ? 1 : 0);
  return around + (is_pair && end ? static_cast<std::size_t>(separators) : 0);
}

FramedText framed(const Frame& frame, std::span<const Piece> text) { return framed(frame, text, {}, false); }

FramedText framed(const Frame& frame, std::span<const Piece> first, std::span<const Piece> second) {
  return framed(frame, first, second, true);
}

std::shared_ptr<const Subwords> load_subwords(const std::string& path) {
  const fs::path folder = path;
  if (fs::is_directory(folder)) return load_folder(folder);
  if (!path.ends_with(".json")) return std::make_shared<const WordPiece>(WordPiece::load(path));
  if (!path.ends_with("vocab.json")) return subwords_from_json(detail::read_tokenizer_file(path), path);
  return std::make_shared<const BytePairs>(BytePairs::load(path, byte_pairs_options(folder.parent_path())));
}

std::shared_ptr<const Subwords> subwords_from_json(std::string_view json, const std::string& place) {
  const detail::Json file = detail::parse_tokenizer_json(json, place);
  if (detail::type_of(file, "model") != "BPE")
    return std::shared_ptr<const Subwords>(new WordPiece(detail::read_wordpiece(file, place), place));
  return std::shared_ptr<const Subwords>(new BytePairs(detail::read_byte_pairs(file, place), place));
}

}  // namespace graft::text
