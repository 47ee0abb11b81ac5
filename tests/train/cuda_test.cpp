// Runs only where a GPU is (tests/run.sh leaves [cuda] out elsewhere, and says so).
#include "graft/train/fine_tune.h"
#include "support.h"
#include "toys.h"

using namespace graft;

namespace {

Model on_gpu(const Freeze& freeze) {
  return Model(test::tiny_bert(0), head::Classifier({.label = "queue", .labels = {"A", "B", "C"}}),
               text::Tokenizer::load(test::golden_path("tiny_bert/vocab.txt"), {.text = "message", .max_length = 32}),
               {.freeze = freeze, .device = "cuda:0"});
}

}  // namespace

TEST_CASE("CUDA: features are the CPU's", "[train][cuda]") {
  const Fields inputs{{"input_ids", at::randint(5, 150, {4, 9}, at::kLong)}};
  const at::Tensor gpu = on_gpu(Freeze::all()).features(inputs)["pooled"];
  CHECK(gpu.is_cuda());
  CHECK(test::max_difference(gpu.cpu(), test::toy_model(Freeze::all(), 0).features(inputs)["pooled"]) < 1e-4);
}

TEST_CASE("CUDA: a probe and full fine-tuning learn, and the file loads on the CPU", "[train][cuda]") {
  const test::TempDir folder;
  const Splits data{test::toy_messages(120), test::toy_messages(40, 1), test::toy_messages(40, 2)};
  for (const Preset preset : {Preset::Probe, Preset::Full}) {
    Model model = on_gpu(Freeze::all());
    const auto report = fine_tune(model, data, {.preset = preset, .trainer = {.epochs = 8, .lr = 5e-3, .backbone_lr_ratio = 0.5}});
    CHECK(report.evaluation.metric("accuracy") > 0.7);
    model.save(folder.file("m.pt"));
    CHECK(Model::load(folder.file("m.pt"), {.device = "cpu"}).device().is_cpu());
  }
}
