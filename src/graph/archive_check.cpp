#include "graph/archive_check.h"

#include <caffe2/serialize/versions.h>

#include <array>
#include <charconv>
#include <cstring>

#include "graft/core/error.h"
#include "graph/code_check.h"
#include "graph/pickle_check.h"

namespace graft::graph {
namespace {

const std::string export_recipe =
    "Export it from Python: torch.jit.script(model).save(\"model.pt\"), or torch.jit.trace(model, example).save(...).";

const std::string import_recipe =
    "If its architecture is known: graft import FILE -o net.pt. Else export it from Python: torch.jit.script(model).save(\"model.pt\").";

[[noreturn]] void is_other(const std::string& code, const std::string& what, const std::string& remedy, const std::string& path) {
  throw CheckpointError({code, "[Archive] a TorchScript file is wanted, this is " + what + ".", remedy, path});
}

/// Files that people take for a network, by how they begin.
struct Kind {
  std::string_view begin, what;
  std::string remedy;
};

void require_zip(std::string_view bytes, const std::string& path) {
  static const std::string fetch = "Fetch the file itself: git lfs pull, or the download link of its page.";
  static const std::array<Kind, 9> kinds = {
      {{"version https://git-lfs", "a git-lfs pointer: a note on where the file is", fetch},
       {"<!DOCTYPE", "a web page", fetch},
       {"<!doctype", "a web page", fetch},
       {"<html", "a web page", fetch},
       {"GGUF", "a GGUF file: weights without the network", "Export the network that they belong to from Python with torch.jit."},
       {"\x89HDF", "an HDF5 file, as Keras writes it", "Only networks of PyTorch can be loaded."},
       {"\x1f\x8b", "a gzip file", "Unpack it with gunzip."},
       {"PYTORCH1", "a file of a preview of PyTorch 1.0", "Load it with the PyTorch of its time, and save it again."},
       {"PK\x03\x04", "an archive that was cut short, or something stands behind its end",
        "Fetch or export the file again and compare its size with that at its source."}}};
  if (bytes.empty()) is_other("graft-K003", "an empty file", "Fetch or export the file again.", path);
  // The magic number of torch.save before PyTorch 1.6, as its first pickle: 0x1950a86a20f9469cfc6c.
  constexpr std::string_view magic("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 12);
  if (bytes.starts_with("\x80") && bytes.substr(2).starts_with(magic)) {
    is_other("graft-K001", "a state dict or a pickled module, as torch.save wrote them before PyTorch 1.6", import_recipe, path);
  }
  std::uint64_t header = 0;
  if (bytes.size() > 8) std::memcpy(&header, bytes.data(), 8);
  if (header > 1 && header <= bytes.size() - 8 && bytes[8] == '{') {
    is_other("graft-K003", "a safetensors file: weights without the network", "Bring it, or the folder it lies in, with graft import.",
             path);
  }
  const bool has_end = bytes.size() >= 22 && bytes.substr(bytes.size() - 22).starts_with("PK\x05\x06");
  for (const Kind& kind : kinds) {
    if (bytes.starts_with(kind.begin) && !has_end) is_other("graft-K003", std::string(kind.what), kind.remedy, path);
  }
}

/// Records by which other archives of PyTorch and of others are known.
void require_torchscript(const Archive& archive) {
  const auto has = [&](const char* name) { return archive.find(name) != nullptr; };
  const std::string& path = archive.path();
  if (has("model.json")) {
    is_other("graft-K002", "one of PyTorch 1.2 or older", "Load it with PyTorch up to 2.0 in Python, and save it again.", path);
  }
  if (has("constants.pkl")) return;
  if (has("archive_format")) is_other("graft-K002", "a part of a file of torch.export (.pt2)", export_recipe, path);
  if (has("data.pkl")) is_other("graft-K001", "a state dict or a pickled module: weights without the network", import_recipe, path);
  is_other("graft-K002", "another zip archive", export_recipe, path);
}

void require_version(const Archive& archive) {
  const Record* record = archive.find(".data/version");
  if (record == nullptr) record = archive.find("version");
  if (record == nullptr) archive.refuse("it has no version");
  const std::string text = record->size > 20 ? "" : archive.bytes(*record);
  std::uint64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc() || end == text.data()) archive.refuse("its version is no number");
  if (version <= caffe2::serialize::kMaxSupportedFileFormatVersion) return;
  throw CheckpointError({.code = "graft-K015",
                         .message = "[Archive] a file of format " + std::to_string(caffe2::serialize::kMaxSupportedFileFormatVersion) +
                                    " or older is wanted, this one has format " + std::to_string(version) + ".",
                         .remedy = "Update graft, or export the file with PyTorch 2.11.",
                         .place = archive.path()});
}

}  // namespace

Archive open_archive(const std::shared_ptr<const Mapping>& file, const std::string& path) {
  require_zip(file->bytes(), path);
  return Archive(file, path);
}

Origin check_torchscript(const Archive& archive, Trust trust) {
  require_torchscript(archive);
  archive.require_sound();
  require_version(archive);
  const auto classes = trust == Trust::Code ? PickleClasses::Any : PickleClasses::Known;
  std::set<std::string> devices = check_pickle(archive, "constants", classes);
  devices.merge(check_pickle(archive, "data", classes));
  if (trust == Trust::Checked) check_code(archive, read_sources(archive));
  Origin origin;
  origin.devices = std::move(devices);
  origin.mobile = archive.find("bytecode.pkl") != nullptr;
  return origin;
}

void explain_failure(const Archive& archive, const std::exception& error) {
  if (const auto missing = missing_operator(read_sources(archive))) {
    throw CheckpointError(
        {.code = "graft-K018",
         .message = "[Archive] operators of LibTorch are wanted, the file calls " + *missing + ", which does not exist here.",
         .remedy = "Export the network without it; an operator of another library is registered when that is linked.",
         .place = archive.path()},
        error.what());
  }
  throw CheckpointError({.code = "graft-K004",
                         .message = "[Archive] the archive does not load: " + reason(error),
                         .remedy = "Run again with --verbose for LibTorch's words in full, and export the file again.",
                         .place = archive.path()},
                        error.what());
}

}  // namespace graft::graph
