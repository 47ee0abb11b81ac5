#include "graft/data/tensors.h"

#include <ATen/ATen.h>

#include "graft/core/error.h"
#include "graft/core/runtime.h"

namespace graft::data {
namespace {

class Tensors final : public Dataset {
 public:
  Tensors(Fields fields, std::string name) : fields_(std::move(fields)), name_(std::move(name)) {
    runtime();
    for (const auto& [field, tensor] : fields_) {
      const bool fits = tensor.dim() > 0 && tensor.size(0) == fields_.begin()->second.size(0);
      if (fits) continue;
      throw DataError({.code = "graft-D013",
                       .message = "[Tensors] tensors with the same number of rows are wanted, got \"" + field + "\" " +
                                  shape_text(tensor.sizes()) + " beside \"" + fields_.begin()->first + "\" " +
                                  shape_text(fields_.begin()->second.sizes()) + ".",
                       .remedy = "Give each tensor one row for each record.",
                       .place = name_});
    }
  }

  std::size_t size() const override { return fields_.empty() ? 0 : static_cast<std::size_t>(fields_.begin()->second.size(0)); }

  Record get(std::size_t index) const override {
    Record record{{}, name_ + ":" + std::to_string(index)};
    for (const auto& [field, tensor] : fields_) {
      at::Tensor row = tensor.select(0, static_cast<std::int64_t>(index));
      if (row.dim() == 0 && !row.is_floating_point()) {
        record.values.emplace(field, row.item<std::int64_t>());
      } else {
        record.values.emplace(field, std::move(row));
      }
    }
    return record;
  }

 private:
  Fields fields_;
  std::string name_;
};

}  // namespace

Data tensors(Fields fields, std::string name) { return Data(std::make_shared<Tensors>(std::move(fields), std::move(name))); }

}  // namespace graft::data
