#include "agent/cli/html_text.h"

#include "base/mutation.h"

namespace cube::cli {
namespace {

void add(std::string& out, char c) {
  const bool plain = mutated("page-not-escaped");
  if (c == '&' && !plain)
    out += "&amp;";
  else if (c == '<' && !plain)
    out += "&lt;";
  else if (c == '>' && !plain)
    out += "&gt;";
  else if (c == '"' && !plain)
    out += "&quot;";
  else if (c == '\'' && !plain)
    out += "&#39;";
  else
    out += c >= ' ' && c <= '~' ? c : '?';
}

}  // namespace

std::string html(std::string_view foreign, std::size_t most) {
  std::string out;
  for (const char c : foreign.substr(0, most)) add(out, c);
  if (foreign.size() > most) out += "...";
  return out;
}

}  // namespace cube::cli
