#include "train/in_parts.h"

#include <ATen/ATen.h>

namespace graft::train {
namespace {

Fields narrowed(const Fields& fields, std::int64_t start, std::int64_t rows) {
  Fields part;
  for (const auto& [name, tensor] : fields) part.set(name, tensor.narrow(0, start, rows));
  return part;
}

class InParts final : public Stream {
 public:
  InParts(std::unique_ptr<Stream> stream, std::int64_t most) : stream_(std::move(stream)), most_(most) {}

  void begin(int epoch, std::int64_t first) override { stream_->begin(epoch, first); }

  const Window* next() override {
    whole_ = stream_->next();
    if (whole_ == nullptr) return nullptr;
    window_ = {{}, whole_->records, whole_->number};
    for (const Piece& piece : whole_->pieces) {
      const std::int64_t parts = (piece.rows + most_ - 1) / most_;
      for (std::int64_t part = 0; part < parts; ++part) {
        const std::int64_t start = piece.rows * part / parts, rows = piece.rows * (part + 1) / parts - start;
        window_.pieces.push_back({narrowed(piece.inputs, start, rows), narrowed(piece.targets, start, rows), rows});
      }
    }
    return &window_;
  }

  Fields features(const Piece& piece) const override { return stream_->features(piece); }
  std::vector<std::int64_t> records(const Window& /*window*/) const override { return stream_->records(*whole_); }
  std::int64_t steps_per_epoch() const override { return stream_->steps_per_epoch(); }
  double waited() const override { return stream_->waited(); }
  Skipped skipped() const override { return stream_->skipped(); }

 private:
  std::unique_ptr<Stream> stream_;
  std::int64_t most_;
  const Window* whole_ = nullptr;
  Window window_;
};

}  // namespace

std::unique_ptr<Stream> in_parts(std::unique_ptr<Stream> stream, std::int64_t most) {
  if (most == 0) return stream;
  return std::make_unique<InParts>(std::move(stream), most);
}

}  // namespace graft::train
