#include "graft/text/subwords.h"

#include <filesystem>

#include "core/file.h"
#include "core/json.h"
#include "graft/core/error.h"
#include "graft/text/wordpiece.h"

namespace graft::text {
namespace {

namespace fs = std::filesystem;

void add_pieces(std::span<const Piece> pieces, std::vector<std::int64_t>& ids) {
  for (const Piece& piece : pieces) ids.push_back(piece.id);
}

WordPieceOptions published_options(const fs::path& folder) {
  WordPieceOptions options;
  const fs::path settings = folder / "tokenizer_config.json";
  if (fs::exists(settings)) options.lowercase = parse_json(read_file(settings.string()), settings.string()).value("do_lower_case", true);
  return options;
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
  if (!fs::is_directory(path)) return std::make_shared<const WordPiece>(WordPiece::load(path));
  const fs::path folder = path;
  if (fs::exists(folder / "vocab.txt"))
    return std::make_shared<const WordPiece>(WordPiece::load((folder / "vocab.txt").string(), published_options(folder)));
  return std::make_shared<const WordPiece>(WordPiece::load((folder / "tokenizer.json").string()));
}

std::shared_ptr<const Subwords> subwords_from_json(std::string_view json, const std::string& place) {
  return std::make_shared<const WordPiece>(WordPiece::from_json(json, place));
}

}  // namespace graft::text
