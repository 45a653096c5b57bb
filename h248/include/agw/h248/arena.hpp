// Where a parsed message lives: a bump allocator with its first block inside, a list and an optional whose elements come
// either from an arena (the parser) or from the heap (a message built by hand). Both behave as ordinary values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace agw::h248 {

// Memory that is freed all at once. Not copyable, not movable: what it handed out stays where it is. Runs no
// destructors: the owner of an object (list, box) does. Not for concurrent use.
class arena {
 public:
  // 16 KiB takes a message of several hundred elements without a further allocation.
  static constexpr std::size_t first_block_bytes = 16 * 1024;

  arena() noexcept {}  // not defaulted: that would let make_unique clear the block
  arena(const arena&) = delete;
  arena& operator=(const arena&) = delete;
  ~arena() { release(); }

  // Never null; throws std::bad_alloc. `alignment` is at most that of std::max_align_t.
  void* allocate(std::size_t bytes, std::size_t alignment) {
    const auto at = (reinterpret_cast<std::uintptr_t>(next_) + (alignment - 1)) & ~(std::uintptr_t{alignment} - 1);
    if (at + bytes > reinterpret_cast<std::uintptr_t>(end_)) return allocate_block(bytes);
    next_ = reinterpret_cast<std::byte*>(at + bytes);
    return reinterpret_cast<void*>(at);
  }

  template <class T, class... Args>
  T* make(Args&&... args) {
    return ::new (allocate(sizeof(T), alignof(T))) T(std::forward<Args>(args)...);
  }

  // A copy of `text` that lives as long as the arena: for text built on the fly that a message is to refer to.
  std::string_view keep(std::string_view text);

  // Bytes handed out of further blocks plus what the current block has used; for limits.
  std::size_t used_bytes() const noexcept { return full_bytes_ + static_cast<std::size_t>(next_ - begin_); }

  // Forgets everything; the first block is used again.
  void release() noexcept;

 private:
  struct block {
    block* previous;
  };
  void* allocate_block(std::size_t bytes);

  alignas(std::max_align_t) std::byte first_[first_block_bytes];
  std::byte* begin_ = first_;
  std::byte* next_ = first_;
  std::byte* end_ = first_ + first_block_bytes;
  block* blocks_ = nullptr;
  std::size_t full_bytes_ = 0;
};

// A singly linked list: appending never moves an element, so references stay valid. Elements appended through an arena are
// destroyed with the list and freed with the arena; the others are heap memory of the list. Copies are deep and on the heap.
template <class T>
class list {
  struct node {
    node* next = nullptr;
    T value;
    template <class... Args>
    explicit node(Args&&... args) : value(std::forward<Args>(args)...) {}
  };

  template <class V>
  class cursor {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = V*;
    using reference = V&;

    cursor() = default;
    explicit cursor(node* at) : at_(at) {}
    operator cursor<const V>() const { return cursor<const V>(at_); }
    reference operator*() const { return at_->value; }
    pointer operator->() const { return &at_->value; }
    cursor& operator++() {
      at_ = at_->next;
      return *this;
    }
    cursor operator++(int) {
      cursor old = *this;
      at_ = at_->next;
      return old;
    }
    bool operator==(const cursor&) const = default;

   private:
    friend class list;
    node* at_ = nullptr;
  };

 public:
  using value_type = T;
  using iterator = cursor<T>;
  using const_iterator = cursor<const T>;

  list() noexcept = default;
  list(std::initializer_list<T> values) {
    for (const T& value : values) push_back(value);
  }
  list(const list& other) {
    for (const T& value : other) push_back(value);
  }
  list(list&& other) noexcept { swap(other); }
  list& operator=(list other) noexcept {
    swap(other);
    return *this;
  }
  ~list() { clear(); }

  iterator begin() { return iterator(head_); }
  iterator end() { return iterator(); }
  const_iterator begin() const { return const_iterator(head_); }
  const_iterator end() const { return const_iterator(); }

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  T& front() { return head_->value; }
  const T& front() const { return head_->value; }
  T& back() { return tail_->value; }
  const T& back() const { return tail_->value; }
  // Walks: fine for the first few, use iterators in loops.
  T& operator[](std::size_t n) { return *std::next(begin(), static_cast<std::ptrdiff_t>(n)); }
  const T& operator[](std::size_t n) const { return *std::next(begin(), static_cast<std::ptrdiff_t>(n)); }

  T& push_back(T value) { return emplace_back(std::move(value)); }
  template <class... Args>
  T& emplace_back(Args&&... args) {
    return append(new node(std::forward<Args>(args)...));
  }
  // Appends an element that lives in `memory`, which must outlive the list. Falls back to the heap behind a heap element.
  template <class... Args>
  T& emplace_in(arena& memory, Args&&... args) {
    if (arena_nodes_ != size_) return emplace_back(std::forward<Args>(args)...);
    node* added = memory.make<node>(std::forward<Args>(args)...);
    ++arena_nodes_;
    return append(added);
  }

  // The last element, or end().
  iterator last() { return iterator(tail_); }
  // Removes the last element; `before` is what last() was before it was added.
  void drop_last(iterator before) noexcept {
    node* const gone = tail_;
    tail_ = before.at_;
    (tail_ != nullptr ? tail_->next : head_) = nullptr;
    --size_;
    if (arena_nodes_ > size_) {
      --arena_nodes_;
      gone->~node();
    } else {
      delete gone;
    }
  }

  void clear() noexcept {
    if (!std::is_trivially_destructible_v<T> || arena_nodes_ != size_) {
      for (node* at = head_; at != nullptr;) {
        node* following = at->next;
        if (arena_nodes_ > 0) {
          --arena_nodes_;
          at->~node();
        } else {
          delete at;
        }
        at = following;
      }
    }
    head_ = tail_ = nullptr;
    size_ = arena_nodes_ = 0;
  }

  void swap(list& other) noexcept {
    std::swap(head_, other.head_);
    std::swap(tail_, other.tail_);
    std::swap(size_, other.size_);
    std::swap(arena_nodes_, other.arena_nodes_);
  }

  friend bool operator==(const list& a, const list& b) {
    if (a.size_ != b.size_) return false;
    for (auto i = a.begin(), j = b.begin(); i != a.end(); ++i, ++j) {
      if (!(*i == *j)) return false;
    }
    return true;
  }

 private:
  T& append(node* added) noexcept {
    (tail_ != nullptr ? tail_->next : head_) = added;
    tail_ = added;
    ++size_;
    return added->value;
  }

  node* head_ = nullptr;
  node* tail_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t arena_nodes_ = 0;  // the first so many live in an arena
};

// An optional kept outside its owner, for large or recursive parts that are seldom there. Deep copies, null when moved from.
template <class T>
class box {
 public:
  box() noexcept = default;
  box(std::nullptr_t) noexcept {}
  box(T value) { emplace(std::move(value)); }
  box(const box& other) {
    if (other) emplace(*other);
  }
  box(box&& other) noexcept { swap(other); }
  box& operator=(box other) noexcept {
    swap(other);
    return *this;
  }
  ~box() { reset(); }

  template <class... Args>
  T& emplace(Args&&... args) {
    T* made = new T(std::forward<Args>(args)...);
    reset();
    at_ = made;
    on_heap_ = true;
    return *at_;
  }
  // As list::emplace_in.
  template <class... Args>
  T& emplace_in(arena& memory, Args&&... args) {
    T* made = memory.make<T>(std::forward<Args>(args)...);
    reset();
    at_ = made;
    on_heap_ = false;
    return *at_;
  }

  void reset() noexcept {
    if (at_ == nullptr) return;
    if (on_heap_) {
      delete at_;
    } else {
      at_->~T();
    }
    at_ = nullptr;
  }

  explicit operator bool() const noexcept { return at_ != nullptr; }
  bool has_value() const noexcept { return at_ != nullptr; }
  T& operator*() { return *at_; }
  const T& operator*() const { return *at_; }
  T* operator->() { return at_; }
  const T* operator->() const { return at_; }
  T* get() { return at_; }
  const T* get() const { return at_; }

  void swap(box& other) noexcept {
    std::swap(at_, other.at_);
    std::swap(on_heap_, other.on_heap_);
  }
  friend bool operator==(const box& a, const box& b) { return (a && b) ? *a == *b : a.has_value() == b.has_value(); }

 private:
  T* at_ = nullptr;
  bool on_heap_ = false;
};

}  // namespace agw::h248
