#include "core/file.h"
#include "core/json.h"
#include "graft/train/loggers.h"
#include "train/log_file.h"

namespace graft {

using detail::LogFile;

namespace {

bool is_before(const std::string& line, int epoch) {
  const Json json = Json::parse(line, nullptr, false);
  return json.is_object() && json.contains("epoch") && json["epoch"].is_number_integer() && json["epoch"] < epoch;
}

}  // namespace

JsonLinesLog::JsonLinesLog(std::string path) : path_(std::move(path)) { append_to_file(path_, ""); }

void JsonLinesLog::on_fit_begin(const Model&, const FitPlan& plan) {
  file_ = plan.first_step > 0 ? LogFile::Resumed : LogFile::Current;
  if (file_ == LogFile::Current) train::rewrite(path_, "");
}

Action JsonLinesLog::on_epoch(const EpochRecord& record) {
  if (file_ == LogFile::Old) train::rewrite(path_, "");
  if (file_ == LogFile::Resumed) {
    const std::string text = train::whole_lines(path_);
    std::string kept;
    for (std::size_t start = 0; start < text.size();) {
      const std::string line = text.substr(start, text.find('\n', start) + 1 - start);
      if (is_before(line, record.epoch)) kept += line;
      start += line.size();
    }
    train::rewrite(path_, kept);
  }
  file_ = LogFile::Current;
  append_to_file(path_, record.json().dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
  return Action::Continue;
}

}  // namespace graft
