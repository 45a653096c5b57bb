// The items that one descriptor has named so far, to find the one that stands twice: in constant time each, however many a peer
// sends.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <agw/h248/arena.hpp>
#include <agw/h248/ascii.hpp>
#include <agw/h248/ids.hpp>

namespace agw::h248::text {

class seen_items {
 public:
  // What makes an item the same as another: where it stands, its name, and what qualifies it, as a number and as text. Without case.
  struct key {
    std::uint64_t place = 0;
    item_name name{};
    std::uint64_t number = 0;
    std::string_view text{};

    friend bool operator==(const key& a, const key& b) noexcept {
      return a.place == b.place && a.number == b.number && a.name == b.name && iequals(a.text, b.text);
    }
  };

  explicit seen_items(arena& memory) noexcept : memory_(memory) {}
  seen_items(const seen_items&) = delete;
  seen_items& operator=(const seen_items&) = delete;

  // False if it has been added before.
  bool add(const key& k) {
    const std::size_t hash = hash_of(k);
    for (const node* n = buckets_[hash % bucket_count_]; n != nullptr; n = n->next) {
      if (n->hash == hash && n->what == k) return false;
    }
    if (count_ == most_per_bucket * bucket_count_) grow();
    node*& first = buckets_[hash % bucket_count_];
    first = memory_.make<node>(node{first, hash, k});
    ++count_;
    return true;
  }

 private:
  struct node {
    node* next;
    std::size_t hash;
    key what;
  };
  static constexpr std::size_t most_per_bucket = 2;

  static std::size_t hash_of(const key& k) noexcept {
    const ihash of;
    const auto numbers = k.place * 0x9E3779B97F4A7C15u + k.number;
    return ((of(k.name.package) * 31 + of(k.name.item)) * 31 + of(k.text)) * 31 + static_cast<std::size_t>(numbers ^ numbers >> 32);
  }

  void grow() {
    const std::size_t wider = bucket_count_ * 8;
    auto** const made = static_cast<node**>(memory_.allocate(wider * sizeof(node*), alignof(node*)));
    for (std::size_t i = 0; i < wider; ++i) made[i] = nullptr;
    for (std::size_t i = 0; i < bucket_count_; ++i) {
      for (node* n = buckets_[i]; n != nullptr;) {
        node* const following = n->next;
        n->next = made[n->hash % wider];
        made[n->hash % wider] = n;
        n = following;
      }
    }
    buckets_ = made;
    bucket_count_ = wider;
  }

  arena& memory_;
  std::array<node*, 4> few_{};
  node** buckets_ = few_.data();
  std::size_t bucket_count_ = few_.size();
  std::size_t count_ = 0;
};

}  // namespace agw::h248::text
