#include "graft/train/memory_fit.h"

#include "core/json.h"
#include "core/memory.h"

namespace graft {

std::string MemoryFit::text() const {
  const std::string size = "batches of " + std::to_string(batch) + " records ";
  return size + (parts == 1 ? "fit whole" : "in " + std::to_string(parts) + " parts of at most " + std::to_string(records)) +
         ": a step takes " + bytes_text(bytes) + " of " + bytes_text(budget);
}

Json MemoryFit::json() const { return {{"batch", batch}, {"records", records}, {"parts", parts}, {"bytes", bytes}, {"budget", budget}}; }

}  // namespace graft
