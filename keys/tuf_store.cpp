#include "keys/tuf_store.h"

#include <algorithm>

#include "base/durable_file.h"
#include "base/file_url.h"

namespace cube {

TufStore::TufStore(const RootDir& root, std::string folder, Writes writes)
    : root_(&root), folder_(std::move(folder)), writes_(writes) {}

std::string TufStore::path_of(const std::string& role) const {
  return folder_ + "/" + percent_encoded(role) + ".json";
}

std::optional<std::string> TufStore::read(const std::string& role, std::size_t max_bytes) const {
  auto text = root_->read_file(path_of(role), max_bytes);
  if (!text) return std::nullopt;
  return std::move(text).value();
}

Status TufStore::write(const std::string& role, const std::string& text) const {
  if (const auto before = read(role, text.size()); before && *before == text) return ok();
  CUBE_CHECK(root_->make_dirs(folder_));
  return replace_file(*root_, path_of(role), text);
}

Status TufStore::keep(const std::string& role, const std::string& text) {
  const auto same = [&](const auto& entry) { return entry.first == role; };
  kept_.erase(std::remove_if(kept_.begin(), kept_.end(), same), kept_.end());
  kept_.emplace_back(role, text);
  return writes_ == Writes::at_once ? commit() : ok();
}

Status TufStore::forget_all_but_root() {
  forgetting_ = true;
  return writes_ == Writes::at_once ? commit() : ok();
}

Status TufStore::remove_all_but_root() const {
  if (!root_->exists(folder_)) return ok();
  CUBE_TRY(const auto names, root_->list(folder_));
  for (const auto& name : names)
    if (name.ends_with(".json") && name != "root.json")
      CUBE_CHECK(root_->remove_file(folder_ + "/" + name));
  return sync_folder(*root_, folder_);
}

Status TufStore::commit() {
  if (writes_ == Writes::never) return ok();
  if (forgetting_) CUBE_CHECK(remove_all_but_root());
  forgetting_ = false;
  for (const auto& [role, text] : kept_) CUBE_CHECK(write(role, text));
  kept_.clear();
  return ok();
}

}  // namespace cube
