#include "graft/data/conll.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>

#include "core/file.h"
#include "core/table.h"
#include "data/ascii.h"
#include "data/file_checks.h"
#include "data/tag_scheme.h"
#include "graft/core/log.h"
#include "graft/core/runtime.h"

namespace graft::data {
namespace {

constexpr std::size_t most_problems = 100;
constexpr std::string_view white = " \t\r";

/// Words of one sentence: a range in the lists of all words.
struct Sentence {
  std::size_t begin, end, line;
};

/// What stands in the file; the texts lie in its mapping.
struct Contents {
  std::vector<std::string_view> tokens;
  std::vector<Tag> tags;
  std::vector<std::size_t> lines;
  std::vector<Sentence> sentences;
};

std::vector<std::string_view> columns_of(std::string_view line) {
  const bool has_tabs = line.find('\t') != std::string_view::npos;
  std::vector<std::string_view> columns;
  for (std::size_t begin = 0; begin <= line.size();) {
    const std::size_t end = std::min(line.find_first_of(has_tabs ? "\t" : white, begin), line.size());
    const std::string_view column = trimmed(line.substr(begin, end - begin));
    if (has_tabs || !column.empty()) columns.push_back(column);
    begin = end + 1;
  }
  return columns;
}

/// One kind of thing that is mended: how often, and where first.
struct Mended {
  std::string code, what, done;
  std::size_t count = 0;
  std::vector<std::pair<std::size_t, std::string>> first = {};

  void add(std::size_t line, const std::string& text) {
    ++count;
    if (first.size() < most_problems) first.emplace_back(line, text);
  }

  Problem warning(const std::string& path) const {
    std::string examples;
    for (std::size_t i = 0; i < std::min<std::size_t>(first.size(), 3); ++i) {
      examples += (i == 0 ? "" : "; ") + first[i].second + " (line " + std::to_string(first[i].first) + ")";
    }
    return {code, "[Conll] " + std::to_string(count) + " " + what + ": " + examples + (count > 3 ? "; ..." : "") + ". " + done,
            "Mend them, or have them refused: .strict = true (--strict-tags).", path + ":" + std::to_string(first.front().first)};
  }

  std::vector<Problem> errors(const std::string& path) const {
    std::vector<Problem> problems;
    for (const auto& [line, text] : first) {
      problems.push_back({code, "[Conll] no " + what + " are wanted, got " + text + ".",
                          "Mend the file, or read it without .strict (--strict-tags).", path + ":" + std::to_string(line)});
    }
    return problems;
  }
};

class Reader {
 public:
  Reader(std::string path, const ConllOptions& options)
      : path_(std::move(path)),
        is_universal_(path_.ends_with(".conllu")),
        token_column_(options.token_column.value_or(is_universal_ ? 1 : 0)),
        tag_column_(options.tag_column.value_or(is_universal_ ? 3 : -1)) {}

  Contents read(std::string_view text) {
    std::size_t offset = begin_of(text);
    for (std::size_t number = 1; offset < text.size() && problems_.size() < most_problems; ++number) {
      const std::string_view line = text.substr(offset, std::min(text.find('\n', offset), text.size()) - offset);
      read_line(line, number);
      offset += line.size() + 1;
    }
    end_sentence();
    const bool has_scheme = std::ranges::any_of(contents_.tags, [](const Tag& tag) { return tag.part != 'O' && tag.part != Tag::plain; });
    if (has_scheme) problems_.insert(problems_.end(), unknown_.begin(), unknown_.end());
    if (!problems_.empty()) throw DataError(problems_);
    if (!has_scheme) return std::move(contents_);
    TagScheme scheme;
    for (const Sentence& sentence : contents_.sentences) scheme.show(tags_of(sentence));
    for (const Sentence& sentence : contents_.sentences) {
      scheme.to_bio2(tags_of(sentence),
                     [&](std::size_t word, const std::string& what) { disordered_.add(contents_.lines[sentence.begin + word], what); });
    }
    return std::move(contents_);
  }

  /// What was mended, in the order of the codes.
  std::vector<Mended> mended() const {
    std::vector<Mended> kinds{alone_, disordered_};
    std::erase_if(kinds, [](const Mended& kind) { return kind.count == 0; });
    return kinds;
  }

 private:
  void read_line(std::string_view line, std::size_t number) {
    if (line.find_first_not_of(white) == std::string_view::npos || line.starts_with("-DOCSTART-")) return end_sentence();
    if (is_universal_ && line.starts_with('#')) return;
    const std::vector<std::string_view> columns = columns_of(line);
    // "1-2" and "1.1" number what is no word of the sentence.
    if (is_universal_ && columns.front().find_first_of("-.") != std::string_view::npos) return;
    const std::string_view token = column(columns, token_column_), tag_text = column(columns, tag_column_);
    const std::optional<Tag> tag = parse_tag(tag_text);
    if (line.starts_with("# ") && line.find('\t') == std::string_view::npos && !(tag && columns.size() == width_)) return;
    const bool is_alone =
        token.data() == columns.front().data() && (columns.size() == 1 || (tag_text.data() != nullptr && tag_text.empty()));
    const auto tell = [&](const std::string& code, const std::string& message, const std::string& remedy) {
      problems_.push_back({code, "[Conll] " + message, remedy, path_ + ":" + std::to_string(number)});
    };
    if (!is_alone && ((width_ > 0 && columns.size() != width_) || tag_text.data() == nullptr || token.data() == tag_text.data())) {
      const std::string wanted = width_ > 0 ? std::to_string(width_) + " columns are wanted, as in the first line"
                                            : "a token in column " + std::to_string(token_column_) + " and a tag in column " +
                                                  std::to_string(tag_column_) + " are wanted";
      return tell("graft-D036", wanted + ", got " + std::to_string(columns.size()) + ".",
                  "Mend the line, or name the columns of token and tag (--token-column, --tag-column).");
    }
    if (token.empty()) return tell("graft-D036", "a token is wanted, got nothing.", "Fill the token in, or take the line out.");
    if (!is_alone && !tag && unknown_.size() < most_problems) {
      unknown_.push_back({"graft-D037",
                          "[Conll] a tag such as O, B-person or I-person is wanted, as others of the file are, got \"" +
                              shortened(std::string(tag_text), 40) + "\".",
                          "Name the column of the tags (--tag-column N), or mend the line.", path_ + ":" + std::to_string(number)});
    }
    if (is_alone) {
      alone_.add(number, "\"" + shortened(std::string(token), 40) + "\"");
    } else if (width_ == 0) {
      width_ = columns.size();
    }
    contents_.tokens.push_back(token);
    contents_.tags.push_back(is_alone ? Tag() : tag.value_or(Tag{Tag::plain, tag_text}));
    contents_.lines.push_back(number);
  }

  /// Null where there is no such column.
  static std::string_view column(const std::vector<std::string_view>& columns, int number) {
    const auto index = static_cast<std::size_t>(number >= 0 ? number : number + static_cast<int>(columns.size()));
    return index < columns.size() ? columns[index] : std::string_view();
  }

  void end_sentence() {
    const std::size_t begin = contents_.sentences.empty() ? 0 : contents_.sentences.back().end;
    if (begin < contents_.tokens.size()) contents_.sentences.push_back({begin, contents_.tokens.size(), contents_.lines[begin]});
  }

  std::span<Tag> tags_of(const Sentence& sentence) {
    return std::span(contents_.tags).subspan(sentence.begin, sentence.end - sentence.begin);
  }

  std::string path_;
  /// In the form of CoNLL-U.
  bool is_universal_;
  int token_column_, tag_column_;
  Contents contents_;
  /// Columns of the first line that has a tag; 0 before it.
  std::size_t width_ = 0;
  std::vector<Problem> problems_;
  /// Tags that are no BIO: mistakes, unless all are.
  std::vector<Problem> unknown_;
  Mended alone_{"graft-D036", "lines with a token alone", "They are read as O."};
  Mended disordered_{"graft-D038", "tags out of order", "Each of them is read as BIO2 reads it, an I- or E- as the first of its entity."};
};

class Conll final : public Dataset {
 public:
  Conll(const std::string& path, const ConllOptions& options, std::vector<Problem>* warnings)
      : file_(Mapping::open(path)), name_(std::filesystem::path(path).filename().string()) {
    runtime();
    require_clean_utf8(file_->bytes(), path, "Conll");
    Reader reader(path, options);
    contents_ = reader.read(file_->bytes());
    if (contents_.sentences.empty()) refuse_empty("at least one line with a token is wanted, there is none", path, "Conll");
    std::vector<Problem> problems;
    for (const Mended& kind : reader.mended()) {
      const Problem warning = kind.warning(path);
      if (options.strict) {
        const std::vector<Problem> errors = kind.errors(path);
        problems.insert(problems.end(), errors.begin(), errors.end());
      } else if (warnings != nullptr) {
        warnings->push_back(warning);
      } else {
        log(LogLevel::Warning, warning.code + ": " + warning.message + " (" + warning.place + ") " + warning.remedy);
      }
    }
    if (!problems.empty()) throw DataError(problems);
  }

  std::size_t size() const override { return contents_.sentences.size(); }

  Record get(std::size_t index) const override {
    const Sentence& sentence = contents_.sentences.at(index);
    std::string text;
    std::vector<std::int64_t> bounds;
    std::vector<std::string> tags;
    for (std::size_t word = sentence.begin; word < sentence.end; ++word) {
      if (!text.empty()) text += ' ';
      bounds.push_back(static_cast<std::int64_t>(text.size()));
      text += contents_.tokens[word];
      bounds.push_back(static_cast<std::int64_t>(text.size()));
      tags.push_back(contents_.tags[word].text());
    }
    return {{{"text", std::move(text)}, {"words", at::tensor(bounds, at::kLong).view({-1, 2})}, {"tags", std::move(tags)}},
            name_ + ":" + std::to_string(sentence.line)};
  }

 private:
  std::shared_ptr<const Mapping> file_;
  std::string name_;
  Contents contents_;
};

}  // namespace

Data conll(const std::string& path, const ConllOptions& options, std::vector<Problem>* warnings) {
  return Data(std::make_shared<Conll>(path, options, warnings));
}

}  // namespace graft::data
