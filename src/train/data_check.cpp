#include "graft/train/data_check.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <unordered_map>

#include "core/hash.h"
#include "core/names.h"
#include "core/table.h"
#include "eval/unknown_tags.h"
#include "graft/head/classifier.h"
#include "train/reading_check.h"

namespace graft {
namespace {

constexpr std::size_t few = 5;       // records of a class
constexpr std::size_t examples = 3;  // shown of each finding

/// What a model reads of a record and what it should answer.
struct Seen {
  std::string place, answer;
};

class Check {
 public:
  Check(const Model& model, const Splits& data) : model_(model), data_(data) {
    for (const auto& [field, value] : model.preprocess()->example().values) {
      const bool is_text = std::holds_alternative<std::string>(value);
      if (is_text || std::holds_alternative<at::Tensor>(value)) fields_.push_back(field);
      if (is_text) noun_ = " texts ";
    }
  }

  std::vector<Problem> operator()() {
    read_training();
    leakage(data_.valid, "validation");
    leakage(data_.test, "test");
    rare_classes();
    unseen_classes();
    for (Problem& problem : eval::unknown_tags(model_, data_)) found_.push_back(std::move(problem));
    for (Problem& problem : train::check_reading(model_, data_.train)) found_.push_back(std::move(problem));
    return std::move(found_);
  }

 private:
  std::string text(const Record& record) const {
    std::string all;
    for (const std::string& field : fields_) {
      const auto value = record.values.find(field);
      const auto* tensor = value == record.values.end() ? nullptr : std::get_if<at::Tensor>(&value->second);
      const std::string part = tensor != nullptr ? Hash().add(*tensor).hex() : record.has_value(field) ? record.text(field) : std::string();
      all += (all.empty() ? "" : "\n") + part;
    }
    return all;
  }

  void read_training() {
    std::size_t cut = 0, torn = 0;
    std::int64_t most = 0;
    std::string longest;
    std::vector<std::string> pairs;
    for (std::size_t i = 0; i < data_.train.size(); ++i) {
      const Record record = data_.train.get(i);
      const std::string answer = model_.head().truth(record);
      if (!answer.empty() && model_.head().has_classes()) ++classes_[answer];
      if (const std::int64_t lost = model_.preprocess()->cut(record); lost > 0) {
        ++cut;
        if (lost > most) longest = record.place;
        most = std::max(most, lost);
      }
      if (fields_.empty()) continue;
      const auto [known, is_new] = training_.try_emplace(text(record), Seen{record.place, answer});
      if (is_new || known->second.answer == answer) continue;
      if (++torn <= examples) pairs.push_back(record.place + " and " + known->second.place);
    }
    if (cut > 0) {
      add("graft-W003",
          with_commas(static_cast<long long>(cut)) + " of " + with_commas(static_cast<long long>(data_.train.size())) +
              " training texts are cut; the longest loses " + with_commas(most) + " tokens.",
          "Raise the maximal length, if the network takes more, or bring the essential to the front.", longest);
    }
    if (torn > 0) {
      add("graft-W004",
          with_commas(static_cast<long long>(torn)) + " training" + noun_ + "stand there again with another answer: " + listed(pairs, torn),
          "Decide for one answer: no model can give both.", "");
    }
  }

  void leakage(const Data& part, const std::string& name) {
    if (fields_.empty()) return;
    std::size_t count = 0;
    std::vector<std::string> pairs;
    for (std::size_t i = 0; i < part.size(); ++i) {
      const Record record = part.get(i);
      const auto known = training_.find(text(record));
      if (known == training_.end()) continue;
      if (++count <= examples) pairs.push_back(record.place + " and " + known->second.place);
    }
    if (count == 0) return;
    add("graft-W001",
        with_commas(static_cast<long long>(count)) + " of " + with_commas(static_cast<long long>(part.size())) + " " + name + noun_ +
            "stand in the training data too: " + listed(pairs, count),
        "Take them out of one of the two: what is measured on them says nothing about new data.", "");
  }

  void rare_classes() {
    std::vector<std::pair<std::size_t, std::string>> rare;
    for (const auto& [name, count] : classes_) {
      if (count < few) rare.emplace_back(count, name);
    }
    if (rare.empty() || rare.size() == classes_.size()) return;  // a small set on purpose is no surprise
    std::ranges::sort(rare);
    std::vector<std::string> names;
    for (const auto& [count, name] : rare) names.push_back("\"" + shortened(name, 40) + "\" has " + std::to_string(count));
    names.resize(std::min(names.size(), examples));
    add("graft-W002",
        std::to_string(rare.size()) + " of " + std::to_string(classes_.size()) + " classes have fewer than " + std::to_string(few) +
            " training records: " + listed(names, rare.size()),
        "Bring more records of them, or join them to another class.", "");
  }

  /// Classes that a saved model brings along when it goes on with other data.
  void unseen_classes() {
    const auto* classifier = dynamic_cast<const head::Classifier*>(&model_.head());
    if (classifier == nullptr) return;
    std::vector<std::string> unseen;
    for (const std::string& label : classifier->options().labels) {
      if (!classes_.contains(label)) unseen.push_back(label);
    }
    if (unseen.empty()) return;
    add("graft-W005",
        std::to_string(unseen.size()) + " classes of the model have no training record: " + quoted_list(unseen, examples) + ".",
        "They will hardly be answered; bring records of them, old ones together with new ones.", "");
  }

  static std::string listed(const std::vector<std::string>& shown, std::size_t count) {
    std::string text;
    for (const std::string& item : shown) text += (text.empty() ? "" : ", ") + item;
    return text + (count > shown.size() ? ", ..." : ".");
  }

  void add(const std::string& code, const std::string& message, const std::string& remedy, const std::string& place) {
    found_.push_back({code, "[Data] " + message, remedy, place});
  }

  const Model& model_;
  const Splits& data_;
  std::vector<std::string> fields_;  // that the model reads
  std::string noun_ = " inputs ";
  std::unordered_map<std::string, Seen> training_;  // by text
  std::map<std::string, std::size_t> classes_;
  std::vector<Problem> found_;
};

}  // namespace

std::vector<Problem> check_data(const Model& model, const Splits& data) { return Check(model, data)(); }

}  // namespace graft
