#include <agw/h248/reply_size.hpp>

#include <variant>

namespace agw::h248 {
namespace {

// Counts octets. What the writer replaces is of the same length; escapes make the text longer only.
class counter {
 public:
  void text(std::string_view t) noexcept { octets_ += t.size(); }
  void fixed(std::size_t n) noexcept { octets_ += n; }
  void number(std::uint64_t n) noexcept {
    do {
      ++octets_;
      n /= 10;
    } while (n != 0);
  }
  std::size_t octets() const noexcept { return octets_; }

 private:
  std::size_t octets_ = 0;
};

// FNV-1a over what the elements say, without regard to case.
class hasher {
 public:
  void text(std::string_view t) noexcept {
    for (const char c : t) octet(static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
    octet(0);
  }
  void fixed(std::size_t n) noexcept { number(n); }
  void number(std::uint64_t n) noexcept {
    for (int shift = 0; shift < 64; shift += 8) octet(static_cast<unsigned char>(n >> shift));
  }
  std::uint64_t digest() const noexcept { return digest_; }

 private:
  void octet(unsigned char c) noexcept { digest_ = (digest_ ^ c) * 0x100000001b3u; }
  std::uint64_t digest_ = 0xcbf29ce484222325u;
};

// Visits the elements of a reply. The figures are those of the short tokens with "=", "{" and "}".
template <class Sink>
class visitor {
 public:
  explicit visitor(Sink& sink) : sink_(sink) {}

  void operator()(const media_descriptor& m) {
    sink_.fixed(3);  // M{}
    if (m.state) {
      sink_.fixed(4 + (m.state->service ? 5 : 0) + (m.state->buffer ? 5 : 0));
      all(m.state->properties);
    }
    if (m.single) (*this)(*m.single);
    for (const auto& s : m.streams) {
      sink_.fixed(5);  // ST=1{}
      sink_.number(s.id.value);
      (*this)(s.parameters);
    }
  }
  void operator()(const stream_parameters& s) {
    if (s.control) {
      sink_.fixed(3 + (s.control->mode ? 5 : 0) + (s.control->reserve_value ? 5 : 0) + (s.control->reserve_group ? 5 : 0));
      all(s.control->properties);
    }
    if (s.local) session(*s.local);
    if (s.remote) session(*s.remote);
    if (s.statistics) (*this)(*s.statistics);
  }
  void operator()(const statistics_descriptor& s) {
    sink_.fixed(2);
    for (const auto& entry : s.entries) one(entry.name, entry.values);
  }
  void operator()(const events_descriptor& e) {
    sink_.fixed(1);
    if (e.events.empty()) return;
    sink_.fixed(4);
    for (const auto& one_of : e.events) {
      name(one_of.name);
      parameters(one_of.parameters);
      if (one_of.embedded) embedded(*one_of.embedded);
      if (one_of.behaviour) embedded(one_of.behaviour->embedded);
      if (one_of.digit_map) (*this)(*one_of.digit_map);
    }
  }
  void operator()(const signals_descriptor& s) {
    sink_.fixed(2);
    for (const auto& entry : s.entries) {
      if (const auto* single = std::get_if<signal_request>(&entry)) {
        signal(*single);
        continue;
      }
      sink_.fixed(4);
      for (const auto& in_list : std::get<signal_list>(entry).signals) signal(in_list);
    }
  }
  void operator()(const audit_descriptor& a) { sink_.fixed(4 + a.items.size()); }
  void operator()(const observed_events_descriptor& o) {
    sink_.fixed(6);
    for (const auto& seen : o.events) {
      sink_.fixed(seen.time ? 18 : 0);
      name(seen.name);
      parameters(seen.parameters);
    }
  }
  void operator()(const error_descriptor& e) {
    sink_.fixed(6);  // ER=1{}
    sink_.text(e.text);
  }
  void operator()(const services_descriptor& s) {
    sink_.fixed(4);
    if (s.profile) sink_.text(s.profile->name);
    if (s.reason) sink_.text(s.reason->text);
    if (s.mgc_to_try) sink_.text(s.mgc_to_try->text);
    parameters(s.extensions);
  }
  void operator()(const packages_descriptor& p) {
    sink_.fixed(2);
    for (const auto& entry : p.packages) {
      sink_.fixed(1);
      sink_.text(entry.name);
      sink_.number(entry.version);
    }
  }
  void operator()(const event_buffer_descriptor& b) {
    sink_.fixed(2);
    for (const auto& spec : b.events) {
      name(spec.name);
      parameters(spec.parameters);
    }
  }
  void operator()(const digit_map_descriptor& d) {
    sink_.fixed(3);
    sink_.text(d.name);
    if (d.value) sink_.text(d.value->body);
  }
  void operator()(const mux_descriptor& m) {
    sink_.fixed(5);
    for (const auto& t : m.terminations) sink_.text(t.name);
  }
  void operator()(const modem_descriptor& m) {
    sink_.fixed(4);
    all(m.properties);
  }
  void operator()(audit_token) { sink_.fixed(1); }

  void answer(const command& c) {
    sink_.fixed(2);  // A=
    for (const auto& t : c.terminations) sink_.text(t.name);
    for (const auto& d : c.descriptors) {
      sink_.fixed(1);
      std::visit(*this, d);
    }
  }
  void context(const context_properties& p) {
    for (const auto& triple : p.topology) {
      sink_.fixed(4);
      sink_.text(triple.a.name);
      sink_.text(triple.b.name);
    }
    for (const auto id : p.contexts) sink_.number(id.is_specific() ? id.value : 0);
    all(p.attributes);
  }
  void reply(const transaction_reply& t) {
    sink_.fixed(4);
    if (t.error) (*this)(*t.error);
    for (const auto& a : t.actions) {
      sink_.fixed(3);
      context(a.properties);
      for (const auto& c : a.commands) answer(c);
      if (a.error) (*this)(*a.error);
    }
  }

 private:
  void name(item_name n) {
    sink_.fixed(1);
    sink_.text(n.package);
    sink_.text(n.item);
  }
  void values(const value_set& v) {
    for (const auto& one_of : v.values) {
      sink_.fixed(1);
      sink_.text(one_of.text);
    }
  }
  void one(item_name n, const value_set& v) {
    name(n);
    values(v);
  }
  void all(const list<property>& properties) {
    for (const auto& p : properties) one(p.name, p.values);
  }
  void parameters(const list<parameter>& of) {
    for (const auto& p : of) {
      sink_.text(p.name);
      values(p.values);
    }
  }
  void session(std::string_view octets) {
    sink_.fixed(3);  // L{}
    sink_.text(octets);
  }
  void signal(const signal_request& s) {
    name(s.name);
    parameters(s.parameters);
  }
  void embedded(const embedded_descriptors& e) {
    if (e.signals) (*this)(*e.signals);
    if (e.events) (*this)(*e.events);
  }

  Sink& sink_;
};

template <class F>
std::size_t counted(F&& walk) noexcept {
  counter octets;
  visitor<counter> through(octets);
  walk(through);
  return octets.octets();
}

}  // namespace

std::size_t octets_of(const descriptor& d) noexcept {
  return counted([&](auto& through) { std::visit(through, d); });
}
std::size_t octets_of(const command& answer) noexcept {
  return counted([&](auto& through) { through.answer(answer); });
}
std::size_t octets_of(const context_properties& p) noexcept {
  return counted([&](auto& through) { through.context(p); });
}
std::size_t octets_of(const transaction_reply& reply) noexcept {
  return counted([&](auto& through) { through.reply(reply); });
}

std::uint64_t digest_of(const descriptor& d) noexcept {
  hasher digest;
  digest.number(d.index());
  visitor<hasher> through(digest);
  std::visit(through, d);
  return digest.digest();
}

}  // namespace agw::h248
