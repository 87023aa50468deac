#include "insight/fit/secure_boot_fit.h"

#include <algorithm>
#include <set>

#include "base/mutation.h"
#include "insight/fit/sbat.h"
#include "insight/fit/signature_lists.h"

namespace cube::insight {
namespace {

constexpr const char* check = "secure-boot";
using Chain = BootProgram::Chain;

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : "; ") + word;
  return text;
}

class Judgement {
 public:
  explicit Judgement(const SecureBootFacts& facts) : facts_(facts) {}

  Findings run() {
    read_level();
    read_lists(facts_.forbidden, "dbx");
    read_lists(facts_.forbidden_by_shim, "MokListXRT");
    if (others_ != 0)
      add("dbx", Grade::unknown,
          "the lists of what is forbidden have " + std::to_string(others_) +
              " entries of kinds that are not compared");
    for (const auto& program : facts_.programs)
      if (program.content) {
        raise_level(program);
        signed_kernel_runs_ = signed_kernel_runs_ || (program.chain == Chain::running &&
                                                      !program.content->signatures.empty());
      }
    for (const auto& program : facts_.programs) judge(program);
    if (all_.empty())
      add("state", Grade::good,
          "Secure Boot is on, and nothing of " + std::to_string(facts_.programs.size()) +
              " boot programs is revoked; who signed them was not compared with who is trusted");
    return std::move(all_);
  }

 private:
  void add(const std::string& object, Grade grade, std::string what, std::string remedy = "") {
    all_.push_back({check, object, grade, std::move(what), std::move(remedy), ""});
  }

  void read_level() {
    auto level =
        facts_.level ? parse_sbat_level(*facts_.level) : Result<SbatLevel>(facts_.level.error());
    if (level)
      now_ = *std::move(level);
    else
      add("level", Grade::unknown, "which SBAT level is set: " + level.error().what);
  }

  void read_lists(const Result<std::string>& bytes, const char* name) {
    const auto lists =
        bytes ? parse_signature_lists(*bytes) : Result<SignatureLists>(bytes.error());
    if (!lists) return add("dbx", Grade::unknown, std::string(name) + ": " + lists.error().what);
    digests_.insert(lists->sha256.begin(), lists->sha256.end());
    certificates_.insert(certificates_.end(), lists->certificates.begin(),
                         lists->certificates.end());
    others_ += lists->others;
  }

  // A shim that starts sets its level, when that is later than the one that is set.
  void raise_level(const BootProgram& program) {
    if (program.content->sbat_level.empty()) return;
    const auto levels = parse_shim_levels(program.content->sbat_level);
    if (!levels)
      return add(program.name, Grade::unknown,
                 program.name + ": which SBAT level it sets: " + levels.error().what);
    has_shim_ = has_shim_ || program.chain == Chain::both;
    auto& level = program.chain == Chain::offered ? offered_ : soon_;
    if (levels->automatic.date > std::max(level.date, now_.date)) level = levels->automatic;
  }

  void judge(const BootProgram& program) {
    if (!program.content)
      return add(program.name, Grade::unknown,
                 "whether " + program.name + " is revoked: " + program.content.error().what);
    const auto& content = *program.content;
    if (digests_.count(content.sha256) != 0)
      return refuse(program, "its digest is in the list of forbidden programs");
    if (judge_signer(program, content) || judge_certificates(program, content)) return;
    if (!mutated("preflight-ignores-sbat")) judge_generations(program, content);
  }

  // A program that is only offered starts nothing yet.
  void refuse(const BootProgram& program, const std::string& why) {
    if (program.chain == Chain::offered)
      return add(program.name, Grade::warning,
                 program.name + " would not start from the EFI system partition: " + why,
                 "do not put it there");
    const bool back = program.chain == Chain::running;
    add(program.name, Grade::refusal,
        program.name + " is not allowed to start" +
            (back ? ", so there would be no way back: " : ": ") + why,
        program.chain == Chain::staged ? "take a release with a newer kernel"
                                       : "install a newer one of it from its package");
  }

  // Where the kernel that runs is signed, one without a signature starts only if its digest is
  // allowed. True when something was said, as in the next one.
  bool judge_signer(const BootProgram& program, const BootProgram::Content& content) {
    if (program.chain != Chain::staged || !signed_kernel_runs_ || !content.signatures.empty())
      return false;
    for (const auto* bytes : {&facts_.allowed, &facts_.allowed_by_shim}) {
      const auto lists =
          *bytes ? parse_signature_lists(**bytes) : Result<SignatureLists>(bytes->error());
      if (!lists) {
        add(program.name, Grade::unknown,
            program.name + " is not signed; whether its digest is allowed: " + lists.error().what);
        return true;
      }
      if (lists->sha256.count(content.sha256) != 0) return false;
    }
    refuse(program, "it is not signed, as the kernel that runs is, nor is its digest allowed");
    return true;
  }

  bool judge_certificates(const BootProgram& program, const BootProgram::Content& content) {
    if (content.signatures.empty()) return false;
    bool named = false;
    for (const auto& certificate : certificates_) {
      const auto found = look_for(certificate, content.signatures);
      if (found == InSignature::there) {
        refuse(program, "it is signed with a certificate that is forbidden");
        return true;
      }
      named = named || found == InSignature::named;
    }
    if (!named) return false;
    add(program.name, Grade::unknown,
        program.name +
            ": a certificate of its signature bears the name of one that is forbidden; "
            "whether it is the same was not checked");
    return true;
  }

  void judge_generations(const BootProgram& program, const BootProgram::Content& content) {
    if (content.sbat.empty()) {
      // shim demands it of what it starts itself, not of kernels.
      if (program.chain == Chain::both && has_shim_)
        add(program.name, Grade::unknown,
            program.name + " has no SBAT section; when shim starts it, it refuses that");
      return;
    }
    const auto components = parse_sbat(content.sbat);
    if (!components)
      return add(program.name, Grade::unknown,
                 program.name + ": its SBAT section: " + components.error().what);
    if (const auto old = too_old(*components, now_); !old.empty())
      return refuse(program, "the SBAT level that is set revokes it: " + joined(old));
    if (const auto old = too_old(*components, soon_); !old.empty())
      return refuse(program,
                    "the shim on the EFI system partition sets an SBAT level that revokes "
                    "it: " +
                        joined(old));
    const auto old = too_old(*components, offered_);
    if (old.empty() || program.chain == Chain::offered) return;
    add(program.name, Grade::warning,
        program.name +
            " does not start any more once the release's shim is put onto the EFI system "
            "partition: " +
            joined(old),
        "put the release's loader there before its shim");
  }

  const SecureBootFacts& facts_;
  SbatLevel now_, soon_, offered_;
  bool has_shim_ = false, signed_kernel_runs_ = false;
  std::set<std::string> digests_;
  std::vector<std::string> certificates_;
  std::size_t others_ = 0;
  Findings all_;
};

}  // namespace

Findings secure_boot_findings(const SecureBootFacts& facts) {
  if (!facts.uefi) return {};
  const auto state = [](Grade grade, std::string what) {
    return Findings{{check, "state", grade, std::move(what), "", ""}};
  };
  if (!facts.on)
    return state(Grade::unknown, "whether Secure Boot is on: " + facts.on.error().what);
  if (!*facts.on) return state(Grade::good, "Secure Boot is not on");
  if (facts.shim_checks_nothing)
    return state(Grade::good, "Secure Boot is on, and shim's validation is turned off");
  return Judgement(facts).run();
}

}  // namespace cube::insight
