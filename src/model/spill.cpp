#include "model/spill.h"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "graft/core/error.h"

namespace graft {
namespace {

[[noreturn]] void fail(const std::string& folder, std::size_t bytes) {
  throw SystemError(
      {.code = "graft-S005",
       .message = "[FeatureStore] no temporary file of " + std::to_string(bytes >> 20) + " MiB can be made: " + std::strerror(errno) + ".",
       .remedy = "Free space there, name another folder for the store or in TMPDIR, or switch the store off.",
       .place = folder});
}

}  // namespace

at::Tensor spilled_tensor(at::IntArrayRef sizes, at::ScalarType type, const std::string& folder) {
  std::size_t bytes = c10::elementSize(type);
  for (const std::int64_t size : sizes) bytes *= static_cast<std::size_t>(size);
  if (bytes == 0) return at::empty(sizes, type);
  const std::string place = folder.empty() ? std::filesystem::temp_directory_path().string() : folder;
  std::string name = place + "/graft-spill-XXXXXX";
  const int file = ::mkstemp(name.data());
  if (file < 0) fail(place, bytes);
  ::unlink(name.c_str());
  // Room is taken now: a full disk would otherwise end the process when a page is written.
  errno = ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
  void* data = errno == 0 ? ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) : MAP_FAILED;
  const int reason = errno;
  ::close(file);
  errno = reason;
  if (data == MAP_FAILED) fail(place, bytes);
  return at::from_blob(
      data, sizes, [bytes](void* mapped) { ::munmap(mapped, bytes); }, at::TensorOptions(type));
}

void release_pages(const at::Tensor& spilled) { ::madvise(spilled.storage().mutable_data(), spilled.storage().nbytes(), MADV_DONTNEED); }

}  // namespace graft
