// The fetch service's socket, both sides: what is accepted can be said again, and is within its
// limits; the same bytes give the same frames, in whatever pieces they arrive.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/http/fetch_frames.h"
#include "tests/fuzz/demand.h"

namespace {

using cube::demand;

std::vector<cube::Frame> frames_of(std::string_view bytes, std::size_t piece, bool& good) {
  cube::FrameCutter cutter;
  std::vector<cube::Frame> frames;
  good = true;
  for (std::size_t at = 0; good && at < bytes.size(); at += piece) {
    cutter.add(bytes.substr(at, piece));
    for (;;) {
      auto next = cutter.next();
      good = next.has_value();
      if (!good || !*next) break;
      frames.push_back(std::move(**next));
    }
  }
  return frames;
}

void check(const cube::Frame& frame) {
  const std::size_t limit = frame.kind == cube::FrameKind::settings  ? cube::max_settings_bytes
                            : frame.kind == cube::FrameKind::request ? cube::max_request_bytes
                                                                     : cube::max_frame_bytes;
  demand(frame.content.size() <= limit);
  if (const auto settings = cube::decode_settings(frame.content))
    demand(cube::encode_settings(*settings) == frame.content);
  if (const auto request = cube::decode_request(frame.content)) {
    demand(cube::encode_request(*request) == frame.content);
    demand(!request->posted || cube::check_document(*request->posted));
  }
  if (const auto end = cube::decode_end(frame.content))
    demand(cube::encode_end(*end) == frame.content);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  bool whole_good = true, pieces_good = true;
  const auto whole = frames_of(bytes, size + 1, whole_good);
  const auto pieces = frames_of(bytes, 3, pieces_good);
  demand(whole.size() == pieces.size() && whole_good == pieces_good);
  for (std::size_t i = 0; i < whole.size(); ++i)
    demand(whole[i].kind == pieces[i].kind && whole[i].content == pieces[i].content);
  for (const auto& frame : whole) check(frame);
  return 0;
}
