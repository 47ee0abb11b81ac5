#include "graft/train/checkpoint.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>
#include <map>

#include "core/hash.h"
#include "core/json.h"
#include "core/names.h"
#include "core/table.h"
#include "graft/backbone/safetensors.h"
#include "graft/core/error.h"
#include "train/checkpoint_file.h"

namespace graft {
namespace {

constexpr const char* format = "graft checkpoint 1";

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  throw CheckpointError({.code = "graft-K024",
                         .message = "[Checkpoint] the file is no checkpoint of a run, or is damaged: " + what + ".",
                         .remedy = "Remove it to go on from the checkpoint before it, or start the run anew.",
                         .place = path});
}

/// A long value from a little before the place where it parts from the other.
std::string from_difference(const std::string& value, const std::string& other) {
  constexpr std::size_t shown = 60, before = 20;
  const auto parts = static_cast<std::size_t>(std::ranges::mismatch(value, other).in1 - value.begin());
  std::size_t start = std::max(value.size(), other.size()) > shown && parts > before ? parts - before : 0;
  while (start > 0 && (static_cast<unsigned char>(value[start]) & 0xC0) == 0x80) --start;  // not in the middle of a character
  return shortened((start > 0 ? "..." : "") + value.substr(start), shown);
}

/// By name, as a file keeps them in an order of its own.
std::string digest_of(const Fields& tensors, const std::map<std::string, std::string>& texts) {
  std::map<std::string, at::Tensor> sorted(tensors.begin(), tensors.end());
  Hash hash;
  for (const auto& [name, tensor] : sorted) hash.add(name).add(tensor);
  for (const auto& [name, text] : texts) hash.add(name).add(text);
  return hash.hex();
}

Checkpoint parsed(Fields tensors, std::map<std::string, std::string>& texts, const std::string& path) {
  Checkpoint checkpoint{.tensors = std::move(tensors), .manifest = {}, .state = texts["state"]};
  if (texts["format"] != format) refuse(path, "its format is \"" + texts["format"] + "\"");
  try {
    for (const Json& fact : Json::parse(texts["manifest"])) checkpoint.manifest.emplace_back(fact.at(0), fact.at(1));
  } catch (const Json::exception&) {
    refuse(path, "its facts cannot be read");
  }
  if (!Json::parse(checkpoint.state, nullptr, /*allow_exceptions=*/false).is_object()) refuse(path, "its state cannot be read");
  return checkpoint;
}

}  // namespace

void train::write_sealed(const Fields& tensors, const std::string& path, std::map<std::string, std::string> texts) {
  Fields here;
  for (const auto& [name, tensor] : tensors) here.set(name, tensor.detach().cpu());
  texts["digest"] = digest_of(here, texts);
  backbone::write_safetensors(here, path, texts);
}

Fields train::read_sealed(const std::string& path, std::map<std::string, std::string>& texts) {
  Fields tensors = backbone::read_safetensors(path, &texts);
  const std::string digest = texts["digest"];
  texts.erase("digest");
  if (digest_of(tensors, texts) != digest) refuse(path, "what it holds is not what was written, by its digest");
  return tensors;
}

Checkpoint train::look_into(const std::string& path) {
  std::map<std::string, std::string> texts;
  Fields tensors = backbone::read_safetensors(path, &texts);
  return parsed(std::move(tensors), texts, path);
}

void Checkpoint::save(const std::string& path) const {
  Json facts = Json::array();
  for (const auto& [name, value] : manifest) facts.push_back({name, value});
  // Wide numbers first: each lies where its type wants it, so that loading is a mapping and no copy.
  std::vector<Fields::Entry> entries(tensors.begin(), tensors.end());
  std::ranges::stable_sort(entries, std::greater<>(), [](const Fields::Entry& entry) { return entry.second.element_size(); });
  Fields sorted;
  for (auto& [name, tensor] : entries) sorted.set(name, tensor);
  train::write_sealed(sorted, path,
                      {{"format", format}, {"manifest", facts.dump(-1, ' ', false, Json::error_handler_t::replace)}, {"state", state}});
}

Checkpoint Checkpoint::load(const std::string& path) {
  std::map<std::string, std::string> texts;
  Fields tensors = train::read_sealed(path, texts);
  return parsed(std::move(tensors), texts, path);
}

std::vector<std::pair<std::int64_t, std::string>> checkpoints_in(const std::string& folder) {
  namespace fs = std::filesystem;
  std::vector<std::pair<std::int64_t, std::string>> found;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, none)) {
    const std::string name = entry.path().filename().string(), prefix = "step-", suffix = ".safetensors";
    if (!name.starts_with(prefix) || !name.ends_with(suffix)) continue;
    std::int64_t step = 0;
    const char* end = name.data() + name.size() - suffix.size();
    if (const auto [at, error] = std::from_chars(name.data() + prefix.size(), end, step); error == std::errc() && at == end)
      found.emplace_back(step, entry.path().string());
  }
  std::ranges::sort(found);
  return found;
}

void require_same(const Manifest& saved, const Manifest& now, const std::string& path) {
  const std::map<std::string, std::string> before(saved.begin(), saved.end()), after(now.begin(), now.end());
  Table table;
  table.add({"", "the checkpoint's run", "this run"});
  std::vector<std::string> differ;
  const auto compare = [&](const std::string& name) {
    const auto value = [&](const auto& facts) {
      const auto found = facts.find(name);
      return found == facts.end() ? std::string("-") : found->second;
    };
    if (value(before) == value(after) || std::ranges::find(differ, name) != differ.end()) return;
    differ.push_back(name);
    table.add({name, from_difference(value(before), value(after)), from_difference(value(after), value(before))});
  };
  for (const auto& [name, value] : now) compare(name);
  for (const auto& [name, value] : saved) compare(name);
  if (differ.empty()) return;
  throw CheckpointError({.code = "graft-K025",
                         .message = "[Trainer] the checkpoint is of another run; different: " + quoted_list(differ) + "\n" + table.text(),
                         .remedy = "Resume with what the run was started with, or start a run in another folder.",
                         .place = path});
}

}  // namespace graft
