#include "backbone/binding.h"

#include "graph/builder.h"
#include "support.h"

using namespace graft;
using backbone::Binding;

namespace {

graph::Network network(const std::string& parameters) {
  return graph::Builder("Any").define("def forward(self, " + parameters + "):\n    return 1\n").network();
}

const at::Tensor ids = at::ones({2, 3}, at::kLong);

}  // namespace

TEST_CASE("Binding: by name first, then by alias, then by order", "[backbone]") {
  SECTION("by name, whatever the order of the fields") {
    const Binding binding(network("mask, input_ids"), {}, {"input_ids", "mask"});
    const auto values = binding.arguments({{"input_ids", ids}, {"mask", ids * 5}});
    CHECK(values[0].toTensor()[0][0].item<int>() == 5);
    CHECK(values[1].toTensor()[0][0].item<int>() == 1);
    CHECK(binding.description().empty());
  }
  SECTION("by alias, and it is said") {
    const Binding binding(network("ids, mask: Optional[Tensor] = None"), {}, {"input_ids", "attention_mask"});
    CHECK(binding.arguments({{"input_ids", ids}, {"attention_mask", ids * 5}})[1].toTensor()[0][0].item<int>() == 5);
    CHECK(binding.description() == "input_ids -> ids, attention_mask -> mask");
  }
  SECTION("what is left over by order") {
    const Binding binding(network("first, second"), {}, {"a", "b"});
    CHECK(binding.description() == "a -> first, b -> second");
  }
  SECTION("fields that nothing reads are dropped") {
    CHECK(Binding(network("x"), {}, {"x", "unused"}).arguments({{"x", ids}, {"unused", ids}}).size() == 1);
  }
}

TEST_CASE("Binding: lists, tuples and dictionaries of tensors take fields by index or key", "[backbone]") {
  const std::vector<std::string> fields{"pair.1", "pair.0", "x"};
  const Fields batch{{"pair.0", ids}, {"pair.1", ids * 2}, {"x", ids * 3}};
  CHECK(Binding(network("pair: List[Tensor], x"), {}, fields).arguments(batch)[0].toTensorVector().at(1)[0][0].item<int>() == 2);
  const auto tuple = Binding(network("x, pair: Tuple[Tensor, Tensor]"), {}, fields).arguments(batch);
  CHECK(tuple[0].toTensor()[0][0].item<int>() == 3);
  CHECK(tuple[1].toTupleRef().elements().at(1).toTensor()[0][0].item<int>() == 2);
  const auto dict = Binding(network("inputs: Dict[str, Tensor]"), {}, {"inputs.left", "inputs.right"});
  CHECK(dict.arguments({{"inputs.left", ids}, {"inputs.right", ids * 2}})[0].toGenericDict().at("right").toTensor()[0][0].item<int>() == 2);
  const auto error = test::error_of<ModelError>([] { Binding(network("pair: Tuple[Tensor, Tensor, Tensor]"), {}, {"pair.0", "pair.1"}); });
  CHECK(error.code() == "graft-M007");
  CHECK(error.remedy().find("\"pair.0\"") != std::string::npos);
}

TEST_CASE("Binding: a batch without padding has no mask", "[backbone]") {
  const Fields batch{{"input_ids", ids}};
  SECTION("an optional argument gets None") {
    CHECK(
        Binding(network("input_ids, attention_mask: Optional[Tensor]"), {}, {"input_ids", "attention_mask"}).arguments(batch)[1].isNone());
  }
  SECTION("a required one gets ones") {
    const auto values = Binding(network("input_ids, attention_mask"), {}, {"input_ids", "attention_mask"}).arguments(batch);
    CHECK(at::equal(values[1].toTensor(), at::ones({2, 3}, at::kLong)));
  }
}

TEST_CASE("Binding: constants and defaults fill other arguments", "[backbone]") {
  const Binding binding(network("x, sr: int, scale: float = 0.5"), {.constants = {{"sr", std::int64_t{16000}}}}, {"x"});
  const auto values = binding.arguments({{"x", ids}});
  CHECK(values[1].toInt() == 16000);
  CHECK(values[2].toDouble() == 0.5);
}

TEST_CASE("Binding says which argument nothing is there for", "[backbone][error]") {
  SECTION("a tensor") {
    const auto error = test::error_of<ModelError>([] { Binding(network("x, boxes"), {}, {"x"}); });
    CHECK(error.code() == "graft-M007");
    CHECK(error.message().find("\"boxes\" of forward(x: Tensor, boxes: Tensor)") != std::string::npos);
  }
  SECTION("a number: name the constant") {
    const auto error = test::error_of<ModelError>([] { Binding(network("x, sr: int"), {}, {"x"}); });
    CHECK(error.remedy().find("--constant sr=VALUE") != std::string::npos);
  }
}
