// The whole loop against PyTorch: losses, rates and gradient norms of ten steps, as tests/golden/make_training.py recorded them.
#include <algorithm>
#include <filesystem>

#include "core/file.h"
#include "graft/backbone/import.h"
#include "graft/data/tensors.h"
#include "graft/train/trainer.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

/// Sequences of ids, cut to what their mask says is real; batches are padded again by the loader.
class Sequences final : public Preprocess {
 public:
  std::vector<Sample> operator()(const Record& record, Rng&, Mode) const override {
    const std::int64_t length = record.tensor("attention_mask").sum().item<std::int64_t>();
    return {Sample{{{"input_ids", record.tensor("input_ids").narrow(0, 0, length)}}, {}, 0}};
  }
  Json config() const override { return {{"type", "sequences"}}; }
  Padding padding() const override { return {{{"input_ids", 0.0}}}; }
  Record example() const override {
    return {{{"input_ids", at::ones({4}, at::kLong)}, {"attention_mask", at::ones({4}, at::kLong)}}, "example"};
  }
};

class Recorder final : public Callback {
 public:
  Action on_step(const StepRecord& step) override {
    steps.push_back(step);
    return Action::Continue;
  }
  std::vector<StepRecord> steps;
};

struct Batches {
  Data data;
  int size = 0;
};

Batches batches(const std::string& name) {
  const Json list = test::golden("training.json").at("batches").at(name);
  std::int64_t longest = 0;
  for (const Json& batch : list) longest = std::max(longest, test::tensor_of(batch.at("input_ids")).size(1));
  const auto joined = [&](const char* field) {
    std::vector<at::Tensor> parts;
    for (const Json& batch : list) {
      const at::Tensor part = test::tensor_of(batch.at(field));
      parts.push_back(part.dim() == 2 ? at::constant_pad_nd(part, {0, longest - part.size(1)}) : part);
    }
    return at::cat(parts);
  };
  return {data::tensors({{"input_ids", joined("input_ids")}, {"attention_mask", joined("attention_mask")}, {"label", joined("labels")}}),
          static_cast<int>(list.at(0).at("labels").size())};
}

void compare(const std::string& name, Backbone backbone, const Freeze& freeze, double tolerance) {
  const Json run = test::golden("training.json").at("runs").at(name);
  Model model(std::move(backbone), head::Classifier({.labels = {"0", "1", "2", "3", "4"}}), Sequences(),
              {.freeze = freeze, .device = "cpu", .repair = false});  // the reference has no dropout
  {
    const c10::NoGradGuard no_grad;
    at::Tensor weight = model.head().parameters()["weight"];
    weight.copy_(at::arange(weight.numel(), at::kDouble).sin().mul(0.01).view_as(weight));
  }
  const Json& optimizer = run.at("optimizer");
  const bool sgd = optimizer.at("name") == "sgd";
  const auto [data, size] = batches(run.at("batches"));
  TrainerOptions options{.epochs = 1,
                         .batch_size = size,
                         .optimizer = sgd ? OptimizerKind::Sgd : OptimizerKind::AdamW,
                         .lr = run.at("lr"),
                         .backbone_lr_ratio = 1.0,
                         .weight_decay = optimizer.at("weight_decay"),
                         .decay_all = true,
                         .nesterov = sgd,
                         .schedule = sgd ? Schedule(Schedule::Kind::Cosine, 0.0) : Schedule(Schedule::Kind::Linear, 0.3),
                         .clip = run.at("clip_norm").is_null() ? Clip{.kind = Clip::Kind::None} : Clip{.limit = run.at("clip_norm")},
                         .precision = Precision::Float32,
                         .shuffle = false};
  const auto recorder = std::make_shared<Recorder>();
  Trainer(options).add(recorder).fit(model, {data, {}, {}});
  REQUIRE(recorder->steps.size() == 10);
  for (std::size_t i = 0; i < 10; ++i) {
    INFO(name << ", step " << i);
    CHECK(recorder->steps[i].loss == Approx(run.at("losses").at(i).get<double>()).margin(tolerance).epsilon(0));
    CHECK(recorder->steps[i].lr == Approx(run.at("learning_rates").at(i).get<double>()).epsilon(1e-9));
    CHECK(recorder->steps[i].grad_norm == Approx(run.at("grad_norms").at(i).get<double>()).epsilon(1e-3));
  }
}

}  // namespace

TEST_CASE("Training: the first ten losses are PyTorch's, AdamW with warm-up and clipping", "[train]") {
  compare("tiny_adamw", test::tiny_bert(0), Freeze::none(), 1e-5);
}

TEST_CASE("Training: the first ten losses are PyTorch's, SGD with Nesterov momentum and cosine", "[train]") {
  compare("tiny_sgd", test::tiny_bert(0), Freeze::none(), 1e-5);
}

TEST_CASE("Training: the first ten losses are PyTorch's with all but the last layer frozen", "[train]") {
  compare("tiny_adamw_last_layer", test::tiny_bert(0), Freeze::up_to("encoder.layer.0"), 1e-5);
}

TEST_CASE("Training: the same from a file that Python traced", "[train]") {
  compare("tiny_adamw", Backbone::load(test::golden_path("tiny_bert_trace.pt")), Freeze::none(), 1e-5);
}

TEST_CASE("Training: all-MiniLM-L6-v2 learns as PyTorch's does, all layers", "[train][data][slow]") {
  const test::TempDir folder;
  const Json config = parse_json(read_file(test::minilm_folder() + "/config.json"), "config.json");
  Json still = config;
  still["hidden_dropout_prob"] = still["attention_probs_dropout_prob"] = 0.0;
  std::filesystem::create_symlink(test::minilm_folder() + "/model.safetensors", folder.file("model.safetensors"));
  test::write(folder.file("config.json"), still.dump());
  backbone::import_checkpoint(folder.path(), folder.file("minilm.pt"));
  compare("minilm_adamw", Backbone::load(folder.file("minilm.pt")), Freeze::none(), 1e-5);
}
