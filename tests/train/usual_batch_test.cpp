#include "train/usual_batch.h"

#include "support.h"
#include "toys.h"

using namespace graft;

TEST_CASE("Batch size: 32, or fewer where a run would have less than 300 steps, as the options leave it open", "[train]") {
  const Model all = test::toy_model(Freeze::none()), frozen = test::toy_model(Freeze::all());
  const auto size = [](const Model& model, std::size_t records, TrainerOptions options = {}) {
    return train::with_batch_size(options, model, records).batch_size;
  };
  CHECK(size(all, 3200) == 32);  // 3 epochs
  CHECK(size(all, 3199) == 16);
  CHECK(size(all, 1000) == 8);
  CHECK(size(all, 10) == 8);
  CHECK(size(frozen, 320) == 32);  // 30 epochs
  CHECK(size(all, 1000, {.epochs = 10}) == 32);
  CHECK(size(all, 3200, {.accumulate = 4}) == 8);
  CHECK(size(all, 10, {.batch_size = 100}) == 100);
}
