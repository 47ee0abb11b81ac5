#include "core/memory.h"

#include <filesystem>
#include <limits>

#include "support.h"

using namespace graft;

namespace {

/// What a kernel tells, as files.
class Machine {
 public:
  void tell(const std::string& file, const std::string& content) const {
    std::filesystem::create_directories(std::filesystem::path(folder_.file(file)).parent_path());
    test::write(folder_.file(file), content);
  }
  std::int64_t available() const { return available_memory(folder_.path()); }

 private:
  test::TempDir folder_;
};

}  // namespace

TEST_CASE("available_memory: the machine's, or less where a control group says so", "[core]") {
  const Machine machine;
  machine.tell("proc/meminfo", "MemTotal:       16000 kB\nMemFree:          500 kB\nMemAvailable:    8000 kB\n");
  CHECK(machine.available() == 8000 * 1024);
  SECTION("second version: limit less use, and what the cache gives back; the tightest of those above counts") {
    machine.tell("proc/self/cgroup", "0::/jobs/one\n");
    machine.tell("sys/fs/cgroup/jobs/one/memory.max", "max\n");
    machine.tell("sys/fs/cgroup/jobs/one/memory.current", "1000\n");
    CHECK(machine.available() == 8000 * 1024);
    machine.tell("sys/fs/cgroup/jobs/memory.max", "6000000\n");
    machine.tell("sys/fs/cgroup/jobs/memory.current", "4000000\n");
    CHECK(machine.available() == 2000000);
    machine.tell("sys/fs/cgroup/jobs/memory.stat", "anon 5\ninactive_file 300000\n");
    CHECK(machine.available() == 2300000);
    machine.tell("sys/fs/cgroup/jobs/memory.current", "7000000\n");
    CHECK(machine.available() == 0);
  }
  SECTION("first version, whose folder in a container is the mount itself") {
    machine.tell("proc/self/cgroup", "5:cpu:/a\n4:memory:/docker/1234\n");
    machine.tell("sys/fs/cgroup/memory/memory.limit_in_bytes", "5000000\n");
    machine.tell("sys/fs/cgroup/memory/memory.usage_in_bytes", "1000000\n");
    machine.tell("sys/fs/cgroup/memory/memory.stat", "inactive_file 7\ntotal_inactive_file 500000\n");
    CHECK(machine.available() == 4500000);
  }
}

TEST_CASE("available_memory: nothing known is no limit, and this machine has some", "[core]") {
  CHECK(Machine().available() == std::numeric_limits<std::int64_t>::max());
  CHECK(available_memory() > 1 << 20);
  CHECK(available_memory() < std::int64_t{1} << 50);
}

TEST_CASE("bytes_text: powers of 1024", "[core]") {
  CHECK(bytes_text(512) == "512 bytes");
  CHECK(bytes_text(1536) == "1.5 KB");
  CHECK(bytes_text(340 << 20) == "340 MB");
  CHECK(bytes_text(std::int64_t{5} << 29) == "2.5 GB");
}
