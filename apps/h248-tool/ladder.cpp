#include "ladder.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <ostream>
#include <tuple>
#include <vector>

#include <agw/h248/profile_check.hpp>
#include <agw/h248/text.hpp>

namespace agw::h248_tool {
namespace {

using namespace agw::h248;

struct row {
  std::int64_t time_us = 0;
  std::string from, to, what;
  std::vector<std::string> notes;
  bool request = false;
  std::string answer;  // beside the request
};

std::string seconds(std::int64_t us) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6f", static_cast<double>(us) / 1e6);
  return text;
}

std::string milliseconds(std::int64_t us) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f ms", static_cast<double>(us) / 1e3);
  return text;
}

std::string context_name(context_id id) {
  if (id.is_null()) return "-";
  if (id.is_choose()) return "$";
  if (id.is_all()) return "*";
  return std::to_string(id.value);
}

std::string error_text(const error_descriptor& e) {
  std::string out = "Error " + std::to_string(static_cast<unsigned>(e.code));
  const auto known = to_text(e.code);
  if (!known.empty()) (out += ' ') += known;
  return out;
}

std::string describe(const list<action>& actions) {
  static constexpr std::string_view words[] = {"Add", "Move", "Modify", "Subtract",
                                               "AuditValue", "AuditCapability", "Notify", "ServiceChange"};
  std::string out;
  for (const auto& a : actions) {
    out += " C " + context_name(a.context);
    const char* before = " ";
    for (const auto& c : a.commands) {
      ((out += before) += words[static_cast<std::size_t>(c.kind)]) += ' ';
      out += c.terminations.empty() ? std::string_view("-") : c.termination().name;
      if (const auto* services = c.find<services_descriptor>(); services != nullptr && services->reason) {
        ((out += " (") += services->reason->text) += ')';
      }
      if (const auto* seen = c.find<observed_events_descriptor>()) {
        for (const auto& event : seen->events) {
          ((((out += ' ') += event.name.package) += '/') += event.name.item);
        }
      }
      if (const auto* failed = c.error()) (out += ' ') += error_text(*failed);
      before = ", ";
    }
    if (a.error) (out += ' ') += error_text(*a.error);
  }
  return out;
}

class ladder {
 public:
  // Requester, responder, transaction; a reply is looked up with the two exchanged.
  using key = std::tuple<std::string, std::string, std::uint32_t>;

  void message(const captured_message& m, bool profile) {
    const parsed_message read = parse(m.text, parse_limits{.max_bytes = 1u << 20, .max_memory_bytes = 64u << 20});
    for (const auto& e : read.errors()) {
      row& broken = add(m, "unreadable");
      broken.what = "frame " + std::to_string(m.frame) + " line " + std::to_string(e.line) + " column " +
                    std::to_string(e.column) + ": error " + std::to_string(static_cast<unsigned>(e.code)) +
                    ": expected " + std::string(e.expected);
      good_ = false;
    }
    if (!read.readable()) return;
    if (read->error) add(m, error_text(*read->error));
    const std::size_t first = rows_.size();
    for (const auto& t : read->transactions) std::visit([&](const auto& one) { item(m, one); }, t);
    if (!profile) return;
    for (const auto& refused : check_profile(*read)) {
      good_ = false;
      auto note = "refused " + to_text(refused);
      if (first < rows_.size()) rows_[first].notes.push_back(std::move(note));
    }
  }

  bool print(std::ostream& out) {
    std::size_t left = 0, width = 0;
    for (const auto& r : rows_) {
      left = std::max(left, r.from.size());
      width = std::max(width, r.to.size());
    }
    for (auto& r : rows_) {
      for (char& c : r.what) c = static_cast<unsigned char>(c) < ' ' ? ' ' : c;
      std::string time = seconds(r.time_us);
      if (time.size() < 12) time.insert(0, 12 - time.size(), ' ');
      out << time << "  " << r.from << std::string(left - r.from.size(), ' ') << " -> " << r.to
          << std::string(width - r.to.size(), ' ') << "  " << r.what;
      if (r.request) out << "   <= " << (r.answer.empty() ? "UNANSWERED" : r.answer);
      out << '\n';
      for (const auto& note : r.notes) out << std::string(14, ' ') << note << '\n';
    }
    return good_;
  }

 private:
  row& add(const captured_message& m, std::string what) {
    row& r = rows_.emplace_back();
    r.time_us = m.time_us;
    r.from = m.from;
    r.to = m.to;
    r.what = std::move(what);
    return r;
  }

  void item(const captured_message& m, const transaction_request& t) {
    row& r = add(m, "Transaction " + std::to_string(t.id.value) + describe(t.actions));
    asked now;
    now.row = rows_.size() - 1;
    now.last_us = m.time_us;
    write_transaction(now.text, transaction(t), 3);
    const auto [at, fresh] = requests_.try_emplace(key{m.from, m.to, t.id.value}, now);
    // An id may be used again with other content, or after LONG-TIMER.
    const bool again = !fresh && at->second.text == now.text && m.time_us - at->second.last_us <= long_timer_us;
    if (again) {
      at->second.last_us = m.time_us;
      r.what += "   RETRANSMISSION of " + seconds(rows_[at->second.row].time_us);
    } else {
      r.request = true;
      at->second = std::move(now);
    }
  }

  // The request that is answered; replies may come from another address than it went to, and go to another.
  std::optional<std::size_t> request_of(const captured_message& m, std::uint32_t id) const {
    if (const auto at = requests_.find(key{m.to, m.from, id}); at != requests_.end()) return at->second.row;
    const std::string start = "Transaction " + std::to_string(id) + ' ';
    const std::size_t oldest = rows_.size() > 1000 ? rows_.size() - 1000 : 0;
    for (auto i = rows_.size(); i-- > oldest;) {
      if (rows_[i].request && rows_[i].from == m.to && rows_[i].what.starts_with(start)) return i;
    }
    return std::nullopt;
  }

  void item(const captured_message& m, const transaction_reply& t) {
    std::string what = "Reply " + std::to_string(t.id.value);
    if (t.segment) what += "/" + std::to_string(t.segment->number) + (t.segment->last ? "/END" : "");
    what += t.error ? ' ' + error_text(*t.error) : describe(t.actions);
    const auto found = request_of(m, t.id.value);
    if (!found) {
      add(m, what + "   to nothing seen");
      return;
    }
    row& request = rows_[*found];
    const std::string after = "+" + milliseconds(m.time_us - request.time_us) + " " + what;
    if (request.answer.empty()) {
      request.answer = after;
    } else if (t.segment) {
      request.notes.push_back("<= " + after);
    } else {
      add(m, what + "   RETRANSMISSION");
    }
  }

  void item(const captured_message& m, const transaction_pending& t) {
    const auto found = request_of(m, t.id.value);
    if (!found) {
      add(m, "Pending " + std::to_string(t.id.value) + "   to nothing seen");
    } else {
      rows_[*found].notes.push_back("<= +" + milliseconds(m.time_us - rows_[*found].time_us) + " Pending");
    }
  }

  void item(const captured_message& m, const transaction_ack& t) {
    std::string what = "TransactionResponseAck";
    for (const auto& range : t.ranges) {
      (what += ' ') += std::to_string(range.first.value);
      if (range.last != range.first) what += "-" + std::to_string(range.last.value);
    }
    add(m, std::move(what));
  }

  void item(const captured_message& m, const segment_reply& t) {
    add(m, "Segment " + std::to_string(t.id.value) + "/" + std::to_string(t.segment.number) + (t.segment.last ? "/END" : ""));
  }

  struct asked {
    std::size_t row = 0;
    std::int64_t last_us = 0;  // when it was last sent
    std::string text;
  };
  static constexpr std::int64_t long_timer_us = 30'000'000;  // LONG-TIMER

  std::vector<row> rows_;
  std::map<key, asked> requests_;
  bool good_ = true;
};

}  // namespace

bool print_ladder(std::ostream& out, const capture& from, bool profile) {
  ladder all;
  for (const auto& m : from.messages) all.message(m, profile);
  const bool good = all.print(out);
  out << what_is_missing(from);
  return good;
}

}  // namespace agw::h248_tool
