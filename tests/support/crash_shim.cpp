// crash_shim: an LD_PRELOAD library that counts the calls by which a program changes what is stored,
// over all its threads, and ends or fails the program at the one that a test chooses.
//
//   CUBE_CRASH_AT=N      at the N-th call, before it: SIGKILL
//   CUBE_CRASH_TORN=1    when that call is a write: half of its bytes are written first
//   CUBE_CRASH_ERRNO=E   instead of dying, that one call fails with errno E
//   CUBE_CRASH_LASTS=1   the later ones fail, too: a disk that is full or broken from then on
//   CUBE_CRASH_ON=TEXT   only calls on a path that contains TEXT are counted
//   CUBE_CRASH_COUNT=F   F, a file that exists, always holds the running total: 8 bytes, native order
//
// Not seen: what libc calls inside itself, ioctl(FICLONE), and raw syscall(2) but for openat2, for
// which libc has no function. Writes count when they go to a regular file or a block device, but not to
// descriptors 1 and 2. A kill is no power cut: the page cache survives it.
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

struct Plan {
  std::uint64_t at = 0;
  const char* on = nullptr;
  bool torn = false;
  bool lasts = false;
  int error = 0;
};

std::uint64_t number_in(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
}

const Plan& plan() {
  static const Plan made{number_in("CUBE_CRASH_AT"), std::getenv("CUBE_CRASH_ON"),
                         number_in("CUBE_CRASH_TORN") == 1, number_in("CUBE_CRASH_LASTS") == 1,
                         static_cast<int>(number_in("CUBE_CRASH_ERRNO"))};
  return made;
}

using Counter = std::atomic<std::uint64_t>;
static_assert(Counter::is_always_lock_free && sizeof(Counter) == 8);

Counter* counter_in_file() {
  static Counter private_counter{0};
  const char* file = std::getenv("CUBE_CRASH_COUNT");
  if (file == nullptr) return &private_counter;
  const long fd = ::syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) ::abort();  // a total that nobody sees would make a test pass that tested nothing
  void* page = ::mmap(nullptr, sizeof(Counter), PROT_READ | PROT_WRITE, MAP_SHARED,
                      static_cast<int>(fd), 0);
  ::syscall(SYS_close, fd);
  if (page == MAP_FAILED) ::abort();
  return static_cast<Counter*>(page);
}

Counter& counter() {
  static Counter* const where = counter_in_file();
  return *where;
}

__attribute__((constructor)) void begin() {
  (void)plan();
  (void)counter();
}

[[noreturn]] void die() {
  ::syscall(SYS_kill, ::syscall(SYS_getpid), SIGKILL);
  for (;;) ::pause();
}

bool contains(const char* path) { return std::strstr(path, plan().on) != nullptr; }

// `below`: what comes after the path of the descriptor.
bool is_on_descriptor(int fd, const char* below) {
  const int saved = errno;
  char link[64], path[2 * 4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const long length = ::syscall(SYS_readlinkat, AT_FDCWD, link, path, 4096);
  const auto end = static_cast<std::size_t>(length < 0 ? 0 : length);
  std::snprintf(path + end, sizeof path - end, "/%s", below);
  errno = saved;
  return contains(path);
}

// Whether a call with these arguments is on the chosen path: by a path that it names, else by its
// first descriptor.
bool is_on() { return false; }
template <typename... Others>
bool is_on(const char* path, Others...) { return contains(path); }
template <typename... Others>
bool is_on(const char* from, const char* to, Others...) { return contains(from) || contains(to); }
bool is_on(const char* target, int folder, const char* path) {
  return contains(target) || is_on_descriptor(folder, path);
}
template <typename... Others>
bool is_on(int folder, const char* path, Others...) { return is_on_descriptor(folder, path); }
template <typename... Others>
bool is_on(int a, const char* from, int b, const char* to, Others...) {
  return is_on_descriptor(a, from) || is_on_descriptor(b, to);
}
template <typename... Others>
bool is_on(int fd, Others...) { return is_on_descriptor(fd, ""); }

// One more call. True when it is the chosen one.
template <typename... Arguments>
bool chosen(Arguments... arguments) {
  if (plan().on != nullptr && !is_on(arguments...)) return false;
  const auto number = counter().fetch_add(1) + 1;
  return number == plan().at || (plan().lasts && plan().at != 0 && number > plan().at);
}

// At the chosen call: dies, or sets errno and returns true for the call to fail.
template <typename... Arguments>
bool fails(Arguments... arguments) {
  if (!chosen(arguments...)) return false;
  if (plan().error == 0) die();
  errno = plan().error;
  return true;
}

template <typename F>
F* real(const char* name) {
  void* found = ::dlsym(RTLD_NEXT, name);
  if (found == nullptr) ::abort();
  return reinterpret_cast<F*>(found);
}

bool changes(int flags) { return (flags & (O_CREAT | O_TRUNC)) != 0 || (flags & O_TMPFILE) == O_TMPFILE; }

// Wake-ups of other threads, sockets and pipes store nothing.
bool is_storage(int fd) {
  struct stat st {};
  const int saved = errno;
  const bool known = fd != 1 && fd != 2 && ::fstat(fd, &st) == 0;
  errno = saved;
  return known && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));
}

}  // namespace

// A function that fails with -1, and one that returns the error.
#define CUBE_SHIM(result, name, parameters, arguments)                  \
  extern "C" __attribute__((visibility("default"))) result name parameters { \
    static auto* const next = real<result parameters>(#name);           \
    return fails arguments ? static_cast<result>(-1) : next arguments;  \
  }
#define CUBE_SHIM_ERROR(name, parameters, arguments)                    \
  extern "C" __attribute__((visibility("default"))) int name parameters { \
    static auto* const next = real<int parameters>(#name);              \
    return fails arguments ? plan().error : next arguments;             \
  }
#define CUBE_SHIM_OPEN(name)                                                           \
  extern "C" __attribute__((visibility("default"))) int name(const char* path, int flags, ...) { \
    static auto* const next = real<int(const char*, int, ...)>(#name);                 \
    va_list list;                                                                      \
    va_start(list, flags);                                                             \
    const mode_t mode = changes(flags) ? va_arg(list, mode_t) : 0;                     \
    va_end(list);                                                                      \
    return changes(flags) && fails(path) ? -1 : next(path, flags, mode);               \
  }
#define CUBE_SHIM_OPENAT(name)                                                         \
  extern "C" __attribute__((visibility("default"))) int name(int folder, const char* path, int flags, \
                                                             ...) {                    \
    static auto* const next = real<int(int, const char*, int, ...)>(#name);            \
    va_list list;                                                                      \
    va_start(list, flags);                                                             \
    const mode_t mode = changes(flags) ? va_arg(list, mode_t) : 0;                     \
    va_end(list);                                                                      \
    return changes(flags) && fails(folder, path) ? -1 : next(folder, path, flags, mode); \
  }
// write and its kind: torn when the plan says so. `half` writes the first half.
#define CUBE_SHIM_WRITE(name, parameters, arguments, half)                             \
  extern "C" __attribute__((visibility("default"))) ssize_t name parameters {          \
    static auto* const next = real<ssize_t parameters>(#name);                         \
    if (!is_storage(fd) || !chosen arguments) return next arguments;                   \
    if (plan().torn) (void)half;                                                       \
    if (plan().error == 0) die();                                                      \
    errno = plan().error;                                                              \
    return -1;                                                                         \
  }

CUBE_SHIM_OPEN(open)
CUBE_SHIM_OPEN(open64)
CUBE_SHIM_OPENAT(openat)
CUBE_SHIM_OPENAT(openat64)
CUBE_SHIM(int, creat, (const char* path, mode_t mode), (path, mode))
CUBE_SHIM(int, creat64, (const char* path, mode_t mode), (path, mode))
CUBE_SHIM_WRITE(write, (int fd, const void* bytes, size_t count), (fd, bytes, count),
                next(fd, bytes, count / 2))
CUBE_SHIM_WRITE(pwrite, (int fd, const void* bytes, size_t count, off_t at), (fd, bytes, count, at),
                next(fd, bytes, count / 2, at))
CUBE_SHIM_WRITE(pwrite64, (int fd, const void* bytes, size_t count, off64_t at),
                (fd, bytes, count, at), next(fd, bytes, count / 2, at))
CUBE_SHIM_WRITE(writev, (int fd, const iovec* parts, int count), (fd, parts, count),
                next(fd, parts, count / 2))
CUBE_SHIM(int, rename, (const char* from, const char* to), (from, to))
CUBE_SHIM(int, renameat, (int a, const char* from, int b, const char* to), (a, from, b, to))
CUBE_SHIM(int, renameat2, (int a, const char* from, int b, const char* to, unsigned flags),
          (a, from, b, to, flags))
CUBE_SHIM(int, link, (const char* from, const char* to), (from, to))
CUBE_SHIM(int, linkat, (int a, const char* from, int b, const char* to, int flags),
          (a, from, b, to, flags))
CUBE_SHIM(int, symlink, (const char* target, const char* path), (target, path))
CUBE_SHIM(int, symlinkat, (const char* target, int folder, const char* path), (target, folder, path))
CUBE_SHIM(int, unlink, (const char* path), (path))
CUBE_SHIM(int, unlinkat, (int folder, const char* path, int flags), (folder, path, flags))
CUBE_SHIM(int, rmdir, (const char* path), (path))
CUBE_SHIM(int, mkdir, (const char* path, mode_t mode), (path, mode))
CUBE_SHIM(int, mkdirat, (int folder, const char* path, mode_t mode), (folder, path, mode))
CUBE_SHIM(int, fsync, (int fd), (fd))
CUBE_SHIM(int, fdatasync, (int fd), (fd))
CUBE_SHIM(int, syncfs, (int fd), (fd))
CUBE_SHIM(int, fallocate, (int fd, int mode, off_t at, off_t count), (fd, mode, at, count))
CUBE_SHIM(int, fallocate64, (int fd, int mode, off64_t at, off64_t count), (fd, mode, at, count))
CUBE_SHIM_ERROR(posix_fallocate, (int fd, off_t at, off_t count), (fd, at, count))
CUBE_SHIM_ERROR(posix_fallocate64, (int fd, off64_t at, off64_t count), (fd, at, count))
CUBE_SHIM(int, truncate, (const char* path, off_t count), (path, count))
CUBE_SHIM(int, ftruncate, (int fd, off_t count), (fd, count))
CUBE_SHIM(int, ftruncate64, (int fd, off64_t count), (fd, count))
CUBE_SHIM(int, chmod, (const char* path, mode_t mode), (path, mode))
CUBE_SHIM(int, fchmod, (int fd, mode_t mode), (fd, mode))
CUBE_SHIM(int, fchmodat, (int folder, const char* path, mode_t mode, int flags),
          (folder, path, mode, flags))
CUBE_SHIM(int, chown, (const char* path, uid_t user, gid_t group), (path, user, group))
CUBE_SHIM(int, lchown, (const char* path, uid_t user, gid_t group), (path, user, group))
CUBE_SHIM(int, fchown, (int fd, uid_t user, gid_t group), (fd, user, group))
CUBE_SHIM(int, fchownat, (int folder, const char* path, uid_t user, gid_t group, int flags),
          (folder, path, user, group, flags))
CUBE_SHIM(int, setxattr, (const char* path, const char* name, const void* value, size_t size, int flags),
          (path, name, value, size, flags))
CUBE_SHIM(int, lsetxattr, (const char* path, const char* name, const void* value, size_t size, int flags),
          (path, name, value, size, flags))
CUBE_SHIM(int, fsetxattr, (int fd, const char* name, const void* value, size_t size, int flags),
          (fd, name, value, size, flags))
CUBE_SHIM(int, removexattr, (const char* path, const char* name), (path, name))
CUBE_SHIM(int, lremovexattr, (const char* path, const char* name), (path, name))
CUBE_SHIM(int, fremovexattr, (int fd, const char* name), (fd, name))
CUBE_SHIM(int, utimensat, (int folder, const char* path, const timespec* times, int flags),
          (folder, path, times, flags))
CUBE_SHIM(int, futimens, (int fd, const timespec* times), (fd, times))
CUBE_SHIM(ssize_t, copy_file_range,
          (int from, off64_t* at, int to, off64_t* to_at, size_t count, unsigned flags),
          (from, at, to, to_at, count, flags))
CUBE_SHIM(int, mount,
          (const char* source, const char* target, const char* type, unsigned long flags,
           const void* data),
          (source, target, type, flags, data))
CUBE_SHIM(int, umount2, (const char* target, int flags), (target, flags))

extern "C" __attribute__((visibility("default"))) long syscall(long number, ...) {
  static auto* const next = real<long(long, ...)>("syscall");
  va_list list;
  va_start(list, number);
  long a[6];
  for (auto& argument : a) argument = va_arg(list, long);
  va_end(list);
  if (number == SYS_openat2) {
    const auto* how = reinterpret_cast<const open_how*>(a[2]);
    if (changes(static_cast<int>(how->flags)) &&
        fails(static_cast<int>(a[0]), reinterpret_cast<const char*>(a[1])))
      return -1;
  }
  return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

extern "C" __attribute__((visibility("default"))) void sync() {
  static auto* const next = real<void()>("sync");
  (void)fails();  // sync() cannot fail
  next();
}
