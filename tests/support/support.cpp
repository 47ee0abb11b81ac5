#include "support.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/file.h"

namespace graft::test {
namespace {

namespace fs = std::filesystem;

void flatten(const Json& list, std::vector<double>& values, bool& whole) {
  if (list.is_array()) {
    for (const Json& item : list) flatten(item, values, whole);
  } else {
    whole = whole && list.is_number_integer();
    values.push_back(list.get<double>());
  }
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  INFO("the environment variable " << name << " names the folder; tests/run.sh sets it");
  REQUIRE(value != nullptr);
  return value;
}

}  // namespace

TempDir::TempDir() {
  std::string pattern = (fs::temp_directory_path() / "graft-test-XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void write(const std::string& path, const std::string& content) { std::ofstream(path, std::ios::binary) << content; }

std::string golden_path(const std::string& name) { return std::string(GRAFT_TEST_DIR) + "/golden/" + name; }

Json golden(const std::string& name) { return parse_json(read_file(golden_path(name)), name); }

Json list_of(const at::Tensor& tensor) {
  if (tensor.dim() == 0) return tensor.is_floating_point() ? Json(tensor.item<double>()) : Json(tensor.item<std::int64_t>());
  Json list = Json::array();
  for (std::int64_t i = 0; i < tensor.size(0); ++i) list.push_back(list_of(tensor[i]));
  return list;
}

at::Tensor tensor_of(const Json& list, at::ScalarType type) {
  std::vector<std::int64_t> sizes;
  for (const Json* level = &list; level->is_array(); level = &level->at(0)) sizes.push_back(static_cast<std::int64_t>(level->size()));
  std::vector<double> values;
  bool whole = true;
  flatten(list, values, whole);
  return at::tensor(values, at::kDouble).view(sizes).to(whole ? at::kLong : type);
}

std::string minilm_folder() { return environment("GRAFT_MINILM"); }

std::string test_data(const std::string& path) {
  const std::string file = environment("GRAFT_TEST_DATA") + "/" + path;
  INFO(file);
  REQUIRE(fs::exists(file));
  return file;
}

double max_difference(const at::Tensor& a, const at::Tensor& b) {
  REQUIRE(a.sizes() == b.sizes());
  return a.numel() == 0 ? 0.0 : (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

double relative_difference(const at::Tensor& a, const at::Tensor& b) {
  return max_difference(a, b) / (1e-12 + b.abs().max().item<double>());
}

std::vector<at::Tensor> with_gradients(const at::Tensor& y, const std::vector<at::Tensor>& leaves) {
  (y * at::arange(y.numel(), at::kFloat).sin().view(y.sizes())).sum().backward();
  std::vector<at::Tensor> found{y.detach()};
  for (const at::Tensor& leaf : leaves) {
    if (!leaf.defined()) continue;
    found.push_back(leaf.grad());
    leaf.mutable_grad().reset();
  }
  return found;
}

}  // namespace graft::test
