#include "graft/train/callback.h"

#include "core/json.h"

namespace graft {

Json Callback::state() const { return Json::object(); }
void Callback::restore(const Json&) {}

}  // namespace graft
