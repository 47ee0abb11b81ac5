#include "graft/data/collate.h"

#include "support.h"

using namespace graft;

namespace {

Sample sample(std::int64_t record, Fields inputs, Fields targets = {}) { return {std::move(inputs), std::move(targets), record}; }

at::Tensor ids(const std::vector<std::int64_t>& values) { return at::tensor(values, at::kLong); }

const Padding text_padding{{{"input_ids", 9}, {"token_type_ids", 0}}, "attention_mask"};

}  // namespace

TEST_CASE("Collate: samples of one shape are stacked, and no mask is added", "[collate]") {
  const std::vector<Sample> samples{sample(4, {{"input_ids", ids({1, 2})}}, {{"label", at::scalar_tensor(0, at::kLong)}}),
                                    sample(7, {{"input_ids", ids({3, 4})}}, {{"label", at::scalar_tensor(2, at::kLong)}})};
  const Batch batch = collate(samples, text_padding);
  CHECK(batch.inputs.names() == std::vector<std::string>{"input_ids"});
  CHECK(batch.inputs["input_ids"].equal(ids({1, 2, 3, 4}).view({2, 2})));
  CHECK(batch.targets["label"].equal(ids({0, 2})));
  CHECK(batch.records == std::vector<std::int64_t>{4, 7});
  CHECK(batch.size() == 2);
}

TEST_CASE("Collate: named fields are filled up at their end, and the mask tells what is real", "[collate]") {
  const std::vector<Sample> samples{sample(0, {{"input_ids", ids({1, 2})}, {"token_type_ids", ids({5, 5})}}),
                                    sample(1, {{"input_ids", ids({3, 4, 5, 6})}, {"token_type_ids", ids({6, 6, 6, 6})}}),
                                    sample(2, {{"input_ids", ids({7})}, {"token_type_ids", ids({8})}})};
  const Batch batch = collate(samples, text_padding);
  CHECK(batch.inputs["input_ids"].equal(ids({1, 2, 9, 9, 3, 4, 5, 6, 7, 9, 9, 9}).view({3, 4})));
  CHECK(batch.inputs["token_type_ids"].equal(ids({5, 5, 0, 0, 6, 6, 6, 6, 8, 0, 0, 0}).view({3, 4})));
  CHECK(batch.inputs["attention_mask"].equal(ids({1, 1, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0}).view({3, 4})));
  CHECK(batch.inputs["attention_mask"].scalar_type() == at::kLong);
  CHECK(batch.inputs.names() == std::vector<std::string>{"input_ids", "token_type_ids", "attention_mask"});
}

TEST_CASE("Collate: the mask has the name that the padding gives it", "[collate]") {
  const std::vector<Sample> samples{sample(0, {{"x", ids({1})}}), sample(1, {{"x", ids({1, 2})}})};
  const Batch batch = collate(samples, {{{"x", 0}}, "real"});
  CHECK(batch.inputs["real"].equal(ids({1, 0, 1, 1}).view({2, 2})));
  CHECK_FALSE(batch.inputs.has("attention_mask"));
}

TEST_CASE("Collate: tensors of more dimensions are filled up along the first, in their own type", "[collate]") {
  const std::vector<Sample> samples{sample(0, {{"frames", at::ones({1, 2}, at::kDouble)}}),
                                    sample(1, {{"frames", at::ones({3, 2}, at::kDouble) * 2}})};
  const Batch batch = collate(samples, {{{"frames", -1.5}}, "mask"});
  REQUIRE(batch.inputs["frames"].sizes() == at::IntArrayRef({2, 3, 2}));
  CHECK(batch.inputs["frames"].scalar_type() == at::kDouble);
  CHECK(batch.inputs["frames"][0].equal(at::tensor({1.0, 1.0, -1.5, -1.5, -1.5, -1.5}, at::kDouble).view({3, 2})));
  CHECK(batch.inputs["mask"].equal(ids({1, 0, 0, 1, 1, 1}).view({2, 3})));
}

TEST_CASE("Collate: targets may be filled up without adding a mask", "[collate]") {
  const std::vector<Sample> samples{sample(0, {{"x", ids({1})}}, {{"tags", ids({1})}}),
                                    sample(1, {{"x", ids({2})}}, {{"tags", ids({2, 3})}})};
  const Batch batch = collate(samples, {{{"tags", -100}}, "attention_mask"});
  CHECK(batch.targets["tags"].equal(ids({1, -100, 2, 3}).view({2, 2})));
  CHECK(batch.inputs.names() == std::vector<std::string>{"x"});
}

TEST_CASE("Collate: a batch owns its memory", "[collate]") {
  std::vector<Sample> samples{sample(0, {{"x", ids({1, 2})}})};
  const Batch batch = collate(samples, {});
  CHECK(batch.inputs["x"].sizes() == at::IntArrayRef({1, 2}));
  samples[0].inputs["x"].fill_(7);
  CHECK(batch.inputs["x"].equal(ids({1, 2}).view({1, 2})));
}

TEST_CASE("Collate: no samples make an empty batch", "[collate]") {
  const Batch batch = collate({}, text_padding);
  CHECK(batch.size() == 0);
  CHECK(batch.inputs.empty());
}

TEST_CASE("Collate: other fields of different shapes are told with both", "[collate][error]") {
  const auto message_of = [](at::Tensor a, at::Tensor b, const Padding& padding) {
    const std::vector<Sample> samples{sample(0, {{"image", std::move(a)}}), sample(1, {{"image", std::move(b)}})};
    const auto error = test::error_of<DataError>([&] { collate(samples, padding); });
    CHECK(error.code() == "graft-D014");
    CHECK(error.remedy() == "Let the preprocessing bring all samples to one shape, or name the field in its padding.");
    return error.message();
  };
  CHECK(message_of(at::zeros({3, 8}), at::zeros({3, 9}), {}) ==
        "[Batch] samples of one shape are wanted for \"image\", got [3, 8] and [3, 9].");
  const Padding image_padding{{{"image", 0}}, "mask"};
  // padding fills dimension 0 and no other
  CHECK(message_of(at::zeros({3, 8}), at::zeros({4, 9}), image_padding) ==
        "[Batch] samples of one shape are wanted for \"image\", got [3, 8] and [4, 9].");
  CHECK(message_of(at::zeros({3, 8}), at::zeros({3}), image_padding) ==
        "[Batch] samples of one shape are wanted for \"image\", got [3, 8] and [3].");
  CHECK(message_of(at::zeros({}), at::zeros({1}), image_padding) ==
        "[Batch] samples of one shape are wanted for \"image\", got [] and [1].");
}

TEST_CASE("Collate: a field that a later sample lacks is told", "[collate][error]") {
  const std::vector<Sample> samples{sample(0, {{"x", ids({1})}}), sample(1, {{"y", ids({1})}})};
  CHECK(test::error_of<ModelError>([&] { collate(samples, {}); }).message() ==
        "[Fields] a tensor named \"x\" is wanted, there are: \"y\".");
}

TEST_CASE("Collate: same_shapes compares every input and no target", "[collate]") {
  const Sample a = sample(0, {{"x", at::zeros({2})}, {"y", at::zeros({3, 1})}}, {{"t", at::zeros({1})}});
  CHECK(same_shapes(a, sample(1, {{"x", at::ones({2})}, {"y", at::ones({3, 1})}}, {{"t", at::zeros({5})}})));
  CHECK_FALSE(same_shapes(a, sample(1, {{"x", at::zeros({2})}, {"y", at::zeros({3, 2})}})));
  CHECK_FALSE(same_shapes(a, sample(1, {{"x", at::zeros({1})}, {"y", at::zeros({3, 1})}})));
  CHECK_FALSE(same_shapes(a, sample(1, {{"x", at::zeros({2})}})));
}
