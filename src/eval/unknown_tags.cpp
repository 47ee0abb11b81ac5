#include "eval/unknown_tags.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/names.h"
#include "graft/head/token_classifier.h"
#include "head/tagged_record.h"

namespace graft::eval {
namespace {

constexpr std::size_t most_named = 5;

/// How often, and where first.
struct Met {
  std::size_t count = 0;
  std::string place;
};

std::map<std::string, Met> unknown_in(const Data& data, const head::TokenClassifierOptions& options, bool by_kind) {
  const std::set<std::string> labels(options.labels.begin(), options.labels.end());
  std::map<std::string, Met> unknown;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const Record record = data.get(i);
    const auto look = [&](const std::string& name, const std::string& label) {
      if (labels.contains(label)) return;
      Met& met = unknown[name];
      if (met.count++ == 0) met.place = record.place;
    };
    const head::TaggedRecord truth(record, options);
    if (by_kind) {
      for (const TextSpan& entity : truth.entities()) look(entity.label, "B-" + entity.label);
    } else {
      for (const std::string& tag : truth.tags()) look(tag, tag);
    }
  }
  return unknown;
}

/// What is told of one part of the data, whose name is such as "the test data".
void tell(std::vector<Problem>& found, const Model& model, const Data& part, const std::string& name, const std::string& remedy) {
  const auto* head = dynamic_cast<const head::TokenClassifier*>(&model.head());
  if (head == nullptr) return;
  const bool by_kind = std::ranges::all_of(head->options().labels, head::is_bio);
  const std::map<std::string, Met> unknown = unknown_in(part, head->options(), by_kind);
  if (unknown.empty()) return;
  std::string list;
  std::size_t named = 0;
  for (const auto& [tag, met] : unknown) {
    if (named++ < most_named)
      list += (list.empty() ? "\"" : ", \"") + tag + "\" " + with_commas(static_cast<long long>(met.count)) + " times (" + met.place + ")";
  }
  found.push_back({"graft-W026",
                   "[Data] " + name + " has " + (by_kind ? "entities" : "tags") + " of " + std::to_string(unknown.size()) +
                       (unknown.size() == 1 ? " kind" : " kinds") + " that the model does not know: " + list +
                       (unknown.size() > most_named ? ", ..." : ".") +
                       (by_kind ? " They are counted as missed." : " They are left out of what is counted."),
                   remedy, unknown.begin()->second.place});
}

constexpr const char* to_measure = "Bring training records of them, or map them to a known kind (--class-map).";

}  // namespace

std::vector<Problem> unknown_tags(const Model& model, const Splits& data) {
  std::vector<Problem> found;
  tell(found, model, data.train, "the training data", "Train a new model on them, or map them to a known kind (--class-map).");
  tell(found, model, data.valid, "the validation data", to_measure);
  tell(found, model, data.test, "the test data", to_measure);
  return found;
}

std::vector<Problem> unknown_tags(const Model& model, const Data& data) {
  std::vector<Problem> found;
  tell(found, model, data, "the data", to_measure);
  return found;
}

}  // namespace graft::eval
