// The Media descriptor: termination state, and per stream the local control properties, the session descriptions and statistics
// (H.248.1 7.1.4 to 7.1.8), with the other descriptors about bearers: Mux, Modem, Statistics.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <agw/core/stream_mode.hpp>
#include <agw/h248/arena.hpp>
#include <agw/h248/ids.hpp>
#include <agw/h248/value.hpp>

namespace agw::h248 {

using agw::stream_mode;
enum class service_state : std::uint8_t { test, out_of_service, in_service };
enum class event_buffer_control : std::uint8_t { off, lock_step };

struct local_control {
  std::optional<stream_mode> mode{};
  std::optional<bool> reserve_value{};
  std::optional<bool> reserve_group{};
  list<property> properties{};
  bool operator==(const local_control&) const = default;
};

struct termination_state {
  std::optional<service_state> service{};
  std::optional<event_buffer_control> buffer{};
  list<property> properties{};
  bool operator==(const termination_state&) const = default;
};

// A name with its value, or without one when it is asked for or was never counted.
struct statistic {
  item_name name;
  value_set values{};
  bool operator==(const statistic&) const = default;
};

struct statistics_descriptor {
  list<statistic> entries{};
  bool operator==(const statistics_descriptor&) const = default;
};

// Local and Remote are opaque octets here, without the escapes of the text form and without white space around them. Given
// but empty means "nothing to receive (send)", which is not the same as not given.
struct stream_parameters {
  std::optional<local_control> control{};
  std::optional<std::string_view> local{};
  std::optional<std::string_view> remote{};
  box<statistics_descriptor> statistics{};  // version 3
  bool operator==(const stream_parameters&) const = default;
};

struct stream_descriptor {
  stream_id id{1};
  stream_parameters parameters{};
  bool operator==(const stream_descriptor&) const = default;
};

// Either `single` (the stream id is left out, which means 1) or `streams`, never both.
struct media_descriptor {
  std::optional<termination_state> state{};
  box<stream_parameters> single{};
  list<stream_descriptor> streams{};

  // Calls f(stream_id, const stream_parameters&) for each stream, whichever form it has.
  template <class F>
  void for_each_stream(F&& f) const {
    if (single) f(stream_id{1}, *single);
    for (const auto& stream : streams) f(stream.id, stream.parameters);
  }
  // Null if the stream is not mentioned.
  const stream_parameters* find(stream_id id) const noexcept {
    if (single && id.value == 1) return single.get();
    for (const auto& stream : streams) {
      if (stream.id == id) return &stream.parameters;
    }
    return nullptr;
  }
  bool operator==(const media_descriptor&) const = default;
};

enum class mux_type : std::uint8_t { h221, h223, h226, v76, nx64k, extension };

struct mux_descriptor {
  mux_type type = mux_type::h221;
  std::string_view extension{};  // X-name, for mux_type::extension
  list<termination_id> terminations{};
  bool operator==(const mux_descriptor&) const = default;
};

enum class modem_type : std::uint8_t { v18, v22, v22bis, v32, v32bis, v34, v90, v91, synch_isdn, extension };

struct modem_kind {
  modem_type type = modem_type::v18;
  std::string_view extension{};
  bool operator==(const modem_kind&) const = default;
};

struct modem_descriptor {
  list<modem_kind> types{};
  list<property> properties{};
  bool operator==(const modem_descriptor&) const = default;
};

}  // namespace agw::h248
