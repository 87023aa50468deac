// Inside slots/ostree only: owning handles for GLib and libostree objects, and the one translation
// of GError. No header outside this folder may include it (tests/style).
#pragma once

#include <ostree.h>

#include <memory>
#include <string>

#include "base/result.h"

namespace cube::glib {

struct ObjectUnref {
  void operator()(void* object) const { g_object_unref(object); }
};
template <typename T>
using Object = std::unique_ptr<T, ObjectUnref>;

struct VariantUnref {
  void operator()(GVariant* variant) const { g_variant_unref(variant); }
};
using Variant = std::unique_ptr<GVariant, VariantUnref>;

struct TableUnref {
  void operator()(GHashTable* table) const { g_hash_table_unref(table); }
};
using Table = std::unique_ptr<GHashTable, TableUnref>;

struct Free {
  void operator()(void* memory) const { g_free(memory); }
};
using String = std::unique_ptr<char, Free>;

inline Object<GFile> file(const std::string& path) {
  return Object<GFile>(g_file_new_for_path(path.c_str()));
}

// An out-parameter for a GError; frees it.
class ErrorOut {
 public:
  ErrorOut() = default;
  ErrorOut(const ErrorOut&) = delete;
  ErrorOut& operator=(const ErrorOut&) = delete;
  ~ErrorOut() { g_clear_error(&error_); }
  GError** out() {
    g_clear_error(&error_);
    return &error_;
  }
  // no_space, unreachable, not_found, corrupt (checksum), else failed.
  [[nodiscard]] Error translate(const std::string& what) const;

 private:
  GError* error_ = nullptr;
};

}  // namespace cube::glib
