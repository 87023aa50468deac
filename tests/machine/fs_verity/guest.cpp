// One step of the fs-verity trial, run inside the guest (tests/machine/fs-verity-trial).
//
//   guest enable|measure|read|hash FOLDER   that, with every regular file below FOLDER
//   guest flagged|measured|label FILE       exit 0 if the file is a verity file; can be measured;
//                                           takes an extended attribute
//   guest flip FILE OFFSET DEVICE           turns one byte of the content over, below the
//   filesystem
//
// The first four print "STEP files=N bytes=N refused=N ns=N idle_ns=N device_bytes=N". Under QEMU's
// -icount shift=0 the guest's clock counts instructions: ns - idle_ns of them were spent.
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/fsverity.h>
#include <linux/stat.h>
#include <openssl/evp.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

constexpr std::size_t block_bytes = 4096;  // of the filesystem and of the Merkle tree
std::vector<char> buffer(256 * 1024);

[[noreturn]] void fail(const std::string& what) {
  std::perror(what.c_str());
  std::exit(1);
}

int open_or_fail(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) fail(path);
  return fd;
}

struct Spent {
  std::int64_t ns = 0, idle_ns = 0, device_bytes = 0;
};

Spent spent() {
  Spent now;
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  now.ns = time.tv_sec * 1'000'000'000LL + time.tv_nsec;
  std::string word;
  std::int64_t user = 0, nice = 0, system = 0, idle = 0, iowait = 0;
  std::ifstream("/proc/stat") >> word >> user >> nice >> system >> idle >> iowait;
  now.idle_ns = (idle + iowait) * (1'000'000'000LL / ::sysconf(_SC_CLK_TCK));
  std::int64_t reads = 0, merged = 0, sectors = 0;
  std::ifstream("/sys/block/vda/stat") >> reads >> merged >> sectors;
  now.device_bytes = sectors * 512;
  return now;
}

// Each of these: false where the kernel refuses.
bool enable(int fd) {
  fsverity_enable_arg arg{};
  arg.version = 1;
  arg.hash_algorithm = FS_VERITY_HASH_ALG_SHA256;
  arg.block_size = block_bytes;
  return ::ioctl(fd, FS_IOC_ENABLE_VERITY, &arg) == 0;
}

bool measure(int fd) {
  alignas(fsverity_digest) char space[sizeof(fsverity_digest) + 64] = {};
  auto* digest = new (space) fsverity_digest;
  digest->digest_size = 64;
  return ::ioctl(fd, FS_IOC_MEASURE_VERITY, digest) == 0 && digest->digest_size == 32;
}

bool read_all(int fd) {
  for (;;) {
    const auto count = ::read(fd, buffer.data(), buffer.size());
    if (count <= 0) return count == 0;
  }
}

bool hash(int fd) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  bool good = EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1;
  for (ssize_t count = 1; good && count > 0;) {
    count = ::read(fd, buffer.data(), buffer.size());
    good = count >= 0 && EVP_DigestUpdate(context, buffer.data(), static_cast<size_t>(count)) == 1;
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  good = good && EVP_DigestFinal_ex(context, digest, nullptr) == 1;
  EVP_MD_CTX_free(context);
  return good;
}

void each(const char* name, bool (*step)(int), const std::string& folder) {
  std::vector<std::string> files;
  std::uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && !entry.is_symlink()) {
      files.push_back(entry.path());
      bytes += entry.file_size();
    }
  int refused = 0;
  const Spent before = spent();
  for (const auto& file : files) {
    const int fd = open_or_fail(file, O_RDONLY);
    refused += step(fd) ? 0 : 1;
    ::close(fd);
  }
  const Spent after = spent();
  std::printf("%s files=%zu bytes=%ju refused=%d ns=%jd idle_ns=%jd device_bytes=%jd\n", name,
              files.size(), bytes, refused, after.ns - before.ns, after.idle_ns - before.idle_ns,
              after.device_bytes - before.device_bytes);
}

bool flagged(const std::string& path) {
  struct statx found {};
  if (::syscall(SYS_statx, AT_FDCWD, path.c_str(), 0, STATX_BASIC_STATS, &found) != 0) fail(path);
  return (found.stx_attributes & STATX_ATTR_VERITY) != 0;
}

// Where on the device the byte of the file is.
std::uint64_t place_of(const std::string& path, std::uint64_t offset) {
  const int fd = open_or_fail(path, O_RDONLY);
  alignas(fiemap) char space[sizeof(fiemap) + sizeof(fiemap_extent)] = {};
  auto* map = new (space) fiemap{};
  map->fm_start = offset;
  map->fm_length = 1;
  map->fm_extent_count = 1;
  if (::ioctl(fd, FS_IOC_FIEMAP, map) != 0 || map->fm_mapped_extents != 1) fail("map " + path);
  ::close(fd);
  const auto& extent = map->fm_extents[0];
  return extent.fe_physical + (offset - extent.fe_logical);
}

void flip(const std::string& path, std::uint64_t offset, const std::string& device) {
  const auto place = place_of(path, offset);
  const auto block = static_cast<off_t>(place / block_bytes * block_bytes);
  alignas(block_bytes) static char bytes[block_bytes];
  const int fd = open_or_fail(device, O_RDWR | O_DIRECT | O_SYNC);
  if (::pread(fd, bytes, block_bytes, block) != block_bytes) fail("read " + device);
  bytes[place % block_bytes] = static_cast<char>(~bytes[place % block_bytes]);
  if (::pwrite(fd, bytes, block_bytes, block) != block_bytes) fail("write " + device);
  ::close(fd);
}

}  // namespace

int main(int count, char** words) {
  const std::string step = count > 2 ? words[1] : "";
  if (step == "enable")
    each("enable", enable, words[2]);
  else if (step == "measure")
    each("measure", measure, words[2]);
  else if (step == "read")
    each("read", read_all, words[2]);
  else if (step == "hash")
    each("hash", hash, words[2]);
  else if (step == "flagged")
    return flagged(words[2]) ? 0 : 1;
  else if (step == "measured")
    return measure(open_or_fail(words[2], O_RDONLY)) ? 0 : 1;
  else if (step == "label")
    return ::setxattr(words[2], "user.trial", "x", 1, 0) == 0 ? 0 : 1;
  else if (step == "flip" && count == 5)
    flip(words[2], std::strtoull(words[3], nullptr, 10), words[4]);
  else
    return 2;
  return 0;
}
