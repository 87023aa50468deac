// cube-updated: the update service on the system bus.
#include <getopt.h>
#include <systemd/sd-daemon.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string_view>

#include "agent/bus/service.h"
#include "base/log.h"

namespace cube {
namespace {

constexpr const char* usage =
    "Usage: cube-updated [--root DIR] [--program FILE] [--fetch-socket PATH] [--idle SECONDS]\n"
    "The update service co.bigstack.CubeUpdate1 on the system bus; see cube-updated(8).\n"
    "  --root DIR           the appliance laid out in this folder (default: /)\n"
    "  --program FILE       cube-update (default: /usr/bin/cube-update)\n"
    "  --fetch-socket PATH  of cube-fetch (default: /run/cube-update/fetch)\n"
    "  --idle SECONDS       leaves after so long without a request, 1 to 86400 (default: 30)\n"
    "  --help               this text\n"
    "  --version            the version\n";

constexpr int exit_usage = 2;

std::optional<int> seconds_in(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > 86400)
    return std::nullopt;
  return value;
}

// nullopt: go on; else the exit code.
std::optional<int> read_options(int argc, char** argv, ServiceConfig& config) {
  static const option known[] = {{"root", required_argument, nullptr, 'r'},
                                 {"program", required_argument, nullptr, 'p'},
                                 {"fetch-socket", required_argument, nullptr, 'f'},
                                 {"idle", required_argument, nullptr, 'i'},
                                 {"help", no_argument, nullptr, 'h'},
                                 {"version", no_argument, nullptr, 'v'},
                                 {nullptr, 0, nullptr, 0}};
  for (int c = 0; (c = ::getopt_long(argc, argv, "", known, nullptr)) != -1;) {
    if (c == 'r') {
      config.desk.root = optarg;
    } else if (c == 'p') {
      config.desk.program = optarg;
    } else if (c == 'f') {
      config.desk.fetch_socket = optarg;
    } else if (const auto seconds = c == 'i' ? seconds_in(optarg) : std::nullopt; seconds) {
      config.idle = std::chrono::seconds(*seconds);
    } else if (c == 'h' || c == 'v') {
      std::fputs(c == 'h' ? usage : CUBE_VERSION "\n", stdout);
      return 0;
    } else {
      std::fputs(usage, stderr);
      return exit_usage;
    }
  }
  if (optind == argc) return std::nullopt;
  std::fputs(usage, stderr);
  return exit_usage;
}

Status serve(ServiceConfig config) {
  CUBE_TRY(auto loop, Loop::make());
  CUBE_TRY(const auto service, Service::start(loop, std::move(config)));
  return loop.run();
}

}  // namespace
}  // namespace cube

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  cube::ServiceConfig config;
  if (const auto code = cube::read_options(argc, argv, config)) return *code;
  config.desk.commit_apart = config.desk.root == "/" && ::sd_booted() > 0;
  const auto status = cube::serve(std::move(config));
  if (!status) cube::log(cube::Level::error, status.error().what);
  return status ? 0 : 1;
}
