// The service's side of fetch_frames.h: makes the requests of one connection, one after the other,
// until the client closes it. Keeps no state and no secret longer than the connection.
#pragma once

#include "base/fd.h"
#include "base/result.h"

namespace cube {

// `socket`: a connected stream socket, blocking. Only http and https, and http only if the settings
// allow it; nothing on this machine's disk is read but the system's certificates. A document is
// sent only where the client says, once, and never on to where a server redirects. A client that
// goes away ends the request under way within a second.
// Errors: corrupt (the client does not keep to the protocol), failed.
Status serve_fetches(const Fd& socket);

}  // namespace cube
