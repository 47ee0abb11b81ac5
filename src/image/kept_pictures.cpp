#include "image/kept_pictures.h"

#include <ATen/ATen.h>

namespace graft::image {

std::optional<View> KeptPictures::find(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = views_.find(key);
  return found == views_.end() ? std::nullopt : std::optional(found->second);
}

void KeptPictures::add(const std::string& key, const View& view) {
  const auto size = static_cast<std::int64_t>(view.picture.nbytes() + key.size() + sizeof(View));
  const std::lock_guard lock(mutex_);
  if (size > budget_ - bytes_ || !views_.emplace(key, view).second) return;
  bytes_ += size;
}

}  // namespace graft::image
