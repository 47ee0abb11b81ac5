#include "graft/data/preprocess.h"

namespace graft {

std::int64_t Preprocess::cut(const Record&) const { return 0; }

}  // namespace graft
