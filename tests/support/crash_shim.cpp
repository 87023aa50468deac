// Preloaded into a program (LD_PRELOAD), counts its calls that change a disk and ends it at one.
//
//   CUBE_CRASH_AT=N        SIGKILL before the N-th such call (from 1), whichever thread makes it
//   CUBE_CRASH_TORN=1      a write of N bytes first writes N/2 of them
//   CUBE_CRASH_ERRNO=E     the call fails with errno E and the program lives on
//   CUBE_CRASH_COUNT=FILE  the running total, 8 bytes in native order, shared with child programs
//
// Opening counts when it may create or truncate. Not counted: writes to descriptors 0 to 2, and what
// libc does inside itself (the buffers of stdio). What was written before the end stays visible, so
// this proves the order of steps, not that a step was synced. Built without sanitizers.
// Each wrapper takes libc's name by an asm label, free of the exception clauses of libc's headers;
// variadic functions are declared with their widest call, which has the same registers.
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

namespace {

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

long number_in(const char* variable) {
  const char* text = ::getenv(variable);
  return text ? ::strtol(text, nullptr, 10) : 0;
}

using Total = std::atomic<std::uint64_t>;
static_assert(sizeof(Total) == 8);

Total* shared_total() {
  static Total alone{0};
  const char* path = ::getenv("CUBE_CRASH_COUNT");
  if (!path) return &alone;
  const int fd = next<int (*)(const char*, int, mode_t)>("open")(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || next<int (*)(int, off_t)>("ftruncate")(fd, sizeof(Total)) != 0) return &alone;
  void* place = ::mmap(nullptr, sizeof(Total), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  return place == MAP_FAILED ? &alone : static_cast<Total*>(place);
}

struct Plan {
  std::uint64_t at = static_cast<std::uint64_t>(number_in("CUBE_CRASH_AT"));
  bool torn = number_in("CUBE_CRASH_TORN") != 0;
  int error = static_cast<int>(number_in("CUBE_CRASH_ERRNO"));
  Total* total = shared_total();
};

Plan& plan() {
  static Plan once;
  return once;
}

// Counts one call. True: this is the one.
bool due() {
  auto& p = plan();
  return p.total->fetch_add(1) + 1 == p.at;
}

[[noreturn]] void die() {
  using Syscall = long (*)(long, ...);
  next<Syscall>("syscall")(SYS_kill, ::getpid(), SIGKILL);
  for (;;) ::pause();
}

// Returns -1 with errno set, or does not return.
int end_here() {
  if (plan().error == 0) die();
  errno = plan().error;
  return -1;
}

bool changes(std::uint64_t flags) { return (flags & (O_CREAT | O_TRUNC)) != 0; }

bool changes(long number, long third) {
  switch (number) {
    case SYS_openat2:
      return changes(reinterpret_cast<const open_how*>(third)->flags);
    case SYS_renameat2:
    case SYS_copy_file_range:
    case SYS_syncfs:
      return true;
    default:
      return false;
  }
}

}  // namespace

// One interposed function: `condition` says whether this call counts.
#define CUBE_INTERPOSE(result, name, parameters, arguments, condition)      \
  extern "C" result shim_##name parameters __asm__(#name);                  \
  extern "C" result shim_##name parameters {                                \
    static const auto real = next<result(*) parameters>(#name);             \
    if ((condition) && due()) return end_here();                            \
    return real arguments;                                                  \
  }

// A write: when it is to be torn, `half` is done first.
#define CUBE_INTERPOSE_WRITE(name, parameters, arguments, half)             \
  extern "C" ssize_t shim_##name parameters __asm__(#name);                 \
  extern "C" ssize_t shim_##name parameters {                               \
    static const auto real = next<ssize_t(*) parameters>(#name);            \
    if (fd > 2 && due()) {                                                  \
      if (plan().torn) (void)!real half;                                    \
      return end_here();                                                    \
    }                                                                       \
    return real arguments;                                                  \
  }

CUBE_INTERPOSE_WRITE(write, (int fd, const void* from, size_t n), (fd, from, n), (fd, from, n / 2))
CUBE_INTERPOSE_WRITE(pwrite, (int fd, const void* from, size_t n, off_t at), (fd, from, n, at),
                     (fd, from, n / 2, at))
CUBE_INTERPOSE_WRITE(pwrite64, (int fd, const void* from, size_t n, off_t at), (fd, from, n, at),
                     (fd, from, n / 2, at))
CUBE_INTERPOSE_WRITE(writev, (int fd, const iovec* parts, int n), (fd, parts, n),
                     (fd, parts, n / 2))

#define CUBE_OPEN_FLAGS changes(static_cast<std::uint64_t>(static_cast<unsigned>(flags)))
CUBE_INTERPOSE(int, open, (const char* path, int flags, mode_t mode), (path, flags, mode), CUBE_OPEN_FLAGS)
CUBE_INTERPOSE(int, open64, (const char* path, int flags, mode_t mode), (path, flags, mode), CUBE_OPEN_FLAGS)
CUBE_INTERPOSE(int, openat, (int dir, const char* path, int flags, mode_t mode), (dir, path, flags, mode),
               CUBE_OPEN_FLAGS)
CUBE_INTERPOSE(int, openat64, (int dir, const char* path, int flags, mode_t mode), (dir, path, flags, mode),
               CUBE_OPEN_FLAGS)
CUBE_INTERPOSE(int, creat, (const char* path, mode_t mode), (path, mode), true)
CUBE_INTERPOSE(long, syscall, (long number, long a, long b, long c, long d, long e, long f),
               (number, a, b, c, d, e, f), changes(number, c))

CUBE_INTERPOSE(int, rename, (const char* from, const char* to), (from, to), true)
CUBE_INTERPOSE(int, renameat, (int a, const char* from, int b, const char* to), (a, from, b, to), true)
CUBE_INTERPOSE(int, renameat2, (int a, const char* from, int b, const char* to, unsigned flags),
               (a, from, b, to, flags), true)
CUBE_INTERPOSE(int, link, (const char* from, const char* to), (from, to), true)
CUBE_INTERPOSE(int, linkat, (int a, const char* from, int b, const char* to, int flags),
               (a, from, b, to, flags), true)
CUBE_INTERPOSE(int, symlink, (const char* to, const char* path), (to, path), true)
CUBE_INTERPOSE(int, symlinkat, (const char* to, int dir, const char* path), (to, dir, path), true)
CUBE_INTERPOSE(int, unlink, (const char* path), (path), true)
CUBE_INTERPOSE(int, unlinkat, (int dir, const char* path, int flags), (dir, path, flags), true)
CUBE_INTERPOSE(int, rmdir, (const char* path), (path), true)
CUBE_INTERPOSE(int, mkdir, (const char* path, mode_t mode), (path, mode), true)
CUBE_INTERPOSE(int, mkdirat, (int dir, const char* path, mode_t mode), (dir, path, mode), true)
CUBE_INTERPOSE(int, mknodat, (int dir, const char* path, mode_t mode, dev_t dev), (dir, path, mode, dev), true)

CUBE_INTERPOSE(int, fsync, (int fd), (fd), true)
CUBE_INTERPOSE(int, fdatasync, (int fd), (fd), true)
CUBE_INTERPOSE(int, syncfs, (int fd), (fd), true)
extern "C" void shim_sync() __asm__("sync");
extern "C" void shim_sync() {
  if (due()) end_here();  // sync cannot fail: with an error wished, it is left out
  else next<void (*)()>("sync")();
}

CUBE_INTERPOSE(int, fallocate, (int fd, int mode, off_t at, off_t n), (fd, mode, at, n), true)
CUBE_INTERPOSE(int, fallocate64, (int fd, int mode, off_t at, off_t n), (fd, mode, at, n), true)
CUBE_INTERPOSE(int, truncate, (const char* path, off_t n), (path, n), true)
CUBE_INTERPOSE(int, ftruncate, (int fd, off_t n), (fd, n), true)
CUBE_INTERPOSE(int, ftruncate64, (int fd, off_t n), (fd, n), true)
CUBE_INTERPOSE(int, chmod, (const char* path, mode_t mode), (path, mode), true)
CUBE_INTERPOSE(int, fchmod, (int fd, mode_t mode), (fd, mode), true)
CUBE_INTERPOSE(int, fchmodat, (int dir, const char* path, mode_t mode, int flags), (dir, path, mode, flags), true)
CUBE_INTERPOSE(int, lchown, (const char* path, uid_t u, gid_t g), (path, u, g), true)
CUBE_INTERPOSE(int, fchown, (int fd, uid_t u, gid_t g), (fd, u, g), true)
CUBE_INTERPOSE(int, fchownat, (int dir, const char* path, uid_t u, gid_t g, int flags),
               (dir, path, u, g, flags), true)
CUBE_INTERPOSE(int, setxattr, (const char* path, const char* name, const void* from, size_t n, int flags),
               (path, name, from, n, flags), true)
CUBE_INTERPOSE(int, lsetxattr, (const char* path, const char* name, const void* from, size_t n, int flags),
               (path, name, from, n, flags), true)
CUBE_INTERPOSE(int, fsetxattr, (int fd, const char* name, const void* from, size_t n, int flags),
               (fd, name, from, n, flags), true)
CUBE_INTERPOSE(int, utimensat, (int dir, const char* path, const timespec* times, int flags),
               (dir, path, times, flags), true)
CUBE_INTERPOSE(int, futimens, (int fd, const timespec* times), (fd, times), true)
CUBE_INTERPOSE(ssize_t, copy_file_range, (int in, off_t* at_in, int out, off_t* at_out, size_t n, unsigned flags),
               (in, at_in, out, at_out, n, flags), true)
CUBE_INTERPOSE(ssize_t, sendfile, (int out, int in, off_t* at, size_t n), (out, in, at, n), true)
CUBE_INTERPOSE(int, ioctl, (int fd, unsigned long request, void* argument), (fd, request, argument),
               request == FICLONE || request == FICLONERANGE)
CUBE_INTERPOSE(int, mount,
               (const char* from, const char* at, const char* type, unsigned long flags, const void* data),
               (from, at, type, flags, data), true)
CUBE_INTERPOSE(int, umount2, (const char* at, int flags), (at, flags), true)
