// Writes messages, compact or pretty. Knows the layout in one place (begin, next, end); everything else is the grammar.
#pragma once

#include <charconv>
#include <string>
#include <string_view>

#include <agw/h248/message.hpp>
#include <agw/h248/text.hpp>

#include "text/tokens.hpp"

namespace agw::h248::text {

class writer {
 public:
  writer(std::string& out, layout style, std::uint8_t version) : out_(out), pretty_(style == layout::pretty), version_(version) {}

  // write_message.cpp
  void header(const message& m);
  void item(const transaction& t);
  void error(const error_descriptor& e);

 private:
  void actions(const list<action>& all, bool reply);
  void one_action(const action& a, bool reply);
  void properties(const context_properties& p);
  void emergency(bool on);
  void topology(const list<topology_triple>& all);
  void audit_of_context(const context_audit& a);
  void context(context_id id);
  void id(const mid& m);
  void segment(const reply_segment& s);
  void body(const transaction_request& t);
  void body(const transaction_reply& t);
  void body(const transaction_pending& t);
  void body(const transaction_ack& t);
  void body(const segment_reply& t);

  // write_command.cpp
  void one_command(const command& c);
  void terminations(const list<termination_id>& all);
  void one(const media_descriptor& m);
  void one(const statistics_descriptor& s);
  void one(const error_descriptor& e) { error(e); }
  void one(const services_descriptor& s);
  void one(const packages_descriptor& p);
  void one(const mux_descriptor& m);
  void one(const modem_descriptor& m);
  void one(audit_token t);
  void stream_parts(const stream_parameters& s);
  void session(token t, std::string_view octets);
  void one_property(const property& p);
  void package(const package_version& p);

  // write_events.cpp
  void one(const events_descriptor& e);
  void one(const event_buffer_descriptor& b);
  void one(const observed_events_descriptor& o);
  void one(const signals_descriptor& s);
  void one(const digit_map_descriptor& d);
  void event(const requested_event& e);
  void embed(const embedded_descriptors& e);
  void signal(const signal_request& s);
  void signal_entries(const list<signal_entry>& entries);
  void stream(stream_id id);
  void request(request_id id);
  void parameters(const std::optional<stream_id>& stream_of, const list<parameter>& all);
  void digit_map_value_of(const digit_map_value& v);

  // write_audit.cpp
  void one(const audit_descriptor& a);
  void audits(const list<audit_item>& items);
  void one(const audit_media& a);
  void one(const audit_events& a);
  void one(const audit_event_buffer& a);
  void one(const audit_signals& a);
  void one(const audit_digit_map& a);
  void one(const audit_statistics& a);
  void one(const audit_packages& a);
  void audit_stream_parts(const audit_stream& s);
  void names(const list<item_name>& all);

  // Layout.
  void word(token t) { out_ += pretty_ ? long_name(t) : short_name(t); }
  void equals() { out_ += pretty_ ? " = " : "="; }
  void word_equals(token t) {
    word(t);
    equals();
  }
  void line() {
    if (!pretty_) return;
    out_ += '\n';
    out_.append(indent_, ' ');
  }
  void begin() {
    out_ += pretty_ ? " {" : "{";
    ++indent_;
    first_ = true;
  }
  void next() {
    if (!first_) out_ += ',';
    line();
    first_ = false;
  }
  void end() {
    --indent_;
    line();
    out_ += '}';
    first_ = false;
  }
  void number(std::uint64_t n) {
    char digits[20];
    const auto done = std::to_chars(digits, digits + sizeof digits, n);
    out_.append(digits, done.ptr);
  }
  void padded(std::uint32_t n);
  void name(item_name n) {
    out_ += n.package;
    out_ += '/';
    out_ += n.item;
  }
  void quoted(std::string_view text);
  void one_value(value v);
  void values(const value_set& v);
  void relation_sign(relation r);
  void time(time_stamp t);
  void on_off(bool on) { out_ += on ? "ON" : "OFF"; }

  std::string& out_;
  bool pretty_;
  std::uint8_t version_;
  std::size_t indent_ = 0;
  bool first_ = true;
};

}  // namespace agw::h248::text
