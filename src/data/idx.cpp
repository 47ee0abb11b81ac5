#include "graft/data/idx.h"

#include <ATen/ATen.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "core/file.h"
#include "core/hash.h"
#include "graft/core/error.h"
#include "graft/core/fields.h"
#include "graft/core/runtime.h"

namespace graft::data {
namespace {

constexpr std::size_t most_bytes = std::size_t{1} << 36;

[[noreturn]] void refuse(const std::string& message, const std::string& place) {
  throw DataError({.code = "graft-D066",
                   .message = "[Idx] " + message + ".",
                   .remedy = "Bring the files of pictures and of labels of one part, whole, such as train-images-idx3-ubyte.gz and "
                             "train-labels-idx1-ubyte.gz.",
                   .place = place});
}

/// A file, unpacked where it is packed.
class Unpacker {
 public:
  explicit Unpacker(const std::string& path) : path_(path), file_(nullptr, gzclose) {
    require_file(path);
    file_.reset(gzopen(path.c_str(), "rb"));
    if (!file_) refuse("a file that can be read is wanted", path);
  }

  /// The next bytes; fewer where the file ends. Memory grows with what is read, whatever the file claims to hold.
  std::string next(std::size_t most) {
    constexpr std::size_t step = 1 << 20;
    std::string bytes;
    while (bytes.size() < most) {
      const std::size_t before = bytes.size(), wanted = std::min(most - before, step);
      bytes.resize(before + wanted);
      const int count = gzread(file_.get(), bytes.data() + before, static_cast<unsigned>(wanted));
      int error = Z_OK;
      const char* what = gzerror(file_.get(), &error);
      if (count < 0 || error == Z_BUF_ERROR) refuse(std::string("a whole file is wanted, it cannot be unpacked: ") + what, path_);
      bytes.resize(before + static_cast<std::size_t>(count));
      if (bytes.size() < before + wanted) break;
    }
    return bytes;
  }

 private:
  std::string path_;
  std::unique_ptr<gzFile_s, decltype(&gzclose)> file_;
};

/// uint8, of the shape that the file says.
at::Tensor read(const std::string& path, std::size_t dimensions) {
  Unpacker file(path);
  const std::string header = file.next(4 + 4 * dimensions);
  const auto byte = [&](std::size_t i) { return std::int64_t{static_cast<unsigned char>(header[i])}; };
  if (header.size() < 4 + 4 * dimensions || byte(0) != 0 || byte(1) != 0 || byte(2) != 8 ||
      byte(3) != static_cast<std::int64_t>(dimensions)) {
    refuse("a file of bytes with " + std::to_string(dimensions) + (dimensions == 1 ? " dimension" : " dimensions") +
               " is wanted, got another one",
           path);
  }
  std::vector<std::int64_t> shape;
  for (std::size_t at = 4; at < header.size(); at += 4)
    shape.push_back(byte(at) << 24 | byte(at + 1) << 16 | byte(at + 2) << 8 | byte(at + 3));
  double wanted = 1;
  for (const std::int64_t size : shape) wanted *= static_cast<double>(size);
  const std::string bytes = file.next(wanted < most_bytes ? static_cast<std::size_t>(wanted) + 1 : most_bytes);
  if (wanted == 0 || wanted != static_cast<double>(bytes.size())) {
    refuse("values of the shape " + shape_text(shape) + " are wanted, got " +
               (static_cast<double>(bytes.size()) > wanted ? "more" : std::to_string(bytes.size()) + " bytes"),
           path);
  }
  at::Tensor values = at::empty(shape, at::kByte);
  std::ranges::copy(bytes, static_cast<char*>(values.mutable_data_ptr()));
  return values;
}

class Idx final : public Dataset {
 public:
  Idx(const std::string& images, const std::string& labels, const IdxOptions& options)
      : name_(std::filesystem::path(images).filename().string()), names_(options.labels) {
    runtime();
    images_ = read(images, 3);
    labels_ = read(labels, 1);
    if (images_.size(0) != labels_.size(0))
      refuse("a label for each of " + std::to_string(images_.size(0)) + " pictures is wanted, got " + std::to_string(labels_.size(0)),
             labels);
    const auto highest = labels_.max().item<std::int64_t>();
    if (!names_.empty() && highest >= static_cast<std::int64_t>(names_.size())) {
      throw DataError({.code = "graft-D066",
                       .message = "[Idx] a name for each label up to " + std::to_string(highest) + " is wanted, got " +
                                  std::to_string(names_.size()) + ".",
                       .remedy = "Name all classes, the first for 0, or none.",
                       .place = labels});
    }
  }

  std::size_t size() const override { return static_cast<std::size_t>(images_.size(0)); }

  Record get(std::size_t index) const override {
    const auto label = labels_.const_data_ptr<std::uint8_t>()[index];
    return {{{"image", image(index)}, {"label", names_.empty() ? std::to_string(label) : names_[label]}},
            name_ + ":picture " + std::to_string(index + 1)};
  }

  std::string key(std::size_t index) const override { return Hash().add(image(index)).hex(); }

 private:
  at::Tensor image(std::size_t index) const { return images_[static_cast<std::int64_t>(index)]; }

  std::string name_;
  std::vector<std::string> names_;
  at::Tensor images_, labels_;
};

}  // namespace

Data idx(const std::string& images, const std::string& labels, const IdxOptions& options) {
  return Data(std::make_shared<Idx>(images, labels, options));
}

}  // namespace graft::data
