#include "cli/predict_pictures.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>

#include "cli/answers.h"
#include "cli/drawn_pictures.h"
#include "cli/terminal.h"
#include "core/file.h"
#include "core/names.h"
#include "core/table.h"
#include "data/pictures.h"
#include "graft/core/error.h"
#include "graft/data/records.h"

namespace graft::cli {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> files_of(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  std::vector<Problem> problems;
  for (const std::string& path : paths) {
    if (!fs::exists(path)) {
      problems.push_back({"graft-D053", "[graft predict] this file or folder does not exist.", "Check the path.", path});
    } else if (!fs::is_directory(path)) {
      files.push_back(path);
    } else {
      std::vector<std::string> inside;
      for (const auto& entry : fs::recursive_directory_iterator(path)) {
        if (entry.is_regular_file() && data::is_picture(entry.path())) inside.push_back(entry.path().string());
      }
      std::ranges::sort(inside);
      if (inside.empty()) problems.push_back({"graft-D053", "[graft predict] no picture lies in this folder.", "Check the path.", path});
      files.insert(files.end(), inside.begin(), inside.end());
    }
  }
  if (!problems.empty()) throw DataError(std::move(problems));
  return files;
}

class Answers {
 public:
  Answers(const Predictor& predictor, const PictureRequest& request, const Voice& voice)
      : predictor_(predictor), request_(request), voice_(voice), field_(predictor.fields().front()) {}

  int operator()() {
    const std::vector<std::string> files = files_of(request_.paths);
    if (!request_.out.empty()) drawn_.emplace(request_.out, files, predictor_.labels());
    const Interrupt interrupt;
    ProgressLine line(voice_);
    constexpr std::size_t at_once = 16;
    for (std::size_t start = 0; start < files.size() && Interrupt::exit_code() == 0; start += at_once) {
      const std::vector<std::string> some(files.begin() + static_cast<std::ptrdiff_t>(start),
                                          files.begin() + static_cast<std::ptrdiff_t>(std::min(files.size(), start + at_once)));
      const std::vector<std::optional<Decoded>> answers = answers_for(some);
      line.clear();
      for (std::size_t i = 0; i < some.size(); ++i) {
        if (answers[i]) tell(some[i], *answers[i]);
      }
      if (!request_.out.empty() || voice_.json)
        line.function()(
            {"predict", static_cast<std::int64_t>(std::min(files.size(), start + at_once)), static_cast<std::int64_t>(files.size()), ""});
    }
    line.clear();
    const Json result = Json::object({{"predictions", all_}});
    if (!request_.out.empty()) write_file_atomically(request_.out + "/predictions.json", json_text(result) + "\n");
    if (voice_.json) std::cout << json_text(result) << "\n";
    if (!request_.out.empty() && !voice_.json)
      std::cout << with_commas(static_cast<long long>(all_.size())) << " pictures with their answers, and predictions.json, are in "
                << request_.out << "\n";
    if (unread_ > 0)
      std::cerr << with_commas(unread_) << " of " << with_commas(static_cast<long long>(files.size())) << " pictures could not be read\n";
    return Interrupt::exit_code() != 0 ? Interrupt::exit_code() : unread_ > 0 ? 1 : 0;
  }

 private:
  std::vector<Decoded> ask(const std::vector<std::string>& files) const {
    std::vector<Record> records;
    for (const std::string& file : files) records.push_back({{{field_, file}}, file});
    return predictor_.batch(data::records(std::move(records)), {.mirrored = request_.mirrored});
  }

  std::vector<std::optional<Decoded>> answers_for(const std::vector<std::string>& files) {
    try {
      std::vector<Decoded> answers = ask(files);
      return {std::make_move_iterator(answers.begin()), std::make_move_iterator(answers.end())};
    } catch (const DataError&) {  // one of them cannot be read: which?
    }
    std::vector<std::optional<Decoded>> answers;
    for (const std::string& file : files) {
      try {
        answers.emplace_back(std::move(ask({file}).front()));
      } catch (const DataError& error) {
        std::cerr << error.place() << ": " << error.message() << "\n";
        ++unread_;
        answers.emplace_back(std::nullopt);
      }
    }
    return answers;
  }

  void tell(const std::string& file, Decoded answer) {
    std::erase_if(answer.boxes, [&](const Box& box) { return box.score < request_.least_score; });
    Json json = json_of(answer, "");
    json["image"] = file;
    all_.push_back(std::move(json));
    if (drawn_) all_.back()["drawn"] = drawn_->add(file, answer);
    if (voice_.json || (!request_.out.empty() && voice_.quiet)) return;
    std::cout << file << ": " << text_of(answer, "") << "\n";
  }

  const Predictor& predictor_;
  const PictureRequest& request_;
  const Voice& voice_;
  std::string field_;
  std::optional<DrawnPictures> drawn_;
  Json all_ = Json::array();
  long long unread_ = 0;
};

}  // namespace

int predict_pictures(const Predictor& predictor, const PictureRequest& request, const Voice& voice) {
  return Answers(predictor, request, voice)();
}

}  // namespace graft::cli
