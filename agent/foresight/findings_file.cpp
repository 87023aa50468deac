#include "agent/foresight/findings_file.h"

#include "agent/attempt_file.h"

namespace cube {

Status save_findings(const RootDir& root, const std::string& folder, std::uint64_t attempt,
                     const insight::Findings& findings) {
  return save_attempt_file(root, folder, attempt, insight::findings_json(findings).line() + "\n");
}

Result<std::optional<insight::Findings>> load_findings(const RootDir& root,
                                                       const std::string& folder,
                                                       std::uint64_t attempt) {
  const auto text = root.read_file(attempt_file(folder, attempt), max_findings_file_bytes);
  if (!text && text.error().code == Errc::not_found) return std::optional<insight::Findings>();
  if (!text) return text.error();
  CUBE_TRY(const auto json, Json::parse(*text, {.max_bytes = max_findings_file_bytes}));
  CUBE_TRY(auto findings, insight::read_findings(json));
  return std::optional<insight::Findings>(std::move(findings));
}

}  // namespace cube
