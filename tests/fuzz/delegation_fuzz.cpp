// The search through delegations, against the specification's words written down once more
// (depth first, a terminating delegation ends it) and against fnmatch(3): the same roles asked in
// the same order, the same answer, and never more than 32 roles, 8 levels deep.
#include <fnmatch.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/digest.h"
#include "keys/delegation_walk.h"
#include "tests/fuzz/choices.h"
#include "tests/fuzz/demand.h"

namespace {

using cube::Choices;
using cube::DelegatedRole;
using cube::demand;
using cube::Targets;
using Document = std::shared_ptr<const Targets>;

// As many as there are letters: more than the bound on visits.
constexpr std::size_t max_roles = 48;
constexpr std::size_t max_visited = 32;
constexpr std::size_t max_levels = 8;

// Of few letters, so that patterns fit now and then.
std::string some_text(Choices& choices, const std::string& letters) {
  std::string text;
  for (auto left = choices.below(12); left > 0; --left)
    text += letters[choices.below(letters.size())];
  return text;
}

struct Graph {
  std::vector<Document> documents;  // the first is the top role; others by the number in their name
  std::string target;

  [[nodiscard]] Document of(const DelegatedRole& role) const {
    return documents.at(std::stoul(role.name));
  }
};

DelegatedRole some_delegation(Choices& choices, std::size_t roles) {
  DelegatedRole role;
  role.name = std::to_string(1 + choices.below(roles - 1));
  role.threshold = 1;
  const auto kind = choices.byte();
  role.terminating = (kind & 1) != 0;
  for (auto left = kind >> 1 & 3; left >= 0; --left) {
    if ((kind & 8) == 0)
      role.paths.push_back(some_text(choices, "ab/*?."));
    else
      role.path_hash_prefixes.push_back(some_text(choices, "0123456789abcdef").substr(0, 2));
  }
  if ((kind & 0xc0) == 0xc0) role.paths.emplace_back("*");
  return role;
}

Graph some_graph(Choices& choices) {
  Graph graph;
  graph.target = some_text(choices, "ab/.");
  const auto roles = 2 + choices.below(max_roles - 1);
  for (std::size_t i = 0; i < roles; ++i) {
    auto document = std::make_shared<Targets>();
    document->version = i + 1;
    const auto what = choices.byte();
    if ((what & 0xf0) == 0xf0) document->files[graph.target].length = i + 1;
    for (auto left = what & 3; left > 0; --left)
      document->delegated.push_back(some_delegation(choices, roles));
    graph.documents.push_back(std::move(document));
  }
  return graph;
}

bool should_cover(const DelegatedRole& role, const std::string& target) {
  const auto hash = cube::to_hex(cube::sha256(target));
  for (const auto& prefix : role.path_hash_prefixes)
    if (hash.compare(0, prefix.size(), prefix) == 0) return true;
  for (const auto& pattern : role.paths)
    if (::fnmatch(pattern.c_str(), target.c_str(), FNM_PATHNAME | FNM_NOESCAPE) == 0) return true;
  return false;
}

// The same search, by recursion.
class Reference {
 public:
  explicit Reference(const Graph& graph) : graph_(graph) { over_ = look_into(graph.documents[0]); }

  void run() { descend(*graph_.documents[0], 1); }
  [[nodiscard]] const std::vector<std::string>& asked() const { return asked_; }
  [[nodiscard]] const std::optional<std::uint64_t>& found() const { return found_; }
  [[nodiscard]] bool too_much() const { return too_much_; }

 private:
  bool look_into(const Document& document) {
    const auto file = document->files.find(graph_.target);
    if (file == document->files.end()) return false;
    found_ = file->second.length;
    return true;
  }
  void descend(const Targets& document, std::size_t level) {
    for (const auto& role : document.delegated) {
      if (over_) return;
      if (!should_cover(role, graph_.target)) continue;
      visit(role, level);
      if (role.terminating) over_ = true;
    }
  }
  void visit(const DelegatedRole& role, std::size_t level) {
    if (!visited_.insert(role.name).second) return;
    if (visited_.size() > max_visited || level > max_levels) {
      too_much_ = over_ = true;
      return;
    }
    asked_.push_back(role.name);
    const auto document = graph_.of(role);
    over_ = look_into(document);
    descend(*document, level + 1);
  }

  const Graph& graph_;
  std::vector<std::string> asked_;
  std::set<std::string> visited_;
  std::optional<std::uint64_t> found_;
  bool over_ = false;
  bool too_much_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  const Graph graph = some_graph(choices);
  std::vector<std::string> asked;
  const auto load = [&](const std::string&, const Targets&,
                        const DelegatedRole& role) -> cube::Result<Document> {
    demand(cube::covers(role, graph.target) == should_cover(role, graph.target));
    asked.push_back(role.name);
    return graph.of(role);
  };
  const auto found = cube::find_target(graph.documents[0], graph.target, load);
  Reference reference(graph);
  reference.run();
  demand(asked == reference.asked() && asked.size() <= max_visited);
  demand(found.has_value() == reference.found().has_value());
  if (found) demand(found->file.length == *reference.found());
  if (!found)
    demand(found.error().code ==
           (reference.too_much() ? cube::Errc::corrupt : cube::Errc::not_found));
  return 0;
}
