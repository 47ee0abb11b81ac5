#include "graft/data/dataset.h"

#include <algorithm>
#include <set>

#include "data/content.h"
#include "graft/core/error.h"

namespace graft {
namespace {

class Subset final : public Dataset {
 public:
  Subset(Data whole, std::vector<std::size_t> indices) : whole_(std::move(whole)), indices_(std::move(indices)) {}
  std::size_t size() const override { return indices_.size(); }
  Record get(std::size_t index) const override { return whole_.get(indices_.at(index)); }
  std::string key(std::size_t index) const override { return whole_.key(indices_.at(index)); }

 private:
  Data whole_;
  std::vector<std::size_t> indices_;
};

class Mapped final : public Dataset {
 public:
  Mapped(Data whole, std::function<Record(Record)> change) : whole_(std::move(whole)), change_(std::move(change)) {}
  std::size_t size() const override { return whole_.size(); }
  Record get(std::size_t index) const override { return change_(whole_.get(index)); }

 private:
  Data whole_;
  std::function<Record(Record)> change_;
};

class Concat final : public Dataset {
 public:
  explicit Concat(std::span<const Data> parts) : parts_(parts.begin(), parts.end()) {
    for (const Data& part : parts_) ends_.push_back((ends_.empty() ? 0 : ends_.back()) + part.size());
  }
  std::size_t size() const override { return ends_.empty() ? 0 : ends_.back(); }
  Record get(std::size_t index) const override {
    const auto [part, local] = locate(index);
    return parts_[part].get(local);
  }
  std::string key(std::size_t index) const override {
    const auto [part, local] = locate(index);
    return parts_[part].key(local);
  }

 private:
  std::pair<std::size_t, std::size_t> locate(std::size_t index) const {
    const auto part = static_cast<std::size_t>(std::ranges::upper_bound(ends_, index) - ends_.begin());
    return {part, index - (part == 0 ? 0 : ends_.at(part - 1))};
  }
  std::vector<Data> parts_;
  std::vector<std::size_t> ends_;
};

}  // namespace

std::string Dataset::key(std::size_t index) const { return data::content(get(index)); }

Record Data::get(std::size_t index) const {
  try {
    return dataset_->get(index);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw DataError({.code = "graft-D015",
                     .message = std::string("[Data] this record cannot be read: ") + error.what(),
                     .remedy = "Repair the record, or the data set's get().",
                     .place = "record " + std::to_string(index)},
                    error.what());
  }
}

Data Data::subset(std::vector<std::size_t> indices) const {
  for (const std::size_t index : indices) {
    if (index < size()) continue;
    throw ConfigError({.code = "graft-C005",
                       .message = "[Data] indices below " + std::to_string(size()) + " are wanted, got " + std::to_string(index) + ".",
                       .remedy = "Take indices of this data set.",
                       .place = ""});
  }
  return Data(std::make_shared<Subset>(*this, std::move(indices)));
}

Data Data::map(std::function<Record(Record)> change) const { return Data(std::make_shared<Mapped>(*this, std::move(change))); }

Data data::concat(std::span<const Data> parts) { return Data(std::make_shared<Concat>(parts)); }

std::vector<std::string> Data::labels(const std::string& field) const {
  std::set<std::string> distinct;
  for (std::size_t i = 0; i < size(); ++i) {
    const Record record = get(i);
    std::string label = record.text(field);
    if (label.empty()) {
      throw DataError({.code = "graft-D005",
                       .message = "[Data] a label is wanted in \"" + field + "\", which is empty here.",
                       .remedy = "Fill the label in, or remove the row.",
                       .place = record.place});
    }
    distinct.insert(std::move(label));
  }
  return {distinct.begin(), distinct.end()};
}

}  // namespace graft
