#include "cli/found_objects.h"

#include <algorithm>
#include <functional>

namespace graft::cli {
namespace {

constexpr double enough_overlap = 0.5;  // as AP50 asks for

/// The object of its class that it lies over best, among those that are not taken; -1 if it lies over none enough.
std::ptrdiff_t object_under(const Box& box, const std::vector<GivenBox>& truth, const std::vector<bool>& is_taken) {
  std::ptrdiff_t best = -1;
  double most = enough_overlap;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const double overlap = truth[i].label == box.label && !is_taken[i] ? intersection_over_union(box, truth[i]) : 0;
    if (overlap < most) continue;
    most = overlap;
    best = static_cast<std::ptrdiff_t>(i);
  }
  return best;
}

/// "007_" where there are 100 to 999.
std::string rank_of(std::size_t index, std::size_t count) {
  const std::string rank = std::to_string(index + 1);
  return std::string(std::to_string(count).size() - rank.size(), '0') + rank + "_";
}

}  // namespace

void FoundObjects::answer(const Decoded& answer, const Record& record) {
  Seen seen{record.text(image_), answer, boxes_of(record)};
  std::erase_if(seen.answer.boxes, [&](const Box& box) { return box.score < least_score_; });
  std::vector<bool> is_taken(seen.truth.size());
  for (const Box& box : seen.answer.boxes) {
    const std::ptrdiff_t object = object_under(box, seen.truth, is_taken);
    if (object < 0) {
      ++seen.wrong;
      continue;
    }
    const auto at = static_cast<std::size_t>(object);
    is_taken[at] = true;
    seen.right += seen.truth[at].ignored ? 0 : 1;
  }
  const auto count = static_cast<std::size_t>(std::ranges::count(seen.truth, false, &GivenBox::ignored));
  seen.missed = count - seen.right;
  pictures_.push_back(std::move(seen));
}

void FoundObjects::merge(const Metric& other) {
  const auto& pictures = dynamic_cast<const FoundObjects&>(other).pictures_;
  pictures_.insert(pictures_.end(), pictures.begin(), pictures.end());
}

Json FoundObjects::draw(DrawnPictures& folder, std::size_t most) const {
  std::vector<const Seen*> worst;
  for (const Seen& seen : pictures_) worst.push_back(&seen);
  std::ranges::stable_sort(worst, std::greater(), [](const Seen* seen) { return seen->missed + seen->wrong; });
  worst.resize(std::min(worst.size(), most));
  Json drawn = Json::array();
  for (std::size_t i = 0; i < worst.size(); ++i) {
    const Seen& seen = *worst[i];
    drawn.push_back({{"image", seen.file},
                     {"drawn", folder.add(seen.file, seen.answer, seen.truth, rank_of(i, worst.size()))},
                     {"right", seen.right},
                     {"missed", seen.missed},
                     {"wrong", seen.wrong}});
  }
  return drawn;
}

}  // namespace graft::cli
