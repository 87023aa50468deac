#include "boot/postmortem/kernel_log.h"

#include <algorithm>
#include <array>

namespace cube {
namespace {

constexpr char escape = '\x1b';
constexpr std::size_t max_sequence = 256;
constexpr int max_prefixes = 6;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::size_t digits(std::string_view text, std::size_t at = 0) {
  std::size_t count = 0;
  while (at + count < text.size() && is_digit(text[at + count])) ++count;
  return count;
}

void drop(std::string_view& text, std::size_t count) {
  text.remove_prefix(std::min(count, text.size()));
}

void drop_spaces(std::string_view& text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
}

double seconds(std::string_view whole, std::string_view fraction) {
  double value = 0;
  double scale = 1;
  for (const char c : whole.substr(0, 15)) value = value * 10 + (c - '0');
  for (const char c : fraction.substr(0, 9)) value += (c - '0') * (scale /= 10);
  return value;
}

// "[   12.345678] ", "[   12.345678][    T1] ", "[12.345678@0] "; and "[Fri Nov 27 11:13:22 2026]
// ".
bool drop_bracket(std::string_view& text, std::optional<double>& time) {
  if (!text.starts_with('[')) return false;
  const auto end = text.find(']');
  if (end == std::string_view::npos || end > 48) return false;
  std::string_view inside = text.substr(1, end - 1);
  drop_spaces(inside);
  const auto whole = digits(inside);
  const bool clock =
      whole > 0 && whole < inside.size() && inside[whole] == '.' && digits(inside, whole + 1) >= 1;
  const bool thread = inside.size() > 1 && (inside[0] == 'T' || inside[0] == 'C') &&
                      digits(inside, 1) == inside.size() - 1;
  const bool date = std::count(inside.begin(), inside.end(), ':') >= 2 && inside.size() >= 8 &&
                    inside.find_first_of("0123456789") != std::string_view::npos &&
                    inside.find_first_of("./") == std::string_view::npos;
  const bool iso = digits(inside) == 4 && inside.size() >= 10 && inside[4] == '-';
  if (!clock && !thread && !date && !iso) return false;
  if (clock && !iso && !time)
    time = seconds(inside.substr(0, whole), inside.substr(whole + 1, digits(inside, whole + 1)));
  drop(text, end + 1);
  return true;
}

// "<6>", "<30>"
bool drop_level(std::string_view& text) {
  if (!text.starts_with('<')) return false;
  const auto count = digits(text, 1);
  if (count == 0 || count > 3 || text.size() <= count + 1 || text[count + 1] != '>') return false;
  drop(text, count + 2);
  return true;
}

// "6,339,5140900,-;text": what /dev/kmsg and the extended netconsole give.
bool drop_kmsg(std::string_view& text, std::optional<double>& time) {
  std::size_t at = 0;
  std::array<std::string_view, 3> fields;
  for (auto& field : fields) {
    const auto count = digits(text, at);
    if (count == 0 || count > 20 || at + count >= text.size() || text[at + count] != ',')
      return false;
    field = text.substr(at, count);
    at += count + 1;
  }
  const auto end = text.find(';', at);
  if (end == std::string_view::npos || end - at > 40) return false;
  if (!time) time = seconds(fields[2], "") / 1e6;
  drop(text, end + 1);
  return true;
}

// "kern  :info  : "
bool drop_facility(std::string_view& text) {
  for (const std::string_view facility : {"kern", "user", "daemon", "syslog"}) {
    if (!text.starts_with(facility)) continue;
    const auto first = text.find(':');
    if (first == std::string_view::npos || first > 8) return false;
    const auto second = text.find(':', first + 1);
    if (second == std::string_view::npos || second - first > 9) return false;
    drop(text, second + 1);
    return true;
  }
  return false;
}

// "2026-11-27T11:13:22.123456+00:00 ", "2026-11-27 11:13:22 ", "11:13:22.5 ", "Nov 27 11:13:22 ".
bool drop_date(std::string_view& text) {
  std::string_view rest = text;
  static constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const auto month = rest.size() > 4 ? months.find(rest.substr(0, 3)) : std::string_view::npos;
  if (month != std::string_view::npos && month % 3 == 0 && rest[3] == ' ') {
    drop(rest, 4);
    drop_spaces(rest);
    if (digits(rest) == 0) return false;
    drop(rest, digits(rest) + 1);
  } else if (digits(rest) == 4 && rest.size() > 10 && rest[4] == '-' && rest[7] == '-') {
    drop(rest, 11);
  }
  if (digits(rest) != 2 || rest.size() < 8 || rest[2] != ':' || rest[5] != ':') return false;
  const auto end = rest.find_first_not_of("0123456789:.,+-Z", 0);
  if (end == std::string_view::npos || rest[end] != ' ') return false;
  drop(rest, end + 1);
  text = rest;
  return true;
}

// "host kernel: " and "kernel: ". Those of other programs stay: who says something may tell.
bool drop_sender(std::string_view& text) {
  const auto end = text.find("kernel: ");
  if (end == std::string_view::npos || end > 64) return false;
  if (end > 0 && (text[end - 1] != ' ' || text.find(' ') != end - 1)) return false;
  drop(text, end + 8);
  return true;
}

std::string_view strip(std::string_view text, std::optional<double>& time) {
  drop_spaces(text);
  bool dated = false;
  bool kernels = false;
  for (int i = 0; i < max_prefixes; ++i) {
    const bool date = drop_date(text);
    dated = dated || date;
    const bool sender = !date && i < 3 && drop_sender(text);
    kernels = kernels || sender;
    if (!date && !sender && !drop_level(text) && !drop_bracket(text, time) &&
        !drop_kmsg(text, time) && !drop_facility(text))
      break;
    drop_spaces(text);
  }
  // What is left of "Nov 27 11:13:22 host systemd[1]: ...".
  const auto space = text.find(' ');
  const auto colon = text.find(": ");
  if (dated && !kernels && space != std::string_view::npos && colon != std::string_view::npos &&
      space < colon && colon < 96 && text.find(' ', space + 1) > colon)
    drop(text, space + 1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

// After an ESC. Returns how many bytes the sequence has; one that moves the cursor ends in a line's
// end, for menus have no other.
std::size_t KernelLog::skip_escape() {
  const auto rest = log_.substr(at_ + 1, max_sequence);
  if (rest.empty()) return 1;
  if (rest[0] == ']' || rest[0] == 'P') {  // up to BEL or ESC backslash
    for (std::size_t i = 1; i < rest.size(); ++i) {
      if (rest[i] == '\x07') return i + 2;
      if (rest[i] == escape) return i + (i + 1 < rest.size() && rest[i + 1] == '\\' ? 3 : 1);
      if (rest[i] == '\n') return i + 1;
    }
    return 2;
  }
  if (rest[0] != '[') return 2;
  std::size_t i = 1;
  while (i < rest.size() && i < 32 && rest[i] >= 0x20 && rest[i] < 0x40) ++i;
  return i < rest.size() && rest[i] >= 0x40 ? i + 2 : i + 1;
}

void KernelLog::read_raw(std::string& raw) {
  while (at_ < log_.size()) {
    const char c = log_[at_];
    if (c == '\n' || c == '\r') {
      ++at_;
      return;
    }
    if (c == escape) {
      const auto length = skip_escape();
      const char last = at_ + length - 1 < log_.size() ? log_[at_ + length - 1] : ' ';
      at_ = std::min(at_ + length, log_.size());
      if (length > 2 && (last == 'H' || last == 'f' || last == 'J')) return;
      continue;
    }
    ++at_;
    if (c == '\x07' || c == '\0') continue;
    if (c == '\b') {
      if (!raw.empty()) raw.pop_back();
      continue;
    }
    if (raw.size() < max_line_read) raw += c == '\t' ? ' ' : (c < 0x20 || c > 0x7e) ? '?' : c;
  }
}

bool KernelLog::next(LogLine& line) {
  std::string raw;
  while (at_ < log_.size()) {
    raw.clear();
    read_raw(raw);
    line.time.reset();
    const auto text = strip(raw, line.time);
    if (text.empty()) continue;
    line.text.assign(text);
    return true;
  }
  return false;
}

}  // namespace cube
