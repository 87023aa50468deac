// What a server sends: the input is cut at 0x1e into the answers to two requests over one
// connection and to those that their redirects lead to. Every request goes to one socket on this
// machine, as to a proxy, whatever a Location says. No crash; never more than asked for; a document
// only with status 200, and whole; every other answer an error that names the URL; no wait beyond a
// day.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "base/http/http_client.h"
#include "base/http/http_connection.h"
#include "base/http/pause.h"
#include "tests/fuzz/demand.h"
#include "tests/support/loopback.h"

namespace {

using cube::demand;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t max_bytes = 512;
constexpr int max_requests = 4;  // three redirects
constexpr char next_answer = '\x1e';
const std::string url = "http://repository.example/file";

class AnsweringSocket {
 public:
  AnsweringSocket() {
    std::thread([this] { serve(); }).detach();  // as long as the process
  }
  [[nodiscard]] std::string address() const {
    return "http://127.0.0.1:" + std::to_string(port_.number);
  }
  void set_answers(std::vector<std::string> answers) {
    const std::lock_guard lock(mutex_);
    answers_ = std::move(answers);
    requests_ = 0;
  }
  int requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  std::string next() {
    const std::lock_guard lock(mutex_);
    const auto number = static_cast<std::size_t>(requests_++);
    return number < answers_.size() ? answers_[number] : std::string();
  }
  void serve() {
    for (;;) {
      const cube::Fd peer(::accept4(port_.listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (peer.valid()) answer(peer);
    }
  }
  void answer(const cube::Fd& peer) {
    std::string request;
    std::array<char, 4096> buffer{};
    while (request.find("\r\n\r\n") == std::string::npos) {
      const auto count = ::recv(peer.get(), buffer.data(), buffer.size(), 0);
      if (count <= 0) return;
      request.append(buffer.data(), static_cast<std::size_t>(count));
    }
    const auto text = next();
    if (!cube::send_all(peer, text)) return;
    // What was sent is read before the end is seen, and not lost to a reset.
    ::shutdown(peer.get(), SHUT_WR);
    while (::recv(peer.get(), buffer.data(), buffer.size(), 0) > 0) continue;
  }

  cube::LoopbackPort port_ = cube::listen_on_loopback();
  std::mutex mutex_;
  std::vector<std::string> answers_;
  int requests_ = 0;
};

AnsweringSocket& server() {
  static auto* one = new AnsweringSocket;
  return *one;
}

std::vector<std::string> cut(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size() && parts.size() < 2 * max_requests;) {
    const auto end = std::min(text.find(next_answer, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

bool some_answer_has(const std::vector<std::string>& answers, const std::string& what) {
  return std::any_of(answers.begin(), answers.end(), [&](const std::string& answer) {
    return answer.find(what) != std::string::npos;
  });
}

std::vector<std::string> in_small_letters(std::vector<std::string> answers) {
  for (auto& answer : answers)
    std::transform(answer.begin(), answer.end(), answer.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return answers;
}

// libcurl takes a status line that begins with "HTTP/" and goes on as none does for a 200.
bool has_odd_status_line(const std::vector<std::string>& answers) {
  const auto small = in_small_letters(answers);
  for (std::size_t i = 0; i < answers.size(); ++i)
    for (auto at = small[i].find("http/"); at != std::string::npos;
         at = small[i].find("http/", at + 1)) {
      int major = 0;
      int minor = 0;
      int status = 0;
      const auto line = answers[i].substr(at, 12);
      if (std::sscanf(line.c_str(), "HTTP/%1d.%1d %3d", &major, &minor, &status) != 3) return true;
    }
  return false;
}

// The length that an answer without anything odd announces; -1 for others.
int announced(const std::string& answer) {
  int length = -1;
  int end = 0;
  std::sscanf(answer.c_str(), "HTTP/1.1 200 OK\r\nContent-Length: %4d\r\n\r\n%n", &length, &end);
  const std::string head =
      "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
  return end > 0 && answer.starts_with(head) ? length : -1;
}

void check(const cube::Result<std::string>& document, const std::vector<std::string>& answers) {
  if (!document) {
    demand(document.error().what.find(url) != std::string::npos);
    return;
  }
  demand(document->size() <= max_bytes);
  demand(some_answer_has(answers, "200") || has_odd_status_line(answers));
  demand(some_answer_has(in_small_letters(answers), "chunked") ||
         some_answer_has(answers, *document));
}

// The same answers to a document that is sent: one request, and nothing beyond the bounds.
void check_post(cube::HttpConnection& connection, const std::vector<std::string>& answers) {
  server().set_answers(answers);
  const auto got = connection.post(url, {"document", {}}, max_bytes, milliseconds(1000));
  demand(server().requests() <= 1);
  if (!got) {
    demand(got.error().what.find(url) != std::string::npos);
    return;
  }
  demand(connection.sent());
  demand(got->status >= 200 && got->status <= 999);
  demand(got->body.size() <= (got->status < 400 ? max_bytes : 65536));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto answers = cut({reinterpret_cast<const char*>(data), size});
  server().set_answers(answers);
  cube::HttpConfig config;
  config.allow_http = true;
  config.proxy = server().address();
  cube::HttpConnection connection(config);
  check_post(connection, answers);
  server().set_answers(answers);
  cube::PartialDocument so_far;
  for (int number = 0; number < 2; ++number) {
    const auto start = std::chrono::steady_clock::now();
    const bool continued = so_far.can_be_continued();
    const auto document = connection.get(url, max_bytes, milliseconds(1000), so_far);
    demand(std::chrono::steady_clock::now() - start < seconds(3));
    demand(server().requests() <= max_requests * (number + 1));
    const auto asked = connection.asked_to_wait();
    demand(asked >= seconds(0) && asked <= seconds(24 * 3600));
    demand(cube::pause_after(1, static_cast<std::uint32_t>(size), asked) >= asked);
    if (!continued || !document) check(document, answers);
    if (document) so_far = {};
    demand(so_far.bytes.size() <= max_bytes);
    const int length = announced(answers.front());
    if (document && number == 0)
      demand(length < 0 || document->size() == static_cast<std::size_t>(length));
  }
  return 0;
}
