#include "core/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <ostream>
#include <streambuf>
#include <utility>

#include "core/names.h"
#include "graft/core/error.h"

namespace graft {
namespace {

namespace fs = std::filesystem;

class Descriptor {
 public:
  Descriptor(const char* path, int flags) : value_(::open(path, flags | O_CLOEXEC, 0644)) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }
  int close() { return ::close(std::exchange(value_, -1)); }

 private:
  int value_;
};

[[noreturn]] void cannot(const std::string& what, const std::string& path) {
  const std::string reason = std::strerror(errno);
  throw SystemError({.code = "graft-S003",
                     .message = "[File] cannot " + what + ": " + reason + ".",
                     .remedy = "Check that the folder exists, that you may write to it and that the disk has room.",
                     .place = path});
}

[[noreturn]] void cannot_be_written(const std::string& path, const std::string& why) {
  throw ConfigError({.code = "graft-C107",
                     .message = "[File] cannot be written: " + why + ".",
                     .remedy = "Name a place that is there and that you may write to.",
                     .place = path});
}

std::vector<std::string> neighbours(const fs::path& path) {
  std::vector<std::string> names;
  std::error_code ignored;
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  for (const auto& entry : fs::directory_iterator(folder, ignored)) names.push_back(entry.path().filename().string());
  return names;
}

/// Near names in the folder, of the same kind where there are any.
std::string near_files(const fs::path& path) {
  const std::vector<std::string> all = neighbours(path);
  std::vector<std::string> same_kind;
  std::ranges::copy_if(all, std::back_inserter(same_kind), [&](const fs::path& name) { return name.extension() == path.extension(); });
  const std::string wanted = path.filename().string();
  std::error_code ignored;
  const std::string otherwise = "Relative paths start at " + fs::current_path(ignored).string() + ".";
  return did_you_mean(wanted, same_kind, did_you_mean(wanted, all, otherwise));
}

/// Writes to a file. After the first error the rest is dropped, and the error told at the end: writers in the middle of a file, LibTorch's
/// among them, do not take one well.
class Sink final : public std::streambuf {
 public:
  explicit Sink(int descriptor) : descriptor_(descriptor) {}
  int error() const { return error_; }

 private:
  std::streamsize xsputn(const char* bytes, std::streamsize size) override {
    for (std::streamsize done = 0; done < size && error_ == 0;) {
      const ssize_t written = ::write(descriptor_, bytes + done, static_cast<std::size_t>(size - done));
      if (written >= 0) {
        done += written;
      } else if (errno != EINTR) {
        error_ = errno;
      }
    }
    return size;
  }
  int_type overflow(int_type character) override {
    const char byte = traits_type::to_char_type(character);
    xsputn(&byte, 1);
    return character;
  }
  pos_type seekoff(off_type, std::ios_base::seekdir, std::ios_base::openmode) override { return ::lseek(descriptor_, 0, SEEK_CUR); }

  int descriptor_, error_ = 0;
};

}  // namespace

void require_file(const std::string& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    throw DataError(
        {.code = "graft-D001", .message = "[File] a file is wanted, this is a folder.", .remedy = "Name a file in it.", .place = path});
  }
  if (!fs::exists(path, ignored)) {
    throw DataError({.code = "graft-D002", .message = "[File] there is no such file.", .remedy = near_files(path), .place = path});
  }
}

void require_writable_folder(const std::string& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) cannot_be_written(path, "it is no folder");
  if (::access(path.c_str(), W_OK) != 0) cannot_be_written(path, std::strerror(errno));
}

void require_writable(const std::string& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) cannot_be_written(path, "it is a folder");
  if (fs::exists(path, ignored) && ::access(path.c_str(), W_OK) != 0) cannot_be_written(path, std::strerror(errno));
  const fs::path parent = fs::path(path).parent_path();
  require_writable_folder(parent.empty() ? "." : parent.string());
}

std::shared_ptr<const Mapping> Mapping::open(const std::string& path) {
  require_file(path);
  const Descriptor file(path.c_str(), O_RDONLY);
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) cannot("read", path);
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return std::shared_ptr<const Mapping>(new Mapping(nullptr, 0));
  void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.get(), 0);
  if (data == MAP_FAILED) cannot("map", path);
  return std::shared_ptr<const Mapping>(new Mapping(static_cast<char*>(data), size));
}

Mapping::~Mapping() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

std::string read_file(const std::string& path) { return std::string(Mapping::open(path)->bytes()); }

void write_file_atomically(const std::string& path, const std::function<void(std::ostream&)>& write) {
  const std::string part = path + ".part." + std::to_string(::getpid());
  try {
    {
      const Descriptor file(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC);
      if (file.get() < 0) cannot("create", path);
      Sink sink(file.get());
      std::ostream stream(&sink);
      write(stream);
      errno = sink.error();
      if (errno != 0 || ::fsync(file.get()) != 0) cannot("write", path);
    }
    if (::rename(part.c_str(), path.c_str()) != 0) cannot("replace", path);
    // The new name is on the disk only when its folder is.
    const fs::path parent = fs::path(path).parent_path();
    const Descriptor folder(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY);
    if (folder.get() >= 0) ::fsync(folder.get());
  } catch (...) {
    ::unlink(part.c_str());
    throw;
  }
}

void write_file_atomically(const std::string& path, std::string_view bytes) {
  write_file_atomically(path, [&](std::ostream& stream) { stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size())); });
}

void append_to_file(const std::string& path, std::string_view bytes) {
  Descriptor file(path.c_str(), O_WRONLY | O_CREAT | O_APPEND);
  if (file.get() < 0) cannot("create", path);
  struct stat before {};
  if (::fstat(file.get(), &before) != 0) cannot("write", path);
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      const int error = errno;
      if (S_ISREG(before.st_mode) && ::ftruncate(file.get(), before.st_size) != 0) cannot("write", path);
      errno = error;
      cannot("write", path);
    }
  }
  if (file.close() != 0) cannot("write", path);  // network file systems tell of a full disk only here
}

bool make_new_file(const std::string& path) {
  const Descriptor file(path.c_str(), O_WRONLY | O_CREAT | O_EXCL);
  if (file.get() < 0 && errno != EEXIST) cannot("create", path);
  return file.get() >= 0;
}

}  // namespace graft
