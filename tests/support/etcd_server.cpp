#include "tests/support/etcd_server.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "tests/support/loopback.h"

namespace cube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

std::string at_port(const std::string& scheme, int port) {
  return scheme + "://127.0.0.1:" + std::to_string(port);
}

std::string program() {
  const char* named = std::getenv("CUBE_ETCD");
  return named != nullptr ? named : "/usr/bin/etcd";
}

[[noreturn]] void become(const std::vector<std::string>& arguments, const std::string& log) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int output = ::open(log.c_str(), O_WRONLY | O_APPEND, 0600);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

}  // namespace

EtcdServer::EtcdServer(int number, Options options)
    : number_(number), options_(std::move(options)) {
  const auto client = listen_on_loopback(), peer = listen_on_loopback();
  client_port_ = client.number;
  peer_port_ = peer.number;
}

EtcdServer::~EtcdServer() {
  kill();
}

std::string EtcdServer::url() const {
  return at_port(options_.scheme, client_port_);
}

void EtcdServer::start() {
  if (pid_ > 0) return;
  const auto client = url(), peer = at_port("http", peer_port_);
  std::vector<std::string> arguments = {program(),
                                        "--name=m" + std::to_string(number_),
                                        "--data-dir=" + folder_.path() + "/data",
                                        "--listen-client-urls=" + client,
                                        "--advertise-client-urls=" + client,
                                        "--listen-peer-urls=" + peer,
                                        "--initial-advertise-peer-urls=" + peer,
                                        "--initial-cluster=" + initial_cluster_,
                                        "--bcrypt-cost=4"};
  arguments.insert(arguments.end(), options_.more.begin(), options_.more.end());
  const auto log_path = folder_.path() + "/log";
  std::ofstream(log_path).close();  // empty
  pid_ = ::fork();
  if (pid_ == 0) become(arguments, log_path);
  if (pid_ < 0) throw std::runtime_error("cannot fork");
}

void EtcdServer::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void EtcdServer::freeze() {
  ::kill(pid_, SIGSTOP);
}

void EtcdServer::thaw() {
  ::kill(pid_, SIGCONT);
}

void EtcdServer::wipe() {
  kill();
  std::filesystem::remove_all(folder_.path() + "/data");
}

std::string EtcdServer::log() const {
  std::ostringstream text;
  text << std::ifstream(folder_.path() + "/log").rdbuf();
  return text.str();
}

EtcdCluster::EtcdCluster(std::size_t members, const EtcdServer::Options& options) {
  std::string all;
  for (std::size_t i = 0; i < members; ++i) {
    auto* server = new EtcdServer(static_cast<int>(i), options);
    servers_.emplace_back(server);
    all += (i == 0 ? "m" : ",m") + std::to_string(i) + "=" + at_port("http", server->peer_port_);
  }
  for (auto& server : servers_) {
    server->initial_cluster_ = all;
    server->start();
  }
  if (!wait_for_leader())
    throw std::runtime_error("etcd (package etcd-server) does not start:\n" + servers_[0]->log());
}

std::vector<std::string> EtcdCluster::urls() const {
  std::vector<std::string> urls;
  for (const auto& server : servers_) urls.push_back(server->url());
  return urls;
}

bool EtcdCluster::wait_for_leader() const {
  const auto end = steady_clock::now() + seconds(20);
  for (const auto& server : servers_) {
    if (server->pid_ <= 0) continue;
    while (server->log().find("ready to serve client requests") == std::string::npos) {
      if (steady_clock::now() > end) return false;
      std::this_thread::sleep_for(milliseconds(20));
    }
  }
  return true;
}

}  // namespace cube
