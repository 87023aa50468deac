#include "base/http/http_connection.h"

#include <optional>

#include "base/http/post_answer.h"

namespace cube {
namespace {

using std::chrono::milliseconds;

// What to do about an answer that is not the document.
Errc code_for(int status) {
  if (status == 404 || status == 403 || status == 410) return Errc::not_found;
  // 408 Request Timeout, 425 Too Early, 429 Too Many Requests: later it may work.
  if (status == 408 || status == 425 || status == 429) return Errc::unreachable;
  return status >= 500 ? Errc::unreachable : Errc::failed;
}

// What the transport says against it; nullopt: it is for the answer to say.
std::optional<Error> failure_of(const Transfer& transfer) {
  if (transfer.end == Transfer::End::other_scheme)  // the URL itself was found good before
    return Error{Errc::unreachable,
                 "the server redirects to another scheme, which is not followed"};
  if (transfer.end == Transfer::End::failed) return Error{transfer.code, transfer.text};
  return std::nullopt;
}

// Why the answer is not the document; nullopt: it is.
std::optional<Error> failure_of(const Answer& answer, const Transfer& transfer,
                                std::size_t max_bytes) {
  if (answer.too_large())
    return Error{Errc::corrupt,
                 "larger than " + std::to_string(max_bytes) + " bytes, or headers without end"};
  if (auto failure = failure_of(transfer)) return failure;
  const int status = answer.status();
  const bool whole = transfer.end == Transfer::End::whole;
  if (!answer.has_head())
    return Error{Errc::unreachable, "the server ended before its answer began"};
  if (answer.is_document() && whole && answer.complete()) return std::nullopt;
  if (answer.is_document()) return Error{Errc::unreachable, "the server sent less than the rest"};
  if (status == 206 || status == 416)
    return Error{Errc::unreachable, "the server cannot go on where the connection broke"};
  return Error{code_for(status), "the server answers with status " + std::to_string(status)};
}

// Why the range did not come whole; nullopt: it did.
std::optional<Error> failure_of(const RangeAnswer& answer, const Transfer& transfer) {
  using Verdict = RangeAnswer::Verdict;
  if (!answer.taken()) return answer.taken().error();
  if (answer.too_large()) return Error{Errc::corrupt, "headers without end"};
  if (answer.verdict() == Verdict::another_document)
    return Error{Errc::corrupt, "the server has another file under this name"};
  if (answer.verdict() == Verdict::ignores_ranges)
    return Error{Errc::failed, "the server does not send parts of files"};
  if (answer.verdict() == Verdict::part && answer.complete()) return std::nullopt;
  if (auto failure = failure_of(transfer)) return failure;
  if (answer.verdict() == Verdict::none)
    return Error{Errc::unreachable, "the server ended before its answer began"};
  if (answer.verdict() == Verdict::part)
    return Error{Errc::unreachable, "the server sent less than was asked for"};
  return Error{code_for(answer.status()),
               "the server answers with status " + std::to_string(answer.status())};
}

// Why there is no answer to what was sent; nullopt: there is one.
std::optional<Error> failure_of(const PostAnswer& answer, const Transfer& transfer) {
  if (answer.too_large())
    return Error{Errc::corrupt, "the answer is larger than was agreed, or has headers without end"};
  if (answer.is_error() && answer.cut()) return std::nullopt;
  if (auto failure = failure_of(transfer)) return failure;
  if (!answer.has_head() || transfer.end != Transfer::End::whole)
    return Error{Errc::unreachable, "the server ended before its answer did"};
  return std::nullopt;
}

}  // namespace

Result<Transfer> HttpConnection::perform(const TransferRequest& request, Receiver& receiver) {
  asked_to_wait_ = {};
  sent_ = false;  // when there is no transfer, there was no request
  CUBE_TRY(auto transfer, transport_->perform(request, receiver));
  sent_ = transfer.sent;
  asked_to_wait_ = transfer.asked_to_wait;
  return transfer;
}

Result<std::string> HttpConnection::get(const std::string& url, std::size_t max_bytes,
                                        milliseconds remaining, PartialDocument& so_far) {
  Answer answer(so_far, max_bytes);
  TransferRequest request{url, "", "", remaining};
  if (so_far.can_be_continued()) {
    request.range = std::to_string(so_far.bytes.size()) + "-";
    request.entity = so_far.entity_tag;
  }
  CUBE_TRY(const auto transfer, perform(request, answer));
  auto failure = failure_of(answer, transfer, max_bytes);
  if (!failure) return std::move(so_far.bytes);
  answer.give_up();
  return std::move(*failure).in(url);
}

Status HttpConnection::get_range(const std::string& url, const ByteRange& range,
                                 milliseconds remaining, const ByteSink& take,
                                 std::uint64_t& given) {
  const auto first = range.first + given;
  RangeAnswer answer(first, range.length - given, range.total, take);
  const auto last = range.first + range.length - 1;
  CUBE_TRY(
      const auto transfer,
      perform({url, std::to_string(first) + "-" + std::to_string(last), "", remaining}, answer));
  given += answer.given();
  auto failure = failure_of(answer, transfer);
  if (!failure) return ok();
  if (!answer.taken()) return answer.taken();
  return std::move(*failure).in(url);
}

Result<HttpAnswer> HttpConnection::post(const std::string& url, const PostedDocument& document,
                                        std::size_t max_bytes, milliseconds remaining) {
  PostAnswer answer(max_bytes);
  CUBE_TRY(const auto transfer, perform({url, "", "", remaining, document}, answer));
  if (auto failure = failure_of(answer, transfer)) return std::move(*failure).in(url);
  return HttpAnswer{answer.status(), std::move(answer.body())};
}

}  // namespace cube
