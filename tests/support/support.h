#pragma once

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "core/json.h"
#include "graft/core/error.h"

namespace graft::test {

/// A folder of its own under the system's, gone at the end.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void write(const std::string& path, const std::string& content);

/// tests/golden/NAME
std::string golden_path(const std::string& name);
Json golden(const std::string& name);
/// A nested list of numbers as a tensor: int64 if all are whole and written so, else of `type`.
at::Tensor tensor_of(const Json& list, at::ScalarType type = at::kFloat);

/// And back.
Json list_of(const at::Tensor& tensor);

/// The folder of the published MiniLM, from $GRAFT_MINILM; fails the case if it is not set. For cases tagged [data].
std::string minilm_folder();
/// A file below $GRAFT_TEST_DATA; fails the case if it is not there. For cases tagged [data].
std::string test_data(const std::string& path);

double max_difference(const at::Tensor& a, const at::Tensor& b);
/// Of the largest value of `b`.
double relative_difference(const at::Tensor& a, const at::Tensor& b);

/// `y`, and the gradients that a weighted sum of its numbers gives the leaves, which hold none afterwards. Undefined leaves are passed over.
std::vector<at::Tensor> with_gradients(const at::Tensor& y, const std::vector<at::Tensor>& leaves);

/// Runs `call` and gives the error it throws; fails the case if it throws none of type E.
template <class E, class Call>
E error_of(Call call) {
  try {
    call();
  } catch (const E& error) {
    return error;
  }
  FAIL("an error was expected");
  throw std::logic_error("not reached");
}

}  // namespace graft::test
