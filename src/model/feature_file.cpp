#include "model/feature_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "core/hash.h"
#include "graft/core/log.h"
#include "model/field_bytes.h"

namespace graft {
namespace {

namespace fs = std::filesystem;

// The first line of a file; another version is another file.
const std::string magic = "graft features 1\n";

struct Header {
  std::uint32_t mark = 0x66724d45;
  std::uint32_t key_size = 0;
  std::uint64_t size = 0, checksum = 0;  // of the payload; the sum also covers the key
};

std::uint64_t sum_of(const std::string& key, const std::string& payload) { return checksum(key) * 31 + checksum(payload); }

}  // namespace

std::unique_ptr<FeatureFile> FeatureFile::open(const std::string& folder, const std::string& fingerprint) {
  const std::string path = folder + "/" + fingerprint + ".features";
  const auto without = [&](const std::string& reason) {
    log(LogLevel::Warning, "[FeatureStore] " + path + " is not used: " + reason + ". Features are computed, and not kept for later runs.");
    return nullptr;
  };
  std::error_code error;
  fs::create_directories(folder, error);
  const int lock = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock < 0) return without(std::strerror(errno));
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return without("another process has it open");
  }
  std::unique_ptr<FeatureFile> file(new FeatureFile(path, lock));
  if (!file->scan()) return without("it cannot be written");
  return file;
}

FeatureFile::~FeatureFile() {
  file_.close();
  ::close(lock_);
}

/// Lists the whole frames and cuts off what follows the last of them.
bool FeatureFile::scan() {
  file_.open(path_, std::ios::in | std::ios::out | std::ios::binary);
  const std::uint64_t length = fs::file_size(path_);
  std::string found(magic.size(), '\0');
  if (length >= magic.size()) file_.read(found.data(), static_cast<std::streamsize>(found.size()));
  if (found != magic) {
    if (::ftruncate(lock_, 0) != 0) return false;
    file_.clear();
    file_.seekp(0);
    file_ << magic << std::flush;
    end_ = magic.size();
    return file_.good();
  }
  end_ = magic.size();
  for (Header header; end_ + sizeof header <= length;) {
    file_.seekg(static_cast<std::streamoff>(end_));
    if (!file_.read(reinterpret_cast<char*>(&header), sizeof header) || header.mark != Header().mark) break;
    const std::uint64_t rest = length - end_ - sizeof header;
    if (header.key_size > rest || header.size > rest - header.key_size) break;
    std::string key(header.key_size, '\0');
    if (!file_.read(key.data(), static_cast<std::streamsize>(key.size()))) break;
    frames_[key] = {end_ + sizeof header + header.key_size, header.size, header.checksum};
    end_ += sizeof header + header.key_size + header.size;
  }
  file_.clear();
  return end_ == length || ::ftruncate(lock_, static_cast<off_t>(end_)) == 0;
}

std::optional<std::vector<Fields>> FeatureFile::read(const std::string& key) {
  const auto frame = frames_.find(key);
  if (frame == frames_.end()) return std::nullopt;
  std::string payload(frame->second.size, '\0');
  file_.seekg(static_cast<std::streamoff>(frame->second.start));
  const bool whole = static_cast<bool>(file_.read(payload.data(), static_cast<std::streamsize>(payload.size())));
  file_.clear();
  if (!whole || sum_of(key, payload) != frame->second.checksum) {
    log(LogLevel::Warning, "[FeatureStore] damaged features in " + path_ + " are computed anew");
    frames_.erase(frame);
    return std::nullopt;
  }
  return fields_from_bytes(payload);
}

void FeatureFile::write(const std::string& key, const std::vector<Fields>& samples) {
  if (!writes_) return;
  const std::string payload = bytes_of_fields(samples);
  Header header;
  header.key_size = static_cast<std::uint32_t>(key.size());
  header.size = payload.size();
  header.checksum = sum_of(key, payload);
  file_.seekp(static_cast<std::streamoff>(end_));
  file_.write(reinterpret_cast<const char*>(&header), sizeof header);
  file_ << key << payload;
  if (!file_) {
    log(LogLevel::Warning,
        "[FeatureStore] " + path_ + " cannot be written any further: features are computed, and not kept for later runs");
    writes_ = false;
    file_.clear();
    return;
  }
  frames_[key] = {end_ + sizeof header + key.size(), payload.size(), header.checksum};
  end_ += sizeof header + key.size() + payload.size();
}

void FeatureFile::flush() {
  file_.flush();
  ::fsync(lock_);
}

}  // namespace graft
