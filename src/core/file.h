#pragma once

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>

namespace graft {

/// Throws ConfigError if no file can be made at this path, so that it is told before the work and not after it.
void require_writable(const std::string& path);
void require_writable_folder(const std::string& path);

/// A whole file mapped into memory, copy-on-write: in-place updates of tensors over it never reach the file.
class Mapping {
 public:
  /// Throws DataError naming near file names if there is no such file, SystemError if it cannot be mapped.
  static std::shared_ptr<const Mapping> open(const std::string& path);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  std::string_view bytes() const { return {data_, size_}; }
  /// For tensors over the mapping, which are written to when they train.
  char* data() const { return data_; }

 private:
  Mapping(char* data, std::size_t size) : data_(data), size_(size) {}
  char* data_;
  std::size_t size_;
};

/// Throws DataError that names near files where `path` is missing, and says so where it is a folder.
void require_file(const std::string& path);

std::string read_file(const std::string& path);

/// Writes to a temporary name beside `path`, syncs, renames: `path` is the old file or the whole new one, never a part.
/// Throws SystemError; the temporary file is gone then.
void write_file_atomically(const std::string& path, std::string_view bytes);
/// The same for what is written piece by piece; what `write` throws is passed on.
void write_file_atomically(const std::string& path, const std::function<void(std::ostream&)>& write);

/// Appends to the file, which is made where it is not there: all of `bytes`, or nothing. Throws SystemError.
void append_to_file(const std::string& path, std::string_view bytes);

/// Makes an empty file; false if there is one of that name. Throws SystemError.
bool make_new_file(const std::string& path);

}  // namespace graft
