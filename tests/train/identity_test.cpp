// Which run may go on from a checkpoint.
#include "train/identity.h"

#include "graft/optim/regularizer.h"
#include "heard.h"
#include "small_run.h"
#include "support.h"

using namespace graft;
using test::Heard;
using test::messages;
using test::options;
using test::rewrite;
using test::trained;

TEST_CASE("resume: another run is refused with a table of what differs", "[train][resume][error]") {
  const test::TempDir folder;
  trained(options(folder.path(), false));
  const auto refused = [&](const std::string& fact, const std::string& before, const std::string& now, const TrainerOptions& other,
                           const Splits& data = messages(), std::int64_t hidden = 8) {
    const auto error = test::error_of<CheckpointError>([&] { trained(other, data, hidden); });
    INFO(error.what());
    CHECK(error.code() == "graft-K025");
    CHECK(error.message().find("\"" + fact + "\"") != std::string::npos);
    CHECK(error.message().find("the checkpoint's run") != std::string::npos);
    CHECK(error.message().find(before) != std::string::npos);
    CHECK(error.message().find(now) != std::string::npos);
    CHECK(error.place() == folder.path());
  };
  const auto with = [&](auto change) {
    TrainerOptions other = options(folder.path(), true);
    change(other);
    return other;
  };
  refused("batch", "8 x 1", "4 x 2", with([](auto& o) { o.batch_size = 4, o.accumulate = 2; }));
  refused("optimizer", "AdamW", "Lion", with([](auto& o) { o.optimizer = OptimizerKind::Lion; }));
  refused("parameter groups", "0.001", "0.002", with([](auto& o) { o.lr = 0.002; }));
  refused("schedule", "linear", "cosine", with([](auto& o) { o.schedule = Schedule(Schedule::Kind::Cosine, 0.1); }));
  refused("epochs", "3", "4", with([](auto& o) { o.epochs = 4; }));
  refused("regularizers", "none", "L2-SP 0.5, 0.01", with([](auto& o) { o.regularizers = {[] { return std::make_unique<L2Sp>(0.5); }}; }));
  refused("clipping", "norm:1.0", "values:0.5", with([](auto& o) { o.clip = Clip::parse("values:0.5"); }));
  refused("seed", "0", "1", with([](auto& o) { o.seed = 1; }));
  refused("order", "shuffled", "sampled", with([](auto& o) { o.sampler = Sampler::balanced(messages().train, "queue"); }));
  const TrainerOptions same = options(folder.path(), true);
  refused("head", "\"hidden\":8", "\"hidden\":4", same, messages(), 4);
  refused("training data", "32 records", "31 records", same, {test::toy_messages(31), messages().valid, {}});
  refused("validation data", "16 records", "16 records", same, {messages().train, test::toy_messages(16, 4), {}});
  rewrite(checkpoints_in(folder.path()).back().second, [](Checkpoint& checkpoint) {
    for (auto& [name, value] : checkpoint.manifest) {
      if (name == "LibTorch") value = "1.13.0";
    }
  });
  refused("LibTorch", "1.13.0", "2.", same);
  CHECK(test::error_of<ConfigError>([&] { trained(options(folder.path(), false)); }).code() == "graft-C038");
}

TEST_CASE("resume: another processor and other threads are only told", "[train][resume]") {
  const test::TempDir folder;
  const at::Tensor unbroken = trained(options(folder.path(), false));
  rewrite(checkpoints_in(folder.path()).back().second, [](Checkpoint& checkpoint) {
    for (auto& [name, value] : checkpoint.manifest) {
      if (name == "threads") value = "77";
      if (name == "processor") value = "VAX";
    }
  });
  const Heard heard;
  CHECK(at::equal(trained(options(folder.path(), true)), unbroken));
  CHECK(heard.with("").find("graft-W006: [Trainer] the run was begun with threads 77") != std::string::npos);
  CHECK(heard.with("").find("processor VAX") != std::string::npos);
}

TEST_CASE("resume: labels that changed are other data, where a key does not know them too", "[train][resume][error]") {
  // Messages under keys that leave the queue out.
  class Unlabelled final : public Dataset {
   public:
    explicit Unlabelled(Data whole) : whole_(std::move(whole)) {}
    std::size_t size() const override { return whole_.size(); }
    Record get(std::size_t index) const override { return whole_.get(index); }
    std::string key(std::size_t index) const override { return "message " + std::to_string(index); }

   private:
    Data whole_;
  };
  const test::TempDir folder;
  const auto of = [](Data train) { return Splits{Data(std::make_shared<Unlabelled>(std::move(train))), messages().valid, {}}; };
  trained(options(folder.path(), false), of(messages().train));
  const Data relabelled = messages().train.map([](Record record) {
    std::string& queue = std::get<std::string>(record.values.at("queue"));
    queue = queue == "A" ? "B" : "A";
    return record;
  });
  const auto error = test::error_of<CheckpointError>([&] { trained(options(folder.path(), true), of(relabelled)); });
  CHECK(error.code() == "graft-K025");
  CHECK(error.message().find("\"training data\"") != std::string::npos);
  trained(options(folder.path(), true), of(messages().train));
}
