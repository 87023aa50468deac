#include "insight/drivers/module_index.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <libkmod.h>

#include <algorithm>
#include <array>

#include "insight/inventory/tree_lists.h"
#include "insight/machine/proc_lists.h"

namespace cube::insight {
namespace {

constexpr std::size_t max_list_bytes = 64 * 1024 * 1024;
constexpr std::size_t max_answers = 10000;  // to one question

struct ModuleCloser {
  void operator()(kmod_module* module) const { kmod_module_unref(module); }
};
using Module = std::unique_ptr<kmod_module, ModuleCloser>;

struct ListCloser {
  void operator()(kmod_list* list) const { kmod_module_unref_list(list); }
};
using List = std::unique_ptr<kmod_list, ListCloser>;

struct InfoCloser {
  void operator()(kmod_list* list) const { kmod_module_info_free_list(list); }
};
using Info = std::unique_ptr<kmod_list, InfoCloser>;

void close_context(kmod_ctx* context) {
  if (context != nullptr) kmod_unref(context);
}

// What it finds wrong is in what it returns.
void say_nothing(void*, int, const char*, int, const char*, const char*, va_list) {}

void add_names(const List& list, Names& names) {
  for (auto* at = list.get(); at != nullptr && names.size() < max_answers;
       at = kmod_list_next(list.get(), at))
    names.insert(kmod_module_get_name(Module(kmod_module_get_module(at)).get()));
}

Module module_named(kmod_ctx* context, const std::string& name) {
  kmod_module* module = nullptr;
  if (!is_kernel_name(name) || kmod_module_new_from_name(context, name.c_str(), &module) < 0)
    return nullptr;
  return Module(module);
}

Module module_at(kmod_ctx* context, const std::string& path) {
  kmod_module* module = nullptr;
  if (kmod_module_new_from_path(context, path.c_str(), &module) < 0) return nullptr;
  return Module(module);
}

// Of an open folder, whatever it is called in the file system that runs.
std::string path_of(const Fd& folder) {
  return "/proc/self/fd/" + std::to_string(folder.get());
}

}  // namespace

ModuleIndex::ModuleIndex() : kmod_(nullptr, close_context) {}

Result<ModuleIndex> ModuleIndex::open(const RootDir& tree, const std::string& kernel) {
  if (!is_kernel_name(kernel)) return Error{Errc::not_found, "there is no kernel with modules"};
  const auto folder = "lib/modules/" + kernel;
  ModuleIndex index;
  index.kernel_ = kernel;
  CUBE_TRY(index.folder_, tree.open_file(folder, O_PATH | O_DIRECTORY));
  for (const char* list : {"/modules.dep.bin", "/modules.alias.bin"})
    CUBE_CHECK(tree.stat(folder + list));
  CUBE_TRY(const auto files, tree.read_file(folder + "/modules.dep", max_list_bytes));
  index.files_ = module_files(files);
  CUBE_TRY(const auto built_in, tree.read_file(folder + "/modules.builtin", max_list_bytes));
  index.built_in_ = built_in_modules(built_in);
  const auto modinfo = tree.read_file(folder + "/modules.builtin.modinfo", max_list_bytes);
  if (!modinfo && modinfo.error().code != Errc::not_found) return Error(modinfo.error());
  if (modinfo) index.built_in_aliases_ = built_in_aliases(*modinfo);

  const auto path = path_of(index.folder_);
  const auto wishes = path + "/modules.softdep";
  const std::array<const char*, 2> settings{
      tree.exists(folder + "/modules.softdep") ? wishes.c_str() : nullptr, nullptr};
  index.kmod_.reset(kmod_new(path.c_str(), settings.data()));
  if (!index.kmod_) return Error{Errc::failed, folder + ": libkmod cannot read the modules there"};
  kmod_set_log_fn(index.kmod_.get(), say_nothing, nullptr);
  // Only to be faster; what is missing is looked up in the files.
  static_cast<void>(kmod_load_resources(index.kmod_.get()));
  return index;
}

Names ModuleIndex::named_by(const std::string& alias) const {
  Names names;
  if (alias.empty()) return names;
  kmod_list* list = nullptr;
  const bool found = kmod_module_new_from_lookup(kmod_.get(), alias.c_str(), &list) >= 0;
  if (found) add_names(List(list), names);
  const auto asked = normalized(alias);
  for (const auto& one : built_in_aliases_)
    if (::fnmatch(one.pattern.c_str(), asked.c_str(), 0) == 0) names.insert(one.module);
  return names;
}

bool ModuleIndex::built_in(const std::string& module) const {
  return built_in_.count(normalized(module)) != 0;
}

std::string ModuleIndex::file(const std::string& module) const {
  const auto found = files_.find(normalized(module));
  return found == files_.end() ? "" : found->second.file;
}

Names ModuleIndex::needs(const std::string& module) const {
  const auto found = files_.find(normalized(module));
  return found == files_.end() ? Names{} : found->second.needs;
}

Names ModuleIndex::asks_for(const std::string& module) const {
  Names names;
  const auto found = module_named(kmod_.get(), module);
  kmod_list *before = nullptr, *after = nullptr;
  if (!found || kmod_module_get_softdeps(found.get(), &before, &after) < 0) return names;
  add_names(List(before), names);
  add_names(List(after), names);
  return names;
}

Result<Names> ModuleIndex::firmware(const std::string& module) const {
  const bool there = built_in(module);
  const auto path = path_of(folder_) + "/" + file(module);
  if (!there && file(module).empty())
    return Error{Errc::not_found, module + ": there is no such module"};
  const auto found = there ? module_named(kmod_.get(), module) : module_at(kmod_.get(), path);
  kmod_list* list = nullptr;
  const int count = found ? kmod_module_get_info(found.get(), &list) : -ENOENT;
  Names names;
  if (count < 0 && there) return names;  // a kernel that lists nothing of what is built in
  if (count < 0)
    return Error{Errc::corrupt,
                 "lib/modules/" + kernel_ + "/" + file(module) + ": " + std::strerror(-count)};
  const Info info(list);
  for (auto* at = list; at != nullptr && names.size() < max_answers; at = kmod_list_next(list, at))
    if (std::string_view(kmod_module_info_get_key(at)) == "firmware")
      names.insert(kmod_module_info_get_value(at));
  return names;
}

Names firmware_of(const ModuleIndex& index, const Names& modules) {
  Names all;
  for (const auto& module : modules)
    if (const auto found = index.firmware(module)) all.insert(found->begin(), found->end());
  return all;
}

}  // namespace cube::insight
