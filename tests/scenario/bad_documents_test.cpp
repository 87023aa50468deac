// Every kind of bad document, as every document of a repository, to the real program: exit code 4,
// a sentence that names the document, nothing of it persisted, and the next good one is believed.
// docs/bad-input.md has the table.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "agent/cli/exit_code.h"
#include "keys/metadata.h"
#include "model/manifest.h"
#include "tests/support/folder_appliance.h"
#include "tests/support/static_server.h"
#include "tests/support/text_files.h"
#include "tests/support/verified_release.h"

namespace cube {
namespace {

namespace fs = std::filesystem;
using Change = std::function<void(std::string&)>;

// One way to spoil a finished text, and what the refusal says of it.
struct Damage {
  std::string what;
  Change change;
  std::string word;
};

// A member more, at the beginning of the outermost object.
Change member(const std::string& text) {
  return [=](std::string& document) { document.insert(document.find('{') + 1, text + ","); };
}
Change instead(const std::string& text) {
  return [=](std::string& document) { document = text; };
}

std::vector<Damage> damages() {
  const std::string number = "a number that is not an integer of 64 bits";
  return {
      {"empty", instead(""), "byte 0"},
      {"half", [](std::string& text) { text.resize(text.size() / 2); }, "not JSON"},
      {"a page of a web server", instead("<html>Please sign in</html>"), "not JSON"},
      {"an array", instead("[]"), "expected an object"},
      {"something behind", [](std::string& text) { text += "{}"; }, "not JSON"},
      {"a NUL", [](std::string& text) { text += '\0'; }, "a NUL"},
      {"a NUL as an escape", member(R"("x": "\u0000")"), "a NUL in a string"},
      {"deep", member("\"x\": " + std::string(100, '[') + std::string(100, ']')), "nested deeper"},
      {"very deep", instead(std::string(60000, '[')), "nested deeper"},
      {"a key twice", member(R"("x": 1, "x": 2)"), "duplicate key"},
      {"a key twice, once escaped", member(R"("x": 1, "\u0078": 2)"), "duplicate key"},
      {"an escape that is none", member(R"("x": "\q")"), "not JSON"},
      {"half a surrogate", member(R"("x": "\ud800")"), "not JSON"},
      {"bytes that are no UTF-8", member("\"x\": \"\xc0\x80\""), "not JSON in UTF-8"},
      {"a byte order mark", [](std::string& text) { text.insert(0, "\xef\xbb\xbf"); }, "not JSON"},
      {"2^64", member(R"("x": 18446744073709551616)"), number},
      {"a fraction", member(R"("x": 1.5)"), number},
      {"an exponent", member(R"("x": 1e3)"), number},
  };
}

constexpr const char* theirs = "CUBE_3.0.0_20220601-0000_bbbb2222";

class BadDocument : public testing::TestWithParam<std::string> {
 protected:
  BadDocument() {
    signer().delegate("vendor", {"releases/CUBE_3*/*"});
    signer().add_release(theirs, manifest_of(theirs), "vendor");
    publish_again();
    EXPECT_EQ(check().exit_code, 0);
  }
  TufSigner& signer() { return appliance_.signer(); }
  [[nodiscard]] FolderAppliance::Ran check() const { return appliance_.run({"check"}); }
  [[nodiscard]] std::string metadata(const std::string& name) const {
    return appliance_.repository() + "/metadata/" + name;
  }
  void publish_again() {
    signer().role("root").version = root_version_;
    signer().publish_again();
  }
  [[nodiscard]] std::map<std::string, std::string> persisted() const {
    std::map<std::string, std::string> texts;
    for (const auto& entry : fs::directory_iterator(appliance_.root() + "/var/lib/cube-update/tuf"))
      texts[entry.path().filename()] = get(entry.path());
    return texts;
  }
  // What is above the document may be good and be kept.
  void expect_refused(const std::string& document, const std::string& word,
                      int code = exit_untrusted) const {
    auto before = persisted();
    const auto ran = check();
    EXPECT_EQ(ran.exit_code, code) << ran.output;
    EXPECT_NE(ran.output.find("cube-update: repository "), std::string::npos) << ran.output;
    EXPECT_NE(ran.output.find(document), std::string::npos) << ran.output;
    EXPECT_NE(ran.output.find(word), std::string::npos) << ran.output;
    auto after = persisted();
    if (document == "vendor.json" || document == theirs)
      for (const std::string above : {"timestamp.json", "snapshot.json", "targets.json"})
        before[above] = after.at(above);
    if (document == theirs) before["vendor.json"] = after.at("vendor.json");
    EXPECT_TRUE(after == before) << "something was persisted";
  }

  FolderAppliance appliance_;
  std::uint64_t root_version_ = 1;
};

class BadForm : public BadDocument {
 protected:
  // What a spoiled document is called in the message.
  [[nodiscard]] static std::string name() {
    return GetParam() == "manifest" ? theirs : GetParam() + ".json";
  }
  void publish_spoiled(const Change& change) {
    if (GetParam() == "manifest") {
      auto text = manifest_of(theirs);
      change(text);
      signer().add_release(theirs, text, "vendor");
    } else {
      signer().role(GetParam()).spoil = change;
    }
    publish_again();
  }
  void publish_good() {
    signer().add_release(theirs, manifest_of(theirs), "vendor");
    if (GetParam() != "manifest") signer().role(GetParam()).spoil = nullptr;
    publish_again();
  }
  [[nodiscard]] static std::size_t cap() {
    if (GetParam() == "manifest") return max_manifest_bytes;
    if (GetParam() == "root" || GetParam() == "timestamp") return max_metadata_bytes;
    return max_targets_bytes;
  }
};

// The documents that describe the spoiled one are signed anew, so only its form is wrong.
TEST_P(BadForm, IsRefusedByName) {
  if (GetParam() == "root") root_version_ = 2;
  for (const auto& damage : damages()) {
    SCOPED_TRACE(GetParam() + ": " + damage.what);
    publish_spoiled(damage.change);
    expect_refused(name(), damage.word);
  }
  publish_good();
  EXPECT_EQ(check().exit_code, 0);
}

TEST_P(BadForm, OfMoreBytesThanAnyMayHave) {
  if (GetParam() == "root") root_version_ = 2;
  publish_spoiled([](std::string& text) { text.resize(cap() + 1, ' '); });
  const bool is_first = GetParam() == "root" || GetParam() == "timestamp";
  expect_refused(name(), is_first ? "larger than" : "announced with more than");
  publish_good();
  EXPECT_EQ(check().exit_code, 0);
}

INSTANTIATE_TEST_SUITE_P(Of, BadForm,
                         testing::Values("root", "timestamp", "snapshot", "targets", "vendor",
                                         "manifest"),
                         [](const auto& of) { return of.param; });

// Well formed, and wrong in what it says or in who says it.
class BadContent : public BadDocument {
 protected:
  using How = std::function<void(TufSigner::Role&)>;
  struct Case {
    std::string what;
    How how;
    std::string word;
  };

  static How edit(const std::string& member, const Json& value) {
    return [=](TufSigner::Role& role) {
      role.edit = [=](Json::Object& body) { body[member] = value; };
    };
  }
  static How signed_by(std::vector<SigningKey> signers) {
    return [=](TufSigner::Role& role) { role.signers = signers; };
  }
  static void without_signatures(TufSigner::Role& role) {
    role.spoil = [](std::string& text) {
      auto document = Json::parse(text, {1 << 20, 16})->object().value();
      document["signatures"] = Json::Array{};
      text = Json(document).pretty();
    };
  }
  static std::vector<Case> cases() {
    const SigningKey own(GetParam());
    const SigningKey others(GetParam() == "targets" ? "snapshot" : "targets");
    std::vector<Case> all{
        {"nobody signed", without_signatures, "signed by 0 of the 1"},
        {"a stranger signed", signed_by({SigningKey("stranger")}), "signed by 0 of the 1"},
        {"the key of another role signed", signed_by({others}), "signed by 0 of the 1"},
        {"one signature twice", signed_by({own, own}), "two signatures with one key id"},
        {"one key under two ids", signed_by({SigningKey(GetParam(), "again")}), "signed by 0 of"},
        {"another type", edit("_type", "other"), "\"_type\""},
        {"another specification", edit("spec_version", "2.0.0"), "\"spec_version\""},
        {"version 0", edit("version", 0), "\"version\" is out of range"},
        {"version -1", edit("version", -1), "\"version\": expected a number"},
        {"version 2^53", edit("version", std::uint64_t{1} << 53), "\"version\" is out of range"},
        {"a version in letters", edit("version", "2"), "\"version\": expected a number"},
        {"no such day", edit("expires", "2030-02-30T00:00:00Z"), "\"expires\""},
        {"expired", [](TufSigner::Role& role) { role.expires = "2022-04-01T00:00:00Z"; },
         "expired"},
    };
    if (GetParam() != "root")
      all.push_back({"older than before", [](TufSigner::Role& role) { role.version = 1; },
                     "was seen before"});
    return all;
  }
};

TEST_P(BadContent, IsRefusedByName) {
  if (GetParam() == "root") root_version_ = 2;
  for (const auto& one : cases()) {
    SCOPED_TRACE(GetParam() + ": " + one.what);
    auto& role = signer().role(GetParam());
    const auto good = role;
    publish_again();
    const auto version = role.version;
    one.how(role);
    for (const auto* above : {"targets", "snapshot", "timestamp"})
      if (above != GetParam()) ++signer().role(above).version;
    signer().publish();
    expect_refused(GetParam() + ".json", one.word);
    role = good;
    role.version = version;
  }
  publish_again();
  EXPECT_EQ(check().exit_code, 0);
}

INSTANTIATE_TEST_SUITE_P(Of, BadContent,
                         testing::Values("root", "timestamp", "snapshot", "targets", "vendor"),
                         [](const auto& of) { return of.param; });

// A file of the repository that is not the one that was signed.
class BadFile : public BadDocument {
 protected:
  [[nodiscard]] std::string place() {
    if (GetParam() != "manifest")
      return metadata(std::to_string(signer().role(GetParam()).version) + "." + GetParam() +
                      ".json");
    const auto folder = appliance_.repository() + "/targets/releases/" + theirs;
    return fs::directory_iterator(folder)->path();
  }
};

TEST_P(BadFile, IsRefusedByName) {
  publish_again();
  const auto path = place();
  const auto good = get(path);
  const std::string name = GetParam() == "manifest" ? theirs : GetParam() + ".json";
  auto changed = good;
  changed[good.find_last_of('"') - 1] ^= 1;
  const std::string older =
      GetParam() == "manifest"
          ? manifest_of("CUBE_3.0.0_20220601-0000_aaaa1111")
          : get(metadata("1." + (GetParam() == "vendor" ? "targets" : GetParam()) + ".json"));
  for (const auto& [text, word] : std::vector<std::pair<std::string, std::string>>{
           {changed, "its SHA-256 is not the signed one"},
           {good + " ", "larger than"},
           {good.substr(1), "bytes instead of"},
           {std::string(good.size(), ' '), "its SHA-256 is not the signed one"},
           {older, GetParam() == "manifest" ? "its SHA-256 is not the signed one" : ""}}) {
    put(path, text);
    expect_refused(name, word);
  }
  fs::remove(path);
  expect_refused(name, "No such file");
  put(path, good);
  EXPECT_EQ(check().exit_code, 0);
}

INSTANTIATE_TEST_SUITE_P(Of, BadFile, testing::Values("snapshot", "targets", "vendor", "manifest"),
                         [](const auto& of) { return of.param; });

// What a server does instead of sending a document.
class BadAnswer : public BadDocument {
 protected:
  BadAnswer() { appliance_.write_config(server_.url(), "allow-http = true\n"); }
  [[nodiscard]] static std::string path() {
    if (GetParam() == "manifest") return ".manifest.json";
    const bool numbered = GetParam() != "timestamp";
    return (GetParam() == "root" ? "/2." : numbered ? "." : "/") + GetParam() + ".json";
  }
  StaticServer server_{appliance_.repository()};
};

TEST_P(BadAnswer, IsRefusedByName) {
  const std::string name = GetParam() == "manifest" ? theirs : GetParam() + ".json";
  const bool may_be_absent = GetParam() == "root";  // then there is no newer one
  for (const auto& [fault, code, word] : std::vector<std::tuple<Fault, int, std::string>>{
           {Fault::not_found, GetParam() == "timestamp" ? exit_unreachable : exit_untrusted, "404"},
           {Fault::server_error, exit_unreachable, "status 500"},
           {Fault::too_many_requests, exit_unreachable, "status 429"},
           {Fault::redirect_to_itself, exit_unreachable, "redirects"},
           {Fault::redirect_to_file, exit_unreachable, "redirects to another scheme"},
           {Fault::hang_up, exit_unreachable, ""},
           {Fault::truncate, exit_unreachable, ""},
           {Fault::endless, exit_untrusted, "larger than"},
           {Fault::endless_head, exit_untrusted, "headers without end"}}) {
    if (may_be_absent && (fault == Fault::not_found || fault == Fault::truncate)) continue;
    SCOPED_TRACE(GetParam() + ": fault " + std::to_string(static_cast<int>(fault)));
    publish_again();  // what is kept is not fetched
    server_.set_fault(path(), fault);
    expect_refused(name, word, code);
    server_.clear_faults();
  }
  EXPECT_EQ(check().exit_code, 0);
}

INSTANTIATE_TEST_SUITE_P(Of, BadAnswer,
                         testing::Values("root", "timestamp", "snapshot", "targets", "vendor",
                                         "manifest"),
                         [](const auto& of) { return of.param; });

// Where all trust comes from.
class BadTrustStore : public BadDocument {
 protected:
  void expect_no_trust(const std::string& word) const {
    const auto before = persisted();
    const auto ran = check();
    EXPECT_EQ(ran.exit_code, exit_untrusted) << ran.output;
    EXPECT_NE(ran.output.find(root_), std::string::npos) << ran.output;
    EXPECT_NE(ran.output.find(word), std::string::npos) << ran.output;
    EXPECT_TRUE(persisted() == before);
  }
  const std::string root_ = appliance_.root() + "/usr/share/cube-update/root.json";
};

TEST_F(BadTrustStore, EveryKind) {
  const auto good = get(root_);
  for (const auto& damage : damages()) {
    SCOPED_TRACE(damage.what);
    auto text = good;
    damage.change(text);
    put(root_, text);
    expect_no_trust(damage.word);
  }
  put(root_, std::string(max_metadata_bytes, ' ') + good);
  expect_no_trust("larger than");
  put(root_, good);
  for (const auto& path : {root_, fs::path(root_).parent_path().string()}) {
    fs::permissions(path, fs::perms::others_write, fs::perm_options::add);
    expect_no_trust("writable by group or others");
    fs::permissions(path, fs::perms::others_write, fs::perm_options::remove);
  }
  fs::rename(root_, root_ + ".away");
  expect_no_trust("No such file");
  fs::create_symlink("root.json.away", root_);
  expect_no_trust("symbolic link");
  fs::remove(root_);
  fs::create_directory(root_);
  expect_no_trust("not a regular file");
  fs::remove(root_);
  fs::rename(root_ + ".away", root_);
  EXPECT_EQ(check().exit_code, 0);
}

}  // namespace
}  // namespace cube
