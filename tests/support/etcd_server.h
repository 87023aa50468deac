// Real etcd servers (etcd-server of Debian) on free ports of 127.0.0.1, with their data in
// temporary folders. They end with the object, or with the test that has them. The environment
// variable CUBE_ETCD names another program than /usr/bin/etcd.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/scratch_dir.h"

namespace cube {

class EtcdServer {
 public:
  struct Options {
    std::vector<std::string> more;  // arguments
    std::string scheme = "http";    // of the client's port; "https" needs arguments
  };
  EtcdServer(const EtcdServer&) = delete;
  EtcdServer& operator=(const EtcdServer&) = delete;
  ~EtcdServer();

  [[nodiscard]] std::string url() const;
  void kill();    // as by a power cut
  void freeze();  // it keeps its connections, and says nothing more
  void thaw();
  void start();  // with the data that it has
  void wipe();   // killed, and its data are gone
  [[nodiscard]] std::string log() const;

 private:
  friend class EtcdCluster;
  EtcdServer(int number, Options options);

  ScratchDir folder_;
  int number_;
  Options options_;
  int client_port_ = 0, peer_port_ = 0;
  std::string initial_cluster_;
  pid_t pid_ = -1;
};

class EtcdCluster {
 public:
  // Waits until it has a leader: at most 20 s.
  explicit EtcdCluster(std::size_t members, const EtcdServer::Options& options = {});

  [[nodiscard]] std::size_t size() const { return servers_.size(); }
  [[nodiscard]] EtcdServer& operator[](std::size_t member) { return *servers_[member]; }
  [[nodiscard]] std::vector<std::string> urls() const;
  // False: not within 20 s.
  [[nodiscard]] bool wait_for_leader() const;

 private:
  std::vector<std::unique_ptr<EtcdServer>> servers_;
};

}  // namespace cube
