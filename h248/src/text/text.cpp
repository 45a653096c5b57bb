#include <agw/h248/text.hpp>

#include <utility>

#include "text/parser.hpp"
#include "text/writer.hpp"

namespace agw::h248 {

namespace {

#ifdef __has_feature
#define AGW_FEATURE(name) __has_feature(name)
#else
#define AGW_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || AGW_FEATURE(address_sanitizer)
constexpr bool keeps_memory = false;  // the sanitizer has to see the use of a message that was freed
#else
constexpr bool keeps_memory = true;
#endif
#undef AGW_FEATURE

// Each message takes 17 KB: a thread keeps the memory of the last message for the next one.
struct spare_memory {
  void* at = nullptr;
  ~spare_memory() { ::operator delete(at); }
};
thread_local spare_memory spare;

}  // namespace

struct parsed_message::state {
  state() {}  // not an implicit one: that would clear the arena's block
  ~state() {
    if (altered) value.~message();
  }
  state(const state&) = delete;
  static void* operator new(std::size_t bytes) {
    void* const kept = std::exchange(spare.at, nullptr);
    return kept != nullptr ? kept : ::operator new(bytes);
  }
  static void operator delete(void* at) {
    if (keeps_memory && spare.at == nullptr) spare.at = at;
    else ::operator delete(at);
  }

  arena memory;
  std::string owned;
  std::string_view text;
  // The parser builds everything in the arena, which frees it all at once. Only a message that was altered may own memory of the heap,
  // and only then its destructor runs.
  message& value = *memory.make<message>();
  bool altered = false;
  list<parse_error> errors;
  list<parse_deviation> deviations;
  bool readable = false;
};

parsed_message::parsed_message(std::unique_ptr<state> at) noexcept : at_(std::move(at)) {}
parsed_message::parsed_message(parsed_message&&) noexcept = default;
parsed_message& parsed_message::operator=(parsed_message&&) noexcept = default;
parsed_message::~parsed_message() = default;

const message& parsed_message::operator*() const noexcept { return at_->value; }
const message* parsed_message::operator->() const noexcept { return &at_->value; }
message& parsed_message::get() noexcept {
  at_->altered = true;
  return at_->value;
}
bool parsed_message::readable() const noexcept { return at_->readable; }
const list<parse_error>& parsed_message::errors() const noexcept { return at_->errors; }
const list<parse_deviation>& parsed_message::deviations() const noexcept { return at_->deviations; }
std::string_view parsed_message::text() const noexcept { return at_->text; }
arena& parsed_message::memory() noexcept { return at_->memory; }

class text_parser {
 public:
  static parsed_message run(std::string owned, const std::string* view, const parse_limits& limits) {
    auto at = std::make_unique<parsed_message::state>();
    at->owned = std::move(owned);
    at->text = view != nullptr ? *view : at->owned;
    at->readable = text::parser(at->text, at->memory, at->errors, at->deviations, limits).parse(at->value);
    return parsed_message(std::move(at));
  }
};

parsed_message parse(std::string text, const parse_limits& limits) { return text_parser::run(std::move(text), nullptr, limits); }
parsed_message parse_view(const std::string& text, const parse_limits& limits) { return text_parser::run({}, &text, limits); }

void write_header(std::string& out, const message& m, layout style) { text::writer(out, style, m.version).header(m); }

void write_transaction(std::string& out, const transaction& t, std::uint8_t version, layout style) {
  text::writer(out, style, version).item(t);
}

void write(std::string& out, const message& m, layout style) {
  text::writer w(out, style, m.version);
  w.header(m);
  if (m.error) {
    w.error(*m.error);
    if (style == layout::pretty) out += '\n';
  }
  for (const auto& t : m.transactions) w.item(t);
}

std::string to_text(const message& m, layout style) {
  std::string out;
  out.reserve(1024);
  write(out, m, style);
  return out;
}

}  // namespace agw::h248
