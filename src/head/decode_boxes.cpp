#include "graft/head/decode_boxes.h"

#include <ATen/ATen.h>

#include "graft/image/placed_boxes.h"

namespace graft::head {

std::vector<Decoded> decode_boxes(const Fields& outputs, const Batch& batch, std::span<const std::string> labels) {
  const at::Tensor boxes = outputs["boxes"].to(at::kCPU, at::kDouble).contiguous();
  const at::Tensor scores = outputs["scores"].to(at::kCPU, at::kDouble).contiguous(), classes = outputs["classes"].cpu().contiguous();
  std::vector<Decoded> answers(static_cast<std::size_t>(boxes.size(0)));
  for (std::size_t n = 0; n < answers.size(); ++n) {
    const image::Unplaced unplaced(batch.inputs, static_cast<std::int64_t>(n));
    for (std::int64_t k = 0; k < boxes.size(1); ++k) {
      const std::int64_t place = static_cast<std::int64_t>(n) * boxes.size(1) + k;
      const double score = scores.const_data_ptr<double>()[place];
      if (score <= 0) break;
      const double* corner = boxes.const_data_ptr<double>() + 4 * place;
      const auto label = static_cast<std::size_t>(classes.const_data_ptr<std::int64_t>()[place]);
      answers[n].boxes.push_back(unplaced({corner[0], corner[1], corner[2], corner[3], labels[label], score}));
    }
    if (!answers[n].boxes.empty()) answers[n].score = answers[n].boxes.front().score;
  }
  return answers;
}

}  // namespace graft::head
