// What is spoken on the fetch service's socket: whole, in order, and never more than agreed.
#include "base/http/fetch_frames.h"

#include <gtest/gtest.h>

#include <functional>

namespace cube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::vector<Frame> frames_of(FrameCutter& cutter) {
  std::vector<Frame> frames;
  for (;;) {
    auto next = cutter.next();
    EXPECT_TRUE(next) << next.error().what;
    if (!next || !*next) return frames;
    frames.push_back(std::move(**next));
  }
}

TEST(FetchFrames, AreCutWhereverTheyArrive) {
  const std::string stream = encode_frame(FrameKind::head, "HTTP/1.1 200 OK\r\n") +
                             encode_frame(FrameKind::body, "") +
                             encode_frame(FrameKind::body, std::string(max_frame_bytes, 'x')) +
                             encode_frame(FrameKind::end, "e");
  for (const std::size_t piece :
       {std::size_t{1}, std::size_t{7}, std::size_t{4096}, stream.size()}) {
    FrameCutter cutter;
    std::vector<Frame> all;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      cutter.add(std::string_view(stream).substr(at, piece));
      for (auto& frame : frames_of(cutter)) all.push_back(std::move(frame));
    }
    ASSERT_EQ(all.size(), 4U) << piece;
    EXPECT_EQ(all[0].content, "HTTP/1.1 200 OK\r\n");
    EXPECT_EQ(all[2].content.size(), max_frame_bytes);
    EXPECT_EQ(all[3].kind, FrameKind::end);
    EXPECT_TRUE(cutter.empty());
  }
}

TEST(FetchFrames, NothingElseBeginsOne) {
  for (const std::string& bytes : {std::string("X\0\0\0\0", 5), std::string("B\1\0\1\0", 5),
                                   std::string("S\xff\xff\xff\xff", 5),
                                   std::string("GET / HTTP/1.1\r\n"), std::string("\0", 1)}) {
    FrameCutter cutter;
    cutter.add(bytes);
    const auto next = cutter.next();
    ASSERT_FALSE(next) << bytes;
    EXPECT_EQ(next.error().code, Errc::corrupt);
  }
}

FetchSettings some_settings() {
  return {true, 123456, milliseconds(30000), "http://proxy:8080", "-----BEGIN\n", "c\n", "k\n"};
}

TEST(FetchFrames, SettingsAndRequestsComeBackAsTheyWent) {
  const auto settings = decode_settings(encode_settings(some_settings()));
  ASSERT_TRUE(settings);
  EXPECT_TRUE(settings->allow_http);
  EXPECT_EQ(settings->max_bytes_per_second, 123456U);
  EXPECT_EQ(settings->connect_timeout, seconds(30));
  EXPECT_EQ(settings->proxy, "http://proxy:8080");
  EXPECT_EQ(settings->certificates, "-----BEGIN\n");
  EXPECT_EQ(settings->client_key, "k\n");
  const auto request =
      decode_request(encode_request({"https://x/y", "0-99", "\"tag\"", milliseconds(60000)}));
  ASSERT_TRUE(request);
  EXPECT_EQ(request->url, "https://x/y");
  EXPECT_EQ(request->range, "0-99");
  EXPECT_EQ(request->entity, "\"tag\"");
  EXPECT_EQ(request->remaining, seconds(60));
  const auto end =
      decode_end(encode_end({Transfer::End::failed, Errc::untrusted, "no such host", seconds(7)}));
  ASSERT_TRUE(end);
  EXPECT_EQ(end->end, Transfer::End::failed);
  EXPECT_EQ(end->code, Errc::untrusted);
  EXPECT_EQ(end->text, "no such host");
  EXPECT_EQ(end->asked_to_wait, seconds(7));
}

TEST(FetchFrames, EveryTruncationAndEveryByteMoreIsRefused) {
  const std::string settings = encode_settings(some_settings());
  const std::string request = encode_request({"https://x/y", "0-99", "t", milliseconds(1)});
  const std::string end = encode_end({Transfer::End::whole, Errc::unreachable, "", seconds(0)});
  for (std::size_t n = 0; n < settings.size(); ++n)
    EXPECT_FALSE(decode_settings(settings.substr(0, n)));
  for (std::size_t n = 0; n < request.size(); ++n)
    EXPECT_FALSE(decode_request(request.substr(0, n)));
  for (std::size_t n = 0; n < end.size(); ++n) EXPECT_FALSE(decode_end(end.substr(0, n)));
  EXPECT_FALSE(decode_settings(settings + "x"));
  EXPECT_FALSE(decode_request(request + "x"));
  EXPECT_FALSE(decode_end(end + "x"));
}

TransferRequest posting() {
  TransferRequest request{"https://x/y", "", "", milliseconds(1)};
  request.posted = PostedDocument{"{\r\n\0}", {}};
  request.posted->fields = {{RequestField::content_type, "application/json"},
                            {RequestField::fleet_lock_protocol, "true"}};
  return request;
}

TEST(FetchFrames, DocumentsComeBackAsTheyWent) {
  const auto sent = posting();
  const auto got = decode_request(encode_request(sent));
  ASSERT_TRUE(got);
  ASSERT_TRUE(got->posted);
  EXPECT_EQ(got->posted->body, sent.posted->body);
  EXPECT_EQ(got->posted->fields, sent.posted->fields);
  const std::string bytes = encode_request(sent);
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode_request(bytes.substr(0, n)));
  EXPECT_FALSE(decode_request(bytes + "x"));
  const auto end =
      decode_end(encode_end({Transfer::End::failed, Errc::unreachable, "", seconds(0), false}));
  ASSERT_TRUE(end);
  EXPECT_FALSE(end->sent);
}

TEST(FetchFrames, DocumentsHaveTheFieldsThatAreNamedAndNoOther) {
  const auto with = [](const std::function<void(TransferRequest&)>& change) {
    auto request = posting();
    change(request);
    return decode_request(encode_request(request));
  };
  EXPECT_TRUE(with([](auto&) {}));
  for (const std::string& value : {std::string("a\r\nHost: y"), std::string(), std::string(" a"),
                                   std::string(max_field_bytes + 1, 'a')})
    EXPECT_FALSE(with([&](auto& r) { r.posted->fields[RequestField::authorization] = value; }))
        << value;
  EXPECT_FALSE(with([](auto& r) { r.posted->fields[RequestField{4}] = "x"; })) << "no such field";
  EXPECT_FALSE(with([](auto& r) { r.posted->body.clear(); }));
  EXPECT_FALSE(with([](auto& r) { r.posted->body.assign(max_posted_bytes + 1, 'x'); }));
  EXPECT_FALSE(with([](auto& r) { r.range = "0-9"; }));
  EXPECT_FALSE(with([](auto& r) { r.entity = "tag"; }));
  // The same field twice, and fields in another order.
  const std::string one("\0\1\0\0\0a", 6), other("\1\1\0\0\0b", 6);
  TransferRequest plain{"https://x/y", "", "", milliseconds(1)};
  std::string head = encode_request(plain);
  head.back() = '\1';
  const std::string body("\1\0\0\0x", 5);
  EXPECT_TRUE(decode_request(head + "\2" + one + other + body));
  EXPECT_FALSE(decode_request(head + "\2" + other + one + body));
  EXPECT_FALSE(decode_request(head + "\2" + one + one + body));
  EXPECT_FALSE(decode_request(head + "\5" + one + other + body));
}

TEST(FetchFrames, WhatHasNoMeaningIsRefused) {
  EXPECT_FALSE(decode_request(encode_request({"https://x/\r\nHost: y", "", "", milliseconds(1)})));
  EXPECT_FALSE(decode_request(encode_request({"https://x/", "0-9\r\nX: y", "", milliseconds(1)})));
  EXPECT_FALSE(decode_request(encode_request({"https://x/", "", "a\r\nX: y", milliseconds(1)})));
  EXPECT_FALSE(decode_request(encode_request({std::string(9000, 'x'), "", "", milliseconds(1)})));
  EXPECT_FALSE(decode_request(encode_request({"https://x/", "", "", milliseconds(1LL << 50)})));
  EXPECT_FALSE(decode_end(std::string("\x09\0", 2) + std::string(13, '\0'))) << "no such end";
  EXPECT_FALSE(decode_end(std::string("\0\x09", 2) + std::string(13, '\0'))) << "no such reason";
  const auto hidden = decode_end(encode_end({Transfer::End::failed, Errc::failed, "\x1b[2J", {}}));
  ASSERT_TRUE(hidden);
  EXPECT_EQ(hidden->text, "unprintable") << "nothing for a terminal";
  const auto bug = decode_end(encode_end({Transfer::End::failed, Errc::bug, "", {}}));
  ASSERT_TRUE(bug);
  EXPECT_EQ(bug->code, Errc::unreachable);
}

}  // namespace
}  // namespace cube
