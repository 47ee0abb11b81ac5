#include "train/trial.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "core/json.h"
#include "graft/data/collate.h"
#include "graft/data/loader.h"
#include "graft/head/dense_head.h"
#include "graft/model/feature_set.h"
#include "graph/network.h"
#include "model/eval_mode.h"
#include "train/numerics.h"
#include "train/same_random_numbers.h"

namespace graft::train {
namespace {

constexpr std::size_t tried = 8;  // records, until two can be prepared

/// LibTorch's or a part's words without who complains.
std::string words_of(const std::exception& error) {
  const auto* own = dynamic_cast<const Error*>(&error);
  if (own == nullptr) return graph::reason(error);
  const std::size_t end = own->message().starts_with('[') ? own->message().find("] ") : std::string::npos;
  return end == std::string::npos ? own->message() : own->message().substr(end + 2);
}

std::string sentence(const std::string& words) { return words.ends_with('.') ? words : words + "."; }

/// `"x" [2, 3, 16, 16] of Float`
std::string described(const Fields& fields) {
  std::string text;
  for (const auto& [name, tensor] : fields) {
    text += (text.empty() ? "\"" : ", \"") + name + "\" " + shape_text(tensor.sizes()) + " of " + c10::toString(tensor.scalar_type());
  }
  return text;
}

/// What to do about inputs that the network cannot take, by how they differ from those that it can.
std::string remedy_for(const Fields& given, const Fields& example, const std::string& words) {
  for (const auto& [name, tensor] : given) {
    const at::Tensor* like = example.find(name);
    if (like == nullptr) continue;
    if (tensor.scalar_type() == at::kByte && like->is_floating_point())
      return "Convert \"" + name +
             "\" from bytes to float32, in the range that the network was trained on: x.to(at::kFloat) / 255, less the mean, by the "
             "deviation.";
    if (tensor.scalar_type() != like->scalar_type())
      return "Convert \"" + name + "\" to " + c10::toString(like->scalar_type()) + ": x.to(at::k" + c10::toString(like->scalar_type()) +
             ").";
    if (tensor.sizes() == like->sizes()) continue;
    const bool pictures = tensor.dim() == 4 && like->dim() == 4;
    if (pictures && tensor.size(3) == like->size(1)) return "Bring \"" + name + "\" from [H, W, C] to [C, H, W]: x.permute({2, 0, 1}).";
    if (pictures && tensor.size(1) != like->size(1))
      return "Bring \"" + name + "\" to " + std::to_string(like->size(1)) + " channels, or make a network for " +
             std::to_string(tensor.size(1)) + " with graft::backbone::with_input_channels.";
    return "Bring \"" + name + "\" to the shape " + shape_text(like->sizes().slice(1)) + " of the preprocessing's example.";
  }
  if (words.find("index out of range") != std::string::npos)
    return "Whole numbers are rows of a table, from 0 to its size - 1: check that data, tokenizer and network belong together.";
  return "Check names, shapes and types of the inputs against graft inspect.";
}

std::string remedy_for_loss(const std::string& words) {
  if (words.find("out of bounds") != std::string::npos) return "Classes are counted from 0 to their number - 1 in targets().";
  if (words.find("dtype") != std::string::npos || words.find("scalar type") != std::string::npos)
    return "Classes are whole numbers (at::kLong), shares and numbers are at::kFloat: convert them in targets().";
  return "Set targets without the batch dimension in targets(), in the shape that loss() compares with its outputs.";
}

class FirstRecords {
 public:
  FirstRecords(Model& model, const Data& train) : model_(model), train_(train) {}

  Trial operator()() {
    const c10::NoGradGuard no_grad;
    const EvalMode eval(model_);
    const SameRandomNumbers same(model_.device());
    if (!prepare()) return std::move(found_);
    Fields features;
    if (run_network(features)) run_head(features);
    return std::move(found_);
  }

 private:
  bool prepare() {
    std::vector<Sample> samples;
    const TargetFunction targets = target_function(model_);
    for (std::size_t i = 0; i < std::min(tried, train_.size()) && samples.size() < 2; ++i) {
      try {
        Rng rng(0);
        for (Sample& sample : samples_of(train_, i, *model_.preprocess(), targets, rng, Mode::Eval)) samples.push_back(std::move(sample));
        place_ += (place_.empty() ? "" : ", ") + train_.get(i).place;
      } catch (const Error&) {  // told by the part that reads them, or left out
      }
    }
    if (samples.empty()) return false;
    if (samples.size() > 2) samples.resize(2);
    try {
      batch_ = collate(samples, model_.preprocess()->padding());
    } catch (const Error& error) {
      for (Problem problem : error.problems()) add(problem.code, problem.message, problem.remedy);
      return false;
    }
    batch_.inputs = to(batch_.inputs, model_.device());
    batch_.targets = to(batch_.targets, model_.device());
    return true;
  }

  bool run_network(Fields& features) {
    for (const auto& [name, tensor] : batch_.inputs) {
      if (!is_bad(tensor)) continue;
      add("graft-D028", "[Trainer] finite numbers are wanted in \"" + name + "\", preparing the first training records gives others.",
          "Look at what prepares them: a division by a deviation of 0 is a usual cause.");
      return false;
    }
    try {
      features = model_.features(batch_.inputs);
    } catch (const std::exception& error) {
      const Fields example = example_inputs();
      add("graft-D027",
          "[Trainer] on the first training records " + sentence(words_of(error)) + " They give " + described(batch_.inputs) +
              "; the preprocessing's example " + described(example) + ".",
          remedy_for(batch_.inputs, example, words_of(error)));
      return false;
    }
    for (const auto& [name, tensor] : features) {
      if (!is_bad(tensor)) continue;
      const std::string layer = model_.bad_layer(batch_.inputs);
      add("graft-M028",
          "[Trainer] the backbone gives numbers that are not finite for the first training records, in the feature \"" + name + "\"" +
              (layer.empty() ? "." : "; the first is in the output of the layer \"" + layer + "\".") +
              bad_one_of(model_.backbone().network().parameters()),
          "Check the file that the network came from; inputs far outside the range that it was trained on do the same.");
      return false;
    }
    return true;
  }

  void run_head(const Fields& features) {
    Fields outputs;
    std::string at = "forward()";
    try {
      outputs = model_.head().forward(features);
      at = "loss()";
      const std::vector<LossTerm> terms = loss_terms(model_.head(), outputs, batch_.targets, batch_.size());
      for (const LossTerm& term : terms) {
        if (term.sum.dim() != 0) {
          add("graft-M027",
              "[Trainer] one number is wanted of the loss term \"" + term.name + "\", got " + shape_text(term.sum.sizes()) + ".",
              "Sum it over the batch in loss().");
        } else if (is_bad(term.sum)) {
          add("graft-N001",
              "[Trainer] the loss term \"" + term.name + "\" is not finite on the first training records, before the first step." +
                  bad_one_of(model_.trainable()) + " It is of the outputs " + described(outputs) + " and the targets " +
                  described(batch_.targets) + ".",
              "Look at the range of targets and outputs: logarithms and roots take numbers above 0.");
        }
      }
      if (found_.problems.empty() && dynamic_cast<const head::DenseHead*>(&model_.head()) == nullptr) require_sum(terms, outputs);
    } catch (const std::exception& error) {
      const std::string words = words_of(error);
      add("graft-M027",
          "[Trainer] the head's " + at + " fails on the first training records: " + sentence(words) + " It reads " +
              (at == "loss()" ? described(outputs) + " and the targets " + described(batch_.targets) : described(features)) + ".",
          at == "loss()" ? remedy_for_loss(words) : "Compare with what Head::reads() asks for.");
    }
  }

  /// Sums over a batch are the sums over its rows. Where they are not, a shape is spread over another ([N, 1] against [N]), or a mean is
  /// taken that will be divided again.
  void require_sum(const std::vector<LossTerm>& terms, const Fields& outputs) {
    for (const auto& fields : {outputs, batch_.targets}) {
      for (const auto& [name, tensor] : fields) {
        if (tensor.dim() == 0 || tensor.size(0) != batch_.size()) return;
      }
    }
    Terms rows_sum;
    for (std::int64_t i = 0; i < batch_.size(); ++i) {
      const at::Tensor row = at::tensor({i}, at::TensorOptions(at::kLong).device(model_.device()));
      for (const auto& [name, sum] : model_.head().loss(rows(outputs, row), rows(batch_.targets, row)))
        rows_sum.set(name, rows_sum.has(name) ? rows_sum[name] + sum : sum);
    }
    for (const LossTerm& term : terms) {
      const at::Tensor* parts = rows_sum.find(term.name);
      if (parts == nullptr || at::allclose(term.sum, *parts, 1e-3, 1e-6)) continue;
      found_.warnings.push_back({"graft-W010",
                                 "[Trainer] the loss term \"" + term.name + "\" of two records is " +
                                     std::to_string(term.sum.item<double>()) + ", and one after the other they have " +
                                     std::to_string(parts->item<double>()) + ", of the outputs " + described(outputs) +
                                     " and the targets " + described(batch_.targets) + ".",
                                 "Give the sum over the rows in loss(), of tensors of one shape.", place_});
    }
  }

  Fields example_inputs() const {
    Rng rng(0);
    const std::vector<Sample> samples = (*model_.preprocess())(model_.preprocess()->example(), rng, Mode::Eval);
    return collate(std::vector<Sample>(2, samples.at(0)), model_.preprocess()->padding()).inputs;
  }

  static std::string bad_one_of(const std::vector<std::pair<std::string, at::Tensor>>& parameters) {
    for (const auto& [name, tensor] : parameters) {
      if (is_bad(tensor)) return " The parameter \"" + name + "\" holds such numbers.";
    }
    return "";
  }

  void add(const std::string& code, const std::string& message, const std::string& remedy) {
    found_.problems.push_back({code, message, remedy, place_});
  }

  Model& model_;
  const Data& train_;
  Batch batch_;
  std::string place_;
  Trial found_;
};

}  // namespace

Trial try_first_records(Model& model, const Data& train) { return FirstRecords(model, train)(); }

}  // namespace graft::train
