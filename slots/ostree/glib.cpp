#include "slots/ostree/glib.h"

#include <string_view>

namespace cube::glib {
namespace {

// libostree reports damage as a plain failure; its texts are the only difference.
bool tells_of_damage(std::string_view message) {
  return message.find("orrupt") != std::string_view::npos ||
         message.find("hecksum") != std::string_view::npos;
}

Errc code_of(const GError& error) {
  const std::string_view message = error.message != nullptr ? error.message : "";
  if (message.find("Server returned HTTP") != std::string_view::npos) return Errc::unreachable;
  if (error.domain == G_IO_ERROR) {
    switch (error.code) {
      case G_IO_ERROR_NO_SPACE:
        return Errc::no_space;
      case G_IO_ERROR_CANCELLED:
        return Errc::cancelled;
      case G_IO_ERROR_NOT_FOUND:
        return Errc::not_found;
      case G_IO_ERROR_HOST_NOT_FOUND:
      case G_IO_ERROR_HOST_UNREACHABLE:
      case G_IO_ERROR_NETWORK_UNREACHABLE:
      case G_IO_ERROR_CONNECTION_REFUSED:
      case G_IO_ERROR_CONNECTION_CLOSED:
      case G_IO_ERROR_TIMED_OUT:
        return Errc::unreachable;
      default:
        break;
    }
  }
  if (tells_of_damage(message)) return Errc::corrupt;
  if (message.find("While fetching http") != std::string_view::npos) return Errc::unreachable;
  return Errc::failed;
}

}  // namespace

Error ErrorOut::translate(const std::string& what) const {
  if (error_ == nullptr) {  // libostree has no word for a file that cannot be removed
    Error wordless = system_error(what);
    if (wordless.code == Errc::not_found) wordless.code = Errc::failed;
    return wordless;
  }
  std::string message = error_->message != nullptr ? error_->message : "";
  if (message.size() > 300) message.resize(300);
  return {code_of(*error_), what + ": " + message};
}

}  // namespace cube::glib
