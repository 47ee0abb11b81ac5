#include "graft/data/class_map.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <functional>
#include <set>

#include "core/names.h"
#include "core/warning.h"
#include "data/joined_labels.h"
#include "graft/core/error.h"
#include "graft/data/boxes.h"

namespace graft::data {
namespace {

using Names = std::vector<std::string>;
/// The name that a class gets; empty if it is left out.
using Rename = std::function<std::string(const std::string&)>;

/// The new names, each once.
Names renamed(const Names& names, const Rename& rename) {
  Names all;
  for (const std::string& name : names) {
    std::string now = rename(name);
    if (!now.empty() && std::ranges::find(all, now) == all.end()) all.push_back(std::move(now));
  }
  return all;
}

void rename_boxes(Record& record, const Rename& rename) {
  std::vector<GivenBox> left;
  for (GivenBox& box : boxes_of(record)) {
    box.label = rename(box.label);
    if (!box.label.empty()) left.push_back(std::move(box));
  }
  for (const char* field : {"ignored", "areas"}) record.values.erase(field);
  set_boxes(record, left);
}

/// Kinds of entities by their places.
void rename_spans(Record& record, const Rename& rename) {
  auto& kinds = std::get<Names>(record.values.at("span_labels"));
  std::vector<std::int64_t> kept;
  Names left;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    std::string name = rename(kinds[i]);
    if (name.empty()) continue;
    left.push_back(std::move(name));
    kept.push_back(static_cast<std::int64_t>(i));
  }
  const at::Tensor spans = record.tensor("spans");
  if (spans.dim() == 2 && spans.size(0) == static_cast<std::int64_t>(kinds.size()))
    record.values["spans"] = spans.index_select(0, at::tensor(kept, at::kLong));
  kinds = std::move(left);
}

void rename_tags(Names& tags, const Rename& rename, const std::string& place) {
  for (std::string& tag : tags) {
    if (tag == "O") continue;
    const bool marks_entity = tag.starts_with("B-") || tag.starts_with("I-");
    const std::string name = rename(marks_entity ? tag.substr(2) : tag);
    if (!name.empty()) {
      tag = marks_entity ? tag.substr(0, 2) + name : name;
    } else if (marks_entity) {
      tag = "O";
    } else {
      throw DataError({.code = "graft-D075",
                       .message = "[Classes] every word has a tag of its own here, so \"" + tag + "\" cannot be left out.",
                       .remedy = "Join it to another one.",
                       .place = place});
    }
  }
}

/// False if the record's label is left out.
bool rename_text(Record& record, const ClassMap& map, const Rename& rename) {
  const std::string before = record.text(map.field);
  if (map.separator.empty()) {
    std::string name = rename(before);
    if (name != before) record.values[map.field] = name;
    return !name.empty() || before.empty();
  }
  const Names names = separated_labels(before, map.separator), now = renamed(names, rename);
  if (now == names) return true;
  std::string joined;
  for (const std::string& name : now) joined += (joined.empty() ? "" : map.separator) + name;
  record.values[map.field] = joined;
  return true;
}

/// Passes every class of a record through `rename`. False if it is left out with its label.
bool rename_classes(Record& record, const ClassMap& map, const Rename& rename) {
  if (map.field == "classes" && record.has("boxes")) return rename_boxes(record, rename), true;
  const auto is_list = [&](const std::string& field) {
    const auto value = record.values.find(field);
    return value != record.values.end() && std::holds_alternative<Names>(value->second);
  };
  if (map.field == "tags" && !record.has("tags")) {
    if (is_list("span_labels")) rename_spans(record, rename);
    return true;
  }
  if (!record.has_value(map.field)) return true;
  if (!is_list(map.field)) return rename_text(record, map, rename);
  auto& names = std::get<Names>(record.values.at(map.field));
  if (map.field == "tags" && record.has("words")) {
    rename_tags(names, rename, record.place);
  } else {
    names = renamed(names, rename);
  }
  return true;
}

std::string name_in(const ClassMap& map, const std::string& name) {
  const auto found = map.names.find(name);
  return found == map.names.end() ? name : found->second;
}

class Renamed final : public Dataset {
 public:
  Renamed(Data whole, std::vector<std::size_t> indices, ClassMap map) : whole_(whole.subset(std::move(indices))), map_(std::move(map)) {}
  std::size_t size() const override { return whole_.size(); }
  Record get(std::size_t index) const override {
    Record record = whole_.get(index);
    rename_classes(record, map_, [this](const std::string& name) { return name_in(map_, name); });
    return record;
  }
  std::string key(std::size_t index) const override { return whole_.key(index); }

 private:
  Data whole_;
  ClassMap map_;
};

/// Names that no record has.
void tell_unknown(const ClassMap& map, const std::set<std::string>& there) {
  const Names classes(there.begin(), there.end());
  Names names;
  for (const auto& [name, now] : map.names) {
    if (!there.contains(name)) names.push_back(name);
  }
  if (names.empty()) return;
  if (map.unknown == ClassMap::Unknown::Refuse) {
    std::vector<Problem> problems;
    for (const std::string& name : names) {
      problems.push_back({"graft-D073", "[Classes] no record has the class \"" + name + "\"; there are " + quoted_list(classes) + ".",
                          did_you_mean(name, classes, "Name one of these, or take it out of the map."), ""});
    }
    throw DataError(problems);
  }
  warn({"graft-W024", "[Classes] no record has the classes " + quoted_list(names) + " of the map; there are " + quoted_list(classes) + ".",
        "Nothing, if this data just lacks them.", ""});
}

}  // namespace

Splits map_classes(const Splits& splits, const ClassMap& map) {
  std::set<std::string> there;
  const auto part = [&](const Data& data) -> Data {
    std::vector<std::size_t> left;
    for (std::size_t i = 0; i < data.size(); ++i) {
      Record record = data.get(i);
      const bool stays = rename_classes(record, map, [&](const std::string& name) {
        there.insert(name);
        return name_in(map, name);
      });
      if (stays) left.push_back(i);
    }
    return data.empty() ? data : Data(std::make_shared<Renamed>(data, std::move(left), map));
  };
  Splits named{part(splits.train), part(splits.valid), part(splits.test)};
  there.erase("");
  tell_unknown(map, there);
  if (named.train.empty() && !splits.train.empty()) {
    throw DataError({.code = "graft-D074",
                     .message = "[Classes] the map leaves none of the " + std::to_string(splits.train.size()) + " records.",
                     .remedy = "Leave fewer classes out.",
                     .place = ""});
  }
  return named;
}

Data map_classes(const Data& data, const ClassMap& map) { return map_classes(Splits{data, {}, {}}, map).train; }

}  // namespace graft::data
