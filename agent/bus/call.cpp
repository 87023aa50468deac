#include "agent/bus/call.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>

#include <cstring>

#include "base/mutation.h"

namespace cube::bus {
namespace {

constexpr std::size_t max_text_bytes = 256;

Error unreadable() {
  return {Errc::invalid, "the arguments of the call make no sense"};
}

Result<std::string> read_text(sd_bus_message* call) {
  const char* text = nullptr;
  if (sd_bus_message_read(call, "s", &text) <= 0) return unreadable();
  if (std::strlen(text) > max_text_bytes) return Error{Errc::invalid, "a text is too long"};
  return std::string(text);
}

// The caller's descriptor stays the message's. Errors: invalid.
Result<Fd> keep_folder(int given) {
  const Error wrong{Errc::invalid, "option folder: not a folder that is open to be read"};
  struct stat st {};
  const int flags = ::fcntl(given, F_GETFL);
  if (flags < 0 || ::fstat(given, &st) != 0 || !S_ISDIR(st.st_mode)) return wrong;
  if ((flags & O_PATH) != 0 && !mutated("folder-without-reading")) return wrong;
  Fd kept(::fcntl(given, F_DUPFD_CLOEXEC, 10));
  if (!kept.valid()) return wrong;
  return kept;
}

Result<Option> read_value(sd_bus_message* call, std::string name, const char* type, Fd& folder) {
  switch (type[0]) {
    case 'b': {
      int value = 0;
      if (sd_bus_message_read(call, "b", &value) <= 0) return unreadable();
      return Option{std::move(name), value != 0};
    }
    case 'u': {
      std::uint32_t value = 0;
      if (sd_bus_message_read(call, "u", &value) <= 0) return unreadable();
      return Option{std::move(name), std::uint64_t{value}};
    }
    case 't': {
      std::uint64_t value = 0;
      if (sd_bus_message_read(call, "t", &value) <= 0) return unreadable();
      return Option{std::move(name), value};
    }
    case 's': {
      CUBE_TRY(auto value, read_text(call));
      return Option{std::move(name), std::move(value)};
    }
    case 'h': {
      int value = -1;
      if (sd_bus_message_read(call, "h", &value) <= 0) return unreadable();
      CUBE_TRY(folder, keep_folder(value));
      return Option{std::move(name), HandedFolder{}};
    }
    default:
      return unreadable();
  }
}

Result<Option> read_option(sd_bus_message* call, Fd& folder) {
  CUBE_TRY(auto name, read_text(call));
  char kind = 0;
  const char* type = nullptr;
  if (sd_bus_message_peek_type(call, &kind, &type) <= 0 || kind != 'v' || std::strlen(type) != 1)
    return Error{Errc::invalid, "an option has a value of no type that any has"};
  // The text belongs to the message, which moves on.
  const std::string inside = type;
  if (sd_bus_message_enter_container(call, 'v', inside.c_str()) <= 0) return unreadable();
  CUBE_TRY(auto option, read_value(call, std::move(name), inside.c_str(), folder));
  if (sd_bus_message_exit_container(call) < 0) return unreadable();
  return option;
}

Status read_options(sd_bus_message* call, Request& request, Fd& folder) {
  if (sd_bus_message_enter_container(call, 'a', "{sv}") < 0) return unreadable();
  for (;;) {
    const int more = sd_bus_message_enter_container(call, 'e', "sv");
    if (more == 0) break;
    if (more < 0) return unreadable();
    if (request.options.size() >= max_options) return Error{Errc::invalid, "too many options"};
    CUBE_TRY(auto option, read_option(call, folder));
    request.options.push_back(std::move(option));
    if (sd_bus_message_exit_container(call) < 0) return unreadable();
  }
  return sd_bus_message_exit_container(call) < 0 ? Status(unreadable()) : ok();
}

}  // namespace

Result<Asked> read_call(sd_bus_message* call, Method method) {
  Asked asked;
  Request request;
  request.method = method;
  const bool has_release = method == Method::fetch || method == Method::apply ||
                           method == Method::deny || method == Method::allow;
  if (has_release) {
    CUBE_TRY(request.release, read_text(call));
  }
  if (method == Method::deny) {
    CUBE_TRY(request.reason, read_text(call));
  }
  if (method == Method::diagnose && sd_bus_message_read(call, "t", &request.attempt) <= 0)
    return unreadable();
  CUBE_CHECK(read_options(call, request, asked.folder));
  CUBE_TRY(asked.job, job_of(request));
  return asked;
}

}  // namespace cube::bus
