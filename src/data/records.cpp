#include "graft/data/records.h"

namespace graft::data {
namespace {

class InMemory final : public Dataset {
 public:
  explicit InMemory(std::vector<Record> records) : records_(std::move(records)) {}
  std::size_t size() const override { return records_.size(); }
  Record get(std::size_t index) const override { return records_.at(index); }

 private:
  std::vector<Record> records_;
};

}  // namespace

Data records(std::vector<Record> records) { return Data(std::make_shared<InMemory>(std::move(records))); }

}  // namespace graft::data
