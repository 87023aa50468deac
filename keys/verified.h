// Verified<T>: a value whose signatures, freshness and place in the trust chain were checked. Only
// TufClient can make one, so a function that takes a Verified<T> cannot be reached without a key.
#pragma once

#include <type_traits>
#include <utility>

namespace cube {

class TufClient;

template <typename T>
class Verified {
 public:
  [[nodiscard]] const T& get() const { return value_; }

  // What was derived from verified content alone is verified, too: `parse` gets the content and
  // returns a Result<U>; the caller promises that it adds nothing from elsewhere.
  template <typename Parse>
  [[nodiscard]] auto parsed_by(Parse parse) const {
    using Parsed = std::remove_cvref_t<decltype(parse(value_))>;
    using U = std::remove_cvref_t<decltype(std::declval<Parsed>().value())>;
    using Wrapped = typename Parsed::template rebind<Verified<U>>;
    Parsed parsed = parse(value_);
    if (!parsed) return Wrapped(std::move(parsed).error());
    return Wrapped(Verified<U>(std::move(parsed).value()));
  }

 private:
  friend class TufClient;
  template <typename U>
  friend class Verified;
  explicit Verified(T value) : value_(std::move(value)) {}
  T value_;
};

}  // namespace cube
