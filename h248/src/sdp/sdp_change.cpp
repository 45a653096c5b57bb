// Changes to a description: values that the gateway chose, lines that are added, replaced or removed.
#include <algorithm>
#include <utility>

#include <agw/h248/ascii.hpp>
#include <agw/h248/sdp.hpp>

namespace agw::h248 {

namespace {

// The c= line, if the gateway is asked to choose its address.
std::optional<sdp_connection> asked_connection(const sdp_line& line) {
  if (line.type != 'c') return std::nullopt;
  auto read = sdp_connection::parse(line.value);
  return read && read->choose() ? read : std::nullopt;
}

bool is_ip6(std::string_view address) noexcept { return address.find(':') != std::string_view::npos; }
bool answers(const sdp_connection& asked, std::string_view address) noexcept {
  return asked.any_family || !asked.ip6 || is_ip6(address);
}

}  // namespace

bool sdp::takes_address(std::string_view address) const {
  return std::ranges::all_of(lines_, [address](const sdp_line& line) {
    const auto asked = asked_connection(line);
    return !asked || answers(*asked, address);
  });
}

bool sdp::fill_address(std::string_view address) {
  const bool all = takes_address(address);
  bool asked = false;
  for (auto& line : lines_) {
    auto wanted = asked_connection(line);
    if (!wanted || !answers(*wanted, address)) continue;
    wanted->address = address;
    wanted->ip6 = is_ip6(address);
    wanted->any_family = false;
    line.value = wanted->to_text();
    asked = true;
  }
  return asked && all;
}

bool sdp::fill_port(std::uint16_t port) {
  for (auto& line : lines_) {
    if (line.type != 'm') continue;
    auto described = sdp_media::parse(line.value);
    if (!described || !described->port.choose) continue;
    described->port = choosable::of(port);
    line.value = described->to_text();
    return true;
  }
  return false;
}

bool sdp::fill_attribute(std::string_view name, std::string_view value) {
  bool asked = false;
  for (auto& line : lines_) {
    if (line.type != 'a' || !iequals(line.name(), name) || line.argument() != "$") continue;
    line.value.replace(line.value.size() - 1, 1, value);
    asked = true;
  }
  return asked;
}

bool sdp::fill_fingerprint(std::string_view hash, std::string_view value) {
  bool asked = false;
  for (auto& line : lines_) {
    if (line.type != 'a' || !iequals(line.name(), "fingerprint")) continue;
    auto wanted = sdp_fingerprint::parse(line.argument());
    if (!wanted || !wanted->choose() || !iequals(wanted->hash, hash)) continue;
    line.value.replace(line.value.size() - 1, 1, value);
    asked = true;
  }
  return asked;
}

bool sdp::fill_candidates(const std::vector<sdp_candidate>& found) {
  const auto at = std::ranges::find_if(lines_, [](const sdp_line& line) {
    return line.type == 'a' && iequals(line.name(), "candidate") && line.argument() == "$";
  });
  if (at == lines_.end()) return false;
  std::vector<sdp_line> given;
  given.reserve(found.size());
  for (const auto& candidate : found) given.push_back({'a', "candidate:" + candidate.to_text()});
  const auto behind = lines_.erase(at);
  lines_.insert(behind, std::make_move_iterator(given.begin()), std::make_move_iterator(given.end()));
  return true;
}

bool sdp::fill_dcmap_id(std::uint16_t id) {
  bool asked = false;
  for (auto& line : lines_) {
    if (line.type != 'a') continue;
    const bool map = iequals(line.name(), "dcmap");
    if ((!map && !iequals(line.name(), "dcsa")) || (map && asked)) continue;
    const auto argument = line.argument();
    if (argument != "$" && !argument.starts_with("$ ")) continue;
    line.value.replace(line.value.size() - argument.size(), 1, std::to_string(id));
    asked = asked || map;
  }
  return asked;
}

sdp& sdp::add(char type, std::string value) {
  lines_.push_back({type, std::move(value)});
  return *this;
}

sdp& sdp::add_attribute(std::string_view name, std::string_view value) {
  std::string text(name);
  if (!value.empty()) (text += ':') += value;
  return add('a', std::move(text));
}

sdp& sdp::set_attribute(std::string_view name, std::string_view value) {
  for (auto& line : lines_) {
    if (line.type != 'a' || !iequals(line.name(), name)) continue;
    line.value.assign(name);
    if (!value.empty()) (line.value += ':') += value;
    return *this;
  }
  return add_attribute(name, value);
}

void sdp::remove_attributes(std::string_view name) {
  std::erase_if(lines_, [name](const sdp_line& line) { return line.type == 'a' && iequals(line.name(), name); });
}

}  // namespace agw::h248
